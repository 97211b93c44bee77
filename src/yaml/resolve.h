/*
 * What a plain scalar is to Kubernetes: go-yaml v2 behind sigs.k8s.io/yaml, that is YAML 1.1
 * with a few changes (IFX facts: transforms/metadata-value-type.md has the table).
 */
#ifndef IFX_YAML_RESOLVE_H
#define IFX_YAML_RESOLVE_H

#include "base/str.h"

typedef enum {
	IFX_TYPE_STR,
	IFX_TYPE_NULL,
	IFX_TYPE_BOOL,
	IFX_TYPE_INT,
	IFX_TYPE_FLOAT,
} ifx_type;

struct ifx_plain {
	ifx_type type;
	/* BOOL: which one it is. */
	bool truth;
	/* BOOL: spelt true or false (any of go-yaml's cases), as opposed to yes, on, y ... */
	bool core_bool;
	/*
	 * INT and FLOAT: the value printed by Go differs from the spelling in a way that makes two
	 * readings of the text possible (octal, hexadecimal, binary, 1_000, 1e3, .5, 1. ...); plain
	 * decimals such as 1.10, 2.0, 08, +2 are not ambiguous.
	 */
	bool ambiguous;
};

/** Type of the text of a plain scalar without a tag. */
struct ifx_plain ifx_resolve_plain(ifx_str text);

/**
 * INT and FLOAT: the value as kubectl sends it, that is as Go's encoding/json prints it (`0777` ->
 * `511`, `1e3` -> `1000`, `1.` -> `1`), at most `size` bytes with the NUL; 40 always suffice.
 * False when it is no number, has no such text (.inf, .nan) or does not fit.
 */
bool ifx_resolve_value(ifx_str text, char *out, size_t size);

/** Is there any YAML reader (1.1 or 1.2 core) that would not take this plain text for a string? */
bool ifx_plain_needs_quotes(ifx_str text);

#endif
