/*
 * What is deployed together. An environment is what one kustomization reaches, when no other
 * kustomization of the input reaches it in turn: dev and prod that share a base are two
 * environments, and the objects of the base are different ones in each. Files that no kustomization
 * reaches are one more environment, number 0, together.
 */
#ifndef IFX_ENVIRONMENT_H
#define IFX_ENVIRONMENT_H

#include "io/files.h"
#include "io/resolver.h"

/** What a file is to an environment. */
typedef enum {
	IFX_AS_RESOURCE,      /* resources, bases, components */
	IFX_AS_PATCH,         /* patches, patchesStrategicMerge */
	IFX_AS_KUSTOMIZATION, /* the kustomization.yaml itself */
	IFX_AS_KINDS,
} ifx_as;

struct ifx_kustomization {
	ifx_str dir;  /* real path */
	ifx_str file; /* real path of the kustomization.yaml; ptr NULL: there is none */
	ifx_str namespace;
	ifx_str *reaches; /* real paths of files and directories that it lists */
	size_t n_reaches;
	ifx_str *patches; /* real paths of files that it lists as patches */
	size_t n_patches;
	bool in_input;                   /* found by the walk, not above it */
	bool reached;                    /* by another one */
	size_t seen_in;                  /* number of the environment that reached it last */
	ifx_str seen_as;                 /* ... and the namespace it had there */
	struct ifx_kustomization *next;  /* in the order they were read */
	struct ifx_kustomization *chain; /* of the same slot */
};

/** The kustomizations on the way from a file to the root, the nearest first. */
struct ifx_way {
	const struct ifx_kustomization *by;
	const struct ifx_way *outer;
};

/** One file's place in an environment. */
struct ifx_membership {
	ifx_str file; /* real path */
	size_t environment;
	ifx_str namespace; /* that the kustomizations on the way give it; ptr NULL: none */
	const struct ifx_way *way;
};

struct ifx_members {
	struct ifx_membership *items; /* sorted by file, then environment */
	size_t n, cap;
};

struct ifx_environments {
	const struct ifx_inputs *inputs;
	struct ifx_arena arena;
	struct ifx_resolver resolver;
	bool failed;      /* no memory: what was found is not all */
	bool read, found; /* kustomizations of the input; environments */
	struct ifx_kustomization *first, *last;
	size_t n_kustomizations;
	struct ifx_kustomization **slots; /* by hash of the directory */
	size_t n_slots;
	struct ifx_kustomization *
		*roots; /* of environment 1, 2 ..., in order of their directories */
	size_t n_roots, cap_roots;
	struct ifx_members members[IFX_AS_KINDS];
	ifx_str *patches; /* real paths of files that a kustomization lists as patches */
	size_t n_patches, cap_patches, n_sorted;
};

/** inputs are borrowed; nothing is read before something is asked. */
void ifx_environments_init(struct ifx_environments *e, const struct ifx_inputs *inputs);
void ifx_environments_release(struct ifx_environments *e);

/** Read the kustomizations of the input, once. */
void ifx_environments_find(struct ifx_environments *e);
/**
 * Memberships of a file, items[*first, *first + n) of e->members[as]; none means environment 0.
 * real: its path without links, or ptr NULL.
 */
size_t ifx_environments_of(struct ifx_environments *e, ifx_as as, ifx_str real, size_t *first);
/** Does a kustomization of the input, or one in a directory above the file, list it as a patch? */
bool ifx_environments_is_patch(struct ifx_environments *e, ifx_str real);

/** The absolute path without links, in the arena; ptr NULL when there is none. */
ifx_str ifx_environments_real(struct ifx_environments *e, const char *path);
/** Has the file the name of a kustomization? */
bool ifx_is_kustomization(ifx_str path);
/** Of objects that exist once per cluster: they have no namespace, whatever is said. */
bool ifx_is_cluster_wide(ifx_str kind);
/**
 * Namespace of an object as deployed: what the kustomizations say, else what it says, else
 * `otherwise`; ptr NULL when nothing does, or the kind has none.
 */
ifx_str ifx_deployed_namespace(ifx_str kind, ifx_str by_kustomization, ifx_str written,
			       ifx_str otherwise);

#endif
