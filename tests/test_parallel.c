/* Results come in order, whatever the threads do, and each slot that was used is released. */
#include "base/parallel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>

struct slot {
	size_t item;
	int made;
};

struct run {
	size_t taken, stop_at, released;
	atomic_size_t worked, ahead; /* the farthest that work was in front of take */
	atomic_size_t behind;
};

static void work(void *data, size_t item, void *slot)
{
	struct run *run = data;
	struct slot *s = slot;
	volatile size_t spin = (item * 7919) % 5000;
	size_t ahead = item - atomic_load(&run->behind);

	while (spin)
		spin--;
	s->item = item;
	s->made = 1;
	run->worked++;
	if (ahead < SIZE_MAX / 2 && ahead > run->ahead)
		run->ahead = ahead;
}

static bool take(void *data, size_t item, void *slot)
{
	struct run *run = data;
	struct slot *s = slot;

	assert_int_equal(item, run->taken);
	assert_int_equal(s->item, item);
	run->taken++;
	run->behind = run->taken;
	return run->taken != run->stop_at;
}

static void release(void *data, void *slot)
{
	struct run *run = data;
	struct slot *s = slot;

	assert_int_equal(s->made, 1);
	s->made = 2;
	run->released++;
}

static struct run go(size_t n, unsigned threads, size_t stop_at)
{
	struct run run = { .stop_at = stop_at };
	struct ifx_parallel p = { n, threads, sizeof(struct slot), work, take, release, &run };

	assert_int_equal(ifx_parallel_run(&p), IFX_OK);
	return run;
}

static void results_come_in_order(void **state)
{
	static const unsigned threads[] = { 0, 1, 2, 3, 8, 100, 10000 };

	(void)state;
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
		struct run run = go(3000, threads[i], 0);

		assert_int_equal(run.taken, 3000);
		assert_int_equal(run.worked, 3000);
		assert_true(run.released >= 1);
		/* Memory does not grow with the items. */
		assert_true(run.ahead <= 4 * (threads[i] < 256 ? threads[i] : 256) + 1);
	}
	assert_int_equal(go(0, 4, 0).taken, 0);
	assert_int_equal(go(1, 4, 0).taken, 1);
}

static void it_stops_when_it_is_told_to(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads < 9; threads++) {
		struct run run = go(3000, threads, 100);

		assert_int_equal(run.taken, 100);
		assert_true(run.worked <= 100 + 4 * threads);
	}
}

static void there_is_a_processor(void **state)
{
	(void)state;
	assert_in_range(ifx_processors(), 1, IFX_THREADS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_come_in_order),
		cmocka_unit_test(it_stops_when_it_is_told_to),
		cmocka_unit_test(there_is_a_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
