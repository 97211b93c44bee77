#include "ambient/model.h"

#include "ambient/match.h"

#include <stdio.h>

/* --- who a policy is for -------------------------------------------------------------------- */

bool ifx_scope_selects(const struct ifx_mesh *mesh, const struct ifx_scope *scope,
		       const struct ifx_workload *workload)
{
	if (scope->n_targets)
		return false;
	if (!ifx_str_eq(scope->namespace, mesh->root_namespace) &&
	    !ifx_str_eq(scope->namespace, workload->namespace))
		return false;
	return ifx_labels_match(workload->labels, scope->selector);
}

static bool is(const struct ifx_target *t, const char *group, const char *kind)
{
	/* The core group may be written out. */
	bool core = !*group && ifx_str_eq(t->group, IFX_LIT("core"));

	return (core || ifx_str_eq(t->group, ifx_str_of(group))) &&
	       ifx_str_eq(t->kind, ifx_str_of(kind));
}

bool ifx_scope_targets(const struct ifx_mesh *mesh, const struct ifx_scope *scope,
		       const struct ifx_waypoint *waypoint, const struct ifx_service *service)
{
	static const char gateway_api[] = "gateway.networking.k8s.io";

	for (size_t i = 0; i < scope->n_targets; i++) {
		const struct ifx_target *t = &scope->targets[i];

		if (is(t, "", "Service") && service && ifx_str_eq(t->name, service->name) &&
		    ifx_str_eq(scope->namespace, service->namespace))
			return true;
		if (is(t, gateway_api, "Gateway") && ifx_str_eq(t->name, waypoint->name) &&
		    ifx_str_eq(scope->namespace, waypoint->namespace))
			return true;
		if (is(t, gateway_api, "GatewayClass") &&
		    ifx_str_eq(t->name, IFX_LIT("istio-waypoint")) &&
		    ifx_str_eq(scope->namespace, mesh->root_namespace))
			return true;
	}
	return false;
}

/* One place of enforcement: a pod's proxy, or a waypoint and the Service it acts for. */
struct place {
	const struct ifx_mesh *mesh;
	const struct ifx_workload *workload;
	const struct ifx_waypoint *waypoint;
	const struct ifx_service *service;
	ifx_engine_kind engine;
};

static bool applies(const struct place *p, const struct ifx_scope *scope)
{
	if (p->engine == IFX_ENGINE_ZTUNNEL && scope->empty_selector)
		return false;
	return p->workload ? ifx_scope_selects(p->mesh, scope, p->workload)
			   : ifx_scope_targets(p->mesh, scope, p->waypoint, p->service);
}

/* Namespaces whose policies may apply: root, own, and the Service's. */
static size_t namespaces_of(const struct place *p, ifx_str out[3])
{
	ifx_str all[] = { p->mesh->root_namespace,
			  p->workload ? p->workload->namespace : p->waypoint->namespace,
			  p->service ? p->service->namespace : IFX_NONE };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		bool seen = !all[i].ptr;

		for (size_t j = 0; j < n; j++)
			seen |= ifx_str_eq(all[i], out[j]);
		if (!seen)
			out[n++] = all[i];
	}
	return n;
}

/* --- AuthorizationPolicies at one place ------------------------------------------------------ */

/* What the policies of one action come to. */
struct verdict {
	bool any;                       /* there is one */
	const struct ifx_authz *policy; /* the first that matches */
	size_t rule;
	ifx_str provider; /* of the first CUSTOM policy */
	bool mixed;       /* CUSTOM policies with different providers */
};

static void judge(struct verdict *out, const struct place *p, const struct ifx_authz *policy,
		  const struct ifx_request *request)
{
	if (policy->action == IFX_CUSTOM) {
		out->mixed |= out->any && !ifx_str_eq(out->provider, policy->provider);
		if (!out->any)
			out->provider = policy->provider;
	} else if (policy->dry_run) {
		return; /* of CUSTOM policies the provider is asked all the same */
	}
	out->any = true;
	for (size_t i = 0; !out->policy && i < policy->n_rules; i++) {
		if (ifx_rule_matches(p->mesh, policy, &policy->rules[i], request, p->engine)) {
			out->policy = policy;
			out->rule = i;
		}
	}
}

static struct verdict ask(const struct place *p, ifx_action action,
			  const struct ifx_request *request)
{
	struct verdict out = { 0 };
	ifx_str namespaces[3];
	size_t n = namespaces_of(p, namespaces);

	for (size_t i = 0; i < n; i++) {
		struct ifx_slice s = ifx_mesh_authz_of(p->mesh, namespaces[i]);

		for (size_t j = s.first; j < s.first + s.n; j++) {
			const struct ifx_authz *policy = &p->mesh->authz[j];

			if (policy->action == action && applies(p, &policy->scope))
				judge(&out, p, policy, request);
		}
	}
	return out;
}

static void decide(struct ifx_decision *out, bool allowed, ifx_basis basis,
		   const struct verdict *verdict)
{
	out->allowed = allowed;
	out->basis = basis;
	out->policy = verdict ? verdict->policy : NULL;
	out->rule = verdict ? verdict->rule : 0;
}

static void add_provider(struct ifx_decision *out, ifx_str provider)
{
	for (size_t i = 0; i < out->n_providers; i++)
		if (ifx_str_eq(out->providers[i], provider))
			return;
	if (out->n_providers < IFX_PROVIDERS_MAX)
		out->providers[out->n_providers++] = provider;
}

/* CUSTOM and AUDIT, which ztunnel does not have. False: refused. */
static bool consult(struct ifx_decision *out, const struct place *p,
		    const struct ifx_request *request)
{
	struct verdict custom = ask(p, IFX_CUSTOM, request);

	if (custom.policy && custom.mixed) {
		decide(out, false, IFX_BY_PROVIDERS, &custom);
		return false;
	}
	if (custom.policy)
		add_provider(out, custom.provider);
	out->audited |= ask(p, IFX_AUDIT, request).policy != NULL;
	return true;
}

static void authorize(struct ifx_decision *out, const struct place *p,
		      const struct ifx_request *request)
{
	struct verdict deny, allow;

	if (p->engine != IFX_ENGINE_ZTUNNEL && !consult(out, p, request))
		return;
	deny = ask(p, IFX_DENY, request);
	if (deny.policy) {
		decide(out, false, IFX_BY_DENY, &deny);
		return;
	}
	allow = ask(p, IFX_ALLOW, request);
	decide(out, !allow.any || allow.policy,
	       !allow.any     ? IFX_BY_NO_ALLOW
	       : allow.policy ? IFX_BY_ALLOW
			      : IFX_BY_NO_MATCH,
	       &allow);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static bool audience_ok(const struct ifx_jwt_rule *rule, ifx_str audience)
{
	for (size_t i = 0; i < rule->audiences.n; i++)
		if (ifx_str_eq(rule->audiences.list[i], audience))
			return true;
	return !rule->audiences.n;
}

/*
 * RequestAuthentication: a request without a token passes, one with a token that no rule accepts
 * does not, and where there are no rules nobody reads it. Without forwardOriginalToken the token
 * ends here.
 *
 * seen  how the policies of this place see the token.
 * next  what is sent on.
 */
static bool authenticate(const struct place *p, const struct ifx_request *request, ifx_token *seen,
			 ifx_token *next)
{
	ifx_str issuer = ifx_labels_get(request->claims, IFX_LIT("iss"));
	ifx_str audience = ifx_labels_get(request->claims, IFX_LIT("aud"));
	const struct ifx_jwt_rule *accepted = NULL;
	ifx_str namespaces[3];
	size_t n = namespaces_of(p, namespaces), rules = 0;

	for (size_t i = 0; i < n; i++) {
		struct ifx_slice s = ifx_mesh_request_authn_of(p->mesh, namespaces[i]);

		for (size_t j = s.first; j < s.first + s.n; j++) {
			const struct ifx_request_authn *a = &p->mesh->request_authn[j];

			if (!applies(p, &a->scope))
				continue;
			rules += a->n_rules;
			for (size_t k = 0; !accepted && k < a->n_rules; k++)
				if (ifx_str_eq(a->rules[k].issuer, issuer) &&
				    audience_ok(&a->rules[k], audience))
					accepted = &a->rules[k];
		}
	}
	*next = request->token;
	*seen = IFX_TOKEN_NONE;
	if (!rules || request->token == IFX_TOKEN_NONE)
		return true;
	if (request->token == IFX_TOKEN_BAD || !accepted)
		return false;
	*seen = IFX_TOKEN_GOOD;
	if (!accepted->forward)
		*next = IFX_TOKEN_NONE;
	return true;
}

/* Envoy: tokens first, then the policies. next: the token as it is sent on. */
static void envoy(struct ifx_decision *out, const struct place *p,
		  const struct ifx_request *request, ifx_token *next)
{
	struct ifx_request r = *request;

	if (p->engine == IFX_ENGINE_HTTP && !authenticate(p, request, &r.token, next)) {
		decide(out, false, IFX_BY_TOKEN, NULL);
		return;
	}
	authorize(out, p, &r);
}

/* --- the three places ------------------------------------------------------------------------ */

static ifx_engine_kind engine_for(ifx_protocol protocol, const struct ifx_request *request)
{
	bool http = protocol == IFX_PROTOCOL_AUTO ? request->http : protocol == IFX_PROTOCOL_HTTP;

	return http ? IFX_ENGINE_HTTP : IFX_ENGINE_TCP;
}

ifx_protocol ifx_model_pod_protocol(const struct ifx_mesh *mesh,
				    const struct ifx_workload *workload, unsigned port)
{
	struct ifx_slice s = ifx_mesh_services_of(mesh, workload->namespace);

	for (size_t i = s.first; i < s.first + s.n; i++) {
		const struct ifx_service *service = &mesh->services[i];

		if (!ifx_service_selects(service, workload))
			continue;
		for (size_t j = 0; j < service->n_ports; j++)
			if (ifx_service_target(&service->ports[j], workload) == port)
				return service->ports[j].protocol;
	}
	return IFX_PROTOCOL_AUTO;
}

static bool uncaptured(const struct ifx_workload *workload, unsigned port)
{
	for (size_t i = 0; i < workload->n_uncaptured; i++)
		if (workload->uncaptured[i] == port)
			return true;
	return false;
}

void ifx_model_sidecar(struct ifx_decision *out, const struct ifx_mesh *mesh,
		       const struct ifx_workload *workload, const struct ifx_request *request)
{
	struct place p = { .mesh = mesh, .workload = workload };
	ifx_token next;

	*out = (struct ifx_decision){ .point = IFX_AT_SIDECAR };
	if (uncaptured(workload, request->port)) {
		decide(out, true, IFX_BY_NOTHING, NULL);
		return;
	}
	if (!request->principal.ptr &&
	    ifx_model_sidecar_mtls(mesh, workload, request->port) == IFX_MTLS_STRICT) {
		decide(out, false, IFX_BY_PLAINTEXT, NULL);
		return;
	}
	p.engine = engine_for(ifx_model_pod_protocol(mesh, workload, request->port), request);
	envoy(out, &p, request, &next);
}

void ifx_model_ztunnel(struct ifx_decision *out, const struct ifx_mesh *mesh,
		       const struct ifx_workload *workload, const struct ifx_request *request)
{
	struct place p = { .mesh = mesh, .workload = workload, .engine = IFX_ENGINE_ZTUNNEL };

	*out = (struct ifx_decision){ .point = IFX_AT_ZTUNNEL };
	if (!request->principal.ptr && ifx_model_ztunnel_strict(mesh, workload, request->port)) {
		decide(out, false, IFX_BY_PLAINTEXT, NULL);
		return;
	}
	authorize(out, &p, request);
}

ifx_protocol ifx_model_service_protocol(const struct ifx_service *service, unsigned port)
{
	for (size_t i = 0; service && i < service->n_ports; i++)
		if (service->ports[i].port == port)
			return service->ports[i].protocol;
	return IFX_PROTOCOL_AUTO;
}

static void at_waypoint(struct ifx_decision *out, const struct ifx_mesh *mesh,
			const struct ifx_waypoint *waypoint, const struct ifx_service *service,
			const struct ifx_request *request, ifx_token *next)
{
	struct place p = { .mesh = mesh, .waypoint = waypoint, .service = service };
	struct ifx_request r = *request;

	*out = (struct ifx_decision){ .point = IFX_AT_WAYPOINT, .via_waypoint = true };
	if (service)
		r.destination_ip = request->service_ip;
	p.engine = engine_for(ifx_model_service_protocol(service, request->port), request);
	*next = request->token;
	envoy(out, &p, &r, next);
}

void ifx_model_waypoint(struct ifx_decision *out, const struct ifx_mesh *mesh,
			const struct ifx_waypoint *waypoint, const struct ifx_service *service,
			const struct ifx_request *request)
{
	ifx_token next;

	at_waypoint(out, mesh, waypoint, service, request, &next);
}

/* --- a whole call ---------------------------------------------------------------------------- */

const struct ifx_waypoint *ifx_model_waypoint_of(const struct ifx_call *call)
{
	const struct ifx_service *s = call->service;
	const struct ifx_waypoint *w = s && !s->headless ? s->waypoint : call->workload->waypoint;
	bool uses = call->caller == IFX_MODE_AMBIENT ||
		    (call->caller == IFX_MODE_GATEWAY && s && s->ingress_use_waypoint);

	if (!uses || !w)
		return NULL;
	return (s && !s->headless ? w->services : w->workloads) ? w : NULL;
}

/*
 * Sidecar mode DISABLE: plain bytes only. A sidecar or gateway knows and sends them, ztunnel and
 * waypoints do not.
 */
static bool plaintext_port(struct ifx_decision *out, const struct ifx_mesh *mesh,
			   const struct ifx_call *call, bool via_waypoint,
			   struct ifx_request *request)
{
	if (call->workload->mode != IFX_MODE_SIDECAR || !request->principal.ptr ||
	    ifx_model_sidecar_mtls(mesh, call->workload, request->port) != IFX_MTLS_DISABLE)
		return true;
	if (via_waypoint || call->caller == IFX_MODE_AMBIENT) {
		out->point = IFX_AT_SIDECAR;
		decide(out, false, IFX_BY_MTLS, NULL);
		return false;
	}
	request->principal = IFX_NONE;
	return true;
}

/* The pod's own proxy, behind a waypoint or not; `out` has what the waypoint said. */
static void at_pod(struct ifx_decision *out, const struct ifx_mesh *mesh,
		   const struct ifx_call *call, struct ifx_request *request)
{
	struct ifx_decision before = *out;

	if (!plaintext_port(out, mesh, call, before.via_waypoint, request))
		return;
	switch (call->workload->mode) {
	case IFX_MODE_SIDECAR:
		ifx_model_sidecar(out, mesh, call->workload, request);
		break;
	case IFX_MODE_AMBIENT:
		ifx_model_ztunnel(out, mesh, call->workload, request);
		break;
	case IFX_MODE_NONE:
	case IFX_MODE_GATEWAY:
		if (!before.via_waypoint)
			*out = (struct ifx_decision){ .allowed = true, .basis = IFX_BY_NOTHING };
		return;
	}
	for (size_t i = 0; i < before.n_providers; i++)
		add_provider(out, before.providers[i]);
	out->audited |= before.audited;
	out->via_waypoint = before.via_waypoint;
	/* Who is let in on the waypoint's account was let in by what the waypoint looked at. */
	if (before.via_waypoint && out->allowed) {
		out->point = IFX_AT_WAYPOINT;
		out->basis = before.basis;
		out->policy = before.policy;
		out->rule = before.rule;
	}
}

/* 0: the Service has no such port, or it leads nowhere on this workload. */
static unsigned pod_port(const struct ifx_call *call)
{
	const struct ifx_service *s = call->service;

	if (!s)
		return call->request.port;
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].port == call->request.port)
			return ifx_service_target(&s->ports[i], call->workload);
	return 0;
}

void ifx_model_call(struct ifx_decision *out, const struct ifx_mesh *mesh,
		    const struct ifx_call *call)
{
	const struct ifx_waypoint *waypoint = ifx_model_waypoint_of(call);
	struct ifx_request request = call->request;
	char identity[1024];
	ifx_token next = request.token;
	unsigned port = pod_port(call);
	int len;

	*out = (struct ifx_decision){ 0 };
	if (!port) {
		decide(out, false, IFX_BY_PORT, NULL);
		return;
	}
	if (call->caller == IFX_MODE_NONE)
		request.principal = IFX_NONE;
	if (waypoint) {
		at_waypoint(out, mesh, waypoint, call->service, &request, &next);
		if (!out->allowed)
			return;
		len = snprintf(identity, sizeof(identity), "%.*s/ns/%.*s/sa/%.*s",
			       IFX_ARG(mesh->trust_domain), IFX_ARG(waypoint->namespace),
			       IFX_ARG(ifx_waypoint_account(waypoint)));
		request.principal =
			(ifx_str){ identity, len < (int)sizeof(identity) ? (size_t)len : 0 };
		request.token = next;
		if (!request.remote_ip.ptr)
			request.remote_ip = request.source_ip;
		request.source_ip = IFX_NONE;
	}
	request.port = port;
	at_pod(out, mesh, call, &request);
}

/* --- comparing ------------------------------------------------------------------------------- */

static bool asks(const struct ifx_decision *d, ifx_str provider)
{
	for (size_t i = 0; i < d->n_providers; i++)
		if (ifx_str_eq(d->providers[i], provider))
			return true;
	return false;
}

bool ifx_decision_looser(const struct ifx_decision *before, const struct ifx_decision *after)
{
	if (!after->allowed)
		return false;
	if (!before->allowed || (before->audited && !after->audited))
		return true;
	for (size_t i = 0; i < before->n_providers; i++)
		if (!asks(after, before->providers[i]))
			return true;
	return false;
}

bool ifx_decision_same(const struct ifx_decision *a, const struct ifx_decision *b)
{
	return a->allowed == b->allowed && !ifx_decision_looser(a, b) && !ifx_decision_looser(b, a);
}
