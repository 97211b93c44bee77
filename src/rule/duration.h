/*
 * Durations in the two grammars that Istio's users write: Go's time.ParseDuration and the
 * Gateway API's GEP-2257. Values are exact, in nanoseconds.
 */
#ifndef IFX_RULE_DURATION_H
#define IFX_RULE_DURATION_H

#include "rule/facts.h"

typedef enum {
	IFX_DUR_VALID,   /* the grammar takes it; ns is its value */
	IFX_DUR_FOREIGN, /* the grammar refuses it, but only one reading exists; ns is that reading
			  */
	IFX_DUR_INVALID, /* neither; why says so */
	IFX_DUR_OPAQUE,  /* a hole of a template: not ours to judge */
} ifx_dur_kind;

struct ifx_duration {
	ifx_dur_kind kind;
	long long ns;    /* VALID, FOREIGN */
	const char *why; /* INVALID: "not a duration", "has no unit and a leading zero", "does not
			    fit ..." */
	const char *assumption; /* FOREIGN: "read as seconds", "1d read as 24h", "ISO 8601" */
};

/** Is there a hole of a template in it: `{{`, `${`, `$(`, `<%`, or a mask (template/mask.h)? Then
 * it is not ours to judge. */
bool ifx_text_has_hole(ifx_str text);

/**
 * Read `text`, the value of a duration field. What Go accepts is read to the nanosecond as Go does.
 *
 * Foreign spellings for both grammars: a bare number is seconds (`45`), blanks around
 * or inside (`45 s`), upper-case and long units (`45S`, `45sec`, `45 seconds`, `5min`, `1hr`,
 * `1d`), ISO 8601 (`PT45S`, `PT1M30S`). Text that Go's grammar takes and GEP-2257 does not (`1.5s`,
 * `100000s`, `+5s`, `0`) is FOREIGN for the latter. Everything else is INVALID (`1:30`, `1e3s`,
 * empty), also what has two readings: `045`, and `5M`, which may be months. Negative values are
 * read; ifx_duration_allowed refuses them.
 */
struct ifx_duration ifx_duration_read(ifx_str text, ifx_grammar grammar);

/** Tidy: one whole number and one unit, whole seconds not written as ms, us or ns (DESIGN 11). */
bool ifx_duration_is_tidy(ifx_str text);

/**
 * The canonical text of a value: Go grammar `<n>s`, below a second or with a fraction of one
 * `<n>ms`, then `<n>us`, `<n>ns`; zero is `0s`. GEP-2257: largest units first (`1h30m`, `1s500ms`).
 * False when it cannot be written (GEP-2257 below 1ms or more than five digits of hours).
 */
bool ifx_duration_write(long long ns, ifx_grammar grammar, struct ifx_buf *out);

/**
 * Is the value allowed in the field? Otherwise `why` (may be NULL) gets the allowed range: "at
 * least 1s, whole seconds", "0s or at least 1ms, whole milliseconds", "0s is refused: at least 1ms,
 * at most 1h". A negative value never is.
 */
bool ifx_duration_allowed(const struct ifx_duration_fact *fact, long long ns, struct ifx_buf *why);

#endif
