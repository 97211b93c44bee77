#include "edit/check.h"

static ifx_status refuse(struct ifx_buf *why, const char *fmt, ...) IFX_PRINTF(2, 3);

static ifx_status refuse(struct ifx_buf *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_clear(why);
	ifx_buf_vaddf(why, fmt, ap);
	va_end(ap);
	return why->bad ? IFX_ENOMEM : IFX_EREFUSED;
}

/* A name as a message shows it: not all of a very long one. */
ifx_str ifx_shown(ifx_str name)
{
	enum { LONG = 80 };

	if (name.len <= LONG)
		return name;
	for (name.len = LONG; ((unsigned char)name.ptr[name.len] & 0xC0) == 0x80; name.len--)
		;
	return name;
}

static ifx_str source(const struct ifx_node *node, ifx_span span)
{
	return ifx_str_sub(node->doc->src, span.at, span.len);
}

/* A map that is written once and used in several places cannot be edited in one of them. */
ifx_status ifx_check_shared(struct ifx_buf *why, const struct ifx_node *node)
{
	/* From an embedded document on to the scalar that holds it. */
	for (; node; node = node->entry ? node->entry->in : node->doc->host)
		if (node->anchor.len && node->aliases)
			return refuse(why,
				      "'%.*s' shares it with another place; edit it there by hand",
				      IFX_ARG(ifx_shown(source(node, node->anchor))));
	return IFX_OK;
}

ifx_status ifx_check_duplicates(struct ifx_buf *why, const struct ifx_node *map)
{
	const struct ifx_entry *twice = ifx_map_twice(map);

	if (!twice)
		return IFX_OK;
	return refuse(why, "the key '%.*s' is there twice in this map; remove one of them first",
		      IFX_ARG(ifx_shown(ifx_text(twice->key))));
}

/* Does a merge key of the map bring `key` in? */
bool ifx_is_merged(const struct ifx_node *map, ifx_str key)
{
	const struct ifx_entry *merge = NULL;
	const struct ifx_node *from;

	if (map->doc->has_alias)
		merge = ifx_map_entry(map, IFX_LIT("<<"));
	if (!merge || merge->key->style != IFX_PLAIN)
		return false;
	from = ifx_deref(merge->value);
	if (ifx_is(from, IFX_MAP))
		return ifx_map_find(from, key, NULL);
	if (ifx_is(from, IFX_SEQ))
		for (const struct ifx_entry *e = from->first; e; e = e->next)
			if (ifx_map_find(e->value, key, NULL))
				return true;
	return false;
}

/* An anchor cannot go while an alias needs it. */
ifx_status ifx_check_removable(struct ifx_buf *why, const struct ifx_node *node)
{
	ifx_status st = IFX_OK;

	if (!node)
		return IFX_OK;
	if (node->anchor.len && node->aliases)
		return refuse(why, "it holds the anchor '%.*s', which another place needs",
			      IFX_ARG(ifx_shown(source(node, node->anchor))));
	if (node->kind == IFX_MAP || node->kind == IFX_SEQ)
		for (const struct ifx_entry *e = node->first; e && st == IFX_OK; e = e->next) {
			st = ifx_check_removable(why, e->key);
			if (st == IFX_OK)
				st = ifx_check_removable(why, e->value);
		}
	return st;
}

/*
 * Anchors do not move: names may be used again, so that order decides which one is meant. An alias
 * must come behind its anchor, and only one may bear the name.
 */
ifx_status ifx_check_movable(struct ifx_buf *why, const struct ifx_node *node,
			     const struct ifx_op *op)
{
	ifx_status st = IFX_OK;

	if (!node)
		return IFX_OK;
	if (node->anchor.len)
		return refuse(why, "it holds the anchor '%.*s'; write it out first",
			      IFX_ARG(ifx_shown(source(node, node->anchor))));
	if (node->kind == IFX_ALIAS) {
		for (size_t i = 0; i < op->n_to; i++)
			if (!node->target || op->to[i].base->span.at < node->target->span.at)
				return refuse(why, "it would come before the anchor that it needs");
		if (node->target->again)
			return refuse(why, "its anchor '%.*s' is defined more than once",
				      IFX_ARG(ifx_shown(node->text)));
	}
	if (node->kind == IFX_MAP || node->kind == IFX_SEQ)
		for (const struct ifx_entry *e = node->first; e && st == IFX_OK; e = e->next) {
			st = ifx_check_movable(why, e->key, op);
			if (st == IFX_OK)
				st = ifx_check_movable(why, e->value, op);
		}
	return st;
}

/* `? key` */
bool ifx_is_explicit(const struct ifx_entry *entry)
{
	ifx_str src = entry->in->doc->src;

	return src.ptr[entry->start] == '?' && entry->key->span.at != entry->start;
}

ifx_status ifx_check_place(struct ifx_buf *why, const struct ifx_doc *doc,
			   const struct ifx_place *place)
{
	const struct ifx_node *base = place->base;
	ifx_status st;

	if (base->doc != doc)
		return refuse(why, "it would go from one text into another");
	if (ifx_is(base, IFX_ALIAS))
		return refuse(why, "the map there is the alias '*%.*s'; edit its anchor by hand",
			      IFX_ARG(ifx_shown(base->text)));
	if (!ifx_is(base, IFX_MAP) && !ifx_is_null(base))
		return refuse(why, "what stands there is not a map");
	if (base->bare)
		return refuse(why, "the map there has no braces of its own");
	if (!base->first && (base->anchor.len || base->tag.len))
		return refuse(why, "the empty value there has an anchor or a tag");
	if (ifx_is_null(base)) {
		if (!base->entry)
			return refuse(why, "the document is empty");
		if (!base->entry->key || base->entry->value != base ||
		    base->entry->colon == SIZE_MAX || ifx_is_explicit(base->entry))
			return refuse(why, "the empty value there cannot become a map");
	}
	st = ifx_check_shared(why, base);
	return st == IFX_OK ? ifx_check_duplicates(why, base) : st;
}

ifx_status ifx_check_map(struct ifx_buf *why, const struct ifx_entry *entry)
{
	ifx_status st;

	if (!ifx_is(entry->in, IFX_MAP))
		return refuse(why, "it is an item of a list");
	if (entry->in->bare)
		return refuse(why, "the map there has no braces of its own");
	st = ifx_check_shared(why, entry->in);
	return st == IFX_OK ? ifx_check_duplicates(why, entry->in) : st;
}

/* Is there a comment below the entry that seems to belong to what it holds: deeper than its key? */
bool ifx_has_foot(const struct ifx_entry *entry)
{
	const struct ifx_doc *doc = entry->in->doc;
	size_t at = entry->end;

	if (entry->in->style == IFX_FLOW || entry->value->style == IFX_FLOW ||
	    (entry->value->kind == IFX_SCALAR && !ifx_is_null(entry->value)))
		return false;
	for (size_t i = ifx_comment_from(doc, at); i < doc->n_comments; i++) {
		const struct ifx_comment *c = &doc->comments[i];

		/* Only blanks and comments lie between. */
		while (at < c->span.at && strchr(" \t\r\n", doc->src.ptr[at]))
			at++;
		if (at < c->span.at)
			return false;
		if (c->own_line)
			return ifx_column(doc->src, c->span.at) >
			       ifx_column(doc->src, entry->start);
		at += c->span.len;
	}
	return false;
}
