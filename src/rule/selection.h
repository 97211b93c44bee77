/*
 * The transforms of a run, in run order, and the scan: which of them can a document concern?
 *
 * All needles are looked for in one pass over the bytes (Aho and Corasick, 1975), so the scan costs
 * the same for one rule and for a hundred. It is sound: a transform that it leaves out would find
 * nothing.
 */
#ifndef IFX_RULE_SELECTION_H
#define IFX_RULE_SELECTION_H

#include "rule/transform.h"

struct ifx_automaton;

struct ifx_selection {
	const struct ifx_transform *const *items; /* borrowed */
	size_t n;
	struct ifx_automaton *automaton;
};

/** items must outlive it. To be released only when the answer is IFX_OK. */
IFX_MUST_USE ifx_status ifx_selection_make(struct ifx_selection *out,
					   const struct ifx_transform *const *items, size_t n);
/** Also of one that is all zero. */
void ifx_selection_release(struct ifx_selection *selection);

/**
 * hits  n bytes: hits[i] is 1 where items[i] is concerned, else 0.
 * True when one is.
 */
bool ifx_selection_scan(const struct ifx_selection *selection, ifx_str document,
			unsigned char *hits);

/**
 * Can the text spell a word in another way than byte for byte: with escapes, over two lines, or in
 * UTF-16?
 */
bool ifx_may_hide_words(ifx_str text);

#endif
