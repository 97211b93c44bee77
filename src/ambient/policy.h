/*
 * Istio's security policies as plain data: AuthorizationPolicy, RequestAuthentication and
 * PeerAuthentication of security.istio.io, read from a tree and ready to be evaluated.
 *
 * Texts are borrowed from the tree. `from` and `to` are lists of alternatives, `when` is a list of
 * conditions that all hold; what one alternative asks for has to hold together, and of the values
 * of one field any does.
 */
#ifndef IFX_AMBIENT_POLICY_H
#define IFX_AMBIENT_POLICY_H

#include "ambient/labels.h"

/** What a rule may ask about, whether as a field or as the key of a condition. */
typedef enum {
	IFX_ATTR_PRINCIPAL,         /* from principals; when source.principal */
	IFX_ATTR_NAMESPACE,         /* from namespaces; when source.namespace */
	IFX_ATTR_SERVICE_ACCOUNT,   /* from serviceAccounts; when source.serviceAccount */
	IFX_ATTR_TRUST_DOMAIN,      /* from trustDomains; when source.trustDomain */
	IFX_ATTR_SOURCE_IP,         /* from ipBlocks; when source.ip */
	IFX_ATTR_REMOTE_IP,         /* from remoteIpBlocks; when remote.ip */
	IFX_ATTR_REQUEST_PRINCIPAL, /* from requestPrincipals; when request.auth.principal */
	IFX_ATTR_PORT,              /* to ports; when destination.port */
	IFX_ATTR_HOST,              /* to hosts */
	IFX_ATTR_METHOD,            /* to methods */
	IFX_ATTR_PATH,              /* to paths */
	IFX_ATTR_DESTINATION_IP,    /* when destination.ip */
	IFX_ATTR_SNI,               /* when connection.sni */
	IFX_ATTR_HEADER,            /* when request.headers[NAME] */
	IFX_ATTR_AUDIENCE,          /* when request.auth.audiences */
	IFX_ATTR_PRESENTER,         /* when request.auth.presenter */
	IFX_ATTR_CLAIM,   /* when request.auth.claims[NAME]...; name is `NAME` or `A][B` */
	IFX_ATTR_ENVOY,   /* when experimental.envoy.filters.*; name is the whole key */
	IFX_ATTR_UNKNOWN, /* when anything else; name is the whole key */
} ifx_attr;

struct ifx_strs {
	const ifx_str *list;
	size_t n;
};

/** One field with its not... twin, or one condition with its values and notValues. */
struct ifx_match {
	ifx_attr attr;
	bool when;    /* a condition, not a field of a source or operation */
	ifx_str name; /* of a header, claim or other key; else empty */
	struct ifx_strs values, not_values;
	const struct ifx_node *at; /* of values, or of not_values when there are only those */
};

/** Matches that hold together: one source, one operation, or one condition. */
struct ifx_clause {
	const struct ifx_match *matches;
	size_t n;
};

struct ifx_authz_rule {
	const struct ifx_clause *from, *to, *when;
	size_t n_from, n_to, n_when;
	const struct ifx_node *at;
};

typedef enum { IFX_ALLOW, IFX_DENY, IFX_CUSTOM, IFX_AUDIT } ifx_action;

struct ifx_target {
	ifx_str group, kind, name;
};

/** Who a policy is for. */
struct ifx_scope {
	ifx_str name, namespace;
	bool has_selector; /* with labels in it */
	/*
	 * `selector: {}`: everything in the namespace to a sidecar, but istiod takes it for a
	 * workload's own policy and then finds no labels to attach it by, so ztunnel never sees it.
	 */
	bool empty_selector;
	struct ifx_labels selector;
	const struct ifx_target *targets; /* targetRefs, or targetRef alone */
	size_t n_targets;
	const struct ifx_node *at; /* the resource; may be NULL */
	/*
	 * The first thing that Istio would refuse or that this module does not know, and where; ptr
	 * NULL when there is none. Such a policy must not be reasoned about.
	 */
	ifx_str flaw;
	const struct ifx_node *flaw_at;
};

/** AuthorizationPolicy. */
struct ifx_authz {
	struct ifx_scope scope;
	ifx_action action;
	ifx_str provider; /* CUSTOM */
	bool dry_run;
	const struct ifx_authz_rule *rules;
	size_t n_rules;
};

/** RequestAuthentication. */
struct ifx_jwt_rule {
	ifx_str issuer;
	bool forward; /* forwardOriginalToken: the next proxy sees the token too */
	struct ifx_strs audiences;
};
struct ifx_request_authn {
	struct ifx_scope scope;
	const struct ifx_jwt_rule *rules;
	size_t n_rules;
};

/** PeerAuthentication. */
typedef enum { IFX_MTLS_UNSET, IFX_MTLS_DISABLE, IFX_MTLS_PERMISSIVE, IFX_MTLS_STRICT } ifx_mtls;
struct ifx_port_mtls {
	unsigned port; /* of the container */
	ifx_mtls mode;
};
struct ifx_peer_authn {
	struct ifx_scope scope;
	ifx_mtls mode;
	const struct ifx_port_mtls *ports;
	size_t n_ports;
};

/**
 * Read a resource. namespace: the one it is deployed to.
 * IFX_ENOMEM; whatever else is wrong is in scope.flaw.
 */
IFX_MUST_USE ifx_status ifx_authz_read(struct ifx_authz *out, const struct ifx_node *resource,
				       ifx_str namespace, struct ifx_arena *arena);
IFX_MUST_USE ifx_status ifx_request_authn_read(struct ifx_request_authn *out,
					       const struct ifx_node *resource, ifx_str namespace,
					       struct ifx_arena *arena);
IFX_MUST_USE ifx_status ifx_peer_authn_read(struct ifx_peer_authn *out,
					    const struct ifx_node *resource, ifx_str namespace,
					    struct ifx_arena *arena);

/** `methods`, `notMethods`, `when request.headers[x]`: how a match is written. Static or borrowed.
 */
const char *ifx_attr_field(ifx_attr attr, bool negative);
const char *ifx_action_name(ifx_action action);

#endif
