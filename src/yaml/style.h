/*
 * This file's own hand: its indent, its quotes, its line breaks. New text is written in it. Of a
 * large map only the first entries are looked at.
 */
#ifndef IFX_YAML_STYLE_H
#define IFX_YAML_STYLE_H

#include "yaml/node.h"

/** The line break used at `at`, else before it, else "\n". */
ifx_str ifx_style_newline(ifx_str src, size_t at);
/** Columns from a map's keys to the keys of a map below it, as written nearest to `map`; 2 when
 * nothing tells. */
size_t ifx_style_step(const struct ifx_node *map);
/** Columns from a key to the dashes of a list below it, as written first in the document; 0 when
 * nothing tells. */
size_t ifx_style_dash(const struct ifx_doc *doc);
/** Quotes of values in the map, or the nearest map around it; IFX_PLAIN when there are none. */
ifx_style ifx_style_quote_near(const struct ifx_node *near);
/** Quotes of the first quoted value in the document; IFX_DOUBLE when there are none. */
ifx_style ifx_style_quote_of(const struct ifx_doc *doc);
/** Are there values without quotes in this map, or none at all? Then a new one needs none either.
 */
bool ifx_style_is_plain(const struct ifx_node *map);
/** IFX_PLAIN, or the quotes that the keys of the map have. */
ifx_style ifx_style_key(const struct ifx_node *map);

#endif
