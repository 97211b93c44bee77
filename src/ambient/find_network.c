/* NetworkPolicies: between ambient pods all traffic arrives on TCP 15008. */
#include "ambient/find.h"

#define HBONE 15008

static long number(ifx_str text)
{
	long n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]) || n > 65535)
			return -1;
		n = n * 10 + (text.ptr[i] - '0');
	}
	return text.len ? n : -1;
}

/* Does the list of ports keep HBONE out? One that is only about UDP, or DNS, is about other things.
 */
static bool shuts(const struct ifx_node *ports)
{
	bool any = false;

	if (!ifx_items(ports))
		return false;
	for (const struct ifx_entry *e = ifx_items(ports); e; e = e->next) {
		const struct ifx_node *item = ifx_deref(e->value);
		ifx_str protocol = ifx_get_text(item, IFX_LIT("protocol"));
		long port = number(ifx_get_text(item, IFX_LIT("port")));
		long last = number(ifx_get_text(item, IFX_LIT("endPort")));

		if (protocol.len && !ifx_str_eq(protocol, IFX_LIT("TCP")))
			continue;
		if (!ifx_get(item, IFX_LIT("port")) || port == HBONE ||
		    (port >= 0 && port <= HBONE && last >= HBONE))
			return false;
		any |= port != 53;
	}
	return any;
}

static bool covers(struct ifx_migration *plan, const struct ifx_object *policy,
		   const struct ifx_namespace *ns)
{
	const struct ifx_node *selector = ifx_get(ifx_object_spec(policy), IFX_LIT("podSelector"));
	bool any = false;

	IFX_EACH_PODS(o, p, ns)
	{
		any = true;
		if (!p->host_network && ifx_selector_takes(plan, selector, p))
			return true;
	}
	return !any; /* the tree shows no pods: whatever is there */
}

const struct ifx_node *ifx_netpol_shuts(struct ifx_migration *plan, const struct ifx_object *policy,
					const struct ifx_namespace *ns, const char *direction)
{
	const struct ifx_entry *e =
		ifx_items(ifx_get(ifx_object_spec(policy), ifx_str_of(direction)));

	for (; e; e = e->next) {
		const struct ifx_node *ports = ifx_get(ifx_deref(e->value), IFX_LIT("ports"));

		if (shuts(ports))
			return covers(plan, policy, ns) ? ports : NULL;
	}
	return NULL;
}

void ifx_find_network(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	static const char *const directions[] = { "ingress", "egress" };

	for (const struct ifx_object *o = ns->objects[IFX_NETWORK_POLICY].first; o; o = o->next)
		for (size_t i = 0; i < 2; i++) {
			const struct ifx_node *ports = ifx_netpol_shuts(plan, o, ns, directions[i]);
			struct ifx_hindrance *h;

			if (!ports)
				continue;
			h = ifx_hinder(plan, IFX_F_W33, ns, o, ports,
				       "NetworkPolicy %.*s lists ports without 15008, the only one "
				       "between ambient pods; once it is there, these ports are no "
				       "filter for mesh traffic any more",
				       IFX_ARG(o->r->name));
			h->settled = IFX_REMEDIED;
			ifx_hinder_help(plan, h,
					"prepare adds TCP 15008; filter ports with an "
					"AuthorizationPolicy");
		}
}
