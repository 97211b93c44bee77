#include "ambient/arguments.h"

#include "base/alloc.h"

static bool bad(struct ifx_buf *err, const char *fmt, ...) IFX_PRINTF(2, 3);

static bool bad(struct ifx_buf *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_vaddf(err, fmt, ap);
	va_end(ap);
	return false;
}

static bool keep(struct ifx_config *c, ifx_str *to, ifx_str text, struct ifx_buf *err)
{
	*to = ifx_arena_copy(&c->arena, text);
	return to->ptr || bad(err, "out of memory");
}

static bool add_text(struct ifx_config *c, struct ifx_texts *list, ifx_str text,
		     struct ifx_buf *err)
{
	struct ifx_said *items = ifx_grow(list->items, &list->cap, list->n + 1, sizeof(*items));

	if (!items)
		return bad(err, "out of memory");
	list->items = items;
	items[list->n] = (struct ifx_said){ 0 };
	return keep(c, &items[list->n++].text, text, err);
}

static bool set_environment(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!arg.len)
		return bad(err, "--environment wants a directory");
	return add_text(c, &c->ambient->environments, arg, err);
}

static bool set_namespace(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	ifx_str rest = arg, piece;
	bool any = false;

	while (ifx_str_split(&rest, ',', &piece)) {
		piece = ifx_str_trim(piece);
		if (piece.len && !add_text(c, &c->ambient->namespaces, piece, err))
			return false;
		any |= piece.len > 0;
	}
	return any || bad(err, "--namespace wants a name");
}

static bool set_default_namespace(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!arg.len)
		return bad(err, "--default-namespace wants a name");
	return keep(c, &c->ambient->default_namespace, arg, err);
}

static bool add_accept(struct ifx_config *c, ifx_str piece, struct ifx_buf *err)
{
	struct ifx_ambient_options *o = c->ambient;
	struct ifx_accept *items =
		ifx_grow(o->accepts, &o->cap_accepts, o->n_accepts + 1, sizeof(*items));
	ifx_str namespace = piece, id;
	struct ifx_accept accept = { 0 };

	if (!items)
		return bad(err, "out of memory");
	o->accepts = items;
	ifx_str_split(&namespace, '=', &id);
	accept.id = ifx_finding_named(id);
	if (accept.id == IFX_F_COUNT)
		return bad(err, "--accept wants the id of a finding, as S08, not '%.*s'",
			   IFX_ARG(id));
	if (ifx_finding_fact(accept.id)->weight == IFX_WEIGHT_B)
		return bad(err, "%s cannot be accepted: ambient mode does not do that",
			   ifx_finding_fact(accept.id)->id);
	if (namespace.ptr && !namespace.len)
		return bad(err, "--accept wants ID or ID=NAMESPACE, not '%.*s'", IFX_ARG(piece));
	if (namespace.ptr && !keep(c, &accept.namespace, namespace, err))
		return false;
	items[o->n_accepts++] = accept;
	return true;
}

static bool set_accept(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	ifx_str rest = arg, piece;
	bool any = false;

	while (ifx_str_split(&rest, ',', &piece)) {
		piece = ifx_str_trim(piece);
		if (piece.len && !add_accept(c, piece, err))
			return false;
		any |= piece.len > 0;
	}
	return any || bad(err, "--accept wants the id of a finding");
}

static bool set_bind(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->ambient->bind_namespaces = ifx_str_eq(arg, IFX_LIT("namespace"));
	return c->ambient->bind_namespaces || ifx_str_eq(arg, IFX_LIT("service")) ||
	       bad(err, "--bind is service or namespace, not '%.*s'", IFX_ARG(arg));
}

static bool set_waypoint(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	ifx_str rest = arg, name;

	ifx_str_split(&rest, '/', &name);
	if (!name.len || ifx_str_eq(name, IFX_LIT("none")) || (rest.ptr && !rest.len))
		return bad(err, "--waypoint is NAME or NAME/NAMESPACE, not '%.*s'", IFX_ARG(arg));
	if (rest.ptr && !keep(c, &c->ambient->waypoint_namespace, rest, err))
		return false;
	return keep(c, &c->ambient->waypoint, name, err);
}

static bool set_strict(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->ambient->strict = true;
	return true;
}

static bool set_format(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (ifx_str_eq(arg, IFX_LIT("text")))
		c->ambient->format = IFX_AMBIENT_TEXT;
	else if (ifx_str_eq(arg, IFX_LIT("json")))
		c->ambient->format = IFX_AMBIENT_JSON;
	else if (ifx_str_eq(arg, IFX_LIT("html")))
		c->ambient->format = IFX_AMBIENT_HTML;
	else
		return bad(err, "--format is text, json or html, not '%.*s'", IFX_ARG(arg));
	return true;
}

/* Options that mean what they mean to the tool. */

static bool set_exclude(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	return ifx_option_named(IFX_LIT("exclude"))->set(c, arg, err);
}

static bool set_no_gitignore(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	return ifx_option_named(IFX_LIT("no-gitignore"))->set(c, arg, err);
}

static bool set_quiet(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	return ifx_option_named(IFX_LIT("quiet"))->set(c, arg, err);
}

static bool set_step(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->ambient->step_given = true;
	return ifx_step_named(&c->ambient->step, arg) ||
	       bad(err, "--phase is prepare, routes, bind, enroll, cleanup or cutover, not '%.*s'",
		   IFX_ARG(arg));
}

static bool set_all(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->ambient->all = true;
	return true;
}

static bool set_wave(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	size_t n = 0;

	for (size_t i = 0; i < arg.len && i < 6; i++)
		n = ifx_is_digit(arg.ptr[i]) ? n * 10 + (size_t)(arg.ptr[i] - '0') : 0;
	c->ambient->wave = n;
	return (n && arg.len <= 6) ||
	       bad(err, "--wave wants a number from 1, not '%.*s'", IFX_ARG(arg));
}

static bool set_guard(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->ambient->guard_in_cleanup = ifx_str_eq(arg, IFX_LIT("cleanup"));
	return c->ambient->guard_in_cleanup || ifx_str_eq(arg, IFX_LIT("enroll")) ||
	       bad(err, "--guard is enroll or cleanup, not '%.*s'", IFX_ARG(arg));
}

static bool set_restart(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->ambient->restart = true;
	return true;
}

static bool set_size_hints(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->ambient->size_hints = true;
	return true;
}

static bool set_prune(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->ambient->prune = true;
	return true;
}

static bool set_in_place(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	return ifx_option_named(IFX_LIT("in-place"))->set(c, arg, err);
}

static bool set_diff(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	return ifx_option_named(IFX_LIT("diff"))->set(c, arg, err);
}

static bool set_check(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	return ifx_option_named(IFX_LIT("check"))->set(c, arg, err);
}

/* Rows that several verbs have. */
#define ROWS_ONLY                                                                                  \
	{                                                                                          \
		'n', "namespace", "NAMES", set_namespace, 0, "only these: a comma list, or again"  \
	}
#define ROWS_WRITE                                                                                 \
	{                                                                                          \
		'i',          "in-place", NULL,                                                    \
		set_in_place, 0,          "write; without it only tell what would change"          \
	},                                                                                         \
		{ 'd', "diff", NULL, set_diff, 0, "show a unified diff; exit 1 if there is one" }, \
	{                                                                                          \
		'c', "check", NULL, set_check, 0, "list files that would change; exit 1 if any"    \
	}
#define ROWS_MIGRATION                                                                               \
	{ 0,     "environment",                                                                      \
	  "DIR", set_environment,                                                                    \
	  0,     "what lies below is deployed together, apart from the rest" },                      \
		{ 0,          "accept", "ID[=NS]",                                                   \
		  set_accept, 0,        "go on in spite of a finding, in one namespace or in all" }, \
		{ 0,           "waypoint",                                                           \
		  "NAME[/NS]", set_waypoint,                                                         \
		  0,           "name of the waypoints, or the one in another namespace" },           \
		{ 0, "bind", "WHAT", set_bind, 0, "bind each service (default), or the namespace" }, \
	{                                                                                            \
		0, "strict", NULL, set_strict, 0, "one held namespace holds all"                     \
	}
#define ROWS_INPUT                                                                                      \
	{ 0,      "default-namespace",                                                                  \
	  "NAME", set_default_namespace,                                                                \
	  0,      "namespace of objects that do not say theirs" },                                      \
		{ 0, "exclude", "GLOB", set_exclude, 0, "leave out what matches, as in a .gitignore" }, \
		{ 0, "no-gitignore", NULL, set_no_gitignore, 0, "walk into what git ignores as well" }, \
		{ 'q', "quiet", NULL, set_quiet, 0, "no summary" },                                     \
		{ 'h', "help", NULL, NULL, 0, "print this" },                                           \
	{                                                                                               \
		0, NULL, NULL, NULL, 0, NULL                                                            \
	}

const struct ifx_option ifx_ambient_plan_options[] = {
	ROWS_ONLY,
	ROWS_MIGRATION,
	{ 'f', "format", "FORMAT", set_format, 0, "text (default), json, or html: one page" },
	ROWS_INPUT,
};

const struct ifx_option ifx_ambient_apply_options[] = {
	{ 'p', "phase", "PHASE", set_step, 0,
	  "prepare, bind, enroll or cleanup; routes, after prepare: VirtualServices as HTTPRoutes; or "
	  "cutover: all at once, with a gap while pods roll" },
	ROWS_ONLY,
	{ 'w', "wave", "K", set_wave, 0, "the namespaces of a wave of the plan" },
	{ 'a', "all", NULL, set_all, 0, "all namespaces that nothing holds" },
	ROWS_WRITE,
	{ 0, "guard", "PHASE", set_guard, 0,
	  "close the way around waypoints with enroll (default), or with cleanup" },
	{ 0, "restart", NULL, set_restart, 0, "enroll: mark pod templates, so that pods roll" },
	{ 0, "size-hints", NULL, set_size_hints, 0,
	  "prepare: a ConfigMap for the waypoint, with the sidecars' sizes as comments" },
	{ 0, "prune", NULL, set_prune, 0, "cleanup: settings of sidecars go from pod templates" },
	ROWS_MIGRATION,
	ROWS_INPUT,
};

const struct ifx_option ifx_ambient_rollback_options[] = {
	{ 'p', "phase", "PHASE", set_step, 0, "the phase that is taken back" },
	ROWS_ONLY,
	{ 'a', "all", NULL, set_all, 0, "all namespaces" },
	ROWS_WRITE,
	ROWS_INPUT,
};

struct ifx_ambient_options *ifx_ambient_options_new(struct ifx_config *config)
{
	config->ambient = ifx_calloc(1, sizeof(*config->ambient));
	return config->ambient;
}

void ifx_ambient_options_free(struct ifx_ambient_options *o)
{
	if (!o)
		return;
	ifx_free(o->environments.items);
	ifx_free(o->namespaces.items);
	ifx_free(o->accepts);
	ifx_free(o);
}
