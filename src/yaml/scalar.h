/*
 * Scalars: what the source says, and how to say something in a given style. Our own decoder:
 * libfyaml's is wrong for some ordinary inputs (YAML 1.2.2 chapters 7.3 and 8.1).
 */
#ifndef IFX_YAML_SCALAR_H
#define IFX_YAML_SCALAR_H

#include "base/buf.h"
#include "yaml/node.h"

/**
 * Decode a scalar. The result is a slice of the source when nothing has to change.
 * map  NULL, or receives an array of text.len + 1 offsets (in the arena): map[i] is the source
 *      offset where byte i of the text comes from, and the last one where the text ends.
 * ptr NULL when there is no memory.
 */
ifx_str ifx_scalar_decode(const struct ifx_node *node, struct ifx_arena *arena, size_t **map);

/** Columns at the start of a block scalar's lines that are not text. */
size_t ifx_scalar_indent(const struct ifx_node *node);

/** May `text` stand unquoted here and be read as a string by every reader? flow: inside [] or {}.
 */
bool ifx_plain_ok(ifx_str text, bool flow);

/** May this plain scalar stand here, whatever a reader takes it for? */
bool ifx_plain_fits(ifx_str text, bool flow);

/** Append `text` as a scalar of one line: IFX_PLAIN (must be ok), IFX_SINGLE or IFX_DOUBLE. */
void ifx_scalar_quote(struct ifx_buf *out, ifx_str text, ifx_style style);
/** Append `text` with the escapes of a quoted style, without the quotes. */
void ifx_scalar_escape(struct ifx_buf *out, ifx_str text, ifx_style style);

/** The style nearest to `wish` that can hold `text` on one line: single quotes cannot hold control
 * bytes. */
ifx_style ifx_style_for(ifx_str text, ifx_style wish, bool flow);

#endif
