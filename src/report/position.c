#include "report/position.h"

#include "base/alloc.h"

/** Distance of marks. Bytes. */
#define STEP ((size_t)4096)

static void rewind_to_start(struct ifx_cursor *c)
{
	/* A byte order mark takes no column in any editor. */
	c->at = ifx_str_starts(c->text, IFX_LIT("\xef\xbb\xbf")) ? 3 : 0;
	c->position = (struct ifx_position){ 1, 1 };
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* To the mark before `at` (or the start) if that is a way back, or a short cut. */
static void jump(struct ifx_cursor *c, size_t at)
{
	size_t n = at / STEP < c->n_marks ? at / STEP : c->n_marks;

	if (c->position.line && at >= c->at && n * STEP <= c->at)
		return;
	rewind_to_start(c);
	if (!n)
		return;
	c->at = n * STEP;
	c->position = c->marks[n - 1];
}

static void walk(struct ifx_cursor *c, size_t at)
{
	const char *nl;

	while (c->at < at && (nl = memchr(c->text.ptr + c->at, '\n', at - c->at))) {
		c->at = (size_t)(nl - c->text.ptr) + 1;
		c->position.line++;
		c->position.column = 1;
	}
	for (; c->at < at; c->at++)
		c->position.column += !is_continuation(c->text.ptr[c->at]);
}

static bool leave_mark(struct ifx_cursor *c)
{
	struct ifx_position *marks =
		ifx_grow(c->marks, &c->cap_marks, c->n_marks + 1, sizeof(*marks));

	if (!marks)
		return false;
	c->marks = marks;
	marks[c->n_marks++] = c->position;
	return true;
}

struct ifx_position ifx_cursor_move(struct ifx_cursor *c, size_t at)
{
	if (at > c->text.len)
		at = c->text.len;
	while (at && at < c->text.len && is_continuation(c->text.ptr[at]))
		at--;
	jump(c, at);
	while ((c->n_marks + 1) * STEP <= at && (c->n_marks + 1) * STEP >= c->at) {
		walk(c, (c->n_marks + 1) * STEP);
		if (!leave_mark(c))
			break;
	}
	walk(c, at);
	return c->position;
}

void ifx_cursor_release(struct ifx_cursor *c)
{
	ifx_free(c->marks);
	*c = (struct ifx_cursor){ 0 };
}

struct ifx_position ifx_position(ifx_str text, size_t at)
{
	struct ifx_cursor c = { .text = text };
	struct ifx_position position = ifx_cursor_move(&c, at);

	ifx_cursor_release(&c);
	return position;
}

struct ifx_cursors ifx_cursors_of(const struct ifx_file_report *file)
{
	return (struct ifx_cursors){
		.file = file,
		.before = { .text = file->before },
		.after = { .text = file->after },
	};
}

void ifx_cursors_release(struct ifx_cursors *c)
{
	ifx_cursor_release(&c->before);
	ifx_cursor_release(&c->after);
}

/* Is it to be looked for in the text that was written? */
static bool is_after(const struct ifx_cursors *c, const struct ifx_finding *f)
{
	return c->file->written && !f->applied && c->file->edits;
}

/* Its text in the one or the other. */
static ifx_span span_in(const struct ifx_cursors *c, const struct ifx_finding *f, bool after)
{
	ifx_span span = { f->at, f->len };
	size_t end;

	if (after && f->has_now)
		return (ifx_span){ f->now, f->now_len };
	if (!after)
		return span;
	end = ifx_edits_to_new(c->file->edits, f->at + f->len);
	span.at = ifx_edits_to_new(c->file->edits, f->at);
	span.len = end > span.at ? end - span.at : 0;
	return span;
}

struct ifx_position ifx_finding_position(struct ifx_cursors *c, const struct ifx_finding *f)
{
	bool after = is_after(c, f);

	return ifx_cursor_move(after ? &c->after : &c->before, span_in(c, f, after).at);
}

struct ifx_region ifx_finding_region(struct ifx_cursors *c, const struct ifx_finding *f)
{
	bool after = is_after(c, f);
	struct ifx_cursor *cursor = after ? &c->after : &c->before;
	ifx_span span = span_in(c, f, after);
	struct ifx_region region = { .start = ifx_cursor_move(cursor, span.at) };
	size_t start = cursor->at, end = span.at + span.len;

	if (end > cursor->text.len)
		end = cursor->text.len;
	while (end > start && strchr("\r\n", cursor->text.ptr[end - 1]) &&
	       cursor->text.ptr[end - 1])
		end--;
	region.end = end > start ? ifx_cursor_move(cursor, end) : region.start;
	return region;
}
