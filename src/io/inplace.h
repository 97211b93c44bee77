/*
 * Replace a file atomically: a temporary file `.istio-fix.XXXXXX` in the same directory; owner,
 * mode, access control list and, as far as we may, other extended attributes kept; the file
 * flushed, a rename, the directory flushed. Symbolic links were resolved by the caller
 * (ifx_path_resolve); one that is still there is refused.
 *
 * Either the old bytes or the new bytes are there, whatever fails, and no other file is left.
 */
#ifndef IFX_IO_INPLACE_H
#define IFX_IO_INPLACE_H

#include "base/buf.h"

#include <sys/stat.h>

/**
 * path    NUL-terminated.
 * before  what fstat said when the file was read; a file that has another inode, size or
 *         modification time now is left alone (IFX_EREFUSED).
 * err     one line without file name and line end that says what failed and what to do.
 *
 * A file with several hard links would lose its other names by a rename: refused as well
 * (IFX_EREFUSED). A file that we may not write, or that nobody may (also when we are root), is
 * refused although a rename could replace it.
 */
IFX_MUST_USE ifx_status ifx_inplace(const char *path, const struct stat *before, ifx_str bytes,
				    struct ifx_buf *err);

#endif
