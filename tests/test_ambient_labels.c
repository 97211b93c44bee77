#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ambient.h"

static struct ifx_labels labels(struct ifx_arena *arena, const char *text)
{
	struct ifx_label *list = ifx_arena_alloc(arena, 8 * sizeof(*list));
	ifx_str rest = ifx_str_of(text), piece;
	size_t n = 0;

	/* In order of keys, as ifx_labels_read makes them. */
	while (*text && ifx_str_split(&rest, ' ', &piece)) {
		size_t eq = ifx_str_chr(piece, '=');

		list[n++] = (struct ifx_label){ ifx_str_sub(piece, 0, eq),
						ifx_str_sub(piece, eq + 1, piece.len - eq - 1) };
	}
	return (struct ifx_labels){ list, n };
}

static void coverage_follows_the_four_cases(void **state)
{
	static const struct {
		const char *selector, *service, *pods[3];
		ifx_cover cover;
	} table[] = {
		/* The labels alone tell. */
		{ "app=a", "app=a", { NULL }, IFX_COVER_FULL },
		{ "app=a", "app=a version=v1", { NULL }, IFX_COVER_FULL },
		{ "", "app=a", { NULL }, IFX_COVER_FULL },
		{ "app=a", "app=b", { "app=b" }, IFX_COVER_NONE },
		{ "app=a version=v1", "app=a version=v2", { "app=a version=v2" }, IFX_COVER_NONE },
		/* The pods tell. */
		{ "app=a version=v1", "app=a", { "app=a version=v1" }, IFX_COVER_FULL },
		{ "app=a version=v1",
		  "app=a",
		  { "app=a version=v1", "app=a version=v2" },
		  IFX_COVER_PARTIAL },
		{ "app=a version=v1", "app=a", { "app=a version=v2" }, IFX_COVER_NONE },
		{ "tier=web", "app=a", { "app=a", "app=a tier=web" }, IFX_COVER_PARTIAL },
		{ "tier=web", "app=a", { "app=b tier=web", "app=a tier=web" }, IFX_COVER_FULL },
		{ "tier=web", "app=a", { "app=b tier=web", "app=a" }, IFX_COVER_NONE },
		/* Nobody tells. */
		{ "app=a version=v1", "app=a", { NULL }, IFX_COVER_UNKNOWN },
		{ "app=a version=v1", "app=a", { "app=b version=v1" }, IFX_COVER_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct ifx_arena arena;
		struct ifx_labels pods[3];
		size_t n = 0;

		ifx_arena_init(&arena, 1 << 20);
		while (n < 3 && table[i].pods[n]) {
			pods[n] = labels(&arena, table[i].pods[n]);
			n++;
		}
		assert_int_equal(ifx_labels_cover(labels(&arena, table[i].selector),
						  labels(&arena, table[i].service), pods, n),
				 table[i].cover);
		ifx_arena_release(&arena);
	}
}

static void maps_become_sorted_lists(void **state)
{
	struct fixture fx;
	struct ifx_labels l;

	(void)state;
	fx_load(&fx,
		"apiVersion: v1\nkind: X\nmetadata:\n  labels: &l {z: a, a: 'b', m: 3, n: [1], a: c}\n");
	l = fx_labels(&fx, fx_at(fx.docs[0]->root, "metadata.labels"));
	assert_int_equal(l.n, 3);
	assert_true(ifx_str_eq(ifx_labels_get(l, IFX_LIT("a")), IFX_LIT("b")));
	assert_true(ifx_str_eq(ifx_labels_get(l, IFX_LIT("m")), IFX_LIT("3")));
	assert_true(ifx_str_eq(ifx_labels_get(l, IFX_LIT("z")), IFX_LIT("a")));
	assert_null(ifx_labels_get(l, IFX_LIT("n")).ptr);
	fx_free(&fx);
}

static void agreement_is_about_common_keys(void **state)
{
	struct ifx_arena arena;

	(void)state;
	ifx_arena_init(&arena, 1 << 20);
	assert_true(ifx_labels_match(labels(&arena, "a=1 b=2"), labels(&arena, "a=1")));
	assert_true(ifx_labels_match(labels(&arena, ""), labels(&arena, "")));
	assert_false(ifx_labels_match(labels(&arena, "a=1"), labels(&arena, "a=1 b=2")));
	assert_false(ifx_labels_match(labels(&arena, "a=1"), labels(&arena, "a=")));
	assert_true(ifx_labels_disagree(labels(&arena, "a=1 b=2"), labels(&arena, "b=3")));
	assert_false(ifx_labels_disagree(labels(&arena, "a=1"), labels(&arena, "b=3")));
	ifx_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coverage_follows_the_four_cases),
		cmocka_unit_test(maps_become_sorted_lists),
		cmocka_unit_test(agreement_is_about_common_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
