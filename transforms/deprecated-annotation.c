/*
 * deprecated-annotation: keys that Istio still reads, or reads no more, and that have a successor.
 *
 *   traffic.sidecar.istio.io/kubevirtInterfaces   the same value under another name
 *   sidecar.istio.io/statsInclusion*              a list in proxy.istio.io/config
 *   sidecar.istio.io/discoveryAddress             a field in proxy.istio.io/config
 *   sidecar.istio.io/statsCompression             nothing: on by default
 *
 * An annotation goes before the field that succeeds it. So where both are there, the field is
 * overwritten and nothing changes. Where the field's message is not there yet it is more than that:
 * what a pod says about a message hides all that the mesh says about it, and the mesh is not in
 * sight.
 *
 * The annotation sidecar.istio.io/inject has a rule of its own (inject-annotation), and so have
 * keys that are gone (misspelt-key).
 */
#include "rule/transform.h"

#include "rule/duration.h"
#include "rule/field.h"
#include "rule/metadata.h"
#include "rule/value.h"
#include "yaml/resolve.h"

#include <stdio.h>

/** The first release that reads istio.io/reroute-virtual-interfaces. */
#define HAS_REROUTE 25
/** The first release whose code does not know statsCompression. */
#define LACKS_COMPRESSION 30
/** Text that is written into a ProxyConfig. Bytes. */
#define TEXT_MAX ((size_t)1 << 16)

#define CONFIG  "proxy.istio.io/config"
#define MATCHER "proxyStatsMatcher"

static const struct ifx_answer answers[] = {
	{ "config", "write it as a field of proxy.istio.io/config" },
	{ "keep", "leave the annotation as it is" },
	{ NULL, NULL },
};

/* Annotations that became fields of ProxyConfig. */
static const struct successor {
	const char *annotation;
	const char *message; /* that has the field; NULL: the ProxyConfig itself */
	const char *field;
	bool list;
} successors[] = {
	{ "sidecar.istio.io/discoveryAddress", NULL, "discoveryAddress", false },
	{ "sidecar.istio.io/statsInclusionPrefixes", MATCHER, "inclusionPrefixes", true },
	{ "sidecar.istio.io/statsInclusionRegexps", MATCHER, "inclusionRegexps", true },
	{ "sidecar.istio.io/statsInclusionSuffixes", MATCHER, "inclusionSuffixes", true },
};

/* An annotation on its way into the ProxyConfig. */
struct trip {
	const struct ifx_meta *m;
	const struct successor *s;
	ifx_str text;
	const struct ifx_entry *config; /* proxy.istio.io/config of the same pod; NULL: none */
	const struct ifx_node *root;    /* of the document in it: a map or a null */
	const struct ifx_entry *message, *field; /* in it; NULL: none */
	bool snake;                              /* the message is spelt in snake_case */
};

/* ---- what is written ---- */

/* Text that means itself to every reader of YAML, also between brackets. There a colon does not. */
static bool is_plain(ifx_str s, bool flow)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && (!i || !((c >= '0' && c <= '9') || strchr("./-", c) ||
					(c == ':' && !flow && i + 1 < s.len))))
			return false;
	}
	return s.len && !ifx_plain_needs_quotes(s);
}

static void add_text(struct ifx_buf *out, ifx_str s, bool json, bool flow)
{
	if (!json && is_plain(s, flow)) {
		ifx_buf_add(out, s);
		return;
	}
	ifx_buf_addc(out, json ? '"' : '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (json && (s.ptr[i] == '"' || s.ptr[i] == '\\'))
			ifx_buf_addc(out, '\\');
		else if (!json && s.ptr[i] == '\'')
			ifx_buf_addc(out, '\'');
		ifx_buf_addc(out, s.ptr[i]);
	}
	ifx_buf_addc(out, json ? '"' : '\'');
}

/* The value of the field as YAML in one line. */
static void add_value(struct ifx_buf *out, const struct trip *t, bool json, bool flow)
{
	ifx_str rest = t->text, item;
	bool first = true;

	if (!t->s->list) {
		add_text(out, t->text, json, flow);
		return;
	}
	ifx_buf_addc(out, '[');
	while (ifx_str_split(&rest, ',', &item)) {
		ifx_buf_add(out, first ? IFX_LIT("") : IFX_LIT(", "));
		add_text(out, item, json, true);
		first = false;
	}
	ifx_buf_addc(out, ']');
}

/* ---- what is there ---- */

/* A name as protobuf's JSON reader takes it, in either spelling. */
static const struct ifx_entry *find_field(const struct ifx_node *map, const char *name, bool *snake)
{
	char buf[IFX_SNAKE_MAX];
	const struct ifx_entry *e = ifx_map_entry(map, ifx_str_of(name));

	*snake = false;
	if (!e && ifx_is(map, IFX_MAP)) {
		e = ifx_map_entry(map, ifx_field_snake(ifx_str_of(name), buf));
		*snake = e != NULL;
	}
	return e;
}

/* Does the list in the config say what the annotation says? */
static bool is_same(const struct trip *t)
{
	const struct ifx_node *value = t->field ? t->field->value : NULL;
	ifx_str rest = t->text, item;
	const struct ifx_entry *e;

	if (!t->s->list)
		return ifx_is(value, IFX_SCALAR) && ifx_str_eq(ifx_text(value), t->text);
	if (!ifx_is(value, IFX_SEQ))
		return false;
	e = value->first;
	while (ifx_str_split(&rest, ',', &item)) {
		if (!e || !ifx_is(e->value, IFX_SCALAR) || !ifx_str_eq(ifx_text(e->value), item))
			return false;
		e = e->next;
	}
	return !e;
}

/* Why the config that is there cannot take the field; NULL when it can. */
static const char *look_into_config(struct trip *t)
{
	const struct ifx_node *value;
	const struct ifx_doc *doc;
	bool direct, snake;

	t->config = ifx_map_find(t->m->map, IFX_LIT(CONFIG), &direct);
	if (!t->config)
		return NULL;
	value = t->config->value;
	if (!direct || !ifx_is(value, IFX_SCALAR))
		return "proxy.istio.io/config comes in through an alias or a merge key";
	if (ifx_is_null(value) || !ifx_str_trim(ifx_text(value)).len)
		return "proxy.istio.io/config is empty; remove it first";
	if (!ifx_is_string(value))
		return "proxy.istio.io/config is not a text";
	doc = ifx_embedded(t->m->cx, value, NULL);
	t->root = doc ? doc->root : NULL;
	if (!ifx_is(t->root, IFX_MAP))
		return "the text of proxy.istio.io/config is not a map of fields";
	if (t->s->message) {
		t->message = find_field(t->root, t->s->message, &t->snake);
		if (t->message && !ifx_is(t->message->value, IFX_MAP) &&
		    !ifx_is_null(t->message->value))
			return "proxyStatsMatcher in proxy.istio.io/config is not a map";
		t->field = t->message ? find_field(t->message->value, t->s->field, &snake) : NULL;
	} else {
		t->field = find_field(t->root, t->s->field, &snake);
	}
	return NULL;
}

/* ---- the fix ---- */

static bool has_comments(const struct ifx_entry *entry)
{
	size_t first;

	return ifx_entry_head(entry, &first) || ifx_entry_trail(entry) != IFX_NO_COMMENT;
}

/* Comments of the entry and inside of it. */
static bool holds_comments(const struct ifx_entry *entry)
{
	const struct ifx_doc *doc = entry->in->doc;
	size_t i = ifx_comment_from(doc, entry->start);

	return has_comments(entry) ||
	       (i < doc->n_comments && doc->comments[i].span.at < entry->end);
}

/*
 * There is no config yet. Among lines it is written as a text of lines; an annotation that has
 * comments, or stands between braces, becomes the config where it is.
 */
static void make_config(struct ifx_fix *fix, const struct trip *t, struct ifx_buf *out)
{
	const struct ifx_entry *entry = t->m->entry;
	bool json = entry->in->doc->json;
	const char *quote = json ? "\"" : "";

	if (entry->in->style != IFX_FLOW && !has_comments(entry)) {
		if (t->s->message)
			ifx_buf_addf(out, "%s:\n  ", t->s->message);
		ifx_buf_addf(out, "%s: ", t->s->field);
		add_value(out, t, false, false);
		ifx_buf_addc(out, '\n');
		ifx_fix_remove(fix, entry);
		ifx_fix_insert(fix, (struct ifx_place){ .base = entry->in }, IFX_LIT(CONFIG),
			       ifx_buf_str(out));
		return;
	}
	ifx_buf_addc(out, '{');
	if (t->s->message)
		ifx_buf_addf(out, "%s%s%s: {", quote, t->s->message, quote);
	ifx_buf_addf(out, "%s%s%s: ", quote, t->s->field, quote);
	add_value(out, t, json, true);
	ifx_buf_add(out, t->s->message ? IFX_LIT("}}") : IFX_LIT("}"));
	ifx_fix_rename(fix, entry, IFX_LIT(CONFIG));
	ifx_fix_set(fix, t->m->value, ifx_buf_str(out));
}

/* The config is there: the field comes into it, or says something else. */
static void change_config(struct ifx_fix *fix, const struct trip *t, struct ifx_buf *out)
{
	const struct ifx_entry *entry = t->m->entry;
	ifx_str keys[1] = { t->message ? ifx_text(t->message->key) : ifx_str_of(t->s->message) };
	struct ifx_place place = ifx_place_of(t->root, keys, t->s->message ? 1 : 0);
	char snake[IFX_SNAKE_MAX];
	ifx_str field = ifx_str_of(t->s->field);

	if (has_comments(entry))
		ifx_fix_remove_duplicate(fix, entry, t->config);
	else
		ifx_fix_remove(fix, entry);
	if (is_same(t))
		return;
	if (t->field && !t->s->list && ifx_is(t->field->value, IFX_SCALAR)) {
		ifx_fix_set(fix, t->field->value, t->text);
		return;
	}
	if (t->field) {
		if (holds_comments(t->field))
			ifx_refuse(fix, "the field in proxy.istio.io/config has comments, which "
					"would be lost");
		field = ifx_text(t->field->key);
		ifx_fix_remove(fix, t->field);
	} else if (t->snake) {
		field = ifx_field_snake(field, snake);
	}
	add_value(out, t, t->root->doc->json, ifx_place_is_flow(&place));
	ifx_fix_insert_yaml(fix, place, field, ifx_buf_str(out));
}

/* ---- findings ---- */

static bool check_direct(struct ifx_fix *fix, const struct ifx_meta *m)
{
	if (!m->direct)
		ifx_refuse(fix, "an alias or a merge key is on the way");
	else if (ifx_meta_is_twice(m))
		ifx_refuse(fix, "the key '%.*s' is there twice; remove one of them first",
			   IFX_ARG(m->key));
	return !fix->finding.refused.ptr;
}

/* Why the value cannot become a field; NULL when it can. */
static const char *look_at_value(struct trip *t)
{
	static const struct ifx_key_fact address = { .type = IFX_VALUE_HOST_PORT };
	ifx_str rest, item;

	if (!ifx_is(t->m->value, IFX_SCALAR) || !ifx_is_string(t->m->value))
		return "its value is not a text";
	t->text = rest = ifx_text(t->m->value);
	if (ifx_text_has_hole(t->text))
		return "its value is filled in by a template";
	if (t->text.len > TEXT_MAX / 4)
		return "its value is too long";
	for (size_t i = 0; i < t->text.len; i++)
		if ((unsigned char)t->text.ptr[i] < ' ' || t->text.ptr[i] == 0x7f)
			return "its value has line breaks or the like in it";
	if (!t->s->list)
		return ifx_value_ok(&address, t->text, NULL)
			       ? NULL
			       : "its value is not host:port, which is checked there";
	while (ifx_str_split(&rest, ',', &item))
		if (!item.len || ifx_str_trim(item).len != item.len)
			return "an item of its list is empty, or has blanks around it that count";
	return NULL;
}

static void into_config(const struct ifx_meta *m, const struct successor *s)
{
	struct trip t = { .m = m, .s = s };
	const char *why = look_at_value(&t), *answer;
	char place[64];
	bool answered, safe;
	struct ifx_buf text;
	struct ifx_fix *fix;

	answer = ifx_chosen(m->cx, &answered);
	if (answered && !strcmp(answer, "keep"))
		return;
	if (!why)
		why = look_into_config(&t);
	snprintf(place, sizeof(place), "%s%s%s", s->message ? s->message : "",
		 s->message ? "." : "", s->field);
	if (why) {
		fix = ifx_find(m->cx, m->entry->key, IFX_REPORT, IFX_WARNING,
			       "annotation '%.*s' is deprecated; '%s' in proxy.istio.io/config "
			       "takes its place, but %s",
			       IFX_ARG(m->key), place, why);
		ifx_help(fix, "write '%s' in proxy.istio.io/config and remove the annotation",
			 place);
		return;
	}
	safe = s->list ? t.message && ifx_is(t.message->value, IFX_MAP) : is_same(&t);
	if (safe)
		fix = ifx_find(m->cx, m->entry->key, IFX_SAFE, IFX_WARNING,
			       "annotation '%.*s' is deprecated; '%s' in proxy.istio.io/config "
			       "takes its place%s",
			       IFX_ARG(m->key), place,
			       is_same(&t) ? " and says the same already"
			       : t.field   ? ", and what it says loses against the annotation today"
					   : "");
	else
		fix = ifx_find(m->cx, m->entry->key, IFX_CHOICE, IFX_WARNING,
			       "annotation '%.*s' is deprecated; '%s' in proxy.istio.io/config "
			       "takes its place; %s",
			       IFX_ARG(m->key), place,
			       s->list ? "what the mesh says about proxyStatsMatcher, if it does, "
					 "no longer counts for these pods then"
				       : "there the injector checks it, and refuses the pod if it "
					 "is wrong");
	if (!safe)
		ifx_answered(fix, answered);
	if (!check_direct(fix, m))
		return;
	ifx_buf_init(&text, TEXT_MAX);
	if (t.config)
		change_config(fix, &t, &text);
	else
		make_config(fix, &t, &text);
	if (text.bad)
		ifx_cx_failed(m->cx);
	ifx_buf_release(&text);
}

static void kubevirt(const struct ifx_meta *m)
{
	static const char heir_key[] = "istio.io/reroute-virtual-interfaces";
	const struct ifx_entry *heir = ifx_meta_other(m, heir_key);
	const struct ifx_node *value = heir ? ifx_deref(heir->value) : NULL;
	struct ifx_fix *fix;

	if (ifx_istio_minor(m->cx) < HAS_REROUTE)
		return;
	fix = ifx_find(m->cx, m->entry->key, IFX_SAFE, IFX_WARNING,
		       "annotation '%.*s' is deprecated; '%s' %s", IFX_ARG(m->key), heir_key,
		       heir ? "is there too, and wins: the old one is read by nobody"
			    : "takes the same value");
	if (!check_direct(fix, m))
		return;
	if (!heir)
		ifx_fix_rename(fix, m->entry, ifx_str_of(heir_key));
	else if (heir->in->doc == m->entry->in->doc && ifx_is(value, IFX_SCALAR) &&
		 ifx_is(m->value, IFX_SCALAR) && ifx_str_eq(ifx_text(value), ifx_text(m->value)))
		ifx_fix_remove_duplicate(fix, m->entry, heir);
	else
		ifx_fix_remove(fix, m->entry);
}

static void compression(const struct ifx_meta *m)
{
	struct ifx_fix *fix;

	if (ifx_istio_minor(m->cx) < LACKS_COMPRESSION) {
		fix = ifx_find(
			m->cx, m->entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%.*s' is deprecated, and Istio 1.30 does not read it any "
			"more: metrics are compressed by default there",
			IFX_ARG(m->key));
		ifx_help(fix, "remove it with the update to 1.30");
		return;
	}
	fix = ifx_find(
		m->cx, m->entry->key, IFX_SAFE, IFX_WARNING,
		"annotation '%.*s' has no effect since Istio 1.30: metrics are compressed by "
		"default, and 'statsCompression' in proxy.istio.io/config switches it",
		IFX_ARG(m->key));
	if (check_direct(fix, m))
		ifx_fix_remove(fix, m->entry);
}

static void only_report(const struct ifx_meta *m, const char *why, const char *help)
{
	struct ifx_fix *fix = ifx_find(m->cx, m->entry->key, IFX_REPORT, IFX_WARNING,
				       "annotation '%.*s' is deprecated%s", IFX_ARG(m->key), why);

	ifx_help(fix, "%s", help);
}

/* Istio's own class; other controllers have their own ways. */
static void ingress_class(const struct ifx_meta *m)
{
	const struct ifx_node *spec = ifx_get(m->r->node, IFX_LIT("spec"));

	if (!ifx_is(m->value, IFX_SCALAR) || !ifx_str_eq(ifx_text(m->value), IFX_LIT("istio")))
		return;
	if (ifx_get(spec, IFX_LIT("ingressClassName")))
		only_report(
			m, ", and spec.ingressClassName is there too",
			"remove one of the two: the field, if it is clear, is the one that stays");
	else
		only_report(
			m, " by Kubernetes; spec.ingressClassName takes its place",
			"write 'ingressClassName: istio' in the spec, with an IngressClass of that "
			"name whose controller is 'istio.io/ingress-controller'");
}

static void check(void *data, const struct ifx_meta *m)
{
	const struct ifx_key_fact *fact;

	(void)data;
	if (m->labels || !(fact = ifx_fact_annotation(m->key)) || !ifx_meta_belongs(m, fact))
		return;
	for (size_t i = 0; i < sizeof(successors) / sizeof(*successors); i++)
		if (!strcmp(fact->name, successors[i].annotation)) {
			into_config(m, &successors[i]);
			return;
		}
	if (!strcmp(fact->name, "traffic.sidecar.istio.io/kubevirtInterfaces"))
		kubevirt(m);
	else if (!strcmp(fact->name, "sidecar.istio.io/statsCompression"))
		compression(m);
	else if (!strcmp(fact->name, "kubernetes.io/ingress.class"))
		ingress_class(m);
	else if (!strcmp(fact->name, "sidecar.istio.io/extraStatTags"))
		only_report(m, " and has no successor: the proxies of today need no list of tags",
			    "remove it, and look whether a metric misses a tag");
	else if (ifx_str_starts(m->key, IFX_LIT("alpha.istio.io/")) &&
		 fact->flags & IFX_KEY_DEPRECATED)
		only_report(m, " and has no successor", "remove it, if no VM backs the service");
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	if (ifx_is_kubernetes(r))
		ifx_meta_walk(cx, r, check, NULL);
}

const struct ifx_transform ifx_deprecated_annotation = {
	.id = "deprecated-annotation",
	.ist = "IST0135",
	.summary = "deprecated annotations become what took their place",
	.source = "https://istio.io/latest/docs/reference/config/analysis/ist0135/",
	.level = IFX_CHOICE,
	.needles =
		(const char *const[]){
			"sidecar.istio.io/statsInclusion", "sidecar.istio.io/statsCompression",
			"sidecar.istio.io/discoveryAddress", "sidecar.istio.io/extraStatTags",
			"traffic.sidecar.istio.io/kubevirtInterfaces", "alpha.istio.io/canonical-",
			"alpha.istio.io/kubernetes-", "kubernetes.io/ingress.class", NULL },
	.answers = answers,
	.run = run,
};
