/*
 * The mask: a template as YAML of the same length.
 *
 *     {{- if .Values.x }}                     (blanks)
 *       name: {{ .Values.name }}-db             name: ................-db
 *     {{- end }}                              (blanks)
 *
 * Invariants:
 *   1. The masked text is as long as the source, its line breaks are where they were, and all that
 *      is no action is the same: a span in the one is a span in the other.
 *   2. Where an action stands in a value or a key, the mask is one of two characters that nobody
 *      writes (U+07FF, and U+E7FF where the length is odd), so text of the mask is known for one
 *      wherever it is copied to.
 *   3. Lines of nothing but actions are blank: blank lines may stand anywhere and belong to no
 * entry. Where too many would follow each other they are comments. Between lines of a block scalar
 *      they are lines of its text, and comments if that is YAML.
 *   4. A region is what lies between two actions that open, turn or close blocks: entries of one
 *      region are there for the same values of the template, entries of two may not be.
 */
#ifndef IFX_TEMPLATE_MASK_H
#define IFX_TEMPLATE_MASK_H

#include "base/arena.h"
#include "template/action.h"

struct ifx_entry;

/** Blocks in blocks. */
#define IFX_TEMPLATE_DEPTH_MAX ((size_t)200)

/** A branch of a block; number 0 is what is outside of all. */
struct ifx_region {
	size_t parent; /* the region around the block */
	size_t depth;
};

struct ifx_mask {
	ifx_str source, text;
	struct ifx_action *actions; /* in order; never overlapping */
	size_t n;
	struct ifx_region *regions;
	size_t n_regions;
	size_t region; /* before the first action */
	/* Entries with a key of Istio's, in order (tree.h). */
	const struct ifx_entry **istio;
	size_t n_istio;
	/* An entry in a map that a block opens and does not end: elsewhere it is in another map. */
	const struct ifx_entry *stray;
	/* An action that trims the indentation of the line behind it: that is elsewhere, too. */
	const struct ifx_action *shifts;
};

/** What is wrong with a template, and where. */
struct ifx_mask_problem {
	size_t at;
	const char *what; /* a clause: "this 'end' closes nothing" */
};

/**
 * Mask a whole file. Everything lives in `arena`, source is borrowed.
 * go_only     the file is one of a Helm chart: other signs are text.
 * IFX_EINVAL  its blocks do not fit together, or an action never ends; `problem` says so.
 */
IFX_MUST_USE ifx_status ifx_mask_make(struct ifx_mask *mask, ifx_str source, bool go_only,
				      struct ifx_arena *arena, struct ifx_mask_problem *problem);

/** The part of a mask that covers `span`, with offsets from there. Actions are cut off at its ends.
 */
IFX_MUST_USE ifx_status ifx_mask_slice(struct ifx_mask *out, const struct ifx_mask *mask,
				       ifx_span span, struct ifx_arena *arena);

/** Is there text of a mask in it? */
bool ifx_is_masked(ifx_str text);
/** A copy in which `{{...}}` stands for text of a mask, for messages; ptr NULL: no memory. */
ifx_str ifx_mask_show(ifx_str text, struct ifx_arena *arena);

/** Index of the first action that ends behind `at`; mask->n when there is none. */
size_t ifx_mask_from(const struct ifx_mask *mask, size_t at);
/** The first action that has a byte in [from, to); NULL when there is none. */
const struct ifx_action *ifx_mask_action(const struct ifx_mask *mask, size_t from, size_t to);
/** The action itself, as it is written: on one line, and not too long for a message. */
ifx_str ifx_action_shown(const struct ifx_mask *mask, const struct ifx_action *action);

/** The region of the byte at `at`. */
size_t ifx_region_at(const struct ifx_mask *mask, size_t at);
/** Is `inner` the region `outer`, or in it? Then what is in `outer` is there wherever `inner` is.
 */
bool ifx_region_in(const struct ifx_mask *mask, size_t inner, size_t outer);

#endif
