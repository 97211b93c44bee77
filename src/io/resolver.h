/*
 * Absolute paths without symbolic links, for many files of one tree. realpath(3) asks for every
 * component of every path; here a directory that was seen last is not asked for again.
 *
 * While it is used, nobody may change the tree's directories or the current directory.
 */
#ifndef IFX_IO_RESOLVER_H
#define IFX_IO_RESOLVER_H

#include "base/buf.h"

struct ifx_resolver {
	struct ifx_buf plain; /* the last path, none of whose components is a link */
	struct ifx_buf real;  /* of the current directory, when `plain` is relative */
};

void ifx_resolver_init(struct ifx_resolver *r);
void ifx_resolver_release(struct ifx_resolver *r);
/** As ifx_path_resolve (io/files.h), which it falls back to. path ends in NUL. */
IFX_MUST_USE ifx_status ifx_resolver_resolve(struct ifx_resolver *r, struct ifx_buf *out,
					     const char *path);

#endif
