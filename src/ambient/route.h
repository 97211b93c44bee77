/*
 * VirtualServices of the mesh as HTTPRoutes of their Services (AMBIENT 5.2), where both say the
 * same. The converter visits each field once: it writes it, or refuses it with the reason; what has
 * a refused field stays as it is. So what is checked and what is written cannot differ.
 *
 *     phase_routes.c   which VirtualServices, and what is wished
 *     route.c          a VirtualService: host, rules, destinations
 *     route_match.c    what a rule matches
 *     route_filter.c   headers, redirects, rewrites, mirrors
 *     route_order.c    does Gateway API try the rules in the same order?
 *     route_text.c     how the new document is written
 *     subset.c         subsets as Services, and their DestinationRule split
 */
#ifndef IFX_AMBIENT_ROUTE_H
#define IFX_AMBIENT_ROUTE_H

#include "ambient/hand.h"
#include "ambient/wish.h"

/** Limits of Gateway API for one HTTPRoute, and one rule in it. */
#define IFX_ROUTE_RULES_MAX    16
#define IFX_ROUTE_MATCHES_MAX  64
#define IFX_ROUTE_BACKENDS_MAX 16

typedef enum { IFX_PATH_NONE, IFX_PATH_EXACT, IFX_PATH_PREFIX, IFX_PATH_REGEX } ifx_path_kind;

/** One match of one rule, or a rule without any. */
struct ifx_route_match {
	size_t rule;
	const struct ifx_node *at; /* the match, else the rule */
	bool any;                  /* the rule has no match */
	ifx_path_kind path;
	ifx_str value, method;          /* of the path; ptr NULL: none */
	const struct ifx_node *headers; /* maps; NULL: none */
	const struct ifx_node *parameters;
};

/** A DestinationRule with subsets of a Service of the namespace. */
struct ifx_split {
	const struct ifx_object *rule, *service;
	bool used;  /* by a route that is converted */
	bool keeps; /* the policy for the Service itself is still needed */
	const struct ifx_object
		*stuck; /* a VirtualService that stays and names a subset; or NULL */
};

/** One VirtualService. */
struct ifx_route {
	struct ifx_routes *all;
	struct ifx_passage *m;
	const struct ifx_object *o;
	const struct ifx_object *service; /* its host */
	long port;                        /* of the Service */
	struct ifx_route_match matches[IFX_ROUTE_MATCHES_MAX];
	size_t n_matches;
	struct ifx_hand hand; /* the new document */
	bool *said;           /* by comment: it is in the new document */
	bool refused;
	ifx_str text; /* the new document; ptr NULL: refused */
};

/** What becomes of a namespace's VirtualServices. In the arena of the changes. */
struct ifx_routes {
	struct ifx_passage *m;
	struct ifx_route *list;
	size_t n;
	struct ifx_split *splits;
	size_t n_splits;
};

/** Convert. NULL: no memory, and m->failed is set. Refusals are notes of the passage. */
struct ifx_routes *ifx_routes_convert(struct ifx_passage *m);
/** Does the object go: a VirtualService that is converted, a DestinationRule that is split? NULL
 * has none. */
bool ifx_routes_goes(const struct ifx_routes *routes, const struct ifx_object *o);

/* ---- parts of the conversion ---- */

/** The field is not the same in Gateway API: the reason is noted, and the route refused. */
void ifx_route_refuse(struct ifx_route *r, const struct ifx_node *at, const char *fmt, ...)
	IFX_PRINTF(3, 4);
/** Refuse all keys of a map but these; ends with NULL. */
void ifx_route_only(struct ifx_route *r, const struct ifx_node *map, const char *const *keys);

void ifx_route_read(struct ifx_route *r);
/** Matches of a rule, at the column of their key; nothing when it has none. */
void ifx_route_matches(struct ifx_route *r, const struct ifx_node *rule, size_t number, size_t col);
/** Filters of a rule. */
void ifx_route_filters(struct ifx_route *r, const struct ifx_node *rule, size_t number, size_t col);
/** Filters for the headers at one destination, or of a rule. wrap: with their key. */
size_t ifx_route_headers(struct ifx_route *r, const struct ifx_node *headers, size_t col,
			 bool begun);
/** `name` and `port` of a destination. */
void ifx_route_backend(struct ifx_route *r, const struct ifx_node *destination, size_t col);
/** Refuse unless the rules are tried in the same order, as far as that matters. */
void ifx_route_check_order(struct ifx_route *r);

/* ---- subsets ---- */

/** Is the Service one that stands for a subset, written by us? Its callers come through another
 * one, so that its DestinationRule needs no waypoint of its own. */
bool ifx_is_subset(const struct ifx_object *service);
/** Is the object changed by a patch of a kustomization, which would miss it? */
bool ifx_is_patched(const struct ifx_passage *m, const struct ifx_object *o);
/** The Service for a subset, as a name; refused: ptr NULL. */
ifx_str ifx_subset_service(struct ifx_route *r, const struct ifx_object *service,
			   const struct ifx_node *subset);
/** Wish the Services and the new DestinationRules. */
void ifx_split_wish(struct ifx_routes *routes, const struct ifx_split *split);

/* ---- the new document: lines at a column ---- */

void ifx_route_line(struct ifx_route *r, size_t col, const char *fmt, ...) IFX_PRINTF(3, 4);
/** `key: value` as the scalar is quoted, and the comment behind it. value ptr NULL: its own. */
void ifx_route_pair(struct ifx_route *r, size_t col, const char *key, const struct ifx_node *node,
		    ifx_str value);
/** Columns of the items of a list under a key at `col`: of what is behind the dash. */
size_t ifx_route_item_col(const struct ifx_route *r, size_t col);
/** Where an item begins; its first line gets the dash in ifx_route_item_end. */
size_t ifx_route_item(struct ifx_route *r);
void ifx_route_item_end(struct ifx_route *r, size_t begin, size_t col);
/** Comments above an entry of the old document, at a column. */
void ifx_route_head(struct ifx_route *r, const struct ifx_entry *e, size_t col);
/** Comments in a span of the old document that stand nowhere yet, put before `at`. */
void ifx_route_leftovers(struct ifx_route *r, size_t from, size_t to, size_t at, size_t col);
/** Everything above spec. */
void ifx_route_top(struct ifx_route *r);

#endif
