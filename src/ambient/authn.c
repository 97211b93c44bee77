#include "ambient/policy.h"

#include "ambient/match.h"
#include "ambient/reader.h"

/* --- RequestAuthentication ------------------------------------------------------------------ */

static void read_jwt_rule(struct ifx_reader *r, struct ifx_jwt_rule *out,
			  const struct ifx_node *rule)
{
	rule = ifx_reader_map(r, rule);
	out->issuer = ifx_get_text(rule, IFX_LIT("issuer"));
	out->forward =
		ifx_str_eq(ifx_get_text(rule, IFX_LIT("forwardOriginalToken")), IFX_LIT("true"));
	out->audiences = ifx_reader_strings(r, ifx_get(rule, IFX_LIT("audiences")));
}

ifx_status ifx_request_authn_read(struct ifx_request_authn *out, const struct ifx_node *resource,
				  ifx_str namespace, struct ifx_arena *arena)
{
	static const char *const known[] = { "selector", "targetRef", "targetRefs", "jwtRules",
					     NULL };
	struct ifx_reader r = { .arena = arena, .scope = &out->scope };
	const struct ifx_node *spec, *rules;
	struct ifx_jwt_rule *list;

	*out = (struct ifx_request_authn){ 0 };
	spec = ifx_reader_scope(&r, resource, namespace);
	if (!spec)
		return r.failed ? IFX_ENOMEM : IFX_OK;
	ifx_reader_expect(&r, spec, known);
	rules = ifx_reader_list(&r, ifx_get(spec, IFX_LIT("jwtRules")));
	list = rules ? ifx_reader_take(&r, rules->n, sizeof(*list)) : NULL;
	if (list) {
		for (const struct ifx_entry *e = rules->first; e; e = e->next)
			read_jwt_rule(&r, &list[e->index], ifx_deref(e->value));
		out->rules = list;
		out->n_rules = rules->n;
	}
	return r.failed ? IFX_ENOMEM : IFX_OK;
}

/* --- PeerAuthentication --------------------------------------------------------------------- */

static ifx_mtls read_mtls(struct ifx_reader *r, const struct ifx_node *mtls)
{
	static const char *const names[] = { "UNSET", "DISABLE", "PERMISSIVE", "STRICT" };
	ifx_str mode = ifx_get_text(ifx_reader_map(r, mtls), IFX_LIT("mode"));

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ifx_str_eq(mode, ifx_str_of(names[i])))
			return (ifx_mtls)i;
	if (mode.len)
		ifx_reader_flaw(r, mtls, IFX_LIT("a mode that Istio does not know"));
	return IFX_MTLS_UNSET;
}

static void read_port(struct ifx_reader *r, struct ifx_port_mtls *out,
		      const struct ifx_entry *entry)
{
	if (!ifx_port_parse(&out->port, ifx_text(entry->key)))
		ifx_reader_flaw(r, entry->key, IFX_LIT("a port number belongs here"));
	out->mode = read_mtls(r, ifx_deref(entry->value));
}

ifx_status ifx_peer_authn_read(struct ifx_peer_authn *out, const struct ifx_node *resource,
			       ifx_str namespace, struct ifx_arena *arena)
{
	static const char *const known[] = { "selector", "mtls", "portLevelMtls", NULL };
	struct ifx_reader r = { .arena = arena, .scope = &out->scope };
	const struct ifx_node *spec, *ports;
	struct ifx_port_mtls *list;

	*out = (struct ifx_peer_authn){ 0 };
	spec = ifx_reader_scope(&r, resource, namespace);
	if (!spec)
		return r.failed ? IFX_ENOMEM : IFX_OK;
	ifx_reader_expect(&r, spec, known);
	out->mode = read_mtls(&r, ifx_get(spec, IFX_LIT("mtls")));
	ports = ifx_reader_map(&r, ifx_get(spec, IFX_LIT("portLevelMtls")));
	list = ports && ports->n ? ifx_reader_take(&r, ports->n, sizeof(*list)) : NULL;
	if (list) {
		for (const struct ifx_entry *e = ports->first; e; e = e->next)
			read_port(&r, &list[e->index], e);
		out->ports = list;
		out->n_ports = ports->n;
		if (!out->scope.has_selector)
			ifx_reader_flaw(&r, ports, IFX_LIT("portLevelMtls needs a selector"));
	}
	return r.failed ? IFX_ENOMEM : IFX_OK;
}
