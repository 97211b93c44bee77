/* Patches of kustomizations: files, and what is written in the kustomization itself. */
#ifndef IFX_AMBIENT_PATCH_H
#define IFX_AMBIENT_PATCH_H

#include "ambient/estate.h"

/** Merge all patches into what they are for, once everything is read. False: no memory. */
bool ifx_patches_apply(struct ifx_estate *estate);

#endif
