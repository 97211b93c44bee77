/*
 * libfyaml gives structure and byte marks; everything else we read off the source.
 *
 * Invariants while events come in:
 *   1. `pos` is the offset up to which the source is understood. Between `pos` and the next event's
 *      mark there are only blanks, line breaks, comments and indicators.
 *   2. Every comment is recorded once, when `pos` passes it.
 *   3. A byte that is none of these where it should be ends the load with IFX_EINVAL: what is not
 *      followed to the byte is not edited.
 *
 * What is known to be wrong or odd in libfyaml (0.7.12, and partly 1.0), and what we do:
 *   - it hangs on invalid UTF-8, long blank runs and long `%` lines: ifx_precheck;
 *   - destroying a parser that failed may use freed memory: such a parser leaks, 5 KB each;
 *   - printing a diagnostic may read past the end: diagnostics are collected, never printed;
 *   - empty items of some lists are rejected: it gets a copy without them (shadow.h);
 *   - the line behind an empty block scalar is taken for its text when it is at the column of its
 *     key: refused;
 *   - marks of quoted scalars exclude the quotes, of anchors and aliases the `&` and `*`; of block
 *     scalars they exclude the header and include the next line's indentation; nulls have none.
 */
#include "yaml/load.h"

#include "base/alloc.h"
#include "yaml/scalar.h"
#include "yaml/shadow.h"

#include <libfyaml.h>

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

/* ---- events to tree ---- */

struct frame {
	struct ifx_node *node;
	struct ifx_entry *entry; /* the entry under construction */
	bool want_value;         /* maps: the key is there */
};

struct load {
	struct ifx_doc *doc;
	const struct ifx_shadow *shadow; /* NULL: the parser sees the source */
	struct ifx_problem *problem;
	size_t pos;
	struct frame *stack;
	size_t depth, cap;
	struct ifx_node **named; /* nodes with an anchor, and aliases */
	size_t n_named, cap_named;
	bool ended; /* the root is complete */
};

/* A mark of the parser as an offset in the source. */
static size_t place(const struct load *l, const struct fy_mark *mark)
{
	return l->shadow ? ifx_shadow_to_source(l->shadow, mark->input_pos) : mark->input_pos;
}

static ifx_status lost(struct load *l)
{
	return ifx_problem_say(l->problem, IFX_EINVAL, l->pos,
			       "cannot follow the structure here; write it in a simpler way");
}

static ifx_status add_comment(struct load *l, size_t at)
{
	struct ifx_doc *doc = l->doc;
	struct ifx_comment *c =
		ifx_grow(doc->comments, &doc->cap_comments, doc->n_comments + 1, sizeof(*c));
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
			node->anchor = (ifx_span){ l->pos, place(l, end) - l->pos };
			l->pos = place(l, end);
			anchor = NULL;
		} else if (tag && at_char(l, '!')) {
			start = fy_token_start_mark(tag);
			end = fy_token_end_mark(tag);
			if (place(l, start) != l->pos || place(l, end) > src.len)
				return lost(l);
			node->tag = (ifx_span){ l->pos, place(l, end) - l->pos };
			l->pos = place(l, end);
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
	/* The span ends with the last line that has text, be it blanks that are more than the
	 * indentation. */
	indent = ifx_scalar_indent(node);
	if (indent && node->entry && indent <= ifx_column(src, node->entry->in->first->start) &&
	    !blank_between(src, l->pos, end))
		return ifx_problem_say(
			l->problem, IFX_EINVAL, header,
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

static void note_quote(struct ifx_doc *doc, ifx_style style)
{
	if (doc->quote == IFX_PLAIN && (style == IFX_SINGLE || style == IFX_DOUBLE))
		doc->quote = style;
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
	from = start ? place(l, start) : 0;
	to = end ? place(l, end) : 0;
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
	if (!is_key)
		note_quote(l->doc, node->style);
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
	if (!at_char(l, '*') || !end || place(l, end) > l->doc->src.len)
		return lost(l);
	node->span = (ifx_span){ l->pos, place(l, end) - l->pos };
	node->text = ifx_str_sub(l->doc->src, l->pos + 1, node->span.len - 1);
	l->pos = place(l, end);
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
		    place(l, fy_event_start_mark(ev)) != l->pos)
			node->bare = true;
		if (!node->bare)
			node->span.at = l->pos++;
	}
	if (l->depth >= IFX_DEPTH_MAX)
		return ifx_problem_say(l->problem, IFX_ELIMIT, l->pos,
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
		return ifx_problem_say(l->problem, IFX_EINVAL, l->pos,
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
		if (!ifx_is_marker(src, l->pos, "---"))
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
	if (st == IFX_OK && ifx_is_marker(src, l->pos, "...")) {
		l->pos += 3;
		st = skip(l);
	}
	if (st != IFX_OK)
		return st;
	if (l->pos != src.len)
		return ifx_problem_say(l->problem, IFX_EINVAL, l->pos,
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
			return ifx_problem_say(l->problem, IFX_EINVAL,
					       offset_of(l->doc->src, err->line, err->column),
					       "not valid YAML: %.200s",
					       err->msg ? err->msg : "syntax error");
	return ifx_problem_say(l->problem, IFX_EINVAL, l->pos, "not valid YAML here");
}

static ifx_status parse(struct load *l)
{
	/* By hand: the library's default asks whether standard error is a terminal, once a
	 * document. */
	struct fy_diag_cfg diag_cfg = { .output_fn = swallow,
					.level = FYET_ERROR,
					.module_mask = ~0u };
	struct fy_parse_cfg cfg = { .flags = FYPCF_SLOPPY_FLOW_INDENTATION | FYPCF_QUIET };
	struct fy_parser *parser = NULL;
	struct fy_diag *diag;
	struct fy_event *ev;
	ifx_str text = l->shadow ? ifx_buf_str(&l->shadow->text) : l->doc->src;
	ifx_status st = IFX_ENOMEM;

	diag = fy_diag_create(&diag_cfg);
	if (!diag)
		return IFX_ENOMEM;
	fy_diag_set_collect_errors(diag, true);
	cfg.diag = diag;
	parser = fy_parser_create(&cfg);
	if (!parser || fy_parser_set_string(parser, text.ptr, text.len))
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

static ifx_status load_once(struct ifx_doc **out, ifx_str src, const struct ifx_shadow *shadow,
			    struct ifx_problem *p)
{
	struct load l = { .problem = p, .shadow = shadow };
	ifx_status st;

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
		ifx_resolve_aliases(l.named, l.n_named);
	ifx_free(l.stack);
	ifx_free(l.named);
	if (st != IFX_OK) {
		ifx_doc_free(l.doc);
		return st;
	}
	*out = l.doc;
	return IFX_OK;
}

ifx_status ifx_doc_load(struct ifx_doc **out, ifx_str src, struct ifx_problem *p)
{
	struct ifx_problem again = { 0 };
	struct ifx_shadow shadow;
	ifx_status st = IFX_OK;

	if (src.len > IFX_LINE_MAX)
		st = ifx_check_lines(src, p);
	if (st == IFX_OK)
		st = load_once(out, src, NULL, p);
	if (st != IFX_EINVAL)
		return st;
	ifx_buf_init(&again.text, 4096);
	if (!ifx_shadow_make(&shadow, src))
		st = IFX_ENOMEM;
	else if (shadow.n && load_once(out, src, &shadow, &again) == IFX_OK)
		st = IFX_OK; /* otherwise the first problem is the one to tell */
	ifx_buf_release(&again.text);
	ifx_shadow_release(&shadow);
	return st;
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
