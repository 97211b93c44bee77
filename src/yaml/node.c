#include "yaml/node.h"

#include "base/buf.h"
#include "yaml/load.h"
#include "yaml/resolve.h"

#include <stdlib.h>

ifx_str ifx_raw(const struct ifx_node *node)
{
	return ifx_str_sub(node->doc->src, node->span.at, node->span.len);
}

ifx_str ifx_text(const struct ifx_node *node)
{
	return ifx_is(node, IFX_SCALAR) ? node->text : IFX_NONE;
}

static ifx_str tag_of(const struct ifx_node *node)
{
	return ifx_str_sub(node->doc->src, node->tag.at, node->tag.len);
}

bool ifx_is_null(const struct ifx_node *node)
{
	if (!ifx_is(node, IFX_SCALAR) || node->style != IFX_PLAIN)
		return false;
	if (node->tag.len && !ifx_str_eq(tag_of(node), IFX_LIT("!!null")))
		return false;
	return ifx_resolve_plain(ifx_raw(node)).type == IFX_TYPE_NULL;
}

bool ifx_is_string(const struct ifx_node *node)
{
	ifx_str tag;

	if (!ifx_is(node, IFX_SCALAR))
		return false;
	tag = tag_of(node);
	if (tag.len)
		return ifx_str_eq(tag, IFX_LIT("!!str")) || ifx_str_eq(tag, IFX_LIT("!")) ||
		       ifx_str_eq(tag, IFX_LIT("!<tag:yaml.org,2002:str>"));
	return node->style != IFX_PLAIN || ifx_resolve_plain(node->text).type == IFX_TYPE_STR;
}

const struct ifx_node *ifx_deref(const struct ifx_node *node)
{
	/* An alias may stand for an alias' parent, never for an alias. */
	return ifx_is(node, IFX_ALIAS) ? node->target : node;
}

/* ---- aliases ---- */

static ifx_str name_of(const struct ifx_node *node)
{
	if (node->kind == IFX_ALIAS)
		return node->text;
	return ifx_str_sub(node->doc->src, node->anchor.at + 1, node->anchor.len - 1);
}

static int by_name(const void *a, const void *b)
{
	const struct ifx_node *x = *(const struct ifx_node *const *)a;
	const struct ifx_node *y = *(const struct ifx_node *const *)b;
	size_t x_at = x->kind == IFX_ALIAS ? x->span.at : x->anchor.at;
	size_t y_at = y->kind == IFX_ALIAS ? y->span.at : y->anchor.at;
	int order = ifx_str_cmp(name_of(x), name_of(y));

	return order ? order : (x_at > y_at) - (x_at < y_at);
}

/* An alias stands for the last node before it that bears the name. */
void ifx_resolve_aliases(struct ifx_node **named, size_t n)
{
	struct ifx_node *target = NULL;

	if (!n)
		return;
	qsort(named, n, sizeof(*named), by_name);
	for (size_t i = 0; i < n; i++) {
		struct ifx_node *node = named[i];

		if (target && !ifx_str_eq(name_of(target), name_of(node)))
			target = NULL;
		if (node->kind == IFX_ALIAS) {
			node->target = target;
			if (target)
				target->aliases++;
			continue;
		}
		if (target)
			target->again = node->again = true;
		target = node;
	}
}

/* ---- keys ---- */

/*
 * Looking through a map is quick while it is small. A large one has its entries sorted by key as
 * well, equal keys in document order, so that ten thousand operations on one map are not ten
 * thousand walks through it.
 */
enum { SMALL_MAP = 16 };

static bool has_key(const struct ifx_entry *entry, ifx_str key)
{
	return ifx_is(entry->key, IFX_SCALAR) && ifx_str_eq(entry->key->text, key);
}

static int by_key(const void *a, const void *b)
{
	const struct ifx_entry *x = *(const struct ifx_entry *const *)a;
	const struct ifx_entry *y = *(const struct ifx_entry *const *)b;
	int order = ifx_str_cmp(x->key->text, y->key->text);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

bool ifx_map_index(struct ifx_node *map)
{
	if (!ifx_is(map, IFX_MAP) || map->n <= SMALL_MAP)
		return true;
	map->by_key = ifx_arena_alloc(&map->doc->arena, map->n * sizeof(*map->by_key));
	if (!map->by_key)
		return false;
	for (const struct ifx_entry *e = map->first; e; e = e->next)
		if (ifx_is(e->key, IFX_SCALAR))
			map->by_key[map->n_by_key++] = e;
	qsort(map->by_key, map->n_by_key, sizeof(*map->by_key), by_key);
	for (size_t i = 1; i < map->n_by_key && !map->twice; i++)
		if (has_key(map->by_key[i], map->by_key[i - 1]->key->text))
			map->twice = map->by_key[i];
	return true;
}

/* Index of the first entry in by_key whose key is not before `key`. */
static size_t lower_bound(const struct ifx_node *map, ifx_str key)
{
	size_t lo = 0, hi = map->n_by_key;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ifx_str_cmp(map->by_key[mid]->key->text, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct ifx_entry *ifx_map_entry_after(const struct ifx_entry *entry, ifx_str key)
{
	for (entry = entry->next; entry; entry = entry->next)
		if (has_key(entry, key))
			return entry;
	return NULL;
}

const struct ifx_entry *ifx_map_entry(const struct ifx_node *map, ifx_str key)
{
	if (!ifx_is(map, IFX_MAP))
		return NULL;
	if (map->by_key) {
		size_t i = lower_bound(map, key);

		return i < map->n_by_key && has_key(map->by_key[i], key) ? map->by_key[i] : NULL;
	}
	for (const struct ifx_entry *e = map->first; e; e = e->next)
		if (has_key(e, key))
			return e;
	return NULL;
}

const struct ifx_entry *ifx_map_twice(const struct ifx_node *map)
{
	if (!ifx_is(map, IFX_MAP))
		return NULL;
	if (map->by_key)
		return map->twice;
	for (const struct ifx_entry *e = map->first; e; e = e->next)
		for (const struct ifx_entry *f = map->first; f != e; f = f->next)
			if (ifx_is(e->key, IFX_SCALAR) && has_key(f, e->key->text))
				return e;
	return NULL;
}

static const struct ifx_entry *find(const struct ifx_node *map, ifx_str key, bool *direct,
				    int *budget)
{
	const struct ifx_entry *e, *merge;
	const struct ifx_node *from;

	if (--*budget < 0)
		return NULL;
	if (ifx_is(map, IFX_ALIAS)) {
		*direct = false;
		map = ifx_deref(map);
	}
	e = ifx_map_entry(map, key);
	if (e || !map || !map->doc->has_alias)
		return e;
	merge = ifx_map_entry(map, IFX_LIT("<<"));
	if (!merge || merge->key->style != IFX_PLAIN)
		return NULL;
	*direct = false;
	from = ifx_deref(merge->value);
	if (ifx_is(from, IFX_MAP))
		return find(from, key, direct, budget);
	if (!ifx_is(from, IFX_SEQ))
		return NULL;
	for (const struct ifx_entry *item = from->first; item && !e; item = item->next)
		e = find(item->value, key, direct, budget);
	return e;
}

const struct ifx_entry *ifx_map_find(const struct ifx_node *map, ifx_str key, bool *direct)
{
	int budget = IFX_MERGE_MAX;
	bool is_direct = true;
	const struct ifx_entry *e = find(map, key, &is_direct, &budget);

	if (direct)
		*direct = is_direct;
	return e;
}

const struct ifx_node *ifx_get(const struct ifx_node *map, ifx_str key)
{
	const struct ifx_entry *e = ifx_map_find(map, key, NULL);

	return e ? ifx_deref(e->value) : NULL;
}

ifx_str ifx_get_text(const struct ifx_node *map, ifx_str key)
{
	const struct ifx_node *value = ifx_get(map, key);

	return value ? ifx_text(value) : IFX_NONE;
}

/* ---- lines ---- */

static bool is_break(char c)
{
	return c == '\n' || c == '\r';
}

size_t ifx_line_start(ifx_str src, size_t at)
{
	/* Lines may be very long, and a loop over bytes is slow. */
	const char *nl = at ? memrchr(src.ptr, '\n', at) : NULL, *cr;
	size_t start = nl ? (size_t)(nl - src.ptr) + 1 : 0;

	cr = at > start ? memrchr(src.ptr + start, '\r', at - start) : NULL;
	at = cr ? (size_t)(cr - src.ptr) + 1 : start;
	if (!at && ifx_str_starts(src, IFX_LIT("\xEF\xBB\xBF")))
		return 3;
	return at;
}

size_t ifx_line_end(ifx_str src, size_t at)
{
	const char *nl, *cr;
	size_t end;

	if (at >= src.len)
		return at;
	nl = memchr(src.ptr + at, '\n', src.len - at);
	end = nl ? (size_t)(nl - src.ptr) : src.len;
	cr = memchr(src.ptr + at, '\r', end - at);
	return cr ? (size_t)(cr - src.ptr) : end;
}

size_t ifx_line_next(ifx_str src, size_t at)
{
	at = ifx_line_end(src, at);
	if (at + 1 < src.len && src.ptr[at] == '\r' && src.ptr[at + 1] == '\n')
		return at + 2;
	return at < src.len ? at + 1 : at;
}

size_t ifx_column(ifx_str src, size_t at)
{
	return at - ifx_line_start(src, at);
}

bool ifx_starts_line(ifx_str src, size_t at)
{
	while (at && src.ptr[at - 1] == ' ')
		at--;
	return !at || is_break(src.ptr[at - 1]) ||
	       (at == 3 && ifx_str_starts(src, IFX_LIT("\xEF\xBB\xBF")));
}

bool ifx_starts_flow_line(ifx_str src, size_t at)
{
	while (at && (src.ptr[at - 1] == ' ' || src.ptr[at - 1] == '\t'))
		at--;
	return ifx_starts_line(src, at);
}

/* ---- comments ---- */

ifx_str ifx_comment_text(const struct ifx_doc *doc, size_t i)
{
	return ifx_str_sub(doc->src, doc->comments[i].span.at, doc->comments[i].span.len);
}

size_t ifx_comment_from(const struct ifx_doc *doc, size_t at)
{
	size_t lo = 0, hi = doc->n_comments;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (doc->comments[mid].span.at < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t ifx_entry_next_start(const struct ifx_entry *entry)
{
	const struct ifx_doc *doc = entry->in->doc;

	while (entry && !entry->next)
		entry = entry->in->entry;
	return entry ? entry->next->start : doc->src.len;
}

size_t ifx_entry_head(const struct ifx_entry *entry, size_t *first)
{
	const struct ifx_doc *doc = entry->in->doc;
	size_t i = ifx_comment_from(doc, entry->start), line, column, n = 0;

	*first = i;
	if (!i || !ifx_starts_line(doc->src, entry->start))
		return 0;
	line = ifx_line_start(doc->src, entry->start);
	column = entry->start - line;
	while (i > 0) {
		const struct ifx_comment *c = &doc->comments[i - 1];

		/* The comment's line must be the one right above, at the same column. */
		if (!c->own_line || ifx_line_next(doc->src, c->span.at) != line)
			break;
		line = ifx_line_start(doc->src, c->span.at);
		if (c->span.at - line != column)
			break;
		*first = --i;
		n++;
	}
	return n;
}

size_t ifx_entry_trail(const struct ifx_entry *entry)
{
	const struct ifx_doc *doc = entry->in->doc;
	size_t at = entry->end, i;
	bool comma = entry->in->style == IFX_FLOW;

	/* A block scalar has its lines for itself; the comment on its header is inside the entry.
	 */
	if (ifx_is(entry->value, IFX_SCALAR) &&
	    (entry->value->style == IFX_LITERAL || entry->value->style == IFX_FOLDED))
		return IFX_NO_COMMENT;
	for (; at < doc->src.len; at++) {
		char c = doc->src.ptr[at];

		if (c == ' ' || c == '\t')
			continue;
		if (c == ',' && comma) {
			comma = false;
			continue;
		}
		break;
	}
	if (at >= doc->src.len || doc->src.ptr[at] != '#')
		return IFX_NO_COMMENT;
	i = ifx_comment_from(doc, at);
	return i < doc->n_comments && doc->comments[i].span.at == at ? i : IFX_NO_COMMENT;
}

/* ---- paths ---- */

static bool is_name(ifx_str s)
{
	if (!s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-'))
			return false;
	}
	return true;
}

static void add_step(struct ifx_buf *out, const struct ifx_entry *entry)
{
	ifx_str key;

	if (entry->in->entry)
		add_step(out, entry->in->entry);
	if (!entry->key) {
		ifx_buf_addf(out, "[%zu]", entry->index);
		return;
	}
	key = ifx_is(entry->key, IFX_SCALAR) ? ifx_text(entry->key) : ifx_raw(entry->key);
	if (is_name(key)) {
		if (out->len)
			ifx_buf_addc(out, '.');
		ifx_buf_add(out, key);
	} else {
		ifx_buf_addf(out, "[\"%.*s\"]", IFX_ARG(key));
	}
}

ifx_str ifx_path_of_entry(const struct ifx_entry *entry, struct ifx_arena *arena)
{
	struct ifx_buf buf;
	ifx_str path;

	ifx_buf_init(&buf, 1 << 20);
	if (entry)
		add_step(&buf, entry);
	path = buf.bad ? IFX_NONE : ifx_arena_copy(arena, ifx_buf_str(&buf));
	ifx_buf_release(&buf);
	return path;
}

ifx_str ifx_path_of(const struct ifx_node *node, struct ifx_arena *arena)
{
	return ifx_path_of_entry(node->entry, arena);
}
