/* The documents that a migration adds: the waypoint, who may reach pods past it, and who may not.
 */
#ifndef IFX_AMBIENT_MANIFEST_H
#define IFX_AMBIENT_MANIFEST_H

#include "ambient/passage.h"

/** Text of a document in the hand of `like`; ptr NULL: no memory, and m->failed is set. */
ifx_str ifx_manifest_gateway(struct ifx_passage *m, const struct ifx_doc *like);
/** ALLOW the waypoint. */
ifx_str ifx_manifest_allow(struct ifx_passage *m, const struct ifx_front *f,
			   const struct ifx_doc *like);
/** DENY everybody else. */
ifx_str ifx_manifest_guard(struct ifx_passage *m, const struct ifx_front *f,
			   const struct ifx_doc *like);
/** A ConfigMap with the sizes of the namespace's sidecars as comments; ptr NULL: they say none. */
ifx_str ifx_manifest_size_hints(struct ifx_passage *m, const struct ifx_doc *like);
/** PERMISSIVE for ports of the pods of a workload. */
ifx_str ifx_manifest_plaintext(struct ifx_passage *m, const struct ifx_object *workload,
			       const struct ifx_labels *selector, const long *ports, size_t n,
			       const struct ifx_doc *like);

/** Names of the policies that ifx_manifest_allow and _guard make. */
ifx_str ifx_allow_name(struct ifx_passage *m, const struct ifx_front *f);
ifx_str ifx_guard_name(struct ifx_passage *m, const struct ifx_front *f);

/* ---- who applies to whom ---- */

/** Is the policy (one of m->stances) for pods of the Service (one of m->fronts)? */
bool ifx_is_for(const struct ifx_passage *m, const struct ifx_stance *s, const struct ifx_front *f);
/** An AuthorizationPolicy that is enforced at the pods and not written by us. */
bool ifx_is_authz(const struct ifx_stance *s, ifx_action action);

#endif
