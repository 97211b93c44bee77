/* GitLab's Code Quality report: one JSON array of issues. */
#include "report/fingerprint.h"
#include "report/format.h"
#include "report/members.h"
#include "report/sentence.h"

#include "base/alloc.h"

static void begin(struct ifx_reporter *rep, struct ifx_buf *out)
{
	(void)rep;
	ifx_buf_addc(out, '[');
}

static void add_issue(struct ifx_reporter *rep, struct ifx_buf *out, ifx_str description,
		      const char *rule, const char *severity, uint64_t fingerprint, ifx_str path,
		      size_t line)
{
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_add_repository_path(&text, path);
	ifx_buf_add(out, rep->n_results++ ? IFX_LIT(",\n{") : IFX_LIT("\n{"));
	ifx_add_string(out, "description", description);
	ifx_add_string(out, "check_name", ifx_str_of(rule));
	ifx_add_key(out, "fingerprint");
	ifx_buf_addf(out, "\"%016llx\"", (unsigned long long)fingerprint);
	ifx_add_string(out, "severity", ifx_str_of(severity));
	ifx_add_key(out, "location");
	ifx_buf_addc(out, '{');
	ifx_add_string(out, "path", ifx_buf_str(&text));
	ifx_add_key(out, "lines");
	ifx_buf_addf(out, "{\"begin\":%zu}}}", line);
	out->bad |= text.bad;
	ifx_buf_release(&text);
}

static void add_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems)
{
	/* They know info, minor, major, critical, blocker. */
	static const char *const severities[] = { "info", "minor", "major" };
	struct ifx_cursors cursors = ifx_cursors_of(file);
	uint64_t *fingerprints = ifx_fingerprints(file);
	struct ifx_buf text;

	(void)problems;
	ifx_buf_init(&text, IFX_BUF_MAX);
	for (size_t i = 0; fingerprints && i < file->n_findings; i++) {
		const struct ifx_finding *f = file->findings[i];

		if (ifx_is_gone(file, f))
			continue;
		ifx_buf_clear(&text);
		ifx_add_sentence(&text, file, f);
		out->bad |= text.bad;
		add_issue(rep, out, ifx_buf_str(&text), f->rule, severities[f->severity],
			  fingerprints[i], file->path, ifx_finding_position(&cursors, f).line);
	}
	out->bad |= !fingerprints;
	ifx_free(fingerprints);
	ifx_buf_release(&text);
	ifx_cursors_release(&cursors);
}

static void add_failure(struct ifx_reporter *rep, const struct ifx_failure *failure,
			struct ifx_buf *out)
{
	const struct ifx_finding finding = { .rule = failure->rule };
	const struct ifx_finding *list[] = { &finding };
	const struct ifx_file_report file = { .path = failure->path,
					      .findings = list,
					      .n_findings = 1 };
	uint64_t *fingerprints = ifx_fingerprints(&file);

	if (fingerprints)
		add_issue(rep, out, failure->message, failure->rule, "major", *fingerprints,
			  failure->path, 1);
	out->bad |= !fingerprints;
	ifx_free(fingerprints);
}

static void end(struct ifx_reporter *rep, struct ifx_buf *out)
{
	ifx_buf_add(out, rep->n_results ? IFX_LIT("\n]\n") : IFX_LIT("]\n"));
}

const struct ifx_report_format ifx_report_gitlab = {
	.name = "gitlab",
	.begin = begin,
	.file = add_file,
	.failure = add_failure,
	.end = end,
};
