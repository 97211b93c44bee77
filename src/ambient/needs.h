/*
 * What needs a waypoint, and why (AMBIENT 4.3, 1.2): Services with policies that ztunnel does not
 * enforce, with JWT rules, plugins, routes, or rules for the connections to them.
 */
#ifndef IFX_AMBIENT_NEEDS_H
#define IFX_AMBIENT_NEEDS_H

#include "ambient/layer.h"
#include "ambient/migration.h"

/** An AuthorizationPolicy as data. */
struct ifx_policy_view {
	const struct ifx_object *object;
	struct ifx_authz authz;
	struct ifx_l7_reason l7; /* why NULL: ztunnel enforces it */
	struct ifx_policy_view *next;
};

/** Read the policies of a namespace into its plan. False: no memory. */
bool ifx_policies_read(struct ifx_migration *plan, struct ifx_ns_plan *ns);
/** From what stands in an environment to the Services that need a waypoint. Policies are read. */
void ifx_needs_find(struct ifx_migration *plan, struct ifx_env_plan *env);
/** Does the Service need one? The first reason, or NULL. */
const struct ifx_need *ifx_need_of(const struct ifx_ns_plan *ns, const struct ifx_object *service);
/** Will it be bound to a waypoint: because it needs one, or its whole namespace is (--bind)? */
bool ifx_is_bound(const struct ifx_migration *plan, const struct ifx_ns_plan *ns,
		  const struct ifx_object *service);
/** The first Service of the callee that a waypoint will guard and that the link is about, or NULL.
 */
const struct ifx_object *ifx_guarded(struct ifx_migration *plan, const struct ifx_ns_plan *callee,
				     const struct ifx_link *link);
/** "policy", "JWT" ...: a word for a table. */
const char *ifx_need_name(ifx_need_kind kind);

/** Does the selector take no pods but those of gateways? Their proxies stay as they are. */
bool ifx_is_gateway_selector(const struct ifx_namespace *ns, struct ifx_labels selector);
/** spec of a VirtualService: is it about traffic inside the mesh (too)? */
bool ifx_is_for_mesh(const struct ifx_node *spec);
/** As the label algebra wants them. */
bool ifx_labels_of_pairs(struct ifx_migration *plan, struct ifx_labels *out,
			 struct ifx_pairs pairs);
/** Labels of all pods of a namespace. False: no memory. */
bool ifx_labels_of_pods(struct ifx_migration *plan, struct ifx_labels **list, size_t *n,
			const struct ifx_namespace *ns);

#endif
