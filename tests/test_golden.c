/*
 * Every folder testdata/<rule>/<case>/ is a test of the built tool:
 *
 *   before.yaml    the manifest (or before.json)
 *   after.yaml     what `istio-fix -i --select <rule>` makes of it; none: it stays as it is
 *   report.txt     standard output of a run that only reports; none: not looked at
 *   args           more options, one a line
 *   exit           the exit code of the run in place; none: 0 or 1
 *
 * Each is asked: is the result exactly `after`? Does a second run leave it alone? Does a report
 * leave the file alone? UPDATE_GOLDEN=1 writes after.yaml, and report.txt where there is one; then
 * read the diff. An argument names the cases to run: `test_golden 'injection-*'`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tool.h"

#include <dirent.h>

enum { ARGS_MAX = 32 };

/* One case, as cmocka's state. */
struct golden {
	char *rule, *dir, *name; /* name: <rule>/<case> */
	bool json;
};

static bool updates(void)
{
	const char *env = getenv("UPDATE_GOLDEN");

	return env && *env && strcmp(env, "0") != 0;
}

static const char *path_in(const struct golden *g, const char *file)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", g->dir, file);
	return path;
}

static const char *after_name(const struct golden *g)
{
	return g->json ? "after.json" : "after.yaml";
}

static const char *before_name(const struct golden *g)
{
	return g->json ? "before.json" : "before.yaml";
}

/* The tool's command line: `extra` may be NULL; lines of `args` are cut in place. */
static void fill_argv(const char **argv, const struct golden *g, const char *extra, char *args)
{
	size_t n = 1;

	if (extra)
		argv[n++] = extra;
	argv[n++] = "--select";
	argv[n++] = g->rule;
	for (char *line = args ? strtok(args, "\r\n") : NULL; line; line = strtok(NULL, "\r\n")) {
		assert_true(n + 2 < ARGS_MAX);
		argv[n++] = line;
	}
	argv[n++] = before_name(g);
	argv[n] = NULL;
}

static struct tool_run start(const struct golden *g, const char *extra)
{
	const char *argv[ARGS_MAX];
	struct tool_run run;
	size_t len;
	char *args = tool_slurp(path_in(g, "args"), &len);

	fill_argv(argv, g, extra, args);
	run = tool_start(argv);
	free(args);
	return run;
}

static void check_exit(const struct golden *g, const struct tool_run *run)
{
	size_t len;
	char *wanted = tool_slurp(path_in(g, "exit"), &len);

	if (wanted ? run->code != atoi(wanted) : run->code != 0 && run->code != 1)
		fail_msg("exit code %d, not %s\n%s%s", run->code, wanted ? wanted : "0 or 1",
			 run->out, run->err);
	free(wanted);
}

static void write_or_remove(const char *path, const char *bytes, size_t len, bool there)
{
	if (there)
		scratch_write(path, bytes, len);
	else
		assert_true(unlink(path) == 0 || errno == ENOENT);
}

static void check_report(const struct golden *g, const char *before, size_t before_len)
{
	size_t len, now_len;
	char *wanted = tool_slurp(path_in(g, "report.txt"), &len), *now;
	struct tool_run run;

	if (!wanted)
		return;
	run = start(g, NULL);
	now = tool_slurp(before_name(g), &now_len);
	assert_non_null(now);
	tool_expect("a report changed the file", before, before_len, now, now_len, &run);
	if (updates())
		scratch_write(path_in(g, "report.txt"), run.out, run.out_len);
	else
		tool_expect("report.txt", wanted, len, run.out, run.out_len, &run);
	tool_end(&run);
	free(now);
	free(wanted);
}

static void golden_case(void **state)
{
	const struct golden *g = *state;
	size_t before_len, wanted_len, got_len, again_len;
	char *before = tool_slurp(path_in(g, before_name(g)), &before_len), *wanted, *got, *again;
	struct tool_run run;

	assert_non_null(before);
	scratch_write(before_name(g), before, before_len);
	check_report(g, before, before_len);

	run = start(g, "-i");
	check_exit(g, &run);
	got = tool_slurp(before_name(g), &got_len);
	assert_non_null(got);
	if (updates())
		write_or_remove(path_in(g, after_name(g)), got, got_len,
				got_len != before_len || memcmp(got, before, got_len) != 0);
	wanted = tool_slurp(path_in(g, after_name(g)), &wanted_len);
	if (wanted && wanted_len == before_len && !memcmp(wanted, before, before_len))
		fail_msg("%s is the same as before; remove it", after_name(g));
	tool_expect(wanted ? after_name(g) : "it must stay as it is", wanted ? wanted : before,
		    wanted ? wanted_len : before_len, got, got_len, &run);
	tool_end(&run);

	run = start(g, "-i");
	check_exit(g, &run);
	again = tool_slurp(before_name(g), &again_len);
	assert_non_null(again);
	tool_expect("a second run changes it again", got, got_len, again, again_len, &run);
	tool_end(&run);
	free(before);
	free(wanted);
	free(got);
	free(again);
}

static int enter(void **state)
{
	return scratch_enter(state);
}

static int leave(void **state)
{
	return scratch_leave(state);
}

/* ---- finding the cases ---- */

static struct CMUnitTest *tests;
static size_t n_tests;

static void add_case(const char *root, const char *rule, const char *name)
{
	struct golden *g = calloc(1, sizeof(*g));
	char *yaml = tool_format("%s/%s/%s/before.yaml", root, rule, name);
	char *json = tool_format("%s/%s/%s/before.json", root, rule, name);

	tests = realloc(tests, (n_tests + 1) * sizeof(*tests));
	if (!g || !tests)
		abort();
	g->json = access(json, F_OK) == 0;
	if (!g->json && access(yaml, F_OK) != 0) {
		fprintf(stderr, "%s/%s/%s has no before.yaml\n", root, rule, name);
		exit(1);
	}
	g->rule = tool_format("%s", rule);
	g->dir = tool_format("%s/%s/%s", root, rule, name);
	g->name = tool_format("%s/%s", rule, name);
	tests[n_tests++] = (struct CMUnitTest){ g->name, golden_case, enter, leave, g };
	free(yaml);
	free(json);
}

static int is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Names of the directories in `path`, sorted. */
static struct dirent **list(const char *path, int *n)
{
	struct dirent **names;

	*n = scandir(path, &names, NULL, alphasort);
	if (*n < 0) {
		fprintf(stderr, "cannot read '%s': %s\n", path, strerror(errno));
		exit(1);
	}
	return names;
}

static void add_rule(const char *root, const char *rule)
{
	char *path = tool_format("%s/%s", root, rule);
	int n;
	struct dirent **names = list(path, &n);

	for (int i = 0; i < n; i++) {
		char *dir = tool_format("%s/%s", path, names[i]->d_name);

		if (names[i]->d_name[0] != '.' && is_dir(dir))
			add_case(root, rule, names[i]->d_name);
		free(dir);
		free(names[i]);
	}
	free(names);
	free(path);
}

int main(int argc, char **argv)
{
	char *root = realpath("testdata", NULL);
	struct dirent **names;
	int n, failed;

	if (!root) {
		fprintf(stderr, "run me where testdata/ is\n");
		return 1;
	}
	names = list(root, &n);
	for (int i = 0; i < n; i++) {
		char *dir = tool_format("%s/%s", root, names[i]->d_name);

		/* What ./dev run shows is no test. */
		if (names[i]->d_name[0] != '.' && strcmp(names[i]->d_name, "demo") != 0 &&
		    strcmp(names[i]->d_name, "pairs") != 0 &&
		    strcmp(names[i]->d_name, "krm") != 0 &&
		    strcmp(names[i]->d_name, "ambient-apply") != 0 &&
		    strcmp(names[i]->d_name, "template") != 0 && is_dir(dir))
			add_rule(root, names[i]->d_name);
		free(dir);
		free(names[i]);
	}
	free(names);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	failed = tool_find() ? _cmocka_run_group_tests("golden", tests, n_tests, NULL, NULL) : 77;
	for (size_t i = 0; i < n_tests; i++) {
		struct golden *g = tests[i].initial_state;

		free(g->rule);
		free(g->dir);
		free(g->name);
		free(g);
	}
	free(tests);
	free(root);
	return failed;
}
