#include "ambient/show.h"

#include "ambient/links.h"
#include "ambient/needs.h"
#include "ambient/pods.h"
#include "ambient/quantity.h"
#include "say.h"

/* ---- one finding ---- */

static const char *severity(const struct ifx_hindrance *h)
{
	if (ifx_hindrance_holds(h))
		return "error";
	return h->weight >= IFX_WEIGHT_W ? "warning" : "info";
}

static void add_finding(struct ifx_buf *out, const struct ifx_hindrance *h)
{
	static const char *const settled[] = { "", "; remedied", "; accepted" };

	if (h->object)
		ifx_show_place(out, h->object, h->node);
	ifx_buf_addf(out, ": %s: ", severity(h));
	ifx_say_text(out, h->reason);
	if (h->field.len) {
		ifx_buf_add(out, IFX_LIT(" ("));
		ifx_say_text(out, h->field);
		ifx_buf_addc(out, ')');
	}
	if (h->help.ptr) {
		ifx_buf_add(out, IFX_LIT("; "));
		ifx_say_text(out, h->help);
	}
	ifx_buf_addf(out, "%s%s [ambient/%s]\n", settled[h->settled],
		     h->only_enroll && ifx_hindrance_holds(h) ? "; holds enroll" : "",
		     ifx_finding_fact(h->id)->id);
}

static void add_findings(struct ifx_buf *out, const struct ifx_hindrances *list, bool *seen)
{
	for (size_t i = 0; i < list->n; i++) {
		add_finding(out, &list->items[i]);
		seen[list->items[i].id] = true;
	}
}

/* ---- the table ---- */

enum { COLUMNS = 6 };

static void list_needs(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	const struct ifx_object *last = NULL;
	unsigned said = 0;

	for (size_t i = 0; i < ns->needs.n; i++) {
		const struct ifx_need *need = &ns->needs.items[i];

		if (need->service != last) {
			ifx_buf_addf(out, "%s%.*s (", last ? "), " : "",
				     IFX_ARG(need->service->r->name));
			said = 0;
		} else if (said & 1u << need->kind) {
			continue;
		} else {
			ifx_buf_add(out, IFX_LIT(", "));
		}
		ifx_buf_addf(out, "%s", ifx_need_name(need->kind));
		said |= 1u << need->kind;
		last = need->service;
	}
	ifx_buf_add(out, last ? IFX_LIT(")") : IFX_LIT("-"));
}

static void list_holders(struct ifx_buf *out, const struct ifx_hindrances *list, bool *any)
{
	ifx_finding_id last = IFX_F_COUNT;

	for (size_t i = 0; i < list->n; i++) {
		const struct ifx_hindrance *h = &list->items[i];

		if (!ifx_hindrance_holds(h) || h->id == last)
			continue;
		ifx_buf_addf(out, "%s%s", *any ? ", " : "", ifx_finding_fact(h->id)->id);
		last = h->id;
		*any = true;
	}
}

static void add_cell(struct ifx_buf *out, const struct ifx_env_plan *env,
		     const struct ifx_ns_plan *ns, int column)
{
	bool any = false;

	switch (column) {
	case 0:
		if (!ns->wave)
			ifx_buf_addc(out, '-');
		else if (ns->cycle)
			ifx_buf_addf(out, "%zu (cycle %zu)", ns->wave, ns->cycle);
		else
			ifx_buf_addf(out, "%zu", ns->wave);
		break;
	case 1:
		ifx_say_text(out, ns->namespace->name);
		break;
	case 2:
		ifx_buf_addf(out, "%s", ifx_state_name(ns->namespace->state));
		break;
	case 3:
		ifx_buf_addf(out, "%s",
			     ns->migrates || ns->namespace->state == IFX_STATE_AMBIENT
				     ? ifx_phase_name(ns->next)
				     : "-");
		break;
	case 4:
		list_needs(out, ns);
		break;
	default:
		list_holders(out, &ns->hindrances, &any);
		if (ns->migrates)
			list_holders(out, &env->hindrances, &any);
		if (!any)
			ifx_buf_add(out, ns->held ? IFX_LIT("--strict") : IFX_LIT("-"));
	}
}

static const char *const titles[COLUMNS] = { "WAVE", "NAMESPACE",      "STATE",
					     "NEXT", "NEEDS WAYPOINT", "HELD BY" };

static void add_table(struct ifx_buf *out, const struct ifx_env_plan *env,
		      const struct ifx_ns_plan **order)
{
	size_t widths[COLUMNS], n = env->environment->n_namespaces;
	struct ifx_buf cell;

	ifx_buf_init(&cell, IFX_BUF_MAX);
	for (int k = 0; k < COLUMNS; k++) {
		widths[k] = strlen(titles[k]);
		for (size_t i = 0; i < n; i++) {
			ifx_buf_clear(&cell);
			add_cell(&cell, env, order[i], k);
			/* One long cell must not push the others away. */
			if (cell.len > widths[k] && cell.len <= 60)
				widths[k] = cell.len;
		}
	}
	for (size_t i = 0; i <= n; i++) {
		for (int k = 0; k < COLUMNS; k++) {
			ifx_buf_clear(&cell);
			if (i)
				add_cell(&cell, env, order[i - 1], k);
			else
				ifx_buf_add(&cell, ifx_str_of(titles[k]));
			ifx_buf_add(out, k ? IFX_LIT("  ") : IFX_LIT(""));
			ifx_buf_add(out, ifx_buf_str(&cell));
			if (k + 1 < COLUMNS && cell.len < widths[k])
				ifx_buf_fill(out, ' ', widths[k] - cell.len);
		}
		ifx_buf_addc(out, '\n');
	}
	out->bad |= cell.bad;
	ifx_buf_release(&cell);
}

/* ---- cycles ---- */

static void add_cycles(struct ifx_buf *out, const struct ifx_env_plan *env,
		       const struct ifx_ns_plan **order)
{
	for (size_t c = 1; c <= env->n_cycles; c++) {
		const char *between = "";
		size_t wave = 0;

		ifx_buf_addf(out, "\ncycle %zu: ", c);
		for (size_t i = 0; i < env->environment->n_namespaces; i++)
			if (order[i]->cycle == c) {
				ifx_buf_addf(out, "%s%.*s", between,
					     IFX_ARG(order[i]->namespace->name));
				between = ", ";
				wave = order[i]->wave;
			}
		ifx_buf_addf(out, " call each other; they go together, in wave %zu\n", wave);
	}
}

/* ---- one namespace ---- */

static void add_needs(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	for (size_t i = 0; i < ns->needs.n; i++) {
		const struct ifx_need *need = &ns->needs.items[i];

		ifx_buf_addf(out, "  Service %.*s needs a waypoint: %.*s %.*s",
			     IFX_ARG(need->service->r->name), IFX_ARG(need->object->r->kind),
			     IFX_ARG(need->object->r->name));
		if (need->why.len)
			ifx_buf_addf(out, ", %.*s", IFX_ARG(need->why));
		ifx_buf_add(out, IFX_LIT(", "));
		ifx_show_place(out, need->object, need->node);
		ifx_buf_addc(out, '\n');
	}
}

static void add_callers(struct ifx_buf *out, const struct ifx_env_plan *env,
			const struct ifx_ns_plan *ns)
{
	for (size_t i = ns->first_caller; i; i = env->links.items[i - 1].next_caller) {
		const struct ifx_link *l = &env->links.items[i - 1];

		ifx_buf_addf(out, "  called by %.*s%s", IFX_ARG(l->caller_name),
			     l->caller ? "" : " (not in the tree)");
		if (l->caller && ifx_migration_wave(env, l->caller))
			ifx_buf_addf(out, " (wave %zu)", ifx_migration_wave(env, l->caller));
		ifx_buf_addf(out, ": %s '", ifx_link_name(l->kind));
		ifx_say_text(out, l->text);
		ifx_buf_add(out, IFX_LIT("', "));
		ifx_show_place(out, l->object, l->node);
		ifx_buf_addc(out, '\n');
	}
}

static void add_amount(struct ifx_buf *out, const char *what, long long amount,
		       void (*add)(struct ifx_buf *, long long))
{
	if (!amount)
		return;
	ifx_buf_addf(out, "%s ", what);
	add(out, amount);
	ifx_buf_add(out, IFX_LIT(", "));
}

static void add_tuning(struct ifx_buf *out, const struct ifx_tuning *t)
{
	if (t->pods) {
		ifx_buf_add(out, IFX_LIT("  sidecars ask for "));
		add_amount(out, "cpu", t->cpu, ifx_quantity_cpu);
		add_amount(out, "memory", t->memory, ifx_quantity_memory);
		add_amount(out, "cpu limit", t->cpu_limit, ifx_quantity_cpu);
		add_amount(out, "memory limit", t->memory_limit, ifx_quantity_memory);
		ifx_buf_addf(out, "in %zu pod%s%s\n", t->pods, t->pods == 1 ? "" : "s",
			     t->unknown ? ", those on every node counted once" : "");
	}
	for (const struct ifx_setting_count *c = t->others; c; c = c->next) {
		ifx_buf_add(out, c == t->others ? IFX_LIT("  sidecars are told ") : IFX_LIT(", "));
		ifx_say_text(out, c->name);
		if (c->n > 1)
			ifx_buf_addf(out, " (%zu)", c->n);
	}
	if (t->others)
		ifx_buf_addc(out, '\n');
}

/* A label on a Namespace restarts nothing. */
static void add_restarts(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	const char *between = "  restart after enroll: ";

	for (const struct ifx_object *o = ns->namespace->objects[IFX_WORKLOAD].first; o;
	     o = o->next) {
		if (!ifx_needs_restart(o))
			continue;
		ifx_buf_addf(out, "%s%.*s ", between, IFX_ARG(o->r->kind));
		ifx_say_text(out, o->r->name);
		between = ", ";
	}
	if (*between == ',')
		ifx_buf_addc(out, '\n');
}

static void add_changes(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	for (const struct ifx_change *c = ns->changes; c; c = c->next) {
		ifx_buf_addf(out, "  %s: ", ifx_phase_name(c->phase));
		ifx_say_text(out, c->path);
		ifx_buf_add(out, IFX_LIT(": "));
		ifx_say_text(out, c->text);
		ifx_buf_addc(out, '\n');
	}
}

static void add_namespace(struct ifx_buf *out, const struct ifx_env_plan *env,
			  const struct ifx_ns_plan *ns, bool *seen)
{
	const struct ifx_namespace *n = ns->namespace;

	ifx_buf_addc(out, '\n');
	ifx_say_text(out, n->name);
	ifx_buf_addf(out, ": %s", ifx_state_name(n->state));
	if (n->why.len) {
		ifx_buf_add(out, IFX_LIT(", "));
		ifx_say_text(out, n->why);
	}
	ifx_buf_addf(out, "; next: %s%s\n", ifx_phase_name(ns->next),
		     ns->held        ? " (held)"
		     : ns->held_late ? " (enroll is held)"
				     : "");
	add_needs(out, ns);
	add_callers(out, env, ns);
	if (ns->migrates)
		add_restarts(out, ns);
	add_tuning(out, &ns->tuning);
	add_changes(out, ns);
	add_findings(out, &ns->hindrances, seen);
}

/* ---- all ---- */

static void add_environment(struct ifx_buf *out, struct ifx_migration *plan,
			    const struct ifx_env_plan *env, bool *seen)
{
	const struct ifx_ns_plan **order = ifx_show_order(plan, env);
	size_t n = env->environment->n_namespaces;

	if (!order) {
		out->bad = true;
		return;
	}
	ifx_buf_add(out, IFX_LIT("environment "));
	ifx_say_text(out, env->environment->name);
	ifx_buf_addf(out, ": %zu namespace%s, %zu wave%s\n\n", n, n == 1 ? "" : "s", env->n_waves,
		     env->n_waves == 1 ? "" : "s");
	add_table(out, env, order);
	add_cycles(out, env, order);
	for (size_t i = 0; i < n; i++)
		if (order[i]->migrates || order[i]->hindrances.n)
			add_namespace(out, env, order[i], seen);
	if (env->hindrances.n) {
		ifx_buf_add(out, IFX_LIT("\nall namespaces\n"));
		add_findings(out, &env->hindrances, seen);
	}
}

static void add_passed_over(struct ifx_buf *out, const struct ifx_estate *estate)
{
	const char *before = "\n";

	for (size_t i = 0; i < estate->n_sources; i++) {
		const struct ifx_source *s = &estate->sources[i];

		if (!s->passed_over)
			continue;
		ifx_buf_addf(out, "%snot looked at: ", before);
		before = "";
		ifx_say_text(out, s->path);
		ifx_buf_addf(out, ": %s\n", s->passed_over);
	}
}

static void add_sources(struct ifx_buf *out, const bool *seen)
{
	bool any = false;

	for (size_t i = 0; i < IFX_F_COUNT; i++) {
		const struct ifx_finding_fact *f = ifx_finding_fact((ifx_finding_id)i);

		if (!seen[i])
			continue;
		if (!any)
			ifx_buf_addc(out, '\n');
		any = true;
		ifx_buf_addf(out, "%s %s: %s\n", f->id, f->title, f->source);
	}
}

void ifx_show_text(struct ifx_buf *out, struct ifx_migration *plan)
{
	bool seen[IFX_F_COUNT] = { false };
	const char *between = "";

	for (size_t i = 0; i < plan->estate->n_environments; i++) {
		if (ifx_show_is_empty(&plan->environments[i]))
			continue;
		ifx_buf_addf(out, "%s", between);
		between = "\n";
		add_environment(out, plan, &plan->environments[i], seen);
	}
	add_sources(out, seen);
	add_passed_over(out, plan->estate);
}
