#include "io/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "io/stage.h"

/* ---- telling ---- */

struct teller {
	ifx_complain_fn *complain;
	void *data;
	ifx_str home;
};

/* path: from the home; ptr NULL: the journal. what: NULL where `code` says all. */
static ifx_status tell(const struct teller *t, ifx_str path, const char *what, int code)
{
	struct ifx_buf where, text;

	ifx_buf_init(&where, IFX_BUF_MAX);
	ifx_buf_init(&text, 4096);
	ifx_buf_addf(&where, "%.*s/", IFX_ARG(t->home));
	ifx_buf_add(&where, path.ptr ? path : IFX_LIT(IFX_JOURNAL_NAME));
	ifx_buf_add(&text, ifx_str_of(what));
	if (code) {
		ifx_buf_add(&text, what ? IFX_LIT(": ") : IFX_LIT(""));
		ifx_file_error(&text, code);
	}
	t->complain(t->data, ifx_buf_str(&where), ifx_buf_str(&text));
	ifx_buf_release(&where);
	ifx_buf_release(&text);
	return IFX_EIO;
}

/* ---- one file of the run ---- */

/* Where an entry's files are. */
struct place {
	int dirfd;
	const char *name;          /* the file */
	char fresh[IFX_TEMP_NAME]; /* the new file, before it is in its place */
	char kept[IFX_TEMP_NAME];  /* the old file, from then on */
	struct ifx_buf backup;
};

static ifx_status open_place(struct place *p, const struct ifx_journal *j,
			     const struct ifx_journal_entry *e)
{
	p->dirfd = ifx_journal_directory(j, e->path, &p->name);
	ifx_temp_name(p->fresh, (ino_t)e->new.ino);
	ifx_temp_name(p->kept, (ino_t)e->old.ino);
	ifx_buf_init(&p->backup, PATH_MAX);
	if (p->dirfd < 0)
		return IFX_EIO;
	if (j->backup.ptr)
		ifx_buf_addf(&p->backup, "%s%.*s", p->name, IFX_ARG(j->backup));
	return ifx_buf_status(&p->backup);
}

static void close_place(struct place *p)
{
	int code = errno;

	if (p->dirfd >= 0)
		close(p->dirfd);
	ifx_buf_release(&p->backup);
	errno = code;
}

/* Who cannot be asked is neither: what is not known must not decide what is removed. */
typedef enum { OTHER, SAME, UNKNOWN } identity;

/* UNKNOWN leaves errno. A name that is not there is another file. */
static identity identify(const struct place *p, const char *name, const struct ifx_stamp *stamp)
{
	struct stat st;

	if (fstatat(p->dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? OTHER : UNKNOWN;
	return ifx_stamp_fits(stamp, &st) ? SAME : OTHER;
}

static ifx_status remove_file(const struct place *p, const char *name,
			      const struct ifx_stamp *stamp)
{
	switch (identify(p, name, stamp)) {
	case SAME:
		return unlinkat(p->dirfd, name, 0) && errno != ENOENT ? IFX_EIO : IFX_OK;
	case OTHER:
		return IFX_OK;
	default:
		return IFX_EIO;
	}
}

/* ---- steps: each for one entry; IFX_EIO leaves errno, or says what with errno 0 ---- */

typedef ifx_status step_fn(const struct place *p, const struct ifx_journal_entry *e,
			   const char **what);

static ifx_status refuse(const char **what, const char *why)
{
	*what = why;
	errno = 0;
	return IFX_EREFUSED;
}

/* The file is that one; else why. */
static ifx_status expect(const struct place *p, const char *name, const struct ifx_stamp *stamp,
			 const char **what, const char *why)
{
	switch (identify(p, name, stamp)) {
	case SAME:
		return IFX_OK;
	case OTHER:
		return refuse(what, why);
	default:
		*what = "cannot look at it again";
		return IFX_EIO;
	}
}

static const char changed[] = "changed while the others were being fixed; run again";

/* Is all still as when it was read and written? */
static ifx_status look_again(const struct place *p, const struct ifx_journal_entry *e,
			     const char **what)
{
	struct stat st;
	ifx_status status = expect(p, p->name, &e->old, what, changed);

	if (status == IFX_OK)
		status = expect(p, p->fresh, &e->new, what, "its new file has changed; run again");
	if (status == IFX_OK && p->backup.len &&
	    !fstatat(p->dirfd, p->backup.data, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode)) {
		*what = "cannot keep a backup";
		errno = EISDIR;
		status = IFX_EIO;
	}
	return status;
}

static ifx_status replace(const struct place *p, const struct ifx_journal_entry *e,
			  const char **what)
{
	ifx_status st;

	*what = "cannot keep the old file until all are replaced";
	if (linkat(p->dirfd, p->name, p->dirfd, p->kept, 0))
		return IFX_EIO;
	st = expect(p, p->kept, &e->old, what, changed);
	if (st == IFX_OK)
		st = expect(p, p->name, &e->old, what, changed);
	if (st == IFX_EREFUSED)
		unlinkat(p->dirfd, p->kept, 0);
	if (st != IFX_OK)
		return st;
	*what = "cannot replace it";
	return renameat(p->dirfd, p->fresh, p->dirfd, p->name) ? IFX_EIO : IFX_OK;
}

/* The new file is in its place: the old one takes it back. */
static ifx_status put_back(const struct place *p, const struct ifx_journal_entry *e,
			   const char **what)
{
	switch (identify(p, p->kept, &e->old)) {
	case SAME:
		return renameat(p->dirfd, p->kept, p->dirfd, p->name) ? IFX_EIO : IFX_OK;
	case OTHER:
		return refuse(what, "cannot put the old file back: it is gone");
	default:
		return IFX_EIO;
	}
}

static ifx_status take_back(const struct place *p, const struct ifx_journal_entry *e,
			    const char **what)
{
	*what = "cannot put the old file back";
	switch (identify(p, p->name, &e->new)) {
	case SAME:
		return put_back(p, e, what);
	case OTHER:
		/* Not replaced yet; or somebody wrote it since, and meant it. */
		if (remove_file(p, p->fresh, &e->new) != IFX_OK)
			return IFX_EIO;
		return remove_file(p, p->kept, &e->old);
	default:
		return IFX_EIO;
	}
}

static ifx_status let_go(const struct place *p, const struct ifx_journal_entry *e,
			 const char **what)
{
	identity kept = identify(p, p->kept, &e->old);

	*what = p->backup.len ? "cannot keep a backup" : "cannot remove the old file";
	if (kept == UNKNOWN)
		return IFX_EIO;
	if (kept == SAME && p->backup.len && renameat(p->dirfd, p->kept, p->dirfd, p->backup.data))
		return IFX_EIO;
	/* Also behind a rename: it does nothing where the backup is a link to the same file. */
	return kept == SAME ? remove_file(p, p->kept, &e->old) : IFX_OK;
}

/* ---- steps for all ---- */

static ifx_str directory_of(ifx_str path)
{
	const char *slash = memrchr(path.ptr, '/', path.len);

	return ifx_str_sub(path, 0, slash ? (size_t)(slash - path.ptr) : 0);
}

static ifx_status do_step(const struct ifx_journal *j, size_t i, step_fn *step, bool flush,
			  const struct teller *t)
{
	const struct ifx_journal_entry *e = &j->entries[i];
	const char *what = "cannot open its directory";
	struct place p;
	ifx_status st = open_place(&p, j, e);

	if (st == IFX_OK && step)
		st = step(&p, e, &what);
	if (st == IFX_OK && flush) {
		what = "its directory could not be flushed";
		/* one that may not be read cannot be flushed either */
		if (ifx_flush(p.dirfd) != IFX_OK && errno != EBADF)
			st = IFX_EIO;
	}
	if (st == IFX_ENOMEM)
		tell(t, e->path, "out of memory", 0);
	else if (st != IFX_OK)
		tell(t, e->path, what, errno);
	close_place(&p);
	return st;
}

/*
 * The step for each entry, the last first where that is asked for; then every directory is
 * flushed. stubborn: carry on behind a failure.
 */
static ifx_status do_all(const struct ifx_journal *j, step_fn *step, bool stubborn,
			 const struct teller *t)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < j->n && (st == IFX_OK || stubborn); i++) {
		bool last = i + 1 == j->n || !ifx_str_eq(directory_of(j->entries[i].path),
							 directory_of(j->entries[i + 1].path));
		ifx_status now = do_step(j, i, step, last, t);

		st = st == IFX_OK ? now : st;
	}
	return st;
}

static ifx_status undo(struct ifx_journal *j, const struct teller *t)
{
	ifx_status st = do_all(j, take_back, true, t);

	if (st == IFX_OK && ifx_journal_remove(j) != IFX_OK)
		st = tell(t, IFX_NONE, "cannot remove it", errno);
	return st == IFX_OK ? IFX_OK : IFX_EIO;
}

static ifx_status finish(struct ifx_journal *j, const struct teller *t)
{
	ifx_status st = do_all(j, let_go, true, t);

	if (st == IFX_OK && ifx_journal_remove(j) != IFX_OK)
		st = tell(t, IFX_NONE, "cannot remove it", errno);
	return st == IFX_OK ? IFX_OK : IFX_EIO;
}

/* ---- the run ---- */

void ifx_atomic_init(struct ifx_atomic *a, ifx_str home, ifx_str backup)
{
	*a = (struct ifx_atomic){ home, backup, { .dirfd = -1, .fd = -1 } };
}

/* `path` from the home; ptr NULL: it is not there. */
static ifx_str from_home(const struct ifx_atomic *a, ifx_str path)
{
	ifx_str home = a->home;

	if (ifx_str_eq(home, IFX_LIT("/")))
		home.len = 0;
	if (!ifx_str_starts(path, home) || path.len <= home.len + 1 || path.ptr[home.len] != '/')
		return IFX_NONE;
	return ifx_str_sub(path, home.len + 1, path.len - home.len - 1);
}

/* Write it down, then give it its name. */
static ifx_status enter(struct ifx_atomic *a, struct ifx_stage *s, ifx_str path)
{
	struct ifx_stamp old = ifx_stamp_of(&s->before), new;
	struct stat fresh;
	ifx_status st;
	int code;

	if (fstat(s->fd, &fresh))
		return ifx_stage_fail(s, "cannot look at a temporary file beside it", errno);
	new = ifx_stamp_of(&fresh);
	st = ifx_journal_add(&a->journal, path, &old, &new);
	if (st == IFX_EIO)
		return ifx_stage_fail(s, "cannot write " IFX_JOURNAL_NAME, errno);
	if (st != IFX_OK)
		return st;
	code = ifx_stage_name(s);
	if (code)
		return ifx_stage_fail(s, "cannot name a temporary file beside it", code);
	s->temp[0] = '\0'; /* the journal's from here on */
	return IFX_OK;
}

static ifx_status stage(struct ifx_atomic *a, struct ifx_stage *s, ifx_str path, ifx_str bytes)
{
	struct ifx_buf backup;
	ifx_status st;

	ifx_buf_init(&backup, PATH_MAX);
	ifx_buf_addf(&backup, "%s%.*s", s->name, IFX_ARG(a->backup));
	st = ifx_buf_status(&backup);
	if (st == IFX_OK)
		st = ifx_stage_check(s, a->backup.ptr ? backup.data : NULL);
	if (st == IFX_OK)
		st = ifx_stage_write(s, bytes);
	if (st == IFX_OK)
		st = enter(a, s, path);
	ifx_buf_release(&backup);
	return st;
}

ifx_status ifx_atomic_stage(struct ifx_atomic *a, const char *path, const struct stat *before,
			    ifx_str bytes, struct ifx_buf *err)
{
	ifx_str below = from_home(a, ifx_str_of(path));
	struct ifx_stage s;
	ifx_status st;

	if (!below.ptr) {
		ifx_buf_addf(err, "is not below %.*s any more; run again", IFX_ARG(a->home));
		return IFX_EREFUSED;
	}
	if (a->journal.fd < 0) {
		st = ifx_journal_create(&a->journal, a->home.ptr, a->backup, err);
		if (st != IFX_OK)
			return st;
	}
	st = ifx_stage_open(&s, path, before, err);
	if (st == IFX_OK)
		st = stage(a, &s, below, bytes);
	ifx_stage_close(&s);
	if (st == IFX_ENOMEM && !err->len)
		ifx_buf_add(err, IFX_LIT("out of memory"));
	return st;
}

ifx_status ifx_atomic_commit(struct ifx_atomic *a, ifx_complain_fn *complain, void *data)
{
	const struct teller t = { complain, data, a->home };
	struct ifx_journal *j = &a->journal;
	ifx_status st;

	if (j->fd < 0)
		return IFX_OK; /* nothing to replace */
	st = do_all(j, look_again, true, &t);
	if (st == IFX_OK && ifx_journal_flush(j) != IFX_OK)
		st = tell(&t, IFX_NONE, "cannot write it", errno);
	if (st == IFX_OK)
		st = do_all(j, replace, false, &t);
	if (st == IFX_OK && ifx_journal_set_done(j) != IFX_OK)
		st = tell(&t, IFX_NONE, "cannot write it", errno);
	if (st == IFX_OK) {
		/* All is new, whatever this says; who comes next tries again. */
		(void)!finish(j, &t);
		return IFX_OK;
	}
	return undo(j, &t) == IFX_OK ? st : IFX_EIO;
}

ifx_status ifx_atomic_undo(struct ifx_atomic *a, ifx_complain_fn *complain, void *data)
{
	const struct teller t = { complain, data, a->home };

	return a->journal.fd < 0 ? IFX_OK : undo(&a->journal, &t);
}

void ifx_atomic_close(struct ifx_atomic *a)
{
	ifx_journal_close(&a->journal);
}

ifx_status ifx_atomic_recover(const char *home, enum ifx_recovery *outcome, size_t *n_files,
			      ifx_complain_fn *complain, void *data)
{
	const struct teller t = { complain, data, ifx_str_of(home) };
	struct ifx_journal j;
	struct ifx_buf why;
	ifx_status st;

	*outcome = IFX_NOTHING_TO_DO;
	ifx_buf_init(&why, 4096);
	st = ifx_journal_open(&j, home, &why);
	*n_files = j.n;
	if (st != IFX_OK) {
		tell(&t, IFX_NONE, st == IFX_ENOMEM ? "out of memory" : ifx_buf_str(&why).ptr, 0);
	} else if (j.fd >= 0) {
		*outcome = j.done ? IFX_FINISHED : IFX_UNDONE;
		st = j.done ? finish(&j, &t) : undo(&j, &t);
	}
	ifx_journal_close(&j);
	ifx_buf_release(&why);
	return st;
}
