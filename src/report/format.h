/* What a format is to report.c, and what several formats share. */
#ifndef IFX_REPORT_FORMAT_H
#define IFX_REPORT_FORMAT_H

#include "report/position.h"

/** Each call may be NULL: nothing is written then. The findings of a file are counted before it. */
struct ifx_report_format {
	const char *name;
	void (*begin)(struct ifx_reporter *rep, struct ifx_buf *out);
	void (*file)(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems);
	void (*end)(struct ifx_reporter *rep, struct ifx_buf *out);
};

extern const struct ifx_report_format ifx_report_text, ifx_report_json;

#endif
