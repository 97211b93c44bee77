/*
 * Writing what rule/suppress.h reads: a comment `# istio-fix: ignore[...]` for each finding that
 * shall be left alone from now on.
 *
 * It goes behind the line of the finding; behind the line of the key that holds the text of a
 * block; above the entry where a value in braces goes over several lines, or where another comment
 * is behind the line. A comment that ignores something there already gets one more name.
 */
#ifndef IFX_RULE_IGNORE_H
#define IFX_RULE_IGNORE_H

#include "edit/comment.h"
#include "rule/suppress.h"

/** A finding to be ignored. */
struct ifx_ignore_wish {
	const struct ifx_transform *rule;
	size_t at; /* in the document; afterwards in the new one, if there is one */
	bool fulfilled;
	size_t order; /* not looked at */
};

/**
 * wishes  sorted by `at` afterwards. Those that no comment can fulfil (JSON, all in braces) stay as
 *         they are.
 * reason  stands behind the brackets; may be empty.
 * after   NULL: no wish could be fulfilled, and there is nothing else.
 * The rest is as for ifx_add_comments.
 */
IFX_MUST_USE ifx_status ifx_ignore_write(ifx_str *after_text, struct ifx_doc **after,
					 struct ifx_edits *edits, const struct ifx_doc *doc,
					 struct ifx_ignore_wish *wishes, size_t n, ifx_str reason,
					 struct ifx_rule_list rules, struct ifx_arena *arena,
					 struct ifx_buf *why);

#endif
