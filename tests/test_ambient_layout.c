/* The layout of the call graph: nothing overlaps, and large graphs take little time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ambient/layout.h"
#include "base/alloc.h"

#include <stdlib.h>
#include <time.h>

/* ---- helpers ---- */

static struct ifx_layout_box box_of(const struct ifx_layout_node *n)
{
	return (struct ifx_layout_box){ n->x, n->y, IFX_NODE_WIDTH, IFX_NODE_HEIGHT };
}

static bool overlap(struct ifx_layout_box a, struct ifx_layout_box b)
{
	return a.width && b.width && a.x < b.x + b.width && b.x < a.x + a.width &&
	       a.y < b.y + b.height && b.y < a.y + a.height;
}

static bool holds(struct ifx_layout_box outer, struct ifx_layout_box inner)
{
	return outer.x <= inner.x && outer.y <= inner.y &&
	       inner.x + inner.width <= outer.x + outer.width &&
	       inner.y + inner.height <= outer.y + outer.height;
}

static void check_node(const struct ifx_layout *l, size_t i)
{
	const struct ifx_layout_node *n = &l->nodes[i];
	struct ifx_layout_box box = box_of(n), all = { 0, 0, l->width, l->height };

	assert_true(holds(all, box));
	assert_true(holds(n->loose ? l->below : l->layers[n->layer], box));
	for (size_t k = 0; k < i; k++)
		assert_false(overlap(box, box_of(&l->nodes[k])));
	for (size_t k = 0; k < l->n_groups; k++)
		assert_true(n->group == k + 1 ? holds(l->groups[k], box)
					      : !overlap(l->groups[k], box));
}

/* A later band is to the right of an earlier one, or in a lower row. */
static void check_bands(struct ifx_layout_box a, struct ifx_layout_box b)
{
	if (a.width && b.width)
		assert_true(a.y == b.y ? a.x + a.width < b.x : a.y + a.height < b.y);
}

static void check(const struct ifx_layout *l)
{
	for (size_t i = 0; i < l->n_nodes; i++)
		check_node(l, i);
	for (size_t i = 0; i < l->n_groups; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(overlap(l->groups[i], l->groups[k]));
	for (size_t i = 1; i < l->n_layers; i++)
		for (size_t k = 0; k < i; k++)
			check_bands(l->layers[k], l->layers[i]);
}

static uint64_t seed;

static size_t below(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

/* Namespaces of a mesh: every fourth without calls, each fifth layer with two groups. */
static void make(struct ifx_layout *l, size_t n)
{
	struct ifx_layout_node *nodes = ifx_calloc(n, sizeof(*nodes));
	struct ifx_layout_edge *edges = ifx_calloc(3 * n, sizeof(*edges));

	*l = (struct ifx_layout){ .nodes = nodes,
				  .n_nodes = n,
				  .edges = edges,
				  .n_edges = 3 * n,
				  .n_layers = 1 + below(6),
				  .n_groups = n > 8 ? 2 : 0 };
	for (size_t i = 0; i < n; i++)
		nodes[i].layer = below(l->n_layers);
	for (size_t i = 0; l->n_groups && i < 8; i++) {
		nodes[i].group = 1 + i % 2;
		nodes[i].layer = 0;
	}
	/* One that is higher than a column. */
	for (size_t i = 8; l->n_groups && i < n / 2; i++)
		if (!nodes[i].layer && n % 3 == 0)
			nodes[i].group = 2;
	for (size_t i = 0; i < 3 * n; i++)
		edges[i] = (struct ifx_layout_edge){ below(n - n / 4), below(n - n / 4) };
}

static void unmake(struct ifx_layout *l)
{
	ifx_layout_release(l);
	ifx_free(l->nodes);
	ifx_free((void *)l->edges);
}

/* ---- tests ---- */

static void nothing_overlaps(void **state)
{
	(void)state;
	for (size_t i = 0; i < 300; i++) {
		struct ifx_layout l;

		seed = i;
		make(&l, 1 + below(i < 290 ? 60 : 600));
		assert_int_equal(ifx_layout_make(&l), IFX_OK);
		check(&l);
		unmake(&l);
	}
}

static void an_empty_graph_has_a_layout(void **state)
{
	struct ifx_layout l = { 0 };

	(void)state;
	assert_int_equal(ifx_layout_make(&l), IFX_OK);
	assert_int_equal(l.below.width, 0);
	ifx_layout_release(&l);
}

static void the_same_graph_has_the_same_layout(void **state)
{
	struct ifx_layout a, b;

	(void)state;
	seed = 7;
	make(&a, 200);
	seed = 7;
	make(&b, 200);
	assert_int_equal(ifx_layout_make(&a), IFX_OK);
	assert_int_equal(ifx_layout_make(&b), IFX_OK);
	assert_memory_equal(a.nodes, b.nodes, 200 * sizeof(*a.nodes));
	unmake(&a);
	unmake(&b);
}

/* Two callers and two callees that stand crosswise are put side by side. */
static void calls_do_not_cross_without_need(void **state)
{
	struct ifx_layout_node nodes[6] = { { .layer = 0 }, { .layer = 0 }, { .layer = 0 },
					    { .layer = 1 }, { .layer = 1 }, { .layer = 1 } };
	const struct ifx_layout_edge edges[] = { { 0, 5 }, { 1, 4 }, { 2, 3 } };
	struct ifx_layout l = {
		.nodes = nodes, .n_nodes = 6, .edges = edges, .n_edges = 3, .n_layers = 2
	};

	(void)state;
	assert_int_equal(ifx_layout_make(&l), IFX_OK);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(nodes[edges[i].from].y, nodes[edges[i].to].y);
	ifx_layout_release(&l);
}

/* A long chain is no ladder: it goes on in the next row. */
static void many_layers_take_several_rows(void **state)
{
	enum { N = 120 };
	struct ifx_layout_node nodes[N] = { 0 };
	struct ifx_layout_edge edges[N - 1];
	struct ifx_layout l = {
		.nodes = nodes, .n_nodes = N, .edges = edges, .n_edges = N - 1, .n_layers = N
	};

	(void)state;
	for (size_t i = 0; i < N; i++)
		nodes[i].layer = i;
	for (size_t i = 0; i + 1 < N; i++)
		edges[i] = (struct ifx_layout_edge){ i, i + 1 };
	assert_int_equal(ifx_layout_make(&l), IFX_OK);
	check(&l);
	assert_true(l.width < 3000 && l.height < 3000);
	ifx_layout_release(&l);
}

static double seconds_for(size_t n)
{
	struct ifx_layout l;
	clock_t start;

	seed = n;
	make(&l, n);
	start = clock();
	assert_int_equal(ifx_layout_make(&l), IFX_OK);
	start = clock() - start;
	unmake(&l);
	return (double)start / CLOCKS_PER_SEC;
}

static double best_for(size_t n)
{
	double best = seconds_for(n);

	for (int i = 0; i < 4; i++) {
		double now = seconds_for(n);

		best = now < best ? now : best;
	}
	return best;
}

/* 32 times as many nodes: about 32 times the work, were it quadratic 1,024 times. */
static void time_grows_with_the_graph(void **state)
{
	double small = best_for(2500), large = best_for(80000);

	(void)state;
	assert_true(small < 1);
	assert_true(large < 200 * small + 0.05);
}

static void no_memory_is_told(void **state)
{
	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct ifx_layout l;
		ifx_status st;

		seed = 1;
		make(&l, 30);
		ifx_alloc_fail_at(nth);
		st = ifx_layout_make(&l);
		if (!ifx_alloc_failed()) {
			ifx_alloc_fail_at(0);
			assert_int_equal(st, IFX_OK);
			unmake(&l);
			return;
		}
		assert_int_equal(st, IFX_ENOMEM);
		unmake(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_overlaps),
		cmocka_unit_test(an_empty_graph_has_a_layout),
		cmocka_unit_test(the_same_graph_has_the_same_layout),
		cmocka_unit_test(calls_do_not_cross_without_need),
		cmocka_unit_test(many_layers_take_several_rows),
		cmocka_unit_test(time_grows_with_the_graph),
		cmocka_unit_test(no_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
