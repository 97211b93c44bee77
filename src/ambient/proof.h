/*
 * Evidence for a step before anything is written: the estate is read again from the new texts, and
 * the model is asked about both (evidence.h). A counter-example to P1, P2 or P3 holds its
 * namespace, the others go on.
 */
#ifndef IFX_AMBIENT_PROOF_H
#define IFX_AMBIENT_PROOF_H

#include "ambient/apply.h"

/** What was tried. */
struct ifx_proof {
	size_t n_workloads, n_requests, n_calls;
	size_t n_sampled; /* workloads for which not all requests could be tried */
	size_t n_shuts;   /* callers with sidecars, or without identity, that are refused now */
};

/**
 * inputs, options: those of a->estate. What cannot be read is told.
 * IFX_ENOMEM, IFX_EIO: nothing can be said, and nothing is to be written.
 */
IFX_MUST_USE ifx_status ifx_apply_prove(struct ifx_proof *out, struct ifx_apply *a,
					const struct ifx_inputs *inputs,
					const struct ifx_estate_options *options,
					ifx_complain_fn *complain, void *data);

#endif
