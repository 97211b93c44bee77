#include "report/format.h"
#include "report/members.h"

#include "base/alloc.h"

static void add_operations(struct ifx_buf *out, const struct ifx_op_note *op)
{
	for (bool first = true; op; op = op->next, first = false) {
		ifx_buf_add(out, first ? IFX_LIT("{") : IFX_LIT(",{"));
		ifx_add_string(out, "verb", ifx_str_of(op->verb));
		ifx_add_string(out, "path", op->path);
		ifx_add_string(out, "to", op->to);
		ifx_add_key(out, "comments");
		ifx_buf_addc(out, '[');
		for (size_t i = 0; i < op->n_comments; i++) {
			if (i)
				ifx_buf_addc(out, ',');
			ifx_buf_add_json(out, op->comments[i]);
		}
		ifx_buf_add(out, IFX_LIT("]}"));
	}
}

static void add_fix(struct ifx_buf *out, const struct ifx_finding *f, bool written)
{
	ifx_add_key(out, "fix");
	if (!f->fixable && !f->applied && !f->refused.ptr) {
		ifx_buf_add(out, IFX_LIT("null"));
		return;
	}
	ifx_buf_addc(out, '{');
	ifx_add_bool(out, "applied", f->applied && written);
	ifx_add_string(out, "refused", f->refused);
	ifx_add_key(out, "edits");
	ifx_buf_addc(out, '[');
	for (size_t i = 0; i < f->edits.n; i++) {
		const struct ifx_edit *e = &f->edits.items[i];

		ifx_buf_add(out, i ? IFX_LIT(",{") : IFX_LIT("{"));
		ifx_add_number(out, "offset", e->span.at);
		ifx_add_number(out, "length", e->span.len);
		ifx_add_string(out, "text", e->text.ptr ? e->text : IFX_LIT(""));
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
	ifx_add_key(out, "operations");
	ifx_buf_addc(out, '[');
	add_operations(out, f->ops);
	ifx_buf_add(out, IFX_LIT("]}"));
}

static void add_result(struct ifx_reporter *rep, struct ifx_buf *out, struct ifx_cursors *cursors,
		       const struct ifx_finding *f)
{
	struct ifx_position at = ifx_finding_position(cursors, f);

	ifx_buf_add(out, rep->n_results++ ? IFX_LIT(",\n{") : IFX_LIT("\n{"));
	ifx_add_string(out, "rule", ifx_str_of(f->rule));
	ifx_add_string(out, "ist", ifx_str_of(f->ist));
	ifx_add_string(out, "level", ifx_str_of(ifx_level_name(f->level)));
	ifx_add_string(out, "severity", ifx_str_of(ifx_severity_name(f->severity)));
	ifx_add_string(out, "path", cursors->file->path);
	ifx_add_number(out, "line", at.line);
	ifx_add_number(out, "column", at.column);
	ifx_add_number(out, "document", f->document);
	ifx_add_string(out, "kind", f->kind);
	ifx_add_string(out, "namespace", f->namespace);
	ifx_add_string(out, "name", f->name);
	ifx_add_string(out, "message", f->message);
	ifx_add_string(out, "help", f->help);
	add_fix(out, f, cursors->file->written);
	ifx_buf_addc(out, '}');
}

static void begin(struct ifx_reporter *rep, struct ifx_buf *out)
{
	(void)rep;
	ifx_buf_add(out, IFX_LIT("{\"version\":\"" IFX_VERSION "\",\"results\":["));
}

static void add_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems)
{
	struct ifx_cursors cursors = ifx_cursors_of(file);

	(void)problems;
	for (size_t i = 0; i < file->n_findings; i++)
		add_result(rep, out, &cursors, file->findings[i]);
	ifx_cursors_release(&cursors);
}

static void add_statistics(const struct ifx_tally *t, struct ifx_buf *out)
{
	size_t n;
	const struct ifx_rule_tally **list = ifx_tally_sorted(t, &n);

	ifx_add_key(out, "rules");
	ifx_buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		ifx_buf_add(out, i ? IFX_LIT(",{") : IFX_LIT("{"));
		ifx_add_string(out, "rule", ifx_str_of(list[i]->id));
		ifx_add_string(out, "ist", ifx_str_of(list[i]->ist));
		ifx_add_number(out, "seen", list[i]->seen);
		ifx_add_number(out, "fixed", list[i]->fixed);
		ifx_add_number(out, "left", list[i]->left);
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
	out->bad |= !list;
	ifx_free(list);
}

static void end(struct ifx_reporter *rep, struct ifx_buf *out)
{
	const struct ifx_tally *t = &rep->tally;

	ifx_buf_add(out,
		    rep->n_results ? IFX_LIT("\n],\"summary\":{") : IFX_LIT("],\"summary\":{"));
	ifx_add_number(out, "files", t->files);
	ifx_add_number(out, "changed", t->changed);
	ifx_add_number(out, "failed", t->failed);
	ifx_add_number(out, "fixed", t->fixed);
	ifx_add_number(out, "fixable", t->fixable);
	ifx_add_number(out, "suppressed", t->suppressed);
	ifx_add_key(out, "left");
	ifx_buf_addc(out, '{');
	for (int s = IFX_ERROR; s >= IFX_INFO; s--)
		ifx_add_number(out, ifx_severity_name((ifx_severity)s), t->left[s]);
	ifx_buf_addc(out, '}');
	if (rep->statistics)
		add_statistics(t, out);
	ifx_buf_add(out, IFX_LIT("}}\n"));
}

const struct ifx_report_format ifx_report_json = {
	.name = "json",
	.wants_edits = true,
	.begin = begin,
	.file = add_file,
	.end = end,
};
