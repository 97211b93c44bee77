/* Settings in YAML: what may stand where, which layer wins, and the place of every error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "options.h"
#include "settings.h"
#include "yaml/load.h"

/* The settings of `text`, on top of what `c` has. False: `err` says why, without the last line end.
 */
static bool read_text(struct ifx_config *c, const char *text, ifx_settings_place place, char *said,
		      size_t size)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc = NULL;
	struct ifx_buf err;
	bool ok;

	ifx_buf_init(&problem.text, 4096);
	ifx_buf_init(&err, 1 << 20);
	assert_int_equal(ifx_doc_load(&doc, ifx_str_of(text), &problem), IFX_OK);
	ok = ifx_settings_read(c, doc->root, place, IFX_LIT("f.yaml"), &err);
	assert_int_equal(ok, !err.len);
	assert_true(err.len < size);
	memcpy(said, ifx_buf_str(&err).ptr, err.len);
	said[err.len ? err.len - 1 : 0] = '\0';
	ifx_doc_free(doc); /* nothing may be borrowed from it */
	ifx_buf_release(&err);
	ifx_buf_release(&problem.text);
	return ok;
}

static void read_well(struct ifx_config *c, const char *text, ifx_settings_place place)
{
	char said[4096];

	if (!read_text(c, text, place, said, sizeof(said)))
		fail_msg("%s", said);
}

static void check_texts(const struct ifx_texts *list, const char *wanted)
{
	struct ifx_buf got;

	ifx_buf_init(&got, 4096);
	for (size_t i = 0; i < list->n; i++)
		ifx_buf_addf(&got, "%s%.*s", i ? "," : "", IFX_ARG(list->items[i].text));
	ifx_buf_addc(&got, '\0');
	assert_string_equal(got.data, wanted);
	ifx_buf_release(&got);
}

static void every_setting_reaches_the_configuration(void **state)
{
	static const char text[] = "level: safe\n"
				   "choose: {ambient-conflict: sidecar, other: x}\n"
				   "select: [a, \"b\", 'c,d']\n"
				   "ignore: e, f\n"
				   "rules:\n- r1\n- r2\n"
				   "fail-on: error\n"
				   "exclude: [vendor/, '*.bak,1']\n"
				   "force-exclude: true\n"
				   "no-gitignore: false\n"
				   "istio-version: 1.30\n" /* not the number 1.3 */
				   "namespace: shop\n";
	struct ifx_config *c = ifx_config_new();

	(void)state;
	read_well(c, text, IFX_SETTINGS_FILE);
	assert_int_equal(c->level, IFX_SAFE);
	assert_int_equal(c->n_picks, 2);
	assert_true(ifx_str_eq(c->picks[0].rule, IFX_LIT("ambient-conflict")));
	assert_true(ifx_str_eq(c->picks[0].answer, IFX_LIT("sidecar")));
	assert_true(ifx_str_eq(c->picks[0].where, IFX_LIT("f.yaml:2:10")));
	check_texts(&c->select, "a,b,c,d");
	assert_true(ifx_str_eq(c->select.items[1].where, IFX_LIT("f.yaml:3:13")));
	check_texts(&c->ignore, "e,f");
	check_texts(&c->rules, "r1,r2");
	check_texts(&c->exclude, "vendor/,*.bak,1");
	assert_int_equal(c->fail_on, IFX_ERROR);
	assert_true(c->force_exclude && !c->no_gitignore);
	assert_int_equal(c->istio_minor, 30);
	assert_true(ifx_str_eq(c->namespace, IFX_LIT("shop")));
	ifx_config_free(c);
}

static void a_config_map_has_strings(void **state)
{
	static const char text[] =
		"select: a,b\nchoose: \"x=y,z=w\"\nno-gitignore: \"true\"\n"
		"force-exclude: 'false'\nmode: |\n  check\nistio-version: '1.30'\n";
	struct ifx_config *c = ifx_config_new();
	char said[4096];

	(void)state;
	read_well(c, text, IFX_SETTINGS_DATA);
	check_texts(&c->select, "a,b");
	assert_int_equal(c->n_picks, 2);
	assert_true(c->no_gitignore && !c->force_exclude);
	assert_int_equal(c->mode, IFX_MODE_CHECK);
	assert_int_equal(c->istio_minor, 30);
	assert_false(read_text(c, "select: [a]\n", IFX_SETTINGS_DATA, said, sizeof(said)));
	assert_string_equal(said, "f.yaml:1:9: error: select must be a text, not a list [config]");
	ifx_config_free(c);
}

static void no_settings_are_fine(void **state)
{
	struct ifx_config *c = ifx_config_new();
	struct ifx_buf err;

	(void)state;
	ifx_buf_init(&err, 4096);
	read_well(c, "# nothing\n", IFX_SETTINGS_FILE);
	read_well(c, "{}\n", IFX_SETTINGS_FUNCTION);
	read_well(c, "~\n", IFX_SETTINGS_FUNCTION);
	assert_true(ifx_settings_read(c, NULL, IFX_SETTINGS_DATA, IFX_LIT("f"), &err));
	assert_int_equal(c->level, IFX_REPAIR);
	ifx_config_free(c);
}

static void every_mistake_has_its_place(void **state)
{
	static const struct {
		ifx_settings_place place;
		const char *text, *says;
	} cases[] = {
		{ IFX_SETTINGS_FILE, "selct: [a]\n",
		  "f.yaml:1:1: error: there is no setting 'selct'; did you mean 'select'? [config]" },
		{ IFX_SETTINGS_FILE, "level: safe\nbananas: 1\n",
		  "f.yaml:2:1: error: there is no setting 'bananas'; see 'istio-fix --help' [config]" },
		{ IFX_SETTINGS_FILE, "in-place: true\n",
		  "f.yaml:1:1: error: 'in-place' is an option of the command line only [config]" },
		{ IFX_SETTINGS_FILE, "format: json\n",
		  "f.yaml:1:1: error: 'format' is an option of the command line only [config]" },
		{ IFX_SETTINGS_FILE, "help: true\n",
		  "f.yaml:1:1: error: 'help' is an option of the command line only [config]" },
		{ IFX_SETTINGS_FILE, "mode: check\n",
		  "f.yaml:1:1: error: 'mode' is for the configuration of a function only [config]" },
		{ IFX_SETTINGS_PATHS, "exclude: [a]\n",
		  "f.yaml:1:1: error: 'exclude' holds for all paths; set it at the top of the file [config]" },
		{ IFX_SETTINGS_FUNCTION, "mode: maybe\n",
		  "f.yaml:1:7: error: mode is fix or check, not 'maybe' [config]" },
		{ IFX_SETTINGS_FILE, "level: high\n",
		  "f.yaml:1:8: error: level is safe, repair or all, not 'high' [config]" },
		{ IFX_SETTINGS_FILE, "level: [safe]\n",
		  "f.yaml:1:8: error: level must be a text, not a list [config]" },
		{ IFX_SETTINGS_FILE, "level:\n",
		  "f.yaml:1:7: error: level must be a text, not nothing [config]" },
		{ IFX_SETTINGS_FILE, "level: safe\nlevel: all\n",
		  "f.yaml:2:1: error: 'level' is there twice; leave one out [config]" },
		{ IFX_SETTINGS_FILE, "choose: {a: b, a: c}\n",
		  "f.yaml:1:16: error: 'a' is there twice; leave one out [config]" },
		{ IFX_SETTINGS_FILE, "choose: {a: [b]}\n",
		  "f.yaml:1:13: error: an answer must be a text, not a list [config]" },
		{ IFX_SETTINGS_FILE, "choose: a\n",
		  "f.yaml:1:9: error: choose wants RULE=ANSWER, not 'a' [config]" },
		{ IFX_SETTINGS_FILE, "select: {a: b}\n",
		  "f.yaml:1:9: error: select must be a text, not a map [config]" },
		{ IFX_SETTINGS_FILE, "select: []\n",
		  "f.yaml:1:9: error: 'select' is an empty list; leave it out [config]" },
		{ IFX_SETTINGS_FILE, "select: [a, [b]]\n",
		  "f.yaml:1:13: error: select must be a text, not a list [config]" },
		{ IFX_SETTINGS_FILE, "select: \"\"\n",
		  "f.yaml:1:9: error: the list of rules is empty [config]" },
		{ IFX_SETTINGS_FILE, "select: [&x a]\nignore: *x\n",
		  "f.yaml:2:9: error: ignore must be a text, not an alias; write it out [config]" },
		{ IFX_SETTINGS_FILE, "<<: {level: safe}\n",
		  "f.yaml:1:1: error: there is no setting '<<'; see 'istio-fix --help' [config]" },
		{ IFX_SETTINGS_FILE, "? [level]\n: safe\n",
		  "f.yaml:1:3: error: a key must be a text, not a list [config]" },
		{ IFX_SETTINGS_FILE, "no-gitignore: 'true'\n",
		  "f.yaml:1:15: error: 'no-gitignore' is true or false, not a text [config]" },
		{ IFX_SETTINGS_FILE, "no-gitignore: yes\n",
		  "f.yaml:1:15: error: 'no-gitignore' is true or false, not another word [config]" },
		{ IFX_SETTINGS_FILE, "no-gitignore:\n",
		  "f.yaml:1:14: error: 'no-gitignore' is true or false, not nothing [config]" },
		{ IFX_SETTINGS_FILE, "rules: \"a\\0b\"\n",
		  "f.yaml:1:8: error: rules must be a text without NUL [config]" },
		{ IFX_SETTINGS_FILE, "istio-version: 1.3\n",
		  "f.yaml:1:16: error: istio-version is 1.20 to 1.32, not '1.3' [config]" },
		{ IFX_SETTINGS_FILE, "- a\n",
		  "f.yaml:1:1: error: settings are a map, not a list [config]" },
		{ IFX_SETTINGS_FILE, "level\n",
		  "f.yaml:1:1: error: settings are a map, not a text [config]" },
		/* characters, not bytes; the second error counts from the first */
		{ IFX_SETTINGS_FILE, "{namespace: 'äöü', x: 1,\n 'ß': 2, \"y\\n\": 3}\n",
		  "f.yaml:1:20: error: there is no setting 'x'; see 'istio-fix --help' [config]\n"
		  "f.yaml:2:2: error: there is no setting 'ß'; see 'istio-fix --help' [config]\n"
		  "f.yaml:2:10: error: there is no setting 'y\\n'; see 'istio-fix --help' [config]" },
	};
	char said[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_config *c = ifx_config_new();

		if (read_text(c, cases[i].text, cases[i].place, said, sizeof(said)))
			fail_msg("no error for %s", cases[i].text);
		assert_string_equal(said, cases[i].says);
		ifx_config_free(c);
	}
}

static void errors_are_limited(void **state)
{
	struct ifx_config *c = ifx_config_new();
	struct ifx_buf text;
	static char said[1 << 16];
	size_t lines = 1;

	(void)state;
	ifx_buf_init(&text, 1 << 20);
	for (int i = 0; i < 1000; i++)
		ifx_buf_addf(&text, "k%d: 1\n", i);
	assert_false(read_text(c, text.data, IFX_SETTINGS_FILE, said, sizeof(said)));
	for (const char *p = said; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, IFX_SETTINGS_ERRORS_MAX);
	ifx_buf_release(&text);
	ifx_config_free(c);
}

static void give(struct ifx_config *c, const char *name, const char *arg)
{
	char err[256];

	if (ifx_config_set(c, name, arg, err, sizeof(err)))
		fail_msg("%s", err);
}

static void the_command_line_wins(void **state)
{
	struct ifx_config *line = ifx_config_new(), *c = ifx_config_new();
	struct ifx_buf err;

	(void)state;
	ifx_buf_init(&err, 4096);
	give(line, "level", "all");
	give(line, "ignore", "x");
	give(line, "ignore", "y");
	give(line, "choose", "a=2");
	give(line, "verbose", NULL);
	read_well(c, "level: safe\nselect: [s]\nignore: [i]\nchoose: {a: 1, b: 1}\nnamespace: n\n",
		  IFX_SETTINGS_FILE);
	assert_true(ifx_config_repeat(c, line, &err));
	assert_int_equal(c->level, IFX_CHOICE);
	assert_true(c->verbose);
	check_texts(&c->select, "s");
	check_texts(&c->ignore, "x,y");
	assert_int_equal(c->n_picks, 3); /* the last one for a rule holds */
	assert_true(ifx_str_eq(c->picks[2].answer, IFX_LIT("2")));
	assert_true(ifx_str_eq(c->namespace, IFX_LIT("n")));
	ifx_config_free(line);
	ifx_config_free(c);
}

static void select_on_the_line_overrules_what_a_file_ignores(void **state)
{
	struct ifx_config *line = ifx_config_new(), *c = ifx_config_new();
	struct ifx_buf err;

	(void)state;
	ifx_buf_init(&err, 4096);
	give(line, "ignore", "x");
	give(line, "select", "s");
	give(line, "select", "t");
	read_well(c, "select: [f]\nignore: [s]\n", IFX_SETTINGS_FILE);
	assert_true(ifx_config_repeat(c, line, &err));
	check_texts(&c->select, "s,t");
	check_texts(&c->ignore, "x");
	ifx_config_free(line);
	ifx_config_free(c);
}

static void paths_add_to_what_is_ignored_and_select_anew(void **state)
{
	struct ifx_config *c = ifx_config_new();

	(void)state;
	read_well(c, "select: [a]\nignore: [i]\n", IFX_SETTINGS_FILE);
	read_well(c, "ignore: [j]\nlevel: safe\n", IFX_SETTINGS_PATHS);
	check_texts(&c->select, "a");
	check_texts(&c->ignore, "i,j");
	assert_int_equal(c->level, IFX_SAFE);
	read_well(c, "ignore: [k]\nselect: [b]\n", IFX_SETTINGS_PATHS);
	check_texts(&c->select, "b");
	check_texts(&c->ignore, "k");
	ifx_config_free(c);
}

/* Without memory an error, never a crash or a leak. */
static void memory_may_end_anywhere(void **state)
{
	static const char text[] = "level: safe\nselect: [a, b]\nchoose: {c: d}\nnamespace: n\n";

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct ifx_config *c = ifx_config_new();
		struct ifx_problem problem = { 0 };
		struct ifx_doc *doc = NULL;
		struct ifx_buf err;
		bool ok, failed;

		ifx_buf_init(&problem.text, 4096);
		ifx_buf_init(&err, 1 << 20);
		assert_int_equal(ifx_doc_load(&doc, ifx_str_of(text), &problem), IFX_OK);
		ifx_alloc_fail_at(nth);
		ok = ifx_settings_read(c, doc->root, IFX_SETTINGS_FILE, IFX_LIT("f"), &err);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		assert_int_equal(ok, !failed);
		ifx_doc_free(doc);
		ifx_buf_release(&err);
		ifx_config_free(c);
		if (!failed)
			break;
		assert_true(nth < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_reaches_the_configuration),
		cmocka_unit_test(a_config_map_has_strings),
		cmocka_unit_test(no_settings_are_fine),
		cmocka_unit_test(every_mistake_has_its_place),
		cmocka_unit_test(errors_are_limited),
		cmocka_unit_test(the_command_line_wins),
		cmocka_unit_test(select_on_the_line_overrules_what_a_file_ignores),
		cmocka_unit_test(paths_add_to_what_is_ignored_and_select_anew),
		cmocka_unit_test(memory_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
