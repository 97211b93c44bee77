/*
 * misplaced-label: a label that Istio reads on pods stands on the workload's own metadata, where no
 * pod gets it. Two sorts of them:
 *
 *   switches   sidecar.istio.io/inject, istio.io/dataplane-mode, istio.io/use-waypoint, ...
 *              Nobody groups Deployments by them: the label moves into the template.
 *   names      service.istio.io/..., topology.istio.io/..., istio-locality
 *              They describe, and `kubectl get -l` may ask the workload for them: the label is
 *              written in the template too, and stays. On both with one value all is well.
 *
 * Selectors are never touched; a label that the workload's selector names is left to its author.
 * `istio.io/rev` on a workload tells who owns it, and what installers write is theirs.
 */
#include "rule/transform.h"

#include "rule/inert.h"
#include "rule/injection.h"
#include "rule/strings.h"
#include "yaml/path.h"

static const struct ifx_answer answers[] = {
	{ "template", "keep the template's value, which is what runs today" },
	{ "outer", "take the workload's value, which is perhaps the newer intent" },
	{ NULL, NULL },
};

enum { PLACES_MAX = 64 };

/* A label in its wrong place, and what the templates have. */
struct spot {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	const struct ifx_node *metadata;
	const struct ifx_strings *labels;
	const struct ifx_hit *pods;
	const struct ifx_entry *entry;
	const struct ifx_key_fact *fact;
	ifx_str key, value;
	bool is_name;
	size_t n_pods, n, n_others;
	struct ifx_place places[PLACES_MAX];        /* of templates that lack it */
	const struct ifx_entry *others[PLACES_MAX]; /* labels with another value */
	const struct ifx_entry *same;               /* a label with this value */
	const struct ifx_entry
		*annotation; /* of that name, with another value: the label would win */
	bool direct;
};

/* Labels that describe a workload, as opposed to those that switch something. */
static bool is_name(ifx_str key)
{
	return ifx_str_starts(key, IFX_LIT("service.istio.io/")) ||
	       ifx_str_starts(key, IFX_LIT("topology.istio.io/")) ||
	       ifx_str_eq(key, IFX_LIT("istio-locality"));
}

/* A pod label that people write. */
static const struct ifx_key_fact *pod_label(ifx_str key, const struct ifx_resource *r)
{
	const struct ifx_key_fact *fact = ifx_fact_label(key);

	if (!fact || fact->flags & IFX_KEY_SYSTEM || ifx_str_eq(key, IFX_LIT("istio.io/rev")))
		return NULL;
	return ifx_key_fit(fact, r, IFX_ROLE_INERT) == IFX_FITS_PODS ? fact : NULL;
}

static void see_pod(struct spot *s, const struct ifx_hit *pod)
{
	ifx_str path[2] = { pod->key, IFX_LIT("labels") };
	const struct ifx_entry *label, *annotation;
	bool direct = true;

	s->n_pods++;
	s->direct = s->direct && pod->direct;
	label = ifx_map_find(ifx_get(pod->node, IFX_LIT("labels")), s->key, &direct);
	if (label && s->value.ptr && ifx_str_eq(ifx_entry_text(label), s->value)) {
		s->same = label;
	} else if (label) {
		s->direct = s->direct && direct;
		if (s->n_others < PLACES_MAX)
			s->others[s->n_others++] = label;
	} else {
		annotation = ifx_map_find(ifx_get(pod->node, IFX_LIT("annotations")), s->key, NULL);
		if (annotation && !ifx_str_eq(ifx_entry_text(annotation), s->value))
			s->annotation = annotation;
		if (s->n < PLACES_MAX)
			s->places[s->n++] = ifx_place_of(pod->parent, path, 2);
	}
}

/*
 * In a kustomize patch the template may be missing: it is in the object that the patch is for. A
 * list on the way cannot be patched without its keys.
 */
static void place_in_patch(struct spot *s)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(s->r->group, s->r->kind);
	ifx_str keys[IFX_PLACE_DEPTH], rest = ifx_str_of(w->paths[0]);
	size_t n = 0;

	if (w->paths[1] || strstr(w->paths[0], "[]"))
		return;
	while (n < IFX_PLACE_DEPTH - 1 && ifx_str_split(&rest, '.', &keys[n]))
		n++;
	keys[n++] = IFX_LIT("labels");
	s->places[0] = ifx_place_of(s->r->node, keys, n);
	s->n = 1;
}

/* The label comes to the templates that lack it. */
static void bring(struct ifx_fix *fix, const struct spot *s)
{
	if (!s->is_name) {
		ifx_fix_move(fix, s->entry, s->places, s->n);
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		ifx_fix_insert(fix, s->places[i], s->key, s->value);
}

/* Why the labels of the template cannot be edited, if so. */
static void refuse_edit(struct ifx_fix *fix, const struct spot *s)
{
	ifx_refuse_indirect(fix, s->labels);
	if (!s->direct)
		ifx_refuse(fix, "an alias or a merge key is on the way");
	ifx_pod_label_editable(fix, s->r, s->fact->name);
}

/* The label is about to get to the pods: what stands closer has to be there first. */
static void refuse_for_nearer(struct ifx_fix *fix, const struct spot *s)
{
	struct ifx_twin twin = ifx_twin_nearer(s->cx, s->r, s->metadata, s->entry, true);

	if (twin.entry)
		ifx_refuse(fix,
			   "it stands nearer to the pods as well, in %.*s; that one goes first",
			   IFX_ARG(twin.path));
}

/*
 * Other metadata says something else to the same pods, and none of both reaches them. An annotation
 * beside the label loses, as it would on the pods. True: reported.
 */
static bool contradicts(const struct spot *s)
{
	struct ifx_twin twin = ifx_twin_differs(s->cx, s->r, s->metadata, s->entry, true);
	bool label = twin.entry != NULL;
	struct ifx_fix *fix;

	if (!label && ifx_fact_annotation(s->key) &&
	    !ifx_get(ifx_get(s->metadata, IFX_LIT("annotations")), s->key))
		twin = ifx_twin_differs(s->cx, s->r, s->metadata, s->entry, false);
	if (!twin.entry)
		return false;
	fix = ifx_find(
		s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
		"label '%.*s' has no effect on a %.*s; here it is '%.*s', but '%.*s' in %.*s, for the same pods",
		IFX_ARG(s->key), IFX_ARG(s->r->kind), IFX_ARG(ifx_entry_shown(s->cx, s->entry)),
		IFX_ARG(ifx_entry_shown(s->cx, twin.entry)), IFX_ARG(twin.path));
	ifx_help(fix, "keep one of them");
	return true;
}

/* Everywhere the same value. */
static void duplicate(const struct spot *s)
{
	struct ifx_fix *fix;

	if (s->is_name)
		return;
	fix = ifx_find(s->cx, s->entry->key, IFX_SAFE, IFX_INFO,
		       "label '%.*s' has no effect on a %.*s; the pod template has it already",
		       IFX_ARG(s->key), IFX_ARG(s->r->kind));
	ifx_fix_remove_duplicate(fix, s->entry, s->same);
	ifx_refuse_indirect(fix, s->labels);
}

/* A template says something else, in a label or in an annotation that the label would beat. */
static void differs(const struct spot *s, struct ifx_buf *why)
{
	const struct ifx_entry *other = s->n_others ? s->others[0] : s->annotation;
	bool answered;
	const char *answer = ifx_chosen(s->cx, &answered);
	struct ifx_fix *fix;

	if (strcmp(answer, "template") != 0 && contradicts(s))
		return;
	fix = ifx_find(
		s->cx, s->entry->key, IFX_CHOICE, IFX_WARNING,
		"label '%.*s' has no effect on a %.*s; the pod template's %s says '%.*s', here it is '%.*s'",
		IFX_ARG(s->key), IFX_ARG(s->r->kind), s->n_others ? "label" : "annotation",
		IFX_ARG(ifx_entry_shown(s->cx, other)), IFX_ARG(ifx_entry_shown(s->cx, s->entry)));
	ifx_answered(fix, answered);
	if (!strcmp(answer, "template")) {
		ifx_fix_remove_duplicate(fix, s->entry, other);
		ifx_refuse_indirect(fix, s->labels);
		return;
	}
	if (!ifx_value_usable(s->cx, s->fact, true, s->entry->value, why)) {
		ifx_refuse(fix, "the value cannot be used: %.*s", IFX_ARG(ifx_buf_str(why)));
	} else {
		for (size_t i = 0; i < s->n_others; i++)
			ifx_fix_set(fix, s->others[i]->value, s->value);
		if (s->n)
			bring(fix, s);
		else if (!s->is_name)
			ifx_fix_remove_duplicate(fix, s->entry, other);
	}
	refuse_for_nearer(fix, s);
	refuse_edit(fix, s);
}

static void lacks(const struct spot *s, struct ifx_buf *why)
{
	struct ifx_fix *fix;

	if (contradicts(s))
		return;
	if (!ifx_value_usable(s->cx, s->fact, true, s->entry->value, why)) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			"label '%.*s' has no effect on a %.*s, and it cannot move into the pod template with this value: %.*s",
			IFX_ARG(s->key), IFX_ARG(s->r->kind), IFX_ARG(ifx_buf_str(why)));
		ifx_help(fix, "correct the value, then it can be moved");
		return;
	}
	fix = ifx_find(s->cx, s->entry->key, IFX_REPAIR, IFX_WARNING,
		       "label '%.*s' has no effect on a %.*s; it belongs %s the pod template: %s%s",
		       IFX_ARG(s->key), IFX_ARG(s->r->kind), s->is_name ? "also in" : "in",
		       ifx_effect_on_pods(s->fact, true, s->value, s->pods), ifx_rollout(s->r));
	bring(fix, s);
	refuse_for_nearer(fix, s);
	refuse_edit(fix, s);
}

static void one_label(struct spot *s)
{
	struct ifx_fix *fix;
	struct ifx_buf why;

	for (const struct ifx_hit *pod = s->pods; pod; pod = pod->next)
		see_pod(s, pod);
	if (!s->n_pods && ifx_input_is_patch(s->cx))
		place_in_patch(s);
	ifx_buf_init(&why, 4096);
	if (!s->n_pods && !s->n) {
		/* Part of an object, or the template is somewhere else (workloadRef). */
		if (s->is_name)
			goto out;
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			"label '%.*s' has no effect on a %.*s, and there is no pod template here to move it to",
			IFX_ARG(s->key), IFX_ARG(s->r->kind));
		ifx_help(fix, "write it in the pod template's labels");
	} else if (s->n_pods > PLACES_MAX) {
		ifx_find(
			s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			"label '%.*s' has no effect on a %.*s; it has too many templates to move it",
			IFX_ARG(s->key), IFX_ARG(s->r->kind));
	} else if (s->n_others || s->annotation) {
		differs(s, &why);
	} else if (!s->n) {
		duplicate(s);
	} else {
		lacks(s, &why);
	}
out:
	if (why.bad)
		ifx_cx_failed(s->cx);
	ifx_buf_release(&why);
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	if (!ifx_fact_workload(r->group, r->kind))
		return;
	for (const struct ifx_metadata *m = ifx_metadata(cx, r); m; m = m->next) {
		if (m->role != IFX_ROLE_INERT || !m->strings[0].map)
			continue;
		for (const struct ifx_entry *e = m->strings[0].map->first; e; e = e->next) {
			ifx_str key = ifx_istio_key(e);
			const struct ifx_key_fact *fact = key.ptr ? pod_label(key, r) : NULL;
			struct spot s = { .cx = cx,
					  .r = r,
					  .metadata = m->node,
					  .labels = &m->strings[0],
					  .entry = e,
					  .fact = fact,
					  .key = key,
					  .direct = true };

			if (!fact)
				continue;
			s.value = ifx_entry_text(e);
			s.is_name = is_name(key);
			s.pods = ifx_pods_below(cx, r, m->node);
			one_label(&s);
		}
	}
}

const struct ifx_transform ifx_misplaced_label = {
	.id = "misplaced-label",
	.summary = "pod labels on the workload's own metadata come into the pod template",
	.source = "https://istio.io/latest/docs/reference/config/labels/",
	.level = IFX_REPAIR,
	.needles = (const char *const[]){ "istio.io/", "istio-locality", NULL },
	.answers = answers,
	.run = run,
};
