#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "edit/edit.h"

enum { ROUNDS = 20000, TEXT_MAX = 64 };

static uint32_t seed = 2463534242u;

static size_t below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* Random text of up to `max` characters, some of which share bytes with others. */
static size_t random_text(char *to, size_t max)
{
	static const char *const chars[] = { "a",        "a",        "b",           "\n",
					     "\xc3\xa9", "\xc3\xa8", "\xe2\x82\xac" };
	size_t n = below(max + 1), len = 0;

	while (n--) {
		const char *c = chars[below(sizeof(chars) / sizeof(*chars))];

		memcpy(to + len, c, strlen(c));
		len += strlen(c);
	}
	return len;
}

static bool is_boundary(ifx_str s, size_t at)
{
	return at >= s.len || ((unsigned char)s.ptr[at] & 0xc0) != 0x80;
}

/* Push random edits on character boundaries; what is refused is left out. */
static void random_edits(struct ifx_edits *edits, struct ifx_arena *arena, ifx_str source)
{
	ifx_edits_init(edits);
	for (size_t n = below(6); n; n--) {
		char text[TEXT_MAX];
		size_t at = below(source.len + 1), end = at + below(6);
		ifx_str copy;
		ifx_status st;

		while (!is_boundary(source, at))
			at--;
		end = end > source.len ? source.len : end;
		while (!is_boundary(source, end))
			end++;
		if (below(3) == 0)
			end = at;
		copy = ifx_arena_copy(arena, (ifx_str){ text, random_text(text, 4) });
		assert_non_null(copy.ptr);
		st = ifx_edits_push(edits, arena, (ifx_span){ at, end - at }, copy);
		assert_true(st == IFX_OK || st == IFX_EREFUSED);
	}
}

static void assert_invariants(const struct ifx_edits *edits, ifx_str source)
{
	long long shift = 0;
	size_t done = 0;

	for (size_t i = 0; i < edits->n; i++) {
		const struct ifx_edit *e = &edits->items[i];
		const struct ifx_edit *last = i ? e - 1 : NULL;

		assert_true(e->span.len || e->text.len);
		assert_true(e->span.at >= done);
		assert_false(last && !last->span.len && !e->span.len &&
			     last->span.at == e->span.at);
		assert_true(e->shift == shift);
		done = e->span.at + e->span.len;
		shift += (long long)e->text.len - (long long)e->span.len;
	}
	assert_true(done <= source.len);
}

static void push_keeps_order(void **state)
{
	static const struct {
		ifx_span span;
		const char *text;
		ifx_status st;
		const char *after; /* of "0123456789", with all edits up to here */
	} steps[] = {
		{ { 5, 2 }, "B", IFX_OK, "01234B789" },
		{ { 2, 0 }, "a", IFX_OK, "01a234B789" },
		{ { 2, 0 }, "b", IFX_OK, "01ab234B789" },       /* joined in order of the pushes */
		{ { 6, 0 }, "x", IFX_EREFUSED, "01ab234B789" }, /* strictly inside */
		{ { 5, 1 }, "x", IFX_EREFUSED, "01ab234B789" },
		{ { 4, 2 }, "x", IFX_EREFUSED, "01ab234B789" },
		{ { 1, 2 }, "x", IFX_EREFUSED, "01ab234B789" }, /* around an insertion */
		{ { 5, 0 }, "<", IFX_OK, "01ab234<B789" },  /* before the span that starts there */
		{ { 7, 0 }, ">", IFX_OK, "01ab234<B>789" }, /* behind the span that ends there */
		{ { 7, 1 }, "S", IFX_OK, "01ab234<B>S89" }, /* behind the insertion */
		{ { 3, 2 }, "", IFX_OK, "01ab2<B>S89" },
		{ { 0, 0 }, "^", IFX_OK, "^01ab2<B>S89" },
		{ { 10, 0 }, "$", IFX_OK, "^01ab2<B>S89$" },
		{ { 9, 0 }, "", IFX_OK, "^01ab2<B>S89$" },
		{ { 5, 0 }, "!", IFX_OK, "^01ab2<!B>S89$" },
	};
	ifx_str source = IFX_LIT("0123456789");
	struct ifx_edits edits;
	struct ifx_arena arena;
	struct ifx_buf out;

	(void)state;
	ifx_edits_init(&edits);
	ifx_arena_init(&arena, 1 << 20);
	ifx_buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		bool empty = !steps[i].span.len && !*steps[i].text;

		assert_int_equal(ifx_edits_clash(&edits, steps[i].span) && !empty,
				 steps[i].st == IFX_EREFUSED);
		assert_int_equal(
			ifx_edits_push(&edits, &arena, steps[i].span, ifx_str_of(steps[i].text)),
			steps[i].st);
		assert_invariants(&edits, source);
		ifx_buf_clear(&out);
		ifx_edits_splice(&edits, source, &out);
		assert_string_equal(out.data, steps[i].after);
	}
	ifx_buf_release(&out);
	ifx_edits_release(&edits);
	ifx_arena_release(&arena);
}

static void joined_insertions_may_hold_nul(void **state)
{
	struct ifx_edits edits;
	struct ifx_arena arena;
	struct ifx_buf out;

	(void)state;
	ifx_edits_init(&edits);
	ifx_arena_init(&arena, 1 << 20);
	ifx_buf_init(&out, 1 << 20);
	assert_int_equal(ifx_edits_push(&edits, &arena, (ifx_span){ 1, 0 }, IFX_LIT("a\0b")),
			 IFX_OK);
	assert_int_equal(ifx_edits_push(&edits, &arena, (ifx_span){ 1, 0 }, IFX_LIT("\0c")),
			 IFX_OK);
	ifx_edits_splice(&edits, IFX_LIT("[]"), &out);
	assert_int_equal(out.len, 7);
	assert_memory_equal(out.data, "[a\0b\0c]", 7);
	ifx_buf_release(&out);
	ifx_edits_release(&edits);
	ifx_arena_release(&arena);
}

static void no_edits_change_nothing(void **state)
{
	struct ifx_edits edits;
	struct ifx_buf out;

	(void)state;
	ifx_edits_init(&edits);
	ifx_buf_init(&out, 100);
	ifx_edits_splice(&edits, IFX_LIT("a: 1\r\n"), &out);
	assert_string_equal(out.data, "a: 1\r\n");
	assert_int_equal(ifx_edits_to_old(&edits, 3), 3);
	assert_int_equal(ifx_edits_to_new(&edits, 3), 3);
	ifx_buf_release(&out);
	ifx_edits_release(&edits);
}

static void compose_is_one_after_the_other(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		char text[TEXT_MAX];
		ifx_str source = { text, random_text(text, 16) };
		struct ifx_edits first, second, both;
		struct ifx_arena arena;
		struct ifx_buf middle, twice, once;

		ifx_arena_init(&arena, 1 << 20);
		ifx_buf_init(&middle, 1 << 20);
		ifx_buf_init(&twice, 1 << 20);
		ifx_buf_init(&once, 1 << 20);
		random_edits(&first, &arena, source);
		assert_invariants(&first, source);
		ifx_edits_splice(&first, source, &middle);
		random_edits(&second, &arena, ifx_buf_str(&middle));
		ifx_edits_splice(&second, ifx_buf_str(&middle), &twice);

		assert_int_equal(ifx_edits_compose(&both, &first, &second, source, &arena), IFX_OK);
		assert_invariants(&both, source);
		ifx_edits_splice(&both, source, &once);
		assert_int_equal(once.len, twice.len);
		assert_memory_equal(ifx_buf_str(&once).ptr, ifx_buf_str(&twice).ptr, once.len);
		for (size_t i = 0; i < both.n; i++) {
			const struct ifx_edit *e = &both.items[i];
			ifx_str old = ifx_str_sub(source, e->span.at, e->span.len);

			/* no half characters, and nothing that replaces itself */
			assert_true(is_boundary(source, e->span.at));
			assert_true(is_boundary(source, e->span.at + e->span.len));
			assert_true(is_boundary(e->text, 0));
			if (old.len && e->text.len && (unsigned char)old.ptr[0] < 0x80)
				assert_int_not_equal(old.ptr[0], e->text.ptr[0]);
			if (old.len && e->text.len && (unsigned char)old.ptr[old.len - 1] < 0x80)
				assert_int_not_equal(old.ptr[old.len - 1],
						     e->text.ptr[e->text.len - 1]);
		}
		ifx_edits_release(&first);
		ifx_edits_release(&second);
		ifx_edits_release(&both);
		ifx_buf_release(&middle);
		ifx_buf_release(&twice);
		ifx_buf_release(&once);
		ifx_arena_release(&arena);
	}
}

/* The definitions, read aloud. */
static size_t slow_to_old(const struct ifx_edits *edits, size_t at)
{
	long long delta = 0;

	for (size_t i = 0; i < edits->n; i++) {
		const struct ifx_edit *e = &edits->items[i];
		size_t start = (size_t)((long long)e->span.at + delta);

		if (at < start)
			break;
		if (at < start + e->text.len)
			return e->span.at;
		delta += (long long)e->text.len - (long long)e->span.len;
	}
	return (size_t)((long long)at - delta);
}

static size_t slow_to_new(const struct ifx_edits *edits, size_t at)
{
	long long delta = 0;

	for (size_t i = 0; i < edits->n; i++) {
		const struct ifx_edit *e = &edits->items[i];

		if (at < e->span.at || (at == e->span.at && e->span.len))
			break;
		if (at < e->span.at + e->span.len)
			return (size_t)((long long)e->span.at + delta);
		delta += (long long)e->text.len - (long long)e->span.len;
	}
	return (size_t)((long long)at + delta);
}

static void offsets_map_both_ways(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		char text[TEXT_MAX];
		ifx_str source = { text, random_text(text, 16) };
		struct ifx_edits edits;
		struct ifx_arena arena;
		struct ifx_buf out;

		ifx_arena_init(&arena, 1 << 20);
		ifx_buf_init(&out, 1 << 20);
		random_edits(&edits, &arena, source);
		ifx_edits_splice(&edits, source, &out);
		for (size_t at = 0; at <= source.len; at++)
			assert_int_equal(ifx_edits_to_new(&edits, at), slow_to_new(&edits, at));
		for (size_t at = 0; at <= out.len; at++)
			assert_int_equal(ifx_edits_to_old(&edits, at), slow_to_old(&edits, at));
		for (size_t at = 0, e = 0; at < source.len; at++) {
			while (e < edits.n &&
			       edits.items[e].span.at + edits.items[e].span.len <= at)
				e++;
			if (e < edits.n && edits.items[e].span.at <= at)
				continue;
			/* a byte that stays is the same byte, there and back */
			assert_int_equal(out.data[ifx_edits_to_new(&edits, at)], source.ptr[at]);
			assert_int_equal(ifx_edits_to_old(&edits, ifx_edits_to_new(&edits, at)),
					 at);
		}
		ifx_edits_release(&edits);
		ifx_buf_release(&out);
		ifx_arena_release(&arena);
	}
}

/* Fails by the test's time limit when a push or a look-up is linear. */
static void many_edits_are_cheap(void **state)
{
	enum { N = 300000 };
	struct ifx_edits first, second, both;
	struct ifx_arena arena;
	struct ifx_buf source, out;

	(void)state;
	ifx_edits_init(&first);
	ifx_edits_init(&second);
	ifx_arena_init(&arena, (size_t)1 << 30);
	ifx_buf_init(&source, (size_t)1 << 30);
	ifx_buf_init(&out, (size_t)1 << 30);
	ifx_buf_fill(&source, 'x', 4 * N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(
			ifx_edits_push(&first, &arena, (ifx_span){ 4 * i, 2 }, IFX_LIT("y")),
			IFX_OK);
		assert_int_equal(
			ifx_edits_push(&second, &arena, (ifx_span){ 3 * i, 2 }, IFX_LIT("z")),
			IFX_OK);
	}
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(ifx_edits_to_new(&first, 4 * i + 2), 3 * i + 1);
		assert_int_equal(ifx_edits_to_old(&first, 3 * i + 1), 4 * i + 2);
	}
	assert_int_equal(ifx_edits_compose(&both, &first, &second, ifx_buf_str(&source), &arena),
			 IFX_OK);
	ifx_edits_splice(&both, ifx_buf_str(&source), &out);
	assert_int_equal(out.len, 2 * N);
	ifx_edits_release(&first);
	ifx_edits_release(&second);
	ifx_edits_release(&both);
	ifx_buf_release(&source);
	ifx_buf_release(&out);
	ifx_arena_release(&arena);
}

static ifx_status everything(void)
{
	static const ifx_span spans[] = { { 9, 1 }, { 0, 1 }, { 5, 0 }, { 5, 0 }, { 3, 1 },
					  { 7, 0 }, { 1, 0 }, { 2, 1 }, { 6, 1 }, { 8, 1 } };
	struct ifx_edits first, both = { 0 };
	struct ifx_arena arena;
	struct ifx_buf out;
	ifx_status st = IFX_OK;

	ifx_edits_init(&first);
	ifx_arena_init(&arena, 1 << 20);
	ifx_buf_init(&out, 1 << 20);
	for (size_t i = 0; st == IFX_OK && i < sizeof(spans) / sizeof(*spans); i++)
		st = ifx_edits_push(&first, &arena, spans[i], IFX_LIT("text"));
	if (st == IFX_OK)
		st = ifx_edits_compose(&both, &first, &first, IFX_LIT("0123456789"), &arena);
	if (st == IFX_OK) {
		ifx_edits_splice(&both, IFX_LIT("0123456789"), &out);
		st = ifx_buf_status(&out);
	}
	ifx_edits_release(&first);
	ifx_edits_release(&both);
	ifx_buf_release(&out);
	ifx_arena_release(&arena);
	return st;
}

static void out_of_memory_is_survived(void **state)
{
	unsigned long n = 0;
	ifx_status st;
	int failed;

	(void)state;
	do {
		ifx_alloc_fail_at(++n);
		st = everything();
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		assert_int_equal(st, failed ? IFX_ENOMEM : IFX_OK);
	} while (failed);
	assert_true(n > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(push_keeps_order),
		cmocka_unit_test(joined_insertions_may_hold_nul),
		cmocka_unit_test(no_edits_change_nothing),
		cmocka_unit_test(compose_is_one_after_the_other),
		cmocka_unit_test(offsets_map_both_ways),
		cmocka_unit_test(many_edits_are_cheap),
		cmocka_unit_test(out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
