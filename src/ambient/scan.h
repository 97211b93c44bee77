/* Which documents can decide something about a migration; the others are not parsed. */
#ifndef IFX_AMBIENT_SCAN_H
#define IFX_AMBIENT_SCAN_H

#include "ambient/estate.h"

/** Sound: a document that could concern us is never passed over. */
bool ifx_ambient_concerns(ifx_str document);

/** What a resource is to a migration; IFX_KINDS: nothing. */
ifx_object_kind ifx_ambient_kind(const struct ifx_resource *r, const struct ifx_source *source);

#endif
