/*
 * istio-fix: fixes Istio and Kubernetes manifests and leaves every other byte as it was.
 *
 * The library can do whatever the tool can. It never prints, never exits and keeps no state
 * outside the objects below; two configurations may be used in two threads at the same time.
 */
#ifndef ISTIO_FIX_H
#define ISTIO_FIX_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IFX_API __attribute__((visibility("default")))

/** Exit codes of the tool, and what ifx_run returns. */
enum {
	IFX_EXIT_OK = 0,     /* nothing left to report */
	IFX_EXIT_FOUND = 1,  /* findings are left, or a check would change something */
	IFX_EXIT_FAILED = 2, /* usage, configuration, input, output, or a failed proof */
	IFX_EXIT_HELD = 3,   /* ambient: at least one namespace is held */
};

/** Where output goes. The callbacks are called one after the other, never at the same time. */
struct ifx_sink {
	/** Return 0, or -1 when the bytes could not be written. */
	int (*out)(void *data, const char *bytes, size_t len);
	int (*err)(void *data, const char *bytes, size_t len);
	void *data;
};

/** What to do, how far to go, how to say it. */
struct ifx_config;

/** A configuration with the defaults of the tool; NULL when there is no memory. */
IFX_API struct ifx_config *ifx_config_new(void);
IFX_API void ifx_config_free(struct ifx_config *config);

/**
 * Set an option by its long name, without dashes: "in-place", "level", "select", ...
 * value  its argument; NULL for options without one. Lists add up.
 * 0, or -1 with one line (no line end) in `err`, which may be NULL.
 */
IFX_API int ifx_config_set(struct ifx_config *config, const char *name, const char *value,
			   char *err, size_t err_size);

/**
 * Read a command line as the tool does: options may follow paths, "--" ends them.
 * argv    permuted, paths last; its texts are not kept.
 * first   index of the first path; argc when there is none.
 * Output of --help and --version goes to sink->out, an error to sink->err.
 * -1: go on with ifx_run. Otherwise the exit code to end with.
 */
IFX_API int ifx_config_parse(struct ifx_config *config, int argc, char **argv, int *first,
			     const struct ifx_sink *sink);

/**
 * Do what the configuration says to these paths: files, directories, or "-" for standard input,
 * which no path at all means too; it is then a KRM function if a ResourceList comes. What is said
 * about a file is handed to the sink before the next file is looked at; after a failure of
 * sink->out nothing more goes there. Returns an exit code.
 */
IFX_API int ifx_run(const struct ifx_config *config, char *const *paths, size_t n,
		    const struct ifx_sink *sink);

/**
 * Fix one text in memory, as the filter does; in-place, check, diff, list and format are ignored.
 * name    used in messages. No settings file is looked for; one that "config" names is read.
 * *after  the new text, to be given to ifx_free_text; NULL when nothing changes or on failure.
 * Findings that are left and errors go to sink->err as text; sink->out is not called. Returns an
 * exit code.
 */
IFX_API int ifx_fix_text(const struct ifx_config *config, const char *name, const char *bytes,
			 size_t len, char **after, size_t *after_len, const struct ifx_sink *sink);
IFX_API void ifx_free_text(char *text);

/**
 * `istio-fix ambient VERB ...`: from sidecars to ambient mode.
 * argv    argv[0] is the word "ambient"; permuted, paths last.
 * What is said is handed to the sink at the end. Returns an exit code, which may be IFX_EXIT_HELD.
 */
IFX_API int ifx_ambient(int argc, char **argv, const struct ifx_sink *sink);

/** "0.1.0" */
IFX_API const char *ifx_version(void);

#ifdef __cplusplus
}
#endif

#endif
