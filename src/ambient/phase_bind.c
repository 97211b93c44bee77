/*
 * Bind sends ambient callers through the waypoint and lets its identity into the pods, whether they
 * have sidecars or not. Sidecar callers go as before.
 */
#include "ambient/exception.h"
#include "ambient/wish.h"

static void wish_waypoint(struct ifx_passage *m, const struct ifx_object *o)
{
	ifx_wish_label(m, o, "istio.io/use-waypoint", m->waypoint);
	if (!ifx_str_eq(m->waypoint_namespace, m->ns->name))
		ifx_wish_label(m, o, "istio.io/use-waypoint-namespace", m->waypoint_namespace);
}

/* Does a policy that the waypoint enforces protect the Service? */
static bool is_protected(const struct ifx_passage *m, const struct ifx_front *f)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (!s->ours && s->o->kind != IFX_TELEMETRY && ifx_is_for(m, s, f))
			return true;
	}
	return false;
}

static bool opted_out(const struct ifx_front *f)
{
	return ifx_str_eq(ifx_get_text(ifx_get(f->o->r->metadata, IFX_LIT("labels")),
				       IFX_LIT("istio.io/use-waypoint")),
			  IFX_LIT("none"));
}

static bool has_label(const struct ifx_object *o, const char *key)
{
	return ifx_get(ifx_get(o->r->metadata, IFX_LIT("labels")), ifx_str_of(key));
}

void ifx_bind_labels(struct ifx_passage *m)
{
	const struct ifx_object *ns = m->ns->objects[IFX_NAMESPACE].first;

	if (m->options->bind_namespace && !m->ns->use_waypoint.value.ptr) {
		if (ns && !ns->patch)
			wish_waypoint(m, ns);
		else
			ifx_passage_hold(m, "edit", NULL, NULL,
					 "its Namespace is not in the tree, so that it cannot be "
					 "bound");
	}
	for (size_t i = 0; i < m->n_fronts; i++) {
		const struct ifx_front *f = &m->fronts[i];

		if (f->needed && opted_out(f)) {
			ifx_passage_hold(
				m, "edit", f->o, NULL,
				"its label istio.io/use-waypoint is 'none', and a policy or "
				"route for it needs a waypoint");
			continue;
		}
		if (f->needed && !f->labelled && !m->options->bind_namespace &&
		    !m->ns->use_waypoint.value.len)
			wish_waypoint(m, f->o);
		if (f->bound && f->exposed && is_protected(m, f) &&
		    !has_label(f->o, "istio.io/ingress-use-waypoint"))
			ifx_wish_label(m, f->o, "istio.io/ingress-use-waypoint", IFX_LIT("true"));
	}
}

/* Has the workload an ALLOW policy? Then it denies by default, and the waypoint needs its own. */
static bool has_allow(const struct ifx_passage *m, const struct ifx_front *f)
{
	for (size_t i = 0; i < m->n_stances; i++)
		if (ifx_is_authz(&m->stances[i], IFX_ALLOW) && ifx_is_for(m, &m->stances[i], f))
			return true;
	return false;
}

static bool is_same_selector(struct ifx_labels a, struct ifx_labels b)
{
	return a.n == b.n && ifx_labels_match(a, b) && ifx_labels_match(b, a);
}

/* Is the waypoint admitted already, by a policy of ours for these pods? */
static bool is_admitted(const struct ifx_passage *m, const struct ifx_front *f)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->ours && s->authz.action == IFX_ALLOW && ifx_is_for(m, s, f))
			return true;
	}
	/* Another Service in front of the same pods had it wished. */
	for (const struct ifx_front *g = m->fronts; g < f; g++)
		if (g->bound && has_allow(m, g) && is_same_selector(g->selector, f->selector))
			return true;
	return false;
}

/* The first policy that moves from the Service's pods; its file is where the new one belongs. */
static const struct ifx_object *home_of(const struct ifx_passage *m, const struct ifx_front *f)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->o->kind == IFX_AUTHORIZATION_POLICY && !s->root && s->l7 &&
		    ifx_is_for(m, s, f))
			return s->copy ? s->copy : s->o;
	}
	return f->o;
}

void ifx_bind_permissions(struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_fronts; i++) {
		const struct ifx_front *f = &m->fronts[i];
		const struct ifx_object *home = home_of(m, f);
		ifx_str name;

		if (!f->bound || !has_allow(m, f) || is_admitted(m, f))
			continue;
		name = ifx_allow_name(m, f);
		if (!ifx_name_is_free(m, IFX_AUTHORIZATION_POLICY, name))
			continue;
		ifx_wish_document(m, home, IFX_SAY(m, "%.*s.yaml", IFX_ARG(name)),
				  ifx_manifest_allow(m, f, home->r->node->doc),
				  IFX_SAY(m, "add AuthorizationPolicy %.*s", IFX_ARG(name)));
	}
}

static bool is_bound(const struct ifx_passage *m, const struct ifx_stance *s)
{
	for (size_t i = 0; i < s->n_fronts; i++)
		if (m->fronts[s->fronts[i]].bound)
			return true;
	return false;
}

void ifx_bind_exceptions(struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		/* In a cutover what moves is not at the pods any more. */
		if ((ifx_is_authz(s, IFX_DENY) || ifx_is_authz(s, IFX_CUSTOM)) && is_bound(m, s) &&
		    !(s->l7 && m->phase == IFX_STEP_CUTOVER))
			ifx_wish_exceptions(m, s);
	}
}

void ifx_phase_bind(struct ifx_passage *m)
{
	ifx_bind_labels(m);
	ifx_bind_exceptions(m);
	ifx_bind_permissions(m);
}
