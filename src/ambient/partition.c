#include "ambient/partition.h"

#include "base/alloc.h"

#include <stdlib.h>

struct unit {
	ifx_str dir;   /* real path */
	ifx_str given; /* --environment as typed; ptr NULL: none */
	ifx_str label; /* its variants, with slashes between them */
	size_t environment;
};

struct ifx_partition {
	struct ifx_environments *kustomize;
	struct ifx_arena *arena;
	struct unit *units; /* roots of kustomizations, then directories, sorted */
	size_t n_units, n_roots;
	struct ifx_claim *claims;
	size_t n_claims, cap_claims;
	ifx_str *variants;
	size_t n_variants, cap_variants;
	size_t shared; /* bytes of the directory that is above all units */
};

static ifx_str directory(ifx_str path)
{
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	return ifx_str_sub(path, 0, path.len > 1 ? path.len - 1 : path.len);
}

static bool is_below(ifx_str path, ifx_str dir)
{
	return ifx_str_starts(path, dir) &&
	       (path.len == dir.len || path.ptr[dir.len] == '/' || dir.len == 1);
}

static int by_text(const void *a, const void *b)
{
	return ifx_str_cmp(*(const ifx_str *)a, *(const ifx_str *)b);
}

/* ---- units ---- */

static bool is_plain(struct ifx_environments *kustomize, ifx_str real)
{
	size_t first;

	for (int as = 0; as < IFX_AS_KINDS; as++)
		if (ifx_environments_of(kustomize, (ifx_as)as, real, &first))
			return false;
	return true;
}

static bool find_units(struct ifx_partition *p, const struct ifx_inputs *inputs)
{
	struct ifx_environments *kustomize = p->kustomize;
	ifx_str *dirs = ifx_calloc(inputs->n + 1, sizeof(*dirs));
	size_t n = 0;

	if (!dirs)
		return false;
	for (size_t i = 0; i < inputs->n; i++) {
		ifx_str real = ifx_environments_real(kustomize, inputs->items[i].path.ptr);

		if (real.ptr && is_plain(kustomize, real))
			dirs[n++] = directory(real);
	}
	qsort(dirs, n, sizeof(*dirs), by_text);
	p->n_roots = kustomize->n_roots;
	p->units = ifx_arena_alloc(p->arena, (p->n_roots + n + 1) * sizeof(*p->units));
	for (size_t i = 0; p->units && i < p->n_roots; i++)
		p->units[p->n_units++].dir = kustomize->roots[i]->dir;
	for (size_t i = 0; p->units && i < n; i++)
		if (!i || !ifx_str_eq(dirs[i], dirs[i - 1]))
			p->units[p->n_units++].dir = dirs[i];
	ifx_free(dirs);
	return p->units != NULL;
}

static void find_given(struct ifx_partition *p, const struct ifx_estate_options *options)
{
	for (size_t k = 0; k < options->n_environments; k++) {
		ifx_str dir = ifx_environments_real(p->kustomize, options->environments[k].ptr);

		for (size_t i = 0; dir.ptr && i < p->n_units; i++)
			if (!p->units[i].given.ptr && is_below(p->units[i].dir, dir))
				p->units[i].given = options->environments[k];
	}
}

/* Length of the directory above both; paths are absolute. */
static size_t common(ifx_str a, ifx_str b)
{
	size_t n = 0, at = 0;

	while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n])
		if (a.ptr[n++] == '/')
			at = n - 1;
	if ((n == a.len || a.ptr[n] == '/') && (n == b.len || b.ptr[n] == '/'))
		at = n;
	return at;
}

struct ifx_partition *ifx_partition_new(struct ifx_environments *kustomize,
					const struct ifx_inputs *inputs,
					const struct ifx_estate_options *options,
					struct ifx_arena *arena)
{
	struct ifx_partition *p = ifx_calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->kustomize = kustomize;
	p->arena = arena;
	if (!find_units(p, inputs)) {
		ifx_partition_free(p);
		return NULL;
	}
	find_given(p, options);
	p->shared = p->n_units ? p->units[0].dir.len : 0;
	for (size_t i = 1; i < p->n_units; i++) {
		ifx_str above = ifx_str_sub(p->units[0].dir, 0, p->shared);

		p->shared = common(above, p->units[i].dir);
	}
	return p;
}

void ifx_partition_free(struct ifx_partition *p)
{
	if (!p)
		return;
	ifx_free(p->claims);
	ifx_free(p->variants);
	ifx_free(p);
}

size_t ifx_partition_unit(const struct ifx_partition *p, const struct ifx_membership *m,
			  ifx_str real)
{
	ifx_str dir = directory(real);
	size_t lo = p->n_roots, hi = p->n_units;

	if (m)
		return m->environment - 1;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (ifx_str_cmp(p->units[mid].dir, dir) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

bool ifx_partition_claim(struct ifx_partition *p, ifx_str key, size_t unit)
{
	struct ifx_claim *list =
		ifx_grow(p->claims, &p->cap_claims, p->n_claims + 1, sizeof(*list));

	if (!list)
		return false;
	p->claims = list;
	list[p->n_claims++] = (struct ifx_claim){ key, unit };
	return true;
}

/* ---- variants ---- */

static bool add_variant(struct ifx_partition *p, ifx_str path, size_t from)
{
	size_t end;
	ifx_str *list;

	while (from < path.len && path.ptr[from] == '/')
		from++;
	for (end = from; end < path.len && path.ptr[end] != '/'; end++)
		;
	if (end == from)
		return true;
	list = ifx_grow(p->variants, &p->cap_variants, p->n_variants + 1, sizeof(*list));
	if (!list)
		return false;
	p->variants = list;
	list[p->n_variants++] = ifx_str_sub(path, from, end - from);
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct ifx_claim *x = a, *y = b;
	int c = ifx_str_cmp(x->key, y->key);

	return c ? c : (x->unit > y->unit) - (x->unit < y->unit);
}

/* Units are sorted by directory within each sort, so neighbours part where any two do. */
static bool find_variants(struct ifx_partition *p)
{
	size_t n = 0;

	if (p->n_claims)
		qsort(p->claims, p->n_claims, sizeof(*p->claims), by_key);
	for (size_t i = 1; i < p->n_claims; i++) {
		const struct unit *a = &p->units[p->claims[i - 1].unit];
		const struct unit *b = &p->units[p->claims[i].unit];
		size_t at;

		if (a == b || !ifx_str_eq(p->claims[i - 1].key, p->claims[i].key) || a->given.ptr ||
		    b->given.ptr)
			continue;
		at = common(a->dir, b->dir);
		if (!add_variant(p, a->dir, at) || !add_variant(p, b->dir, at))
			return false;
	}
	if (p->n_variants)
		qsort(p->variants, p->n_variants, sizeof(*p->variants), by_text);
	for (size_t i = 0; i < p->n_variants; i++)
		if (!n || !ifx_str_eq(p->variants[n - 1], p->variants[i]))
			p->variants[n++] = p->variants[i];
	p->n_variants = n;
	return true;
}

static bool label(struct ifx_partition *p, struct unit *u)
{
	ifx_str rest = ifx_str_sub(u->dir, p->shared, u->dir.len - p->shared), piece;
	struct ifx_buf text;

	ifx_buf_init(&text, 1 << 16);
	while (ifx_str_split(&rest, '/', &piece)) {
		if (!piece.len || !p->n_variants ||
		    !bsearch(&piece, p->variants, p->n_variants, sizeof(piece), by_text))
			continue;
		if (text.len)
			ifx_buf_addc(&text, '/');
		ifx_buf_add(&text, piece);
	}
	u->label = ifx_arena_copy(p->arena, ifx_buf_str(&text));
	ifx_buf_release(&text);
	return u->label.ptr != NULL;
}

/* ---- environments ---- */

static int by_label(const void *a, const void *b)
{
	const struct unit *x = *(struct unit *const *)a, *y = *(struct unit *const *)b;
	int c = (x->given.ptr != NULL) - (y->given.ptr != NULL);

	if (!c)
		c = ifx_str_cmp(x->given, y->given);
	if (!c)
		c = ifx_str_cmp(x->label, y->label);
	return c ? c : (x > y) - (x < y);
}

static bool is_alike(const struct unit *a, const struct unit *b)
{
	if (a->given.ptr || b->given.ptr)
		return a->given.ptr && b->given.ptr && ifx_str_eq(a->given, b->given);
	return ifx_str_eq(a->label, b->label);
}

static void group(struct unit **order, size_t n_units, struct ifx_environment *list, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < n_units; i++) {
		struct unit *u = order[i];
		struct ifx_environment *e;

		if (!i || !is_alike(order[i - 1], u)) {
			e = &list[(*n)++];
			e->number = *n - 1;
			e->root = u->dir;
			e->name = u->given.ptr ? u->given : u->label.len ? u->label : IFX_LIT(".");
			e->common = !u->given.ptr && !u->label.len;
		}
		e = &list[*n - 1];
		e->root = ifx_str_sub(e->root, 0, common(e->root, u->dir));
		u->environment = e->number;
	}
}

bool ifx_partition_make(struct ifx_partition *p, struct ifx_environment **list, size_t *n)
{
	struct unit **order = ifx_calloc(p->n_units + 1, sizeof(*order));
	bool ok = order && find_variants(p);

	*list = ifx_arena_alloc(p->arena, (p->n_units + 1) * sizeof(**list));
	ok = ok && *list;
	for (size_t i = 0; ok && i < p->n_units; i++) {
		order[i] = &p->units[i];
		ok = label(p, &p->units[i]);
	}
	if (ok) {
		qsort(order, p->n_units, sizeof(*order), by_label);
		group(order, p->n_units, *list, n);
	}
	ifx_free(order);
	return ok;
}

size_t ifx_partition_environment(const struct ifx_partition *p, size_t unit)
{
	return p->units[unit].environment;
}
