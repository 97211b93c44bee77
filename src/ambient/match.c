#include "ambient/match.h"

#include <arpa/inet.h>
#include <stdlib.h>

static bool same(ifx_str a, ifx_str b, bool icase)
{
	return icase ? ifx_str_ieq(a, b) : ifx_str_eq(a, b);
}

static bool pattern(ifx_str p, ifx_str text, bool icase)
{
	if (p.len == 1 && p.ptr[0] == '*')
		return text.len > 0;
	if (p.len && p.ptr[0] == '*') {
		p = ifx_str_sub(p, 1, p.len - 1);
		return text.len >= p.len &&
		       same(ifx_str_sub(text, text.len - p.len, p.len), p, icase);
	}
	if (p.len && p.ptr[p.len - 1] == '*') {
		p.len--;
		return text.len >= p.len && same(ifx_str_sub(text, 0, p.len), p, icase);
	}
	return same(p, text, icase);
}

bool ifx_pattern_match(ifx_str p, ifx_str text)
{
	return pattern(p, text, false);
}

bool ifx_pattern_imatch(ifx_str p, ifx_str text)
{
	return pattern(p, text, true);
}

bool ifx_glob_match(ifx_str glob, ifx_str text)
{
	size_t g = 0, t = 0, star = SIZE_MAX, from = 0;

	while (t < text.len) {
		if (g < glob.len && glob.ptr[g] == '*') {
			star = ++g; /* the text of an earlier star need not change any more */
			from = t;
		} else if (g < glob.len && glob.ptr[g] == text.ptr[t]) {
			g++;
			t++;
		} else if (star != SIZE_MAX) {
			g = star;
			t = ++from;
		} else {
			return false;
		}
	}
	while (g < glob.len && glob.ptr[g] == '*')
		g++;
	return g == glob.len;
}

bool ifx_is_path_template(ifx_str p)
{
	return ifx_str_find(p, IFX_LIT("{*}")) != SIZE_MAX ||
	       ifx_str_find(p, IFX_LIT("{**}")) != SIZE_MAX;
}

/*
 * `{*}` is a run of at least one byte that is no slash, `{**}` any run. Operators stand between
 * slashes, at most one `{**}`; so going back to the last one that may grow is enough.
 */
static bool template_match(ifx_str t, ifx_str path)
{
	const ifx_str one = IFX_LIT("{*}"), many = IFX_LIT("{**}");
	size_t i = 0, p = 0, back_i = SIZE_MAX, back_p = 0;

	for (;;) {
		ifx_str rest = ifx_str_sub(t, i, t.len - i);

		if (ifx_str_starts(rest, many)) {
			i += many.len;
			back_i = i;
			back_p = p;
			continue;
		}
		if (ifx_str_starts(rest, one) && p < path.len && path.ptr[p] != '/') {
			while (p < path.len && path.ptr[p] != '/')
				p++;
			i += one.len;
			continue;
		}
		if (!rest.len && p == path.len)
			return true;
		if (rest.len && p < path.len && *rest.ptr == path.ptr[p] &&
		    !ifx_str_starts(rest, one)) {
			i++;
			p++;
			continue;
		}
		if (back_i == SIZE_MAX || back_p >= path.len)
			return false;
		i = back_i;
		p = ++back_p;
	}
}

bool ifx_path_pattern_match(ifx_str p, ifx_str path)
{
	size_t end = ifx_str_chr(path, '?'), fragment = ifx_str_chr(path, '#');

	if (fragment < end)
		end = fragment;
	if (end < path.len)
		path.len = end;
	return ifx_is_path_template(p) ? template_match(p, path) : ifx_pattern_match(p, path);
}

bool ifx_block_parse(ifx_block *out, ifx_str text)
{
	char copy[INET6_ADDRSTRLEN];
	size_t slash = ifx_str_chr(text, '/');
	size_t len = slash == SIZE_MAX ? text.len : slash;

	*out = (ifx_block){ 0 };
	if (!len || len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, out->bytes) == 1)
		out->len = 4;
	else if (inet_pton(AF_INET6, copy, out->bytes) == 1)
		out->len = 16;
	else
		return false;
	out->bits = out->len * 8;
	if (slash == SIZE_MAX)
		return true;
	return ifx_port_parse(&out->bits, ifx_str_sub(text, slash + 1, text.len - slash - 1)) &&
	       out->bits <= out->len * 8;
}

bool ifx_block_has(const ifx_block *block, const ifx_block *address)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;

	if (block->len != address->len || block->bits > address->bits ||
	    memcmp(block->bytes, address->bytes, whole) != 0)
		return false;
	return !rest || (block->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool ifx_block_match(ifx_str block, ifx_str address)
{
	ifx_block b, a;

	return address.ptr && ifx_block_parse(&b, block) && ifx_block_parse(&a, address) &&
	       ifx_block_has(&b, &a);
}

bool ifx_port_parse(unsigned *out, ifx_str text)
{
	unsigned port = 0;

	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]))
			return false;
		port = port * 10 + (unsigned)(text.ptr[i] - '0');
		if (port > 65535)
			return false;
	}
	*out = port;
	return true;
}

bool ifx_identity_parse(struct ifx_identity *out, ifx_str principal)
{
	ifx_str rest = principal, piece[6];
	size_t n = 0;

	while (n < 6 && ifx_str_split(&rest, '/', &piece[n]))
		n++;
	if (n != 5 || !ifx_str_eq(piece[1], IFX_LIT("ns")) || !ifx_str_eq(piece[3], IFX_LIT("sa")))
		return false;
	*out = (struct ifx_identity){ piece[0], piece[2], piece[4] };
	return true;
}
