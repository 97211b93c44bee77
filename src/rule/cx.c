#include "rule/cx.h"

#include "rule/suppress.h"
#include "rule/duration.h"
#include "template/tree.h"
#include "yaml/load.h"
#include "yaml/path.h"

struct ifx_embedded_doc {
	const struct ifx_node *scalar;
	struct ifx_doc *doc; /* NULL: it does not parse */
	ifx_str why;
	struct ifx_embedded_doc *next;
};

const struct ifx_transform *ifx_cx_transform(const struct ifx_cx *cx)
{
	return cx->transform;
}

struct ifx_arena *ifx_cx_arena(struct ifx_cx *cx)
{
	return cx->arena;
}

int ifx_istio_minor(const struct ifx_cx *cx)
{
	return cx->policy->istio_minor ? cx->policy->istio_minor : IFX_ISTIO_NEWEST;
}

void ifx_cx_failed(struct ifx_cx *cx)
{
	cx->failed = true;
}

static void *alloc(struct ifx_cx *cx, size_t size)
{
	void *p = ifx_arena_alloc(cx->arena, size);

	if (!p)
		cx->failed = true;
	return p;
}

static ifx_str keep(struct ifx_cx *cx, ifx_str text)
{
	ifx_str copy;

	if (!text.ptr)
		return text;
	copy = ifx_arena_copy(cx->arena, text);
	if (!copy.ptr)
		cx->failed = true;
	return copy;
}

/* A copy for people: `{{...}}` stands for text of a mask. */
static ifx_str show(struct ifx_cx *cx, ifx_str text)
{
	ifx_str copy;

	if (!text.ptr || !ifx_is_masked(text))
		return keep(cx, text);
	copy = ifx_mask_show(text, cx->arena);
	if (!copy.ptr)
		cx->failed = true;
	return copy;
}

const char *ifx_chosen(struct ifx_cx *cx, bool *answered)
{
	const struct ifx_transform *t = cx->transform;

	*answered = cx->policy->level >= IFX_CHOICE;
	for (size_t i = cx->policy->n_picks; i > 0; i--) {
		const struct ifx_pick *pick = &cx->policy->picks[i - 1];

		if (!ifx_str_eq(pick->rule, ifx_str_of(t->id)))
			continue;
		for (const struct ifx_answer *a = t->answers; a && a->name; a++)
			if (ifx_str_eq(pick->answer, ifx_str_of(a->name))) {
				*answered = true;
				return a->name;
			}
	}
	return t->answers ? t->answers->name : NULL;
}

/* The answers of the transform's question: "effect|revision". */
static const char *choices(struct ifx_cx *cx)
{
	ifx_str list = IFX_LIT("");

	for (const struct ifx_answer *a = cx->transform->answers; a && a->name && list.ptr; a++)
		list = ifx_arena_printf(cx->arena, "%.*s%s%s", IFX_ARG(list), list.len ? "|" : "",
					a->name);
	if (!list.ptr)
		cx->failed = true;
	return list.ptr && list.len ? list.ptr : NULL;
}

/* Offset in the outermost source. */
static size_t outer_offset(const struct ifx_doc *doc, size_t at)
{
	return doc->host ? doc->host_map[at] : at;
}

/* Does nobody know what this says before the template is rendered? */
static bool is_from_template(const struct ifx_node *node)
{
	if (!node)
		return false;
	if (node->kind == IFX_SCALAR && ifx_template_in(node))
		return true;
	return ifx_template_fills(node);
}

/* Is the finding about a value that is not known, and takes its mask for it? */
static bool judges_template(const struct ifx_node *node, ifx_str message)
{
	const struct ifx_entry *e = node->entry;

	if (is_from_template(node))
		return true;
	if (e && e->key == node)
		return is_from_template(e->value) && ifx_is_masked(message);
	return e && e->value == node && node->kind == IFX_SCALAR && node->style != IFX_LITERAL &&
	       node->style != IFX_FOLDED && ifx_text_has_hole(ifx_text(node));
}

struct ifx_fix *ifx_find(struct ifx_cx *cx, const struct ifx_node *node, ifx_level level,
			 ifx_severity severity, const char *fmt, ...)
{
	/* Where there is no memory the caller still gets something to write to. */
	static _Thread_local struct ifx_fix nowhere;
	struct ifx_fix *fix = alloc(cx, sizeof(*fix));
	const struct ifx_resource *r = cx->resource;
	struct ifx_buf text;
	va_list ap;
	bool silent;

	if (!fix) {
		nowhere = (struct ifx_fix){ .cx = cx };
		nowhere.note_link = &nowhere.finding.ops;
		return &nowhere;
	}
	ifx_buf_init(&text, 1 << 16);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	fix->cx = cx;
	fix->note_link = &fix->finding.ops;
	fix->finding = (struct ifx_finding){
		.rule = cx->transform->id,
		.ist = cx->transform->ist,
		.source = cx->transform->source,
		.level = level,
		.severity = severity,
		.message = show(cx, ifx_buf_str(&text)),
		.group = show(cx, r->group),
		.kind = show(cx, r->kind),
		.namespace = show(cx, r->namespace),
		.name = show(cx, r->name),
		.at = outer_offset(node->doc, node->span.at),
	};
	fix->finding.len =
		outer_offset(node->doc, node->span.at + node->span.len) - fix->finding.at;
	if (level == IFX_CHOICE)
		fix->finding.choices = choices(cx);
	if (text.bad)
		cx->failed = true;
	if (cx->no_fixes && level != IFX_REPORT)
		ifx_refuse(fix, "%s", cx->no_fixes);
	else if (cx->live && level != IFX_REPORT)
		ifx_refuse(fix, "%s", cx->live);
	else if (level != IFX_REPORT && ifx_is_masked(ifx_buf_str(&text)))
		ifx_refuse(fix, "what it says depends on the template");
	silent = judges_template(node, ifx_buf_str(&text));
	ifx_buf_release(&text);
	if (silent)
		return fix;
	*cx->link = fix;
	cx->link = &fix->next;
	cx->n++;
	return fix;
}

static ifx_str vformat(struct ifx_cx *cx, const char *fmt, va_list ap)
{
	struct ifx_buf text;
	ifx_str copy;

	ifx_buf_init(&text, 1 << 16);
	ifx_buf_vaddf(&text, fmt, ap);
	copy = show(cx, ifx_buf_str(&text));
	if (text.bad)
		cx->failed = true;
	ifx_buf_release(&text);
	return copy;
}

void ifx_help(struct ifx_fix *fix, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fix->finding.help = vformat(fix->cx, fmt, ap);
	va_end(ap);
}

void ifx_answered(struct ifx_fix *fix, bool answered)
{
	fix->answered = answered;
}

void ifx_refuse(struct ifx_fix *fix, const char *fmt, ...)
{
	va_list ap;

	if (fix->finding.refused.ptr)
		return;
	va_start(ap, fmt);
	fix->finding.refused = vformat(fix->cx, fmt, ap);
	va_end(ap);
}

/* ---- operations ---- */

static struct ifx_op *add_op(struct ifx_fix *fix, ifx_verb verb, const struct ifx_doc *doc)
{
	struct ifx_op *op = alloc(fix->cx, sizeof(*op));

	if (!op)
		return NULL;
	op->verb = verb;
	op->doc = doc;
	if (fix->last)
		fix->last->next = op;
	else
		fix->first = op;
	fix->last = op;
	return op;
}

/* Path of an entry; of an embedded document's entry behind that of its host. */
static ifx_str path_of(struct ifx_cx *cx, const struct ifx_entry *entry)
{
	ifx_str path = ifx_path_of_entry(entry, cx->arena), host;

	if (path.ptr && entry && entry->in->doc->host) {
		host = ifx_path_of(entry->in->doc->host, cx->arena);
		path = ifx_arena_printf(cx->arena, "%.*s | %.*s", IFX_ARG(host), IFX_ARG(path));
	}
	if (!path.ptr)
		cx->failed = true;
	return path;
}

static ifx_str path_of_place(struct ifx_cx *cx, const struct ifx_place *place, ifx_str key)
{
	const struct ifx_node *base = place->base, *host = base->doc->host;
	ifx_str path = path_of(cx, base->entry);
	bool dot = path.len > 0;

	if (path.ptr && !base->entry && host) {
		path = ifx_path_of(host, cx->arena);
		if (path.ptr)
			path = ifx_arena_printf(cx->arena, "%.*s | ", IFX_ARG(path));
	}
	for (size_t i = 0; i < place->n && path.ptr; i++) {
		path = ifx_arena_printf(cx->arena, "%.*s%s%.*s", IFX_ARG(path), dot ? "." : "",
					IFX_ARG(place->path[i]));
		dot = true;
	}
	if (path.ptr)
		path = ifx_arena_printf(cx->arena, "%.*s[\"%.*s\"]", IFX_ARG(path), IFX_ARG(key));
	if (!path.ptr)
		cx->failed = true;
	return path;
}

static struct ifx_op_note *note(struct ifx_fix *fix, const char *verb, ifx_str path, ifx_str to)
{
	struct ifx_op_note *n = alloc(fix->cx, sizeof(*n));

	if (!n)
		return NULL;
	n->verb = verb;
	n->path = show(fix->cx, path);
	n->to = show(fix->cx, to);
	*fix->note_link = n;
	fix->note_link = &n->next;
	return n;
}

void ifx_fix_set(struct ifx_fix *fix, const struct ifx_node *node, ifx_str text)
{
	struct ifx_op *op = add_op(fix, IFX_OP_SET, node->doc);

	if (!op)
		return;
	op->node = node;
	op->value = keep(fix->cx, text);
	note(fix, "set", path_of(fix->cx, node->entry), op->value);
}

void ifx_fix_set_plain(struct ifx_fix *fix, const struct ifx_node *node, ifx_str text)
{
	ifx_fix_set(fix, node, text);
	if (fix->last)
		fix->last->plain = true;
}

void ifx_fix_rename(struct ifx_fix *fix, const struct ifx_entry *entry, ifx_str key)
{
	struct ifx_op *op = add_op(fix, IFX_OP_RENAME, entry->in->doc);

	if (!op)
		return;
	op->entry = entry;
	op->key = keep(fix->cx, key);
	note(fix, "rename", path_of(fix->cx, entry), op->key);
}

void ifx_fix_insert(struct ifx_fix *fix, struct ifx_place place, ifx_str key, ifx_str value)
{
	struct ifx_op *op = add_op(fix, IFX_OP_INSERT, place.base->doc);
	struct ifx_place *to = alloc(fix->cx, sizeof(*to));

	if (!op || !to)
		return;
	*to = place;
	op->to = to;
	op->n_to = 1;
	op->key = keep(fix->cx, key);
	op->value = keep(fix->cx, value);
	note(fix, "insert", path_of_place(fix->cx, to, op->key), op->value);
}

void ifx_fix_insert_yaml(struct ifx_fix *fix, struct ifx_place place, ifx_str key, ifx_str yaml)
{
	struct ifx_op *before = fix->last;

	ifx_fix_insert(fix, place, key, yaml);
	if (fix->last && fix->last != before)
		fix->last->yaml = true;
}

static void note_comments(struct ifx_fix *fix, struct ifx_op_note *n, const struct ifx_entry *entry)
{
	const struct ifx_doc *doc = entry->in->doc;
	size_t first, head = ifx_entry_head(entry, &first), trail = ifx_entry_trail(entry);
	size_t i = ifx_comment_from(doc, entry->start), inner = 0, k = 0;
	ifx_str *list;

	while (i + inner < doc->n_comments && doc->comments[i + inner].span.at < entry->end)
		inner++;
	if (!n || !(head + inner + (trail != IFX_NO_COMMENT)))
		return;
	list = alloc(fix->cx, (head + inner + 1) * sizeof(*list));
	if (!list)
		return;
	for (size_t c = first; c < first + head; c++)
		list[k++] = keep(fix->cx, ifx_comment_text(doc, c));
	for (size_t c = i; c < i + inner; c++)
		list[k++] = keep(fix->cx, ifx_comment_text(doc, c));
	if (trail != IFX_NO_COMMENT)
		list[k++] = keep(fix->cx, ifx_comment_text(doc, trail));
	n->comments = list;
	n->n_comments = k;
	/* What somebody decided is not undone in passing. */
	for (size_t c = 0; c < k; c++)
		if (list[c].ptr && ifx_is_directive(list[c]))
			ifx_refuse(fix, "the comment '%.*s' would go with it; remove that first",
				   IFX_ARG(list[c]));
}

void ifx_fix_remove(struct ifx_fix *fix, const struct ifx_entry *entry)
{
	struct ifx_op *op = add_op(fix, IFX_OP_REMOVE, entry->in->doc);

	if (!op)
		return;
	op->entry = entry;
	note_comments(fix, note(fix, "remove", path_of(fix->cx, entry), IFX_NONE), entry);
}

void ifx_fix_remove_duplicate(struct ifx_fix *fix, const struct ifx_entry *entry,
			      const struct ifx_entry *heir)
{
	struct ifx_op *op = add_op(fix, IFX_OP_REMOVE, entry->in->doc);

	if (!op)
		return;
	op->entry = entry;
	op->heir = heir;
	note(fix, "remove", path_of(fix->cx, entry), path_of(fix->cx, heir));
}

void ifx_fix_move(struct ifx_fix *fix, const struct ifx_entry *entry,
		  const struct ifx_place *places, size_t n)
{
	struct ifx_op *op = add_op(fix, IFX_OP_MOVE, entry->in->doc);
	struct ifx_place *to = alloc(fix->cx, n * sizeof(*to));

	if (!op || !to)
		return;
	memcpy(to, places, n * sizeof(*to));
	op->entry = entry;
	op->to = to;
	op->n_to = n;
	for (size_t i = 0; i < n; i++)
		note(fix, "move", path_of(fix->cx, entry),
		     path_of_place(fix->cx, &to[i], ifx_text(entry->key)));
}

void ifx_fix_wrap(struct ifx_fix *fix, const struct ifx_entry *entry, ifx_str key)
{
	struct ifx_op *op = add_op(fix, IFX_OP_WRAP, entry->in->doc);

	if (!op)
		return;
	op->entry = entry;
	op->key = keep(fix->cx, key);
	note(fix, "wrap", path_of(fix->cx, entry), op->key);
}

void ifx_fix_enlist(struct ifx_fix *fix, const struct ifx_entry *entry)
{
	struct ifx_op *op = add_op(fix, IFX_OP_ENLIST, entry->in->doc);

	if (!op)
		return;
	op->entry = entry;
	note(fix, "enlist", path_of(fix->cx, entry), IFX_NONE);
}

/* ---- views ---- */

const struct ifx_doc *ifx_embedded(struct ifx_cx *cx, const struct ifx_node *scalar, ifx_str *why)
{
	struct ifx_embedded_doc *e;
	struct ifx_problem problem = { 0 };
	ifx_status st;

	for (e = cx->embedded; e; e = e->next)
		if (e->scalar == scalar)
			break;
	if (!e) {
		e = alloc(cx, sizeof(*e));
		if (!e)
			return NULL;
		e->scalar = scalar;
		e->next = cx->embedded;
		cx->embedded = e;
		ifx_buf_init(&problem.text, 4096);
		st = ifx_doc_embedded(&e->doc, scalar, &problem);
		if (st == IFX_ENOMEM)
			cx->failed = true;
		if (st != IFX_OK)
			e->why = keep(cx, ifx_buf_str(&problem.text));
		ifx_buf_release(&problem.text);
	}
	if (why)
		*why = e->why;
	return e->doc;
}

struct views {
	struct ifx_cx *cx;
	struct ifx_view *first, **link;
};

static void add_view(struct views *v, const struct ifx_node *node, const struct ifx_entry *host)
{
	struct ifx_view *view;

	if (!ifx_is(node, IFX_MAP))
		return;
	/* The same map may be reached twice: a pod's own metadata, or an alias. */
	for (view = v->first; view; view = view->next)
		if (view->node == node)
			return;
	view = alloc(v->cx, sizeof(*view));
	if (!view)
		return;
	view->doc = node->doc;
	view->node = node;
	view->host = host;
	*v->link = view;
	v->link = &view->next;
}

static void add_embedded(struct views *v, const struct ifx_entry *entry)
{
	const struct ifx_node *value = entry ? ifx_deref(entry->value) : NULL;
	const struct ifx_doc *doc;

	if (!ifx_is(value, IFX_SCALAR) || !ifx_is_string(value) || value->tag.len)
		return;
	doc = ifx_embedded(v->cx, value, NULL);
	if (doc)
		add_view(v, doc->root, value->entry);
}

static void add_annotations(struct views *v, const struct ifx_node *metadata)
{
	add_view(v, ifx_get(metadata, IFX_LIT("annotations")), NULL);
}

/* Objects without pods in them whose own metadata speaks about proxies all the same. */
static bool makes_proxies(const struct ifx_resource *r)
{
	return (ifx_str_eq(r->kind, IFX_LIT("WorkloadGroup")) &&
		ifx_str_eq(r->group, IFX_LIT("networking.istio.io"))) ||
	       (ifx_str_eq(r->kind, IFX_LIT("Gateway")) &&
		ifx_str_eq(r->group, IFX_LIT("gateway.networking.k8s.io")));
}

/* Annotation maps that speak about pods: of pods, and of metadata on which people put them by
 * mistake. On a Service nobody reads them. */
static void pod_annotations(struct views *v, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	struct ifx_hit *hit;

	if (!w && !makes_proxies(r))
		return;
	add_annotations(v, r->metadata);
	for (size_t i = 0; w && i < sizeof(w->inert) / sizeof(*w->inert) && w->inert[i]; i++) {
		if (!ifx_path_find(&hit, r->node, w->inert[i], v->cx->arena))
			v->cx->failed = true;
		for (; hit; hit = hit->next)
			add_annotations(v, hit->node);
	}
	for (hit = ifx_pod_metadata(v->cx, r); hit; hit = hit->next)
		add_annotations(v, hit->node);
	/* A WorkloadGroup hands its metadata to the VMs; the key may stand in either place. */
	if (ifx_str_eq(r->kind, IFX_LIT("WorkloadGroup")))
		add_annotations(v, ifx_get(ifx_get(r->node, IFX_LIT("spec")), IFX_LIT("metadata")));
}

static void mesh_configs(struct views *v, const struct ifx_resource *r)
{
	const struct ifx_node *spec = ifx_get(r->node, IFX_LIT("spec"));

	if (ifx_str_eq(r->kind, IFX_LIT("IstioOperator")) &&
	    ifx_str_eq(r->group, IFX_LIT("install.istio.io")))
		add_view(v, ifx_get(spec, IFX_LIT("meshConfig")), NULL);
	if (ifx_str_eq(r->kind, IFX_LIT("IstioOperator")) ||
	    (ifx_str_eq(r->group, IFX_LIT("sailoperator.io"))))
		add_view(v, ifx_get(ifx_get(spec, IFX_LIT("values")), IFX_LIT("meshConfig")), NULL);
	/* istio, and istio-<revision> of a revisioned control plane */
	if (ifx_str_eq(r->kind, IFX_LIT("ConfigMap")) && !r->group.len &&
	    (ifx_str_eq(r->name, IFX_LIT("istio")) || ifx_str_starts(r->name, IFX_LIT("istio-"))))
		add_embedded(
			v, ifx_map_find(ifx_get(r->node, IFX_LIT("data")), IFX_LIT("mesh"), NULL));
}

struct ifx_view *ifx_views(struct ifx_cx *cx, const struct ifx_resource *r, ifx_message message)
{
	struct views v = { .cx = cx };
	struct views maps = { .cx = cx };
	const struct ifx_node *spec = ifx_get(r->node, IFX_LIT("spec"));

	v.link = &v.first;
	maps.link = &maps.first;
	switch (message) {
	case IFX_MSG_RESOURCE:
		add_view(&v, r->node, NULL);
		break;
	case IFX_MSG_POD_ANNOTATIONS:
		pod_annotations(&v, r);
		break;
	case IFX_MSG_MESHCONFIG:
		mesh_configs(&v, r);
		break;
	case IFX_MSG_PROXYCONFIG:
		pod_annotations(&maps, r);
		for (struct ifx_view *m = maps.first; m; m = m->next)
			add_embedded(&v, ifx_map_entry(m->node, IFX_LIT("proxy.istio.io/config")));
		maps.first = NULL;
		maps.link = &maps.first;
		mesh_configs(&maps, r);
		for (struct ifx_view *m = maps.first; m; m = m->next) {
			add_view(&v, ifx_get(m->node, IFX_LIT("defaultConfig")), m->host);
			add_view(&v, ifx_get(m->node, IFX_LIT("default_config")), m->host);
		}
		break;
	case IFX_MSG_VALUES:
		if (ifx_str_eq(r->kind, IFX_LIT("IstioOperator")) ||
		    ifx_str_eq(r->group, IFX_LIT("sailoperator.io")))
			add_view(&v, ifx_get(spec, IFX_LIT("values")), NULL);
		break;
	}
	return v.first;
}

struct ifx_hit *ifx_pod_metadata(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w;
	struct ifx_hit *all = NULL, **link = &all;

	if (cx->pods_of == r)
		return cx->pods;
	w = ifx_fact_workload(r->group, r->kind);
	for (size_t i = 0; w && i < sizeof(w->paths) / sizeof(*w->paths) && w->paths[i]; i++) {
		if (!ifx_path_find(link, r->node, w->paths[i], cx->arena))
			cx->failed = true;
		while (*link)
			link = &(*link)->next;
	}
	cx->pods_of = r;
	cx->pods = all;
	return all;
}

/* ---- the rest of the input ---- */

size_t ifx_environments(struct ifx_cx *cx, const size_t **list)
{
	static const size_t alone[] = { 0 };

	if (cx->index)
		return cx->index->environments(cx->index->data, list);
	*list = alone;
	return 1;
}

ifx_str ifx_namespace_in(struct ifx_cx *cx, const struct ifx_resource *r, size_t environment)
{
	return cx->index ? cx->index->namespace_in(cx->index->data, r, environment) : r->namespace;
}

const struct ifx_record *ifx_records(struct ifx_cx *cx, size_t environment, ifx_str group,
				     ifx_str kind, const struct ifx_record *after)
{
	if (!cx->index)
		return NULL;
	return cx->index->records(cx->index->data, environment, group, kind, after);
}

const struct ifx_record *ifx_records_named(struct ifx_cx *cx, size_t environment, ifx_str group,
					   ifx_str kind, ifx_str name,
					   const struct ifx_record *after)
{
	if (!cx->index)
		return NULL;
	return cx->index->named(cx->index->data, environment, group, kind, name, after);
}

const struct ifx_record *ifx_namespace_record(struct ifx_cx *cx, size_t environment, ifx_str name)
{
	return ifx_records_named(cx, environment, IFX_LIT(""), IFX_LIT("Namespace"), name, NULL);
}

ifx_str ifx_pair_value(struct ifx_pairs pairs, ifx_str key)
{
	for (size_t i = 0; i < pairs.n; i++)
		if (ifx_str_eq(pairs.items[i].key, key))
			return pairs.items[i].value;
	return IFX_NONE;
}

bool ifx_selects(struct ifx_pairs selector, struct ifx_pairs labels)
{
	for (size_t i = 0; i < selector.n; i++) {
		ifx_str value = ifx_pair_value(labels, selector.items[i].key);

		if (!value.ptr || !ifx_str_eq(value, selector.items[i].value))
			return false;
	}
	return selector.n > 0;
}

bool ifx_record_is_named(const struct ifx_record *record, ifx_str name)
{
	ifx_str rest = ifx_pair_value(record->annotations,
				      IFX_LIT("internal.config.kubernetes.io/previousNames"));
	ifx_str before;

	if (ifx_str_eq(record->name, name))
		return true;
	while (rest.ptr && ifx_str_split(&rest, ',', &before))
		if (ifx_str_eq(before, name))
			return true;
	return false;
}

bool ifx_input_has_gateway(struct ifx_cx *cx, ifx_str namespace)
{
	const size_t *list;
	size_t n = ifx_environments(cx, &list);

	for (size_t i = 0; i < n; i++) {
		const struct ifx_record *r = NULL;

		while ((r = ifx_records(cx, list[i], IFX_LIT("gateway.networking.k8s.io"),
					IFX_LIT("Gateway"), r)) != NULL)
			if (r->namespace.ptr && ifx_str_eq(r->namespace, namespace) &&
			    !ifx_pair_value(r->labels, IFX_LIT("istio.io/rev")).ptr)
				return true;
	}
	return false;
}

bool ifx_input_is_patch(struct ifx_cx *cx)
{
	return cx->index && cx->index->is_patch(cx->index->data);
}

/* ---- the pass ---- */

ifx_status ifx_cx_pass(struct ifx_cx *cx, const struct ifx_transform *transform,
		       const struct ifx_resource *resources)
{
	cx->transform = transform;
	cx->first = NULL;
	cx->link = &cx->first;
	cx->n = 0;
	for (const struct ifx_resource *r = resources; r && !cx->failed; r = r->next) {
		if (r->local)
			continue;
		cx->resource = r;
		cx->live = r->live;
		transform->run(cx, r);
	}
	return cx->failed ? IFX_ENOMEM : IFX_OK;
}

void ifx_cx_close(struct ifx_cx *cx)
{
	for (struct ifx_embedded_doc *e = cx->embedded; e; e = e->next)
		ifx_doc_free(e->doc);
	cx->embedded = NULL;
	cx->pods_of = cx->metadata_of = NULL;
}
