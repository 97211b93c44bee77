#include "ambient/markup.h"

static bool is_shapeless(uint32_t c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0xad ||
	       c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xfdd0 && c <= 0xfdef) ||
	       (c & 0xfffe) == 0xfffe || (c >= 0xe0000 && c <= 0xe007f);
}

static const char *entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void ifx_html_text(struct ifx_buf *out, ifx_str text)
{
	for (size_t i = 0; i < text.len;) {
		ifx_str rest = ifx_str_sub(text, i, text.len - i);
		uint32_t c = 0;
		size_t len = ifx_utf8_decode(rest, &c);
		const char *e = len == 1 ? entity(c) : NULL;

		if (!len)
			ifx_buf_add(out, IFX_LIT("\xef\xbf\xbd"));
		else if (is_shapeless(c))
			ifx_buf_addf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
		else
			ifx_buf_add(out, e ? ifx_str_of(e) : ifx_str_sub(rest, 0, len));
		i += len ? len : 1;
	}
}

void ifx_html_attribute(struct ifx_buf *out, const char *name, ifx_str text)
{
	ifx_buf_addf(out, " %s=\"", name);
	ifx_html_text(out, text);
	ifx_buf_addc(out, '"');
}

void ifx_html_element(struct ifx_buf *out, const char *tag, ifx_str text)
{
	size_t name = strcspn(tag, " ");

	ifx_buf_addf(out, "<%s>", tag);
	ifx_html_text(out, text);
	ifx_buf_addf(out, "</%.*s>", (int)name, tag);
}
