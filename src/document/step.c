#include "document/document.h"

#include "base/alloc.h"
#include "edit/plan.h"

#include <stdlib.h>

/* ---- the place of a finding ---- */

/** Bytes of a line before and behind a finding, by which it is known again. */
#define LINE_MAX ((size_t)4096)
/** Edits on either side that may have taken it away: what a fix moves does not go far. */
#define EDITS_NEAR ((size_t)16)

/* The edits that begin before `old`. */
static size_t edits_before(const struct ifx_edits *edits, size_t old)
{
	size_t lo = 0, hi = edits->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (edits->items[mid].span.at < old)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Where an edit near `old` took this text away, the nearest one; SIZE_MAX: none did. */
static size_t taken_from(const struct ifx_work *w, size_t old, ifx_str text)
{
	const struct ifx_edits *edits = &w->total;
	size_t middle = edits_before(edits, old);

	for (size_t i = 0; text.len && i < 2 * EDITS_NEAR; i++) {
		/* One before, one behind, and so on. */
		size_t nth = i % 2 ? middle + i / 2 : middle - i / 2 - 1, found;
		ifx_span gone;

		if (nth >= edits->n) /* also below 0 */
			continue;
		gone = edits->items[nth].span;
		found = ifx_str_find(ifx_str_sub(w->original, gone.at, gone.len), text);
		if (found != SIZE_MAX)
			return gone.at + found;
	}
	return SIZE_MAX;
}

/* The line around `at`, without blanks at its ends; empty when it is long. */
static ifx_str short_line(ifx_str src, size_t at)
{
	size_t from = at > LINE_MAX ? at - LINE_MAX : 0, start, end;

	src = ifx_str_sub(src, from, src.len - from < 2 * LINE_MAX ? src.len - from : 2 * LINE_MAX);
	start = ifx_line_start(src, at - from);
	end = ifx_line_end(src, at - from);
	if ((from && !start) || end - start >= LINE_MAX)
		return IFX_LIT("");
	return ifx_str_trim(ifx_str_sub(src, start, end - start));
}

/*
 * What an earlier fix moved, and a later one may have changed: the line is looked for where it was
 * taken away, then its key. SIZE_MAX: a fix made it up.
 */
static size_t moved_from(const struct ifx_work *w, size_t old, size_t at)
{
	ifx_str line = short_line(w->doc->src, at), key = line;
	size_t into = line.len ? at - (size_t)(line.ptr - w->doc->src.ptr) : 0, found;
	size_t colon = ifx_str_chr(line, ':');

	if (!line.len || line.ptr > w->doc->src.ptr + at)
		return SIZE_MAX;
	found = taken_from(w, old, line);
	if (found != SIZE_MAX || colon == SIZE_MAX)
		return found == SIZE_MAX ? found : found + into;
	key.len = colon + 1;
	found = taken_from(w, old, key);
	return found == SIZE_MAX ? found : found + (into < colon ? into : 0);
}

/* Of what a fix made up: the line behind which it was put, so that it is in the same object. */
static size_t put_behind(const struct ifx_work *w, size_t old)
{
	ifx_str src = w->original;
	size_t at = old;

	while (at && strchr(" \t\r\n", src.ptr[at - 1]))
		at--;
	if (!at || !memchr(src.ptr + at, '\n', old - at))
		return old; /* put into a line */
	for (at = ifx_line_start(src, at - 1); src.ptr[at] == ' ';)
		at++;
	return at;
}

/* The place in the file of what was found in the text as it is now. */
void ifx_step_place(const struct ifx_work *w, struct ifx_finding *f)
{
	ifx_str now = ifx_str_sub(w->doc->src, f->at, f->len), text;
	size_t old = ifx_edits_to_old(&w->total, f->at), end, moved;

	f->has_now = true;
	f->now = f->at;
	f->now_len = f->len;
	if (ifx_edits_to_new(&w->total, old) == f->at) {
		end = ifx_edits_to_old(&w->total, f->at + f->len);
		f->at = old;
		f->len = end > old ? end - old : 0;
	} else {
		moved = moved_from(w, old, f->at);
		f->at = moved == SIZE_MAX ? put_behind(w, old) : moved;
		end = w->original.len - f->at;
		text = ifx_str_sub(w->original, f->at, f->len < end ? f->len : end);
		f->len = ifx_str_eq(text, now) ? f->len : 0;
	}
	f->at += w->chunk.at;
	f->document = w->number;
}

/* A fix's edits as edits of the file; none when an earlier fix wrote the text that they change. */
static ifx_status settle_edits(struct ifx_work *w, struct ifx_finding *f,
			       const struct ifx_edits *edits)
{
	ifx_status st = IFX_OK;
	ifx_str copy;

	for (size_t i = 0; i < edits->n && st == IFX_OK; i++) {
		const struct ifx_edit *e = &edits->items[i];
		size_t from = ifx_edits_to_old(&w->total, e->span.at);
		size_t to = ifx_edits_to_old(&w->total, e->span.at + e->span.len);

		if (ifx_edits_to_new(&w->total, from) != e->span.at || to < from ||
		    ifx_edits_to_new(&w->total, to) != e->span.at + e->span.len) {
			ifx_edits_release(&f->edits);
			return IFX_OK;
		}
		copy = ifx_arena_copy(&w->scratch, e->text);
		if (!copy.ptr)
			return IFX_ENOMEM;
		st = ifx_edits_push(&f->edits, &w->scratch,
				    (ifx_span){ from + w->chunk.at, to - from }, copy);
	}
	return st == IFX_EREFUSED ? IFX_OK : st;
}

static bool allowed(const struct ifx_work *w, const struct ifx_fix *fix)
{
	const struct ifx_finding *f = &fix->finding;

	if (!fix->first || f->refused.ptr || f->suppressed || f->level == IFX_REPORT)
		return false;
	return fix->answered || f->level <= w->engine->policy.level;
}

/* A fix for itself: can it be done, and how would it look? */
static ifx_status preview(struct ifx_work *w, struct ifx_fix *fix)
{
	const struct ifx_op *op = fix->first;
	struct ifx_arena scratch;
	struct ifx_edits edits;
	struct ifx_buf why;
	ifx_status st;

	if (!op || fix->finding.suppressed || fix->finding.refused.ptr || fix->finding.fixable)
		return IFX_OK;
	ifx_buf_init(&why, 4096);
	ifx_arena_init(&scratch, IFX_FILE_ARENA_MAX);
	st = ifx_compile(&edits, w->doc, &op, 1, &scratch, &why);
	if (st == IFX_EREFUSED) {
		ifx_refuse(fix, "%.*s", IFX_ARG(ifx_buf_str(&why)));
		st = w->cx.failed ? IFX_ENOMEM : IFX_OK;
	} else if (st == IFX_OK) {
		fix->finding.fixable = true;
		st = settle_edits(w, &fix->finding, &edits);
		ifx_edits_release(&edits);
	}
	ifx_arena_release(&scratch);
	ifx_buf_release(&why);
	return st;
}

ifx_status ifx_step_preview(struct ifx_work *w)
{
	ifx_status st = IFX_OK;

	for (struct ifx_fix *fix = w->cx.first; fix && st == IFX_OK; fix = fix->next)
		st = preview(w, fix);
	return st;
}

static void replace_doc(struct ifx_work *w, struct ifx_doc *doc)
{
	ifx_cx_close(&w->cx);
	ifx_doc_free(w->doc);
	w->doc = doc;
	w->resources = NULL;
}

/* Findings are elsewhere now. */
static void follow(const struct ifx_work *w, const struct ifx_edits *edits)
{
	for (size_t i = w->first; i < w->out->n; i++) {
		struct ifx_finding *f = w->out->findings[i];
		size_t end;

		if (!f->has_now)
			continue;
		end = ifx_edits_to_new(edits, f->now + f->now_len);
		f->now = ifx_edits_to_new(edits, f->now);
		f->now_len = end > f->now ? end - f->now : 0;
	}
}

/*
 * A step that was proven: from here on the document is `after`, whose text and edits live in
 * `scratch`. All three are taken over, or released.
 */
ifx_status ifx_step_take(struct ifx_work *w, struct ifx_doc *after, struct ifx_edits *edits,
			 struct ifx_arena *scratch)
{
	struct ifx_edits total;
	ifx_status st = ifx_edits_compose(&total, &w->total, edits, w->original, &w->scratch);

	follow(w, edits);
	ifx_edits_release(edits);
	if (st != IFX_OK) {
		ifx_doc_free(after);
		return st;
	}
	ifx_edits_release(&w->total);
	w->total = total;
	replace_doc(w, after);
	/* The new text lives in what the step was made in; the old one is done with. */
	ifx_arena_release(&w->text);
	w->text = *scratch;
	ifx_arena_init(scratch, 0);
	w->steps++;
	return IFX_OK;
}

/* Nothing more happens to the document. */
ifx_status ifx_step_unproven(struct ifx_work *w, const char *what, const struct ifx_buf *why)
{
	w->doc_proven = false;
	return ifx_outcome_problem(
		w->out, "internal", w->chunk.at, w->number,
		"the proof of '%s' failed, nothing is written (%.*s); please report this with the file",
		what, IFX_ARG(ifx_buf_str(why)));
}

/*
 * Carry out `n` fixes together and prove the result. IFX_EREFUSED: one of them cannot be done, or
 * they get into each other's way. When the proof fails that is said, and nothing more happens to
 * the document.
 */
ifx_status ifx_step_carry_out(struct ifx_work *w, const struct ifx_op *const *ops, size_t n)
{
	struct ifx_edits edits;
	struct ifx_doc *after = NULL;
	struct ifx_arena scratch;
	struct ifx_buf why;
	ifx_str text;
	ifx_status st;

	ifx_buf_init(&why, 4096);
	ifx_arena_init(&scratch, IFX_FILE_ARENA_MAX);
	st = ifx_compile_and_prove(&text, &after, &edits, w->doc, ops, n, &scratch, &why);
	if (st == IFX_EINVAL || st == IFX_ELIMIT)
		st = ifx_step_unproven(w, w->cx.transform->id, &why);
	else if (st == IFX_OK)
		st = ifx_step_take(w, after, &edits, &scratch);
	ifx_arena_release(&scratch);
	ifx_buf_release(&why);
	return st;
}

/* The fixes that may be done; their operations in `ops`. */
static size_t choose(const struct ifx_work *w, struct ifx_fix **chosen, const struct ifx_op **ops)
{
	size_t n = 0;

	for (struct ifx_fix *fix = w->cx.first; fix; fix = fix->next)
		if (allowed(w, fix)) {
			chosen[n] = fix;
			ops[n++] = fix->first;
		}
	return n;
}

/* A place that a fix wants for itself: an entry, a scalar, or a key in a map. */
struct claim {
	const void *what;
	ifx_str key;
	size_t fix; /* index among the chosen */
};

static int by_claim(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c = ((uintptr_t)x->what > (uintptr_t)y->what) -
		((uintptr_t)x->what < (uintptr_t)y->what);

	if (!c)
		c = ifx_str_cmp(x->key, y->key);
	return c ? c : (x->fix > y->fix) - (x->fix < y->fix);
}

static size_t claims_of(const struct ifx_op *op, size_t fix, struct claim *list)
{
	size_t n = 0;

	for (; op; op = op->next) {
		ifx_str key = op->verb == IFX_OP_MOVE ? ifx_text(op->entry->key) : op->key;

		if (op->verb == IFX_OP_MOVE || op->verb == IFX_OP_REMOVE)
			list[n++] = (struct claim){ op->entry, IFX_NONE, fix };
		if (op->verb == IFX_OP_SET)
			list[n++] = (struct claim){ op->node, IFX_NONE, fix };
		for (size_t i = 0; i < op->n_to; i++)
			list[n++] = (struct claim){ op->to[i].base, key, fix };
	}
	return n;
}

static size_t count_claims(const struct ifx_op *op)
{
	size_t n = 0;

	for (; op; op = op->next)
		n += 1 + op->n_to;
	return n;
}

/* Of fixes that want the same place the first goes first; the others come in the next pass. Returns
 * how many stay. */
static size_t defer(struct ifx_work *w, struct ifx_fix **chosen, const struct ifx_op **ops,
		    size_t n)
{
	size_t n_claims = 0, kept = 0;
	struct claim *claims;
	bool *late;

	for (size_t i = 0; i < n; i++)
		n_claims += count_claims(ops[i]);
	claims = ifx_calloc(n_claims + 1, sizeof(*claims));
	late = ifx_calloc(n + 1, sizeof(*late));
	if (!claims || !late) {
		w->cx.failed = true;
		n = 0;
	}
	n_claims = 0;
	for (size_t i = 0; i < n; i++)
		n_claims += claims_of(ops[i], i, claims + n_claims);
	if (n_claims)
		qsort(claims, n_claims, sizeof(*claims), by_claim);
	for (size_t i = 1; i < n_claims; i++)
		if (claims[i].what == claims[i - 1].what && claims[i].fix != claims[i - 1].fix &&
		    ifx_str_eq(claims[i].key, claims[i - 1].key))
			late[claims[i].fix] = true;
	for (size_t i = 0; i < n; i++) {
		if (late[i])
			continue;
		chosen[kept] = chosen[i];
		ops[kept++] = ops[i];
	}
	ifx_free(claims);
	ifx_free(late);
	return kept;
}

/*
 * Carry out what may be done in this pass: all of it together, or without those that are refused,
 * or, where they get into each other's way, those that come first. *done counts them.
 */
ifx_status ifx_step_apply(struct ifx_work *w, struct ifx_fix **chosen, size_t *done)
{
	const struct ifx_op **ops = ifx_arena_alloc(&w->scratch, (w->cx.n + 1) * sizeof(*ops));
	size_t n = ops ? choose(w, chosen, ops) : 0;
	ifx_status st;

	*done = 0;
	if (!ops)
		return IFX_ENOMEM;
	if (!n)
		return IFX_OK;
	st = ifx_step_carry_out(w, ops, n);
	if (st == IFX_EREFUSED) {
		st = ifx_step_preview(w);
		n = defer(w, chosen, ops, choose(w, chosen, ops));
		if (w->cx.failed)
			return IFX_ENOMEM;
		if (st == IFX_OK && n)
			st = ifx_step_carry_out(w, ops, n);
		while (st == IFX_EREFUSED && n > 1) {
			n /= 2;
			st = ifx_step_carry_out(w, ops, n);
		}
		if (st == IFX_EREFUSED)
			return IFX_OK;
	}
	if (st == IFX_OK && w->doc_proven)
		*done = n;
	return st;
}
