/*
 * What git says about a work tree. We run the program `git` without a shell, and let it start
 * nothing by itself: no file system monitor, no hooks, no external diff, no text conversion, no
 * network. What `git diff` does by itself it still does: filters of the user's own configuration
 * (git-lfs) run, and the index is refreshed.
 */
#ifndef IFX_IO_GIT_H
#define IFX_IO_GIT_H

#include "io/file_set.h"
#include "io/files.h"

/** out: the top of the work tree that an absolute path lies in. False: it lies in none. */
bool ifx_git_top(struct ifx_buf *out, ifx_str path);

/**
 * Add the files of the work tree at `top` that differ from the revision `rev`, and those that are
 * untracked and not ignored. Not looked at: submodules, which are trees of their own.
 *
 * IFX_EINVAL  git does not know the revision, or does not trust the tree.
 * IFX_EIO     git could not be run.
 * err         one line that says why.
 */
IFX_MUST_USE ifx_status ifx_git_changed(struct ifx_file_set *out, const char *top, ifx_str rev,
					struct ifx_buf *err);

#endif
