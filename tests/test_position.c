#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "report/position.h"

static void positions_count_from_one(void **state)
{
	static const struct {
		const char *text;
		size_t at, line, column;
	} cases[] = {
		{ "", 0, 1, 1 },
		{ "ab\ncd\n", 0, 1, 1 },
		{ "ab\ncd\n", 2, 1, 3 }, /* the line end itself */
		{ "ab\ncd\n", 3, 2, 1 },
		{ "ab\ncd\n", 6, 3, 1 },
		{ "ab\ncd\n", 99, 3, 1 },
		{ "ab\r\ncd", 5, 2, 2 },
		{ "a\rb", 2, 1, 3 },
		{ "\xc3\xa4\xe2\x82\xac"
		  "b",
		  5, 1, 3 }, /* code points, not bytes */
		{ "\xc3\xa4\xe2\x82\xac"
		  "b",
		  3, 1, 2 }, /* inside one: where it starts */
		{ "\xef\xbb\xbf"
		  "ab",
		  3, 1, 1 }, /* a byte order mark takes no room */
		{ "\xef\xbb\xbf"
		  "ab",
		  4, 1, 2 },
		{ "\xef\xbb\xbf"
		  "ab",
		  0, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_position p = ifx_position(ifx_str_of(cases[i].text), cases[i].at);

		assert_int_equal(p.line, cases[i].line);
		assert_int_equal(p.column, cases[i].column);
	}
}

/* Some 40 kB in which characters of one to four bytes and line ends come in no order. */
static void add_mixture(struct ifx_buf *text)
{
	static const char *const pieces[] = { "a",    "\xc3\xa4",
					      "\n",   "\xe2\x82\xac",
					      "bcd",  "\xf0\x9f\x9a\x80",
					      "\r\n", "long without any end of line" };
	unsigned random = 1;

	for (int i = 0; i < 8000; i++) {
		random = random * 1103515245u + 12345u;
		ifx_buf_add(text, ifx_str_of(pieces[random >> 16 & 7]));
	}
}

static void a_cursor_may_jump(void **state)
{
	struct ifx_cursor cursor = { 0 };
	struct ifx_buf text;
	size_t at = 0;

	(void)state;
	ifx_buf_init(&text, 1 << 20);
	add_mixture(&text);
	cursor.text = ifx_buf_str(&text);
	for (size_t i = 0; i < 500; i++, at = (at + 7919 * 13) % (text.len + 10)) {
		struct ifx_position p = ifx_cursor_move(&cursor, at);
		struct ifx_cursor plain = { .text = cursor.text };

		ifx_alloc_fail_at(1); /* without marks */
		plain.position = ifx_cursor_move(&plain, at);
		ifx_alloc_fail_at(0);
		assert_int_equal(p.line, plain.position.line);
		assert_int_equal(p.column, plain.position.column);
		ifx_cursor_release(&plain);
	}
	ifx_cursor_release(&cursor);
	ifx_buf_release(&text);
}

/* Fails by the test's time limit when each way back begins at the start of the text. */
static void back_and_forth_is_linear(void **state)
{
	enum { N = 50000 };
	struct ifx_cursor cursor = { 0 };
	struct ifx_buf text;

	(void)state;
	ifx_buf_init(&text, 1 << 28);
	ifx_buf_fill(&text, 'x', (size_t)N * 1000);
	cursor.text = ifx_buf_str(&text);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(ifx_cursor_move(&cursor, text.len - i).column, text.len - i + 1);
		assert_int_equal(ifx_cursor_move(&cursor, i).column, i + 1);
	}
	ifx_cursor_release(&cursor);
	ifx_buf_release(&text);
}

static void a_region_ends_with_its_text(void **state)
{
	static const struct {
		size_t at, len, line, column, end_line, end_column;
	} cases[] = {
		{ 0, 1, 1, 1, 1, 2 },
		{ 3, 1, 1, 3, 1, 4 },  /* "1", behind a character of two bytes */
		{ 3, 3, 1, 3, 1, 4 },  /* its line end is not part of it */
		{ 0, 8, 1, 1, 2, 3 },  /* over a line end */
		{ 4, 2, 1, 4, 1, 4 },  /* nothing but a line end */
		{ 8, 99, 2, 3, 2, 3 }, /* beyond the end */
		{ 99, 1, 2, 3, 2, 3 },
	};
	struct ifx_file_report file = { .before = IFX_LIT("a\xc3\xa4"
							  "1\r\nb2\r\n") };
	struct ifx_cursors cursors;

	(void)state;
	file.before.len = 8;
	cursors = ifx_cursors_of(&file);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct ifx_finding f = { .at = cases[i].at, .len = cases[i].len };
		struct ifx_region r = ifx_finding_region(&cursors, &f);

		assert_int_equal(r.start.line, cases[i].line);
		assert_int_equal(r.start.column, cases[i].column);
		assert_int_equal(r.end.line, cases[i].end_line);
		assert_int_equal(r.end.column, cases[i].end_column);
	}
	ifx_cursors_release(&cursors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(positions_count_from_one),
		cmocka_unit_test(a_cursor_may_jump),
		cmocka_unit_test(back_and_forth_is_linear),
		cmocka_unit_test(a_region_ends_with_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
