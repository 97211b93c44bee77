#include "io/resolver.h"

#include "io/files.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

void ifx_resolver_init(struct ifx_resolver *r)
{
	ifx_buf_init(&r->plain, PATH_MAX);
	ifx_buf_init(&r->real, PATH_MAX);
}

void ifx_resolver_release(struct ifx_resolver *r)
{
	ifx_buf_release(&r->plain);
	ifx_buf_release(&r->real);
}

/* `a//b`, `./a`, `a/../b`: what those mean is left to realpath. */
static bool is_tidy(ifx_str path)
{
	ifx_str part, rest = path;

	if (ifx_str_starts(rest, IFX_LIT("/")))
		rest = ifx_str_sub(rest, 1, rest.len - 1);
	while (ifx_str_split(&rest, '/', &part))
		if (!part.len || ifx_str_eq(part, IFX_LIT(".")) || ifx_str_eq(part, IFX_LIT("..")))
			return false;
	return path.len && path.len < PATH_MAX;
}

/* Bytes of whole components that both begin with. */
static size_t common(ifx_str a, ifx_str b)
{
	size_t n = 0, end = 0;

	while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n]) {
		if (a.ptr[n] == '/')
			end = n;
		n++;
	}
	if ((n == a.len || a.ptr[n] == '/') && (n == b.len || b.ptr[n] == '/'))
		end = n;
	return end;
}

/* Start anew at the root or the current directory. */
static bool restart(struct ifx_resolver *r, ifx_str path)
{
	bool absolute = path.ptr[0] == '/';

	ifx_buf_clear(&r->plain);
	ifx_buf_clear(&r->real);
	return absolute || ifx_path_resolve(&r->real, ".") == IFX_OK;
}

static bool is_link(const char *path, bool *known)
{
	char target[2];
	ssize_t n = readlink(path, target, sizeof(target));

	*known = n >= 0 || errno == EINVAL;
	return n >= 0;
}

/* Is no component of `path` behind `from` a link? */
static bool are_plain(ifx_str path, size_t from)
{
	char name[PATH_MAX];
	bool known;

	memcpy(name, path.ptr, path.len);
	for (size_t i = from + 1; i <= path.len; i++) {
		if (i < path.len && path.ptr[i] != '/')
			continue;
		name[i] = '\0';
		if (is_link(name, &known) || !known)
			return false;
		name[i] = '/';
	}
	return true;
}

ifx_status ifx_resolver_resolve(struct ifx_resolver *r, struct ifx_buf *out, const char *path)
{
	ifx_str text = ifx_str_of(path), plain = ifx_buf_str(&r->plain);
	size_t from;

	if (!is_tidy(text))
		return ifx_path_resolve(out, path);
	if (!plain.len || (plain.ptr[0] == '/') != (text.ptr[0] == '/')) {
		if (!restart(r, text))
			return ifx_path_resolve(out, path);
		plain = IFX_LIT("");
	}
	from = common(plain, text);
	if (!are_plain(text, from)) {
		ifx_buf_clear(&r->plain);
		return ifx_path_resolve(out, path);
	}
	ifx_buf_clear(&r->plain);
	ifx_buf_add(&r->plain, text);
	ifx_buf_clear(out);
	ifx_buf_add(out, ifx_buf_str(&r->real));
	if (text.ptr[0] != '/' && !ifx_str_eq(ifx_buf_str(&r->real), IFX_LIT("/")))
		ifx_buf_addc(out, '/');
	ifx_buf_add(out, text);
	return r->plain.bad ? IFX_ENOMEM : ifx_buf_status(out);
}
