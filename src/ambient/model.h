/*
 * Who lets a request in: the three places where Istio enforces authorization, and the way through
 * them. A model of the code (istiod, Envoy's RBAC filter, ztunnel), not a proof about a cluster.
 *
 * Invariants:
 *   1. Sidecars read policies without targetRefs; waypoints only those that have them (F7).
 *   2. CUSTOM before DENY before ALLOW; with no ALLOW policy everything is let in, and a policy
 *      without rules counts as one that never matches.
 *   3. A waypoint compares ports with those of the Service, a pod's proxy with its own (F9).
 *   4. Behind a waypoint the pod's proxy sees the waypoint's identity and address (F3).
 *   5. Only ambient callers, and gateways where the Service says so, use a waypoint (F8).
 */
#ifndef IFX_AMBIENT_MODEL_H
#define IFX_AMBIENT_MODEL_H

#include "ambient/mesh.h"

typedef enum { IFX_TOKEN_NONE, IFX_TOKEN_GOOD, IFX_TOKEN_BAD } ifx_token;

/** A connection and the request on it, as one proxy sees it. Texts with ptr NULL are absent. */
struct ifx_request {
	ifx_str principal;      /* td/ns/N/sa/S */
	ifx_str source_ip;      /* of the connection */
	ifx_str remote_ip;      /* of the original client, as HTTP headers tell */
	ifx_str destination_ip; /* of the pod */
	ifx_str service_ip;     /* of the Service; waypoints see it as destination */
	unsigned port;          /* destination; of the Service, or of the container */
	bool http;              /* else bytes on a connection, and what follows is absent */
	ifx_str host, method, path, sni;
	struct ifx_labels headers; /* names in lower case */
	ifx_token token;           /* BAD: signature or date */
	struct ifx_labels claims;  /* of the token: iss, sub, aud, azp, ...; nested ones `a][b` */
	struct ifx_labels attributes; /* whatever else conditions ask about, by key */
};

/** Where it was decided. */
typedef enum { IFX_AT_NOWHERE, IFX_AT_SIDECAR, IFX_AT_ZTUNNEL, IFX_AT_WAYPOINT } ifx_point;

/** On what ground. */
typedef enum {
	IFX_BY_NOTHING,   /* let in: nobody enforces anything */
	IFX_BY_NO_ALLOW,  /* let in: no DENY matches and there is no ALLOW policy */
	IFX_BY_ALLOW,     /* let in by `policy` */
	IFX_BY_NO_MATCH,  /* refused: there are ALLOW policies and none matches */
	IFX_BY_DENY,      /* refused by `policy` */
	IFX_BY_PROVIDERS, /* refused: CUSTOM policies with different providers */
	IFX_BY_TOKEN,     /* refused: RequestAuthentication does not accept the token */
	IFX_BY_PLAINTEXT, /* refused: STRICT mutual TLS and a caller without identity */
	IFX_BY_MTLS, /* refused: the port takes plaintext only and the caller does not send it */
	IFX_BY_PORT, /* refused: the Service has no such port, or it leads nowhere */
} ifx_basis;

/** CUSTOM providers that one request can meet: one at the waypoint, one at the pod. */
enum { IFX_PROVIDERS_MAX = 2 };

struct ifx_decision {
	bool allowed; /* provided that the providers agree */
	ifx_basis basis;
	ifx_point point;                /* the last one asked */
	const struct ifx_authz *policy; /* NULL where the basis names none */
	size_t rule;                    /* of the policy */
	ifx_str providers[IFX_PROVIDERS_MAX];
	size_t n_providers;
	bool audited;      /* an AUDIT policy matches on the way */
	bool via_waypoint; /* it went through one */
};

/** How a proxy enforces an AuthorizationPolicy. */
typedef enum { IFX_ENGINE_HTTP, IFX_ENGINE_TCP, IFX_ENGINE_ZTUNNEL } ifx_engine_kind;

/** Does the rule match, as this engine compiles it for the policy's action? */
bool ifx_rule_matches(const struct ifx_mesh *mesh, const struct ifx_authz *policy,
		      const struct ifx_authz_rule *rule, const struct ifx_request *request,
		      ifx_engine_kind engine);

/** Does the engine look at the match at all? */
bool ifx_engine_knows(ifx_engine_kind engine, const struct ifx_match *match);
/** Does the engine leave the whole rule out: ALLOW it cannot express, or a key it cannot read? */
bool ifx_engine_drops(ifx_engine_kind engine, const struct ifx_authz *policy,
		      const struct ifx_authz_rule *rule);
/** Does one match hold? */
bool ifx_match_holds(const struct ifx_mesh *mesh, const struct ifx_authz *policy,
		     const struct ifx_match *match, const struct ifx_request *request,
		     ifx_engine_kind engine);

/** How a sidecar reads a container port: as the Service says that leads to it. */
ifx_protocol ifx_model_pod_protocol(const struct ifx_mesh *mesh,
				    const struct ifx_workload *workload, unsigned port);
/** How a waypoint reads a port of a Service. */
ifx_protocol ifx_model_service_protocol(const struct ifx_service *service, unsigned port);

/** Does a policy without targetRefs apply to the workload? */
bool ifx_scope_selects(const struct ifx_mesh *mesh, const struct ifx_scope *scope,
		       const struct ifx_workload *workload);
/** Does a policy with targetRefs apply at a waypoint to requests for `service` (may be NULL)? */
bool ifx_scope_targets(const struct ifx_mesh *mesh, const struct ifx_scope *scope,
		       const struct ifx_waypoint *waypoint, const struct ifx_service *service);

/** Mutual TLS of a container port. */
ifx_mtls ifx_model_sidecar_mtls(const struct ifx_mesh *mesh, const struct ifx_workload *workload,
				unsigned port);
/** Does ztunnel refuse callers without identity on the port? */
bool ifx_model_ztunnel_strict(const struct ifx_mesh *mesh, const struct ifx_workload *workload,
			      unsigned port);

/** What the three would say. request->port is the container's, at the waypoint the Service's. */
void ifx_model_sidecar(struct ifx_decision *out, const struct ifx_mesh *mesh,
		       const struct ifx_workload *workload, const struct ifx_request *request);
void ifx_model_ztunnel(struct ifx_decision *out, const struct ifx_mesh *mesh,
		       const struct ifx_workload *workload, const struct ifx_request *request);
/** service: NULL for a request to a pod's address. */
void ifx_model_waypoint(struct ifx_decision *out, const struct ifx_mesh *mesh,
			const struct ifx_waypoint *waypoint, const struct ifx_service *service,
			const struct ifx_request *request);

/** A whole call. */
struct ifx_call {
	ifx_mode caller;                   /* NONE drops the request's principal */
	const struct ifx_service *service; /* NULL: straight to the pod's address */
	const struct ifx_workload *workload;
	struct ifx_request request; /* port: of the Service, or of the container */
};
void ifx_model_call(struct ifx_decision *out, const struct ifx_mesh *mesh,
		    const struct ifx_call *call);

/** The waypoint that the call goes through, or NULL. */
const struct ifx_waypoint *ifx_model_waypoint_of(const struct ifx_call *call);

/** Is `after` looser than `before`: does it let in more, ask fewer providers, or audit less? */
bool ifx_decision_looser(const struct ifx_decision *before, const struct ifx_decision *after);
/** Do both let in the same, ask the same providers and audit the same? */
bool ifx_decision_same(const struct ifx_decision *a, const struct ifx_decision *b);

#endif
