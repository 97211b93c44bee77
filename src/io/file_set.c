#include "io/file_set.h"

#include <stdint.h>

#include "base/alloc.h"

/* Open addressing; cap is a power of two, and at most half of the slots are taken. */
static struct ifx_file_slot *slot_of(const struct ifx_file_set *set, dev_t dev, ino_t ino)
{
	uint64_t hash = ((uint64_t)ino ^ ((uint64_t)dev << 32)) * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(hash >> 32) & (set->cap - 1);

	while (set->slots[i].number && (set->slots[i].dev != dev || set->slots[i].ino != ino))
		i = (i + 1) & (set->cap - 1);
	return &set->slots[i];
}

static ifx_status make_room(struct ifx_file_set *set)
{
	struct ifx_file_set bigger = { .n = set->n, .cap = set->cap ? set->cap * 2 : 64 };

	if (set->n < set->cap / 2)
		return IFX_OK;
	bigger.slots = ifx_calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return IFX_ENOMEM;
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i].number)
			*slot_of(&bigger, set->slots[i].dev, set->slots[i].ino) = set->slots[i];
	ifx_free(set->slots);
	*set = bigger;
	return IFX_OK;
}

size_t ifx_file_set_find(const struct ifx_file_set *set, dev_t dev, ino_t ino)
{
	return set->cap ? slot_of(set, dev, ino)->number : 0;
}

ifx_status ifx_file_set_add(struct ifx_file_set *set, dev_t dev, ino_t ino, size_t number)
{
	if (make_room(set) != IFX_OK)
		return IFX_ENOMEM;
	*slot_of(set, dev, ino) = (struct ifx_file_slot){ dev, ino, number };
	set->n++;
	return IFX_OK;
}

void ifx_file_set_release(struct ifx_file_set *set)
{
	ifx_free(set->slots);
	*set = (struct ifx_file_set){ 0 };
}
