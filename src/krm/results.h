/*
 * Findings as the `results` of a ResourceList (KRM Functions Specification v1, Result).
 */
#ifndef IFX_KRM_RESULTS_H
#define IFX_KRM_RESULTS_H

#include "krm/list.h"
#include "rule/finding.h"

/**
 * Append a ResourceList with its results, one for each finding.
 *
 * list   of the text that the findings are about; closed as soon as it is done with.
 * after  the text to hand back: that one, or with `fixed` the one with the fixes.
 *
 * Results are per function: ours take the place of those that are there. Without findings the text
 * is handed back as it is. They are written as block lines, or as JSON where the list is; the new
 * text is proven like every fix.
 *
 * IFX_EREFUSED  there is no room for them in this text; `why` says why, a clause. The text itself
 *               was appended.
 * IFX_EINVAL    the proof failed, a mistake of ours; nothing was appended.
 */
IFX_MUST_USE ifx_status ifx_results_add(struct ifx_buf *out, struct ifx_list *list, ifx_str after,
					bool fixed, const struct ifx_finding *const *findings,
					size_t n, struct ifx_buf *why);

#endif
