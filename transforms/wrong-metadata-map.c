/*
 * wrong-metadata-map: what Istio reads as a label is an annotation here, or the other way round;
 * or labels and annotations of a pod template stand beside its metadata.
 *
 *     kind: Namespace                       kind: Deployment
 *     metadata:                             spec:
 *       annotations:                          template:
 *         istio-injection: enabled              annotations: ...     <- no such field
 *                                               spec: ...
 *
 * `sidecar.istio.io/inject` and `istio.io/rev` are both, and other rules' business.
 */
#include "rule/transform.h"

#include "rule/injection.h"
#include "rule/strings.h"
#include "yaml/path.h"

static const struct ifx_answer answers[] = {
	{ "effect", "drop the entry that nothing reads; what counts today stays" },
	{ "written", "take what the entry says, which is perhaps the newer intent" },
	{ NULL, NULL },
};

/* A key that stands in the wrong map. */
struct spot {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	const struct ifx_metadata *metadata;
	const struct ifx_strings *from, *to; /* to: may be missing yet */
	const struct ifx_entry *entry;
	const struct ifx_key_fact *fact;
	ifx_str key;
};

/* ---- what is in the way ---- */

/* Labels that decide the same thing: with one of them there, another changes what runs. */
static const char *rival_of(const struct spot *s)
{
	static const char *const of_namespaces[] = { "istio-injection", "istio.io/rev",
						     "istio.io/dataplane-mode", NULL };
	static const char *const of_pods[] = { "sidecar.istio.io/inject", "istio.io/rev",
					       "istio.io/dataplane-mode", NULL };
	const char *const *rivals = s->metadata->role == IFX_ROLE_OWN ? of_namespaces : of_pods;
	bool concerned = false;

	for (size_t i = 0; rivals[i]; i++)
		concerned |= ifx_str_eq(s->key, ifx_str_of(rivals[i]));
	if (!s->to->labels || !concerned)
		return NULL;
	for (; *rivals; rivals++)
		if (!ifx_str_eq(s->key, ifx_str_of(*rivals)) &&
		    ifx_map_find(s->to->map, ifx_str_of(*rivals), NULL))
			return *rivals;
	return NULL;
}

/* ---- a key in the wrong map ---- */

static struct ifx_place place_of(const struct spot *s)
{
	ifx_str key = s->to->labels ? IFX_LIT("labels") : IFX_LIT("annotations");

	return ifx_place_of(s->metadata->node, &key, 1);
}

/* Why the maps cannot be edited, if so. */
static void refuse_move(struct ifx_fix *fix, const struct spot *s)
{
	ifx_refuse_indirect(fix, s->from);
	if (s->to->map)
		ifx_refuse_indirect(fix, s->to);
	if (s->metadata->role == IFX_ROLE_POD)
		ifx_pod_label_editable(fix, s->r, s->fact->name);
}

/* The right map has the key too. */
static void both(const struct spot *s, const struct ifx_entry *right, bool direct)
{
	const char *wrong_noun = ifx_strings_noun(s->from->labels);
	const char *noun = ifx_strings_noun(s->to->labels), *answer;
	ifx_str mine = ifx_entry_text(s->entry), theirs = ifx_entry_text(right);
	struct ifx_fix *fix;
	struct ifx_buf why;
	bool answered;

	ifx_buf_init(&why, 4096);
	if (mine.ptr && theirs.ptr && ifx_str_eq(mine, theirs)) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_SAFE, IFX_WARNING,
			"nothing reads '%.*s' as %s %s; the %s is there too and says the same",
			IFX_ARG(s->key), s->from->labels ? "a" : "an", wrong_noun, noun);
		ifx_fix_remove_duplicate(fix, s->entry, right);
	} else {
		answer = ifx_chosen(s->cx, &answered);
		fix = ifx_find(
			s->cx, s->entry->key, IFX_CHOICE, IFX_WARNING,
			"nothing reads '%.*s' as %s %s; the %s is there too and says '%.*s', here it is '%.*s'",
			IFX_ARG(s->key), s->from->labels ? "a" : "an", wrong_noun, noun,
			IFX_ARG(ifx_entry_shown(s->cx, right)),
			IFX_ARG(ifx_entry_shown(s->cx, s->entry)));
		ifx_answered(fix, answered);
		if (!strcmp(answer, "effect")) {
			ifx_fix_remove_duplicate(fix, s->entry, right);
		} else if (!ifx_value_usable(s->cx, s->fact, s->to->labels, s->entry->value,
					     &why)) {
			ifx_refuse(fix, "the value cannot be used: %.*s",
				   IFX_ARG(ifx_buf_str(&why)));
		} else {
			ifx_fix_set(fix, right->value, mine);
			ifx_fix_remove_duplicate(fix, s->entry, right);
		}
	}
	refuse_move(fix, s);
	if (!direct)
		ifx_refuse(fix, "the other one comes through a merge key");
	if (why.bad)
		ifx_cx_failed(s->cx);
	ifx_buf_release(&why);
}

static void one_key(const struct spot *s, ifx_fit fit)
{
	const char *noun = ifx_strings_noun(s->to->labels);
	const char *article = s->to->labels ? "a" : "an";
	const char *wrong_article = s->from->labels ? "a" : "an";
	const char *wrong_noun = ifx_strings_noun(s->from->labels);
	const char *rival = rival_of(s), *answer;
	ifx_str value = ifx_entry_text(s->entry);
	const struct ifx_entry *right;
	struct ifx_place place = place_of(s);
	struct ifx_buf why;
	struct ifx_fix *fix;
	bool direct, answered;

	right = ifx_map_find(s->to->map, s->key, &direct);
	if (right) {
		both(s, right, direct);
		return;
	}
	ifx_buf_init(&why, 4096);
	if (!ifx_value_usable(s->cx, s->fact, s->to->labels, s->entry->value, &why)) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			"'%.*s' is %s %s, and as %s %s nothing reads it; it cannot move with this value: %.*s",
			IFX_ARG(s->key), article, noun, wrong_article, wrong_noun,
			IFX_ARG(ifx_buf_str(&why)));
		ifx_help(fix, "correct the value, then it can be moved");
	} else if (s->from->labels && s->metadata->role == IFX_ROLE_POD &&
		   ifx_service_selects_by(s->cx, s->key)) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			"'%.*s' is %s %s, and as %s %s Istio does not read it, but a Service selects by it",
			IFX_ARG(s->key), article, noun, wrong_article, wrong_noun);
		ifx_help(fix, "add it to the annotations, and keep the label for the Service");
	} else if (rival) {
		answer = ifx_chosen(s->cx, &answered);
		fix = ifx_find(
			s->cx, s->entry->key, IFX_CHOICE, IFX_WARNING,
			"'%.*s' is %s %s, and as %s %s nothing reads it; moved, it would change what the label '%s' does today",
			IFX_ARG(s->key), article, noun, wrong_article, wrong_noun, rival);
		ifx_answered(fix, answered);
		if (!strcmp(answer, "effect"))
			ifx_fix_remove(fix, s->entry);
		else
			ifx_fix_move(fix, s->entry, &place, 1);
		refuse_move(fix, s);
	} else {
		fix = ifx_find(s->cx, s->entry->key, IFX_REPAIR, IFX_WARNING,
			       "'%.*s' is %s %s, and as %s %s nothing reads it; moved, %s%s",
			       IFX_ARG(s->key), article, noun, wrong_article, wrong_noun,
			       fit == IFX_FITS_PODS ? "it can go on into the pod template"
						    : ifx_key_effect(s->fact, s->to->labels,
								     s->metadata->role, value),
			       s->metadata->role == IFX_ROLE_POD ? ifx_rollout(s->r) : "");
		ifx_fix_move(fix, s->entry, &place, 1);
		refuse_move(fix, s);
	}
	if (why.bad)
		ifx_cx_failed(s->cx);
	ifx_buf_release(&why);
}

/* ---- istio-injection, which is for namespaces ---- */

static void stray_injection(const struct spot *s)
{
	const char *noun = ifx_strings_noun(s->from->labels);
	ifx_str value = ifx_entry_text(s->entry);
	bool workload = s->metadata->role != IFX_ROLE_OWN;
	bool on = ifx_str_eq(value, IFX_LIT("enabled")),
	     off = ifx_str_eq(value, IFX_LIT("disabled"));
	struct ifx_fix *fix;

	fix = ifx_find(
		s->cx, s->entry->key, IFX_REPORT,
		workload || !s->r->group.len ? IFX_WARNING : IFX_INFO,
		"'istio-injection' is a label of namespaces; as %s %s of a %.*s nothing reads it",
		s->from->labels ? "a" : "an", noun,
		IFX_ARG(ifx_role_name(s->r, s->metadata->role)));
	if (workload && (on || off))
		ifx_help(
			fix,
			"label the namespace, or for these pods alone write the label 'sidecar.istio.io/inject: \"%s\"'%s",
			on ? "true" : "false",
			s->metadata->role == IFX_ROLE_INERT ? " in the pod template" : "");
	else
		ifx_help(fix, "label the namespace");
}

/* Kinds whose labels become a namespace's. */
static bool is_namespace_like(const struct ifx_resource *r)
{
	return ifx_str_eq(r->kind, IFX_LIT("Namespace")) ||
	       ifx_str_eq(r->kind, IFX_LIT("Project")) ||
	       ifx_str_eq(r->kind, IFX_LIT("ProjectRequest"));
}

/* ---- all keys ---- */

static void see_key(struct spot *s)
{
	bool wrong = s->from->labels;
	ifx_fit fit;

	if (ifx_str_eq(s->key, IFX_LIT("istio-injection")) && !is_namespace_like(s->r)) {
		stray_injection(s);
		return;
	}
	if (ifx_fact_of(s->key, wrong))
		return;
	s->fact = ifx_fact_of(s->key, !wrong);
	if (!s->fact)
		return;
	fit = ifx_key_fit(s->fact, s->r, s->metadata->role);
	if (s->fact->flags & IFX_KEY_SYSTEM) {
		/* Labels that an installer writes are its own business. */
		if (wrong && fit != IFX_FITS_NOT && strcmp(s->fact->kinds, "Any") != 0)
			ifx_help(
				ifx_find(
					s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
					"'%.*s' is an annotation that Istio writes itself; as a label nothing reads it",
					IFX_ARG(s->key)),
				"remove it");
		return;
	}
	if (fit != IFX_FITS_NOT)
		one_key(s, fit);
}

static void see_metadata(struct spot *s)
{
	for (size_t i = 0; i < 2; i++) {
		s->from = &s->metadata->strings[i];
		s->to = &s->metadata->strings[1 - i];
		if (!s->from->map)
			continue;
		for (s->entry = s->from->map->first; s->entry; s->entry = s->entry->next) {
			s->key = ifx_istio_key(s->entry);
			if (s->key.ptr)
				see_key(s);
		}
	}
}

/* ---- maps beside the template's metadata ---- */

struct stray {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	const struct ifx_hit *pod; /* its metadata, or the place of it */
	const struct ifx_entry *entry;
	bool labels;
};

/* The first of Istio's keys in it; the map concerns us only then. */
static const struct ifx_entry *istio_entry(const struct ifx_node *map, bool labels)
{
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		ifx_str key = ifx_istio_key(e);

		if (key.ptr && ifx_fact_of(key, labels))
			return e;
	}
	return NULL;
}

/* A key whose value Istio would choke on; why says how. */
static const struct ifx_entry *harmful(const struct stray *s, struct ifx_buf *why)
{
	for (const struct ifx_entry *e = s->entry->value->first; e; e = e->next) {
		ifx_str key = ifx_istio_key(e);
		const struct ifx_key_fact *fact = key.ptr ? ifx_fact_of(key, s->labels) : NULL;

		if (fact && !ifx_value_usable(s->cx, fact, s->labels, e->value, why))
			return e;
	}
	return NULL;
}

/* Entries that the right map has too, with another value. */
static const struct ifx_entry *differing(const struct stray *s, const struct ifx_node *right)
{
	for (const struct ifx_entry *e = s->entry->value->first; e; e = e->next) {
		const struct ifx_entry *same = ifx_is(e->key, IFX_SCALAR)
						       ? ifx_map_find(right, ifx_text(e->key), NULL)
						       : NULL;
		ifx_str mine, theirs;

		if (!same)
			continue;
		mine = ifx_entry_text(e);
		theirs = ifx_entry_text(same);
		if (!mine.ptr || !theirs.ptr || !ifx_str_eq(mine, theirs))
			return e;
	}
	return NULL;
}

/* Into the metadata: the map as it is, or entry by entry where there is one. */
static void move_in(struct ifx_fix *fix, const struct stray *s, const struct ifx_entry *right,
		    bool written)
{
	ifx_str path[2] = { IFX_LIT("metadata"), ifx_text(s->entry->key) };
	struct ifx_place place = ifx_place_of(s->pod->parent, path, right ? 2 : 1);

	if (!right) {
		ifx_fix_move(fix, s->entry, &place, 1);
		return;
	}
	for (const struct ifx_entry *e = s->entry->value->first; e; e = e->next) {
		const struct ifx_entry *same =
			ifx_is(e->key, IFX_SCALAR)
				? ifx_map_entry(ifx_deref(right->value), ifx_text(e->key))
				: NULL;

		if (!same) {
			ifx_fix_move(fix, e, &place, 1);
			continue;
		}
		if (written && !ifx_str_eq(ifx_entry_text(e), ifx_entry_text(same)))
			ifx_fix_set(fix, same->value, ifx_entry_text(e));
		ifx_fix_remove_duplicate(fix, e, same);
	}
}

static void one_stray(const struct stray *s)
{
	ifx_str name = ifx_text(s->entry->key), what = ifx_role_name(s->r, IFX_ROLE_POD);
	const struct ifx_entry *bad, *differs, *right;
	const char *answer;
	bool answered, direct = true;
	struct ifx_buf why;
	struct ifx_fix *fix;

	right = ifx_map_find(s->pod->node, name, &direct);
	ifx_buf_init(&why, 4096);
	bad = harmful(s, &why);
	differs = right ? differing(s, ifx_deref(right->value)) : NULL;
	if (bad) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			"a %.*s has no field '%.*s', only its metadata has; it cannot move with this value of '%.*s': %.*s",
			IFX_ARG(what), IFX_ARG(name), IFX_ARG(ifx_text(bad->key)),
			IFX_ARG(ifx_buf_str(&why)));
		ifx_help(fix, "correct the value, then the map can be moved");
	} else if (differs) {
		answer = ifx_chosen(s->cx, &answered);
		fix = ifx_find(
			s->cx, s->entry->key, IFX_CHOICE, IFX_WARNING,
			"a %.*s has no field '%.*s', only its metadata has; that has another '%.*s'",
			IFX_ARG(what), IFX_ARG(name), IFX_ARG(ifx_text(differs->key)));
		ifx_answered(fix, answered);
		move_in(fix, s, right, !strcmp(answer, "written"));
	} else {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPAIR, IFX_WARNING,
			"a %.*s has no field '%.*s', only its metadata has; moved there, new pods get what is in it%s",
			IFX_ARG(what), IFX_ARG(name), ifx_rollout(s->r));
		move_in(fix, s, right, false);
	}
	if (!s->pod->direct || !direct)
		ifx_refuse(fix, "an alias or a merge key is on the way");
	if (why.bad)
		ifx_cx_failed(s->cx);
	ifx_buf_release(&why);
}

/* A template's metadata is its field `metadata`; Argo's podMetadata has no such neighbours. */
static bool is_template(const struct ifx_hit *pod)
{
	const struct ifx_entry *owner = pod->parent->entry;

	if (!ifx_str_eq(pod->key, IFX_LIT("metadata")))
		return false;
	return !owner || !owner->key || ifx_str_ends(ifx_text(owner->key), IFX_LIT("emplate"));
}

static void see_templates(struct ifx_cx *cx, const struct ifx_resource *r)
{
	static const char *const names[] = { "labels", "annotations" };

	for (const struct ifx_hit *pod = ifx_pod_metadata(cx, r); pod; pod = pod->next) {
		if (!is_template(pod))
			continue;
		for (size_t i = 0; i < 2; i++) {
			struct stray s = { .cx = cx, .r = r, .pod = pod, .labels = !i };

			s.entry = ifx_map_entry(pod->parent, ifx_str_of(names[i]));
			if (s.entry && ifx_is(s.entry->value, IFX_MAP) &&
			    istio_entry(s.entry->value, s.labels))
				one_stray(&s);
		}
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct spot spot = { .cx = cx, .r = r };

	if (!ifx_is_kubernetes(r))
		return;
	for (spot.metadata = ifx_metadata(cx, r); spot.metadata;
	     spot.metadata = spot.metadata->next)
		see_metadata(&spot);
	if (ifx_fact_workload(r->group, r->kind))
		see_templates(cx, r);
}

const struct ifx_transform ifx_wrong_metadata_map = {
	.id = "wrong-metadata-map",
	.summary =
		"labels written as annotations, and the other way round, move to where they are read",
	.source = "https://istio.io/latest/docs/reference/config/labels/",
	.level = IFX_REPAIR,
	.needles = (const char *const[]){ "istio.io/", "istio-injection", "istio-locality", NULL },
	.answers = answers,
	.run = run,
};
