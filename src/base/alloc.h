/*
 * The one door to the heap. Tests count and fail allocations here, so nothing in
 * the library may call malloc and friends directly.
 */
#ifndef IFX_BASE_ALLOC_H
#define IFX_BASE_ALLOC_H

#include <stddef.h>

/** Zeroed memory, or NULL. */
void *ifx_calloc(size_t n, size_t size);
/** As realloc; NULL leaves `ptr` valid. */
void *ifx_realloc(void *ptr, size_t size);
void ifx_free(void *ptr);

/**
 * Grow an array `ptr` of elements of `size` bytes so that it holds `need`;
 * `*cap` counts elements. NULL on failure; the old array stays valid.
 */
void *ifx_grow(void *ptr, size_t *cap, size_t need, size_t size);

/**
 * Test hook: the `nth` allocation from now on fails (1 is the next one), once.
 * 0 switches it off. Not thread safe; never called by the library.
 */
void ifx_alloc_fail_at(unsigned long nth);
/** Test hook: has the planned failure happened? */
int ifx_alloc_failed(void);

#endif
