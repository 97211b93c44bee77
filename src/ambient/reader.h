/*
 * What the readers of the three kinds of policies share. Only for policy.c and authn.c.
 */
#ifndef IFX_AMBIENT_READER_H
#define IFX_AMBIENT_READER_H

#include "ambient/policy.h"

/** One pass over one resource. */
struct ifx_reader {
	struct ifx_arena *arena;
	struct ifx_scope *scope; /* of the policy that is read */
	bool failed;             /* no memory */
};

/** Note the first thing that is wrong. */
void ifx_reader_flaw(struct ifx_reader *r, const struct ifx_node *at, ifx_str what);
/** Zeroed memory for `n` things; NULL sets `failed`. */
void *ifx_reader_take(struct ifx_reader *r, size_t n, size_t size);
/** A list, or NULL for one that is absent, null or empty; anything else is a flaw. */
const struct ifx_node *ifx_reader_list(struct ifx_reader *r, const struct ifx_node *node);
/** A map, or NULL for one that is absent or null; anything else is a flaw. */
const struct ifx_node *ifx_reader_map(struct ifx_reader *r, const struct ifx_node *node);
/** Every key of `map` (may be NULL) has to be one of `known`, a list that ends in NULL. */
void ifx_reader_expect(struct ifx_reader *r, const struct ifx_node *map, const char *const *known);
/** A list of strings that are not empty; absent is none. */
struct ifx_strs ifx_reader_strings(struct ifx_reader *r, const struct ifx_node *node);
/** Fill the scope from metadata, selector and targetRefs; returns spec, or NULL. */
const struct ifx_node *ifx_reader_scope(struct ifx_reader *r, const struct ifx_node *resource,
					ifx_str namespace);

#endif
