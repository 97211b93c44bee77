#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "yaml/resolve.h"

enum {
	STR = IFX_TYPE_STR,
	NIL = IFX_TYPE_NULL,
	BOOL = IFX_TYPE_BOOL,
	INT = IFX_TYPE_INT,
	FLOAT = IFX_TYPE_FLOAT
};

static void booleans_are_go_yamls_words(void **state)
{
	static const char *const yes[] = { "y", "Y", "yes", "Yes", "YES", "on", "On", "ON" };
	static const char *const no[] = { "n", "N", "no", "No", "NO", "off", "Off", "OFF" };
	static const char *const core[] = { "true", "True", "TRUE", "false", "False", "FALSE" };
	static const char *const strings[] = { "tRuE", "yEs", "oN", "oFF",  "t",
					       "f",    "T",   "F",  "yess", "truefalse" };
	struct ifx_plain p;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		p = ifx_resolve_plain(ifx_str_of(yes[i]));
		assert_true(p.type == IFX_TYPE_BOOL && p.truth && !p.core_bool && !p.ambiguous);
		p = ifx_resolve_plain(ifx_str_of(no[i]));
		assert_true(p.type == IFX_TYPE_BOOL && !p.truth && !p.core_bool);
	}
	for (size_t i = 0; i < 6; i++) {
		p = ifx_resolve_plain(ifx_str_of(core[i]));
		assert_true(p.type == IFX_TYPE_BOOL && p.truth == (i < 3) && p.core_bool);
	}
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		assert_int_equal(ifx_resolve_plain(ifx_str_of(strings[i])).type, IFX_TYPE_STR);
}

/* FACTS 7.2, row by row, and more of the same. */
static const struct {
	const char *text;
	int type;
	bool ambiguous;
	const char *value;
} cases[] = {
	/* null */
	{ "", NIL, false, NULL },
	{ "~", NIL, false, NULL },
	{ "null", NIL, false, NULL },
	{ "Null", NIL, false, NULL },
	{ "NULL", NIL, false, NULL },
	{ "nULL", STR, false, NULL },
	{ "nil", STR, false, NULL },
	/* decimal integers */
	{ "0", INT, false, "0" },
	{ "2", INT, false, "2" },
	{ "-2", INT, false, "-2" },
	{ "+2", INT, false, "2" },
	{ "-0", INT, false, "0" },
	{ "9223372036854775807", INT, false, "9223372036854775807" },
	{ "-9223372036854775808", INT, false, "-9223372036854775808" },
	{ "18446744073709551615", INT, false, "18446744073709551615" },
	{ "+18446744073709551615", FLOAT, false, "18446744073709552000" },
	{ "18446744073709551616", FLOAT, false, "18446744073709552000" },
	{ "-9223372036854775809", FLOAT, false, "-9223372036854776000" },
	/* octal, hexadecimal, binary */
	{ "007", INT, true, "7" },
	{ "0777", INT, true, "511" },
	{ "00", INT, true, "0" },
	{ "-010", INT, true, "-8" },
	{ "0o17", INT, true, "15" },
	{ "0O17", INT, true, "15" },
	{ "0x1F", INT, true, "31" },
	{ "0X1f", INT, true, "31" },
	{ "-0x1F", INT, true, "-31" },
	{ "0xFFFFFFFFFFFFFFFF", INT, true, "18446744073709551615" },
	{ "0b101", INT, true, "5" },
	{ "-0b101", INT, true, "-5" },
	{ "0b-101", INT, true, "-5" },
	{ "0b+1", INT, true, "1" },
	{ "0x", STR, false, NULL },
	{ "0b", STR, false, NULL },
	{ "0o", STR, false, NULL },
	{ "0o8", STR, false, NULL },
	{ "0b2", STR, false, NULL },
	{ "-0b-1", STR, false, NULL },
	{ "0xFFFFFFFFFFFFFFFFF", STR, false, NULL },
	{ "0x1p3", STR, false, NULL },
	{ "0x1.8", STR, false, NULL },
	/* underscores */
	{ "1_000", INT, true, "1000" },
	{ "1_10", INT, true, "110" },
	{ "1_", INT, true, "1" },
	{ "1__0", INT, true, "10" },
	{ "-_5", INT, true, "-5" },
	{ "0_x1F", INT, true, "31" },
	{ "1_0.5_0", FLOAT, true, "10.5" },
	{ ".5_0", FLOAT, true, "0.5" },
	{ "._5", STR, false, NULL },
	{ ".5_", STR, false, NULL },
	{ "_1", STR, false, NULL },
	{ "_", STR, false, NULL },
	{ "-_", STR, false, NULL },
	/* floats */
	{ "1.10", FLOAT, false, "1.1" },
	{ "2.0", FLOAT, false, "2" },
	{ "0.0", FLOAT, false, "0" },
	{ "-0.0", FLOAT, false, "-0" },
	{ "08", FLOAT, false, "8" },
	{ "09.50", FLOAT, false, "9.5" },
	{ "1.", FLOAT, true, "1" },
	{ ".5", FLOAT, true, "0.5" },
	{ "+.5", FLOAT, true, "0.5" },
	{ "-.5", FLOAT, true, "-0.5" },
	{ "1e3", FLOAT, true, "1000" },
	{ "1E3", FLOAT, true, "1000" },
	{ "12e03", FLOAT, true, "12000" },
	{ "1e+2", FLOAT, true, "100" },
	{ "1.5e-3", FLOAT, true, "0.0015" },
	{ "1e-7", FLOAT, true, "1e-7" },
	{ "1e20", FLOAT, true, "100000000000000000000" },
	{ "1e21", FLOAT, true, "1e+21" },
	{ "0.000001", FLOAT, false, "0.000001" },
	{ "3.14159265358979", FLOAT, false, "3.14159265358979" },
	{ "0.1", FLOAT, false, "0.1" },
	{ "1.7976931348623157e308", FLOAT, true, "1.7976931348623157e+308" },
	{ "1.7976931348623159e308", STR, false, NULL },
	{ "1e400", STR, false, NULL },
	{ "-1e400", STR, false, NULL },
	{ "1e-400", FLOAT, true, "0" },
	{ "1e99999999999999999999", STR, false, NULL },
	{ "1e", STR, false, NULL },
	{ "1e+", STR, false, NULL },
	{ "e3", STR, false, NULL },
	{ ".", STR, false, NULL },
	{ "-.", STR, false, NULL },
	{ ".e3", STR, false, NULL },
	{ "+", STR, false, NULL },
	{ "-", STR, false, NULL },
	/* what has no value */
	{ ".inf", FLOAT, false, NULL },
	{ ".Inf", FLOAT, false, NULL },
	{ "+.INF", FLOAT, false, NULL },
	{ "-.INF", FLOAT, false, NULL },
	{ ".nan", FLOAT, false, NULL },
	{ ".NaN", FLOAT, false, NULL },
	{ ".NAN", FLOAT, false, NULL },
	{ "+.nan", STR, false, NULL },
	{ "NaN", STR, false, NULL },
	{ "inf", STR, false, NULL },
	{ ".iNf", STR, false, NULL },
	/* strings to Kubernetes, although other readers differ */
	{ "1:30", STR, false, NULL },
	{ "12:30:45", STR, false, NULL },
	{ "2001-01-01", STR, false, NULL },
	{ "2001-12-14t21:59:43.10-05:00", STR, false, NULL },
	{ "1,000", STR, false, NULL },
	{ "15020,15021", STR, false, NULL },
	{ "=", STR, false, NULL },
	{ "<<", STR, false, NULL },
	/* strings to everybody */
	{ "2m", STR, false, NULL },
	{ "128Mi", STR, false, NULL },
	{ "1-10-0", STR, false, NULL },
	{ "1.10.0", STR, false, NULL },
	{ "10.0.0.0/8", STR, false, NULL },
	{ "45s", STR, false, NULL },
	{ "default", STR, false, NULL },
};

static void plain_scalars_have_go_yamls_types_and_values(void **state)
{
	char value[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ifx_str text = ifx_str_of(cases[i].text);
		struct ifx_plain p = ifx_resolve_plain(text);
		bool has_value = ifx_resolve_value(text, value, sizeof(value));

		if ((int)p.type != cases[i].type || p.ambiguous != cases[i].ambiguous)
			fail_msg("'%s': type %d, ambiguous %d", cases[i].text, (int)p.type,
				 p.ambiguous);
		if (has_value != !!cases[i].value)
			fail_msg("'%s': a value, or none", cases[i].text);
		if (has_value && strcmp(value, cases[i].value) != 0)
			fail_msg("'%s': value %s", cases[i].text, value);
	}
}

static void text_is_not_read_beyond_its_length(void **state)
{
	char value[8];

	(void)state;
	assert_int_equal(ifx_resolve_plain((ifx_str){ "12x", 2 }).type, IFX_TYPE_INT);
	assert_int_equal(ifx_resolve_plain((ifx_str){ "1e3", 2 }).type, IFX_TYPE_STR);
	assert_int_equal(ifx_resolve_plain(IFX_LIT("1\0")).type, IFX_TYPE_STR);
	assert_int_equal(ifx_resolve_plain(IFX_NONE).type, IFX_TYPE_NULL);
	assert_true(ifx_resolve_value(IFX_LIT("1234567"), value, sizeof(value)));
	assert_false(ifx_resolve_value(IFX_LIT("12345678"), value, sizeof(value)));
	assert_false(ifx_resolve_value(IFX_LIT("1234567.5"), value, sizeof(value)));
	assert_false(ifx_resolve_value(IFX_LIT("abc"), value, sizeof(value)));
}

static void long_numbers_are_read_to_the_last_digit(void **state)
{
	char text[3000], value[64];

	(void)state;
	/* 2000 leading zeros and a fraction that lies beyond every double */
	memset(text, '0', sizeof(text));
	text[2000] = '8';
	text[2001] = '.';
	assert_int_equal(ifx_resolve_plain((ifx_str){ text, 3000 }).type, IFX_TYPE_FLOAT);
	assert_true(ifx_resolve_value((ifx_str){ text, 3000 }, value, sizeof(value)));
	assert_string_equal(value, "8");
	/* 1000 digits overflow */
	memset(text, '9', 1000);
	assert_int_equal(ifx_resolve_plain((ifx_str){ text, 1000 }).type, IFX_TYPE_STR);
}

static void quotes_are_needed_where_any_reader_differs(void **state)
{
	static const char *const quoted[] = {
		"",
		"~",
		"null",
		"NULL",
		"true",
		"yes",
		"ON",
		"n",
		"2",
		"0777",
		"0o17",
		"0x1F",
		"0b101",
		"1_000",
		"1.10",
		".5",
		"1.",
		"1e3",
		"1e400",
		".inf",
		"-.INF",
		".NaN",
		"1:30",
		"12:30:45",
		"1:30:00.5",
		"2001-01-01",
		"2001-1-2",
		"=",
		"<<",
		"1,000",
		"15020,15021",
		"tRuE",
		"nULL",
		":symbol",
		"+12e03",
		"2001-12-14t21:59:43.10-05:00",
		"2001-12-14 21:59:43.10 -5",
	};
	static const char *const plain[] = {
		"2m",         "128Mi",
		"1-10-0",     "1.10.0",
		"10.0.0.0/8", "45s",
		"default",    "istio",
		"-",          ".",
		"1-2",        "0x",
		"0b2",        "1:",
		"1:300",      "a:1",
		"e3",         "1e",
		"2001-01",    "2001-01-01-x",
		"yess",       "10.0.0.0/8,192.168.0.0/16",
		"NaN",        "inf",
		"REDIRECT",   ":",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(quoted) / sizeof(quoted[0]); i++)
		if (!ifx_plain_needs_quotes(ifx_str_of(quoted[i])))
			fail_msg("'%s' needs quotes", quoted[i]);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (ifx_plain_needs_quotes(ifx_str_of(plain[i])))
			fail_msg("'%s' needs no quotes", plain[i]);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (cases[i].type != STR)
			assert_true(ifx_plain_needs_quotes(ifx_str_of(cases[i].text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(booleans_are_go_yamls_words),
		cmocka_unit_test(plain_scalars_have_go_yamls_types_and_values),
		cmocka_unit_test(text_is_not_read_beyond_its_length),
		cmocka_unit_test(long_numbers_are_read_to_the_last_digit),
		cmocka_unit_test(quotes_are_needed_where_any_reader_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
