#include "ambient/patch.h"

#include "ambient/pods.h"
#include "base/alloc.h"

#include <stdlib.h>

/* Workloads of the whole estate by environment, root, kind and name: a patch rarely says a
 * namespace.
 */
struct table {
	struct ifx_object **items;
	size_t n;
};

/* The outermost kustomization, which both a patch and what it is for have; 0: none. */
static uintptr_t root_of(const struct ifx_object *o)
{
	const struct ifx_way *way = o->way;

	while (way && way->outer)
		way = way->outer;
	return way ? (uintptr_t)way->by : 0;
}

static int by_identity(const void *a, const void *b)
{
	const struct ifx_object *x = *(struct ifx_object *const *)a;
	const struct ifx_object *y = *(struct ifx_object *const *)b;
	int c = (x->environment->number > y->environment->number) -
		(x->environment->number < y->environment->number);

	if (!c)
		c = (root_of(x) > root_of(y)) - (root_of(x) < root_of(y));
	if (!c)
		c = ifx_str_cmp(x->r->kind, y->r->kind);
	return c ? c : ifx_str_cmp(x->r->name, y->r->name);
}

static bool make_table(struct table *table, const struct ifx_estate *estate)
{
	*table = (struct table){ ifx_calloc(estate->n_objects + 1, sizeof(*table->items)), 0 };
	if (!table->items)
		return false;
	for (size_t i = 0; i < estate->n_environments; i++) {
		const struct ifx_environment *e = &estate->environments[i];

		for (struct ifx_object *o = e->objects[IFX_WORKLOAD].first; o; o = o->next)
			table->items[table->n++] = o;
		for (size_t k = 0; k < e->n_namespaces; k++)
			for (struct ifx_object *o = e->namespaces[k]->objects[IFX_WORKLOAD].first;
			     o; o = o->next)
				table->items[table->n++] = o;
	}
	qsort(table->items, table->n, sizeof(*table->items), by_identity);
	return true;
}

/* Does the kustomization that has the patch deploy the object? */
static bool reaches(const struct ifx_object *patch, const struct ifx_object *o)
{
	for (const struct ifx_way *way = o->way; way; way = way->outer)
		if (way->by == patch->way->by)
			return true;
	return false;
}

static bool patch_workloads(struct ifx_estate *estate, const struct table *table,
			    struct ifx_object *patch)
{
	size_t lo = 0, hi = table->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_identity(&table->items[mid], &patch) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < table->n && !by_identity(&table->items[lo], &patch); lo++) {
		struct ifx_object *o = table->items[lo];

		if (reaches(patch, o) &&
		    (!patch->r->namespace.len || o->namespace == patch->namespace) &&
		    !ifx_pods_patch(estate, o, patch))
			return false;
	}
	return true;
}

static size_t depth_of(const struct ifx_object *o)
{
	size_t n = 0;

	for (const struct ifx_way *way = o->way; way; way = way->outer)
		n++;
	return n;
}

/* Behind the Namespace's own objects and the patches of inner kustomizations. */
static void patch_namespace(struct ifx_object *patch)
{
	struct ifx_objects *list = &patch->namespace->objects[IFX_NAMESPACE];
	struct ifx_object **link = &list->first;

	while (*link && (!(*link)->patch || depth_of(*link) >= depth_of(patch)))
		link = &(*link)->next;
	patch->next = *link;
	*link = patch;
	if (!patch->next)
		list->last = patch;
	list->n++;
}

bool ifx_patches_apply(struct ifx_estate *estate)
{
	struct table table;
	bool ok = make_table(&table, estate);

	for (size_t i = 0; ok && i < estate->n_environments; i++) {
		struct ifx_objects patches = estate->environments[i].patches;
		struct ifx_objects *kept = &estate->environments[i].patches;
		struct ifx_object *next;

		*kept = (struct ifx_objects){ 0 };
		for (struct ifx_object *o = patches.first; ok && o; o = next) {
			next = o->next;
			o->next = NULL;
			if (o->kind == IFX_NAMESPACE && o->namespace) {
				patch_namespace(o);
				continue;
			}
			*(kept->last ? &kept->last->next : &kept->first) = o;
			kept->last = o;
			kept->n++;
			if (o->kind == IFX_WORKLOAD)
				ok = patch_workloads(estate, &table, o);
		}
	}
	ifx_free(table.items);
	return ok;
}
