/*
 * Lines for a person that are about no place in a text. Names come from strangers: each line stays
 * one line, and nothing in it steers a terminal.
 */
#ifndef IFX_SAY_H
#define IFX_SAY_H

#include "base/buf.h"

/** Append a text without line end; control characters as `\n` and `\x1b`. */
void ifx_say_text(struct ifx_buf *out, ifx_str text);
/** Append the line `istio-fix: error: ...`. */
void ifx_say_error(struct ifx_buf *out, const char *fmt, ...) IFX_PRINTF(2, 3);
/** Append the line `path: error: message [rule]`. */
void ifx_say_file_error(struct ifx_buf *out, ifx_str path, ifx_str message, const char *rule);

#endif
