/*
 * One phase for the namespaces that were asked for: their passages, what changes, and the change
 * made.
 *
 *     ifx_apply_make          look, wish, compile; nothing is written
 *     ifx_apply_hold...       others hold namespaces, too (findings, evidence)
 *     ifx_apply_commit        all files, or none; and the ledger of what was there
 */
#ifndef IFX_AMBIENT_APPLY_H
#define IFX_AMBIENT_APPLY_H

#include "ambient/exposed.h"
#include "ambient/passage.h"

struct ifx_apply {
	struct ifx_estate *estate;
	struct ifx_passage_options options;
	struct ifx_exposed exposed;
	struct ifx_changes changes;
	ifx_step step;
	struct ifx_passage *passages; /* by environment and namespace */
	size_t n;
	bool failed; /* no memory */
};

/** Is the namespace asked for? */
typedef bool ifx_wanted_fn(void *data, const struct ifx_namespace *ns);

/**
 * Look at the namespaces that are wanted, and compile what the step wishes. To be released whatever
 * is returned. hold: called for each of them before it wishes (ifx_passage_hold); may be NULL.
 * IFX_ENOMEM.
 */
IFX_MUST_USE ifx_status ifx_apply_make(struct ifx_apply *apply, struct ifx_estate *estate,
				       ifx_step step, const struct ifx_passage_options *options,
				       ifx_wanted_fn *wanted,
				       void (*hold)(void *, struct ifx_passage *), void *data);
void ifx_apply_release(struct ifx_apply *apply);

/** How many namespaces are held; how many change. */
size_t ifx_apply_held(const struct ifx_apply *apply);
size_t ifx_apply_changed(const struct ifx_apply *apply);

/** `path:line:col: prepare: add Gateway waypoint [orders]`, one line for each wish. */
void ifx_apply_show(struct ifx_buf *out, const struct ifx_apply *apply);
/** `path:line:col: error: ... [ambient/S28]` for each reason that holds a namespace. */
void ifx_apply_show_holds(struct ifx_buf *out, const struct ifx_apply *apply);
/** `path:line:col: note: ...` for what stays as it is, and does not hold its namespace. */
void ifx_apply_show_notes(struct ifx_buf *out, const struct ifx_apply *apply);
/** A unified diff of one file, as git writes it; of all. */
void ifx_rewrite_diff(struct ifx_buf *out, const struct ifx_rewrite *r);
void ifx_apply_diff(struct ifx_buf *out, const struct ifx_apply *apply);
/** The paths of files that change, a line each. */
void ifx_apply_list(struct ifx_buf *out, const struct ifx_apply *apply);

/**
 * Write all of it, and the ledgers. home: a directory that holds everything, absolute. top: that of
 * the ledger of files without kustomization, as typed.
 * IFX_EIO, IFX_EREFUSED: that is told, and nothing is written (but see ifx_atomic_commit).
 */
IFX_MUST_USE ifx_status ifx_apply_commit(struct ifx_apply *apply, ifx_str home, ifx_str top,
					 ifx_complain_fn *complain, void *data);

#endif
