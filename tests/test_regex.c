#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/regex.h"

static struct ifx_regex *compile(const char *pattern, unsigned flags, bool glob)
{
	struct ifx_regex *re = NULL;
	struct ifx_buf err;
	ifx_status st;

	ifx_buf_init(&err, 1000);
	st = glob ? ifx_regex_glob(&re, ifx_str_of(pattern), &err)
		  : ifx_regex_new(&re, ifx_str_of(pattern), flags, &err);
	if (st != IFX_OK)
		fail_msg("%s: %s", pattern, ifx_buf_str(&err).ptr);
	ifx_buf_release(&err);
	return re;
}

static void patterns_match_the_whole_subject(void **state)
{
	static const struct {
		const char *pattern;
		unsigned flags;
		const char *subject;
		bool matches;
	} cases[] = {
		{ "a+", 0, "aaa", true },
		{ "a+", 0, "aab", false },
		{ "a+", 0, "baa", false },
		{ "", 0, "", true },
		{ "a*", 0, "", true },
		{ "a|ab", 0, "ab", true }, /* tries the longer one as well */
		{ "a$", 0, "a\n", false },
		{ "abc", 0, "ABC", false },
		{ "abc", IFX_REGEX_ICASE, "aBC", true },
		{ ".", 0, "\xc3\xa4", false }, /* two bytes */
		{ ".", IFX_REGEX_UTF, "\xc3\xa4", true },
		{ "[0-9]+(ms|s|m|h)", 0, "15ms", true },
	};

	(void)state;
	/* With and without machine code: the answers must be the same. */
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		unsigned jit = i % 2 ? IFX_REGEX_JIT : 0;
		struct ifx_regex *re =
			compile(cases[i / 2].pattern, cases[i / 2].flags | jit, false);

		assert_int_equal(ifx_regex_match(re, ifx_str_of(cases[i / 2].subject), NULL),
				 cases[i / 2].matches);
		ifx_regex_free(re);
	}
}

static void globs_stop_at_slashes(void **state)
{
	static const struct {
		const char *glob, *subject;
		bool matches;
	} cases[] = {
		{ "*.yaml", "a.yaml", true },
		{ "*.yaml", "a/b.yaml", false },
		{ "**/*.yaml", "a/b/c.yaml", true },
		{ "a/*/c", "a/b/c", true },
		{ "a/*/c", "a/b/b/c", false },
		{ "?.yaml", "a.yaml", true },
		{ "a?b", "a/b", false },
		{ "[a-c]x", "bx", true },
		{ "[!a-c]x", "bx", false },
		{ "a.b", "axb", false },
		{ "sidecar.istio.io/*", "sidecar.istio.io/inject", true },
		{ "a/**", "a/b/c", true },
		{ "**", "a/b", true },
		{ "a/**/b", "a/b", true },
		{ "a/**/b", "a/x/y/b", true },
		{ "a/**/b", "xa/b", false },
		{ "a\\*", "a*", true },
		{ "a\\*", "ab", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_regex *re = compile(cases[i].glob, 0, true);

		if (ifx_regex_match(re, ifx_str_of(cases[i].subject), NULL) != cases[i].matches)
			fail_msg("%s on %s", cases[i].glob, cases[i].subject);
		ifx_regex_free(re);
	}
}

static void groups_are_reported(void **state)
{
	struct ifx_regex *re = compile("(a)|(b)(c)?", 0, false);
	ifx_str groups[IFX_REGEX_GROUPS];

	(void)state;
	assert_true(ifx_regex_match(re, IFX_LIT("a"), groups));
	assert_true(ifx_str_eq(groups[0], IFX_LIT("a")));
	assert_true(ifx_str_eq(groups[1], IFX_LIT("a")));
	assert_null(groups[2].ptr);
	assert_null(groups[9].ptr);
	assert_true(ifx_regex_match(re, IFX_LIT("bc"), groups));
	assert_null(groups[1].ptr);
	assert_true(ifx_str_eq(groups[3], IFX_LIT("c")));
	ifx_regex_free(re);

	/* more groups than are reported */
	re = compile("(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(b)", 0, false);
	assert_true(ifx_regex_match(re, IFX_LIT("aaaaaaaaaab"), groups));
	assert_true(ifx_str_eq(groups[9], IFX_LIT("a")));
	ifx_regex_free(re);
}

static void subjects_may_hold_nul_or_be_nothing(void **state)
{
	struct ifx_regex *re = compile("a\\x00?b?|", 0, false);

	(void)state;
	assert_true(ifx_regex_match(re, IFX_LIT("a\0b"), NULL));
	assert_true(ifx_regex_match(re, IFX_NONE, NULL));
	ifx_regex_free(re);
	ifx_regex_free(NULL);
}

static void wrong_patterns_say_where(void **state)
{
	struct ifx_regex *re = NULL;
	struct ifx_buf err;

	(void)state;
	ifx_buf_init(&err, 1000);
	assert_int_equal(ifx_regex_new(&re, IFX_LIT("ab(c"), 0, &err), IFX_EINVAL);
	assert_string_equal(err.data, "missing closing parenthesis at offset 4");
	assert_null(re);
	ifx_buf_clear(&err);
	assert_int_equal(ifx_regex_glob(&re, IFX_LIT("a[b"), &err), IFX_EINVAL);
	assert_true(err.len > 0);
	assert_null(re);
	ifx_buf_release(&err);
}

/* Fails by the test's time limit when the match limit does not hold. */
static void matching_ends(void **state)
{
	static const char *const patterns[] = { "(a+)+b", "(a|aa)*c", "(.*)*x",
						"(a*)*(a*)*(a*)*b" };
	struct ifx_buf subject;

	(void)state;
	ifx_buf_init(&subject, 1 << 20);
	ifx_buf_fill(&subject, 'a', 100000);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		struct ifx_regex *re = compile(patterns[i], 0, false);

		assert_false(ifx_regex_match(re, ifx_buf_str(&subject), NULL));
		ifx_regex_free(re);
	}
	ifx_buf_release(&subject);
}

static void out_of_memory_is_survived(void **state)
{
	unsigned long n = 0;
	int failed;

	(void)state;
	do {
		struct ifx_regex *re = NULL;
		struct ifx_buf err;
		ifx_status st;

		ifx_buf_init(&err, 1000);
		ifx_alloc_fail_at(++n);
		st = ifx_regex_new(&re, IFX_LIT("(a|b)+[c-e]"), 0, &err);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		assert_int_equal(st, failed ? IFX_ENOMEM : IFX_OK);
		if (st == IFX_OK)
			assert_true(ifx_regex_match(re, IFX_LIT("abd"), NULL));
		ifx_regex_free(re);
		ifx_buf_release(&err);
	} while (failed);
}

static void a_long_subject_is_more_than_the_jit_stack_holds(void **state)
{
	static char subject[1 << 20];
	struct ifx_regex *re = compile("(?:x|y)*", IFX_REGEX_JIT, false);

	(void)state;
	memset(subject, 'x', 20000);
	assert_true(ifx_regex_match(re, (ifx_str){ subject, 20000 }, NULL));
	ifx_regex_free(re);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_subject_is_more_than_the_jit_stack_holds),
		cmocka_unit_test(patterns_match_the_whole_subject),
		cmocka_unit_test(globs_stop_at_slashes),
		cmocka_unit_test(groups_are_reported),
		cmocka_unit_test(subjects_may_hold_nul_or_be_nothing),
		cmocka_unit_test(wrong_patterns_say_where),
		cmocka_unit_test(matching_ends),
		cmocka_unit_test(out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
