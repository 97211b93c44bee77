#include "ambient/command.h"

#include "ambient/outlook.h"
#include "ambient/html.h"
#include "ambient/preview.h"
#include "ambient/show.h"
#include "base/alloc.h"
#include "say.h"

/* Memory for the names of all input files. Bytes. */
#define NAMES_MEMORY_MAX ((size_t)4 << 30)

/* ---- a run ---- */

static void complain(void *data, ifx_str path, ifx_str message)
{
	struct ifx_ambient_run *run = data;

	run->failed = true;
	ifx_say_file_error(&run->err, path, message, "read");
}

static bool no_memory(struct ifx_ambient_run *run)
{
	run->failed = true;
	ifx_say_error(&run->err, "out of memory; give fewer files at once");
	return false;
}

/* The texts of a list, one after the other. */
const ifx_str *ifx_ambient_texts(struct ifx_ambient_run *run, const struct ifx_texts *list)
{
	ifx_str *copy = ifx_arena_alloc(&run->names, list->n * sizeof(*copy));

	for (size_t i = 0; copy && i < list->n; i++)
		copy[i] = list->items[i].text;
	return copy;
}

static bool find_files(struct ifx_ambient_run *run, char *const *paths, size_t n)
{
	const struct ifx_config *c = run->config;
	static char here[] = ".";
	char *const nothing[] = { here };
	struct ifx_file_options options = { .exclude = ifx_ambient_texts(run, &c->exclude),
					    .n_exclude = c->exclude.n,
					    .force_exclude = c->force_exclude,
					    .no_gitignore = c->no_gitignore };

	return options.exclude &&
	       ifx_inputs_expand(&run->inputs, n ? paths : nothing, n ? n : 1, &options,
				 &run->names, complain, run) != IFX_ENOMEM;
}

static bool read_estate(struct ifx_ambient_run *run)
{
	const struct ifx_ambient_options *o = run->config->ambient;

	run->estate_options = (struct ifx_estate_options){ .namespace = o->default_namespace,
							   .environments = ifx_ambient_texts(
								   run, &o->environments),
							   .n_environments = o->environments.n };
	return run->estate_options.environments &&
	       ifx_estate_read(&run->estate, &run->inputs, &run->estate_options, complain, run) !=
		       IFX_ENOMEM;
}

/* One that is not there would quietly be no environment. */
static void check_environments(struct ifx_ambient_run *run)
{
	const struct ifx_texts *dirs = &run->config->ambient->environments;
	struct stat st;

	for (size_t i = 0; i < dirs->n; i++)
		if (stat(dirs->items[i].text.ptr, &st) || !S_ISDIR(st.st_mode))
			complain(run, dirs->items[i].text, IFX_LIT("no such directory"));
}

static bool make_plan(struct ifx_ambient_run *run, ifx_changes_fn *changes, void *data)
{
	const struct ifx_ambient_options *o = run->config->ambient;

	run->migration_options = (struct ifx_migration_options){
		.accepts = o->accepts,
		.n_accepts = o->n_accepts,
		.namespaces = ifx_ambient_texts(run, &o->namespaces),
		.n_namespaces = o->namespaces.n,
		.waypoint = o->waypoint,
		.waypoint_namespace = o->waypoint_namespace,
		.bind_namespaces = o->bind_namespaces,
		.strict = o->strict,
	};
	return run->migration_options.namespaces &&
	       ifx_migration_make(&run->plan, &run->estate, &run->migration_options, changes,
				  data) == IFX_OK;
}

/* A name that is nowhere is a slip of the finger, not an answer. */
static void check_namespaces(struct ifx_ambient_run *run)
{
	const struct ifx_texts *names = &run->config->ambient->namespaces;

	for (size_t i = 0; i < names->n; i++) {
		bool found = false;

		for (size_t k = 0; k < run->estate.n_environments && !found; k++)
			found = ifx_estate_namespace(&run->estate.environments[k],
						     names->items[i].text) != NULL;
		if (found)
			continue;
		run->failed = true;
		ifx_say_error(&run->err, "there is no namespace '%.*s' in the tree",
			      IFX_ARG(names->items[i].text));
	}
}

bool ifx_ambient_begin_files(struct ifx_ambient_run *run, const struct ifx_config *config,
			     char *const *paths, size_t n, const struct ifx_sink *sink)
{
	*run = (struct ifx_ambient_run){ .config = config, .sink = sink };
	ifx_arena_init(&run->names, NAMES_MEMORY_MAX);
	ifx_buf_init(&run->out, IFX_BUF_MAX);
	ifx_buf_init(&run->err, IFX_BUF_MAX);
	return find_files(run, paths, n) || no_memory(run);
}

bool ifx_ambient_begin(struct ifx_ambient_run *run, const struct ifx_config *config,
		       char *const *paths, size_t n, ifx_changes_fn *changes, void *data,
		       const struct ifx_sink *sink)
{
	if (!ifx_ambient_begin_files(run, config, paths, n, sink))
		return false;
	if (!read_estate(run) || !make_plan(run, changes, data))
		return no_memory(run);
	check_environments(run);
	check_namespaces(run);
	return true;
}

static bool hand_over(struct ifx_buf *buf, int (*write)(void *, const char *, size_t), void *data)
{
	return !buf->bad && (!buf->len || !write(data, buf->data, buf->len));
}

int ifx_ambient_end(struct ifx_ambient_run *run, int code)
{
	bool no_room = run->out.bad || run->err.bad;

	if (!hand_over(&run->out, run->sink->out, run->sink->data))
		run->failed = true;
	if (no_room) {
		ifx_buf_clear(&run->err);
		ifx_say_error(&run->err, "out of memory; output is missing");
		run->failed = true;
	}
	if (!hand_over(&run->err, run->sink->err, run->sink->data))
		run->failed = true;
	if (run->plan.estate)
		ifx_migration_release(&run->plan);
	ifx_estate_release(&run->estate);
	ifx_inputs_release(&run->inputs);
	ifx_arena_release(&run->names);
	ifx_buf_release(&run->out);
	ifx_buf_release(&run->err);
	return run->failed ? IFX_EXIT_FAILED : code;
}

/* ---- plan ---- */

static void show(struct ifx_ambient_run *run)
{
	if (run->config->ambient->format == IFX_AMBIENT_JSON)
		ifx_show_json(&run->out, &run->plan);
	else
		ifx_show_text(&run->out, &run->plan);
}

/* A tree that could not be read as a whole has a plan, but no phases: they could be wrong. */
static void show_page(struct ifx_ambient_run *run, const struct ifx_passage_options *passage)
{
	const struct ifx_preview_start start = { .plan = &run->plan,
						 .inputs = &run->inputs,
						 .estate = &run->estate_options,
						 .passage = passage,
						 .complain = complain,
						 .data = run };
	struct ifx_preview preview;
	ifx_status st;

	if (run->failed) {
		ifx_show_html(&run->out, &run->plan, NULL);
		return;
	}
	st = ifx_preview_make(&preview, &start);
	if (st == IFX_OK)
		ifx_show_html(&run->out, &run->plan, &preview);
	else if (st == IFX_ENOMEM)
		no_memory(run);
	ifx_preview_release(&preview);
}

static int run_plan(const struct ifx_config *config, char *const *paths, size_t n,
		    const struct ifx_sink *sink)
{
	const struct ifx_ambient_options *o = config->ambient;
	const struct ifx_passage_options passage = { .waypoint = o->waypoint,
						     .waypoint_namespace = o->waypoint_namespace,
						     .bind_namespace = o->bind_namespaces };
	struct ifx_outlook outlook = { .options = passage };
	struct ifx_ambient_run run;
	int code = IFX_EXIT_FAILED;

	if (ifx_ambient_begin(&run, config, paths, n, ifx_outlook_changes, &outlook, sink)) {
		if (o->format == IFX_AMBIENT_HTML)
			show_page(&run, &passage);
		else
			show(&run);
		if (!config->quiet)
			ifx_show_summary(&run.err, &run.plan);
		code = ifx_migration_exit(&run.plan);
	}
	ifx_outlook_release(&outlook);
	return ifx_ambient_end(&run, code);
}

/* ---- verbs ---- */

struct verb {
	const char *name, *self, *help;
	const struct ifx_option *options;
	int (*run)(const struct ifx_config *config, char *const *paths, size_t n,
		   const struct ifx_sink *sink);
	const char *exits;
};

static const struct verb verbs[] = {
	{ "plan", "istio-fix ambient plan",
	  "what stands in the way, who goes first, what needs a waypoint; writes nothing",
	  ifx_ambient_plan_options, run_plan,
	  "Exit: 0 ready, 1 warnings or accepted risks, 2 usage, input or output error, 3 a namespace "
	  "is held." },
	{ "apply", "istio-fix ambient apply", "one phase of the migration, in the files",
	  ifx_ambient_apply_options, ifx_ambient_apply,
	  "Exit: 0 done, 1 with --check or --diff if something would change, 2 usage, input or output "
	  "error, 3 done except for namespaces that are held." },
	{ "rollback", "istio-fix ambient rollback", "one phase taken back, to the byte",
	  ifx_ambient_rollback_options, ifx_ambient_rollback,
	  "Exit: 0 done, 1 with --check or --diff if something would change, 2 usage, input or output "
	  "error, 3 done except for what has changed since." },
};

enum { N_VERBS = sizeof(verbs) / sizeof(*verbs) };

static int help(const struct verb *verb, const struct ifx_sink *sink)
{
	struct ifx_buf out;
	int code;

	ifx_buf_init(&out, 1 << 20);
	if (verb) {
		ifx_buf_addf(&out, "istio-fix ambient %s [OPTIONS] [DIR...]: %s\n\n", verb->name,
			     verb->help);
		ifx_words_help(&out, verb->options);
		ifx_buf_addf(&out, "\n%s\n", verb->exits);
	} else {
		ifx_buf_add(&out, IFX_LIT("istio-fix ambient: from sidecars to ambient mode\n\n"));
		for (size_t i = 0; i < N_VERBS; i++)
			ifx_buf_addf(&out, "  istio-fix ambient %s [OPTIONS] [DIR...]  %s\n",
				     verbs[i].name, verbs[i].help);
	}
	code = ifx_words_print(sink, &out);
	ifx_buf_release(&out);
	return code;
}

static int run_verb(const struct verb *verb, struct ifx_config *config, int argc, char **argv,
		    const struct ifx_sink *sink)
{
	struct ifx_words words;
	ifx_after_words next;
	int code;

	ifx_words_init(&words, config, verb->options, argc, argv, 2);
	next = ifx_words_read(&words);
	if (next == IFX_CARRY_ON)
		code = verb->run(config, argv + words.paths, (size_t)(argc - words.paths), sink);
	else if (next == IFX_USAGE)
		code = ifx_words_complain(&words, sink, verb->self);
	else
		code = help(verb, sink);
	ifx_buf_release(&words.why);
	return code;
}

static int usage(const char *word, const struct ifx_sink *sink)
{
	struct ifx_words words = { 0 };
	int code;

	ifx_buf_init(&words.why, 1 << 16);
	if (word)
		ifx_words_bad(&words, "ambient knows no '%s'", word);
	else
		ifx_words_bad(&words, "ambient wants a verb: plan, apply or rollback");
	code = ifx_words_complain(&words, sink, "istio-fix ambient");
	ifx_buf_release(&words.why);
	return code;
}

int ifx_ambient(int argc, char **argv, const struct ifx_sink *sink)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct verb *verb = NULL;
	struct ifx_config *config;
	int code = IFX_EXIT_FAILED;

	if (word && (!strcmp(word, "-h") || !strcmp(word, "--help")))
		return help(NULL, sink);
	for (size_t i = 0; word && i < N_VERBS; i++)
		if (!strcmp(word, verbs[i].name))
			verb = &verbs[i];
	if (!verb)
		return usage(word, sink);
	config = ifx_config_new();
	if (config && ifx_ambient_options_new(config)) {
		code = run_verb(verb, config, argc, argv, sink);
		ifx_ambient_options_free(config->ambient);
	}
	ifx_config_free(config);
	return code;
}
