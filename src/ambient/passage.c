#include "ambient/passage.h"

#include "ambient/exposed.h"
#include "ambient/layer.h"
#include "ambient/pods.h"
#include "ambient/route.h"
#include "ambient/service.h"
#include "base/alloc.h"

#include <stdlib.h>

static const char *const phase_names[IFX_STEPS] = { "prepare", "routes",  "bind",
						    "enroll",  "cleanup", "cutover" };

const char *ifx_step_name(ifx_step phase)
{
	return phase_names[phase];
}

bool ifx_step_named(ifx_step *phase, ifx_str name)
{
	for (int i = 0; i < IFX_STEPS; i++)
		if (ifx_str_eq(name, ifx_str_of(phase_names[i]))) {
			*phase = (ifx_step)i;
			return true;
		}
	return false;
}

/* Of the same things said of one object the first is kept. */
static void say(struct ifx_passage *m, struct ifx_holds *list, struct ifx_hold said,
		const char *fmt, va_list ap)
{
	struct ifx_hold *hold = ifx_arena_alloc(&m->changes->arena, sizeof(*hold));
	struct ifx_buf text;

	ifx_buf_init(&text, 1 << 16);
	ifx_buf_vaddf(&text, fmt, ap);
	if (hold)
		*hold = said;
	if (hold)
		hold->text = ifx_arena_copy(&m->changes->arena, ifx_buf_str(&text));
	ifx_buf_release(&text);
	if (!hold || !hold->text.ptr) {
		m->failed = true;
		return;
	}
	for (const struct ifx_hold *h = list->first; h; h = h->next)
		if (!h->mute && h->o == hold->o && ifx_str_eq(h->text, hold->text))
			return;
	*(list->last ? &list->last->next : &list->first) = hold;
	list->last = hold;
}

void ifx_passage_hold(struct ifx_passage *m, const char *id, const struct ifx_object *o,
		      const struct ifx_node *at, const char *fmt, ...)
{
	va_list ap;

	m->held = true;
	va_start(ap, fmt);
	say(m, &m->holds, (struct ifx_hold){ .id = id, .o = o, .at = at }, fmt, ap);
	va_end(ap);
}

void ifx_passage_note(struct ifx_passage *m, const struct ifx_object *o, const struct ifx_node *at,
		      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(m, &m->notes, (struct ifx_hold){ .id = "note", .o = o, .at = at }, fmt, ap);
	va_end(ap);
}

/* ---- labels ---- */

static int by_key(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_label *)a)->key, ((const struct ifx_label *)b)->key);
}

static struct ifx_labels labels_of(struct ifx_passage *m, struct ifx_pairs pairs)
{
	struct ifx_label *list = ifx_arena_alloc(&m->changes->arena, pairs.n * sizeof(*list));

	if (!list) {
		m->failed = true;
		return (struct ifx_labels){ 0 };
	}
	for (size_t i = 0; i < pairs.n; i++)
		list[i] = (struct ifx_label){ pairs.items[i].key, pairs.items[i].value };
	if (pairs.n)
		qsort(list, pairs.n, sizeof(*list), by_key);
	return (struct ifx_labels){ list, pairs.n };
}

/* Is this one of those whose traffic changes? Gateways and host network pods keep theirs. */
static bool is_migrated(const struct ifx_pods *pods)
{
	return !pods->gateway && !pods->host_network;
}

static void read_pods(struct ifx_passage *m)
{
	size_t n = 0;

	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			n++;
	m->pods = ifx_arena_alloc(&m->changes->arena, n * sizeof(*m->pods));
	if (!m->pods) {
		m->failed = true;
		return;
	}
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			if (is_migrated(p))
				m->pods[m->n_pods++] = labels_of(m, p->labels);
}

/* ---- Services ---- */

static bool leads_to_gateway(const struct ifx_passage *m, const struct ifx_svc *svc)
{
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			if (p->gateway && ifx_svc_selects(svc, p))
				return true;
	return false;
}

static void read_fronts(struct ifx_passage *m)
{
	const struct ifx_objects *services = &m->ns->objects[IFX_SERVICE];

	m->fronts = ifx_arena_alloc(&m->changes->arena, services->n * sizeof(*m->fronts));
	if (!m->fronts) {
		m->failed = true;
		return;
	}
	for (const struct ifx_object *o = services->first; o; o = o->next) {
		struct ifx_front *f = &m->fronts[m->n_fronts];
		ifx_str label = ifx_get_text(ifx_get(o->r->metadata, IFX_LIT("labels")),
					     IFX_LIT("istio.io/use-waypoint"));

		if (!o->service || !o->service->selector.n || o->service->external_name ||
		    leads_to_gateway(m, o->service))
			continue;
		*f = (struct ifx_front){ .o = o,
					 .svc = o->service,
					 .selector = labels_of(m, o->service->selector),
					 .labelled = label.len > 0 &&
						     !ifx_str_eq(label, IFX_LIT("none")),
					 .exposed = ifx_is_exposed(m->options->exposed, o) };
		f->bound = f->labelled;
		m->n_fronts++;
	}
}

/* ---- policies ---- */

static bool only(struct ifx_strs strs, ifx_str text)
{
	for (size_t i = 0; i < strs.n; i++)
		if (!ifx_str_eq(strs.list[i], text))
			return false;
	return strs.n > 0;
}

/* Is it about the waypoint's identity and nothing else? Then it is one of ours. */
static bool is_ours(const struct ifx_passage *m, const struct ifx_authz *authz)
{
	for (size_t i = 0; i < authz->n_rules; i++) {
		const struct ifx_authz_rule *rule = &authz->rules[i];

		if (rule->n_to || rule->n_when || rule->n_from != 1 || rule->from[0].n != 1)
			return false;
		const struct ifx_match *match = &rule->from[0].matches[0];

		if (match->attr != IFX_ATTR_PRINCIPAL ||
		    !(authz->action == IFX_ALLOW
			      ? only(match->values, m->principal) && !match->not_values.n
			      : only(match->not_values, m->principal) && !match->values.n))
			return false;
	}
	return authz->n_rules > 0 && (authz->action == IFX_ALLOW || authz->action == IFX_DENY);
}

static bool selects_gateway(const struct ifx_passage *m, const struct ifx_scope *scope)
{
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next) {
			bool all = true;

			for (size_t i = 0; i < scope->selector.n; i++)
				all &= ifx_str_eq(
					ifx_pair_value(p->labels, scope->selector.list[i].key),
					scope->selector.list[i].value);
			if (p->gateway && all)
				return true;
		}
	return false;
}

/* Gateways are also known by the resources that select them. */
static bool is_for_gateways(const struct ifx_passage *m, const struct ifx_scope *scope)
{
	for (const struct ifx_object *g = m->ns->objects[IFX_ISTIO_GATEWAY].first; g; g = g->next) {
		const struct ifx_node *map = ifx_get(ifx_object_spec(g), IFX_LIT("selector"));
		bool all = ifx_is(map, IFX_MAP) && map->n > 0;

		for (const struct ifx_entry *e = all ? map->first : NULL; e; e = e->next)
			all &= ifx_str_eq(ifx_labels_get(scope->selector, ifx_text(e->key)),
					  ifx_text(e->value));
		if (all)
			return true;
	}
	return selects_gateway(m, scope);
}

static void add_target(struct ifx_passage *m, struct ifx_stance *s, size_t front)
{
	if (!s->fronts)
		s->fronts = ifx_arena_alloc(&m->changes->arena, m->n_fronts * sizeof(*s->fronts));
	if (s->fronts)
		s->fronts[s->n_fronts++] = front;
	else
		m->failed = true;
}

static bool is_moved(const struct ifx_stance *s)
{
	return s->l7 && !s->ours && !s->gateways;
}

/* The Services whose pods a policy is for (AMBIENT 4.3). */
static void find_targets(struct ifx_passage *m, struct ifx_stance *s)
{
	for (size_t i = 0; i < m->n_fronts; i++) {
		ifx_cover cover =
			s->wide ? IFX_COVER_FULL
				: ifx_labels_cover(s->scope.selector, m->fronts[i].selector,
						   m->pods, m->n_pods);

		if (cover == IFX_COVER_FULL) {
			add_target(m, s, i);
		} else if (cover != IFX_COVER_NONE && (is_moved(s) || m->fronts[i].bound)) {
			ifx_passage_hold(
				m, "S28", s->o, s->scope.at,
				cover == IFX_COVER_PARTIAL
					? "it selects only some of the pods behind Service '%.*s'; "
					  "make a Service for each group of pods"
					: "no pod template in the tree shows whether it selects the "
					  "pods behind Service '%.*s'",
				IFX_ARG(m->fronts[i].o->r->name));
		}
	}
	if (is_moved(s) && !s->n_fronts && !m->held && !s->wide && !s->root)
		ifx_passage_hold(m, "S28", s->o, s->scope.at,
				 "no Service leads to the pods it selects, so that no waypoint "
				 "could enforce it; make a Service, or a waypoint for workloads");
}

static const struct ifx_object *find_copy(const struct ifx_passage *m, const struct ifx_object *o)
{
	ifx_str name = ifx_arena_printf(&m->changes->arena, "%.*s-waypoint", IFX_ARG(o->r->name));
	const struct ifx_object *copy = name.ptr ? ifx_object_named(m->ns, o->kind, name) : NULL;
	const struct ifx_node *refs =
		copy ? ifx_get(ifx_object_spec(copy), IFX_LIT("targetRefs")) : NULL;

	return refs ? copy : NULL;
}

static bool read_stance(struct ifx_passage *m, struct ifx_stance *s, const struct ifx_object *o,
			bool root)
{
	struct ifx_arena *arena = &m->changes->arena;
	struct ifx_request_authn authn;
	ifx_status st = IFX_OK;

	*s = (struct ifx_stance){ .o = o, .root = root, .l7 = true };
	if (o->kind == IFX_AUTHORIZATION_POLICY) {
		st = ifx_authz_read(&s->authz, o->r->node, o->namespace->name, arena);
		s->scope = s->authz.scope;
	} else {
		/* What selects is the same in all kinds. */
		st = ifx_request_authn_read(&authn, o->r->node, o->namespace->name, arena);
		s->scope = authn.scope;
		if (o->kind != IFX_REQUEST_AUTHENTICATION)
			s->scope.flaw = IFX_NONE;
	}
	if (st != IFX_OK) {
		m->failed = true;
		return false;
	}
	if (s->scope.n_targets || ifx_get(ifx_object_spec(o), IFX_LIT("targetRefs")) ||
	    ifx_get(ifx_object_spec(o), IFX_LIT("targetRef")))
		return false;
	s->wide = !s->scope.has_selector;
	if (root && !s->wide)
		return false;
	s->gateways = !s->wide && is_for_gateways(m, &s->scope);
	if (s->gateways)
		return false;
	if (o->kind == IFX_AUTHORIZATION_POLICY) {
		s->ours = is_ours(m, &s->authz);
		s->l7 = !s->ours && !ifx_authz_is_l4(&s->authz, NULL);
	}
	s->copy = find_copy(m, o);
	return true;
}

static const ifx_object_kind policy_kinds[] = { IFX_REQUEST_AUTHENTICATION,
						IFX_AUTHORIZATION_POLICY, IFX_WASM_PLUGIN,
						IFX_TELEMETRY };
enum { N_POLICY_KINDS = sizeof(policy_kinds) / sizeof(*policy_kinds) };

/* Telemetry without a selector is read for waypoints, too. */
static bool counts(const struct ifx_object *o)
{
	return o->kind != IFX_TELEMETRY || ifx_get(ifx_object_spec(o), IFX_LIT("selector"));
}

static void read_stances(struct ifx_passage *m)
{
	const struct ifx_namespace *root =
		ifx_estate_namespace(m->ns->environment, ifx_root_namespace(m->ns->environment));
	size_t n = 0;

	for (size_t k = 0; k < N_POLICY_KINDS; k++)
		n += m->ns->objects[policy_kinds[k]].n +
		     (root ? root->objects[policy_kinds[k]].n : 0);
	m->stances = ifx_arena_alloc(&m->changes->arena, n * sizeof(*m->stances));
	if (!m->stances) {
		m->failed = true;
		return;
	}
	for (size_t k = 0; k < N_POLICY_KINDS; k++)
		for (const struct ifx_object *o = m->ns->objects[policy_kinds[k]].first; o;
		     o = o->next)
			if (counts(o) && read_stance(m, &m->stances[m->n_stances], o, false))
				m->n_stances++;
	for (size_t k = 0; root && root != m->ns && k < N_POLICY_KINDS; k++)
		for (const struct ifx_object *o = root->objects[policy_kinds[k]].first; o;
		     o = o->next)
			if (counts(o) && policy_kinds[k] != IFX_TELEMETRY &&
			    read_stance(m, &m->stances[m->n_stances], o, true))
				m->n_stances++;
}

/* ---- what needs a waypoint ---- */

static void need(struct ifx_passage *m, const struct ifx_object *service)
{
	for (size_t i = 0; service && i < m->n_fronts; i++)
		if (m->fronts[i].o == service)
			m->fronts[i].needed = m->fronts[i].bound = true;
}

static void need_host(struct ifx_passage *m, const struct ifx_node *host, bool destination)
{
	const struct ifx_object *service = NULL;

	if (ifx_is(host, IFX_SCALAR))
		service = ifx_svc_of_host(m->ns->environment, m->ns->name, ifx_text(host));
	if (service && !(destination && ifx_is_subset(service)))
		need(m, service);
}

/* Mesh-bound: without `gateways`, or with `mesh` among them. */
static bool is_mesh_bound(const struct ifx_node *spec)
{
	const struct ifx_node *list = ifx_get(spec, IFX_LIT("gateways"));

	if (!ifx_is(list, IFX_SEQ) || !list->n)
		return true;
	for (const struct ifx_entry *e = list->first; e; e = e->next)
		if (ifx_str_eq(ifx_text(e->value), IFX_LIT("mesh")))
			return true;
	return false;
}

static bool has_traffic_policy(const struct ifx_node *spec)
{
	const struct ifx_node *subsets = ifx_get(spec, IFX_LIT("subsets"));

	if (ifx_get(spec, IFX_LIT("trafficPolicy")))
		return true;
	for (const struct ifx_entry *e = ifx_is(subsets, IFX_SEQ) ? subsets->first : NULL; e;
	     e = e->next)
		if (ifx_get(ifx_deref(e->value), IFX_LIT("trafficPolicy")))
			return true;
	return false;
}

static void read_routes(struct ifx_passage *m)
{
	static const ifx_object_kind routes[] = { IFX_HTTP_ROUTE, IFX_GRPC_ROUTE, IFX_TCP_ROUTE,
						  IFX_TLS_ROUTE };

	for (const struct ifx_object *o = m->ns->objects[IFX_VIRTUAL_SERVICE].first; o;
	     o = o->next) {
		const struct ifx_node *hosts = ifx_get(ifx_object_spec(o), IFX_LIT("hosts"));

		if (is_mesh_bound(ifx_object_spec(o)) && ifx_is(hosts, IFX_SEQ))
			for (const struct ifx_entry *e = hosts->first; e; e = e->next)
				need_host(m, ifx_deref(e->value), false);
	}
	for (const struct ifx_object *o = m->ns->objects[IFX_DESTINATION_RULE].first; o;
	     o = o->next)
		if (has_traffic_policy(ifx_object_spec(o)))
			need_host(m, ifx_get(ifx_object_spec(o), IFX_LIT("host")), true);
	for (size_t k = 0; k < sizeof(routes) / sizeof(*routes); k++)
		for (const struct ifx_object *o = m->ns->objects[routes[k]].first; o; o = o->next) {
			const struct ifx_node *refs =
				ifx_get(ifx_object_spec(o), IFX_LIT("parentRefs"));

			if (!ifx_is(refs, IFX_SEQ))
				continue;
			for (const struct ifx_entry *e = refs->first; e; e = e->next)
				if (ifx_str_eq(ifx_get_text(ifx_deref(e->value), IFX_LIT("kind")),
					       IFX_LIT("Service")) &&
				    !ifx_get(ifx_deref(e->value), IFX_LIT("namespace")))
					need_host(m, ifx_get(ifx_deref(e->value), IFX_LIT("name")),
						  false);
		}
}

/* Telemetry alone is no reason for a waypoint. */
static bool is_reason(const struct ifx_stance *s)
{
	return is_moved(s) && s->o->kind != IFX_TELEMETRY;
}

static void read_needs(struct ifx_passage *m)
{
	read_routes(m);
	for (size_t i = 0; i < m->n_stances; i++) {
		struct ifx_stance *s = &m->stances[i];

		if (!is_reason(s))
			continue;
		find_targets(m, s);
		for (size_t k = 0; k < s->n_fronts; k++)
			m->fronts[s->fronts[k]].needed = m->fronts[s->fronts[k]].bound = true;
	}
	if (m->options->bind_namespace || m->ns->use_waypoint.value.len)
		for (size_t i = 0; i < m->n_fronts; i++)
			m->fronts[i].bound = true;
	/* Only now it is known which Services the others meet behind a waypoint. */
	for (size_t i = 0; i < m->n_stances; i++)
		if (!is_reason(&m->stances[i]))
			find_targets(m, &m->stances[i]);
}

/* ---- the waypoint ---- */

static void find_waypoint(struct ifx_passage *m)
{
	const struct ifx_passage_options *o = m->options;
	const struct ifx_namespace *ns = m->ns;
	ifx_str account = IFX_NONE;

	m->waypoint = o->waypoint.len ? o->waypoint : IFX_LIT("waypoint");
	m->waypoint_namespace = o->waypoint_namespace.len ? o->waypoint_namespace : ns->name;
	if (!ifx_str_eq(m->waypoint_namespace, ns->name))
		ns = ifx_estate_namespace(ns->environment, m->waypoint_namespace);
	if (ns)
		m->gateway = ifx_object_named(ns, IFX_GATEWAY, m->waypoint);
	if (m->gateway)
		account = ifx_get_text(ifx_get(m->gateway->r->metadata, IFX_LIT("annotations")),
				       IFX_LIT("gateway.istio.io/service-account"));
	m->principal = ifx_arena_printf(&m->changes->arena, "%.*s/ns/%.*s/sa/%.*s",
					IFX_ARG(ifx_trust_domain(m->ns->environment)),
					IFX_ARG(m->waypoint_namespace),
					IFX_ARG(account.len ? account : m->waypoint));
	if (!m->principal.ptr)
		m->failed = true;
}

static void check_waypoint(struct ifx_passage *m)
{
	bool foreign = !ifx_str_eq(m->waypoint_namespace, m->ns->name), bound = false;

	for (size_t i = 0; i < m->n_fronts; i++)
		bound |= m->fronts[i].bound;
	if (!bound)
		return;
	if (m->gateway &&
	    !ifx_str_eq(ifx_get_text(ifx_object_spec(m->gateway), IFX_LIT("gatewayClassName")),
			IFX_LIT("istio-waypoint")))
		ifx_passage_hold(m, "W35", m->gateway, NULL,
				 "a Gateway '%.*s' of another class is there; choose another name "
				 "with --waypoint",
				 IFX_ARG(m->waypoint));
	else if (!m->gateway && foreign)
		ifx_passage_hold(m, "W35", NULL, NULL,
				 "there is no Gateway '%.*s' in namespace '%.*s'",
				 IFX_ARG(m->waypoint), IFX_ARG(m->waypoint_namespace));
	else if (!m->gateway && (ifx_object_named(m->ns, IFX_SERVICE, m->waypoint) ||
				 ifx_object_named(m->ns, IFX_SERVICE_ACCOUNT, m->waypoint)))
		ifx_passage_hold(m, "W35", NULL, NULL,
				 "the name '%.*s' is taken by a Service or ServiceAccount; choose "
				 "another one with --waypoint",
				 IFX_ARG(m->waypoint));
}

/* kustomize changes names in references that it knows, and targetRefs are none of them. */
static void check_names(struct ifx_passage *m)
{
	static const char *const keys[] = { "namePrefix", "nameSuffix" };

	for (size_t i = 0; i < m->n_fronts; i++) {
		if (!m->fronts[i].bound)
			continue;
		for (const struct ifx_way *way = m->fronts[i].o->way; way; way = way->outer) {
			const struct ifx_object *k = ifx_estate_kustomization(m->estate, way->by);

			for (size_t x = 0; k && x < 2; x++) {
				const struct ifx_node *node =
					ifx_get(k->r->node, ifx_str_of(keys[x]));

				if (node && ifx_text(node).len)
					ifx_passage_hold(
						m, "edit", k, node,
						"%s changes the names of Services, but not "
						"where a policy for a waypoint names them",
						keys[x]);
			}
		}
	}
}

static void check_stances(struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->scope.flaw.ptr)
			ifx_passage_hold(m, "S28", s->o, s->scope.flaw_at,
					 "it cannot be reasoned about: %.*s",
					 IFX_ARG(s->scope.flaw));
	}
}

void ifx_passage_init(struct ifx_passage *m, struct ifx_estate *estate, struct ifx_namespace *ns,
		      const struct ifx_passage_options *options, struct ifx_changes *changes)
{
	*m = (struct ifx_passage){
		.estate = estate, .ns = ns, .options = options, .changes = changes
	};
	m->skipped = ns->reserved;
	if (m->skipped)
		return;
	find_waypoint(m);
	read_pods(m);
	if (!m->failed)
		read_fronts(m);
	if (!m->failed)
		read_stances(m);
	if (!m->failed)
		read_needs(m);
	if (m->failed)
		return;
	check_waypoint(m);
	check_names(m);
	check_stances(m);
}

/* ---- phases ---- */

/* Is the namespace in ambient mode, by its own label or by those of its pods? */
static bool is_enrolled(const struct ifx_namespace *ns)
{
	if (ns->state == IFX_STATE_AMBIENT)
		return true;
	if (ns->state != IFX_STATE_OUT)
		return false;
	for (const struct ifx_object *o = ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			if (ifx_str_eq(p->mode, IFX_LIT("ambient")))
				return true;
	return false;
}

/* What a phase before this one still wishes. */
static size_t count_left(struct ifx_passage *m, ifx_step phase)
{
	m->probing = true;
	m->phase = phase;
	m->n_probed = 0;
	if (phase == IFX_STEP_PREPARE)
		ifx_phase_prepare(m);
	else
		ifx_phase_bind(m);
	m->probing = false;
	return m->n_probed;
}

static bool is_ready(struct ifx_passage *m, ifx_step phase)
{
	for (int before = IFX_STEP_PREPARE; before < (int)phase && before <= IFX_STEP_BIND;
	     before++) {
		size_t left = before == IFX_STEP_ROUTES ? 0 : count_left(m, (ifx_step)before);

		if (!left)
			continue;
		ifx_passage_hold(m, "skip", NULL, NULL,
				 "%s comes before %s and is not done: %zu change%s missing, the "
				 "first is to %.*s",
				 phase_names[before], phase_names[phase], left,
				 left == 1 ? " is" : "s are", IFX_ARG(m->probed));
		return false;
	}
	return true;
}

void ifx_passage_wish(struct ifx_passage *m, ifx_step phase)
{
	bool sidecars = ifx_has_sidecars(m->ns), enrolled = is_enrolled(m->ns);

	if (m->failed || m->skipped)
		return;
	if (phase == IFX_STEP_CLEANUP ? !sidecars && !enrolled : !sidecars) {
		m->skipped = true;
		return;
	}
	if (m->held)
		return;
	if (phase == IFX_STEP_CLEANUP && sidecars) {
		ifx_passage_hold(m, "skip", NULL, NULL,
				 "enroll comes before cleanup and is not done");
		return;
	}
	if (phase < IFX_STEP_CLEANUP && !is_ready(m, phase))
		return;
	m->phase = phase;
	if (phase == IFX_STEP_PREPARE)
		ifx_phase_prepare(m);
	else if (phase == IFX_STEP_ROUTES)
		ifx_phase_routes(m);
	else if (phase == IFX_STEP_BIND)
		ifx_phase_bind(m);
	else if (phase == IFX_STEP_ENROLL)
		ifx_phase_enroll(m);
	else if (phase == IFX_STEP_CLEANUP)
		ifx_phase_cleanup(m);
	else
		ifx_phase_cutover(m);
}

void ifx_passage_want(struct ifx_passage *m, struct ifx_wish wish)
{
	wish.by = m;
	if (!wish.what.ptr) {
		m->failed = true;
	} else if (m->probing) {
		if (!m->n_probed++)
			m->probed = wish.what;
	} else {
		ifx_wish(m->changes, &wish);
	}
}
