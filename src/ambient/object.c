/* Questions about what was read: objects and their places, environments by name. */
#include "ambient/estate.h"

/* ---- sources ---- */

bool ifx_source_lines(struct ifx_estate *estate, struct ifx_source *source)
{
	size_t n = 1, at;

	for (at = ifx_line_next(source->bytes, 0); at < source->bytes.len;
	     at = ifx_line_next(source->bytes, at))
		n++;
	source->lines = ifx_arena_alloc(&estate->arena, n * sizeof(*source->lines));
	if (!source->lines)
		return false;
	for (at = 0; source->n_lines < n; at = ifx_line_next(source->bytes, at))
		source->lines[source->n_lines++] = at;
	return true;
}

void ifx_source_place(const struct ifx_source *source, size_t at, size_t *line, size_t *column)
{
	size_t lo = 0, hi = source->n_lines, start;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (source->lines[mid] <= at)
			lo = mid;
		else
			hi = mid;
	}
	*line = lo + 1;
	*column = 1;
	start = source->n_lines ? source->lines[lo] : 0;
	if (!start && ifx_str_starts(source->bytes, IFX_LIT("\xEF\xBB\xBF")))
		start = 3;
	for (size_t i = start; i < at && i < source->bytes.len; i++)
		*column += ((unsigned char)source->bytes.ptr[i] & 0xC0) != 0x80;
}

/* ---- objects, namespaces, environments ---- */

struct ifx_namespace *ifx_estate_namespace(const struct ifx_environment *e, ifx_str name)
{
	size_t lo = 0, hi = e->n_namespaces;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = ifx_str_cmp(e->namespaces[mid]->name, name);

		if (!c)
			return e->namespaces[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

ifx_str ifx_root_namespace(const struct ifx_environment *e)
{
	return e->settings.root_namespace.value.len ? e->settings.root_namespace.value
						    : IFX_LIT("istio-system");
}

ifx_str ifx_trust_domain(const struct ifx_environment *e)
{
	return e->settings.trust_domain.value.len ? e->settings.trust_domain.value
						  : IFX_LIT("cluster.local");
}

ifx_str ifx_object_kind_name(const struct ifx_object *o)
{
	if (o->kind == IFX_KUSTOMIZATION)
		return IFX_LIT("kustomization");
	if (o->kind == IFX_HELM_VALUES)
		return IFX_LIT("Helm values");
	return o->r->kind;
}

struct ifx_object *ifx_object_named(const struct ifx_namespace *ns, ifx_object_kind kind,
				    ifx_str name)
{
	struct ifx_object *o = ns->objects[kind].first;

	while (o && (o->patch || !ifx_str_eq(o->r->name, name)))
		o = o->next;
	return o;
}

const struct ifx_node *ifx_object_spec(const struct ifx_object *o)
{
	return ifx_get(o->r->node, IFX_LIT("spec"));
}

size_t ifx_object_offset(const struct ifx_object *o, const struct ifx_node *node)
{
	const struct ifx_doc *doc = node->doc;
	size_t at = node->span.at;

	for (; doc->host; doc = doc->host->doc)
		at = doc->host_map[at];
	return o->at + at;
}

const struct ifx_object *ifx_estate_kustomization(const struct ifx_estate *estate,
						  const struct ifx_kustomization *k)
{
	size_t lo = 0, hi = estate->n_kustomizations;

	while (k->file.ptr && lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = ifx_str_cmp(estate->kustomizations[mid]->source->real, k->file);

		if (!c)
			return estate->kustomizations[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}
