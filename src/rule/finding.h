/*
 * What a rule saw in one place, and what it would do about it.
 *
 * Offsets are bytes into the file as it was read. All text lives in the arena of the
 * file that the finding is about.
 */
#ifndef IFX_RULE_FINDING_H
#define IFX_RULE_FINDING_H

#include "edit/edit.h"

/** DESIGN 4: how sure a fix is. Decided per finding, not per rule. */
typedef enum {
	IFX_SAFE,   /* what the cluster does stays as it is */
	IFX_REPAIR, /* what is written starts to take effect */
	IFX_CHOICE, /* more than one reading: a person, or --choose, decides */
	IFX_REPORT, /* only a person can decide */
} ifx_level;

/** How bad it is; separate from the level. */
typedef enum {
	IFX_INFO,    /* style */
	IFX_WARNING, /* no effect, or deprecated */
	IFX_ERROR,   /* refused, or broken at run time */
} ifx_severity;

/** Why a finding is left alone: neither fixed nor told, nor counted. */
typedef enum {
	IFX_BY_NOBODY, /* it is not */
	IFX_BY_COMMENT,
	IFX_BY_ANNOTATION,
	IFX_BY_BASELINE,
} ifx_suppressed_by;

/** One declared operation, in words a report can print. */
struct ifx_op_note {
	const char *verb; /* set, rename, insert, remove, move, wrap, add, drop */
	ifx_str path;     /* where, as `metadata.annotations["sidecar.istio.io/inject"]` */
	ifx_str to; /* move: the new path; rename: the new key; set and insert: the new value */
	const ifx_str *comments; /* remove: the comments that went with the entry */
	size_t n_comments;
	const struct ifx_op_note *next;
};

struct ifx_finding {
	const char *rule;   /* id, kebab-case */
	const char *ist;    /* istioctl analyze's code, or NULL */
	const char *source; /* address of what the rule follows; NULL for problems of the text */
	ifx_level level;
	ifx_severity severity;
	ifx_str message;
	ifx_str help;    /* what a person can do; ptr NULL when the fix says it all */
	ifx_str refused; /* why there is no fix although the rule has one; ptr NULL otherwise */
	size_t at, len;  /* the text it is about */
	/*
	 * The same in the text as the fixes leave it: while a document is worked on in that, then
	 * in the file. Only of what is not applied, and of that not always.
	 */
	bool has_now;
	size_t now, now_len;
	size_t document; /* counted from 1 */
	size_t order;    /* in which it was found: at one place a fix comes before what it makes
			    visible */
	ifx_str group, kind, namespace, name; /* of the resource; ptr NULL when unknown */
	/*
	 * Where the resource comes from, when the text was made by a program (krm/site.h): a file,
	 * or
	 * "" when that is unknown; and the path in the resource. ptr NULL: the text is the file.
	 */
	ifx_str origin, field;
	bool fixable; /* ops and edits are there */
	bool applied; /* they are part of the result */
	ifx_suppressed_by suppressed;
	struct ifx_edits
		edits; /* in the file as read; n is 0 when the place was made by an earlier fix */
	const struct ifx_op_note *ops;
	const char
		*choices; /* the answers --choose takes here, as "template|outer"; NULL if none */
};

/**
 * Move a finding to another arena: nothing of the old one is needed any more but its constant texts
 * (rule, ist, source). NULL: no memory; the old one is as it was.
 */
IFX_MUST_USE struct ifx_finding *ifx_finding_move(struct ifx_finding *f, struct ifx_arena *arena);

/** "safe", "repair", "choice", "report". */
const char *ifx_level_name(ifx_level level);
/** "info", "warning", "error". */
const char *ifx_severity_name(ifx_severity severity);

#endif
