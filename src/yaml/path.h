/*
 * Dotted paths over nodes: `spec.templates[].template.metadata`. A name may be followed by `[]`,
 * each item of the list; no other steps are needed.
 */
#ifndef IFX_YAML_PATH_H
#define IFX_YAML_PATH_H

#include "yaml/node.h"

/**
 * One place that a path leads to.
 * node    what stands there; NULL when the last key is missing in `parent`.
 * parent  the map that has, or lacks, the last key; never NULL.
 * direct  false when an alias or a merge key was on the way.
 */
struct ifx_hit {
	const struct ifx_node *node, *parent;
	const struct ifx_entry *entry; /* of the last key; NULL when it is missing */
	ifx_str key;                   /* the last one */
	bool direct;
	struct ifx_hit *next;
};

/** All places, in document order. Aliases are followed. False: no memory. */
bool ifx_path_find(struct ifx_hit **first, const struct ifx_node *from, const char *path,
		   struct ifx_arena *arena);

#endif
