/* The calls, drawn: bands from the callers to the callees, each a wave (layout.h). */
#include "ambient/html.h"

#include "ambient/layout.h"
#include "ambient/links.h"
#include "ambient/markup.h"
#include "base/alloc.h"

/* Letters of a name that fit into a node. */
#define NAME_LETTERS 21
/* Evidence told with one edge; the table has all of it. */
#define EVIDENCE_MAX 5

struct drawn {
	const struct ifx_ns_plan *ns; /* NULL: not in the tree */
	ifx_str name;
};

/* Links from one caller to one callee: one edge. */
struct call {
	size_t first, n; /* in the links of the environment */
};

struct graph {
	const struct ifx_env_plan *env;
	struct drawn *drawn;
	struct call *calls;
	struct ifx_layout layout;
	struct ifx_layout_edge *edges;
	size_t *node_of; /* of a namespace's number, from 1; 0: not drawn */
	unsigned char *calls_or_called;
	bool outside; /* the first band is of those that do not migrate, or are elsewhere */
};

enum { CALLS = 1, CALLED = 2 };

/* ---- nodes and edges ---- */

static size_t add_node(struct graph *g, const struct ifx_ns_plan *ns, ifx_str name)
{
	size_t i = g->layout.n_nodes++;

	g->drawn[i] = (struct drawn){ ns, name };
	return i;
}

static bool is_first_of_call(const struct ifx_links *links, size_t i)
{
	const struct ifx_link *l = &links->items[i], *before = l - 1;

	return !i || before->callee != l->callee ||
	       !ifx_str_eq(before->caller_name, l->caller_name);
}

static void look_at_links(struct graph *g)
{
	const struct ifx_links *links = &g->env->links;

	for (size_t i = 0; i < links->n; i++) {
		const struct ifx_link *l = &links->items[i];

		if (l->caller == l->callee)
			continue;
		if (l->caller)
			g->calls_or_called[l->caller->number] |= CALLS;
		else
			g->outside = true;
		g->calls_or_called[l->callee->number] |= CALLED;
	}
	for (size_t i = 0; i < g->env->environment->n_namespaces; i++)
		g->outside |= !g->env->namespaces[i].migrates && g->calls_or_called[i] == CALLS;
}

/* Those that stay as they are stand before all waves when they only call, else behind them. */
static size_t layer_of(const struct graph *g, const struct ifx_ns_plan *ns, size_t i)
{
	if (ns->wave)
		return ns->wave - 1 + g->outside;
	return g->calls_or_called[i] == CALLS ? 0 : g->env->n_waves + g->outside;
}

static void add_namespaces(struct graph *g)
{
	for (size_t i = 0; i < g->env->environment->n_namespaces; i++) {
		const struct ifx_ns_plan *ns = &g->env->namespaces[i];
		size_t node;

		if (!ns->migrates && !g->calls_or_called[i])
			continue;
		node = add_node(g, ns, ns->namespace->name);
		g->node_of[i] = node + 1;
		g->layout.nodes[node] =
			(struct ifx_layout_node){ .layer = layer_of(g, ns, i), .group = ns->cycle };
	}
}

/* Links are sorted by caller, so a caller that is not in the tree comes in one piece. */
static void add_calls(struct graph *g)
{
	const struct ifx_links *links = &g->env->links;
	ifx_str stranger = IFX_NONE;
	size_t at = 0;

	for (size_t i = 0; i < links->n; i++) {
		const struct ifx_link *l = &links->items[i];
		size_t k = g->layout.n_edges;

		if (l->caller == l->callee)
			continue;
		if (k && !is_first_of_call(links, i)) {
			g->calls[k - 1].n++;
			continue;
		}
		if (!l->caller && !(stranger.ptr && ifx_str_eq(stranger, l->caller_name))) {
			stranger = l->caller_name;
			at = add_node(g, NULL, stranger);
		}
		g->edges[k].from = l->caller ? g->node_of[l->caller->number] - 1 : at;
		g->edges[k].to = g->node_of[l->callee->number] - 1;
		g->calls[k] = (struct call){ i, 1 };
		g->layout.n_edges++;
	}
}

static bool graph_make(struct graph *g, const struct ifx_env_plan *env)
{
	size_t n = env->environment->n_namespaces, links = env->links.n, most = n + links + 1;

	*g = (struct graph){ .env = env,
			     .drawn = ifx_calloc(most, sizeof(*g->drawn)),
			     .calls = ifx_calloc(links + 1, sizeof(*g->calls)),
			     .edges = ifx_calloc(links + 1, sizeof(*g->edges)),
			     .node_of = ifx_calloc(n + 1, sizeof(*g->node_of)),
			     .calls_or_called = ifx_calloc(n + 1, 1) };
	g->layout.nodes = ifx_calloc(most, sizeof(*g->layout.nodes));
	if (!g->drawn || !g->calls || !g->edges || !g->node_of || !g->calls_or_called ||
	    !g->layout.nodes)
		return false;
	look_at_links(g);
	add_namespaces(g);
	add_calls(g);
	g->layout.edges = g->edges;
	g->layout.n_groups = env->n_cycles;
	g->layout.n_layers = env->n_waves + 1 + g->outside;
	return ifx_layout_make(&g->layout) == IFX_OK;
}

static void graph_release(struct graph *g)
{
	ifx_layout_release(&g->layout);
	ifx_free(g->layout.nodes);
	ifx_free(g->drawn);
	ifx_free(g->calls);
	ifx_free(g->edges);
	ifx_free(g->node_of);
	ifx_free(g->calls_or_called);
}

/* ---- drawing ---- */

static void add_band(struct ifx_buf *out, const struct graph *g, size_t i)
{
	const struct ifx_layout_box *box = &g->layout.layers[i];
	size_t wave = i + 1 - g->outside;

	if (!box->width)
		return;
	ifx_buf_addf(out,
		     "<g class=\"band\"><rect x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%zu\" "
		     "rx=\"8\"/><text x=\"%zu\" y=\"%zu\">",
		     box->x - IFX_FRAME, box->y, box->width + 2 * IFX_FRAME,
		     box->height + IFX_FRAME, box->x, box->y + 18);
	if (g->outside && !i)
		ifx_buf_add(out, IFX_LIT("outside"));
	else if (wave > g->env->n_waves)
		ifx_buf_add(out, IFX_LIT("stay as they are"));
	else
		ifx_buf_addf(out, "wave %zu", wave);
	ifx_buf_add(out, IFX_LIT("</text></g>\n"));
}

static void add_frames(struct ifx_buf *out, const struct graph *g)
{
	const struct ifx_layout_box *box = &g->layout.below;

	for (size_t i = 0; i < g->layout.n_layers; i++)
		add_band(out, g, i);
	if (box->width)
		ifx_buf_addf(out,
			     "<g class=\"band\"><text x=\"%zu\" y=\"%zu\">no calls known, wave 1"
			     "</text></g>\n",
			     box->x, box->y + 18);
	box = g->layout.groups;
	for (size_t i = 0; i < g->layout.n_groups; i++, box++)
		if (box->width)
			ifx_buf_addf(
				out,
				"<g class=\"cycle\"><title>cycle %zu: they call each other and "
				"go together</title><rect x=\"%zu\" y=\"%zu\" width=\"%zu\" "
				"height=\"%zu\" rx=\"8\"/></g>\n",
				i + 1, box->x, box->y, box->width, box->height);
}

/* As in page.js, which draws them again when nodes move. */
static void add_path(struct ifx_buf *out, const struct ifx_layout_node *a,
		     const struct ifx_layout_node *b)
{
	long w = IFX_NODE_WIDTH, ax = (long)a->x, bx = (long)b->x, d;
	long ay = (long)a->y + IFX_NODE_HEIGHT / 2, by = (long)b->y + IFX_NODE_HEIGHT / 2;

	if (bx > ax) {
		d = (bx - ax - w) / 2;
		d = d < 24 ? 24 : d;
		ifx_buf_addf(out, "M%ld %ldC%ld %ld %ld %ld %ld %ld", ax + w, ay, ax + w + d, ay,
			     bx - d, by, bx, by);
	} else if (bx == ax) {
		ifx_buf_addf(out, "M%ld %ldC%ld %ld %ld %ld %ld %ld", ax + w, ay, ax + w + 32, ay,
			     bx + w + 32, by, bx + w, by);
	} else {
		d = (ax - bx - w) / 2;
		d = d < 24 ? 24 : d;
		ifx_buf_addf(out, "M%ld %ldC%ld %ld %ld %ld %ld %ld", ax, ay, ax - d, ay,
			     bx + w + d, by, bx + w, by);
	}
}

static void add_evidence(struct ifx_buf *out, const struct graph *g, const struct call *c)
{
	size_t line, column;

	for (size_t i = 0; i < c->n && i < EVIDENCE_MAX; i++) {
		const struct ifx_link *l = &g->env->links.items[c->first + i];

		ifx_source_place(
			l->object->source,
			ifx_object_offset(l->object, l->node ? l->node : l->object->r->node), &line,
			&column);
		ifx_buf_addf(out, "\n%s '", ifx_link_name(l->kind));
		ifx_html_text(out, l->text);
		ifx_buf_add(out, IFX_LIT("', "));
		ifx_html_text(out, l->object->source->path);
		ifx_buf_addf(out, ":%zu:%zu", line, column);
	}
	if (c->n > EVIDENCE_MAX)
		ifx_buf_addf(out, "\nand %zu more", c->n - EVIDENCE_MAX);
}

static void add_edge(struct ifx_buf *out, const struct graph *g, size_t i)
{
	const struct ifx_layout_edge *e = &g->edges[i];
	const struct ifx_layout_node *a = &g->layout.nodes[e->from], *b = &g->layout.nodes[e->to];

	ifx_buf_addf(out, "<path class=\"edge%s\" data-a=\"%zu\" data-b=\"%zu\" d=\"",
		     a->group && a->group == b->group ? " cyclic" : "", e->from, e->to);
	add_path(out, a, b);
	ifx_buf_add(out, IFX_LIT("\"><title>"));
	ifx_html_text(out, g->drawn[e->from].name);
	ifx_buf_add(out, IFX_LIT(" calls "));
	ifx_html_text(out, g->drawn[e->to].name);
	add_evidence(out, g, &g->calls[i]);
	ifx_buf_add(out, IFX_LIT("</title></path>\n"));
}

/* At most NAME_LETTERS; the title has all of it. */
static void add_name(struct ifx_buf *out, ifx_str name)
{
	size_t at = 0, letters = 0, end = 0;
	uint32_t c;

	while (at < name.len && letters < NAME_LETTERS) {
		size_t len = ifx_utf8_decode(ifx_str_sub(name, at, name.len - at), &c);

		at += len ? len : 1;
		if (++letters == NAME_LETTERS - 1)
			end = at;
	}
	ifx_html_text(out, ifx_str_sub(name, 0, at < name.len ? end : at));
	if (at < name.len)
		ifx_buf_add(out, IFX_LIT("…"));
}

static void add_drawn(struct ifx_buf *out, const struct graph *g, size_t i)
{
	static const char *const marks[IFX_STANDINGS] = { "✓", "!", "◐", "✕", "◆", "–" };
	const struct ifx_layout_node *node = &g->layout.nodes[i];
	const struct drawn *d = &g->drawn[i];
	ifx_standing s = d->ns ? ifx_html_standing(d->ns) : IFX_STANDING_OUT;

	ifx_buf_addf(out, "<a class=\"node %s\" data-i=\"%zu\"",
		     d->ns ? ifx_standing_class(s) : "outside", i);
	ifx_html_attribute(out, "data-ns", d->name);
	if (d->ns)
		ifx_buf_addf(out, " href=\"#n%zu-%zu\" data-standing=\"%s\"",
			     g->env->environment->number, d->ns->namespace->number,
			     ifx_standing_name(s));
	else
		ifx_buf_add(out, IFX_LIT(" href=\"#calls\" data-standing=\"\""));
	ifx_buf_addf(out, " transform=\"translate(%zu %zu)\"><title>", node->x, node->y);
	ifx_html_text(out, d->name);
	if (d->ns)
		ifx_buf_addf(out, ": %s", ifx_standing_name(s));
	else
		ifx_buf_add(out, IFX_LIT(": not in the tree"));
	ifx_buf_addf(
		out,
		"</title><rect width=\"%d\" height=\"%d\" rx=\"5\"/><path class=\"side\" "
		"d=\"M5 .5H4A4 4 0 0 0 .5 5V21A4 4 0 0 0 4 25.5H5Z\"/><text x=\"13\" y=\"17\">",
		IFX_NODE_WIDTH, IFX_NODE_HEIGHT);
	add_name(out, d->name);
	ifx_buf_addf(out, "</text><text class=\"mark\" x=\"%d\" y=\"17\">%s</text></a>\n",
		     IFX_NODE_WIDTH - 9, d->ns ? marks[s] : "?");
}

static void add_drawing(struct ifx_buf *out, const struct graph *g)
{
	size_t number = g->env->environment->number;

	ifx_buf_addf(
		out,
		"<svg id=\"g%zu\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" "
		"width=\"%zu\" height=\"%zu\" role=\"group\" aria-label=\"Calls between "
		"namespaces\"%s>\n<defs><marker id=\"arrow%zu\" viewBox=\"0 0 8 8\" refX=\"8\" "
		"refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path "
		"d=\"M0 0L8 4L0 8Z\"/></marker></defs>\n<g class=\"frames\">\n",
		number, g->layout.width, g->layout.height, g->layout.width, g->layout.height,
		g->layout.n_edges > 200 ? " class=\"dense\"" : "", number);
	add_frames(out, g);
	ifx_buf_addf(out, "</g>\n<g class=\"edges\" marker-end=\"url(#arrow%zu)\">\n", number);
	for (size_t i = 0; i < g->layout.n_edges; i++)
		add_edge(out, g, i);
	ifx_buf_add(out, IFX_LIT("</g>\n<g class=\"nodes\">\n"));
	for (size_t i = 0; i < g->layout.n_nodes; i++)
		add_drawn(out, g, i);
	ifx_buf_add(out, IFX_LIT("</g>\n</svg>\n"));
}

static void add_legend(struct ifx_buf *out)
{
	ifx_buf_add(
		out,
		IFX_LIT("<figcaption class=\"legend\"><span class=\"badge ready\">✓ ready</span> "
			"<span class=\"badge warned\">! warned</span> "
			"<span class=\"badge late\">◐ enroll held</span> "
			"<span class=\"badge held\">✕ held</span> "
			"<span class=\"badge ambient\">◆ ambient</span> "
			"<span class=\"badge out\">– out</span> "
			"<span class=\"badge cyclic\">cycle: these go together</span></figcaption>\n"));
}

void ifx_html_graph(struct ifx_buf *out, const struct ifx_env_plan *env,
		    const struct ifx_ns_plan **order)
{
	struct graph g;

	(void)order;
	if (!graph_make(&g, env)) {
		out->bad = true;
	} else if (!g.layout.n_nodes) {
		ifx_buf_add(out,
			    IFX_LIT("<p>No namespace migrates, and none calls another.</p>\n"));
	} else {
		ifx_buf_add(
			out,
			IFX_LIT("<p class=\"lead\">An arrow leads from the caller to the callee. "
				"Callers go first: waves from left to right.</p>\n"
				"<figure class=\"drawing\">\n"
				"<div class=\"tools\" hidden></div>\n"
				"<div class=\"canvas\">"));
		add_drawing(out, &g);
		ifx_buf_add(out,
			    IFX_LIT("</div>\n<aside class=\"panel\" aria-live=\"polite\" hidden>"
				    "</aside>\n"));
		add_legend(out);
		ifx_buf_add(out, IFX_LIT("</figure>\n"));
	}
	graph_release(&g);
}
