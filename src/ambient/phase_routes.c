/*
 * Routes: VirtualServices of the mesh become HTTPRoutes of their Services, where that is the same;
 * in one step, because an HTTPRoute puts every VirtualService for its Service out of force.
 * Sidecars read such routes as well. What is not the same stays, and is said.
 */
#include "ambient/needs.h"
#include "ambient/route.h"

bool ifx_routes_goes(const struct ifx_routes *routes, const struct ifx_object *o)
{
	for (size_t i = 0; routes && i < routes->n; i++)
		if (routes->list[i].o == o)
			return !routes->list[i].refused;
	for (size_t i = 0; routes && i < routes->n_splits; i++)
		if (routes->splits[i].rule == o)
			return routes->splits[i].used && !routes->splits[i].keeps;
	return false;
}

/* ---- patches ---- */

static bool targets(const struct ifx_node *list, const struct ifx_object *o)
{
	for (const struct ifx_entry *e = ifx_list_items(list); e; e = e->next) {
		const struct ifx_node *target = ifx_get(ifx_deref(e->value), IFX_LIT("target"));
		ifx_str kind = ifx_get_text(target, IFX_LIT("kind"));

		if (target && (!kind.len || ifx_str_eq(kind, o->r->kind)))
			return true;
	}
	return false;
}

bool ifx_is_patched(const struct ifx_passage *m, const struct ifx_object *o)
{
	for (const struct ifx_object *p = m->ns->environment->patches.first; p; p = p->next)
		if (p->kind == o->kind && ifx_str_eq(p->r->name, o->r->name))
			return true;
	for (const struct ifx_way *way = o->way; way; way = way->outer) {
		const struct ifx_object *k = ifx_estate_kustomization(m->estate, way->by);

		if (k && (targets(ifx_get(k->r->node, IFX_LIT("patches")), o) ||
			  targets(ifx_get(k->r->node, IFX_LIT("patchesJson6902")), o) ||
			  ifx_get(k->r->node, IFX_LIT("replacements"))))
			return true;
	}
	return false;
}

/* ---- who else speaks of a Service ---- */

typedef void destination_fn(struct ifx_routes *routes, const struct ifx_object *o,
			    const struct ifx_node *destination);

static void each_in_rule(struct ifx_routes *routes, const struct ifx_object *o,
			 const struct ifx_node *rule, destination_fn *fn)
{
	static const char *const lists[] = { "route", "mirrors" };

	for (size_t i = 0; i < 2; i++)
		for (const struct ifx_entry *e =
			     ifx_list_items(ifx_get(rule, ifx_str_of(lists[i])));
		     e; e = e->next)
			fn(routes, o, ifx_get(ifx_deref(e->value), IFX_LIT("destination")));
	if (ifx_get(rule, IFX_LIT("mirror")))
		fn(routes, o, ifx_get(rule, IFX_LIT("mirror")));
}

/* Every destination of every VirtualService of the environment. */
static void each_destination(struct ifx_routes *routes, destination_fn *fn)
{
	static const char *const lists[] = { "http", "tcp", "tls" };
	const struct ifx_environment *e = routes->m->ns->environment;

	for (size_t i = 0; i < e->n_namespaces; i++)
		for (const struct ifx_object *o =
			     e->namespaces[i]->objects[IFX_VIRTUAL_SERVICE].first;
		     o; o = o->next)
			for (size_t k = 0; k < 3; k++)
				for (const struct ifx_entry *x = ifx_list_items(
					     ifx_get(ifx_object_spec(o), ifx_str_of(lists[k])));
				     x; x = x->next)
					each_in_rule(routes, o, ifx_deref(x->value), fn);
}

static struct ifx_split *split_of(struct ifx_routes *routes, const struct ifx_object *o,
				  const struct ifx_node *destination)
{
	const struct ifx_object *service = ifx_svc_of_host(
		o->environment, o->namespace->name, ifx_get_text(destination, IFX_LIT("host")));

	for (size_t i = 0; service && i < routes->n_splits; i++)
		if (routes->splits[i].service == service)
			return &routes->splits[i];
	return NULL;
}

static void mark_used(struct ifx_routes *routes, const struct ifx_object *o,
		      const struct ifx_node *destination)
{
	struct ifx_split *s = split_of(routes, o, destination);
	bool subset = ifx_get(destination, IFX_LIT("subset")) != NULL;

	if (!s)
		return;
	if (subset && ifx_routes_goes(routes, o))
		s->used = true;
	if (!subset)
		s->keeps = true;
}

/* A subset that somebody else still names cannot go. */
static void mark_stuck(struct ifx_routes *routes, const struct ifx_object *o,
		       const struct ifx_node *destination)
{
	struct ifx_split *s = split_of(routes, o, destination);

	if (s && s->used && ifx_get(destination, IFX_LIT("subset")) && !ifx_routes_goes(routes, o))
		s->stuck = o;
}

static void refuse_stuck(struct ifx_routes *routes, const struct ifx_object *o,
			 const struct ifx_node *destination)
{
	struct ifx_split *s = split_of(routes, o, destination);
	const struct ifx_node *subset = ifx_get(destination, IFX_LIT("subset"));

	if (!s || !s->stuck || !subset)
		return;
	for (size_t i = 0; i < routes->n; i++)
		if (routes->list[i].o == o && !routes->list[i].refused)
			ifx_route_refuse(&routes->list[i], subset,
					 "VirtualService %.*s of namespace %.*s names the subsets "
					 "as well, and stays",
					 IFX_ARG(s->stuck->r->name),
					 IFX_ARG(s->stuck->namespace->name));
}

/* ---- splits ---- */

static bool find_splits(struct ifx_routes *routes)
{
	struct ifx_passage *m = routes->m;
	const struct ifx_objects *rules = &m->ns->objects[IFX_DESTINATION_RULE];

	routes->splits =
		ifx_arena_alloc(&m->changes->arena, (rules->n + 1) * sizeof(*routes->splits));
	if (!routes->splits)
		return false;
	for (const struct ifx_object *o = rules->first; o; o = o->next) {
		const struct ifx_node *spec = ifx_object_spec(o);
		const struct ifx_object *service = ifx_svc_of_host(
			m->ns->environment, m->ns->name, ifx_get_text(spec, IFX_LIT("host")));

		if (service && service->namespace == m->ns &&
		    ifx_list_items(ifx_get(spec, IFX_LIT("subsets"))))
			routes->splits[routes->n_splits++] =
				(struct ifx_split){ .rule = o, .service = service };
	}
	return true;
}

/* Is all that reaches the Service through its route, so that no policy is left for itself? */
static bool is_covered(const struct ifx_routes *routes, const struct ifx_split *s)
{
	for (size_t i = 0; i < routes->m->n_fronts; i++)
		if (routes->m->fronts[i].o == s->service && routes->m->fronts[i].exposed)
			return false;
	for (size_t i = 0; i < routes->n; i++)
		if (routes->list[i].service == s->service && !routes->list[i].refused)
			return true;
	return false;
}

static void settle_splits(struct ifx_routes *routes)
{
	bool again = true;

	while (again) {
		size_t left = 0;

		again = false;
		for (size_t i = 0; i < routes->n_splits; i++)
			routes->splits[i].used = routes->splits[i].keeps = false,
			routes->splits[i].stuck = NULL;
		each_destination(routes, mark_used);
		each_destination(routes, mark_stuck);
		for (size_t i = 0; i < routes->n_splits; i++)
			left += routes->splits[i].stuck != NULL;
		if (left) {
			each_destination(routes, refuse_stuck);
			again = true;
		}
	}
	for (size_t i = 0; i < routes->n_splits; i++) {
		struct ifx_split *s = &routes->splits[i];
		bool policy = ifx_get(ifx_object_spec(s->rule), IFX_LIT("trafficPolicy")) != NULL;

		s->keeps = policy && (s->keeps || !is_covered(routes, s));
	}
}

/* ---- the VirtualServices ---- */

/* Another route for the Service, which the new one would put out of force or compete with. */
static void check_rivals(struct ifx_route *r)
{
	const struct ifx_environment *e = r->m->ns->environment;
	static const ifx_object_kind kinds[] = { IFX_HTTP_ROUTE, IFX_GRPC_ROUTE };

	for (size_t i = 0; i < e->n_namespaces; i++)
		for (const struct ifx_object *o =
			     e->namespaces[i]->objects[IFX_VIRTUAL_SERVICE].first;
		     o; o = o->next)
			for (const struct ifx_entry *x =
				     ifx_list_items(ifx_get(ifx_object_spec(o), IFX_LIT("hosts")));
			     x && o != r->o && ifx_is_for_mesh(ifx_object_spec(o)); x = x->next)
				if (ifx_svc_of_host(e, e->namespaces[i]->name,
						    ifx_text(ifx_deref(x->value))) == r->service)
					ifx_route_refuse(r, NULL,
							 "VirtualService %.*s of namespace %.*s is "
							 "for the same Service",
							 IFX_ARG(o->r->name),
							 IFX_ARG(e->namespaces[i]->name));
	for (size_t k = 0; k < 2; k++)
		for (const struct ifx_object *o = r->m->ns->objects[kinds[k]].first; o; o = o->next)
			for (const struct ifx_entry *x = ifx_list_items(
				     ifx_get(ifx_object_spec(o), IFX_LIT("parentRefs")));
			     x; x = x->next)
				if (ifx_str_eq(ifx_get_text(ifx_deref(x->value), IFX_LIT("name")),
					       r->service->r->name) &&
				    ifx_str_eq(ifx_get_text(ifx_deref(x->value), IFX_LIT("kind")),
					       IFX_LIT("Service")))
					ifx_route_refuse(r, NULL,
							 "%.*s %.*s is for the same "
							 "Service",
							 IFX_ARG(ifx_object_kind_name(o)),
							 IFX_ARG(o->r->name));
}

/* Does somebody write the VirtualService while it runs (W31)? */
static bool has_controller(const struct ifx_passage *m)
{
	if (m->ns->objects[IFX_CANARY].n)
		return true;
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		if (ifx_str_eq(o->r->kind, IFX_LIT("Rollout")))
			return true;
	return false;
}

static void read_route(struct ifx_route *r)
{
	if (has_controller(r->m))
		ifx_route_refuse(r, NULL, "a controller of the namespace may write it (W31)");
	if (ifx_is_patched(r->m, r->o))
		ifx_route_refuse(r, NULL, "a kustomization patches it");
	if (ifx_object_named(r->m->ns, IFX_HTTP_ROUTE, r->o->r->name))
		ifx_route_refuse(r, NULL, "an HTTPRoute has its name");
	ifx_route_read(r);
	if (r->service)
		check_rivals(r);
}

struct ifx_routes *ifx_routes_convert(struct ifx_passage *m)
{
	struct ifx_routes *routes = ifx_arena_alloc(&m->changes->arena, sizeof(*routes));
	const struct ifx_objects *all = &m->ns->objects[IFX_VIRTUAL_SERVICE];

	if (routes)
		routes->m = m;
	if (routes)
		routes->list =
			ifx_arena_alloc(&m->changes->arena, (all->n + 1) * sizeof(*routes->list));
	if (!routes || !routes->list || !find_splits(routes)) {
		m->failed = true;
		return NULL;
	}
	for (const struct ifx_object *o = all->first; o; o = o->next) {
		struct ifx_route *r = &routes->list[routes->n];

		/* Those of gateways alone stay what they are. */
		if (!ifx_is_for_mesh(ifx_object_spec(o)))
			continue;
		routes->n++;
		*r = (struct ifx_route){ .all = routes, .m = m, .o = o };
		read_route(r);
	}
	settle_splits(routes);
	return routes;
}

void ifx_phase_routes(struct ifx_passage *m)
{
	struct ifx_routes *routes = ifx_routes_convert(m);

	m->routes = routes;
	for (size_t i = 0; routes && i < routes->n_splits; i++)
		if (routes->splits[i].used)
			ifx_split_wish(routes, &routes->splits[i]);
	for (size_t i = 0; routes && i < routes->n; i++) {
		const struct ifx_route *r = &routes->list[i];
		ifx_str name = r->o->r->name;

		if (r->refused)
			continue;
		ifx_wish_drop(m, r->o);
		ifx_passage_want(m, (struct ifx_wish){ .verb = IFX_WISH_BEHIND,
						       .o = r->o,
						       .text = r->text,
						       .what = IFX_SAY(m, "add HTTPRoute %.*s",
								       IFX_ARG(name)) });
	}
}
