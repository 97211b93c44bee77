#include "rule/table.h"

#include "base/alloc.h"
#include "rule/embedded.h"
#include "rule/rule.h"

#include <stdlib.h>

/** Memory for the texts of a table. Bytes. */
#define TABLE_MEMORY_MAX ((size_t)64 << 20)

#define YAML(id)
#define CODE(name) extern const struct ifx_transform ifx_##name;
#include "transforms/catalogue.def"
#undef YAML
#undef CODE

/* The catalogue as it is: either a name or a transform. */
static const struct {
	const char *yaml;
	const struct ifx_transform *code;
} catalogue[] = {
#define YAML(id)   { id ".yaml", NULL },
#define CODE(name) { NULL, &ifx_##name },
#include "transforms/catalogue.def"
#undef YAML
#undef CODE
};

static int by_name(const void *key, const void *file)
{
	return strcmp(key, ((const struct ifx_embedded *)file)->name);
}

static ifx_status add_item(struct ifx_rules *rules, const struct ifx_transform *t, ifx_str file)
{
	const struct ifx_transform **items;
	ifx_str *files;

	items = ifx_grow(rules->items, &rules->cap, rules->n + 1, sizeof(*items));
	if (!items)
		return IFX_ENOMEM;
	rules->items = items;
	files = ifx_grow(rules->files, &rules->cap_files, rules->n + 1, sizeof(*files));
	if (!files)
		return IFX_ENOMEM;
	rules->files = files;
	files[rules->n] = file;
	items[rules->n++] = t;
	return IFX_OK;
}

/* Room first, so that a rule that was read is never lost. */
static ifx_status read_rule(struct ifx_rules *rules, ifx_str file, ifx_str bytes,
			    struct ifx_buf *err)
{
	struct ifx_rule **owned;
	ifx_status st;

	owned = ifx_grow(rules->owned, &rules->cap_owned, rules->n_owned + 1, sizeof(*owned));
	if (!owned)
		return IFX_ENOMEM;
	rules->owned = owned;
	st = ifx_rule_read(&owned[rules->n_owned], file, bytes, err);
	if (st == IFX_OK)
		rules->n_owned++;
	return st;
}

static ifx_status load_builtin(struct ifx_rules *rules, const char *name, struct ifx_buf *err)
{
	const struct ifx_embedded *file =
		bsearch(name, ifx_embedded_files, ifx_embedded_count, sizeof(*file), by_name);
	ifx_status st;

	if (!file) {
		ifx_buf_addf(err, "the built-in rule '%s' is not in the program", name);
		return IFX_EINVAL;
	}
	st = read_rule(rules, ifx_str_of(name), (ifx_str){ (const char *)file->data, file->len },
		       err);
	if (st == IFX_OK)
		st = add_item(rules, ifx_rule_transform(rules->owned[rules->n_owned - 1]),
			      IFX_NONE);
	return st;
}

ifx_status ifx_rules_load(struct ifx_rules *rules, struct ifx_buf *err)
{
	ifx_status st = IFX_OK;

	*rules = (struct ifx_rules){ 0 };
	ifx_arena_init(&rules->arena, TABLE_MEMORY_MAX);
	for (size_t i = 0; i < sizeof(catalogue) / sizeof(*catalogue) && st == IFX_OK; i++)
		st = catalogue[i].yaml ? load_builtin(rules, catalogue[i].yaml, err)
				       : add_item(rules, catalogue[i].code, IFX_NONE);
	rules->n_builtin = rules->n;
	if (st != IFX_OK)
		ifx_rules_release(rules);
	return st;
}

static ifx_status add_note(struct ifx_rules *rules, ifx_str file, const char *id)
{
	ifx_str *notes =
		ifx_grow(rules->notes, &rules->cap_notes, rules->n_notes + 1, sizeof(*notes));

	if (!notes)
		return IFX_ENOMEM;
	rules->notes = notes;
	notes[rules->n_notes] = ifx_arena_printf(
		&rules->arena, "%.*s: replaces the built-in rule '%s'", IFX_ARG(file), id);
	return notes[rules->n_notes].ptr ? (rules->n_notes++, IFX_OK) : IFX_ENOMEM;
}

ifx_status ifx_rules_add(struct ifx_rules *rules, ifx_str file, ifx_str bytes, struct ifx_buf *err)
{
	const struct ifx_transform *t;
	ifx_str name = ifx_arena_copy(&rules->arena, file);
	ifx_status st;
	size_t i = 0;

	if (!name.ptr)
		return IFX_ENOMEM;
	st = read_rule(rules, file, bytes, err);
	if (st != IFX_OK)
		return st;
	t = ifx_rule_transform(rules->owned[rules->n_owned - 1]);
	while (i < rules->n && strcmp(rules->items[i]->id, t->id))
		i++;
	if (i == rules->n)
		return add_item(rules, t, name);
	if (rules->files[i].ptr) {
		ifx_buf_addf(err, "%.*s:1:1: error: the rule '%s' is in '%.*s' already; remove one",
			     IFX_ARG(file), t->id, IFX_ARG(rules->files[i]));
		return IFX_EINVAL;
	}
	st = add_note(rules, file, t->id);
	if (st == IFX_OK) {
		rules->items[i] = t;
		rules->files[i] = name;
	}
	return st;
}

void ifx_rules_release(struct ifx_rules *rules)
{
	for (size_t i = 0; i < rules->n_owned; i++)
		ifx_rule_free(rules->owned[i]);
	ifx_free(rules->owned);
	ifx_free(rules->items);
	ifx_free(rules->files);
	ifx_free(rules->notes);
	ifx_arena_release(&rules->arena);
	*rules = (struct ifx_rules){ 0 };
}
