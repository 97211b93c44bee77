/* What a format is to report.c, and what several formats share. */
#ifndef IFX_REPORT_FORMAT_H
#define IFX_REPORT_FORMAT_H

#include "report/position.h"

struct ifx_failure {
	ifx_str path, message;
	const char *rule;
};

/** Each call but `file` may be NULL: nothing is written then. A file is counted before it is told.
 */
struct ifx_report_format {
	const char *name;
	bool wants_edits;
	void (*begin)(struct ifx_reporter *rep, struct ifx_buf *out);
	void (*file)(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems);
	void (*failure)(struct ifx_reporter *rep, const struct ifx_failure *failure,
			struct ifx_buf *out);
	void (*end)(struct ifx_reporter *rep, struct ifx_buf *out);
};

extern const struct ifx_report_format ifx_report_text, ifx_report_json, ifx_report_sarif,
	ifx_report_github, ifx_report_gitlab, ifx_report_junit;

/** It was fixed, and the file was written: a report of what there is to do has no place for it. */
static inline bool ifx_is_gone(const struct ifx_file_report *file, const struct ifx_finding *f)
{
	return f->applied && file->written;
}

/** As ifx_path_below: what a service that shows files of a repository looks them up by. */
void ifx_add_repository_path(struct ifx_buf *out, ifx_str path);

#endif
