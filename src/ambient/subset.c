/*
 * Subsets of a Service, which an HTTPRoute cannot name, as Services of their own: the selector of
 * the Service and the labels of the subset, the same ports. Their policies follow: for each a
 * DestinationRule that says what Istio merges for the subset (its own fields over those above).
 */
#include "ambient/route.h"

bool ifx_is_subset(const struct ifx_object *service)
{
	const struct ifx_doc *doc = service->r->node->doc;

	for (size_t i = 0; i < doc->n_comments; i++)
		if (ifx_str_starts(ifx_comment_text(doc, i), IFX_LIT("# istio-fix: subset ")))
			return true;
	return false;
}

static ifx_str name_of(struct ifx_passage *m, const struct ifx_object *service, ifx_str subset)
{
	ifx_str name = IFX_SAY(m, "%.*s-%.*s", IFX_ARG(service->r->name), IFX_ARG(subset));

	m->failed |= !name.ptr;
	return name;
}

/* ---- may it be split? ---- */

static bool is_label(ifx_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!ifx_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-')
			return false;
	}
	return name.len && name.len <= 63 && name.ptr[name.len - 1] != '-';
}

static bool is_block(const struct ifx_object *o)
{
	const struct ifx_node *root = o->r->node;

	return root->doc->root == root && root->style == IFX_BLOCK && !root->doc->has_alias;
}

/* The name of a key that is not among them; ptr NULL: all are. */
static ifx_str stranger(const struct ifx_node *map, const char *const *keys)
{
	for (const struct ifx_entry *e = ifx_is(map, IFX_MAP) ? map->first : NULL; e; e = e->next) {
		size_t i = 0;

		while (keys[i] && !ifx_str_eq(ifx_text(e->key), ifx_str_of(keys[i])))
			i++;
		if (!keys[i])
			return ifx_text(e->key);
	}
	return IFX_NONE;
}

/* Why the Service cannot be copied; NULL: it can. */
static const char *service_flaw(const struct ifx_object *service)
{
	/* What is about the way from outside, or the address, stays with the Service. */
	static const char *const spec[] = { "selector",
					    "ports",
					    "type",
					    "clusterIP",
					    "clusterIPs",
					    "externalTrafficPolicy",
					    "loadBalancerClass",
					    "loadBalancerSourceRanges",
					    "healthCheckNodePort",
					    NULL };
	static const char *const port[] = { "name",        "protocol", "port", "targetPort",
					    "appProtocol", "nodePort", NULL };
	const struct ifx_node *annotations = ifx_get(service->r->metadata, IFX_LIT("annotations"));
	const struct ifx_svc *svc = service->service;

	if (!is_block(service))
		return "is not written in block style, or has aliases";
	if (svc->headless || svc->external_name || !svc->selector.n)
		return "has no selector, or no address";
	if (stranger(ifx_object_spec(service), spec).ptr)
		return "has settings that a copy might need";
	for (size_t i = 0; i < svc->n_ports; i++)
		if (stranger(svc->ports[i].node, port).ptr)
			return "has settings of a port that a copy might need";
	for (const struct ifx_entry *e = ifx_is(annotations, IFX_MAP) ? annotations->first : NULL;
	     e; e = e->next)
		if (ifx_str_find(ifx_text(e->key), IFX_LIT("istio.io/")) != SIZE_MAX)
			return "has annotations for Istio";
	return NULL;
}

static const char *rule_flaw(const struct ifx_object *rule)
{
	static const char *const spec[] = { "host", "trafficPolicy", "subsets", NULL };
	static const char *const subset[] = { "name", "labels", "trafficPolicy", NULL };
	const struct ifx_node *base = ifx_get(ifx_object_spec(rule), IFX_LIT("trafficPolicy"));

	if (!is_block(rule))
		return "is not written in block style, or has aliases";
	if (stranger(ifx_object_spec(rule), spec).ptr)
		return "is not for all callers";
	for (const struct ifx_entry *e =
		     ifx_list_items(ifx_get(ifx_object_spec(rule), IFX_LIT("subsets")));
	     e; e = e->next) {
		const struct ifx_node *policy =
			ifx_get(ifx_deref(e->value), IFX_LIT("trafficPolicy"));

		if (stranger(ifx_deref(e->value), subset).ptr)
			return "has a subset with other settings";
		if (policy && base &&
		    (policy->style == IFX_FLOW || base->style == IFX_FLOW ||
		     ifx_get(policy, IFX_LIT("portLevelSettings")) ||
		     ifx_get(base, IFX_LIT("portLevelSettings"))))
			return "has policies for ports, or in flow style, which are not merged";
	}
	return NULL;
}

/* Another rule that Istio merges, or that the new host would fall to. */
static const struct ifx_object *rival(const struct ifx_passage *m, const struct ifx_split *s)
{
	const struct ifx_environment *e = m->ns->environment;

	for (size_t i = 0; i < e->n_namespaces; i++)
		for (const struct ifx_object *o =
			     e->namespaces[i]->objects[IFX_DESTINATION_RULE].first;
		     o; o = o->next) {
			ifx_str host = ifx_get_text(ifx_object_spec(o), IFX_LIT("host"));

			if (o != s->rule &&
			    (ifx_str_starts(host, IFX_LIT("*")) ||
			     ifx_svc_of_host(e, e->namespaces[i]->name, host) == s->service))
				return o;
		}
	return NULL;
}

/* A policy that goes to the waypoint, where it names Services. */
static const struct ifx_stance *l7_stance(const struct ifx_passage *m,
					  const struct ifx_object *service)
{
	for (size_t i = 0; i < m->n_fronts; i++)
		for (size_t k = 0; m->fronts[i].o == service && k < m->n_stances; k++)
			if (m->stances[k].l7 && !m->stances[k].ours &&
			    ifx_is_for(m, &m->stances[k], &m->fronts[i]))
				return &m->stances[k];
	return NULL;
}

static bool check_split(struct ifx_route *r, const struct ifx_split *s, const struct ifx_node *at)
{
	const struct ifx_object *other = rival(r->m, s);
	const struct ifx_stance *stance = l7_stance(r->m, s->service);
	const char *flaw;

	if (other)
		ifx_route_refuse(r, at,
				 "DestinationRule %.*s of namespace %.*s is about it as well",
				 IFX_ARG(other->r->name), IFX_ARG(other->namespace->name));
	else if (stance)
		ifx_route_refuse(r, at,
				 "a Service of its own would not be covered by %.*s %.*s, which "
				 "is enforced at the waypoint of %.*s",
				 IFX_ARG(ifx_object_kind_name(stance->o)),
				 IFX_ARG(stance->o->r->name), IFX_ARG(s->service->r->name));
	else if ((flaw = rule_flaw(s->rule)))
		ifx_route_refuse(r, at, "DestinationRule %.*s %s", IFX_ARG(s->rule->r->name), flaw);
	else if ((flaw = service_flaw(s->service)))
		ifx_route_refuse(r, at, "Service %.*s %s", IFX_ARG(s->service->r->name), flaw);
	else if (ifx_is_patched(r->m, s->rule) || ifx_is_patched(r->m, s->service))
		ifx_route_refuse(r, at, "a kustomization patches its Service or DestinationRule");
	else
		return true;
	return false;
}

/* One subset as a Service: its name, and labels that do not disagree. */
static void check_subset(struct ifx_route *r, const struct ifx_split *s,
			 const struct ifx_node *subset, const struct ifx_node *at)
{
	ifx_str name = name_of(r->m, s->service, ifx_get_text(subset, IFX_LIT("name")));
	const struct ifx_node *labels = ifx_get(subset, IFX_LIT("labels"));

	if (!is_label(name))
		ifx_route_refuse(r, at, "'%.*s' is no name for a Service", IFX_ARG(name));
	else if (ifx_object_named(r->m->ns, IFX_SERVICE, name) ||
		 ifx_object_named(r->m->ns, IFX_DESTINATION_RULE, name) ||
		 ifx_str_eq(name, r->m->waypoint))
		ifx_route_refuse(r, at, "the name '%.*s' is taken", IFX_ARG(name));
	for (const struct ifx_entry *e = ifx_is(labels, IFX_MAP) ? labels->first : NULL; e;
	     e = e->next) {
		ifx_str value = ifx_pair_value(s->service->service->selector, ifx_text(e->key));

		if (value.ptr && !ifx_str_eq(value, ifx_text(e->value)))
			ifx_route_refuse(r, at,
					 "its label %.*s is another one in the selector of "
					 "Service %.*s",
					 IFX_ARG(ifx_text(e->key)), IFX_ARG(s->service->r->name));
	}
}

ifx_str ifx_subset_service(struct ifx_route *r, const struct ifx_object *service,
			   const struct ifx_node *subset)
{
	struct ifx_split *s = NULL;
	bool found = false;

	for (size_t i = 0; i < r->all->n_splits; i++)
		if (r->all->splits[i].service == service)
			s = &r->all->splits[i];
	if (!s) {
		ifx_route_refuse(r, subset, "no DestinationRule of the namespace has this subset");
		return IFX_NONE;
	}
	if (!check_split(r, s, subset))
		return IFX_NONE;
	for (const struct ifx_entry *e =
		     ifx_list_items(ifx_get(ifx_object_spec(s->rule), IFX_LIT("subsets")));
	     e; e = e->next) {
		const struct ifx_node *item = ifx_deref(e->value);

		check_subset(r, s, item, subset);
		found |= ifx_str_eq(ifx_get_text(item, IFX_LIT("name")), ifx_text(subset));
	}
	if (!found)
		ifx_route_refuse(r, subset, "no DestinationRule of the namespace has this subset");
	return name_of(r->m, service, ifx_text(subset));
}
