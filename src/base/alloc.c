#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>

static unsigned long fail_at;
static int failed;

void ifx_alloc_fail_at(unsigned long nth)
{
	fail_at = nth;
	failed = 0;
}

int ifx_alloc_failed(void)
{
	return failed;
}

static int must_fail(void)
{
	if (!fail_at || --fail_at)
		return 0;
	failed = 1;
	return 1;
}

void *ifx_calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : calloc(n ? n : 1, size ? size : 1);
}

void *ifx_realloc(void *ptr, size_t size)
{
	return must_fail() ? NULL : realloc(ptr, size ? size : 1);
}

void ifx_free(void *ptr)
{
	free(ptr);
}

void *ifx_grow(void *ptr, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap ? *cap : 8;
	void *bigger;

	if (need <= *cap)
		return ptr;
	while (n < need) {
		if (n > SIZE_MAX / 2)
			return NULL;
		n *= 2;
	}
	if (n > SIZE_MAX / size)
		return NULL;
	bigger = ifx_realloc(ptr, n * size);
	if (bigger)
		*cap = n;
	return bigger;
}
