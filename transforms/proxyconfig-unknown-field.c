/*
 * proxyconfig-unknown-field: what Istio drops from a ProxyConfig without a word: names that the
 * message does not have, the first of two equal keys, a second document. A name one slip away from
 * a field's becomes that field, if its reader takes the value; together with the name the value is
 * put right where it has one reading, so that no pod is refused for the rename.
 *
 * Names below a field are looked at only where the table has that message's fields, and there only
 * for slips: the table does not list all of them.
 */
#include "rule/transform.h"

#include "rule/duration.h"
#include "rule/field.h"
#include "rule/proxyconfig.h"

/** Nesting that is searched for duplicate keys. */
#define DEPTH_MAX 64
/** Maps with more entries than this are nobody's, and not searched for slips. */
#define NAMES_MAX 1000

/* Fields that came later than the oldest Istio that the facts speak of. */
static const struct since {
	const char *name;
	int minor;
} newer[] = { { "statsCompression", 30 } };

struct run {
	struct ifx_cx *cx;
	const struct ifx_view *view;
};

/* ---- a name that is one slip away ---- */

/* Is the value right for the field, and how does it become so? */
struct fit {
	struct ifx_fix *fix; /* gets the corrections; NULL: only look */
	const struct ifx_duration_fact *duration;
	struct ifx_cx *cx;
	ifx_str bad;    /* the first thing that only a person can put right; ptr NULL: none */
	bool corrected; /* some of it has to change */
	const struct ifx_node *value; /* the field's, */
	ifx_str text;                 /* and what it will say; ptr NULL: what it says */
};

static void bad(struct fit *fit, ifx_str name, ifx_str what)
{
	if (fit->bad.ptr)
		return;
	fit->bad = ifx_arena_printf(ifx_cx_arena(fit->cx), "'%.*s' %.*s", IFX_ARG(name),
				    IFX_ARG(what));
	if (!fit->bad.ptr)
		ifx_cx_failed(fit->cx);
}

static void see_value(void *data, const struct ifx_misfit *m)
{
	struct fit *fit = data;

	fit->corrected = true;
	if (m->node == fit->value)
		fit->text = m->text;
	if (!m->text.ptr || m->other.ptr)
		bad(fit, m->name, m->what);
	else if (fit->fix && m->plain)
		ifx_fix_set_plain(fit->fix, m->node, m->text);
	else if (fit->fix)
		ifx_fix_set(fit->fix, m->node, m->text);
}

/* As the rule `duration` has it. */
static void see_duration(void *data, const struct ifx_entry *entry, const struct ifx_node *node)
{
	struct fit *fit = data;
	ifx_str name = ifx_text(entry->key);
	struct ifx_duration d;
	struct ifx_buf text;

	if (ifx_is_null(node))
		return;
	if (node->kind != IFX_SCALAR) {
		bad(fit, name, IFX_LIT("is not a duration"));
		return;
	}
	d = ifx_duration_read(ifx_text(node), fit->duration->grammar);
	if (d.kind == IFX_DUR_OPAQUE || (d.kind == IFX_DUR_VALID && ifx_is_string(node) &&
					 ifx_duration_allowed(fit->duration, d.ns, NULL)))
		return;
	fit->corrected = true;
	ifx_buf_init(&text, 64);
	if (d.kind != IFX_DUR_INVALID && ifx_duration_allowed(fit->duration, d.ns, NULL) &&
	    ifx_duration_write(d.ns, fit->duration->grammar, &text)) {
		if (fit->fix)
			ifx_fix_set(fit->fix, node, ifx_buf_str(&text));
		if (node == fit->value)
			fit->text = ifx_arena_copy(ifx_cx_arena(fit->cx), ifx_buf_str(&text));
	} else {
		bad(fit, name, IFX_LIT("is not a duration that the field takes"));
	}
	ifx_buf_release(&text);
}

/* Durations at the field and below it. */
static void fit_durations(struct fit *fit, const struct ifx_field_fact *field,
			  const struct ifx_entry *entry)
{
	size_t n;
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);
	ifx_str name = ifx_str_of(field->name);
	const struct ifx_node *value = ifx_deref(entry->value);

	for (size_t i = 0; value && i < n; i++) {
		ifx_str path = ifx_str_of(facts[i].path);

		if (facts[i].message != IFX_MSG_PROXYCONFIG || !ifx_str_starts(path, name))
			continue;
		fit->duration = &facts[i];
		if (path.len == name.len)
			see_duration(fit, entry, value);
		else if (path.ptr[name.len] == '.')
			ifx_field_walk(value,
				       ifx_str_sub(path, name.len + 1, path.len - name.len - 1),
				       true, see_duration, fit);
	}
}

static void fit_value(struct fit *fit, const struct ifx_field_fact *field,
		      const struct ifx_entry *entry)
{
	ifx_proxyconfig_check_value(fit->cx, field, entry, see_value, fit);
	fit_durations(fit, field, entry);
}

/* The name in the spelling that its author uses. */
static ifx_str spelling(ifx_str typed, const struct ifx_field_fact *field,
			char buf[static IFX_SNAKE_MAX])
{
	ifx_str name = ifx_proxyconfig_name(field);
	ifx_str snake = ifx_str_chr(typed, '_') != SIZE_MAX ? ifx_field_snake(name, buf) : IFX_NONE;

	return snake.len ? snake : name;
}

/* Environment variables are written like this. */
static bool is_shouted(ifx_str name)
{
	bool underscore = false;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		underscore |= c == '_';
		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return underscore;
}

/* The field that the key of an entry is a slip of; NULL when it may be anything. */
static const struct ifx_field_fact *slip_of(const struct ifx_entry *entry, ifx_str in)
{
	ifx_str key = ifx_text(entry->key);

	if (entry->in->n > NAMES_MAX || is_shouted(key))
		return NULL;
	return ifx_proxyconfig_near(in, key);
}

/* Another entry of the map that is the field, or is a slip of it too. */
static const struct ifx_entry *rival(const struct ifx_entry *entry, ifx_str in,
				     const struct ifx_field_fact *field)
{
	for (const struct ifx_entry *e = entry->in->first; e; e = e->next) {
		const struct ifx_field_fact *other;

		if (e == entry || !ifx_is(e->key, IFX_SCALAR))
			continue;
		other = ifx_proxyconfig_field(in, ifx_text(e->key));
		if (other == field || (!other && slip_of(e, in) == field))
			return e;
	}
	return NULL;
}

static void misspelt(const struct run *run, const struct ifx_entry *entry, ifx_str in,
		     const struct ifx_field_fact *field)
{
	const struct ifx_entry *other = rival(entry, in, field);
	const struct ifx_node *value = ifx_deref(entry->value);
	ifx_str key = ifx_text(entry->key), name;
	struct fit fit = { .cx = run->cx, .value = value };
	char buf[IFX_SNAKE_MAX];
	struct ifx_fix *fix;

	name = spelling(key, field, buf);
	if (!other)
		fit_value(&fit, field, entry);
	if (other) {
		fix = ifx_find(
			run->cx, entry->key, IFX_REPORT, IFX_WARNING,
			"Istio does not know '%.*s' and drops it without a word; it looks like '%.*s', and '%.*s' is there as well",
			IFX_ARG(ifx_excerpt(run->cx, key)), IFX_ARG(name),
			IFX_ARG(ifx_text(other->key)));
		ifx_help(fix, "remove one of them");
	} else if (field->deprecated) {
		fix = ifx_find(
			run->cx, entry->key, IFX_REPORT, IFX_WARNING,
			"Istio does not know '%.*s' and drops it without a word; it looks like '%.*s', which nothing reads any more",
			IFX_ARG(ifx_excerpt(run->cx, key)), IFX_ARG(name));
		if (field->replaced_by)
			ifx_help(fix, "set '%s' instead", field->replaced_by);
		else
			ifx_help(fix, "remove it");
	} else if (fit.bad.ptr) {
		fix = ifx_find(
			run->cx, entry->key, IFX_REPORT, IFX_WARNING,
			"Istio does not know '%.*s' and drops it without a word; it looks like '%.*s', where its value would be refused: %.*s",
			IFX_ARG(ifx_excerpt(run->cx, key)), IFX_ARG(name), IFX_ARG(fit.bad));
		ifx_help(fix, "correct the value, then it can be renamed");
	} else {
		if (ifx_is(value, IFX_SCALAR) && !ifx_is_null(value))
			fix = ifx_find(
				run->cx, entry->key, IFX_REPAIR, IFX_WARNING,
				"Istio does not know '%.*s' and drops it without a word; as '%.*s' it takes effect, with %.*s",
				IFX_ARG(key), IFX_ARG(name),
				IFX_ARG(ifx_excerpt(run->cx,
						    fit.text.ptr ? fit.text
								 : ifx_str_trim(ifx_text(value)))));
		else
			fix = ifx_find(
				run->cx, entry->key, IFX_REPAIR, IFX_WARNING,
				"Istio does not know '%.*s' and drops it without a word; as '%.*s' it takes effect",
				IFX_ARG(key), IFX_ARG(name));
		ifx_fix_rename(fix, entry, name);
		fit.fix = fix;
		fit_value(&fit, field, entry);
	}
}

/* ---- fields below proxyMetadata ---- */

static void too_deep(const struct run *run, const struct ifx_entry *entry)
{
	ifx_str key = ifx_text(entry->key);
	const struct ifx_field_fact *field = ifx_proxyconfig_field(IFX_LIT(""), key);
	struct ifx_place place = { .base = run->view->node };
	struct fit fit = { .cx = run->cx };
	const struct ifx_entry *there = NULL;
	char buf[IFX_SNAKE_MAX];
	ifx_str name = ifx_proxyconfig_name(field), snake = ifx_field_snake(name, buf);
	struct ifx_fix *fix;

	there = ifx_map_find(run->view->node, name, NULL);
	if (!there && snake.len)
		there = ifx_map_find(run->view->node, snake, NULL);
	fit_value(&fit, field, entry);
	if (there || fit.bad.ptr || fit.corrected || field->deprecated) {
		fix = ifx_find(
			run->cx, entry->key, IFX_REPORT, IFX_WARNING,
			"'%.*s' is a field of ProxyConfig, and below 'proxyMetadata' no more than an environment variable",
			IFX_ARG(key));
		ifx_help(fix, there ? "it is set in its place as well: remove this one"
				    : "write it beside 'proxyMetadata', in the field's own type");
		return;
	}
	fix = ifx_find(
		run->cx, entry->key, IFX_REPAIR, IFX_WARNING,
		"'%.*s' is a field of ProxyConfig, and below 'proxyMetadata' no more than an environment variable; beside it, it takes effect",
		IFX_ARG(key));
	ifx_fix_move(fix, entry, &place, 1);
}

static void check_depth(const struct run *run)
{
	static const char *const names[] = { "proxyMetadata", "proxy_metadata" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct ifx_entry *up = ifx_map_entry(run->view->node, ifx_str_of(names[i]));

		if (!up || !ifx_is(up->value, IFX_MAP))
			continue;
		for (const struct ifx_entry *e = up->value->first; e; e = e->next)
			if (ifx_is(e->key, IFX_SCALAR) && ifx_proxyconfig_is_too_deep(e))
				too_deep(run, e);
	}
}

/* ---- other names ---- */

/* Does somebody else in the text need what is written here? */
static bool holds_anchor(const struct ifx_node *node, int depth)
{
	if (!node || depth > DEPTH_MAX)
		return false;
	if (node->anchor.len && node->aliases)
		return true;
	for (const struct ifx_entry *e = node->first; e; e = e->next)
		if (holds_anchor(e->value, depth + 1))
			return true;
	return false;
}

static void unknown(const struct run *run, const struct ifx_entry *entry)
{
	ifx_str key = ifx_text(entry->key);
	struct ifx_fix *fix;

	if (ifx_text_has_hole(key))
		return;
	/* A place to keep an anchor is dropped on purpose. */
	if (entry->in->doc->has_alias && holds_anchor(entry->value, 0))
		return;
	fix = ifx_find(run->cx, entry->key, IFX_REPORT, IFX_WARNING,
		       "Istio does not know '%.*s' in ProxyConfig and drops it without a word",
		       IFX_ARG(ifx_excerpt(run->cx, key)));
	if (is_shouted(key))
		ifx_help(fix, "an environment variable of the proxy goes under 'proxyMetadata'");
	else
		ifx_help(fix, "remove it, or write the name that was meant");
}

static void known(const struct run *run, const struct ifx_entry *entry,
		  const struct ifx_field_fact *field)
{
	ifx_str key = ifx_text(entry->key);
	int minor = ifx_istio_minor(run->cx);
	struct ifx_fix *fix;

	for (size_t i = 0; i < sizeof(newer) / sizeof(*newer); i++) {
		if (minor >= newer[i].minor || strcmp(field->name, newer[i].name) != 0)
			continue;
		fix = ifx_find(
			run->cx, entry->key, IFX_REPORT, IFX_WARNING,
			"'%.*s' is there since Istio 1.%d; Istio 1.%d drops it without a word",
			IFX_ARG(key), newer[i].minor, minor);
		ifx_help(fix, "remove it until Istio is upgraded");
	}
	if (!field->deprecated || ifx_is_null(ifx_deref(entry->value)))
		return;
	fix = ifx_find(run->cx, entry->key, IFX_REPORT, IFX_INFO,
		       "'%.*s' is deprecated, and nothing reads it any more", IFX_ARG(key));
	if (field->replaced_by)
		ifx_help(fix, "set '%s' instead", field->replaced_by);
	else
		ifx_help(fix, "it can be removed");
}

static void check_names(const struct run *run, const struct ifx_node *map, ifx_str in)
{
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		const struct ifx_field_fact *field, *near;

		if (!ifx_is(e->key, IFX_SCALAR) || ifx_is_merge(e))
			continue;
		field = ifx_proxyconfig_field(in, ifx_text(e->key));
		if (field && field->removed_in)
			continue; /* proxyconfig-removed-field has them */
		if (field) {
			known(run, e, field);
			if (!in.len && !strcmp(field->type, "message") && ifx_is(e->value, IFX_MAP))
				check_names(run, e->value, ifx_str_of(field->name));
			continue;
		}
		near = slip_of(e, in);
		if (near)
			misspelt(run, e, in, near);
		else if (!in.len)
			unknown(run, e);
	}
}

/* ---- the same field twice ---- */

static ifx_str show(const struct run *run, const struct ifx_entry *entry)
{
	const struct ifx_node *value = ifx_deref(entry->value);
	ifx_str text;

	if (ifx_is(value, IFX_MAP))
		return IFX_LIT("a map");
	if (ifx_is(value, IFX_SEQ))
		return IFX_LIT("a list");
	text = value ? ifx_str_trim(ifx_text(value)) : IFX_LIT("");
	return text.len ? ifx_excerpt(run->cx, text) : IFX_LIT("nothing");
}

static void check_twice(const struct run *run, const struct ifx_node *node, int depth)
{
	bool twice = ifx_map_twice(node) != NULL;
	struct ifx_fix *fix;

	for (const struct ifx_entry *e = node->first; e && depth < DEPTH_MAX; e = e->next) {
		const struct ifx_entry *first;

		if (e->value->first)
			check_twice(run, e->value, depth + 1);
		if (!twice || !ifx_is(e->key, IFX_SCALAR))
			continue;
		first = ifx_map_entry(node, ifx_text(e->key));
		if (!first || first == e)
			continue;
		fix = ifx_find(
			run->cx, e->key, IFX_REPORT, IFX_WARNING,
			run->view->host
				? "'%.*s' is there twice, first with %.*s and here with %.*s; the last one counts, the other is dropped without a word"
				: "'%.*s' is there twice, first with %.*s and here with %.*s; only one of them counts",
			IFX_ARG(ifx_excerpt(run->cx, ifx_text(e->key))), IFX_ARG(show(run, first)),
			IFX_ARG(show(run, e)));
		ifx_help(fix, "remove the one that is not meant");
	}
}

/* `drainDuration` and `drain_duration` are one field. */
static void check_spellings(const struct run *run)
{
	const struct ifx_node *map = run->view->node;

	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		const struct ifx_field_fact *field;
		const struct ifx_entry *camel;
		struct ifx_fix *fix;

		if (!ifx_is(e->key, IFX_SCALAR) || ifx_str_chr(ifx_text(e->key), '_') == SIZE_MAX)
			continue;
		field = ifx_proxyconfig_field(IFX_LIT(""), ifx_text(e->key));
		camel = field ? ifx_map_entry(map, ifx_proxyconfig_name(field)) : NULL;
		if (!camel)
			continue;
		fix = ifx_find(run->cx, e->key, IFX_REPORT, IFX_WARNING,
			       "'%.*s' and '%.*s' are the same field; only one of them counts",
			       IFX_ARG(ifx_text(camel->key)), IFX_ARG(ifx_text(e->key)));
		ifx_help(fix, "remove the one that is not meant");
	}
}

/* ---- a second document in the text ---- */

/* Offset of the first line that says something; SIZE_MAX when there are only comments and markers.
 */
static size_t content_from(ifx_str text, size_t at)
{
	while (at < text.len) {
		size_t next = ifx_line_next(text, at);
		ifx_str line = ifx_str_sub(text, at, ifx_line_end(text, at) - at), rest = line;

		if (ifx_str_starts(line, IFX_LIT("---")) || ifx_str_starts(line, IFX_LIT("...")))
			rest = ifx_str_sub(line, 3, line.len - 3);
		rest = ifx_str_trim(rest);
		if (rest.len && rest.ptr[0] != '#')
			return (size_t)(rest.ptr - text.ptr);
		at = next;
	}
	return SIZE_MAX;
}

static void check_rest(const struct run *run)
{
	const struct ifx_doc *doc = run->view->doc;
	ifx_str text = doc->host ? ifx_text(doc->host) : IFX_LIT("");
	size_t at, end;
	struct ifx_fix *fix;

	if (text.len <= doc->src.len)
		return;
	at = content_from(text, doc->src.len);
	if (at == SIZE_MAX)
		return;
	end = ifx_line_end(text, at);
	fix = ifx_find(
		run->cx, doc->host, IFX_REPORT, IFX_WARNING,
		"this is a second document in the text; Istio reads the first alone and drops what follows '---' without a word");
	fix->finding.at = doc->host_map[at];
	fix->finding.len = doc->host_map[end] - fix->finding.at;
	ifx_help(fix, "if it is meant, remove the '---' before it");
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct run run = { .cx = cx };

	for (const struct ifx_view *v = ifx_views(cx, r, IFX_MSG_PROXYCONFIG); v; v = v->next) {
		run.view = v;
		check_names(&run, v->node, IFX_LIT(""));
		check_depth(&run);
		check_spellings(&run);
		check_twice(&run, v->node, 0);
		check_rest(&run);
	}
}

const struct ifx_transform ifx_proxyconfig_unknown_field = {
	.id = "proxyconfig-unknown-field",
	.summary =
		"find what Istio drops from ProxyConfig without a word, and rename misspelt fields",
	.source = "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig",
	.level = IFX_REPAIR,
	.needles = (const char *const[]){ "proxy.istio.io/config", "defaultConfig",
					  "default_config", NULL },
	.run = run,
};
