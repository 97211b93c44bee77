/*
 * What runs left behind that were killed: journals of --atomic runs, and temporary files.
 */
#ifndef IFX_IO_UNFINISHED_H
#define IFX_IO_UNFINISHED_H

#include "io/files.h"

/** Who is told; `note` gets one line without end about what was done. */
struct ifx_listener {
	ifx_complain_fn *complain;
	void (*note)(void *data, ifx_str text);
	void *data;
};

/**
 * The deepest directory that holds all roots of the input: absolute, without symbolic links. A run
 * has its journal there. Ends in NUL; ptr NULL: no memory. Without roots it is "/".
 */
ifx_str ifx_home_of(const struct ifx_inputs *inputs, struct ifx_arena *arena);

/**
 * Undo or finish what was interrupted at `home` or below it, and remove temporary files that were
 * found on the walk. A run that was interrupted further up is not touched: it may be about files
 * that nobody named now.
 *
 * changed  set when files were put back, so that what was asked about them no longer holds.
 * IFX_EREFUSED, IFX_EIO: an unfinished run stays, that was told, and nothing must be written.
 */
IFX_MUST_USE ifx_status ifx_unfinished_settle(const struct ifx_inputs *inputs, ifx_str home,
					      const struct ifx_listener *to, bool *changed);
/** Only say that there is something. */
void ifx_unfinished_mention(const struct ifx_inputs *inputs, ifx_str home,
			    const struct ifx_listener *to);

#endif
