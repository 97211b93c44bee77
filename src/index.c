#include "index.h"

#include "base/alloc.h"
#include "pipeline.h"
#include "yaml/load.h"
#include "yaml/path.h"
#include "yaml/roots.h"

#include <stdlib.h>

/** Directories above a file that are searched for a kustomization which lists it as a patch. */
enum { KUSTOMIZATION_LEVELS = 16, KUSTOMIZE_DEPTH = 32 };

struct ifx_kustomization {
	ifx_str dir; /* real path */
	ifx_str namespace;
	const ifx_str *reaches; /* real paths of files and directories that it lists */
	size_t n_reaches;
	ifx_str *patches; /* real paths of files that it lists as patches */
	size_t n_patches;
	bool in_input; /* found by the walk, not above it */
	bool reached;  /* by another one */
	struct ifx_kustomization *next;
};

void ifx_index_init(struct ifx_index *index, const struct ifx_inputs *inputs)
{
	*index = (struct ifx_index){ .inputs = inputs };
	ifx_arena_init(&index->arena, (size_t)4 << 30);
}

void ifx_index_release(struct ifx_index *index)
{
	ifx_free(index->members);
	ifx_free(index->records);
	ifx_free(index->patches);
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

/* Absolute path without links; ptr NULL when there is none. */
static ifx_str real_path(struct ifx_index *index, const char *path)
{
	struct ifx_buf real;
	ifx_str copy = IFX_NONE;

	ifx_buf_init(&real, 1 << 16);
	if (ifx_path_resolve(&real, path) == IFX_OK)
		copy = keep(index, ifx_buf_str(&real));
	ifx_buf_release(&real);
	return copy;
}

/* Of the file that is looked at; many questions are asked about one file. */
static ifx_str real_file(struct ifx_index *index)
{
	if (!index->file.ptr)
		return IFX_NONE;
	if (index->real_of.ptr != index->file.ptr) {
		index->real_of = index->file;
		index->real = real_path(index, index->file.ptr);
	}
	return index->real;
}

static ifx_str parent(ifx_str path)
{
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

typedef void see_fn(struct ifx_index *index, const struct ifx_resource *r, size_t number,
		    void *data);

/* Call `see` for every resource of a text that has one of the needles. What cannot be read is
 * passed over. */
static void each_in_text(struct ifx_index *index, ifx_str bytes, const char *const *needles,
			 see_fn *see, void *data)
{
	struct ifx_problem problem = { 0 };
	struct ifx_arena arena;
	struct ifx_resource *r;
	struct ifx_doc *doc;
	size_t at = 0, number = 0;
	ifx_span chunk;

	ifx_buf_init(&problem.text, 4096);
	while (ifx_stream_next(bytes, &at, &chunk)) {
		ifx_str text = ifx_str_sub(bytes, chunk.at, chunk.len);
		bool found = false;

		number++;
		for (const char *const *n = needles; *n && !found; n++)
			found = ifx_str_find(text, ifx_str_of(*n)) != SIZE_MAX;
		if (!found || ifx_precheck(text, &problem) != IFX_OK ||
		    ifx_doc_load(&doc, text, &problem) != IFX_OK)
			continue;
		ifx_arena_init(&arena, (size_t)1 << 30);
		if (!ifx_roots(&r, doc, &arena))
			index->failed = true;
		for (; r; r = r->next)
			see(index, r, number, data);
		ifx_arena_release(&arena);
		ifx_doc_free(doc);
	}
	ifx_buf_release(&problem.text);
}

static void each_in_file(struct ifx_index *index, const char *path, const char *const *needles,
			 see_fn *see, void *data)
{
	struct ifx_buf bytes, why;
	struct stat st;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	if (ifx_file_read(&bytes, path, &st, &why) == IFX_OK)
		each_in_text(index, ifx_buf_str(&bytes), needles, see, data);
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
}

/* ---- kustomizations ---- */

static struct ifx_kustomization *find_kustomization(const struct ifx_index *index, ifx_str dir)
{
	for (struct ifx_kustomization *k = index->kustomizations; k; k = k->next)
		if (ifx_str_eq(k->dir, dir))
			return k;
	return NULL;
}

static ifx_str listed_path(struct ifx_index *index, const struct ifx_kustomization *k, ifx_str path)
{
	ifx_str joined;

	/* A patch may be written inline, and a resource may be an address. */
	if (!path.len || ifx_str_chr(path, '\n') != SIZE_MAX)
		return IFX_NONE;
	joined = ifx_arena_printf(&index->arena, "%.*s/%.*s", IFX_ARG(k->dir), IFX_ARG(path));
	return joined.ptr ? real_path(index, joined.ptr) : IFX_NONE;
}

static void add_patch(struct ifx_index *index, struct ifx_kustomization *k, ifx_str path)
{
	ifx_str real = listed_path(index, k, path), *list;

	if (!real.ptr)
		return;
	k->patches[k->n_patches++] = real;
	list = ifx_grow(index->patches, &index->cap_patches, index->n_patches + 1, sizeof(*list));
	if (!list) {
		index->failed = true;
		return;
	}
	index->patches = list;
	list[index->n_patches++] = real;
}

static size_t count_items(const struct ifx_node *list)
{
	return ifx_is(list, IFX_SEQ) ? list->n : 0;
}

static void see_kustomization(struct ifx_index *index, const struct ifx_resource *r, size_t number,
			      void *data)
{
	static const char *const lists[] = { "resources", "bases", "components" };
	struct ifx_kustomization *k = data;
	const struct ifx_node *list;
	size_t n = 0;
	ifx_str *reaches;

	(void)number;
	n = count_items(ifx_get(r->node, IFX_LIT("patchesStrategicMerge"))) +
	    count_items(ifx_get(r->node, IFX_LIT("patches")));
	k->patches = ifx_arena_alloc(&index->arena, (n + 1) * sizeof(*k->patches));
	if (!k->patches) {
		index->failed = true;
		return;
	}
	n = 0;
	list = ifx_get(r->node, IFX_LIT("patchesStrategicMerge"));
	for (const struct ifx_entry *e = count_items(list) ? list->first : NULL; e; e = e->next)
		if (ifx_is(e->value, IFX_SCALAR))
			add_patch(index, k, ifx_text(e->value));
	list = ifx_get(r->node, IFX_LIT("patches"));
	for (const struct ifx_entry *e = count_items(list) ? list->first : NULL; e; e = e->next)
		add_patch(index, k, ifx_get_text(e->value, IFX_LIT("path")));
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		n += count_items(ifx_get(r->node, ifx_str_of(lists[i])));
	reaches = ifx_arena_alloc(&index->arena, (n + 1) * sizeof(*reaches));
	if (!reaches) {
		index->failed = true;
		return;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		list = ifx_get(r->node, ifx_str_of(lists[i]));
		for (const struct ifx_entry *e = count_items(list) ? list->first : NULL; e;
		     e = e->next) {
			ifx_str real = ifx_is(e->value, IFX_SCALAR)
					       ? listed_path(index, k, ifx_text(e->value))
					       : IFX_NONE;

			if (real.ptr)
				reaches[k->n_reaches++] = real;
		}
	}
	k->reaches = reaches;
	k->namespace = keep(index, ifx_get_text(r->node, IFX_LIT("namespace")));
}

static struct ifx_kustomization *read_kustomization(struct ifx_index *index, ifx_str dir)
{
	static const char *const names[] = { "kustomization.yaml", "kustomization.yml",
					     "Kustomization" };
	static const char *const needles[] = { ":", NULL };
	struct ifx_kustomization *k = find_kustomization(index, dir);

	if (k)
		return k;
	k = ifx_arena_alloc(&index->arena, sizeof(*k));
	if (!k) {
		index->failed = true;
		return NULL;
	}
	k->dir = keep(index, dir);
	k->next = index->kustomizations;
	index->kustomizations = k;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ifx_str path = ifx_arena_printf(&index->arena, "%.*s/%s", IFX_ARG(dir), names[i]);

		if (path.ptr)
			each_in_file(index, path.ptr, needles, see_kustomization, k);
	}
	return k;
}

static bool is_kustomization(ifx_str path)
{
	size_t slash = path.len;

	while (slash && path.ptr[slash - 1] != '/')
		slash--;
	path = ifx_str_sub(path, slash, path.len - slash);
	return ifx_str_eq(path, IFX_LIT("kustomization.yaml")) ||
	       ifx_str_eq(path, IFX_LIT("kustomization.yml")) ||
	       ifx_str_eq(path, IFX_LIT("Kustomization"));
}

static void read_kustomizations(struct ifx_index *index)
{
	if (index->kustomizations_read)
		return;
	index->kustomizations_read = true;
	for (size_t i = 0; i < index->inputs->n; i++) {
		struct ifx_kustomization *k;
		ifx_str real;

		if (!is_kustomization(index->inputs->items[i].path))
			continue;
		real = real_path(index, index->inputs->items[i].path.ptr);
		k = real.ptr ? read_kustomization(index, parent(real)) : NULL;
		if (k)
			k->in_input = true;
	}
}

static int by_text(const void *a, const void *b)
{
	return ifx_str_cmp(*(const ifx_str *)a, *(const ifx_str *)b);
}

/* The kustomization that lists a patch lies above it, or is part of the input. */
static bool is_patch(void *data)
{
	struct ifx_index *index = data;
	ifx_str real, dir;

	real = real_file(index);
	if (!real.ptr)
		return false;
	read_kustomizations(index);
	dir = real;
	for (int i = 0; i < KUSTOMIZATION_LEVELS && dir.len > 1; i++) {
		dir = parent(dir);
		read_kustomization(index, dir);
	}
	if (index->n_sorted != index->n_patches)
		qsort(index->patches, index->n_patches, sizeof(*index->patches), by_text);
	index->n_sorted = index->n_patches;
	return index->n_patches &&
	       bsearch(&real, index->patches, index->n_patches, sizeof(*index->patches), by_text);
}

/* ---- environments ---- */

static void add_member(struct ifx_index *index, ifx_str file, size_t environment, ifx_str namespace)
{
	struct ifx_membership *list =
		ifx_grow(index->members, &index->cap_members, index->n_members + 1, sizeof(*list));

	if (!list) {
		index->failed = true;
		return;
	}
	index->members = list;
	list[index->n_members++] = (struct ifx_membership){ file, environment, namespace };
}

/* The outermost kustomization that sets a namespace decides it. */
static void reach(struct ifx_index *index, const struct ifx_kustomization *k, size_t environment,
		  ifx_str namespace, int depth)
{
	if (depth > KUSTOMIZE_DEPTH)
		return;
	if (!namespace.ptr)
	namespace = k->namespace;
	for (size_t i = 0; i < k->n_reaches; i++) {
		const struct ifx_kustomization *below = find_kustomization(index, k->reaches[i]);

		if (below)
			reach(index, below, environment, namespace, depth + 1);
		else
			add_member(index, k->reaches[i], environment, namespace);
	}
}

static int by_file(const void *a, const void *b)
{
	const struct ifx_membership *x = a, *y = b;
	int c = ifx_str_cmp(x->file, y->file);

	return c ? c : (x->environment > y->environment) - (x->environment < y->environment);
}

static void find_environments(struct ifx_index *index)
{
	size_t environment = 0;

	read_kustomizations(index);
	for (const struct ifx_kustomization *k = index->kustomizations; k; k = k->next)
		for (size_t i = 0; k->in_input && i < k->n_reaches; i++) {
			struct ifx_kustomization *below = find_kustomization(index, k->reaches[i]);

			if (below && below != k)
				below->reached = true;
		}
	for (const struct ifx_kustomization *k = index->kustomizations; k; k = k->next)
		if (k->in_input && !k->reached)
			reach(index, k, ++environment, IFX_NONE, 0);
	if (index->n_members)
		qsort(index->members, index->n_members, sizeof(*index->members), by_file);
}

/* Memberships of a file, [*first, *first + n); none means environment 0. */
static size_t members_of(const struct ifx_index *index, ifx_str real, size_t *first)
{
	size_t lo = 0, hi = index->n_members, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ifx_str_cmp(index->members[mid].file, real) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*first = lo;
	while (lo + n < index->n_members && ifx_str_eq(index->members[lo + n].file, real))
		n++;
	return n;
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

/* Kinds that exist once per cluster have no namespace, whatever a kustomization says. */
static bool is_cluster_wide(const struct ifx_resource *r)
{
	return ifx_str_eq(r->kind, IFX_LIT("Namespace")) ||
	       ifx_str_eq(r->kind, IFX_LIT("GatewayClass")) ||
	       ifx_str_starts(r->kind, IFX_LIT("Cluster"));
}

static ifx_str deployed_namespace(const struct ifx_index *index, const struct ifx_resource *r,
				  ifx_str by_kustomization)
{
	if (is_cluster_wide(r))
		return IFX_NONE;
	if (by_kustomization.ptr)
		return by_kustomization;
	return r->namespace.len ? r->namespace : index->default_namespace;
}

struct seen_file {
	ifx_str path, real;
};

static void see_object(struct ifx_index *index, const struct ifx_resource *r, size_t number,
		       void *data)
{
	const struct seen_file *file = data;
	const struct ifx_node *spec = ifx_get(r->node, IFX_LIT("spec"));
	struct ifx_record rec = { .path = file->path, .document = number };
	size_t first, n = members_of(index, file->real, &first);

	if (!ifx_is_kubernetes(r))
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
		copy->environment = n ? index->members[first + i].environment : 0;
		copy->namespace =
			keep(index,
			     deployed_namespace(
				     index, r, n ? index->members[first + i].namespace : IFX_NONE));
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

static void see_fixed(struct ifx_index *index, const struct ifx_resource *r, size_t number,
		      void *data)
{
	const struct seen_file *file = data;
	const struct ifx_record *rec;
	size_t first, n = members_of(index, file->real, &first);

	(void)number;
	if (!ifx_str_eq(r->kind, IFX_LIT("Namespace")) || r->group.len || !r->name.len)
		return;
	for (size_t i = 0; i < (n ? n : 1); i++) {
		size_t environment = n ? index->members[first + i].environment : 0;

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
static void fix_namespaces(struct ifx_index *index, const struct seen_file *file, ifx_str bytes)
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
		each_in_text(index, ifx_buf_str(&outcome.after), needles, see_fixed,
			     (void *)(uintptr_t)file);
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
		struct seen_file file = { .path = index->inputs->items[i].path };

		ifx_buf_clear(&why);
		if (ifx_file_read(&bytes, file.path.ptr, &st, &why) != IFX_OK)
			continue;
		file.real = real_path(index, file.path.ptr);
		fix_namespaces(index, &file, ifx_buf_str(&bytes));
	}
	if (index->text.ptr) {
		struct seen_file file = { .path = IFX_LIT("<stdin>") };

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
	find_environments(index);
	for (size_t i = 0; i < index->inputs->n; i++) {
		struct seen_file file = { .path = index->inputs->items[i].path };

		file.real = real_path(index, file.path.ptr);
		if (file.real.ptr && !is_kustomization(file.path))
			each_in_file(index, file.path.ptr, needles, see_object, &file);
	}
	if (index->text.ptr) {
		struct seen_file file = { .path = IFX_LIT("<stdin>") };

		each_in_text(index, index->text, needles, see_object, &file);
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
	size_t first, n = 0, *copy;
	ifx_str real;

	build(index);
	*list = alone;
	real = real_file(index);
	if (real.ptr)
		n = members_of(index, real, &first);
	if (!n)
		return 1;
	copy = ifx_arena_alloc(&index->arena, n * sizeof(*copy));
	if (!copy) {
		index->failed = true;
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = index->members[first + i].environment;
	*list = copy;
	return n;
}

static ifx_str namespace_in(void *data, const struct ifx_resource *r, size_t environment)
{
	struct ifx_index *index = data;
	size_t first, n = 0;
	ifx_str real;

	build(index);
	real = real_file(index);
	if (real.ptr)
		n = members_of(index, real, &first);
	for (size_t i = 0; i < n; i++)
		if (index->members[first + i].environment == environment)
			return deployed_namespace(index, r, index->members[first + i].namespace);
	return deployed_namespace(index, r, IFX_NONE);
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
