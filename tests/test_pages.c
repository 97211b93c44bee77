/*
 * The examples in transforms/<rule>.md are run, so that a page cannot say what is not so:
 *
 *   Options: `--choose rule=answer`        (may be missing)
 *   Before:
 *   ```yaml
 *   ...
 *   ```
 *   After:
 *   ```yaml
 *   ...
 *   ```
 *
 * `istio-fix -i --select <rule> OPTIONS` must make the second text of the first, and leave the
 * second alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tool.h"

#include <dirent.h>

enum { ARGS_MAX = 32 };

struct example {
	char *rule, *name;          /* name: <page>:<line> */
	char *options;              /* NULL: none */
	const char *before, *after; /* of the page */
	size_t before_len, after_len;
	const char *file; /* before.yaml or before.json */
};

static struct CMUnitTest *tests;
static size_t n_tests;

/* ---- running one ---- */

static struct tool_run start(const struct example *e)
{
	const char *argv[ARGS_MAX];
	char *options = tool_format("%s", e->options ? e->options : "");
	struct tool_run run;
	size_t n = 1;

	argv[n++] = "-i";
	argv[n++] = "--select";
	argv[n++] = e->rule;
	for (char *word = strtok(options, " "); word; word = strtok(NULL, " ")) {
		assert_true(n + 2 < ARGS_MAX);
		argv[n++] = word;
	}
	argv[n++] = e->file;
	argv[n] = NULL;
	run = tool_start(argv);
	free(options);
	return run;
}

static void example_holds(void **state)
{
	const struct example *e = *state;
	struct tool_run run;
	size_t len;
	char *now;

	scratch_write(e->file, e->before, e->before_len);
	for (int i = 0; i < 2; i++) {
		run = start(e);
		now = tool_slurp(e->file, &len);
		assert_non_null(now);
		tool_expect(i ? "a second run changes it again" : "the example says otherwise",
			    e->after, e->after_len, now, len, &run);
		assert_true(run.code == 0 || run.code == 1);
		tool_end(&run);
		free(now);
	}
}

static int enter(void **state)
{
	return scratch_enter(state);
}

static int leave(void **state)
{
	return scratch_leave(state);
}

/* ---- reading a page ---- */

struct page {
	const char *name, *at;
	size_t line; /* of `at` */
};

static void die(const struct page *page, const char *what)
{
	fprintf(stderr, "%s:%zu: %s\n", page->name, page->line, what);
	exit(1);
}

/* The next line without its end; NULL at the end of the page. */
static char *next_line(struct page *page)
{
	const char *end = strchr(page->at, '\n');
	char *line;

	if (!*page->at)
		return NULL;
	if (!end)
		die(page, "no line break at the end");
	line = tool_format("%.*s", (int)(end - page->at), page->at);
	page->at = end + 1;
	page->line++;
	return line;
}

static bool next_is(struct page *page, const char *text)
{
	char *line = next_line(page);
	bool same = line && !strcmp(line, text);

	free(line);
	return same;
}

/* Skip blank lines. */
static void next_text(struct page *page)
{
	for (; *page->at == '\n'; page->at++)
		page->line++;
}

/* The text between "```yaml" and "```"; *json says that it was "```json". */
static const char *fence(struct page *page, size_t *len, bool *json)
{
	const char *from;
	char *line;

	next_text(page);
	line = next_line(page);
	*json = line && !strcmp(line, "```json");
	if (!line || (!*json && strcmp(line, "```yaml") != 0))
		die(page, "a block ```yaml is missing here");
	free(line);
	for (from = page->at;;) {
		*len = (size_t)(page->at - from);
		line = next_line(page);
		if (!line)
			die(page, "the block has no end");
		if (!strcmp(line, "```")) {
			free(line);
			return from;
		}
		free(line);
	}
}

/* Behind a line `Before:`. */
static void add_example(struct page *page, const char *rule, char *options)
{
	struct example *e = calloc(1, sizeof(*e));
	bool json, after_json;

	tests = realloc(tests, (n_tests + 1) * sizeof(*tests));
	if (!e || !tests)
		abort();
	e->rule = tool_format("%s", rule);
	e->name = tool_format("%s:%zu", page->name, page->line);
	e->options = options;
	e->before = fence(page, &e->before_len, &json);
	next_text(page);
	if (!next_is(page, "After:"))
		die(page, "a line 'After:' is missing here");
	e->after = fence(page, &e->after_len, &after_json);
	e->file = json ? "before.json" : "before.yaml";
	tests[n_tests++] = (struct CMUnitTest){ e->name, example_holds, enter, leave, e };
}

/* "Options: `--a b`" without the backticks. */
static char *read_options(const char *line)
{
	const char *from = line + strlen("Options:");
	size_t len;

	from += strspn(from, " `");
	len = strlen(from);
	while (len && strchr(" `", from[len - 1]))
		len--;
	return tool_format("%.*s", (int)len, from);
}

static void read_page(const char *name, const char *rule, const char *text)
{
	struct page page = { name, text, 1 };
	char *line, *options = NULL;

	while ((line = next_line(&page))) {
		if (!strncmp(line, "Options:", strlen("Options:"))) {
			free(options);
			options = read_options(line);
		} else if (!strcmp(line, "Before:")) {
			add_example(&page, rule, options);
			options = NULL;
		} else if (*line && options) {
			die(&page, "options without a 'Before:' behind them");
		}
		free(line);
	}
	free(options);
}

int main(int argc, char **argv)
{
	struct dirent **names;
	char **pages;
	int n = scandir("transforms", &names, NULL, alphasort), failed;

	if (n < 0) {
		fprintf(stderr, "run me where transforms/ is\n");
		return 1;
	}
	pages = calloc((size_t)n, sizeof(*pages));
	if (!pages)
		abort();
	for (int i = 0; i < n; i++) {
		const char *file = names[i]->d_name, *dot = strrchr(file, '.');

		if (dot && dot != file && !strcmp(dot, ".md")) {
			char *path = tool_format("transforms/%s", file);
			char *rule = tool_format("%.*s", (int)(dot - file), file);
			size_t len;

			pages[i] = tool_slurp(path, &len);
			if (!pages[i])
				abort();
			read_page(path, rule, pages[i]);
			free(path);
			free(rule);
		}
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	failed = tool_find() ? _cmocka_run_group_tests("pages", tests, n_tests, NULL, NULL) : 77;
	for (size_t i = 0; i < n_tests; i++) {
		struct example *e = tests[i].initial_state;

		free(e->rule);
		free(e->name);
		free(e->options);
		free(e);
	}
	for (int i = 0; i < n; i++) {
		free(pages[i]);
		free(names[i]);
	}
	free(pages);
	free(names);
	free(tests);
	return failed;
}
