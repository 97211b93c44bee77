#include "rule/metadata.h"

#include "yaml/path.h"

/** Merge keys behind merge keys. */
#define MERGE_DEPTH_MAX 8

/* A map that was visited; kept only where aliases can lead to it again. */
struct seen {
	const struct ifx_node *map;
	struct seen *next;
};

struct walk {
	struct ifx_meta m;
	ifx_meta_visit *visit;
	void *data;
	struct seen *seen;
};

static bool is_seen(struct walk *w, const struct ifx_node *map)
{
	struct seen *s;

	if (!map->doc->has_alias)
		return false;
	for (s = w->seen; s; s = s->next)
		if (s->map == map)
			return true;
	s = ifx_arena_alloc(ifx_cx_arena(w->m.cx), sizeof(*s));
	if (!s) {
		ifx_cx_failed(w->m.cx);
		return true;
	}
	s->map = map;
	s->next = w->seen;
	w->seen = s;
	return false;
}

static bool is_merge(const struct ifx_node *key)
{
	return key->style == IFX_PLAIN && ifx_str_eq(ifx_text(key), IFX_LIT("<<"));
}

static void visit_map(struct walk *w, const struct ifx_node *map, bool direct, int depth);

static void visit_merged(struct walk *w, const struct ifx_node *value, int depth)
{
	value = ifx_deref(value);
	if (depth > MERGE_DEPTH_MAX)
		return;
	if (ifx_is(value, IFX_MAP) && !is_seen(w, value))
		visit_map(w, value, false, depth);
	for (const struct ifx_entry *e = ifx_is(value, IFX_SEQ) ? value->first : NULL; e;
	     e = e->next)
		visit_merged(w, e->value, depth + 1);
}

static void visit_map(struct walk *w, const struct ifx_node *map, bool direct, int depth)
{
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		if (!ifx_is(e->key, IFX_SCALAR))
			continue;
		if (is_merge(e->key)) {
			visit_merged(w, e->value, depth + 1);
			continue;
		}
		w->m.entry = e;
		w->m.key = ifx_text(e->key);
		w->m.value = ifx_deref(e->value);
		w->m.direct = direct && w->m.value == e->value;
		/* What the map says itself goes before what is merged in. */
		if (map != w->m.map && ifx_map_entry(w->m.map, w->m.key))
			continue;
		w->visit(w->data, &w->m);
	}
}

static void visit_maps(struct walk *w, const struct ifx_node *metadata, bool direct)
{
	static const ifx_str names[] = { { "labels", 6 }, { "annotations", 11 } };

	for (int i = 0; i < 2; i++) {
		bool here;
		const struct ifx_entry *e = ifx_map_find(metadata, names[i], &here);
		const struct ifx_node *map = e ? ifx_deref(e->value) : NULL;

		if (!ifx_is(map, IFX_MAP) || is_seen(w, map))
			continue;
		w->m.labels = !i;
		w->m.map = map;
		visit_map(w, map, direct && here && map == e->value, 0);
	}
}

void ifx_meta_walk(struct ifx_cx *cx, const struct ifx_resource *r, ifx_meta_visit *visit,
		   void *data)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	struct walk walk = { .m = { .cx = cx, .r = r }, .visit = visit, .data = data };
	bool done = false;
	struct ifx_hit *hit;

	walk.m.pod = true;
	for (hit = w ? ifx_pod_metadata(cx, r) : NULL; hit; hit = hit->next) {
		walk.m.own = hit->node == r->metadata;
		done = done || walk.m.own;
		if (ifx_is(hit->node, IFX_MAP))
			visit_maps(&walk, hit->node, hit->direct);
	}
	walk.m.pod = false;
	for (size_t i = 0; w && i < sizeof(w->inert) / sizeof(*w->inert) && w->inert[i]; i++) {
		if (!ifx_path_find(&hit, r->node, w->inert[i], ifx_cx_arena(cx)))
			ifx_cx_failed(cx);
		for (; hit; hit = hit->next) {
			walk.m.inert = true;
			walk.m.own = hit->node == r->metadata;
			done = done || walk.m.own;
			if (ifx_is(hit->node, IFX_MAP))
				visit_maps(&walk, hit->node, hit->direct);
		}
	}
	walk.m.inert = false;
	walk.m.own = true;
	if (!done && r->metadata)
		visit_maps(&walk, r->metadata, true);
}

/* ---- where keys belong ---- */

/* Groups of the kinds that the catalogue names: there are other Services and Gateways. */
static const struct {
	const char *kind, *group;
} groups[] = {
	{ "AuthorizationPolicy", "security.istio.io" },
	{ "BackendTLSPolicy", "gateway.networking.k8s.io" },
	{ "ConfigMap", "" },
	{ "Deployment", "apps" },
	{ "EnvoyFilter", "networking.istio.io" },
	{ "Gateway", "gateway.networking.k8s.io" },
	{ "GatewayClass", "gateway.networking.k8s.io" },
	{ "HorizontalPodAutoscaler", "autoscaling" },
	{ "Ingress", "extensions" },
	{ "Ingress", "networking.k8s.io" },
	{ "IstioOperator", "install.istio.io" },
	{ "MutatingWebhookConfiguration", "admissionregistration.k8s.io" },
	{ "Namespace", "" },
	{ "Node", "" },
	{ "PodDisruptionBudget", "policy" },
	{ "Service", "" },
	{ "ServiceAccount", "" },
	{ "ServiceEntry", "networking.istio.io" },
	{ "WorkloadEntry", "networking.istio.io" },
	{ "XBackendTrafficPolicy", "gateway.networking.x-k8s.io" },
};

static bool names_kind(const struct ifx_key_fact *fact, ifx_str kind)
{
	ifx_str rest = ifx_str_of(fact->kinds), item;

	while (ifx_str_split(&rest, ',', &item))
		if (ifx_str_eq(item, kind))
			return true;
	return false;
}

bool ifx_meta_belongs(const struct ifx_meta *m, const struct ifx_key_fact *fact)
{
	if (m->pod && names_kind(fact, IFX_LIT("Pod")))
		return true;
	if (!m->own)
		return false;
	if (names_kind(fact, IFX_LIT("Any")))
		return true;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (ifx_str_eq(m->r->kind, ifx_str_of(groups[i].kind)) &&
		    ifx_str_eq(m->r->group, ifx_str_of(groups[i].group)))
			return names_kind(fact, m->r->kind);
	return false;
}

bool ifx_meta_is_twice(const struct ifx_meta *m)
{
	const struct ifx_entry *first = ifx_map_entry(m->entry->in, m->key);

	return first && ifx_map_entry_after(first, m->key);
}

const struct ifx_entry *ifx_meta_other(const struct ifx_meta *m, const char *key)
{
	return ifx_map_find(m->map, ifx_str_of(key), NULL);
}
