/*
 * Findings as text or JSON. Nothing here writes to a file descriptor: bytes go to a buffer,
 * and main decides where they end.
 */
#ifndef IFX_IO_REPORT_H
#define IFX_IO_REPORT_H

#include "rule/finding.h"

/** All that one input file left behind. */
struct ifx_file_report {
	ifx_str path;   /* as the user typed it */
	ifx_str before; /* the bytes read */
	ifx_str after; /* the bytes that were, or would be, written; same ptr as before if unchanged
			*/
	const struct ifx_edits *edits;             /* before -> after */
	const struct ifx_finding *const *findings; /* in file order */
	size_t n_findings;
	bool written;   /* `after` is on the disk: places of what is left are its places */
	bool only_left; /* text: applied findings are not worth a line */
};

/** ifx_report_file counts all of this but `failed`, which is the caller's. */
struct ifx_tally {
	size_t files, changed, failed;
	size_t fixed, fixable; /* fixes that are part of the result; that the level held back */
	size_t held_choice;    /* of those held back: waiting for --choose */
	size_t left[3];        /* findings that are not part of the result, by severity */
	size_t seen[3];        /* all of them */
};

enum { IFX_FORMAT_TEXT, IFX_FORMAT_JSON };

struct ifx_reporter {
	int format;
	bool color;
	bool verbose;
	size_t n_json; /* results written so far */
	struct ifx_tally tally;
};

/** Opens the JSON object; nothing for text. */
void ifx_report_begin(struct ifx_reporter *rep, struct ifx_buf *out);
/**
 * `path:line:col: severity: message; help; not fixed: why (hint) [rule IST0000]` per finding. The
 * hint is `fix: LEVEL` or `choose: rule=a|b`. With `only_left` the applied findings are left out,
 * unless verbose. What could end the line or steer a terminal is escaped.
 *
 * JSON: every finding. Places are those of the text; offsets in `edits` count in `before`.
 *
 * Linear in the file as long as the findings are in file order.
 */
void ifx_report_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out);
/** Closes the JSON object with its summary; nothing for text. */
void ifx_report_end(struct ifx_reporter *rep, struct ifx_buf *out);
/** One line for a person: what was fixed, what is left, what was held back. */
void ifx_report_summary(const struct ifx_reporter *rep, bool wrote, struct ifx_buf *out);

/**
 * Line and column, both from 1, column in Unicode code points, of byte `at`. A byte order mark at
 * the start takes no column; only "\n" ends a line.
 */
void ifx_line_column(ifx_str text, size_t at, size_t *line, size_t *column);

#endif
