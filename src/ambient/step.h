/* The steps of a migration, each a complete state of the tree (AMBIENT 1.3). */
#ifndef IFX_AMBIENT_STEP_H
#define IFX_AMBIENT_STEP_H

#include "base/str.h"

typedef enum {
	IFX_STEP_PREPARE,
	IFX_STEP_ROUTES, /* optional: VirtualServices become HTTPRoutes */
	IFX_STEP_BIND,
	IFX_STEP_ENROLL,
	IFX_STEP_CLEANUP,
	/*
	 * All at once, policies changed where they stand: the smallest difference, and a gap, for
	 * pods that still have their sidecar while they roll ignore policies with targetRefs.
	 */
	IFX_STEP_CUTOVER,
	IFX_STEPS,
} ifx_step;

/** "prepare"; for messages and records. */
const char *ifx_step_name(ifx_step step);
/** False: no step has that name. */
bool ifx_step_named(ifx_step *step, ifx_str name);

#endif
