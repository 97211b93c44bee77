#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct ifx_arena_block {
	struct ifx_arena_block *next;
	size_t size;
	alignas(max_align_t) char data[];
};

void ifx_arena_init(struct ifx_arena *arena, size_t max)
{
	*arena = (struct ifx_arena){ .max = max };
}

void ifx_arena_release(struct ifx_arena *arena)
{
	struct ifx_arena_block *b = arena->blocks, *next;

	for (; b; b = next) {
		next = b->next;
		ifx_free(b);
	}
	arena->blocks = NULL;
	arena->left = arena->used = 0;
}

static bool add_block(struct ifx_arena *arena, size_t size)
{
	struct ifx_arena_block *b = ifx_realloc(NULL, sizeof(*b) + size);

	if (!b)
		return false;
	b->size = size;
	b->next = arena->blocks;
	arena->blocks = b;
	arena->free = b->data;
	arena->left = size;
	return true;
}

void *ifx_arena_alloc(struct ifx_arena *arena, size_t size)
{
	size_t need;
	char *p;

	size += !size; /* nothing has an address too: NULL means failure */
	need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (need < size || need > arena->max - arena->used)
		return NULL;
#ifdef ISTIO_FIX_DEBUG_ARENA
	if (!add_block(arena, size))
		return NULL;
	p = arena->free;
	arena->left = 0;
#else
	if (need > arena->left) {
		size_t block = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;

		if (block > LARGEST_BLOCK)
			block = LARGEST_BLOCK;
		if (!add_block(arena, block > need ? block : need))
			return NULL;
	}
	p = arena->free;
	arena->free += need;
	arena->left -= need;
#endif
	arena->used += need;
	/* Here and not with the block: most of a block is never asked for. */
	return memset(p, 0, size);
}

ifx_str ifx_arena_copy(struct ifx_arena *arena, ifx_str text)
{
	char *p = ifx_arena_alloc(arena, text.len + 1);

	if (!p)
		return IFX_NONE;
	if (text.len)
		memcpy(p, text.ptr, text.len);
	return (ifx_str){ p, text.len };
}

ifx_str ifx_arena_printf(struct ifx_arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : ifx_arena_alloc(arena, (size_t)n + 1);
	if (!p)
		return IFX_NONE;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (ifx_str){ p, (size_t)n };
}
