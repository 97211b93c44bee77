/*
 * misplaced-annotation: a pod annotation on the workload's own metadata is read by nobody; pods get
 * the template's. The entry moves there, with its comments.
 */
#include "rule/transform.h"

#include "rule/inert.h"
#include "rule/injection.h"
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

/* Will misplaced-label bring a label of that name to the pods? */
static bool label_moves(const struct ifx_resource *r, ifx_str key)
{
	const struct ifx_key_fact *fact = ifx_fact_label(key);

	return fact && !(fact->flags & IFX_KEY_SYSTEM) && !ifx_str_eq(key, IFX_LIT(IFX_KEY_REV)) &&
	       ifx_key_fit(fact, r, IFX_ROLE_INERT) == IFX_FITS_PODS;
}

/* The value is about to get to the pods: what stands closer, or wins, has to be there first. */
static void refuse_for_others(struct ifx_fix *fix, struct ifx_cx *cx, const struct ifx_resource *r,
			      const struct ifx_entry *entry, const struct ifx_node *metadata)
{
	ifx_str key = ifx_text(entry->key);
	struct ifx_twin twin = ifx_twin_nearer(cx, r, metadata, entry, false);

	if (twin.entry)
		ifx_refuse(fix,
			   "it stands nearer to the pods as well, in %.*s; that one goes first",
			   IFX_ARG(twin.path));
	if (!label_moves(r, key))
		return;
	if (ifx_get(ifx_get(metadata, IFX_LIT("labels")), key))
		ifx_refuse(fix, "the label of that name beside it goes first");
	twin = ifx_twin_any(cx, r, metadata, entry, true);
	if (twin.entry)
		ifx_refuse(fix, "the label of that name in %.*s goes first", IFX_ARG(twin.path));
}

/* Other metadata says something else to the same pods, and none of both reaches them. */
static struct ifx_twin contradiction(struct ifx_cx *cx, const struct ifx_resource *r,
				     const struct ifx_entry *entry, const struct ifx_node *metadata)
{
	struct ifx_twin twin = ifx_twin_differs(cx, r, metadata, entry, false);

	if (!twin.entry && label_moves(r, ifx_text(entry->key)) &&
	    !ifx_get(ifx_get(metadata, IFX_LIT("labels")), ifx_text(entry->key)))
		twin = ifx_twin_differs(cx, r, metadata, entry, true);
	return twin;
}

static void contradicts(struct ifx_cx *cx, const struct ifx_resource *r,
			const struct ifx_entry *entry, const struct ifx_key_fact *fact,
			const struct ifx_twin *twin)
{
	struct ifx_fix *fix = ifx_find(
		cx, entry->key, IFX_REPORT, IFX_WARNING,
		"annotation '%s' has no effect on a %.*s; here it is '%.*s', but '%.*s' in %.*s, for the same pods",
		fact->name, IFX_ARG(r->kind), IFX_ARG(ifx_entry_shown(cx, entry)),
		IFX_ARG(ifx_entry_shown(cx, twin->entry)), IFX_ARG(twin->path));

	ifx_help(fix, "keep one of them");
}

/*
 * One of these on a pod, and the proxy has no default resources any more: they come together or not
 * at all.
 */
static const char *const resource_keys[] = {
	"sidecar.istio.io/proxyCPU",
	"sidecar.istio.io/proxyCPULimit",
	"sidecar.istio.io/proxyMemory",
	"sidecar.istio.io/proxyMemoryLimit",
};

enum { RESOURCE_KEYS = sizeof(resource_keys) / sizeof(*resource_keys) };

/* Why an entry cannot move: a clause that follows "whose value", in `why`. */
static bool is_stuck(struct ifx_cx *cx, const struct ifx_resource *r, const struct ifx_entry *entry,
		     const struct ifx_key_fact *fact, const struct ifx_node *metadata,
		     struct ifx_buf *why)
{
	struct ifx_twin twin;
	struct ifx_buf clause;

	if (entry->value && entry->value->kind == IFX_ALIAS) {
		ifx_buf_add(why, IFX_LIT("is an alias"));
	} else if (entry->value && entry->value->anchor.len) {
		ifx_buf_add(why, IFX_LIT("has an anchor"));
	} else if (ifx_map_entry_after(entry, ifx_text(entry->key))) {
		ifx_buf_add(why, IFX_LIT("is written twice"));
	} else if ((twin = contradiction(cx, r, entry, metadata)).entry) {
		ifx_buf_addf(why, "is another one in %.*s", IFX_ARG(twin.path));
	} else {
		ifx_buf_init(&clause, 4096);
		if (!ifx_value_usable(cx, fact, false, entry->value, &clause))
			ifx_buf_addf(why, "cannot be used: %.*s", IFX_ARG(ifx_buf_str(&clause)));
		if (clause.bad)
			ifx_cx_failed(cx);
		ifx_buf_release(&clause);
	}
	return ifx_buf_str(why).len != 0;
}

/* Of the resources beside this one, the first that has to stay; NULL: all can go. */
static const char *resource_that_stays(struct ifx_cx *cx, const struct ifx_resource *r,
				       const struct ifx_entry *entry,
				       const struct ifx_node *metadata, struct ifx_buf *why)
{
	ifx_str key = ifx_text(entry->key);
	bool is_one = false;

	for (size_t i = 0; i < RESOURCE_KEYS; i++)
		is_one = is_one || ifx_str_eq(key, ifx_str_of(resource_keys[i]));
	for (size_t i = 0; is_one && i < RESOURCE_KEYS; i++) {
		ifx_str name = ifx_str_of(resource_keys[i]);
		const struct ifx_entry *other = ifx_map_entry(entry->in, name);

		if (other && !ifx_str_eq(name, key) &&
		    is_stuck(cx, r, other, ifx_fact_annotation(name), metadata, why))
			return resource_keys[i];
	}
	return NULL;
}

/* Another value in the template: which one is meant? */
static void ask(struct ifx_cx *cx, const struct ifx_resource *r, const struct ifx_entry *entry,
		const struct ifx_key_fact *fact, const struct found *f,
		const struct ifx_node *metadata)
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
	if (outer || f->n)
		refuse_for_others(fix, cx, r, entry, metadata);
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
		 const struct ifx_key_fact *fact, const struct found *f,
		 const struct ifx_node *metadata, const struct ifx_hit *pods)
{
	struct ifx_buf why;
	struct ifx_fix *fix;
	const char *other;

	ifx_buf_init(&why, 4096);
	if (!ifx_value_usable(cx, fact, false, entry->value, &why)) {
		fix = ifx_find(
			cx, entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%s' has no effect on a %.*s, and its value would do harm in the pod template: %.*s",
			fact->name, IFX_ARG(r->kind), IFX_ARG(ifx_buf_str(&why)));
		ifx_help(fix, "correct the value, then it can be moved");
	} else if ((other = resource_that_stays(cx, r, entry, metadata, &why)) != NULL) {
		fix = ifx_find(
			cx, entry->key, IFX_REPORT, IFX_WARNING,
			"annotation '%s' has no effect on a %.*s; it moves only together with '%s', whose value %.*s",
			fact->name, IFX_ARG(r->kind), other, IFX_ARG(ifx_buf_str(&why)));
		ifx_help(fix, "one of them alone takes all default resources from the proxy");
	} else {
		fix = ifx_find(
			cx, entry->key, IFX_REPAIR, IFX_WARNING,
			"annotation '%s' has no effect on a %.*s; it belongs in the pod template: %s%s",
			fact->name, IFX_ARG(r->kind),
			ifx_effect_on_pods(fact, false, ifx_entry_text(entry), pods),
			ifx_rollout(r));
		ifx_fix_move(fix, entry, f->places, f->n);
		refuse_for_others(fix, cx, r, entry, metadata);
		if (!f->direct)
			ifx_refuse(fix,
				   "an alias, a merge key or a key written twice is on the way");
	}
	if (why.bad)
		ifx_cx_failed(cx);
	ifx_buf_release(&why);
}

static void one_annotation(struct ifx_cx *cx, const struct ifx_resource *r,
			   const struct ifx_entry *entry, const struct ifx_key_fact *fact,
			   const struct ifx_node *metadata, bool direct)
{
	const struct ifx_hit *pods = ifx_pods_below(cx, r, metadata);
	struct found f = { .direct = direct };
	struct ifx_twin twin = { NULL, IFX_NONE };
	struct ifx_fix *fix;
	bool answered;

	look(&f, entry, pods);
	if (!f.n_pods && ifx_input_is_patch(cx))
		f.n = places_in_patch(r, f.places);
	if (f.n || (f.n_others && !strcmp(ifx_chosen(cx, &answered), "outer")))
		twin = contradiction(cx, r, entry, metadata);
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
	} else if (twin.entry) {
		contradicts(cx, r, entry, fact, &twin);
	} else if (f.n_others) {
		ask(cx, r, entry, fact, &f, metadata);
	} else if (!f.n) {
		drop(cx, r, entry, fact, &f);
	} else {
		move(cx, r, entry, fact, &f, metadata, pods);
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

/*
 * A key that the catalogue knows for other objects. istioctl looks at pods, at Namespaces and at
 * Services; what a workload's own metadata is for is seen as well.
 */
static void elsewhere(struct ifx_cx *cx, const struct ifx_resource *r, const struct ifx_metadata *m,
		      const struct ifx_entry *entry)
{
	const struct ifx_key_fact *fact =
		ifx_is(entry->key, IFX_SCALAR) ? ifx_fact_annotation(ifx_text(entry->key)) : NULL;
	struct ifx_buf kinds;
	struct ifx_fix *fix;

	if (!fact || (fact->flags & (IFX_KEY_SYSTEM | IFX_KEY_UNCATALOGUED)) ||
	    ifx_key_fit(fact, r, m->role) != IFX_FITS_NOT)
		return;
	ifx_buf_init(&kinds, 4096);
	ifx_say_kinds(&kinds, fact);
	fix = ifx_find(cx, entry->key, IFX_REPORT, IFX_WARNING,
		       "annotation '%s' has no effect on a %.*s; Istio reads it from %.*s",
		       fact->name, IFX_ARG(ifx_role_name(r, m->role)),
		       IFX_ARG(ifx_fact_pod_only(fact) ? IFX_LIT("pods") : ifx_buf_str(&kinds)));
	if (ifx_fact_pod_only(fact))
		ifx_help(fix,
			 "write it in the pod templates of the workloads that it is meant for");
	if (kinds.bad)
		ifx_cx_failed(cx);
	ifx_buf_release(&kinds);
}

static void all_elsewhere(struct ifx_cx *cx, const struct ifx_resource *r)
{
	bool core = !r->group.len && (ifx_str_eq(r->kind, IFX_LIT("Namespace")) ||
				      ifx_str_eq(r->kind, IFX_LIT("Service")));

	for (const struct ifx_metadata *m = ifx_metadata(cx, r); m; m = m->next) {
		const struct ifx_node *map = m->strings[1].map;

		if (m->role == IFX_ROLE_OWN && !core)
			continue;
		for (const struct ifx_entry *e = map ? map->first : NULL; e; e = e->next)
			elsewhere(cx, r, m, e);
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	struct ifx_hit *hit;

	all_elsewhere(cx, r);
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
					one_annotation(cx, r, e, fact, hit->node,
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
