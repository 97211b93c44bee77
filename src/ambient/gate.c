#include "ambient/gate.h"

/* What the passage said of the same object, the plan says with more of the place. */
static void mute(struct ifx_hold *first, const struct ifx_hold *last, const char *id,
		 const struct ifx_object *o)
{
	for (struct ifx_hold *h = last ? first : NULL; h; h = h == last ? NULL : h->next)
		h->mute |= o && h->o == o && !strcmp(h->id, id);
}

static void hold_by(struct ifx_passage *p, const struct ifx_hindrances *list, bool late)
{
	const struct ifx_hold *last = p->holds.last;

	for (size_t i = 0; i < list->n; i++) {
		const struct ifx_hindrance *h = &list->items[i];
		const char *id = ifx_finding_fact(h->id)->id;

		if (!ifx_hindrance_holds(h) || (!late && h->only_enroll))
			continue;
		mute(p->holds.first, last, id, h->object);
		ifx_passage_hold(p, id, h->object, h->node, "%.*s%s%.*s", IFX_ARG(h->reason),
				 h->help.len ? "; " : "", IFX_ARG(h->help));
	}
}

void ifx_gate(struct ifx_passage *p, const struct ifx_migration *migration, ifx_step step)
{
	const struct ifx_ns_plan *plan = ifx_migration_of(migration, p->ns);
	bool late = step >= IFX_STEP_ENROLL;

	if (!plan || !plan->migrates || step == IFX_STEP_CLEANUP)
		return;
	hold_by(p, &plan->hindrances, late);
	if (plan->held || (late && plan->held_late))
		hold_by(p, &ifx_migration_env(migration, p->ns->environment)->hindrances, late);
	if (plan->held && !p->held)
		ifx_passage_hold(p, "plan", NULL, NULL, "the plan holds it");
}
