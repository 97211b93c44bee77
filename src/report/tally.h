/* What a run found, in numbers. */
#ifndef IFX_REPORT_TALLY_H
#define IFX_REPORT_TALLY_H

#include "rule/finding.h"

struct ifx_rule_tally {
	const char *id, *ist;
	ifx_severity worst;
	size_t seen, fixed, left; /* all 0: only problems of texts have this id */
};

/** Problems of a text count nowhere; `failed` is the caller's. */
struct ifx_tally {
	size_t files, changed, failed;
	size_t fixed, fixable; /* fixes that are part of the result; that the level held back */
	size_t held_choice;    /* of those held back: waiting for --choose */
	size_t left[3];        /* findings that are not part of the result, by severity */
	size_t seen[3];        /* all of them */
	size_t suppressed;     /* not among them; the caller's, as is the next */
	size_t ignored;        /* of those: by comments and annotations that this run adds */
	struct ifx_rule_tally *rules; /* in the order in which they were met */
	size_t n_rules, cap_rules;
};

/** False: no memory for one more rule. */
IFX_MUST_USE bool ifx_tally_finding(struct ifx_tally *tally, const struct ifx_finding *f);
/** Only that there is such a rule. */
IFX_MUST_USE bool ifx_tally_problem(struct ifx_tally *tally, const struct ifx_finding *f);
/** Index of a rule that was met, or n_rules. */
size_t ifx_tally_rule(const struct ifx_tally *tally, const char *id);
void ifx_tally_release(struct ifx_tally *tally);

/** One line for a person: what was fixed, what is left, what was held back. */
void ifx_tally_summary(const struct ifx_tally *tally, bool wrote, struct ifx_buf *out);
/** A table, one line per rule: the one that found most comes first. Nothing when nothing was found.
 */
void ifx_tally_statistics(const struct ifx_tally *tally, bool wrote, struct ifx_buf *out);

/**
 * The rules that found something, most findings first, then by id. To be freed with ifx_free; NULL:
 * no memory. *n is their number.
 */
const struct ifx_rule_tally **ifx_tally_sorted(const struct ifx_tally *tally, size_t *n);

#endif
