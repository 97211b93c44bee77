#include "document/document.h"

#include "base/alloc.h"
#include "edit/plan.h"
#include "template/values.h"

bool ifx_document_resources(struct ifx_work *w)
{
	return w->engine->chart_values ? ifx_values_roots(&w->resources, w->doc, &w->scratch)
				       : ifx_roots(&w->resources, w->doc, &w->scratch);
}

/* One transform until it has nothing more to do. */
static ifx_status run_transform(struct ifx_work *w, const struct ifx_transform *t)
{
	ifx_status st = IFX_OK;
	size_t done = 1;

	for (int pass = 0; pass < IFX_PASS_MAX && done && st == IFX_OK; pass++) {
		struct ifx_fix **chosen;

		if (!w->resources && !ifx_document_resources(w))
			return IFX_ENOMEM;
		st = ifx_cx_pass(&w->cx, t, w->resources);
		chosen = ifx_arena_alloc(&w->scratch, (w->cx.n + 1) * sizeof(*chosen));
		if (st != IFX_OK || !chosen) {
			st = IFX_ENOMEM;
			break;
		}
		for (struct ifx_fix *fix = w->cx.first; fix; fix = fix->next) {
			ifx_step_place(w, &fix->finding);
			if (w->engine->chart_values) /* there is no Pod */
				fix->finding.group = fix->finding.kind = IFX_NONE;
			fix->finding.suppressed = ifx_leave_suppressed(w, t, &fix->finding);
		}
		if (w->engine->want_edits)
			st = ifx_step_preview(w);
		if (st == IFX_OK)
			st = ifx_step_apply(w, chosen, &done);
		for (size_t i = 0; i < done && st == IFX_OK; i++) {
			chosen[i]->finding.fixable = chosen[i]->finding.applied = true;
			st = ifx_outcome_add(w->out, &chosen[i]->finding);
		}
		/* What is left is found again in the next pass; only the last one counts. */
		if (!done && st == IFX_OK && w->doc_proven)
			st = ifx_step_preview(w);
		for (struct ifx_fix *fix = w->cx.first; fix; fix = fix->next) {
			if (!done && st == IFX_OK)
				st = ifx_outcome_add(w->out, &fix->finding);
			else if (!fix->finding.applied)
				ifx_edits_release(&fix->finding.edits);
		}
	}
	return st;
}

static void skip_document(struct ifx_work *w)
{
	ifx_doc_free(w->doc);
	w->doc = NULL;
}

/* quietly: no rule is about it, but it may say what holds for the file. */
static ifx_status load(struct ifx_work *w, bool quietly)
{
	const ifx_templates templates = w->engine->templates;
	struct ifx_unread why = { 0 };
	ifx_status st;

	ifx_buf_init(&why.text, 4096);
	st = ifx_reading_load(&w->doc, w->reading, w->chunk, &w->out->arena, &why);
	if (st == IFX_EINVAL) {
		quietly |= templates == IFX_TEMPLATES_SKIP && !strcmp(why.rule, "template");
		st = quietly ? IFX_OK
			     : ifx_outcome_problem(w->out, why.rule, why.at, w->number, "%.*s",
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
static ifx_status run_transforms(struct ifx_work *w)
{
	const struct ifx_selection *selection = &w->engine->selection;
	const char *last = NULL;
	size_t scanned = 0;
	size_t from = 0, fixed = 1;
	ifx_status st = IFX_OK;

	for (int round = 0; fixed && st == IFX_OK && w->doc_proven; round++) {
		if (round == IFX_ROUND_MAX)
			return ifx_outcome_problem(
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
static ifx_status check_sum(struct ifx_work *w)
{
	struct ifx_buf sum;
	ifx_status st;

	ifx_buf_init(&sum, IFX_BUF_MAX);
	ifx_edits_splice(&w->total, w->original, &sum);
	st = ifx_buf_status(&sum);
	if (st == IFX_OK && !ifx_str_eq(ifx_buf_str(&sum), w->doc->src))
		st = ifx_outcome_problem(
			w->out, "internal", w->chunk.at, w->number,
			"the edits do not add up to the text that was proven, nothing is written; please report this with the file");
	ifx_buf_release(&sum);
	return st;
}

/* Findings of the document: to where they outlive it. Without memory there are none. */
static ifx_status keep_findings(struct ifx_work *w, ifx_status st)
{
	struct ifx_outcome *out = w->out;
	size_t n = w->first;

	for (size_t i = w->first; i < out->n; i++) {
		struct ifx_finding *f = out->findings[i];
		struct ifx_finding *kept = st == IFX_OK ? ifx_finding_move(f, &out->arena) : NULL;

		if (!kept) {
			ifx_edits_release(&f->edits);
			st = IFX_ENOMEM;
		} else {
			kept->now += w->chunk_now;
			out->findings[n++] = kept;
		}
	}
	out->n = n;
	return st;
}

static ifx_status keep_edits(struct ifx_work *w)
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

static ifx_status run_loaded(struct ifx_work *w, bool speaks, bool concerned)
{
	ifx_status st = speaks ? ifx_leave_read(w) : IFX_OK;

	if (st == IFX_OK && concerned)
		st = run_transforms(w);
	if (st == IFX_OK && concerned && w->doc_proven && w->engine->add_ignores)
		st = ifx_leave_ignore(w);
	if (st == IFX_OK && concerned)
		st = check_sum(w);
	if (st == IFX_OK && speaks && concerned && w->doc_proven)
		st = ifx_leave_judge(w);
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
ifx_status ifx_document_run(struct ifx_outcome *out, const struct ifx_engine *engine,
			    struct ifx_reading *reading, ifx_span chunk, unsigned char *concerned,
			    struct ifx_suppressions *files, bool speaks)
{
	struct ifx_work w = { .out = out,
			      .engine = engine,
			      .reading = reading,
			      .chunk = chunk,
			      .chunk_now = ifx_edits_to_new(&out->edits, chunk.at),
			      .first = out->n,
			      .number = out->documents,
			      .doc_proven = true,
			      .concerned = concerned,
			      .files = files };
	bool scanned;
	ifx_status st = IFX_OK;

	w.original = ifx_str_sub(reading->bytes, chunk.at, chunk.len);
	w.cx = (struct ifx_cx){ .policy = &engine->policy,
				.index = engine->index,
				.arena = &w.scratch };
	scanned = engine->chart_values
			  ? values_concern(engine, w.original, concerned)
			  : ifx_selection_scan(&engine->selection, w.original, concerned);
	speaks = speaks && ifx_leave_may_suppress(w.original);
	if (!scanned && !(speaks && w.number <= 1))
		return IFX_OK;
	ifx_edits_init(&w.total);
	ifx_arena_init(&w.text, 0);
	ifx_arena_init(&w.scratch, IFX_FILE_ARENA_MAX);
	st = load(&w, !scanned);
	if (st == IFX_OK && w.doc)
		st = run_loaded(&w, speaks, scanned);
	if (st == IFX_OK)
		st = keep_edits(&w);
	reading->plain_changes |= w.total.n && w.doc && !w.doc->mask &&
				  ifx_mask_action(&reading->mask, chunk.at, chunk.at + chunk.len);
	st = keep_findings(&w, st);
	ifx_cx_close(&w.cx);
	ifx_doc_free(w.doc);
	ifx_arena_release(&w.text);
	ifx_arena_release(&w.scratch);
	ifx_edits_release(&w.total);
	ifx_suppressions_release(&w.own);
	return st;
}
