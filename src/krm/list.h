/*
 * The ResourceList that a KRM function gets on standard input (KRM Functions Specification v1). It
 * is text like any other and is never printed again: fixes are edits of it, so whatever an
 * orchestrator put there comes back as it came.
 */
#ifndef IFX_KRM_LIST_H
#define IFX_KRM_LIST_H

#include "base/buf.h"
#include "yaml/node.h"

struct ifx_list {
	ifx_span chunk; /* the document in the text; nothing but blanks follows as a rule */
	struct ifx_doc *doc;
	const struct ifx_node *config; /* functionConfig; NULL: none, or null */
};

/**
 * The ResourceList at the start of a text, which is borrowed. Always released by the caller.
 * IFX_EINVAL  the text's first document is none, or cannot be read.
 */
IFX_MUST_USE ifx_status ifx_list_open(struct ifx_list *list, ifx_str text);
void ifx_list_close(struct ifx_list *list);

#endif
