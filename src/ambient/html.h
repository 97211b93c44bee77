/*
 * The plan as one HTML page: no network, no clock, readable without scripts. page.css and page.js
 * travel inside; the content security policy admits these two and nothing else.
 *
 * Names inside the page: `n0-3` is the fourth namespace of the first environment, `f0-3-1` its
 * second finding, `f0-all-1` one of the whole environment, `g0` the graph. `data-ns` names the
 * namespace that an element is about, for the filter.
 */
#ifndef IFX_AMBIENT_HTML_H
#define IFX_AMBIENT_HTML_H

#include "ambient/show.h"

struct ifx_preview;

/** The whole page. preview: NULL, or what the phases and the evidence are told from. */
void ifx_show_html(struct ifx_buf *out, struct ifx_migration *plan,
		   const struct ifx_preview *preview);

/* ---- its parts, each for one environment ---- */

/** What a namespace is to a reader at first sight. */
typedef enum {
	IFX_STANDING_READY,
	IFX_STANDING_WARNED,
	IFX_STANDING_LATE, /* its enroll is held */
	IFX_STANDING_HELD,
	IFX_STANDING_AMBIENT,
	IFX_STANDING_OUT, /* it does not migrate */
	IFX_STANDINGS,
} ifx_standing;

ifx_standing ifx_html_standing(const struct ifx_ns_plan *ns);
/** "enroll held" */
const char *ifx_standing_name(ifx_standing standing);
/** One word: the class in page.css. */
const char *ifx_standing_class(ifx_standing standing);

typedef void ifx_html_part(struct ifx_buf *out, const struct ifx_env_plan *env,
			   const struct ifx_ns_plan **order);

ifx_html_part ifx_html_namespaces; /* the table */
ifx_html_part ifx_html_graph;      /* the calls, drawn */
ifx_html_part ifx_html_calls;      /* the calls and their evidence, a table */
ifx_html_part ifx_html_findings;
ifx_html_part ifx_html_residue;
ifx_html_part ifx_html_tuning;
ifx_html_part ifx_html_details; /* what is to be known about each namespace */

/* ---- of all environments ---- */

void ifx_html_phases(struct ifx_buf *out, const struct ifx_preview *preview);
void ifx_html_evidence(struct ifx_buf *out, const struct ifx_preview *preview);

/* ---- for all parts ---- */

/** A link to the namespace's details. */
void ifx_html_namespace(struct ifx_buf *out, const struct ifx_namespace *ns);
/** `path:line:col` as code; ptr of a node NULL: the object. */
void ifx_html_place(struct ifx_buf *out, const struct ifx_object *o, const struct ifx_node *node);
/** The head of a table: titles, those with a leading `#` are of numbers. */
void ifx_html_head(struct ifx_buf *out, const char *caption, const char *const *titles, size_t n);
/** Links to what holds a namespace. False: nothing does. */
bool ifx_html_holders(struct ifx_buf *out, const struct ifx_env_plan *env,
		      const struct ifx_ns_plan *ns);

#endif
