#include "io/diff.h"

/*
 * Edits are widened to whole lines; edits in the same line, or in neighbouring ones, make one
 * change. A change is trimmed of lines that are equal at its start and its end; what is left is
 * printed with `-` and `+`. Changes with no more than two contexts between them share a hunk.
 *
 * A line is what ends behind "\n", or at the end of the text. A carriage return is a character
 * like any other, as it is for git.
 *
 * Every byte is looked at a constant number of times: lines are counted and searched forward from
 * where the last change ended.
 */

/* The hunk that is growing: one header, and its body so far. */
struct hunk {
	struct ifx_buf *out;
	ifx_str before;
	size_t context;
	struct ifx_buf body;
	bool open;
	size_t old_line, n_old, n_new;
	size_t at;       /* end of what is in the body, in the old text */
	long long shift; /* new minus old line numbers, before the hunk */
};

/* Offset behind the line that holds byte `at`. */
static size_t line_end(ifx_str text, size_t at)
{
	const char *nl = at < text.len ? memchr(text.ptr + at, '\n', text.len - at) : NULL;

	return nl ? (size_t)(nl - text.ptr) + 1 : text.len;
}

/* Start of the line that holds byte `at`, not before `from`, which starts one. */
static size_t line_start(ifx_str text, size_t from, size_t at)
{
	const char *nl = at > from ? memrchr(text.ptr + from, '\n', at - from) : NULL;

	return nl ? (size_t)(nl - text.ptr) + 1 : from;
}

static size_t count_lines(ifx_str text)
{
	size_t n = 0;

	for (size_t at = 0; at < text.len; at = line_end(text, at))
		n++;
	return n;
}

static size_t add_lines(struct ifx_buf *out, char sign, ifx_str text)
{
	size_t n = 0;

	while (text.len) {
		size_t len = line_end(text, 0);

		ifx_buf_addc(out, sign);
		ifx_buf_add(out, ifx_str_sub(text, 0, len));
		if (text.ptr[len - 1] != '\n')
			ifx_buf_add(out, IFX_LIT("\n\\ No newline at end of file\n"));
		text = ifx_str_sub(text, len, text.len - len);
		n++;
	}
	return n;
}

static ifx_str old_text(const struct hunk *h, size_t at, size_t end)
{
	return ifx_str_sub(h->before, at, end - at);
}

/* `line,count`; an empty range is named by the line before it, and a count of 1 is left out. */
static void add_range(struct ifx_buf *out, size_t line, size_t n)
{
	ifx_buf_addf(out, "%zu", n ? line + 1 : line);
	if (n != 1)
		ifx_buf_addf(out, ",%zu", n);
}

/* Up to `max` lines from `at` on: where they end. */
static size_t skip_lines(ifx_str text, size_t at, size_t max)
{
	for (; max && at < text.len; max--)
		at = line_end(text, at);
	return at;
}

static void close_hunk(struct hunk *h)
{
	size_t end, n;

	if (!h->open)
		return;
	end = skip_lines(h->before, h->at, h->context);
	n = add_lines(&h->body, ' ', old_text(h, h->at, end));
	h->n_old += n;
	h->n_new += n;
	h->at = end;
	ifx_buf_add(h->out, IFX_LIT("@@ -"));
	add_range(h->out, h->old_line, h->n_old);
	ifx_buf_add(h->out, IFX_LIT(" +"));
	add_range(h->out, (size_t)((long long)h->old_line + h->shift), h->n_new);
	ifx_buf_add(h->out, IFX_LIT(" @@\n"));
	ifx_buf_add(h->out, ifx_buf_str(&h->body));
	if (h->body.bad)
		h->out->bad = true;
	h->shift += (long long)h->n_new - (long long)h->n_old;
	h->open = false;
}

/*
 * Lines [at, end) of the old text become `text`. gap: lines between the last change and this one;
 * line: number of the first line, from 0.
 */
static void add_change(struct hunk *h, size_t at, size_t end, size_t line, size_t gap, ifx_str text)
{
	size_t n;

	/* Without division: a context may be SIZE_MAX. */
	if (h->open && gap > h->context && gap - h->context > h->context)
		close_hunk(h);
	if (!h->open) {
		size_t start = at;

		for (n = 0; n < h->context && start > h->at; n++)
			start = line_start(h->before, h->at, start - 1);
		ifx_buf_clear(&h->body);
		h->open = true;
		h->old_line = line - n;
		h->n_old = h->n_new = 0;
		h->at = start;
	}
	n = add_lines(&h->body, ' ', old_text(h, h->at, at));
	h->n_old += n + add_lines(&h->body, '-', old_text(h, at, end));
	h->n_new += n + add_lines(&h->body, '+', text);
	h->at = end;
}

/* Take equal lines off both ends; [*at, *end) are whole lines, and so is `text`. */
static void trim(ifx_str before, size_t *at, size_t *end, ifx_str *text)
{
	while (*at < *end && text->len) {
		size_t len = line_end(before, *at) - *at;

		if (line_end(*text, 0) != len || memcmp(before.ptr + *at, text->ptr, len) != 0)
			break;
		*at += len;
		*text = ifx_str_sub(*text, len, text->len - len);
	}
	while (*at < *end && text->len) {
		size_t start = line_start(before, *at, *end - 1);
		size_t from = line_start(*text, 0, text->len - 1);

		if (!ifx_str_eq(ifx_str_sub(before, start, *end - start),
				ifx_str_sub(*text, from, text->len - from)))
			break;
		*end = start;
		text->len = from;
	}
}

/* A path in a header. git quotes the whole word, prefix included. */
static void add_path(struct ifx_buf *out, const char *prefix, ifx_str path)
{
	static const char named[] = "\aa\bb\tt\nn\vv\ff\rr\"\"\\\\";
	bool quote = false;

	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.ptr[i];

		quote |= c < 0x20 || c >= 0x7f || c == '"' || c == '\\';
	}
	if (quote)
		ifx_buf_addc(out, '"');
	ifx_buf_add(out, ifx_str_of(prefix));
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.ptr[i];
		const char *name = NULL;

		for (const char *p = named; *p; p += 2)
			if ((unsigned char)*p == c)
				name = p + 1;
		if (name)
			ifx_buf_addf(out, "\\%c", *name);
		else if (c < 0x20 || c >= 0x7f)
			ifx_buf_addf(out, "\\%03o", (unsigned)c);
		else
			ifx_buf_addc(out, (char)c);
	}
	if (quote)
		ifx_buf_addc(out, '"');
}

enum kind { CHANGED, CREATED, REMOVED };

static void add_name(struct ifx_buf *out, const char *prefix, ifx_str path, bool none, bool tab)
{
	if (none)
		ifx_buf_add(out, IFX_LIT("/dev/null"));
	else
		add_path(out, prefix, path);
	ifx_buf_add(out, tab && !none ? IFX_LIT("\t\n") : IFX_LIT("\n"));
}

static void add_header(struct ifx_buf *out, ifx_str path, enum kind kind)
{
	/* patch takes a name only up to a blank, unless a tab ends it. */
	bool tab;

	while (path.len && (path.ptr[0] == '/' || ifx_str_starts(path, IFX_LIT("./"))))
		path = ifx_str_sub(path, 1, path.len - 1);
	tab = ifx_str_chr(path, ' ') != SIZE_MAX;
	ifx_buf_add(out, IFX_LIT("diff --git "));
	add_path(out, "a/", path);
	ifx_buf_addc(out, ' ');
	add_path(out, "b/", path);
	if (kind != CHANGED)
		ifx_buf_addf(out, "\n%s file mode 100644", kind == CREATED ? "new" : "deleted");
	ifx_buf_add(out, IFX_LIT("\n--- "));
	add_name(out, "a/", path, kind == CREATED, tab);
	ifx_buf_add(out, IFX_LIT("+++ "));
	add_name(out, "b/", path, kind == REMOVED, tab);
}

/* One change, while edits are added to it. */
struct widened {
	size_t at, end;      /* whole lines of the old text */
	size_t pos;          /* how much of the old text is done with */
	struct ifx_buf text; /* what [at, pos) became */
};

/* Does an edit at `at` belong to the change: same line, or the next one? */
static bool touches(const struct widened *w, ifx_str before, size_t at)
{
	return at <= w->end || at < line_end(before, w->end);
}

static void widen(struct widened *w, ifx_str before, const struct ifx_edit *e)
{
	struct ifx_buf *text = &w->text;

	ifx_buf_add(text, ifx_str_sub(before, w->pos, e->span.at - w->pos));
	ifx_buf_add(text, e->text);
	w->pos = e->span.at + e->span.len;
	if (w->pos < w->end)
		return;
	/* It ends with the edit where a line starts in both texts, else with the edit's line. */
	if ((w->pos == 0 || before.ptr[w->pos - 1] == '\n') &&
	    (!text->len || text->data[text->len - 1] == '\n'))
		w->end = w->pos;
	else
		w->end = line_end(before, w->pos);
}

static void add_diff(struct ifx_buf *out, ifx_str path, ifx_str before,
		     const struct ifx_edits *edits, size_t context, enum kind kind)
{
	struct hunk h = { .out = out, .before = before, .context = context };
	struct widened w;
	size_t start = out->len, header;
	size_t done = 0, done_line = 0; /* end of the last change, and its line number from 0 */

	add_header(out, path, kind);
	header = out->len;
	ifx_buf_init(&h.body, IFX_BUF_MAX);
	ifx_buf_init(&w.text, IFX_BUF_MAX);
	for (size_t i = 0; i < edits->n;) {
		ifx_str text;
		size_t gap;

		w.at = w.pos = w.end = line_start(before, done, edits->items[i].span.at);
		ifx_buf_clear(&w.text);
		do
			widen(&w, before, &edits->items[i++]);
		while (i < edits->n && touches(&w, before, edits->items[i].span.at));
		ifx_buf_add(&w.text, ifx_str_sub(before, w.pos, w.end - w.pos));
		if (w.text.bad)
			break;
		text = ifx_buf_str(&w.text);
		trim(before, &w.at, &w.end, &text);
		if (w.at == w.end && !text.len)
			continue;
		gap = count_lines(ifx_str_sub(before, done, w.at - done));
		add_change(&h, w.at, w.end, done_line + gap, gap, text);
		done_line += gap + count_lines(ifx_str_sub(before, w.at, w.end - w.at));
		done = w.end;
	}
	close_hunk(&h);
	if (w.text.bad)
		out->bad = true;
	if (out->len == header && kind == CHANGED && !out->bad) {
		out->len = start;
		out->data[start] = '\0';
	}
	ifx_buf_release(&h.body);
	ifx_buf_release(&w.text);
}

void ifx_diff(struct ifx_buf *out, ifx_str path, ifx_str before, const struct ifx_edits *edits,
	      size_t context)
{
	add_diff(out, path, before, edits, context, CHANGED);
}

void ifx_diff_created(struct ifx_buf *out, ifx_str path, ifx_str bytes)
{
	struct ifx_edit all = { { 0, 0 }, bytes, 0 };

	add_diff(out, path, IFX_LIT(""), &(struct ifx_edits){ &all, bytes.len > 0, 1 }, 3, CREATED);
}

void ifx_diff_removed(struct ifx_buf *out, ifx_str path, ifx_str bytes)
{
	struct ifx_edit all = { { 0, bytes.len }, IFX_LIT(""), 0 };

	add_diff(out, path, bytes, &(struct ifx_edits){ &all, bytes.len > 0, 1 }, 3, REMOVED);
}
