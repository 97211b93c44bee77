/*
 * Which files, and what their names say. Their bytes: read.h.
 *
 * A directory is walked for *.yaml, *.yml and *.json; the entries of each directory are sorted
 * bytewise, files and directories alike. Symbolic links found on the way are not followed; `.git`
 * and what git ignores are skipped; each file (device and inode) is listed once, where it was seen
 * first. A named file is taken whatever its name is, also when it is ignored, and a named symbolic
 * link is resolved.
 *
 * Ignored is what git would ignore in an untracked file: .gitignore of every directory from the
 * top of the work tree down, and its info/exclude. A named directory is walked even where it is
 * ignored itself; the patterns still hold for what is in it. Inside a work tree, a directory that
 * has a `.git` of its own starts a tree of its own. Outside a work tree nothing is ignored.
 * Not looked at: core.excludesFile, and whether an ignored file is tracked all the same.
 */
#ifndef IFX_IO_FILES_H
#define IFX_IO_FILES_H

#include "base/arena.h"
#include "io/read.h"

/** Directories nested deeper than this are not walked. */
#define IFX_WALK_MAX 256

struct ifx_ignore;

/** What the settings for a directory say about the walk. */
struct ifx_dir_options {
	const struct ifx_ignore *exclude; /* NULL: nothing */
	ifx_str path; /* of the directory, as the patterns see it; without slash at its ends */
	bool force_exclude, no_gitignore;
};

/** The settings for the directory `dir`, as typed. */
typedef struct ifx_dir_options ifx_dir_options_fn(void *data, ifx_str dir);

struct ifx_file_options {
	/* Globs, matched like lines of a .gitignore in the current directory. */
	const ifx_str *exclude;
	size_t n_exclude;
	bool force_exclude; /* exclude applies to named files too */
	bool no_gitignore;
	/* Asked once for each directory that is walked, or that has a named path; may be NULL. */
	ifx_dir_options_fn *dir_options;
	void *data;
};

/** Is it the name of a settings file (`.istio-fix.yaml`, `.istio-fix.yml`)? Those are no manifests:
 * walks pass them over. */
bool ifx_is_settings_file(ifx_str path);
/** The directory of a path, as typed: "." where it names none. Not for "/". */
ifx_str ifx_dir_of(ifx_str path);

struct ifx_input {
	/*
	 * As typed, or typed directory + "/" + rest; of `.` only the rest, as ruff and gofmt print
	 * it (but `./-x.yaml`, which no command line takes for an option). Ends in NUL.
	 */
	ifx_str path;
	bool named;     /* given on the command line, perhaps after a walk had found it */
	bool only_seen; /* there for questions that other files ask; nothing is said of it */
	dev_t dev;
	ino_t ino;
};

/** Names of files or directories; each ends in NUL. */
struct ifx_paths {
	ifx_str *items;
	size_t n, cap;
};

struct ifx_inputs {
	struct ifx_input *items;
	size_t n, cap;
	struct ifx_paths roots;     /* directories that were named, or hold what was: real paths */
	struct ifx_paths leftovers; /* what runs keep for themselves (stage.h, journal.h), as typed
				     */
};

/** Called with one line per problem (no such file, unreadable directory), without line end. */
typedef void ifx_complain_fn(void *data, ifx_str path, ifx_str message);

/**
 * Expand `paths` into files. A path that does not exist, or a directory or .gitignore that cannot
 * be read, is told to `complain` and the others are still done: then IFX_EIO is returned at the
 * end.
 *
 * out    initialised here, valid and to be released whatever is returned; paths live in `arena`.
 * paths  each ends in NUL; `-` is a file name here.
 */
IFX_MUST_USE ifx_status ifx_inputs_expand(struct ifx_inputs *out, char *const *paths, size_t n,
					  const struct ifx_file_options *options,
					  struct ifx_arena *arena, ifx_complain_fn *complain,
					  void *data);
void ifx_inputs_release(struct ifx_inputs *inputs);

/** The absolute path without symbolic links, for whoever writes. IFX_EIO: none, errno says why. */
IFX_MUST_USE ifx_status ifx_path_resolve(struct ifx_buf *out, const char *path);

/**
 * The path as seen from the current directory, without `.` and `..` where they can be resolved, and
 * without the current directory itself when it is absolute. Purely textual. False when the file is
 * not below the current directory; then `out` has the path as it came.
 */
bool ifx_path_below(struct ifx_buf *out, ifx_str path);
/** Does the file lie below templates/ of a Helm chart? Without memory yes: it is left alone then.
 */
bool ifx_in_chart_templates(ifx_str path);
/** Is it values.yaml, values-prod.yaml, ... beside a Chart.yaml? */
bool ifx_is_chart_values(ifx_str path);

#endif
