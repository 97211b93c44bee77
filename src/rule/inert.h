/*
 * A key that stands more than once above the same pods, in metadata that no pod gets: a CronJob has
 * its own metadata and that of the job template. Rules that move keys to the pods ask here which of
 * them goes first.
 */
#ifndef IFX_RULE_INERT_H
#define IFX_RULE_INERT_H

#include "rule/transform.h"

/** Another place of a key, whose pods are, or some of them, the pods of the place one looks at. */
struct ifx_twin {
	const struct ifx_entry *entry; /* NULL: there is none */
	ifx_str path;                  /* of the map that has it */
};

/** Of that key, among labels or annotations, in another metadata than this one: with another value.
 */
struct ifx_twin ifx_twin_differs(struct ifx_cx *cx, const struct ifx_resource *r,
				 const struct ifx_node *metadata, const struct ifx_entry *entry,
				 bool labels);
/** ... nearer to the pods than this one. */
struct ifx_twin ifx_twin_nearer(struct ifx_cx *cx, const struct ifx_resource *r,
				const struct ifx_node *metadata, const struct ifx_entry *entry,
				bool labels);
/** ... anywhere. */
struct ifx_twin ifx_twin_any(struct ifx_cx *cx, const struct ifx_resource *r,
			     const struct ifx_node *metadata, const struct ifx_entry *entry,
			     bool labels);

/** What starts to happen when the entry comes to these pods: ifx_key_effect, and what it does not
 * say, that pods on the host network get no sidecar. */
const char *ifx_effect_on_pods(const struct ifx_key_fact *fact, bool label, ifx_str value,
			       const struct ifx_hit *pods);

#endif
