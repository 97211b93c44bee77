/*
 * misplaced-annotation: a pod annotation on the workload's own metadata is read by nobody; pods get
 * the template's. The entry moves there, with its comments.
 */
#include "rule/transform.h"

#include "rule/strings.h"
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

/* What the pod templates say about a key. */
struct found {
	struct ifx_place places[PLACES_MAX]; /* that lack it */
	size_t n, n_pods;
	const struct ifx_entry *heir;  /* a template's annotation with the same value */
	const struct ifx_entry *label; /* a template's label of that name */
	const struct ifx_entry *others[PLACES_MAX]; /* templates' annotations with another value */
	size_t n_others;
	bool direct; /* nothing on the way that cannot be edited in place */
};

static void look(struct found *f, const struct ifx_entry *entry, const struct ifx_hit *pods)
{
	ifx_str key = ifx_text(entry->key), value = ifx_entry_text(entry);

	for (const struct ifx_hit *hit = pods; hit; hit = hit->next) {
		struct target t = target_of(hit, key);

		f->direct = f->direct && t.direct;
		if (++f->n_pods > PLACES_MAX)
			return;
		if (t.same && value.ptr && ifx_str_eq(ifx_entry_text(t.same), value))
			f->heir = t.same;
		else if (t.same)
			f->others[f->n_others++] = t.same;
		else if (t.label)
			f->label = t.label;
		else
			f->places[f->n++] = t.annotations;
	}
}

/* Another value in the template: which one is meant? */
static void ask(struct ifx_cx *cx, const struct ifx_resource *r, const struct ifx_entry *entry,
		const struct ifx_key_fact *fact, const struct found *f)
{
	ifx_str value = ifx_entry_text(entry);
	const struct ifx_entry *other = f->others[0];
	bool answered, outer;
	struct ifx_buf why;
	struct ifx_fix *fix = ifx_find(
		cx, entry->key, IFX_CHOICE, IFX_WARNING,
		"annotation '%s' has no effect on a %.*s; the pod template says '%.*s', here it is '%.*s'",
		fact->name, IFX_ARG(r->kind), IFX_ARG(ifx_entry_shown(cx, other)),
		IFX_ARG(ifx_entry_shown(cx, entry)));

	outer = !strcmp(ifx_chosen(cx, &answered), "outer");
	ifx_answered(fix, answered);
	ifx_buf_init(&why, 4096);
	if (outer && (!value.ptr || !ifx_value_usable(cx, fact, false, entry->value, &why)))
		ifx_refuse(fix, "the value cannot be used: %.*s", IFX_ARG(ifx_buf_str(&why)));
	ifx_buf_release(&why);
	for (size_t i = 0; outer && i < f->n_others; i++)
		ifx_fix_set(fix, f->others[i]->value, value);
	if (f->n)
		ifx_fix_move(fix, entry, f->places, f->n);
	else
		ifx_fix_remove_duplicate(fix, entry, other);
	if (!f->direct)
		ifx_refuse(fix, "an alias, a merge key or a key written twice is on the way");
}

/* Everywhere the same value, or the label, which wins over the annotation. */
static void drop(struct ifx_cx *cx, const struct ifx_resource *r, const struct ifx_entry *entry,
		 const struct ifx_key_fact *fact, const struct found *f)
{
	struct ifx_fix *fix = ifx_find(
		cx, entry->key, IFX_SAFE, IFX_WARNING,
		f->heir ? "annotation '%s' has no effect on a %.*s; the pod template has it already"
			: "annotation '%s' has no effect on a %.*s; the pod template has the label of that name, which wins",
		fact->name, IFX_ARG(r->kind));

	ifx_fix_remove_duplicate(fix, entry, f->heir ? f->heir : f->label);
	if (!f->direct)
		ifx_refuse(fix, "an alias, a merge key or a key written twice is on the way");
	if (!f->heir && !ifx_str_eq(ifx_entry_text(f->label), ifx_entry_text(entry)))
		ifx_help(fix, "the label says '%.*s'", IFX_ARG(ifx_entry_shown(cx, f->label)));
}

static void move(struct ifx_cx *cx, const struct ifx_resource *r, const struct ifx_entry *entry,
		 const struct ifx_key_fact *fact, const struct found *f)
{
	struct ifx_buf why;
	struct ifx_fix *fix;

	ifx_buf_init(&why, 4096);
	if (ifx_value_usable(cx, fact, false, entry->value, &why)) {
		fix = ifx_find(
			cx, entry->key, IFX_REPAIR, IFX_WARNING,
			"annotation '%s' has no effect on a %.*s; it belongs in the pod template: %s%s",
			fact->name, IFX_ARG(r->kind),
			ifx_key_effect(fact, false, IFX_ROLE_POD, ifx_entry_text(entry)),
			ifx_rollout(r));
		ifx_fix_move(fix, entry, f->places, f->n);
		if (!f->direct)
			ifx_refuse(fix,
				   "an alias, a merge key or a key written twice is on the way");
	} else {
		fix = ifx_find(
			cx, entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%s' has no effect on a %.*s, and its value would do harm in the pod template: %.*s",
			fact->name, IFX_ARG(r->kind), IFX_ARG(ifx_buf_str(&why)));
		ifx_help(fix, "correct the value, then it can be moved");
	}
	ifx_buf_release(&why);
}

static void one_annotation(struct ifx_cx *cx, const struct ifx_resource *r,
			   const struct ifx_entry *entry, const struct ifx_key_fact *fact,
			   const struct ifx_hit *pods, bool direct)
{
	struct found f = { .direct = direct };
	struct ifx_fix *fix;

	look(&f, entry, pods);
	if (!f.n_pods && ifx_input_is_patch(cx))
		f.n = places_in_patch(r, f.places);
	if (!f.n_pods && !f.n) {
		/* Part of an object, or the template is somewhere else (workloadRef). */
		fix = ifx_find(
			cx, entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%s' has no effect on a %.*s, and there is no pod template here to move it to",
			fact->name, IFX_ARG(r->kind));
		ifx_help(fix, "write it in the pod template's metadata");
	} else if (f.n_pods > PLACES_MAX) {
		ifx_find(
			cx, entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%s' has no effect on a %.*s; it has too many templates to move it",
			fact->name, IFX_ARG(r->kind));
	} else if (f.n_others) {
		ask(cx, r, entry, fact, &f);
	} else if (!f.n) {
		drop(cx, r, entry, fact, &f);
	} else {
		move(cx, r, entry, fact, &f);
	}
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

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	struct ifx_hit *hit;

	for (size_t i = 0; w && i < sizeof(w->inert) / sizeof(*w->inert) && w->inert[i]; i++) {
		if (!ifx_path_find(&hit, r->node, w->inert[i], ifx_cx_arena(cx)))
			ifx_cx_failed(cx);
		for (; hit; hit = hit->next) {
			const struct ifx_entry *owner;
			const struct ifx_node *map;
			const struct ifx_key_fact *fact;
			bool direct;

			owner = ifx_map_find(hit->node, IFX_LIT("annotations"), &direct);
			map = owner ? owner->value : NULL;
			/* Of two maps of that name only the last one counts, and which is meant is
			 * not ours to say. */
			if (owner && ifx_map_entry_after(owner, IFX_LIT("annotations")))
				direct = false;
			/* What stands behind an alias is reported where it stands. */
			if (!ifx_is(map, IFX_MAP))
				continue;
			for (const struct ifx_entry *e = map->first; e; e = e->next)
				if ((fact = pod_key(e)) != NULL)
					one_annotation(cx, r, e, fact,
						       ifx_pods_below(cx, r, hit->node),
						       direct && hit->direct);
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
