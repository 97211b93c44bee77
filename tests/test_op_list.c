/*
 * Items of lists, entries that others take the place of, and entries that go without their
 * comments; to the byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include "tests/ops.h"

/* `after` is the new text, or NULL when `why` is part of the reason for not doing it. */
struct op_case {
	const char *name, *before, *ops, *after, *why;
};

static void run_cases(const struct op_case *cases, size_t n)
{
	size_t failed = 0;

	for (size_t i = 0; i < n; i++) {
		const struct op_case *c = &cases[i];
		ifx_str out = IFX_NONE;
		struct ifx_arena arena;
		ifx_status st;
		bool good;

		ifx_arena_init(&arena, (size_t)1 << 30);
		st = ops_run(ifx_str_of(c->before), ifx_str_of(c->ops), &arena, &out);
		if (c->after)
			good = st == IFX_OK && ifx_str_eq(out, ifx_str_of(c->after));
		else
			good = st == IFX_EREFUSED &&
			       ifx_str_find(out, ifx_str_of(c->why)) != SIZE_MAX;
		if (!good) {
			failed++;
			print_error(
				"%s: status %d\n--- before\n%s\n--- ops\n%s\n--- want\n%s\n--- have\n%.*s\n",
				c->name, (int)st, c->before, c->ops, c->after ? c->after : c->why,
				IFX_ARG(out));
		}
		ifx_arena_release(&arena);
	}
	assert_int_equal(failed, 0);
}

#define RUN(cases) run_cases(cases, sizeof(cases) / sizeof(*(cases)))

static void append(void **state)
{
	static const struct op_case cases[] = {
		{ "block", "a:\n- x\n", "append a y", "a:\n- x\n- y\n", NULL },
		{ "indented, comment of the last item stays its own", "a:\n    - x  # why\nb: 1\n",
		  "append a y", "a:\n    - x  # why\n    - y\nb: 1\n", NULL },
		{ "a comment below belongs to what follows", "a:\n- x\n# of b\nb: 1\n",
		  "append a y", "a:\n- x\n- y\n# of b\nb: 1\n", NULL },
		{ "two items keep their order", "a:\n- x\n", "append a y\nappend a z",
		  "a:\n- x\n- y\n- z\n", NULL },
		{ "a map in lines", "a:\n-   k: x\n    l: 1\n", "append a k:%20y%0Al:%202%0A",
		  "a:\n-   k: x\n    l: 1\n-   k: y\n    l: 2\n", NULL },
		{ "no final line break", "a:\n- x", "append a y", "a:\n- x\n- y", NULL },
		{ "CRLF", "a:\r\n- x\r\n", "append a k:%20y%0Al:%202%0A",
		  "a:\r\n- x\r\n- k: y\r\n  l: 2\r\n", NULL },
		{ "flow", "a: [x]          # why\n", "append a y", "a: [x, y]          # why\n",
		  NULL },
		{ "compact JSON", "{\"a\":[\"x\",\"y\"]}\n", "append a %22z%22",
		  "{\"a\":[\"x\",\"y\",\"z\"]}\n", NULL },
		{ "flow on lines", "a: [\n  x, # one\n  y # two\n]\n", "append a z",
		  "a: [\n  x, # one\n  y, # two\n  z\n]\n", NULL },
		{ "an empty flow list", "a: {b: []}\n", "append a/b y", "a: {b: [y]}\n", NULL },
		{ "empty list below a block key", "a: []\nb: 1\n", "append a y",
		  "a:\n  - y\nb: 1\n", NULL },
		{ "behind a text", "a:\n- |\n  x\n", "append a y", "a:\n- |\n  x\n- y\n", NULL },
		{ "not a list", "a: x\n", "append a y", NULL, "not a list" },
		{ "shared", "a: &l [x]\nb: *l\n", "append a y", NULL, "shares it" },
		{ "lines between braces", "a: [x]\n", "append a k:%20y%0Al:%202%0A", NULL,
		  "do not fit" },
	};

	(void)state;
	RUN(cases);
}

static void remove_item(void **state)
{
	static const struct op_case cases[] = {
		{ "block", "a:\n- x\n- y  # gone\n- z\n", "remove a/#1", "a:\n- x\n- z\n", NULL },
		{ "first", "a:\n# of x\n- x\n- z\n", "remove a/#0", "a:\n- z\n", NULL },
		{ "flow", "a: [x, y, z]\n", "remove a/#1", "a: [x, z]\n", NULL },
		{ "the last one takes the key along", "a:\n- x\nb: 1\n", "remove a/#0", "b: 1\n",
		  NULL },
		{ "a comment inside keeps the key", "a:\n# all\n\n- x\nb: 1\n", "remove a/#0",
		  "a:\n# all\n\nb: 1\n", NULL },
		{ "and comes back", "a:\n- x\nb: 1\n", "remove a/#0\nappend a y", "a:\n- y\nb: 1\n",
		  NULL },
		{ "nothing would be left", "- x\n", "remove #0", NULL, "nothing would be left" },
	};

	(void)state;
	RUN(cases);
}

static void replace(void **state)
{
	static const struct op_case cases[] = {
		{ "lines", "s:\n  selector:\n    l: {a: x}\n  rules: []\n",
		  "replace s/selector refs -%20k:%20v%0A%20%20n:%20x%0A",
		  "s:\n  refs:\n  - k: v\n    n: x\n  rules: []\n", NULL },
		{ "one line", "selector: {l: {a: x}}  # why\nrules: []\n",
		  "replace selector refs [{k:%20v}]", "refs: [{k: v}]         # why\nrules: []\n",
		  NULL },
		{ "comments in it stay above it",
		  "selector:\n  # pods\n  l:\n    a: x  # b\nr: 1\n", "replace selector refs [y]",
		  "# pods\nrefs: [y]  # b\nr: 1\n", NULL },
		{ "the comment above and that behind stay",
		  "# up\nselector:\n  l:\n    a: x  # b\nr: 1\n", "replace selector refs [y]",
		  "# up\nrefs: [y]  # b\nr: 1\n", NULL },
		{ "between braces", "s: {selector: {a: x}, r: 1}\n", "replace s/selector refs [y]",
		  "s: {refs: [y], r: 1}\n", NULL },
		{ "CRLF", "selector:\r\n  a: x\r\nr: 1\r\n",
		  "replace selector refs -%20y%0A-%20z%0A", "refs:\r\n- y\r\n- z\r\nr: 1\r\n",
		  NULL },
		{ "the same key", "a:\n- x\nb: 1\n", "replace a a [y,%20z]", "a: [y, z]\nb: 1\n",
		  NULL },
		{ "the key is there", "selector: {a: x}\nrefs: []\n", "replace selector refs [y]",
		  NULL, "is there already" },
		{ "something changes in it", "selector:\n  a: x\n",
		  "replace selector refs [y]\nset selector/a z", NULL, "goes away" },
		{ "something goes from it", "selector:\n  a: x\n  b: y\n",
		  "replace selector refs [y]\nremove selector/a", NULL, "goes away" },
		{ "something comes into it", "selector:\n  a: x\n",
		  "replace selector refs [y]\ninsert selector b z", NULL, "" },
		{ "a string in the quotes of the old one", "l:\n  'a': 'x' # why\n", "swap l/a b w",
		  "l:\n  'b': 'w' # why\n", NULL },
		{ "a string, plain", "l:\n  a: x\n", "swap l/a b true", "l:\n  b: \"true\"\n",
		  NULL },
		{ "the comment keeps its column where there is room",
		  "l:\n  a: x     # one\n  cc: x    # two\n", "swap l/a bbb w",
		  "l:\n  bbb: w   # one\n  cc: x    # two\n", NULL },
		{ "and its distance where there is none", "l:\n  a: x   # one\n", "swap l/a bbb w",
		  "l:\n  bbb: w   # one\n", NULL },
		{ "also when it is shorter", "l:\n  aaa: x # one\n", "swap l/aaa b w",
		  "l:\n  b: w   # one\n", NULL },
		{ "an anchor in it", "selector:\n  a: &x y\nb: *x\n", "replace selector refs [y]",
		  NULL, "anchor" },
	};

	(void)state;
	RUN(cases);
}

static void first(void **state)
{
	static const struct op_case cases[] = {
		{ "before the first and its comments", "s:\n  # of a\n  a: x\n",
		  "first s k -%20x%0A-%20y%0A", "s:\n  k:\n  - x\n  - y\n  # of a\n  a: x\n",
		  NULL },
		{ "in an empty map", "s: {}\n", "first s k x", "s:\n  k: x\n", NULL },
		{ "between braces it is the last", "s: {a: x}\n", "first s k x",
		  "s: {a: x, k: x}\n", NULL },
	};

	(void)state;
	RUN(cases);
}

static void comments_stay(void **state)
{
	static const struct op_case cases[] = {
		{ "behind", "l:\n  a: x   # why\n  b: y\n", "drop l/a", "l:\n  # why\n  b: y\n",
		  NULL },
		{ "above", "l:\n  b: y\n  # pinned\n  a: x\nc: 1\n", "drop l/a",
		  "l:\n  b: y\n  # pinned\nc: 1\n", NULL },
		{ "above the only one: the map stays", "m:\n  l:\n    # pinned\n    a: x\nc: 1\n",
		  "drop m/l/a", "m:\n  l:\n    # pinned\nc: 1\n", NULL },
		{ "behind the only one", "m:\n  l:\n    a: x # why\nc: 1\n", "drop m/l/a",
		  "m:\n  l:\n    # why\nc: 1\n", NULL },
		{ "no comment", "m:\n  l:\n    a: x\nc: 1\n", "drop m/l/a", "m: {}\nc: 1\n", NULL },
		{ "between braces", "l: {a: x, b: y} # why\n", "drop l/a", "l: {b: y} # why\n",
		  NULL },
		{ "on lines between braces", "l: {\n  a: x, # why\n  b: y\n}\n", "drop l/a", NULL,
		  "no line of its own" },
	};

	(void)state;
	RUN(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append),        cmocka_unit_test(remove_item),
		cmocka_unit_test(replace),       cmocka_unit_test(first),
		cmocka_unit_test(comments_stay),
	};

	return cmocka_run_group_tests_name("op_list", tests, NULL, NULL);
}
