#include "reading.h"

#include "edit/guard.h"
#include "template/tree.h"

static ifx_status look(struct ifx_reading *r, struct ifx_arena *arena)
{
	ifx_status st;

	if (r->looked)
		return IFX_OK;
	r->looked = true;
	if (!ifx_action_signs(r->bytes, r->chart))
		return IFX_OK;
	r->ytt = !r->chart && ifx_action_ytt(r->bytes);
	st = ifx_mask_make(&r->mask, r->bytes, r->chart, arena, &r->problem);
	if (st == IFX_EINVAL)
		r->mask.text = IFX_NONE;
	return st == IFX_EINVAL ? IFX_OK : st;
}

/* Is there an action in the document, or what broke off as one? */
static bool has_actions(const struct ifx_reading *r, ifx_span chunk)
{
	return ifx_mask_action(&r->mask, chunk.at, chunk.at + chunk.len) ||
	       (r->problem.what && r->problem.at >= chunk.at &&
		r->problem.at < chunk.at + chunk.len);
}

/* `{{ .Values.x }}` as a plain value is a map whose key is a map to YAML. */
static const struct ifx_node *hole_in(const struct ifx_node *node)
{
	const struct ifx_node *hole;

	if (!node || (node->kind != IFX_MAP && node->kind != IFX_SEQ))
		return NULL;
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		if (node->kind == IFX_MAP && node->style == IFX_FLOW && e->key &&
		    e->key->kind == IFX_MAP && e->key->style == IFX_FLOW)
			return node;
		hole = hole_in(e->value);
		if (hole)
			return hole;
	}
	return NULL;
}

static ifx_status parse(struct ifx_doc **out, ifx_str text, struct ifx_problem *problem)
{
	ifx_status st = ifx_precheck(text, problem);

	return st == IFX_OK ? ifx_doc_load(out, text, problem) : st;
}

/* IFX_EREFUSED: it parses, but what it says is a template. */
static ifx_status load_plain(struct ifx_doc **out, const struct ifx_reading *r, ifx_span chunk,
			     struct ifx_problem *problem)
{
	const struct ifx_node *hole = NULL;
	ifx_status st = parse(out, ifx_str_sub(r->bytes, chunk.at, chunk.len), problem);

	if (st == IFX_OK && has_actions(r, chunk))
		hole = hole_in((*out)->root);
	if (!hole)
		return st;
	problem->at = hole->span.at;
	ifx_doc_free(*out);
	*out = NULL;
	return IFX_EREFUSED;
}

static ifx_status load_masked(struct ifx_doc **out, const struct ifx_reading *r, ifx_span chunk,
			      struct ifx_arena *arena, struct ifx_problem *problem)
{
	struct ifx_mask *mask = ifx_arena_alloc(arena, sizeof(*mask));
	ifx_status st;

	if (!mask)
		return IFX_ENOMEM;
	st = ifx_mask_slice(mask, &r->mask, chunk, arena);
	if (st == IFX_OK)
		st = parse(out, mask->text, problem);
	if (st == IFX_OK && !ifx_template_bind(*out, mask, arena)) {
		ifx_doc_free(*out);
		*out = NULL;
		st = IFX_ENOMEM;
	}
	return st;
}

static void say_template(struct ifx_unread *why, const struct ifx_reading *r, ifx_span chunk,
			 const struct ifx_problem *masked)
{
	bool made = r->mask.text.ptr != NULL;

	why->rule = "template";
	why->at = made ? chunk.at + masked->at : r->problem.at;
	ifx_buf_addf(&why->text, "a template that cannot be followed: ");
	if (made)
		ifx_buf_add(&why->text, ifx_buf_str(&masked->text));
	else
		ifx_buf_add(&why->text, ifx_str_of(r->problem.what));
	ifx_buf_addf(&why->text, "; left alone%s",
		     r->chart ? ", try it rendered: helm template ... | istio-fix -" : "");
}

ifx_status ifx_reading_load(struct ifx_doc **out, struct ifx_reading *r, ifx_span chunk,
			    struct ifx_arena *arena, struct ifx_unread *why)
{
	struct ifx_problem plain = { 0 }, masked = { 0 };
	ifx_status st = look(r, arena), plain_st = IFX_EINVAL;
	bool masked_first = r->ytt || (r->chart && has_actions(r, chunk));
	bool made = r->mask.n && r->mask.text.ptr;

	if (st != IFX_OK)
		return st;
	ifx_buf_init(&plain.text, 4096);
	ifx_buf_init(&masked.text, 4096);
	st = IFX_EINVAL;
	if (!masked_first)
		st = plain_st = load_plain(out, r, chunk, &plain);
	if (made && (st == IFX_EINVAL || st == IFX_EREFUSED))
		st = load_masked(out, r, chunk, arena, &masked);
	if (r->ytt && st == IFX_EINVAL)
		st = plain_st = load_plain(out, r, chunk, &plain);
	if (st == IFX_ELIMIT || (st == IFX_EINVAL && !has_actions(r, chunk))) {
		const struct ifx_problem *p = plain_st == st ? &plain : &masked;

		why->rule = st == IFX_ELIMIT ? "limit" : "yaml";
		why->at = chunk.at + p->at;
		ifx_buf_add(&why->text, ifx_buf_str(&p->text));
	} else if (st == IFX_EINVAL || st == IFX_EREFUSED) {
		say_template(why, r, chunk, &masked);
	}
	ifx_buf_release(&plain.text);
	ifx_buf_release(&masked.text);
	return st == IFX_OK || st == IFX_ENOMEM ? st : IFX_EINVAL;
}

bool ifx_reading_is_template(const struct ifx_doc *doc)
{
	return doc->mask && doc->mask->n;
}

ifx_status ifx_reading_prove(const struct ifx_reading *r, ifx_str after,
			     const struct ifx_edits *edits, struct ifx_buf *why)
{
	if (!r->mask.n || !r->mask.text.ptr || r->plain_changes)
		return IFX_OK;
	return ifx_guard_prove_file(&r->mask, after, edits, r->chart, why);
}
