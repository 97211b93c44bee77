#include "ambient/proof.h"

#include "ambient/evidence.h"
#include "ambient/survey.h"
#include "base/alloc.h"

#include <stdlib.h>

/* Memory for what is known of one environment. Bytes. */
#define PROOF_MEMORY_MAX ((size_t)8 << 30)

struct proving {
	struct ifx_apply *a;
	struct ifx_proof *out;
	struct ifx_estate after;
	struct ifx_exposed exposed;
	bool held; /* a counter-example was found */
};

/* ---- the new texts ---- */

static struct ifx_estate_text text_of(const struct ifx_rewrite *r)
{
	return (struct ifx_estate_text){
		.path = r->path,
		.bytes = r->after,
		.beside = r->source ? IFX_NONE : r->beside->source->path,
	};
}

/* Both lists are sorted by path. */
ifx_status ifx_apply_texts(struct ifx_estate_text **out, struct ifx_estate_options *options,
			   const struct ifx_apply *a, struct ifx_arena *arena)
{
	const struct ifx_estate_text *old = options->texts;
	const struct ifx_changes *c = &a->changes;
	size_t most = c->n_rewrites + options->n_texts, n = 0, i = 0, k = 0;
	struct ifx_estate_text *texts = ifx_arena_alloc(arena, (most + 1) * sizeof(*texts));

	if (!texts)
		return IFX_ENOMEM;
	while (i < c->n_rewrites || k < options->n_texts) {
		int order = i == c->n_rewrites      ? 1
			    : k == options->n_texts ? -1
						    : ifx_str_cmp(c->rewrites[i].path, old[k].path);

		texts[n] = order <= 0 ? text_of(&c->rewrites[i]) : old[k];
		/* A file that an earlier step made is still not among the inputs. */
		if (!order)
			texts[n].beside = old[k].beside;
		i += order <= 0;
		k += order >= 0;
		n++;
	}
	*out = texts;
	options->texts = texts;
	options->n_texts = n;
	return IFX_OK;
}

/* ---- one environment ---- */

static struct ifx_passage *passage_of(struct ifx_apply *a, size_t environment, ifx_str namespace)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->passages[i].ns->environment->number == environment &&
		    ifx_str_eq(a->passages[i].ns->name, namespace))
			return &a->passages[i];
	return NULL;
}

/*
 * Mutual TLS to a port that takes plaintext only was no refusal that protects anything: the same
 * caller gets in without it. Making such a port PERMISSIVE is what a migration has to do.
 */
bool ifx_is_counter_example(const struct ifx_evidence_row *row)
{
	return (row->breaks & (IFX_P1 | IFX_P2 | IFX_P3)) &&
	       (row->before.basis != IFX_BY_MTLS || row->breaks & IFX_P3);
}

static void hold(struct proving *p, size_t environment, const struct ifx_evidence_row *row)
{
	struct ifx_passage *passage = passage_of(p->a, environment, row->workload->namespace);
	struct ifx_buf text;

	if (!passage || passage->held)
		return;
	ifx_buf_init(&text, 1 << 20);
	ifx_buf_addf(&text, "a counter-example to %s: ",
		     row->breaks & IFX_P3   ? "P3 (no ALLOW policy where there was none)"
		     : row->breaks & IFX_P2 ? "P2 (never looser)"
					    : "P1 (the same decision through the Service)");
	ifx_evidence_say(&text, row);
	ifx_passage_hold(passage, "model", NULL, NULL, "%.*s", IFX_ARG(ifx_buf_str(&text)));
	ifx_buf_release(&text);
	p->held = true;
}

/* Namespaces of the environment that change. */
static struct ifx_strs changed_in(struct proving *p, size_t environment, struct ifx_arena *arena)
{
	ifx_str *names = ifx_arena_alloc(arena, (p->a->n + 1) * sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; names && i < p->a->n; i++) {
		const struct ifx_passage *x = &p->a->passages[i];

		if (x->ns->environment->number == environment && !x->held && x->n_wishes)
			names[n++] = x->ns->name;
	}
	return (struct ifx_strs){ names, n };
}

static ifx_status prove_environment(struct proving *p, size_t i)
{
	struct ifx_evidence_options options = { 0 };
	struct ifx_evidence evidence;
	struct ifx_mesh before, after;
	struct ifx_arena arena;
	ifx_status st;

	ifx_arena_init(&arena, PROOF_MEMORY_MAX);
	options.namespaces = changed_in(p, i, &arena);
	st = options.namespaces.list ? IFX_OK : IFX_ENOMEM;
	if (st == IFX_OK && options.namespaces.n) {
		st = ifx_survey(&before, &p->a->estate->environments[i], &p->a->exposed, &arena);
		if (st == IFX_OK)
			st = ifx_survey(&after, &p->after.environments[i], &p->exposed, &arena);
		if (st == IFX_OK)
			st = ifx_evidence_find(&evidence, &before, &after, &options, &arena);
		for (const struct ifx_evidence_row *r = st == IFX_OK ? evidence.rows : NULL; r;
		     r = r->next)
			if (ifx_is_counter_example(r))
				hold(p, i, r);
		if (st == IFX_OK) {
			p->out->n_workloads += evidence.n_workloads;
			p->out->n_requests += evidence.n_requests;
			p->out->n_calls += evidence.n_calls;
			p->out->n_sampled += evidence.n_sampled;
			p->out->n_shuts += evidence.shuts;
		}
	}
	ifx_arena_release(&arena);
	return st;
}

/* ---- all ---- */

static ifx_status prove_once(struct proving *p, const struct ifx_inputs *inputs,
			     const struct ifx_estate_options *given, ifx_complain_fn *complain,
			     void *data)
{
	struct ifx_estate_options options = *given;
	struct ifx_estate_text *texts;
	ifx_status st = ifx_apply_texts(&texts, &options, p->a, &p->a->changes.arena);

	*p->out = (struct ifx_proof){ 0 };
	p->held = false;
	if (st != IFX_OK)
		return st;
	st = ifx_estate_read(&p->after, inputs, &options, complain, data);
	if (st == IFX_OK) {
		ifx_exposed_read(&p->exposed, &p->after);
		st = p->exposed.failed ? IFX_ENOMEM : IFX_OK;
		for (size_t i = 0; i < p->after.n_environments && st == IFX_OK; i++)
			st = prove_environment(p, i);
		ifx_exposed_release(&p->exposed);
	}
	ifx_estate_release(&p->after);
	return st;
}

ifx_status ifx_apply_prove(struct ifx_proof *out, struct ifx_apply *a,
			   const struct ifx_inputs *inputs,
			   const struct ifx_estate_options *options, ifx_complain_fn *complain,
			   void *data)
{
	struct proving p = { .a = a, .out = out };
	ifx_status st;

	*out = (struct ifx_proof){ 0 };
	do {
		if (!a->changes.n_rewrites)
			return IFX_OK;
		st = prove_once(&p, inputs, options, complain, data);
		/* Without those that are held now the others may be another matter. */
		if (st == IFX_OK && p.held)
			st = ifx_changes_compile(&a->changes);
	} while (st == IFX_OK && p.held);
	return st;
}
