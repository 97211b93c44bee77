#include "ambient/estate.h"

#include "ambient/inline.h"
#include "ambient/mesh_settings.h"
#include "ambient/namespace.h"
#include "ambient/partition.h"
#include "ambient/patch.h"
#include "ambient/pods.h"
#include "ambient/scan.h"
#include "ambient/service.h"
#include "base/alloc.h"
#include "yaml/load.h"

#include <stdlib.h>

/* Memory for the text and the trees of all files. Bytes. */
#define ESTATE_MEMORY_MAX ((size_t)16 << 30)

/* What is passed along while a tree is read. */
struct reading {
	struct ifx_estate *estate;
	const struct ifx_estate_options *options;
	ifx_complain_fn *complain;
	void *data;
	bool incomplete; /* something could not be read, and that was said */
	struct ifx_partition *partition;
	struct ifx_object *found; /* resources, not yet in any environment */
	size_t n_found, cap_found;
};

/* ---- text ---- */

struct ifx_pairs ifx_estate_pairs(struct ifx_estate *estate, const struct ifx_node *map)
{
	struct ifx_pair *items;
	size_t n = 0;

	map = ifx_deref(map);
	if (!ifx_is(map, IFX_MAP) || !map->n)
		return (struct ifx_pairs){ 0 };
	items = ifx_arena_alloc(&estate->arena, map->n * sizeof(*items));
	if (!items) {
		estate->failed = true;
		return (struct ifx_pairs){ 0 };
	}
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		const struct ifx_node *value = ifx_deref(e->value);

		if (ifx_is(e->key, IFX_SCALAR) && ifx_is(value, IFX_SCALAR))
			items[n++] = (struct ifx_pair){ ifx_text(e->key), ifx_text(value) };
	}
	return (struct ifx_pairs){ items, n };
}

/* ---- objects ---- */

static void append(struct ifx_objects *list, struct ifx_object *o)
{
	*(list->last ? &list->last->next : &list->first) = o;
	list->last = o;
	list->n++;
}

void ifx_estate_add_patch(struct ifx_environment *e, struct ifx_object *patch)
{
	append(&e->patches, patch);
}

/* kustomize's namespace also names the Namespace objects that it reaches. */
static ifx_str namespace_of(const struct reading *r, const struct ifx_resource *resource,
			    ifx_object_kind kind, const struct ifx_membership *m)
{
	if (kind == IFX_KUSTOMIZATION || kind == IFX_HELM_VALUES)
		return IFX_NONE;
	if (kind == IFX_NAMESPACE)
		return m && m->namespace.ptr ? m->namespace : resource->name;
	return ifx_deployed_namespace(resource->kind, m ? m->namespace : IFX_NONE,
				      resource->namespace, r->options->namespace);
}

static bool read_object(struct ifx_estate *estate, struct ifx_object *o)
{
	if (o->kind == IFX_WORKLOAD)
		return ifx_pods_read(estate, o);
	if (o->kind == IFX_SERVICE)
		return ifx_svc_read(estate, o);
	if (o->kind == IFX_KUSTOMIZATION) {
		const struct ifx_object **list =
			ifx_grow(estate->kustomizations, &estate->cap_kustomizations,
				 estate->n_kustomizations + 1, sizeof(*list));

		if (!list)
			return false;
		estate->kustomizations = list;
		list[estate->n_kustomizations++] = o;
	}
	return ifx_mesh_settings_read(estate, &o->environment->settings, o);
}

static bool place(struct ifx_estate *estate, struct ifx_object *o, ifx_str namespace)
{
	struct ifx_environment *e = o->environment;

	if (namespace.len) {
		o->namespace = ifx_namespace_add(estate, e, namespace);
		if (!o->namespace)
			return false;
	}
	if (o->patch)
		ifx_estate_add_patch(e, o);
	else
		append(o->namespace ? &o->namespace->objects[o->kind] : &e->objects[o->kind], o);
	estate->n_objects++;
	return true;
}

/* One resource of a file in one environment; NULL: no memory. */
static struct ifx_object *add_object(struct reading *r, const struct ifx_object *like,
				     const struct ifx_membership *m, bool patch)
{
	struct ifx_estate *estate = r->estate;
	struct ifx_object *o = ifx_arena_alloc(&estate->arena, sizeof(*o));

	if (!o)
		return NULL;
	*o = *like;
	o->environment = &estate->environments[ifx_partition_environment(
		r->partition, ifx_partition_unit(r->partition, m, like->source->real))];
	o->way = m ? m->way : NULL;
	o->patch = patch;
	if (!place(estate, o, namespace_of(r, o->r, o->kind, m)) || !read_object(estate, o))
		return NULL;
	return o;
}

/* In each environment that deploys the file, as a resource or as a patch. */
static bool add_objects(struct reading *r, const struct ifx_object *like)
{
	struct ifx_environments *kustomize = &r->estate->kustomize;
	const ifx_as resource =
		like->kind == IFX_KUSTOMIZATION ? IFX_AS_KUSTOMIZATION : IFX_AS_RESOURCE;
	struct ifx_object *first = NULL, *last = NULL;
	size_t n = 0;

	for (int patch = 0; patch <= 1; patch++) {
		ifx_as as = patch ? IFX_AS_PATCH : resource;
		size_t from, count = ifx_environments_of(kustomize, as, like->source->real, &from);
		bool alone = !count && patch && !n;

		for (size_t i = 0; i < count + alone; i++) {
			const struct ifx_membership *m =
				alone ? NULL : &kustomize->members[as].items[from + i];
			struct ifx_object *o = add_object(r, like, m, patch && !alone);

			if (!o)
				return false;
			if (last)
				last->same = o;
			else
				first = o;
			last = o;
			n++;
		}
	}
	last->same = first;
	for (size_t i = 0; i < n; i++, first = first->same)
		first->n_same = n;
	return true;
}

/* ---- files ---- */

static bool keep_doc(struct ifx_estate *estate, struct ifx_doc *doc)
{
	struct ifx_doc **docs =
		ifx_grow(estate->docs, &estate->cap_docs, estate->n_docs + 1, sizeof(*docs));

	if (!docs)
		return false;
	estate->docs = docs;
	docs[estate->n_docs++] = doc;
	return true;
}

bool ifx_estate_embedded(struct ifx_estate *estate, const struct ifx_node **root,
			 const struct ifx_node *text)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc;
	ifx_status st;

	*root = NULL;
	if (!ifx_text(text).len)
		return true;
	ifx_buf_init(&problem.text, 4096);
	st = ifx_doc_embedded(&doc, text, &problem);
	ifx_buf_release(&problem.text);
	if (st != IFX_OK)
		return st != IFX_ENOMEM;
	if (!keep_doc(estate, doc)) {
		ifx_doc_free(doc);
		return false;
	}
	*root = doc->root;
	return true;
}

static bool find_object(struct reading *r, const struct ifx_object *like)
{
	struct ifx_object *list = ifx_grow(r->found, &r->cap_found, r->n_found + 1, sizeof(*list));

	if (!list)
		return false;
	r->found = list;
	list[r->n_found++] = *like;
	return true;
}

static bool read_tree(struct reading *r, struct ifx_source *source, const struct ifx_doc *doc,
		      size_t at)
{
	struct ifx_resource *resource;

	if (!ifx_roots(&resource, doc, &r->estate->arena) ||
	    !ifx_inline_keep_list(r->estate, source, doc->root))
		return false;
	for (; resource; resource = resource->next) {
		struct ifx_object like = { .kind = ifx_ambient_kind(resource, source),
					   .source = source,
					   .document = source->documents,
					   .at = at,
					   .r = resource };

		if (like.kind != IFX_KINDS && !find_object(r, &like))
			return false;
	}
	return true;
}

/* Templates lie about in every tree; anything else that cannot be read may hide what matters. */
static void pass_over(struct reading *r, struct ifx_source *source, ifx_str document, size_t at,
		      const struct ifx_problem *problem)
{
	size_t line, column;
	struct ifx_buf text;

	if (ifx_str_find(document, IFX_LIT("{{")) != SIZE_MAX ||
	    ifx_str_find(document, IFX_LIT("{%")) != SIZE_MAX) {
		source->passed_over = "a template";
		source->passed_at = at;
		return;
	}
	r->incomplete = true;
	ifx_buf_init(&text, 1 << 16);
	ifx_source_place(source, at + problem->at, &line, &column);
	ifx_buf_addf(&text, "%zu:%zu: %.*s", line, column, IFX_ARG(ifx_buf_str(&problem->text)));
	r->complain(r->data, source->path, ifx_buf_str(&text));
	ifx_buf_release(&text);
}

static bool read_document(struct reading *r, struct ifx_source *source, ifx_span chunk)
{
	ifx_str text = ifx_str_sub(source->bytes, chunk.at, chunk.len);
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc;
	ifx_status st;
	bool ok = true;

	source->documents++;
	if (!ifx_is_kustomization(source->path) && !ifx_ambient_concerns(text))
		return true;
	if (!source->lines && !ifx_source_lines(r->estate, source))
		return false;
	ifx_buf_init(&problem.text, 4096);
	st = ifx_precheck(text, &problem);
	if (st == IFX_OK)
		st = ifx_doc_load(&doc, text, &problem);
	if (st == IFX_OK) {
		ok = keep_doc(r->estate, doc);
		if (!ok)
			ifx_doc_free(doc);
		ok = ok && read_tree(r, source, doc, chunk.at);
	} else {
		ok = st != IFX_ENOMEM;
		pass_over(r, source, text, chunk.at, &problem);
	}
	ifx_buf_release(&problem.text);
	return ok;
}

static bool read_documents(struct reading *r, struct ifx_source *source)
{
	ifx_span chunk;
	size_t at = 0;

	if (ifx_str_find(source->bytes, IFX_LIT("{{")) != SIZE_MAX &&
	    ifx_in_chart_templates(source->path)) {
		source->passed_over = "a template of a Helm chart";
		return true;
	}
	while (ifx_stream_next(source->bytes, &at, &chunk))
		if (!read_document(r, source, chunk))
			return false;
	return true;
}

/* Its text is kept in the arena: everything borrows from it. */
static int by_path_of_text(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_estate_text *)a)->path,
			   ((const struct ifx_estate_text *)b)->path);
}

static bool read_file(struct reading *r, const struct ifx_input *input,
		      const struct ifx_estate_text *text, struct ifx_buf *bytes)
{
	struct ifx_estate *estate = r->estate;
	struct ifx_source *source = &estate->sources[estate->n_sources];
	struct ifx_buf why;
	ifx_status st;

	ifx_buf_init(&why, 4096);
	if (text) {
		/* Not (yet) what is on the disk. */
		ifx_buf_clear(bytes);
		ifx_buf_add(bytes, text->bytes);
		st = ifx_buf_status(bytes);
	} else {
		st = ifx_file_read(bytes, input->path.ptr, &source->st, &why);
	}
	if (st != IFX_OK) {
		r->incomplete = true;
		r->complain(r->data, input->path, ifx_buf_str(&why));
	}
	ifx_buf_release(&why);
	if (st != IFX_OK)
		return st != IFX_ENOMEM;
	estate->n_sources++;
	source->path = input->path;
	/* A file that is not there yet is deployed as the one beside it. */
	source->real = ifx_environments_real(
		&estate->kustomize, text && text->beside.ptr ? text->beside.ptr : input->path.ptr);
	source->bytes = ifx_arena_copy(&estate->arena, ifx_buf_str(bytes));
	return source->bytes.ptr && read_documents(r, source);
}

static bool read_files(struct reading *r, const struct ifx_inputs *inputs)
{
	struct ifx_buf bytes;
	bool ok = true;

	r->estate->sources = ifx_arena_alloc(
		&r->estate->arena, (inputs->n + r->options->n_texts) * sizeof(*r->estate->sources));
	if (!r->estate->sources)
		return false;
	ifx_buf_init(&bytes, IFX_FILE_MAX);
	for (size_t i = 0; ok && i < inputs->n; i++) {
		struct ifx_estate_text key = { .path = inputs->items[i].path };

		ok = read_file(r, &inputs->items[i],
			       r->options->n_texts
				       ? bsearch(&key, r->options->texts, r->options->n_texts,
						 sizeof(key), by_path_of_text)
				       : NULL,
			       &bytes);
	}
	for (size_t i = 0; ok && i < r->options->n_texts; i++)
		if (r->options->texts[i].beside.ptr)
			ok = read_file(r, &(struct ifx_input){ .path = r->options->texts[i].path },
				       &r->options->texts[i], &bytes);
	ifx_buf_release(&bytes);
	return ok;
}

/* ---- the whole ---- */

/* A patch is a part of something that stands elsewhere. */
static bool is_patch_only(struct reading *r, const struct ifx_object *like)
{
	size_t first;

	return ifx_environments_of(&r->estate->kustomize, IFX_AS_PATCH, like->source->real, &first);
}

/* What says that units are not deployed together. */
static bool claim(struct reading *r, const struct ifx_object *like)
{
	struct ifx_environments *kustomize = &r->estate->kustomize;
	size_t first,
		n = ifx_environments_of(kustomize, IFX_AS_RESOURCE, like->source->real, &first);

	for (size_t i = 0; i < n + !n; i++) {
		const struct ifx_membership *m =
			n ? &kustomize->members[IFX_AS_RESOURCE].items[first + i] : NULL;
		size_t unit = ifx_partition_unit(r->partition, m, like->source->real);

		/* A path starts with a slash, a name does not. */
		if (n > 1 && !ifx_partition_claim(r->partition, like->source->real, unit))
			return false;
		if (like->kind == IFX_NAMESPACE && (n || !is_patch_only(r, like)) &&
		    !ifx_partition_claim(r->partition, namespace_of(r, like->r, like->kind, m),
					 unit))
			return false;
	}
	return true;
}

static bool make_environments(struct reading *r)
{
	struct ifx_estate *estate = r->estate;

	for (size_t i = 0; i < r->n_found; i++)
		if (!claim(r, &r->found[i]))
			return false;
	if (!ifx_partition_make(r->partition, &estate->environments, &estate->n_environments))
		return false;
	for (size_t i = 0; i < r->n_found; i++)
		if (!add_objects(r, &r->found[i]))
			return false;
	return true;
}

/* An environment that says nothing of its mesh has that of the files around it. */
static void share_settings(struct ifx_estate *estate)
{
	const struct ifx_environment *common = NULL;

	for (size_t i = 0; i < estate->n_environments; i++)
		if (estate->environments[i].common)
			common = &estate->environments[i];
	for (size_t i = 0; common && i < estate->n_environments; i++)
		ifx_mesh_settings_inherit(&estate->environments[i].settings, &common->settings);
}

static int by_path(const void *a, const void *b)
{
	const struct ifx_object *x = *(const struct ifx_object *const *)a;
	const struct ifx_object *y = *(const struct ifx_object *const *)b;

	return ifx_str_cmp(x->source->real, y->source->real);
}

static bool read_all(struct reading *r, const struct ifx_inputs *inputs)
{
	struct ifx_estate *estate = r->estate;

	ifx_environments_find(&estate->kustomize);
	r->partition = ifx_partition_new(&estate->kustomize, inputs, r->options, &estate->arena);
	if (!r->partition || !read_files(r, inputs) || !make_environments(r))
		return false;
	share_settings(estate);
	if (estate->n_kustomizations)
		qsort(estate->kustomizations, estate->n_kustomizations,
		      sizeof(*estate->kustomizations), by_path);
	if (!ifx_inline_read(estate) || !ifx_patches_apply(estate))
		return false;
	for (size_t i = 0; i < estate->n_environments; i++)
		if (!ifx_namespaces_decide(estate, &estate->environments[i]))
			return false;
	return !estate->failed && !estate->kustomize.failed;
}

ifx_status ifx_estate_read(struct ifx_estate *estate, const struct ifx_inputs *inputs,
			   const struct ifx_estate_options *options, ifx_complain_fn *complain,
			   void *data)
{
	struct reading r = {
		.estate = estate, .options = options, .complain = complain, .data = data
	};
	bool ok;

	*estate = (struct ifx_estate){ 0 };
	ifx_arena_init(&estate->arena, ESTATE_MEMORY_MAX);
	ifx_environments_init(&estate->kustomize, inputs);
	ok = read_all(&r, inputs);
	ifx_partition_free(r.partition);
	ifx_free(r.found);
	if (!ok)
		return IFX_ENOMEM;
	return r.incomplete ? IFX_EIO : IFX_OK;
}

void ifx_estate_release(struct ifx_estate *estate)
{
	/* Embedded documents were made after their hosts. */
	while (estate->n_docs)
		ifx_doc_free(estate->docs[--estate->n_docs]);
	ifx_free(estate->docs);
	ifx_free(estate->kustomizations);
	for (size_t i = 0; i < estate->n_environments; i++)
		ifx_free(estate->environments[i].namespaces);
	ifx_environments_release(&estate->kustomize);
	ifx_arena_release(&estate->arena);
}
