/*
 * The record of what was there before each phase: `.istio-fix/ambient.json` beside the root of an
 * environment, plain JSON with sorted keys, fit for review.
 *
 *     {
 *       "steps": [
 *         {
 *           "files": {
 *             "orders/api.yaml": {
 *               "after": "<SHA-256>",
 *               "before": "<SHA-256>",
 *               "edits": [
 *                 {"at": 120, "length": 31, "text": "istio-injection: enabled"}
 *               ]
 *             },
 *             "orders/waypoint.yaml": {"after": "<SHA-256>", "before": null},
 *             "orders/old.yaml": {"after": null, "before": "<SHA-256>", "text": "..."}
 *           },
 *           "namespaces": ["orders"],
 *           "phase": "enroll"
 *         }
 *       ],
 *       "version": 1
 *     }
 *
 * `at` and `length` are bytes of the new text, `text` is what stood there. Paths are relative to
 * the environment's root. A step holds all namespaces whose changes share a file: they go back
 * together.
 *
 * A ledger may come from a stranger's pull request. It is data: whoever uses one looks at every
 * path, and believes no text that does not have its hash.
 */
#ifndef IFX_AMBIENT_LEDGER_H
#define IFX_AMBIENT_LEDGER_H

#include "base/arena.h"
#include "base/buf.h"

#define IFX_LEDGER_DIR  ".istio-fix"
#define IFX_LEDGER_NAME IFX_LEDGER_DIR "/ambient.json"
/** A larger one is refused. Bytes. */
#define IFX_LEDGER_MAX ((size_t)256 << 20)

struct ifx_ledger_edit {
	size_t at, length; /* in the new text */
	ifx_str text;      /* of the old one */
};

struct ifx_ledger_file {
	ifx_str path;
	ifx_str before, after; /* hashes; ptr NULL: the file was, or is, not there */
	ifx_str text;          /* of a file that was removed */
	const struct ifx_ledger_edit *edits;
	size_t n_edits;
};

struct ifx_ledger_step {
	ifx_str phase;
	const ifx_str *namespaces; /* sorted */
	size_t n_namespaces;
	struct ifx_ledger_file *files; /* sorted by path */
	size_t n_files;
};

struct ifx_ledger {
	struct ifx_ledger_step *steps; /* in the order in which they were taken */
	size_t n, cap;
};

/** Read one; texts live in `arena`, steps are to be released. IFX_EINVAL: `why` says what is wrong.
 */
IFX_MUST_USE ifx_status ifx_ledger_read(struct ifx_ledger *out, ifx_str bytes,
					struct ifx_arena *arena, struct ifx_buf *why);
void ifx_ledger_release(struct ifx_ledger *ledger);
/** Add a step (its parts are borrowed). False: no memory. */
bool ifx_ledger_add(struct ifx_ledger *ledger, struct ifx_ledger_step step);
/** Take a step out. */
void ifx_ledger_remove(struct ifx_ledger *ledger, size_t index);
/** Append the text. */
void ifx_ledger_write(struct ifx_buf *out, const struct ifx_ledger *ledger);

/** May they be the same step, told from two places? Phase, namespaces, names of files and hashes
 * are the same. */
bool ifx_ledger_same(const struct ifx_ledger_step *a, const struct ifx_ledger_step *b);
/**
 * The text before, from the text after.
 * IFX_EREFUSED: the hash of `now`, or that of the result, is another one.
 */
IFX_MUST_USE ifx_status ifx_ledger_restore(const struct ifx_ledger_file *file, ifx_str now,
					   struct ifx_buf *before);

#endif
