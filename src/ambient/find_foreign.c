/* What ambient mode does not know at all, and names that are in the way. */
#include "ambient/find.h"

#include "ambient/needs.h"

/* ---- B01 ---- */

/* Are all patches of an EnvoyFilter for gateways, or is it attached to Gateways? */
bool ifx_is_for_gateways(const struct ifx_node *spec)
{
	const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("targetRefs")));
	bool any = false;

	for (; e; e = e->next)
		if (!ifx_str_eq(ifx_get_text(ifx_deref(e->value), IFX_LIT("kind")),
				IFX_LIT("Gateway")))
			return false;
	if (ifx_items(ifx_get(spec, IFX_LIT("targetRefs"))))
		return true;
	for (e = ifx_items(ifx_get(spec, IFX_LIT("configPatches"))); e; e = e->next) {
		const struct ifx_node *match = ifx_get(ifx_deref(e->value), IFX_LIT("match"));

		any = true;
		if (!ifx_str_eq(ifx_get_text(match, IFX_LIT("context")), IFX_LIT("GATEWAY")))
			return false;
	}
	return any;
}

/* The first workload that it reaches; *no_pods when the tree shows none at all. */
static const struct ifx_object *reached(struct ifx_migration *plan, const struct ifx_namespace *ns,
					const struct ifx_node *spec, size_t *n, bool *no_pods)
{
	const struct ifx_node *selector = ifx_get(spec, IFX_LIT("workloadSelector"));
	const struct ifx_object *first = NULL;

	*n = 0;
	*no_pods = true;
	IFX_EACH_PODS(o, p, ns)
	{
		*no_pods = false;
		if (p->gateway || p->host_network || !ifx_selector_takes(plan, selector, p))
			continue;
		first = first ? first : o;
		++*n;
	}
	return first;
}

static void envoy_filter(struct ifx_migration *plan, struct ifx_namespace *ns,
			 const struct ifx_object *filter)
{
	const struct ifx_node *spec = ifx_object_spec(filter);
	const struct ifx_object *who;
	struct ifx_hindrance *h;
	bool no_pods;
	size_t n;

	if (ifx_is_for_gateways(spec))
		return;
	who = reached(plan, ns, spec, &n, &no_pods);
	if (!who && !no_pods)
		return;
	if (who)
		h = ifx_hinder(
			plan, IFX_F_B01, ns, filter, NULL,
			"EnvoyFilter %.*s changes the sidecar of %.*s %.*s%s; in ambient mode "
			"it is ignored without a message",
			IFX_ARG(filter->r->name), IFX_WHO(who), n > 1 ? " and of others" : "");
	else
		h = ifx_hinder(plan, IFX_F_B01, ns, filter, NULL,
			       "EnvoyFilter %.*s changes sidecars; in ambient mode it is ignored "
			       "without a message",
			       IFX_ARG(filter->r->name));
	ifx_hinder_help(plan, h,
			"say it with a TrafficExtension or WasmPlugin that has targetRefs, "
			"or delete it");
}

static void envoy_filters(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	const struct ifx_namespace *root =
		ifx_estate_namespace(ns->environment, ifx_root_namespace(ns->environment));

	for (const struct ifx_object *o = ns->objects[IFX_ENVOY_FILTER].first; o; o = o->next)
		envoy_filter(plan, ns, o);
	/* Those of the root namespace without a selector are about the whole mesh. */
	for (const struct ifx_object *o = root ? root->objects[IFX_ENVOY_FILTER].first : NULL; o;
	     o = o->next)
		if (ifx_get(ifx_object_spec(o), IFX_LIT("workloadSelector")) &&
		    ns->objects[IFX_WORKLOAD].n)
			envoy_filter(plan, ns, o);
}

/* ---- B02 ---- */

static void machines(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	const char *help = "keep the namespace in sidecar mode";

	for (const struct ifx_object *o = ns->objects[IFX_WORKLOAD_GROUP].first; o; o = o->next)
		ifx_hinder_help(
			plan,
			ifx_hinder(plan, IFX_F_B02, ns, o, NULL,
				   "WorkloadGroup %.*s: virtual machines cannot be in ambient",
				   IFX_ARG(o->r->name)),
			"%s", help);
	for (const struct ifx_object *o = ns->objects[IFX_WORKLOAD_ENTRY].first; o; o = o->next) {
		const struct ifx_node *account =
			ifx_get(ifx_object_spec(o), IFX_LIT("serviceAccount"));

		if (ifx_text(account).len)
			ifx_hinder_help(plan,
					ifx_hinder(plan, IFX_F_B02, ns, o, account,
						   "WorkloadEntry %.*s is a virtual machine of the "
						   "mesh, which cannot be in ambient",
						   IFX_ARG(o->r->name)),
					"%s", help);
	}
}

/* ---- W35 ---- */

static bool is_waypoint(const struct ifx_object *gateway)
{
	return ifx_str_eq(ifx_get_text(ifx_object_spec(gateway), IFX_LIT("gatewayClassName")),
			  IFX_LIT("istio-waypoint"));
}

static void waypoint_name(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	static const ifx_object_kind kinds[] = { IFX_GATEWAY, IFX_SERVICE, IFX_SERVICE_ACCOUNT,
						 IFX_WORKLOAD };
	const struct ifx_migration_options *options = plan->options;
	ifx_str name = options->waypoint.ptr ? options->waypoint : IFX_LIT("waypoint");
	const struct ifx_object *there = ifx_object_named(ns, IFX_GATEWAY, name);

	if (!ifx_migration_of(plan, ns)->needs.n || (there && is_waypoint(there)) ||
	    (options->waypoint_namespace.len && !ifx_str_eq(options->waypoint_namespace, ns->name)))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct ifx_object *o = ifx_object_named(ns, kinds[i], name);

		if (!o)
			continue;
		ifx_hinder_help(plan,
				ifx_hinder(plan, IFX_F_W35, ns, o, NULL,
					   "%.*s %.*s has the name that the waypoint's Gateway, "
					   "Service, Deployment and ServiceAccount would have",
					   IFX_WHO(o)),
				"choose another name: --waypoint NAME");
		return;
	}
}

void ifx_find_foreign(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	envoy_filters(plan, ns);
	machines(plan, ns);
	waypoint_name(plan, ns);
}
