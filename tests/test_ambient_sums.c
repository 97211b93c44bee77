/* Quantities of Kubernetes, and label selectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ambient/quantity.h"
#include "ambient/selector.h"
#include "yaml/load.h"

static void quantities(void **state)
{
	static const struct {
		const char *text;
		long long milli; /* -1: it is none */
	} cases[] = {
		{ "250m", 250 },
		{ "0.5", 500 },
		{ "1", 1000 },
		{ "+2", 2000 },
		{ ".5", 500 },
		{ "1.", 1000 },
		{ "1e3", 1000000 },
		{ "1E-2", 10 },
		{ "1k", 1000000 },
		{ "1Ki", 1024000 },
		{ "192Mi", 192LL * 1024 * 1024 * 1000 },
		{ "1G", 1000000000000 },
		{ "1u", 1 }, /* rounded up */
		{ "1001u", 2 },
		{ "0.1", 100 },
		{ "1Ei", -1 }, /* too large */
		{ "", -1 },
		{ "-1", -1 },
		{ "1x", -1 },
		{ "1 Mi", -1 },
		{ "m", -1 },
		{ "1.2.3", -1 },
		{ "1e", -1 },
		{ "1e99", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		long long milli = -1;
		bool ok = ifx_quantity_parse(&milli, ifx_str_of(cases[i].text));

		if (ok != (cases[i].milli >= 0) || (ok && milli != cases[i].milli))
			fail_msg("'%s' is %lld, not %lld", cases[i].text, ok ? milli : -1,
				 cases[i].milli);
	}
}

static void printed(void **state)
{
	struct ifx_buf out;

	(void)state;
	ifx_buf_init(&out, 1 << 10);
	ifx_quantity_cpu(&out, 250);
	ifx_buf_addc(&out, ' ');
	ifx_quantity_cpu(&out, 2000);
	ifx_buf_addc(&out, ' ');
	ifx_quantity_cpu(&out, 1500);
	ifx_buf_addc(&out, ' ');
	ifx_quantity_memory(&out, 576LL << 20);
	ifx_buf_addc(&out, ' ');
	ifx_quantity_memory(&out, 1001);
	ifx_buf_addc(&out, ' ');
	ifx_quantity_memory(&out, 0);
	assert_string_equal(out.data, "250m 2 1.5 576Mi 1001 0");
	ifx_buf_release(&out);
}

static void selectors(void **state)
{
	static const struct {
		const char *selector;
		bool fits;
	} cases[] = {
		{ "{}", true },
		{ "matchLabels: {a: x}", true },
		{ "matchLabels: {a: y}", false },
		{ "matchLabels: {a: x, c: z}", false },
		{ "matchExpressions: [{key: a, operator: In, values: [w, x]}]", true },
		{ "matchExpressions: [{key: c, operator: In, values: [x]}]", false },
		{ "matchExpressions: [{key: c, operator: NotIn, values: [x]}]", true },
		{ "matchExpressions: [{key: a, operator: NotIn, values: [x]}]", false },
		{ "matchExpressions: [{key: a, operator: Exists}]", true },
		{ "matchExpressions: [{key: c, operator: Exists}]", false },
		{ "matchExpressions: [{key: c, operator: DoesNotExist}]", true },
		{ "matchExpressions: [{key: a, operator: Like, values: [x]}]", false },
		{ "{matchLabels: {a: x}, matchExpressions: [{key: b, operator: DoesNotExist}]}",
		  false },
	};
	const struct ifx_pair pairs[] = { { IFX_LIT("a"), IFX_LIT("x") },
					  { IFX_LIT("b"), IFX_LIT("") } };
	struct ifx_problem problem = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ifx_doc *doc;

		ifx_buf_init(&problem.text, 1 << 10);
		assert_int_equal(ifx_doc_load(&doc, ifx_str_of(cases[i].selector), &problem),
				 IFX_OK);
		if (ifx_selector_fits(doc->root, (struct ifx_pairs){ pairs, 2 }) != cases[i].fits)
			fail_msg("%s", cases[i].selector);
		ifx_doc_free(doc);
		ifx_buf_release(&problem.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities),
		cmocka_unit_test(printed),
		cmocka_unit_test(selectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
