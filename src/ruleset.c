#include "ruleset.h"

#include "io/files.h"
#include "rule/embedded.h"
#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

/** Memory for the list of selected rules and for names of rule files. Bytes. */
#define RULESET_MEMORY_MAX ((size_t)64 << 20)

static bool no_memory(struct ifx_buf *err)
{
	ifx_say_error(err, "out of memory");
	return false;
}

/* An error in what was said: with its place in a file, or as an option. */
static bool wrong(struct ifx_ruleset *set, const struct ifx_said *said, const char *option,
		  struct ifx_buf *err, const char *fmt, ...) IFX_PRINTF(5, 6);

static bool wrong(struct ifx_ruleset *set, const struct ifx_said *said, const char *option,
		  struct ifx_buf *err, const char *fmt, ...)
{
	struct ifx_buf text;
	va_list ap;

	ifx_buf_init(&text, 1 << 20);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	set->line_is_wrong |= !said->where.ptr;
	if (said->where.ptr)
		ifx_say_file_error(err, said->where, ifx_buf_str(&text), "config");
	else
		ifx_say_error(err, "--%s: %.*s", option, IFX_ARG(ifx_buf_str(&text)));
	ifx_buf_release(&text);
	return false;
}

/* ---- the user's files ---- */

static bool add_file(struct ifx_ruleset *set, const char *path, struct ifx_buf *err)
{
	struct ifx_buf bytes, why;
	struct stat file;
	ifx_status st;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 1 << 16);
	st = ifx_file_read(&bytes, path, &file, &why);
	if (st != IFX_OK) {
		ifx_say_file_error(err, ifx_str_of(path), ifx_buf_str(&why), "rules");
	} else {
		st = ifx_rules_add(&set->own, ifx_str_of(path), ifx_buf_str(&bytes), &why);
		if (st == IFX_ENOMEM)
			no_memory(err);
		else if (st != IFX_OK)
			ifx_buf_addf(err, "%.*s\n", IFX_ARG(ifx_buf_str(&why)));
	}
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	return st == IFX_OK;
}

static int is_rule_name(const struct dirent *d)
{
	ifx_str name = ifx_str_of(d->d_name);

	return name.ptr[0] != '.' &&
	       (ifx_str_ends(name, IFX_LIT(".yaml")) || ifx_str_ends(name, IFX_LIT(".yml")));
}

/* Unlike alphasort the same in every locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Does `path` lead to a place in `dir`, links resolved? What is not there is not outside. */
static bool is_inside(const char *path, const char *dir)
{
	struct ifx_buf real, real_dir;
	bool inside = true;

	ifx_buf_init(&real, 1 << 16);
	ifx_buf_init(&real_dir, 1 << 16);
	if (ifx_path_resolve(&real, path) == IFX_OK) {
		inside = ifx_path_resolve(&real_dir, dir) == IFX_OK;
		if (!ifx_str_ends(ifx_buf_str(&real_dir), IFX_LIT("/")))
			ifx_buf_addc(&real_dir, '/');
		inside = inside && !real_dir.bad &&
			 ifx_str_starts(ifx_buf_str(&real), ifx_buf_str(&real_dir));
	}
	ifx_buf_release(&real);
	ifx_buf_release(&real_dir);
	return inside;
}

static bool add_directory(struct ifx_ruleset *set, const struct ifx_config *c,
			  const struct ifx_said *said, const char *path, struct ifx_buf *err)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, is_rule_name, by_bytes);
	bool ok = n > 0;
	struct ifx_buf why;

	ifx_buf_init(&why, 4096);
	if (n < 0)
		ifx_file_error(&why, errno);
	else if (!n)
		ifx_buf_add(&why, IFX_LIT("there are no rules (*.yaml) in it"));
	if (!ok)
		ifx_say_file_error(err, ifx_str_of(path), ifx_buf_str(&why), "rules");
	for (int i = 0; i < n; i++) {
		ifx_str file = ifx_arena_printf(&set->arena, "%s/%s", path, list[i]->d_name);

		if (!file.ptr)
			ok = no_memory(err);
		else if (said->where.ptr && c->confined && !is_inside(file.ptr, c->base.ptr))
			ok = wrong(set, said, "rules", err,
				   "'%.*s' leads out of the directory of this file", IFX_ARG(file));
		else
			ok &= add_file(set, file.ptr, err);
		free(list[i]);
	}
	free(list);
	ifx_buf_release(&why);
	return ok;
}

/* A path that a file names counts from the file's directory. */
static bool add_path(struct ifx_ruleset *set, const struct ifx_config *c,
		     const struct ifx_said *said, struct ifx_buf *err)
{
	ifx_str path = said->text;
	struct stat st;

	if (said->where.ptr && c->base.len && !ifx_str_eq(c->base, IFX_LIT(".")) &&
	    path.ptr[0] != '/')
		path = ifx_arena_printf(&set->arena, "%.*s/%.*s", IFX_ARG(c->base),
					IFX_ARG(said->text));
	if (!path.ptr)
		return no_memory(err);
	/* The file comes with the tree, perhaps from a stranger: it reads its own directory only.
	 */
	if (said->where.ptr && c->confined && !is_inside(path.ptr, c->base.ptr))
		return wrong(set, said, "rules", err,
			     "'%.*s' is not below the directory of this file; name it with --rules",
			     IFX_ARG(said->text));
	return !stat(path.ptr, &st) && S_ISDIR(st.st_mode)
		       ? add_directory(set, c, said, path.ptr, err)
		       : add_file(set, path.ptr, err);
}

/* ---- names ---- */

static size_t find(const struct ifx_ruleset *set, ifx_str id)
{
	size_t i = 0;

	while (i < set->all->n && !ifx_str_eq(id, ifx_str_of(set->all->items[i]->id)))
		i++;
	return i;
}

/* A whole id means that rule alone; else the beginning of an id or of an IST code, or ALL. */
static bool means(const struct ifx_ruleset *set, ifx_str name, const struct ifx_transform *t)
{
	if (find(set, name) < set->all->n)
		return ifx_str_eq(name, ifx_str_of(t->id));
	return ifx_str_eq(name, IFX_LIT("ALL")) || ifx_str_starts(ifx_str_of(t->id), name) ||
	       (t->ist && ifx_str_starts(ifx_str_of(t->ist), name));
}

static bool any_means(const struct ifx_ruleset *set, const struct ifx_texts *names,
		      const struct ifx_transform *t)
{
	for (size_t i = 0; i < names->n; i++)
		if (means(set, names->items[i].text, t))
			return true;
	return false;
}

ifx_str ifx_ruleset_nearest(const struct ifx_ruleset *set, ifx_str slip)
{
	ifx_str names[128];
	size_t n = 0;

	for (; n < set->all->n && n < sizeof(names) / sizeof(*names); n++)
		names[n] = ifx_str_of(set->all->items[n]->id);
	return ifx_str_nearest(slip, names, n);
}

static bool means_any(const struct ifx_ruleset *set, ifx_str name)
{
	for (size_t i = 0; i < set->all->n; i++)
		if (means(set, name, set->all->items[i]))
			return true;
	return false;
}

static bool no_rule(struct ifx_ruleset *set, const struct ifx_said *said, const char *option,
		    struct ifx_buf *err)
{
	ifx_str near = ifx_ruleset_nearest(set, said->text);

	if (near.ptr)
		return wrong(set, said, option, err,
			     "no rule is called '%.*s'; did you mean '%.*s'?", IFX_ARG(said->text),
			     IFX_ARG(near));
	return wrong(set, said, option, err, "no rule is called '%.*s'; see 'istio-fix rules'",
		     IFX_ARG(said->text));
}

/* A slip of the pen that silently does nothing is a bad one. */
static bool check_names(struct ifx_ruleset *set, const struct ifx_texts *names, const char *option,
			struct ifx_buf *err)
{
	bool ok = true;

	for (size_t i = 0; i < names->n; i++)
		if (!means_any(set, names->items[i].text))
			ok = no_rule(set, &names->items[i], option, err);
	return ok;
}

static bool check_pick(struct ifx_ruleset *set, const struct ifx_pick *pick, struct ifx_buf *err)
{
	struct ifx_said said = { pick->rule, pick->where };
	size_t i = find(set, pick->rule);
	const struct ifx_transform *t = i < set->all->n ? set->all->items[i] : NULL;

	for (const struct ifx_answer *a = t ? t->answers : NULL; a && a->name; a++)
		if (ifx_str_eq(pick->answer, ifx_str_of(a->name)))
			return true;
	if (!t)
		return no_rule(set, &said, "choose", err);
	if (!t->answers)
		return wrong(set, &said, "choose", err, "rule '%s' asks nothing; leave it out",
			     t->id);
	return wrong(set, &said, "choose", err,
		     "'%.*s' is no answer to rule '%s'; see 'istio-fix rules %s'",
		     IFX_ARG(pick->answer), t->id, t->id);
}

static bool select_rules(struct ifx_ruleset *set, const struct ifx_config *c, struct ifx_buf *err)
{
	const struct ifx_transform **list =
		ifx_arena_alloc(&set->arena, set->all->n * sizeof(*list));
	size_t n = 0;

	if (!list)
		return no_memory(err);
	for (size_t i = 0; i < set->all->n; i++) {
		const struct ifx_transform *t = set->all->items[i];

		if ((!c->select.n || any_means(set, &c->select, t)) &&
		    !any_means(set, &c->ignore, t))
			list[n++] = t;
	}
	return ifx_selection_make(&set->selected, list, n) == IFX_OK || no_memory(err);
}

static bool load_builtin(struct ifx_ruleset *set, struct ifx_buf *err)
{
	struct ifx_buf why;
	ifx_status st;

	ifx_buf_init(&why, 1 << 16);
	st = ifx_rules_load(&set->own, &why);
	if (st == IFX_ENOMEM)
		no_memory(err);
	else if (st != IFX_OK)
		ifx_say_error(err, "%.*s", IFX_ARG(ifx_buf_str(&why)));
	ifx_buf_release(&why);
	return st == IFX_OK;
}

bool ifx_ruleset_load(struct ifx_ruleset *set, const struct ifx_config *c,
		      const struct ifx_rules *shared, struct ifx_buf *err)
{
	bool ok = true;

	*set = (struct ifx_ruleset){ .all = shared };
	ifx_arena_init(&set->arena, RULESET_MEMORY_MAX);
	if (!shared || c->rules.n) {
		set->all = &set->own;
		if (!load_builtin(set, err))
			return false;
	}
	for (size_t i = 0; i < c->rules.n; i++) {
		bool added = add_path(set, c, &c->rules.items[i], err);

		ok &= added;
		set->line_is_wrong |= !added && !c->rules.items[i].where.ptr;
	}
	if (!ok) /* names may be those of rules that are not there now */
		return false;
	ok &= check_names(set, &c->select, "select", err);
	ok &= check_names(set, &c->ignore, "ignore", err);
	for (size_t i = 0; i < c->n_picks; i++)
		ok &= check_pick(set, &c->picks[i], err);
	return ok && select_rules(set, c, err);
}

void ifx_ruleset_release(struct ifx_ruleset *set)
{
	ifx_selection_release(&set->selected);
	ifx_rules_release(&set->own);
	ifx_arena_release(&set->arena);
}

/* ---- what a person asks ---- */

void ifx_ruleset_list(const struct ifx_ruleset *set, struct ifx_buf *out)
{
	for (size_t i = 0; i < set->all->n; i++) {
		const struct ifx_transform *t = set->all->items[i];

		ifx_buf_addf(out, "%-28s %-8s %-7s %s\n", t->id, t->ist ? t->ist : "-",
			     ifx_level_name(t->level), t->summary);
	}
}

static ifx_str builtin_page(const char *id)
{
	for (size_t i = 0; i < ifx_embedded_count; i++) {
		const struct ifx_embedded *file = &ifx_embedded_files[i];
		ifx_str name = ifx_str_of(file->name);

		if (ifx_str_ends(name, IFX_LIT(".md")) &&
		    ifx_str_eq(ifx_str_sub(name, 0, name.len - 3), ifx_str_of(id)))
			return (ifx_str){ (const char *)file->data, file->len };
	}
	return IFX_NONE;
}

static void add_page(const struct ifx_ruleset *set, size_t i, struct ifx_buf *out)
{
	const struct ifx_transform *t = set->all->items[i];
	ifx_str page = set->all->files[i].ptr ? IFX_NONE : builtin_page(t->id);

	if (page.ptr)
		ifx_buf_add(out, page);
	else
		ifx_buf_addf(out, "# %s\n\n%s\n\nSource: %s\n", t->id, t->summary, t->source);
	if (!t->answers)
		return;
	ifx_buf_addf(out, "\nAnswers, as in --choose %s=%s:\n\n", t->id, t->answers->name);
	for (const struct ifx_answer *a = t->answers; a->name; a++)
		ifx_buf_addf(out, "  %-18s %s\n", a->name, a->meaning);
}

bool ifx_ruleset_explain(const struct ifx_ruleset *set, ifx_str id, struct ifx_buf *out,
			 struct ifx_buf *err)
{
	size_t i = find(set, id);
	const struct ifx_transform *t;
	bool found = false;

	/* istioctl's code may stand for several rules. */
	for (size_t k = 0; i == set->all->n && k < set->all->n; k++) {
		t = set->all->items[k];
		if (!t->ist || !ifx_str_eq(id, ifx_str_of(t->ist)))
			continue;
		if (found)
			ifx_buf_addc(out, '\n');
		found = ifx_ruleset_explain(set, ifx_str_of(t->id), out, err);
	}
	if (found)
		return true;
	if (i == set->all->n) {
		ifx_str near = ifx_ruleset_nearest(set, id);

		if (near.ptr)
			ifx_say_error(err, "no rule is called '%.*s'; did you mean '%.*s'?",
				      IFX_ARG(id), IFX_ARG(near));
		else
			ifx_say_error(err, "no rule is called '%.*s'; see 'istio-fix rules'",
				      IFX_ARG(id));
		return false;
	}
	add_page(set, i, out);
	return true;
}

/* Reasons to leave a file alone; no rule has these ids. */
static ifx_str problem_summary(const char *id)
{
	static const char *const problems[][2] = {
		{ "yaml", "the text is not YAML that can be read safely; the file is left alone" },
		{ "template", "a template that cannot be followed; render it first" },
		{ "limit", "the text is larger than a limit; the file is left alone" },
		{ "internal", "a fix could not be proven right; the file is left alone" },
	};

	for (size_t i = 0; i < sizeof(problems) / sizeof(*problems); i++)
		if (!strcmp(problems[i][0], id))
			return ifx_str_of(problems[i][1]);
	return IFX_NONE;
}

void ifx_ruleset_describe(const struct ifx_ruleset *set, const char *id, struct ifx_rule_page *page)
{
	size_t i = find(set, ifx_str_of(id));

	if (i == set->all->n) {
		page->summary = problem_summary(id);
		return;
	}
	page->summary = ifx_str_of(set->all->items[i]->summary);
	page->source = ifx_str_of(set->all->items[i]->source);
	add_page(set, i, &page->text);
}
