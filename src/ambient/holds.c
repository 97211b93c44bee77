#include "ambient/holds.h"

#include "ambient/find.h"
#include "ambient/needs.h"
#include "base/alloc.h"

/* ---- what one finding does to its namespace ---- */

/* ns: NULL for a finding about the environment as a whole. */
static bool is_accepted(const struct ifx_migration *plan, const struct ifx_hindrance *h,
			const struct ifx_namespace *ns)
{
	for (size_t i = 0; i < plan->options->n_accepts && h->weight != IFX_WEIGHT_B; i++) {
		const struct ifx_accept *a = &plan->options->accepts[i];

		if (a->id == h->id &&
		    (!a->namespace.ptr || (ns && ifx_str_eq(a->namespace, ns->name))))
			return true;
	}
	return false;
}

static void settle(const struct ifx_migration *plan, struct ifx_hindrance *h)
{
	if (h->settled == IFX_STANDS && is_accepted(plan, h, h->namespace))
		h->settled = IFX_ACCEPTED;
}

static void hold(struct ifx_ns_plan *ns, const struct ifx_hindrance *h)
{
	if (!ifx_hindrance_holds(h) || !ns->migrates)
		return;
	if (h->only_enroll)
		ns->held_late = true;
	else
		ns->held = true;
}

static void settle_all(struct ifx_migration *plan, struct ifx_env_plan *env)
{
	for (size_t i = 0; i < env->hindrances.n; i++)
		settle(plan, &env->hindrances.items[i]);
	for (size_t k = 0; k < env->environment->n_namespaces; k++) {
		struct ifx_ns_plan *ns = &env->namespaces[k];

		for (size_t i = 0; i < ns->hindrances.n; i++) {
			settle(plan, &ns->hindrances.items[i]);
			hold(ns, &ns->hindrances.items[i]);
		}
		for (size_t i = 0; i < env->hindrances.n; i++)
			if (!is_accepted(plan, &env->hindrances.items[i], ns->namespace))
				hold(ns, &env->hindrances.items[i]);
	}
}

/* ---- the work list: namespaces that keep their sidecars, or whose files do not change ---- */

struct work {
	struct ifx_migration *plan;
	struct ifx_ns_plan **list;
	size_t n, done;
};

static bool keeps(const struct ifx_ns_plan *ns)
{
	return ifx_has_sidecars(ns->namespace) && (!ns->migrates || ns->held || ns->held_late);
}

static void push(struct work *w, struct ifx_ns_plan *ns)
{
	if (!ns->queued && keeps(ns)) {
		ns->queued = true;
		w->list[w->n++] = ns;
	}
}

static void follow(struct work *w, struct ifx_ns_plan *ns, struct ifx_hindrance *h)
{
	settle(w->plan, h);
	hold(ns, h);
	push(w, ns);
}

/* ---- C38 ---- */

static const char *const words[] = { "a policy names it", "its Sidecar says so",
				     "a host name says so", "it keeps a route for it" };

static void keep_caller(struct work *w, const struct ifx_link *link)
{
	struct ifx_ns_plan *callee = ifx_migration_of(w->plan, link->callee);
	const struct ifx_object *service = ifx_guarded(w->plan, callee, link);
	struct ifx_hindrance *h;

	if (!service || !callee->migrates)
		return;
	h = ifx_hinder(
		w->plan, IFX_F_C38, link->callee, link->object, link->node,
		"namespace %.*s calls Service %.*s (%s) and keeps its sidecars, which do not "
		"use the waypoint that will guard it",
		IFX_ARG(link->caller_name), IFX_ARG(service->r->name), words[link->kind]);
	h->only_enroll = true;
	ifx_hinder_help(w->plan, h, "migrate %.*s first, or --guard cleanup with --accept C38",
			IFX_ARG(link->caller_name));
	follow(w, callee, h);
}

static void keep_callers(struct work *w, const struct ifx_ns_plan *ns)
{
	const struct ifx_links *links =
		&ifx_migration_env(w->plan, ns->namespace->environment)->links;
	const struct ifx_namespace *last = NULL;
	size_t lo = 0, hi = links->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ifx_str_cmp(links->items[mid].caller_name, ns->namespace->name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < links->n && links->items[lo].caller == ns->namespace; lo++) {
		const struct ifx_link *link = &links->items[lo];

		/* One evidence for a caller is enough. */
		if (link->callee != last &&
		    ifx_guarded(w->plan, ifx_migration_of(w->plan, link->callee), link)) {
			last = link->callee;
			keep_caller(w, link);
		}
	}
}

/* ---- C40 ---- */

/* Would a migration of its namespace edit the object? */
static bool is_edited(const struct ifx_ns_plan *ns, const struct ifx_object *o)
{
	if (o->kind == IFX_NAMESPACE)
		return true;
	if (o->kind == IFX_WORKLOAD)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			if (p->opted_in || p->opted_out || p->revision.ptr || p->gateway)
				return true;
	for (size_t i = 0; i < ns->needs.n; i++)
		if (ns->needs.items[i].service == o || ns->needs.items[i].object == o)
			return true;
	for (size_t i = 0; i < ns->hindrances.n; i++)
		if (ns->hindrances.items[i].object == o &&
		    ns->hindrances.items[i].settled == IFX_REMEDIED)
			return true;
	return false;
}

static bool has_c40(const struct ifx_ns_plan *ns)
{
	for (size_t i = 0; i < ns->hindrances.n; i++)
		if (ns->hindrances.items[i].id == IFX_F_C40)
			return true;
	return false;
}

static void share(struct work *w, const struct ifx_ns_plan *held, struct ifx_object *o)
{
	struct ifx_ns_plan *ns = o->namespace ? ifx_migration_of(w->plan, o->namespace) : NULL;
	struct ifx_hindrance *h;

	/* What is held already is not edited anyway. */
	if (!ns || ns == held || !ns->migrates || ns->held || has_c40(ns) || !is_edited(ns, o))
		return;
	h = ifx_hinder(w->plan, IFX_F_C40, ns->namespace, o, NULL,
		       "the file makes up namespace %.*s of %.*s too, which stays as it is",
		       IFX_ARG(held->namespace->name), IFX_ARG(held->namespace->environment->name));
	h->only_enroll = held->migrates && !held->held;
	ifx_hinder_help(w->plan, h, "give each of the two overlays its own %.*s %.*s", IFX_WHO(o));
	follow(w, ns, h);
}

static void keep_files(struct work *w, const struct ifx_ns_plan *ns)
{
	for (size_t kind = 0; kind < IFX_KINDS; kind++)
		for (struct ifx_object *o = ns->namespace->objects[kind].first; o; o = o->next)
			for (struct ifx_object *s = o->same; s != o; s = s->same)
				share(w, ns, s);
}

/* ---- all ---- */

static size_t count(const struct ifx_migration *plan)
{
	size_t n = 1;

	for (size_t i = 0; i < plan->estate->n_environments; i++)
		n += plan->estate->environments[i].n_namespaces;
	return n;
}

/* --strict: all or nothing. */
static void hold_all(struct ifx_migration *plan)
{
	bool any = false;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < plan->estate->n_environments; i++) {
			struct ifx_env_plan *env = &plan->environments[i];

			for (size_t k = 0; k < env->environment->n_namespaces; k++) {
				struct ifx_ns_plan *ns = &env->namespaces[k];

				any |= ns->held || ns->held_late;
				ns->held |= pass && any && ns->migrates;
			}
		}
}

void ifx_holds_find(struct ifx_migration *plan)
{
	struct work w = { .plan = plan, .list = ifx_calloc(count(plan), sizeof(*w.list)) };

	if (!w.list) {
		plan->failed = true;
		return;
	}
	for (size_t i = 0; i < plan->estate->n_environments; i++) {
		struct ifx_env_plan *env = &plan->environments[i];

		settle_all(plan, env);
		for (size_t k = 0; k < env->environment->n_namespaces; k++)
			push(&w, &env->namespaces[k]);
	}
	while (w.done < w.n) {
		const struct ifx_ns_plan *ns = w.list[w.done++];

		keep_callers(&w, ns);
		keep_files(&w, ns);
	}
	ifx_free(w.list);
	if (plan->options->strict)
		hold_all(plan);
}
