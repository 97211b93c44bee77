/*
 * The proof. Two documents say the same when their linear forms are equal:
 *
 *   {  }  [  ]           collections, in order
 *   S<len>:text          a string, however it is quoted
 *   P<len>:text          a plain scalar that some reader does not take for a string
 *   &name  !tag  *name   as in the source
 *   o<len>:#text         a comment on a line of its own
 *   t<len>:#text         a comment behind something
 *
 * Comments stand where they stand in the text, between the tokens before and behind. The ends of
 * collections are held back until the next token: a comment behind the last entry of a map is
 * neither in nor out of it.
 *
 * The expectation is made from the old tree and the plan, never from the edits.
 */
#include "edit/plan.h"

#include "yaml/load.h"

struct form {
	const struct ifx_plan *plan; /* NULL: the document as it is */
	bool data_only;              /* without comments */
	const struct ifx_doc *doc;
	size_t comment;               /* the next one to come */
	char ends[2 * IFX_DEPTH_MAX]; /* `}` and `]` that are held back */
	size_t n_ends;
	struct ifx_buf out;
};

static void flush_ends(struct form *f)
{
	ifx_buf_add(&f->out, (ifx_str){ f->ends, f->n_ends });
	f->n_ends = 0;
}

static void add_start(struct form *f, char c)
{
	flush_ends(f);
	ifx_buf_addc(&f->out, c);
}

static void add_end(struct form *f, char c)
{
	if (f->n_ends == sizeof(f->ends))
		f->out.bad = true;
	else
		f->ends[f->n_ends++] = c;
}

static void add_token(struct form *f, char kind, ifx_str text)
{
	if (kind != 'o' && kind != 't')
		flush_ends(f);
	ifx_buf_addc(&f->out, kind);
	ifx_buf_add_number(&f->out, text.len);
	ifx_buf_addc(&f->out, ':');
	ifx_buf_add(&f->out, text);
	ifx_buf_addc(&f->out, '\n');
}

static void add_comment(struct form *f, size_t i, bool own_line)
{
	if (f->data_only)
		return;
	add_token(f, own_line ? 'o' : 't', ifx_comment_text(f->doc, i));
}

/* Comments of the source up to `at`, but for those that went away. */
static void comments_to(struct form *f, size_t at)
{
	for (; f->comment < f->doc->n_comments && f->doc->comments[f->comment].span.at < at;
	     f->comment++) {
		enum ifx_fate fate =
			f->plan ? ifx_plan_fate(f->plan, f->comment) : IFX_COMMENT_STAYS;

		if (fate != IFX_COMMENT_GOES)
			add_comment(f, f->comment,
				    f->doc->comments[f->comment].own_line ||
					    fate == IFX_COMMENT_ALONE);
	}
}

static void add_node(struct form *f, const struct ifx_node *node);

/* What the plan knows about it; nothing when there is no plan. */
static const struct ifx_mark *mark_of(const struct form *f, const void *what)
{
	static const struct ifx_mark nothing;

	return f->plan ? ifx_plan_mark(f->plan, what) : &nothing;
}

static void add_scalar(struct form *f, const struct ifx_node *node)
{
	const struct ifx_change *c = mark_of(f, node)->change;
	ifx_str text = c && !c->wrap ? c->text : ifx_text(node);
	bool string = ifx_is_string(node);

	if (!text.ptr)
		f->out.bad = true;
	if (c && c->wrap) {
		add_start(f, '{');
		/* The comment behind the value stays on the line of its key. */
		if (c->wrap->in->style == IFX_BLOCK && c->wrap->key)
			comments_to(f, ifx_line_end(f->doc->src, c->wrap->end));
		add_token(f, 'S', c->text);
	} else if (c) {
		/* A new key may have any text; a new value is a string unless it is meant not to
		 * be. */
		string = !c->plain;
	}
	add_token(f, string ? 'S' : 'P', text);
	if (c && c->wrap)
		add_end(f, '}');
}

/* An entry at another place, with all that is its own. */
static void add_elsewhere(struct form *f, const struct ifx_entry *entry, bool with_comments)
{
	struct form part = *f;
	size_t first, n = ifx_entry_head(entry, &first), trail = ifx_entry_trail(entry);

	part.plan = NULL;
	if (with_comments) {
		for (size_t i = first; i < first + n; i++)
			add_comment(&part, i, true);
		part.comment = ifx_comment_from(f->doc, entry->start);
	} else {
		part.comment = f->doc->n_comments;
	}
	add_node(&part, entry->key);
	add_node(&part, entry->value);
	if (with_comments) {
		for (; part.comment < f->doc->n_comments &&
		       f->doc->comments[part.comment].span.at < entry->end;
		     part.comment++)
			add_comment(&part, part.comment, f->doc->comments[part.comment].own_line);
		if (trail != IFX_NO_COMMENT)
			add_comment(&part, trail, false);
	}
	part.plan = f->plan;
	part.comment = f->comment;
	*f = part;
}

/* Every comment that is an entry's own, as lines. */
static void add_as_lines(struct form *f, const struct ifx_entry *entry)
{
	size_t first, n = ifx_entry_head(entry, &first), trail = ifx_entry_trail(entry);

	for (size_t i = first; i < first + n; i++)
		add_comment(f, i, true);
	for (size_t i = ifx_comment_from(f->doc, entry->start);
	     i < f->doc->n_comments && f->doc->comments[i].span.at < entry->end; i++)
		add_comment(f, i, true);
	if (trail != IFX_NO_COMMENT)
		add_comment(f, trail, true);
}

/* A value that was given as YAML text: what the text says. */
static void add_yaml(struct form *f, ifx_str text)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc;
	struct form part = *f;

	ifx_buf_init(&problem.text, 4096);
	if (ifx_doc_load(&doc, text, &problem) != IFX_OK || !doc->root) {
		add_token(f, '?', text);
	} else {
		part.plan = NULL;
		part.doc = doc;
		part.comment = 0;
		add_node(&part, doc->root);
		part.plan = f->plan;
		part.doc = f->doc;
		part.comment = f->comment;
		*f = part;
		ifx_doc_free(doc);
	}
	ifx_buf_release(&problem.text);
}

static void add_comings(struct form *f, const struct ifx_arrival *a, const struct ifx_comings *list)
{
	for (const struct ifx_coming *c = list->first; c; c = c->next) {
		if (c->entry) {
			if (a->lines)
				add_as_lines(f, c->entry);
			add_elsewhere(f, c->entry, !a->flow);
			continue;
		}
		if (c->key.ptr)
			add_token(f, c->plain_key ? 'P' : 'S', c->key);
		if (!c->made.first && c->yaml) {
			add_yaml(f, c->value);
			continue;
		}
		if (!c->made.first) {
			add_token(f, 'S', c->value);
			continue;
		}
		add_start(f, '{');
		add_comings(f, a, &c->made);
		add_end(f, '}');
	}
}

static void comings_as_lines(struct form *f, const struct ifx_comings *list)
{
	for (const struct ifx_coming *c = list->first; c; c = c->next) {
		if (c->entry)
			add_as_lines(f, c->entry);
		comings_as_lines(f, &c->made);
	}
}

/* Comments that arrive above this entry: those of its duplicates, and of what comes between braces
 * in it. */
static void comments_above(struct form *f, const struct ifx_mark *mark)
{
	for (const struct ifx_legacy *l = mark->legacies_above; l; l = l->next_above)
		add_as_lines(f, l->from);
	for (const struct ifx_arrival *a = mark->arrivals_above; a; a = a->next_above)
		comings_as_lines(f, &a->back);
}

/* An entry that another one takes the place of; comments in it come before it. */
static void add_replaced(struct form *f, const struct ifx_change *c)
{
	for (; f->comment < f->doc->n_comments &&
	       f->doc->comments[f->comment].span.at < c->replace->end;
	     f->comment++)
		add_comment(f, f->comment, true);
	add_token(f, 'S', c->key);
	if (c->yaml)
		add_yaml(f, c->text);
	else
		add_token(f, 'S', c->text);
}

static void add_entries(struct form *f, const struct ifx_node *node)
{
	const struct ifx_arrival *a = mark_of(f, node)->arrival;
	ifx_str src = f->doc->src;
	size_t first;

	if (a && a->front.first) {
		if (ifx_entry_head(node->first, &first))
			first = f->doc->comments[first].span.at;
		else
			first = node->first->start;
		comments_to(f, first);
		add_comings(f, a, &a->front);
	}
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		const struct ifx_mark *mark = mark_of(f, e);
		const struct ifx_change *change;

		if (mark->gone)
			continue;
		comments_to(f, e->start);
		comments_above(f, mark);
		change = mark_of(f, e->value)->change;
		if (change && change->replace) {
			add_replaced(f, change);
			continue;
		}
		if (e->key)
			add_node(f, e->key);
		add_node(f, e->value);
	}
	if (!a || !a->back.first)
		return;
	if (node->last)
		comments_to(f, !a->flow || a->lines ? ifx_line_end(src, node->last->end)
						    : node->last->end);
	else if (!a->flow)
		comments_to(f, ifx_line_end(src, node->entry->end));
	add_comings(f, a, &a->back);
}

static void add_node(struct form *f, const struct ifx_node *node)
{
	ifx_str src = f->doc->src;
	/*
	 * A null has no place of its own: a comment behind its colon is behind it as well. Neither
	 * has the start of a block collection: comments before its first entry are inside.
	 */
	const struct ifx_arrival *a = mark_of(f, node)->arrival;
	const struct ifx_change *c = mark_of(f, node)->change;
	bool block = node->style == IFX_BLOCK || (a && !a->flow) ||
		     (c && c->wrap && c->wrap->in->style == IFX_BLOCK);
	size_t at = node->span.len && !block ? node->span.at : 0;

	if (node->anchor.len && (!at || node->anchor.at < at))
		at = node->anchor.at;
	if (node->tag.len && (!at || node->tag.at < at))
		at = node->tag.at;
	comments_to(f, at);
	if (node->anchor.len)
		add_token(f, '&', ifx_str_sub(src, node->anchor.at, node->anchor.len));
	if (node->tag.len)
		add_token(f, '!', ifx_str_sub(src, node->tag.at, node->tag.len));
	if (node->kind == IFX_ALIAS) {
		add_token(f, '*', node->text);
	} else if (node->kind == IFX_SCALAR && a) {
		add_start(f, '{');
		add_entries(f, node);
		add_end(f, '}');
	} else if (node->kind == IFX_SCALAR) {
		add_scalar(f, node);
	} else {
		if (mark_of(f, node)->is_null) {
			add_token(f, 'P', IFX_LIT(""));
			return;
		}
		if (c && c->enlist) {
			add_start(f, '[');
			if (node->style == IFX_BLOCK)
				comments_to(f, node->first->start);
		}
		add_start(f, node->kind == IFX_MAP ? '{' : '[');
		add_entries(f, node);
		if (node->style == IFX_FLOW && !node->bare)
			comments_to(f, node->span.at + node->span.len);
		add_end(f, node->kind == IFX_MAP ? '}' : ']');
		if (c && c->enlist)
			add_end(f, ']');
	}
}

static void linear(struct form *f, const struct ifx_doc *doc)
{
	f->doc = doc;
	ifx_buf_init(&f->out, IFX_BUF_MAX);
	if (doc->root)
		add_node(f, doc->root);
	comments_to(f, doc->src.len + 1);
	flush_ends(f);
}

/* The first token that differs, for the report. */
static void explain(struct ifx_buf *why, ifx_str expected, ifx_str got)
{
	size_t at = 0, from;
	ifx_str a, b;

	while (at < expected.len && at < got.len && expected.ptr[at] == got.ptr[at])
		at++;
	from = ifx_line_start(expected, at < expected.len ? at : expected.len);
	a = ifx_str_sub(expected, from, ifx_line_end(expected, from) - from);
	from = from < got.len ? from : got.len;
	b = ifx_str_sub(got, from, ifx_line_end(got, from) - from);
	ifx_buf_addf(why, "expected '%.*s', found '%.*s'", (int)(a.len < 80 ? a.len : 80), a.ptr,
		     (int)(b.len < 80 ? b.len : 80), b.ptr);
}

/* Are the two forms the same? Both are released. */
static ifx_status compare(struct form *expected, struct form *got, struct ifx_buf *why)
{
	ifx_status st = IFX_OK;

	if (expected->out.bad || got->out.bad) {
		st = IFX_ENOMEM;
	} else if (!ifx_str_eq(ifx_buf_str(&expected->out), ifx_buf_str(&got->out))) {
		ifx_buf_clear(why);
		explain(why, ifx_buf_str(&expected->out), ifx_buf_str(&got->out));
		st = IFX_EINVAL;
	}
	ifx_buf_release(&expected->out);
	ifx_buf_release(&got->out);
	return st;
}

ifx_status ifx_prove(const struct ifx_plan *plan, const struct ifx_doc *after, struct ifx_buf *why)
{
	struct form expected = { .plan = plan }, got = { 0 };

	linear(&expected, plan->doc);
	linear(&got, after);
	return compare(&expected, &got, why);
}

ifx_status ifx_prove_same_data(const struct ifx_doc *before, const struct ifx_doc *after,
			       struct ifx_buf *why)
{
	struct form expected = { .data_only = true }, got = { .data_only = true };

	linear(&expected, before);
	linear(&got, after);
	return compare(&expected, &got, why);
}
