#include "ambient/wish.h"

#include "yaml/scalar.h"
#include "yaml/style.h"

const struct ifx_entry *ifx_list_items(const struct ifx_node *list)
{
	list = ifx_deref(list);
	return ifx_is(list, IFX_SEQ) ? list->first : NULL;
}

static ifx_str name_of(const struct ifx_object *o)
{
	return o->r->name.ptr ? o->r->name : IFX_LIT("?");
}

/* `key: value` into the map at `keys` below `base`, which may be missing. */
static void insert(struct ifx_passage *m, const struct ifx_object *o, struct ifx_place place,
		   const char *key, ifx_str value, ifx_str what)
{
	struct ifx_op op = { .verb = IFX_OP_INSERT,
			     .key = ifx_str_of(key),
			     .value = value,
			     .to = &place,
			     .n_to = 1 };

	ifx_passage_want(m,
			 (struct ifx_wish){ .verb = IFX_WISH_OP, .o = o, .op = op, .what = what });
}

static void wish_metadata(struct ifx_passage *m, const struct ifx_object *o, const char *map,
			  const char *key, ifx_str value)
{
	const ifx_str path[] = { IFX_LIT("metadata"), ifx_str_of(map) };
	const struct ifx_node *node = ifx_get(o->r->metadata, path[1]);
	const struct ifx_entry *e = ifx_map_find(node, ifx_str_of(key), NULL);

	if (e && ifx_str_eq(ifx_text(ifx_deref(e->value)), value))
		return;
	if (e) {
		ifx_passage_hold(m, "edit", o, e->value, "%s is '%.*s' here, and has to be '%.*s'",
				 key, IFX_ARG(ifx_text(e->value)), IFX_ARG(value));
		return;
	}
	insert(m, o, ifx_place_of(o->r->node, path, 2), key, value,
	       IFX_SAY(m, "set %s of %.*s %.*s to %.*s", key, IFX_ARG(ifx_object_kind_name(o)),
		       IFX_ARG(name_of(o)), IFX_ARG(value)));
}

void ifx_wish_label(struct ifx_passage *m, const struct ifx_object *o, const char *key,
		    ifx_str value)
{
	wish_metadata(m, o, "labels", key, value);
}

void ifx_wish_annotation(struct ifx_passage *m, const struct ifx_object *o, const char *key,
			 ifx_str value)
{
	wish_metadata(m, o, "annotations", key, value);
}

static void wish_pods(struct ifx_passage *m, const struct ifx_pods *pods, const char *map,
		      const char *key, ifx_str value, bool there)
{
	const struct ifx_hit *hit = pods->metadata;
	const ifx_str path[] = { hit->key, ifx_str_of(map) };
	struct ifx_place place;

	if (there)
		return;
	if (!hit->direct) {
		ifx_passage_hold(m, "edit", pods->object, hit->node,
				 "its pod template is an alias; write it out first");
		return;
	}
	place = hit->node ? ifx_place_of(hit->node, path + 1, 1)
			  : ifx_place_of(hit->parent, path, 2);
	insert(m, pods->object, place, key, value,
	       IFX_SAY(m, "set %s of the pods of %.*s %.*s to %.*s", key,
		       IFX_ARG(ifx_object_kind_name(pods->object)), IFX_ARG(name_of(pods->object)),
		       IFX_ARG(value)));
}

void ifx_wish_pod_label(struct ifx_passage *m, const struct ifx_pods *pods, const char *key,
			ifx_str value)
{
	wish_pods(m, pods, "labels", key, value,
		  ifx_pair_value(pods->labels, ifx_str_of(key)).ptr != NULL);
}

void ifx_wish_pod_annotation(struct ifx_passage *m, const struct ifx_pods *pods, const char *key,
			     ifx_str value)
{
	wish_pods(m, pods, "annotations", key, value,
		  ifx_pair_value(pods->annotations, ifx_str_of(key)).ptr != NULL);
}

void ifx_wish_removal(struct ifx_passage *m, const struct ifx_object *o,
		      const struct ifx_entry *entry, ifx_str what)
{
	struct ifx_op op = { .verb = IFX_OP_REMOVE, .entry = entry, .keep = true };

	ifx_passage_want(m, (struct ifx_wish){ .verb = IFX_WISH_OP,
					       .o = o,
					       .op = op,
					       .what = what,
					       .at = entry->key ? entry->key : entry->value });
}

void ifx_wish_drop(struct ifx_passage *m, const struct ifx_object *o)
{
	if (o->r->node->doc->root != o->r->node) {
		ifx_passage_hold(m, "edit", o, NULL,
				 "it is an item of a List; write it as a document of its own");
		return;
	}
	ifx_passage_want(m, (struct ifx_wish){ .verb = IFX_WISH_DROP,
					       .o = o,
					       .what = IFX_SAY(m, "remove %.*s %.*s",
							       IFX_ARG(ifx_object_kind_name(o)),
							       IFX_ARG(name_of(o))) });
}

void ifx_wish_value(struct ifx_passage *m, const struct ifx_object *o, const struct ifx_node *node,
		    ifx_str value, ifx_str what)
{
	struct ifx_op op = { .verb = IFX_OP_SET, .node = node, .value = value };

	ifx_passage_want(m,
			 (struct ifx_wish){
				 .verb = IFX_WISH_OP, .o = o, .op = op, .what = what, .at = node });
}

void ifx_wish_item(struct ifx_passage *m, const struct ifx_object *o, const struct ifx_node *list,
		   ifx_str yaml, ifx_str what)
{
	struct ifx_op op = { .verb = IFX_OP_APPEND, .node = list, .value = yaml, .yaml = true };

	if (!yaml.ptr)
		m->failed = true;
	ifx_passage_want(m,
			 (struct ifx_wish){
				 .verb = IFX_WISH_OP, .o = o, .op = op, .what = what, .at = list });
}

bool ifx_name_is_free(struct ifx_passage *m, ifx_object_kind kind, ifx_str name)
{
	const struct ifx_object *o = name.ptr ? ifx_object_named(m->ns, kind, name) : NULL;

	if (o)
		ifx_passage_hold(m, "edit", o, NULL,
				 "a new %.*s needs its name and has to say something else",
				 IFX_ARG(ifx_object_kind_name(o)));
	return !o && name.ptr;
}

void ifx_wish_document(struct ifx_passage *m, const struct ifx_object *beside, ifx_str file,
		       ifx_str text, ifx_str what)
{
	bool alone = beside->source->documents == 1 || beside->r->node->doc->json;

	if (!text.ptr || !file.ptr)
		return;
	ifx_passage_want(m, (struct ifx_wish){ .verb = alone ? IFX_WISH_FILE : IFX_WISH_END,
					       .o = beside,
					       .text = text,
					       .name = alone ? file : IFX_LIT(""),
					       .what = what });
}

ifx_str ifx_item_text(struct ifx_passage *m, const struct ifx_node *near, ifx_str text)
{
	ifx_style style = ifx_style_quote_of(near->doc);
	struct ifx_buf out;
	ifx_str copy;

	if (ifx_is(near, IFX_SEQ) && near->last && ifx_is(near->last->value, IFX_SCALAR))
		style = near->last->value->style;
	if (style == IFX_PLAIN && !ifx_plain_ok(text, true))
		style = ifx_style_quote_of(near->doc);
	ifx_buf_init(&out, 1 << 16);
	ifx_scalar_quote(&out, text, ifx_style_for(text, style, true));
	copy = out.bad ? IFX_NONE : ifx_arena_copy(&m->changes->arena, ifx_buf_str(&out));
	ifx_buf_release(&out);
	m->failed |= !copy.ptr;
	return copy;
}
