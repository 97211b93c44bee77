/*
 * What Istio and Kubernetes know: keys, pod templates, duration fields. The data is in
 * transforms/facts/ *.def; this is how rules ask for it. Everything is constant.
 */
#ifndef IFX_RULE_FACTS_H
#define IFX_RULE_FACTS_H

#include "base/buf.h"

typedef enum {
	IFX_VALUE_STRING,
	IFX_VALUE_BOOL_EXACT, /* only true and false */
	IFX_VALUE_BOOL_GO,    /* strconv.ParseBool */
	IFX_VALUE_BOOL_FOLD,  /* true or false in any case */
	IFX_VALUE_PRESENCE,
	IFX_VALUE_UINT,
	IFX_VALUE_PORT,
	IFX_VALUE_PERCENT,
	IFX_VALUE_ENUM,
	IFX_VALUE_TIMESTAMP,
	IFX_VALUE_HOST_PORT,
	IFX_VALUE_IMAGE_REF,
	IFX_VALUE_LABEL,
	IFX_VALUE_DNS_LABEL,
	IFX_VALUE_DNS_NAME,
	IFX_VALUE_CONFIGMAP_NAME,
	IFX_VALUE_BINDING,
	IFX_VALUE_QUANTITY,
	IFX_VALUE_DURATION_GO,
	IFX_VALUE_LIST,
	IFX_VALUE_PORT_LIST,
	IFX_VALUE_CIDR_LIST,
	IFX_VALUE_IFACE_LIST,
	IFX_VALUE_JSON,
	IFX_VALUE_PROXYCONFIG,
} ifx_value_type;

/** What the running system does with a bad value. */
typedef enum {
	IFX_BAD_NOTHING,
	IFX_BAD_IGNORED,
	IFX_BAD_DEFAULT, /* namespace or mesh default applies */
	IFX_BAD_POD_REFUSED,
	IFX_BAD_POD_BROKEN, /* pod stuck, proxy does not start */
	IFX_BAD_OBJECT_REFUSED,
} ifx_bad_value;

enum {
	IFX_KEY_DEPRECATED = 1 << 0,
	IFX_KEY_SYSTEM = 1 << 1, /* written by Istio, never by a user */
	IFX_KEY_UNUSED = 1 << 2, /* no reader left */
	IFX_KEY_HIDDEN = 1 << 3,
	IFX_KEY_UNCATALOGUED = 1 << 4,     /* the code reads it, istioctl's catalogue lacks it */
	IFX_KEY_INJECTOR_CHECKED = 1 << 5, /* the injector validates it */
	IFX_KEY_WILDCARD = 1 << 6,         /* lists: `*` is allowed */
	IFX_KEY_OPEN = 1 << 7,             /* enums: other values are possible */
	IFX_KEY_FOLD = 1 << 8,             /* enums: in any letter case */
	IFX_KEY_UNTRIMMED = 1 << 9,        /* lists: a blank beside a comma is part of the item */
};

struct ifx_key_fact {
	const char *name;
	const char *kinds;  /* comma separated: "Pod", "Service,ServiceEntry", "Any" */
	const char *status; /* Alpha, Beta, Stable; "" when uncatalogued */
	ifx_value_type type;
	const char *values; /* enums: comma separated; NULL otherwise */
	ifx_bad_value bad;
	unsigned flags;
	const char *successor_kind; /* label, annotation, field, proxyconfig; NULL: none */
	const char *successor;
};

/** A key that was catalogued once and is not any more. */
struct ifx_removed_fact {
	const char *name;
	const char *sort; /* annotation or label */
	const char *last_seen;
	const char *successor_kind, *successor; /* NULL: none */
};

/** NULL when the catalogue has no such key. Uncatalogued keys that Istio reads are found too. */
const struct ifx_key_fact *ifx_fact_annotation(ifx_str key);
const struct ifx_key_fact *ifx_fact_label(ifx_str key);
const struct ifx_removed_fact *ifx_fact_removed(ifx_str key, ifx_str sort);
/** All of them in byte order of the name (removals: then of the sort), for tests and documents. */
const struct ifx_key_fact *ifx_fact_annotations(size_t *n);
const struct ifx_key_fact *ifx_fact_labels(size_t *n);
const struct ifx_removed_fact *ifx_fact_removals(size_t *n);

/** Is the key on pods only, that is, are its kinds exactly Pod? */
bool ifx_fact_pod_only(const struct ifx_key_fact *fact);
/**
 * Is `key` Istio's: is the part before the slash (the key, if there is none) istio.io or a name
 * below it, or the key istio-injection? `notistio.io/x` is not, although `istioctl analyze` thinks
 * so.
 */
bool ifx_key_is_istio(ifx_str key);

/** Where a kind keeps the metadata of its pods. Paths are dotted, `[]` means each item. */
struct ifx_workload_fact {
	const char *group, *kind;
	const char *paths[5]; /* pod metadata, NULL ended */
	const char *inert[4]; /* metadata that never reaches a pod, NULL ended */
};

/** By group, never by kind alone. NULL when not in the table. */
const struct ifx_workload_fact *ifx_fact_workload(ifx_str group, ifx_str kind);
const struct ifx_workload_fact *ifx_fact_workloads(size_t *n);

typedef enum { IFX_GRAMMAR_GO, IFX_GRAMMAR_GEP2257 } ifx_grammar;

/** What a message is: a resource kind, or a message that lies inside one. */
typedef enum {
	IFX_MSG_RESOURCE,        /* group and kind say which */
	IFX_MSG_PROXYCONFIG,     /* proxy.istio.io/config, meshConfig.defaultConfig */
	IFX_MSG_MESHCONFIG,      /* IstioOperator spec.meshConfig, ConfigMap istio data.mesh */
	IFX_MSG_POD_ANNOTATIONS, /* path is the key */
	IFX_MSG_VALUES,          /* Helm values, IstioOperator spec.values */
} ifx_message;

struct ifx_duration_fact {
	ifx_message message;
	const char *group, *kind; /* RESOURCE only; group without version */
	const char *
		path; /* dotted from the message's root; `[]` each item; POD_ANNOTATIONS: the key */
	ifx_grammar grammar;
	bool zero_ok;
	bool zero_unchecked;                    /* the catalogue does not say */
	long long min_ns, max_ns, precision_ns; /* 0: no bound */
	const char *note;                       /* may be NULL */
};

const struct ifx_duration_fact *ifx_fact_durations(size_t *n);

/** Names of fields of the ProxyConfig message, and those that it had once. */
struct ifx_field_fact {
	const char *name; /* camelCase, dotted */
	const char *type; /* string, duration, enum, port, int32, uint32, double, bool, message,
			     map_string ... */
	const char *replaced_by; /* NULL: none */
	const char *removed_in;  /* NULL: still there */
	bool deprecated;
	const char
		*values; /* enums: those that validation accepts, comma separated; NULL otherwise */
};

const struct ifx_field_fact *ifx_fact_proxyconfig(size_t *n);

#endif
