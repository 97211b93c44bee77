#include "krm/site.h"

#include "yaml/load.h"

/* ---- which resource, which entry ---- */

/* helm writes `# Source: chart/templates/x.yaml` above each document. */
static ifx_str source_comment(const struct ifx_doc *doc)
{
	const ifx_str mark = IFX_LIT("# Source: ");
	size_t end = doc->root ? doc->root->span.at : 0;
	ifx_str source = IFX_NONE;

	for (size_t i = 0; i < doc->n_comments && doc->comments[i].span.at < end; i++) {
		ifx_str text = ifx_comment_text(doc, i);

		if (ifx_str_starts(text, mark))
			source = ifx_str_trim(ifx_str_sub(text, mark.len, text.len - mark.len));
	}
	return source;
}

bool ifx_sites_open(struct ifx_sites *sites, const struct ifx_doc *doc, struct ifx_arena *arena)
{
	struct ifx_resource *first;
	bool ok = ifx_roots(&first, doc, arena);

	*sites = (struct ifx_sites){ .doc = doc, .source = source_comment(doc) };
	if (ok)
		sites->resources = sites->at = first;
	return ok;
}

static bool holds(const struct ifx_node *node, size_t at)
{
	return node && node->span.at <= at && at <= node->span.at + node->span.len;
}

/* The entry of a collection that `at` is in; what stands between two entries belongs to the first.
 */
static const struct ifx_entry *entry_at(const struct ifx_node *node, size_t at)
{
	const struct ifx_entry *found = NULL;

	for (const struct ifx_entry *e = node->first; e && e->start <= at; e = e->next)
		found = e;
	return found;
}

static const struct ifx_entry *innermost(const struct ifx_node *node, size_t at)
{
	const struct ifx_entry *found = NULL, *e;

	while (node && (node->kind == IFX_MAP || node->kind == IFX_SEQ)) {
		e = entry_at(node, at);
		if (!e)
			break;
		found = e;
		node = holds(e->value, at) ? e->value : NULL;
	}
	return found;
}

/* ---- where it came from ---- */

static ifx_str annotation(const struct ifx_node *object, const char *key)
{
	const struct ifx_node *metadata = ifx_get(object, IFX_LIT("metadata"));

	return ifx_get_text(ifx_get(metadata, IFX_LIT("annotations")), ifx_str_of(key));
}

/* Value of a key in the short text that kustomize writes: one `key: value` each line. */
static ifx_str line_value(ifx_str text, ifx_str key)
{
	ifx_str line;

	while (ifx_str_split(&text, '\n', &line))
		if (ifx_str_starts(line, key))
			return ifx_str_trim(ifx_str_sub(line, key.len, line.len - key.len));
	return IFX_NONE;
}

/* A file of another repository is no file of the user's. */
static ifx_str kustomize_origin(ifx_str text)
{
	ifx_str path = line_value(text, IFX_LIT("path: "));

	if (line_value(text, IFX_LIT("repo: ")).ptr)
		return IFX_NONE;
	return path.ptr ? path : line_value(text, IFX_LIT("configuredIn: "));
}

static ifx_str either(const struct ifx_node *object, const char *key, const char *legacy)
{
	ifx_str text = annotation(object, key);

	return text.ptr ? text : annotation(object, legacy);
}

/*
 * `kustomize build` invents paths between two functions, and marks all resources with an id of its
 * own; where that is, only the origin annotation tells the truth.
 */
static struct ifx_origin said_by(const struct ifx_node *object)
{
	struct ifx_origin o = { IFX_NONE, IFX_NONE };
	ifx_str text = annotation(object, "config.kubernetes.io/origin");

	if (text.ptr) {
		o.path = kustomize_origin(text);
	} else if ((text = annotation(object, "postrenderer.helm.sh/postrender-filename")).len) {
		o.path = text;
	} else if (!annotation(object, IFX_BUILD_ID).ptr) {
		o.path = either(object, "internal.config.kubernetes.io/path",
				"config.kubernetes.io/path");
		if (o.path.ptr)
			o.index = either(object, "internal.config.kubernetes.io/index",
					 "config.kubernetes.io/index");
	}
	return o;
}

/* The object in whose list the object is; NULL: it is in none. */
static const struct ifx_node *owner_of(const struct ifx_node *object)
{
	const struct ifx_node *list = object->entry ? object->entry->in : NULL;

	return list && list->entry ? list->entry->in : NULL;
}

/* What a List says holds for its items. */
static struct ifx_origin origin_of(const struct ifx_resource *r, ifx_str source)
{
	for (const struct ifx_node *object = r->node; object; object = owner_of(object)) {
		struct ifx_origin o = said_by(object);

		if (o.path.len)
			return o;
	}
	return (struct ifx_origin){ source, IFX_NONE };
}

/* Comments above a resource are its own, and behind the dash of an item of a list, too. */
static size_t start_of(const struct ifx_resource *r)
{
	return r->node->entry ? r->node->entry->start : 0;
}

bool ifx_sites_find(struct ifx_sites *sites, size_t at, struct ifx_site *site)
{
	const struct ifx_resource *r = sites->at;

	if (r && start_of(r) > at)
		r = sites->resources; /* an alias leads back, which is rare */
	while (r && r->next && start_of(r->next) <= at)
		r = r->next;
	*site = (struct ifx_site){ 0 };
	if (!r)
		return false;
	sites->at = r;
	if (at < start_of(r) || at > r->node->span.at + r->node->span.len)
		return false;
	site->resource = r;
	site->entry = innermost(r->node, at);
	site->origin = origin_of(r, sites->source);
	return true;
}

static bool is_named(const struct ifx_resource *r, const struct ifx_finding *f)
{
	return ifx_str_eq(r->group, f->group) && ifx_str_eq(r->kind, f->kind) &&
	       ifx_str_eq(r->name, f->name) && ifx_str_eq(r->namespace, f->namespace);
}

const struct ifx_resource *ifx_sites_named(const struct ifx_sites *sites,
					   const struct ifx_finding *f)
{
	const struct ifx_resource *r =
		sites->at && is_named(sites->at, f) ? sites->at : sites->resources;

	while (r && !is_named(r, f))
		r = r->next;
	return r;
}

ifx_str ifx_site_field(const struct ifx_site *site, struct ifx_arena *arena)
{
	ifx_str path, above;

	if (!site->entry)
		return IFX_LIT("");
	path = ifx_path_of_entry(site->entry, arena);
	above = ifx_path_of(site->resource->node, arena);
	if (!path.ptr || !above.ptr)
		return IFX_NONE;
	path = ifx_str_sub(path, above.len, path.len - above.len);
	return ifx_str_starts(path, IFX_LIT(".")) ? ifx_str_sub(path, 1, path.len - 1) : path;
}

/* ---- for reports ---- */

static ifx_status tell(struct ifx_finding *f, struct ifx_sites *sites, size_t at, bool hidden,
		       struct ifx_arena *arena)
{
	struct ifx_site site;

	if (!ifx_sites_find(sites, at, &site) || (!site.origin.path.len && !hidden))
		return IFX_OK;
	f->field = ifx_site_field(&site, arena);
	f->origin = ifx_arena_copy(arena, site.origin.path);
	if (!f->kind.ptr) { /* of what is said about suppressions */
		f->group = ifx_arena_copy(arena, site.resource->group);
		f->kind = ifx_arena_copy(arena, site.resource->kind);
		f->namespace = ifx_arena_copy(arena, site.resource->namespace);
		f->name = ifx_arena_copy(arena, site.resource->name);
	}
	return f->field.ptr && f->origin.ptr ? IFX_OK : IFX_ENOMEM;
}

/* Findings [first, end) are those of one document. */
static ifx_status tell_document(ifx_str text, ifx_span chunk, struct ifx_finding *const *first,
				struct ifx_finding *const *end, bool hidden,
				struct ifx_arena *arena)
{
	struct ifx_problem problem = { 0 };
	struct ifx_sites sites;
	struct ifx_doc *doc;
	ifx_status st;

	ifx_buf_init(&problem.text, 4096);
	st = ifx_doc_load(&doc, ifx_str_sub(text, chunk.at, chunk.len), &problem);
	ifx_buf_release(&problem.text);
	if (st != IFX_OK) /* what cannot be read has no resources */
		return st == IFX_ENOMEM ? st : IFX_OK;
	st = ifx_sites_open(&sites, doc, arena) ? IFX_OK : IFX_ENOMEM;
	for (; first < end && st == IFX_OK; first++)
		st = tell(*first, &sites, (*first)->at - chunk.at, hidden, arena);
	ifx_doc_free(doc);
	return st;
}

ifx_status ifx_sites_tell(ifx_str text, struct ifx_finding *const *findings, size_t n, bool hidden,
			  struct ifx_arena *arena)
{
	struct ifx_finding *const *first = findings, *const *all = findings + n;
	ifx_status st = IFX_OK;
	size_t at = 0;
	ifx_span chunk;

	while (first < all && st == IFX_OK && ifx_stream_next(text, &at, &chunk)) {
		struct ifx_finding *const *end = first;

		while (end < all && (*end)->at < chunk.at + chunk.len)
			end++;
		if (end > first)
			st = tell_document(text, chunk, first, end, hidden, arena);
		first = end;
	}
	return st;
}
