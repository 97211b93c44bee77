#include "settings.h"

#include "io/gitignore.h"
#include "options.h"
#include "say.h"
#include "yaml/resolve.h"

/** Names of options that are compared with a misspelt key. */
#define NAMES_MAX 64

struct reader {
	struct ifx_config *config;
	ifx_settings_place place;
	ifx_str file, src;
	struct ifx_buf *err;
	size_t errors;
	size_t at, line,
		column; /* a place that was asked for; the next one is counted from there */
};

static bool wrong(struct reader *r, size_t at, const char *fmt, ...) IFX_PRINTF(3, 4);

static void move_to(struct reader *r, size_t at)
{
	size_t line, column;

	if (at < r->at) {
		r->at = 0;
		r->line = r->column = 1;
	}
	ifx_str_position(ifx_str_sub(r->src, r->at, r->src.len - r->at), at - r->at, &line,
			 &column);
	r->column = line > 1 ? column : r->column + column - 1;
	r->line += line - 1;
	r->at = at;
}

/* Always false. */
static bool wrong(struct reader *r, size_t at, const char *fmt, ...)
{
	struct ifx_buf text, where;
	va_list ap;

	if (r->errors++ >= IFX_SETTINGS_ERRORS_MAX)
		return false;
	ifx_buf_init(&text, 1 << 20);
	ifx_buf_init(&where, 1 << 20);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	move_to(r, at);
	ifx_buf_addf(&where, "%.*s:%zu:%zu", IFX_ARG(r->file), r->line, r->column);
	ifx_say_file_error(r->err, ifx_buf_str(&where), ifx_buf_str(&text), "config");
	ifx_buf_release(&text);
	ifx_buf_release(&where);
	return false;
}

static const char *shape(const struct ifx_node *node)
{
	if (ifx_is_null(node))
		return "nothing";
	switch (node->kind) {
	case IFX_MAP:
		return "a map";
	case IFX_SEQ:
		return "a list";
	case IFX_ALIAS:
		return "an alias; write it out";
	case IFX_SCALAR:
		break;
	}
	return "a text";
}

/* ---- keys ---- */

static unsigned key_of(ifx_settings_place place)
{
	switch (place) {
	case IFX_SETTINGS_FILE:
		return IFX_KEY_FILE;
	case IFX_SETTINGS_PATHS:
		return IFX_KEY_PATHS;
	default:
		return IFX_KEY_FUNCTION;
	}
}

static const struct ifx_option *any_option(ifx_str name)
{
	const struct ifx_option *o = ifx_options;

	while (o->name && !ifx_str_eq(ifx_str_of(o->name), name))
		o++;
	return o->name ? o : NULL;
}

/* The key that is no option: what the others are for. */
static ifx_str scope_key(ifx_settings_place place)
{
	if (place == IFX_SETTINGS_FILE)
		return IFX_LIT("paths");
	return place == IFX_SETTINGS_PATHS ? IFX_LIT("path") : IFX_NONE;
}

static bool unknown_key(struct reader *r, size_t at, ifx_str name)
{
	const struct ifx_option *o = any_option(name);
	ifx_str names[NAMES_MAX], near;
	size_t n = 0;

	if (o && o->keys & IFX_KEY_ONLY)
		return wrong(r, at, "'%s' is for the configuration of a function only", o->name);
	if (o && !(o->keys & IFX_KEY_RUN))
		return wrong(r, at, "'%s' is an option of the command line only", o->name);
	if (o)
		return wrong(r, at, "'%s' holds for all paths; set it at the top of the file",
			     o->name);
	if (ifx_str_eq(name, IFX_LIT("paths")))
		return wrong(r, at, "'paths' is for the top of a file .istio-fix.yaml only");
	names[n++] = scope_key(r->place);
	for (o = ifx_options; o->name && n < NAMES_MAX; o++)
		if (o->keys & key_of(r->place))
			names[n++] = ifx_str_of(o->name);
	near = ifx_str_nearest(name, names, n);
	if (near.ptr)
		return wrong(r, at, "there is no setting '%.*s'; did you mean '%.*s'?",
			     IFX_ARG(name), IFX_ARG(near));
	return wrong(r, at, "there is no setting '%.*s'; see 'istio-fix --help'", IFX_ARG(name));
}

/* The text of a scalar; ptr NULL: it is none, and that was said. what: for the message. */
static ifx_str text_of(struct reader *r, const struct ifx_node *node, const char *what)
{
	ifx_str text = ifx_text(node);

	if (node->kind != IFX_SCALAR || ifx_is_null(node)) {
		wrong(r, node->span.at, "%s must be a text, not %s", what, shape(node));
		return IFX_NONE;
	}
	if (!text.ptr || ifx_str_chr(text, '\0') != SIZE_MAX) {
		wrong(r, node->span.at, "%s must be a text without NUL", what);
		return IFX_NONE;
	}
	return r->place == IFX_SETTINGS_DATA ? ifx_str_trim(text) : text;
}

/* The key's text, when it is a text and there only once; else that was said. */
static ifx_str key_text(struct reader *r, const struct ifx_entry *e)
{
	ifx_str key = text_of(r, e->key, "a key");

	if (key.ptr && ifx_map_entry(e->in, key) != e) {
		wrong(r, e->start, "'%.*s' is there twice; leave one out", IFX_ARG(key));
		return IFX_NONE;
	}
	return key;
}

/* ---- values ---- */

static bool set(struct reader *r, const struct ifx_option *option, size_t at, ifx_str arg)
{
	struct ifx_config *c = r->config;
	struct ifx_buf why;
	ifx_str text;
	bool ok;

	move_to(r, at);
	c->where =
		ifx_arena_printf(&c->arena, "%.*s:%zu:%zu", IFX_ARG(r->file), r->line, r->column);
	if (!c->where.ptr)
		return wrong(r, at, "out of memory");
	ifx_buf_init(&why, 1 << 20);
	ok = option->set(c, arg, &why);
	text = ifx_buf_str(&why);
	if (ifx_str_starts(text, IFX_LIT("--")))
		text = ifx_str_sub(text, 2, text.len - 2);
	if (!ok)
		wrong(r, at, "%.*s", IFX_ARG(text));
	ifx_buf_release(&why);
	c->where = IFX_NONE;
	return ok;
}

static bool set_flag(struct reader *r, const struct ifx_option *option, const struct ifx_node *node)
{
	ifx_str text = node->kind == IFX_SCALAR ? ifx_text(node) : IFX_NONE;
	bool on, is_bool = r->place == IFX_SETTINGS_DATA || node->style == IFX_PLAIN;

	if (r->place == IFX_SETTINGS_DATA && text.ptr)
		text = ifx_str_trim(text);
	on = ifx_str_eq(text, IFX_LIT("true"));
	if (!is_bool || (!on && !ifx_str_eq(text, IFX_LIT("false"))))
		return wrong(r, node->span.at, "'%s' is true or false, not %s", option->name,
			     text.len && is_bool ? "another word" : shape(node));
	return !on || set(r, option, node->span.at, IFX_LIT(""));
}

static bool set_text(struct reader *r, const struct ifx_option *option, const struct ifx_node *node)
{
	ifx_str text = text_of(r, node, option->name);

	return text.ptr && set(r, option, node->span.at, text);
}

static bool set_list(struct reader *r, const struct ifx_option *option, const struct ifx_node *list)
{
	bool ok = true;

	if (!list->n)
		return wrong(r, list->span.at, "'%s' is an empty list; leave it out", option->name);
	for (const struct ifx_entry *e = list->first; e; e = e->next)
		ok &= set_text(r, option, e->value);
	return ok;
}

static bool set_map(struct reader *r, const struct ifx_option *option, const struct ifx_node *map)
{
	bool ok = true;

	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		ifx_str key = key_text(r, e);
		ifx_str value = key.ptr ? text_of(r, e->value, "an answer") : IFX_NONE;
		ifx_str both;

		ok &= value.ptr != NULL;
		if (!value.ptr)
			continue;
		both = ifx_arena_printf(&r->config->arena, "%.*s=%.*s", IFX_ARG(key),
					IFX_ARG(value));
		ok &= both.ptr ? set(r, option, e->start, both)
			       : wrong(r, e->start, "out of memory");
	}
	return ok;
}

static bool read_value(struct reader *r, const struct ifx_option *option,
		       const struct ifx_node *node)
{
	bool texts = r->place == IFX_SETTINGS_DATA;

	if (!option->arg)
		return set_flag(r, option, node);
	if (!texts && option->keys & IFX_KEY_MAP && node->kind == IFX_MAP)
		return set_map(r, option, node);
	if (!texts && option->keys & (IFX_KEY_LIST | IFX_KEY_MAP) && node->kind == IFX_SEQ)
		return set_list(r, option, node);
	return set_text(r, option, node);
}

bool ifx_settings_read(struct ifx_config *c, const struct ifx_node *map, ifx_settings_place place,
		       ifx_str file, struct ifx_buf *err)
{
	struct reader r = { c, place, file, .err = err, .line = 1, .column = 1 };

	ifx_config_layer(c, place == IFX_SETTINGS_PATHS);
	if (!map || ifx_is_null(map))
		return true;
	r.src = map->doc->src;
	if (key_of(place) == IFX_KEY_FUNCTION) {
		c->base = IFX_LIT(".");
		c->confined = true;
	}
	if (map->kind != IFX_MAP)
		return wrong(&r, map->span.at, "settings are a map, not %s", shape(map));
	for (const struct ifx_entry *e = map->first; e; e = e->next) {
		ifx_str key = key_text(&r, e);
		const struct ifx_option *option = key.ptr ? any_option(key) : NULL;

		if (key.ptr && ifx_str_eq(key, scope_key(place)))
			continue;
		if (option && option->keys & key_of(place))
			read_value(&r, option, e->value);
		else if (key.ptr)
			unknown_key(&r, e->start, key);
	}
	return !r.errors;
}

/* ---- paths ---- */

/* "./x" means x; a .gitignore has no such lines, and they would match nothing. */
static bool add_glob(struct reader *r, struct ifx_ignore *globs, const struct ifx_node *node)
{
	ifx_str text = text_of(r, node, "path");

	if (!text.ptr)
		return false;
	while (ifx_str_starts(text, IFX_LIT("./")))
		text = ifx_str_sub(text, 1, text.len - 1);
	if (!text.len)
		return wrong(r, node->span.at, "path is empty; '**' is every file");
	if (ifx_ignore_line(globs, text) != IFX_OK)
		return wrong(r, node->span.at, "out of memory");
	return true;
}

static bool read_item(struct reader *r, struct ifx_path_settings *item, const struct ifx_node *node)
{
	const struct ifx_entry *path;
	bool ok = true;

	if (node->kind != IFX_MAP)
		return wrong(r, node->span.at, "an item of paths must be a map, not %s",
			     shape(node));
	path = ifx_map_entry(node, IFX_LIT("path"));
	if (!path)
		return wrong(r, node->span.at,
			     "'path' is missing: the files these settings are for");
	item->map = node;
	if (ifx_ignore_new(&item->globs) != IFX_OK)
		return wrong(r, node->span.at, "out of memory");
	if (path->value->kind != IFX_SEQ)
		return add_glob(r, item->globs, path->value);
	if (!path->value->n)
		return wrong(r, path->value->span.at, "'path' is an empty list");
	for (const struct ifx_entry *e = path->value->first; e; e = e->next)
		ok &= add_glob(r, item->globs, e->value);
	return ok;
}

bool ifx_settings_read_paths(struct ifx_path_settings **list, size_t *n, const struct ifx_node *map,
			     struct ifx_arena *arena, ifx_str file, struct ifx_buf *err)
{
	struct reader r = { .file = file, .err = err, .line = 1, .column = 1 };
	const struct ifx_entry *paths = ifx_map_entry(map, IFX_LIT("paths"));

	r.place = IFX_SETTINGS_PATHS;
	*list = NULL;
	*n = 0;
	if (!paths)
		return true;
	r.src = map->doc->src;
	if (paths->value->kind != IFX_SEQ)
		return wrong(&r, paths->value->span.at, "'paths' must be a list, not %s",
			     shape(paths->value));
	if (paths->value->n > IFX_SETTINGS_PATHS_MAX)
		return wrong(&r, paths->value->span.at, "more than %d items",
			     IFX_SETTINGS_PATHS_MAX);
	*list = ifx_arena_alloc(arena, (paths->value->n + 1) * sizeof(**list));
	if (!*list)
		return wrong(&r, paths->start, "out of memory");
	for (const struct ifx_entry *e = paths->value->first; e; e = e->next)
		read_item(&r, &(*list)[(*n)++], e->value);
	return !r.errors;
}
