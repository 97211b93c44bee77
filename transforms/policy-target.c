/*
 * policy-target: a policy that selects the pods of a Gateway API Gateway by their generated label
 * names the Gateway instead.
 *
 *   selector:                                        targetRefs:
 *     matchLabels:                                   - group: gateway.networking.k8s.io
 *       gateway.networking.k8s.io/gateway-name: X      kind: Gateway
 *                                                      name: X
 *
 * A waypoint never looks at selectors; other gateways do, unless istiod is told not to.
 */
#include "rule/transform.h"

#include "yaml/resolve.h"

#define GROUP "gateway.networking.k8s.io"
#define LABEL "gateway.networking.k8s.io/gateway-name"

/** Istio 1.N has targetRefs. */
enum { SINCE = 22 };

/* Where the policies of the whole mesh are, unless the mesh says otherwise. */
#define ROOT_NAMESPACE "istio-system"

static bool takes_targets(const struct ifx_resource *r)
{
	static const struct {
		const char *group, *kind;
	} kinds[] = {
		{ "security.istio.io", "AuthorizationPolicy" },
		{ "security.istio.io", "RequestAuthentication" },
		{ "telemetry.istio.io", "Telemetry" },
		{ "extensions.istio.io", "WasmPlugin" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (ifx_str_eq(r->group, ifx_str_of(kinds[i].group)) &&
		    ifx_str_eq(r->kind, ifx_str_of(kinds[i].kind)))
			return true;
	return false;
}

/* Names of Gateways are such; anything else is a hole of a template, or refused. */
static bool is_dns_name(ifx_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return false;
	}
	return text.len > 0;
}

/* The Gateway that a selector is about, if it is about nothing else. */
static const struct ifx_node *gateway_of(const struct ifx_node *selector)
{
	const struct ifx_node *labels = ifx_get(selector, IFX_LIT("matchLabels"));
	const struct ifx_node *name = ifx_get(labels, IFX_LIT(LABEL));

	if (!ifx_is(selector, IFX_MAP) || selector->n != 1 || !ifx_is(labels, IFX_MAP) ||
	    labels->n != 1 || !ifx_is(name, IFX_SCALAR) || !is_dns_name(ifx_text(name)))
		return NULL;
	return name;
}

/* What the input says about the Gateway. */
enum known { UNKNOWN, GATEWAY, WAYPOINT };

static enum known look_up(struct ifx_cx *cx, const struct ifx_resource *r, ifx_str name)
{
	const size_t *list;
	size_t n = ifx_environments(cx, &list);
	enum known all = UNKNOWN;

	for (size_t i = 0; i < n; i++) {
		ifx_str namespace = ifx_namespace_in(cx, r, list[i]);
		const struct ifx_record *g = NULL;
		enum known here = UNKNOWN;

		while ((g = ifx_records(cx, list[i], IFX_LIT(GROUP), IFX_LIT("Gateway"), g)) !=
		       NULL)
			if (ifx_record_is_named(g, name) && g->namespace.ptr && namespace.ptr &&
			    ifx_str_eq(g->namespace, namespace))
				here = ifx_str_eq(g->class, IFX_LIT("istio-waypoint")) ? WAYPOINT
				       : ifx_str_eq(g->class, IFX_LIT("istio"))        ? GATEWAY
										       : UNKNOWN;
		if (here == UNKNOWN || (i && here != all))
			return UNKNOWN;
		all = here;
	}
	return all;
}

static bool may_be_in_root(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const size_t *list;
	size_t n = ifx_environments(cx, &list);

	for (size_t i = 0; i < n; i++)
		if (ifx_str_eq(ifx_namespace_in(cx, r, list[i]), IFX_LIT(ROOT_NAMESPACE)))
			return true;
	return false;
}

/* Comments on the selector, or in it: nobody knows what they say about a target. */
static bool has_comments(const struct ifx_entry *entry)
{
	const struct ifx_doc *doc = entry->in->doc;
	size_t first, i = ifx_comment_from(doc, entry->start);

	return ifx_entry_head(entry, &first) || ifx_entry_trail(entry) != IFX_NO_COMMENT ||
	       (i < doc->n_comments && doc->comments[i].span.at < entry->end);
}

static void replace(struct ifx_fix *fix, const struct ifx_entry *selector, ifx_str name)
{
	struct ifx_place place = { .base = selector->in };
	const char *quote = ifx_plain_needs_quotes(name) ? "\"" : "";
	struct ifx_arena *arena = ifx_cx_arena(fix->cx);
	ifx_str yaml;

	if (selector->in->doc->json)
		yaml = ifx_arena_printf(arena,
					"[{\"group\": \"" GROUP
					"\", \"kind\": \"Gateway\", \"name\": \"%.*s\"}]",
					IFX_ARG(name));
	else if (ifx_place_is_flow(&place))
		yaml = ifx_arena_printf(arena,
					"[{group: " GROUP ", kind: Gateway, name: %s%.*s%s}]",
					quote, IFX_ARG(name), quote);
	else
		yaml = ifx_arena_printf(arena,
					"- group: " GROUP "\n  kind: Gateway\n  name: %s%.*s%s\n",
					quote, IFX_ARG(name), quote);
	if (!yaml.ptr) {
		ifx_cx_failed(fix->cx);
		return;
	}
	ifx_fix_remove(fix, selector);
	ifx_fix_insert_yaml(fix, place, IFX_LIT("targetRefs"), yaml);
}

static void check(struct ifx_cx *cx, const struct ifx_resource *r, const struct ifx_node *spec,
		  const struct ifx_entry *selector, const struct ifx_node *value)
{
	ifx_str name = ifx_text(value);
	enum known known = look_up(cx, r, name);
	struct ifx_fix *fix;

	if (known == GATEWAY)
		fix = ifx_find(
			cx, value, IFX_SAFE, IFX_WARNING,
			"the selector finds Gateway '%.*s' only while istiod allows selectors for gateways; targetRefs always do",
			IFX_ARG(name));
	else if (known == WAYPOINT)
		fix = ifx_find(
			cx, value, IFX_REPAIR, IFX_WARNING,
			"a waypoint does not look at selectors: this one has no effect; with targetRefs the policy starts to apply at '%.*s'",
			IFX_ARG(name));
	else
		fix = ifx_find(
			cx, value, IFX_REPAIR, IFX_WARNING,
			"a selector has no effect on a waypoint, and on other gateways only while istiod allows it; with targetRefs the policy applies at Gateway '%.*s'",
			IFX_ARG(name));
	if (ifx_map_find(spec, IFX_LIT("targetRefs"), NULL) ||
	    ifx_map_find(spec, IFX_LIT("targetRef"), NULL))
		ifx_refuse(fix,
			   "it has a target already, and the API server takes only one of them");
	if (has_comments(selector))
		ifx_refuse(fix, "there are comments on the selector");
	if (known == UNKNOWN && may_be_in_root(cx, r))
		ifx_refuse(
			fix,
			"in the root namespace it may be for gateways of other namespaces, which a target cannot name");
	replace(fix, selector, name);
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_node *spec, *name;
	const struct ifx_entry *selector;

	if (!takes_targets(r) || ifx_istio_minor(cx) < SINCE)
		return;
	spec = ifx_get(r->node, IFX_LIT("spec"));
	selector = ifx_map_find(spec, IFX_LIT("selector"), NULL);
	name = selector ? gateway_of(ifx_deref(selector->value)) : NULL;
	if (name)
		check(cx, r, spec, selector, name);
}

const struct ifx_transform ifx_policy_target = {
	.id = "policy-target",
	.ist = "IST0166",
	.summary = "policies for a Gateway name it in targetRefs",
	.source = "https://istio.io/latest/docs/reference/config/analysis/ist0166/",
	.level = IFX_REPAIR,
	.needles = (const char *const[]){ LABEL, NULL },
	.run = run,
};
