/*
 * Fields of a message: the way there, and how to show what they say. Nothing here allocates until
 * there is something to show.
 *
 * Istio reads its own messages (ProxyConfig, MeshConfig) with protobuf's JSON reader, to which
 * `drainDuration` and `drain_duration` are one field.
 */
#ifndef IFX_RULE_FIELD_H
#define IFX_RULE_FIELD_H

#include "rule/transform.h"

/** Steps of one walk behind an alias or a merge key; what lies further is not seen. */
#define IFX_WALK_ALIASED_MAX 10000
/** A snake_case name, in bytes. Longer names have no such spelling. */
#define IFX_SNAKE_MAX 128

/**
 * A place that a path leads to.
 * entry   of its last step, an item's when the path ends in `[]`; NULL for the empty path.
 * node    what stands there, aliases followed; never NULL. With aliases the same node may be
 *         visited more than once.
 */
typedef void ifx_visit(void *data, const struct ifx_entry *entry, const struct ifx_node *node);

/**
 * Visit each place that a dotted path leads to, in document order; `http[]` is each item of
 * the list. snake: each step may also have its snake_case spelling.
 */
void ifx_field_walk(const struct ifx_node *from, ifx_str path, bool snake, ifx_visit *visit,
		    void *data);

/** `drainDuration` to `drain_duration`. Empty when there is no such spelling, or it is the same. */
ifx_str ifx_field_snake(ifx_str name, char out[static IFX_SNAKE_MAX]);

/** Text for a message: its beginning when it is long. */
ifx_str ifx_excerpt(struct ifx_cx *cx, ifx_str text);

#endif
