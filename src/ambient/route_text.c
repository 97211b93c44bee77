#include "ambient/route.h"

#include "edit/documents.h"
#include "yaml/scalar.h"
#include "yaml/style.h"

void ifx_route_line(struct ifx_route *r, size_t col, const char *fmt, ...)
{
	struct ifx_buf *out = &r->hand.text;
	va_list ap;

	ifx_buf_fill(out, ' ', col);
	va_start(ap, fmt);
	ifx_buf_vaddf(out, fmt, ap);
	va_end(ap);
	ifx_buf_addc(out, '\n');
}

/* The comment behind a value, with the blanks before it. */
static void add_trail(struct ifx_route *r, const struct ifx_entry *e)
{
	const struct ifx_doc *doc = r->o->r->node->doc;
	size_t i = e && e->in->style != IFX_FLOW ? ifx_entry_trail(e) : IFX_NO_COMMENT, at;

	if (i == IFX_NO_COMMENT || r->said[i] || ifx_is(e->value, IFX_MAP) ||
	    ifx_is(e->value, IFX_SEQ))
		return;
	r->said[i] = true;
	at = doc->comments[i].span.at;
	while (at && doc->src.ptr[at - 1] == ' ')
		at--;
	ifx_buf_fill(&r->hand.text, ' ', doc->comments[i].span.at - at);
	ifx_buf_add(&r->hand.text, ifx_comment_text(doc, i));
}

void ifx_route_pair(struct ifx_route *r, size_t col, const char *key, const struct ifx_node *node,
		    ifx_str value)
{
	struct ifx_buf *out = &r->hand.text;
	ifx_style style = r->hand.quote == '"' ? IFX_DOUBLE : IFX_SINGLE;
	bool own = !value.ptr;

	if (own)
		value = ifx_text(node);
	ifx_buf_fill(out, ' ', col);
	ifx_buf_addf(out, "%s: ", key);
	if (own && node->style <= IFX_DOUBLE)
		style = node->style;
	else if (ifx_plain_ok(value, false))
		style = IFX_PLAIN;
	if (own && style == IFX_PLAIN)
		ifx_buf_add(out, value); /* a number stays one */
	else
		ifx_scalar_quote(out, value,
				 style == IFX_PLAIN ? style : ifx_style_for(value, style, false));
	add_trail(r, node ? node->entry : NULL);
	ifx_buf_addc(out, '\n');
}

size_t ifx_route_item_col(const struct ifx_route *r, size_t col)
{
	return col + r->hand.dash + 2;
}

size_t ifx_route_item(struct ifx_route *r)
{
	return r->hand.text.len;
}

void ifx_route_item_end(struct ifx_route *r, size_t begin, size_t col)
{
	struct ifx_buf *out = &r->hand.text;

	if (!out->bad && out->len > begin + col)
		out->data[begin + col - 2] = '-';
}

static void add_comment(struct ifx_route *r, size_t i, size_t col)
{
	ifx_str text = ifx_str_trim(ifx_comment_text(r->o->r->node->doc, i));

	if (r->said[i])
		return;
	r->said[i] = true;
	ifx_route_line(r, col, "%.*s", IFX_ARG(text));
}

void ifx_route_head(struct ifx_route *r, const struct ifx_entry *e, size_t col)
{
	size_t first, n;

	if (!e || e->in->style == IFX_FLOW)
		return;
	n = ifx_entry_head(e, &first);
	for (size_t i = 0; i < n; i++)
		add_comment(r, first + i, col);
}

void ifx_route_leftovers(struct ifx_route *r, size_t from, size_t to, size_t at, size_t col)
{
	const struct ifx_doc *doc = r->o->r->node->doc;
	struct ifx_buf *out = &r->hand.text;
	ifx_str behind;

	if (out->bad)
		return;
	behind = ifx_arena_copy(&r->m->changes->arena,
				ifx_str_sub(ifx_buf_str(out), at, out->len - at));
	r->m->failed |= !behind.ptr;
	out->len = at;
	for (size_t i = ifx_comment_from(doc, from); i < doc->n_comments; i++)
		if (doc->comments[i].span.at < to)
			add_comment(r, i, col);
	ifx_buf_add(out, behind);
}

/* Lines of the old document as they are, and the comments in them. */
static void copy_lines(struct ifx_route *r, size_t from, size_t to)
{
	const struct ifx_doc *doc = r->o->r->node->doc;
	ifx_str rest = ifx_str_sub(doc->src, from, to - from), line;

	for (size_t i = ifx_comment_from(doc, from); i < doc->n_comments; i++)
		if (doc->comments[i].span.at < to)
			r->said[i] = true;
	while (ifx_str_split(&rest, '\n', &line)) {
		line.len -= line.len && line.ptr[line.len - 1] == '\r';
		if (!rest.ptr && !line.len)
			return;
		ifx_buf_add(&r->hand.text, line);
		ifx_buf_addc(&r->hand.text, '\n');
	}
}

/* Where the document's own text begins: behind what belongs to the file. */
static size_t body_of(struct ifx_route *r, ifx_str src)
{
	struct ifx_documents documents;

	if (ifx_documents_split(&documents, src, &r->m->changes->arena) == IFX_OK && documents.n)
		return documents.list[0].body;
	r->m->failed = true;
	return 0;
}

void ifx_route_top(struct ifx_route *r)
{
	const struct ifx_node *root = r->o->r->node;
	const struct ifx_entry *metadata = ifx_map_entry(root, IFX_LIT("metadata"));
	ifx_str src = root->doc->src;
	size_t body = body_of(r, src);

	for (size_t i = 0; i < root->doc->n_comments; i++)
		if (root->doc->comments[i].span.at < body)
			r->said[i] = true;
	copy_lines(r, body, ifx_line_start(src, root->first->start));
	ifx_route_line(r, 0, "apiVersion: gateway.networking.k8s.io/v1");
	ifx_route_line(r, 0, "kind: HTTPRoute");
	copy_lines(r, ifx_line_start(src, metadata->start), ifx_line_next(src, metadata->end - 1));
	ifx_route_line(r, 0, "spec:");
}
