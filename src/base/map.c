#include "base/map.h"

#include "base/alloc.h"

/* FNV-1a */
static size_t hash_of(ifx_str text)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.ptr[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static bool grow(struct ifx_map *map)
{
	size_t n = map->n_slots ? map->n_slots * 2 : 64;
	struct ifx_map_item **slots;

	if (map->n < map->n_slots)
		return true;
	slots = ifx_calloc(n, sizeof(*slots));
	if (!slots)
		return false;
	for (struct ifx_map_item *item = map->first; item; item = item->next) {
		size_t i = hash_of(item->key) & (n - 1);

		item->chain = slots[i];
		slots[i] = item;
	}
	ifx_free(map->slots);
	map->slots = slots;
	map->n_slots = n;
	return true;
}

void ifx_map_release(struct ifx_map *map)
{
	ifx_free(map->slots);
	*map = (struct ifx_map){ 0 };
}

struct ifx_map_item *ifx_map_at(const struct ifx_map *map, ifx_str key)
{
	struct ifx_map_item *item =
		map->n_slots ? map->slots[hash_of(key) & (map->n_slots - 1)] : NULL;

	while (item && !ifx_str_eq(item->key, key))
		item = item->chain;
	return item;
}

struct ifx_map_item *ifx_map_put(struct ifx_map *map, struct ifx_arena *arena, ifx_str key,
				 void *value)
{
	struct ifx_map_item *item = ifx_arena_alloc(arena, sizeof(*item)), **slot;

	if (!item || !grow(map))
		return NULL;
	item->key = ifx_arena_copy(arena, key);
	if (!item->key.ptr)
		return NULL;
	item->value = value;
	slot = &map->slots[hash_of(key) & (map->n_slots - 1)];
	item->chain = *slot;
	*slot = item;
	*(map->last ? &map->last->next : &map->first) = item;
	map->last = item;
	map->n++;
	return item;
}
