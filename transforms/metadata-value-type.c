/*
 * metadata-value-type: labels and annotations are maps of strings, and the API server refuses an
 * object where one of them is a number or a boolean. What is a number is decided by go-yaml v2, see
 * yaml/resolve.h.
 *
 *   sidecar.istio.io/proxyCPU: 2          ->  "2"
 *   sidecar.istio.io/inject: no           ->  "false"     the word that Istio reads
 *   build: 0777                           ->  "0777" or "511"? a question
 *
 * The text stays as it is typed (`1.10` is not 1.1) but for booleans on the keys that Istio reads.
 */
#include "rule/transform.h"

#include "rule/glance.h"
#include "yaml/path.h"
#include "yaml/resolve.h"

#include <stdlib.h>

/** Below so many bytes of memory somebody forgot the unit. */
#define SMALL_MEMORY_DIGITS 6

/* One labels or annotations map. */
struct strings {
	const struct ifx_node *map;
	bool labels;
	struct strings *next;
};

struct run {
	struct ifx_cx *cx;
	struct strings *first, **link;
	const char *answer;
	bool answered;
	bool built; /* a kustomization lists the file */
};

/* ---- which maps ---- */

static void add_map(struct run *run, const struct ifx_node *metadata, ifx_str key, bool labels)
{
	bool direct;
	const struct ifx_entry *entry = ifx_map_find(metadata, key, &direct);
	const struct ifx_node *map = entry && direct ? ifx_deref(entry->value) : NULL;
	struct strings *s;

	if (!ifx_is(map, IFX_MAP))
		return;
	for (s = run->first; s; s = s->next)
		if (s->map == map)
			return;
	s = ifx_arena_alloc(ifx_cx_arena(run->cx), sizeof(*s));
	if (!s) {
		ifx_cx_failed(run->cx);
		return;
	}
	*s = (struct strings){ .map = map, .labels = labels };
	*run->link = s;
	run->link = &s->next;
}

static void add_metadata(struct run *run, const struct ifx_node *metadata)
{
	add_map(run, metadata, IFX_LIT("labels"), true);
	add_map(run, metadata, IFX_LIT("annotations"), false);
}

/* Own metadata, that of the pods, and what lies between (a CronJob's jobTemplate). */
static void add_resource(struct run *run, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	struct ifx_hit *hit;

	add_metadata(run, r->metadata);
	for (size_t i = 0; w && i < sizeof(w->inert) / sizeof(*w->inert) && w->inert[i]; i++) {
		if (!ifx_path_find(&hit, r->node, w->inert[i], ifx_cx_arena(run->cx)))
			ifx_cx_failed(run->cx);
		for (; hit; hit = hit->next)
			add_metadata(run, hit->node);
	}
	for (hit = ifx_pod_metadata(run->cx, r); hit; hit = hit->next)
		add_metadata(run, hit->node);
}

static bool is_ours(const struct run *run, const struct ifx_node *map)
{
	for (const struct strings *s = run->first; s; s = s->next)
		if (s->map == map)
			return true;
	return false;
}

/* ---- keys that are there twice: which of them counts depends on the reader ---- */

static int by_text(const void *a, const void *b)
{
	return ifx_str_cmp(*(const ifx_str *)a, *(const ifx_str *)b);
}

/* The keys of a map in order; NULL when there is no memory. */
static ifx_str *sorted_keys(struct run *run, const struct ifx_node *map, size_t *n)
{
	ifx_str *keys = ifx_arena_alloc(ifx_cx_arena(run->cx), (map->n + 1) * sizeof(*keys));

	*n = 0;
	if (!keys) {
		ifx_cx_failed(run->cx);
		return NULL;
	}
	for (const struct ifx_entry *e = map->first; e; e = e->next)
		if (ifx_is(e->key, IFX_SCALAR))
			keys[(*n)++] = ifx_text(e->key);
	qsort(keys, *n, sizeof(*keys), by_text);
	return keys;
}

static bool is_twice(const ifx_str *keys, size_t n, ifx_str key)
{
	const ifx_str *hit = keys ? bsearch(&key, keys, n, sizeof(*keys), by_text) : NULL;

	return hit && ((hit > keys && ifx_str_eq(hit[-1], key)) ||
		       (hit + 1 < keys + n && ifx_str_eq(hit[1], key)));
}

/* ---- what a value is ---- */

#define REFUSED "the API server refuses the object unless it is a string"
#define BUILT   "kustomize makes it a string, anything else does not"

/* A tag that makes something else than a string of it. Tags that go-yaml does not know leave a
 * string. */
static bool is_typed(ifx_str tag)
{
	static const char *const types[] = { "int", "float", "bool", "timestamp" };
	ifx_str name = tag;

	if (ifx_str_starts(tag, IFX_LIT("!!")))
		name = ifx_str_sub(tag, 2, tag.len - 2);
	else if (ifx_str_starts(tag, IFX_LIT("!<tag:yaml.org,2002:")) &&
		 tag.ptr[tag.len - 1] == '>')
		name = ifx_str_sub(tag, 20, tag.len - 21);
	else
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (ifx_str_eq(name, ifx_str_of(types[i])))
			return true;
	return false;
}

static ifx_str tag_of(const struct ifx_node *node)
{
	return ifx_str_sub(node->doc->src, node->tag.at, node->tag.len);
}

static bool is_not_string(const struct ifx_node *node)
{
	if (!ifx_is(node, IFX_SCALAR))
		return node != NULL;
	if (node->tag.len)
		return is_typed(tag_of(node));
	return node->style == IFX_PLAIN && !ifx_is_string(node) && !ifx_is_null(node);
}

/*
 * Is `word` what Istio reads where somebody wrote yes or no? Not where the key holds a name: a
 * network may be called `no`; and not on keys that only look like Istio's. A key in the wrong map
 * is still the key that was meant.
 */
static bool wants_word(const struct strings *s, ifx_str key, struct ifx_plain plain)
{
	const struct ifx_key_fact *fact =
		s->labels ? ifx_fact_label(key) : ifx_fact_annotation(key);

	if (!fact)
		fact = s->labels ? ifx_fact_annotation(key) : ifx_fact_label(key);
	if (!fact || !ifx_key_is_istio(key))
		return false;
	return plain.core_bool || fact->type == IFX_VALUE_BOOL_EXACT ||
	       fact->type == IFX_VALUE_BOOL_GO || fact->type == IFX_VALUE_BOOL_FOLD ||
	       fact->type == IFX_VALUE_PRESENCE;
}

/* ---- findings ---- */

/*
 * Words that are booleans to YAML 1.1 alone are strings to kustomize, which deploys them as they
 * are typed. What they start to say as another word is not ours to decide here (see inject-value).
 */
static struct ifx_fix *built_word(struct run *run, const struct strings *s,
				  const struct ifx_entry *e)
{
	struct ifx_fix *fix = ifx_find(
		run->cx, e->value, IFX_SAFE, IFX_WARNING,
		"%s '%.*s' is %.*s: kustomize makes it a string, YAML 1.1 a boolean; quoted it is a string everywhere",
		s->labels ? "label" : "annotation", IFX_ARG(ifx_text(e->key)),
		IFX_ARG(ifx_text(e->value)));

	ifx_fix_set(fix, e->value, ifx_text(e->value));
	return fix;
}

/* A question that `other` and `text` answer; the rule's third answer is for other values and leaves
 * it open. */
static void ask(struct run *run, struct ifx_fix *fix, const struct ifx_node *node,
		const char *other, const char *choices, ifx_str text)
{
	bool is_other = !strcmp(run->answer, other);

	fix->finding.choices = choices;
	ifx_answered(fix, run->answered && (is_other || !strcmp(run->answer, "text")));
	ifx_fix_set(fix, node, is_other ? text : ifx_text(node));
}

static struct ifx_fix *boolean(struct run *run, const struct strings *s, const struct ifx_entry *e,
			       struct ifx_plain plain)
{
	const struct ifx_node *node = e->value;
	const char *noun = s->labels ? "label" : "annotation";
	ifx_str key = ifx_text(e->key), text = ifx_text(node);
	ifx_str word = plain.truth ? IFX_LIT("true") : IFX_LIT("false");
	bool safe = plain.core_bool || wants_word(s, key, plain);
	struct ifx_fix *fix;

	if (plain.core_bool)
		fix = ifx_find(run->cx, node, IFX_SAFE, IFX_ERROR,
			       "%s '%.*s' is the boolean %.*s; " REFUSED, noun, IFX_ARG(key),
			       IFX_ARG(text));
	else
		fix = ifx_find(run->cx, node, safe ? IFX_SAFE : IFX_CHOICE, IFX_ERROR,
			       "%s '%.*s' is %.*s, which YAML reads as %.*s; " REFUSED, noun,
			       IFX_ARG(key), IFX_ARG(text), IFX_ARG(word));
	if (safe)
		ifx_fix_set(fix, node, wants_word(s, key, plain) ? word : text);
	else
		ask(run, fix, node, "word", "text|word", word);
	return fix;
}

static struct ifx_fix *number(struct run *run, const struct strings *s, const struct ifx_entry *e,
			      struct ifx_plain plain)
{
	const struct ifx_node *node = e->value;
	const char *noun = s->labels ? "label" : "annotation";
	ifx_str key = ifx_text(e->key), text = ifx_text(node);
	const struct ifx_key_fact *fact =
		s->labels ? ifx_fact_label(key) : ifx_fact_annotation(key);
	struct ifx_fix *fix;
	char value[64];

	if (plain.ambiguous && ifx_resolve_value(text, value, sizeof(value)) &&
	    !ifx_str_eq(text, ifx_str_of(value))) {
		fix = ifx_find(run->cx, node, IFX_CHOICE, IFX_ERROR,
			       "%s '%.*s' is %.*s, which YAML reads as the number %s; " REFUSED,
			       noun, IFX_ARG(key), IFX_ARG(text), value);
		ask(run, fix, node, "value", "text|value", ifx_str_of(value));
	} else {
		fix = ifx_find(run->cx, node, IFX_SAFE, IFX_ERROR,
			       "%s '%.*s' is the number %.*s; " REFUSED, noun, IFX_ARG(key),
			       IFX_ARG(text));
		ifx_fix_set(fix, node, text);
	}
	if (fact && fact->type == IFX_VALUE_QUANTITY &&
	    ifx_str_find(key, IFX_LIT("Memory")) != SIZE_MAX && plain.type == IFX_TYPE_INT &&
	    !plain.ambiguous && text.len <= SMALL_MEMORY_DIGITS)
		ifx_help(fix, "as a quantity %.*s is %.*s bytes; if Mi or Gi was meant, write it",
			 IFX_ARG(text), IFX_ARG(text));
	return fix;
}

/* Only a person can say what a map, a list or a tagged value is to become. */
static struct ifx_fix *other(struct run *run, const struct strings *s, const struct ifx_entry *e)
{
	const struct ifx_node *node = e->value;
	const char *noun = s->labels ? "label" : "annotation";
	ifx_str key = ifx_text(e->key);
	struct ifx_fix *fix;

	if (node->kind == IFX_ALIAS) {
		fix = ifx_find(
			run->cx, node, IFX_REPORT, IFX_ERROR,
			"%s '%.*s' is what the anchor '&%.*s' holds, and that is not a string; " REFUSED,
			noun, IFX_ARG(key), IFX_ARG(node->text));
		ifx_help(fix, "quote the value at the anchor, or write it out here");
	} else if (node->kind == IFX_SCALAR) {
		fix = ifx_find(run->cx, node, IFX_REPORT, IFX_ERROR,
			       "%s '%.*s' has the tag '%.*s'; " REFUSED, noun, IFX_ARG(key),
			       IFX_ARG(tag_of(node)));
		ifx_help(fix, "remove the tag and quote the value");
	} else {
		fix = ifx_find(run->cx, node, IFX_REPORT, IFX_ERROR, "%s '%.*s' is a %s; " REFUSED,
			       noun, IFX_ARG(key), node->kind == IFX_MAP ? "map" : "list");
		ifx_help(fix, "if its text is meant, put it in quotes or behind '|'");
	}
	return fix;
}

static void check_map(struct run *run, const struct strings *s)
{
	ifx_str *keys = NULL;
	size_t n = 0;

	for (const struct ifx_entry *e = s->map->first; e; e = e->next) {
		const struct ifx_node *value = ifx_deref(e->value);
		struct ifx_plain plain;
		struct ifx_fix *fix;

		if (!ifx_is(e->key, IFX_SCALAR) || !is_not_string(value))
			continue;
		/* Notes of the engine that calls us, which no cluster sees; not ours to change. */
		if (ifx_str_starts(ifx_text(e->key), IFX_LIT("internal.config.kubernetes.io/")))
			continue;
		/* `<<: *base`: what comes in through it is checked where it is written. */
		if (e->key->style == IFX_PLAIN && ifx_str_eq(ifx_text(e->key), IFX_LIT("<<")))
			continue;
		/* An anchor among these maps has a finding of its own. */
		if (value != e->value && value->entry && is_ours(run, value->entry->in))
			continue;
		if (value != e->value || value->kind != IFX_SCALAR || value->tag.len) {
			other(run, s, e);
			continue;
		}
		plain = ifx_resolve_plain(ifx_text(value));
		if (run->built && plain.type == IFX_TYPE_BOOL && !plain.core_bool)
			fix = built_word(run, s, e);
		else if (plain.type == IFX_TYPE_BOOL)
			fix = boolean(run, s, e, plain);
		else
			fix = number(run, s, e, plain);
		if (!keys)
			keys = sorted_keys(run, s->map, &n);
		if (is_twice(keys, n, ifx_text(e->key)))
			ifx_refuse(fix, "the key is there twice; remove one of them first");
	}
}

/* Does a kustomization of the input list the file? */
static bool is_built(struct ifx_cx *cx)
{
	const size_t *environments;
	size_t n = ifx_environments(cx, &environments);

	return n && environments[0] != 0;
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct run run = { .cx = cx };

	if (!ifx_is_kubernetes(r))
		return;
	run.link = &run.first;
	run.answer = ifx_chosen(cx, &run.answered);
	run.built = is_built(cx);
	add_resource(&run, r);
	for (const struct strings *s = run.first; s; s = s->next)
		check_map(&run, s);
}

static const struct ifx_answer answers[] = {
	{ "text", "quote what is written: 0777 becomes \"0777\", yes becomes \"yes\"" },
	{ "word", "booleans: yes, on and y become \"true\", no, off and n become \"false\"" },
	{ "value", "numbers: write what YAML reads, 0777 becomes \"511\"" },
	{ NULL, NULL },
};

const struct ifx_transform ifx_metadata_value_type = {
	.id = "metadata-value-type",
	.summary = "quote numbers and booleans in labels and annotations",
	.source = "https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/",
	.level = IFX_SAFE,
	.needles = (const char *const[]){ "labels", "annotations", NULL },
	.concerns = ifx_glance,
	.answers = answers,
	.run = run,
};
