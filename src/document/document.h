/*
 * One document on its way: what the transforms want (document.c), carrying it out step by step with
 * a proof of each (step.c), and what the text wants to be left alone (leave.c).
 */
#ifndef IFX_DOCUMENT_DOCUMENT_H
#define IFX_DOCUMENT_DOCUMENT_H

#include "pipeline.h"
#include "reading.h"

struct ifx_work {
	struct ifx_outcome *out;
	const struct ifx_engine *engine;
	struct ifx_reading *reading;
	ifx_span chunk;   /* in the file */
	size_t chunk_now; /* its start in the file as the fixes leave it */
	size_t first;     /* finding of the document, in out */
	ifx_str original;
	size_t number;
	struct ifx_doc *doc;
	struct ifx_arena scratch; /* findings under construction, and all that rules make */
	struct ifx_arena text;    /* doc->src, once it is not the original */
	struct ifx_edits total;   /* original -> doc->src */
	struct ifx_resource *resources;
	struct ifx_cx cx;
	bool doc_proven;                /* no proof has failed so far */
	unsigned char *concerned;       /* which transforms doc->src can concern */
	size_t steps;                   /* changes so far */
	struct ifx_suppressions own;    /* of the document, as it was read */
	struct ifx_suppressions *files; /* of the first document for the whole file */
};

/* document.c */

/**
 * Go over one document of the file. Its findings and edits are added to `out`.
 * concerned  a byte for each selected transform, to work with.
 * files      suppressions for the whole file; the first document may add some.
 * speaks     the file may have suppressions.
 */
IFX_MUST_USE ifx_status ifx_document_run(struct ifx_outcome *out, const struct ifx_engine *engine,
					 struct ifx_reading *reading, ifx_span chunk,
					 unsigned char *concerned, struct ifx_suppressions *files,
					 bool speaks);
/** Make w->resources. False: no memory. */
bool ifx_document_resources(struct ifx_work *w);

/* outcome.c */

IFX_MUST_USE ifx_status ifx_outcome_add(struct ifx_outcome *out, struct ifx_finding *finding);
/** What is wrong with the text, or with us: the file is left alone. at: in the file. */
IFX_MUST_USE ifx_status ifx_outcome_problem(struct ifx_outcome *out, const char *rule, size_t at,
					    size_t document, const char *fmt, ...) IFX_PRINTF(5, 6);

/* step.c */

/** The place in the file of what was found in the text as it is now. */
void ifx_step_place(const struct ifx_work *w, struct ifx_finding *f);
/** Each fix of the pass for itself: can it be done, and how would it look? */
IFX_MUST_USE ifx_status ifx_step_preview(struct ifx_work *w);
/**
 * Carry out what may be done in this pass: all of it together, or without those that are refused,
 * or, where they get into each other's way, those that come first. *done counts them.
 */
IFX_MUST_USE ifx_status ifx_step_apply(struct ifx_work *w, struct ifx_fix **chosen, size_t *done);
/**
 * Carry out `n` fixes together and prove the result. IFX_EREFUSED: one of them cannot be done, or
 * they get into each other's way.
 */
IFX_MUST_USE ifx_status ifx_step_carry_out(struct ifx_work *w, const struct ifx_op *const *ops,
					   size_t n);
/** A step that was proven: its text is the document from here on. Takes all it is given. */
IFX_MUST_USE ifx_status ifx_step_take(struct ifx_work *w, struct ifx_doc *after,
				      struct ifx_edits *edits, struct ifx_arena *text);
/** A step that was not: nothing more happens to the document. */
IFX_MUST_USE ifx_status ifx_step_unproven(struct ifx_work *w, const char *what,
					  const struct ifx_buf *why);

/* leave.c */

/** Can there be a suppression in the text? */
bool ifx_leave_may_suppress(ifx_str text);
/** The suppressions of the document as it was read; those for the file go to the file's. */
IFX_MUST_USE ifx_status ifx_leave_read(struct ifx_work *w);
/** Who wants the finding to be left alone? Its place is that in the file. */
ifx_suppressed_by ifx_leave_suppressed(struct ifx_work *w, const struct ifx_transform *t,
				       const struct ifx_finding *f);
/** What is wrong with the suppressions of the document. */
IFX_MUST_USE ifx_status ifx_leave_judge(struct ifx_work *w);
/** Those that nothing came of, although their rules ran. offset: of what their places count in. */
IFX_MUST_USE ifx_status ifx_leave_unused(struct ifx_outcome *out, const struct ifx_engine *engine,
					 const struct ifx_transform *t,
					 const struct ifx_suppressions *s, size_t offset,
					 size_t document);
/** The selected transform of that id, or NULL. */
const struct ifx_transform *ifx_leave_selected(const struct ifx_engine *engine, const char *id);
/** --add-ignores: what is left of the findings of the document. */
IFX_MUST_USE ifx_status ifx_leave_ignore(struct ifx_work *w);

#endif
