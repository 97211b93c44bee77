#include "ambient/find.h"

#include "ambient/needs.h"

#include "rule/injection.h"

#define TRAFFIC "traffic.sidecar.istio.io/"

static ifx_str annotation(const struct ifx_pods *p, const char *key)
{
	return ifx_pair_value(p->annotations, ifx_str_of(key));
}

static struct ifx_hindrance *about(struct ifx_migration *plan, ifx_finding_id id,
				   struct ifx_namespace *ns, const struct ifx_pods *p,
				   const char *map, const char *key, const char *what)
{
	return ifx_hinder(plan, id, ns, p->object, ifx_pods_said(p, map, key), "%.*s %.*s: %s",
			  IFX_WHO(p->object), what);
}

/* ---- B03 ---- */

static const struct ifx_node *spire_volume(const struct ifx_pods *p)
{
	for (const struct ifx_entry *e = ifx_items(ifx_get(p->spec, IFX_LIT("volumes"))); e;
	     e = e->next) {
		const struct ifx_node *driver =
			ifx_get(ifx_get(ifx_deref(e->value), IFX_LIT("csi")), IFX_LIT("driver"));

		if (ifx_str_eq(ifx_text(driver), IFX_LIT("csi.spiffe.io")))
			return driver;
	}
	return NULL;
}

static void spire(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	const char *label = "spiffe.io/spire-managed-identity";
	const char *templates = "inject.istio.io/templates";
	const struct ifx_node *volume = spire_volume(p);
	struct ifx_hindrance *h = NULL;

	if (volume)
		h = ifx_hinder(plan, IFX_F_B03, ns, p->object, volume,
			       "%.*s %.*s takes its identity from SPIRE", IFX_WHO(p->object));
	else if (ifx_pair_value(p->labels, ifx_str_of(label)).ptr)
		h = about(plan, IFX_F_B03, ns, p, "labels", label,
			  "its identity is managed by SPIRE");
	else if (ifx_str_find(annotation(p, templates), IFX_LIT("spire")) != SIZE_MAX)
		h = about(plan, IFX_F_B03, ns, p, "annotations", templates,
			  "the sidecar is injected with a SPIRE template");
	if (h)
		ifx_hinder_help(plan, h,
				"ztunnel takes identities from istiod only; keep it in "
				"sidecar mode");
}

/* ---- ports and addresses that the sidecar leaves alone ---- */

/* Of a comma list: all ports? */
static bool is_all(ifx_str list)
{
	return ifx_str_eq(ifx_str_trim(list), IFX_LIT("*"));
}

/* A policy of the namespace that ztunnel applies to the pods; NULL: none. */
static const struct ifx_object *decides(struct ifx_migration *plan, struct ifx_namespace *of,
					const struct ifx_pods *p)
{
	const struct ifx_ns_plan *ns = of ? ifx_migration_of(plan, of) : NULL;
	struct ifx_labels labels;

	if (!ifx_labels_of_pairs(plan, &labels, p->labels)) {
		plan->failed = true;
		return NULL;
	}
	for (const struct ifx_policy_view *v = ns ? ns->policies : NULL; v; v = v->next)
		if (!v->authz.scope.n_targets &&
		    (v->authz.action == IFX_ALLOW || v->authz.action == IFX_DENY) &&
		    ifx_labels_match(labels, v->authz.scope.selector))
			return v->object;
	return NULL;
}

static void excluded_ports(struct ifx_migration *plan, struct ifx_namespace *ns,
			   const struct ifx_pods *p, const char *key, ifx_str ports)
{
	struct ifx_environment *e = ns->environment;
	const struct ifx_object *policy = decides(plan, ns, p);
	struct ifx_hindrance *h;

	if (!policy)
		policy = decides(plan, ifx_estate_namespace(e, ifx_root_namespace(e)), p);
	h = ifx_hinder(plan, IFX_F_S08, ns, p->object, ifx_pods_said(p, "annotations", key),
		       "%.*s %.*s: ztunnel captures port%s %.*s too; authorization policies start "
		       "to apply there%s%.*s",
		       IFX_WHO(p->object), ifx_str_chr(ports, ',') == SIZE_MAX ? "" : "s",
		       IFX_ARG(ports), policy ? ", first " : "",
		       IFX_ARG(policy ? policy->r->name : IFX_NONE));
	if (policy)
		ifx_hinder_help(plan, h,
				"let the policies admit who calls the port, plaintext has no "
				"identity; then accept it");
	else if (!is_all(ports))
		h->settled = IFX_REMEDIED;
}

static void inbound(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	const char *exclude = TRAFFIC "excludeInboundPorts",
		   *include = TRAFFIC "includeInboundPorts";
	ifx_str excluded = annotation(p, exclude), included = annotation(p, include);
	struct ifx_hindrance *h;

	if (ifx_str_trim(excluded).len)
		excluded_ports(plan, ns, p, exclude, excluded);
	/* `*` is what the injector does without the annotation. */
	if (!included.ptr || is_all(included))
		return;
	h = ifx_hinder(plan, IFX_F_S08, ns, p->object, ifx_pods_said(p, "annotations", include),
		       "%.*s %.*s: the sidecar captures only the inbound ports '%.*s', ztunnel "
		       "captures all",
		       IFX_WHO(p->object), IFX_ARG(included));
	ifx_hinder_help(plan, h,
			included.len ? "make the other ports plaintext exceptions of a "
				       "PeerAuthentication, or accept it"
				     : "write ambient.istio.io/bypass-inbound-capture: \"true\" "
				       "on the pods, or accept it");
}

static void outbound(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	static const char *const keys[] = {
		TRAFFIC "excludeOutboundPorts", TRAFFIC "excludeOutboundIPRanges",
		TRAFFIC "includeOutboundPorts", TRAFFIC "includeOutboundIPRanges",
		TRAFFIC "excludeInterfaces",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		ifx_str value = annotation(p, keys[i]);

		if (!ifx_str_trim(value).len || (i > 1 && i < 4 && is_all(value)))
			continue;
		ifx_hinder(
			plan, IFX_F_W09, ns, p->object, ifx_pods_said(p, "annotations", keys[i]),
			"%.*s %.*s: '%.*s' has no counterpart; ztunnel captures all TCP and passes "
			"on what it does not know",
			IFX_WHO(p->object), IFX_ARG(value));
	}
}

static void interfaces(struct ifx_migration *plan, struct ifx_namespace *ns,
		       const struct ifx_pods *p)
{
	const char *key = TRAFFIC "kubevirtInterfaces";
	struct ifx_hindrance *h;

	if (!annotation(p, key).len)
		return;
	h = about(plan, IFX_F_I10, ns, p, "annotations", key,
		  "ambient reads the interfaces from another annotation");
	ifx_hinder_help(plan, h,
			"istio.io/reroute-virtual-interfaces works in both modes: rename it");
}

/* ---- who is captured ---- */

static void capture(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	const char *map = ifx_pods_said(p, "labels", IFX_KEY_INJECT) ? "labels" : "annotations";
	struct ifx_hindrance *h;

	if (p->host_network) {
		ifx_hinder(plan, IFX_F_I11, ns, p->object, ifx_get(p->spec, IFX_LIT("hostNetwork")),
			   "%.*s %.*s shares the network of its node: in neither mode is it in the "
			   "mesh",
			   IFX_WHO(p->object));
		return;
	}
	if (!p->opted_out || p->mode.ptr)
		return;
	h = about(plan, IFX_F_W12, ns, p, map, IFX_KEY_INJECT,
		  "it has no sidecar, and ztunnel would capture its pods the moment the namespace "
		  "is enrolled");
	h->settled = IFX_REMEDIED;
	ifx_hinder_help(plan, h, "prepare adds the pod label istio.io/dataplane-mode: none");
}

static void injected(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	static const char *const names[] = { "istio-proxy", "istio-init", "istio-validation" };
	const char *status = "sidecar.istio.io/status";
	struct ifx_hindrance *h = NULL;

	if (annotation(p, status).ptr)
		h = about(plan, IFX_F_B13, ns, p, "annotations", status,
			  "this is what the injector writes; it keeps the pods out of ambient");
	for (size_t i = 0; i < p->n_containers && !h && !p->gateway; i++) {
		const struct ifx_node *name = ifx_get(p->containers[i].node, IFX_LIT("name"));
		const struct ifx_node *image = ifx_get(p->containers[i].node, IFX_LIT("image"));

		/* Without an image it only adjusts the one that is injected. */
		for (size_t k = 0; image && k < sizeof(names) / sizeof(*names) && !h; k++)
			if (ifx_str_eq(ifx_text(name), ifx_str_of(names[k])))
				h = ifx_hinder(plan, IFX_F_B13, ns, p->object, name,
					       "%.*s %.*s has the container %s in its manifest",
					       IFX_WHO(p->object), names[k]);
	}
	if (h)
		ifx_hinder_help(
			plan, h,
			"take the injected parts out, or keep the manifest that it was made of");
}

/* ---- what goes with the sidecar ---- */

static void metrics(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	const char *merge = "prometheus.istio.io/merge-metrics", *scrape = "prometheus.io/scrape";

	if (!p->injected || p->gateway)
		return;
	if (annotation(p, merge).ptr)
		about(plan, IFX_F_W16, ns, p, "annotations", merge,
		      "nobody merges metrics any more; scrape the application's own port, which "
		      "needs a rule of its own where the default is to deny");
	else if (ifx_str_eq(annotation(p, scrape), IFX_LIT("true")))
		about(plan, IFX_F_W16, ns, p, "annotations", scrape,
		      "the sidecar serves the merged metrics on 15020 today; afterwards the "
		      "application's own port is scraped, which needs a rule of its own where the "
		      "default is to deny");
}

static void probes(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	static const char *const keys[] = {
		"sidecar.istio.io/rewriteAppHTTPProbers",
		"status.sidecar.istio.io/port",
		"readiness.status.sidecar.istio.io/applicationPorts",
		"readiness.status.sidecar.istio.io/failureThreshold",
		"readiness.status.sidecar.istio.io/initialDelaySeconds",
		"readiness.status.sidecar.istio.io/periodSeconds",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (annotation(p, keys[i]).ptr)
			about(plan, IFX_F_I17, ns, p, "annotations", keys[i],
			      "not needed in ambient; probes come from 169.254.7.127");
}

static void settings(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	const char *config = "proxy.istio.io/config";

	if (annotation(p, config).ptr)
		about(plan, IFX_F_W30, ns, p, "annotations", config,
		      "without a sidecar nothing reads it; see the numbers of the namespace for "
		      "what a waypoint may need");
}

static void init_user(struct ifx_migration *plan, struct ifx_namespace *ns,
		      const struct ifx_pods *p)
{
	for (size_t i = 0; i < p->n_containers; i++) {
		const struct ifx_node *user =
			ifx_get(ifx_get(p->containers[i].node, IFX_LIT("securityContext")),
				IFX_LIT("runAsUser"));

		if (p->containers[i].init && ifx_str_eq(ifx_text(user), IFX_LIT("1337")))
			ifx_hinder(
				plan, IFX_F_W34, ns, p->object, user,
				"%.*s %.*s: the init container runs as 1337 to get around the "
				"sidecar; in ambient its traffic works, and the workaround can go",
				IFX_WHO(p->object));
	}
}

/* ---- C39 ---- */

static void selected(struct ifx_migration *plan, struct ifx_namespace *ns, const struct ifx_pods *p)
{
	static const char *const keys[] = { IFX_KEY_INJECT, IFX_KEY_REV };
	bool asks = p->opted_in || p->revision.ptr;

	for (size_t i = 0; asks && i < sizeof(keys) / sizeof(*keys); i++) {
		struct ifx_hindrance *h;

		if (!ifx_pods_said(p, "labels", keys[i]) || !ifx_pods_selected_by(p, keys[i]))
			continue;
		h = ifx_hinder(plan, IFX_F_C39, ns, p->object, ifx_pods_said(p, "labels", keys[i]),
			       "%.*s %.*s: the pod label '%s' would inject a sidecar, and the "
			       "workload's selector, which cannot change, asks for it",
			       IFX_WHO(p->object), keys[i]);
		ifx_hinder_help(plan, h, "recreate the workload with a selector without the label");
	}
}

void ifx_find_pods(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	IFX_EACH_PODS(o, p, ns)
	{
		capture(plan, ns, p);
		injected(plan, ns, p);
		spire(plan, ns, p);
		selected(plan, ns, p);
		if (p->host_network)
			continue;
		inbound(plan, ns, p);
		outbound(plan, ns, p);
		interfaces(plan, ns, p);
		metrics(plan, ns, p);
		probes(plan, ns, p);
		settings(plan, ns, p);
		init_user(plan, ns, p);
	}
}
