/*
 * Ports in plaintext. Ambient mode knows no DISABLE, and no port that is not captured: both become
 * PERMISSIVE exceptions (AMBIENT 1.2, S08).
 */
#include "ambient/wish.h"

#include "base/alloc.h"

#define TRAFFIC "traffic.sidecar.istio.io/"

enum { PORTS_MAX = 64 };

/* ---- DISABLE ---- */

static void allow_plaintext(struct ifx_passage *m, const struct ifx_object *o)
{
	const struct ifx_node *ports = ifx_get(ifx_object_spec(o), IFX_LIT("portLevelMtls"));

	for (const struct ifx_entry *e = ifx_is(ports, IFX_MAP) ? ports->first : NULL; e;
	     e = e->next) {
		const struct ifx_node *mode = ifx_get(ifx_deref(e->value), IFX_LIT("mode"));

		if (ifx_is(mode, IFX_SCALAR) && ifx_str_eq(ifx_text(mode), IFX_LIT("DISABLE")))
			ifx_wish_value(
				m, o, mode, IFX_LIT("PERMISSIVE"),
				IFX_SAY(m, "make port %.*s of PeerAuthentication %.*s PERMISSIVE",
					IFX_ARG(ifx_text(e->key)), IFX_ARG(o->r->name)));
	}
}

/* ---- excluded ports ---- */

static bool selects(const struct ifx_object *o, const struct ifx_pods *p)
{
	const struct ifx_node *map =
		ifx_get(ifx_get(ifx_object_spec(o), IFX_LIT("selector")), IFX_LIT("matchLabels"));

	if (!ifx_is(map, IFX_MAP) || !map->n)
		return false;
	for (const struct ifx_entry *e = map->first; e; e = e->next)
		if (!ifx_str_eq(ifx_pair_value(p->labels, ifx_text(e->key)),
				ifx_text(ifx_deref(e->value))))
			return false;
	return true;
}

static ifx_str mode_of(const struct ifx_object *o)
{
	return ifx_get_text(ifx_get(ifx_object_spec(o), IFX_LIT("mtls")), IFX_LIT("mode"));
}

static ifx_str mode_of_namespace(const struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns ? ns->objects[IFX_PEER_AUTHENTICATION].first : NULL; o;
	     o = o->next)
		if (!ifx_get(ifx_get(ifx_object_spec(o), IFX_LIT("selector")),
			     IFX_LIT("matchLabels")) &&
		    mode_of(o).len && !ifx_str_eq(mode_of(o), IFX_LIT("UNSET")))
			return mode_of(o);
	return IFX_NONE;
}

/* Does the mesh refuse plaintext to the pods, but for what `own` says of ports? */
static bool is_strict(const struct ifx_passage *m, const struct ifx_object *own)
{
	const struct ifx_environment *e = m->ns->environment;
	ifx_str mode = own ? mode_of(own) : IFX_NONE;

	if (!mode.len || ifx_str_eq(mode, IFX_LIT("UNSET")))
		mode = mode_of_namespace(m->ns);
	if (!mode.len)
		mode = mode_of_namespace(ifx_estate_namespace(e, ifx_root_namespace(e)));
	return ifx_str_eq(mode, IFX_LIT("STRICT"));
}

static size_t read_ports(ifx_str text, long *out)
{
	size_t n = 0;
	ifx_str word;

	while (ifx_str_split(&text, ',', &word)) {
		long port = 0;

		word = ifx_str_trim(word);
		for (size_t i = 0; i < word.len && port <= 65535; i++)
			port = ifx_is_digit(word.ptr[i]) ? port * 10 + (word.ptr[i] - '0') : 65536;
		if (word.len && port && port <= 65535 && n < PORTS_MAX)
			out[n++] = port;
	}
	return n;
}

/* The policy says something about the port already. */
static bool has_port(struct ifx_passage *m, const struct ifx_object *o, long port)
{
	const struct ifx_node *map = ifx_get(ifx_object_spec(o), IFX_LIT("portLevelMtls"));
	ifx_str key = IFX_SAY(m, "%ld", port);

	return ifx_is(map, IFX_MAP) && ifx_map_find(map, key, NULL);
}

/* One more port of a policy; two workloads may share it. */
static void add_port(struct ifx_passage *m, const struct ifx_object *o, long port)
{
	const ifx_str path[] = { IFX_LIT("spec"), IFX_LIT("portLevelMtls") };
	struct ifx_place place = ifx_place_of(o->r->node, path, 2);
	const struct ifx_node *last = ifx_is(place.base, IFX_MAP) && place.base->last && !place.n
					      ? place.base->last->value
					      : NULL;
	bool json = o->r->node->doc->json;
	bool flow = ifx_place_is_flow(&place) || (last && last->style == IFX_FLOW);
	struct ifx_op op = { .verb = IFX_OP_INSERT, .yaml = true, .plain = !json, .to = &place };

	for (size_t i = 0; i < m->changes->n; i++) {
		const struct ifx_wish *w = m->changes->wishes[m->changes->n - 1 - i];

		if (w->by != m)
			break;
		if (w->o == o && w->op.plain && ifx_str_eq(w->op.key, IFX_SAY(m, "%ld", port)))
			return;
	}
	op.n_to = 1;
	op.key = IFX_SAY(m, "%ld", port);
	op.value = json   ? IFX_LIT("{\"mode\": \"PERMISSIVE\"}")
		   : flow ? IFX_LIT("{mode: PERMISSIVE}")
			  : IFX_LIT("mode: PERMISSIVE\n");
	ifx_passage_want(
		m,
		(struct ifx_wish){ .verb = IFX_WISH_OP,
				   .o = o,
				   .op = op,
				   .what = IFX_SAY(m,
						   "make port %ld PERMISSIVE in PeerAuthentication "
						   "%.*s, as the sidecar did not take it",
						   port, IFX_ARG(o->r->name)) });
}

static const struct ifx_object *own_policy(const struct ifx_passage *m, const struct ifx_pods *p)
{
	for (const struct ifx_object *o = m->ns->objects[IFX_PEER_AUTHENTICATION].first; o;
	     o = o->next)
		if (selects(o, p))
			return o;
	return NULL;
}

/* A policy of its own for the pods of a workload. */
static void add_policy(struct ifx_passage *m, const struct ifx_pods *p, const long *ports, size_t n)
{
	const struct ifx_object *o = p->object,
				*home = m->ns->objects[IFX_PEER_AUTHENTICATION].first;
	const struct ifx_node *map =
		ifx_get(ifx_get(ifx_object_spec(o), IFX_LIT("selector")), IFX_LIT("matchLabels"));
	struct ifx_labels selector;

	if (ifx_labels_read(&selector, map, &m->changes->arena) != IFX_OK) {
		m->failed = true;
		return;
	}
	if (!selector.n) {
		ifx_passage_hold(m, "S08", o, NULL,
				 "ports of its pods are excluded from the sidecar, and it has no "
				 "selector that a PeerAuthentication for them could use");
		return;
	}
	home = home ? home : o;
	ifx_wish_document(
		m, home, IFX_SAY(m, "%.*s-plaintext-ports.yaml", IFX_ARG(o->r->name)),
		ifx_manifest_plaintext(m, o, &selector, ports, n, home->r->node->doc),
		IFX_SAY(m, "add PeerAuthentication %.*s-plaintext-ports", IFX_ARG(o->r->name)));
}

static void keep_excluded(struct ifx_passage *m, const struct ifx_pods *p)
{
	ifx_str exclude = ifx_pair_value(p->annotations, IFX_LIT(TRAFFIC "excludeInboundPorts"));
	ifx_str include = ifx_pair_value(p->annotations, IFX_LIT(TRAFFIC "includeInboundPorts"));
	const struct ifx_object *own = own_policy(m, p);
	long ports[PORTS_MAX];
	size_t n;

	if ((include.ptr && !ifx_str_trim(include).len) ||
	    ifx_str_eq(ifx_str_trim(exclude), IFX_LIT("*"))) {
		ifx_wish_pod_annotation(m, p, "ambient.istio.io/bypass-inbound-capture",
					IFX_LIT("true"));
		return;
	}
	n = read_ports(exclude, ports);
	if (!n || !is_strict(m, own))
		return;
	if (!own) {
		add_policy(m, p, ports, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!has_port(m, own, ports[i]))
			add_port(m, own, ports[i]);
}

void ifx_prepare_ports(struct ifx_passage *m)
{
	for (const struct ifx_object *o = m->ns->objects[IFX_PEER_AUTHENTICATION].first; o;
	     o = o->next)
		allow_plaintext(m, o);
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			if (p->injected && !p->gateway)
				keep_excluded(m, p);
}
