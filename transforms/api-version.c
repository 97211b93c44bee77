/*
 * api-version: kinds of Istio that are served as v1, with one schema for all their versions. An
 * object written in an older version is the same object; the change is a matter of taste and of
 * time.
 */
#include "rule/transform.h"

/** Istio 1.N serves v1 of all kinds of the table. */
enum { SINCE = 22 };

static const struct ifx_answer answers[] = {
	{ "v1", "write v1, for Istio 1.22 and later" },
	{ "v1beta1", "write v1beta1 for v1alpha3, which older releases serve too" },
	{ NULL, NULL },
};

/* ProxyConfig, EnvoyFilter, WasmPlugin and TrafficExtension have no v1. */
static const struct {
	const char *group, *kind;
} kinds[] = {
	{ "networking.istio.io", "DestinationRule" },
	{ "networking.istio.io", "Gateway" },
	{ "networking.istio.io", "ServiceEntry" },
	{ "networking.istio.io", "Sidecar" },
	{ "networking.istio.io", "VirtualService" },
	{ "networking.istio.io", "WorkloadEntry" },
	{ "networking.istio.io", "WorkloadGroup" },
	{ "security.istio.io", "AuthorizationPolicy" },
	{ "security.istio.io", "PeerAuthentication" },
	{ "security.istio.io", "RequestAuthentication" },
	{ "telemetry.istio.io", "Telemetry" },
};

static bool has_v1(const struct ifx_resource *r)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (ifx_str_eq(r->group, ifx_str_of(kinds[i].group)) &&
		    ifx_str_eq(r->kind, ifx_str_of(kinds[i].kind)))
			return true;
	return false;
}

static bool is_old(ifx_str version)
{
	return ifx_str_eq(version, IFX_LIT("v1alpha1")) ||
	       ifx_str_eq(version, IFX_LIT("v1alpha3")) || ifx_str_eq(version, IFX_LIT("v1beta1"));
}

static bool an_item_has(const struct ifx_node *spec, ifx_str list, ifx_str key)
{
	const struct ifx_node *items = ifx_get(spec, list);

	if (!ifx_is(items, IFX_SEQ))
		return false;
	for (const struct ifx_entry *e = items->first; e; e = e->next)
		if (ifx_map_find(ifx_deref(e->value), key, NULL))
			return true;
	return false;
}

/* Three fields of Telemetry were not promoted: who uses them wants the alpha version. */
static bool is_alpha(const struct ifx_resource *r)
{
	const struct ifx_node *spec = ifx_get(r->node, IFX_LIT("spec"));

	return ifx_str_eq(r->kind, IFX_LIT("Telemetry")) &&
	       (an_item_has(spec, IFX_LIT("metrics"), IFX_LIT("reportingInterval")) ||
		an_item_has(spec, IFX_LIT("accessLogging"), IFX_LIT("filter")) ||
		an_item_has(spec, IFX_LIT("tracing"), IFX_LIT("useRequestIdForTraceSampling")));
}

/*
 * kustomize finds the object of a patch by group, version, kind and name. A document of the same
 * name outside of the environments that this file belongs to may be that patch.
 */
static const struct ifx_record *patch_of(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_record *other = NULL;
	const size_t *list;
	size_t n = ifx_environments(cx, &list);

	for (size_t i = 0; i < n; i++)
		if (!list[i])
			return NULL;
	while ((other = ifx_records(cx, 0, r->group, r->kind, other)) != NULL)
		if (ifx_str_eq(other->name, r->name) && ifx_str_eq(other->version, r->version))
			return other;
	return NULL;
}

/* The version that the answer wants; NULL when it has nothing to say about this one. */
static const char *wanted(const struct ifx_resource *r, const char *answer)
{
	if (!strcmp(answer, "v1beta1") && !ifx_str_eq(r->version, IFX_LIT("v1alpha3")))
		return NULL;
	return answer;
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_node *value;
	const struct ifx_record *patch;
	const char *version;
	struct ifx_fix *fix;
	bool answered;
	ifx_str text;

	if (!is_old(r->version) || !has_v1(r) || ifx_istio_minor(cx) < SINCE || is_alpha(r))
		return;
	value = ifx_get(r->node, IFX_LIT("apiVersion"));
	version = wanted(r, ifx_chosen(cx, &answered));
	if (!version || !value || ifx_input_is_patch(cx))
		return;
	fix = ifx_find(cx, value, IFX_CHOICE, IFX_INFO,
		       "'%.*s' is an old name of '%.*s/v1', which has the same schema",
		       IFX_ARG(ifx_text(value)), IFX_ARG(r->group));
	ifx_answered(fix, answered);
	patch = answered ? patch_of(cx, r) : NULL;
	/* A patch or replacement that names the version is passed over without a word then. */
	if (ifx_is_in_build(r))
		ifx_refuse(fix, "kustomize finds it by its version; change it in the file");
	else if (patch)
		ifx_refuse(fix, "it may have a patch in %.*s, which names this version too",
			   IFX_ARG(patch->path));
	text = ifx_arena_printf(ifx_cx_arena(cx), "%.*s/%s", IFX_ARG(r->group), version);
	if (text.ptr)
		ifx_fix_set(fix, value, text);
	else
		ifx_cx_failed(cx);
}

const struct ifx_transform ifx_api_version = {
	.id = "api-version",
	.summary = "write the version v1 of Istio's stable kinds",
	.source = "https://istio.io/latest/blog/2024/v1-apis/",
	.level = IFX_CHOICE,
	.needles =
		(const char *const[]){ "networking.istio.io/v1alpha3",
				       "networking.istio.io/v1beta1", "security.istio.io/v1beta1",
				       "telemetry.istio.io/v1alpha1", NULL },
	.answers = answers,
	.run = run,
};
