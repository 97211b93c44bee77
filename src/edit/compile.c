/*
 * Operations on a document and on the documents embedded in its scalars, as edits of the one source.
 *
 * An embedded document is planned and emitted like any other, in its own offsets; its edits are then
 * carried over to the host's source, line by line in a block scalar, byte by byte with escapes in a quoted one.
 */
#include "edit/plan.h"

#include "base/alloc.h"
#include "yaml/load.h"
#include "yaml/scalar.h"
#include "yaml/style.h"

struct inner {
	const struct ifx_doc *doc;
	struct ifx_plan plan;
	bool planned;
	struct ifx_edits own; /* in the embedded text */
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
	bool planned;
};

static ifx_status refuse(struct compile *c, const char *what)
{
	ifx_buf_clear(c->why);
	ifx_buf_add(c->why, ifx_str_of(what));
	return IFX_EREFUSED;
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

/* Offset behind byte i - 1 of the embedded text. */
static size_t behind(const struct ifx_doc *inner, size_t i)
{
	return i ? inner->host_map[i - 1] + 1 : inner->host_map[0];
}

/* First byte of the host's line that holds line i of the text; at the end of the text the line behind. */
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

static ifx_status carry(struct compile *c, struct inner *in, const struct ifx_edit *e,
			struct ifx_buf *text)
{
	const struct ifx_doc *doc = in->doc;
	const struct ifx_node *host = doc->host;
	ifx_str src = host->doc->src, newline = ifx_style_newline(src, host->span.at), copy;
	size_t at = e->span.at, end = at + e->span.len, from, to;
	size_t indent = ifx_column(src, doc->host_map[0]);

	ifx_buf_clear(text);
	if (host->style == IFX_LITERAL) {
		if (starts_line(doc->src, at) && starts_line(doc->src, end)) {
			from = host_line(doc, at);
			to = host_line(doc, end);
			add_lines(text, e->text, indent, newline, true);
			/* The last line of the file has no break, and what came before it keeps none. */
			if (to < from)
				to = from;
		} else {
			from = at < doc->src.len && !starts_line(doc->src, at) ? behind(doc, at) :
				       at < doc->src.len			? doc->host_map[at] :
										  behind(doc, at);
			to = end > at ? behind(doc, end) : from;
			add_lines(text, e->text, indent, newline, false);
		}
	} else if (host->style == IFX_FOLDED) {
		if (ifx_str_chr(e->text, '\n') != SIZE_MAX)
			return refuse(c, "the text is folded ('>'); write it with '|'");
		from = doc->host_map[at];
		to = end < doc->src.len ? doc->host_map[end] : behind(doc, end);
		if (end == doc->src.len && end && doc->src.ptr[end - 1] == '\n')
			to = doc->host_map[end - 1];
		if (end == doc->src.len && !e->text.len)
			while (from > host->span.at && strchr(" \r\n", src.ptr[from - 1]))
				from--;
		ifx_buf_add(text, e->text);
	} else {
		if (host->style != IFX_DOUBLE && ifx_str_chr(e->text, '\n') != SIZE_MAX)
			return refuse(c, "the text is on one line; write it with '|'");
		from = doc->host_map[at];
		to = doc->host_map[end];
		ifx_scalar_escape(text, e->text, host->style);
	}
	copy = text->bad ? IFX_NONE : ifx_arena_copy(c->arena, ifx_buf_str(text));
	if (!copy.ptr)
		return IFX_ENOMEM;
	if (ifx_edits_push(&in->outer, c->arena, (ifx_span){ from, to - from }, copy) ==
	    IFX_EREFUSED)
		return refuse(c, "two changes touch the same text");
	return IFX_OK;
}

/* Does the scalar, with the edits carried over, really say the new text? */
static ifx_status check_carried(struct compile *c, struct inner *in, struct ifx_buf *text)
{
	const struct ifx_node *host = in->doc->host;
	bool block = host->style == IFX_LITERAL || host->style == IFX_FOLDED;
	size_t from = host->span.at, to = block ? host->raw_end : host->span.at + host->span.len;
	struct ifx_edits local;
	struct ifx_doc doc = { 0 };
	struct ifx_node node = *host;
	ifx_str said;
	ifx_status st;

	/* An explicit indentation counts from the parent's column, which is not in the excerpt. */
	if (block && ifx_line_end(ifx_raw(host), 0) > 1 &&
	    strpbrk("123456789", (char[]){ ifx_raw(host).ptr[1], 0 }))
		return IFX_OK;
	ifx_edits_init(&local);
	for (size_t i = 0; i < in->outer.n; i++) {
		struct ifx_edit e = in->outer.items[i];

		if (e.span.at < from || e.span.at + e.span.len > to) {
			ifx_edits_release(&local);
			return refuse(c, "the change does not stay inside the text");
		}
		st = ifx_edits_push(&local, c->arena,
				    (ifx_span){ e.span.at - from, e.span.len }, e.text);
		if (st != IFX_OK) {
			ifx_edits_release(&local);
			return st;
		}
	}
	ifx_buf_clear(text);
	ifx_edits_splice(&local, ifx_str_sub(host->doc->src, from, to - from), text);
	ifx_edits_release(&local);
	if (text->bad)
		return IFX_ENOMEM;
	doc.src = ifx_buf_str(text);
	node.doc = &doc;
	node.entry = NULL;
	node.span = (ifx_span){ 0, text->len };
	node.raw_end = text->len;
	said = ifx_scalar_decode(&node, c->arena, NULL);
	if (!said.ptr)
		return IFX_ENOMEM;
	if (!ifx_str_eq(said, in->after))
		return refuse(c, "the text is wrapped in a way that cannot be kept");
	return IFX_OK;
}

static ifx_status compile_inner(struct compile *c, struct inner *in)
{
	struct ifx_buf text;
	ifx_status st;

	st = ifx_plan_make(&in->plan, in->doc, c->ops, c->n, c->arena, c->why);
	if (st != IFX_OK)
		return st;
	in->planned = true;
	if (in->plan.root_gone) {
		for (size_t i = 0; i < in->doc->n_comments; i++)
			if (in->plan.comments[i] != IFX_COMMENT_GOES)
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

static ifx_status add_change(struct ifx_plan *plan, struct ifx_change change)
{
	struct ifx_change *list = ifx_grow(plan->changes, &plan->cap_changes, plan->n_changes + 1,
					   sizeof(*list));

	if (!list)
		return IFX_ENOMEM;
	plan->changes = list;
	list[plan->n_changes++] = change;
	return IFX_OK;
}

static ifx_status compile_all(struct compile *c, struct ifx_edits *edits)
{
	const struct ifx_op **ops = ifx_arena_alloc(c->arena, (c->n + 1) * sizeof(*ops));
	struct ifx_op *gone = NULL;
	ifx_status st = find_inner(c);

	if (!ops)
		return IFX_ENOMEM;
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
	c->planned = true;
	for (size_t i = 0; i < c->n_inner && st == IFX_OK; i++) {
		struct inner *in = &c->inner[i];

		if (in->plan.root_gone)
			continue;
		if (ifx_plan_change(&c->plan, in->doc->host))
			return refuse(c, "another change is already made there");
		st = add_change(&c->plan, (struct ifx_change){ .node = in->doc->host,
							       .text = in->after,
							       .inside = &in->outer });
	}
	return st == IFX_OK ? ifx_plan_emit(&c->plan, edits, c->why) : st;
}

static void compile_release(struct compile *c)
{
	for (size_t i = 0; i < c->n_inner; i++) {
		if (c->inner[i].planned)
			ifx_plan_release(&c->inner[i].plan);
		ifx_edits_release(&c->inner[i].own);
		ifx_edits_release(&c->inner[i].outer);
	}
	ifx_free(c->inner);
	if (c->planned)
		ifx_plan_release(&c->plan);
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
