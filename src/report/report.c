#include "report/format.h"

static const struct ifx_report_format *const formats[] = {
	[IFX_FORMAT_TEXT] = &ifx_report_text,
	[IFX_FORMAT_JSON] = &ifx_report_json,
};

enum { N_FORMATS = sizeof(formats) / sizeof(*formats) };

const char *ifx_report_format_name(int format)
{
	return format < N_FORMATS ? formats[format]->name : NULL;
}

static const struct ifx_report_format *format_of(const struct ifx_reporter *rep)
{
	return formats[rep->format];
}

void ifx_report_begin(struct ifx_reporter *rep, struct ifx_buf *out)
{
	rep->n_results = 0;
	if (format_of(rep)->begin)
		format_of(rep)->begin(rep, out);
}

static void count(struct ifx_tally *tally, const struct ifx_finding *f)
{
	tally->seen[f->severity]++;
	if (f->applied) {
		tally->fixed++;
		return;
	}
	tally->left[f->severity]++;
	if (!f->fixable || f->refused.ptr)
		return;
	tally->fixable++;
	tally->held_choice += f->level == IFX_CHOICE;
}

void ifx_report_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems)
{
	rep->tally.files++;
	rep->tally.changed += file->after.ptr != file->before.ptr;
	for (size_t i = file->n_problems; i < file->n_findings; i++)
		count(&rep->tally, file->findings[i]);
	format_of(rep)->file(rep, file, out, problems);
}

void ifx_report_end(struct ifx_reporter *rep, struct ifx_buf *out)
{
	if (format_of(rep)->end)
		format_of(rep)->end(rep, out);
}
