#include "edit/guard.h"

#include "template/tree.h"

/* ---- saying no ---- */

static ifx_status refuse(struct ifx_buf *why, const char *fmt, ...) IFX_PRINTF(2, 3);

static ifx_status refuse(struct ifx_buf *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_clear(why);
	ifx_buf_vaddf(why, fmt, ap);
	va_end(ap);
	return why->bad ? IFX_ENOMEM : IFX_EREFUSED;
}

/* what: "it comes from", with an action behind it. */
static ifx_status blame(struct ifx_buf *why, const struct ifx_mask *mask,
			const struct ifx_action *a, const char *what)
{
	return refuse(why, "%s the template: '%.*s' in line %zu", what,
		      IFX_ARG(ifx_action_shown(mask, a)), a->line);
}

/* The first action between two offsets that opens, turns or closes a block. */
static const struct ifx_action *border(const struct ifx_mask *mask, size_t from, size_t to)
{
	for (size_t i = ifx_mask_from(mask, from); i < mask->n; i++) {
		if (mask->actions[i].span.at >= to)
			break;
		if (mask->actions[i].kind >= IFX_ACTION_OPENS)
			return &mask->actions[i];
	}
	return NULL;
}

static ifx_status blame_border(struct ifx_buf *why, const struct ifx_mask *mask, size_t a, size_t b,
			       const char *what)
{
	const struct ifx_action *action = border(mask, a < b ? a : b, a < b ? b : a);

	return action ? blame(why, mask, action, what) : refuse(why, "%s the template", what);
}

/* ---- where things are ---- */

static size_t place_of(const struct ifx_entry *e)
{
	return ifx_template_at(e->in->doc, e->start);
}

/* The entry around an entry, be it that of the text it is embedded in. */
static const struct ifx_entry *outer(const struct ifx_entry *e)
{
	if (e->in->entry)
		return e->in->entry;
	return e->in->doc->host ? e->in->doc->host->entry : NULL;
}

/* Is each map around the entry there for all values for which the entry is? */
static ifx_status check_around(struct ifx_buf *why, const struct ifx_mask *mask,
			       const struct ifx_entry *e)
{
	size_t region = ifx_template_region(e);

	for (const struct ifx_entry *o = outer(e); o; o = outer(o))
		if (!ifx_region_in(mask, region, ifx_template_region(o)))
			return blame_border(why, mask, place_of(o), place_of(e),
					    "which map it is in depends on");
	return IFX_OK;
}

/* The same of what says which object it is; *object (may be NULL) gets the entry of its kind. */
static ifx_status check_object(struct ifx_buf *why, const struct ifx_mask *mask,
			       const struct ifx_entry *e, const struct ifx_entry **object)
{
	const ifx_str names[] = { IFX_LIT("kind"), IFX_LIT("apiVersion") };
	size_t region = ifx_template_region(e);

	for (const struct ifx_entry *o = e; o; o = outer(o))
		for (size_t i = 0; i < 2; i++) {
			const struct ifx_entry *name =
				o->in->kind == IFX_MAP ? ifx_map_entry(o->in, names[i]) : NULL;

			if (!name || name == e)
				continue;
			if (!ifx_region_in(mask, region, ifx_template_region(name)))
				return blame_border(why, mask, place_of(name), place_of(e),
						    "which object it is depends on");
			if (object && !i)
				*object = name;
		}
	return IFX_OK;
}

/* ---- entries ---- */

/* Is the text of a scalar its own? */
static ifx_status check_scalar(struct ifx_buf *why, const struct ifx_node *node)
{
	const struct ifx_action *a = ifx_template_in(node);

	return a ? blame(why, ifx_template_of(node->doc), a, "it comes from") : IFX_OK;
}

/* Does the template print no part of the entry, nor lines that follow it and belong to it? */
static ifx_status check_whole(struct ifx_buf *why, const struct ifx_mask *mask,
			      const struct ifx_entry *e)
{
	const struct ifx_doc *doc = e->in->doc;
	const struct ifx_node *value = e->value;
	const struct ifx_action *a;

	if (doc->host && (a = ifx_template_in(doc->host)) != NULL)
		return blame(why, mask, a, "the text it is in comes from");
	a = ifx_mask_action(mask, place_of(e), ifx_template_at(doc, e->end));
	if (!a && value->kind == IFX_SCALAR && value->raw_end > e->end)
		a = ifx_template_in(value);
	if (!a)
		a = value->adds;
	/* What follows a list may be an item of it. */
	if (!a && value->kind == IFX_SEQ && !doc->host)
		a = ifx_mask_action(mask, e->end, ifx_entry_next_start(e));
	return a ? blame(why, mask, a, "a part of it comes from") : IFX_OK;
}

/*
 * When the entry goes, does its map keep an entry for all values, or lose the last one for all?
 * What else might go at the same time has a key of Istio's.
 */
static ifx_status check_left(struct ifx_buf *why, const struct ifx_mask *mask,
			     const struct ifx_entry *e)
{
	for (; e; e = outer(e)) {
		const struct ifx_node *map = e->in;
		size_t region = ifx_template_region(e);
		const struct ifx_entry *unsure = NULL;
		bool stays = false;

		for (const struct ifx_entry *x = map->first; x && !stays; x = x->next) {
			if (x == e)
				continue;
			if (ifx_template_region(x) != region)
				unsure = x;
			else
				stays = !ifx_template_is_istio(x) &&
					!(x->key && ifx_template_in(x->key));
		}
		if (stays)
			return IFX_OK;
		if (map->adds)
			return blame(why, mask, map->adds,
				     "whether its map becomes empty depends on");
		if (unsure)
			return blame_border(why, mask, place_of(e), place_of(unsure),
					    "whether its map becomes empty depends on");
	}
	return IFX_OK;
}

/* Is the entry there whenever its map is? */
static ifx_status check_sure(struct ifx_buf *why, const struct ifx_mask *mask,
			     const struct ifx_entry *e)
{
	const struct ifx_entry *o = outer(e);

	if (!o || ifx_template_region(o) == ifx_template_region(e))
		return IFX_OK;
	return blame_border(why, mask, place_of(o), place_of(e), "whether it is there depends on");
}

/* The line of the last action before `at` that opens, turns or closes a block. */
static size_t block_line(const struct ifx_mask *mask, size_t at)
{
	size_t i = ifx_mask_from(mask, at);

	while (i && mask->actions[i - 1].kind < IFX_ACTION_OPENS)
		i--;
	return i ? mask->actions[i - 1].line : 1;
}

/* Index of the first entry of Istio's at or behind `at`. */
static size_t first_istio(const struct ifx_mask *mask, size_t at)
{
	size_t lo = 0, hi = mask->n_istio;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (mask->istio[mid]->start < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The map of the object that the entry is part of: the nearest one with a kind, else the root. */
static const struct ifx_node *object_of(const struct ifx_entry *e)
{
	const struct ifx_node *map = NULL;

	for (; e; e = outer(e)) {
		if (e->in->doc->host)
			continue; /* the text of a scalar is no object */
		map = e->in;
		if (map->kind == IFX_MAP && ifx_map_entry(map, IFX_LIT("kind")))
			break;
	}
	return map;
}

/*
 * Keys of Istio's in the same object that are there for some values only, or may be said again by
 * the template: a rule takes them for what is written. any: each of them may be a reason for the
 * operation, not only those of the same name.
 */
static ifx_status check_others(struct ifx_buf *why, const struct ifx_mask *mask, size_t region,
			       const struct ifx_entry *e, ifx_str key, bool any)
{
	const struct ifx_node *object = object_of(e);
	size_t at = object ? object->span.at : 0;
	size_t end = object ? at + object->span.len : SIZE_MAX;

	for (size_t i = first_istio(mask, at); i < mask->n_istio; i++) {
		const struct ifx_entry *u = mask->istio[i];
		bool same = ifx_str_eq(ifx_text(u->key), key);

		if (u->start >= end)
			break;
		if (u == e || (!any && !same))
			continue;
		if (!ifx_region_in(mask, region, ifx_template_region(u)))
			return refuse(
				why, "whether '%.*s' is there depends on the template, in line %zu",
				IFX_ARG(ifx_text(u->key)), block_line(mask, u->start));
		if (same && u->in->adds)
			return blame(why, mask, u->in->adds, "the same key may come again from");
	}
	return IFX_OK;
}

/* ---- operations ---- */

static ifx_status check_leaving(struct ifx_buf *why, const struct ifx_mask *mask,
				const struct ifx_op *op)
{
	const struct ifx_entry *e = op->entry;
	ifx_status st = check_whole(why, mask, e);

	if (st == IFX_OK)
		st = check_sure(why, mask, e);
	if (st == IFX_OK)
		st = check_left(why, mask, e);
	if (st == IFX_OK && op->heir &&
	    !ifx_region_in(mask, ifx_template_region(e), ifx_template_region(op->heir)))
		st = blame_border(why, mask, place_of(e), place_of(op->heir),
				  "whether the other one is there depends on");
	return st;
}

/* region, from: of what comes, and from where. */
static ifx_status check_place(struct ifx_buf *why, const struct ifx_mask *mask,
			      const struct ifx_place *place, size_t region, size_t from)
{
	const struct ifx_node *base = place->base;
	const struct ifx_entry *e = base->entry;
	const struct ifx_action *a = base->adds;
	size_t last;
	ifx_status st;

	if (!e && base->doc->host)
		e = base->doc->host->entry;
	if (!a && base->doc->host)
		a = ifx_template_in(base->doc->host);
	if (a)
		return blame(why, mask, a, "what its new map holds depends on");
	if (base->kind == IFX_SCALAR && (st = check_scalar(why, base)) != IFX_OK)
		return st;
	if (!e)
		return IFX_OK;
	/* What comes stands behind what is last. */
	last = base->last ? ifx_template_at(base->doc, base->last->end) : place_of(e);
	if (ifx_region_at(mask, last) != ifx_template_region(e))
		return blame_border(why, mask, place_of(e), last,
				    "what stands before its new place depends on");
	if (ifx_template_region(e) != region)
		return blame_border(why, mask, place_of(e), from,
				    "whether its new map is there depends on");
	return check_around(why, mask, e);
}

static ifx_status check_coming(struct ifx_buf *why, const struct ifx_mask *mask,
			       const struct ifx_op *op)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < op->n_to && st == IFX_OK; i++) {
		const struct ifx_node *base = op->to[i].base;
		const struct ifx_entry *e = base->first ? base->first : base->entry;
		const struct ifx_entry *from = op->entry;
		size_t at;

		if (e)
			st = check_object(why, mask, e, op->entry ? NULL : &from);
		at = from ? place_of(from) : ifx_template_at(base->doc, base->span.at);
		if (st == IFX_OK)
			st = check_place(why, mask, &op->to[i], ifx_region_at(mask, at), at);
	}
	return st;
}

/* The first line of a text that the template prints. */
static const struct ifx_action *prints_in(const struct ifx_mask *mask, const struct ifx_node *host)
{
	size_t i = ifx_mask_from(mask, ifx_template_at(host->doc, host->span.at));

	for (; i < mask->n && mask->actions[i].span.at < host->span.at + host->span.len; i++)
		if (mask->actions[i].kind == IFX_ACTION_PRINTS && mask->actions[i].alone)
			return &mask->actions[i];
	return NULL;
}

/* What is changed where it stands. */
static ifx_status check_in_place(struct ifx_buf *why, const struct ifx_mask *mask,
				 const struct ifx_op *op)
{
	const struct ifx_entry *e = op->entry ? op->entry : op->node->entry;
	const struct ifx_action *adds;
	ifx_status st;

	switch (op->verb) {
	case IFX_OP_SET:
		st = check_scalar(why, op->node);
		break;
	case IFX_OP_RENAME:
		st = check_scalar(why, e->key);
		adds = e->in->doc->host ? prints_in(mask, e->in->doc->host) : e->in->adds;
		if (st == IFX_OK && adds)
			st = blame(why, mask, adds, "what its map holds depends on");
		break;
	default: /* wrap, enlist, replace, append: what is below changes its place */
		if (!e)
			return refuse(why, "it is in a template");
		st = check_whole(why, mask, e);
	}
	if (st != IFX_OK || !e)
		return st;
	st = check_around(why, mask, e);
	return st == IFX_OK ? check_object(why, mask, e, NULL) : st;
}

/* What goes, comes or moves. */
static ifx_status check_moving(struct ifx_buf *why, const struct ifx_mask *mask,
			       const struct ifx_op *op)
{
	const struct ifx_node *base = op->n_to ? op->to->base : NULL;
	const struct ifx_entry *e = op->entry;
	ifx_str key = e && e->key ? ifx_text(e->key) : op->key;
	ifx_status st = IFX_OK;

	if (mask->stray)
		return blame_border(why, mask, place_of(mask->stray->in->entry),
				    place_of(mask->stray),
				    "which lines are in which map depends on");
	if (e) {
		st = check_around(why, mask, e);
		if (st == IFX_OK)
			st = check_object(why, mask, e, NULL);
		if (st == IFX_OK)
			st = check_leaving(why, mask, op);
	}
	if (st == IFX_OK)
		st = check_coming(why, mask, op);
	if (!e && base)
		e = base->first ? base->first : base->entry;
	if (st == IFX_OK && e)
		st = check_others(why, mask, ifx_template_region(e), e, key,
				  op->verb == IFX_OP_INSERT ||
					  (op->verb == IFX_OP_REMOVE && !op->heir));
	return st;
}

ifx_status ifx_guard_op(struct ifx_buf *why, const struct ifx_op *op)
{
	const struct ifx_mask *mask = ifx_template_of(op->doc);

	if (!mask || !mask->n)
		return IFX_OK;
	if (mask->shifts)
		return blame(why, mask, mask->shifts, "which lines are in which map depends on");
	if (op->verb == IFX_OP_REMOVE || op->verb == IFX_OP_MOVE || op->verb == IFX_OP_INSERT)
		return check_moving(why, mask, op);
	return check_in_place(why, mask, op);
}

/* ---- edits ---- */

static bool is_space(char c)
{
	return strchr(" \t\r\n", c) && c;
}

static bool is_on_line(ifx_str text, size_t from, size_t to)
{
	return from > to || ifx_str_chr(ifx_str_sub(text, from, to - from), '\n') == SIZE_MAX;
}

/* Is there a block scalar in it? */
static bool has_text(ifx_str lines)
{
	for (size_t at = 0; at < lines.len; at = ifx_line_next(lines, at)) {
		size_t end = ifx_line_end(lines, at);

		while (end > at && strchr(" \t+-0123456789", lines.ptr[end - 1]))
			end--;
		if (end > at && strchr("|>", lines.ptr[end - 1]))
			return true;
	}
	return false;
}

/* Something comes in: does an action beside it print lines, or trim what is behind it? */
static ifx_status check_beside(struct ifx_buf *why, const struct ifx_mask *mask,
			       const struct ifx_edit *e)
{
	size_t at = e->span.at, end = at + e->span.len, from = at, to = end, i;
	bool lines = ifx_str_chr(e->text, '\n') != SIZE_MAX;
	bool text = lines && has_text(e->text);

	while (from && is_space(mask->text.ptr[from - 1]))
		from--;
	while (to < mask->text.len && is_space(mask->text.ptr[to]))
		to++;
	for (i = ifx_mask_from(mask, from ? from - 1 : 0);
	     i < mask->n && mask->actions[i].span.at < to; i++) {
		const struct ifx_action *a = &mask->actions[i];

		if (lines && a->kind == IFX_ACTION_PRINTS && a->alone)
			return blame(why, mask, a, "what stands beside its new place comes from");
		/* A blank line behind a text is a part of it, and an action is no blank line. */
		if (text && a->alone && a->span.at >= at)
			return blame(why, mask, a, "what stands behind its new place comes from");
		/* What is behind an action of ytt on its line is code. */
		if (a->engine == IFX_ENGINE_YTT && a->span.at < at &&
		    is_on_line(mask->text, a->span.at + a->span.len, at))
			return blame(why, mask, a, "its new place would be a part of");
		if (a->trims_after && a->span.at < at)
			return blame(why, mask, a, "blanks before its new place are trimmed by");
	}
	return IFX_OK;
}

ifx_status ifx_guard_edits(struct ifx_buf *why, const struct ifx_doc *doc,
			   const struct ifx_edits *edits)
{
	const struct ifx_mask *mask = doc->mask;
	ifx_status st = IFX_OK;

	if (!mask)
		return IFX_OK;
	for (size_t i = 0; i < edits->n && st == IFX_OK; i++) {
		const struct ifx_edit *e = &edits->items[i];
		size_t end = e->span.at + e->span.len;
		const struct ifx_action *a = ifx_mask_action(mask, e->span.at, end);

		if (a)
			return blame(why, mask, a, "the change would take along a piece of");
		if (ifx_is_masked(e->text))
			return refuse(why, "a part of it comes from the template");
		st = check_beside(why, mask, e);
	}
	return st;
}
