/*
 * PCRE2 behind four functions. Patterns match the whole subject, see bytes as
 * Latin-1 unless IFX_REGEX_UTF, and never run longer than the match limit.
 * Compiled patterns are read-only and may be shared between threads.
 */
#ifndef IFX_BASE_REGEX_H
#define IFX_BASE_REGEX_H

#include "base/buf.h"

/** Steps that one match may take before it counts as "no match" (IFX_ELIMIT). */
#define IFX_REGEX_MATCH_LIMIT 100000u
/** Captures that ifx_regex_match can report, the whole match included. */
#define IFX_REGEX_GROUPS 10

enum {
	IFX_REGEX_UTF = 1, /* subject is valid UTF-8 (the caller has checked it) */
	IFX_REGEX_ICASE = 2,
	IFX_REGEX_JIT = 4, /* machine code: pays after some 35 matches (5.6 us, then 0.06 instead of
			      0.22) */
};

struct ifx_regex;

/**
 * Compile an anchored pattern.
 * IFX_EINVAL  the pattern is wrong; `err` says what and at which offset.
 */
IFX_MUST_USE ifx_status ifx_regex_new(struct ifx_regex **out, ifx_str pattern, unsigned flags,
				      struct ifx_buf *err);
/**
 * Compile a shell glob (`*`, `?`, `[...]`, and `**` across slashes); `*` stops at a slash.
 */
IFX_MUST_USE ifx_status ifx_regex_glob(struct ifx_regex **out, ifx_str glob, struct ifx_buf *err);
/**
 * True when the whole subject matches. groups: NULL, or IFX_REGEX_GROUPS entries;
 * an unset group has ptr NULL.
 */
bool ifx_regex_match(const struct ifx_regex *regex, ifx_str subject, ifx_str *groups);
void ifx_regex_free(struct ifx_regex *regex);

#endif
