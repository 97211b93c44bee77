/*
 * Which files are one environment. Units are the roots of kustomizations, and the directories of
 * files that no kustomization reaches. Units are deployed together unless something says otherwise:
 *
 *   - `--environment DIR`: the units below DIR are one environment, apart from the rest;
 *   - two units that define the same Namespace, or share a file, are two environments. The names
 *     by which their paths part (`dev`, `prod`) are variants then, and all units with the same
 *     variants in their paths are one environment: `apps/shop/dev` and `apps/cart/dev`.
 */
#ifndef IFX_AMBIENT_PARTITION_H
#define IFX_AMBIENT_PARTITION_H

#include "ambient/estate.h"

struct ifx_partition;

/** A resource that decides: a Namespace, by the name that it is deployed with, or a file. */
struct ifx_claim {
	ifx_str key; /* borrowed */
	size_t unit;
};

/** NULL: no memory. kustomize is read; options name directories that may not exist. */
struct ifx_partition *ifx_partition_new(struct ifx_environments *kustomize,
					const struct ifx_inputs *inputs,
					const struct ifx_estate_options *options,
					struct ifx_arena *arena);
void ifx_partition_free(struct ifx_partition *p);

/** Unit of a membership, or of a file that has none. */
size_t ifx_partition_unit(const struct ifx_partition *p, const struct ifx_membership *m,
			  ifx_str real);
/** A unit defines or deploys what `key` names. False: no memory. */
bool ifx_partition_claim(struct ifx_partition *p, ifx_str key, size_t unit);
/** All is claimed: make the environments (name, root, number). False: no memory. */
bool ifx_partition_make(struct ifx_partition *p, struct ifx_environment **list, size_t *n);
/** The environment of a unit, once they are made. */
size_t ifx_partition_environment(const struct ifx_partition *p, size_t unit);

#endif
