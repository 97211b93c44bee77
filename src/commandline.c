/* The command line: argv into a configuration, --help and --version. */
#include "options.h"

#include "gather.h"
#include "krm/function.h"
#include "say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static void bad(struct ifx_buf *err, const char *fmt, ...) IFX_PRINTF(2, 3);

static void bad(struct ifx_buf *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_vaddf(err, fmt, ap);
	va_end(ap);
}

/* As people type it: kubectl finds its plugins by the names of their files. */
static const char *shown_name(int argc, char *const *argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";

	return strcmp(name, "kubectl-istio_fix") ? "istio-fix" : "kubectl istio-fix";
}

static void add_usage(struct ifx_buf *out, const char *self, const char *words, const char *help)
{
	ifx_buf_addf(out, "  %s %-*s %s\n", self, 24, words, help);
}

static void add_help(struct ifx_buf *out, const char *self)
{
	ifx_buf_addf(out, "%s: fixes Istio manifests and leaves every other byte as it was\n\n",
		     self);
	add_usage(out, self, "[OPTIONS] PATH...", "report findings; write nothing");
	add_usage(out, self, "-i [OPTIONS] PATH...", "fix in place");
	add_usage(out, self, "[OPTIONS] -", "filter: standard input to standard output");
	add_usage(out, self, "[OPTIONS]", "the same, or a KRM function when a ResourceList comes");
	add_usage(out, self, "rules [RULE]", "list the rules, explain one");
	add_usage(out, self, "recover PATH...",
		  "undo or finish an --atomic run that was interrupted");
	ifx_buf_addc(out, '\n');
	for (const struct ifx_option *r = ifx_options; r->name; r++) {
		size_t start = out->len;

		if (!r->help)
			continue;
		if (r->letter)
			ifx_buf_addf(out, "  -%c, ", r->letter);
		else
			ifx_buf_fill(out, ' ', 6);
		ifx_buf_addf(out, "--%s", r->name);
		if (r->arg)
			ifx_buf_addf(out, r->arg[0] == '[' ? "%s" : " %s", r->arg);
		while (out->len - start < 30)
			ifx_buf_addc(out, ' ');
		ifx_buf_addf(out, " %s\n", r->help);
	}
	ifx_buf_add(out,
		    IFX_LIT("\nExit: 0 nothing left, 1 findings left or something would change, "
			    "2 usage, input or output error.\n"));
}

static void add_version(struct ifx_buf *out, const char *self)
{
	(void)self;
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
static int carry_out(struct line *l, const struct ifx_option *option, ifx_str name, const char *arg)
{
	if (!option)
		bad(&l->why, "there is no option '%.*s'", IFX_ARG(name));
	else if (option->arg && option->arg[0] != '[' && !arg)
		bad(&l->why, "option '%.*s' wants a value: %s", IFX_ARG(name), option->arg);
	else if (!option->arg && arg)
		bad(&l->why, "option '%.*s' takes no value", IFX_ARG(name));
	else if (!option->set)
		return option->letter == 'h' ? PRINT_HELP : PRINT_VERSION;
	else if (ifx_option_give(l->config, option, ifx_str_of(arg ? arg : ""), &l->why))
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
	const struct ifx_option *option = ifx_option_named(ifx_str_sub(name, 2, name.len - 2));
	bool wants = option && option->arg && option->arg[0] != '[';
	const char *arg = equals ? equals + 1 : wants ? next_word(l) : NULL;
	int next = carry_out(l, option, name, arg);

	take_words(l, arg && !equals ? 2 : 1);
	return next;
}

/* -a, -ab, -bvalue, -b value */
static int read_letters(struct line *l)
{
	int next = CARRY_ON, words = 1;

	for (const char *p = l->argv[l->at] + 1; *p && next == CARRY_ON; p++) {
		const struct ifx_option *option = ifx_option_lettered(*p);
		char name[] = { '-', *p, '\0' };
		const char *arg = NULL;

		if (option && option->arg) {
			arg = p[1] ? p + 1 : next_word(l);
			words += arg && !p[1];
		}
		next = carry_out(l, option, ifx_str_of(name), arg);
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

/* ISTIO_FIX_CONFIG is --config for who cannot change the command line. */
static bool read_environment(struct line *l)
{
	const char *file = getenv("ISTIO_FIX_CONFIG");

	if (!file || !*file || l->config->config.ptr || l->config->no_config)
		return true;
	return ifx_option_give(l->config, ifx_option_named(IFX_LIT("config")), ifx_str_of(file),
			       &l->why);
}

/* What the options say together with what is there besides them. */
static int check_line(struct line *l, bool dashes)
{
	struct ifx_config *c = l->config;
	bool any_path = l->paths < l->argc;

	if (!read_environment(l))
		return USAGE;
	if (c->host == IFX_HOST_PLUGIN) {
		c->plugin_config =
			ifx_arena_copy(&c->arena, ifx_str_of(any_path ? l->argv[l->paths++] : ""));
		if (!c->plugin_config.len) {
			bad(&l->why, "an exec plugin of kustomize wants its configuration file");
			return USAGE;
		}
	} else if (any_path && !dashes && c->mode == IFX_MODE_REPORT &&
		   !strcmp(l->argv[l->paths], "rules")) {
		c->mode = IFX_MODE_RULES;
		l->paths++;
	} else if (any_path && !dashes && c->mode == IFX_MODE_REPORT &&
		   !strcmp(l->argv[l->paths], "recover")) {
		c->mode = IFX_MODE_RECOVER;
		l->paths++;
		if (l->paths == l->argc) {
			bad(&l->why, "recover wants a path");
			return USAGE;
		}
	} else if (!any_path && c->mode == IFX_MODE_IN_PLACE && ifx_gather_is_stdin(c, NULL, 0)) {
		bad(&l->why, "--in-place wants a path; nothing is written without one");
		return USAGE;
	} else if (c->mode != IFX_MODE_IN_PLACE && (c->backup.ptr || c->atomic)) {
		bad(&l->why, "--atomic and --backup go with --in-place");
		return USAGE;
	}
	return CARRY_ON;
}

static int print(const struct ifx_sink *sink, void (*add)(struct ifx_buf *, const char *),
		 const char *self)
{
	struct ifx_buf out;
	int code = IFX_EXIT_OK;

	ifx_buf_init(&out, 1 << 20);
	add(&out, self);
	if (out.bad || sink->out(sink->data, ifx_buf_str(&out).ptr, out.len))
		code = IFX_EXIT_FAILED;
	ifx_buf_release(&out);
	return code;
}

static int complain(const struct ifx_sink *sink, const struct ifx_buf *why, const char *self)
{
	struct ifx_buf text;

	ifx_buf_init(&text, 1 << 20);
	ifx_say_error(&text, "%.*s; see '%s --help'", IFX_ARG(ifx_buf_str(why)), self);
	sink->err(sink->data, ifx_buf_str(&text).ptr, text.len);
	ifx_buf_release(&text);
	return IFX_EXIT_FAILED;
}

int ifx_config_parse(struct ifx_config *c, int argc, char **argv, int *first,
		     const struct ifx_sink *sink)
{
	int begin = argc > 0; /* behind the program's name */
	struct line line = { c, argv, argc, .at = begin, .paths = begin };
	const char *self = shown_name(argc, argv);
	bool dashes;
	int next, code = -1;

	ifx_buf_init(&line.why, 1 << 16);
	ifx_color_auto(c);
	if (ifx_is_exec_plugin(argc, argv))
		c->host = IFX_HOST_PLUGIN;
	next = read_line(&line, &dashes);
	if (next == CARRY_ON)
		next = check_line(&line, dashes);
	if (next == USAGE) {
		code = complain(sink, &line.why, self);
	} else if (next == PRINT_HELP) {
		code = print(sink, add_help, self);
	} else if (next == PRINT_VERSION) {
		code = print(sink, add_version, self);
	} else if (c->mode != IFX_MODE_RULES && line.paths == argc &&
		   ifx_gather_is_stdin(c, NULL, 0) && isatty(STDIN_FILENO)) {
		/* Nobody wants to type a manifest. */
		print(sink, add_help, self);
		code = IFX_EXIT_FAILED;
	}
	*first = line.paths;
	ifx_buf_release(&line.why);
	return code;
}
