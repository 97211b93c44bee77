#include "options.h"

#include "base/alloc.h"
#include "base/parallel.h"
#include "report/report.h"

#include <stdlib.h>
#include <unistd.h>

static bool bad(struct ifx_buf *err, const char *fmt, ...) IFX_PRINTF(2, 3);

static bool bad(struct ifx_buf *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_vaddf(err, fmt, ap);
	va_end(ap);
	return false;
}

/* Forget what the layers before this one said. */
static void drop_inherited(struct ifx_texts *list)
{
	for (size_t i = list->inherited; i < list->n; i++)
		list->items[i - list->inherited] = list->items[i];
	list->n -= list->inherited;
	list->inherited = 0;
}

static bool add_text(struct ifx_config *c, struct ifx_texts *list, ifx_str text)
{
	struct ifx_said *items = ifx_grow(list->items, &list->cap, list->n + 1, sizeof(*items));
	struct ifx_said said = { ifx_arena_copy(&c->arena, text), c->where };

	if (!items)
		return false;
	list->items = items;
	items[list->n++] = said;
	return said.text.ptr != NULL;
}

/* The next piece of a comma list, trimmed; empty ones are passed over. */
static bool next_piece(ifx_str *rest, ifx_str *piece)
{
	while (ifx_str_split(rest, ',', piece)) {
		*piece = ifx_str_trim(*piece);
		if (piece->len)
			return true;
	}
	return false;
}

/* An empty list would quietly mean all rules: `--select "$UNSET"`. */
static bool add_list(struct ifx_config *c, struct ifx_texts *list, ifx_str arg, struct ifx_buf *err)
{
	ifx_str rest = arg, piece;
	bool any = false;

	for (; next_piece(&rest, &piece); any = true)
		if (!add_text(c, list, piece))
			return bad(err, "out of memory");
	return any || bad(err, "the list of rules is empty");
}

static bool set_mode(struct ifx_config *c, ifx_mode mode, struct ifx_buf *err)
{
	if (c->mode != IFX_MODE_REPORT && c->mode != mode)
		return bad(err, "--in-place, --check, --diff and --list exclude each other");
	c->mode = mode;
	return true;
}

static bool set_in_place(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	return set_mode(c, IFX_MODE_IN_PLACE, err);
}

static bool set_check(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	return set_mode(c, IFX_MODE_CHECK, err);
}

static bool set_diff(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	return set_mode(c, IFX_MODE_DIFF, err);
}

static bool set_list(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	return set_mode(c, IFX_MODE_LIST, err);
}

static bool set_level(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (ifx_str_eq(arg, IFX_LIT("safe")))
		c->level = IFX_SAFE;
	else if (ifx_str_eq(arg, IFX_LIT("repair")))
		c->level = IFX_REPAIR;
	else if (ifx_str_eq(arg, IFX_LIT("all")) || ifx_str_eq(arg, IFX_LIT("choice")))
		c->level = IFX_CHOICE;
	else
		return bad(err, "--level is safe, repair or all, not '%.*s'", IFX_ARG(arg));
	return true;
}

static bool add_pick(struct ifx_config *c, ifx_str rule, ifx_str answer)
{
	struct ifx_pick *picks = ifx_grow(c->picks, &c->cap_picks, c->n_picks + 1, sizeof(*picks));
	struct ifx_pick pick = { ifx_arena_copy(&c->arena, rule), ifx_arena_copy(&c->arena, answer),
				 c->where };

	if (picks)
		c->picks = picks;
	if (!picks || !pick.rule.ptr || !pick.answer.ptr)
		return false;
	picks[c->n_picks++] = pick;
	return true;
}

static bool set_choose(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	ifx_str rest = arg, piece, rule;
	bool any = false;

	for (; next_piece(&rest, &piece); any = true) {
		ifx_str answer = piece;

		ifx_str_split(&answer, '=', &rule);
		if (!rule.len || !answer.len)
			return bad(err, "--choose wants RULE=ANSWER, not '%.*s'", IFX_ARG(piece));
		if (!add_pick(c, rule, answer))
			return bad(err, "out of memory");
	}
	return any || bad(err, "--choose wants RULE=ANSWER");
}

static bool set_select(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	drop_inherited(&c->select);
	drop_inherited(&c->ignore);
	return add_list(c, &c->select, arg, err);
}

static bool set_ignore(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!c->layer_adds)
		drop_inherited(&c->ignore);
	return add_list(c, &c->ignore, arg, err);
}

static bool set_rules(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!arg.len)
		return bad(err, "--rules wants a file or a directory");
	drop_inherited(&c->rules);
	return add_text(c, &c->rules, arg) || bad(err, "out of memory");
}

static bool set_format(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->format_given = true;
	for (c->format = 0; ifx_report_format_name(c->format); c->format++)
		if (ifx_str_eq(arg, ifx_str_of(ifx_report_format_name(c->format))))
			return true;
	c->format = IFX_FORMAT_TEXT;
	/* kubectl's -f */
	if (ifx_str_chr(arg, '/') != SIZE_MAX || ifx_str_chr(arg, '.') != SIZE_MAX ||
	    ifx_str_eq(arg, IFX_LIT("-")))
		return bad(err, "-f is --format; name files without an option: '%.*s'",
			   IFX_ARG(arg));
	return bad(err, "--format is text, json, sarif, github, gitlab or junit, not '%.*s'",
		   IFX_ARG(arg));
}

static bool set_fail_on(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->fail_on_given = true;
	for (ifx_severity s = IFX_INFO; s <= IFX_ERROR; s++)
		if (ifx_str_eq(arg, ifx_str_of(ifx_severity_name(s)))) {
			c->fail_on = s;
			return true;
		}
	return bad(err, "--fail-on is error, warning or info, not '%.*s'", IFX_ARG(arg));
}

static bool set_exit_zero(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->exit_zero = true;
	return true;
}

static bool set_exit_on_fix(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->exit_non_zero_on_fix = true;
	return true;
}

static bool set_exclude(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	drop_inherited(&c->exclude);
	return add_text(c, &c->exclude, arg) || bad(err, "out of memory");
}

static bool set_force_exclude(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->force_exclude = true;
	return true;
}

static bool set_no_gitignore(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->no_gitignore = true;
	return true;
}

static bool set_files_from(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!arg.len)
		return bad(err, "--files-from wants a file, or - for standard input");
	c->files_from = ifx_arena_copy(&c->arena, arg);
	return c->files_from.ptr || bad(err, "out of memory");
}

static bool set_null(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->null = true;
	return true;
}

static bool set_since(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	/* git would take it for an option */
	if (!arg.len || arg.ptr[0] == '-')
		return bad(err, "--since wants a git revision, not '%.*s'", IFX_ARG(arg));
	c->since = ifx_arena_copy(&c->arena, arg);
	return c->since.ptr || bad(err, "out of memory");
}

static bool set_atomic(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->atomic = true;
	return true;
}

static bool set_backup(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	static const char *const manifests[] = { ".yaml", ".yml", ".json" };

	if (ifx_str_chr(arg, '/') != SIZE_MAX)
		return bad(err, "--backup wants the end of a name, without '/', not '%.*s'",
			   IFX_ARG(arg));
	for (size_t i = 0; i < sizeof(manifests) / sizeof(*manifests); i++)
		if (ifx_str_ends(arg, ifx_str_of(manifests[i])))
			return bad(err,
				   "--backup=%.*s: the next run would take the old files for "
				   "manifests; try --backup=%.*s.orig",
				   IFX_ARG(arg), IFX_ARG(arg));
	c->backup = ifx_arena_copy(&c->arena, arg.len ? arg : IFX_LIT("~"));
	return c->backup.ptr || bad(err, "out of memory");
}

static bool set_stdin_filename(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->stdin_filename = ifx_arena_copy(&c->arena, arg);
	return c->stdin_filename.ptr || bad(err, "out of memory");
}

static bool set_config(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!arg.len)
		return bad(err, "--config wants a file");
	if (c->no_config)
		return bad(err, "--config and --no-config exclude each other");
	c->config = ifx_arena_copy(&c->arena, arg);
	return c->config.ptr || bad(err, "out of memory");
}

static bool set_no_config(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	if (c->config.ptr)
		return bad(err, "--config and --no-config exclude each other");
	c->no_config = true;
	return true;
}

static bool set_baseline(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!arg.len)
		return bad(err, "--baseline wants a file");
	if (c->write_baseline.ptr)
		return bad(err, "--baseline and --write-baseline exclude each other");
	c->baseline = ifx_arena_copy(&c->arena, arg);
	return c->baseline.ptr || bad(err, "out of memory");
}

static bool set_write_baseline(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!arg.len)
		return bad(err, "--write-baseline wants a file");
	if (c->baseline.ptr)
		return bad(err, "--baseline and --write-baseline exclude each other");
	c->write_baseline = ifx_arena_copy(&c->arena, arg);
	return c->write_baseline.ptr || bad(err, "out of memory");
}

static bool set_add_ignores(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	for (size_t i = 0; i < arg.len; i++)
		if ((unsigned char)arg.ptr[i] < 0x20 || arg.ptr[i] == 0x7f)
			return bad(err, "--add-ignores wants one line of text");
	c->add_ignores = true;
	c->why_ignored = ifx_arena_copy(&c->arena, ifx_str_trim(arg));
	return c->why_ignored.ptr || bad(err, "out of memory");
}

static bool set_istio_version(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	ifx_str digits = arg;
	int minor = 0;

	/* 1.27, and 1.27.3 or v1.27 as people copy them */
	if (ifx_str_starts(digits, IFX_LIT("v")))
		digits = ifx_str_sub(digits, 1, digits.len - 1);
	if (!ifx_str_starts(digits, IFX_LIT("1.")))
		digits = IFX_LIT("");
	for (size_t i = 2;
	     i < digits.len && digits.ptr[i] >= '0' && digits.ptr[i] <= '9' && minor < 1000; i++)
		minor = minor * 10 + (digits.ptr[i] - '0');
	if (minor < IFX_ISTIO_OLDEST || minor > IFX_ISTIO_NEWEST)
		return bad(err, "--istio-version is 1.%d to 1.%d, not '%.*s'", IFX_ISTIO_OLDEST,
			   IFX_ISTIO_NEWEST, IFX_ARG(arg));
	c->istio_minor = minor;
	return true;
}

static bool set_namespace(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (!arg.len)
		return bad(err, "--namespace wants a name");
	c->namespace = ifx_arena_copy(&c->arena, arg);
	return c->namespace.ptr || bad(err, "out of memory");
}

static bool likes_color(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

void ifx_color_auto(struct ifx_config *c)
{
	c->color_out = likes_color(STDOUT_FILENO);
	c->color_err = likes_color(STDERR_FILENO);
}

static bool set_color(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (ifx_str_eq(arg, IFX_LIT("auto"))) {
		ifx_color_auto(c);
		return true;
	}
	if (!ifx_str_eq(arg, IFX_LIT("always")) && !ifx_str_eq(arg, IFX_LIT("never")))
		return bad(err, "--color is auto, always or never, not '%.*s'", IFX_ARG(arg));
	c->color_out = c->color_err = ifx_str_eq(arg, IFX_LIT("always"));
	return true;
}

static bool set_host(struct ifx_config *c, ifx_host host, struct ifx_buf *err)
{
	if (c->host != IFX_HOST_ANY && c->host != host)
		return bad(err, "--krm and --kustomize-legacy exclude each other");
	c->host = host;
	return true;
}

static bool set_krm(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	return set_host(c, IFX_HOST_KRM, err);
}

static bool set_plugin(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	return set_host(c, IFX_HOST_PLUGIN, err);
}

/* A whole number in decimal, 1 to `most`; 0 when it is none. */
static unsigned number_of(ifx_str text, unsigned most)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]) || n > most)
			return 0;
		n = n * 10 + (unsigned)(text.ptr[i] - '0');
	}
	return n <= most ? n : 0;
}

static bool set_jobs(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->jobs = number_of(arg, IFX_THREADS_MAX);
	return c->jobs || bad(err, "--jobs is a number from 1 to %d, not '%.*s'", IFX_THREADS_MAX,
			      IFX_ARG(arg));
}

static bool set_shard(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	ifx_str rest = arg, i = IFX_NONE;

	ifx_str_split(&rest, '/', &i);
	c->shard = number_of(i, IFX_SHARDS_MAX);
	c->shards = number_of(rest.ptr ? rest : IFX_LIT(""), IFX_SHARDS_MAX);
	return (c->shard && c->shard <= c->shards) ||
	       bad(err, "--shard is I/N, the Ith of N parts (from 1), not '%.*s'", IFX_ARG(arg));
}

static bool set_statistics(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->statistics = true;
	return true;
}

static bool set_quiet(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->quiet = true;
	return true;
}

static bool set_verbose(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	(void)arg;
	(void)err;
	c->verbose = true;
	return true;
}

static bool set_templates(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (ifx_str_eq(arg, IFX_LIT("fix")))
		c->templates = IFX_TEMPLATES_FIX;
	else if (ifx_str_eq(arg, IFX_LIT("report")))
		c->templates = IFX_TEMPLATES_REPORT;
	else if (ifx_str_eq(arg, IFX_LIT("skip")))
		c->templates = IFX_TEMPLATES_SKIP;
	else
		return bad(err, "--templates is fix, report or skip, not '%.*s'", IFX_ARG(arg));
	return true;
}

/* A functionConfig's: what is fixed is the answer, or nothing is and findings fail the build. */
static bool set_mode_name(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (ifx_str_eq(arg, IFX_LIT("fix")))
		c->mode = IFX_MODE_REPORT;
	else if (ifx_str_eq(arg, IFX_LIT("check")))
		c->mode = IFX_MODE_CHECK;
	else
		return bad(err, "--mode is fix or check, not '%.*s'", IFX_ARG(arg));
	return true;
}

const struct ifx_option ifx_options[] = {
	{ 'i', "in-place", NULL, set_in_place, 0, "write the fixes to the files" },
	{ 0, "fix", NULL, set_in_place, 0, NULL },
	{ 'c', "check", NULL, set_check, 0,
	  "list what would change, write nothing; exit 1 if anything" },
	{ 'd', "diff", NULL, set_diff, 0, "print a unified diff; exit 1 if it is not empty" },
	{ 'l', "list", NULL, set_list, 0, "print only the names of files that would change" },
	{ 0, "level", "LEVEL", set_level, IFX_KEY_RULES,
	  "apply fixes up to safe, repair (default) or all (choices too)" },
	{ 0, "choose", "RULE=ANSWER", set_choose, IFX_KEY_RULES | IFX_KEY_MAP,
	  "answer a rule's question; see 'istio-fix rules RULE'" },
	{ 's', "select", "RULES", set_select, IFX_KEY_RULES | IFX_KEY_LIST,
	  "only these rules: a comma list, prefixes, ALL" },
	{ 'x', "ignore", "RULES", set_ignore, IFX_KEY_RULES | IFX_KEY_LIST, "not these rules" },
	{ 0, "rules", "FILE", set_rules, IFX_KEY_RUN | IFX_KEY_LIST,
	  "add a rule, or all of a directory (*.yaml)" },
	{ 'f', "format", "FORMAT", set_format, 0,
	  "text (default), json, sarif, github, gitlab or junit" },
	{ 0, "fail-on", "SEVERITY", set_fail_on, IFX_KEY_RUN,
	  "lowest severity that makes exit 1: error, warning (default), info" },
	{ 0, "exit-zero", NULL, set_exit_zero, 0, "findings do not change the exit code" },
	{ 0, "exit-non-zero-on-fix", NULL, set_exit_on_fix, 0, "exit 1 if anything was fixed" },
	{ 0, "exclude", "GLOB", set_exclude, IFX_KEY_RUN | IFX_KEY_LIST,
	  "leave out what matches, as in a .gitignore" },
	{ 0, "force-exclude", NULL, set_force_exclude, IFX_KEY_RUN,
	  "--exclude holds for named files too, and templates are no error" },
	{ 0, "no-gitignore", NULL, set_no_gitignore, IFX_KEY_RUN,
	  "walk into what git ignores as well" },
	{ 'j', "jobs", "N", set_jobs, 0, "files at a time; as many as there are processors" },
	{ 0, "shard", "I/N", set_shard, 0,
	  "only the Ith of N parts of the files, from 1; for many machines" },
	{ 0, "atomic", NULL, set_atomic, 0,
	  "with -i: all files are written, or none; also when interrupted" },
	{ 0, "backup", "[=SUFFIX]", set_backup, 0,
	  "with -i: keep the old files beside the new ones, as NAME~" },
	{ 0, "files-from", "FILE", set_files_from, 0,
	  "also the paths in FILE, one a line; - for standard input" },
	{ '0', "null", NULL, set_null, 0,
	  "paths in --files-from, and those of --list, end in NUL" },
	{ 0, "since", "REV", set_since, 0, "only files that changed since a git revision" },
	{ 0, "config", "FILE", set_config, 0,
	  "settings for all inputs, not the nearest .istio-fix.yaml" },
	{ 0, "no-config", NULL, set_no_config, 0, "no settings but those of the command line" },
	{ 0, "baseline", "FILE", set_baseline, 0, "leave findings alone that FILE lists" },
	{ 0, "write-baseline", "FILE", set_write_baseline, 0,
	  "list all findings that are left in FILE" },
	{ 0, "add-ignores", "[=REASON]", set_add_ignores, 0,
	  "write a comment that ignores it for each finding that is left" },
	{ 0, "stdin-filename", "PATH", set_stdin_filename, 0,
	  "name of standard input in messages" },
	{ 0, "templates", "WHAT", set_templates, IFX_KEY_RULES,
	  "templates (Helm, Jinja, ytt, ...): fix (default), report or skip" },
	{ 0, "istio-version", "1.N", set_istio_version, IFX_KEY_RULES,
	  "the release the manifests are for; 1.32 unless said" },
	{ 'n', "namespace", "NAME", set_namespace, IFX_KEY_RULES,
	  "namespace of objects that do not say theirs" },
	{ 0, "krm", NULL, set_krm, 0,
	  "be a KRM function; without paths a ResourceList tells as much" },
	{ 0, "kustomize-legacy", NULL, set_plugin, 0,
	  "be an exec plugin of kustomize: the first path is its configuration" },
	{ 0, "color", "WHEN", set_color, 0, "auto (default), always or never" },
	{ 0, "statistics", NULL, set_statistics, 0, "count findings by rule as well" },
	{ 'q', "quiet", NULL, set_quiet, 0, "no summary" },
	{ 'v', "verbose", NULL, set_verbose, 0, "show what was fixed, or would be, as well" },
	{ 'h', "help", NULL, NULL, 0, "print this" },
	{ 'V', "version", NULL, NULL, 0, "print the version" },
	{ 0, "mode", "MODE", set_mode_name, IFX_KEY_FUNCTION | IFX_KEY_ONLY, NULL },
	{ 0, NULL, NULL, NULL, 0, NULL },
};

const struct ifx_option *ifx_option_named(ifx_str name)
{
	for (const struct ifx_option *o = ifx_options; o->name; o++)
		if (ifx_str_eq(ifx_str_of(o->name), name) && !(o->keys & IFX_KEY_ONLY))
			return o;
	return NULL;
}

bool ifx_option_give(struct ifx_config *c, const struct ifx_option *option, ifx_str arg,
		     struct ifx_buf *err)
{
	struct ifx_given *given = ifx_grow(c->given, &c->cap_given, c->n_given + 1, sizeof(*given));
	ifx_str copy = ifx_arena_copy(&c->arena, arg);

	if (given)
		c->given = given;
	if (!given || !copy.ptr)
		return bad(err, "out of memory");
	if (!option->set(c, copy, err))
		return false;
	given[c->n_given++] = (struct ifx_given){ option, copy };
	return true;
}
