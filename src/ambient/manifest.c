#include "ambient/manifest.h"

#include "ambient/hand.h"
#include "ambient/pods.h"
#include "ambient/route.h"
#include "ambient/service.h"
#include "rule/injection.h"

static ifx_str finish(struct ifx_passage *m, struct ifx_hand *hand)
{
	ifx_str text = hand->text.bad
			       ? IFX_NONE
			       : ifx_arena_copy(&m->changes->arena, ifx_buf_str(&hand->text));

	ifx_hand_release(hand);
	m->failed |= !text.ptr;
	return text;
}

static ifx_str name_of(struct ifx_passage *m, const struct ifx_front *f, const char *suffix)
{
	ifx_str name =
		ifx_arena_printf(&m->changes->arena, "%.*s%s", IFX_ARG(f->o->r->name), suffix);

	m->failed |= !name.ptr;
	return name;
}

ifx_str ifx_allow_name(struct ifx_passage *m, const struct ifx_front *f)
{
	return name_of(m, f, "-from-waypoint");
}

ifx_str ifx_guard_name(struct ifx_passage *m, const struct ifx_front *f)
{
	return name_of(m, f, "-deny-waypoint-bypass");
}

bool ifx_is_for(const struct ifx_passage *m, const struct ifx_stance *s, const struct ifx_front *f)
{
	for (size_t i = 0; i < s->n_fronts; i++)
		if (&m->fronts[s->fronts[i]] == f)
			return true;
	return false;
}

bool ifx_is_authz(const struct ifx_stance *s, ifx_action action)
{
	return s->o->kind == IFX_AUTHORIZATION_POLICY && s->authz.action == action && !s->ours;
}

/* ---- comments ---- */

/* `, ` between what is listed. */
static void add_name(struct ifx_buf *out, bool *first, ifx_str name)
{
	ifx_buf_addf(out, "%s%.*s", *first ? "" : ", ", IFX_ARG(name));
	*first = false;
}

/* `AuthorizationPolicy a, b`, those policies of a kind that need the waypoint. */
static void add_reasons(struct ifx_buf *out, const struct ifx_passage *m, ifx_object_kind kind,
			bool *any)
{
	bool first = true;

	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->o->kind != kind || !s->l7 || s->ours || !s->n_fronts)
			continue;
		if (first)
			ifx_buf_addf(out, "%s%.*s ", *any ? ", " : "",
				     IFX_ARG(ifx_object_kind_name(s->o)));
		*any = true;
		add_name(out, &first, s->o->r->name);
	}
}

static void add_objects(struct ifx_buf *out, const struct ifx_passage *m, ifx_object_kind kind,
			bool *any)
{
	bool first = true;

	for (const struct ifx_object *o = m->ns->objects[kind].first; o; o = o->next) {
		if (ifx_routes_goes(m->routes, o))
			continue;
		if (first)
			ifx_buf_addf(out, "%s%.*s ", *any ? ", " : "",
				     IFX_ARG(ifx_object_kind_name(o)));
		*any = true;
		add_name(out, &first, o->r->name);
	}
}

/* HTTPRoutes, those that VirtualServices become among them. */
static void add_routes(struct ifx_buf *out, const struct ifx_passage *m, bool *any)
{
	bool there = m->ns->objects[IFX_HTTP_ROUTE].n > 0, first = !there;

	add_objects(out, m, IFX_HTTP_ROUTE, any);
	for (const struct ifx_object *o = m->ns->objects[IFX_VIRTUAL_SERVICE].first; o;
	     o = o->next) {
		if (!ifx_routes_goes(m->routes, o))
			continue;
		if (first)
			ifx_buf_addf(out, "%sHTTPRoute ", *any ? ", " : "");
		*any = true;
		add_name(out, &first, o->r->name);
	}
}

static void say_gateway(struct ifx_hand *hand, const struct ifx_passage *m)
{
	struct ifx_buf *out = &hand->text;
	size_t n = 0;
	bool first = true, any = false;

	for (size_t i = 0; i < m->n_fronts; i++)
		n += m->fronts[i].needed;
	if (!n) {
		ifx_buf_addf(out, "# istio-fix: waypoint for namespace %.*s\n",
			     IFX_ARG(m->ns->name));
		return;
	}
	ifx_buf_addf(out, "# istio-fix: waypoint for Service%s ", n > 1 ? "s" : "");
	for (size_t i = 0; i < m->n_fronts; i++)
		if (m->fronts[i].needed)
			add_name(out, &first, m->fronts[i].o->r->name);
	ifx_buf_add(out, IFX_LIT(" ("));
	add_reasons(out, m, IFX_REQUEST_AUTHENTICATION, &any);
	add_reasons(out, m, IFX_AUTHORIZATION_POLICY, &any);
	add_reasons(out, m, IFX_WASM_PLUGIN, &any);
	if (!any) {
		add_objects(out, m, IFX_DESTINATION_RULE, &any);
		add_objects(out, m, IFX_VIRTUAL_SERVICE, &any);
		add_routes(out, m, &any);
		add_objects(out, m, IFX_GRPC_ROUTE, &any);
	}
	if (any)
		ifx_buf_add(out, IFX_LIT(")\n"));
	else
		hand->text.len -= 2, ifx_buf_addc(out, '\n');
}

/* Where the document beside leaves its namespace to kustomize or kubectl, so does a new one. */
static void add_namespace(struct ifx_hand *hand, const struct ifx_passage *m,
			  const struct ifx_doc *like)
{
	const struct ifx_node *root = like ? like->root : NULL;
	bool object =
		root && !ifx_str_eq(ifx_get_text(root, IFX_LIT("kind")), IFX_LIT("Namespace"));

	if (!object || ifx_get(ifx_get(root, IFX_LIT("metadata")), IFX_LIT("namespace")))
		ifx_hand_pair(hand, 1, 0, "namespace", m->ns->name);
}

/* ---- the waypoint ---- */

ifx_str ifx_manifest_gateway(struct ifx_passage *m, const struct ifx_doc *like)
{
	struct ifx_hand hand;
	ifx_str revision = m->ns->revision.value;

	ifx_hand_init(&hand, like);
	say_gateway(&hand, m);
	ifx_hand_line(&hand, 0, 0, "apiVersion: gateway.networking.k8s.io/v1");
	ifx_hand_line(&hand, 0, 0, "kind: Gateway");
	ifx_hand_line(&hand, 0, 0, "metadata:");
	ifx_hand_pair(&hand, 1, 0, "name", m->waypoint);
	add_namespace(&hand, m, like);
	ifx_hand_line(&hand, 1, 0, "labels:");
	ifx_hand_line(&hand, 2, 0, "istio.io/waypoint-for: service");
	/* With both labels the revision had no effect, and has none to keep. */
	if (revision.len && !m->ns->injection.value.ptr)
		ifx_hand_pair(&hand, 2, 0, IFX_KEY_REV, revision);
	ifx_hand_line(&hand, 0, 0, "spec:");
	ifx_hand_line(&hand, 1, 0, "gatewayClassName: istio-waypoint");
	if (m->options->size_hints) {
		ifx_hand_line(&hand, 1, 0, "infrastructure:");
		ifx_hand_line(&hand, 2, 0, "parametersRef:");
		ifx_hand_line(&hand, 3, 0, "group: %c%c", hand.quote, hand.quote);
		ifx_hand_line(&hand, 3, 0, "kind: ConfigMap");
		ifx_hand_line(&hand, 3, 0, "name: %.*s-size", IFX_ARG(m->waypoint));
	}
	ifx_hand_line(&hand, 1, 0, "listeners:");
	ifx_hand_line(&hand, 1, 1, "- name: mesh");
	ifx_hand_line(&hand, 1, 1, "  port: 15008");
	ifx_hand_line(&hand, 1, 1, "  protocol: HBONE");
	return finish(m, &hand);
}

/* ---- who may reach the pods past the waypoint ---- */

static void add_policy(struct ifx_hand *hand, struct ifx_passage *m, const struct ifx_front *f,
		       ifx_str name, bool allow, const struct ifx_doc *like)
{
	struct ifx_pairs selector = f->svc->selector;

	ifx_hand_line(hand, 0, 0, "apiVersion: security.istio.io/v1");
	ifx_hand_line(hand, 0, 0, "kind: AuthorizationPolicy");
	ifx_hand_line(hand, 0, 0, "metadata:");
	ifx_hand_pair(hand, 1, 0, "name", name);
	add_namespace(hand, m, like);
	ifx_hand_line(hand, 0, 0, "spec:");
	ifx_hand_line(hand, 1, 0, "selector:");
	ifx_hand_line(hand, 2, 0, "matchLabels:");
	for (size_t i = 0; i < selector.n; i++)
		ifx_hand_label(hand, 3, selector.items[i].key, selector.items[i].value);
	ifx_hand_line(hand, 1, 0, "action: %s", allow ? "ALLOW" : "DENY");
	ifx_hand_line(hand, 1, 0, "rules:");
	ifx_hand_line(hand, 1, 1, "- from:");
	ifx_hand_line(hand, 1, 2, "  - source:");
	ifx_hand_line(hand, 2, 2, "    %s: [%c%.*s%c]", allow ? "principals" : "notPrincipals",
		      hand->quote, IFX_ARG(m->principal), hand->quote);
}

/* The policies that move from the pods of a Service to its waypoint. */
struct moving {
	size_t n; /* AuthorizationPolicies */
	const struct ifx_stance *last;
	bool tokens;                       /* a RequestAuthentication is among them */
	const struct ifx_stance *refusing; /* an ALLOW that stays and would refuse the waypoint */
};

static struct moving moving_of(const struct ifx_passage *m, const struct ifx_front *f)
{
	struct moving v = { 0 };

	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (!ifx_is_for(m, s, f) || s->ours)
			continue;
		v.tokens |= s->o->kind == IFX_REQUEST_AUTHENTICATION;
		if (s->o->kind != IFX_AUTHORIZATION_POLICY)
			continue;
		if (s->l7) {
			v.n++;
			v.last = s;
		} else if (s->authz.action == IFX_ALLOW && !v.refusing) {
			v.refusing = s;
		}
	}
	return v;
}

ifx_str ifx_manifest_allow(struct ifx_passage *m, const struct ifx_front *f,
			   const struct ifx_doc *like)
{
	struct moving v = moving_of(m, f);
	ifx_str name = f->o->r->name;
	struct ifx_hand hand;

	ifx_hand_init(&hand, like);
	if (v.refusing)
		ifx_hand_line(&hand, 0, 0,
			      "# istio-fix: %.*s accepts connections from its waypoint; without "
			      "this, %.*s would refuse them",
			      IFX_ARG(name), IFX_ARG(v.refusing->o->r->name));
	else if (m->phase != IFX_STEP_CUTOVER || v.n != 1)
		ifx_hand_line(&hand, 0, 0,
			      "# istio-fix: %.*s accepts connections from its waypoint",
			      IFX_ARG(name));
	else if (v.tokens)
		ifx_hand_line(
			&hand, 0, 0,
			"# istio-fix: ztunnel admits %.*s connections only from the waypoint, "
			"where %.*s is enforced now",
			IFX_ARG(name), IFX_ARG(v.last->o->r->name));
	else
		ifx_hand_line(&hand, 0, 0,
			      "# istio-fix: %.*s accepts connections from its waypoint only, as "
			      "%.*s is enforced there now",
			      IFX_ARG(name), IFX_ARG(v.last->o->r->name));
	add_policy(&hand, m, f, ifx_allow_name(m, f), true, like);
	return finish(m, &hand);
}

/* What a guard keeps from being gone around. */
static bool is_guarded(const struct ifx_passage *m, const struct ifx_stance *s,
		       const struct ifx_front *f)
{
	if (!ifx_is_for(m, s, f) || !s->l7 || s->ours)
		return false;
	return s->o->kind == IFX_REQUEST_AUTHENTICATION ||
	       (s->o->kind == IFX_AUTHORIZATION_POLICY &&
		(s->authz.action == IFX_DENY || s->authz.action == IFX_CUSTOM));
}

ifx_str ifx_manifest_guard(struct ifx_passage *m, const struct ifx_front *f,
			   const struct ifx_doc *like)
{
	struct ifx_hand hand;
	bool first = true;

	ifx_hand_init(&hand, like);
	ifx_buf_addf(&hand.text,
		     "# istio-fix: no connection to %.*s may go around the waypoint and so around ",
		     IFX_ARG(f->o->r->name));
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];
		bool custom =
			s->o->kind == IFX_AUTHORIZATION_POLICY && s->authz.action == IFX_CUSTOM;

		if (!is_guarded(m, s, f))
			continue;
		ifx_buf_addf(&hand.text, "%s%s%.*s%s", first ? "" : ", ", custom ? "the " : "",
			     IFX_ARG(s->o->r->name), custom ? " check" : "");
		first = false;
	}
	if (first)
		ifx_buf_add(&hand.text, IFX_LIT("its policies"));
	ifx_buf_addc(&hand.text, '\n');
	add_policy(&hand, m, f, ifx_guard_name(m, f), false, like);
	return finish(m, &hand);
}

/* ---- sizes ---- */

static const char *const size_keys[] = { "sidecar.istio.io/proxyCPU",
					 "sidecar.istio.io/proxyCPULimit",
					 "sidecar.istio.io/proxyMemory",
					 "sidecar.istio.io/proxyMemoryLimit" };

ifx_str ifx_manifest_size_hints(struct ifx_passage *m, const struct ifx_doc *like)
{
	struct ifx_hand hand;
	bool any = false;

	ifx_hand_init(&hand, like);
	ifx_hand_line(&hand, 0, 0,
		      "# istio-fix: what the sidecars of %.*s asked for; the waypoint takes the "
		      "place of those in front of its Services",
		      IFX_ARG(m->ns->name));
	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			for (size_t i = 0; i < sizeof(size_keys) / sizeof(*size_keys); i++) {
				ifx_str value =
					ifx_pair_value(p->annotations, ifx_str_of(size_keys[i]));

				if (!value.len || ifx_str_chr(value, '\n') != SIZE_MAX)
					continue;
				any = true;
				ifx_hand_line(&hand, 0, 0, "#   %.*s %.*s, %zu x %s: %.*s",
					      IFX_ARG(ifx_object_kind_name(o)), IFX_ARG(o->r->name),
					      p->replicas,
					      size_keys[i] + sizeof("sidecar.istio.io/") - 1,
					      IFX_ARG(value));
			}
	if (!any) {
		ifx_hand_release(&hand);
		return IFX_NONE;
	}
	ifx_hand_line(&hand, 0, 0, "apiVersion: v1");
	ifx_hand_line(&hand, 0, 0, "kind: ConfigMap");
	ifx_hand_line(&hand, 0, 0, "metadata:");
	ifx_hand_line(&hand, 1, 0, "name: %.*s-size", IFX_ARG(m->waypoint));
	add_namespace(&hand, m, like);
	ifx_hand_line(&hand, 0, 0, "data:");
	ifx_hand_line(&hand, 1, 0, "deployment: |");
	ifx_hand_line(&hand, 2, 0, "# spec:");
	ifx_hand_line(&hand, 2, 0, "#   template:");
	ifx_hand_line(&hand, 2, 0, "#     spec:");
	ifx_hand_line(&hand, 2, 0, "#       containers:");
	ifx_hand_line(&hand, 2, 0, "#       - name: istio-proxy");
	ifx_hand_line(&hand, 2, 0, "#         resources:");
	ifx_hand_line(&hand, 2, 0, "#           requests: {cpu: 100m, memory: 128Mi}");
	return finish(m, &hand);
}

/* ---- ports in plaintext ---- */

ifx_str ifx_manifest_plaintext(struct ifx_passage *m, const struct ifx_object *workload,
			       const struct ifx_labels *selector, const long *ports, size_t n,
			       const struct ifx_doc *like)
{
	struct ifx_hand hand;

	ifx_hand_init(&hand, like);
	ifx_hand_line(&hand, 0, 0,
		      "# istio-fix: ports of %.*s that the sidecar left alone stay reachable in "
		      "plaintext",
		      IFX_ARG(workload->r->name));
	ifx_hand_line(&hand, 0, 0, "apiVersion: security.istio.io/v1");
	ifx_hand_line(&hand, 0, 0, "kind: PeerAuthentication");
	ifx_hand_line(&hand, 0, 0, "metadata:");
	ifx_hand_line(&hand, 1, 0, "name: %.*s-plaintext-ports", IFX_ARG(workload->r->name));
	add_namespace(&hand, m, like);
	ifx_hand_line(&hand, 0, 0, "spec:");
	ifx_hand_line(&hand, 1, 0, "selector:");
	ifx_hand_line(&hand, 2, 0, "matchLabels:");
	for (size_t i = 0; i < selector->n; i++)
		ifx_hand_label(&hand, 3, selector->list[i].key, selector->list[i].value);
	ifx_hand_line(&hand, 1, 0, "portLevelMtls:");
	for (size_t i = 0; i < n; i++) {
		ifx_hand_line(&hand, 2, 0, "%ld:", ports[i]);
		ifx_hand_line(&hand, 3, 0, "mode: PERMISSIVE");
	}
	return finish(m, &hand);
}
