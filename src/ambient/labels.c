#include "ambient/labels.h"

#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
	const struct ifx_label *x = a, *y = b;
	int c = ifx_str_cmp(x->key, y->key);

	/* Equal keys keep their order: the texts of a document lie one behind the other. */
	return c ? c : (x->key.ptr > y->key.ptr) - (x->key.ptr < y->key.ptr);
}

ifx_status ifx_labels_read(struct ifx_labels *out, const struct ifx_node *map,
			   struct ifx_arena *arena)
{
	struct ifx_label *list;
	size_t n = 0, kept = 0;

	*out = (struct ifx_labels){ 0 };
	map = ifx_deref(map);
	if (!ifx_is(map, IFX_MAP) || !map->n)
		return IFX_OK;
	list = ifx_arena_alloc(arena, map->n * sizeof(*list));
	if (!list)
		return IFX_ENOMEM;
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		const struct ifx_node *value = ifx_deref(e->value);

		if (ifx_is(e->key, IFX_SCALAR) && ifx_is(value, IFX_SCALAR))
			list[n++] = (struct ifx_label){ ifx_text(e->key), ifx_text(value) };
	}
	qsort(list, n, sizeof(*list), by_key);
	for (size_t i = 0; i < n; i++)
		if (!kept || !ifx_str_eq(list[kept - 1].key, list[i].key))
			list[kept++] = list[i];
	*out = (struct ifx_labels){ list, kept };
	return IFX_OK;
}

ifx_str ifx_labels_get(struct ifx_labels labels, ifx_str key)
{
	size_t low = 0, high = labels.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = ifx_str_cmp(key, labels.list[mid].key);

		if (!c)
			return labels.list[mid].value;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return IFX_NONE;
}

bool ifx_labels_match(struct ifx_labels labels, struct ifx_labels selector)
{
	for (size_t i = 0; i < selector.n; i++) {
		ifx_str value = ifx_labels_get(labels, selector.list[i].key);

		if (!value.ptr || !ifx_str_eq(value, selector.list[i].value))
			return false;
	}
	return true;
}

bool ifx_labels_disagree(struct ifx_labels a, struct ifx_labels b)
{
	for (size_t i = 0; i < a.n; i++) {
		ifx_str value = ifx_labels_get(b, a.list[i].key);

		if (value.ptr && !ifx_str_eq(value, a.list[i].value))
			return true;
	}
	return false;
}

ifx_cover ifx_labels_cover(struct ifx_labels selector, struct ifx_labels service,
			   const struct ifx_labels *pods, size_t n_pods)
{
	size_t inside = 0, outside = 0;

	if (ifx_labels_match(service, selector))
		return IFX_COVER_FULL;
	if (ifx_labels_disagree(service, selector))
		return IFX_COVER_NONE;
	for (size_t i = 0; i < n_pods; i++) {
		if (!ifx_labels_match(pods[i], service))
			continue;
		if (ifx_labels_match(pods[i], selector))
			inside++;
		else
			outside++;
	}
	if (!inside && !outside)
		return IFX_COVER_UNKNOWN;
	if (!inside)
		return IFX_COVER_NONE;
	return outside ? IFX_COVER_PARTIAL : IFX_COVER_FULL;
}
