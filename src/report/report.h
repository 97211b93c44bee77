/*
 * Findings for people and machines: one file of this room per format. Nothing here writes to a file
 * descriptor: bytes go to buffers, and the run decides where they end.
 *
 * A report is begin, then files and failures as they come, then end. Everything between is complete
 * after each call, so that what was said can be written at any time.
 */
#ifndef IFX_REPORT_REPORT_H
#define IFX_REPORT_REPORT_H

#include "rule/finding.h"

/** All that one input file left behind. */
struct ifx_file_report {
	ifx_str path;   /* as the user typed it */
	ifx_str before; /* the bytes read */
	ifx_str after; /* the bytes that were, or would be, written; same ptr as before if unchanged
			*/
	const struct ifx_edits *edits;             /* before -> after */
	const struct ifx_finding *const *findings; /* problems of the text first; each kind in file
						      order */
	size_t n_findings;
	size_t n_problems; /* how many of them are no findings but reasons to leave the file alone
			    */
	bool written;      /* `after` is on the disk: places of what is left are its places */
	bool only_left;    /* text: applied findings are not worth a line */
};

/** Problems of a text count nowhere; `failed` is the caller's. */
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
	bool verbose;
	bool color, color_problems; /* text: escape sequences in findings, in problems */
	size_t n_results;           /* written so far */
	struct ifx_tally tally;
};

/** "text", "json", ...; NULL behind the last. */
const char *ifx_report_format_name(int format);

/** Opens the report; nothing for text. */
void ifx_report_begin(struct ifx_reporter *rep, struct ifx_buf *out);
/**
 * Text: `path:line:col: severity: message; help; not fixed: why (hint) [rule IST0000]` per finding.
 * The hint is `fix: LEVEL` or `choose: rule=a|b`. With `only_left` the applied findings are left
 * out, unless verbose. What could end the line or steer a terminal is escaped.
 *
 * JSON: every finding. Places are those of the text; offsets in `edits` count in `before`.
 *
 * problems  where text tells problems; all else goes to `out`. May be the same buffer.
 *
 * Linear in the file as long as the findings are in file order.
 */
void ifx_report_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems);
/** Closes the report, with the summary where the format has one; nothing for text. */
void ifx_report_end(struct ifx_reporter *rep, struct ifx_buf *out);
/** One line for a person: what was fixed, what is left, what was held back. */
void ifx_report_summary(const struct ifx_reporter *rep, bool wrote, struct ifx_buf *out);

#endif
