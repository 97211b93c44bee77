#include "ambient/changes.h"

#include "ambient/passage.h"
#include "base/alloc.h"
#include "edit/documents.h"
#include "edit/plan.h"
#include "yaml/load.h"
#include "yaml/scalar.h"

#include <stdlib.h>
#include <unistd.h>

/* Memory for wishes, new texts and edits of the whole tree. Bytes. */
#define CHANGES_MEMORY_MAX ((size_t)8 << 30)

void ifx_changes_init(struct ifx_changes *c, struct ifx_estate *estate)
{
	*c = (struct ifx_changes){ .estate = estate };
	ifx_arena_init(&c->arena, CHANGES_MEMORY_MAX);
}

static void forget_rewrites(struct ifx_changes *c)
{
	for (size_t i = 0; i < c->n_rewrites; i++)
		ifx_edits_release(&c->rewrites[i].edits);
	c->n_rewrites = 0;
}

void ifx_changes_release(struct ifx_changes *c)
{
	forget_rewrites(c);
	ifx_free(c->wishes);
	ifx_arena_release(&c->arena);
}

static struct ifx_wish *copy_wish(struct ifx_changes *c, const struct ifx_wish *wish)
{
	struct ifx_wish *copy = ifx_arena_alloc(&c->arena, sizeof(*copy));
	struct ifx_place *place;

	if (!copy)
		return NULL;
	*copy = *wish;
	if (wish->verb != IFX_WISH_OP)
		return copy;
	copy->op.doc = wish->o->r->node->doc;
	if (!wish->op.to)
		return copy;
	place = ifx_arena_alloc(&c->arena, sizeof(*place));
	if (!place)
		return NULL;
	*place = *wish->op.to;
	copy->op.to = place;
	copy->op.n_to = 1;
	return copy;
}

void ifx_wish(struct ifx_changes *c, const struct ifx_wish *wish)
{
	struct ifx_wish **list = ifx_grow(c->wishes, &c->cap, c->n + 1, sizeof(*list));
	struct ifx_wish *copy = list ? copy_wish(c, wish) : NULL;

	if (list)
		c->wishes = list;
	if (!copy) {
		c->failed = true;
		return;
	}
	copy->order = c->n;
	list[c->n++] = copy;
	wish->by->n_wishes++;
}

ifx_str ifx_source_document(const struct ifx_source *source, size_t at)
{
	size_t next = at;
	ifx_span span;

	if (!ifx_stream_next(source->bytes, &next, &span))
		return IFX_LIT("");
	return ifx_str_sub(source->bytes, span.at, span.len);
}

/* ---- the same wish of several namespaces ---- */

static int by_pointer(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

	return (x > y) - (x < y);
}

static int compare_op(const struct ifx_op *a, const struct ifx_op *b)
{
	const struct ifx_node *x = a->to ? a->to->base : NULL, *y = b->to ? b->to->base : NULL;
	int c = (int)a->verb - (int)b->verb;

	if (!c)
		c = by_pointer(a->entry, b->entry);
	if (!c)
		c = by_pointer(a->node, b->node);
	if (!c)
		c = by_pointer(x, y);
	if (!c)
		c = ifx_str_cmp(a->key, b->key);
	return c ? c : ifx_str_cmp(a->value, b->value);
}

/* Wishes of one file together, and in it those that are equal. */
static int by_identity(const void *a, const void *b)
{
	const struct ifx_wish *x = *(struct ifx_wish *const *)a, *y = *(struct ifx_wish *const *)b;
	int c = by_pointer(x->o->source, y->o->source);

	if (!c)
		c = (x->o->document > y->o->document) - (x->o->document < y->o->document);
	if (!c)
		c = (int)x->verb - (int)y->verb;
	if (!c && x->verb == IFX_WISH_OP)
		c = compare_op(&x->op, &y->op);
	if (!c)
		c = ifx_str_cmp(x->name, y->name);
	if (!c)
		c = ifx_str_cmp(x->text, y->text);
	return c;
}

static int by_identity_and_order(const void *a, const void *b)
{
	const struct ifx_wish *x = *(struct ifx_wish *const *)a, *y = *(struct ifx_wish *const *)b;
	int c = by_identity(a, b);

	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
	const struct ifx_wish *x = *(struct ifx_wish *const *)a, *y = *(struct ifx_wish *const *)b;
	int c = by_pointer(x->o->source, y->o->source);

	if (!c)
		c = (x->o->document > y->o->document) - (x->o->document < y->o->document);
	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static bool same_environment(const struct ifx_wish *a, const struct ifx_wish *b)
{
	return a->by->ns->environment == b->by->ns->environment;
}

static void hold_shared(struct ifx_wish *w, size_t wished)
{
	ifx_passage_hold(
		w->by, "C40", w->o, w->at,
		"'%.*s' is deployed to %zu environments, and only in %zu of them this would change (%.*s); "
		"split it into overlays, or migrate them together",
		IFX_ARG(w->o->source->path), w->o->n_same, wished, IFX_ARG(w->what));
}

/*
 * Mark repeated wishes. What not all environments of a file wish holds those that do. False:
 * somebody was held.
 */
static bool check_shared(struct ifx_wish **list, size_t n)
{
	bool held = false;

	for (size_t i = 0, end; i < n; i = end) {
		size_t environments = 1;

		list[i]->repeats = NULL;
		for (end = i + 1; end < n && by_identity(&list[i], &list[end]) == 0; end++) {
			environments += !same_environment(list[end - 1], list[end]);
			list[end]->repeats = list[i];
		}
		if (environments >= list[i]->o->n_same)
			continue;
		for (size_t k = i; k < end; k++)
			hold_shared(list[k], environments);
		held = true;
	}
	return !held;
}

/* ---- one file ---- */

struct compile {
	struct ifx_changes *c;
	struct ifx_wish **live; /* not held, not repeated; by file, document and order */
	size_t n;
	struct ifx_wish **derived; /* of kustomizations */
	size_t n_derived, cap_derived;
	struct ifx_rewrite *out;
	size_t n_out;
	bool held; /* somebody was held: it is not finished */
};

static void hold_all(struct compile *x, struct ifx_wish *const *list, size_t n, ifx_status st,
		     struct ifx_buf *why)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i]->by->held)
			continue;
		ifx_passage_hold(list[i]->by, "edit", list[i]->o, list[i]->at,
				 st == IFX_EREFUSED ? "%.*s cannot be done here: %.*s"
						    : "%.*s: the proof failed, nothing is "
						      "written (%.*s); please report this",
				 IFX_ARG(list[i]->what), IFX_ARG(ifx_buf_str(why)));
	}
	x->held = true;
}

/* Operations in one document as edits of its text. */
static ifx_status compile_document(struct compile *x, struct ifx_wish *const *list, size_t n,
				   struct ifx_edits *edits, struct ifx_buf *why)
{
	const struct ifx_doc *doc = list[0]->o->r->node->doc;
	const struct ifx_op **ops = ifx_arena_alloc(&x->c->arena, (n + 1) * sizeof(*ops));
	struct ifx_doc *after;
	size_t n_ops = 0;
	ifx_status st;
	ifx_str text;

	if (!ops)
		return IFX_ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (list[i]->verb == IFX_WISH_OP)
			ops[n_ops++] = &list[i]->op;
	ifx_edits_init(edits);
	if (!n_ops)
		return IFX_OK;
	st = ifx_compile_and_prove(&text, &after, edits, doc, ops, n_ops, &x->c->arena, why);
	if (st == IFX_OK)
		ifx_doc_free(after);
	return st;
}

/* Wishes of one document as operations on the stream. */
static size_t document_ops(struct ifx_wish *const *list, size_t n, const struct ifx_edits *edits,
			   struct ifx_document_op *out)
{
	size_t document = list[0]->o->document - 1, k = 0;

	if (edits->n)
		out[k++] = (struct ifx_document_op){ .verb = IFX_DOCUMENT_CHANGE,
						     .at = document,
						     .edits = edits };
	for (size_t i = 0; i < n; i++) {
		if (list[i]->verb == IFX_WISH_DROP)
			out[k++] = (struct ifx_document_op){ .verb = IFX_DOCUMENT_DROP,
							     .at = document };
		else if (list[i]->verb == IFX_WISH_BEHIND)
			out[k++] = (struct ifx_document_op){ .verb = IFX_DOCUMENT_ADD,
							     .at = document,
							     .text = list[i]->text };
	}
	return k;
}

static int by_wish_order(const void *a, const void *b)
{
	const struct ifx_wish *x = *(struct ifx_wish *const *)a, *y = *(struct ifx_wish *const *)b;

	return (x->order > y->order) - (x->order < y->order);
}

/* New documents at the end of a file, in the order in which they were wished. */
static ifx_status add_to_end(struct compile *x, struct ifx_wish *const *list, size_t n,
			     struct ifx_document_op *ops, size_t *n_ops)
{
	struct ifx_wish **ends = ifx_arena_alloc(&x->c->arena, (n + 1) * sizeof(*ends));
	size_t k = 0;

	if (!ends)
		return IFX_ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (list[i]->verb == IFX_WISH_END)
			ends[k++] = list[i];
	qsort(ends, k, sizeof(*ends), by_wish_order);
	for (size_t i = 0; i < k; i++)
		ops[(*n_ops)++] = (struct ifx_document_op){ .verb = IFX_DOCUMENT_ADD,
							    .at = IFX_DOCUMENT_END,
							    .text = ends[i]->text };
	return IFX_OK;
}

static void add_rewrite(struct compile *x, struct ifx_rewrite rewrite)
{
	x->out[x->n_out++] = rewrite;
}

/* All wishes of one file. */
static ifx_status compile_file(struct compile *x, struct ifx_wish *const *list, size_t n)
{
	const struct ifx_source *source = list[0]->o->source;
	struct ifx_document_op *ops = ifx_arena_alloc(&x->c->arena, (2 * n + 1) * sizeof(*ops));
	struct ifx_edits *inner = ifx_arena_alloc(&x->c->arena, n * sizeof(*inner)), edits;
	struct ifx_buf why;
	size_t n_ops = 0, n_inner = 0;
	ifx_status st = ops && inner ? IFX_OK : IFX_ENOMEM;
	ifx_str after;

	ifx_buf_init(&why, 1 << 16);
	for (size_t i = 0, end; i < n && st == IFX_OK; i = end) {
		end = i + 1;
		while (end < n && list[end]->o->document == list[i]->o->document)
			end++;
		st = compile_document(x, list + i, end - i, &inner[n_inner], &why);
		if (st == IFX_OK)
			n_ops += document_ops(list + i, end - i, &inner[n_inner++], ops + n_ops);
		else if (st != IFX_ENOMEM)
			hold_all(x, list + i, end - i, st, &why);
	}
	if (st == IFX_OK)
		st = add_to_end(x, list, n, ops, &n_ops);
	if (st == IFX_OK) {
		st = ifx_documents_edit(&edits, &after, source->bytes, ops, n_ops, &x->c->arena,
					&why);
		if (st == IFX_OK && edits.n)
			add_rewrite(x, (struct ifx_rewrite){ .source = source,
							     .path = source->path,
							     .after = after,
							     .edits = edits,
							     .removed = !after.len,
							     .wishes = list,
							     .n_wishes = n });
		else if (st != IFX_OK && st != IFX_ENOMEM)
			hold_all(x, list, n, st, &why);
	}
	for (size_t i = 0; i < n_inner; i++)
		ifx_edits_release(&inner[i]);
	ifx_buf_release(&why);
	return st == IFX_ENOMEM ? st : IFX_OK;
}

/* ---- new files ---- */

static ifx_str directory_of(ifx_str path)
{
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	return path;
}

/* A wish that follows from another one. */
static ifx_status derive(struct compile *x, const struct ifx_wish *wish)
{
	struct ifx_wish **list =
		ifx_grow(x->derived, &x->cap_derived, x->n_derived + 1, sizeof(*list));
	struct ifx_wish *copy = list ? copy_wish(x->c, wish) : NULL;

	if (list)
		x->derived = list;
	if (!copy)
		return IFX_ENOMEM;
	copy->order = x->c->n + x->n_derived;
	list[x->n_derived++] = copy;
	return IFX_OK;
}

/* The path from a kustomization's directory to a file of that name beside the object; ptr NULL: it
 * is not below it. */
static ifx_str listed_as(struct compile *x, const struct ifx_kustomization *by,
			 const struct ifx_object *o, ifx_str name)
{
	ifx_str dir = directory_of(o->source->real);

	if (!ifx_str_starts(dir, by->dir) || dir.len <= by->dir.len || dir.ptr[by->dir.len] != '/')
		return IFX_NONE;
	dir = ifx_str_sub(dir, by->dir.len + 1, dir.len - by->dir.len - 1);
	return ifx_arena_printf(&x->c->arena, "%.*s%.*s", IFX_ARG(dir), IFX_ARG(name));
}

/* The entry `resources: - path` is to be added to. */
static ifx_status list_file(struct compile *x, const struct ifx_wish *w, ifx_str name)
{
	const struct ifx_object *k =
		w->o->way ? ifx_estate_kustomization(x->c->estate, w->o->way->by) : NULL;
	const struct ifx_node *resources;
	struct ifx_place place;
	struct ifx_wish wish;
	ifx_str path;

	if (!w->o->way)
		return IFX_OK;
	path = k ? listed_as(x, w->o->way->by, w->o, name) : IFX_NONE;
	if (!path.ptr) {
		ifx_passage_hold(w->by, "edit", w->o, w->at,
				 "%.*s needs a new file, and its kustomization lists files of "
				 "another directory; add it there by hand",
				 IFX_ARG(w->what));
		x->held = true;
		return IFX_OK;
	}
	resources = ifx_get(k->r->node, IFX_LIT("resources"));
	wish = (struct ifx_wish){ .verb = IFX_WISH_OP, .by = w->by, .o = k, .what = w->what };
	if (ifx_is(resources, IFX_SEQ)) {
		if (resources->first &&
		    ifx_str_starts(ifx_text(resources->first->value), IFX_LIT("./")))
			path = ifx_arena_printf(&x->c->arena, "./%.*s", IFX_ARG(path));
		wish.op = (struct ifx_op){ .verb = IFX_OP_APPEND, .node = resources, .yaml = true };
		wish.op.value = path;
		wish.at = resources;
		return derive(x, &wish);
	}
	place = (struct ifx_place){ .base = k->r->node };
	wish.op =
		(struct ifx_op){ .verb = IFX_OP_INSERT,
				 .key = IFX_LIT("resources"),
				 .value = ifx_arena_printf(&x->c->arena, "- %.*s\n", IFX_ARG(path)),
				 .yaml = true,
				 .to = &place };
	return derive(x, &wish);
}

static bool is_derived(const struct compile *x, const struct ifx_entry *entry)
{
	for (size_t i = 0; i < x->n_derived; i++)
		if (x->derived[i]->op.entry == entry)
			return true;
	return false;
}

/* Does the item of a kustomization in `dir` name the file? */
static bool lists(const struct ifx_entry *item, ifx_str dir, ifx_str file)
{
	ifx_str name = ifx_text(item->value);

	if (ifx_str_starts(name, IFX_LIT("./")))
		name = ifx_str_sub(name, 2, name.len - 2);
	return name.len && file.len == dir.len + 1 + name.len && ifx_str_starts(file, dir) &&
	       ifx_str_ends(file, name);
}

/* Every kustomization that lists a file which goes lists it no longer. */
static ifx_status unlist_file(struct compile *x, const struct ifx_rewrite *r)
{
	const struct ifx_object *o = r->wishes[0]->o;
	ifx_status st = IFX_OK;

	/* The same file in each environment that deploys it. */
	for (size_t i = 0; i < r->wishes[0]->o->n_same && st == IFX_OK; i++, o = o->same) {
		const struct ifx_object *k =
			o->way ? ifx_estate_kustomization(x->c->estate, o->way->by) : NULL;
		const struct ifx_node *list = k ? ifx_get(k->r->node, IFX_LIT("resources")) : NULL;
		const struct ifx_entry *e = ifx_is(list, IFX_SEQ) ? list->first : NULL;
		struct ifx_wish wish = { .verb = IFX_WISH_OP,
					 .by = r->wishes[0]->by,
					 .o = k,
					 .what = IFX_LIT("no longer list an empty file") };

		while (e && !lists(e, o->way->by->dir, r->source->real))
			e = e->next;
		if (!e || is_derived(x, e))
			continue;
		wish.op = (struct ifx_op){ .verb = IFX_OP_REMOVE, .entry = e };
		wish.at = e->value;
		st = derive(x, &wish);
	}
	return st;
}

static bool is_taken(const struct compile *x, ifx_str path)
{
	for (size_t i = 0; i < x->n_out; i++)
		if (!x->out[i].source && ifx_str_eq(x->out[i].path, path))
			return true;
	return access(path.ptr, F_OK) == 0;
}

static ifx_status compile_new_file(struct compile *x, struct ifx_wish *const *list)
{
	const struct ifx_wish *w = list[0];
	struct ifx_arena *arena = &x->c->arena;
	ifx_str dir = directory_of(w->o->source->path), name = w->name, path;
	struct ifx_edits edits;
	ifx_status st;

	path = ifx_arena_printf(arena, "%.*s%.*s", IFX_ARG(dir), IFX_ARG(name));
	if (path.ptr && is_taken(x, path)) {
		name = ifx_arena_printf(arena, "%.*s-%.*s", IFX_ARG(w->by->ns->name),
					IFX_ARG(name));
		path = ifx_arena_printf(arena, "%.*s%.*s", IFX_ARG(dir), IFX_ARG(name));
	}
	if (!path.ptr)
		return IFX_ENOMEM;
	if (is_taken(x, path)) {
		ifx_passage_hold(w->by, "edit", w->o, w->at,
				 "%.*s needs a new file, and '%.*s' is there already",
				 IFX_ARG(w->what), IFX_ARG(path));
		x->held = true;
		return IFX_OK;
	}
	ifx_edits_init(&edits);
	st = ifx_edits_push(&edits, arena, (ifx_span){ 0, 0 }, w->text);
	if (st != IFX_OK)
		return st;
	add_rewrite(x, (struct ifx_rewrite){ .path = path,
					     .after = w->text,
					     .edits = edits,
					     .beside = w->o,
					     .wishes = list,
					     .n_wishes = 1 });
	return list_file(x, w, name);
}

/* ---- all ---- */

/* Wishes of namespaces that are not held; false: no memory. */
static bool collect(struct compile *x, bool shared)
{
	x->n = 0;
	for (size_t i = 0; i < x->c->n; i++)
		if (!x->c->wishes[i]->by->held && !(shared && x->c->wishes[i]->repeats))
			x->live[x->n++] = x->c->wishes[i];
	return true;
}

static bool is_kustomization(const struct ifx_wish *w)
{
	return w->o->kind == IFX_KUSTOMIZATION;
}

/* Files of `list`, each compiled; new files and kustomizations are passed over. */
static ifx_status compile_files(struct compile *x, struct ifx_wish **list, size_t n,
				bool kustomizations)
{
	ifx_status st = IFX_OK;

	for (size_t i = 0, end; i < n && st == IFX_OK; i = end) {
		size_t kept = i;

		for (end = i; end < n && list[end]->o->source == list[i]->o->source; end++)
			;
		if (is_kustomization(list[i]) != kustomizations)
			continue;
		while (kept < end && list[kept]->verb != IFX_WISH_FILE)
			kept++;
		if (kept > i)
			st = compile_file(x, list + i, kept - i);
	}
	return st;
}

/* Within a file: new files last. */
static int by_file_last(const void *a, const void *b)
{
	const struct ifx_wish *x = *(struct ifx_wish *const *)a, *y = *(struct ifx_wish *const *)b;
	int c = by_pointer(x->o->source, y->o->source);

	if (!c)
		c = (x->verb == IFX_WISH_FILE) - (y->verb == IFX_WISH_FILE);
	return c ? c : by_order(a, b);
}

static ifx_status compile_all(struct compile *x)
{
	size_t n_files = 0, before;
	struct ifx_wish **files, **last;
	ifx_status st;

	qsort(x->live, x->n, sizeof(*x->live), by_file_last);
	st = compile_files(x, x->live, x->n, false);
	before = x->n_out;
	files = ifx_arena_alloc(&x->c->arena, (x->n + 1) * sizeof(*files));
	if (st != IFX_OK || !files)
		return IFX_ENOMEM;
	for (size_t i = 0; i < x->n; i++)
		if (x->live[i]->verb == IFX_WISH_FILE)
			files[n_files++] = x->live[i];
	qsort(files, n_files, sizeof(*files), by_wish_order);
	for (size_t i = 0; i < n_files && st == IFX_OK; i++)
		st = compile_new_file(x, files + i);
	for (size_t i = 0; i < before && st == IFX_OK; i++)
		if (x->out[i].removed)
			st = unlist_file(x, &x->out[i]);
	if (st != IFX_OK)
		return st;
	/* Wishes about kustomizations, and what follows from the others. */
	last = ifx_arena_alloc(&x->c->arena, (x->n + x->n_derived + 1) * sizeof(*last));
	if (!last)
		return IFX_ENOMEM;
	n_files = 0;
	for (size_t i = 0; i < x->n; i++)
		if (is_kustomization(x->live[i]))
			last[n_files++] = x->live[i];
	for (size_t i = 0; i < x->n_derived; i++)
		last[n_files++] = x->derived[i];
	qsort(last, n_files, sizeof(*last), by_file_last);
	return compile_files(x, last, n_files, true);
}

static int by_path(const void *a, const void *b)
{
	const struct ifx_rewrite *x = a, *y = b;

	return ifx_str_cmp(x->path, y->path);
}

static ifx_status compile_once(struct compile *x)
{
	struct ifx_changes *c = x->c;
	size_t room = 2 * c->n + c->estate->n_kustomizations + 1;

	forget_rewrites(c);
	x->n_derived = x->n_out = 0;
	x->held = false;
	x->live = ifx_arena_alloc(&c->arena, (c->n + 1) * sizeof(*x->live));
	x->out = ifx_arena_alloc(&c->arena, room * sizeof(*x->out));
	if (!x->live || !x->out || !collect(x, false))
		return IFX_ENOMEM;
	qsort(x->live, x->n, sizeof(*x->live), by_identity_and_order);
	if (!check_shared(x->live, x->n)) {
		x->held = true;
		return IFX_OK;
	}
	collect(x, true);
	return compile_all(x);
}

ifx_status ifx_changes_compile(struct ifx_changes *c)
{
	struct compile x = { .c = c };
	ifx_status st;

	do {
		st = c->failed ? IFX_ENOMEM : compile_once(&x);
		c->rewrites = x.out;
		c->n_rewrites = x.n_out;
	} while (st == IFX_OK && x.held);
	ifx_free(x.derived);
	if (st == IFX_OK && c->n_rewrites)
		qsort(c->rewrites, c->n_rewrites, sizeof(*c->rewrites), by_path);
	return st;
}
