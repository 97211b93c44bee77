/*
 * This file's own hand: its indent, its quotes, its line breaks. New text is written in it.
 */
#ifndef IFX_YAML_STYLE_H
#define IFX_YAML_STYLE_H

#include "yaml/node.h"

/** The line break used at `at`, else before it, else "\n". */
ifx_str ifx_style_newline(ifx_str src, size_t at);
/** Columns from a map's keys to the keys of a map below it, as written nearest to `map`; 2 when nothing tells. */
size_t ifx_style_step(const struct ifx_node *map);
/** Quotes that people would use here: those of the map's other values (keys), then the document's; else double. */
ifx_style ifx_style_value_quote(const struct ifx_node *near);
/** How a new string value is written in this map: plain where one of its values is, else in its quotes. */
ifx_style ifx_style_value(const struct ifx_node *map, ifx_str text, bool flow);
/** IFX_PLAIN, or the quotes that all keys of the map have. */
ifx_style ifx_style_key(const struct ifx_node *map);

#endif
