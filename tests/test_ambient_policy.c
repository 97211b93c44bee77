#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ambient.h"

#include "ambient/layer.h"
#include "ambient/match.h"

/* A policy around `spec`, which is indented by two. */
static void load_spec(struct fixture *fx, char *text, size_t size, const char *spec)
{
	snprintf(text, size,
		 "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
		 "metadata: {name: p, namespace: n}\nspec:\n%s\n",
		 spec);
	fx_load(fx, text);
}

/* AMBIENT 4.1, row by row: a rule with one field, and whether ztunnel enforces it. */
static void layers_follow_the_table(void **state)
{
	static const struct {
		const char *rule;
		bool l4;
	} table[] = {
		{ "{}", true },
		{ "{from: [{source: {principals: [a]}}]}", true },
		{ "{from: [{source: {notPrincipals: [a]}}]}", true },
		{ "{from: [{source: {namespaces: [a]}}]}", true },
		{ "{from: [{source: {notNamespaces: [a]}}]}", true },
		{ "{from: [{source: {namespaces: ['a*', '*b', '*']}}]}", true },
		/* Not in the table: the two proxies read these stars differently. */
		{ "{from: [{source: {namespaces: ['a*b']}}]}", false },
		{ "{when: [{key: source.namespace, notValues: ['*a*']}]}", false },
		{ "{from: [{source: {serviceAccounts: [a]}}]}", true },
		{ "{from: [{source: {notServiceAccounts: [a]}}]}", true },
		{ "{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}", true },
		{ "{from: [{source: {notIpBlocks: ['::1']}}]}", true },
		{ "{from: [{source: {requestPrincipals: [a]}}]}", false },
		{ "{from: [{source: {notRequestPrincipals: [a]}}]}", false },
		{ "{from: [{source: {remoteIpBlocks: [10.0.0.1]}}]}", false },
		{ "{from: [{source: {notRemoteIpBlocks: [10.0.0.1]}}]}", false },
		{ "{from: [{source: {trustDomains: [a]}}]}", false },
		{ "{from: [{source: {notTrustDomains: [a]}}]}", false },
		{ "{to: [{operation: {ports: ['80']}}]}", true },
		{ "{to: [{operation: {notPorts: ['80']}}]}", true },
		{ "{to: [{operation: {hosts: [a]}}]}", false },
		{ "{to: [{operation: {notHosts: [a]}}]}", false },
		{ "{to: [{operation: {methods: [GET]}}]}", false },
		{ "{to: [{operation: {notMethods: [GET]}}]}", false },
		{ "{to: [{operation: {paths: [/a]}}]}", false },
		{ "{to: [{operation: {notPaths: [/a]}}]}", false },
		{ "{when: [{key: source.ip, values: [10.0.0.1]}]}", true },
		{ "{when: [{key: source.namespace, values: [a]}]}", true },
		{ "{when: [{key: source.principal, notValues: [a]}]}", true },
		{ "{when: [{key: destination.ip, values: [10.0.0.1]}]}", true },
		{ "{when: [{key: destination.port, values: ['80']}]}", true },
		{ "{when: [{key: 'request.headers[x]', values: [a]}]}", false },
		{ "{when: [{key: request.auth.principal, values: [a]}]}", false },
		{ "{when: [{key: request.auth.audiences, values: [a]}]}", false },
		{ "{when: [{key: request.auth.presenter, values: [a]}]}", false },
		{ "{when: [{key: 'request.auth.claims[a]', values: [a]}]}", false },
		{ "{when: [{key: 'request.auth.claims[a][b]', values: [a]}]}", false },
		{ "{when: [{key: remote.ip, values: [10.0.0.1]}]}", false },
		{ "{when: [{key: connection.sni, values: [a]}]}", false },
		{ "{when: [{key: source.serviceAccount, values: [a]}]}", false },
		{ "{when: [{key: source.trustDomain, values: [a]}]}", false },
		{ "{when: [{key: 'experimental.envoy.filters.a.b[c]', values: [a]}]}", false },
		/* One of many is enough. */
		{ "{from: [{source: {principals: [a]}}], to: [{operation: {ports: ['1'], hosts: [b]}}]}",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char spec[300], text[500];
		struct ifx_l7_reason why;
		struct fixture fx;

		snprintf(spec, sizeof(spec), "  rules:\n  - %s", table[i].rule);
		load_spec(&fx, text, sizeof(text), spec);
		assert_null(fx.authz[0].scope.flaw.ptr);
		if (ifx_authz_is_l4(&fx.authz[0], &why) != table[i].l4)
			fail_msg("%s", table[i].rule);
		assert_int_equal(!why.why, table[i].l4);
		assert_int_equal(!why.at, table[i].l4);
		fx_free(&fx);
	}
}

static void actions_and_empty_policies_have_a_layer(void **state)
{
	static const struct {
		const char *spec;
		bool l4;
	} table[] = {
		{ "  {}", true },
		{ "  action: ALLOW", true },
		{ "  action: DENY\n  rules: []", true },
		{ "  action: AUDIT\n  rules: [{}]", false },
		{ "  action: CUSTOM\n  provider: {name: x}\n  rules: [{}]", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct ifx_l7_reason why;
		struct fixture fx;
		char text[500];

		load_spec(&fx, text, sizeof(text), table[i].spec);
		assert_int_equal(ifx_authz_is_l4(&fx.authz[0], &why), table[i].l4);
		assert_null(why.match);
		fx_free(&fx);
	}
}

/* AMBIENT 4.2, row by row. */
static void ztunnel_makes_of_policies_what_the_table_says(void **state)
{
	enum {
		SAME = IFX_ZTUNNEL_SAME,
		STRICTER = IFX_ZTUNNEL_STRICTER,
		OPEN = IFX_ZTUNNEL_OPEN,
		IDLE = IFX_ZTUNNEL_IDLE,
		ABSENT = IFX_ZTUNNEL_ABSENT
	};
	static const struct {
		const char *spec;
		unsigned fate;
	} table[] = {
		{ "  rules: [{to: [{operation: {paths: [/a]}}]}]", STRICTER | IDLE },
		{ "  rules: [{to: [{operation: {paths: [/a]}}]}, {from: [{source: {namespaces: [b]}}]}]",
		  STRICTER },
		{ "  action: DENY\n  rules: [{to: [{operation: {paths: [/a]}}]}]", OPEN | IDLE },
		{ "  action: DENY\n  rules: [{to: [{operation: {methods: [GET]}}]}]", OPEN | IDLE },
		{ "  action: DENY\n  rules: [{from: [{source: {requestPrincipals: ['*']}}]}]",
		  OPEN | IDLE },
		{ "  action: DENY\n  rules: [{from: [{source: {namespaces: [a]}}], to: [{operation: "
		  "{paths: [/a]}}]}]",
		  OPEN | IDLE },
		{ "  action: DENY\n  rules: [{from: [{source: {namespaces: [a]}}], when: [{key: "
		  "'request.headers[x]', values: [a]}]}]",
		  OPEN | IDLE },
		{ "  action: DENY\n  rules: [{to: [{operation: {ports: ['80'], paths: [/a]}}]}]",
		  STRICTER },
		{ "  action: DENY\n  rules: [{from: [{source: {principals: [a], notRequestPrincipals: "
		  "['*']}}]}]",
		  STRICTER },
		{ "  action: CUSTOM\n  provider: {name: x}\n  rules: [{}]", ABSENT | OPEN },
		{ "  action: AUDIT\n  rules: [{}]", ABSENT | OPEN },
		/* What else follows. */
		{ "  action: DENY\n  rules: [{to: [{operation: {paths: [/a]}}, {operation: {ports: "
		  "['80']}}]}]",
		  OPEN },
		{ "  action: DENY\n  rules: [{to: [{operation: {paths: [/a]}}]}, {from: [{source: "
		  "{namespaces: [a]}}]}]",
		  OPEN },
		{ "  action: DENY\n  rules: [{}]", SAME },
		{ "  action: DENY\n  rules: [{from: [{source: {namespaces: [a]}}]}]", SAME },
		{ "  {}", SAME },
		{ "  rules: [{from: [{source: {namespaces: ['a*b']}}]}]", STRICTER },
		{ "  rules: [{from: [{source: {notNamespaces: ['a*b']}}]}]", OPEN },
		{ "  action: DENY\n  rules: [{from: [{source: {namespaces: ['a*b']}}]}]", OPEN },
		/* No labels to attach it by. */
		{ "  selector: {}\n  action: DENY\n  rules: [{}]", ABSENT | OPEN },
		{ "  selector: {matchLabels: {}}\n  action: DENY\n  rules: [{}]", SAME },
		{ "  targetRefs: [{kind: Service, group: '', name: a}]\n  rules: [{}]", ABSENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct fixture fx;
		char text[700];

		load_spec(&fx, text, sizeof(text), table[i].spec);
		assert_null(fx.authz[0].scope.flaw.ptr);
		if (ifx_ztunnel_fate(&fx.authz[0]) != table[i].fate)
			fail_msg("%s", table[i].spec);
		fx_free(&fx);
	}
}

static void whatever_istio_refuses_is_a_flaw(void **state)
{
	static const char *const table[] = {
		"  action: PERMIT",
		"  rules: {}",
		"  rules: [[]]",
		"  rules: [null]",
		"  rule: []",
		"  rules: [{form: []}]",
		"  rules: [{from: [{source: {}}]}]",
		"  rules: [{from: [{principals: [a]}]}]",
		"  rules: [{from: [{source: {principal: [a]}}]}]",
		"  rules: [{to: [{operation: {ports: [http]}}]}]",
		"  rules: [{to: [{operation: {ports: ['65536']}}]}]",
		"  rules: [{from: [{source: {ipBlocks: [10.0.0.0/33]}}]}]",
		"  rules: [{to: [{operation: {methods: ['']}}]}]",
		"  rules: [{when: [{key: source.ip}]}]",
		"  rules: [{when: [{key: source.ip, values: [x]}]}]",
		"  rules: [{when: [{key: 'request.header[x]', values: [x]}]}]",
		"  rules: [{when: [{key: 'request.headers[]', values: [x]}]}]",
		"  selector: {matchExpressions: []}",
		"  selector: {matchLabels: {a: b}}\n  targetRefs: [{kind: Service, name: a}]",
		"  targetRefs: [{kind: Service, name: a, namespace: b}]",
		"  targetRefs: [{name: a}]",
		"  action: CUSTOM\n  rules: [{}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct fixture fx;
		char text[500];

		load_spec(&fx, text, sizeof(text), table[i]);
		if (!fx.authz[0].scope.flaw.ptr)
			fail_msg("%s", table[i]);
		assert_non_null(fx.authz[0].scope.flaw_at);
		fx_free(&fx);
	}
}

static void policies_are_read_whole(void **state)
{
	struct fixture fx;
	const struct ifx_authz *p;
	const struct ifx_match *m;

	(void)state;
	fx_load(&fx,
		"apiVersion: security.istio.io/v1\n"
		"kind: AuthorizationPolicy\n"
		"metadata:\n"
		"  name: p\n"
		"  namespace: n\n"
		"  annotations: {istio.io/dry-run: 'true'}\n"
		"spec:\n"
		"  selector: {matchLabels: {app: a, tier: b}}\n"
		"  action: CUSTOM\n"
		"  provider: {name: ext}\n"
		"  rules:\n"
		"  - from:\n"
		"    - source: {principals: [a, b], notIpBlocks: [10.0.0.1]}\n"
		"    - source: {namespaces: [c]}\n"
		"    to:\n"
		"    - operation: {ports: ['80'], notPaths: [/x]}\n"
		"    when:\n"
		"    - {key: 'request.auth.claims[realm][roles]', values: [x], notValues: [y]}\n");
	p = &fx.authz[0];
	assert_null(p->scope.flaw.ptr);
	assert_true(p->dry_run);
	assert_int_equal(p->action, IFX_CUSTOM);
	assert_true(ifx_str_eq(p->provider, IFX_LIT("ext")));
	assert_int_equal(p->scope.selector.n, 2);
	assert_int_equal(p->n_rules, 1);
	assert_int_equal(p->rules[0].n_from, 2);
	assert_int_equal(p->rules[0].from[0].n, 2);
	assert_int_equal(p->rules[0].from[0].matches[0].values.n, 2);
	assert_int_equal(p->rules[0].from[0].matches[1].attr, IFX_ATTR_SOURCE_IP);
	assert_int_equal(p->rules[0].from[0].matches[1].not_values.n, 1);
	assert_int_equal(p->rules[0].to[0].matches[1].attr, IFX_ATTR_PATH);
	m = &p->rules[0].when[0].matches[0];
	assert_int_equal(m->attr, IFX_ATTR_CLAIM);
	assert_true(ifx_str_eq(m->name, IFX_LIT("realm][roles")));
	assert_int_equal(m->not_values.n, 1);
	fx_free(&fx);
}

static void values_match_as_in_istio(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool pattern_matches, path_matches;
	} table[] = {
		{ "*", "", false, false },
		{ "*", "/a", true, true },
		{ "/a*", "/a", true, true },
		{ "/a*", "/ab/c", true, true },
		{ "/a*", "/b", false, false },
		{ "*/c", "/b/c", true, true },
		{ "*/c", "c", false, false },
		{ "/a", "/a", true, true },
		{ "/a", "/a/", false, false },
		{ "/a", "/a?x=1", false, true },
		{ "/a", "/a#x", false, true },
		{ "/A", "/a", false, false },
		{ "/o/{*}/i", "/o/1/i", false, true },
		{ "/o/{*}/i", "/o//i", false, false },
		{ "/o/{*}/i", "/o/1/2/i", false, false },
		{ "/o/{*}", "/o/1", false, true },
		{ "/o/{*}", "/o/1/2", false, false },
		{ "/o/{**}", "/o/", false, true },
		{ "/o/{**}", "/o/1/2", false, true },
		{ "/o/{**}", "/o", false, false },
		{ "/o/{**}/i", "/o/1/2/i", false, true },
		{ "/o/{**}/i", "/o/i/i/i", false, true },
		{ "/o/{**}/i", "/o/1/2/i/3", false, false },
		{ "/{*}/b/{**}", "/a/b/c", false, true },
		{ "/{*}/b/{**}", "/a/c/c", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		ifx_str pattern = ifx_str_of(table[i].pattern), text = ifx_str_of(table[i].text);

		if (ifx_pattern_match(pattern, text) != table[i].pattern_matches ||
		    ifx_path_pattern_match(pattern, text) != table[i].path_matches)
			fail_msg("%s %s", table[i].pattern, table[i].text);
	}
	assert_true(ifx_pattern_imatch(IFX_LIT("*.Example.com"), IFX_LIT("A.example.COM")));
	assert_true(ifx_glob_match(IFX_LIT("a*b*c"), IFX_LIT("aXbbYc")));
	assert_false(ifx_glob_match(IFX_LIT("a*b*c"), IFX_LIT("aXc")));
}

static void blocks_match_as_in_istio(void **state)
{
	static const struct {
		const char *block, *address;
		bool matches;
	} table[] = {
		{ "10.0.0.0/8", "10.255.1.2", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "10.0.0.2", false },
		{ "0.0.0.0/0", "1.2.3.4", true },
		{ "0.0.0.0/0", "::1", false },
		{ "192.168.4.0/22", "192.168.7.9", true },
		{ "192.168.4.0/22", "192.168.8.0", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "10.0.0.0/x", "10.0.0.0", false },
		{ "", "10.0.0.0", false },
		{ "10.0.0.0/24", "10.0.0.0/25", true },
		{ "10.0.0.0/25", "10.0.0.0/24", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (ifx_block_match(ifx_str_of(table[i].block), ifx_str_of(table[i].address)) !=
		    table[i].matches)
			fail_msg("%s %s", table[i].block, table[i].address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_follow_the_table),
		cmocka_unit_test(actions_and_empty_policies_have_a_layer),
		cmocka_unit_test(ztunnel_makes_of_policies_what_the_table_says),
		cmocka_unit_test(whatever_istio_refuses_is_a_flaw),
		cmocka_unit_test(policies_are_read_whole),
		cmocka_unit_test(values_match_as_in_istio),
		cmocka_unit_test(blocks_match_as_in_istio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
