/*
 * What decides whether a pod gets a sidecar: the labels of its namespace, and what its own metadata
 * says. Rules about injection ask here, so that they all give the same answer.
 */
#ifndef IFX_RULE_INJECTION_H
#define IFX_RULE_INJECTION_H

#include "rule/transform.h"

#define IFX_KEY_INJECT    "sidecar.istio.io/inject"
#define IFX_KEY_INJECTION "istio-injection"
#define IFX_KEY_REV       "istio.io/rev"
#define IFX_KEY_MODE      "istio.io/dataplane-mode"

typedef enum {
	IFX_INJECTION_UNKNOWN,    /* the input does not show it */
	IFX_INJECTION_UNLABELLED, /* neither label: only pods that ask by label get a sidecar */
	IFX_INJECTION_ENABLED,    /* istio-injection: enabled */
	IFX_INJECTION_REVISION,   /* istio.io/rev alone, with a value */
	IFX_INJECTION_OFF, /* no pod gets a sidecar: another istio-injection, an empty istio.io/rev,
			      or a namespace that Istio passes over */
	IFX_INJECTION_DIFFERS, /* one of the three above in each environment, not always the same */
} ifx_injection_state;

/** What the namespace of a resource says, in each environment that the file belongs to. */
struct ifx_injection {
	ifx_injection_state state;
	ifx_str namespace; /* ptr NULL when it is not known, or not the same everywhere */
	ifx_str why;       /* "istio-injection: enabled"; ptr NULL when unlabelled or unknown */
	bool ambient;      /* istio.io/dataplane-mode: ambient */
};

/** Reads the whole input when it is asked for the first time. */
struct ifx_injection ifx_injection_of(struct ifx_cx *cx, const struct ifx_resource *r);

/** An entry of a labels or annotations map, as the metadata `has` it. */
struct ifx_said {
	const struct ifx_entry *entry; /* NULL: it is not there */
	const struct ifx_node *value;  /* aliases followed */
	ifx_str text;                  /* ptr NULL unless it is a string; empty when it is null */
	bool direct; /* written in this very place: no alias, no merge key on the way */
};

/** map: "labels" or "annotations". */
struct ifx_said ifx_said(const struct ifx_node *metadata, const char *map, const char *key);
bool ifx_says(const struct ifx_said *said, const char *text);

/**
 * The operations need the entry where it is written: if an alias or a merge key is on the way, or
 * the key is there twice, refuse, with the reason. False: refused.
 */
bool ifx_said_editable(struct ifx_fix *fix, const struct ifx_said *said);

/**
 * A label of the pods must not change where a selector follows it: one that names the key, or one
 * that is not written and is made of the pods' labels (old API versions). Refuse then, with the
 * reason. False: refused.
 */
bool ifx_pod_label_editable(struct ifx_fix *fix, const struct ifx_resource *r, const char *key);

/** Does a workload's selector ask for the label, in any of the forms that selectors have? */
bool ifx_selector_names(const struct ifx_node *selector, ifx_str key);

/** Would the API server take it as the value of a label? */
bool ifx_is_label_value(ifx_str text);

/** Text that envsubst, Helm, kustomize's vars and the like will replace: nobody knows by what. */
bool ifx_is_placeholder(ifx_str text);

/** Does the pod share the network of its node? Such a pod gets no sidecar and is not in ambient. */
bool ifx_pod_on_host_network(const struct ifx_hit *pod);

#endif
