#include "ambient/classes.h"

#include "base/alloc.h"

#include "ambient/match.h"

#include <stdlib.h>

/* Steps of a pattern; below 256 a byte. */
enum { ANY = 256, ONE, SEGMENT, SEGMENT_ONE, END };

struct ifx_glob {
	ifx_glob_kind kind;
	ifx_str text;
	bool required;
	size_t index, first; /* of the patterns; first place */
	struct ifx_glob *next;
};

struct ifx_offer {
	ifx_str text;
	struct ifx_offer *next;
};

struct ifx_witness {
	const struct ifx_witness *next;
	uint64_t bits[];
};

void ifx_classes_init(struct ifx_classes *c, struct ifx_arena *arena, bool icase)
{
	*c = (struct ifx_classes){ .arena = arena, .icase = icase, .complete = true };
	c->link = &c->first;
	c->offer_link = &c->offers;
}

static ifx_str lower(struct ifx_classes *c, ifx_str text)
{
	char *copy;

	if (!c->icase)
		return text;
	copy = ifx_arena_alloc(c->arena, text.len);
	if (!copy) {
		c->failed = true;
		return text;
	}
	for (size_t i = 0; i < text.len; i++) {
		char b = text.ptr[i];

		copy[i] = b >= 'A' && b <= 'Z' ? (char)(b - 'A' + 'a') : b;
	}
	return (ifx_str){ copy, text.len };
}

static void add(struct ifx_classes *c, ifx_glob_kind kind, ifx_str pattern, bool required)
{
	struct ifx_glob *g;

	pattern = lower(c, pattern);
	for (g = c->first; g; g = g->next)
		if (g->kind == kind && g->required == required && ifx_str_eq(g->text, pattern))
			return;
	g = ifx_arena_alloc(c->arena, sizeof(*g));
	if (!g) {
		c->failed = true;
		return;
	}
	*g = (struct ifx_glob){ kind, pattern, required, c->n++, c->places, NULL };
	c->n_required += required;
	c->places += pattern.len + 2; /* `*` may take two steps, and the end one */
	*c->link = g;
	c->link = &g->next;
}

void ifx_classes_add(struct ifx_classes *c, ifx_glob_kind kind, ifx_str pattern)
{
	add(c, kind, pattern, false);
}

void ifx_classes_require(struct ifx_classes *c, ifx_glob_kind kind, ifx_str pattern)
{
	add(c, kind, pattern, true);
}

void ifx_classes_offer(struct ifx_classes *c, ifx_str text)
{
	struct ifx_offer *o = ifx_arena_alloc(c->arena, sizeof(*o));

	if (!o) {
		c->failed = true;
		return;
	}
	*o = (struct ifx_offer){ lower(c, text), NULL };
	*c->offer_link = o;
	c->offer_link = &o->next;
}

/* --- patterns as steps ----------------------------------------------------------------------- */

static size_t literal(short *out, ifx_str text)
{
	for (size_t i = 0; i < text.len; i++)
		out[i] = (unsigned char)text.ptr[i];
	return text.len;
}

static size_t compile_pattern(short *out, ifx_str p)
{
	size_t n = 0;

	if (ifx_str_eq(p, IFX_LIT("*"))) {
		out[n++] = ONE;
		out[n++] = ANY;
	} else if (p.len && p.ptr[0] == '*') {
		out[n++] = ANY;
		n += literal(out + n, ifx_str_sub(p, 1, p.len - 1));
	} else if (p.len && p.ptr[p.len - 1] == '*') {
		n += literal(out, ifx_str_sub(p, 0, p.len - 1));
		out[n++] = ANY;
	} else {
		n += literal(out, p);
	}
	return n;
}

static size_t compile_stars(short *out, ifx_str p, bool template)
{
	const ifx_str one = IFX_LIT("{*}"), many = IFX_LIT("{**}");
	size_t n = 0;

	for (size_t i = 0; i < p.len;) {
		ifx_str rest = ifx_str_sub(p, i, p.len - i);

		if (template && ifx_str_starts(rest, many)) {
			out[n++] = ANY;
			i += many.len;
		} else if (template && ifx_str_starts(rest, one)) {
			out[n++] = SEGMENT_ONE;
			out[n++] = SEGMENT;
			i += one.len;
		} else if (!template && p.ptr[i] == '*') {
			out[n++] = SEGMENT;
			i++;
		} else {
			out[n++] = (unsigned char)p.ptr[i++];
		}
	}
	return n;
}

static void compile(short *steps, const struct ifx_glob *g)
{
	short *out = steps + g->first;
	size_t n;

	if (g->kind == IFX_GLOB_SEGMENTS)
		n = compile_stars(out, g->text, false);
	else if (g->kind == IFX_GLOB_PATH && ifx_is_path_template(g->text))
		n = compile_stars(out, g->text, true);
	else
		n = compile_pattern(out, g->text);
	out[n] = END;
}

/* --- the automaton --------------------------------------------------------------------------- */

/* A set of places, sorted. */
struct state {
	const uint32_t *places;
	size_t n;
	size_t parent; /* that it was reached from, by `byte` */
	char byte;
};

struct machine {
	struct ifx_classes *classes;
	short *steps;
	struct state *states;
	size_t n_states, cap_states;
	size_t *table; /* of states by hash, index + 1 */
	size_t mask;
	uint32_t *next; /* being built */
	size_t n_next;
	bool full;
};

/* Add a place, and those behind what may be empty. */
static void enter(struct machine *m, uint32_t place)
{
	for (;; place++) {
		size_t i = m->n_next;

		while (i && m->next[i - 1] > place)
			i--;
		if (i && m->next[i - 1] == place)
			return;
		memmove(m->next + i + 1, m->next + i, (m->n_next - i) * sizeof(*m->next));
		m->next[i] = place;
		m->n_next++;
		if (m->steps[place] != ANY && m->steps[place] != SEGMENT)
			return;
	}
}

static void step(struct machine *m, const struct state *from, char byte)
{
	m->n_next = 0;
	for (size_t i = 0; i < from->n; i++) {
		uint32_t place = from->places[i];
		short s = m->steps[place];

		if (s == ANY || (s == SEGMENT && byte != '/'))
			enter(m, place);
		else if (s == ONE || (s == SEGMENT_ONE && byte != '/') || s == (unsigned char)byte)
			enter(m, place + 1);
	}
}

static size_t hash(const uint32_t *places, size_t n)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ places[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

/* Room for one more state, and a table that is at most half full. */
static bool more(struct machine *m)
{
	size_t cap = m->cap_states ? 2 * m->cap_states : 256;
	struct state *states;
	size_t *table;

	if (m->n_states < m->cap_states)
		return true;
	if (m->n_states == IFX_CLASSES_STATES_MAX) {
		m->full = true;
		return false;
	}
	states = ifx_realloc(m->states, cap * sizeof(*states));
	m->states = states ? states : m->states;
	table = ifx_calloc(2 * cap, sizeof(*table));
	if (!states || !table) {
		ifx_free(table);
		m->classes->failed = true;
		return false;
	}
	ifx_free(m->table);
	m->table = table;
	m->mask = 2 * cap - 1;
	m->cap_states = cap;
	for (size_t s = 0; s < m->n_states; s++) {
		size_t i = hash(m->states[s].places, m->states[s].n) & m->mask;

		while (m->table[i])
			i = (i + 1) & m->mask;
		m->table[i] = s + 1;
	}
	return true;
}

/* Keep m->next as a state unless it is there. */
static void keep(struct machine *m, size_t parent, char byte)
{
	uint32_t *places;
	size_t i;

	if (!more(m))
		return;
	i = hash(m->next, m->n_next) & m->mask;
	for (; m->table[i]; i = (i + 1) & m->mask) {
		const struct state *s = &m->states[m->table[i] - 1];

		if (s->n == m->n_next && !memcmp(s->places, m->next, m->n_next * sizeof(*m->next)))
			return;
	}
	places = ifx_arena_alloc(m->classes->arena, m->n_next * sizeof(*places));
	if (!places) {
		m->classes->failed = true;
		return;
	}
	memcpy(places, m->next, m->n_next * sizeof(*places));
	m->states[m->n_states] = (struct state){ places, m->n_next, parent, byte };
	m->table[i] = ++m->n_states;
}

/* --- witnesses ------------------------------------------------------------------------------- */

/* The patterns that end in the state, as bits. False: a required one is missing. */
static bool accepted(const struct machine *m, const uint32_t *places, size_t n, uint64_t *bits)
{
	const struct ifx_classes *c = m->classes;
	const struct ifx_glob *g = c->first;
	bool ok = !c->n_required;

	memset(bits, 0, (c->n / 64 + 1) * sizeof(*bits));
	for (size_t i = 0; i < n; i++) {
		if (m->steps[places[i]] != END)
			continue;
		while (g->next && g->next->first <= places[i])
			g = g->next;
		ok |= g->required;
		if (!g->required)
			bits[g->index / 64] |= (uint64_t)1 << g->index % 64;
	}
	return ok;
}

/* Is the combination new? Then it is noted. */
static bool note(struct ifx_classes *c, const uint64_t *bits)
{
	size_t size = (c->n / 64 + 1) * sizeof(*bits);
	struct ifx_witness *w;

	for (const struct ifx_witness *old = c->witnesses; old; old = old->next)
		if (!memcmp(old->bits, bits, size))
			return false;
	w = ifx_arena_alloc(c->arena, sizeof(*w) + size);
	if (!w) {
		c->failed = true;
		return false;
	}
	memcpy(w->bits, bits, size);
	w->next = c->witnesses;
	c->witnesses = w;
	return true;
}

static void found(struct ifx_classes *c, ifx_str text)
{
	if (c->n_found == IFX_CLASSES_MAX)
		c->complete = false;
	else
		c->found[c->n_found++] = text;
}

static ifx_str spell(struct machine *m, size_t state)
{
	size_t len = 0;
	char *text;

	for (size_t s = state; s; s = m->states[s].parent)
		len++;
	text = ifx_arena_alloc(m->classes->arena, len);
	if (!text) {
		m->classes->failed = true;
		return IFX_LIT("");
	}
	for (size_t s = state, at = len; s; s = m->states[s].parent)
		text[--at] = m->states[s].byte;
	return (ifx_str){ text, len };
}

/* Where a text leads to; the set is in m->next. */
static void run(struct machine *m, ifx_str text, uint32_t *spare)
{
	m->n_next = 0;
	for (const struct ifx_glob *g = m->classes->first; g; g = g->next)
		enter(m, (uint32_t)g->first);
	for (size_t i = 0; i < text.len; i++) {
		struct state from = { .places = spare, .n = m->n_next };

		memcpy(spare, m->next, m->n_next * sizeof(*spare));
		step(m, &from, text.ptr[i]);
	}
}

/* Bytes that the state tells apart, and one that it does not. */
static size_t alphabet(const struct machine *m, const struct state *s, char out[258])
{
	static const char others[] = "xyzqwvjkubcdefghilmnoprsta0123456789-_.~";
	bool wanted[256] = { false };
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		short t = m->steps[s->places[i]];

		if (t < 256)
			wanted[t] = true;
		else if (t == SEGMENT || t == SEGMENT_ONE)
			wanted['/'] = true;
	}
	for (size_t b = 0; b < 256; b++)
		if (wanted[b])
			out[n++] = (char)b;
	for (const char *o = others; *o; o++) {
		if (!wanted[(unsigned char)*o]) {
			out[n++] = *o;
			break;
		}
	}
	return n;
}

static void explore(struct machine *m, uint64_t *bits)
{
	struct ifx_classes *c = m->classes;
	char bytes[258];

	m->n_next = 0;
	for (const struct ifx_glob *g = c->first; g; g = g->next)
		enter(m, (uint32_t)g->first);
	keep(m, 0, 0);
	for (size_t i = 0; i < m->n_states && !c->failed; i++) {
		struct state s = m->states[i];
		size_t n = alphabet(m, &s, bytes);

		if (accepted(m, s.places, s.n, bits) && note(c, bits))
			found(c, spell(m, i));
		for (size_t k = 0; k < n && s.n; k++) {
			step(m, &s, bytes[k]);
			keep(m, i, bytes[k]);
		}
	}
	if (m->full)
		c->complete = false;
}

/* Texts that read well come first. */
static void take_offers(struct machine *m, uint64_t *bits, uint32_t *spare)
{
	for (const struct ifx_offer *o = m->classes->offers; o; o = o->next) {
		run(m, o->text, spare);
		if (accepted(m, m->next, m->n_next, bits) && note(m->classes, bits))
			found(m->classes, o->text);
	}
}

ifx_status ifx_classes_find(struct ifx_classes *c)
{
	struct machine m = { .classes = c };
	uint64_t *bits = ifx_arena_alloc(c->arena, (c->n / 64 + 1) * sizeof(*bits));
	uint32_t *spare = ifx_arena_alloc(c->arena, (c->places + 1) * sizeof(*spare));

	m.steps = ifx_arena_alloc(c->arena, (c->places + 1) * sizeof(*m.steps));
	m.next = ifx_arena_alloc(c->arena, (c->places + 1) * sizeof(*m.next));
	c->found = ifx_arena_alloc(c->arena, IFX_CLASSES_MAX * sizeof(*c->found));
	if (!c->failed && bits && spare && m.steps && m.next && c->found) {
		for (const struct ifx_glob *g = c->first; g; g = g->next)
			compile(m.steps, g);
		take_offers(&m, bits, spare);
		/* With nothing to tell apart, one text is enough. */
		if (!c->n_found || c->n > c->n_required)
			explore(&m, bits);
	} else {
		c->failed = true;
	}
	ifx_free(m.table);
	ifx_free(m.states);
	return c->failed ? IFX_ENOMEM : IFX_OK;
}
