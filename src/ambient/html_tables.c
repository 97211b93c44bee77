/* The tables of the page: namespaces, calls, findings, residue, resources. */
#include "ambient/html.h"

#include "ambient/links.h"
#include "ambient/markup.h"
#include "ambient/needs.h"
#include "ambient/quantity.h"

#include <stdio.h>

/* A row about a namespace; ns NULL: about all of them. */
static void begin_row(struct ifx_buf *out, ifx_str ns)
{
	ifx_buf_add(out, IFX_LIT("<tr"));
	if (ns.ptr)
		ifx_html_attribute(out, "data-ns", ns);
}

static void end_table(struct ifx_buf *out)
{
	ifx_buf_add(out, IFX_LIT("</tbody></table></div>\n"));
}

static void add_number(struct ifx_buf *out, size_t n)
{
	ifx_buf_addf(out, n ? "<td class=\"number\">%zu</td>" : "<td class=\"number\">–</td>", n);
}

/* ---- namespaces ---- */

static bool list_holders(struct ifx_buf *out, const struct ifx_hindrances *list, const char *id,
			 bool any)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ifx_hindrance *h = &list->items[i];

		if (!ifx_hindrance_holds(h))
			continue;
		ifx_buf_addf(out, "%s<a href=\"#f%s-%zu\" title=\"", any ? " " : "", id, i);
		ifx_html_text(out, h->reason);
		ifx_buf_addf(out, "\">%s</a>", ifx_finding_fact(h->id)->id);
		any = true;
	}
	return any;
}

bool ifx_html_holders(struct ifx_buf *out, const struct ifx_env_plan *env,
		      const struct ifx_ns_plan *ns)
{
	char id[64];
	bool any;

	snprintf(id, sizeof(id), "%zu-%zu", env->environment->number, ns->namespace->number);
	any = list_holders(out, &ns->hindrances, id, false);
	snprintf(id, sizeof(id), "%zu-all", env->environment->number);
	return ns->migrates ? list_holders(out, &env->hindrances, id, any) : any;
}

/* Each Service once, with the kinds of its reasons. */
static void add_needs(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	const struct ifx_object *last = NULL;
	unsigned said = 0;

	for (size_t i = 0; i < ns->needs.n; i++) {
		const struct ifx_need *need = &ns->needs.items[i];

		if (need->service != last) {
			ifx_buf_add(out, last ? IFX_LIT("</small><br>") : IFX_LIT(""));
			ifx_html_element(out, "code", need->service->r->name);
			ifx_buf_add(out, IFX_LIT(" <small>"));
			said = 0;
		} else if (said & 1u << need->kind) {
			continue;
		} else {
			ifx_buf_add(out, IFX_LIT(", "));
		}
		ifx_html_text(out, ifx_str_of(ifx_need_name(need->kind)));
		said |= 1u << need->kind;
		last = need->service;
	}
	ifx_buf_add(out, last ? IFX_LIT("</small>") : IFX_LIT("–"));
}

static void add_wave(struct ifx_buf *out, const struct ifx_ns_plan *ns)
{
	ifx_buf_addf(out, "<td class=\"number\" data-sort=\"%zu\">",
		     ns->wave ? ns->wave : 1u << 30);
	if (ns->wave)
		ifx_buf_addf(out, "%zu", ns->wave);
	else
		ifx_buf_add(out, IFX_LIT("–"));
	if (ns->cycle)
		ifx_buf_addf(out, " <small class=\"cycle\">cycle %zu</small>", ns->cycle);
	ifx_buf_add(out, IFX_LIT("</td>"));
}

static void add_standing(struct ifx_buf *out, ifx_standing s)
{
	ifx_buf_addf(out, "<td data-sort=\"%d\"><span class=\"badge %s\">%s</span></td>", (int)s,
		     ifx_standing_class(s), ifx_standing_name(s));
}

static void add_namespace(struct ifx_buf *out, const struct ifx_env_plan *env,
			  const struct ifx_ns_plan *ns)
{
	const struct ifx_namespace *n = ns->namespace;
	bool goes_on = ns->migrates || n->state == IFX_STATE_AMBIENT;
	ifx_standing s = ifx_html_standing(ns);

	begin_row(out, n->name);
	ifx_buf_addf(out, " data-standing=\"%s\"><th scope=\"row\">", ifx_standing_name(s));
	ifx_html_namespace(out, n);
	ifx_buf_add(out, IFX_LIT("</th>"));
	add_standing(out, s);
	ifx_buf_add(out, IFX_LIT("<td>"));
	ifx_html_text(out, ifx_str_of(ifx_state_name(n->state)));
	ifx_buf_add(out, IFX_LIT("</td>"));
	add_wave(out, ns);
	ifx_buf_addf(out, "<td data-sort=\"%d\">%s</td><td>", goes_on ? (int)ns->next : IFX_PHASES,
		     goes_on ? ifx_phase_name(ns->next) : "–");
	add_needs(out, ns);
	ifx_buf_add(out, IFX_LIT("</td><td class=\"ids\">"));
	if (!ifx_html_holders(out, env, ns))
		ifx_buf_add(out, IFX_LIT("–"));
	ifx_buf_add(out, IFX_LIT("</td>"));
	add_number(out, ns->hindrances.n);
	ifx_buf_add(out, IFX_LIT("</tr>\n"));
}

void ifx_html_namespaces(struct ifx_buf *out, const struct ifx_env_plan *env,
			 const struct ifx_ns_plan **order)
{
	static const char *const titles[] = { "Namespace", "Status",     "Traffic today",
					      "#Wave",     "Next phase", "Needs a waypoint",
					      "Held by",   "#Findings" };

	ifx_html_head(out, "Namespaces, by wave", titles, sizeof(titles) / sizeof(*titles));
	for (size_t i = 0; i < env->environment->n_namespaces; i++)
		add_namespace(out, env, order[i]);
	end_table(out);
}

/* ---- calls ---- */

static void add_call(struct ifx_buf *out, const struct ifx_link *l)
{
	ifx_buf_add(out, IFX_LIT("<tr class=\"call\""));
	ifx_html_attribute(out, "data-ns", l->caller_name);
	ifx_html_attribute(out, "data-to", l->callee->name);
	ifx_buf_add(out, IFX_LIT("><th scope=\"row\">"));
	if (l->caller)
		ifx_html_namespace(out, l->caller);
	else
		ifx_html_text(out, l->caller_name);
	ifx_buf_addf(out, "%s</th><td>", l->caller ? "" : " <small>not in the tree</small>");
	ifx_html_namespace(out, l->callee);
	ifx_buf_add(out, IFX_LIT("</td><td>"));
	ifx_html_text(out, l->service.len ? l->service : IFX_LIT("–"));
	ifx_buf_addf(out, "</td><td>%s</td><td>", ifx_link_name(l->kind));
	ifx_html_element(out, "code", l->text);
	ifx_buf_add(out, IFX_LIT("<br>"));
	ifx_html_place(out, l->object, l->node);
	ifx_buf_add(out, IFX_LIT("</td></tr>\n"));
}

void ifx_html_calls(struct ifx_buf *out, const struct ifx_env_plan *env,
		    const struct ifx_ns_plan **order)
{
	static const char *const titles[] = { "Caller", "Callee", "Service", "Kind", "Evidence" };

	(void)order;
	if (!env->links.n) {
		ifx_buf_add(out, IFX_LIT("<p>The tree shows no calls between namespaces.</p>\n"));
		return;
	}
	ifx_buf_addf(out, "<details%s><summary>%zu place%s where the tree shows a call</summary>\n",
		     env->links.n <= 40 ? " open" : "", env->links.n, env->links.n == 1 ? "" : "s");
	ifx_html_head(out, "Calls, by caller", titles, sizeof(titles) / sizeof(*titles));
	for (size_t i = 0; i < env->links.n; i++)
		add_call(out, &env->links.items[i]);
	end_table(out);
	ifx_buf_add(out, IFX_LIT("</details>\n"));
}

/* ---- findings ---- */

static void add_why(struct ifx_buf *out, const struct ifx_hindrance *h)
{
	static const char *const settled[] = { NULL, "remedied by a phase", "accepted" };
	const struct ifx_finding_fact *fact = ifx_finding_fact(h->id);

	ifx_html_text(out, h->reason);
	if (h->field.len) {
		ifx_buf_add(out, IFX_LIT(" "));
		ifx_html_element(out, "code class=\"field\"", h->field);
	}
	if (h->help.ptr) {
		ifx_buf_add(out, IFX_LIT("<p class=\"help\">"));
		ifx_html_text(out, h->help);
		ifx_buf_add(out, IFX_LIT("</p>"));
	}
	if (h->object) {
		ifx_buf_add(out, IFX_LIT("<p>"));
		ifx_html_place(out, h->object, h->node);
		ifx_buf_add(out, IFX_LIT("</p>"));
	}
	ifx_buf_add(out, IFX_LIT("<p class=\"source\"><a rel=\"noreferrer\""));
	ifx_html_attribute(out, "href", ifx_str_of(fact->source));
	ifx_buf_add(out, IFX_LIT(">why: Istio's documentation</a>"));
	if (settled[h->settled])
		ifx_buf_addf(out, " · <strong>%s</strong>", settled[h->settled]);
	if (ifx_hindrance_holds(h))
		ifx_buf_addf(out, " · <strong class=\"holds\">%s</strong>",
			     h->only_enroll ? "holds enroll" : "holds the namespace");
	ifx_buf_add(out, IFX_LIT("</p>"));
}

static void add_finding(struct ifx_buf *out, const struct ifx_env_plan *env,
			const struct ifx_ns_plan *ns, const struct ifx_hindrance *h, size_t i)
{
	static const char *const weights[] = { "information", "warning", "security", "blocker" };
	const struct ifx_finding_fact *fact = ifx_finding_fact(h->id);

	begin_row(out, ns ? ns->namespace->name : IFX_NONE);
	if (ns)
		ifx_buf_addf(out, " id=\"f%zu-%zu-%zu\">", env->environment->number,
			     ns->namespace->number, i);
	else
		ifx_buf_addf(out, " id=\"f%zu-all-%zu\">", env->environment->number, i);
	ifx_buf_addf(out, "<td data-sort=\"%d\"><span class=\"badge %s\">%s</span></td>",
		     -(int)h->weight, weights[h->weight], weights[h->weight]);
	ifx_buf_addf(out, "<th scope=\"row\"><span class=\"id\">%s</span> %s</th><td>", fact->id,
		     fact->title);
	if (ns)
		ifx_html_namespace(out, ns->namespace);
	else
		ifx_buf_add(out, IFX_LIT("<em>all</em>"));
	ifx_buf_add(out, IFX_LIT("</td><td>"));
	if (h->object) {
		ifx_html_text(out, ifx_object_kind_name(h->object));
		ifx_buf_addc(out, ' ');
		ifx_html_text(out, h->object->r->name);
	}
	ifx_buf_add(out, IFX_LIT("</td><td>"));
	add_why(out, h);
	ifx_buf_add(out, IFX_LIT("</td></tr>\n"));
}

void ifx_html_findings(struct ifx_buf *out, const struct ifx_env_plan *env,
		       const struct ifx_ns_plan **order)
{
	static const char *const titles[] = { "Severity", "Finding", "Namespace", "Object",
					      "Reason" };
	size_t n = env->environment->n_namespaces, total = env->hindrances.n;

	for (size_t i = 0; i < n; i++)
		total += order[i]->hindrances.n;
	if (!total) {
		ifx_buf_add(out, IFX_LIT("<p>Nothing stands in the way.</p>\n"));
		return;
	}
	ifx_html_head(out, "Findings", titles, sizeof(titles) / sizeof(*titles));
	for (size_t i = 0; i < env->hindrances.n; i++)
		add_finding(out, env, NULL, &env->hindrances.items[i], i);
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < order[k]->hindrances.n; i++)
			add_finding(out, env, order[k], &order[k]->hindrances.items[i], i);
	end_table(out);
}

/* ---- residue: who else speaks of the injection labels ---- */

void ifx_html_residue(struct ifx_buf *out, const struct ifx_env_plan *env,
		      const struct ifx_ns_plan **order)
{
	size_t n = 0;

	(void)order;
	for (size_t i = 0; i < env->hindrances.n; i++) {
		const struct ifx_hindrance *h = &env->hindrances.items[i];

		if (h->id != IFX_F_W32)
			continue;
		if (!n++)
			ifx_buf_add(out, IFX_LIT("<p>The injection labels that go are spoken of "
						 "here, too:</p>\n<ul>\n"));
		ifx_buf_addf(out, "<li><a href=\"#f%zu-all-%zu\">W32</a> ",
			     env->environment->number, i);
		ifx_html_text(out, h->reason);
		if (h->object) {
			ifx_buf_addc(out, ' ');
			ifx_html_place(out, h->object, h->node);
		}
		ifx_buf_add(out, IFX_LIT("</li>\n"));
	}
	ifx_buf_add(out, n ? IFX_LIT("</ul>\n")
			   : IFX_LIT("<p>Nothing else in the tree speaks of the injection "
				     "labels.</p>\n"));
}

/* ---- resources ---- */

static void add_amount(struct ifx_buf *out, long long amount,
		       void (*add)(struct ifx_buf *, long long))
{
	ifx_buf_addf(out, "<td class=\"number\" data-sort=\"%lld\">", amount);
	if (amount)
		add(out, amount);
	else
		ifx_buf_add(out, IFX_LIT("–"));
	ifx_buf_add(out, IFX_LIT("</td>"));
}

static void add_amounts(struct ifx_buf *out, const struct ifx_tuning *t)
{
	add_number(out, t->pods);
	add_amount(out, t->cpu, ifx_quantity_cpu);
	add_amount(out, t->memory, ifx_quantity_memory);
	add_amount(out, t->cpu_limit, ifx_quantity_cpu);
	add_amount(out, t->memory_limit, ifx_quantity_memory);
}

static void add_settings(struct ifx_buf *out, const struct ifx_tuning *t)
{
	ifx_buf_add(out, IFX_LIT("<td class=\"settings\">"));
	for (const struct ifx_setting_count *c = t->others; c; c = c->next) {
		ifx_html_element(out, "code", c->name);
		ifx_buf_addf(out, c->n > 1 ? " ×%zu<br>" : "<br>", c->n);
	}
	ifx_buf_addf(out, "%s</td>", t->others ? "" : "–");
}

static bool says_something(const struct ifx_tuning *t)
{
	return t->pods || t->others;
}

void ifx_html_tuning(struct ifx_buf *out, const struct ifx_env_plan *env,
		     const struct ifx_ns_plan **order)
{
	static const char *const titles[] = { "Namespace",     "#Pods",      "#CPU",
					      "#Memory",       "#CPU limit", "#Memory limit",
					      "Other settings" };
	struct ifx_tuning sum = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < env->environment->n_namespaces; i++) {
		const struct ifx_tuning *t = &order[i]->tuning;

		if (!says_something(t))
			continue;
		if (!n++)
			ifx_html_head(out,
				      "Requests and limits that sidecars are given by "
				      "annotation: what ambient mode gives back",
				      titles, sizeof(titles) / sizeof(*titles));
		begin_row(out, order[i]->namespace->name);
		ifx_buf_add(out, IFX_LIT("><th scope=\"row\">"));
		ifx_html_namespace(out, order[i]->namespace);
		ifx_buf_addf(out, "%s</th>",
			     t->unknown ? " <small>pods on every node counted once</small>" : "");
		add_amounts(out, t);
		add_settings(out, t);
		ifx_buf_add(out, IFX_LIT("</tr>\n"));
		sum.pods += t->pods;
		sum.cpu += t->cpu;
		sum.memory += t->memory;
		sum.cpu_limit += t->cpu_limit;
		sum.memory_limit += t->memory_limit;
	}
	if (!n) {
		ifx_buf_add(out, IFX_LIT("<p>No workload sizes its sidecar.</p>\n"));
		return;
	}
	ifx_buf_add(out, IFX_LIT("</tbody><tfoot><tr><th scope=\"row\">all</th>"));
	add_amounts(out, &sum);
	ifx_buf_add(out, IFX_LIT("<td></td></tr></tfoot></table></div>\n"));
}
