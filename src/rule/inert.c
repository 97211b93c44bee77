#include "rule/inert.h"

#include "rule/injection.h"
#include "rule/strings.h"
#include "yaml/path.h"

static const struct ifx_node *owner_of(const struct ifx_resource *r,
				       const struct ifx_node *metadata)
{
	return metadata->entry ? metadata->entry->in : r->node;
}

static bool is_inside(const struct ifx_node *inner, const struct ifx_node *outer)
{
	return inner != outer && inner->span.at >= outer->span.at &&
	       inner->span.at + inner->span.len <= outer->span.at + outer->span.len;
}

/* Do they mean some of the same pods? In a patch the pods may be missing, in both alike. */
static bool overlap(const struct ifx_hit *a, const struct ifx_hit *b)
{
	if (!a && !b)
		return true;
	for (; a; a = a->next)
		for (const struct ifx_hit *p = b; p; p = p->next)
			if (a->parent == p->parent && ifx_str_eq(a->key, p->key))
				return true;
	return false;
}

static bool same_value(const struct ifx_entry *a, const struct ifx_entry *b)
{
	ifx_str one = ifx_entry_text(a), other = ifx_entry_text(b);

	return one.ptr && other.ptr && ifx_str_eq(one, other);
}

typedef enum { ANY, DIFFERS, NEARER } sort;

static struct ifx_twin find(struct ifx_cx *cx, const struct ifx_resource *r,
			    const struct ifx_node *metadata, const struct ifx_entry *entry,
			    bool labels, sort which)
{
	struct ifx_twin twin = { NULL, IFX_NONE };
	const struct ifx_hit *pods = ifx_pods_below(cx, r, metadata);

	for (const struct ifx_metadata *m = ifx_metadata(cx, r); m; m = m->next) {
		const struct ifx_node *map = m->strings[labels ? 0 : 1].map;
		const struct ifx_entry *e;

		if (m->role != IFX_ROLE_INERT || m->node == metadata || !map)
			continue;
		e = ifx_map_find(map, ifx_text(entry->key), NULL);
		if (!e || e == entry || (which == DIFFERS && same_value(e, entry)) ||
		    (which == NEARER && !is_inside(owner_of(r, m->node), owner_of(r, metadata))) ||
		    !overlap(pods, ifx_pods_below(cx, r, m->node)))
			continue;
		twin.entry = e;
		twin.path = ifx_path_of(e->in, ifx_cx_arena(cx));
		if (!twin.path.ptr)
			ifx_cx_failed(cx);
		break;
	}
	return twin;
}

struct ifx_twin ifx_twin_differs(struct ifx_cx *cx, const struct ifx_resource *r,
				 const struct ifx_node *metadata, const struct ifx_entry *entry,
				 bool labels)
{
	return find(cx, r, metadata, entry, labels, DIFFERS);
}

struct ifx_twin ifx_twin_nearer(struct ifx_cx *cx, const struct ifx_resource *r,
				const struct ifx_node *metadata, const struct ifx_entry *entry,
				bool labels)
{
	return find(cx, r, metadata, entry, labels, NEARER);
}

struct ifx_twin ifx_twin_any(struct ifx_cx *cx, const struct ifx_resource *r,
			     const struct ifx_node *metadata, const struct ifx_entry *entry,
			     bool labels)
{
	return find(cx, r, metadata, entry, labels, ANY);
}

const char *ifx_effect_on_pods(const struct ifx_key_fact *fact, bool label, ifx_str value,
			       const struct ifx_hit *pods)
{
	size_t n = 0, on_host = 0;

	for (; pods && !strcmp(fact->name, IFX_KEY_INJECT); pods = pods->next) {
		n++;
		on_host += ifx_pod_on_host_network(pods);
	}
	if (on_host && on_host == n)
		return "pods on the host network get no sidecar, whatever it says";
	if (on_host && ifx_str_eq(value, IFX_LIT("true")))
		return "new pods ask for a sidecar, but those on the host network get none";
	return ifx_key_effect(fact, label, IFX_ROLE_POD, value);
}
