#include "io/report.h"

#ifndef IFX_VERSION
#define IFX_VERSION "0.0.0"
#endif

/* --- characters ------------------------------------------------------------------------------ */

/* What could move a terminal's cursor, end a line, or turn the text around. */
static bool is_unprintable(uint32_t p)
{
	return p < 0x20 || (p >= 0x7f && p < 0xa0) || p == 0x2028 || p == 0x2029 ||
	       (p >= 0x200e && p <= 0x200f) || (p >= 0x202a && p <= 0x202e) ||
	       (p >= 0x2066 && p <= 0x2069);
}

/* Text for a person, in one line. */
static void add_plain(struct ifx_buf *out, ifx_str s)
{
	size_t done = 0;

	for (size_t at = 0; at < s.len;) {
		uint32_t p = 0;
		size_t len = ifx_utf8_decode(ifx_str_sub(s, at, s.len - at), &p);

		if (len && !is_unprintable(p)) {
			at += len;
			continue;
		}
		ifx_buf_add(out, ifx_str_sub(s, done, at - done));
		if (p == '\n')
			ifx_buf_add(out, IFX_LIT("\\n"));
		else if (p == '\r')
			ifx_buf_add(out, IFX_LIT("\\r"));
		else if (p == '\t')
			ifx_buf_add(out, IFX_LIT("\\t"));
		else if (!len || p < 0x80)
			ifx_buf_addf(out, "\\x%02x", (unsigned)(unsigned char)s.ptr[at]);
		else
			ifx_buf_addf(out, "\\u%04x", (unsigned)p);
		at += len ? len : 1;
		done = at;
	}
	ifx_buf_add(out, ifx_str_sub(s, done, s.len - done));
}

/* --- places ---------------------------------------------------------------------------------- */

/* Line and column of `at`; moving forward costs only the bytes in between. */
struct cursor {
	ifx_str text;
	size_t at, line, column;
};

static void rewind_to_start(struct cursor *c)
{
	/* A byte order mark takes no column in any editor. */
	c->at = ifx_str_starts(c->text, IFX_LIT("\xef\xbb\xbf")) ? 3 : 0;
	c->line = c->column = 1;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void move_to(struct cursor *c, size_t at)
{
	const char *nl;

	if (at > c->text.len)
		at = c->text.len;
	while (at && at < c->text.len && is_continuation(c->text.ptr[at]))
		at--;
	if (!c->line || at < c->at)
		rewind_to_start(c);
	if (at <= c->at)
		return;
	while ((nl = memchr(c->text.ptr + c->at, '\n', at - c->at))) {
		c->at = (size_t)(nl - c->text.ptr) + 1;
		c->line++;
		c->column = 1;
	}
	for (; c->at < at; c->at++)
		c->column += !is_continuation(c->text.ptr[c->at]);
}

void ifx_line_column(ifx_str text, size_t at, size_t *line, size_t *column)
{
	struct cursor c = { .text = text };

	move_to(&c, at);
	*line = c.line;
	*column = c.column;
}

/* Both texts of a file, each with its own cursor. */
struct places {
	const struct ifx_file_report *file;
	struct cursor before, after;
};

/*
 * What is left in a file that was written is where it is now; what was fixed is gone, and is told
 * where it was.
 */
static const struct cursor *place(struct places *p, const struct ifx_finding *f)
{
	if (p->file->written && !f->applied && p->file->edits) {
		move_to(&p->after, ifx_edits_to_new(p->file->edits, f->at));
		return &p->after;
	}
	move_to(&p->before, f->at);
	return &p->before;
}

/* --- text ------------------------------------------------------------------------------------ */

static void add_style(const struct ifx_reporter *rep, struct ifx_buf *out, const char *sgr)
{
	if (rep->color)
		ifx_buf_addf(out, "\033[%sm", sgr);
}

static void add_clause(struct ifx_buf *out, const char *what, ifx_str text)
{
	if (!text.ptr)
		return;
	ifx_buf_add(out, IFX_LIT("; "));
	ifx_buf_add(out, ifx_str_of(what));
	add_plain(out, text);
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

static void add_text(const struct ifx_reporter *rep, struct ifx_buf *out, struct places *places,
		     const struct ifx_finding *f)
{
	static const char *const colors[] = { "1;36", "1;33", "1;31" };
	const struct cursor *at = place(places, f);

	add_style(rep, out, "1");
	add_plain(out, places->file->path);
	ifx_buf_addf(out, ":%zu:%zu:", at->line, at->column);
	add_style(rep, out, "0");
	ifx_buf_addc(out, ' ');
	add_style(rep, out, colors[f->severity]);
	ifx_buf_addf(out, "%s:", ifx_severity_name(f->severity));
	add_style(rep, out, "0");
	ifx_buf_addc(out, ' ');
	add_plain(out, f->message);
	add_clause(out, "", f->help);
	if (!f->applied)
		add_clause(out, "not fixed: ", f->refused);
	add_hint(out, places->file, f);
	ifx_buf_addc(out, ' ');
	add_style(rep, out, "2");
	ifx_buf_addf(out, f->ist ? "[%s %s]" : "[%s]", f->rule, f->ist);
	add_style(rep, out, "0");
	ifx_buf_addc(out, '\n');
}

/* --- JSON ------------------------------------------------------------------------------------ */

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

static void add_json(struct ifx_reporter *rep, struct ifx_buf *out, struct places *places,
		     const struct ifx_finding *f)
{
	const struct cursor *at = place(places, f);

	ifx_buf_add(out, rep->n_json++ ? IFX_LIT(",\n{") : IFX_LIT("\n{"));
	add_string(out, "rule", ifx_str_of(f->rule));
	add_string(out, "ist", ifx_str_of(f->ist));
	add_string(out, "level", ifx_str_of(ifx_level_name(f->level)));
	add_string(out, "severity", ifx_str_of(ifx_severity_name(f->severity)));
	add_string(out, "path", places->file->path);
	add_number(out, "line", at->line);
	add_number(out, "column", at->column);
	add_number(out, "document", f->document);
	add_string(out, "kind", f->kind);
	add_string(out, "namespace", f->namespace);
	add_string(out, "name", f->name);
	add_string(out, "message", f->message);
	add_string(out, "help", f->help);
	add_fix(out, f, places->file->written);
	ifx_buf_addc(out, '}');
}

void ifx_report_begin(struct ifx_reporter *rep, struct ifx_buf *out)
{
	rep->n_json = 0;
	if (rep->format == IFX_FORMAT_JSON)
		ifx_buf_add(out, IFX_LIT("{\"version\":\"" IFX_VERSION "\",\"results\":["));
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
		     struct ifx_buf *out)
{
	struct places places = {
		.file = file,
		.before = { .text = file->before },
		.after = { .text = file->after },
	};

	rep->tally.files++;
	rep->tally.changed += file->after.ptr != file->before.ptr;
	for (size_t i = 0; i < file->n_findings; i++) {
		const struct ifx_finding *f = file->findings[i];

		count(&rep->tally, f);
		if (rep->format == IFX_FORMAT_JSON)
			add_json(rep, out, &places, f);
		else if (!f->applied || !file->only_left || rep->verbose)
			add_text(rep, out, &places, f);
	}
}

void ifx_report_end(struct ifx_reporter *rep, struct ifx_buf *out)
{
	const struct ifx_tally *t = &rep->tally;

	if (rep->format != IFX_FORMAT_JSON)
		return;
	ifx_buf_add(out, rep->n_json ? IFX_LIT("\n],\"summary\":{") : IFX_LIT("],\"summary\":{"));
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

/* --- the last line --------------------------------------------------------------------------- */

static void add_count(struct ifx_buf *out, size_t n, const char *noun)
{
	ifx_buf_addf(out, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

/* " (2 need --choose, 1 needs --level repair)", or nothing. */
static void add_held(struct ifx_buf *out, const struct ifx_tally *t)
{
	const size_t n[] = { t->held_choice, t->fixable - t->held_choice };
	const char *const by[] = { "--choose", "--level repair" };
	const char *before = " (";

	for (int i = 0; i < 2; i++) {
		if (!n[i])
			continue;
		ifx_buf_addf(out, "%s%zu %s %s", before, n[i], n[i] == 1 ? "needs" : "need", by[i]);
		before = ", ";
	}
	if (t->fixable)
		ifx_buf_addc(out, ')');
}

void ifx_report_summary(const struct ifx_reporter *rep, bool wrote, struct ifx_buf *out)
{
	const struct ifx_tally *t = &rep->tally;
	size_t left = t->left[IFX_ERROR] + t->left[IFX_WARNING] + t->left[IFX_INFO];
	size_t all = t->fixed + left;
	const char *before = "; ";

	if (t->fixed) {
		ifx_buf_add(out, wrote ? IFX_LIT("fixed ") : IFX_LIT("would fix "));
		if (left)
			ifx_buf_addf(out, "%zu of ", t->fixed);
		add_count(out, all, "finding");
		ifx_buf_add(out, IFX_LIT(" in "));
		if (t->changed < t->files)
			ifx_buf_addf(out, "%zu of ", t->changed);
	} else if (all) {
		add_count(out, all, "finding");
		ifx_buf_add(out, IFX_LIT(" in "));
	} else {
		ifx_buf_add(out, IFX_LIT("no findings in "));
	}
	add_count(out, t->files, "file");
	add_held(out, t);
	for (int s = IFX_ERROR; s >= IFX_INFO; s--) {
		if (!t->left[s])
			continue;
		ifx_buf_add(out, ifx_str_of(before));
		/* "info" is no noun that takes a plural. */
		if (s == IFX_INFO)
			ifx_buf_addf(out, "%zu info", t->left[s]);
		else
			add_count(out, t->left[s], ifx_severity_name((ifx_severity)s));
		before = ", ";
	}
	if (left)
		ifx_buf_add(out, IFX_LIT(" left"));
	if (t->failed) {
		ifx_buf_add(out, IFX_LIT("; "));
		add_count(out, t->failed, "file");
		ifx_buf_add(out, IFX_LIT(" failed"));
	}
	ifx_buf_addc(out, '\n');
}
