#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "yaml/load.h"

static struct ifx_problem problem;

static int make_problem(void **state)
{
	(void)state;
	ifx_buf_init(&problem.text, 1000);
	return 0;
}

static int drop_problem(void **state)
{
	(void)state;
	ifx_buf_release(&problem.text);
	return 0;
}

/* ---- a tree as text ---- */

static void show_span(struct ifx_buf *out, const struct ifx_doc *doc, size_t at, size_t len)
{
	for (size_t i = at; i < at + len; i++) {
		char c = doc->src.ptr[i];

		if (c == '\n' || c == '\r')
			ifx_buf_addc(out, c == '\n' ? '/' : '\\');
		else
			ifx_buf_addc(out, c);
	}
}

/*
 * `<kind><style><span>` with the source of the span, and of entries `start:colon:end`. Collections
 * have their entries in parentheses.
 */
static void show(struct ifx_buf *out, const struct ifx_node *node)
{
	static const char kinds[] = "smq*", styles[] = "p'\"|>bf";

	if (node->anchor.len) {
		show_span(out, node->doc, node->anchor.at, node->anchor.len);
		ifx_buf_addc(out, ' ');
	}
	if (node->tag.len) {
		show_span(out, node->doc, node->tag.at, node->tag.len);
		ifx_buf_addc(out, ' ');
	}
	if (node->kind == IFX_SCALAR || node->kind == IFX_ALIAS) {
		ifx_buf_addc(out, node->kind == IFX_ALIAS ? '*' : styles[node->style]);
		ifx_buf_addf(out, "%zu[", node->span.at);
		show_span(out, node->doc, node->span.at, node->span.len);
		ifx_buf_addc(out, ']');
		return;
	}
	ifx_buf_addf(out, "%c%c%zu-%zu(", kinds[node->kind], node->bare ? 'B' : styles[node->style],
		     node->span.at, node->span.at + node->span.len);
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		if (e != node->first)
			ifx_buf_addc(out, ' ');
		ifx_buf_addf(out, "%zu-%zu ", e->start, e->end);
		if (e->key) {
			show(out, e->key);
			ifx_buf_addc(out, e->colon == SIZE_MAX ? ' ' : ':');
		}
		show(out, e->value);
		assert_ptr_equal(e->in, node);
		assert_ptr_equal(e->value->entry, e);
		assert_true(e->start <= e->end);
		assert_true(!e->prev || e->prev->index + 1 == e->index);
		assert_true(!e->prev || e->prev->end <= e->start);
	}
	ifx_buf_addc(out, ')');
}

static const struct {
	const char *yaml, *tree;
} trees[] = {
	{ "a: 1", "mb0-4(0-4 p0[a]:p3[1])" },
	{ "a: one two  # c\n", "mb0-10(0-10 p0[a]:p3[one two])" },
	{ "a: 'x' # c\n", "mb0-6(0-6 p0[a]:'3['x'])" },
	{ "a: \"x\\\"\"\n", "mb0-8(0-8 p0[a]:\"3[\"x\\\"\"])" },
	{ "a: one\n  two\nb: 2\n", "mb0-17(0-12 p0[a]:p3[one/  two] 13-17 p13[b]:p16[2])" },
	{ "a:\nb: 2\n", "mb0-7(0-2 p0[a]:p2[] 3-7 p3[b]:p6[2])" },
	{ "a: # c\nb: 2\n", "mb0-11(0-2 p0[a]:p2[] 7-11 p7[b]:p10[2])" },
	{ "a:\n  b: 1\n", "mb0-9(0-9 p0[a]:mb5-9(5-9 p5[b]:p8[1]))" },
	{ "a:\n- b\n- c: 1\n  d: 2\n",
	  "mb0-20(0-20 p0[a]:qb3-20(3-6 p5[b] 7-20 mb9-20(9-13 p9[c]:p12[1] "
	  "16-20 p16[d]:p19[2])))" },
	{ "- - a\n  - b\n", "qb0-11(0-11 qb2-11(2-5 p4[a] 8-11 p10[b]))" },
	{ "-\n- x\n", "qb0-5(0-1 p1[] 2-5 p4[x])" },
	/* block scalars: from the header to the last line with text, and no further */
	{ "a: |\n  x\n\nb: 1\n", "mb0-14(0-8 p0[a]:|3[|/  x] 10-14 p10[b]:p13[1])" },
	{ "a: |\n  x\n    \nb: 1\n", "mb0-18(0-13 p0[a]:|3[|/  x/    ] 14-18 p14[b]:p17[1])" },
	{ "a:\n  b: |- # c\n    x\n  d: 1\n",
	  "mb0-27(0-27 p0[a]:mb5-27(5-20 p5[b]:|8[|- # c/    x] 23-27 "
	  "p23[d]:p26[1]))" },
	{ "a: >+\n  x\n\n", "mb0-9(0-9 p0[a]:>3[>+/  x])" },
	{ "a: |\n  x\n # less\nb: 1\n", "mb0-21(0-8 p0[a]:|3[|/  x] 17-21 p17[b]:p20[1])" },
	{ "a: |\nb: 1\n", "mb0-9(0-4 p0[a]:|3[|] 5-9 p5[b]:p8[1])" },
	{ "a: |2\n   x\n", "mb0-10(0-10 p0[a]:|3[|2/   x])" },
	/* between braces */
	{ "{a: 1, b}", "mf0-9(1-5 p1[a]:p4[1] 7-8 p7[b] p8[])" },
	{ "{\"a\":1,\"b\":[2,3]}",
	  "mf0-17(1-6 \"1[\"a\"]:p5[1] 7-16 \"7[\"b\"]:qf11-16(12-13 p12[2] "
	  "14-15 p14[3]))" },
	{ "[a: 1, b]", "qf0-9(1-5 mB1-5(1-5 p1[a]:p4[1]) 7-8 p7[b])" },
	{ "{a: , b: 2,}", "mf0-12(1-3 p1[a]:p3[] 6-10 p6[b]:p9[2])" },
	{ "{ # c\n  a: 1, # d\n}", "mf0-19(8-12 p8[a]:p11[1])" },
	{ "a: {\n}\nb: []\n", "mb0-12(0-6 p0[a]:mf3-6() 7-12 p7[b]:qf10-12())" },
	{ "[? a : b]", "qf0-9(1-8 mB1-8(1-8 p3[a]:p7[b]))" },
	/* properties */
	{ "a: &x !!str 1\nb: *x\n", "mb0-19(0-13 p0[a]:&x !!str p12[1] 14-19 p14[b]:*17[*x])" },
	{ "a: !!str &x 1\n", "mb0-13(0-13 p0[a]:&x !!str p12[1])" },
	{ "a: &x\nb: 1\n", "mb0-10(0-5 p0[a]:&x p5[] 6-10 p6[b]:p9[1])" },
	{ "a: &x # c\n  b: 1\n", "mb0-16(0-16 p0[a]:&x mb12-16(12-16 p12[b]:p15[1]))" },
	{ "&x a: 1\n", "mb0-7(0-7 &x p3[a]:p6[1])" },
	{ "a: !<tag:x,1> y\n", "mb0-15(0-15 p0[a]:!<tag:x,1> p14[y])" },
	{ "*x : 1\n", "mb0-6(0-6 *0[*x]:p5[1])" },
	/* explicit keys */
	{ "? a\n: 1\n? b\n", "mb0-11(0-7 p2[a]:p6[1] 8-11 p10[b] p11[])" },
	{ "? [a]\n: 1\n", "mb0-9(0-9 qf2-5(3-4 p3[a]):p8[1])" },
	{ ": 1\n", "mb0-3(0-3 p0[]:p2[1])" },
	/* documents */
	{ "--- # c\na: 1\n...\n", "mb8-12(8-12 p8[a]:p11[1])" },
	{ "--- {a: 1}\n", "mf4-10(5-9 p5[a]:p8[1])" },
	{ "%YAML 1.2\n---\na: 1\n", "mb14-18(14-18 p14[a]:p17[1])" },
	{ "\xEF\xBB\xBF"
	  "a: 1\n",
	  "mb3-7(3-7 p3[a]:p6[1])" },
	{ "--- |\n x\n", "|4[|/ x]" },
	{ "---\n", "p3[]" },
	{ "a: 1\r\nb: 2\r\n", "mb0-10(0-4 p0[a]:p3[1] 6-10 p6[b]:p9[2])" },
	{ "a: 1\rb: 2\r", "mb0-9(0-4 p0[a]:p3[1] 5-9 p5[b]:p8[2])" },
	{ "\xC3\xA4: \xE2\x82\xAC\nb: 1\n",
	  "mb0-12(0-7 p0[\xC3\xA4]:p4[\xE2\x82\xAC] 8-12 p8[b]:p11[1])" },
	{ "a:\t1\t# c\n", "mb0-4(0-4 p0[a]:p3[1])" },
	/* R9: empty items of a list that is not indented */
	{ "k:\n-\nz: 1\n", "mb0-9(0-4 p0[k]:qb3-4(3-4 p4[]) 5-9 p5[z]:p8[1])" },
	{ "k:\n- # c\n- a: 1\n-\nz: 1\n",
	  "mb0-22(0-17 p0[k]:qb3-17(3-4 p4[] 9-15 mb11-15(11-15 p11[a]:p14[1]) "
	  "16-17 p17[]) 18-22 p18[z]:p21[1])" },
	{ "k:\n-\nt: |\n  -\n  x\nq: \"a\n  -\n  b\"\nu: 2\n",
	  "mb0-37(0-4 p0[k]:qb3-4(3-4 p4[]) 5-17 p5[t]:|8[|/  -/  x] 18-32 p18[q]:\"21[\"a/  -/  b\"] 33-37 "
	  "p33[u]:p36[2])" },
	/* R10: a brace at the parent's indentation */
	{ "a: {\n  b: 1\n}\nc: [\n1\n]\n", "mb0-22(0-13 p0[a]:mf3-13(7-11 p7[b]:p10[1]) 14-22 "
					   "p14[c]:qf17-22(19-20 p19[1]))" },
	/* R17 */
	{ "a: x\n\ty\n", "mb0-7(0-7 p0[a]:p3[x/\ty])" },
	/* R18: a template that happens to be YAML */
	{ "a: {{ .X }}\n", "mb0-11(0-11 p0[a]:mf3-11(4-10 mf4-10(6-8 p6[.X] p8[]) p10[]))" },
};

static void spans_are_exact(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		ifx_str text = ifx_str_of(trees[i].yaml);
		char *exact = malloc(text.len);
		struct ifx_doc *doc = NULL;
		struct ifx_buf out;

		assert_non_null(exact);
		memcpy(exact, text.ptr, text.len);
		ifx_buf_init(&out, 10000);
		if (ifx_doc_load(&doc, (ifx_str){ exact, text.len }, &problem) == IFX_OK)
			show(&out, doc->root);
		else
			ifx_buf_add(&out, ifx_buf_str(&problem.text));
		if (!ifx_str_eq(ifx_buf_str(&out), ifx_str_of(trees[i].tree))) {
			failed++;
			print_error("%s\n  want %s\n  have %s\n", trees[i].yaml, trees[i].tree,
				    out.data);
		}
		ifx_buf_release(&out);
		ifx_doc_free(doc);
		free(exact);
	}
	assert_int_equal(failed, 0);
}

static void comments_are_all_found(void **state)
{
	static const struct {
		const char *yaml, *comments; /* o: on a line of its own, t: behind something */
	} table[] = {
		{ "# a\nb: 1 # c\n  # d\n# e\n", "o# a|t# c|o# d|o# e|" },
		{ "a: 'x # no' # c\nb: x#no\nc: \"#\"\n", "t# c|" },
		{ "a: | # c\n  # no\n# d\n", "t# c|o# d|" },
		{ "a: |\n  x\n # d\nb: 1\n", "o# d|" },
		{ "%YAML 1.2 # a\n--- # b\na: 1\n... # c\n# d\n", "t# a|t# b|t# c|o# d|" },
		{ "{ # a\n  # b\n  x: 1, # c\n} # d\n", "t# a|o# b|t# c|t# d|" },
		{ "a:\t# c\n- # d\n  x\n", "t# c|t# d|" },
		{ "a: &x # c\n  b: 1\n", "t# c|" },
		{ "\xEF\xBB\xBF# a\nb: 1\n", "o# a|" },
		{ "# only\r\n\r\n# comments\r\n", "o# only|o# comments|" },
		{ "? a # b\n: c # d\n", "t# b|t# d|" },
		{ "a: x # \xC3\xA4\n", "t# \xC3\xA4|" },
		{ "a:   # why\n\n  # b\n\n  - c\n", "t# why|o# b|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct ifx_doc *doc;
		struct ifx_buf out;

		ifx_buf_init(&out, 1000);
		if (ifx_doc_load(&doc, ifx_str_of(table[i].yaml), &problem) != IFX_OK)
			fail_msg("%s: %s", table[i].yaml, problem.text.data);
		for (size_t k = 0; k < doc->n_comments; k++)
			ifx_buf_addf(&out, "%c%.*s|", doc->comments[k].own_line ? 'o' : 't',
				     IFX_ARG(ifx_comment_text(doc, k)));
		assert_string_equal(out.data, table[i].comments);
		ifx_buf_release(&out);
		ifx_doc_free(doc);
	}
}

static void comments_have_owners(void **state)
{
	struct ifx_doc *doc;
	const struct ifx_entry *a, *b, *c;
	size_t first;

	(void)state;
	assert_int_equal(
		ifx_doc_load(&doc,
			     IFX_LIT("# far\n\n# one\n# two\na: 1 # a\nb: # b\n  # c\n  c: 2\n"
				     "    # deep\n  d: {e: 1, # e\n    f: 2 } # d\n"),
			     &problem),
		IFX_OK);
	a = doc->root->first;
	b = a->next;
	c = b->value->first;
	assert_int_equal(ifx_entry_head(a, &first), 2);
	assert_int_equal(first, 1);
	assert_int_equal(ifx_entry_trail(a), 3);
	assert_int_equal(ifx_entry_head(b, &first), 0);
	assert_int_equal(ifx_entry_head(c, &first), 1);
	assert_int_equal(first, 5);
	assert_int_equal(ifx_entry_trail(c), IFX_NO_COMMENT);
	assert_int_equal(ifx_entry_head(c->next, &first), 0);
	assert_int_equal(ifx_entry_trail(c->next), 8);
	assert_int_equal(ifx_entry_trail(c->next->value->first), 7);
	assert_int_equal(ifx_entry_trail(c->next->value->last), IFX_NO_COMMENT);
	ifx_doc_free(doc);
}

/* ---- errors ---- */

static void errors_say_where(void **state)
{
	static const struct {
		const char *yaml;
		size_t at;
		const char *text;
	} table[] = {
		{ "a: 1\n b: 2\n", 3, "not valid YAML" },
		{ "a: [1\n", 0, "not valid YAML" },
		{ "a: 'x\n", 4, "not valid YAML" },
		{ "\xC3\xA4: x\n\xC3\xA4: {\n", 0, "not valid YAML" },
		{ "a: |\n  x\n\tb: 1\n", 0, "" },
		{ "a:\n  m: |\n  k: v\n", 8, "misreads an empty text" },
		{ "? a:\t:", 0, "not valid YAML" }, /* R4 */
		{ "{{ if .X }}\na: 1\n", 0, "not valid YAML" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		ifx_str text = ifx_str_of(table[i].yaml);
		struct ifx_doc *doc = NULL;

		assert_int_equal(ifx_doc_load(&doc, text, &problem), IFX_EINVAL);
		assert_null(doc);
		assert_true(problem.at <= text.len);
		if (table[i].at && problem.at != table[i].at)
			fail_msg("%s: at %zu: %s", table[i].yaml, problem.at, problem.text.data);
		if (!strstr(problem.text.data, table[i].text))
			fail_msg("%s: %s", table[i].yaml, problem.text.data);
	}
}

/* IFX_LIT is no constant. */
#define BYTES(s)                                                                                   \
	{                                                                                          \
		(s), sizeof(s) - 1                                                                 \
	}

static void text_is_checked_before_it_is_parsed(void **state)
{
	static const struct {
		ifx_str text;
		size_t at;
		ifx_status st;
		const char *why;
	} table[] = {
		{ BYTES("a: 1\n"), 0, IFX_OK, NULL },
		{ BYTES(""), 0, IFX_OK, NULL },
		{ BYTES("\xEF\xBB\xBF"), 0, IFX_OK, NULL },
		{ BYTES("\xEF\xBB\xBF"
			"a: \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\t\r\n\xC2\x85"),
		  0, IFX_OK, NULL },
		{ BYTES("%\x80"), 1, IFX_EINVAL, "UTF-8" },       /* R1 */
		{ BYTES("a: 1\nb: x\0y"), 9, IFX_EINVAL, "NUL" }, /* R2 */
		{ BYTES("a: \x01"), 3, IFX_EINVAL, "0x01" },
		{ BYTES("a: \x7F"), 3, IFX_EINVAL, "0x7f" },
		{ BYTES("\xFF\xFE"
			"a\0"),
		  0, IFX_EINVAL, "UTF-16" }, /* R3 */
		{ BYTES("\xFE\xFF\0a"), 0, IFX_EINVAL, "UTF-16" },
		{ BYTES("*fo\x8A"), 3, IFX_EINVAL, "UTF-8" },  /* R5 */
		{ BYTES("\xC0\xAF"), 0, IFX_EINVAL, "UTF-8" }, /* overlong */
		{ BYTES("\xE0\x80\xAF"), 0, IFX_EINVAL, "UTF-8" },
		{ BYTES("\xED\xA0\x80"), 0, IFX_EINVAL, "UTF-8" }, /* half a pair */
		{ BYTES("\xF4\x90\x80\x80"), 0, IFX_EINVAL, "UTF-8" },
		{ BYTES("a\xC3"), 1, IFX_EINVAL, "UTF-8" },
		{ BYTES("\xC2\x80"), 0, IFX_EINVAL, "U+0080" },
		{ BYTES("\xEF\xBF\xBF"), 0, IFX_EINVAL, "U+FFFF" },
		{ BYTES("a\xEF\xBB\xBF"), 1, IFX_EINVAL, "byte order mark" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		assert_int_equal(ifx_precheck(table[i].text, &problem), table[i].st);
		if (table[i].st == IFX_OK)
			continue;
		assert_int_equal(problem.at, table[i].at);
		if (!strstr(problem.text.data, table[i].why))
			fail_msg("%zu: %s", i, problem.text.data);
	}
}

/* `n` times c between two texts. */
static ifx_str stretch(struct ifx_buf *buf, const char *before, char c, size_t n, const char *after)
{
	ifx_buf_clear(buf);
	ifx_buf_add(buf, ifx_str_of(before));
	ifx_buf_fill(buf, c, n);
	ifx_buf_add(buf, ifx_str_of(after));
	return ifx_buf_str(buf);
}

static void limits_have_names(void **state)
{
	struct ifx_doc *doc;
	struct ifx_buf buf;

	(void)state;
	ifx_buf_init(&buf, IFX_BUF_MAX);
	/* R13 */
	assert_int_equal(ifx_precheck(stretch(&buf, "{a:", ' ', IFX_BLANK_RUN_MAX, "1}"), &problem),
			 IFX_OK);
	assert_int_equal(
		ifx_precheck(stretch(&buf, "{a:", ' ', IFX_BLANK_RUN_MAX + 1, "1}"), &problem),
		IFX_ELIMIT);
	assert_non_null(strstr(problem.text.data, "blanks or empty lines"));
	assert_int_equal(
		ifx_precheck(stretch(&buf, "a: 1", '\n', IFX_BLANK_RUN_MAX + 1, ""), &problem),
		IFX_ELIMIT);
	/* R14 */
	assert_int_equal(
		ifx_precheck(stretch(&buf, "%", 'A', IFX_DIRECTIVE_MAX - 1, "\n"), &problem),
		IFX_OK);
	assert_int_equal(ifx_precheck(stretch(&buf, "%", 'A', IFX_DIRECTIVE_MAX, "\n"), &problem),
			 IFX_ELIMIT);
	assert_int_equal(
		ifx_precheck(stretch(&buf, "a\n%", 'A', IFX_DIRECTIVE_MAX, "\n"), &problem),
		IFX_ELIMIT);
	assert_int_equal(ifx_precheck(stretch(&buf, "\xEF\xBB\xBF%", 'A', IFX_DIRECTIVE_MAX, "\n"),
				      &problem),
			 IFX_ELIMIT);
	assert_int_equal(ifx_precheck(stretch(&buf, "a %", 'A', IFX_DIRECTIVE_MAX, "\n"), &problem),
			 IFX_OK);
	/* R11: nesting */
	stretch(&buf, "", '[', IFX_DEPTH_MAX, "");
	ifx_buf_fill(&buf, ']', IFX_DEPTH_MAX);
	assert_int_equal(ifx_doc_load(&doc, ifx_buf_str(&buf), &problem), IFX_OK);
	ifx_doc_free(doc);
	assert_int_equal(
		ifx_doc_load(&doc, stretch(&buf, "", '[', IFX_DEPTH_MAX + 1, ""), &problem),
		IFX_ELIMIT);
	assert_non_null(strstr(problem.text.data, "200 levels"));
	assert_int_equal(problem.at, IFX_DEPTH_MAX + 1);
	assert_int_equal(ifx_doc_load(&doc, stretch(&buf, "", '[', 100000, ""), &problem),
			 IFX_ELIMIT);
	/* R15: one long line */
	assert_int_equal(
		ifx_doc_load(&doc, stretch(&buf, "a: 1\nb: ", 'x', IFX_LINE_MAX, "\n"), &problem),
		IFX_ELIMIT);
	assert_int_equal(problem.at, 5);
	assert_non_null(strstr(problem.text.data, "16 MiB"));
	ifx_buf_release(&buf);
}

/* ---- streams ---- */

static void streams_are_cut_at_markers(void **state)
{
	static const struct {
		const char *stream, *pieces; /* divided by `|` */
	} table[] = {
		{ "", "" },
		{ "a: 1\n", "a: 1\n|" },
		{ "---\na: 1\n---\nb: 2\n", "---\na: 1\n|---\nb: 2\n|" },
		{ "a: 1\n---\n---\nb: 2\n", "a: 1\n|---\n|---\nb: 2\n|" },
		{ "# head\n\n---\na: 1\n", "# head\n\n---\na: 1\n|" },
		{ "%YAML 1.2\n# c\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n",
		  "%YAML 1.2\n# c\n---\na: 1\n...\n|%YAML 1.2\n---\nb: 2\n|" },
		{ "a: 1\n...\nb: 2\n", "a: 1\n...\n|b: 2\n|" },
		{ "a: 1\n... # c\n# d\n", "a: 1\n... # c\n|# d\n|" },
		{ "--- # c\na: 1\n--- {b: 2}\n---", "--- # c\na: 1\n|--- {b: 2}\n|---|" },
		{ "a: |\n  ---\n  x\n---x: 1\n----\n", "a: |\n  ---\n  x\n---x: 1\n----\n|" },
		{ "---\r\na: 1\r\n---\r\nb: 2\r\n", "---\r\na: 1\r\n|---\r\nb: 2\r\n|" },
		{ "---\ra: 1\r---\rb: 2\r", "---\ra: 1\r|---\rb: 2\r|" },
		{ "\xEF\xBB\xBF---\na: 1\n---\tb\n", "\xEF\xBB\xBF---\na: 1\n|---\tb\n|" },
		{ "\n\n  # c\n---\na: 1\n", "\n\n  # c\n---\na: 1\n|" },
		{ "a: 1\n# c\n---\nb: 2", "a: 1\n# c\n|---\nb: 2|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		ifx_str stream = ifx_str_of(table[i].stream);
		struct ifx_buf out;
		size_t at = 0;
		ifx_span piece;

		ifx_buf_init(&out, 1000);
		while (ifx_stream_next(stream, &at, &piece)) {
			ifx_buf_add(&out, ifx_str_sub(stream, piece.at, piece.len));
			ifx_buf_addc(&out, '|');
		}
		assert_int_equal(at, stream.len);
		assert_true(ifx_str_eq(ifx_buf_str(&out), ifx_str_of(table[i].pieces)));
		ifx_buf_release(&out);
	}
}

/* ---- embedded documents ---- */

static const struct ifx_node *at_config(const struct ifx_doc *doc)
{
	return ifx_get(doc->root, IFX_LIT("c"));
}

static void texts_are_documents_too(void **state)
{
	static const struct {
		const char *yaml;
		ifx_status st;
		const char *why;
		size_t at;
	} table[] = {
		{ "c: |\n  x: 1\n", IFX_OK, NULL, 0 },
		{ "c: 'x: 1'\n", IFX_OK, NULL, 0 },
		{ "c: |\n  x: 1\n  ---\n  y: 2\n", IFX_OK, NULL, 0 },
		{ "c: \"x: \\u0001\"\n", IFX_EINVAL, "0x01", 3 },
		{ "c: \"x: \\u0080\"\n", IFX_EINVAL, "U+0080", 3 },
		{ "c: |\n  x: 1\n   y: 2\n", IFX_EINVAL, "not valid YAML", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct ifx_doc *doc, *inner = NULL;

		assert_int_equal(ifx_doc_load(&doc, ifx_str_of(table[i].yaml), &problem), IFX_OK);
		assert_int_equal(ifx_doc_embedded(&inner, at_config(doc), &problem), table[i].st);
		if (inner) {
			assert_ptr_equal(inner->host, at_config(doc));
			assert_int_equal(inner->root->n, 1);
			assert_int_equal(doc->src.ptr[inner->host_map[0]], 'x');
			assert_true(
				ifx_str_eq(ifx_get_text(inner->root, IFX_LIT("x")), IFX_LIT("1")));
		} else {
			assert_non_null(strstr(problem.text.data, table[i].why));
			assert_int_equal(problem.at, table[i].at);
		}
		ifx_doc_free(inner);
		ifx_doc_free(doc);
	}
}

static void json_is_known(void **state)
{
	static const struct {
		const char *yaml;
		bool json;
	} table[] = {
		{ "{\"a\": 1}", true },        { "{\n  \"a\": [\n    true\n  ]\n}\n", true },
		{ "{a: 1}", false },           { "{\"a\": 'x'}", false },
		{ "{\"a\": 1} # c\n", false }, { "\"a\": 1\n", false },
		{ "[{\"a\": null}]", true },   { "{\"a\": &x 1}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct ifx_doc *doc;

		assert_int_equal(ifx_doc_load(&doc, ifx_str_of(table[i].yaml), &problem), IFX_OK);
		assert_int_equal(doc->json, table[i].json);
		ifx_doc_free(doc);
	}
}

/* ---- keys and aliases ---- */

static void large_maps_are_looked_up_like_small_ones(void **state)
{
	(void)state;
	for (int n = 1; n < 60; n += 7) {
		struct ifx_doc *doc;
		struct ifx_buf buf;

		ifx_buf_init(&buf, 10000);
		for (int i = 0; i < n; i++)
			ifx_buf_addf(&buf, "\"k%d\": %d\n", i * 7 % 60, i);
		ifx_buf_add(&buf, IFX_LIT("? [x]\n: y\nk0: again\n"));
		assert_int_equal(ifx_doc_load(&doc, ifx_buf_str(&buf), &problem), IFX_OK);
		for (int i = 0; i < n; i++) {
			char key[20], value[20];

			snprintf(key, sizeof(key), "k%d", i * 7 % 60);
			snprintf(value, sizeof(value), "%d", i);
			assert_true(ifx_str_eq(ifx_get_text(doc->root, ifx_str_of(key)),
					       ifx_str_of(value)));
		}
		assert_null(ifx_map_entry(doc->root, IFX_LIT("k")));
		assert_null(ifx_map_entry(doc->root, IFX_LIT("k99")));
		assert_true(
			ifx_str_eq(ifx_text(ifx_map_twice(doc->root)->value), IFX_LIT("again")));
		assert_ptr_equal(ifx_map_twice(doc->root),
				 ifx_map_entry_after(ifx_map_entry(doc->root, IFX_LIT("k0")),
						     IFX_LIT("k0")));
		ifx_doc_free(doc);
		ifx_buf_release(&buf);
	}
}

static void aliases_mean_the_last_anchor_before_them(void **state)
{
	struct ifx_doc *doc;
	const struct ifx_entry *e;

	(void)state;
	assert_int_equal(
		ifx_doc_load(&doc,
			     IFX_LIT("n: *x\na: &x 1\nb: *x\nc: &x 2\nd: *x\ne: &y {f: *x}\n"
				     "<<: *y\n"),
			     &problem),
		IFX_OK);
	e = doc->root->first;
	assert_null(e->value->target);
	assert_ptr_equal(e->next->next->value->target, e->next->value);
	assert_int_equal(e->next->value->aliases, 1);
	assert_true(e->next->value->again);
	assert_int_equal(ifx_get(doc->root, IFX_LIT("c"))->aliases, 2);
	assert_false(ifx_get(doc->root, IFX_LIT("e"))->again);
	/* f is merged in. */
	assert_true(ifx_str_eq(ifx_get_text(doc->root, IFX_LIT("f")), IFX_LIT("2")));
	ifx_doc_free(doc);
}

static void names_take_no_quadratic_time(void **state)
{
	struct ifx_doc *doc;
	struct ifx_buf buf;

	(void)state;
	ifx_buf_init(&buf, IFX_BUF_MAX);
	for (int i = 0; i < 50000; i++)
		ifx_buf_addf(&buf, "- &a%d x\n- *a%d\n", i, i / 2);
	assert_int_equal(ifx_doc_load(&doc, ifx_buf_str(&buf), &problem), IFX_OK);
	assert_int_equal(doc->root->n, 100000);
	ifx_doc_free(doc);
	ifx_buf_release(&buf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_exact),
		cmocka_unit_test(comments_are_all_found),
		cmocka_unit_test(comments_have_owners),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(text_is_checked_before_it_is_parsed),
		cmocka_unit_test(limits_have_names),
		cmocka_unit_test(streams_are_cut_at_markers),
		cmocka_unit_test(texts_are_documents_too),
		cmocka_unit_test(json_is_known),
		cmocka_unit_test(large_maps_are_looked_up_like_small_ones),
		cmocka_unit_test(aliases_mean_the_last_anchor_before_them),
		cmocka_unit_test(names_take_no_quadratic_time),
	};

	return cmocka_run_group_tests(tests, make_problem, drop_problem);
}
