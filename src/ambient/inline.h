/* Patches that are written in a kustomization itself, and JSON patches in files of their own. */
#ifndef IFX_AMBIENT_INLINE_H
#define IFX_AMBIENT_INLINE_H

#include "ambient/estate.h"

/** A document whose root is a list: a JSON patch, if a kustomization lists its file. */
struct ifx_estate_list {
	const struct ifx_source *source;
	const struct ifx_node *root;
	struct ifx_estate_list *next;
};

/** Remember the document if it is a list. root: may be NULL. False: no memory. */
bool ifx_inline_keep_list(struct ifx_estate *estate, const struct ifx_source *source,
			  const struct ifx_node *root);
/**
 * Strategic merges become patches of their environment, as those in files are; JSON patches of
 * Namespaces are kept with them. Before ifx_patches_apply. False: no memory.
 */
bool ifx_inline_read(struct ifx_estate *estate);

#endif
