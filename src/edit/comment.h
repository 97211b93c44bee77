/*
 * Comments that are added to a document, or say something else. Nothing else changes: the result is
 * parsed again, its data must be the same, and its comments the old ones and those that came.
 */
#ifndef IFX_EDIT_COMMENT_H
#define IFX_EDIT_COMMENT_H

#include "edit/edit.h"
#include "yaml/node.h"

typedef enum {
	IFX_COMMENT_BEHIND,  /* of a line, `at` is any byte of it; it has none yet */
	IFX_COMMENT_ABOVE,   /* on a line of its own, `at` is the first byte of the line below */
	IFX_COMMENT_REPLACE, /* `at` is the offset of an old one */
} ifx_comment_where;

struct ifx_new_comment {
	ifx_comment_where where;
	size_t at;
	ifx_str text; /* from `#`; one line */
};

/**
 * comments    sorted by `at`, at most one for each line and place.
 * after_text  in the arena, as are the texts of the edits.
 * after       the new text's tree; borrows after_text.
 * IFX_EINVAL  the proof failed; `why` says what differs.
 */
IFX_MUST_USE ifx_status ifx_add_comments(ifx_str *after_text, struct ifx_doc **after,
					 struct ifx_edits *edits, const struct ifx_doc *doc,
					 const struct ifx_new_comment *comments, size_t n,
					 struct ifx_arena *arena, struct ifx_buf *why);

#endif
