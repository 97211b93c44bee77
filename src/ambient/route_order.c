/*
 * Gateway API does not try rules in their order: exact paths come before prefixes, longer ones
 * first, then those with a method, with more headers, with more query parameters; of equals the
 * first one. Istio sorts so, and puts regular expressions behind prefixes.
 */
#include "ambient/route.h"

static size_t count(const struct ifx_node *map)
{
	return map ? map->n : 0;
}

/*
 * The API server fills in a missing path with the prefix `/`; a route that is read from elsewhere
 * goes without, and then comes last. Both are to be right.
 */
static int rank_of(const struct ifx_route_match *x, bool filled)
{
	static const int ranks[] = { 0, 3, 2, 1 };

	if (x->path == IFX_PATH_NONE)
		return filled ? 2 : x->any ? -1 : 0;
	return ranks[x->path];
}

static size_t length_of(const struct ifx_route_match *x, bool filled)
{
	return x->path == IFX_PATH_NONE ? filled : x->value.len;
}

/* Is `b` tried before `a`, which stands before it? */
static bool overtakes(const struct ifx_route_match *a, const struct ifx_route_match *b, bool filled)
{
	int x = rank_of(a, filled), y = rank_of(b, filled);
	size_t i = length_of(a, filled), k = length_of(b, filled);

	if (x != y)
		return y > x;
	if (i != k)
		return k > i;
	if (!a->method.ptr != !b->method.ptr)
		return b->method.ptr != NULL;
	if (count(a->headers) != count(b->headers))
		return count(b->headers) > count(a->headers);
	return count(b->parameters) > count(a->parameters);
}

/* Does one ask for one value and the other for another one? */
static bool differ(const struct ifx_node *a, const struct ifx_node *b, bool any_case)
{
	if (!a || !b)
		return false;
	for (const struct ifx_entry *x = a->first; x; x = x->next)
		for (const struct ifx_entry *y = b->first; y; y = y->next) {
			ifx_str p = ifx_get_text(ifx_deref(x->value), IFX_LIT("exact"));
			ifx_str q = ifx_get_text(ifx_deref(y->value), IFX_LIT("exact"));
			ifx_str k = ifx_text(x->key), l = ifx_text(y->key);

			if (p.ptr && q.ptr && !ifx_str_eq(p, q) &&
			    (any_case ? ifx_str_ieq(k, l) : ifx_str_eq(k, l)))
				return true;
		}
	return false;
}

/* Is there no request that both match? */
static bool are_disjoint(const struct ifx_route_match *a, const struct ifx_route_match *b)
{
	if (a->path == IFX_PATH_EXACT && b->path == IFX_PATH_EXACT &&
	    !ifx_str_eq(a->value, b->value))
		return true;
	if (a->method.ptr && b->method.ptr && !ifx_str_eq(a->method, b->method))
		return true;
	return differ(a->headers, b->headers, true) || differ(a->parameters, b->parameters, false);
}

void ifx_route_check_order(struct ifx_route *r)
{
	for (size_t k = 0; k < r->n_matches; k++)
		for (size_t i = 0; i < k; i++) {
			const struct ifx_route_match *a = &r->matches[i], *b = &r->matches[k];

			if (a->rule == b->rule || are_disjoint(a, b) ||
			    (!overtakes(a, b, true) && !overtakes(a, b, false)))
				continue;
			ifx_route_refuse(r, b->at,
					 "Gateway API would try this before rule %zu, which a "
					 "VirtualService tries first",
					 a->rule + 1);
			break;
		}
}
