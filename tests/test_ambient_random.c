/*
 * Random policies against the model: that Layer 4 policies mean the same to a sidecar and to
 * ztunnel, and that the search misses no request that two meshes treat in a way of its own.
 * AMBIENT_PAIRS in the environment says how many pairs of meshes to try, AMBIENT_SEED where to
 * begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ambient/layer.h"
#include "ambient/requests.h"

#include <stdio.h>
#include <stdlib.h>

/* xorshift64* */
static uint64_t seed;

static size_t pick(size_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (size_t)((seed * 2685821657736338717u) >> 33) % n;
}

static bool chance(size_t percent)
{
	return pick(100) < percent;
}

/* --- policies ------------------------------------------------------------------------------- */

#define POOL(...)                                                                                  \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static const char *const principals[] =
	POOL("cluster.local/ns/x/sa/a", "cluster.local/ns/y/sa/a", "cluster.local/ns/x/sa/b",
	     "cluster.local/ns/x/*", "*/sa/b", "*", "cluster.local/ns/*", "old/ns/x/sa/a",
	     "*/ns/y/sa/a", "cluster.local/ns/n/sa/waypoint", "*l/ns/x/sa/a");
static const char *const namespaces[] = POOL("x", "y", "x*", "*y", "*", "n", "x*y");
static const char *const accounts[] = POOL("a", "x/a", "y/b", "n/waypoint");
static const char *const domains[] = POOL("cluster.local", "old", "*", "*d", "c*");
static const char *const blocks[] = POOL("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.168.0.0/16",
					 "0.0.0.0/0", "10.1.0.0/17", "2001:db8::/32");
static const char *const ports[] = POOL("80", "8080", "81", "9090");
static const char *const hosts[] = POOL("s", "*.example.com", "S*", "*", "a.example.com");
static const char *const methods[] = POOL("GET", "POST", "P*", "*", "*T");
static const char *const paths[] = POOL("/a", "/a*", "*/b", "/a/{*}", "/a/{**}/b", "/{*}/b", "*",
					"/a/b", "/{**}", "/ab*", "/a/{*}/{**}");
static const char *const texts[] = POOL("1", "*", "1*", "*1", "12");
static const char *const request_principals[] =
	POOL("i/s", "*", "i/*", "*/s", "https://i/t", "i*", "*s", "i");

static const struct {
	ifx_attr attr;
	const char *const *pool;
	bool from, to, when, l4;
	const char *names[3];
} attrs[] = {
	{ IFX_ATTR_PRINCIPAL, principals, true, false, true, true, { "" } },
	{ IFX_ATTR_NAMESPACE, namespaces, true, false, true, true, { "" } },
	{ IFX_ATTR_SERVICE_ACCOUNT, accounts, true, false, false, true, { "" } },
	{ IFX_ATTR_SOURCE_IP, blocks, true, false, true, true, { "" } },
	{ IFX_ATTR_PORT, ports, false, true, true, true, { "" } },
	{ IFX_ATTR_DESTINATION_IP, blocks, false, false, true, true, { "" } },
	{ IFX_ATTR_SERVICE_ACCOUNT, accounts, false, false, true, false, { "" } },
	{ IFX_ATTR_TRUST_DOMAIN, domains, true, false, true, false, { "" } },
	{ IFX_ATTR_REMOTE_IP, blocks, true, false, true, false, { "" } },
	{ IFX_ATTR_REQUEST_PRINCIPAL, request_principals, true, false, true, false, { "" } },
	{ IFX_ATTR_HOST, hosts, false, true, false, false, { "" } },
	{ IFX_ATTR_METHOD, methods, false, true, false, false, { "" } },
	{ IFX_ATTR_PATH, paths, false, true, false, false, { "" } },
	{ IFX_ATTR_SNI, hosts, false, false, true, false, { "" } },
	{ IFX_ATTR_HEADER, texts, false, false, true, false, { "x-a", "x-b" } },
	{ IFX_ATTR_CLAIM, texts, false, false, true, false, { "g", "a][b", "iss" } },
	{ IFX_ATTR_AUDIENCE, texts, false, false, true, false, { "" } },
	{ IFX_ATTR_PRESENTER, texts, false, false, true, false, { "" } },
	{ IFX_ATTR_ENVOY, texts, false, false, true, false, { "experimental.envoy.filters.f[k]" } },
};

static struct ifx_strs values(struct ifx_arena *arena, const char *const *pool, size_t n)
{
	ifx_str *list = ifx_arena_alloc(arena, (n + 1) * sizeof(*list));
	size_t size = 0;

	while (pool[size])
		size++;
	for (size_t i = 0; i < n; i++)
		list[i] = ifx_str_of(pool[pick(size)]);
	return (struct ifx_strs){ list, n };
}

typedef enum { IN_FROM, IN_TO, IN_WHEN } place;

static void fill(struct ifx_arena *arena, struct ifx_match *m, place where, bool l4)
{
	for (;;) {
		size_t i = pick(sizeof(attrs) / sizeof(*attrs));
		size_t names = 1;

		if (!(where == IN_FROM ? attrs[i].from
		      : where == IN_TO ? attrs[i].to
				       : attrs[i].when))
			continue;
		if (l4 && !attrs[i].l4)
			continue;
		while (names < 3 && attrs[i].names[names])
			names++;
		*m = (struct ifx_match){ .attr = attrs[i].attr, .when = where == IN_WHEN };
		m->name = ifx_str_of(attrs[i].names[pick(names)]);
		m->values = values(arena, attrs[i].pool, chance(70) ? 1 + pick(2) : 0);
		m->not_values =
			values(arena, attrs[i].pool, !m->values.n || chance(20) ? 1 + pick(2) : 0);
		return;
	}
}

static const struct ifx_clause *clauses(struct ifx_arena *arena, size_t n, place where, bool l4)
{
	struct ifx_clause *out = ifx_arena_alloc(arena, (n + 1) * sizeof(*out));

	for (size_t i = 0; i < n; i++) {
		size_t k = where == IN_WHEN ? 1 : 1 + pick(2);
		struct ifx_match *list = ifx_arena_alloc(arena, k * sizeof(*list));

		for (size_t j = 0; j < k; j++)
			fill(arena, &list[j], where, l4);
		out[i] = (struct ifx_clause){ list, k };
	}
	return out;
}

static void make_policy(struct ifx_arena *arena, struct ifx_authz *out, bool l4)
{
	static const struct ifx_target service = { { "", 0 }, { "Service", 7 }, { "s", 1 } };
	size_t n = pick(3);
	struct ifx_authz_rule *rules = ifx_arena_alloc(arena, (n + 1) * sizeof(*rules));

	*out = (struct ifx_authz){ .action = l4 ? (ifx_action)pick(2) : (ifx_action)pick(4) };
	out->scope.name = IFX_LIT("p");
	out->scope.namespace = chance(15) ? IFX_LIT("istio-system") : IFX_LIT("n");
	out->provider = IFX_LIT("ext");
	out->dry_run = chance(5);
	if (!l4 && chance(40)) {
		out->scope.namespace = IFX_LIT("n");
		out->scope.targets = &service;
		out->scope.n_targets = 1;
	}
	for (size_t i = 0; i < n; i++) {
		rules[i].n_from = pick(3);
		rules[i].from = clauses(arena, rules[i].n_from, IN_FROM, l4);
		rules[i].n_to = pick(3);
		rules[i].to = clauses(arena, rules[i].n_to, IN_TO, l4);
		rules[i].n_when = pick(2);
		rules[i].when = clauses(arena, rules[i].n_when, IN_WHEN, l4);
	}
	out->rules = rules;
	out->n_rules = n;
}

/* --- meshes --------------------------------------------------------------------------------- */

static const struct ifx_container_port container_ports[] = { { { "web", 3 }, 8080 } };

static void make_mesh(struct ifx_arena *arena, struct ifx_mesh *m, const struct ifx_strs *aliases,
		      const struct ifx_service_port *service_ports)
{
	static const struct ifx_label app[] = { { { "app", 3 }, { "a", 1 } } };
	static const ifx_str audience[] = { { "1", 1 } };
	struct ifx_jwt_rule *jwt = ifx_arena_alloc(arena, sizeof(*jwt));
	const struct ifx_labels labels = { app, 1 };
	bool bound = chance(60);

	*m = (struct ifx_mesh){ .root_namespace = IFX_LIT("istio-system"),
				.trust_domain = IFX_LIT("cluster.local"),
				.trust_domain_aliases = *aliases };
	m->workloads = ifx_arena_alloc(arena, sizeof(*m->workloads));
	m->n_workloads = m->n_services = m->n_waypoints = 1;
	m->workloads[0] =
		(struct ifx_workload){ .namespace = IFX_LIT("n"),
				       .kind = IFX_LIT("Deployment"),
				       .name = IFX_LIT("w"),
				       .labels = labels,
				       .mode = chance(50) ? IFX_MODE_SIDECAR : IFX_MODE_AMBIENT,
				       .ports = container_ports,
				       .n_ports = 1 };
	m->waypoints = ifx_arena_alloc(arena, sizeof(*m->waypoints));
	m->waypoints[0] = (struct ifx_waypoint){ .namespace = IFX_LIT("n"),
						 .name = IFX_LIT("waypoint"),
						 .services = true };
	m->services = ifx_arena_alloc(arena, sizeof(*m->services));
	m->services[0] = (struct ifx_service){ .namespace = IFX_LIT("n"),
					       .name = IFX_LIT("s"),
					       .selector = labels,
					       .ports = service_ports,
					       .n_ports = 2,
					       .ingress_use_waypoint = chance(50),
					       .waypoint = bound ? &m->waypoints[0] : NULL };
	m->n_authz = pick(5);
	m->authz = ifx_arena_alloc(arena, (m->n_authz + 1) * sizeof(*m->authz));
	for (size_t i = 0; i < m->n_authz; i++)
		make_policy(arena, &m->authz[i], false);
	if (chance(30)) {
		*jwt = (struct ifx_jwt_rule){ .issuer = IFX_LIT("i"), .forward = chance(50) };
		if (chance(30))
			jwt->audiences = (struct ifx_strs){ audience, 1 };
		m->request_authn = ifx_arena_alloc(arena, sizeof(*m->request_authn));
		m->n_request_authn = 1;
		m->request_authn[0].scope.namespace = IFX_LIT("n");
		m->request_authn[0].rules = jwt;
		m->request_authn[0].n_rules = 1;
	}
	if (chance(30)) {
		m->peer_authn = ifx_arena_alloc(arena, sizeof(*m->peer_authn));
		m->n_peer_authn = 1;
		m->peer_authn[0].scope.namespace = IFX_LIT("n");
		m->peer_authn[0].mode = (ifx_mtls)pick(4);
	}
	assert_int_equal(ifx_mesh_index(m), IFX_OK);
	m->services[0].waypoint = bound ? &m->waypoints[0] : NULL;
}

/* --- what all modes get ---------------------------------------------------------------------- */

/* Everything that can be seen of a decision, as a number. */
static uint64_t decision_code(const struct ifx_mesh *m, const struct ifx_decision *d)
{
	uint64_t policy = d->policy ? (uint64_t)(d->policy - m->authz) + 1 : 0;

	return d->allowed | (uint64_t)d->basis << 1 | (uint64_t)d->point << 6 | policy << 9 |
	       (uint64_t)d->rule << 14 | (uint64_t)d->n_providers << 18 |
	       (uint64_t)d->audited << 21 | (uint64_t)d->via_waypoint << 22;
}

static uint64_t signature(const struct ifx_probe *p, const struct ifx_request *request)
{
	uint64_t out = 1469598103934665603u;

	for (size_t i = 0; i < 2; i++) {
		for (int mode = IFX_MODE_NONE; mode <= IFX_MODE_GATEWAY; mode++) {
			struct ifx_call call = { .caller = (ifx_mode)mode,
						 .service = p->service[i],
						 .workload = p->workload[i],
						 .request = *request };
			struct ifx_decision d;

			/* Without an identity it is plaintext, with one it is not. */
			if ((mode == IFX_MODE_NONE) == (request->principal.ptr != NULL))
				continue;
			ifx_model_call(&d, p->mesh[i], &call);
			out = (out ^ decision_code(p->mesh[i], &d)) * 1099511628211u;
			out ^= out >> 29;
		}
	}
	return out;
}

struct seen {
	const struct ifx_probe *probe;
	uint64_t list[8192];
	size_t n, requests;
};

static ifx_status remember(void *data, const struct ifx_request *request)
{
	struct seen *s = data;
	uint64_t code = signature(s->probe, request);

	s->requests++;
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i] == code)
			return IFX_OK;
	assert_true(s->n < sizeof(s->list) / sizeof(*s->list));
	s->list[s->n++] = code;
	return IFX_OK;
}

static bool was_seen(const struct seen *s, uint64_t code)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i] == code)
			return true;
	return false;
}

/* --- a larger universe ------------------------------------------------------------------------ */

static ifx_str one_of(const char *const *pool)
{
	size_t size = 0;

	while (pool[size])
		size++;
	return ifx_str_of(pool[pick(size)]);
}

static const char *const any_namespace[] = POOL("x", "y", "xx", "yy", "xy", "xay", "n", "z");
static const char *const any_account[] = POOL("a", "b", "ab", "bb", "waypoint", "z");
static const char *const any_ip[] = POOL("10.1.2.3", "10.1.2.4", "10.1.200.1", "10.2.0.1",
					 "192.168.7.7", "8.8.8.8", "2001:db8::5", "::1");
static const char *const any_host[] =
	POOL("s", "S", "sx", "a.example.com", "b.Example.com", "example.com", "q");
static const char *const any_method[] = POOL("GET", "POST", "PUT", "PATCH", "DELETE", "T", "P");
static const char *const any_path[] =
	POOL("/a", "/a/", "/a/b", "/a/x", "/ax", "/abx", "/a//b", "/b", "/x/b", "/a/x/y/b",
	     "/a/x/y", "/x/y/b", "/", "/c", "/a/b/c/b/c", "/b/b", "/abx/b", "/a/b/");
static const char *const any_text[] = POOL("1", "12", "21", "121", "2", "11");
static const char *const any_issuer[] = POOL("i", "https://i", "k", "ix", "12", "1");
static const char *const any_subject[] = POOL("s", "t", "u", "xs", "");

struct universe {
	struct ifx_label headers[2], claims[8], attributes[1];
	char principal[100];
};

static void make_request(struct universe *u, struct ifx_request *r, const struct ifx_probe *p,
			 bool alias)
{
	static const char *const direct[] = POOL("80", "8080", "81", "9090", "7");
	static const char *const claim_names[] = { "a][b", "aud", "azp", "g", "iss", "sub" };
	ifx_str ns = one_of(any_namespace), sa = one_of(any_account);

	*r = (struct ifx_request){ 0 };
	r->port = p->service[1] ? 80 + (unsigned)pick(2)
				: (unsigned)strtoul(one_of(direct).ptr, NULL, 10);
	if (chance(85)) {
		snprintf(u->principal, sizeof(u->principal), "%s/ns/%s/sa/%s",
			 alias && chance(40) ? "old" : "cluster.local", ns.ptr, sa.ptr);
		r->principal = ifx_str_of(u->principal);
	}
	r->source_ip = one_of(any_ip);
	r->remote_ip = one_of(any_ip);
	r->destination_ip = one_of(any_ip);
	r->service_ip = one_of(any_ip);
	r->sni = chance(70) ? one_of(any_host) : IFX_NONE;
	if (chance(50)) {
		u->attributes[0] = (struct ifx_label){ IFX_LIT("experimental.envoy.filters.f[k]"),
						       one_of(any_text) };
		r->attributes = (struct ifx_labels){ u->attributes, 1 };
	}
	r->http = chance(75);
	if (!r->http)
		return;
	r->host = one_of(any_host);
	r->method = one_of(any_method);
	r->path = one_of(any_path);
	r->headers.list = u->headers;
	if (chance(60))
		u->headers[r->headers.n++] = (struct ifx_label){ IFX_LIT("x-a"), one_of(any_text) };
	if (chance(60))
		u->headers[r->headers.n++] = (struct ifx_label){ IFX_LIT("x-b"), one_of(any_text) };
	r->token = (ifx_token)pick(3);
	r->claims.list = u->claims;
	for (size_t i = 0; r->token && i < 6; i++) {
		if (i < 4 && chance(40))
			continue;
		u->claims[r->claims.n++] = (struct ifx_label){ ifx_str_of(claim_names[i]),
							       i < 4    ? one_of(any_text)
							       : i == 4 ? one_of(any_issuer)
									: one_of(any_subject) };
	}
}

/* Does the port take raw bytes, or HTTP, in both meshes? Others are not what a caller can send. */
static bool can_send(const struct ifx_probe *p, const struct ifx_request *r)
{
	const struct ifx_service *s = p->service[1] ? p->service[1] : &p->mesh[1]->services[0];

	for (size_t i = 0; i < s->n_ports; i++) {
		unsigned port = p->service[1] ? s->ports[i].port
					      : ifx_service_target(&s->ports[i], p->workload[1]);

		if (port == r->port && s->ports[i].protocol != IFX_PROTOCOL_AUTO)
			return r->http == (s->ports[i].protocol == IFX_PROTOCOL_HTTP);
	}
	return true;
}

static void say_strs(const char *what, const struct ifx_match *m, struct ifx_strs values)
{
	for (size_t i = 0; i < values.n; i++)
		print_message("      %s%s[%.*s] %.*s\n", what, ifx_attr_field(m->attr, false),
			      IFX_ARG(m->name), IFX_ARG(values.list[i]));
}

static void say_clauses(const char *what, const struct ifx_clause *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		print_message("    %s\n", what);
		for (size_t k = 0; k < list[i].n; k++) {
			say_strs("", &list[i].matches[k], list[i].matches[k].values);
			say_strs("not ", &list[i].matches[k], list[i].matches[k].not_values);
		}
	}
}

/* For whoever has to find out what went wrong. */
static void say_probe(const struct ifx_probe *p)
{
	for (size_t i = 0; i < 2; i++) {
		const struct ifx_mesh *m = p->mesh[i];
		const struct ifx_service *s = &m->services[0];

		print_message(
			"mode %d, waypoint %d, service %d, protocols %d %d, tokens %zu, mtls %d\n",
			m->workloads[0].mode, s->waypoint != NULL, p->service[i] != NULL,
			s->ports[0].protocol, s->ports[1].protocol, m->n_request_authn,
			m->n_peer_authn ? (int)m->peer_authn[0].mode : -1);
		for (size_t k = 0; k < m->n_authz; k++) {
			const struct ifx_authz *a = &m->authz[k];

			print_message("  %s %.*s targets %zu dry %d\n", ifx_action_name(a->action),
				      IFX_ARG(a->scope.namespace), a->scope.n_targets, a->dry_run);
			for (size_t j = 0; j < a->n_rules; j++) {
				print_message("   rule\n");
				say_clauses("from", a->rules[j].from, a->rules[j].n_from);
				say_clauses("to", a->rules[j].to, a->rules[j].n_to);
				say_clauses("when", a->rules[j].when, a->rules[j].n_when);
			}
		}
	}
}

static size_t setting(const char *name, size_t other)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : other;
}

static bool check_probe(const struct ifx_probe *p, struct seen *s, bool alias, uint64_t from)
{
	struct ifx_arena arena;
	bool sampled = false;

	ifx_arena_init(&arena, (size_t)1 << 30);
	s->n = 0;
	s->probe = p;
	assert_int_equal(ifx_requests_each(p, &arena, remember, s, &sampled), IFX_OK);
	for (size_t i = 0; !sampled && i < 200; i++) {
		struct universe u;
		struct ifx_request r;

		make_request(&u, &r, p, alias);
		if (!can_send(p, &r) || was_seen(s, signature(p, &r)))
			continue;
		say_probe(p);
		fail_msg("AMBIENT_SEED=%llu: %.*s %.*s %.*s port %u http %d token %d is missed",
			 (unsigned long long)from, IFX_ARG(r.principal), IFX_ARG(r.method),
			 IFX_ARG(r.path), r.port, r.http, r.token);
	}
	ifx_arena_release(&arena);
	return sampled;
}

static void the_search_misses_nothing(void **state)
{
	static const ifx_str old[] = { { "old", 3 } };
	size_t pairs = setting("AMBIENT_PAIRS", 400), sampled = 0;
	struct seen *s = test_calloc(1, sizeof(*s));

	(void)state;
	seed = setting("AMBIENT_SEED", 88172645463325252u);
	for (size_t i = 0; i < pairs; i++) {
		struct ifx_service_port *ports_of;
		struct ifx_mesh m[2];
		struct ifx_probe p = { .limit = 20000 };
		bool alias = chance(30);
		struct ifx_strs aliases = { old, alias };
		struct ifx_arena arena;
		uint64_t from = seed;

		ifx_arena_init(&arena, (size_t)1 << 30);
		ports_of = ifx_arena_alloc(&arena, 2 * sizeof(*ports_of));
		for (unsigned k = 0; k < 2; k++)
			ports_of[k] = (struct ifx_service_port){
				.port = 80 + k,
				.target = k ? 81 : 8080,
				.protocol = (ifx_protocol)pick(3),
			};
		for (size_t k = 0; k < 2; k++) {
			make_mesh(&arena, &m[k], &aliases, ports_of);
			p.mesh[k] = &m[k];
			p.workload[k] = &m[k].workloads[0];
			p.service[k] = &m[k].services[0];
		}
		sampled += check_probe(&p, s, alias, from);
		p.service[0] = p.service[1] = NULL;
		sampled += check_probe(&p, s, alias, from);
		ifx_arena_release(&arena);
	}
	print_message("%zu pairs of meshes, %zu requests found by the search, %zu cut short\n",
		      pairs, s->requests, sampled);
	assert_true(sampled * 10 < pairs);
	test_free(s);
}

/* The classifier says that ztunnel enforces it: then it means what it means to a sidecar. */
static void layer_4_means_the_same_to_both(void **state)
{
	static const struct ifx_strs none;
	static const struct ifx_service_port service_ports[] = { { .port = 80, .target = 8080 },
								 { .port = 81 } };
	size_t n = setting("AMBIENT_PAIRS", 400) * 5;

	(void)state;
	seed = setting("AMBIENT_SEED", 88172645463325252u);
	for (size_t i = 0; i < n; i++) {
		struct ifx_arena arena;
		struct ifx_mesh m;
		uint64_t from = seed;

		ifx_arena_init(&arena, (size_t)1 << 30);
		make_mesh(&arena, &m, &none, service_ports);
		m.n_request_authn = m.n_peer_authn = 0;
		for (size_t k = 0; k < m.n_authz; k++) {
			do
				make_policy(&arena, &m.authz[k], true);
			while (!ifx_authz_is_l4(&m.authz[k], NULL));
			m.authz[k].scope.namespace = IFX_LIT("n");
			assert_true(m.authz[k].dry_run ||
				    ifx_ztunnel_fate(&m.authz[k]) == IFX_ZTUNNEL_SAME);
		}
		for (size_t k = 0; k < 40; k++) {
			struct ifx_probe p = { .mesh = { &m, &m } };
			struct ifx_decision a, b;
			struct ifx_request r;
			struct universe u;

			make_request(&u, &r, &p, false);
			ifx_model_sidecar(&a, &m, &m.workloads[0], &r);
			ifx_model_ztunnel(&b, &m, &m.workloads[0], &r);
			if (a.allowed != b.allowed || a.basis != b.basis || a.policy != b.policy)
				fail_msg("AMBIENT_SEED=%llu: %.*s port %u",
					 (unsigned long long)from, IFX_ARG(r.principal), r.port);
		}
		ifx_arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layer_4_means_the_same_to_both),
		cmocka_unit_test(the_search_misses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
