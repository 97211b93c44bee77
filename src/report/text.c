#include "report/format.h"
#include "report/plain.h"
#include "report/sentence.h"

static void add_style(struct ifx_buf *out, bool color, const char *sgr)
{
	if (color)
		ifx_buf_addf(out, "\033[%sm", sgr);
}

/* `path:line:col:`, or `path: Kind namespace/name: field:` when the text is no file of anybody's.
 */
static void add_place(struct ifx_buf *out, struct ifx_cursors *cursors, const struct ifx_finding *f)
{
	struct ifx_position at;

	if (!f->origin.ptr) {
		at = ifx_finding_position(cursors, f);
		ifx_add_plain(out, cursors->file->path);
		ifx_buf_addf(out, ":%zu:%zu:", at.line, at.column);
		return;
	}
	ifx_add_plain(out, f->origin);
	ifx_buf_add(out, f->origin.len ? IFX_LIT(": ") : IFX_LIT(""));
	ifx_add_plain(out, f->kind);
	if (f->name.len) {
		ifx_buf_addc(out, ' ');
		ifx_add_plain(out, f->namespace);
		ifx_buf_add(out, f->namespace.len ? IFX_LIT("/") : IFX_LIT(""));
		ifx_add_plain(out, f->name);
	}
	ifx_buf_add(out, f->field.len ? IFX_LIT(": ") : IFX_LIT(""));
	ifx_add_plain(out, f->field);
	ifx_buf_addc(out, ':');
}

static void add_line(struct ifx_buf *out, bool color, struct ifx_cursors *cursors,
		     const struct ifx_finding *f)
{
	static const char *const colors[] = { "1;36", "1;33", "1;31" };

	add_style(out, color, "1");
	add_place(out, cursors, f);
	add_style(out, color, "0");
	ifx_buf_addc(out, ' ');
	add_style(out, color, colors[f->severity]);
	ifx_buf_addf(out, "%s:", ifx_severity_name(f->severity));
	add_style(out, color, "0");
	ifx_buf_addc(out, ' ');
	ifx_add_sentence(out, cursors->file, f);
	ifx_buf_addc(out, ' ');
	add_style(out, color, "2");
	ifx_buf_addf(out, f->ist ? "[%s %s]" : "[%s]", f->rule, f->ist);
	add_style(out, color, "0");
	ifx_buf_addc(out, '\n');
}

static void add_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems)
{
	struct ifx_cursors cursors = ifx_cursors_of(file);

	for (size_t i = 0; i < file->n_findings; i++) {
		const struct ifx_finding *f = file->findings[i];

		if (i < file->n_problems)
			add_line(problems, rep->color_problems, &cursors, f);
		else if (!f->applied || !file->only_left || rep->verbose)
			add_line(out, rep->color, &cursors, f);
	}
	ifx_cursors_release(&cursors);
}

const struct ifx_report_format ifx_report_text = { .name = "text", .file = add_file };
