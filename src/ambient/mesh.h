/*
 * A mesh at one moment, as far as authorization depends on it: plain data that somebody fills from
 * manifests. The model (model.h) reads it and nothing else.
 *
 * How to fill it: set the fields, arrays of structs that live as long as the mesh; then call
 * ifx_mesh_index once, which sorts each array by namespace and name (stable, so policies of equal
 * names keep their order). Pointers into the arrays are good only after that: bind Services to
 * waypoints with ifx_mesh_bind afterwards. Two moments are two meshes; an object is the same one
 * in both when namespace, kind and name are.
 */
#ifndef IFX_AMBIENT_MESH_H
#define IFX_AMBIENT_MESH_H

#include "ambient/policy.h"

/** What carries a workload's traffic. */
typedef enum {
	IFX_MODE_NONE,    /* not in the mesh: plaintext, no identity */
	IFX_MODE_SIDECAR, /* injected */
	IFX_MODE_AMBIENT, /* captured by ztunnel */
	IFX_MODE_GATEWAY, /* an ingress or egress gateway proxy */
} ifx_mode;

/** How a proxy reads a port. */
typedef enum {
	IFX_PROTOCOL_AUTO, /* nothing is said: detected */
	IFX_PROTOCOL_HTTP, /* http, http2, grpc, grpc-web */
	IFX_PROTOCOL_TCP,  /* tcp, tls, https, mongo, mysql, redis... */
} ifx_protocol;

struct ifx_container_port {
	ifx_str name; /* may be empty */
	unsigned number;
};

struct ifx_waypoint;

struct ifx_workload {
	ifx_str namespace, kind, name;
	struct ifx_labels labels; /* of the pods */
	ifx_str service_account;  /* empty: default */
	ifx_mode mode;
	const struct ifx_container_port *ports;
	size_t n_ports;
	/* Ports that go past the sidecar (excludeInboundPorts); ztunnel knows no such thing. */
	const unsigned *uncaptured;
	size_t n_uncaptured;
	const struct ifx_waypoint *waypoint; /* for traffic to the pod's address; usually NULL */
	const struct ifx_node *at;           /* the resource; may be NULL */
};

struct ifx_service_port {
	ifx_str name; /* may be empty */
	unsigned port;
	ifx_str target_name; /* named targetPort; else empty */
	unsigned target;     /* numeric targetPort; 0 with a name, and then the same as port */
	ifx_protocol protocol;
};

struct ifx_service {
	ifx_str namespace, name;
	struct ifx_labels selector;           /* empty: it selects nothing */
	const struct ifx_service_port *ports; /* TCP ones */
	size_t n_ports;
	bool headless;
	bool exposed;                        /* a gateway routes to it */
	bool ingress_use_waypoint;           /* as the labels of Service and Namespace say */
	const struct ifx_waypoint *waypoint; /* ifx_mesh_bind; NULL: none, or it is not there */
	const struct ifx_node *at;
};

struct ifx_waypoint {
	ifx_str namespace, name;  /* of the Gateway */
	ifx_str service_account;  /* empty: the Gateway's name */
	ifx_str class_name;       /* gatewayClassName */
	bool services, workloads; /* istio.io/waypoint-for */
	/* Namespaces that may use it beside its own: all, or those listed. */
	bool from_all;
	struct ifx_strs from;
	const struct ifx_node *at;
};

struct ifx_mesh {
	ifx_str root_namespace; /* usually istio-system */
	ifx_str trust_domain;   /* usually cluster.local */
	struct ifx_strs trust_domain_aliases;
	struct ifx_workload *workloads;
	size_t n_workloads;
	struct ifx_service *services;
	size_t n_services;
	struct ifx_waypoint *waypoints;
	size_t n_waypoints;
	struct ifx_authz *authz;
	size_t n_authz;
	struct ifx_request_authn *request_authn;
	size_t n_request_authn;
	struct ifx_peer_authn *peer_authn; /* of several for the same pods the first counts */
	size_t n_peer_authn;
};

/** Sort the arrays. Call once, when all are filled. IFX_ENOMEM: nothing has changed. */
IFX_MUST_USE ifx_status ifx_mesh_index(struct ifx_mesh *mesh);

/* After ifx_mesh_index; by binary search. NULL: there is none. */
struct ifx_workload *ifx_mesh_workload(const struct ifx_mesh *mesh, ifx_str namespace, ifx_str kind,
				       ifx_str name);
struct ifx_service *ifx_mesh_service(const struct ifx_mesh *mesh, ifx_str namespace, ifx_str name);
struct ifx_waypoint *ifx_mesh_waypoint(const struct ifx_mesh *mesh, ifx_str namespace,
				       ifx_str name);
/** First index and number of the workloads (Services, ...) of a namespace. */
struct ifx_slice {
	size_t first, n;
};
struct ifx_slice ifx_mesh_workloads_of(const struct ifx_mesh *mesh, ifx_str namespace);
struct ifx_slice ifx_mesh_services_of(const struct ifx_mesh *mesh, ifx_str namespace);
struct ifx_slice ifx_mesh_waypoints_of(const struct ifx_mesh *mesh, ifx_str namespace);
struct ifx_slice ifx_mesh_authz_of(const struct ifx_mesh *mesh, ifx_str namespace);
struct ifx_slice ifx_mesh_request_authn_of(const struct ifx_mesh *mesh, ifx_str namespace);
struct ifx_slice ifx_mesh_peer_authn_of(const struct ifx_mesh *mesh, ifx_str namespace);

/**
 * The waypoint that istio.io/use-waypoint and istio.io/use-waypoint-namespace lead to: the labels
 * of the object before those of its Namespace, `none` is nobody, and a label whose waypoint is
 * missing or does not admit `namespace` does not fall back.
 */
const struct ifx_waypoint *ifx_mesh_bind(const struct ifx_mesh *mesh, ifx_str namespace,
					 struct ifx_labels object, struct ifx_labels of_namespace);

/** Does the Service send to this workload? */
bool ifx_service_selects(const struct ifx_service *service, const struct ifx_workload *workload);
/** Container port that a Service port leads to on a workload; 0 when its name is not there. */
unsigned ifx_service_target(const struct ifx_service_port *port,
			    const struct ifx_workload *workload);
/** Service account of a workload or waypoint, with its default. */
ifx_str ifx_workload_account(const struct ifx_workload *workload);
ifx_str ifx_waypoint_account(const struct ifx_waypoint *waypoint);

#endif
