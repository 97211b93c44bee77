#include "io/create.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "io/files.h"

static ifx_status fail(struct ifx_buf *err, const char *what)
{
	int code = errno;

	ifx_buf_addf(err, "%s: ", what);
	ifx_file_error(err, code);
	return IFX_EIO;
}

static bool write_all(int fd, ifx_str bytes)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.ptr, bytes.len < 1 << 30 ? bytes.len : 1 << 30);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes = ifx_str_sub(bytes, (size_t)n, bytes.len - (size_t)n);
	}
	return true;
}

ifx_status ifx_file_create(const char *path, ifx_str bytes, struct ifx_buf *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	ifx_status st = IFX_OK;

	if (fd < 0 && errno == EEXIST) {
		ifx_buf_add(err, IFX_LIT("is there already"));
		return IFX_EREFUSED;
	}
	if (fd < 0)
		return fail(err, "cannot create it");
	if (!write_all(fd, bytes) || fsync(fd))
		st = fail(err, "cannot write it");
	if (close(fd) && st == IFX_OK)
		st = fail(err, "cannot write it");
	if (st != IFX_OK)
		unlink(path);
	return st;
}

ifx_status ifx_file_remove(const char *path, const struct stat *before, struct ifx_buf *err)
{
	struct stat now;

	if (lstat(path, &now))
		return fail(err, "cannot look at it again");
	if (!S_ISREG(now.st_mode) || now.st_dev != before->st_dev || now.st_ino != before->st_ino ||
	    now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != before->st_mtim.tv_nsec) {
		ifx_buf_add(err, IFX_LIT("changed while it was looked at; run again"));
		return IFX_EREFUSED;
	}
	return unlink(path) ? fail(err, "cannot remove it") : IFX_OK;
}

ifx_status ifx_directory_make(const char *path, struct ifx_buf *err)
{
	struct stat st;

	if (mkdir(path, 0777) && errno != EEXIST)
		return fail(err, "cannot make it");
	if (lstat(path, &st))
		return fail(err, "cannot look at it");
	if (!S_ISDIR(st.st_mode)) {
		ifx_buf_add(err, IFX_LIT("is no directory"));
		return IFX_EREFUSED;
	}
	return IFX_OK;
}
