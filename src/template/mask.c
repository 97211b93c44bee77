#include "template/mask.h"

#include "base/alloc.h"

#define MARK     "\xDF\xBF"     /* U+07FF */
#define MARK_ODD "\xEE\x9F\xBF" /* U+E7FF */

/** Blanks and line breaks in a row that a mask may make; the parser takes twice as many. */
#define BLANK_RUN_MAX ((size_t)4096)

/** Bytes of an action in a message. */
#define SHOWN_MAX ((size_t)60)

struct mask {
	struct ifx_mask *out;
	struct ifx_arena *arena;
	struct ifx_mask_problem *problem;
	size_t *open; /* actions whose block is not closed */
	size_t depth, cap, cap_regions, cap_actions;
};

static ifx_status wrong(struct mask *m, size_t at, const char *what)
{
	m->problem->at = at;
	m->problem->what = what;
	return IFX_EINVAL;
}

/* ---- blocks and regions ---- */

static ifx_status new_region(struct mask *m, size_t parent, size_t *number)
{
	struct ifx_mask *out = m->out;
	struct ifx_region *r =
		ifx_grow(out->regions, &m->cap_regions, out->n_regions + 1, sizeof(*r));

	if (!r)
		return IFX_ENOMEM;
	out->regions = r;
	r[out->n_regions] = (struct ifx_region){ parent, out->n_regions ? r[parent].depth + 1 : 0 };
	*number = out->n_regions++;
	return IFX_OK;
}

static ifx_status open_block(struct mask *m, size_t i, size_t *region)
{
	size_t *open = ifx_grow(m->open, &m->cap, m->depth + 1, sizeof(*open));

	if (!open)
		return IFX_ENOMEM;
	m->open = open;
	if (m->depth == IFX_TEMPLATE_DEPTH_MAX)
		return wrong(m, m->out->actions[i].span.at, "blocks are nested too deep");
	open[m->depth++] = i;
	return new_region(m, *region, region);
}

/* The region behind each action. */
static ifx_status find_regions(struct mask *m)
{
	struct ifx_mask *out = m->out;
	size_t region;
	ifx_status st = new_region(m, 0, &region);

	for (size_t i = 0; i < out->n && st == IFX_OK; i++) {
		struct ifx_action *a = &out->actions[i];
		bool turns = a->kind == IFX_ACTION_TURNS, closes = a->kind == IFX_ACTION_CLOSES;

		if (a->kind == IFX_ACTION_OPENS)
			st = open_block(m, i, &region);
		if ((turns || closes) &&
		    (!m->depth || out->actions[m->open[m->depth - 1]].engine != a->engine))
			return wrong(m, a->span.at,
				     turns ? "this 'else' is in no block"
					   : "this 'end' closes nothing");
		if (turns || closes)
			region = out->regions[region].parent;
		if (turns)
			st = new_region(m, region, &region);
		m->depth -= closes;
		a->region = region;
	}
	if (st == IFX_OK && m->depth)
		return wrong(m, out->actions[m->open[m->depth - 1]].span.at,
			     "this block has no end");
	return st;
}

/* ---- lines ---- */

static bool is_gap(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Is there nothing before `at` on its line? */
static bool starts_line(ifx_str text, size_t at)
{
	while (at && is_gap(text.ptr[at - 1]))
		at--;
	return !at || text.ptr[at - 1] == '\n';
}

/* Is there nothing behind `at` on its line but a comment? */
static bool ends_line(ifx_str text, size_t at)
{
	size_t i = at;

	while (i < text.len && is_gap(text.ptr[i]))
		i++;
	return i == text.len || text.ptr[i] == '\n' || (text.ptr[i] == '#' && i > at);
}

static bool is_next(ifx_str text, size_t at, size_t next)
{
	while (at < next && is_gap(text.ptr[at]))
		at++;
	return at == next;
}

/* Actions that stand behind each other on a line are alone there together, or not at all. */
static void find_alone(struct ifx_mask *out)
{
	ifx_str text = out->source;
	size_t end;

	for (size_t first = 0, last; first < out->n; first = last + 1) {
		bool alone;

		last = first;
		end = out->actions[first].span.at + out->actions[first].span.len;
		while (last + 1 < out->n && is_next(text, end, out->actions[last + 1].span.at)) {
			last++;
			end = out->actions[last].span.at + out->actions[last].span.len;
		}
		alone = starts_line(text, out->actions[first].span.at) && ends_line(text, end);
		for (size_t i = first; i <= last; i++)
			out->actions[i].alone = alone;
		/* `labels: {{- include "x" . | nindent 4 }}` begins with a line break. */
		if (first == last && out->actions[first].breaks && ends_line(text, end))
			out->actions[first].alone = true;
	}
}

static void count_lines(struct ifx_mask *out)
{
	size_t line = 1, at = 0;

	for (size_t i = 0; i < out->n; i++) {
		for (; at < out->actions[i].span.at; at++)
			line += out->source.ptr[at] == '\n';
		out->actions[i].line = line;
	}
}

/* ---- block scalars ---- */

/* A walk over the lines of a file. */
struct lines {
	struct ifx_mask *mask;
	size_t action;         /* the next one */
	size_t pending;        /* actions from there on may be text */
	bool inside;           /* of a block scalar */
	size_t parent, column; /* of its first line, of its text; SIZE_MAX: not known yet */
};

/* Does the line end with `|`, `>`, `|-`, ..., perhaps with a comment behind it? */
static bool opens_text(ifx_str line)
{
	size_t end = line.len, comment = ifx_str_find(line, IFX_LIT(" #"));

	if (comment != SIZE_MAX)
		end = comment;
	while (end && is_gap(line.ptr[end - 1]))
		end--;
	while (end && strchr("+-0123456789", line.ptr[end - 1]))
		end--;
	return end > 1 && strchr("|>", line.ptr[end - 1]) && is_gap(line.ptr[end - 2]);
}

/* A line that is no action, and not blank. */
static void text_line(struct lines *l, ifx_str line, size_t column)
{
	if (l->inside && l->column == SIZE_MAX && column > l->parent)
		l->column = column;
	if (l->inside && l->column != SIZE_MAX && column >= l->column) {
		for (; l->pending < l->action; l->pending++)
			l->mask->actions[l->pending].text = l->column;
		return;
	}
	l->inside = opens_text(line);
	l->parent = column;
	l->column = SIZE_MAX;
}

/* Actions that are alone between two lines of a block scalar are lines of it. */
static void find_texts(struct ifx_mask *mask)
{
	struct lines l = { .mask = mask };
	ifx_str text = mask->source;

	for (size_t at = 0, end; at < text.len; at = end + 1) {
		size_t first = at, in_action = 0;

		for (end = at; end < text.len && text.ptr[end] != '\n'; end++)
			;
		while (first < end && is_gap(text.ptr[first]))
			first++;
		/* Actions of this line; the last one may have begun before. */
		if (l.action &&
		    mask->actions[l.action - 1].span.at + mask->actions[l.action - 1].span.len >
			    first)
			in_action = mask->actions[l.action - 1].alone;
		for (; l.action < mask->n && mask->actions[l.action].span.at < end; l.action++)
			in_action |= mask->actions[l.action].alone &&
				     mask->actions[l.action].span.at == first;
		if (in_action || first == end)
			continue;
		text_line(&l, ifx_str_sub(text, at, end - at), first - at);
		l.pending = l.action;
	}
}

/* ---- the masked text ---- */

/* `key: #@ expression`: a value; anywhere else such a line is a comment already. */
static bool is_ytt_value(ifx_str text, const struct ifx_action *a)
{
	size_t at = a->span.at;

	if (a->kind != IFX_ACTION_PRINTS)
		return false;
	while (at && is_gap(text.ptr[at - 1]))
		at--;
	return at && at < a->span.at && strchr(":-[,", text.ptr[at - 1]);
}

static bool is_inline(ifx_str text, const struct ifx_action *a)
{
	if (a->engine == IFX_ENGINE_YTT)
		return is_ytt_value(text, a);
	return !a->alone && a->kind != IFX_ACTION_SILENT;
}

/* The first line gets the marks, what follows is blank: it ends the scalar or goes on with it. */
static void mask_inline(char *out, size_t len)
{
	size_t end = 0, at = 0;

	while (end < len && out[end] != '\n' && out[end] != '\r')
		end++;
	if (end % 2) {
		memcpy(out, MARK_ODD, 3);
		at = 3;
	}
	for (; at < end; at += 2)
		memcpy(out + at, MARK, 2);
	for (; end < len; end++)
		if (out[end] != '\n' && out[end] != '\r')
			out[end] = ' ';
}

/*
 * Lines of their own may become comments: in the text of a block scalar, from the column where that
 * begins, and where too many blanks would stand in a row. *run counts those.
 * column  of the first byte.
 */
static void mask_blank(char *out, const struct ifx_action *a, size_t column, size_t *run)
{
	bool written = false; /* there is a `#` on the line */

	for (size_t i = 0; i < a->span.len; i++, column++, ++*run) {
		if (out[i] == '\n' || out[i] == '\r') {
			written = false;
			column = SIZE_MAX; /* the next byte is at 0 */
			continue;
		}
		out[i] = ' ';
		if (!a->alone || written ||
		    (a->text == SIZE_MAX ? *run <= BLANK_RUN_MAX : column < a->text))
			continue;
		out[i] = '#';
		written = true;
		*run = 0;
	}
}

static ifx_status fill(struct mask *m)
{
	struct ifx_mask *out = m->out;
	ifx_str copy = ifx_arena_copy(m->arena, out->source);
	size_t at = 0, run = 0, line = 0;
	char *text;

	if (!copy.ptr)
		return IFX_ENOMEM;
	text = (char *)copy.ptr; /* ours */
	for (size_t i = 0; i < out->n; i++) {
		const struct ifx_action *a = &out->actions[i];

		for (; at < a->span.at; at++) {
			run = is_gap(text[at]) || text[at] == '\n' ? run + 1 : 0;
			if (text[at] == '\n')
				line = at + 1;
		}
		if (is_inline(out->source, a)) {
			mask_inline(text + at, a->span.len);
			run = 0;
		} else {
			mask_blank(text + at, a, at - line, &run);
		}
		for (; at < a->span.at + a->span.len; at++)
			if (text[at] == '\n')
				line = at + 1;
	}
	out->text = copy;
	return IFX_OK;
}

/* ---- making ---- */

static ifx_status read_actions(struct mask *m, bool go_only)
{
	struct ifx_action_reader reader;
	struct ifx_mask *out = m->out;
	struct ifx_action a;

	ifx_action_reader_init(&reader, out->source, go_only);
	while (ifx_action_next(&reader, &a)) {
		struct ifx_action *list =
			ifx_grow(out->actions, &m->cap_actions, out->n + 1, sizeof(*list));

		if (!list)
			return IFX_ENOMEM;
		out->actions = list;
		list[out->n++] = a;
	}
	return reader.open == SIZE_MAX ? IFX_OK : wrong(m, reader.open, "this action has no end");
}

/* Lists grow on the heap and live in the arena. NULL: no memory. */
static void *settle(struct ifx_arena *arena, void *list, size_t size)
{
	void *copy = ifx_arena_alloc(arena, size + 1);

	if (copy && size)
		memcpy(copy, list, size);
	ifx_free(list);
	return copy;
}

ifx_status ifx_mask_make(struct ifx_mask *mask, ifx_str source, bool go_only,
			 struct ifx_arena *arena, struct ifx_mask_problem *problem)
{
	struct mask m = { .out = mask, .arena = arena, .problem = problem };
	ifx_status st;

	*mask = (struct ifx_mask){ .source = source };
	st = read_actions(&m, go_only);
	if (st == IFX_OK && ifx_is_masked(source))
		st = wrong(&m, 0, "it has the characters that stand for actions (U+07FF, U+E7FF)");
	if (st == IFX_OK)
		st = find_regions(&m);
	if (st == IFX_OK) {
		find_alone(mask);
		count_lines(mask);
		find_texts(mask);
		st = fill(&m);
	}
	mask->actions = settle(arena, mask->actions, mask->n * sizeof(*mask->actions));
	mask->regions = settle(arena, mask->regions, mask->n_regions * sizeof(*mask->regions));
	ifx_free(m.open);
	return mask->actions && mask->regions ? st : IFX_ENOMEM;
}

ifx_status ifx_mask_slice(struct ifx_mask *out, const struct ifx_mask *mask, ifx_span span,
			  struct ifx_arena *arena)
{
	size_t first = ifx_mask_from(mask, span.at), end = span.at + span.len;

	*out = *mask;
	out->source = ifx_str_sub(mask->source, span.at, span.len);
	out->text = ifx_str_sub(mask->text, span.at, span.len);
	out->region = ifx_region_at(mask, span.at);
	for (out->n = 0; first + out->n < mask->n; out->n++)
		if (mask->actions[first + out->n].span.at >= end)
			break;
	out->actions = ifx_arena_alloc(arena, (out->n + 1) * sizeof(*out->actions));
	if (!out->actions)
		return IFX_ENOMEM;
	for (size_t i = 0; i < out->n; i++) {
		struct ifx_action *a = &out->actions[i];
		size_t from, to;

		*a = mask->actions[first + i];
		from = a->span.at < span.at ? span.at : a->span.at;
		to = a->span.at + a->span.len < end ? a->span.at + a->span.len : end;
		a->span = (ifx_span){ from - span.at, to - from };
	}
	return IFX_OK;
}

/* ---- asking ---- */

/* Bytes of a mark's character at the start of the text; 0: none. */
static size_t mark_len(ifx_str text)
{
	if (ifx_str_starts(text, IFX_LIT(MARK)))
		return 2;
	return ifx_str_starts(text, IFX_LIT(MARK_ODD)) ? 3 : 0;
}

bool ifx_is_masked(ifx_str text)
{
	return ifx_str_find(text, IFX_LIT(MARK)) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT(MARK_ODD)) != SIZE_MAX;
}

ifx_str ifx_mask_show(ifx_str text, struct ifx_arena *arena)
{
	const ifx_str sign = IFX_LIT("{{...}}");
	char *out = ifx_arena_alloc(arena, 4 * text.len + sign.len + 1);
	size_t n = 0, len;

	if (!out)
		return IFX_NONE;
	while (text.len) {
		len = mark_len(text);
		if (!len) {
			out[n++] = text.ptr[0];
			text = ifx_str_sub(text, 1, text.len - 1);
			continue;
		}
		for (; len; len = mark_len(text))
			text = ifx_str_sub(text, len, text.len - len);
		memcpy(out + n, sign.ptr, sign.len);
		n += sign.len;
	}
	return (ifx_str){ out, n };
}

size_t ifx_mask_from(const struct ifx_mask *mask, size_t at)
{
	size_t lo = 0, hi = mask->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (mask->actions[mid].span.at + mask->actions[mid].span.len <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct ifx_action *ifx_mask_action(const struct ifx_mask *mask, size_t from, size_t to)
{
	size_t i = ifx_mask_from(mask, from);

	return i < mask->n && mask->actions[i].span.at < to ? &mask->actions[i] : NULL;
}

ifx_str ifx_action_shown(const struct ifx_mask *mask, const struct ifx_action *action)
{
	ifx_str text = ifx_str_sub(mask->source, action->span.at, action->span.len);

	size_t n = 0;

	while (n < text.len && n < SHOWN_MAX && text.ptr[n] != '\n' && text.ptr[n] != '\r')
		n++;
	while (n < text.len && n && ((unsigned char)text.ptr[n] & 0xC0) == 0x80)
		n--; /* no half of a character */
	return ifx_str_sub(text, 0, n);
}

size_t ifx_region_at(const struct ifx_mask *mask, size_t at)
{
	size_t i = ifx_mask_from(mask, at);

	return i ? mask->actions[i - 1].region : mask->region;
}

bool ifx_region_in(const struct ifx_mask *mask, size_t inner, size_t outer)
{
	while (mask->regions[inner].depth > mask->regions[outer].depth)
		inner = mask->regions[inner].parent;
	return inner == outer;
}
