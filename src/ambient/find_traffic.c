/* Services, routes, rules for destinations, Sidecars. */
#include "ambient/find.h"

#include "ambient/needs.h"

/* ---- Services: W18, W19 ---- */

static void services(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	const struct ifx_needs *needs = &ifx_migration_of(plan, ns)->needs;
	const struct ifx_object *last = NULL;

	for (size_t i = 0; i < needs->n; i++) {
		const struct ifx_need *need = &needs->items[i];
		const struct ifx_svc *service = need->service->service;
		struct ifx_hindrance *h;

		if (need->service == last)
			continue;
		last = need->service;
		if (service->external_name || !service->selector.n) {
			ifx_hinder(plan, IFX_F_W19, ns, last, NULL,
				   "Service %.*s has no pods of its own (%s), and %.*s %.*s is "
				   "about it",
				   IFX_ARG(last->r->name),
				   service->external_name ? "ExternalName" : "no selector",
				   IFX_WHO(need->object));
		} else if (service->headless) {
			h = ifx_hinder(
				plan, IFX_F_W18, ns, last,
				ifx_get(ifx_object_spec(last), IFX_LIT("clusterIP")),
				"Service %.*s is headless: its clients connect to pods, which "
				"no service waypoint sees, and %.*s %.*s is about it",
				IFX_ARG(last->r->name), IFX_WHO(need->object));
			/* Policies and JWT rules come first in the order of needs. */
			if (need->kind <= IFX_NEED_JWT)
				h->weight = IFX_WEIGHT_S;
			ifx_hinder_help(plan, h,
					"give it a cluster address, or a waypoint for workloads");
		}
	}
}

/* ---- ServiceEntries: W20 ---- */

static void entry(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_object *o)
{
	const struct ifx_node *spec = ifx_object_spec(o);
	const struct ifx_node *export = ifx_get(spec, IFX_LIT("exportTo"));
	const struct ifx_node *resolution = ifx_get(spec, IFX_LIT("resolution"));
	const struct ifx_node *what = NULL;
	const char *why = NULL;

	for (const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("hosts"))); e; e = e->next)
		if (ifx_str_starts(ifx_text(ifx_deref(e->value)), IFX_LIT("*"))) {
			what = ifx_deref(e->value);
			why = "wildcard hosts are not honoured by ztunnel";
		}
	if (!what && ifx_items(export) &&
	    !ifx_str_eq(ifx_text(ifx_deref(ifx_items(export)->value)), IFX_LIT("*"))) {
		what = export;
		why = "exportTo is not honoured by ztunnel and waypoints";
	}
	if (!what && ifx_str_eq(ifx_text(resolution), IFX_LIT("NONE"))) {
		what = resolution;
		why = "with resolution NONE ztunnel just passes the traffic on";
	}
	if (!what && ifx_str_starts(ifx_text(resolution), IFX_LIT("DYNAMIC_DNS"))) {
		what = resolution;
		why = "DYNAMIC_DNS works at a waypoint only";
	}
	if (what)
		ifx_hinder(plan, IFX_F_W20, ns, o, what, "ServiceEntry %.*s: %s",
			   IFX_ARG(o->r->name), why);
}

/* ---- DestinationRules: S21, W25, W37 ---- */

bool ifx_is_outside_host(ifx_str host)
{
	return ifx_str_chr(host, '.') != SIZE_MAX && !ifx_str_ends(host, IFX_LIT(".local")) &&
	       !ifx_str_ends(host, IFX_LIT(".svc"));
}

static const struct ifx_node *origination(const struct ifx_node *policy)
{
	const struct ifx_node *mode = ifx_get(ifx_get(policy, IFX_LIT("tls")), IFX_LIT("mode"));
	const struct ifx_entry *e = ifx_items(ifx_get(policy, IFX_LIT("portLevelSettings")));

	for (; e && !ifx_text(mode).len; e = e->next)
		mode = ifx_get(ifx_get(ifx_deref(e->value), IFX_LIT("tls")), IFX_LIT("mode"));
	return ifx_str_eq(ifx_text(mode), IFX_LIT("SIMPLE")) ||
			       ifx_str_eq(ifx_text(mode), IFX_LIT("MUTUAL"))
		       ? mode
		       : NULL;
}

static bool has_host(const struct ifx_object *entry, ifx_str host)
{
	const struct ifx_entry *e = ifx_items(ifx_get(ifx_object_spec(entry), IFX_LIT("hosts")));

	for (; e; e = e->next)
		if (ifx_str_eq(ifx_text(ifx_deref(e->value)), host))
			return true;
	return false;
}

/* Is a waypoint in front of the outside host already? */
static bool is_bound(const struct ifx_namespace *ns, ifx_str host)
{
	for (const struct ifx_object *o = ns->objects[IFX_SERVICE_ENTRY].first; o; o = o->next)
		if (has_host(o, host) && ifx_get(ifx_get(o->r->metadata, IFX_LIT("labels")),
						 IFX_LIT("istio.io/use-waypoint")))
			return true;
	return false;
}

static const struct ifx_node *special_balance(const struct ifx_node *policy)
{
	const struct ifx_node *balance = ifx_get(policy, IFX_LIT("loadBalancer"));
	const struct ifx_node *hash = ifx_get(balance, IFX_LIT("consistentHash"));

	return hash ? hash : ifx_get(balance, IFX_LIT("localityLbSetting"));
}

static void destination(struct ifx_migration *plan, struct ifx_namespace *ns,
			const struct ifx_object *o)
{
	const struct ifx_node *spec = ifx_object_spec(o);
	const struct ifx_node *policy = ifx_get(spec, IFX_LIT("trafficPolicy"));
	const struct ifx_node *tls = origination(policy), *balance = special_balance(policy);
	const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("subsets")));
	ifx_str host = ifx_get_text(spec, IFX_LIT("host"));

	for (; e; e = e->next) {
		policy = ifx_get(ifx_deref(e->value), IFX_LIT("trafficPolicy"));
		tls = tls ? tls : origination(policy);
		balance = balance ? balance : special_balance(policy);
	}
	if (tls && ifx_is_outside_host(host) && !ifx_svc_of_host(ns->environment, ns->name, host) &&
	    !is_bound(ns, host))
		ifx_hinder_help(
			plan,
			ifx_hinder(plan, IFX_F_S21, ns, o, tls,
				   "DestinationRule %.*s makes TLS of plain traffic to %.*s; "
				   "without the sidecar it would leave the pod in clear text",
				   IFX_ARG(o->r->name), IFX_ARG(host)),
			"bind a ServiceEntry for the host to an egress waypoint");
	if (balance)
		ifx_hinder(plan, IFX_F_W37, ns, o, balance,
			   "DestinationRule %.*s: only a waypoint balances like this, ztunnel does "
			   "not",
			   IFX_ARG(o->r->name));
}

/* A rule that callers of another namespace keep for themselves. */
static void client_side(struct ifx_migration *plan, struct ifx_namespace *ns,
			const struct ifx_object *o, const struct ifx_node *host)
{
	const struct ifx_object *service =
		ifx_svc_of_host(ns->environment, ns->name, ifx_text(host));

	if (service && service->namespace != ns)
		ifx_hinder_help(
			plan,
			ifx_hinder(plan, IFX_F_W25, ns, o, host,
				   "%.*s %.*s is about a Service of namespace %.*s: waypoints "
				   "read only what stands beside the Service",
				   IFX_WHO(o), IFX_ARG(service->namespace->name)),
			"move it to namespace %.*s", IFX_ARG(service->namespace->name));
}

/* ---- VirtualServices: W25, W26 ---- */

static const struct ifx_node *by_source(const struct ifx_node *spec)
{
	static const char *const lists[] = { "http", "tcp", "tls" };
	static const char *const keys[] = { "sourceLabels", "sourceNamespace" };

	for (size_t i = 0; i < 3; i++)
		for (const struct ifx_entry *r = ifx_items(ifx_get(spec, ifx_str_of(lists[i]))); r;
		     r = r->next) {
			const struct ifx_entry *m =
				ifx_items(ifx_get(ifx_deref(r->value), IFX_LIT("match")));

			for (; m; m = m->next)
				for (size_t k = 0; k < 2; k++) {
					const struct ifx_node *node =
						ifx_get(ifx_deref(m->value), ifx_str_of(keys[k]));

					if (node)
						return node;
				}
		}
	return NULL;
}

static void virtual_service(struct ifx_migration *plan, struct ifx_namespace *ns,
			    const struct ifx_object *o)
{
	const struct ifx_node *spec = ifx_object_spec(o), *match = by_source(spec);
	const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("hosts")));

	if (!ifx_is_for_mesh(spec))
		return;
	for (; e; e = e->next)
		client_side(plan, ns, o, ifx_deref(e->value));
	if (match)
		ifx_hinder(plan, IFX_F_W26, ns, o, match,
			   "VirtualService %.*s looks at the caller's labels or namespace; a "
			   "waypoint drops such a block, or sees its own namespace",
			   IFX_ARG(o->r->name));
}

/* ---- Sidecars: S22, W23, B24 ---- */

static const struct ifx_node *remapped(const struct ifx_node *spec)
{
	const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("ingress")));

	for (; e; e = e->next) {
		const struct ifx_node *item = ifx_deref(e->value);
		const struct ifx_node *endpoint = ifx_get(item, IFX_LIT("defaultEndpoint"));
		ifx_str text = ifx_text(endpoint), rest = text, host;
		ifx_str port = ifx_get_text(ifx_get(item, IFX_LIT("port")), IFX_LIT("number"));

		if (!text.len)
			continue;
		ifx_str_split(&rest, ':', &host);
		if (!ifx_str_eq(host, IFX_LIT("0.0.0.0")) || !ifx_str_eq(rest, port))
			return endpoint;
	}
	return NULL;
}

static void sidecar(struct ifx_migration *plan, struct ifx_namespace *ns,
		    const struct ifx_object *o)
{
	const struct ifx_node *spec = ifx_object_spec(o), *endpoint = remapped(spec);
	const struct ifx_node *mode =
		ifx_get(ifx_get(spec, IFX_LIT("outboundTrafficPolicy")), IFX_LIT("mode"));

	ifx_hinder(plan, IFX_F_W23, ns, o, NULL,
		   "Sidecar %.*s has no effect without sidecars; cleanup removes it",
		   IFX_ARG(o->r->name));
	if (endpoint)
		ifx_hinder_help(
			plan,
			ifx_hinder(plan, IFX_F_B24, ns, o, endpoint,
				   "Sidecar %.*s leads an inbound port to '%.*s', where ztunnel "
				   "does not",
				   IFX_ARG(o->r->name), IFX_ARG(ifx_text(endpoint))),
			"let the application listen on the port itself");
	if (ifx_str_eq(ifx_text(mode), IFX_LIT("REGISTRY_ONLY")))
		ifx_hinder_help(
			plan,
			ifx_hinder(plan, IFX_F_S22, ns, o, mode,
				   "Sidecar %.*s lets out only what the registry knows; ztunnel "
				   "has no such mode",
				   IFX_ARG(o->r->name)),
			"shut the way out with NetworkPolicies or an egress gateway");
}

/* ---- W31 ---- */

static void canaries(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns->objects[IFX_CANARY].first; o; o = o->next) {
		const struct ifx_node *provider = ifx_get(ifx_object_spec(o), IFX_LIT("provider"));

		if (!provider || ifx_str_starts(ifx_text(provider), IFX_LIT("istio")))
			ifx_hinder(plan, IFX_F_W31, ns, o, provider,
				   "Canary %.*s: Flagger owns the VirtualService; move it to its "
				   "Gateway API provider first",
				   IFX_ARG(o->r->name));
	}
	for (const struct ifx_object *o = ns->objects[IFX_WORKLOAD].first; o; o = o->next) {
		const struct ifx_node *istio =
			ifx_get(ifx_get(ifx_get(ifx_get(ifx_object_spec(o), IFX_LIT("strategy")),
						IFX_LIT("canary")),
					IFX_LIT("trafficRouting")),
				IFX_LIT("istio"));

		if (ifx_str_eq(o->r->kind, IFX_LIT("Rollout")) && istio)
			ifx_hinder(plan, IFX_F_W31, ns, o, istio,
				   "Rollout %.*s: Argo owns the VirtualService; move it to its "
				   "Gateway API plugin first",
				   IFX_ARG(o->r->name));
	}
}

void ifx_find_traffic(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	services(plan, ns);
	for (const struct ifx_object *o = ns->objects[IFX_SERVICE_ENTRY].first; o; o = o->next)
		entry(plan, ns, o);
	for (const struct ifx_object *o = ns->objects[IFX_DESTINATION_RULE].first; o; o = o->next) {
		const struct ifx_node *host = ifx_get(ifx_object_spec(o), IFX_LIT("host"));

		destination(plan, ns, o);
		if (host)
			client_side(plan, ns, o, host);
	}
	for (const struct ifx_object *o = ns->objects[IFX_VIRTUAL_SERVICE].first; o; o = o->next)
		virtual_service(plan, ns, o);
	for (const struct ifx_object *o = ns->objects[IFX_SIDECAR].first; o; o = o->next)
		sidecar(plan, ns, o);
	canaries(plan, ns);
}
