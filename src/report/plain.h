/* Text for a person, in one line. */
#ifndef IFX_REPORT_PLAIN_H
#define IFX_REPORT_PLAIN_H

#include "base/buf.h"

/**
 * What could end the line, move a terminal's cursor or turn the text around is written as `\n`,
 * `\x1b`, `\u202e`, and a byte that is not UTF-8 as `\xff`. The result is valid UTF-8.
 */
void ifx_add_plain(struct ifx_buf *out, ifx_str text);

#endif
