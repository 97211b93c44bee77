#include "rule/ignore.h"

#include "base/alloc.h"
#include "yaml/load.h"

#include <stdlib.h>

/* Where a comment can be for a wish. */
struct spot {
	ifx_comment_where where;
	size_t at; /* as in struct ifx_new_comment; BEHIND: the start of the line */
	const char *rule;
};

struct writing {
	const struct ifx_doc *doc;
	struct ifx_arena *arena;
	const struct ifx_entry **entries; /* all of the document, by start */
	size_t n_entries;
};

/* How many entries begin at or before `at`. */
static size_t entries_to(const struct writing *w, size_t at)
{
	size_t lo = 0, hi = w->n_entries;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->entries[mid]->start <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first comment in [from, to) that ignores rules, or IFX_NO_COMMENT. *any: there is one at all.
 */
static size_t ignoring(const struct writing *w, size_t from, size_t to, bool *any)
{
	const struct ifx_doc *doc = w->doc;

	*any = false;
	for (size_t i = ifx_comment_from(doc, from);
	     i < doc->n_comments && doc->comments[i].span.at < to; i++) {
		*any = true;
		if (ifx_ignore_bracket(ifx_comment_text(doc, i)))
			return i;
	}
	return IFX_NO_COMMENT;
}

/* Above the entry, or the nearest one around it that begins a line. */
static bool spot_above(const struct writing *w, const struct ifx_entry *e, struct spot *spot)
{
	ifx_str src = w->doc->src;
	size_t first, n, i;
	bool any;

	while (!ifx_starts_line(src, e->start) && e->in->entry)
		e = e->in->entry;
	if (!ifx_starts_line(src, e->start) || (e->in->style == IFX_FLOW && !e->in->entry))
		return false;
	n = ifx_entry_head(e, &first);
	i = n ? ignoring(w, w->doc->comments[first].span.at, e->start, &any) : IFX_NO_COMMENT;
	spot->where = i == IFX_NO_COMMENT ? IFX_COMMENT_ABOVE : IFX_COMMENT_REPLACE;
	spot->at =
		i == IFX_NO_COMMENT ? ifx_line_start(src, e->start) : w->doc->comments[i].span.at;
	return true;
}

static bool spot_behind(const struct writing *w, const struct ifx_entry *e, size_t at,
			struct spot *spot)
{
	size_t line = ifx_line_start(w->doc->src, at), end = ifx_line_end(w->doc->src, at);
	bool any;
	size_t i = ignoring(w, line, end, &any);

	if (i == IFX_NO_COMMENT && any)
		return spot_above(w, e, spot);
	spot->where = i == IFX_NO_COMMENT ? IFX_COMMENT_BEHIND : IFX_COMMENT_REPLACE;
	spot->at = i == IFX_NO_COMMENT ? line : w->doc->comments[i].span.at;
	return true;
}

static bool is_block_text(const struct ifx_node *node)
{
	return node->kind == IFX_SCALAR &&
	       (node->style == IFX_LITERAL || node->style == IFX_FOLDED);
}

/* False: there is no place for a comment. */
static bool find_spot(const struct writing *w, size_t at, struct spot *spot)
{
	ifx_str src = w->doc->src;
	size_t n = entries_to(w, at);
	const struct ifx_entry *e = n ? w->entries[n - 1] : NULL, *top = e;

	if (!e || w->doc->json)
		return false;
	while (top->in->style == IFX_FLOW && top->in->entry)
		top = top->in->entry;
	if (top->in->style == IFX_FLOW &&
	    ifx_line_end(src, top->in->span.at) < top->in->span.at + top->in->span.len)
		return false;
	if (is_block_text(e->value))
		return spot_behind(w, e, e->value->span.at, spot);
	if (top->value->style == IFX_FLOW && ifx_line_end(src, top->start) < top->end)
		return spot_above(w, top, spot);
	if (e->value->kind == IFX_SCALAR && ifx_line_end(src, e->value->span.at) < e->end)
		return spot_behind(w, e, e->end, spot);
	return spot_behind(w, e, at, spot);
}

/* ---- from spots to comments ---- */

static int by_spot(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->where != y->where)
		return x->where > y->where ? -1 : 1; /* above comes first */
	return strcmp(x->rule, y->rule);
}

/* The comment for spots[0..n), which are one place. */
static ifx_str comment_for(const struct writing *w, const struct spot *spots, size_t n,
			   ifx_str reason)
{
	ifx_str old = IFX_NONE, copy;
	size_t bracket = 0;
	struct ifx_buf text;

	ifx_buf_init(&text, 1 << 20);
	if (spots->where == IFX_COMMENT_REPLACE) {
		old = ifx_comment_text(w->doc, ifx_comment_from(w->doc, spots->at));
		bracket = ifx_ignore_bracket(old);
		ifx_buf_add(&text, ifx_str_sub(old, 0, bracket));
	} else {
		ifx_buf_add(&text, IFX_LIT("# istio-fix: ignore["));
	}
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(spots[i].rule, spots[i - 1].rule) != 0)
			ifx_buf_addf(&text, "%s%s", i || old.ptr ? "," : "", spots[i].rule);
	if (old.ptr)
		ifx_buf_add(&text, ifx_str_sub(old, bracket, old.len - bracket));
	else
		ifx_buf_addf(&text, "]%s%.*s", reason.len ? " " : "", IFX_ARG(reason));
	copy = text.bad ? IFX_NONE : ifx_arena_copy(w->arena, ifx_buf_str(&text));
	ifx_buf_release(&text);
	return copy;
}

static ifx_status list_comments(const struct writing *w, struct spot *spots, size_t n,
				ifx_str reason, struct ifx_new_comment **list, size_t *n_list)
{
	*n_list = 0;
	*list = ifx_arena_alloc(w->arena, (n + 1) * sizeof(**list));
	if (!*list)
		return IFX_ENOMEM;
	if (n)
		qsort(spots, n, sizeof(*spots), by_spot);
	for (size_t i = 0, k; i < n; i = k) {
		struct ifx_new_comment *c = &(*list)[(*n_list)++];

		for (k = i;
		     k < n && spots[k].at == spots[i].at && spots[k].where == spots[i].where;)
			k++;
		*c = (struct ifx_new_comment){ spots[i].where, spots[i].at,
					       comment_for(w, &spots[i], k - i, reason) };
		if (!c->text.ptr)
			return IFX_ENOMEM;
	}
	return IFX_OK;
}

/* Which wishes does the new document fulfil? */
static ifx_status check(const struct ifx_doc *after, const struct ifx_edits *edits,
			struct ifx_ignore_wish *wishes, size_t n, struct ifx_rule_list rules,
			struct ifx_arena *arena)
{
	struct ifx_suppressions s;
	ifx_status st = ifx_suppressions_read(&s, after, NULL, rules, true, arena);

	for (size_t i = 0; i < n && st == IFX_OK; i++) {
		wishes[i].at = ifx_edits_to_new(edits, wishes[i].at);
		wishes[i].fulfilled = ifx_suppressed(&s, wishes[i].rule, wishes[i].at);
	}
	ifx_suppressions_release(&s);
	return st;
}

ifx_status ifx_ignore_write(ifx_str *after_text, struct ifx_doc **after, struct ifx_edits *edits,
			    const struct ifx_doc *doc, struct ifx_ignore_wish *wishes, size_t n,
			    ifx_str reason, struct ifx_rule_list rules, struct ifx_arena *arena,
			    struct ifx_buf *why)
{
	struct writing w = { .doc = doc, .arena = arena };
	struct spot *spots = ifx_arena_alloc(arena, (n + 1) * sizeof(*spots));
	struct ifx_new_comment *list;
	size_t n_spots = 0, n_list;
	ifx_status st;

	*after = NULL;
	w.entries = ifx_entries_of(doc, arena, &w.n_entries);
	if (!spots || !w.entries)
		return IFX_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		spots[n_spots].rule = wishes[i].rule->id;
		n_spots += find_spot(&w, wishes[i].at, &spots[n_spots]);
	}
	st = list_comments(&w, spots, n_spots, reason, &list, &n_list);
	if (st != IFX_OK || !n_list)
		return st;
	st = ifx_add_comments(after_text, after, edits, doc, list, n_list, arena, why);
	if (st == IFX_OK)
		st = check(*after, edits, wishes, n, rules, arena);
	if (st != IFX_OK) {
		ifx_doc_free(*after);
		*after = NULL;
	}
	return st;
}
