/*
 * Texts that a set of patterns can tell apart: for every way of matching some of them and not the
 * others that a text can have, one text.
 *
 * The patterns run together over all texts, as one automaton (each state is a set of places in
 * patterns); the first text that reaches a combination is the witness for it. That is exact unless
 * a limit is reached, and then said so.
 */
#ifndef IFX_AMBIENT_CLASSES_H
#define IFX_AMBIENT_CLASSES_H

#include "ambient/policy.h"

/** States of the automaton; some 200 patterns of 20 bytes. */
#define IFX_CLASSES_STATES_MAX ((size_t)8192) /* a power of two times 256 */
/** Witnesses; more would not be tried anyway. */
#define IFX_CLASSES_MAX ((size_t)512)

/** How a pattern is read. */
typedef enum {
	IFX_GLOB_PATTERN,  /* ifx_pattern_match */
	IFX_GLOB_PATH,     /* ifx_path_pattern_match */
	IFX_GLOB_SEGMENTS, /* each `*` is a text without slashes, also none */
} ifx_glob_kind;

struct ifx_glob;
struct ifx_offer;
struct ifx_witness;

struct ifx_classes {
	struct ifx_arena *arena;
	bool icase; /* letters in patterns and texts are made lower case */
	struct ifx_glob *first, **link;
	size_t n, n_required;
	size_t places; /* of all patterns */
	struct ifx_offer *offers, **offer_link;
	ifx_str *found;
	size_t n_found;
	const struct ifx_witness *witnesses;
	bool complete;
	bool failed; /* no memory */
};

void ifx_classes_init(struct ifx_classes *classes, struct ifx_arena *arena, bool icase);
/** A pattern to tell apart; the same one again changes nothing. */
void ifx_classes_add(struct ifx_classes *classes, ifx_glob_kind kind, ifx_str pattern);
/** Every witness has to match one of the required patterns. */
void ifx_classes_require(struct ifx_classes *classes, ifx_glob_kind kind, ifx_str pattern);
/** A text that would read well; used if it is the first of its class. */
void ifx_classes_offer(struct ifx_classes *classes, ifx_str text);
/**
 * Fill `found`. `complete` is false when a limit was reached.
 * IFX_ENOMEM.
 */
IFX_MUST_USE ifx_status ifx_classes_find(struct ifx_classes *classes);

#endif
