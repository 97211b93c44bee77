/* What the sidecars of a namespace are told, summed: numbers for whoever sizes a waypoint. */
#ifndef IFX_AMBIENT_TUNING_H
#define IFX_AMBIENT_TUNING_H

#include "ambient/migration.h"

/** Fill ns->tuning. */
void ifx_tuning_sum(struct ifx_migration *plan, struct ifx_ns_plan *ns);

#endif
