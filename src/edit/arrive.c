/*
 * A plan as byte edits: what comes. An entry is written as its new siblings are, with the bytes
 * that it had wherever they may stand there.
 */
#include "edit/emit.h"

#include "edit/check.h"
#include "yaml/resolve.h"
#include "yaml/scalar.h"
#include "yaml/style.h"

/* ---- what an entry looks like elsewhere ---- */

/* Copy lines of [from, to), each but the first shifted from column `old` to column `new`. */
static void add_shifted(struct ifx_buf *out, ifx_str src, size_t from, size_t to, size_t old,
			size_t new, ifx_str newline)
{
	size_t end = ifx_line_end(src, from), line;

	ifx_buf_add(out, ifx_str_sub(src, from, (end < to ? end : to) - from));
	for (line = ifx_line_next(src, from); line < to; line = ifx_line_next(src, line)) {
		size_t i = line, spaces;

		end = ifx_line_end(src, line);
		if (end > to)
			end = to;
		while (i < end && src.ptr[i] == ' ')
			i++;
		spaces = i - line;
		if (new >= old)
			spaces += line < end ? new - old : 0;
		else if (spaces >= old)
			spaces -= old - new;
		else if (spaces > new)
			spaces = new + 1; /* as far left as a continued line may be */
		ifx_buf_add(out, newline);
		ifx_buf_fill(out, ' ', spaces);
		ifx_buf_add(out, ifx_str_sub(src, i, end - i));
	}
}

static void add_tag(struct ifx_buf *out, const struct ifx_node *node)
{
	if (node->tag.len) {
		ifx_buf_add(out, ifx_str_sub(node->doc->src, node->tag.at, node->tag.len));
		ifx_buf_addc(out, ' ');
	}
}

/* May the plain scalar stand between braces? Numbers and the like are only asked for syntax, words
 * for more. */
static bool plain_in_flow(ifx_str raw)
{
	return ifx_plain_needs_quotes(raw) ? ifx_plain_fits(raw, true) : ifx_plain_ok(raw, true);
}

/* A node as it is where it may stand between braces like that; a scalar is quoted anew otherwise.
 */
static ifx_status add_inline(struct ifx_emit *e, const struct ifx_node *node)
{
	ifx_str raw = ifx_raw(node);
	bool one_line = ifx_emit_one_line(raw);

	add_tag(&e->text, node);
	if (node->kind == IFX_MAP || node->kind == IFX_SEQ) {
		if (node->style != IFX_FLOW || !one_line)
			return ifx_emit_refuse(
				e, "a value of several lines does not fit between braces");
		ifx_buf_add(&e->text, raw);
	} else if (node->kind == IFX_ALIAS || !node->span.len ||
		   (one_line && !ifx_emit_is_text(node) &&
		    (node->style != IFX_PLAIN || plain_in_flow(raw)))) {
		ifx_buf_add(&e->text, raw);
	} else {
		if (!ifx_is_string(node))
			return ifx_emit_refuse(e, "its value cannot stand between braces");
		ifx_scalar_quote(&e->text, ifx_text(node), IFX_DOUBLE);
	}
	return IFX_OK;
}

/* The first byte of a node, its tag included. */
static size_t start_of(const struct ifx_node *node)
{
	return node->tag.len && node->tag.at < node->span.at ? node->tag.at : node->span.at;
}

static bool has_comment(const struct ifx_doc *doc, size_t from, size_t to)
{
	return ifx_comment_from(doc, from) != ifx_comment_from(doc, to);
}

/* An entry of a flow map as one of a block map. */
static ifx_status add_from_flow(struct ifx_emit *e, const struct ifx_entry *from, size_t column,
				ifx_str newline)
{
	size_t trail = ifx_entry_trail(from), at = start_of(from->value);
	ifx_status st;

	if (has_comment(e->doc, from->start, at))
		return ifx_emit_refuse(e, "a comment stands between its key and its value");
	st = add_inline(e, from->key);
	if (st != IFX_OK)
		return st;
	ifx_buf_addc(&e->text, ':');
	if (at < from->end && (from->value->span.len || from->value->tag.len)) {
		ifx_buf_addc(&e->text, ' ');
		add_shifted(&e->text, e->src, at, from->end, ifx_column(e->src, from->start),
			    column, newline);
	}
	if (trail != IFX_NO_COMMENT)
		ifx_buf_addf(&e->text, " %.*s", IFX_ARG(ifx_comment_text(e->doc, trail)));
	return IFX_OK;
}

/* An entry of a block map at another column, to the byte. */
static ifx_status add_from_block(struct ifx_emit *e, const struct ifx_entry *from, size_t column,
				 ifx_str newline)
{
	const struct ifx_node *last = ifx_emit_deepest_last(from->value);
	size_t trail = ifx_entry_trail(from), end = from->end;

	if (ifx_emit_keeps_breaks(last))
		return ifx_emit_refuse(e,
				       "its text keeps the blank lines behind it ('|+' or '>+')");
	if (ifx_emit_is_text(last) && !ifx_text(last).len)
		return ifx_emit_refuse(e, "its text is empty; write '' for it");
	if (ifx_emit_open_end(last))
		return ifx_emit_refuse(e,
				       "its text ends without a line break at the end of the file");
	if (trail != IFX_NO_COMMENT)
		end = e->doc->comments[trail].span.at + e->doc->comments[trail].span.len;
	add_shifted(&e->text, e->src, from->start, end, ifx_column(e->src, from->start), column,
		    newline);
	return IFX_OK;
}

/* Lines of text, each behind `column` blanks. */
static void add_lines(struct ifx_buf *out, ifx_str text, size_t column, ifx_str newline)
{
	for (size_t at = 0; at < text.len; at = ifx_line_next(text, at)) {
		size_t end = ifx_line_end(text, at);

		if (end > at)
			ifx_buf_fill(out, ' ', column);
		ifx_buf_add(out, ifx_str_sub(text, at, end - at));
		ifx_buf_add(out, newline);
	}
}

/* A text of several lines that a literal (`|`) can hold as it is. */
static bool fits_literal(ifx_str text)
{
	ifx_str line;

	if (!ifx_str_ends(text, IFX_LIT("\n")) || ifx_str_ends(text, IFX_LIT("\n\n")))
		return false;
	if (text.len < 2 || text.ptr[0] == ' ' || text.ptr[0] == '\n')
		return false;
	/* Characters that need an escape are those that single quotes cannot hold either. */
	while (ifx_str_split(&text, '\n', &line))
		if (ifx_style_for(line, IFX_SINGLE, false) != IFX_SINGLE)
			return false;
	return true;
}

/* `: value` of an entry that is new, to the end of its last line; lines at `column`, which is a
 * step behind the key. */
static void add_new_value(struct ifx_emit *e, const struct ifx_coming *c,
			  const struct ifx_node *look, size_t column, size_t step, ifx_str newline)
{
	/* Where the file has no final line break a literal would lose its own. */
	bool ends = e->src.len && strchr("\r\n", e->src.ptr[e->src.len - 1]);

	ifx_buf_addc(&e->text, ':');
	if (c->yaml && ifx_str_chr(c->value, '\n') != SIZE_MAX) {
		ifx_buf_add(&e->text, newline);
		if (c->front && ifx_str_starts(c->value, IFX_LIT("- ")))
			column += ifx_style_dash(e->doc) - step;
		add_lines(&e->text, c->value, column, newline);
		return;
	}
	ifx_buf_addc(&e->text, ' ');
	if (!c->yaml && ends && fits_literal(c->value)) {
		ifx_buf_addc(&e->text, '|');
		ifx_buf_add(&e->text, newline);
		add_lines(&e->text, c->value, column, newline);
		return;
	}
	if (c->yaml)
		ifx_buf_add(&e->text, c->value);
	else
		ifx_emit_value(e, look, c->value, false);
	ifx_buf_add(&e->text, newline);
}

/* Blanks between the dash of the list's first item and what it holds. */
static size_t dash_gap(const struct ifx_node *list)
{
	const struct ifx_entry *e = list->first;

	if (!ifx_is(list, IFX_SEQ) || list->style != IFX_BLOCK || !e ||
	    !ifx_emit_one_line(ifx_str_sub(list->doc->src, e->start, e->value->span.at - e->start)))
		return 1;
	return e->value->span.at > e->start + 1 ? e->value->span.at - e->start - 1 : 1;
}

/* An item of a block list; the dash is already indented. */
static void add_item(struct ifx_emit *e, const struct ifx_coming *c, const struct ifx_node *list,
		     size_t column, ifx_str newline)
{
	size_t gap = dash_gap(list), end = ifx_line_end(c->value, 0);

	ifx_buf_addc(&e->text, '-');
	ifx_buf_fill(&e->text, ' ', gap);
	ifx_buf_add(&e->text, ifx_str_sub(c->value, 0, end));
	ifx_buf_add(&e->text, newline);
	if (end < c->value.len)
		add_lines(&e->text, ifx_str_sub(c->value, end + 1, c->value.len - end - 1),
			  column + 1 + gap, newline);
}

/* Lines of what comes into a block map or list; each ends with a newline. */
static ifx_status add_block(struct ifx_emit *e, const struct ifx_comings *list,
			    const struct ifx_node *look, size_t column, size_t step,
			    ifx_str newline)
{
	ifx_status st = IFX_OK;

	for (const struct ifx_coming *c = list->first; c && st == IFX_OK; c = c->next) {
		size_t first, n = c->entry ? ifx_entry_head(c->entry, &first) : 0;

		for (size_t i = 0; i < n; i++) {
			ifx_buf_fill(&e->text, ' ', column);
			ifx_buf_add(&e->text, ifx_comment_text(e->doc, first + i));
			ifx_buf_add(&e->text, newline);
		}
		ifx_buf_fill(&e->text, ' ', column);
		if (c->entry) {
			st = c->entry->in->style == IFX_FLOW
				     ? add_from_flow(e, c->entry, column, newline)
				     : add_from_block(e, c->entry, column, newline);
			ifx_buf_add(&e->text, newline);
			continue;
		}
		if (!c->key.ptr) {
			add_item(e, c, look, column, newline);
			continue;
		}
		if (c->plain_key)
			ifx_buf_add(&e->text, c->key);
		else
			ifx_emit_key(e, look, c->key, false);
		if (!c->made.first) {
			add_new_value(e, c, look, column + step, step, newline);
			continue;
		}
		ifx_buf_addc(&e->text, ':');
		ifx_buf_add(&e->text, newline);
		st = add_block(e, &c->made, look, column + step, step, newline);
	}
	return st;
}

/* ---- into a block map ---- */

/* Insert e->text, lines that end with `last`, at `at`. */
static ifx_status insert_lines(struct ifx_emit *e, const struct ifx_coming *last, size_t at,
			       enum ifx_rank rank, const struct ifx_node *map, size_t column)
{
	const struct ifx_node *node;
	bool text;

	while (last->made.last)
		last = last->made.last;
	node = last->entry ? ifx_emit_deepest_last(last->entry->value) : NULL;
	/* A new value of several lines may be a literal, or end with one. */
	if (node)
		text = ifx_emit_is_text(node);
	else if (last->yaml)
		text = ifx_str_chr(last->value, '|') != SIZE_MAX ||
		       ifx_str_chr(last->value, '>') != SIZE_MAX;
	else
		text = ifx_str_chr(last->value, '\n') != SIZE_MAX;
	if (text && ifx_emit_deep_comment(e, at, column))
		return ifx_emit_refuse(e, "a comment there would become part of its text");
	/* Of a string that is a literal the file's end was looked at before. */
	e->needs_break = text && (node ? ifx_emit_needs_break(node) : last->yaml);
	return ifx_emit_insert(e, at, rank, map);
}

/* A null, or {}, gets lines below its key. */
static ifx_status fill(struct ifx_emit *e, const struct ifx_arrival *a)
{
	const struct ifx_node *map = a->base;
	const struct ifx_entry *owner = map->entry;
	size_t end = map->span.at + map->span.len, step = ifx_style_step(owner->in);
	size_t at = ifx_line_next(e->src, owner->end);
	ifx_status st = IFX_OK;

	if (owner->colon == SIZE_MAX || owner->value != map || ifx_is_explicit(owner))
		return ifx_emit_refuse(e, "the empty value there cannot be filled");
	if (has_comment(e->doc, owner->colon, end))
		return ifx_emit_refuse(e, "a comment stands before the empty value");
	if (map->span.len)
		st = ifx_emit_push(e, owner->colon + 1, end, IFX_NONE);
	if (st != IFX_OK)
		return st;
	st = add_block(e, &a->back, owner->in, ifx_column(e->src, owner->start) + step, step,
		       ifx_style_newline(e->src, owner->end));
	if (st != IFX_OK)
		return st;
	return insert_lines(e, a->back.last, at, IFX_BEHIND, map,
			    ifx_column(e->src, owner->start) + step);
}

static ifx_status arrive_block(struct ifx_emit *e, const struct ifx_arrival *a)
{
	const struct ifx_node *map = a->base;
	size_t column, step, at;
	ifx_status st = IFX_OK;

	ifx_buf_clear(&e->text);
	if (!map->first)
		return fill(e, a);
	column = ifx_column(e->src, map->first->start);
	step = ifx_style_step(map);
	if (a->front.first) {
		size_t first, n = ifx_entry_head(map->first, &first);

		at = n ? e->doc->comments[first].span.at : map->first->start;
		at = ifx_line_start(e->src, at);
		st = add_block(e, &a->front, map, column, step, ifx_style_newline(e->src, at));
		if (st == IFX_OK)
			st = insert_lines(e, a->front.last, at, IFX_FRONT, map, column);
		ifx_buf_clear(&e->text);
	}
	if (st != IFX_OK || !a->back.first)
		return st;
	if (!ifx_plan_gone(e->plan, map->last) &&
	    ifx_emit_open_end(ifx_emit_deepest_last(map->last->value)))
		return ifx_emit_refuse(
			e, "the text before it ends without a line break at the end of the file");
	if (ifx_emit_is_text(map->last->value) && !ifx_text(map->last->value).len)
		return ifx_emit_refuse(e, "the text before it is empty; write '' for it");
	st = add_block(e, &a->back, map, column, step, ifx_style_newline(e->src, map->last->end));
	at = ifx_emit_line_behind(e->src, map->last);
	return st == IFX_OK ? insert_lines(e, a->back.last, at, IFX_BEHIND, map, column) : st;
}

/* ---- into a flow map ---- */

/* What stands between entries of a flow map on one line: `, `, or `,` when it is compact. */
static ifx_str comma_of(const struct ifx_emit *e, const struct ifx_node *map)
{
	size_t at, stop;

	if (map->n < 2)
		return ifx_emit_is_compact(map) ? IFX_LIT(",") : IFX_LIT(", ");
	stop = map->first->next->start;
	for (at = map->first->end; at < stop && e->src.ptr[at] != ','; at++)
		;
	return at + 1 == stop ? IFX_LIT(",") : IFX_LIT(", ");
}

/* How entries are written into a flow map. */
struct braces {
	const struct ifx_node *map;
	ifx_str comma;
	bool compact;
	bool lines; /* each entry on a line of its own, behind `indent` */
	ifx_str indent, step, newline;
};

/* The indentation of a level below the map's entries, as text in the arena. */
static ifx_str indent_at(struct ifx_emit *e, const struct braces *b, size_t level)
{
	struct ifx_buf text;
	ifx_str copy;

	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_buf_add(&text, b->indent);
	while (level--)
		ifx_buf_add(&text, b->step);
	copy = text.bad ? IFX_NONE : ifx_arena_copy(e->plan->arena, ifx_buf_str(&text));
	ifx_buf_release(&text);
	if (!copy.ptr)
		e->text.bad = true;
	return copy;
}

/* A value of an entry that comes. One of several lines keeps them when the map has its entries on
 * lines. */
static ifx_status add_flow_value(struct ifx_emit *e, const struct braces *b,
				 const struct ifx_entry *from, ifx_str indent)
{
	const struct ifx_node *value = from->value;
	ifx_str old;
	size_t end = value->span.at + value->span.len, line, next;

	if (!b->lines || value->style != IFX_FLOW || ifx_emit_one_line(ifx_raw(value)) ||
	    has_comment(e->doc, value->span.at, end))
		return add_inline(e, value);
	old = ifx_emit_indent(e->src, from->start);
	add_tag(&e->text, value);
	for (line = value->span.at; line < end; line = next) {
		ifx_str text;

		next = ifx_line_next(e->src, line);
		text = ifx_str_sub(e->src, line, (next < end ? next : end) - line);
		if (line != value->span.at && ifx_str_starts(text, old)) {
			ifx_buf_add(&e->text, indent);
			text = ifx_str_sub(text, old.len, text.len - old.len);
		}
		ifx_buf_add(&e->text, text);
	}
	return IFX_OK;
}

/* What comes, from the first key (on lines: from the break before it) to the last value. */
static ifx_status add_flow(struct ifx_emit *e, const struct braces *b,
			   const struct ifx_comings *list, size_t level)
{
	ifx_str indent = indent_at(e, b, level);
	ifx_status st = IFX_OK;

	for (const struct ifx_coming *c = list->first; c && st == IFX_OK; c = c->next) {
		if (c != list->first)
			ifx_buf_add(&e->text, b->lines ? IFX_LIT(",") : b->comma);
		if (b->lines) {
			ifx_buf_add(&e->text, b->newline);
			if (c->entry)
				ifx_emit_comments(e, c->entry, indent, b->newline);
			ifx_buf_add(&e->text, indent);
		}
		if (c->entry) {
			st = add_inline(e, c->entry->key);
			ifx_emit_colon(e, b->compact);
			if (st == IFX_OK)
				st = add_flow_value(e, b, c->entry, indent);
			continue;
		}
		if (c->key.ptr) {
			if (c->plain_key)
				ifx_buf_add(&e->text, c->key);
			else
				ifx_emit_key(e, b->map, c->key, true);
			ifx_emit_colon(e, b->compact);
		}
		if (!c->made.first) {
			if (c->yaml && ifx_str_chr(c->value, '\n') != SIZE_MAX)
				return ifx_emit_refuse(e, "its lines do not fit between braces");
			if (c->yaml)
				ifx_buf_add(&e->text, c->value);
			else
				ifx_emit_value(e, b->map, c->value, true);
			continue;
		}
		ifx_buf_addc(&e->text, '{');
		st = add_flow(e, b, &c->made, level + 1);
		if (b->lines) {
			ifx_buf_add(&e->text, b->newline);
			ifx_buf_add(&e->text, indent);
		}
		ifx_buf_addc(&e->text, '}');
	}
	return st;
}

/* Comments of what comes go above the block entry that holds the map, for on its line they have no
 * place. */
static ifx_status comments_above(struct ifx_emit *e, const struct ifx_arrival *a,
				 const struct ifx_comings *list, ifx_str indent, ifx_str newline)
{
	ifx_status st = IFX_OK;

	for (const struct ifx_coming *c = list->first; c && st == IFX_OK; c = c->next) {
		if (c->entry)
			ifx_emit_comments(e, c->entry, indent, newline);
		st = comments_above(e, a, &c->made, indent, newline);
	}
	if (e->text.bad)
		return IFX_ENOMEM;
	if (st == IFX_OK && e->text.len && (!a->above || !ifx_starts_line(e->src, a->above->start)))
		return ifx_emit_refuse(e, "its comment has no place there");
	return st;
}

/* Indentation of the map's entries, or of its braces when none stays, and one more level of it. */
static void look_at_lines(const struct ifx_emit *e, struct braces *b, bool stays)
{
	const struct ifx_node *map = b->map;
	const struct ifx_entry *outer = map->entry;
	ifx_str inner = IFX_LIT(""), out = IFX_LIT("");
	size_t at = map->first ? map->last->start : map->entry->start;

	if (!map->first)
		outer = map->entry->in->entry;
	inner = ifx_emit_indent(e->src, at);
	if (outer)
		out = ifx_emit_indent(e->src, outer->start);
	b->newline = ifx_style_newline(e->src, ifx_line_start(e->src, at));
	b->step = IFX_LIT("  ");
	if (inner.len > out.len && ifx_str_starts(inner, out))
		b->step = ifx_str_sub(inner, out.len, inner.len - out.len);
	b->indent = map->first && !stays ? out : inner;
}

/*   annotations: {}  ->  annotations: {a: 1}     and the same for a null, and for a map that loses
 * all it has */
static ifx_status fill_braces(struct ifx_emit *e, const struct ifx_arrival *a, struct braces *b)
{
	const struct ifx_node *map = a->base;
	size_t at = map->span.at, end = at + map->span.len, brace_line = 0;
	bool braces = map->kind != IFX_SCALAR, own_line = false;
	ifx_status st;

	if (has_comment(e->doc, at, end))
		return ifx_emit_refuse(e, "a comment stands between the braces");
	if (!braces && (!map->entry || map->entry->colon == SIZE_MAX || map->entry->value != map))
		return ifx_emit_refuse(e, "the empty value there has no colon");
	if (!braces && !map->span.len)
		ifx_buf_addc(&e->text, ' ');
	if (!braces)
		ifx_buf_addc(&e->text, '{');
	st = add_flow(e, b, &a->back, 1);
	if (b->lines) {
		ifx_buf_add(&e->text, b->newline);
		/* A brace on a line of its own stays there. */
		brace_line = ifx_line_start(e->src, end);
		own_line = braces && brace_line > at &&
			   ifx_emit_indent(e->src, end - 1).len == end - 1 - brace_line;
		if (!own_line)
			ifx_buf_add(&e->text, b->indent);
	}
	if (!braces)
		ifx_buf_addc(&e->text, '}');
	if (st != IFX_OK || e->text.bad)
		return st == IFX_OK ? IFX_ENOMEM : st;
	return ifx_emit_push(e, at + braces, own_line ? brace_line : end - braces,
			     ifx_buf_str(&e->text));
}

/*   {a: 1}  ->  {a: 1, b: 2}     {a: 1,}  ->  {a: 1, b: 2,} */
static ifx_status arrive_in_line(struct ifx_emit *e, const struct ifx_arrival *a,
				 const struct braces *b, const struct ifx_entry *stays)
{
	size_t at = stays->end, comma = SIZE_MAX;
	ifx_status st;

	if (ifx_entry_trail(stays) != IFX_NO_COMMENT)
		return ifx_emit_refuse(e, "a comment stands behind the last entry of that map");
	/* The comma behind an entry that goes is cut out with it. */
	if (stays == b->map->last)
		comma = ifx_emit_last_comma(e, b->map);
	if (comma != SIZE_MAX) {
		at = comma + 1;
		ifx_buf_addc(&e->text, ' ');
	} else {
		if (ifx_emit_needs_blank(stays))
			ifx_buf_addc(&e->text, ' ');
		ifx_buf_add(&e->text, b->comma);
	}
	st = add_flow(e, b, &a->back, 0);
	if (comma != SIZE_MAX)
		ifx_buf_addc(&e->text, ',');
	return st == IFX_OK ? ifx_emit_insert(e, at, IFX_IN_LINE, b->map) : st;
}

/* The comma of `stays`, whose followers all go; nothing that stays may lie between it and them. */
static ifx_status find_comma(struct ifx_emit *e, const struct ifx_entry *stays, size_t *comma)
{
	size_t at = stays->end;

	for (; e->src.ptr[at] != ','; at++)
		if (e->src.ptr[at] == '#')
			return ifx_emit_refuse(e, "a comment stands before the comma");
	*comma = at;
	for (size_t i = ifx_comment_from(e->doc, ifx_line_end(e->src, at));
	     i < e->doc->n_comments && e->doc->comments[i].span.at < stays->in->last->end; i++)
		if (ifx_plan_fate(e->plan, i) != IFX_COMMENT_GOES)
			return ifx_emit_refuse(e, "somebody's comment is in the way");
	return IFX_OK;
}

/*   "a": 1        ->     "a": 1,
 * }                      "b": 2
 *                      }          */
static ifx_status arrive_on_lines(struct ifx_emit *e, const struct ifx_arrival *a,
				  const struct braces *b, const struct ifx_entry *stays)
{
	size_t last = ifx_emit_last_comma(e, b->map), comma = last, at = stays->end;
	ifx_status st = IFX_OK;

	if (stays != b->map->last)
		st = find_comma(e, stays, &comma);
	else if (comma == SIZE_MAX)
		st = ifx_emit_push(e, at, at,
				   ifx_emit_needs_blank(stays) ? IFX_LIT(" ,") : IFX_LIT(","));
	if (st != IFX_OK)
		return st;
	if (comma != SIZE_MAX)
		at = comma + 1;
	/* Behind the comment on that line, but before the brace. */
	if (ifx_line_end(e->src, at) < b->map->span.at + b->map->span.len)
		at = ifx_line_end(e->src, at);
	st = add_flow(e, b, &a->back, 0);
	if (last != SIZE_MAX)
		ifx_buf_addc(&e->text, ',');
	return st == IFX_OK ? ifx_emit_insert(e, at, IFX_IN_LINE, b->map) : st;
}

static ifx_status arrive_flow(struct ifx_emit *e, const struct ifx_arrival *a)
{
	const struct ifx_node *map = a->base;
	const struct ifx_entry *stays = map->first ? ifx_plan_last(e->plan, map) : NULL, *x;
	struct braces b = { .map = map,
			    .compact = ifx_emit_is_compact(map),
			    .comma = comma_of(e, map),
			    .lines = a->lines };
	ifx_status st;

	ifx_buf_clear(&e->text);
	if (b.lines) {
		look_at_lines(e, &b, stays);
	} else if (e->doc->n_comments) {
		x = a->above ? a->above : map->entry;
		st = comments_above(e, a, &a->back,
				    x ? ifx_emit_indent(e->src, x->start) : IFX_LIT(""),
				    ifx_style_newline(e->src, x ? x->start : 0));
		if (st == IFX_OK && e->text.len)
			st = ifx_emit_insert(e, ifx_line_start(e->src, x->start), IFX_ABOVE, x->in);
		if (st != IFX_OK)
			return st;
		ifx_buf_clear(&e->text);
	}
	if (!stays)
		return fill_braces(e, a, &b);
	return b.lines ? arrive_on_lines(e, a, &b, stays) : arrive_in_line(e, a, &b, stays);
}

ifx_status ifx_emit_arrivals(struct ifx_emit *e)
{
	ifx_status st = IFX_OK;

	for (const struct ifx_arrival *a = e->plan->arrivals; a && st == IFX_OK; a = a->next)
		st = a->flow ? arrive_flow(e, a) : arrive_block(e, a);
	return st;
}
