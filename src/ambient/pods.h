/* The pods of a workload: what their template says, patches of overlays included. */
#ifndef IFX_AMBIENT_PODS_H
#define IFX_AMBIENT_PODS_H

#include "ambient/estate.h"

struct ifx_container {
	const struct ifx_node *node; /* a map */
	bool init;
};

struct ifx_pods {
	const struct ifx_object *object;
	const struct ifx_hit *metadata; /* where it is, or would be; see yaml/path.h */
	const struct ifx_node *spec;    /* pod spec; NULL: there is none */
	struct ifx_pairs labels, annotations;
	ifx_str service_account; /* "default" unless said */
	bool host_network;
	bool gateway;     /* filled in by the injector: template gateway, or image auto */
	bool opted_out;   /* sidecar.istio.io/inject: "false", as label or annotation */
	bool opted_in;    /* label sidecar.istio.io/inject: "true" */
	ifx_str revision; /* label istio.io/rev; ptr NULL: none */
	ifx_str mode;     /* label istio.io/dataplane-mode; ptr NULL: none */
	bool injected;    /* gets a sidecar today */
	size_t replicas;  /* of the workload; 1 when it does not say */
	bool replicas_said;
	const struct ifx_container *containers; /* init containers first */
	size_t n_containers;
	struct ifx_pods *next;
};

/** Read the templates of a workload; they are in o->pods. False: no memory. */
bool ifx_pods_read(struct ifx_estate *estate, struct ifx_object *o);
/** Merge a patch of an overlay into the pods of the object that it is for. */
bool ifx_pods_patch(struct ifx_estate *estate, struct ifx_object *o,
		    const struct ifx_object *patch);
/** Once states of namespaces are known: does a sidecar get into these pods? */
void ifx_pods_decide(struct ifx_pods *pods, const struct ifx_namespace *ns);

/** Do pods of the workload run with a sidecar until it is restarted? Jobs end by themselves. */
bool ifx_needs_restart(const struct ifx_object *o);

/** Is the label on a selector of the workload, so that it cannot change (C39)? */
bool ifx_pods_selected_by(const struct ifx_pods *pods, const char *key);

#endif
