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
 * inputs, options: those a->estate was read with, texts included. What cannot be read is told.
 * IFX_ENOMEM, IFX_EIO: nothing can be said, and nothing is to be written.
 */
IFX_MUST_USE ifx_status ifx_apply_prove(struct ifx_proof *out, struct ifx_apply *a,
					const struct ifx_inputs *inputs,
					const struct ifx_estate_options *options,
					ifx_complain_fn *complain, void *data);

struct ifx_evidence_row;

/** Does the row break P1, P2 or P3, as far as that holds its namespace? */
bool ifx_is_counter_example(const struct ifx_evidence_row *row);

/**
 * The texts of the tree once the step is made: those of the options, and the rewrites in their
 * place. The list is in the arena (and *out, to be changed); its texts are borrowed. IFX_ENOMEM.
 */
IFX_MUST_USE ifx_status ifx_apply_texts(struct ifx_estate_text **out,
					struct ifx_estate_options *options,
					const struct ifx_apply *a, struct ifx_arena *arena);

#endif
