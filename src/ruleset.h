/* The rules of one run: the built-in ones, the user's, and which of them are selected. */
#ifndef IFX_RULESET_H
#define IFX_RULESET_H

#include "config.h"
#include "report/report.h"
#include "rule/selection.h"
#include "rule/table.h"

struct ifx_ruleset {
	const struct ifx_rules *all;
	struct ifx_rules own; /* of a set that shares with no other */
	struct ifx_selection selected;
	struct ifx_arena arena; /* of `selected` */
	bool line_is_wrong;     /* an error is on the command line, not in a file */
};

/**
 * What --rules, --select, --ignore and --choose ask for.
 * set     initialised here, to be released whatever is returned.
 * shared  the built-in rules, used where the configuration adds none; must outlive the set. NULL:
 *         they are read anew.
 * err     false: one whole line per error.
 */
IFX_MUST_USE bool ifx_ruleset_load(struct ifx_ruleset *set, const struct ifx_config *config,
				   const struct ifx_rules *shared, struct ifx_buf *err);
void ifx_ruleset_release(struct ifx_ruleset *set);

/** The id that `slip` is a slip of the pen for; ptr NULL: none. */
ifx_str ifx_ruleset_nearest(const struct ifx_ruleset *set, ifx_str slip);

/** One line per rule. */
void ifx_ruleset_list(const struct ifx_ruleset *set, struct ifx_buf *out);
/** The page of a rule and its answers. False: there is no such rule, and `err` says so. */
bool ifx_ruleset_explain(const struct ifx_ruleset *set, ifx_str id, struct ifx_buf *out,
			 struct ifx_buf *err);
/** What a report may tell of a rule; nothing is filled in when there is no such rule. */
void ifx_ruleset_describe(const struct ifx_ruleset *set, const char *id,
			  struct ifx_rule_page *page);

#endif
