#include "io/inplace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/files.h"
#include "io/stage.h"

struct swap {
	struct ifx_stage stage;
	struct ifx_buf backup;    /* name of the old file; empty: it is not kept */
	char link[IFX_TEMP_NAME]; /* a second name of the old file, for a moment */
};

/* ---- the calls that belong together ---- */

/* A helper ends with 0, an errno, or this and an errno. */
#define NO_BACKUP 128

static bool has_backup(const struct swap *w)
{
	struct stat st;

	return w->backup.len &&
	       !fstatat(w->stage.dirfd, w->backup.data, &st, AT_SYMLINK_NOFOLLOW) &&
	       st.st_ino == w->stage.before.st_ino && st.st_dev == w->stage.before.st_dev;
}

/* Only calls that are safe behind vfork, from here to the next comment that says so. */
static int keep_backup(const struct swap *w)
{
	int dir = w->stage.dirfd;

	/* By an interrupted run; rename does nothing where both names are links to one file. */
	if (has_backup(w))
		return 0;
	if (linkat(dir, w->stage.name, dir, w->link, 0) ||
	    renameat(dir, w->link, dir, w->backup.data))
		return NO_BACKUP + errno;
	return 0;
}

static int put_in_place(struct swap *w)
{
	struct ifx_stage *s = &w->stage;
	int code = w->backup.len ? keep_backup(w) : 0;

	if (!code)
		code = ifx_stage_name(s);
	if (!code && renameat(s->dirfd, s->temp, s->dirfd, s->name))
		code = errno;
	return code;
}

/* That was all of it: is the new file in its place? What a helper that was killed does not say. */
static bool is_in_place(const struct swap *w)
{
	struct stat st;

	return !fstatat(w->stage.dirfd, w->stage.name, &st, AT_SYMLINK_NOFOLLOW) &&
	       st.st_ino == w->stage.ino;
}

/* Behind vfork the memory is ours as well; in tools that make it a fork it is not. */
static int wait_for(pid_t helper)
{
	int status;

	while (waitpid(helper, &status, 0) < 0)
		if (errno != EINTR)
			return ECHILD;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

/*
 * In a process of its own, so that a kill of this one cannot come between, and with all signals
 * blocked, so that a Ctrl-C for both cannot.
 */
static int put_in_place_unharmed(struct swap *w)
{
	pid_t helper = vfork();
	int code;

	if (!helper)
		_exit(put_in_place(w));
	code = helper > 0 ? wait_for(helper) : put_in_place(w);
	w->stage.unnamed = false; /* perhaps; to remove what is not there does no harm */
	if (code == ECHILD && is_in_place(w))
		code = 0;
	return code;
}

/* ---- one file ---- */

static ifx_status replace(struct swap *w, ifx_str bytes)
{
	struct ifx_stage *s = &w->stage;
	const char *backup = w->backup.len ? w->backup.data : NULL;
	ifx_status st = ifx_stage_check(s, backup);
	int code;

	if (st == IFX_OK)
		st = ifx_stage_write(s, bytes);
	if (st == IFX_OK)
		st = ifx_stage_check(s, backup);
	if (st != IFX_OK)
		return st;
	code = put_in_place_unharmed(w);
	if (code) {
		ifx_temp_remove(s->dirfd, w->link, s->before.st_ino);
		if (w->backup.len)
			ifx_temp_remove(s->dirfd, w->backup.data, s->before.st_ino);
	}
	if (code > NO_BACKUP)
		return ifx_stage_fail(s, "cannot keep a backup", code - NO_BACKUP);
	if (code)
		return ifx_stage_fail(s, "cannot replace it", code);
	s->temp[0] = '\0';
	if (s->can_flush && ifx_flush(s->dirfd) != IFX_OK)
		return ifx_stage_fail(s, "was replaced, but its directory could not be flushed",
				      errno);
	return IFX_OK;
}

static ifx_status open_swap(struct swap *w, const char *path, const struct stat *before,
			    ifx_str backup, struct ifx_buf *err)
{
	ifx_status st = ifx_stage_open(&w->stage, path, before, err);

	ifx_buf_init(&w->backup, PATH_MAX);
	w->link[0] = '\0';
	if (st == IFX_OK && backup.ptr) {
		ifx_buf_add(&w->backup, ifx_str_of(w->stage.name));
		ifx_buf_add(&w->backup, backup);
		ifx_temp_name(w->link, before->st_ino);
		st = ifx_buf_status(&w->backup);
	}
	return st;
}

ifx_status ifx_inplace(const char *path, const struct stat *before, ifx_str bytes, ifx_str backup,
		       struct ifx_buf *err)
{
	sigset_t all, old;
	struct swap w;
	ifx_status st;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	st = open_swap(&w, path, before, backup, err);
	if (st == IFX_OK)
		st = replace(&w, bytes);
	ifx_stage_close(&w.stage);
	ifx_buf_release(&w.backup);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (st == IFX_ENOMEM && !err->len)
		ifx_buf_add(err, IFX_LIT("out of memory"));
	return st;
}
