/* The estate: environments, namespaces and their states, pods and Services as they are deployed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scratch.h"

#include "ambient/estate.h"
#include "ambient/pods.h"
#include "ambient/service.h"

struct reading {
	struct ifx_arena names;
	struct ifx_inputs inputs;
	struct ifx_estate estate;
	int complaints;
};

static void complain(void *data, ifx_str path, ifx_str message)
{
	struct reading *r = data;

	(void)path;
	(void)message;
	r->complaints++;
}

static void read_tree(struct reading *r, const char *path)
{
	const struct ifx_file_options files = { 0 };
	const struct ifx_estate_options options = { 0 };
	char *paths[] = { (char *)(uintptr_t)path };

	*r = (struct reading){ 0 };
	ifx_arena_init(&r->names, (size_t)1 << 30);
	assert_int_equal(ifx_inputs_expand(&r->inputs, paths, 1, &files, &r->names, complain, r),
			 IFX_OK);
	(void)!ifx_estate_read(&r->estate, &r->inputs, &options, complain, r);
}

static void end(struct reading *r)
{
	ifx_estate_release(&r->estate);
	ifx_inputs_release(&r->inputs);
	ifx_arena_release(&r->names);
}

/* The only environment that has the namespace, and whose directory ends like this. */
static struct ifx_namespace *find(struct reading *r, const char *directory, const char *name)
{
	for (size_t i = 0; i < r->estate.n_environments; i++) {
		struct ifx_environment *e = &r->estate.environments[i];
		struct ifx_namespace *ns = ifx_estate_namespace(e, ifx_str_of(name));

		if (ns && ifx_str_ends(e->root, ifx_str_of(directory)))
			return ns;
	}
	fail_msg("no namespace %s in %s", name, directory);
	return NULL;
}

static void namespace_file(const char *path, const char *name, const char *labels)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n  labels: {%s}\n", name,
		 labels);
	scratch_puts(path, text);
}

static void states(void **state)
{
	static const struct {
		const char *labels;
		ifx_namespace_state state;
	} cases[] = {
		{ "istio-injection: enabled", IFX_STATE_INJECTED },
		{ "istio-injection: enabled, istio.io/rev: canary", IFX_STATE_INJECTED },
		{ "istio.io/rev: prod", IFX_STATE_REVISION },
		{ "istio.io/rev: prod, istio.io/dataplane-mode: ambient", IFX_STATE_REVISION },
		{ "istio-injection: disabled, istio.io/rev: prod", IFX_STATE_OUT },
		{ "istio-injection: disabled, istio.io/dataplane-mode: ambient",
		  IFX_STATE_AMBIENT },
		{ "istio.io/dataplane-mode: ambient", IFX_STATE_AMBIENT },
		{ "istio.io/rev: \"\"", IFX_STATE_OUT },
		{ "team: a", IFX_STATE_OUT },
	};
	struct reading r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		namespace_file("s/ns.yaml", "shop", cases[i].labels);
		read_tree(&r, "s");
		assert_int_equal(find(&r, "", "shop")->state, cases[i].state);
		end(&r);
	}
}

static void by_default_and_by_pod(void **state)
{
	struct reading r;

	(void)state;
	namespace_file("d/ns.yaml", "shop", "team: a");
	scratch_puts("d/values.yaml",
		     "sidecarInjectorWebhook:\n  enableNamespacesByDefault: true\n");
	read_tree(&r, "d");
	assert_int_equal(find(&r, "", "shop")->state, IFX_STATE_DEFAULT);
	end(&r);
	namespace_file("p/ns.yaml", "shop", "team: a");
	scratch_puts("p/app.yaml", "apiVersion: apps/v1\nkind: Deployment\n"
				   "metadata: {name: web, namespace: shop}\n"
				   "spec:\n  replicas: 3\n  template:\n    metadata:\n"
				   "      labels: {app: web, sidecar.istio.io/inject: \"true\"}\n"
				   "    spec:\n      containers:\n      - name: web\n");
	read_tree(&r, "p");
	assert_int_equal(find(&r, "", "shop")->state, IFX_STATE_PODS);
	assert_true(find(&r, "", "shop")->objects[IFX_WORKLOAD].first->pods->injected);
	assert_int_equal(find(&r, "", "shop")->objects[IFX_WORKLOAD].first->pods->replicas, 3);
	end(&r);
}

/* dev and prod share a base; dev renames the namespace, prod patches it. */
static void overlays(void **state)
{
	const struct ifx_object *service;
	struct ifx_namespace *prod;
	struct reading r;

	(void)state;
	namespace_file("k/base/ns.yaml", "shop", "istio-injection: enabled");
	scratch_puts("k/base/app.yaml",
		     "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
		     "spec:\n  template:\n    metadata:\n      labels: {app: web}\n"
		     "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
		     "spec:\n  selector: {app: web}\n"
		     "  ports: [{port: 80, targetPort: http}, {port: 81}]\n");
	scratch_puts("k/base/kustomization.yaml",
		     "namespace: shop\nresources: [ns.yaml, app.yaml]\n");
	scratch_puts("k/dev/kustomization.yaml", "namespace: shop-dev\nresources: [../base]\n");
	scratch_puts("k/prod/kustomization.yaml",
		     "resources: [../base]\npatches:\n- path: ns.yaml\n- path: web.yaml\n");
	namespace_file("k/prod/ns.yaml", "shop", "istio-injection: null, istio.io/rev: stable");
	scratch_puts("k/prod/web.yaml",
		     "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
		     "spec:\n  template:\n    metadata:\n"
		     "      annotations: {sidecar.istio.io/inject: \"false\"}\n");
	read_tree(&r, "k");
	assert_int_equal(find(&r, "/dev", "shop-dev")->state, IFX_STATE_INJECTED);
	prod = find(&r, "/prod", "shop");
	assert_int_equal(prod->state, IFX_STATE_REVISION);
	assert_true(prod->revision.object->patch);
	assert_int_equal(prod->objects[IFX_WORKLOAD].n, 1);
	assert_true(prod->objects[IFX_WORKLOAD].first->pods->opted_out);
	assert_int_equal(prod->objects[IFX_WORKLOAD].first->n_same, 2);
	service = ifx_svc_of_host(prod->environment, IFX_LIT("other"),
				  IFX_LIT("web.shop.svc.cluster.local"));
	assert_ptr_equal(service, prod->objects[IFX_SERVICE].first);
	assert_true(ifx_svc_selects(service->service, prod->objects[IFX_WORKLOAD].first->pods));
	assert_true(ifx_str_eq(service->service->ports[0].target_name, IFX_LIT("http")));
	assert_int_equal(service->service->ports[1].target, 81);
	end(&r);
}

static void what_cannot_be_read(void **state)
{
	struct reading r;

	(void)state;
	scratch_puts("b/template.yaml", "kind: Deployment\nmetadata: {{ .Values.x }}: [\n");
	scratch_puts("b/broken.yaml", "kind: Deployment\nmetadata: [\n");
	scratch_puts("b/other.yaml", "kind: Unrelated\nmetadata: [\n");
	read_tree(&r, "b");
	assert_int_equal(r.complaints, 1);
	assert_int_equal(r.estate.n_sources, 3);
	assert_string_equal(r.estate.sources[2].passed_over, "a template");
	end(&r);
}

static void places(void **state)
{
	const struct ifx_object *o;
	size_t line, column;
	struct reading r;

	(void)state;
	scratch_puts("l/ns.yaml",
		     "# \n---\napiVersion: v1\nkind: Namespace\n"
		     "metadata: {name: shop, labels: {ä: b, istio-injection: enabled}}\n");
	read_tree(&r, "l");
	o = find(&r, "", "shop")->injection.object;
	ifx_source_place(o->source,
			 ifx_object_offset(o, find(&r, "", "shop")->injection.entry->key), &line,
			 &column);
	assert_int_equal(line, 5);
	assert_int_equal(column, 39);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),   cmocka_unit_test(by_default_and_by_pod),
		cmocka_unit_test(overlays), cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
