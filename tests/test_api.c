/* The library as a stranger uses it: through the public header, and one look at memory. */
#include "istio_fix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "scratch.h"

#define HEAD "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n"
#define MOVE                                                                                                     \
	HEAD "  annotations:\n    sidecar.istio.io/rewriteAppHTTPProbers: \"false\" # why\nspec:\n  template:\n" \
	     "    metadata: {}\n"
#define MOVED                                                                                      \
	HEAD "spec:\n  template:\n    metadata:\n      annotations:\n"                             \
	     "        sidecar.istio.io/rewriteAppHTTPProbers: \"false\" # why\n"
#define SERVICE(timeout)                                                                           \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: b}\n"          \
	"spec:\n  http:\n  - timeout: " timeout "\n"
#define BROKEN "metadata:\n  annotations: {sidecar.istio.io/rewriteAppHTTPProbers: [}\n"

/* A sink that remembers, and fails when it is told to. */
struct said {
	char out[1 << 16], err[1 << 16];
	bool fail_out, fail_err;
	int calls;
};

static int remember(char *text, bool fail, const char *bytes, size_t len)
{
	size_t had = strlen(text);

	if (fail)
		return -1;
	assert_true(had + len < 1 << 16);
	memcpy(text + had, bytes, len);
	text[had + len] = '\0';
	return 0;
}

static int say_out(void *data, const char *bytes, size_t len)
{
	struct said *said = data;

	said->calls++;
	return remember(said->out, said->fail_out, bytes, len);
}

static int say_err(void *data, const char *bytes, size_t len)
{
	struct said *said = data;

	said->calls++;
	return remember(said->err, said->fail_err, bytes, len);
}

static struct ifx_config *config_with(const char *const *options)
{
	struct ifx_config *c = ifx_config_new();
	char err[256];

	assert_non_null(c);
	for (; options && *options; options += 2)
		assert_int_equal(ifx_config_set(c, options[0], options[1], err, sizeof(err)), 0);
	return c;
}

/* Fix one text; the answer is compared, NULL: unchanged. What was said is in `said`. */
static int fix(const struct ifx_config *c, const char *text, const char *wanted, struct said *said)
{
	struct ifx_sink sink = { say_out, say_err, said };
	char *after = (char *)(uintptr_t)1;
	size_t len = 1;
	int code;

	memset(said->out, 0, sizeof(said->out));
	memset(said->err, 0, sizeof(said->err));
	code = ifx_fix_text(c, "x.yaml", text, strlen(text), &after, &len, &sink);
	assert_string_equal(said->out, "");
	if (wanted) {
		assert_non_null(after);
		assert_int_equal(len, strlen(wanted));
		assert_memory_equal(after, wanted, len);
	} else {
		assert_null(after);
		assert_int_equal(len, 0);
	}
	ifx_free_text(after);
	return code;
}

static void options_are_set_by_name(void **state)
{
	static const struct {
		const char *name, *value, *error; /* a part of it; NULL: none */
	} cases[] = {
		{ "level", "safe", NULL },
		{ "level", "most", "not 'most'" },
		{ "level", NULL, "wants a value" },
		{ "choose", "a=b,c=d", NULL },
		{ "choose", "a", "RULE=ANSWER" },
		{ "select", "a,b", NULL },
		{ "select", "", "empty" },
		{ "in-place", NULL, NULL },
		{ "fix", NULL, NULL },
		{ "check", NULL, "exclude each other" },
		{ "format", "json", NULL },
		{ "format", "pdf", "not 'pdf'" },
		{ "fail-on", "info", NULL },
		{ "fail-on", "", "not ''" },
		{ "help", NULL, "no option 'help'" },
		{ "nonsense", NULL, "no option 'nonsense'" },
		{ "-i", NULL, "no option '-i'" },
		{ "", NULL, "no option ''" },
	};
	struct ifx_config *c = config_with(NULL);
	char err[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int got = ifx_config_set(c, cases[i].name, cases[i].value, err, sizeof(err));

		assert_int_equal(got, cases[i].error ? -1 : 0);
		if (cases[i].error && !strstr(err, cases[i].error))
			fail_msg("%s: %s", cases[i].name, err);
		assert_null(strchr(err, '\n'));
	}
	assert_int_equal(ifx_config_set(c, "level", "most", err, 4), -1);
	assert_int_equal(strlen(err), 3);
	assert_int_equal(ifx_config_set(c, "level", "most", NULL, 0), -1);
	ifx_config_free(c);
	ifx_config_free(NULL);
}

static void a_command_line_is_read(void **state)
{
	static const struct {
		const char *args[8];
		int code;
		const char *paths[4];
		const char *out, *err; /* a part of it; NULL: nothing may be said */
	} cases[] = {
		{ { "a", "-q", "b" }, -1, { "a", "b" }, NULL, NULL },
		{ { "a", "--level", "all", "b", "-vf", "json", "c" },
		  -1,
		  { "a", "b", "c" },
		  NULL,
		  NULL },
		{ { "-i", "--", "-a", "b" }, -1, { "-a", "b" }, NULL, NULL },
		{ { "-", "-q" }, -1, { "-" }, NULL, NULL },
		{ { "rules" }, -1, { NULL }, NULL, NULL },
		{ { "-h" }, 0, { NULL }, "--in-place", NULL },
		{ { "-Vx" }, 0, { NULL }, "istio-fix ", NULL },
		{ { "-i" }, 2, { NULL }, NULL, "--in-place wants a path" },
		{ { "-y" }, 2, { NULL }, NULL, "'-y'" },
		{ { "-i", "-c", "a" }, 2, { "a" }, NULL, "exclude each other" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct said said = { 0 };
		struct ifx_sink sink = { say_out, say_err, &said };
		struct ifx_config *c = config_with(NULL);
		char *argv[10] = { (char *)(uintptr_t) "istio-fix" };
		int argc = 1, first = 0, code;

		for (; cases[i].args[argc - 1]; argc++)
			argv[argc] = (char *)(uintptr_t)cases[i].args[argc - 1];
		code = ifx_config_parse(c, argc, argv, &first, &sink);
		assert_int_equal(code, cases[i].code);
		for (int p = 0; code < 0 && p < argc - first; p++)
			assert_string_equal(argv[first + p], cases[i].paths[p]);
		if (code < 0)
			assert_null(cases[i].paths[argc - first]);
		assert_true(cases[i].out ? strstr(said.out, cases[i].out) != NULL : !said.out[0]);
		assert_true(cases[i].err ? strstr(said.err, cases[i].err) != NULL : !said.err[0]);
		ifx_config_free(c);
	}
}

static void no_arguments_at_all(void **state)
{
	struct said said = { 0 };
	struct ifx_sink sink = { say_out, say_err, &said };
	struct ifx_config *c = config_with(NULL);
	char *argv[] = { NULL };
	int first = -1;

	(void)state;
	if (isatty(STDIN_FILENO))
		skip();
	assert_int_equal(ifx_config_parse(c, 0, argv, &first, &sink), -1);
	assert_int_equal(first, 0);
	ifx_config_free(c);
}

static void texts_are_fixed_one_after_the_other(void **state)
{
	struct ifx_config *c = config_with(NULL);
	struct said said = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fix(c, MOVE, MOVED, &said), IFX_EXIT_OK);
		assert_string_equal(said.err, "");
		assert_int_equal(fix(c, MOVED, NULL, &said), IFX_EXIT_OK);
		assert_int_equal(fix(c, SERVICE("1m30s"), SERVICE("90s"), &said), IFX_EXIT_OK);
		assert_int_equal(
			fix(c, HEAD "  annotations: {sidecar.istio.io/interceptionMode: 'x'}\n",
			    NULL, &said),
			IFX_EXIT_OK);
		assert_non_null(strstr(said.err, "x.yaml:5:17: "));
		assert_int_equal(fix(c, BROKEN, NULL, &said), IFX_EXIT_FAILED);
		assert_non_null(strstr(said.err, "x.yaml:2:"));
		assert_int_equal(fix(c, "", NULL, &said), IFX_EXIT_OK);
	}
	ifx_config_free(c);
}

/* Modes say what happens to files; there is no file here. */
static void a_mode_does_not_matter_to_a_text(void **state)
{
	static const char *const modes[] = { "in-place", "check", "diff", "list" };
	struct said said = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		const char *const options[] = { modes[i], NULL, NULL };
		struct ifx_config *c = config_with(options);

		assert_int_equal(fix(c, MOVE, MOVED, &said), IFX_EXIT_OK);
		ifx_config_free(c);
	}
}

static void a_text_may_hold_zeros(void **state)
{
	static const char text[] = "sidecar.istio.io/rewriteAppHTTPProbers: \"a\0b\"\n";
	struct said said = { 0 };
	struct ifx_sink sink = { say_out, say_err, &said };
	struct ifx_config *c = config_with(NULL);
	size_t len;
	char *after;

	(void)state;
	assert_int_equal(ifx_fix_text(c, "x.yaml", text, sizeof(text) - 1, &after, &len, &sink),
			 IFX_EXIT_FAILED);
	assert_null(after);
	assert_non_null(strstr(said.err, "x.yaml:1:"));
	ifx_config_free(c);
}

static void two_configurations_know_nothing_of_each_other(void **state)
{
	static const char *const moves[] = { "select", "misplaced-annotation", NULL };
	static const char *const none[] = { "level", "safe", "fail-on", "warning", NULL };
	struct ifx_config *a = config_with(moves), *b = config_with(none);
	struct said said = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fix(a, MOVE, MOVED, &said), IFX_EXIT_OK);
		assert_int_equal(fix(b, MOVE, NULL, &said), IFX_EXIT_FOUND);
		assert_int_equal(fix(a, SERVICE("1m30s"), NULL, &said), IFX_EXIT_OK);
		assert_int_equal(fix(b, SERVICE("1m30s"), SERVICE("90s"), &said), IFX_EXIT_OK);
	}
	ifx_config_free(a);
	ifx_config_free(b);
}

struct job {
	const char *before, *after;
	bool ok;
};

static int ignore(void *data, const char *bytes, size_t len)
{
	(void)data;
	(void)bytes;
	(void)len;
	return 0;
}

/* cmocka's asserts belong to the main thread. */
static void *work(void *data)
{
	struct ifx_sink sink = { ignore, ignore, NULL };
	struct job *job = data;
	struct ifx_config *c = ifx_config_new();

	job->ok = c != NULL;
	for (int i = 0; job->ok && i < 20; i++) {
		char *after;
		size_t len;

		job->ok = ifx_fix_text(c, "x", job->before, strlen(job->before), &after, &len,
				       &sink) == IFX_EXIT_OK &&
			  after && len == strlen(job->after) && !memcmp(after, job->after, len);
		ifx_free_text(after);
	}
	ifx_config_free(c);
	return NULL;
}

static void two_threads(void **state)
{
	struct job jobs[] = { { MOVE, MOVED, false }, { SERVICE("1m30s"), SERVICE("90s"), false } };
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(jobs[0].ok && jobs[1].ok);
}

static void a_sink_that_fails_is_a_failure(void **state)
{
	static const char *const verbose[] = { "verbose", NULL, NULL };
	struct said said = { .fail_err = true };
	struct ifx_config *c = config_with(verbose);

	(void)state;
	assert_int_equal(fix(c, MOVE, NULL, &said), IFX_EXIT_FAILED);
	assert_true(said.calls > 0);
	ifx_config_free(c);
}

/* Nothing is written behind a hole in the output. */
static void nothing_follows_a_lost_piece(void **state)
{
	struct said said = { .fail_out = true };
	struct ifx_sink sink = { say_out, say_err, &said };
	struct ifx_config *c = config_with(NULL);
	char *const rules[] = { (char *)(uintptr_t) "testdata/demo" };

	(void)state;
	assert_int_equal(ifx_run(c, rules, 1, &sink), IFX_EXIT_FAILED);
	assert_int_equal(said.calls, 2); /* one that failed, and the summary */
	ifx_config_free(c);
}

static void names_need_no_file(void **state)
{
	struct ifx_config *c = config_with(NULL);
	struct said said = { 0 };
	struct ifx_sink sink = { say_out, say_err, &said };
	char *after;
	size_t len;

	(void)state;
	assert_int_equal(
		ifx_fix_text(c, "a\nb/templates/x", BROKEN, strlen(BROKEN), &after, &len, &sink),
		IFX_EXIT_FAILED);
	assert_non_null(strstr(said.err, "a\\nb/templates/x:2:"));
	ifx_config_free(c);
}

static void the_version_is_a_version(void **state)
{
	int a, b, c;

	(void)state;
	assert_int_equal(sscanf(ifx_version(), "%d.%d.%d", &a, &b, &c), 3);
}

/*
 * The first allocation fails, then the second, and so on until all are there. Each time the answer
 * is the right one, or none and exit code 2 with a word why. libfyaml allocates by itself and is
 * not part of this.
 */
static void memory_may_run_out_at_any_time(void **state)
{
	static const char before[] = MOVE "---\n" SERVICE(
		"1m30s") "---\n" HEAD "  annotations: {sidecar.istio.io/interceptionMode: 'x'}\n";
	static const char wanted[] = MOVED
		"---\n" SERVICE("90s") "---\n" HEAD
				       "  annotations: {sidecar.istio.io/interceptionMode: 'x'}\n";
	struct ifx_config *c = config_with(NULL);
	unsigned long nth = 0;
	bool failed;

	(void)state;
	do {
		struct said *said = calloc(1, sizeof(*said));
		struct ifx_sink sink = { say_out, say_err, said };
		size_t len;
		char *after;
		int code;

		assert_non_null(said);
		ifx_alloc_fail_at(++nth);
		code = ifx_fix_text(c, "x", before, sizeof(before) - 1, &after, &len, &sink);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		if (code == IFX_EXIT_FAILED) {
			if (after || !said->err[0])
				fail_msg("allocation %lu: %s", nth, said->err);
		} else if (code != IFX_EXIT_OK || !after || len != sizeof(wanted) - 1 ||
			   memcmp(after, wanted, len) != 0) {
			fail_msg("allocation %lu: exit %d, %s\n%s", nth, code, said->err,
				 after ? after : "no answer");
		}
		if (!failed)
			assert_int_equal(code, IFX_EXIT_OK);
		ifx_free_text(after);
		free(said);
	} while (failed);
	assert_true(nth > 50);
	ifx_config_free(c);
}

static void a_configuration_may_find_no_memory(void **state)
{
	bool failed;

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct said said = { 0 };
		struct ifx_sink sink = { say_out, say_err, &said };
		char *argv[] = { (char *)(uintptr_t) "istio-fix",
				 (char *)(uintptr_t) "--choose=a=b",
				 (char *)(uintptr_t) "-sx,y",
				 (char *)(uintptr_t) "--exclude=z",
				 (char *)(uintptr_t) "--stdin-filename=n",
				 (char *)(uintptr_t) "p",
				 NULL };
		struct ifx_config *c;
		int first, code = IFX_EXIT_FAILED;

		ifx_alloc_fail_at(nth);
		c = ifx_config_new();
		if (c)
			code = ifx_config_parse(c, 6, argv, &first, &sink);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		assert_int_equal(code, failed ? IFX_EXIT_FAILED : -1);
		ifx_config_free(c);
		if (!failed)
			break;
	}
}

/* The same with files: each is what it was or what it should be, and nothing else is there. */
static void memory_may_run_out_between_files(void **state)
{
	static const char *const in_place[] = { "in-place", NULL, NULL };
	struct ifx_config *c = config_with(in_place);
	char *const paths[] = { (char *)(uintptr_t) ".", NULL };
	bool failed;

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct said *said = calloc(1, sizeof(*said));
		struct ifx_sink sink = { say_out, say_err, said };
		int code, fixed = 0;

		assert_non_null(said);
		scratch_puts("a.yaml", MOVE);
		scratch_puts("b.yaml", MOVE);
		ifx_alloc_fail_at(nth);
		code = ifx_run(c, paths, 1, &sink);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		for (int i = 0; i < 2; i++) {
			const char *name = i ? "b.yaml" : "a.yaml";

			if (scratch_holds(name, MOVED, sizeof(MOVED) - 1))
				fixed++;
			else
				assert_true(scratch_holds(name, MOVE, sizeof(MOVE) - 1));
		}
		if (code == IFX_EXIT_FAILED)
			assert_non_null(strstr(said->err, "error: "));
		else if (code != IFX_EXIT_OK || fixed != 2)
			fail_msg("allocation %lu: exit %d, %d fixed, %s", nth, code, fixed,
				 said->err);
		assert_int_equal(scratch_run("test \"$(ls -A | tr '\\n' ' ')\" = 'a.yaml b.yaml '"),
				 0);
		free(said);
		if (!failed) {
			assert_int_equal(code, IFX_EXIT_OK);
			break;
		}
	}
	ifx_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_set_by_name),
		cmocka_unit_test(a_command_line_is_read),
		cmocka_unit_test(no_arguments_at_all),
		cmocka_unit_test(texts_are_fixed_one_after_the_other),
		cmocka_unit_test(a_mode_does_not_matter_to_a_text),
		cmocka_unit_test(a_text_may_hold_zeros),
		cmocka_unit_test(two_configurations_know_nothing_of_each_other),
		cmocka_unit_test(two_threads),
		cmocka_unit_test(a_sink_that_fails_is_a_failure),
		cmocka_unit_test(nothing_follows_a_lost_piece),
		cmocka_unit_test(names_need_no_file),
		cmocka_unit_test(the_version_is_a_version),
		cmocka_unit_test(memory_may_run_out_at_any_time),
		cmocka_unit_test_setup_teardown(memory_may_run_out_between_files, scratch_enter,
						scratch_leave),
		cmocka_unit_test(a_configuration_may_find_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
