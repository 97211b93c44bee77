/*
 * Where resources begin: a document, each item of a List (also typed ones, as DeploymentList) and
 * each item of a ResourceList.
 */
#ifndef IFX_YAML_ROOTS_H
#define IFX_YAML_ROOTS_H

#include "yaml/node.h"

struct ifx_resource {
	const struct ifx_doc *doc;
	const struct ifx_node *node;     /* a map */
	ifx_str group, version, kind;    /* group is empty for the core group */
	ifx_str name, namespace;         /* ptr NULL when not written */
	const struct ifx_node *metadata; /* a map, or NULL */
	bool local; /* for clients only, and never deployed (config.kubernetes.io/local-config) */
	/* Why this is the dump of a live object, not a manifest that somebody keeps: managedFields,
	 * a status, an injected proxy. NULL when it is a manifest. */
	const char *live;
	struct ifx_resource *next;
};

/** Resources of a document in order; NULL when there is none. False: no memory. */
bool ifx_roots(struct ifx_resource **first, const struct ifx_doc *doc, struct ifx_arena *arena);

/** Is it an object of the Kubernetes API, that is, does it have apiVersion and kind? */
bool ifx_is_kubernetes(const struct ifx_resource *r);

/** Annotation that kustomize gives to all resources while it builds. */
#define IFX_BUILD_ID "kustomize.config.k8s.io/id"

/**
 * Is it in the middle of a `kustomize build`? Names have their prefixes then, references not yet,
 * and overlays still look for it by group, version, kind and name.
 */
bool ifx_is_in_build(const struct ifx_resource *r);

#endif
