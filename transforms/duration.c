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

struct place {
	struct ifx_cx *cx;
	const struct ifx_duration_fact *fact;
	bool annotation; /* ProxyConfig: in proxy.istio.io/config, not in a mesh config */
};

/* ---- what is said ---- */

/* proxyMetadata and annotations are read at run time by code that shrugs at what it cannot read. */
static bool is_ignored_when_bad(const struct place *p, const struct ifx_node *value)
{
	if (p->fact->message == IFX_MSG_POD_ANNOTATIONS)
		return true;
	return p->fact->message == IFX_MSG_PROXYCONFIG && ifx_is_string(value) &&
	       ifx_str_starts(ifx_str_of(p->fact->path), IFX_LIT("proxyMetadata."));
}

/* What happens today with a value that is not understood: "'timeout' is '5', <clause>". */
static const char *consequence(const struct place *p, const struct ifx_node *value)
{
	if (is_ignored_when_bad(p, value))
		return "which Istio ignores";
	switch (p->fact->message) {
	case IFX_MSG_PROXYCONFIG:
		if (p->annotation)
			return "for which the injector refuses the pod";
		return "for which Istio refuses the whole mesh config";
	case IFX_MSG_MESHCONFIG:
		return "for which Istio refuses the whole mesh config";
	case IFX_MSG_RESOURCE:
		return "which the API server refuses";
	case IFX_MSG_POD_ANNOTATIONS:
	case IFX_MSG_VALUES:
		break;
	}
	return "which Istio refuses";
}

static ifx_severity severity_of(const struct place *p, const struct ifx_node *value)
{
	return is_ignored_when_bad(p, value) ? IFX_WARNING : IFX_ERROR;
}

/* Nobody checks the range of this field. */
static bool is_unchecked(const struct ifx_duration_fact *fact)
{
	return fact->zero_unchecked || (fact->note && !strcmp(fact->note, "unchecked"));
}

/* How a field's value has to be, for people: "at least 1s, whole seconds". */
static void help_range(struct ifx_fix *fix, const struct ifx_duration_fact *fact, const char *lead)
{
	bool gep = fact->grammar == IFX_GRAMMAR_GEP2257;
	struct ifx_buf range;

	ifx_buf_init(&range, 256);
	/* No field allows a negative value, so this tells the whole range. */
	ifx_duration_allowed(fact, -1, &range);
	ifx_help(fix, "%s%s: %.*s", lead,
		 gep ? " of h, m, s and ms such as '1m30s'" : " such as '90s'",
		 IFX_ARG(ifx_buf_str(&range)));
	if (range.bad)
		ifx_cx_failed(fix->cx);
	ifx_buf_release(&range);
}

static ifx_str text_of(const struct place *p, const struct ifx_node *node)
{
	return ifx_excerpt(p->cx, ifx_text(node));
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

static void set(struct ifx_fix *fix, const struct ifx_entry *entry, const struct ifx_node *value,
		ifx_str text)
{
	ifx_str key = ifx_text(entry->key);
	const struct ifx_entry *first = ifx_map_entry(entry->in, key);

	/* Readers differ in which one they take. */
	if (first && ifx_map_entry_after(first, key))
		ifx_refuse(fix, "the key '%.*s' is there twice; remove one of them first",
			   IFX_ARG(key));
	ifx_fix_set(fix, value, text);
}

static void tidy(const struct place *p, const struct ifx_entry *entry, const struct ifx_node *value,
		 long long ns)
{
	struct ifx_buf text;
	struct ifx_fix *fix;

	ifx_buf_init(&text, 64);
	if (canonical(p, ns, &text)) {
		fix = ifx_find(p->cx, value, IFX_SAFE, IFX_INFO,
			       "'%.*s' is '%.*s'; written as '%.*s'", IFX_ARG(ifx_text(entry->key)),
			       IFX_ARG(text_of(p, value)), IFX_ARG(ifx_buf_str(&text)));
		set(fix, entry, value, ifx_buf_str(&text));
	}
	ifx_buf_release(&text);
}

static void out_of_range(const struct place *p, const struct ifx_entry *entry,
			 const struct ifx_node *value, long long ns)
{
	bool unchecked = is_unchecked(p->fact);
	struct ifx_fix *fix =
		ifx_find(p->cx, value, IFX_REPORT, unchecked ? IFX_WARNING : IFX_ERROR,
			 "'%.*s' is '%.*s', which is out of range", IFX_ARG(ifx_text(entry->key)),
			 IFX_ARG(text_of(p, value)));

	/* The way people once switched a timeout off. */
	if (!ns && !strcmp(p->fact->path, "spec.http[].timeout"))
		ifx_help(fix, "remove the field: without it there is no timeout");
	else
		help_range(fix, p->fact, "write a duration");
}

static void repair(const struct place *p, const struct ifx_entry *entry,
		   const struct ifx_node *value, const struct ifx_duration *d)
{
	ifx_severity severity = severity_of(p, value);
	ifx_str key = ifx_text(entry->key);
	struct ifx_buf text;
	struct ifx_fix *fix;

	ifx_buf_init(&text, 64);
	if (!canonical(p, d->ns, &text)) {
		fix = ifx_find(p->cx, value, IFX_REPORT, severity,
			       "'%.*s' is '%.*s', %s, and the field's grammar cannot write it",
			       IFX_ARG(key), IFX_ARG(text_of(p, value)), consequence(p, value));
		help_range(fix, p->fact, "write a duration");
	} else if (!ifx_duration_allowed(p->fact, d->ns, NULL)) {
		fix = ifx_find(p->cx, value, IFX_REPORT, severity,
			       "'%.*s' is '%.*s', %s; '%.*s' (%s) would be out of range",
			       IFX_ARG(key), IFX_ARG(text_of(p, value)), consequence(p, value),
			       IFX_ARG(ifx_buf_str(&text)), d->assumption);
		help_range(fix, p->fact, "write a duration");
	} else {
		fix = ifx_find(p->cx, value, IFX_REPAIR, severity,
			       "'%.*s' is '%.*s', %s; '%.*s' (%s) takes effect", IFX_ARG(key),
			       IFX_ARG(text_of(p, value)), consequence(p, value),
			       IFX_ARG(ifx_buf_str(&text)), d->assumption);
		set(fix, entry, value, ifx_buf_str(&text));
	}
	ifx_buf_release(&text);
}

/* ---- the look ---- */

static void judge(void *data, const struct ifx_entry *entry, const struct ifx_node *value)
{
	const struct place *p = data;
	struct ifx_duration d;
	struct ifx_fix *fix;

	/* A tag that is not YAML's own belongs to somebody's template. */
	if (ifx_is_null(value) ||
	    (value->tag.len > 1 && value->doc->src.ptr[value->tag.at + 1] != '!' &&
	     !ifx_is_string(value)))
		return;
	if (p->fact->note && ifx_str_starts(ifx_str_of(p->fact->note), IFX_LIT("always refused"))) {
		fix = ifx_find(p->cx, entry->key, IFX_REPORT, IFX_ERROR,
			       "'%.*s' is refused whatever it says: Istio does not support it",
			       IFX_ARG(ifx_text(entry->key)));
		ifx_help(fix, "use 'fixedDelay'");
		return;
	}
	if (!ifx_is(value, IFX_SCALAR)) {
		fix = ifx_find(p->cx, value, IFX_REPORT, severity_of(p, value),
			       "'%.*s' is a %s, %s", IFX_ARG(ifx_text(entry->key)),
			       value->kind == IFX_MAP ? "map" : "list", consequence(p, value));
		help_range(fix, p->fact, "write a duration");
		return;
	}
	d = ifx_duration_read(ifx_text(value), p->fact->grammar);
	/* A zero is a duration as text, and refused as a number. */
	if (d.kind == IFX_DUR_VALID && !ifx_is_string(value)) {
		d.kind = IFX_DUR_FOREIGN;
		d.assumption = "read as seconds";
	}
	switch (d.kind) {
	case IFX_DUR_VALID:
		if (!ifx_duration_allowed(p->fact, d.ns, NULL))
			out_of_range(p, entry, value, d.ns);
		else if (p->fact->grammar == IFX_GRAMMAR_GO &&
			 !ifx_duration_is_tidy(ifx_text(value)))
			tidy(p, entry, value, d.ns);
		break;
	case IFX_DUR_FOREIGN:
		repair(p, entry, value, &d);
		break;
	case IFX_DUR_INVALID:
		fix = ifx_find(p->cx, value, IFX_REPORT, severity_of(p, value),
			       "'%.*s' is '%.*s', %s: %s", IFX_ARG(ifx_text(entry->key)),
			       IFX_ARG(text_of(p, value)), consequence(p, value), d.why);
		help_range(fix, p->fact, "write a duration");
		break;
	case IFX_DUR_OPAQUE:
		break;
	}
}

static void look_into(struct ifx_cx *cx, const struct ifx_resource *r, ifx_message message)
{
	size_t n;
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);
	bool snake = message == IFX_MSG_PROXYCONFIG || message == IFX_MSG_MESHCONFIG;

	for (const struct ifx_view *v = ifx_views(cx, r, message); v; v = v->next) {
		struct place p = { .cx = cx };

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

	for (size_t i = 0; i < n; i++) {
		struct place p = { .cx = cx, .fact = &facts[i] };

		if (facts[i].message == IFX_MSG_RESOURCE &&
		    ifx_str_eq(r->kind, ifx_str_of(facts[i].kind)) &&
		    ifx_str_eq(r->group, ifx_str_of(facts[i].group)))
			ifx_field_walk(r->node, ifx_str_of(facts[i].path), false, judge, &p);
	}
	look_into(cx, r, IFX_MSG_PROXYCONFIG);
	look_into(cx, r, IFX_MSG_MESHCONFIG);
	look_into(cx, r, IFX_MSG_VALUES);
	look_into(cx, r, IFX_MSG_POD_ANNOTATIONS);
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
