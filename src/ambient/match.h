/*
 * How Istio compares values of AuthorizationPolicies: `*`, `x*`, `*x` and exact strings, path
 * templates, address blocks, ports.
 */
#ifndef IFX_AMBIENT_MATCH_H
#define IFX_AMBIENT_MATCH_H

#include "base/str.h"

/** `*` is anything that is not empty, `x*` a prefix, `*x` a suffix, all else exact. */
bool ifx_pattern_match(ifx_str pattern, ifx_str text);
/** The same but for ASCII letter case. */
bool ifx_pattern_imatch(ifx_str pattern, ifx_str text);
/** Each `*` stands for any text, also none; everything else for itself. */
bool ifx_glob_match(ifx_str glob, ifx_str text);

/** Has a path `{*}` or `{**}`? */
bool ifx_is_path_template(ifx_str pattern);
/**
 * A path, without query and fragment, against a pattern or a template: `{*}` is one segment that is
 * not empty, `{**}` any number of them, also none.
 */
bool ifx_path_pattern_match(ifx_str pattern, ifx_str path);

/** An address block; one address is a block of its own. */
typedef struct {
	unsigned char bytes[16];
	unsigned len;  /* 4 or 16 bytes */
	unsigned bits; /* of the prefix */
} ifx_block;

/** False: it is neither an address nor a block. */
bool ifx_block_parse(ifx_block *out, ifx_str text);
/** Is an address (or smaller block) in the block? */
bool ifx_block_has(const ifx_block *block, const ifx_block *address);
/** The same of texts; false when one of them is wrong or absent. */
bool ifx_block_match(ifx_str block, ifx_str address);

/** 0 to 65535, decimal; false when it is none. */
bool ifx_port_parse(unsigned *out, ifx_str text);

/** Trust domain, namespace and service account of `td/ns/N/sa/S`. */
struct ifx_identity {
	ifx_str trust_domain, namespace, account;
};
/** False: it does not look like one. */
bool ifx_identity_parse(struct ifx_identity *out, ifx_str principal);

#endif
