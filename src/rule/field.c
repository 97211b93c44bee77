#include "rule/field.h"

/** Bytes of a value that a message shows. */
#define EXCERPT_MAX 60

struct walk {
	ifx_visit *visit;
	void *data;
	bool snake;
	unsigned aliased; /* steps left behind aliases */
};

static void step(struct walk *w, const struct ifx_entry *entry, const struct ifx_node *node,
		 ifx_str path, bool direct);

static void each_item(struct walk *w, const struct ifx_node *list, ifx_str path, bool direct)
{
	if (!ifx_is(list, IFX_SEQ))
		return;
	for (const struct ifx_entry *e = list->first; e; e = e->next)
		step(w, e, e->value, path, direct);
}

static void into(struct walk *w, const struct ifx_node *map, ifx_str name, bool each, ifx_str rest,
		 bool direct)
{
	bool here;
	const struct ifx_entry *e = ifx_map_find(map, name, &here);

	if (!e)
		return;
	direct = direct && here;
	if (!each)
		step(w, e, e->value, rest, direct);
	else
		each_item(w, ifx_deref(e->value), rest, direct && !ifx_is(e->value, IFX_ALIAS));
}

static void step(struct walk *w, const struct ifx_entry *entry, const struct ifx_node *node,
		 ifx_str path, bool direct)
{
	char buf[IFX_SNAKE_MAX];
	ifx_str name, snake;
	bool each;

	direct = direct && !ifx_is(node, IFX_ALIAS);
	node = ifx_deref(node);
	if (!node || (!direct && !w->aliased))
		return;
	w->aliased -= !direct;
	if (!path.ptr || !path.len) {
		w->visit(w->data, entry, node);
		return;
	}
	if (!ifx_is(node, IFX_MAP))
		return;
	ifx_str_split(&path, '.', &name);
	each = ifx_str_ends(name, IFX_LIT("[]"));
	if (each)
		name.len -= 2;
	into(w, node, name, each, path, direct);
	snake = w->snake ? ifx_field_snake(name, buf) : IFX_NONE;
	if (snake.len)
		into(w, node, snake, each, path, direct);
}

void ifx_field_walk(const struct ifx_node *from, ifx_str path, bool snake, ifx_visit *visit,
		    void *data)
{
	struct walk w = { visit, data, snake, IFX_WALK_ALIASED_MAX };

	step(&w, NULL, from, path, true);
}

ifx_str ifx_field_snake(ifx_str name, char out[static IFX_SNAKE_MAX])
{
	size_t n = 0;

	/* Names that begin with a capital, as MINIMUM_DRAIN_DURATION, are keys of somebody's map.
	 */
	if (!name.len || name.ptr[0] < 'a' || name.ptr[0] > 'z')
		return IFX_NONE;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (n + 2 > IFX_SNAKE_MAX)
			return IFX_NONE;
		if (c >= 'A' && c <= 'Z') {
			out[n++] = '_';
			c = (char)(c | 0x20);
		}
		out[n++] = c;
	}
	return n == name.len ? IFX_NONE : (ifx_str){ out, n };
}

ifx_str ifx_excerpt(struct ifx_cx *cx, ifx_str text)
{
	size_t n = EXCERPT_MAX;
	ifx_str out;

	if (text.len <= n)
		return text;
	while (n && ((unsigned char)text.ptr[n] & 0xc0) == 0x80)
		n--;
	out = ifx_arena_printf(ifx_cx_arena(cx), "%.*s...", (int)n, text.ptr);
	if (!out.ptr)
		ifx_cx_failed(cx);
	return out;
}
