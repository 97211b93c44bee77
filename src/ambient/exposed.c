#include "ambient/exposed.h"

#include "ambient/service.h"
#include "base/alloc.h"

#include <stdlib.h>

static void add(struct ifx_exposed *x, const struct ifx_object *service)
{
	const struct ifx_object **list;

	if (!service)
		return;
	list = ifx_grow(x->list, &x->cap, x->n + 1, sizeof(*list));
	if (!list) {
		x->failed = true;
		return;
	}
	x->list = list;
	list[x->n++] = service;
}

static const struct ifx_entry *items(const struct ifx_node *list)
{
	list = ifx_deref(list);
	return ifx_is(list, IFX_SEQ) ? list->first : NULL;
}

/* `destination.host` of each `route` of each rule of a protocol. */
static void add_routes(struct ifx_exposed *x, const struct ifx_object *o,
		       const struct ifx_node *rules)
{
	for (const struct ifx_entry *r = items(rules); r; r = r->next) {
		const struct ifx_node *routes = ifx_get(ifx_deref(r->value), IFX_LIT("route"));

		for (const struct ifx_entry *e = items(routes); e; e = e->next) {
			const struct ifx_node *to =
				ifx_get(ifx_deref(e->value), IFX_LIT("destination"));

			if (to)
				add(x, ifx_svc_of_host(o->environment, o->namespace->name,
						       ifx_get_text(to, IFX_LIT("host"))));
		}
	}
}

static bool has_gateway(const struct ifx_node *spec)
{
	for (const struct ifx_entry *e = items(ifx_get(spec, IFX_LIT("gateways"))); e; e = e->next)
		if (!ifx_str_eq(ifx_text(e->value), IFX_LIT("mesh")))
			return true;
	return false;
}

static void add_virtual_service(struct ifx_exposed *x, const struct ifx_object *o)
{
	const struct ifx_node *spec = ifx_object_spec(o);

	if (!has_gateway(spec))
		return;
	add_routes(x, o, ifx_get(spec, IFX_LIT("http")));
	add_routes(x, o, ifx_get(spec, IFX_LIT("tcp")));
	add_routes(x, o, ifx_get(spec, IFX_LIT("tls")));
}

static bool has_gateway_parent(const struct ifx_node *spec)
{
	for (const struct ifx_entry *e = items(ifx_get(spec, IFX_LIT("parentRefs"))); e;
	     e = e->next) {
		ifx_str kind = ifx_get_text(ifx_deref(e->value), IFX_LIT("kind"));

		if (!kind.ptr || ifx_str_eq(kind, IFX_LIT("Gateway")))
			return true;
	}
	return false;
}

static void add_named(struct ifx_exposed *x, const struct ifx_object *o, ifx_str namespace,
		      ifx_str name)
{
	const struct ifx_namespace *ns =
		namespace.ptr ? ifx_estate_namespace(o->environment, namespace) : o->namespace;

	if (ns && name.ptr)
		add(x, ifx_object_named(ns, IFX_SERVICE, name));
}

static void add_route(struct ifx_exposed *x, const struct ifx_object *o)
{
	const struct ifx_node *spec = ifx_object_spec(o);

	if (!has_gateway_parent(spec))
		return;
	for (const struct ifx_entry *r = items(ifx_get(spec, IFX_LIT("rules"))); r; r = r->next) {
		const struct ifx_node *refs = ifx_get(ifx_deref(r->value), IFX_LIT("backendRefs"));

		for (const struct ifx_entry *e = items(refs); e; e = e->next)
			add_named(x, o, ifx_get_text(ifx_deref(e->value), IFX_LIT("namespace")),
				  ifx_get_text(ifx_deref(e->value), IFX_LIT("name")));
	}
}

static void add_backend(struct ifx_exposed *x, const struct ifx_object *o,
			const struct ifx_node *backend)
{
	const struct ifx_node *service = ifx_get(backend, IFX_LIT("service"));

	if (service)
		add_named(x, o, IFX_NONE, ifx_get_text(service, IFX_LIT("name")));
}

static void add_ingress(struct ifx_exposed *x, const struct ifx_object *o)
{
	const struct ifx_node *spec = ifx_object_spec(o), *paths;

	add_backend(x, o, ifx_get(spec, IFX_LIT("defaultBackend")));
	for (const struct ifx_entry *r = items(ifx_get(spec, IFX_LIT("rules"))); r; r = r->next) {
		paths = ifx_get(ifx_get(ifx_deref(r->value), IFX_LIT("http")), IFX_LIT("paths"));
		for (const struct ifx_entry *e = items(paths); e; e = e->next)
			add_backend(x, o, ifx_get(ifx_deref(e->value), IFX_LIT("backend")));
	}
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (const struct ifx_object *const *)a;
	uintptr_t y = (uintptr_t) * (const struct ifx_object *const *)b;

	return (x > y) - (x < y);
}

void ifx_exposed_read(struct ifx_exposed *x, const struct ifx_estate *estate)
{
	static const ifx_object_kind routes[] = { IFX_HTTP_ROUTE, IFX_GRPC_ROUTE, IFX_TCP_ROUTE,
						  IFX_TLS_ROUTE };

	*x = (struct ifx_exposed){ 0 };
	for (size_t i = 0; i < estate->n_environments; i++)
		for (size_t k = 0; k < estate->environments[i].n_namespaces; k++) {
			const struct ifx_namespace *ns = estate->environments[i].namespaces[k];
			const struct ifx_object *o;

			for (o = ns->objects[IFX_VIRTUAL_SERVICE].first; o; o = o->next)
				add_virtual_service(x, o);
			for (size_t r = 0; r < sizeof(routes) / sizeof(*routes); r++)
				for (o = ns->objects[routes[r]].first; o; o = o->next)
					add_route(x, o);
			for (o = ns->objects[IFX_INGRESS].first; o; o = o->next)
				add_ingress(x, o);
		}
	if (x->n)
		qsort(x->list, x->n, sizeof(*x->list), by_address);
}

void ifx_exposed_release(struct ifx_exposed *x)
{
	ifx_free(x->list);
}

bool ifx_is_exposed(const struct ifx_exposed *x, const struct ifx_object *service)
{
	return x->n && bsearch(&service, x->list, x->n, sizeof(*x->list), by_address);
}
