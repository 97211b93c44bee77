#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "yaml/load.h"
#include "yaml/scalar.h"

static struct ifx_doc *load(ifx_str text)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc = NULL;

	ifx_buf_init(&problem.text, 1000);
	if (ifx_doc_load(&doc, text, &problem) != IFX_OK)
		fail_msg("%.*s: %s", IFX_ARG(text), problem.text.data);
	ifx_buf_release(&problem.text);
	return doc;
}

/* The value of `a` in a document. */
static const struct ifx_node *value_of(const struct ifx_doc *doc)
{
	assert_non_null(doc->root);
	if (ifx_is(doc->root, IFX_MAP))
		return doc->root->first->value;
	if (ifx_is(doc->root, IFX_SEQ))
		return doc->root->first->value;
	return doc->root;
}

/* YAML 1.2.2; where libyaml, which Kubernetes uses, has another opinion, its. */
static const struct {
	const char *yaml, *text;
	size_t len; /* when the text holds a NUL */
} cases[] = {
	/* plain */
	{ "a: one two", "one two", 0 },
	{ "a: one\n  two", "one two", 0 },
	{ "a: one  \n  two", "one two", 0 },
	{ "a: one\n\n\n  two", "one\n\ntwo", 0 },
	{ "a: one\r\n  two\r\n\r\n  three", "one two\nthree", 0 },
	{ "a: one\r  two", "one two", 0 },
	{ "a: x#y # c", "x#y", 0 },
	{ "a:", "", 0 },
	{ "a: ~", "~", 0 },
	/* single */
	{ "a: 'it''s'", "it's", 0 },
	{ "a: ''", "", 0 },
	{ "a: ''''", "'", 0 },
	{ "a: 'a '''' b'", "a '' b", 0 }, /* R6 */
	{ "a: 'one\n  two'", "one two", 0 },
	{ "a: 'one \n\n \t two '", "one\ntwo ", 0 },
	{ "a: ' one\\n'", " one\\n", 0 },
	/* double */
	{ "a: \"x\\\"y\\\\\"", "x\"y\\", 0 },
	{ "a: \"\\0\\a\\b\\t\\n\\v\\f\\r\\e\\ \\/\"", "\0\a\b\t\n\v\f\r\x1b /", 11 },
	{ "a: \"\\N\\_\\L\\P\"", "\xC2\x85\xC2\xA0\xE2\x80\xA8\xE2\x80\xA9", 0 },
	{ "a: \"\\x41\\u20ac\\U0001F600\"", "A\xE2\x82\xAC\xF0\x9F\x98\x80", 0 },
	{ "a: \"\\ud83d\\ude00!\"", "\xF0\x9F\x98\x80!", 0 },
	{ "a: \"one\n  two\"", "one two", 0 },
	{ "a: \"one\\\n  two\"", "onetwo", 0 },
	{ "a: \"one\\\n  \\  two\"", "one  two", 0 },
	{ "a: \"one \\\n\n  two\"", "one \ntwo", 0 },
	{ "a: \"x\n \\ \n y\"", "x   y", 0 }, /* R7 */
	{ "a: \"one\\n\\\n  two\"", "one\ntwo", 0 },
	{ "a: \"\ttab\t\n  x\"", "\ttab x", 0 },
	/* literal: chomping */
	{ "a: |\n  x\n", "x\n", 0 },
	{ "a: |-\n  x\n", "x", 0 },
	{ "a: |+\n  x\n", "x\n", 0 },
	{ "a: |\n  x\n\n\n", "x\n", 0 },
	{ "a: |-\n  x\n\n\n", "x", 0 },
	{ "a: |+\n  x\n\n\n", "x\n\n\n", 0 },
	{ "a: |+\n  x\n\nb: 1\n", "x\n\n", 0 },
	{ "a: |\n  x", "x", 0 }, /* R8 */
	{ "a: |+\n  x", "x", 0 },
	{ "a: |\n\nb: 1\n", "", 0 },
	{ "a: |+\n\n\nb: 1\n", "\n\n", 0 },
	{ "a: |-\n\n\nb: 1\n", "", 0 },
	/* literal: indentation */
	{ "a: |\n    x\n      y\n    z\n", "x\n  y\nz\n", 0 },
	{ "a: |\n\n\n  x\n", "\n\nx\n", 0 },
	{ "a: |\n  x\n \n  y\n", "x\n\ny\n", 0 },
	{ "a: |\n  x\n    \n  y\n", "x\n  \ny\n", 0 },
	{ "a: |\n  x\n   \n", "x\n \n", 0 },
	{ "a: |2\n   x\n  y\n", " x\ny\n", 0 },
	{ "a: |2-\n   x\n", " x", 0 },
	{ "a: |-2\n   x\n", " x", 0 },
	{ "a: |1\n  x\n", " x\n", 0 },
	{ "- |1\n  x\n", " x\n", 0 },
	{ "a: | # c\n  # x\n", "# x\n", 0 },
	{ "a: |\n  x\n # less\n", "x\n", 0 },
	{ "a: |\r\n  x\r\n\r\n  y\r\n", "x\n\ny\n", 0 },
	{ "a: |\n  \tx\n", "\tx\n", 0 },
	{ "--- |\nx\ny\n", "x\ny\n", 0 },
	/* folded */
	{ "a: >\n  x\n  y\n", "x y\n", 0 },
	{ "a: >-\n  x\n  y\n", "x y", 0 },
	{ "a: >\n  x\n\n  y\n", "x\ny\n", 0 },
	{ "a: >\n  x\n\n\n  y\n", "x\n\ny\n", 0 },
	{ "a: >\n  x\n    more\n    more\n  y\n", "x\n  more\n  more\ny\n", 0 },
	{ "a: >\n  x\n\n    more\n\n  y\n", "x\n\n  more\n\ny\n", 0 },
	{ "a: >\n\n  x\n", "\nx\n", 0 },
	{ "a: >+\n  x\n\n", "x\n\n", 0 },
	{ "a: >\n    more\n  \n", "more\n", 0 },
	{ "a: >\n  x\n  \ty\n  z\n", "x\n\ty\nz\n", 0 },
	{ "a: >\r\n  x\r\n  y\r\n", "x y\n", 0 },
	/* between braces */
	{ "{a: one\n two}", "one two", 0 },
	{ "{a: \"x\"}", "x", 0 },
	{ "{a: }", "", 0 },
};

static void scalars_are_decoded(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_doc *doc = load(ifx_str_of(cases[i].yaml));
		ifx_str want = { cases[i].text,
				 cases[i].len ? cases[i].len : strlen(cases[i].text) };
		ifx_str have = ifx_text(value_of(doc));

		if (!ifx_str_eq(want, have)) {
			failed++;
			print_error("'%s': want '%.*s', have '%.*s'\n", cases[i].yaml,
				    IFX_ARG(want), IFX_ARG(have));
		}
		ifx_doc_free(doc);
	}
	assert_int_equal(failed, 0);
}

/* Each byte of the text comes from a place in the source, in order; an ordinary byte from itself.
 */
static void maps_lead_back_to_the_source(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_doc *doc = load(ifx_str_of(cases[i].yaml));
		const struct ifx_node *node = value_of(doc);
		size_t *map = NULL, end = node->span.at + node->span.len;
		ifx_str text = ifx_scalar_decode(node, &doc->arena, &map);

		if (node->raw_end)
			end = node->raw_end;
		assert_non_null(map);
		assert_true(ifx_str_eq(text, ifx_text(node)));
		for (size_t k = 0; k < text.len; k++) {
			char c = text.ptr[k];

			assert_in_range(map[k], node->span.at, end);
			assert_true(map[k] <= map[k + 1]);
			if ((c >= 'a' && c <= 'z') && doc->src.ptr[map[k]] != '\\')
				assert_int_equal(doc->src.ptr[map[k]], c);
		}
		assert_true(map[text.len] <= end);
		ifx_doc_free(doc);
	}
}

static void a_map_to_the_byte(void **state)
{
	/*                      0123456 7 890 1234567 8 */
	struct ifx_doc *doc = load(IFX_LIT("a: |\n  x\r\n\r\n  y\nb: 1\n"));
	size_t want[] = { 7, 8, 10, 14, 15, 16 }, *map;
	ifx_str text = ifx_scalar_decode(value_of(doc), &doc->arena, &map);

	(void)state;
	assert_true(ifx_str_eq(text, IFX_LIT("x\n\ny\n")));
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(map[i], want[i]);
	ifx_doc_free(doc);

	doc = load(IFX_LIT("a: \"x\\n\\u20acy\""));
	text = ifx_scalar_decode(value_of(doc), &doc->arena, &map);
	assert_true(ifx_str_eq(text, IFX_LIT("x\n\xE2\x82\xACy")));
	assert_int_equal(map[0], 4);
	assert_int_equal(map[1], 5);
	assert_int_equal(map[2], 7);
	assert_int_equal(map[4], 7);
	assert_int_equal(map[5], 13);
	assert_int_equal(map[6], 14);
	ifx_doc_free(doc);
}

/* ---- writing ---- */

static const char *const nasty[] = {
	"",
	" ",
	" x",
	"x ",
	"x",
	"two words",
	"it's",
	"\"",
	"\\",
	"a: b",
	"a:b",
	"a:",
	":a",
	":",
	"-",
	"- a",
	"-a",
	"-1",
	"--- a",
	"...",
	"?",
	"? a",
	"?a",
	"#",
	"a #b",
	"a#b",
	"# a",
	"&a",
	"*a",
	"!a",
	"|",
	">",
	"%a",
	"@a",
	"`a",
	"{a}",
	"[a]",
	"a, b",
	",",
	"}",
	"a]",
	"a{",
	"yes",
	"No",
	"null",
	"~",
	"1.10",
	"0x1F",
	"1e3",
	".5",
	"12:30:45",
	"2024-01-01",
	"<<",
	"=",
	"http://x:1/y",
	"a\nb",
	"\n",
	"a\n",
	"\ta",
	"a\tb",
	"\r\n",
	"\x01\x1f\x7f",
	"\xC2\x85",
	"\xC2\x80\xC2\x9F\xC2\xA0",
	"\xE2\x80\xA8\xE2\x80\xA9",
	"\xEF\xBB\xBF",
	"\xEF\xBF\xBF",
	"\xF0\x9F\x98\x80",
	"\xC3\xA4\xE2\x82\xAC",
	"\\u0041",
	"'a' \"b\"",
	"key: 'value' # c",
};

/* Whatever style is asked for: what is written is read as the same text, as a string, and passes
 * the pre-check. */
static void what_is_written_is_read_back(void **state)
{
	static const ifx_style styles[] = { IFX_PLAIN, IFX_SINGLE, IFX_DOUBLE };
	static const char *const frames[][2] = {
		{ "a: ", "\n" }, { "{a: ", ", b: 1}\n" }, { "[", ", b]\n" }, { "- ", "\n" }
	};
	struct ifx_problem problem = { 0 };
	struct ifx_buf buf;

	(void)state;
	ifx_buf_init(&buf, 10000);
	ifx_buf_init(&problem.text, 1000);
	for (size_t i = 0; i < sizeof(nasty) / sizeof(*nasty); i++)
		for (size_t s = 0; s < 3; s++)
			for (size_t f = 0; f < 4; f++) {
				ifx_str text = ifx_str_of(nasty[i]);
				bool flow = f == 1 || f == 2;
				struct ifx_doc *doc;

				ifx_buf_clear(&buf);
				ifx_buf_add(&buf, ifx_str_of(frames[f][0]));
				ifx_scalar_quote(&buf, text, ifx_style_for(text, styles[s], flow));
				ifx_buf_add(&buf, ifx_str_of(frames[f][1]));
				assert_int_equal(ifx_precheck(ifx_buf_str(&buf), &problem), IFX_OK);
				doc = load(ifx_buf_str(&buf));
				if (!ifx_str_eq(ifx_text(value_of(doc)), text) ||
				    !ifx_is_string(value_of(doc)))
					fail_msg("'%s' is read from '%s'", nasty[i], buf.data);
				ifx_doc_free(doc);
			}
	ifx_buf_release(&buf);
	ifx_buf_release(&problem.text);
}

static void plain_is_for_plain_words(void **state)
{
	static const struct {
		const char *text;
		bool block, flow;
	} table[] = {
		{ "x", true, true },
		{ "two words", true, true },
		{ "a.b/c-d", true, true },
		{ "a, b", true, false },
		{ "a{b}", true, false },
		{ "http://x", true, false },
		{ "x:y", true, false },
		{ "-x", true, false },
		{ "a: b", false, false },
		{ "x #y", false, false },
		{ "x#y", true, true },
		{ "true", false, false },
		{ "1", false, false },
		{ "on", false, false },
		{ "", false, false },
		{ "\xC3\xA4", true, true },
		{ "\xC2\xA0x", false, false },
		{ "it's", true, true },
		{ "2024-01-01", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		ifx_str text = ifx_str_of(table[i].text);

		if (ifx_plain_ok(text, false) != table[i].block ||
		    ifx_plain_ok(text, true) != table[i].flow)
			fail_msg("%s", table[i].text);
	}
	assert_true(ifx_plain_fits(IFX_LIT("-1"), true));
	assert_true(ifx_plain_fits(IFX_LIT("12:30:45"), true));
	assert_false(ifx_plain_fits(IFX_LIT("a:,"), true));
	assert_false(ifx_plain_fits(IFX_LIT("- a"), false));
}

static void styles_give_way(void **state)
{
	(void)state;
	assert_int_equal(ifx_style_for(IFX_LIT("x"), IFX_PLAIN, false), IFX_PLAIN);
	assert_int_equal(ifx_style_for(IFX_LIT("yes"), IFX_PLAIN, false), IFX_DOUBLE);
	assert_int_equal(ifx_style_for(IFX_LIT("it's"), IFX_SINGLE, false), IFX_SINGLE);
	assert_int_equal(ifx_style_for(IFX_LIT("a\nb"), IFX_SINGLE, false), IFX_DOUBLE);
	assert_int_equal(ifx_style_for(IFX_LIT("\xC2\x85"), IFX_SINGLE, false), IFX_DOUBLE);
	assert_int_equal(ifx_style_for(IFX_LIT("x"), IFX_LITERAL, false), IFX_DOUBLE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_decoded),
		cmocka_unit_test(maps_lead_back_to_the_source),
		cmocka_unit_test(a_map_to_the_byte),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(plain_is_for_plain_words),
		cmocka_unit_test(styles_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
