#include "environment.h"

#include "base/alloc.h"
#include "resources.h"

#include <stdlib.h>

/** Directories above a file that are searched for a kustomization which lists it as a patch. */
enum { KUSTOMIZATION_LEVELS = 16, KUSTOMIZE_DEPTH = 32 };

void ifx_environments_init(struct ifx_environments *e, const struct ifx_inputs *inputs)
{
	*e = (struct ifx_environments){ .inputs = inputs };
	ifx_arena_init(&e->arena, (size_t)4 << 30);
	ifx_resolver_init(&e->resolver);
}

void ifx_environments_release(struct ifx_environments *e)
{
	for (size_t i = 0; i < IFX_AS_KINDS; i++)
		ifx_free(e->members[i].items);
	ifx_free(e->patches);
	ifx_free(e->slots);
	ifx_free(e->roots);
	ifx_resolver_release(&e->resolver);
	ifx_arena_release(&e->arena);
}

static ifx_str keep(struct ifx_environments *e, ifx_str text)
{
	ifx_str copy;

	if (!text.ptr)
		return text;
	copy = ifx_arena_copy(&e->arena, text);
	if (!copy.ptr)
		e->failed = true;
	return copy;
}

ifx_str ifx_environments_real(struct ifx_environments *e, const char *path)
{
	struct ifx_buf real;
	ifx_str copy = IFX_NONE;

	ifx_buf_init(&real, 1 << 16);
	if (ifx_resolver_resolve(&e->resolver, &real, path) == IFX_OK)
		copy = keep(e, ifx_buf_str(&real));
	ifx_buf_release(&real);
	return copy;
}

static ifx_str parent(ifx_str path)
{
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

bool ifx_is_kustomization(ifx_str path)
{
	size_t slash = path.len;

	while (slash && path.ptr[slash - 1] != '/')
		slash--;
	path = ifx_str_sub(path, slash, path.len - slash);
	return ifx_str_eq(path, IFX_LIT("kustomization.yaml")) ||
	       ifx_str_eq(path, IFX_LIT("kustomization.yml")) ||
	       ifx_str_eq(path, IFX_LIT("Kustomization"));
}

bool ifx_is_cluster_wide(ifx_str kind)
{
	return ifx_str_eq(kind, IFX_LIT("Namespace")) ||
	       ifx_str_eq(kind, IFX_LIT("GatewayClass")) ||
	       ifx_str_starts(kind, IFX_LIT("Cluster"));
}

ifx_str ifx_deployed_namespace(ifx_str kind, ifx_str by_kustomization, ifx_str written,
			       ifx_str otherwise)
{
	if (ifx_is_cluster_wide(kind))
		return IFX_NONE;
	if (by_kustomization.ptr)
		return by_kustomization;
	return written.len ? written : otherwise;
}

/* ---- the table of kustomizations ---- */

/* FNV-1a */
static size_t hash_of(ifx_str text)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.ptr[i]) * 1099511628211u;
	return (size_t)h;
}

static struct ifx_kustomization *find_kustomization(const struct ifx_environments *e, ifx_str dir)
{
	struct ifx_kustomization *k = e->n_slots ? e->slots[hash_of(dir) & (e->n_slots - 1)] : NULL;

	while (k && !ifx_str_eq(k->dir, dir))
		k = k->chain;
	return k;
}

static bool grow_table(struct ifx_environments *e)
{
	size_t n = e->n_slots ? e->n_slots * 2 : 64;
	struct ifx_kustomization **slots;

	if (e->n_kustomizations < e->n_slots)
		return true;
	slots = ifx_calloc(n, sizeof(*slots));
	if (!slots)
		return false;
	for (struct ifx_kustomization *k = e->first; k; k = k->next) {
		size_t i = hash_of(k->dir) & (n - 1);

		k->chain = slots[i];
		slots[i] = k;
	}
	ifx_free(e->slots);
	e->slots = slots;
	e->n_slots = n;
	return true;
}

static struct ifx_kustomization *add_kustomization(struct ifx_environments *e, ifx_str dir)
{
	struct ifx_kustomization *k = ifx_arena_alloc(&e->arena, sizeof(*k));
	size_t slot;

	if (!k || !grow_table(e)) {
		e->failed = true;
		return NULL;
	}
	k->dir = keep(e, dir);
	slot = hash_of(dir) & (e->n_slots - 1);
	k->chain = e->slots[slot];
	e->slots[slot] = k;
	*(e->last ? &e->last->next : &e->first) = k;
	e->last = k;
	e->n_kustomizations++;
	return k;
}

/* ---- reading one ---- */

struct reading {
	struct ifx_environments *e;
	struct ifx_kustomization *k;
	ifx_str path;
};

static ifx_str listed_path(struct ifx_environments *e, const struct ifx_kustomization *k,
			   ifx_str path)
{
	ifx_str joined;

	/* A patch may be written inline, and a resource may be an address. */
	if (!path.len || ifx_str_chr(path, '\n') != SIZE_MAX)
		return IFX_NONE;
	joined = ifx_arena_printf(&e->arena, "%.*s/%.*s", IFX_ARG(k->dir), IFX_ARG(path));
	return joined.ptr ? ifx_environments_real(e, joined.ptr) : IFX_NONE;
}

static void add_patch(struct ifx_environments *e, struct ifx_kustomization *k, ifx_str path)
{
	ifx_str real = listed_path(e, k, path), *list;

	if (!real.ptr)
		return;
	k->patches[k->n_patches++] = real;
	list = ifx_grow(e->patches, &e->cap_patches, e->n_patches + 1, sizeof(*list));
	if (!list) {
		e->failed = true;
		return;
	}
	e->patches = list;
	list[e->n_patches++] = real;
}

static const struct ifx_entry *first_item(const struct ifx_node *list)
{
	return ifx_is(list, IFX_SEQ) ? list->first : NULL;
}

static size_t count_items(const struct ifx_node *list)
{
	return ifx_is(list, IFX_SEQ) ? list->n : 0;
}

static bool read_patches(struct ifx_environments *e, struct ifx_kustomization *k,
			 const struct ifx_node *node)
{
	const struct ifx_node *merged = ifx_get(node, IFX_LIT("patchesStrategicMerge"));
	const struct ifx_node *patches = ifx_get(node, IFX_LIT("patches"));
	size_t n = count_items(merged) + count_items(patches);

	k->n_patches = 0;
	k->patches = ifx_arena_alloc(&e->arena, (n + 1) * sizeof(*k->patches));
	if (!k->patches)
		return false;
	for (const struct ifx_entry *item = first_item(merged); item; item = item->next)
		if (ifx_is(item->value, IFX_SCALAR))
			add_patch(e, k, ifx_text(item->value));
	for (const struct ifx_entry *item = first_item(patches); item; item = item->next)
		add_patch(e, k, ifx_get_text(item->value, IFX_LIT("path")));
	return true;
}

static bool read_lists(struct ifx_environments *e, struct ifx_kustomization *k,
		       const struct ifx_node *node)
{
	static const char *const lists[] = { "resources", "bases", "components" };
	enum { N_LISTS = sizeof(lists) / sizeof(*lists) };
	size_t n = 0;

	for (size_t i = 0; i < N_LISTS; i++)
		n += count_items(ifx_get(node, ifx_str_of(lists[i])));
	k->n_reaches = 0;
	k->reaches = ifx_arena_alloc(&e->arena, (n + 1) * sizeof(*k->reaches));
	if (!k->reaches)
		return false;
	for (size_t i = 0; i < N_LISTS; i++) {
		const struct ifx_node *list = ifx_get(node, ifx_str_of(lists[i]));

		for (const struct ifx_entry *item = first_item(list); item; item = item->next) {
			ifx_str real = ifx_is(item->value, IFX_SCALAR)
					       ? listed_path(e, k, ifx_text(item->value))
					       : IFX_NONE;

			if (real.ptr)
				k->reaches[k->n_reaches++] = real;
		}
	}
	return true;
}

static void see_kustomization(void *data, const struct ifx_resource *r, size_t number)
{
	struct reading *reading = data;
	struct ifx_environments *e = reading->e;
	struct ifx_kustomization *k = reading->k;

	(void)number;
	k->file = ifx_environments_real(e, reading->path.ptr);
	if (!read_patches(e, k, r->node) || !read_lists(e, k, r->node)) {
		e->failed = true;
		return;
	}
	k->namespace = keep(e, ifx_get_text(r->node, IFX_LIT("namespace")));
}

static struct ifx_kustomization *read_kustomization(struct ifx_environments *e, ifx_str dir)
{
	static const char *const names[] = { "kustomization.yaml", "kustomization.yml",
					     "Kustomization" };
	static const char *const needles[] = { ":", NULL };
	struct ifx_kustomization *k = find_kustomization(e, dir);

	if (k)
		return k;
	k = add_kustomization(e, dir);
	for (size_t i = 0; k && i < sizeof(names) / sizeof(*names); i++) {
		struct reading reading = { e, k, IFX_NONE };

		reading.path = ifx_arena_printf(&e->arena, "%.*s/%s", IFX_ARG(k->dir), names[i]);
		if (!reading.path.ptr ||
		    !ifx_resources_of_file(reading.path.ptr, needles, see_kustomization, &reading))
			e->failed = true;
	}
	return k;
}

static void read_input(struct ifx_environments *e)
{
	if (e->read)
		return;
	e->read = true;
	for (size_t i = 0; i < e->inputs->n; i++) {
		struct ifx_kustomization *k;
		ifx_str real;

		if (!ifx_is_kustomization(e->inputs->items[i].path))
			continue;
		real = ifx_environments_real(e, e->inputs->items[i].path.ptr);
		k = real.ptr ? read_kustomization(e, parent(real)) : NULL;
		if (k)
			k->in_input = true;
	}
}

static int by_text(const void *a, const void *b)
{
	return ifx_str_cmp(*(const ifx_str *)a, *(const ifx_str *)b);
}

/* The kustomization that lists a patch lies above it, or is part of the input. */
bool ifx_environments_is_patch(struct ifx_environments *e, ifx_str real)
{
	ifx_str dir = real;

	if (!real.ptr)
		return false;
	read_input(e);
	for (int i = 0; i < KUSTOMIZATION_LEVELS && dir.len > 1; i++) {
		dir = parent(dir);
		read_kustomization(e, dir);
	}
	if (e->n_sorted != e->n_patches)
		qsort(e->patches, e->n_patches, sizeof(*e->patches), by_text);
	e->n_sorted = e->n_patches;
	return e->n_patches &&
	       bsearch(&real, e->patches, e->n_patches, sizeof(*e->patches), by_text);
}

/* ---- environments ---- */

static void add_member(struct ifx_environments *e, ifx_as as, struct ifx_membership member)
{
	struct ifx_members *m = &e->members[as];
	struct ifx_membership *items;

	if (!member.file.ptr)
		return;
	items = ifx_grow(m->items, &m->cap, m->n + 1, sizeof(*items));
	if (!items) {
		e->failed = true;
		return;
	}
	m->items = items;
	items[m->n++] = member;
}

/*
 * The outermost kustomization that sets a namespace decides it. One that is reached twice in the
 * same way adds nothing.
 */
static void reach(struct ifx_environments *e, struct ifx_kustomization *k,
		  struct ifx_membership member, int depth)
{
	struct ifx_way *way;

	if (!member.namespace.ptr)
		member.namespace = k->namespace;
	if (depth > KUSTOMIZE_DEPTH ||
	    (k->seen_in == member.environment && ifx_str_eq(k->seen_as, member.namespace)))
		return;
	k->seen_in = member.environment;
	k->seen_as = member.namespace;
	way = ifx_arena_alloc(&e->arena, sizeof(*way));
	if (!way) {
		e->failed = true;
		return;
	}
	*way = (struct ifx_way){ k, member.way };
	member.way = way;
	member.file = k->file;
	add_member(e, IFX_AS_KUSTOMIZATION, member);
	for (size_t i = 0; i < k->n_patches; i++) {
		member.file = k->patches[i];
		add_member(e, IFX_AS_PATCH, member);
	}
	for (size_t i = 0; i < k->n_reaches; i++) {
		struct ifx_kustomization *below = find_kustomization(e, k->reaches[i]);

		member.file = k->reaches[i];
		if (below)
			reach(e, below, member, depth + 1);
		else
			add_member(e, IFX_AS_RESOURCE, member);
	}
}

static int by_dir(const void *a, const void *b)
{
	const struct ifx_kustomization *x = *(struct ifx_kustomization *const *)a;
	const struct ifx_kustomization *y = *(struct ifx_kustomization *const *)b;

	return ifx_str_cmp(x->dir, y->dir);
}

static void find_roots(struct ifx_environments *e)
{
	struct ifx_kustomization **list;

	for (const struct ifx_kustomization *k = e->first; k; k = k->next)
		for (size_t i = 0; k->in_input && i < k->n_reaches; i++) {
			struct ifx_kustomization *below = find_kustomization(e, k->reaches[i]);

			if (below && below != k)
				below->reached = true;
		}
	for (struct ifx_kustomization *k = e->first; k; k = k->next) {
		if (!k->in_input || k->reached)
			continue;
		list = ifx_grow(e->roots, &e->cap_roots, e->n_roots + 1, sizeof(*list));
		if (!list) {
			e->failed = true;
			return;
		}
		e->roots = list;
		list[e->n_roots++] = k;
	}
	if (e->n_roots)
		qsort(e->roots, e->n_roots, sizeof(*e->roots), by_dir);
}

static int by_file(const void *a, const void *b)
{
	const struct ifx_membership *x = a, *y = b;
	int c = ifx_str_cmp(x->file, y->file);

	return c ? c : (x->environment > y->environment) - (x->environment < y->environment);
}

void ifx_environments_find(struct ifx_environments *e)
{
	if (e->found)
		return;
	e->found = true;
	read_input(e);
	find_roots(e);
	for (size_t i = 0; i < e->n_roots; i++)
		reach(e, e->roots[i], (struct ifx_membership){ .environment = i + 1 }, 0);
	for (size_t i = 0; i < IFX_AS_KINDS; i++)
		if (e->members[i].n)
			qsort(e->members[i].items, e->members[i].n, sizeof(*e->members[i].items),
			      by_file);
}

size_t ifx_environments_of(struct ifx_environments *e, ifx_as as, ifx_str real, size_t *first)
{
	const struct ifx_members *m = &e->members[as];
	size_t lo = 0, hi, n = 0;

	ifx_environments_find(e);
	hi = real.ptr ? m->n : 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ifx_str_cmp(m->items[mid].file, real) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*first = lo;
	while (real.ptr && lo + n < m->n && ifx_str_eq(m->items[lo + n].file, real))
		n++;
	return n;
}
