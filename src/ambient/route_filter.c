#include "ambient/route.h"

/* Header names and values in one filter. */
#define HEADERS_MAX 16

/* A list of filters that begins with its first one. */
struct filters {
	struct ifx_route *r;
	size_t col; /* of its key */
	size_t n;
};

/* `- type: X`; where the item began, for ifx_route_item_end. */
static size_t begin_filter(struct filters *f, const char *type)
{
	size_t begin;

	if (!f->n++)
		ifx_route_line(f->r, f->col, "filters:");
	begin = ifx_route_item(f->r);
	ifx_route_line(f->r, ifx_route_item_col(f->r, f->col), "type: %s", type);
	return begin;
}

static size_t item_col(const struct filters *f)
{
	return ifx_route_item_col(f->r, f->col);
}

/* ---- headers ---- */

static bool is_name(ifx_str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (strchr(":%\" \t{}()[]<>@,;/?=\\", name.ptr[i]))
			return false;
	return name.len && name.len <= 256 && !ifx_str_ieq(name, IFX_LIT("host"));
}

/* Names in all three lists: each once, whatever its case. */
static bool is_twice(const struct ifx_node *operations, const struct ifx_node *name)
{
	static const char *const keys[] = { "set", "add", "remove" };
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		const struct ifx_node *list = ifx_get(operations, ifx_str_of(keys[i]));

		if (!ifx_is(list, IFX_MAP) && !ifx_is(list, IFX_SEQ))
			continue;
		for (const struct ifx_entry *e = list->first; e; e = e->next)
			n += ifx_str_ieq(ifx_text(e->key ? e->key : e->value), ifx_text(name));
	}
	return n > 1;
}

static void check_name(struct ifx_route *r, const struct ifx_node *operations,
		       const struct ifx_node *name)
{
	if (!is_name(ifx_text(name)))
		ifx_route_refuse(r, name, "Gateway API changes no such header");
	else if (is_twice(operations, name))
		ifx_route_refuse(r, name, "Gateway API takes each header once");
}

static void write_values(struct ifx_route *r, const char *key, const struct ifx_node *operations,
			 size_t col)
{
	const struct ifx_node *map = ifx_get(operations, ifx_str_of(key));
	size_t item = ifx_route_item_col(r, col);

	if (!map)
		return;
	if (!ifx_is(map, IFX_MAP) || !map->n || map->n > HEADERS_MAX) {
		ifx_route_refuse(r, map, "Gateway API takes 1 to 16 of them");
		return;
	}
	ifx_route_line(r, col, "%s:", key);
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		ifx_str value = ifx_text(e->value);
		size_t begin;

		check_name(r, operations, e->key);
		if (!value.len || ifx_str_chr(value, '%') != SIZE_MAX)
			ifx_route_refuse(r, e->value,
					 "an empty value, or one with %%, may mean "
					 "something else in Gateway API");
		ifx_route_head(r, e, item - 2);
		begin = ifx_route_item(r);
		ifx_route_pair(r, item, "name", NULL, ifx_text(e->key));
		ifx_route_pair(r, item, "value", e->value, IFX_NONE);
		ifx_route_item_end(r, begin, item);
	}
}

static void write_removals(struct ifx_route *r, const struct ifx_node *operations, size_t col)
{
	const struct ifx_node *list = ifx_get(operations, IFX_LIT("remove"));

	if (!list)
		return;
	if (!ifx_is(list, IFX_SEQ) || !list->n || list->n > HEADERS_MAX) {
		ifx_route_refuse(r, list, "Gateway API takes 1 to 16 of them");
		return;
	}
	ifx_route_line(r, col, "remove:");
	for (const struct ifx_entry *e = list->first; e; e = e->next) {
		check_name(r, operations, e->value);
		ifx_route_head(r, e, col + r->hand.dash);
		ifx_route_line(r, col + r->hand.dash, "- %.*s", IFX_ARG(ifx_text(e->value)));
	}
}

static void write_operations(struct filters *f, const char *type, const char *key,
			     const struct ifx_node *operations)
{
	static const char *const keys[] = { "set", "add", "remove", NULL };
	struct ifx_route *r = f->r;
	size_t begin, col = item_col(f) + r->hand.step;

	if (!operations)
		return;
	if (!ifx_is(operations, IFX_MAP) || !operations->n) {
		ifx_route_refuse(r, operations, "it says nothing");
		return;
	}
	ifx_route_only(r, operations, keys);
	begin = begin_filter(f, type);
	ifx_route_line(r, item_col(f), "%s:", key);
	write_values(r, "set", operations, col);
	write_values(r, "add", operations, col);
	write_removals(r, operations, col);
	ifx_route_item_end(r, begin, item_col(f));
}

size_t ifx_route_headers(struct ifx_route *r, const struct ifx_node *headers, size_t col,
			 bool begun)
{
	static const char *const keys[] = { "request", "response", NULL };
	struct filters f = { r, col, begun };

	if (!headers)
		return 0;
	ifx_route_only(r, headers, keys);
	write_operations(&f, "RequestHeaderModifier", "requestHeaderModifier",
			 ifx_get(headers, IFX_LIT("request")));
	write_operations(&f, "ResponseHeaderModifier", "responseHeaderModifier",
			 ifx_get(headers, IFX_LIT("response")));
	return f.n;
}

/* ---- redirects and rewrites ---- */

static bool is_host(ifx_str host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (!ifx_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '.' && c != '-')
			return false;
	}
	return host.len && host.len <= 253;
}

static void write_host(struct ifx_route *r, const struct ifx_node *authority, size_t col)
{
	if (!authority)
		return;
	if (!is_host(ifx_text(authority)))
		ifx_route_refuse(r, authority,
				 "Gateway API takes a host name in small letters, "
				 "without a port");
	ifx_route_pair(r, col, "hostname", authority, IFX_NONE);
}

static void write_full_path(struct ifx_route *r, const struct ifx_node *uri, size_t col)
{
	ifx_str text = ifx_text(uri);

	if (!uri)
		return;
	if (!ifx_str_starts(text, IFX_LIT("/")) || text.len > 1024 ||
	    ifx_str_chr(text, '%') != SIZE_MAX || ifx_str_chr(text, '\\') != SIZE_MAX)
		ifx_route_refuse(r, uri, "Gateway API may not take this path as it is");
	ifx_route_line(r, col, "path:");
	ifx_route_line(r, col + r->hand.step, "type: ReplaceFullPath");
	ifx_route_pair(r, col + r->hand.step, "replaceFullPath", uri, IFX_NONE);
}

/*
 * Without a port Gateway API takes that of the scheme, else that of the request; a VirtualService
 * changes nothing. They agree where the port is said, or host and scheme stay.
 */
static void check_redirect_port(struct ifx_route *r, const struct ifx_node *redirect)
{
	const struct ifx_node *derive = ifx_get(redirect, IFX_LIT("derivePort"));
	const struct ifx_node *scheme = ifx_get(redirect, IFX_LIT("scheme"));
	const struct ifx_node *authority = ifx_get(redirect, IFX_LIT("authority"));
	ifx_str same = scheme ? IFX_LIT("FROM_PROTOCOL_DEFAULT") : IFX_LIT("FROM_REQUEST_PORT");

	if (ifx_get(redirect, IFX_LIT("port")) || ifx_str_eq(ifx_text(derive), same))
		return;
	if (derive)
		ifx_route_refuse(r, derive, "Gateway API derives another port here");
	else if (scheme || authority)
		ifx_route_refuse(r, scheme ? scheme : authority,
				 "without a port Gateway API redirects to another one; say which");
}

static void write_redirect(struct filters *f, const struct ifx_node *redirect)
{
	static const char *const keys[] = { "uri",    "authority",    "port", "derivePort",
					    "scheme", "redirectCode", NULL };
	const struct ifx_node *code = ifx_get(redirect, IFX_LIT("redirectCode"));
	const struct ifx_node *scheme = ifx_get(redirect, IFX_LIT("scheme"));
	const struct ifx_node *port = ifx_get(redirect, IFX_LIT("port"));
	struct ifx_route *r = f->r;
	size_t begin, col = item_col(f) + r->hand.step;
	ifx_str status = code ? ifx_text(code) : IFX_LIT("301");

	ifx_route_only(r, redirect, keys);
	check_redirect_port(r, redirect);
	if (!ifx_str_eq(status, IFX_LIT("301")) && !ifx_str_eq(status, IFX_LIT("302")))
		ifx_route_refuse(r, code, "Gateway API redirects with 301 or 302");
	if (scheme && !ifx_str_eq(ifx_text(scheme), IFX_LIT("http")) &&
	    !ifx_str_eq(ifx_text(scheme), IFX_LIT("https")))
		ifx_route_refuse(r, scheme, "Gateway API redirects to http or https");
	begin = begin_filter(f, "RequestRedirect");
	ifx_route_line(r, item_col(f), "requestRedirect:");
	if (scheme)
		ifx_route_pair(r, col, "scheme", scheme, IFX_NONE);
	write_host(r, ifx_get(redirect, IFX_LIT("authority")), col);
	write_full_path(r, ifx_get(redirect, IFX_LIT("uri")), col);
	if (port)
		ifx_route_line(r, col, "port: %.*s", IFX_ARG(ifx_text(port)));
	ifx_route_line(r, col, "statusCode: %.*s", IFX_ARG(status));
	ifx_route_item_end(r, begin, item_col(f));
}

/* A VirtualService rewrites what was matched: all of the path only where that was exact. */
static void check_rewritten(struct ifx_route *r, const struct ifx_node *uri, size_t number)
{
	for (size_t i = 0; i < r->n_matches; i++) {
		const struct ifx_route_match *x = &r->matches[i];

		if (x->rule != number || x->path == IFX_PATH_EXACT || x->path == IFX_PATH_REGEX)
			continue;
		ifx_route_refuse(r, uri,
				 "Gateway API treats slashes otherwise when it replaces a "
				 "prefix");
		return;
	}
}

static void write_rewrite(struct filters *f, const struct ifx_node *rewrite, size_t number)
{
	static const char *const keys[] = { "uri", "authority", NULL };
	const struct ifx_node *uri = ifx_get(rewrite, IFX_LIT("uri"));
	struct ifx_route *r = f->r;
	size_t begin, col = item_col(f) + r->hand.step;

	ifx_route_only(r, rewrite, keys);
	if (!ifx_is(rewrite, IFX_MAP) || !rewrite->n)
		ifx_route_refuse(r, rewrite, "it says nothing");
	if (uri)
		check_rewritten(r, uri, number);
	begin = begin_filter(f, "URLRewrite");
	ifx_route_line(r, item_col(f), "urlRewrite:");
	write_host(r, ifx_get(rewrite, IFX_LIT("authority")), col);
	write_full_path(r, uri, col);
	ifx_route_item_end(r, begin, item_col(f));
}

/* ---- mirrors ---- */

static bool is_percent(ifx_str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]) || i > 2)
			return false;
		n = n * 10 + (size_t)(text.ptr[i] - '0');
	}
	return text.len && n <= 100;
}

static void write_mirror(struct filters *f, const struct ifx_node *destination,
			 const struct ifx_node *percentage)
{
	static const char *const keys[] = { "value", NULL };
	const struct ifx_node *value = ifx_get(percentage, IFX_LIT("value"));
	struct ifx_route *r = f->r;
	size_t begin, col = item_col(f) + r->hand.step;

	begin = begin_filter(f, "RequestMirror");
	ifx_route_line(r, item_col(f), "requestMirror:");
	ifx_route_line(r, col, "backendRef:");
	ifx_route_backend(r, destination, col + r->hand.step);
	if (percentage) {
		ifx_route_only(r, percentage, keys);
		if (!is_percent(ifx_text(value)))
			ifx_route_refuse(r, value ? value : percentage,
					 "only whole percentages are written");
		else
			ifx_route_line(r, col, "percent: %.*s", IFX_ARG(ifx_text(value)));
	}
	ifx_route_item_end(r, begin, item_col(f));
}

static void write_mirrors(struct filters *f, const struct ifx_node *rule)
{
	static const char *const keys[] = { "destination", "percentage", NULL };
	const struct ifx_node *one = ifx_get(rule, IFX_LIT("mirror"));
	const struct ifx_node *percentage = ifx_get(rule, IFX_LIT("mirrorPercentage"));

	if (one)
		write_mirror(f, one, percentage);
	else if (percentage)
		ifx_route_refuse(f->r, percentage, "there is no mirror");
	for (const struct ifx_entry *e = ifx_list_items(ifx_get(rule, IFX_LIT("mirrors"))); e;
	     e = e->next) {
		const struct ifx_node *mirror = ifx_deref(e->value);

		ifx_route_only(f->r, mirror, keys);
		write_mirror(f, ifx_get(mirror, IFX_LIT("destination")),
			     ifx_get(mirror, IFX_LIT("percentage")));
	}
}

void ifx_route_filters(struct ifx_route *r, const struct ifx_node *rule, size_t number, size_t col)
{
	struct filters f = { r, col, 0 };
	const struct ifx_node *redirect = ifx_get(rule, IFX_LIT("redirect"));
	const struct ifx_node *rewrite = ifx_get(rule, IFX_LIT("rewrite"));

	f.n = ifx_route_headers(r, ifx_get(rule, IFX_LIT("headers")), col, false);
	if (redirect)
		write_redirect(&f, redirect);
	if (rewrite && redirect)
		ifx_route_refuse(r, rewrite, "a rule redirects or rewrites");
	else if (rewrite)
		write_rewrite(&f, rewrite, number);
	write_mirrors(&f, rule);
	if (f.n > 16)
		ifx_route_refuse(r, rule, "there are more than 16 filters");
}
