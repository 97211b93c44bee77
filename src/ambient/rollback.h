/*
 * A phase taken back, to the byte, from the ledger (ledger.h): only where the files are what the
 * phase left. Nothing is guessed; what does not fit is refused, and said.
 *
 * A ledger is not trusted. It leads only to files of the input, that is below the given paths,
 * through no symbolic link, and what it restores has to have the hash that it tells.
 */
#ifndef IFX_AMBIENT_ROLLBACK_H
#define IFX_AMBIENT_ROLLBACK_H

#include "ambient/ledger.h"
#include "ambient/passage.h"
#include "edit/edit.h"

/** One file on its way back. */
struct ifx_return {
	ifx_str real; /* ends in NUL */
	ifx_str path; /* for people */
	struct stat st;
	ifx_str disk;           /* the bytes that are there; ptr NULL: no file */
	ifx_str now;            /* the same, later the bytes that are to be there; ptr NULL: none */
	struct ifx_edits edits; /* of `disk` */
};

struct ifx_rollback_book {
	ifx_str root, path;
	struct stat st;
	struct ifx_ledger ledger;
	bool changed;
};

struct ifx_rollback {
	struct ifx_arena arena;
	const struct ifx_inputs *inputs;
	ifx_str *tops; /* directories of the command line, real */
	size_t n_tops;
	struct ifx_return *files; /* of the input, sorted by real path; then others */
	size_t n_inputs, n_files, cap_files;
	struct ifx_rollback_book *books;
	size_t n_books, cap_books;
	struct ifx_buf text;      /* what was taken back, one line each */
	struct ifx_buf refused;   /* why something was not, one line each */
	size_t n_done, n_refused; /* steps */
};

/**
 * Find the ledgers, and take the phase back in memory.
 * names      namespaces; n 0: all.
 * tops       the paths of the command line, as typed.
 * IFX_ENOMEM, IFX_EIO (told). To be released whatever is returned.
 */
IFX_MUST_USE ifx_status ifx_rollback_make(struct ifx_rollback *r, const struct ifx_inputs *inputs,
					  char *const *tops, size_t n_tops, ifx_step step,
					  const ifx_str *names, size_t n, ifx_complain_fn *complain,
					  void *data);
void ifx_rollback_release(struct ifx_rollback *r);

void ifx_rollback_diff(struct ifx_buf *out, const struct ifx_rollback *r);
/** Paths of files that change, a line each. */
void ifx_rollback_list(struct ifx_buf *out, const struct ifx_rollback *r);
/** As ifx_apply_commit. */
IFX_MUST_USE ifx_status ifx_rollback_commit(struct ifx_rollback *r, ifx_str home,
					    ifx_complain_fn *complain, void *data);

#endif
