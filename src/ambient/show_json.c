#include "ambient/show.h"

#include "ambient/links.h"
#include "ambient/needs.h"
#include "ambient/pods.h"
#include "report/members.h"

static void begin_list(struct ifx_buf *out, const char *key)
{
	ifx_add_key(out, key);
	ifx_buf_addc(out, '[');
}

/* The next object of a list. */
static void begin_item(struct ifx_buf *out, size_t i)
{
	ifx_buf_add(out, i ? IFX_LIT(",\n{") : IFX_LIT("\n{"));
}

/* file, line, column of a node, or of the object; null where there is none. */
static void add_place(struct ifx_buf *out, const struct ifx_object *o, const struct ifx_node *node)
{
	size_t line, column;

	if (!o)
		return;
	ifx_source_place(o->source, ifx_object_offset(o, node ? node : o->r->node), &line, &column);
	ifx_add_string(out, "file", o->source->path);
	ifx_add_number(out, "line", line);
	ifx_add_number(out, "column", column);
}

static void add_object(struct ifx_buf *out, const struct ifx_object *o)
{
	if (!o)
		return;
	ifx_add_string(out, "kind", ifx_object_kind_name(o));
	ifx_add_string(out, "name", o->r->name);
}

static void add_findings(struct ifx_buf *out, const struct ifx_hindrances *list)
{
	static const char *const weights[] = { "information", "warning", "security", "blocker" };
	static const char *const settled[] = { NULL, "remedied", "accepted" };

	begin_list(out, "findings");
	for (size_t i = 0; i < list->n; i++) {
		const struct ifx_hindrance *h = &list->items[i];
		const struct ifx_finding_fact *fact = ifx_finding_fact(h->id);

		begin_item(out, i);
		ifx_add_string(out, "id", ifx_str_of(fact->id));
		ifx_add_string(out, "severity", ifx_str_of(weights[h->weight]));
		ifx_add_string(out, "title", ifx_str_of(fact->title));
		ifx_add_string(out, "source", ifx_str_of(fact->source));
		add_object(out, h->object);
		add_place(out, h->object, h->node);
		ifx_add_string(out, "field", h->field);
		ifx_add_string(out, "reason", h->reason);
		ifx_add_string(out, "help", h->help);
		ifx_add_string(out, "settled", ifx_str_of(settled[h->settled]));
		ifx_add_bool(out, "holds", ifx_hindrance_holds(h));
		ifx_add_bool(out, "onlyEnroll", h->only_enroll);
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
}

static void add_needs(struct ifx_buf *out, const struct ifx_needs *needs)
{
	begin_list(out, "needsWaypoint");
	for (size_t i = 0; i < needs->n; i++) {
		const struct ifx_need *need = &needs->items[i];

		begin_item(out, i);
		ifx_add_string(out, "service", need->service->r->name);
		ifx_add_string(out, "because", ifx_str_of(ifx_need_name(need->kind)));
		ifx_add_string(out, "why", need->why);
		add_object(out, need->object);
		add_place(out, need->object, need->node);
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
}

static void add_amount(struct ifx_buf *out, const char *key, long long amount)
{
	ifx_add_key(out, key);
	ifx_buf_addf(out, "%lld", amount);
}

static void add_tuning(struct ifx_buf *out, const struct ifx_tuning *t)
{
	ifx_add_key(out, "sidecars");
	ifx_buf_addc(out, '{');
	ifx_add_number(out, "pods", t->pods);
	add_amount(out, "cpuMillicores", t->cpu);
	add_amount(out, "memoryBytes", t->memory);
	add_amount(out, "cpuLimitMillicores", t->cpu_limit);
	add_amount(out, "memoryLimitBytes", t->memory_limit);
	ifx_add_bool(out, "perNode", t->unknown);
	ifx_add_key(out, "settings");
	ifx_buf_addc(out, '{');
	for (const struct ifx_setting_count *c = t->others; c; c = c->next) {
		ifx_buf_add(out, c == t->others ? IFX_LIT("") : IFX_LIT(","));
		ifx_buf_add_json(out, c->name);
		ifx_buf_addf(out, ":%zu", c->n);
	}
	ifx_buf_add(out, IFX_LIT("}}"));
}

static void add_changes(struct ifx_buf *out, const struct ifx_change *changes)
{
	size_t i = 0;

	begin_list(out, "changes");
	for (const struct ifx_change *c = changes; c; c = c->next) {
		begin_item(out, i++);
		ifx_add_string(out, "phase", ifx_str_of(ifx_phase_name(c->phase)));
		ifx_add_string(out, "file", c->path);
		ifx_add_string(out, "text", c->text);
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
}

static void add_restarts(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	size_t n = 0;

	begin_list(out, "restart");
	for (const struct ifx_object *o = ns->namespace->objects[IFX_WORKLOAD].first; o;
	     o = o->next) {
		if (!ns->migrates || !ifx_needs_restart(o))
			continue;
		begin_item(out, n++);
		add_object(out, o);
		add_place(out, o, NULL);
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
}

static void add_namespace(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	static const char *const states[IFX_STATES] = { "unknown", "sidecar", "sidecar", "sidecar",
							"sidecar", "ambient", "out" };
	static const char *const bys[IFX_STATES] = { NULL,       "label", "revision", "default",
						     "podLabel", NULL,    NULL };
	const struct ifx_namespace *n = ns->namespace;
	bool goes_on = ns->migrates || n->state == IFX_STATE_AMBIENT;

	ifx_add_string(out, "name", n->name);
	ifx_add_string(out, "state", ifx_str_of(states[n->state]));
	ifx_add_string(out, "by", ifx_str_of(bys[n->state]));
	ifx_add_string(out, "why", n->why);
	ifx_add_bool(out, "migrates", ns->migrates);
	ifx_add_number(out, "wave", ns->wave);
	ifx_add_number(out, "cycle", ns->cycle);
	ifx_add_string(out, "next", goes_on ? ifx_str_of(ifx_phase_name(ns->next)) : IFX_NONE);
	ifx_add_bool(out, "held", ns->held);
	ifx_add_bool(out, "enrollHeld", ns->held || ns->held_late);
	add_needs(out, &ns->needs);
	add_restarts(out, ns);
	add_tuning(out, &ns->tuning);
	add_changes(out, ns->changes);
	add_findings(out, &ns->hindrances);
}

static void add_links(struct ifx_buf *out, const struct ifx_links *links)
{
	begin_list(out, "calls");
	for (size_t i = 0; i < links->n; i++) {
		const struct ifx_link *l = &links->items[i];

		begin_item(out, i);
		ifx_add_string(out, "from", l->caller_name);
		ifx_add_bool(out, "inTree", l->caller != NULL);
		ifx_add_string(out, "to", l->callee->name);
		ifx_add_string(out, "service", l->service.len ? l->service : IFX_NONE);
		ifx_add_string(out, "evidence", ifx_str_of(ifx_link_name(l->kind)));
		ifx_add_string(out, "text", l->text);
		add_object(out, l->object);
		add_place(out, l->object, l->node);
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
}

static void add_environment(struct ifx_buf *out, const struct ifx_env_plan *env)
{
	const struct ifx_environment *e = env->environment;

	ifx_add_string(out, "name", e->name);
	ifx_add_string(out, "trustDomain", ifx_trust_domain(e));
	ifx_add_string(out, "rootNamespace", ifx_root_namespace(e));
	ifx_add_number(out, "waves", env->n_waves);
	ifx_add_number(out, "cycles", env->n_cycles);
	begin_list(out, "namespaces");
	for (size_t i = 0; i < e->n_namespaces; i++) {
		begin_item(out, i);
		add_namespace(out, &env->namespaces[i]);
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
	add_findings(out, &env->hindrances);
	add_links(out, &env->links);
}

static void add_passed_over(struct ifx_buf *out, const struct ifx_estate *estate)
{
	size_t n = 0;

	begin_list(out, "notLookedAt");
	for (size_t i = 0; i < estate->n_sources; i++) {
		if (!estate->sources[i].passed_over)
			continue;
		begin_item(out, n++);
		ifx_add_string(out, "file", estate->sources[i].path);
		ifx_add_string(out, "why", ifx_str_of(estate->sources[i].passed_over));
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
}

static void add_summary(struct ifx_buf *out, const struct ifx_migration *plan)
{
	struct ifx_show_counts c = ifx_show_count(plan);

	ifx_add_key(out, "summary");
	ifx_buf_addc(out, '{');
	ifx_add_number(out, "environments", c.environments);
	ifx_add_number(out, "sidecarNamespaces", c.migrate);
	ifx_add_number(out, "ready", c.ready);
	ifx_add_number(out, "held", c.held);
	ifx_add_number(out, "enrollHeld", c.held_late);
	ifx_add_number(out, "ambient", c.ambient);
	ifx_add_number(out, "other", c.other);
	ifx_add_number(out, "blockers", c.findings[IFX_WEIGHT_B]);
	ifx_add_number(out, "security", c.findings[IFX_WEIGHT_S]);
	ifx_add_number(out, "warnings", c.findings[IFX_WEIGHT_W]);
	ifx_add_number(out, "information", c.findings[IFX_WEIGHT_I]);
	ifx_buf_addc(out, '}');
}

void ifx_show_json(struct ifx_buf *out, struct ifx_migration *plan)
{
	size_t n = 0;

	ifx_buf_addc(out, '{');
	ifx_add_number(out, "version", 1);
	begin_list(out, "environments");
	for (size_t i = 0; i < plan->estate->n_environments; i++) {
		if (ifx_show_is_empty(&plan->environments[i]))
			continue;
		begin_item(out, n++);
		add_environment(out, &plan->environments[i]);
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
	add_passed_over(out, plan->estate);
	add_summary(out, plan);
	ifx_buf_add(out, IFX_LIT("}\n"));
}
