/* The bytes of a file. */
#ifndef IFX_IO_READ_H
#define IFX_IO_READ_H

#include "base/buf.h"

#include <sys/stat.h>

/** A file larger than this is refused: libfyaml counts in int. Bytes. */
#define IFX_FILE_MAX ((size_t)1 << 30)

/** Append what the errno `code` means, in our own lower case: "no such file or directory". */
void ifx_file_error(struct ifx_buf *err, int code);

/**
 * Read a file whole.
 * out  replaced; its memory is used again.
 * st   what fstat said.
 * err  one line without file name when the answer is not IFX_OK. Not a regular file (FIFO, device,
 *      directory): IFX_EREFUSED, without blocking. Larger than IFX_FILE_MAX: IFX_ELIMIT.
 */
IFX_MUST_USE ifx_status ifx_file_read(struct ifx_buf *out, const char *path, struct stat *st,
				      struct ifx_buf *err);
/** The same with `flags` more for open, and `max` for IFX_FILE_MAX. IFX_EIO leaves errno. */
IFX_MUST_USE ifx_status ifx_file_read_as(struct ifx_buf *out, const char *path, int flags,
					 size_t max, struct stat *st, struct ifx_buf *err);
/** As ifx_file_read for an open descriptor (standard input). */
IFX_MUST_USE ifx_status ifx_fd_read(struct ifx_buf *out, int fd, struct ifx_buf *err);

#endif
