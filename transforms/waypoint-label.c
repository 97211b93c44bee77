/*
 * waypoint-label: labels that bind things to a waypoint, and the Gateway that is meant to be one.
 *
 *   istio.io/use-waypoint-namespace   counts only beside istio.io/use-waypoint
 *   istio.io/use-waypoint             names a Gateway; `none` opts out
 *   istio.io/waypoint-for             service, workload, all, none; anything else matches nothing
 *   Gateway of class istio-waypoint   a listener with port 15008 and protocol HBONE
 *
 * What the input lacks may be somewhere else: a missing waypoint is told only where others of its
 * kind are.
 */
#include "rule/transform.h"

#include "rule/injection.h"
#include "yaml/path.h"

#define USE           "istio.io/use-waypoint"
#define USE_NAMESPACE "istio.io/use-waypoint-namespace"
#define FOR           "istio.io/waypoint-for"
#define BINDING       "ambient.istio.io/waypoint-inbound-binding"
#define GATEWAY_GROUP "gateway.networking.k8s.io"

/* Who is bound. */
enum user { A_NAMESPACE, A_SERVICE, A_POD };

struct use {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	enum user user;
	struct ifx_said name, namespace;
};

/* ---- waypoints of the input ---- */

static bool is_waypoint_class(ifx_str class)
{
	return ifx_str_eq(class, IFX_LIT("istio-waypoint")) ||
	       ifx_str_ends(class, IFX_LIT("-waypoint"));
}

static const struct ifx_record *next_gateway(struct ifx_cx *cx, size_t environment,
					     const struct ifx_record *after)
{
	return ifx_records(cx, environment, IFX_LIT(GATEWAY_GROUP), IFX_LIT("Gateway"), after);
}

/* What an environment has to offer for a label. */
struct offer {
	const struct ifx_record *named; /* the Gateway of that name in that namespace */
	const struct ifx_record *other; /* another waypoint in the namespace */
	size_t n_others;
	bool elsewhere; /* there are waypoints in other namespaces */
};

static struct offer look_for(struct ifx_cx *cx, size_t environment, ifx_str namespace, ifx_str name)
{
	struct offer o = { 0 };

	for (const struct ifx_record *g = next_gateway(cx, environment, NULL); g;
	     g = next_gateway(cx, environment, g)) {
		if (!g->namespace.ptr || !ifx_str_eq(g->namespace, namespace)) {
			o.elsewhere = o.elsewhere || is_waypoint_class(g->class);
		} else if (name.ptr && ifx_record_is_named(g, name)) {
			o.named = g;
		} else if (is_waypoint_class(g->class)) {
			o.other = g;
			o.n_others++;
		}
	}
	return o;
}

/* The namespace whose waypoint is meant; ptr NULL when it is not known. */
static ifx_str waypoint_namespace(const struct use *u, size_t environment)
{
	if (u->namespace.entry)
		return u->namespace.text;
	if (u->user == A_NAMESPACE)
		return u->r->name;
	return ifx_namespace_in(u->cx, u->r, environment);
}

/* ---- the labels of those who use it ---- */

static void namespace_alone(const struct use *u)
{
	const size_t *list;
	struct ifx_fix *fix = ifx_find(u->cx, u->namespace.entry->key, IFX_REPORT, IFX_WARNING,
				       "label '" USE_NAMESPACE
				       "' has no effect: it is read only together with '" USE
				       "', which is not here");
	struct offer o = { 0 };

	if (u->namespace.text.len && ifx_environments(u->cx, &list) == 1)
		o = look_for(u->cx, list[0], u->namespace.text, IFX_NONE);
	if (o.n_others == 1)
		ifx_help(fix, "add '" USE ": %.*s', the waypoint of that namespace",
			 IFX_ARG(o.other->name));
	else
		ifx_help(fix, "add '" USE "' with the name of the waypoint");
}

/* What a waypoint is for: its own label, else that of its class, else services. ptr NULL: not
 * known. */
static ifx_str purpose_of_gateway(struct ifx_cx *cx, const struct ifx_record *gateway)
{
	ifx_str purpose = ifx_pair_value(gateway->labels, IFX_LIT(FOR));
	const struct ifx_record *class = NULL;

	if (purpose.ptr)
		return purpose;
	while ((class = ifx_records(cx, gateway->environment, IFX_LIT(GATEWAY_GROUP),
				    IFX_LIT("GatewayClass"), class)) != NULL)
		if (ifx_str_eq(class->name, gateway->class)) {
			purpose = ifx_pair_value(class->labels, IFX_LIT(FOR));
			return purpose.ptr ? purpose : IFX_LIT("service");
		}
	return ifx_str_eq(gateway->class, IFX_LIT("istio-waypoint")) ? IFX_LIT("service")
								     : IFX_NONE;
}

/* A waypoint that takes the traffic of others. */
static void wrong_purpose(const struct use *u, const struct ifx_record *gateway)
{
	static const char *const who[] = { "namespaces", "services", "pods" };
	ifx_str purpose = purpose_of_gateway(u->cx, gateway);
	bool service, workload;
	struct ifx_fix *fix;

	service = ifx_str_eq(purpose, IFX_LIT("service"));
	workload = ifx_str_eq(purpose, IFX_LIT("workload"));
	if (!(service && u->user == A_POD) && !(workload && u->user == A_SERVICE) &&
	    !ifx_str_eq(purpose, IFX_LIT("none")))
		return;
	fix = ifx_find(u->cx, u->name.value, IFX_REPORT, IFX_WARNING,
		       "the waypoint '%.*s' is for %s: on %s the label '" USE "' does nothing",
		       IFX_ARG(gateway->name),
		       service    ? "services"
		       : workload ? "workloads"
				  : "nothing",
		       who[u->user]);
	ifx_help(fix, "label the Gateway '" FOR ": %s', or take another one",
		 u->user == A_NAMESPACE ? "service" : "all");
}

/* A Gateway that the input should have, as it has others. */
static void missing(const struct use *u, const struct offer *o, ifx_str namespace)
{
	struct ifx_fix *fix = ifx_find(
		u->cx, u->name.value, IFX_REPORT, IFX_INFO,
		"the input has no Gateway '%.*s' in namespace '%.*s': without its waypoint traffic goes straight to the pods, past the policies for it",
		IFX_ARG(u->name.text), IFX_ARG(namespace));

	if (o->n_others == 1)
		ifx_help(fix, "the waypoint there is '%.*s'", IFX_ARG(o->other->name));
	else
		ifx_help(fix, "see to it that it is there, or correct the name");
}

/* Only what is so in every environment of the file is told. */
static void check_waypoint(const struct use *u)
{
	const size_t *list;
	size_t n = ifx_environments(u->cx, &list), n_missing = 0;
	const struct ifx_record *named = NULL;
	ifx_str namespace = IFX_LIT("");
	struct offer o = { 0 };

	for (size_t i = 0; i < n; i++) {
		namespace = waypoint_namespace(u, list[i]);
		if (!namespace.len)
			return;
		o = look_for(u->cx, list[i], namespace, u->name.text);
		if (o.named)
			named = o.named;
		else if (o.n_others ||
			 (o.elsewhere && ifx_namespace_record(u->cx, list[i], namespace)))
			n_missing++;
		else
			return;
	}
	if (n_missing == n)
		missing(u, &o, namespace);
	else if (!n_missing && named)
		wrong_purpose(u, named);
}

static bool has_label(const struct ifx_node *metadata, const char *key)
{
	return ifx_map_find(ifx_get(metadata, IFX_LIT("labels")), ifx_str_of(key), NULL) != NULL;
}

/* A waypoint alone takes nobody into the mesh. */
static void check_mode(const struct use *u, const struct ifx_node *metadata)
{
	struct ifx_fix *fix;

	if (has_label(metadata, IFX_KEY_MODE) || has_label(metadata, IFX_KEY_INJECTION) ||
	    has_label(metadata, IFX_KEY_REV))
		return;
	fix = ifx_find(
		u->cx, u->name.entry->key, IFX_REPORT, IFX_INFO,
		"the namespace has a waypoint, but its pods are not in the mesh: it has no label '" IFX_KEY_MODE
		": ambient'");
	ifx_help(fix, "add it, unless the pods have it themselves");
}

static void check_user(struct ifx_cx *cx, const struct ifx_resource *r,
		       const struct ifx_node *metadata, enum user user)
{
	struct use u = { .cx = cx, .r = r, .user = user };

	u.name = ifx_said(metadata, "labels", USE);
	u.namespace = ifx_said(metadata, "labels", USE_NAMESPACE);
	if (!u.name.entry && u.namespace.entry)
		namespace_alone(&u);
	if (!u.name.text.len || ifx_says(&u.name, "none"))
		return;
	check_waypoint(&u);
	if (user == A_NAMESPACE)
		check_mode(&u, metadata);
}

static void check_users(struct ifx_cx *cx, const struct ifx_resource *r)
{
	bool core = !r->group.len;

	if (core && ifx_str_eq(r->kind, IFX_LIT("Namespace"))) {
		check_user(cx, r, r->metadata, A_NAMESPACE);
	} else if ((core && ifx_str_eq(r->kind, IFX_LIT("Service"))) ||
		   (ifx_str_eq(r->group, IFX_LIT("networking.istio.io")) &&
		    ifx_str_eq(r->kind, IFX_LIT("ServiceEntry")))) {
		check_user(cx, r, r->metadata, A_SERVICE);
	} else if (ifx_str_eq(r->group, IFX_LIT("networking.istio.io")) &&
		   ifx_str_eq(r->kind, IFX_LIT("WorkloadEntry"))) {
		check_user(cx, r, r->metadata, A_POD);
	} else {
		for (struct ifx_hit *pod = ifx_pod_metadata(cx, r); pod; pod = pod->next)
			check_user(cx, r, pod->node, A_POD);
	}
}

/* ---- istio.io/waypoint-for ---- */

/* The value that a slip of the pen stands for; NULL when there is none. */
static const char *purpose_of(ifx_str text)
{
	static const char *const purposes[] = { "service", "workload", "all", "none" };
	ifx_str word = ifx_str_trim(text);

	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < sizeof(purposes) / sizeof(*purposes); k++)
			if (ifx_str_ieq(word, ifx_str_of(purposes[k])))
				return purposes[k];
		if (word.len)
			word.len -= (word.ptr[word.len - 1] | 0x20) == 's';
	}
	return NULL;
}

static void check_purpose(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct ifx_said said = ifx_said(r->metadata, "labels", FOR);
	const char *meant;
	struct ifx_fix *fix;

	if (!said.text.ptr)
		return;
	meant = purpose_of(said.text);
	if (meant && ifx_says(&said, meant))
		return;
	if (!meant) {
		fix = ifx_find(cx, said.value, IFX_REPORT, IFX_WARNING,
			       "'%.*s' is no value of '" FOR
			       "': it matches nothing, and the waypoint takes no traffic",
			       IFX_ARG(said.text));
		ifx_help(fix, "write service, workload, all or none");
		return;
	}
	fix = ifx_find(
		cx, said.value, IFX_REPAIR, IFX_WARNING,
		"'%.*s' is no value of '" FOR "' and matches nothing; as '%s' the waypoint %s",
		IFX_ARG(said.text), meant,
		!strcmp(meant, "service")    ? "starts to take traffic for services"
		: !strcmp(meant, "workload") ? "starts to take traffic to workloads"
		: !strcmp(meant, "all") ? "starts to take traffic for services and to workloads"
					: "goes on to take none");
	if (ifx_said_editable(fix, &said))
		ifx_fix_set(fix, said.value, ifx_str_of(meant));
}

/* ---- the Gateway ---- */

static bool listens_as_waypoint(const struct ifx_node *listener)
{
	return ifx_str_eq(ifx_get_text(listener, IFX_LIT("port")), IFX_LIT("15008")) &&
	       ifx_str_eq(ifx_get_text(listener, IFX_LIT("protocol")), IFX_LIT("HBONE"));
}

/* May routes and users of other namespaces attach to it? */
static bool is_open(const struct ifx_node *listener)
{
	const struct ifx_node *allowed = ifx_get(listener, IFX_LIT("allowedRoutes"));
	ifx_str from = ifx_get_text(ifx_get(allowed, IFX_LIT("namespaces")), IFX_LIT("from"));

	return ifx_str_eq(from, IFX_LIT("All")) || ifx_str_eq(from, IFX_LIT("Selector"));
}

static bool is_bound(struct ifx_pairs labels, ifx_str name, ifx_str namespace)
{
	return ifx_str_eq(ifx_pair_value(labels, IFX_LIT(USE)), name) &&
	       ifx_str_eq(ifx_pair_value(labels, IFX_LIT(USE_NAMESPACE)), namespace);
}

static bool uses(const struct ifx_record *rec, ifx_str name, ifx_str namespace)
{
	if (is_bound(rec->labels, name, namespace))
		return true;
	for (const struct ifx_pod *pod = rec->pods; pod; pod = pod->next)
		if (is_bound(pod->labels, name, namespace))
			return true;
	return false;
}

/* An object of another namespace that is bound to the waypoint `name` of `namespace`. */
static const struct ifx_record *foreign_user(struct ifx_cx *cx, size_t environment, ifx_str group,
					     ifx_str kind, ifx_str name, ifx_str namespace)
{
	const struct ifx_record *rec = NULL;
	bool is_namespace = !group.len && ifx_str_eq(kind, IFX_LIT("Namespace"));

	while ((rec = ifx_records(cx, environment, group, kind, rec)) != NULL) {
		ifx_str own = is_namespace ? rec->name : rec->namespace;

		if (own.ptr && !ifx_str_eq(own, namespace) && uses(rec, name, namespace))
			return rec;
	}
	return NULL;
}

static const struct ifx_record *any_foreign_user(struct ifx_cx *cx, size_t environment,
						 ifx_str name, ifx_str namespace)
{
	static const struct {
		const char *group, *kind;
	} kinds[] = { { "", "Namespace" },
		      { "", "Service" },
		      { "networking.istio.io", "ServiceEntry" },
		      { "networking.istio.io", "WorkloadEntry" } };
	const struct ifx_record *rec = NULL;
	size_t n;
	const struct ifx_workload_fact *w = ifx_fact_workloads(&n);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !rec; i++)
		rec = foreign_user(cx, environment, ifx_str_of(kinds[i].group),
				   ifx_str_of(kinds[i].kind), name, namespace);
	for (size_t i = 0; i < n && !rec; i++)
		rec = foreign_user(cx, environment, ifx_str_of(w[i].group), ifx_str_of(w[i].kind),
				   name, namespace);
	return rec;
}

static void check_openness(struct ifx_cx *cx, const struct ifx_resource *r,
			   const struct ifx_entry *listener)
{
	const struct ifx_record *user = NULL;
	const size_t *list;
	size_t n = ifx_environments(cx, &list);
	struct ifx_fix *fix;

	for (size_t i = 0; i < n && !user; i++) {
		ifx_str namespace = ifx_namespace_in(cx, r, list[i]);

		if (namespace.len && r->name.len)
			user = any_foreign_user(cx, list[i], r->name, namespace);
	}
	if (!user || ifx_input_is_patch(cx))
		return;
	fix = ifx_find(
		cx, listener->value, IFX_REPORT, IFX_WARNING,
		"%.*s '%.*s' uses this waypoint from another namespace, but its listener takes only its own: '" USE
		"' does nothing there",
		IFX_ARG(user->kind), IFX_ARG(user->name));
	ifx_help(fix,
		 "add 'allowedRoutes: {namespaces: {from: All}}' to the listener, or a Selector");
}

static void wrong_listener(struct ifx_cx *cx, const struct ifx_entry *entry)
{
	const struct ifx_node *node = ifx_deref(entry->value), *at = entry->key;
	struct ifx_fix *fix;

	/* Where there is one listener it is the one that is meant. */
	if (ifx_is(node, IFX_SEQ) && node->n == 1) {
		const struct ifx_node *listener = ifx_deref(node->first->value);
		bool port = ifx_str_eq(ifx_get_text(listener, IFX_LIT("port")), IFX_LIT("15008"));
		const struct ifx_node *value =
			ifx_get(listener, port ? IFX_LIT("protocol") : IFX_LIT("port"));

		if (ifx_is(value, IFX_SCALAR))
			at = value;
	}
	fix = ifx_find(
		cx, at, IFX_REPORT, IFX_WARNING,
		"ztunnel talks to a waypoint at port 15008 by HBONE, and this one has no listener for that");
	ifx_help(fix, "write 'port: 15008' and 'protocol: HBONE'");
}

static void check_listeners(struct ifx_cx *cx, const struct ifx_resource *r,
			    const struct ifx_node *spec)
{
	const struct ifx_entry *entry = ifx_map_find(spec, IFX_LIT("listeners"), NULL);
	const struct ifx_node *list = entry ? ifx_deref(entry->value) : NULL;
	const struct ifx_entry *waypoint = NULL;
	bool open = false;

	if (!ifx_is(list, IFX_SEQ))
		return;
	for (const struct ifx_entry *e = list->first; e; e = e->next) {
		const struct ifx_node *listener = ifx_deref(e->value);

		open = open || is_open(listener);
		if (listens_as_waypoint(listener))
			waypoint = e;
	}
	if (!waypoint && !ifx_input_is_patch(cx))
		wrong_listener(cx, entry);
	else if (waypoint && !open)
		check_openness(cx, r, waypoint);
}

static void check_gateway(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_node *spec = ifx_get(r->node, IFX_LIT("spec"));
	const struct ifx_node *class = ifx_get(spec, IFX_LIT("gatewayClassName"));
	ifx_str text = ifx_is(class, IFX_SCALAR) ? ifx_text(class) : IFX_NONE;
	const struct ifx_node *annotations = ifx_get(r->metadata, IFX_LIT("annotations"));
	struct ifx_fix *fix;

	if (ifx_str_eq(text, IFX_LIT("istio")) && has_label(r->metadata, FOR)) {
		fix = ifx_find(
			cx, class, IFX_REPORT, IFX_WARNING,
			"the label '" FOR
			"' is for waypoints, but the class 'istio' is that of gateways for ingress");
		ifx_help(fix, "write 'gatewayClassName: istio-waypoint', or remove the label");
	}
	/* With the annotation it is said by hand how ztunnel reaches it. */
	if (ifx_str_eq(text, IFX_LIT("istio-waypoint")) &&
	    !ifx_map_find(annotations, IFX_LIT(BINDING), NULL))
		check_listeners(cx, r, spec);
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	if (!ifx_str_eq(r->group, IFX_LIT(GATEWAY_GROUP))) {
		check_users(cx, r);
		return;
	}
	if (ifx_str_eq(r->kind, IFX_LIT("Gateway")) || ifx_str_eq(r->kind, IFX_LIT("GatewayClass")))
		check_purpose(cx, r);
	if (ifx_str_eq(r->kind, IFX_LIT("Gateway")))
		check_gateway(cx, r);
}

const struct ifx_transform ifx_waypoint_label = {
	.id = "waypoint-label",
	.summary = "labels that name a waypoint, and the waypoint they name",
	.source = "https://istio.io/latest/docs/ambient/usage/waypoint/",
	.level = IFX_REPAIR,
	.needles = (const char *const[]){ "istio.io/use-waypoint", FOR, "istio-waypoint", NULL },
	.run = run,
};
