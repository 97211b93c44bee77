/* The command line: argv into a configuration, --help and --version. */
#include "words.h"

#include "gather.h"
#include "krm/function.h"

#include <stdlib.h>
#include <unistd.h>

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
	add_usage(out, self, "ambient plan [DIR...]",
		  "what a migration to ambient mode means; see ambient --help");
	add_usage(out, self, "recover PATH...",
		  "undo or finish an --atomic run that was interrupted");
	ifx_buf_addc(out, '\n');
	ifx_words_help(out, ifx_options);
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

/* ISTIO_FIX_CONFIG is --config for who cannot change the command line. */
static bool read_environment(struct ifx_words *l)
{
	const char *file = getenv("ISTIO_FIX_CONFIG");

	if (!file || !*file || l->config->config.ptr || l->config->no_config)
		return true;
	return ifx_option_give(l->config, ifx_option_named(IFX_LIT("config")), ifx_str_of(file),
			       &l->why);
}

/* Commands that other tools have, and people try: how it is done here. */
static const struct {
	const char *word, *how;
} known_elsewhere[] = {
	{ "analyze", "give paths alone for a report" },
	{ "check", "give paths alone for a report, or --check" },
	{ "diff", "try --diff" },
	{ "explain", "try 'rules RULE'" },
	{ "fix", "try --in-place" },
	{ "lint", "give paths alone for a report" },
	{ "plan", "try 'ambient plan'" },
	{ "rule", "try 'rules'" },
};

/* The first path where a command may stand; NULL: there is none, or it is there. */
static const char *maybe_command(const struct ifx_words *l)
{
	bool is_first = l->paths < l->argc && !l->dashes && l->config->host == IFX_HOST_ANY;

	return is_first && access(l->argv[l->paths], F_OK) ? l->argv[l->paths] : NULL;
}

static ifx_after_words check_command(struct ifx_words *l)
{
	const char *word = maybe_command(l);

	if (!word)
		return IFX_CARRY_ON;
	if (!strcmp(word, "help"))
		return IFX_PRINT_HELP;
	if (!strcmp(word, "version"))
		return IFX_PRINT_VERSION;
	for (size_t i = 0; i < sizeof(known_elsewhere) / sizeof(*known_elsewhere); i++) {
		if (strcmp(word, known_elsewhere[i].word) != 0)
			continue;
		ifx_words_bad(l, "there is neither a file nor a command '%s'; %s", word,
			      known_elsewhere[i].how);
		return IFX_USAGE;
	}
	return IFX_CARRY_ON;
}

/* What the options say together with what is there besides them. */
static ifx_after_words check_line(struct ifx_words *l)
{
	struct ifx_config *c = l->config;
	bool any_path = l->paths < l->argc;

	if (!read_environment(l))
		return IFX_USAGE;
	if (c->host == IFX_HOST_PLUGIN) {
		c->plugin_config =
			ifx_arena_copy(&c->arena, ifx_str_of(any_path ? l->argv[l->paths++] : ""));
		if (!c->plugin_config.len) {
			ifx_words_bad(l,
				      "an exec plugin of kustomize wants its configuration file");
			return IFX_USAGE;
		}
	} else if (any_path && !l->dashes && c->mode == IFX_MODE_REPORT &&
		   !strcmp(l->argv[l->paths], "rules")) {
		c->mode = IFX_MODE_RULES;
		l->paths++;
	} else if (any_path && !l->dashes && c->mode == IFX_MODE_REPORT &&
		   !strcmp(l->argv[l->paths], "recover")) {
		c->mode = IFX_MODE_RECOVER;
		l->paths++;
		if (l->paths == l->argc) {
			ifx_words_bad(l, "recover wants a path");
			return IFX_USAGE;
		}
	} else if (!any_path && c->mode == IFX_MODE_IN_PLACE && ifx_gather_is_stdin(c, NULL, 0)) {
		ifx_words_bad(l, "--in-place wants a path; nothing is written without one");
		return IFX_USAGE;
	} else if (c->mode != IFX_MODE_IN_PLACE && (c->backup.ptr || c->atomic)) {
		ifx_words_bad(l, "--atomic and --backup go with --in-place");
		return IFX_USAGE;
	} else if (c->write_baseline.ptr &&
		   ((c->mode != IFX_MODE_REPORT && c->mode != IFX_MODE_IN_PLACE) ||
		    ifx_gather_is_stdin(c, l->argv + l->paths, (size_t)(l->argc - l->paths)))) {
		ifx_words_bad(l,
			      "--write-baseline wants paths, and goes with --in-place or a report");
		return IFX_USAGE;
	} else if (c->add_ignores && c->mode == IFX_MODE_REPORT &&
		   !ifx_gather_is_stdin(c, l->argv + l->paths, (size_t)(l->argc - l->paths))) {
		ifx_words_bad(l, "--add-ignores goes with --in-place, --diff, --check or --list");
		return IFX_USAGE;
	}
	return IFX_CARRY_ON;
}

static int print(const struct ifx_sink *sink, void (*add)(struct ifx_buf *, const char *),
		 const char *self)
{
	struct ifx_buf out;
	int code;

	ifx_buf_init(&out, 1 << 20);
	add(&out, self);
	code = ifx_words_print(sink, &out);
	ifx_buf_release(&out);
	return code;
}

int ifx_config_parse(struct ifx_config *c, int argc, char **argv, int *first,
		     const struct ifx_sink *sink)
{
	int begin = argc > 0; /* behind the program's name */
	struct ifx_words line;
	const char *self = shown_name(argc, argv);
	ifx_after_words next;
	int code = -1;

	ifx_words_init(&line, c, ifx_options, argc, argv, begin);
	ifx_color_auto(c);
	if (ifx_is_exec_plugin(argc, argv))
		c->host = IFX_HOST_PLUGIN;
	next = ifx_words_read(&line);
	if (next == IFX_CARRY_ON)
		next = check_command(&line);
	if (next == IFX_CARRY_ON)
		next = check_line(&line);
	if (next == IFX_USAGE) {
		code = ifx_words_complain(&line, sink, self);
	} else if (next == IFX_PRINT_HELP) {
		code = print(sink, add_help, self);
	} else if (next == IFX_PRINT_VERSION) {
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
