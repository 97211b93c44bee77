/* What policies ask about requests: dimensions with their values, and rules as formulas. */
#include "ambient/search.h"

#include "ambient/match.h"

const struct ifx_waypoint *ifx_search_waypoint(const struct ifx_probe *p, size_t i)
{
	struct ifx_call call = { .caller = IFX_MODE_AMBIENT,
				 .service = p->service[i],
				 .workload = p->workload[i] };

	return p->workload[i] ? ifx_model_waypoint_of(&call) : NULL;
}

/* --- dimensions ------------------------------------------------------------------------------ */

/* Sorted by kind and name. */
static struct ifx_dimension *dimension(struct ifx_search *s, ifx_dim_kind kind, ifx_str name)
{
	struct ifx_dimension *d;
	size_t at = 0;

	for (; at < s->n_dims; at++) {
		int c = s->dims[at]->kind != kind ? (s->dims[at]->kind < kind ? -1 : 1)
						  : ifx_str_cmp(s->dims[at]->name, name);

		if (!c)
			return s->dims[at];
		if (c > 0)
			break;
	}
	if (s->n_dims == IFX_DIMENSIONS_MAX) {
		*s->sampled = true;
		return NULL;
	}
	d = ifx_arena_alloc(s->arena, sizeof(*d));
	if (!d) {
		s->st = IFX_ENOMEM;
		return NULL;
	}
	ifx_dimension_init(d, kind, name, s->arena);
	memmove(&s->dims[at + 1], &s->dims[at], (s->n_dims - at) * sizeof(*s->dims));
	s->dims[at] = d;
	s->n_dims++;
	return d;
}

/* The dimension that an attribute asks about; requestPrincipals ask about two claims. */
static ifx_dim_kind kind_of(const struct ifx_match *m, ifx_hop h, bool service, ifx_str *name)
{
	*name = IFX_LIT("");
	switch (m->attr) {
	case IFX_ATTR_PRINCIPAL:
	case IFX_ATTR_NAMESPACE:
	case IFX_ATTR_SERVICE_ACCOUNT:
	case IFX_ATTR_TRUST_DOMAIN:
		return IFX_DIM_PRINCIPAL;
	case IFX_ATTR_SOURCE_IP:
		return IFX_DIM_SOURCE_IP;
	case IFX_ATTR_REMOTE_IP:
		return IFX_DIM_REMOTE_IP;
	case IFX_ATTR_PORT:
		return IFX_DIM_PORT;
	case IFX_ATTR_HOST:
		return IFX_DIM_HOST;
	case IFX_ATTR_METHOD:
		return IFX_DIM_METHOD;
	case IFX_ATTR_PATH:
		return IFX_DIM_PATH;
	case IFX_ATTR_DESTINATION_IP:
		return h == IFX_HOP_WAYPOINT && service ? IFX_DIM_SERVICE_IP
							: IFX_DIM_DESTINATION_IP;
	case IFX_ATTR_SNI:
		return IFX_DIM_SNI;
	case IFX_ATTR_HEADER:
		*name = m->name;
		return IFX_DIM_HEADER;
	case IFX_ATTR_REQUEST_PRINCIPAL:
		*name = IFX_LIT("iss");
		return IFX_DIM_CLAIM;
	case IFX_ATTR_AUDIENCE:
		*name = IFX_LIT("aud");
		return IFX_DIM_CLAIM;
	case IFX_ATTR_PRESENTER:
		*name = IFX_LIT("azp");
		return IFX_DIM_CLAIM;
	case IFX_ATTR_CLAIM:
		*name = m->name;
		return IFX_DIM_CLAIM;
	case IFX_ATTR_ENVOY:
	case IFX_ATTR_UNKNOWN:
		break;
	}
	*name = m->name;
	return IFX_DIM_ATTRIBUTE;
}

static void add_values(struct ifx_search *s, const struct ifx_formula *f, const struct ifx_match *m,
		       ifx_dim_kind kind, ifx_str name)
{
	struct ifx_dimension *d = dimension(s, kind, name);
	ifx_str namespace = f->policy->scope.namespace;

	for (size_t i = 0; d && i < m->values.n; i++)
		ifx_dimension_add(d, s->probe->mesh[f->mesh], m, m->values.list[i], namespace);
	for (size_t i = 0; d && i < m->not_values.n; i++)
		ifx_dimension_add(d, s->probe->mesh[f->mesh], m, m->not_values.list[i], namespace);
}

/* Behind a waypoint identity and address are the waypoint's, whoever called. */
static bool constant(const struct ifx_formula *f, ifx_dim_kind kind)
{
	bool behind = f->hop == IFX_HOP_BEHIND || f->hop == IFX_HOP_STRIPPED;

	return (behind && (kind == IFX_DIM_PRINCIPAL || kind == IFX_DIM_SOURCE_IP)) ||
	       (f->hop == IFX_HOP_PLAIN && kind == IFX_DIM_PRINCIPAL) ||
	       (f->hop == IFX_HOP_STRIPPED && kind == IFX_DIM_CLAIM);
}

static void add_match(struct ifx_search *s, const struct ifx_formula *f, const struct ifx_match *m)
{
	ifx_str name;
	ifx_dim_kind kind = kind_of(m, f->hop, s->probe->service[f->mesh] != NULL, &name);

	if (constant(f, kind))
		return;
	if (kind == IFX_DIM_CLAIM)
		dimension(s, IFX_DIM_TOKEN, IFX_LIT(""));
	add_values(s, f, m, kind, name);
	if (m->attr == IFX_ATTR_REQUEST_PRINCIPAL)
		add_values(s, f, m, kind, IFX_LIT("sub"));
}

static uint64_t bit_of(const struct ifx_search *s, ifx_dim_kind kind, ifx_str name)
{
	for (size_t i = 0; i < s->n_dims; i++)
		if (s->dims[i]->kind == kind && ifx_str_eq(s->dims[i]->name, name))
			return (uint64_t)1 << i;
	return 0;
}

static void make_atom(const struct ifx_search *s, const struct ifx_formula *f, struct ifx_atom *a,
		      const struct ifx_match *m)
{
	ifx_str name;
	ifx_dim_kind kind = kind_of(m, f->hop, s->probe->service[f->mesh] != NULL, &name);

	*a = (struct ifx_atom){ .match = m };
	if (constant(f, kind))
		return;
	a->asks = bit_of(s, kind, name);
	if (kind == IFX_DIM_CLAIM)
		a->asks |= bit_of(s, IFX_DIM_TOKEN, IFX_LIT(""));
	if (m->attr == IFX_ATTR_REQUEST_PRINCIPAL)
		a->asks |= bit_of(s, kind, IFX_LIT("sub"));
	for (uint64_t bits = a->asks; bits; bits >>= 1)
		a->ready++;
}

/* --- formulas -------------------------------------------------------------------------------- */

typedef void match_fn(struct ifx_search *s, struct ifx_formula *f, const struct ifx_match *m);

static void in_clauses(struct ifx_search *s, struct ifx_formula *f,
		       const struct ifx_clause *clauses, size_t n, match_fn *each)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < clauses[i].n; j++)
			if (ifx_engine_knows(f->engine, &clauses[i].matches[j]))
				each(s, f, &clauses[i].matches[j]);
}

static void in_rule(struct ifx_search *s, struct ifx_formula *f, match_fn *each)
{
	in_clauses(s, f, f->rule->from, f->rule->n_from, each);
	in_clauses(s, f, f->rule->to, f->rule->n_to, each);
	in_clauses(s, f, f->rule->when, f->rule->n_when, each);
}

static void count_match(struct ifx_search *s, struct ifx_formula *f, const struct ifx_match *m)
{
	f->n_atoms++;
	add_match(s, f, m);
}

static void fill_atom(struct ifx_search *s, struct ifx_formula *f, const struct ifx_match *m)
{
	make_atom(s, f, &f->atoms[f->n_atoms++], m);
}

static void add_formula(struct ifx_search *s, size_t mesh, const struct ifx_authz *policy,
			const struct ifx_authz_rule *rule, ifx_engine_kind engine, ifx_hop h)
{
	struct ifx_formula *f;

	if (ifx_engine_drops(engine, policy, rule))
		return;
	f = ifx_arena_alloc(s->arena, sizeof(*f));
	if (!f) {
		s->st = IFX_ENOMEM;
		return;
	}
	*f = (struct ifx_formula){
		.mesh = mesh, .policy = policy, .rule = rule, .engine = engine, .hop = h
	};
	*s->link = f;
	s->link = &f->next;
	s->n_formulas++;
	in_rule(s, f, count_match);
	s->n_atoms += f->n_atoms;
}

static void add_policy(struct ifx_search *s, size_t mesh, const struct ifx_authz *policy,
		       bool ztunnel, ifx_hop h)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct ifx_authz_rule *rule = &policy->rules[i];

		if (ztunnel) {
			add_formula(s, mesh, policy, rule, IFX_ENGINE_ZTUNNEL, h);
			continue;
		}
		add_formula(s, mesh, policy, rule, IFX_ENGINE_HTTP, h);
		add_formula(s, mesh, policy, rule, IFX_ENGINE_TCP, h);
	}
}

/* Does a policy switch mutual TLS off, for the pod or a port of it? */
static bool takes_plaintext(const struct ifx_search *s, size_t i)
{
	const struct ifx_mesh *mesh = s->probe->mesh[i];
	ifx_str namespaces[] = { mesh->root_namespace, s->probe->workload[i]->namespace };

	for (size_t k = 0; k < 2; k++) {
		struct ifx_slice slice = ifx_mesh_peer_authn_of(mesh, namespaces[k]);

		for (size_t j = slice.first; j < slice.first + slice.n; j++) {
			const struct ifx_peer_authn *p = &mesh->peer_authn[j];

			for (size_t n = 0; n < p->n_ports; n++)
				if (p->ports[n].mode == IFX_MTLS_DISABLE)
					return true;
			if (p->mode == IFX_MTLS_DISABLE)
				return true;
		}
	}
	return false;
}

static void add_at_pod(struct ifx_search *s, size_t i, const struct ifx_authz *policy,
		       bool waypoint)
{
	ifx_mode mode = s->probe->workload[i]->mode;
	bool ztunnel = mode == IFX_MODE_AMBIENT;

	if (!ztunnel && mode != IFX_MODE_SIDECAR)
		return;
	if (ztunnel && (policy->action == IFX_CUSTOM || policy->action == IFX_AUDIT))
		return;
	add_policy(s, i, policy, ztunnel, IFX_HOP_POD);
	if (!ztunnel && takes_plaintext(s, i))
		add_policy(s, i, policy, false, IFX_HOP_PLAIN);
	if (!waypoint)
		return;
	add_policy(s, i, policy, ztunnel, IFX_HOP_BEHIND);
	if (s->tokens && !ztunnel)
		add_policy(s, i, policy, false, IFX_HOP_STRIPPED);
}

/* Namespaces whose policies matter in mesh `i`, each once. */
static size_t namespaces_of(const struct ifx_search *s, size_t i, ifx_str out[3])
{
	const struct ifx_probe *p = s->probe;
	const struct ifx_waypoint *w = ifx_search_waypoint(p, i);
	ifx_str all[] = { p->mesh[i]->root_namespace, p->workload[i]->namespace,
			  w ? w->namespace : IFX_NONE };
	size_t n = 0;

	for (size_t k = 0; k < 3; k++) {
		bool seen = !all[k].ptr;

		for (size_t j = 0; j < n; j++)
			seen |= ifx_str_eq(all[k], out[j]);
		if (!seen)
			out[n++] = all[k];
	}
	return n;
}

static bool applies(const struct ifx_probe *p, size_t i, const struct ifx_scope *scope)
{
	const struct ifx_waypoint *w = ifx_search_waypoint(p, i);

	return ifx_scope_selects(p->mesh[i], scope, p->workload[i]) ||
	       (w && ifx_scope_targets(p->mesh[i], scope, w, p->service[i]));
}

static void add_policies(struct ifx_search *s, size_t i)
{
	const struct ifx_probe *p = s->probe;
	const struct ifx_waypoint *w = ifx_search_waypoint(p, i);
	ifx_str namespaces[3];
	size_t n = namespaces_of(s, i, namespaces);

	for (size_t k = 0; k < n; k++) {
		struct ifx_slice slice = ifx_mesh_authz_of(p->mesh[i], namespaces[k]);

		for (size_t j = slice.first; j < slice.first + slice.n; j++) {
			const struct ifx_authz *policy = &p->mesh[i]->authz[j];

			if (ifx_scope_selects(p->mesh[i], &policy->scope, p->workload[i]))
				add_at_pod(s, i, policy, w != NULL);
			else if (w &&
				 ifx_scope_targets(p->mesh[i], &policy->scope, w, p->service[i]))
				add_policy(s, i, policy, false, IFX_HOP_WAYPOINT);
		}
	}
}

/* Issuers and audiences of RequestAuthentications decide by themselves. */
static void add_jwt_rules(struct ifx_search *s, const struct ifx_request_authn *a)
{
	struct ifx_match m = { .attr = IFX_ATTR_CLAIM };
	struct ifx_dimension *token = dimension(s, IFX_DIM_TOKEN, IFX_LIT(""));
	struct ifx_dimension *iss = dimension(s, IFX_DIM_CLAIM, IFX_LIT("iss"));

	if (!token || !iss)
		return;
	token->each = iss->each = s->tokens = true;
	for (size_t i = 0; i < a->n_rules; i++) {
		const struct ifx_jwt_rule *rule = &a->rules[i];
		struct ifx_dimension *aud =
			rule->audiences.n ? dimension(s, IFX_DIM_CLAIM, IFX_LIT("aud")) : NULL;

		ifx_dimension_add(iss, s->probe->mesh[0], &m, rule->issuer, IFX_LIT(""));
		for (size_t k = 0; aud && k < rule->audiences.n; k++)
			ifx_dimension_add(aud, s->probe->mesh[0], &m, rule->audiences.list[k],
					  IFX_LIT(""));
		if (aud)
			aud->each = true;
	}
}

static void add_tokens(struct ifx_search *s, size_t i)
{
	const struct ifx_probe *p = s->probe;
	ifx_str namespaces[3];
	size_t n = namespaces_of(s, i, namespaces);

	for (size_t k = 0; k < n; k++) {
		struct ifx_slice slice = ifx_mesh_request_authn_of(p->mesh[i], namespaces[k]);

		for (size_t j = slice.first; j < slice.first + slice.n; j++) {
			const struct ifx_request_authn *a = &p->mesh[i]->request_authn[j];

			if (a->n_rules && applies(p, i, &a->scope))
				add_jwt_rules(s, a);
		}
	}
}

/* --- ports ----------------------------------------------------------------------------------- */

static void add_port(struct ifx_search *s, unsigned port)
{
	struct ifx_dimension *d = dimension(s, IFX_DIM_PORT, IFX_LIT(""));
	ifx_str text = ifx_arena_printf(s->arena, "%u", port);

	if (!text.ptr)
		s->st = IFX_ENOMEM;
	else if (d && port)
		ifx_dimension_literal(d, text);
}

static void add_pod_ports(struct ifx_search *s, size_t i)
{
	const struct ifx_workload *w = s->probe->workload[i];
	const struct ifx_mesh *mesh = s->probe->mesh[i];
	struct ifx_slice services = ifx_mesh_services_of(mesh, w->namespace);
	struct ifx_slice peers = ifx_mesh_peer_authn_of(mesh, w->namespace);

	for (size_t k = 0; k < w->n_ports; k++)
		add_port(s, w->ports[k].number);
	for (size_t k = 0; k < w->n_uncaptured; k++)
		add_port(s, w->uncaptured[k]);
	for (size_t k = services.first; k < services.first + services.n; k++) {
		const struct ifx_service *v = &mesh->services[k];

		for (size_t j = 0; ifx_service_selects(v, w) && j < v->n_ports; j++)
			add_port(s, ifx_service_target(&v->ports[j], w));
	}
	for (size_t k = peers.first; k < peers.first + peers.n; k++) {
		const struct ifx_peer_authn *p = &mesh->peer_authn[k];

		if (ifx_labels_match(w->labels, p->scope.selector))
			for (size_t j = 0; j < p->n_ports; j++)
				add_port(s, p->ports[j].port);
	}
}

/* A port that nobody names. */
static void add_other_port(struct ifx_search *s)
{
	struct ifx_dimension *d = dimension(s, IFX_DIM_PORT, IFX_LIT(""));
	unsigned port = 9999, taken;

	for (size_t i = 0; d && i < d->n_literals; i++) {
		if (ifx_port_parse(&taken, d->literals[i]) && taken == port) {
			port--;
			i = SIZE_MAX; /* from the start */
		}
	}
	add_port(s, port);
}

static void add_ports(struct ifx_search *s)
{
	const struct ifx_probe *p = s->probe;
	struct ifx_dimension *d = dimension(s, IFX_DIM_PORT, IFX_LIT(""));
	bool through = p->service[0] || p->service[1];

	/* Through a Service there are no other ports than its own, whatever policies say. */
	if (through && d)
		d->n_literals = 0;
	for (size_t i = 0; i < 2; i++) {
		if (through) {
			for (size_t k = 0; p->service[i] && k < p->service[i]->n_ports; k++)
				add_port(s, p->service[i]->ports[k].port);
		} else if (p->workload[i]) {
			add_pod_ports(s, i);
		}
	}
	if (!through)
		add_other_port(s);
}

/* --- all of it ---------------------------------------------------------------------------- */

static ifx_str identity_of(struct ifx_search *s, size_t i)
{
	const struct ifx_waypoint *w = ifx_search_waypoint(s->probe, i);
	ifx_str text;

	if (!w)
		return IFX_NONE;
	text = ifx_arena_printf(s->arena, "%.*s/ns/%.*s/sa/%.*s",
				IFX_ARG(s->probe->mesh[i]->trust_domain), IFX_ARG(w->namespace),
				IFX_ARG(ifx_waypoint_account(w)));
	if (!text.ptr)
		s->st = IFX_ENOMEM;
	return text;
}

static void make_atoms(struct ifx_search *s)
{
	for (struct ifx_formula *f = s->formulas; f; f = f->next) {
		f->atoms = ifx_arena_alloc(s->arena, f->n_atoms * sizeof(*f->atoms));
		if (!f->atoms) {
			s->st = IFX_ENOMEM;
			return;
		}
		f->n_atoms = 0;
		in_rule(s, f, fill_atom);
	}
}

void ifx_search_collect(struct ifx_search *s)
{
	/* Those that matter without any policy. */
	dimension(s, IFX_DIM_HTTP, IFX_LIT(""));
	dimension(s, IFX_DIM_PRINCIPAL, IFX_LIT(""));
	for (size_t i = 0; i < 2; i++) {
		if (!s->probe->workload[i])
			continue;
		s->identity[i] = identity_of(s, i);
		add_tokens(s, i);
	}
	for (size_t i = 0; i < 2; i++)
		if (s->probe->workload[i])
			add_policies(s, i);
	add_ports(s);
	make_atoms(s);
}
