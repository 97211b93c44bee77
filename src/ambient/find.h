/*
 * Detection of what stands in the way (AMBIENT 3), grouped by noun. Each looks at one namespace
 * that migrates, or at one environment, and adds findings to the plan.
 */
#ifndef IFX_AMBIENT_FIND_H
#define IFX_AMBIENT_FIND_H

#include "ambient/migration.h"
#include "ambient/pods.h"
#include "ambient/service.h"

typedef void ifx_find_in_namespace(struct ifx_migration *plan, struct ifx_namespace *ns);
typedef void ifx_find_in_environment(struct ifx_migration *plan, struct ifx_environment *e);

ifx_find_in_namespace ifx_find_pods;      /* annotations and labels of pods */
ifx_find_in_namespace ifx_find_scripts;   /* commands that speak to the sidecar */
ifx_find_in_namespace ifx_find_policies;  /* security policies */
ifx_find_in_namespace ifx_find_traffic;   /* Services, routes, destinations, Sidecars */
ifx_find_in_namespace ifx_find_network;   /* NetworkPolicies */
ifx_find_in_namespace ifx_find_foreign;   /* EnvoyFilters, virtual machines, names */
ifx_find_in_environment ifx_find_mesh;    /* settings of the mesh */
ifx_find_in_environment ifx_find_residue; /* injection labels elsewhere */
ifx_find_in_environment ifx_find_calls;   /* what a callee means for its callers */

/** Go over the templates of pods of a namespace that a migration concerns. */
#define IFX_EACH_PODS(o, p, ns)                                                                    \
	for (const struct ifx_object *o = (ns)->objects[IFX_WORKLOAD].first; o; o = o->next)       \
		for (struct ifx_pods *p = o->pods; p; p = p->next)

/** The node of an annotation or label of pods as their template has it; NULL: only a patch does. */
const struct ifx_node *ifx_pods_said(const struct ifx_pods *pods, const char *map, const char *key);
/** "Deployment web" */
#define IFX_WHO(o) IFX_ARG((o)->r->kind), IFX_ARG((o)->r->name)
/** Items of a list, or NULL. */
const struct ifx_entry *ifx_items(const struct ifx_node *list);

/** The PeerAuthentication that makes pods of the namespace take plaintext only; NULL: none. */
const struct ifx_object *ifx_mtls_disabled(const struct ifx_namespace *ns);
/** The list of ports of a NetworkPolicy that would keep HBONE out of pods of the namespace. */
const struct ifx_node *ifx_netpol_shuts(struct ifx_migration *plan, const struct ifx_object *policy,
					const struct ifx_namespace *ns, const char *direction);
/** spec of an EnvoyFilter: does it change no sidecars? */
bool ifx_is_for_gateways(const struct ifx_node *spec);
/** An outside name, for which no mesh knows a Service: neither short nor below .svc or .local. */
bool ifx_is_outside_host(ifx_str host);

/** Is a policy with this spec.selector about these pods? None, or an empty one: about all. */
bool ifx_selector_takes(struct ifx_migration *plan, const struct ifx_node *selector,
			const struct ifx_pods *pods);

#endif
