/*
 * The inside of requests.h: what is asked about requests (collect.c) and the search through them
 * (requests.c). Only for these two.
 */
#ifndef IFX_AMBIENT_SEARCH_H
#define IFX_AMBIENT_SEARCH_H

#include "ambient/dimension.h"
#include "ambient/requests.h"

/* The way a request has come when a proxy looks at it. */
typedef enum {
	IFX_HOP_POD,      /* straight to the pod's proxy */
	IFX_HOP_PLAIN,    /* the same, in plaintext: a port with mutual TLS switched off */
	IFX_HOP_WAYPOINT, /* at the waypoint */
	IFX_HOP_BEHIND,   /* at the pod's proxy, from the waypoint */
	IFX_HOP_STRIPPED, /* the same, and the waypoint has kept the token */
} ifx_hop;

/* A match of a formula. */
struct ifx_atom {
	const struct ifx_match *match;
	uint64_t asks; /* dimensions, as bits */
	size_t ready;  /* how many dimensions have to have a value before `holds` is known */
	bool holds;
	bool live; /* in an alternative that is not decided */
};

/* One rule as one engine compiles it, for requests that have come one way. */
struct ifx_formula {
	size_t mesh; /* of the probe */
	const struct ifx_authz *policy;
	const struct ifx_authz_rule *rule;
	ifx_engine_kind engine;
	ifx_hop hop;
	struct ifx_atom
		*atoms; /* of from, to and when in this order, where the engine knows them */
	size_t n_atoms;
	struct ifx_formula *next;
};

/* What one dimension needs while the search is in it. */
struct ifx_level {
	struct ifx_formula **active;
	struct ifx_atom **atoms;
	struct ifx_formula **of; /* of each atom */
	const ifx_str **chosen;
	uint64_t *keys; /* of each chosen value: which atoms hold */
};

struct ifx_search {
	const struct ifx_probe *probe;
	struct ifx_arena *arena;
	struct ifx_formula *formulas, **link;
	size_t n_formulas, n_atoms;
	struct ifx_dimension *dims[IFX_DIMENSIONS_MAX];
	struct ifx_level levels[IFX_DIMENSIONS_MAX];
	size_t n_dims;
	bool tokens; /* a RequestAuthentication applies */
	ifx_str identity[2];
	struct ifx_request request;
	struct ifx_label headers[IFX_DIMENSIONS_MAX], claims[IFX_DIMENSIONS_MAX],
		attributes[IFX_DIMENSIONS_MAX];
	ifx_request_visit *visit;
	void *data;
	bool *sampled;
	ifx_status st;
};

/** Fill dims and formulas, atoms included, from the policies of the probe. Outcome in `st`. */
void ifx_search_collect(struct ifx_search *s);
/** Port of the pod behind the request's port in a mesh of the probe; 0: none. */
unsigned ifx_search_pod_port(const struct ifx_search *s, size_t mesh);
/** The waypoint of a mesh of the probe, as an ambient caller meets it; NULL: none. */
const struct ifx_waypoint *ifx_search_waypoint(const struct ifx_probe *p, size_t mesh);

#endif
