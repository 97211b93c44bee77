/*
 * Files that come and go as a whole. No symbolic link is followed in the last step of a path, and
 * nothing that is there is ever written over.
 */
#ifndef IFX_IO_CREATE_H
#define IFX_IO_CREATE_H

#include "base/buf.h"

#include <sys/stat.h>

/**
 * Make a file with these bytes; its directory has to be there.
 * path  NUL-terminated.
 * err   one line without file name. IFX_EREFUSED: something has that name already.
 */
IFX_MUST_USE ifx_status ifx_file_create(const char *path, ifx_str bytes, struct ifx_buf *err);
/** Remove a regular file that is still the one that was read. */
IFX_MUST_USE ifx_status ifx_file_remove(const char *path, const struct stat *before,
					struct ifx_buf *err);
/** Make a directory; that it is there is fine, that it is a link is not. */
IFX_MUST_USE ifx_status ifx_directory_make(const char *path, struct ifx_buf *err);

#endif
