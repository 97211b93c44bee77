#include "ambient/apply.h"

#include "ambient/pods.h"

#include "base/alloc.h"
#include "io/diff.h"
#include "say.h"

/* ---- making ---- */

static size_t count_namespaces(const struct ifx_estate *estate)
{
	size_t n = 0;

	for (size_t i = 0; i < estate->n_environments; i++)
		n += estate->environments[i].n_namespaces;
	return n;
}

ifx_status ifx_apply_make(struct ifx_apply *a, struct ifx_estate *estate, ifx_step step,
			  const struct ifx_passage_options *options, ifx_wanted_fn *wanted,
			  void (*hold)(void *, struct ifx_passage *), void *data)
{
	*a = (struct ifx_apply){ .estate = estate, .step = step, .options = *options };
	ifx_changes_init(&a->changes, estate);
	ifx_exposed_read(&a->exposed, estate);
	a->options.exposed = &a->exposed;
	a->passages = ifx_calloc(count_namespaces(estate) + 1, sizeof(*a->passages));
	if (!a->passages || a->exposed.failed)
		return IFX_ENOMEM;
	for (size_t i = 0; i < estate->n_environments; i++)
		for (size_t k = 0; k < estate->environments[i].n_namespaces; k++) {
			struct ifx_namespace *ns = estate->environments[i].namespaces[k];
			struct ifx_passage *p = &a->passages[a->n];

			if (ns->reserved || !wanted(data, ns))
				continue;
			ifx_passage_init(p, estate, ns, &a->options, &a->changes);
			a->n++;
			if (hold)
				hold(data, p);
			ifx_passage_wish(p, step);
			if (p->failed)
				return IFX_ENOMEM;
		}
	return ifx_changes_compile(&a->changes);
}

void ifx_apply_release(struct ifx_apply *a)
{
	ifx_free(a->passages);
	ifx_exposed_release(&a->exposed);
	ifx_changes_release(&a->changes);
}

size_t ifx_apply_held(const struct ifx_apply *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->passages[i].held && !a->passages[i].skipped;
	return n;
}

size_t ifx_apply_changed(const struct ifx_apply *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += !a->passages[i].held && a->passages[i].n_wishes;
	return n;
}

/* ---- showing ---- */

static void add_place(struct ifx_buf *out, const struct ifx_object *o, const struct ifx_node *at)
{
	size_t line, column;

	ifx_source_place(o->source, ifx_object_offset(o, at ? at : o->r->node), &line, &column);
	ifx_buf_addf(out, "%.*s:%zu:%zu", IFX_ARG(o->source->path), line, column);
}

/* Comments of a document that goes, and of which there is no copy. */
static void show_comments(struct ifx_buf *out, const struct ifx_wish *w)
{
	const struct ifx_doc *doc = w->o->r->node->doc;
	size_t line, column;

	if (w->verb != IFX_WISH_DROP || w->o->kind != IFX_SIDECAR)
		return;
	for (size_t i = 0; i < doc->n_comments; i++) {
		ifx_source_place(w->o->source, w->o->at + doc->comments[i].span.at, &line, &column);
		ifx_buf_addf(out, "%.*s:%zu:%zu: note: goes with it: ", IFX_ARG(w->o->source->path),
			     line, column);
		ifx_say_text(out, ifx_comment_text(doc, i));
		ifx_buf_addc(out, '\n');
	}
}

static void show_rewrite(struct ifx_buf *out, const struct ifx_apply *a,
			 const struct ifx_rewrite *r)
{
	for (size_t i = 0; i < r->n_wishes; i++) {
		const struct ifx_wish *w = r->wishes[i];

		if (r->source)
			add_place(out, w->o, w->at);
		else
			ifx_buf_addf(out, "%.*s:1:1", IFX_ARG(r->path));
		ifx_buf_addf(out, ": %s: %.*s [%.*s]\n", ifx_step_name(a->step), IFX_ARG(w->what),
			     IFX_ARG(w->by->ns->name));
		show_comments(out, w);
	}
}

/* A label restarts nothing: who still has a sidecar until its pods are new. */
static void show_restarts(struct ifx_buf *out, const struct ifx_passage *p)
{
	for (const struct ifx_object *o = p->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *x = o->pods; x; x = x->next) {
			if (!x->injected || x->gateway)
				continue;
			add_place(out, o, NULL);
			ifx_buf_addf(out,
				     ": note: %.*s %.*s keeps its sidecars until it is rolled out "
				     "again [%.*s]\n",
				     IFX_ARG(ifx_object_kind_name(o)), IFX_ARG(o->r->name),
				     IFX_ARG(p->ns->name));
			break;
		}
}

void ifx_apply_show(struct ifx_buf *out, const struct ifx_apply *a)
{
	bool rolls = a->step == IFX_STEP_ENROLL || a->step == IFX_STEP_CUTOVER;

	for (size_t i = 0; i < a->changes.n_rewrites; i++)
		show_rewrite(out, a, &a->changes.rewrites[i]);
	for (size_t i = 0; rolls && !a->options.restart && i < a->n; i++)
		if (!a->passages[i].held && a->passages[i].n_wishes)
			show_restarts(out, &a->passages[i]);
}

/* Findings have ids like S28; what is none is a word. */
static bool is_finding(const char *id)
{
	return id[0] >= 'A' && id[0] <= 'Z' && ifx_is_digit(id[1]);
}

static void show_hold(struct ifx_buf *out, const struct ifx_passage *p, const struct ifx_hold *h)
{
	const struct ifx_object *o = h->o ? h->o : p->ns->objects[IFX_NAMESPACE].first;

	if (o)
		add_place(out, o, h->o ? h->at : NULL);
	else
		ifx_buf_addf(out, "namespace %.*s", IFX_ARG(p->ns->name));
	ifx_buf_addf(out, ": error: %.*s; namespace '%.*s' is held", IFX_ARG(h->text),
		     IFX_ARG(p->ns->name));
	if (is_finding(h->id))
		ifx_buf_addf(out, " [ambient/%s]", h->id);
	ifx_buf_addc(out, '\n');
}

void ifx_apply_show_holds(struct ifx_buf *out, const struct ifx_apply *a)
{
	for (size_t i = 0; i < a->n; i++)
		for (const struct ifx_hold *h = a->passages[i].skipped ? NULL
								       : a->passages[i].holds.first;
		     h; h = h->next)
			if (!h->mute)
				show_hold(out, &a->passages[i], h);
}

void ifx_apply_show_notes(struct ifx_buf *out, const struct ifx_apply *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct ifx_passage *p = &a->passages[i];

		for (const struct ifx_hold *h = p->held ? NULL : p->notes.first; h; h = h->next) {
			add_place(out, h->o, h->at);
			ifx_buf_addf(out, ": note: %.*s [%.*s]\n", IFX_ARG(h->text),
				     IFX_ARG(p->ns->name));
		}
	}
}

void ifx_rewrite_diff(struct ifx_buf *out, const struct ifx_rewrite *r)
{
	if (!r->source)
		ifx_diff_created(out, r->path, r->after);
	else if (r->removed)
		ifx_diff_removed(out, r->path, r->source->bytes);
	else
		ifx_diff(out, r->path, r->source->bytes, &r->edits, 3);
}

void ifx_apply_diff(struct ifx_buf *out, const struct ifx_apply *a)
{
	for (size_t i = 0; i < a->changes.n_rewrites; i++)
		ifx_rewrite_diff(out, &a->changes.rewrites[i]);
}

void ifx_apply_list(struct ifx_buf *out, const struct ifx_apply *a)
{
	for (size_t i = 0; i < a->changes.n_rewrites; i++)
		ifx_buf_addf(out, "%.*s\n", IFX_ARG(a->changes.rewrites[i].path));
}
