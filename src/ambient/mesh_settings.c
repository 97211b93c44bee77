#include "ambient/mesh_settings.h"

/* What is passed along while the settings of one object are read. */
struct reading {
	struct ifx_estate *estate;
	struct ifx_mesh_settings *settings;
	const struct ifx_object *object;
};

static bool says_nothing(const struct ifx_node *node)
{
	if (!node || ifx_is_null(node))
		return true;
	if (!ifx_is(node, IFX_SCALAR))
		return node->n == 0;
	return !ifx_text(node).len || ifx_str_ieq(ifx_text(node), IFX_LIT("false"));
}

/* The first one that says something. */
static void set(const struct reading *r, struct ifx_setting *setting, const struct ifx_node *node)
{
	if (setting->value.ptr || says_nothing(node))
		return;
	setting->value = ifx_is(node, IFX_SCALAR) ? ifx_text(node) : IFX_LIT("");
	setting->object = r->object;
	setting->node = node;
}

static const struct ifx_node *at(const struct ifx_node *node, const char *a, const char *b)
{
	node = ifx_get(node, ifx_str_of(a));
	return b ? ifx_get(node, ifx_str_of(b)) : node;
}

/* MeshConfig (istio/api mesh/v1alpha1/config.proto) */
static void read_config(const struct reading *r, const struct ifx_node *config)
{
	struct ifx_mesh_settings *m = r->settings;

	set(r, &m->trust_domain, at(config, "trustDomain", NULL));
	set(r, &m->aliases, at(config, "trustDomainAliases", NULL));
	set(r, &m->root_namespace, at(config, "rootNamespace", NULL));
	set(r, &m->outbound_policy, at(config, "outboundTrafficPolicy", "mode"));
	set(r, &m->discovery, at(config, "discoverySelectors", NULL));
}

/* Values of the charts istiod, base and gateway. */
static void read_values(const struct reading *r, const struct ifx_node *values)
{
	struct ifx_mesh_settings *m = r->settings;

	read_config(r, at(values, "meshConfig", NULL));
	set(r, &m->inject_by_default,
	    at(values, "sidecarInjectorWebhook", "enableNamespacesByDefault"));
	set(r, &m->profile, at(values, "profile", NULL));
	set(r, &m->networks, at(values, "global", "meshNetworks"));
	set(r, &m->networks, at(values, "global", "network"));
	set(r, &m->networks, at(values, "meshNetworks", NULL));
	set(r, &m->remote, at(values, "global", "remotePilotAddress"));
	set(r, &m->remote, at(values, "global", "externalIstiod"));
	set(r, &m->remote, at(values, "istiodRemote", "enabled"));
	set(r, &m->remote, at(values, "istiodRemote", "injectionURL"));
	set(r, &m->multicluster, at(at(values, "global", "multiCluster"), "clusterName", NULL));
	set(r, &m->multicluster, at(at(values, "global", "multiCluster"), "enabled", NULL));
	set(r, &m->trust_domain, at(values, "global", "trustDomain"));
}

/* Charts that wrap others keep the values of each below its name. */
static void read_chart_values(const struct reading *r, const struct ifx_node *values)
{
	static const char *const charts[] = { "istiod", "istio", "base", "istio-base",
					      "istio-istiod" };

	read_values(r, values);
	for (size_t i = 0; i < sizeof(charts) / sizeof(*charts); i++)
		read_values(r, at(values, charts[i], NULL));
}

static bool read_config_map(const struct reading *r, const struct ifx_node *node)
{
	const struct ifx_node *root;

	if (!ifx_str_eq(r->object->r->name, IFX_LIT("istio")) &&
	    !ifx_str_starts(r->object->r->name, IFX_LIT("istio-")))
		return true;
	if (!ifx_estate_embedded(r->estate, &root, at(node, "data", "mesh")))
		return false;
	read_config(r, root);
	if (!ifx_estate_embedded(r->estate, &root, at(node, "data", "meshNetworks")))
		return false;
	set(r, &r->settings->networks, at(root, "networks", NULL));
	return true;
}

/* One source of an Application of Argo CD. */
static bool read_argo_source(const struct reading *r, const struct ifx_node *source)
{
	const struct ifx_node *root;

	read_chart_values(r, at(source, "helm", "valuesObject"));
	if (!ifx_estate_embedded(r->estate, &root, at(source, "helm", "values")))
		return false;
	read_chart_values(r, root);
	return true;
}

static bool read_other(const struct reading *r, const struct ifx_node *spec)
{
	const struct ifx_node *sources = at(spec, "sources", NULL);

	if (ifx_str_eq(r->object->r->kind, IFX_LIT("HelmRelease")))
		read_chart_values(r, at(spec, "values", NULL));
	if (!ifx_str_eq(r->object->r->kind, IFX_LIT("Application")))
		return true;
	if (!read_argo_source(r, at(spec, "source", NULL)))
		return false;
	for (const struct ifx_entry *e = ifx_is(sources, IFX_SEQ) ? sources->first : NULL; e;
	     e = e->next)
		if (!read_argo_source(r, ifx_deref(e->value)))
			return false;
	return true;
}

bool ifx_mesh_settings_read(struct ifx_estate *estate, struct ifx_mesh_settings *settings,
			    const struct ifx_object *o)
{
	const struct reading r = { estate, settings, o };
	const struct ifx_node *spec = ifx_object_spec(o);

	switch (o->kind) {
	case IFX_ISTIO_OPERATOR:
		read_config(&r, at(spec, "meshConfig", NULL));
		/* fallthrough */
	case IFX_SAIL_ISTIO:
		read_values(&r, at(spec, "values", NULL));
		set(&r, &settings->profile, at(spec, "profile", NULL));
		return true;
	case IFX_HELM_VALUES:
		read_chart_values(&r, o->r->node);
		return true;
	case IFX_CONFIG_MAP:
		return read_config_map(&r, o->r->node);
	case IFX_OTHER:
		return read_other(&r, spec);
	default:
		return true;
	}
}

void ifx_mesh_settings_inherit(struct ifx_mesh_settings *settings,
			       const struct ifx_mesh_settings *from)
{
	struct ifx_setting *const to[] = {
		&settings->trust_domain,      &settings->aliases, &settings->root_namespace,
		&settings->outbound_policy,   &settings->profile, &settings->networks,
		&settings->inject_by_default, &settings->remote,  &settings->multicluster,
		&settings->discovery,
	};
	const struct ifx_setting *const of[] = {
		&from->trust_domain,      &from->aliases, &from->root_namespace,
		&from->outbound_policy,   &from->profile, &from->networks,
		&from->inject_by_default, &from->remote,  &from->multicluster,
		&from->discovery,
	};

	for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++)
		if (!to[i]->object)
			*to[i] = *of[i];
}
