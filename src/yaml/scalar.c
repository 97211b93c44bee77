#include "yaml/scalar.h"

#include "yaml/resolve.h"

/* Decoded bytes and where each comes from. Sized for the worst case, so adding never fails. */
struct sink {
	char *text;
	size_t *map; /* may be NULL */
	size_t n;
};

static void put(struct sink *out, char c, size_t from)
{
	if (out->map)
		out->map[out->n] = from;
	out->text[out->n++] = c;
}

static void put_utf8(struct sink *out, unsigned long c, size_t from)
{
	if (c < 0x80) {
		put(out, (char)c, from);
	} else if (c < 0x800) {
		put(out, (char)(0xC0 | c >> 6), from);
		put(out, (char)(0x80 | (c & 0x3F)), from);
	} else if (c < 0x10000) {
		put(out, (char)(0xE0 | c >> 12), from);
		put(out, (char)(0x80 | (c >> 6 & 0x3F)), from);
		put(out, (char)(0x80 | (c & 0x3F)), from);
	} else {
		put(out, (char)(0xF0 | c >> 18), from);
		put(out, (char)(0x80 | (c >> 12 & 0x3F)), from);
		put(out, (char)(0x80 | (c >> 6 & 0x3F)), from);
		put(out, (char)(0x80 | (c & 0x3F)), from);
	}
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip_break(ifx_str src, size_t at)
{
	if (src.ptr[at] == '\r' && at + 1 < src.len && src.ptr[at + 1] == '\n')
		return at + 2;
	return at + 1;
}

/*
 * Fold the breaks and blanks that begin at `at` (a blank or a break) inside a plain or quoted
 * scalar. Blanks before the first break were already trimmed from, or kept in, `out` by the caller.
 * Returns the offset of the first byte of text behind them.
 */
static size_t fold(struct sink *out, ifx_str src, size_t at, size_t end, bool joined)
{
	size_t breaks = 0, from = at, next;

	while (at < end && (is_break(src.ptr[at]) || is_blank(src.ptr[at]))) {
		if (!is_break(src.ptr[at])) {
			at++;
			continue;
		}
		next = skip_break(src, at);
		/* The first break is the fold itself; each further one is a line break of the text.
		 */
		if (breaks++ > 0)
			put(out, '\n', at);
		at = next;
	}
	if (breaks == 1 && !joined)
		put(out, ' ', from);
	return at;
}

/* Is there a break behind the blanks at `at`? */
static bool breaks_after_blanks(ifx_str src, size_t at, size_t end)
{
	while (at < end && is_blank(src.ptr[at]))
		at++;
	return at < end && is_break(src.ptr[at]);
}

static void decode_plain(struct sink *out, ifx_str src, size_t at, size_t end)
{
	while (at < end) {
		if (is_break(src.ptr[at]) ||
		    (is_blank(src.ptr[at]) && breaks_after_blanks(src, at, end)))
			at = fold(out, src, at, end, false);
		else {
			put(out, src.ptr[at], at);
			at++;
		}
	}
}

static void decode_single(struct sink *out, ifx_str src, size_t at, size_t end)
{
	while (at < end) {
		if (is_break(src.ptr[at]) ||
		    (is_blank(src.ptr[at]) && breaks_after_blanks(src, at, end))) {
			at = fold(out, src, at, end, false);
		} else {
			put(out, src.ptr[at], at);
			at += src.ptr[at] == '\'' && at + 1 < end ? 2 : 1;
		}
	}
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static size_t decode_escape(struct sink *out, ifx_str src, size_t at, size_t end)
{
	static const char names[] = "0abtnvfre \"/\\\t";
	static const char bytes[] = "\0\a\b\t\n\v\f\r\x1b \"/\\\t";
	size_t from = at, digits;
	unsigned long c = 0;
	const char *name;

	if (++at >= end)
		return at;
	switch (src.ptr[at]) {
	case 'N':
		put_utf8(out, 0x85, from);
		return at + 1;
	case '_':
		put_utf8(out, 0xA0, from);
		return at + 1;
	case 'L':
		put_utf8(out, 0x2028, from);
		return at + 1;
	case 'P':
		put_utf8(out, 0x2029, from);
		return at + 1;
	case 'x':
		digits = 2;
		break;
	case 'u':
		digits = 4;
		break;
	case 'U':
		digits = 8;
		break;
	case '\n':
	case '\r':
		return fold(out, src, at, end, true);
	default:
		name = memchr(names, src.ptr[at], sizeof(names) - 1);
		put(out, name ? bytes[name - names] : src.ptr[at], from);
		return at + 1;
	}
	for (at++; digits && at < end && hex(src.ptr[at]) >= 0; at++, digits--)
		c = c << 4 | (unsigned)hex(src.ptr[at]);
	/* JSON writes characters beyond the first plane as a pair of surrogates. */
	if (c >= 0xD800 && c < 0xDC00 && at + 6 <= end && src.ptr[at] == '\\' &&
	    src.ptr[at + 1] == 'u') {
		unsigned long low = 0;

		for (size_t i = at + 2; i < at + 6; i++)
			low = low << 4 | (unsigned)(hex(src.ptr[i]) & 15);
		if (low >= 0xDC00 && low < 0xE000) {
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
			at += 6;
		}
	}
	put_utf8(out, c > 0x10FFFF ? 0xFFFD : c, from);
	return at;
}

static void decode_double(struct sink *out, ifx_str src, size_t at, size_t end)
{
	while (at < end) {
		if (src.ptr[at] == '\\')
			at = decode_escape(out, src, at, end);
		else if (is_break(src.ptr[at]) ||
			 (is_blank(src.ptr[at]) && breaks_after_blanks(src, at, end)))
			at = fold(out, src, at, end, false);
		else {
			put(out, src.ptr[at], at);
			at++;
		}
	}
}

/* ---- block scalars ---- */

struct block {
	size_t body;   /* first byte behind the header line */
	size_t indent; /* columns that are not text */
	char chomp;    /* '-', '+' or 0 */
};

static size_t column_of_parent(const struct ifx_node *node)
{
	const struct ifx_node *in = node->entry ? node->entry->in : NULL;

	return in && in->first ? ifx_column(node->doc->src, in->first->start) : 0;
}

static struct block block_header(const struct ifx_node *node)
{
	ifx_str src = node->doc->src;
	struct block b = { 0 };
	size_t at = node->span.at + 1, line;
	bool explicit_indent = false;

	for (; at < src.len; at++) {
		char c = src.ptr[at];

		if (c == '-' || c == '+') {
			b.chomp = c;
		} else if (c >= '1' && c <= '9') {
			explicit_indent = true;
			b.indent = column_of_parent(node) + (size_t)(c - '0');
		} else {
			break;
		}
	}
	b.body = ifx_line_next(src, at);
	if (b.body > node->raw_end)
		b.body = node->raw_end;
	if (explicit_indent)
		return b;
	/* The first line that is not blank decides; blank ones may be longer only when all are. */
	for (line = b.body; line < node->raw_end; line = ifx_line_next(src, line)) {
		size_t i = line;

		while (i < node->raw_end && src.ptr[i] == ' ')
			i++;
		if (i < node->raw_end && !is_break(src.ptr[i])) {
			b.indent = i - line;
			return b;
		}
		if (i - line > b.indent)
			b.indent = i - line;
	}
	return b;
}

size_t ifx_scalar_indent(const struct ifx_node *node)
{
	return block_header(node).indent;
}

static void decode_block(struct sink *out, const struct ifx_node *node)
{
	ifx_str src = node->doc->src;
	struct block b = block_header(node);
	bool folded = node->style == IFX_FOLDED, blank_before = false, any = false;
	size_t at = b.body, end = node->raw_end,
	       pending = SIZE_MAX;            /* break of the last text line */
	size_t empty = SIZE_MAX, n_empty = 0; /* first of the blank lines since */

	while (at < end) {
		size_t i = at, stop = ifx_line_end(src, at);
		bool blank_first;

		if (stop > end)
			stop = end;
		while (i < stop && i - at < b.indent && src.ptr[i] == ' ')
			i++;
		if (i == stop && stop < end) {
			if (!n_empty++)
				empty = stop;
			at = skip_break(src, stop);
			continue;
		}
		if (i == stop)
			break;
		blank_first = is_blank(src.ptr[i]);
		if (any && folded && !blank_before && !blank_first) {
			if (!n_empty)
				put(out, ' ', pending);
		} else if (any) {
			put(out, '\n', pending);
		}
		for (size_t line = empty; n_empty; n_empty--) {
			put(out, '\n', line);
			/* the next blank line's break */
			line = skip_break(src, line);
			line = ifx_line_end(src, line);
		}
		any = true;
		blank_before = blank_first;
		for (; i < stop; i++)
			put(out, src.ptr[i], i);
		pending = stop < end ? stop : SIZE_MAX;
		at = stop < end ? skip_break(src, stop) : end;
	}
	if (b.chomp == '-')
		return;
	if (any && pending != SIZE_MAX)
		put(out, '\n', pending);
	if (b.chomp == '+') {
		for (size_t line = empty; n_empty; n_empty--) {
			put(out, '\n', line);
			line = skip_break(src, line);
			line = ifx_line_end(src, line);
		}
	}
}

/* Is the text what the source has between the quotes? Nearly all scalars are like that. */
static bool says_itself(ifx_str raw, ifx_style style)
{
	char escape = style == IFX_SINGLE ? '\'' : style == IFX_DOUBLE ? '\\' : '\n';

	for (size_t i = 0; i < raw.len; i++)
		if (is_break(raw.ptr[i]) || raw.ptr[i] == escape)
			return false;
	return true;
}

ifx_str ifx_scalar_decode(const struct ifx_node *node, struct ifx_arena *arena, size_t **map)
{
	ifx_str src = node->doc->src;
	bool quoted = node->style == IFX_SINGLE || node->style == IFX_DOUBLE;
	bool block = node->style == IFX_LITERAL || node->style == IFX_FOLDED;
	size_t at = node->span.at + quoted, end = node->span.at + node->span.len - quoted;
	ifx_str raw = ifx_str_sub(src, at, end - at);
	struct sink out = { 0 };
	size_t room;

	if (!map && !block && says_itself(raw, node->style))
		return raw;
	/* `\L` is the one escape that makes three bytes of two. */
	room = block ? node->raw_end - node->span.at : raw.len + raw.len / 2;
	out.text = ifx_arena_alloc(arena, room + 1);
	if (map)
		out.map = ifx_arena_alloc(arena, (room + 1) * sizeof(*out.map));
	if (!out.text || (map && !out.map))
		return IFX_NONE;
	switch (node->style) {
	case IFX_SINGLE:
		decode_single(&out, src, at, end);
		break;
	case IFX_DOUBLE:
		decode_double(&out, src, at, end);
		break;
	case IFX_LITERAL:
	case IFX_FOLDED:
		decode_block(&out, node);
		break;
	default:
		decode_plain(&out, src, at, end);
	}
	if (map) {
		out.map[out.n] = block ? node->raw_end : end;
		*map = out.map;
	}
	return (ifx_str){ out.text, out.n };
}

/* ---- writing ---- */

/*
 * Characters that may not stand in YAML text, or that some readers take for a line break or
 * nothing: C1 controls and the no-break space, the separators, halves of surrogate pairs, the byte
 * order mark, U+FFFE and U+FFFF. Length of the one at `i`, or 0; *cp is its number.
 */
static size_t odd_utf8(ifx_str text, size_t i, unsigned *cp)
{
	unsigned char c = (unsigned char)text.ptr[i];
	size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

	if (n == 1 || n == 4 || i + n > text.len)
		return 0;
	*cp = n == 2 ? c & 31u : c & 15u;
	for (size_t k = 1; k < n; k++)
		*cp = *cp << 6 | ((unsigned char)text.ptr[i + k] & 63u);
	if ((*cp >= 0x80 && *cp <= 0xA0) || *cp == 0x2028 || *cp == 0x2029 ||
	    (*cp >= 0xD800 && *cp < 0xE000) || *cp == 0xFEFF || *cp >= 0xFFFE)
		return n;
	return 0;
}

static bool is_odd(ifx_str text, size_t i)
{
	unsigned char c = (unsigned char)text.ptr[i];
	unsigned cp;

	return c < 0x20 || c == 0x7F || (c >= 0x80 && odd_utf8(text, i, &cp));
}

/* A byte that ends a plain scalar when it follows `:`, and may not follow `-` at its start. */
static bool ends_plain(ifx_str text, size_t at, bool flow)
{
	return at == text.len || is_blank(text.ptr[at]) ||
	       (flow && text.ptr[at] && strchr(",[]{}", text.ptr[at]));
}

bool ifx_plain_fits(ifx_str text, bool flow)
{
	if (!text.len || is_blank(text.ptr[0]) || is_blank(text.ptr[text.len - 1]))
		return false;
	if (text.ptr[0] && strchr(",[]{}#&*!|>'\"%@`", text.ptr[0]))
		return false;
	if (text.ptr[0] == '-' && ends_plain(text, 1, flow))
		return false;
	if ((text.ptr[0] == '?' || text.ptr[0] == ':') && (flow || ends_plain(text, 1, flow)))
		return false;
	if (ifx_str_starts(text, IFX_LIT("---")) || ifx_str_starts(text, IFX_LIT("...")))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (is_odd(text, i))
			return false;
		if (c == ':' && ends_plain(text, i + 1, flow))
			return false;
		if (c == '#' && is_blank(text.ptr[i - 1]))
			return false;
		if (flow && strchr(",[]{}", (char)c))
			return false;
	}
	return true;
}

bool ifx_plain_ok(ifx_str text, bool flow)
{
	if (ifx_plain_needs_quotes(text) || !ifx_plain_fits(text, flow))
		return false;
	/* Older readers stop at any colon between braces. */
	return !flow || (ifx_str_chr(text, ':') == SIZE_MAX && text.ptr[0] != '-');
}

ifx_style ifx_style_for(ifx_str text, ifx_style wish, bool flow)
{
	if (wish == IFX_PLAIN && ifx_plain_ok(text, flow))
		return IFX_PLAIN;
	if (wish != IFX_SINGLE)
		return IFX_DOUBLE;
	for (size_t i = 0; i < text.len; i++)
		if (is_odd(text, i))
			return IFX_DOUBLE;
	return IFX_SINGLE;
}

void ifx_scalar_escape(struct ifx_buf *out, ifx_str text, ifx_style style)
{
	/* Only escapes that JSON has too: the same writer serves both. */
	static const char *const names[32] = {
		[8] = "\\b", [9] = "\\t", [10] = "\\n", [12] = "\\f", [13] = "\\r"
	};

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		unsigned cp = 0;
		size_t odd;

		if (style == IFX_SINGLE) {
			if (c == '\'')
				ifx_buf_addc(out, '\'');
			ifx_buf_addc(out, (char)c);
		} else if (style != IFX_DOUBLE) {
			ifx_buf_addc(out, (char)c);
		} else if (c == '"' || c == '\\') {
			ifx_buf_addc(out, '\\');
			ifx_buf_addc(out, (char)c);
		} else if (c < 0x20 && names[c]) {
			ifx_buf_add(out, ifx_str_of(names[c]));
		} else if (c < 0x20 || c == 0x7F) {
			ifx_buf_addf(out, "\\u%04x", c);
		} else if (c >= 0x80 && (odd = odd_utf8(text, i, &cp)) != 0) {
			ifx_buf_addf(out, "\\u%04x", cp);
			i += odd - 1;
		} else {
			ifx_buf_addc(out, (char)c);
		}
	}
}

void ifx_scalar_quote(struct ifx_buf *out, ifx_str text, ifx_style style)
{
	const char *mark = style == IFX_SINGLE ? "'" : style == IFX_DOUBLE ? "\"" : "";

	ifx_buf_add(out, ifx_str_of(mark));
	ifx_scalar_escape(out, text, style);
	ifx_buf_add(out, ifx_str_of(mark));
}
