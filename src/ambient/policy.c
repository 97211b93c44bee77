#include "ambient/policy.h"

#include "ambient/match.h"
#include "ambient/reader.h"

static bool truth(ifx_str text)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (ifx_str_eq(text, ifx_str_of(yes[i])))
			return true;
	return false;
}

/* --- AuthorizationPolicy ------------------------------------------------------------------- */

static const struct field {
	const char *name, *not_name;
	ifx_attr attr;
} source_fields[] = {
	{ "principals", "notPrincipals", IFX_ATTR_PRINCIPAL },
	{ "namespaces", "notNamespaces", IFX_ATTR_NAMESPACE },
	{ "serviceAccounts", "notServiceAccounts", IFX_ATTR_SERVICE_ACCOUNT },
	{ "trustDomains", "notTrustDomains", IFX_ATTR_TRUST_DOMAIN },
	{ "ipBlocks", "notIpBlocks", IFX_ATTR_SOURCE_IP },
	{ "remoteIpBlocks", "notRemoteIpBlocks", IFX_ATTR_REMOTE_IP },
	{ "requestPrincipals", "notRequestPrincipals", IFX_ATTR_REQUEST_PRINCIPAL },
	{ NULL, NULL, 0 },
}, operation_fields[] = {
	{ "ports", "notPorts", IFX_ATTR_PORT },
	{ "hosts", "notHosts", IFX_ATTR_HOST },
	{ "methods", "notMethods", IFX_ATTR_METHOD },
	{ "paths", "notPaths", IFX_ATTR_PATH },
	{ NULL, NULL, 0 },
}, condition_keys[] = {
	{ "source.principal", NULL, IFX_ATTR_PRINCIPAL },
	{ "source.namespace", NULL, IFX_ATTR_NAMESPACE },
	{ "source.serviceAccount", NULL, IFX_ATTR_SERVICE_ACCOUNT },
	{ "source.trustDomain", NULL, IFX_ATTR_TRUST_DOMAIN },
	{ "source.ip", NULL, IFX_ATTR_SOURCE_IP },
	{ "remote.ip", NULL, IFX_ATTR_REMOTE_IP },
	{ "request.auth.principal", NULL, IFX_ATTR_REQUEST_PRINCIPAL },
	{ "destination.port", NULL, IFX_ATTR_PORT },
	{ "destination.ip", NULL, IFX_ATTR_DESTINATION_IP },
	{ "connection.sni", NULL, IFX_ATTR_SNI },
	{ "request.auth.audiences", NULL, IFX_ATTR_AUDIENCE },
	{ "request.auth.presenter", NULL, IFX_ATTR_PRESENTER },
	{ NULL, NULL, 0 },
};

static void known_fields(struct ifx_reader *r, const struct ifx_node *map,
			 const struct field *fields)
{
	const char *known[16];
	size_t n = 0;

	for (; fields->name; fields++) {
		known[n++] = fields->name;
		known[n++] = fields->not_name;
	}
	known[n] = NULL;
	ifx_reader_expect(r, map, known);
}

/* Istio refuses ports and addresses that are none, and so does this. */
static void check_values(struct ifx_reader *r, const struct ifx_match *m, struct ifx_strs values)
{
	ifx_block block;
	unsigned port;

	for (size_t i = 0; i < values.n; i++) {
		bool ok = true;

		if (m->attr == IFX_ATTR_PORT)
			ok = ifx_port_parse(&port, values.list[i]);
		else if (m->attr == IFX_ATTR_SOURCE_IP || m->attr == IFX_ATTR_REMOTE_IP ||
			 m->attr == IFX_ATTR_DESTINATION_IP)
			ok = ifx_block_parse(&block, values.list[i]);
		if (!ok)
			ifx_reader_flaw(
				r, m->at,
				m->attr == IFX_ATTR_PORT
					? IFX_LIT("a port number belongs here")
					: IFX_LIT("an address or a block of addresses belongs here"));
	}
}

/* The fields of one source or operation. */
static struct ifx_clause read_clause(struct ifx_reader *r, const struct ifx_node *map,
				     const struct field *fields)
{
	struct ifx_clause out = { 0 };
	struct ifx_match *list;

	if (!map) /* an empty source: it asks for nothing */
		return out;
	known_fields(r, map, fields);
	list = ifx_reader_take(r, map->n, sizeof(*list));
	if (!list)
		return out;
	for (const struct field *f = fields; f->name; f++) {
		const struct ifx_node *yes = ifx_get(map, ifx_str_of(f->name));
		const struct ifx_node *no = ifx_get(map, ifx_str_of(f->not_name));
		struct ifx_match m = { .attr = f->attr, .at = yes ? yes : no };

		m.values = ifx_reader_strings(r, yes);
		m.not_values = ifx_reader_strings(r, no);
		check_values(r, &m, m.values);
		check_values(r, &m, m.not_values);
		if (m.values.n || m.not_values.n)
			list[out.n++] = m;
	}
	out.matches = list;
	return out;
}

/* Alternatives: `from: [{source: ...}]`, `to: [{operation: ...}]`. */
static const struct ifx_clause *read_clauses(struct ifx_reader *r, size_t *n,
					     const struct ifx_node *list, const char *key,
					     const struct field *fields)
{
	const char *const known[] = { key, NULL };
	struct ifx_clause *out;

	*n = 0;
	list = ifx_reader_list(r, list);
	out = list ? ifx_reader_take(r, list->n, sizeof(*out)) : NULL;
	if (!out)
		return NULL;
	for (const struct ifx_entry *e = list->first; e; e = e->next) {
		const struct ifx_node *item = ifx_reader_map(r, ifx_deref(e->value));
		const struct ifx_node *map = ifx_reader_map(r, ifx_get(item, ifx_str_of(key)));

		ifx_reader_expect(r, item, known);
		out[*n] = read_clause(r, map, fields);
		if (!out[*n].n)
			ifx_reader_flaw(
				r, e->value,
				IFX_LIT("Istio refuses a source or operation without fields"));
		(*n)++;
	}
	return out;
}

/* `request.headers[x]` after `request.headers`: the name in the brackets, or ptr NULL. */
static ifx_str in_brackets(ifx_str key, ifx_str prefix)
{
	size_t len = key.len - prefix.len;

	if (!ifx_str_starts(key, prefix) || len < 3 || key.ptr[prefix.len] != '[' ||
	    key.ptr[key.len - 1] != ']')
		return IFX_NONE;
	return ifx_str_sub(key, prefix.len + 1, len - 2);
}

static void read_key(struct ifx_match *m, ifx_str key)
{
	const struct field *f = condition_keys;
	ifx_str header = in_brackets(key, IFX_LIT("request.headers"));
	ifx_str claim = in_brackets(key, IFX_LIT("request.auth.claims"));

	for (; f->name; f++) {
		if (ifx_str_eq(key, ifx_str_of(f->name))) {
			m->attr = f->attr;
			return;
		}
	}
	m->attr = header.ptr                                                    ? IFX_ATTR_HEADER
		  : claim.ptr                                                   ? IFX_ATTR_CLAIM
		  : ifx_str_starts(key, IFX_LIT("experimental.envoy.filters.")) ? IFX_ATTR_ENVOY
										: IFX_ATTR_UNKNOWN;
	m->name = header.ptr ? header : claim.ptr ? claim : key;
}

static void read_condition(struct ifx_reader *r, struct ifx_clause *out,
			   const struct ifx_node *item)
{
	static const char *const known[] = { "key", "values", "notValues", NULL };
	struct ifx_match *m = ifx_reader_take(r, 1, sizeof(*m));

	item = ifx_reader_map(r, item);
	if (!m || !item)
		return;
	ifx_reader_expect(r, item, known);
	m->when = true;
	m->at = item;
	read_key(m, ifx_get_text(item, IFX_LIT("key")));
	m->values = ifx_reader_strings(r, ifx_get(item, IFX_LIT("values")));
	m->not_values = ifx_reader_strings(r, ifx_get(item, IFX_LIT("notValues")));
	check_values(r, m, m->values);
	check_values(r, m, m->not_values);
	if (m->attr == IFX_ATTR_UNKNOWN)
		ifx_reader_flaw(r, item, IFX_LIT("a key that Istio does not know"));
	if (!m->values.n && !m->not_values.n)
		ifx_reader_flaw(r, item, IFX_LIT("a condition needs values or notValues"));
	*out = (struct ifx_clause){ m, 1 };
}

static void read_rule(struct ifx_reader *r, struct ifx_authz_rule *out, const struct ifx_node *node)
{
	static const char *const known[] = { "from", "to", "when", NULL };
	const struct ifx_node *when;
	struct ifx_clause *list;

	out->at = node;
	node = ifx_reader_map(r, node);
	if (!node) {
		ifx_reader_flaw(r, out->at,
				IFX_LIT("a rule belongs here; {} is one for everything"));
		return;
	}
	ifx_reader_expect(r, node, known);
	out->from = read_clauses(r, &out->n_from, ifx_get(node, IFX_LIT("from")), "source",
				 source_fields);
	out->to = read_clauses(r, &out->n_to, ifx_get(node, IFX_LIT("to")), "operation",
			       operation_fields);
	when = ifx_reader_list(r, ifx_get(node, IFX_LIT("when")));
	list = when ? ifx_reader_take(r, when->n, sizeof(*list)) : NULL;
	if (!list)
		return;
	for (const struct ifx_entry *e = when->first; e; e = e->next)
		read_condition(r, &list[e->index], ifx_deref(e->value));
	out->when = list;
	out->n_when = when->n;
}

static void read_action(struct ifx_reader *r, struct ifx_authz *out, const struct ifx_node *spec)
{
	static const char *const names[] = { "ALLOW", "DENY", "CUSTOM", "AUDIT" };
	const struct ifx_node *node = ifx_get(spec, IFX_LIT("action"));
	const struct ifx_node *provider = ifx_get(spec, IFX_LIT("provider"));
	ifx_str text = ifx_get_text(spec, IFX_LIT("action"));

	out->provider = ifx_get_text(provider, IFX_LIT("name"));
	for (size_t i = 0; text.len && i < sizeof(names) / sizeof(*names); i++) {
		if (ifx_str_eq(text, ifx_str_of(names[i]))) {
			out->action = (ifx_action)i;
			text.len = 0;
		}
	}
	if (text.len || (node && !ifx_is(node, IFX_SCALAR)))
		ifx_reader_flaw(r, node, IFX_LIT("an action that Istio does not know"));
	if (out->action == IFX_CUSTOM && !out->provider.len)
		ifx_reader_flaw(r, node, IFX_LIT("CUSTOM needs provider.name"));
}

ifx_status ifx_authz_read(struct ifx_authz *out, const struct ifx_node *resource, ifx_str namespace,
			  struct ifx_arena *arena)
{
	static const char *const known[] = { "selector", "targetRef", "targetRefs", "rules",
					     "action",   "provider",  NULL };
	struct ifx_reader r = { .arena = arena, .scope = &out->scope };
	const struct ifx_node *spec, *rules, *annotations;
	struct ifx_authz_rule *list;

	*out = (struct ifx_authz){ 0 };
	spec = ifx_reader_scope(&r, resource, namespace);
	annotations = ifx_get(ifx_get(resource, IFX_LIT("metadata")), IFX_LIT("annotations"));
	out->dry_run = truth(ifx_get_text(annotations, IFX_LIT("istio.io/dry-run")));
	if (!spec)
		return r.failed ? IFX_ENOMEM : IFX_OK;
	ifx_reader_expect(&r, spec, known);
	read_action(&r, out, spec);
	rules = ifx_reader_list(&r, ifx_get(spec, IFX_LIT("rules")));
	list = rules ? ifx_reader_take(&r, rules->n, sizeof(*list)) : NULL;
	if (list) {
		for (const struct ifx_entry *e = rules->first; e; e = e->next)
			read_rule(&r, &list[e->index], ifx_deref(e->value));
		out->rules = list;
		out->n_rules = rules->n;
	}
	return r.failed ? IFX_ENOMEM : IFX_OK;
}

/* --- names ---------------------------------------------------------------------------------- */

const char *ifx_attr_field(ifx_attr attr, bool negative)
{
	for (const struct field *f = source_fields; f->name; f++)
		if (f->attr == attr)
			return negative ? f->not_name : f->name;
	for (const struct field *f = operation_fields; f->name; f++)
		if (f->attr == attr)
			return negative ? f->not_name : f->name;
	for (const struct field *f = condition_keys; f->name; f++)
		if (f->attr == attr)
			return f->name;
	return attr == IFX_ATTR_HEADER  ? "request.headers"
	       : attr == IFX_ATTR_CLAIM ? "request.auth.claims"
					: "when";
}

const char *ifx_action_name(ifx_action action)
{
	static const char *const names[] = { "ALLOW", "DENY", "CUSTOM", "AUDIT" };

	return names[action];
}
