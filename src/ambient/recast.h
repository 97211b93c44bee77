/*
 * A policy of pods as a policy of Services: the same action, provider and rules, with targetRefs in
 * place of its selector and the ports of the Services in place of those of the containers (AMBIENT
 * 4.3, F9).
 */
#ifndef IFX_AMBIENT_RECAST_H
#define IFX_AMBIENT_RECAST_H

#include "ambient/passage.h"

/** targetRefs that one policy may have. */
#define IFX_TARGETS_MAX 16

/** One policy at the waypoint. A policy of pods becomes several when its Services translate its
 * ports differently, or are too many. */
struct ifx_recast {
	const struct ifx_op *
		*ops; /* on the old document: what makes it the new one, but its name */
	size_t n_ops;
	ifx_str suffix; /* of the new name: "-waypoint" */
	struct ifx_recast *next;
};

/**
 * Recast a policy for some of the namespace's Services. NULL: it cannot be said of them, and the
 * namespace is held; or there are no Services.
 */
struct ifx_recast *ifx_recast(struct ifx_passage *m, const struct ifx_stance *s,
			      const size_t *fronts, size_t n);

/**
 * The text of the new document, with a name of its own.
 * comment  a line without `#` that stands for the comments above the old one; ptr NULL: those stay.
 * ptr NULL: it cannot be made, and the namespace is held.
 */
ifx_str ifx_recast_text(struct ifx_passage *m, const struct ifx_stance *s,
			const struct ifx_recast *r, ifx_str comment);

/** A document's own text in `text`, which is all of it; head: with the comments above it. */
ifx_str ifx_own_text(struct ifx_passage *m, ifx_str text, bool head);

#endif
