#include "ambient/selector.h"

static bool is_in(const struct ifx_node *values, ifx_str value)
{
	values = ifx_deref(values);
	for (const struct ifx_entry *e = ifx_is(values, IFX_SEQ) ? values->first : NULL; e;
	     e = e->next)
		if (ifx_str_eq(ifx_text(ifx_deref(e->value)), value))
			return true;
	return false;
}

static bool fits(const struct ifx_node *expression, struct ifx_pairs labels)
{
	ifx_str value = ifx_pair_value(labels, ifx_get_text(expression, IFX_LIT("key")));
	ifx_str how = ifx_get_text(expression, IFX_LIT("operator"));
	const struct ifx_node *values = ifx_get(expression, IFX_LIT("values"));

	if (ifx_str_eq(how, IFX_LIT("Exists")))
		return value.ptr != NULL;
	if (ifx_str_eq(how, IFX_LIT("DoesNotExist")))
		return value.ptr == NULL;
	if (ifx_str_eq(how, IFX_LIT("In")))
		return value.ptr && is_in(values, value);
	if (ifx_str_eq(how, IFX_LIT("NotIn")))
		return !value.ptr || !is_in(values, value);
	return false;
}

bool ifx_selector_fits(const struct ifx_node *selector, struct ifx_pairs labels)
{
	const struct ifx_node *map = ifx_get(selector, IFX_LIT("matchLabels"));
	const struct ifx_node *list = ifx_get(selector, IFX_LIT("matchExpressions"));

	for (const struct ifx_entry *e = ifx_is(map, IFX_MAP) ? map->first : NULL; e; e = e->next) {
		ifx_str value = ifx_pair_value(labels, ifx_text(e->key));

		if (!value.ptr || !ifx_str_eq(value, ifx_text(ifx_deref(e->value))))
			return false;
	}
	for (const struct ifx_entry *e = ifx_is(list, IFX_SEQ) ? list->first : NULL; e; e = e->next)
		if (!fits(ifx_deref(e->value), labels))
			return false;
	return true;
}
