#include "base/buf.h"

#include "base/alloc.h"

#include <stdio.h>

void ifx_buf_init(struct ifx_buf *buf, size_t max)
{
	*buf = (struct ifx_buf){ .max = max };
}

void ifx_buf_release(struct ifx_buf *buf)
{
	ifx_free(buf->data);
	buf->data = NULL;
	buf->len = buf->cap = 0;
}

void ifx_buf_clear(struct ifx_buf *buf)
{
	buf->len = 0;
	buf->bad = false;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Room for n more bytes and the NUL. */
static bool reserve(struct ifx_buf *buf, size_t n)
{
	char *data;

	if (buf->bad || n > buf->max - buf->len) {
		buf->bad = true;
		return false;
	}
	data = ifx_grow(buf->data, &buf->cap, buf->len + n + 1, 1);
	if (!data) {
		buf->bad = true;
		return false;
	}
	buf->data = data;
	return true;
}

void ifx_buf_add(struct ifx_buf *buf, ifx_str text)
{
	if (!reserve(buf, text.len))
		return;
	if (text.len)
		memcpy(buf->data + buf->len, text.ptr, text.len);
	buf->len += text.len;
	buf->data[buf->len] = '\0';
}

void ifx_buf_addc(struct ifx_buf *buf, char c)
{
	ifx_buf_add(buf, (ifx_str){ &c, 1 });
}

void ifx_buf_add_number(struct ifx_buf *buf, size_t n)
{
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	ifx_buf_add(buf, (ifx_str){ digits + at, sizeof(digits) - at });
}

void ifx_buf_fill(struct ifx_buf *buf, char c, size_t n)
{
	if (!reserve(buf, n))
		return;
	memset(buf->data + buf->len, c, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
}

void ifx_buf_vaddf(struct ifx_buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && reserve(buf, (size_t)n)) {
		vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
		buf->len += (size_t)n;
	} else {
		buf->bad = true;
	}
	va_end(again);
}

void ifx_buf_addf(struct ifx_buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_vaddf(buf, fmt, ap);
	va_end(ap);
}

void ifx_buf_add_json(struct ifx_buf *out, ifx_str text)
{
	size_t done = 0;

	ifx_buf_addc(out, '"');
	for (size_t at = 0; at < text.len;) {
		uint32_t p = 0;
		size_t len = ifx_utf8_decode(ifx_str_sub(text, at, text.len - at), &p);

		if (len && p >= 0x20 && p != '"' && p != '\\' && p != 0x7f) {
			at += len;
			continue;
		}
		ifx_buf_add(out, ifx_str_sub(text, done, at - done));
		if (!len)
			ifx_buf_add(out, IFX_LIT("\xef\xbf\xbd"));
		else if (p == '"' || p == '\\')
			ifx_buf_addf(out, "\\%c", (int)p);
		else if (p == '\n')
			ifx_buf_add(out, IFX_LIT("\\n"));
		else if (p == '\r')
			ifx_buf_add(out, IFX_LIT("\\r"));
		else if (p == '\t')
			ifx_buf_add(out, IFX_LIT("\\t"));
		else
			ifx_buf_addf(out, "\\u%04x", (unsigned)p);
		at += len ? len : 1;
		done = at;
	}
	ifx_buf_add(out, ifx_str_sub(text, done, text.len - done));
	ifx_buf_addc(out, '"');
}
