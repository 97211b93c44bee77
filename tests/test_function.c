/* The function on standard input: the whole answer or none, whatever happens; where things are
 * from. */
#include "krm/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "istio_fix.h"
#include "scratch.h"
#include "yaml/load.h"

#define LIST "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
#define ITEM                                                                                       \
	"- apiVersion: networking.istio.io/v1\n  kind: VirtualService\n  metadata: {name: b}\n"    \
	"  spec:\n    http:\n    - timeout: 1m30s\n    - timeout: \"5\"\n"
#define STREAM                                                                                     \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: b}\n"          \
	"spec:\n  http:\n  - timeout: 1m30s\n  - timeout: \"5\"\n"
#define CONFIG                                                                                     \
	"functionConfig:\n  apiVersion: istio-fix.dev/v1\n  kind: IstioFix\n"                      \
	"  metadata: {name: f}\n  spec: {select: [duration], level: safe}\n"
#define JSON                                                                                       \
	"{\"apiVersion\": \"config.kubernetes.io/v1\", \"kind\": \"ResourceList\", \"items\": "    \
	"[{\"apiVersion\": \"networking.istio.io/v1\", \"kind\": \"VirtualService\", "             \
	"\"metadata\": {\"name\": \"b\"}, \"spec\": {\"http\": [{\"timeout\": \"1m30s\"}]}}]}\n"
#define PLUGIN                                                                                     \
	"apiVersion: istio-fix.dev/v1\nkind: IstioFix\nmetadata: {name: f}\nspec: {level: safe}\n"

/* Arrays: what is said must not ask for memory. */
struct said {
	char out[8192], err[8192];
};

static int add(char *text, const char *bytes, size_t len)
{
	size_t had = strlen(text);

	assert_true(had + len < 8192);
	memcpy(text + had, bytes, len);
	text[had + len] = '\0';
	return 0;
}

static int say_out(void *data, const char *bytes, size_t len)
{
	return add(((struct said *)data)->out, bytes, len);
}

static int say_err(void *data, const char *bytes, size_t len)
{
	return add(((struct said *)data)->err, bytes, len);
}

/* Run on the file `stdin` as standard input; the nth allocation fails, 0: none. */
static int run(struct said *said, const char *const *words, unsigned long nth, int *failed)
{
	char *argv[8] = { (char *)(uintptr_t) "istio-fix" };
	struct ifx_sink sink = { say_out, say_err, said };
	struct ifx_config *c = ifx_config_new();
	int argc = 1, first, code, keyboard = dup(STDIN_FILENO), fd = open("stdin", O_RDONLY);

	assert_non_null(c);
	assert_true(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	*said = (struct said){ 0 };
	code = ifx_config_parse(c, argc, argv, &first, &sink);
	assert_int_equal(code, -1);
	ifx_alloc_fail_at(nth);
	code = ifx_run(c, argv + first, (size_t)(argc - first), &sink);
	*failed = ifx_alloc_failed();
	ifx_alloc_fail_at(0);
	dup2(keyboard, STDIN_FILENO);
	close(keyboard);
	close(fd);
	ifx_config_free(c);
	return code;
}

/* Each allocation fails once. The answer is the one without failure, or there is none. */
static void starve(const char *text, const char *const *words, const char *part)
{
	struct said want, have;
	int failed = 1, code;
	unsigned long nth;

	scratch_puts("stdin", text);
	code = run(&want, words, 0, &failed);
	if (code != IFX_EXIT_OK)
		fail_msg("exit %d: %s", code, want.err);
	assert_non_null(strstr(want.out, part));
	for (nth = 1, failed = 1; failed; nth++) {
		code = run(&have, words, nth, &failed);
		if (code == IFX_EXIT_FAILED)
			assert_non_null(strstr(have.err, "error: "));
		else
			assert_int_equal(code, IFX_EXIT_OK);
		if ((code == IFX_EXIT_OK || have.out[0]) && strcmp(have.out, want.out) != 0)
			fail_msg("allocation %lu: exit %d, %s\n%s", nth, code, have.out, have.err);
	}
	assert_true(nth > 30);
}

static void memory_may_run_out(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const plugin[] = { "--kustomize-legacy", "config", NULL };

	(void)state;
	scratch_puts("config", PLUGIN);
	starve(LIST ITEM CONFIG, none, "\nresults:\n");
	starve(JSON, none, "\"results\": [");
	starve(LIST ITEM "results:\n- message: old\n", none, "fixed: \"yes\"");
	starve(STREAM, plugin, "timeout: 90s");
}

/* ---- where a finding is ---- */

#define NOTES(text)                                                                                \
	"kind: K\nmetadata:\n  name: n\n  annotations:\n" text "spec: {a: {b: [1, 2]}}\n"

static void origins(void **state)
{
	static const struct {
		const char *text, *path, *index; /* NULL: unknown */
	} cases[] = {
		{ NOTES("    x: y\n"), NULL, NULL },
		{ "---\n# Source: c/templates/x.yaml\n" NOTES("    x: y\n"), "c/templates/x.yaml",
		  NULL },
		{ "# Source: no\n---\n# Source: c/a.yaml \r\n# note\n" NOTES("    x: y\n"),
		  "c/a.yaml", NULL },
		{ NOTES("    # Source: no\n    x: y\n"), NULL, NULL },
		{ NOTES("    postrenderer.helm.sh/postrender-filename: 'c/a.yaml'\n"), "c/a.yaml",
		  NULL },
		{ NOTES("    config.kubernetes.io/path: 'a.yaml'\n"), "a.yaml", NULL },
		{ NOTES("    config.kubernetes.io/path: a.yaml\n"
			"    internal.config.kubernetes.io/path: b.yaml\n"
			"    config.kubernetes.io/index: '2'\n"),
		  "b.yaml", "2" },
		{ NOTES("    config.kubernetes.io/path: a.yaml\n"
			"    kustomize.config.k8s.io/id: |\n      kind: K\n"),
		  NULL, NULL },
		{ NOTES("    config.kubernetes.io/path: a.yaml\n"
			"    config.kubernetes.io/origin: |\n      path: base/b.yaml\n"),
		  "base/b.yaml", NULL },
		{ NOTES("    config.kubernetes.io/origin: |\n      configuredIn: k.yaml\n"
			"      configuredBy:\n        path: no\n"),
		  "k.yaml", NULL },
		{ NOTES("    config.kubernetes.io/origin: |\n      path: b.yaml\n"
			"      repo: https://example.com/r\n      ref: v1\n"),
		  NULL, NULL },
		{ "kind: List\nmetadata: {annotations: {config.kubernetes.io/path: l.yaml}}\n"
		  "items:\n- kind: K\n  spec: {a: {b: [1, 2]}}\n",
		  "l.yaml", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ifx_str text = ifx_str_of(cases[i].text), path;
		struct ifx_problem problem = { 0 };
		struct ifx_arena arena;
		struct ifx_sites sites;
		struct ifx_site site;
		struct ifx_doc *doc;

		ifx_buf_init(&problem.text, 4096);
		ifx_arena_init(&arena, 1 << 20);
		assert_int_equal(ifx_doc_load(&doc, text, &problem), IFX_OK);
		assert_true(ifx_sites_open(&sites, doc, &arena));
		assert_true(ifx_sites_find(&sites, ifx_str_find(text, IFX_LIT("2]")), &site));
		path = ifx_site_field(&site, &arena);
		assert_true(ifx_str_eq(path, IFX_LIT("spec.a.b[1]")));
		path = site.origin.path;
		if (!cases[i].path ? path.len != 0 : !ifx_str_eq(path, ifx_str_of(cases[i].path)))
			fail_msg("case %zu: %.*s", i, IFX_ARG(path));
		assert_true(ifx_str_eq(site.origin.index, ifx_str_of(cases[i].index)));
		ifx_doc_free(doc);
		ifx_arena_release(&arena);
		ifx_buf_release(&problem.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_may_run_out, scratch_enter, scratch_leave),
		cmocka_unit_test(origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
