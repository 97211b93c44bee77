#include "say.h"

void ifx_say_text(struct ifx_buf *out, ifx_str text)
{
	static const char letters[] = "\nn\rr\tt";

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		const char *letter = c ? strchr(letters, c) : NULL;

		if ((unsigned char)c >= 0x20 && c != 0x7f)
			ifx_buf_addc(out, c);
		else if (letter)
			ifx_buf_addf(out, "\\%c", letter[1]);
		else
			ifx_buf_addf(out, "\\x%02x", (unsigned)c);
	}
}

void ifx_say_error(struct ifx_buf *out, const char *fmt, ...)
{
	struct ifx_buf text;
	va_list ap;

	ifx_buf_init(&text, IFX_BUF_MAX);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	ifx_buf_add(out, IFX_LIT("istio-fix: error: "));
	ifx_say_text(out, ifx_buf_str(&text));
	ifx_buf_addc(out, '\n');
	out->bad |= text.bad;
	ifx_buf_release(&text);
}

void ifx_say_file_error(struct ifx_buf *out, ifx_str path, ifx_str message, const char *rule)
{
	ifx_say_text(out, path);
	ifx_buf_add(out, IFX_LIT(": error: "));
	ifx_say_text(out, message);
	ifx_buf_addf(out, " [%s]\n", rule);
}
