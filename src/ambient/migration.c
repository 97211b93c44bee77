#include "ambient/migration.h"

#include "ambient/find.h"
#include "ambient/holds.h"
#include "ambient/links.h"
#include "ambient/needs.h"
#include "ambient/tuning.h"
#include "base/alloc.h"

#include <stdlib.h>

/* Memory for what is found. Bytes. */
#define PLAN_MEMORY_MAX ((size_t)8 << 30)

const char *ifx_phase_name(ifx_phase phase)
{
	static const char *const names[IFX_PHASES] = { "prepare", "bind", "enroll", "cleanup",
						       "done" };

	return names[phase];
}

struct ifx_ns_plan *ifx_migration_of(const struct ifx_migration *plan,
				     const struct ifx_namespace *ns)
{
	return &plan->environments[ns->environment->number].namespaces[ns->number];
}

struct ifx_env_plan *ifx_migration_env(const struct ifx_migration *plan,
				       const struct ifx_environment *e)
{
	return &plan->environments[e->number];
}

size_t ifx_migration_wave(const struct ifx_env_plan *env, const struct ifx_namespace *ns)
{
	return env->namespaces[ns->number].wave;
}

static bool is_wanted(const struct ifx_migration_options *options, ifx_str name)
{
	for (size_t i = 0; i < options->n_namespaces; i++)
		if (ifx_str_eq(options->namespaces[i], name))
			return true;
	return !options->n_namespaces;
}

static bool begin(struct ifx_migration *plan)
{
	const struct ifx_estate *estate = plan->estate;

	plan->environments =
		ifx_arena_alloc(&plan->arena, estate->n_environments * sizeof(*plan->environments));
	if (!plan->environments)
		return false;
	for (size_t i = 0; i < estate->n_environments; i++) {
		struct ifx_environment *e = &estate->environments[i];
		struct ifx_env_plan *env = &plan->environments[i];

		env->environment = e;
		env->namespaces =
			ifx_arena_alloc(&plan->arena, e->n_namespaces * sizeof(*env->namespaces));
		if (!env->namespaces)
			return false;
		for (size_t k = 0; k < e->n_namespaces; k++) {
			struct ifx_ns_plan *ns = &env->namespaces[k];

			ns->namespace = e->namespaces[k];
			ns->migrates = ifx_has_sidecars(ns->namespace) &&
				       is_wanted(plan->options, ns->namespace->name);
			env->any_migrates |= ns->migrates;
			if (!ifx_policies_read(plan, ns))
				return false;
		}
	}
	return true;
}

static void find_all(struct ifx_migration *plan, struct ifx_env_plan *env)
{
	static ifx_find_in_namespace *const in_namespace[] = {
		ifx_find_pods,    ifx_find_scripts, ifx_find_policies,
		ifx_find_traffic, ifx_find_network, ifx_find_foreign,
	};
	struct ifx_environment *e = env->environment;

	plan->at = env;
	ifx_needs_find(plan, env);
	ifx_links_find(plan, env);
	ifx_waves_find(plan, env);
	if (!env->any_migrates)
		return;
	for (size_t k = 0; k < e->n_namespaces; k++) {
		struct ifx_ns_plan *ns = &env->namespaces[k];

		if (!ns->migrates)
			continue;
		for (size_t i = 0; i < sizeof(in_namespace) / sizeof(*in_namespace); i++)
			in_namespace[i](plan, ns->namespace);
		ifx_tuning_sum(plan, ns);
	}
	ifx_find_mesh(plan, e);
	ifx_find_residue(plan, e);
	ifx_find_calls(plan, e);
}

/* ---- the next phase ---- */

static bool has_label(const struct ifx_object *o, const char *key)
{
	return ifx_get_text(ifx_get(o->r->metadata, IFX_LIT("labels")), ifx_str_of(key)).len > 0;
}

static bool is_prepared(const struct ifx_migration *plan, const struct ifx_ns_plan *ns)
{
	ifx_str name = plan->options->waypoint.ptr ? plan->options->waypoint : IFX_LIT("waypoint");

	for (size_t i = 0; i < ns->hindrances.n; i++)
		if (ns->hindrances.items[i].settled == IFX_REMEDIED &&
		    ns->hindrances.items[i].id != IFX_F_S08)
			return false;
	if (!ns->needs.n || plan->options->waypoint_namespace.len)
		return true;
	return ifx_object_named(ns->namespace, IFX_GATEWAY, name) != NULL;
}

static bool is_bound(const struct ifx_ns_plan *ns)
{
	for (size_t i = 0; i < ns->needs.n; i++)
		if (!has_label(ns->needs.items[i].service, "istio.io/use-waypoint") &&
		    !ns->namespace->use_waypoint.value.len)
			return false;
	return true;
}

/* Is there anything of the time of the sidecars? */
static bool has_leftovers(const struct ifx_ns_plan *ns)
{
	if (ns->namespace->objects[IFX_SIDECAR].n)
		return true;
	for (const struct ifx_policy_view *v = ns->policies; v; v = v->next)
		if (v->l7.why && !v->authz.scope.n_targets &&
		    !ifx_is_gateway_selector(ns->namespace, v->authz.scope.selector))
			return true;
	return false;
}

static ifx_phase next_phase(const struct ifx_migration *plan, const struct ifx_ns_plan *ns)
{
	if (ns->namespace->state == IFX_STATE_AMBIENT)
		return has_leftovers(ns) ? IFX_PHASE_CLEANUP : IFX_PHASE_DONE;
	if (!ns->migrates)
		return IFX_PHASE_DONE;
	if (!is_prepared(plan, ns))
		return IFX_PHASE_PREPARE;
	return is_bound(ns) ? IFX_PHASE_ENROLL : IFX_PHASE_BIND;
}

/* ---- order ---- */

static int by_weight(const void *a, const void *b)
{
	const struct ifx_hindrance *x = a, *y = b;
	int c = (x->weight < y->weight) - (x->weight > y->weight);

	if (!c)
		c = (x->id > y->id) - (x->id < y->id);
	if (!c && x->object && y->object)
		c = ifx_str_cmp(x->object->source->path, y->object->source->path);
	if (!c && x->object && y->object) {
		size_t i = ifx_object_offset(x->object, x->node);
		size_t k = ifx_object_offset(y->object, y->node);

		c = (i > k) - (i < k);
	}
	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static void sort(struct ifx_hindrances *list)
{
	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), by_weight);
}

static bool finish(struct ifx_migration *plan, struct ifx_env_plan *env, ifx_changes_fn *changes,
		   void *data)
{
	sort(&env->hindrances);
	for (size_t k = 0; k < env->environment->n_namespaces; k++) {
		struct ifx_ns_plan *ns = &env->namespaces[k];

		sort(&ns->hindrances);
		ns->next = next_phase(plan, ns);
		if (!changes || (!ns->migrates && ns->namespace->state != IFX_STATE_AMBIENT))
			continue;
		if (!changes(data, plan, ns, &ns->changes))
			return false;
		/* Who makes the changes knows better what is left to do. */
		if (ns->changes)
			ns->next = ns->changes->phase;
	}
	return true;
}

ifx_status ifx_migration_make(struct ifx_migration *plan, struct ifx_estate *estate,
			      const struct ifx_migration_options *options, ifx_changes_fn *changes,
			      void *data)
{
	bool ok;

	*plan = (struct ifx_migration){ .estate = estate, .options = options };
	ifx_arena_init(&plan->arena, PLAN_MEMORY_MAX);
	ok = begin(plan);
	for (size_t i = 0; ok && i < estate->n_environments; i++)
		find_all(plan, &plan->environments[i]);
	if (ok)
		ifx_holds_find(plan);
	for (size_t i = 0; ok && i < estate->n_environments; i++)
		ok = finish(plan, &plan->environments[i], changes, data);
	return ok && !plan->failed && !estate->failed ? IFX_OK : IFX_ENOMEM;
}

void ifx_migration_release(struct ifx_migration *plan)
{
	for (size_t i = 0; plan->environments && i < plan->estate->n_environments; i++) {
		struct ifx_env_plan *env = &plan->environments[i];

		for (size_t k = 0; env->namespaces && k < env->environment->n_namespaces; k++) {
			ifx_free(env->namespaces[k].hindrances.items);
			ifx_free(env->namespaces[k].needs.items);
		}
		ifx_free(env->hindrances.items);
		ifx_free(env->links.items);
	}
	ifx_arena_release(&plan->arena);
}

/* ---- the end ---- */

static bool warns(const struct ifx_hindrances *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].weight >= IFX_WEIGHT_W)
			return true;
	return false;
}

int ifx_migration_exit(const struct ifx_migration *plan)
{
	int code = 0;

	for (size_t i = 0; i < plan->estate->n_environments; i++) {
		const struct ifx_env_plan *env = &plan->environments[i];

		code |= warns(&env->hindrances);
		for (size_t k = 0; k < env->environment->n_namespaces; k++) {
			const struct ifx_ns_plan *ns = &env->namespaces[k];

			if (ns->held || ns->held_late)
				return 3;
			code |= warns(&ns->hindrances);
		}
	}
	return code;
}
