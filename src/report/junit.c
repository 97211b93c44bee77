/*
 * JUnit's XML, as Jenkins and GitLab read it: a suite for each file, a failed case for each
 * finding. A file that was not looked at is an error; a template that nobody named is skipped. A
 * file with nothing to do has one case that passed.
 */
#include "report/format.h"
#include "report/sentence.h"

/* Text or the value of an attribute. What XML 1.0 has no place for becomes U+FFFD. */
static void add_xml(struct ifx_buf *out, ifx_str text)
{
	static const char *const entities[] = {
		['&'] = "&amp;", ['<'] = "&lt;",   ['>'] = "&gt;",   ['"'] = "&quot;",
		['\t'] = "&#9;", ['\n'] = "&#10;", ['\r'] = "&#13;",
	};
	enum { N = sizeof(entities) / sizeof(*entities) };

	for (size_t at = 0; at < text.len;) {
		uint32_t p = 0;
		size_t len = ifx_utf8_decode(ifx_str_sub(text, at, text.len - at), &p);

		if (len && p < N && entities[p])
			ifx_buf_add(out, ifx_str_of(entities[p]));
		else if (!len || p < 0x20 || p == 0xfffe || p == 0xffff)
			ifx_buf_add(out, IFX_LIT("\xef\xbf\xbd"));
		else
			ifx_buf_add(out, ifx_str_sub(text, at, len));
		at += len ? len : 1;
	}
}

static void begin(struct ifx_reporter *rep, struct ifx_buf *out)
{
	ifx_buf_init(&rep->failures, IFX_BUF_MAX);
	ifx_buf_add(out, IFX_LIT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				 "<testsuites name=\"istio-fix\">\n"));
}

static void add_suite(struct ifx_buf *out, ifx_str name, size_t tests, size_t failures,
		      size_t errors, size_t skipped)
{
	ifx_buf_add(out, IFX_LIT("<testsuite name=\""));
	add_xml(out, name);
	ifx_buf_addf(
		out,
		"\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"0\">\n",
		tests, failures, errors, skipped);
}

static void add_case(struct ifx_buf *out, ifx_str path)
{
	ifx_buf_add(out, IFX_LIT("<testcase classname=\""));
	add_xml(out, path);
	ifx_buf_add(out, IFX_LIT("\" time=\"0\" name=\""));
}

/* "failure", "error" or "skipped". */
static const char *outcome(const struct ifx_finding *f, bool is_problem)
{
	return !is_problem ? "failure" : f->severity == IFX_ERROR ? "error" : "skipped";
}

static void add_finding(struct ifx_buf *out, struct ifx_cursors *cursors,
			const struct ifx_finding *f, const char *element)
{
	struct ifx_position at = ifx_finding_position(cursors, f);
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_add_sentence(&text, cursors->file, f);
	add_case(out, cursors->file->path);
	ifx_buf_addf(out, "%s %zu:%zu\">\n<%s type=\"%s\" message=\"", f->rule, at.line, at.column,
		     element, ifx_severity_name(f->severity));
	add_xml(out, ifx_buf_str(&text));
	ifx_buf_add(out, IFX_LIT("\">"));
	add_xml(out, cursors->file->path);
	ifx_buf_addf(out, ":%zu:%zu: %s: ", at.line, at.column, ifx_severity_name(f->severity));
	add_xml(out, ifx_buf_str(&text));
	ifx_buf_addf(out, f->ist ? " [%s %s]" : " [%s]", f->rule, f->ist);
	ifx_buf_addf(out, "</%s>\n</testcase>\n", element);
	out->bad |= text.bad;
	ifx_buf_release(&text);
}

static void add_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems)
{
	struct ifx_cursors cursors = ifx_cursors_of(file);
	size_t failures = 0, errors = 0, skipped = 0, tests;

	(void)rep;
	(void)problems;
	for (size_t i = 0; i < file->n_findings; i++) {
		if (i >= file->n_problems)
			failures += !ifx_is_gone(file, file->findings[i]);
		else if (file->findings[i]->severity == IFX_ERROR)
			errors++;
		else
			skipped++;
	}
	tests = failures + errors + skipped;
	add_suite(out, file->path, tests ? tests : 1, failures, errors, skipped);
	if (!tests) {
		add_case(out, file->path);
		ifx_buf_add(out, IFX_LIT("istio-fix\"/>\n"));
	}
	for (size_t i = 0; i < file->n_findings; i++)
		if (!ifx_is_gone(file, file->findings[i]))
			add_finding(out, &cursors, file->findings[i],
				    outcome(file->findings[i], i < file->n_problems));
	ifx_buf_add(out, IFX_LIT("</testsuite>\n"));
	ifx_cursors_release(&cursors);
}

/* A file that cannot be written has a suite already: these stand together at the end. */
static void add_failure(struct ifx_reporter *rep, const struct ifx_failure *failure,
			struct ifx_buf *out)
{
	struct ifx_buf *to = &rep->failures;

	(void)out;
	rep->n_failures++;
	add_case(to, failure->path);
	ifx_buf_addf(to, "%s\">\n<error type=\"error\" message=\"", failure->rule);
	add_xml(to, failure->message);
	ifx_buf_add(to, IFX_LIT("\">"));
	add_xml(to, failure->path);
	ifx_buf_add(to, IFX_LIT(": error: "));
	add_xml(to, failure->message);
	ifx_buf_addf(to, " [%s]</error>\n</testcase>\n", failure->rule);
}

static void end(struct ifx_reporter *rep, struct ifx_buf *out)
{
	if (rep->n_failures) {
		add_suite(out, IFX_LIT("istio-fix"), rep->n_failures, 0, rep->n_failures, 0);
		ifx_buf_add(out, ifx_buf_str(&rep->failures));
		ifx_buf_add(out, IFX_LIT("</testsuite>\n"));
	}
	out->bad |= rep->failures.bad;
	ifx_buf_add(out, IFX_LIT("</testsuites>\n"));
}

const struct ifx_report_format ifx_report_junit = {
	.name = "junit",
	.begin = begin,
	.file = add_file,
	.failure = add_failure,
	.end = end,
};
