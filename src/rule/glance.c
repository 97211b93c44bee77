#include "rule/glance.h"

#include "yaml/node.h"
#include "yaml/resolve.h"

/** Entries of one map that are compared with each other; a longer map is odd. */
enum { ENTRIES_MAX = 32 };

enum { LABELS, ANNOTATIONS, N_WORDS };

static const ifx_str words[N_WORDS] = { { "labels", 6 }, { "annotations", 11 } };

struct look {
	ifx_str text;
	struct ifx_glance found;
	/* Column, from 1, of a `labels:` whose map may still go on; 0: none. */
	size_t open[N_WORDS];
	size_t seen; /* lines before this offset were compared with `open` */
};

static ifx_str line_at(ifx_str text, size_t at)
{
	ifx_str line = ifx_str_sub(text, at, ifx_line_end(text, at) - at);

	if (ifx_str_ends(line, IFX_LIT("\r")))
		line.len--;
	return line;
}

static size_t blanks(ifx_str line, size_t at)
{
	size_t n = 0;

	while (at + n < line.len && line.ptr[at + n] == ' ')
		n++;
	return n;
}

/* Nothing, or a comment. */
static bool is_rest(ifx_str line, size_t at)
{
	size_t n = blanks(line, at);

	return at + n == line.len || (line.ptr[at + n] == '#' && (n || !at));
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ifx_is_digit(c) ||
	       (c && strchr("._/-", c));
}

/* ---- one entry ---- */

/* Length of the scalar in quotes at `at` with them, when it ends on the line and has no escapes. */
static size_t quoted(ifx_str line, size_t at)
{
	for (size_t i = at + 1; i < line.len; i++) {
		if (line.ptr[i] == '\\')
			return 0;
		if (line.ptr[i] == line.ptr[at])
			return i + 1 < line.len && line.ptr[i + 1] == line.ptr[at] ? 0 : i + 1 - at;
	}
	return 0;
}

/* The key at `at`; *at moves behind its colon. ptr NULL: something else stands there. */
static ifx_str take_key(ifx_str line, size_t *at)
{
	size_t start = *at, len = 0;
	ifx_str key;

	if (line.ptr[start] == '"' || line.ptr[start] == '\'') {
		len = quoted(line, start);
		if (len < 2)
			return IFX_NONE;
		key = ifx_str_sub(line, start + 1, len - 2);
	} else {
		while (start + len < line.len && is_word(line.ptr[start + len]))
			len++;
		if (!len || line.ptr[start] == '-')
			return IFX_NONE;
		key = ifx_str_sub(line, start, len);
	}
	*at = start + len + 1;
	if (*at > line.len || line.ptr[start + len] != ':' ||
	    (*at < line.len && line.ptr[*at] != ' '))
		return IFX_NONE;
	return key;
}

static bool is_colon(ifx_str line, size_t at)
{
	return line.ptr[at] == ':' && (at + 1 == line.len || line.ptr[at + 1] == ' ');
}

/* A plain scalar, from `at` to the end of the line or a comment. */
static void look_at_plain(struct look *l, ifx_str line, size_t at)
{
	size_t end = at;

	for (; end < line.len; end++) {
		if (line.ptr[end] == '#' && line.ptr[end - 1] == ' ')
			break;
		l->found.odd |= line.ptr[end] == '\t' || is_colon(line, end);
	}
	line = ifx_str_trim(ifx_str_sub(line, at, end - at));
	switch (ifx_resolve_plain(line).type) {
	case IFX_TYPE_STR:
	case IFX_TYPE_NULL:
		break;
	default:
		l->found.typed = true;
	}
}

/* What stands behind the colon. True: a block scalar begins. */
static bool look_at_value(struct look *l, ifx_str line, size_t at)
{
	size_t len;

	if (is_rest(line, at))
		return false;
	at += blanks(line, at);
	switch (line.ptr[at]) {
	case '|':
	case '>':
		return true;
	case '"':
	case '\'':
		len = quoted(line, at);
		l->found.odd |= !len || !is_rest(line, at + len);
		return false;
	default:
		l->found.odd |= !is_word(line.ptr[at]) || line.ptr[at] == '-';
		look_at_plain(l, line, at);
		return false;
	}
}

/* ---- one map ---- */

/* Behind the lines of a block scalar: those that are empty or deeper than its key. */
static size_t behind_text(ifx_str text, size_t at, size_t indent)
{
	while (at < text.len) {
		ifx_str line = line_at(text, at);
		size_t n = blanks(line, 0);

		if (n < line.len && n <= indent)
			break;
		at = ifx_line_next(text, at);
	}
	return at;
}

static bool is_twice(const ifx_str *keys, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (ifx_str_eq(keys[i], keys[n - 1]))
			return true;
	return false;
}

/* The entries of the map that begins at the line `at` and is deeper than `indent`. */
static void look_at_map(struct look *l, size_t at, size_t indent)
{
	ifx_str keys[ENTRIES_MAX];
	size_t n = 0, depth = 0;

	while (at < l->text.len && !l->found.odd) {
		ifx_str line = line_at(l->text, at);
		size_t column = blanks(line, 0), behind = column;

		at = ifx_line_next(l->text, at);
		if (is_rest(line, 0))
			continue;
		if (column <= indent) {
			/* A list at the key's own column is its value. */
			l->found.odd |= !n && line.ptr[column] == '-';
			return;
		}
		if (!n)
			depth = column;
		if (column != depth || n == ENTRIES_MAX) {
			l->found.odd = true;
			return;
		}
		keys[n++] = take_key(line, &behind);
		l->found.odd |= !keys[n - 1].ptr;
		l->found.twice |= is_twice(keys, n);
		if (!l->found.odd && look_at_value(l, line, behind))
			at = behind_text(l->text, at, depth);
	}
}

/* ---- where they are ---- */

/* A line that is less deep than an open map ends it: the next `labels` is another map's. */
static void pass_lines(struct look *l, size_t to)
{
	while (l->seen < to) {
		ifx_str line = line_at(l->text, l->seen);
		size_t column = blanks(line, 0) + 1;

		l->seen = ifx_line_next(l->text, l->seen);
		for (int w = 0; w < N_WORDS && !is_rest(line, 0); w++)
			if (column < l->open[w])
				l->open[w] = 0;
	}
}

/* Is there nothing but blanks and dashes of lists before the word? */
static bool is_first(ifx_str before)
{
	for (size_t i = 0; i < before.len; i++)
		if (before.ptr[i] != ' ' && (before.ptr[i] != '-' || before.ptr[i + 1] != ' '))
			return false;
	return true;
}

/* The word `w` stands at `at`. */
static void look_at_word(struct look *l, int w, size_t at)
{
	size_t start = ifx_line_start(l->text, at);
	ifx_str line = line_at(l->text, start), before = ifx_str_sub(line, 0, at - start);
	size_t behind = at - start + words[w].len;
	char last = before.len ? before.ptr[before.len - 1] : ' ';

	if (is_word(last) && !is_first(before))
		return; /* the end of another word */
	if (ifx_str_starts(ifx_str_trim(before), IFX_LIT("#")))
		return;
	if (behind < line.len && is_word(line.ptr[behind]))
		return; /* the beginning of another word */
	if (!is_first(before)) {
		for (size_t i = 0; i < before.len; i++)
			l->found.odd |= strchr("{[,?\"'&!\t", before.ptr[i]) != NULL;
		return;
	}
	if (behind == line.len || line.ptr[behind] != ':' || !is_rest(line, behind + 1)) {
		/* Prose, as in a block scalar, or a value in flow style, or a key of two lines. */
		l->found.odd |= behind == line.len || line.ptr[behind] == ':' ||
				line.ptr[behind] == ' ' || line.ptr[behind] == '\t';
		return;
	}
	pass_lines(l, ifx_line_next(l->text, start));
	l->found.twice |= l->open[w] == before.len + 1;
	l->found.odd |= l->open[w] && l->open[w] != before.len + 1; /* labels in labels */
	l->open[w] = before.len + 1;
	look_at_map(l, ifx_line_next(l->text, start), before.len);
}

/* Lines that end in a way of their own; directives, which may change what ends a line. */
static bool has_odd_lines(ifx_str text)
{
	const char *p = text.ptr, *end = text.ptr + text.len;

	if (ifx_str_starts(text, IFX_LIT("%")) || ifx_str_find(text, IFX_LIT("\n%")) != SIZE_MAX)
		return true;
	while ((p = memchr(p, '\r', (size_t)(end - p))) != NULL)
		if (++p == end || *p != '\n')
			return true;
	return false;
}

struct ifx_glance ifx_glance(ifx_str document)
{
	struct look l = { .text = document, .found.odd = has_odd_lines(document) };
	size_t next[N_WORDS];

	for (int w = 0; w < N_WORDS; w++)
		next[w] = ifx_str_find(document, words[w]);
	while (!l.found.odd && (next[LABELS] != SIZE_MAX || next[ANNOTATIONS] != SIZE_MAX)) {
		int w = next[LABELS] < next[ANNOTATIONS] ? LABELS : ANNOTATIONS;
		size_t behind = next[w] + words[w].len;

		look_at_word(&l, w, next[w]);
		next[w] = ifx_str_find(ifx_str_sub(document, behind, document.len - behind),
				       words[w]);
		if (next[w] != SIZE_MAX)
			next[w] += behind;
	}
	return l.found;
}

bool ifx_glance_typed(ifx_str document)
{
	struct ifx_glance found = ifx_glance(document);

	return found.odd || found.typed;
}

bool ifx_glance_twice(ifx_str document)
{
	struct ifx_glance found = ifx_glance(document);

	return found.odd || found.twice;
}
