#include "ambient/inline.h"

#include "ambient/pods.h"
#include "base/alloc.h"

#include <stdlib.h>

/* What is passed along while the patches of one kustomization are read. */
struct deployed;
struct reading {
	struct ifx_estate *estate;
	struct ifx_object *k;          /* the kustomization */
	const struct ifx_node *target; /* of the patch; NULL: none */
	const struct deployed *own;    /* namespaces that the kustomization deploys */
	size_t n_own;
};

bool ifx_inline_keep_list(struct ifx_estate *estate, const struct ifx_source *source,
			  const struct ifx_node *root)
{
	struct ifx_estate_list *list;

	if (!ifx_is(root, IFX_SEQ))
		return true;
	list = ifx_arena_alloc(&estate->arena, sizeof(*list));
	if (!list)
		return false;
	*list = (struct ifx_estate_list){ source, root, estate->lists };
	estate->lists = list;
	return true;
}

/* ---- which Namespaces ---- */

/* A kustomization deploys a namespace. */
struct deployed {
	const struct ifx_kustomization *by;
	size_t number; /* of the namespace */
};

static int by_pointer(const void *a, const void *b)
{
	const struct deployed *x = a, *y = b;
	uintptr_t i = (uintptr_t)x->by, k = (uintptr_t)y->by;

	if (i != k)
		return i < k ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* All pairs of an environment; the array is the caller's. False: no memory. */
static bool find_deployed(struct deployed **list, size_t *n, const struct ifx_environment *e)
{
	size_t cap = 0, kept = 0;

	*list = NULL;
	*n = 0;
	for (size_t i = 0; i < e->n_namespaces; i++)
		for (const struct ifx_object *o = e->namespaces[i]->objects[IFX_NAMESPACE].first; o;
		     o = o->next)
			for (const struct ifx_way *way = o->way; way; way = way->outer) {
				struct deployed *grown =
					ifx_grow(*list, &cap, *n + 1, sizeof(*grown));

				if (!grown)
					return false;
				*list = grown;
				grown[(*n)++] = (struct deployed){ way->by, i };
			}
	if (*n)
		qsort(*list, *n, sizeof(**list), by_pointer);
	for (size_t i = 0; i < *n; i++)
		if (!kept || by_pointer(&(*list)[kept - 1], &(*list)[i]))
			(*list)[kept++] = (*list)[i];
	*n = kept;
	return true;
}

/* Those of one kustomization. */
static void find_own(struct reading *r, const struct deployed *list, size_t n)
{
	const struct deployed key = { r->k->way->by, 0 };
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_pointer(&list[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	r->own = list + lo;
	for (r->n_own = 0; lo + r->n_own < n && r->own[r->n_own].by == key.by; r->n_own++)
		;
}

/* The name in the tree, before a kustomization's `namespace` renamed it. */
static bool has_name(const struct ifx_namespace *ns, ifx_str name)
{
	for (const struct ifx_object *o = ns->objects[IFX_NAMESPACE].first; o; o = o->next)
		if (ifx_str_eq(o->r->name, name))
			return true;
	return ifx_str_eq(ns->name, name);
}

/* body: what the patch itself says; ptr NULL: it says nothing. */
static bool is_for(const struct reading *r, const struct ifx_namespace *ns, ifx_str body)
{
	ifx_str kind = ifx_get_text(r->target, IFX_LIT("kind"));
	ifx_str name = ifx_get_text(r->target, IFX_LIT("name"));

	if (kind.len && !ifx_str_eq(kind, IFX_LIT("Namespace")))
		return false;
	if (!r->target)
		name = body;
	/* A target's name is a regular expression; one that is no plain name may fit. */
	return !name.len || ifx_str_chr(name, '*') != SIZE_MAX || has_name(ns, name);
}

/* ---- strategic merges ---- */

static struct ifx_object *make(const struct reading *r, const struct ifx_resource *resource,
			       ifx_object_kind kind, struct ifx_namespace *ns)
{
	struct ifx_object *o = ifx_arena_alloc(&r->estate->arena, sizeof(*o));

	if (!o)
		return NULL;
	*o = *r->k;
	o->kind = kind;
	o->r = resource;
	o->namespace = ns;
	o->patch = true;
	o->next = NULL;
	o->same = o;
	o->n_same = 1;
	ifx_estate_add_patch(o->environment, o);
	r->estate->n_objects++;
	return o;
}

static bool merge(const struct reading *r, const struct ifx_resource *resource)
{
	const struct ifx_environment *e = r->k->environment;
	struct ifx_object *o;

	if (ifx_str_eq(resource->kind, IFX_LIT("Namespace"))) {
		for (size_t i = 0; i < r->n_own; i++) {
			struct ifx_namespace *ns = e->namespaces[r->own[i].number];

			if (is_for(r, ns, resource->name) && !make(r, resource, IFX_NAMESPACE, ns))
				return false;
		}
		return true;
	}
	if (!ifx_fact_workload(resource->group, resource->kind))
		return true;
	o = make(r, resource, IFX_WORKLOAD,
		 resource->namespace.len ? ifx_estate_namespace(e, resource->namespace) : NULL);
	return o && ifx_pods_read(r->estate, o);
}

/* ---- JSON patches ---- */

static bool operate(const struct reading *r, const struct ifx_node *operations)
{
	const struct ifx_environment *e = r->k->environment;

	for (size_t i = 0; i < r->n_own; i++) {
		struct ifx_namespace *ns = e->namespaces[r->own[i].number];
		struct ifx_json_patch **link = &ns->json_patches, *p;

		if (!r->target || !is_for(r, ns, IFX_NONE))
			continue;
		p = ifx_arena_alloc(&r->estate->arena, sizeof(*p));
		if (!p)
			return false;
		*p = (struct ifx_json_patch){ operations, r->k, NULL };
		while (*link)
			link = &(*link)->next;
		*link = p;
	}
	return true;
}

/* ---- all ---- */

static bool read_text(const struct reading *r, const struct ifx_node *text)
{
	const struct ifx_node *root;
	struct ifx_resource *resource;

	/* A path has no line break; a patch in one line would be a flow map. */
	if (ifx_str_chr(ifx_text(text), '\n') == SIZE_MAX &&
	    ifx_str_chr(ifx_text(text), '{') == SIZE_MAX)
		return true;
	if (!ifx_estate_embedded(r->estate, &root, text))
		return false;
	if (ifx_is(root, IFX_SEQ))
		return operate(r, root);
	if (!root)
		return true;
	if (!ifx_roots(&resource, root->doc, &r->estate->arena))
		return false;
	for (; resource; resource = resource->next)
		if (!merge(r, resource))
			return false;
	return true;
}

/* A JSON patch in a file of its own. Those lists are few. */
static bool read_file(struct reading *r, ifx_str path)
{
	const struct ifx_estate_list *l = path.len ? r->estate->lists : NULL;
	ifx_str joined, real = IFX_NONE;

	if (!l)
		return true;
	joined = ifx_arena_printf(&r->estate->arena, "%.*s/%.*s", IFX_ARG(r->k->way->by->dir),
				  IFX_ARG(path));
	if (joined.ptr)
		real = ifx_environments_real(&r->estate->kustomize, joined.ptr);
	for (; l && real.ptr; l = l->next)
		if (ifx_str_eq(l->source->real, real) && !operate(r, l->root))
			return false;
	return joined.ptr != NULL;
}

static bool read_kustomization(struct reading *r)
{
	static const char *const lists[] = { "patches", "patchesStrategicMerge",
					     "patchesJson6902" };
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const struct ifx_node *list = ifx_get(r->k->r->node, ifx_str_of(lists[i]));

		for (const struct ifx_entry *e = ifx_is(list, IFX_SEQ) ? list->first : NULL; e;
		     e = e->next) {
			const struct ifx_node *item = ifx_deref(e->value);
			bool text = ifx_is(item, IFX_SCALAR);

			r->target = text ? NULL : ifx_get(item, IFX_LIT("target"));
			if (!read_text(r, text ? item : ifx_get(item, IFX_LIT("patch"))) ||
			    !read_file(r, text ? IFX_NONE : ifx_get_text(item, IFX_LIT("path"))))
				return false;
		}
	}
	return true;
}

static bool read_environment(struct ifx_estate *estate, struct ifx_environment *e)
{
	struct deployed *list;
	size_t n;
	bool ok = find_deployed(&list, &n, e);

	for (struct ifx_object *k = e->objects[IFX_KUSTOMIZATION].first; ok && k; k = k->next) {
		struct reading r = { .estate = estate, .k = k };

		/* One above all roots deploys nothing. */
		if (!k->way)
			continue;
		find_own(&r, list, n);
		ok = read_kustomization(&r);
	}
	ifx_free(list);
	return ok;
}

bool ifx_inline_read(struct ifx_estate *estate)
{
	for (size_t i = 0; i < estate->n_environments; i++)
		if (!read_environment(estate, &estate->environments[i]))
			return false;
	return true;
}
