#include "report/plain.h"

/* What could move a terminal's cursor, end a line, or turn the text around. */
static bool is_unprintable(uint32_t p)
{
	return p < 0x20 || (p >= 0x7f && p < 0xa0) || p == 0x2028 || p == 0x2029 ||
	       (p >= 0x200e && p <= 0x200f) || (p >= 0x202a && p <= 0x202e) ||
	       (p >= 0x2066 && p <= 0x2069);
}

void ifx_add_plain(struct ifx_buf *out, ifx_str s)
{
	size_t done = 0;

	for (size_t at = 0; at < s.len;) {
		uint32_t p = 0;
		size_t len = ifx_utf8_decode(ifx_str_sub(s, at, s.len - at), &p);

		if (len && !is_unprintable(p)) {
			at += len;
			continue;
		}
		ifx_buf_add(out, ifx_str_sub(s, done, at - done));
		if (p == '\n')
			ifx_buf_add(out, IFX_LIT("\\n"));
		else if (p == '\r')
			ifx_buf_add(out, IFX_LIT("\\r"));
		else if (p == '\t')
			ifx_buf_add(out, IFX_LIT("\\t"));
		else if (!len || p < 0x80)
			ifx_buf_addf(out, "\\x%02x", (unsigned)(unsigned char)s.ptr[at]);
		else
			ifx_buf_addf(out, "\\u%04x", (unsigned)p);
		at += len ? len : 1;
		done = at;
	}
	ifx_buf_add(out, ifx_str_sub(s, done, s.len - done));
}
