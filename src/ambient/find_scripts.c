/*
 * Commands that speak to the sidecar's own ports. They do not fail when they are applied but at the
 * next restart, which the migration itself causes.
 */
#include "ambient/find.h"

/* What a text asks the proxy for. */
enum { NOTHING, WAITS, QUITS };

static int asks(ifx_str text)
{
	static const char *const ports[] = { "15021", "15020", "15000" };
	int found = NOTHING;

	if (ifx_str_find(text, IFX_LIT("quitquitquit")) != SIZE_MAX)
		return QUITS;
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		ifx_str rest = text;
		size_t at;

		while ((at = ifx_str_find(rest, ifx_str_of(ports[i]))) != SIZE_MAX) {
			bool host = at && (rest.ptr[at - 1] == ':' || rest.ptr[at - 1] == ' ');

			rest = ifx_str_sub(rest, at + 5, rest.len - at - 5);
			if (!host || (rest.len && ifx_is_digit(rest.ptr[0])))
				continue;
			if (ifx_str_starts(rest, IFX_LIT("/quit")))
				return QUITS;
			found = WAITS;
		}
	}
	return found;
}

static void report(struct ifx_migration *plan, struct ifx_namespace *ns,
		   const struct ifx_object *pods, const struct ifx_object *where,
		   const struct ifx_node *node, int what)
{
	struct ifx_hindrance *h;

	if (what == WAITS) {
		h = ifx_hinder(
			plan, IFX_F_B14, ns, where, node,
			"%.*s %.*s waits for the sidecar's ports, which will not be there: it "
			"would never start",
			IFX_WHO(pods));
		ifx_hinder_help(plan, h, "take the loop out");
	} else if (what == QUITS) {
		h = ifx_hinder(
			plan, IFX_F_S15, ns, where, node,
			"%.*s %.*s asks the sidecar to end; the call fails, and with 'set -e' "
			"or '&&' so does the pod",
			IFX_WHO(pods));
		ifx_hinder_help(plan, h, "take the call out, or let it fail ('|| true')");
	}
}

/* All scalars below; one finding of each sort is enough for a container. */
static void look(struct ifx_migration *plan, struct ifx_namespace *ns,
		 const struct ifx_object *pods, const struct ifx_object *where,
		 const struct ifx_node *node, unsigned *seen)
{
	int what;

	node = ifx_deref(node);
	if (!node)
		return;
	for (const struct ifx_entry *e = ifx_is(node, IFX_SCALAR) ? NULL : node->first; e;
	     e = e->next)
		look(plan, ns, pods, where, e->value, seen);
	if (!ifx_is(node, IFX_SCALAR))
		return;
	what = asks(ifx_text(node));
	if (what == NOTHING || *seen & 1u << what)
		return;
	*seen |= 1u << what;
	report(plan, ns, pods, where, node, what);
}

static void look_at_map(struct ifx_migration *plan, struct ifx_namespace *ns,
			const struct ifx_pods *p, const struct ifx_node *reference)
{
	ifx_str name = ifx_get_text(reference, IFX_LIT("name"));
	const struct ifx_object *map = name.len ? ifx_object_named(ns, IFX_CONFIG_MAP, name) : NULL;
	unsigned seen = 0;

	if (map)
		look(plan, ns, p->object, map, ifx_get(map->r->node, IFX_LIT("data")), &seen);
}

static void look_at_maps(struct ifx_migration *plan, struct ifx_namespace *ns,
			 const struct ifx_pods *p)
{
	for (const struct ifx_entry *e = ifx_items(ifx_get(p->spec, IFX_LIT("volumes"))); e;
	     e = e->next) {
		const struct ifx_node *volume = ifx_deref(e->value);
		const struct ifx_node *sources =
			ifx_get(ifx_get(volume, IFX_LIT("projected")), IFX_LIT("sources"));

		look_at_map(plan, ns, p, ifx_get(volume, IFX_LIT("configMap")));
		for (const struct ifx_entry *s = ifx_items(sources); s; s = s->next)
			look_at_map(plan, ns, p,
				    ifx_get(ifx_deref(s->value), IFX_LIT("configMap")));
	}
	for (size_t i = 0; i < p->n_containers; i++)
		for (const struct ifx_entry *e =
			     ifx_items(ifx_get(p->containers[i].node, IFX_LIT("envFrom")));
		     e; e = e->next)
			look_at_map(plan, ns, p,
				    ifx_get(ifx_deref(e->value), IFX_LIT("configMapRef")));
}

void ifx_find_scripts(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	static const char *const keys[] = { "command", "args", "env", "lifecycle", "source" };

	IFX_EACH_PODS(o, p, ns)
	{
		for (size_t i = 0; i < p->n_containers; i++) {
			unsigned seen = 0;

			if (p->gateway)
				continue;
			for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
				look(plan, ns, o, o,
				     ifx_get(p->containers[i].node, ifx_str_of(keys[k])), &seen);
		}
		look_at_maps(plan, ns, p);
	}
}
