/*
 * The transforms of one run, in run order: the built-in ones of transforms/catalogue.def, then the
 * user's.
 */
#ifndef IFX_RULE_TABLE_H
#define IFX_RULE_TABLE_H

#include "rule/transform.h"

struct ifx_rules {
	const struct ifx_transform **items;
	size_t n, cap;
	size_t n_builtin; /* the first ones */
	ifx_str *files;   /* of each item: where it comes from; ptr NULL: built in */
	size_t cap_files;
	struct ifx_rule **owned;
	size_t n_owned, cap_owned;
	ifx_str *notes; /* "rules/x.yaml: replaces the built-in rule 'x'" */
	size_t n_notes, cap_notes;
	struct ifx_arena arena; /* texts of files and notes */
};

/**
 * The built-in transforms. `rules` is initialised here, and empty again when that fails.
 * IFX_EINVAL  a built-in rule is wrong; `err` says where. A test sees to it that this does not
 * happen.
 */
IFX_MUST_USE ifx_status ifx_rules_load(struct ifx_rules *rules, struct ifx_buf *err);
/**
 * One more rule, from a file's bytes (needed for this call only). One with the id of a
 * built-in takes its place, and a note says so.
 * IFX_EINVAL  it is not understood, or another file has a rule of that id; `err` as in
 * ifx_rule_read.
 */
IFX_MUST_USE ifx_status ifx_rules_add(struct ifx_rules *rules, ifx_str file, ifx_str bytes,
				      struct ifx_buf *err);
/** Also of one that was never loaded, when it is all zero. */
void ifx_rules_release(struct ifx_rules *rules);

#endif
