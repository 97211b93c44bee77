/*
 * Which files a run is about: those of the command line, those of --files-from, and of all of them
 * only what changed --since a revision, or one part (--shard).
 */
#ifndef IFX_GATHER_H
#define IFX_GATHER_H

#include "configs.h"

/** Is the input one text on standard input? */
bool ifx_gather_is_stdin(const struct ifx_config *config, char *const *paths, size_t n);

/**
 * As ifx_inputs_expand, under the settings of each directory (configs). With --since, files that
 * did not change are marked `only_seen`: other files may ask about them. So are those of other
 * shards.
 */
IFX_MUST_USE ifx_status ifx_gather(struct ifx_inputs *out, struct ifx_configs *configs,
				   char *const *paths, size_t n, struct ifx_arena *arena,
				   ifx_complain_fn *complain, void *data);

#endif
