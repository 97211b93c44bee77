/*
 * A transform written in YAML: one sentence about one kind of object or message.
 *
 *     id: mirror-percent
 *     summary: write mirrorPercentage instead of mirrorPercent
 *     source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute
 *     level: safe                        # safe, repair, choice or report
 *     severity: warning                  # info, warning (if nothing is said) or error
 *     ist: IST0133                       # istioctl analyze's code, if there is one
 *     match: {group: networking.istio.io, kind: VirtualService}
 *     each: spec.http[]                  # from there; left out: the object itself
 *     cases:                             # the first that applies wins
 *       - when: {has: [mirrorPercent], lacks: [mirrorPercentage]}
 *         message: "'{key}' is deprecated"
 *         do:
 *           - rename: {from: mirrorPercent, to: mirrorPercentage}
 *           - wrap: {field: mirrorPercentage, key: value}
 *
 * match     {group, kind}, or {message: ProxyConfig | MeshConfig | Values | PodAnnotations}: a
 * message lies in many places (transform.h, views). In ProxyConfig and MeshConfig each name stands
 * for its snake_case spelling too. when      has, lacks: names that are there, or not; matches:
 * {name: pattern} for the whole text of a scalar. All of it must hold. names     a list in the
 * place of a name gives spellings of one field; the first that is there counts. message   {key} and
 * {value} are those of the first name in has (or matches). do        {remove: name}, {rename:
 * {from, to}}, {wrap: {field, key}}, {set: {field, to}}, {insert: {key, value}}, {move: {field, to:
 * a.path.below}}. A field that is not there is passed over. A case whose level is report has none.
 *
 * A case whose operations would change nothing is silent, so a rule cannot repeat itself.
 */
#ifndef IFX_RULE_RULE_H
#define IFX_RULE_RULE_H

#include "rule/transform.h"

/** A rule file. Bytes. */
#define IFX_RULE_BYTES_MAX ((size_t)1 << 20)
/** Memory of one rule. Bytes. */
#define IFX_RULE_MEMORY_MAX ((size_t)64 << 20)
/** Errors that are told about one file. */
#define IFX_RULE_ERRORS_MAX 20

struct ifx_regex;

/** One field by any of its spellings. */
struct ifx_rule_field {
	const ifx_str *names;
	size_t n;
	struct ifx_regex *pattern; /* matches */
};

struct ifx_rule_op {
	ifx_verb verb;
	struct ifx_rule_field field; /* insert: the new key */
	ifx_str text; /* rename, wrap: the key; set, insert: the value; move: the path */
	bool plain;   /* set: a number or a boolean */
	const struct ifx_rule_op *next;
};

struct ifx_rule_case {
	struct ifx_rule_field *has, *lacks, *matches;
	size_t n_has, n_lacks, n_matches;
	ifx_str message, help; /* help: ptr NULL when there is none */
	ifx_level level;
	ifx_severity severity;
	const struct ifx_rule_op *ops;
	struct ifx_rule_case *next;
};

struct ifx_rule {
	struct ifx_arena arena; /* holds everything but itself and the patterns */
	struct ifx_transform transform;
	ifx_message message;
	ifx_str group, kind; /* IFX_MSG_RESOURCE */
	ifx_str each;        /* empty: the root of the message */
	struct ifx_rule_case *cases;
};

/**
 * Read a rule. file is its name in errors; file and bytes are not needed afterwards.
 * IFX_EINVAL  it is not understood; `err` gets one line for each error, without a last line end:
 *             `file:line:col: error: what, and what to do`.
 */
IFX_MUST_USE ifx_status ifx_rule_read(struct ifx_rule **out, ifx_str file, ifx_str bytes,
				      struct ifx_buf *err);
void ifx_rule_free(struct ifx_rule *rule);
const struct ifx_transform *ifx_rule_transform(const struct ifx_rule *rule);

/** run of its transform. */
void ifx_rule_run(struct ifx_cx *cx, const struct ifx_resource *r);

#endif
