/*
 * The proof of guard.h. It reads the two trees and the edits, never the operations nor what the
 * guard thought of them.
 */
#include "edit/guard.h"

#include "template/tree.h"

static ifx_status fail(struct ifx_buf *why, const char *fmt, ...) IFX_PRINTF(2, 3);

static ifx_status fail(struct ifx_buf *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_clear(why);
	ifx_buf_vaddf(why, fmt, ap);
	va_end(ap);
	return why->bad ? IFX_ENOMEM : IFX_EINVAL;
}

/* ---- where each action is ---- */

enum { TRAIL_MAX = 512 };

/* Entries from the root down to where the walk is, by the offsets at which they begin in the new
 * text. */
struct walk {
	const struct ifx_doc *doc;
	const struct ifx_mask *mask;
	const struct ifx_edits *edits; /* NULL: it is the new text */
	uint64_t *places;              /* of the actions, as hashes */
	size_t next;                   /* the next action to place */
	struct {
		size_t start, column;
	} trail[TRAIL_MAX];
	size_t depth;
};

static uint64_t mix(uint64_t h, size_t value)
{
	h ^= value + 0x9E3779B97F4A7C15u + (h << 6) + (h >> 2);
	return h * 0xFF51AFD7ED558CCDu;
}

/* Actions up to `end` are here. What prints at a known column is in what is left of it. */
static void place_to(struct walk *w, size_t end)
{
	for (; w->next < w->mask->n && w->mask->actions[w->next].span.at < end; w->next++) {
		const struct ifx_action *a = &w->mask->actions[w->next];
		uint64_t h = 1;

		if (a->alone && a->kind != IFX_ACTION_PRINTS)
			continue; /* regions tell */
		for (size_t i = 0; i < w->depth && i < TRAIL_MAX; i++)
			if (!a->alone || a->column == SIZE_MAX || w->trail[i].column < a->column)
				h = mix(h, w->trail[i].start);
		w->places[w->next] = h;
	}
}

static void walk_node(struct walk *w, const struct ifx_node *node);

static void walk_entry(struct walk *w, const struct ifx_entry *e)
{
	const struct ifx_node *value = e->value;
	bool open = value && (value->kind != IFX_SCALAR || ifx_is_null(value));

	place_to(w, e->start);
	if (w->depth < TRAIL_MAX) {
		w->trail[w->depth].start =
			w->edits ? ifx_edits_to_new(w->edits, e->start) : e->start;
		w->trail[w->depth].column = ifx_column(w->doc->src, e->start);
	}
	w->depth++;
	walk_node(w, value);
	place_to(w, open ? ifx_entry_next_start(e) : e->end);
	w->depth--;
}

static void walk_node(struct walk *w, const struct ifx_node *node)
{
	if (!node || (node->kind != IFX_MAP && node->kind != IFX_SEQ))
		return;
	for (const struct ifx_entry *e = node->first; e; e = e->next)
		walk_entry(w, e);
}

static uint64_t *places_of(const struct ifx_doc *doc, const struct ifx_mask *mask,
			   const struct ifx_edits *edits, struct ifx_arena *arena)
{
	struct walk w = { .doc = doc, .mask = mask, .edits = edits };

	w.places = ifx_arena_alloc(arena, (mask->n + 1) * sizeof(*w.places));
	if (!w.places)
		return NULL;
	walk_node(&w, doc->root);
	place_to(&w, SIZE_MAX);
	return w.places;
}

/* ---- what came in ---- */

static bool is_new(const struct ifx_edits *edits, size_t at)
{
	return ifx_edits_to_new(edits, ifx_edits_to_old(edits, at)) != at;
}

/* The first entry that came into a map of another region; NULL: all is well. */
static const struct ifx_entry *stray(const struct ifx_mask *mask, const struct ifx_edits *edits,
				     const struct ifx_node *node)
{
	const struct ifx_entry *found;

	if (!node || (node->kind != IFX_MAP && node->kind != IFX_SEQ))
		return NULL;
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		if (node->entry && is_new(edits, e->start) &&
		    ifx_region_at(mask, e->start) != ifx_region_at(mask, node->entry->start))
			return e;
		found = stray(mask, edits, e->value);
		if (found)
			return found;
	}
	return NULL;
}

/* ---- the proof ---- */

/* The mask of the new text, of the old one's actions. */
static ifx_status carry(struct ifx_mask **out, const struct ifx_mask *old, ifx_str text,
			const struct ifx_edits *edits, struct ifx_arena *arena)
{
	struct ifx_mask *mask = ifx_arena_alloc(arena, sizeof(*mask));
	struct ifx_buf source;
	ifx_status st;

	if (!mask)
		return IFX_ENOMEM;
	*mask = *old;
	mask->text = text;
	mask->actions = ifx_arena_alloc(arena, (old->n + 1) * sizeof(*mask->actions));
	if (!mask->actions)
		return IFX_ENOMEM;
	for (size_t i = 0; i < old->n; i++) {
		mask->actions[i] = old->actions[i];
		mask->actions[i].span.at = ifx_edits_to_new(edits, old->actions[i].span.at);
	}
	ifx_buf_init(&source, IFX_BUF_MAX);
	ifx_edits_splice(edits, old->source, &source);
	st = ifx_buf_status(&source);
	if (st == IFX_OK) {
		mask->source = ifx_arena_copy(arena, ifx_buf_str(&source));
		st = mask->source.ptr ? IFX_OK : IFX_ENOMEM;
	}
	ifx_buf_release(&source);
	*out = mask;
	return st;
}

static ifx_str text_of(const struct ifx_mask *mask, size_t i)
{
	return ifx_str_sub(mask->source, mask->actions[i].span.at, mask->actions[i].span.len);
}

ifx_status ifx_guard_prove(const struct ifx_doc *before, struct ifx_doc *after,
			   const struct ifx_edits *edits, struct ifx_arena *arena,
			   struct ifx_buf *why)
{
	const struct ifx_mask *old = before->mask;
	struct ifx_mask *mask;
	const struct ifx_entry *lost;
	uint64_t *was, *is;
	ifx_status st = carry(&mask, old, after->src, edits, arena);

	if (st != IFX_OK)
		return st;
	if (mask->source.len != after->src.len)
		return fail(why, "the template and its mask differ in length");
	was = places_of(before, old, edits, arena);
	is = places_of(after, mask, NULL, arena);
	if (!was || !is || !ifx_template_bind(after, mask, arena))
		return IFX_ENOMEM;
	for (size_t i = 0; i < mask->n; i++) {
		if (!ifx_str_eq(text_of(old, i), text_of(mask, i)))
			return fail(why, "the action of line %zu is harmed", old->actions[i].line);
		if (was[i] != is[i])
			return fail(why, "the action of line %zu is at another place",
				    old->actions[i].line);
	}
	lost = stray(mask, edits, after->root);
	if (lost)
		return fail(why, "'%.*s' came into another block of the template",
			    IFX_ARG(ifx_text(lost->key)));
	return IFX_OK;
}

/* Does the mask say the same? Blank lines of it are comments where they follow a long run of
 * others: that may have become longer or shorter. */
static bool is_same_mask(const struct ifx_mask *mask, ifx_str text)
{
	size_t i = 0;

	if (mask->text.len != text.len)
		return false;
	for (size_t at = 0; at < text.len; at++) {
		while (i < mask->n && mask->actions[i].span.at + mask->actions[i].span.len <= at)
			i++;
		if (mask->text.ptr[at] == text.ptr[at])
			continue;
		if (i == mask->n || mask->actions[i].span.at > at || !mask->actions[i].alone ||
		    !strchr(" #", text.ptr[at]) || !strchr(" #", mask->text.ptr[at]))
			return false;
	}
	return true;
}

ifx_status ifx_guard_prove_file(const struct ifx_mask *before, ifx_str after,
				const struct ifx_edits *edits, bool go_only, struct ifx_buf *why)
{
	struct ifx_mask_problem problem;
	struct ifx_mask mask;
	struct ifx_arena arena;
	struct ifx_buf text;
	ifx_status st;

	ifx_arena_init(&arena, IFX_BUF_MAX);
	ifx_buf_init(&text, IFX_BUF_MAX);
	st = ifx_mask_make(&mask, after, go_only, &arena, &problem);
	if (st == IFX_EINVAL)
		st = fail(why, "the template is broken: %s", problem.what);
	if (st == IFX_OK) {
		ifx_edits_splice(edits, before->text, &text);
		st = ifx_buf_status(&text);
	}
	if (st == IFX_OK && mask.n != before->n)
		st = fail(why, "%zu actions of the template became %zu", before->n, mask.n);
	for (size_t i = 0; st == IFX_OK && i < mask.n; i++)
		if (!ifx_str_eq(text_of(before, i), text_of(&mask, i)) ||
		    mask.actions[i].region != before->actions[i].region)
			st = fail(why, "the action of line %zu is harmed", before->actions[i].line);
	if (st == IFX_OK && !is_same_mask(&mask, ifx_buf_str(&text)))
		st = fail(why, "the new template's mask is not the one that was proven");
	ifx_buf_release(&text);
	ifx_arena_release(&arena);
	return st;
}
