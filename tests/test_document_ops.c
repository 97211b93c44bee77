/* Documents that come and go, to the byte; and random ones, whose every other byte stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include "base/alloc.h"
#include "edit/documents.h"

enum { OPS_MAX = 8 };

static struct ifx_document_op add(size_t at, const char *text)
{
	return (struct ifx_document_op){ IFX_DOCUMENT_ADD, at, NULL, ifx_str_of(text) };
}

static struct ifx_document_op drop(size_t at)
{
	return (struct ifx_document_op){ .verb = IFX_DOCUMENT_DROP, .at = at };
}

struct document_case {
	const char *name, *before;
	struct ifx_document_op ops[OPS_MAX];
	size_t n;
	const char *after; /* NULL: refused */
};

static ifx_status run(ifx_str before, const struct ifx_document_op *ops, size_t n, ifx_str *after,
		      struct ifx_arena *arena, struct ifx_buf *why)
{
	struct ifx_edits edits;
	ifx_status st = ifx_documents_edit(&edits, after, before, ops, n, arena, why);
	struct ifx_buf text;

	if (st != IFX_OK)
		return st;
	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_edits_splice(&edits, before, &text);
	assert_true(ifx_str_eq(ifx_buf_str(&text), *after));
	ifx_buf_release(&text);
	ifx_edits_release(&edits);
	return st;
}

static void run_cases(const struct document_case *cases, size_t n)
{
	size_t failed = 0;

	for (size_t i = 0; i < n; i++) {
		const struct document_case *c = &cases[i];
		struct ifx_arena arena;
		struct ifx_buf why;
		ifx_str after = IFX_NONE;
		ifx_status st;

		ifx_arena_init(&arena, (size_t)1 << 30);
		ifx_buf_init(&why, 4096);
		st = run(ifx_str_of(c->before), c->ops, c->n, &after, &arena, &why);
		if (c->after ? st != IFX_OK || !ifx_str_eq(after, ifx_str_of(c->after))
			     : st != IFX_EREFUSED) {
			failed++;
			print_error(
				"%s: status %d (%.*s)\n--- before\n%s\n--- want\n%s\n--- have\n%.*s\n",
				c->name, (int)st, IFX_ARG(ifx_buf_str(&why)), c->before,
				c->after ? c->after : "refused", IFX_ARG(after));
		}
		ifx_buf_release(&why);
		ifx_arena_release(&arena);
	}
	assert_int_equal(failed, 0);
}

#define RUN(cases) run_cases(cases, sizeof(cases) / sizeof(*(cases)))

static void documents_come(void **state)
{
	const struct document_case cases[] = {
		{ "behind the first",
		  "a: 1\n---\nb: 2\n",
		  { add(0, "c: 3\n") },
		  1,
		  "a: 1\n---\nc: 3\n---\nb: 2\n" },
		{ "at the end",
		  "a: 1\n",
		  { add(IFX_DOCUMENT_END, "# why\nc: 3\n") },
		  1,
		  "a: 1\n---\n# why\nc: 3\n" },
		{ "two in order",
		  "a: 1\n",
		  { add(0, "c: 3\n"), add(0, "d: 4\n") },
		  2,
		  "a: 1\n---\nc: 3\n---\nd: 4\n" },
		{ "CRLF",
		  "a: 1\r\n---\r\nb: 2\r\n",
		  { add(1, "c: 3\nd: 4\n") },
		  1,
		  "a: 1\r\n---\r\nb: 2\r\n---\r\nc: 3\r\nd: 4\r\n" },
		{ "no final line break", "a: 1", { add(0, "c: 3\n") }, 1, "a: 1\n---\nc: 3" },
		{ "no final line break, and a text that needs one",
		  "a: 1",
		  { add(0, "c: |\n  x\n") },
		  1,
		  "a: 1\n---\nc: |\n  x\n" },
		{ "a text without final line break",
		  "a: |-\n  x",
		  { add(0, "c: 3\n") },
		  1,
		  "a: |-\n  x\n---\nc: 3" },
		{ "BOM",
		  "\xEF\xBB\xBF"
		  "a: 1\n",
		  { add(0, "c: 3\n") },
		  1,
		  "\xEF\xBB\xBF"
		  "a: 1\n---\nc: 3\n" },
		{ "blank lines before markers",
		  "a: 1\n\n---\nb: 2\n",
		  { add(1, "c: 3\n") },
		  1,
		  "a: 1\n\n---\nb: 2\n\n---\nc: 3\n" },
		{ "blank lines in the middle",
		  "a: 1\n\n---\nb: 2\n",
		  { add(0, "c: 3\n") },
		  1,
		  "a: 1\n\n---\nc: 3\n\n---\nb: 2\n" },
		{ "blank lines at the end stay",
		  "a: 1\n\n",
		  { add(0, "c: 3\n") },
		  1,
		  "a: 1\n\n---\nc: 3\n" },
		{ "a marker at the end stays at the end",
		  "a: 1\n---\n",
		  { add(IFX_DOCUMENT_END, "c: 3\n") },
		  1,
		  "a: 1\n---\nc: 3\n---\n" },
		{ "closed documents",
		  "a: 1\n...\nb: 2\n",
		  { add(0, "c: 3\n") },
		  1,
		  "a: 1\n...\n---\nc: 3\n...\nb: 2\n" },
		{ "an empty file",
		  "",
		  { add(IFX_DOCUMENT_END, "c: 3\n"), add(IFX_DOCUMENT_END, "d: 4\n") },
		  2,
		  "c: 3\n---\nd: 4\n" },
		{ "only a comment",
		  "# soon\n",
		  { add(IFX_DOCUMENT_END, "c: 3\n") },
		  1,
		  "# soon\n---\nc: 3\n" },
		{ "no such document", "a: 1\n", { add(7, "c: 3\n") }, 1, NULL },
	};

	(void)state;
	RUN(cases);
}

static void documents_go(void **state)
{
	const struct document_case cases[] = {
		{ "in the middle",
		  "a: 1\n---\n# of b\nb: 2\n---\nc: 3\n",
		  { drop(1) },
		  1,
		  "a: 1\n---\nc: 3\n" },
		{ "the last", "a: 1\n---\nb: 2\n", { drop(1) }, 1, "a: 1\n" },
		{ "the last without line break", "a: 1\n---\nb: 2", { drop(1) }, 1, "a: 1\n" },
		{ "the first takes the marker of the next along",
		  "a: 1\n---\nb: 2\n",
		  { drop(0) },
		  1,
		  "b: 2\n" },
		{ "the first two",
		  "a: 1\n---\nb: 2\n---\nc: 3\n",
		  { drop(0), drop(1) },
		  2,
		  "c: 3\n" },
		{ "a marker before the first stays a habit",
		  "---\na: 1\n---\nb: 2\n",
		  { drop(0) },
		  1,
		  "---\nb: 2\n" },
		{ "the file's own head stays",
		  "# license\n\n# of a\na: 1\n---\nb: 2\n",
		  { drop(0) },
		  1,
		  "# license\n\n---\nb: 2\n" },
		{ "a head before the first marker stays",
		  "# license\n---\na: 1\n---\nb: 2\n",
		  { drop(0) },
		  1,
		  "# license\n---\nb: 2\n" },
		{ "BOM stays",
		  "\xEF\xBB\xBF"
		  "a: 1\n---\nb: 2\n",
		  { drop(0) },
		  1,
		  "\xEF\xBB\xBF"
		  "b: 2\n" },
		{ "a directive goes with its document",
		  "%YAML 1.1\n---\na: 1\n---\nb: 2\n",
		  { drop(0) },
		  1,
		  "---\nb: 2\n" },
		{ "all of them: nothing is left",
		  "# license\n\na: 1\n---\nb: 2\n---\n",
		  { drop(0), drop(1) },
		  2,
		  "" },
		{ "a comment on the next marker's line",
		  "a: 1\n--- # of b\nb: 2\n",
		  { drop(0) },
		  1,
		  "--- # of b\nb: 2\n" },
		{ "a closed one between open ones",
		  "a: 1\n---\nb: 2\n...\nc: 3\n",
		  { drop(1) },
		  1,
		  "a: 1\n---\nc: 3\n" },
		{ "CRLF", "a: 1\r\n---\r\nb: 2\r\n", { drop(0) }, 1, "b: 2\r\n" },
		{ "one goes, one comes in its place",
		  "a: 1\n---\nb: 2\n",
		  { drop(0), add(0, "c: 3\n") },
		  2,
		  "---\nc: 3\n---\nb: 2\n" },
		{ "the text before keeps its line breaks",
		  "a: |+\n  x\n\n---\nb: 2\n",
		  { drop(1) },
		  1,
		  "a: |+\n  x\n\n" },
		{ "twice", "a: 1\n---\nb: 2\n", { drop(1), drop(1) }, 2, NULL },
	};

	(void)state;
	RUN(cases);
}

static void a_change_and_neighbours(void **state)
{
	struct ifx_edits inner;
	struct ifx_arena arena;
	struct ifx_buf why;
	ifx_str after = IFX_NONE;

	(void)state;
	ifx_arena_init(&arena, 1 << 20);
	ifx_buf_init(&why, 4096);
	ifx_edits_init(&inner);
	assert_int_equal(ifx_edits_push(&inner, &arena, (ifx_span){ 7, 1 }, IFX_LIT("5")), IFX_OK);
	const struct ifx_document_op ops[] = {
		{ .verb = IFX_DOCUMENT_CHANGE, .at = 1, .edits = &inner },
		drop(0),
		add(1, "c: 3\n"),
	};
	assert_int_equal(run(IFX_LIT("a: 1\n---\nb: 2\n---\nd: 4\n"), ops, 3, &after, &arena, &why),
			 IFX_OK);
	assert_true(ifx_str_eq(after, IFX_LIT("b: 5\n---\nc: 3\n---\nd: 4\n")));
	ifx_edits_release(&inner);
	ifx_buf_release(&why);
	ifx_arena_release(&arena);
}

static void a_text_that_is_no_yaml(void **state)
{
	const struct ifx_document_op op = add(0, "c: [\n");
	struct ifx_arena arena;
	struct ifx_buf why;
	ifx_str after = IFX_NONE;

	(void)state;
	ifx_arena_init(&arena, 1 << 20);
	ifx_buf_init(&why, 4096);
	assert_int_equal(run(IFX_LIT("a: 1\n"), &op, 1, &after, &arena, &why), IFX_EINVAL);
	ifx_buf_release(&why);
	ifx_arena_release(&arena);
}

/* ---- random streams ---- */

static unsigned long long seed;

static unsigned dice(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static const char *const bodies[] = {
	"a: %u\n",
	"# why\na: %u # x\n",
	"# head\n\na: %u\n",
	"a: |\n  text %u\n",
	"a: |+\n  text %u\n\n",
	"- %u\n- # c\n  x: y\n",
	"{a: %u}\n",
	"a:\n  b: %u\n# foot\n",
	"\"quoted\": \"%u ---\"\n",
	"a: >-\n  x %u\n  y\n\n",
	"a: %u\n\n\n",
	"a: |-\n  --- %u\n",
};

/* The text behind the marker's line, or all of it; without line breaks at its end. */
static ifx_str core(ifx_str text)
{
	while (ifx_str_starts(text, IFX_LIT("---\n")) || ifx_str_starts(text, IFX_LIT("---\r\n")))
		text = ifx_str_sub(text, ifx_str_chr(text, '\n') + 1,
				   text.len - ifx_str_chr(text, '\n') - 1);
	while (text.len && strchr("\r\n", text.ptr[text.len - 1]))
		text.len--;
	return text;
}

static void append(struct ifx_buf *out, const char *text, const char *newline)
{
	for (; *text; text++)
		ifx_buf_add(out, *text == '\n' ? ifx_str_of(newline) : (ifx_str){ text, 1 });
}

static void random_streams(void **state)
{
	const char *many = getenv("IFX_RANDOM");
	unsigned rounds = many ? (unsigned)strtoul(many, NULL, 10) : 20000, done = 0;

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		struct ifx_document_op ops[2 * OPS_MAX];
		char texts[2 * OPS_MAX][80];
		ifx_str want[2 * OPS_MAX], after = IFX_NONE;
		size_t n = 1 + dice(5), n_ops = 0, n_want = 0;
		struct ifx_arena arena;
		struct ifx_buf stream, why, crlf[OPS_MAX];
		struct ifx_documents now;
		const char *newline = dice(4) ? "\n" : "\r\n";
		ifx_status st;

		seed = round * 7919u + 1;
		ifx_arena_init(&arena, (size_t)1 << 30);
		ifx_buf_init(&stream, IFX_BUF_MAX);
		ifx_buf_init(&why, 4096);
		if (!dice(6))
			ifx_buf_add(&stream, IFX_LIT("\xEF\xBB\xBF"));
		for (size_t i = 0; i < n; i++) {
			size_t from;

			ifx_buf_init(&crlf[i], 4096);
			if (i || !dice(3))
				append(&stream, "---\n", newline);
			snprintf(texts[i], sizeof(texts[i]), bodies[dice(12)], dice(1000));
			from = stream.len;
			append(&stream, texts[i], newline);
			ifx_buf_add(&crlf[i],
				    ifx_str_sub(ifx_buf_str(&stream), from, stream.len - from));
		}
		if (!dice(4) && !ifx_str_ends(ifx_buf_str(&stream), IFX_LIT("\n\n")))
			stream.len -= strlen(newline);
		for (size_t i = 0; i < n; i++) {
			if (!dice(3))
				ops[n_ops++] = drop(i);
			else
				want[n_want++] = ifx_buf_str(&crlf[i]);
			if (!dice(3)) {
				snprintf(texts[n + i], sizeof(texts[0]), "new: %u\nb: # c\n- d\n",
					 dice(1000));
				ops[n_ops++] = add(i, texts[n + i]);
				want[n_want++] = ifx_str_of(texts[n + i]);
			}
		}
		st = run(ifx_buf_str(&stream), ops, n_ops, &after, &arena, &why);
		if (st != IFX_OK && st != IFX_EREFUSED) {
			print_error("round %u: status %d (%.*s)\n%.*s\n", round, (int)st,
				    IFX_ARG(ifx_buf_str(&why)), IFX_ARG(ifx_buf_str(&stream)));
			assert_int_equal(st, IFX_OK);
		}
		if (st == IFX_OK) {
			size_t k = 0;

			done++;
			assert_int_equal(ifx_documents_split(&now, after, &arena), IFX_OK);
			for (size_t i = 0; i < now.n; i++) {
				struct ifx_document *d = &now.list[i];
				ifx_str got, expect;

				if (d->empty)
					continue;
				assert_true(k < n_want);
				got = core(ifx_str_sub(after, d->body,
						       d->span.at + d->span.len - d->body));
				expect = core(want[k++]);
				/* Comments at the top of the file are not the document's. */
				if (!ifx_str_ends(expect, got) &&
				    !(want[k - 1].ptr >= texts[0] &&
				      want[k - 1].ptr < texts[2 * OPS_MAX - 1]))
					fail_msg("round %u: '%.*s' is not '%.*s'", round,
						 IFX_ARG(got), IFX_ARG(expect));
			}
			assert_int_equal(k, n_want);
		}
		for (size_t i = 0; i < n; i++)
			ifx_buf_release(&crlf[i]);
		ifx_buf_release(&stream);
		ifx_buf_release(&why);
		ifx_arena_release(&arena);
	}
	print_message("%u of %u streams edited, the others refused\n", done, rounds);
	assert_true(done > rounds * 9 / 10);
}

static void allocations_may_fail(void **state)
{
	const struct ifx_document_op ops[] = { drop(0), add(1, "c: 3\n") };
	ifx_status st = IFX_ENOMEM;

	(void)state;
	for (unsigned long i = 1; st != IFX_OK; i++) {
		struct ifx_arena arena;
		struct ifx_edits edits;
		struct ifx_buf why;
		ifx_str after = IFX_NONE;

		ifx_arena_init(&arena, 1 << 20);
		ifx_buf_init(&why, 4096);
		ifx_alloc_fail_at(i);
		st = ifx_documents_edit(&edits, &after, IFX_LIT("a: 1\n---\nb: 2\n"), ops, 2,
					&arena, &why);
		if (st == IFX_OK)
			ifx_edits_release(&edits);
		else
			assert_int_equal(st, IFX_ENOMEM);
		if (!ifx_alloc_failed())
			assert_int_equal(st, IFX_OK);
		ifx_alloc_fail_at(0);
		ifx_buf_release(&why);
		ifx_arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_come),          cmocka_unit_test(documents_go),
		cmocka_unit_test(a_change_and_neighbours), cmocka_unit_test(a_text_that_is_no_yaml),
		cmocka_unit_test(random_streams),          cmocka_unit_test(allocations_may_fail),
	};

	return cmocka_run_group_tests_name("document_ops", tests, NULL, NULL);
}
