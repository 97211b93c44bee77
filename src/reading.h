/*
 * How the documents of a file are read: as they stand, or, in a template, masked.
 *
 * Plain first: what is YAML without a mask may be text that only looks like a template, in the
 * string of a dashboard for example. In a Helm chart it is the other way round, and with ytt, whose
 * control flow is comments.
 */
#ifndef IFX_READING_H
#define IFX_READING_H

#include "edit/edit.h"
#include "template/mask.h"
#include "yaml/load.h"

/** What becomes of templates: --templates. */
typedef enum {
	IFX_TEMPLATES_FIX,
	IFX_TEMPLATES_REPORT, /* findings, but no fixes */
	IFX_TEMPLATES_SKIP,   /* not looked at */
} ifx_templates;

struct ifx_reading {
	ifx_str bytes;
	bool chart;           /* the file is a template of a Helm chart */
	struct ifx_mask mask; /* text.ptr NULL: there are no actions, or they do not fit */
	struct ifx_mask_problem problem;
	bool looked, ytt;
	bool plain_changes; /* in documents that were not masked although there are actions */
};

/** Why a document cannot be read. */
struct ifx_unread {
	const char *rule; /* yaml, template or limit */
	size_t at;        /* in the file */
	struct ifx_buf text;
};

/**
 * Parse one document. A masked one has doc->mask, and doc->src is as long as the chunk either way.
 * arena       outlives the document.
 * IFX_EINVAL  `why` says what is wrong, and where.
 */
IFX_MUST_USE ifx_status ifx_reading_load(struct ifx_doc **out, struct ifx_reading *reading,
					 ifx_span chunk, struct ifx_arena *arena,
					 struct ifx_unread *why);

/**
 * Is the document that was read part of a template? Not each that was masked is: a chart may have
 * files without actions.
 */
bool ifx_reading_is_template(const struct ifx_doc *doc);

/**
 * What was proven is the mask of each document; is the file, with its edits, the same template?
 * IFX_EINVAL  no: a mistake of ours; `why` says what differs.
 */
IFX_MUST_USE ifx_status ifx_reading_prove(const struct ifx_reading *reading, ifx_str after,
					  const struct ifx_edits *edits, struct ifx_buf *why);

#endif
