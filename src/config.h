/* What the user asked for. Filled by options.c, read by app.c. */
#ifndef IFX_CONFIG_H
#define IFX_CONFIG_H

#include "istio_fix.h"

#include "base/arena.h"
#include "rule/cx.h"

typedef enum {
	IFX_MODE_REPORT,
	IFX_MODE_IN_PLACE,
	IFX_MODE_CHECK,
	IFX_MODE_DIFF,
	IFX_MODE_LIST,
	IFX_MODE_RULES, /* istio-fix rules [RULE] */
} ifx_mode;

/** Texts in the order they were given. */
struct ifx_texts {
	ifx_str *items;
	size_t n, cap;
};

struct ifx_config {
	struct ifx_arena arena;
	ifx_mode mode;
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
	bool quiet, verbose;
	bool color_out, color_err; /* escape sequences on standard output, on standard error */
	ifx_str stdin_filename;
	int istio_minor;   /* 0: the newest */
	ifx_str namespace; /* ptr NULL: unknown */
};

#endif
