/*
 * The ProxyConfig message: which field a name is, and which values its reader refuses. Istio turns
 * the text into JSON by the rules of YAML 1.1 and reads that with golang/protobuf's jsonpb: unknown
 * names are dropped, a value of another type is an error for the whole text.
 *
 * Durations are not looked at here: the rule `duration` knows what becomes of them.
 */
#ifndef IFX_RULE_PROXYCONFIG_H
#define IFX_RULE_PROXYCONFIG_H

#include "rule/transform.h"

/**
 * The field called `name`, in camelCase or snake_case, in the message `in` ("tracing"; empty: the
 * ProxyConfig itself). NULL when there is none; names that the message had once are found too.
 */
const struct ifx_field_fact *ifx_proxyconfig_field(ifx_str in, ifx_str name);

/**
 * The one field that `name` can be a slip of: other letters in upper case, other separators, or up
 * to two wrong letters in a name that is long enough. NULL when there is none, or more than one.
 */
const struct ifx_field_fact *ifx_proxyconfig_near(ifx_str in, ifx_str name);

/** Is the entry, which has a key, one of proxyMetadata that has the name of a field beside it? */
bool ifx_proxyconfig_is_too_deep(const struct ifx_entry *entry);

/** The last step of the field's path: `sampling` of `tracing.sampling`. */
ifx_str ifx_proxyconfig_name(const struct ifx_field_fact *field);

/** A value that its reader refuses. Texts live as long as the run. */
struct ifx_misfit {
	const struct ifx_entry *entry; /* its key names the value; an item of a list has none */
	const struct ifx_node *node;   /* the value, aliases followed */
	ifx_str name;                  /* the key, of an item the list's */
	ifx_str what;       /* a clause behind the name: "is the boolean true, not a string" */
	ifx_str text;       /* what was meant; ptr NULL: only a person knows */
	bool plain;         /* text stands unquoted */
	ifx_str other;      /* a second reading of a value that is no string; ptr NULL: none */
	const char *answer; /* the name of that reading: "word", "value" */
	const char *help;   /* without text: how the value has to be */
};

typedef void ifx_misfit_visit(void *data, const struct ifx_misfit *misfit);

/** Visit each value in a ProxyConfig that is refused, in document order. */
void ifx_proxyconfig_check(struct ifx_cx *cx, const struct ifx_node *map, ifx_misfit_visit *visit,
			   void *data);
/** The same for the value of one entry, if it were the field's. */
void ifx_proxyconfig_check_value(struct ifx_cx *cx, const struct ifx_field_fact *field,
				 const struct ifx_entry *entry, ifx_misfit_visit *visit,
				 void *data);

/** `<<` with what it brings in. */
bool ifx_is_merge(const struct ifx_entry *entry);

#endif
