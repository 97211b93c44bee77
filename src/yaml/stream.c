#include "yaml/load.h"

ifx_status ifx_problem_say(struct ifx_problem *p, ifx_status st, size_t at, const char *fmt, ...)
{
	va_list ap;

	p->at = at;
	ifx_buf_clear(&p->text);
	va_start(ap, fmt);
	ifx_buf_vaddf(&p->text, fmt, ap);
	va_end(ap);
	return p->text.bad ? IFX_ENOMEM : st;
}

/* ---- pre-check ---- */

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
		return ifx_problem_say(p, IFX_EINVAL, 0, "text is UTF-16; save it as UTF-8");
	if (s[at] == 0)
		return ifx_problem_say(
			p, IFX_EINVAL, at,
			"NUL byte: this is not text, or it is UTF-16; save it as UTF-8");
	if (s[at] < 0x20 || s[at] == 0x7F)
		return ifx_problem_say(p, IFX_EINVAL, at,
				       "control character 0x%02x is not allowed in YAML; remove it",
				       s[at]);
	return ifx_problem_say(p, IFX_EINVAL, at,
			       "byte 0x%02x is not UTF-8; save the file as UTF-8", s[at]);
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
					return ifx_problem_say(
						p, IFX_ELIMIT, at,
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
				return ifx_problem_say(
					p, IFX_ELIMIT, at,
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
			return ifx_problem_say(
				p, IFX_EINVAL, at,
				"control character U+%04lX is not allowed in YAML; remove it", c);
		if (c == 0xFFFE || c == 0xFFFF)
			return ifx_problem_say(p, IFX_EINVAL, at,
					       "U+%04lX is not a character; remove it", c);
		if (c == 0xFEFF && at)
			return ifx_problem_say(p, IFX_EINVAL, at,
					       "byte order mark inside the text; remove it");
		if (c == 0xFEFF)
			line_start = true;
		at += n;
	}
	return IFX_OK;
}

/* ---- the stream ---- */

bool ifx_is_marker(ifx_str s, size_t at, const char *marker)
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

		if (c == '-' && ifx_is_marker(stream, line, "---")) {
			if (content)
				break;
			content = true;
		} else if (c == '.' && ifx_is_marker(stream, line, "...")) {
			line = ifx_line_next(stream, line);
			break;
		} else if (!content && c != '#' && c != '%') {
			size_t i = line;

			while (i < stream.len && (stream.ptr[i] == ' ' || stream.ptr[i] == '\t'))
				i++;
			if (i < stream.len && !strchr("#\r\n", stream.ptr[i]))
				content = true;
		}
		/* memchr is much faster than a byte loop; a lone CR is rare but is a line break
		 * too. */
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

ifx_status ifx_check_lines(ifx_str src, struct ifx_problem *p)
{
	for (size_t at = 0, next; at < src.len; at = next) {
		next = ifx_line_next(src, at);
		if (next - at > IFX_LINE_MAX)
			return ifx_problem_say(p, IFX_ELIMIT, at,
					       "a line is longer than %zu MiB; break it up",
					       IFX_LINE_MAX >> 20);
	}
	return IFX_OK;
}
