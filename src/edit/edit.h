/*
 * Changes as data: byte edits of one source, ordered and never overlapping.
 *
 * Invariants:
 *   1. items are sorted by span.at, and spans do not overlap; two insertions at the same
 *      offset are one item (the texts are joined in the order they were pushed).
 *   2. Offsets are those of the source before any of the edits.
 *   3. Texts are borrowed; whoever pushes keeps them alive (an arena, as a rule).
 *   4. An insertion at an offset stands behind the span that ends there and before the span that
 *      starts there.
 *   5. items are written only by the calls below: `shift` must stay true.
 */
#ifndef IFX_EDIT_EDIT_H
#define IFX_EDIT_EDIT_H

#include "base/arena.h"
#include "base/buf.h"

struct ifx_edit {
	ifx_span span;
	ifx_str text;
	long long shift; /* bytes that the edits before this one add (or, below zero, take) */
};

struct ifx_edits {
	struct ifx_edit *items;
	size_t n, cap;
};

void ifx_edits_init(struct ifx_edits *edits);
void ifx_edits_release(struct ifx_edits *edits);

/**
 * Replace the bytes of `span` by `text`; either may be empty, not both (that is a no-op).
 * Insertions that touch the end or the start of another edit's span are fine. Pushing in
 * ascending order costs constant time each.
 *
 * arena         holds joined texts.
 * IFX_EREFUSED  a byte of `span` is edited already, or an insertion would lie strictly inside
 *               a span; nothing changes.
 */
IFX_MUST_USE ifx_status ifx_edits_push(struct ifx_edits *edits, struct ifx_arena *arena,
				       ifx_span span, ifx_str text);

/** Would ifx_edits_push refuse? */
bool ifx_edits_clash(const struct ifx_edits *edits, ifx_span span);

/** source + edits -> new bytes, appended to `out`. */
void ifx_edits_splice(const struct ifx_edits *edits, ifx_str source, struct ifx_buf *out);

/**
 * One list that does what `first` and then `second` do. Spans of `second` count in the
 * text that `first` makes of `source`; spans of the result count in `source`.
 * Characters (never half of one) at the ends of an edit that it replaces by themselves are
 * trimmed off. Linear. out is initialised here; its texts live in `arena`.
 */
IFX_MUST_USE ifx_status ifx_edits_compose(struct ifx_edits *out, const struct ifx_edits *first,
					  const struct ifx_edits *second, ifx_str source,
					  struct ifx_arena *arena);

/**
 * Offset in the old text of the byte that is at `at` in the new one; inside replaced text the
 * start of the replaced span. Logarithmic, as is the next.
 */
size_t ifx_edits_to_old(const struct ifx_edits *edits, size_t at);
/** The other way round; a removed byte maps to where it was cut out. */
size_t ifx_edits_to_new(const struct ifx_edits *edits, size_t at);

#endif
