/* Names of files as URI references (RFC 3986). */
#ifndef IFX_REPORT_URI_H
#define IFX_REPORT_URI_H

#include "base/buf.h"

/**
 * Relative to the current directory where the path is below it; else as it came, with `file://`
 * before an absolute one. Bytes that are not unreserved characters are percent-encoded, so any name
 * a file can have comes out valid and can be had back.
 */
void ifx_add_uri(struct ifx_buf *out, ifx_str path);

#endif
