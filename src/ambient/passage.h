/*
 * One namespace on its way: what is in it, what has to stand in front of it, and what the phase
 * that is asked for wishes to change.
 *
 * Everything is derived from the tree. A phase knows that the one before it is done when that one
 * has nothing left to wish; and it is itself done when it wishes nothing.
 */
#ifndef IFX_AMBIENT_PASSAGE_H
#define IFX_AMBIENT_PASSAGE_H

#include "ambient/changes.h"
#include "ambient/labels.h"
#include "ambient/policy.h"
#include "ambient/step.h"

struct ifx_passage_options {
	ifx_str waypoint;           /* name of the Gateway; "waypoint" unless said */
	ifx_str waypoint_namespace; /* ptr NULL: that of the Services */
	bool bind_namespace;        /* the Namespace is bound, not single Services */
	bool guard_in_cleanup;      /* guards come with cleanup, not with enroll */
	bool restart;               /* enroll: a marker in pod templates that rolls them */
	bool size_hints;            /* prepare: a ConfigMap with the sidecars' sizes as comments */
	bool prune;                 /* cleanup: tuning annotations of sidecars go */
	const struct ifx_exposed *exposed;
};

/** Why a namespace stays as it is. */
struct ifx_hold {
	const char *id;             /* C40, or "skip", "edit" for what is no finding */
	const struct ifx_object *o; /* NULL: the namespace as a whole */
	const struct ifx_node *at;  /* NULL: the object */
	ifx_str text;
	bool mute; /* it holds; another one says it */
	struct ifx_hold *next;
};

struct ifx_holds {
	struct ifx_hold *first, *last;
};

/** A Service of the namespace that leads to pods which are migrated. */
struct ifx_front {
	const struct ifx_object *o;
	const struct ifx_svc *svc;
	struct ifx_labels selector;
	bool labelled; /* is bound already, by its own label */
	bool needed;   /* something needs a waypoint in front of it */
	bool bound;    /* goes through the waypoint when the namespace is through */
	bool exposed;  /* a gateway routes to it */
};

/** A policy of the namespace, or one that reaches it from the root namespace. */
struct ifx_stance {
	const struct ifx_object *o;
	struct ifx_scope scope;
	struct ifx_authz authz; /* AuthorizationPolicy */
	bool wide;              /* no selector: all pods of the namespace */
	bool root;              /* lives in the root namespace */
	bool l7;        /* ztunnel does not enforce it as written: it moves to the waypoint */
	bool ours;      /* admits, or guards, a waypoint: written by us */
	bool gateways;  /* selects pods of a gateway, which still enforce it */
	size_t *fronts; /* indices of Services whose pods it is for, all of them */
	size_t n_fronts;
	const struct ifx_object *copy; /* `<name>-waypoint` with targetRefs; NULL: not there */
};

struct ifx_routes;

struct ifx_passage {
	struct ifx_estate *estate;
	struct ifx_namespace *ns;
	const struct ifx_passage_options *options;
	struct ifx_changes *changes;
	ifx_step phase;
	ifx_str waypoint, waypoint_namespace, principal;
	const struct ifx_object *gateway; /* the waypoint; NULL: not there */
	struct ifx_front *fronts;
	size_t n_fronts;
	struct ifx_stance *stances; /* in the order of files */
	size_t n_stances;
	struct ifx_labels *pods; /* of every template that is migrated */
	size_t n_pods;
	struct ifx_holds holds;
	struct ifx_holds notes;          /* what stays as it is, and why; holds nothing */
	const struct ifx_routes *routes; /* routes, cutover: what is converted; NULL: nothing */
	bool held;
	bool skipped; /* not asked for, or not one to migrate */
	size_t n_wishes;
	bool probing;    /* wishes are only counted */
	size_t n_probed; /* and the first one is remembered */
	ifx_str probed;
	bool failed; /* no memory */
};

/**
 * Look at a namespace. m is initialised here; all it holds lives in changes->arena.
 * A namespace that cannot be migrated is held.
 */
void ifx_passage_init(struct ifx_passage *m, struct ifx_estate *estate, struct ifx_namespace *ns,
		      const struct ifx_passage_options *options, struct ifx_changes *changes);
/** Wish what the phase wants. `phase_before` has something left to do: the namespace is held. */
void ifx_passage_wish(struct ifx_passage *m, ifx_step phase);
/** From now on nothing of the namespace changes. Of several reasons all are told. */
void ifx_passage_hold(struct ifx_passage *m, const char *id, const struct ifx_object *o,
		      const struct ifx_node *at, const char *fmt, ...) IFX_PRINTF(5, 6);

/** Say something of an object that does not hold the namespace. */
void ifx_passage_note(struct ifx_passage *m, const struct ifx_object *o, const struct ifx_node *at,
		      const char *fmt, ...) IFX_PRINTF(4, 5);

/** Wish something; wish.by is set here. wish.what with ptr NULL is taken for a lack of memory. */
void ifx_passage_want(struct ifx_passage *m, struct ifx_wish wish);

/* ---- the phases: what each wishes ---- */

void ifx_phase_prepare(struct ifx_passage *m);
void ifx_phase_routes(struct ifx_passage *m);
void ifx_phase_bind(struct ifx_passage *m);
void ifx_phase_enroll(struct ifx_passage *m);
void ifx_phase_cleanup(struct ifx_passage *m);
void ifx_phase_cutover(struct ifx_passage *m);

#endif
