#include "report/uri.h"

#include "report/format.h"

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ifx_is_digit(c) || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

void ifx_add_uri(struct ifx_buf *out, ifx_str path)
{
	struct ifx_buf name;

	ifx_buf_init(&name, IFX_BUF_MAX);
	ifx_add_repository_path(&name, path);
	if (name.len && name.data[0] == '/')
		ifx_buf_add(out, IFX_LIT("file://"));
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (is_unreserved(c) || c == '/')
			ifx_buf_addc(out, c);
		else
			ifx_buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
	}
	out->bad |= name.bad;
	ifx_buf_release(&name);
}
