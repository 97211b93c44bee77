/* Members of JSON objects, for the formats that are JSON. */
#ifndef IFX_REPORT_MEMBERS_H
#define IFX_REPORT_MEMBERS_H

#include "base/buf.h"

/** `"key":`, behind a comma unless it is the first of its object. `key` needs no escapes. */
void ifx_add_key(struct ifx_buf *out, const char *key);
/** A ptr of NULL is null. */
void ifx_add_string(struct ifx_buf *out, const char *key, ifx_str value);
void ifx_add_number(struct ifx_buf *out, const char *key, size_t value);
void ifx_add_bool(struct ifx_buf *out, const char *key, bool value);

#endif
