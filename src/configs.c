#include "configs.h"

#include "base/alloc.h"
#include "io/gitignore.h"
#include "options.h"
#include "say.h"
#include "settings.h"
#include "yaml/load.h"

#include <errno.h>
#include <sys/stat.h>

/** Memory for names and profiles of a run. Bytes. */
#define CONFIGS_MEMORY_MAX ((size_t)1 << 30)

/* A settings file. */
struct ifx_config_file {
	ifx_str path; /* as shown in messages */
	ifx_str dir;  /* its directory, real: patterns count from there */
	ifx_str base; /* ... as it is shown */
	bool trusted, bad;
	struct ifx_buf bytes;
	struct ifx_doc *doc;
	struct ifx_config *root; /* what it says for all paths, without the command line */
	struct ifx_path_settings *paths;
	size_t n_paths;
	struct ifx_ignore *exclude; /* NULL: nothing, or the command line has its own */
	struct ifx_map profiles;    /* by the items of `paths` that hold */
	struct ifx_config_file *next;
};

/* A directory, by its typed or its real name. */
struct ifx_config_dir {
	struct ifx_config_file *file; /* NULL: none */
	ifx_str path;                 /* as the patterns of the file see it */
};

void ifx_configs_init(struct ifx_configs *configs, const struct ifx_config *line,
		      ifx_configs_from from, struct ifx_buf *err)
{
	*configs = (struct ifx_configs){ .line = line, .from = from, .err = err };
	if (from == IFX_CONFIGS_NEAREST && line->config.ptr)
		configs->from = IFX_CONFIGS_NAMED;
	if (line->no_config || (configs->from == IFX_CONFIGS_NAMED && !line->config.ptr))
		configs->from = IFX_CONFIGS_NONE;
	ifx_arena_init(&configs->arena, CONFIGS_MEMORY_MAX);
	ifx_resolver_init(&configs->resolver);
}

static void release_file(struct ifx_config_file *f)
{
	for (size_t i = 0; i < f->n_paths; i++)
		ifx_ignore_free(f->paths[i].globs);
	ifx_ignore_free(f->exclude);
	ifx_config_free(f->root);
	ifx_doc_free(f->doc);
	ifx_buf_release(&f->bytes);
	ifx_map_release(&f->profiles);
}

void ifx_configs_release(struct ifx_configs *configs)
{
	for (struct ifx_profile *p = configs->first; p; p = p->next) {
		if (p->config != configs->line)
			ifx_config_free((struct ifx_config *)(uintptr_t)p->config);
		if (!p->borrows)
			ifx_ruleset_release(&p->rules);
	}
	for (struct ifx_config_file *f = configs->files; f; f = f->next)
		release_file(f);
	ifx_rules_release(&configs->builtin);
	ifx_map_release(&configs->dirs);
	ifx_map_release(&configs->rulesets);
	ifx_resolver_release(&configs->resolver);
	ifx_arena_release(&configs->arena);
}

/* ---- errors ---- */

static void no_memory(struct ifx_configs *configs)
{
	if (!configs->stop)
		ifx_say_error(configs->err, "out of memory");
	configs->failed = configs->stop = true;
}

/* Always false. */
static bool refuse(struct ifx_configs *configs, struct ifx_config_file *f, const char *message)
{
	ifx_say_file_error(configs->err, f->path, ifx_str_of(message), "config");
	configs->failed = f->bad = true;
	configs->stop |= f == configs->given;
	return false;
}

static bool refuse_at(struct ifx_configs *configs, struct ifx_config_file *f, size_t at,
		      ifx_str message)
{
	ifx_str shown = f->path;
	size_t line, column;
	bool bad;

	ifx_str_position(ifx_buf_str(&f->bytes), at, &line, &column);
	f->path = ifx_arena_printf(&configs->arena, "%.*s:%zu:%zu", IFX_ARG(shown), line, column);
	bad = refuse(configs, f, ifx_arena_copy(&configs->arena, message).ptr);
	f->path = shown;
	return bad;
}

/* ---- reading a file ---- */

static bool parse(struct ifx_configs *configs, struct ifx_config_file *f)
{
	struct ifx_problem problem = { 0 };
	ifx_str bytes = ifx_buf_str(&f->bytes);
	size_t at = 0;
	ifx_span first = { 0, 0 }, more;
	ifx_status st;
	bool ok = true;

	ifx_buf_init(&problem.text, 4096);
	ifx_stream_next(bytes, &at, &first);
	st = ifx_precheck(bytes, &problem);
	if (st == IFX_OK)
		st = ifx_doc_load(&f->doc, ifx_str_sub(bytes, 0, first.len), &problem);
	if (st == IFX_ENOMEM)
		no_memory(configs);
	else if (st != IFX_OK)
		ok = refuse_at(configs, f, problem.at, ifx_buf_str(&problem.text));
	else if (ifx_stream_next(bytes, &at, &more))
		ok = refuse_at(configs, f, more.at,
			       IFX_LIT("settings are one document; there is another one"));
	ifx_buf_release(&problem.text);
	return ok && st == IFX_OK;
}

/* One layer after the other: the file, what holds for some paths of it. */
static bool layer(struct ifx_configs *configs, const struct ifx_config_file *f,
		  struct ifx_config *c, const struct ifx_node *map, ifx_settings_place place)
{
	c->base = f->base;
	c->confined = !f->trusted;
	return ifx_settings_read(c, map, place, f->path, configs->err);
}

/* Everything that the file says is understood, or it is not used at all. */
static bool understand(struct ifx_configs *configs, struct ifx_config_file *f)
{
	struct ifx_config *scratch = ifx_config_new();
	const struct ifx_node *map = f->doc->root;
	bool ok;

	f->root = ifx_config_new();
	if (!scratch || !f->root) {
		ifx_config_free(scratch);
		no_memory(configs);
		return false;
	}
	ok = layer(configs, f, f->root, map, IFX_SETTINGS_FILE);
	if (ok && map && map->kind == IFX_MAP)
		ok = ifx_settings_read_paths(&f->paths, &f->n_paths, map, &configs->arena, f->path,
					     configs->err);
	for (size_t i = 0; i < f->n_paths; i++)
		if (f->paths[i].map)
			ok &= layer(configs, f, scratch, f->paths[i].map, IFX_SETTINGS_PATHS);
	ifx_config_free(scratch);
	return ok;
}

static bool read_excludes(struct ifx_configs *configs, struct ifx_config_file *f)
{
	const struct ifx_texts *list = &f->root->exclude;
	ifx_status st = IFX_OK;

	if (!list->n || configs->line->exclude.n)
		return true;
	st = ifx_ignore_new(&f->exclude);
	for (size_t i = 0; st == IFX_OK && i < list->n; i++) {
		ifx_str glob = list->items[i].text;

		while (ifx_str_starts(glob, IFX_LIT("./")))
			glob = ifx_str_sub(glob, 1, glob.len - 1);
		st = ifx_ignore_line(f->exclude, glob);
	}
	if (st != IFX_OK)
		no_memory(configs);
	return st == IFX_OK;
}

static void note_use(struct ifx_configs *configs, const struct ifx_config_file *f)
{
	if (!configs->line->verbose)
		return;
	ifx_buf_add(configs->err, IFX_LIT("istio-fix: note: settings of '"));
	ifx_say_text(configs->err, f->path);
	ifx_buf_add(configs->err, IFX_LIT("'\n"));
}

static struct ifx_config_file *new_file(struct ifx_configs *configs, ifx_str path, ifx_str dir,
					bool trusted)
{
	struct ifx_config_file *f = ifx_arena_alloc(&configs->arena, sizeof(*f));

	if (!f) {
		no_memory(configs);
		return NULL;
	}
	ifx_buf_init(&f->bytes, IFX_FILE_MAX);
	f->path = ifx_arena_copy(&configs->arena, path);
	f->base = ifx_arena_copy(&configs->arena, ifx_dir_of(path));
	f->dir = ifx_arena_copy(&configs->arena, dir);
	f->trusted = trusted;
	f->next = configs->files;
	configs->files = f;
	if (!f->path.ptr || !f->base.ptr || !f->dir.ptr) {
		no_memory(configs);
		f->bad = true;
	}
	return f;
}

static void read_file(struct ifx_configs *configs, struct ifx_config_file *f)
{
	struct stat st = { 0 };
	struct ifx_buf why;
	bool ok = false;

	if (f->bad)
		return;
	ifx_buf_init(&why, 4096);
	if (!f->trusted && !lstat(f->path.ptr, &st) && S_ISLNK(st.st_mode))
		refuse(configs, f,
		       "a symbolic link could lead anywhere; put the file there, or use --config");
	else if (ifx_file_read(&f->bytes, f->path.ptr, &st, &why) != IFX_OK)
		refuse(configs, f, why.len ? why.data : "out of memory");
	else if (f->bytes.len > IFX_CONFIG_FILE_MAX)
		refuse(configs, f, "larger than a megabyte");
	else
		ok = parse(configs, f) && understand(configs, f) && read_excludes(configs, f);
	ifx_buf_release(&why);
	f->bad = !ok;
	configs->failed |= !ok;
	configs->stop |= !ok && f == configs->given;
	if (ok)
		note_use(configs, f);
}

/* ---- which file ---- */

static bool is_there(struct ifx_configs *configs, ifx_str dir, const char *name)
{
	ifx_str path = ifx_arena_printf(&configs->arena, "%.*s/%s", IFX_ARG(dir), name);
	struct stat st;

	if (!path.ptr)
		no_memory(configs);
	return path.ptr && !lstat(path.ptr, &st);
}

static struct ifx_config_file *file_in(struct ifx_configs *configs, ifx_str dir)
{
	bool yaml = is_there(configs, dir, ".istio-fix.yaml");
	bool yml = is_there(configs, dir, ".istio-fix.yml");
	ifx_str path = ifx_arena_printf(&configs->arena, "%.*s%s.istio-fix.%s", IFX_ARG(dir),
					dir.len > 1 ? "/" : "", yaml ? "yaml" : "yml");
	struct ifx_config_file *f = NULL;
	struct ifx_buf shown;

	if (!yaml && !yml)
		return NULL;
	ifx_buf_init(&shown, 1 << 16);
	if (path.ptr)
		ifx_path_below(&shown, path);
	if (path.ptr && !shown.bad)
		f = new_file(configs, ifx_buf_str(&shown), dir, false);
	else
		no_memory(configs);
	if (f && yaml && yml)
		refuse(configs, f, "'.istio-fix.yml' is there as well; keep one of them");
	else if (f)
		read_file(configs, f);
	ifx_buf_release(&shown);
	return f;
}

static struct ifx_config_dir *put_dir(struct ifx_configs *configs, ifx_str key,
				      struct ifx_config_file *file, ifx_str path)
{
	struct ifx_config_dir *dir = ifx_arena_alloc(&configs->arena, sizeof(*dir));

	if (!dir || !ifx_map_put(&configs->dirs, &configs->arena, key, dir)) {
		no_memory(configs);
		return NULL;
	}
	*dir = (struct ifx_config_dir){ file, path };
	return dir;
}

/* `real` from where the patterns of the file count. */
static ifx_str seen_from(struct ifx_configs *configs, const struct ifx_config_file *f, ifx_str real)
{
	ifx_str top = f->dir, path;

	if (ifx_str_eq(real, top))
		return IFX_LIT("");
	if (top.len == 1)
		top.len = 0;
	if (ifx_str_starts(real, top) && real.ptr[top.len] == '/')
		path = ifx_str_sub(real, top.len + 1, real.len - top.len - 1);
	else
		/* Not below: only a pattern without slash can be meant. */
		path = ifx_arena_printf(&configs->arena, "..%.*s", IFX_ARG(real));
	path = path.ptr ? ifx_arena_copy(&configs->arena, path) : path;
	if (!path.ptr)
		no_memory(configs);
	return path;
}

/* The nearest file for a directory by its real name; goes up until somebody knew. */
static struct ifx_config_file *nearest(struct ifx_configs *configs, ifx_str real)
{
	const struct ifx_map_item *known = ifx_map_at(&configs->dirs, real);
	struct ifx_config_file *f;

	if (known)
		return ((struct ifx_config_dir *)known->value)->file;
	f = file_in(configs, real);
	if (!f && real.len > 1 && !is_there(configs, real, ".git"))
		f = nearest(configs, ifx_dir_of(real));
	put_dir(configs, real, f, f ? seen_from(configs, f, real) : IFX_NONE);
	return f;
}

static struct ifx_config_file *given_file(struct ifx_configs *configs)
{
	struct ifx_buf dir;
	ifx_str path = configs->line->config, parent;

	if (configs->given)
		return configs->given;
	ifx_buf_init(&dir, 1 << 16);
	parent = ifx_arena_copy(&configs->arena, ifx_dir_of(path));
	if (!parent.ptr || ifx_path_resolve(&dir, parent.ptr) == IFX_ENOMEM)
		no_memory(configs);
	else
		configs->given = new_file(configs, path, ifx_buf_str(&dir), true);
	ifx_buf_release(&dir);
	if (configs->given)
		read_file(configs, configs->given);
	return configs->given;
}

static ifx_str name_of(ifx_str path)
{
	const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
	size_t from = slash ? (size_t)(slash - path.ptr) + 1 : 0;

	return ifx_str_sub(path, from, path.len - from);
}

/* A directory that is not there, below one that has these settings. */
static struct ifx_config_dir *dir_below(struct ifx_configs *configs, ifx_str typed,
					const struct ifx_config_dir *above)
{
	ifx_str path;

	if (!above || !above->file)
		return put_dir(configs, typed, NULL, IFX_NONE);
	path = ifx_arena_printf(&configs->arena, "%.*s%s%.*s", IFX_ARG(above->path),
				above->path.len ? "/" : "", IFX_ARG(name_of(typed)));
	if (!path.ptr)
		no_memory(configs);
	return path.ptr ? put_dir(configs, typed, above->file, path) : NULL;
}

/* By the name that was typed. */
static struct ifx_config_dir *dir_of(struct ifx_configs *configs, ifx_str typed)
{
	const struct ifx_map_item *known = ifx_map_at(&configs->dirs, typed);
	ifx_str name = ifx_arena_copy(&configs->arena, typed);
	struct ifx_config_dir *dir = NULL;
	struct ifx_config_file *f;
	struct ifx_buf real;

	if (known)
		return known->value;
	if (!name.ptr) {
		no_memory(configs);
		return NULL;
	}
	ifx_buf_init(&real, 1 << 16);
	if (ifx_resolver_resolve(&configs->resolver, &real, name.ptr) == IFX_OK) {
		f = configs->from == IFX_CONFIGS_NEAREST ? nearest(configs, ifx_buf_str(&real))
							 : given_file(configs);
		known = ifx_map_at(&configs->dirs, typed); /* it may have been real */
		dir = known ? known->value
			    : put_dir(configs, typed, f,
				      f ? seen_from(configs, f, ifx_buf_str(&real)) : IFX_NONE);
	} else if (!ifx_str_eq(typed, IFX_LIT(".")) && !ifx_str_eq(typed, IFX_LIT("/"))) {
		dir = dir_below(configs, typed, dir_of(configs, ifx_dir_of(typed)));
	}
	ifx_buf_release(&real);
	return dir;
}

static struct ifx_config_dir *dir_for(struct ifx_configs *configs, ifx_str dir)
{
	if (configs->from == IFX_CONFIGS_NONE)
		return NULL;
	return dir_of(configs, dir.len ? dir : IFX_LIT("."));
}

/* ---- what it makes of the command line ---- */

static void add_notes(struct ifx_configs *configs, const struct ifx_rules *rules)
{
	for (size_t i = 0; configs->talks && i < rules->n_notes; i++) {
		ifx_buf_add(configs->err, IFX_LIT("istio-fix: note: "));
		ifx_say_text(configs->err, rules->notes[i]);
		ifx_buf_addc(configs->err, '\n');
	}
}

static void add_texts(struct ifx_buf *key, const struct ifx_texts *list)
{
	for (size_t i = 0; i < list->n; i++)
		ifx_buf_addf(key, "%.*s,", IFX_ARG(list->items[i].text));
	ifx_buf_addc(key, '\0');
}

/* Everything that decides which of the built-in rules run; configurations that are alike share
 * them.
 */
static void add_rules_key(struct ifx_buf *key, const struct ifx_config *c)
{
	add_texts(key, &c->select);
	add_texts(key, &c->ignore);
	for (size_t i = 0; i < c->n_picks; i++)
		ifx_buf_addf(key, "%.*s=%.*s,", IFX_ARG(c->picks[i].rule),
			     IFX_ARG(c->picks[i].answer));
}

static bool load_rules(struct ifx_configs *configs, struct ifx_profile *p)
{
	const struct ifx_map_item *alike = NULL;
	struct ifx_buf key;
	bool ok;

	ifx_buf_init(&key, 1 << 20);
	add_rules_key(&key, p->config);
	if (!p->config->rules.n && !key.bad)
		alike = ifx_map_at(&configs->rulesets, ifx_buf_str(&key));
	if (alike) {
		p->rules = ((const struct ifx_profile *)alike->value)->rules;
		p->borrows = ok = true;
	} else {
		ok = ifx_ruleset_load(&p->rules, p->config, &configs->builtin, configs->err);
		if (ok && !p->config->rules.n && !key.bad &&
		    !ifx_map_put(&configs->rulesets, &configs->arena, ifx_buf_str(&key), p))
			no_memory(configs);
	}
	ifx_buf_release(&key);
	return ok;
}

static struct ifx_profile *new_profile(struct ifx_configs *configs, const struct ifx_config *config,
				       const struct ifx_config_file *f)
{
	struct ifx_profile *p = ifx_arena_alloc(&configs->arena, sizeof(*p));
	struct ifx_buf why;

	if (!p) {
		no_memory(configs);
		return NULL;
	}
	p->config = config;
	p->file = f ? f->path : IFX_NONE;
	p->next = configs->first;
	configs->first = p;
	ifx_buf_init(&why, 1 << 16);
	if (!configs->builtin.n && ifx_rules_load(&configs->builtin, &why) != IFX_OK) {
		ifx_say_error(configs->err, "%.*s",
			      IFX_ARG(why.len ? ifx_buf_str(&why) : IFX_LIT("out of memory")));
		configs->stop = p->bad = true;
	} else {
		p->bad = !load_rules(configs, p);
		configs->stop |= p->rules.line_is_wrong;
		if (!p->bad && (!f || f->profiles.n == 1)) /* all of a file have the same rules */
			add_notes(configs, p->rules.all);
	}
	configs->failed |= p->bad;
	ifx_buf_release(&why);
	return p;
}

static struct ifx_config *make_config(struct ifx_configs *configs, const struct ifx_config_file *f,
				      ifx_str holds)
{
	struct ifx_config *c = ifx_config_new();
	bool ok = c && layer(configs, f, c, f->doc->root, IFX_SETTINGS_FILE);

	for (size_t i = 0; ok && i < f->n_paths; i++)
		if (holds.ptr[i] == '1')
			ok = layer(configs, f, c, f->paths[i].map, IFX_SETTINGS_PATHS);
	if (ok) {
		/* A filter does not fail for what a file in the tree says. */
		c->fail_on_given = false;
		ok = ifx_config_repeat(c, configs->line, configs->err);
	}
	if (ok)
		return c;
	ifx_config_free(c);
	no_memory(configs);
	return NULL;
}

/* Which items of `paths` hold for the file, as a text of 0 and 1. */
static ifx_str items_for(struct ifx_configs *configs, const struct ifx_config_file *f,
			 const struct ifx_config_dir *dir, ifx_str name, struct ifx_buf *holds)
{
	struct ifx_buf path;

	ifx_buf_init(&path, 1 << 16);
	ifx_buf_addf(&path, "%.*s%s%.*s", IFX_ARG(dir->path), dir->path.len ? "/" : "",
		     IFX_ARG(name));
	for (size_t i = 0; i < f->n_paths; i++)
		ifx_buf_addc(holds, ifx_ignore_covers(f->paths[i].globs, ifx_buf_str(&path), false)
					    ? '1'
					    : '0');
	if (path.bad || holds->bad)
		no_memory(configs);
	ifx_buf_release(&path);
	return ifx_buf_str(holds);
}

static struct ifx_profile *profile_of(struct ifx_configs *configs, struct ifx_config_file *f,
				      ifx_str holds)
{
	struct ifx_map_item *item = ifx_map_at(&f->profiles, holds);
	struct ifx_config *c;

	if (item)
		return item->value;
	c = make_config(configs, f, holds);
	item = c ? ifx_map_put(&f->profiles, &configs->arena, holds, NULL) : NULL;
	if (!item) {
		ifx_config_free(c);
		no_memory(configs);
		return NULL;
	}
	item->value = new_profile(configs, c, f);
	if (!item->value)
		ifx_config_free(c);
	return item->value;
}

const struct ifx_profile *ifx_configs_for(struct ifx_configs *configs, ifx_str path)
{
	const struct ifx_config_dir *dir =
		configs->stop ? NULL : dir_for(configs, ifx_dir_of(path));
	struct ifx_profile *p = NULL;
	struct ifx_buf holds;

	if (configs->stop)
		return NULL;
	if (!dir || !dir->file) {
		if (!configs->plain)
			configs->plain = new_profile(configs, configs->line, NULL);
		p = configs->plain;
	} else if (!dir->file->bad) {
		ifx_buf_init(&holds, 1 << 16);
		items_for(configs, dir->file, dir, name_of(path), &holds);
		if (!configs->stop)
			p = profile_of(configs, dir->file, ifx_buf_str(&holds));
		ifx_buf_release(&holds);
	}
	return p && !p->bad && !configs->stop ? p : NULL;
}

void ifx_configs_describe(const struct ifx_configs *configs, const char *id,
			  struct ifx_rule_page *page)
{
	for (const struct ifx_profile *p = configs->first; p && !page->source.len; p = p->next)
		if (!p->bad)
			ifx_ruleset_describe(&p->rules, id, page);
}

/* ---- the walk ---- */

struct ifx_dir_options ifx_configs_dir_options(void *data, ifx_str name)
{
	struct ifx_configs *configs = data;
	const struct ifx_config_dir *dir = configs->stop ? NULL : dir_for(configs, name);
	const struct ifx_config_file *f = dir ? dir->file : NULL;

	if (!f || f->bad)
		return (struct ifx_dir_options){ 0 };
	return (struct ifx_dir_options){ f->exclude, dir->path, f->root->force_exclude,
					 f->root->no_gitignore };
}

bool ifx_configs_leave_out(struct ifx_configs *configs, ifx_str path)
{
	struct ifx_dir_options o = ifx_configs_dir_options(configs, ifx_dir_of(path));
	struct ifx_buf seen;
	bool out;

	if (!o.exclude || (!o.force_exclude && !configs->line->force_exclude))
		return false;
	ifx_buf_init(&seen, 1 << 16);
	ifx_buf_addf(&seen, "%.*s%s%.*s", IFX_ARG(o.path), o.path.len ? "/" : "",
		     IFX_ARG(name_of(path)));
	out = ifx_ignore_covers(o.exclude, ifx_buf_str(&seen), false);
	ifx_buf_release(&seen);
	return out;
}
