#include "yaml/path.h"

static bool find(struct ifx_hit ***link, const struct ifx_node *from, ifx_str path, bool direct,
		 struct ifx_arena *arena)
{
	const struct ifx_entry *entry;
	const struct ifx_node *value;
	struct ifx_hit *hit;
	ifx_str step, rest = path;
	bool here = true, each;

	if (ifx_is(from, IFX_ALIAS))
		direct = false;
	from = ifx_deref(from);
	if (!ifx_is(from, IFX_MAP) && !(from && ifx_is_null(from)))
		return true;
	ifx_str_split(&rest, '.', &step);
	each = ifx_str_ends(step, IFX_LIT("[]"));
	if (each)
		step.len -= 2;
	entry = ifx_map_find(from, step, &here);
	direct = direct && here;
	value = entry ? ifx_deref(entry->value) : NULL;
	if (entry && value != entry->value)
		direct = false;
	if (each) {
		if (!ifx_is(value, IFX_SEQ))
			return true;
		for (const struct ifx_entry *e = value->first; e; e = e->next)
			if (!find(link, e->value, rest, direct, arena))
				return false;
		return true;
	}
	if (rest.ptr)
		return !value || find(link, value, rest, direct, arena);
	hit = ifx_arena_alloc(arena, sizeof(*hit));
	if (!hit)
		return false;
	*hit = (struct ifx_hit){
		.node = value, .parent = from, .entry = entry, .key = step, .direct = direct
	};
	**link = hit;
	*link = &hit->next;
	return true;
}

bool ifx_path_find(struct ifx_hit **first, const struct ifx_node *from, const char *path,
		   struct ifx_arena *arena)
{
	struct ifx_hit **link = first;

	*first = NULL;
	return find(&link, from, ifx_str_of(path), true, arena);
}
