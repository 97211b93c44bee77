/*
 * bytes -> documents -> tree with spans -> resources -> transforms -> edits -> bytes -> proof
 *
 * The way of one file's bytes. Nothing here opens a file.
 */
#ifndef IFX_PIPELINE_H
#define IFX_PIPELINE_H

#include "baseline.h"
#include "reading.h"
#include "rule/cx.h"
#include "rule/selection.h"
#include "rule/suppress.h"

/** Times that one transform may look at one document again after its own changes. */
#define IFX_PASS_MAX 1000
/** Times that all transforms may go over one document again, because one made work for another. */
#define IFX_ROUND_MAX 10
/** Findings in one file; the rest is not looked at. */
#define IFX_FINDINGS_MAX ((size_t)100000)
/** Documents in one file. */
#define IFX_DOCUMENTS_MAX ((size_t)1000000)
/** Memory for the findings and texts of one file. Bytes. */
#define IFX_FILE_ARENA_MAX ((size_t)4 << 30)

/** What may be done, and by whom. */
struct ifx_engine {
	struct ifx_selection selection; /* borrowed */
	struct ifx_rule_list rules;     /* all that a suppression may name */
	struct ifx_policy policy;
	const struct ifx_input_index *index; /* may be NULL */
	bool chart_template;                 /* the file lies in templates/ of a Helm chart */
	struct ifx_baseline *baseline;       /* findings that were there before; NULL: none */
	ifx_str baseline_path;               /* the file, as the baseline calls it */
	bool chart_values;                   /* it is the values of one */
	ifx_templates templates;
	bool add_ignores;    /* findings that are left get a comment that ignores them ... */
	ifx_str why_ignored; /* ... with this reason; may be empty */
	bool want_edits;     /* findings shall tell their own edits: costs a little for each */
};

struct ifx_outcome {
	struct ifx_arena arena;        /* all texts below */
	struct ifx_finding **findings; /* in file order; problems of the file are among them */
	size_t n, cap;
	size_t n_suppressed;    /* findings that are not among them */
	size_t n_ignored;       /* of those: the ones that were suppressed in this run */
	struct ifx_edits edits; /* before -> after */
	struct ifx_buf after;   /* the new bytes; empty when there are no edits */
	size_t documents;
	bool failed;      /* a document could not be read or proven: the file is to be left alone */
	bool is_template; /* some document is one */
	bool broken;      /* failed, and not only because it is a template */
};

/**
 * Run the engine over a file's bytes (borrowed; they must outlive the outcome).
 * The outcome is initialised here and released by the caller, also on failure.
 * IFX_ENOMEM  nothing can be said about this file.
 * What is wrong with the text is not a failure of the call: see outcome->failed and the findings
 * with rule "yaml", "template", "limit" or "internal".
 */
IFX_MUST_USE ifx_status ifx_pipeline_run(struct ifx_outcome *out, const struct ifx_engine *engine,
					 ifx_str bytes);
void ifx_outcome_release(struct ifx_outcome *out);

#endif
