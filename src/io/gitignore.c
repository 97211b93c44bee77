#include "io/gitignore.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/regex.h"

/*
 * A pattern is cut in two: the literal text before its first special character, which is compared,
 * and the rest, which becomes a regular expression. Most patterns are all literal, or `*` and a
 * literal ending, and never see a regular expression.
 *
 * git matches the rest on its own, so `a**` followed by `/b` has a `**` at its start. We do the
 * same.
 */
struct pattern {
	char *text; /* literal, or the literal ending when `suffix`; owned */
	size_t len;
	struct ifx_regex *rest; /* NULL: nothing behind the literal */
	bool negated, only_dirs;
	bool basename; /* no slash in the pattern: matches the last part of the path */
	bool suffix;   /* `*` and a literal */
};

struct ifx_ignore {
	struct pattern *items;
	size_t n, cap;
};

ifx_status ifx_ignore_new(struct ifx_ignore **out)
{
	struct ifx_ignore *list = ifx_calloc(1, sizeof(*list));

	if (!list)
		return IFX_ENOMEM;
	*out = list;
	return IFX_OK;
}

void ifx_ignore_free(struct ifx_ignore *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n; i++) {
		ifx_free(list->items[i].text);
		ifx_regex_free(list->items[i].rest);
	}
	ifx_free(list->items);
	ifx_free(list);
}

static bool is_special(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '\\';
}

static size_t literal_length(ifx_str s)
{
	size_t n = 0;

	while (n < s.len && !is_special(s.ptr[n]))
		n++;
	return n;
}

/* A set of bytes. */
struct set {
	bool has[256];
};

static void add_range(struct set *set, unsigned char first, unsigned char last)
{
	for (unsigned c = first; c <= last; c++)
		set->has[c] = true;
}

/* The POSIX class of that name as git knows it (no \v and \f in space); false when there is none.
 */
static bool add_class(struct set *set, ifx_str name)
{
	static const struct {
		const char *name, *ranges; /* pairs of first and last */
	} classes[] = {
		{ "alnum", "09AZaz" },   { "alpha", "AZaz" },
		{ "blank", "\t\t  " },   { "cntrl", "\1\37\177\177" },
		{ "digit", "09" },       { "graph", "!~" },
		{ "lower", "az" },       { "print", " ~" },
		{ "punct", "!/:@[`{~" }, { "space", "\t\n\r\r  " },
		{ "upper", "AZ" },       { "xdigit", "09AFaf" },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (!ifx_str_eq(ifx_str_of(classes[i].name), name))
			continue;
		for (const char *r = classes[i].ranges; *r; r += 2)
			add_range(set, (unsigned char)r[0], (unsigned char)r[1]);
		return true;
	}
	return false;
}

/*
 * Read a bracket expression whose `[` is at s[*i]; *i moves behind its `]`. False when git would
 * never match it: no end, or a class of an unknown name.
 */
static bool read_set(ifx_str s, size_t *i, struct set *set)
{
	size_t at = *i + 1;
	bool negated = false, first = true;
	int before = -1; /* the byte that a range could start with */

	*set = (struct set){ { false } };
	if (at < s.len && (s.ptr[at] == '!' || s.ptr[at] == '^')) {
		negated = true;
		at++;
	}
	for (;; first = false) {
		unsigned char c;

		if (at >= s.len)
			return false;
		c = (unsigned char)s.ptr[at++];
		if (c == ']' && !first)
			break;
		if (c == '\\') {
			if (at >= s.len)
				return false;
			c = (unsigned char)s.ptr[at++];
		} else if (c == '-' && before >= 0 && at < s.len && s.ptr[at] != ']') {
			c = (unsigned char)s.ptr[at++];
			if (c == '\\') {
				if (at >= s.len)
					return false;
				c = (unsigned char)s.ptr[at++];
			}
			add_range(set, (unsigned char)before, c);
			before = -1;
			continue;
		} else if (c == '[' && at < s.len && s.ptr[at] == ':') {
			size_t end = ifx_str_chr(ifx_str_sub(s, at + 1, s.len - at - 1), ']');

			if (end == SIZE_MAX)
				return false;
			end += at + 1;
			/* `[:]` and `[:alpha]` are sets of these characters. */
			if (end > at + 1 && s.ptr[end - 1] == ':') {
				if (!add_class(set, ifx_str_sub(s, at + 1, end - at - 2)))
					return false;
				at = end + 1;
				before = -1;
				continue;
			}
		}
		set->has[c] = true;
		before = c;
	}
	*i = at;
	if (negated)
		for (size_t c = 0; c < 256; c++)
			set->has[c] = !set->has[c];
	set->has['/'] = false;
	return true;
}

static void add_set(struct ifx_buf *re, const struct set *set)
{
	size_t mark = re->len;
	bool any = false;

	ifx_buf_addc(re, '[');
	for (unsigned c = 0; c < 256; c++) {
		unsigned last = c;

		if (!set->has[c])
			continue;
		while (last < 255 && set->has[last + 1])
			last++;
		ifx_buf_addf(re, "\\x%02x-\\x%02x", c, last);
		any = true;
		c = last;
	}
	ifx_buf_addc(re, ']');
	if (!any && !re->bad) {
		re->len = mark;
		ifx_buf_add(re, IFX_LIT("(*FAIL)"));
	}
}

static void add_literal(struct ifx_buf *re, char c)
{
	ifx_buf_addf(re, "\\x%02x", (unsigned)(unsigned char)c);
}

/* The regular expression of a pattern; false when git would never match it. */
static bool translate(struct ifx_buf *re, ifx_str s)
{
	size_t i = 0;

	ifx_buf_add(re, IFX_LIT("(?s)"));
	while (i < s.len) {
		char c = s.ptr[i];
		size_t start = i;
		struct set set;

		switch (c) {
		case '*':
			while (i < s.len && s.ptr[i] == '*')
				i++;
			if (i - start == 1 || (start && s.ptr[start - 1] != '/')) {
				ifx_buf_add(re, IFX_LIT("[^/]*"));
			} else if (i == s.len) {
				ifx_buf_add(re, IFX_LIT(".*"));
			} else if (s.ptr[i] == '/') {
				ifx_buf_add(re, IFX_LIT("(?:.*/)?"));
				i++;
			} else if (i + 1 < s.len && s.ptr[i] == '\\' && s.ptr[i + 1] == '/') {
				ifx_buf_add(re, IFX_LIT(".*"));
			} else {
				ifx_buf_add(re, IFX_LIT("[^/]*"));
			}
			break;
		case '?':
			ifx_buf_add(re, IFX_LIT("[^/]"));
			i++;
			break;
		case '[':
			if (!read_set(s, &i, &set))
				return false;
			add_set(re, &set);
			break;
		case '\\':
			if (++i == s.len)
				return false;
			c = s.ptr[i];
			/* fall through */
		default:
			add_literal(re, c);
			i++;
		}
	}
	return true;
}

/* Fill in `p` from the pattern proper; false when it can never match. */
static ifx_status fill(struct pattern *p, ifx_str s, bool *useful)
{
	struct ifx_buf re;
	ifx_status st = IFX_OK;
	size_t n;

	*useful = false;
	if (s.len > IFX_IGNORE_PATTERN_MAX)
		return IFX_OK;
	if (p->basename && s.len && s.ptr[0] == '*' && literal_length(s) == 0 &&
	    literal_length(ifx_str_sub(s, 1, s.len - 1)) == s.len - 1) {
		p->suffix = true;
		s = ifx_str_sub(s, 1, s.len - 1);
	}
	n = literal_length(s);
	ifx_buf_init(&re, IFX_BUF_MAX);
	if (n < s.len) {
		if (!translate(&re, ifx_str_sub(s, n, s.len - n)))
			goto out;
		st = ifx_buf_status(&re);
		if (st == IFX_OK) {
			ifx_str pattern = ifx_buf_str(&re);
			struct ifx_buf err;

			ifx_buf_init(&err, 256);
			st = ifx_regex_new(&p->rest, pattern, 0, &err);
			ifx_buf_release(&err);
		}
		if (st != IFX_OK) {
			/* Too large for PCRE2: it could match no path that exists. */
			if (st == IFX_EINVAL)
				st = IFX_OK;
			goto out;
		}
	}
	p->text = ifx_calloc(n + 1, 1);
	if (!p->text) {
		st = IFX_ENOMEM;
		goto out;
	}
	if (n)
		memcpy(p->text, s.ptr, n);
	p->len = n;
	*useful = true;
out:
	if (!*useful) {
		ifx_regex_free(p->rest);
		p->rest = NULL;
	}
	ifx_buf_release(&re);
	return st;
}

/* Without the blanks at its end that no backslash protects. */
static ifx_str trim_blanks(ifx_str s)
{
	size_t keep = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == ' ')
			continue;
		if (s.ptr[i] == '\\' && ++i == s.len)
			return s;
		keep = i + 1;
	}
	s.len = keep;
	return s;
}

ifx_status ifx_ignore_line(struct ifx_ignore *list, ifx_str line)
{
	struct pattern p = { 0 }, *items;
	size_t nul = ifx_str_chr(line, '\0');
	bool useful;
	ifx_status st;

	if (nul != SIZE_MAX)
		line.len = nul;
	if (!line.len || line.ptr[0] == '#')
		return IFX_OK;
	line = trim_blanks(line);
	if (line.len && line.ptr[0] == '!') {
		p.negated = true;
		line = ifx_str_sub(line, 1, line.len - 1);
	}
	if (line.len && line.ptr[line.len - 1] == '/') {
		p.only_dirs = true;
		line.len--;
	}
	p.basename = ifx_str_chr(line, '/') == SIZE_MAX;
	if (line.len && line.ptr[0] == '/')
		line = ifx_str_sub(line, 1, line.len - 1);
	if (!line.len)
		return IFX_OK;
	items = ifx_grow(list->items, &list->cap, list->n + 1, sizeof(*items));
	if (!items)
		return IFX_ENOMEM;
	list->items = items;
	st = fill(&p, line, &useful);
	if (useful)
		items[list->n++] = p;
	return st;
}

ifx_status ifx_ignore_lines(struct ifx_ignore *list, ifx_str text)
{
	ifx_status st = IFX_OK;
	ifx_str line;

	if (ifx_str_starts(text, IFX_LIT("\xef\xbb\xbf")))
		text = ifx_str_sub(text, 3, text.len - 3);
	while (st == IFX_OK && ifx_str_split(&text, '\n', &line)) {
		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		st = ifx_ignore_line(list, line);
	}
	return st;
}

static bool matches(const struct pattern *p, ifx_str path, ifx_str name)
{
	ifx_str text = { p->text, p->len };
	ifx_str subject = p->basename ? name : path;

	if (p->suffix)
		return ifx_str_ends(subject, text);
	if (!p->rest)
		return ifx_str_eq(subject, text);
	return ifx_str_starts(subject, text) &&
	       ifx_regex_match(p->rest, ifx_str_sub(subject, p->len, subject.len - p->len), NULL);
}

ifx_verdict ifx_ignore_match(const struct ifx_ignore *list, ifx_str path, bool is_dir)
{
	const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
	size_t cut = slash ? (size_t)(slash - path.ptr) + 1 : 0;
	ifx_str name = ifx_str_sub(path, cut, path.len - cut);

	for (size_t i = list->n; i-- > 0;) {
		const struct pattern *p = &list->items[i];

		if (p->only_dirs && !is_dir)
			continue;
		if (matches(p, path, name))
			return p->negated ? IFX_INCLUDED : IFX_IGNORED;
	}
	return IFX_UNDECIDED;
}

bool ifx_ignore_covers(const struct ifx_ignore *list, ifx_str path, bool is_dir)
{
	for (size_t i = 1; i < path.len; i++)
		if (path.ptr[i] == '/' &&
		    ifx_ignore_match(list, ifx_str_sub(path, 0, i), true) == IFX_IGNORED)
			return true;
	return path.len && ifx_ignore_match(list, path, is_dir) == IFX_IGNORED;
}
