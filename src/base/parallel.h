/*
 * Work on numbered items in several threads, with the results taken in order by the caller's
 * thread. What is worked on is never far ahead of what is taken, so memory is bounded.
 */
#ifndef IFX_BASE_PARALLEL_H
#define IFX_BASE_PARALLEL_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/** Threads above this make no sense. */
#define IFX_THREADS_MAX 256

struct ifx_parallel {
	size_t n;         /* items */
	unsigned threads; /* 0 and 1: all in the caller's thread */
	size_t slot_size; /* bytes of a result */
	/* Fill the slot, which is zero at first and later as take left it. In any thread. */
	void (*work)(void *data, size_t item, void *slot);
	/* In order, in the caller's thread. False: no more. */
	bool (*take)(void *data, size_t item, void *slot);
	/* At the end, each slot that was used, taken or not. In the caller's thread. */
	void (*release)(void *data, void *slot);
	void *data;
};

/** IFX_ENOMEM: no item was worked on. Threads that cannot be started are done without. */
IFX_MUST_USE ifx_status ifx_parallel_run(const struct ifx_parallel *p);

/** Processors that this process may use, at least 1. */
unsigned ifx_processors(void);

#endif
