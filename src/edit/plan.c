#include "edit/plan.h"

#include "base/alloc.h"

#include <stdlib.h>

static ifx_status refuse(struct ifx_buf *why, const char *fmt, ...) IFX_PRINTF(2, 3);

static ifx_status refuse(struct ifx_buf *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_clear(why);
	ifx_buf_vaddf(why, fmt, ap);
	va_end(ap);
	return IFX_EREFUSED;
}

static size_t line_of(ifx_str src, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at && i < src.len; i = ifx_line_next(src, i))
		if (ifx_line_next(src, i) <= at)
			line++;
	return line;
}

struct ifx_place ifx_place_of(const struct ifx_node *from, const ifx_str *keys, size_t n)
{
	struct ifx_place place = { .base = from };

	for (size_t i = 0; i < n; i++) {
		const struct ifx_entry *e = place.n ? NULL : ifx_map_find(place.base, keys[i], NULL);

		if (e)
			place.base = e->value;
		else if (place.n < IFX_PLACE_DEPTH)
			place.path[place.n++] = keys[i];
	}
	return place;
}

/* ---- what the plan knows ---- */

static int by_start(const void *a, const void *b)
{
	const struct ifx_entry *x = *(const struct ifx_entry *const *)a;
	const struct ifx_entry *y = *(const struct ifx_entry *const *)b;

	/* An entry and the first one of its value may start at the same byte; the longer goes first. */
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end < y->end) - (x->end > y->end);
}

bool ifx_plan_gone(const struct ifx_plan *plan, const struct ifx_entry *entry)
{
	return plan->n_gone && bsearch(&entry, plan->gone, plan->n_gone, sizeof(*plan->gone),
				       by_start);
}

const struct ifx_change *ifx_plan_change(const struct ifx_plan *plan, const struct ifx_node *node)
{
	for (size_t i = 0; i < plan->n_changes; i++)
		if (plan->changes[i].node == node)
			return &plan->changes[i];
	return NULL;
}

const struct ifx_arrival *ifx_plan_arrival(const struct ifx_plan *plan, const struct ifx_node *map)
{
	for (const struct ifx_arrival *a = plan->arrivals; a; a = a->next)
		if (a->place.base == map)
			return a;
	return NULL;
}

const struct ifx_emptied *ifx_plan_emptied(const struct ifx_plan *plan, const struct ifx_node *map)
{
	for (size_t i = 0; i < plan->n_emptied; i++)
		if (plan->emptied[i].map == map)
			return &plan->emptied[i];
	return NULL;
}

/* ---- checks ---- */

/* A map that is written once and used in several places cannot be edited in one of them. */
static ifx_status check_shared(const struct ifx_node *node, struct ifx_buf *why)
{
	for (; node; node = node->entry ? node->entry->in : NULL)
		if (node->anchor.len && node->aliases)
			return refuse(why,
				      "the anchor '%.*s' shares it with another place; edit line %zu by hand",
				      (int)node->anchor.len, node->doc->src.ptr + node->anchor.at,
				      line_of(node->doc->src, node->anchor.at));
	return IFX_OK;
}

static int by_text(const void *a, const void *b)
{
	return ifx_str_cmp(*(const ifx_str *)a, *(const ifx_str *)b);
}

static ifx_status check_duplicates(const struct ifx_node *map, struct ifx_arena *arena,
				   struct ifx_buf *why)
{
	ifx_str *keys;
	size_t n = 0;

	if (!ifx_is(map, IFX_MAP) || map->n < 2)
		return IFX_OK;
	keys = ifx_arena_alloc(arena, map->n * sizeof(*keys));
	if (!keys)
		return IFX_ENOMEM;
	for (const struct ifx_entry *e = map->first; e; e = e->next)
		if (ifx_is(e->key, IFX_SCALAR))
			keys[n++] = ifx_text(e->key);
	qsort(keys, n, sizeof(*keys), by_text);
	for (size_t i = 1; i < n; i++)
		if (ifx_str_eq(keys[i - 1], keys[i]))
			return refuse(why,
				      "the key '%.*s' is there twice in this map; remove one of them first",
				      IFX_ARG(keys[i]));
	return IFX_OK;
}

static size_t count_anchors(const struct ifx_node *node, ifx_str name)
{
	size_t n = 0;

	if (!node)
		return 0;
	if (node->anchor.len &&
	    ifx_str_eq(ifx_str_sub(node->doc->src, node->anchor.at + 1, node->anchor.len - 1), name))
		n++;
	if (node->kind == IFX_MAP || node->kind == IFX_SEQ)
		for (const struct ifx_entry *e = node->first; e; e = e->next)
			n += count_anchors(e->key, name) + count_anchors(e->value, name);
	return n;
}

/* Anchors cannot move away from their aliases; an alias must come behind its anchor, and only one may bear the name. */
static ifx_status check_movable(const struct ifx_node *node, const struct ifx_op *op,
				struct ifx_buf *why)
{
	ifx_status st = IFX_OK;

	if (!node)
		return IFX_OK;
	if (node->anchor.len)
		return refuse(why, "it holds the anchor '%.*s'; write it out first",
			      (int)node->anchor.len, node->doc->src.ptr + node->anchor.at);
	if (node->kind == IFX_ALIAS) {
		for (size_t i = 0; i < op->n_to; i++)
			if (!node->target || op->to[i].base->span.at < node->target->span.at)
				return refuse(why, "it would come before the anchor that it needs");
		if (count_anchors(node->doc->root, node->text) != 1)
			return refuse(why, "its anchor '%.*s' is defined more than once",
				      IFX_ARG(node->text));
	}
	if (node->kind == IFX_MAP || node->kind == IFX_SEQ)
		for (const struct ifx_entry *e = node->first; e && st == IFX_OK; e = e->next) {
			st = check_movable(e->key, op, why);
			if (st == IFX_OK)
				st = check_movable(e->value, op, why);
		}
	return st;
}

static ifx_status check_place(const struct ifx_place *place, ifx_str key, struct ifx_arena *arena,
			      struct ifx_buf *why)
{
	const struct ifx_node *base = place->base;
	ifx_status st;
	bool direct;

	if (ifx_is(base, IFX_ALIAS))
		return refuse(why, "the map there is the alias '*%.*s'; edit its anchor by hand",
			      IFX_ARG(base->text));
	if (!ifx_is(base, IFX_MAP) && !ifx_is_null(base))
		return refuse(why, "what stands there is not a map");
	if (ifx_is_null(base) && (base->anchor.len || base->tag.len))
		return refuse(why, "the empty value there has an anchor or a tag");
	if (base->bare)
		return refuse(why, "the map there has no braces of its own");
	if (ifx_is_null(base) && !base->entry)
		return refuse(why, "the document is empty");
	st = check_shared(base, why);
	if (st == IFX_OK)
		st = check_duplicates(base, arena, why);
	if (st != IFX_OK || place->n)
		return st;
	if (ifx_map_entry(base, key))
		return refuse(why, "the key is there already");
	if (ifx_map_find(base, key, &direct) && !direct)
		return refuse(why, "a merge key (<<) brings the key in already");
	return IFX_OK;
}

/* ---- building ---- */

static ifx_status add_gone(struct ifx_plan *plan, const struct ifx_entry *entry)
{
	const struct ifx_entry **list = ifx_grow(plan->gone, &plan->cap_gone, plan->n_gone + 1,
						 sizeof(*list));

	if (!list)
		return IFX_ENOMEM;
	plan->gone = list;
	list[plan->n_gone++] = entry;
	return IFX_OK;
}

static ifx_status add_emptied(struct ifx_plan *plan, const struct ifx_node *map, bool braces)
{
	struct ifx_emptied *list;

	list = ifx_grow(plan->emptied, &plan->cap_emptied, plan->n_emptied + 1, sizeof(*list));
	if (!list)
		return IFX_ENOMEM;
	plan->emptied = list;
	list[plan->n_emptied++] = (struct ifx_emptied){ map, braces || map->style == IFX_FLOW };
	return IFX_OK;
}

static ifx_status add_change(struct ifx_plan *plan, struct ifx_change change, struct ifx_buf *why)
{
	struct ifx_change *list;

	if (ifx_plan_change(plan, change.node))
		return refuse(why, "another change is already made there");
	list = ifx_grow(plan->changes, &plan->cap_changes, plan->n_changes + 1, sizeof(*list));
	if (!list)
		return IFX_ENOMEM;
	plan->changes = list;
	list[plan->n_changes++] = change;
	return IFX_OK;
}

static bool same_place(const struct ifx_place *a, const struct ifx_place *b)
{
	if (a->base != b->base || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!ifx_str_eq(a->path[i], b->path[i]))
			return false;
	return true;
}

static ifx_status add_arrival(struct ifx_plan *plan, const struct ifx_place *place,
			      const struct ifx_op *op, struct ifx_buf *why)
{
	struct ifx_arrival **link = &plan->arrivals, *a;
	struct ifx_coming *c;

	for (; (a = *link) != NULL; link = &a->next) {
		if (same_place(&a->place, place))
			break;
		/* Two new maps below one base: the second has to see the first. */
		if (a->place.base == place->base)
			return refuse(why, "another change is already made there");
	}
	if (!a) {
		a = ifx_arena_alloc(plan->arena, sizeof(*a));
		if (!a)
			return IFX_ENOMEM;
		a->place = *place;
		*link = a;
	}
	for (c = a->first; c; c = c->next)
		if (ifx_str_eq(c->key, op->key))
			return refuse(why, "the same key is put there already");
	c = ifx_arena_alloc(plan->arena, sizeof(*c));
	if (!c)
		return IFX_ENOMEM;
	c->entry = op->verb == IFX_OP_MOVE ? op->entry : NULL;
	c->key = op->key;
	c->value = op->value;
	if (a->last)
		a->last->next = c;
	else
		a->first = c;
	a->last = c;
	return IFX_OK;
}

static void mark_comments(struct ifx_plan *plan, const struct ifx_entry *entry)
{
	size_t first, n = ifx_entry_head(entry, &first), trail = ifx_entry_trail(entry);
	const struct ifx_doc *doc = plan->doc;

	for (size_t i = first; i < first + n; i++)
		plan->comments[i] = IFX_COMMENT_GOES;
	for (size_t i = ifx_comment_from(doc, entry->start);
	     i < doc->n_comments && doc->comments[i].span.at < entry->end; i++)
		plan->comments[i] = IFX_COMMENT_GOES;
	if (trail != IFX_NO_COMMENT)
		plan->comments[trail] = IFX_COMMENT_GOES;
}

static ifx_status take_leaving(struct ifx_plan *plan, const struct ifx_op *op, struct ifx_buf *why)
{
	const struct ifx_entry *e = op->entry;
	struct ifx_legacy *legacy;
	ifx_status st;

	if (!ifx_is(e->in, IFX_MAP))
		return refuse(why, "list items are not removed");
	if (e->in->bare)
		return refuse(why, "the map there has no braces of its own");
	st = check_shared(e->in, why);
	if (st == IFX_OK)
		st = check_duplicates(e->in, plan->arena, why);
	if (st == IFX_OK && e->value->anchor.len && e->value->aliases)
		st = check_shared(e->value, why);
	if (st == IFX_OK && op->verb == IFX_OP_MOVE) {
		st = check_movable(e->key, op, why);
		if (st == IFX_OK)
			st = check_movable(e->value, op, why);
	}
	if (st != IFX_OK)
		return st;
	mark_comments(plan, e);
	if (op->heir) {
		legacy = ifx_arena_alloc(plan->arena, sizeof(*legacy));
		if (!legacy)
			return IFX_ENOMEM;
		legacy->heir = op->heir;
		legacy->from = e;
		legacy->next = plan->legacies;
		plan->legacies = legacy;
	}
	return add_gone(plan, e);
}

static ifx_status take_op(struct ifx_plan *plan, const struct ifx_op *op, struct ifx_buf *why)
{
	struct ifx_op keyed = *op;
	ifx_status st = IFX_OK;

	switch (op->verb) {
	case IFX_OP_SET:
		if (op->node->tag.len)
			return refuse(why, "the value has the tag '%.*s'; remove it first",
				      (int)op->node->tag.len,
				      op->node->doc->src.ptr + op->node->tag.at);
		st = check_shared(op->node, why);
		if (st != IFX_OK)
			return st;
		return add_change(plan,
				  (struct ifx_change){ .node = op->node,
						       .text = op->value,
						       .plain = op->plain },
				  why);
	case IFX_OP_RENAME:
		st = check_shared(op->entry->in, why);
		if (st == IFX_OK)
			st = check_duplicates(op->entry->in, plan->arena, why);
		if (st != IFX_OK)
			return st;
		if (op->entry->key->anchor.len || op->entry->key->tag.len)
			return refuse(why, "the key has an anchor or a tag");
		if (ifx_map_entry(op->entry->in, op->key))
			return refuse(why, "the key '%.*s' is there already", IFX_ARG(op->key));
		return add_change(plan,
				  (struct ifx_change){ .node = op->entry->key, .text = op->key },
				  why);
	case IFX_OP_WRAP:
		st = check_shared(op->entry->in, why);
		if (st != IFX_OK)
			return st;
		if (!ifx_is(op->entry->value, IFX_SCALAR) || op->entry->value->anchor.len ||
		    op->entry->value->tag.len || op->entry->value->style == IFX_LITERAL ||
		    op->entry->value->style == IFX_FOLDED || op->entry->colon == SIZE_MAX)
			return refuse(why, "only a simple value can be wrapped");
		return add_change(plan,
				  (struct ifx_change){ .node = op->entry->value,
						       .text = op->key,
						       .wrap = op->entry },
				  why);
	case IFX_OP_REMOVE:
		return take_leaving(plan, op, why);
	case IFX_OP_MOVE:
		if (!ifx_is(op->entry->key, IFX_SCALAR))
			return refuse(why, "its key is not a simple one");
		keyed.key = ifx_text(op->entry->key);
		st = take_leaving(plan, op, why);
		break;
	case IFX_OP_INSERT:
		break;
	}
	for (size_t i = 0; i < op->n_to && st == IFX_OK; i++) {
		st = check_place(&op->to[i], keyed.key, plan->arena, why);
		if (st == IFX_OK)
			st = add_arrival(plan, &op->to[i], &keyed, why);
	}
	return st;
}

/* ---- maps that lose everything ---- */

static bool all_gone(const struct ifx_plan *plan, const struct ifx_node *map)
{
	for (const struct ifx_entry *e = map->first; e; e = e->next)
		if (!ifx_plan_gone(plan, e))
			return false;
	return map->first != NULL;
}

/* Comments that belong to the map and would lose their home: inside it, or below it and deeper than its key. */
static bool comments_remain(const struct ifx_plan *plan, const struct ifx_entry *owner)
{
	const struct ifx_doc *doc = plan->doc;
	size_t column = ifx_column(doc->src, owner->start), key_line_end;

	key_line_end = ifx_line_end(doc->src, owner->colon == SIZE_MAX ? owner->start : owner->colon);
	for (size_t i = ifx_comment_from(doc, owner->start); i < doc->n_comments; i++) {
		const struct ifx_comment *c = &doc->comments[i];

		if (c->span.at < key_line_end)
			continue;
		if (c->span.at > owner->end) {
			size_t gap = owner->end;

			if (!c->own_line || ifx_column(doc->src, c->span.at) <= column)
				break;
			/* Only blanks and comments lie between. */
			for (size_t k = ifx_comment_from(doc, gap); k < i; k++)
				gap = doc->comments[k].span.at + doc->comments[k].span.len;
			for (; gap < c->span.at && strchr(" \t\r\n", doc->src.ptr[gap]); gap++)
				;
			if (gap < c->span.at)
				break;
		}
		if (plan->comments[i] == IFX_COMMENT_STAYS)
			return true;
	}
	return false;
}

/* The comment behind `key:` (block value) or behind the whole one-line entry. */
static size_t key_line_comment(const struct ifx_plan *plan, const struct ifx_entry *e)
{
	const struct ifx_doc *doc = plan->doc;
	size_t i, at = e->value->style == IFX_FLOW ? e->end : e->colon + 1;

	i = ifx_comment_from(doc, at);
	if (i < doc->n_comments && !doc->comments[i].own_line &&
	    doc->comments[i].span.at < ifx_line_end(doc->src, at))
		return i;
	return IFX_NO_COMMENT;
}

static ifx_status vanish(struct ifx_plan *plan, const struct ifx_node *map, struct ifx_buf *why)
{
	const struct ifx_entry *owner = map->entry;
	const struct ifx_node *outer;
	size_t c;
	ifx_status st;

	if (ifx_plan_arrival(plan, map))
		return IFX_OK;
	if (!owner) {
		if (!plan->doc->host)
			return refuse(why, "nothing would be left of the document");
		plan->root_gone = true;
		return IFX_OK;
	}
	outer = owner->in;
	if (!ifx_is(outer, IFX_MAP))
		return refuse(why, "the list item would become empty");
	if (owner->colon == SIZE_MAX || owner->value != map)
		return refuse(why, "the map is a key");
	if (map->anchor.len || map->tag.len)
		return refuse(why, "the map has an anchor or a tag and would become empty");
	if (comments_remain(plan, owner))
		return add_emptied(plan, map, false);
	c = key_line_comment(plan, owner);
	if (c != IFX_NO_COMMENT) {
		if (outer->style == IFX_FLOW)
			return add_emptied(plan, map, true);
		plan->comments[c] = IFX_COMMENT_ALONE;
	}
	st = add_gone(plan, owner);
	if (st != IFX_OK)
		return st;
	qsort(plan->gone, plan->n_gone, sizeof(*plan->gone), by_start);
	if (!all_gone(plan, outer) || ifx_plan_arrival(plan, outer))
		return IFX_OK;
	if (!outer->entry || !ifx_is(outer->entry->in, IFX_MAP) || outer->entry->colon == SIZE_MAX)
		return refuse(why, "nothing would be left of the map around it");
	if (c != IFX_NO_COMMENT)
		return refuse(why, "a comment would lose the map it belongs to");
	if (outer->anchor.len || outer->tag.len)
		return refuse(why, "the map has an anchor or a tag and would become empty");
	return add_emptied(plan, outer, true);
}

static ifx_status find_empty(struct ifx_plan *plan, struct ifx_buf *why)
{
	size_t n = plan->n_gone;
	const struct ifx_node **maps;
	size_t n_maps = 0;
	ifx_status st = IFX_OK;

	if (!n)
		return IFX_OK;
	qsort(plan->gone, n, sizeof(*plan->gone), by_start);
	for (size_t i = 1; i < n; i++)
		if (plan->gone[i] == plan->gone[i - 1])
			return refuse(why, "another change already takes it away");
	maps = ifx_arena_alloc(plan->arena, n * sizeof(*maps));
	if (!maps)
		return IFX_ENOMEM;
	/* Entries of one map are neighbours in the list but for what is nested between them. */
	for (size_t i = 0; i < n; i++)
		if (!plan->gone[i]->prev && all_gone(plan, plan->gone[i]->in))
			maps[n_maps++] = plan->gone[i]->in;
	for (size_t i = 0; i < n_maps && st == IFX_OK; i++)
		st = vanish(plan, maps[i], why);
	return st;
}

/* Inside braces, or a flow map with entries: flow. A null or {} below a block key: block. */
static bool arrives_in_flow(const struct ifx_node *base)
{
	if (ifx_is(base, IFX_MAP) && base->style == IFX_FLOW && base->first)
		return true;
	return (!base->first || base->style == IFX_FLOW) &&
	       (!base->entry || base->entry->in->style == IFX_FLOW);
}

static void settle_arrivals(struct ifx_plan *plan)
{
	for (struct ifx_arrival *a = plan->arrivals; a; a = a->next) {
		const struct ifx_node *base = a->place.base;
		const struct ifx_entry *x = base->entry;

		a->flow = arrives_in_flow(base);
		/* People put metadata first; a list item's first line stays what it is. */
		a->front = !a->flow && base->first && a->place.n &&
			   ifx_str_eq(a->place.path[0], IFX_LIT("metadata")) &&
			   ifx_starts_line(plan->doc->src, base->first->start);
		while (x && x->in->style == IFX_FLOW)
			x = x->in->entry;
		a->anchor = x;
	}
}

ifx_status ifx_plan_make(struct ifx_plan *plan, const struct ifx_doc *doc,
			 const struct ifx_op *const *ops, size_t n, struct ifx_arena *arena,
			 struct ifx_buf *why)
{
	ifx_status st = IFX_OK;

	*plan = (struct ifx_plan){ .doc = doc, .arena = arena };
	plan->comments = ifx_arena_alloc(arena, doc->n_comments + 1);
	if (!plan->comments)
		return IFX_ENOMEM;
	for (size_t i = 0; i < n && st == IFX_OK; i++)
		for (const struct ifx_op *op = ops[i]; op && st == IFX_OK; op = op->next)
			if (op->doc == doc)
				st = take_op(plan, op, why);
	if (st == IFX_OK)
		st = find_empty(plan, why);
	if (st == IFX_OK)
		settle_arrivals(plan);
	else
		ifx_plan_release(plan);
	return st;
}

void ifx_plan_release(struct ifx_plan *plan)
{
	ifx_free(plan->gone);
	ifx_free(plan->emptied);
	ifx_free(plan->changes);
	*plan = (struct ifx_plan){ 0 };
}
