/*
 * What in a document depends on the template it is part of.
 */
#ifndef IFX_TEMPLATE_TREE_H
#define IFX_TEMPLATE_TREE_H

#include "template/mask.h"
#include "yaml/node.h"

/**
 * Tell a document that was loaded from mask->text about its mask, which must outlive it: sets
 * doc->mask, its members that speak of the tree, and the nodes' `adds`. False: no memory.
 */
bool ifx_template_bind(struct ifx_doc *doc, struct ifx_mask *mask, struct ifx_arena *arena);

/** The mask of a document, or of the one in whose text it is; NULL: it is no template. */
const struct ifx_mask *ifx_template_of(const struct ifx_doc *doc);
/** Offset in the mask of an offset in a document that may be embedded. */
size_t ifx_template_at(const struct ifx_doc *doc, size_t at);
/** Does the scalar, or any action on its lines, come from the template? */
const struct ifx_action *ifx_template_in(const struct ifx_node *scalar);
/** Is the key one of Istio's? */
bool ifx_template_is_istio(const struct ifx_entry *entry);
/** The region of an entry. */
size_t ifx_template_region(const struct ifx_entry *entry);
/** Can both entries be there for the same values? Of `if` and `else` only one is. */
bool ifx_template_together(const struct ifx_entry *a, const struct ifx_entry *b);
/** Is a null, or an empty map, only what the mask makes of it? */
bool ifx_template_fills(const struct ifx_node *node);

#endif
