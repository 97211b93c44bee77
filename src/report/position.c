#include "report/position.h"

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

struct ifx_position ifx_cursor_move(struct ifx_cursor *c, size_t at)
{
	const char *nl;

	if (at > c->text.len)
		at = c->text.len;
	while (at && at < c->text.len && is_continuation(c->text.ptr[at]))
		at--;
	if (!c->position.line || at < c->at)
		rewind_to_start(c);
	while (c->at < at && (nl = memchr(c->text.ptr + c->at, '\n', at - c->at))) {
		c->at = (size_t)(nl - c->text.ptr) + 1;
		c->position.line++;
		c->position.column = 1;
	}
	for (; c->at < at; c->at++)
		c->position.column += !is_continuation(c->text.ptr[c->at]);
	return c->position;
}

struct ifx_position ifx_position(ifx_str text, size_t at)
{
	struct ifx_cursor c = { .text = text };

	return ifx_cursor_move(&c, at);
}

struct ifx_cursors ifx_cursors_of(const struct ifx_file_report *file)
{
	return (struct ifx_cursors){
		.file = file,
		.before = { .text = file->before },
		.after = { .text = file->after },
	};
}

struct ifx_position ifx_finding_position(struct ifx_cursors *c, const struct ifx_finding *f)
{
	if (c->file->written && !f->applied && c->file->edits)
		return ifx_cursor_move(&c->after, ifx_edits_to_new(c->file->edits, f->at));
	return ifx_cursor_move(&c->before, f->at);
}
