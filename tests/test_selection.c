/*
 * The scan leaves out only what would find nothing: it is compared with plain searches, and with
 * running every transform over every document.
 */
#include "pipeline.h"
#include "rule/glance.h"
#include "rule/table.h"
#include "yaml/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>

static uint32_t seed = 1;

static size_t below(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* ---- needles ---- */

enum { N_TRANSFORMS = 6, NEEDLES = 3, NEEDLE_MAX = 6 };

/* Few letters, so that needles overlap, begin alike and lie in each other. */
static void random_text(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = "abc"[below(3)];
	text[len] = '\0';
}

static void all_needles_are_found_in_one_pass(void **state)
{
	(void)state;
	for (int round = 0; round < 3000; round++) {
		char needles[N_TRANSFORMS][NEEDLES][NEEDLE_MAX + 1], text[64];
		const char *lists[N_TRANSFORMS][NEEDLES + 1] = { 0 };
		struct ifx_transform transforms[N_TRANSFORMS] = { 0 };
		const struct ifx_transform *items[N_TRANSFORMS];
		struct ifx_selection selection;
		unsigned char hits[N_TRANSFORMS];
		bool any = false;

		for (int t = 0; t < N_TRANSFORMS; t++) {
			for (int k = 0; k < NEEDLES; k++) {
				random_text(needles[t][k], 1 + below(NEEDLE_MAX));
				lists[t][k] = needles[t][k];
			}
			transforms[t].needles = lists[t];
			items[t] = &transforms[t];
		}
		random_text(text, below(sizeof(text) - 1));
		assert_int_equal(ifx_selection_make(&selection, items, N_TRANSFORMS), IFX_OK);
		any = ifx_selection_scan(&selection, ifx_str_of(text), hits);
		for (int t = 0; t < N_TRANSFORMS; t++) {
			bool found = false;

			for (int k = 0; k < NEEDLES; k++)
				found |= strstr(text, needles[t][k]) != NULL;
			assert_int_equal(hits[t], found);
			assert_true(any || !found);
		}
		ifx_selection_release(&selection);
	}
}

static bool never(ifx_str document, size_t at)
{
	assert_int_equal(document.ptr[at], 'a');
	return false;
}

static void a_closer_look_decides(void **state)
{
	struct ifx_transform t = { .needles = (const char *const[]){ "a", NULL },
				   .concerns = never };
	const struct ifx_transform *item = &t;
	struct ifx_selection selection;
	unsigned char hit;

	(void)state;
	assert_int_equal(ifx_selection_make(&selection, &item, 1), IFX_OK);
	assert_false(ifx_selection_scan(&selection, IFX_LIT("a a"), &hit));
	/* Escapes may spell anything, also where the look would see nothing. */
	assert_true(ifx_selection_scan(&selection, IFX_LIT("\"\\x61\""), &hit));
	assert_true(ifx_selection_scan(&selection, IFX_LIT("\"b\\\nc\""), &hit));
	assert_true(ifx_selection_scan(&selection, (ifx_str){ "\0a", 2 }, &hit));
	assert_false(ifx_selection_scan(&selection, IFX_LIT("\"b\\n\""), &hit));
	ifx_selection_release(&selection);
}

/* ---- against parsing everything ---- */

static struct ifx_rules rules;
static size_t left_out;

/* Findings of a transform that is asked whatever the document holds. */
static size_t findings(const struct ifx_transform *t, ifx_str text)
{
	struct ifx_transform blunt = *t;
	const struct ifx_transform *item = &blunt;
	struct ifx_engine engine = { .policy.level = IFX_SAFE };
	struct ifx_outcome out;
	size_t n;

	blunt.needles = (const char *const[]){ "", NULL };
	assert_int_equal(ifx_selection_make(&engine.selection, &item, 1), IFX_OK);
	assert_int_equal(ifx_pipeline_run(&out, &engine, text), IFX_OK);
	n = out.failed ? 0 : out.n;
	ifx_outcome_release(&out);
	ifx_selection_release(&engine.selection);
	return n;
}

static void check(ifx_str text)
{
	struct ifx_selection selection;
	unsigned char *hits = calloc(rules.n, 1);

	assert_non_null(hits);
	assert_int_equal(ifx_selection_make(&selection, rules.items, rules.n), IFX_OK);
	ifx_selection_scan(&selection, text, hits);
	for (size_t i = 0; i < rules.n; i++) {
		if (hits[i])
			continue;
		left_out++;
		if (findings(rules.items[i], text))
			fail_msg("%s was left out of\n%.*s", rules.items[i]->id, IFX_ARG(text));
	}
	ifx_selection_release(&selection);
	free(hits);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t len = strlen(path);
	char *text;
	FILE *f;

	(void)ftw;
	if (type != FTW_F || len < 5 || strcmp(path + len - 5, ".yaml") || st->st_size > 65536)
		return 0;
	f = fopen(path, "r");
	text = malloc((size_t)st->st_size + 1);
	assert_non_null(f);
	assert_non_null(text);
	len = fread(text, 1, (size_t)st->st_size, f);
	fclose(f);
	check((ifx_str){ text, len });
	free(text);
	return 0;
}

static void nothing_is_missed_in_our_own_cases(void **state)
{
	(void)state;
	left_out = 0;
	assert_int_equal(nftw("testdata", visit, 16, FTW_PHYS), 0);
	assert_true(left_out > 1000);
}

/* ---- the glance ---- */

static const struct ifx_transform *rule(const char *id)
{
	for (size_t i = 0; i < rules.n; i++)
		if (!strcmp(rules.items[i]->id, id))
			return rules.items[i];
	fail_msg("no rule %s", id);
	return NULL;
}

/* Does the scan see a reason to parse the document? */
static bool is_parsed_for(const char *id, ifx_str text)
{
	const struct ifx_transform *t = rule(id);
	struct ifx_selection selection;
	unsigned char hit;

	assert_int_equal(ifx_selection_make(&selection, &t, 1), IFX_OK);
	ifx_selection_scan(&selection, text, &hit);
	ifx_selection_release(&selection);
	return hit;
}

static void what_is_plain_is_not_parsed(void **state)
{
	static const char *const plain[] = {
		"metadata:\n  labels:\n    app: a\n    b/c: \"1\" # x\n\n    d: 'true'\n  name: x\n",
		"metadata:\r\n  labels:  # mine\r\n    app: a\r\n",
		"items:\n- metadata:\n    labels:\n      a: b\n- metadata:\n    labels:\n      a: b\n",
		"metadata:\n  annotations:\n    x: |\n      kind: {a: 1}\n      2\n    y: z\nspec: 1\n",
		"metadata:\n  labels:\n    app: a\nspec:\n  template:\n    metadata:\n      labels:\n        app: a\n",
		"metadata:\n  name: x\nspec:\n  # labels: are elsewhere\n  run: kubectl get po --show-labels\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		assert_false(is_parsed_for("metadata-value-type", ifx_str_of(plain[i])));
		assert_false(is_parsed_for("duplicate-key", ifx_str_of(plain[i])));
	}
}

/* Pieces of which lines are made, in which a value or a key may hide. */
static const char *const keys[] = { "a: ",   "b: ",     "\"a\": ", "'c': ", "a/b: ",
				    "- a: ", "? a\n  ", "<<: ",    "a:",    "&x a: " };
static const char *const values[] = { "x",          "1",     "true",  "\"1\"",     "'no'",
				      "1.10",       "~",     "",      "|",         ">-",
				      "\"a\n  b\"", "[1]",   "{}",    "*x",        "&x 1",
				      "!!int 1",    "x # 1", "1 # x", "no\t",      "1\t# x",
				      "x: y",       "-1",    ".5",    "x\n      1" };
static const char *const heads[] = { "labels:",     "annotations:",  "labels: ",  "labels :",
				     "\"labels\":", "? labels\n  :", "labels: {", "name: x",
				     "labels: # x", "labels: &l",    "- labels:", "labels:\t" };

static const char *one_of(const char *const *list, size_t n)
{
	return list[below(n)];
}

#define ONE_OF(list) one_of(list, sizeof(list) / sizeof(*(list)))

static void random_manifest(struct ifx_buf *out)
{
	static const char *const breaks[] = { "\n", "\n", "\n", "\n", "\r\n", "\n\n", "\n# x\n" };

	ifx_buf_clear(out);
	ifx_buf_add(out, IFX_LIT("apiVersion: v1\nkind: Pod\nmetadata:\n"));
	for (size_t k = 0, n = 1 + below(3); k < n; k++) {
		ifx_buf_fill(out, ' ', below(8) ? 2 : below(5));
		ifx_buf_addf(out, "%s%s", ONE_OF(heads), ONE_OF(breaks));
		for (size_t i = 0, lines = below(4); i < lines; i++) {
			ifx_buf_fill(out, ' ', below(8) ? 4 : below(7));
			ifx_buf_addf(out, "%s%s%s", ONE_OF(keys), ONE_OF(values), ONE_OF(breaks));
		}
	}
}

static void nothing_hides_in_a_random_map(void **state)
{
	const struct ifx_transform *typed = rule("metadata-value-type");
	const struct ifx_transform *twice = rule("duplicate-key");
	size_t n_plain = 0, n_found = 0;
	struct ifx_buf text;

	(void)state;
	ifx_buf_init(&text, 1 << 16);
	for (int round = 0; round < 40000; round++) {
		size_t n_typed, n_twice;
		bool parsed[2];
		ifx_str s;

		random_manifest(&text);
		s = ifx_buf_str(&text);
		n_typed = findings(typed, s);
		n_twice = findings(twice, s);
		parsed[0] = is_parsed_for("metadata-value-type", s);
		parsed[1] = is_parsed_for("duplicate-key", s);
		if ((n_typed && !parsed[0]) || (n_twice && !parsed[1]))
			fail_msg("overlooked in\n%s", text.data);
		n_plain += !parsed[0] && !parsed[1];
		n_found += n_typed || n_twice;
	}
	/* Otherwise this would prove little. */
	assert_true(n_plain > 500);
	assert_true(n_found > 500);
	ifx_buf_release(&text);
}

/* ---- lists ---- */

static bool starts_with_http(ifx_str name)
{
	return ifx_str_eq(name, IFX_LIT("http")) || ifx_str_starts(name, IFX_LIT("http-"));
}

static bool is_good(const struct ifx_glance_item *item)
{
	for (size_t i = 0; i < item->n; i++)
		if (ifx_str_eq(item->entries[i].key, IFX_LIT("app")) ||
		    (ifx_str_eq(item->entries[i].key, IFX_LIT("name")) &&
		     starts_with_http(item->entries[i].value)))
			return true;
	return false;
}

/* What parsing says: -1 where it is not YAML. */
static int has_bad_port(ifx_str text)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc;
	const struct ifx_node *ports;
	int bad = 0;

	ifx_buf_init(&problem.text, 4096);
	if (ifx_doc_load(&doc, text, &problem) != IFX_OK) {
		ifx_buf_release(&problem.text);
		return -1;
	}
	ifx_buf_release(&problem.text);
	ports = ifx_get(ifx_get(doc->root, IFX_LIT("spec")), IFX_LIT("ports"));
	for (const struct ifx_entry *e = ifx_is(ports, IFX_SEQ) ? ports->first : NULL; e;
	     e = e->next)
		bad |= !ifx_get(e->value, IFX_LIT("app")) &&
		       !starts_with_http(ifx_get_text(e->value, IFX_LIT("name")));
	ifx_doc_free(doc);
	return bad;
}

static void no_item_hides_in_a_random_list(void **state)
{
	static const char *const lists[] = { "ports:",    "ports:",     "ports: # x",
					     "ports: &p", "\"ports\":", "? ports\n  :",
					     "ports :",   "ports: [" };
	static const char *const starts[] = { "- ", "- ", "-   ", "-\n    ", "- &a ", "- {", "" };
	static const char *const entries[] = {
		"name: http",
		"name: \"http-a\"",
		"name: x",
		"name: http # x",
		"app: y",
		"port: 80",
		"name: http\n      x",
		"'name': http",
		"name: >-\n       http",
		"<<: *p",
		"name: *x",
		"a: {name: http}",
		"port: 80",
		"# name: http",
		"name: [http]",
		"port: 80\n    name: x",
		"app:",
		"nodePort: '1'",
	};
	size_t n_fine = 0, n_bad = 0;
	struct ifx_buf text;

	(void)state;
	ifx_buf_init(&text, 1 << 16);
	for (int round = 0; round < 60000; round++) {
		bool yes;
		int bad;

		ifx_buf_clear(&text);
		ifx_buf_addf(&text, "kind: Service\nspec:\n  %s\n", ONE_OF(lists));
		for (size_t i = 0, items = below(4); i < items; i++) {
			ifx_buf_fill(&text, ' ', below(9) ? 2 : below(5));
			ifx_buf_addf(&text, "%s%s\n", ONE_OF(starts), ONE_OF(entries));
			for (size_t k = below(3); k; k--) {
				ifx_buf_fill(&text, ' ', below(9) ? 4 : below(7));
				ifx_buf_addf(&text, "%s\n", ONE_OF(entries));
			}
		}
		yes = ifx_glance_items(ifx_buf_str(&text), IFX_LIT("ports"), is_good);
		bad = has_bad_port(ifx_buf_str(&text));
		if (bad == 1 && !yes)
			fail_msg("overlooked in\n%s", text.data);
		n_fine += !yes;
		n_bad += bad == 1;
	}
	assert_true(n_fine > 500);
	assert_true(n_bad > 500);
	ifx_buf_release(&text);
}

static int load(void **state)
{
	struct ifx_buf why;

	(void)state;
	ifx_buf_init(&why, 4096);
	if (ifx_rules_load(&rules, &why) != IFX_OK)
		return -1;
	ifx_buf_release(&why);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	ifx_rules_release(&rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_needles_are_found_in_one_pass),
		cmocka_unit_test(a_closer_look_decides),
		cmocka_unit_test(nothing_is_missed_in_our_own_cases),
		cmocka_unit_test(what_is_plain_is_not_parsed),
		cmocka_unit_test(nothing_hides_in_a_random_map),
		cmocka_unit_test(no_item_hides_in_a_random_list),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
