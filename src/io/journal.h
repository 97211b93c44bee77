/*
 * The journal of a run that replaces all its files or none: `.istio-fix-journal` in the directory
 * that holds them all. It is there as long as the run is unfinished, and locked as long as the run
 * lives.
 *
 * Records, each ending in NUL:
 *
 *     istio-fix journal 1 INODE             its own: a journal that came from elsewhere, with an
 *                                           archive or a commit, has another one
 *     backup SUFFIX                         the old files are kept
 *     file OLD NEW PATH                     before the new file gets its name; OLD and NEW are four
 *                                           numbers each (struct ifx_stamp)
 *     done                                  all new files are in their places
 *
 * What the system stopped in the middle of writing is no record. A journal is never trusted with
 * more than to rename files in a directory below its own: no path leads out of there or through a
 * symbolic link, and each file must be the one whose stamp was written.
 */
#ifndef IFX_IO_JOURNAL_H
#define IFX_IO_JOURNAL_H

#include "base/arena.h"
#include "base/buf.h"

#include <sys/stat.h>

#define IFX_JOURNAL_NAME ".istio-fix-journal"
/** Memory for one journal. Bytes. */
#define IFX_JOURNAL_MEMORY_MAX ((size_t)1 << 30)

/** By what we know a file again. */
struct ifx_stamp {
	uintmax_t ino;
	intmax_t size, sec, nsec;
};

struct ifx_journal_entry {
	ifx_str path; /* from the journal's directory; ends in NUL */
	struct ifx_stamp old, new;
};

struct ifx_journal {
	struct ifx_arena arena;
	int dirfd, fd; /* -1: not open */
	ifx_str backup;
	bool done;
	struct ifx_journal_entry *entries;
	size_t n, cap;
};

struct ifx_stamp ifx_stamp_of(const struct stat *st);
bool ifx_stamp_fits(const struct ifx_stamp *stamp, const struct stat *st);

/**
 * Begin one in the directory `dir`.
 * backup  ptr NULL: no old files are kept.
 * IFX_EREFUSED: there is one. All: to be closed whatever is returned; err has one line.
 */
IFX_MUST_USE ifx_status ifx_journal_create(struct ifx_journal *j, const char *dir, ifx_str backup,
					   struct ifx_buf *err);
/**
 * Read the one that an interrupted run left in `dir`, and lock it. IFX_OK with j->fd -1: there is
 * none (any more). IFX_EREFUSED: its run is at work, or it is none of ours.
 */
IFX_MUST_USE ifx_status ifx_journal_open(struct ifx_journal *j, const char *dir,
					 struct ifx_buf *err);
/** Write down a file that will be replaced. An IFX_EIO leaves errno. */
IFX_MUST_USE ifx_status ifx_journal_add(struct ifx_journal *j, ifx_str path,
					const struct ifx_stamp *old, const struct ifx_stamp *new);
/** All that was added is on the disk. IFX_EIO: errno says why. */
IFX_MUST_USE ifx_status ifx_journal_flush(struct ifx_journal *j);
/** Write down that all files are replaced. On failure that is not written. */
IFX_MUST_USE ifx_status ifx_journal_set_done(struct ifx_journal *j);
/** The run is over: remove it. */
IFX_MUST_USE ifx_status ifx_journal_remove(struct ifx_journal *j);
/** The file stays, if it was not removed. */
void ifx_journal_close(struct ifx_journal *j);

/**
 * Open the directory that `path` leads to from j->dirfd, through no symbolic link; *name is what is
 * behind the last slash. -1: errno says why.
 */
int ifx_journal_directory(const struct ifx_journal *j, ifx_str path, const char **name);

#endif
