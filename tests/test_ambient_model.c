#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ambient.h"

#include "ambient/model.h"

static const ifx_str alice = { "cluster.local/ns/x/sa/alice", 27 };
static const ifx_str bob = { "cluster.local/ns/x/sa/bob", 25 };

/* GET /a of the Service, or of the pod. */
static struct ifx_decision ask(struct fixture *fx, ifx_mode mode, ifx_str who, bool direct,
			       const char *path)
{
	struct ifx_call call = { .caller = mode, .workload = &fx->workloads[0] };
	struct ifx_decision d;

	call.service = direct ? NULL : &fx->services[0];
	call.request = (struct ifx_request){ .principal = who,
					     .http = true,
					     .method = IFX_LIT("GET"),
					     .path = ifx_str_of(path),
					     .host = IFX_LIT("s"),
					     .source_ip = IFX_LIT("10.1.2.3"),
					     .port = direct ? 8080 : 80 };
	ifx_model_call(&d, &fx->mesh, &call);
	return d;
}

struct row {
	const char *yaml;
	ifx_mode mode;
	const ifx_str *who;
	bool direct;
	const char *path;
	bool allowed;
	ifx_basis basis;
	ifx_point point;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		struct fixture *fx = test_calloc(1, sizeof(*fx));
		struct ifx_decision d;

		fx_load(fx, r->yaml);
		d = ask(fx, r->mode, r->who ? *r->who : IFX_NONE, r->direct, r->path);
		if (d.allowed != r->allowed || d.basis != r->basis || d.point != r->point)
			fail_msg("row %zu: allowed %d, basis %d, point %d", i, d.allowed, d.basis,
				 d.point);
		fx_free(fx);
		test_free(fx);
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(*(rows)))
#define A           IFX_MODE_AMBIENT
#define S           IFX_MODE_SIDECAR
#define G           IFX_MODE_GATEWAY
#define N           IFX_MODE_NONE

static void actions_come_in_order(void **state)
{
#define SIDE(policies) SIDECAR WORKLOAD SERVICE("") policies
	static const struct row rows[] = {
		{ SIDE(""), S, &alice, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_SIDECAR },
		{ SIDE(AUTHZ("p", "{}")), S, &alice, false, "/a", false, IFX_BY_NO_MATCH,
		  IFX_AT_SIDECAR },
		{ SIDE(AUTHZ("p", "{rules: [{}]}")), S, NULL, false, "/a", true, IFX_BY_ALLOW,
		  IFX_AT_SIDECAR },
		{ SIDE(AUTHZ("p", "{rules: [{" FROM("x/sa/alice") "}]}")), S, &alice, false, "/a",
		  true, IFX_BY_ALLOW, IFX_AT_SIDECAR },
		{ SIDE(AUTHZ("p", "{rules: [{" FROM("x/sa/alice") "}]}")), S, &bob, false, "/a",
		  false, IFX_BY_NO_MATCH, IFX_AT_SIDECAR },
		{ SIDE(AUTHZ("p", "{rules: [{}]}")
			       AUTHZ("q", "{action: DENY, rules: [{" FROM("x/sa/bob") "}]}")),
		  S, &bob, false, "/a", false, IFX_BY_DENY, IFX_AT_SIDECAR },
		/* Of the root namespace, and with a selector that does not select. */
		{ SIDE(ROOT_AUTHZ("p", "{action: DENY, rules: [{}]}")), S, &bob, false, "/a", false,
		  IFX_BY_DENY, IFX_AT_SIDECAR },
		{ SIDE(ROOT_AUTHZ("p", "{selector: {matchLabels: {app: b}}, action: DENY, rules: "
				       "[{}]}")),
		  S, &bob, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_SIDECAR },
		/* Dry runs do nothing, not even as the first ALLOW policy. */
		{ SIDE("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: "
		       "{name: p, namespace: n, annotations: {istio.io/dry-run: 'true'}}\nspec: "
		       "{}\n"),
		  S, &bob, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_SIDECAR },
		{ SIDE(AUTHZ("p", "{action: CUSTOM, provider: {name: x}, rules: [{}]}")
			       AUTHZ("q", "{action: CUSTOM, provider: {name: y}, rules: [{}]}")),
		  S, &bob, false, "/a", false, IFX_BY_PROVIDERS, IFX_AT_SIDECAR },
	};

	(void)state;
	CHECK(rows);
}

static void custom_and_audit_are_remembered(void **state)
{
	struct fixture fx;
	struct ifx_decision d;

	(void)state;
	fx_load(&fx,
		SIDECAR WORKLOAD SERVICE("")
			AUTHZ("p", "{action: CUSTOM, provider: {name: x}, rules: [{to: "
				   "[{operation: {paths: [/a]}}]}]}")
				AUTHZ("q", "{action: AUDIT, rules: [{" FROM("x/sa/bob") "}]}"));
	d = ask(&fx, S, bob, false, "/a");
	assert_true(d.allowed && d.audited && d.n_providers == 1);
	d = ask(&fx, S, alice, false, "/b");
	assert_true(d.allowed && !d.audited && d.n_providers == 0);
	fx_free(&fx);
}

/* F3 to F9: what moves to a waypoint, and what the pod sees then. */
static void waypoints_stand_where_the_facts_say(void **state)
{
#define AMB(policies) AMBIENT WORKLOAD SERVICE("") policies
#define WAY(policies)                                                                              \
	AMBIENT WORKLOAD SERVICE(BOUND)                                                            \
	WAYPOINT policies
#define PHASE(policies)                                                                            \
	SIDECAR WORKLOAD SERVICE(BOUND)                                                            \
	WAYPOINT policies
#define L4_ALLOW         AUTHZ("l4", "{rules: [{" FROM("x/sa/alice") "}]}")
#define FROM_WAYPOINT    AUTHZ("from-waypoint", "{rules: [{" FROM("n/sa/waypoint") "}]}")
#define AT_SERVICE(rest) AUTHZ("copy", "{" TO_SERVICE ", " rest "}")
	static const struct row rows[] = {
		/* F3: behind a waypoint ztunnel sees the waypoint. F4: nothing is allowed for it.
		 */
		{ WAY(L4_ALLOW), A, &alice, false, "/a", false, IFX_BY_NO_MATCH, IFX_AT_ZTUNNEL },
		{ WAY(L4_ALLOW FROM_WAYPOINT), A, &bob, false, "/a", true, IFX_BY_NO_ALLOW,
		  IFX_AT_WAYPOINT },
		{ WAY(L4_ALLOW), A, &alice, true, "/a", true, IFX_BY_ALLOW, IFX_AT_ZTUNNEL },
		/* F5: ALLOW rules with HTTP fields are gone, and nothing is left to let in. */
		{ AMB(AUTHZ("p", "{rules: [{to: [{operation: {paths: [/a]}}]}]}")), A, &alice,
		  false, "/a", false, IFX_BY_NO_MATCH, IFX_AT_ZTUNNEL },
		/* F6: DENY loses the HTTP part and never matches; with ports the whole port goes.
		 */
		{ AMB(AUTHZ("p", "{action: DENY, rules: [{to: [{operation: {paths: [/a]}}]}]}")), A,
		  &alice, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_ZTUNNEL },
		{ AMB(AUTHZ("p", "{action: DENY, rules: [{" FROM(
					 "x/sa/alice") ", to: [{operation: {paths: [/a]}}]}]}")),
		  A, &alice, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_ZTUNNEL },
		{ AMB(AUTHZ("p", "{action: DENY, rules: [{to: [{operation: {paths: [/a], ports: "
				 "['8080']}}]}]}")),
		  A, &alice, false, "/other", false, IFX_BY_DENY, IFX_AT_ZTUNNEL },
		{ AMB(AUTHZ("p", "{action: CUSTOM, provider: {name: x}, rules: [{}]}")), A, &alice,
		  false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_ZTUNNEL },
		/* `selector: {}` is everything to a sidecar and nothing to ztunnel. */
		{ SIDECAR WORKLOAD SERVICE("")
			  AUTHZ("p", "{selector: {}, action: DENY, rules: [{}]}"),
		  S, &alice, false, "/a", false, IFX_BY_DENY, IFX_AT_SIDECAR },
		{ AMB(AUTHZ("p", "{selector: {}, action: DENY, rules: [{}]}")), A, &alice, false,
		  "/a", true, IFX_BY_NO_ALLOW, IFX_AT_ZTUNNEL },
		/* F7: sidecars do not read targetRefs, waypoints nothing else. */
		{ SIDECAR WORKLOAD SERVICE("") WAYPOINT AT_SERVICE("action: DENY, rules: [{}]"), S,
		  &alice, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_SIDECAR },
		{ WAY(AT_SERVICE("action: DENY, rules: [{}]")), A, &alice, false, "/a", false,
		  IFX_BY_DENY, IFX_AT_WAYPOINT },
		{ WAY(ROOT_AUTHZ("p", "{action: DENY, rules: [{" FROM("x/sa/alice") "}]}")), A,
		  &alice, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_WAYPOINT },
		{ WAY(ROOT_AUTHZ("p", "{targetRefs: [{group: gateway.networking.k8s.io, kind: "
				      "GatewayClass, name: istio-waypoint}], action: DENY, rules: "
				      "[{}]}")),
		  A, &alice, false, "/a", false, IFX_BY_DENY, IFX_AT_WAYPOINT },
		{ WAY(AUTHZ("p",
			    "{targetRefs: [{group: gateway.networking.k8s.io, kind: "
			    "GatewayClass, name: istio-waypoint}], action: DENY, rules: [{}]}")),
		  A, &alice, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_WAYPOINT },
		{ WAY(AUTHZ("p", "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, "
				 "name: waypoint}], action: DENY, rules: [{}]}")),
		  A, &alice, false, "/a", false, IFX_BY_DENY, IFX_AT_WAYPOINT },
		/* F8: sidecars go straight to the pod, gateways unless the Service says so. */
		{ WAY(AT_SERVICE("action: DENY, rules: [{}]")), S, &alice, false, "/a", true,
		  IFX_BY_NO_ALLOW, IFX_AT_ZTUNNEL },
		{ WAY(AT_SERVICE("action: DENY, rules: [{}]")), G, &alice, false, "/a", true,
		  IFX_BY_NO_ALLOW, IFX_AT_ZTUNNEL },
		{ AMBIENT WORKLOAD SERVICE(BOUND ", istio.io/ingress-use-waypoint: 'true'")
			  WAYPOINT AT_SERVICE("action: DENY, rules: [{}]"),
		  G, &alice, false, "/a", false, IFX_BY_DENY, IFX_AT_WAYPOINT },
		{ WAY(AT_SERVICE("action: DENY, rules: [{}]")), N, NULL, false, "/a", true,
		  IFX_BY_NO_ALLOW, IFX_AT_ZTUNNEL },
		/* F9: the waypoint compares the Service's port, the pod its own. */
		{ WAY(AT_SERVICE("action: DENY, rules: [{to: [{operation: {ports: ['80']}}]}]")), A,
		  &alice, false, "/a", false, IFX_BY_DENY, IFX_AT_WAYPOINT },
		{ WAY(AT_SERVICE("action: DENY, rules: [{to: [{operation: {ports: ['8080']}}]}]")),
		  A, &alice, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_WAYPOINT },
		{ AMB(AUTHZ("p",
			    "{action: DENY, rules: [{to: [{operation: {ports: ['8080']}}]}]}")),
		  A, &alice, false, "/a", false, IFX_BY_DENY, IFX_AT_ZTUNNEL },
		/* Between bind and enroll: through the waypoint to a sidecar. */
		{ PHASE(L4_ALLOW), A, &alice, false, "/a", false, IFX_BY_NO_MATCH, IFX_AT_SIDECAR },
		{ PHASE(L4_ALLOW FROM_WAYPOINT), A, &alice, false, "/a", true, IFX_BY_NO_ALLOW,
		  IFX_AT_WAYPOINT },
		{ PHASE(L4_ALLOW FROM_WAYPOINT), S, &bob, false, "/a", false, IFX_BY_NO_MATCH,
		  IFX_AT_SIDECAR },
		/* A waypoint that is not there is passed by. */
		{ AMBIENT WORKLOAD SERVICE(BOUND) L4_ALLOW, A, &alice, false, "/a", true,
		  IFX_BY_ALLOW, IFX_AT_ZTUNNEL },
		/* 4.4: the guard. */
		{ WAY(AUTHZ("g", "{action: DENY, rules: [{from: [{source: {notPrincipals: "
				 "[cluster.local/ns/n/sa/waypoint]}}]}]}")),
		  A, &alice, false, "/a", true, IFX_BY_NO_ALLOW, IFX_AT_WAYPOINT },
		{ WAY(AUTHZ("g", "{action: DENY, rules: [{from: [{source: {notPrincipals: "
				 "[cluster.local/ns/n/sa/waypoint]}}]}]}")),
		  A, &alice, true, "/a", false, IFX_BY_DENY, IFX_AT_ZTUNNEL },
		/* Negative lists do not know the waypoint. */
		{ WAY(AUTHZ("p", "{action: DENY, rules: [{from: [{source: {notNamespaces: "
				 "[x]}}]}]}")),
		  A, &alice, false, "/a", false, IFX_BY_DENY, IFX_AT_ZTUNNEL },
	};

	(void)state;
	CHECK(rows);
}

/* F11 and 1.2: PeerAuthentication at both. */
static void mutual_tls_is_read_as_the_code_does(void **state)
{
#define SELECTED "selector: {matchLabels: {app: a}}"
	static const struct {
		const char *yaml;
		unsigned port;
		ifx_mtls sidecar;
		bool ztunnel_strict;
	} table[] = {
		{ "", 8080, IFX_MTLS_PERMISSIVE, false },
		{ PEER("n", "{mtls: {mode: STRICT}}"), 8080, IFX_MTLS_STRICT, true },
		{ PEER("istio-system", "{mtls: {mode: STRICT}}"), 8080, IFX_MTLS_STRICT, true },
		{ PEER("istio-system", "{mtls: {mode: STRICT}}")
			  PEER("n", "{mtls: {mode: PERMISSIVE}}"),
		  8080, IFX_MTLS_PERMISSIVE, false },
		{ PEER("n", "{mtls: {mode: DISABLE}}"), 8080, IFX_MTLS_DISABLE, false },
		{ PEER("n", "{" SELECTED ", mtls: {mode: STRICT}}"), 8080, IFX_MTLS_STRICT, true },
		/* Port-level DISABLE under a STRICT parent is no exception for ztunnel. */
		{ PEER("istio-system", "{mtls: {mode: STRICT}}")
			  PEER("n", "{" SELECTED ", portLevelMtls: {8080: {mode: DISABLE}}}"),
		  8080, IFX_MTLS_DISABLE, true },
		{ PEER("istio-system", "{mtls: {mode: STRICT}}")
			  PEER("n", "{" SELECTED ", portLevelMtls: {8080: {mode: PERMISSIVE}}}"),
		  8080, IFX_MTLS_PERMISSIVE, false },
		{ PEER("istio-system", "{mtls: {mode: STRICT}}")
			  PEER("n", "{" SELECTED ", portLevelMtls: {8080: {mode: PERMISSIVE}}}"),
		  9090, IFX_MTLS_STRICT, true },
		/* With a mode of its own, DISABLE is one. */
		{ PEER("n", "{" SELECTED ", mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: "
			    "DISABLE}}}"),
		  8080, IFX_MTLS_DISABLE, false },
		{ PEER("n", "{" SELECTED ", mtls: {mode: PERMISSIVE}, portLevelMtls: {8080: {mode: "
			    "STRICT}}}"),
		  8080, IFX_MTLS_STRICT, true },
		{ PEER("n", "{" SELECTED ", mtls: {mode: PERMISSIVE}, portLevelMtls: {8080: {mode: "
			    "STRICT}}}"),
		  9090, IFX_MTLS_PERMISSIVE, false },
		/* Under a STRICT mesh istiod leaves such a STRICT port out. */
		{ PEER("istio-system", "{mtls: {mode: STRICT}}") PEER(
			  "n", "{" SELECTED ", mtls: {mode: PERMISSIVE}, portLevelMtls: {8080: "
			       "{mode: STRICT}}}"),
		  8080, IFX_MTLS_STRICT, false },
		/* A selector in the root namespace selects nobody. */
		{ PEER("istio-system", "{" SELECTED ", mtls: {mode: STRICT}}"), 8080,
		  IFX_MTLS_PERMISSIVE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct fixture *fx = test_calloc(1, sizeof(*fx));
		char yaml[2000];

		snprintf(yaml, sizeof(yaml), "%s%s", AMBIENT WORKLOAD, table[i].yaml);
		fx_load(fx, yaml);
		if (ifx_model_sidecar_mtls(&fx->mesh, &fx->workloads[0], table[i].port) !=
			    table[i].sidecar ||
		    ifx_model_ztunnel_strict(&fx->mesh, &fx->workloads[0], table[i].port) !=
			    table[i].ztunnel_strict)
			fail_msg("row %zu", i);
		fx_free(fx);
		test_free(fx);
	}
}

static void plaintext_and_disable_decide_who_gets_in(void **state)
{
#define STRICT  PEER("n", "{mtls: {mode: STRICT}}")
#define DISABLE PEER("n", "{mtls: {mode: DISABLE}}")
	static const struct row rows[] = {
		{ SIDECAR WORKLOAD SERVICE("") STRICT, N, NULL, false, "/a", false,
		  IFX_BY_PLAINTEXT, IFX_AT_SIDECAR },
		{ AMBIENT WORKLOAD SERVICE("") STRICT, N, NULL, false, "/a", false,
		  IFX_BY_PLAINTEXT, IFX_AT_ZTUNNEL },
		{ AMBIENT WORKLOAD SERVICE(""), N, NULL, false, "/a", true, IFX_BY_NO_ALLOW,
		  IFX_AT_ZTUNNEL },
		{ AMBIENT WORKLOAD SERVICE("") STRICT, A, &alice, false, "/a", true,
		  IFX_BY_NO_ALLOW, IFX_AT_ZTUNNEL },
		/* A sidecar that takes plaintext only knows nobody, and ambient cannot reach it. */
		{ SIDECAR WORKLOAD SERVICE("")
			  DISABLE AUTHZ("p", "{rules: [{" FROM("x/sa/alice") "}]}"),
		  S, &alice, false, "/a", false, IFX_BY_NO_MATCH, IFX_AT_SIDECAR },
		{ SIDECAR WORKLOAD SERVICE("") DISABLE, A, &alice, false, "/a", false, IFX_BY_MTLS,
		  IFX_AT_SIDECAR },
		{ AMBIENT WORKLOAD SERVICE("")
			  DISABLE AUTHZ("p", "{rules: [{" FROM("x/sa/alice") "}]}"),
		  A, &alice, false, "/a", true, IFX_BY_ALLOW, IFX_AT_ZTUNNEL },
		{ NS("") WORKLOAD SERVICE("") AUTHZ("p", "{}"), A, &alice, false, "/a", true,
		  IFX_BY_NOTHING, IFX_AT_NOWHERE },
	};

	(void)state;
	CHECK(rows);
}

/* F12: sidecars know aliases and cluster.local, ztunnel takes principals as they are. */
static void trust_domains_are_aliased_by_sidecars_only(void **state)
{
	static const ifx_str aliases[] = { { "old.example", 11 } };
	static const struct {
		const char *principal, *who;
		bool sidecar, ztunnel;
	} table[] = {
		{ "cluster.local/ns/x/sa/a", "new.example/ns/x/sa/a", true, false },
		{ "new.example/ns/x/sa/a", "new.example/ns/x/sa/a", true, true },
		{ "old.example/ns/x/sa/a", "new.example/ns/x/sa/a", true, false },
		{ "new.example/ns/x/sa/a", "old.example/ns/x/sa/a", true, false },
		{ "other.example/ns/x/sa/a", "new.example/ns/x/sa/a", false, false },
		{ "*/ns/x/sa/a", "new.example/ns/x/sa/a", true, true },
		{ "*.example/ns/x/sa/a", "new.example/ns/x/sa/a", true, true },
		{ "cluster.local/ns/x/*", "new.example/ns/x/sa/a", false, false },
		{ "cluster.local/ns/x/sa/*", "new.example/ns/x/sa/a", true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct fixture *fx = test_calloc(1, sizeof(*fx));
		struct ifx_request r = { .principal = ifx_str_of(table[i].who) };
		char yaml[1000];

		snprintf(yaml, sizeof(yaml),
			 AUTHZ("p", "{rules: [{from: [{source: {principals: ['%s']}}]}]}"),
			 table[i].principal);
		fx_load(fx, yaml);
		fx->mesh.trust_domain = IFX_LIT("new.example");
		fx->mesh.trust_domain_aliases = (struct ifx_strs){ aliases, 1 };
		if (ifx_rule_matches(&fx->mesh, fx->authz, fx->authz[0].rules, &r,
				     IFX_ENGINE_HTTP) != table[i].sidecar ||
		    ifx_rule_matches(&fx->mesh, fx->authz, fx->authz[0].rules, &r,
				     IFX_ENGINE_ZTUNNEL) != table[i].ztunnel)
			fail_msg("%s %s", table[i].principal, table[i].who);
		fx_free(fx);
		test_free(fx);
	}
}

/* One rule against one request at Envoy's HTTP filter, its network filter, and ztunnel. */
static void rules_are_compiled_three_ways(void **state)
{
	static const struct {
		const char *action, *rule;
		bool http, tcp, ztunnel;
	} table[] = {
		{ "ALLOW", "{to: [{operation: {methods: [GET]}}]}", true, false, false },
		{ "DENY", "{to: [{operation: {methods: [GET]}}]}", true, true, false },
		{ "DENY", "{to: [{operation: {methods: [PUT]}}]}", false, true, false },
		{ "DENY", "{from: [{source: {namespaces: [x]}}], to: [{operation: {hosts: [q]}}]}",
		  false, true, false },
		{ "ALLOW", "{from: [{source: {namespaces: [x]}}]}", true, true, true },
		{ "ALLOW", "{from: [{source: {namespaces: ['*']}}]}", true, true, true },
		{ "ALLOW", "{from: [{source: {serviceAccounts: [x/alice]}}]}", true, true, true },
		{ "ALLOW", "{from: [{source: {serviceAccounts: [alice]}}]}", false, false, false },
		{ "ALLOW", "{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}", true, true, true },
		{ "ALLOW", "{from: [{source: {remoteIpBlocks: [10.0.0.0/8]}}]}", true, true,
		  false },
		{ "ALLOW", "{from: [{source: {trustDomains: [cluster.local]}}]}", true, true,
		  false },
		{ "ALLOW", "{when: [{key: connection.sni, values: [s]}]}", true, true, false },
		{ "ALLOW", "{when: [{key: 'request.headers[x-a]', values: ['*']}]}", true, false,
		  false },
		{ "ALLOW", "{when: [{key: 'request.headers[x-b]', notValues: ['*']}]}", true, false,
		  false },
		{ "ALLOW", "{when: [{key: 'request.headers[x-a]', notValues: ['1']}]}", false,
		  false, false },
		{ "ALLOW", "{when: [{key: 'request.auth.claims[g]', values: [admin]}]}", true,
		  false, false },
		{ "ALLOW", "{when: [{key: request.auth.principal, values: ['i/*']}]}", true, false,
		  false },
		{ "ALLOW", "{from: [{source: {requestPrincipals: ['*']}}]}", true, false, false },
		{ "ALLOW", "{from: [{source: {requestPrincipals: ['i/s']}}]}", true, false, false },
		{ "ALLOW", "{from: [{source: {requestPrincipals: ['*/s']}}]}", true, false, false },
		{ "ALLOW", "{from: [{source: {requestPrincipals: ['*/t']}}]}", false, false,
		  false },
		{ "ALLOW", "{from: [{source: {notRequestPrincipals: ['*']}}]}", false, false,
		  false },
		{ "DENY", "{when: [{key: no.such.key, values: [a]}]}", false, false, false },
		{ "ALLOW", "{}", true, true, true },
	};
	static const struct ifx_label headers[] = { { { "x-a", 3 }, { "1", 1 } } };
	static const struct ifx_label claims[] = { { { "g", 1 }, { "admin", 5 } },
						   { { "iss", 3 }, { "i", 1 } },
						   { { "sub", 3 }, { "s", 1 } } };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct fixture *fx = test_calloc(1, sizeof(*fx));
		struct ifx_request r = { .principal = alice,
					 .source_ip = IFX_LIT("10.1.2.3"),
					 .http = true,
					 .method = IFX_LIT("GET"),
					 .path = IFX_LIT("/a"),
					 .host = IFX_LIT("s"),
					 .sni = IFX_LIT("s"),
					 .headers = { headers, 1 },
					 .token = IFX_TOKEN_GOOD,
					 .claims = { claims, 3 } };
		char yaml[1000];
		bool got[3];

		snprintf(yaml, sizeof(yaml), AUTHZ("p", "{action: %s, rules: [%s]}"),
			 table[i].action, table[i].rule);
		fx_load(fx, yaml);
		for (int e = IFX_ENGINE_HTTP; e <= IFX_ENGINE_ZTUNNEL; e++)
			got[e] = ifx_rule_matches(&fx->mesh, fx->authz, fx->authz[0].rules, &r,
						  (ifx_engine_kind)e);
		if (got[0] != table[i].http || got[1] != table[i].tcp || got[2] != table[i].ztunnel)
			fail_msg("%s %s: %d %d %d", table[i].action, table[i].rule, got[0], got[1],
				 got[2]);
		fx_free(fx);
		test_free(fx);
	}
}

#define JWT(rest)                                                                                  \
	"apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n"                          \
	"metadata: {name: j, namespace: n}\nspec: {" rest "}\n---\n"

static void tokens_are_read_where_somebody_asks(void **state)
{
#define NEED_TOKEN "rules: [{from: [{source: {requestPrincipals: ['*']}}]}]"
#define RULES      "jwtRules: [{issuer: i}]"
#define KEPT       "jwtRules: [{issuer: i, forwardOriginalToken: true}]"
	static const struct {
		const char *yaml, *issuer;
		ifx_token token;
		bool allowed;
		ifx_basis basis;
	} table[] = {
		{ SIDECAR WORKLOAD SERVICE("") JWT(RULES) AUTHZ("p", "{" NEED_TOKEN "}"), "i",
		  IFX_TOKEN_GOOD, true, IFX_BY_ALLOW },
		{ SIDECAR WORKLOAD SERVICE("") JWT(RULES) AUTHZ("p", "{" NEED_TOKEN "}"), "i",
		  IFX_TOKEN_NONE, false, IFX_BY_NO_MATCH },
		{ SIDECAR WORKLOAD SERVICE("") JWT(RULES), "i", IFX_TOKEN_NONE, true,
		  IFX_BY_NO_ALLOW },
		{ SIDECAR WORKLOAD SERVICE("") JWT(RULES), "i", IFX_TOKEN_BAD, false,
		  IFX_BY_TOKEN },
		{ SIDECAR WORKLOAD SERVICE("") JWT(RULES), "k", IFX_TOKEN_GOOD, false,
		  IFX_BY_TOKEN },
		/* Nobody reads it: it is no token. */
		{ SIDECAR WORKLOAD SERVICE("") AUTHZ("p", "{" NEED_TOKEN "}"), "i", IFX_TOKEN_GOOD,
		  false, IFX_BY_NO_MATCH },
		{ AMBIENT WORKLOAD SERVICE("") JWT(RULES), "i", IFX_TOKEN_BAD, true,
		  IFX_BY_NO_ALLOW },
		{ WAY(JWT(TO_SERVICE ", " RULES)), "i", IFX_TOKEN_BAD, false, IFX_BY_TOKEN },
		/* The waypoint keeps the token; a sidecar behind it sees none unless forwarded. */
		{ PHASE(JWT(TO_SERVICE ", " RULES) "---\n" JWT(RULES)
				AUTHZ("d", "{action: DENY, rules: [{from: [{source: "
					   "{notRequestPrincipals: ['*']}}]}]}")),
		  "i", IFX_TOKEN_GOOD, false, IFX_BY_DENY },
		{ PHASE(JWT(TO_SERVICE ", " KEPT) "---\n" JWT(RULES)
				AUTHZ("d", "{action: DENY, rules: [{from: [{source: "
					   "{notRequestPrincipals: ['*']}}]}]}")),
		  "i", IFX_TOKEN_GOOD, true, IFX_BY_NO_ALLOW },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct fixture *fx = test_calloc(1, sizeof(*fx));
		struct ifx_label claims[] = { { IFX_LIT("iss"), ifx_str_of(table[i].issuer) },
					      { IFX_LIT("sub"), IFX_LIT("s") } };
		struct ifx_call call = { .caller = A };
		struct ifx_decision d;

		fx_load(fx, table[i].yaml);
		call.service = &fx->services[0];
		call.workload = &fx->workloads[0];
		call.request = (struct ifx_request){ .principal = alice,
						     .http = true,
						     .port = 80,
						     .token = table[i].token,
						     .claims = { claims, 2 } };
		ifx_model_call(&d, &fx->mesh, &call);
		if (d.allowed != table[i].allowed || d.basis != table[i].basis)
			fail_msg("row %zu: allowed %d, basis %d", i, d.allowed, d.basis);
		fx_free(fx);
		test_free(fx);
	}
}

static void ports_past_the_sidecar_are_open(void **state)
{
	static const unsigned uncaptured[] = { 8080 };
	struct fixture fx;
	struct ifx_decision d;

	(void)state;
	fx_load(&fx, SIDECAR WORKLOAD SERVICE("") STRICT AUTHZ("p", "{}"));
	fx.workloads[0].uncaptured = uncaptured;
	fx.workloads[0].n_uncaptured = 1;
	d = ask(&fx, N, IFX_NONE, false, "/a");
	assert_true(d.allowed && d.basis == IFX_BY_NOTHING);
	fx.workloads[0].mode = IFX_MODE_AMBIENT;
	d = ask(&fx, N, IFX_NONE, false, "/a");
	assert_true(!d.allowed && d.basis == IFX_BY_PLAINTEXT);
	fx_free(&fx);
}

static void bindings_follow_the_labels(void **state)
{
	static const struct {
		const char *service, *namespace;
		bool bound;
	} table[] = {
		{ BOUND, "", true },
		{ "", BOUND, true },
		{ "istio.io/use-waypoint: none", BOUND, false },
		/* A name that is missing does not fall back to the Namespace's. */
		{ "istio.io/use-waypoint: missing", BOUND, false },
		{ BOUND ", istio.io/use-waypoint-namespace: n", "", true },
		/* There is one, but it admits its own namespace only. */
		{ "istio.io/use-waypoint: far, istio.io/use-waypoint-namespace: m", "", false },
		{ "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct fixture *fx = test_calloc(1, sizeof(*fx));
		char yaml[2000];

		snprintf(yaml, sizeof(yaml),
			 NS("%s") SERVICE("%s") WAYPOINT
			 "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
			 "metadata: {name: far, namespace: m}\nspec: {gatewayClassName: x}\n",
			 table[i].namespace, table[i].service);
		fx_load(fx, yaml);
		if (!fx->services[0].waypoint != !table[i].bound)
			fail_msg("row %zu", i);
		fx_free(fx);
		test_free(fx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_come_in_order),
		cmocka_unit_test(custom_and_audit_are_remembered),
		cmocka_unit_test(waypoints_stand_where_the_facts_say),
		cmocka_unit_test(mutual_tls_is_read_as_the_code_does),
		cmocka_unit_test(plaintext_and_disable_decide_who_gets_in),
		cmocka_unit_test(trust_domains_are_aliased_by_sidecars_only),
		cmocka_unit_test(rules_are_compiled_three_ways),
		cmocka_unit_test(tokens_are_read_where_somebody_asks),
		cmocka_unit_test(ports_past_the_sidecar_are_open),
		cmocka_unit_test(bindings_follow_the_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
