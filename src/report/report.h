/*
 * Findings for people and machines: one file of this room per format. Nothing here writes to a file
 * descriptor: bytes go to buffers, and the run decides where they end.
 *
 * A report is begin, then files and failures as they come, then end. Everything between is complete
 * after each call, so that what was said can be written at any time.
 */
#ifndef IFX_REPORT_REPORT_H
#define IFX_REPORT_REPORT_H

#include "report/tally.h"

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

enum {
	IFX_FORMAT_TEXT,
	IFX_FORMAT_JSON,
	IFX_FORMAT_SARIF,
	IFX_FORMAT_GITHUB,
	IFX_FORMAT_GITLAB,
	IFX_FORMAT_JUNIT,
};

/** What is known of a rule. */
struct ifx_rule_page {
	ifx_str summary, source;
	struct ifx_buf text; /* Markdown, whole */
};

/** All zero but for what the caller wants otherwise; to be released. */
struct ifx_reporter {
	int format;
	bool verbose;
	bool statistics;            /* JSON: with counts per rule */
	bool color, color_problems; /* text: escape sequences in findings, in problems */
	/* Fills in what is known of a rule, the texts as long as they are needed. May be NULL. */
	void (*describe)(void *data, const char *rule, struct ifx_rule_page *page);
	void *describe_data;
	bool failed; /* to be known by the end: something that was asked for was not done */
	struct ifx_tally tally;
	size_t n_results, n_failures; /* written so far */
	struct ifx_buf failures;      /* of formats that tell them at the end */
};

/** "text", "json", ...; NULL behind the last. */
const char *ifx_report_format_name(int format);

/** Shall findings tell their own edits? */
bool ifx_report_wants_edits(int format);

void ifx_reporter_release(struct ifx_reporter *rep);

/** Opens the report; nothing for text. */
void ifx_report_begin(struct ifx_reporter *rep, struct ifx_buf *out);
/**
 * Text: `path:line:col: severity: message; help; not fixed: why (hint) [rule IST0000]` per finding.
 * The hint is `fix: LEVEL` or `choose: rule=a|b`. With `only_left` the applied findings are left
 * out, unless verbose. What could end the line or steer a terminal is escaped.
 *
 * JSON: every finding. Places are those of the text; offsets in `edits` count in `before`.
 *
 * The others: what there is to do, that is, every finding that was not fixed in the file itself,
 * with a region and, in SARIF, the fix; see each.
 *
 * problems  where text tells problems; all else goes to `out`. May be the same buffer.
 *
 * Linear in the file as long as the findings are in file order.
 */
void ifx_report_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems);
/** A file that could not be read or written, which was said elsewhere. Nothing in text and JSON. */
void ifx_report_failure(struct ifx_reporter *rep, ifx_str path, ifx_str message, const char *rule,
			struct ifx_buf *out);
/** Closes the report, with the summary where the format has one; nothing for text. */
void ifx_report_end(struct ifx_reporter *rep, struct ifx_buf *out);

#endif
