/*
 * Where a finding is, for those who never see the text it was found in: an orchestrator made that
 * text from files, and a line of it says nothing to anybody.
 */
#ifndef IFX_KRM_SITE_H
#define IFX_KRM_SITE_H

#include "rule/finding.h"
#include "yaml/roots.h"

/** The file that a resource was read from, as far as somebody who knows wrote it down. */
struct ifx_origin {
	ifx_str path;  /* ptr NULL: unknown */
	ifx_str index; /* which document of the file: digits; ptr NULL: unknown */
};

struct ifx_site {
	const struct ifx_resource *resource;
	const struct ifx_entry *entry; /* the innermost one below the resource; NULL: it itself */
	struct ifx_origin origin;
};

/** Sites of one document, asked for in the order of their offsets. */
struct ifx_sites {
	const struct ifx_doc *doc;
	const struct ifx_resource *resources, *at;
	ifx_str source; /* Helm's `# Source:` above the document */
};

/** The arena holds the resources. False: no memory. */
bool ifx_sites_open(struct ifx_sites *sites, const struct ifx_doc *doc, struct ifx_arena *arena);
/** The site of offset `at` in doc->src; false when no resource is there. */
bool ifx_sites_find(struct ifx_sites *sites, size_t at, struct ifx_site *site);

/** A resource by what a finding says of it; NULL: it is not in the document. */
const struct ifx_resource *ifx_sites_named(const struct ifx_sites *sites,
					   const struct ifx_finding *f);

/** The path of the site's entry in its resource: `spec.http[0].timeout`; "" for the resource
 * itself. ptr NULL: no memory. */
ifx_str ifx_site_field(const struct ifx_site *site, struct ifx_arena *arena);

/**
 * Tell the findings of a text, in file order, what it was made from: finding->origin and ->field.
 * Where nothing says it a finding keeps its place in the text; with `hidden`, a text that nobody
 * can look at, its origin is "" then, and only the resource is named.
 */
IFX_MUST_USE ifx_status ifx_sites_tell(ifx_str text, struct ifx_finding *const *findings, size_t n,
				       bool hidden, struct ifx_arena *arena);

#endif
