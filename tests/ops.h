/*
 * Operations as text, for tests of the lossless core. One operation a line:
 *
 *   move PATH PLACE...      insert PLACE KEY VALUE     remove PATH [HEIR]
 *   set PATH VALUE          plain PATH VALUE           rename PATH KEY        wrap PATH KEY
 *   yaml PLACE KEY YAML     first PLACE KEY YAML     enlist PATH              append PATH YAML
 *   replace PATH KEY YAML   swap PATH KEY VALUE      drop PATH (remove, but comments stay)
 *
 * A path has steps between slashes: a key, `#n` for the nth entry, or `|` for the document in a
 * scalar. "." is the root. A place is a path whose last steps may be missing. `%20` in a word is a
 * blank, and so on.
 */
#ifndef IFX_TESTS_OPS_H
#define IFX_TESTS_OPS_H

#include "edit/plan.h"
#include "yaml/load.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPS_INNER_MAX = 8 };

struct ops {
	const struct ifx_doc *doc;
	struct ifx_arena arena;
	const struct ifx_op **list;
	size_t n;
	struct ifx_doc *inner[OPS_INNER_MAX];
	size_t n_inner;
	bool no_memory;
	char error[200]; /* why the text makes no operations */
};

static inline void ops_init(struct ops *ops, const struct ifx_doc *doc)
{
	memset(ops, 0, sizeof(*ops));
	ops->doc = doc;
	ifx_arena_init(&ops->arena, (size_t)1 << 30);
}

static inline void ops_release(struct ops *ops)
{
	for (size_t i = 0; i < ops->n_inner; i++)
		ifx_doc_free(ops->inner[i]);
	ifx_arena_release(&ops->arena);
}

static inline bool ops_wrong(struct ops *ops, const char *what, ifx_str word)
{
	if (!ops->error[0])
		snprintf(ops->error, sizeof(ops->error), "%s '%.*s'", what, IFX_ARG(word));
	return false;
}

static inline ifx_str ops_word(struct ops *ops, ifx_str *rest)
{
	ifx_str word = IFX_NONE;
	char *p;
	size_t n = 0;

	if (!ifx_str_split(rest, ' ', &word))
		return IFX_NONE;
	p = ifx_arena_alloc(&ops->arena, word.len + 1);
	if (!p) {
		ops->no_memory = true;
		return IFX_NONE;
	}
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (c == '%' && i + 2 < word.len) {
			char code[3] = { word.ptr[i + 1], word.ptr[i + 2], 0 };

			c = (char)strtoul(code, NULL, 16);
			i += 2;
		}
		p[n++] = c;
	}
	return (ifx_str){ p, n };
}

static inline const struct ifx_node *ops_open(struct ops *ops, const struct ifx_node *host)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc = NULL;
	ifx_status st;

	for (size_t i = 0; i < ops->n_inner; i++)
		if (ops->inner[i]->host == host)
			return ops->inner[i]->root;
	if (!ifx_is(host, IFX_SCALAR) || ops->n_inner == OPS_INNER_MAX)
		return NULL;
	ifx_buf_init(&problem.text, 1000);
	st = ifx_doc_embedded(&doc, host, &problem);
	if (st == IFX_ENOMEM)
		ops->no_memory = true;
	if (st != IFX_OK)
		ops_wrong(ops, "embedded:", ifx_buf_str(&problem.text));
	ifx_buf_release(&problem.text);
	if (st != IFX_OK)
		return NULL;
	ops->inner[ops->n_inner++] = doc;
	return doc->root;
}

static inline const struct ifx_entry *ops_step(const struct ifx_node *node, ifx_str step)
{
	if (step.len > 1 && step.ptr[0] == '#' && node->kind != IFX_SCALAR) {
		const struct ifx_entry *e = node->first;

		for (unsigned long n = strtoul(step.ptr + 1, NULL, 10); e && n; n--)
			e = e->next;
		return e;
	}
	return ifx_map_entry(node, step);
}

/* The path as far as it exists; `missing` gets the other steps. */
static inline const struct ifx_node *ops_walk(struct ops *ops, ifx_str path, ifx_str *missing,
					      size_t *n)
{
	const struct ifx_node *node = ops->doc->root;
	ifx_str step;

	*n = 0;
	if (ifx_str_eq(path, IFX_LIT(".")))
		return node;
	while (ifx_str_split(&path, '/', &step)) {
		const struct ifx_entry *e;
		ifx_str rest = step, key = ops_word(ops, &rest);

		if (!node || ops->no_memory)
			return NULL;
		if (ifx_str_eq(step, IFX_LIT("|"))) {
			node = ops_open(ops, node);
			continue;
		}
		e = *n ? NULL : ops_step(node, key);
		if (e)
			node = e->value;
		else if (*n < IFX_PLACE_DEPTH)
			missing[(*n)++] = key;
		else
			return NULL;
	}
	return node;
}

static inline const struct ifx_node *ops_node(struct ops *ops, ifx_str path)
{
	ifx_str missing[IFX_PLACE_DEPTH];
	size_t n;
	const struct ifx_node *node = ops_walk(ops, path, missing, &n);

	if (!node || n) {
		ops_wrong(ops, "no node", path);
		return NULL;
	}
	return node;
}

static inline bool ops_place(struct ops *ops, struct ifx_place *place, ifx_str path)
{
	*place = (struct ifx_place){ 0 };
	place->base = ops_walk(ops, path, place->path, &place->n);
	return place->base || ops_wrong(ops, "no place", path);
}

static inline bool ops_add(struct ops *ops, ifx_str line)
{
	struct ifx_op *op = ifx_arena_alloc(&ops->arena, sizeof(*op));
	struct ifx_place *to = ifx_arena_alloc(&ops->arena, 4 * sizeof(*to));
	const struct ifx_node *node = NULL;
	ifx_str verb, path;

	if (!op || !to) {
		ops->no_memory = true;
		return false;
	}
	ifx_str_split(&line, ' ', &verb);
	ifx_str_split(&line, ' ', &path);
	op->to = to;
	op->front = ifx_str_eq(verb, IFX_LIT("first"));
	op->yaml = op->front || ifx_str_eq(verb, IFX_LIT("yaml"));
	if (op->yaml || ifx_str_eq(verb, IFX_LIT("insert"))) {
		op->verb = IFX_OP_INSERT;
		op->n_to = 1;
		if (!ops_place(ops, &to[0], path))
			return false;
		op->doc = to[0].base->doc;
		op->key = ops_word(ops, &line);
		op->value = ops_word(ops, &line);
	} else {
		node = ops_node(ops, path);
		if (!node)
			return false;
		op->doc = node->doc;
		op->node = node;
		op->entry = node->entry;
	}
	if (ifx_str_eq(verb, IFX_LIT("set")) || ifx_str_eq(verb, IFX_LIT("plain"))) {
		op->verb = IFX_OP_SET;
		op->plain = verb.ptr[0] == 'p';
		op->value = ops_word(ops, &line);
	} else if (op->verb == IFX_OP_INSERT) {
		ops->list[ops->n++] = op;
		return !ops->no_memory;
	} else if (ifx_str_eq(verb, IFX_LIT("append"))) {
		op->verb = IFX_OP_APPEND;
		op->yaml = true;
		op->value = ops_word(ops, &line);
	} else if (!op->entry) {
		return ops_wrong(ops, "no entry", path);
	} else if (ifx_str_eq(verb, IFX_LIT("enlist"))) {
		op->verb = IFX_OP_ENLIST;
	} else if (ifx_str_eq(verb, IFX_LIT("rename"))) {
		op->verb = IFX_OP_RENAME;
		op->key = ops_word(ops, &line);
	} else if (ifx_str_eq(verb, IFX_LIT("replace"))) {
		op->verb = IFX_OP_REPLACE;
		op->yaml = true;
		op->key = ops_word(ops, &line);
		op->value = ops_word(ops, &line);
	} else if (ifx_str_eq(verb, IFX_LIT("swap"))) {
		op->verb = IFX_OP_REPLACE;
		op->key = ops_word(ops, &line);
		op->value = ops_word(ops, &line);
	} else if (ifx_str_eq(verb, IFX_LIT("drop"))) {
		op->verb = IFX_OP_REMOVE;
		op->keep = true;
	} else if (ifx_str_eq(verb, IFX_LIT("wrap"))) {
		op->verb = IFX_OP_WRAP;
		op->key = ops_word(ops, &line);
	} else if (ifx_str_eq(verb, IFX_LIT("remove"))) {
		op->verb = IFX_OP_REMOVE;
		if (line.ptr) {
			node = ops_node(ops, line);
			if (!node)
				return false;
			op->heir = node->entry;
		}
	} else if (ifx_str_eq(verb, IFX_LIT("move"))) {
		op->verb = IFX_OP_MOVE;
		while (op->n_to < 4 && ifx_str_split(&line, ' ', &path))
			if (!ops_place(ops, &to[op->n_to++], path))
				return false;
	} else {
		return ops_wrong(ops, "no verb", verb);
	}
	ops->list[ops->n++] = op;
	return !ops->no_memory;
}

/* All lines of `text`. False: see ops->error or ops->no_memory. */
static inline bool ops_parse(struct ops *ops, ifx_str text)
{
	size_t n = 1;
	ifx_str line;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	ops->list = ifx_arena_alloc(&ops->arena, n * sizeof(*ops->list));
	if (!ops->list) {
		ops->no_memory = true;
		return false;
	}
	while (ifx_str_split(&text, '\n', &line))
		if (line.len && !ops_add(ops, line))
			return false;
	return true;
}

/*
 * Load `text`, do the operations, prove the result. *out is the new text (in `out_arena`) or, with
 * any other status than IFX_OK, the reason.
 */
static inline ifx_status ops_run(ifx_str text, ifx_str lines, struct ifx_arena *out_arena,
				 ifx_str *out)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc = NULL, *after = NULL;
	struct ifx_edits edits = { 0 };
	struct ifx_buf why;
	struct ops ops;
	ifx_str result = IFX_NONE;
	ifx_status st;

	*out = IFX_NONE;
	ifx_buf_init(&problem.text, 1000);
	ifx_buf_init(&why, 100000);
	st = ifx_doc_load(&doc, text, &problem);
	if (st != IFX_OK) {
		*out = ifx_arena_printf(out_arena, "load: %.*s",
					IFX_ARG(ifx_buf_str(&problem.text)));
		ifx_buf_release(&problem.text);
		return st;
	}
	ops_init(&ops, doc);
	if (!ops_parse(&ops, lines)) {
		st = ops.no_memory ? IFX_ENOMEM : IFX_EIO;
		*out = ifx_arena_copy(out_arena, ifx_str_of(ops.error));
	} else {
		st = ifx_compile_and_prove(&result, &after, &edits, doc, ops.list, ops.n,
					   &ops.arena, &why);
		*out = ifx_arena_copy(out_arena, st == IFX_OK ? result : ifx_buf_str(&why));
	}
	ifx_edits_release(&edits);
	ifx_doc_free(after);
	ops_release(&ops);
	ifx_doc_free(doc);
	ifx_buf_release(&why);
	ifx_buf_release(&problem.text);
	return st;
}

#endif
