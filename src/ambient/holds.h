/* What follows from namespaces that stay as they are: C38 for those they call, C40 for those that
 * share files with them. */
#ifndef IFX_AMBIENT_HOLDS_H
#define IFX_AMBIENT_HOLDS_H

#include "ambient/migration.h"

/**
 * Settle what the user accepts, find who is held, and go on until nothing follows any more. Each
 * namespace is looked at once when it is held.
 */
void ifx_holds_find(struct ifx_migration *plan);

#endif
