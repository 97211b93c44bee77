/*
 * What stands behind transform.h: one transform's pass over one document. The pipeline owns it.
 */
#ifndef IFX_RULE_CX_H
#define IFX_RULE_CX_H

#include "rule/transform.h"

/** What the user allows. */
struct ifx_policy {
	ifx_level level; /* safe, repair, or choice for --level all */
	const struct ifx_pick {
		ifx_str rule, answer;
		ifx_str where; /* `file:line:col`; ptr NULL: on the command line */
	} * picks;             /* --choose; the last one for a rule holds */
	size_t n_picks;
	int istio_minor; /* --istio-version 1.N; 0: IFX_ISTIO_NEWEST */
};

/** Questions about the rest of the input; answered by whoever can read files (index.h). See
 * transform.h. */
struct ifx_input_index {
	size_t (*environments)(void *data, const size_t **list);
	ifx_str (*namespace_in)(void *data, const struct ifx_resource *r, size_t environment);
	const struct ifx_record *(*records)(void *data, size_t environment, ifx_str group,
					    ifx_str kind, const struct ifx_record *after);
	const struct ifx_record *(*named)(void *data, size_t environment, ifx_str group,
					  ifx_str kind, ifx_str name,
					  const struct ifx_record *after);
	bool (*is_patch)(void *data);
	void *data;
};

struct ifx_embedded_doc;

struct ifx_cx {
	const struct ifx_policy *policy;
	const struct ifx_input_index *index; /* may be NULL */
	const struct ifx_transform *transform;
	const struct ifx_resource *resource;
	const char *no_fixes; /* why nothing in the document is fixed; NULL: fixes are welcome */
	const char *live;     /* why the resource is a dump of a live object; NULL: it is not */
	struct ifx_arena *arena;
	struct ifx_fix *first, **link; /* findings of this pass */
	size_t n;
	struct ifx_embedded_doc *embedded;
	/* What was asked about a resource last: every transform asks for these. */
	const struct ifx_resource *pods_of, *metadata_of;
	struct ifx_hit *pods;
	struct ifx_metadata *metadata;
	bool failed; /* no memory */
};

/** One pass of `transform` over the resources of a document. Findings are appended to cx->first. */
IFX_MUST_USE ifx_status ifx_cx_pass(struct ifx_cx *cx, const struct ifx_transform *transform,
				    const struct ifx_resource *resources);
/** Close the documents that the pass opened. Its findings stay, their operations do not. */
void ifx_cx_close(struct ifx_cx *cx);

#endif
