#include "ambient/search.h"

#include "ambient/match.h"

typedef enum { NO, YES, OPEN } truth;

/* --- requests -------------------------------------------------------------------------------- */

unsigned ifx_search_pod_port(const struct ifx_search *s, size_t i)
{
	const struct ifx_service *v = s->probe->service[i];

	if (!v)
		return s->request.port;
	for (size_t k = 0; k < v->n_ports; k++)
		if (v->ports[k].port == s->request.port)
			return ifx_service_target(&v->ports[k], s->probe->workload[i]);
	return 0;
}

static ifx_protocol protocol_at(const struct ifx_search *s, size_t mesh, ifx_hop h)
{
	const struct ifx_probe *p = s->probe;

	if (h == IFX_HOP_WAYPOINT)
		return ifx_model_service_protocol(p->service[mesh], s->request.port);
	return ifx_model_pod_protocol(p->mesh[mesh], p->workload[mesh],
				      ifx_search_pod_port(s, mesh));
}

/* Is the formula about requests like this one, once the protocol is known? */
static bool concerns(const struct ifx_search *s, const struct ifx_formula *f)
{
	ifx_protocol protocol;
	bool http;

	if (f->engine == IFX_ENGINE_ZTUNNEL)
		return true;
	protocol = protocol_at(s, f->mesh, f->hop);
	http = protocol == IFX_PROTOCOL_AUTO ? s->request.http : protocol == IFX_PROTOCOL_HTTP;
	return http == (f->engine == IFX_ENGINE_HTTP);
}

/* The request as the formula's proxy sees it. */
static bool holds(const struct ifx_search *s, const struct ifx_formula *f, const struct ifx_atom *a)
{
	struct ifx_request r = s->request;

	if (f->hop == IFX_HOP_WAYPOINT && s->probe->service[f->mesh])
		r.destination_ip = r.service_ip;
	if (f->hop != IFX_HOP_WAYPOINT)
		r.port = ifx_search_pod_port(s, f->mesh);
	if (f->hop == IFX_HOP_BEHIND || f->hop == IFX_HOP_STRIPPED) {
		r.principal = s->identity[f->mesh];
		r.source_ip = IFX_NONE;
	}
	if (f->hop == IFX_HOP_PLAIN)
		r.principal = IFX_NONE;
	if (f->hop == IFX_HOP_STRIPPED)
		r.token = IFX_TOKEN_NONE;
	return ifx_match_holds(s->probe->mesh[f->mesh], f->policy, a->match, &r, f->engine);
}

static void set_label(struct ifx_labels *labels, struct ifx_label *list, ifx_str name,
		      ifx_str value)
{
	/* Names come in order, and what came after this one before is gone. */
	while (labels->n && ifx_str_cmp(list[labels->n - 1].key, name) >= 0)
		labels->n--;
	if (value.ptr)
		list[labels->n++] = (struct ifx_label){ name, value };
	labels->list = list;
}

static void assign(struct ifx_search *s, const struct ifx_dimension *d, ifx_str value)
{
	struct ifx_request *r = &s->request;

	switch (d->kind) {
	case IFX_DIM_PORT:
		(void)ifx_port_parse(&r->port, value);
		break;
	case IFX_DIM_HTTP:
		r->http = ifx_str_eq(value, IFX_LIT("http"));
		break;
	case IFX_DIM_PRINCIPAL:
		r->principal = value;
		break;
	case IFX_DIM_SOURCE_IP:
		r->source_ip = value;
		break;
	case IFX_DIM_REMOTE_IP:
		r->remote_ip = value;
		break;
	case IFX_DIM_DESTINATION_IP:
		r->destination_ip = value;
		break;
	case IFX_DIM_SERVICE_IP:
		r->service_ip = value;
		break;
	case IFX_DIM_SNI:
		r->sni = value;
		break;
	case IFX_DIM_METHOD:
		r->method = r->http ? value : IFX_NONE;
		break;
	case IFX_DIM_PATH:
		r->path = r->http ? value : IFX_NONE;
		break;
	case IFX_DIM_HOST:
		r->host = r->http ? value : IFX_NONE;
		break;
	case IFX_DIM_TOKEN:
		r->token = ifx_str_eq(value, IFX_LIT("good"))  ? IFX_TOKEN_GOOD
			   : ifx_str_eq(value, IFX_LIT("bad")) ? IFX_TOKEN_BAD
							       : IFX_TOKEN_NONE;
		break;
	case IFX_DIM_CLAIM:
		set_label(&r->claims, s->claims, d->name, value);
		break;
	case IFX_DIM_HEADER:
		set_label(&r->headers, s->headers, d->name, r->http ? value : IFX_NONE);
		break;
	case IFX_DIM_ATTRIBUTE:
		set_label(&r->attributes, s->attributes, d->name, value);
		break;
	}
}

/* Can the value occur, given those before it? */
static bool possible(const struct ifx_search *s, const struct ifx_dimension *d, ifx_str value)
{
	bool none = ifx_str_eq(value, IFX_LIT("none"));

	if (d->kind == IFX_DIM_TOKEN)
		return none || (s->tokens && s->request.http);
	if (d->kind == IFX_DIM_CLAIM)
		return !value.ptr || s->request.token == IFX_TOKEN_GOOD;
	if (d->kind != IFX_DIM_HTTP)
		return true;
	for (size_t i = 0; i < 2; i++) {
		ifx_hop hops[] = { IFX_HOP_POD, IFX_HOP_WAYPOINT };

		for (size_t k = 0; s->probe->workload[i] && k < 2; k++) {
			ifx_protocol p = hops[k] == IFX_HOP_WAYPOINT && !s->probe->service[i]
						 ? IFX_PROTOCOL_AUTO
						 : protocol_at(s, i, hops[k]);
			bool http = ifx_str_eq(value, IFX_LIT("http"));

			if (hops[k] == IFX_HOP_WAYPOINT && !s->probe->service[i])
				continue;
			if (p == IFX_PROTOCOL_AUTO || http == (p == IFX_PROTOCOL_HTTP))
				return true;
		}
	}
	return false;
}

/* --- the search ------------------------------------------------------------------------------ */

static truth clause_truth(struct ifx_formula *f, const struct ifx_clause *clause, size_t *k,
			  size_t level)
{
	truth out = YES;
	size_t first = *k;

	for (size_t i = 0; i < clause->n; i++) {
		struct ifx_atom *a;

		if (!ifx_engine_knows(f->engine, &clause->matches[i]))
			continue;
		a = &f->atoms[(*k)++];
		if (a->ready > level)
			out = out == NO ? NO : OPEN;
		else if (!a->holds)
			out = NO;
	}
	if (*k == first && f->engine == IFX_ENGINE_ZTUNNEL)
		return NO; /* nothing left never matches there */
	for (size_t i = first; i < *k; i++)
		f->atoms[i].live = out == OPEN;
	return out;
}

static truth any_truth(struct ifx_formula *f, const struct ifx_clause *clauses, size_t n, size_t *k,
		       size_t level)
{
	truth out = n ? NO : YES;

	for (size_t i = 0; i < n; i++) {
		truth t = clause_truth(f, &clauses[i], k, level);

		if (t == YES || (t == OPEN && out == NO))
			out = t;
	}
	return out;
}

/* What the first `level` dimensions make of the rule; marks the atoms that still count. */
static truth formula_truth(struct ifx_formula *f, size_t level)
{
	size_t k = 0;
	truth from = any_truth(f, f->rule->from, f->rule->n_from, &k, level);
	truth to = any_truth(f, f->rule->to, f->rule->n_to, &k, level);
	truth out = from == NO || to == NO ? NO : from == YES && to == YES ? YES : OPEN;

	for (size_t i = 0; i < f->rule->n_when; i++) {
		truth t = clause_truth(f, &f->rule->when[i], &k, level);

		out = t == NO || out == NO ? NO : t == YES && out == YES ? YES : OPEN;
	}
	return out;
}

/* Atoms of open formulas that ask about this dimension. */
static size_t open_atoms(struct ifx_search *s, size_t level, struct ifx_formula **above,
			 size_t n_above, size_t *n_active)
{
	struct ifx_level *l = &s->levels[level];
	bool protocol_known = level > 0 && s->dims[level]->kind > IFX_DIM_HTTP;
	size_t n = 0;

	*n_active = 0;
	for (size_t i = 0; i < n_above; i++) {
		struct ifx_formula *f = above[i];

		if (formula_truth(f, level) != OPEN || (protocol_known && !concerns(s, f)))
			continue;
		l->active[(*n_active)++] = f;
		for (size_t k = 0; k < f->n_atoms; k++) {
			if (!f->atoms[k].live || !(f->atoms[k].asks >> level & 1))
				continue;
			l->atoms[n] = &f->atoms[k];
			l->of[n++] = f;
		}
	}
	return n;
}

/* One value of each class; returns how many. */
static size_t choose(struct ifx_search *s, size_t level, size_t n_atoms)
{
	const struct ifx_dimension *d = s->dims[level];
	struct ifx_level *l = &s->levels[level];
	size_t words = n_atoms / 64 + 2, n = 0;

	for (size_t i = 0; i < d->values.n; i++) {
		uint64_t *key = l->keys + n * words;
		bool seen = false;

		if (!possible(s, d, d->values.list[i]))
			continue;
		assign(s, d, d->values.list[i]);
		memset(key, 0, words * sizeof(*key));
		/* Having an identity counts by itself, and what is not decided here must differ. */
		key[0] = d->kind == IFX_DIM_PRINCIPAL && d->values.list[i].ptr;
		key[0] |= d->each ? (uint64_t)(i + 1) << 1 : 0;
		for (size_t k = 0; k < n_atoms; k++) {
			if (l->atoms[k]->ready > level + 1)
				key[0] |= (uint64_t)(i + 1) << 1;
			else if (holds(s, l->of[k], l->atoms[k]))
				key[1 + k / 64] |= (uint64_t)1 << k % 64;
		}
		for (size_t k = 0; !seen && k < n; k++)
			seen = !memcmp(l->keys + k * words, key, words * sizeof(*key));
		if (!seen)
			l->chosen[n++] = &d->values.list[i];
	}
	return n;
}

static size_t search(struct ifx_search *s, size_t level, struct ifx_formula **above, size_t n_above,
		     size_t budget)
{
	struct ifx_level *l = &s->levels[level];
	size_t n_atoms, n_active, n, used = 0, tried;

	if (s->st != IFX_OK)
		return 0;
	if (level == s->n_dims) {
		s->st = s->visit(s->data, &s->request);
		return 1;
	}
	n_atoms = open_atoms(s, level, above, n_above, &n_active);
	n = choose(s, level, n_atoms);
	tried = n < budget ? n : budget;
	*s->sampled |= tried < n;
	for (size_t i = 0; i < tried; i++) {
		/* Evenly, when there are too many. */
		const ifx_str *value = l->chosen[i * n / tried];

		assign(s, s->dims[level], *value);
		for (size_t k = 0; k < n_atoms; k++)
			if (l->atoms[k]->ready == level + 1)
				l->atoms[k]->holds = holds(s, l->of[k], l->atoms[k]);
		used += search(s, level + 1, l->active, n_active, (budget - used) / (tried - i));
	}
	return used;
}

/* --- getting ready --------------------------------------------------------------------------- */

static bool make_levels(struct ifx_search *s)
{
	for (size_t i = 0; i < s->n_dims; i++) {
		struct ifx_level *l = &s->levels[i];
		size_t values = s->dims[i]->values.n + 1, words = s->n_atoms / 64 + 2;

		l->active = ifx_arena_alloc(s->arena, s->n_formulas * sizeof(*l->active));
		l->atoms = ifx_arena_alloc(s->arena, s->n_atoms * sizeof(*l->atoms));
		l->of = ifx_arena_alloc(s->arena, s->n_atoms * sizeof(*l->of));
		l->chosen = ifx_arena_alloc(s->arena, values * sizeof(*l->chosen));
		l->keys = ifx_arena_alloc(s->arena, values * words * sizeof(*l->keys));
		if (!l->active || !l->atoms || !l->of || !l->chosen || !l->keys)
			return false;
	}
	return true;
}

/* Formulas as a list, and what is known of their atoms before anything is chosen. */
static void list_formulas(struct ifx_search *s, struct ifx_formula **all)
{
	for (struct ifx_formula *f = s->formulas; f; f = f->next) {
		for (size_t i = 0; i < f->n_atoms; i++)
			if (!f->atoms[i].ready)
				f->atoms[i].holds = holds(s, f, &f->atoms[i]);
		*all++ = f;
	}
}

ifx_status ifx_requests_each(const struct ifx_probe *probe, struct ifx_arena *arena,
			     ifx_request_visit *visit, void *data, bool *sampled)
{
	struct ifx_search *s = ifx_arena_alloc(arena, sizeof(*s));
	struct ifx_formula **all;
	bool complete = true;

	if (!s)
		return IFX_ENOMEM;
	*s = (struct ifx_search){
		.probe = probe, .arena = arena, .visit = visit, .data = data, .sampled = sampled
	};
	s->link = &s->formulas;
	ifx_search_collect(s);
	for (size_t i = 0; s->st == IFX_OK && i < s->n_dims; i++)
		s->st = ifx_dimension_close(s->dims[i], probe->mesh[1], &complete);
	all = ifx_arena_alloc(arena, s->n_formulas * sizeof(*all));
	if (s->st != IFX_OK || !all || !make_levels(s))
		return s->st != IFX_OK ? s->st : IFX_ENOMEM;
	list_formulas(s, all);
	*sampled |= !complete;
	search(s, 0, all, s->n_formulas, probe->limit);
	return s->st;
}
