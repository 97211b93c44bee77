/*
 * A mesh out of YAML, for tests of the model: enough of Kubernetes to say who runs where. What the
 * tool itself makes of a user's tree is another matter (src/ambient/estate.h). Include after
 * cmocka.
 */
#ifndef IFX_TESTS_AMBIENT_H
#define IFX_TESTS_AMBIENT_H

#include "ambient/mesh.h"
#include "yaml/load.h"
#include "yaml/roots.h"

#include <stdio.h>
#include <stdlib.h>

/* A Namespace `n` with one workload behind one Service; the rest is the test's. */
#define NS(labels)                                                                                 \
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: n, labels: {" labels "}}\n---\n"
#define SIDECAR NS("istio-injection: enabled")
#define AMBIENT NS("istio.io/dataplane-mode: ambient")
#define WORKLOAD                                                                                   \
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w, namespace: n}\nspec:\n"        \
	"  template:\n    metadata: {labels: {app: a}}\n"                                          \
	"    spec:\n      serviceAccountName: w\n"                                                 \
	"      containers: [{ports: [{containerPort: 8080, name: web}]}]\n---\n"
#define SERVICE(labels)                                                                            \
	"apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: n, labels: {" labels        \
	"}}\nspec:\n  selector: {app: a}\n  ports: [{name: http, port: 80, targetPort: web}]\n---\n"
#define BOUND "istio.io/use-waypoint: waypoint"
#define WAYPOINT                                                                                   \
	"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"                                \
	"metadata: {name: waypoint, namespace: n}\nspec: {gatewayClassName: istio-waypoint}\n---\n"
#define AUTHZ(name, spec)                                                                          \
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"                            \
	"metadata: {name: " name ", namespace: n}\nspec: " spec "\n---\n"
#define ROOT_AUTHZ(name, spec)                                                                     \
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"                            \
	"metadata: {name: " name ", namespace: istio-system}\nspec: " spec "\n---\n"
#define PEER(namespace, spec)                                                                      \
	"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"                             \
	"metadata: {name: default, namespace: " namespace "}\nspec: " spec "\n---\n"
#define TO_SERVICE "targetRefs: [{group: '', kind: Service, name: s}]"
#define FROM(who)  "from: [{source: {principals: [cluster.local/ns/" who "]}}]"

enum { FX_MAX = 64 };

struct fixture {
	struct ifx_arena arena;
	struct ifx_doc *docs[FX_MAX];
	size_t n_docs;
	struct ifx_mesh mesh;
	struct {
		ifx_str name;
		struct ifx_labels labels;
	} namespaces[FX_MAX];
	size_t n_namespaces;
	struct ifx_workload workloads[FX_MAX];
	struct ifx_service services[FX_MAX];
	struct ifx_labels service_labels[FX_MAX];
	struct ifx_waypoint waypoints[FX_MAX];
	struct ifx_authz authz[FX_MAX];
	struct ifx_request_authn request_authn[FX_MAX];
	struct ifx_peer_authn peer_authn[FX_MAX];
};

static inline struct ifx_labels fx_labels(struct fixture *fx, const struct ifx_node *map)
{
	struct ifx_labels out;

	assert_int_equal(ifx_labels_read(&out, map, &fx->arena), IFX_OK);
	return out;
}

static inline const struct ifx_node *fx_at(const struct ifx_node *node, const char *path)
{
	ifx_str rest = ifx_str_of(path), step;

	while (node && ifx_str_split(&rest, '.', &step))
		node = ifx_get(node, step);
	return node;
}

static inline unsigned fx_number(const struct ifx_node *node)
{
	ifx_str text = node ? ifx_text(node) : IFX_NONE;

	return text.len ? (unsigned)strtoul(text.ptr, NULL, 10) : 0;
}

static inline struct ifx_labels fx_namespace_labels(struct fixture *fx, ifx_str name)
{
	for (size_t i = 0; i < fx->n_namespaces; i++)
		if (ifx_str_eq(fx->namespaces[i].name, name))
			return fx->namespaces[i].labels;
	return (struct ifx_labels){ 0 };
}

/* `metadata.labels["fixture/mode"]` of a workload, else what its Namespace says. */
static inline ifx_mode fx_mode(struct fixture *fx, ifx_str namespace, struct ifx_labels labels)
{
	struct ifx_labels of = fx_namespace_labels(fx, namespace);
	ifx_str mode = ifx_labels_get(labels, IFX_LIT("istio.io/dataplane-mode"));

	if (ifx_labels_get(labels, IFX_LIT("istio")).ptr)
		return IFX_MODE_GATEWAY;
	if (ifx_str_eq(ifx_labels_get(of, IFX_LIT("istio-injection")), IFX_LIT("enabled")) ||
	    ifx_labels_get(of, IFX_LIT("istio.io/rev")).len)
		return IFX_MODE_SIDECAR;
	if (!mode.len)
		mode = ifx_labels_get(of, IFX_LIT("istio.io/dataplane-mode"));
	return ifx_str_eq(mode, IFX_LIT("ambient")) ? IFX_MODE_AMBIENT : IFX_MODE_NONE;
}

static inline void fx_workload(struct fixture *fx, const struct ifx_resource *r)
{
	const struct ifx_node *pod = fx_at(r->node, "spec.template");
	struct ifx_workload *w = &fx->workloads[fx->mesh.n_workloads++];
	const struct ifx_node *containers = fx_at(pod, "spec.containers");
	struct ifx_container_port *ports = ifx_arena_alloc(&fx->arena, 8 * sizeof(*ports));

	*w = (struct ifx_workload){ .namespace = r->namespace, .kind = r->kind, .name = r->name };
	w->labels = fx_labels(fx, fx_at(pod, "metadata.labels"));
	w->service_account = ifx_get_text(fx_at(pod, "spec"), IFX_LIT("serviceAccountName"));
	w->mode = fx_mode(fx, r->namespace, w->labels);
	w->ports = ports;
	for (const struct ifx_entry *c = containers ? containers->first : NULL; c; c = c->next) {
		const struct ifx_node *list = ifx_get(c->value, IFX_LIT("ports"));

		for (const struct ifx_entry *p = list ? list->first : NULL; p; p = p->next)
			ports[w->n_ports++] = (struct ifx_container_port){
				ifx_get_text(p->value, IFX_LIT("name")),
				fx_number(ifx_get(p->value, IFX_LIT("containerPort")))
			};
	}
	w->at = r->node;
}

static inline ifx_protocol fx_protocol(ifx_str name)
{
	return ifx_str_starts(name, IFX_LIT("http"))  ? IFX_PROTOCOL_HTTP
	       : ifx_str_starts(name, IFX_LIT("tcp")) ? IFX_PROTOCOL_TCP
						      : IFX_PROTOCOL_AUTO;
}

static inline void fx_service(struct fixture *fx, const struct ifx_resource *r)
{
	size_t i = fx->mesh.n_services++;
	struct ifx_service *s = &fx->services[i];
	const struct ifx_node *list = fx_at(r->node, "spec.ports");
	struct ifx_service_port *ports = ifx_arena_alloc(&fx->arena, 8 * sizeof(*ports));

	*s = (struct ifx_service){ .namespace = r->namespace, .name = r->name };
	s->selector = fx_labels(fx, fx_at(r->node, "spec.selector"));
	s->headless = ifx_str_eq(ifx_get_text(fx_at(r->node, "spec"), IFX_LIT("clusterIP")),
				 IFX_LIT("None"));
	s->ports = ports;
	for (const struct ifx_entry *p = list ? list->first : NULL; p; p = p->next) {
		const struct ifx_node *target = ifx_get(p->value, IFX_LIT("targetPort"));
		struct ifx_service_port *port = &ports[s->n_ports++];

		port->name = ifx_get_text(p->value, IFX_LIT("name"));
		port->port = fx_number(ifx_get(p->value, IFX_LIT("port")));
		port->protocol = fx_protocol(port->name);
		if (target && ifx_is_digit(*ifx_text(target).ptr))
			port->target = fx_number(target);
		else if (target)
			port->target_name = ifx_text(target);
	}
	s->at = r->node;
}

static inline void fx_gateway(struct fixture *fx, const struct ifx_resource *r)
{
	struct ifx_waypoint *w = &fx->waypoints[fx->mesh.n_waypoints++];
	ifx_str kinds = ifx_labels_get(fx_labels(fx, fx_at(r->node, "metadata.labels")),
				       IFX_LIT("istio.io/waypoint-for"));

	*w = (struct ifx_waypoint){ .namespace = r->namespace, .name = r->name };
	w->class_name = ifx_get_text(fx_at(r->node, "spec"), IFX_LIT("gatewayClassName"));
	w->services = !kinds.len || ifx_str_eq(kinds, IFX_LIT("service")) ||
		      ifx_str_eq(kinds, IFX_LIT("all"));
	w->workloads = ifx_str_eq(kinds, IFX_LIT("workload")) || ifx_str_eq(kinds, IFX_LIT("all"));
	/* Tests that need to know who may use it look elsewhere. */
	w->from_all = ifx_str_find(r->doc->src, IFX_LIT("allowedRoutes")) != SIZE_MAX;
	w->at = r->node;
}

static inline bool fx_bool(struct ifx_labels labels, const char *key)
{
	return ifx_str_eq(ifx_labels_get(labels, ifx_str_of(key)), IFX_LIT("true"));
}

static inline void fx_resource(struct fixture *fx, const struct ifx_resource *r)
{
	struct ifx_mesh *m = &fx->mesh;
	struct ifx_labels labels = fx_labels(fx, fx_at(r->node, "metadata.labels"));

	if (ifx_str_eq(r->kind, IFX_LIT("Namespace"))) {
		fx->namespaces[fx->n_namespaces].name = r->name;
		fx->namespaces[fx->n_namespaces++].labels = labels;
	} else if (ifx_str_eq(r->kind, IFX_LIT("Service"))) {
		fx->service_labels[m->n_services] = labels;
		fx_service(fx, r);
		fx->services[m->n_services - 1].exposed = fx_bool(labels, "fixture/exposed");
	} else if (ifx_str_eq(r->kind, IFX_LIT("Gateway")) &&
		   ifx_str_eq(r->group, IFX_LIT("gateway.networking.k8s.io"))) {
		fx_gateway(fx, r);
	} else if (ifx_str_eq(r->kind, IFX_LIT("AuthorizationPolicy"))) {
		assert_int_equal(
			ifx_authz_read(&fx->authz[m->n_authz++], r->node, r->namespace, &fx->arena),
			IFX_OK);
	} else if (ifx_str_eq(r->kind, IFX_LIT("RequestAuthentication"))) {
		assert_int_equal(ifx_request_authn_read(&fx->request_authn[m->n_request_authn++],
							r->node, r->namespace, &fx->arena),
				 IFX_OK);
	} else if (ifx_str_eq(r->kind, IFX_LIT("PeerAuthentication"))) {
		assert_int_equal(ifx_peer_authn_read(&fx->peer_authn[m->n_peer_authn++], r->node,
						     r->namespace, &fx->arena),
				 IFX_OK);
	} else if (fx_at(r->node, "spec.template")) {
		fx_workload(fx, r);
	}
}

static inline void fx_bind(struct fixture *fx)
{
	const ifx_str ingress = IFX_LIT("istio.io/ingress-use-waypoint");
	struct ifx_mesh *m = &fx->mesh;

	for (size_t i = 0; i < m->n_services; i++) {
		struct ifx_service *s = &m->services[i];
		struct ifx_labels of = fx_namespace_labels(fx, s->namespace);
		struct ifx_labels own = fx_labels(fx, fx_at(s->at, "metadata.labels"));

		s->waypoint = ifx_mesh_bind(m, s->namespace, own, of);
		s->ingress_use_waypoint =
			fx_bool(ifx_labels_get(own, ingress).ptr ? own : of, ingress.ptr);
	}
	for (size_t i = 0; i < m->n_workloads; i++) {
		struct ifx_workload *w = &m->workloads[i];

		w->waypoint = ifx_mesh_bind(m, w->namespace, w->labels,
					    fx_namespace_labels(fx, w->namespace));
	}
}

/* The text must outlive the fixture. */
static inline void fx_load(struct fixture *fx, const char *yaml)
{
	ifx_str stream = ifx_str_of(yaml);
	struct ifx_problem problem = { 0 };
	size_t at = 0;
	ifx_span piece;

	memset(fx, 0, sizeof(*fx));
	ifx_arena_init(&fx->arena, (size_t)1 << 30);
	ifx_buf_init(&problem.text, 4096);
	fx->mesh = (struct ifx_mesh){ .root_namespace = IFX_LIT("istio-system"),
				      .trust_domain = IFX_LIT("cluster.local"),
				      .workloads = fx->workloads,
				      .services = fx->services,
				      .waypoints = fx->waypoints,
				      .authz = fx->authz,
				      .request_authn = fx->request_authn,
				      .peer_authn = fx->peer_authn };
	while (ifx_stream_next(stream, &at, &piece)) {
		struct ifx_resource *r;
		struct ifx_doc *doc;

		assert_true(fx->n_docs < FX_MAX);
		if (ifx_doc_load(&doc, ifx_str_sub(stream, piece.at, piece.len), &problem) !=
		    IFX_OK)
			fail_msg("%s", ifx_buf_str(&problem.text).ptr);
		fx->docs[fx->n_docs++] = doc;
		assert_true(ifx_roots(&r, doc, &fx->arena));
		for (; r; r = r->next)
			fx_resource(fx, r);
	}
	ifx_buf_release(&problem.text);
	assert_int_equal(ifx_mesh_index(&fx->mesh), IFX_OK);
	fx_bind(fx);
}

static inline void fx_free(struct fixture *fx)
{
	for (size_t i = 0; i < fx->n_docs; i++)
		ifx_doc_free(fx->docs[i]);
	ifx_arena_release(&fx->arena);
}

static inline struct ifx_authz *fx_authz(struct fixture *fx, const char *name)
{
	for (size_t i = 0; i < fx->mesh.n_authz; i++)
		if (ifx_str_eq(fx->authz[i].scope.name, ifx_str_of(name)))
			return &fx->authz[i];
	fail_msg("no policy '%s'", name);
	return NULL;
}

#endif
