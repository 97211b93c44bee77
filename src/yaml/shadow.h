/*
 * libfyaml rejects an empty item of a list that is not indented below its key:
 *
 *   k:
 *   -
 *   z: 1
 *
 * It is then given a copy in which such items say ` ~`, and its marks are taken back to the source.
 */
#ifndef IFX_YAML_SHADOW_H
#define IFX_YAML_SHADOW_H

#include "base/buf.h"

struct ifx_shadow {
	struct ifx_buf text;
	size_t *gaps; /* offsets in the source where the copy has two bytes more, ascending */
	size_t n, cap;
};

/** A copy of `src`; n is 0 when it is no different. False: no memory. Release it either way. */
bool ifx_shadow_make(struct ifx_shadow *shadow, ifx_str src);
void ifx_shadow_release(struct ifx_shadow *shadow);
/** Offset in the source of a byte of the copy. */
size_t ifx_shadow_to_source(const struct ifx_shadow *shadow, size_t at);

#endif
