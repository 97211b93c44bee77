#include "report/sentence.h"

#include "report/plain.h"

static void add_clause(struct ifx_buf *out, const char *what, ifx_str text)
{
	if (!text.ptr)
		return;
	ifx_buf_add(out, IFX_LIT("; "));
	ifx_buf_add(out, ifx_str_of(what));
	ifx_add_plain(out, text);
}

/* Comments of entries that are removed for good. */
static size_t comments_lost(const struct ifx_finding *f)
{
	size_t n = 0;

	for (const struct ifx_op_note *op = f->ops; op; op = op->next)
		n += op->n_comments;
	return n;
}

static void add_hint(struct ifx_buf *out, const struct ifx_file_report *file,
		     const struct ifx_finding *f)
{
	if (f->applied && file->written) {
		ifx_buf_add(out, IFX_LIT(" (fixed)"));
	} else if (f->level == IFX_CHOICE && !f->applied && (f->fixable || f->choices)) {
		ifx_buf_addf(out, " (choose: %s", f->rule);
		if (f->choices)
			ifx_buf_addf(out, "=%s", f->choices);
		ifx_buf_addc(out, ')');
	} else if ((f->fixable && !f->refused.ptr) || f->applied) {
		ifx_buf_addf(out, " (fix: %s", ifx_level_name(f->level));
		if (comments_lost(f))
			ifx_buf_add(out, comments_lost(f) > 1 ? IFX_LIT(", its comments go too")
							      : IFX_LIT(", its comment goes too"));
		ifx_buf_addc(out, ')');
	}
}

void ifx_add_sentence(struct ifx_buf *out, const struct ifx_file_report *file,
		      const struct ifx_finding *f)
{
	ifx_add_plain(out, f->message);
	add_clause(out, "", f->help);
	if (!f->applied)
		add_clause(out, "not fixed: ", f->refused);
	add_hint(out, file, f);
}
