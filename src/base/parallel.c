#include "base/parallel.h"

#include "base/alloc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

/** Slots per thread: one is worked on, the others wait to be taken. */
enum { SLOTS_PER_THREAD = 4 };

struct slot {
	bool ready;
	bool used;
	void *result;
};

struct pool {
	const struct ifx_parallel *p;
	pthread_mutex_t lock;
	pthread_cond_t ready, room;
	struct slot *slots;
	char *results;
	size_t n_slots;
	size_t next, taken; /* items [taken, next) are worked on or ready */
	bool stop;
};

static struct slot *slot_of(const struct pool *pool, size_t item)
{
	return &pool->slots[item % pool->n_slots];
}

static void *worker(void *data)
{
	struct pool *pool = data;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stop && pool->next < pool->p->n) {
		struct slot *slot;
		size_t item;

		if (pool->next - pool->taken == pool->n_slots) {
			pthread_cond_wait(&pool->room, &pool->lock);
			continue;
		}
		item = pool->next++;
		slot = slot_of(pool, item);
		slot->used = true;
		pthread_mutex_unlock(&pool->lock);
		pool->p->work(pool->p->data, item, slot->result);
		pthread_mutex_lock(&pool->lock);
		slot->ready = true;
		if (item == pool->taken)
			pthread_cond_signal(&pool->ready);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void take_all(struct pool *pool)
{
	const struct ifx_parallel *p = pool->p;
	bool more = true;

	pthread_mutex_lock(&pool->lock);
	for (size_t item = 0; item < p->n && more; item++) {
		struct slot *slot = slot_of(pool, item);

		while (!slot->ready)
			pthread_cond_wait(&pool->ready, &pool->lock);
		pthread_mutex_unlock(&pool->lock);
		more = p->take(p->data, item, slot->result);
		pthread_mutex_lock(&pool->lock);
		slot->ready = false;
		pool->taken++;
		pthread_cond_broadcast(&pool->room);
	}
	pool->stop = true;
	pthread_cond_broadcast(&pool->room);
	pthread_mutex_unlock(&pool->lock);
}

/* Signals are for the caller's thread. Returns how many run. */
static unsigned start(struct pool *pool, pthread_t *threads)
{
	sigset_t all, before;
	unsigned n = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (n < pool->p->threads && !pthread_create(&threads[n], NULL, worker, pool))
		n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return n;
}

static void one_after_the_other(struct pool *pool)
{
	const struct ifx_parallel *p = pool->p;
	struct slot *slot = pool->slots;
	bool more = true;

	for (size_t item = 0; item < p->n && more; item++) {
		slot->used = true;
		p->work(p->data, item, slot->result);
		more = p->take(p->data, item, slot->result);
	}
}

static void many_at_once(struct pool *pool)
{
	pthread_t threads[IFX_THREADS_MAX];
	unsigned n;

	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->ready, NULL);
	pthread_cond_init(&pool->room, NULL);
	n = start(pool, threads);
	if (n)
		take_all(pool);
	else
		one_after_the_other(pool);
	while (n)
		pthread_join(threads[--n], NULL);
	pthread_cond_destroy(&pool->room);
	pthread_cond_destroy(&pool->ready);
	pthread_mutex_destroy(&pool->lock);
}

ifx_status ifx_parallel_run(const struct ifx_parallel *p)
{
	struct ifx_parallel copy = *p;
	struct pool pool = { .p = &copy };

	if (copy.threads > IFX_THREADS_MAX)
		copy.threads = IFX_THREADS_MAX;
	if (copy.threads > copy.n)
		copy.threads = (unsigned)copy.n;
	pool.n_slots = copy.threads > 1 ? (size_t)copy.threads * SLOTS_PER_THREAD : 1;
	pool.slots = ifx_calloc(pool.n_slots, sizeof(*pool.slots));
	pool.results = ifx_calloc(pool.n_slots, copy.slot_size);
	for (size_t i = 0; pool.slots && i < pool.n_slots; i++)
		pool.slots[i].result = pool.results + i * copy.slot_size;
	if (pool.slots && pool.results && copy.threads > 1)
		many_at_once(&pool);
	else if (pool.slots && pool.results)
		one_after_the_other(&pool);
	for (size_t i = 0; pool.slots && pool.results && i < pool.n_slots; i++)
		if (pool.slots[i].used)
			copy.release(copy.data, pool.slots[i].result);
	ifx_free(pool.slots);
	ifx_free(pool.results);
	return pool.slots && pool.results ? IFX_OK : IFX_ENOMEM;
}

unsigned ifx_processors(void)
{
	cpu_set_t set;
	int n = 1;

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > IFX_THREADS_MAX ? IFX_THREADS_MAX : (unsigned)n;
}
