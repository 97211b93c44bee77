#include "index.h"

#include "base/alloc.h"
#include "pipeline.h"
#include "resources.h"
#include "yaml/path.h"

#include <stdlib.h>

void ifx_index_init(struct ifx_index *index, const struct ifx_inputs *inputs)
{
	*index = (struct ifx_index){ .inputs = inputs };
	ifx_environments_init(&index->environments, inputs);
	ifx_arena_init(&index->arena, (size_t)4 << 30);
}

void ifx_index_release(struct ifx_index *index)
{
	ifx_environments_release(&index->environments);
	ifx_free(index->records);
	ifx_arena_release(&index->arena);
}

static ifx_str keep(struct ifx_index *index, ifx_str text)
{
	ifx_str copy;

	if (!text.ptr)
		return text;
	copy = ifx_arena_copy(&index->arena, text);
	if (!copy.ptr)
		index->failed = true;
	return copy;
}

static void note(struct ifx_index *index, bool ok)
{
	index->failed |= !ok;
}

/* Of the file that is looked at; many questions are asked about one file. */
static ifx_str real_file(struct ifx_index *index)
{
	if (!index->file.ptr)
		return IFX_NONE;
	if (index->real_of.ptr != index->file.ptr) {
		index->real_of = index->file;
		index->real = ifx_environments_real(&index->environments, index->file.ptr);
	}
	return index->real;
}

static bool is_patch(void *data)
{
	struct ifx_index *index = data;

	return ifx_environments_is_patch(&index->environments, real_file(index));
}

/* Memberships of a file; NULL and 0: it is in environment 0. */
static const struct ifx_membership *members_of(struct ifx_index *index, ifx_str real, size_t *n)
{
	size_t first;

	*n = ifx_environments_of(&index->environments, IFX_AS_RESOURCE, real, &first);
	return *n ? &index->environments.members[IFX_AS_RESOURCE].items[first] : NULL;
}

/* ---- records ---- */

static struct ifx_pairs pairs_of(struct ifx_index *index, const struct ifx_node *map)
{
	struct ifx_pair *items;
	size_t n = 0;

	map = ifx_deref(map);
	if (!ifx_is(map, IFX_MAP) || !map->n)
		return (struct ifx_pairs){ 0 };
	items = ifx_arena_alloc(&index->arena, map->n * sizeof(*items));
	if (!items) {
		index->failed = true;
		return (struct ifx_pairs){ 0 };
	}
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		const struct ifx_node *value = ifx_deref(e->value);

		if (ifx_is(e->key, IFX_SCALAR) && ifx_is(value, IFX_SCALAR))
			items[n++] = (struct ifx_pair){ keep(index, ifx_text(e->key)),
							keep(index, ifx_text(value)) };
	}
	return (struct ifx_pairs){ items, n };
}

static void add_pods(struct ifx_index *index, const struct ifx_resource *r, struct ifx_record *rec)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	const struct ifx_pod **link = &rec->pods;

	for (size_t i = 0; w && i < sizeof(w->paths) / sizeof(*w->paths) && w->paths[i]; i++) {
		struct ifx_hit *hit;

		if (!ifx_path_find(&hit, r->node, w->paths[i], &index->arena))
			index->failed = true;
		for (; hit; hit = hit->next) {
			struct ifx_pod *pod = ifx_arena_alloc(&index->arena, sizeof(*pod));

			if (!pod) {
				index->failed = true;
				return;
			}
			pod->labels = pairs_of(index, ifx_get(hit->node, IFX_LIT("labels")));
			pod->annotations =
				pairs_of(index, ifx_get(hit->node, IFX_LIT("annotations")));
			*link = pod;
			link = &pod->next;
		}
	}
}

/* What is passed to the two callbacks below. */
struct seen_file {
	struct ifx_index *index;
	ifx_str path, real;
};

static void see_object(void *data, const struct ifx_resource *r, size_t number)
{
	const struct seen_file *file = data;
	struct ifx_index *index = file->index;
	const struct ifx_node *spec = ifx_get(r->node, IFX_LIT("spec"));
	struct ifx_record rec = { .path = file->path, .document = number };
	size_t n;
	const struct ifx_membership *members = members_of(index, file->real, &n);

	if (!ifx_is_kubernetes(r) || ifx_is_local(r))
		return;
	rec.group = keep(index, r->group);
	rec.version = keep(index, r->version);
	rec.kind = keep(index, r->kind);
	rec.name = keep(index, r->name);
	rec.labels = pairs_of(index, ifx_get(r->metadata, IFX_LIT("labels")));
	rec.annotations = pairs_of(index, ifx_get(r->metadata, IFX_LIT("annotations")));
	if (ifx_str_eq(r->kind, IFX_LIT("Service")) && !r->group.len)
		rec.selector = pairs_of(index, ifx_get(spec, IFX_LIT("selector")));
	if (ifx_str_eq(r->kind, IFX_LIT("Gateway")))
		rec.class = keep(index, ifx_get_text(spec, IFX_LIT("gatewayClassName")));
	add_pods(index, r, &rec);
	for (size_t i = 0; i < (n ? n : 1); i++) {
		struct ifx_record *copy = ifx_arena_alloc(&index->arena, sizeof(*copy)), **list;

		list = ifx_grow(index->records, &index->cap_records, index->n_records + 1,
				sizeof(*list));
		if (!copy || !list) {
			index->failed = true;
			return;
		}
		index->records = list;
		*copy = rec;
		copy->environment = n ? members[i].environment : 0;
		copy->namespace = keep(
			index, ifx_deployed_namespace(r->kind, n ? members[i].namespace : IFX_NONE,
						      r->namespace, index->default_namespace));
		list[index->n_records++] = copy;
	}
}

/* By environment, kind, group and name; what is alike in that keeps some order, always the same. */
static int by_name(const void *a, const void *b)
{
	const struct ifx_record *x = *(const struct ifx_record *const *)a;
	const struct ifx_record *y = *(const struct ifx_record *const *)b;
	int c;

	if (x->environment != y->environment)
		return x->environment < y->environment ? -1 : 1;
	c = ifx_str_cmp(x->kind, y->kind);
	if (!c)
		c = ifx_str_cmp(x->group, y->group);
	if (!c)
		c = ifx_str_cmp(x->name, y->name);
	if (!c)
		c = ifx_str_cmp(x->path, y->path);
	if (!c)
		c = (x->document > y->document) - (x->document < y->document);
	return c ? c : ((uintptr_t)x > (uintptr_t)y) - ((uintptr_t)x < (uintptr_t)y);
}

/* ---- namespaces as they will be ---- */

static const struct ifx_record *named(void *data, size_t environment, ifx_str group, ifx_str kind,
				      ifx_str name, const struct ifx_record *after);

static void see_fixed(void *data, const struct ifx_resource *r, size_t number)
{
	const struct seen_file *file = data;
	struct ifx_index *index = file->index;
	const struct ifx_record *rec;
	size_t n;
	const struct ifx_membership *members = members_of(index, file->real, &n);

	(void)number;
	if (!ifx_str_eq(r->kind, IFX_LIT("Namespace")) || r->group.len || !r->name.len)
		return;
	for (size_t i = 0; i < (n ? n : 1); i++) {
		size_t environment = n ? members[i].environment : 0;

		for (rec = NULL; (rec = named(index, environment, IFX_LIT(""), IFX_LIT("Namespace"),
					      r->name, rec)) != NULL;)
			if (ifx_str_eq(rec->path, file->path))
				((struct ifx_record *)(uintptr_t)rec)->labels =
					pairs_of(index, ifx_get(r->metadata, IFX_LIT("labels")));
	}
}

/*
 * What a run does to a Namespace decides what it does to the pods in it, and a second run must find
 * nothing: pods are judged by the labels that their namespace has after the fixes.
 */
static void fix_namespaces(struct ifx_index *index, struct seen_file *file, ifx_str bytes)
{
	static const char *const needles[] = { "Namespace", NULL };
	struct ifx_input_index questions = ifx_index_questions(index);
	struct ifx_engine engine = *index->engine;
	struct ifx_outcome outcome;
	ifx_str asked = index->file;

	if (ifx_str_find(bytes, IFX_LIT("Namespace")) == SIZE_MAX ||
	    ifx_str_find(bytes, IFX_LIT("istio")) == SIZE_MAX)
		return;
	engine.index = &questions;
	engine.want_edits = false;
	index->file = file->real.ptr ? file->path : IFX_NONE;
	if (ifx_pipeline_run(&outcome, &engine, bytes) != IFX_OK)
		index->failed = true;
	else if (outcome.edits.n)
		note(index,
		     ifx_resources_of_text(ifx_buf_str(&outcome.after), needles, see_fixed, file));
	ifx_outcome_release(&outcome);
	index->file = asked;
}

static void fix_all_namespaces(struct ifx_index *index)
{
	struct ifx_buf bytes, why;
	struct stat st;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	for (size_t i = 0; i < index->inputs->n; i++) {
		struct seen_file file = { index, index->inputs->items[i].path, IFX_NONE };

		ifx_buf_clear(&why);
		if (ifx_file_read(&bytes, file.path.ptr, &st, &why) != IFX_OK)
			continue;
		file.real = ifx_environments_real(&index->environments, file.path.ptr);
		fix_namespaces(index, &file, ifx_buf_str(&bytes));
	}
	if (index->text.ptr) {
		struct seen_file file = { index, IFX_LIT("<stdin>"), IFX_NONE };

		fix_namespaces(index, &file, index->text);
	}
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
}

static void build(struct ifx_index *index)
{
	static const char *const needles[] = { "kind", NULL };

	if (index->built)
		return;
	index->built = true;
	for (size_t i = 0; i < index->inputs->n; i++) {
		struct seen_file file = { index, index->inputs->items[i].path, IFX_NONE };

		file.real = ifx_environments_real(&index->environments, file.path.ptr);
		if (file.real.ptr && !ifx_is_kustomization(file.path))
			note(index,
			     ifx_resources_of_file(file.path.ptr, needles, see_object, &file));
	}
	if (index->text.ptr) {
		struct seen_file file = { index, IFX_LIT("<stdin>"), IFX_NONE };

		note(index, ifx_resources_of_text(index->text, needles, see_object, &file));
	}
	if (index->n_records)
		qsort(index->records, index->n_records, sizeof(*index->records), by_name);
	if (index->engine)
		fix_all_namespaces(index);
}

/* ---- the questions ---- */

static size_t environments(void *data, const size_t **list)
{
	static const size_t alone[] = { 0 };
	struct ifx_index *index = data;
	const struct ifx_membership *members;
	size_t n, *copy;

	build(index);
	*list = alone;
	members = members_of(index, real_file(index), &n);
	if (!n)
		return 1;
	copy = ifx_arena_alloc(&index->arena, n * sizeof(*copy));
	if (!copy) {
		index->failed = true;
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = members[i].environment;
	*list = copy;
	return n;
}

static ifx_str namespace_in(void *data, const struct ifx_resource *r, size_t environment)
{
	struct ifx_index *index = data;
	const struct ifx_membership *members;
	size_t n;

	build(index);
	members = members_of(index, real_file(index), &n);
	for (size_t i = 0; i < n; i++)
		if (members[i].environment == environment)
			return ifx_deployed_namespace(r->kind, members[i].namespace, r->namespace,
						      index->default_namespace);
	return ifx_deployed_namespace(r->kind, IFX_NONE, r->namespace, index->default_namespace);
}

/* The first record behind `after`, or from `key` on. */
static const struct ifx_record *next_record(struct ifx_index *index, const struct ifx_record *key,
					    const struct ifx_record *after)
{
	const struct ifx_record *wanted = after ? after : key;
	size_t lo = 0, hi;

	build(index);
	hi = index->n_records;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct ifx_record *r = index->records[mid];
		int c = by_name(&r, &wanted);

		if (c < 0 || (after && c == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == index->n_records || index->records[lo]->environment != key->environment ||
	    !ifx_str_eq(index->records[lo]->kind, key->kind) ||
	    !ifx_str_eq(index->records[lo]->group, key->group))
		return NULL;
	return index->records[lo];
}

static const struct ifx_record *records(void *data, size_t environment, ifx_str group, ifx_str kind,
					const struct ifx_record *after)
{
	struct ifx_record key = { .environment = environment, .group = group, .kind = kind };

	return next_record(data, &key, after);
}

static const struct ifx_record *named(void *data, size_t environment, ifx_str group, ifx_str kind,
				      ifx_str name, const struct ifx_record *after)
{
	struct ifx_record key = {
		.environment = environment, .group = group, .kind = kind, .name = name
	};
	const struct ifx_record *r = next_record(data, &key, after);

	return r && ifx_str_eq(r->name, name) ? r : NULL;
}

struct ifx_input_index ifx_index_questions(struct ifx_index *index)
{
	return (struct ifx_input_index){
		environments, namespace_in, records, named, is_patch, index
	};
}
