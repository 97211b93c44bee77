/*
 * misplaced-annotation: a pod annotation on the workload's own metadata is read by nobody; pods get
 * the template's. The entry moves there, with its comments.
 */
#include "rule/transform.h"

#include "rule/value.h"
#include "yaml/path.h"

/* The keys of the question; the first is what --level all takes. */
static const struct ifx_answer answers[] = {
	{ "template", "keep the template's value, which is what runs today" },
	{ "outer", "take the workload's value, which is perhaps the newer intent" },
	{ NULL, NULL },
};

enum { PLACES_MAX = 64 };

struct target {
	struct ifx_place annotations;  /* where the entry would go */
	const struct ifx_entry *same;  /* the template's annotation of that name */
	const struct ifx_entry *label; /* the template's label of that name */
	bool direct;                   /* not through an alias or a merge key */
};

static struct target target_of(const struct ifx_hit *hit, ifx_str key)
{
	struct target t = { .direct = hit->direct };
	ifx_str path[2] = { hit->key, IFX_LIT("annotations") };
	bool direct;

	t.annotations = ifx_place_of(hit->parent, path, 2);
	t.same = ifx_map_find(ifx_get(hit->node, IFX_LIT("annotations")), key, &direct);
	t.direct = t.direct && (!t.same || direct);
	t.label = ifx_map_find(ifx_get(hit->node, IFX_LIT("labels")), key, &direct);
	return t;
}

static ifx_str value_of(const struct ifx_entry *entry)
{
	const struct ifx_node *value = ifx_deref(entry->value);

	return value && value->kind == IFX_SCALAR ? ifx_text(value) : IFX_NONE;
}

/* Would Istio refuse or ignore the value? Then moving it would stop pods, or do nothing. */
static bool is_bad(struct ifx_cx *cx, const struct ifx_key_fact *fact, const struct ifx_node *value,
		   struct ifx_buf *why)
{
	ifx_str text, parse;

	value = ifx_deref(value);
	if (!ifx_is(value, IFX_SCALAR)) {
		ifx_buf_add(why, IFX_LIT("it is not a string"));
		return true;
	}
	if (!ifx_is_string(value) && !ifx_is_null(value)) {
		ifx_buf_add(why, IFX_LIT("it is not a string; quote it first"));
		return true;
	}
	text = ifx_is_null(value) ? IFX_LIT("") : ifx_text(value);
	if (fact->type == IFX_VALUE_PROXYCONFIG && text.len) {
		const struct ifx_doc *doc = ifx_embedded(cx, value, &parse);

		if (!doc) {
			ifx_buf_addf(why, "its text is %.*s", IFX_ARG(parse));
			return true;
		}
		if (doc->root && !ifx_is(doc->root, IFX_MAP) && !ifx_is_null(doc->root)) {
			ifx_buf_add(why, IFX_LIT("its text is not a map"));
			return true;
		}
	}
	return !ifx_value_ok(fact, text, why);
}

/* What starts to happen when the annotation arrives at the pods. */
static const char *effect_of(const struct ifx_key_fact *fact, ifx_str value)
{
	ifx_str key = ifx_str_of(fact->name);

	if (ifx_str_eq(key, IFX_LIT("sidecar.istio.io/inject")))
		return ifx_str_eq(value, IFX_LIT("false")) ? "new pods will get no sidecar"
		       : ifx_str_eq(value, IFX_LIT("true"))
			       ? "new pods will ask for a sidecar, where the namespace allows it"
			       : "new pods will follow the namespace";
	if (ifx_str_starts(key, IFX_LIT("sidecar.istio.io/proxyCPU")) ||
	    ifx_str_starts(key, IFX_LIT("sidecar.istio.io/proxyMemory")))
		return "new pods will get the proxy resources that these annotations say, and no defaults";
	if (ifx_str_eq(key, IFX_LIT("proxy.istio.io/config")))
		return "new pods will run the proxy with this configuration";
	if (ifx_str_starts(key, IFX_LIT("traffic.sidecar.istio.io/")))
		return "new pods will redirect traffic as it says";
	return "new pods will read it";
}

static const char *rollout_of(const struct ifx_resource *r)
{
	if (ifx_str_eq(r->kind, IFX_LIT("Job")))
		return "; the template of a Job that exists already cannot be changed";
	if (ifx_str_eq(r->kind, IFX_LIT("CronJob")))
		return "; from the next run on";
	return "; the next apply rolls out";
}

/*
 * In a kustomize patch the template may be missing: it is in the object that the patch is for. A
 * list on the way cannot be patched without its keys.
 */
static size_t places_in_patch(const struct ifx_resource *r, struct ifx_place *places)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	ifx_str keys[IFX_PLACE_DEPTH], rest = ifx_str_of(w->paths[0]);
	size_t n = 0;

	if (w->paths[1] || strstr(w->paths[0], "[]"))
		return 0;
	while (n < IFX_PLACE_DEPTH - 1 && ifx_str_split(&rest, '.', &keys[n]))
		n++;
	keys[n++] = IFX_LIT("annotations");
	places[0] = ifx_place_of(r->node, keys, n);
	return 1;
}

static void one_annotation(struct ifx_cx *cx, const struct ifx_resource *r,
			   const struct ifx_entry *entry, const struct ifx_key_fact *fact,
			   const struct ifx_hit *pods)
{
	struct ifx_place places[PLACES_MAX];
	const struct ifx_entry *heir = NULL, *label = NULL, *other = NULL;
	const struct ifx_entry *others[PLACES_MAX];
	size_t n = 0, n_others = 0, n_pods = 0;
	ifx_str key = ifx_text(entry->key), value = value_of(entry);
	ifx_str kind = r->kind;
	bool direct = true, answered = false;
	struct ifx_buf why;
	struct ifx_fix *fix;

	for (const struct ifx_hit *hit = pods; hit; hit = hit->next) {
		struct target t = target_of(hit, key);

		n_pods++;
		direct = direct && t.direct;
		if (t.same && value.ptr && ifx_str_eq(value_of(t.same), value)) {
			heir = t.same;
		} else if (t.same) {
			other = t.same;
			if (n_others < PLACES_MAX)
				others[n_others++] = t.same;
		} else if (t.label) {
			label = t.label;
		} else if (n < PLACES_MAX) {
			places[n++] = t.annotations;
		}
	}
	ifx_buf_init(&why, 4096);
	if (!n_pods && ifx_input_is_patch(cx))
		n = places_in_patch(r, places);
	if (!n_pods && !n) {
		/* Part of an object, or the template is somewhere else (workloadRef). */
		fix = ifx_find(
			cx, entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%.*s' has no effect on a %.*s, and there is no pod template here to move it to",
			IFX_ARG(key), IFX_ARG(kind));
		ifx_help(fix, "write it in the pod template's metadata");
	} else if (n_pods > PLACES_MAX) {
		ifx_find(
			cx, entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%.*s' has no effect on a %.*s; it has too many templates to move it",
			IFX_ARG(key), IFX_ARG(kind));
	} else if (other) {
		const char *answer = ifx_chosen(cx, &answered);
		bool outer = answer && !strcmp(answer, "outer");

		fix = ifx_find(
			cx, entry->key, IFX_CHOICE, IFX_WARNING,
			"annotation '%.*s' has no effect on a %.*s; the pod template says '%.*s', here it is '%.*s'",
			IFX_ARG(key), IFX_ARG(kind), IFX_ARG(value_of(other)), IFX_ARG(value));
		ifx_answered(fix, answered);
		if (outer && (!value.ptr || is_bad(cx, fact, entry->value, &why))) {
			ifx_refuse(fix, "the value cannot be used: %.*s",
				   IFX_ARG(ifx_buf_str(&why)));
		} else {
			for (size_t i = 0; outer && i < n_others; i++)
				ifx_fix_set(fix, others[i]->value, value);
			if (n)
				ifx_fix_move(fix, entry, places, n);
			else
				ifx_fix_remove_duplicate(fix, entry, other);
		}
		if (!direct)
			ifx_refuse(fix, "an alias or a merge key is on the way");
	} else if (!n) {
		/* Everywhere the same value, or the label, which wins over the annotation. */
		const struct ifx_entry *stays = heir ? heir : label;

		fix = ifx_find(
			cx, entry->key, IFX_SAFE, IFX_WARNING,
			heir ? "annotation '%.*s' has no effect on a %.*s; the pod template has it already"
			     : "annotation '%.*s' has no effect on a %.*s; the pod template has the label of that name, which wins",
			IFX_ARG(key), IFX_ARG(kind));
		if (stays->in->doc == entry->in->doc)
			ifx_fix_remove_duplicate(fix, entry, stays);
		if (!heir && !ifx_str_eq(value_of(label), value)) {
			/* The label decides today, and goes on to do so. */
			ifx_help(fix, "the label says '%.*s'", IFX_ARG(value_of(label)));
		}
	} else if (is_bad(cx, fact, entry->value, &why)) {
		fix = ifx_find(
			cx, entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%.*s' has no effect on a %.*s, and its value would do harm in the pod template: %.*s",
			IFX_ARG(key), IFX_ARG(kind), IFX_ARG(ifx_buf_str(&why)));
		ifx_help(fix, "correct the value, then it can be moved");
	} else {
		fix = ifx_find(
			cx, entry->key, IFX_REPAIR, IFX_WARNING,
			"annotation '%.*s' has no effect on a %.*s; it belongs in the pod template: %s%s",
			IFX_ARG(key), IFX_ARG(kind), effect_of(fact, value), rollout_of(r));
		ifx_fix_move(fix, entry, places, n);
		if (!direct)
			ifx_refuse(fix, "an alias or a merge key is on the way");
	}
	ifx_buf_release(&why);
}

/* Keys for pods alone, that a user writes. */
static const struct ifx_key_fact *pod_key(const struct ifx_entry *entry)
{
	const struct ifx_key_fact *fact;

	if (!ifx_is(entry->key, IFX_SCALAR))
		return NULL;
	fact = ifx_fact_annotation(ifx_text(entry->key));
	if (!fact || !ifx_fact_pod_only(fact) || fact->flags & IFX_KEY_SYSTEM)
		return NULL;
	return fact;
}

/*
 * Pods that a piece of metadata was meant for: those of the object it stands in. For the workload
 * that is all of them, for one job of a JobSet only its own. A Workflow has one podMetadata for all
 * of its pods; its templates' own metadata is for exceptions.
 */
static struct ifx_hit *pods_below(struct ifx_cx *cx, const struct ifx_resource *r,
				  const struct ifx_node *metadata)
{
	const struct ifx_node *owner = metadata->entry ? metadata->entry->in : r->node;
	struct ifx_hit *pods = ifx_pod_metadata(cx, r), *all = pods, **link = &pods;

	if (pods && ifx_str_eq(pods->key, IFX_LIT("podMetadata"))) {
		pods->next = NULL;
		return pods;
	}
	for (struct ifx_hit *p = all; p; p = p->next) {
		size_t at = p->parent->span.at;

		if (at >= owner->span.at && at < owner->span.at + owner->span.len) {
			*link = p;
			link = &p->next;
		}
	}
	*link = NULL;
	return pods;
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	struct ifx_hit *hit;

	for (size_t i = 0; w && i < sizeof(w->inert) / sizeof(*w->inert) && w->inert[i]; i++) {
		if (!ifx_path_find(&hit, r->node, w->inert[i], ifx_cx_arena(cx)))
			ifx_cx_failed(cx);
		for (; hit; hit = hit->next) {
			const struct ifx_node *map = ifx_get(hit->node, IFX_LIT("annotations"));
			const struct ifx_key_fact *fact;

			if (!ifx_is(map, IFX_MAP))
				continue;
			for (const struct ifx_entry *e = map->first; e; e = e->next)
				if ((fact = pod_key(e)) != NULL)
					one_annotation(cx, r, e, fact,
						       pods_below(cx, r, hit->node));
		}
	}
}

static const char *const needles[] = { "istio.io", NULL };

const struct ifx_transform ifx_misplaced_annotation = {
	.id = "misplaced-annotation",
	.ist = "IST0107",
	.summary = "pod annotations on the workload's own metadata move into the pod template",
	.source = "https://istio.io/latest/docs/reference/config/analysis/ist0107/",
	.level = IFX_REPAIR,
	.needles = needles,
	.answers = answers,
	.run = run,
};
