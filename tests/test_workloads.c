/*
 * Every kind with pod templates that the catalogue knows: an annotation on each of its inert
 * metadata moves into each of its templates, and where a pod's own metadata counts nothing moves.
 */
#include "istio_fix.h"

#include "base/arena.h"
#include "base/buf.h"
#include "rule/facts.h"
#include "yaml/load.h"
#include "yaml/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char KEY[] = "sidecar.istio.io/inject";

static int swallow(void *data, const char *bytes, size_t len)
{
	(void)data;
	(void)bytes;
	(void)len;
	return 0;
}

/* A tree of keys, so that paths with a common start share it. */
struct key {
	char name[64];
	int list, annotated;
	struct key *children[8];
	size_t n;
};

static struct key keys[256];
static size_t n_keys;

static struct key *child(struct key *in, const char *name, size_t len, int list)
{
	struct key *k;

	for (size_t i = 0; i < in->n; i++)
		if (strlen(in->children[i]->name) == len &&
		    !memcmp(in->children[i]->name, name, len))
			return in->children[i];
	k = &keys[n_keys++];
	*k = (struct key){ .list = list };
	memcpy(k->name, name, len);
	in->children[in->n++] = k;
	return k;
}

static void add_path(struct key *root, const char *path, int annotated)
{
	while (*path) {
		size_t len = strcspn(path, ".");
		int list = len > 2 && !memcmp(path + len - 2, "[]", 2);

		root = child(root, path, len - (list ? 2 : 0), list);
		path += len + (path[len] == '.');
	}
	root->annotated |= annotated;
}

static void print_keys(struct ifx_buf *out, const struct key *k, size_t indent)
{
	if (k->annotated) {
		ifx_buf_fill(out, ' ', indent);
		ifx_buf_addf(out, "annotations:\n");
		ifx_buf_fill(out, ' ', indent);
		ifx_buf_addf(out, "  # of %s\n", k->name);
		ifx_buf_fill(out, ' ', indent);
		ifx_buf_addf(out, "  %s: \"false\"\n", KEY);
	}
	for (size_t i = 0; i < k->n; i++) {
		const struct key *c = k->children[i];

		ifx_buf_fill(out, ' ', indent);
		ifx_buf_addf(out, "%s:\n", c->name);
		if (c->list) {
			ifx_buf_fill(out, ' ', indent);
			ifx_buf_addf(out, "- name: first\n");
		} else if (!c->annotated) {
			ifx_buf_fill(out, ' ', indent);
			ifx_buf_addf(out, "  x: y\n");
		}
		print_keys(out, c, indent + 2);
	}
}

/* How many of the places of `path` have the annotation, and how many places there are. */
static size_t count(const struct ifx_doc *doc, const char *path, struct ifx_arena *arena,
		    size_t *places)
{
	struct ifx_hit *hit;
	size_t n = 0;

	assert_true(ifx_path_find(&hit, doc->root, path, arena));
	for (; hit; hit = hit->next) {
		++*places;
		n += ifx_get(ifx_get(hit->node, IFX_LIT("annotations")), ifx_str_of(KEY)) != NULL;
	}
	return n;
}

/* Argo's podMetadata serves all pods; the templates' own metadata is left alone. */
static bool is_target(const struct ifx_workload_fact *w, size_t i)
{
	return !strstr(w->paths[0], "podMetadata") || i == 0;
}

static void annotation_moves(void **state)
{
	const struct ifx_workload_fact *w = *state;
	const struct ifx_sink sink = { swallow, swallow, NULL };
	struct ifx_config *config = ifx_config_new();
	struct ifx_problem problem = { 0 };
	struct ifx_buf text;
	struct ifx_doc *doc;
	struct ifx_arena arena;
	char *after;
	size_t len;

	n_keys = 1;
	keys[0] = (struct key){ 0 };
	for (size_t i = 0; w->paths[i]; i++)
		add_path(&keys[0], w->paths[i], 0);
	for (size_t i = 0; w->inert[i]; i++)
		add_path(&keys[0], w->inert[i], 1);
	if (!w->inert[0])
		add_path(&keys[0], "metadata", 1);
	ifx_buf_init(&text, 1 << 20);
	ifx_buf_init(&problem.text, 4096);
	ifx_arena_init(&arena, 1 << 20);
	ifx_buf_addf(&text, "apiVersion: %s%sv1\nkind: %s\n", w->group, *w->group ? "/" : "",
		     w->kind);
	print_keys(&text, &keys[0], 0);
	assert_int_equal(ifx_config_set(config, "select", "misplaced-annotation", NULL, 0), 0);
	assert_int_equal(ifx_fix_text(config, w->kind, text.data, text.len, &after, &len, &sink),
			 IFX_EXIT_OK);
	if (!w->inert[0]) {
		assert_null(after);
	} else {
		assert_non_null(after);
		assert_int_equal(ifx_doc_load(&doc, (ifx_str){ after, len }, &problem), IFX_OK);
		for (size_t i = 0; w->inert[i]; i++) {
			size_t places = 0;

			assert_int_equal(count(doc, w->inert[i], &arena, &places), 0);
		}
		for (size_t i = 0; w->paths[i]; i++) {
			size_t places = 0, n = count(doc, w->paths[i], &arena, &places);

			assert_true(places > 0);
			assert_int_equal(n, is_target(w, i) ? places : 0);
		}
		ifx_doc_free(doc);
	}
	ifx_free_text(after);
	ifx_buf_release(&text);
	ifx_buf_release(&problem.text);
	ifx_arena_release(&arena);
	ifx_config_free(config);
}

int main(void)
{
	static struct CMUnitTest tests[128];
	static char names[128][96];
	size_t n;
	const struct ifx_workload_fact *w = ifx_fact_workloads(&n);

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "annotation_moves %s/%s", w[i].group,
			 w[i].kind);
		tests[i] = (struct CMUnitTest){ .name = names[i],
						.test_func = annotation_moves,
						.initial_state = (void *)(uintptr_t)&w[i] };
	}
	return _cmocka_run_group_tests("workloads", tests, n, NULL, NULL);
}
