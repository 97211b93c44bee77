#include "pipeline.h"

#include "document/document.h"
#include "yaml/load.h"

#include <stdlib.h>

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
		st = ifx_outcome_problem(
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
	const struct ifx_transform *judge = ifx_leave_selected(engine, IFX_SUPPRESSION_RULE);
	bool speaks = ifx_leave_may_suppress(bytes);
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
			st = ifx_outcome_problem(
				out, "limit", chunk.at, out->documents,
				"more than %zu documents or %zu findings; split the file",
				IFX_DOCUMENTS_MAX, IFX_FINDINGS_MAX);
			break;
		}
		st = ifx_document_run(out, engine, &reading, chunk, concerned, &files, speaks);
	}
	if (st == IFX_OK && judge && !out->failed)
		st = ifx_leave_unused(out, engine, judge, &files, 0, 1);
	ifx_suppressions_release(&files);
	drop_suppressed(out);
	if (st == IFX_OK && out->edits.n && !out->failed) {
		ifx_edits_splice(&out->edits, bytes, &out->after);
		st = ifx_buf_status(&out->after);
		if (st == IFX_OK && !others_unchanged(bytes, ifx_buf_str(&out->after), &out->edits))
			st = ifx_outcome_problem(
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
