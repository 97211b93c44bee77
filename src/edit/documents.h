/*
 * Whole documents of a stream: `add` and `drop`, beside changes inside of documents that were
 * compiled before. All other documents stay byte for byte what they were.
 *
 * - A document comes with its marker (`---`), written with the line breaks of the file, and keeps
 *   the habit of the file: blank lines before markers, or a missing line break at the end.
 * - A document goes with its own marker and comments. What stands at the top of the file and set
 *   apart (before the first marker, or above a blank line) belongs to the file and stays, as long
 * as a document is left.
 */
#ifndef IFX_EDIT_DOCUMENTS_H
#define IFX_EDIT_DOCUMENTS_H

#include "base/buf.h"
#include "edit/edit.h"

/** Behind the last document that says anything. */
#define IFX_DOCUMENT_END SIZE_MAX

typedef enum {
	IFX_DOCUMENT_CHANGE,
	IFX_DOCUMENT_ADD,
	IFX_DOCUMENT_DROP,
} ifx_document_verb;

struct ifx_document_op {
	ifx_document_verb verb;
	size_t at;                     /* the document, counted from 0; add: the one before it */
	const struct ifx_edits *edits; /* change: of the document's own text */
	ifx_str text; /* add: without marker; lines end with \n; may begin with comments */
};

/** One document of a stream, in offsets of the stream. */
struct ifx_document {
	ifx_span span; /* the pieces put together are the stream */
	size_t marker; /* the line of its `---`; SIZE_MAX: it has none */
	size_t body;   /* where its own text begins: behind the marker, a BOM, what is the file's */
	bool empty;    /* nothing but comments, blanks and markers */
};

struct ifx_documents {
	struct ifx_document *list; /* in the arena */
	size_t n;
};

/** Cut a stream into its documents. IFX_ENOMEM. */
IFX_MUST_USE ifx_status ifx_documents_split(struct ifx_documents *out, ifx_str stream,
					    struct ifx_arena *arena);

/**
 * ops -> edits of the stream, the new stream, and the proof: every other document is there as it
 * was, in order, added ones say what `text` says, dropped ones are gone, and nothing else is.
 *
 * edits  initialised here; texts live in `arena`.
 * after  in the arena; empty when nothing is left that says anything.
 * ops    in any order; of several that add behind one document the first comes first.
 * IFX_EREFUSED  it cannot be done without harm; `why` says it in a clause.
 * IFX_EINVAL    the proof failed, which is a mistake of ours; or `text` is no YAML.
 */
IFX_MUST_USE ifx_status ifx_documents_edit(struct ifx_edits *edits, ifx_str *after, ifx_str stream,
					   const struct ifx_document_op *ops, size_t n,
					   struct ifx_arena *arena, struct ifx_buf *why);

#endif
