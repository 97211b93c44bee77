/* A Service: which pods, which ports. */
#ifndef IFX_AMBIENT_SERVICE_H
#define IFX_AMBIENT_SERVICE_H

#include "ambient/estate.h"

struct ifx_svc_port {
	ifx_str name;        /* ptr NULL: none */
	long port;           /* 0: not a number */
	long target;         /* container port; 0: it has a name */
	ifx_str target_name; /* of a container port; ptr NULL: it is a number */
	ifx_str protocol;    /* TCP unless said */
	const struct ifx_node *node;
};

struct ifx_svc {
	const struct ifx_object *object;
	struct ifx_pairs selector; /* n 0: none */
	const struct ifx_svc_port *ports;
	size_t n_ports;
	bool headless;      /* clusterIP: None */
	bool external_name; /* type: ExternalName */
};

/** Read o->service. False: no memory. */
bool ifx_svc_read(struct ifx_estate *estate, struct ifx_object *o);
/** Does it lead to these pods? Both are of one namespace. */
bool ifx_svc_selects(const struct ifx_svc *service, const struct ifx_pods *pods);

/**
 * The Service that a host names, seen from a namespace: `reviews`, `reviews.shop`,
 * `reviews.shop.svc`, `reviews.shop.svc.cluster.local`. NULL: none of the tree.
 */
struct ifx_object *ifx_svc_of_host(const struct ifx_environment *e, ifx_str from, ifx_str host);

#endif
