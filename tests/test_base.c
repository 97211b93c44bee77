#include <setjmp.h>
#include <stdarg.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

static void strings_compare(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
		bool ieq, starts, ends;
	} cases[] = {
		{ "", "", 0, true, true, true },
		{ "a", "", 1, false, true, true },
		{ "", "a", -1, false, false, false },
		{ "abc", "abd", -1, false, false, false },
		{ "abc", "ab", 1, false, true, false },
		{ "abc", "bc", -1, false, false, true },
		{ "ABC", "abc", -1, true, false, false },
		{ "[", "{", -1, false, false, false },   /* 0x5b and 0x7b are no letters */
		{ "\xff", "a", 1, false, false, false }, /* bytes, not signed chars */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ifx_str a = ifx_str_of(cases[i].a), b = ifx_str_of(cases[i].b);
		int c = ifx_str_cmp(a, b);

		assert_int_equal((c > 0) - (c < 0), cases[i].order);
		assert_int_equal(ifx_str_eq(a, b), cases[i].order == 0);
		assert_int_equal(ifx_str_ieq(a, b), cases[i].ieq);
		assert_int_equal(ifx_str_starts(a, b), cases[i].starts);
		assert_int_equal(ifx_str_ends(a, b), cases[i].ends);
	}
	assert_true(ifx_str_eq(IFX_NONE, IFX_LIT("")));
	assert_int_equal(ifx_str_cmp(IFX_NONE, IFX_LIT("")), 0);
	assert_int_equal(ifx_str_of(NULL).len, 0);
}

static void strings_are_searched(void **state)
{
	ifx_str s = IFX_LIT("a:\0b:c");

	(void)state;
	assert_int_equal(ifx_str_chr(s, ':'), 1);
	assert_int_equal(ifx_str_chr(s, '\0'), 2);
	assert_int_equal(ifx_str_chr(s, 'x'), SIZE_MAX);
	assert_int_equal(ifx_str_chr(IFX_NONE, 'x'), SIZE_MAX);
	assert_int_equal(ifx_str_find(s, IFX_LIT("b:")), 3);
	assert_int_equal(ifx_str_find(s, IFX_LIT("")), 0);
	assert_int_equal(ifx_str_find(s, IFX_LIT("d")), SIZE_MAX);
	assert_int_equal(ifx_str_find(IFX_NONE, IFX_LIT("d")), SIZE_MAX);
}

static void strings_are_trimmed(void **state)
{
	static const struct {
		const char *text, *trimmed;
	} cases[] = {
		{ "", "" }, { " \t\r\n", "" }, { " a b\n", "a b" }, { "a", "a" }, { "\va", "\va" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_true(ifx_str_eq(ifx_str_trim(ifx_str_of(cases[i].text)),
				       ifx_str_of(cases[i].trimmed)));
}

static void strings_are_split(void **state)
{
	static const struct {
		const char *text, *pieces[4];
	} cases[] = {
		{ "", { "" } },
		{ "a", { "a" } },
		{ "a,b", { "a", "b" } },
		{ ",", { "", "" } },
		{ "a,,b", { "a", "", "b" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ifx_str rest = ifx_str_of(cases[i].text), piece;
		size_t n = 0;

		for (; ifx_str_split(&rest, ',', &piece); n++) {
			assert_non_null(cases[i].pieces[n]);
			assert_true(ifx_str_eq(piece, ifx_str_of(cases[i].pieces[n])));
		}
		assert_null(cases[i].pieces[n]);
	}
}

static void buffers_grow_to_their_ceiling(void **state)
{
	struct ifx_buf buf;

	(void)state;
	ifx_buf_init(&buf, 10);
	assert_string_equal(ifx_buf_str(&buf).ptr, "");
	ifx_buf_add(&buf, IFX_LIT("a"));
	ifx_buf_addc(&buf, 'b');
	ifx_buf_fill(&buf, '.', 3);
	ifx_buf_addf(&buf, "%d-%s", 12, "z");
	assert_string_equal(buf.data, "ab...12-z");
	ifx_buf_addc(&buf, '!');
	assert_int_equal(ifx_buf_status(&buf), IFX_OK);
	/* one too many: nothing is added, and from now on nothing works */
	ifx_buf_addc(&buf, '?');
	assert_int_equal(ifx_buf_status(&buf), IFX_ENOMEM);
	assert_string_equal(buf.data, "ab...12-z!");
	ifx_buf_add(&buf, IFX_LIT(""));
	assert_int_equal(ifx_buf_status(&buf), IFX_ENOMEM);
	ifx_buf_clear(&buf);
	ifx_buf_add(&buf, IFX_LIT("again"));
	assert_int_equal(ifx_buf_status(&buf), IFX_OK);
	assert_string_equal(buf.data, "again");
	ifx_buf_addf(&buf, "%s", "too long");
	assert_int_equal(ifx_buf_status(&buf), IFX_ENOMEM);
	assert_string_equal(buf.data, "again");
	ifx_buf_release(&buf);
	ifx_buf_release(&buf);
}

static void arenas_keep_until_the_end(void **state)
{
	struct ifx_arena arena;
	char *blocks[200];
	ifx_str copy;

	(void)state;
	ifx_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < 200; i++) {
		size_t len = i * 37 % 5000 + 1;

		blocks[i] = ifx_arena_alloc(&arena, len);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k < len; k++)
			assert_int_equal(blocks[i][k], 0);
		memset(blocks[i], (int)i, len);
	}
	for (size_t i = 0; i < 200; i++)
		assert_int_equal((unsigned char)blocks[i][i * 37 % 5000], i);
	copy = ifx_arena_copy(&arena, IFX_LIT("a\0b"));
	assert_int_equal(copy.len, 3);
	assert_memory_equal(copy.ptr, "a\0b", 4);
	assert_string_equal(ifx_arena_copy(&arena, IFX_NONE).ptr, "");
	copy = ifx_arena_printf(&arena, "%s=%d", "x", 7);
	assert_int_equal(copy.len, 3);
	assert_string_equal(copy.ptr, "x=7");
	/* the ceiling */
	assert_null(ifx_arena_alloc(&arena, 1 << 20));
	assert_null(ifx_arena_alloc(&arena, SIZE_MAX));
	assert_null(ifx_arena_copy(&arena, (ifx_str){ copy.ptr, (size_t)1 << 40 }).ptr);
	assert_non_null(ifx_arena_alloc(&arena, 1));
	ifx_arena_release(&arena);
	ifx_arena_release(&arena);
}

static void nothing_is_something_in_an_arena(void **state)
{
	struct ifx_arena arena;

	(void)state;
	ifx_arena_init(&arena, 100);
	assert_non_null(ifx_arena_alloc(&arena, 0));
	ifx_arena_release(&arena);
}

static void arrays_double(void **state)
{
	size_t cap = 0;
	int *array = NULL, *bigger;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		bigger = ifx_grow(array, &cap, i + 1, sizeof(*array));
		assert_non_null(bigger);
		array = bigger;
		assert_true(cap > i);
		array[i] = (int)i;
	}
	assert_int_equal(cap, 1024);
	assert_int_equal(array[999], 999);
	assert_null(ifx_grow(array, &cap, SIZE_MAX, sizeof(*array)));
	assert_null(ifx_grow(array, &cap, SIZE_MAX / 2, sizeof(*array)));
	assert_int_equal(cap, 1024);
	ifx_free(array);
	ifx_free(NULL);
}

static void a_planned_failure_comes_once(void **state)
{
	struct ifx_buf buf;
	struct ifx_arena arena;
	void *p;

	(void)state;
	ifx_alloc_fail_at(2);
	p = ifx_calloc(1, 1);
	assert_non_null(p);
	assert_false(ifx_alloc_failed());
	assert_null(ifx_realloc(p, 2));
	assert_true(ifx_alloc_failed());
	ifx_free(p);
	ifx_buf_init(&buf, 100);
	ifx_arena_init(&arena, 100);
	ifx_alloc_fail_at(1);
	ifx_buf_addc(&buf, 'a');
	assert_int_equal(ifx_buf_status(&buf), IFX_ENOMEM);
	ifx_alloc_fail_at(1);
	assert_null(ifx_arena_printf(&arena, "%d", 1).ptr);
	ifx_alloc_fail_at(0);
	assert_string_equal(ifx_arena_printf(&arena, "%d", 1).ptr, "1");
	ifx_buf_release(&buf);
	ifx_arena_release(&arena);
}

static void json_strings_are_always_valid(void **state)
{
	static const struct {
		ifx_str text;
		const char *json;
	} cases[] = {
		{ { "", 0 }, "\"\"" },
		{ { "a\"b\\c/", 6 }, "\"a\\\"b\\\\c/\"" },
		{ { "\n\r\t\0\x1f\x7f", 6 }, "\"\\n\\r\\t\\u0000\\u001f\\u007f\"" },
		{ { "\xc3\xa4\xf0\x9f\x98\x80", 6 }, "\"\xc3\xa4\xf0\x9f\x98\x80\"" },
		/* lone, cut off, too long, a surrogate, beyond the last: one mark per byte */
		{ { "\xff", 1 }, "\"\xef\xbf\xbd\"" },
		{ { "a\xc3", 2 }, "\"a\xef\xbf\xbd\"" },
		{ { "\xc0\xaf", 2 }, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ { "\xed\xa0\x80", 3 }, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ { "\xf4\x90\x80\x80x", 5 },
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"" },
		{ { "\x80", 1 }, "\"\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_buf out;

		ifx_buf_init(&out, 1000);
		ifx_buf_add_json(&out, cases[i].text);
		assert_string_equal(out.data, cases[i].json);
		ifx_buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_compare),
		cmocka_unit_test(strings_are_searched),
		cmocka_unit_test(strings_are_trimmed),
		cmocka_unit_test(strings_are_split),
		cmocka_unit_test(buffers_grow_to_their_ceiling),
		cmocka_unit_test(arenas_keep_until_the_end),
		cmocka_unit_test(nothing_is_something_in_an_arena),
		cmocka_unit_test(arrays_double),
		cmocka_unit_test(a_planned_failure_comes_once),
		cmocka_unit_test(json_strings_are_always_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
