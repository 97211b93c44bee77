/*
 * Many files replaced, all of them or none, also when the run is killed or the machine stops.
 *
 *   1. Each new file is written beside the old one, under a temporary name (stage.h), when the
 *      journal has it. Nothing is replaced yet.
 *   2. When all is on the disk, each old file gets a second, temporary name, and the new one is
 *      renamed over it. If that fails anywhere, the old files are renamed back.
 *   3. `done` goes into the journal; the second names go, or become backups; the journal goes.
 *
 * Who finds a journal without `done` undoes the run, who finds one with it finishes the run. So the
 * tree is all old or all new after the next start, and no temporary file stays.
 */
#ifndef IFX_IO_ATOMIC_H
#define IFX_IO_ATOMIC_H

#include "io/files.h"
#include "io/journal.h"

struct ifx_atomic {
	ifx_str home;   /* the directory of the journal: absolute, without symbolic links */
	ifx_str backup; /* suffix of the old files; ptr NULL: they are not kept */
	struct ifx_journal journal;
};

/** Nothing is opened yet; the texts are borrowed. */
void ifx_atomic_init(struct ifx_atomic *a, ifx_str home, ifx_str backup);
/**
 * Step 1 for one file. As ifx_inplace; path is absolute, without symbolic links. After a failure
 * only ifx_atomic_undo makes sense.
 */
IFX_MUST_USE ifx_status ifx_atomic_stage(struct ifx_atomic *a, const char *path,
					 const struct stat *before, ifx_str bytes,
					 struct ifx_buf *err);
/**
 * Steps 2 and 3. What fails is told. IFX_OK: all files are new. IFX_EIO: undoing failed, too, and
 * the journal stays. Anything else: all files are old.
 */
IFX_MUST_USE ifx_status ifx_atomic_commit(struct ifx_atomic *a, ifx_complain_fn *complain,
					  void *data);
/** All as it was. IFX_EIO: not all, that is told, and the journal stays. */
IFX_MUST_USE ifx_status ifx_atomic_undo(struct ifx_atomic *a, ifx_complain_fn *complain,
					void *data);
void ifx_atomic_close(struct ifx_atomic *a);

enum ifx_recovery { IFX_NOTHING_TO_DO, IFX_UNDONE, IFX_FINISHED };

/**
 * Undo or finish the run that was interrupted in `home`.
 * IFX_EREFUSED: it is still at work, or the journal is not ours; IFX_EIO: something failed, and the
 * journal stays. Both are told.
 */
IFX_MUST_USE ifx_status ifx_atomic_recover(const char *home, enum ifx_recovery *outcome,
					   size_t *n_files, ifx_complain_fn *complain, void *data);

#endif
