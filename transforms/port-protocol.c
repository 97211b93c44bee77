/*
 * port-protocol: a Service port that does not say which protocol it speaks, in a namespace of the
 * mesh. Istio reads `appProtocol`, else the name up to the first dash; without either it looks at
 * the first bytes of each connection.
 */
#include "rule/transform.h"

#include "rule/glance.h"
#include "rule/injection.h"

#include <ctype.h>

/* The first leaves things as they are: nobody can see in a manifest what a port speaks. */
static const struct ifx_answer answers[] = {
	{ "leave", "let Istio look at each connection" },
	{ "http", "add appProtocol: http" },
	{ "http2", "add appProtocol: http2" },
	{ "grpc", "add appProtocol: grpc" },
	{ "https", "add appProtocol: https" },
	{ "tls", "add appProtocol: tls" },
	{ "tcp", "add appProtocol: tcp" },
	{ NULL, NULL },
};

/* Does the name follow the convention? */
static bool names_protocol(ifx_str name)
{
	static const char *const protocols[] = { "tcp",        "udp",   "grpc",  "http",
						 "http_proxy", "http2", "https", "tls",
						 "mongo",      "redis", "mysql" };
	ifx_str head;

	if (!ifx_str_split(&name, '-', &head))
		return false;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (ifx_str_ieq(head, ifx_str_of(protocols[i])))
			return true;
	return false;
}

/* Ports that are plain TCP to Istio whatever their name: mail, DNS, MySQL, MongoDB. */
static bool is_well_known(ifx_str port)
{
	static const char *const ports[] = { "25", "53", "3306", "27017" };

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		if (ifx_str_eq(port, ifx_str_of(ports[i])))
			return true;
	return false;
}

/* A port that keeps its protocol to itself. */
static bool is_silent(const struct ifx_node *port)
{
	ifx_str protocol = ifx_get_text(port, IFX_LIT("protocol"));

	if (!ifx_is(port, IFX_MAP) || ifx_map_find(port, IFX_LIT("appProtocol"), NULL))
		return false;
	if (protocol.len && !ifx_str_eq(protocol, IFX_LIT("TCP")))
		return false;
	return !names_protocol(ifx_get_text(port, IFX_LIT("name"))) &&
	       !is_well_known(ifx_get_text(port, IFX_LIT("port")));
}

static void one_port(struct ifx_cx *cx, const struct ifx_node *port)
{
	ifx_str name = ifx_get_text(port, IFX_LIT("name"));
	ifx_str number = ifx_get_text(port, IFX_LIT("port"));
	const struct ifx_entry *at =
		ifx_map_find(port, name.len ? IFX_LIT("name") : IFX_LIT("port"), NULL);
	bool answered;
	const char *answer = ifx_chosen(cx, &answered);
	bool leave = !strcmp(answer, "leave");
	struct ifx_fix *fix;

	if (!at || (answered && leave))
		return;
	fix = ifx_find(
		cx, at->key, IFX_CHOICE, IFX_INFO,
		"port %.*s%s%.*s%s does not say its protocol: Istio looks at the first bytes of each connection%s%s",
		IFX_ARG(number), name.len ? " ('" : "", IFX_ARG(name), name.len ? "')" : "",
		leave ? "" : "; from now on it is ", leave ? "" : answer);
	ifx_answered(fix, answered);
	if (leave)
		ifx_help(fix, "a port on which the server speaks first needs appProtocol: tcp");
	else
		ifx_fix_insert(fix, (struct ifx_place){ .base = port }, IFX_LIT("appProtocol"),
			       ifx_str_of(answer));
}

static bool is_in_mesh(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct ifx_injection in = ifx_injection_of(cx, r);

	return in.ambient || in.state == IFX_INJECTION_ENABLED ||
	       in.state == IFX_INJECTION_REVISION;
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_node *spec, *ports;
	bool asked = false;

	if (r->group.len || !ifx_str_eq(r->kind, IFX_LIT("Service")))
		return;
	spec = ifx_get(r->node, IFX_LIT("spec"));
	ports = ifx_get(spec, IFX_LIT("ports"));
	if (!ifx_is(ports, IFX_SEQ) ||
	    ifx_str_eq(ifx_get_text(spec, IFX_LIT("type")), IFX_LIT("ExternalName")))
		return;
	for (const struct ifx_entry *e = ports->first; e; e = e->next) {
		const struct ifx_node *port = ifx_deref(e->value);

		if (!is_silent(port))
			continue;
		if (!asked && !is_in_mesh(cx, r))
			return;
		asked = true;
		one_port(cx, port);
	}
}

static bool says_protocol(const struct ifx_glance_item *item)
{
	for (size_t i = 0; i < item->n; i++) {
		ifx_str key = item->entries[i].key, value = item->entries[i].value;

		if (ifx_str_eq(key, IFX_LIT("appProtocol")) ||
		    (ifx_str_eq(key, IFX_LIT("name")) && names_protocol(value)))
			return true;
	}
	return false;
}

/* Most Services say all protocols. */
static bool glance(ifx_str document)
{
	return ifx_glance_items(document, IFX_LIT("ports"), says_protocol);
}

/* Most that is called a Service is none. */
static bool concerns(ifx_str document, size_t at)
{
	size_t behind = at + strlen("Service");
	char before = at ? document.ptr[at - 1] : ' ';

	/* The kind: Service, or ServiceList. */
	if (strchr(" \t\r\n\"':,[{", before) == NULL)
		return false;
	return behind == document.len || !isalpha((unsigned char)document.ptr[behind]) ||
	       ifx_str_starts(ifx_str_sub(document, behind, document.len - behind),
			      IFX_LIT("List"));
}

const struct ifx_transform ifx_port_protocol = {
	.id = "port-protocol",
	.ist = "IST0118",
	.summary = "Service ports of the mesh say which protocol they speak",
	.source =
		"https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
	.level = IFX_CHOICE,
	.needles = (const char *const[]){ "Service", NULL },
	.concerns = concerns,
	.glance = glance,
	.answers = answers,
	.run = run,
};
