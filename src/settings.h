/*
 * Settings that are written in YAML: keys are the long names of options, values their arguments.
 *
 *     level: safe
 *     select: [misplaced-annotation, duration]     # a list, or "misplaced-annotation,duration"
 *     choose: {ambient-conflict: sidecar}
 *     no-gitignore: true
 *
 * What is not understood is an error with a place: a setting that silently does nothing is worse
 * than none.
 */
#ifndef IFX_SETTINGS_H
#define IFX_SETTINGS_H

#include "config.h"

#include "base/buf.h"
#include "yaml/node.h"

/** Errors that are told about one map of settings; the others are only counted. */
#define IFX_SETTINGS_ERRORS_MAX 20

/** Items of `paths`. */
#define IFX_SETTINGS_PATHS_MAX 1000

typedef enum {
	IFX_SETTINGS_FILE,     /* the root of .istio-fix.yaml */
	IFX_SETTINGS_PATHS,    /* an item of its `paths` */
	IFX_SETTINGS_FUNCTION, /* `spec` of a functionConfig of our own kind */
	IFX_SETTINGS_DATA, /* `data` of a ConfigMap: all values are strings, as "a,b" and "true" */
} ifx_settings_place;

/**
 * Set on `c`, as its next layer, what `map` says. To let a command line win over it:
 *
 *     c = ifx_config_new();
 *     ok = ifx_settings_read(c, spec, IFX_SETTINGS_FUNCTION, file, err);
 *     ok = ifx_config_repeat(c, line, err) && ok;           (options.h)
 *
 * map   a map, or NULL or a null for no settings at all; its document is taken for the whole file,
 *       and may be freed afterwards. In an own kind `mode: fix` is IFX_MODE_REPORT (as the filter),
 *       `mode: check` IFX_MODE_CHECK.
 *       The functions' may name rules below the current directory only.
 * file  for messages; copied.
 * err   one whole line `file:line:col: error: what, and what to do [config]` per error.
 * False when there was one; then `c` is good for nothing but ifx_config_free.
 * Whether rules and answers of these names exist is seen by ifx_ruleset_load, which says so with
 * the same places.
 */
IFX_MUST_USE bool ifx_settings_read(struct ifx_config *c, const struct ifx_node *map,
				    ifx_settings_place place, ifx_str file, struct ifx_buf *err);

/** An item of `paths`: settings for some files. */
struct ifx_path_settings {
	struct ifx_ignore *globs;   /* io/gitignore.h */
	const struct ifx_node *map; /* for ifx_settings_read; its key `path` is known there */
};

/**
 * The list `paths` of a settings file:
 *
 *     paths:
 *       - path: [legacy/, "*-old.yaml"]     # as lines of a .gitignore
 *         ignore: [duration]
 *
 * list  in `arena`, in order, 0 items when there is none; its globs are to be freed whatever is
 *       returned; borrows the document of `map`, which is the root of the file.
 * file, err and the answer as above. What else the items say is not looked at.
 */
IFX_MUST_USE bool ifx_settings_read_paths(struct ifx_path_settings **list, size_t *n,
					  const struct ifx_node *map, struct ifx_arena *arena,
					  ifx_str file, struct ifx_buf *err);

#endif
