/* The one option table: it parses argv, it answers ifx_config_set, and it is what --help prints. */
#include "config.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "report/report.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* An option is carried out by one function; `arg` is NULL for those without argument. */
typedef bool option_fn(struct ifx_config *c, ifx_str arg, struct ifx_buf *err);

struct option_row {
	char letter; /* 0: none */
	const char *name;
	const char *arg; /* NULL: none */
	option_fn *set;
	const char *help;
};

static bool bad(struct ifx_buf *err, const char *fmt, ...) IFX_PRINTF(2, 3);

static bool bad(struct ifx_buf *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_vaddf(err, fmt, ap);
	va_end(ap);
	return false;
}

static bool add_text(struct ifx_config *c, struct ifx_texts *list, ifx_str text)
{
	ifx_str *items = ifx_grow(list->items, &list->cap, list->n + 1, sizeof(*items));

	if (!items)
		return false;
	list->items = items;
	items[list->n] = ifx_arena_copy(&c->arena, text);
	return items[list->n++].ptr != NULL;
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
	struct ifx_pick pick = { ifx_arena_copy(&c->arena, rule),
				 ifx_arena_copy(&c->arena, answer) };

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
	return add_list(c, &c->select, arg, err);
}

static bool set_ignore(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	return add_list(c, &c->ignore, arg, err);
}

static bool set_rules(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	return add_text(c, &c->rules, arg) || bad(err, "out of memory");
}

static bool set_format(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->format_given = true;
	for (c->format = 0; ifx_report_format_name(c->format); c->format++)
		if (ifx_str_eq(arg, ifx_str_of(ifx_report_format_name(c->format))))
			return true;
	c->format = IFX_FORMAT_TEXT;
	return bad(err, "--format is text or json, not '%.*s'", IFX_ARG(arg));
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

static bool set_stdin_filename(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	c->stdin_filename = ifx_arena_copy(&c->arena, arg);
	return c->stdin_filename.ptr || bad(err, "out of memory");
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

static bool set_color(struct ifx_config *c, ifx_str arg, struct ifx_buf *err)
{
	if (ifx_str_eq(arg, IFX_LIT("auto"))) {
		c->color_out = likes_color(STDOUT_FILENO);
		c->color_err = likes_color(STDERR_FILENO);
		return true;
	}
	if (!ifx_str_eq(arg, IFX_LIT("always")) && !ifx_str_eq(arg, IFX_LIT("never")))
		return bad(err, "--color is auto, always or never, not '%.*s'", IFX_ARG(arg));
	c->color_out = c->color_err = ifx_str_eq(arg, IFX_LIT("always"));
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

static const struct option_row rows[] = {
	{ 'i', "in-place", NULL, set_in_place, "write the fixes to the files" },
	{ 0, "fix", NULL, set_in_place, NULL },
	{ 'c', "check", NULL, set_check,
	  "list what would change, write nothing; exit 1 if anything" },
	{ 'd', "diff", NULL, set_diff, "print a unified diff; exit 1 if it is not empty" },
	{ 'l', "list", NULL, set_list, "print only the names of files that would change" },
	{ 0, "level", "LEVEL", set_level,
	  "apply fixes up to safe, repair (default) or all (choices too)" },
	{ 0, "choose", "RULE=ANSWER", set_choose,
	  "answer a rule's question; see 'istio-fix rules RULE'" },
	{ 's', "select", "RULES", set_select, "only these rules: a comma list, prefixes, ALL" },
	{ 'x', "ignore", "RULES", set_ignore, "not these rules" },
	{ 0, "rules", "FILE", set_rules, "add a rule, or all of a directory (*.yaml)" },
	{ 'f', "format", "FORMAT", set_format, "text (default) or json" },
	{ 0, "fail-on", "SEVERITY", set_fail_on,
	  "lowest severity that makes exit 1: error, warning (default), info" },
	{ 0, "exit-zero", NULL, set_exit_zero, "findings do not change the exit code" },
	{ 0, "exit-non-zero-on-fix", NULL, set_exit_on_fix, "exit 1 if anything was fixed" },
	{ 0, "exclude", "GLOB", set_exclude, "leave out what matches, as in a .gitignore" },
	{ 0, "force-exclude", NULL, set_force_exclude, "--exclude holds for named files too" },
	{ 0, "no-gitignore", NULL, set_no_gitignore, "walk into what git ignores as well" },
	{ 0, "stdin-filename", "PATH", set_stdin_filename, "name of standard input in messages" },
	{ 0, "istio-version", "1.N", set_istio_version,
	  "the release the manifests are for; 1.32 unless said" },
	{ 'n', "namespace", "NAME", set_namespace, "namespace of objects that do not say theirs" },
	{ 0, "color", "WHEN", set_color, "auto (default), always or never" },
	{ 'q', "quiet", NULL, set_quiet, "no summary" },
	{ 'v', "verbose", NULL, set_verbose, "show what was fixed as well" },
	{ 'h', "help", NULL, NULL, "print this" },
	{ 'V', "version", NULL, NULL, "print the version" },
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

struct ifx_config *ifx_config_new(void)
{
	struct ifx_config *c = ifx_calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	ifx_arena_init(&c->arena, (size_t)64 << 20);
	c->level = IFX_REPAIR;
	c->fail_on = IFX_WARNING;
	c->stdin_filename = IFX_LIT("<stdin>");
	return c;
}

void ifx_config_free(struct ifx_config *c)
{
	if (!c)
		return;
	ifx_free(c->picks);
	ifx_free(c->select.items);
	ifx_free(c->ignore.items);
	ifx_free(c->exclude.items);
	ifx_free(c->rules.items);
	ifx_arena_release(&c->arena);
	ifx_free(c);
}

static const struct option_row *find_row(ifx_str name)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (ifx_str_eq(ifx_str_of(rows[i].name), name))
			return &rows[i];
	return NULL;
}

static const struct option_row *find_letter(char letter)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

int ifx_config_set(struct ifx_config *c, const char *name, const char *value, char *err,
		   size_t err_size)
{
	const struct option_row *row = find_row(ifx_str_of(name));
	struct ifx_buf text;
	bool ok = false;

	ifx_buf_init(&text, 4096);
	if (!row || !row->set)
		bad(&text, "there is no option '%s'", name);
	else if (row->arg && !value)
		bad(&text, "option '%s' wants a value", name);
	else
		ok = row->set(c, ifx_str_of(value ? value : ""), &text);
	if (err && err_size)
		snprintf(err, err_size, "%.*s", IFX_ARG(ifx_buf_str(&text)));
	ifx_buf_release(&text);
	return ok ? 0 : -1;
}

static void add_help(struct ifx_buf *out)
{
	ifx_buf_add(
		out,
		IFX_LIT("istio-fix: fixes Istio manifests and leaves every other byte as it was\n"
			"\n"
			"  istio-fix [OPTIONS] PATH...        report findings; write nothing\n"
			"  istio-fix -i [OPTIONS] PATH...     fix in place\n"
			"  istio-fix [OPTIONS] -              filter: standard input to standard output\n"
			"  istio-fix rules [RULE]             list the rules, explain one\n"
			"\n"));
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct option_row *r = &rows[i];
		size_t start = out->len;

		if (!r->help)
			continue;
		if (r->letter)
			ifx_buf_addf(out, "  -%c, ", r->letter);
		else
			ifx_buf_fill(out, ' ', 6);
		ifx_buf_addf(out, "--%s", r->name);
		if (r->arg)
			ifx_buf_addf(out, " %s", r->arg);
		while (out->len - start < 30)
			ifx_buf_addc(out, ' ');
		ifx_buf_addf(out, " %s\n", r->help);
	}
	ifx_buf_add(out,
		    IFX_LIT("\nExit: 0 nothing left, 1 findings left or something would change, "
			    "2 usage, input or output error.\n"));
}

static void add_version(struct ifx_buf *out)
{
	ifx_buf_addf(out, "istio-fix %s\n", ifx_version());
}

const char *ifx_version(void)
{
	return IFX_VERSION;
}

/* ---- the command line ---- */

/* What comes after a word. */
enum { CARRY_ON, PRINT_HELP, PRINT_VERSION, USAGE };

struct line {
	struct ifx_config *config;
	char **argv;
	int argc;
	int at;    /* the word that is read */
	int paths; /* the first path so far: argv[paths..at) are paths */
	struct ifx_buf why;
};

/* argv[at..at + n) was read: move it in front of the paths. */
static void take_words(struct line *l, int n)
{
	for (; n; n--, l->at++, l->paths++) {
		char *word = l->argv[l->at];

		memmove(&l->argv[l->paths + 1], &l->argv[l->paths],
			(size_t)(l->at - l->paths) * sizeof(*l->argv));
		l->argv[l->paths] = word;
	}
}

/* name: as typed, for messages. */
static int carry_out(struct line *l, const struct option_row *row, ifx_str name, const char *arg)
{
	if (!row)
		bad(&l->why, "there is no option '%.*s'", IFX_ARG(name));
	else if (row->arg && !arg)
		bad(&l->why, "option '%.*s' wants a value: %s", IFX_ARG(name), row->arg);
	else if (!row->arg && arg)
		bad(&l->why, "option '%.*s' takes no value", IFX_ARG(name));
	else if (!row->set)
		return row->letter == 'h' ? PRINT_HELP : PRINT_VERSION;
	else if (row->set(l->config, ifx_str_of(arg ? arg : ""), &l->why))
		return CARRY_ON;
	return USAGE;
}

/* The word behind the one that is read, or NULL. */
static const char *next_word(const struct line *l)
{
	return l->at + 1 < l->argc ? l->argv[l->at + 1] : NULL;
}

/* --name, --name=value, --name value */
static int read_long(struct line *l)
{
	const char *word = l->argv[l->at], *equals = strchr(word, '=');
	ifx_str name = { word, equals ? (size_t)(equals - word) : strlen(word) };
	const struct option_row *row = find_row(ifx_str_sub(name, 2, name.len - 2));
	const char *arg = equals ? equals + 1 : row && row->arg ? next_word(l) : NULL;
	int next = carry_out(l, row, name, arg);

	take_words(l, arg && !equals ? 2 : 1);
	return next;
}

/* -a, -ab, -bvalue, -b value */
static int read_letters(struct line *l)
{
	int next = CARRY_ON, words = 1;

	for (const char *p = l->argv[l->at] + 1; *p && next == CARRY_ON; p++) {
		const struct option_row *row = find_letter(*p);
		char name[] = { '-', *p, '\0' };
		const char *arg = NULL;

		if (row && row->arg) {
			arg = p[1] ? p + 1 : next_word(l);
			words += arg && !p[1];
		}
		next = carry_out(l, row, ifx_str_of(name), arg);
		if (arg)
			break;
	}
	take_words(l, words);
	return next;
}

/* Options may follow paths; "-" is a path, and all is one behind "--". */
static int read_line(struct line *l, bool *dashes)
{
	int next = CARRY_ON;

	*dashes = false;
	while (l->at < l->argc && next == CARRY_ON && !*dashes) {
		const char *word = l->argv[l->at];

		if (word[0] != '-' || !word[1]) {
			l->at++;
		} else if (!strcmp(word, "--")) {
			*dashes = true;
			take_words(l, 1);
		} else {
			next = word[1] == '-' ? read_long(l) : read_letters(l);
		}
	}
	return next;
}

/* What the options say together with what is there besides them. */
static int check_line(struct line *l, bool dashes)
{
	struct ifx_config *c = l->config;
	bool any_path = l->paths < l->argc;

	if (any_path && !dashes && c->mode == IFX_MODE_REPORT &&
	    !strcmp(l->argv[l->paths], "rules")) {
		c->mode = IFX_MODE_RULES;
		l->paths++;
	} else if (!any_path && c->mode == IFX_MODE_IN_PLACE) {
		bad(&l->why, "--in-place wants a path; nothing is written without one");
		return USAGE;
	}
	return CARRY_ON;
}

static int print(const struct ifx_sink *sink, void (*add)(struct ifx_buf *))
{
	struct ifx_buf out;
	int code = IFX_EXIT_OK;

	ifx_buf_init(&out, 1 << 20);
	add(&out);
	if (out.bad || sink->out(sink->data, ifx_buf_str(&out).ptr, out.len))
		code = IFX_EXIT_FAILED;
	ifx_buf_release(&out);
	return code;
}

static int complain(const struct ifx_sink *sink, const struct ifx_buf *why)
{
	struct ifx_buf text;

	ifx_buf_init(&text, 1 << 20);
	ifx_say_error(&text, "%.*s; see 'istio-fix --help'", IFX_ARG(ifx_buf_str(why)));
	sink->err(sink->data, ifx_buf_str(&text).ptr, text.len);
	ifx_buf_release(&text);
	return IFX_EXIT_FAILED;
}

int ifx_config_parse(struct ifx_config *c, int argc, char **argv, int *first,
		     const struct ifx_sink *sink)
{
	int begin = argc > 0; /* behind the program's name */
	struct line line = { c, argv, argc, .at = begin, .paths = begin };
	bool dashes;
	int next, code = -1;

	ifx_buf_init(&line.why, 1 << 16);
	set_color(c, IFX_LIT("auto"), &line.why);
	next = read_line(&line, &dashes);
	if (next == CARRY_ON)
		next = check_line(&line, dashes);
	if (next == USAGE) {
		code = complain(sink, &line.why);
	} else if (next == PRINT_HELP) {
		code = print(sink, add_help);
	} else if (next == PRINT_VERSION) {
		code = print(sink, add_version);
	} else if (c->mode != IFX_MODE_RULES && line.paths == argc && isatty(STDIN_FILENO)) {
		/* Nobody wants to type a manifest. */
		print(sink, add_help);
		code = IFX_EXIT_FAILED;
	}
	*first = line.paths;
	ifx_buf_release(&line.why);
	return code;
}
