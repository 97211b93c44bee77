/* What the plan says stands in the way of a step: its findings hold the passage. */
#ifndef IFX_AMBIENT_GATE_H
#define IFX_AMBIENT_GATE_H

#include "ambient/migration.h"
#include "ambient/passage.h"

/** Hold a passage for what the plan of its estate found, as far as it stands before the step. */
void ifx_gate(struct ifx_passage *p, const struct ifx_migration *plan, ifx_step step);

#endif
