#include "rule/facts.h"

/*
 * The tables are the .def files as they are, in byte order of their keys, so a lookup is a binary
 * search and nothing happens at start-up. tests/test_facts.c checks the order.
 */

/* Short names, so that a row of a table reads like a sentence. */
enum {
	DEPRECATED = IFX_KEY_DEPRECATED,
	HIDDEN = IFX_KEY_HIDDEN,
	SYSTEM = IFX_KEY_SYSTEM,
	UNUSED = IFX_KEY_UNUSED,
	UNCATALOGUED = IFX_KEY_UNCATALOGUED,
	CHECKED = IFX_KEY_INJECTOR_CHECKED,
	WILDCARD = IFX_KEY_WILDCARD,
	OPEN = IFX_KEY_OPEN,
	FOLD = IFX_KEY_FOLD,
	UNTRIMMED = IFX_KEY_UNTRIMMED,
};

#define LABEL(key)        "label", key
#define ANNOTATION(key)   "annotation", key
#define FIELD(path)       "field", path
#define PROXYCONFIG(path) "proxyconfig", path
#define NO_SUCCESSOR      NULL, NULL

#define KEY(name, kinds, status, type, bad, flags, values, successor)                              \
	{ name, kinds, status, IFX_VALUE_##type, values, IFX_BAD_##bad, flags, successor },
static const struct ifx_key_fact annotations[] = {
#include "transforms/facts/annotations.def"
};
static const struct ifx_key_fact labels[] = {
#include "transforms/facts/labels.def"
};
#undef KEY

#define REMOVED(name, sort, last_seen, successor) { name, sort, last_seen, successor },
static const struct ifx_removed_fact removed[] = {
#include "transforms/facts/removed.def"
};
#undef REMOVED

#undef LABEL
#undef ANNOTATION
#undef FIELD
#undef PROXYCONFIG
#undef NO_SUCCESSOR

/* clang-format off */
#define PATHS(...) { __VA_ARGS__ }
#define INERT(...) { __VA_ARGS__ }
#define NONE       { NULL }
/* clang-format on */
#define WORKLOAD(group, kind, paths, inert) { group, kind, paths, inert },
static const struct ifx_workload_fact workloads[] = {
#include "transforms/facts/workloads.def"
};
#undef PATHS
#undef INERT
#undef NONE
#undef WORKLOAD

#define RESOURCE(group, kind) IFX_MSG_RESOURCE, group, kind
#define PROXYCONFIG           IFX_MSG_PROXYCONFIG, NULL, NULL
#define MESHCONFIG            IFX_MSG_MESHCONFIG, NULL, NULL
#define POD_ANNOTATIONS       IFX_MSG_POD_ANNOTATIONS, NULL, NULL
#define VALUES                IFX_MSG_VALUES, NULL, NULL
#define ZERO_OK               true, false
#define ZERO_REFUSED          false, false
#define ZERO_UNCHECKED        false, true
#define MS                    1000000LL
#define S                     1000000000LL
#define H                     3600000000000LL
#define DURATION(message, grammar, zero, min, max, precision, path, note)                          \
	{ message, path, IFX_GRAMMAR_##grammar, ZERO_##zero, min, max, precision, note },
static const struct ifx_duration_fact durations[] = {
#include "transforms/facts/durations.def"
};
#undef RESOURCE
#undef PROXYCONFIG
#undef MESHCONFIG
#undef POD_ANNOTATIONS
#undef VALUES
#undef MS
#undef S
#undef H
#undef DURATION

#define FIELD(name, type, deprecated, removed_in, replaced_by, values)                             \
	{ name, type, replaced_by, removed_in, deprecated, values },
static const struct ifx_field_fact proxyconfig[] = {
#include "transforms/facts/proxyconfig.def"
};
#undef FIELD

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct ifx_key_fact *find_key(const struct ifx_key_fact *facts, size_t n, ifx_str key)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;
		int c = ifx_str_cmp(key, ifx_str_of(facts[mid].name));

		if (!c)
			return &facts[mid];
		if (c > 0)
			low = mid + 1;
		else
			n = mid;
	}
	return NULL;
}

const struct ifx_key_fact *ifx_fact_annotation(ifx_str key)
{
	return find_key(annotations, COUNT(annotations), key);
}

const struct ifx_key_fact *ifx_fact_label(ifx_str key)
{
	return find_key(labels, COUNT(labels), key);
}

const struct ifx_removed_fact *ifx_fact_removed(ifx_str key, ifx_str sort)
{
	size_t low = 0, high = COUNT(removed);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = ifx_str_cmp(key, ifx_str_of(removed[mid].name));

		if (!c)
			c = ifx_str_cmp(sort, ifx_str_of(removed[mid].sort));
		if (!c)
			return &removed[mid];
		if (c > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct ifx_workload_fact *ifx_fact_workload(ifx_str group, ifx_str kind)
{
	size_t low = 0, high = COUNT(workloads);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = ifx_str_cmp(group, ifx_str_of(workloads[mid].group));

		if (!c)
			c = ifx_str_cmp(kind, ifx_str_of(workloads[mid].kind));
		if (!c)
			return &workloads[mid];
		if (c > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct ifx_key_fact *ifx_fact_annotations(size_t *n)
{
	*n = COUNT(annotations);
	return annotations;
}

const struct ifx_key_fact *ifx_fact_labels(size_t *n)
{
	*n = COUNT(labels);
	return labels;
}

const struct ifx_removed_fact *ifx_fact_removals(size_t *n)
{
	*n = COUNT(removed);
	return removed;
}

const struct ifx_workload_fact *ifx_fact_workloads(size_t *n)
{
	*n = COUNT(workloads);
	return workloads;
}

const struct ifx_duration_fact *ifx_fact_durations(size_t *n)
{
	*n = COUNT(durations);
	return durations;
}

const struct ifx_field_fact *ifx_fact_proxyconfig(size_t *n)
{
	*n = COUNT(proxyconfig);
	return proxyconfig;
}

bool ifx_fact_pod_only(const struct ifx_key_fact *fact)
{
	return !strcmp(fact->kinds, "Pod");
}

bool ifx_key_is_istio(ifx_str key)
{
	size_t slash = ifx_str_chr(key, '/');
	ifx_str domain = { key.ptr, slash == SIZE_MAX ? key.len : slash };

	return ifx_str_eq(domain, IFX_LIT("istio.io")) ||
	       ifx_str_ends(domain, IFX_LIT(".istio.io")) ||
	       ifx_str_eq(key, IFX_LIT("istio-injection"));
}
