#include "io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/files.h"
#include "io/stage.h"

#define HEADER "istio-fix journal 1 "

static ifx_status fail(struct ifx_buf *err, const char *what, int code)
{
	ifx_buf_addf(err, "%s: ", what);
	ifx_file_error(err, code);
	errno = code;
	return IFX_EIO;
}

static ifx_status refuse(struct ifx_buf *err, const char *why)
{
	ifx_buf_add(err, ifx_str_of(why));
	return IFX_EREFUSED;
}

/* ---- stamps ---- */

struct ifx_stamp ifx_stamp_of(const struct stat *st)
{
	return (struct ifx_stamp){ st->st_ino, st->st_size, st->st_mtim.tv_sec,
				   st->st_mtim.tv_nsec };
}

bool ifx_stamp_fits(const struct ifx_stamp *stamp, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_ino == stamp->ino && st->st_size == stamp->size &&
	       st->st_mtim.tv_sec == stamp->sec && st->st_mtim.tv_nsec == stamp->nsec;
}

static void add_stamp(struct ifx_buf *out, const struct ifx_stamp *s)
{
	ifx_buf_addf(out, "%ju %jd %jd %jd ", s->ino, s->size, s->sec, s->nsec);
}

/* A number and the blank behind it. */
static bool read_number(ifx_str *text, intmax_t *n)
{
	ifx_str digits;
	char *end;

	if (!ifx_str_split(text, ' ', &digits) || !text->ptr || !digits.len ||
	    !(ifx_is_digit(digits.ptr[0]) || digits.ptr[0] == '-'))
		return false;
	errno = 0;
	/* Unsigned: there are inodes beyond INTMAX_MAX. It ends at the blank. */
	*n = (intmax_t)strtoumax(digits.ptr, &end, 10);
	return !errno && end == digits.ptr + digits.len;
}

static bool read_stamp(ifx_str *text, struct ifx_stamp *s)
{
	intmax_t ino;
	bool ok = read_number(text, &ino) && read_number(text, &s->size) &&
		  read_number(text, &s->sec) && read_number(text, &s->nsec);

	s->ino = ok ? (uintmax_t)ino : 0;
	return ok;
}

/* ---- writing ---- */

static ifx_status write_record(struct ifx_journal *j, struct ifx_buf *record)
{
	ifx_str rest;

	ifx_buf_addc(record, '\0');
	if (record->bad)
		return IFX_ENOMEM;
	rest = ifx_buf_str(record);
	while (rest.len) {
		ssize_t n = write(j->fd, rest.ptr, rest.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return IFX_EIO;
		rest = ifx_str_sub(rest, (size_t)n, rest.len - (size_t)n);
	}
	return IFX_OK;
}

static ifx_status write_header(struct ifx_journal *j, ifx_str backup, const struct stat *own)
{
	struct ifx_buf record;
	ifx_status st;

	ifx_buf_init(&record, 1 << 16);
	ifx_buf_addf(&record, HEADER "%ju", (uintmax_t)own->st_ino);
	st = write_record(j, &record);
	if (st == IFX_OK && backup.ptr) {
		ifx_buf_clear(&record);
		ifx_buf_addf(&record, "backup %.*s", IFX_ARG(backup));
		st = write_record(j, &record);
	}
	ifx_buf_release(&record);
	return st == IFX_OK ? ifx_journal_flush(j) : st;
}

static ifx_status open_directory(struct ifx_journal *j, const char *dir, struct ifx_buf *err)
{
	*j = (struct ifx_journal){ .dirfd = -1, .fd = -1 };
	ifx_arena_init(&j->arena, IFX_JOURNAL_MEMORY_MAX);
	j->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return j->dirfd < 0 ? fail(err, "cannot open the directory", errno) : IFX_OK;
}

/* Lock it. False: somebody else has it. */
static bool lock(int fd)
{
	int code;

	do
		code = flock(fd, LOCK_EX | LOCK_NB);
	while (code && errno == EINTR);
	return !code || errno != EWOULDBLOCK; /* a file system without locks: then without */
}

ifx_status ifx_journal_create(struct ifx_journal *j, const char *dir, ifx_str backup,
			      struct ifx_buf *err)
{
	static const char busy[] = "another run over this directory is at work";
	ifx_status st = open_directory(j, dir, err);
	struct stat own;

	if (st != IFX_OK)
		return st;
	j->fd = openat(j->dirfd, IFX_JOURNAL_NAME,
		       O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->fd < 0 && errno == EEXIST)
		return refuse(err, busy);
	if (j->fd < 0)
		return fail(err, "cannot create " IFX_JOURNAL_NAME, errno);
	/* Somebody may have taken it for a dead run's before it was locked. */
	if (!lock(j->fd) || fstat(j->fd, &own) || !own.st_nlink) {
		close(j->fd);
		j->fd = -1;
		return refuse(err, busy);
	}
	if (backup.ptr) {
		j->backup = ifx_arena_copy(&j->arena, backup);
		st = j->backup.ptr ? IFX_OK : IFX_ENOMEM;
	}
	if (st == IFX_OK)
		st = write_header(j, backup, &own);
	return st == IFX_EIO ? fail(err, "cannot write " IFX_JOURNAL_NAME, errno) : st;
}

static ifx_status add_entry(struct ifx_journal *j, ifx_str path, const struct ifx_stamp *old,
			    const struct ifx_stamp *new)
{
	struct ifx_journal_entry *entries =
		ifx_grow(j->entries, &j->cap, j->n + 1, sizeof(*entries));

	if (!entries)
		return IFX_ENOMEM;
	j->entries = entries;
	path = ifx_arena_copy(&j->arena, path);
	if (!path.ptr)
		return IFX_ENOMEM;
	entries[j->n++] = (struct ifx_journal_entry){ path, *old, *new };
	return IFX_OK;
}

ifx_status ifx_journal_add(struct ifx_journal *j, ifx_str path, const struct ifx_stamp *old,
			   const struct ifx_stamp *new)
{
	struct ifx_buf record;
	ifx_status st = add_entry(j, path, old, new);

	ifx_buf_init(&record, PATH_MAX * 2);
	ifx_buf_add(&record, IFX_LIT("file "));
	add_stamp(&record, old);
	add_stamp(&record, new);
	ifx_buf_add(&record, path);
	if (st == IFX_OK)
		st = write_record(j, &record);
	ifx_buf_release(&record);
	return st;
}

ifx_status ifx_journal_flush(struct ifx_journal *j)
{
	ifx_status st = ifx_flush(j->fd);

	return st == IFX_OK ? ifx_flush(j->dirfd) : st;
}

ifx_status ifx_journal_set_done(struct ifx_journal *j)
{
	off_t end = lseek(j->fd, 0, SEEK_END);
	struct ifx_buf record;
	ifx_status st = IFX_EIO;
	int code;

	ifx_buf_init(&record, 16);
	ifx_buf_add(&record, IFX_LIT("done"));
	if (end >= 0)
		st = write_record(j, &record);
	if (st == IFX_OK)
		st = ifx_flush(j->fd);
	code = errno;
	/* It must not be found there when the files were put back. */
	if (st != IFX_OK && end >= 0 && !ftruncate(j->fd, end) && ifx_flush(j->fd) != IFX_OK)
		code = errno;
	j->done = st == IFX_OK;
	ifx_buf_release(&record);
	errno = code;
	return st;
}

ifx_status ifx_journal_remove(struct ifx_journal *j)
{
	if (j->fd < 0)
		return IFX_OK;
	if (unlinkat(j->dirfd, IFX_JOURNAL_NAME, 0))
		return IFX_EIO;
	close(j->fd);
	j->fd = -1;
	return ifx_flush(j->dirfd);
}

void ifx_journal_close(struct ifx_journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	if (j->dirfd >= 0)
		close(j->dirfd);
	ifx_free(j->entries);
	ifx_arena_release(&j->arena);
	*j = (struct ifx_journal){ .dirfd = -1, .fd = -1 };
}

/* ---- reading ---- */

/* Does it lead down, by plain names only? */
static bool is_below(ifx_str path)
{
	ifx_str name;

	while (ifx_str_split(&path, '/', &name))
		if (!name.len || ifx_str_eq(name, IFX_LIT(".")) || ifx_str_eq(name, IFX_LIT("..")))
			return false;
	return true;
}

/* False: this is not what we write. */
static bool read_record(struct ifx_journal *j, ifx_str record, ifx_status *st)
{
	const ifx_str file = IFX_LIT("file "), backup = IFX_LIT("backup ");
	struct ifx_stamp old, new;

	if (ifx_str_eq(record, IFX_LIT("done"))) {
		j->done = true;
	} else if (ifx_str_starts(record, backup)) {
		record = ifx_str_sub(record, backup.len, record.len - backup.len);
		if (!record.len || ifx_str_chr(record, '/') != SIZE_MAX)
			return false;
		j->backup = ifx_arena_copy(&j->arena, record);
		*st = j->backup.ptr ? IFX_OK : IFX_ENOMEM;
	} else if (ifx_str_starts(record, file)) {
		record = ifx_str_sub(record, file.len, record.len - file.len);
		if (!read_stamp(&record, &old) || !read_stamp(&record, &new) || !is_below(record))
			return false;
		*st = add_entry(j, record, &old, &new);
	} else {
		return false;
	}
	return true;
}

static ifx_status read_records(struct ifx_journal *j, ifx_str text, const struct stat *own,
			       struct ifx_buf *err)
{
	static const char foreign[] =
		"is of no run that was interrupted here: it came with the files, or they were "
		"copied in the middle of a run; look at them, then remove it";
	char header[sizeof(HEADER) + 3 * sizeof(uintmax_t)];
	ifx_str record;
	ifx_status st = IFX_OK;

	/* Killed before the first record, which is on the disk before anything else happens. */
	if (!text.len || !text.ptr[0])
		return IFX_OK;
	snprintf(header, sizeof(header), HEADER "%ju", (uintmax_t)own->st_ino);
	ifx_str_split(&text, '\0', &record);
	if (!text.ptr || !ifx_str_eq(record, ifx_str_of(header)))
		return refuse(err, foreign);
	/* The last piece has no NUL behind it: nothing, or half a record. */
	while (st == IFX_OK && ifx_str_split(&text, '\0', &record) && text.ptr && record.len)
		if (!read_record(j, record, &st))
			return refuse(err, foreign);
	return st;
}

static ifx_status check_journal(const struct stat *own, struct ifx_buf *err)
{
	if (!S_ISREG(own->st_mode) || own->st_nlink > 1)
		return refuse(err, "is no journal of an interrupted run; remove it");
	if (own->st_uid != geteuid())
		return refuse(err, "belongs to somebody else, whose run was interrupted here");
	return IFX_OK;
}

ifx_status ifx_journal_open(struct ifx_journal *j, const char *dir, struct ifx_buf *err)
{
	struct ifx_buf text;
	struct stat own;
	ifx_status st = open_directory(j, dir, err);

	if (st != IFX_OK)
		return st;
	if (fstatat(j->dirfd, IFX_JOURNAL_NAME, &own, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? IFX_OK : fail(err, "cannot look at it", errno);
	st = check_journal(&own, err);
	if (st != IFX_OK)
		return st;
	j->fd = openat(j->dirfd, IFX_JOURNAL_NAME, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (j->fd < 0)
		return errno == ENOENT ? IFX_OK : fail(err, "cannot open it", errno);
	if (!lock(j->fd)) {
		close(j->fd);
		j->fd = -1;
		return refuse(err, "another run over this directory is at work");
	}
	if (fstat(j->fd, &own))
		return fail(err, "cannot look at it", errno);
	if (!own.st_nlink) { /* its run came to an end just now */
		close(j->fd);
		j->fd = -1;
		return IFX_OK;
	}
	ifx_buf_init(&text, IFX_FILE_MAX);
	st = check_journal(&own, err);
	if (st == IFX_OK)
		st = ifx_fd_read(&text, j->fd, err);
	if (st == IFX_OK)
		st = read_records(j, ifx_buf_str(&text), &own, err);
	ifx_buf_release(&text);
	return st;
}

int ifx_journal_directory(const struct ifx_journal *j, ifx_str path, const char **name)
{
	int fd = openat(j->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
	ifx_str rest = path, part;

	while (fd >= 0 && ifx_str_split(&rest, '/', &part)) {
		char step[NAME_MAX + 1];

		*name = part.ptr;
		if (!rest.ptr)
			break;
		if (part.len > NAME_MAX) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(step, part.ptr, part.len);
		step[part.len] = '\0';
		next = openat(fd, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
#ifdef O_PATH
		/* As in stage.c: writable and yet not readable. */
		if (next < 0 && errno == EACCES)
			next = openat(fd, step, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
#endif
		close(fd);
		fd = next;
	}
	return fd;
}
