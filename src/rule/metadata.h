/*
 * Labels and annotations of a resource, wherever it keeps some: its own, those of its pods, and
 * those that stand on the way to the pods and reach none (a CronJob's job template).
 */
#ifndef IFX_RULE_METADATA_H
#define IFX_RULE_METADATA_H

#include "rule/transform.h"

/** One entry of a map of labels or annotations. */
struct ifx_meta {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	const struct ifx_node *map;    /* the whole map as it counts here, aliases followed */
	const struct ifx_entry *entry; /* its key is a scalar */
	ifx_str key;
	const struct ifx_node *value; /* aliases followed; NULL: an alias to nothing */
	bool labels;
	bool own;    /* the object's own metadata */
	bool pod;    /* its pods have it; of a Pod this is its own, too */
	bool inert;  /* of an object with pods, and no pod has it */
	bool direct; /* it stands here: no alias and no merge key is on the way */
};

typedef void ifx_meta_visit(void *data, const struct ifx_meta *m);

/**
 * Visit each entry, those of pods first. What comes in through aliases and merge keys is visited
 * once, unless the map says something else itself. Allocates nothing to speak of.
 */
void ifx_meta_walk(struct ifx_cx *cx, const struct ifx_resource *r, ifx_meta_visit *visit,
		   void *data);

/** Does the key belong where the entry is: on pods, or on objects of this group and kind? */
bool ifx_meta_belongs(const struct ifx_meta *m, const struct ifx_key_fact *fact);

/** Is the key of the entry there twice in its map? Which of them counts depends on the reader. */
bool ifx_meta_is_twice(const struct ifx_meta *m);

/** The entry of another annotation or label of the same map, also through merge keys; NULL: none.
 */
const struct ifx_entry *ifx_meta_other(const struct ifx_meta *m, const char *key);

#endif
