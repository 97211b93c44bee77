#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ambient.h"

#include "ambient/evidence.h"
#include "base/alloc.h"

#include <unistd.h>

/* --- the worked examples ---------------------------------------------------------------------- */

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;
	char *text;

	if (!f)
		return NULL;
	text = test_malloc(1 << 20);
	n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static void show(const struct ifx_evidence *e)
{
	struct ifx_buf out;

	ifx_buf_init(&out, 1 << 20);
	for (const struct ifx_evidence_row *row = e->rows; row; row = row->next) {
		ifx_buf_addf(&out, "%u [%zu] ", row->breaks, row->n);
		ifx_evidence_say(&out, row);
		ifx_buf_addc(&out, '\n');
	}
	print_message("%.*s", IFX_ARG(ifx_buf_str(&out)));
	ifx_buf_release(&out);
}

static void compare_files(const char *before, const char *after)
{
	struct fixture *a = test_calloc(1, sizeof(*a)), *b = test_calloc(1, sizeof(*b));
	char *text_a = read_file(before), *text_b = read_file(after);
	struct ifx_arena arena;
	struct ifx_evidence e;

	assert_non_null(text_a);
	assert_non_null(text_b);
	fx_load(a, text_a);
	fx_load(b, text_b);
	ifx_arena_init(&arena, (size_t)1 << 30);
	assert_int_equal(ifx_evidence_find(&e, &a->mesh, &b->mesh, NULL, &arena), IFX_OK);
	if (getenv("SHOW"))
		show(&e);
	if (e.counter_example) {
		struct ifx_buf out;

		ifx_buf_init(&out, 1 << 20);
		ifx_evidence_say(&out, e.counter_example);
		print_error("%s: %.*s\n", after, IFX_ARG(ifx_buf_str(&out)));
		ifx_buf_release(&out);
		fail();
	}
	assert_int_equal(e.n_sampled, 0);
	ifx_arena_release(&arena);
	fx_free(a);
	fx_free(b);
	test_free(text_a);
	test_free(text_b);
	test_free(a);
	test_free(b);
}

#define EXAMPLES "../shared/ambient/examples/"

static void need_examples(void)
{
	if (access(EXAMPLES "README.md", R_OK)) {
		print_message("skipped: " EXAMPLES " is not here\n");
		skip();
	}
}

static void the_worked_examples_keep_their_promise(void **state)
{
	static const char *const names[] = {
		"02-revision-label",
		"05-l4-policy",
		"06-l7-policy",
		"07-custom-policy",
		"09-cross-namespace-waypoint",
		"11-default-deny",
		"15-negative-l4-match",
	};

	(void)state;
	need_examples();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char before[200], after[200];

		snprintf(before, sizeof(before), EXAMPLES "%s/before.yaml", names[i]);
		snprintf(after, sizeof(after), EXAMPLES "%s/after.yaml", names[i]);
		compare_files(before, after);
	}
}

/* Each phase against the one before; only `web` and `billing`, who are ambient, call. */
static void each_phase_keeps_the_promise(void **state)
{
	static const char *const phases[] = { "before", "phases/1-prepare", "phases/2-bind",
					      "phases/3-enroll", "phases/4-cleanup" };

	(void)state;
	need_examples();
	for (size_t i = 1; i < sizeof(phases) / sizeof(*phases); i++) {
		char before[200], after[200];

		snprintf(before, sizeof(before), EXAMPLES "06-l7-policy/%s.yaml", phases[i - 1]);
		snprintf(after, sizeof(after), EXAMPLES "06-l7-policy/%s.yaml", phases[i]);
		compare_files(before, after);
	}
}

/* --- what must not pass ------------------------------------------------------------------------
 */

#define GET_ONLY "rules: [{" FROM("x/sa/a") ", to: [{operation: {methods: [GET]}}]}]"
#define NO_DEBUG "action: DENY, rules: [{to: [{operation: {paths: [/debug*]}}]}]"
#define FROM_WAY AUTHZ("from-waypoint", "{rules: [{" FROM("n/sa/waypoint") "}]}")
#define GUARD                                                                                      \
	AUTHZ("guard", "{action: DENY, rules: [{from: [{source: {notPrincipals: "                  \
		       "[cluster.local/ns/n/sa/waypoint]}}]}]}")
#define COPY(spec)   AUTHZ("copy", "{" TO_SERVICE ", " spec "}")
#define OLD(spec)    AUTHZ("old", "{" spec "}")
#define BEFORE(rest) SIDECAR WORKLOAD SERVICE("") rest
#define AFTER(rest)                                                                                \
	AMBIENT WORKLOAD SERVICE(BOUND)                                                            \
	WAYPOINT rest
#define PLAIN(rest)     AMBIENT WORKLOAD SERVICE("") rest
#define EXPOSED(labels) SERVICE("fixture/exposed: 'true'" labels)
#define INGRESS         ", " BOUND ", istio.io/ingress-use-waypoint: 'true'"
#define CALLER(labels)                                                                             \
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: x, labels: {" labels "}}\n---\n"        \
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: x}\nspec:\n"        \
	"  template:\n    metadata: {labels: {app: x}}\n    spec: {serviceAccountName: a}\n---\n"
#define JWT(rest)                                                                                  \
	"apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n"                          \
	"metadata: {name: j, namespace: n}\nspec: {" rest "jwtRules: [{issuer: i}]}\n---\n"

static void unsafe_changes_have_a_counter_example(void **state)
{
	static const struct {
		const char *what, *before, *after;
		unsigned breaks;
	} table[] = {
		{ "nothing", BEFORE(OLD(GET_ONLY)), BEFORE(OLD(GET_ONLY)), 0 },
		{ "as it should be", BEFORE(OLD(GET_ONLY)), AFTER(COPY(GET_ONLY) FROM_WAY), 0 },
		{ "F4: the waypoint is not let in", BEFORE(OLD(GET_ONLY)),
		  AFTER(COPY(GET_ONLY) OLD("")), IFX_P1 },
		{ "F5: left at ztunnel, ALLOW closes", BEFORE(OLD(GET_ONLY)), PLAIN(OLD(GET_ONLY)),
		  IFX_P1 },
		{ "F6: left at ztunnel, DENY opens", BEFORE(OLD(NO_DEBUG)), PLAIN(OLD(NO_DEBUG)),
		  IFX_P1 | IFX_P2 },
		{ "moved, but the way around is open", BEFORE(OLD(NO_DEBUG)), AFTER(COPY(NO_DEBUG)),
		  IFX_P2 },
		{ "moved, with a guard", BEFORE(OLD(NO_DEBUG)), AFTER(COPY(NO_DEBUG) GUARD), 0 },
		{ "an ALLOW beside a DENY", BEFORE(OLD(NO_DEBUG)),
		  AFTER(COPY(NO_DEBUG) GUARD FROM_WAY), IFX_P3 },
		{ "the copy forgets its action", BEFORE(OLD(NO_DEBUG)),
		  AFTER(COPY("rules: [{to: [{operation: {paths: [/debug*]}}]}]") GUARD),
		  IFX_P1 | IFX_P2 | IFX_P3 },
		{ "F9: ports are not translated",
		  BEFORE(OLD("action: DENY, rules: [{to: [{operation: {ports: ['8080'], methods: "
			     "[PUT]}}]}]")),
		  AFTER(COPY("action: DENY, rules: [{to: [{operation: {ports: ['8080'], methods: "
			     "[PUT]}}]}]") GUARD),
		  IFX_P1 | IFX_P2 },
		{ "F3: an L4 policy has no copy",
		  BEFORE(OLD("action: DENY, rules: [{" FROM("x/sa/a") "}]")),
		  AFTER(OLD("action: DENY, rules: [{" FROM("x/sa/a") "}]")), IFX_P1 | IFX_P2 },
		{ "F3: and with one", BEFORE(OLD("action: DENY, rules: [{" FROM("x/sa/a") "}]")),
		  AFTER(OLD("action: DENY, rules: [{" FROM("x/sa/a") "}]")
				COPY("action: DENY, rules: [{" FROM("x/sa/a") "}]")),
		  0 },
		{ "a negative list without the waypoint",
		  BEFORE(OLD("action: DENY, rules: [{from: [{source: {notNamespaces: [x]}}]}]")),
		  AFTER(OLD("action: DENY, rules: [{from: [{source: {notNamespaces: [x]}}]}]") COPY(
			  "action: DENY, rules: [{from: [{source: {notNamespaces: [x]}}]}]")),
		  IFX_P1 },
		{ "F11: STRICT is gone", BEFORE(PEER("n", "{mtls: {mode: STRICT}}")), PLAIN(""),
		  IFX_P2 },
		{ "a provider is forgotten",
		  BEFORE(OLD("action: CUSTOM, provider: {name: x}, rules: [{}]")), AFTER(""),
		  IFX_P1 | IFX_P2 },
		{ "another provider is asked",
		  BEFORE(OLD("action: CUSTOM, provider: {name: x}, rules: [{}]")),
		  AFTER(COPY("action: CUSTOM, provider: {name: y}, rules: [{}]") GUARD),
		  IFX_P1 | IFX_P2 },
		{ "nobody audits any more", BEFORE(OLD("action: AUDIT, rules: [{}]")), PLAIN(""),
		  IFX_P1 | IFX_P2 },
		{ "tokens are not looked at", BEFORE(JWT("")), PLAIN(JWT("")), IFX_P1 | IFX_P2 },
		{ "tokens are looked at", BEFORE(JWT("")), AFTER(JWT(TO_SERVICE ", ") GUARD), 0 },
		{ "F8: gateways go around the waypoint", SIDECAR WORKLOAD EXPOSED("") OLD(NO_DEBUG),
		  AMBIENT WORKLOAD EXPOSED(", " BOUND) WAYPOINT COPY(NO_DEBUG) GUARD, IFX_P1 },
		{ "F8: gateways use the waypoint", SIDECAR WORKLOAD EXPOSED("") OLD(NO_DEBUG),
		  AMBIENT WORKLOAD EXPOSED(INGRESS) WAYPOINT COPY(NO_DEBUG) GUARD, 0 },
		{ "a known caller keeps its sidecar",
		  CALLER("istio-injection: enabled") BEFORE(OLD(GET_ONLY)),
		  CALLER("istio-injection: enabled") AFTER(COPY(GET_ONLY) FROM_WAY), IFX_P1 },
		{ "a known caller is ambient already",
		  CALLER("istio.io/dataplane-mode: ambient") BEFORE(OLD(GET_ONLY)),
		  CALLER("istio.io/dataplane-mode: ambient") AFTER(COPY(GET_ONLY) FROM_WAY), 0 },
		{ "a known caller goes along",
		  CALLER("istio-injection: enabled") BEFORE(OLD(GET_ONLY)),
		  CALLER("istio.io/dataplane-mode: ambient") AFTER(COPY(GET_ONLY) FROM_WAY), 0 },
		{ "bind alone: the sidecar still reads the old policy",
		  BEFORE(OLD(NO_DEBUG) OLD(GET_ONLY)),
		  SIDECAR WORKLOAD SERVICE(BOUND) WAYPOINT OLD(NO_DEBUG) OLD(GET_ONLY)
			  COPY(NO_DEBUG) COPY(GET_ONLY) FROM_WAY,
		  0 },
		{ "bind alone: a token that the waypoint keeps",
		  BEFORE(JWT("") OLD("action: DENY, rules: [{from: [{source: "
				     "{notRequestPrincipals: ['*']}}]}]")),
		  SIDECAR WORKLOAD SERVICE(BOUND) WAYPOINT JWT("") JWT(TO_SERVICE ", ")
			  OLD("action: DENY, rules: [{from: [{source: {notRequestPrincipals: "
			      "['*']}}]}]") COPY("action: DENY, rules: [{from: [{source: "
						 "{notRequestPrincipals: ['*']}}]}]"),
		  IFX_P1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct fixture *a = test_calloc(1, sizeof(*a)), *b = test_calloc(1, sizeof(*b));
		struct ifx_evidence e;
		struct ifx_arena arena;
		unsigned breaks = 0;

		fx_load(a, table[i].before);
		fx_load(b, table[i].after);
		ifx_arena_init(&arena, (size_t)1 << 30);
		assert_int_equal(ifx_evidence_find(&e, &a->mesh, &b->mesh, NULL, &arena), IFX_OK);
		for (const struct ifx_evidence_row *row = e.rows; row; row = row->next)
			breaks |= row->breaks & (IFX_P1 | IFX_P2 | IFX_P3);
		if (breaks != table[i].breaks) {
			show(&e);
			fail_msg("%s: %u", table[i].what, breaks);
		}
		assert_int_equal(e.counter_example != NULL, breaks != 0);
		ifx_arena_release(&arena);
		fx_free(a);
		fx_free(b);
		test_free(a);
		test_free(b);
	}
}

static void without_memory_it_says_so(void **state)
{
	struct fixture *a = test_calloc(1, sizeof(*a)), *b = test_calloc(1, sizeof(*b));
	unsigned long n = 0;
	ifx_status st;

	(void)state;
	fx_load(a, BEFORE(OLD(GET_ONLY) JWT("")));
	fx_load(b, AFTER(COPY(GET_ONLY) JWT(TO_SERVICE ", ")));
	do {
		struct ifx_evidence e;
		struct ifx_arena arena;

		ifx_arena_init(&arena, (size_t)1 << 30);
		ifx_alloc_fail_at(++n);
		st = ifx_evidence_find(&e, &a->mesh, &b->mesh, NULL, &arena);
		assert_int_equal(st, ifx_alloc_failed() ? IFX_ENOMEM : IFX_OK);
		ifx_alloc_fail_at(0);
		ifx_arena_release(&arena);
	} while (st != IFX_OK);
	assert_true(n > 5);
	fx_free(a);
	fx_free(b);
	test_free(a);
	test_free(b);
}

/* With more classes than requests allowed it takes some of each, and says so. */
static void a_limit_is_said(void **state)
{
	struct fixture *a = test_calloc(1, sizeof(*a)), *b = test_calloc(1, sizeof(*b));
	const struct ifx_evidence_options few = { .limit = 3 };
	struct ifx_evidence all, some, again;
	struct ifx_arena arena;

	(void)state;
	fx_load(a, BEFORE(OLD(GET_ONLY)));
	fx_load(b, PLAIN(OLD(GET_ONLY)));
	ifx_arena_init(&arena, (size_t)1 << 30);
	assert_int_equal(ifx_evidence_find(&all, &a->mesh, &b->mesh, NULL, &arena), IFX_OK);
	assert_int_equal(ifx_evidence_find(&some, &a->mesh, &b->mesh, &few, &arena), IFX_OK);
	assert_int_equal(ifx_evidence_find(&again, &a->mesh, &b->mesh, &few, &arena), IFX_OK);
	assert_int_equal(all.n_sampled, 0);
	assert_int_equal(some.n_sampled, 2); /* through the Service, and past it */
	assert_ptr_equal(some.first_sampled, &b->workloads[0]);
	assert_true(some.n_requests < all.n_requests && some.n_requests <= 6);
	assert_int_equal(some.n_requests, again.n_requests);
	assert_int_equal(some.n_rows, again.n_rows);
	ifx_arena_release(&arena);
	fx_free(a);
	fx_free(b);
	test_free(a);
	test_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worked_examples_keep_their_promise),
		cmocka_unit_test(unsafe_changes_have_a_counter_example),
		cmocka_unit_test(without_memory_it_says_so),
		cmocka_unit_test(a_limit_is_said),
		cmocka_unit_test(each_phase_keeps_the_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
