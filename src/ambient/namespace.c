#include "ambient/namespace.h"

#include "ambient/pods.h"
#include "base/alloc.h"
#include "rule/injection.h"

struct ifx_namespace *ifx_namespace_add(struct ifx_estate *estate, struct ifx_environment *e,
					ifx_str name)
{
	struct ifx_namespace **list, *ns;
	size_t lo = 0, hi = e->n_namespaces;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = ifx_str_cmp(e->namespaces[mid]->name, name);

		if (!c)
			return e->namespaces[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	list = ifx_grow(e->namespaces, &e->cap_namespaces, e->n_namespaces + 1, sizeof(*list));
	ns = ifx_arena_alloc(&estate->arena, sizeof(*ns));
	if (list)
		e->namespaces = list;
	if (!list || !ns)
		return NULL;
	ns->name = ifx_arena_copy(&estate->arena, name);
	ns->environment = e;
	memmove(&list[lo + 1], &list[lo], (e->n_namespaces - lo) * sizeof(*list));
	list[lo] = ns;
	e->n_namespaces++;
	return ns->name.ptr ? ns : NULL;
}

/* ---- labels ---- */

static void take_label(struct ifx_ns_label *label, const char *key, const struct ifx_object *o,
		       const struct ifx_node *map)
{
	const struct ifx_entry *entry = ifx_map_find(map, ifx_str_of(key), NULL);
	const struct ifx_node *value = entry ? ifx_deref(entry->value) : NULL;

	if (!entry)
		return;
	*label = (struct ifx_ns_label){ IFX_NONE, o, entry };
	/* In a patch a null takes the label away. */
	if (ifx_is(value, IFX_SCALAR) && !(o->patch && ifx_is_null(value)))
		label->value = ifx_text(value);
}

static void take_labels(struct ifx_namespace *ns, const struct ifx_object *o,
			const struct ifx_node *map)
{
	take_label(&ns->injection, IFX_KEY_INJECTION, o, map);
	take_label(&ns->revision, IFX_KEY_REV, o, map);
	take_label(&ns->mode, IFX_KEY_MODE, o, map);
	take_label(&ns->use_waypoint, "istio.io/use-waypoint", o, map);
	take_label(&ns->use_waypoint_namespace, "istio.io/use-waypoint-namespace", o, map);
}

static bool add_pairs(struct ifx_estate *estate, struct ifx_namespace *ns,
		      const struct ifx_node *map)
{
	struct ifx_pairs more = ifx_estate_pairs(estate, map);
	struct ifx_pair *items =
		ifx_arena_alloc(&estate->arena, (ns->labels.n + more.n) * sizeof(*items));
	size_t n = 0;

	if (!items)
		return false;
	for (size_t i = 0; i < ns->labels.n; i++)
		if (!ifx_pair_value(more, ns->labels.items[i].key).ptr)
			items[n++] = ns->labels.items[i];
	for (size_t i = 0; i < more.n; i++)
		items[n++] = more.items[i];
	ns->labels = (struct ifx_pairs){ items, n };
	return true;
}

/* `labels: - pairs: {}` and `commonLabels` of a kustomization reach Namespaces too. */
static bool take_kustomize_labels(struct ifx_estate *estate, struct ifx_namespace *ns,
				  const struct ifx_object *kustomization)
{
	const struct ifx_node *common = ifx_get(kustomization->r->node, IFX_LIT("commonLabels"));
	const struct ifx_node *list = ifx_get(kustomization->r->node, IFX_LIT("labels"));

	if (common) {
		take_labels(ns, kustomization, common);
		if (!add_pairs(estate, ns, common))
			return false;
	}
	for (const struct ifx_entry *e = ifx_is(list, IFX_SEQ) ? list->first : NULL; e;
	     e = e->next) {
		const struct ifx_node *pairs = ifx_get(ifx_deref(e->value), IFX_LIT("pairs"));

		take_labels(ns, kustomization, pairs);
		if (pairs && !add_pairs(estate, ns, pairs))
			return false;
	}
	return true;
}

/* `/metadata/labels/istio.io~1rev` names the label istio.io/rev (RFC 6901). */
static bool is_pointer_to(ifx_str path, const char *key)
{
	const ifx_str labels = IFX_LIT("/metadata/labels/");

	if (!ifx_str_starts(path, labels))
		return false;
	path = ifx_str_sub(path, labels.len, path.len - labels.len);
	for (; *key && path.len; key++) {
		size_t n = *key == '/' ? 2 : 1;

		if (path.len < n || (n == 2 ? memcmp(path.ptr, "~1", 2) != 0 : *path.ptr != *key))
			return false;
		path = ifx_str_sub(path, n, path.len - n);
	}
	return !*key && !path.len;
}

static void take_operation(struct ifx_namespace *ns, const struct ifx_object *o,
			   const struct ifx_node *operation)
{
	static const char *const keys[] = { IFX_KEY_INJECTION, IFX_KEY_REV, IFX_KEY_MODE };
	struct ifx_ns_label *const labels[] = { &ns->injection, &ns->revision, &ns->mode };
	ifx_str path = ifx_get_text(operation, IFX_LIT("path"));
	bool removes = ifx_str_eq(ifx_get_text(operation, IFX_LIT("op")), IFX_LIT("remove"));

	if (!removes && ifx_str_eq(path, IFX_LIT("/metadata/labels")))
		take_labels(ns, o, ifx_get(operation, IFX_LIT("value")));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (is_pointer_to(path, keys[i]))
			*labels[i] = (struct ifx_ns_label){
				removes ? IFX_NONE : ifx_get_text(operation, IFX_LIT("value")), o,
				NULL
			};
}

static bool read_labels(struct ifx_estate *estate, struct ifx_namespace *ns)
{
	const struct ifx_way *way = NULL;

	for (const struct ifx_object *o = ns->objects[IFX_NAMESPACE].first; o; o = o->next) {
		const struct ifx_node *labels = ifx_get(o->r->metadata, IFX_LIT("labels"));

		take_labels(ns, o, labels);
		if (labels && !add_pairs(estate, ns, labels))
			return false;
		if (!o->patch)
			way = o->way;
	}
	for (const struct ifx_json_patch *p = ns->json_patches; p; p = p->next)
		for (const struct ifx_entry *e = p->operations->first; e; e = e->next)
			take_operation(ns, p->object, ifx_deref(e->value));
	for (; way; way = way->outer) {
		const struct ifx_object *k = ifx_estate_kustomization(estate, way->by);

		if (k && !take_kustomize_labels(estate, ns, k))
			return false;
	}
	return true;
}

/* ---- state ---- */

static bool is_reserved(const struct ifx_namespace *ns)
{
	static const char *const names[] = { "istio-system", "kube-system", "kube-public",
					     "kube-node-lease", "local-path-storage" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ifx_str_eq(ns->name, ifx_str_of(names[i])))
			return true;
	return ifx_str_eq(ns->name, ifx_root_namespace(ns->environment));
}

static bool some_pod_asks(const struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			if (!p->gateway && !p->opted_out && (p->opted_in || p->revision.len))
				return true;
	return false;
}

static bool is_ambient(const struct ifx_namespace *ns)
{
	return ifx_str_eq(ns->mode.value, IFX_LIT("ambient"));
}

static ifx_str say(struct ifx_estate *estate, const char *key, ifx_str value)
{
	return ifx_arena_printf(&estate->arena, value.len ? "%s: %.*s" : "%s: \"\"", key,
				IFX_ARG(value));
}

static void decide(struct ifx_estate *estate, struct ifx_namespace *ns)
{
	bool known = ns->objects[IFX_NAMESPACE].first != NULL;

	if (ns->injection.value.ptr) {
		ns->state = ifx_str_eq(ns->injection.value, IFX_LIT("enabled")) ? IFX_STATE_INJECTED
			    : is_ambient(ns)                                    ? IFX_STATE_AMBIENT
										: IFX_STATE_OUT;
		ns->why = say(estate, IFX_KEY_INJECTION, ns->injection.value);
	} else if (ns->revision.value.len) {
		ns->state = IFX_STATE_REVISION;
		ns->why = say(estate, IFX_KEY_REV, ns->revision.value);
	} else if (is_ambient(ns)) {
		ns->state = IFX_STATE_AMBIENT;
	} else if (ns->environment->settings.inject_by_default.value.ptr && !ns->reserved &&
		   !ns->revision.value.ptr) {
		ns->state = IFX_STATE_DEFAULT;
		ns->why = IFX_LIT("enableNamespacesByDefault: true");
	} else if (some_pod_asks(ns)) {
		ns->state = IFX_STATE_PODS;
		ns->why = IFX_LIT("labels of pods");
	} else {
		ns->state = known ? IFX_STATE_OUT : IFX_STATE_UNKNOWN;
		ns->why = known ? IFX_LIT("no label") : IFX_LIT("no Namespace object");
	}
	if (ns->state == IFX_STATE_AMBIENT)
		ns->why = say(estate, IFX_KEY_MODE, ns->mode.value);
	if (ns->reserved)
		ns->state = IFX_STATE_OUT;
}

bool ifx_namespaces_decide(struct ifx_estate *estate, struct ifx_environment *e)
{
	for (size_t i = 0; i < e->n_namespaces; i++) {
		struct ifx_namespace *ns = e->namespaces[i];

		ns->number = i;
		ns->reserved = is_reserved(ns);
		if (!read_labels(estate, ns))
			return false;
		decide(estate, ns);
		if (!ns->why.ptr)
			return false;
		for (struct ifx_object *o = ns->objects[IFX_WORKLOAD].first; o; o = o->next)
			for (struct ifx_pods *p = o->pods; p; p = p->next)
				ifx_pods_decide(p, ns);
	}
	return true;
}

bool ifx_has_sidecars(const struct ifx_namespace *ns)
{
	return ns->state >= IFX_STATE_INJECTED && ns->state <= IFX_STATE_PODS;
}

const char *ifx_state_name(ifx_namespace_state state)
{
	static const char *const names[IFX_STATES] = {
		"unknown",
		"sidecar (label)",
		"sidecar (revision)",
		"sidecar (default)",
		"sidecar (pod labels)",
		"ambient",
		"out",
	};

	return names[state];
}
