#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule/duration.h"

#define US 1000LL
#define MS (1000 * US)
#define S  (1000 * MS)
#define M  (60 * S)
#define H  (60 * M)

static const struct {
	const char *text;
	long long ns;
	bool gep; /* valid there too */
} valid[] = {
	{ "45s", 45 * S, true },
	{ "5m", 5 * M, true },
	{ "1h", H, true },
	{ "250ms", 250 * MS, true },
	{ "0s", 0, true },
	{ "0h", 0, true },
	{ "1m30s", 90 * S, true },
	{ "90s1m", 150 * S, true },
	{ "1m1m", 120 * S, true },
	{ "00045s", 45 * S, true },
	{ "99999h99999m99999s99999ms", 99999 * (H + M + S + MS), true },
	{ "100000s", 100000 * S, false },
	{ "000045s", 45 * S, false },
	{ "1h1h1h1h1h", 5 * H, false },
	{ "0", 0, false },
	{ "+0", 0, false },
	{ "-0", 0, false },
	{ "1.5s", 1500 * MS, false },
	{ "0.1s", 100 * MS, false },
	{ ".5s", 500 * MS, false },
	{ "1.s", S, false },
	{ "+45s", 45 * S, false },
	{ "-5s", -5 * S, false },
	{ "1us", US, false },
	{ "1\xc2\xb5s", US, false },
	{ "1\xce\xbcs", US, false },
	{ "1ns", 1, false },
	{ "1.5ns", 1, false },
	{ "0.3333333333333333333h", 20 * M, false },
	{ "9007199254.740993ms", 9007199254740993LL, false },
	{ "0.9223372036854775807s", 922337203, false },
	{ "0.100000000000000000000000001s", 100 * MS, false },
	{ "2562047h47m16.854775807s", INT64_MAX, false },
	{ "9223372036854775807ns", INT64_MAX, false },
	{ "-9223372036854775808ns", INT64_MIN, false },
};

static void what_go_accepts_is_read_exactly(void **state)
{
	struct ifx_duration d;

	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		d = ifx_duration_read(ifx_str_of(valid[i].text), IFX_GRAMMAR_GO);
		if (d.kind != IFX_DUR_VALID || d.ns != valid[i].ns)
			fail_msg("'%s': %d, %lld", valid[i].text, (int)d.kind, d.ns);
		d = ifx_duration_read(ifx_str_of(valid[i].text), IFX_GRAMMAR_GEP2257);
		if (d.kind != (valid[i].gep ? IFX_DUR_VALID : IFX_DUR_FOREIGN) ||
		    d.ns != valid[i].ns)
			fail_msg("GEP-2257 '%s': %d, %lld", valid[i].text, (int)d.kind, d.ns);
		assert_int_equal(!d.assumption, valid[i].gep);
	}
}

static const struct {
	const char *text;
	long long ns;
	const char *assumption;
} foreign[] = {
	{ "45", 45 * S, "read as seconds" },
	{ " 45 ", 45 * S, "read as seconds" },
	{ "1.5", 1500 * MS, "read as seconds" },
	{ "0.5", 500 * MS, "read as seconds" },
	{ "-5", -5 * S, "read as seconds" },
	{ "45 s", 45 * S, "blanks dropped" },
	{ "45s ", 45 * S, "blanks dropped" },
	{ "\t1h 30m\n", 90 * M, "blanks dropped" },
	{ "45S", 45 * S, "unit read as ns, us, ms, s, m or h" },
	{ "45sec", 45 * S, "unit read as ns, us, ms, s, m or h" },
	{ "45 Seconds", 45 * S, "unit read as ns, us, ms, s, m or h" },
	{ "5min", 5 * M, "unit read as ns, us, ms, s, m or h" },
	{ "1hr", H, "unit read as ns, us, ms, s, m or h" },
	{ "1 hour 30 minutes", 90 * M, "unit read as ns, us, ms, s, m or h" },
	{ "100 milliseconds", 100 * MS, "unit read as ns, us, ms, s, m or h" },
	{ "1H30M", 90 * M, "unit read as ns, us, ms, s, m or h" },
	{ "250MS", 250 * MS, "unit read as ns, us, ms, s, m or h" },
	{ "1d", 24 * H, "1d read as 24h" },
	{ "1d12h", 36 * H, "1d read as 24h" },
	{ "2 days", 48 * H, "1d read as 24h" },
	{ "PT45S", 45 * S, "ISO 8601" },
	{ "PT1M30S", 90 * S, "ISO 8601" },
	{ "pt1h", H, "ISO 8601" },
	{ "PT1.5S", 1500 * MS, "ISO 8601" },
	{ "P1D", 24 * H, "ISO 8601" },
	{ "P1DT2H", 26 * H, "ISO 8601" },
	{ "P2W", 336 * H, "ISO 8601" },
	{ "-PT5S", -5 * S, "ISO 8601" },
};

static void foreign_spellings_name_their_assumption(void **state)
{
	struct ifx_duration d;

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		for (int grammar = IFX_GRAMMAR_GO; grammar <= IFX_GRAMMAR_GEP2257; grammar++) {
			d = ifx_duration_read(ifx_str_of(foreign[i].text), (ifx_grammar)grammar);
			if (d.kind != IFX_DUR_FOREIGN || d.ns != foreign[i].ns)
				fail_msg("'%s': %d, %lld", foreign[i].text, (int)d.kind, d.ns);
			assert_string_equal(d.assumption, foreign[i].assumption);
		}
}

static const struct {
	const char *text, *why;
} invalid[] = {
	{ "", "empty" },
	{ "  ", "empty" },
	{ "true", "not a duration" },
	{ "-", "not a duration" },
	{ ".", "not a duration" },
	{ ".s", "not a duration" },
	{ "s", "not a duration" },
	{ "1:30", "not a duration" },
	{ "1_0s", "not a duration" },
	{ "1,5s", "not a duration" },
	{ "5 - 6s", "not a duration" },
	{ "{seconds: 45}", "not a duration" },
	{ "1e3s", "has an unknown unit" },
	{ "0x10", "has an unknown unit" },
	{ "1w", "has an unknown unit" },
	{ "1mo", "has an unknown unit" },
	{ "1y", "has an unknown unit" },
	{ "1h30", "has no unit" },
	{ "1h 30", "has no unit" },
	{ "045", "has no unit and a leading zero" },
	{ "5M", "may be minutes or months" },
	{ "P1M", "not a duration" },
	{ "P1Y", "not a duration" },
	{ "P", "not a duration" },
	{ "PT", "not a duration" },
	{ "P1DT", "not a duration" },
	{ "PT1D", "not a duration" },
	{ "P1H", "not a duration" },
	{ "PT1S1M", "not a duration" },
	{ "2562048h", "does not fit: at most 292 years" },
	{ "9223372036854775808ns", "does not fit: at most 292 years" },
	{ "99999999999999999999s", "does not fit: at most 292 years" },
	{ "9223372036854775807", "does not fit: at most 292 years" },
	{ "99999999999999999999", "does not fit: at most 292 years" },
	{ "106752d", "does not fit: at most 292 years" },
	{ "9223372036s 9223372036s", "does not fit: at most 292 years" },
};

static void the_rest_is_invalid_and_says_why(void **state)
{
	struct ifx_duration d;

	(void)state;
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		for (int grammar = IFX_GRAMMAR_GO; grammar <= IFX_GRAMMAR_GEP2257; grammar++) {
			d = ifx_duration_read(ifx_str_of(invalid[i].text), (ifx_grammar)grammar);
			if (d.kind != IFX_DUR_INVALID)
				fail_msg("'%s': %d", invalid[i].text, (int)d.kind);
			if (strcmp(d.why, invalid[i].why) != 0)
				fail_msg("'%s': %s", invalid[i].text, d.why);
		}
	assert_int_equal(ifx_duration_read(IFX_NONE, IFX_GRAMMAR_GO).kind, IFX_DUR_INVALID);
	assert_int_equal(ifx_duration_read(IFX_LIT("5s\0"), IFX_GRAMMAR_GO).kind, IFX_DUR_INVALID);
	assert_int_equal(ifx_duration_read((ifx_str){ "5sec", 2 }, IFX_GRAMMAR_GO).kind,
			 IFX_DUR_VALID);
}

static void template_holes_are_opaque(void **state)
{
	static const char *const texts[] = { "{{ .Values.timeout }}", "${TIMEOUT}", "$(TIMEOUT)s",
					     "<%= timeout %>", "45{{ unit }}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(ifx_duration_read(ifx_str_of(texts[i]), IFX_GRAMMAR_GO).kind,
				 IFX_DUR_OPAQUE);
	assert_false(ifx_text_has_hole(IFX_LIT("$5 {45s} <s>")));
}

static void tidy_is_one_whole_number_and_its_unit(void **state)
{
	static const char *const tidy[] = { "0s",    "45s",    "5m",   "90m",    "1h",
					    "250ms", "1500ms", "10us", "1500us", "7ns" };
	static const char *const untidy[] = { "0",
					      "0h",
					      "0ms",
					      "1m30s",
					      "90000ms",
					      "1.5s",
					      ".5s",
					      "+45s",
					      "00045s",
					      "1.s",
					      "1m1m",
					      "45",
					      "1000ms",
					      "1000000us",
					      "2000000000ns",
					      "45sec",
					      "",
					      "s",
					      "-5s",
					      "45s ",
					      "1d",
					      "045s",
					      "99999999999999999999s" };

	(void)state;
	for (size_t i = 0; i < sizeof(tidy) / sizeof(tidy[0]); i++)
		if (!ifx_duration_is_tidy(ifx_str_of(tidy[i])))
			fail_msg("'%s' is tidy", tidy[i]);
	for (size_t i = 0; i < sizeof(untidy) / sizeof(untidy[0]); i++)
		if (ifx_duration_is_tidy(ifx_str_of(untidy[i])))
			fail_msg("'%s' is not tidy", untidy[i]);
}

static void canonical_text_has_the_same_value(void **state)
{
	static const struct {
		long long ns;
		const char *go, *gep; /* gep NULL: cannot be written */
	} cases[] = {
		{ 0, "0s", "0s" },
		{ 45 * S, "45s", "45s" },
		{ 90 * S, "90s", "1m30s" },
		{ 150 * M, "9000s", "2h30m" },
		{ 7230 * S, "7230s", "2h30s" },
		{ 100000 * S, "100000s", "27h46m40s" },
		{ 1500 * MS, "1500ms", "1s500ms" },
		{ H + M + S + MS, "3661001ms", "1h1m1s1ms" },
		{ 250 * MS, "250ms", "250ms" },
		{ 1500 * US, "1500us", NULL },
		{ 1, "1ns", NULL },
		{ -5 * S, "-5s", NULL },
		{ 99999 * H, "359996400s", "99999h" },
		{ 100000 * H, "360000000s", NULL },
		{ INT64_MAX, "9223372036854775807ns", NULL },
		{ INT64_MIN, "-9223372036854775808ns", NULL },
	};
	struct ifx_buf text;

	(void)state;
	ifx_buf_init(&text, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(ifx_duration_write(cases[i].ns, IFX_GRAMMAR_GO, &text));
		assert_string_equal(text.data, cases[i].go);
		assert_int_equal(ifx_duration_read(ifx_buf_str(&text), IFX_GRAMMAR_GO).ns,
				 cases[i].ns);
		ifx_buf_clear(&text);
		assert_int_equal(ifx_duration_write(cases[i].ns, IFX_GRAMMAR_GEP2257, &text),
				 cases[i].gep != NULL);
		if (cases[i].gep) {
			struct ifx_duration d;

			assert_string_equal(text.data, cases[i].gep);
			d = ifx_duration_read(ifx_buf_str(&text), IFX_GRAMMAR_GEP2257);
			assert_true(d.kind == IFX_DUR_VALID && d.ns == cases[i].ns);
		} else {
			assert_int_equal(text.len, 0);
		}
		ifx_buf_clear(&text);
	}
	ifx_buf_release(&text);
}

static void a_refused_value_names_the_allowed_range(void **state)
{
	static const struct ifx_duration_fact ms = { .min_ns = MS, .precision_ns = MS };
	static const struct ifx_duration_fact s = { .min_ns = S, .precision_ns = S };
	static const struct ifx_duration_fact idle = { .min_ns = MS,
						       .precision_ns = MS,
						       .zero_ok = true };
	static const struct ifx_duration_fact hour = { .min_ns = MS,
						       .max_ns = H,
						       .precision_ns = MS };
	static const struct ifx_duration_fact any = { .zero_ok = true };
	static const struct ifx_duration_fact unchecked = { .zero_unchecked = true, .min_ns = MS };
	static const struct {
		const struct ifx_duration_fact *fact;
		long long ns;
		const char *why; /* NULL: allowed */
	} cases[] = {
		{ &ms, MS, NULL },
		{ &ms, 0, "0s is refused: at least 1ms, whole milliseconds" },
		{ &ms, US, "at least 1ms, whole milliseconds" },
		{ &ms, 1500 * US, "at least 1ms, whole milliseconds" },
		{ &ms, -S, "at least 1ms, whole milliseconds" },
		{ &s, S, NULL },
		{ &s, 1500 * MS, "at least 1s, whole seconds" },
		{ &s, 500 * MS, "at least 1s, whole seconds" },
		{ &idle, 0, NULL },
		{ &idle, US, "0s or at least 1ms, whole milliseconds" },
		{ &hour, H, NULL },
		{ &hour, H + MS, "at least 1ms, at most 1h, whole milliseconds" },
		{ &any, 0, NULL },
		{ &any, 1, NULL },
		{ &any, -1, "at least 0s" },
		{ &unchecked, 0, NULL },
		{ &unchecked, -S, "0s or at least 1ms" },
	};
	struct ifx_buf why;

	(void)state;
	ifx_buf_init(&why, 200);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = ifx_duration_allowed(cases[i].fact, cases[i].ns, &why);

		assert_int_equal(ok, cases[i].why == NULL);
		assert_string_equal(ok ? "" : why.data, ok ? "" : cases[i].why);
		assert_int_equal(ifx_duration_allowed(cases[i].fact, cases[i].ns, NULL), ok);
		ifx_buf_clear(&why);
	}
	ifx_buf_release(&why);
}

static void the_tables_allow_what_the_pages_show(void **state)
{
	size_t n;
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_true(ifx_duration_allowed(&facts[i], 10 * S, NULL));
		assert_false(ifx_duration_allowed(&facts[i], -S, NULL));
		if (!strcmp(facts[i].path, "drainDuration"))
			assert_false(ifx_duration_allowed(&facts[i], 1500 * MS, NULL));
		if (!strcmp(facts[i].path, "spec.http[].timeout"))
			assert_false(ifx_duration_allowed(&facts[i], 0, NULL));
		if (!strcmp(facts[i].path, "spec.rules[].timeouts.request"))
			assert_true(ifx_duration_allowed(&facts[i], 0, NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_go_accepts_is_read_exactly),
		cmocka_unit_test(foreign_spellings_name_their_assumption),
		cmocka_unit_test(the_rest_is_invalid_and_says_why),
		cmocka_unit_test(template_holes_are_opaque),
		cmocka_unit_test(tidy_is_one_whole_number_and_its_unit),
		cmocka_unit_test(canonical_text_has_the_same_value),
		cmocka_unit_test(a_refused_value_names_the_allowed_range),
		cmocka_unit_test(the_tables_allow_what_the_pages_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
