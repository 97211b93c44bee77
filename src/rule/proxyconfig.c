#include "rule/proxyconfig.h"

#include <stdlib.h>

#include "rule/duration.h"
#include "rule/field.h"
#include "rule/value.h"
#include "yaml/resolve.h"

/** Bytes of a name that can be a slip of a field's; the longest field has 31. */
#define NAME_MAX_LEN 40
/** Maps with a duplicate key are searched for the one that counts up to this many entries. */
#define TWICE_MAX 1000

#define IS(text, literal) ifx_str_eq((text), IFX_LIT(literal))

/* ---- names ---- */

/* Of this message the table has the one field alone. */
static const struct ifx_field_fact image = { .name = "image", .type = "message" };

/* Is the field one of the message `in`, not of one below it? */
static bool is_in(const struct ifx_field_fact *field, ifx_str in)
{
	ifx_str path = ifx_str_of(field->name);

	if (in.len) {
		if (!ifx_str_starts(path, in) || path.len <= in.len || path.ptr[in.len] != '.')
			return false;
		path = ifx_str_sub(path, in.len + 1, path.len - in.len - 1);
	}
	return ifx_str_chr(path, '.') == SIZE_MAX;
}

ifx_str ifx_proxyconfig_name(const struct ifx_field_fact *field)
{
	ifx_str path = ifx_str_of(field->name);
	size_t dot = ifx_str_chr(path, '.');

	return dot == SIZE_MAX ? path : ifx_str_sub(path, dot + 1, path.len - dot - 1);
}

/* The n-th field; image comes behind those of the table. NULL at the end. */
static const struct ifx_field_fact *field_at(size_t i)
{
	size_t n;
	const struct ifx_field_fact *facts = ifx_fact_proxyconfig(&n);

	return i < n ? &facts[i] : i == n ? &image : NULL;
}

const struct ifx_field_fact *ifx_proxyconfig_field(ifx_str in, ifx_str name)
{
	const struct ifx_field_fact *field;
	char buf[IFX_SNAKE_MAX];

	for (size_t i = 0; (field = field_at(i)) != NULL; i++) {
		ifx_str own = ifx_proxyconfig_name(field);

		if (!is_in(field, in))
			continue;
		if (ifx_str_eq(own, name) || (ifx_str_chr(name, '_') != SIZE_MAX &&
					      ifx_str_eq(ifx_field_snake(own, buf), name)))
			return field;
	}
	return NULL;
}

bool ifx_proxyconfig_is_too_deep(const struct ifx_entry *entry)
{
	const struct ifx_entry *up = entry->in->entry;
	const struct ifx_field_fact *field;

	if (!up || !ifx_is(up->key, IFX_SCALAR) ||
	    !(IS(ifx_text(up->key), "proxyMetadata") || IS(ifx_text(up->key), "proxy_metadata")))
		return false;
	field = ifx_proxyconfig_field(IFX_LIT(""), ifx_text(entry->key));
	return field && !field->removed_in;
}

/* Without letter case and separators. Empty when the name is too long. */
static ifx_str squash(ifx_str name, char out[static NAME_MAX_LEN])
{
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (c == '_' || c == '-' || c == ' ')
			continue;
		if (n == NAME_MAX_LEN)
			return IFX_LIT("");
		out[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return (ifx_str){ out, n };
}

/* Two wrong letters in a short name are another name. */
static size_t tolerance(ifx_str name)
{
	return name.len < 5 ? 0 : name.len < 9 ? 1 : 2;
}

const struct ifx_field_fact *ifx_proxyconfig_near(ifx_str in, ifx_str name)
{
	char x[NAME_MAX_LEN], y[NAME_MAX_LEN];
	ifx_str slip = squash(name, x);
	const struct ifx_field_fact *field, *best = NULL;
	size_t best_distance = SIZE_MAX;
	bool unique = false;

	for (size_t i = 0; slip.len && (field = field_at(i)) != NULL; i++) {
		ifx_str own;
		size_t d;

		if (!is_in(field, in) || field->removed_in)
			continue;
		own = squash(ifx_proxyconfig_name(field), y);
		if (own.len > slip.len + 2 || slip.len > own.len + 2)
			continue;
		d = ifx_str_distance(slip, own);
		if (d > tolerance(own) || d > best_distance)
			continue;
		unique = d < best_distance;
		best = field;
		best_distance = d;
	}
	return unique ? best : NULL;
}

/* ---- the look at a value ---- */

/** Values that aliases lead to again and again; beyond this many one may be told twice. */
#define SEEN_MAX 1000

struct seen {
	const struct ifx_node *node;
	struct seen *next;
};

struct look {
	struct ifx_cx *cx;
	ifx_misfit_visit *visit;
	void *data;
	const struct ifx_field_fact *field;
	const struct ifx_entry *entry;
	const struct ifx_node *node;
	ifx_str name;
	struct seen **seen; /* what was told; NULL: each visit counts */
};

/* Was the value told of, through another alias? */
static bool is_seen(const struct look *l)
{
	struct seen *seen;

	if (!l->seen || !l->node->doc->has_alias)
		return false;
	seen = *l->seen;
	for (int n = 0; seen && n < SEEN_MAX; n++, seen = seen->next)
		if (seen->node == l->node)
			return true;
	seen = ifx_arena_alloc(ifx_cx_arena(l->cx), sizeof(*seen));
	if (!seen) {
		ifx_cx_failed(l->cx);
		return true;
	}
	seen->node = l->node;
	seen->next = *l->seen;
	*l->seen = seen;
	return false;
}

/* What a scalar is to YAML 1.1. */
static struct ifx_plain type_of(const struct ifx_node *node)
{
	if (node->style != IFX_PLAIN || node->tag.len)
		return (struct ifx_plain){ .type = IFX_TYPE_STR };
	return ifx_resolve_plain(ifx_text(node));
}

static struct ifx_misfit misfit(const struct look *l)
{
	return (struct ifx_misfit){ .entry = l->entry, .node = l->node, .name = l->name };
}

static void tell(const struct look *l, struct ifx_misfit *m, const char *fmt, ...) IFX_PRINTF(3, 4);

static void tell(const struct look *l, struct ifx_misfit *m, const char *fmt, ...)
{
	struct ifx_buf what;
	va_list ap;

	ifx_buf_init(&what, 4096);
	va_start(ap, fmt);
	ifx_buf_vaddf(&what, fmt, ap);
	va_end(ap);
	m->what = what.bad ? IFX_NONE : ifx_arena_copy(ifx_cx_arena(l->cx), ifx_buf_str(&what));
	ifx_buf_release(&what);
	if (!m->what.ptr)
		ifx_cx_failed(l->cx);
	else if (!is_seen(l))
		l->visit(l->data, m);
}

/* A scalar's text for a message: its first line, and of that the beginning. */
static ifx_str shown(const struct look *l)
{
	ifx_str text = ifx_str_trim(ifx_text(l->node));

	return ifx_excerpt(l->cx, ifx_str_sub(text, 0, ifx_line_end(text, 0)));
}

/* The kind of thing that stands there, as a person would say it: "the number 5". */
static ifx_str kind_of(const struct look *l, struct ifx_plain plain)
{
	ifx_str text = shown(l), out;

	if (l->node->kind == IFX_MAP)
		return IFX_LIT("a map");
	if (l->node->kind == IFX_SEQ)
		return IFX_LIT("a list");
	if (plain.type == IFX_TYPE_BOOL && !plain.core_bool)
		out = ifx_arena_printf(ifx_cx_arena(l->cx), "%.*s, which YAML reads as %s",
				       IFX_ARG(text), plain.truth ? "true" : "false");
	else
		out = ifx_arena_printf(ifx_cx_arena(l->cx),
				       plain.type == IFX_TYPE_BOOL  ? "the boolean %.*s"
				       : plain.type == IFX_TYPE_STR ? "the string '%.*s'"
								    : "the number %.*s",
				       IFX_ARG(text));
	if (!out.ptr)
		ifx_cx_failed(l->cx);
	return out.ptr ? out : IFX_LIT("");
}

static void wrong_shape(const struct look *l, const char *wanted, const char *help)
{
	struct ifx_plain plain = { .type = IFX_TYPE_STR };
	struct ifx_misfit m = misfit(l);

	if (l->node->kind == IFX_SCALAR)
		plain = type_of(l->node);
	m.help = help;
	tell(l, &m, "is %.*s, not %s", IFX_ARG(kind_of(l, plain)), wanted);
}

/* Not empty, of an address host and port. */
static bool is_string_ok(const struct look *l, ifx_str text, struct ifx_buf *why)
{
	static const char *const needed[] = { "configPath", "binaryPath", "serviceCluster",
					      "discoveryAddress" };
	const struct ifx_key_fact host_port = { .type = IFX_VALUE_HOST_PORT };

	if (!text.len) {
		for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
			if (!strcmp(l->field->name, needed[i])) {
				ifx_buf_add(why, IFX_LIT("is empty, and must not be"));
				return false;
			}
		return true;
	}
	if (strcmp(l->field->type, "host_port") != 0)
		return true;
	ifx_buf_addf(why, "is '%.*s': ", IFX_ARG(shown(l)));
	return ifx_value_ok(&host_port, text, why);
}

/* The proxy's own switches are read as Go's booleans; other names may be anything. */
static bool wants_word(ifx_str key)
{
	return IS(key, "EXIT_ON_ZERO_ACTIVE_CONNECTIONS");
}

static void check_string(const struct look *l)
{
	struct ifx_misfit m = misfit(l);
	struct ifx_plain plain;
	struct ifx_buf why;
	ifx_str text = ifx_text(l->node), value;
	char number[64];

	m.help = !strcmp(l->field->type, "host_port") ? "write host and port in quotes"
						      : "write it in quotes";
	if (l->node->kind != IFX_SCALAR) {
		wrong_shape(l, "a string", m.help);
		return;
	}
	plain = type_of(l->node);
	ifx_buf_init(&why, 4096);
	if (!is_string_ok(l, text, &why)) {
		if (!text.len)
			m.help = "write a value, or remove it: the default then applies";
		else
			m.help = "write host and port, such as 'name.namespace.svc:15012'";
		tell(l, &m, "%.*s", IFX_ARG(ifx_buf_str(&why)));
	} else if (plain.type != IFX_TYPE_STR) {
		m.text = text;
		if (plain.type == IFX_TYPE_BOOL && !plain.core_bool) {
			value = plain.truth ? IFX_LIT("true") : IFX_LIT("false");
			if (wants_word(l->name)) {
				m.text = value;
			} else {
				m.other = value;
				m.answer = "word";
			}
		} else if (plain.ambiguous && ifx_resolve_value(text, number, sizeof(number)) &&
			   !ifx_str_eq(text, ifx_str_of(number))) {
			m.other = ifx_arena_copy(ifx_cx_arena(l->cx), ifx_str_of(number));
			m.answer = "value";
			if (!m.other.ptr)
				ifx_cx_failed(l->cx);
		}
		tell(l, &m,
		     plain.type == IFX_TYPE_BOOL && !plain.core_bool ? "is %.*s: not a string"
								     : "is %.*s, not a string",
		     IFX_ARG(kind_of(l, plain)));
	}
	ifx_buf_release(&why);
}

static void check_bool(const struct look *l)
{
	struct ifx_misfit m = misfit(l);
	struct ifx_plain plain, meant;
	ifx_str text;

	m.help = "write true or false, without quotes";
	if (l->node->kind != IFX_SCALAR) {
		wrong_shape(l, "a boolean", m.help);
		return;
	}
	plain = type_of(l->node);
	if (plain.type == IFX_TYPE_BOOL)
		return;
	text = ifx_str_trim(ifx_text(l->node));
	if (plain.type == IFX_TYPE_STR) {
		meant = ifx_resolve_plain(text);
		if (meant.type == IFX_TYPE_BOOL)
			m.text = meant.truth ? IFX_LIT("true") : IFX_LIT("false");
		else if (ifx_str_ieq(text, IFX_LIT("true")))
			m.text = IFX_LIT("true");
		else if (ifx_str_ieq(text, IFX_LIT("false")))
			m.text = IFX_LIT("false");
		m.plain = true;
	}
	tell(l, &m, "is %.*s, not a boolean", IFX_ARG(kind_of(l, plain)));
}

/* ---- numbers ---- */

static size_t digits(ifx_str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.len && s.ptr[at + n] >= '0' && s.ptr[at + n] <= '9')
		n++;
	return n;
}

/* A number as JSON has it; *whole: no fraction, no exponent. */
static bool is_json_number(ifx_str s, bool *whole)
{
	size_t at = s.len && s.ptr[0] == '-', n = digits(s, at);

	if (!n || (n > 1 && s.ptr[at] == '0'))
		return false;
	at += n;
	*whole = at == s.len;
	if (at < s.len && s.ptr[at] == '.') {
		n = digits(s, ++at);
		if (!n)
			return false;
		at += n;
	}
	if (at < s.len && (s.ptr[at] | 0x20) == 'e') {
		at++;
		at += at < s.len && (s.ptr[at] == '+' || s.ptr[at] == '-');
		n = digits(s, at);
		if (!n)
			return false;
		at += n;
	}
	return at == s.len;
}

/* The number as JSON gets it; empty when it is none there. A string may hold one. */
static ifx_str json_number(const struct look *l, struct ifx_plain plain, char out[static 64])
{
	ifx_str text = ifx_text(l->node);

	if (plain.type == IFX_TYPE_STR)
		return ifx_str_trim(text);
	if (plain.type == IFX_TYPE_BOOL || !ifx_resolve_value(text, out, 64))
		return IFX_LIT("");
	return ifx_str_of(out);
}

static void check_whole(const struct look *l)
{
	bool port = !strcmp(l->field->type, "port"), plain_digits = false;
	long long low = port ? 1 : !strcmp(l->field->type, "uint32") ? 0 : INT32_MIN;
	long long high = port                                ? UINT16_MAX
			 : !strcmp(l->field->type, "uint32") ? UINT32_MAX
							     : INT32_MAX;
	struct ifx_misfit m = misfit(l);
	struct ifx_plain plain;
	char buf[64], copy[32];
	ifx_str number;
	long long value;

	m.help = port ? "write a number from 1 to 65535" : "write a whole number";
	if (l->node->kind != IFX_SCALAR) {
		wrong_shape(l, "a number", m.help);
		return;
	}
	plain = type_of(l->node);
	number = json_number(l, plain, buf);
	if (!is_json_number(number, &plain_digits) || !plain_digits) {
		tell(l, &m, "is %.*s, not a whole number", IFX_ARG(kind_of(l, plain)));
		return;
	}
	/* More digits than any of the types has. */
	value = high + 1;
	if (number.len < sizeof(copy) - 12) {
		memcpy(copy, number.ptr, number.len);
		copy[number.len] = '\0';
		value = strtoll(copy, NULL, 10);
	}
	if (value >= low && value <= high)
		return;
	if (port)
		tell(l, &m, "is %.*s, not a port from 1 to 65535",
		     IFX_ARG(ifx_excerpt(l->cx, number)));
	else
		tell(l, &m, "is %.*s, out of range: from %lld to %lld",
		     IFX_ARG(ifx_excerpt(l->cx, number)), low, high);
}

static void check_double(const struct look *l)
{
	struct ifx_misfit m = misfit(l);
	struct ifx_plain plain;
	char buf[64];
	ifx_str number;
	bool whole;

	m.help = "write a number";
	if (l->node->kind != IFX_SCALAR) {
		wrong_shape(l, "a number", m.help);
		return;
	}
	plain = type_of(l->node);
	number = json_number(l, plain, buf);
	if (is_json_number(number, &whole))
		return;
	if (plain.type == IFX_TYPE_STR &&
	    (IS(number, "Infinity") || IS(number, "-Infinity") || IS(number, "NaN")))
		return;
	tell(l, &m, "is %.*s, not a number", IFX_ARG(kind_of(l, plain)));
}

/* ---- enums ---- */

static void check_enum(const struct look *l)
{
	ifx_str list = ifx_str_of(l->field->values), rest = list, value, text;
	char x[NAME_MAX_LEN], y[NAME_MAX_LEN], buf[64];
	struct ifx_misfit m = misfit(l);
	struct ifx_plain plain;
	struct ifx_buf wanted;
	bool whole;

	ifx_buf_init(&wanted, 1024);
	while (ifx_str_split(&rest, ',', &value))
		ifx_buf_addf(&wanted, "%s%.*s", wanted.len ? ", " : "", IFX_ARG(value));
	m.help = "write one of them";
	if (l->node->kind != IFX_SCALAR) {
		tell(l, &m, "is %s, not one of %.*s", l->node->kind == IFX_MAP ? "a map" : "a list",
		     IFX_ARG(ifx_buf_str(&wanted)));
		ifx_buf_release(&wanted);
		return;
	}
	text = ifx_text(l->node);
	plain = type_of(l->node);
	/* Numbers of values are accepted; which one it is is not ours to judge. */
	if (plain.type != IFX_TYPE_INT && plain.type != IFX_TYPE_FLOAT) {
		for (rest = list; ifx_str_split(&rest, ',', &value);) {
			if (plain.type == IFX_TYPE_STR && ifx_str_eq(value, text)) {
				ifx_buf_release(&wanted);
				return;
			}
			if (plain.type == IFX_TYPE_STR && text.len &&
			    ifx_str_eq(squash(ifx_str_trim(text), x), squash(value, y)))
				m.text = value;
		}
		if (plain.type == IFX_TYPE_STR)
			tell(l, &m, "is '%.*s', not one of %.*s", IFX_ARG(ifx_excerpt(l->cx, text)),
			     IFX_ARG(ifx_buf_str(&wanted)));
		else
			tell(l, &m, "is %.*s, not one of %.*s", IFX_ARG(kind_of(l, plain)),
			     IFX_ARG(ifx_buf_str(&wanted)));
	} else if (!is_json_number(json_number(l, plain, buf), &whole) || !whole) {
		tell(l, &m, "is %.*s, not one of %.*s", IFX_ARG(kind_of(l, plain)),
		     IFX_ARG(ifx_buf_str(&wanted)));
	}
	ifx_buf_release(&wanted);
}

/* ---- maps and lists ---- */

typedef void each_fn(const struct look *l, const struct ifx_entry *e);

bool ifx_is_merge(const struct ifx_entry *entry)
{
	return ifx_is(entry->key, IFX_SCALAR) && entry->key->style == IFX_PLAIN &&
	       IS(ifx_text(entry->key), "<<");
}

/* Entries that count: the last of equal ones, and of a merged map those that `over` lacks. */
static void each_own(const struct look *l, const struct ifx_node *map, const struct ifx_node *over,
		     each_fn *fn)
{
	bool twice = map->n <= TWICE_MAX && ifx_map_twice(map);

	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		ifx_str key;

		if (!ifx_is(e->key, IFX_SCALAR) || ifx_is_merge(e))
			continue;
		key = ifx_text(e->key);
		if ((twice && ifx_map_entry_after(e, key)) || (over && ifx_map_entry(over, key)))
			continue;
		fn(l, e);
	}
}

static void each_entry(const struct look *l, const struct ifx_node *map, each_fn *fn)
{
	each_own(l, map, NULL, fn);
	for (const struct ifx_entry *e = map->doc->has_alias ? map->first : NULL; e; e = e->next) {
		const struct ifx_node *from = ifx_is_merge(e) ? ifx_deref(e->value) : NULL;

		if (ifx_is(from, IFX_MAP))
			each_own(l, from, map, fn);
		if (!ifx_is(from, IFX_SEQ))
			continue;
		for (const struct ifx_entry *i = from->first; i; i = i->next)
			if (ifx_is(ifx_deref(i->value), IFX_MAP))
				each_own(l, ifx_deref(i->value), map, fn);
	}
}

/* A value that is there, and that is not part of somebody's template. */
static bool is_ours(const struct ifx_node *node)
{
	if (!node || ifx_is_null(node))
		return false;
	if (node->kind == IFX_SCALAR)
		return (!node->tag.len || ifx_is_string(node)) &&
		       !ifx_text_has_hole(ifx_text(node));
	return !node->tag.len && (node->style != IFX_FLOW || !ifx_text_has_hole(ifx_raw(node)));
}

static bool enter(struct look *l, const struct ifx_entry *e)
{
	l->entry = e;
	l->node = ifx_deref(e->value);
	if (e->key)
		l->name = ifx_text(e->key);
	return is_ours(l->node);
}

/* Values of proxyMetadata that are durations. */
static bool is_duration(const struct look *l, ifx_str key)
{
	size_t n;
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);
	ifx_str name = ifx_str_of(l->field->name);

	for (size_t i = 0; i < n; i++) {
		ifx_str path = ifx_str_of(facts[i].path);

		if (facts[i].message == IFX_MSG_PROXYCONFIG && ifx_str_starts(path, name) &&
		    path.len == name.len + 1 + key.len && ifx_str_ends(path, key))
			return true;
	}
	return false;
}

static void one_string(const struct look *l, const struct ifx_entry *e)
{
	struct look inner = *l;
	struct ifx_misfit m;

	if (!enter(&inner, e) || (e->key && is_duration(l, inner.name)))
		return;
	if (!e->key || !ifx_proxyconfig_is_too_deep(e)) {
		check_string(&inner);
		return;
	}
	/* In quotes it would be one more variable, and still not the field that is meant. */
	m = misfit(&inner);
	m.help = "it is a field of ProxyConfig: write it beside 'proxyMetadata'";
	if (inner.node->kind != IFX_SCALAR || type_of(inner.node).type != IFX_TYPE_STR)
		tell(&inner, &m, "is not a string");
}

static void one_field(const struct look *l, const struct ifx_entry *e);

static void check_value(const struct look *l)
{
	const char *type = l->field->type;

	if (!strcmp(type, "string") || !strcmp(type, "host_port")) {
		check_string(l);
	} else if (!strcmp(type, "bool")) {
		check_bool(l);
	} else if (!strcmp(type, "port") || !strcmp(type, "int32") || !strcmp(type, "uint32")) {
		check_whole(l);
	} else if (!strcmp(type, "double")) {
		check_double(l);
	} else if (!strcmp(type, "enum")) {
		check_enum(l);
	} else if (!strcmp(type, "list_string")) {
		if (l->node->kind != IFX_SEQ)
			wrong_shape(l, "a list", "write a list of strings");
		else
			for (const struct ifx_entry *e = l->node->first; e; e = e->next)
				one_string(l, e);
	} else if (!strcmp(type, "map_string")) {
		if (l->node->kind != IFX_MAP)
			wrong_shape(l, "a map", "write entries such as NAME: \"value\"");
		else
			each_entry(l, l->node, one_string);
	} else if (!strcmp(type, "map") || !strcmp(type, "message")) {
		if (l->node->kind != IFX_MAP)
			wrong_shape(l, "a map", "write its fields below it");
		else if (*type == 'm' && type[1] == 'e')
			each_entry(l, l->node, one_field);
	}
}

/* A field of the message that l->field is; without one, of the ProxyConfig. */
static void one_field(const struct look *l, const struct ifx_entry *e)
{
	ifx_str in = l->field ? ifx_str_of(l->field->name) : IFX_LIT("");
	struct look inner = *l;

	if (!enter(&inner, e))
		return;
	inner.field = ifx_proxyconfig_field(in, inner.name);
	if (inner.field && !inner.field->removed_in)
		check_value(&inner);
}

void ifx_proxyconfig_check(struct ifx_cx *cx, const struct ifx_node *map, ifx_misfit_visit *visit,
			   void *data)
{
	struct seen *seen = NULL;
	struct look l = { .cx = cx, .visit = visit, .data = data, .seen = &seen };

	each_entry(&l, map, one_field);
}

void ifx_proxyconfig_check_value(struct ifx_cx *cx, const struct ifx_field_fact *field,
				 const struct ifx_entry *entry, ifx_misfit_visit *visit, void *data)
{
	struct look l = { .cx = cx, .visit = visit, .data = data, .field = field };

	if (enter(&l, entry))
		check_value(&l);
}
