#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "io/diff.h"
#include "tests/scratch.h"

#define HEADER     "diff --git a/f.yaml b/f.yaml\n--- a/f.yaml\n+++ b/f.yaml\n"
#define NO_NEWLINE "\\ No newline at end of file\n"

struct cut {
	ifx_span span;
	const char *text;
};

static void edits_make_hunks(void **state)
{
	static const struct {
		const char *before;
		struct cut cuts[4]; /* ended by one that does nothing */
		size_t context;
		const char *hunks;
	} cases[] = {
		{ "a: 1\n", { { { 3, 1 }, "2" } }, 3, "@@ -1 +1 @@\n-a: 1\n+a: 2\n" },
		{ "a: 1\n", { { { 0, 0 }, "" } }, 3, "" },
		/* what does not change is no hunk, even if an edit says so */
		{ "a: 1\n", { { { 3, 1 }, "1" } }, 3, "" },
		/* carriage returns stay in the lines */
		{ "a: 1\r\nb: 2\r\n",
		  { { { 3, 1 }, "2" } },
		  3,
		  "@@ -1,2 +1,2 @@\n-a: 1\r\n+a: 2\r\n b: 2\r\n" },
		/* a lone one is no line end */
		{ "a\rb\n", { { { 2, 1 }, "c" } }, 3, "@@ -1 +1 @@\n-a\rb\n+a\rc\n" },
		/* no newline at the end: before and after, after, before, in the context */
		{ "a: 1",
		  { { { 3, 1 }, "2" } },
		  3,
		  "@@ -1 +1 @@\n-a: 1\n" NO_NEWLINE "+a: 2\n" NO_NEWLINE },
		{ "a: 1\n", { { { 4, 1 }, "" } }, 3, "@@ -1 +1 @@\n-a: 1\n+a: 1\n" NO_NEWLINE },
		{ "a: 1", { { { 4, 0 }, "\n" } }, 3, "@@ -1 +1 @@\n-a: 1\n" NO_NEWLINE "+a: 1\n" },
		{ "a: 1\nb: 2",
		  { { { 3, 1 }, "2" } },
		  3,
		  "@@ -1,2 +1,2 @@\n-a: 1\n+a: 2\n b: 2\n" NO_NEWLINE },
		{ "a",
		  { { { 1, 0 }, "\nb" } },
		  3,
		  "@@ -1 +1,2 @@\n-a\n" NO_NEWLINE "+a\n+b\n" NO_NEWLINE },
		{ "a\nb",
		  { { { 1, 2 }, "" } },
		  3,
		  "@@ -1,2 +1 @@\n-a\n-b\n" NO_NEWLINE "+a\n" NO_NEWLINE },
		/* from nothing, to nothing, at the start, at the end */
		{ "", { { { 0, 0 }, "a\n" } }, 3, "@@ -0,0 +1 @@\n+a\n" },
		{ "", { { { 0, 0 }, "a" } }, 3, "@@ -0,0 +1 @@\n+a\n" NO_NEWLINE },
		{ "a\nb\n", { { { 0, 4 }, "" } }, 3, "@@ -1,2 +0,0 @@\n-a\n-b\n" },
		{ "a\n", { { { 0, 0 }, "b\n" } }, 3, "@@ -1 +1,2 @@\n+b\n a\n" },
		{ "a\n", { { { 2, 0 }, "b\n" } }, 3, "@@ -1 +1,2 @@\n a\n+b\n" },
		/* whole lines go, whole lines come: the neighbours are context */
		{ "a\nb\nc\n", { { { 2, 2 }, "" } }, 3, "@@ -1,3 +1,2 @@\n a\n-b\n c\n" },
		{ "a\nb\nc\n", { { { 1, 2 }, "" } }, 3, "@@ -1,3 +1,2 @@\n a\n-b\n c\n" },
		{ "a\nb\n", { { { 1, 0 }, "\nx" } }, 3, "@@ -1,2 +1,3 @@\n a\n+x\n b\n" },
		{ "a\nb\n", { { { 2, 0 }, "x\n" } }, 3, "@@ -1,2 +1,3 @@\n a\n+x\n b\n" },
		/* equal lines at both ends of a long edit are context as well */
		{ "a\nb\nc\nd\ne\n",
		  { { { 0, 10 }, "a\nb\nX\nd\ne\n" } },
		  1,
		  "@@ -2,3 +2,3 @@\n b\n-c\n+X\n d\n" },
		/* two edits in one line, two lines that touch */
		{ "a: 1, b: 2\n",
		  { { { 3, 1 }, "3" }, { { 9, 1 }, "4" } },
		  3,
		  "@@ -1 +1 @@\n-a: 1, b: 2\n+a: 3, b: 4\n" },
		{ "a\nb\nc\n",
		  { { { 0, 1 }, "x" }, { { 2, 1 }, "y" } },
		  3,
		  "@@ -1,3 +1,3 @@\n-a\n-b\n+x\n+y\n c\n" },
		{ "a1\nb1\n",
		  { { { 1, 1 }, "2" }, { { 4, 1 }, "2" } },
		  3,
		  "@@ -1,2 +1,2 @@\n-a1\n-b1\n+a2\n+b2\n" },
		/* one line between is context; two contexts still share a hunk, one line more does
		   not */
		{ "a\nb\nc\n",
		  { { { 0, 1 }, "x" }, { { 4, 1 }, "y" } },
		  3,
		  "@@ -1,3 +1,3 @@\n-a\n+x\n b\n-c\n+y\n" },
		{ "a\n1\n2\nb\n",
		  { { { 0, 1 }, "x" }, { { 6, 1 }, "y" } },
		  1,
		  "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n-b\n+y\n" },
		{ "a\n1\n2\n3\nb\n",
		  { { { 0, 1 }, "x" }, { { 8, 1 }, "y" } },
		  1,
		  "@@ -1,2 +1,2 @@\n-a\n+x\n 1\n@@ -4,2 +4,2 @@\n 3\n-b\n+y\n" },
		/* line numbers move with what came before */
		{ "a\n1\n2\n3\nb\n",
		  { { { 0, 0 }, "x\ny\n" }, { { 8, 2 }, "" } },
		  1,
		  "@@ -1 +1,3 @@\n+x\n+y\n a\n@@ -4,2 +6 @@\n 3\n-b\n" },
		/* without context */
		{ "a\nb\nc\n", { { { 2, 1 }, "x" } }, 0, "@@ -2 +2 @@\n-b\n+x\n" },
		{ "a\nb\nc\n", { { { 2, 0 }, "x\n" } }, 0, "@@ -1,0 +2 @@\n+x\n" },
		{ "a\nb\nc\n", { { { 2, 2 }, "" } }, 0, "@@ -2 +1,0 @@\n-b\n" },
		{ "a\nb\nc\n",
		  { { { 2, 1 }, "x" } },
		  SIZE_MAX,
		  "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_edits edits;
		struct ifx_arena arena;
		struct ifx_buf out, want;

		ifx_edits_init(&edits);
		ifx_arena_init(&arena, 1 << 20);
		ifx_buf_init(&out, 1 << 20);
		ifx_buf_init(&want, 1 << 20);
		for (const struct cut *c = cases[i].cuts; c->span.len || (c->text && *c->text); c++)
			assert_int_equal(
				ifx_edits_push(&edits, &arena, c->span, ifx_str_of(c->text)),
				IFX_OK);
		ifx_buf_add(&out, IFX_LIT("before "));
		ifx_diff(&out, IFX_LIT("f.yaml"), ifx_str_of(cases[i].before), &edits,
			 cases[i].context);
		ifx_buf_addf(&want, "before %s%s", *cases[i].hunks ? HEADER : "", cases[i].hunks);
		assert_int_equal(ifx_buf_status(&out), IFX_OK);
		assert_string_equal(out.data, want.data);
		ifx_buf_release(&out);
		ifx_buf_release(&want);
		ifx_edits_release(&edits);
		ifx_arena_release(&arena);
	}
}

static void paths_are_quoted_as_git_does(void **state)
{
	static const struct {
		const char *path, *header;
	} cases[] = {
		{ "a/b.yaml",
		  "diff --git a/a/b.yaml b/a/b.yaml\n--- a/a/b.yaml\n+++ b/a/b.yaml\n" },
		{ "./b.yaml", "diff --git a/b.yaml b/b.yaml\n--- a/b.yaml\n+++ b/b.yaml\n" },
		{ ".//./b.yaml", "diff --git a/b.yaml b/b.yaml\n--- a/b.yaml\n+++ b/b.yaml\n" },
		{ "/etc/b.yaml",
		  "diff --git a/etc/b.yaml b/etc/b.yaml\n--- a/etc/b.yaml\n+++ b/etc/b.yaml\n" },
		{ ".hidden", "diff --git a/.hidden b/.hidden\n--- a/.hidden\n+++ b/.hidden\n" },
		{ "a b", "diff --git a/a b b/a b\n--- a/a b\t\n+++ b/a b\t\n" },
		{ "\xc3\xa4\"\\\t\001\177",
		  "diff --git \"a/\\303\\244\\\"\\\\\\t\\001\\177\" \"b/\\303\\244\\\"\\\\\\t\\001\\177\"\n"
		  "--- \"a/\\303\\244\\\"\\\\\\t\\001\\177\"\n"
		  "+++ \"b/\\303\\244\\\"\\\\\\t\\001\\177\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_edit edit = { .span = { 0, 1 }, .text = IFX_LIT("b") };
		struct ifx_edits edits = { &edit, 1, 1 };
		struct ifx_buf out, want;

		ifx_buf_init(&out, 1 << 20);
		ifx_buf_init(&want, 1 << 20);
		ifx_diff(&out, ifx_str_of(cases[i].path), IFX_LIT("a\n"), &edits, 3);
		ifx_buf_addf(&want, "%s@@ -1 +1 @@\n-a\n+b\n", cases[i].header);
		assert_string_equal(out.data, want.data);
		ifx_buf_release(&out);
		ifx_buf_release(&want);
	}
}

/* --- any edits, through the tools that will read the diff ---------------------------------------
 */

static uint32_t seed = 88172645u;

static size_t below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

static void random_lines(struct ifx_buf *out, size_t max)
{
	static const char *const pieces[] = { "a\n", "b\n", "\n",     "c: d\n", "a\r\n",
					      "x",   "y",   "a\nb\n", "\r",     "- e\n" };

	for (size_t n = below(max + 1); n; n--)
		ifx_buf_add(out, ifx_str_of(pieces[below(sizeof(pieces) / sizeof(*pieces))]));
}

/* Files of random text, edited at random: one diff of them all, and what they should become. */
enum { FILES = 400 };

static struct ifx_buf befores[FILES], afters[FILES], whole;

static void name_file(char to[64], int i)
{
	static const char *const names[] = { "%d.yaml", "a b %d.yaml", "d/\xc3\xa4%d", "%d\"q\\" };

	snprintf(to, 64, names[i % 4], i);
}

static void make_files(size_t context)
{
	ifx_buf_init(&whole, IFX_BUF_MAX);
	for (int i = 0; i < FILES; i++) {
		struct ifx_buf *before = &befores[i], *after = &afters[i];
		struct ifx_edits edits;
		struct ifx_arena arena;
		char name[64];

		ifx_buf_init(before, 1 << 20);
		ifx_buf_init(after, 1 << 20);
		ifx_edits_init(&edits);
		ifx_arena_init(&arena, 1 << 20);
		random_lines(before, i % 7 ? 40 : 3);
		for (size_t n = 1 + below(6); n; n--) {
			size_t at = below(before->len + 1), len = below(i % 3 ? 4 : 12);
			struct ifx_buf text;
			ifx_status st;

			ifx_buf_init(&text, 1 << 20);
			random_lines(&text, 3);
			if (len > before->len - at)
				len = before->len - at;
			st = ifx_edits_push(&edits, &arena, (ifx_span){ at, len },
					    ifx_arena_copy(&arena, ifx_buf_str(&text)));
			assert_true(st == IFX_OK || st == IFX_EREFUSED);
			ifx_buf_release(&text);
		}
		if (i % 50 == 0 && !edits.n)
			assert_int_equal(ifx_edits_push(&edits, &arena,
							(ifx_span){ 0, before->len }, IFX_NONE),
					 IFX_OK);
		ifx_edits_splice(&edits, ifx_buf_str(before), after);
		name_file(name, i);
		ifx_diff(&whole, ifx_str_of(name), ifx_buf_str(before), &edits, context);
		ifx_edits_release(&edits);
		ifx_arena_release(&arena);
	}
	assert_int_equal(ifx_buf_status(&whole), IFX_OK);
}

static void write_befores(void)
{
	char name[64];

	for (int i = 0; i < FILES; i++) {
		name_file(name, i);
		scratch_write(name, ifx_buf_str(&befores[i]).ptr, befores[i].len);
	}
	scratch_write("whole.diff", ifx_buf_str(&whole).ptr, whole.len);
}

static void assert_afters(void)
{
	char name[64];

	for (int i = 0; i < FILES; i++) {
		name_file(name, i);
		if (!scratch_holds(name, ifx_buf_str(&afters[i]).ptr, afters[i].len))
			fail_msg("%s is not what the edits make of it", name);
	}
}

static void release_files(void)
{
	for (int i = 0; i < FILES; i++) {
		ifx_buf_release(&befores[i]);
		ifx_buf_release(&afters[i]);
	}
	ifx_buf_release(&whole);
}

static void git_apply_takes_it(void **state)
{
	static const size_t contexts[] = { 3, 1, 0, 10, 3, 2 };

	(void)state;
	if (!scratch_has("git"))
		skip();
	assert_int_equal(scratch_run("git init -q ."), 0);
	for (size_t i = 0; i < sizeof(contexts) / sizeof(*contexts); i++) {
		const char *zero = contexts[i] ? "" : "--unidiff-zero";
		char command[128];

		make_files(contexts[i]);
		write_befores();
		snprintf(command, sizeof(command), "git apply --whitespace=nowarn %s whole.diff",
			 zero);
		assert_int_equal(scratch_run(command), 0);
		assert_afters();
		snprintf(command, sizeof(command), "git apply -R --whitespace=nowarn %s whole.diff",
			 zero);
		assert_int_equal(scratch_run(command), 0);
		release_files();
	}
}

static void patch_takes_it(void **state)
{
	static const size_t contexts[] = { 3, 1, 3 };

	(void)state;
	if (!scratch_has("patch"))
		skip();
	for (size_t i = 0; i < sizeof(contexts) / sizeof(*contexts); i++) {
		make_files(contexts[i]);
		write_befores();
		assert_int_equal(scratch_run("patch -p1 -s -f -F0 --binary <whole.diff"), 0);
		assert_afters();
		release_files();
	}
}

/* No hunk removes and adds the same line at the start or end of a change. */
static void changes_are_trimmed(void **state)
{
	(void)state;
	make_files(3);
	for (ifx_str rest = ifx_buf_str(&whole), line, minus = IFX_NONE, last = IFX_NONE;
	     ifx_str_split(&rest, '\n', &line);) {
		bool header = ifx_str_starts(line, IFX_LIT("--- ")) ||
			      ifx_str_starts(line, IFX_LIT("+++ "));
		char sign = line.len && !header ? line.ptr[0] : ' ';

		if (sign == '-' && !minus.ptr)
			minus = line;
		/* a line that only loses its newline looks the same */
		if (sign == '+' && minus.ptr && last.len && last.ptr[0] == '-' &&
		    !ifx_str_starts(rest, IFX_LIT("\\")))
			assert_false(ifx_str_eq(ifx_str_sub(minus, 1, minus.len - 1),
						ifx_str_sub(line, 1, line.len - 1)));
		if (sign == ' ' || sign == '@' || sign == 'd' || sign == '\\')
			minus = IFX_NONE;
		last = line;
	}
	release_files();
}

/* Fails by the test's time limit when a line is looked for once per edit. */
static void one_long_line_is_cheap(void **state)
{
	enum { N = 100000 };
	struct ifx_edit *items = test_calloc(N, sizeof(*items));
	struct ifx_edits edits = { items, N, N };
	struct ifx_buf before, out;

	(void)state;
	ifx_buf_init(&before, 1 << 30);
	ifx_buf_init(&out, 1 << 30);
	ifx_buf_fill(&before, 'x', 100 * N);
	for (size_t i = 0; i < N; i++)
		items[i] = (struct ifx_edit){ { 100 * i, 1 }, IFX_LIT("y"), 0 };
	ifx_diff(&out, IFX_LIT("f"), ifx_buf_str(&before), &edits, 3);
	assert_true(out.len > 2 * before.len);
	ifx_buf_clear(&out);
	for (size_t i = 0; i < before.len; i += 50)
		before.data[i] = '\n';
	ifx_diff(&out, IFX_LIT("f"), ifx_buf_str(&before), &edits, 3);
	assert_int_equal(ifx_buf_status(&out), IFX_OK);
	ifx_buf_release(&before);
	ifx_buf_release(&out);
	test_free(items);
}

static void out_of_memory_is_survived(void **state)
{
	struct ifx_edit items[] = {
		{ { 0, 1 }, IFX_LIT("xyz\n"), 0 },
		{ { 400, 1 }, IFX_LIT("xyz\n"), 3 },
	};
	struct ifx_edits edits = { items, 2, 2 };
	struct ifx_buf before, out;
	unsigned long n = 0;
	int failed;

	(void)state;
	ifx_buf_init(&before, 1 << 20);
	for (int i = 0; i < 200; i++)
		ifx_buf_add(&before, IFX_LIT("a: b\n"));
	do {
		ifx_buf_init(&out, 1 << 20);
		ifx_alloc_fail_at(++n);
		ifx_diff(&out, IFX_LIT("f"), ifx_buf_str(&before), &edits, 3);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		assert_int_equal(ifx_buf_status(&out), failed ? IFX_ENOMEM : IFX_OK);
		ifx_buf_release(&out);
	} while (failed);
	assert_true(n > 3);
	ifx_buf_release(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_make_hunks),
		cmocka_unit_test(paths_are_quoted_as_git_does),
		cmocka_unit_test_setup_teardown(git_apply_takes_it, scratch_enter, scratch_leave),
		cmocka_unit_test_setup_teardown(patch_takes_it, scratch_enter, scratch_leave),
		cmocka_unit_test(changes_are_trimmed),
		cmocka_unit_test(one_long_line_is_cheap),
		cmocka_unit_test(out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
