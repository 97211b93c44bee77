/*
 * The migration as if it were done at once: each phase for all namespaces that nothing holds, one
 * after the other, in memory. What each changes, file by file, what is held before it, and what the
 * model says about today and the end. Nothing is written.
 */
#ifndef IFX_AMBIENT_PREVIEW_H
#define IFX_AMBIENT_PREVIEW_H

#include "ambient/migration.h"
#include "ambient/proof.h"

enum {
	IFX_PREVIEW_PHASES = IFX_STEP_CLEANUP + 1,
	/* Rows of evidence that are kept: those that change first. The numbers count all of them.
	 */
	IFX_PREVIEW_ROWS = 2000,
};

struct ifx_preview_file {
	ifx_str path, diff; /* a unified diff */
	ifx_str namespaces; /* those that want it, a blank between them */
	struct ifx_preview_file *next;
};

struct ifx_preview_hold {
	ifx_str namespace, why;
	struct ifx_preview_hold *next;
};

struct ifx_preview_phase {
	struct ifx_preview_file *files; /* by path */
	struct ifx_preview_hold *holds; /* by environment and namespace */
	size_t n_files, n_changed, n_held;
	struct ifx_proof proof;
};

/** One kind of request, in words. */
struct ifx_preview_row {
	ifx_str namespace, workload, caller, request, way, before, after;
	const char *verdict;
	bool same; /* the same decision */
	size_t n;  /* requests */
	struct ifx_preview_row *next;
};

struct ifx_preview {
	struct ifx_arena arena;
	struct ifx_preview_phase phases[IFX_PREVIEW_PHASES];
	struct ifx_preview_row *rows;
	size_t n_rows, n_kept, n_workloads, n_services, n_requests, n_calls, n_sampled;
};

/** What a preview starts from. */
struct ifx_preview_start {
	struct ifx_migration *plan; /* of the tree as it is */
	const struct ifx_inputs *inputs;
	const struct ifx_estate_options *estate;
	const struct ifx_passage_options *passage;
	ifx_complain_fn *complain; /* of files that cannot be read again */
	void *data;
};

/** To be released whatever is returned. IFX_ENOMEM, IFX_EIO. */
IFX_MUST_USE ifx_status ifx_preview_make(struct ifx_preview *out,
					 const struct ifx_preview_start *start);
void ifx_preview_release(struct ifx_preview *preview);

#endif
