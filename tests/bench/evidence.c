/*
 * How long the evidence of a phase takes: N namespaces with three Services each, one of them with
 * HTTP policies and a waypoint afterwards, one with Layer 4 policies, one with none.
 * Usage: bench-evidence [N...]
 */
#include "ambient/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "yaml/load.h"
#include "yaml/roots.h"

static const char yaml[] =
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: callers}\n"
	"spec:\n  selector: {matchLabels: {app: api}}\n  rules:\n"
	"  - from: [{source: {principals: [cluster.local/ns/web/sa/storefront]}}]\n"
	"    to: [{operation: {methods: [GET], paths: ['/orders/*'], ports: ['8080']}}]\n"
	"  - from: [{source: {principals: [cluster.local/ns/billing/sa/invoicer]}}]\n"
	"    to: [{operation: {methods: [GET, POST], paths: ['/orders/{*}/invoice']}}]\n"
	"---\n"
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: debug}\n"
	"spec: {selector: {matchLabels: {app: api}}, action: DENY, rules: [{to: [{operation: "
	"{paths: ['/debug/*']}}]}]}\n"
	"---\n"
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: db}\n"
	"spec: {selector: {matchLabels: {app: db}}, rules: [{from: [{source: {principals: "
	"[cluster.local/ns/orders/sa/api, cluster.local/ns/reports/sa/job]}}]}]}\n"
	"---\n"
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: callers-w}\n"
	"spec:\n  targetRefs: [{group: '', kind: Service, name: api}]\n  rules:\n"
	"  - from: [{source: {principals: [cluster.local/ns/web/sa/storefront]}}]\n"
	"    to: [{operation: {methods: [GET], paths: ['/orders/*'], ports: ['80']}}]\n"
	"  - from: [{source: {principals: [cluster.local/ns/billing/sa/invoicer]}}]\n"
	"    to: [{operation: {methods: [GET, POST], paths: ['/orders/{*}/invoice']}}]\n"
	"---\n"
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: debug-w}\n"
	"spec: {targetRefs: [{group: '', kind: Service, name: api}], action: DENY, rules: [{to: "
	"[{operation: {paths: ['/debug/*']}}]}]}\n"
	"---\n"
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: from-w}\n"
	"spec: {selector: {matchLabels: {app: api}}, rules: [{from: [{source: {principals: "
	"[PLACE]}}]}]}\n";

enum { POLICIES = 6, BEFORE = 3, APPS = 3 };

static struct ifx_authz policies[POLICIES];

static void read_policies(struct ifx_arena *arena)
{
	ifx_str stream = ifx_str_of(yaml);
	struct ifx_problem problem = { 0 };
	size_t at = 0, n = 0;
	ifx_span piece;

	ifx_buf_init(&problem.text, 4096);
	while (ifx_stream_next(stream, &at, &piece)) {
		struct ifx_doc *doc;

		if (ifx_doc_load(&doc, ifx_str_sub(stream, piece.at, piece.len), &problem) ||
		    ifx_authz_read(&policies[n++], doc->root, IFX_LIT(""), arena))
			abort();
	}
}

static void *take(struct ifx_arena *arena, size_t n, size_t size)
{
	void *p = ifx_arena_alloc(arena, n * size);

	if (!p)
		abort();
	return p;
}

/* The waypoint of the namespace in place of PLACE. */
static void let_in_waypoint(struct ifx_arena *arena, struct ifx_authz *policy, ifx_str ns)
{
	struct ifx_authz_rule *rule = take(arena, 1, sizeof(*rule));
	struct ifx_clause *from = take(arena, 1, sizeof(*from));
	struct ifx_match *match = take(arena, 1, sizeof(*match));
	ifx_str *value = take(arena, 1, sizeof(*value));

	*value = ifx_arena_printf(arena, "cluster.local/ns/%.*s/sa/waypoint", IFX_ARG(ns));
	*match = policy->rules[0].from[0].matches[0];
	match->values = (struct ifx_strs){ value, 1 };
	*from = (struct ifx_clause){ match, 1 };
	*rule = policy->rules[0];
	rule->from = from;
	policy->rules = rule;
}

static void fill(struct ifx_arena *arena, struct ifx_mesh *m, size_t n, bool after)
{
	static const char *const names[APPS] = { "api", "db", "free" };
	static const struct ifx_service_port port = { .port = 80,
						      .target = 8080,
						      .protocol = IFX_PROTOCOL_HTTP };
	static struct ifx_label app[APPS];

	*m = (struct ifx_mesh){ .root_namespace = IFX_LIT("istio-system"),
				.trust_domain = IFX_LIT("cluster.local") };
	m->workloads = take(arena, n * APPS, sizeof(*m->workloads));
	m->services = take(arena, n * APPS, sizeof(*m->services));
	m->waypoints = take(arena, n, sizeof(*m->waypoints));
	m->authz = take(arena, n * POLICIES, sizeof(*m->authz));
	for (size_t i = 0; i < n; i++) {
		ifx_str ns = ifx_arena_printf(arena, "ns%05zu", i);

		for (size_t k = 0; k < APPS; k++) {
			app[k] = (struct ifx_label){ IFX_LIT("app"), ifx_str_of(names[k]) };
			m->workloads[m->n_workloads++] = (struct ifx_workload){
				.namespace = ns,
				.kind = IFX_LIT("Deployment"),
				.name = ifx_str_of(names[k]),
				.labels = { &app[k], 1 },
				.service_account = ifx_str_of(names[k]),
				.mode = after ? IFX_MODE_AMBIENT : IFX_MODE_SIDECAR,
			};
			m->services[m->n_services++] =
				(struct ifx_service){ .namespace = ns,
						      .name = ifx_str_of(names[k]),
						      .selector = { &app[k], 1 },
						      .ports = &port,
						      .n_ports = 1 };
		}
		if (after)
			m->waypoints[m->n_waypoints++] = (struct ifx_waypoint){
				.namespace = ns, .name = IFX_LIT("waypoint"), .services = true
			};
		for (size_t k = after ? 2 : 0; k < (after ? POLICIES : BEFORE); k++) {
			m->authz[m->n_authz] = policies[k];
			m->authz[m->n_authz++].scope.namespace = ns;
			if (k == POLICIES - 1)
				let_in_waypoint(arena, &m->authz[m->n_authz - 1], ns);
		}
	}
	if (ifx_mesh_index(m))
		abort();
	for (size_t i = 0; after && i < m->n_services; i++)
		if (ifx_str_eq(m->services[i].name, IFX_LIT("api")))
			m->services[i].waypoint =
				ifx_mesh_waypoint(m, m->services[i].namespace, IFX_LIT("waypoint"));
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(size_t n)
{
	struct ifx_mesh before, after;
	struct ifx_arena meshes, arena;
	struct ifx_evidence e;
	double from;

	ifx_arena_init(&meshes, (size_t)1 << 40);
	ifx_arena_init(&arena, (size_t)1 << 40);
	read_policies(&meshes);
	fill(&meshes, &before, n, false);
	fill(&meshes, &after, n, true);
	from = seconds();
	if (ifx_evidence_find(&e, &before, &after, NULL, &arena))
		abort();
	printf("%6zu namespaces  %.3f s  %zu requests  %zu calls  %zu rows  %.1f MB  broken %zu %zu "
	       "%zu\n",
	       n, seconds() - from, e.n_requests, e.n_calls, e.n_rows,
	       (double)arena.used / (1 << 20), e.broken[0], e.broken[1], e.broken[2]);
	ifx_arena_release(&arena);
	ifx_arena_release(&meshes);
}

int main(int argc, char **argv)
{
	static const size_t usual[] = { 100, 500, 2500 };

	for (int i = 1; i < argc; i++)
		measure(strtoul(argv[i], NULL, 10));
	for (size_t i = 0; argc < 2 && i < sizeof(usual) / sizeof(*usual); i++)
		measure(usual[i]);
	return 0;
}
