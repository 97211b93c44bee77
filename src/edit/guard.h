/*
 * What an operation must not meet in a template, and the proof that no action was harmed.
 *
 * Text outside of actions may be changed where it stands. What goes, comes or moves must do so for
 * all values of the template alike, and nothing that an action prints may end up elsewhere.
 */
#ifndef IFX_EDIT_GUARD_H
#define IFX_EDIT_GUARD_H

#include "base/buf.h"
#include "edit/edit.h"
#include "edit/op.h"

/**
 * May the operation be done? Always IFX_OK outside of templates.
 * IFX_EREFUSED  `why` says in a clause, with the line, what depends on the template.
 */
IFX_MUST_USE ifx_status ifx_guard_op(struct ifx_buf *why, const struct ifx_op *op);

/** As ifx_guard_op, for the edits that were made of all operations: is each action out of reach? */
IFX_MUST_USE ifx_status ifx_guard_edits(struct ifx_buf *why, const struct ifx_doc *doc,
					const struct ifx_edits *edits);

/**
 * The proof for a document of a template, which `edits` turned into the text of `after`: each
 * action is there and at the same place of the tree, and what came in is there for the same values
 * as the map it came into. `after` is bound to its mask (template/tree.h), which lives in `arena`.
 * IFX_EINVAL  it is not so, which is a mistake of ours; `why` says what differs.
 */
IFX_MUST_USE ifx_status ifx_guard_prove(const struct ifx_doc *before, struct ifx_doc *after,
					const struct ifx_edits *edits, struct ifx_arena *arena,
					struct ifx_buf *why);

/**
 * The proof for a whole file: `after` read anew has the same actions, and masked it is what `edits`
 * make of the masked text.
 */
IFX_MUST_USE ifx_status ifx_guard_prove_file(const struct ifx_mask *before, ifx_str after,
					     const struct ifx_edits *edits, bool go_only,
					     struct ifx_buf *why);

#endif
