#include "io/inplace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "io/files.h"

/*
 * Invariants:
 *   1. The original is only ever opened for reading, and replaced by one rename.
 *   2. Until that rename the temporary file is removed whatever fails.
 *   3. The new file never grants more than the old one did: it is born with mode 0600, and gets
 *      owner, access list and mode in this order, each before the next could widen it.
 *   4. All names are relative to one open directory, so that a directory swapped for a symbolic
 *      link in between leads nowhere.
 */
struct swap {
	struct ifx_buf dir;
	const char *name;                       /* of the original, in its directory */
	int dirfd, fd;                          /* of the directory; of the temporary file */
	bool can_flush;                         /* the directory could be opened for reading */
	char temp[sizeof(".istio-fix.XXXXXX")]; /* empty when there is none */
	struct ifx_buf *err;
};

static ifx_status fail(struct swap *s, const char *what, int code)
{
	ifx_buf_addf(s->err, "%s: ", what);
	ifx_file_error(s->err, code);
	errno = code;
	return IFX_EIO;
}

static ifx_status refuse(struct swap *s, const char *why)
{
	ifx_buf_add(s->err, ifx_str_of(why));
	return IFX_EREFUSED;
}

static ifx_status open_directory(struct swap *s, const char *path)
{
	const char *slash = strrchr(path, '/');

	s->name = slash ? slash + 1 : path;
	if (!slash)
		ifx_buf_addc(&s->dir, '.');
	else
		ifx_buf_add(&s->dir, (ifx_str){ path, slash == path ? 1 : (size_t)(slash - path) });
	if (s->dir.bad)
		return IFX_ENOMEM;
	s->dirfd = open(s->dir.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->can_flush = s->dirfd >= 0;
#ifdef O_PATH
	/* A directory may be writable and yet not readable. */
	if (s->dirfd < 0 && errno == EACCES)
		s->dirfd = open(s->dir.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
#endif
	return s->dirfd < 0 ? fail(s, "cannot open its directory", errno) : IFX_OK;
}

/* Is the file still the one that was read, and one that may be replaced? */
static ifx_status check(struct swap *s, const struct stat *before, struct stat *now)
{
	if (fstatat(s->dirfd, s->name, now, AT_SYMLINK_NOFOLLOW))
		return fail(s, "cannot look at it again", errno);
	if (!S_ISREG(now->st_mode))
		return refuse(s,
			      S_ISLNK(now->st_mode) ? "is a symbolic link" : "not a regular file");
	if (now->st_dev != before->st_dev || now->st_ino != before->st_ino ||
	    now->st_size != before->st_size || now->st_mtim.tv_sec != before->st_mtim.tv_sec ||
	    now->st_mtim.tv_nsec != before->st_mtim.tv_nsec)
		return refuse(s, "changed while it was being fixed; run again");
	if (now->st_nlink > 1)
		return refuse(s, "has several hard links, and replacing it would leave the others "
				 "behind; break the link first");
	return IFX_OK;
}

static ifx_status create_temp(struct swap *s)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV";
	char name[sizeof(s->temp)] = ".istio-fix.";
	size_t at = strlen(name);
	unsigned char random[6];

	for (int tries = 0; tries < 100; tries++) {
		if (getentropy(random, sizeof(random)))
			return fail(s, "cannot make a random name", errno);
		for (size_t i = 0; i < sizeof(random); i++)
			name[at + i] = digits[random[i] % (sizeof(digits) - 1)];
		s->fd = openat(s->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0600);
		if (s->fd >= 0) {
			memcpy(s->temp, name, sizeof(name));
			return IFX_OK;
		}
		if (errno != EEXIST && errno != EINTR)
			break;
	}
	return fail(s, "cannot create a temporary file beside it", errno);
}

static ifx_status write_all(struct swap *s, ifx_str bytes)
{
	while (bytes.len) {
		/* Linux writes at most 2 GiB - 4 KiB at once. */
		ssize_t n = write(s->fd, bytes.ptr, bytes.len < 1 << 30 ? bytes.len : 1 << 30);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(s, "cannot write a temporary file beside it", errno);
		bytes = ifx_str_sub(bytes, (size_t)n, bytes.len - (size_t)n);
	}
	return IFX_OK;
}

/* Names of the extended attributes of `fd`, each ending in NUL. */
static ifx_status list_attributes(int fd, struct ifx_buf *names)
{
	ssize_t n = flistxattr(fd, NULL, 0);

	if (n <= 0)
		return IFX_OK;
	ifx_buf_fill(names, '\0', (size_t)n);
	if (names->bad)
		return IFX_ENOMEM;
	n = flistxattr(fd, names->data, names->len);
	names->len = n < 0 ? 0 : (size_t)n;
	return IFX_OK;
}

static bool is_access_list(const char *name)
{
	return !strcmp(name, "system.posix_acl_access");
}

/*
 * Extended attributes, and with them POSIX access lists, as far as we may. An access list that
 * cannot be copied is a failure: without it the mode means something else.
 */
static ifx_status copy_attributes(struct swap *s, int from)
{
	struct ifx_buf names, value;
	ifx_status st;

	ifx_buf_init(&names, XATTR_LIST_MAX);
	ifx_buf_init(&value, XATTR_SIZE_MAX);
	/* What the directory's defaults gave the new file, but the old one does not have. */
	st = list_attributes(s->fd, &names);
	for (size_t i = 0; st == IFX_OK && i < names.len; i += strlen(names.data + i) + 1)
		if (fgetxattr(from, names.data + i, NULL, 0) < 0 && errno == ENODATA &&
		    fremovexattr(s->fd, names.data + i) && is_access_list(names.data + i))
			st = fail(s, "cannot keep its access control list", errno);
	ifx_buf_clear(&names);
	if (st == IFX_OK)
		st = list_attributes(from, &names);
	for (size_t i = 0; st == IFX_OK && i < names.len; i += strlen(names.data + i) + 1) {
		const char *name = names.data + i;
		ssize_t n = fgetxattr(from, name, NULL, 0);

		ifx_buf_clear(&value);
		ifx_buf_fill(&value, '\0', n > 0 ? (size_t)n : 0);
		if (value.bad) {
			st = IFX_ENOMEM;
			break;
		}
		if (n >= 0)
			n = fgetxattr(from, name, value.data, value.len);
		if ((n < 0 || fsetxattr(s->fd, name, value.data, (size_t)n, 0)) &&
		    is_access_list(name))
			st = fail(s, "cannot keep its access control list", errno);
	}
	ifx_buf_release(&names);
	ifx_buf_release(&value);
	return st;
}

static ifx_status keep_owner_and_mode(struct swap *s, const struct stat *now)
{
	struct stat ours;
	ifx_status st = IFX_OK;
	int from;

	if (fstat(s->fd, &ours))
		return fail(s, "cannot look at a temporary file beside it", errno);
	if ((ours.st_uid != now->st_uid || ours.st_gid != now->st_gid) &&
	    fchown(s->fd, now->st_uid, now->st_gid))
		return fail(s, "cannot keep its owner and group", errno);
	from = openat(s->dirfd, s->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return fail(s, "cannot open it again", errno);
	st = copy_attributes(s, from);
	close(from);
	if (st == IFX_OK && fchmod(s->fd, now->st_mode & 07777))
		st = fail(s, "cannot keep its mode", errno);
	return st;
}

static ifx_status flush(int fd)
{
	while (fsync(fd)) {
		if (errno == EINVAL || errno == ENOTSUP || errno == EROFS)
			return IFX_OK; /* a file system that has nothing to flush */
		if (errno != EINTR)
			return IFX_EIO;
	}
	return IFX_OK;
}

static ifx_status replace(struct swap *s, const struct stat *before, ifx_str bytes)
{
	struct stat now;
	ifx_status st = check(s, before, &now);

	if (st != IFX_OK)
		return st;
	/* A rename needs no permission on the file, and root none at all; the wish still counts. */
	if (!(now.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) ||
	    (faccessat(s->dirfd, s->name, W_OK, AT_EACCESS) &&
	     (errno == EACCES || errno == EROFS || errno == EPERM)))
		return refuse(s, "is read-only");
	st = create_temp(s);
	if (st == IFX_OK)
		st = write_all(s, bytes);
	if (st == IFX_OK)
		st = keep_owner_and_mode(s, &now);
	if (st == IFX_OK && flush(s->fd) != IFX_OK)
		st = fail(s, "cannot write a temporary file beside it", errno);
	if (s->fd >= 0) {
		/* Some file systems say only now that there was no room. */
		if (close(s->fd) && errno != EINTR && st == IFX_OK)
			st = fail(s, "cannot write a temporary file beside it", errno);
		s->fd = -1;
	}
	if (st == IFX_OK)
		st = check(s, before, &now);
	if (st != IFX_OK)
		return st;
	if (renameat(s->dirfd, s->temp, s->dirfd, s->name))
		return fail(s, "cannot replace it", errno);
	s->temp[0] = '\0';
	if (s->can_flush && flush(s->dirfd) != IFX_OK)
		return fail(s, "was replaced, but its directory could not be flushed", errno);
	return IFX_OK;
}

ifx_status ifx_inplace(const char *path, const struct stat *before, ifx_str bytes,
		       struct ifx_buf *err)
{
	struct swap s = { .dirfd = -1, .fd = -1, .err = err };
	ifx_status st;
	int code;

	ifx_buf_init(&s.dir, PATH_MAX);
	st = open_directory(&s, path);
	if (st == IFX_OK)
		st = replace(&s, before, bytes);
	code = errno;
	if (s.temp[0])
		unlinkat(s.dirfd, s.temp, 0);
	if (s.dirfd >= 0)
		close(s.dirfd);
	ifx_buf_release(&s.dir);
	if (st == IFX_ENOMEM && !err->len)
		ifx_buf_add(err, IFX_LIT("out of memory"));
	errno = code;
	return st;
}
