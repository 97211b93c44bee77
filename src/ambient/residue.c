/*
 * W32: selectors on the injection labels, and whoever would write such a label again. What selects
 * a namespace that migrates holds its enroll; the rest is a warning.
 */
#include "ambient/find.h"

#include "ambient/selector.h"
#include "rule/injection.h"

/** A place that concerns more namespaces than this is one finding about the environment. */
enum { NAMED_MAX = 16 };

/* What is passed along while one object is walked. */
struct walking {
	struct ifx_migration *plan;
	struct ifx_environment *e;
	const struct ifx_object *object;
	const struct ifx_node *seen; /* the last selector that was reported */
};

/* Which namespaces does a place concern? */
typedef bool concerns_fn(const struct walking *w, const struct ifx_namespace *ns,
			 const struct ifx_node *node);

static bool names_label(ifx_str text)
{
	return ifx_str_find(text, IFX_LIT(IFX_KEY_INJECTION)) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT(IFX_KEY_REV)) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT("istio.io~1rev")) != SIZE_MAX;
}

/* ---- findings ---- */

static void warn(const struct walking *w, const struct ifx_node *node, const char *what)
{
	ifx_hinder(w->plan, IFX_F_W32, NULL, w->object, node, "%.*s %.*s %s",
		   IFX_ARG(ifx_object_kind_name(w->object)), IFX_ARG(w->object->r->name), what);
}

static void hold(const struct walking *w, struct ifx_namespace *ns, const struct ifx_node *node,
		 const char *what)
{
	struct ifx_hindrance *h = ifx_hinder(
		w->plan, IFX_F_W32, ns, w->object, node, "%.*s %.*s %s",
		IFX_ARG(ifx_object_kind_name(w->object)), IFX_ARG(w->object->r->name), what);

	h->weight = IFX_WEIGHT_S;
	h->only_enroll = true;
	ifx_hinder_help(w->plan, h, "let it go by another label, or take it out, before enroll");
}

/* One finding for each namespace, or one for all when they are many. */
static void report(struct walking *w, const struct ifx_node *node, concerns_fn *concerns,
		   const char *what)
{
	const struct ifx_env_plan *env = ifx_migration_env(w->plan, w->e);
	struct ifx_namespace *found[NAMED_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < w->e->n_namespaces && n <= NAMED_MAX; i++)
		if (env->namespaces[i].migrates && concerns(w, w->e->namespaces[i], node))
			found[n++] = w->e->namespaces[i];
	if (!n)
		warn(w, node, what);
	else if (n > NAMED_MAX)
		hold(w, NULL, node, what);
	for (size_t i = 0; n <= NAMED_MAX && i < n; i++)
		hold(w, found[i], node, what);
}

/* ---- which namespaces ---- */

static bool all(const struct walking *w, const struct ifx_namespace *ns,
		const struct ifx_node *node)
{
	(void)w;
	(void)ns;
	(void)node;
	return true;
}

/* Labels once the namespace is enrolled: without injection labels, with the new one. */
static struct ifx_pairs enrolled(const struct ifx_namespace *ns, struct ifx_pair *items)
{
	size_t n = 0;

	for (size_t i = 0; i < ns->labels.n; i++) {
		ifx_str key = ns->labels.items[i].key;

		if (!ifx_str_eq(key, IFX_LIT(IFX_KEY_INJECTION)) &&
		    !ifx_str_eq(key, IFX_LIT(IFX_KEY_REV)) &&
		    !ifx_str_eq(key, IFX_LIT(IFX_KEY_MODE)))
			items[n++] = ns->labels.items[i];
	}
	items[n++] = (struct ifx_pair){ IFX_LIT(IFX_KEY_MODE), IFX_LIT("ambient") };
	return (struct ifx_pairs){ items, n };
}

/* Does the selector take it before enroll and not after, or the other way round? */
static bool changes_sides(const struct walking *w, const struct ifx_namespace *ns,
			  const struct ifx_node *selector)
{
	struct ifx_pair *items =
		ifx_arena_alloc(&w->plan->arena, (ns->labels.n + 1) * sizeof(*items));

	if (!items) {
		w->plan->failed = true;
		return false;
	}
	return ifx_selector_fits(selector, ns->labels) !=
	       ifx_selector_fits(selector, enrolled(ns, items));
}

static bool by_kustomization(const struct walking *w, const struct ifx_namespace *ns,
			     const struct ifx_node *node)
{
	(void)node;
	for (const struct ifx_object *o = ns->objects[IFX_NAMESPACE].first; o; o = o->next)
		for (const struct ifx_way *way = o->way; way; way = way->outer)
			if (way->by->file.ptr && ifx_str_eq(way->by->file, w->object->source->real))
				return true;
	return false;
}

/* The namespace that an Application of Argo CD deploys to; a template's may be any. */
static bool by_destination(const struct walking *w, const struct ifx_namespace *ns,
			   const struct ifx_node *node)
{
	const struct ifx_node *spec = ifx_object_spec(w->object);
	const struct ifx_node *inner = ifx_get(ifx_get(spec, IFX_LIT("template")), IFX_LIT("spec"));
	ifx_str name = ifx_get_text(ifx_get(inner ? inner : spec, IFX_LIT("destination")),
				    IFX_LIT("namespace"));

	(void)node;
	return ifx_str_find(name, IFX_LIT("{{")) != SIZE_MAX || ifx_str_eq(name, ns->name);
}

/* ---- where it stands ---- */

static ifx_str key_of(const struct ifx_node *node)
{
	return node && node->entry && node->entry->key ? ifx_text(node->entry->key) : IFX_NONE;
}

static const struct ifx_node *parent(const struct ifx_node *node)
{
	return node && node->entry ? node->entry->in : NULL;
}

/* The nearest map above that is the value of this key, or NULL. */
static const struct ifx_node *above(const struct ifx_node *node, const char *key)
{
	for (; node; node = parent(node))
		if (ifx_str_eq(key_of(node), ifx_str_of(key)))
			return node;
	return NULL;
}

static bool is_of_group(const struct ifx_object *o, const char *suffix)
{
	return ifx_str_ends(o->r->group, ifx_str_of(suffix));
}

/* Istio's own webhooks and templates have these labels; that is what they are for. */
static bool is_injector(const struct ifx_object *o)
{
	if (o->kind == IFX_CONFIG_MAP)
		return ifx_str_starts(o->r->name, IFX_LIT("istio"));
	return ifx_str_ends(o->r->kind, IFX_LIT("WebhookConfiguration")) &&
	       (ifx_str_starts(o->r->name, IFX_LIT("istio-")) ||
		ifx_get(ifx_get(o->r->metadata, IFX_LIT("labels")), IFX_LIT(IFX_KEY_REV)));
}

/* The selector that has a matchLabels or matchExpressions with the label; NULL: none. */
static const struct ifx_node *selector_of(const struct ifx_node *map)
{
	const struct ifx_node *up = parent(map);

	if (ifx_str_eq(key_of(map), IFX_LIT("matchLabels")))
		return up;
	return ifx_str_eq(key_of(up), IFX_LIT("matchExpressions")) ? parent(up) : NULL;
}

static bool selects_namespaces(const struct walking *w, const struct ifx_node *selector)
{
	if (above(selector, "podSelector") || above(selector, "objectSelector"))
		return false;
	return above(selector, "namespaceSelector") || above(selector, "discoverySelectors") ||
	       above(selector, "namespaces") || w->object->kind == IFX_OTHER;
}

/* ---- the walk ---- */

/* map: has the label as a key, or as `key: istio-injection` of an expression. */
static void see_selector(struct walking *w, const struct ifx_node *map,
			 const struct ifx_node *selector, const struct ifx_node *node)
{
	(void)map;
	if (selector == w->seen)
		return;
	w->seen = selector;
	if (selects_namespaces(w, selector))
		report(w, selector, changes_sides,
		       "selects namespaces by an injection label that enroll takes away");
	else
		warn(w, node, "selects by an injection label");
}

static void see_policy(struct walking *w, const struct ifx_node *node)
{
	if (w->seen)
		return; /* one finding for a policy */
	w->seen = node;
	report(w, node, all,
	       "speaks of an injection label: it may refuse the namespace without it, "
	       "or put it back");
}

/* An entry, item or text that names a label. */
static void see(struct walking *w, const struct ifx_node *map, const struct ifx_node *node)
{
	const struct ifx_node *selector = selector_of(map);

	if (is_of_group(w->object, "kyverno.io") || is_of_group(w->object, "gatekeeper.sh"))
		see_policy(w, node);
	else if (selector)
		see_selector(w, map, selector, node);
	else if (w->object->kind == IFX_KUSTOMIZATION)
		report(w, node, by_kustomization, "gives namespaces an injection label");
	else if (above(node, "managedNamespaceMetadata"))
		report(w, node, by_destination,
		       "puts an injection label back on the namespace (managedNamespaceMetadata)");
	else if (w->object->kind == IFX_OTHER || w->object->kind == IFX_CONFIG_MAP ||
		 w->object->kind == IFX_HELM_VALUES)
		warn(w, node, "speaks of an injection label");
}

static bool is_own_metadata(const struct walking *w, const struct ifx_node *node)
{
	const struct ifx_node *metadata = w->object->r->metadata;

	for (; node; node = parent(node))
		if (node == metadata)
			return true;
	return false;
}

static void walk(struct walking *w, const struct ifx_node *node)
{
	if (ifx_is(node, IFX_SCALAR) && names_label(ifx_text(node)))
		see(w, parent(node), node);
	if (!ifx_is(node, IFX_MAP) && !ifx_is(node, IFX_SEQ))
		return;
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		if (ifx_is(e->key, IFX_SCALAR) && names_label(ifx_text(e->key)))
			see(w, node, e->value);
		if (ifx_is(node, IFX_MAP) && is_own_metadata(w, e->value))
			continue;
		walk(w, e->value);
	}
}

/* Pods and Namespaces have these labels, and so have waypoints: other findings are about them. */
static bool may_have(const struct ifx_object *o)
{
	return o->kind != IFX_NAMESPACE && o->kind != IFX_WORKLOAD && !is_injector(o) &&
	       names_label(o->r->doc->src);
}

static void look(struct ifx_migration *plan, struct ifx_environment *e,
		 const struct ifx_objects *lists)
{
	for (size_t kind = 0; kind < IFX_KINDS; kind++)
		for (const struct ifx_object *o = lists[kind].first; o; o = o->next) {
			struct walking w = { plan, e, o, NULL };

			if (may_have(o))
				walk(&w, o->r->node);
		}
}

/* A JSON patch in a file of its own gives the label, and nothing that was walked names it. */
static void see_json_patch(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	const struct ifx_ns_label *label = ns->injection.value.ptr ? &ns->injection : &ns->revision;
	struct walking w = { plan, ns->environment, label->object, NULL };

	if (ifx_migration_of(plan, ns)->migrates && label->object && !label->entry &&
	    !names_label(label->object->r->doc->src))
		hold(&w, ns, NULL, "gives the namespace an injection label (JSON patch)");
}

void ifx_find_residue(struct ifx_migration *plan, struct ifx_environment *e)
{
	const struct ifx_setting *discovery = &e->settings.discovery;

	look(plan, e, e->objects);
	for (size_t i = 0; i < e->n_namespaces; i++) {
		look(plan, e, e->namespaces[i]->objects);
		see_json_patch(plan, e->namespaces[i]);
	}
	/* The mesh's text in a ConfigMap is a document of its own. */
	if (discovery->node && discovery->node->doc->host) {
		struct walking w = { plan, e, discovery->object, NULL };

		walk(&w, discovery->node);
	}
}
