/*
 * Reading a command line by a table of options, for the tool and for its subcommands: options may
 * follow paths, `-` is a path, and all is one behind `--`.
 */
#ifndef IFX_WORDS_H
#define IFX_WORDS_H

#include "options.h"

/** What comes after the words were read. */
typedef enum { IFX_CARRY_ON, IFX_PRINT_HELP, IFX_PRINT_VERSION, IFX_USAGE } ifx_after_words;

struct ifx_words {
	struct ifx_config *config;
	const struct ifx_option *options; /* the last one has no name */
	char **argv;                      /* permuted: paths come last */
	int argc;
	int at;             /* the word that is read */
	int paths;          /* the first path so far: argv[paths..at) are paths */
	bool dashes;        /* there was a `--` */
	struct ifx_buf why; /* IFX_USAGE: one line without end; to be released */
};

/** first: the first word to read. */
void ifx_words_init(struct ifx_words *w, struct ifx_config *config,
		    const struct ifx_option *options, int argc, char **argv, int first);
ifx_after_words ifx_words_read(struct ifx_words *w);
/** Say why not. */
void ifx_words_bad(struct ifx_words *w, const char *fmt, ...) IFX_PRINTF(2, 3);

/** Append the options as --help lists them. */
void ifx_words_help(struct ifx_buf *out, const struct ifx_option *options);
/** Hand a text to standard output; the exit code. */
int ifx_words_print(const struct ifx_sink *sink, const struct ifx_buf *text);
/** Hand `why` to standard error; self: what to ask for help. IFX_EXIT_FAILED. */
int ifx_words_complain(const struct ifx_words *w, const struct ifx_sink *sink, const char *self);

#endif
