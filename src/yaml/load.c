/*
 * libfyaml gives structure and byte marks; everything else we read off the source.
 *
 * Invariants while events come in:
 *   1. `pos` is the offset up to which the source is understood. Between `pos` and the next
 *      event's mark there are only blanks, line breaks, comments and indicators.
 *   2. Every comment is recorded once, when `pos` passes it.
 *   3. A byte that is none of these where it should be ends the load with IFX_EINVAL: a document that
 *      is not followed to the byte is not edited.
 *
 * What is known to be wrong or odd in libfyaml (0.7.12, and partly 1.0), and what we do:
 *   - it hangs on invalid UTF-8, long blank runs and long `%` lines: ifx_precheck;
 *   - destroying a parser that failed may use freed memory: such a parser is left to leak, 5 KB each;
 *   - printing a diagnostic may read past the end: diagnostics are collected, never printed;
 *   - the line behind an empty block scalar is read as its text when it is at the column of its key: refused;
 *   - marks of quoted scalars exclude the quotes, of anchors and aliases the `&` and `*`; of block
 *     scalars they exclude the header and include the next line's indentation; nulls have none.
 */
#include "yaml/load.h"

#include "base/alloc.h"
#include "yaml/scalar.h"

#include <libfyaml.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IFX_LEAK_CHECKED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define IFX_LEAK_CHECKED 1
#endif
#ifdef IFX_LEAK_CHECKED
#include <sanitizer/lsan_interface.h>
#endif

/* ---- pre-check ---- */

static ifx_status problem(struct ifx_problem *p, ifx_status st, size_t at, const char *fmt, ...)
	IFX_PRINTF(4, 5);

static ifx_status problem(struct ifx_problem *p, ifx_status st, size_t at, const char *fmt, ...)
{
	va_list ap;

	p->at = at;
	ifx_buf_clear(&p->text);
	va_start(ap, fmt);
	ifx_buf_vaddf(&p->text, fmt, ap);
	va_end(ap);
	return st;
}

/* Length of the well-formed UTF-8 sequence at s, or 0; *c is its code point. */
static size_t utf8(const unsigned char *s, size_t left, unsigned long *c)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;

	if (!n || n > left)
		return 0;
	*c = s[0] & (0xFFu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3Fu);
	}
	if (*c < least[n] || *c > 0x10FFFF || (*c >= 0xD800 && *c < 0xE000))
		return 0;
	return n;
}

static ifx_status bad_byte(struct ifx_problem *p, ifx_str bytes, size_t at)
{
	const unsigned char *s = (const unsigned char *)bytes.ptr;

	if (bytes.len >= 2 && ((s[0] == 0xFF && s[1] == 0xFE) || (s[0] == 0xFE && s[1] == 0xFF)))
		return problem(p, IFX_EINVAL, 0, "text is UTF-16; save it as UTF-8");
	if (s[at] == 0)
		return problem(p, IFX_EINVAL, at,
			       "NUL byte: this is not text, or it is UTF-16; save it as UTF-8");
	if (s[at] < 0x20 || s[at] == 0x7F)
		return problem(p, IFX_EINVAL, at,
			       "control character 0x%02x is not allowed in YAML; remove it", s[at]);
	return problem(p, IFX_EINVAL, at, "byte 0x%02x is not UTF-8; save the file as UTF-8", s[at]);
}

ifx_status ifx_precheck(ifx_str bytes, struct ifx_problem *p)
{
	const unsigned char *s = (const unsigned char *)bytes.ptr;
	size_t at = 0, run = 0;
	bool line_start = true;

	while (at < bytes.len) {
		unsigned char b = s[at];
		unsigned long c;
		size_t n;

		if (b > 0x20 && b < 0x7F) {
			if (b == '%' && line_start) {
				size_t end = ifx_line_end(bytes, at);

				if (end - at > IFX_DIRECTIVE_MAX)
					return problem(p, IFX_ELIMIT, at,
						       "a line that starts with %% is longer than %zu bytes; shorten it",
						       IFX_DIRECTIVE_MAX);
			}
			line_start = false;
			run = 0;
			at++;
			continue;
		}
		if (b == ' ' || b == '\t' || b == '\n' || b == '\r') {
			line_start = b == '\n' || b == '\r';
			if (++run > IFX_BLANK_RUN_MAX)
				return problem(p, IFX_ELIMIT, at,
					       "more than %zu blanks or empty lines in a row; remove some",
					       IFX_BLANK_RUN_MAX);
			at++;
			continue;
		}
		line_start = false;
		run = 0;
		n = b >= 0x80 ? utf8(s + at, bytes.len - at, &c) : 0;
		if (!n)
			return bad_byte(p, bytes, at);
		if (c < 0xA0 && c != 0x85)
			return problem(p, IFX_EINVAL, at,
				       "control character U+%04lX is not allowed in YAML; remove it", c);
		if (c == 0xFFFE || c == 0xFFFF)
			return problem(p, IFX_EINVAL, at,
				       "U+%04lX is not a character; remove it", c);
		if (c == 0xFEFF && at)
			return problem(p, IFX_EINVAL, at,
				       "byte order mark inside the text; remove it");
		if (c == 0xFEFF)
			line_start = true;
		at += n;
	}
	return IFX_OK;
}

/* ---- the stream ---- */

static bool is_marker(ifx_str s, size_t at, const char *marker)
{
	if (at + 3 > s.len || memcmp(s.ptr + at, marker, 3) != 0)
		return false;
	return at + 3 == s.len || strchr(" \t\r\n", s.ptr[at + 3]);
}

bool ifx_stream_next(ifx_str stream, size_t *at, ifx_span *document)
{
	size_t line = *at, start = *at;
	bool content = false; /* something that cannot stand before a `---` of the same document */

	if (start >= stream.len)
		return false;
	if (!line && ifx_str_starts(stream, IFX_LIT("\xEF\xBB\xBF")))
		line = 3;
	while (line < stream.len) {
		char c = stream.ptr[line];

		if (c == '-' && is_marker(stream, line, "---")) {
			if (content)
				break;
			content = true;
		} else if (c == '.' && is_marker(stream, line, "...")) {
			line = ifx_line_next(stream, line);
			break;
		} else if (!content && c != '#' && c != '%') {
			size_t i = line;

			while (i < stream.len && (stream.ptr[i] == ' ' || stream.ptr[i] == '\t'))
				i++;
			if (i < stream.len && !strchr("#\r\n", stream.ptr[i]))
				content = true;
		}
		/* memchr is much faster than a byte loop; a lone CR is rare but is a line break too. */
		{
			const char *nl = memchr(stream.ptr + line, '\n', stream.len - line);
			size_t next = nl ? (size_t)(nl - stream.ptr) + 1 : stream.len;
			const char *cr = memchr(stream.ptr + line, '\r', next - line);

			line = cr ? ifx_line_next(stream, line) : next;
		}
	}
	*document = (ifx_span){ start, line - start };
	*at = line;
	return true;
}

/* ---- events to tree ---- */

struct frame {
	struct ifx_node *node;
	struct ifx_entry *entry; /* the entry under construction */
	bool want_value; /* maps: the key is there */
};

struct load {
	struct ifx_doc *doc;
	struct ifx_problem *problem;
	size_t pos;
	struct frame *stack;
	size_t depth, cap;
	struct ifx_node **named; /* nodes with an anchor, and aliases */
	size_t n_named, cap_named;
	bool ended; /* the root is complete */
};

static ifx_status lost(struct load *l)
{
	return problem(l->problem, IFX_EINVAL, l->pos,
		       "cannot follow the structure here; write it in a simpler way");
}

static ifx_status add_comment(struct load *l, size_t at)
{
	struct ifx_doc *doc = l->doc;
	struct ifx_comment *c = ifx_grow(doc->comments, &doc->cap_comments, doc->n_comments + 1,
					 sizeof(*c));
	size_t i = at;

	if (!c)
		return IFX_ENOMEM;
	doc->comments = c;
	while (i && (doc->src.ptr[i - 1] == ' ' || doc->src.ptr[i - 1] == '\t'))
		i--;
	c += doc->n_comments++;
	c->span = (ifx_span){ at, ifx_line_end(doc->src, at) - at };
	c->own_line = i == ifx_line_start(doc->src, at);
	l->pos = at + c->span.len;
	return IFX_OK;
}

/* Over blanks, line breaks and comments. */
static ifx_status skip(struct load *l)
{
	ifx_str src = l->doc->src;

	while (l->pos < src.len) {
		char c = src.ptr[l->pos];

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			l->pos++;
		} else if (c == '#' && (!l->pos || strchr(" \t\n\r", src.ptr[l->pos - 1]) ||
					l->pos == ifx_line_start(src, l->pos))) {
			ifx_status st = add_comment(l, l->pos);

			if (st != IFX_OK)
				return st;
		} else {
			break;
		}
	}
	return IFX_OK;
}

static bool at_char(const struct load *l, char c)
{
	return l->pos < l->doc->src.len && l->doc->src.ptr[l->pos] == c;
}

/* `?` or `-` as an indicator: a blank or the end of the line follows. */
static bool at_indicator(const struct load *l, char c)
{
	ifx_str src = l->doc->src;

	return at_char(l, c) && (l->pos + 1 == src.len || strchr(" \t\r\n", src.ptr[l->pos + 1]));
}

static ifx_status new_node(struct load *l, struct ifx_node **out, ifx_kind kind, ifx_style style)
{
	struct ifx_node *node = ifx_arena_alloc(&l->doc->arena, sizeof(*node));

	if (!node)
		return IFX_ENOMEM;
	node->kind = kind;
	node->style = style;
	node->doc = l->doc;
	*out = node;
	return IFX_OK;
}

static struct frame *top(struct load *l)
{
	return l->depth ? &l->stack[l->depth - 1] : NULL;
}

/* The collection's next entry starts at `at`. */
static ifx_status add_entry(struct load *l, struct frame *f, size_t at)
{
	struct ifx_entry *e = ifx_arena_alloc(&l->doc->arena, sizeof(*e));

	if (!e)
		return IFX_ENOMEM;
	e->in = f->node;
	e->start = e->end = at;
	e->colon = SIZE_MAX;
	e->prev = f->node->last;
	if (e->prev)
		e->prev->next = e;
	else
		f->node->first = e;
	f->node->last = e;
	e->index = f->node->n++;
	if (f->node->span.at == SIZE_MAX)
		f->node->span.at = at;
	f->entry = e;
	return IFX_OK;
}

/* Indicators before a node in its collection; makes the entry when the node begins one. */
static ifx_status lead_in(struct load *l, bool *is_key)
{
	struct frame *f = top(l);
	ifx_status st = skip(l);
	size_t at;

	*is_key = false;
	if (st != IFX_OK || !f)
		return st;
	if (f->node->kind == IFX_MAP && f->want_value) {
		if (at_char(l, ':')) {
			f->entry->colon = l->pos++;
			f->entry->end = l->pos;
			st = skip(l);
		}
		return st;
	}
	if (f->node->style == IFX_FLOW && f->node->n && at_char(l, ',')) {
		l->pos++;
		st = skip(l);
		if (st != IFX_OK)
			return st;
	}
	at = l->pos;
	if (f->node->kind == IFX_SEQ && f->node->style == IFX_BLOCK) {
		if (!at_indicator(l, '-'))
			return lost(l);
		l->pos++;
	} else if (f->node->kind == IFX_MAP) {
		*is_key = true;
		if (at_indicator(l, '?'))
			l->pos++;
	}
	st = add_entry(l, f, at);
	if (st == IFX_OK) {
		f->entry->end = l->pos;
		st = skip(l);
	}
	return st;
}

static ifx_status take_props(struct load *l, struct ifx_node *node, struct fy_token *anchor,
			     struct fy_token *tag)
{
	ifx_str src = l->doc->src;
	ifx_status st = skip(l);

	for (int i = 0; i < 2 && st == IFX_OK; i++) {
		const struct fy_mark *start, *end;

		if (anchor && at_char(l, '&')) {
			end = fy_token_end_mark(anchor);
			node->anchor = (ifx_span){ l->pos, end->input_pos - l->pos };
			l->pos = end->input_pos;
			anchor = NULL;
		} else if (tag && at_char(l, '!')) {
			start = fy_token_start_mark(tag);
			end = fy_token_end_mark(tag);
			if (start->input_pos != l->pos || end->input_pos > src.len)
				return lost(l);
			node->tag = (ifx_span){ l->pos, end->input_pos - l->pos };
			l->pos = end->input_pos;
			tag = NULL;
		} else {
			break;
		}
		/*
		 * A null that is not written ends right behind its properties; the comment that may
		 * follow is taken by whoever skips next.
		 */
		st = skip(l);
	}
	return anchor || tag ? lost(l) : st;
}

static ifx_status remember_name(struct load *l, struct ifx_node *node)
{
	struct ifx_node **list;

	if (!node->anchor.len && node->kind != IFX_ALIAS)
		return IFX_OK;
	list = ifx_grow(l->named, &l->cap_named, l->n_named + 1, sizeof(*list));
	if (!list)
		return IFX_ENOMEM;
	l->named = list;
	list[l->n_named++] = node;
	return IFX_OK;
}

static ifx_str name_of(const struct ifx_node *node)
{
	if (node->kind == IFX_ALIAS)
		return node->text;
	return ifx_str_sub(node->doc->src, node->anchor.at + 1, node->anchor.len - 1);
}

static int by_name(const void *a, const void *b)
{
	const struct ifx_node *x = *(const struct ifx_node *const *)a;
	const struct ifx_node *y = *(const struct ifx_node *const *)b;
	size_t x_at = x->kind == IFX_ALIAS ? x->span.at : x->anchor.at;
	size_t y_at = y->kind == IFX_ALIAS ? y->span.at : y->anchor.at;
	int order = ifx_str_cmp(name_of(x), name_of(y));

	return order ? order : (x_at > y_at) - (x_at < y_at);
}

/* An alias stands for the last node before it that bears the name. */
static void resolve_aliases(struct load *l)
{
	struct ifx_node *target = NULL;

	if (!l->n_named)
		return;
	qsort(l->named, l->n_named, sizeof(*l->named), by_name);
	for (size_t i = 0; i < l->n_named; i++) {
		struct ifx_node *node = l->named[i];

		if (target && !ifx_str_eq(name_of(target), name_of(node)))
			target = NULL;
		if (node->kind == IFX_ALIAS) {
			node->target = target;
			if (target)
				target->aliases++;
			continue;
		}
		if (target)
			target->again = node->again = true;
		target = node;
	}
}

/* The node is complete up to `end`; hang it into its place. */
static void attach(struct load *l, struct ifx_node *node, bool is_key)
{
	struct frame *f = top(l);

	if (!f) {
		l->doc->root = node;
		return;
	}
	node->entry = f->entry;
	if (is_key)
		f->entry->key = node;
	else
		f->entry->value = node;
}

static void node_done(struct load *l, struct ifx_node *node, bool is_key)
{
	struct frame *f = top(l);
	size_t end = node->span.at + node->span.len;

	if (!f) {
		l->ended = true;
		return;
	}
	if (end < node->anchor.at + node->anchor.len)
		end = node->anchor.at + node->anchor.len;
	if (end < node->tag.at + node->tag.len)
		end = node->tag.at + node->tag.len;
	if (end > f->entry->end)
		f->entry->end = end;
	f->want_value = is_key;
}

static bool blank_between(ifx_str src, size_t at, size_t end)
{
	while (at < end && strchr(" \t\r\n", src.ptr[at]))
		at++;
	return at == end;
}

static ifx_status take_block_scalar(struct load *l, struct ifx_node *node, size_t body, size_t end)
{
	ifx_str src = l->doc->src;
	size_t header = l->pos, stop, indent;
	ifx_status st;

	if (!at_char(l, node->style == IFX_LITERAL ? '|' : '>') || end > src.len)
		return lost(l);
	node->span.at = header;
	for (l->pos++; l->pos < src.len && strchr("+-0123456789", src.ptr[l->pos]); l->pos++)
		;
	stop = l->pos;
	while (l->pos < src.len && (src.ptr[l->pos] == ' ' || src.ptr[l->pos] == '\t'))
		l->pos++;
	if (at_char(l, '#')) {
		st = add_comment(l, l->pos);
		if (st != IFX_OK)
			return st;
	}
	l->pos = ifx_line_next(src, l->pos);
	if (end < l->pos)
		end = l->pos;
	if (body > end)
		return lost(l);
	/* The mark may include the indentation of the line behind. */
	if (end < src.len && end > ifx_line_start(src, end)) {
		size_t i = ifx_line_start(src, end);

		while (i < end && src.ptr[i] == ' ')
			i++;
		if (i == end)
			end = ifx_line_start(src, end);
	}
	node->raw_end = end;
	/* The span ends with the last line that has text, be it blanks that are more than the indentation. */
	indent = ifx_scalar_indent(node);
	if (indent && node->entry && indent <= ifx_column(src, node->entry->in->first->start) &&
	    !blank_between(src, l->pos, end))
		return problem(l->problem, IFX_EINVAL, header,
			       "the parser misreads an empty text followed by an entry; write '' instead of %.*s",
			       (int)(stop - header), src.ptr + header);
	for (size_t i = l->pos; i < end; i = ifx_line_next(src, i)) {
		size_t line_end = ifx_line_end(src, i), k = i;

		if (line_end > end)
			line_end = end;
		while (k < line_end && src.ptr[k] == ' ' && k - i < indent)
			k++;
		if (k < line_end)
			stop = line_end;
	}
	node->span.len = stop - header;
	if (end > l->pos)
		l->pos = end;
	return IFX_OK;
}

static ifx_status on_scalar(struct load *l, struct fy_event *ev)
{
	struct fy_token *token = ev->scalar.value;
	const struct fy_mark *start = fy_event_start_mark(ev), *end = fy_event_end_mark(ev);
	enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
	struct ifx_node *node;
	ifx_status st;
	size_t from, to, after;
	bool is_key;

	st = lead_in(l, &is_key);
	if (st == IFX_OK)
		st = new_node(l, &node, IFX_SCALAR, IFX_PLAIN);
	if (st != IFX_OK)
		return st;
	/* Where a null would stand: behind the indicator, not behind the comments that follow. */
	after = top(l) ? top(l)->entry->end : l->doc->body;
	st = take_props(l, node, ev->scalar.anchor, ev->scalar.tag);
	if (st != IFX_OK)
		return st;
	attach(l, node, is_key);
	from = start ? start->input_pos : 0;
	to = end ? end->input_pos : 0;
	if (style == FYSS_PLAIN && (!token || !start || !end || from >= to)) {
		node->span.at = after;
		if (node->anchor.len && node->anchor.at + node->anchor.len > node->span.at)
			node->span.at = node->anchor.at + node->anchor.len;
		if (node->tag.len && node->tag.at + node->tag.len > node->span.at)
			node->span.at = node->tag.at + node->tag.len;
	} else if (style == FYSS_LITERAL || style == FYSS_FOLDED) {
		node->style = style == FYSS_LITERAL ? IFX_LITERAL : IFX_FOLDED;
		st = take_block_scalar(l, node, from, to);
		if (st != IFX_OK)
			return st;
	} else {
		char quote = style == FYSS_SINGLE_QUOTED ? '\'' : '"';

		if (style != FYSS_PLAIN) {
			node->style = quote == '"' ? IFX_DOUBLE : IFX_SINGLE;
			from--;
			to++;
		}
		if (from != l->pos || to > l->doc->src.len)
			return lost(l);
		if (style != FYSS_PLAIN &&
		    (l->doc->src.ptr[from] != quote || l->doc->src.ptr[to - 1] != quote))
			return lost(l);
		node->span = (ifx_span){ from, to - from };
		l->pos = to;
	}
	node_done(l, node, is_key);
	node->text = ifx_scalar_decode(node, &l->doc->arena, NULL);
	return node->text.ptr ? remember_name(l, node) : IFX_ENOMEM;
}

static ifx_status on_alias(struct load *l, struct fy_event *ev)
{
	const struct fy_mark *end = fy_event_end_mark(ev);
	struct ifx_node *node;
	ifx_status st;
	bool is_key;

	st = lead_in(l, &is_key);
	if (st == IFX_OK)
		st = new_node(l, &node, IFX_ALIAS, IFX_PLAIN);
	if (st != IFX_OK)
		return st;
	if (!at_char(l, '*') || !end || end->input_pos > l->doc->src.len)
		return lost(l);
	node->span = (ifx_span){ l->pos, end->input_pos - l->pos };
	node->text = ifx_str_sub(l->doc->src, l->pos + 1, node->span.len - 1);
	l->pos = end->input_pos;
	l->doc->has_alias = true;
	attach(l, node, is_key);
	node_done(l, node, is_key);
	return remember_name(l, node);
}

static ifx_status on_start(struct load *l, struct fy_event *ev, ifx_kind kind)
{
	bool map = kind == IFX_MAP;
	struct fy_token *anchor = map ? ev->mapping_start.anchor : ev->sequence_start.anchor;
	struct fy_token *tag = map ? ev->mapping_start.tag : ev->sequence_start.tag;
	struct ifx_node *node;
	struct frame *stack;
	ifx_status st;
	bool is_key, flow;

	st = lead_in(l, &is_key);
	if (st == IFX_OK)
		st = new_node(l, &node, kind, IFX_BLOCK);
	if (st == IFX_OK)
		st = take_props(l, node, anchor, tag);
	if (st != IFX_OK)
		return st;
	flow = fy_event_get_node_style(ev) == FYNS_FLOW;
	node->span.at = SIZE_MAX; /* a block collection starts with its first entry */
	if (flow || (top(l) && top(l)->node->style == IFX_FLOW)) {
		node->style = IFX_FLOW;
		node->bare = !at_char(l, map ? '{' : '[');
		if (node->bare && !map)
			return lost(l);
		/* `[{a: b}: c]` has a brace that is the key's, not the pair's. */
		if (!node->bare && map && fy_event_start_mark(ev) &&
		    fy_event_start_mark(ev)->input_pos != l->pos)
			node->bare = true;
		if (!node->bare)
			node->span.at = l->pos++;
	}
	if (l->depth >= IFX_DEPTH_MAX)
		return problem(l->problem, IFX_ELIMIT, l->pos,
			       "nested deeper than %zu levels; flatten it", IFX_DEPTH_MAX);
	attach(l, node, is_key);
	st = remember_name(l, node);
	if (st != IFX_OK)
		return st;
	stack = ifx_grow(l->stack, &l->cap, l->depth + 1, sizeof(*stack));
	if (!stack)
		return IFX_ENOMEM;
	l->stack = stack;
	stack[l->depth++] = (struct frame){ .node = node };
	return IFX_OK;
}

static ifx_status on_end(struct load *l)
{
	struct frame *f = top(l);
	struct ifx_node *node;
	struct frame *outer;
	ifx_status st;
	bool is_key;

	if (!f)
		return lost(l);
	node = f->node;
	if (node->style == IFX_FLOW && !node->bare) {
		st = skip(l);
		if (st == IFX_OK && at_char(l, ',')) {
			l->pos++;
			st = skip(l);
		}
		if (st != IFX_OK)
			return st;
		if (!at_char(l, node->kind == IFX_MAP ? '}' : ']'))
			return lost(l);
		l->pos++;
		node->span.len = l->pos - node->span.at;
	} else {
		if (!node->last)
			return lost(l);
		node->span.len = node->last->end - node->span.at;
	}
	l->depth--;
	outer = top(l);
	is_key = outer && outer->entry && outer->entry->key == node;
	node_done(l, node, is_key);
	return ifx_map_index(node) ? IFX_OK : IFX_ENOMEM;
}

/* Comments, directives and the marker before the content. */
static ifx_status on_document_start(struct load *l, struct fy_event *ev)
{
	ifx_str src = l->doc->src;
	ifx_status st;

	if (l->ended)
		return problem(l->problem, IFX_EINVAL, l->pos,
			       "a second document starts here without '---'");
	if (!l->pos && ifx_str_starts(src, IFX_LIT("\xEF\xBB\xBF")))
		l->pos = 3;
	for (st = skip(l); st == IFX_OK && at_char(l, '%'); st = skip(l)) {
		size_t end = ifx_line_end(src, l->pos);

		for (; l->pos < end; l->pos++)
			if (src.ptr[l->pos] == '#' && strchr(" \t", src.ptr[l->pos - 1])) {
				st = add_comment(l, l->pos);
				if (st != IFX_OK)
					return st;
				break;
			}
		l->pos = end;
	}
	if (st == IFX_OK && !fy_event_is_implicit(ev)) {
		if (!is_marker(src, l->pos, "---"))
			return lost(l);
		l->pos += 3;
	}
	l->doc->body = l->pos;
	return st;
}

static ifx_status on_event(struct load *l, struct fy_event *ev)
{
	switch (ev->type) {
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
		return IFX_OK;
	case FYET_DOCUMENT_START:
		return on_document_start(l, ev);
	case FYET_SCALAR:
		return on_scalar(l, ev);
	case FYET_ALIAS:
		return on_alias(l, ev);
	case FYET_MAPPING_START:
		return on_start(l, ev, IFX_MAP);
	case FYET_SEQUENCE_START:
		return on_start(l, ev, IFX_SEQ);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return on_end(l);
	default:
		return lost(l);
	}
}

/* What is behind the content: comments and the end marker. */
static ifx_status tail(struct load *l)
{
	ifx_str src = l->doc->src;
	ifx_status st;

	if (!l->pos && ifx_str_starts(src, IFX_LIT("\xEF\xBB\xBF")))
		l->pos = 3;
	st = skip(l);
	if (st == IFX_OK && is_marker(src, l->pos, "...")) {
		l->pos += 3;
		st = skip(l);
	}
	if (st != IFX_OK)
		return st;
	if (l->pos != src.len)
		return problem(l->problem, IFX_EINVAL, l->pos,
			       "the parser stopped here; the rest is not YAML");
	return IFX_OK;
}

/* ---- libfyaml ---- */

/* Nothing is printed: errors are collected, and R5 of the notes above is why. */
static void swallow(struct fy_diag *diag, void *user, const char *buf, size_t len)
{
	(void)diag;
	(void)user;
	(void)buf;
	(void)len;
}

/* Offset of a 1-based line and a 1-based column in code points. */
static size_t offset_of(ifx_str src, int line, int column)
{
	size_t at = 0;

	while (--line > 0 && at < src.len)
		at = ifx_line_next(src, at);
	while (--column > 0 && at < src.len && src.ptr[at] != '\n')
		for (at++; at < src.len && ((unsigned char)src.ptr[at] & 0xC0) == 0x80; at++)
			;
	return at;
}

static ifx_status parse_failed(struct load *l, struct fy_diag *diag)
{
	struct fy_diag_error *err;
	void *iter = NULL;

	while ((err = fy_diag_errors_iterate(diag, &iter)))
		if (err->type == FYET_ERROR)
			return problem(l->problem, IFX_EINVAL,
				       offset_of(l->doc->src, err->line, err->column),
				       "not valid YAML: %s", err->msg ? err->msg : "syntax error");
	return problem(l->problem, IFX_EINVAL, l->pos, "not valid YAML here");
}

static ifx_status parse(struct load *l)
{
	/* By hand: the library's default asks whether standard error is a terminal, once a document. */
	struct fy_diag_cfg diag_cfg = { .output_fn = swallow,
					.level = FYET_ERROR,
					.module_mask = ~0u };
	struct fy_parse_cfg cfg = { .flags = FYPCF_SLOPPY_FLOW_INDENTATION | FYPCF_QUIET };
	struct fy_parser *parser = NULL;
	struct fy_diag *diag;
	struct fy_event *ev;
	ifx_status st = IFX_ENOMEM;

	diag = fy_diag_create(&diag_cfg);
	if (!diag)
		return IFX_ENOMEM;
	fy_diag_set_collect_errors(diag, true);
	cfg.diag = diag;
	parser = fy_parser_create(&cfg);
	if (!parser || fy_parser_set_string(parser, l->doc->src.ptr, l->doc->src.len))
		goto out;
	st = IFX_OK;
	while (st == IFX_OK && (ev = fy_parser_parse(parser)) != NULL) {
		st = on_event(l, ev);
		fy_parser_event_free(parser, ev);
	}
	if (fy_parser_get_stream_error(parser)) {
#ifdef IFX_LEAK_CHECKED
		__lsan_ignore_object(parser);
#endif
		parser = NULL; /* left to leak, see above */
		if (st == IFX_OK)
			st = parse_failed(l, diag);
	}
out:
	if (parser)
		fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	return st;
}

static bool only_json(const struct ifx_node *node)
{
	if (node->kind == IFX_ALIAS || node->anchor.len || node->tag.len)
		return false;
	if (node->kind == IFX_SCALAR)
		return node->style == IFX_DOUBLE || node->style == IFX_PLAIN;
	if (node->style != IFX_FLOW || node->bare)
		return false;
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		if (e->key && (!ifx_is(e->key, IFX_SCALAR) || e->key->style != IFX_DOUBLE))
			return false;
		if (!only_json(e->value))
			return false;
	}
	return true;
}

static ifx_status check_lines(ifx_str src, struct ifx_problem *p)
{
	for (size_t at = 0, next; at < src.len; at = next) {
		next = ifx_line_next(src, at);
		if (next - at > IFX_LINE_MAX)
			return problem(p, IFX_ELIMIT, at,
				       "a line is longer than %zu MiB; break it up",
				       IFX_LINE_MAX >> 20);
	}
	return IFX_OK;
}

ifx_status ifx_doc_load(struct ifx_doc **out, ifx_str src, struct ifx_problem *p)
{
	struct load l = { .problem = p };
	ifx_status st = IFX_OK;

	if (src.len > IFX_LINE_MAX)
		st = check_lines(src, p);
	if (st != IFX_OK)
		return st;
	l.doc = ifx_calloc(1, sizeof(*l.doc));
	if (!l.doc)
		return IFX_ENOMEM;
	l.doc->src = src;
	ifx_arena_init(&l.doc->arena, IFX_TREE_MAX);
	st = parse(&l);
	if (st == IFX_OK)
		st = tail(&l);
	if (st == IFX_OK && l.doc->root && l.doc->root->style == IFX_FLOW && !l.doc->n_comments)
		l.doc->json = only_json(l.doc->root);
	if (st == IFX_OK)
		resolve_aliases(&l);
	ifx_free(l.stack);
	ifx_free(l.named);
	if (st != IFX_OK) {
		ifx_doc_free(l.doc);
		return st;
	}
	*out = l.doc;
	return IFX_OK;
}

ifx_status ifx_doc_embedded(struct ifx_doc **out, const struct ifx_node *host,
			    struct ifx_problem *p)
{
	ifx_span first = { 0 };
	size_t at = 0, *map;
	ifx_str text = ifx_scalar_decode(host, &host->doc->arena, &map);
	ifx_status st;

	if (!text.ptr)
		return IFX_ENOMEM;
	/* Escapes can spell what the file's own pre-check would have refused. */
	st = ifx_precheck(text, p);
	if (st != IFX_OK)
		return st;
	if (!ifx_stream_next(text, &at, &first))
		first.len = text.len;
	st = ifx_doc_load(out, ifx_str_sub(text, 0, first.len), p);
	if (st != IFX_OK)
		return st;
	(*out)->host = host;
	(*out)->host_map = map;
	return IFX_OK;
}

void ifx_doc_free(struct ifx_doc *doc)
{
	if (!doc)
		return;
	ifx_free(doc->comments);
	ifx_arena_release(&doc->arena);
	ifx_free(doc);
}
