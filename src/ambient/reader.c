#include "ambient/reader.h"

void ifx_reader_flaw(struct ifx_reader *r, const struct ifx_node *at, ifx_str what)
{
	if (r->scope->flaw.ptr)
		return;
	r->scope->flaw = what;
	r->scope->flaw_at = at;
}

void *ifx_reader_take(struct ifx_reader *r, size_t n, size_t size)
{
	void *p = ifx_arena_alloc(r->arena, n * size);

	if (!p)
		r->failed = true;
	return p;
}

const struct ifx_node *ifx_reader_list(struct ifx_reader *r, const struct ifx_node *node)
{
	if (!node || ifx_is_null(node))
		return NULL;
	if (!ifx_is(node, IFX_SEQ)) {
		ifx_reader_flaw(r, node, IFX_LIT("a list belongs here"));
		return NULL;
	}
	return node->n ? node : NULL;
}

const struct ifx_node *ifx_reader_map(struct ifx_reader *r, const struct ifx_node *node)
{
	if (!node || ifx_is_null(node))
		return NULL;
	if (!ifx_is(node, IFX_MAP)) {
		ifx_reader_flaw(r, node, IFX_LIT("a map belongs here"));
		return NULL;
	}
	return node;
}

void ifx_reader_expect(struct ifx_reader *r, const struct ifx_node *map, const char *const *known)
{
	for (const struct ifx_entry *e = map ? map->first : NULL; e; e = e->next) {
		ifx_str key = ifx_text(e->key);
		const char *const *k = known;

		if (ifx_str_eq(key, IFX_LIT("<<")))
			continue;
		while (*k && !ifx_str_eq(key, ifx_str_of(*k)))
			k++;
		if (!*k)
			ifx_reader_flaw(r, e->key, IFX_LIT("a field that istio-fix does not know"));
	}
}

struct ifx_strs ifx_reader_strings(struct ifx_reader *r, const struct ifx_node *node)
{
	struct ifx_strs out = { 0 };
	ifx_str *list;

	node = ifx_reader_list(r, node);
	list = node ? ifx_reader_take(r, node->n, sizeof(*list)) : NULL;
	if (!list)
		return out;
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		const struct ifx_node *value = ifx_deref(e->value);

		if (ifx_is(value, IFX_SCALAR) && ifx_text(value).len)
			list[out.n++] = ifx_text(value);
		else
			ifx_reader_flaw(r, e->value,
					IFX_LIT("a string that is not empty belongs here"));
	}
	out.list = list;
	return out;
}

/* --- who it is for ------------------------------------------------------------------------- */

static void read_selector(struct ifx_reader *r, const struct ifx_node *selector)
{
	static const char *const known[] = { "matchLabels", NULL };
	const struct ifx_node *labels;

	selector = ifx_reader_map(r, selector);
	if (!selector)
		return;
	ifx_reader_expect(r, selector, known);
	labels = ifx_reader_map(r, ifx_get(selector, IFX_LIT("matchLabels")));
	if (labels && ifx_labels_read(&r->scope->selector, labels, r->arena) != IFX_OK)
		r->failed = true;
	if (labels && r->scope->selector.n != labels->n)
		ifx_reader_flaw(r, labels, IFX_LIT("labels are strings, each of them once"));
	r->scope->has_selector = r->scope->selector.n > 0;
	/* An empty map of labels is a selector all the same: it reaches ztunnel. */
	r->scope->empty_selector = !labels;
}

static void read_target(struct ifx_reader *r, struct ifx_target *out, const struct ifx_node *ref)
{
	static const char *const known[] = { "group", "kind", "name", "namespace", NULL };

	ref = ifx_reader_map(r, ref);
	if (!ref)
		return;
	ifx_reader_expect(r, ref, known);
	if (ifx_get_text(ref, IFX_LIT("namespace")).len)
		ifx_reader_flaw(r, ifx_get(ref, IFX_LIT("namespace")),
				IFX_LIT("a reference has no namespace"));
	out->group = ifx_get_text(ref, IFX_LIT("group"));
	out->kind = ifx_get_text(ref, IFX_LIT("kind"));
	out->name = ifx_get_text(ref, IFX_LIT("name"));
	if (!out->kind.len || !out->name.len)
		ifx_reader_flaw(r, ref, IFX_LIT("a reference needs kind and name"));
}

static void read_targets(struct ifx_reader *r, const struct ifx_node *spec)
{
	const struct ifx_node *refs = ifx_reader_list(r, ifx_get(spec, IFX_LIT("targetRefs")));
	const struct ifx_node *ref = ifx_reader_map(r, ifx_get(spec, IFX_LIT("targetRef")));
	size_t n = refs ? refs->n : ref ? 1 : 0;
	struct ifx_target *list = n ? ifx_reader_take(r, n, sizeof(*list)) : NULL;

	if (!list)
		return;
	if (refs)
		for (const struct ifx_entry *e = refs->first; e; e = e->next)
			read_target(r, &list[e->index], ifx_deref(e->value));
	else
		read_target(r, &list[0], ref);
	r->scope->targets = list;
	r->scope->n_targets = n;
	if (refs && ref)
		ifx_reader_flaw(r, ref, IFX_LIT("targetRef and targetRefs exclude each other"));
	if (r->scope->has_selector)
		ifx_reader_flaw(r, refs ? refs : ref,
				IFX_LIT("selector and targetRefs exclude each other"));
}

const struct ifx_node *ifx_reader_scope(struct ifx_reader *r, const struct ifx_node *resource,
					ifx_str namespace)
{
	const struct ifx_node *metadata = ifx_get(resource, IFX_LIT("metadata"));
	const struct ifx_node *spec;

	r->scope->name = ifx_get_text(metadata, IFX_LIT("name"));
	r->scope->namespace = namespace;
	r->scope->at = resource;
	spec = ifx_reader_map(r, ifx_get(resource, IFX_LIT("spec")));
	if (!spec)
		return NULL;
	read_selector(r, ifx_get(spec, IFX_LIT("selector")));
	read_targets(r, spec);
	return spec;
}
