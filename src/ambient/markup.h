/*
 * HTML (WHATWG HTML 13.1) from texts that strangers wrote. Whatever they hold, they stay text:
 * inside an element, and inside an attribute in double quotes.
 */
#ifndef IFX_AMBIENT_MARKUP_H
#define IFX_AMBIENT_MARKUP_H

#include "base/buf.h"

/**
 * Append a text. Bytes that are no UTF-8 become U+FFFD. Characters that have no shape of their own
 * but change how others look (controls, marks of direction, zero width) are written as `\u202e`;
 * line feeds and tabs stay.
 */
void ifx_html_text(struct ifx_buf *out, ifx_str text);
/** Append ` name="text"`. */
void ifx_html_attribute(struct ifx_buf *out, const char *name, ifx_str text);
/** Append `<tag>text</tag>`; `tag` may have attributes behind its name. */
void ifx_html_element(struct ifx_buf *out, const char *tag, ifx_str text);

#endif
