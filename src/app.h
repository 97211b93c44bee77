/*
 * The state of one run, shared by its three parts: app.c (the order of things, what is said, the
 * exit code), work.c (inputs are read and gone through) and deliver.c (what becomes of a result).
 */
#ifndef IFX_APP_H
#define IFX_APP_H

#include "baseline.h"
#include "config.h"
#include "configs.h"
#include "index.h"
#include "krm/function.h"
#include "pipeline.h"
#include "report/report.h"
#include "writer.h"

/* Why an --atomic run writes nothing. */
struct ifx_reason {
	ifx_str path, message;
	const char *rule;
	bool again; /* the second pass met it, too */
	struct ifx_reason *next;
};

struct ifx_app {
	const struct ifx_config *config;
	const struct ifx_sink *sink;
	struct ifx_configs configs;
	struct ifx_baseline baseline; /* the one that is read or written */
	ifx_configs_from from;
	struct ifx_inputs inputs;
	struct ifx_arena names; /* of the inputs */
	struct ifx_index index;
	struct ifx_reporter reporter;
	struct ifx_buf out, err; /* not yet handed to the sink */
	bool held;               /* --atomic: nothing is said before all is written */
	bool out_lost; /* a piece of the output is missing; what follows must not look complete */
	bool failed;   /* exit 2 */
	bool would_change;
	bool seen, left; /* a finding at or above --fail-on; one that is not fixed */
	struct ifx_writer writer;
	bool none_written;            /* --atomic: and none will be */
	struct ifx_reason *reasons;   /* then: why */
	struct ifx_function function; /* on standard input */
	bool made;                    /* the text was made by a program: tell what from */
	bool filter;                  /* text to text: what is said goes to standard error */
	bool warned_outside;          /* that a diff cannot be applied from here */
};

/* One input, in memory. */
struct ifx_source {
	ifx_str path; /* ends in NUL */
	ifx_str bytes;
	const struct stat *st; /* NULL: no file */
	bool named;
};

/* app.c */

/** What was said so far, to the sink: once per file, so that all of it comes in order. */
void ifx_app_flush(struct ifx_app *app);
/** An error that has no place in the text. */
void ifx_app_complain(struct ifx_app *app, ifx_str path, ifx_str message, const char *rule);
/** The same about writing; an ifx_complain_fn, data is the struct ifx_app. */
void ifx_app_complain_write(void *data, ifx_str path, ifx_str message);

/* work.c */

/** Standard input. detect: it may be a function's. */
void ifx_work_stdin(struct ifx_app *app, bool detect);
/** All files of app->inputs, several at a time. */
void ifx_work_files(struct ifx_app *app);
/** One text that is in memory. */
void ifx_work_source(struct ifx_app *app, const struct ifx_source *source);
/** The settings for an input, as ifx_configs_for; path: ptr NULL for standard input. */
const struct ifx_profile *ifx_work_profile(struct ifx_app *app, ifx_str path);
/** An ifx_engine_fn; data is the struct ifx_app. */
bool ifx_work_engine(void *app, ifx_str path, struct ifx_engine *engine, ifx_str *namespace);

/* deliver.c */

/** Write, show and report what came out. False: no memory. */
IFX_MUST_USE bool ifx_deliver(struct ifx_app *app, const struct ifx_source *source,
			      struct ifx_outcome *outcome);

#endif
