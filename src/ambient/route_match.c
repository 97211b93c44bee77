#include "ambient/route.h"

/* Longest values that Gateway API takes. Bytes. */
#define PATH_MAX_LEN  1024
#define VALUE_MAX_LEN 4096

static bool is_token(ifx_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!ifx_is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    (!c || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return name.len > 0 && name.len <= 256;
}

/* ---- paths ---- */

/* What the API server wants of a path that is no regular expression. */
static bool is_valid_path(ifx_str path)
{
	static const char *const bad[] = { "//", "/./", "/../", "%2f", "%2F", "#" };

	if (!path.len || path.ptr[0] != '/' || path.len > PATH_MAX_LEN)
		return false;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ifx_str_find(path, ifx_str_of(bad[i])) != SIZE_MAX)
			return false;
	return !ifx_str_ends(path, IFX_LIT("/.")) && !ifx_str_ends(path, IFX_LIT("/.."));
}

static void write_path(struct ifx_route *r, struct ifx_route_match *x, const struct ifx_node *uri,
		       size_t col)
{
	static const char *const keys[] = { "exact", "prefix", "regex", NULL };
	static const char *const types[] = { "Exact", "PathPrefix", "RegularExpression" };
	const struct ifx_node *value = NULL;

	ifx_route_only(r, uri, keys);
	for (size_t i = 0; i < 3; i++) {
		const struct ifx_node *node = ifx_get(uri, ifx_str_of(keys[i]));

		if (!node)
			continue;
		value = node;
		x->path = (ifx_path_kind)(IFX_PATH_EXACT + i);
	}
	if (!ifx_is(value, IFX_SCALAR) || uri->n != 1) {
		ifx_route_refuse(r, uri, "a path is one of exact, prefix and regex");
		return;
	}
	x->value = ifx_text(value);
	if (x->path == IFX_PATH_PREFIX && !ifx_str_eq(x->value, IFX_LIT("/")))
		ifx_route_refuse(r, value,
				 "the prefix '%.*s' matches parts of a path segment as well, "
				 "which PathPrefix does not",
				 IFX_ARG(x->value));
	else if (x->path == IFX_PATH_REGEX ? !x->value.len || x->value.len > PATH_MAX_LEN
					   : !is_valid_path(x->value))
		ifx_route_refuse(r, value, "Gateway API does not take this path");
	ifx_route_line(r, col, "path:");
	ifx_route_line(r, col + r->hand.step, "type: %s", types[x->path - IFX_PATH_EXACT]);
	ifx_route_pair(r, col + r->hand.step, "value", value, IFX_NONE);
}

/* ---- methods ---- */

static void write_method(struct ifx_route *r, struct ifx_route_match *x,
			 const struct ifx_node *method, size_t col)
{
	static const char *const names[] = { "GET",     "HEAD",    "POST",  "PUT",  "DELETE",
					     "CONNECT", "OPTIONS", "TRACE", "PATCH" };
	static const char *const keys[] = { "exact", NULL };
	const struct ifx_node *value = ifx_get(method, IFX_LIT("exact"));

	ifx_route_only(r, method, keys);
	x->method = ifx_text(value);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ifx_str_eq(x->method, ifx_str_of(names[i]))) {
			ifx_route_pair(r, col, "method", value, IFX_NONE);
			return;
		}
	ifx_route_refuse(r, value ? value : method, "Gateway API knows nine methods, each by name");
}

/* ---- headers and query parameters ---- */

/* `text` as a regular expression of whatever begins with it. */
static ifx_str prefix_regex(struct ifx_route *r, ifx_str text)
{
	struct ifx_buf out;
	ifx_str copy;

	ifx_buf_init(&out, 1 << 20);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] && strchr("\\.+*?()|[]{}^$", text.ptr[i]))
			ifx_buf_addc(&out, '\\');
		ifx_buf_addc(&out, text.ptr[i]);
	}
	ifx_buf_add(&out, IFX_LIT(".*"));
	copy = out.bad ? IFX_NONE : ifx_arena_copy(&r->m->changes->arena, ifx_buf_str(&out));
	ifx_buf_release(&out);
	r->m->failed |= !copy.ptr;
	return copy;
}

static void write_value(struct ifx_route *r, const struct ifx_entry *e, size_t col)
{
	static const char *const keys[] = { "exact", "prefix", "regex", NULL };
	const struct ifx_node *match = ifx_deref(e->value), *value = NULL;
	size_t kind = 1;
	ifx_str text;

	ifx_route_only(r, match, keys);
	for (size_t i = 0; i < 3; i++)
		if (ifx_get(match, ifx_str_of(keys[i]))) {
			value = ifx_get(match, ifx_str_of(keys[i]));
			kind = i;
		}
	if (!ifx_is(match, IFX_MAP) || match->n > 1 || (match->n && !ifx_is(value, IFX_SCALAR))) {
		ifx_route_refuse(r, e->value, "a value is one of exact, prefix and regex");
		return;
	}
	text = ifx_text(value);
	if (kind == 1)
		text = prefix_regex(r, text);
	if (!text.len || text.len > VALUE_MAX_LEN)
		ifx_route_refuse(r, value ? value : e->value, "Gateway API takes no such value");
	if (kind)
		ifx_route_line(r, col, "type: RegularExpression");
	ifx_route_pair(r, col, "value", value, kind == 1 ? text : IFX_NONE);
}

static void write_values(struct ifx_route *r, const char *key, const struct ifx_node *map,
			 size_t col)
{
	size_t item = ifx_route_item_col(r, col);

	if (!ifx_is(map, IFX_MAP) || map->n > IFX_ROUTE_BACKENDS_MAX) {
		ifx_route_refuse(r, map, "Gateway API takes 16 of them");
		return;
	}
	if (map->n)
		ifx_route_line(r, col, "%s:", key);
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		size_t begin;

		if (!is_token(ifx_text(e->key)))
			ifx_route_refuse(r, e->key, "Gateway API takes no such name");
		ifx_route_head(r, e, item - 2);
		begin = ifx_route_item(r);
		ifx_route_pair(r, item, "name", NULL, ifx_text(e->key));
		write_value(r, e, item);
		ifx_route_item_end(r, begin, item);
	}
}

/* ---- a match ---- */

static const struct ifx_node *no_empty(const struct ifx_node *map)
{
	return ifx_is(map, IFX_MAP) && map->n ? map : NULL;
}

static void check_port(struct ifx_route *r, const struct ifx_node *port)
{
	ifx_str text = ifx_text(port);

	if (port && !ifx_str_eq(text, IFX_SAY(r->m, "%ld", r->port)))
		ifx_route_refuse(r, port, "the Service has no port %.*s", IFX_ARG(text));
}

static void write_match(struct ifx_route *r, const struct ifx_node *match, size_t number,
			size_t col)
{
	static const char *const keys[] = { "uri",  "method", "headers", "queryParams",
					    "port", "name",   NULL };
	const struct ifx_node *uri = ifx_get(match, IFX_LIT("uri"));
	const struct ifx_node *method = ifx_get(match, IFX_LIT("method"));
	const struct ifx_node *headers = ifx_get(match, IFX_LIT("headers"));
	const struct ifx_node *parameters = ifx_get(match, IFX_LIT("queryParams"));
	struct ifx_route_match *x;

	if (r->n_matches == IFX_ROUTE_MATCHES_MAX) {
		ifx_route_refuse(r, match, "there are more than %d matches", IFX_ROUTE_MATCHES_MAX);
		return;
	}
	x = &r->matches[r->n_matches++];
	*x = (struct ifx_route_match){ .rule = number,
				       .at = match,
				       .headers = no_empty(headers),
				       .parameters = no_empty(parameters) };
	ifx_route_only(r, match, keys);
	check_port(r, ifx_get(match, IFX_LIT("port")));
	if (uri)
		write_path(r, x, uri, col);
	if (method)
		write_method(r, x, method, col);
	if (headers)
		write_values(r, "headers", headers, col);
	if (parameters)
		write_values(r, "queryParams", parameters, col);
	if (!uri && !method && !x->headers && !x->parameters && !r->refused)
		ifx_route_refuse(r, match, "it matches everything; leave it out");
}

void ifx_route_matches(struct ifx_route *r, const struct ifx_node *rule, size_t number, size_t col)
{
	const struct ifx_node *list = ifx_get(rule, IFX_LIT("match"));
	size_t item = ifx_route_item_col(r, col);

	if (!ifx_is(list, IFX_SEQ) || !list->n) {
		if (list && !ifx_is_null(list) && !ifx_is(list, IFX_SEQ))
			ifx_route_refuse(r, list, "it is no list");
		if (r->n_matches < IFX_ROUTE_MATCHES_MAX)
			r->matches[r->n_matches++] =
				(struct ifx_route_match){ .rule = number, .at = rule, .any = true };
		return;
	}
	ifx_route_line(r, col, "matches:");
	for (const struct ifx_entry *e = list->first; e; e = e->next) {
		size_t begin;

		ifx_route_head(r, e, item - 2);
		begin = ifx_route_item(r);
		write_match(r, ifx_deref(e->value), number, item);
		ifx_route_item_end(r, begin, item);
	}
}
