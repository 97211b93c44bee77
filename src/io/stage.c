#include "io/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "io/files.h"

/*
 * Invariants:
 *   1. The original is only ever opened for reading.
 *   2. The new file never grants more than the old one did: it is born with mode 0600, and gets
 *      owner, access list and mode in this order, each before the next could widen it.
 *   3. All names are relative to one open directory, so that a directory swapped for a symbolic
 *      link in between leads nowhere.
 *   4. As long as it is open, the new file is locked: nobody sweeps it.
 */

/* What a new file is called for a moment, where it cannot be without a name. */
#define NASCENT ".istio-fix.new-"

ifx_status ifx_stage_fail(struct ifx_stage *s, const char *what, int code)
{
	ifx_buf_addf(s->err, "%s: ", what);
	ifx_file_error(s->err, code);
	errno = code;
	return IFX_EIO;
}

static ifx_status refuse(struct ifx_stage *s, const char *why)
{
	ifx_buf_add(s->err, ifx_str_of(why));
	return IFX_EREFUSED;
}

/* ---- names ---- */

void ifx_temp_name(char name[IFX_TEMP_NAME], ino_t ino)
{
	snprintf(name, IFX_TEMP_NAME, ".istio-fix.%016jx", (uintmax_t)ino);
}

static bool is_nascent(const char *name)
{
	return !strncmp(name, NASCENT, strlen(NASCENT)) && strlen(name) == strlen(NASCENT) + 6;
}

bool ifx_is_temp_name(const char *name)
{
	const char *digits = name + strlen(".istio-fix.");

	if (strncmp(name, ".istio-fix.", strlen(".istio-fix.")) != 0)
		return false;
	return is_nascent(name) ||
	       (strlen(digits) == 16 && strspn(digits, "0123456789abcdef") == 16);
}

void ifx_temp_remove(int dirfd, const char *name, ino_t ino)
{
	struct stat st;

	if (!fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) && st.st_ino == ino)
		unlinkat(dirfd, name, 0);
}

void ifx_temp_sweep(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char expected[IFX_TEMP_NAME];
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_uid == geteuid() || !geteuid()) &&
	    !flock(fd, LOCK_EX | LOCK_NB)) {
		ifx_temp_name(expected, st.st_ino);
		if (!strcmp(name, expected) || (is_nascent(name) && !st.st_size))
			unlinkat(dirfd, name, 0);
	}
	close(fd);
}

/* ---- the original ---- */

static ifx_status open_directory(struct ifx_stage *s, const char *path)
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
	return s->dirfd < 0 ? ifx_stage_fail(s, "cannot open its directory", errno) : IFX_OK;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A run that was killed may have made the backup and no more. */
static bool is_second_link(struct ifx_stage *s, const struct stat *now, const char *name)
{
	struct stat st;

	return name && now->st_nlink == 2 && !fstatat(s->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) &&
	       st.st_dev == now->st_dev && st.st_ino == now->st_ino;
}

ifx_status ifx_stage_check(struct ifx_stage *s, const char *backup)
{
	struct stat now;

	if (fstatat(s->dirfd, s->name, &now, AT_SYMLINK_NOFOLLOW))
		return ifx_stage_fail(s, "cannot look at it again", errno);
	if (!S_ISREG(now.st_mode))
		return refuse(s,
			      S_ISLNK(now.st_mode) ? "is a symbolic link" : "not a regular file");
	if (!is_same(&now, &s->before))
		return refuse(s, "changed while it was being fixed; run again");
	if (now.st_nlink > 1 && !is_second_link(s, &now, backup))
		return refuse(s, "has several hard links, and replacing it would leave the others "
				 "behind; break the link first");
	/* A rename needs no permission on the file, and root none at all; the wish still counts. */
	if (!(now.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) ||
	    (faccessat(s->dirfd, s->name, W_OK, AT_EACCESS) &&
	     (errno == EACCES || errno == EROFS || errno == EPERM)))
		return refuse(s, "is read-only");
	s->before = now; /* its mode and owner may be others */
	return IFX_OK;
}

/* ---- the new file ---- */

static bool create_unnamed(struct ifx_stage *s)
{
	/* linkat finds the file there */
	if (access("/proc/self/fd", X_OK))
		return false;
	s->fd = openat(s->dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	s->unnamed = s->fd >= 0;
	return s->unnamed;
}

static ifx_status create_nascent(struct ifx_stage *s, char name[sizeof(NASCENT) + 6])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV";
	unsigned char random[6];

	for (int tries = 0; tries < 100; tries++) {
		if (getentropy(random, sizeof(random)))
			return ifx_stage_fail(s, "cannot make a random name", errno);
		strcpy(name, NASCENT "......");
		for (size_t i = 0; i < sizeof(random); i++)
			name[strlen(NASCENT) + i] = digits[random[i] % (sizeof(digits) - 1)];
		s->fd = openat(s->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0600);
		if (s->fd >= 0)
			return IFX_OK;
		if (errno != EEXIST && errno != EINTR)
			break;
	}
	return ifx_stage_fail(s, "cannot create a temporary file beside it", errno);
}

/* Known by its inode from here on. */
static ifx_status name_nascent(struct ifx_stage *s, const char *nascent)
{
	struct stat st;

	if (!fstatat(s->dirfd, s->temp, &st, AT_SYMLINK_NOFOLLOW))
		errno = EEXIST;
	else if (errno == ENOENT && !renameat(s->dirfd, nascent, s->dirfd, s->temp))
		return IFX_OK;
	s->temp[0] = '\0';
	return ifx_stage_fail(s, "cannot create a temporary file beside it", errno);
}

static ifx_status create(struct ifx_stage *s)
{
	char nascent[sizeof(NASCENT) + 6];
	ifx_status st = IFX_OK;
	struct stat ours;

	if (!create_unnamed(s))
		st = create_nascent(s, nascent);
	if (st != IFX_OK)
		return st;
	flock(s->fd, LOCK_EX | LOCK_NB); /* against the sweep; nobody else knows the file */
	if (fstat(s->fd, &ours)) {
		st = ifx_stage_fail(s, "cannot look at a temporary file beside it", errno);
	} else {
		s->ino = ours.st_ino;
		ifx_temp_name(s->temp, s->ino);
		if (!s->unnamed)
			st = name_nascent(s, nascent);
	}
	if (st != IFX_OK && !s->unnamed)
		unlinkat(s->dirfd, nascent, 0);
	return st;
}

static ifx_status write_all(struct ifx_stage *s, ifx_str bytes)
{
	while (bytes.len) {
		/* Linux writes at most 2 GiB - 4 KiB at once. */
		ssize_t n = write(s->fd, bytes.ptr, bytes.len < 1 << 30 ? bytes.len : 1 << 30);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ifx_stage_fail(s, "cannot write a temporary file beside it", errno);
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
static ifx_status copy_attributes(struct ifx_stage *s, int from)
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
			st = ifx_stage_fail(s, "cannot keep its access control list", errno);
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
			st = ifx_stage_fail(s, "cannot keep its access control list", errno);
	}
	ifx_buf_release(&names);
	ifx_buf_release(&value);
	return st;
}

static ifx_status keep_owner_and_mode(struct ifx_stage *s)
{
	const struct stat *now = &s->before;
	struct stat ours;
	ifx_status st = IFX_OK;
	int from;

	if (fstat(s->fd, &ours))
		return ifx_stage_fail(s, "cannot look at a temporary file beside it", errno);
	if ((ours.st_uid != now->st_uid || ours.st_gid != now->st_gid) &&
	    fchown(s->fd, now->st_uid, now->st_gid))
		return ifx_stage_fail(s, "cannot keep its owner and group", errno);
	from = openat(s->dirfd, s->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return ifx_stage_fail(s, "cannot open it again", errno);
	st = copy_attributes(s, from);
	close(from);
	if (st == IFX_OK && fchmod(s->fd, now->st_mode & 07777))
		st = ifx_stage_fail(s, "cannot keep its mode", errno);
	return st;
}

ifx_status ifx_flush(int fd)
{
	while (fsync(fd)) {
		if (errno == EINVAL || errno == ENOTSUP || errno == EROFS)
			return IFX_OK; /* a file system that has nothing to flush */
		if (errno != EINTR)
			return IFX_EIO;
	}
	return IFX_OK;
}

ifx_status ifx_stage_write(struct ifx_stage *s, ifx_str bytes)
{
	ifx_status st = create(s);

	if (st == IFX_OK)
		st = write_all(s, bytes);
	if (st == IFX_OK)
		st = keep_owner_and_mode(s);
	if (st == IFX_OK && ifx_flush(s->fd) != IFX_OK)
		st = ifx_stage_fail(s, "cannot write a temporary file beside it", errno);
	return st;
}

int ifx_stage_name(struct ifx_stage *s)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)] = "/proc/self/fd/";
	char *end = path + strlen(path);
	int n = 1;

	if (!s->unnamed)
		return 0;
	while (s->fd / n >= 10)
		n *= 10;
	for (; n; n /= 10)
		*end++ = (char)('0' + s->fd / n % 10);
	if (linkat(AT_FDCWD, path, s->dirfd, s->temp, AT_SYMLINK_FOLLOW))
		return errno;
	s->unnamed = false;
	return 0;
}

ifx_status ifx_stage_open(struct ifx_stage *s, const char *path, const struct stat *before,
			  struct ifx_buf *err)
{
	*s = (struct ifx_stage){ .dirfd = -1, .fd = -1, .before = *before, .err = err };
	ifx_buf_init(&s->dir, PATH_MAX);
	return open_directory(s, path);
}

void ifx_stage_close(struct ifx_stage *s)
{
	int code = errno;

	if (s->temp[0] && !s->unnamed)
		ifx_temp_remove(s->dirfd, s->temp, s->ino);
	if (s->fd >= 0)
		close(s->fd);
	if (s->dirfd >= 0)
		close(s->dirfd);
	ifx_buf_release(&s->dir);
	errno = code;
}
