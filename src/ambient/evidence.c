#include "ambient/evidence.h"

#include "ambient/match.h"
#include "ambient/requests.h"

/* One way to make a call: what carries the caller before and after. */
struct way {
	ifx_mode before, after;
	bool known;
	unsigned checks; /* IFX_P1, IFX_SHUTS: what a refusal means; P2 always counts */
};

enum { WAYS_MAX = 24, MODES = IFX_MODE_GATEWAY + 1 };

/* Calls to one workload, through one Service or past all. */
struct run {
	struct ifx_evidence *out;
	struct ifx_evidence_row **link;
	struct ifx_arena *arena; /* of the result */
	struct ifx_probe probe;
	bool only_way;     /* there is no Service: the pod's address is how it is called */
	ifx_str principal; /* whose ways these are */
	struct way ways[WAYS_MAX];
	size_t n_ways;
	bool skip;                      /* the identity is a waypoint's own */
	struct ifx_evidence_row *first; /* of this run */
	bool failed;                    /* no memory */
};

/* --- who calls ------------------------------------------------------------------------------- */

static void add_way(struct run *r, ifx_mode before, ifx_mode after, bool known, unsigned checks)
{
	for (size_t i = 0; i < r->n_ways; i++) {
		struct way *w = &r->ways[i];

		if (w->before == before && w->after == after) {
			w->known |= known;
			/* A promise outweighs a remark. */
			w->checks = (w->checks | checks) & IFX_P1 ? IFX_P1 : w->checks | checks;
			return;
		}
	}
	if (r->n_ways < WAYS_MAX)
		r->ways[r->n_ways++] = (struct way){ before, after, known, checks };
}

static bool runs_as(const struct ifx_workload *w, const struct ifx_identity *id)
{
	return ifx_str_eq(w->namespace, id->namespace) &&
	       ifx_str_eq(ifx_workload_account(w), id->account);
}

/* Workloads of the tree that have the identity. */
static bool add_known(struct run *r, const struct ifx_identity *id)
{
	const struct ifx_mesh *after = r->probe.mesh[1], *before = r->probe.mesh[0];
	struct ifx_slice s = ifx_mesh_workloads_of(after, id->namespace);
	bool any = false;

	for (size_t i = s.first; i < s.first + s.n; i++) {
		const struct ifx_workload *w = &after->workloads[i], *old;

		if (!runs_as(w, id) || w->mode == IFX_MODE_NONE)
			continue;
		old = ifx_mesh_workload(before, w->namespace, w->kind, w->name);
		add_way(r, old && old->mode != IFX_MODE_NONE ? old->mode : w->mode, w->mode, true,
			IFX_P1);
		any = true;
	}
	return any;
}

static bool is_waypoint(const struct ifx_mesh *mesh, const struct ifx_identity *id)
{
	struct ifx_slice s = ifx_mesh_waypoints_of(mesh, id->namespace);

	for (size_t i = s.first; i < s.first + s.n; i++)
		if (ifx_str_eq(ifx_waypoint_account(&mesh->waypoints[i]), id->account))
			return true;
	return false;
}

static bool exposed(const struct run *r)
{
	return (r->probe.service[0] && r->probe.service[0]->exposed) ||
	       (r->probe.service[1] && r->probe.service[1]->exposed);
}

static void ways_of(struct run *r, ifx_str principal)
{
	struct ifx_identity id;
	bool known;

	r->principal = principal;
	r->n_ways = 0;
	r->skip = false;
	if (!principal.ptr) {
		add_way(r, IFX_MODE_NONE, IFX_MODE_NONE, false, IFX_SHUTS);
		return;
	}
	if (!ifx_identity_parse(&id, principal))
		return;
	known = add_known(r, &id);
	/* What a waypoint may do is what it lets others do; it does not call by itself. */
	r->skip = !known &&
		  (is_waypoint(r->probe.mesh[0], &id) || is_waypoint(r->probe.mesh[1], &id));
	add_way(r, IFX_MODE_AMBIENT, IFX_MODE_AMBIENT, false, known ? 0 : IFX_P1);
	add_way(r, IFX_MODE_SIDECAR, IFX_MODE_SIDECAR, false, known ? 0 : IFX_SHUTS);
	add_way(r, IFX_MODE_GATEWAY, IFX_MODE_GATEWAY, false, !known && exposed(r) ? IFX_P1 : 0);
}

/* --- what changes ---------------------------------------------------------------------------- */

static bool same_ground(const struct ifx_decision *a, const struct ifx_decision *b)
{
	return a->allowed == b->allowed && a->basis == b->basis && a->point == b->point &&
	       a->policy == b->policy && a->rule == b->rule && a->n_providers == b->n_providers &&
	       a->audited == b->audited;
}

static ifx_str keep(struct run *r, ifx_str text)
{
	ifx_str copy = text.ptr ? ifx_arena_copy(r->arena, text) : text;

	r->failed |= text.ptr && !copy.ptr;
	return copy;
}

static struct ifx_labels keep_labels(struct run *r, struct ifx_labels labels)
{
	struct ifx_label *list = ifx_arena_alloc(r->arena, labels.n * sizeof(*list));

	r->failed |= !list;
	for (size_t i = 0; list && i < labels.n; i++)
		list[i] = (struct ifx_label){ keep(r, labels.list[i].key),
					      keep(r, labels.list[i].value) };
	return (struct ifx_labels){ list, list ? labels.n : 0 };
}

/* The texts of a request end with the search. */
static void keep_request(struct run *r, struct ifx_request *out, const struct ifx_request *request)
{
	*out = *request;
	out->principal = keep(r, request->principal);
	out->source_ip = keep(r, request->source_ip);
	out->remote_ip = keep(r, request->remote_ip);
	out->destination_ip = keep(r, request->destination_ip);
	out->service_ip = keep(r, request->service_ip);
	out->host = keep(r, request->host);
	out->method = keep(r, request->method);
	out->path = keep(r, request->path);
	out->sni = keep(r, request->sni);
	out->headers = keep_labels(r, request->headers);
	out->claims = keep_labels(r, request->claims);
	out->attributes = keep_labels(r, request->attributes);
}

static bool same_caller(ifx_str a, ifx_str b)
{
	return !a.ptr == !b.ptr && ifx_str_eq(a, b);
}

static struct ifx_evidence_row *new_row(struct run *r)
{
	struct ifx_evidence_row *row = ifx_arena_alloc(r->arena, sizeof(*row));

	if (!row)
		return NULL;
	*row = (struct ifx_evidence_row){ .service = r->probe.service[1],
					  .workload = r->probe.workload[1] };
	*r->link = row;
	r->link = &row->next;
	r->out->n_rows++;
	if (!r->first)
		r->first = row;
	return row;
}

static void count(struct ifx_evidence *out, const struct ifx_evidence_row *row)
{
	for (size_t i = 0; i < 3; i++)
		out->broken[i] += (row->breaks >> i) & 1;
	out->shuts += (row->breaks & IFX_SHUTS) != 0;
	if (!out->counter_example && row->breaks & (IFX_P1 | IFX_P2 | IFX_P3))
		out->counter_example = row;
}

/* Add the call to the row that it is like, or begin one. */
static ifx_status record(struct run *r, const struct way *w, const struct ifx_request *request,
			 const struct ifx_decision d[2], unsigned breaks)
{
	struct ifx_evidence_row *row = r->first;

	for (; row; row = row->next) {
		if (row->caller_before == w->before && row->caller_after == w->after &&
		    row->breaks == breaks && row->known == w->known && !row->new_allow &&
		    same_caller(row->request.principal, request->principal) &&
		    same_ground(&row->before, &d[0]) && same_ground(&row->after, &d[1])) {
			row->n++;
			return IFX_OK;
		}
	}
	row = new_row(r);
	if (!row)
		return IFX_ENOMEM;
	row->caller_before = w->before;
	row->caller_after = w->after;
	row->known = w->known;
	keep_request(r, &row->request, request);
	row->before = d[0];
	row->after = d[1];
	row->breaks = breaks;
	row->n = 1;
	count(r->out, row);
	return r->failed ? IFX_ENOMEM : IFX_OK;
}

static void call(struct run *r, size_t i, ifx_mode caller, const struct ifx_request *request,
		 struct ifx_decision *out)
{
	struct ifx_call c = { .caller = caller,
			      .service = r->probe.service[i],
			      .workload = r->probe.workload[i],
			      .request = *request };

	ifx_model_call(out, r->probe.mesh[i], &c);
	r->out->n_calls++;
}

/* Decisions about one request, by the caller's mode. */
struct answers {
	struct ifx_decision of[2][MODES];
	bool known[2][MODES];
};

static const struct ifx_decision *answer(struct run *r, struct answers *a, size_t i, ifx_mode mode,
					 const struct ifx_request *request)
{
	if (!a->known[i][mode])
		call(r, i, mode, request, &a->of[i][mode]);
	a->known[i][mode] = true;
	return &a->of[i][mode];
}

/*
 * What a pair of decisions breaks. A caller that changes its own mode as well may get what either
 * mode got before: who was shut out with a sidecar, because the Service went first, comes back.
 */
static unsigned compare(struct run *r, struct answers *a, const struct way *w,
			const struct ifx_request *request)
{
	const struct ifx_decision *after = answer(r, a, 1, w->after, request);
	const struct ifx_decision *before = answer(r, a, 0, w->before, request);
	const struct ifx_decision *alike = answer(r, a, 0, w->after, request);
	bool through = r->probe.service[1] || r->only_way;
	unsigned breaks = 0;

	if (ifx_decision_looser(before, after) && ifx_decision_looser(alike, after))
		breaks |= IFX_P2;
	if (!through)
		return breaks;
	if (w->checks & IFX_P1 && !ifx_decision_same(before, after) &&
	    !ifx_decision_same(alike, after))
		breaks |= IFX_P1;
	if (w->checks & IFX_SHUTS && before->allowed && !after->allowed)
		breaks |= IFX_SHUTS;
	return breaks;
}

static ifx_status on_request(void *data, const struct ifx_request *request)
{
	struct run *r = data;
	struct answers a = { 0 };
	bool through = r->probe.service[1] || r->only_way;
	ifx_status st = IFX_OK;

	r->out->n_requests++;
	if (!r->n_ways || r->principal.ptr != request->principal.ptr)
		ways_of(r, request->principal);
	for (size_t i = 0; st == IFX_OK && !r->skip && i < r->n_ways; i++) {
		const struct way *w = &r->ways[i];
		unsigned breaks = compare(r, &a, w, request);
		const struct ifx_decision pair[] = { a.of[0][w->before], a.of[1][w->after] };

		if (breaks || (through && w->checks & IFX_P1))
			st = record(r, w, request, pair, breaks);
	}
	return st;
}

/* --- P3 -------------------------------------------------------------------------------------- */

/* The first ALLOW policy that a workload meets, at its own proxy or a waypoint. */
static const struct ifx_authz *first_allow(const struct ifx_mesh *mesh,
					   const struct ifx_workload *w,
					   const struct ifx_service *service)
{
	struct ifx_call c = { .caller = IFX_MODE_AMBIENT, .service = service, .workload = w };
	const struct ifx_waypoint *p = ifx_model_waypoint_of(&c);
	ifx_str namespaces[] = { mesh->root_namespace, w->namespace, p ? p->namespace : IFX_NONE };

	for (size_t i = 0; i < 3; i++) {
		struct ifx_slice s = ifx_mesh_authz_of(mesh, namespaces[i]);

		for (size_t k = s.first; namespaces[i].ptr && k < s.first + s.n; k++) {
			const struct ifx_authz *a = &mesh->authz[k];

			if (a->action == IFX_ALLOW && !a->dry_run &&
			    (ifx_scope_selects(mesh, &a->scope, w) ||
			     (p && ifx_scope_targets(mesh, &a->scope, p, service))))
				return a;
		}
	}
	return NULL;
}

static ifx_status check_allow(struct run *r)
{
	const struct ifx_probe *p = &r->probe;
	const struct ifx_authz *new_allow = NULL;
	struct ifx_evidence_row *row;

	if (!first_allow(p->mesh[0], p->workload[0], p->service[0]))
		new_allow = first_allow(p->mesh[1], p->workload[1], p->service[1]);
	if (!new_allow)
		return IFX_OK;
	row = new_row(r);
	if (!row)
		return IFX_ENOMEM;
	row->new_allow = new_allow;
	row->breaks = IFX_P3;
	count(r->out, row);
	return IFX_OK;
}

/* --- workloads and Services ------------------------------------------------------------------ */

static ifx_status run_probe(struct run *r, size_t limit)
{
	struct ifx_arena scratch;
	bool sampled = false;
	ifx_status st;

	ifx_arena_init(&scratch, IFX_EVIDENCE_MEMORY);
	r->first = NULL;
	r->n_ways = 0;
	r->probe.limit = limit;
	st = check_allow(r);
	if (st == IFX_OK)
		st = ifx_requests_each(&r->probe, &scratch, on_request, r, &sampled);
	ifx_arena_release(&scratch);
	if (sampled && !r->out->n_sampled++)
		r->out->first_sampled = r->probe.workload[1];
	return st;
}

static ifx_status run_workload(struct run *r, size_t limit)
{
	const struct ifx_mesh *before = r->probe.mesh[0], *after = r->probe.mesh[1];
	const struct ifx_workload *w = r->probe.workload[1];
	struct ifx_slice s = ifx_mesh_services_of(after, w->namespace);
	size_t services = 0;
	ifx_status st = IFX_OK;

	r->out->n_workloads++;
	for (size_t i = s.first; st == IFX_OK && i < s.first + s.n; i++) {
		const struct ifx_service *v = &after->services[i];
		const struct ifx_service *old = ifx_mesh_service(before, v->namespace, v->name);

		/* A Service that is new had no callers. */
		if (!ifx_service_selects(v, w) || !old ||
		    !ifx_service_selects(old, r->probe.workload[0]))
			continue;
		services++;
		r->probe.service[0] = old;
		r->probe.service[1] = v;
		r->only_way = false;
		st = run_probe(r, limit);
	}
	r->out->n_services += services;
	r->probe.service[0] = r->probe.service[1] = NULL;
	r->only_way = !services;
	return st == IFX_OK ? run_probe(r, limit) : st;
}

static bool wanted(const struct ifx_evidence_options *options, ifx_str namespace)
{
	for (size_t i = 0; i < options->namespaces.n; i++)
		if (ifx_str_eq(options->namespaces.list[i], namespace))
			return true;
	return !options->namespaces.n;
}

ifx_status ifx_evidence_find(struct ifx_evidence *out, const struct ifx_mesh *before,
			     const struct ifx_mesh *after,
			     const struct ifx_evidence_options *options, struct ifx_arena *arena)
{
	static const struct ifx_evidence_options none;
	struct run r = { .out = out, .arena = arena, .probe = { .mesh = { before, after } } };
	ifx_status st = IFX_OK;
	size_t limit;

	options = options ? options : &none;
	limit = options->limit ? options->limit : IFX_EVIDENCE_REQUESTS;
	*out = (struct ifx_evidence){ 0 };
	r.link = &out->rows;
	for (size_t i = 0; st == IFX_OK && i < after->n_workloads; i++) {
		const struct ifx_workload *w = &after->workloads[i];
		const struct ifx_workload *old =
			ifx_mesh_workload(before, w->namespace, w->kind, w->name);

		if (!old || w->mode == IFX_MODE_GATEWAY || !wanted(options, w->namespace))
			continue;
		r.probe.workload[0] = old;
		r.probe.workload[1] = w;
		st = run_workload(&r, limit);
	}
	return st;
}
