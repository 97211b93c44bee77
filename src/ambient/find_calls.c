/* What the calls between namespaces mean: B06 and W33 of a callee, callers that the tree lacks. */
#include "ambient/find.h"

#include "ambient/needs.h"

static void plaintext(struct ifx_migration *plan, const struct ifx_link *link)
{
	const struct ifx_object *disabled = ifx_mtls_disabled(link->callee);

	if (disabled && ifx_has_sidecars(link->callee))
		ifx_hinder_help(plan,
				ifx_hinder(plan, IFX_F_B06, link->caller, disabled, NULL,
					   "it calls namespace %.*s, where PeerAuthentication %.*s "
					   "takes plaintext only; callers in ambient mode always "
					   "encrypt",
					   IFX_ARG(link->callee->name), IFX_ARG(disabled->r->name)),
				"write PERMISSIVE there");
}

/* A namespace that does not migrate is not edited; its owner has to. */
static void network(struct ifx_migration *plan, const struct ifx_link *link)
{
	const struct ifx_namespace *callee = link->callee;

	if (ifx_migration_of(plan, callee)->migrates || !ifx_has_sidecars(callee))
		return;
	for (const struct ifx_object *o = callee->objects[IFX_NETWORK_POLICY].first; o;
	     o = o->next) {
		const struct ifx_node *ports = ifx_netpol_shuts(plan, o, callee, "ingress");

		if (ports)
			ifx_hinder_help(
				plan,
				ifx_hinder(
					plan, IFX_F_W33, link->caller, o, ports,
					"it calls namespace %.*s, where NetworkPolicy %.*s lists "
					"ports without 15008",
					IFX_ARG(callee->name), IFX_ARG(o->r->name)),
				"add {port: 15008, protocol: TCP} there");
	}
}

/* Nobody knows what carries the traffic of a namespace that is not in the tree. */
static void unseen(struct ifx_migration *plan, const struct ifx_link *link)
{
	const struct ifx_ns_plan *callee = ifx_migration_of(plan, link->callee);
	const struct ifx_object *service = ifx_guarded(plan, callee, link);
	struct ifx_hindrance *h;

	if (!service)
		return;
	h = ifx_hinder(
		plan, IFX_F_C38, link->callee, link->object, link->node,
		"namespace %.*s calls Service %.*s, which a waypoint will guard, and is not in the "
		"tree: it must be in ambient mode before enroll",
		IFX_ARG(link->caller_name), IFX_ARG(service->r->name));
	h->weight = IFX_WEIGHT_W;
	h->only_enroll = true;
}

void ifx_find_calls(struct ifx_migration *plan, struct ifx_environment *e)
{
	const struct ifx_links *links = &ifx_migration_env(plan, e)->links;
	const struct ifx_link *last = NULL;

	/* Sorted by caller and callee: each pair once. */
	for (size_t i = 0; i < links->n; i++) {
		const struct ifx_link *link = &links->items[i];

		if (!link->caller && ifx_migration_of(plan, link->callee)->migrates)
			unseen(plan, link);
		if (link->caller && ifx_migration_of(plan, link->caller)->migrates &&
		    (!last || last->caller != link->caller || last->callee != link->callee)) {
			plaintext(plan, link);
			network(plan, link);
		}
		last = link;
	}
}
