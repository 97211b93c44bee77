/*
 * Operations of one document, taken together: what goes, what comes where, which maps vanish.
 *
 *   ops -> plan -> edits        what the bytes will be          (emit.c)
 *               -> expectation  what the tree must say then     (proof.c)
 *
 * Both read the same plan, and neither reads the other's result: an edit that says something else than
 * the plan is caught by the proof.
 */
#ifndef IFX_EDIT_PLAN_H
#define IFX_EDIT_PLAN_H

#include "base/buf.h"
#include "edit/edit.h"
#include "edit/op.h"

/** What becomes of a comment. */
enum {
	IFX_COMMENT_STAYS = 0,
	IFX_COMMENT_GOES, /* with its entry: deleted, or printed again elsewhere */
	IFX_COMMENT_ALONE, /* stays where it is, on a line of its own now */
};

/** An entry that comes into a map: an existing one, or two strings. */
struct ifx_coming {
	const struct ifx_entry *entry; /* NULL: key and value */
	ifx_str key, value;
	struct ifx_coming *next;
};

/** All that comes to one place. */
struct ifx_arrival {
	struct ifx_place place;
	bool flow; /* written between braces, not on lines of its own */
	bool front; /* comes before the first entry, not behind the last */
	const struct ifx_entry *anchor; /* flow: comments are put above this block entry; may be NULL */
	struct ifx_coming *first, *last;
	struct ifx_arrival *next;
};

/** Comments that an entry inherits from a duplicate. */
struct ifx_legacy {
	const struct ifx_entry *heir;
	const struct ifx_entry *from;
	struct ifx_legacy *next;
};

struct ifx_change {
	const struct ifx_node *node; /* scalar that says something else */
	ifx_str text;
	bool plain;
	const struct ifx_edits *inside; /* embedded: edits of the host's source; NULL otherwise */
	const struct ifx_entry *wrap; /* wrap: text is the new key */
};

/** A map that loses all entries but stays. */
struct ifx_emptied {
	const struct ifx_node *map;
	bool braces; /* gets ` {}`; otherwise nothing is left behind its colon */
};

struct ifx_plan {
	const struct ifx_doc *doc;
	struct ifx_arena *arena;
	const struct ifx_entry **gone; /* sorted by start */
	size_t n_gone, cap_gone;
	struct ifx_emptied *emptied;
	size_t n_emptied, cap_emptied;
	struct ifx_change *changes;
	size_t n_changes, cap_changes;
	struct ifx_arrival *arrivals;
	struct ifx_legacy *legacies;
	unsigned char *comments; /* fate of each */
	bool root_gone; /* nothing is left of the document's root map */
};

/**
 * Take operations of `doc` together. Operations of other documents in the list are passed over.
 * The plan is initialised here; `arena` outlives it.
 * IFX_EREFUSED  one of them cannot be done without harm; `why` says it in a clause.
 */
IFX_MUST_USE ifx_status ifx_plan_make(struct ifx_plan *plan, const struct ifx_doc *doc,
				      const struct ifx_op *const *ops, size_t n,
				      struct ifx_arena *arena, struct ifx_buf *why);
void ifx_plan_release(struct ifx_plan *plan);

/** Does the plan take this entry away from where it is? */
bool ifx_plan_gone(const struct ifx_plan *plan, const struct ifx_entry *entry);
/** The change of a scalar (or of a key, or a wrapped value), or NULL. */
const struct ifx_change *ifx_plan_change(const struct ifx_plan *plan, const struct ifx_node *node);
/** What comes to this map (or null); NULL when nothing does. */
const struct ifx_arrival *ifx_plan_arrival(const struct ifx_plan *plan, const struct ifx_node *map);
const struct ifx_emptied *ifx_plan_emptied(const struct ifx_plan *plan, const struct ifx_node *map);

/** Byte edits that carry the plan out. Texts live in the plan's arena. */
IFX_MUST_USE ifx_status ifx_plan_emit(const struct ifx_plan *plan, struct ifx_edits *edits,
				      struct ifx_buf *why);

/**
 * The proof: does `after` say exactly what the plan makes of its document? Values, the styles that
 * decide types, tags, anchors, order and every comment are compared.
 * IFX_EINVAL  it does not; `why` says what differs first.
 */
IFX_MUST_USE ifx_status ifx_prove(const struct ifx_plan *plan, const struct ifx_doc *after,
				  struct ifx_buf *why);

/**
 * ops -> edits for a document and the documents embedded in it, in the outer one's offsets.
 * ifx_prove_all is its proof. Both take the operations of the outer and the embedded documents in one list.
 */
IFX_MUST_USE ifx_status ifx_compile(struct ifx_edits *edits, const struct ifx_doc *doc,
				    const struct ifx_op *const *ops, size_t n,
				    struct ifx_arena *arena, struct ifx_buf *why);
IFX_MUST_USE ifx_status ifx_compile_and_prove(ifx_str *after_text, struct ifx_doc **after,
					      struct ifx_edits *edits, const struct ifx_doc *doc,
					      const struct ifx_op *const *ops, size_t n,
					      struct ifx_arena *arena, struct ifx_buf *why);

#endif
