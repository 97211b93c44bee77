/*
 * Files that travel inside the program, byte for byte: every rule (`<id>.yaml`) and every page
 * (`<id>.md`) of transforms/, and what the plan's page is made with (page.css, page.js). The build
 * writes the table (cmake/embed.cmake).
 *
 * Sorted by name in byte order, so it can be searched with strcmp. Each `data` is followed
 * by a NUL that `len` does not count; a file may itself hold NUL bytes.
 */
#ifndef IFX_RULE_EMBEDDED_H
#define IFX_RULE_EMBEDDED_H

#include <stddef.h>

struct ifx_embedded {
	const char *name; /* "mirror-percent.yaml" */
	const unsigned char *data;
	size_t len;
};

/** `ifx_embedded_count` entries, then one whose name is NULL. */
extern const struct ifx_embedded ifx_embedded_files[];
extern const size_t ifx_embedded_count;

#endif
