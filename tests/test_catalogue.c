/*
 * A rule is complete when it has its entry, its page, its cases and its source. This test names
 * what is missing, also what is there without a rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule/table.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ifx_rules rules;
static int missing;

/* Tell all that is wrong before failing. */
static void lack(const char *fmt, ...) IFX_PRINTF(1, 2);

static void lack(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	missing++;
}

static int load(void **state)
{
	struct ifx_buf err;
	ifx_status st;

	(void)state;
	ifx_buf_init(&err, 1 << 16);
	st = ifx_rules_load(&rules, &err);
	if (st != IFX_OK)
		fprintf(stderr, "%.*s\n", IFX_ARG(ifx_buf_str(&err)));
	ifx_buf_release(&err);
	return st == IFX_OK ? 0 : -1;
}

static int release(void **state)
{
	(void)state;
	ifx_rules_release(&rules);
	return 0;
}

static bool is_rule(const char *name, size_t len)
{
	for (size_t i = 0; i < rules.n; i++)
		if (ifx_str_eq(ifx_str_of(rules.items[i]->id), (ifx_str){ name, len }))
			return true;
	return false;
}

static bool exists(const char *fmt, ...) IFX_PRINTF(1, 2);

static bool exists(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return access(path, F_OK) == 0;
}

/* Is there a file of that name with something in it? */
static bool says(const char *file, const char *dir, const char *name)
{
	char path[2 * PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
	return !stat(path, &st) && st.st_size > 0;
}

/* ---- what a rule says about itself ---- */

static bool is_kebab(const char *id)
{
	size_t len = strlen(id);

	return len && id[0] != '-' && id[len - 1] != '-' && !strstr(id, "--") &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static void check_answers(const struct ifx_transform *t)
{
	size_t n = 0;

	for (const struct ifx_answer *a = t->answers; a && a->name; a++, n++) {
		if (!is_kebab(a->name))
			lack("%s: the answer '%s' is not kebab-case", t->id, a->name);
		if (!a->meaning || !*a->meaning)
			lack("%s: the answer '%s' has no meaning", t->id, a->name);
	}
	if (t->answers && n < 2)
		lack("%s: a question with one answer is none", t->id);
}

static void rules_introduce_themselves(void **state)
{
	(void)state;
	missing = 0;
	if (!rules.n)
		lack("the catalogue is empty");
	for (size_t i = 0; i < rules.n; i++) {
		const struct ifx_transform *t = rules.items[i];

		if (!is_kebab(t->id))
			lack("'%s' is not kebab-case", t->id);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(rules.items[k]->id, t->id))
				lack("%s: is there twice", t->id);
		if (!t->summary || !*t->summary)
			lack("%s: has no summary", t->id);
		else if (strchr(t->summary, '\n') || t->summary[strlen(t->summary) - 1] == '.')
			lack("%s: the summary is one line without a full stop", t->id);
		if (!t->source || strncmp(t->source, "https://", 8) != 0)
			lack("%s: has no https:// source", t->id);
		if (!t->needles || !t->needles[0])
			lack("%s: has no needles, so it would never run", t->id);
		if (!t->run)
			lack("%s: has no function", t->id);
		check_answers(t);
	}
	assert_int_equal(missing, 0);
}

/* ---- pages ---- */

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text;
	long size;

	if (!f)
		return NULL;
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_true(size >= 0);
	rewind(f);
	text = malloc((size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, f), (size_t)size);
	text[size] = '\0';
	fclose(f);
	return text;
}

static void check_page(const struct ifx_transform *t)
{
	static const char *const parts[] = {
		"\n## Why\n",   "\n## Before and after\n",   "\nBefore:\n",
		"\nAfter:\n",   "\n## When it stays away\n", "\n## Levels and choices\n",
		"\n## Since\n", "\n## References\n"
	};
	char path[PATH_MAX], quoted[128], *page;
	const char *at;

	snprintf(path, sizeof(path), "transforms/%s.md", t->id);
	page = slurp(path);
	if (!page) {
		lack("%s: is missing", path);
		return;
	}
	snprintf(quoted, sizeof(quoted), "# %s\n\n", t->id);
	if (strncmp(page, quoted, strlen(quoted)) != 0)
		lack("%s: does not begin with '# %s'", path, t->id);
	at = page;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		/* The one before ends with the line break that this one begins with. */
		const char *part = strstr(at, parts[i]);

		if (!part)
			lack("%s: '%.*s' is missing, or not in its place", path,
			     (int)strlen(parts[i]) - 2, parts[i] + 1);
		else
			at = part + strlen(parts[i]) - 1;
	}
	if (!strstr(at, "https://"))
		lack("%s: has no https:// reference", path);
	for (const struct ifx_answer *a = t->answers; a && a->name; a++) {
		snprintf(quoted, sizeof(quoted), "`%s`", a->name);
		if (!strstr(page, quoted))
			lack("%s: does not tell of the answer %s", path, quoted);
	}
	free(page);
}

static void rules_have_their_page(void **state)
{
	(void)state;
	missing = 0;
	for (size_t i = 0; i < rules.n; i++)
		check_page(rules.items[i]);
	assert_int_equal(missing, 0);
}

/* ---- cases ---- */

static void check_cases(const char *id, ifx_level level)
{
	char dir[PATH_MAX];
	size_t acting = 0, resting = 0;
	struct dirent *entry;
	DIR *d;

	snprintf(dir, sizeof(dir), "testdata/%s", id);
	d = opendir(dir);
	if (!d) {
		lack("%s/: is missing", dir);
		return;
	}
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		if (exists("%s/%s/after.yaml", dir, entry->d_name) ||
		    exists("%s/%s/after.json", dir, entry->d_name) ||
		    /* A rule that only reports acts in what it says. */
		    (level == IFX_REPORT && says("report.txt", dir, entry->d_name)))
			acting++;
		else if (exists("%s/%s/before.yaml", dir, entry->d_name) ||
			 exists("%s/%s/before.json", dir, entry->d_name))
			resting++;
		else
			lack("%s/%s: has no before.yaml", dir, entry->d_name);
	}
	closedir(d);
	if (!acting)
		lack("%s/: has no case where the rule acts (with an after.yaml, or a report.txt)",
		     dir);
	if (!resting)
		lack("%s/: has no case where it must not (without)", dir);
}

static void rules_have_cases_where_they_act_and_where_they_must_not(void **state)
{
	(void)state;
	missing = 0;
	for (size_t i = 0; i < rules.n; i++)
		check_cases(rules.items[i]->id, rules.items[i]->level);
	assert_int_equal(missing, 0);
}

/* ---- things without a rule ---- */

static void nothing_is_there_without_a_rule(void **state)
{
	struct dirent *entry;
	DIR *d;

	(void)state;
	missing = 0;
	d = opendir("testdata");
	assert_non_null(d);
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "demo") != 0 &&
		    strcmp(entry->d_name, "pairs") != 0 && strcmp(entry->d_name, "krm") != 0 &&
		    strcmp(entry->d_name, "schemas") != 0 &&
		    strcmp(entry->d_name, "ambient-apply") != 0 &&
		    strcmp(entry->d_name, "template") != 0 &&
		    !is_rule(entry->d_name, strlen(entry->d_name)))
			lack("testdata/%s: belongs to no rule", entry->d_name);
	closedir(d);
	d = opendir("transforms");
	assert_non_null(d);
	while ((entry = readdir(d))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (entry->d_name[0] == '.' || !dot || !strcmp(dot, ".def") ||
		    !strcmp(entry->d_name, "README.md"))
			continue;
		if (!is_rule(entry->d_name, (size_t)(dot - entry->d_name)))
			lack("transforms/%s: is not in transforms/catalogue.def", entry->d_name);
	}
	closedir(d);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_introduce_themselves),
		cmocka_unit_test(rules_have_their_page),
		cmocka_unit_test(rules_have_cases_where_they_act_and_where_they_must_not),
		cmocka_unit_test(nothing_is_there_without_a_rule),
	};

	return cmocka_run_group_tests(tests, load, release);
}
