#include "edit/edit.h"

#include "base/alloc.h"

void ifx_edits_init(struct ifx_edits *edits)
{
	*edits = (struct ifx_edits){ 0 };
}

void ifx_edits_release(struct ifx_edits *edits)
{
	ifx_free(edits->items);
	ifx_edits_init(edits);
}

static size_t end_of(const struct ifx_edit *e)
{
	return e->span.at + e->span.len;
}

/* Index of the first edit that ends at or behind `at`. */
static size_t lower_bound(const struct ifx_edits *edits, size_t at)
{
	size_t lo = 0, hi = edits->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (end_of(&edits->items[mid]) < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool clash(ifx_span a, ifx_span b)
{
	if (!a.len && !b.len)
		return false;
	return a.at < b.at + b.len && b.at < a.at + a.len;
}

bool ifx_edits_clash(const struct ifx_edits *edits, ifx_span span)
{
	for (size_t i = lower_bound(edits, span.at); i < edits->n; i++) {
		const struct ifx_edit *e = &edits->items[i];

		if (e->span.at > span.at + span.len)
			break;
		if (clash(e->span, span))
			return true;
	}
	return false;
}

/* What edit `e` adds to the offsets behind it. */
static long long growth(const struct ifx_edit *e)
{
	return (long long)e->text.len - (long long)e->span.len;
}

/* Where edit `e` stands in the new text. */
static size_t new_at(const struct ifx_edit *e)
{
	return (size_t)((long long)e->span.at + e->shift);
}

static ifx_status insert_at(struct ifx_edits *edits, size_t i, ifx_span span, ifx_str text)
{
	struct ifx_edit *items, *e;

	items = ifx_grow(edits->items, &edits->cap, edits->n + 1, sizeof(*items));
	if (!items)
		return IFX_ENOMEM;
	edits->items = items;
	e = &items[i];
	if (i < edits->n)
		memmove(e + 1, e, (edits->n - i) * sizeof(*e));
	edits->n++;
	*e = (struct ifx_edit){ span, text, i ? e[-1].shift + growth(&e[-1]) : 0 };
	for (size_t k = i + 1; k < edits->n; k++)
		items[k].shift += growth(e);
	return IFX_OK;
}

static ifx_status join(struct ifx_edits *edits, size_t i, ifx_str text, struct ifx_arena *arena)
{
	ifx_str old = edits->items[i].text;
	char *p = ifx_arena_alloc(arena, old.len + text.len + 1);

	if (!p)
		return IFX_ENOMEM;
	memcpy(p, old.ptr, old.len);
	memcpy(p + old.len, text.ptr, text.len);
	edits->items[i].text = (ifx_str){ p, old.len + text.len };
	for (size_t k = i + 1; k < edits->n; k++)
		edits->items[k].shift += (long long)text.len;
	return IFX_OK;
}

ifx_status ifx_edits_push(struct ifx_edits *edits, struct ifx_arena *arena, ifx_span span,
			  ifx_str text)
{
	size_t i;

	if (!span.len && !text.len)
		return IFX_OK;
	if (ifx_edits_clash(edits, span))
		return IFX_EREFUSED;
	for (i = lower_bound(edits, span.at); i < edits->n; i++) {
		const struct ifx_edit *e = &edits->items[i];

		if (!span.len && !e->span.len && e->span.at == span.at)
			return join(edits, i, text, arena);
		if (e->span.at > span.at || (e->span.at == span.at && e->span.len))
			break;
	}
	return insert_at(edits, i, span, text);
}

void ifx_edits_splice(const struct ifx_edits *edits, ifx_str source, struct ifx_buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < edits->n; i++) {
		const struct ifx_edit *e = &edits->items[i];

		ifx_buf_add(out, ifx_str_sub(source, at, e->span.at - at));
		ifx_buf_add(out, e->text);
		at = end_of(e);
	}
	ifx_buf_add(out, ifx_str_sub(source, at, source.len - at));
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Append an edit behind all others, without the characters that it replaces by themselves. */
static ifx_status append_trimmed(struct ifx_edits *out, ifx_str source, ifx_span span, ifx_str text,
				 struct ifx_arena *arena)
{
	ifx_str old = ifx_str_sub(source, span.at, span.len);
	size_t least = old.len < text.len ? old.len : text.len;
	size_t head = 0, tail = 0;

	while (head < least && old.ptr[head] == text.ptr[head])
		head++;
	while (head && ((head < old.len && is_continuation(old.ptr[head])) ||
			(head < text.len && is_continuation(text.ptr[head]))))
		head--;
	while (tail < least - head && old.ptr[old.len - tail - 1] == text.ptr[text.len - tail - 1])
		tail++;
	while (tail && is_continuation(old.ptr[old.len - tail]))
		tail--;
	span = (ifx_span){ span.at + head, span.len - head - tail };
	text = ifx_str_sub(text, head, text.len - head - tail);
	if (!span.len && !text.len)
		return IFX_OK;
	text = ifx_arena_copy(arena, text);
	return text.ptr ? insert_at(out, out->n, span, text) : IFX_ENOMEM;
}

/*
 * Composition sees three texts: the source, the middle text that `first` makes of it, and the
 * result that `second` makes of the middle text. Both lists are walked once by their places in the
 * middle text. Edits that overlap or touch there form a group, and a group becomes one edit;
 * between two groups lies at least one byte that nobody edits.
 */
struct compose {
	const struct ifx_edits *first, *second;
	size_t a, b; /* the first edits of either that have no group yet */
	ifx_str source;
	struct ifx_buf middle, text; /* of the group at hand: before and after `second` */
};

/* Step over the edits of the next group, which is [*at, *end) in the middle text. */
static void gather(struct compose *c, size_t *at, size_t *end)
{
	size_t a_at = c->a < c->first->n ? new_at(&c->first->items[c->a]) : SIZE_MAX;
	size_t b_at = c->b < c->second->n ? c->second->items[c->b].span.at : SIZE_MAX;

	*at = *end = a_at < b_at ? a_at : b_at;
	for (;;) {
		size_t reach;

		if (c->a < c->first->n && new_at(&c->first->items[c->a]) <= *end) {
			const struct ifx_edit *e = &c->first->items[c->a++];

			reach = new_at(e) + e->text.len;
		} else if (c->b < c->second->n && c->second->items[c->b].span.at <= *end) {
			reach = end_of(&c->second->items[c->b++]);
		} else {
			return;
		}
		if (reach > *end)
			*end = reach;
	}
}

static ifx_status join_group(struct compose *c, struct ifx_edits *out, struct ifx_arena *arena)
{
	size_t a = c->a, b = c->b;
	long long shift = 0; /* middle minus source, before and behind the group */
	size_t at, end, from, to, pos;

	if (a)
		shift = c->first->items[a - 1].shift + growth(&c->first->items[a - 1]);
	gather(c, &at, &end);
	from = (size_t)((long long)at - shift);
	if (c->a > a)
		shift = c->first->items[c->a - 1].shift + growth(&c->first->items[c->a - 1]);
	to = (size_t)((long long)end - shift);

	ifx_buf_clear(&c->middle);
	pos = from;
	for (; a < c->a; a++) {
		const struct ifx_edit *e = &c->first->items[a];

		ifx_buf_add(&c->middle, ifx_str_sub(c->source, pos, e->span.at - pos));
		ifx_buf_add(&c->middle, e->text);
		pos = end_of(e);
	}
	ifx_buf_add(&c->middle, ifx_str_sub(c->source, pos, to - pos));
	if (c->middle.bad)
		return IFX_ENOMEM;

	ifx_buf_clear(&c->text);
	pos = at;
	for (; b < c->b; b++) {
		const struct ifx_edit *e = &c->second->items[b];

		ifx_buf_add(&c->text,
			    ifx_str_sub(ifx_buf_str(&c->middle), pos - at, e->span.at - pos));
		ifx_buf_add(&c->text, e->text);
		pos = end_of(e);
	}
	ifx_buf_add(&c->text, ifx_str_sub(ifx_buf_str(&c->middle), pos - at, end - pos));
	if (c->text.bad)
		return IFX_ENOMEM;
	return append_trimmed(out, c->source, (ifx_span){ from, to - from }, ifx_buf_str(&c->text),
			      arena);
}

ifx_status ifx_edits_compose(struct ifx_edits *out, const struct ifx_edits *first,
			     const struct ifx_edits *second, ifx_str source,
			     struct ifx_arena *arena)
{
	struct compose c = { .first = first, .second = second, .source = source };
	ifx_status st = IFX_OK;

	ifx_edits_init(out);
	ifx_buf_init(&c.middle, IFX_BUF_MAX);
	ifx_buf_init(&c.text, IFX_BUF_MAX);
	while (st == IFX_OK && (c.a < first->n || c.b < second->n))
		st = join_group(&c, out, arena);
	ifx_buf_release(&c.middle);
	ifx_buf_release(&c.text);
	if (st != IFX_OK)
		ifx_edits_release(out);
	return st;
}

size_t ifx_edits_to_old(const struct ifx_edits *edits, size_t at)
{
	const struct ifx_edit *e;
	size_t lo = 0, hi = edits->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (new_at(&edits->items[mid]) <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return at;
	e = &edits->items[lo - 1];
	if (at < new_at(e) + e->text.len)
		return e->span.at;
	return (size_t)((long long)at - e->shift - growth(e));
}

size_t ifx_edits_to_new(const struct ifx_edits *edits, size_t at)
{
	const struct ifx_edit *e;
	size_t lo = 0, hi = edits->n;

	/* A byte goes behind an insertion at its place, but not behind its own replacement. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		e = &edits->items[mid];
		if (e->span.at < at || (e->span.at == at && !e->span.len))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return at;
	e = &edits->items[lo - 1];
	if (at < end_of(e))
		return new_at(e);
	return (size_t)((long long)at + e->shift + growth(e));
}
