/*
 * A transform is only asked about a document that holds one of its needles. So each fact, in each
 * place where it may lie and in each spelling, must come with one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline.h"
#include "rule/field.h"

extern const struct ifx_transform ifx_duration;

/* `a.b[].c` as {a: {b: [{c: VALUE}]}}; snake: in that spelling. */
static void add_nested(struct ifx_buf *out, ifx_str path, bool snake, const char *value)
{
	char buf[IFX_SNAKE_MAX], close[200];
	ifx_str name, other;
	size_t n = 0;
	bool list;

	while (ifx_str_split(&path, '.', &name)) {
		list = ifx_str_ends(name, IFX_LIT("[]"));
		if (list)
			name.len -= 2;
		other = snake ? ifx_field_snake(name, buf) : IFX_NONE;
		if (other.len)
			name = other;
		ifx_buf_addf(out, "{%.*s: %s", IFX_ARG(name), list ? "[" : "");
		close[n++] = '}';
		if (list)
			close[n++] = ']';
	}
	ifx_buf_add(out, ifx_str_of(value));
	while (n)
		ifx_buf_addc(out, close[--n]);
}

static const struct home {
	ifx_message message;
	const char *before, *after;
} homes[] = {
	{ IFX_MSG_PROXYCONFIG,
	  "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    proxy.istio.io/config: |\n      ",
	  "\n" },
	{ IFX_MSG_PROXYCONFIG,
	  "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {metadata: {annotations: {proxy.istio.io/config: '",
	  "'}}}}\n" },
	{ IFX_MSG_PROXYCONFIG,
	  "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {meshConfig: {defaultConfig: ",
	  "}}\n" },
	{ IFX_MSG_PROXYCONFIG,
	  "apiVersion: sailoperator.io/v1\nkind: Istio\nspec: {values: {meshConfig: {defaultConfig: ",
	  "}}}\n" },
	{ IFX_MSG_PROXYCONFIG,
	  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata: {mesh: '{defaultConfig: ",
	  "}'}\n" },
	{ IFX_MSG_MESHCONFIG,
	  "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {meshConfig: ",
	  "}\n" },
	{ IFX_MSG_MESHCONFIG,
	  "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {values: {meshConfig: ",
	  "}}\n" },
	{ IFX_MSG_MESHCONFIG,
	  "apiVersion: sailoperator.io/v1alpha1\nkind: IstioRevision\nspec: {values: {meshConfig: ",
	  "}}\n" },
	{ IFX_MSG_MESHCONFIG,
	  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-1-27}\ndata:\n  mesh: |\n    ",
	  "\n" },
	{ IFX_MSG_VALUES,
	  "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {values: ", "}\n" },
	{ IFX_MSG_VALUES, "apiVersion: sailoperator.io/v1\nkind: Istio\nspec: {values: ", "}\n" },
	{ IFX_MSG_POD_ANNOTATIONS, "apiVersion: v1\nkind: Pod\nmetadata: {annotations: ", "}\n" },
	{ IFX_MSG_RESOURCE, "", "\n" },
};

static void check(const struct ifx_duration_fact *fact, const struct home *home, bool snake)
{
	const struct ifx_transform *t = &ifx_duration;
	struct ifx_engine engine = { 0 };
	struct ifx_outcome out;
	unsigned char concerned;
	struct ifx_buf text;

	assert_int_equal(ifx_selection_make(&engine.selection, &t, 1), IFX_OK);
	ifx_buf_init(&text, 1 << 16);
	ifx_buf_add(&text, ifx_str_of(home->before));
	if (fact->message == IFX_MSG_POD_ANNOTATIONS) {
		ifx_buf_addf(&text, "{%s: 1 parsec}", fact->path);
	} else if (fact->message == IFX_MSG_RESOURCE) {
		ifx_buf_addf(&text, "apiVersion: %s/v1\nkind: %s\nspec: ", fact->group, fact->kind);
		assert_memory_equal(fact->path, "spec.", 5);
		add_nested(&text, ifx_str_of(fact->path + 5), snake, "1 parsec");
	} else {
		add_nested(&text, ifx_str_of(fact->path), snake, "1 parsec");
	}
	ifx_buf_add(&text, ifx_str_of(home->after));
	if (!ifx_selection_scan(&engine.selection, ifx_buf_str(&text), &concerned))
		fail_msg("no needle in\n%s", text.data);
	assert_int_equal(ifx_pipeline_run(&out, &engine, ifx_buf_str(&text)), IFX_OK);
	/* And it is really looked at: otherwise this test would prove nothing. */
	if (out.failed || out.n != 1)
		fail_msg("%zu findings in\n%s", out.n, text.data);
	ifx_outcome_release(&out);
	ifx_buf_release(&text);
	ifx_selection_release(&engine.selection);
}

static void every_duration_is_found_wherever_it_lies(void **state)
{
	size_t n;
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t k = 0; k < sizeof(homes) / sizeof(*homes); k++) {
			if (homes[k].message != facts[i].message)
				continue;
			found = true;
			check(&facts[i], &homes[k], false);
			if (facts[i].message == IFX_MSG_PROXYCONFIG ||
			    facts[i].message == IFX_MSG_MESHCONFIG)
				check(&facts[i], &homes[k], true);
		}
		assert_true(found);
	}
}

static void what_is_everywhere_is_no_needle(void **state)
{
	static const char *const common[] = {
		"apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{readinessProbe: {timeoutSeconds: 5}}]}}}\n",
		"apiVersion: v1\nkind: ConfigMap\ndata: {timeout: 5s, interval: 1m, duration: 2h, mesh: x}\n",
		"apiVersion: batch/v1\nkind: Job\nspec: {activeDeadlineSeconds: 600}\n",
	};
	const struct ifx_transform *t = &ifx_duration;
	struct ifx_selection selection;
	unsigned char concerned;

	(void)state;
	assert_int_equal(ifx_selection_make(&selection, &t, 1), IFX_OK);
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		assert_false(ifx_selection_scan(&selection, ifx_str_of(common[i]), &concerned));
	ifx_selection_release(&selection);
}

static void snake_case_is_protobufs(void **state)
{
	static const char *const names[][2] = {
		{ "drainDuration", "drain_duration" },
		{ "http2KeepAlive", "http2_keep_alive" },
		{ "caCertificatesPem", "ca_certificates_pem" },
		{ "timeout", "" },
		{ "MINIMUM_DRAIN_DURATION", "" },
		{ "", "" },
	};
	char buf[IFX_SNAKE_MAX], *name = test_malloc(2 * IFX_SNAKE_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_true(ifx_str_eq(ifx_field_snake(ifx_str_of(names[i][0]), buf),
				       ifx_str_of(names[i][1])));
	/* Neither an overrun nor half a name. */
	memset(name, 'a', 2 * IFX_SNAKE_MAX);
	for (size_t n = IFX_SNAKE_MAX - 4; n < 2 * IFX_SNAKE_MAX; n++) {
		ifx_str s;

		name[n - 1] = 'B';
		s = ifx_field_snake((ifx_str){ name, n }, buf);
		assert_true(!s.len || s.len == n + 1);
		name[n - 1] = 'a';
	}
	test_free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_duration_is_found_wherever_it_lies),
		cmocka_unit_test(what_is_everywhere_is_no_needle),
		cmocka_unit_test(snake_case_is_protobufs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
