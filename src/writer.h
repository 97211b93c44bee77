/*
 * Where fixed files go: each at once, or with --atomic all together at the end.
 */
#ifndef IFX_WRITER_H
#define IFX_WRITER_H

#include "config.h"
#include "io/atomic.h"

#include <signal.h>

struct ifx_writer {
	const struct ifx_config *config;
	struct ifx_atomic atomic;
	sigset_t signals; /* as they were */
};

/**
 * home: of the journal (ifx_home_of), borrowed. With --atomic, signals that end a process wait from
 * here on until the writer is closed.
 */
void ifx_writer_open(struct ifx_writer *w, const struct ifx_config *config, ifx_str home);
/**
 * path: as typed, NUL-terminated. before: what fstat said when it was read. With --atomic the file
 * is not replaced before ifx_writer_commit. err: one line without file name.
 */
IFX_MUST_USE ifx_status ifx_writer_write(struct ifx_writer *w, const char *path,
					 const struct stat *before, ifx_str bytes,
					 struct ifx_buf *err);
/** With --atomic: does a signal ask us to end? */
bool ifx_writer_is_interrupted(const struct ifx_writer *w);
/** With --atomic, replace all files (ifx_atomic_commit), or none. */
IFX_MUST_USE ifx_status ifx_writer_commit(struct ifx_writer *w, ifx_complain_fn *complain,
					  void *data);
IFX_MUST_USE ifx_status ifx_writer_undo(struct ifx_writer *w, ifx_complain_fn *complain,
					void *data);
/** A signal that waited ends the process here. */
void ifx_writer_close(struct ifx_writer *w);

#endif
