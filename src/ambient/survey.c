#include "ambient/survey.h"

#include "ambient/pods.h"
#include "ambient/service.h"

#include <stdlib.h>

struct survey {
	struct ifx_mesh *mesh;
	const struct ifx_environment *e;
	const struct ifx_exposed *exposed;
	struct ifx_arena *arena;
	bool failed; /* no memory */
};

static void *take(struct survey *s, size_t n, size_t size)
{
	void *p = ifx_arena_alloc(s->arena, (n + 1) * size);

	s->failed |= !p;
	return p;
}

static int by_key(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_label *)a)->key, ((const struct ifx_label *)b)->key);
}

static struct ifx_labels labels_of(struct survey *s, struct ifx_pairs pairs)
{
	struct ifx_label *list = take(s, pairs.n, sizeof(*list));
	size_t n = 0;

	if (!list)
		return (struct ifx_labels){ 0 };
	for (size_t i = 0; i < pairs.n; i++)
		list[i] = (struct ifx_label){ pairs.items[i].key, pairs.items[i].value };
	if (pairs.n)
		qsort(list, pairs.n, sizeof(*list), by_key);
	for (size_t i = 0; i < pairs.n; i++)
		if (!n || !ifx_str_eq(list[n - 1].key, list[i].key))
			list[n++] = list[i];
	return (struct ifx_labels){ list, n };
}

static const struct ifx_entry *items(const struct ifx_node *list)
{
	list = ifx_deref(list);
	return ifx_is(list, IFX_SEQ) ? list->first : NULL;
}

static unsigned number(ifx_str text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]) || n > 65535)
			return 0;
		n = n * 10 + (unsigned)(text.ptr[i] - '0');
	}
	return n;
}

/* ---- workloads ---- */

static ifx_mode mode_of(const struct ifx_namespace *ns, const struct ifx_pods *p)
{
	if (p->gateway)
		return IFX_MODE_GATEWAY;
	if (p->injected)
		return IFX_MODE_SIDECAR;
	if (p->host_network || ifx_str_eq(p->mode, IFX_LIT("none")))
		return IFX_MODE_NONE;
	if (ifx_str_eq(p->mode, IFX_LIT("ambient")) || ns->state == IFX_STATE_AMBIENT)
		return IFX_MODE_AMBIENT;
	return IFX_MODE_NONE;
}

static void read_ports(struct survey *s, struct ifx_workload *w, const struct ifx_pods *p)
{
	struct ifx_container_port *list;
	size_t n = 0;

	for (size_t i = 0; i < p->n_containers; i++) {
		const struct ifx_node *ports = ifx_get(p->containers[i].node, IFX_LIT("ports"));

		n += ifx_is(ports, IFX_SEQ) ? ports->n : 0;
	}
	list = take(s, n, sizeof(*list));
	for (size_t i = 0; list && i < p->n_containers; i++)
		for (const struct ifx_entry *e =
			     items(ifx_get(p->containers[i].node, IFX_LIT("ports")));
		     e; e = e->next) {
			const struct ifx_node *port = ifx_deref(e->value);

			list[w->n_ports++] = (struct ifx_container_port){
				ifx_get_text(port, IFX_LIT("name")),
				number(ifx_get_text(port, IFX_LIT("containerPort")))
			};
		}
	w->ports = list;
}

/* Ports that the sidecar leaves alone. */
static void read_uncaptured(struct survey *s, struct ifx_workload *w, const struct ifx_pods *p)
{
	ifx_str rest = ifx_pair_value(p->annotations,
				      IFX_LIT("traffic.sidecar.istio.io/excludeInboundPorts"));
	unsigned *list = take(s, rest.len, sizeof(*list));
	ifx_str word;

	while (list && rest.len && ifx_str_split(&rest, ',', &word)) {
		unsigned port = number(ifx_str_trim(word));

		if (port)
			list[w->n_uncaptured++] = port;
	}
	w->uncaptured = list;
}

static void add_workloads(struct survey *s, const struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns->objects[IFX_WORKLOAD].first; o; o = o->next) {
		size_t nth = 0;

		for (const struct ifx_pods *p = o->pods; p; p = p->next) {
			struct ifx_workload *w = &s->mesh->workloads[s->mesh->n_workloads++];

			*w = (struct ifx_workload){ .namespace = ns->name,
						    .kind = o->r->kind,
						    .name = o->r->name,
						    .labels = labels_of(s, p->labels),
						    .service_account = p->service_account,
						    .mode = mode_of(ns, p),
						    .at = o->r->node };
			if (nth++)
				w->name = ifx_arena_printf(s->arena, "%.*s/%zu",
							   IFX_ARG(o->r->name), nth);
			s->failed |= !w->name.ptr && nth > 1;
			read_ports(s, w, p);
			read_uncaptured(s, w, p);
		}
	}
}

/* ---- Services ---- */

static bool starts_with_any(ifx_str text, const char *const *words)
{
	for (; *words; words++) {
		ifx_str word = ifx_str_of(*words);

		if (ifx_str_starts(text, word) &&
		    (text.len == word.len || text.ptr[word.len] == '-'))
			return true;
	}
	return false;
}

static ifx_protocol protocol_of(const struct ifx_svc_port *p)
{
	static const char *const http[] = { "http", "http2", "grpc", "grpc-web", NULL };
	static const char *const tcp[] = { "tcp", "tls", "https", "mongo", "mysql", "redis", NULL };
	ifx_str said = ifx_get_text(p->node, IFX_LIT("appProtocol"));

	said = said.len ? said : p->name;
	if (!said.len)
		return IFX_PROTOCOL_AUTO;
	return starts_with_any(said, http)  ? IFX_PROTOCOL_HTTP
	       : starts_with_any(said, tcp) ? IFX_PROTOCOL_TCP
					    : IFX_PROTOCOL_AUTO;
}

static ifx_str label(const struct ifx_object *o, const char *key)
{
	return ifx_get_text(ifx_get(o->r->metadata, IFX_LIT("labels")), ifx_str_of(key));
}

static void add_service(struct survey *s, const struct ifx_namespace *ns,
			const struct ifx_object *o)
{
	const struct ifx_svc *svc = o->service;
	struct ifx_service_port *ports = take(s, svc->n_ports, sizeof(*ports));
	ifx_str ingress = label(o, "istio.io/ingress-use-waypoint");
	struct ifx_service out = { .namespace = ns->name,
				   .name = o->r->name,
				   .selector = labels_of(s, svc->selector),
				   .ports = ports,
				   .headless = svc->headless,
				   .exposed = ifx_is_exposed(s->exposed, o),
				   .at = o->r->node };

	if (!ingress.ptr)
		ingress = ifx_pair_value(ns->labels, IFX_LIT("istio.io/ingress-use-waypoint"));
	out.ingress_use_waypoint = ifx_str_eq(ingress, IFX_LIT("true"));
	for (size_t i = 0; ports && i < svc->n_ports; i++) {
		const struct ifx_svc_port *p = &svc->ports[i];

		if (p->port <= 0 || (p->protocol.len && !ifx_str_eq(p->protocol, IFX_LIT("TCP"))))
			continue;
		ports[out.n_ports++] = (struct ifx_service_port){
			.name = p->name,
			.port = (unsigned)p->port,
			.target = p->target > 0 ? (unsigned)p->target : 0,
			.target_name = p->target_name,
			.protocol = protocol_of(p),
		};
	}
	s->mesh->services[s->mesh->n_services++] = out;
}

/* ---- waypoints ---- */

static void read_admitted(struct survey *s, struct ifx_waypoint *w, const struct ifx_node *spec)
{
	for (const struct ifx_entry *e = items(ifx_get(spec, IFX_LIT("listeners"))); e;
	     e = e->next) {
		const struct ifx_node *from =
			ifx_get(ifx_get(ifx_deref(e->value), IFX_LIT("allowedRoutes")),
				IFX_LIT("namespaces"));
		const struct ifx_node *list =
			ifx_get(ifx_get(from, IFX_LIT("selector")), IFX_LIT("matchExpressions"));

		w->from_all |= ifx_str_eq(ifx_get_text(from, IFX_LIT("from")), IFX_LIT("All"));
		for (const struct ifx_entry *x = items(list); x; x = x->next) {
			const struct ifx_node *values =
				ifx_get(ifx_deref(x->value), IFX_LIT("values"));
			ifx_str *names;

			if (!ifx_str_eq(ifx_get_text(ifx_deref(x->value), IFX_LIT("key")),
					IFX_LIT("kubernetes.io/metadata.name")) ||
			    !ifx_is(values, IFX_SEQ))
				continue;
			names = take(s, values->n, sizeof(*names));
			for (const struct ifx_entry *v = names ? values->first : NULL; v;
			     v = v->next)
				names[w->from.n++] = ifx_text(ifx_deref(v->value));
			w->from.list = names;
		}
	}
}

static void add_waypoint(struct survey *s, const struct ifx_namespace *ns,
			 const struct ifx_object *o)
{
	struct ifx_waypoint *w = &s->mesh->waypoints[s->mesh->n_waypoints];
	ifx_str for_what = label(o, "istio.io/waypoint-for");

	*w = (struct ifx_waypoint){
		.namespace = ns->name,
		.name = o->r->name,
		.class_name = ifx_get_text(ifx_object_spec(o), IFX_LIT("gatewayClassName")),
		.service_account = ifx_get_text(ifx_get(o->r->metadata, IFX_LIT("annotations")),
						IFX_LIT("gateway.istio.io/service-account")),
		.services = !for_what.ptr || ifx_str_eq(for_what, IFX_LIT("service")) ||
			    ifx_str_eq(for_what, IFX_LIT("all")),
		.workloads = ifx_str_eq(for_what, IFX_LIT("workload")) ||
			     ifx_str_eq(for_what, IFX_LIT("all")),
		.at = o->r->node,
	};
	if (!ifx_str_eq(w->class_name, IFX_LIT("istio-waypoint")))
		return;
	s->mesh->n_waypoints++;
	read_admitted(s, w, ifx_object_spec(o));
}

/* ---- policies ---- */

static void add_policies(struct survey *s, const struct ifx_namespace *ns)
{
	struct ifx_mesh *m = s->mesh;
	const struct ifx_object *o;

	for (o = ns->objects[IFX_AUTHORIZATION_POLICY].first; o; o = o->next)
		s->failed |= ifx_authz_read(&m->authz[m->n_authz++], o->r->node, ns->name,
					    s->arena) != IFX_OK;
	for (o = ns->objects[IFX_REQUEST_AUTHENTICATION].first; o; o = o->next)
		s->failed |= ifx_request_authn_read(&m->request_authn[m->n_request_authn++],
						    o->r->node, ns->name, s->arena) != IFX_OK;
	for (o = ns->objects[IFX_PEER_AUTHENTICATION].first; o; o = o->next)
		s->failed |= ifx_peer_authn_read(&m->peer_authn[m->n_peer_authn++], o->r->node,
						 ns->name, s->arena) != IFX_OK;
}

/* ---- all ---- */

static void make_room(struct survey *s)
{
	size_t n[IFX_KINDS] = { 0 }, pods = 0;

	for (size_t i = 0; i < s->e->n_namespaces; i++) {
		const struct ifx_namespace *ns = s->e->namespaces[i];

		for (int k = 0; k < IFX_KINDS; k++)
			n[k] += ns->objects[k].n;
		for (const struct ifx_object *o = ns->objects[IFX_WORKLOAD].first; o; o = o->next)
			for (const struct ifx_pods *p = o->pods; p; p = p->next)
				pods++;
	}
	s->mesh->workloads = take(s, pods, sizeof(*s->mesh->workloads));
	s->mesh->services = take(s, n[IFX_SERVICE], sizeof(*s->mesh->services));
	s->mesh->waypoints = take(s, n[IFX_GATEWAY], sizeof(*s->mesh->waypoints));
	s->mesh->authz = take(s, n[IFX_AUTHORIZATION_POLICY], sizeof(*s->mesh->authz));
	s->mesh->request_authn =
		take(s, n[IFX_REQUEST_AUTHENTICATION], sizeof(*s->mesh->request_authn));
	s->mesh->peer_authn = take(s, n[IFX_PEER_AUTHENTICATION], sizeof(*s->mesh->peer_authn));
}

static void bind(struct survey *s, const struct ifx_namespace *ns)
{
	struct ifx_labels own = labels_of(s, ns->labels);

	for (const struct ifx_object *o = ns->objects[IFX_SERVICE].first; o && !s->failed;
	     o = o->next) {
		struct ifx_service *service =
			o->service && o->service->selector.n
				? ifx_mesh_service(s->mesh, ns->name, o->r->name)
				: NULL;
		struct ifx_labels labels;

		if (!service)
			continue;
		if (ifx_labels_read(&labels, ifx_get(o->r->metadata, IFX_LIT("labels")),
				    s->arena) != IFX_OK)
			s->failed = true;
		else
			service->waypoint = ifx_mesh_bind(s->mesh, ns->name, labels, own);
	}
}

ifx_status ifx_survey(struct ifx_mesh *mesh, const struct ifx_environment *e,
		      const struct ifx_exposed *exposed, struct ifx_arena *arena)
{
	struct survey s = { .mesh = mesh, .e = e, .exposed = exposed, .arena = arena };

	*mesh = (struct ifx_mesh){ .root_namespace = ifx_root_namespace(e),
				   .trust_domain = ifx_trust_domain(e) };
	make_room(&s);
	for (size_t i = 0; i < e->n_namespaces && !s.failed; i++) {
		const struct ifx_namespace *ns = e->namespaces[i];

		add_workloads(&s, ns);
		for (const struct ifx_object *o = ns->objects[IFX_SERVICE].first; o; o = o->next)
			if (o->service && o->service->selector.n)
				add_service(&s, ns, o);
		for (const struct ifx_object *o = ns->objects[IFX_GATEWAY].first; o; o = o->next)
			add_waypoint(&s, ns, o);
		add_policies(&s, ns);
	}
	if (s.failed || ifx_mesh_index(mesh) != IFX_OK)
		return IFX_ENOMEM;
	for (size_t i = 0; i < e->n_namespaces && !s.failed; i++)
		bind(&s, e->namespaces[i]);
	return s.failed ? IFX_ENOMEM : IFX_OK;
}
