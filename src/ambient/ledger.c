#include "ambient/ledger.h"

#include "base/alloc.h"
#include "base/sha256.h"
#include "yaml/load.h"

#include <stdlib.h>

/* ---- reading ---- */

struct reading {
	struct ifx_arena *arena;
	struct ifx_buf *why;
	ifx_status st;
};

static void wrong(struct reading *r, const char *what)
{
	if (r->st != IFX_OK)
		return;
	r->st = IFX_EINVAL;
	ifx_buf_addf(r->why, "%s", what);
}

static void *take(struct reading *r, size_t n, size_t size)
{
	void *p = ifx_arena_alloc(r->arena, n * size + 1);

	if (!p)
		r->st = IFX_ENOMEM;
	return p;
}

/* Text of a string, copied; ptr NULL for null. */
static ifx_str string(struct reading *r, const struct ifx_node *map, const char *key, bool null_too)
{
	const struct ifx_node *node = ifx_get(map, ifx_str_of(key));
	ifx_str copy;

	if (null_too && (!node || ifx_is_null(node)))
		return IFX_NONE;
	if (!ifx_is(node, IFX_SCALAR) || !ifx_is_string(node)) {
		wrong(r, "a text is missing");
		return IFX_NONE;
	}
	copy = ifx_arena_copy(r->arena, ifx_text(node));
	if (!copy.ptr)
		r->st = IFX_ENOMEM;
	return copy;
}

static size_t number(struct reading *r, const struct ifx_node *map, const char *key)
{
	ifx_str text = ifx_get_text(map, ifx_str_of(key));
	size_t n = 0;

	if (!text.len || text.len > 12)
		wrong(r, "a number is missing");
	for (size_t i = 0; i < text.len && i < 12; i++) {
		if (!ifx_is_digit(text.ptr[i]))
			wrong(r, "a number is none");
		n = n * 10 + (size_t)(text.ptr[i] - '0');
	}
	return n;
}

static void read_edits(struct reading *r, struct ifx_ledger_file *file, const struct ifx_node *list)
{
	struct ifx_ledger_edit *edits;
	size_t end = 0;

	if (!list)
		return;
	if (!ifx_is(list, IFX_SEQ)) {
		wrong(r, "edits are no list");
		return;
	}
	edits = take(r, list->n, sizeof(*edits));
	for (const struct ifx_entry *e = list->first; e && r->st == IFX_OK; e = e->next) {
		struct ifx_ledger_edit *x = &edits[file->n_edits++];

		x->at = number(r, e->value, "at");
		x->length = number(r, e->value, "length");
		x->text = string(r, e->value, "text", false);
		if (x->at < end)
			wrong(r, "edits are out of order");
		end = x->at + x->length;
	}
	file->edits = edits;
}

static void read_files(struct reading *r, struct ifx_ledger_step *step, const struct ifx_node *map)
{
	if (!ifx_is(map, IFX_MAP)) {
		wrong(r, "files are no map");
		return;
	}
	step->files = take(r, map->n, sizeof(*step->files));
	for (const struct ifx_entry *e = map->first; e && r->st == IFX_OK; e = e->next) {
		struct ifx_ledger_file *file = &step->files[step->n_files++];

		file->path = ifx_is(e->key, IFX_SCALAR) ? ifx_arena_copy(r->arena, ifx_text(e->key))
							: IFX_NONE;
		if (ifx_is(e->key, IFX_SCALAR) && !file->path.ptr)
			r->st = IFX_ENOMEM;
		file->before = string(r, e->value, "before", true);
		file->after = string(r, e->value, "after", true);
		file->text = string(r, e->value, "text", true);
		if (!file->path.len || memchr(file->path.ptr, '\0', file->path.len) ||
		    (!file->before.ptr && !file->after.ptr))
			wrong(r, "a file has no name, or no hash");
		read_edits(r, file, ifx_get(e->value, IFX_LIT("edits")));
	}
}

static void read_step(struct reading *r, struct ifx_ledger *out, const struct ifx_node *map)
{
	const struct ifx_node *list = ifx_get(map, IFX_LIT("namespaces"));
	struct ifx_ledger_step step = { 0 };
	ifx_str *names;

	step.phase = string(r, map, "phase", false);
	if (!ifx_is(list, IFX_SEQ)) {
		wrong(r, "namespaces are no list");
		return;
	}
	names = take(r, list->n, sizeof(*names));
	for (const struct ifx_entry *e = list->first; e && r->st == IFX_OK; e = e->next) {
		if (!ifx_is(e->value, IFX_SCALAR))
			wrong(r, "a namespace is no text");
		names[step.n_namespaces] = ifx_arena_copy(r->arena, ifx_text(e->value));
		if (!names[step.n_namespaces++].ptr)
			r->st = IFX_ENOMEM;
	}
	step.namespaces = names;
	if (r->st == IFX_OK)
		read_files(r, &step, ifx_get(map, IFX_LIT("files")));
	if (r->st == IFX_OK && !ifx_ledger_add(out, step))
		r->st = IFX_ENOMEM;
}

static void read_steps(struct reading *r, struct ifx_ledger *out, const struct ifx_node *root)
{
	const struct ifx_node *steps = ifx_get(root, IFX_LIT("steps"));

	if (!ifx_is(root, IFX_MAP) || !ifx_is(steps, IFX_SEQ))
		wrong(r, "it has no steps");
	else if (!ifx_str_eq(ifx_get_text(root, IFX_LIT("version")), IFX_LIT("1")))
		wrong(r, "its version is another one than 1");
	else
		for (const struct ifx_entry *e = steps->first; e && r->st == IFX_OK; e = e->next)
			read_step(r, out, e->value);
}

ifx_status ifx_ledger_read(struct ifx_ledger *out, ifx_str bytes, struct ifx_arena *arena,
			   struct ifx_buf *why)
{
	struct reading r = { arena, why, IFX_OK };
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc = NULL;

	*out = (struct ifx_ledger){ 0 };
	ifx_buf_init(&problem.text, 4096);
	r.st = ifx_precheck(bytes, &problem);
	/* JSON is YAML; its limits are known, and hold. */
	if (r.st == IFX_OK)
		r.st = ifx_doc_load(&doc, bytes, &problem);
	if (r.st == IFX_OK && (!doc->root || !doc->json))
		wrong(&r, "it is no JSON");
	else if (r.st == IFX_OK)
		read_steps(&r, out, doc->root);
	else if (r.st != IFX_ENOMEM)
		ifx_buf_add(why, ifx_buf_str(&problem.text));
	ifx_doc_free(doc);
	ifx_buf_release(&problem.text);
	if (r.st != IFX_OK)
		ifx_ledger_release(out);
	return r.st == IFX_ELIMIT ? IFX_EINVAL : r.st;
}

void ifx_ledger_release(struct ifx_ledger *ledger)
{
	ifx_free(ledger->steps);
	*ledger = (struct ifx_ledger){ 0 };
}

bool ifx_ledger_add(struct ifx_ledger *ledger, struct ifx_ledger_step step)
{
	struct ifx_ledger_step *list =
		ifx_grow(ledger->steps, &ledger->cap, ledger->n + 1, sizeof(*list));

	if (!list)
		return false;
	ledger->steps = list;
	list[ledger->n++] = step;
	return true;
}

void ifx_ledger_remove(struct ifx_ledger *ledger, size_t index)
{
	ledger->n--;
	memmove(&ledger->steps[index], &ledger->steps[index + 1],
		(ledger->n - index) * sizeof(*ledger->steps));
}

/* ---- writing ---- */

static void add_hash(struct ifx_buf *out, const char *key, ifx_str hash)
{
	if (hash.ptr)
		ifx_buf_addf(out, "\"%s\": \"%.*s\"", key, IFX_ARG(hash));
	else
		ifx_buf_addf(out, "\"%s\": null", key);
}

static void write_file(struct ifx_buf *out, const struct ifx_ledger_file *file)
{
	ifx_buf_add(out, IFX_LIT("        "));
	ifx_buf_add_json(out, file->path);
	ifx_buf_add(out, IFX_LIT(": {\n          "));
	add_hash(out, "after", file->after);
	ifx_buf_add(out, IFX_LIT(",\n          "));
	add_hash(out, "before", file->before);
	if (file->n_edits) {
		ifx_buf_add(out, IFX_LIT(",\n          \"edits\": ["));
		for (size_t i = 0; i < file->n_edits; i++) {
			const struct ifx_ledger_edit *e = &file->edits[i];

			ifx_buf_addf(out,
				     "%s\n            {\"at\": %zu, \"length\": %zu, \"text\": ",
				     i ? "," : "", e->at, e->length);
			ifx_buf_add_json(out, e->text);
			ifx_buf_addc(out, '}');
		}
		ifx_buf_add(out, IFX_LIT("\n          ]"));
	}
	if (file->text.ptr) {
		ifx_buf_add(out, IFX_LIT(",\n          \"text\": "));
		ifx_buf_add_json(out, file->text);
	}
	ifx_buf_add(out, IFX_LIT("\n        }"));
}

static void write_step(struct ifx_buf *out, const struct ifx_ledger_step *step)
{
	ifx_buf_add(out, IFX_LIT("    {\n      \"files\": {"));
	for (size_t i = 0; i < step->n_files; i++) {
		ifx_buf_add(out, i ? IFX_LIT(",\n") : IFX_LIT("\n"));
		write_file(out, &step->files[i]);
	}
	ifx_buf_add(out, IFX_LIT("\n      },\n      \"namespaces\": ["));
	for (size_t i = 0; i < step->n_namespaces; i++) {
		ifx_buf_add(out, i ? IFX_LIT(", ") : IFX_LIT(""));
		ifx_buf_add_json(out, step->namespaces[i]);
	}
	ifx_buf_add(out, IFX_LIT("],\n      \"phase\": "));
	ifx_buf_add_json(out, step->phase);
	ifx_buf_add(out, IFX_LIT("\n    }"));
}

void ifx_ledger_write(struct ifx_buf *out, const struct ifx_ledger *ledger)
{
	ifx_buf_add(out, IFX_LIT("{\n  \"steps\": ["));
	for (size_t i = 0; i < ledger->n; i++) {
		ifx_buf_add(out, i ? IFX_LIT(",\n") : IFX_LIT("\n"));
		write_step(out, &ledger->steps[i]);
	}
	ifx_buf_add(out, ledger->n ? IFX_LIT("\n  ],\n") : IFX_LIT("],\n"));
	ifx_buf_add(out, IFX_LIT("  \"version\": 1\n}\n"));
}

/* ---- going back ---- */

static ifx_str name_of(ifx_str path)
{
	size_t at = path.len;

	while (at && path.ptr[at - 1] != '/')
		at--;
	return ifx_str_sub(path, at, path.len - at);
}

bool ifx_ledger_same(const struct ifx_ledger_step *a, const struct ifx_ledger_step *b)
{
	bool same = ifx_str_eq(a->phase, b->phase) && a->n_files == b->n_files &&
		    a->n_namespaces == b->n_namespaces;

	for (size_t i = 0; same && i < a->n_namespaces; i++)
		same = ifx_str_eq(a->namespaces[i], b->namespaces[i]);
	/* Told from elsewhere paths may be sorted in another order. */
	for (size_t i = 0; same && i < a->n_files; i++) {
		same = false;
		for (size_t k = 0; !same && k < b->n_files; k++)
			same = ifx_str_eq(a->files[i].before, b->files[k].before) &&
			       ifx_str_eq(a->files[i].after, b->files[k].after) &&
			       ifx_str_eq(name_of(a->files[i].path), name_of(b->files[k].path));
	}
	return same;
}

static bool has_hash(ifx_str bytes, ifx_str hash)
{
	char text[IFX_SHA256_TEXT];

	ifx_sha256(text, bytes);
	return ifx_str_eq(ifx_str_of(text), hash);
}

ifx_status ifx_ledger_restore(const struct ifx_ledger_file *file, ifx_str now,
			      struct ifx_buf *before)
{
	size_t pos = 0;

	if (!has_hash(now, file->after))
		return IFX_EREFUSED;
	for (size_t i = 0; i < file->n_edits; i++) {
		const struct ifx_ledger_edit *e = &file->edits[i];

		if (e->at < pos || e->at > now.len || e->length > now.len - e->at)
			return IFX_EREFUSED;
		ifx_buf_add(before, ifx_str_sub(now, pos, e->at - pos));
		ifx_buf_add(before, e->text);
		pos = e->at + e->length;
	}
	ifx_buf_add(before, ifx_str_sub(now, pos, now.len - pos));
	if (before->bad)
		return IFX_ENOMEM;
	return has_hash(ifx_buf_str(before), file->before) ? IFX_OK : IFX_EREFUSED;
}
