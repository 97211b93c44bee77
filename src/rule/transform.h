/*
 * The interface every transform shares, and what it may use.
 *
 * A transform looks at one resource and makes findings; to a finding it adds operations. It never
 * touches the tree and never sees another file. Which findings are applied is decided behind its
 * back, by level and choice; afterwards the document is parsed again, so what a transform sees is
 * always true.
 *
 *     struct ifx_fix *fix = ifx_find(cx, node, IFX_REPAIR, IFX_WARNING, "'%.*s' is ...", ...);
 *     ifx_fix_move(fix, entry, places, n);
 *
 * All of these calls remember a failure (no memory) in cx; a transform need not check. `fix` is
 * never NULL.
 */
#ifndef IFX_RULE_TRANSFORM_H
#define IFX_RULE_TRANSFORM_H

#include "edit/op.h"
#include "rule/facts.h"
#include "rule/finding.h"
#include "yaml/roots.h"

struct ifx_cx;
struct ifx_rule; /* rule/rule.h: a transform written in YAML */

/** One answer to the question that a choice asks. The first one is what `--level all` takes. */
struct ifx_answer {
	const char *name, *meaning;
};

struct ifx_transform {
	const char *id;  /* kebab-case; the name of its files, page and tests */
	const char *ist; /* istioctl analyze's code, or NULL */
	const char *summary;
	const char *source; /* address of the specification it follows */
	ifx_level level;    /* the level that most of its findings have */
	/* The document can only concern it when one of these strings is in it; ends with NULL. */
	const char *const *needles;
	/* A closer look at a needle that was found at `at`, without parsing; NULL: none is needed.
	 * False only where nothing can be found because of this one for certain. */
	bool (*concerns)(ifx_str document, size_t at);
	/* A closer look at the whole document, asked once: behind `concerns`, and sound as it is.
	 */
	bool (*glance)(ifx_str document);
	const struct ifx_answer *answers; /* ends with a NULL name; NULL: it asks nothing */
	void (*run)(struct ifx_cx *cx, const struct ifx_resource *r);
	const struct ifx_rule *rule; /* for run: the rule in YAML; NULL for C */
};

/** A finding under construction, with its operations. */
struct ifx_fix {
	struct ifx_cx *cx;
	struct ifx_finding finding;
	struct ifx_op *first, *last;
	const struct ifx_op_note **note_link;
	bool answered; /* a choice that was made: applied whatever --level says */
	struct ifx_fix *next;
};

/** The transform that runs. */
const struct ifx_transform *ifx_cx_transform(const struct ifx_cx *cx);
/** Lives until the end of the run over the document: for operations, places and texts of findings.
 */
struct ifx_arena *ifx_cx_arena(struct ifx_cx *cx);
/** The newest and the oldest release of Istio, 1.N, that the facts speak of. */
#define IFX_ISTIO_NEWEST 32
#define IFX_ISTIO_OLDEST 20
/** N of the Istio release 1.N that the manifests are for (--istio-version); the newest one unless
 * said. */
int ifx_istio_minor(const struct ifx_cx *cx);
/** Remember that memory ran out. */
void ifx_cx_failed(struct ifx_cx *cx);

/**
 * The answer to the rule's question: what --choose says, else the first answer (recommended) .
 * `*answered` is false when nobody chose: the fix is then only shown, unless --level all.
 */
const char *ifx_chosen(struct ifx_cx *cx, bool *answered);

/**
 * Begin a finding about `node` (a key or a value, also of an embedded document).
 * Its level may be lowered to report when the resource is a live dump.
 */
struct ifx_fix *ifx_find(struct ifx_cx *cx, const struct ifx_node *node, ifx_level level,
			 ifx_severity severity, const char *fmt, ...) IFX_PRINTF(5, 6);
/** What a person can do about it; one short clause. */
void ifx_help(struct ifx_fix *fix, const char *fmt, ...) IFX_PRINTF(2, 3);
/** A level of choice: apply `fix` if the question was answered. */
void ifx_answered(struct ifx_fix *fix, bool answered);
/** The rule has a fix but not here: the finding is only reported, with the reason. */
void ifx_refuse(struct ifx_fix *fix, const char *fmt, ...) IFX_PRINTF(2, 3);

/* Operations. Nodes may be of the resource's document or of one embedded in it (ifx_embedded). */

/** The scalar says `text`, as a string. */
void ifx_fix_set(struct ifx_fix *fix, const struct ifx_node *node, ifx_str text);
/** The scalar says `text` unquoted: a number, a boolean. */
void ifx_fix_set_plain(struct ifx_fix *fix, const struct ifx_node *node, ifx_str text);
void ifx_fix_rename(struct ifx_fix *fix, const struct ifx_entry *entry, ifx_str key);
/** A text of several lines becomes a literal (`|`) where that is possible. */
void ifx_fix_insert(struct ifx_fix *fix, struct ifx_place place, ifx_str key, ifx_str value);
/**
 * A new entry whose value is YAML text: one line in flow style (`[a, b]`), or block lines that each
 * end with "\n" and start at column 0 (only into block maps).
 */
void ifx_fix_insert_yaml(struct ifx_fix *fix, struct ifx_place place, ifx_str key, ifx_str yaml);
/** The entry goes with its own comments. */
void ifx_fix_remove(struct ifx_fix *fix, const struct ifx_entry *entry);
/** The entry is a duplicate of `heir`, which gets its comments. */
void ifx_fix_remove_duplicate(struct ifx_fix *fix, const struct ifx_entry *entry,
			      const struct ifx_entry *heir);
/** places is copied. */
void ifx_fix_move(struct ifx_fix *fix, const struct ifx_entry *entry,
		  const struct ifx_place *places, size_t n);
/** `k: v` becomes `k: {key: v}`; an item `- v` of a list becomes `- key: v`. */
void ifx_fix_wrap(struct ifx_fix *fix, const struct ifx_entry *entry, ifx_str key);
/** The map that is the entry's value becomes the only item of a list. */
void ifx_fix_enlist(struct ifx_fix *fix, const struct ifx_entry *entry);

/* Views: the same thing wherever it lies. */

/** A message inside a resource: the root node of it, in the resource's document or in an embedded
 * one. */
struct ifx_view {
	const struct ifx_doc *doc;
	const struct ifx_node *node; /* a map */
	const struct ifx_entry
		*host; /* embedded: the entry whose value holds the text; else NULL */
	struct ifx_view *next;
};

/**
 * Places of a message in a resource: IFX_MSG_PROXYCONFIG (each proxy.istio.io/config and
 * meshConfig.defaultConfig), IFX_MSG_MESHCONFIG, IFX_MSG_VALUES, IFX_MSG_POD_ANNOTATIONS
 * (annotation maps of pods, and of metadata that is meant for pods), IFX_MSG_RESOURCE (the
 * resource). Texts that do not parse are passed over.
 */
struct ifx_view *ifx_views(struct ifx_cx *cx, const struct ifx_resource *r, ifx_message message);

/**
 * The document in the text of a scalar, parsed once per run. NULL when it does not parse; then
 * `why` (may be NULL) says so in a clause.
 */
const struct ifx_doc *ifx_embedded(struct ifx_cx *cx, const struct ifx_node *scalar, ifx_str *why);

/** Metadata maps of the resource's pods, each with its place when it is missing; see ifx_hit. */
struct ifx_hit *ifx_pod_metadata(struct ifx_cx *cx, const struct ifx_resource *r);

/*
 * What the rest of the input shows. The first question reads all files once; ask only when the
 * answer decides something.
 */

struct ifx_pair {
	ifx_str key, value;
};

struct ifx_pairs {
	const struct ifx_pair *items;
	size_t n;
};

/** An object of the input, in one environment. Texts live as long as the run. */
struct ifx_record {
	size_t environment;
	ifx_str path;    /* file, as typed */
	bool is_patch;   /* a kustomization of the input lists the file as a patch */
	size_t document; /* in the file, counted from 1 */
	ifx_str group, version, kind, name;
	ifx_str namespace; /* as deployed: kustomizations and --namespace are applied; ptr NULL:
			      unknown */
	struct ifx_pairs labels, annotations; /* own metadata */
	struct ifx_pairs selector;            /* Service: spec.selector */
	struct ifx_pod {
		struct ifx_pairs labels, annotations;
		const struct ifx_pod *next;
	} const *pods; /* of each pod template, or of the Pod */
	ifx_str class; /* Gateway API Gateway: spec.gatewayClassName */
};

/**
 * Environments that the file belongs to: 1, or one for each overlay that shares it. What is true of
 * a file must be true in all of them.
 */
size_t ifx_environments(struct ifx_cx *cx, const size_t **list);
/** Namespace of a resource as deployed in this environment; ptr NULL when nothing tells. */
ifx_str ifx_namespace_in(struct ifx_cx *cx, const struct ifx_resource *r, size_t environment);
/**
 * Objects of a group and kind in an environment, one after the other: pass NULL first, then the
 * one before.
 */
const struct ifx_record *ifx_records(struct ifx_cx *cx, size_t environment, ifx_str group,
				     ifx_str kind, const struct ifx_record *after);
/** As ifx_records, but only those of one name. */
const struct ifx_record *ifx_records_named(struct ifx_cx *cx, size_t environment, ifx_str group,
					   ifx_str kind, ifx_str name,
					   const struct ifx_record *after);
/** The namespace object of that name; NULL when the input does not have it. */
const struct ifx_record *ifx_namespace_record(struct ifx_cx *cx, size_t environment, ifx_str name);
/**
 * Is that its name, or was it before kustomize put a prefix or suffix to it? In the middle of a
 * build those who refer to it still say the old one.
 */
bool ifx_record_is_named(const struct ifx_record *record, ifx_str name);
/** Value of a key; ptr NULL when it is not there. */
ifx_str ifx_pair_value(struct ifx_pairs pairs, ifx_str key);
/** Do the labels have all pairs of the selector? An empty selector selects nothing. */
bool ifx_selects(struct ifx_pairs selector, struct ifx_pairs labels);

/** Is there, in an environment of this file, a Gateway API Gateway in this namespace without
 * istio.io/rev of its own? */
bool ifx_input_has_gateway(struct ifx_cx *cx, ifx_str namespace);
/** Does a kustomization list the file as a patch? Then its objects are parts of objects. */
bool ifx_input_is_patch(struct ifx_cx *cx);

#endif
