/*
 * Unified diff, straight from the edits: no search, linear, and minimal because the edits
 * are. The output is what `git apply` and `patch -p1` take.
 */
#ifndef IFX_IO_DIFF_H
#define IFX_IO_DIFF_H

#include "edit/edit.h"

/**
 * Append the diff of `before` -> `edits applied`; nothing when there are no edits.
 *
 * path     printed behind a/ and b/; a leading "./" is dropped and a leading "/" too; a name with
 *          control bytes, quotes, backslashes or non-ASCII is quoted as git does (core.quotePath).
 * context  lines of context around each hunk (3 as a rule).
 */
void ifx_diff(struct ifx_buf *out, ifx_str path, ifx_str before, const struct ifx_edits *edits,
	      size_t context);

/** The diff that makes a file of these bytes, and the one that removes it; as git writes them. */
void ifx_diff_created(struct ifx_buf *out, ifx_str path, ifx_str bytes);
void ifx_diff_removed(struct ifx_buf *out, ifx_str path, ifx_str bytes);

#endif
