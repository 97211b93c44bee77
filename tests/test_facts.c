#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule/facts.h"

static void check_keys(const struct ifx_key_fact *facts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ifx_key_fact *f = &facts[i];

		if (i && strcmp(facts[i - 1].name, f->name) >= 0)
			fail_msg("'%s' is out of order", f->name);
		assert_true(f->kinds[0]);
		assert_int_equal(!f->status[0], !!(f->flags & IFX_KEY_UNCATALOGUED));
		if (f->type != IFX_VALUE_ENUM)
			assert_null(f->values);
		else if (!f->values && !(f->flags & IFX_KEY_OPEN))
			fail_msg("'%s' has neither values nor the flag OPEN", f->name);
		assert_int_equal(!f->successor, !f->successor_kind);
	}
}

static void keys_are_in_byte_order_and_unique(void **state)
{
	const struct ifx_key_fact *facts;
	const struct ifx_removed_fact *removed;
	size_t n;

	(void)state;
	facts = ifx_fact_annotations(&n);
	assert_int_equal(n, 68 + 11);
	check_keys(facts, n);
	facts = ifx_fact_labels(&n);
	assert_int_equal(n, 26 + 6);
	check_keys(facts, n);
	removed = ifx_fact_removals(&n);
	assert_int_equal(n, 27);
	for (size_t i = 1; i < n; i++) {
		int c = strcmp(removed[i - 1].name, removed[i].name);

		if (c > 0 || (!c && strcmp(removed[i - 1].sort, removed[i].sort) >= 0))
			fail_msg("'%s' is out of order", removed[i].name);
	}
}

static void every_key_is_found_and_no_other(void **state)
{
	const struct ifx_key_fact *facts;
	const struct ifx_removed_fact *removed;
	size_t n;

	(void)state;
	facts = ifx_fact_annotations(&n);
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(ifx_fact_annotation(ifx_str_of(facts[i].name)), &facts[i]);
	facts = ifx_fact_labels(&n);
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(ifx_fact_label(ifx_str_of(facts[i].name)), &facts[i]);
	removed = ifx_fact_removals(&n);
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(
			ifx_fact_removed(ifx_str_of(removed[i].name), ifx_str_of(removed[i].sort)),
			&removed[i]);
	assert_null(ifx_fact_annotation(IFX_LIT("")));
	assert_null(ifx_fact_annotation(IFX_NONE));
	assert_null(ifx_fact_annotation(IFX_LIT("a")));
	assert_null(ifx_fact_annotation(IFX_LIT("zzz")));
	assert_null(ifx_fact_annotation(IFX_LIT("sidecar.istio.io/injec")));
	assert_null(ifx_fact_annotation(IFX_LIT("sidecar.istio.io/inject\0")));
	assert_null(ifx_fact_annotation(IFX_LIT("istio-injection")));
	assert_null(ifx_fact_label(IFX_LIT("istio.io/use-namespace")));
	assert_null(ifx_fact_removed(IFX_LIT("istio.io/gateway-name"), IFX_LIT("annotation")));
}

static void successors_exist(const struct ifx_removed_fact *f)
{
	const struct ifx_field_fact *fields;
	size_t n;
	bool found = false;
	ifx_str key = ifx_str_of(f->successor);

	if (!f->successor_kind)
		return;
	if (!strcmp(f->successor_kind, "label")) {
		found = ifx_fact_label(key);
	} else if (!strcmp(f->successor_kind, "annotation")) {
		found = ifx_fact_annotation(key);
	} else if (!strcmp(f->successor_kind, "proxyconfig")) {
		/* The catalogue stops at some messages: their name is enough. */
		fields = ifx_fact_proxyconfig(&n);
		for (size_t i = 0; i < n && !found; i++) {
			ifx_str name = ifx_str_of(fields[i].name);

			found = ifx_str_eq(key, name) ||
				(ifx_str_starts(key, name) && key.ptr[name.len] == '.' &&
				 !strcmp(fields[i].type, "message"));
			found = found && !fields[i].removed_in;
		}
	} else {
		found = !strcmp(f->successor_kind, "field") &&
			ifx_str_starts(key, IFX_LIT("spec."));
	}
	if (!found)
		fail_msg("'%s': there is no %s '%s'", f->name, f->successor_kind, f->successor);
}

static void every_successor_exists(void **state)
{
	const struct ifx_key_fact *keys;
	const struct ifx_removed_fact *removed;
	size_t n;

	(void)state;
	for (int labels = 0; labels < 2; labels++) {
		keys = labels ? ifx_fact_labels(&n) : ifx_fact_annotations(&n);
		for (size_t i = 0; i < n; i++) {
			struct ifx_removed_fact f = { keys[i].name, "", "", keys[i].successor_kind,
						      keys[i].successor };

			successors_exist(&f);
		}
	}
	removed = ifx_fact_removals(&n);
	for (size_t i = 0; i < n; i++)
		successors_exist(&removed[i]);
}

/** Dotted names of letters, each perhaps with `[]`. */
static bool is_path(const char *path)
{
	ifx_str rest = ifx_str_of(path), name;

	while (ifx_str_split(&rest, '.', &name)) {
		if (ifx_str_ends(name, IFX_LIT("[]")))
			name.len -= 2;
		if (!name.len)
			return false;
		for (size_t i = 0; i < name.len; i++) {
			char c = name.ptr[i];

			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      (i && ((c >= '0' && c <= '9') || c == '_'))))
				return false;
		}
	}
	return true;
}

static bool ends_in_metadata(const char *path)
{
	ifx_str p = ifx_str_of(path);

	return ifx_str_ends(p, IFX_LIT("etadata")) && p.ptr[p.len - 8] != '.';
}

static void workloads_are_in_order_and_their_paths_well_formed(void **state)
{
	size_t n;
	const struct ifx_workload_fact *facts = ifx_fact_workloads(&n);

	(void)state;
	assert_int_equal(n, 35 + 3);
	for (size_t i = 0; i < n; i++) {
		const struct ifx_workload_fact *f = &facts[i];
		size_t paths = 0, inert = 0;

		if (i) {
			int c = strcmp(f[-1].group, f->group);

			if (c > 0 || (!c && strcmp(f[-1].kind, f->kind) >= 0))
				fail_msg("%s/%s is out of order", f->group, f->kind);
		}
		assert_ptr_equal(ifx_fact_workload(ifx_str_of(f->group), ifx_str_of(f->kind)), f);
		for (; f->paths[paths]; paths++) {
			assert_true(paths < 4);
			assert_true(is_path(f->paths[paths]) && ends_in_metadata(f->paths[paths]));
		}
		for (; f->inert[inert]; inert++) {
			assert_true(inert < 3);
			assert_true(is_path(f->inert[inert]) && ends_in_metadata(f->inert[inert]));
			for (size_t k = 0; k < paths; k++)
				assert_string_not_equal(f->inert[inert], f->paths[k]);
		}
		assert_true(paths > 0);
	}
}

static void a_workload_is_found_by_group_and_kind(void **state)
{
	static const struct {
		const char *group, *kind, *path;
	} cases[] = {
		{ "", "Pod", "metadata" },
		{ "apps", "Deployment", "spec.template.metadata" },
		{ "extensions", "Deployment", "spec.template.metadata" },
		{ "batch", "Job", "spec.template.metadata" },
		{ "batch.volcano.sh", "Job", "spec.tasks[].template.metadata" },
		{ "batch", "CronJob", "spec.jobTemplate.spec.template.metadata" },
		{ "serving.knative.dev", "Service", "spec.template.metadata" },
		{ "argoproj.io", "Workflow", "spec.podMetadata" },
		{ "", "Service", NULL },
		{ "", "Deployment", NULL },
		{ "apps", "Pod", NULL },
		{ "apps", "Deploymen", NULL },
		{ "apps", "Deployments", NULL },
		{ "gateway.networking.k8s.io", "Gateway", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ifx_workload_fact *f =
			ifx_fact_workload(ifx_str_of(cases[i].group), ifx_str_of(cases[i].kind));

		if (!cases[i].path)
			assert_null(f);
		else
			assert_string_equal(f->paths[0], cases[i].path);
	}
}

static void durations_are_consistent(void **state)
{
	size_t n, by_message[IFX_MSG_VALUES + 1] = { 0 };
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct ifx_duration_fact *f = &facts[i];

		by_message[f->message]++;
		assert_int_equal(f->message == IFX_MSG_RESOURCE, f->group != NULL);
		assert_int_equal(f->message == IFX_MSG_RESOURCE, f->kind != NULL);
		if (f->message == IFX_MSG_POD_ANNOTATIONS)
			assert_int_equal(ifx_fact_annotation(ifx_str_of(f->path))->type,
					 IFX_VALUE_DURATION_GO);
		else
			assert_true(is_path(f->path));
		if (f->message == IFX_MSG_RESOURCE)
			assert_true(ifx_str_starts(ifx_str_of(f->path), IFX_LIT("spec.")));
		assert_false(f->zero_ok && f->zero_unchecked);
		assert_true(!f->max_ns || f->max_ns > f->min_ns);
		for (size_t k = 0; k < i; k++)
			if (facts[k].message == f->message && !strcmp(facts[k].path, f->path) &&
			    (!f->kind || !strcmp(facts[k].kind, f->kind)))
				fail_msg("'%s' is there twice", f->path);
	}
	/* 6 VirtualService, 4 * 13 + 2 DestinationRule, 2 * 8 Sidecar, 2, and 8 Gateway API. */
	assert_int_equal(by_message[IFX_MSG_RESOURCE], 6 + 54 + 16 + 2 + 8);
	assert_int_equal(by_message[IFX_MSG_PROXYCONFIG], 4 + 4 + 2 + 7 + 2);
	assert_int_equal(by_message[IFX_MSG_MESHCONFIG], 4 + 2 + 1 + 3 + 2 + 1 + 4 + 10);
	assert_int_equal(by_message[IFX_MSG_POD_ANNOTATIONS], 2);
	assert_int_equal(by_message[IFX_MSG_VALUES], 1);
}

static void proxyconfig_fields_are_unique(void **state)
{
	size_t n;
	const struct ifx_field_fact *facts = ifx_fact_proxyconfig(&n);

	(void)state;
	assert_int_equal(n, 44 + 2);
	for (size_t i = 0; i < n; i++) {
		assert_true(is_path(facts[i].name));
		assert_int_equal(!strcmp(facts[i].type, "enum"), facts[i].values != NULL);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(facts[i].name, facts[k].name);
	}
}

static void pod_only_is_exactly_pod(void **state)
{
	(void)state;
	assert_true(ifx_fact_pod_only(ifx_fact_annotation(IFX_LIT("proxy.istio.io/config"))));
	assert_false(ifx_fact_pod_only(
		ifx_fact_annotation(IFX_LIT("galley.istio.io/analyze-suppress"))));
	assert_false(ifx_fact_pod_only(ifx_fact_label(IFX_LIT("istio.io/dataplane-mode"))));
	assert_false(
		ifx_fact_pod_only(ifx_fact_annotation(IFX_LIT("kubernetes.io/ingress.class"))));
}

static void a_key_is_istios_by_its_domain(void **state)
{
	static const struct {
		const char *key;
		bool istio;
	} cases[] = {
		{ "sidecar.istio.io/inject", true },
		{ "istio.io/rev", true },
		{ "x.istio.io", true },
		{ "istio-injection", true },
		{ "notistio.io/x", false },
		{ "istio.io.example.com/x", false },
		{ "example.com/istio.io", false },
		{ "kubernetes.io/ingress.class", false },
		{ "", false },
		{ "app", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ifx_key_is_istio(ifx_str_of(cases[i].key)), cases[i].istio);
	assert_false(ifx_key_is_istio(IFX_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_in_byte_order_and_unique),
		cmocka_unit_test(every_key_is_found_and_no_other),
		cmocka_unit_test(every_successor_exists),
		cmocka_unit_test(workloads_are_in_order_and_their_paths_well_formed),
		cmocka_unit_test(a_workload_is_found_by_group_and_kind),
		cmocka_unit_test(durations_are_consistent),
		cmocka_unit_test(proxyconfig_fields_are_unique),
		cmocka_unit_test(pod_only_is_exactly_pod),
		cmocka_unit_test(a_key_is_istios_by_its_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
