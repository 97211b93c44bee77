/*
 * A plan as byte edits: what leaves, what changes, and how the pieces become edits. The pictures in
 * the comments show source on the left, result on the right.
 */
#include "edit/emit.h"

#include "base/alloc.h"
#include "yaml/scalar.h"
#include "yaml/style.h"

#include <stdlib.h>

ifx_status ifx_emit_refuse(struct ifx_emit *e, const char *what)
{
	ifx_buf_clear(e->why);
	ifx_buf_add(e->why, ifx_str_of(what));
	return e->why->bad ? IFX_ENOMEM : IFX_EREFUSED;
}

static ifx_status add_piece(struct ifx_emit *e, struct ifx_piece piece)
{
	struct ifx_piece *list = ifx_grow(e->pieces, &e->cap, e->n + 1, sizeof(*list));

	if (!list)
		return IFX_ENOMEM;
	e->pieces = list;
	piece.text = ifx_arena_copy(e->plan->arena, piece.text);
	piece.order = e->n;
	if (!piece.text.ptr)
		return IFX_ENOMEM;
	list[e->n++] = piece;
	return IFX_OK;
}

ifx_status ifx_emit_push(struct ifx_emit *e, size_t from, size_t to, ifx_str text)
{
	/* Insertions into a value stand before all that comes behind it. */
	return add_piece(e, (struct ifx_piece){
				    .span = { from, to - from }, .text = text, .depth = SIZE_MAX });
}

ifx_status ifx_emit_insert(struct ifx_emit *e, size_t at, enum ifx_rank rank,
			   const struct ifx_node *node)
{
	struct ifx_piece piece = { .span = { at, 0 },
				   .text = ifx_buf_str(&e->text),
				   .rank = rank,
				   .needs_break = e->needs_break };

	e->needs_break = false;
	if (e->text.bad)
		return IFX_ENOMEM;
	for (; node->entry; node = node->entry->in)
		piece.depth++;
	return add_piece(e, piece);
}

/* Delete but for `rest`, unless a comment that stays lies in the way. */
static ifx_status cut_to(struct ifx_emit *e, size_t from, size_t to, ifx_str rest)
{
	for (size_t i = ifx_comment_from(e->doc, from);
	     i < e->doc->n_comments && e->doc->comments[i].span.at < to; i++)
		if (ifx_plan_fate(e->plan, i) != IFX_COMMENT_GOES)
			return ifx_emit_refuse(e, "somebody's comment is in the way");
	return ifx_emit_push(e, from, to, rest);
}

static ifx_status cut(struct ifx_emit *e, size_t from, size_t to)
{
	return cut_to(e, from, to, IFX_NONE);
}

/* ---- looking at the source ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool ends_line(ifx_str src, size_t at)
{
	return at && (src.ptr[at - 1] == '\n' || src.ptr[at - 1] == '\r');
}

bool ifx_emit_one_line(ifx_str raw)
{
	return ifx_str_chr(raw, '\n') == SIZE_MAX && ifx_str_chr(raw, '\r') == SIZE_MAX;
}

bool ifx_emit_is_text(const struct ifx_node *node)
{
	return ifx_is(node, IFX_SCALAR) &&
	       (node->style == IFX_LITERAL || node->style == IFX_FOLDED);
}

/* The chomping indicator in a block scalar's header: `|2-` */
static bool has_chomp(const struct ifx_node *node, char c)
{
	ifx_str raw = ifx_raw(node);

	return (raw.len > 1 && raw.ptr[1] == c) ||
	       (raw.len > 2 && raw.ptr[2] == c && raw.ptr[1] >= '1' && raw.ptr[1] <= '9');
}

bool ifx_emit_keeps_breaks(const struct ifx_node *node)
{
	return ifx_emit_is_text(node) && has_chomp(node, '+');
}

bool ifx_emit_needs_blank(const struct ifx_entry *entry)
{
	return ifx_is(entry->value, IFX_SCALAR) && !entry->value->span.len &&
	       entry->colon != SIZE_MAX;
}

bool ifx_emit_needs_break(const struct ifx_node *node)
{
	ifx_str raw;

	if (!ifx_emit_is_text(node))
		return false;
	/* A last line of blanks is text only when a break follows. */
	raw = ifx_raw(node);
	return !has_chomp(node, '-') || is_blank(raw.ptr[raw.len - 1]);
}

bool ifx_emit_open_end(const struct ifx_node *node)
{
	ifx_str src = node->doc->src;

	return ifx_emit_needs_break(node) && node->raw_end == src.len && !ends_line(src, src.len);
}

const struct ifx_node *ifx_emit_deepest_last(const struct ifx_node *node)
{
	while ((node->kind == IFX_MAP || node->kind == IFX_SEQ) && node->style == IFX_BLOCK &&
	       node->last)
		node = node->last->value;
	return node;
}

size_t ifx_emit_line_behind(ifx_str src, const struct ifx_entry *entry)
{
	const struct ifx_node *last = ifx_emit_deepest_last(entry->value);

	if (ifx_emit_keeps_breaks(last))
		return last->raw_end;
	return ifx_line_next(src, entry->end);
}

bool ifx_emit_deep_comment(const struct ifx_emit *e, size_t at, size_t column)
{
	size_t i = ifx_comment_from(e->doc, at), c;

	while (i < e->doc->n_comments && ifx_plan_fate(e->plan, i) == IFX_COMMENT_GOES)
		i++;
	if (i == e->doc->n_comments)
		return false;
	c = e->doc->comments[i].span.at;
	while (at < c && strchr(" \t\r\n", e->src.ptr[at]))
		at++;
	return at == c && ifx_column(e->src, c) > column;
}

ifx_str ifx_emit_indent(ifx_str src, size_t at)
{
	size_t start = ifx_line_start(src, at), end = start;

	while (end < at && is_blank(src.ptr[end]))
		end++;
	return ifx_str_sub(src, start, end - start);
}

size_t ifx_emit_last_comma(const struct ifx_emit *e, const struct ifx_node *map)
{
	size_t at = map->last->end, stop = map->span.at + map->span.len - 1;

	while (at < stop && e->src.ptr[at] != ',')
		at = e->src.ptr[at] == '#' ? ifx_line_end(e->src, at) : at + 1;
	return at < stop ? at : SIZE_MAX;
}

/* ---- words in this file's hand ---- */

static void look_at(struct ifx_emit *e, const struct ifx_node *node)
{
	if (e->quoted == node)
		return;
	e->quoted = node;
	e->quote = ifx_style_quote_near(node);
	if (e->quote == IFX_PLAIN && !e->doc_quote)
		e->doc_quote = ifx_style_quote_of(e->doc);
	if (e->quote == IFX_PLAIN)
		e->quote = e->doc_quote;
	e->key_quote = ifx_style_key(node);
	e->plain = ifx_style_is_plain(node);
}

void ifx_emit_key(struct ifx_emit *e, const struct ifx_node *node, ifx_str key, bool flow)
{
	look_at(e, node);
	ifx_scalar_quote(&e->text, key, ifx_style_for(key, e->key_quote, flow));
}

void ifx_emit_value(struct ifx_emit *e, const struct ifx_node *node, ifx_str value, bool flow)
{
	look_at(e, node);
	if (e->plain && ifx_plain_ok(value, flow))
		ifx_scalar_quote(&e->text, value, IFX_PLAIN);
	else
		ifx_scalar_quote(&e->text, value, ifx_style_for(value, e->quote, flow));
}

bool ifx_emit_is_compact(const struct ifx_node *map)
{
	for (const struct ifx_node *m = map; m; m = m->entry ? m->entry->in : NULL) {
		const struct ifx_entry *first =
			ifx_is(m, IFX_MAP) && m->style == IFX_FLOW ? m->first : NULL;

		if (!first || first->colon == SIZE_MAX || !first->value->span.len)
			continue;
		return first->key->style == IFX_DOUBLE && first->value->span.at == first->colon + 1;
	}
	return false;
}

void ifx_emit_colon(struct ifx_emit *e, bool compact)
{
	/* Only a quoted key may have its value right behind the colon. */
	bool quoted = e->text.len && strchr("\"'", e->text.data[e->text.len - 1]);

	ifx_buf_add(&e->text, compact && quoted ? IFX_LIT(":") : IFX_LIT(": "));
}

static void add_comment_line(struct ifx_emit *e, size_t i, ifx_str indent, ifx_str newline)
{
	ifx_buf_add(&e->text, indent);
	ifx_buf_add(&e->text, ifx_comment_text(e->doc, i));
	ifx_buf_add(&e->text, newline);
}

void ifx_emit_comments(struct ifx_emit *e, const struct ifx_entry *entry, ifx_str indent,
		       ifx_str newline)
{
	size_t first, n = ifx_entry_head(entry, &first), trail = ifx_entry_trail(entry);

	for (size_t i = first; i < first + n; i++)
		add_comment_line(e, i, indent, newline);
	for (size_t i = ifx_comment_from(e->doc, entry->start);
	     i < e->doc->n_comments && e->doc->comments[i].span.at < entry->end; i++)
		add_comment_line(e, i, indent, newline);
	if (trail != IFX_NO_COMMENT)
		add_comment_line(e, trail, indent, newline);
}

/* ---- leaving ---- */

/* The comment of a vanished map that stays behind on a line of its own. */
static size_t lone_comment(const struct ifx_emit *e, const struct ifx_entry *entry)
{
	size_t to = ifx_line_next(e->src, entry->end);

	for (size_t i = ifx_comment_from(e->doc, entry->start);
	     i < e->doc->n_comments && e->doc->comments[i].span.at < to; i++)
		if (ifx_plan_fate(e->plan, i) == IFX_COMMENT_ALONE)
			return i;
	return IFX_NO_COMMENT;
}

static const struct ifx_node *deepest_that_stays(const struct ifx_plan *plan,
						 const struct ifx_node *node)
{
	while ((node->kind == IFX_MAP || node->kind == IFX_SEQ) && node->style == IFX_BLOCK) {
		const struct ifx_entry *last = ifx_plan_last(plan, node);

		if (!last)
			break;
		node = last->value;
	}
	return node;
}

/* `node` is what stands before lines that go up to `to`: what follows then must not become a part
 * of it. */
static ifx_status check_text_before(struct ifx_emit *e, const struct ifx_node *node, size_t to)
{
	if (ifx_emit_keeps_breaks(node))
		return ifx_emit_refuse(e, "the text before it keeps blank lines ('|+' or '>+')");
	if (!ifx_emit_is_text(node))
		return IFX_OK;
	if (to == e->src.len && !ends_line(e->src, to) && ifx_emit_needs_break(node))
		return ifx_emit_refuse(e, "the text before it would lose its last line break");
	if (ifx_emit_deep_comment(e, to, ifx_column(e->src, node->entry->start)))
		return ifx_emit_refuse(
			e, "a comment behind it would become part of the text before it");
	return IFX_OK;
}

static ifx_status leave_block(struct ifx_emit *e, const struct ifx_entry *entry)
{
	size_t first, n = ifx_entry_head(entry, &first), lone = lone_comment(e, entry);
	size_t from = ifx_line_start(e->src, entry->start);
	size_t to = ifx_emit_line_behind(e->src, entry);
	const struct ifx_entry *prev = entry->prev;
	ifx_status st;

	while (ifx_plan_gone(e->plan, prev))
		prev = prev == e->cut ? e->before_cut : prev->prev;
	e->cut = entry;
	e->before_cut = prev;
	st = prev ? check_text_before(e, deepest_that_stays(e->plan, prev->value), to) : IFX_OK;
	if (st != IFX_OK)
		return st;
	if (!ifx_starts_line(e->src, entry->start)) {
		/*   - a: 1     ->   - b: 2
		 *     b: 2                     */
		const struct ifx_entry *stays = entry->next;

		while (ifx_plan_gone(e->plan, stays))
			stays = stays->next;
		if (!stays || lone != IFX_NO_COMMENT)
			return ifx_emit_refuse(e, "it is on the line of its list item");
		return cut(e, entry->start, stays->start);
	}
	if (ifx_plan_gone(e->plan, entry->in->first) &&
	    !ifx_starts_line(e->src, entry->in->first->start) && !prev)
		return IFX_OK; /* went with the first */
	if (n && ifx_plan_fate(e->plan, first) == IFX_COMMENT_GOES)
		from = ifx_line_start(e->src, e->doc->comments[first].span.at);
	if (lone == IFX_NO_COMMENT)
		return cut(e, from, to);
	/*   annotations: # why     ->   # why
	 *     a: 1                            */
	st = cut(e, entry->start, e->doc->comments[lone].span.at);
	from = ifx_line_next(e->src, e->doc->comments[lone].span.at);
	return st == IFX_OK && from < to ? cut(e, from, to) : st;
}

/* A trailing comment of an entry that is cut out of its line goes with the blanks before it. */
static ifx_status cut_trail(struct ifx_emit *e, const struct ifx_entry *entry, size_t from)
{
	size_t trail = ifx_entry_trail(entry), at;

	if (trail == IFX_NO_COMMENT)
		return IFX_OK;
	at = e->doc->comments[trail].span.at;
	while (at > from && is_blank(e->src.ptr[at - 1]))
		at--;
	return cut(e, at, e->doc->comments[trail].span.at + e->doc->comments[trail].span.len);
}

/* The end of a flow map: no comma is left behind the entry that is the last one now, unless others
 * come. */
static ifx_status leave_flow_end(struct ifx_emit *e, const struct ifx_entry *first,
				 const struct ifx_entry *last, size_t from)
{
	const struct ifx_entry *before = first->prev;
	const struct ifx_node *map = first->in;
	size_t comma = ifx_emit_last_comma(e, map), line = ifx_line_start(e->src, from), to;
	size_t brace = map->span.at + map->span.len - 1, c;
	const struct ifx_arrival *arrival = ifx_plan_mark(e->plan, map)->arrival;
	ifx_status st = IFX_OK;

	/*   "a": 1,          ->     "a": 1
	 *   "b": 2                }
	 * }                                 */
	if (comma == SIZE_MAX && !(arrival && arrival->lines)) {
		for (comma = before->end; e->src.ptr[comma] != ','; comma++)
			if (e->src.ptr[comma] == '#')
				return ifx_emit_refuse(e, "a comment stands before the comma");
		st = ifx_emit_push(e, comma, comma + 1, IFX_NONE);
	}
	to = ifx_line_next(e->src, last->end);
	if (st != IFX_OK || to <= brace)
		return st == IFX_OK ? cut(e, line, to) : st;
	/* The closing brace is on the line of the entry; it goes up, but not behind a comment. */
	c = ifx_comment_from(e->doc, before->end);
	if (c < e->doc->n_comments && e->doc->comments[c].span.at < line)
		return cut(e, from, last->end);
	line -= line && e->src.ptr[line - 1] == '\n';
	line -= line && e->src.ptr[line - 1] == '\r';
	return cut(e, line, last->end);
}

/* A run of leaving entries of a flow map, first..last. */
static ifx_status leave_flow(struct ifx_emit *e, const struct ifx_entry *first,
			     const struct ifx_entry *last)
{
	const struct ifx_entry *before = first->prev, *after = last->next;
	const struct ifx_node *map = first->in;
	size_t head, from, trail = ifx_entry_trail(last);
	ifx_status st;

	if (!before && !after) {
		/* { a: 1 }  ->  {} */
		if (ifx_plan_mark(e->plan, map)->arrival)
			return IFX_OK; /* what comes is written over it */
		return cut(e, map->span.at + 1, map->span.at + map->span.len - 1);
	}
	from = first->start;
	if (ifx_starts_flow_line(e->src, from)) {
		if (ifx_entry_head(first, &head))
			from = e->doc->comments[head].span.at;
		if (!after)
			return leave_flow_end(e, first, last, from);
		if (ifx_starts_flow_line(e->src, after->start))
			return cut(e, ifx_line_start(e->src, from),
				   ifx_line_next(e->src, last->end));
		return cut(e, from, after->start);
	}
	if (after && (!before || !ifx_starts_flow_line(e->src, after->start)))
		/* {a: 1, b: 2}  ->  {b: 2} */
		return cut(e, from, after->start);
	if (after) {
		/*   a: 1, b: 2, # b   ->   a: 1,
		 *   c: 3                   c: 3    */
		size_t to = trail == IFX_NO_COMMENT ? last->end : e->doc->comments[trail].span.at;

		while (to < e->src.len && e->src.ptr[to] != '\n' && e->src.ptr[to] != '\r')
			to++;
		while (is_blank(e->src.ptr[from - 1]))
			from--;
		return cut(e, from, to);
	}
	/* {a: 1, b: 2}  ->  {a: 1} */
	st = cut_to(e, before->end, last->end,
		    ifx_emit_needs_blank(before) ? IFX_LIT(" ") : IFX_NONE);
	return st == IFX_OK ? cut_trail(e, last, last->end) : st;
}

/* Is it cut out with an entry around it? Only maps that vanish have such entries. */
static bool is_inside_gone(const struct ifx_plan *plan, const struct ifx_entry *entry)
{
	for (const struct ifx_entry *up = entry->in->entry; up; up = up->in->entry)
		if (ifx_plan_gone(plan, up))
			return true;
	return false;
}

static ifx_status leave_all(struct ifx_emit *e)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < e->plan->n_gone && st == IFX_OK; i++) {
		const struct ifx_entry *entry = e->plan->gone[i], *last = entry;

		if (is_inside_gone(e->plan, entry))
			continue;
		if (entry->in->style == IFX_BLOCK) {
			st = leave_block(e, entry);
			/* `metadata:` whose last entry left becomes `metadata: {}`. */
			if (st == IFX_OK && !entry->prev &&
			    ifx_plan_mark(e->plan, entry->in)->is_empty) {
				size_t at = entry->in->entry->colon + 1;

				st = ifx_emit_push(e, at, at,
						   ifx_is(entry->in, IFX_SEQ) ? IFX_LIT(" []")
									      : IFX_LIT(" {}"));
			}
			continue;
		}
		if (ifx_plan_gone(e->plan, entry->prev))
			continue;
		while (ifx_plan_gone(e->plan, last->next))
			last = last->next;
		st = leave_flow(e, entry, last);
	}
	return st;
}

/* ---- changing ---- */

static ifx_status change_scalar(struct ifx_emit *e, const struct ifx_change *c)
{
	const struct ifx_node *node = c->node;
	const struct ifx_entry *entry = node->entry;
	bool flow = entry && entry->in->style == IFX_FLOW, is_key = entry && entry->key == node;
	size_t end = node->span.at + node->span.len, i = ifx_comment_from(e->doc, node->span.at);
	ifx_style style = node->style;

	ifx_buf_clear(&e->text);
	if (ifx_emit_is_text(node)) {
		if (i < e->doc->n_comments && e->doc->comments[i].span.at < end)
			return ifx_emit_refuse(e, "a comment stands before the text");
		style = IFX_PLAIN;
	}
	if (!node->span.len && !is_key && entry && entry->key && entry->colon == SIZE_MAX) {
		if (!flow)
			return ifx_emit_refuse(e, "the empty value there has no colon");
		ifx_buf_addc(&e->text, ':');
	}
	if (!node->span.len)
		ifx_buf_addc(&e->text, ' ');
	if (c->plain)
		ifx_scalar_quote(&e->text, c->text, IFX_PLAIN);
	else if (style != IFX_PLAIN)
		ifx_scalar_quote(&e->text, c->text, ifx_style_for(c->text, style, flow));
	else if (ifx_plain_ok(c->text, flow) && (is_key || !node->doc->json))
		ifx_scalar_quote(&e->text, c->text, IFX_PLAIN);
	else if (is_key)
		ifx_scalar_quote(&e->text, c->text, IFX_DOUBLE);
	else
		ifx_emit_value(e, entry ? entry->in : node, c->text, flow);
	if (e->text.bad)
		return IFX_ENOMEM;
	return ifx_emit_push(e, node->span.at, end, ifx_buf_str(&e->text));
}

/* `value` under a new key between braces; JSON that has its entries on lines gets more of them. */
static ifx_status wrap_in_flow(struct ifx_emit *e, const struct ifx_change *c)
{
	const struct ifx_entry *entry = c->wrap;
	const struct ifx_node *value = entry->value;
	ifx_str indent = IFX_LIT(""), newline = IFX_LIT(""), step = IFX_LIT("  ");
	bool lines = e->doc->json && ifx_starts_flow_line(e->src, entry->start);

	/* Asked for only here: the line before may be as long as the file. */
	if (lines) {
		indent = ifx_emit_indent(e->src, entry->start);
		newline = ifx_style_newline(e->src, entry->start);
		lines = indent.len > 0;
	}
	if (lines && entry->in->entry) {
		ifx_str outer = ifx_emit_indent(e->src, entry->in->entry->start);

		if (indent.len > outer.len && ifx_str_starts(indent, outer))
			step = ifx_str_sub(indent, outer.len, indent.len - outer.len);
	} else if (lines) {
		step = indent;
	}
	if (!value->span.len && e->src.ptr[value->span.at - 1] == ':')
		ifx_buf_addc(&e->text, ' ');
	ifx_buf_addc(&e->text, '{');
	if (lines) {
		ifx_buf_add(&e->text, newline);
		ifx_buf_add(&e->text, indent);
		ifx_buf_add(&e->text, step);
	}
	ifx_emit_key(e, entry->in, c->text, true);
	ifx_emit_colon(e, ifx_emit_is_compact(entry->in));
	ifx_buf_add(&e->text, ifx_raw(value));
	if (lines) {
		ifx_buf_add(&e->text, newline);
		ifx_buf_add(&e->text, indent);
	}
	ifx_buf_addc(&e->text, '}');
	if (e->text.bad)
		return IFX_ENOMEM;
	return ifx_emit_push(e, value->span.at, value->span.at + value->span.len,
			     ifx_buf_str(&e->text));
}

/*   percent: 25   # canary     ->   percent:   # canary
 *                                     value: 25          */
static ifx_status change_wrap(struct ifx_emit *e, const struct ifx_change *c)
{
	const struct ifx_entry *entry = c->wrap;
	const struct ifx_node *value = entry->value;
	size_t end = value->span.at + value->span.len, at;
	ifx_status st;

	ifx_buf_clear(&e->text);
	if (entry->in->style == IFX_FLOW)
		return wrap_in_flow(e, c);
	if (!entry->key) {
		/*   - x   ->   - exact: x   */
		ifx_emit_key(e, entry->in, c->text, false);
		ifx_buf_add(&e->text, IFX_LIT(": "));
		if (!ifx_emit_one_line(ifx_raw(value)))
			return ifx_emit_refuse(e, "only a value of one line can be wrapped");
		return ifx_emit_push(e, value->span.at, value->span.at, ifx_buf_str(&e->text));
	}
	if (!ifx_emit_one_line(ifx_str_sub(e->src, entry->colon, end - entry->colon)))
		return ifx_emit_refuse(e, "only a value of one line can be wrapped");
	st = ifx_emit_push(e, entry->colon + 1, end, IFX_NONE);
	if (st != IFX_OK)
		return st;
	at = ifx_line_end(e->src, end);
	ifx_buf_add(&e->text, ifx_style_newline(e->src, at));
	ifx_buf_fill(&e->text, ' ', ifx_column(e->src, entry->start) + ifx_style_step(entry->in));
	ifx_emit_key(e, entry->in, c->text, false);
	ifx_buf_addc(&e->text, ':');
	if (value->span.len)
		ifx_buf_addf(&e->text, " %.*s", IFX_ARG(ifx_raw(value)));
	if (e->text.bad)
		return IFX_ENOMEM;
	return ifx_emit_push(e, at, at, ifx_buf_str(&e->text));
}

/*   targetRef:            targetRef:
 *     kind: Gateway  ->   - kind: Gateway
 *     name: main            name: main       */
static ifx_status change_enlist(struct ifx_emit *e, const struct ifx_change *c)
{
	const struct ifx_node *map = c->node;
	size_t end = map->span.at + map->span.len;
	ifx_status st;

	if (map->style == IFX_BLOCK)
		return ifx_emit_push(e, map->first->start - 2, map->first->start, IFX_LIT("- "));
	st = ifx_emit_push(e, map->span.at, map->span.at, IFX_LIT("["));
	return st == IFX_OK ? ifx_emit_push(e, end, end, IFX_LIT("]")) : st;
}

/* `: value` of an entry that takes another one's place, in the quotes that were there. */
static void add_new_string(struct ifx_emit *e, const struct ifx_change *c, bool flow)
{
	const struct ifx_node *old = c->node;

	ifx_emit_colon(e, flow && ifx_emit_is_compact(c->replace->in));
	if (old->kind == IFX_SCALAR && (old->style == IFX_SINGLE || old->style == IFX_DOUBLE))
		ifx_scalar_quote(&e->text, c->text, ifx_style_for(c->text, old->style, flow));
	else if (ifx_plain_ok(c->text, flow) && !old->doc->json)
		ifx_scalar_quote(&e->text, c->text, IFX_PLAIN);
	else
		ifx_emit_value(e, c->replace->in, c->text, flow);
}

/*
 * The end of what e->text is written over. A comment behind a line that stays one line keeps its
 * column where two blanks are left before it, else its distance.
 */
static size_t keep_column(struct ifx_emit *e, const struct ifx_entry *entry)
{
	size_t trail = ifx_entry_trail(entry), at, old = entry->end - entry->start;

	if (trail == IFX_NO_COMMENT || entry->in->style == IFX_FLOW ||
	    !ifx_emit_one_line(ifx_buf_str(&e->text)) ||
	    !ifx_emit_one_line(ifx_str_sub(e->src, entry->start, old)))
		return entry->end;
	at = e->doc->comments[trail].span.at;
	if (e->text.len + 2 > at - entry->start)
		return entry->end;
	ifx_buf_fill(&e->text, ' ', at - entry->start - e->text.len);
	return at;
}

/*   selector:         ->   targetRefs:
 *     matchLabels:         - kind: Service   */
static ifx_status change_replace(struct ifx_emit *e, const struct ifx_change *c)
{
	const struct ifx_entry *entry = c->replace;
	ifx_str indent = ifx_emit_indent(e->src, entry->start), rest = c->text, line;
	ifx_str newline = ifx_style_newline(e->src, entry->start);
	bool flow = entry->in->style == IFX_FLOW;
	size_t column = ifx_column(e->src, entry->start), end;

	ifx_buf_clear(&e->text);
	if (ifx_emit_is_text(ifx_emit_deepest_last(entry->value)))
		return ifx_emit_refuse(e, "it ends with a text");
	for (size_t i = ifx_comment_from(e->doc, entry->start);
	     i < e->doc->n_comments && e->doc->comments[i].span.at < entry->end; i++) {
		if (flow || !ifx_starts_line(e->src, entry->start))
			return ifx_emit_refuse(e, "a comment inside it has no line of its own");
		ifx_buf_add(&e->text, ifx_comment_text(e->doc, i));
		ifx_buf_add(&e->text, newline);
		ifx_buf_add(&e->text, indent);
	}
	ifx_emit_key(e, entry->in, c->key, flow);
	if (!c->yaml) {
		add_new_string(e, c, flow);
	} else if (ifx_str_chr(rest, '\n') == SIZE_MAX) {
		ifx_emit_colon(e, flow && ifx_emit_is_compact(entry->in));
		ifx_buf_add(&e->text, rest);
	} else if (flow) {
		return ifx_emit_refuse(e, "its lines do not fit between braces");
	} else {
		ifx_buf_addc(&e->text, ':');
		while (ifx_str_split(&rest, '\n', &line) && (line.len || rest.ptr)) {
			ifx_buf_add(&e->text, newline);
			ifx_buf_fill(&e->text, ' ', line.len ? column : 0);
			ifx_buf_add(&e->text, line);
		}
	}
	end = keep_column(e, entry);
	if (e->text.bad)
		return IFX_ENOMEM;
	return ifx_emit_push(e, entry->start, end, ifx_buf_str(&e->text));
}

static ifx_status change_all(struct ifx_emit *e)
{
	ifx_status st = IFX_OK;

	for (const struct ifx_change *c = e->plan->changes; c && st == IFX_OK; c = c->next) {
		if (c->replace) {
			st = change_replace(e, c);
		} else if (c->enlist) {
			st = change_enlist(e, c);
		} else if (c->wrap) {
			st = change_wrap(e, c);
		} else if (!c->inside) {
			st = change_scalar(e, c);
		} else {
			for (size_t i = 0; i < c->inside->n && st == IFX_OK; i++) {
				const struct ifx_edit *x = &c->inside->items[i];

				st = ifx_emit_push(e, x->span.at, x->span.at + x->span.len,
						   x->text);
			}
		}
	}
	return st;
}

/* Comments of a removed duplicate go above the entry that stays. */
static ifx_status inherit_all(struct ifx_emit *e)
{
	ifx_status st = IFX_OK;

	for (const struct ifx_legacy *l = e->plan->legacies; l && st == IFX_OK; l = l->next) {
		const struct ifx_entry *above = l->above ? l->above : l->heir;
		size_t at = ifx_line_start(e->src, above->start);

		ifx_buf_clear(&e->text);
		ifx_emit_comments(e, l->from, ifx_emit_indent(e->src, above->start),
				  ifx_style_newline(e->src, at));
		if (e->text.bad)
			return IFX_ENOMEM;
		if (!e->text.len)
			continue;
		if (!l->above || !ifx_starts_line(e->src, above->start))
			return ifx_emit_refuse(e,
					       "its comment has no place at the entry that stays");
		st = ifx_emit_insert(e, at, IFX_ABOVE, above->in);
	}
	return st;
}

/* ---- pieces to edits ---- */

static int by_place(const void *a, const void *b)
{
	const struct ifx_piece *x = a, *y = b;

	if (x->span.at != y->span.at)
		return x->span.at < y->span.at ? -1 : 1;
	if (!x->span.len != !y->span.len)
		return x->span.len ? 1 : -1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static ifx_str without_break(ifx_str text)
{
	text.len -= text.len && text.ptr[text.len - 1] == '\n';
	text.len -= text.len && text.ptr[text.len - 1] == '\r';
	return text;
}

/*
 * A text whose last line has no break keeps it so. Lines that come to its end were written with a
 * break behind each, and lines that go from its end leave one: move the one before the first to
 * where the last one is not.
 *
 *   a: 1          ->     a: 1           a: 1        ->     a: 1<EOF>
 *   b: 2<EOF>            b: 2           b: 2<EOF>
 *                        c: 3<EOF>
 */
static ifx_status keep_open_end(struct ifx_emit *e)
{
	size_t end = e->src.len, i = e->n;
	struct ifx_piece *first = NULL, *last = NULL;
	ifx_str newline, text;
	char *p;

	if (!end || ends_line(e->src, end))
		return IFX_OK;
	for (; i > 0; i--) {
		struct ifx_piece *x = &e->pieces[i - 1];
		bool lines = !x->span.len && x->rank != IFX_IN_LINE;

		if (x->span.at + x->span.len != end || !(lines || !x->text.len))
			break;
		if (lines) {
			first = x;
			last = last ? last : x;
		}
		end = x->span.at;
	}
	if (i == e->n)
		return IFX_OK; /* nothing is done there */
	if (last && last->needs_break)
		return ifx_emit_refuse(
			e, "its text would lose its last line break at the end of the file");
	if (last)
		last->text = without_break(last->text);
	if (end != ifx_line_start(e->src, end)) {
		/* Nothing but the lines that come. */
		if (!first)
			return IFX_OK;
		newline = ifx_style_newline(e->src, e->src.len);
		p = ifx_arena_alloc(e->plan->arena, newline.len + first->text.len + 1);
		if (!p)
			return IFX_ENOMEM;
		memcpy(p, newline.ptr, newline.len);
		memcpy(p + newline.len, first->text.ptr, first->text.len);
		text = (ifx_str){ p, newline.len + first->text.len };
		first->text = text;
	} else if (!first && i < e->n && ends_line(e->src, end)) {
		/* Blank lines above go too: the last line would be an empty one. */
		struct ifx_piece *x = &e->pieces[i];
		size_t at = end, line = end;

		while (line && ends_line(e->src, line)) {
			at = without_break(ifx_str_sub(e->src, 0, line)).len;
			line = at;
			while (line && is_blank(e->src.ptr[line - 1]))
				line--;
		}
		x->span.len += x->span.at - at;
		x->span.at = at;
	}
	return IFX_OK;
}

static ifx_status to_edits(struct ifx_emit *e, struct ifx_edits *edits)
{
	ifx_status st;

	qsort(e->pieces, e->n, sizeof(*e->pieces), by_place);
	st = keep_open_end(e);
	for (size_t i = 0; i < e->n && st == IFX_OK; i++) {
		st = ifx_edits_push(edits, e->plan->arena, e->pieces[i].span, e->pieces[i].text);
		if (st == IFX_EREFUSED)
			return ifx_emit_refuse(e, "two changes touch the same text");
	}
	return st;
}

ifx_status ifx_plan_emit(const struct ifx_plan *plan, struct ifx_edits *edits, struct ifx_buf *why)
{
	struct ifx_emit e = { .plan = plan, .doc = plan->doc, .src = plan->doc->src, .why = why };
	ifx_status st;

	ifx_buf_init(&e.text, IFX_BUF_MAX);
	st = leave_all(&e);
	if (st == IFX_OK)
		st = change_all(&e);
	if (st == IFX_OK)
		st = inherit_all(&e);
	if (st == IFX_OK)
		st = ifx_emit_arrivals(&e);
	if (st == IFX_OK)
		st = to_edits(&e, edits);
	ifx_buf_release(&e.text);
	ifx_free(e.pieces);
	return st;
}
