#include "yaml/roots.h"

#include "yaml/path.h"

static ifx_str annotation(const struct ifx_resource *r, const char *key)
{
	return ifx_get_text(ifx_get(r->metadata, IFX_LIT("annotations")), ifx_str_of(key));
}

static bool is_local(const struct ifx_resource *r)
{
	ifx_str text = annotation(r, "config.kubernetes.io/local-config");

	return text.ptr && !ifx_str_eq(text, IFX_LIT("false"));
}

static bool injected(const struct ifx_node *pod)
{
	const struct ifx_node *metadata = ifx_get(pod, IFX_LIT("metadata"));
	const struct ifx_node *annotations = ifx_get(metadata, IFX_LIT("annotations"));

	return ifx_get(annotations, IFX_LIT("sidecar.istio.io/status")) != NULL;
}

static const char *live_dump(const struct ifx_resource *r)
{
	const struct ifx_node *status = ifx_get(r->node, IFX_LIT("status"));
	const struct ifx_node *spec = ifx_get(r->node, IFX_LIT("spec"));

	if (ifx_get(r->metadata, IFX_LIT("managedFields")))
		return "it has managedFields, so it is a dump of a live object";
	/* `status: {}` is what generators write. */
	if (ifx_is(status, IFX_MAP) && status->n)
		return "it has a status, so it is a dump of a live object";
	if (injected(r->node) || injected(ifx_get(spec, IFX_LIT("template"))))
		return "the proxy is injected already";
	return NULL;
}

static bool add_resource(struct ifx_resource ***link, const struct ifx_doc *doc,
			 const struct ifx_node *node, ifx_str api, ifx_str kind,
			 struct ifx_arena *arena)
{
	struct ifx_resource *r = ifx_arena_alloc(arena, sizeof(*r));
	size_t slash = ifx_str_chr(api, '/');

	if (!r)
		return false;
	r->doc = doc;
	r->node = node;
	r->group = IFX_LIT("");
	r->version = api;
	if (slash != SIZE_MAX) {
		r->group = ifx_str_sub(api, 0, slash);
		r->version = ifx_str_sub(api, slash + 1, api.len - slash - 1);
	}
	r->kind = kind;
	r->metadata = ifx_get(node, IFX_LIT("metadata"));
	if (!ifx_is(r->metadata, IFX_MAP))
		r->metadata = NULL;
	r->name = ifx_get_text(r->metadata, IFX_LIT("name"));
	r->namespace = ifx_get_text(r->metadata, IFX_LIT("namespace"));
	r->local = is_local(r);
	r->live = live_dump(r);
	**link = r;
	*link = &r->next;
	return true;
}

/* api and kind: those of the list, for items that do not write theirs. */
static bool take(struct ifx_resource ***link, const struct ifx_doc *doc,
		 const struct ifx_node *node, ifx_str api, ifx_str kind, int depth,
		 struct ifx_arena *arena)
{
	const struct ifx_node *items;
	ifx_str own_api, own_kind;

	node = ifx_deref(node);
	if (!ifx_is(node, IFX_MAP))
		return true;
	own_api = ifx_get_text(node, IFX_LIT("apiVersion"));
	own_kind = ifx_get_text(node, IFX_LIT("kind"));
	if (!own_kind.len)
		own_kind = kind;
	if (!own_api.len)
		own_api = api;
	items = ifx_get(node, IFX_LIT("items"));
	if (!ifx_str_ends(own_kind, IFX_LIT("List")) || !ifx_is(items, IFX_SEQ) || depth > 4)
		return add_resource(link, doc, node, own_api, own_kind, arena);
	if (ifx_str_eq(own_kind, IFX_LIT("List")) || ifx_str_eq(own_kind, IFX_LIT("ResourceList")))
		own_kind = own_api = IFX_NONE;
	else
		own_kind.len -= 4;
	for (const struct ifx_entry *e = items->first; e; e = e->next)
		if (!take(link, doc, e->value, own_api, own_kind, depth + 1, arena))
			return false;
	return true;
}

bool ifx_roots(struct ifx_resource **first, const struct ifx_doc *doc, struct ifx_arena *arena)
{
	struct ifx_resource **link = first;

	*first = NULL;
	return take(&link, doc, doc->root, IFX_NONE, IFX_NONE, 0, arena);
}

bool ifx_is_kubernetes(const struct ifx_resource *r)
{
	return r->version.len && r->kind.len;
}

bool ifx_is_in_build(const struct ifx_resource *r)
{
	return annotation(r, IFX_BUILD_ID).ptr != NULL;
}
