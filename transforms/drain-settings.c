/*
 * drain-settings: what a proxy does between SIGTERM and its end is said in four places that do not
 * know of each other.
 *
 *   EXIT_ON_ZERO_ACTIVE_CONNECTIONS   on SIGTERM the proxy
 *   off                               drains, waits terminationDrainDuration (5s), ends
 *   on                                drains, waits MINIMUM_DRAIN_DURATION (5s), ends when no
 *                                     connection is left
 *
 * The kubelet ends the wait after the pod's terminationGracePeriodSeconds. drainDuration is over
 * how long Envoy spreads the draining; nothing waits for it, so it is held against the wait only.
 * Nothing is changed: which of the numbers is meant, only a person knows.
 */
#include "rule/transform.h"

#include "rule/duration.h"
#include "rule/field.h"
#include "yaml/path.h"

#include <stdlib.h>

#define CONFIG        IFX_LIT("proxy.istio.io/config")
#define GRACE_DEFAULT 30
#define NATIVE                                                                                     \
	"with native sidecars a preStop hook starts the drain, and the proxy then ends at once"
#define NS_PER_S 1000000000LL
/** Digits of a grace period that are read; more is a slip. */
#define GRACE_DIGITS 9

enum grade { UNKNOWN, OFF, ON };

struct setting {
	const struct ifx_entry *entry; /* NULL: not set here */
	ifx_str name, text;
	bool known; /* ns is its value */
	long long ns;
};

struct settings {
	struct ifx_cx *cx;
	bool mesh; /* the defaults of a mesh, which pods can change */
	struct setting drain, termination, minimum;
	const struct ifx_entry *exit_entry;
	enum grade exit; /* UNKNOWN: neither on nor off here */
};

/* ---- reading ---- */

static const struct ifx_entry *find(const struct ifx_node *map, ifx_str name)
{
	char buf[IFX_SNAKE_MAX];
	ifx_str snake = ifx_field_snake(name, buf);
	const struct ifx_entry *e = ifx_map_find(map, name, NULL);

	if (!e && snake.len)
		e = ifx_map_find(map, snake, NULL);
	/* A key that is there twice has a finding of its own. */
	if (!e || ifx_is_null(ifx_deref(e->value)) || ifx_map_entry_after(e, ifx_text(e->key)))
		return NULL;
	return e;
}

static struct setting read_setting(const struct ifx_node *map, ifx_str name)
{
	struct setting s = { .name = name, .entry = find(map, name) };
	const struct ifx_node *value = s.entry ? ifx_deref(s.entry->value) : NULL;
	struct ifx_duration d;

	if (!ifx_is(value, IFX_SCALAR))
		return s;
	s.text = ifx_text(value);
	d = ifx_duration_read(s.text, IFX_GRAMMAR_GO);
	/* Foreign spellings are as good as an error until they are put right. */
	s.known = d.kind == IFX_DUR_VALID;
	s.ns = d.ns;
	return s;
}

/* What strconv.ParseBool takes. */
static enum grade read_exit(const struct ifx_entry *entry)
{
	static const struct {
		const char *word;
		enum grade grade;
	} words[] = {
		{ "1", ON },    { "t", ON },      { "T", ON },      { "TRUE", ON },
		{ "true", ON }, { "True", ON },   { "0", OFF },     { "f", OFF },
		{ "F", OFF },   { "FALSE", OFF }, { "false", OFF }, { "False", OFF },
	};
	const struct ifx_node *value = entry ? ifx_deref(entry->value) : NULL;

	if (!ifx_is(value, IFX_SCALAR))
		return UNKNOWN;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (ifx_str_eq(ifx_text(value), ifx_str_of(words[i].word)))
			return words[i].grade;
	return UNKNOWN;
}

static struct settings read_settings(struct ifx_cx *cx, const struct ifx_view *v)
{
	const struct ifx_entry *env = find(v->node, IFX_LIT("proxyMetadata"));
	const struct ifx_node *vars = env ? ifx_deref(env->value) : NULL;
	struct settings s = { .cx = cx };

	s.mesh = !v->host || !ifx_str_eq(ifx_text(v->host->key), CONFIG);
	s.drain = read_setting(v->node, IFX_LIT("drainDuration"));
	s.termination = read_setting(v->node, IFX_LIT("terminationDrainDuration"));
	if (!ifx_is(vars, IFX_MAP))
		return s;
	s.minimum = read_setting(vars, IFX_LIT("MINIMUM_DRAIN_DURATION"));
	s.exit_entry = find(vars, IFX_LIT("EXIT_ON_ZERO_ACTIVE_CONNECTIONS"));
	s.exit = read_exit(s.exit_entry);
	return s;
}

/* ---- against each other ---- */

static void check_termination(const struct settings *s)
{
	ifx_str text = ifx_excerpt(s->cx, s->termination.text);
	struct ifx_fix *fix;

	if (!s->termination.entry || s->exit != ON)
		return;
	fix = ifx_find(
		s->cx, s->termination.entry->key, IFX_REPORT, IFX_WARNING,
		"'%.*s' has no effect: EXIT_ON_ZERO_ACTIVE_CONNECTIONS is on, so the proxy ends when no connection is left, not after %.*s",
		IFX_ARG(s->termination.name), IFX_ARG(text));
	ifx_help(
		fix,
		s->minimum.entry
			? "remove it; MINIMUM_DRAIN_DURATION is the shortest time it waits"
			: "remove it, or set MINIMUM_DRAIN_DURATION in 'proxyMetadata': the shortest time it waits, 5s unless set");
}

static void check_minimum(const struct settings *s)
{
	struct ifx_fix *fix;

	if (!s->minimum.entry || s->exit == ON || (s->exit_entry && s->exit == UNKNOWN))
		return;
	if (s->exit == OFF)
		fix = ifx_find(
			s->cx, s->minimum.entry->key, IFX_REPORT, IFX_WARNING,
			"'%.*s' has no effect: EXIT_ON_ZERO_ACTIVE_CONNECTIONS is off, and then terminationDrainDuration says how long the proxy waits",
			IFX_ARG(s->minimum.name));
	else
		fix = ifx_find(
			s->cx, s->minimum.entry->key, IFX_REPORT, IFX_INFO,
			"'%.*s' has no effect unless EXIT_ON_ZERO_ACTIVE_CONNECTIONS is on, and %s does not say so",
			IFX_ARG(s->minimum.name), s->mesh ? "this mesh config" : "this annotation");
	ifx_help(
		fix,
		"add EXIT_ON_ZERO_ACTIVE_CONNECTIONS: \"true\" beside it, or set 'terminationDrainDuration' to %.*s instead",
		IFX_ARG(ifx_excerpt(s->cx, s->minimum.text)));
}

static void check_drain(const struct settings *s)
{
	struct ifx_fix *fix;

	if (!s->drain.known || !s->termination.known || s->exit == ON ||
	    (s->exit_entry && s->exit == UNKNOWN) || s->drain.ns <= s->termination.ns)
		return;
	fix = ifx_find(
		s->cx, s->drain.entry->key, IFX_REPORT, IFX_INFO,
		"'drainDuration' spreads the draining over %.*s, and 'terminationDrainDuration' ends the proxy after %.*s: it never gets to the end of it",
		IFX_ARG(s->drain.text), IFX_ARG(s->termination.text));
	ifx_help(fix, "let 'drainDuration' be at most %.*s; " NATIVE, IFX_ARG(s->termination.text));
}

/* ---- against the pod's grace period ---- */

struct grace {
	long long seconds;
	bool known, written;
};

/* Objects that run the pod spec as it is; others (Knative) have a grace period of their own. */
static bool has_plain_pods(const struct ifx_resource *r)
{
	static const char *const groups[] = { "", "apps", "batch", "extensions",
					      "apps.openshift.io" };

	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (ifx_str_eq(r->group, ifx_str_of(groups[i])))
			return true;
	return ifx_str_eq(r->group, IFX_LIT("argoproj.io")) &&
	       ifx_str_eq(r->kind, IFX_LIT("Rollout"));
}

/* `spec` beside the pod's metadata. */
static struct grace grace_of(struct ifx_cx *cx, const struct ifx_resource *r,
			     const struct ifx_hit *pod)
{
	const struct ifx_node *spec = ifx_get(pod->parent, IFX_LIT("spec"));
	const struct ifx_node *value = ifx_get(spec, IFX_LIT("terminationGracePeriodSeconds"));
	struct grace g = { .seconds = GRACE_DEFAULT };
	char copy[GRACE_DIGITS + 1];
	ifx_str text;

	if (!value || ifx_is_null(value)) {
		/* In a patch the other part of the object may have it. */
		g.known = ifx_get(spec, IFX_LIT("containers")) && has_plain_pods(r) &&
			  !ifx_input_is_patch(cx);
		return g;
	}
	text = ifx_text(value);
	if (!ifx_is(value, IFX_SCALAR) || value->style != IFX_PLAIN || !text.len ||
	    text.len > GRACE_DIGITS || (text.ptr[0] == '0' && text.len > 1))
		return g;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return g;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	g.seconds = strtoll(copy, NULL, 10);
	g.known = g.written = true;
	return g;
}

static void check_grace(const struct settings *s, const struct setting *one, struct grace grace,
			const char *does)
{
	struct ifx_fix *fix;

	if (!one->known || one->ns <= grace.seconds * NS_PER_S)
		return;
	fix = ifx_find(
		s->cx, one->entry->key, IFX_REPORT, IFX_WARNING,
		"'%.*s' %s %.*s, and the kubelet ends the pod after %llds%s: it is cut short",
		IFX_ARG(one->name), does, IFX_ARG(one->text), grace.seconds,
		grace.written ? " (terminationGracePeriodSeconds)"
			      : " (terminationGracePeriodSeconds is not set, its default applies)");
	ifx_help(fix, "set terminationGracePeriodSeconds above %lld, or shorten '%.*s'; " NATIVE,
		 (one->ns + NS_PER_S - 1) / NS_PER_S, IFX_ARG(one->name));
}

static bool has_config(const struct ifx_hit *pod, const struct ifx_view *v)
{
	const struct ifx_entry *e =
		ifx_map_find(ifx_get(pod->node, IFX_LIT("annotations")), CONFIG, NULL);
	const struct ifx_node *value = e ? ifx_deref(e->value) : NULL;

	return value && value == v->doc->host;
}

static void check_pods(const struct settings *s, const struct ifx_resource *r,
		       const struct ifx_view *v, const struct ifx_hit *pods)
{
	for (const struct ifx_hit *pod = pods; pod; pod = pod->next) {
		struct grace grace;

		if (!has_config(pod, v))
			continue;
		grace = grace_of(s->cx, r, pod);
		if (!grace.known)
			continue;
		if (s->exit == ON)
			check_grace(s, &s->minimum, grace, "lets the proxy wait at least");
		else if (s->exit == OFF || !s->exit_entry)
			check_grace(s, &s->termination, grace, "lets the proxy wait");
		/* The text is one, however many templates share it. */
		return;
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_view *views = ifx_views(cx, r, IFX_MSG_PROXYCONFIG);
	const struct ifx_hit *pods = views ? ifx_pod_metadata(cx, r) : NULL;

	for (const struct ifx_view *v = views; v; v = v->next) {
		struct settings s = read_settings(cx, v);

		check_termination(&s);
		check_minimum(&s);
		check_drain(&s);
		if (!s.mesh)
			check_pods(&s, r, v, pods);
	}
}

const struct ifx_transform ifx_drain_settings = {
	.id = "drain-settings",
	.summary = "find shutdown settings of the proxy that cancel each other",
	.source = "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig",
	.level = IFX_REPORT,
	.needles = (const char *const[]){ "drainDuration", "DrainDuration", "drain_duration",
					  "MINIMUM_DRAIN_DURATION", NULL },
	.run = run,
};
