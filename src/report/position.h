/*
 * Lines and columns, both counted from 1. Only "\n" ends a line, columns are Unicode code points,
 * and a byte order mark at the start of a text takes none.
 */
#ifndef IFX_REPORT_POSITION_H
#define IFX_REPORT_POSITION_H

#include "report/report.h"

struct ifx_position {
	size_t line, column;
};

/** Half-open: `end` is behind the last character. */
struct ifx_region {
	struct ifx_position start, end;
};

/**
 * A position that moves. Going forward costs the bytes in between, going back next to nothing: it
 * leaves marks on its way. All zero but for `text`: nowhere yet.
 */
struct ifx_cursor {
	ifx_str text;
	size_t at;
	struct ifx_position position;
	struct ifx_position *marks; /* every few kilobytes */
	size_t n_marks, cap_marks;
};

/** Both texts of a file. */
struct ifx_cursors {
	const struct ifx_file_report *file;
	struct ifx_cursor before, after;
};

/** A byte in the middle of a character counts as its start. */
struct ifx_position ifx_position(ifx_str text, size_t at);
/** As ifx_position; the cursor stays there. Without memory for marks it is only slower. */
struct ifx_position ifx_cursor_move(struct ifx_cursor *cursor, size_t at);
void ifx_cursor_release(struct ifx_cursor *cursor);

struct ifx_cursors ifx_cursors_of(const struct ifx_file_report *file);
void ifx_cursors_release(struct ifx_cursors *cursors);
/**
 * Where a finding is. What is left in a file that was written is where it is now; what was fixed is
 * gone, and is told where it was.
 */
struct ifx_position ifx_finding_position(struct ifx_cursors *cursors, const struct ifx_finding *f);
/** From there to the end of its text, line ends behind it left out. */
struct ifx_region ifx_finding_region(struct ifx_cursors *cursors, const struct ifx_finding *f);

#endif
