/*
 * What an operation must not meet: anchors that others need, merge keys, duplicate keys, places
 * that are no maps. Each check returns IFX_OK, or IFX_EREFUSED with the reason, a clause, in `why`.
 */
#ifndef IFX_EDIT_CHECK_H
#define IFX_EDIT_CHECK_H

#include "base/buf.h"
#include "edit/op.h"

/** A name as a message shows it: not all of a very long one. */
ifx_str ifx_shown(ifx_str name);

/** Is the node part of something that an alias repeats elsewhere? */
IFX_MUST_USE ifx_status ifx_check_shared(struct ifx_buf *why, const struct ifx_node *node);
IFX_MUST_USE ifx_status ifx_check_duplicates(struct ifx_buf *why, const struct ifx_node *map);
/** May the node (or NULL) go? */
IFX_MUST_USE ifx_status ifx_check_removable(struct ifx_buf *why, const struct ifx_node *node);
/** May the node (or NULL) go to the places of `op`? */
IFX_MUST_USE ifx_status ifx_check_movable(struct ifx_buf *why, const struct ifx_node *node,
					  const struct ifx_op *op);
/** May something come there? The key is not looked at. */
IFX_MUST_USE ifx_status ifx_check_place(struct ifx_buf *why, const struct ifx_doc *doc,
					const struct ifx_place *place);
/** May the entry's map be edited? */
IFX_MUST_USE ifx_status ifx_check_map(struct ifx_buf *why, const struct ifx_entry *entry);

/** Does a merge key of the map bring `key` in? */
bool ifx_is_merged(const struct ifx_node *map, ifx_str key);
/** `? key` */
bool ifx_is_explicit(const struct ifx_entry *entry);
/** Is there a comment below the entry that seems to belong to what it holds: deeper than its key?
 */
bool ifx_has_foot(const struct ifx_entry *entry);

#endif
