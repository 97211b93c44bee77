#include "report/members.h"

void ifx_add_key(struct ifx_buf *out, const char *key)
{
	ifx_buf_addf(out, "%s\"%s\":", out->len && out->data[out->len - 1] == '{' ? "" : ",", key);
}

void ifx_add_string(struct ifx_buf *out, const char *key, ifx_str value)
{
	ifx_add_key(out, key);
	if (value.ptr)
		ifx_buf_add_json(out, value);
	else
		ifx_buf_add(out, IFX_LIT("null"));
}

void ifx_add_number(struct ifx_buf *out, const char *key, size_t value)
{
	ifx_add_key(out, key);
	ifx_buf_addf(out, "%zu", value);
}

void ifx_add_bool(struct ifx_buf *out, const char *key, bool value)
{
	ifx_add_key(out, key);
	ifx_buf_add(out, value ? IFX_LIT("true") : IFX_LIT("false"));
}
