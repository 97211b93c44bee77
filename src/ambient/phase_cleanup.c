/*
 * Cleanup takes away what has no effect any more: policies that moved, Sidecar resources, and on
 * request the sidecars' settings.
 */
#include "ambient/wish.h"

/* Policies of which the waypoint has its own. */
static void drop_moved(struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->l7 && !s->ours && !s->root && s->copy)
			ifx_wish_drop(m, s->o);
	}
}

void ifx_cleanup_sidecars(struct ifx_passage *m)
{
	for (const struct ifx_object *o = m->ns->objects[IFX_SIDECAR].first; o; o = o->next)
		ifx_wish_drop(m, o);
}

/* Settings that only sidecars read. Ports that are excluded and opt-outs are not among them: they
 * say something about the pods. */
static bool is_setting(ifx_str key)
{
	static const char *const keys[] = {
		"sidecar.istio.io/agentLogLevel",
		"sidecar.istio.io/bootstrapOverride",
		"sidecar.istio.io/componentLogLevel",
		"sidecar.istio.io/discoveryAddress",
		"sidecar.istio.io/extraStatTags",
		"sidecar.istio.io/interceptionMode",
		"sidecar.istio.io/logLevel",
		"sidecar.istio.io/nativeSidecar",
		"sidecar.istio.io/proxyCPU",
		"sidecar.istio.io/proxyCPULimit",
		"sidecar.istio.io/proxyImage",
		"sidecar.istio.io/proxyImageType",
		"sidecar.istio.io/proxyMemory",
		"sidecar.istio.io/proxyMemoryLimit",
		"sidecar.istio.io/rewriteAppHTTPProbers",
		"sidecar.istio.io/statsInclusionPrefixes",
		"sidecar.istio.io/statsInclusionRegexps",
		"sidecar.istio.io/statsInclusionSuffixes",
		"sidecar.istio.io/userVolume",
		"sidecar.istio.io/userVolumeMount",
		"proxy.istio.io/config",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (ifx_str_eq(key, ifx_str_of(keys[i])))
			return true;
	return false;
}

static void prune(struct ifx_passage *m, const struct ifx_pods *p)
{
	const struct ifx_node *map = ifx_get(p->metadata->node, IFX_LIT("annotations"));

	if (p->gateway || !ifx_is(map, IFX_MAP))
		return;
	for (const struct ifx_entry *e = map->first; e; e = e->next)
		if (is_setting(ifx_text(e->key)))
			ifx_wish_removal(m, p->object, e,
					 IFX_SAY(m, "remove %.*s of the pods of %.*s %.*s",
						 IFX_ARG(ifx_text(e->key)),
						 IFX_ARG(ifx_object_kind_name(p->object)),
						 IFX_ARG(p->object->r->name)));
}

void ifx_phase_cleanup(struct ifx_passage *m)
{
	/* Before the policies go that say what is to be guarded. */
	if (m->options->guard_in_cleanup)
		ifx_enroll_guards(m);
	drop_moved(m);
	ifx_cleanup_sidecars(m);
	if (!m->options->prune)
		return;
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			prune(m, p);
}
