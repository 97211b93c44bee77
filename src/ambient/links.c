#include "ambient/links.h"

#include "ambient/find.h"
#include "ambient/match.h"
#include "ambient/needs.h"
#include "base/alloc.h"

#include <stdlib.h>

const char *ifx_link_name(ifx_link_kind kind)
{
	static const char *const names[] = { "policy", "sidecar", "url", "route" };

	return names[kind];
}

static void add(struct ifx_migration *plan, struct ifx_link link)
{
	struct ifx_links *links = &ifx_migration_env(plan, link.callee->environment)->links;
	struct ifx_link *items;

	if (link.caller == link.callee || !link.caller_name.len)
		return;
	items = ifx_grow(links->items, &links->cap, links->n + 1, sizeof(*items));
	if (!items) {
		plan->failed = true;
		return;
	}
	links->items = items;
	link.order = links->n;
	items[links->n++] = link;
}

/* ---- sources of policies ---- */

/* A namespace that the source of a policy names; patterns name none. */
static void add_source(struct ifx_migration *plan, const struct ifx_policy_view *v,
		       const struct ifx_match *m, ifx_str text)
{
	struct ifx_namespace *callee = v->object->namespace;
	struct ifx_link link = { .kind = IFX_LINK_POLICY,
				 .callee = callee,
				 .object = v->object,
				 .node = m->at,
				 .text = text };
	struct ifx_identity id;
	ifx_str rest = text;

	if (m->attr == IFX_ATTR_PRINCIPAL && ifx_identity_parse(&id, text))
		link.caller_name = id.namespace;
	else if (m->attr == IFX_ATTR_NAMESPACE)
		link.caller_name = text;
	else if (m->attr == IFX_ATTR_SERVICE_ACCOUNT && ifx_str_chr(text, '/') != SIZE_MAX)
		ifx_str_split(&rest, '/', &link.caller_name);
	if (!link.caller_name.len || ifx_str_chr(link.caller_name, '*') != SIZE_MAX)
		return;
	link.caller = ifx_estate_namespace(callee->environment, link.caller_name);
	add(plan, link);
}

static void of_clauses(struct ifx_migration *plan, const struct ifx_policy_view *v,
		       const struct ifx_clause *list, size_t n)
{
	/* Who is let in, or excepted from being refused, is somebody who calls. */
	bool deny = v->authz.action == IFX_DENY;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i].n; k++) {
			const struct ifx_match *m = &list[i].matches[k];
			struct ifx_strs values = deny ? m->not_values : m->values;

			for (size_t j = 0; j < values.n; j++)
				add_source(plan, v, m, values.list[j]);
		}
}

static void of_policies(struct ifx_migration *plan, const struct ifx_ns_plan *ns)
{
	for (const struct ifx_policy_view *v = ns->policies; v; v = v->next)
		for (size_t i = 0; i < v->authz.n_rules; i++) {
			const struct ifx_authz_rule *r = &v->authz.rules[i];

			of_clauses(plan, v, r->from, r->n_from);
			of_clauses(plan, v, r->when, r->n_when);
		}
}

/* ---- egress hosts of Sidecars ---- */

static void of_sidecars(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns->objects[IFX_SIDECAR].first; o; o = o->next) {
		const struct ifx_entry *e =
			ifx_items(ifx_get(ifx_object_spec(o), IFX_LIT("egress")));

		for (; e; e = e->next) {
			const struct ifx_entry *h =
				ifx_items(ifx_get(ifx_deref(e->value), IFX_LIT("hosts")));

			for (; h; h = h->next) {
				const struct ifx_node *node = ifx_deref(h->value);
				ifx_str rest = ifx_text(node), name, host;
				struct ifx_link link = { .kind = IFX_LINK_SIDECAR,
							 .caller = ns,
							 .caller_name = ns->name,
							 .object = o,
							 .node = node,
							 .text = ifx_text(node) };

				if (!ifx_str_split(&rest, '/', &name))
					continue;
				link.callee = ifx_estate_namespace(ns->environment, name);
				host = rest;
				if (ifx_str_split(&host, '.', &link.service) &&
				    ifx_str_eq(link.service, IFX_LIT("*")))
					link.service = IFX_LIT("");
				if (link.callee)
					add(plan, link);
			}
		}
	}
}

/* ---- host names in texts ---- */

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || ifx_is_digit(c) || c == '-' || c == '.';
}

/* `reviews.shop.svc...`, or `reviews.shop` where the tree has that Service. */
static void see_host(struct ifx_migration *plan, struct ifx_namespace *ns,
		     const struct ifx_object *o, const struct ifx_node *node, ifx_str host)
{
	struct ifx_link link = { .kind = IFX_LINK_URL,
				 .caller = ns,
				 .caller_name = ns->name,
				 .object = o,
				 .node = node,
				 .text = host };
	ifx_str rest = host, namespace, piece = IFX_NONE;

	if (!ifx_str_split(&rest, '.', &link.service) || !ifx_str_split(&rest, '.', &namespace))
		return;
	if (rest.ptr)
		ifx_str_split(&rest, '.', &piece);
	link.callee = ifx_estate_namespace(ns->environment, namespace);
	if (!link.callee || (piece.len && !ifx_str_eq(piece, IFX_LIT("svc"))))
		return;
	if (!piece.len && !ifx_object_named(link.callee, IFX_SERVICE, link.service))
		return;
	add(plan, link);
}

static void see_text(struct ifx_migration *plan, struct ifx_namespace *ns,
		     const struct ifx_object *o, const struct ifx_node *node)
{
	ifx_str text = ifx_text(node);

	for (size_t at = 0; at < text.len;) {
		size_t end = at;

		while (end < text.len && is_host_char(text.ptr[end]))
			end++;
		if (ifx_str_chr(ifx_str_sub(text, at, end - at), '.') != SIZE_MAX)
			see_host(plan, ns, o, node, ifx_str_sub(text, at, end - at));
		at = end + 1;
	}
}

static void see_texts(struct ifx_migration *plan, struct ifx_namespace *ns,
		      const struct ifx_object *o, const struct ifx_node *node)
{
	node = ifx_deref(node);
	if (ifx_is(node, IFX_SCALAR))
		see_text(plan, ns, o, node);
	else
		for (const struct ifx_entry *e = node ? node->first : NULL; e; e = e->next)
			see_texts(plan, ns, o, e->value);
}

static void of_texts(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	static const char *const keys[] = { "env", "args", "command" };

	IFX_EACH_PODS(o, p, ns)
	for (size_t i = 0; i < p->n_containers; i++)
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			see_texts(plan, ns, o, ifx_get(p->containers[i].node, ifx_str_of(keys[k])));
	for (const struct ifx_object *o = ns->objects[IFX_CONFIG_MAP].first; o; o = o->next)
		see_texts(plan, ns, o, ifx_get(o->r->node, IFX_LIT("data")));
}

/* ---- VirtualServices that callers keep ---- */

static void of_routes(struct ifx_migration *plan, struct ifx_namespace *ns)
{
	for (const struct ifx_object *o = ns->objects[IFX_VIRTUAL_SERVICE].first; o; o = o->next) {
		const struct ifx_node *spec = ifx_object_spec(o);
		const struct ifx_entry *e = ifx_items(ifx_get(spec, IFX_LIT("hosts")));

		for (; e && ifx_is_for_mesh(spec); e = e->next) {
			const struct ifx_node *host = ifx_deref(e->value);
			const struct ifx_object *service =
				ifx_svc_of_host(ns->environment, ns->name, ifx_text(host));

			if (service)
				add(plan, (struct ifx_link){ .kind = IFX_LINK_ROUTE,
							     .caller = ns,
							     .callee = service->namespace,
							     .caller_name = ns->name,
							     .service = service->r->name,
							     .object = o,
							     .node = host,
							     .text = ifx_text(host) });
		}
	}
}

/* ---- all ---- */

static int by_pair(const void *a, const void *b)
{
	const struct ifx_link *x = a, *y = b;
	int c = ifx_str_cmp(x->caller_name, y->caller_name);

	if (!c)
		c = ifx_str_cmp(x->callee->name, y->callee->name);
	if (!c)
		c = (x->kind > y->kind) - (x->kind < y->kind);
	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static bool is_same(const struct ifx_link *a, const struct ifx_link *b)
{
	return ifx_str_eq(a->caller_name, b->caller_name) && a->callee == b->callee &&
	       a->kind == b->kind && a->object == b->object && ifx_str_eq(a->service, b->service);
}

void ifx_links_find(struct ifx_migration *plan, struct ifx_env_plan *env)
{
	const struct ifx_environment *e = env->environment;
	struct ifx_links *links = &env->links;
	size_t n = 0;

	for (size_t i = 0; i < e->n_namespaces; i++) {
		of_policies(plan, &env->namespaces[i]);
		of_sidecars(plan, e->namespaces[i]);
		of_texts(plan, e->namespaces[i]);
		of_routes(plan, e->namespaces[i]);
	}
	if (links->n)
		qsort(links->items, links->n, sizeof(*links->items), by_pair);
	for (size_t i = 0; i < links->n; i++)
		if (!n || !is_same(&links->items[n - 1], &links->items[i]))
			links->items[n++] = links->items[i];
	links->n = n;
	/* From the last on, so that each list is in order. */
	for (; n; n--) {
		struct ifx_link *link = &links->items[n - 1];
		struct ifx_ns_plan *callee = ifx_migration_of(plan, link->callee);

		link->next_caller = callee->first_caller;
		callee->first_caller = n;
	}
}
