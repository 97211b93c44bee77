/*
 * Evidence: the user's own policies, asked about every caller and request that they tell apart,
 * before and after a change.
 *
 *   P1  the same decision through the Service, for callers that are in the mesh as the tree shows
 *       them, or ambient when the tree does not show them;
 *   P2  never looser, on any path, for any caller;
 *   P3  no ALLOW policy for a workload that had none: it would refuse what nobody mentioned.
 *
 * A caller that keeps its sidecar or sends plaintext may be refused afterwards without breaking any
 * of them; such rows are marked IFX_SHUTS.
 */
#ifndef IFX_AMBIENT_EVIDENCE_H
#define IFX_AMBIENT_EVIDENCE_H

#include "ambient/model.h"
#include "base/buf.h"

/** Requests that are tried for one workload behind one Service, unless the options say otherwise.
 */
#define IFX_EVIDENCE_REQUESTS ((size_t)2048)
/** Memory for the search through them. Bytes. */
#define IFX_EVIDENCE_MEMORY ((size_t)1 << 30)

enum {
	IFX_P1 = 1,
	IFX_P2 = 2,
	IFX_P3 = 4,
	IFX_SHUTS = 8,
};

/** What was found for requests that were treated alike; the request is the first of them. */
struct ifx_evidence_row {
	const struct ifx_service *service;   /* after; NULL: straight to the pod's address */
	const struct ifx_workload *workload; /* after */
	ifx_mode caller_before, caller_after;
	bool known;                 /* the caller is a workload of the tree */
	struct ifx_request request; /* principal ptr NULL: no identity */
	struct ifx_decision before, after;
	unsigned breaks;                   /* IFX_P1... */
	const struct ifx_authz *new_allow; /* IFX_P3 only: the ALLOW policy; no request */
	size_t n;                          /* requests */
	struct ifx_evidence_row *next;
};

struct ifx_evidence {
	/* One row for each caller and pair of decisions, in order of namespace, workload, Service.
	 */
	struct ifx_evidence_row *rows;
	size_t n_rows;
	const struct ifx_evidence_row *counter_example; /* the first that breaks P1, P2 or P3 */
	size_t n_requests;                              /* tried */
	size_t n_calls;                 /* each of them by several callers and ways */
	size_t n_workloads, n_services; /* looked at */
	size_t broken[3];               /* rows that break P1, P2, P3 */
	size_t shuts;                   /* rows */
	/* Workloads for which a limit left requests out; then the search is a sample. */
	size_t n_sampled;
	const struct ifx_workload *first_sampled;
};

struct ifx_evidence_options {
	struct ifx_strs namespaces; /* whose workloads are looked at; n 0: all */
	size_t limit;               /* requests for each workload and Service; 0: the default */
};

/**
 * Compare two meshes. Everything lives in the arena; texts and pointers into the meshes are
 * borrowed. options: may be NULL.
 * IFX_ENOMEM.
 */
IFX_MUST_USE ifx_status ifx_evidence_find(struct ifx_evidence *out, const struct ifx_mesh *before,
					  const struct ifx_mesh *after,
					  const struct ifx_evidence_options *options,
					  struct ifx_arena *arena);

/* --- as text, without line ends -------------------------------------------------------------- */

/** `refused at ztunnel: no ALLOW policy matches (...)` */
void ifx_decision_say(struct ifx_buf *out, const struct ifx_decision *decision);
/** `allowed by AuthorizationPolicy orders/orders-api-callers`, without the place; for tables. */
void ifx_decision_say_short(struct ifx_buf *out, const struct ifx_decision *decision);
/** `cluster.local/ns/web/sa/storefront (ambient)` */
void ifx_caller_say(struct ifx_buf *out, const struct ifx_evidence_row *row);
/** `GET /orders/1 to port 80, header x-a: b` */
void ifx_request_say(struct ifx_buf *out, const struct ifx_request *request);
/** Everything about a row, in a sentence or two: who asks what of whom, what changes, and why. */
void ifx_evidence_say(struct ifx_buf *out, const struct ifx_evidence_row *row);

#endif
