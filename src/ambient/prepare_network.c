/*
 * NetworkPolicies: between ambient pods everything arrives on TCP 15008, and kubelet's probes come
 * from an address of their own (AMBIENT 1.2).
 */
#include "ambient/wish.h"

#include "yaml/style.h"

#define HBONE        15008
#define PROBE_SOURCE "169.254.7.127/32"

static long number(ifx_str text)
{
	long n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]) || n > 65535)
			return -1;
		n = n * 10 + (text.ptr[i] - '0');
	}
	return text.len ? n : -1;
}

/* ---- whom a policy is about ---- */

static bool has_value(const struct ifx_node *values, ifx_str value)
{
	for (const struct ifx_entry *e = ifx_list_items(values); e; e = e->next)
		if (value.ptr && ifx_str_eq(ifx_text(ifx_deref(e->value)), value))
			return true;
	return false;
}

static bool meets(const struct ifx_node *x, struct ifx_pairs labels)
{
	ifx_str op = ifx_get_text(x, IFX_LIT("operator"));
	ifx_str value = ifx_pair_value(labels, ifx_get_text(x, IFX_LIT("key")));
	bool listed = has_value(ifx_get(x, IFX_LIT("values")), value);

	if (ifx_str_eq(op, IFX_LIT("In")))
		return listed;
	if (ifx_str_eq(op, IFX_LIT("NotIn")))
		return !listed;
	return ifx_str_eq(op, IFX_LIT("Exists")) == (value.ptr != NULL);
}

static bool takes(const struct ifx_node *selector, struct ifx_pairs labels)
{
	const struct ifx_node *map = ifx_get(selector, IFX_LIT("matchLabels"));

	for (const struct ifx_entry *e = ifx_is(map, IFX_MAP) ? map->first : NULL; e; e = e->next)
		if (!ifx_str_eq(ifx_pair_value(labels, ifx_text(e->key)),
				ifx_text(ifx_deref(e->value))))
			return false;
	for (const struct ifx_entry *e =
		     ifx_list_items(ifx_get(selector, IFX_LIT("matchExpressions")));
	     e; e = e->next)
		if (!meets(ifx_deref(e->value), labels))
			return false;
	return true;
}

/* Pods that ambient mode will capture. */
static bool is_captured(const struct ifx_passage *m, const struct ifx_pods *p)
{
	if (p->host_network || p->gateway || ifx_str_eq(p->mode, IFX_LIT("none")))
		return false;
	return m->ns->state == IFX_STATE_PODS ? p->injected : !p->opted_out;
}

static bool has_probe(const struct ifx_pods *p)
{
	static const char *const keys[] = { "livenessProbe", "readinessProbe", "startupProbe" };

	for (size_t i = 0; i < p->n_containers; i++)
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
			const struct ifx_node *probe =
				ifx_get(p->containers[i].node, ifx_str_of(keys[k]));

			if (probe && !ifx_get(probe, IFX_LIT("exec")))
				return true;
		}
	return false;
}

static bool is_about(const struct ifx_passage *m, const struct ifx_object *policy,
		     const struct ifx_pods *p)
{
	return is_captured(m, p) &&
	       takes(ifx_get(ifx_object_spec(policy), IFX_LIT("podSelector")), p->labels);
}

static bool takes_any(const struct ifx_passage *m, const struct ifx_object *policy)
{
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			if (is_about(m, policy, p))
				return true;
	return false;
}

/* ---- port 15008 ---- */

/* Does the list of ports keep HBONE out? One that is only about UDP, or DNS, is about other things.
 */
static bool shuts(const struct ifx_node *ports)
{
	bool any = false;

	for (const struct ifx_entry *e = ifx_list_items(ports); e; e = e->next) {
		const struct ifx_node *item = ifx_deref(e->value);
		ifx_str protocol = ifx_get_text(item, IFX_LIT("protocol"));
		long port = number(ifx_get_text(item, IFX_LIT("port")));
		long last = number(ifx_get_text(item, IFX_LIT("endPort")));

		if (protocol.len && !ifx_str_eq(protocol, IFX_LIT("TCP")))
			continue;
		if (!ifx_get(item, IFX_LIT("port")) || port == HBONE ||
		    (port >= 0 && port <= HBONE && last >= HBONE))
			return false;
		any |= port != 53;
	}
	return any;
}

/* As the last port of the list is written: its keys, in its order, and its style. */
static ifx_str port_text(struct ifx_passage *m, const struct ifx_node *ports)
{
	const struct ifx_node *like = ifx_deref(ports->last->value);
	bool flow = ports->style == IFX_FLOW || !ifx_is(like, IFX_MAP) || like->style == IFX_FLOW;
	bool json = ports->doc->json;
	struct ifx_buf out;
	ifx_str text;
	size_t n = 0;

	ifx_buf_init(&out, 4096);
	ifx_buf_add(&out, flow ? IFX_LIT("{") : IFX_LIT(""));
	for (const struct ifx_entry *e = ifx_is(like, IFX_MAP) ? like->first : NULL; e;
	     e = e->next) {
		ifx_str key = ifx_text(e->key);
		bool port = ifx_str_eq(key, IFX_LIT("port"));

		if (!port && !ifx_str_eq(key, IFX_LIT("protocol")))
			continue;
		ifx_buf_addf(&out, json ? "%s\"%.*s\": %s" : "%s%.*s: %s",
			     !n++   ? ""
			     : flow ? ", "
				    : "\n",
			     IFX_ARG(key),
			     port   ? "15008"
			     : json ? "\"TCP\""
				    : "TCP");
	}
	ifx_buf_add(&out, flow ? IFX_LIT("}") : IFX_LIT(""));
	text = out.bad ? IFX_NONE : ifx_arena_copy(&m->changes->arena, ifx_buf_str(&out));
	ifx_buf_release(&out);
	return text;
}

static void open_rules(struct ifx_passage *m, const struct ifx_object *o, const char *direction)
{
	const struct ifx_node *rules = ifx_get(ifx_object_spec(o), ifx_str_of(direction));

	for (const struct ifx_entry *e = ifx_list_items(rules); e; e = e->next) {
		const struct ifx_node *ports = ifx_get(ifx_deref(e->value), IFX_LIT("ports"));

		if (shuts(ports))
			ifx_wish_item(m, o, ports, port_text(m, ports),
				      IFX_SAY(m, "open TCP 15008 in NetworkPolicy %.*s",
					      IFX_ARG(o->r->name)));
	}
}

/* ---- probes ---- */

static bool is_about_ingress(const struct ifx_node *spec)
{
	const struct ifx_node *types = ifx_get(spec, IFX_LIT("policyTypes"));

	return !ifx_list_items(types) || has_value(types, IFX_LIT("Ingress"));
}

static bool admits_probes(const struct ifx_node *spec)
{
	for (const struct ifx_entry *e = ifx_list_items(ifx_get(spec, IFX_LIT("ingress"))); e;
	     e = e->next) {
		const struct ifx_node *from = ifx_get(ifx_deref(e->value), IFX_LIT("from"));

		if (!ifx_list_items(from))
			return true;
		for (const struct ifx_entry *f = ifx_list_items(from); f; f = f->next) {
			ifx_str cidr = ifx_get_text(
				ifx_get(ifx_deref(f->value), IFX_LIT("ipBlock")), IFX_LIT("cidr"));

			if (ifx_str_eq(cidr, IFX_LIT(PROBE_SOURCE)) ||
			    ifx_str_eq(cidr, IFX_LIT("0.0.0.0/0")) ||
			    ifx_str_starts(cidr, IFX_LIT("169.254.0.0/16")))
				return true;
		}
	}
	return false;
}

/* Is there another policy that lets probes through to the pods, or that was given a rule for them?
 */
static bool is_admitted(const struct ifx_passage *m, const struct ifx_object *policy,
			const struct ifx_pods *p)
{
	bool before = true;

	for (const struct ifx_object *o = m->ns->objects[IFX_NETWORK_POLICY].first; o;
	     o = o->next) {
		before &= o != policy;
		if (o != policy && is_about_ingress(ifx_object_spec(o)) && is_about(m, o, p) &&
		    (before || admits_probes(ifx_object_spec(o))))
			return true;
	}
	return false;
}

/* Does kubelet ask pods over the network that only this policy is about? */
static bool shuts_probes(const struct ifx_passage *m, const struct ifx_object *policy)
{
	const struct ifx_node *spec = ifx_object_spec(policy);

	if (!is_about_ingress(spec) || admits_probes(spec))
		return false;
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			if (has_probe(p) && is_about(m, policy, p) && !is_admitted(m, policy, p))
				return true;
	return false;
}

static void admit_probes(struct ifx_passage *m, const struct ifx_object *o)
{
	const struct ifx_node *spec = ifx_object_spec(o),
			      *rules = ifx_get(spec, IFX_LIT("ingress"));
	const struct ifx_node *like =
		ifx_is(rules, IFX_SEQ) && rules->last ? rules->last->value : NULL;
	bool json = o->r->node->doc->json;
	bool flow = json || (like ? like->style == IFX_FLOW
				  : !ifx_is(rules, IFX_SEQ) || rules->style == IFX_FLOW);
	size_t dash = ifx_style_dash(o->r->node->doc);
	ifx_str what =
		IFX_SAY(m, "let kubelet's probes through NetworkPolicy %.*s", IFX_ARG(o->r->name));
	ifx_str item =
		json ? IFX_LIT("{\"from\": [{\"ipBlock\": {\"cidr\": \"" PROBE_SOURCE "\"}}]}")
		     : IFX_LIT("{from: [{ipBlock: {cidr: " PROBE_SOURCE "}}]}");
	struct ifx_place place = { .base = spec };
	struct ifx_op op = {
		.verb = IFX_OP_INSERT, .key = IFX_LIT("ingress"), .yaml = true, .to = &place
	};

	if (!flow)
		item = IFX_SAY(m, "from:\n%*s- ipBlock:\n%*s    cidr: " PROBE_SOURCE, (int)dash, "",
			       (int)dash, "");
	if (ifx_is(rules, IFX_SEQ)) {
		ifx_wish_item(m, o, rules, item, what);
		return;
	}
	if (rules)
		return; /* no list, and not ours to say what it is */
	op.n_to = 1;
	op.value = ifx_place_is_flow(&place)
			   ? IFX_SAY(m, "[%.*s]", IFX_ARG(item))
			   : IFX_SAY(m, "- {from: [{ipBlock: {cidr: " PROBE_SOURCE "}}]}\n");
	ifx_passage_want(m,
			 (struct ifx_wish){ .verb = IFX_WISH_OP, .o = o, .op = op, .what = what });
}

void ifx_prepare_network(struct ifx_passage *m)
{
	for (const struct ifx_object *o = m->ns->objects[IFX_NETWORK_POLICY].first; o;
	     o = o->next) {
		if (!takes_any(m, o))
			continue;
		open_rules(m, o, "ingress");
		open_rules(m, o, "egress");
		if (shuts_probes(m, o))
			admit_probes(m, o);
	}
}
