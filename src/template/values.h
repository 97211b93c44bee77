/*
 * The values of a Helm chart: maps that templates print as labels and annotations.
 *
 *     gateway:
 *       podAnnotations:
 *         sidecar.istio.io/inject: true      # a boolean is refused there
 *
 * Nobody knows what a template makes of them, so only what is known of Istio's keys wherever they
 * end up is looked at, and nothing is fixed.
 */
#ifndef IFX_TEMPLATE_VALUES_H
#define IFX_TEMPLATE_VALUES_H

#include "yaml/roots.h"

/** Can the rule of this id say anything about values? */
bool ifx_values_rule(const char *id);

/**
 * Each map of labels or annotations that has a key of Istio's, as the metadata of a Pod made for
 * it, with those keys alone. Entries are copies; their keys and values are nodes of the document.
 * False: no memory.
 */
bool ifx_values_roots(struct ifx_resource **first, const struct ifx_doc *doc,
		      struct ifx_arena *arena);

#endif
