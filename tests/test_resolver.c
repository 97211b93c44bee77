/* The resolver says what realpath says, whatever was asked before. */
#include "io/resolver.h"

#include "io/files.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "scratch.h"

static void make(void)
{
	assert_int_equal(mkdir("a", 0755), 0);
	assert_int_equal(mkdir("a/b", 0755), 0);
	assert_int_equal(mkdir("ab", 0755), 0);
	assert_int_equal(mkdir("ab/b", 0755), 0);
	assert_int_equal(symlink("../ab", "a/link"), 0);
	assert_int_equal(symlink("a/b", "b"), 0);
	assert_int_equal(symlink("x.yaml", "a/b/y.yaml"), 0);
	scratch_puts("a/b/x.yaml", "");
	scratch_puts("ab/b/x.yaml", "");
	scratch_puts("x.yaml", "");
}

static void it_agrees_with_realpath_in_any_order(void **state)
{
	static const char *const paths[] = {
		"x.yaml",         "a/b/x.yaml", "a/b/y.yaml", "a/link/b/x.yaml", "b/x.yaml",
		"ab/b/x.yaml",    "a/b",        "a",          "./a/b/x.yaml",    "a//b/x.yaml",
		"a/../x.yaml",    "nowhere",    "a/nowhere",  "a/b/x.yaml/z",    "b",
		"ab/../b/x.yaml", ".",          "a/b/",
	};
	enum { N = sizeof(paths) / sizeof(*paths) };
	struct ifx_buf expected, actual, absolute;
	struct ifx_resolver r;
	uint32_t seed = 7;

	(void)state;
	make();
	ifx_buf_init(&expected, 1 << 16);
	ifx_buf_init(&actual, 1 << 16);
	ifx_buf_init(&absolute, 1 << 16);
	ifx_resolver_init(&r);
	for (int i = 0; i < 5000; i++) {
		const char *path;
		ifx_status st;

		seed = seed * 1664525 + 1013904223;
		path = paths[(seed >> 8) % N];
		if (seed >> 31) {
			ifx_buf_clear(&absolute);
			ifx_buf_addf(&absolute, "%s/%s", scratch_dir, path);
			path = absolute.data;
		}
		st = ifx_path_resolve(&expected, path);
		assert_int_equal(ifx_resolver_resolve(&r, &actual, path), st);
		if (st == IFX_OK)
			assert_string_equal(actual.data, expected.data);
	}
	ifx_resolver_release(&r);
	ifx_buf_release(&expected);
	ifx_buf_release(&actual);
	ifx_buf_release(&absolute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_agrees_with_realpath_in_any_order, scratch_enter,
						scratch_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
