#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ambient.h"

#include "ambient/evidence.h"

#include <unistd.h>

/* --- the worked examples ---------------------------------------------------------------------- */

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;
	char *text;

	if (!f)
		return NULL;
	text = test_malloc(1 << 20);
	n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static void show(const struct ifx_evidence *e)
{
	struct ifx_buf out;

	ifx_buf_init(&out, 1 << 20);
	for (const struct ifx_evidence_row *row = e->rows; row; row = row->next) {
		ifx_buf_addf(&out, "%u [%zu] ", row->breaks, row->n);
		ifx_evidence_say(&out, row);
		ifx_buf_addc(&out, '\n');
	}
	print_message("%.*s", IFX_ARG(ifx_buf_str(&out)));
	ifx_buf_release(&out);
}

static void compare_files(const char *before, const char *after)
{
	struct fixture *a = test_calloc(1, sizeof(*a)), *b = test_calloc(1, sizeof(*b));
	char *text_a = read_file(before), *text_b = read_file(after);
	struct ifx_arena arena;
	struct ifx_evidence e;

	assert_non_null(text_a);
	assert_non_null(text_b);
	fx_load(a, text_a);
	fx_load(b, text_b);
	ifx_arena_init(&arena, (size_t)1 << 30);
	assert_int_equal(ifx_evidence_find(&e, &a->mesh, &b->mesh, NULL, &arena), IFX_OK);
	if (getenv("SHOW"))
		show(&e);
	if (e.counter_example) {
		struct ifx_buf out;

		ifx_buf_init(&out, 1 << 20);
		ifx_evidence_say(&out, e.counter_example);
		print_error("%s: %.*s\n", after, IFX_ARG(ifx_buf_str(&out)));
		ifx_buf_release(&out);
		fail();
	}
	assert_int_equal(e.n_sampled, 0);
	ifx_arena_release(&arena);
	fx_free(a);
	fx_free(b);
	test_free(text_a);
	test_free(text_b);
	test_free(a);
	test_free(b);
}

#define EXAMPLES "../shared/ambient/examples/"

static void need_examples(void)
{
	if (access(EXAMPLES "README.md", R_OK)) {
		print_message("skipped: " EXAMPLES " is not here\n");
		skip();
	}
}

static void the_worked_examples_keep_their_promise(void **state)
{
	static const char *const names[] = {
		"02-revision-label",
		"05-l4-policy",
		"06-l7-policy",
		"07-custom-policy",
		"09-cross-namespace-waypoint",
		"11-default-deny",
		"15-negative-l4-match",
	};

	(void)state;
	need_examples();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char before[200], after[200];

		snprintf(before, sizeof(before), EXAMPLES "%s/before.yaml", names[i]);
		snprintf(after, sizeof(after), EXAMPLES "%s/after.yaml", names[i]);
		compare_files(before, after);
	}
}

/* Each phase against the one before; only `web` and `billing`, who are ambient, call. */
static void each_phase_keeps_the_promise(void **state)
{
	static const char *const phases[] = { "before", "phases/1-prepare", "phases/2-bind",
					      "phases/3-enroll", "phases/4-cleanup" };

	(void)state;
	need_examples();
	for (size_t i = 1; i < sizeof(phases) / sizeof(*phases); i++) {
		char before[200], after[200];

		snprintf(before, sizeof(before), EXAMPLES "06-l7-policy/%s.yaml", phases[i - 1]);
		snprintf(after, sizeof(after), EXAMPLES "06-l7-policy/%s.yaml", phases[i]);
		compare_files(before, after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worked_examples_keep_their_promise),
		cmocka_unit_test(each_phase_keeps_the_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
