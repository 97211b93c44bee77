#include "ambient/needs.h"
#include "ambient/route.h"

#include "ambient/find.h"
#include "base/alloc.h"

#include <stdlib.h>

/* ---- labels ---- */

static int by_key(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_label *)a)->key, ((const struct ifx_label *)b)->key);
}

bool ifx_labels_of_pairs(struct ifx_migration *plan, struct ifx_labels *out, struct ifx_pairs pairs)
{
	struct ifx_label *list = ifx_arena_alloc(&plan->arena, pairs.n * sizeof(*list));
	size_t n = 0;

	*out = (struct ifx_labels){ 0 };
	if (!list)
		return false;
	for (size_t i = 0; i < pairs.n; i++)
		list[i] = (struct ifx_label){ pairs.items[i].key, pairs.items[i].value };
	if (pairs.n)
		qsort(list, pairs.n, sizeof(*list), by_key);
	for (size_t i = 0; i < pairs.n; i++)
		if (!n || !ifx_str_eq(list[n - 1].key, list[i].key))
			list[n++] = list[i];
	*out = (struct ifx_labels){ list, n };
	return true;
}

bool ifx_labels_of_pods(struct ifx_migration *plan, struct ifx_labels **list, size_t *n,
			const struct ifx_namespace *ns)
{
	size_t count = 0;

	*n = 0;
	IFX_EACH_PODS(o, p, ns)
	count++;
	*list = ifx_arena_alloc(&plan->arena, count * sizeof(**list));
	if (!*list)
		return false;
	IFX_EACH_PODS(o, p, ns)
	if (!ifx_labels_of_pairs(plan, &(*list)[(*n)++], p->labels))
		return false;
	return true;
}

bool ifx_is_gateway_selector(const struct ifx_namespace *ns, struct ifx_labels selector)
{
	bool any = false;

	if (!selector.n)
		return false;
	IFX_EACH_PODS(o, p, ns)
	{
		bool all = true;

		for (size_t i = 0; i < selector.n && all; i++)
			all = ifx_str_eq(ifx_pair_value(p->labels, selector.list[i].key),
					 selector.list[i].value);
		if (all && !p->gateway)
			return false;
		any |= all;
	}
	return any;
}

/* ---- policies ---- */

bool ifx_policies_read(struct ifx_migration *plan, struct ifx_ns_plan *ns)
{
	struct ifx_policy_view **link = &ns->policies;

	for (const struct ifx_object *o = ns->namespace->objects[IFX_AUTHORIZATION_POLICY].first; o;
	     o = o->next) {
		struct ifx_policy_view *view = ifx_arena_alloc(&plan->arena, sizeof(*view));

		if (!view || ifx_authz_read(&view->authz, o->r->node, ns->namespace->name,
					    &plan->arena) != IFX_OK)
			return false;
		view->object = o;
		if (ifx_authz_is_l4(&view->authz, &view->l7))
			view->l7 = (struct ifx_l7_reason){ 0 };
		*link = view;
		link = &view->next;
	}
	return true;
}

/* ---- one namespace ---- */

/* What is passed along while one namespace is looked at. */
struct seeking {
	struct ifx_migration *plan;
	struct ifx_ns_plan *ns;
	struct ifx_labels *pods;
	size_t n_pods;
};

static void add(struct ifx_migration *plan, const struct ifx_object *service, ifx_need_kind kind,
		const struct ifx_object *object, const struct ifx_node *node, ifx_str why)
{
	struct ifx_needs *needs = &ifx_migration_of(plan, service->namespace)->needs;
	struct ifx_need *items = ifx_grow(needs->items, &needs->cap, needs->n + 1, sizeof(*items));

	if (!items) {
		plan->failed = true;
		return;
	}
	needs->items = items;
	items[needs->n++] = (struct ifx_need){ kind, service, object, node, why };
}

/* Has the Service pods of its own that are no gateways, as far as the tree shows? */
static bool is_candidate(const struct ifx_object *service)
{
	bool gateway = false, other = false;

	if (service->service->external_name || !service->service->selector.n)
		return false;
	IFX_EACH_PODS(o, p, service->namespace)
	{
		if (!ifx_svc_selects(service->service, p))
			continue;
		gateway |= p->gateway;
		other |= !p->gateway;
	}
	return other || !gateway;
}

static ifx_cover cover_of(const struct seeking *s, const struct ifx_object *service,
			  struct ifx_labels selector)
{
	struct ifx_labels labels;

	if (!selector.n)
		return IFX_COVER_FULL;
	if (!ifx_labels_of_pairs(s->plan, &labels, service->service->selector)) {
		s->plan->failed = true;
		return IFX_COVER_NONE;
	}
	return ifx_labels_cover(selector, labels, s->pods, s->n_pods);
}

static void part(const struct seeking *s, const struct ifx_object *policy,
		 const struct ifx_object *service, ifx_cover cover)
{
	struct ifx_hindrance *h;

	if (cover == IFX_COVER_PARTIAL)
		h = ifx_hinder(s->plan, IFX_F_S28, s->ns->namespace, policy,
			       ifx_get(ifx_object_spec(policy), IFX_LIT("selector")),
			       "%.*s %.*s selects some of the pods behind Service %.*s, not all: a "
			       "waypoint cannot say that",
			       IFX_WHO(policy), IFX_ARG(service->r->name));
	else
		h = ifx_hinder(s->plan, IFX_F_S28, s->ns->namespace, policy,
			       ifx_get(ifx_object_spec(policy), IFX_LIT("selector")),
			       "%.*s %.*s may select all or some of the pods behind Service %.*s; "
			       "the tree has no pod template that tells",
			       IFX_WHO(policy), IFX_ARG(service->r->name));
	ifx_hinder_help(s->plan, h,
			"make a Service for each group of pods, or a waypoint for "
			"workloads");
}

/* All Services that have pods of the selector. */
static void cover_services(const struct seeking *s, const struct ifx_object *policy,
			   struct ifx_labels selector, ifx_need_kind kind,
			   const struct ifx_node *node, ifx_str why)
{
	const struct ifx_namespace *ns = s->ns->namespace;
	bool any = false;

	if (ifx_is_gateway_selector(ns, selector))
		return;
	for (struct ifx_object *o = ns->objects[IFX_SERVICE].first; o; o = o->next) {
		ifx_cover cover = is_candidate(o) ? cover_of(s, o, selector) : IFX_COVER_NONE;

		if (cover == IFX_COVER_FULL)
			add(s->plan, o, kind, policy, node, why);
		else if (cover != IFX_COVER_NONE)
			part(s, policy, o, cover);
		any |= cover != IFX_COVER_NONE;
	}
	if (any || policy->namespace != ns || !selector.n)
		return;
	ifx_hinder_help(
		s->plan,
		ifx_hinder(s->plan, IFX_F_S28, s->ns->namespace, policy,
			   ifx_get(ifx_object_spec(policy), IFX_LIT("selector")),
			   "%.*s %.*s needs a waypoint, and no Service of the tree leads to "
			   "the pods that it selects",
			   IFX_WHO(policy)),
		"make a waypoint for workloads and label the pods, or add a Service");
}

/* targetRefs that somebody wrote already. */
static void target_services(const struct seeking *s, const struct ifx_object *policy,
			    ifx_need_kind kind, ifx_str why)
{
	const struct ifx_node *spec = ifx_object_spec(policy);
	const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("targetRefs")));

	for (; e; e = e->next) {
		const struct ifx_node *ref = ifx_deref(e->value);
		const struct ifx_object *service =
			ifx_str_eq(ifx_get_text(ref, IFX_LIT("kind")), IFX_LIT("Service"))
				? ifx_object_named(s->ns->namespace, IFX_SERVICE,
						   ifx_get_text(ref, IFX_LIT("name")))
				: NULL;

		if (service)
			add(s->plan, service, kind, policy, ref, why);
	}
}

/* "methods: it is a property of HTTP requests" */
static ifx_str reason(struct ifx_migration *plan, const struct ifx_l7_reason *l7)
{
	ifx_str text;

	if (!l7->match)
		return ifx_str_of(l7->why);
	text = ifx_arena_printf(&plan->arena, "%s: %s",
				ifx_attr_field(l7->match->attr, !l7->match->values.n), l7->why);
	plan->failed |= !text.ptr;
	return text;
}

static void of_policies(const struct seeking *s, const struct ifx_ns_plan *from)
{
	for (const struct ifx_policy_view *v = from ? from->policies : NULL; v; v = v->next) {
		if (v->authz.scope.n_targets && from == s->ns)
			target_services(s, v->object, IFX_NEED_POLICY, IFX_LIT("has targetRefs"));
		else if (!v->authz.scope.n_targets && v->l7.why)
			cover_services(s, v->object, v->authz.scope.selector, IFX_NEED_POLICY,
				       v->l7.at, reason(s->plan, &v->l7));
	}
}

static void of_others(const struct seeking *s, const struct ifx_namespace *from,
		      ifx_object_kind kind, ifx_need_kind need)
{
	for (const struct ifx_object *o = from ? from->objects[kind].first : NULL; o; o = o->next) {
		const struct ifx_node *spec = ifx_object_spec(o);
		struct ifx_labels selector;

		if (ifx_get(spec, IFX_LIT("targetRefs")) || ifx_get(spec, IFX_LIT("targetRef"))) {
			if (from == s->ns->namespace)
				target_services(s, o, need, IFX_LIT("has targetRefs"));
			continue;
		}
		if (ifx_labels_read(
			    &selector,
			    ifx_get(ifx_get(spec, IFX_LIT("selector")), IFX_LIT("matchLabels")),
			    &s->plan->arena) != IFX_OK)
			s->plan->failed = true;
		else
			cover_services(s, o, selector, need, NULL, IFX_LIT(""));
	}
}

/* A policy that ztunnel keeps needs a copy where a waypoint stands in front. */
static void partial_l4(const struct seeking *s)
{
	const struct ifx_objects *services = &s->ns->namespace->objects[IFX_SERVICE];

	for (const struct ifx_policy_view *v = s->ns->policies; v; v = v->next) {
		if (v->l7.why || v->authz.scope.n_targets || !v->authz.scope.selector.n)
			continue;
		for (const struct ifx_object *o = services->first; o; o = o->next) {
			ifx_cover cover = IFX_COVER_NONE;

			if (ifx_is_bound(s->plan, s->ns, o))
				cover = cover_of(s, o, v->authz.scope.selector);
			if (cover == IFX_COVER_PARTIAL || cover == IFX_COVER_UNKNOWN)
				part(s, v->object, o, cover);
		}
	}
}

/* ---- routes and destinations: from wherever they are to the Services they name ---- */

bool ifx_is_for_mesh(const struct ifx_node *spec)
{
	const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("gateways")));

	if (!e)
		return true;
	for (; e; e = e->next)
		if (ifx_str_eq(ifx_text(ifx_deref(e->value)), IFX_LIT("mesh")))
			return true;
	return false;
}

static bool migrates(const struct ifx_migration *plan, const struct ifx_object *service)
{
	return service && ifx_migration_of(plan, service->namespace)->migrates;
}

static void of_virtual_services(struct ifx_migration *plan, const struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns->objects[IFX_VIRTUAL_SERVICE].first; o; o = o->next) {
		const struct ifx_node *spec = ifx_object_spec(o);
		const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("hosts")));

		for (; e && ifx_is_for_mesh(spec); e = e->next) {
			const struct ifx_node *host = ifx_deref(e->value);
			const struct ifx_object *service =
				ifx_svc_of_host(ns->environment, ns->name, ifx_text(host));

			/* Waypoints do not read those of other namespaces (W25). */
			if (migrates(plan, service) && service->namespace == ns)
				add(plan, service, IFX_NEED_ROUTE, o, host,
				    IFX_LIT("it stays; waypoints run VirtualServices, as an alpha feature"));
		}
	}
}

/* Anything besides the mutual TLS that the mesh uses by itself. */
static const struct ifx_node *traffic_policy(const struct ifx_node *rule)
{
	const struct ifx_node *policy = ifx_get(rule, IFX_LIT("trafficPolicy"));
	const struct ifx_node *tls = ifx_get(policy, IFX_LIT("tls"));

	if (!ifx_is(policy, IFX_MAP) || !policy->n)
		return NULL;
	if (policy->n == 1 &&
	    ifx_str_eq(ifx_get_text(tls, IFX_LIT("mode")), IFX_LIT("ISTIO_MUTUAL")))
		return NULL;
	return policy;
}

static void of_destination_rules(struct ifx_migration *plan, const struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns->objects[IFX_DESTINATION_RULE].first; o; o = o->next) {
		const struct ifx_node *spec = ifx_object_spec(o);
		const struct ifx_node *policy = traffic_policy(spec);
		const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("subsets")));
		const struct ifx_object *service = ifx_svc_of_host(
			ns->environment, ns->name, ifx_get_text(spec, IFX_LIT("host")));

		for (; e && !policy; e = e->next)
			policy = traffic_policy(ifx_deref(e->value));
		if (policy && migrates(plan, service) && service->namespace == ns &&
		    !ifx_is_subset(service))
			add(plan, service, IFX_NEED_DESTINATION, o, policy, IFX_LIT(""));
	}
}

static void of_gateway_routes(struct ifx_migration *plan, const struct ifx_namespace *ns,
			      ifx_object_kind kind)
{
	for (const struct ifx_object *o = ns->objects[kind].first; o; o = o->next) {
		const struct ifx_entry *e =
			ifx_items(ifx_get(ifx_object_spec(o), IFX_LIT("parentRefs")));

		for (; e; e = e->next) {
			const struct ifx_node *ref = ifx_deref(e->value);
			const struct ifx_object *service = ifx_object_named(
				ns, IFX_SERVICE, ifx_get_text(ref, IFX_LIT("name")));

			if (ifx_str_eq(ifx_get_text(ref, IFX_LIT("kind")), IFX_LIT("Service")) &&
			    migrates(plan, service))
				add(plan, service, IFX_NEED_ROUTE, o, ref, IFX_LIT(""));
		}
	}
}

/* ---- an environment ---- */

static int by_service(const void *a, const void *b)
{
	const struct ifx_need *x = a, *y = b;
	int c = ifx_str_cmp(x->service->r->name, y->service->r->name);

	if (!c)
		c = (x->kind > y->kind) - (x->kind < y->kind);
	if (!c)
		c = ifx_str_cmp(x->object->source->path, y->object->source->path);
	if (!c)
		c = (x->object->document > y->object->document) -
		    (x->object->document < y->object->document);
	if (!c && x->node && y->node)
		c = (x->node->span.at > y->node->span.at) - (x->node->span.at < y->node->span.at);
	return c;
}

static void seek(struct ifx_migration *plan, struct ifx_ns_plan *ns, struct ifx_ns_plan *root)
{
	struct seeking s = { plan, ns, NULL, 0 };
	const struct ifx_namespace *mesh = root ? root->namespace : NULL;

	if (!ifx_labels_of_pods(plan, &s.pods, &s.n_pods, ns->namespace)) {
		plan->failed = true;
		return;
	}
	of_policies(&s, ns);
	of_policies(&s, root);
	of_others(&s, ns->namespace, IFX_REQUEST_AUTHENTICATION, IFX_NEED_JWT);
	of_others(&s, mesh, IFX_REQUEST_AUTHENTICATION, IFX_NEED_JWT);
	of_others(&s, ns->namespace, IFX_WASM_PLUGIN, IFX_NEED_WASM);
	of_others(&s, mesh, IFX_WASM_PLUGIN, IFX_NEED_WASM);
	of_virtual_services(plan, ns->namespace);
	of_destination_rules(plan, ns->namespace);
	for (ifx_object_kind kind = IFX_HTTP_ROUTE; kind <= IFX_TLS_ROUTE; kind++)
		of_gateway_routes(plan, ns->namespace, kind);
	if (ns->needs.n)
		qsort(ns->needs.items, ns->needs.n, sizeof(*ns->needs.items), by_service);
	partial_l4(&s);
}

void ifx_needs_find(struct ifx_migration *plan, struct ifx_env_plan *env)
{
	const struct ifx_environment *e = env->environment;
	struct ifx_namespace *root = ifx_estate_namespace(e, ifx_root_namespace(e));

	for (size_t i = 0; i < e->n_namespaces; i++)
		if (env->namespaces[i].migrates)
			seek(plan, &env->namespaces[i], root ? ifx_migration_of(plan, root) : NULL);
}

const struct ifx_need *ifx_need_of(const struct ifx_ns_plan *ns, const struct ifx_object *service)
{
	for (size_t i = 0; i < ns->needs.n; i++)
		if (ns->needs.items[i].service == service)
			return &ns->needs.items[i];
	return NULL;
}

bool ifx_is_bound(const struct ifx_migration *plan, const struct ifx_ns_plan *ns,
		  const struct ifx_object *service)
{
	if (plan->options->bind_namespaces)
		return ns->needs.n && is_candidate(service);
	return ifx_need_of(ns, service) != NULL;
}

const char *ifx_need_name(ifx_need_kind kind)
{
	static const char *const names[] = { "policy", "JWT", "plugin", "route", "destination" };

	return names[kind];
}

/* ---- who calls them ---- */

/* May a policy be about pods of the Service? One that names callers of others says nothing of it.
 */
static bool is_about(struct ifx_migration *plan, const struct ifx_ns_plan *ns,
		     const struct ifx_object *policy, const struct ifx_object *service)
{
	const struct ifx_policy_view *v = ns->policies;
	struct ifx_labels labels;

	while (v && v->object != policy)
		v = v->next;
	if (!v)
		return false;
	if (!ifx_labels_of_pairs(plan, &labels, service->service->selector)) {
		plan->failed = true;
		return false;
	}
	return !v->authz.scope.n_targets && !ifx_labels_disagree(v->authz.scope.selector, labels);
}

const struct ifx_object *ifx_guarded(struct ifx_migration *plan, const struct ifx_ns_plan *callee,
				     const struct ifx_link *link)
{
	for (size_t i = 0; i < callee->needs.n; i++) {
		const struct ifx_need *need = &callee->needs.items[i];

		if (need->kind > IFX_NEED_WASM ||
		    (link->service.len && !ifx_str_eq(link->service, need->service->r->name)))
			continue;
		if (link->kind != IFX_LINK_POLICY || need->object == link->object ||
		    is_about(plan, callee, link->object, need->service))
			return need->service;
	}
	return NULL;
}
