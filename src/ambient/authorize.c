/* One rule of an AuthorizationPolicy against one request, as each engine compiles it. */
#include "ambient/model.h"

#include "ambient/layer.h"
#include "ambient/match.h"

/* Longest principal that is compared; Kubernetes names make it far shorter. Bytes. */
enum { PRINCIPAL_MAX = 1024 };

struct view {
	const struct ifx_mesh *mesh;
	const struct ifx_authz *policy;
	const struct ifx_request *request;
	ifx_engine_kind engine;
};

/* --- identities ----------------------------------------------------------------------------- */

/* `domain/rest` with another domain. The buffer is the caller's. */
static ifx_str with_domain(char *buf, ifx_str domain, ifx_str rest)
{
	if (domain.len + rest.len > PRINCIPAL_MAX)
		return IFX_NONE;
	memcpy(buf, domain.ptr, domain.len);
	memcpy(buf + domain.len, rest.ptr, rest.len);
	return (ifx_str){ buf, domain.len + rest.len };
}

static bool in_domains(const struct ifx_mesh *mesh, ifx_str pattern)
{
	if (ifx_pattern_match(pattern, mesh->trust_domain))
		return true;
	for (size_t i = 0; i < mesh->trust_domain_aliases.n; i++)
		if (ifx_pattern_match(pattern, mesh->trust_domain_aliases.list[i]))
			return true;
	return false;
}

/*
 * istiod writes principals for Envoy once for each alias when their trust domain is the mesh's, one
 * of its aliases, or cluster.local (pilot/pkg/security/trustdomain/bundle.go). ztunnel gets them as
 * they are.
 */
static bool principal_matches(const struct view *v, ifx_str value)
{
	ifx_str principal = v->request->principal, domain = value, rest;
	size_t slash = ifx_str_chr(value, '/'), slashes = 0;
	char buf[PRINCIPAL_MAX];

	if (!principal.ptr)
		return false;
	if (v->engine == IFX_ENGINE_ZTUNNEL)
		return ifx_pattern_match(value, principal);
	for (size_t i = 0; i < value.len; i++)
		slashes += value.ptr[i] == '/';
	domain.len = slash == SIZE_MAX ? 0 : slash;
	if (slashes != 4 || ifx_str_eq(domain, IFX_LIT("*")) ||
	    !(in_domains(v->mesh, domain) || ifx_str_eq(domain, IFX_LIT("cluster.local"))))
		return ifx_pattern_match(value, principal);
	rest = ifx_str_sub(value, slash, value.len - slash);
	for (size_t i = 0; i <= v->mesh->trust_domain_aliases.n; i++) {
		ifx_str to = i ? v->mesh->trust_domain_aliases.list[i - 1] : v->mesh->trust_domain;
		ifx_str written =
			ifx_pattern_match(domain, to) ? value : with_domain(buf, to, rest);

		if (written.ptr && ifx_pattern_match(written, principal))
			return true;
	}
	return false;
}

/* Envoy looks for `/ns/VALUE/` in the identity, each `*` of the value being any text. */
static bool namespace_matches(const struct view *v, ifx_str value)
{
	char buf[PRINCIPAL_MAX + 16];
	struct ifx_identity id;

	if (!v->request->principal.ptr)
		return false;
	if (v->engine == IFX_ENGINE_ZTUNNEL)
		return ifx_identity_parse(&id, v->request->principal) &&
		       ifx_pattern_match(value, id.namespace);
	if (value.len > PRINCIPAL_MAX)
		return false;
	memcpy(buf, "*/ns/", 5);
	memcpy(buf + 5, value.ptr, value.len);
	memcpy(buf + 5 + value.len, "/*", 2);
	return ifx_glob_match((ifx_str){ buf, value.len + 7 }, v->request->principal);
}

/* `NAME` is in the policy's own namespace. */
static bool account_matches(const struct view *v, ifx_str value)
{
	size_t slash = ifx_str_chr(value, '/');
	ifx_str namespace = v->policy->scope.namespace, account = value;
	struct ifx_identity id;

	if (slash != SIZE_MAX) {
		namespace = ifx_str_sub(value, 0, slash);
		account = ifx_str_sub(value, slash + 1, value.len - slash - 1);
	}
	return v->request->principal.ptr && ifx_identity_parse(&id, v->request->principal) &&
	       ifx_str_eq(id.namespace, namespace) && ifx_str_eq(id.account, account);
}

static bool domain_matches(const struct view *v, ifx_str value)
{
	struct ifx_identity id;

	if (!v->request->principal.ptr || !ifx_identity_parse(&id, v->request->principal))
		return false;
	/* A value that is one of the mesh's own stands for all of them; a pattern does not. */
	return ifx_pattern_match(value, id.trust_domain) ||
	       (ifx_str_chr(value, '*') == SIZE_MAX && in_domains(v->mesh, value) &&
		in_domains(v->mesh, id.trust_domain));
}

/* --- tokens --------------------------------------------------------------------------------- */

static ifx_str claim(const struct view *v, ifx_str name)
{
	return v->request->token == IFX_TOKEN_GOOD ? ifx_labels_get(v->request->claims, name)
						   : IFX_NONE;
}

static bool text_matches(ifx_str value, ifx_str text)
{
	return text.ptr && ifx_pattern_match(value, text);
}

/*
 * ISSUER/SUBJECT, cut at the last slash because issuers have some; a star at either end belongs to
 * its half alone, and a half that is nothing but the star must be there.
 */
static bool request_principal_matches(const struct view *v, ifx_str value)
{
	ifx_str issuer = claim(v, IFX_LIT("iss")), subject = claim(v, IFX_LIT("sub"));
	ifx_str first = value, second = { "", 0 };
	size_t slash = value.len;
	bool cut;

	while (slash && value.ptr[slash - 1] != '/')
		slash--;
	cut = slash > 0;
	if (cut) {
		first = ifx_str_sub(value, 0, slash - 1);
		second = ifx_str_sub(value, slash, value.len - slash);
	}
	if (!issuer.len || !subject.ptr)
		return false;
	if (value.len && value.ptr[0] == '*') {
		if (!cut)
			return ifx_pattern_match(value, subject);
		return ifx_pattern_match(first, issuer) && ifx_str_eq(second, subject);
	}
	if (value.len && value.ptr[value.len - 1] == '*') {
		if (!cut)
			return ifx_pattern_match(value, issuer) && subject.len;
		return ifx_str_eq(first, issuer) && ifx_pattern_match(second, subject);
	}
	return ifx_str_eq(first, issuer) && ifx_str_eq(second, subject);
}

/* --- one match ------------------------------------------------------------------------------ */

static bool port_matches(const struct view *v, ifx_str value)
{
	unsigned port;

	return ifx_port_parse(&port, value) && port == v->request->port;
}

static bool value_matches(const struct view *v, const struct ifx_match *m, ifx_str value)
{
	const struct ifx_request *r = v->request;

	switch (m->attr) {
	case IFX_ATTR_PRINCIPAL:
		return principal_matches(v, value);
	case IFX_ATTR_NAMESPACE:
		return namespace_matches(v, value);
	case IFX_ATTR_SERVICE_ACCOUNT:
		return account_matches(v, value);
	case IFX_ATTR_TRUST_DOMAIN:
		return domain_matches(v, value);
	case IFX_ATTR_SOURCE_IP:
		return ifx_block_match(value, r->source_ip);
	case IFX_ATTR_REMOTE_IP:
		return ifx_block_match(value, r->remote_ip.ptr ? r->remote_ip : r->source_ip);
	case IFX_ATTR_DESTINATION_IP:
		return ifx_block_match(value, r->destination_ip);
	case IFX_ATTR_PORT:
		return port_matches(v, value);
	case IFX_ATTR_HOST:
		return r->host.ptr && ifx_pattern_imatch(value, r->host);
	case IFX_ATTR_METHOD:
		return text_matches(value, r->method);
	case IFX_ATTR_PATH:
		return r->path.ptr && ifx_path_pattern_match(value, r->path);
	case IFX_ATTR_SNI:
		return text_matches(value, r->sni);
	case IFX_ATTR_HEADER:
		/* `*` asks for the header, not for a value. */
		return ifx_str_eq(value, IFX_LIT("*"))
			       ? ifx_labels_get(r->headers, m->name).ptr != NULL
			       : text_matches(value, ifx_labels_get(r->headers, m->name));
	case IFX_ATTR_REQUEST_PRINCIPAL:
		return request_principal_matches(v, value);
	case IFX_ATTR_AUDIENCE:
		return text_matches(value, claim(v, IFX_LIT("aud")));
	case IFX_ATTR_PRESENTER:
		return text_matches(value, claim(v, IFX_LIT("azp")));
	case IFX_ATTR_CLAIM:
		return text_matches(value, claim(v, m->name));
	case IFX_ATTR_ENVOY:
	case IFX_ATTR_UNKNOWN:
		break;
	}
	return text_matches(value, ifx_labels_get(r->attributes, m->name));
}

static bool any_matches(const struct view *v, const struct ifx_match *m, struct ifx_strs values)
{
	for (size_t i = 0; i < values.n; i++)
		if (value_matches(v, m, values.list[i]))
			return true;
	return false;
}

static bool match_holds(const struct view *v, const struct ifx_match *m)
{
	return (!m->values.n || any_matches(v, m, m->values)) &&
	       (!m->not_values.n || !any_matches(v, m, m->not_values));
}

/* --- one rule ------------------------------------------------------------------------------- */

/* Fields that Envoy's network filter cannot compile. */
static bool http_only(ifx_attr attr)
{
	switch (attr) {
	case IFX_ATTR_HOST:
	case IFX_ATTR_METHOD:
	case IFX_ATTR_PATH:
	case IFX_ATTR_HEADER:
	case IFX_ATTR_REQUEST_PRINCIPAL:
	case IFX_ATTR_AUDIENCE:
	case IFX_ATTR_PRESENTER:
	case IFX_ATTR_CLAIM:
		return true;
	default:
		return false;
	}
}

bool ifx_engine_knows(ifx_engine_kind engine, const struct ifx_match *match)
{
	switch (engine) {
	case IFX_ENGINE_ZTUNNEL:
		return !ifx_match_l7(match);
	case IFX_ENGINE_TCP:
		return !http_only(match->attr);
	case IFX_ENGINE_HTTP:
		break;
	}
	return true;
}

/*
 * Whether one source, operation or condition matches. What an engine does not know is left out; at
 * ztunnel a match with nothing left never matches, at Envoy it always does (in ALLOW policies the
 * rule is gone before it gets here).
 */
static bool clause_matches(const struct view *v, const struct ifx_clause *clause)
{
	size_t kept = 0;

	for (size_t i = 0; i < clause->n; i++) {
		const struct ifx_match *m = &clause->matches[i];

		if (v->engine == IFX_ENGINE_ZTUNNEL ? ifx_match_l7(m) != NULL
		    : v->engine == IFX_ENGINE_TCP   ? http_only(m->attr)
						    : false)
			continue;
		kept++;
		if (!match_holds(v, m))
			return false;
	}
	return kept || v->engine != IFX_ENGINE_ZTUNNEL;
}

static bool any_clause(const struct view *v, const struct ifx_clause *clauses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (clause_matches(v, &clauses[i]))
			return true;
	return !n;
}

/* Has the rule a match that is `bad`? */
static bool has(const struct ifx_clause *clauses, size_t n, bool (*bad)(ifx_attr attr))
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < clauses[i].n; j++)
			if (bad(clauses[i].matches[j].attr))
				return true;
	return false;
}

static bool rule_has(const struct ifx_authz_rule *rule, bool (*bad)(ifx_attr attr))
{
	return has(rule->from, rule->n_from, bad) || has(rule->to, rule->n_to, bad) ||
	       has(rule->when, rule->n_when, bad);
}

static bool unknown(ifx_attr attr)
{
	return attr == IFX_ATTR_UNKNOWN;
}

bool ifx_engine_drops(ifx_engine_kind engine, const struct ifx_authz *policy,
		      const struct ifx_authz_rule *rule)
{
	if (engine == IFX_ENGINE_ZTUNNEL)
		return policy->action == IFX_ALLOW && !ifx_rule_reaches_ztunnel(rule);
	if (rule_has(rule, unknown))
		return true;
	return engine == IFX_ENGINE_TCP && policy->action == IFX_ALLOW && rule_has(rule, http_only);
}

bool ifx_match_holds(const struct ifx_mesh *mesh, const struct ifx_authz *policy,
		     const struct ifx_match *match, const struct ifx_request *request,
		     ifx_engine_kind engine)
{
	struct view v = { mesh, policy, request, engine };

	return match_holds(&v, match);
}

bool ifx_rule_matches(const struct ifx_mesh *mesh, const struct ifx_authz *policy,
		      const struct ifx_authz_rule *rule, const struct ifx_request *request,
		      ifx_engine_kind engine)
{
	struct view v = { mesh, policy, request, engine };

	if (ifx_engine_drops(engine, policy, rule))
		return false;
	if (!any_clause(&v, rule->from, rule->n_from) || !any_clause(&v, rule->to, rule->n_to))
		return false;
	for (size_t i = 0; i < rule->n_when; i++)
		if (!clause_matches(&v, &rule->when[i]))
			return false;
	return true;
}
