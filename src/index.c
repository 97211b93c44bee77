#include "index.h"

#include "base/alloc.h"
#include "yaml/load.h"
#include "yaml/roots.h"

/** Directories above a file that are searched for a kustomization. */
enum { KUSTOMIZATION_LEVELS = 16 };

void ifx_index_init(struct ifx_index *index, const struct ifx_inputs *inputs)
{
	*index = (struct ifx_index){ .inputs = inputs };
	ifx_arena_init(&index->arena, (size_t)1 << 30);
}

void ifx_index_release(struct ifx_index *index)
{
	ifx_free(index->gateways.items);
	ifx_free(index->patches.items);
	ifx_free(index->kustomized.items);
	ifx_arena_release(&index->arena);
}

static void add_name(struct ifx_index *index, struct ifx_names *list, ifx_str name)
{
	ifx_str *items = ifx_grow(list->items, &list->cap, list->n + 1, sizeof(*items));
	ifx_str copy = ifx_arena_copy(&index->arena, name);

	if (items)
		list->items = items;
	if (!items || !copy.ptr)
		index->failed = true;
	else
		items[list->n++] = copy;
}

static bool has_name(const struct ifx_names *list, ifx_str name)
{
	for (size_t i = 0; i < list->n; i++)
		if (ifx_str_eq(list->items[i], name))
			return true;
	return false;
}

/* Call `see` for every resource of a file that has the needle. What cannot be read is passed over.
 */
static void each_resource(struct ifx_index *index, const char *path, ifx_str needle,
			  void (*see)(struct ifx_index *, const struct ifx_resource *, ifx_str),
			  ifx_str dir)
{
	struct ifx_problem problem = { 0 };
	struct ifx_buf bytes, why;
	struct ifx_resource *r;
	struct ifx_doc *doc;
	struct stat st;
	size_t at = 0;
	ifx_span chunk;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	ifx_buf_init(&problem.text, 4096);
	if (ifx_file_read(&bytes, path, &st, &why) != IFX_OK)
		ifx_buf_clear(&bytes);
	while (ifx_stream_next(ifx_buf_str(&bytes), &at, &chunk)) {
		ifx_str text = ifx_str_sub(ifx_buf_str(&bytes), chunk.at, chunk.len);

		if (ifx_str_find(text, needle) == SIZE_MAX ||
		    ifx_precheck(text, &problem) != IFX_OK ||
		    ifx_doc_load(&doc, text, &problem) != IFX_OK)
			continue;
		if (!ifx_roots(&r, doc, &index->arena))
			index->failed = true;
		for (; r; r = r->next)
			see(index, r, dir);
		ifx_doc_free(doc);
	}
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	ifx_buf_release(&problem.text);
}

/* ---- gateways ---- */

static void see_gateway(struct ifx_index *index, const struct ifx_resource *r, ifx_str dir)
{
	(void)dir;
	if (ifx_str_eq(r->kind, IFX_LIT("Gateway")) &&
	    ifx_str_eq(r->group, IFX_LIT("gateway.networking.k8s.io")) && r->namespace.len &&
	    !ifx_get(ifx_get(r->metadata, IFX_LIT("labels")), IFX_LIT("istio.io/rev")))
		add_name(index, &index->gateways, r->namespace);
}

static bool has_gateway(void *data, ifx_str namespace)
{
	struct ifx_index *index = data;

	if (!index->has_gateways)
		for (size_t i = 0; i < index->inputs->n; i++)
			each_resource(index, index->inputs->items[i].path.ptr,
				      IFX_LIT("gateway.networking.k8s.io"), see_gateway, IFX_NONE);
	index->has_gateways = true;
	return has_name(&index->gateways, namespace);
}

/* ---- kustomize patches ---- */

static void add_patch(struct ifx_index *index, ifx_str dir, ifx_str path)
{
	struct ifx_buf real;
	ifx_str joined;

	/* A patch may be written inline, where a path would be. */
	if (!path.len || ifx_str_chr(path, '\n') != SIZE_MAX)
		return;
	joined = ifx_arena_printf(&index->arena, "%.*s/%.*s", IFX_ARG(dir), IFX_ARG(path));
	ifx_buf_init(&real, 1 << 16);
	if (joined.ptr && ifx_path_resolve(&real, joined.ptr) == IFX_OK)
		add_name(index, &index->patches, ifx_buf_str(&real));
	ifx_buf_release(&real);
}

static void see_kustomization(struct ifx_index *index, const struct ifx_resource *r, ifx_str dir)
{
	const struct ifx_node *list = ifx_get(r->node, IFX_LIT("patchesStrategicMerge"));

	for (const struct ifx_entry *e = ifx_is(list, IFX_SEQ) ? list->first : NULL; e; e = e->next)
		if (ifx_is(e->value, IFX_SCALAR))
			add_patch(index, dir, ifx_text(e->value));
	list = ifx_get(r->node, IFX_LIT("patches"));
	for (const struct ifx_entry *e = ifx_is(list, IFX_SEQ) ? list->first : NULL; e; e = e->next)
		add_patch(index, dir, ifx_get_text(e->value, IFX_LIT("path")));
}

static void read_kustomization(struct ifx_index *index, ifx_str dir)
{
	static const char *const names[] = { "kustomization.yaml", "kustomization.yml",
					     "Kustomization" };

	if (has_name(&index->kustomized, dir))
		return;
	add_name(index, &index->kustomized, dir);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ifx_str path = ifx_arena_printf(&index->arena, "%.*s/%s", IFX_ARG(dir), names[i]);

		if (path.ptr)
			each_resource(index, path.ptr, IFX_LIT("patches"), see_kustomization, dir);
	}
}

static ifx_str parent(ifx_str path)
{
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

/* The kustomization that lists a patch lies above it, or is part of the input. */
static bool is_patch(void *data)
{
	struct ifx_index *index = data;
	struct ifx_buf real;
	ifx_str dir;
	bool found = false;

	if (!index->file.len)
		return false;
	ifx_buf_init(&real, 1 << 16);
	if (ifx_path_resolve(&real, index->file.ptr) == IFX_OK) {
		dir = ifx_buf_str(&real);
		for (int i = 0; i < KUSTOMIZATION_LEVELS && dir.len > 1; i++) {
			dir = parent(dir);
			read_kustomization(index, dir);
		}
		for (size_t i = 0; i < index->inputs->n; i++) {
			ifx_str path = index->inputs->items[i].path;
			struct ifx_buf other;

			if (!ifx_str_ends(path, IFX_LIT("/kustomization.yaml")) &&
			    !ifx_str_ends(path, IFX_LIT("/kustomization.yml")))
				continue;
			ifx_buf_init(&other, 1 << 16);
			if (ifx_path_resolve(&other, path.ptr) == IFX_OK)
				read_kustomization(index, parent(ifx_buf_str(&other)));
			ifx_buf_release(&other);
		}
		found = has_name(&index->patches, ifx_buf_str(&real));
	}
	ifx_buf_release(&real);
	return found;
}

struct ifx_input_index ifx_index_questions(struct ifx_index *index)
{
	return (struct ifx_input_index){ has_gateway, is_patch, index };
}
