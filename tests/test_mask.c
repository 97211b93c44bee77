#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "template/mask.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "template/tree.h"
#include "yaml/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- masks, as pictures ---- */

/*
 * The mask of a text, with a `~` for each byte of a mark. Invariants 1 to 3 of mask.h are checked
 * on the way. IFX_EINVAL: "error: what".
 */
static ifx_str picture(const char *source, bool go_only, struct ifx_arena *arena)
{
	struct ifx_mask_problem problem = { 0 };
	struct ifx_mask mask;
	ifx_status st = ifx_mask_make(&mask, ifx_str_of(source), go_only, arena, &problem);
	ifx_str out;
	size_t at = 0;

	if (st == IFX_EINVAL)
		return ifx_arena_printf(arena, "error %zu: %s", problem.at, problem.what);
	assert_int_equal(st, IFX_OK);
	assert_int_equal(mask.text.len, strlen(source));
	for (size_t i = 0; i < mask.n; i++) {
		ifx_span span = mask.actions[i].span;

		assert_true(span.at >= at && span.len >= 2);
		assert_memory_equal(mask.text.ptr + at, source + at, span.at - at);
		at = span.at + span.len;
	}
	assert_memory_equal(mask.text.ptr + at, source + at, mask.text.len - at);
	for (at = 0; at < mask.text.len; at++)
		if (source[at] == '\n' || source[at] == '\r')
			assert_int_equal(mask.text.ptr[at], source[at]);
	out = ifx_arena_copy(arena, mask.text);
	assert_non_null(out.ptr);
	for (at = 0; at < out.len; at++)
		if ((unsigned char)out.ptr[at] >= 0x80)
			((char *)out.ptr)[at] = '~';
	return out;
}

static const struct {
	const char *source, *masked;
	bool any; /* not only Go */
} pictures[] = {
	/* Go */
	{ "a: {{ .x }}\n", "a: ~~~~~~~~\n", false },
	{ "a: {{ .x }}-b\n", "a: ~~~~~~~~-b\n", false },
	{ "a: \"{{ .x }}:{{ .y }}\"\n", "a: \"~~~~~~~~:~~~~~~~~\"\n", false },
	{ "{{ .k }}: v\n", "~~~~~~~~: v\n", false },
	{ "{{- if .x }}\na: 1\n{{- end }}\n", "            \na: 1\n          \n", false },
	{ "  {{- if .x -}}  # why\n  {{ end }}", "                 # why\n           ", false },
	{ "a: 1 {{/* b */}}\n", "a: 1            \n", false },
	{ "{{/* it's\n  }} */}}\r\nb: 1", "         \n         \r\nb: 1", false },
	{ "a: {{ `}}` }}b\n", "a: ~~~~~~~~~~b\n", false },
	{ "a: {{ `x\n}}` }}\n", "a: ~~~~~\n      \n", false },
	{ "a: {{ \"}}\\\"}}\" }}\n", "a: ~~~~~~~~~~~~~~\n", false },
	{ "a: {{\n  .x\n}}\n", "a: ~~\n    \n  \n", false },
	{ "a:\n  {{- toYaml .x | nindent 2 }}\n", "a:\n                              \n", false },
	{ "a: {{- toYaml .x | nindent 2 }}\n", "a:                             \n", false },
	{ "{{ if .x }}a{{ else }}b{{ end }}\n", "~~~~~~~~~~~a~~~~~~~~~~b~~~~~~~~~\n", false },
	{ "{{ with .x }}{{ . }}{{ end }}\n", "                             \n", false },
	{ "a: ${x.y} $(z) {% if %} #@ b\n", "a: ${x.y} $(z) {% if %} #@ b\n", false },
	{ "a: {b: {c: {}}}\n", "a: {b: {c: {}}}\n", false },
	{ "a: {{ .x\n", "error 3: this action has no end", false },
	{ "a: {{ \"x }}\n", "error 3: this action has no end", false },
	{ "{{ if .x }}\n", "error 0: this block has no end", false },
	{ "a\n{{ end }}\n", "error 2: this 'end' closes nothing", false },
	{ "{{ else }}\n", "error 0: this 'else' is in no block", false },
	{ "{{ $x := 1 }}\n{{ if eq $x 1 }}{{ end }}", "             \n                         ",
	  false },
	{ "a: \xDF\xBF {{ .x }}\n",
	  "error 0: it has the characters that stand for actions (U+07FF, U+E7FF)", false },
	/* Jinja */
	{ "{% if x %}\na: {{ 'y}}' }}\n{% endif %}\n", "          \na: ~~~~~~~~~~~\n           \n",
	  true },
	{ "{# {{ #}\n{% set x = 1 %}\n", "        \n               \n", true },
	{ "a: {{ {'b': {}} }}c\n", "a: ~~~~~~~~~~~~~~~c\n", true },
	{ "{% set x %}\n", "error 0: this block has no end", true },
	{ "{% if x %}\n{{ end }}\n{% endif %}", "error 11: this 'end' closes nothing", true },
	/* Terraform */
	{ "%{ if x ~}\na: ${f(\"}\")}\n%{ endif ~}\n", "          \na: ~~~~~~~~~\n           \n",
	  true },
	{ "a: ${x}$${y}z\n", "a: ${x}$${y}z\n", true },
	{ "a: $${f(x)} b\n", "a: ~~~~~~~~ b\n", true },
	{ "a: ${f(\n  x)}\n", "a: ~~~~\n     \n", true },
	{ "a: %{b}i %%{ if }\n", "a: %{b}i %%{ if }\n", true },
	/* ytt */
	{ "#@ if x:\na: #@ y\n#@ end\n", "        \na: ~~~~\n      \n", true },
	{ "#@overlay/match by=\"x\"\na: 1 #@ y\n", "                      \na: 1     \n", true },
	{ "#! {b}\na#@ b\n", "#! {b}\na#@ b\n", true },
};

static void a_mask_is_inert_and_as_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(*pictures); i++) {
		struct ifx_arena arena;
		ifx_str got;

		ifx_arena_init(&arena, 1 << 20);
		got = picture(pictures[i].source, !pictures[i].any, &arena);
		if (!ifx_str_eq(got, ifx_str_of(pictures[i].masked)))
			fail_msg("of\n%s\nthe mask is\n%.*s\nnot\n%s\n", pictures[i].source,
				 IFX_ARG(got), pictures[i].masked);
		ifx_arena_release(&arena);
	}
}

/* ---- regions ---- */

static void regions_nest(void **state)
{
	const char *source = "a{{ if }}b{{ with }}c{{ else }}d{{ end }}e{{ else }}f{{ end }}g";
	const char *letters = "abcdefg";
	/* in[i][k]: is letter i in the region of letter k? */
	static const char *const in[] = { "1000001", "1100101", "1110101", "1101101",
					  "1100101", "1000011", "1000001" };
	struct ifx_mask_problem problem;
	struct ifx_arena arena;
	struct ifx_mask mask, part;

	(void)state;
	ifx_arena_init(&arena, 1 << 20);
	assert_int_equal(ifx_mask_make(&mask, ifx_str_of(source), true, &arena, &problem), IFX_OK);
	for (size_t i = 0; i < 7; i++)
		for (size_t k = 0; k < 7; k++) {
			size_t x = ifx_str_chr(ifx_str_of(source), letters[i]);
			size_t y = ifx_str_chr(ifx_str_of(source), letters[k]);

			/* The letters of `if` and the like come first for some. */
			while (strchr("aefd", letters[i]) && ifx_mask_action(&mask, x, x + 1))
				x += 1 + ifx_str_chr(ifx_str_of(source + x + 1), letters[i]);
			while (strchr("aefd", letters[k]) && ifx_mask_action(&mask, y, y + 1))
				y += 1 + ifx_str_chr(ifx_str_of(source + y + 1), letters[k]);
			assert_int_equal(ifx_region_in(&mask, ifx_region_at(&mask, x),
						       ifx_region_at(&mask, y)),
					 in[i][k] == '1');
		}
	/* A slice knows where it is. */
	assert_int_equal(ifx_mask_slice(&part, &mask, (ifx_span){ 20, 20 }, &arena), IFX_OK);
	for (size_t at = 0; at < 20; at++)
		assert_int_equal(ifx_region_at(&part, at), ifx_region_at(&mask, at + 20));
	ifx_arena_release(&arena);
}

/* ---- random text ---- */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void add_random(struct ifx_buf *out, uint32_t *seed)
{
	static const char *const pieces[] = { "{{",
					      "}}",
					      "{{-",
					      "-}}",
					      "{%",
					      "%}",
					      "{#",
					      "#}",
					      "${",
					      "}",
					      "$${",
					      "%{",
					      "%%{",
					      "#@ ",
					      "/*",
					      "*/",
					      "\"",
					      "'",
					      "`",
					      "\\",
					      "\n",
					      "\r\n",
					      " ",
					      "  ",
					      "-",
					      ": ",
					      "a",
					      "key: ",
					      "- ",
					      "if ",
					      "end",
					      "else",
					      "range ",
					      "endif",
					      "for ",
					      "endfor",
					      "nindent 8",
					      "$x := ",
					      "#",
					      "|\n",
					      "\xC3\xA9",
					      "\t",
					      "{{ .Values.x }}",
					      "{{- if .x }}\n",
					      "{{- end }}\n",
					      "{% if x %}",
					      "{% endif %}",
					      "---\n",
					      "${f(x)}",
					      "#@ if x:\n",
					      "#@ end\n" };

	for (uint32_t n = next_random(seed) % 40; n; n--)
		ifx_buf_add(
			out,
			ifx_str_of(pieces[next_random(seed) % (sizeof(pieces) / sizeof(*pieces))]));
}

static void check_random(ifx_str source, bool go_only)
{
	struct ifx_mask_problem problem = { 0 };
	struct ifx_arena arena;
	struct ifx_mask mask;
	size_t at = 0;
	ifx_status st;

	ifx_arena_init(&arena, 1 << 20);
	st = ifx_mask_make(&mask, source, go_only, &arena, &problem);
	if (st == IFX_EINVAL) {
		assert_non_null(problem.what);
		assert_true(problem.at <= source.len);
		ifx_arena_release(&arena);
		return;
	}
	assert_int_equal(st, IFX_OK);
	assert_int_equal(mask.text.len, source.len);
	for (size_t i = 0; i <= mask.n; i++) {
		size_t start = i < mask.n ? mask.actions[i].span.at : source.len;
		size_t end = i < mask.n ? start + mask.actions[i].span.len : source.len;

		assert_true(start >= at);
		/* Outside of actions nothing changed; inside, line breaks are where they were and
		 * nothing else is. */
		if (memcmp(mask.text.ptr + at, source.ptr + at, start - at) != 0)
			fail_msg("text changed in: %.*s", IFX_ARG(source));
		for (at = start; at < end; at++) {
			bool was = source.ptr[at] == '\n' || source.ptr[at] == '\r';
			bool is = mask.text.ptr[at] == '\n' || mask.text.ptr[at] == '\r';

			if (was != is || (was && mask.text.ptr[at] != source.ptr[at]) ||
			    (!is && mask.text.ptr[at] != ' ' && mask.text.ptr[at] != '#' &&
			     (unsigned char)mask.text.ptr[at] < 0x80))
				fail_msg("byte %zu masked badly in: %.*s", at, IFX_ARG(source));
		}
	}
	/* The mask is text that the parser may see. */
	if (mask.text.len) {
		size_t point_len;
		uint32_t point;

		for (at = 0; at < mask.text.len; at += point_len) {
			point_len = ifx_utf8_decode(ifx_str_sub(mask.text, at, mask.text.len - at),
						    &point);
			assert_true(point_len > 0);
		}
	}
	ifx_arena_release(&arena);
}

static void random_text_comes_through(void **state)
{
	struct ifx_buf text;
	uint32_t seed = 1;

	(void)state;
	ifx_buf_init(&text, 1 << 20);
	for (int i = 0; i < 60000; i++) {
		ifx_buf_clear(&text);
		add_random(&text, &seed);
		check_random(ifx_buf_str(&text), i % 2);
	}
	ifx_buf_release(&text);
}

/* ---- cost ---- */

static double seconds_for(const char *piece, size_t times)
{
	struct ifx_mask_problem problem;
	struct ifx_arena arena;
	struct ifx_mask mask;
	struct timespec a, b;
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	for (size_t i = 0; i < times; i++)
		ifx_buf_add(&text, ifx_str_of(piece));
	ifx_arena_init(&arena, IFX_BUF_MAX);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	(void)!ifx_mask_make(&mask, ifx_buf_str(&text), false, &arena, &problem);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	ifx_arena_release(&arena);
	ifx_buf_release(&text);
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

/* Eight times the text: quadratic code would take 64 times as long. */
static void cost_is_linear(void **state)
{
	static const char *const pieces[] = { "{{",   "{{ \"",      "${",     "${\"",
					      "{%",   "{{ `",       "{{/*",   "{% \"",
					      "a ",   "{{ .x }}",   "%{",     "{{ '",
					      "{{ {", "{{ .x }}\n", "#@ a\n", "${f(x)} {{",
					      "\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		double small = 0, large = 0;

		for (int try = 0; try < 3; try++) {
			double s = seconds_for(pieces[i], 20000),
			       l = seconds_for(pieces[i], 160000);

			small = !try || s < small ? s : small;
			large = !try || l < large ? l : large;
		}
		if (large > 0.02 && large > 24 * small)
			fail_msg("'%s': %g s, eight times as much text: %g s", pieces[i], small,
				 large);
	}
}

static void blank_runs_are_broken(void **state)
{
	struct ifx_mask_problem problem;
	struct ifx_problem why = { 0 };
	struct ifx_arena arena;
	struct ifx_mask mask;
	struct ifx_buf text;

	(void)state;
	ifx_buf_init(&text, 1 << 20);
	for (int i = 0; i < 2000; i++)
		ifx_buf_add(&text, IFX_LIT("{{- $x := \"a value that is long\" }}\n"));
	ifx_buf_add(&text, IFX_LIT("a: 1\n"));
	ifx_arena_init(&arena, 1 << 24);
	assert_int_equal(ifx_mask_make(&mask, ifx_buf_str(&text), true, &arena, &problem), IFX_OK);
	ifx_buf_init(&why.text, 4096);
	assert_int_equal(ifx_precheck(mask.text, &why), IFX_OK);
	ifx_buf_release(&why.text);
	ifx_arena_release(&arena);
	ifx_buf_release(&text);
}

static void marks_are_shown_as_braces(void **state)
{
	struct ifx_arena arena;

	(void)state;
	ifx_arena_init(&arena, 1 << 16);
	assert_true(ifx_is_masked(IFX_LIT("a\xDF\xBF")) && ifx_is_masked(IFX_LIT("\xEE\x9F\xBF")));
	assert_false(ifx_is_masked(IFX_LIT("a\xDF\xBE")));
	assert_true(ifx_str_eq(ifx_mask_show(IFX_LIT("a\xEE\x9F\xBF\xDF\xBF-b\xDF\xBF"), &arena),
			       IFX_LIT("a{{...}}-b{{...}}")));
	ifx_arena_release(&arena);
}

/* ---- no memory ---- */

static ifx_status read_template(ifx_str source, struct ifx_arena *arena)
{
	struct ifx_mask_problem problem;
	struct ifx_problem why = { 0 };
	struct ifx_mask file, mask;
	struct ifx_doc *doc = NULL;
	ifx_status st;

	ifx_buf_init(&why.text, 4096);
	st = ifx_mask_make(&file, source, true, arena, &problem);
	if (st == IFX_OK)
		st = ifx_mask_slice(&mask, &file, (ifx_span){ 0, source.len }, arena);
	if (st == IFX_OK)
		st = ifx_doc_load(&doc, mask.text, &why);
	if (st == IFX_OK && !ifx_template_bind(doc, &mask, arena))
		st = IFX_ENOMEM;
	if (st == IFX_OK)
		assert_int_equal(mask.n_istio, 1);
	ifx_doc_free(doc);
	ifx_buf_release(&why.text);
	return st;
}

static void each_allocation_may_fail(void **state)
{
	const ifx_str source =
		IFX_LIT("{{- if .Values.x }}\nmetadata:\n  annotations:\n"
			"    sidecar.istio.io/inject: {{ .Values.y }}\n{{- end }}\n");
	ifx_status st = IFX_ENOMEM;
	unsigned long n;

	(void)state;
	for (n = 1; st != IFX_OK; n++) {
		struct ifx_arena arena;

		ifx_arena_init(&arena, 1 << 20);
		ifx_alloc_fail_at(n);
		st = read_template(source, &arena);
		assert_true(st == IFX_OK || (st == IFX_ENOMEM && ifx_alloc_failed()));
		ifx_alloc_fail_at(0);
		ifx_arena_release(&arena);
	}
	assert_true(n > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mask_is_inert_and_as_long),
		cmocka_unit_test(regions_nest),
		cmocka_unit_test(random_text_comes_through),
		cmocka_unit_test(cost_is_linear),
		cmocka_unit_test(blank_runs_are_broken),
		cmocka_unit_test(marks_are_shown_as_braces),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
