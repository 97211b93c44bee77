/* Names of files as text; nothing here asks the file system about them. */
#include "io/files.h"

#include <limits.h>
#include <unistd.h>

ifx_str ifx_dir_of(ifx_str path)
{
	const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;

	if (!slash)
		return IFX_LIT(".");
	return ifx_str_sub(path, 0, slash == path.ptr ? 1 : (size_t)(slash - path.ptr));
}

bool ifx_is_settings_file(ifx_str path)
{
	ifx_str dir = ifx_dir_of(path), name = path;

	if (ifx_str_chr(path, '/') != SIZE_MAX) {
		size_t from = dir.len + !ifx_str_eq(dir, IFX_LIT("/"));

		name = ifx_str_sub(path, from, path.len - from);
	}
	return ifx_str_eq(name, IFX_LIT(".istio-fix.yaml")) ||
	       ifx_str_eq(name, IFX_LIT(".istio-fix.yml"));
}

bool ifx_path_below(struct ifx_buf *out, ifx_str path)
{
	char cwd[PATH_MAX];
	ifx_str rest = path, step, here;
	size_t kept[PATH_MAX / 2], n = 0;

	ifx_buf_clear(out);
	if (path.len && path.ptr[0] == '/') {
		here = getcwd(cwd, sizeof(cwd)) ? ifx_str_of(cwd) : IFX_NONE;
		if (!here.len || !ifx_str_starts(path, here) || path.len == here.len ||
		    (here.len > 1 && path.ptr[here.len] != '/'))
			goto outside;
		rest = ifx_str_sub(path, here.len, path.len - here.len);
	}
	while (ifx_str_split(&rest, '/', &step)) {
		if (!step.len || ifx_str_eq(step, IFX_LIT(".")))
			continue;
		if (ifx_str_eq(step, IFX_LIT(".."))) {
			if (!n)
				goto outside;
			out->len = kept[--n];
			continue;
		}
		if (n == sizeof(kept) / sizeof(*kept))
			goto outside;
		kept[n++] = out->len;
		if (out->len)
			ifx_buf_addc(out, '/');
		ifx_buf_add(out, step);
	}
	return true;
outside:
	ifx_buf_clear(out);
	ifx_buf_add(out, path);
	return false;
}
