/*
 * Findings that were there before: they are left alone, so that only new ones count.
 *
 *     version: 1
 *     findings:
 *     - rule: duration
 *       path: "apps/shop.yaml"                     # from the directory of the file
 *       resource: "apps/Deployment/shop/cart"      # group/kind/namespace/name
 *       text: "drainDuration: 45"                  # the line of the finding
 *
 * A finding is known by these four, not by its line number: lines may come and go, and documents
 * may change places. Where a file is not there any more, its entries are good for one of another
 * name: a moved file. A finding that is the same in all four is the same finding; a renamed
 * resource or an edited line makes a new one.
 */
#ifndef IFX_BASELINE_H
#define IFX_BASELINE_H

#include "base/buf.h"
#include "base/map.h"
#include "rule/finding.h"

#include <pthread.h>

/** A larger file is refused. Bytes. */
#define IFX_BASELINE_MAX ((size_t)64 << 20)
/** Bytes of a line that are kept. */
#define IFX_BASELINE_TEXT_MAX ((size_t)200)

struct ifx_baseline_entry {
	ifx_str rule, path, resource, text;
	size_t line; /* in the file */
	bool used;   /* a finding was the same */
	bool judged; /* its file was looked at, with its rule */
	bool moved;  /* its file is not there */
	struct ifx_baseline_entry *next_in_path, *next_alike;
};

struct ifx_baseline {
	ifx_str file; /* as typed */
	ifx_str dir;  /* its directory, real */
	struct ifx_arena arena;
	struct ifx_baseline_entry **entries; /* in the order of the file */
	size_t n, cap;
	struct ifx_map exact; /* rule, path, resource, text */
	struct ifx_map paths; /* the first entry of a path */
	struct ifx_map alike; /* rule, resource, text: entries of files that are gone */
	bool failed;          /* no memory */
	pthread_mutex_t lock; /* of what follows `renew` or `read` */
};

/** All zero: none. */
void ifx_baseline_release(struct ifx_baseline *b);
/**
 * An empty one, to be filled and written to `file`, which is not there yet, is empty, or is a
 * baseline. False: `err` says why.
 */
IFX_MUST_USE bool ifx_baseline_renew(struct ifx_baseline *b, ifx_str file, struct ifx_buf *err);
/** The one in `file`. False: `err` has a line for the mistake. */
IFX_MUST_USE bool ifx_baseline_read(struct ifx_baseline *b, ifx_str file, struct ifx_buf *err);

/* In any thread. */

/** What the entries call an input. Kept in the arena; ptr NULL: no memory. */
ifx_str ifx_baseline_path(struct ifx_baseline *b, ifx_str typed);
/** Was the finding there before? bytes: of its file; path: as ifx_baseline_path says. */
bool ifx_baseline_knows(struct ifx_baseline *b, const struct ifx_finding *f, ifx_str bytes,
			ifx_str path);
/** The rule looked at the file: an entry that nothing was the same as is stale. */
void ifx_baseline_judge(struct ifx_baseline *b, ifx_str path, const char *rule);
/** One line for each stale entry; returns how many. */
size_t ifx_baseline_stale(const struct ifx_baseline *b, struct ifx_buf *out);

/** Add a finding, once. */
void ifx_baseline_add(struct ifx_baseline *b, const struct ifx_finding *f, ifx_str bytes,
		      ifx_str path);
/** Write it, sorted: all of it or nothing. False: `err` says why. */
IFX_MUST_USE bool ifx_baseline_write(struct ifx_baseline *b, struct ifx_buf *err);

#endif
