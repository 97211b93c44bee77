#include "ambient/html.h"

#include "ambient/markup.h"
#include "base/sha256.h"
#include "rule/embedded.h"

/* ---- what all parts use ---- */

static bool warns(const struct ifx_hindrances *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].weight >= IFX_WEIGHT_W)
			return true;
	return false;
}

ifx_standing ifx_html_standing(const struct ifx_ns_plan *ns)
{
	if (ns->held)
		return IFX_STANDING_HELD;
	if (ns->held_late)
		return IFX_STANDING_LATE;
	if (ns->namespace->state == IFX_STATE_AMBIENT)
		return IFX_STANDING_AMBIENT;
	if (!ns->migrates)
		return IFX_STANDING_OUT;
	return warns(&ns->hindrances) ? IFX_STANDING_WARNED : IFX_STANDING_READY;
}

const char *ifx_standing_name(ifx_standing standing)
{
	static const char *const names[IFX_STANDINGS] = { "ready", "warned",  "enroll held",
							  "held",  "ambient", "out" };

	return names[standing];
}

const char *ifx_standing_class(ifx_standing standing)
{
	return standing == IFX_STANDING_LATE ? "late" : ifx_standing_name(standing);
}

void ifx_html_namespace(struct ifx_buf *out, const struct ifx_namespace *ns)
{
	ifx_buf_addf(out, "<a href=\"#n%zu-%zu\">", ns->environment->number, ns->number);
	ifx_html_text(out, ns->name);
	ifx_buf_add(out, IFX_LIT("</a>"));
}

void ifx_html_place(struct ifx_buf *out, const struct ifx_object *o, const struct ifx_node *node)
{
	size_t line, column;

	ifx_source_place(o->source, ifx_object_offset(o, node ? node : o->r->node), &line, &column);
	ifx_buf_add(out, IFX_LIT("<code class=\"place\">"));
	ifx_html_text(out, o->source->path);
	ifx_buf_addf(out, ":%zu:%zu</code>", line, column);
}

void ifx_html_head(struct ifx_buf *out, const char *caption, const char *const *titles, size_t n)
{
	ifx_buf_addf(out, "<div class=\"wide\"><table><caption>%s</caption>\n<thead><tr>", caption);
	for (size_t i = 0; i < n; i++) {
		bool number = titles[i][0] == '#';

		ifx_buf_addf(out, "<th scope=\"col\"%s>%s</th>", number ? " class=\"number\"" : "",
			     titles[i] + number);
	}
	ifx_buf_add(out, IFX_LIT("</tr></thead>\n<tbody>\n"));
}

/* ---- the summary ---- */

struct tally {
	size_t standing[IFX_STANDINGS], namespaces;
};

static void count_environment(struct tally *t, const struct ifx_env_plan *env)
{
	for (size_t i = 0; i < env->environment->n_namespaces; i++)
		t->standing[ifx_html_standing(&env->namespaces[i])]++;
	t->namespaces += env->environment->n_namespaces;
}

static struct tally count(const struct ifx_migration *plan)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < plan->estate->n_environments; i++)
		count_environment(&t, &plan->environments[i]);
	return t;
}

/* A bar made of parts whose lengths tell how many namespaces there are of each. */
static void add_bar(struct ifx_buf *out, const struct tally *t)
{
	size_t at = 0;

	if (!t->namespaces)
		return;
	ifx_buf_add(out, IFX_LIT("<svg class=\"bar\" viewBox=\"0 0 1000 10\" "
				 "preserveAspectRatio=\"none\" aria-hidden=\"true\">"));
	for (size_t i = 0; i < IFX_STANDINGS; i++) {
		size_t end = at + t->standing[i];

		if (end > at)
			ifx_buf_addf(out,
				     "<rect class=\"%s\" x=\"%zu\" y=\"0\" width=\"%zu\" "
				     "height=\"10\"/>",
				     ifx_standing_class((ifx_standing)i), 1000 * at / t->namespaces,
				     1000 * end / t->namespaces - 1000 * at / t->namespaces);
		at = end;
	}
	ifx_buf_add(out, IFX_LIT("</svg>\n"));
}

static void add_tile(struct ifx_buf *out, const char *class, const char *name, size_t n,
		     const char *what)
{
	ifx_buf_addf(out,
		     "<div class=\"tile %s%s\"><dt>%s</dt><dd data-count=\"%s\">%zu</dd>"
		     "<dd class=\"what\">%s</dd></div>\n",
		     class, n ? "" : " none", name, name, n, what);
}

static void add_summary(struct ifx_buf *out, const struct ifx_migration *plan)
{
	static const char *const what[IFX_STANDINGS] = {
		"nothing in the way",   "can go, read the warnings",
		"can prepare and bind", "needs a decision or a change",
		"already there",        "not in the mesh, or left out",
	};
	static const char *const severities[] = { "information", "warning", "security", "blocker" };
	static const char *const means[] = { "to know", "to read before it goes",
					     "holds until it is remedied or accepted",
					     "holds the namespace" };
	struct ifx_show_counts c = ifx_show_count(plan);
	struct tally t = count(plan);

	ifx_buf_addf(out,
		     "<section id=\"summary\"><h2>Summary</h2>\n<p class=\"lead\">%zu namespace%s "
		     "in %zu environment%s; %zu with sidecars.</p>\n",
		     t.namespaces, t.namespaces == 1 ? "" : "s", c.environments,
		     c.environments == 1 ? "" : "s", c.migrate);
	add_bar(out, &t);
	ifx_buf_add(out, IFX_LIT("<dl class=\"tiles\">\n"));
	for (size_t i = 0; i < IFX_STANDINGS; i++)
		add_tile(out, ifx_standing_class((ifx_standing)i),
			 ifx_standing_name((ifx_standing)i), t.standing[i], what[i]);
	ifx_buf_add(out, IFX_LIT("</dl>\n<h3>Findings</h3>\n<dl class=\"tiles\">\n"));
	for (size_t i = 4; i-- > 0;)
		add_tile(out, severities[i], severities[i], c.findings[i], means[i]);
	ifx_buf_add(out, IFX_LIT("</dl></section>\n"));
}

/* Several environments: what is in each, and the way there. */
static void add_environments(struct ifx_buf *out, const struct ifx_migration *plan)
{
	static const char *const titles[] = { "Environment",  "#Namespaces", "#ready",   "#warned",
					      "#enroll held", "#held",       "#ambient", "#out" };

	if (ifx_show_count(plan).environments < 2)
		return;
	ifx_buf_add(out, IFX_LIT("<section id=\"environments\"><h2>Environments</h2>\n"));
	ifx_html_head(out, "What is deployed together", titles, sizeof(titles) / sizeof(*titles));
	for (size_t i = 0; i < plan->estate->n_environments; i++) {
		const struct ifx_env_plan *env = &plan->environments[i];
		struct tally t = { 0 };

		if (ifx_show_is_empty(env))
			continue;
		count_environment(&t, env);
		ifx_buf_addf(out, "<tr><th scope=\"row\"><a href=\"#e%zu\">",
			     env->environment->number);
		ifx_html_text(out, env->environment->name);
		ifx_buf_addf(out, "</a></th><td class=\"number\">%zu</td>", t.namespaces);
		for (size_t k = 0; k < IFX_STANDINGS; k++)
			ifx_buf_addf(out, "<td class=\"number\">%zu</td>", t.standing[k]);
		ifx_buf_add(out, IFX_LIT("</tr>\n"));
	}
	ifx_buf_add(out, IFX_LIT("</tbody></table></div></section>\n"));
}

/* ---- the page ---- */

static ifx_str page_file(const char *name)
{
	for (size_t i = 0; i < ifx_embedded_count; i++)
		if (!strcmp(ifx_embedded_files[i].name, name))
			return (ifx_str){ (const char *)ifx_embedded_files[i].data,
					  ifx_embedded_files[i].len };
	return IFX_NONE;
}

static unsigned nibble(char c)
{
	return (unsigned)(ifx_is_digit(c) ? c - '0' : c - 'a' + 10);
}

/* 'sha256-BASE64' (CSP 3, 2.3.1) of a text. */
static void add_hash(struct ifx_buf *out, ifx_str text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char hex[IFX_SHA256_TEXT];
	unsigned bits = 0, n = 0;

	ifx_sha256(hex, text);
	ifx_buf_add(out, IFX_LIT("'sha256-"));
	/* 64 hexadecimal digits of 4 bits become 43 of 6, the last one filled up with zeros. */
	for (size_t i = 0; i < 65; i++) {
		bits = bits << 4 | (i < 64 ? nibble(hex[i]) : 0);
		n += 4;
		if (n < 6)
			continue;
		n -= 6;
		ifx_buf_addc(out, digits[bits >> n & 63]);
	}
	ifx_buf_add(out, IFX_LIT("='"));
}

static void add_top(struct ifx_buf *out, ifx_str style, ifx_str script)
{
	ifx_buf_add(out, IFX_LIT("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
				 "<meta charset=\"utf-8\">\n"
				 "<meta http-equiv=\"Content-Security-Policy\" "
				 "content=\"default-src 'none'; base-uri 'none'; "
				 "form-action 'none'; style-src "));
	add_hash(out, style);
	ifx_buf_add(out, IFX_LIT("; script-src "));
	add_hash(out, script);
	ifx_buf_add(out, IFX_LIT("\">\n<meta name=\"viewport\" content=\"width=device-width, "
				 "initial-scale=1\">\n<meta name=\"color-scheme\" "
				 "content=\"light dark\">\n<meta name=\"referrer\" "
				 "content=\"no-referrer\">\n<title>Ambient migration plan</title>\n"
				 "<style>"));
	ifx_buf_add(out, style);
	ifx_buf_add(out, IFX_LIT("</style>\n</head>\n<body>\n"));
}

/* Links to what is there: an empty tree has its summary only. */
static void add_bar_of_links(struct ifx_buf *out, bool any, bool previewed)
{
	static const struct {
		const char *id, *name;
		bool previewed;
	} links[] = {
		{ "summary", "Summary", false },  { "namespaces", "Namespaces", false },
		{ "graph", "Calls", false },      { "findings", "Findings", false },
		{ "tuning", "Resources", false }, { "details", "Details", false },
		{ "phases", "Phases", true },     { "evidence", "Evidence", true },
	};

	ifx_buf_add(out, IFX_LIT("<a class=\"skip\" href=\"#main\">To the plan</a>\n<header>\n"
				 "<h1>Ambient migration plan</h1>\n"
				 "<nav aria-label=\"Sections\">"));
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (links[i].previewed ? previewed : any || !i)
			ifx_buf_addf(out, "<a href=\"#%s\">%s</a>", links[i].id, links[i].name);
	ifx_buf_add(
		out,
		IFX_LIT("</nav>\n<form id=\"filters\" role=\"search\" hidden>"
			"<label>Namespace <input type=\"search\" id=\"filter\" autocomplete=\"off\" "
			"spellcheck=\"false\" placeholder=\"part of a name\"></label>"
			"<label>State <select id=\"standing\"><option value=\"\">all</option>"
			"<option>ready</option><option>warned</option><option>enroll held</option>"
			"<option>held</option><option>ambient</option><option>out</option></select>"
			"</label><output id=\"shown\"></output></form>\n</header>\n"
			"<main id=\"main\">\n"));
}

static void add_environment(struct ifx_buf *out, struct ifx_migration *plan,
			    const struct ifx_env_plan *env, bool first)
{
	static const struct {
		const char *id, *title;
		ifx_html_part *add;
	} parts[] = {
		{ "namespaces", "Namespaces", ifx_html_namespaces },
		{ "graph", "Who calls whom", ifx_html_graph },
		{ "calls", "Evidence of calls", ifx_html_calls },
		{ "findings", "Findings", ifx_html_findings },
		{ "residue", "Residue", ifx_html_residue },
		{ "tuning", "What sidecars ask for", ifx_html_tuning },
		{ "details", "Details", ifx_html_details },
	};
	const struct ifx_ns_plan **order = ifx_show_order(plan, env);
	size_t number = env->environment->number;

	if (!order) {
		out->bad = true;
		return;
	}
	ifx_buf_addf(out, "<section class=\"environment\" id=\"e%zu\">\n<h2>", number);
	if (ifx_str_eq(env->environment->name, IFX_LIT("."))) {
		ifx_buf_add(out, IFX_LIT("The tree"));
	} else {
		ifx_buf_add(out, IFX_LIT("Environment "));
		ifx_html_element(out, "code", env->environment->name);
	}
	ifx_buf_addf(out, "</h2>\n<p class=\"lead\">%zu wave%s, %zu cycle%s; trust domain ",
		     env->n_waves, env->n_waves == 1 ? "" : "s", env->n_cycles,
		     env->n_cycles == 1 ? "" : "s");
	ifx_html_element(out, "code", ifx_trust_domain(env->environment));
	ifx_buf_add(out, IFX_LIT(", root namespace "));
	ifx_html_element(out, "code", ifx_root_namespace(env->environment));
	ifx_buf_add(out, IFX_LIT(".</p>\n"));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		ifx_buf_addf(out, "<section class=\"%s\"", parts[i].id);
		/* Links of the header lead to the first environment. */
		if (first)
			ifx_buf_addf(out, " id=\"%s\"", parts[i].id);
		ifx_buf_addf(out, "><h3>%s</h3>\n", parts[i].title);
		parts[i].add(out, env, order);
		ifx_buf_add(out, IFX_LIT("</section>\n"));
	}
	ifx_buf_add(out, IFX_LIT("</section>\n"));
}

static void add_passed_over(struct ifx_buf *out, const struct ifx_estate *estate)
{
	bool any = false;

	for (size_t i = 0; i < estate->n_sources; i++) {
		const struct ifx_source *s = &estate->sources[i];

		if (!s->passed_over)
			continue;
		if (!any)
			ifx_buf_add(out, IFX_LIT("<section id=\"passed-over\"><h2>Not looked at"
						 "</h2>\n<ul class=\"passed-over\">\n"));
		any = true;
		ifx_buf_add(out, IFX_LIT("<li>"));
		ifx_html_element(out, "code class=\"place\"", s->path);
		ifx_buf_add(out, IFX_LIT(": "));
		ifx_html_text(out, ifx_str_of(s->passed_over));
		ifx_buf_add(out, IFX_LIT("</li>\n"));
	}
	if (any)
		ifx_buf_add(out, IFX_LIT("</ul></section>\n"));
}

void ifx_show_html(struct ifx_buf *out, struct ifx_migration *plan,
		   const struct ifx_preview *preview)
{
	ifx_str style = page_file("page.css"), script = page_file("page.js");
	bool first = true;

	add_top(out, style, script);
	add_bar_of_links(out, ifx_show_count(plan).environments, preview != NULL);
	add_summary(out, plan);
	add_environments(out, plan);
	for (size_t i = 0; i < plan->estate->n_environments; i++) {
		if (ifx_show_is_empty(&plan->environments[i]))
			continue;
		add_environment(out, plan, &plan->environments[i], first);
		first = false;
	}
	if (preview) {
		ifx_html_phases(out, preview);
		ifx_html_evidence(out, preview);
	}
	add_passed_over(out, plan->estate);
	ifx_buf_add(out, IFX_LIT("</main>\n<script>"));
	ifx_buf_add(out, script);
	ifx_buf_add(out, IFX_LIT("</script>\n</body>\n</html>\n"));
}
