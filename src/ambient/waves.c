/* Waves: strongly connected components (Tarjan 1972) of the calls, callers first. Linear. */
#include "ambient/links.h"

#include "base/alloc.h"

struct graph {
	size_t n;
	size_t *first;       /* of a namespace's callees in `callee`; n + 1 of them */
	size_t *callee;      /* numbers of namespaces */
	size_t *index, *low; /* 0: not seen */
	size_t *component;   /* 0: none yet */
	size_t *stack, depth;
	size_t *path, *next; /* the namespaces we are in, and where we are in each */
	size_t count, n_components;
};

static bool is_edge(const struct ifx_env_plan *env, const struct ifx_link *l)
{
	return l->caller && env->namespaces[l->caller->number].migrates &&
	       env->namespaces[l->callee->number].migrates;
}

static bool make_graph(struct graph *g, const struct ifx_env_plan *env)
{
	size_t n = env->environment->n_namespaces, total = env->links.n;
	size_t *numbers = ifx_calloc(9 * (n + 1) + total + 1, sizeof(*numbers));

	if (!numbers)
		return false;
	*g = (struct graph){ .n = n,
			     .first = numbers,
			     .index = numbers + 2 * (n + 1),
			     .low = numbers + 3 * (n + 1),
			     .component = numbers + 4 * (n + 1),
			     .stack = numbers + 5 * (n + 1),
			     .path = numbers + 6 * (n + 1),
			     .next = numbers + 7 * (n + 1),
			     .callee = numbers + 9 * (n + 1) };
	for (size_t i = 0; i < total; i++)
		if (is_edge(env, &env->links.items[i]))
			g->first[env->links.items[i].caller->number + 1]++;
	for (size_t i = 0; i < n; i++) {
		g->first[i + 1] += g->first[i];
		g->next[i] = g->first[i];
	}
	for (size_t i = 0; i < total; i++) {
		const struct ifx_link *l = &env->links.items[i];

		if (is_edge(env, l))
			g->callee[g->next[l->caller->number]++] = l->callee->number;
	}
	for (size_t i = 0; i < n; i++)
		g->next[i] = g->first[i];
	return true;
}

static void enter(struct graph *g, size_t v, size_t *in)
{
	g->index[v] = g->low[v] = ++g->count;
	g->stack[g->depth++] = v;
	g->path[(*in)++] = v;
}

/* All above v on the stack call each other. Components get their numbers callees first. */
static void close_component(struct graph *g, size_t v)
{
	size_t w;

	g->n_components++;
	do {
		w = g->stack[--g->depth];
		g->component[w] = g->n_components;
	} while (w != v);
}

static void visit(struct graph *g, size_t root)
{
	size_t in = 0;

	enter(g, root, &in);
	while (in) {
		size_t v = g->path[in - 1];

		if (g->next[v] < g->first[v + 1]) {
			size_t w = g->callee[g->next[v]++];

			if (!g->index[w])
				enter(g, w, &in);
			else if (!g->component[w] && g->index[w] < g->low[v])
				g->low[v] = g->index[w];
			continue;
		}
		if (g->low[v] == g->index[v])
			close_component(g, v);
		in--;
		if (in && g->low[v] < g->low[g->path[in - 1]])
			g->low[g->path[in - 1]] = g->low[v];
	}
}

/* Members of components in order of their numbers: a counting sort. */
static void sort_by_component(const struct graph *g, size_t *order, size_t *begin)
{
	for (size_t v = 0; v < g->n; v++)
		if (g->component[v])
			begin[g->component[v] + 1]++;
	for (size_t c = 1; c <= g->n_components; c++)
		begin[c + 1] += begin[c];
	for (size_t v = 0; v < g->n; v++)
		if (g->component[v])
			order[begin[g->component[v]]++] = v;
	for (size_t c = g->n_components + 1; c > 0; c--)
		begin[c] = begin[c - 1];
}

static void number_waves(struct graph *g, struct ifx_env_plan *env, size_t *wave, size_t *order,
			 size_t *begin)
{
	sort_by_component(g, order, begin);
	for (size_t c = g->n_components; c > 0; c--) {
		const size_t *members = order + begin[c];
		size_t size = begin[c + 1] - begin[c];

		wave[c] += wave[c] == 0;
		if (wave[c] > env->n_waves)
			env->n_waves = wave[c];
		env->n_cycles += size > 1;
		for (size_t i = 0; i < size; i++) {
			struct ifx_ns_plan *ns = &env->namespaces[members[i]];

			ns->wave = wave[c];
			ns->cycle = size > 1 ? env->n_cycles : 0;
			for (size_t k = g->first[members[i]]; k < g->first[members[i] + 1]; k++) {
				size_t to = g->component[g->callee[k]];

				if (to != c && wave[to] < wave[c] + 1)
					wave[to] = wave[c] + 1;
			}
		}
	}
}

void ifx_waves_find(struct ifx_migration *plan, struct ifx_env_plan *env)
{
	size_t n = env->environment->n_namespaces;
	size_t *numbers = ifx_calloc(3 * (n + 3), sizeof(*numbers));
	struct graph g;

	if (!numbers || !make_graph(&g, env)) {
		ifx_free(numbers);
		plan->failed = true;
		return;
	}
	for (size_t v = 0; v < n; v++)
		if (env->namespaces[v].migrates && !g.index[v])
			visit(&g, v);
	number_waves(&g, env, numbers, numbers + n + 3, numbers + 2 * (n + 3));
	ifx_free(g.first);
	ifx_free(numbers);
}
