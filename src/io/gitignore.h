/*
 * Lines of a .gitignore, as git reads them (gitignore(5), and git's dir.c and wildmatch.c where
 * the page is silent).
 *
 * A list holds the patterns of one file and answers for paths relative to the directory of that
 * file. Which files apply to a path, and that nothing inside an ignored directory can be
 * re-included, is the walker's business (io/files.c).
 */
#ifndef IFX_IO_GITIGNORE_H
#define IFX_IO_GITIGNORE_H

#include "base/str.h"

/** A longer pattern never matches. Bytes. */
#define IFX_IGNORE_PATTERN_MAX ((size_t)4096)
/** A longer file of patterns is refused (by io/files.c). Bytes. */
#define IFX_IGNORE_FILE_MAX ((size_t)4 << 20)

struct ifx_ignore;

typedef enum {
	IFX_UNDECIDED, /* no pattern of the list is about the path */
	IFX_IGNORED,
	IFX_INCLUDED, /* the last pattern that matches begins with `!` */
} ifx_verdict;

/** An empty list. */
IFX_MUST_USE ifx_status ifx_ignore_new(struct ifx_ignore **out);
void ifx_ignore_free(struct ifx_ignore *list);

/** Add one line, without its line end; a blank line or a comment adds nothing. */
IFX_MUST_USE ifx_status ifx_ignore_line(struct ifx_ignore *list, ifx_str line);
/** Add all lines of a file. */
IFX_MUST_USE ifx_status ifx_ignore_lines(struct ifx_ignore *list, ifx_str text);

/**
 * What the list says about `path` itself (not about the directories it lies in).
 *
 * path    relative to the list's directory, without leading or trailing slash.
 * is_dir  patterns that end in a slash match only then.
 */
ifx_verdict ifx_ignore_match(const struct ifx_ignore *list, ifx_str path, bool is_dir);
/** Is `path`, or a directory on the way to it, ignored? */
bool ifx_ignore_covers(const struct ifx_ignore *list, ifx_str path, bool is_dir);

#endif
