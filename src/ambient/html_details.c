/* The page's details: what is to be known about each namespace. */
#include "ambient/html.h"

#include "ambient/links.h"
#include "ambient/markup.h"
#include "ambient/needs.h"
#include "ambient/pods.h"

static void begin_list(struct ifx_buf *out, const char *title, size_t i)
{
	if (!i)
		ifx_buf_addf(out, "<h4>%s</h4>\n<ul>\n", title);
	ifx_buf_add(out, IFX_LIT("<li>"));
}

static void end_list(struct ifx_buf *out, size_t n)
{
	ifx_buf_add(out, n ? IFX_LIT("</ul>\n") : IFX_LIT(""));
}

static void add_object(struct ifx_buf *out, const struct ifx_object *o)
{
	ifx_html_text(out, ifx_object_kind_name(o));
	ifx_buf_addc(out, ' ');
	ifx_html_element(out, "code", o->r->name);
}

static void add_needs(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	for (size_t i = 0; i < ns->needs.n; i++) {
		const struct ifx_need *need = &ns->needs.items[i];

		begin_list(out, "Services that need a waypoint", i);
		ifx_html_element(out, "code", need->service->r->name);
		ifx_buf_add(out, IFX_LIT(" because of "));
		add_object(out, need->object);
		if (need->why.len) {
			ifx_buf_add(out, IFX_LIT(": "));
			ifx_html_text(out, need->why);
		}
		ifx_buf_addc(out, ' ');
		ifx_html_place(out, need->object, need->node);
		ifx_buf_add(out, IFX_LIT("</li>\n"));
	}
	end_list(out, ns->needs.n);
}

/* Each caller once; the table of calls has the evidence. Callers follow each other in the links. */
static void add_callers(struct ifx_buf *out, const struct ifx_env_plan *env,
			const struct ifx_ns_plan *ns)
{
	ifx_str last = IFX_NONE;
	size_t n = 0;

	for (size_t i = ns->first_caller; i; i = env->links.items[i - 1].next_caller) {
		const struct ifx_link *l = &env->links.items[i - 1];

		if (last.ptr && ifx_str_eq(last, l->caller_name))
			continue;
		last = l->caller_name;
		begin_list(out, "Called by", n++);
		if (l->caller)
			ifx_html_namespace(out, l->caller);
		else
			ifx_html_text(out, l->caller_name);
		if (!l->caller)
			ifx_buf_add(out, IFX_LIT(" (not in the tree)"));
		else if (ifx_migration_wave(env, l->caller))
			ifx_buf_addf(out, " (wave %zu)", ifx_migration_wave(env, l->caller));
		ifx_buf_add(out, IFX_LIT("</li>\n"));
	}
	end_list(out, n);
}

static void add_restarts(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	size_t n = 0;

	for (const struct ifx_object *o = ns->namespace->objects[IFX_WORKLOAD].first;
	     o && ns->migrates; o = o->next) {
		if (!ifx_needs_restart(o))
			continue;
		begin_list(out, "To be restarted after enroll", n++);
		add_object(out, o);
		ifx_buf_add(out, IFX_LIT("</li>\n"));
	}
	end_list(out, n);
}

static void add_changes(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	size_t n = 0;

	for (const struct ifx_change *c = ns->changes; c; c = c->next) {
		begin_list(out, "What the phases change", n++);
		ifx_buf_addf(out, "<strong>%s</strong>: ", ifx_phase_name(c->phase));
		ifx_html_text(out, c->text);
		ifx_buf_addc(out, ' ');
		ifx_html_element(out, "code class=\"place\"", c->path);
		ifx_buf_add(out, IFX_LIT("</li>\n"));
	}
	end_list(out, n);
}

static void add_findings(struct ifx_buf *out, const struct ifx_env_plan *env,
			 const struct ifx_ns_plan *ns)
{
	for (size_t i = 0; i < ns->hindrances.n; i++) {
		const struct ifx_hindrance *h = &ns->hindrances.items[i];

		begin_list(out, "Findings", i);
		ifx_buf_addf(out, "<a href=\"#f%zu-%zu-%zu\">%s</a> ", env->environment->number,
			     ns->namespace->number, i, ifx_finding_fact(h->id)->id);
		ifx_html_text(out, h->reason);
		ifx_buf_add(out, IFX_LIT("</li>\n"));
	}
	end_list(out, ns->hindrances.n);
}

static void add_namespace(struct ifx_buf *out, const struct ifx_env_plan *env,
			  const struct ifx_ns_plan *ns)
{
	const struct ifx_namespace *n = ns->namespace;
	ifx_standing s = ifx_html_standing(ns);

	ifx_buf_addf(out, "<details id=\"n%zu-%zu\"", n->environment->number, n->number);
	ifx_html_attribute(out, "data-ns", n->name);
	ifx_buf_addf(out, " data-standing=\"%s\"><summary>", ifx_standing_name(s));
	ifx_html_element(out, "b", n->name);
	ifx_buf_addf(out, " <span class=\"badge %s\">%s</span> ", ifx_standing_class(s),
		     ifx_standing_name(s));
	ifx_html_text(out, ifx_str_of(ifx_state_name(n->state)));
	if (ns->wave)
		ifx_buf_addf(out, " · wave %zu · next: %s", ns->wave, ifx_phase_name(ns->next));
	ifx_buf_add(out, IFX_LIT("</summary>\n"));
	if (n->why.len) {
		ifx_buf_add(out, IFX_LIT("<p>"));
		ifx_html_element(out, "code", n->why);
		ifx_buf_add(out, IFX_LIT("</p>\n"));
	}
	add_needs(out, ns);
	add_callers(out, env, ns);
	add_restarts(out, ns);
	add_changes(out, ns);
	add_findings(out, env, ns);
	ifx_buf_add(out, IFX_LIT("</details>\n"));
}

void ifx_html_details(struct ifx_buf *out, const struct ifx_env_plan *env,
		      const struct ifx_ns_plan **order)
{
	for (size_t i = 0; i < env->environment->n_namespaces; i++)
		add_namespace(out, env, order[i]);
}
