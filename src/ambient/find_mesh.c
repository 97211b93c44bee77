/* What is about all namespaces of an environment. */
#include "ambient/find.h"

static struct ifx_hindrance *setting(struct ifx_migration *plan, ifx_finding_id id,
				     const struct ifx_setting *s, const char *what)
{
	return ifx_hinder(plan, id, NULL, s->object, s->node, "%s", what);
}

static void clusters(struct ifx_migration *plan, struct ifx_environment *e)
{
	const struct ifx_mesh_settings *s = &e->settings;

	if (s->remote.object)
		ifx_hinder_help(plan,
				setting(plan, IFX_F_B04, &s->remote,
					"the control plane runs in another cluster, which ambient "
					"mode does not support"),
				"stay in sidecar mode, or give the cluster its own control plane");
	if (s->networks.object)
		setting(plan, IFX_F_W05, &s->networks,
			"there are several networks: Services are local to their cluster unless "
			"istio.io/global says otherwise, and waypoints need the same name in each");
	else if (s->multicluster.object)
		setting(plan, IFX_F_W05, &s->multicluster,
			"there are several clusters: Services are local to their cluster unless "
			"istio.io/global says otherwise, and waypoints need the same name in each");
}

/* Marks of multicluster installations on objects of a namespace. */
static void marks(struct ifx_migration *plan, const struct ifx_namespace *ns)
{
	const char *network = "topology.istio.io/network";
	const char *clusters_of = "topology.istio.io/controlPlaneClusters";

	for (const struct ifx_object *o = ns->objects[IFX_NAMESPACE].first; o; o = o->next) {
		const struct ifx_node *labels = ifx_get(o->r->metadata, IFX_LIT("labels"));
		const struct ifx_node *annotations =
			ifx_get(o->r->metadata, IFX_LIT("annotations"));
		const struct ifx_node *node = ifx_get(annotations, ifx_str_of(clusters_of));

		if (node)
			ifx_hinder(plan, IFX_F_B04, NULL, o, node,
				   "the control plane of this cluster serves others, which ambient "
				   "mode does not support");
		node = ifx_get(labels, ifx_str_of(network));
		if (node)
			ifx_hinder(plan, IFX_F_W05, NULL, o, node,
				   "the cluster is part of a mesh of several networks");
	}
	for (const struct ifx_object *o = ns->objects[IFX_SECRET].first; o; o = o->next) {
		const struct ifx_node *node = ifx_get(ifx_get(o->r->metadata, IFX_LIT("labels")),
						      IFX_LIT("istio/multiCluster"));

		if (node)
			ifx_hinder(plan, IFX_F_W05, NULL, o, node,
				   "a Secret that lets istiod read another cluster");
	}
	for (const struct ifx_object *o = ns->objects[IFX_ISTIO_GATEWAY].first; o; o = o->next) {
		const struct ifx_node *node =
			ifx_get(ifx_get(ifx_object_spec(o), IFX_LIT("selector")), IFX_LIT("istio"));

		if (ifx_str_starts(ifx_text(node), IFX_LIT("eastwest")))
			ifx_hinder(plan, IFX_F_W05, NULL, o, node,
				   "a gateway for traffic between networks");
	}
}

/* PodMonitors stand anywhere; those for the sidecar are known by what they scrape. */
static void monitors(struct ifx_migration *plan, const struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns->objects[IFX_POD_MONITOR].first; o; o = o->next) {
		const struct ifx_entry *e =
			ifx_items(ifx_get(ifx_object_spec(o), IFX_LIT("podMetricsEndpoints")));

		for (; e; e = e->next) {
			const struct ifx_node *item = ifx_deref(e->value);

			if (!ifx_str_eq(ifx_get_text(item, IFX_LIT("port")),
					IFX_LIT("http-envoy-prom")) &&
			    !ifx_str_eq(ifx_get_text(item, IFX_LIT("path")),
					IFX_LIT("/stats/prometheus")) &&
			    !ifx_str_eq(ifx_get_text(item, IFX_LIT("targetPort")),
					IFX_LIT("15090")))
				continue;
			ifx_hinder(plan, IFX_F_W16, NULL, o, item,
				   "PodMonitor %.*s scrapes the sidecars; metrics of ztunnel and "
				   "waypoints have other ports",
				   IFX_ARG(o->r->name));
			break;
		}
	}
}

static void mesh_filters(struct ifx_migration *plan, const struct ifx_namespace *root)
{
	for (const struct ifx_object *o = root->objects[IFX_ENVOY_FILTER].first; o; o = o->next) {
		const struct ifx_node *spec = ifx_object_spec(o);
		struct ifx_hindrance *h;

		if (ifx_get(spec, IFX_LIT("workloadSelector")) || ifx_is_for_gateways(spec))
			continue;
		h = ifx_hinder(
			plan, IFX_F_B01, NULL, o, NULL,
			"EnvoyFilter %.*s changes the sidecars of the whole mesh; in ambient "
			"mode it is ignored without a message",
			IFX_ARG(o->r->name));
		if (!plan->options->strict)
			h->weight = IFX_WEIGHT_W;
	}
}

void ifx_find_mesh(struct ifx_migration *plan, struct ifx_environment *e)
{
	const struct ifx_setting *outbound = &e->settings.outbound_policy;
	const struct ifx_namespace *root = ifx_estate_namespace(e, ifx_root_namespace(e));

	clusters(plan, e);
	if (ifx_str_eq(outbound->value, IFX_LIT("REGISTRY_ONLY")))
		ifx_hinder_help(
			plan,
			setting(plan, IFX_F_S22, outbound,
				"the mesh lets out only what the registry knows; ztunnel has "
				"no such mode"),
			"shut the way out with NetworkPolicies or an egress gateway");
	for (size_t i = 0; i < e->n_namespaces; i++) {
		marks(plan, e->namespaces[i]);
		monitors(plan, e->namespaces[i]);
	}
	if (root)
		mesh_filters(plan, root);
}
