/*
 * Label algebra: what a selector says about the pods of a Service, without asking a cluster.
 *
 * Selectors here are maps of labels that all have to be there (matchLabels, a Service's selector);
 * Istio's selectors know nothing else. Lists are sorted by key and borrow their text.
 */
#ifndef IFX_AMBIENT_LABELS_H
#define IFX_AMBIENT_LABELS_H

#include "yaml/node.h"

struct ifx_label {
	ifx_str key, value;
};

struct ifx_labels {
	const struct ifx_label *list; /* sorted by key, keys distinct */
	size_t n;
};

/** How many of a Service's pods a selector selects. */
typedef enum {
	IFX_COVER_NONE,    /* none of them */
	IFX_COVER_FULL,    /* all of them */
	IFX_COVER_PARTIAL, /* some: what is said of these pods cannot be said of the Service */
	IFX_COVER_UNKNOWN, /* the labels do not tell, and no pod template shows it */
} ifx_cover;

/** Read a map of scalars; entries that are none are left out, of duplicates the first counts.
 * IFX_ENOMEM. */
IFX_MUST_USE ifx_status ifx_labels_read(struct ifx_labels *out, const struct ifx_node *map,
					struct ifx_arena *arena);
/** Value of a label; ptr NULL when there is none. */
ifx_str ifx_labels_get(struct ifx_labels labels, ifx_str key);
/** Does `labels` have everything that `selector` asks for? The empty selector asks for nothing. */
bool ifx_labels_match(struct ifx_labels labels, struct ifx_labels selector);
/** Is there a key that both have, with different values? Then no pod has both. */
bool ifx_labels_disagree(struct ifx_labels a, struct ifx_labels b);

/**
 * Which pods of a Service does a selector select?
 *
 * service   the Service's selector, not empty.
 * pods      labels of all pod templates of the namespace (and environment).
 */
ifx_cover ifx_labels_cover(struct ifx_labels selector, struct ifx_labels service,
			   const struct ifx_labels *pods, size_t n_pods);

#endif
