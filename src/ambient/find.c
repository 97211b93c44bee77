#include "ambient/find.h"

#include "yaml/path.h"

const struct ifx_entry *ifx_items(const struct ifx_node *list)
{
	list = ifx_deref(list);
	return ifx_is(list, IFX_SEQ) ? list->first : NULL;
}

const struct ifx_node *ifx_pods_said(const struct ifx_pods *pods, const char *map, const char *key)
{
	return ifx_get(ifx_get(pods->metadata->node, ifx_str_of(map)), ifx_str_of(key));
}

bool ifx_selector_takes(struct ifx_migration *plan, const struct ifx_node *selector,
			const struct ifx_pods *pods)
{
	const struct ifx_node *labels = ifx_get(selector, IFX_LIT("matchLabels"));
	struct ifx_pairs pairs;

	/* EnvoyFilter, Sidecar and ServiceEntry call the map `labels`. */
	if (!labels)
		labels = ifx_get(selector, IFX_LIT("labels"));
	pairs = ifx_estate_pairs(plan->estate, labels);
	return !pairs.n || ifx_selects(pairs, pods->labels);
}
