#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "pipeline.h"
#include "rule/rule.h"
#include "rule/table.h"

/* ---- what is understood ---- */

static const char whole[] =
	"# A comment is fine.\n"
	"id: mirror-percent\n"
	"summary: >\n"
	"  write mirrorPercentage\n"
	"source: https://istio.io/\n"
	"ist: IST0133\n"
	"level: safe\n"
	"severity: error\n"
	"match: {group: networking.istio.io, kind: VirtualService}\n"
	"each: spec.http[]\n"
	"cases:\n"
	"  - when: {has: [mirrorPercent, mirrorPercentage]}\n"
	"    message: \"'{key}' is {value}\"\n"
	"    level: report\n"
	"    severity: info\n"
	"    help: remove one\n"
	"  - when: {has: [mirrorPercent, [weight, share]], matches: {mirrorPercent: '[0-9]+'}}\n"
	"    message: old\n"
	"    do:\n"
	"      - rename: {from: mirrorPercent, to: mirrorPercentage}\n"
	"      - wrap: {field: mirrorPercentage, key: value}\n"
	"      - set: {field: [weight, share], to: 5}\n"
	"      - remove: other\n"
	"      - move: {field: x, to: a.b}\n";

static struct ifx_rule *read_rule(const char *yaml)
{
	struct ifx_rule *rule = NULL;
	struct ifx_buf err;

	ifx_buf_init(&err, 1 << 16);
	if (ifx_rule_read(&rule, IFX_LIT("r.yaml"), ifx_str_of(yaml), &err) != IFX_OK)
		fail_msg("%.*s", IFX_ARG(ifx_buf_str(&err)));
	assert_int_equal(err.len, 0);
	ifx_buf_release(&err);
	return rule;
}

static void a_whole_rule_is_read(void **state)
{
	struct ifx_rule *rule = read_rule(whole);
	const struct ifx_transform *t = ifx_rule_transform(rule);
	const struct ifx_rule_case *c = rule->cases;
	const struct ifx_rule_op *op;

	(void)state;
	assert_string_equal(t->id, "mirror-percent");
	assert_string_equal(t->summary, "write mirrorPercentage");
	assert_string_equal(t->source, "https://istio.io/");
	assert_string_equal(t->ist, "IST0133");
	assert_int_equal(t->level, IFX_SAFE);
	assert_ptr_equal(t->rule, rule);
	assert_ptr_equal(t->run, ifx_rule_run);
	assert_string_equal(t->needles[0], "mirrorPercentage");
	assert_string_equal(t->needles[1], "VirtualService");
	assert_null(t->needles[2]);
	assert_true(ifx_str_eq(rule->each, IFX_LIT("spec.http[]")));
	assert_int_equal(c->level, IFX_REPORT);
	assert_int_equal(c->severity, IFX_INFO);
	assert_true(ifx_str_eq(c->help, IFX_LIT("remove one")));
	assert_null(c->ops);
	c = c->next;
	assert_int_equal(c->level, IFX_SAFE);
	assert_int_equal(c->severity, IFX_ERROR);
	assert_int_equal(c->n_has, 2);
	assert_int_equal(c->has[1].n, 2);
	assert_int_equal(c->n_matches, 1);
	assert_non_null(c->matches[0].pattern);
	op = c->ops;
	assert_int_equal(op->verb, IFX_OP_RENAME);
	op = op->next;
	assert_int_equal(op->verb, IFX_OP_WRAP);
	op = op->next;
	assert_int_equal(op->verb, IFX_OP_SET);
	assert_true(op->plain);
	assert_int_equal(op->field.n, 2);
	op = op->next;
	assert_int_equal(op->verb, IFX_OP_REMOVE);
	op = op->next;
	assert_int_equal(op->verb, IFX_OP_MOVE);
	assert_true(ifx_str_eq(op->text, IFX_LIT("a.b")));
	assert_null(op->next);
	assert_null(c->next);
	ifx_rule_free(rule);
	ifx_rule_free(NULL);
}

#define HEAD "id: a\nsummary: b\nsource: c\nlevel: safe\n"

static const struct {
	const char *rule;
	const char *needles[6];
} needled[] = {
	/* both spellings where the message takes both */
	{ HEAD "match: {message: ProxyConfig}\ncases:\n"
	       "- {when: {has: [drainDuration]}, message: m, do: [{remove: drainDuration}]}\n",
	  { "drainDuration", "drain_duration" } },
	{ HEAD "match: {message: PodAnnotations}\ncases:\n"
	       "- {when: {has: [drainDuration]}, message: m, do: [{remove: drainDuration}]}\n",
	  { "drainDuration" } },
	/* the rarest field, of each case */
	{ HEAD "match: {group: a.b, kind: Kind}\ncases:\n"
	       "- {when: {has: [name, theLongestOne]}, message: m, do: [{remove: name}]}\n"
	       "- {when: {matches: {another: x}}, message: m, do: [{remove: name}]}\n"
	       "- {when: {has: [theLongestOne]}, message: m, do: [{remove: name}]}\n",
	  { "theLongestOne", "another" } },
	/* what is not there cannot be looked for */
	{ HEAD "match: {group: a.b, kind: Kind}\ncases:\n"
	       "- {when: {lacks: [name]}, message: m, do: [{insert: {key: name, value: x}}]}\n",
	  { "Kind" } },
	{ HEAD "match: {message: Values}\ncases:\n"
	       "- {when: {lacks: [name]}, message: m, do: [{insert: {key: name, value: x}}]}\n",
	  { "IstioOperator", "sailoperator.io" } },
};

static void needles_come_from_the_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(needled) / sizeof(*needled); i++) {
		struct ifx_rule *rule = read_rule(needled[i].rule);
		const char *const *got = ifx_rule_transform(rule)->needles;
		size_t n = 0;

		for (; needled[i].needles[n]; n++)
			assert_string_equal(got[n], needled[i].needles[n]);
		assert_null(got[n]);
		ifx_rule_free(rule);
	}
}

/* ---- what is not ---- */

#define MATCH "match: {message: ProxyConfig}\n"
#define GOOD  HEAD MATCH "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n"
#define CASE  HEAD MATCH "cases:\n- "

static const struct {
	const char *rule, *errors;
} wrong[] = {
	{ "", "r.yaml:1:1: error: there is no rule in the file" },
	{ "- a\n", "r.yaml:1:1: error: a rule must be a map, not a list" },
	{ GOOD "safety: safe\n",
	  "r.yaml:8:1: error: unknown key 'safety'; a rule has id, summary, source, ist, severity, level, match, each, cases" },
	{ GOOD "id: b\n", "r.yaml:8:1: error: 'id' is there twice; remove one" },
	{ GOOD "---\n" GOOD,
	  "r.yaml:8:1: error: a rule file holds one document; put the other rule into a file of its own" },
	/* what is missing */
	{ "ist: a\n",
	  "r.yaml:1:1: error: 'id' is missing; give the rule a name, as in id: mirror-percent\n"
	  "r.yaml:1:1: error: 'summary' is missing; say in one line what the rule does\n"
	  "r.yaml:1:1: error: 'source' is missing; give the address of the specification that the rule follows\n"
	  "r.yaml:1:1: error: 'level' is missing; say safe, repair, choice or report\n"
	  "r.yaml:1:1: error: 'match' is missing; write match: {group: ..., kind: ...} or match: {message: ...}\n"
	  "r.yaml:1:1: error: 'cases' is missing; a rule has at least one" },
	{ CASE "{when: {has: [x]}, do: [{remove: x}]}\n",
	  "r.yaml:7:3: error: 'message' is missing; say what is wrong" },
	{ CASE "{message: m, do: [{remove: x}]}\n",
	  "r.yaml:7:3: error: 'when' is missing; say when the case applies, as in when: {has: [name]}" },
	{ CASE "{when: {}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:7:10: error: 'when' is empty; say when the case applies, as in when: {has: [name]}" },
	{ CASE "{when: {has: [x]}, message: m}\n",
	  "r.yaml:7:3: error: the case does nothing; add 'do', or say level: report" },
	{ CASE "{when: {has: [x]}, message: m, level: report, do: [{remove: x}]}\n",
	  "r.yaml:7:53: error: a case of level report changes nothing; remove 'do', or choose another level" },
	/* wrong types */
	{ "id: 5\nsummary: [b]\nsource: {}\nlevel: safe\n" MATCH
	  "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:1:5: error: 'id' must be a text, not a number or boolean; quote it\n"
	  "r.yaml:2:10: error: 'summary' must be a text, not a list\n"
	  "r.yaml:3:9: error: 'source' must be a text, not a map" },
	{ HEAD MATCH "cases: {}\n", "r.yaml:6:8: error: 'cases' must be a list, not a map" },
	{ HEAD MATCH "cases: []\n",
	  "r.yaml:6:8: error: 'cases' is empty; leave it out, or fill it" },
	{ HEAD MATCH "cases:\n", "r.yaml:6:7: error: 'cases' must be a list, not nothing" },
	{ CASE "x\n", "r.yaml:7:3: error: a case must be a map, not a text" },
	{ CASE "{when: {has: x}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:7:16: error: 'has' must be a list, not a text" },
	{ CASE "{when: {has: [5]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:7:17: error: 'has' must be a text, not a number or boolean; quote it" },
	{ CASE "{when: {has: [&a x, *a]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:7:23: error: 'has' must be a text, not an alias; write it out" },
	{ CASE "{when: {has: ['x y']}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:7:17: error: 'has' cannot be 'x y'; a name has no blanks, quotes or backslashes" },
	{ CASE "{when: {had: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:7:11: error: unknown key 'had'; 'when' has has, lacks, matches" },
	{ CASE "{when: {has: [x]}, message: \"a\\nb\", do: [{remove: x}]}\n",
	  "r.yaml:7:31: error: 'message' must be one line of text" },
	{ CASE "{when: {has: [x]}, message: '', do: [{remove: x}]}\n",
	  "r.yaml:7:31: error: 'message' is empty; write it, or leave it out" },
	/* words */
	{ HEAD "severity: bad\n" MATCH
	       "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:5:11: error: 'severity' cannot be 'bad'; it is one of info, warning, error" },
	{ CASE "{when: {has: [x]}, message: m, level: sure, do: [{remove: x}]}\n",
	  "r.yaml:7:41: error: 'level' cannot be 'sure'; it is one of safe, repair, choice, report" },
	{ "id: Mirror\nsummary: b\nsource: c\nlevel: safe\n" MATCH
	  "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:1:5: error: 'id' cannot be 'Mirror'; write small letters, digits and single dashes, at most 64" },
	{ "id: yaml\nsummary: b\nsource: c\nlevel: safe\n" MATCH
	  "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:1:5: error: 'yaml' is a name of the tool's own; take another" },
	/* match and each */
	{ HEAD "match: {message: Proxy}\n"
	       "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:5:18: error: 'message' cannot be 'Proxy'; it is one of ProxyConfig, MeshConfig, Values, PodAnnotations" },
	{ HEAD "match: {kind: Service}\n"
	       "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:5:8: error: 'match' lacks 'group'; write group: \"\" for the core group" },
	{ HEAD "match: {group: a/v1}\n"
	       "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:5:16: error: 'group' cannot be 'a/v1'; leave out the version\n"
	  "r.yaml:5:8: error: 'match' lacks 'kind'; say which, as in kind: VirtualService" },
	{ HEAD "match: {message: Values, kind: X}\n"
	       "cases:\n- {when: {has: [x]}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:5:8: error: 'match' has a message and a kind; a message is found in every kind, keep one of them" },
	{ GOOD "each: spec.http[*]\n",
	  "r.yaml:8:7: error: 'each' cannot be 'spec.http[*]'; write a path of names, as in spec.http[].retries" },
	{ GOOD "each: spec..http\n",
	  "r.yaml:8:7: error: 'each' cannot be 'spec..http'; write a path of names, as in spec.http[].retries" },
	{ GOOD "each: ''\n",
	  "r.yaml:8:7: error: 'each' cannot be ''; write a path of names, as in spec.http[].retries" },
	/* operations */
	{ CASE "{when: {has: [x]}, message: m, do: [{drop: x}]}\n",
	  "r.yaml:7:40: error: unknown verb 'drop'; there are remove, rename, set, insert, wrap, move and enlist" },
	{ CASE "{when: {has: [x]}, message: m, do: [{remove: x, rename: x}]}\n",
	  "r.yaml:7:39: error: an operation has one verb, as in {remove: name}; this has 2" },
	{ CASE "{when: {has: [x]}, message: m, do: [remove]}\n",
	  "r.yaml:7:39: error: an operation must be a map, not a text" },
	{ CASE "{when: {has: [x]}, message: m, do: [{rename: {from: x}}]}\n",
	  "r.yaml:7:48: error: 'rename' lacks 'to'; write rename: {from: ..., to: ...}" },
	{ CASE "{when: {has: [x]}, message: m, do: [{set: {field: x, to: z, as: z}}]}\n",
	  "r.yaml:7:63: error: unknown key 'as'; 'set' has field, to" },
	{ CASE "{when: {has: [x]}, message: m, do: [{wrap: x}]}\n",
	  "r.yaml:7:46: error: 'wrap' must be a map, not a text" },
	{ CASE "{when: {has: [x]}, message: m, do: [{move: {field: x, to: 'a[]'}}]}\n",
	  "r.yaml:7:61: error: 'to' cannot be 'a[]'; write a path of names, as in spec.retries" },
	{ CASE "{when: {has: [x]}, message: m, do: [{insert: {key: z, value: x}}]}\n",
	  "r.yaml:7:48: error: a second run would insert 'z' again; add it to 'lacks' in 'when'" },
	/* patterns and holes */
	{ CASE "{when: {matches: {x: '('}}, message: m, do: [{remove: x}]}\n",
	  "r.yaml:7:24: error: '(' is not a pattern: missing closing parenthesis at offset 1" },
	{ CASE "{when: {has: [x]}, message: '{path}', do: [{remove: x}]}\n",
	  "r.yaml:7:31: error: 'message' has a hole '{path}'; there are {key} and {value}" },
	{ CASE "{when: {lacks: [x]}, message: '{key}', level: report}\n",
	  "r.yaml:7:33: error: 'message' has a hole '{key}', but 'when' names no field that is there" },
	/* columns are characters */
	{ CASE "{when: {has: [x]}, message: 日本, do: [{drop: x}]}\n",
	  "r.yaml:7:41: error: unknown verb 'drop'; there are remove, rename, set, insert, wrap, move and enlist" },
};

static void what_is_not_understood_is_named_with_its_place(void **state)
{
	struct ifx_rule *rule = NULL;
	struct ifx_buf err;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ifx_buf_init(&err, 1 << 16);
		assert_int_equal(
			ifx_rule_read(&rule, IFX_LIT("r.yaml"), ifx_str_of(wrong[i].rule), &err),
			IFX_EINVAL);
		assert_string_equal(err.data, wrong[i].errors);
		assert_null(rule);
		ifx_buf_release(&err);
	}
}

static void text_that_is_no_yaml_is_refused(void **state)
{
	static const char *const texts[] = { "id: [\n", "id: \x01\n", "id: a\n  b: c: d\n",
					     "\xff" };
	struct ifx_rule *rule = NULL;
	struct ifx_buf err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		ifx_buf_init(&err, 1 << 16);
		assert_int_equal(
			ifx_rule_read(&rule, IFX_LIT("r.yaml"), ifx_str_of(texts[i]), &err),
			IFX_EINVAL);
		assert_memory_equal(err.data, "r.yaml:", 7);
		ifx_buf_release(&err);
	}
}

static void errors_have_an_end(void **state)
{
	struct ifx_rule *rule = NULL;
	struct ifx_buf text, err;
	size_t lines = 1;

	(void)state;
	ifx_buf_init(&text, IFX_BUF_MAX);
	for (int i = 0; i < 30000; i++)
		ifx_buf_addf(&text, "unknown-%d: x\n", i);
	ifx_buf_init(&err, 1 << 16);
	assert_int_equal(ifx_rule_read(&rule, IFX_LIT("r.yaml"), ifx_buf_str(&text), &err),
			 IFX_EINVAL);
	for (size_t i = 0; i < err.len; i++)
		lines += err.data[i] == '\n';
	assert_int_equal(lines, IFX_RULE_ERRORS_MAX);
	ifx_buf_release(&err);
	/* A small buffer holds fewer lines, and only whole ones. */
	ifx_buf_init(&err, 300);
	assert_int_equal(ifx_rule_read(&rule, IFX_LIT("r.yaml"), ifx_buf_str(&text), &err),
			 IFX_EINVAL);
	assert_int_not_equal(err.len, 0);
	assert_int_not_equal(err.data[err.len - 1], '\n');
	ifx_buf_release(&err);
	/* Too large at all. */
	ifx_buf_clear(&text);
	ifx_buf_fill(&text, '#', IFX_RULE_BYTES_MAX + 1);
	ifx_buf_init(&err, 300);
	assert_int_equal(ifx_rule_read(&rule, IFX_LIT("r.yaml"), ifx_buf_str(&text), &err),
			 IFX_EINVAL);
	assert_string_equal(err.data, "r.yaml:1:1: error: a rule has at most 1048576 bytes");
	ifx_buf_release(&err);
	ifx_buf_release(&text);
}

static void every_allocation_may_fail(void **state)
{
	struct ifx_rule *rule;
	struct ifx_buf err;
	unsigned long n = 0;
	ifx_status st;

	(void)state;
	do {
		rule = NULL;
		ifx_buf_init(&err, 1 << 16);
		ifx_alloc_fail_at(++n);
		st = ifx_rule_read(&rule, IFX_LIT("r.yaml"), ifx_str_of(whole), &err);
		ifx_alloc_fail_at(0);
		if (st != IFX_OK && st != IFX_ENOMEM)
			fail_msg("allocation %lu: %d, %s", n, (int)st, err.len ? err.data : "");
		assert_true(!rule == (st != IFX_OK));
		ifx_rule_free(rule);
		ifx_buf_release(&err);
	} while (st != IFX_OK && n < 10000);
	assert_int_equal(st, IFX_OK);
}

/* ---- what it does ---- */

#define VS "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
#define ROUTE                                                                                      \
	HEAD "match: {group: networking.istio.io, kind: VirtualService}\neach: spec.http[]\ncases:\n"

static const struct {
	const char *rule, *before, *after, *messages;
} runs[] = {
	/* rename and wrap, block and flow */
	{ ROUTE
	  "- {when: {has: [old]}, message: \"'{key}' is {value}\", do: [{rename: {from: old, to: new}}, {wrap: {field: new, key: value}}]}\n",
	  VS "spec:\n  http:\n  - old: 25   # canary\n    x: 1\n  - {old: 50, x: 1}\n  - new: 1\n",
	  VS
	  "spec:\n  http:\n  - new:   # canary\n      value: 25\n    x: 1\n  - {new: {value: 50}, x: 1}\n  - new: 1\n",
	  "'old' is 25\n'old' is 50\n" },
	/* a value that is wrapped already */
	{ ROUTE "- {when: {has: [a]}, message: m, do: [{wrap: {field: a, key: value}}]}\n",
	  VS "spec: {http: [{a: 1}, {a: {value: 2}}]}\n",
	  VS "spec: {http: [{a: {value: 1}}, {a: {value: 2}}]}\n", "m\n" },
	/* the first case that applies wins */
	{ ROUTE
	  "- {when: {has: [a, b]}, message: both, do: [{remove: a}]}\n"
	  "- {when: {has: [a], lacks: [c]}, message: one, do: [{rename: {from: a, to: b}}]}\n",
	  VS "spec:\n  http:\n  - a: 1\n    b: 2\n  - a: 3\n  - {a: 4, c: 5}\n",
	  VS "spec:\n  http:\n  - b: 2\n  - b: 3\n  - {a: 4, c: 5}\n", "both\none\n" },
	/* set, as text and plain; what says it already is silent */
	{ ROUTE
	  "- {when: {matches: {lb: 'LEAST_.*'}}, message: m, do: [{set: {field: lb, to: LEAST_REQUEST}}, {set: {field: num, to: 5}}]}\n",
	  VS
	  "spec:\n  http:\n  - lb: LEAST_CONN\n  - {lb: 'LEAST_CONN', num: \"4\"}\n  - lb: XLEAST_\n  - {lb: LEAST_REQUEST, num: 5}\n  - lb: [LEAST_CONN]\n",
	  VS
	  "spec:\n  http:\n  - lb: LEAST_REQUEST\n  - {lb: 'LEAST_REQUEST', num: 5}\n  - lb: XLEAST_\n  - {lb: LEAST_REQUEST, num: 5}\n  - lb: [LEAST_CONN]\n",
	  "m\nm\n" },
	{ ROUTE "- {when: {has: [num]}, message: m, do: [{set: {field: num, to: '5'}}]}\n",
	  VS "spec: {http: [{num: 5}, {num: '5'}]}\n",
	  VS "spec: {http: [{num: '5'}, {num: '5'}]}\n", "m\n" },
	/* insert and remove; fields that are not there are passed over */
	{ ROUTE
	  "- {when: {has: [a], lacks: [b]}, message: m, do: [{insert: {key: b, value: x}}, {remove: c}, {remove: d}]}\n",
	  VS "spec:\n  http:\n  - a: 1\n    # about c\n    c: 2   # c\n    e: 3\n  - {a: 1}\n",
	  VS "spec:\n  http:\n  - a: 1\n    e: 3\n    b: x\n  - {a: 1, b: x}\n", "m\nm\n" },
	/* move, also into maps that are not there yet */
	{ ROUTE "- {when: {has: [a]}, message: m, do: [{move: {field: a, to: p.q}}]}\n",
	  VS "spec:\n  http:\n  - x: 1\n    # why\n    a: 1\n    p:\n      q:\n        b: 2\n",
	  VS
	  "spec:\n  http:\n  - x: 1\n    p:\n      q:\n        b: 2\n        # why\n        a: 1\n",
	  "m\n" },
	{ ROUTE "- {when: {has: [a]}, message: m, do: [{move: {field: a, to: p.q}}]}\n",
	  VS "spec:\n  http:\n  - x: 1\n    a: 1\n",
	  VS "spec:\n  http:\n  - x: 1\n    p:\n      q:\n        a: 1\n", "m\n" },
	{ ROUTE
	  "- {when: {has: [a]}, message: m, do: [{move: {field: a, to: a1.a2.a3.a4.a5.a6.a7.a8.a9.a10}}]}\n",
	  VS "spec:\n  http:\n  - x: 1\n    a: 1\n", NULL,
	  "m; 'a1.a2.a3.a4.a5.a6.a7.a8.a9.a10' is not there\n" },
	/* spellings */
	{ ROUTE "- {when: {has: [[b, a]]}, message: '{key}', do: [{remove: [b, a]}]}\n",
	  VS "spec: {http: [{a: 1, b: 2, c: 3}]}\n", VS "spec: {http: [{c: 3}]}\n", "a\nb\n" },
	{ HEAD
	  "match: {message: ProxyConfig}\neach: proxyMetadata\ncases:\n- {when: {has: [oldName]}, message: '{key}', do: [{rename: {from: oldName, to: newName}}]}\n",
	  "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    proxy.istio.io/config: |\n      proxy_metadata: {old_name: x}\n",
	  "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    proxy.istio.io/config: |\n      proxy_metadata: {newName: x}\n",
	  "old_name\n" },
	/* a report */
	{ ROUTE
	  "- {when: {has: [a]}, level: report, message: \"'{value}'\", help: \"see {key}\"}\n",
	  VS
	  "spec: {http: [{a: {b: 1}}, {a: 0123456789012345678901234567890123456789012345678901234567890123456789}]}\n",
	  NULL,
	  "'{b: 1}'; see a\n'012345678901234567890123456789012345678901234567890123456789...'; see a\n" },
	/* no change where two readings exist, or where others would change too */
	{ ROUTE "- {when: {has: [a]}, message: m, do: [{rename: {from: a, to: b}}]}\n",
	  VS "spec: {http: [{a: 1, b: 2}, &x {a: 1}, *x]}\n", NULL,
	  "m; the key 'b' is there already\nm; '&x' shares it with another place; edit it there by hand\nm; '&x' shares it with another place; edit it there by hand\n" },
	{ ROUTE "- {when: {has: [a]}, message: m, do: [{set: {field: a, to: b}}]}\n",
	  VS "spec: {http: [{a: [1]}]}\n", NULL, "m; what stands there is not a simple value\n" },
	/* other kinds, groups and places */
	{ ROUTE "- {when: {has: [a]}, message: m, do: [{remove: a}]}\n",
	  "apiVersion: x.istio.io/v1\nkind: VirtualService\nspec: {http: [{a: 1, b: 2}]}\n", NULL,
	  "" },
	{ ROUTE "- {when: {has: [a]}, message: m, do: [{remove: a}]}\n",
	  VS "spec: {tcp: [{a: 1}], a: 2, http: {a: 3}}\na: 4\n", NULL, "" },
	{ HEAD
	  "match: {group: '', kind: Service}\ncases:\n- {when: {has: [a]}, message: m, do: [{remove: a}]}\n",
	  "apiVersion: v1\nkind: Service\na: 1\n---\napiVersion: serving.knative.dev/v1\nkind: Service\na: 1\n",
	  "apiVersion: v1\nkind: Service\n---\napiVersion: serving.knative.dev/v1\nkind: Service\na: 1\n",
	  "m\n" },
};

static void add_messages(struct ifx_buf *text, const struct ifx_outcome *out)
{
	for (size_t i = 0; i < out->n; i++) {
		const struct ifx_finding *f = out->findings[i];

		ifx_buf_add(text, f->message);
		if (f->help.ptr)
			ifx_buf_addf(text, "; %.*s", IFX_ARG(f->help));
		if (f->refused.ptr)
			ifx_buf_addf(text, "; %.*s", IFX_ARG(f->refused));
		ifx_buf_addc(text, '\n');
	}
}

static void a_rule_does_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		struct ifx_rule *rule = read_rule(runs[i].rule);
		const struct ifx_transform *t = ifx_rule_transform(rule);
		struct ifx_engine engine = { 0 };
		struct ifx_outcome out, again;
		struct ifx_buf text;
		ifx_str after;

		assert_int_equal(ifx_selection_make(&engine.selection, &t, 1), IFX_OK);
		engine.policy.level = IFX_REPAIR;
		ifx_buf_init(&text, 1 << 16);
		assert_int_equal(ifx_pipeline_run(&out, &engine, ifx_str_of(runs[i].before)),
				 IFX_OK);
		add_messages(&text, &out);
		ifx_buf_addc(&text, '\0');
		assert_string_equal(text.data, runs[i].messages);
		after = ifx_str_of(runs[i].before);
		if (out.edits.n)
			after = ifx_buf_str(&out.after);
		assert_string_equal(after.ptr, runs[i].after ? runs[i].after : runs[i].before);
		assert_int_equal(ifx_pipeline_run(&again, &engine, after), IFX_OK);
		assert_int_equal(again.edits.n, 0);
		ifx_outcome_release(&again);
		ifx_outcome_release(&out);
		ifx_buf_release(&text);
		ifx_selection_release(&engine.selection);
		ifx_rule_free(rule);
	}
}

/* ---- the table ---- */

static void built_in_rules_load_in_their_order(void **state)
{
	static const char *const ids[] = { "metadata-value-type", "duration",
					   "proxyconfig-removed-field", "misplaced-annotation",
					   "injection-conflict" };
	struct ifx_rules rules;
	struct ifx_buf err;
	size_t next = 0;

	(void)state;
	ifx_buf_init(&err, 4096);
	if (ifx_rules_load(&rules, &err) != IFX_OK)
		fail_msg("%s", err.len ? err.data : "no memory");
	for (size_t i = 0; i < rules.n; i++) {
		const struct ifx_transform *t = rules.items[i];

		if (next < 5 && !strcmp(t->id, ids[next]))
			next++;
		assert_non_null(t->summary);
		assert_non_null(t->source);
		assert_non_null(t->run);
		assert_non_null(t->needles[0]);
	}
	assert_int_equal(next, 5);
	assert_int_equal(rules.n_builtin, rules.n);
	assert_int_equal(rules.n_notes, 0);
	ifx_rules_release(&rules);
	ifx_rules_release(&rules);
	ifx_buf_release(&err);
}

static void a_users_rule_is_appended_or_replaces_a_built_in(void **state)
{
	static const char mine[] = GOOD;
	static const char theirs[] = "id: duration\nsummary: b\nsource: c\nlevel: report\n" MATCH
				     "cases:\n- {when: {has: [x]}, message: m}\n";
	struct ifx_rules rules;
	struct ifx_buf err;
	size_t n;

	(void)state;
	ifx_buf_init(&err, 4096);
	assert_int_equal(ifx_rules_load(&rules, &err), IFX_OK);
	n = rules.n;
	assert_int_equal(ifx_rules_add(&rules, IFX_LIT("a.yaml"), ifx_str_of(mine), &err), IFX_OK);
	assert_int_equal(rules.n, n + 1);
	assert_string_equal(rules.items[n]->id, "a");
	assert_int_equal(rules.n_notes, 0);
	assert_int_equal(ifx_rules_add(&rules, IFX_LIT("d.yaml"), ifx_str_of(theirs), &err),
			 IFX_OK);
	assert_int_equal(rules.n, n + 1);
	assert_int_equal(rules.n_notes, 1);
	assert_string_equal(rules.notes[0].ptr, "d.yaml: replaces the built-in rule 'duration'");
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rules.items[i]->id, "duration"))
			assert_non_null(rules.items[i]->rule);
	/* Twice the same id is a mistake, whatever it is. */
	assert_int_equal(err.len, 0);
	assert_int_equal(ifx_rules_add(&rules, IFX_LIT("e.yaml"), ifx_str_of(theirs), &err),
			 IFX_EINVAL);
	assert_string_equal(
		err.data,
		"e.yaml:1:1: error: the rule 'duration' is in 'd.yaml' already; remove one");
	ifx_buf_clear(&err);
	assert_int_equal(ifx_rules_add(&rules, IFX_LIT("f.yaml"), ifx_str_of(mine), &err),
			 IFX_EINVAL);
	ifx_buf_clear(&err);
	assert_int_equal(ifx_rules_add(&rules, IFX_LIT("g.yaml"), IFX_LIT("id: x\n"), &err),
			 IFX_EINVAL);
	assert_int_equal(rules.n, n + 1);
	ifx_rules_release(&rules);
	ifx_buf_release(&err);
}

static void loading_the_table_may_run_out_of_memory(void **state)
{
	struct ifx_rules rules;
	struct ifx_buf err;
	unsigned long n = 0;
	ifx_status st;

	(void)state;
	do {
		ifx_buf_init(&err, 4096);
		ifx_alloc_fail_at(++n);
		st = ifx_rules_load(&rules, &err);
		if (st == IFX_OK) {
			st = ifx_rules_add(&rules, IFX_LIT("a.yaml"), IFX_LIT(GOOD), &err);
			ifx_alloc_fail_at(0);
			ifx_rules_release(&rules);
		}
		ifx_alloc_fail_at(0);
		assert_true(st == IFX_OK || st == IFX_ENOMEM);
		ifx_buf_release(&err);
	} while (st != IFX_OK && n < 10000);
	assert_int_equal(st, IFX_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_rule_is_read),
		cmocka_unit_test(needles_come_from_the_rule),
		cmocka_unit_test(what_is_not_understood_is_named_with_its_place),
		cmocka_unit_test(text_that_is_no_yaml_is_refused),
		cmocka_unit_test(errors_have_an_end),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(a_rule_does_what_it_says),
		cmocka_unit_test(built_in_rules_load_in_their_order),
		cmocka_unit_test(a_users_rule_is_appended_or_replaces_a_built_in),
		cmocka_unit_test(loading_the_table_may_run_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
