/* The page's phases, as diffs, and the evidence of the model. */
#include "ambient/html.h"

#include "ambient/markup.h"
#include "ambient/preview.h"

/* ---- phases ---- */

static const char *class_of_line(ifx_str line)
{
	if (ifx_str_starts(line, IFX_LIT("+")))
		return " class=\"add\"";
	if (ifx_str_starts(line, IFX_LIT("-")))
		return " class=\"del\"";
	return ifx_str_starts(line, IFX_LIT("@@")) ? " class=\"hunk\"" : "";
}

/* The lines of file names are in the summary already. */
static void add_diff(struct ifx_buf *out, ifx_str diff)
{
	ifx_str line;
	bool in_hunk = false;

	ifx_buf_add(out, IFX_LIT("<pre class=\"diff\">"));
	while (ifx_str_split(&diff, '\n', &line)) {
		if (!diff.ptr && !line.len)
			break;
		in_hunk |= ifx_str_starts(line, IFX_LIT("@@"));
		if (!in_hunk)
			continue;
		ifx_buf_addf(out, "<span%s>", class_of_line(line));
		ifx_html_text(out, line);
		ifx_buf_add(out, IFX_LIT("\n</span>"));
	}
	ifx_buf_add(out, IFX_LIT("</pre>"));
}

static void add_file(struct ifx_buf *out, const struct ifx_preview_file *f, bool open)
{
	ifx_buf_add(out, IFX_LIT("<details"));
	ifx_html_attribute(out, "data-ns", f->namespaces);
	ifx_buf_addf(out, "%s><summary>", open ? " open" : "");
	ifx_html_element(out, "code", f->path);
	ifx_buf_addc(out, ' ');
	ifx_html_element(out, "b", f->namespaces);
	ifx_buf_add(out, IFX_LIT("</summary>\n"));
	add_diff(out, f->diff);
	ifx_buf_add(out, IFX_LIT("</details>\n"));
}

static void add_holds(struct ifx_buf *out, const struct ifx_preview_phase *phase)
{
	if (!phase->holds)
		return;
	ifx_buf_addf(out, "<details><summary>held before it: %zu namespace%s</summary>\n<ul>\n",
		     phase->n_held, phase->n_held == 1 ? "" : "s");
	for (const struct ifx_preview_hold *h = phase->holds; h; h = h->next) {
		ifx_buf_add(out, IFX_LIT("<li"));
		ifx_html_attribute(out, "data-ns", h->namespace);
		ifx_buf_addc(out, '>');
		ifx_html_element(out, "b", h->namespace);
		ifx_buf_add(out, IFX_LIT(": "));
		ifx_html_text(out, h->why);
		ifx_buf_add(out, IFX_LIT("</li>\n"));
	}
	ifx_buf_add(out, IFX_LIT("</ul></details>\n"));
}

static void add_phase(struct ifx_buf *out, const struct ifx_preview_phase *phase, ifx_step step)
{
	const struct ifx_proof *proof = &phase->proof;

	ifx_buf_addf(out,
		     "<section class=\"phase\" id=\"phase-%s\"><h3>%s</h3>\n<p class=\"lead\">"
		     "%zu namespace%s, %zu file%s.",
		     ifx_step_name(step), ifx_step_name(step), phase->n_changed,
		     phase->n_changed == 1 ? "" : "s", phase->n_files,
		     phase->n_files == 1 ? "" : "s");
	if (proof->n_workloads)
		ifx_buf_addf(out,
			     " P1, P2 and P3 hold for it: %zu workload%s, %zu requests, %zu calls"
			     "%s.",
			     proof->n_workloads, proof->n_workloads == 1 ? "" : "s",
			     proof->n_requests, proof->n_calls,
			     proof->n_sampled ? ", for some of them a sample" : "");
	ifx_buf_add(out, IFX_LIT("</p>\n"));
	add_holds(out, phase);
	for (const struct ifx_preview_file *f = phase->files; f; f = f->next)
		add_file(out, f, phase->n_files <= 3);
	ifx_buf_add(out, IFX_LIT("</section>\n"));
}

void ifx_html_phases(struct ifx_buf *out, const struct ifx_preview *preview)
{
	ifx_buf_add(out,
		    IFX_LIT("<section id=\"phases\"><h2>Phases</h2>\n<p class=\"lead\">What "
			    "<code>ambient apply</code> would change if all that nothing holds "
			    "went through all phases at once.</p>\n"));
	for (size_t i = 0; i < IFX_PREVIEW_PHASES; i++)
		add_phase(out, &preview->phases[i], (ifx_step)i);
	ifx_buf_add(out, IFX_LIT("</section>\n"));
}

/* ---- evidence ---- */

static void add_row(struct ifx_buf *out, const struct ifx_preview_row *r)
{
	const ifx_str cells[] = { r->workload, r->caller, r->request, r->way, r->before, r->after };

	ifx_buf_add(out, IFX_LIT("<tr"));
	ifx_html_attribute(out, "data-ns", r->namespace);
	ifx_buf_add(out, IFX_LIT("><th scope=\"row\">"));
	ifx_html_text(out, r->namespace);
	ifx_buf_add(out, IFX_LIT("</th>"));
	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++)
		ifx_html_element(out, "td", cells[i]);
	ifx_buf_addf(
		out,
		"<td><span class=\"badge %s\">%s</span></td><td class=\"number\">%zu</td></tr>\n",
		r->same ? "ready" : "warned", r->verdict, r->n);
}

void ifx_html_evidence(struct ifx_buf *out, const struct ifx_preview *preview)
{
	static const char *const titles[] = { "Namespace",  "Workload", "Caller",
					      "Request",    "Through",  "Today",
					      "At the end", "Verdict",  "#Requests" };

	ifx_buf_add(
		out,
		IFX_LIT("<section id=\"evidence\" class=\"evidence-table\"><h2>Evidence</h2>\n"));
	if (!preview->n_rows) {
		ifx_buf_add(out, IFX_LIT("<p>No policy tells one caller or request from another."
					 "</p></section>\n"));
		return;
	}
	ifx_buf_addf(
		out,
		"<p class=\"lead\">The tree's own policies, asked about every caller and request "
		"that they tell apart, today and after all phases: %zu workload%s, %zu requests, "
		"%zu calls. P1: the same decision through the Service. P2: never looser on any "
		"path. P3: no ALLOW policy for a workload that had none.</p>\n",
		preview->n_workloads, preview->n_workloads == 1 ? "" : "s", preview->n_requests,
		preview->n_calls);
	if (preview->n_sampled)
		ifx_buf_addf(out, "<p>For %zu of them not all requests were tried: a sample.</p>\n",
			     preview->n_sampled);
	if (preview->n_kept < preview->n_rows)
		ifx_buf_addf(out,
			     "<p>The first %zu of %zu rows, those that change before others.</p>\n",
			     preview->n_kept, preview->n_rows);
	ifx_html_head(out, "Decisions, today and at the end", titles,
		      sizeof(titles) / sizeof(*titles));
	for (const struct ifx_preview_row *r = preview->rows; r; r = r->next)
		add_row(out, r);
	ifx_buf_add(out, IFX_LIT("</tbody></table></div></section>\n"));
}
