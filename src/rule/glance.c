#include "rule/glance.h"

#include "yaml/node.h"
#include "yaml/resolve.h"

/** Entries of one map that are compared with each other; a longer map is odd. */
enum { ENTRIES_MAX = 32 };

struct look {
	ifx_str text;
	bool yes; /* found, or not understood */
};

static ifx_str line_at(ifx_str text, size_t at)
{
	ifx_str line = ifx_str_sub(text, at, ifx_line_end(text, at) - at);

	if (line.len && line.ptr[line.len - 1] == '\r')
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
		l->yes |= line.ptr[end] == '\t' || line.ptr[end] == '\r' || is_colon(line, end);
	}
	line = ifx_str_trim(ifx_str_sub(line, at, end - at));
	if (!l->yes) {
		ifx_type type = ifx_resolve_plain(line).type;

		l->yes = type != IFX_TYPE_STR && type != IFX_TYPE_NULL;
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
		l->yes |= !len || !is_rest(line, at + len);
		return false;
	default:
		l->yes |= !is_word(line.ptr[at]) || line.ptr[at] == '-';
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

static bool is_in_item(const struct ifx_glance_item *item, ifx_str key)
{
	for (size_t i = 0; i < item->n; i++)
		if (ifx_str_eq(item->entries[i].key, key))
			return true;
	return false;
}

static bool is_twice(const ifx_str *keys, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (ifx_str_eq(keys[i], keys[n - 1]))
			return true;
	return false;
}

/* The entries of the map that begins at the line `at` and is deeper than `indent`. Returns the line
 * behind it. */
static size_t look_at_map(struct look *l, size_t at, size_t indent)
{
	ifx_str keys[ENTRIES_MAX];
	size_t n = 0, depth = 0, next;

	for (; at < l->text.len && !l->yes; at = next) {
		ifx_str line = line_at(l->text, at);
		size_t column = blanks(line, 0), behind = column;

		next = ifx_line_next(l->text, at);
		if (is_rest(line, 0))
			continue;
		if (column <= indent) {
			/* A list at the key's own column is its value. */
			l->yes |= !n && line.ptr[column] == '-';
			return at;
		}
		if (!n)
			depth = column;
		if (column != depth || n == ENTRIES_MAX) {
			l->yes = true;
			break;
		}
		keys[n++] = take_key(line, &behind);
		l->yes |= !keys[n - 1].ptr || is_twice(keys, n);
		if (!l->yes && look_at_value(l, line, behind))
			next = behind_text(l->text, next, depth);
	}
	return at;
}

/* ---- where they are ---- */

/* Does the word stand once more in the map around it, further down? */
static void look_for_second(struct look *l, ifx_str word, size_t at, size_t indent)
{
	for (; at < l->text.len && !l->yes; at = ifx_line_next(l->text, at)) {
		ifx_str line = line_at(l->text, at);
		size_t column = blanks(line, 0);

		if (is_rest(line, 0))
			continue;
		if (column < indent)
			return;
		line = ifx_str_sub(line, column, line.len - column);
		l->yes = column == indent && ifx_str_starts(line, word);
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

/* `%YAML 1.1` changes what ends a line; directives stand before the `---`. */
static bool has_directive(ifx_str text)
{
	for (size_t at = 0; at < text.len; at = ifx_line_next(text, at)) {
		ifx_str line = line_at(text, at);

		if (!is_rest(line, 0))
			return line.ptr[0] == '%';
	}
	return false;
}

/* What is written in flow style or quotes, or begins in a way that lines do not show. */
static bool is_hidden(ifx_str before)
{
	for (size_t i = 0; i < before.len; i++)
		if (strchr("{[,?\"'&!\t\r", before.ptr[i]))
			return true;
	return false;
}

static void look_at_word(struct look *l, ifx_str word, size_t at)
{
	size_t start = ifx_line_start(l->text, at);
	ifx_str line = line_at(l->text, start), before = ifx_str_sub(line, 0, at - start);
	size_t behind = at - start + word.len;
	char last = before.len ? before.ptr[before.len - 1] : ' ';

	if (is_word(last) && !is_first(before))
		return; /* the end of another word */
	if (ifx_str_starts(ifx_str_trim(before), IFX_LIT("#")) && !is_hidden(before))
		return;
	if (behind < line.len && is_word(line.ptr[behind]))
		return; /* the beginning of another word */
	if (!is_first(before)) {
		l->yes = is_hidden(before);
		return;
	}
	if (behind == line.len || line.ptr[behind] != ':' || !is_rest(line, behind + 1)) {
		/* Prose, as in a block scalar, or a value in flow style, or a key of two lines. */
		l->yes = behind == line.len || strchr(": \t\r", line.ptr[behind]);
		return;
	}
	at = look_at_map(l, ifx_line_next(l->text, start), before.len);
	look_for_second(l, word, at, before.len);
	l->yes = l->yes || has_directive(l->text);
}

bool ifx_glance(ifx_str document, size_t at)
{
	struct look l = { .text = document };

	look_at_word(&l, document.ptr[at] == 'l' ? IFX_LIT("labels") : IFX_LIT("annotations"), at);
	return l.yes;
}

/* ---- lists ---- */

/* What stands behind a key, without quotes and comment. ptr NULL: that is not understood. */
static ifx_str take_value(ifx_str line, size_t at)
{
	size_t end, len;

	if (is_rest(line, at))
		return IFX_LIT("");
	at += blanks(line, at);
	if (line.ptr[at] == '"' || line.ptr[at] == '\'') {
		len = quoted(line, at);
		return len < 2 || !is_rest(line, at + len) ? IFX_NONE
							   : ifx_str_sub(line, at + 1, len - 2);
	}
	for (end = at; end < line.len && is_word(line.ptr[end]);)
		end++;
	return end == at || !is_rest(line, end) ? IFX_NONE : ifx_str_sub(line, at, end - at);
}

/*
 * The list of which the key stands in the column `indent`, from the line `at` on. Its items begin
 * with a dash in one column, and their entries stand in another one.
 */
static bool are_fine(ifx_str text, size_t at, size_t indent,
		     bool (*is_fine)(const struct ifx_glance_item *item))
{
	struct ifx_glance_item item = { .n = 0 };
	size_t dash = SIZE_MAX, depth = 0;
	bool any = false;

	for (; at < text.len; at = ifx_line_next(text, at)) {
		ifx_str line = line_at(text, at), key;
		size_t column = blanks(line, 0);

		if (is_rest(line, 0))
			continue;
		if (column < indent || (column == indent && line.ptr[column] != '-'))
			break;
		if (line.ptr[column] == '-') {
			if ((any && !is_fine(&item)) || (any && column != dash))
				return false;
			any = true;
			dash = column;
			item.n = 0;
			column += 1 + blanks(line, column + 1);
			depth = column;
		}
		if (!any || column != depth || column >= line.len || item.n == 16)
			return false;
		key = take_key(line, &column);
		if (!key.ptr || is_in_item(&item, key))
			return false;
		item.entries[item.n] = (struct ifx_pair){ key, take_value(line, column) };
		if (!item.entries[item.n++].value.ptr)
			return false;
	}
	return !any || is_fine(&item);
}

bool ifx_glance_items(ifx_str document, ifx_str key,
		      bool (*is_fine)(const struct ifx_glance_item *item))
{
	for (size_t from = 0, at;; from = at + key.len) {
		size_t start, behind;
		ifx_str line, before;

		at = ifx_str_find(ifx_str_sub(document, from, document.len - from), key);
		if (at == SIZE_MAX)
			return has_directive(document);
		at += from;
		start = ifx_line_start(document, at);
		line = line_at(document, start);
		before = ifx_str_sub(line, 0, at - start);
		behind = at - start + key.len;
		if (!is_first(before) || behind >= line.len || line.ptr[behind] != ':' ||
		    !is_rest(line, behind + 1) ||
		    !are_fine(document, ifx_line_next(document, start), before.len, is_fine))
			return true;
	}
}
