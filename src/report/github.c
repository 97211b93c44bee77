/*
 * Workflow commands of GitHub Actions: a line `::error file=F,line=N,...::TEXT` becomes an
 * annotation. A columns pair is taken only when it lies on one line; with another the whole
 * command is refused.
 */
#include "report/format.h"
#include "report/sentence.h"

static const char *const commands[] = { "notice", "warning", "error" };

/* `%`, CR and LF in a text; in a property also what ends it. */
static void add_escaped(struct ifx_buf *out, ifx_str text, const char *special)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c && strchr(special, c))
			ifx_buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
		else
			ifx_buf_addc(out, c);
	}
}

static void add_file_property(struct ifx_buf *out, ifx_str path)
{
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_add_repository_path(&text, path);
	ifx_buf_add(out, IFX_LIT("file="));
	add_escaped(out, ifx_buf_str(&text), "%\r\n:,");
	out->bad |= text.bad;
	ifx_buf_release(&text);
}

static void add_region(struct ifx_buf *out, struct ifx_region r)
{
	ifx_buf_addf(out, ",line=%zu,endLine=%zu", r.start.line, r.end.line);
	if (r.start.line == r.end.line)
		ifx_buf_addf(out, ",col=%zu,endColumn=%zu", r.start.column, r.end.column);
}

static void add_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems)
{
	struct ifx_cursors cursors = ifx_cursors_of(file);
	struct ifx_buf text;

	(void)rep;
	(void)problems;
	ifx_buf_init(&text, IFX_BUF_MAX);
	for (size_t i = 0; i < file->n_findings; i++) {
		const struct ifx_finding *f = file->findings[i];

		if (ifx_is_gone(file, f))
			continue;
		ifx_buf_addf(out, "::%s ", commands[f->severity]);
		add_file_property(out, file->path);
		add_region(out, ifx_finding_region(&cursors, f));
		ifx_buf_addf(out, f->ist ? ",title=%s %s::" : ",title=%s::", f->rule, f->ist);
		ifx_buf_clear(&text);
		ifx_add_sentence(&text, file, f);
		out->bad |= text.bad;
		add_escaped(out, ifx_buf_str(&text), "%\r\n");
		ifx_buf_addc(out, '\n');
	}
	ifx_buf_release(&text);
	ifx_cursors_release(&cursors);
}

static void add_failure(struct ifx_reporter *rep, const struct ifx_failure *failure,
			struct ifx_buf *out)
{
	(void)rep;
	ifx_buf_add(out, IFX_LIT("::error "));
	add_file_property(out, failure->path);
	ifx_buf_addf(out, ",title=%s::", failure->rule);
	add_escaped(out, failure->message, "%\r\n");
	ifx_buf_addc(out, '\n');
}

const struct ifx_report_format ifx_report_github = {
	.name = "github",
	.file = add_file,
	.failure = add_failure,
};
