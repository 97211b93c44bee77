/*
 * What the phases would change in a namespace, in words: the plan's answer from those who make the
 * changes. Each phase is asked about the tree as it is, so what a phase only sees once the one
 * before it is done is not among it.
 */
#ifndef IFX_AMBIENT_OUTLOOK_H
#define IFX_AMBIENT_OUTLOOK_H

#include "ambient/exposed.h"
#include "ambient/migration.h"
#include "ambient/passage.h"

struct ifx_outlook {
	struct ifx_passage_options options; /* `exposed` is set here */
	struct ifx_exposed exposed;         /* read when something is asked for the first time */
	bool read;
};

void ifx_outlook_release(struct ifx_outlook *outlook);

/** An ifx_changes_fn; data is the outlook. */
ifx_changes_fn ifx_outlook_changes;

#endif
