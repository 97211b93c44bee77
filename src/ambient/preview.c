#include "ambient/preview.h"

#include "ambient/evidence.h"
#include "ambient/gate.h"
#include "ambient/survey.h"
#include "io/diff.h"

#include <stdlib.h>

/* Memory for what is told, and for the model of one environment. Bytes. */
#define PREVIEW_MEMORY_MAX ((size_t)8 << 30)

/* The tree on its way. */
struct preview {
	const struct ifx_preview_start *start;
	struct ifx_preview *out;
	struct ifx_estate_options options; /* with the texts so far */
	struct ifx_migration *plan;        /* of the tree so far */
	ifx_step step;
	struct ifx_buf text;
};

/* What was written to p->text. ptr NULL: no memory. */
static ifx_str take(struct preview *p)
{
	ifx_str copy =
		p->text.bad ? IFX_NONE : ifx_arena_copy(&p->out->arena, ifx_buf_str(&p->text));

	ifx_buf_clear(&p->text);
	return copy;
}

/* ---- what a phase changes ---- */

static bool has_word(ifx_str text, ifx_str word)
{
	ifx_str piece;

	while (ifx_str_split(&text, ' ', &piece))
		if (ifx_str_eq(piece, word))
			return true;
	return false;
}

static ifx_str names_of(struct preview *p, const struct ifx_rewrite *r)
{
	for (size_t i = 0; i < r->n_wishes; i++) {
		ifx_str name = r->wishes[i]->by->ns->name;

		if (p->text.len && has_word(ifx_buf_str(&p->text), name))
			continue;
		if (p->text.len)
			ifx_buf_addc(&p->text, ' ');
		ifx_buf_add(&p->text, name);
	}
	return take(p);
}

static bool tell_files(struct preview *p, struct ifx_apply *a)
{
	struct ifx_preview_phase *phase = &p->out->phases[p->step];
	struct ifx_preview_file **link = &phase->files;

	for (size_t i = 0; i < a->changes.n_rewrites; i++) {
		const struct ifx_rewrite *r = &a->changes.rewrites[i];
		struct ifx_preview_file *f = ifx_arena_alloc(&p->out->arena, sizeof(*f));

		if (!f)
			return false;
		ifx_rewrite_diff(&p->text, r);
		f->diff = take(p);
		f->path = ifx_arena_copy(&p->out->arena, r->path);
		f->namespaces = names_of(p, r);
		if (!f->diff.ptr || !f->path.ptr || !f->namespaces.ptr)
			return false;
		*link = f;
		link = &f->next;
	}
	phase->n_files = a->changes.n_rewrites;
	phase->n_changed = ifx_apply_changed(a);
	phase->n_held = ifx_apply_held(a);
	return true;
}

static bool tell_holds(struct preview *p, const struct ifx_apply *a)
{
	struct ifx_preview_hold **link = &p->out->phases[p->step].holds;

	for (size_t i = 0; i < a->n; i++) {
		const struct ifx_passage *x = &a->passages[i];

		for (const struct ifx_hold *h = x->skipped ? NULL : x->holds.first; h;
		     h = h->next) {
			struct ifx_preview_hold *copy;

			if (h->mute)
				continue;
			copy = ifx_arena_alloc(&p->out->arena, sizeof(*copy));
			if (!copy)
				return false;
			ifx_buf_addf(&p->text, "%.*s [%s]", IFX_ARG(h->text), h->id);
			copy->why = take(p);
			copy->namespace = ifx_arena_copy(&p->out->arena, x->ns->name);
			if (!copy->why.ptr || !copy->namespace.ptr)
				return false;
			*link = copy;
			link = &copy->next;
		}
	}
	return true;
}

/* ---- one phase ---- */

static bool is_wanted(void *data, const struct ifx_namespace *ns)
{
	const struct preview *p = data;
	const struct ifx_migration_options *o = p->start->plan->options;

	for (size_t i = 0; i < o->n_namespaces; i++)
		if (ifx_str_eq(o->namespaces[i], ns->name))
			return true;
	return !o->n_namespaces;
}

static void hold(void *data, struct ifx_passage *passage)
{
	const struct preview *p = data;

	ifx_gate(passage, p->plan, p->step);
}

static int by_path(const void *key, const void *text)
{
	return ifx_str_cmp(*(const ifx_str *)key, ((const struct ifx_estate_text *)text)->path);
}

/* The estate they come from will be gone. */
static ifx_status keep_texts(struct preview *p, const struct ifx_apply *a)
{
	struct ifx_arena *arena = &p->out->arena;
	struct ifx_estate_text *texts;
	ifx_status st = ifx_apply_texts(&texts, &p->options, a, arena);

	for (size_t i = 0; st == IFX_OK && i < a->changes.n_rewrites; i++) {
		struct ifx_estate_text *t = bsearch(&a->changes.rewrites[i].path, texts,
						    p->options.n_texts, sizeof(*texts), by_path);

		t->path = ifx_arena_copy(arena, t->path);
		t->bytes = ifx_arena_copy(arena, t->bytes);
		if (t->beside.ptr) {
			t->beside = ifx_arena_copy(arena, t->beside);
			if (!t->beside.ptr)
				return IFX_ENOMEM;
		}
		if (!t->path.ptr || !t->bytes.ptr)
			return IFX_ENOMEM;
	}
	return st;
}

static ifx_status run_step(struct preview *p)
{
	const struct ifx_preview_start *s = p->start;
	struct ifx_apply a;
	ifx_status st =
		ifx_apply_make(&a, p->plan->estate, p->step, s->passage, is_wanted, hold, p);

	if (st == IFX_OK)
		st = ifx_apply_prove(&p->out->phases[p->step].proof, &a, s->inputs, &p->options,
				     s->complain, s->data);
	if (st == IFX_OK && (!tell_files(p, &a) || !tell_holds(p, &a)))
		st = IFX_ENOMEM;
	if (st == IFX_OK)
		st = keep_texts(p, &a);
	ifx_apply_release(&a);
	return st;
}

/* Read the tree as it is after the phases so far, and make its plan. */
static ifx_status run_phase(struct preview *p)
{
	const struct ifx_preview_start *s = p->start;
	struct ifx_estate estate;
	struct ifx_migration plan;
	ifx_status st;

	if (p->step == IFX_STEP_PREPARE) {
		p->plan = s->plan;
		return run_step(p);
	}
	st = ifx_estate_read(&estate, s->inputs, &p->options, s->complain, s->data);
	if (st == IFX_OK) {
		st = ifx_migration_make(&plan, &estate, s->plan->options, NULL, NULL);
		p->plan = &plan;
		if (st == IFX_OK)
			st = run_step(p);
		ifx_migration_release(&plan);
	}
	ifx_estate_release(&estate);
	return st;
}

/* ---- evidence: today and the end ---- */

static const char *verdict_of(const struct ifx_evidence_row *row)
{
	if (ifx_is_counter_example(row))
		return row->breaks & IFX_P3   ? "P3 broken"
		       : row->breaks & IFX_P2 ? "P2 broken"
					      : "P1 broken";
	if (row->breaks & (IFX_P1 | IFX_P2))
		return "opens to mutual TLS";
	return row->breaks & IFX_SHUTS ? "refused from now on" : "the same";
}

static bool keep_row(struct preview *p, const struct ifx_evidence_row *row,
		     struct ifx_preview_row ***link)
{
	struct ifx_preview_row *r = ifx_arena_alloc(&p->out->arena, sizeof(*r));

	if (!r)
		return false;
	r->namespace = ifx_arena_copy(&p->out->arena, row->workload->namespace);
	ifx_buf_addf(&p->text, "%.*s %.*s", IFX_ARG(row->workload->kind),
		     IFX_ARG(row->workload->name));
	r->workload = take(p);
	ifx_caller_say(&p->text, row);
	r->caller = take(p);
	ifx_request_say(&p->text, &row->request);
	r->request = take(p);
	if (row->service)
		ifx_buf_addf(&p->text, "Service %.*s", IFX_ARG(row->service->name));
	else
		ifx_buf_add(&p->text, IFX_LIT("the pod's address"));
	r->way = take(p);
	if (row->new_allow)
		ifx_buf_add(&p->text, IFX_LIT("no ALLOW policy"));
	else
		ifx_decision_say(&p->text, &row->before);
	r->before = take(p);
	if (row->new_allow)
		ifx_buf_add(&p->text, IFX_LIT("an ALLOW policy refuses what it does not mention"));
	else
		ifx_decision_say(&p->text, &row->after);
	r->after = take(p);
	r->verdict = verdict_of(row);
	r->same = !row->breaks;
	r->n = row->n;
	**link = r;
	*link = &r->next;
	p->out->n_kept++;
	return r->namespace.ptr && r->workload.ptr && r->caller.ptr && r->request.ptr &&
	       r->way.ptr && r->before.ptr && r->after.ptr;
}

static ifx_status keep_rows(struct preview *p, const struct ifx_evidence *e,
			    struct ifx_preview_row ***link)
{
	for (unsigned same = 0; same < 2; same++)
		for (const struct ifx_evidence_row *r = e->rows; r; r = r->next)
			if ((r->breaks ? 0 : 1) == same && p->out->n_kept < IFX_PREVIEW_ROWS &&
			    !keep_row(p, r, link))
				return IFX_ENOMEM;
	p->out->n_rows += e->n_rows;
	p->out->n_workloads += e->n_workloads;
	p->out->n_services += e->n_services;
	p->out->n_requests += e->n_requests;
	p->out->n_calls += e->n_calls;
	p->out->n_sampled += e->n_sampled;
	return IFX_OK;
}

static ifx_status compare(struct preview *p, const struct ifx_environment *before,
			  const struct ifx_environment *after, const struct ifx_exposed *exposed[2],
			  struct ifx_preview_row ***link)
{
	struct ifx_evidence evidence;
	struct ifx_mesh meshes[2];
	struct ifx_arena arena;
	ifx_status st;

	ifx_arena_init(&arena, PREVIEW_MEMORY_MAX);
	st = ifx_survey(&meshes[0], before, exposed[0], &arena);
	if (st == IFX_OK)
		st = ifx_survey(&meshes[1], after, exposed[1], &arena);
	if (st == IFX_OK)
		st = ifx_evidence_find(&evidence, &meshes[0], &meshes[1], NULL, &arena);
	if (st == IFX_OK)
		st = keep_rows(p, &evidence, link);
	ifx_arena_release(&arena);
	return st;
}

static ifx_status find_evidence(struct preview *p)
{
	const struct ifx_preview_start *s = p->start;
	const struct ifx_estate *today = s->plan->estate;
	struct ifx_preview_row **link = &p->out->rows;
	struct ifx_exposed exposed[2];
	struct ifx_estate end;
	ifx_status st = ifx_estate_read(&end, s->inputs, &p->options, s->complain, s->data);

	if (st == IFX_OK) {
		ifx_exposed_read(&exposed[0], today);
		ifx_exposed_read(&exposed[1], &end);
		st = exposed[0].failed || exposed[1].failed ? IFX_ENOMEM : IFX_OK;
		for (size_t i = 0; st == IFX_OK && i < end.n_environments; i++)
			st = compare(p, &today->environments[i], &end.environments[i],
				     (const struct ifx_exposed *[]){ &exposed[0], &exposed[1] },
				     &link);
		ifx_exposed_release(&exposed[0]);
		ifx_exposed_release(&exposed[1]);
	}
	ifx_estate_release(&end);
	return st;
}

/* ---- all ---- */

ifx_status ifx_preview_make(struct ifx_preview *out, const struct ifx_preview_start *start)
{
	struct preview p = { .start = start, .out = out, .options = *start->estate };
	ifx_status st = IFX_OK;

	*out = (struct ifx_preview){ 0 };
	ifx_arena_init(&out->arena, PREVIEW_MEMORY_MAX);
	ifx_buf_init(&p.text, IFX_BUF_MAX);
	for (size_t i = 0; i < IFX_PREVIEW_PHASES && st == IFX_OK; i++) {
		p.step = (ifx_step)i;
		st = run_phase(&p);
	}
	if (st == IFX_OK)
		st = find_evidence(&p);
	ifx_buf_release(&p.text);
	return st;
}

void ifx_preview_release(struct ifx_preview *preview)
{
	ifx_arena_release(&preview->arena);
}
