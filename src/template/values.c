#include "template/values.h"

#include "template/tree.h"

struct search {
	const struct ifx_doc *doc;
	struct ifx_arena *arena;
	struct ifx_resource **link;
};

bool ifx_values_rule(const char *id)
{
	static const char *const rules[] = { "metadata-value-type", "inject-value",
					     "annotation-value" };

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (!strcmp(rules[i], id))
			return true;
	return false;
}

/* podAnnotations, commonLabels, annotations: what the map becomes; ptr NULL: something else. */
static ifx_str noun_of(const struct ifx_entry *e)
{
	ifx_str key = ifx_is(e->key, IFX_SCALAR) ? ifx_text(e->key) : IFX_NONE;

	if (ifx_str_ends(key, IFX_LIT("nnotations")))
		return IFX_LIT("annotations");
	return ifx_str_ends(key, IFX_LIT("abels")) ? IFX_LIT("labels") : IFX_NONE;
}

static struct ifx_node *new_map(struct search *s, const struct ifx_node *like)
{
	struct ifx_node *map = ifx_arena_alloc(s->arena, sizeof(*map));

	if (!map)
		return NULL;
	map->kind = IFX_MAP;
	map->style = like->style;
	map->span = like->span;
	map->doc = like->doc;
	map->entry = like->entry;
	return map;
}

static bool add_entry(struct search *s, struct ifx_node *map, const struct ifx_entry *like)
{
	struct ifx_entry *e = ifx_arena_alloc(s->arena, sizeof(*e));

	if (!e)
		return false;
	*e = *like;
	e->in = map;
	e->prev = map->last;
	e->next = NULL;
	e->index = map->n++;
	if (map->last)
		map->last->next = e;
	else
		map->first = e;
	map->last = e;
	return true;
}

/* `key: value` around a map. NULL: no memory. */
static struct ifx_node *wrap(struct search *s, ifx_str key, struct ifx_node *value)
{
	struct ifx_node *map = new_map(s, value), *name = ifx_arena_alloc(s->arena, sizeof(*name));
	struct ifx_entry e = { .key = name, .value = value, .start = value->span.at };

	if (!map || !name)
		return NULL;
	*name = (struct ifx_node){ .span = { value->span.at, 0 }, .text = key, .doc = value->doc };
	return add_entry(s, map, &e) ? map : NULL;
}

static bool add_resource(struct search *s, ifx_str noun, struct ifx_node *map)
{
	struct ifx_resource *r = ifx_arena_alloc(s->arena, sizeof(*r));
	struct ifx_node *metadata = wrap(s, noun, map), *root;

	root = metadata ? wrap(s, IFX_LIT("metadata"), metadata) : NULL;
	if (!r || !root)
		return false;
	*r = (struct ifx_resource){ .doc = s->doc,
				    .node = root,
				    .group = IFX_LIT(""),
				    .version = IFX_LIT("v1"),
				    .kind = IFX_LIT("Pod"),
				    .metadata = metadata };
	*s->link = r;
	s->link = &r->next;
	return true;
}

static bool take_map(struct search *s, ifx_str noun, const struct ifx_node *from)
{
	struct ifx_node *map = new_map(s, from);

	if (!map)
		return false;
	for (const struct ifx_entry *e = from->first; e; e = e->next)
		if (ifx_template_is_istio(e) && e->value && !add_entry(s, map, e))
			return false;
	return !map->first || add_resource(s, noun, map);
}

static bool search(struct search *s, const struct ifx_node *node)
{
	if (!ifx_is(node, IFX_MAP) && !ifx_is(node, IFX_SEQ))
		return true;
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		ifx_str noun = noun_of(e);

		if (noun.ptr && ifx_is(e->value, IFX_MAP) && !take_map(s, noun, e->value))
			return false;
		if (!search(s, e->value))
			return false;
	}
	return true;
}

bool ifx_values_roots(struct ifx_resource **first, const struct ifx_doc *doc,
		      struct ifx_arena *arena)
{
	struct search s = { .doc = doc, .arena = arena, .link = first };

	*first = NULL;
	return search(&s, doc->root);
}
