/* What the user asked for. Filled by the table of options.c, from the command line and from
 * settings files. */
#ifndef IFX_CONFIG_H
#define IFX_CONFIG_H

#include "istio_fix.h"

#include "base/arena.h"
#include "reading.h"
#include "rule/cx.h"

typedef enum {
	IFX_MODE_REPORT,
	IFX_MODE_IN_PLACE,
	IFX_MODE_CHECK,
	IFX_MODE_DIFF,
	IFX_MODE_LIST,
	IFX_MODE_RULES,   /* istio-fix rules [RULE] */
	IFX_MODE_RECOVER, /* istio-fix recover PATH... */
} ifx_mode;

/** What standard input is called unless --stdin-filename says otherwise. */
#define IFX_STDIN_NAME "<stdin>"

/** Who calls. */
typedef enum {
	IFX_HOST_ANY,    /* a person, or what standard input tells */
	IFX_HOST_KRM,    /* --krm: a runtime of KRM functions */
	IFX_HOST_PLUGIN, /* --kustomize-legacy: kustomize, of its exec plugin */
} ifx_host;

struct ifx_option;
struct ifx_ambient_options;

/** A text, and where it was written as `file:line:col`; ptr NULL: on the command line. */
struct ifx_said {
	ifx_str text, where;
};

/** Texts in the order they were given. */
struct ifx_texts {
	struct ifx_said *items;
	size_t n, cap;
	size_t inherited; /* the first ones: of an earlier layer (options.h) */
};

/** An option as it was given on the command line. */
struct ifx_given {
	const struct ifx_option *option;
	ifx_str arg;
};

/** Parts into which --shard can cut the files. */
#define IFX_SHARDS_MAX 100000

struct ifx_config {
	struct ifx_arena arena;
	struct ifx_given *given; /* the command line, to be repeated over the settings of a file */
	size_t n_given, cap_given;
	ifx_str where;   /* what is set now is written there, as in struct ifx_said */
	bool layer_adds; /* see ifx_config_layer */
	ifx_str base;    /* directory that paths in a file count from; empty: the current one */
	bool confined;   /* ... and that they may not leave */
	ifx_mode mode;
	ifx_host host;
	ifx_str plugin_config; /* IFX_HOST_PLUGIN: the file of its configuration; ends in NUL */
	ifx_level level;
	struct ifx_pick *picks;
	size_t n_picks, cap_picks;
	struct ifx_texts select, ignore, exclude, rules;
	int format; /* IFX_FORMAT_ of report/report.h */
	bool format_given;
	ifx_severity fail_on;
	bool fail_on_given;
	bool exit_zero, exit_non_zero_on_fix;
	bool force_exclude, no_gitignore;
	ifx_str files_from;     /* ptr NULL: none; "-": standard input */
	ifx_str since;          /* a git revision; ptr NULL: all files */
	bool null;              /* names, read or listed, end in NUL */
	unsigned jobs;          /* threads; 0: as many as are good for something */
	unsigned shard, shards; /* --shard I/N, I from 1; 0: all files */
	bool atomic;            /* all files are replaced, or none */
	ifx_str backup;         /* suffix of the old files that are kept; ptr NULL: none are */
	bool quiet, verbose, statistics;
	bool color_out, color_err; /* escape sequences on standard output, on standard error */
	ifx_str stdin_filename;
	ifx_str baseline, write_baseline; /* files; ptr NULL: none */
	bool add_ignores;
	ifx_str why_ignored; /* the reason; may be empty */
	ifx_str config;      /* --config: the settings file for all inputs; ptr NULL: the nearest */
	bool no_config;
	ifx_templates templates;
	int istio_minor;                     /* 0: the newest */
	ifx_str namespace;                   /* ptr NULL: unknown */
	struct ifx_ambient_options *ambient; /* those of the subcommand; else NULL */
};

#endif
