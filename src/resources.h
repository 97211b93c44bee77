/* The resources of a text or a file, one after the other. What cannot be read is passed over. */
#ifndef IFX_RESOURCES_H
#define IFX_RESOURCES_H

#include "yaml/roots.h"

/** number: of the document, from 1. The resource and its tree end with the call. */
typedef void ifx_see_resource(void *data, const struct ifx_resource *r, size_t number);

/** needles: a document that has none of them is not parsed; ends with NULL. False: no memory. */
bool ifx_resources_of_text(ifx_str bytes, const char *const *needles, ifx_see_resource *see,
			   void *data);
bool ifx_resources_of_file(const char *path, const char *const *needles, ifx_see_resource *see,
			   void *data);

#endif
