#include "yaml/style.h"

#include "yaml/scalar.h"

/** Entries of one map that are looked at. A hand shows soon, and each new text asks. */
#define ENTRIES_MAX 64

ifx_str ifx_style_newline(ifx_str src, size_t at)
{
	size_t end;

	if (at && at < src.len && src.ptr[at] == '\n' && src.ptr[at - 1] == '\r')
		at--; /* between the two bytes of one break */
	end = ifx_line_end(src, at);
	if (end == src.len) {
		end = ifx_line_start(src, at);
		if (!end || !strchr("\r\n", src.ptr[end - 1]))
			return IFX_LIT("\n");
		end--;
		if (end && src.ptr[end] == '\n' && src.ptr[end - 1] == '\r')
			end--;
	}
	return ifx_str_sub(src, end, ifx_line_next(src, end) - end);
}

static size_t column_of(const struct ifx_node *map)
{
	return ifx_column(map->doc->src, map->first->start);
}

static bool is_block_map(const struct ifx_node *node)
{
	return ifx_is(node, IFX_MAP) && node->style == IFX_BLOCK && node->first;
}

size_t ifx_style_step(const struct ifx_node *map)
{
	size_t n;

	for (; map; map = map->entry ? map->entry->in : NULL) {
		if (!is_block_map(map))
			continue;
		n = ENTRIES_MAX;
		for (const struct ifx_entry *e = map->first; e && n--; e = e->next)
			if (is_block_map(e->value) && column_of(e->value) > column_of(map) &&
			    ifx_starts_line(map->doc->src, e->value->first->start))
				return column_of(e->value) - column_of(map);
	}
	return 2;
}

static ifx_style quote_in(const struct ifx_node *map)
{
	size_t n = ENTRIES_MAX;

	for (const struct ifx_entry *e = map->first; e && n--; e = e->next)
		if (ifx_is(e->value, IFX_SCALAR) &&
		    (e->value->style == IFX_SINGLE || e->value->style == IFX_DOUBLE))
			return e->value->style;
	return IFX_PLAIN;
}

ifx_style ifx_style_quote_near(const struct ifx_node *near)
{
	ifx_style found = near->doc->json ? IFX_DOUBLE : IFX_PLAIN;

	for (; near && found == IFX_PLAIN; near = near->entry ? near->entry->in : NULL)
		if (ifx_is(near, IFX_MAP))
			found = quote_in(near);
	return found;
}

ifx_style ifx_style_quote_of(const struct ifx_doc *doc)
{
	return doc->quote == IFX_SINGLE ? IFX_SINGLE : IFX_DOUBLE;
}

bool ifx_style_is_plain(const struct ifx_node *map)
{
	size_t n = ENTRIES_MAX;

	if (map->doc->json)
		return false;
	if (!ifx_is(map, IFX_MAP) || !map->first)
		return true;
	for (const struct ifx_entry *e = map->first; e && n--; e = e->next)
		if (!ifx_is(e->value, IFX_SCALAR) || e->value->style == IFX_PLAIN)
			return true;
	return false;
}

ifx_style ifx_style_key(const struct ifx_node *map)
{
	ifx_style style = map->doc->json ? IFX_DOUBLE : IFX_PLAIN;
	size_t n = ENTRIES_MAX;

	if (!ifx_is(map, IFX_MAP) || !map->first)
		return style;
	for (const struct ifx_entry *e = map->first; e && n--; e = e->next) {
		if (!ifx_is(e->key, IFX_SCALAR) ||
		    (e->key->style != IFX_SINGLE && e->key->style != IFX_DOUBLE))
			return IFX_PLAIN;
		style = e->key->style;
	}
	return style;
}

/* The first block list below a key; how far its dashes are in. False: there is none. */
static bool find_dash(const struct ifx_node *node, size_t *dash)
{
	ifx_str src;

	if (!node || (node->kind != IFX_MAP && node->kind != IFX_SEQ) || node->style != IFX_BLOCK)
		return false;
	src = node->doc->src;
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		if (e->key && ifx_is(e->value, IFX_SEQ) && e->value->style == IFX_BLOCK &&
		    e->value->first) {
			size_t key = ifx_column(src, e->start);
			size_t at = ifx_column(src, e->value->first->start);

			*dash = at > key ? at - key : 0;
			return true;
		}
		if (find_dash(e->value, dash))
			return true;
	}
	return false;
}

size_t ifx_style_dash(const struct ifx_doc *doc)
{
	size_t dash = 0;

	find_dash(doc->root, &dash);
	return dash;
}
