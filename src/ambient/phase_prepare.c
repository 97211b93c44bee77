/*
 * Prepare only adds: the waypoint and the policies for it, which sidecars ignore; labels that keep
 * pods out which are out; ports that have to stay open. Traffic goes as before.
 */
#include "ambient/exception.h"
#include "ambient/wish.h"

#include "rule/injection.h"

/* ---- policies for the waypoint ---- */

/* What copies stand for: the Services of a policy that are bound, without those that need none. */
static size_t bound_fronts(const struct ifx_passage *m, const struct ifx_stance *s, size_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_fronts; i++)
		if (m->fronts[s->fronts[i]].bound)
			out[n++] = s->fronts[i];
	return n;
}

static bool denies_all(const struct ifx_stance *s)
{
	return ifx_is_authz(s, IFX_ALLOW) && !s->authz.n_rules;
}

/* Has the Service another ALLOW policy at the waypoint? Then it denies by default there as well. */
static bool has_other_allow(const struct ifx_passage *m, const struct ifx_stance *s,
			    const struct ifx_front *f)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *o = &m->stances[i];

		if (o != s && ifx_is_authz(o, IFX_ALLOW) && ifx_is_for(m, o, f) &&
		    (!denies_all(o) || o < s))
			return true;
	}
	return false;
}

/* Services for which a policy that stays at the pods needs a copy at the waypoint. */
static size_t l4_fronts(const struct ifx_passage *m, const struct ifx_stance *s, size_t *out)
{
	size_t n = bound_fronts(m, s, out), kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!denies_all(s) || !has_other_allow(m, s, &m->fronts[out[i]]))
			out[kept++] = out[i];
	return kept;
}

/* New documents behind the old one, or where `beside` says. */
static void add_copies(struct ifx_passage *m, const struct ifx_stance *s, const size_t *fronts,
		       size_t n, ifx_str comment, const struct ifx_object *beside)
{
	bool own_file = beside != s->o || s->o->r->node->doc->json;

	for (const struct ifx_recast *r = ifx_recast(m, s, fronts, n); r; r = r->next) {
		ifx_str text = ifx_recast_text(m, s, r, comment), what, file;

		if (!text.ptr || !ifx_name_is_free(m, s->o->kind,
						   IFX_SAY(m, "%.*s%.*s", IFX_ARG(s->o->r->name),
							   IFX_ARG(r->suffix))))
			return;
		what = IFX_SAY(m, "add %.*s %.*s%.*s", IFX_ARG(ifx_object_kind_name(s->o)),
			       IFX_ARG(s->o->r->name), IFX_ARG(r->suffix));
		file = IFX_SAY(m, "%.*s%.*s.%s", IFX_ARG(s->o->r->name), IFX_ARG(r->suffix),
			       s->o->r->node->doc->json ? "json" : "yaml");
		if (own_file)
			ifx_wish_document(m, beside, file, text, what);
		else
			ifx_passage_want(m, (struct ifx_wish){ .verb = IFX_WISH_BEHIND,
							       .o = s->o,
							       .text = text,
							       .what = what });
	}
}

static const struct ifx_object *home_of(const struct ifx_passage *m, const struct ifx_stance *s,
					const size_t *fronts)
{
	return s->root ? m->fronts[fronts[0]].o : s->o;
}

static size_t *room_for_fronts(struct ifx_passage *m)
{
	size_t *list = ifx_arena_alloc(&m->changes->arena, m->n_fronts * sizeof(*list));

	m->failed |= !list;
	return list;
}

/* Policies that move: their copies are to come into force when the old ones end. */
static void copy_moved(struct ifx_passage *m)
{
	size_t *fronts = room_for_fronts(m), n;

	for (size_t i = 0; fronts && i < m->n_stances && !m->held; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (!s->l7 || s->ours || s->copy)
			continue;
		n = bound_fronts(m, s, fronts);
		if (n)
			add_copies(m, s, fronts, n, IFX_NONE, home_of(m, s, fronts));
	}
}

/* Does the policy get an exception for the waypoint? */
static bool has_exception(const struct ifx_passage *m, const struct ifx_stance *s)
{
	return ifx_is_authz(s, IFX_DENY) && ifx_needs_exception(m, s);
}

void ifx_prepare_l4_copies(struct ifx_passage *m, bool at_end)
{
	size_t *fronts = room_for_fronts(m), n;

	for (size_t i = 0; fronts && i < m->n_stances && !m->held; i++) {
		const struct ifx_stance *s = &m->stances[i];
		ifx_str comment;

		if (s->l7 || s->ours || s->copy)
			continue;
		n = l4_fronts(m, s, fronts);
		if (!n)
			continue;
		comment =
			IFX_SAY(m, "istio-fix: %.*s as the waypoint sees it; the policy %s %s",
				IFX_ARG(s->o->r->name), s->root ? "of the root namespace" : "above",
				has_exception(m, s) ? "now lets the waypoint itself through"
						    : "stays for connections that reach the pods "
						      "directly");
		if (!comment.ptr)
			m->failed = true;
		else if (!at_end)
			add_copies(m, s, fronts, n, comment, home_of(m, s, fronts));
		else
			for (const struct ifx_recast *r = ifx_recast(m, s, fronts, n); r;
			     r = r->next)
				ifx_wish_document(
					m, home_of(m, s, fronts),
					IFX_SAY(m, "%.*s%.*s.yaml", IFX_ARG(s->o->r->name),
						IFX_ARG(r->suffix)),
					ifx_recast_text(m, s, r, comment),
					IFX_SAY(m, "add AuthorizationPolicy %.*s%.*s",
						IFX_ARG(s->o->r->name), IFX_ARG(r->suffix)));
	}
}

/* ---- the waypoint ---- */

static bool any_bound(const struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_fronts; i++)
		if (m->fronts[i].bound)
			return true;
	return false;
}

/* The first thing that needs the waypoint. */
static const struct ifx_object *first_reason(const struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_stances; i++)
		if (m->stances[i].l7 && !m->stances[i].ours && !m->stances[i].root &&
		    m->stances[i].n_fronts)
			return m->stances[i].o;
	for (size_t i = 0; i < m->n_fronts; i++)
		if (m->fronts[i].bound)
			return m->fronts[i].o;
	return NULL;
}

/* Is it in the same file, or alone in one that the same kustomization lists? */
static bool is_near(const struct ifx_object *o, const struct ifx_object *other)
{
	if (o->source == other->source)
		return true;
	return o->source->documents == 1 && o->way && other->way && o->way->by == other->way->by;
}

/* With the Namespace, when that is near what needs the waypoint; else with the latter. */
static const struct ifx_object *home_of_gateway(const struct ifx_passage *m)
{
	const struct ifx_object *o = m->ns->objects[IFX_NAMESPACE].first;
	const struct ifx_object *reason = first_reason(m);

	return o && !o->patch && reason && is_near(o, reason) ? o : reason;
}

/* A shared waypoint has to admit the namespace. */
static void admit_namespace(struct ifx_passage *m)
{
	const struct ifx_node *listeners =
		ifx_get(ifx_object_spec(m->gateway), IFX_LIT("listeners"));

	for (const struct ifx_entry *e = ifx_list_items(listeners); e; e = e->next) {
		const struct ifx_node *from =
			ifx_get(ifx_get(ifx_deref(e->value), IFX_LIT("allowedRoutes")),
				IFX_LIT("namespaces"));
		const struct ifx_node *expressions =
			ifx_get(ifx_get(from, IFX_LIT("selector")), IFX_LIT("matchExpressions"));

		if (!ifx_str_eq(ifx_get_text(ifx_deref(e->value), IFX_LIT("protocol")),
				IFX_LIT("HBONE")))
			continue;
		if (ifx_str_eq(ifx_get_text(from, IFX_LIT("from")), IFX_LIT("All")))
			return;
		for (const struct ifx_entry *x = ifx_list_items(expressions); x; x = x->next) {
			const struct ifx_node *x_node = ifx_deref(x->value);
			const struct ifx_node *values = ifx_get(x_node, IFX_LIT("values"));

			if (!ifx_str_eq(ifx_get_text(x_node, IFX_LIT("key")),
					IFX_LIT("kubernetes.io/metadata.name")) ||
			    !ifx_str_eq(ifx_get_text(x_node, IFX_LIT("operator")), IFX_LIT("In")))
				continue;
			for (const struct ifx_entry *v = ifx_list_items(values); v; v = v->next)
				if (ifx_str_eq(ifx_text(ifx_deref(v->value)), m->ns->name))
					return;
			ifx_wish_item(m, m->gateway, values, m->ns->name,
				      IFX_SAY(m, "let Gateway %.*s admit namespace %.*s",
					      IFX_ARG(m->waypoint), IFX_ARG(m->ns->name)));
			return;
		}
	}
	ifx_passage_hold(
		m, "W35", m->gateway, NULL,
		"its HBONE listener does not admit namespace '%.*s'; give it allowedRoutes "
		"with a selector on kubernetes.io/metadata.name",
		IFX_ARG(m->ns->name));
}

void ifx_prepare_gateway(struct ifx_passage *m)
{
	const struct ifx_object *home = home_of_gateway(m), *reason = first_reason(m);
	const struct ifx_doc *like = reason ? reason->r->node->doc : NULL;
	ifx_str hints = IFX_NONE;

	if (!any_bound(m) || !home)
		return;
	if (m->gateway) {
		if (!ifx_str_eq(m->waypoint_namespace, m->ns->name))
			admit_namespace(m);
		return;
	}
	ifx_wish_document(m, home, IFX_SAY(m, "%.*s.yaml", IFX_ARG(m->waypoint)),
			  ifx_manifest_gateway(m, like),
			  IFX_SAY(m, "add Gateway %.*s", IFX_ARG(m->waypoint)));
	if (m->options->size_hints)
		hints = ifx_manifest_size_hints(m, like);
	ifx_wish_document(m, home, IFX_SAY(m, "%.*s-size.yaml", IFX_ARG(m->waypoint)), hints,
			  IFX_SAY(m, "add ConfigMap %.*s-size", IFX_ARG(m->waypoint)));
}

/* ---- pods ---- */

/* A gateway that the injector fills in lives from the label of its namespace. */
static void keep_gateway(struct ifx_passage *m, const struct ifx_pods *p)
{
	if (p->opted_in || p->opted_out || p->revision.len || p->mode.ptr || !p->injected)
		return;
	if (m->ns->state == IFX_STATE_REVISION)
		ifx_wish_pod_label(m, p, IFX_KEY_REV, m->ns->revision.value);
	else
		ifx_wish_pod_label(m, p, IFX_KEY_INJECT, IFX_LIT("true"));
	ifx_wish_pod_label(m, p, IFX_KEY_MODE, IFX_LIT("none"));
}

void ifx_prepare_pods(struct ifx_passage *m)
{
	/* A namespace that is injected by labels of pods stays without a label. */
	if (m->ns->state == IFX_STATE_PODS)
		return;
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next) {
			if (p->host_network)
				continue;
			if (p->gateway)
				keep_gateway(m, p);
			else if (p->opted_out)
				ifx_wish_pod_label(m, p, IFX_KEY_MODE, IFX_LIT("none"));
		}
}

void ifx_phase_prepare(struct ifx_passage *m)
{
	copy_moved(m);
	if (!m->held)
		ifx_prepare_l4_copies(m, false);
	ifx_prepare_gateway(m);
	ifx_prepare_pods(m);
	ifx_prepare_ports(m);
	ifx_prepare_network(m);
}
