#include "rule/selection.h"

#include "base/alloc.h"

/*
 * States are numbered from 0, the root. Bytes that no needle has share class 0, so that a row of
 * the table is short; from any state they lead back to the root.
 */
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
		uint32_t next; /* as `first` */
	} * whose;
	size_t n_whose;
	bool matches_all; /* too many needles for the table, or an empty one */
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

/* Upper bounds for the tables, and the classes of bytes. */
static void measure(struct ifx_automaton *a, const struct ifx_selection *s)
{
	a->n_classes = a->n_states = 1;
	for (size_t i = 0; i < s->n; i++)
		for (const char *const *n = s->items[i]->needles; *n; n++) {
			a->n_whose++;
			a->matches_all |= !**n;
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
			a->whose[n_whose] = (struct whose){ (uint32_t)i, a->first[at] };
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

/* A needle is there; the transform's closer look decides, once per document. */
enum { UNSEEN, CONCERNED, LEFT_OUT };

static void hit(const struct ifx_selection *s, size_t i, ifx_str document, unsigned char *hits)
{
	const struct ifx_transform *t = s->items[i];

	if (hits[i] == UNSEEN)
		hits[i] = !t->concerns || t->concerns(document) ? CONCERNED : LEFT_OUT;
}

static void find_needles(const struct ifx_selection *s, ifx_str document, unsigned char *hits)
{
	const struct ifx_automaton *a = s->automaton;
	size_t at = 0;

	for (size_t i = 0; i < document.len; i++) {
		at = *step(a, at, (unsigned char)document.ptr[i]);
		for (size_t end = a->ends[at]; end; end = a->ends[a->suffix[end]])
			for (uint32_t k = a->first[end]; k; k = a->whose[k - 1].next)
				hit(s, a->whose[k - 1].transform, document, hits);
	}
}

bool ifx_selection_scan(const struct ifx_selection *s, ifx_str document, unsigned char *hits)
{
	bool all = s->automaton->matches_all || ifx_may_hide_words(document);
	bool any = false;

	memset(hits, all ? CONCERNED : UNSEEN, s->n);
	if (!all)
		find_needles(s, document, hits);
	for (size_t i = 0; i < s->n; i++) {
		hits[i] = hits[i] == CONCERNED;
		any |= hits[i];
	}
	return any;
}
