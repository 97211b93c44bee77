/*
 * proxyconfig-type: values in a ProxyConfig that its reader refuses, and with them the whole text.
 * What has one reading is written the way the field's type wants it; what has none is reported.
 *
 * Two members of a oneof are no error there: one is taken, and nobody can tell which was meant.
 */
#include "rule/transform.h"

#include "rule/field.h"
#include "rule/proxyconfig.h"

/* ---- where the message lies decides what a bad value does ---- */

struct home {
	const char *today, *then; /* what happens with the value, and without it */
	bool annotation;
};

static struct home home_of(const struct ifx_resource *r, const struct ifx_view *v)
{
	if (v->host && ifx_str_eq(ifx_text(v->host->key), IFX_LIT("proxy.istio.io/config")))
		return (struct home){ "the injector refuses pods with it", "they start", true };
	if (ifx_str_eq(r->group, IFX_LIT("install.istio.io")))
		return (struct home){ "istioctl stops at it with an error", "it goes on", false };
	return (struct home){ "Istio discards the whole mesh config for it",
			      "the mesh config takes effect", false };
}

struct run {
	struct ifx_cx *cx;
	struct home home;
	const char *answer;
	bool answered;
};

/* ---- values ---- */

static ifx_str name_of(const struct run *run, const struct ifx_misfit *m)
{
	ifx_str name = ifx_arena_printf(ifx_cx_arena(run->cx), "%s'%.*s'",
					m->entry->key ? "" : "an item of ",
					IFX_ARG(ifx_excerpt(run->cx, m->name)));

	if (!name.ptr)
		ifx_cx_failed(run->cx);
	return name.ptr ? name : IFX_LIT("");
}

/* A question that "text" and one more answer. */
static struct ifx_fix *ask(const struct run *run, const struct ifx_misfit *m)
{
	bool word = !strcmp(m->answer, "word"), other = !strcmp(run->answer, m->answer);
	struct ifx_fix *fix;

	fix = ifx_find(run->cx, m->node, IFX_CHOICE, IFX_ERROR,
		       "%.*s %.*s; %s; \"%.*s\" or \"%.*s\" may be meant", IFX_ARG(name_of(run, m)),
		       IFX_ARG(m->what), run->home.today, IFX_ARG(ifx_excerpt(run->cx, m->text)),
		       IFX_ARG(m->other));
	fix->finding.choices = word ? "text|word" : "text|value";
	ifx_answered(fix, run->answered && (other || !strcmp(run->answer, "text")));
	ifx_fix_set(fix, m->node, other ? m->other : m->text);
	return fix;
}

static void see(void *data, const struct ifx_misfit *m)
{
	const struct run *run = data;
	const char *quote = m->plain ? "" : "\"";
	struct ifx_fix *fix;

	if (!m->text.ptr) {
		fix = ifx_find(run->cx, m->node, IFX_REPORT, IFX_ERROR, "%.*s %.*s; %s",
			       IFX_ARG(name_of(run, m)), IFX_ARG(m->what), run->home.today);
		ifx_help(fix, "%s", m->help);
	} else if (m->other.ptr) {
		fix = ask(run, m);
	} else {
		fix = ifx_find(run->cx, m->node, IFX_REPAIR, IFX_ERROR,
			       "%.*s %.*s; %s; with %s%.*s%s %s", IFX_ARG(name_of(run, m)),
			       IFX_ARG(m->what), run->home.today, quote,
			       IFX_ARG(ifx_excerpt(run->cx, m->text)), quote, run->home.then);
		if (m->plain)
			ifx_fix_set_plain(fix, m->node, m->text);
		else
			ifx_fix_set(fix, m->node, m->text);
	}
	/* In a text the last one counts; but what its author sees may be the first. */
	if (m->entry->key && ifx_map_entry(m->entry->in, ifx_text(m->entry->key)) != m->entry)
		ifx_refuse(fix, "the key '%.*s' is there twice; remove one of them first",
			   IFX_ARG(ifx_excerpt(run->cx, m->name)));
	/* istioctl analyze looks at annotations alone. */
	if (!run->home.annotation)
		fix->finding.ist = NULL;
}

/* ---- oneofs ---- */

static const struct oneof {
	const char *in; /* the field whose members these are; NULL: the ProxyConfig's own */
	const char *members[6];
} oneofs[] = {
	{ NULL, { "serviceCluster", "tracingServiceName", NULL } },
	{ "tracing", { "zipkin", "lightstep", "datadog", "stackdriver", "openCensusAgent", NULL } },
};

/* The entry of a field in either spelling; nulls do not count. */
static const struct ifx_entry *find(const struct ifx_node *map, ifx_str name)
{
	char buf[IFX_SNAKE_MAX];
	ifx_str snake = ifx_field_snake(name, buf);
	const struct ifx_entry *e = ifx_map_find(map, name, NULL);

	if ((!e || ifx_is_null(ifx_deref(e->value))) && snake.len)
		e = ifx_map_find(map, snake, NULL);
	return e && !ifx_is_null(ifx_deref(e->value)) ? e : NULL;
}

static void check_oneof(struct ifx_cx *cx, const struct oneof *one, const struct ifx_node *map)
{
	const struct ifx_entry *first = NULL;
	struct ifx_fix *fix;

	for (const char *const *m = one->members; *m; m++) {
		const struct ifx_entry *e = find(map, ifx_str_of(*m));

		if (e && first) {
			fix = ifx_find(
				cx, e->key, IFX_REPORT, IFX_WARNING,
				"'%.*s' and '%.*s' are both set; Istio takes one of them and drops the other without a word",
				IFX_ARG(ifx_text(first->key)), IFX_ARG(ifx_text(e->key)));
			fix->finding.ist = NULL;
			ifx_help(fix, "remove the one that is not meant");
		}
		first = first ? first : e;
	}
}

static void check_oneofs(struct ifx_cx *cx, const struct ifx_node *map)
{
	for (size_t i = 0; i < sizeof(oneofs) / sizeof(*oneofs); i++) {
		const struct ifx_entry *e = NULL;
		const struct ifx_node *in = map;

		if (oneofs[i].in) {
			e = find(map, ifx_str_of(oneofs[i].in));
			in = e ? ifx_deref(e->value) : NULL;
		}
		if (ifx_is(in, IFX_MAP))
			check_oneof(cx, &oneofs[i], in);
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct run run = { .cx = cx };

	run.answer = ifx_chosen(cx, &run.answered);
	for (const struct ifx_view *v = ifx_views(cx, r, IFX_MSG_PROXYCONFIG); v; v = v->next) {
		run.home = home_of(r, v);
		ifx_proxyconfig_check(cx, v->node, see, &run);
		check_oneofs(cx, v->node);
	}
}

static const struct ifx_answer answers[] = {
	{ "text", "quote what is written: yes becomes \"yes\", 0777 becomes \"0777\"" },
	{ "word", "booleans: yes, on and y become \"true\", no, off and n become \"false\"" },
	{ "value", "numbers: write what YAML reads, 0777 becomes \"511\"" },
	{ NULL, NULL },
};

const struct ifx_transform ifx_proxyconfig_type = {
	.id = "proxyconfig-type",
	.ist = "IST0125",
	.summary = "write the values of ProxyConfig in the types that its fields have",
	.source = "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig",
	.level = IFX_REPAIR,
	.needles = (const char *const[]){ "proxy.istio.io/config", "defaultConfig",
					  "default_config", NULL },
	.answers = answers,
	.run = run,
};
