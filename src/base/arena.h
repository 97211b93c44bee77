/*
 * Many allocations, one lifetime. Everything a document owns lives in its arena
 * and ends with it. Memory comes zeroed and is aligned for any object.
 *
 * Built with ISTIO_FIX_DEBUG_ARENA every allocation is a malloc of its own, so that
 * AddressSanitizer sees each overrun.
 */
#ifndef IFX_BASE_ARENA_H
#define IFX_BASE_ARENA_H

#include "base/str.h"

struct ifx_arena_block;

struct ifx_arena {
	struct ifx_arena_block *blocks;
	char *free; /* next free byte of the newest block */
	size_t left;
	size_t used, max; /* bytes handed out, and the ceiling */
};

/** max: ceiling in bytes. */
void ifx_arena_init(struct ifx_arena *arena, size_t max);
void ifx_arena_release(struct ifx_arena *arena);

/** Zeroed memory, or NULL at the ceiling or when the system has none. */
void *ifx_arena_alloc(struct ifx_arena *arena, size_t size);
/** A copy that ends in NUL (not counted in len). On failure ptr is NULL. */
ifx_str ifx_arena_copy(struct ifx_arena *arena, ifx_str text);
/** Formatted copy. On failure ptr is NULL. */
ifx_str ifx_arena_printf(struct ifx_arena *arena, const char *fmt, ...) IFX_PRINTF(2, 3);

#endif
