#include "index.h"

#include "base/alloc.h"
#include "pipeline.h"
#include "resources.h"
#include "yaml/path.h"

#include <stdlib.h>

/* An input, and what kinds its text may hold: a bit for each name that stands behind a `kind`. */
struct ifx_indexed_file {
	ifx_str path, real;
	ifx_str namespace; /* of objects that say none; ptr NULL: unknown */
	uint64_t kinds;
};

/* All objects of one kind. */
struct ifx_indexed_kind {
	ifx_str kind;
	struct ifx_record **records; /* by environment, group and name */
	size_t n, cap;
	struct ifx_indexed_kind *next;
};

void ifx_index_init(struct ifx_index *index, const struct ifx_inputs *inputs)
{
	pthread_mutexattr_t again;

	*index = (struct ifx_index){ .inputs = inputs };
	ifx_environments_init(&index->environments, inputs);
	ifx_arena_init(&index->arena, (size_t)4 << 30);
	pthread_mutexattr_init(&again);
	pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&index->lock, &again);
	pthread_mutexattr_destroy(&again);
}

void ifx_index_release(struct ifx_index *index)
{
	pthread_mutex_destroy(&index->lock);
	ifx_environments_release(&index->environments);
	for (struct ifx_indexed_kind *k = index->kinds; k; k = k->next)
		ifx_free(k->records);
	ifx_map_release(&index->before);
	ifx_arena_release(&index->arena);
}

bool ifx_index_keep(struct ifx_index *index, ifx_str path, ifx_str bytes)
{
	ifx_str *copy;
	bool ok;

	if (index->inputs->n < 2)
		return true; /* nobody is left to ask */
	pthread_mutex_lock(&index->lock);
	copy = ifx_arena_alloc(&index->arena, sizeof(*copy));
	if (copy)
		*copy = ifx_arena_copy(&index->arena, bytes);
	ok = copy && copy->ptr && ifx_map_put(&index->before, &index->arena, path, copy);
	pthread_mutex_unlock(&index->lock);
	return ok;
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
static ifx_str real_file(struct ifx_asker *asker)
{
	if (!asker->known && asker->file.ptr)
		asker->real = ifx_environments_real(&asker->index->environments, asker->file.ptr);
	asker->known = true;
	return asker->real;
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

/* --namespace, as it is for the input; path: ptr NULL for standard input. */
static ifx_str default_namespace(const struct ifx_index *index, ifx_str path)
{
	struct ifx_engine engine = { 0 };
	ifx_str namespace = IFX_NONE;

	if (!index->engine_of || !index->engine_of(index->data, path, &engine, &namespace))
		return IFX_NONE;
	return namespace;
}

/* What is passed to the two callbacks below. */
struct seen_file {
	struct ifx_index *index;
	struct ifx_indexed_kind *kind;
	ifx_str path, real, namespace;
};

static void add_record(struct ifx_index *index, struct ifx_indexed_kind *k,
		       const struct ifx_record *rec)
{
	struct ifx_record *copy = ifx_arena_alloc(&index->arena, sizeof(*copy));
	struct ifx_record **list = ifx_grow(k->records, &k->cap, k->n + 1, sizeof(*list));

	if (list)
		k->records = list;
	if (!copy || !list) {
		index->failed = true;
		return;
	}
	*copy = *rec;
	list[k->n++] = copy;
}

static void see_object(void *data, const struct ifx_resource *r, size_t number)
{
	const struct seen_file *file = data;
	struct ifx_index *index = file->index;
	const struct ifx_node *spec = ifx_get(r->node, IFX_LIT("spec"));
	struct ifx_record rec = { .path = file->path, .document = number };
	size_t n;
	const struct ifx_membership *members;

	if (!ifx_is_kubernetes(r) || r->local || !ifx_str_eq(r->kind, file->kind->kind))
		return;
	rec.group = keep(index, r->group);
	rec.version = keep(index, r->version);
	rec.kind = file->kind->kind;
	rec.is_patch = ifx_environments_is_patch(&index->environments, file->real);
	rec.name = keep(index, r->name);
	rec.labels = pairs_of(index, ifx_get(r->metadata, IFX_LIT("labels")));
	rec.annotations = pairs_of(index, ifx_get(r->metadata, IFX_LIT("annotations")));
	if (ifx_str_eq(r->kind, IFX_LIT("Service")) && !r->group.len)
		rec.selector = pairs_of(index, ifx_get(spec, IFX_LIT("selector")));
	if (ifx_str_eq(r->kind, IFX_LIT("Gateway")))
		rec.class = keep(index, ifx_get_text(spec, IFX_LIT("gatewayClassName")));
	add_pods(index, r, &rec);
	members = members_of(index, file->real, &n);
	for (size_t i = 0; i < (n ? n : 1); i++) {
		rec.environment = n ? members[i].environment : 0;
		rec.namespace = keep(
			index, ifx_deployed_namespace(r->kind, n ? members[i].namespace : IFX_NONE,
						      r->namespace, file->namespace));
		add_record(index, file->kind, &rec);
	}
}

/* By environment, group and name; what is alike in that keeps some order, always the same. */
static int by_name(const void *a, const void *b)
{
	const struct ifx_record *x = *(const struct ifx_record *const *)a;
	const struct ifx_record *y = *(const struct ifx_record *const *)b;
	int c;

	if (x->environment != y->environment)
		return x->environment < y->environment ? -1 : 1;
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

static const struct ifx_record *next_named(struct ifx_index *index, size_t environment,
					   ifx_str group, ifx_str kind, ifx_str name,
					   const struct ifx_record *after);

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

		for (rec = NULL; (rec = next_named(index, environment, IFX_LIT(""),
						   IFX_LIT("Namespace"), r->name, rec)) != NULL;)
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
	const char *const needles[] = { file->kind->kind.ptr, NULL };
	struct ifx_asker asker = { .index = index };
	struct ifx_input_index questions = ifx_index_questions(&asker);
	struct ifx_engine engine = { 0 };
	struct ifx_outcome outcome;

	asker.file = file->real.ptr ? file->path : IFX_NONE;
	if (ifx_str_find(bytes, IFX_LIT("Namespace")) == SIZE_MAX ||
	    ifx_str_find(bytes, IFX_LIT("istio")) == SIZE_MAX ||
	    !index->engine_of(index->data, asker.file, &engine, &asker.namespace))
		return;
	engine.index = &questions;
	engine.want_edits = false;
	if (ifx_pipeline_run(&outcome, &engine, bytes) != IFX_OK)
		index->failed = true;
	else if (outcome.edits.n)
		note(index,
		     ifx_resources_of_text(ifx_buf_str(&outcome.after), needles, see_fixed, file));
	ifx_outcome_release(&outcome);
}

/* What the file was before this run, perhaps in `room`. False: it cannot be read. */
static bool text_before(struct ifx_index *index, ifx_str path, struct ifx_buf *room, ifx_str *text)
{
	const struct ifx_map_item *kept = ifx_map_at(&index->before, path);
	struct ifx_buf why;
	struct stat st;
	ifx_status status = IFX_OK;

	if (kept) {
		*text = *(const ifx_str *)kept->value;
		return true;
	}
	ifx_buf_init(&why, 4096);
	status = ifx_file_read(room, path.ptr, &st, &why);
	ifx_buf_release(&why);
	note(index, status != IFX_ENOMEM);
	*text = ifx_buf_str(room);
	return status == IFX_OK;
}

/* ---- which kinds are where ---- */

static uint64_t bit_of(ifx_str kind)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < kind.len; i++)
		hash = (hash ^ (unsigned char)kind.ptr[i]) * 16777619u;
	return (uint64_t)1 << (hash >> 26);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ifx_is_digit(c);
}

/* Sound: a kind that the text has is among them. */
static uint64_t kinds_of(ifx_str text)
{
	const ifx_str key = IFX_LIT("kind"), list = IFX_LIT("List");
	uint64_t kinds = 0;
	size_t at;

	if (ifx_may_hide_words(text))
		return UINT64_MAX;
	while ((at = ifx_str_find(text, key)) != SIZE_MAX) {
		size_t behind = at + key.len;
		ifx_str word;

		text = ifx_str_sub(text, behind, text.len - behind);
		if (!text.len || is_letter(text.ptr[0]))
			continue; /* kinds, kindly */
		for (at = 0; at < text.len && strchr("\"': \t\r\n", text.ptr[at]);)
			at++;
		text = ifx_str_sub(text, at, text.len - at);
		for (at = 0; at < text.len && is_letter(text.ptr[at]);)
			at++;
		word = ifx_str_sub(text, 0, at);
		if (!word.len)
			return UINT64_MAX; /* an anchor, a comment: whatever it is */
		kinds |= bit_of(word);
		if (ifx_str_ends(word, list))
			kinds |= bit_of(ifx_str_sub(word, 0, word.len - list.len));
	}
	return kinds;
}

static void list_files(struct ifx_index *index)
{
	struct ifx_buf bytes;
	ifx_str text;

	if (index->files)
		return;
	index->files = ifx_arena_alloc(&index->arena, index->inputs->n * sizeof(*index->files));
	if (!index->files) {
		index->failed = true;
		return;
	}
	ifx_buf_init(&bytes, IFX_FILE_MAX);
	for (size_t i = 0; i < index->inputs->n; i++) {
		struct ifx_indexed_file *file = &index->files[i];

		file->path = index->inputs->items[i].path;
		if (!ifx_is_kustomization(file->path) &&
		    text_before(index, file->path, &bytes, &text))
			file->kinds = kinds_of(text);
		if (!file->kinds)
			continue;
		file->namespace = default_namespace(index, file->path);
		file->real = ifx_environments_real(&index->environments, file->path.ptr);
	}
	ifx_buf_release(&bytes);
}

static void fix_all_namespaces(struct ifx_index *index, struct ifx_indexed_kind *k)
{
	struct ifx_buf bytes;
	ifx_str text;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	for (size_t i = 0; index->files && i < index->inputs->n; i++) {
		const struct ifx_indexed_file *f = &index->files[i];
		struct seen_file file = { index, k, f->path, f->real, f->namespace };

		if ((f->kinds & bit_of(k->kind)) && f->real.ptr &&
		    text_before(index, f->path, &bytes, &text))
			fix_namespaces(index, &file, text);
	}
	if (index->text.ptr) {
		struct seen_file file = { index, k, IFX_LIT("<stdin>"), IFX_NONE, IFX_NONE };

		fix_namespaces(index, &file, index->text);
	}
	ifx_buf_release(&bytes);
}

static void read_objects(struct ifx_index *index, struct ifx_indexed_kind *k)
{
	const char *const needles[] = { k->kind.ptr, NULL };
	struct ifx_buf bytes;
	ifx_str text;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	list_files(index);
	for (size_t i = 0; index->files && i < index->inputs->n; i++) {
		const struct ifx_indexed_file *f = &index->files[i];
		struct seen_file file = { index, k, f->path, f->real, f->namespace };

		if ((f->kinds & bit_of(k->kind)) && f->real.ptr &&
		    text_before(index, f->path, &bytes, &text))
			note(index, ifx_resources_of_text(text, needles, see_object, &file));
	}
	ifx_buf_release(&bytes);
	if (index->text.ptr) {
		struct seen_file file = { index, k, IFX_LIT("<stdin>"), IFX_NONE,
					  default_namespace(index, IFX_NONE) };

		note(index, ifx_resources_of_text(index->text, needles, see_object, &file));
	}
	if (k->n)
		qsort(k->records, k->n, sizeof(*k->records), by_name);
}

/* The objects of a kind, read when they are asked for first. NULL: no memory. */
static const struct ifx_indexed_kind *objects(struct ifx_index *index, ifx_str kind)
{
	struct ifx_indexed_kind *k = index->kinds;

	while (k && !ifx_str_eq(k->kind, kind))
		k = k->next;
	if (k)
		return k;
	k = ifx_arena_alloc(&index->arena, sizeof(*k));
	kind = ifx_arena_copy(&index->arena, kind);
	if (!k || !kind.ptr) {
		index->failed = true;
		return NULL;
	}
	*k = (struct ifx_indexed_kind){ .kind = kind, .next = index->kinds };
	index->kinds = k;
	read_objects(index, k);
	if (index->engine_of && ifx_str_eq(kind, IFX_LIT("Namespace")))
		fix_all_namespaces(index, k);
	return k;
}

/* The first record behind `after`, or from `key` on. */
static const struct ifx_record *next_record(struct ifx_index *index, const struct ifx_record *key,
					    const struct ifx_record *after)
{
	const struct ifx_record *wanted = after ? after : key;
	const struct ifx_indexed_kind *k = objects(index, key->kind);
	size_t lo = 0, hi = k ? k->n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct ifx_record *r = k->records[mid];
		int c = by_name(&r, &wanted);

		if (c < 0 || (after && c == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!k || lo == k->n || k->records[lo]->environment != key->environment ||
	    !ifx_str_eq(k->records[lo]->group, key->group))
		return NULL;
	return k->records[lo];
}

static const struct ifx_record *next_named(struct ifx_index *index, size_t environment,
					   ifx_str group, ifx_str kind, ifx_str name,
					   const struct ifx_record *after)
{
	struct ifx_record key = {
		.environment = environment, .group = group, .kind = kind, .name = name
	};
	const struct ifx_record *r = next_record(index, &key, after);

	return r && ifx_str_eq(r->name, name) ? r : NULL;
}

static size_t list_environments(struct ifx_asker *asker, const size_t **list)
{
	static const size_t alone[] = { 0 };
	struct ifx_index *index = asker->index;
	const struct ifx_membership *members;
	size_t n, *copy;

	*list = alone;
	members = members_of(index, real_file(asker), &n);
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

static ifx_str namespace_of(struct ifx_asker *asker, const struct ifx_resource *r,
			    size_t environment)
{
	const struct ifx_membership *members;
	ifx_str given = IFX_NONE;
	size_t n;

	members = members_of(asker->index, real_file(asker), &n);
	for (size_t i = 0; i < n; i++)
		if (members[i].environment == environment)
			given = members[i].namespace;
	return ifx_deployed_namespace(r->kind, given, r->namespace, asker->namespace);
}

/* ---- the questions: in any thread ---- */

static struct ifx_index *lock(struct ifx_asker *asker)
{
	pthread_mutex_lock(&asker->index->lock);
	return asker->index;
}

static void unlock(struct ifx_index *index)
{
	pthread_mutex_unlock(&index->lock);
}

static size_t environments(void *data, const size_t **list)
{
	struct ifx_index *index = lock(data);
	size_t n = list_environments(data, list);

	unlock(index);
	return n;
}

static ifx_str namespace_in(void *data, const struct ifx_resource *r, size_t environment)
{
	struct ifx_index *index = lock(data);
	ifx_str namespace = namespace_of(data, r, environment);

	unlock(index);
	return namespace;
}

static const struct ifx_record *records(void *data, size_t environment, ifx_str group, ifx_str kind,
					const struct ifx_record *after)
{
	struct ifx_record key = { .environment = environment, .group = group, .kind = kind };
	struct ifx_index *index = lock(data);
	const struct ifx_record *r = next_record(index, &key, after);

	unlock(index);
	return r;
}

static const struct ifx_record *named(void *data, size_t environment, ifx_str group, ifx_str kind,
				      ifx_str name, const struct ifx_record *after)
{
	struct ifx_index *index = lock(data);
	const struct ifx_record *r = next_named(index, environment, group, kind, name, after);

	unlock(index);
	return r;
}

static bool is_patch(void *data)
{
	struct ifx_index *index = lock(data);
	bool yes = ifx_environments_is_patch(&index->environments, real_file(data));

	unlock(index);
	return yes;
}

struct ifx_input_index ifx_index_questions(struct ifx_asker *asker)
{
	return (struct ifx_input_index){
		environments, namespace_in, records, named, is_patch, asker
	};
}
