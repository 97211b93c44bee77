/*
 * Services that gateways route to: by a VirtualService with a gateway other than the mesh, a route
 * with a Gateway for a parent, or an Ingress.
 */
#ifndef IFX_AMBIENT_EXPOSED_H
#define IFX_AMBIENT_EXPOSED_H

#include "ambient/estate.h"

struct ifx_exposed {
	const struct ifx_object **list; /* Services, sorted by address */
	size_t n, cap;
	bool failed; /* no memory */
};

/** Look through all environments. To be released. */
void ifx_exposed_read(struct ifx_exposed *out, const struct ifx_estate *estate);
void ifx_exposed_release(struct ifx_exposed *exposed);
bool ifx_is_exposed(const struct ifx_exposed *exposed, const struct ifx_object *service);

#endif
