/*
 * Reading a rule. Everything that is not understood is an error with a place: a rule that silently
 * does less than its author thinks is worse than none.
 */
#include "rule/rule.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/regex.h"
#include "rule/field.h"
#include "yaml/load.h"

struct reader {
	ifx_str file, src;
	struct ifx_rule *rule;
	struct ifx_buf *err;
	size_t errors;
	bool failed; /* no memory */
	ifx_level level;
	ifx_severity severity;
};

/* ---- errors ---- */

static void error_at(struct reader *r, size_t at, const char *fmt, ...) IFX_PRINTF(3, 4);

static void error_at(struct reader *r, size_t at, const char *fmt, ...)
{
	struct ifx_buf line;
	size_t row, column;
	va_list ap;

	if (r->errors++ >= IFX_RULE_ERRORS_MAX)
		return;
	ifx_buf_init(&line, 1 << 16);
	ifx_str_position(r->src, at, &row, &column);
	if (r->err->len)
		ifx_buf_addc(&line, '\n');
	ifx_buf_addf(&line, "%.*s:%zu:%zu: error: ", IFX_ARG(r->file), row, column);
	va_start(ap, fmt);
	ifx_buf_vaddf(&line, fmt, ap);
	va_end(ap);
	r->failed |= line.bad;
	/* The caller's buffer may be small; what does not fit is not told. */
	if (!line.bad && line.len < r->err->max - r->err->len)
		ifx_buf_add(r->err, ifx_buf_str(&line));
	r->failed |= r->err->bad;
	ifx_buf_release(&line);
}

#define error_on(r, node, ...) error_at((r), (node)->span.at, __VA_ARGS__)

/* ---- memory ---- */

static void *alloc(struct reader *r, size_t n, size_t size)
{
	void *p = ifx_arena_alloc(&r->rule->arena, (n ? n : 1) * size);

	r->failed |= !p;
	return p;
}

static ifx_str keep(struct reader *r, ifx_str text)
{
	ifx_str copy = ifx_arena_copy(&r->rule->arena, text);

	r->failed |= !copy.ptr;
	return copy;
}

/* ---- shapes ---- */

static const char *shape(const struct ifx_node *node)
{
	if (ifx_is_null(node))
		return "nothing";
	switch (node->kind) {
	case IFX_MAP:
		return "a map";
	case IFX_SEQ:
		return "a list";
	case IFX_ALIAS:
		return "an alias; write it out";
	case IFX_SCALAR:
		break;
	}
	return ifx_is_string(node) ? "a text" : "a number or boolean; quote it";
}

static bool is_text(struct reader *r, const struct ifx_node *node, const char *what)
{
	if (!ifx_is_string(node)) {
		error_on(r, node, "%s must be a text, not %s", what, shape(node));
		return false;
	}
	if (!ifx_text(node).ptr)
		r->failed = true;
	return ifx_text(node).ptr != NULL;
}

static bool is_map(struct reader *r, const struct ifx_node *node, const char *what)
{
	if (ifx_is(node, IFX_MAP))
		return true;
	error_on(r, node, "%s must be a map, not %s", what, shape(node));
	return false;
}

static bool is_list(struct reader *r, const struct ifx_node *node, const char *what)
{
	if (!ifx_is(node, IFX_SEQ))
		error_on(r, node, "%s must be a list, not %s", what, shape(node));
	else if (!node->first)
		error_on(r, node, "%s is empty; leave it out, or fill it", what);
	else
		return true;
	return false;
}

/* Keys of a map that has a fixed set of them; `keys` is what people are told, "id, summary". */
static void check_keys(struct reader *r, const struct ifx_node *map, const char *keys,
		       const char *what)
{
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		ifx_str rest = ifx_str_of(keys), known, key = ifx_text(e->key);
		bool found = false;

		while (!found && ifx_str_split(&rest, ',', &known))
			found = key.ptr && ifx_str_eq(key, ifx_str_trim(known));
		if (!found)
			error_on(r, e->key, "unknown key '%.*s'; %s has %s", IFX_ARG(key), what,
				 keys);
		else if (ifx_map_entry(map, key) != e)
			error_on(r, e->key, "'%.*s' is there twice; remove one", IFX_ARG(key));
		if (r->errors > IFX_RULE_ERRORS_MAX)
			return;
	}
}

static const struct ifx_node *value_of(const struct ifx_node *map, const char *key)
{
	const struct ifx_entry *e = ifx_map_entry(map, ifx_str_of(key));

	return e ? e->value : NULL;
}

/* One line of text at `key`; ptr NULL when it is not there, or not right. */
static ifx_str text_at(struct reader *r, const struct ifx_node *map, const char *key,
		       const char *missing)
{
	const struct ifx_node *value = value_of(map, key);
	ifx_str text;
	char what[40];

	snprintf(what, sizeof(what), "'%s'", key);
	if (!value) {
		if (missing)
			error_on(r, map, "'%s' is missing; %s", key, missing);
		return IFX_NONE;
	}
	if (!is_text(r, value, what))
		return IFX_NONE;
	text = ifx_str_trim(ifx_text(value));
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
			error_on(r, value, "'%s' must be one line of text", key);
			return IFX_NONE;
		}
	if (!text.len) {
		error_on(r, value, "'%s' is empty; write it, or leave it out", key);
		return IFX_NONE;
	}
	return keep(r, text);
}

/* One of a few words. False when it is not there, or not right. */
static bool word_at(struct reader *r, const struct ifx_node *map, const char *key,
		    const char *const *words, int *out)
{
	const struct ifx_node *value = value_of(map, key);
	struct ifx_buf list;
	char what[40];

	snprintf(what, sizeof(what), "'%s'", key);
	if (!value || !is_text(r, value, what))
		return false;
	ifx_buf_init(&list, 256);
	for (int i = 0; words[i]; i++) {
		if (ifx_str_eq(ifx_text(value), ifx_str_of(words[i]))) {
			*out = i;
			ifx_buf_release(&list);
			return true;
		}
		ifx_buf_addf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	error_on(r, value, "'%s' cannot be '%.*s'; it is one of %.*s", key,
		 IFX_ARG(ifx_text(value)), IFX_ARG(ifx_buf_str(&list)));
	ifx_buf_release(&list);
	return false;
}

static const char *const level_words[] = { "safe", "repair", "choice", "report", NULL };
static const char *const severity_words[] = { "info", "warning", "error", NULL };

static void read_level(struct reader *r, const struct ifx_node *map, ifx_level *level,
		       ifx_severity *severity)
{
	int i;

	if (word_at(r, map, "level", level_words, &i))
		*level = (ifx_level)i;
	if (word_at(r, map, "severity", severity_words, &i))
		*severity = (ifx_severity)i;
}

/* ---- names ---- */

/* Letters that no YAML style escapes: the scan for needles depends on it. */
static bool is_name(ifx_str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || strchr("'\"\\", name.ptr[i]))
			return false;
	return name.len > 0;
}

static ifx_str read_name(struct reader *r, const struct ifx_node *node, const char *what)
{
	if (!is_text(r, node, what))
		return IFX_NONE;
	if (is_name(ifx_text(node)))
		return keep(r, ifx_text(node));
	error_on(r, node, "%s cannot be '%.*s'; a name has no blanks, quotes or backslashes", what,
		 IFX_ARG(ifx_text(node)));
	return IFX_NONE;
}

/* A name or a list of spellings. With snake_case where the message takes it. */
static void read_field(struct reader *r, const struct ifx_node *node, const char *what,
		       struct ifx_rule_field *field)
{
	bool list = ifx_is(node, IFX_SEQ), snake = r->rule->message == IFX_MSG_PROXYCONFIG ||
						   r->rule->message == IFX_MSG_MESHCONFIG;
	const struct ifx_entry *e = list ? node->first : NULL;
	ifx_str *names;

	if (list && !is_list(r, node, what))
		return;
	names = alloc(r, 2 * (list ? node->n : 1), sizeof(*names));
	if (!names)
		return;
	field->names = names;
	do {
		char buf[IFX_SNAKE_MAX];
		ifx_str name = read_name(r, e ? e->value : node, what), other;

		if (name.ptr)
			names[field->n++] = name;
		other = snake ? ifx_field_snake(name, buf) : IFX_NONE;
		if (other.len)
			names[field->n++] = keep(r, other);
		e = e ? e->next : NULL;
	} while (e);
}

static void read_path(struct reader *r, const struct ifx_node *node, const char *what, bool lists,
		      ifx_str *out)
{
	ifx_str rest, name;

	*out = IFX_LIT("");
	if (!is_text(r, node, what))
		return;
	rest = ifx_text(node);
	while (ifx_str_split(&rest, '.', &name)) {
		if (lists && ifx_str_ends(name, IFX_LIT("[]")))
			name.len -= 2;
		if (!is_name(name) || ifx_str_chr(name, '[') != SIZE_MAX ||
		    ifx_str_chr(name, ']') != SIZE_MAX) {
			error_on(r, node, "%s cannot be '%.*s'; write a path of names, as in %s",
				 what, IFX_ARG(ifx_text(node)),
				 lists ? "spec.http[].retries" : "spec.retries");
			return;
		}
	}
	*out = keep(r, ifx_text(node));
}

/* ---- the parts ---- */

static bool is_kebab(ifx_str id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!letter && (c != '-' || !i || i + 1 == id.len || id.ptr[i + 1] == '-'))
			return false;
	}
	return id.len > 0 && id.len <= 64;
}

static void read_id(struct reader *r, const struct ifx_node *map)
{
	/* What the tool itself has to say comes under these names. */
	static const char *const taken[] = { "yaml", "template", "limit", "internal",
					     "read", "write",    "memory" };
	ifx_str id = text_at(r, map, "id", "give the rule a name, as in id: mirror-percent");

	if (!id.ptr)
		return;
	if (!is_kebab(id))
		error_on(
			r, value_of(map, "id"),
			"'id' cannot be '%.*s'; write small letters, digits and single dashes, at most 64",
			IFX_ARG(id));
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (ifx_str_eq(id, ifx_str_of(taken[i])))
			error_on(r, value_of(map, "id"),
				 "'%s' is a name of the tool's own; take another", taken[i]);
	r->rule->transform.id = id.ptr;
}

static void read_match(struct reader *r, const struct ifx_node *map)
{
	static const char *const messages[] = { "ProxyConfig", "MeshConfig", "Values",
						"PodAnnotations", NULL };
	static const ifx_message meanings[] = { IFX_MSG_PROXYCONFIG, IFX_MSG_MESHCONFIG,
						IFX_MSG_VALUES, IFX_MSG_POD_ANNOTATIONS };
	const struct ifx_node *match = value_of(map, "match"), *group, *kind;
	int i;

	r->rule->message = IFX_MSG_RESOURCE;
	if (!match) {
		error_on(
			r, map,
			"'match' is missing; write match: {group: ..., kind: ...} or match: {message: ...}");
		return;
	}
	if (!is_map(r, match, "'match'"))
		return;
	check_keys(r, match, "group, kind, message", "'match'");
	group = value_of(match, "group");
	kind = value_of(match, "kind");
	if (value_of(match, "message")) {
		if (group || kind)
			error_on(
				r, match,
				"'match' has a message and a kind; a message is found in every kind, keep one of them");
		if (word_at(r, match, "message", messages, &i))
			r->rule->message = meanings[i];
		return;
	}
	if (!group)
		error_on(r, match, "'match' lacks 'group'; write group: \"\" for the core group");
	else if (is_text(r, group, "'group'"))
		r->rule->group = keep(r, ifx_text(group));
	if (group && ifx_str_chr(r->rule->group, '/') != SIZE_MAX)
		error_on(r, group, "'group' cannot be '%.*s'; leave out the version",
			 IFX_ARG(r->rule->group));
	if (!kind)
		error_on(r, match, "'match' lacks 'kind'; say which, as in kind: VirtualService");
	else
		r->rule->kind = read_name(r, kind, "'kind'");
}

static void read_names(struct reader *r, const struct ifx_node *when, const char *key,
		       struct ifx_rule_field **out, size_t *n)
{
	const struct ifx_node *list = value_of(when, key);
	char what[20];

	snprintf(what, sizeof(what), "'%s'", key);
	if (!list || !is_list(r, list, what))
		return;
	*out = alloc(r, list->n, sizeof(**out));
	for (const struct ifx_entry *e = list->first; e && *out; e = e->next)
		read_field(r, e->value, what, &(*out)[(*n)++]);
}

static void read_matches(struct reader *r, const struct ifx_node *when, struct ifx_rule_case *c)
{
	const struct ifx_node *map = value_of(when, "matches");
	struct ifx_buf why;
	ifx_status st;

	if (!map || !is_map(r, map, "'matches'"))
		return;
	ifx_buf_init(&why, 256);
	c->matches = alloc(r, map->n, sizeof(*c->matches));
	for (const struct ifx_entry *e = map->first; e && c->matches; e = e->next) {
		struct ifx_rule_field *field = &c->matches[c->n_matches++];

		read_field(r, e->key, "a name in 'matches'", field);
		if (!is_text(r, e->value, "a pattern"))
			continue;
		ifx_buf_clear(&why);
		st = ifx_regex_new(&field->pattern, ifx_text(e->value),
				   IFX_REGEX_UTF | IFX_REGEX_JIT, &why);
		if (st == IFX_EINVAL)
			error_on(r, e->value, "'%.*s' is not a pattern: %.*s",
				 IFX_ARG(ifx_text(e->value)), IFX_ARG(ifx_buf_str(&why)));
		else if (st != IFX_OK)
			r->failed = true;
		if (r->errors > IFX_RULE_ERRORS_MAX)
			break;
	}
	ifx_buf_release(&why);
}

static bool field_has(const struct ifx_rule_field *field, ifx_str name)
{
	for (size_t i = 0; i < field->n; i++)
		if (ifx_str_eq(field->names[i], name))
			return true;
	return false;
}

static void read_value(struct reader *r, const struct ifx_node *value, const char *what,
		       struct ifx_rule_op *op, bool may_be_plain)
{
	op->plain = may_be_plain && ifx_is(value, IFX_SCALAR) && !ifx_is_string(value) &&
		    !ifx_is_null(value) && !value->tag.len;
	if (op->plain || is_text(r, value, what))
		op->text = keep(r, ifx_text(value));
}

/* What an operation needs besides its field. Both are required. */
static void read_two(struct reader *r, const struct ifx_node *arg, const char *verb,
		     const char *first, const char *second, struct ifx_rule_op *op)
{
	const struct ifx_node *a, *b;
	char keys[40], what[40];

	snprintf(what, sizeof(what), "'%s'", verb);
	if (!is_map(r, arg, what))
		return;
	snprintf(keys, sizeof(keys), "%s, %s", first, second);
	check_keys(r, arg, keys, what);
	a = value_of(arg, first);
	b = value_of(arg, second);
	if (!a || !b) {
		error_on(r, arg, "'%s' lacks '%s'; write %s: {%s: ..., %s: ...}", verb,
			 a ? second : first, verb, first, second);
		return;
	}
	snprintf(what, sizeof(what), "'%s'", first);
	read_field(r, a, what, &op->field);
	snprintf(what, sizeof(what), "'%s'", second);
	if (op->verb == IFX_OP_MOVE)
		read_path(r, b, what, false, &op->text);
	else if (op->verb == IFX_OP_SET || op->verb == IFX_OP_INSERT)
		read_value(r, b, what, op, op->verb == IFX_OP_SET);
	else
		op->text = read_name(r, b, what);
}

static void read_op(struct reader *r, const struct ifx_node *node, const struct ifx_rule_case *c,
		    struct ifx_rule_op *op)
{
	static const struct {
		const char *name, *first, *second;
		ifx_verb verb;
	} verbs[] = {
		{ "remove", NULL, NULL, IFX_OP_REMOVE },
		{ "rename", "from", "to", IFX_OP_RENAME },
		{ "set", "field", "to", IFX_OP_SET },
		{ "insert", "key", "value", IFX_OP_INSERT },
		{ "wrap", "field", "key", IFX_OP_WRAP },
		{ "move", "field", "to", IFX_OP_MOVE },
		{ "enlist", NULL, NULL, IFX_OP_ENLIST },
	};
	const struct ifx_entry *e;
	bool known = false, guarded = false;

	if (!is_map(r, node, "an operation"))
		return;
	e = node->first;
	if (!e || e->next) {
		error_on(r, node, "an operation has one verb, as in {remove: name}; this has %zu",
			 node->n);
		return;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (!ifx_str_eq(ifx_text(e->key), ifx_str_of(verbs[i].name)))
			continue;
		known = true;
		op->verb = verbs[i].verb;
		if (verbs[i].first)
			read_two(r, e->value, verbs[i].name, verbs[i].first, verbs[i].second, op);
		else
			read_field(r, e->value, verbs[i].name, &op->field);
	}
	if (!known)
		error_on(
			r, e->key,
			"unknown verb '%.*s'; there are remove, rename, set, insert, wrap, move and enlist",
			IFX_ARG(ifx_text(e->key)));
	if (!known || op->verb != IFX_OP_INSERT || !op->field.n)
		return;
	if (ifx_is(value_of(e->value, "key"), IFX_SEQ))
		error_on(r, value_of(e->value, "key"),
			 "'insert' writes one key, not a list of spellings");
	for (size_t i = 0; i < c->n_lacks; i++)
		guarded |= field_has(&c->lacks[i], op->field.names[0]);
	if (!guarded)
		error_on(r, e->value,
			 "a second run would insert '%.*s' again; add it to 'lacks' in 'when'",
			 IFX_ARG(op->field.names[0]));
}

static void read_ops(struct reader *r, const struct ifx_node *node, struct ifx_rule_case *c)
{
	const struct ifx_node *list = value_of(node, "do");
	const struct ifx_rule_op **link = &c->ops;

	if (!list) {
		if (c->level != IFX_REPORT)
			error_on(r, node, "the case does nothing; add 'do', or say level: report");
		return;
	}
	if (!is_list(r, list, "'do'"))
		return;
	if (c->level == IFX_REPORT)
		error_on(
			r, list,
			"a case of level report changes nothing; remove 'do', or choose another level");
	for (const struct ifx_entry *e = list->first; e; e = e->next) {
		struct ifx_rule_op *op = alloc(r, 1, sizeof(*op));

		if (!op || r->errors > IFX_RULE_ERRORS_MAX)
			return;
		read_op(r, e->value, c, op);
		*link = op;
		link = &op->next;
	}
}

/* {key} and {value}, when the case has a field to take them from. */
static void check_holes(struct reader *r, const struct ifx_node *node, const char *key,
			ifx_str text, bool filled)
{
	for (size_t at = 0, end; at < text.len; at++) {
		ifx_str rest = ifx_str_sub(text, at, text.len - at), name;

		if (text.ptr[at] != '{')
			continue;
		end = ifx_str_chr(rest, '}');
		if (end == SIZE_MAX)
			return;
		name = ifx_str_sub(rest, 1, end - 1);
		if (!ifx_str_eq(name, IFX_LIT("key")) && !ifx_str_eq(name, IFX_LIT("value")))
			error_on(r, value_of(node, key),
				 "'%s' has a hole '{%.*s}'; there are {key} and {value}", key,
				 IFX_ARG(name));
		else if (!filled)
			error_on(
				r, value_of(node, key),
				"'%s' has a hole '{%.*s}', but 'when' names no field that is there",
				key, IFX_ARG(name));
		at += end;
	}
}

static void read_case(struct reader *r, const struct ifx_node *node, struct ifx_rule_case *c)
{
	const struct ifx_node *when;
	bool filled;

	c->level = r->level;
	c->severity = r->severity;
	if (!is_map(r, node, "a case"))
		return;
	check_keys(r, node, "when, message, help, level, severity, do", "a case");
	when = value_of(node, "when");
	if (!when) {
		error_on(r, node,
			 "'when' is missing; say when the case applies, as in when: {has: [name]}");
	} else if (is_map(r, when, "'when'")) {
		check_keys(r, when, "has, lacks, matches", "'when'");
		read_names(r, when, "has", &c->has, &c->n_has);
		read_names(r, when, "lacks", &c->lacks, &c->n_lacks);
		read_matches(r, when, c);
		if (!when->first)
			error_on(
				r, when,
				"'when' is empty; say when the case applies, as in when: {has: [name]}");
	}
	read_level(r, node, &c->level, &c->severity);
	filled = c->n_has || c->n_matches;
	c->message = text_at(r, node, "message", "say what is wrong");
	c->help = text_at(r, node, "help", NULL);
	check_holes(r, node, "message", c->message, filled);
	check_holes(r, node, "help", c->help, filled);
	read_ops(r, node, c);
}

static void read_cases(struct reader *r, const struct ifx_node *map)
{
	const struct ifx_node *list = value_of(map, "cases");
	struct ifx_rule_case **link = &r->rule->cases;

	if (!list) {
		error_on(r, map, "'cases' is missing; a rule has at least one");
		return;
	}
	if (!is_list(r, list, "'cases'"))
		return;
	for (const struct ifx_entry *e = list->first; e; e = e->next) {
		struct ifx_rule_case *c = alloc(r, 1, sizeof(*c));

		if (!c || r->errors > IFX_RULE_ERRORS_MAX)
			return;
		*link = c;
		link = &c->next;
		read_case(r, e->value, c);
	}
}

/* ---- needles ---- */

/* How rare are the spellings of a field? The shortest decides. */
static size_t rarity(const struct ifx_rule_field *field)
{
	size_t n = field->n ? SIZE_MAX : 0;

	for (size_t i = 0; i < field->n; i++)
		if (field->names[i].len < n)
			n = field->names[i].len;
	return n;
}

/* Strings of which one must be there wherever the message is. */
static const char *const *home_of(const struct ifx_rule *rule)
{
	static const char *const proxy[] = { "proxy.istio.io/config", "defaultConfig",
					     "default_config", NULL };
	static const char *const mesh[] = { "IstioOperator", "sailoperator.io", "mesh", NULL };
	static const char *const values[] = { "IstioOperator", "sailoperator.io", NULL };
	static const char *const annotations[] = { "annotations", NULL };

	switch (rule->message) {
	case IFX_MSG_PROXYCONFIG:
		return proxy;
	case IFX_MSG_MESHCONFIG:
		return mesh;
	case IFX_MSG_VALUES:
		return values;
	case IFX_MSG_POD_ANNOTATIONS:
		return annotations;
	case IFX_MSG_RESOURCE:
		break;
	}
	return NULL;
}

static void add_needle(const char **list, size_t *n, const char *needle)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(list[i], needle))
			return;
	list[(*n)++] = needle;
}

/* The document must hold, for one of the cases, one of the spellings of its rarest field, or the
 * kind. */
static void derive_needles(struct reader *r)
{
	const struct ifx_rule *rule = r->rule;
	size_t n = 0, most = 4;
	const char **list;

	for (const struct ifx_rule_case *c = rule->cases; c; c = c->next) {
		most += 4;
		for (size_t i = 0; i < c->n_has; i++)
			most += c->has[i].n;
		for (size_t i = 0; i < c->n_matches; i++)
			most += c->matches[i].n;
	}
	list = alloc(r, most + 1, sizeof(*list));
	for (const struct ifx_rule_case *c = rule->cases; c && list; c = c->next) {
		const struct ifx_rule_field *best = NULL;
		size_t best_rarity = rule->kind.len;

		for (size_t i = 0; i < c->n_has; i++)
			if (rarity(&c->has[i]) > best_rarity) {
				best = &c->has[i];
				best_rarity = rarity(best);
			}
		for (size_t i = 0; i < c->n_matches; i++)
			if (rarity(&c->matches[i]) > best_rarity) {
				best = &c->matches[i];
				best_rarity = rarity(best);
			}
		for (size_t i = 0; best && i < best->n; i++)
			add_needle(list, &n, best->names[i].ptr);
		if (best)
			continue;
		if (rule->message == IFX_MSG_RESOURCE)
			add_needle(list, &n, rule->kind.ptr);
		else
			for (const char *const *h = home_of(rule); *h; h++)
				add_needle(list, &n, *h);
	}
	r->rule->transform.needles = list;
}

/* ---- the whole ---- */

static void read_root(struct reader *r, const struct ifx_node *root)
{
	struct ifx_transform *t = &r->rule->transform;
	const struct ifx_node *each;

	if (!is_map(r, root, "a rule"))
		return;
	check_keys(r, root, "id, summary, source, ist, severity, level, match, each, cases",
		   "a rule");
	read_id(r, root);
	t->summary = text_at(r, root, "summary", "say in one line what the rule does").ptr;
	t->source = text_at(r, root, "source",
			    "give the address of the specification that the rule follows")
			    .ptr;
	t->ist = text_at(r, root, "ist", NULL).ptr;
	if (!value_of(root, "level"))
		error_on(r, root, "'level' is missing; say safe, repair, choice or report");
	r->severity = IFX_WARNING;
	read_level(r, root, &r->level, &r->severity);
	t->level = r->level;
	read_match(r, root);
	each = value_of(root, "each");
	r->rule->each = IFX_LIT("");
	if (each)
		read_path(r, each, "'each'", true, &r->rule->each);
	read_cases(r, root);
	t->run = ifx_rule_run;
	t->rule = r->rule;
	if (!r->errors && !r->failed)
		derive_needles(r);
}

/* The first document, and nothing behind it. */
static ifx_span only_document(struct reader *r)
{
	ifx_span first = { 0, r->src.len }, next;
	size_t at = 0;

	if (!ifx_stream_next(r->src, &at, &first))
		return first;
	while (ifx_stream_next(r->src, &at, &next))
		if (ifx_str_trim(ifx_str_sub(r->src, next.at, next.len)).len) {
			error_at(
				r, next.at,
				"a rule file holds one document; put the other rule into a file of its own");
			break;
		}
	return first;
}

static ifx_status load(struct reader *r, struct ifx_doc **doc)
{
	struct ifx_problem problem = { 0 };
	ifx_span span;
	ifx_status st;

	if (r->src.len > IFX_RULE_BYTES_MAX) {
		error_at(r, 0, "a rule has at most %zu bytes", IFX_RULE_BYTES_MAX);
		return IFX_EINVAL;
	}
	ifx_buf_init(&problem.text, 4096);
	st = ifx_precheck(r->src, &problem);
	if (st == IFX_OK) {
		span = only_document(r);
		st = ifx_doc_load(doc, ifx_str_sub(r->src, 0, span.at + span.len), &problem);
	}
	if (st == IFX_EINVAL || st == IFX_ELIMIT) {
		error_at(r, problem.at, "%.*s", IFX_ARG(ifx_buf_str(&problem.text)));
		st = IFX_EINVAL;
	} else if (st == IFX_OK && !(*doc)->root) {
		error_at(r, 0, "there is no rule in the file");
	}
	ifx_buf_release(&problem.text);
	return st;
}

ifx_status ifx_rule_read(struct ifx_rule **out, ifx_str file, ifx_str bytes, struct ifx_buf *err)
{
	struct reader r = { .file = file, .src = bytes, .err = err };
	struct ifx_doc *doc = NULL;
	ifx_status st;

	r.rule = ifx_calloc(1, sizeof(*r.rule));
	if (!r.rule)
		return IFX_ENOMEM;
	ifx_arena_init(&r.rule->arena, IFX_RULE_MEMORY_MAX);
	st = load(&r, &doc);
	if (st == IFX_OK && doc->root)
		read_root(&r, doc->root);
	ifx_doc_free(doc);
	if (st == IFX_OK && r.errors)
		st = IFX_EINVAL;
	if (r.failed)
		st = IFX_ENOMEM;
	if (st == IFX_OK)
		*out = r.rule;
	else
		ifx_rule_free(r.rule);
	return st;
}

void ifx_rule_free(struct ifx_rule *rule)
{
	if (!rule)
		return;
	for (const struct ifx_rule_case *c = rule->cases; c; c = c->next)
		for (size_t i = 0; i < c->n_matches; i++)
			ifx_regex_free(c->matches[i].pattern);
	ifx_arena_release(&rule->arena);
	ifx_free(rule);
}

const struct ifx_transform *ifx_rule_transform(const struct ifx_rule *rule)
{
	return &rule->transform;
}
