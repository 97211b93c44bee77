#include "document/document.h"

#include "base/alloc.h"
#include "edit/guard.h"
#include "edit/plan.h"
#include "rule/ignore.h"

/* ---- what the text wants to be left alone ---- */

/* Who wants the finding to be left alone? Its place is that in the file. */
ifx_suppressed_by ifx_leave_suppressed(struct ifx_work *w, const struct ifx_transform *t,
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
ifx_status ifx_leave_read(struct ifx_work *w)
{
	bool first = w->number <= 1;
	size_t kept = 0;
	ifx_status st;

	if (!ifx_document_resources(w))
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

const struct ifx_transform *ifx_leave_selected(const struct ifx_engine *engine, const char *id)
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
	return ifx_outcome_add(out, f);
}

/* Those that nothing came of, although their rules ran. offset: of what their places count in. */
ifx_status ifx_leave_unused(struct ifx_outcome *out, const struct ifx_engine *engine,
			    const struct ifx_transform *t, const struct ifx_suppressions *s,
			    size_t offset, size_t document)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0, next; i < s->n && st == IFX_OK; i = next) {
		const struct ifx_suppression *item = &s->items[i];
		bool used = false;
		bool ran = item->rule ? ifx_leave_selected(engine, item->rule->id) == item->rule
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
ifx_status ifx_leave_judge(struct ifx_work *w)
{
	const struct ifx_transform *t = ifx_leave_selected(w->engine, IFX_SUPPRESSION_RULE);
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
		st = ifx_leave_unused(w->out, w->engine, t, &w->own, w->chunk.at, w->number);
	for (size_t i = n; i < w->out->n && st == IFX_OK; i++)
		w->out->findings[i]->suppressed = ifx_leave_suppressed(w, t, w->out->findings[i]);
	return st;
}

/* ---- what is left is to be ignored ---- */

/* The findings of the document that are left; wish.order is their index. */
static ifx_status list_wishes(struct ifx_work *w, struct ifx_ignore_wish **list, size_t *n)
{
	struct ifx_outcome *out = w->out;

	*n = 0;
	*list = ifx_arena_alloc(&w->scratch, (out->n - w->first + 1) * sizeof(**list));
	if (!*list)
		return IFX_ENOMEM;
	for (size_t i = w->first; i < out->n; i++) {
		const struct ifx_finding *f = out->findings[i];
		const struct ifx_transform *t = ifx_leave_selected(w->engine, f->rule);

		if (t && f->has_now && !f->applied && !f->suppressed)
			(*list)[(*n)++] =
				(struct ifx_ignore_wish){ .rule = t, .at = f->now, .order = i };
	}
	return IFX_OK;
}

static void fulfil(struct ifx_work *w, const struct ifx_ignore_wish *wish, ifx_suppressed_by by)
{
	w->out->findings[wish->order]->suppressed = by;
	w->out->n_ignored++;
}

/* Frees what it does not let pass. */
static ifx_status guard_comments(const struct ifx_work *w, struct ifx_doc *after,
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

static ifx_status ignore_by_comment(struct ifx_work *w, struct ifx_ignore_wish *wishes, size_t n)
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
		st = ifx_step_take(w, after, &edits, &scratch);
	if (st == IFX_EINVAL || st == IFX_ELIMIT)
		st = ifx_step_unproven(w, "--add-ignores", &why);
	ifx_arena_release(&scratch);
	ifx_buf_release(&why);
	return st;
}

static bool is_in(const struct ifx_resource *r, size_t at)
{
	return at >= r->node->span.at && at - r->node->span.at < r->node->span.len;
}

/* The annotation of one object, with the wishes in it. NULL: there is none, or no memory. */
static struct ifx_op *annotation_for(struct ifx_work *w, const struct ifx_resource *r,
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
static ifx_status ignore_by_annotation(struct ifx_work *w, struct ifx_ignore_wish *wishes, size_t n)
{
	const struct ifx_op **ops = NULL;
	size_t n_ops = 0, n_resources = 0, n_left = 0;
	ifx_status st;

	for (size_t i = 0; i < n; i++)
		if (!wishes[i].fulfilled)
			wishes[n_left++] = wishes[i];
	if (!n_left)
		return IFX_OK;
	if (!w->resources && !ifx_document_resources(w))
		return IFX_ENOMEM;
	for (const struct ifx_resource *r = w->resources; r; r = r->next)
		n_resources++;
	ops = ifx_arena_alloc(&w->scratch, (n_resources + 1) * sizeof(*ops));
	if (!ops)
		return IFX_ENOMEM;
	for (const struct ifx_resource *r = w->resources; r; r = r->next)
		if (ifx_is_kubernetes(r) && (ops[n_ops] = annotation_for(w, r, wishes, n_left)))
			n_ops++;
	st = n_ops ? ifx_step_carry_out(w, ops, n_ops) : IFX_OK;
	for (size_t i = 0; i < n_left && st == IFX_OK && w->doc_proven; i++)
		if (wishes[i].fulfilled)
			fulfil(w, &wishes[i], IFX_BY_ANNOTATION);
	return st == IFX_EREFUSED ? IFX_OK : st;
}

ifx_status ifx_leave_ignore(struct ifx_work *w)
{
	struct ifx_ignore_wish *wishes;
	size_t n;
	ifx_status st = list_wishes(w, &wishes, &n);

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
bool ifx_leave_may_suppress(ifx_str text)
{
	return ifx_str_find(text, IFX_LIT(IFX_SUPPRESS_WORD)) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT(IFX_SUPPRESS_GUEST)) != SIZE_MAX;
}
