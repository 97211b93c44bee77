/*
 * inject-value: injection switches with a value that is none of their two words.
 *
 *   sidecar.istio.io/inject, up to 1.26   y, yes, true, on in any case: yes
 *                                         nothing: as the namespace says
 *                                         all else: no
 *   sidecar.istio.io/inject, since 1.27   true: yes; false: no
 *                                         all else: as the namespace says
 *   istio-injection                       enabled: yes; all else: no
 *
 * What a value did and what it says need not be the same ("enabled" kept sidecars out up to 1.26).
 * Where they are, the value is written in the word that every version reads; else it is a question.
 */
#include "rule/injection.h"

#include "rule/field.h"
#include "rule/value.h"
#include "yaml/path.h"

/** The first release, 1.N, in which only true and false count. */
enum { STRICT_SINCE = 27 };

typedef enum { SAYS_NO, SAYS_YES, SAYS_NOTHING } meaning;

/* One value, and what is known about it. */
struct value {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	struct ifx_said said;
	const struct ifx_node *metadata;
	const char *key, *yes, *no;
	bool label, inert;
	bool bare;       /* but for quotes and blanks around it is one of the two words */
	meaning meaning; /* to a person */
	ifx_str shown;   /* for messages */
	const char *answer;
	bool answered;
};

/* ---- what a value says to a person ---- */

static bool is_one_of(ifx_str text, const char *const *words)
{
	for (; *words; words++)
		if (ifx_str_ieq(text, ifx_str_of(*words)))
			return true;
	return false;
}

/* Blanks and quotes, also those that word processors write. */
static ifx_str undecorated(ifx_str text)
{
	static const char *const marks[] = { " ",      "\t",     "\r",     "\n",     "\"",
					     "'",      "`",      "\u00a0", "\u3000", "\u201c",
					     "\u201d", "\u201e", "\u2018", "\u2019", "\u00b4",
					     "\u00ab", "\u00bb", "\u300c", "\u300d", NULL };
	bool again = true;

	while (again) {
		again = false;
		for (const char *const *m = marks; *m; m++) {
			ifx_str mark = ifx_str_of(*m);

			if (ifx_str_starts(text, mark)) {
				text = ifx_str_sub(text, mark.len, text.len - mark.len);
				again = true;
			}
			if (ifx_str_ends(text, mark)) {
				text.len -= mark.len;
				again = true;
			}
		}
	}
	return text;
}

static meaning meaning_of(ifx_str text)
{
	static const char *const yes[] = { "true", "yes",    "y",       "on", "t",
					   "1",    "enable", "enabled", NULL };
	static const char *const no[] = { "false", "no",      "n",        "off",   "f",
					  "0",     "disable", "disabled", "never", NULL };

	return is_one_of(text, yes) ? SAYS_YES : is_one_of(text, no) ? SAYS_NO : SAYS_NOTHING;
}

/* ---- sidecar.istio.io/inject ---- */

/* As Istio up to 1.26 took it; the empty value is not asked about. */
static bool old_yes(ifx_str text)
{
	static const char *const words[] = { "y", "yes", "true", "on", NULL };

	return is_one_of(text, words);
}

/* The CNI plugin asks strconv.ParseBool. */
static bool cni_takes_for_false(ifx_str text)
{
	static const struct ifx_key_fact go = { .name = "", .type = IFX_VALUE_BOOL_GO };

	return (text.ptr[0] == '0' || text.ptr[0] == 'f' || text.ptr[0] == 'F') &&
	       ifx_value_ok(&go, text, NULL);
}

static const char *noun_of(const struct value *v)
{
	return v->label ? "label" : "annotation";
}

static ifx_str word_of(const struct value *v)
{
	return ifx_str_of(v->meaning == SAYS_YES ? v->yes : v->no);
}

static bool is_editable(struct ifx_fix *fix, const struct value *v)
{
	return ifx_said_editable(fix, &v->said) &&
	       (!v->label || v->inert || ifx_pod_label_editable(fix, v->r, v->key));
}

static void set_word(struct ifx_fix *fix, const struct value *v, ifx_str word)
{
	if (is_editable(fix, v))
		ifx_fix_set(fix, v->said.entry->value, word);
}

/* The API server takes no label like this. */
static void refused_label(const struct value *v)
{
	ifx_level level = v->bare ? IFX_SAFE : IFX_REPAIR;
	struct ifx_fix *fix;

	if (v->meaning == SAYS_NOTHING) {
		fix = ifx_find(
			v->cx, v->said.value, IFX_REPORT, IFX_ERROR,
			"label '%s' is '%.*s', which no label can be: the API server refuses it",
			v->key, IFX_ARG(v->shown));
		ifx_help(fix, "write \"%s\" or \"%s\"", v->yes, v->no);
		return;
	}
	fix = ifx_find(
		v->cx, v->said.value, level, IFX_ERROR,
		"label '%s' is '%.*s', which no label can be: the API server refuses it; \"%.*s\" is meant",
		v->key, IFX_ARG(v->shown), IFX_ARG(word_of(v)));
	set_word(fix, v, word_of(v));
}

/* Does a yes in this label start injection that was not there? Without a label of the namespace it
 * does. */
static bool starts_injection(const struct value *v)
{
	ifx_injection_state state;

	if (!v->label || v->meaning != SAYS_YES)
		return false;
	state = ifx_injection_of(v->cx, v->r).state;
	return state == IFX_INJECTION_UNKNOWN || state == IFX_INJECTION_UNLABELLED;
}

#define ALSO_UNLABELLED ", also in a namespace that has no injection label"

/* What it did up to 1.26 is what it says. */
static void clear_word(const struct value *v)
{
	bool yes = v->meaning == SAYS_YES, starts;
	const char *did = yes ? "asked for a sidecar" : "kept the sidecar out";
	int minor = ifx_istio_minor(v->cx);
	struct ifx_fix *fix;

	if (v->inert) {
		fix = ifx_find(
			v->cx, v->said.value, IFX_SAFE, IFX_WARNING,
			"%s '%s' is '%.*s', where only true and false count; no pod gets it from here, and \"%.*s\" says what it means",
			noun_of(v), v->key, IFX_ARG(v->shown), IFX_ARG(word_of(v)));
	} else if (minor < STRICT_SINCE) {
		starts = starts_injection(v);
		fix = ifx_find(
			v->cx, v->said.value, starts ? IFX_REPAIR : IFX_SAFE, IFX_WARNING,
			"%s '%s' is '%.*s': Istio 1.%d takes it for %s, but since 1.27 only true and false count and the namespace decides; \"%.*s\" %s%s",
			noun_of(v), v->key, IFX_ARG(v->shown), minor, yes ? "true" : "false",
			IFX_ARG(word_of(v)),
			starts ? "asks for a sidecar in all versions"
			       : "is the same in all versions",
			starts ? ALSO_UNLABELLED : "");
	} else {
		fix = ifx_find(
			v->cx, v->said.value, IFX_REPAIR, IFX_WARNING,
			"%s '%s' is '%.*s', but since Istio 1.27 only true and false count and the namespace decides; up to 1.26 it %s, as \"%.*s\" does again%s",
			noun_of(v), v->key, IFX_ARG(v->shown), did, IFX_ARG(word_of(v)),
			yes && v->label ? ALSO_UNLABELLED : "");
		if (!yes && cni_takes_for_false(v->said.text))
			ifx_help(
				fix,
				"where there is a sidecar now, the CNI plugin takes '%.*s' for false and sends it no traffic",
				IFX_ARG(v->shown));
	}
	set_word(fix, v, word_of(v));
}

/* What Istio makes of the value today, without it. */
static void drop_value(struct ifx_fix *fix, const struct value *v)
{
	struct ifx_said other = ifx_said(v->metadata, v->label ? "annotations" : "labels", v->key);

	if (ifx_input_is_patch(v->cx)) {
		ifx_refuse(fix, "without it in the patch, the value of the patched object counts");
		return;
	}
	/* The label wins over the annotation even when it says nothing. */
	if (v->label && other.entry && ifx_said_editable(fix, &other))
		ifx_fix_remove(fix, other.entry);
	if (is_editable(fix, v))
		ifx_fix_remove(fix, v->said.entry);
}

/* It kept sidecars out up to 1.26, and says something else, or nothing. */
static void unclear_word(const struct value *v)
{
	bool intent = !strcmp(v->answer, "intent");
	int minor = ifx_istio_minor(v->cx);
	struct ifx_fix *fix;

	if (minor < STRICT_SINCE)
		fix = ifx_find(
			v->cx, v->said.value, IFX_CHOICE, IFX_WARNING,
			"%s '%s' is '%.*s': Istio 1.%d takes everything but y, yes, true and on for false%s; since 1.27 only true and false count and the namespace decides",
			noun_of(v), v->key, IFX_ARG(v->shown), minor,
			v->inert ? ", but no pod gets it from here" : " and injects no sidecar");
	else
		fix = ifx_find(
			v->cx, v->said.value, IFX_CHOICE, IFX_WARNING,
			"%s '%s' is '%.*s', but only true and false count%s; up to Istio 1.26 it meant false, whatever it seems to say",
			noun_of(v), v->key, IFX_ARG(v->shown),
			v->inert ? ", and no pod gets it from here"
				 : ": the namespace decides over the sidecar");
	fix->finding.choices = v->meaning == SAYS_YES ? "effect|intent" : "effect";
	ifx_answered(fix, v->answered);
	if (intent && v->meaning == SAYS_NOTHING)
		ifx_refuse(fix, "'%.*s' says neither yes nor no", IFX_ARG(v->shown));
	else if (intent || minor < STRICT_SINCE)
		set_word(fix, v, intent ? word_of(v) : ifx_str_of(v->no));
	else
		drop_value(fix, v);
}

static void empty_value(const struct value *v)
{
	ifx_injection_state state;
	struct ifx_said other = ifx_said(v->metadata, v->label ? "annotations" : "labels", v->key);
	struct ifx_fix *fix;

	/* In a patch a null takes the entry away from the object. */
	if (ifx_is_null(v->said.value) && ifx_input_is_patch(v->cx))
		return;
	state = v->label && !v->inert ? ifx_injection_of(v->cx, v->r).state : IFX_INJECTION_OFF;
	/*
	 * A label without a value still keeps the webhook away that injects into namespaces without
	 * a label, and the annotation from being read.
	 */
	if (other.entry || state == IFX_INJECTION_UNKNOWN || state == IFX_INJECTION_UNLABELLED ||
	    ifx_input_is_patch(v->cx)) {
		fix = ifx_find(
			v->cx, v->said.value, IFX_REPORT, IFX_WARNING,
			"%s '%s' is empty: it asks for nothing, the namespace decides over the sidecar",
			noun_of(v), v->key);
		ifx_help(fix, "write \"true\" or \"false\", or remove it");
		return;
	}
	fix = ifx_find(
		v->cx, v->said.value, IFX_SAFE, IFX_WARNING,
		"%s '%s' is empty: it asks for nothing, the namespace decides over the sidecar as it does without it",
		noun_of(v), v->key);
	if (is_editable(fix, v))
		ifx_fix_remove(fix, v->said.entry);
}

static bool fill(struct value *v)
{
	ifx_str text = v->said.text, bare;

	if (!text.ptr || ifx_says(&v->said, v->yes) || ifx_says(&v->said, v->no) ||
	    ifx_is_placeholder(text))
		return false;
	bare = undecorated(text);
	v->bare = ifx_str_eq(bare, ifx_str_of(v->yes)) || ifx_str_eq(bare, ifx_str_of(v->no));
	v->meaning = meaning_of(bare);
	v->shown = ifx_excerpt(v->cx, text);
	v->answer = ifx_chosen(v->cx, &v->answered);
	return true;
}

static void check_inject(struct value *v)
{
	if (!fill(v))
		return;
	if (!v->said.text.len)
		empty_value(v);
	else if (v->label && !ifx_is_label_value(v->said.text))
		refused_label(v);
	else if (v->meaning == (old_yes(v->said.text) ? SAYS_YES : SAYS_NO))
		clear_word(v);
	else
		unclear_word(v);
}

/* ---- istio-injection ---- */

static void check_injection(struct value *v)
{
	bool intent;
	struct ifx_fix *fix;

	if (!fill(v))
		return;
	/* In a patch a null takes the label away. */
	if (ifx_is_null(v->said.value) && ifx_input_is_patch(v->cx))
		return;
	if (!ifx_is_label_value(v->said.text)) {
		refused_label(v);
		return;
	}
	if (v->meaning == SAYS_NO || !v->said.text.len) {
		fix = ifx_find(
			v->cx, v->said.value, IFX_SAFE, IFX_WARNING,
			"label '%s' is %s%.*s%s: whatever is not enabled switches injection off, also for istio.io/rev and for pods that ask; \"disabled\" says so",
			v->key, v->said.text.len ? "'" : "empty", IFX_ARG(v->shown),
			v->said.text.len ? "'" : "");
		if (!v->said.text.len)
			ifx_help(fix, "if the namespace shall have no such label, remove it");
		set_word(fix, v, ifx_str_of(v->no));
		return;
	}
	intent = !strcmp(v->answer, "intent");
	fix = ifx_find(
		v->cx, v->said.value, IFX_CHOICE, IFX_WARNING,
		"label '%s' is '%.*s', but only enabled switches injection on: it is off in this namespace, also for istio.io/rev and for pods that ask%s",
		v->key, IFX_ARG(v->shown),
		v->meaning == SAYS_YES ? "; as \"enabled\" new pods get a sidecar" : "");
	fix->finding.choices = v->meaning == SAYS_YES ? "effect|intent" : "effect";
	ifx_answered(fix, v->answered);
	if (intent && v->meaning == SAYS_NOTHING)
		ifx_refuse(fix, "'%.*s' says neither enabled nor disabled", IFX_ARG(v->shown));
	else
		set_word(fix, v, ifx_str_of(intent ? v->yes : v->no));
}

/* ---- where they stand ---- */

static void check_metadata(struct ifx_cx *cx, const struct ifx_resource *r,
			   const struct ifx_hit *hit, bool inert)
{
	static const char *const maps[] = { "labels", "annotations" };

	for (int i = 0; i < 2; i++) {
		struct value v = { .cx = cx,
				   .r = r,
				   .metadata = hit->node,
				   .key = IFX_KEY_INJECT,
				   .yes = "true",
				   .no = "false",
				   .label = !i,
				   .inert = inert };

		v.said = ifx_said(hit->node, maps[i], v.key);
		v.said.direct = v.said.direct && hit->direct;
		/* Beside the label the annotation is not read; inject-annotation says so. */
		if (i && !inert && ifx_said(hit->node, maps[0], v.key).entry)
			continue;
		if (v.said.entry)
			check_inject(&v);
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	struct ifx_hit *hit;

	if (!r->group.len && ifx_str_eq(r->kind, IFX_LIT("Namespace"))) {
		struct value v = { .cx = cx,
				   .r = r,
				   .metadata = r->metadata,
				   .key = IFX_KEY_INJECTION,
				   .yes = "enabled",
				   .no = "disabled",
				   .label = true };

		v.said = ifx_said(r->metadata, "labels", v.key);
		if (v.said.entry)
			check_injection(&v);
		return;
	}
	for (hit = w ? ifx_pod_metadata(cx, r) : NULL; hit; hit = hit->next)
		check_metadata(cx, r, hit, false);
	for (size_t i = 0; w && i < sizeof(w->inert) / sizeof(*w->inert) && w->inert[i]; i++) {
		if (!ifx_path_find(&hit, r->node, w->inert[i], ifx_cx_arena(cx)))
			ifx_cx_failed(cx);
		for (; hit; hit = hit->next)
			check_metadata(cx, r, hit, true);
	}
}

static const struct ifx_answer answers[] = {
	{ "effect",
	  "keep what Istio makes of it: an inject value that it passes over goes (\"false\" up to 1.26), istio-injection becomes disabled" },
	{ "intent", "take it by its word: \"true\", or enabled" },
	{ NULL, NULL },
};

const struct ifx_transform ifx_inject_value = {
	.id = "inject-value",
	.summary = "write the words that Istio reads where injection is switched on and off",
	.source = "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/",
	.level = IFX_REPAIR,
	.needles = (const char *const[]){ IFX_KEY_INJECT, IFX_KEY_INJECTION, NULL },
	.answers = answers,
	.run = run,
};
