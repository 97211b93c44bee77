#include "io/read.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"

void ifx_file_error(struct ifx_buf *err, int code)
{
	ifx_str text = ifx_str_of(strerror(code));

	/* "No such file", but not "RPC struct is bad". */
	if (text.len > 1 && text.ptr[0] >= 'A' && text.ptr[0] <= 'Z' && text.ptr[1] >= 'a') {
		ifx_buf_addc(err, (char)(text.ptr[0] | 0x20));
		text = ifx_str_sub(text, 1, text.len - 1);
	}
	ifx_buf_add(err, text);
}

/* Room for `n` more bytes behind the content. */
static char *room(struct ifx_buf *buf, size_t n)
{
	char *data = ifx_grow(buf->data, &buf->cap, buf->len + n + 1, 1);

	if (!data) {
		buf->bad = true;
		return NULL;
	}
	buf->data = data;
	return data + buf->len;
}

/*
 * Read to the end. `expected` bytes are likely to come: one more is asked for, so that the end of
 * a file that did not change is seen without growing the buffer.
 */
static ifx_status read_all(struct ifx_buf *out, int fd, size_t expected, size_t max,
			   struct ifx_buf *err)
{
	size_t step = expected + 1;

	if (max > out->max)
		max = out->max;
	ifx_buf_clear(out);
	for (;;) {
		char *to;
		ssize_t n;

		if (step > max - out->len + 1)
			step = max - out->len +
			       1; /* one byte too many proves that it is too large */
		to = room(out, step);
		if (!to) {
			ifx_buf_add(err, IFX_LIT("out of memory"));
			return IFX_ENOMEM;
		}
		n = read(fd, to, step);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			struct pollfd wait = { .fd = fd, .events = POLLIN };

			if (poll(&wait, 1, -1) >= 0 || errno == EINTR)
				continue;
		}
		if (n < 0) {
			ifx_file_error(err, errno);
			return IFX_EIO;
		}
		if ((size_t)n > max - out->len) {
			ifx_buf_clear(out);
			ifx_buf_addf(err, "larger than %zu bytes", max);
			return IFX_ELIMIT;
		}
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (n == 0)
			return IFX_OK;
		if ((size_t)n < step)
			step -= (size_t)n;
		else
			step = out->len < 65536 ? 65536 : out->len;
	}
}

ifx_status ifx_file_read_as(struct ifx_buf *out, const char *path, int flags, size_t max,
			    struct stat *st, struct ifx_buf *err)
{
	/* O_NONBLOCK: a FIFO without a writer must not stop us before fstat tells what it is. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | flags);
	ifx_status status;
	int code;

	ifx_buf_clear(out);
	if (fd < 0 && errno == ENXIO) { /* a socket */
		ifx_buf_add(err, IFX_LIT("not a regular file"));
		return IFX_EREFUSED;
	}
	if (fd < 0) {
		code = errno;
		ifx_file_error(err, code);
		errno = code;
		return IFX_EIO;
	}
	if (fstat(fd, st)) {
		ifx_file_error(err, errno);
		status = IFX_EIO;
	} else if (!S_ISREG(st->st_mode)) {
		ifx_buf_add(err, S_ISDIR(st->st_mode) ? IFX_LIT("is a directory")
						      : IFX_LIT("not a regular file"));
		status = IFX_EREFUSED;
	} else if (st->st_size < 0 || (uintmax_t)st->st_size > max) {
		ifx_buf_addf(err, "larger than %zu bytes", max);
		status = IFX_ELIMIT;
	} else {
		status = read_all(out, fd, (size_t)st->st_size, max, err);
	}
	code = errno;
	close(fd);
	errno = code;
	return status;
}

ifx_status ifx_file_read(struct ifx_buf *out, const char *path, struct stat *st,
			 struct ifx_buf *err)
{
	return ifx_file_read_as(out, path, 0, IFX_FILE_MAX, st, err);
}

ifx_status ifx_fd_read(struct ifx_buf *out, int fd, struct ifx_buf *err)
{
	return read_all(out, fd, 65535, IFX_FILE_MAX, err);
}
