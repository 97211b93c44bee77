#include "report/format.h"

#include "io/files.h"

static const struct ifx_report_format *const formats[] = {
	[IFX_FORMAT_TEXT] = &ifx_report_text,     [IFX_FORMAT_JSON] = &ifx_report_json,
	[IFX_FORMAT_SARIF] = &ifx_report_sarif,   [IFX_FORMAT_GITHUB] = &ifx_report_github,
	[IFX_FORMAT_GITLAB] = &ifx_report_gitlab, [IFX_FORMAT_JUNIT] = &ifx_report_junit,
};

enum { N_FORMATS = sizeof(formats) / sizeof(*formats) };

const char *ifx_report_format_name(int format)
{
	return format < N_FORMATS ? formats[format]->name : NULL;
}

bool ifx_report_wants_edits(int format)
{
	return formats[format]->wants_edits;
}

void ifx_reporter_release(struct ifx_reporter *rep)
{
	ifx_tally_release(&rep->tally);
	ifx_buf_release(&rep->failures);
}

void ifx_add_repository_path(struct ifx_buf *out, ifx_str path)
{
	struct ifx_buf name;

	ifx_buf_init(&name, IFX_BUF_MAX);
	ifx_path_below(&name, path);
	ifx_buf_add(out, ifx_buf_str(&name));
	out->bad |= name.bad;
	ifx_buf_release(&name);
}

void ifx_report_begin(struct ifx_reporter *rep, struct ifx_buf *out)
{
	const struct ifx_report_format *format = formats[rep->format];

	rep->n_results = 0;
	if (format->begin)
		format->begin(rep, out);
}

void ifx_report_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems)
{
	struct ifx_tally *tally = &rep->tally;

	tally->files++;
	tally->changed += file->after.ptr != file->before.ptr;
	for (size_t i = 0; i < file->n_findings; i++)
		if (!(i < file->n_problems ? ifx_tally_problem(tally, file->findings[i])
					   : ifx_tally_finding(tally, file->findings[i])))
			out->bad = true;
	formats[rep->format]->file(rep, file, out, problems);
}

void ifx_report_failure(struct ifx_reporter *rep, ifx_str path, ifx_str message, const char *rule,
			struct ifx_buf *out)
{
	const struct ifx_report_format *format = formats[rep->format];

	if (format->failure)
		format->failure(rep, &(struct ifx_failure){ path, message, rule }, out);
}

void ifx_report_end(struct ifx_reporter *rep, struct ifx_buf *out)
{
	const struct ifx_report_format *format = formats[rep->format];

	if (format->end)
		format->end(rep, out);
}
