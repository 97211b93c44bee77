/*
 * Maps of labels and annotations of a resource, as maps: for rules that look at more than one entry
 * (metadata.h visits the entries), and what moving a key means there.
 *
 *     metadata:                 INERT: nobody below has it
 *       labels: ...
 *     spec:
 *       template:
 *         metadata:             POD: of the pods
 *           annotations: ...
 *
 * A Namespace's own is OWN, a Pod's own is POD. Maps that are reached twice (an alias) are named
 * once.
 */
#ifndef IFX_RULE_STRINGS_H
#define IFX_RULE_STRINGS_H

#include "rule/transform.h"

typedef enum {
	IFX_ROLE_OWN,   /* of an object that has no pods */
	IFX_ROLE_INERT, /* of a workload, or between it and its pods: no pod has it */
	IFX_ROLE_POD,   /* of pods */
} ifx_role;

/** `labels` or `annotations` of a metadata. */
struct ifx_strings {
	const struct ifx_node *map; /* NULL: none, or not a map, or named before */
	bool labels;
	bool direct; /* without alias and merge key on the way, and written once */
};

struct ifx_metadata {
	const struct ifx_node *node; /* a map */
	ifx_role role;
	struct ifx_strings strings[2]; /* labels, annotations */
	struct ifx_metadata *next;
};

/** All metadata of a resource: its own, that between it and its pods, that of the pods. */
struct ifx_metadata *ifx_metadata(struct ifx_cx *cx, const struct ifx_resource *r);
/** "label" or "annotation". */
const char *ifx_strings_noun(bool labels);
/** The key of an entry, when it is one of Istio's and a text; else ptr NULL. */
ifx_str ifx_istio_key(const struct ifx_entry *entry);
/** The entry's value as text, through an alias; ptr NULL when it is a map or a list. */
ifx_str ifx_entry_text(const struct ifx_entry *entry);

/** The entry's value for a message: on one line, not too long. */
ifx_str ifx_entry_shown(struct ifx_cx *cx, const struct ifx_entry *entry);
/** Why a map of that name is not edited, if so: it comes through an alias, or is there twice. */
void ifx_refuse_indirect(struct ifx_fix *fix, const struct ifx_strings *strings);

/** The fact of a key under labels, or under annotations; NULL when it is not known there. */
const struct ifx_key_fact *ifx_fact_of(ifx_str key, bool labels);

typedef enum {
	IFX_FITS_NOT,
	IFX_FITS,
	IFX_FITS_PODS, /* not here, but on the pods below */
} ifx_fit;

/** "Pod, Service" */
void ifx_say_kinds(struct ifx_buf *out, const struct ifx_key_fact *fact);
/** What has metadata of that role, for a message: "pod template", "Namespace". */
ifx_str ifx_role_name(const struct ifx_resource *r, ifx_role role);

/** Is the key read on this resource's metadata of that role? */
ifx_fit ifx_key_fit(const struct ifx_key_fact *fact, const struct ifx_resource *r, ifx_role role);

/**
 * Could Istio use the value under this key? False: `why` gets a clause. Embedded documents are
 * opened. label  it would be a label, so it must be a legal label value too.
 */
bool ifx_value_usable(struct ifx_cx *cx, const struct ifx_key_fact *fact, bool label,
		      const struct ifx_node *value, struct ifx_buf *why);

/** What starts to happen when Istio reads `value` under this key: a clause, "new pods get no
 * sidecar". */
const char *ifx_key_effect(const struct ifx_key_fact *fact, bool label, ifx_role role,
			   ifx_str value);
/** When it starts: "; the next apply rolls out". */
const char *ifx_rollout(const struct ifx_resource *r);

/** Does a Service of the input select by the key? Then the label cannot just go from the pods. */
bool ifx_service_selects_by(struct ifx_cx *cx, ifx_str key);

/**
 * Pods that an inert metadata was meant for: those of the object it stands in. For the workload
 * that is all of them, for one job of a JobSet only its own. A Workflow has one podMetadata for all
 * of its pods; its templates' own metadata is for exceptions.
 */
struct ifx_hit *ifx_pods_below(struct ifx_cx *cx, const struct ifx_resource *r,
			       const struct ifx_node *metadata);

#endif
