#include "ambient/find.h"

#include "ambient/match.h"
#include "ambient/needs.h"

/* ---- B06, W07 ---- */

static const struct ifx_node *mode_of(const struct ifx_object *o)
{
	return ifx_get(ifx_get(ifx_object_spec(o), IFX_LIT("mtls")), IFX_LIT("mode"));
}

static bool is_disabled(const struct ifx_node *mode)
{
	return ifx_str_eq(ifx_text(mode), IFX_LIT("DISABLE"));
}

static bool has_selector(const struct ifx_object *o)
{
	const struct ifx_node *labels =
		ifx_get(ifx_get(ifx_object_spec(o), IFX_LIT("selector")), IFX_LIT("matchLabels"));

	return ifx_is(labels, IFX_MAP) && labels->n;
}

/* The oldest policy without selector decides; the first one of the tree stands for it. */
static const struct ifx_object *for_all(const struct ifx_namespace *ns)
{
	const struct ifx_object *o = ns ? ns->objects[IFX_PEER_AUTHENTICATION].first : NULL;

	while (o && (has_selector(o) || !ifx_text(mode_of(o)).len))
		o = o->next;
	return o;
}

const struct ifx_object *ifx_mtls_disabled(const struct ifx_namespace *ns)
{
	const struct ifx_environment *e = ns->environment;
	const struct ifx_object *o = for_all(ns);

	if (!o)
		o = for_all(ifx_estate_namespace(e, ifx_root_namespace(e)));
	if (o && is_disabled(mode_of(o)))
		return o;
	for (o = ns->objects[IFX_PEER_AUTHENTICATION].first; o; o = o->next)
		if (has_selector(o) && is_disabled(mode_of(o)))
			return o;
	return NULL;
}

static void mtls(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	const struct ifx_object *disabled = ifx_mtls_disabled(ns);
	struct ifx_hindrance *h;

	if (disabled) {
		h = ifx_hinder(plan, IFX_F_B06, ns, disabled, mode_of(disabled),
			       "PeerAuthentication %.*s takes plaintext only; callers in ambient "
			       "mode always encrypt",
			       IFX_ARG(disabled->r->name));
		ifx_hinder_help(plan, h,
				"write PERMISSIVE, or keep the pods out with "
				"istio.io/dataplane-mode: none");
	}
	for (const struct ifx_object *o = ns->objects[IFX_PEER_AUTHENTICATION].first; o;
	     o = o->next) {
		const struct ifx_node *ports =
			ifx_get(ifx_object_spec(o), IFX_LIT("portLevelMtls"));
		const struct ifx_entry *e = ifx_is(ports, IFX_MAP) ? ports->first : NULL;

		for (; e; e = e->next) {
			const struct ifx_node *mode = ifx_get(ifx_deref(e->value), IFX_LIT("mode"));

			if (!is_disabled(mode))
				continue;
			h = ifx_hinder(
				plan, IFX_F_W07, ns, o, mode,
				"PeerAuthentication %.*s disables mutual TLS on port %.*s, "
				"which ambient mode would read as STRICT below a STRICT parent",
				IFX_ARG(o->r->name), IFX_ARG(ifx_text(e->key)));
			h->settled = IFX_REMEDIED;
			ifx_hinder_help(plan, h, "prepare writes PERMISSIVE");
		}
	}
}

/* ---- S27 ---- */

static bool is_alias(const struct ifx_environment *e, ifx_str domain)
{
	const struct ifx_entry *item = ifx_items(e->settings.aliases.node);

	for (; item; item = item->next)
		if (ifx_str_eq(ifx_text(ifx_deref(item->value)), domain))
			return true;
	return ifx_str_eq(domain, IFX_LIT("cluster.local"));
}

/* Only where the tree says what the trust domain is: else nobody knows which one is wrong. */
static bool trust_domain(struct ifx_migration *plan, struct ifx_namespace *ns,
			 const struct ifx_policy_view *v, const struct ifx_match *m,
			 struct ifx_strs values)
{
	const struct ifx_environment *e = ns->environment;
	ifx_str real = ifx_trust_domain(e);

	for (size_t i = 0; i < values.n; i++) {
		struct ifx_identity id;
		struct ifx_hindrance *h;

		if (!ifx_identity_parse(&id, values.list[i]) || ifx_str_eq(id.trust_domain, real) ||
		    ifx_str_chr(id.trust_domain, '*') != SIZE_MAX)
			continue;
		h = ifx_hinder(
			plan, IFX_F_S27, ns, v->object, m->at,
			"AuthorizationPolicy %.*s names the trust domain '%.*s', that of the "
			"mesh is '%.*s'; ztunnel knows no aliases",
			IFX_ARG(v->object->r->name), IFX_ARG(id.trust_domain), IFX_ARG(real));
		if (is_alias(e, id.trust_domain))
			h->settled = IFX_REMEDIED;
		ifx_hinder_help(plan, h,
				h->settled == IFX_REMEDIED
					? "prepare writes the real one"
					: "write the real one, or use serviceAccounts");
		return true;
	}
	return false;
}

/* ---- matches ---- */

typedef bool match_fn(struct ifx_migration *plan, struct ifx_namespace *ns,
		      const struct ifx_policy_view *v, const struct ifx_match *m);

static bool in_clauses(struct ifx_migration *plan, struct ifx_namespace *ns,
		       const struct ifx_policy_view *v, const struct ifx_clause *list, size_t n,
		       match_fn *fn)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i].n; k++)
			if (fn(plan, ns, v, &list[i].matches[k]))
				return true;
	return false;
}

/* Until one says true: a policy is named once. */
static void in_matches(struct ifx_migration *plan, struct ifx_namespace *ns,
		       const struct ifx_policy_view *v, match_fn *fn)
{
	for (size_t i = 0; i < v->authz.n_rules; i++) {
		const struct ifx_authz_rule *r = &v->authz.rules[i];

		if (in_clauses(plan, ns, v, r->from, r->n_from, fn) ||
		    in_clauses(plan, ns, v, r->to, r->n_to, fn) ||
		    in_clauses(plan, ns, v, r->when, r->n_when, fn))
			return;
	}
}

static bool see_principal(struct ifx_migration *plan, struct ifx_namespace *ns,
			  const struct ifx_policy_view *v, const struct ifx_match *m)
{
	return m->attr == IFX_ATTR_PRINCIPAL && (trust_domain(plan, ns, v, m, m->values) ||
						 trust_domain(plan, ns, v, m, m->not_values));
}

static bool see_address(struct ifx_migration *plan, struct ifx_namespace *ns,
			const struct ifx_policy_view *v, const struct ifx_match *m)
{
	if (m->attr != IFX_ATTR_SOURCE_IP)
		return false;
	ifx_hinder(plan, IFX_F_W29, ns, v->object, m->at,
		   "AuthorizationPolicy %.*s asks for the address of the caller, and goes to a "
		   "waypoint: older ones see an address of the node instead",
		   IFX_ARG(v->object->r->name));
	return true;
}

/* Will there be a copy of it at a waypoint? */
static bool is_copied(const struct ifx_migration *plan, const struct ifx_ns_plan *ns,
		      const struct ifx_policy_view *v)
{
	const struct ifx_labels *selector = &v->authz.scope.selector;
	const struct ifx_object *o = ns->namespace->objects[IFX_SERVICE].first;

	if (v->l7.why)
		return true;
	for (; o; o = o->next) {
		bool all = ifx_is_bound(plan, ns, o);

		for (size_t k = 0; k < selector->n && all; k++)
			all = ifx_str_eq(
				ifx_pair_value(o->service->selector, selector->list[k].key),
				selector->list[k].value);
		if (all)
			return true;
	}
	return false;
}

void ifx_find_policies(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	const struct ifx_ns_plan *n = ifx_migration_of(plan, ns);

	mtls(plan, ns);
	for (const struct ifx_policy_view *v = n->policies; v; v = v->next) {
		const struct ifx_node *dry_run =
			ifx_get(ifx_get(v->object->r->metadata, IFX_LIT("annotations")),
				IFX_LIT("istio.io/dry-run"));

		if (ifx_is_gateway_selector(ns, v->authz.scope.selector))
			continue;
		if (v->authz.scope.flaw.ptr)
			ifx_hinder(plan, IFX_F_S28, ns, v->object, v->authz.scope.flaw_at,
				   "AuthorizationPolicy %.*s cannot be moved: %.*s",
				   IFX_ARG(v->object->r->name), IFX_ARG(v->authz.scope.flaw));
		if (dry_run)
			ifx_hinder(
				plan, IFX_F_W36, ns, v->object, dry_run,
				"AuthorizationPolicy %.*s is a dry run, which ztunnel leaves out "
				"today; one older than 1.29 would enforce it",
				IFX_ARG(v->object->r->name));
		if (ns->environment->settings.trust_domain.value.len)
			in_matches(plan, ns, v, see_principal);
		if (is_copied(plan, n, v))
			in_matches(plan, ns, v, see_address);
	}
}
