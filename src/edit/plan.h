/*
 * Operations of one document, taken together: what goes, what comes where, which maps vanish.
 *
 *   ops -> plan -> edits        what the bytes will be          (emit.c, arrive.c)
 *               -> expectation  what the tree must say then     (proof.c)
 *
 * Both read the same plan, and neither reads the other's result: an edit that says something else
 * than the plan is caught by the proof.
 *
 * Invariants of a plan that was made:
 *   1. Nothing changes, comes into, goes from or inherits in an entry that goes by an operation.
 *   2. In no map will a key be there twice that was not there twice before.
 *   3. Everything lives in the arena; a plan is not released.
 */
#ifndef IFX_EDIT_PLAN_H
#define IFX_EDIT_PLAN_H

#include "base/buf.h"
#include "edit/edit.h"
#include "edit/op.h"

/** What becomes of a comment. */
enum ifx_fate {
	IFX_COMMENT_STAYS = 0,
	IFX_COMMENT_GOES,  /* with its entry: deleted, or printed again elsewhere */
	IFX_COMMENT_ALONE, /* stays where it is, on a line of its own now */
};

struct ifx_comings {
	struct ifx_coming *first, *last;
};

/** An entry that comes into a map: one of the document, two strings, or a key whose map is made. */
struct ifx_coming {
	const struct ifx_entry *entry; /* of the document, or NULL */
	ifx_str key, value;            /* an item of a list: key.ptr is NULL */
	bool yaml;                     /* value is YAML text */
	bool front;                    /* wants to be the first one */
	bool plain_key;                /* stands unquoted, whatever it looks like */
	struct ifx_comings made; /* what comes into the map that is made; empty: there is none */
	struct ifx_coming *next;
};

/** All that comes to one map (or null). */
struct ifx_arrival {
	const struct ifx_node *base;
	struct ifx_comings front, back; /* before the first entry, behind the last one */
	bool flow;                      /* written between braces */
	bool lines; /* flow: each entry on a line of its own, with its comments */
	const struct ifx_entry *above; /* flow on one line: where comments go; NULL: nowhere */
	struct ifx_arrival *next, *next_above;
};

/** Comments that an entry inherits from a duplicate. */
struct ifx_legacy {
	const struct ifx_entry *heir, *from;
	const struct ifx_entry *above; /* the heir, or the block entry that holds it; NULL: none */
	struct ifx_legacy *next, *next_above;
};

struct ifx_change {
	const struct ifx_node *node; /* scalar that says something else */
	ifx_str text;
	bool plain;
	const struct ifx_edits *inside;  /* embedded: edits of the host's source; NULL otherwise */
	const struct ifx_entry *wrap;    /* wrap: text is the new key */
	bool enlist;                     /* node is a map and becomes the only item of a list */
	const struct ifx_entry *replace; /* with a key and a text; node is its value */
	ifx_str key;
	bool yaml; /* replace: the text is YAML */
	struct ifx_change *next;
};

/** What the plan knows about one entry, node or comment. */
struct ifx_mark {
	const void *what;
	bool gone;              /* entry */
	enum ifx_fate fate;     /* comment */
	size_t n_gone;          /* map: entries that go */
	bool is_null, is_empty; /* map that loses everything and stays, as nothing or as {} */
	const struct ifx_change *change;    /* node */
	struct ifx_arrival *arrival;        /* node */
	struct ifx_arrival *arrivals_above; /* entry */
	struct ifx_legacy *legacies_above;  /* entry */
};

struct ifx_plan {
	const struct ifx_doc *doc;
	struct ifx_arena *arena;
	struct ifx_mark **marks; /* a hash table; n_slots is a power of two */
	size_t n_marks, n_slots;
	const struct ifx_entry **gone; /* sorted by start, an outer one before an inner one */
	size_t n_gone;
	struct ifx_change *changes, *last_change;
	struct ifx_arrival *arrivals, *last_arrival;
	struct ifx_legacy *legacies;
	bool root_gone; /* nothing is left of an embedded document's root map */
};

/**
 * Take operations of `doc` together. Operations of other documents in the list are passed over.
 * The plan is initialised here and lives in `arena`.
 * IFX_EREFUSED  one of them cannot be done without harm; `why` says it in a clause.
 */
IFX_MUST_USE ifx_status ifx_plan_make(struct ifx_plan *plan, const struct ifx_doc *doc,
				      const struct ifx_op *const *ops, size_t n,
				      struct ifx_arena *arena, struct ifx_buf *why);
/** The text of a scalar changes by edits that were made from its embedded document. */
IFX_MUST_USE ifx_status ifx_plan_inside(struct ifx_plan *plan, const struct ifx_node *host,
					ifx_str after, const struct ifx_edits *edits,
					struct ifx_buf *why);

/** What is known about an entry, a node or a comment; never NULL. */
const struct ifx_mark *ifx_plan_mark(const struct ifx_plan *plan, const void *what);
enum ifx_fate ifx_plan_fate(const struct ifx_plan *plan, size_t comment);
/** Does the plan take this entry (may be NULL) away from where it is? */
bool ifx_plan_gone(const struct ifx_plan *plan, const struct ifx_entry *entry);
/** The last entry of a collection that stays, or NULL. */
const struct ifx_entry *ifx_plan_last(const struct ifx_plan *plan, const struct ifx_node *node);

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

/** The same, where nothing but comments may differ; they are not looked at. */
IFX_MUST_USE ifx_status ifx_prove_same_data(const struct ifx_doc *before,
					    const struct ifx_doc *after, struct ifx_buf *why);

/** ops -> edits for a document and the documents embedded in it, in the outer one's offsets. */
IFX_MUST_USE ifx_status ifx_compile(struct ifx_edits *edits, const struct ifx_doc *doc,
				    const struct ifx_op *const *ops, size_t n,
				    struct ifx_arena *arena, struct ifx_buf *why);
/**
 * As ifx_compile, and the new text with its proof.
 * after_text    in the arena.
 * after         the new text's tree; borrows after_text.
 * IFX_EREFUSED  see ifx_plan_make.
 * IFX_EINVAL    the proof failed, which is a mistake of ours; `why` says what differs.
 */
IFX_MUST_USE ifx_status ifx_compile_and_prove(ifx_str *after_text, struct ifx_doc **after,
					      struct ifx_edits *edits, const struct ifx_doc *doc,
					      const struct ifx_op *const *ops, size_t n,
					      struct ifx_arena *arena, struct ifx_buf *why);

#endif
