#include "pipeline.h"

#include "base/alloc.h"
#include "edit/guard.h"
#include "edit/plan.h"
#include "reading.h"
#include "rule/ignore.h"
#include "template/values.h"
#include "yaml/load.h"
#include "yaml/roots.h"

#include <stdlib.h>

/* ---- findings ---- */

static ifx_status add_finding(struct ifx_outcome *out, struct ifx_finding *finding)
{
	struct ifx_finding **list;

	list = ifx_grow(out->findings, &out->cap, out->n + 1, sizeof(*list));
	if (!list)
		return IFX_ENOMEM;
	out->findings = list;
	finding->order = out->n;
	list[out->n++] = finding;
	return IFX_OK;
}

static ifx_status add_problem(struct ifx_outcome *out, const char *rule, size_t at, size_t document,
			      const char *fmt, ...) IFX_PRINTF(5, 6);

static ifx_status add_problem(struct ifx_outcome *out, const char *rule, size_t at, size_t document,
			      const char *fmt, ...)
{
	struct ifx_finding *f;
	struct ifx_buf text;
	va_list ap;

	/* One line for a file says it: in a template every document is one. */
	if (!strcmp(rule, "template")) {
		if (out->is_template)
			return IFX_OK;
		out->is_template = true;
	}
	f = ifx_arena_alloc(&out->arena, sizeof(*f));
	if (!f)
		return IFX_ENOMEM;
	ifx_buf_init(&text, 1 << 16);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	f->rule = rule;
	f->level = IFX_REPORT;
	f->severity = IFX_ERROR;
	f->message = ifx_arena_copy(&out->arena, ifx_buf_str(&text));
	f->at = at;
	f->document = document;
	ifx_buf_release(&text);
	out->failed = true;
	out->broken |= strcmp(rule, "template") != 0;
	return f->message.ptr ? add_finding(out, f) : IFX_ENOMEM;
}

/* ---- one document ---- */

struct work {
	struct ifx_outcome *out;
	const struct ifx_engine *engine;
	struct ifx_reading *reading;
	ifx_span chunk; /* in the file */
	ifx_str original;
	size_t number;
	struct ifx_doc *doc;
	struct ifx_arena scratch; /* findings under construction, and all that rules make */
	struct ifx_arena text;    /* doc->src, once it is not the original */
	struct ifx_edits total;   /* original -> doc->src */
	struct ifx_resource *resources;
	struct ifx_cx cx;
	bool doc_proven;                /* no proof has failed so far */
	unsigned char *concerned;       /* which transforms doc->src can concern */
	size_t steps;                   /* changes so far */
	struct ifx_suppressions own;    /* of the document, as it was read */
	struct ifx_suppressions *files; /* of the first document for the whole file */
};

static bool find_resources(struct work *w)
{
	return w->engine->chart_values ? ifx_values_roots(&w->resources, w->doc, &w->scratch)
				       : ifx_roots(&w->resources, w->doc, &w->scratch);
}

/*
 * Offset in the document as it was read. What an earlier fix moved is looked for where it was taken
 * away; text that a fix made up has only the place where it was put.
 */
static size_t origin(const struct work *w, size_t at)
{
	size_t old = ifx_edits_to_old(&w->total, at), start, found;
	ifx_str src = w->doc->src, line;

	if (ifx_edits_to_new(&w->total, old) == at)
		return old;
	start = ifx_line_start(src, at);
	line = ifx_str_sub(src, start, ifx_line_end(src, at) - start);
	line = ifx_str_trim(line);
	for (size_t i = 0; line.len && line.ptr <= src.ptr + at && i < w->total.n; i++) {
		ifx_span gone = w->total.items[i].span;

		found = ifx_str_find(ifx_str_sub(w->original, gone.at, gone.len), line);
		if (found != SIZE_MAX)
			return gone.at + found + at - (size_t)(line.ptr - src.ptr);
	}
	return old;
}

/* The place in the file of what was found in the text as it is now. */
static void settle_place(const struct work *w, struct ifx_finding *f)
{
	size_t end = origin(w, f->at + f->len);

	f->now = f->at;
	f->at = origin(w, f->at);
	f->len = end > f->at ? end - f->at : 0;
	f->at += w->chunk.at;
	f->document = w->number;
}

/* A fix's edits as edits of the file; none when an earlier fix wrote the text that they change. */
static ifx_status settle_edits(struct work *w, struct ifx_finding *f, const struct ifx_edits *edits)
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

static bool allowed(const struct work *w, const struct ifx_fix *fix)
{
	const struct ifx_finding *f = &fix->finding;

	if (!fix->first || f->refused.ptr || f->suppressed || f->level == IFX_REPORT)
		return false;
	return fix->answered || f->level <= w->engine->policy.level;
}

/* A fix for itself: can it be done, and how would it look? */
static ifx_status preview(struct work *w, struct ifx_fix *fix)
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

static ifx_status preview_all(struct work *w)
{
	ifx_status st = IFX_OK;

	for (struct ifx_fix *fix = w->cx.first; fix && st == IFX_OK; fix = fix->next)
		st = preview(w, fix);
	return st;
}

static void replace_doc(struct work *w, struct ifx_doc *doc)
{
	ifx_cx_close(&w->cx);
	ifx_doc_free(w->doc);
	w->doc = doc;
	w->resources = NULL;
}

/*
 * A step that was proven: from here on the document is `after`, whose text and edits live in
 * `scratch`. All three are taken over, or released.
 */
static ifx_status take_step(struct work *w, struct ifx_doc *after, struct ifx_edits *edits,
			    struct ifx_arena *scratch)
{
	struct ifx_edits total;
	ifx_status st = ifx_edits_compose(&total, &w->total, edits, w->original, &w->scratch);

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
static ifx_status add_unproven(struct work *w, const char *what, const struct ifx_buf *why)
{
	w->doc_proven = false;
	return add_problem(
		w->out, "internal", w->chunk.at, w->number,
		"the proof of '%s' failed, nothing is written (%.*s); please report this with the file",
		what, IFX_ARG(ifx_buf_str(why)));
}

/*
 * Carry out `n` fixes together and prove the result. IFX_EREFUSED: one of them cannot be done, or
 * they get into each other's way. When the proof fails that is said, and nothing more happens to
 * the document.
 */
static ifx_status apply(struct work *w, const struct ifx_op *const *ops, size_t n)
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
		st = add_unproven(w, w->cx.transform->id, &why);
	else if (st == IFX_OK)
		st = take_step(w, after, &edits, &scratch);
	ifx_arena_release(&scratch);
	ifx_buf_release(&why);
	return st;
}

/* The fixes that may be done; their operations in `ops`. */
static size_t choose(const struct work *w, struct ifx_fix **chosen, const struct ifx_op **ops)
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
static size_t defer(struct work *w, struct ifx_fix **chosen, const struct ifx_op **ops, size_t n)
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
static ifx_status apply_chosen(struct work *w, struct ifx_fix **chosen, size_t *done)
{
	const struct ifx_op **ops = ifx_arena_alloc(&w->scratch, (w->cx.n + 1) * sizeof(*ops));
	size_t n = ops ? choose(w, chosen, ops) : 0;
	ifx_status st;

	*done = 0;
	if (!ops)
		return IFX_ENOMEM;
	if (!n)
		return IFX_OK;
	st = apply(w, ops, n);
	if (st == IFX_EREFUSED) {
		st = preview_all(w);
		n = defer(w, chosen, ops, choose(w, chosen, ops));
		if (w->cx.failed)
			return IFX_ENOMEM;
		if (st == IFX_OK && n)
			st = apply(w, ops, n);
		while (st == IFX_EREFUSED && n > 1) {
			n /= 2;
			st = apply(w, ops, n);
		}
		if (st == IFX_EREFUSED)
			return IFX_OK;
	}
	if (st == IFX_OK && w->doc_proven)
		*done = n;
	return st;
}

/* ---- what the text wants to be left alone ---- */

/* Who wants the finding to be left alone? Its place is that in the file. */
static ifx_suppressed_by suppressed(struct work *w, const struct ifx_transform *t,
				    const struct ifx_finding *f)
{
	const struct ifx_engine *engine = w->engine;
	ifx_suppressed_by by = ifx_suppressed(&w->own, t, f->at - w->chunk.at);

	/* Each is asked: it wants to know whether it is of use. */
	if (ifx_suppressed(w->files, t, 0))
		by = IFX_BY_COMMENT;
	if (!by && engine->baseline &&
	    ifx_baseline_knows(engine->baseline, f, w->reading->bytes, engine->baseline_path))
		by = IFX_BY_BASELINE;
	return by;
}

/* The suppressions of the document as it was read; those for the file go to the file's. */
static ifx_status read_suppressions(struct work *w)
{
	bool first = w->number <= 1;
	size_t kept = 0;
	ifx_status st;

	if (!find_resources(w))
		return IFX_ENOMEM;
	st = ifx_suppressions_read(&w->own, w->doc, w->resources, w->engine->rules, first,
				   &w->scratch);
	for (size_t i = 0; st == IFX_OK && i < w->own.n; i++) {
		struct ifx_suppression item = w->own.items[i], *list;

		if (!item.whole_file) {
			w->own.items[kept++] = item;
			continue;
		}
		list = ifx_grow(w->files->items, &w->files->cap, w->files->n + 1, sizeof(*list));
		if (!list)
			return IFX_ENOMEM;
		w->files->items = list;
		item.at += w->chunk.at;
		list[w->files->n++] = item;
	}
	if (st == IFX_OK)
		w->own.n = kept;
	return st;
}

static const struct ifx_transform *selected(const struct ifx_engine *engine, const char *id)
{
	for (size_t i = 0; i < engine->selection.n; i++)
		if (!strcmp(engine->selection.items[i]->id, id))
			return engine->selection.items[i];
	return NULL;
}

/* at: in the file. */
static ifx_status add_remark(struct ifx_outcome *out, const struct ifx_transform *t,
			     ifx_severity severity, ifx_str text, size_t at, size_t len,
			     size_t document)
{
	struct ifx_finding *f = ifx_arena_alloc(&out->arena, sizeof(*f));

	if (!f || !text.ptr)
		return IFX_ENOMEM;
	*f = (struct ifx_finding){ .rule = t->id,
				   .source = t->source,
				   .level = IFX_REPORT,
				   .severity = severity,
				   .message = text,
				   .at = at,
				   .len = len,
				   .document = document };
	return add_finding(out, f);
}

/* Those that nothing came of, although their rules ran. offset: of what their places count in. */
static ifx_status add_unused(struct ifx_outcome *out, const struct ifx_engine *engine,
			     const struct ifx_transform *t, const struct ifx_suppressions *s,
			     size_t offset, size_t document)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0, next; i < s->n && st == IFX_OK; i = next) {
		const struct ifx_suppression *item = &s->items[i];
		bool used = false;
		bool ran = item->rule ? selected(engine, item->rule->id) == item->rule
				      : engine->selection.n == engine->rules.n;
		ifx_str text;

		for (next = i; next < s->n && s->items[next].name == item->name &&
			       s->items[next].at == item->at;
		     next++)
			used |= s->items[next].used;
		if (used || item->guest || !ran || item->rule == t)
			continue;
		text = item->rule
			       ? ifx_arena_printf(&out->arena,
						  "rule '%s' finds nothing here; remove the name",
						  item->rule->id)
			       : ifx_arena_printf(&out->arena,
						  "no rule finds anything here; remove it");
		st = add_remark(out, t, IFX_INFO, text, offset + item->at, item->len, document);
	}
	return st;
}

/* What is wrong with the suppressions of the document. */
static ifx_status judge_suppressions(struct work *w)
{
	const struct ifx_transform *t = selected(w->engine, IFX_SUPPRESSION_RULE);
	ifx_status st = IFX_OK;
	size_t n = 0;

	if (!t)
		return IFX_OK;
	for (size_t i = 0; i < w->own.n_faults && st == IFX_OK; i++) {
		const struct ifx_suppress_fault *f = &w->own.faults[i];

		st = add_remark(w->out, t, IFX_WARNING, f->text, w->chunk.at + f->at, f->len,
				w->number);
	}
	n = w->out->n - w->own.n_faults;
	if (st == IFX_OK)
		st = add_unused(w->out, w->engine, t, &w->own, w->chunk.at, w->number);
	for (size_t i = n; i < w->out->n && st == IFX_OK; i++)
		w->out->findings[i]->suppressed = suppressed(w, t, w->out->findings[i]);
	return st;
}

/* One transform until it has nothing more to do. */
static ifx_status run_transform(struct work *w, const struct ifx_transform *t)
{
	ifx_status st = IFX_OK;
	size_t done = 1;

	for (int pass = 0; pass < IFX_PASS_MAX && done && st == IFX_OK; pass++) {
		struct ifx_fix **chosen;

		if (!w->resources && !find_resources(w))
			return IFX_ENOMEM;
		st = ifx_cx_pass(&w->cx, t, w->resources);
		chosen = ifx_arena_alloc(&w->scratch, (w->cx.n + 1) * sizeof(*chosen));
		if (st != IFX_OK || !chosen) {
			st = IFX_ENOMEM;
			break;
		}
		for (struct ifx_fix *fix = w->cx.first; fix; fix = fix->next) {
			settle_place(w, &fix->finding);
			if (w->engine->chart_values) /* there is no Pod */
				fix->finding.group = fix->finding.kind = IFX_NONE;
			fix->finding.suppressed = suppressed(w, t, &fix->finding);
		}
		if (w->engine->want_edits)
			st = preview_all(w);
		if (st == IFX_OK)
			st = apply_chosen(w, chosen, &done);
		for (size_t i = 0; i < done && st == IFX_OK; i++) {
			chosen[i]->finding.fixable = chosen[i]->finding.applied = true;
			st = add_finding(w->out, &chosen[i]->finding);
		}
		/* What is left is found again in the next pass; only the last one counts. */
		if (!done && st == IFX_OK && w->doc_proven)
			st = preview_all(w);
		for (struct ifx_fix *fix = w->cx.first; fix; fix = fix->next) {
			if (!done && st == IFX_OK)
				st = add_finding(w->out, &fix->finding);
			else if (!fix->finding.applied)
				ifx_edits_release(&fix->finding.edits);
		}
	}
	return st;
}

static void skip_document(struct work *w)
{
	ifx_doc_free(w->doc);
	w->doc = NULL;
}

/* quietly: no rule is about it, but it may say what holds for the file. */
static ifx_status load(struct work *w, bool quietly)
{
	const ifx_templates templates = w->engine->templates;
	struct ifx_unread why = { 0 };
	ifx_status st;

	ifx_buf_init(&why.text, 4096);
	st = ifx_reading_load(&w->doc, w->reading, w->chunk, &w->out->arena, &why);
	if (st == IFX_EINVAL) {
		quietly |= templates == IFX_TEMPLATES_SKIP && !strcmp(why.rule, "template");
		st = quietly ? IFX_OK
			     : add_problem(w->out, why.rule, why.at, w->number, "%.*s",
					   IFX_ARG(ifx_buf_str(&why.text)));
	} else if (st == IFX_OK) {
		w->original = w->doc->src;
	}
	ifx_buf_release(&why.text);
	if (w->engine->chart_values)
		w->cx.no_fixes = "what a template makes of it is not known";
	if (st != IFX_OK || !w->doc || !ifx_reading_is_template(w->doc))
		return st;
	/* Nobody knows which names and labels the rest of the input would meet. */
	w->cx.index = NULL;
	if (templates == IFX_TEMPLATES_SKIP)
		skip_document(w);
	else if (templates == IFX_TEMPLATES_REPORT)
		w->cx.no_fixes = "templates are only reported (--templates=report)";
	return st;
}

/* Forget what was found since `from` and not fixed: it is looked for again. */
static void forget_unfixed(struct ifx_outcome *out, size_t from)
{
	size_t n = from;

	for (size_t i = from; i < out->n; i++)
		if (out->findings[i]->applied)
			out->findings[n++] = out->findings[i];
		else
			ifx_edits_release(&out->findings[i]->edits);
	out->n = n;
}

/*
 * All transforms, in their order, until none has anything more to do: what a late one does may be
 * work for an early one, and a second run over the file must find nothing.
 */
static ifx_status run_transforms(struct work *w)
{
	const struct ifx_selection *selection = &w->engine->selection;
	const char *last = NULL;
	size_t scanned = 0;
	size_t from = 0, fixed = 1;
	ifx_status st = IFX_OK;

	for (int round = 0; fixed && st == IFX_OK && w->doc_proven; round++) {
		if (round == IFX_ROUND_MAX)
			return add_problem(
				w->out, "internal", w->chunk.at, w->number,
				"rules undo each other's work, '%s' among them; please report this with the file",
				last ? last : "");
		if (round)
			forget_unfixed(w->out, from);
		from = w->out->n;
		fixed = 0;
		for (size_t i = 0; i < selection->n && st == IFX_OK && w->doc_proven; i++) {
			if (scanned != w->steps)
				ifx_selection_scan(selection, w->doc->src, w->concerned);
			scanned = w->steps;
			if (w->concerned[i])
				st = run_transform(w, selection->items[i]);
		}
		for (size_t i = from; i < w->out->n; i++)
			if (w->out->findings[i]->applied) {
				fixed++;
				last = w->out->findings[i]->rule;
			}
	}
	return st;
}

/* What was proven is the text of the last step; what is written is the sum of all steps' edits. */
static ifx_status check_sum(struct work *w)
{
	struct ifx_buf sum;
	ifx_status st;

	ifx_buf_init(&sum, IFX_BUF_MAX);
	ifx_edits_splice(&w->total, w->original, &sum);
	st = ifx_buf_status(&sum);
	if (st == IFX_OK && !ifx_str_eq(ifx_buf_str(&sum), w->doc->src))
		st = add_problem(
			w->out, "internal", w->chunk.at, w->number,
			"the edits do not add up to the text that was proven, nothing is written; please report this with the file");
	ifx_buf_release(&sum);
	return st;
}

/* Findings of the document: to where they outlive it. Without memory there are none. */
static ifx_status keep_findings(struct work *w, size_t from, ifx_status st)
{
	struct ifx_outcome *out = w->out;
	size_t n = from;

	for (size_t i = from; i < out->n; i++) {
		struct ifx_finding *f = out->findings[i];
		struct ifx_finding *kept = st == IFX_OK ? ifx_finding_move(f, &out->arena) : NULL;

		if (!kept) {
			ifx_edits_release(&f->edits);
			st = IFX_ENOMEM;
		} else {
			out->findings[n++] = kept;
		}
	}
	out->n = n;
	return st;
}

static ifx_status keep_edits(struct work *w)
{
	struct ifx_outcome *out = w->out;
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < w->total.n && st == IFX_OK; i++) {
		struct ifx_edit e = w->total.items[i];

		e.span.at += w->chunk.at;
		e.text = ifx_arena_copy(&out->arena, e.text);
		st = e.text.ptr ? ifx_edits_push(&out->edits, &out->arena, e.span, e.text)
				: IFX_ENOMEM;
	}
	return st;
}

/* ---- what is left is to be ignored ---- */

/* The findings of the document that are left; wish.order is their index. */
static ifx_status list_wishes(struct work *w, size_t from, struct ifx_ignore_wish **list, size_t *n)
{
	struct ifx_outcome *out = w->out;

	*n = 0;
	*list = ifx_arena_alloc(&w->scratch, (out->n - from + 1) * sizeof(**list));
	if (!*list)
		return IFX_ENOMEM;
	for (size_t i = from; i < out->n; i++) {
		const struct ifx_finding *f = out->findings[i];
		const struct ifx_transform *t = selected(w->engine, f->rule);

		if (t && !f->applied && !f->suppressed)
			(*list)[(*n)++] =
				(struct ifx_ignore_wish){ .rule = t, .at = f->now, .order = i };
	}
	return IFX_OK;
}

static void fulfil(struct work *w, const struct ifx_ignore_wish *wish, ifx_suppressed_by by)
{
	w->out->findings[wish->order]->suppressed = by;
	w->out->n_ignored++;
}

/* Frees what it does not let pass. */
static ifx_status guard_comments(const struct work *w, struct ifx_doc *after,
				 struct ifx_edits *edits, struct ifx_arena *arena,
				 struct ifx_buf *why)
{
	ifx_status st = w->doc->mask ? ifx_guard_edits(why, w->doc, edits) : IFX_OK;

	if (st == IFX_OK && w->doc->mask)
		st = ifx_guard_prove(w->doc, after, edits, arena, why);
	if (st != IFX_OK) {
		ifx_doc_free(after);
		ifx_edits_release(edits);
	}
	return st;
}

static ifx_status ignore_by_comment(struct work *w, struct ifx_ignore_wish *wishes, size_t n)
{
	struct ifx_doc *after;
	struct ifx_edits edits;
	struct ifx_arena scratch;
	struct ifx_buf why;
	ifx_str text;
	ifx_status st;

	ifx_buf_init(&why, 4096);
	ifx_arena_init(&scratch, IFX_FILE_ARENA_MAX);
	st = ifx_ignore_write(&text, &after, &edits, w->doc, wishes, n, w->engine->why_ignored,
			      w->engine->rules, &scratch, &why);
	if (st == IFX_OK && after)
		st = guard_comments(w, after, &edits, &scratch, &why);
	/* Beside an action that trims no comment can be. */
	for (size_t i = 0; i < n && st == IFX_EREFUSED; i++)
		wishes[i].fulfilled = false;
	if (st == IFX_EREFUSED)
		st = IFX_OK;
	else if (st == IFX_OK && after)
		st = take_step(w, after, &edits, &scratch);
	if (st == IFX_EINVAL || st == IFX_ELIMIT)
		st = add_unproven(w, "--add-ignores", &why);
	ifx_arena_release(&scratch);
	ifx_buf_release(&why);
	return st;
}

static bool is_in(const struct ifx_resource *r, size_t at)
{
	return at >= r->node->span.at && at - r->node->span.at < r->node->span.len;
}

/* The annotation of one object, with the wishes in it. NULL: there is none, or no memory. */
static struct ifx_op *annotation_for(struct work *w, const struct ifx_resource *r,
				     struct ifx_ignore_wish *wishes, size_t n)
{
	static const ifx_str keys[] = { { "metadata", 8 }, { "annotations", 11 } };
	struct ifx_op *op = ifx_arena_alloc(&w->scratch, sizeof(*op));
	struct ifx_place *to = ifx_arena_alloc(&w->scratch, sizeof(*to));
	const struct ifx_node *map = ifx_get(r->metadata, keys[1]);
	const struct ifx_entry *old =
		ifx_is(map, IFX_MAP) ? ifx_map_entry(map, IFX_LIT(IFX_SUPPRESS_KEY)) : NULL;
	ifx_str names = old ? ifx_text(old->value) : IFX_LIT("");
	bool any = false;

	for (size_t i = 0; i < n && names.ptr; i++) {
		if (wishes[i].fulfilled || !is_in(r, wishes[i].at))
			continue;
		wishes[i].fulfilled = any = true;
		if (!ifx_lists_rule(names, wishes[i].rule))
			names = ifx_arena_printf(&w->scratch, "%.*s%s%s", IFX_ARG(names),
						 names.len ? "," : "", wishes[i].rule->id);
	}
	if (!any || !op || !to || !names.ptr)
		return NULL;
	*op = (struct ifx_op){ .verb = old ? IFX_OP_SET : IFX_OP_INSERT,
			       .doc = w->doc,
			       .key = IFX_LIT(IFX_SUPPRESS_KEY),
			       .value = names };
	if (old) {
		op->node = old->value;
	} else {
		*to = ifx_place_of(r->node, keys, 2);
		op->to = to;
		op->n_to = 1;
	}
	return op;
}

/* What no comment can say. All or nothing: a place that is refused refuses them all. */
static ifx_status ignore_by_annotation(struct work *w, struct ifx_ignore_wish *wishes, size_t n)
{
	const struct ifx_op **ops = NULL;
	size_t n_ops = 0, n_resources = 0, n_left = 0;
	ifx_status st;

	for (size_t i = 0; i < n; i++)
		if (!wishes[i].fulfilled)
			wishes[n_left++] = wishes[i];
	if (!n_left)
		return IFX_OK;
	if (!w->resources && !find_resources(w))
		return IFX_ENOMEM;
	for (const struct ifx_resource *r = w->resources; r; r = r->next)
		n_resources++;
	ops = ifx_arena_alloc(&w->scratch, (n_resources + 1) * sizeof(*ops));
	if (!ops)
		return IFX_ENOMEM;
	for (const struct ifx_resource *r = w->resources; r; r = r->next)
		if (ifx_is_kubernetes(r) && (ops[n_ops] = annotation_for(w, r, wishes, n_left)))
			n_ops++;
	st = n_ops ? apply(w, ops, n_ops) : IFX_OK;
	for (size_t i = 0; i < n_left && st == IFX_OK && w->doc_proven; i++)
		if (wishes[i].fulfilled)
			fulfil(w, &wishes[i], IFX_BY_ANNOTATION);
	return st == IFX_EREFUSED ? IFX_OK : st;
}

static ifx_status add_ignores(struct work *w, size_t from)
{
	struct ifx_ignore_wish *wishes;
	size_t n;
	ifx_status st = list_wishes(w, from, &wishes, &n);

	if (st == IFX_OK && n)
		st = ignore_by_comment(w, wishes, n);
	for (size_t i = 0; i < n && st == IFX_OK && w->doc_proven; i++)
		if (wishes[i].fulfilled)
			fulfil(w, &wishes[i], IFX_BY_COMMENT);
	if (st == IFX_OK && n && w->doc_proven)
		st = ignore_by_annotation(w, wishes, n);
	return st;
}

/* What `files` is made for: to be looked into before the other documents are. */
static bool may_suppress(ifx_str text)
{
	return ifx_str_find(text, IFX_LIT(IFX_SUPPRESS_WORD)) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT(IFX_SUPPRESS_GUEST)) != SIZE_MAX;
}

/* from: where the findings of the document begin. */
static ifx_status run_loaded(struct work *w, size_t from, bool speaks, bool concerned)
{
	ifx_status st = speaks ? read_suppressions(w) : IFX_OK;

	if (st == IFX_OK && concerned)
		st = run_transforms(w);
	if (st == IFX_OK && concerned && w->doc_proven && w->engine->add_ignores)
		st = add_ignores(w, from);
	if (st == IFX_OK && concerned)
		st = check_sum(w);
	if (st == IFX_OK && speaks && concerned && w->doc_proven)
		st = judge_suppressions(w);
	return st;
}

/* The maps have names that no rule looks for. */
static bool values_concern(const struct ifx_engine *engine, ifx_str text, unsigned char *concerned)
{
	bool any = false, istio = ifx_str_find(text, IFX_LIT("istio")) != SIZE_MAX;

	for (size_t i = 0; i < engine->selection.n; i++) {
		concerned[i] = istio && ifx_values_rule(engine->selection.items[i]->id);
		any |= concerned[i];
	}
	return any;
}

/* speaks: the file may have suppressions. */
static ifx_status run_document(struct ifx_outcome *out, const struct ifx_engine *engine,
			       struct ifx_reading *reading, ifx_span chunk,
			       unsigned char *concerned, struct ifx_suppressions *files,
			       bool speaks)
{
	struct work w = { .out = out,
			  .engine = engine,
			  .reading = reading,
			  .chunk = chunk,
			  .number = out->documents,
			  .doc_proven = true,
			  .concerned = concerned,
			  .files = files };
	size_t n_before = out->n;
	bool scanned;
	ifx_status st = IFX_OK;

	w.original = ifx_str_sub(reading->bytes, chunk.at, chunk.len);
	w.cx = (struct ifx_cx){ .policy = &engine->policy,
				.index = engine->index,
				.arena = &w.scratch };
	scanned = engine->chart_values
			  ? values_concern(engine, w.original, concerned)
			  : ifx_selection_scan(&engine->selection, w.original, concerned);
	speaks = speaks && may_suppress(w.original);
	if (!scanned && !(speaks && w.number <= 1))
		return IFX_OK;
	ifx_edits_init(&w.total);
	ifx_arena_init(&w.text, 0);
	ifx_arena_init(&w.scratch, IFX_FILE_ARENA_MAX);
	st = load(&w, !scanned);
	if (st == IFX_OK && w.doc)
		st = run_loaded(&w, n_before, speaks, scanned);
	if (st == IFX_OK)
		st = keep_edits(&w);
	reading->plain_changes |= w.total.n && w.doc && !w.doc->mask &&
				  ifx_mask_action(&reading->mask, chunk.at, chunk.at + chunk.len);
	st = keep_findings(&w, n_before, st);
	ifx_cx_close(&w.cx);
	ifx_doc_free(w.doc);
	ifx_arena_release(&w.text);
	ifx_arena_release(&w.scratch);
	ifx_edits_release(&w.total);
	ifx_suppressions_release(&w.own);
	return st;
}

/* ---- the file ---- */

static bool is_content(ifx_str document)
{
	for (size_t at = 0; at < document.len; at = ifx_line_next(document, at)) {
		ifx_str line = ifx_str_sub(document, at, ifx_line_end(document, at) - at);

		line = ifx_str_trim(line);
		if (line.len && line.ptr[0] != '#' && !ifx_str_eq(line, IFX_LIT("---")))
			return true;
	}
	return false;
}

static int by_place(const void *a, const void *b)
{
	const struct ifx_finding *x = *(const struct ifx_finding *const *)a;
	const struct ifx_finding *y = *(const struct ifx_finding *const *)b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Documents that no fix touched must be the same bytes in the same order (DESIGN, P2). */
static bool others_unchanged(ifx_str before, ifx_str after, const struct ifx_edits *edits)
{
	size_t a = 0, b = 0, i = 0;
	ifx_span x, y;

	for (;;) {
		bool more = ifx_stream_next(before, &a, &x), touched = false;

		if (more != ifx_stream_next(after, &b, &y))
			return false;
		if (!more)
			return true;
		for (; i < edits->n && edits->items[i].span.at <= x.at + x.len; i++) {
			touched = true;
			/* An edit at the seam may belong to either side. */
			if (edits->items[i].span.at + edits->items[i].span.len >= x.at + x.len)
				break;
		}
		if (!touched &&
		    !ifx_str_eq(ifx_str_sub(before, x.at, x.len), ifx_str_sub(after, y.at, y.len)))
			return false;
	}
}

/* Findings that are left alone are not told. */
static void drop_suppressed(struct ifx_outcome *out)
{
	size_t n = 0;

	for (size_t i = 0; i < out->n; i++) {
		struct ifx_finding *f = out->findings[i];

		if (f->suppressed) {
			ifx_edits_release(&f->edits);
			out->n_suppressed++;
		} else {
			out->findings[n++] = f;
		}
	}
	out->n = n;
}

static ifx_status prove_template(struct ifx_outcome *out, const struct ifx_reading *reading)
{
	struct ifx_buf why;
	ifx_status st;

	ifx_buf_init(&why, 4096);
	st = ifx_reading_prove(reading, ifx_buf_str(&out->after), &out->edits, &why);
	if (st == IFX_EINVAL)
		st = add_problem(
			out, "internal", 0, 1,
			"the proof of the template failed, nothing is written (%.*s); please report this with the file",
			IFX_ARG(ifx_buf_str(&why)));
	ifx_buf_release(&why);
	return st;
}

ifx_status ifx_pipeline_run(struct ifx_outcome *out, const struct ifx_engine *engine, ifx_str bytes)
{
	struct ifx_reading reading = { .bytes = bytes, .chart = engine->chart_template };
	size_t at = 0;
	ifx_span chunk;
	unsigned char *concerned;
	struct ifx_suppressions files = { 0 };
	const struct ifx_transform *judge = selected(engine, IFX_SUPPRESSION_RULE);
	bool speaks = may_suppress(bytes);
	ifx_status st = IFX_OK;

	*out = (struct ifx_outcome){ 0 };
	ifx_arena_init(&out->arena, IFX_FILE_ARENA_MAX);
	ifx_buf_init(&out->after, IFX_BUF_MAX);
	concerned = ifx_arena_alloc(&out->arena, engine->selection.n);
	if (!concerned)
		return IFX_ENOMEM;
	while (st == IFX_OK && ifx_stream_next(bytes, &at, &chunk)) {
		if (is_content(ifx_str_sub(bytes, chunk.at, chunk.len)))
			out->documents++;
		if (out->documents > IFX_DOCUMENTS_MAX || out->n > IFX_FINDINGS_MAX) {
			st = add_problem(out, "limit", chunk.at, out->documents,
					 "more than %zu documents or %zu findings; split the file",
					 IFX_DOCUMENTS_MAX, IFX_FINDINGS_MAX);
			break;
		}
		st = run_document(out, engine, &reading, chunk, concerned, &files, speaks);
	}
	if (st == IFX_OK && judge && !out->failed)
		st = add_unused(out, engine, judge, &files, 0, 1);
	ifx_suppressions_release(&files);
	drop_suppressed(out);
	if (st == IFX_OK && out->edits.n && !out->failed) {
		ifx_edits_splice(&out->edits, bytes, &out->after);
		st = ifx_buf_status(&out->after);
		if (st == IFX_OK && !others_unchanged(bytes, ifx_buf_str(&out->after), &out->edits))
			st = add_problem(
				out, "internal", 0, 1,
				"a document would change that no fix is for, nothing is written; please report this with the file");
	}
	if (st == IFX_OK && out->edits.n && !out->failed)
		st = prove_template(out, &reading);
	if (out->failed) {
		/* Half a fix is never written. */
		ifx_edits_release(&out->edits);
		ifx_buf_clear(&out->after);
		for (size_t i = 0; i < out->n; i++) {
			struct ifx_finding *f = out->findings[i];

			if (f->applied)
				f->refused =
					IFX_LIT("the file cannot be read or proven as a whole");
			f->applied = false;
		}
	}
	if (out->n)
		qsort(out->findings, out->n, sizeof(*out->findings), by_place);
	return st;
}

void ifx_outcome_release(struct ifx_outcome *out)
{
	for (size_t i = 0; i < out->n; i++)
		ifx_edits_release(&out->findings[i]->edits);
	ifx_free(out->findings);
	ifx_edits_release(&out->edits);
	ifx_buf_release(&out->after);
	ifx_arena_release(&out->arena);
}
