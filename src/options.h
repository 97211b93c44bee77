/*
 * The one table of options: it reads the command line, it answers ifx_config_set, it says which
 * keys a settings file may have, and it is what --help prints.
 */
#ifndef IFX_OPTIONS_H
#define IFX_OPTIONS_H

#include "config.h"

#include "base/buf.h"

/** Which files may have an option as a key, and how it looks there. 0: only the command line. */
enum {
	IFX_KEY_FILE = 1,     /* the root of .istio-fix.yaml */
	IFX_KEY_PATHS = 2,    /* an item of its `paths` */
	IFX_KEY_FUNCTION = 4, /* a functionConfig */
	IFX_KEY_LIST = 8,     /* a list, or one text of it */
	IFX_KEY_MAP = 16,     /* `{a: b}` for a=b */
	IFX_KEY_ONLY = 32,    /* not an option of the command line */
	/* What may stand in all of them. */
	IFX_KEY_RULES = IFX_KEY_FILE | IFX_KEY_PATHS | IFX_KEY_FUNCTION,
	IFX_KEY_RUN = IFX_KEY_FILE | IFX_KEY_FUNCTION,
};

/** Carries an option out. arg is empty for those without argument; err gets one line without end.
 */
typedef bool ifx_option_fn(struct ifx_config *c, ifx_str arg, struct ifx_buf *err);

struct ifx_option {
	char letter; /* 0: none */
	const char *name;
	const char *arg;    /* NULL: none; "[=NAME]": only behind an equals sign */
	ifx_option_fn *set; /* NULL: prints something and ends */
	unsigned keys;
	const char *help; /* NULL: not listed */
};

/** In the order of --help; the last one has no name. */
extern const struct ifx_option ifx_options[];

/** By its long name; NULL when the command line has no such option. */
const struct ifx_option *ifx_option_named(ifx_str name);

/**
 * Carry out an option of the command line, and remember it, so that it wins over files.
 * False: `err` says why, in one line without end.
 */
IFX_MUST_USE bool ifx_option_give(struct ifx_config *c, const struct ifx_option *option,
				  ifx_str arg, struct ifx_buf *err);

/**
 * Another layer of settings begins: a list that is set in it replaces that of the layers before;
 * `select` replaces what they ignore, too. adds: `ignore` adds to theirs instead.
 */
void ifx_config_layer(struct ifx_config *c, bool adds);
/**
 * Set again on `c`, as its next layer, all that was given on `line`. False: no memory, and `err`
 * says so.
 */
IFX_MUST_USE bool ifx_config_repeat(struct ifx_config *c, const struct ifx_config *line,
				    struct ifx_buf *err);

/** `--color auto`, the default of the command line. */
void ifx_color_auto(struct ifx_config *c);

#endif
