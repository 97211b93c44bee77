/* The plan of a migration, for people and for programs. Buffers only; command.c prints. */
#ifndef IFX_AMBIENT_SHOW_H
#define IFX_AMBIENT_SHOW_H

#include "ambient/migration.h"

/** What to make of the plan. */
typedef void ifx_show_fn(struct ifx_buf *out, struct ifx_migration *plan);

/** For each environment a table by wave; then each namespace with what is to be known about it. */
ifx_show_fn ifx_show_text;
/** Everything, stable and sorted. */
ifx_show_fn ifx_show_json;
/** One line for standard error: how many are ready, held, done. */
void ifx_show_summary(struct ifx_buf *out, const struct ifx_migration *plan);

/** `path:line:col` of an object, or of a node in it; the object's own place when node is NULL. */
void ifx_show_place(struct ifx_buf *out, const struct ifx_object *o, const struct ifx_node *node);
/** Is there anything to say about the environment? The one of loose files may be empty. */
bool ifx_show_is_empty(const struct ifx_env_plan *env);
/** Namespaces in the order of a table: by wave, then name; those that do not migrate last. NULL:
 * no memory. In the plan's arena. */
const struct ifx_ns_plan **ifx_show_order(struct ifx_migration *plan,
					  const struct ifx_env_plan *env);

/** How many namespaces are what. */
struct ifx_show_counts {
	size_t environments, migrate, ready, held, held_late, ambient, other;
	size_t findings[4]; /* by weight */
};
struct ifx_show_counts ifx_show_count(const struct ifx_migration *plan);

#endif
