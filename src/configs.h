/*
 * The settings files of a run, and what they make of the command line for each input.
 *
 * For a file that is `.istio-fix.yaml` or `.istio-fix.yml` of its directory, or of the nearest one
 * above that has any; the search ends at the directory that has `.git`. Files do not add up.
 * --config and ISTIO_FIX_CONFIG name one for all inputs, --no-config leaves them all out.
 *
 * A file that is found may come from a stranger's pull request: it is a regular file (a symbolic
 * link is refused), it may name rules below its own directory only, and no setting can make the
 * tool write. A file that was named is trusted.
 */
#ifndef IFX_CONFIGS_H
#define IFX_CONFIGS_H

#include "base/map.h"
#include "io/files.h"
#include "io/resolver.h"
#include "ruleset.h"

/** A larger settings file is refused. Bytes. */
#define IFX_CONFIG_FILE_MAX ((size_t)1 << 20)

/** Which settings files a run looks at. */
typedef enum {
	IFX_CONFIGS_NEAREST, /* the nearest one of each input, or the one that is named */
	IFX_CONFIGS_NAMED,   /* only one that --config names */
	IFX_CONFIGS_NONE,    /* the configuration is all there is */
} ifx_configs_from;

struct ifx_config_file;

/** What holds for one input. */
struct ifx_profile {
	const struct ifx_config *config;
	struct ifx_ruleset rules;
	ifx_str file; /* the settings file, as shown; ptr NULL: none */
	bool bad;     /* not to be used; what is wrong was said */
	bool borrows; /* `rules` are those of another profile */
	struct ifx_profile *next;
};

struct ifx_configs {
	const struct ifx_config *line;
	ifx_configs_from from;
	bool talks; /* notes are welcome; set by the caller */
	struct ifx_buf *err;
	struct ifx_arena arena;
	struct ifx_resolver resolver;
	struct ifx_rules builtin;
	struct ifx_map dirs; /* typed, and real paths: struct ifx_config_dir */
	struct ifx_config_file *files, *given;
	struct ifx_map rulesets;   /* profiles by what decides their rules */
	struct ifx_profile *plain; /* of the command line alone */
	struct ifx_profile *first; /* all of them, the last one made first */
	bool failed;               /* an error was said */
	bool stop;                 /* it is one of the command line: no input can be done */
};

/**
 * line    borrowed: the command line.
 * err     errors and (verbose) notes go there, one whole line each, when they are found: a file is
 *         read when the first input asks for it.
 */
void ifx_configs_init(struct ifx_configs *configs, const struct ifx_config *line,
		      ifx_configs_from from, struct ifx_buf *err);
void ifx_configs_release(struct ifx_configs *configs);

/**
 * The settings for the input `path`, as typed; a path that names no directory is one of the current
 * directory. NULL: the input is to be left alone, as its settings are wrong; configs->failed is
 * set.
 */
const struct ifx_profile *ifx_configs_for(struct ifx_configs *configs, ifx_str path);
/** Is the input left out by its settings, also when it is named? */
bool ifx_configs_leave_out(struct ifx_configs *configs, ifx_str path);
/** What a report may tell of a rule of any of the profiles; see ifx_ruleset_describe. */
void ifx_configs_describe(const struct ifx_configs *configs, const char *id,
			  struct ifx_rule_page *page);
/** An ifx_dir_options_fn; data is the struct ifx_configs. */
struct ifx_dir_options ifx_configs_dir_options(void *configs, ifx_str dir);

#endif
