#include "base/str.h"

int ifx_str_cmp(ifx_str a, ifx_str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool ifx_str_ieq(ifx_str a, ifx_str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

bool ifx_str_starts(ifx_str s, ifx_str prefix)
{
	return s.len >= prefix.len && ifx_str_eq(ifx_str_sub(s, 0, prefix.len), prefix);
}

bool ifx_str_ends(ifx_str s, ifx_str suffix)
{
	return s.len >= suffix.len &&
	       ifx_str_eq(ifx_str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

size_t ifx_str_chr(ifx_str s, char c)
{
	const char *p = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return p ? (size_t)(p - s.ptr) : SIZE_MAX;
}

/* Bytes that are rare in text are found faster alone. */
static bool is_rare(char c)
{
	return c == '{' || c == '%' || c == '$' || c == '~';
}

size_t ifx_str_find(ifx_str s, ifx_str needle)
{
	const char *p, *end = s.ptr + s.len;

	if (!needle.len)
		return 0;
	if (is_rare(needle.ptr[0])) {
		for (p = s.ptr; s.len && (p = memchr(p, needle.ptr[0], (size_t)(end - p))); p++)
			if ((size_t)(end - p) >= needle.len && !memcmp(p, needle.ptr, needle.len))
				return (size_t)(p - s.ptr);
		return SIZE_MAX;
	}
	p = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
	return p ? (size_t)(p - s.ptr) : SIZE_MAX;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

ifx_str ifx_str_trim(ifx_str s)
{
	while (s.len && is_space(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool ifx_str_split(ifx_str *rest, char sep, ifx_str *piece)
{
	size_t at;

	if (!rest->ptr)
		return false;
	at = ifx_str_chr(*rest, sep);
	if (at == SIZE_MAX) {
		*piece = *rest;
		*rest = IFX_NONE;
		return true;
	}
	*piece = ifx_str_sub(*rest, 0, at);
	*rest = ifx_str_sub(*rest, at + 1, rest->len - at - 1);
	return true;
}

size_t ifx_utf8_decode(ifx_str s, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)s.ptr[0];
	size_t len = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
	uint32_t p = len == 1 ? c : c & (0x7fu >> len);

	if (len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		unsigned char next = (unsigned char)s.ptr[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		p = p << 6 | (next & 0x3f);
	}
	if (p < least[len] || p > 0x10ffff || (p >= 0xd800 && p <= 0xdfff))
		return 0;
	*point = p;
	return len;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t ifx_str_distance(ifx_str a, ifx_str b)
{
	size_t rows[3][IFX_DISTANCE_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (a.len > IFX_DISTANCE_MAX || b.len > IFX_DISTANCE_MAX)
		return SIZE_MAX;
	for (size_t k = 0; k <= b.len; k++)
		last[k] = k;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t k = 1; k <= b.len; k++) {
			char x = a.ptr[i - 1], y = b.ptr[k - 1];

			row[k] = least(last[k - 1] + (x != y), least(last[k], row[k - 1]) + 1);
			if (i > 1 && k > 1 && x == b.ptr[k - 2] && a.ptr[i - 2] == y)
				row[k] = least(row[k], before[k - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[b.len];
}

ifx_str ifx_str_nearest(ifx_str slip, const ifx_str *names, size_t n)
{
	size_t best_distance = SIZE_MAX;
	ifx_str best = IFX_NONE;

	for (size_t i = 0; i < n; i++) {
		size_t d = ifx_str_distance(slip, names[i]);

		/* Three wrong letters, or two in a short name, are another name. */
		if (d > (names[i].len < 4 ? 0u : names[i].len < 8 ? 1u : 2u) || d > best_distance)
			continue;
		best = d < best_distance ? names[i] : IFX_NONE;
		best_distance = d;
	}
	return best;
}

void ifx_str_position(ifx_str text, size_t at, size_t *line, size_t *column)
{
	size_t i = ifx_str_starts(text, IFX_LIT("\xEF\xBB\xBF")) ? 3 : 0;

	*line = *column = 1;
	for (; i < at && i < text.len; i++) {
		if (text.ptr[i] == '\n') {
			++*line;
			*column = 1;
		} else {
			*column += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
		}
	}
}
