/*
 * One rule over one resource, through transform.h.
 */
#include "rule/rule.h"

#include "base/regex.h"
#include "rule/field.h"

struct run {
	struct ifx_cx *cx;
	const struct ifx_rule *rule;
};

/* ---- conditions ---- */

static const struct ifx_entry *find(const struct ifx_node *map, const struct ifx_rule_field *field)
{
	const struct ifx_entry *e = NULL;

	for (size_t i = 0; i < field->n && !e; i++)
		e = ifx_map_find(map, field->names[i], NULL);
	return e;
}

static bool applies(const struct ifx_rule_case *c, const struct ifx_node *map)
{
	for (size_t i = 0; i < c->n_has; i++)
		if (!find(map, &c->has[i]))
			return false;
	for (size_t i = 0; i < c->n_lacks; i++)
		if (find(map, &c->lacks[i]))
			return false;
	for (size_t i = 0; i < c->n_matches; i++) {
		const struct ifx_entry *e = find(map, &c->matches[i]);
		const struct ifx_node *value = e ? ifx_deref(e->value) : NULL;

		if (!ifx_is(value, IFX_SCALAR) ||
		    !ifx_regex_match(c->matches[i].pattern, ifx_text(value), NULL))
			return false;
	}
	return true;
}

/* ---- operations ---- */

/* A field by its old name, or by the one that an earlier operation of the case gave it. */
static const struct ifx_entry *subject(const struct ifx_node *map, const struct ifx_rule_case *c,
				       const struct ifx_rule_op *op)
{
	for (const struct ifx_rule_op *before = c->ops; before != op; before = before->next)
		if (before->verb == IFX_OP_RENAME && find(map, &before->field))
			for (size_t i = 0; i < op->field.n; i++)
				if (ifx_str_eq(op->field.names[i], before->text))
					return find(map, &before->field);
	return find(map, &op->field);
}

/* Is everything already as the operation wants it? */
static bool is_done(const struct ifx_rule_op *op, const struct ifx_entry *e)
{
	const struct ifx_node *value = e ? ifx_deref(e->value) : NULL;

	if (op->verb == IFX_OP_INSERT)
		return false; /* the case says `lacks` */
	if (!e)
		return true;
	if (op->verb == IFX_OP_SET)
		return ifx_is(value, IFX_SCALAR) && ifx_str_eq(ifx_text(value), op->text) &&
		       ifx_is_string(value) == !op->plain;
	if (op->verb == IFX_OP_ENLIST)
		return ifx_is(value, IFX_SEQ);
	if (op->verb == IFX_OP_WRAP)
		return ifx_map_entry(value, op->text) != NULL;
	return false;
}

static bool is_all_done(const struct ifx_rule_case *c, const struct ifx_node *map)
{
	for (const struct ifx_rule_op *op = c->ops; op; op = op->next)
		if (!is_done(op, subject(map, c, op)))
			return false;
	return c->ops != NULL;
}

static void move(struct ifx_fix *fix, const struct ifx_rule_op *op, const struct ifx_node *map,
		 const struct ifx_entry *e)
{
	const struct ifx_node *at = map;
	ifx_str rest = op->text, keys[IFX_PLACE_DEPTH], key;
	size_t missing = 0;
	struct ifx_place place;

	while (ifx_str_split(&rest, '.', &key)) {
		const struct ifx_entry *down = missing ? NULL : ifx_map_find(at, key, NULL);

		if (down) {
			at = down->value;
			continue;
		}
		if (missing == IFX_PLACE_DEPTH) {
			ifx_refuse(fix, "'%.*s' is not there", IFX_ARG(op->text));
			return;
		}
		keys[missing++] = key;
	}
	place = ifx_place_of(at, keys, missing);
	ifx_fix_move(fix, e, &place, 1);
}

static void add_op(struct ifx_fix *fix, const struct ifx_rule_op *op, const struct ifx_node *map,
		   const struct ifx_entry *e)
{
	struct ifx_place here = { .base = map };

	switch (op->verb) {
	case IFX_OP_SET:
		if (!ifx_is(e->value, IFX_SCALAR))
			ifx_refuse(fix, "what stands there is not a simple value");
		else if (op->plain)
			ifx_fix_set_plain(fix, e->value, op->text);
		else
			ifx_fix_set(fix, e->value, op->text);
		break;
	case IFX_OP_RENAME:
		ifx_fix_rename(fix, e, op->text);
		break;
	case IFX_OP_INSERT:
		ifx_fix_insert(fix, here, op->field.names[0], op->text);
		break;
	case IFX_OP_REMOVE:
		ifx_fix_remove(fix, e);
		break;
	case IFX_OP_MOVE:
		move(fix, op, map, e);
		break;
	case IFX_OP_WRAP:
		ifx_fix_wrap(fix, e, op->text);
		break;
	case IFX_OP_ENLIST:
		ifx_fix_enlist(fix, e);
		break;
	case IFX_OP_APPEND:
	case IFX_OP_REPLACE:
		break; /* no word in the language of rules */
	}
}

/* ---- findings ---- */

static const struct ifx_entry *about(const struct ifx_rule_case *c, const struct ifx_node *map)
{
	if (c->n_has)
		return find(map, &c->has[0]);
	return c->n_matches ? find(map, &c->matches[0]) : NULL;
}

static ifx_str shown(struct ifx_cx *cx, const struct ifx_node *value)
{
	value = ifx_deref(value);
	if (!value)
		return IFX_LIT("");
	return ifx_excerpt(cx, value->kind == IFX_SCALAR ? ifx_text(value) : ifx_raw(value));
}

/* The message with its holes filled. */
static ifx_str fill(struct ifx_cx *cx, ifx_str text, const struct ifx_entry *e)
{
	struct ifx_buf out;
	ifx_str copy;

	if (!e || ifx_str_chr(text, '{') == SIZE_MAX)
		return text;
	ifx_buf_init(&out, 1 << 16);
	while (text.len) {
		if (ifx_str_starts(text, IFX_LIT("{key}"))) {
			ifx_buf_add(&out, shown(cx, e->key));
			text = ifx_str_sub(text, 5, text.len - 5);
		} else if (ifx_str_starts(text, IFX_LIT("{value}"))) {
			ifx_buf_add(&out, shown(cx, e->value));
			text = ifx_str_sub(text, 7, text.len - 7);
		} else {
			ifx_buf_addc(&out, text.ptr[0]);
			text = ifx_str_sub(text, 1, text.len - 1);
		}
	}
	copy = out.bad ? IFX_NONE : ifx_arena_copy(ifx_cx_arena(cx), ifx_buf_str(&out));
	if (!copy.ptr)
		ifx_cx_failed(cx);
	ifx_buf_release(&out);
	return copy;
}

static void visit(void *data, const struct ifx_entry *entry, const struct ifx_node *map)
{
	struct run *run = data;
	const struct ifx_rule_case *c = run->rule->cases;
	const struct ifx_entry *e;
	struct ifx_fix *fix;

	(void)entry;
	if (!ifx_is(map, IFX_MAP))
		return;
	while (c && !applies(c, map))
		c = c->next;
	if (!c || is_all_done(c, map))
		return;
	e = about(c, map);
	fix = ifx_find(run->cx, e ? e->key : map, c->level, c->severity, "%.*s",
		       IFX_ARG(fill(run->cx, c->message, e)));
	if (c->help.ptr)
		ifx_help(fix, "%.*s", IFX_ARG(fill(run->cx, c->help, e)));
	for (const struct ifx_rule_op *op = c->ops; op; op = op->next) {
		e = subject(map, c, op);
		if (!is_done(op, e))
			add_op(fix, op, map, e);
	}
}

void ifx_rule_run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct run run = { cx, ifx_cx_transform(cx)->rule };
	const struct ifx_rule *rule = run.rule;

	if (rule->message == IFX_MSG_RESOURCE &&
	    (!ifx_str_eq(r->group, rule->group) || !ifx_str_eq(r->kind, rule->kind)))
		return;
	for (const struct ifx_view *v = ifx_views(cx, r, rule->message); v; v = v->next)
		ifx_field_walk(v->node, rule->each,
			       rule->message == IFX_MSG_PROXYCONFIG ||
				       rule->message == IFX_MSG_MESHCONFIG,
			       visit, &run);
}
