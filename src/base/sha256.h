/* SHA-256 (FIPS 180-4): by which a record knows a file again. None of our dependencies offers one.
 */
#ifndef IFX_BASE_SHA256_H
#define IFX_BASE_SHA256_H

#include "base/str.h"

/** Hexadecimal digits of a digest, and a NUL. */
#define IFX_SHA256_TEXT 65

void ifx_sha256(char out[IFX_SHA256_TEXT], ifx_str bytes);

#endif
