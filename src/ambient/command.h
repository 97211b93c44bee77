/* `istio-fix ambient VERB`: one subcommand for each verb. */
#ifndef IFX_AMBIENT_COMMAND_H
#define IFX_AMBIENT_COMMAND_H

#include "ambient/arguments.h"
#include "words.h"

/** What a verb works on: the tree as it was read, and the plan for it. */
struct ifx_ambient_run {
	const struct ifx_config *config;
	const struct ifx_sink *sink;
	struct ifx_arena names;
	struct ifx_inputs inputs;
	struct ifx_estate estate;
	struct ifx_estate_options estate_options;
	struct ifx_migration plan;
	struct ifx_migration_options migration_options;
	struct ifx_buf out, err; /* not yet handed over */
	bool failed;             /* exit 2, whatever else is done */
};

/**
 * Read the paths (the current directory when there is none) and make the plan. changes: see
 * ifx_migration_make. False: that was not possible at all, and was said in run->err. The run is to
 * be ended whatever is returned.
 */
bool ifx_ambient_begin(struct ifx_ambient_run *run, const struct ifx_config *config,
		       char *const *paths, size_t n, ifx_changes_fn *changes, void *data,
		       const struct ifx_sink *sink);
/** The same, but only the names of the files are found. */
bool ifx_ambient_begin_files(struct ifx_ambient_run *run, const struct ifx_config *config,
			     char *const *paths, size_t n, const struct ifx_sink *sink);
/** The texts of a list, one after the other; NULL: no memory. */
const ifx_str *ifx_ambient_texts(struct ifx_ambient_run *run, const struct ifx_texts *list);
/** Hand over what is left to say and free everything; the exit code, `code` unless it failed. */
int ifx_ambient_end(struct ifx_ambient_run *run, int code);

/** The other verbs; see verbs in command.c. */
int ifx_ambient_apply(const struct ifx_config *config, char *const *paths, size_t n,
		      const struct ifx_sink *sink);
int ifx_ambient_rollback(const struct ifx_config *config, char *const *paths, size_t n,
			 const struct ifx_sink *sink);

#endif
