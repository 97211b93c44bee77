/* What a text says about findings to be left alone: where it holds, and what is no such thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "rule/suppress.h"
#include "yaml/load.h"

static const struct ifx_transform one = { .id = "one", .ist = "IST0001" },
				  two = { .id = "two", .ist = "IST0001" },
				  three = { .id = "three" };
static const struct ifx_transform *const all[] = { &one, &two, &three };

struct read {
	struct ifx_doc *doc;
	struct ifx_arena arena;
	struct ifx_suppressions s;
};

static ifx_status read_text(struct read *r, const char *text)
{
	const struct ifx_rule_list rules = { all, 3 };
	struct ifx_problem problem = { 0 };
	struct ifx_resource *resources;
	ifx_status st;

	*r = (struct read){ 0 };
	ifx_arena_init(&r->arena, 1 << 24);
	ifx_buf_init(&problem.text, 4096);
	st = ifx_doc_load(&r->doc, ifx_str_of(text), &problem);
	if (st == IFX_OK && !ifx_roots(&resources, r->doc, &r->arena))
		st = IFX_ENOMEM;
	if (st == IFX_OK)
		st = ifx_suppressions_read(&r->s, r->doc, resources, rules, true, &r->arena);
	ifx_buf_release(&problem.text);
	return st;
}

static void end(struct read *r)
{
	ifx_suppressions_release(&r->s);
	ifx_doc_free(r->doc);
	ifx_arena_release(&r->arena);
}

/* In `text` a rule is suppressed at each letter Q, and at no q; letters of values. */
static void holds_at(const char *text, const struct ifx_transform *rule)
{
	struct read r;

	assert_int_equal(read_text(&r, text), IFX_OK);
	assert_int_equal(r.s.n_faults, 0);
	for (size_t i = 0; text[i]; i++) {
		if (text[i] != 'Q' && text[i] != 'q')
			continue;
		if ((ifx_suppressed(&r.s, rule, i) != IFX_BY_NOBODY) != (text[i] == 'Q'))
			fail_msg("wrong at %zu of\n%s", i, text);
	}
	end(&r);
}

static void scopes(void **state)
{
	static const char *const texts[] = {
		/* behind a line: the line alone */
		"a: Q # istio-fix: ignore[one]\nb: q\n",
		"k: {a: Q, b: Q} # istio-fix: ignore[one]\nb: q\n",
		"- Q # istio-fix: ignore[one]\n- q\n",
		/* ... all of a key that begins on it */
		"a: # istio-fix: ignore[one]\n  b: Q\n  c: {d: Q}\nb: q\n",
		"a:\n- b: # istio-fix: ignore[one]\n    c: Q\n  d: q\n",
		"a:\n- # istio-fix: ignore[one]\n  c: Q\n  d: Q\n- q\n",
		"a: | # istio-fix: ignore[one]\n  Q\n  Q\nb: q\n",
		/* ... a value of more lines that ends on it */
		"a: q\nb: Q\n  Q # istio-fix: ignore[one]\nc: q\n",
		"a: q\nb: \"Q\n  Q\" # istio-fix: ignore[one]\nc: q\n",
		"a: {b: Q,\n  c: {d: Q} } # istio-fix: ignore[one]\nb: q\n",
		/* ... a line of braces alone */
		"a: {b: q,\n  c: Q, # istio-fix: ignore[one]\n  d: q}\n",
		/* above: all of the key or item */
		"a: q\n# istio-fix: ignore[one]\nb: Q\nc: q\n",
		"a: q\n# istio-fix: ignore[one] why\n# more\nb:\n  c: Q\n  d:\n  - Q\nc: q\n",
		"a:\n  # istio-fix: ignore[one]\n  - b: Q\n    c: Q\n  - q\n",
		"a: {\n  # istio-fix: ignore[one]\n  b: Q,\n  c: q}\n",
		/* the document */
		"# istio-fix: ignore-file[one]\n\na: Q\nb: Q\n",
		"--- # istio-fix: ignore-file[one]\na: Q\n",
		/* by code; with other rules */
		"a: Q # istio-fix: ignore[ three , IST0001 ]\nb: q # istio-fix: ignore[three]\n",
		"#istio-fix:ignore[one]\na: Q\n",
		"## istio-fix:  ignore[two,one]whatever\na: Q\n",
		/* an object */
		"apiVersion: v1\nkind: Y\nmetadata:\n  name: Q\n  annotations: {istio-fix.dev/ignore: 'two, one'}\n",
		"apiVersion: v1\nkind: Y\nmetadata:\n  name: Q\n  annotations: {istio-fix.dev/ignore: '*'}\n",
		"apiVersion: v1\nkind: Y\nmetadata:\n  name: Q\n  annotations: {galley.istio.io/analyze-suppress: '*'}\n",
		("apiVersion: v1\nkind: List\nitems:\n- kind: Y\n  q: q\n- kind: Y\n  metadata:\n    name: Q\n"
		 "    annotations: {galley.istio.io/analyze-suppress: 'IST0002,IST0001'}\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		holds_at(texts[i], &one);
	holds_at(
		"kind: Y\nmetadata:\n  name: q\n  annotations: {galley.istio.io/analyze-suppress: '*'}\n",
		&three);
}

static void faults(void **state)
{
	static const char *const texts[] = {
		"a: 1 # istio-fix: ignore\n",
		"a: 1 # istio-fix: ignore-file\n",
		"a: 1 # istio-fix: ignore one\n",
		"a: 1 # istio-fix: ignore[]\n",
		"a: 1 # istio-fix: ignore[ , ]\n",
		"a: 1 # istio-fix: ignore[ALL]\n",
		"a: 1 # istio-fix: ignore[*]\n",
		"a: 1 # istio-fix: ignore[one\n",
		"a: 1 # istio-fix: ignore[onne]\n",
		"a: 1 # istio-fix: ignore[on]\n", /* no prefixes: who knows what comes later */
		"a: 1 # istio-fix: disable[one]\n",
		"a: 1 # istio-fix ignore[one]\n",
		"a: 1\n# istio-fix: ignore-file[one]\nb: 1\n",
		"a: 1\n# istio-fix: ignore[one]\n",
		"# istio-fix: ignore[one]\n\na: 1\n",
		"a:\n    # istio-fix: ignore[one]\n  b: 1\n",
		"kind: Y\nmetadata: {annotations: {istio-fix.dev/ignore: ''}}\n",
		"kind: Y\nmetadata: {annotations: {istio-fix.dev/ignore: [one]}}\n",
	};
	static const char *const none[] = {
		"a: 1 # istio-fix made this\n",
		"a: 1 # see istio-fix: ignore\n",
		"a: '# istio-fix: ignore'\n",
		"# istio-fix\na: 1\n",
		"kind: Y\nmetadata: {annotations: {galley.istio.io/analyze-suppress: 'IST9999'}}\n",
		"kind: Y\nmetadata: {annotations: {galley.istio.io/analyze-suppress: [x]}}\n",
		"kind: Y\nmetadata: [istio-fix.dev/ignore]\n",
	};
	struct read r;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(read_text(&r, texts[i]), IFX_OK);
		if (r.s.n_faults != 1 || r.s.n)
			fail_msg("%zu faults, %zu suppressions: %s", r.s.n_faults, r.s.n, texts[i]);
		end(&r);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		assert_int_equal(read_text(&r, none[i]), IFX_OK);
		if (r.s.n_faults || r.s.n)
			fail_msg("%zu faults, %zu suppressions: %s", r.s.n_faults, r.s.n, none[i]);
		end(&r);
	}
}

static void use_is_marked(void **state)
{
	struct read r;

	(void)state;
	assert_int_equal(read_text(&r, "# istio-fix: ignore[one,two]\na: 1\n"), IFX_OK);
	assert_int_equal(r.s.n, 2);
	assert_int_equal(ifx_suppressed(&r.s, &one, 30), IFX_BY_COMMENT);
	assert_int_equal(ifx_suppressed(&r.s, &three, 30), IFX_BY_NOBODY);
	assert_true(r.s.items[0].used && !r.s.items[1].used);
	end(&r);
}

static void memory_may_end_anywhere(void **state)
{
	static const char text[] = "# istio-fix: ignore-file[one]\na: 1 # istio-fix: ignore[onne]\n"
				   "# istio-fix: ignore[two,three]\nb: 1\n";

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct read r;
		ifx_status st;
		bool failed;

		ifx_alloc_fail_at(nth);
		st = read_text(&r, text);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		assert_int_equal(st, failed ? IFX_ENOMEM : IFX_OK);
		end(&r);
		if (!failed)
			break;
		assert_true(nth < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scopes),
		cmocka_unit_test(faults),
		cmocka_unit_test(use_is_marked),
		cmocka_unit_test(memory_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
