#include "ambient/show.h"

#include "say.h"

#include <stdlib.h>

void ifx_show_place(struct ifx_buf *out, const struct ifx_object *o, const struct ifx_node *node)
{
	size_t line, column;

	ifx_source_place(o->source, ifx_object_offset(o, node ? node : o->r->node), &line, &column);
	ifx_say_text(out, o->source->path);
	ifx_buf_addf(out, ":%zu:%zu", line, column);
}

bool ifx_show_is_empty(const struct ifx_env_plan *env)
{
	return !env->environment->n_namespaces && !env->hindrances.n;
}

static int by_wave(const void *a, const void *b)
{
	const struct ifx_ns_plan *x = *(const struct ifx_ns_plan *const *)a;
	const struct ifx_ns_plan *y = *(const struct ifx_ns_plan *const *)b;
	size_t i = x->wave - 1, k = y->wave - 1; /* 0 becomes the largest */

	if (i != k)
		return i < k ? -1 : 1;
	return ifx_str_cmp(x->namespace->name, y->namespace->name);
}

const struct ifx_ns_plan **ifx_show_order(struct ifx_migration *plan,
					  const struct ifx_env_plan *env)
{
	size_t n = env->environment->n_namespaces;
	const struct ifx_ns_plan **list = ifx_arena_alloc(&plan->arena, n * sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		list[i] = &env->namespaces[i];
	if (list && n)
		qsort(list, n, sizeof(*list), by_wave);
	return list;
}

static void count_findings(struct ifx_show_counts *c, const struct ifx_hindrances *list)
{
	for (size_t i = 0; i < list->n; i++)
		c->findings[list->items[i].weight]++;
}

struct ifx_show_counts ifx_show_count(const struct ifx_migration *plan)
{
	struct ifx_show_counts c = { 0 };

	for (size_t i = 0; i < plan->estate->n_environments; i++) {
		const struct ifx_env_plan *env = &plan->environments[i];

		c.environments += !ifx_show_is_empty(env);
		count_findings(&c, &env->hindrances);
		for (size_t k = 0; k < env->environment->n_namespaces; k++) {
			const struct ifx_ns_plan *ns = &env->namespaces[k];

			count_findings(&c, &ns->hindrances);
			c.migrate += ns->migrates;
			c.held += ns->held;
			c.held_late += ns->held_late && !ns->held;
			c.ready += ns->migrates && !ns->held && !ns->held_late;
			c.ambient += ns->namespace->state == IFX_STATE_AMBIENT;
			c.other += !ns->migrates && ns->namespace->state != IFX_STATE_AMBIENT;
		}
	}
	return c;
}

void ifx_show_summary(struct ifx_buf *out, const struct ifx_migration *plan)
{
	struct ifx_show_counts c = ifx_show_count(plan);

	ifx_buf_addf(out,
		     "%zu namespace%s with sidecars: %zu ready, %zu held, %zu held at enroll; ",
		     c.migrate, c.migrate == 1 ? "" : "s", c.ready, c.held, c.held_late);
	ifx_buf_addf(out, "%zu in ambient mode, %zu not in the mesh or left out\n", c.ambient,
		     c.other);
}
