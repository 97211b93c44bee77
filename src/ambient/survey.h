/* An environment as a mesh: what the model (model.h) is to be asked about. */
#ifndef IFX_AMBIENT_SURVEY_H
#define IFX_AMBIENT_SURVEY_H

#include "ambient/estate.h"
#include "ambient/exposed.h"
#include "ambient/mesh.h"

/** Fill a mesh from an environment of the estate, which must outlive it. IFX_ENOMEM. */
IFX_MUST_USE ifx_status ifx_survey(struct ifx_mesh *mesh, const struct ifx_environment *environment,
				   const struct ifx_exposed *exposed, struct ifx_arena *arena);

#endif
