/*
 * Operations on a document and on the documents embedded in its scalars, as edits of the one
 * source.
 *
 * An embedded document is planned and emitted like any other, in its own offsets; its edits are
 * then carried over to the host's source, line by line in a block scalar, byte by byte with escapes
 * in a quoted one.
 */
#include "edit/emit.h"

#include "base/alloc.h"
#include "edit/guard.h"
#include "yaml/load.h"
#include "yaml/scalar.h"
#include "yaml/style.h"

struct inner {
	const struct ifx_doc *doc;
	struct ifx_plan plan;
	struct ifx_edits own;   /* in the embedded text */
	struct ifx_edits outer; /* in the host's source */
	ifx_str after;
};

struct compile {
	const struct ifx_doc *doc;
	const struct ifx_op *const *ops;
	size_t n;
	struct ifx_arena *arena;
	struct ifx_buf *why;
	struct inner *inner;
	size_t n_inner, cap_inner;
	struct ifx_plan plan;
};

static ifx_status refuse(struct compile *c, const char *what)
{
	ifx_buf_clear(c->why);
	ifx_buf_add(c->why, ifx_str_of(what));
	return c->why->bad ? IFX_ENOMEM : IFX_EREFUSED;
}

static ifx_status find_inner(struct compile *c)
{
	for (size_t i = 0; i < c->n; i++)
		for (const struct ifx_op *op = c->ops[i]; op; op = op->next) {
			struct inner *list;
			size_t k = 0;

			if (op->doc == c->doc)
				continue;
			while (k < c->n_inner && c->inner[k].doc != op->doc)
				k++;
			if (k < c->n_inner)
				continue;
			list = ifx_grow(c->inner, &c->cap_inner, c->n_inner + 1, sizeof(*list));
			if (!list)
				return IFX_ENOMEM;
			c->inner = list;
			list[c->n_inner++] = (struct inner){ .doc = op->doc };
		}
	return IFX_OK;
}

/* ---- carrying edits over ---- */

static bool starts_line(ifx_str text, size_t at)
{
	return !at || text.ptr[at - 1] == '\n';
}

/* Offset in the host's source behind byte i - 1 of the embedded text. */
static size_t behind(const struct ifx_doc *inner, size_t i)
{
	return i ? inner->host_map[i - 1] + 1 : inner->host_map[0];
}

/* The host's line that begins with byte i of the text; at the end of the text the line behind. */
static size_t host_line(const struct ifx_doc *inner, size_t i)
{
	ifx_str src = inner->host->doc->src;

	if (i < inner->src.len)
		return ifx_line_start(src, inner->host_map[i]);
	return i ? ifx_line_next(src, inner->host_map[i - 1]) : inner->host_map[0];
}

static void add_lines(struct ifx_buf *out, ifx_str text, size_t indent, ifx_str newline,
		      bool line_start)
{
	ifx_str rest = text, line;

	while (ifx_str_split(&rest, '\n', &line)) {
		if (line.len && line_start)
			ifx_buf_fill(out, ' ', indent);
		ifx_buf_add(out, line);
		if (rest.ptr)
			ifx_buf_add(out, newline);
		line_start = true;
	}
}

/*
 * The host's span and text for an edit of a literal text: whole lines are lines there too, anything
 * else is a part of a line.
 */
static ifx_span carry_literal(const struct ifx_doc *doc, const struct ifx_edit *e,
			      struct ifx_buf *text)
{
	ifx_str src = doc->host->doc->src, newline = ifx_style_newline(src, doc->host->span.at);
	size_t indent = ifx_scalar_indent(doc->host), at = e->span.at, end = at + e->span.len;
	size_t from, to;

	if (starts_line(doc->src, at) && starts_line(doc->src, end)) {
		from = host_line(doc, at);
		to = host_line(doc, end);
		add_lines(text, e->text, indent, newline, true);
	} else {
		from = at < doc->src.len && starts_line(doc->src, at) ? doc->host_map[at]
								      : behind(doc, at);
		to = end > at ? behind(doc, end) : from;
		add_lines(text, e->text, indent, newline, false);
	}
	return (ifx_span){ from, to - from };
}

static ifx_status carry(struct compile *c, struct inner *in, const struct ifx_edit *e,
			struct ifx_buf *text)
{
	const struct ifx_doc *doc = in->doc;
	ifx_style style = doc->host->style;
	size_t at = e->span.at, end = at + e->span.len;
	bool lines = ifx_str_chr(e->text, '\n') != SIZE_MAX;
	ifx_span span;
	ifx_str copy;
	ifx_status st;

	ifx_buf_clear(text);
	if (style == IFX_LITERAL) {
		span = carry_literal(doc, e, text);
	} else if (lines && style == IFX_FOLDED) {
		return refuse(c, "the text is folded ('>'); write it with '|'");
	} else if (lines && style != IFX_DOUBLE) {
		return refuse(c, "the text is on one line; write it with '|'");
	} else {
		/* A folded text ends in lines that are not its own. */
		size_t len = doc->src.len;
		size_t last = style == IFX_FOLDED ? behind(doc, len) : doc->host_map[len];

		span.at = at < len ? doc->host_map[at] : last;
		span.len = (end < len ? doc->host_map[end] : last) - span.at;
		ifx_scalar_escape(text, e->text, style);
	}
	copy = text->bad ? IFX_NONE : ifx_arena_copy(c->arena, ifx_buf_str(text));
	if (!copy.ptr)
		return IFX_ENOMEM;
	st = ifx_edits_push(&in->outer, c->arena, span, copy);
	return st == IFX_EREFUSED ? refuse(c, "two changes touch the same text") : st;
}

/* The host with the carried edits in it, behind as many blanks as its map's column. */
struct excerpt {
	struct ifx_doc doc;
	struct ifx_node node, map;
	struct ifx_entry entry, first;
};

static ifx_status make_excerpt(struct compile *c, const struct inner *in, struct excerpt *x,
			       struct ifx_buf *text)
{
	const struct ifx_node *host = in->doc->host;
	const struct ifx_entry *entry = host->entry;
	ifx_str src = host->doc->src;
	size_t from = host->span.at, pos = from, to = from + host->span.len, column = 0;

	if (ifx_emit_is_text(host))
		to = host->raw_end;
	/* An explicit indentation (`|2`) counts from the column of the host's map. */
	if (entry)
		column = ifx_column(src, entry->in->first->start);
	ifx_buf_clear(text);
	ifx_buf_fill(text, ' ', column);
	for (size_t i = 0; i < in->outer.n; i++) {
		const struct ifx_edit *e = &in->outer.items[i];

		if (e->span.at < pos || e->span.at + e->span.len > to)
			return refuse(c, "the change does not stay inside the text");
		ifx_buf_add(text, ifx_str_sub(src, pos, e->span.at - pos));
		ifx_buf_add(text, e->text);
		pos = e->span.at + e->span.len;
	}
	ifx_buf_add(text, ifx_str_sub(src, pos, to - pos));
	if (text->bad)
		return IFX_ENOMEM;
	x->doc.src = ifx_buf_str(text);
	x->node = *host;
	x->node.doc = &x->doc;
	x->node.span = (ifx_span){ column, text->len - column };
	x->node.raw_end = text->len;
	x->map.first = &x->first;
	x->first.start = column;
	x->entry.in = &x->map;
	x->node.entry = entry ? &x->entry : NULL;
	return IFX_OK;
}

/*
 * Does the scalar, with the edits carried over, say the new text? Line breaks at its end are a
 * matter of the host's chomping. The indentation of a block scalar is that of its first line, which
 * may have changed.
 */
static ifx_status check_carried(struct compile *c, struct inner *in, struct ifx_buf *text)
{
	const struct ifx_node *host = in->doc->host;
	struct excerpt x = { 0 };
	ifx_status st = make_excerpt(c, in, &x, text);
	ifx_str said, want = in->after, got;

	if (st != IFX_OK)
		return st;
	said = ifx_scalar_decode(&x.node, c->arena, NULL);
	if (!said.ptr)
		return IFX_ENOMEM;
	got = said;
	while (want.len && want.ptr[want.len - 1] == '\n')
		want.len--;
	while (got.len && got.ptr[got.len - 1] == '\n')
		got.len--;
	if (!ifx_str_eq(got, want) ||
	    (ifx_emit_is_text(host) && ifx_scalar_indent(&x.node) != ifx_scalar_indent(host)))
		return refuse(c, "the text is wrapped in a way that cannot be kept");
	in->after = ifx_arena_copy(c->arena, said);
	return in->after.ptr ? IFX_OK : IFX_ENOMEM;
}

static ifx_status compile_inner(struct compile *c, struct inner *in)
{
	struct ifx_buf text;
	ifx_status st;

	st = ifx_plan_make(&in->plan, in->doc, c->ops, c->n, c->arena, c->why);
	if (st != IFX_OK)
		return st;
	if (in->plan.root_gone) {
		for (size_t i = 0; i < in->doc->n_comments; i++)
			if (ifx_plan_fate(&in->plan, i) != IFX_COMMENT_GOES)
				return refuse(c, "only a comment would be left of the text");
		return IFX_OK;
	}
	st = ifx_plan_emit(&in->plan, &in->own, c->why);
	if (st != IFX_OK)
		return st;
	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_edits_splice(&in->own, in->doc->src, &text);
	/* A second document behind the first is not read by Istio, but it is kept. */
	size_t rest = ifx_text(in->doc->host).len - in->doc->src.len;
	ifx_buf_add(&text, ifx_str_sub(ifx_text(in->doc->host), in->doc->src.len, rest));
	in->after = text.bad ? IFX_NONE : ifx_arena_copy(c->arena, ifx_buf_str(&text));
	st = in->after.ptr ? IFX_OK : IFX_ENOMEM;
	for (size_t i = 0; i < in->own.n && st == IFX_OK; i++)
		st = carry(c, in, &in->own.items[i], &text);
	if (st == IFX_OK)
		st = check_carried(c, in, &text);
	ifx_buf_release(&text);
	return st;
}

static ifx_status guard_all(const struct compile *c)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < c->n; i++)
		for (const struct ifx_op *op = c->ops[i]; op && st == IFX_OK; op = op->next)
			st = ifx_guard_op(c->why, op);
	return st;
}

static ifx_status compile_all(struct compile *c, struct ifx_edits *edits)
{
	const struct ifx_op **ops = ifx_arena_alloc(c->arena, (c->n + 1) * sizeof(*ops));
	struct ifx_op *gone = NULL;
	ifx_status st = guard_all(c);

	if (!ops)
		return IFX_ENOMEM;
	if (st == IFX_OK)
		st = find_inner(c);
	for (size_t i = 0; i < c->n_inner && st == IFX_OK; i++)
		st = compile_inner(c, &c->inner[i]);
	if (st != IFX_OK)
		return st;
	/* A text of which nothing is left goes as an entry. */
	for (size_t i = 0; i < c->n_inner; i++) {
		struct ifx_op *op;

		if (!c->inner[i].plan.root_gone)
			continue;
		op = ifx_arena_alloc(c->arena, sizeof(*op));
		if (!op)
			return IFX_ENOMEM;
		if (!c->inner[i].doc->host->entry || !c->inner[i].doc->host->entry->key)
			return refuse(c, "nothing would be left of the text");
		*op = (struct ifx_op){ .verb = IFX_OP_REMOVE,
				       .doc = c->doc,
				       .entry = c->inner[i].doc->host->entry,
				       .next = gone };
		gone = op;
	}
	if (c->n)
		memcpy(ops, c->ops, c->n * sizeof(*ops));
	ops[c->n] = gone;
	st = ifx_plan_make(&c->plan, c->doc, ops, c->n + 1, c->arena, c->why);
	if (st != IFX_OK)
		return st;
	for (size_t i = 0; i < c->n_inner && st == IFX_OK; i++) {
		struct inner *in = &c->inner[i];

		if (!in->plan.root_gone)
			st = ifx_plan_inside(&c->plan, in->doc->host, in->after, &in->outer,
					     c->why);
	}
	if (st == IFX_OK)
		st = ifx_plan_emit(&c->plan, edits, c->why);
	return st == IFX_OK ? ifx_guard_edits(c->why, c->doc, edits) : st;
}

static void compile_release(struct compile *c)
{
	for (size_t i = 0; i < c->n_inner; i++) {
		ifx_edits_release(&c->inner[i].own);
		ifx_edits_release(&c->inner[i].outer);
	}
	ifx_free(c->inner);
}

ifx_status ifx_compile(struct ifx_edits *edits, const struct ifx_doc *doc,
		       const struct ifx_op *const *ops, size_t n, struct ifx_arena *arena,
		       struct ifx_buf *why)
{
	struct compile c = { .doc = doc, .ops = ops, .n = n, .arena = arena, .why = why };
	ifx_status st;

	ifx_edits_init(edits);
	st = compile_all(&c, edits);
	if (st != IFX_OK)
		ifx_edits_release(edits);
	compile_release(&c);
	return st;
}

static ifx_status prove_inner(struct compile *c, const struct inner *in)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc;
	ifx_span first = { 0 };
	size_t at = 0;
	ifx_status st;

	if (in->plan.root_gone)
		return IFX_OK;
	ifx_buf_init(&problem.text, 4096);
	if (!ifx_stream_next(in->after, &at, &first))
		first.len = in->after.len;
	st = ifx_doc_load(&doc, ifx_str_sub(in->after, 0, first.len), &problem);
	if (st == IFX_OK) {
		st = ifx_prove(&in->plan, doc, c->why);
		ifx_doc_free(doc);
	} else if (st != IFX_ENOMEM) {
		ifx_buf_addf(c->why, "the embedded text does not parse: %.*s",
			     IFX_ARG(ifx_buf_str(&problem.text)));
		st = IFX_EINVAL;
	}
	ifx_buf_release(&problem.text);
	return st;
}

ifx_status ifx_compile_and_prove(ifx_str *after_text, struct ifx_doc **after,
				 struct ifx_edits *edits, const struct ifx_doc *doc,
				 const struct ifx_op *const *ops, size_t n, struct ifx_arena *arena,
				 struct ifx_buf *why)
{
	struct compile c = { .doc = doc, .ops = ops, .n = n, .arena = arena, .why = why };
	struct ifx_problem problem = { 0 };
	struct ifx_doc *loaded = NULL;
	struct ifx_buf text;
	ifx_status st;

	ifx_edits_init(edits);
	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_buf_init(&problem.text, 4096);
	st = compile_all(&c, edits);
	if (st != IFX_OK)
		goto out;
	ifx_edits_splice(edits, doc->src, &text);
	*after_text = text.bad ? IFX_NONE : ifx_arena_copy(arena, ifx_buf_str(&text));
	if (!after_text->ptr) {
		st = IFX_ENOMEM;
		goto out;
	}
	ifx_buf_clear(why);
	/* Two runs of blank lines may have become one that is too long to be read again. */
	st = ifx_precheck(*after_text, &problem);
	if (st == IFX_ELIMIT) {
		ifx_buf_addf(why, "the result would have %.*s",
			     IFX_ARG(ifx_buf_str(&problem.text)));
		st = IFX_EREFUSED;
		goto out;
	}
	if (st == IFX_OK)
		st = ifx_doc_load(&loaded, *after_text, &problem);
	if (st != IFX_OK && st != IFX_ENOMEM) {
		ifx_buf_addf(why, "the result does not parse: %.*s",
			     IFX_ARG(ifx_buf_str(&problem.text)));
		st = IFX_EINVAL;
	}
	if (st == IFX_OK)
		st = ifx_prove(&c.plan, loaded, why);
	for (size_t i = 0; i < c.n_inner && st == IFX_OK; i++)
		st = prove_inner(&c, &c.inner[i]);
	if (st == IFX_OK && doc->mask)
		st = ifx_guard_prove(doc, loaded, edits, arena, why);
out:
	if (st == IFX_OK) {
		*after = loaded;
	} else {
		ifx_doc_free(loaded);
		ifx_edits_release(edits);
	}
	compile_release(&c);
	ifx_buf_release(&text);
	ifx_buf_release(&problem.text);
	return st;
}
