#include "edit/plan.h"

#include "edit/check.h"

#include <stdlib.h>

/* A plan while it is made. */
struct make {
	struct ifx_plan *plan;
	struct ifx_buf *why;
	struct leaving *leaving, *last_leaving;
	struct ifx_legacy *last_legacy;
	struct new_key *keys;
	size_t n_keys;
};

/* An entry that goes, by an operation or because nothing is left of its map. */
struct leaving {
	const struct ifx_entry *entry;
	struct leaving *next;
};

/* A key that a map will have: a renamed or a coming one. */
struct new_key {
	const void *map;             /* a node, or the ifx_coming whose map is made */
	const struct ifx_node *node; /* the same, or NULL when it is made */
	ifx_str key;
	struct new_key *next;
};

static ifx_status refuse(struct make *m, const char *fmt, ...) IFX_PRINTF(2, 3);

static ifx_status refuse(struct make *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_clear(m->why);
	ifx_buf_vaddf(m->why, fmt, ap);
	va_end(ap);
	return m->why->bad ? IFX_ENOMEM : IFX_EREFUSED;
}

struct ifx_place ifx_place_of(const struct ifx_node *from, const ifx_str *keys, size_t n)
{
	struct ifx_place place = { .base = from };

	for (size_t i = 0; i < n; i++) {
		const struct ifx_entry *e =
			place.n ? NULL : ifx_map_find(place.base, keys[i], NULL);

		if (e)
			place.base = e->value;
		else if (place.n < IFX_PLACE_DEPTH)
			place.path[place.n++] = keys[i];
	}
	return place;
}

/* ---- marks ---- */

static size_t slot_of(const struct ifx_plan *plan, const void *what)
{
	uint64_t h = (uint64_t)(uintptr_t)what * 0x9E3779B97F4A7C15u;
	size_t i = (size_t)(h >> 32) & (plan->n_slots - 1);

	while (plan->marks[i] && plan->marks[i]->what != what)
		i = (i + 1) & (plan->n_slots - 1);
	return i;
}

const struct ifx_mark *ifx_plan_mark(const struct ifx_plan *plan, const void *what)
{
	static const struct ifx_mark nothing;
	const struct ifx_mark *mark = plan->n_slots ? plan->marks[slot_of(plan, what)] : NULL;

	return mark ? mark : &nothing;
}

static bool grow_marks(struct ifx_plan *plan)
{
	struct ifx_mark **old = plan->marks;
	size_t n = plan->n_slots;

	plan->n_slots = n ? 2 * n : 32;
	plan->marks = ifx_arena_alloc(plan->arena, plan->n_slots * sizeof(struct ifx_mark *));
	if (!plan->marks) {
		plan->marks = old;
		plan->n_slots = n;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (old[i])
			plan->marks[slot_of(plan, old[i]->what)] = old[i];
	return true;
}

/* The mark to write to; NULL: no memory. */
static struct ifx_mark *mark_of(struct ifx_plan *plan, const void *what)
{
	struct ifx_mark **slot;

	if (plan->n_marks * 2 >= plan->n_slots && !grow_marks(plan))
		return NULL;
	slot = &plan->marks[slot_of(plan, what)];
	if (!*slot) {
		*slot = ifx_arena_alloc(plan->arena, sizeof(**slot));
		if (!*slot)
			return NULL;
		(*slot)->what = what;
		plan->n_marks++;
	}
	return *slot;
}

bool ifx_plan_gone(const struct ifx_plan *plan, const struct ifx_entry *entry)
{
	return entry && ifx_plan_mark(plan, entry)->gone;
}

enum ifx_fate ifx_plan_fate(const struct ifx_plan *plan, size_t comment)
{
	return ifx_plan_mark(plan, &plan->doc->comments[comment])->fate;
}

const struct ifx_entry *ifx_plan_last(const struct ifx_plan *plan, const struct ifx_node *node)
{
	const struct ifx_entry *e = node->last;

	while (ifx_plan_gone(plan, e))
		e = e->prev;
	return e;
}

static ifx_status set_fate(struct ifx_plan *plan, size_t comment, enum ifx_fate fate)
{
	struct ifx_mark *mark = mark_of(plan, &plan->doc->comments[comment]);

	if (!mark)
		return IFX_ENOMEM;
	mark->fate = fate;
	return IFX_OK;
}

/* ---- building ---- */

static ifx_status add_key(struct make *m, const void *map, const struct ifx_node *node, ifx_str key)
{
	struct new_key *k = ifx_arena_alloc(m->plan->arena, sizeof(*k));

	if (!k)
		return IFX_ENOMEM;
	*k = (struct new_key){ map, node, key, m->keys };
	m->keys = k;
	m->n_keys++;
	return IFX_OK;
}

static ifx_status add_change(struct make *m, struct ifx_change change)
{
	struct ifx_mark *mark = mark_of(m->plan, change.node);
	struct ifx_change *c = ifx_arena_alloc(m->plan->arena, sizeof(*c));

	if (!mark || !c)
		return IFX_ENOMEM;
	if (mark->change || mark->arrival)
		return refuse(m, "another change is already made there");
	*c = change;
	mark->change = c;
	if (m->plan->last_change)
		m->plan->last_change->next = c;
	else
		m->plan->changes = c;
	m->plan->last_change = c;
	return IFX_OK;
}

static struct ifx_coming *add_coming(struct make *m, struct ifx_comings *to)
{
	struct ifx_coming *c = ifx_arena_alloc(m->plan->arena, sizeof(*c));

	if (!c)
		return NULL;
	if (to->last)
		to->last->next = c;
	else
		to->first = c;
	to->last = c;
	return c;
}

static ifx_status add_arrival(struct make *m, const struct ifx_place *place,
			      const struct ifx_op *op, ifx_str key)
{
	struct ifx_plan *plan = m->plan;
	const struct ifx_node *node = place->base;
	struct ifx_mark *mark = mark_of(plan, node);
	struct ifx_arrival *a = mark ? mark->arrival : NULL;
	struct ifx_comings *to;
	struct ifx_coming *c;
	const void *map = node;

	if (!mark)
		return IFX_ENOMEM;
	if (mark->change)
		return refuse(m, "another change is already made there");
	if (!a) {
		a = ifx_arena_alloc(plan->arena, sizeof(*a));
		if (!a)
			return IFX_ENOMEM;
		a->base = node;
		mark->arrival = a;
		if (plan->last_arrival)
			plan->last_arrival->next = a;
		else
			plan->arrivals = a;
		plan->last_arrival = a;
	}
	to = &a->back;
	for (size_t i = 0; i < place->n; i++, node = NULL) {
		ifx_status st;

		/* The map may be made already for what came before. */
		for (c = to->first; c; c = c->next)
			if (c->made.first && ifx_str_eq(c->key, place->path[i]))
				break;
		if (!c) {
			st = add_key(m, map, node, place->path[i]);
			if (st != IFX_OK)
				return st;
			c = add_coming(m, to);
			if (!c)
				return IFX_ENOMEM;
			c->key = place->path[i];
		}
		to = &c->made;
		map = c;
	}
	c = add_coming(m, to);
	if (!c)
		return IFX_ENOMEM;
	c->entry = op->verb == IFX_OP_MOVE ? op->entry : NULL;
	c->key = key;
	c->value = op->value;
	c->yaml = op->yaml;
	c->front = op->front;
	c->plain_key = op->plain;
	return key.ptr ? add_key(m, map, node, key) : IFX_OK;
}

static ifx_status add_leaving(struct make *m, const struct ifx_entry *entry)
{
	struct ifx_mark *mark = mark_of(m->plan, entry), *map = mark_of(m->plan, entry->in);
	struct leaving *l = ifx_arena_alloc(m->plan->arena, sizeof(*l));

	if (!mark || !map || !l)
		return IFX_ENOMEM;
	if (mark->gone)
		return refuse(m, "another change already takes it away");
	mark->gone = true;
	map->n_gone++;
	m->plan->n_gone++;
	l->entry = entry;
	if (m->last_leaving)
		m->last_leaving->next = l;
	else
		m->leaving = l;
	m->last_leaving = l;
	return IFX_OK;
}

/* The entry goes, but no comment with it: that behind it gets the line. */
static ifx_status leave_comments(struct make *m, const struct ifx_entry *entry)
{
	size_t trail = ifx_entry_trail(entry), i = ifx_comment_from(m->plan->doc, entry->start);

	if (i < m->plan->doc->n_comments && m->plan->doc->comments[i].span.at < entry->end)
		return refuse(m, "a comment inside it would be lost");
	if (trail == IFX_NO_COMMENT)
		return IFX_OK;
	if (entry->in->style == IFX_FLOW)
		return refuse(m, "the comment behind it has no line of its own");
	return set_fate(m->plan, trail, IFX_COMMENT_ALONE);
}

/* The entry's own comments go with it. */
static ifx_status take_comments(struct ifx_plan *plan, const struct ifx_entry *entry)
{
	size_t first, n = ifx_entry_head(entry, &first), trail = ifx_entry_trail(entry);
	const struct ifx_doc *doc = plan->doc;
	ifx_status st = IFX_OK;

	for (size_t i = first; i < first + n && st == IFX_OK; i++)
		st = set_fate(plan, i, IFX_COMMENT_GOES);
	for (size_t i = ifx_comment_from(doc, entry->start);
	     i < doc->n_comments && doc->comments[i].span.at < entry->end && st == IFX_OK; i++)
		st = set_fate(plan, i, IFX_COMMENT_GOES);
	if (trail != IFX_NO_COMMENT && st == IFX_OK)
		st = set_fate(plan, trail, IFX_COMMENT_GOES);
	return st;
}

static ifx_status add_legacy(struct make *m, const struct ifx_entry *heir,
			     const struct ifx_entry *from)
{
	struct ifx_legacy **link;
	struct ifx_legacy *l = ifx_arena_alloc(m->plan->arena, sizeof(*l));
	struct ifx_mark *mark;

	if (!l)
		return IFX_ENOMEM;
	if (heir->in->doc != m->plan->doc)
		return refuse(m, "its comments would go from one text into another");
	l->heir = l->above = heir;
	l->from = from;
	/* Inside braces there is no line to put them on. */
	while (l->above && l->above->in->style == IFX_FLOW)
		l->above = l->above->in->entry;
	if (m->last_legacy)
		m->last_legacy->next = l;
	else
		m->plan->legacies = l;
	m->last_legacy = l;
	if (!l->above)
		return IFX_OK;
	mark = mark_of(m->plan, l->above);
	if (!mark)
		return IFX_ENOMEM;
	/* In the order of the plan, as they are written. */
	for (link = &mark->legacies_above; *link; link = &(*link)->next_above)
		;
	*link = l;
	return IFX_OK;
}

static ifx_status take_leaving(struct make *m, const struct ifx_op *op)
{
	const struct ifx_entry *e = op->entry;
	ifx_status st = !e->key && op->verb == IFX_OP_REMOVE ? ifx_check_shared(m->why, e->in)
							     : ifx_check_map(m->why, e);

	if (st != IFX_OK)
		return st;
	if (ifx_is(e->key, IFX_SCALAR) && ifx_is_merged(e->in, ifx_text(e->key)))
		return refuse(m, "a merge key (<<) would bring another value in");
	if (ifx_has_foot(e))
		return refuse(m, "a comment below it belongs to what it holds");
	if (op->verb == IFX_OP_MOVE) {
		st = ifx_check_movable(m->why, e->key, op);
		if (st == IFX_OK)
			st = ifx_check_movable(m->why, e->value, op);
	} else {
		st = ifx_check_removable(m->why, e->key);
		if (st == IFX_OK)
			st = ifx_check_removable(m->why, e->value);
	}
	if (st == IFX_OK)
		st = op->keep ? leave_comments(m, e) : take_comments(m->plan, e);
	if (st == IFX_OK && op->heir)
		st = add_legacy(m, op->heir, e);
	return st == IFX_OK ? add_leaving(m, e) : st;
}

static ifx_status take_set(struct make *m, const struct ifx_op *op)
{
	const struct ifx_node *node = op->node;
	ifx_status st;

	if (!ifx_is(node, IFX_SCALAR))
		return refuse(m, "what stands there is not a simple value");
	if (node->tag.len)
		return refuse(m, "the value has the tag '%.*s'; remove it first",
			      IFX_ARG(ifx_shown(
				      ifx_str_sub(node->doc->src, node->tag.at, node->tag.len))));
	st = ifx_check_shared(m->why, node);
	if (st != IFX_OK)
		return st;
	return add_change(
		m, (struct ifx_change){ .node = node, .text = op->value, .plain = op->plain });
}

static ifx_status take_rename(struct make *m, const struct ifx_op *op)
{
	const struct ifx_node *map = op->entry->in, *key = op->entry->key;
	ifx_status st = ifx_check_map(m->why, op->entry);

	if (st != IFX_OK)
		return st;
	if (!ifx_is(key, IFX_SCALAR) || !key->span.len || key->style == IFX_LITERAL ||
	    key->style == IFX_FOLDED || key->anchor.len || key->tag.len)
		return refuse(m, "its key is not a simple one");
	if (ifx_is_merged(map, ifx_text(key)))
		return refuse(m, "a merge key (<<) would bring another value in");
	st = add_key(m, map, map, op->key);
	if (st != IFX_OK)
		return st;
	return add_change(m, (struct ifx_change){ .node = key, .text = op->key });
}

static ifx_status take_wrap(struct make *m, const struct ifx_op *op)
{
	const struct ifx_node *value = op->entry->value;
	ifx_status st = op->entry->key ? ifx_check_map(m->why, op->entry)
				       : ifx_check_shared(m->why, op->entry->in);

	if (st != IFX_OK)
		return st;
	if (!ifx_is(value, IFX_SCALAR) || value->anchor.len || value->tag.len ||
	    value->style == IFX_LITERAL || value->style == IFX_FOLDED ||
	    (op->entry->key && (op->entry->colon == SIZE_MAX || ifx_is_explicit(op->entry))) ||
	    (!op->entry->key && !value->span.len))
		return refuse(m, "only a simple value can be wrapped");
	return add_change(m,
			  (struct ifx_change){ .node = value, .text = op->key, .wrap = op->entry });
}

static ifx_status take_enlist(struct make *m, const struct ifx_op *op)
{
	const struct ifx_node *map = op->entry->value;
	ifx_str src = m->plan->doc->src;
	ifx_status st = ifx_check_map(m->why, op->entry);

	if (st != IFX_OK)
		return st;
	if (!ifx_is(map, IFX_MAP) || map->bare || map->anchor.len || map->tag.len)
		return refuse(m, "only a simple map can become the item of a list");
	/* In block style the dash takes the place of two blanks of its indentation. */
	if (map->style == IFX_BLOCK &&
	    (!ifx_starts_line(src, map->first->start) ||
	     ifx_column(src, map->first->start) < ifx_column(src, op->entry->start) + 2))
		return refuse(m, "there is no room for the dash of a list item");
	return add_change(m, (struct ifx_change){ .node = map, .enlist = true });
}

static ifx_status take_append(struct make *m, const struct ifx_op *op)
{
	struct ifx_place place = { .base = op->node };
	ifx_status st;

	if (!ifx_is(op->node, IFX_SEQ))
		return refuse(m, "what stands there is not a list");
	if (!op->node->first && (op->node->anchor.len || op->node->tag.len))
		return refuse(m, "the empty list there has an anchor or a tag");
	st = ifx_check_shared(m->why, op->node);
	return st == IFX_OK ? add_arrival(m, &place, op, IFX_NONE) : st;
}

static ifx_status take_replace(struct make *m, const struct ifx_op *op)
{
	const struct ifx_entry *e = op->entry;
	const struct ifx_node *key = e->key;
	ifx_status st = ifx_check_map(m->why, e);

	if (st == IFX_OK)
		st = ifx_check_removable(m->why, e->value);
	if (st != IFX_OK)
		return st;
	if (!ifx_is(key, IFX_SCALAR) || !key->span.len || key->style == IFX_LITERAL ||
	    key->style == IFX_FOLDED || key->anchor.len || key->tag.len || e->colon == SIZE_MAX ||
	    ifx_is_explicit(e))
		return refuse(m, "its key is not a simple one");
	if (ifx_is_merged(e->in, ifx_text(key)))
		return refuse(m, "a merge key (<<) would bring another value in");
	if (!ifx_str_eq(ifx_text(key), op->key))
		st = add_key(m, e->in, e->in, op->key);
	if (st != IFX_OK)
		return st;
	return add_change(m, (struct ifx_change){ .node = e->value,
						  .text = op->value,
						  .yaml = op->yaml,
						  .key = op->key,
						  .replace = e });
}

static ifx_status take_op(struct make *m, const struct ifx_op *op)
{
	ifx_str key = op->key;
	ifx_status st = IFX_OK;

	switch (op->verb) {
	case IFX_OP_SET:
		return take_set(m, op);
	case IFX_OP_RENAME:
		return take_rename(m, op);
	case IFX_OP_WRAP:
		return take_wrap(m, op);
	case IFX_OP_ENLIST:
		return take_enlist(m, op);
	case IFX_OP_REMOVE:
		return take_leaving(m, op);
	case IFX_OP_MOVE:
		if (!ifx_is(op->entry->key, IFX_SCALAR) || !op->entry->key->span.len)
			return refuse(m, "its key is not a simple one");
		key = ifx_text(op->entry->key);
		st = take_leaving(m, op);
		break;
	case IFX_OP_APPEND:
		return take_append(m, op);
	case IFX_OP_REPLACE:
		return take_replace(m, op);
	case IFX_OP_INSERT:
		break;
	}
	for (size_t i = 0; i < op->n_to && st == IFX_OK; i++) {
		st = ifx_check_place(m->why, m->plan->doc, &op->to[i]);
		if (st == IFX_OK)
			st = add_arrival(m, &op->to[i], op, key);
	}
	return st;
}

/* ---- checks of all operations together ---- */

/* The innermost entry that goes and holds `node`. */
static bool is_in_gone(const struct ifx_plan *plan, const struct ifx_node *node)
{
	for (const struct ifx_entry *e = node->entry; e; e = e->in->entry)
		if (ifx_plan_gone(plan, e))
			return true;
	return false;
}

/* Is the node inside a value that another one takes the place of? */
static bool is_in_replaced(const struct ifx_plan *plan, const struct ifx_node *node)
{
	const struct ifx_change *c;

	for (; node; node = node->entry ? node->entry->in : NULL) {
		c = ifx_plan_mark(plan, node)->change;
		if (c && c->replace)
			return true;
	}
	return false;
}

static ifx_status check_nesting(struct make *m)
{
	const struct ifx_plan *plan = m->plan;
	bool bad = false;

	for (const struct leaving *l = m->leaving; l; l = l->next)
		bad |= is_in_gone(plan, l->entry->in) || is_in_replaced(plan, l->entry->in);
	for (const struct ifx_change *c = plan->changes; c; c = c->next)
		bad |= is_in_gone(plan, c->node) ||
		       (c->node->entry && is_in_replaced(plan, c->node->entry->in));
	for (const struct ifx_arrival *a = plan->arrivals; a; a = a->next)
		bad |= is_in_gone(plan, a->base) || is_in_replaced(plan, a->base);
	for (const struct ifx_legacy *l = plan->legacies; l; l = l->next)
		bad |= is_in_gone(plan, l->heir->value);
	return bad ? refuse(m, "what it is in goes away at the same time") : IFX_OK;
}

static int by_map_and_key(const void *a, const void *b)
{
	const struct new_key *x = *(const struct new_key *const *)a;
	const struct new_key *y = *(const struct new_key *const *)b;
	uintptr_t p = (uintptr_t)x->map, q = (uintptr_t)y->map;

	return p != q ? (p > q) - (p < q) : ifx_str_cmp(x->key, y->key);
}

static ifx_status check_keys(struct make *m)
{
	const struct new_key **list;
	size_t n = 0;

	if (!m->n_keys)
		return IFX_OK;
	list = ifx_arena_alloc(m->plan->arena, m->n_keys * sizeof(*list));
	if (!list)
		return IFX_ENOMEM;
	for (const struct new_key *k = m->keys; k; k = k->next) {
		const struct ifx_entry *e = k->node ? ifx_map_entry(k->node, k->key) : NULL;

		list[n++] = k;
		if (e && !ifx_plan_gone(m->plan, e) && !ifx_plan_mark(m->plan, e->key)->change)
			return refuse(m, "the key '%.*s' is there already",
				      IFX_ARG(ifx_shown(k->key)));
		if (k->node && ifx_is_merged(k->node, k->key))
			return refuse(m, "a merge key (<<) brings the key in already");
	}
	qsort(list, n, sizeof(*list), by_map_and_key);
	for (size_t i = 1; i < n; i++)
		if (by_map_and_key(&list[i - 1], &list[i]) == 0)
			return refuse(m, "the key '%.*s' is put there already",
				      IFX_ARG(ifx_shown(list[i]->key)));
	return IFX_OK;
}

/* ---- maps that lose everything ---- */

static bool all_gone(const struct ifx_plan *plan, const struct ifx_node *map)
{
	return map->n && ifx_plan_mark(plan, map)->n_gone == map->n;
}

/* Comments of others that are inside the map, or seem to be. */
static bool comments_remain(const struct ifx_plan *plan, const struct ifx_entry *owner)
{
	const struct ifx_doc *doc = plan->doc;
	size_t key_line_end, end;

	if (!doc->n_comments)
		return false;
	key_line_end = ifx_line_end(doc->src, owner->colon);
	end = ifx_line_end(doc->src, owner->end);
	for (size_t i = ifx_comment_from(doc, key_line_end);
	     i < doc->n_comments && doc->comments[i].span.at < end; i++) {
		enum ifx_fate fate = ifx_plan_fate(plan, i);

		if (fate == IFX_COMMENT_ALONE ||
		    (fate == IFX_COMMENT_STAYS && doc->comments[i].span.at < owner->end))
			return true;
	}
	return ifx_has_foot(owner);
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

static ifx_status leave_empty(struct make *m, const struct ifx_node *map, bool braces)
{
	struct ifx_mark *mark = mark_of(m->plan, map);

	if (!mark)
		return IFX_ENOMEM;
	mark->is_empty = braces || map->style == IFX_FLOW;
	mark->is_null = !mark->is_empty;
	return IFX_OK;
}

/*
 * All entries of `map` go: its key goes too, or it stays without a value because a comment needs
 * it. What is around it and becomes empty by that gets braces.
 */
static ifx_status vanish(struct make *m, const struct ifx_node *map)
{
	struct ifx_plan *plan = m->plan;
	const struct ifx_entry *owner = map->entry;
	const struct ifx_node *outer;
	const struct ifx_mark *mark;
	size_t c;
	ifx_status st;

	if (ifx_plan_mark(plan, map)->arrival)
		return IFX_OK;
	if (!owner) {
		if (!plan->doc->host)
			return refuse(m, "nothing would be left of the document");
		plan->root_gone = true;
		return IFX_OK;
	}
	outer = owner->in;
	if (!ifx_is(outer, IFX_MAP))
		return refuse(m, "the list item would become empty");
	if (owner->colon == SIZE_MAX || owner->value != map)
		return refuse(m, "the map is a key");
	if (map->anchor.len || map->tag.len)
		return refuse(m, "the map has an anchor or a tag and would become empty");
	if (outer->bare || comments_remain(plan, owner))
		return leave_empty(m, map, false);
	c = key_line_comment(plan, owner);
	if (c != IFX_NO_COMMENT && outer->style == IFX_FLOW)
		return leave_empty(m, map, true);
	mark = ifx_plan_mark(plan, owner);
	if (mark->arrivals_above || mark->legacies_above || !ifx_is(owner->key, IFX_SCALAR) ||
	    ifx_plan_mark(plan, owner->key)->change || ifx_is_merged(outer, ifx_text(owner->key)) ||
	    ifx_map_twice(outer))
		return leave_empty(m, map, true);
	st = ifx_check_removable(m->why, owner->key);
	if (st == IFX_OK && c != IFX_NO_COMMENT)
		st = set_fate(plan, c, IFX_COMMENT_ALONE);
	if (st == IFX_OK)
		st = add_leaving(m, owner);
	if (st != IFX_OK || !all_gone(plan, outer) || ifx_plan_mark(plan, outer)->arrival)
		return st;
	if (!outer->entry || !outer->entry->key || outer->entry->colon == SIZE_MAX)
		return refuse(m, "nothing would be left of the map around it");
	if (c != IFX_NO_COMMENT)
		return refuse(m, "a comment would lose the map it belongs to");
	if (outer->anchor.len || outer->tag.len)
		return refuse(m, "the map has an anchor or a tag and would become empty");
	return leave_empty(m, outer, true);
}

/* Entries by start; one and the first of its value may start at the same byte, the longer goes
 * first. */
static int by_start(const void *a, const void *b)
{
	const struct ifx_entry *x = *(const struct ifx_entry *const *)a;
	const struct ifx_entry *y = *(const struct ifx_entry *const *)b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end < y->end) - (x->end > y->end);
}

static ifx_status find_empty(struct make *m)
{
	struct ifx_plan *plan = m->plan;
	const struct ifx_node **maps;
	size_t n = 0;
	ifx_status st = IFX_OK;

	/* First all maps that operations empty; what becomes empty by a map that vanishes is
	 * another matter. */
	maps = ifx_arena_alloc(plan->arena, plan->n_gone * sizeof(*maps));
	if (!maps)
		return IFX_ENOMEM;
	for (const struct leaving *l = m->leaving; l; l = l->next)
		if (!l->entry->prev && all_gone(plan, l->entry->in))
			maps[n++] = l->entry->in;
	for (size_t i = 0; i < n && st == IFX_OK; i++)
		st = vanish(m, maps[i]);
	plan->gone = ifx_arena_alloc(plan->arena, plan->n_gone * sizeof(*plan->gone));
	if (!plan->gone)
		return IFX_ENOMEM;
	n = 0;
	for (const struct leaving *l = m->leaving; l; l = l->next)
		plan->gone[n++] = l->entry;
	qsort(plan->gone, n, sizeof(*plan->gone), by_start);
	return st;
}

/* ---- the shape of what comes ---- */

/* Inside braces, or a flow map with entries: flow. A null or {} below a block key: block. */
bool ifx_place_is_flow(const struct ifx_place *place)
{
	const struct ifx_node *base = place->base;

	if (base->first)
		return base->style == IFX_FLOW;
	if (!base->entry || base->entry->in->style == IFX_FLOW)
		return true;
	return !base->entry->key; /* `- {}` */
}

static bool arrives_on_lines(const struct ifx_node *base)
{
	ifx_str src = base->doc->src;
	const struct ifx_node *outer = base->entry ? base->entry->in : NULL;

	if (base->first)
		return ifx_starts_flow_line(src, base->last->start) &&
		       ifx_line_start(src, base->last->start) > base->span.at;
	return base->doc->json && ifx_is(outer, IFX_MAP) && arrives_on_lines(outer) &&
	       ifx_starts_flow_line(src, base->entry->start);
}

/* People put metadata first; but a list item's first line stays what it is, and an object begins
 * with its kind. */
static bool goes_first(const struct ifx_arrival *a, const struct ifx_coming *c)
{
	return !a->flow && a->base->first && a->base->entry &&
	       (c->front || (c->made.first && ifx_str_eq(c->key, IFX_LIT("metadata")))) &&
	       ifx_starts_line(a->base->doc->src, a->base->first->start);
}

static ifx_status settle_arrivals(struct ifx_plan *plan)
{
	for (struct ifx_arrival *a = plan->arrivals; a; a = a->next) {
		const struct ifx_entry *x = a->base->entry;
		struct ifx_comings all = a->back;
		struct ifx_arrival **link;
		struct ifx_mark *mark;

		a->flow = ifx_place_is_flow(&(struct ifx_place){ .base = a->base });
		a->lines = a->flow && arrives_on_lines(a->base);
		a->back = (struct ifx_comings){ 0 };
		for (struct ifx_coming *c = all.first, *next; c; c = next) {
			struct ifx_comings *to = goes_first(a, c) ? &a->front : &a->back;

			next = c->next;
			c->next = NULL;
			if (to->last)
				to->last->next = c;
			else
				to->first = c;
			to->last = c;
		}
		if (!a->flow || a->lines)
			continue;
		while (x && x->in->style == IFX_FLOW)
			x = x->in->entry;
		a->above = x;
		if (!x)
			continue;
		mark = mark_of(plan, x);
		if (!mark)
			return IFX_ENOMEM;
		for (link = &mark->arrivals_above; *link; link = &(*link)->next_above)
			;
		*link = a;
	}
	return IFX_OK;
}

ifx_status ifx_plan_make(struct ifx_plan *plan, const struct ifx_doc *doc,
			 const struct ifx_op *const *ops, size_t n, struct ifx_arena *arena,
			 struct ifx_buf *why)
{
	struct make m = { .plan = plan, .why = why };
	ifx_status st = IFX_OK;

	*plan = (struct ifx_plan){ .doc = doc, .arena = arena };
	for (size_t i = 0; i < n && st == IFX_OK; i++)
		for (const struct ifx_op *op = ops[i]; op && st == IFX_OK; op = op->next)
			if (op->doc == doc)
				st = take_op(&m, op);
	if (st == IFX_OK)
		st = check_nesting(&m);
	if (st == IFX_OK)
		st = check_keys(&m);
	if (st == IFX_OK)
		st = settle_arrivals(plan);
	if (st == IFX_OK && m.leaving)
		st = find_empty(&m);
	/* The dash of a list item stands before the first entry of its map. */
	for (const struct ifx_change *c = plan->changes; c && st == IFX_OK; c = c->next)
		if (c->enlist && ifx_plan_gone(plan, c->node->first))
			st = refuse(&m, "the first entry of the map goes at the same time");
	return st;
}

ifx_status ifx_plan_inside(struct ifx_plan *plan, const struct ifx_node *host, ifx_str after,
			   const struct ifx_edits *edits, struct ifx_buf *why)
{
	struct make m = { .plan = plan, .why = why };

	if (is_in_gone(plan, host))
		return refuse(&m, "what it is in goes away at the same time");
	return add_change(&m, (struct ifx_change){ .node = host, .text = after, .inside = edits });
}
