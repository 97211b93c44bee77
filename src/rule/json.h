/*
 * JSON in a value, as Go's encoding/json takes it (RFC 8259): is it that, has it the shape that its
 * reader unmarshals, and YAML written as JSON.
 */
#ifndef IFX_RULE_JSON_H
#define IFX_RULE_JSON_H

#include "base/buf.h"
#include "yaml/node.h"

typedef enum {
	IFX_JSON_ANY,
	IFX_JSON_NUMBER,
	IFX_JSON_STRING,
	IFX_JSON_NUMBERS,        /* a list of numbers */
	IFX_JSON_MAP_OF_STRINGS, /* {"a": "b"} */
	IFX_JSON_MAP_OF_NUMBERS, /* {"a": [1, 2]} */
	IFX_JSON_OBJECT_OR_ARRAY,
} ifx_json_shape;

typedef enum {
	IFX_JSON_FITS,
	IFX_JSON_MISSHAPEN, /* JSON, but not of the shape that its reader takes */
	IFX_JSON_NOT,       /* not JSON, or nested more than 100 deep */
} ifx_json_fit;

/** Is the text one JSON value of that shape? A null fits every shape: Go leaves unset what it is
 * for. */
ifx_json_fit ifx_json_check(ifx_str text, ifx_json_shape shape);

/**
 * Append a YAML tree as JSON. False, and `out` holds a part: there is an alias, an anchor, a tag or
 * a merge key in it, or a scalar of which YAML 1.1 and 1.2 do not agree what it is.
 */
bool ifx_json_of_yaml(struct ifx_buf *out, const struct ifx_node *node);

#endif
