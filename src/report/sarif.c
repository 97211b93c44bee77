/*
 * SARIF 2.1.0 (OASIS). Results come as the files do; what they refer to, the rules and what went
 * wrong with files, stands behind them.
 *
 * Regions have lines and columns in code points, as columnKind says, and no offsets: those would
 * count a byte order mark. SARIF ends a line at "\r\n" or "\n", and so do we; no region ends
 * between the two.
 */
#include "report/fingerprint.h"
#include "report/format.h"
#include "report/members.h"
#include "report/sentence.h"
#include "report/uri.h"

#include "base/alloc.h"

static const char schema[] =
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

static const char *const levels[] = { "note", "warning", "error" };

static void begin(struct ifx_reporter *rep, struct ifx_buf *out)
{
	ifx_buf_init(&rep->failures, IFX_BUF_MAX);
	ifx_buf_addf(out,
		     "{\"$schema\":\"%s\",\"version\":\"2.1.0\",\"runs\":[{"
		     "\"columnKind\":\"unicodeCodePoints\",\"results\":[",
		     schema);
}

/* "key":{"text":"..."} */
static void add_message(struct ifx_buf *out, const char *key, ifx_str text)
{
	ifx_add_key(out, key);
	ifx_buf_addc(out, '{');
	ifx_add_string(out, "text", text);
	ifx_buf_addc(out, '}');
}

static void add_artifact(struct ifx_buf *out, ifx_str path)
{
	struct ifx_buf uri;

	ifx_buf_init(&uri, IFX_BUF_MAX);
	ifx_add_uri(&uri, path);
	ifx_add_key(out, "artifactLocation");
	ifx_buf_addc(out, '{');
	ifx_add_string(out, "uri", ifx_buf_str(&uri));
	ifx_buf_addc(out, '}');
	out->bad |= uri.bad;
	ifx_buf_release(&uri);
}

static void add_region(struct ifx_buf *out, const char *key, struct ifx_region r)
{
	ifx_add_key(out, key);
	ifx_buf_addc(out, '{');
	ifx_add_number(out, "startLine", r.start.line);
	ifx_add_number(out, "startColumn", r.start.column);
	ifx_add_number(out, "endLine", r.end.line);
	ifx_add_number(out, "endColumn", r.end.column);
	ifx_buf_addc(out, '}');
}

/* ---- results ---- */

static void add_resource(struct ifx_buf *out, const struct ifx_finding *f)
{
	struct ifx_buf name;

	if (!f->kind.len)
		return;
	ifx_buf_init(&name, IFX_BUF_MAX);
	ifx_buf_add(&name, f->kind);
	ifx_buf_addc(&name, '/');
	ifx_buf_add(&name, f->namespace);
	ifx_buf_addc(&name, '/');
	ifx_buf_add(&name, f->name);
	ifx_add_key(out, "logicalLocations");
	ifx_buf_add(out, IFX_LIT("[{"));
	ifx_add_string(out, "kind", IFX_LIT("resource"));
	ifx_add_string(out, "fullyQualifiedName", ifx_buf_str(&name));
	ifx_buf_add(out, IFX_LIT("}]"));
	out->bad |= name.bad;
	ifx_buf_release(&name);
}

static void add_location(struct ifx_buf *out, struct ifx_cursors *cursors,
			 const struct ifx_finding *f)
{
	ifx_add_key(out, "locations");
	ifx_buf_add(out, IFX_LIT("[{\"physicalLocation\":{"));
	add_artifact(out, cursors->file->path);
	add_region(out, "region", ifx_finding_region(cursors, f));
	ifx_buf_addc(out, '}');
	add_resource(out, f);
	ifx_buf_add(out, IFX_LIT("}]"));
}

/* A text, an edit in it and its cursor. */
struct change {
	struct ifx_cursor *cursor;
	ifx_span span;
	ifx_str text;
};

/*
 * Edits count in the text that was read. Where the file was written since, the same bytes are
 * looked for in the new text. False: they are not there any more.
 */
static bool locate(struct change *change, struct ifx_cursors *c, const struct ifx_edit *e)
{
	const struct ifx_edits *edits = c->file->edits;
	size_t at, end;

	*change = (struct change){ &c->before, e->span, e->text };
	if (!c->file->written || !edits)
		return true;
	at = ifx_edits_to_new(edits, e->span.at);
	end = ifx_edits_to_new(edits, e->span.at + e->span.len);
	if (end < at || end - at != e->span.len || end > c->file->after.len)
		return false;
	change->cursor = &c->after;
	change->span.at = at;
	return ifx_str_eq(ifx_str_sub(c->file->before, e->span.at, e->span.len),
			  ifx_str_sub(c->file->after, at, e->span.len));
}

static void add_replacement(struct ifx_buf *out, const struct change *change)
{
	ifx_str source = change->cursor->text;
	size_t at = change->span.at, end = at + change->span.len;
	bool from_cr =
		at && at < source.len && source.ptr[at - 1] == '\r' && source.ptr[at] == '\n';
	bool to_cr =
		end && end < source.len && source.ptr[end - 1] == '\r' && source.ptr[end] == '\n';
	struct ifx_region region;
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	if (from_cr)
		ifx_buf_addc(&text, '\r');
	ifx_buf_add(&text, change->text);
	if (to_cr)
		ifx_buf_addc(&text, '\n');
	region.start = ifx_cursor_move(change->cursor, at - from_cr);
	region.end = ifx_cursor_move(change->cursor, end + to_cr);
	ifx_buf_addc(out, '{');
	add_region(out, "deletedRegion", region);
	add_message(out, "insertedContent", ifx_buf_str(&text));
	ifx_buf_addc(out, '}');
	out->bad |= text.bad;
	ifx_buf_release(&text);
}

static void add_fixes(struct ifx_buf *out, struct ifx_cursors *cursors, const struct ifx_finding *f)
{
	struct change change;
	size_t start = out->len;

	if (!f->edits.n)
		return;
	ifx_add_key(out, "fixes");
	ifx_buf_add(out, IFX_LIT("[{\"artifactChanges\":[{"));
	add_artifact(out, cursors->file->path);
	ifx_add_key(out, "replacements");
	ifx_buf_addc(out, '[');
	for (size_t i = 0; i < f->edits.n; i++) {
		if (!locate(&change, cursors, &f->edits.items[i])) {
			out->len = start;
			return;
		}
		if (i)
			ifx_buf_addc(out, ',');
		add_replacement(out, &change);
	}
	ifx_buf_add(out, IFX_LIT("]}]}]"));
}

static void add_properties(struct ifx_buf *out, const struct ifx_finding *f)
{
	ifx_add_key(out, "properties");
	ifx_buf_addc(out, '{');
	ifx_add_string(out, "fixLevel", ifx_str_of(ifx_level_name(f->level)));
	/* Is the fix among those that -i would write? */
	ifx_add_bool(out, "fixChosen", f->applied);
	if (f->ist)
		ifx_add_string(out, "istioCode", ifx_str_of(f->ist));
	ifx_buf_addc(out, '}');
}

static void add_result(struct ifx_reporter *rep, struct ifx_buf *out, struct ifx_cursors *cursors,
		       const struct ifx_finding *f, uint64_t fingerprint)
{
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_add_sentence(&text, cursors->file, f);
	ifx_buf_add(out, rep->n_results++ ? IFX_LIT(",\n{") : IFX_LIT("\n{"));
	ifx_add_string(out, "ruleId", ifx_str_of(f->rule));
	ifx_add_number(out, "ruleIndex", ifx_tally_rule(&rep->tally, f->rule));
	ifx_add_string(out, "level", ifx_str_of(levels[f->severity]));
	add_message(out, "message", ifx_buf_str(&text));
	add_location(out, cursors, f);
	ifx_buf_addf(out, ",\"partialFingerprints\":{\"istio-fix/v1\":\"%016llx\"}",
		     (unsigned long long)fingerprint);
	add_fixes(out, cursors, f);
	add_properties(out, f);
	ifx_buf_addc(out, '}');
	out->bad |= text.bad;
	ifx_buf_release(&text);
}

static void add_file(struct ifx_reporter *rep, const struct ifx_file_report *file,
		     struct ifx_buf *out, struct ifx_buf *problems)
{
	struct ifx_cursors cursors = ifx_cursors_of(file);
	uint64_t *fingerprints = ifx_fingerprints(file);

	(void)problems;
	for (size_t i = 0; fingerprints && i < file->n_findings; i++)
		if (!ifx_is_gone(file, file->findings[i]))
			add_result(rep, out, &cursors, file->findings[i], fingerprints[i]);
	out->bad |= !fingerprints;
	ifx_free(fingerprints);
	ifx_cursors_release(&cursors);
}

static void add_failure(struct ifx_reporter *rep, const struct ifx_failure *failure,
			struct ifx_buf *out)
{
	struct ifx_buf *to = &rep->failures;

	(void)out;
	ifx_buf_add(to, rep->n_failures++ ? IFX_LIT(",\n{") : IFX_LIT("\n{"));
	ifx_add_string(to, "level", IFX_LIT("error"));
	add_message(to, "message", failure->message);
	ifx_add_key(to, "locations");
	ifx_buf_add(to, IFX_LIT("[{\"physicalLocation\":{"));
	add_artifact(to, failure->path);
	ifx_buf_add(to, IFX_LIT("}}]"));
	ifx_add_key(to, "descriptor");
	ifx_buf_addc(to, '{');
	ifx_add_string(to, "id", ifx_str_of(failure->rule));
	ifx_buf_add(to, IFX_LIT("}}"));
}

/* ---- rules ---- */

/* The first paragraph behind the title. */
static ifx_str introduction(ifx_str page, ifx_str summary)
{
	size_t end;

	if (!ifx_str_starts(page, IFX_LIT("# ")))
		return summary;
	end = ifx_str_find(page, IFX_LIT("\n\n"));
	if (end == SIZE_MAX)
		return summary;
	page = ifx_str_trim(ifx_str_sub(page, end, page.len - end));
	end = ifx_str_find(page, IFX_LIT("\n\n"));
	return end == SIZE_MAX ? page : ifx_str_sub(page, 0, end);
}

static void add_help(struct ifx_buf *out, ifx_str page)
{
	ifx_add_key(out, "help");
	ifx_buf_addc(out, '{');
	ifx_add_string(out, "text", page);
	ifx_add_string(out, "markdown", page);
	ifx_buf_addc(out, '}');
}

static void add_rule(const struct ifx_reporter *rep, struct ifx_buf *out,
		     const struct ifx_rule_tally *rule)
{
	struct ifx_rule_page page = { 0 };
	ifx_str summary;

	ifx_buf_init(&page.text, IFX_BUF_MAX);
	if (rep->describe)
		rep->describe(rep->describe_data, rule->id, &page);
	summary = page.summary.ptr ? page.summary : ifx_str_of(rule->id);
	if (!page.text.len)
		ifx_buf_add(&page.text, summary);
	ifx_buf_addc(out, '{');
	ifx_add_string(out, "id", ifx_str_of(rule->id));
	add_message(out, "shortDescription", summary);
	add_message(out, "fullDescription", introduction(ifx_buf_str(&page.text), summary));
	if (ifx_str_starts(page.source, IFX_LIT("https://")))
		ifx_add_string(out, "helpUri", page.source);
	add_help(out, ifx_buf_str(&page.text));
	ifx_add_key(out, "defaultConfiguration");
	ifx_buf_addf(out, "{\"level\":\"%s\"}", levels[rule->worst]);
	ifx_add_key(out, "properties");
	ifx_buf_add(out, IFX_LIT("{\"tags\":[\"istio\""));
	if (rule->ist)
		ifx_buf_addf(out, ",\"%s\"", rule->ist);
	ifx_buf_add(out, IFX_LIT("]}}"));
	out->bad |= page.text.bad;
	ifx_buf_release(&page.text);
}

static void end(struct ifx_reporter *rep, struct ifx_buf *out)
{
	const struct ifx_tally *t = &rep->tally;

	ifx_buf_add(out, rep->n_results ? IFX_LIT("\n]") : IFX_LIT("]"));
	ifx_buf_add(
		out,
		IFX_LIT(",\"tool\":{\"driver\":{\"name\":\"istio-fix\",\"version\":\"" IFX_VERSION
			"\",\"semanticVersion\":\"" IFX_VERSION "\",\"rules\":["));
	for (size_t i = 0; i < t->n_rules; i++) {
		ifx_buf_add(out, i ? IFX_LIT(",\n") : IFX_LIT("\n"));
		add_rule(rep, out, &t->rules[i]);
	}
	ifx_buf_addf(out, "%s]}},\"invocations\":[{\"executionSuccessful\":%s",
		     t->n_rules ? "\n" : "", rep->failed ? "false" : "true");
	if (rep->n_failures) {
		ifx_add_key(out, "toolExecutionNotifications");
		ifx_buf_addc(out, '[');
		ifx_buf_add(out, ifx_buf_str(&rep->failures));
		ifx_buf_add(out, IFX_LIT("\n]"));
	}
	ifx_buf_add(out, IFX_LIT("}]}]}\n"));
	out->bad |= rep->failures.bad;
}

const struct ifx_report_format ifx_report_sarif = {
	.name = "sarif",
	.wants_edits = true,
	.begin = begin,
	.file = add_file,
	.failure = add_failure,
	.end = end,
};
