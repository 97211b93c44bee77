#include "rule/selection.h"

#include "base/alloc.h"

#include <limits.h>

/*
 * States are numbered from 0, the root. Bytes that no needle has share class 0, so that a row of
 * the table is short; from any state they lead back to the root.
 */
enum { SKIPS = 1 << 15 };

struct ifx_automaton {
	unsigned char class_of[256];
	size_t n_classes, n_states;
	unsigned shift;   /* a row has 1 << shift places, of which n_classes are used */
	uint16_t *next;   /* n_states rows */
	uint16_t *suffix; /* the longest proper suffix of a state that is a state itself */
	uint16_t *ends;   /* the nearest state, itself or a suffix, where a needle ends; 0: none */
	uint32_t *first;  /* per state: its first item in `whose`, plus one; 0: none */
	struct whose {
		uint32_t transform;
		uint32_t len;  /* of the needle */
		uint32_t next; /* as `first` */
	} * whose;
	size_t n_whose;
	bool matches_all; /* too many needles for the table, or an empty one */
	size_t shortest;  /* needle. Bytes */
	/* By the three bytes at the end of a window of `shortest` bytes: how far on, at least, the
	 * next needle can begin (Wu and Manber, 1994). */
	unsigned char skip[SKIPS];
};

static void free_automaton(struct ifx_automaton *a)
{
	if (!a)
		return;
	ifx_free(a->next);
	ifx_free(a->suffix);
	ifx_free(a->ends);
	ifx_free(a->first);
	ifx_free(a->whose);
	ifx_free(a);
}

static size_t slot(const char *p)
{
	return ((unsigned char)p[0] ^ (size_t)(unsigned char)p[1] << 5 ^
		(size_t)(unsigned char)p[2] << 10) &
	       (SKIPS - 1);
}

static void fill_skips(struct ifx_automaton *a, const struct ifx_selection *s)
{
	size_t most = a->shortest < 3 ? 0 : a->shortest - 2;

	memset(a->skip, most < UCHAR_MAX ? (int)most : UCHAR_MAX, sizeof(a->skip));
	for (size_t i = 0; i < s->n && most; i++)
		for (const char *const *n = s->items[i]->needles; *n; n++)
			for (size_t k = 0; k < most; k++) {
				unsigned char *skip = &a->skip[slot(*n + k)];

				if (most - 1 - k < *skip)
					*skip = (unsigned char)(most - 1 - k);
			}
}

/* Upper bounds for the tables, and the classes of bytes. */
static void measure(struct ifx_automaton *a, const struct ifx_selection *s)
{
	a->n_classes = a->n_states = 1;
	a->shortest = SIZE_MAX;
	for (size_t i = 0; i < s->n; i++)
		for (const char *const *n = s->items[i]->needles; *n; n++) {
			a->n_whose++;
			a->matches_all |= !**n;
			if (strlen(*n) < a->shortest)
				a->shortest = strlen(*n);
			for (const char *p = *n; *p; p++, a->n_states++)
				if (!a->class_of[(unsigned char)*p])
					a->class_of[(unsigned char)*p] =
						(unsigned char)a->n_classes++;
		}
	a->matches_all |= a->n_states > UINT16_MAX;
	while ((size_t)1 << a->shift < a->n_classes)
		a->shift++;
}

static bool make_tables(struct ifx_automaton *a)
{
	a->next = ifx_calloc(a->n_states << a->shift, sizeof(*a->next));
	a->suffix = ifx_calloc(a->n_states, sizeof(*a->suffix));
	a->ends = ifx_calloc(a->n_states, sizeof(*a->ends));
	a->first = ifx_calloc(a->n_states, sizeof(*a->first));
	a->whose = ifx_calloc(a->n_whose + 1, sizeof(*a->whose));
	return a->next && a->suffix && a->ends && a->first && a->whose;
}

static uint16_t *step(const struct ifx_automaton *a, size_t state, unsigned char byte)
{
	return &a->next[(state << a->shift) + a->class_of[byte]];
}

/* The needles as a tree of states. */
static void add_needles(struct ifx_automaton *a, const struct ifx_selection *s)
{
	size_t n_states = 1, n_whose = 0;

	for (size_t i = 0; i < s->n; i++)
		for (const char *const *n = s->items[i]->needles; *n; n++) {
			size_t at = 0;

			for (const char *p = *n; *p; p++) {
				uint16_t *down = step(a, at, (unsigned char)*p);

				if (!*down)
					*down = (uint16_t)n_states++;
				at = *down;
			}
			a->whose[n_whose] =
				(struct whose){ (uint32_t)i, (uint32_t)strlen(*n), a->first[at] };
			a->first[at] = (uint32_t)++n_whose;
		}
	a->n_states = n_states;
}

/* Breadth first: where a state has no way on for a byte, its suffix has one, or the root. */
static bool complete(struct ifx_automaton *a)
{
	uint16_t *queue = ifx_calloc(a->n_states, sizeof(*queue));
	size_t head = 0, tail = 1;

	if (!queue)
		return false;
	for (; head < tail; head++) {
		size_t at = queue[head], suffix = a->suffix[at];

		a->ends[at] = a->first[at] ? (uint16_t)at : a->ends[suffix];
		for (size_t c = 1; c < a->n_classes; c++) {
			uint16_t *down = &a->next[(at << a->shift) + c];
			uint16_t by_suffix = at ? a->next[(suffix << a->shift) + c] : 0;

			if (*down) {
				a->suffix[*down] = by_suffix;
				queue[tail++] = *down;
			} else {
				*down = by_suffix;
			}
		}
	}
	ifx_free(queue);
	return true;
}

ifx_status ifx_selection_make(struct ifx_selection *out, const struct ifx_transform *const *items,
			      size_t n)
{
	struct ifx_automaton *a = ifx_calloc(1, sizeof(*a));

	*out = (struct ifx_selection){ items, n, a };
	if (!a)
		return IFX_ENOMEM;
	measure(a, out);
	if (a->matches_all)
		return IFX_OK;
	fill_skips(a, out);
	if (make_tables(a)) {
		add_needles(a, out);
		if (complete(a))
			return IFX_OK;
	}
	ifx_selection_release(out);
	return IFX_ENOMEM;
}

void ifx_selection_release(struct ifx_selection *selection)
{
	free_automaton(selection->automaton);
	*selection = (struct ifx_selection){ 0 };
}

/*
 * A double-quoted scalar can spell a key with escapes, or break it over two lines. `\n` and `\"`
 * are everywhere and cannot be part of a key of ours; the others are rare enough to parse the
 * document.
 */
static bool has_odd_escape(ifx_str text)
{
	const char *p = text.ptr, *end = text.ptr + text.len;

	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL && p + 1 < end) {
		if (strchr("xuU/\n\r", p[1]) && p[1])
			return true;
		p += 2;
		if (p >= end)
			break;
	}
	return false;
}

/* UTF-16 and UTF-32 hide every key; the pre-check says what is wrong with them. */
static bool is_wide(ifx_str text)
{
	return ifx_str_starts(text, IFX_LIT("\xFF\xFE")) ||
	       ifx_str_starts(text, IFX_LIT("\xFE\xFF")) || ifx_str_chr(text, '\0') != SIZE_MAX;
}

bool ifx_may_hide_words(ifx_str text)
{
	return has_odd_escape(text) || is_wide(text);
}

/* What is known of a transform; 0: no needle of it was found so far. */
enum { HIT = 1, RULED_OUT };

/* The last closer look: several transforms may want the same one. */
struct look {
	bool (*at)(ifx_str document, size_t at);
	size_t where;
	bool said;
};

static void hit(const struct ifx_selection *s, const struct whose *whose, ifx_str document,
		size_t end, struct look *look, unsigned char *hits)
{
	const struct ifx_transform *t = s->items[whose->transform];
	size_t where = end - whose->len;

	if (hits[whose->transform])
		return;
	if (t->concerns && (look->at != t->concerns || look->where != where))
		*look = (struct look){ t->concerns, where, t->concerns(document, where) };
	if (!t->concerns || look->said)
		hits[whose->transform] = !t->glance || t->glance(document) ? HIT : RULED_OUT;
}

/* Where the next needle may begin. */
static size_t next_begin(const struct ifx_automaton *a, ifx_str document, size_t at)
{
	size_t skip;

	if (a->shortest < 3)
		return at;
	do {
		if (document.len - at < a->shortest)
			return document.len;
		skip = a->skip[slot(document.ptr + at + a->shortest - 3)];
		at += skip;
	} while (skip);
	return at;
}

static void find_needles(const struct ifx_selection *s, ifx_str document, unsigned char *hits)
{
	const struct ifx_automaton *a = s->automaton;
	struct look look = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < document.len; i++) {
		if (!at && (i = next_begin(a, document, i)) == document.len)
			break;
		at = *step(a, at, (unsigned char)document.ptr[i]);
		for (size_t end = a->ends[at]; end; end = a->ends[a->suffix[end]])
			for (uint32_t k = a->first[end]; k; k = a->whose[k - 1].next)
				hit(s, &a->whose[k - 1], document, i + 1, &look, hits);
	}
}

bool ifx_selection_scan(const struct ifx_selection *s, ifx_str document, unsigned char *hits)
{
	bool all = s->automaton->matches_all || ifx_may_hide_words(document);
	bool any = all;

	memset(hits, all, s->n);
	if (!all)
		find_needles(s, document, hits);
	for (size_t i = 0; i < s->n; i++) {
		hits[i] = hits[i] == HIT;
		any |= hits[i];
	}
	return any;
}
