#include "template/tree.h"

#include "base/alloc.h"

struct bind {
	struct ifx_mask *mask;
	struct ifx_doc *doc;
	const struct ifx_entry **istio; /* on the heap */
	size_t n, cap;
	bool failed;
};

const struct ifx_mask *ifx_template_of(const struct ifx_doc *doc)
{
	while (doc->host)
		doc = doc->host->doc;
	return doc->mask;
}

size_t ifx_template_at(const struct ifx_doc *doc, size_t at)
{
	for (; doc->host; doc = doc->host->doc)
		at = doc->host_map[at];
	return at;
}

const struct ifx_action *ifx_template_in(const struct ifx_node *node)
{
	const struct ifx_mask *mask = ifx_template_of(node->doc);
	size_t end = node->span.at + node->span.len;

	if (!mask || node->kind == IFX_ALIAS)
		return NULL;
	if (node->kind == IFX_SCALAR && node->raw_end > end)
		end = node->raw_end;
	return ifx_mask_action(mask, ifx_template_at(node->doc, node->span.at),
			       ifx_template_at(node->doc, end));
}

size_t ifx_template_region(const struct ifx_entry *entry)
{
	const struct ifx_doc *doc = entry->in->doc;

	return ifx_region_at(ifx_template_of(doc), ifx_template_at(doc, entry->start));
}

bool ifx_template_is_istio(const struct ifx_entry *e)
{
	return ifx_is(e->key, IFX_SCALAR) &&
	       ifx_str_find(ifx_text(e->key), IFX_LIT("istio")) != SIZE_MAX;
}

bool ifx_template_together(const struct ifx_entry *a, const struct ifx_entry *b)
{
	const struct ifx_mask *mask = ifx_template_of(a->in->doc);
	size_t x, y;

	if (!mask || mask != ifx_template_of(b->in->doc))
		return true;
	x = ifx_template_region(a);
	y = ifx_template_region(b);
	return ifx_region_in(mask, x, y) || ifx_region_in(mask, y, x);
}

bool ifx_template_fills(const struct ifx_node *node)
{
	return node->adds && !node->first;
}

/* ---- binding ---- */

/*
 * The first action in [from, to) that prints lines which may be entries of a map at `column`:
 *
 *     labels:
 *       app: x
 *       {{- include "labels" . | nindent 2 }}       column 2
 *     {{ toYaml .Values.x }}                        unknown: of any map that ends here
 *
 * deeper  so may lines that are deeper: there is no other map that they could be in.
 */
static const struct ifx_action *adder(const struct ifx_mask *mask, size_t from, size_t to,
				      size_t column, bool deeper)
{
	for (size_t i = ifx_mask_from(mask, from); i < mask->n; i++) {
		const struct ifx_action *a = &mask->actions[i];

		if (a->span.at >= to)
			break;
		if (a->kind != IFX_ACTION_PRINTS || a->span.at < from)
			continue;
		if (a->column == SIZE_MAX || column == SIZE_MAX || a->column == column ||
		    (deeper && a->column > column))
			return a;
	}
	return NULL;
}

static void note_istio(struct bind *b, const struct ifx_entry *e)
{
	const struct ifx_entry **list;

	if (!ifx_template_is_istio(e))
		return;
	list = ifx_grow(b->istio, &b->cap, b->n + 1, sizeof(*list));
	if (!list) {
		b->failed = true;
		return;
	}
	b->istio = list;
	list[b->n++] = e;
}

static void note_stray(struct bind *b, const struct ifx_entry *e)
{
	const struct ifx_entry *owner = e->in->entry;

	if (!b->mask->stray && owner &&
	    !ifx_region_in(b->mask, ifx_region_at(b->mask, e->start),
			   ifx_region_at(b->mask, owner->start)))
		b->mask->stray = e;
}

static void bind_node(struct bind *b, struct ifx_node *node, size_t from, size_t to);

/* from, to: the gaps before the first entry and behind the last belong to the collection, too. */
static void bind_entries(struct bind *b, struct ifx_node *node, size_t from, size_t to)
{
	bool map = node->kind == IFX_MAP, block = node->style == IFX_BLOCK;
	size_t column =
		block && node->first ? ifx_column(b->doc->src, node->first->start) : SIZE_MAX;

	bool deeper = true; /* nothing is before it, or a scalar */

	for (struct ifx_entry *e = node->first; e; e = e->next) {
		size_t next = e->next ? e->next->start : to;

		if (map && !node->adds)
			node->adds = adder(b->mask, from, e->start, column, deeper);
		/* A key from the template may be any. */
		if (map && !node->adds && e->key)
			node->adds = ifx_template_in(e->key);
		note_istio(b, e);
		note_stray(b, e);
		bind_node(b, e->value, e->colon == SIZE_MAX ? e->start : e->colon + 1, next);
		from = e->end;
		deeper = ifx_is(e->value, IFX_SCALAR) && !ifx_is_null(e->value);
	}
	if (map && !node->adds)
		node->adds = adder(b->mask, from, to, column, deeper);
}

static void bind_node(struct bind *b, struct ifx_node *node, size_t from, size_t to)
{
	const struct ifx_entry *e = node ? node->entry : NULL;

	if (!node || node->kind == IFX_ALIAS)
		return;
	if (node->kind != IFX_SCALAR) {
		bind_entries(b, node, from,
			     node->style == IFX_BLOCK ? to : node->span.at + node->span.len);
		return;
	}
	/* What is below the key of a null is its value. */
	if (ifx_is_null(node) && e && e->in->style == IFX_BLOCK)
		node->adds = adder(b->mask, from, to, ifx_column(b->doc->src, e->start) + 1, true);
	else if (ifx_is_null(node))
		node->adds = adder(b->mask, from, to, SIZE_MAX, true);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool trims_before(const struct ifx_mask *mask, const struct ifx_action *a)
{
	return a->span.len > 3 && mask->source.ptr[a->span.at + 2] == '-';
}

static bool is_on_line(ifx_str text, size_t from, size_t to)
{
	return ifx_str_chr(ifx_str_sub(text, from, to - from), '\n') == SIZE_MAX;
}

/*
 * What an action trims behind it may be the line break and the indentation of the next line:
 *
 *       {{- $x := 1 -}}
 *           key: value        printed at the column of the action
 *
 * Is that another column than the one where it stands?
 */
static bool shifts(const struct ifx_mask *mask, size_t i)
{
	ifx_str text = mask->text;
	const struct ifx_action *a = &mask->actions[i];
	size_t next = a->span.at + a->span.len, before;

	while (next < text.len && is_space(text.ptr[next]))
		next++;
	if (next == text.len || is_on_line(text, a->span.at + a->span.len, next))
		return false;
	/* Up to another action: what follows that one is where it stands. */
	if (i + 1 < mask->n && a[1].span.at < next)
		return a[1].kind == IFX_ACTION_PRINTS && !a[1].breaks &&
		       !is_on_line(text, a->span.at + a->span.len, a[1].span.at);
	while (i && ifx_line_start(text, mask->actions[i - 1].span.at) ==
			    ifx_line_start(text, a->span.at))
		a = &mask->actions[--i];
	if (!ifx_starts_line(text, a->span.at))
		return true;
	for (before = a->span.at; before && is_space(text.ptr[before - 1]); before--)
		;
	if (trims_before(mask, a))
		return before || ifx_column(text, next);
	return ifx_column(text, next) != ifx_column(text, a->span.at);
}

bool ifx_template_bind(struct ifx_doc *doc, struct ifx_mask *mask, struct ifx_arena *arena)
{
	struct bind b = { .mask = mask, .doc = doc };

	doc->mask = mask;
	mask->stray = NULL;
	mask->shifts = NULL;
	for (size_t i = 0; i < mask->n && !mask->shifts; i++)
		if (mask->actions[i].trims_after && shifts(mask, i))
			mask->shifts = &mask->actions[i];
	if (doc->root)
		bind_node(&b, doc->root, doc->body, doc->src.len);
	mask->istio = ifx_arena_alloc(arena, (b.n + 1) * sizeof(*mask->istio));
	mask->n_istio = b.n;
	if (mask->istio && b.n)
		memcpy(mask->istio, b.istio, b.n * sizeof(*b.istio));
	ifx_free(b.istio);
	return mask->istio && !b.failed;
}
