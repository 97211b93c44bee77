/*
 * Settings of the mesh: IstioOperator, Sail's Istio, the ConfigMap istio, values of Helm charts (as
 * files, in a HelmRelease of Flux, in an Application of Argo CD).
 */
#ifndef IFX_AMBIENT_MESH_SETTINGS_H
#define IFX_AMBIENT_MESH_SETTINGS_H

#include "ambient/estate.h"

/** Take over what an object says. False: no memory. */
bool ifx_mesh_settings_read(struct ifx_estate *estate, struct ifx_mesh_settings *settings,
			    const struct ifx_object *o);
/** Take over what `settings` does not say. */
void ifx_mesh_settings_inherit(struct ifx_mesh_settings *settings,
			       const struct ifx_mesh_settings *from);

#endif
