/*
 * What a migration of the estate to ambient mode means, namespace by namespace: what stands in the
 * way, what needs a waypoint and why, who calls whom and so who goes first, and what the sidecars'
 * own settings add up to. Read-only: nothing here edits.
 */
#ifndef IFX_AMBIENT_MIGRATION_H
#define IFX_AMBIENT_MIGRATION_H

#include "ambient/estate.h"

typedef enum {
#define FINDING(id, severity, title, source) IFX_F_##id,
#include "ambient/finding.def"
#undef FINDING
	IFX_F_COUNT,
} ifx_finding_id;

/** How much a finding weighs; see finding.def. */
typedef enum { IFX_WEIGHT_I, IFX_WEIGHT_W, IFX_WEIGHT_S, IFX_WEIGHT_B } ifx_weight;

struct ifx_finding_fact {
	const char *id, *title, *source;
	ifx_weight weight;
};

/** One row of finding.def. */
const struct ifx_finding_fact *ifx_finding_fact(ifx_finding_id id);
/** By name, as in `--accept S08`; IFX_F_COUNT: there is none. */
ifx_finding_id ifx_finding_named(ifx_str name);

/** What the tool, or the user, does about a finding. */
typedef enum {
	IFX_STANDS,
	IFX_REMEDIED, /* a phase brings the remedy along */
	IFX_ACCEPTED, /* --accept */
} ifx_settled;

struct ifx_hindrance {
	ifx_finding_id id;
	ifx_weight weight;
	struct ifx_namespace *namespace; /* NULL: it is about the whole environment */
	const struct ifx_object *object; /* where; NULL: nowhere in particular */
	const struct ifx_node *node;     /* of the object, or of a document embedded in it */
	ifx_str field;                   /* its path; empty: the object */
	ifx_str reason;                  /* one line */
	ifx_str help;                    /* what to do; ptr NULL */
	ifx_settled settled;
	bool only_enroll; /* the phases before enroll can go on */
	size_t order;
};

/** Does it keep its namespace, or all of them, from the phase enroll? */
bool ifx_hindrance_holds(const struct ifx_hindrance *h);

struct ifx_hindrances {
	struct ifx_hindrance *items; /* sorted: heaviest first, then id, file and place */
	size_t n, cap;
};

/** Why a Service needs a waypoint. */
typedef enum {
	IFX_NEED_POLICY, /* AuthorizationPolicy that ztunnel does not enforce */
	IFX_NEED_JWT,    /* RequestAuthentication */
	IFX_NEED_WASM,   /* WasmPlugin */
	IFX_NEED_ROUTE,  /* VirtualService of the mesh, or a Gateway API route of the Service */
	IFX_NEED_DESTINATION, /* DestinationRule with a traffic policy */
} ifx_need_kind;

struct ifx_need {
	ifx_need_kind kind;
	const struct ifx_object *service;
	const struct ifx_object *object; /* the reason */
	const struct ifx_node *node;     /* in it; NULL: all of it */
	ifx_str why;                     /* "methods is HTTP" ...; may be empty */
};

struct ifx_needs {
	struct ifx_need *items; /* sorted by Service, then kind and place */
	size_t n, cap;
};

/** How we know that one namespace calls another. */
typedef enum {
	IFX_LINK_POLICY,  /* sources of an AuthorizationPolicy */
	IFX_LINK_SIDECAR, /* egress hosts of a Sidecar */
	IFX_LINK_URL,     /* a host name in env, arguments, or a ConfigMap */
	IFX_LINK_ROUTE,   /* a VirtualService for the Service stands with the caller */
} ifx_link_kind;

struct ifx_link {
	ifx_link_kind kind;
	struct ifx_namespace *caller, *callee; /* caller NULL: not in the tree, see name */
	ifx_str caller_name;
	ifx_str service;                 /* of the callee; empty: any */
	const struct ifx_object *object; /* where it says so */
	const struct ifx_node *node;
	ifx_str text; /* the text that says so */
	size_t order;
	size_t next_caller; /* of the same callee: index in items, from 1; 0: the last */
};

struct ifx_links {
	struct ifx_link *items; /* sorted by caller, callee, kind, place */
	size_t n, cap;
};

/** Sums of the sidecars' settings: replicas times what one pod asks for. */
struct ifx_tuning {
	long long cpu, cpu_limit;       /* millicores */
	long long memory, memory_limit; /* bytes */
	size_t pods;                    /* replicas that say something of it */
	bool unknown;                   /* some workload has a replica per node, or scales */
	struct ifx_setting_count {
		ifx_str name; /* annotation, or field of proxy.istio.io/config */
		size_t n;     /* workloads that have it */
		struct ifx_setting_count *next;
	} * others; /* sorted by name */
};

typedef enum {
	IFX_PHASE_PREPARE,
	IFX_PHASE_BIND,
	IFX_PHASE_ENROLL,
	IFX_PHASE_CLEANUP,
	IFX_PHASE_DONE, /* nothing is left to do */
	IFX_PHASES,
} ifx_phase;

/** "prepare", "bind", "enroll", "cleanup", "done". */
const char *ifx_phase_name(ifx_phase phase);

/** What a phase would change, in words; from whoever makes the edits. */
struct ifx_change {
	ifx_phase phase;
	ifx_str path; /* file, as typed */
	ifx_str text; /* "Namespace shop: istio-injection becomes istio.io/dataplane-mode" */
	struct ifx_change *next;
};

struct ifx_policy_view;

struct ifx_ns_plan {
	struct ifx_namespace *namespace;
	bool migrates; /* has sidecars, is not reserved, and was asked for */
	struct ifx_hindrances hindrances;
	struct ifx_needs needs;
	struct ifx_policy_view *policies; /* security policies of the namespace, see needs.h */
	ifx_phase next;
	bool held;      /* something holds it; see hindrances, its own and the environment's */
	bool held_late; /* only its enroll is held */
	bool queued;    /* for holds.c */
	size_t wave;    /* from 1; 0: it does not migrate */
	size_t cycle;   /* from 1, in the environment: it goes together with others; 0: alone */
	size_t first_caller; /* in the links of the environment, from 1; 0: none */
	struct ifx_tuning tuning;
	struct ifx_change *changes; /* by phase */
};

struct ifx_env_plan {
	struct ifx_environment *environment;
	struct ifx_ns_plan *namespaces;   /* as in the environment */
	struct ifx_hindrances hindrances; /* about all of it */
	struct ifx_links links;
	size_t n_waves, n_cycles;
	bool any_migrates;
};

/** --accept ID[=NAMESPACE] */
struct ifx_accept {
	ifx_finding_id id;
	ifx_str namespace; /* ptr NULL: all */
};

struct ifx_migration_options {
	const struct ifx_accept *accepts;
	size_t n_accepts;
	const ifx_str *namespaces; /* only these; n 0: all */
	size_t n_namespaces;
	ifx_str waypoint, waypoint_namespace; /* ptr NULL: `waypoint`, in each namespace */
	bool bind_namespaces;
	bool strict;
};

struct ifx_migration;
/** What phases would change in a namespace; a list in the plan's arena. False: no memory. */
typedef bool ifx_changes_fn(void *data, struct ifx_migration *plan, const struct ifx_ns_plan *ns,
			    struct ifx_change **first);

struct ifx_migration {
	struct ifx_estate *estate;
	const struct ifx_migration_options *options;
	struct ifx_arena arena;
	struct ifx_env_plan *environments; /* as in the estate */
	bool failed;                       /* no memory */
	size_t order;
	struct ifx_env_plan *at;      /* that is looked at */
	struct ifx_hindrance nowhere; /* one that could not be kept */
};

/**
 * Make the plan. Everything is borrowed and must outlive it; it is to be released whatever is
 * returned. changes: NULL, or asked for each namespace that migrates, or has. IFX_ENOMEM.
 */
IFX_MUST_USE ifx_status ifx_migration_make(struct ifx_migration *plan, struct ifx_estate *estate,
					   const struct ifx_migration_options *options,
					   ifx_changes_fn *changes, void *data);
void ifx_migration_release(struct ifx_migration *plan);

struct ifx_ns_plan *ifx_migration_of(const struct ifx_migration *plan,
				     const struct ifx_namespace *ns);
struct ifx_env_plan *ifx_migration_env(const struct ifx_migration *plan,
				       const struct ifx_environment *e);

/** Wave of a namespace; 0: it does not migrate. */
size_t ifx_migration_wave(const struct ifx_env_plan *env, const struct ifx_namespace *ns);

/** What `plan` ends with (AMBIENT 11.10): 0 ready, 1 warnings or accepted risks, 3 held. */
int ifx_migration_exit(const struct ifx_migration *plan);

/* ---- for those who find ---- */

/**
 * Add a finding about a namespace, or the environment that is looked at (ns NULL). node: NULL for
 * the object itself. Never NULL; a failure is remembered in the plan.
 */
struct ifx_hindrance *ifx_hinder(struct ifx_migration *plan, ifx_finding_id id,
				 struct ifx_namespace *ns, const struct ifx_object *object,
				 const struct ifx_node *node, const char *fmt, ...)
	IFX_PRINTF(6, 7);
/** What to do about it. */
void ifx_hinder_help(struct ifx_migration *plan, struct ifx_hindrance *h, const char *fmt, ...)
	IFX_PRINTF(3, 4);

#endif
