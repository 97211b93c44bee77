#include "ambient/route.h"

void ifx_route_refuse(struct ifx_route *r, const struct ifx_node *at, const char *fmt, ...)
{
	struct ifx_buf text;
	ifx_str path = at ? ifx_path_of(at, &r->m->changes->arena) : IFX_LIT("");
	va_list ap;

	ifx_buf_init(&text, 1 << 16);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	r->refused = true;
	ifx_passage_note(r->m, r->o, at, "VirtualService %.*s stays as it is: %.*s%s%.*s",
			 IFX_ARG(r->o->r->name), IFX_ARG(path), path.len ? ": " : "",
			 IFX_ARG(ifx_buf_str(&text)));
	ifx_buf_release(&text);
}

void ifx_route_only(struct ifx_route *r, const struct ifx_node *map, const char *const *keys)
{
	if (!ifx_is(map, IFX_MAP)) {
		ifx_route_refuse(r, map, "it is no map");
		return;
	}
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		size_t i = 0;

		while (keys[i] && !ifx_str_eq(ifx_text(e->key), ifx_str_of(keys[i])))
			i++;
		if (!keys[i])
			ifx_route_refuse(r, e->key, "an HTTPRoute has nothing that is the same");
	}
}

/* ---- destinations ---- */

static long number_of(ifx_str text)
{
	long n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]) || i > 6)
			return -1;
		n = n * 10 + (text.ptr[i] - '0');
	}
	return text.len ? n : -1;
}

static bool has_port(const struct ifx_svc *svc, long port)
{
	for (size_t i = 0; i < svc->n_ports; i++)
		if (svc->ports[i].port == port)
			return true;
	return false;
}

static long port_of(struct ifx_route *r, const struct ifx_node *destination,
		    const struct ifx_object *service)
{
	static const char *const keys[] = { "number", NULL };
	const struct ifx_node *port = ifx_get(destination, IFX_LIT("port"));
	const struct ifx_svc *svc = service->service;
	long n;

	if (!port && svc->n_ports == 1)
		return svc->ports[0].port;
	if (!port) {
		ifx_route_refuse(r, destination, "Service %.*s has %zu ports; say which",
				 IFX_ARG(service->r->name), svc->n_ports);
		return 0;
	}
	ifx_route_only(r, port, keys);
	n = number_of(ifx_get_text(port, IFX_LIT("number")));
	if (n < 1 || !has_port(svc, n))
		ifx_route_refuse(r, port, "Service %.*s has no such port",
				 IFX_ARG(service->r->name));
	return n;
}

void ifx_route_backend(struct ifx_route *r, const struct ifx_node *destination, size_t col)
{
	static const char *const keys[] = { "host", "subset", "port", NULL };
	const struct ifx_node *host = ifx_get(destination, IFX_LIT("host"));
	const struct ifx_node *subset = ifx_get(destination, IFX_LIT("subset"));
	const struct ifx_object *service;
	ifx_str name;

	ifx_route_only(r, destination, keys);
	service = ifx_svc_of_host(r->m->ns->environment, r->m->ns->name, ifx_text(host));
	if (!service || service->namespace != r->m->ns || service->service->external_name) {
		ifx_route_refuse(r, host ? host : destination, "it is no Service of the namespace");
		return;
	}
	name = subset ? ifx_subset_service(r, service, subset) : service->r->name;
	ifx_route_pair(r, col, "name", host, name.ptr ? name : IFX_LIT("?"));
	ifx_route_line(r, col, "port: %ld", port_of(r, destination, service));
}

static void write_destination(struct ifx_route *r, const struct ifx_node *item, bool only,
			      size_t col)
{
	static const char *const keys[] = { "destination", "weight", "headers", NULL };
	const struct ifx_node *weight = ifx_get(item, IFX_LIT("weight"));
	const struct ifx_node *destination = ifx_get(item, IFX_LIT("destination"));
	long n = number_of(ifx_text(weight));

	ifx_route_only(r, item, keys);
	ifx_route_backend(r, destination, col);
	if ((weight && (n < 0 || n > 1000000)) || (only && weight && !n) || (!only && !weight))
		ifx_route_refuse(r, weight ? weight : item,
				 "a destination among others has a weight from 0 to 1000000, and "
				 "a single one none or a positive one");
	else if (weight && !only)
		ifx_route_pair(r, col, "weight", weight, IFX_NONE);
	(void)ifx_route_headers(r, ifx_get(item, IFX_LIT("headers")), col, false);
}

static bool all_zero(const struct ifx_node *list)
{
	for (const struct ifx_entry *e = list->first; e; e = e->next)
		if (number_of(ifx_get_text(ifx_deref(e->value), IFX_LIT("weight"))) != 0)
			return false;
	return true;
}

static void write_destinations(struct ifx_route *r, const struct ifx_node *rule, size_t col)
{
	const struct ifx_node *list = ifx_get(rule, IFX_LIT("route"));
	const struct ifx_node *redirect = ifx_get(rule, IFX_LIT("redirect"));
	size_t item = ifx_route_item_col(r, col);

	if ((redirect || r->refused) && !list)
		return;
	if (redirect || !ifx_is(list, IFX_SEQ) || !list->n || list->n > IFX_ROUTE_BACKENDS_MAX ||
	    (list->n > 1 && all_zero(list))) {
		ifx_route_refuse(r, list ? list : rule,
				 "a rule has a redirect, or 1 to 16 destinations with some weight");
		return;
	}
	ifx_route_line(r, col, "backendRefs:");
	for (const struct ifx_entry *e = list->first; e; e = e->next) {
		size_t begin;

		ifx_route_head(r, e, item - 2);
		begin = ifx_route_item(r);
		write_destination(r, ifx_deref(e->value), list->n == 1, item);
		ifx_route_item_end(r, begin, item);
	}
}

/* ---- rules ---- */

/* `([0-9]{1,5}(h|m|s|ms)){1,4}`, Gateway API's durations (GEP-2257). */
static bool is_duration(ifx_str text)
{
	size_t i = 0, parts = 0;

	while (i < text.len) {
		size_t digits = i;

		while (i < text.len && ifx_is_digit(text.ptr[i]))
			i++;
		if (i == digits || i - digits > 5 || i == text.len || parts++ == 4)
			return false;
		if (text.ptr[i] == 'm' && i + 1 < text.len && text.ptr[i + 1] == 's')
			i++;
		else if (!strchr("hms", text.ptr[i]))
			return false;
		i++;
	}
	return parts > 0;
}

static void write_timeout(struct ifx_route *r, const struct ifx_node *rule, size_t col)
{
	const struct ifx_node *timeout = ifx_get(rule, IFX_LIT("timeout"));

	if (!timeout)
		return;
	if (!is_duration(ifx_text(timeout)) || ifx_get(rule, IFX_LIT("redirect")))
		ifx_route_refuse(r, timeout, "Gateway API takes no such timeout here");
	ifx_route_line(r, col, "timeouts:");
	ifx_route_pair(r, col + r->hand.step, "request", timeout, IFX_NONE);
}

static void write_rule(struct ifx_route *r, const struct ifx_entry *e, size_t number, size_t col)
{
	static const char *const keys[] = {
		"name",   "match",   "route",   "redirect",         "rewrite", "timeout",
		"mirror", "mirrors", "headers", "mirrorPercentage", NULL
	};
	const struct ifx_node *rule = ifx_deref(e->value);
	size_t above, begin;

	ifx_route_head(r, e, col - 2);
	above = begin = ifx_route_item(r);
	ifx_route_only(r, rule, keys);
	if (ifx_get(rule, IFX_LIT("name")))
		ifx_passage_note(r->m, r->o, ifx_get(rule, IFX_LIT("name")),
				 "rules of an HTTPRoute have no name in its stable version");
	ifx_route_matches(r, rule, number, col);
	ifx_route_filters(r, rule, number, col);
	write_destinations(r, rule, col);
	write_timeout(r, rule, col);
	ifx_route_item_end(r, begin, col);
	ifx_route_leftovers(r, e->start, e->end, above, col - 2);
}

static void write_rules(struct ifx_route *r, const struct ifx_node *spec)
{
	const struct ifx_node *list = ifx_get(spec, IFX_LIT("http"));
	size_t col = r->hand.step, n = 0;

	if (!ifx_is(list, IFX_SEQ) || !list->n || list->n > IFX_ROUTE_RULES_MAX) {
		ifx_route_refuse(r, list ? list : spec, "an HTTPRoute has 1 to %d rules",
				 IFX_ROUTE_RULES_MAX);
		return;
	}
	ifx_route_line(r, col, "rules:");
	for (const struct ifx_entry *e = list->first; e; e = e->next)
		write_rule(r, e, n++, ifx_route_item_col(r, col));
	ifx_route_check_order(r);
}

/* ---- the VirtualService ---- */

/* Is the protocol of the port HTTP for everybody, so that routes for HTTP count? */
static bool is_http(const struct ifx_svc_port *port)
{
	static const char *const names[] = { "http", "http2", "grpc", "grpc-web" };
	ifx_str protocol = ifx_get_text(port->node, IFX_LIT("appProtocol")), name = port->name;

	if (!ifx_str_eq(port->protocol, IFX_LIT("TCP")))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ifx_str http = ifx_str_of(names[i]);

		if (protocol.len ? ifx_str_eq(protocol, http)
				 : ifx_str_eq(name, http) || (ifx_str_starts(name, http) &&
							      name.ptr[http.len] == '-'))
			return true;
	}
	return false;
}

/* The one Service of `hosts`. */
static void read_host(struct ifx_route *r, const struct ifx_node *spec)
{
	const struct ifx_node *hosts = ifx_get(spec, IFX_LIT("hosts"));
	const struct ifx_svc *svc;

	for (const struct ifx_entry *e = ifx_list_items(hosts); e; e = e->next) {
		const struct ifx_object *service = ifx_svc_of_host(
			r->m->ns->environment, r->m->ns->name, ifx_text(ifx_deref(e->value)));

		if (!service || service->namespace != r->m->ns)
			ifx_route_refuse(r, e->value, "it is no Service of the namespace");
		else if (r->service && r->service != service)
			ifx_route_refuse(r, e->value, "one route has one Service; split it");
		else
			r->service = service;
	}
	if (!r->service) {
		if (!r->refused)
			ifx_route_refuse(r, hosts ? hosts : spec, "it names no Service");
		return;
	}
	svc = r->service->service;
	if (svc->headless || svc->external_name || !svc->selector.n || svc->n_ports != 1 ||
	    !is_http(&svc->ports[0]))
		ifx_route_refuse(r, hosts,
				 "Service %.*s has to have a selector, an address, and one port, "
				 "which says that it is HTTP",
				 IFX_ARG(r->service->r->name));
	else
		r->port = svc->ports[0].port;
}

static void check_gateways(struct ifx_route *r, const struct ifx_node *spec)
{
	const struct ifx_node *gateways = ifx_get(spec, IFX_LIT("gateways"));

	for (const struct ifx_entry *e = ifx_list_items(gateways); e; e = e->next)
		if (!ifx_str_eq(ifx_text(ifx_deref(e->value)), IFX_LIT("mesh")))
			ifx_route_refuse(r, e->value,
					 "it is for a gateway as well; split it in two");
}

static void check_export(struct ifx_route *r, const struct ifx_node *spec)
{
	const struct ifx_node *list = ifx_get(spec, IFX_LIT("exportTo"));

	for (const struct ifx_entry *e = ifx_list_items(list); e; e = e->next) {
		ifx_str text = ifx_text(ifx_deref(e->value));

		if (ifx_str_eq(text, IFX_LIT(".")))
			ifx_passage_note(r->m, r->o, e->value,
					 "an HTTPRoute has no exportTo: it counts for callers in "
					 "other namespaces as well");
		else if (!ifx_str_eq(text, IFX_LIT("*")))
			ifx_route_refuse(r, e->value, "an HTTPRoute counts for all callers");
	}
}

static void write_spec(struct ifx_route *r, const struct ifx_node *spec)
{
	static const char *const keys[] = { "hosts", "gateways", "exportTo", "http", NULL };
	size_t step = r->hand.step, item = ifx_route_item_col(r, step), above;

	ifx_route_only(r, spec, keys);
	check_gateways(r, spec);
	check_export(r, spec);
	read_host(r, spec);
	if (!r->service)
		return;
	above = ifx_route_item(r);
	ifx_route_line(r, step, "parentRefs:");
	ifx_route_line(r, item - 2, "- group: %c%c", r->hand.quote, r->hand.quote);
	ifx_route_line(r, item, "kind: Service");
	ifx_route_line(r, item, "name: %.*s", IFX_ARG(r->service->r->name));
	ifx_route_line(r, item, "port: %ld", r->port);
	write_rules(r, spec);
	ifx_route_leftovers(r, 0, r->o->r->node->doc->src.len, above, step);
}

/* Can its document be written anew, and its text be copied? */
static bool is_writable(struct ifx_route *r)
{
	static const char *const keys[] = { "apiVersion", "kind", "metadata", "spec", NULL };
	const struct ifx_node *root = r->o->r->node;
	const struct ifx_entry *metadata = ifx_map_entry(root, IFX_LIT("metadata"));

	if (root->doc->root != root || root->style != IFX_BLOCK || root->doc->has_alias ||
	    !metadata || ifx_column(root->doc->src, metadata->start)) {
		ifx_route_refuse(r, NULL,
				 "write it as a document of its own, in block style and without "
				 "aliases");
		return false;
	}
	ifx_route_only(r, root, keys);
	return true;
}

void ifx_route_read(struct ifx_route *r)
{
	const struct ifx_doc *doc = r->o->r->node->doc;
	struct ifx_arena *arena = &r->m->changes->arena;

	r->said = ifx_arena_alloc(arena, (doc->n_comments + 1) * sizeof(*r->said));
	r->m->failed |= !r->said;
	if (!r->said || !is_writable(r))
		return;
	ifx_hand_init(&r->hand, doc);
	ifx_route_top(r);
	write_spec(r, ifx_object_spec(r->o));
	if (!r->refused)
		r->text = r->hand.text.bad ? IFX_NONE
					   : ifx_arena_copy(arena, ifx_buf_str(&r->hand.text));
	r->m->failed |= !r->refused && !r->text.ptr;
	ifx_hand_release(&r->hand);
}
