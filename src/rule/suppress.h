/*
 * What a text says about findings in it that are to be left alone.
 *
 *     # istio-fix: ignore-file[duration] reason      before the first key: the document; in the
 *                                                    first document of a file, the file; in a
 *                                                    ResourceList the item
 *     # istio-fix: ignore[duration,IST0107] reason   directly above a key or an item: all of it
 *     key: value  # istio-fix: ignore[duration]      behind: the line, and all of a key that begins
 *                                                    on it or a value that ends on it
 *     istio-fix.dev/ignore: "duration"               annotation of an object: the object; "*" is
 *                                                    every rule
 *     galley.istio.io/analyze-suppress: "IST0107"    istioctl's; "*" is every rule with a code
 *
 * Rules are named by id or by istioctl's code. A comment without brackets would hide what nobody
 * has seen yet: it is a fault, as is a name that no rule has.
 */
#ifndef IFX_RULE_SUPPRESS_H
#define IFX_RULE_SUPPRESS_H

#include "rule/transform.h"

/** Suppressions of one document; more are a fault, and hold for nothing. */
#define IFX_SUPPRESSIONS_MAX ((size_t)10000)
/** A text without any of these words says nothing of the kind. */
#define IFX_SUPPRESS_WORD  "istio-fix"
#define IFX_SUPPRESS_GUEST "analyze-suppress"
/** The rule that judges suppressions; what it finds is found by the pipeline. */
#define IFX_SUPPRESSION_RULE "suppression"
/** The annotation's key. */
#define IFX_SUPPRESS_KEY "istio-fix.dev/ignore"

/** One rule in one place. */
struct ifx_suppression {
	ifx_span scope;                   /* of the document, or of the file */
	size_t at, len;                   /* what says so */
	const struct ifx_transform *rule; /* NULL: every rule */
	ifx_suppressed_by by;
	bool whole_file; /* at, len count in the document all the same */
	bool with_code;  /* only rules with a code of istioctl */
	bool guest;      /* written for istioctl: no fault, never called unused */
	size_t name;     /* items of one name: a code may be that of several rules */
	bool used;
};

/** Something that was meant to be one. */
struct ifx_suppress_fault {
	size_t at, len;
	ifx_str text;
};

/** All zero: none. Memory is the arena's that is given. */
struct ifx_suppressions {
	struct ifx_suppression *items;
	size_t n, cap;
	struct ifx_suppress_fault *faults;
	size_t n_faults, cap_faults;
};

/** The rules that may be named. */
struct ifx_rule_list {
	const struct ifx_transform *const *items;
	size_t n;
};

/**
 * All suppressions of a document; offsets count in its source.
 * first  it is the first one of its file.
 */
IFX_MUST_USE ifx_status ifx_suppressions_read(struct ifx_suppressions *s, const struct ifx_doc *doc,
					      const struct ifx_resource *resources,
					      struct ifx_rule_list rules, bool first,
					      struct ifx_arena *arena);
void ifx_suppressions_release(struct ifx_suppressions *s);

/**
 * Who suppresses a finding of `rule` at this offset? All that do are marked as used.
 */
ifx_suppressed_by ifx_suppressed(struct ifx_suppressions *s, const struct ifx_transform *rule,
				 size_t at);

/** Offset of the `]` of a comment `# istio-fix: ignore[...]`; 0 when it is none. */
size_t ifx_ignore_bracket(ifx_str comment);
/** Is the rule in a list "a, b", by its id or code? */
bool ifx_lists_rule(ifx_str list, const struct ifx_transform *rule);
/** All entries of a document by their start; NULL: no memory. */
const struct ifx_entry **ifx_entries_of(const struct ifx_doc *doc, struct ifx_arena *arena,
					size_t *n);
/** Is the comment (from `#`) one of ours, right or wrong? */
bool ifx_is_directive(ifx_str comment);

#endif
