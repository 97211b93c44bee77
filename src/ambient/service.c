#include "ambient/service.h"

#include "ambient/pods.h"

#include <stdlib.h>

static long number_of(ifx_str text)
{
	long n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]) || n > 65535)
			return 0;
		n = n * 10 + (text.ptr[i] - '0');
	}
	return n > 65535 ? 0 : n;
}

static void read_port(struct ifx_svc_port *p, const struct ifx_node *node)
{
	ifx_str target = ifx_get_text(node, IFX_LIT("targetPort"));

	p->node = node;
	p->name = ifx_get_text(node, IFX_LIT("name"));
	p->port = number_of(ifx_get_text(node, IFX_LIT("port")));
	p->protocol = ifx_get_text(node, IFX_LIT("protocol"));
	if (!p->protocol.len)
		p->protocol = IFX_LIT("TCP");
	p->target = target.len ? number_of(target) : p->port;
	p->target_name = target.len && !p->target ? target : IFX_NONE;
}

bool ifx_svc_read(struct ifx_estate *estate, struct ifx_object *o)
{
	struct ifx_svc *s = ifx_arena_alloc(&estate->arena, sizeof(*s));
	const struct ifx_node *spec = ifx_object_spec(o);
	const struct ifx_node *ports = ifx_get(spec, IFX_LIT("ports"));
	struct ifx_svc_port *list;

	if (!s)
		return false;
	s->object = o;
	s->selector = ifx_estate_pairs(estate, ifx_get(spec, IFX_LIT("selector")));
	s->headless = ifx_str_eq(ifx_get_text(spec, IFX_LIT("clusterIP")), IFX_LIT("None"));
	s->external_name = ifx_str_eq(ifx_get_text(spec, IFX_LIT("type")), IFX_LIT("ExternalName"));
	o->service = s;
	if (!ifx_is(ports, IFX_SEQ))
		return true;
	list = ifx_arena_alloc(&estate->arena, ports->n * sizeof(*list));
	if (!list)
		return false;
	s->ports = list;
	for (const struct ifx_entry *e = ports->first; e; e = e->next)
		read_port(&list[s->n_ports++], ifx_deref(e->value));
	return true;
}

bool ifx_svc_selects(const struct ifx_svc *service, const struct ifx_pods *pods)
{
	return ifx_selects(service->selector, pods->labels);
}

struct ifx_object *ifx_svc_of_host(const struct ifx_environment *e, ifx_str from, ifx_str host)
{
	ifx_str rest = host, name, namespace = from, piece;
	struct ifx_namespace *ns;

	ifx_str_split(&rest, '.', &name);
	if (rest.ptr && ifx_str_split(&rest, '.', &piece)) {
		namespace = piece;
		/* shop.svc, shop.svc.cluster.local, or some name of the outside */
		if (rest.ptr && !ifx_str_eq(rest, IFX_LIT("svc")) &&
		    !ifx_str_starts(rest, IFX_LIT("svc.")))
			return NULL;
	}
	ns = ifx_estate_namespace(e, namespace);
	return ns ? ifx_object_named(ns, IFX_SERVICE, name) : NULL;
}
