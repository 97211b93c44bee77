/*
 * Cutover: everything at once, and policies changed where they stand. The smallest difference, for
 * people with a maintenance window: pods that still have their sidecar while they roll do not
 * enforce what has targetRefs.
 */
#include "ambient/wish.h"

static void move(struct ifx_passage *m, const struct ifx_stance *s)
{
	const struct ifx_recast *r = ifx_recast(m, s, s->fronts, s->n_fronts);

	if (!r)
		return;
	if (r->next || s->root) {
		ifx_passage_hold(
			m, "edit", s->o, NULL,
			"it becomes several policies, or one of another namespace; that is "
			"done in phases");
		return;
	}
	for (size_t i = 0; i < r->n_ops; i++)
		ifx_passage_want(
			m, (struct ifx_wish){ .verb = IFX_WISH_OP,
					      .o = s->o,
					      .op = *r->ops[i],
					      .what = IFX_SAY(m, "move %.*s %.*s to the waypoint",
							      IFX_ARG(ifx_object_kind_name(s->o)),
							      IFX_ARG(s->o->r->name)) });
}

void ifx_phase_cutover(struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->l7 && !s->ours && !s->copy && s->n_fronts)
			move(m, s);
	}
	ifx_phase_routes(m);
	ifx_enroll_labels(m);
	ifx_prepare_pods(m);
	ifx_enroll_pods(m);
	ifx_bind_labels(m);
	ifx_bind_exceptions(m);
	ifx_prepare_l4_copies(m, true);
	ifx_prepare_gateway(m);
	ifx_prepare_ports(m);
	ifx_prepare_network(m);
	ifx_bind_permissions(m);
	ifx_enroll_guards(m);
}
