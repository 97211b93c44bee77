/*
 * A plan as byte edits. The pictures in the comments show source on the left, result on the right.
 */
#include "edit/plan.h"

#include "yaml/scalar.h"
#include "yaml/style.h"

struct emit {
	const struct ifx_plan *plan;
	const struct ifx_doc *doc;
	ifx_str src;
	struct ifx_edits *edits;
	struct ifx_buf *why;
	struct ifx_buf text; /* scratch */
};

static ifx_status refuse(struct emit *e, const char *what)
{
	ifx_buf_clear(e->why);
	ifx_buf_add(e->why, ifx_str_of(what));
	return IFX_EREFUSED;
}

static ifx_status push(struct emit *e, size_t from, size_t to, ifx_str text)
{
	ifx_str copy = ifx_arena_copy(e->plan->arena, text);
	ifx_status st;

	if (!copy.ptr)
		return IFX_ENOMEM;
	st = ifx_edits_push(e->edits, e->plan->arena, (ifx_span){ from, to - from }, copy);
	return st == IFX_EREFUSED ? refuse(e, "two changes touch the same text") : st;
}

static ifx_status push_text(struct emit *e, size_t from, size_t to)
{
	ifx_status st = ifx_buf_status(&e->text);

	return st == IFX_OK ? push(e, from, to, ifx_buf_str(&e->text)) : st;
}

/* Delete, unless a comment that stays lies in the way. */
static ifx_status cut(struct emit *e, size_t from, size_t to)
{
	for (size_t i = ifx_comment_from(e->doc, from);
	     i < e->doc->n_comments && e->doc->comments[i].span.at < to; i++)
		if (e->plan->comments[i] != IFX_COMMENT_GOES)
			return refuse(e, "somebody's comment is in the way");
	return push(e, from, to, IFX_NONE);
}

/* ---- what an entry looks like elsewhere ---- */

static bool is_block_scalar(const struct ifx_node *node)
{
	return ifx_is(node, IFX_SCALAR) &&
	       (node->style == IFX_LITERAL || node->style == IFX_FOLDED);
}

/* `|+` and `>+`: the blank lines behind are text. */
static bool keeps_breaks(const struct ifx_node *node)
{
	ifx_str raw;
	size_t end;

	if (!is_block_scalar(node))
		return false;
	raw = ifx_raw(node);
	end = ifx_line_end(raw, 0);
	return ifx_str_chr(ifx_str_sub(raw, 0, end < 3 ? end : 3), '+') != SIZE_MAX;
}

static const struct ifx_node *deepest_last(const struct ifx_node *node)
{
	while (node && (node->kind == IFX_MAP || node->kind == IFX_SEQ) && node->style == IFX_BLOCK &&
	       node->last)
		node = node->last->value;
	return node;
}

/* First byte of the line behind an entry, its comment and the text lines of a `|+` included. */
static size_t line_behind(ifx_str src, const struct ifx_entry *entry)
{
	const struct ifx_node *last = deepest_last(entry->value);

	if (keeps_breaks(last))
		return last->raw_end;
	return ifx_line_next(src, entry->end);
}

/* Copy lines of [from, to), each shifted by `delta` columns; the first one as it is. */
static void add_shifted(struct ifx_buf *out, ifx_str src, size_t from, size_t to, long long delta,
			ifx_str newline)
{
	for (size_t line = from; line < to;) {
		size_t end = ifx_line_end(src, line), next = ifx_line_next(src, line), i = line;

		if (end > to)
			end = next = to;
		if (line != from) {
			size_t spaces = 0;

			while (i < end && src.ptr[i] == ' ')
				i++;
			spaces = i - line;
			if (delta < 0)
				spaces -= spaces < (size_t)-delta ? spaces : (size_t)-delta;
			else if (i < end)
				spaces += (size_t)delta;
			ifx_buf_fill(out, ' ', spaces);
		}
		ifx_buf_add(out, ifx_str_sub(src, i, end - i));
		if (next > end && next < to)
			ifx_buf_add(out, newline);
		line = next;
		if (next == end)
			break;
	}
}

/* A value that sits on one line as it is. */
static bool on_one_line(ifx_str raw)
{
	return ifx_str_chr(raw, '\n') == SIZE_MAX && ifx_str_chr(raw, '\r') == SIZE_MAX;
}

static void add_props(struct ifx_buf *out, const struct ifx_node *node)
{
	if (node->tag.len) {
		ifx_buf_add(out, ifx_str_sub(node->doc->src, node->tag.at, node->tag.len));
		ifx_buf_addc(out, ' ');
	}
}

static void add_key(struct ifx_buf *out, const struct ifx_node *map, ifx_str key, bool flow)
{
	ifx_scalar_quote(out, key, ifx_style_for(key, ifx_style_key(map), flow));
}

/* `key: value` for a flow map. */
static ifx_status add_flow_entry(struct emit *e, const struct ifx_coming *c,
				 const struct ifx_node *map, ifx_str colon)
{
	const struct ifx_entry *from = c->entry;
	const struct ifx_node *value;
	struct ifx_buf *out = &e->text;

	if (!from) {
		add_key(out, map, c->key, true);
		ifx_buf_add(out, colon);
		ifx_scalar_quote(out, c->value,
				 ifx_style_value(map, c->value, true));
		return IFX_OK;
	}
	value = from->value;
	add_props(out, from->key);
	if (e->doc->json)
		ifx_scalar_quote(out, c->key, IFX_DOUBLE);
	else if (from->key->style == IFX_PLAIN)
		ifx_scalar_quote(out, c->key, ifx_style_for(c->key, IFX_PLAIN, true));
	else
		ifx_buf_add(out, ifx_raw(from->key));
	ifx_buf_add(out, colon);
	add_props(out, value);
	if (value->kind == IFX_ALIAS || (value->style == IFX_FLOW && on_one_line(ifx_raw(value)))) {
		ifx_buf_add(out, ifx_raw(value));
		return IFX_OK;
	}
	if (value->kind != IFX_SCALAR)
		return refuse(e, "a value of several lines does not fit between braces");
	if (on_one_line(ifx_raw(value)) && !is_block_scalar(value) &&
	    (value->style != IFX_PLAIN || !ifx_is_string(value) ||
	     ifx_plain_ok(ifx_raw(value), true)))
		ifx_buf_add(out, ifx_raw(value));
	else
		ifx_scalar_quote(out, ifx_text(value), IFX_DOUBLE);
	return ifx_text(value).ptr ? IFX_OK : IFX_ENOMEM;
}

/* Comments as lines of their own; [first, first + n). */
static void add_comment_lines(struct emit *e, size_t first, size_t n, size_t column,
			      ifx_str newline)
{
	for (size_t i = first; i < first + n; i++) {
		ifx_buf_fill(&e->text, ' ', column);
		ifx_buf_add(&e->text, ifx_comment_text(e->doc, i));
		ifx_buf_add(&e->text, newline);
	}
}

/* All comments of an entry that have no place in a flow map of one line. */
static void add_own_comments(struct emit *e, const struct ifx_entry *entry, size_t column,
			     ifx_str newline)
{
	size_t first, n = ifx_entry_head(entry, &first), trail = ifx_entry_trail(entry);
	size_t i = ifx_comment_from(e->doc, entry->start), last = i;

	add_comment_lines(e, first, n, column, newline);
	while (last < e->doc->n_comments && e->doc->comments[last].span.at < entry->end)
		last++;
	add_comment_lines(e, i, last - i, column, newline);
	if (trail != IFX_NO_COMMENT)
		add_comment_lines(e, trail, 1, column, newline);
}

/* Lines of an entry in a block map at `column`; each ends with a newline. */
static ifx_status add_block_entry(struct emit *e, const struct ifx_coming *c,
				  const struct ifx_node *map, size_t column, ifx_str newline)
{
	const struct ifx_entry *from = c->entry;
	struct ifx_buf *out = &e->text;
	size_t first, n, trail, end, from_column;

	if (!from) {
		ifx_buf_fill(out, ' ', column);
		add_key(out, map, c->key, false);
		ifx_buf_add(out, IFX_LIT(": "));
		ifx_scalar_quote(out, c->value,
				 ifx_style_value(map, c->value, false));
		ifx_buf_add(out, newline);
		return IFX_OK;
	}
	n = ifx_entry_head(from, &first);
	trail = ifx_entry_trail(from);
	end = from->end;
	add_comment_lines(e, first, n, column, newline);
	ifx_buf_fill(out, ' ', column);
	from_column = ifx_column(e->src, from->start);
	if (from->in->style == IFX_FLOW) {
		add_props(out, from->key);
		ifx_buf_add(out, ifx_raw(from->key));
		ifx_buf_addc(out, ':');
		if (from->value->span.len || from->value->tag.len) {
			size_t at = from->value->tag.len && from->value->tag.at < from->value->span.at ?
					    from->value->tag.at :
					    from->value->span.at;

			ifx_buf_addc(out, ' ');
			add_shifted(out, e->src, at, end,
				    (long long)column - (long long)from_column, newline);
		}
		if (trail != IFX_NO_COMMENT)
			ifx_buf_addf(out, " %.*s", IFX_ARG(ifx_comment_text(e->doc, trail)));
		ifx_buf_add(out, newline);
		return IFX_OK;
	}
	if (keeps_breaks(deepest_last(from->value)))
		return refuse(e, "its text keeps the blank lines behind it ('|+' or '>+')");
	if (is_block_scalar(deepest_last(from->value)) && ifx_line_end(e->src, end) == e->src.len &&
	    ifx_scalar_decode(deepest_last(from->value), e->plan->arena, NULL).len &&
	    e->src.ptr[e->src.len - 1] != '\n')
		return refuse(e, "its text ends without a line break at the end of the file");
	if (trail != IFX_NO_COMMENT)
		end = e->doc->comments[trail].span.at + e->doc->comments[trail].span.len;
	add_shifted(out, e->src, from->start, end, (long long)column - (long long)from_column,
		    newline);
	ifx_buf_add(out, newline);
	return IFX_OK;
}

/* ---- leaving ---- */

static bool inside_gone(const struct ifx_plan *plan, const struct ifx_entry *entry)
{
	for (const struct ifx_entry *up = entry->in->entry; up; up = up->in->entry)
		if (ifx_plan_gone(plan, up))
			return true;
	return false;
}

static bool is_leaving(const struct ifx_plan *plan, const struct ifx_entry *entry)
{
	return entry && ifx_plan_gone(plan, entry);
}

/* The comment of a vanished map that stays behind on a line of its own. */
static size_t lone_comment(const struct emit *e, const struct ifx_entry *entry)
{
	size_t to = ifx_line_next(e->src, entry->end);

	for (size_t i = ifx_comment_from(e->doc, entry->start);
	     i < e->doc->n_comments && e->doc->comments[i].span.at < to; i++)
		if (e->plan->comments[i] == IFX_COMMENT_ALONE)
			return i;
	return IFX_NO_COMMENT;
}

/* At the end of a text without final line break the break before goes instead. */
static size_t extend_back(const struct emit *e, size_t from, size_t to)
{
	if (to < e->src.len || !e->src.len || strchr("\r\n", e->src.ptr[e->src.len - 1]))
		return from;
	if (from && e->src.ptr[from - 1] == '\n')
		from--;
	if (from && e->src.ptr[from - 1] == '\r')
		from--;
	return from;
}

static ifx_status leave_block(struct emit *e, const struct ifx_entry *entry)
{
	size_t first, n = ifx_entry_head(entry, &first), lone = lone_comment(e, entry);
	size_t from = ifx_line_start(e->src, entry->start), to = line_behind(e->src, entry);
	ifx_status st;

	if (entry->prev && keeps_breaks(deepest_last(entry->prev->value)) &&
	    !is_leaving(e->plan, entry->prev))
		return refuse(e, "the text before it keeps blank lines ('|+' or '>+')");
	if (!ifx_starts_line(e->src, entry->start)) {
		/*   - a: 1     ->   - b: 2
		 *     b: 2                     */
		const struct ifx_entry *stays = entry->next;

		while (is_leaving(e->plan, stays))
			stays = stays->next;
		if (!stays || lone != IFX_NO_COMMENT)
			return refuse(e, "it is on the line of its list item");
		return cut(e, entry->start, stays->start);
	}
	if (entry->prev && is_leaving(e->plan, entry->prev) &&
	    !ifx_starts_line(e->src, entry->prev->start))
		return IFX_OK; /* went with the first */
	if (n && e->plan->comments[first] == IFX_COMMENT_GOES)
		from = ifx_line_start(e->src, e->doc->comments[first].span.at);
	if (lone == IFX_NO_COMMENT)
		return cut(e, extend_back(e, from, to), to);
	/*   annotations: # why     ->   # why
	 *     a: 1                            */
	st = cut(e, entry->start, e->doc->comments[lone].span.at);
	from = ifx_line_next(e->src, e->doc->comments[lone].span.at);
	if (st == IFX_OK && from < to)
		st = cut(e, extend_back(e, from, to), to);
	return st;
}

/* Is the comma behind the last entry there already? */
static size_t trailing_comma(const struct emit *e, const struct ifx_node *map)
{
	size_t at = map->last->end, stop = map->span.at + map->span.len - 1;

	while (at < stop) {
		if (e->src.ptr[at] == '#')
			at = ifx_line_end(e->src, at);
		else if (e->src.ptr[at] == ',')
			return at;
		else
			at++;
	}
	return SIZE_MAX;
}

/* A run of leaving entries of a flow map, first..last. */
static ifx_status leave_flow(struct emit *e, const struct ifx_entry *first,
			     const struct ifx_entry *last)
{
	const struct ifx_entry *before = first->prev, *after = last->next;
	const struct ifx_node *map = first->in;
	size_t head, from, to, comma;
	ifx_status st;

	if (!before && !after)
		/* { a: 1 }  ->  {} */
		return cut(e, map->span.at + 1, map->span.at + map->span.len - 1);
	if (!ifx_starts_line(e->src, first->start)) {
		/* {a: 1, b: 2}  ->  {b: 2}   and   {a: 1, b: 2}  ->  {a: 1} */
		if (after)
			return cut(e, first->start, after->start);
		return cut(e, before->end, last->end);
	}
	from = first->start;
	if (ifx_entry_head(first, &head))
		from = e->doc->comments[head].span.at;
	from = ifx_line_start(e->src, from);
	if (after && ifx_starts_line(e->src, after->start))
		return cut(e, from, ifx_line_next(e->src, last->end));
	if (after)
		return cut(e, first->start, after->start);
	/*   "a": 1,          ->     "a": 1
	 *   "b": 2                }
	 * }                                 */
	comma = trailing_comma(e, map);
	if (comma == SIZE_MAX) {
		for (comma = before->end; e->src.ptr[comma] != ','; comma++)
			if (e->src.ptr[comma] == '#')
				return refuse(e, "a comment stands before the comma");
		st = push(e, comma, comma + 1, IFX_NONE);
		if (st != IFX_OK)
			return st;
	}
	to = ifx_line_next(e->src, last->end);
	if (to > map->span.at + map->span.len - 1) {
		/* The closing brace is on the line of the entry. */
		to = last->end;
		from = ifx_line_start(e->src, from);
		from -= from && e->src.ptr[from - 1] == '\n';
		from -= from && e->src.ptr[from - 1] == '\r';
	}
	return cut(e, from, to);
}

static ifx_status leave_all(struct emit *e)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < e->plan->n_gone && st == IFX_OK; i++) {
		const struct ifx_entry *entry = e->plan->gone[i], *last = entry;

		if (inside_gone(e->plan, entry))
			continue;
		if (entry->in->style == IFX_BLOCK) {
			st = leave_block(e, entry);
			continue;
		}
		if (is_leaving(e->plan, entry->prev))
			continue;
		while (is_leaving(e->plan, last->next))
			last = last->next;
		st = leave_flow(e, entry, last);
	}
	return st;
}

/* `metadata:` whose last entry left becomes `metadata: {}`. */
static ifx_status mark_emptied(struct emit *e)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < e->plan->n_emptied && st == IFX_OK; i++) {
		const struct ifx_emptied *x = &e->plan->emptied[i];
		size_t at = x->map->entry->colon + 1;

		if (x->braces && x->map->style == IFX_BLOCK)
			st = push(e, at, at, IFX_LIT(" {}"));
	}
	return st;
}

/* ---- arriving ---- */

static bool on_own_lines(const struct emit *e, const struct ifx_node *map)
{
	return map->last && ifx_starts_line(e->src, map->last->start) &&
	       !on_one_line(ifx_raw(map));
}

/* What stands between key and value, and between entries, in this flow map: `: ` and `, ` unless it is compact. */
static ifx_str flow_colon(const struct emit *e, const struct ifx_node *map)
{
	for (const struct ifx_node *m = map; m; m = m->entry ? m->entry->in : NULL) {
		const struct ifx_entry *first = ifx_is(m, IFX_MAP) && m->style == IFX_FLOW ? m->first : NULL;

		if (first && first->colon != SIZE_MAX && first->value->span.len)
			return first->key->style == IFX_DOUBLE &&
					       first->value->span.at == first->colon + 1 ?
				       IFX_LIT(":") :
				       IFX_LIT(": ");
	}
	(void)e;
	return IFX_LIT(": ");
}

static ifx_str flow_comma(const struct emit *e, const struct ifx_node *map)
{
	if (map->n > 1) {
		size_t at = map->first->end, stop = map->first->next->start;

		while (at < stop && e->src.ptr[at] != ',')
			at++;
		if (at < stop && at + 1 == stop)
			return IFX_LIT(",");
		return IFX_LIT(", ");
	}
	return ifx_str_eq(flow_colon(e, map), IFX_LIT(":")) ? IFX_LIT(",") : IFX_LIT(", ");
}

/*
 * The entries that come, for a flow map, behind `path` keys that are made on the way.
 * lines: each on a line of its own at `column`, as JSON is printed.
 */
static ifx_status add_flow_text(struct emit *e, const struct ifx_arrival *a, bool lines,
				size_t column, ifx_str newline)
{
	const struct ifx_node *map = a->place.base;
	size_t step = lines ? ifx_style_step(map) : 0;
	ifx_str colon = flow_colon(e, map), comma = flow_comma(e, map);
	struct ifx_buf *out = &e->text;
	ifx_status st = IFX_OK;

	if (lines && ifx_is(map, IFX_MAP) && map->first && map->entry &&
	    map->entry->in->style == IFX_FLOW) {
		size_t outer = ifx_column(e->src, map->entry->start);

		if (ifx_starts_line(e->src, map->entry->start) && column > outer)
			step = column - outer;
	}
	for (size_t i = 0; i < a->place.n; i++) {
		add_key(out, map, a->place.path[i], true);
		ifx_buf_add(out, colon);
		ifx_buf_addc(out, '{');
		if (lines) {
			column += step;
			ifx_buf_add(out, newline);
			ifx_buf_fill(out, ' ', column);
		}
	}
	for (const struct ifx_coming *c = a->first; c && st == IFX_OK; c = c->next) {
		if (c != a->first && lines) {
			ifx_buf_addc(out, ',');
			ifx_buf_add(out, newline);
			ifx_buf_fill(out, ' ', column);
		} else if (c != a->first) {
			ifx_buf_add(out, comma);
		}
		st = add_flow_entry(e, c, map, colon);
	}
	for (size_t i = 0; i < a->place.n; i++) {
		if (lines) {
			column -= step;
			ifx_buf_add(out, newline);
			ifx_buf_fill(out, ' ', column);
		}
		ifx_buf_addc(out, '}');
	}
	return st;
}

/* Comments of what comes into a flow map go above the block entry that holds it. */
static ifx_status comments_above(struct emit *e, const struct ifx_arrival *a)
{
	size_t at, column;
	ifx_str newline;

	ifx_buf_clear(&e->text);
	if (!a->anchor) {
		for (const struct ifx_coming *c = a->first; c; c = c->next)
			if (c->entry)
				add_own_comments(e, c->entry, 0, IFX_LIT("\n"));
		return e->text.len ? refuse(e, "its comment has no place there") : IFX_OK;
	}
	at = ifx_line_start(e->src, a->anchor->start);
	column = a->anchor->start - at;
	newline = ifx_style_newline(e->src, at);
	for (const struct ifx_coming *c = a->first; c; c = c->next)
		if (c->entry)
			add_own_comments(e, c->entry, column, newline);
	if (e->text.len && !ifx_starts_line(e->src, a->anchor->start))
		return refuse(e, "its comment has no place there");
	return push_text(e, at, at);
}

static ifx_status arrive_flow(struct emit *e, const struct ifx_arrival *a)
{
	const struct ifx_node *map = a->place.base;
	size_t at, column, comma = SIZE_MAX;
	bool lines, has_entries = false;
	ifx_str newline;
	ifx_status st = comments_above(e, a);

	if (st != IFX_OK)
		return st;
	ifx_buf_clear(&e->text);
	if (map->kind != IFX_MAP) {
		/* {annotations: }  ->  {annotations: {a: 1}} */
		if (!map->entry || map->entry->colon == SIZE_MAX)
			return refuse(e, "the empty value there has no colon");
		if (!map->span.len)
			ifx_buf_addc(&e->text, ' ');
		ifx_buf_addc(&e->text, '{');
		st = add_flow_text(e, a, false, 0, IFX_NONE);
		ifx_buf_addc(&e->text, '}');
		if (st != IFX_OK)
			return st;
		return push_text(e, map->span.at, map->span.at + map->span.len);
	}
	for (const struct ifx_entry *x = map->first; x; x = x->next)
		has_entries |= !ifx_plan_gone(e->plan, x);
	if (!has_entries && map->first)
		return refuse(e, "all other entries of the map go at the same time");
	if (!has_entries) {
		const struct ifx_node *outer = map->entry ? map->entry->in : NULL;

		lines = e->doc->json && outer && outer->kind == IFX_MAP && on_own_lines(e, outer);
		newline = ifx_style_newline(e->src, map->span.at);
		column = lines ? ifx_column(e->src, map->entry->start) : 0;
		if (lines) {
			size_t step = outer->entry && ifx_starts_line(e->src, outer->entry->start) ?
					      column - ifx_column(e->src, outer->entry->start) :
					      2;

			column += step;
			ifx_buf_add(&e->text, newline);
			ifx_buf_fill(&e->text, ' ', column);
			st = add_flow_text(e, a, true, column, newline);
			ifx_buf_add(&e->text, newline);
			ifx_buf_fill(&e->text, ' ', column - step);
		} else {
			st = add_flow_text(e, a, false, 0, newline);
		}
		if (st != IFX_OK)
			return st;
		if (ifx_comment_from(e->doc, map->span.at) !=
		    ifx_comment_from(e->doc, map->span.at + map->span.len))
			return refuse(e, "a comment stands between the braces");
		return push_text(e, map->span.at + 1, map->span.at + map->span.len - 1);
	}
	comma = trailing_comma(e, map);
	lines = on_own_lines(e, map);
	newline = ifx_style_newline(e->src, map->last->end);
	if (is_leaving(e->plan, map->last))
		return refuse(e, "the last entry of that map goes at the same time");
	if (!lines) {
		at = comma == SIZE_MAX ? map->last->end : comma + 1;
		ifx_buf_add(&e->text, comma == SIZE_MAX ? flow_comma(e, map) : IFX_LIT(" "));
		st = add_flow_text(e, a, false, 0, newline);
		if (comma != SIZE_MAX)
			ifx_buf_addc(&e->text, ',');
		return st == IFX_OK ? push_text(e, at, at) : st;
	}
	/*   "a": 1        ->     "a": 1,
	 * }                      "b": 2
	 *                      }          */
	column = ifx_column(e->src, map->last->start);
	if (comma == SIZE_MAX) {
		st = push(e, map->last->end, map->last->end, IFX_LIT(","));
		if (st != IFX_OK)
			return st;
	}
	at = ifx_line_end(e->src, comma == SIZE_MAX ? map->last->end : comma);
	if (at > map->span.at + map->span.len - 1)
		at = map->last->end;
	ifx_buf_clear(&e->text);
	ifx_buf_add(&e->text, newline);
	ifx_buf_fill(&e->text, ' ', column);
	st = add_flow_text(e, a, true, column, newline);
	if (comma != SIZE_MAX)
		ifx_buf_addc(&e->text, ',');
	return st == IFX_OK ? push_text(e, at, at) : st;
}

static ifx_status arrive_block(struct emit *e, struct ifx_arrival *a)
{
	const struct ifx_node *map = a->place.base, *look = map;
	bool fill = !map->first; /* a null, or {}: its entries are made below its key */
	size_t at, column, step = ifx_style_step(map);
	ifx_str newline;
	ifx_status st = IFX_OK;

	ifx_buf_clear(&e->text);
	if (fill) {
		const struct ifx_entry *owner = map->entry;
		size_t value_end = map->span.at + map->span.len;

		if (!owner || !owner->key || owner->colon == SIZE_MAX || map->anchor.len || map->tag.len)
			return refuse(e, "the empty value there cannot be filled");
		if (ifx_comment_from(e->doc, map->span.at) != ifx_comment_from(e->doc, value_end))
			return refuse(e, "a comment stands between the braces");
		look = owner->in;
		step = ifx_style_step(look);
		column = ifx_column(e->src, owner->start) + step;
		at = ifx_line_next(e->src, owner->end);
		if (map->span.len) {
			st = push(e, owner->colon + 1, value_end, IFX_NONE);
			if (st != IFX_OK)
				return st;
		}
	} else {
		column = ifx_column(e->src, map->first->start);
		at = line_behind(e->src, map->last);
		if (is_block_scalar(deepest_last(map->last->value)) && at == e->src.len &&
		    !strchr("\r\n", e->src.ptr[at - 1]))
			return refuse(e, "the text before it ends without a line break at the end of the file");
		if (a->front) {
			size_t first, n = ifx_entry_head(map->first, &first);

			at = n ? e->doc->comments[first].span.at : map->first->start;
			at = ifx_line_start(e->src, at);
		}
	}
	newline = ifx_style_newline(e->src, at ? at - 1 : 0);
	for (size_t i = 0; i < a->place.n; i++) {
		ifx_buf_fill(&e->text, ' ', column);
		add_key(&e->text, look, a->place.path[i], false);
		ifx_buf_addc(&e->text, ':');
		ifx_buf_add(&e->text, newline);
		column += step;
	}
	for (const struct ifx_coming *c = a->first; c && st == IFX_OK; c = c->next)
		st = add_block_entry(e, c, a->place.n ? look : map, column, newline);
	if (st != IFX_OK)
		return st;
	if (at == e->src.len && at && !strchr("\r\n", e->src.ptr[at - 1])) {
		/* The file has no final line break and keeps it so. */
		ifx_str lines = ifx_arena_copy(e->plan->arena, ifx_buf_str(&e->text));

		if (!lines.ptr)
			return IFX_ENOMEM;
		ifx_buf_clear(&e->text);
		ifx_buf_add(&e->text, newline);
		ifx_buf_add(&e->text, ifx_str_sub(lines, 0, lines.len - newline.len));
	}
	return push_text(e, at, at);
}

static ifx_status arrive_all(struct emit *e)
{
	ifx_status st = IFX_OK;

	for (struct ifx_arrival *a = e->plan->arrivals; a && st == IFX_OK; a = a->next)
		st = a->flow ? arrive_flow(e, a) : arrive_block(e, a);
	return st;
}

/* ---- changing ---- */

static ifx_status change_scalar(struct emit *e, const struct ifx_change *c)
{
	const struct ifx_node *node = c->node;
	bool flow = node->entry && node->entry->in->style == IFX_FLOW;
	bool is_key = node->entry && node->entry->key == node;
	ifx_style style = node->style;

	ifx_buf_clear(&e->text);
	if (is_block_scalar(node))
		return refuse(e, "the value is a text of several lines");
	if (is_key && style == IFX_PLAIN)
		style = ifx_style_for(c->text, IFX_PLAIN, flow);
	else if (c->plain)
		style = IFX_PLAIN;
	else if (style == IFX_PLAIN)
		style = ifx_plain_ok(c->text, flow) && ifx_is_string(node) ?
				IFX_PLAIN :
				ifx_style_for(c->text, ifx_style_value_quote(node), flow);
	else
		style = ifx_style_for(c->text, style, flow);
	if (!node->span.len)
		ifx_buf_addc(&e->text, ' ');
	ifx_scalar_quote(&e->text, c->text, style);
	return push_text(e, node->span.at, node->span.at + node->span.len);
}

/*   percent: 25   # canary     ->   percent:   # canary
 *                                     value: 25          */
static ifx_status change_wrap(struct emit *e, const struct ifx_change *c)
{
	const struct ifx_entry *entry = c->wrap;
	const struct ifx_node *value = entry->value;
	size_t end = value->span.at + value->span.len, at;
	ifx_str newline;
	ifx_status st;

	ifx_buf_clear(&e->text);
	if (entry->in->style == IFX_FLOW) {
		ifx_buf_addc(&e->text, '{');
		add_key(&e->text, entry->in, c->text, true);
		ifx_buf_addf(&e->text, "%.*s%.*s}", IFX_ARG(flow_colon(e, entry->in)),
			     IFX_ARG(ifx_raw(value)));
		return push_text(e, value->span.at, end);
	}
	if (!on_one_line(ifx_str_sub(e->src, entry->colon, end - entry->colon)))
		return refuse(e, "only a value of one line can be wrapped");
	st = push(e, entry->colon + 1, end, IFX_NONE);
	if (st != IFX_OK)
		return st;
	at = ifx_line_end(e->src, end);
	newline = ifx_style_newline(e->src, at);
	ifx_buf_add(&e->text, newline);
	ifx_buf_fill(&e->text, ' ',
		     ifx_column(e->src, entry->start) + ifx_style_step(entry->in));
	add_key(&e->text, entry->in, c->text, false);
	ifx_buf_addf(&e->text, ": %.*s", IFX_ARG(ifx_raw(value)));
	return push_text(e, at, at);
}

static ifx_status change_all(struct emit *e)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < e->plan->n_changes && st == IFX_OK; i++) {
		const struct ifx_change *c = &e->plan->changes[i];

		if (c->inside)
			for (size_t k = 0; k < c->inside->n && st == IFX_OK; k++)
				st = push(e, c->inside->items[k].span.at,
					  c->inside->items[k].span.at + c->inside->items[k].span.len,
					  c->inside->items[k].text);
		else if (c->wrap)
			st = change_wrap(e, c);
		else
			st = change_scalar(e, c);
	}
	return st;
}

/* Comments of a removed duplicate go above the entry that stays. */
static ifx_status inherit_all(struct emit *e)
{
	ifx_status st = IFX_OK;

	for (const struct ifx_legacy *l = e->plan->legacies; l && st == IFX_OK; l = l->next) {
		const struct ifx_entry *heir = l->heir;
		size_t at, column;

		/* Inside braces there is no line to put it on. */
		while (heir->in->style == IFX_FLOW && heir->in->entry)
			heir = heir->in->entry;
		at = ifx_line_start(e->src, heir->start);
		column = heir->start - at;
		ifx_buf_clear(&e->text);
		add_own_comments(e, l->from, column, ifx_style_newline(e->src, at));
		if (!e->text.len)
			continue;
		if (!ifx_starts_line(e->src, heir->start))
			return refuse(e, "its comment has no place at the entry that stays");
		st = push_text(e, at, at);
	}
	return st;
}

ifx_status ifx_plan_emit(const struct ifx_plan *plan, struct ifx_edits *edits, struct ifx_buf *why)
{
	struct emit e = { .plan = plan, .doc = plan->doc, .src = plan->doc->src, .edits = edits,
			  .why = why };
	ifx_status st;

	ifx_buf_init(&e.text, IFX_BUF_MAX);
	st = leave_all(&e);
	if (st == IFX_OK)
		st = mark_emptied(&e);
	if (st == IFX_OK)
		st = change_all(&e);
	if (st == IFX_OK)
		st = inherit_all(&e);
	if (st == IFX_OK)
		st = arrive_all(&e);
	ifx_buf_release(&e.text);
	return st;
}
