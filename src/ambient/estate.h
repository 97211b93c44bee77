/*
 * The tree as it is deployed: environments, their namespaces, and the objects in them, each with
 * its place in a file. Read once, never changed; whoever edits makes edits of a source's bytes.
 *
 *     for each environment e of estate->environments
 *         for each namespace ns of e->namespaces, sorted by name
 *             for (o = ns->objects[IFX_SERVICE].first; o; o = o->next) ...
 *
 * A file that several environments deploy is one source; its objects are there once in each of them
 * (`same` leads from one to the next, and round). All text and all trees live as long as the
 * estate.
 */
#ifndef IFX_AMBIENT_ESTATE_H
#define IFX_AMBIENT_ESTATE_H

#include "environment.h"
#include "rule/transform.h"

typedef enum {
#define KIND(name, group, kind) IFX_##name,
#include "ambient/kind.def"
#undef KIND
	IFX_WORKLOAD,      /* whatever makes pods */
	IFX_KUSTOMIZATION, /* a kustomization.yaml; each kustomization on its own */
	IFX_HELM_VALUES,   /* values.yaml of Istio's charts: a document without kind */
	IFX_OTHER,         /* only there because it speaks of the injection labels */
	IFX_KINDS,
} ifx_object_kind;

/** A file, read once. */
struct ifx_source {
	ifx_str path; /* as typed; ends in NUL */
	ifx_str real; /* without links */
	ifx_str bytes;
	struct stat st;
	const char *passed_over; /* why nothing in it was looked at, or not all; NULL: all was */
	size_t passed_at;        /* where that is */
	size_t documents;
	size_t *lines; /* offset of each line's first byte; see ifx_source_place */
	size_t n_lines;
};

struct ifx_environment;
struct ifx_namespace;
struct ifx_partition;
struct ifx_estate_list;

/** A resource of a file, in one environment. */
struct ifx_object {
	ifx_object_kind kind;
	const struct ifx_source *source;
	size_t document;              /* in the file, from 1 */
	size_t at;                    /* of the document in the file: a node is at `at` + span.at */
	const struct ifx_resource *r; /* its tree */
	struct ifx_environment *environment;
	struct ifx_namespace *namespace; /* as deployed; NULL: cluster-wide, or nothing says */
	const struct ifx_way *way;       /* the kustomizations that deploy it; NULL: none */
	bool patch;                      /* a part of an object, merged into it by kustomize */
	struct ifx_pods *pods;           /* WORKLOAD: one for each pod template, in order */
	struct ifx_svc *service;         /* SERVICE */
	struct ifx_object *next;         /* of this kind in this namespace, by file and place */
	struct ifx_object *same;         /* the same resource in the next environment: a ring */
	size_t n_same;                   /* environments that deploy this file; 1 as a rule */
};

struct ifx_objects {
	struct ifx_object *first, *last;
	size_t n;
};

/** A label and where it is written. */
struct ifx_ns_label {
	ifx_str value;                   /* ptr NULL: it is not set */
	const struct ifx_object *object; /* Namespace, patch or kustomization that says so */
	const struct ifx_entry *entry;   /* in that object; NULL: a JSON patch */
};

/** Who takes the traffic of the namespace's pods today (FACTS 3, AMBIENT 1.2, F1, F10). */
typedef enum {
	IFX_STATE_UNKNOWN,  /* the tree has no Namespace object, and no pod says anything */
	IFX_STATE_INJECTED, /* sidecar: istio-injection: enabled */
	IFX_STATE_REVISION, /* sidecar: istio.io/rev */
	IFX_STATE_DEFAULT,  /* sidecar: enableNamespacesByDefault, and no label says otherwise */
	IFX_STATE_PODS,     /* sidecar: no label, but pods that ask for one */
	IFX_STATE_AMBIENT,
	IFX_STATE_OUT, /* not in the mesh */
	IFX_STATES,
} ifx_namespace_state;

/** A JSON patch (RFC 6902) of a kustomization that is about the Namespace. */
struct ifx_json_patch {
	const struct ifx_node *operations; /* a list */
	const struct ifx_object *object;   /* the kustomization */
	struct ifx_json_patch *next;
};

struct ifx_namespace {
	ifx_str name;
	struct ifx_environment *environment;
	/*
	 * Patches are not among them; but NAMESPACE has its own object(s) and then its patches, the
	 * outermost last.
	 */
	struct ifx_objects objects[IFX_KINDS];
	ifx_namespace_state state;
	ifx_str why; /* "istio-injection: enabled", "no Namespace object" */
	struct ifx_ns_label injection, revision, mode, use_waypoint, use_waypoint_namespace;
	struct ifx_json_patch *json_patches;
	struct ifx_pairs labels; /* of the Namespace as deployed */
	bool reserved;           /* istio-system, kube-*: never migrated */
	size_t number;           /* in its environment, from 0 */
};

/** Settings of the mesh: MeshConfig and values, wherever they are written. */
struct ifx_setting {
	ifx_str value;                   /* ptr NULL: nothing says; a list or map: "" */
	const struct ifx_object *object; /* where */
	const struct ifx_node *node;     /* perhaps of an embedded document (data.mesh) */
};

struct ifx_mesh_settings {
	struct ifx_setting trust_domain, aliases, root_namespace, outbound_policy;
	struct ifx_setting inject_by_default; /* enableNamespacesByDefault */
	struct ifx_setting profile;           /* ambient, or another */
	struct ifx_setting networks;          /* meshNetworks, global.network */
	struct ifx_setting remote;            /* istiodRemote, externalIstiod, remotePilotAddress */
	struct ifx_setting multicluster;      /* global.multiCluster.clusterName, ... */
	struct ifx_setting discovery;         /* discoverySelectors */
};

struct ifx_environment {
	ifx_str name; /* --environment as typed, or its variants (`dev`), or "." */
	ifx_str root; /* real path of the directory above it; several may have the same one */
	bool common;  /* no variant: what it says of the mesh holds for those that say nothing */
	struct ifx_namespace **namespaces; /* sorted by name */
	size_t n_namespaces, cap_namespaces;
	struct ifx_objects objects[IFX_KINDS]; /* those without a namespace */
	struct ifx_objects patches;            /* of kustomizations, but those of Namespaces */
	struct ifx_mesh_settings settings;
	size_t number; /* from 0 */
};

/** Bytes that count in place of those on the disk. */
struct ifx_estate_text {
	ifx_str path; /* of an input; or of a file that is not there yet */
	ifx_str bytes;
	ifx_str beside; /* the latter: an input that it is deployed like; ends in NUL. Else ptr NULL
			 */
};

struct ifx_estate_options {
	const struct ifx_estate_text *texts; /* sorted by path */
	size_t n_texts;
	ifx_str namespace;           /* of objects that do not say theirs; ptr NULL: unknown */
	const ifx_str *environments; /* --environment: directories that are one each; end in NUL */
	size_t n_environments;
};

struct ifx_estate {
	struct ifx_arena arena;
	struct ifx_environments kustomize;
	struct ifx_source *sources; /* in the order of the inputs */
	size_t n_sources;
	struct ifx_environment *environments;
	size_t n_environments;
	size_t n_objects;
	struct ifx_estate_list *lists;            /* documents that are lists; see inline.h */
	const struct ifx_object **kustomizations; /* their objects, sorted by real path */
	size_t n_kustomizations, cap_kustomizations;
	struct ifx_doc **docs; /* all trees */
	size_t n_docs, cap_docs;
	bool failed; /* no memory */
};

/**
 * Read everything. inputs are borrowed and must outlive the estate, which is to be released
 * whatever is returned. A file that cannot be read is told to `complain` and is no source.
 * IFX_ENOMEM, IFX_EIO (some file could not be read; all others are there).
 */
IFX_MUST_USE ifx_status ifx_estate_read(struct ifx_estate *estate, const struct ifx_inputs *inputs,
					const struct ifx_estate_options *options,
					ifx_complain_fn *complain, void *data);
void ifx_estate_release(struct ifx_estate *estate);

/** NULL: the environment has no such namespace. */
struct ifx_namespace *ifx_estate_namespace(const struct ifx_environment *e, ifx_str name);
/** Namespace of mesh-wide resources: rootNamespace, or istio-system. */
ifx_str ifx_root_namespace(const struct ifx_environment *e);
/** The trust domain of the mesh, as far as the tree shows: cluster.local unless it is set. */
ifx_str ifx_trust_domain(const struct ifx_environment *e);
/** Does the namespace have sidecars today? */
bool ifx_has_sidecars(const struct ifx_namespace *ns);
/** "sidecar (istio-injection)", "ambient" ... */
const char *ifx_state_name(ifx_namespace_state state);

/** Kind as people write it: "Deployment", "kustomization", "Helm values". */
ifx_str ifx_object_kind_name(const struct ifx_object *o);
/** First object of a kind and name in a namespace, patches left out; NULL: there is none. */
struct ifx_object *ifx_object_named(const struct ifx_namespace *ns, ifx_object_kind kind,
				    ifx_str name);
/** `spec` of the object, or NULL. */
const struct ifx_node *ifx_object_spec(const struct ifx_object *o);

/** Offset in the source of a node, which may be of a document embedded in the object's. */
size_t ifx_object_offset(const struct ifx_object *o, const struct ifx_node *node);
/** Find where its lines begin, for ifx_source_place. False: no memory. */
bool ifx_source_lines(struct ifx_estate *estate, struct ifx_source *source);
/** Line and column from 1 of an offset; logarithmic. Columns count code points. */
void ifx_source_place(const struct ifx_source *source, size_t at, size_t *line, size_t *column);

/** The object of a kustomization (in whichever environment); NULL: it is not among the sources. */
const struct ifx_object *ifx_estate_kustomization(const struct ifx_estate *estate,
						  const struct ifx_kustomization *k);

/** The document in the text of a scalar; *root is NULL when it is none. False: no memory. */
bool ifx_estate_embedded(struct ifx_estate *estate, const struct ifx_node **root,
			 const struct ifx_node *text);
/** Put a patch into its environment. */
void ifx_estate_add_patch(struct ifx_environment *e, struct ifx_object *patch);

/** Scalars of a map (labels); keys and values that are no scalars are left out. */
struct ifx_pairs ifx_estate_pairs(struct ifx_estate *estate, const struct ifx_node *map);

#endif
