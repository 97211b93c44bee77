/*
 * Replace a file atomically. Symbolic links were resolved by the caller (ifx_path_resolve); one
 * that is still there is refused.
 *
 * Either the old bytes or the new bytes are there, whatever fails, and no other file is left. That
 * holds whenever this process is killed, too: the new file has no name (stage.h) until a helper
 * process gives it one and renames it in two calls, whatever becomes of us meanwhile. What can
 * leave a temporary file is only what ends both between the two calls (the machine stops), or a
 * kill on a file system that has no unnamed files (NFS, FAT); the next run over the directory
 * removes it (ifx_temp_sweep).
 */
#ifndef IFX_IO_INPLACE_H
#define IFX_IO_INPLACE_H

#include "base/buf.h"

#include <sys/stat.h>

/**
 * path    NUL-terminated.
 * before  what fstat said when the file was read; a file that has another inode, size or
 *         modification time now is left alone (IFX_EREFUSED).
 * backup  keep the old file beside it, under its name and this suffix, in place of what has that
 *         name; ptr NULL: do not.
 * err     one line without file name and line end that says what failed and what to do.
 *
 * A file with several hard links would lose its other names by a rename: refused as well
 * (IFX_EREFUSED). A file that we may not write, or that nobody may (also when we are root), is
 * refused although a rename could replace it.
 */
IFX_MUST_USE ifx_status ifx_inplace(const char *path, const struct stat *before, ifx_str bytes,
				    ifx_str backup, struct ifx_buf *err);

#endif
