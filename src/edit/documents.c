#include "edit/documents.h"

#include "base/alloc.h"
#include "edit/emit.h"
#include "yaml/load.h"
#include "yaml/style.h"

#include <stdlib.h>

static const ifx_str BOM = { "\xEF\xBB\xBF", 3 };

/* ---- documents of a stream ---- */

static bool is_blank_line(ifx_str text, size_t at)
{
	size_t end = ifx_line_end(text, at);

	while (at < end && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
		at++;
	return at == end;
}

static bool is_comment_line(ifx_str text, size_t at)
{
	while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
		at++;
	return at < text.len && text.ptr[at] == '#';
}

/* The first document has no marker: comments at the top that a blank line sets apart are the
 * file's. */
static size_t behind_header(ifx_str stream, size_t at, size_t end)
{
	size_t body = at;
	bool comment = false;

	for (; at < end; at = ifx_line_next(stream, at)) {
		if (is_comment_line(stream, at)) {
			comment = true;
		} else if (!is_blank_line(stream, at)) {
			return body;
		} else if (comment) {
			size_t next = ifx_line_next(stream, at);

			while (next < end && is_blank_line(stream, next))
				next = ifx_line_next(stream, next);
			body = next;
		}
	}
	return body;
}

static void look_at(struct ifx_document *d, ifx_str stream)
{
	size_t end = d->span.at + d->span.len, at = d->span.at;
	ifx_str rest = ifx_str_sub(stream, 0, end);

	d->marker = SIZE_MAX;
	d->empty = true;
	if (!at && ifx_str_starts(stream, BOM))
		at = BOM.len;
	d->body = at;
	for (; at < end; at = ifx_line_next(rest, at)) {
		if (ifx_is_marker(rest, at, "---") && d->marker == SIZE_MAX && d->empty) {
			d->marker = at;
			d->body = ifx_line_next(rest, at);
			/* `--- {a: 1}`, `--- # why` */
			for (size_t i = at + 3; i < ifx_line_end(rest, at); i++)
				if (rest.ptr[i] != ' ' && rest.ptr[i] != '\t') {
					d->empty &= rest.ptr[i] == '#';
					d->body = i;
					break;
				}
			continue;
		}
		if (!is_blank_line(rest, at) && !is_comment_line(rest, at) && rest.ptr[at] != '%' &&
		    !ifx_is_marker(rest, at, "..."))
			d->empty = false;
		if (!d->empty)
			break;
	}
	if (d->marker == SIZE_MAX && !d->span.at)
		d->body = behind_header(rest, d->body, end);
}

ifx_status ifx_documents_split(struct ifx_documents *out, ifx_str stream, struct ifx_arena *arena)
{
	size_t at = 0, n = 0;
	ifx_span span;

	while (ifx_stream_next(stream, &at, &span))
		n++;
	out->list = ifx_arena_alloc(arena, (n + 1) * sizeof(*out->list));
	out->n = n;
	if (!out->list)
		return IFX_ENOMEM;
	at = 0;
	for (size_t i = 0; ifx_stream_next(stream, &at, &span); i++) {
		out->list[i].span = span;
		look_at(&out->list[i], stream);
	}
	return IFX_OK;
}

/* ---- ops to edits ---- */

struct edit {
	struct ifx_edits *edits;
	ifx_str stream;
	struct ifx_documents old;
	const struct ifx_document_op **ops; /* by document, adding ones last */
	size_t n;
	struct ifx_arena *arena;
	struct ifx_buf *why;
	struct ifx_buf text; /* scratch */
	bool left;           /* a document was kept or added so far */
	bool unmark;         /* the next one that is kept needs no marker */
};

static ifx_status fail(struct edit *e, ifx_status st, const char *fmt, ...) IFX_PRINTF(3, 4);

static ifx_status fail(struct edit *e, ifx_status st, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_clear(e->why);
	ifx_buf_vaddf(e->why, fmt, ap);
	va_end(ap);
	return e->why->bad ? IFX_ENOMEM : st;
}

/* The text that `text` says, as a tree. */
static ifx_status load(struct edit *e, struct ifx_doc **doc, ifx_str text)
{
	struct ifx_problem problem = { 0 };
	ifx_status st;

	ifx_buf_init(&problem.text, 4096);
	st = ifx_precheck(text, &problem);
	if (st == IFX_OK)
		st = ifx_doc_load(doc, text, &problem);
	if (st != IFX_OK && st != IFX_ENOMEM)
		st = fail(e, IFX_EINVAL, "the document does not parse: %.*s",
			  IFX_ARG(ifx_buf_str(&problem.text)));
	ifx_buf_release(&problem.text);
	return st;
}

static ifx_status push(struct edit *e, size_t from, size_t to, ifx_str text)
{
	ifx_str copy = ifx_arena_copy(e->arena, text);
	ifx_status st;

	if (!copy.ptr)
		return IFX_ENOMEM;
	st = ifx_edits_push(e->edits, e->arena, (ifx_span){ from, to - from }, copy);
	return st == IFX_EREFUSED ? fail(e, st, "two changes touch the same text") : st;
}

static bool ends_line(ifx_str text, size_t at)
{
	return at && strchr("\r\n", text.ptr[at - 1]);
}

/* The document ends with a `...` line. */
static bool is_closed(ifx_str stream, const struct ifx_document *d)
{
	size_t end = d->span.at + d->span.len, last;

	if (!d->span.len)
		return false;
	last = ifx_line_start(stream, ends_line(stream, end) ? end - 1 : end);
	if (last && last < end && stream.ptr[last] == '\n' && stream.ptr[last - 1] == '\r')
		last = ifx_line_start(stream, last - 1);
	return ifx_is_marker(stream, last, "...");
}

/* Blank lines at the end of a document. */
static size_t blank_lines(ifx_str stream, const struct ifx_document *d)
{
	ifx_str text = ifx_str_sub(stream, 0, d->span.at + d->span.len);
	size_t n = 0;

	while (text.len > d->body && ends_line(text, text.len)) {
		size_t line;

		text.len -= text.ptr[text.len - 1] == '\n';
		text.len -= text.len && text.ptr[text.len - 1] == '\r';
		line = ifx_line_start(text, text.len);
		if (line < d->body || !is_blank_line(text, line))
			break;
		n++;
		text.len = line;
	}
	return n;
}

static void add_lines(struct ifx_buf *out, ifx_str text, ifx_str newline)
{
	for (size_t at = 0; at < text.len; at = ifx_line_next(text, at)) {
		ifx_buf_add(out, ifx_str_sub(text, at, ifx_line_end(text, at) - at));
		ifx_buf_add(out, newline);
	}
}

/* Does the last line of the text need its line break? */
static ifx_status needs_break(struct edit *e, ifx_str text, bool *needed)
{
	struct ifx_doc *doc;
	ifx_status st = load(e, &doc, text);

	if (st != IFX_OK)
		return st;
	*needed = doc->root && ifx_emit_needs_break(ifx_emit_deepest_last(doc->root));
	ifx_doc_free(doc);
	return IFX_OK;
}

/* May blank lines behind the document be text of it? */
static bool keeps_breaks(ifx_str stream, const struct ifx_document *d)
{
	ifx_str text = ifx_str_sub(stream, d->span.at, d->span.len);

	return ifx_str_find(text, IFX_LIT("|+")) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT(">+")) != SIZE_MAX;
}

/* Insert a document behind document i, which may be dropped. */
static ifx_status add(struct edit *e, size_t i, bool dropped, ifx_str text)
{
	const struct ifx_document *d = &e->old.list[i];
	size_t end = d->span.at + d->span.len, blanks = blank_lines(e->stream, d);
	ifx_str newline = ifx_style_newline(e->stream, end ? end - 1 : 0);
	bool last = i + 1 == e->old.n, open = last && !ends_line(e->stream, end), keep = false;
	ifx_status st = IFX_OK;

	if (open && !dropped) {
		st = needs_break(e, ifx_str_sub(e->stream, d->span.at, d->span.len), &keep);
		if (st == IFX_OK && keep)
			st = fail(e, IFX_EREFUSED,
				  "the text at the end of the file would get a line break");
		if (st != IFX_OK)
			return st;
	}
	ifx_buf_clear(&e->text);
	if (open && !blanks && !dropped)
		ifx_buf_add(&e->text, newline);
	/* At the end of the file the habit is looked up at the document before. */
	if (last && i && !blanks && !dropped && !keeps_breaks(e->stream, d))
		for (blanks = blank_lines(e->stream, d - 1); blanks; blanks--)
			ifx_buf_add(&e->text, newline);
	ifx_buf_add(&e->text, IFX_LIT("---"));
	ifx_buf_add(&e->text, newline);
	add_lines(&e->text, text, newline);
	for (; !last && blanks && !ifx_str_ends(text, IFX_LIT("\n\n")); blanks--)
		ifx_buf_add(&e->text, newline);
	if (open)
		st = needs_break(e, text, &keep);
	if (open && !keep && !e->text.bad)
		e->text.len -= newline.len;
	if (!last && d[1].marker == SIZE_MAX) {
		ifx_buf_add(&e->text, IFX_LIT("..."));
		ifx_buf_add(&e->text, newline);
	}
	if (e->text.bad)
		return IFX_ENOMEM;
	e->left = true;
	e->unmark = false;
	return st == IFX_OK ? push(e, end, end, ifx_buf_str(&e->text)) : st;
}

/* Document i goes. */
static ifx_status drop(struct edit *e, size_t i)
{
	const struct ifx_document *d = &e->old.list[i];
	size_t end = d->span.at + d->span.len, from = d->span.at;
	bool first = !i, next_unmarked = i + 1 < e->old.n && d[1].marker == SIZE_MAX;
	bool header;

	if (first) {
		from = d->marker == SIZE_MAX ? d->body : d->marker;
		/* Directives count for one document only; they go with it. */
		for (size_t at = 0; at < from; at = ifx_line_next(e->stream, at))
			if (e->stream.ptr[at] == '%')
				from = at;
	}
	header = from > (ifx_str_starts(e->stream, BOM) ? BOM.len : 0) && first;
	if (!e->left && !header)
		e->unmark = d->marker == SIZE_MAX || e->unmark;
	if (i && next_unmarked && is_closed(e->stream, d) && !is_closed(e->stream, d - 1)) {
		/* Its `...` is what the next one begins behind. */
		ifx_buf_clear(&e->text);
		ifx_buf_addf(&e->text, "---%.*s", IFX_ARG(ifx_style_newline(e->stream, end - 1)));
		return e->text.bad ? IFX_ENOMEM : push(e, from, end, ifx_buf_str(&e->text));
	}
	return end > from ? push(e, from, end, IFX_NONE) : IFX_OK;
}

/* The first one that is left, behind others that had no marker: its own one is not needed, when
 * nothing stands before it and nothing else on its line. */
static ifx_status unmark(struct edit *e, const struct ifx_document *d)
{
	size_t next;

	e->unmark = false;
	if (d->marker != d->span.at)
		return IFX_OK;
	next = ifx_line_next(e->stream, d->marker);
	return d->body == next && next < d->span.at + d->span.len
		       ? push(e, d->marker, next, IFX_NONE)
		       : IFX_OK;
}

static ifx_status change(struct edit *e, const struct ifx_document *d,
			 const struct ifx_edits *edits)
{
	ifx_status st = IFX_OK;

	for (size_t k = 0; k < edits->n && st == IFX_OK; k++) {
		ifx_span span = edits->items[k].span;

		st = push(e, d->span.at + span.at, d->span.at + span.at + span.len,
			  edits->items[k].text);
	}
	return st;
}

static int by_document(const void *a, const void *b)
{
	const struct ifx_document_op *x = *(const struct ifx_document_op *const *)a;
	const struct ifx_document_op *y = *(const struct ifx_document_op *const *)b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if ((x->verb == IFX_DOCUMENT_ADD) != (y->verb == IFX_DOCUMENT_ADD))
		return x->verb == IFX_DOCUMENT_ADD ? 1 : -1;
	return x < y ? -1 : x > y;
}

/* Copies of the operations, sorted; the end is the last document that says anything. */
static ifx_status sort_ops(struct edit *e, const struct ifx_document_op *ops, size_t n)
{
	struct ifx_document_op *copies = ifx_arena_alloc(e->arena, (n + 1) * sizeof(*copies));
	size_t end = e->old.n;

	e->ops = ifx_arena_alloc(e->arena, (n + 1) * sizeof(*e->ops));
	if (!copies || !e->ops)
		return IFX_ENOMEM;
	while (end > 1 && e->old.list[end - 1].empty)
		end--;
	for (size_t i = 0; i < n; i++) {
		copies[i] = ops[i];
		e->ops[i] = &copies[i];
		if (copies[i].at == IFX_DOCUMENT_END)
			copies[i].at = end ? end - 1 : 0;
		if (copies[i].at >= e->old.n && e->old.n)
			return fail(e, IFX_EREFUSED, "there is no such document");
	}
	e->n = n;
	if (n)
		qsort(e->ops, n, sizeof(*e->ops), by_document);
	return IFX_OK;
}

/* All operations on document i: the ones from *k on. */
static ifx_status edit_one(struct edit *e, size_t i, size_t *k)
{
	const struct ifx_document *d = &e->old.list[i];
	const struct ifx_edits *changed = NULL;
	bool dropped = false;
	ifx_status st = IFX_OK;

	for (; *k < e->n && e->ops[*k]->at == i && e->ops[*k]->verb != IFX_DOCUMENT_ADD; ++*k) {
		if (dropped || changed)
			return fail(e, IFX_EREFUSED, "the document is changed twice");
		dropped = e->ops[*k]->verb == IFX_DOCUMENT_DROP;
		changed = e->ops[*k]->edits;
	}
	if (dropped) {
		st = drop(e, i);
	} else {
		e->left |= !d->empty;
		if (e->unmark)
			st = unmark(e, d);
		if (st == IFX_OK && changed)
			st = change(e, d, changed);
	}
	for (; *k < e->n && e->ops[*k]->at == i && st == IFX_OK; ++*k)
		st = add(e, i, dropped, e->ops[*k]->text);
	return st;
}

/* A stream without any document. */
static ifx_status fill(struct edit *e)
{
	ifx_buf_clear(&e->text);
	for (size_t k = 0; k < e->n; k++) {
		if (e->ops[k]->verb != IFX_DOCUMENT_ADD)
			return fail(e, IFX_EREFUSED, "there is no such document");
		if (k)
			ifx_buf_add(&e->text, IFX_LIT("---\n"));
		ifx_buf_add(&e->text, e->ops[k]->text);
	}
	if (e->text.bad)
		return IFX_ENOMEM;
	e->left = e->n;
	return e->n ? push(e, 0, 0, ifx_buf_str(&e->text)) : IFX_OK;
}

/* ---- the proof ---- */

static ifx_status differs(struct edit *e, size_t i, const char *what)
{
	return fail(e, IFX_EINVAL, "document %zu %s", i + 1, what);
}

/* Do two texts say the same, comments included? */
static ifx_status same_data(struct edit *e, ifx_str expected, ifx_str got, size_t i)
{
	struct ifx_doc *a = NULL, *b = NULL;
	struct ifx_plan plan;
	ifx_status st = load(e, &a, expected);

	if (st == IFX_OK)
		st = load(e, &b, got);
	if (st == IFX_OK)
		st = ifx_plan_make(&plan, a, NULL, 0, e->arena, e->why);
	if (st == IFX_OK)
		st = ifx_prove(&plan, b, e->why);
	if (st == IFX_EINVAL)
		st = differs(e, i, "does not say what it should");
	ifx_doc_free(a);
	ifx_doc_free(b);
	return st;
}

static ifx_str own_text(ifx_str stream, const struct ifx_document *d)
{
	size_t from = d->marker == SIZE_MAX ? d->span.at : d->marker + 3;

	if (!from && ifx_str_starts(stream, BOM))
		from = BOM.len;
	return ifx_str_sub(stream, from, d->span.at + d->span.len - from);
}

/* Without what may stand before it or go away from before it: the rest of the marker's line. */
static ifx_str without_marker_line(ifx_str text)
{
	size_t at = 0;

	while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
		at++;
	if (at < text.len && strchr("\r\n", text.ptr[at]))
		at = ifx_line_next(text, at);
	return ifx_str_sub(text, at, text.len - at);
}

/* A document that stays: byte for byte, but for a marker and a line break at the end of the file.
 */
static ifx_status prove_kept(struct edit *e, ifx_str want, ifx_str got, size_t i)
{
	ifx_str a = without_marker_line(want), b = without_marker_line(got);

	if (ifx_str_eq(a, b) || (ifx_str_ends(b, a) && !i))
		return IFX_OK;
	if (ifx_str_starts(b, a) && !ifx_str_trim(ifx_str_sub(b, a.len, b.len - a.len)).len)
		return same_data(e, want, got, i);
	return differs(e, i, "is not what it was");
}

static ifx_str changed_text(struct edit *e, const struct ifx_document *d, const struct ifx_edits *x)
{
	ifx_str chunk = ifx_str_sub(e->stream, d->span.at, d->span.len);
	struct ifx_document after = { 0 };
	ifx_str copy;

	ifx_buf_clear(&e->text);
	ifx_edits_splice(x, chunk, &e->text);
	copy = e->text.bad ? IFX_NONE : ifx_arena_copy(e->arena, ifx_buf_str(&e->text));
	if (!copy.ptr)
		return copy;
	after.span.len = copy.len;
	look_at(&after, copy);
	return own_text(copy, &after);
}

static ifx_status prove(struct edit *e, ifx_str after)
{
	struct ifx_documents now;
	size_t at = 0, k = 0;
	ifx_status st = ifx_documents_split(&now, after, e->arena);

	for (size_t i = 0; i < e->old.n && st == IFX_OK; i++) {
		const struct ifx_document *d = &e->old.list[i];
		ifx_str want = own_text(e->stream, d);
		bool dropped = false;

		for (; k < e->n && e->ops[k]->at == i && e->ops[k]->verb != IFX_DOCUMENT_ADD; k++) {
			dropped = e->ops[k]->verb == IFX_DOCUMENT_DROP;
			if (e->ops[k]->edits)
				want = changed_text(e, d, e->ops[k]->edits);
			if (!want.ptr)
				return IFX_ENOMEM;
		}
		/* A marker that is left over says nothing. */
		while (!d->empty && at < now.n && now.list[at].empty)
			at++;
		if (!dropped && at == now.n && !d->empty)
			return differs(e, i, "is not there any more");
		if (!dropped && at < now.n && (!d->empty || now.list[at].empty)) {
			st = prove_kept(e, want, own_text(after, &now.list[at]), i);
			at++;
		}
		for (; k < e->n && e->ops[k]->at == i && st == IFX_OK; k++) {
			if (at == now.n)
				return differs(e, i, "is not followed by the new one");
			st = same_data(e, e->ops[k]->text, own_text(after, &now.list[at++]), i);
		}
	}
	for (; at < now.n && st == IFX_OK; at++)
		if (!now.list[at].empty)
			st = differs(e, at, "is one too many");
	return st;
}

ifx_status ifx_documents_edit(struct ifx_edits *edits, ifx_str *after, ifx_str stream,
			      const struct ifx_document_op *ops, size_t n, struct ifx_arena *arena,
			      struct ifx_buf *why)
{
	struct edit e = { .edits = edits, .stream = stream, .arena = arena, .why = why };
	size_t k = 0;
	ifx_status st;

	ifx_edits_init(edits);
	ifx_buf_init(&e.text, IFX_BUF_MAX);
	st = ifx_documents_split(&e.old, stream, arena);
	if (st == IFX_OK)
		st = sort_ops(&e, ops, n);
	for (size_t i = 0; i < e.old.n && st == IFX_OK; i++)
		st = edit_one(&e, i, &k);
	if (st == IFX_OK && !e.old.n)
		st = fill(&e);
	if (st == IFX_OK && !e.left && n) {
		/* Nothing is left that says anything. */
		ifx_edits_release(edits);
		ifx_edits_init(edits);
		st = stream.len ? push(&e, 0, stream.len, IFX_NONE) : IFX_OK;
	}
	if (st == IFX_OK) {
		ifx_buf_clear(&e.text);
		ifx_edits_splice(edits, stream, &e.text);
		*after = e.text.bad ? IFX_NONE : ifx_arena_copy(arena, ifx_buf_str(&e.text));
		st = after->ptr ? IFX_OK : IFX_ENOMEM;
	}
	if (st == IFX_OK && e.old.n)
		st = prove(&e, *after);
	if (st != IFX_OK)
		ifx_edits_release(edits);
	ifx_buf_release(&e.text);
	return st;
}
