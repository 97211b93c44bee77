#include "ambient/outlook.h"

static bool read_exposed(struct ifx_outlook *o, const struct ifx_estate *estate)
{
	if (!o->read)
		ifx_exposed_read(&o->exposed, estate);
	o->read = true;
	o->options.exposed = &o->exposed;
	return !o->exposed.failed;
}

void ifx_outlook_release(struct ifx_outlook *o)
{
	ifx_exposed_release(&o->exposed);
}

static bool take_over(struct ifx_migration *plan, ifx_phase phase, const struct ifx_wish *wish,
		      struct ifx_change ***link)
{
	struct ifx_change *c = ifx_arena_alloc(&plan->arena, sizeof(*c));

	if (!c)
		return false;
	c->phase = phase;
	c->path = wish->o->source->path;
	c->text = ifx_arena_copy(&plan->arena, wish->what);
	**link = c;
	*link = &c->next;
	return c->text.ptr != NULL;
}

static bool ask(struct ifx_outlook *o, struct ifx_migration *plan, struct ifx_namespace *ns,
		ifx_phase phase, struct ifx_change ***link)
{
	static void (*const phases[])(struct ifx_passage *) = { ifx_phase_prepare, ifx_phase_bind,
								ifx_phase_enroll,
								ifx_phase_cleanup };
	static const ifx_step steps[] = { IFX_STEP_PREPARE, IFX_STEP_BIND, IFX_STEP_ENROLL,
					  IFX_STEP_CLEANUP };
	struct ifx_changes changes;
	struct ifx_passage p;
	bool ok;

	ifx_changes_init(&changes, plan->estate);
	ifx_passage_init(&p, plan->estate, ns, &o->options, &changes);
	p.phase = steps[phase];
	if (!p.held && !p.skipped && !p.failed)
		phases[phase](&p);
	ok = !p.failed && !changes.failed;
	/* A phase that finds it cannot go on holds the namespace: then it changes nothing. */
	for (size_t i = 0; ok && !p.held && i < changes.n; i++)
		ok = take_over(plan, phase, changes.wishes[i], link);
	ifx_changes_release(&changes);
	return ok;
}

bool ifx_outlook_changes(void *data, struct ifx_migration *plan, const struct ifx_ns_plan *ns,
			 struct ifx_change **first)
{
	bool sidecars = ifx_has_sidecars(ns->namespace);

	*first = NULL;
	if (!read_exposed(data, plan->estate))
		return false;
	for (ifx_phase phase = IFX_PHASE_PREPARE; phase <= IFX_PHASE_CLEANUP; phase++)
		if ((phase == IFX_PHASE_CLEANUP) != sidecars &&
		    !ask(data, plan, ns->namespace, phase, &first))
			return false;
	return true;
}
