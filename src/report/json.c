#include "report/format.h"

static void add_key(struct ifx_buf *out, const char *key)
{
	ifx_buf_addf(out, "%s\"%s\":", out->len && out->data[out->len - 1] == '{' ? "" : ",", key);
}

static void add_string(struct ifx_buf *out, const char *key, ifx_str value)
{
	add_key(out, key);
	if (value.ptr)
		ifx_buf_add_json(out, value);
	else
		ifx_buf_add(out, IFX_LIT("null"));
}

static void add_number(struct ifx_buf *out, const char *key, size_t value)
{
	add_key(out, key);
	ifx_buf_addf(out, "%zu", value);
}

static void add_operations(struct ifx_buf *out, const struct ifx_op_note *op)
{
	for (bool first = true; op; op = op->next, first = false) {
		ifx_buf_add(out, first ? IFX_LIT("{") : IFX_LIT(",{"));
		add_string(out, "verb", ifx_str_of(op->verb));
		add_string(out, "path", op->path);
		add_string(out, "to", op->to);
		add_key(out, "comments");
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
	add_key(out, "fix");
	if (!f->fixable && !f->applied && !f->refused.ptr) {
		ifx_buf_add(out, IFX_LIT("null"));
		return;
	}
	ifx_buf_addc(out, '{');
	add_key(out, "applied");
	ifx_buf_add(out, f->applied && written ? IFX_LIT("true") : IFX_LIT("false"));
	add_string(out, "refused", f->refused);
	add_key(out, "edits");
	ifx_buf_addc(out, '[');
	for (size_t i = 0; i < f->edits.n; i++) {
		const struct ifx_edit *e = &f->edits.items[i];

		ifx_buf_add(out, i ? IFX_LIT(",{") : IFX_LIT("{"));
		add_number(out, "offset", e->span.at);
		add_number(out, "length", e->span.len);
		add_string(out, "text", e->text.ptr ? e->text : IFX_LIT(""));
		ifx_buf_addc(out, '}');
	}
	ifx_buf_addc(out, ']');
	add_key(out, "operations");
	ifx_buf_addc(out, '[');
	add_operations(out, f->ops);
	ifx_buf_add(out, IFX_LIT("]}"));
}

static void add_result(struct ifx_reporter *rep, struct ifx_buf *out, struct ifx_cursors *cursors,
		       const struct ifx_finding *f)
{
	struct ifx_position at = ifx_finding_position(cursors, f);

	ifx_buf_add(out, rep->n_results++ ? IFX_LIT(",\n{") : IFX_LIT("\n{"));
	add_string(out, "rule", ifx_str_of(f->rule));
	add_string(out, "ist", ifx_str_of(f->ist));
	add_string(out, "level", ifx_str_of(ifx_level_name(f->level)));
	add_string(out, "severity", ifx_str_of(ifx_severity_name(f->severity)));
	add_string(out, "path", cursors->file->path);
	add_number(out, "line", at.line);
	add_number(out, "column", at.column);
	add_number(out, "document", f->document);
	add_string(out, "kind", f->kind);
	add_string(out, "namespace", f->namespace);
	add_string(out, "name", f->name);
	add_string(out, "message", f->message);
	add_string(out, "help", f->help);
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
}

static void end(struct ifx_reporter *rep, struct ifx_buf *out)
{
	const struct ifx_tally *t = &rep->tally;

	ifx_buf_add(out,
		    rep->n_results ? IFX_LIT("\n],\"summary\":{") : IFX_LIT("],\"summary\":{"));
	add_number(out, "files", t->files);
	add_number(out, "changed", t->changed);
	add_number(out, "failed", t->failed);
	add_number(out, "fixed", t->fixed);
	add_number(out, "fixable", t->fixable);
	add_key(out, "left");
	ifx_buf_addc(out, '{');
	for (int s = IFX_ERROR; s >= IFX_INFO; s--)
		add_number(out, ifx_severity_name((ifx_severity)s), t->left[s]);
	ifx_buf_add(out, IFX_LIT("}}}\n"));
}

const struct ifx_report_format ifx_report_json = { "json", begin, add_file, end };
