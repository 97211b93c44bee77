/*
 * duration: every duration field that Istio and the Gateway API read, in whatever message it lies.
 * Valid text is written the tidy way, foreign spellings in the field's own grammar, and what no
 * reading makes right is reported with what would be.
 *
 * Invariants:
 *   1. A valid value never changes: it is read again after writing, to the nanosecond.
 *   2. What is written is always allowed in its field, so the next run has nothing to say about it.
 */
#include "rule/transform.h"

#include "rule/duration.h"
#include "rule/field.h"

/** Values that aliases lead to again and again; beyond this many one may be told twice. */
#define SEEN_MAX 1000

struct seen {
	const struct ifx_node *value;
	struct seen *next;
};

/** A duration in its place. */
struct place {
	struct ifx_cx *cx;
	const struct ifx_duration_fact *fact;
	bool annotation;    /* ProxyConfig: in proxy.istio.io/config, not in a mesh config */
	bool istioctl;      /* in what istioctl reads and checks */
	struct seen **seen; /* what was found in this resource */
	const struct ifx_entry *entry;
	const struct ifx_node *value;
};

/* ---- what is said ---- */

static ifx_str key_of(const struct place *p)
{
	return ifx_text(p->entry->key);
}

static ifx_str text_of(const struct place *p)
{
	return ifx_excerpt(p->cx, ifx_text(p->value));
}

/* proxyMetadata and annotations are read at run time by code that shrugs at what it cannot read. */
static bool is_ignored_when_bad(const struct place *p)
{
	if (p->fact->message == IFX_MSG_POD_ANNOTATIONS)
		return true;
	return p->fact->message == IFX_MSG_PROXYCONFIG && ifx_is_string(p->value) &&
	       ifx_str_starts(ifx_str_of(p->fact->path), IFX_LIT("proxyMetadata."));
}

static const char *mesh_consequence(const struct place *p)
{
	return p->istioctl ? "at which istioctl stops with an error"
			   : "for which Istio discards the whole mesh config";
}

/* What happens today with a value that is not understood: "'timeout' is '5', <clause>". */
static const char *consequence(const struct place *p)
{
	if (is_ignored_when_bad(p))
		return "which Istio ignores";
	switch (p->fact->message) {
	case IFX_MSG_PROXYCONFIG:
		if (p->annotation)
			return "for which the injector refuses the pod";
		return mesh_consequence(p);
	case IFX_MSG_MESHCONFIG:
		return mesh_consequence(p);
	case IFX_MSG_RESOURCE:
		return "which the API server refuses";
	case IFX_MSG_POD_ANNOTATIONS:
	case IFX_MSG_VALUES:
		break;
	}
	return "which Istio refuses";
}

static ifx_severity severity_of(const struct place *p)
{
	return is_ignored_when_bad(p) ? IFX_WARNING : IFX_ERROR;
}

/* Nobody checks the range of this field. */
static bool is_unchecked(const struct ifx_duration_fact *fact)
{
	return fact->zero_unchecked || (fact->note && !strcmp(fact->note, "unchecked"));
}

/* How the value has to be: "write a duration such as '90s': at least 1s, whole seconds". */
static void help_range(struct ifx_fix *fix, const struct ifx_duration_fact *fact)
{
	bool gep = fact->grammar == IFX_GRAMMAR_GEP2257;
	struct ifx_buf range;

	ifx_buf_init(&range, 256);
	/* No field allows a negative value, so this tells the whole range. */
	ifx_duration_allowed(fact, -1, &range);
	ifx_help(fix, "write a duration %s: %.*s",
		 gep ? "of h, m, s and ms, such as '1m30s'" : "such as '90s'",
		 IFX_ARG(ifx_buf_str(&range)));
	if (range.bad)
		ifx_cx_failed(fix->cx);
	ifx_buf_release(&range);
}

static void help_value(struct ifx_fix *fix, const struct ifx_duration_fact *fact, long long ns)
{
	/* The way people once switched a timeout off. */
	if (!ns && !strcmp(fact->path, "spec.http[].timeout"))
		ifx_help(fix, "remove the field: without it there is no timeout");
	else
		help_range(fix, fact);
}

/* ---- the fix ---- */

/* The value in the field's grammar; false when it cannot be written there. */
static bool canonical(const struct place *p, long long ns, struct ifx_buf *out)
{
	struct ifx_duration back;

	if (!ifx_duration_write(ns, p->fact->grammar, out))
		return false;
	if (out->bad) {
		ifx_cx_failed(p->cx);
		return false;
	}
	back = ifx_duration_read(ifx_buf_str(out), p->fact->grammar);
	return back.kind == IFX_DUR_VALID && back.ns == ns;
}

static void set(const struct place *p, struct ifx_fix *fix, ifx_str text)
{
	const struct ifx_entry *first = ifx_map_entry(p->entry->in, key_of(p));

	/* Readers differ in which one they take. */
	if (first && ifx_map_entry_after(first, key_of(p)))
		ifx_refuse(fix, "the key '%.*s' is there twice; remove one of them first",
			   IFX_ARG(key_of(p)));
	ifx_fix_set(fix, p->value, text);
}

static void tidy(const struct place *p, long long ns)
{
	struct ifx_buf text;
	struct ifx_fix *fix;

	ifx_buf_init(&text, 64);
	if (canonical(p, ns, &text)) {
		fix = ifx_find(p->cx, p->value, IFX_SAFE, IFX_INFO,
			       "'%.*s' is '%.*s'; written as '%.*s'", IFX_ARG(key_of(p)),
			       IFX_ARG(text_of(p)), IFX_ARG(ifx_buf_str(&text)));
		set(p, fix, ifx_buf_str(&text));
	}
	ifx_buf_release(&text);
}

static void repair(const struct place *p, const struct ifx_duration *d)
{
	struct ifx_buf text;
	struct ifx_fix *fix;

	ifx_buf_init(&text, 64);
	if (!canonical(p, d->ns, &text)) {
		fix = ifx_find(p->cx, p->value, IFX_REPORT, severity_of(p),
			       "'%.*s' is '%.*s', %s, and the field's grammar cannot write it",
			       IFX_ARG(key_of(p)), IFX_ARG(text_of(p)), consequence(p));
		help_range(fix, p->fact);
	} else if (!ifx_duration_allowed(p->fact, d->ns, NULL)) {
		fix = ifx_find(p->cx, p->value, IFX_REPORT, severity_of(p),
			       "'%.*s' is '%.*s', %s; '%.*s' (%s) would be out of range",
			       IFX_ARG(key_of(p)), IFX_ARG(text_of(p)), consequence(p),
			       IFX_ARG(ifx_buf_str(&text)), d->assumption);
		help_value(fix, p->fact, d->ns);
	} else {
		fix = ifx_find(p->cx, p->value, IFX_REPAIR, severity_of(p),
			       "'%.*s' is '%.*s', %s; '%.*s' (%s) takes effect", IFX_ARG(key_of(p)),
			       IFX_ARG(text_of(p)), consequence(p), IFX_ARG(ifx_buf_str(&text)),
			       d->assumption);
		set(p, fix, ifx_buf_str(&text));
	}
	ifx_buf_release(&text);
}

/* ---- reports ---- */

static void out_of_range(const struct place *p, long long ns)
{
	struct ifx_fix *fix = ifx_find(
		p->cx, p->value, IFX_REPORT, is_unchecked(p->fact) ? IFX_WARNING : IFX_ERROR,
		"'%.*s' is '%.*s', which is out of range", IFX_ARG(key_of(p)), IFX_ARG(text_of(p)));

	help_value(fix, p->fact, ns);
}

static void invalid(const struct place *p, const char *why)
{
	/* "not a duration", "empty"; but "has no unit ...", "does not fit", "may be minutes or
	 * months" */
	bool verb =
		!strncmp(why, "has ", 4) || !strncmp(why, "does ", 5) || !strncmp(why, "may ", 4);
	struct ifx_fix *fix = ifx_find(p->cx, p->value, IFX_REPORT, severity_of(p),
				       "'%.*s' is '%.*s', %s: it %s%s", IFX_ARG(key_of(p)),
				       IFX_ARG(text_of(p)), consequence(p), verb ? "" : "is ", why);

	help_range(fix, p->fact);
}

static void no_text(const struct place *p)
{
	struct ifx_fix *fix = ifx_find(p->cx, p->value, IFX_REPORT, severity_of(p),
				       "'%.*s' is a %s, %s", IFX_ARG(key_of(p)),
				       ifx_is(p->value, IFX_MAP) ? "map" : "list", consequence(p));

	help_range(fix, p->fact);
}

static void unsupported(const struct place *p)
{
	struct ifx_fix *fix =
		ifx_find(p->cx, p->entry->key, IFX_REPORT, IFX_ERROR,
			 "'%.*s' is refused whatever it says: Istio does not support it",
			 IFX_ARG(key_of(p)));

	ifx_help(fix, "use 'fixedDelay'");
}

/* ---- the look ---- */

/* Was there something to say? */
static bool judge_value(const struct place *p)
{
	const struct ifx_duration_fact *fact = p->fact;
	const struct ifx_node *value = p->value;
	struct ifx_duration d;

	if (fact->note && ifx_str_starts(ifx_str_of(fact->note), IFX_LIT("always refused")))
		return unsupported(p), true;
	if (!ifx_is(value, IFX_SCALAR))
		return no_text(p), true;
	d = ifx_duration_read(ifx_text(value), fact->grammar);
	/* A zero is a duration as text, and refused as a number. */
	if (d.kind == IFX_DUR_VALID && !ifx_is_string(value)) {
		d.kind = IFX_DUR_FOREIGN;
		d.assumption = "read as seconds";
	}
	switch (d.kind) {
	case IFX_DUR_VALID:
		if (!ifx_duration_allowed(fact, d.ns, NULL))
			return out_of_range(p, d.ns), true;
		/* The GEP asks to leave valid text as its author wrote it. */
		if (fact->grammar == IFX_GRAMMAR_GEP2257 || ifx_duration_is_tidy(ifx_text(value)))
			break;
		return tidy(p, d.ns), true;
	case IFX_DUR_FOREIGN:
		return repair(p, &d), true;
	case IFX_DUR_INVALID:
		return invalid(p, d.why), true;
	case IFX_DUR_OPAQUE:
		break;
	}
	return false;
}

/* A tag that is not YAML's own belongs to somebody's template. */
static bool has_foreign_tag(const struct ifx_node *node)
{
	return node->tag.len > 1 && node->doc->src.ptr[node->tag.at + 1] != '!' &&
	       !ifx_is_string(node);
}

static void judge(void *data, const struct ifx_entry *entry, const struct ifx_node *value)
{
	struct place *p = data;
	struct seen *seen = *p->seen;

	if (ifx_is_null(value) || has_foreign_tag(value))
		return;
	for (int n = 0; value->doc->has_alias && seen && n < SEEN_MAX; n++, seen = seen->next)
		if (seen->value == value)
			return;
	p->entry = entry;
	p->value = value;
	if (!judge_value(p) || !value->doc->has_alias)
		return;
	seen = ifx_arena_alloc(ifx_cx_arena(p->cx), sizeof(*seen));
	if (!seen) {
		ifx_cx_failed(p->cx);
		return;
	}
	seen->value = value;
	seen->next = *p->seen;
	*p->seen = seen;
}

static void look_into(struct ifx_cx *cx, const struct ifx_resource *r, ifx_message message,
		      struct seen **seen)
{
	size_t n;
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);
	bool snake = message == IFX_MSG_PROXYCONFIG || message == IFX_MSG_MESHCONFIG;

	for (const struct ifx_view *v = ifx_views(cx, r, message); v; v = v->next) {
		struct place p = { .cx = cx, .seen = seen };

		p.istioctl = ifx_str_eq(r->group, IFX_LIT("install.istio.io"));
		p.annotation = v->host &&
			       ifx_str_eq(ifx_text(v->host->key), IFX_LIT("proxy.istio.io/config"));
		for (size_t i = 0; i < n; i++) {
			ifx_str path = ifx_str_of(facts[i].path);
			const struct ifx_entry *e;

			if (facts[i].message != message)
				continue;
			p.fact = &facts[i];
			if (message != IFX_MSG_POD_ANNOTATIONS) {
				ifx_field_walk(v->node, path, snake, judge, &p);
				continue;
			}
			e = ifx_map_find(v->node, path, NULL);
			if (e && ifx_deref(e->value))
				judge(&p, e, ifx_deref(e->value));
		}
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	size_t n;
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);
	struct seen *seen = NULL;

	for (size_t i = 0; i < n; i++) {
		struct place p = { .cx = cx, .fact = &facts[i], .seen = &seen };

		if (facts[i].message == IFX_MSG_RESOURCE &&
		    ifx_str_eq(r->kind, ifx_str_of(facts[i].kind)) &&
		    ifx_str_eq(r->group, ifx_str_of(facts[i].group)))
			ifx_field_walk(r->node, ifx_str_of(facts[i].path), false, judge, &p);
	}
	look_into(cx, r, IFX_MSG_PROXYCONFIG, &seen);
	look_into(cx, r, IFX_MSG_MESHCONFIG, &seen);
	look_into(cx, r, IFX_MSG_VALUES, &seen);
	look_into(cx, r, IFX_MSG_POD_ANNOTATIONS, &seen);
}

/*
 * Not the names of the fields: `timeout` is in every probe (`timeoutSeconds`), while these are in
 * what can hold a duration of ours and in little else. test_transforms_needles checks that each
 * fact, wherever it may lie, has one of them.
 */
static const char *const needles[] = {
	/* the groups of the resources */
	"networking.istio.io/",
	"security.istio.io/",
	"telemetry.istio.io/",
	"gateway.networking.k8s.io/",
	"gateway.networking.x-k8s.io/",
	/* the annotations */
	"proxy.istio.io/config",
	"sidecar.istio.io/stats",
	/* mesh config: of the operators, */
	"IstioOperator",
	"sailoperator.io/",
	/* and in a ConfigMap, where only its own fields tell */
	"defaultConfig",
	"default_config",
	"connectTimeout",
	"connect_timeout",
	"protocolDetectionTimeout",
	"protocol_detection_timeout",
	"hboneIdleTimeout",
	"hbone_idle_timeout",
	"dnsRefreshRate",
	"dns_refresh_rate",
	"tcpKeepalive",
	"tcp_keepalive",
	"requestTimeout",
	"request_timeout",
	"extensionProviders",
	"extension_providers",
	"RetryPolicy",
	"retry_policy",
	"defaultTrafficPolicy",
	"default_traffic_policy",
	NULL,
};

const struct ifx_transform ifx_duration = {
	.id = "duration",
	.summary = "write durations the way their readers take them",
	.source = "https://pkg.go.dev/time#ParseDuration",
	.level = IFX_SAFE,
	.needles = needles,
	.run = run,
};
