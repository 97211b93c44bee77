/* The record of a migration: hashes, JSON there and back, and what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include "ambient/ledger.h"
#include "base/alloc.h"
#include "base/sha256.h"

/* FIPS 180-4 and NIST's short and long messages. */
static void hashes(void **state)
{
	static const struct {
		const char *text;
		size_t times;
		const char *hash;
	} cases[] = {
		{ "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "a", 1000000,
		  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
		/* One byte below, at and above the end of a block's room for the length. */
		{ "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
		{ "a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
		{ "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[IFX_SHA256_TEXT];
		struct ifx_buf bytes;

		ifx_buf_init(&bytes, IFX_BUF_MAX);
		for (size_t k = 0; k < cases[i].times; k++)
			ifx_buf_add(&bytes, ifx_str_of(cases[i].text));
		ifx_sha256(text, ifx_buf_str(&bytes));
		assert_string_equal(text, cases[i].hash);
		ifx_buf_release(&bytes);
	}
}

static void there_and_back(void **state)
{
	const struct ifx_ledger_edit edits[] = { { 3, 5, IFX_LIT("a \"b\"\\\n\t\xC3\xA4") },
						 { 20, 0, IFX_LIT("") } };
	struct ifx_ledger_file files[] = {
		{ IFX_LIT("a b.yaml"), IFX_LIT("1"), IFX_LIT("2"), IFX_NONE, edits, 2 },
		{ IFX_LIT("new.yaml"), IFX_NONE, IFX_LIT("3"), IFX_NONE, NULL, 0 },
		{ IFX_LIT("old.yaml"), IFX_LIT("4"), IFX_NONE, IFX_LIT("x: 1\n"), NULL, 0 },
	};
	const ifx_str names[] = { { "a", 1 }, { "b", 1 } };
	struct ifx_ledger out = { 0 }, in;
	struct ifx_arena arena;
	struct ifx_buf text, again, why;

	(void)state;
	ifx_arena_init(&arena, 1 << 20);
	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_buf_init(&again, IFX_BUF_MAX);
	ifx_buf_init(&why, 4096);
	assert_true(ifx_ledger_add(
		&out, (struct ifx_ledger_step){ IFX_LIT("bind"), names, 2, files, 3 }));
	assert_true(ifx_ledger_add(
		&out, (struct ifx_ledger_step){ IFX_LIT("enroll"), names, 1, files, 1 }));
	ifx_ledger_write(&text, &out);
	assert_int_equal(ifx_ledger_read(&in, ifx_buf_str(&text), &arena, &why), IFX_OK);
	assert_int_equal(in.n, 2);
	assert_true(ifx_ledger_same(&in.steps[0], &out.steps[0]));
	assert_false(ifx_ledger_same(&in.steps[0], &out.steps[1]));
	assert_true(ifx_str_eq(in.steps[0].files[0].edits[0].text, edits[0].text));
	assert_null(in.steps[0].files[1].before.ptr);
	assert_null(in.steps[0].files[2].after.ptr);
	ifx_ledger_write(&again, &in);
	assert_true(ifx_str_eq(ifx_buf_str(&text), ifx_buf_str(&again)));
	ifx_ledger_remove(&in, 0);
	assert_int_equal(in.n, 1);
	assert_true(ifx_str_eq(in.steps[0].phase, IFX_LIT("enroll")));
	ifx_ledger_release(&out);
	ifx_ledger_release(&in);
	ifx_buf_release(&text);
	ifx_buf_release(&again);
	ifx_buf_release(&why);
	ifx_arena_release(&arena);
}

static void restoring(void **state)
{
	struct ifx_ledger_edit edit = { 3, 5, IFX_LIT("old") };
	char before[IFX_SHA256_TEXT], after[IFX_SHA256_TEXT];
	struct ifx_ledger_file file = { .edits = &edit, .n_edits = 1 };
	struct ifx_buf text;

	(void)state;
	ifx_sha256(before, IFX_LIT("a: old\n"));
	ifx_sha256(after, IFX_LIT("a: young\n"));
	file.before = ifx_str_of(before);
	file.after = ifx_str_of(after);
	ifx_buf_init(&text, 1 << 16);
	assert_int_equal(ifx_ledger_restore(&file, IFX_LIT("a: young\n"), &text), IFX_OK);
	assert_true(ifx_str_eq(ifx_buf_str(&text), IFX_LIT("a: old\n")));
	ifx_buf_clear(&text);
	assert_int_equal(ifx_ledger_restore(&file, IFX_LIT("a: other\n"), &text), IFX_EREFUSED);
	/* The text of an edit is believed as little as its place. */
	edit.text = IFX_LIT("elder");
	ifx_buf_clear(&text);
	assert_int_equal(ifx_ledger_restore(&file, IFX_LIT("a: young\n"), &text), IFX_EREFUSED);
	edit.at = 8;
	ifx_buf_clear(&text);
	assert_int_equal(ifx_ledger_restore(&file, IFX_LIT("a: young\n"), &text), IFX_EREFUSED);
	edit.at = SIZE_MAX;
	ifx_buf_clear(&text);
	assert_int_equal(ifx_ledger_restore(&file, IFX_LIT("a: young\n"), &text), IFX_EREFUSED);
	ifx_buf_release(&text);
}

static void wrong_texts(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"a: 1\n",
		"{\"steps\": [], \"version\": 2}",
		"{\"steps\": [3], \"version\": 1}",
		"{\"steps\": [{\"phase\": \"bind\", \"namespaces\": [], \"files\": []}], \"version\": 1}",
		"{\"steps\": [{\"phase\": 1, \"namespaces\": [], \"files\": {}}], \"version\": 1}",
		"{\"steps\": [{\"phase\": \"bind\", \"namespaces\": [[]], \"files\": {}}], \"version\": 1}",
		"{\"steps\": [{\"phase\": \"bind\", \"namespaces\": [], \"files\": {\"a\": {}}}], \"version\": 1}",
		"{\"steps\": [{\"phase\": \"bind\", \"namespaces\": [], \"files\": {\"a\": {\"after\": \"1\", "
		"\"edits\": [{\"at\": -1, \"length\": 1, \"text\": \"\"}]}}}], \"version\": 1}",
		"{\"steps\": [{\"phase\": \"bind\", \"namespaces\": [], \"files\": {\"a\": {\"after\": \"1\", "
		"\"edits\": [{\"at\": 5, \"length\": 5, \"text\": \"\"}, {\"at\": 6, \"length\": 1, "
		"\"text\": \"\"}]}}}], \"version\": 1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct ifx_ledger ledger;
		struct ifx_arena arena;
		struct ifx_buf why;

		ifx_arena_init(&arena, 1 << 20);
		ifx_buf_init(&why, 4096);
		assert_int_equal(ifx_ledger_read(&ledger, ifx_str_of(texts[i]), &arena, &why),
				 IFX_EINVAL);
		assert_true(why.len > 0);
		ifx_buf_release(&why);
		ifx_arena_release(&arena);
	}
}

static void allocations_may_fail(void **state)
{
	const ifx_str text = IFX_LIT(
		"{\"steps\": [{\"phase\": \"bind\", \"namespaces\": [\"a\"], \"files\": {\"a\": "
		"{\"after\": \"1\", \"before\": \"2\", \"edits\": [{\"at\": 1, \"length\": 1, \"text\": "
		"\"x\"}]}}}], \"version\": 1}");
	ifx_status st = IFX_ENOMEM;

	(void)state;
	for (unsigned long i = 1; st != IFX_OK; i++) {
		struct ifx_ledger ledger;
		struct ifx_arena arena;
		struct ifx_buf why;

		ifx_arena_init(&arena, 1 << 20);
		ifx_buf_init(&why, 4096);
		ifx_alloc_fail_at(i);
		st = ifx_ledger_read(&ledger, text, &arena, &why);
		ifx_alloc_fail_at(0);
		if (st == IFX_OK)
			ifx_ledger_release(&ledger);
		else
			assert_int_equal(st, IFX_ENOMEM);
		ifx_buf_release(&why);
		ifx_arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(restoring),
		cmocka_unit_test(wrong_texts),
		cmocka_unit_test(allocations_may_fail),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
