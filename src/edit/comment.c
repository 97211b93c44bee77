#include "edit/comment.h"

#include "edit/plan.h"
#include "yaml/load.h"
#include "yaml/style.h"

static ifx_status push(struct ifx_edits *edits, const struct ifx_doc *doc,
		       const struct ifx_new_comment *c, struct ifx_arena *arena)
{
	size_t line = ifx_line_start(doc->src, c->at), end = ifx_line_end(doc->src, c->at);
	ifx_span span = { end, 0 };
	ifx_str text, indent;
	size_t i;

	if (c->where == IFX_COMMENT_BEHIND) {
		text = ifx_arena_printf(arena, "  %.*s", IFX_ARG(c->text));
	} else if (c->where == IFX_COMMENT_ABOVE) {
		for (i = line; i < end && doc->src.ptr[i] == ' ';)
			i++;
		indent = ifx_str_sub(doc->src, line, i - line);
		text = ifx_arena_printf(arena, "%.*s%.*s%.*s", IFX_ARG(indent), IFX_ARG(c->text),
					IFX_ARG(ifx_style_newline(doc->src, line)));
		span.at = line;
	} else {
		i = ifx_comment_from(doc, c->at);
		text = c->text;
		span = doc->comments[i].span;
	}
	return text.ptr ? ifx_edits_push(edits, arena, span, text) : IFX_ENOMEM;
}

static bool say(struct ifx_buf *why, const char *what, ifx_str text)
{
	ifx_buf_clear(why);
	ifx_buf_addf(why, "%s '%.*s'", what, IFX_ARG(text));
	return false;
}

/* Are the comments of `after` the old ones and the new ones, in the order of their places? */
static bool comments_add_up(const struct ifx_doc *doc, const struct ifx_doc *after,
			    const struct ifx_new_comment *c, size_t n, struct ifx_buf *why)
{
	size_t old = 0, got = 0, next = 0;

	for (; old < doc->n_comments || next < n; got++) {
		size_t at = old < doc->n_comments ? doc->comments[old].span.at : SIZE_MAX;
		bool is_new = next < n && (c[next].where == IFX_COMMENT_BEHIND
						   ? ifx_line_end(doc->src, c[next].at) <= at
						   : c[next].at <= at);
		ifx_str text = is_new ? c[next].text : ifx_comment_text(doc, old);

		if (got == after->n_comments)
			return say(why, "lost the comment", text);
		if (!ifx_str_eq(text, ifx_comment_text(after, got)))
			return say(why, "found the comment", ifx_comment_text(after, got));
		if (!is_new || c[next].where == IFX_COMMENT_REPLACE)
			old++;
		next += is_new;
	}
	return got == after->n_comments ||
	       say(why, "found the comment", ifx_comment_text(after, got));
}

ifx_status ifx_add_comments(ifx_str *after_text, struct ifx_doc **after, struct ifx_edits *edits,
			    const struct ifx_doc *doc, const struct ifx_new_comment *comments,
			    size_t n, struct ifx_arena *arena, struct ifx_buf *why)
{
	struct ifx_problem problem = { 0 };
	struct ifx_buf text;
	ifx_status st = IFX_OK;

	*after = NULL;
	ifx_edits_init(edits);
	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_buf_init(&problem.text, 4096);
	for (size_t i = 0; i < n && st == IFX_OK; i++)
		st = push(edits, doc, &comments[i], arena);
	if (st == IFX_OK) {
		ifx_edits_splice(edits, doc->src, &text);
		*after_text = ifx_arena_copy(arena, ifx_buf_str(&text));
		st = text.bad || !after_text->ptr ? IFX_ENOMEM : IFX_OK;
	}
	if (st == IFX_OK)
		st = ifx_doc_load(after, *after_text, &problem);
	if (st == IFX_EINVAL || st == IFX_ELIMIT)
		ifx_buf_add(why, ifx_buf_str(&problem.text));
	if (st == IFX_OK)
		st = ifx_prove_same_data(doc, *after, why);
	if (st == IFX_OK && !comments_add_up(doc, *after, comments, n, why))
		st = IFX_EINVAL;
	if (st != IFX_OK) {
		ifx_doc_free(*after);
		*after = NULL;
		ifx_edits_release(edits);
	}
	ifx_buf_release(&problem.text);
	ifx_buf_release(&text);
	return st;
}
