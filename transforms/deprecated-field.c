/*
 * deprecated-field: fields of Istio's resources that have a successor.
 *
 *   mirrorPercent: 25               ->  mirrorPercentage: {value: 25}
 *   fault.delay.percent: 10         ->  percentage: {value: 10}
 *   simple: LEAST_CONN              ->  LEAST_REQUEST
 *   warmupDurationSecs: 60s         ->  warmup: {duration: 60s}
 *   consistentHash.minimumRingSize  ->  ringHash: {minimumRingSize: ...}
 *   corsPolicy.allowOrigin: [x]     ->  allowOrigins: [{exact: x}]
 *   targetRef: {...}                ->  targetRefs: [{...}]
 *
 * Invariants:
 *   1. What istiod builds from the resource stays the same: only exact equivalents are written.
 *   2. Where both are there the old one goes only if istiod never looks at it then; otherwise a
 *      person decides.
 */
#include "rule/transform.h"

#include "base/map.h"
#include "rule/field.h"
#include "yaml/resolve.h"

/** Longest path of the table with a place of a traffic policy before it. Bytes. */
#define PATH_MAX_LEN 128

struct place;

struct field {
	const char *group, *kind;
	const char *path;     /* of the map that has it; "{tp}": wherever a traffic policy is */
	const char *names[2]; /* its spellings */
	void (*check)(struct place *p);
	const char *successor, *key; /* it becomes `successor: {key: value}` */
	const char *ist;             /* istioctl analyze's code, or NULL */
	int since;                   /* Istio 1.N knows the successor; 0: all that we speak of */
};

/* The old field where it stands. */
struct place {
	struct ifx_cx *cx;
	const struct field *field;
	const struct ifx_node *map;
	const struct ifx_entry *entry;
	const struct ifx_node *value; /* not null */
	struct ifx_map *seen;         /* by the address of the entry */
};

static ifx_str name_of(const struct place *p)
{
	return ifx_text(p->entry->key);
}

static ifx_str value_of(const struct place *p)
{
	return ifx_excerpt(p->cx, ifx_text(p->value));
}

/* A field beside the old one; NULL when it is not there, or null, which is the same to the API
 * server. */
static const struct ifx_entry *beside(const struct place *p, ifx_str name)
{
	const struct ifx_entry *entry = ifx_map_find(p->map, name, NULL);

	return entry && !ifx_is_null(ifx_deref(entry->value)) ? entry : NULL;
}

static struct ifx_fix *found(struct place *p, struct ifx_fix *fix)
{
	fix->finding.ist = p->field->ist;
	if (ifx_map_entry_after(p->entry, name_of(p)))
		ifx_refuse(fix, "the key is there twice; remove one of them first");
	return fix;
}

/* istiod does not look at the old field when `winner` is there. */
static void drop(struct place *p, const struct ifx_entry *winner)
{
	struct ifx_fix *fix =
		found(p, ifx_find(p->cx, p->entry->key, IFX_SAFE, IFX_WARNING,
				  "'%.*s' is deprecated, and not read: '%.*s' beside it wins",
				  IFX_ARG(name_of(p)), IFX_ARG(ifx_text(winner->key))));

	ifx_fix_remove(fix, p->entry);
}

static void rename_and_wrap(struct place *p, const char *refusal)
{
	const struct field *f = p->field;
	struct ifx_fix *fix = found(p, ifx_find(p->cx, p->entry->key, IFX_SAFE, IFX_WARNING,
						"'%.*s' is deprecated; '%s.%s' says the same",
						IFX_ARG(name_of(p)), f->successor, f->key));

	if (refusal)
		ifx_refuse(fix, "%s", refusal);
	ifx_fix_rename(fix, p->entry, ifx_str_of(f->successor));
	ifx_fix_wrap(fix, p->entry, ifx_str_of(f->key));
}

static bool is_number(const struct ifx_node *value)
{
	struct ifx_plain plain;

	if (!ifx_is(value, IFX_SCALAR) || value->style != IFX_PLAIN || value->tag.len)
		return false;
	plain = ifx_resolve_plain(ifx_text(value));
	return plain.type == IFX_TYPE_INT && !plain.ambiguous;
}

/* ---- the fields ---- */

/* A number that becomes a message of one field. istiod reads the old one only without the new one.
 */
static void number(struct place *p)
{
	const struct ifx_entry *winner = beside(p, ifx_str_of(p->field->successor));

	if (winner)
		drop(p, winner);
	else
		rename_and_wrap(p, is_number(p->value) ? NULL : "its value is not a plain number");
}

/* mirrorPercent and mirror_percent are one field of two spellings. */
static void mirror(struct place *p)
{
	const char *const *names = p->field->names;
	bool both = beside(p, ifx_str_of(names[0])) && beside(p, ifx_str_of(names[1]));
	struct ifx_fix *fix;

	if (!both || beside(p, ifx_str_of(p->field->successor))) {
		number(p);
	} else if (ifx_str_eq(name_of(p), ifx_str_of(names[1]))) {
		fix = found(p, ifx_find(p->cx, p->entry->key, IFX_REPORT, IFX_WARNING,
					"'%s' is deprecated, and '%s' beside it is the same field",
					names[1], names[0]));
		ifx_help(fix, "remove one of them");
	}
}

static void ring_size(struct place *p)
{
	const struct ifx_entry *winner = beside(p, IFX_LIT("maglev"));

	if (winner)
		drop(p, winner);
	else
		number(p);
}

/* What happens with both is decided by the validation of the Istio that runs. */
static void warmup(struct place *p)
{
	const struct ifx_entry *other = beside(p, ifx_str_of(p->field->successor));
	struct ifx_fix *fix;

	if (!other) {
		rename_and_wrap(p, ifx_is(p->value, IFX_SCALAR) ? NULL
								: "its value is not a duration");
	} else if (ifx_str_eq(ifx_get_text(other->value, ifx_str_of(p->field->key)),
			      ifx_text(p->value))) {
		fix = found(
			p, ifx_find(p->cx, p->entry->key, IFX_SAFE, IFX_WARNING,
				    "'%.*s' is deprecated; 'warmup.duration' says the same already",
				    IFX_ARG(name_of(p))));
		ifx_fix_remove(fix, p->entry);
	} else {
		fix = found(
			p,
			ifx_find(p->cx, p->entry->key, IFX_REPORT, IFX_WARNING,
				 "'%.*s' is deprecated, and 'warmup' beside it says something else",
				 IFX_ARG(name_of(p))));
		ifx_help(fix, "leave 'warmup' alone, with the duration that is right");
	}
}

static void least_conn(struct place *p)
{
	struct ifx_fix *fix;

	if (!ifx_str_eq(ifx_text(p->value), IFX_LIT("LEAST_CONN")))
		return;
	fix = found(
		p,
		ifx_find(p->cx, p->value, IFX_SAFE, IFX_WARNING,
			 "'LEAST_CONN' is deprecated; 'LEAST_REQUEST' is the same load balancer"));
	ifx_fix_set(fix, p->value, IFX_LIT("LEAST_REQUEST"));
}

/* Each text is an exact match; `*` is one too, and Envoy takes that for all origins, then and now.
 */
static void allow_origin(struct place *p)
{
	const struct ifx_entry *winner =
		ifx_map_find(p->map, ifx_str_of(p->field->successor), NULL);
	const struct ifx_node *list = winner ? ifx_deref(winner->value) : NULL;
	struct ifx_fix *fix;

	if (ifx_is(list, IFX_SEQ) && list->n) {
		drop(p, winner);
		return;
	}
	if (ifx_is(p->value, IFX_SEQ) && !p->value->n)
		return;
	fix = found(p, ifx_find(p->cx, p->entry->key, IFX_SAFE, IFX_WARNING,
				"'%.*s' is deprecated; '%s' with exact matches says the same",
				IFX_ARG(name_of(p)), p->field->successor));
	if (winner)
		ifx_refuse(fix, "'%s' is there, and empty; remove it first", p->field->successor);
	if (!ifx_is(p->value, IFX_SEQ) || p->value != p->entry->value) {
		ifx_refuse(fix, "its value is not a list that stands here");
		return;
	}
	ifx_fix_rename(fix, p->entry, ifx_str_of(p->field->successor));
	for (const struct ifx_entry *e = p->value->first; e; e = e->next) {
		if (!ifx_is_string(ifx_deref(e->value)))
			ifx_refuse(fix, "an item of it is not a string");
		ifx_fix_wrap(fix, e, ifx_str_of(p->field->key));
	}
}

/* The API server takes only one of them. */
static void target_ref(struct place *p)
{
	const struct ifx_entry *other = beside(p, ifx_str_of(p->field->successor));
	struct ifx_fix *fix;

	if (!ifx_is(p->value, IFX_MAP))
		return;
	if (other) {
		fix = found(
			p,
			ifx_find(p->cx, p->entry->key, IFX_REPORT, IFX_ERROR,
				 "'%.*s' is deprecated, and the API server refuses it beside '%s'",
				 IFX_ARG(name_of(p)), p->field->successor));
		ifx_help(fix, "make it an item of '%s'", p->field->successor);
		return;
	}
	fix = found(p, ifx_find(p->cx, p->entry->key, IFX_SAFE, IFX_WARNING,
				"'%.*s' is deprecated; '%s' with one item says the same",
				IFX_ARG(name_of(p)), p->field->successor));
	ifx_fix_rename(fix, p->entry, ifx_str_of(p->field->successor));
	ifx_fix_enlist(fix, p->entry);
}

#define GONE "any more: a strict client refuses the object, otherwise the field is dropped"

/* The schema does not have the field: nothing reads it. */
static void gone(struct place *p)
{
	struct ifx_fix *fix =
		found(p, ifx_find(p->cx, p->entry->key, IFX_REPORT, IFX_WARNING,
				  "an HTTP route has no field '%.*s' " GONE, IFX_ARG(name_of(p))));

	if (p->field->successor)
		ifx_help(fix, "'%s' does what it did", p->field->successor);
	else
		ifx_help(fix, "remove it");
}

/* So is this one, and to be without it is to abort everything. */
static void abort_percent(struct place *p)
{
	struct ifx_fix *fix;

	if (beside(p, IFX_LIT("percentage"))) {
		fix = found(
			p,
			ifx_find(
				p->cx, p->entry->key, IFX_REPORT, IFX_WARNING,
				"an abort has no field 'percent' any more; 'percentage' beside it decides"));
		ifx_help(fix, "remove it");
		return;
	}
	fix = found(p, ifx_find(p->cx, p->entry->key, IFX_REPORT, IFX_WARNING,
				"an abort has no field 'percent' " GONE
				" and every request is aborted"));
	ifx_help(fix, "write 'percentage: {value: %.*s}' if that many are meant to be aborted",
		 IFX_ARG(value_of(p)));
}

static void consecutive_errors(struct place *p)
{
	static const char *const successors[] = { "consecutive5xxErrors",
						  "consecutiveGatewayErrors" };
	struct ifx_fix *fix = found(
		p, ifx_find(p->cx, p->entry->key, IFX_REPORT, IFX_WARNING,
			    "'%.*s: %.*s' has no effect: Istio does not read the field any more",
			    IFX_ARG(name_of(p)), IFX_ARG(value_of(p))));

	for (size_t i = 0; i < 2; i++)
		if (beside(p, ifx_str_of(successors[i]))) {
			ifx_help(fix, "remove it; '%s' decides", successors[i]);
			return;
		}
	ifx_help(
		fix,
		"'consecutive5xxErrors' or 'consecutiveGatewayErrors' starts to eject hosts after that many errors; remove it if that is not wanted");
}

static void egress_proxy(struct place *p)
{
	struct ifx_fix *fix = found(
		p,
		ifx_find(
			p->cx, p->entry->key, IFX_REPORT, IFX_INFO,
			"'istioctl analyze' calls '%.*s' ignored, but istiod still sends traffic for unknown hosts through it",
			IFX_ARG(name_of(p))));

	ifx_help(fix, "leave it, unless that traffic may go another way");
}

#define NETWORKING "networking.istio.io"
#define HTTP       NETWORKING, "VirtualService", "spec.http[]"
#define POLICY     NETWORKING, "DestinationRule", "{tp}"

static const struct field fields[] = {
	/* clang-format off */
	{ HTTP, { "mirrorPercent", "mirror_percent" }, mirror, "mirrorPercentage", "value", "IST0133", 0 },
	{ HTTP ".fault.delay", { "percent" }, number, "percentage", "value", "IST0002", 0 },
	{ HTTP ".fault.abort", { "percent" }, abort_percent, NULL, NULL, NULL, 0 },
	{ HTTP, { "websocketUpgrade" }, gone, NULL, NULL, NULL, 0 },
	{ HTTP, { "appendHeaders" }, gone, "headers.request.add", NULL, NULL, 0 },
	{ HTTP ".corsPolicy", { "allowOrigin" }, allow_origin, "allowOrigins", "exact", NULL, 0 },
	{ POLICY ".loadBalancer", { "simple" }, least_conn, NULL, NULL, NULL, 0 },
	{ POLICY ".loadBalancer", { "warmupDurationSecs" }, warmup, "warmup", "duration", NULL, 25 },
	{ POLICY ".loadBalancer.consistentHash", { "minimumRingSize" }, ring_size, "ringHash", "minimumRingSize", "IST0133", 0 },
	{ POLICY ".outlierDetection", { "consecutiveErrors" }, consecutive_errors, NULL, NULL, "IST0133", 0 },
	{ NETWORKING, "Sidecar", "spec.outboundTrafficPolicy", { "egressProxy" }, egress_proxy, NULL, NULL, "IST0002", 0 },
	{ "security.istio.io", "AuthorizationPolicy", "spec", { "targetRef" }, target_ref, "targetRefs", NULL, NULL, 22 },
	{ "security.istio.io", "RequestAuthentication", "spec", { "targetRef" }, target_ref, "targetRefs", NULL, NULL, 22 },
	{ "telemetry.istio.io", "Telemetry", "spec", { "targetRef" }, target_ref, "targetRefs", NULL, NULL, 22 },
	{ "extensions.istio.io", "WasmPlugin", "spec", { "targetRef" }, target_ref, "targetRefs", NULL, NULL, 22 },
	/* clang-format on */
};

/* ---- the walk ---- */

/* Where a DestinationRule keeps its traffic policies. */
static const char *const policies[] = {
	"spec.trafficPolicy",
	"spec.trafficPolicy.portLevelSettings[]",
	"spec.subsets[].trafficPolicy",
	"spec.subsets[].trafficPolicy.portLevelSettings[]",
};

/* An alias may lead to one entry again and again. */
static bool is_seen(struct place *p)
{
	const ifx_str key = { (const char *)&p->entry, sizeof(p->entry) };

	if (!p->map->doc->has_alias)
		return false;
	if (ifx_map_at(p->seen, key))
		return true;
	if (ifx_map_put(p->seen, ifx_cx_arena(p->cx), key, NULL))
		return false;
	ifx_cx_failed(p->cx);
	return true;
}

static void see(void *data, const struct ifx_entry *entry, const struct ifx_node *node)
{
	struct place *p = data;

	(void)entry;
	for (size_t i = 0; i < sizeof(p->field->names) / sizeof(*p->field->names); i++) {
		if (!p->field->names[i])
			continue;
		p->entry = ifx_map_find(node, ifx_str_of(p->field->names[i]), NULL);
		p->map = node;
		p->value = p->entry ? ifx_deref(p->entry->value) : NULL;
		if (p->value && !ifx_is_null(p->value) && !is_seen(p))
			p->field->check(p);
	}
}

static void walk(struct place *p, const struct ifx_resource *r)
{
	static const char tp[] = "{tp}";
	const char *path = p->field->path;
	char text[PATH_MAX_LEN];

	if (strncmp(path, tp, sizeof(tp) - 1) != 0) {
		ifx_field_walk(r->node, ifx_str_of(path), false, see, p);
		return;
	}
	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		ifx_str head = ifx_str_of(policies[i]), tail = ifx_str_of(path + sizeof(tp) - 1);

		memcpy(text, head.ptr, head.len);
		memcpy(text + head.len, tail.ptr, tail.len);
		ifx_field_walk(r->node, (ifx_str){ text, head.len + tail.len }, false, see, p);
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct ifx_map seen = { 0 };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct place p = { .cx = cx, .field = &fields[i], .seen = &seen };

		if (ifx_str_eq(r->group, ifx_str_of(fields[i].group)) &&
		    ifx_str_eq(r->kind, ifx_str_of(fields[i].kind)) &&
		    ifx_istio_minor(cx) >= fields[i].since)
			walk(&p, r);
	}
	ifx_map_release(&seen);
}

const struct ifx_transform ifx_deprecated_field = {
	.id = "deprecated-field",
	.summary = "write the successors of deprecated fields",
	.source = "https://istio.io/latest/docs/reference/config/networking/",
	.level = IFX_SAFE,
	.needles = (const char *const[]){ "mirrorPercent", "mirror_percent", "delay", "abort",
					  "allowOrigin", "LEAST_CONN", "warmupDurationSecs",
					  "minimumRingSize", "consecutiveErrors", "egressProxy",
					  "targetRef", "websocketUpgrade", "appendHeaders", NULL },
	.run = run,
};
