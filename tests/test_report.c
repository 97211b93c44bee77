#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "report/report.h"

/* --- one file with a finding of each kind ----------------------------------------------------- */

#define BEFORE "a: 1\nb: 2\nc: 3\nd: 4\n"
#define AFTER  "a: one\nnew: line\nb: 2\nc: 3\nd: 4\n"

static const ifx_str comments[] = { { "# why", 5 }, { "# \"not\"", 7 } };
static const struct ifx_op_note second_op = {
	.verb = "remove",
	.path = { "metadata.b", 10 },
	.comments = comments,
	.n_comments = 2,
};
static const struct ifx_op_note first_op = {
	.verb = "set",
	.path = { "metadata.a", 10 },
	.to = { "one", 3 },
	.next = &second_op,
};
static struct ifx_edit edits_of_first[] = { { { 3, 1 }, { "one\nnew: line", 13 }, 0 } };
static struct ifx_edits all_edits = { edits_of_first, 1, 1 };

static struct ifx_finding findings[] = {
	{
		.rule = "first-rule",
		.ist = "IST0107",
		.level = IFX_SAFE,
		.severity = IFX_WARNING,
		.message = { "a is wrong", 10 },
		.at = 3,
		.document = 1,
		.kind = { "Pod", 3 },
		.namespace = { "ns", 2 },
		.name = { "x", 1 },
		.fixable = true,
		.applied = true,
		.edits = { edits_of_first, 1, 1 },
		.ops = &first_op,
	},
	{
		.rule = "second-rule",
		.level = IFX_CHOICE,
		.severity = IFX_ERROR,
		.message = { "b may mean two things", 21 },
		.help = { "say which", 9 },
		.at = 5,
		.document = 1,
		.fixable = true,
		.choices = "template|outer",
	},
	{
		.rule = "third-rule",
		.level = IFX_REPAIR,
		.severity = IFX_INFO,
		.message = { "c\n\x1b[31m\xc2\x9b \xe2\x80\xae\xff", 14 },
		.refused = { "an alias", 8 },
		.at = 10,
		.document = 2,
	},
	{
		.rule = "fourth-rule",
		.level = IFX_REPAIR,
		.severity = IFX_WARNING,
		.message = { "d", 1 },
		.at = 18,
		.document = 2,
		.fixable = true,
	},
};

static void report(struct ifx_buf *out, struct ifx_reporter *rep, bool written, const char *path)
{
	const struct ifx_finding *list[] = { &findings[0], &findings[1], &findings[2],
					     &findings[3] };
	struct ifx_file_report file = {
		.path = ifx_str_of(path),
		.before = IFX_LIT(BEFORE),
		.after = IFX_LIT(AFTER),
		.edits = &all_edits,
		.findings = list,
		.n_findings = 4,
		.written = written,
		.only_left = written,
	};

	ifx_report_begin(rep, out);
	ifx_report_file(rep, &file, out, out);
	ifx_report_failure(rep, IFX_LIT("gone.yaml"), IFX_LIT("no such file"), "read", out);
	ifx_report_end(rep, out);
}

static void text_is_one_line_per_finding(void **state)
{
	static const struct {
		bool written, verbose, color;
		const char *text;
	} cases[] = {
		{ false, false, false,
		  "d/f.yaml:1:4: warning: a is wrong (fix: safe, its comments go too) [first-rule IST0107]\n"
		  "d/f.yaml:2:1: error: b may mean two things; say which "
		  "(choose: second-rule=template|outer) [second-rule]\n"
		  "d/f.yaml:3:1: info: c\\n\\x1b[31m\\u009b \\u202e\\xff; not fixed: an alias "
		  "[third-rule]\n"
		  "d/f.yaml:4:4: warning: d (fix: repair) [fourth-rule]\n" },
		/* what is fixed is not told again; what is left has moved */
		{ true, false, false,
		  "d/f.yaml:3:1: error: b may mean two things; say which "
		  "(choose: second-rule=template|outer) [second-rule]\n"
		  "d/f.yaml:4:1: info: c\\n\\x1b[31m\\u009b \\u202e\\xff; not fixed: an alias "
		  "[third-rule]\n"
		  "d/f.yaml:5:4: warning: d (fix: repair) [fourth-rule]\n" },
		{ true, true, true,
		  "\033[1md/f.yaml:1:4:\033[0m \033[1;33mwarning:\033[0m a is wrong (fixed) "
		  "\033[2m[first-rule IST0107]\033[0m\n"
		  "\033[1md/f.yaml:3:1:\033[0m \033[1;31merror:\033[0m b may mean two things; say which "
		  "(choose: second-rule=template|outer) \033[2m[second-rule]\033[0m\n"
		  "\033[1md/f.yaml:4:1:\033[0m \033[1;36minfo:\033[0m c\\n\\x1b[31m\\u009b \\u202e\\xff; not "
		  "fixed: an alias \033[2m[third-rule]\033[0m\n"
		  "\033[1md/f.yaml:5:4:\033[0m \033[1;33mwarning:\033[0m d (fix: repair) "
		  "\033[2m[fourth-rule]\033[0m\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_reporter rep = { .verbose = cases[i].verbose, .color = cases[i].color };
		struct ifx_buf out;

		ifx_buf_init(&out, 10000);
		report(&out, &rep, cases[i].written, "d/f.yaml");
		assert_string_equal(out.data, cases[i].text);
		assert_int_equal(rep.tally.files, 1);
		assert_int_equal(rep.tally.changed, 1);
		assert_int_equal(rep.tally.fixed, 1);
		assert_int_equal(rep.tally.fixable, 2);
		assert_int_equal(rep.tally.held_choice, 1);
		assert_int_equal(rep.tally.left[IFX_ERROR], 1);
		assert_int_equal(rep.tally.left[IFX_WARNING], 1);
		assert_int_equal(rep.tally.left[IFX_INFO], 1);
		ifx_reporter_release(&rep);
		ifx_buf_release(&out);
	}
}

static void paths_cannot_steer_a_terminal(void **state)
{
	struct ifx_reporter rep = { 0 };
	struct ifx_buf out;

	(void)state;
	ifx_buf_init(&out, 10000);
	report(&out, &rep, false, "a\n\x1b]0;x\a\xc3\xa4.yaml");
	assert_true(ifx_str_starts(ifx_buf_str(&out),
				   IFX_LIT("a\\n\\x1b]0;x\\x07\xc3\xa4.yaml:1:4: warning: ")));
	ifx_reporter_release(&rep);
	ifx_buf_release(&out);
}

static void json_has_it_all(void **state)
{
	struct ifx_reporter rep = { .format = IFX_FORMAT_JSON };
	struct ifx_buf out, want;

	(void)state;
	ifx_buf_init(&out, 10000);
	ifx_buf_init(&want, 10000);
	report(&out, &rep, true, "f\xff.yaml");
	ifx_buf_addf(
		&want,
		"{\"version\":\"%s\",\"results\":[\n"
		"{\"rule\":\"first-rule\",\"ist\":\"IST0107\",\"level\":\"safe\",\"severity\":\"warning\","
		"\"path\":\"f\xef\xbf\xbd.yaml\",\"line\":1,\"column\":4,\"document\":1,\"kind\":\"Pod\","
		"\"namespace\":\"ns\",\"name\":\"x\",\"message\":\"a is wrong\",\"help\":null,\"fix\":{"
		"\"applied\":true,\"refused\":null,\"edits\":[{\"offset\":3,\"length\":1,\"text\":"
		"\"one\\nnew: line\"}],\"operations\":[{\"verb\":\"set\",\"path\":\"metadata.a\",\"to\":"
		"\"one\",\"comments\":[]},{\"verb\":\"remove\",\"path\":\"metadata.b\",\"to\":null,"
		"\"comments\":[\"# why\",\"# \\\"not\\\"\"]}]}},\n"
		"{\"rule\":\"second-rule\",\"ist\":null,\"level\":\"choice\",\"severity\":\"error\","
		"\"path\":\"f\xef\xbf\xbd.yaml\",\"line\":3,\"column\":1,\"document\":1,\"kind\":null,"
		"\"namespace\":null,\"name\":null,\"message\":\"b may mean two things\",\"help\":"
		"\"say which\",\"fix\":{\"applied\":false,\"refused\":null,\"edits\":[],\"operations\":[]}},\n"
		"{\"rule\":\"third-rule\",\"ist\":null,\"level\":\"repair\",\"severity\":\"info\","
		"\"path\":\"f\xef\xbf\xbd.yaml\",\"line\":4,\"column\":1,\"document\":2,\"kind\":null,"
		"\"namespace\":null,\"name\":null,\"message\":\"c\\n\\u001b[31m\xc2\x9b \xe2\x80\xae"
		"\xef\xbf\xbd\",\"help\":null,\"fix\":{\"applied\":false,\"refused\":\"an alias\",\"edits\":"
		"[],\"operations\":[]}},\n"
		"{\"rule\":\"fourth-rule\",\"ist\":null,\"level\":\"repair\",\"severity\":\"warning\","
		"\"path\":\"f\xef\xbf\xbd.yaml\",\"line\":5,\"column\":4,\"document\":2,\"kind\":null,"
		"\"namespace\":null,\"name\":null,\"message\":\"d\",\"help\":null,\"fix\":{\"applied\":false,"
		"\"refused\":null,\"edits\":[],\"operations\":[]}}\n"
		"],\"summary\":{\"files\":1,\"changed\":1,\"failed\":0,\"fixed\":1,\"fixable\":2,"
		"\"suppressed\":0,"
		"\"left\":{\"error\":1,\"warning\":1,\"info\":1}}}\n",
		IFX_VERSION);
	assert_string_equal(out.data, want.data);
	ifx_reporter_release(&rep);
	ifx_buf_release(&out);
	ifx_buf_release(&want);
}

static void json_of_nothing_is_whole(void **state)
{
	struct ifx_reporter rep = { .format = IFX_FORMAT_JSON };
	struct ifx_buf out;

	(void)state;
	ifx_buf_init(&out, 1000);
	ifx_report_begin(&rep, &out);
	ifx_report_end(&rep, &out);
	assert_string_equal(
		out.data,
		"{\"version\":\"" IFX_VERSION "\",\"results\":[],\"summary\":{\"files\":0,"
		"\"changed\":0,\"failed\":0,\"fixed\":0,\"fixable\":0,\"suppressed\":0,\"left\":{\"error\":0,"
		"\"warning\":0,\"info\":0}}}\n");
	ifx_buf_release(&out);
}

static void the_summary_is_a_sentence(void **state)
{
	static const struct {
		struct ifx_tally tally;
		bool wrote;
		const char *text;
	} cases[] = {
		{ { .files = 3,
		    .changed = 0,
		    .failed = 0,
		    .fixed = 0,
		    .fixable = 0,
		    .held_choice = 0,
		    .left = { 0, 0, 0 } },
		  true,
		  "no findings in 3 files\n" },
		{ { .files = 1,
		    .changed = 0,
		    .failed = 1,
		    .fixed = 0,
		    .fixable = 0,
		    .held_choice = 0,
		    .left = { 0, 0, 0 } },
		  true,
		  "no findings in 1 file; 1 file failed\n" },
		{ { .files = 3,
		    .changed = 2,
		    .failed = 0,
		    .fixed = 5,
		    .fixable = 2,
		    .held_choice = 2,
		    .left = { 0, 1, 1 } },
		  true,
		  "fixed 5 of 7 findings in 2 of 3 files (2 need --choose); 1 error, 1 warning left\n" },
		{ { .files = 3,
		    .changed = 3,
		    .failed = 0,
		    .fixed = 5,
		    .fixable = 0,
		    .held_choice = 0,
		    .left = { 0, 0, 0 } },
		  true,
		  "fixed 5 findings in 3 files\n" },
		{ { .files = 1,
		    .changed = 1,
		    .failed = 0,
		    .fixed = 1,
		    .fixable = 0,
		    .held_choice = 0,
		    .left = { 0, 0, 0 } },
		  false,
		  "would fix 1 finding in 1 file\n" },
		{ { .files = 3,
		    .changed = 1,
		    .failed = 2,
		    .fixed = 1,
		    .fixable = 3,
		    .held_choice = 1,
		    .left = { 2, 3, 0 } },
		  false,
		  "would fix 1 of 6 findings in 1 of 3 files (1 needs --choose, 2 need --level repair); "
		  "3 warnings, 2 info left; 2 files failed\n" },
		{ { .files = 2,
		    .changed = 0,
		    .failed = 0,
		    .fixed = 0,
		    .fixable = 1,
		    .held_choice = 0,
		    .left = { 0, 1, 0 } },
		  true,
		  "1 finding in 2 files (1 needs --level repair); 1 warning left\n" },
		{ { .files = 2,
		    .changed = 0,
		    .failed = 0,
		    .fixed = 0,
		    .fixable = 0,
		    .held_choice = 0,
		    .left = { 0, 0, 2 } },
		  true,
		  "2 findings in 2 files; 2 errors left\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_reporter rep = { .tally = cases[i].tally };
		struct ifx_buf out;

		ifx_buf_init(&out, 1000);
		ifx_tally_summary(&rep.tally, cases[i].wrote, &out);
		assert_string_equal(out.data, cases[i].text);
		ifx_buf_release(&out);
	}
}

/* Fails by the test's time limit when a file is scanned from its start for every finding. */
static void many_findings_are_linear(void **state)
{
	enum { N = 20000, STEP = 1000 };
	struct ifx_finding *many = test_calloc(N, sizeof(*many));
	const struct ifx_finding **list = test_malloc(N * sizeof(*list));
	struct ifx_buf text, out;

	(void)state;
	ifx_buf_init(&text, 1 << 30);
	ifx_buf_init(&out, 1 << 30);
	ifx_buf_fill(&text, 'x', (size_t)N * STEP);
	for (size_t i = 0; i < N; i++) {
		many[i] = findings[3];
		many[i].at = i * STEP;
		list[i] = &many[i];
	}
	for (int lines = 0; lines < 2; lines++) {
		struct ifx_file_report file = {
			.path = IFX_LIT("f"),
			.before = ifx_buf_str(&text),
			.after = ifx_buf_str(&text),
			.edits = &all_edits,
			.findings = list,
			.n_findings = N,
			.written = lines,
			.only_left = lines,
		};
		struct ifx_reporter rep = { 0 };

		ifx_report_file(&rep, &file, &out, &out);
		assert_int_equal(ifx_buf_status(&out), IFX_OK);
		assert_int_equal(rep.tally.changed, 0);
		ifx_reporter_release(&rep);
		for (size_t i = 0; i < text.len; i += 40)
			text.data[i] = '\n';
	}
	ifx_buf_release(&text);
	ifx_buf_release(&out);
	test_free(many);
	test_free(list);
}

static void unsorted_findings_are_still_right(void **state)
{
	const struct ifx_finding *list[] = { &findings[3], &findings[1] };
	struct ifx_file_report file = {
		.path = IFX_LIT("f"),
		.before = IFX_LIT(BEFORE),
		.after = IFX_LIT(BEFORE),
		.findings = list,
		.n_findings = 2,
	};
	struct ifx_reporter rep = { 0 };
	struct ifx_buf out;

	(void)state;
	ifx_buf_init(&out, 1000);
	ifx_report_file(&rep, &file, &out, &out);
	assert_non_null(strstr(out.data, "f:4:4: "));
	assert_non_null(strstr(out.data, "f:2:1: "));
	ifx_reporter_release(&rep);
	ifx_buf_release(&out);
}

static void statistics_begin_with_the_most_frequent(void **state)
{
	const struct ifx_finding more = { .rule = "fourth-rule", .severity = IFX_ERROR };
	const struct ifx_finding problem = { .rule = "yaml", .severity = IFX_ERROR };
	struct ifx_tally tally = { 0 };
	struct ifx_buf out;

	(void)state;
	ifx_buf_init(&out, 1000);
	ifx_tally_statistics(&tally, true, &out);
	assert_int_equal(out.len, 0);
	assert_true(ifx_tally_problem(&tally, &problem));
	for (size_t i = 0; i < 4; i++)
		assert_true(ifx_tally_finding(&tally, &findings[i]));
	assert_true(ifx_tally_finding(&tally, &more));
	ifx_tally_statistics(&tally, false, &out);
	assert_string_equal(out.data, "findings  would fix      left  rule\n"
				      "       2          0         2  fourth-rule\n"
				      "       1          1         0  first-rule IST0107\n"
				      "       1          0         1  second-rule\n"
				      "       1          0         1  third-rule\n");
	assert_int_equal(ifx_tally_rule(&tally, "yaml"), 0);
	assert_int_equal(tally.rules[ifx_tally_rule(&tally, "fourth-rule")].worst, IFX_ERROR);
	assert_int_equal(ifx_tally_rule(&tally, "fifth-rule"), tally.n_rules);
	ifx_tally_release(&tally);
	ifx_buf_release(&out);
}

static void out_of_memory_is_survived(void **state)
{
	(void)state;
	for (int format = 0; ifx_report_format_name(format); format++) {
		unsigned long n = 0;
		int failed;

		do {
			struct ifx_reporter rep = { .format = format, .color = true };
			struct ifx_buf out;

			ifx_buf_init(&out, 100000);
			ifx_alloc_fail_at(++n);
			report(&out, &rep, false, "f");
			ifx_tally_summary(&rep.tally, true, &out);
			ifx_tally_statistics(&rep.tally, true, &out);
			failed = ifx_alloc_failed();
			ifx_alloc_fail_at(0);
			assert_int_equal(ifx_buf_status(&out), failed ? IFX_ENOMEM : IFX_OK);
			ifx_reporter_release(&rep);
			ifx_buf_release(&out);
		} while (failed);
		assert_true(n > 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_one_line_per_finding),
		cmocka_unit_test(paths_cannot_steer_a_terminal),
		cmocka_unit_test(json_has_it_all),
		cmocka_unit_test(json_of_nothing_is_whole),
		cmocka_unit_test(the_summary_is_a_sentence),
		cmocka_unit_test(many_findings_are_linear),
		cmocka_unit_test(unsorted_findings_are_still_right),
		cmocka_unit_test(statistics_begin_with_the_most_frequent),
		cmocka_unit_test(out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
