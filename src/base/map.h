/* Texts to pointers: a hash table with chains. Order of insertion is kept. */
#ifndef IFX_BASE_MAP_H
#define IFX_BASE_MAP_H

#include "base/arena.h"

struct ifx_map_item {
	ifx_str key;
	void *value;
	struct ifx_map_item *next;  /* in order of insertion */
	struct ifx_map_item *chain; /* of the same slot */
};

struct ifx_map {
	struct ifx_map_item *first, *last;
	struct ifx_map_item **slots;
	size_t n, n_slots; /* n_slots: a power of two, or 0 */
};

/** All zero is an empty map. The items live in the arena that put is given. */
void ifx_map_release(struct ifx_map *map);
/** NULL: there is none. */
struct ifx_map_item *ifx_map_at(const struct ifx_map *map, ifx_str key);
/** An item for a key that the map does not have; the key is copied. NULL: no memory. */
struct ifx_map_item *ifx_map_put(struct ifx_map *map, struct ifx_arena *arena, ifx_str key,
				 void *value);

#endif
