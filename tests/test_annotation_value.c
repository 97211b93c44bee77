/*
 * Every key of the catalogue has its value looked at, wherever it may lie: this tells a bad value
 * from a missing needle, and names the keys that are left out on purpose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline.h"
#include "rule/facts.h"
#include "rule/transform.h"
#include "rule/value.h"

extern const struct ifx_transform ifx_annotation_value;

/* Nothing that any reader takes, but for those that take everything. */
#define JUNK "a b?, c"

/* A kind of the catalogue with its API group. */
static const char *const homes[][3] = {
	{ "Any", "v1", "Namespace" },
	{ "Pod", "v1", "Pod" },
	{ "Service", "v1", "Service" },
	{ "Namespace", "v1", "Namespace" },
	{ "ConfigMap", "v1", "ConfigMap" },
	{ "Node", "v1", "Node" },
	{ "Ingress", "networking.k8s.io/v1", "Ingress" },
	{ "Gateway", "gateway.networking.k8s.io/v1", "Gateway" },
	{ "GatewayClass", "gateway.networking.k8s.io/v1", "GatewayClass" },
	{ "BackendTLSPolicy", "gateway.networking.k8s.io/v1", "BackendTLSPolicy" },
	{ "ServiceEntry", "networking.istio.io/v1", "ServiceEntry" },
	{ "WorkloadEntry", "networking.istio.io/v1", "WorkloadEntry" },
	{ "EnvoyFilter", "networking.istio.io/v1alpha3", "EnvoyFilter" },
	{ "AuthorizationPolicy", "security.istio.io/v1", "AuthorizationPolicy" },
	{ "IstioOperator", "install.istio.io/v1alpha1", "IstioOperator" },
	{ "ServiceAccount", "v1", "ServiceAccount" },
	{ "MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1",
	  "MutatingWebhookConfiguration" },
};

static const char *const *home_of(const struct ifx_key_fact *fact)
{
	ifx_str rest = ifx_str_of(fact->kinds), kind;

	ifx_str_split(&rest, ',', &kind);
	for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++)
		if (ifx_str_eq(kind, ifx_str_of(homes[i][0])))
			return homes[i];
	fail_msg("no home for %s", fact->kinds);
	return NULL;
}

/* Keys that other rules know more about, or that nobody reads. */
static bool is_elsewhere(const struct ifx_key_fact *fact)
{
	return !strcmp(fact->name, "sidecar.istio.io/inject") ||
	       !strcmp(fact->name, "istio-injection") ||
	       !strcmp(fact->name, "istio.io/waypoint-for") ||
	       fact->type == IFX_VALUE_DURATION_GO || fact->type == IFX_VALUE_IMAGE_REF ||
	       (fact->flags & (IFX_KEY_SYSTEM | IFX_KEY_UNUSED));
}

static void check(const struct ifx_key_fact *fact, const char *map, bool label)
{
	static const struct ifx_key_fact any = { .type = IFX_VALUE_LABEL };
	const struct ifx_transform *t = &ifx_annotation_value;
	struct ifx_engine engine = { 0 };
	const char *const *home = home_of(fact);
	ifx_str junk = IFX_LIT(JUNK);
	struct ifx_outcome out;
	unsigned char concerned;
	struct ifx_buf text;
	bool bad;

	assert_int_equal(ifx_selection_make(&engine.selection, &t, 1), IFX_OK);

	/* Text that is no map is what a ProxyConfig must not be. */
	bad = fact->type == IFX_VALUE_PROXYCONFIG || fact->type == IFX_VALUE_JSON ||
	      !ifx_value_ok(fact, junk, NULL) || (label && !ifx_value_ok(&any, junk, NULL));
	ifx_buf_init(&text, 1 << 16);
	ifx_buf_addf(&text, "apiVersion: %s\nkind: %s\nmetadata:\n  name: x\n  %s: {%s: '%s'}\n",
		     home[1], home[2], map, fact->name, JUNK);
	if (bad && !ifx_selection_scan(&engine.selection, ifx_buf_str(&text), &concerned))
		fail_msg("no needle in\n%s", text.data);
	assert_int_equal(ifx_pipeline_run(&out, &engine, ifx_buf_str(&text)), IFX_OK);
	if (out.failed || out.n != bad)
		fail_msg("%zu findings in\n%s", out.n, text.data);
	ifx_outcome_release(&out);
	ifx_buf_release(&text);
	ifx_selection_release(&engine.selection);
}

static void every_key_is_looked_at(void **state)
{
	const struct ifx_key_fact *facts;
	size_t n, seen = 0;

	(void)state;
	facts = ifx_fact_annotations(&n);
	for (size_t i = 0; i < n; i++)
		if (!is_elsewhere(&facts[i]))
			check(&facts[i], "annotations", false), seen++;
	facts = ifx_fact_labels(&n);
	for (size_t i = 0; i < n; i++)
		if (!is_elsewhere(&facts[i]))
			check(&facts[i], "labels", true), seen++;
	assert_true(seen > 70);
}

static void routes_are_passed_over(void **state)
{
	static const char text[] =
		"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x, labels: {app: y}}\nspec: {hosts: [a]}\n---\n"
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {metadata: {labels: {istio: gateway}}}}\n";
	const struct ifx_transform *t = &ifx_annotation_value;
	struct ifx_selection selection;
	unsigned char concerned;

	(void)state;
	assert_int_equal(ifx_selection_make(&selection, &t, 1), IFX_OK);
	assert_false(ifx_selection_scan(&selection, IFX_LIT(text), &concerned));
	ifx_selection_release(&selection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_looked_at),
		cmocka_unit_test(routes_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
