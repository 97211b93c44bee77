/*
 * One run: which files, what to do with each result, and the exit code.
 */
#include "config.h"

#include "base/alloc.h"
#include "baseline.h"
#include "configs.h"
#include "gather.h"
#include "index.h"
#include "io/diff.h"
#include "io/files.h"
#include "io/unfinished.h"
#include "krm/function.h"
#include "pipeline.h"
#include "report/report.h"
#include "ruleset.h"
#include "say.h"
#include "writer.h"

#include <unistd.h>

/** Memory for the names of all input files. Bytes. */
#define NAMES_MEMORY_MAX ((size_t)4 << 30)

/* Why an --atomic run writes nothing. */
struct reason {
	ifx_str path, message;
	const char *rule;
	bool again; /* the second pass met it, too */
	struct reason *next;
};

struct app {
	const struct ifx_config *config;
	const struct ifx_sink *sink;
	struct ifx_configs configs;
	struct ifx_baseline baseline; /* the one that is read or written */
	ifx_configs_from from;
	struct ifx_inputs inputs;
	struct ifx_arena names; /* of the inputs */
	struct ifx_index index;
	struct ifx_reporter reporter;
	struct ifx_buf out, err; /* not yet handed to the sink */
	bool held;               /* --atomic: nothing is said before all is written */
	bool out_lost; /* a piece of the output is missing; what follows must not look complete */
	bool failed;   /* exit 2 */
	bool would_change;
	bool seen, left; /* a finding at or above --fail-on; one that is not fixed */
	struct ifx_writer writer;
	bool none_written;            /* --atomic: and none will be */
	struct reason *reasons;       /* then: why */
	struct ifx_function function; /* on standard input */
	bool made;                    /* the text was made by a program: tell what from */
	bool filter;                  /* text to text: what is said goes to standard error */
	bool warned_outside;          /* that a diff cannot be applied from here */
};

/* One input, in memory. */
struct source {
	ifx_str path; /* ends in NUL */
	ifx_str bytes;
	const struct stat *st; /* NULL: no file */
	bool named;
};

static void describe_rule(void *data, const char *id, struct ifx_rule_page *page)
{
	ifx_configs_describe(data, id, page);
}

static bool engine_of(void *data, ifx_str path, struct ifx_engine *engine, ifx_str *namespace);

/* What one pass over the input fills. */
static void open_pass(struct app *app)
{
	const struct ifx_config *c = app->config;

	ifx_index_init(&app->index, &app->inputs);
	app->index.engine_of = engine_of;
	app->index.data = app;
	app->seen = app->left = app->would_change = false;
	app->reporter = (struct ifx_reporter){ .format = c->format,
					       .verbose = c->verbose,
					       .statistics = c->statistics,
					       .describe = describe_rule,
					       .describe_data = &app->configs };
	ifx_configs_init(&app->configs, c, app->from, &app->err);
}

static void close_pass(struct app *app)
{
	ifx_inputs_release(&app->inputs);
	ifx_configs_release(&app->configs);
	ifx_index_release(&app->index);
	ifx_reporter_release(&app->reporter);
}

static void open_app(struct app *app, const struct ifx_config *config, ifx_configs_from from,
		     const struct ifx_sink *sink)
{
	*app = (struct app){ .config = config, .from = from, .sink = sink };
	ifx_arena_init(&app->names, NAMES_MEMORY_MAX);
	ifx_buf_init(&app->out, IFX_BUF_MAX);
	ifx_buf_init(&app->err, IFX_BUF_MAX);
	open_pass(app);
	if ((config->baseline.ptr &&
	     !ifx_baseline_read(&app->baseline, config->baseline, &app->err)) ||
	    (config->write_baseline.ptr &&
	     !ifx_baseline_begin(&app->baseline, config->write_baseline, &app->err)))
		app->failed = true;
}

static void close_app(struct app *app)
{
	ifx_function_close(&app->function);
	close_pass(app);
	ifx_baseline_release(&app->baseline);
	ifx_arena_release(&app->names);
	ifx_buf_release(&app->out);
	ifx_buf_release(&app->err);
}

/* ---- output ---- */

static bool hand_over(struct ifx_buf *buf, int (*write)(void *, const char *, size_t), void *data)
{
	bool ok = !buf->bad && (!buf->len || !write(data, buf->data, buf->len));

	ifx_buf_clear(buf);
	return ok;
}

/* What was said so far, to the sink: once per file, so that all of it comes in order. */
static void flush(struct app *app)
{
	static const char text[] = "istio-fix: error: out of memory; output is missing\n";
	const struct ifx_sink *sink = app->sink;
	bool no_memory = app->out.bad || app->err.bad;

	if (app->held)
		return;
	if (app->out_lost)
		ifx_buf_clear(&app->out);
	if (!hand_over(&app->out, sink->out, sink->data))
		app->out_lost = app->failed = true;
	if (!hand_over(&app->err, sink->err, sink->data))
		app->failed = true;
	if (no_memory)
		sink->err(sink->data, text, sizeof(text) - 1);
}

/* What the first pass of an --atomic run met, the second one may not meet again. */
static void remember(struct app *app, ifx_str path, ifx_str message, const char *rule)
{
	struct reason **at = &app->reasons, *r;

	for (; *at; at = &(*at)->next)
		if (ifx_str_eq((*at)->path, path) && ifx_str_eq((*at)->message, message)) {
			(*at)->again = app->none_written;
			return;
		}
	r = app->none_written ? NULL : ifx_arena_alloc(&app->names, sizeof(*r));
	if (!r)
		return;
	*r = (struct reason){ ifx_arena_copy(&app->names, path),
			      ifx_arena_copy(&app->names, message), rule, false, NULL };
	if (r->path.ptr && r->message.ptr)
		*at = r;
}

/* An error that has no place in the text. */
static void complain(struct app *app, ifx_str path, ifx_str message, const char *rule)
{
	app->failed = true;
	if (app->held)
		remember(app, path, message, rule);
	app->reporter.tally.failed++;
	ifx_say_file_error(&app->err, path, message, rule);
	ifx_report_failure(&app->reporter, path, message, rule, &app->out);
}

static void complain_walk(void *data, ifx_str path, ifx_str message)
{
	complain(data, path, message, "read");
}

static void complain_usage(struct app *app, const char *message)
{
	app->failed = true;
	ifx_say_error(&app->err, "%s", message);
}

/* ---- one input ---- */

/* Findings about the text itself; no rule has these names. */
static bool is_problem(const struct ifx_finding *f)
{
	static const char *const rules[] = { "yaml", "template", "limit", "internal" };

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (!strcmp(f->rule, rules[i]))
			return true;
	return false;
}

/* List the findings, problems first, both kinds in file order. False: no memory. */
static bool problems_first(struct ifx_outcome *outcome, const struct ifx_finding ***list,
			   size_t *n_problems)
{
	size_t n = 0;

	*list = NULL;
	*n_problems = 0;
	if (!outcome->n)
		return true;
	*list = ifx_arena_alloc(&outcome->arena, outcome->n * sizeof(**list));
	if (!*list)
		return false;
	for (size_t i = 0; i < outcome->n; i++)
		if (is_problem(outcome->findings[i]))
			(*list)[n++] = outcome->findings[i];
	*n_problems = n;
	for (size_t i = 0; i < outcome->n; i++)
		if (!is_problem(outcome->findings[i]))
			(*list)[n++] = outcome->findings[i];
	return true;
}

/* Templates lie about in every tree; only who names one expects that it is fixed. */
static bool forgive_templates(const struct source *source, struct ifx_outcome *outcome)
{
	if (source->named || outcome->broken)
		return false;
	for (size_t i = 0; i < outcome->n; i++)
		if (is_problem(outcome->findings[i]))
			outcome->findings[i]->severity = IFX_WARNING;
	return true;
}

static void complain_write(void *data, ifx_str path, ifx_str message)
{
	complain(data, path, message, "write");
}

static bool write_back(struct app *app, const struct source *source, ifx_str after)
{
	struct ifx_buf why;
	ifx_status st;

	if (app->none_written)
		return false;
	ifx_buf_init(&why, 4096);
	st = ifx_writer_write(&app->writer, source->path.ptr, source->st, after, &why);
	if (st == IFX_ENOMEM)
		complain_write(app, source->path, IFX_LIT("out of memory"));
	else if (st != IFX_OK)
		complain_write(app, source->path, ifx_buf_str(&why));
	ifx_buf_release(&why);
	return st == IFX_OK;
}

/* All or nothing: where the file could not be written, nothing was fixed. */
static void write_result(struct app *app, const struct source *source, struct ifx_outcome *outcome,
			 struct ifx_file_report *report)
{
	report->written = write_back(app, source, report->after);
	if (report->written)
		return;
	report->after = report->before;
	for (size_t i = 0; i < outcome->n; i++)
		outcome->findings[i]->applied = false;
}

static void show_check(struct app *app, const struct ifx_file_report *report)
{
	size_t fixed = 0, n = report->n_findings - report->n_problems;

	for (size_t i = report->n_problems; i < report->n_findings; i++)
		fixed += report->findings[i]->applied;
	ifx_buf_add(&app->out, fixed ? IFX_LIT("would fix ") : IFX_LIT("would change "));
	ifx_say_text(&app->out, report->path);
	if (!fixed) /* only comments that ignore something */
		ifx_buf_addc(&app->out, '\n');
	else
		ifx_buf_addf(&app->out, " (%zu of %zu finding%s)\n", fixed, n, n == 1 ? "" : "s");
}

/* `git apply` takes paths below the current directory only: those are written as it wants them. */
static void show_diff(struct app *app, const struct ifx_file_report *report)
{
	struct ifx_buf path;

	ifx_buf_init(&path, 1 << 16);
	if (!ifx_path_below(&path, report->path) && report->edits->n && !app->warned_outside) {
		app->warned_outside = true;
		ifx_buf_add(&app->err, IFX_LIT("istio-fix: note: '"));
		ifx_say_text(&app->err, report->path);
		ifx_buf_add(
			&app->err,
			IFX_LIT("' is not below the current directory: git apply will pass over "
				"it; run istio-fix from the directory where you apply the diff\n"));
	}
	ifx_diff(&app->out, ifx_buf_str(&path), report->before, report->edits, 3);
	ifx_buf_release(&path);
}

/* What the mode says about a file besides its findings. Returns where those go; NULL: nowhere. */
static struct ifx_buf *show_result(struct app *app, const struct ifx_file_report *report)
{
	bool changes = report->edits->n > 0;

	if (app->filter)
		return &app->err;
	if (app->reporter.format != IFX_FORMAT_TEXT)
		return &app->out;
	switch (app->config->mode) {
	case IFX_MODE_DIFF:
		show_diff(app, report);
		return &app->err;
	case IFX_MODE_CHECK:
		if (changes)
			show_check(app, report);
		return &app->err;
	case IFX_MODE_LIST:
		if (changes) {
			ifx_buf_add(&app->out, report->path);
			ifx_buf_addc(&app->out, app->config->null ? '\0' : '\n');
		}
		return NULL;
	default:
		return &app->out;
	}
}

static void report_findings(struct app *app, const struct ifx_file_report *report)
{
	const struct ifx_config *c = app->config;
	struct ifx_buf nowhere, *to = show_result(app, report);

	ifx_buf_init(&nowhere, IFX_BUF_MAX);
	to = to ? to : &nowhere;
	app->reporter.color = to == &app->err ? c->color_err : c->color_out;
	app->reporter.color_problems = c->color_err;
	ifx_report_file(&app->reporter, report, to, &app->err);
	ifx_buf_release(&nowhere);
}

/* The text that the filter hands on: all of it, or on an error nothing. */
static void answer(struct app *app, const struct ifx_file_report *report)
{
	bool fixed = !ifx_function_checks(&app->function, app->config);

	if (!ifx_function_answer(&app->function, &app->out, fixed ? report->after : report->before,
				 fixed, report->findings, report->n_findings, &app->err))
		app->failed = true;
}

/* What the run leaves goes into the new baseline, and is left alone from here on. */
static void record(struct app *app, const struct ifx_file_report *report,
		   struct ifx_outcome *outcome)
{
	bool fixes = app->config->mode == IFX_MODE_IN_PLACE;
	ifx_str path = ifx_baseline_path(&app->baseline, report->path);
	size_t n = 0;

	for (size_t i = 0; i < outcome->n; i++) {
		struct ifx_finding *f = outcome->findings[i];

		if (is_problem(f) || (fixes && f->applied)) {
			outcome->findings[n++] = f;
			continue;
		}
		/* The next run sees the line as it is then. */
		if (report->written)
			f->at = ifx_edits_to_new(report->edits, f->at);
		ifx_baseline_add(&app->baseline, f,
				 report->written ? report->after : report->before, path);
		ifx_edits_release(&f->edits);
		outcome->n_suppressed++;
	}
	outcome->n = n;
}

/* Which entries of the baseline could have been used by now. */
static void judge_baseline(struct app *app, const struct ifx_engine *engine)
{
	for (size_t i = 0; engine->baseline && i < engine->selection.n; i++)
		ifx_baseline_judge(&app->baseline, engine->baseline_path,
				   engine->selection.items[i]->id);
}

static bool deliver(struct app *app, const struct source *source, struct ifx_outcome *outcome)
{
	bool changes = outcome->edits.n > 0;
	struct ifx_file_report report = {
		.path = source->path,
		.before = source->bytes,
		.after = changes ? ifx_buf_str(&outcome->after) : source->bytes,
		.edits = &outcome->edits,
		.only_left = app->filter ? !ifx_function_checks(&app->function, app->config)
					 : app->config->mode != IFX_MODE_REPORT,
	};
	const struct ifx_finding **list;

	if (app->made && !ifx_function_place(&app->function, app->config, source->bytes,
					     outcome->findings, outcome->n, &outcome->arena))
		return false;
	if (changes && !app->filter && app->config->mode == IFX_MODE_IN_PLACE)
		write_result(app, source, outcome, &report);
	if (app->config->write_baseline.ptr)
		record(app, &report, outcome);
	if (!problems_first(outcome, &list, &report.n_problems))
		return false;
	if (outcome->failed && !forgive_templates(source, outcome)) {
		app->failed = true;
		app->reporter.tally.failed++;
	}
	app->reporter.tally.suppressed += outcome->n_suppressed;
	app->reporter.tally.ignored += outcome->n_ignored;
	report.findings = list;
	report.n_findings = outcome->n;
	app->would_change |= changes;
	if (app->filter && !outcome->failed)
		answer(app, &report);
	if (app->function.hosted)
		report.n_findings = ifx_function_quiet(&app->function, app->config, list,
						       report.n_problems, report.n_findings);
	report_findings(app, &report);
	return true;
}

/* path: of the input. */
static struct ifx_engine engine_for(struct app *app, const struct ifx_profile *profile,
				    ifx_str path)
{
	const struct ifx_config *c = profile->config;
	bool known = app->config->baseline.ptr != NULL;

	return (struct ifx_engine){
		.baseline = known ? &app->baseline : NULL,
		.baseline_path = known ? ifx_baseline_path(&app->baseline, path) : IFX_NONE,
		.selection = profile->rules.selected,
		.templates = c->templates,
		.rules = { profile->rules.all->items, profile->rules.all->n },
		.policy = { .level = c->level,
			    .picks = c->picks,
			    .n_picks = c->n_picks,
			    .istio_minor = c->istio_minor },
	};
}

/* The name that the settings of standard input are looked for by. */
static const struct ifx_profile *profile_for(struct app *app, ifx_str path)
{
	return ifx_configs_for(&app->configs, path.ptr ? path : app->config->stdin_filename);
}

/* For the index. */
static bool engine_of(void *data, ifx_str path, struct ifx_engine *engine, ifx_str *namespace)
{
	struct app *app = data;
	const struct ifx_profile *profile = profile_for(app, path);

	if (!profile)
		return false;
	*engine = engine_for(app, profile, path.ptr ? path : app->config->stdin_filename);
	*namespace = profile->config->namespace;
	return true;
}

/* What the file adds to the exit code. */
static void weigh(struct app *app, const struct ifx_tally *before, ifx_severity fail_on)
{
	const struct ifx_tally *t = &app->reporter.tally;

	for (int s = (int)fail_on; s <= IFX_ERROR; s++) {
		app->seen |= t->seen[s] > before->seen[s];
		app->left |= t->left[s] > before->left[s];
	}
}

static void run_source(struct app *app, const struct source *source)
{
	const struct ifx_profile *profile = profile_for(app, source->st ? source->path : IFX_NONE);
	struct ifx_input_index questions = ifx_index_questions(&app->index);
	bool may_be_helm = source->st && ifx_str_find(source->bytes, IFX_LIT("{{")) != SIZE_MAX;
	struct ifx_tally before = app->reporter.tally;
	struct ifx_engine engine;
	struct ifx_outcome outcome;

	if (!profile)
		return;
	engine = engine_for(app, profile, source->path);
	engine.index = &questions;
	engine.chart_template = may_be_helm && ifx_in_chart_templates(source->path);
	engine.add_ignores = app->config->add_ignores;
	engine.why_ignored = app->config->why_ignored;
	engine.want_edits = ifx_report_wants_edits(app->reporter.format);
	app->index.file = source->st ? source->path : IFX_NONE;
	app->index.text = source->st ? IFX_NONE : source->bytes;
	app->index.namespace = profile->config->namespace;
	if (ifx_pipeline_run(&outcome, &engine, source->bytes) != IFX_OK ||
	    !deliver(app, source, &outcome))
		complain(app, source->path, IFX_LIT("out of memory"), "memory");
	ifx_outcome_release(&outcome);
	judge_baseline(app, &engine);
	weigh(app, &before, profile->config->fail_on);
}

static void run_file(struct app *app, const struct ifx_input *input, struct ifx_buf *bytes)
{
	struct ifx_buf why;
	struct stat st;

	/* It is no manifest; who names it wants to know whether it is right. */
	if (ifx_is_settings_file(input->path)) {
		profile_for(app, input->path);
		flush(app);
		return;
	}
	ifx_buf_init(&why, 4096);
	if (ifx_file_read(bytes, input->path.ptr, &st, &why) != IFX_OK) {
		complain(app, input->path, ifx_buf_str(&why), "read");
	} else {
		/* Who names all that changed has not asked for each. */
		bool named = input->named && !app->config->force_exclude;
		struct source source = { input->path, ifx_buf_str(bytes), &st, named };

		run_source(app, &source);
	}
	ifx_buf_release(&why);
	flush(app);
}

/* What came along with the text says what to do. False: that cannot be done, and it was said. */
static bool take_function(struct app *app, const struct source *source, bool detect)
{
	struct ifx_function *f = &app->function;

	if (!ifx_function_open(f, app->config, source->bytes, source->path, detect, &app->err)) {
		app->failed = true;
	} else if (f->config || f->hosted) {
		/* What came along is the settings; where the engine runs us says nothing. */
		ifx_configs_release(&app->configs);
		app->config = f->config ? f->config : app->config;
		ifx_configs_init(&app->configs, app->config,
				 f->config ? IFX_CONFIGS_NONE : IFX_CONFIGS_NAMED, &app->err);
	}
	return !app->failed;
}

/* What --stdin-filename says may be a file that is left out. */
static void run_text(struct app *app, const struct source *source)
{
	if (app->filter && ifx_configs_leave_out(&app->configs, source->path))
		ifx_buf_add(&app->out, source->bytes);
	else
		run_source(app, source);
}

/* detect: it may be the input of a KRM function. */
static void run_stdin(struct app *app, struct ifx_buf *bytes, bool detect)
{
	const ifx_str name = app->config->stdin_filename;
	struct ifx_buf why;

	ifx_buf_init(&why, 4096);
	if (ifx_fd_read(bytes, STDIN_FILENO, &why) != IFX_OK) {
		complain(app, name, ifx_buf_str(&why), "read");
	} else {
		struct source source = { name, ifx_buf_str(bytes), NULL, true };

		app->made = app->filter && ifx_str_eq(name, IFX_LIT(IFX_STDIN_NAME));
		if (!app->filter || take_function(app, &source, detect))
			run_text(app, &source);
	}
	ifx_buf_release(&why);
	flush(app);
}

/* ---- the run ---- */

static bool found_something(const struct app *app)
{
	const struct ifx_config *c = app->config;
	bool fixed = c->exit_non_zero_on_fix && app->reporter.tally.fixed;

	/* A filter in a pipeline must not break a deployment unasked. */
	if (app->filter && !ifx_function_checks(&app->function, c))
		return (c->fail_on_given && app->left) || fixed;
	switch (c->mode) {
	case IFX_MODE_REPORT:
		return app->seen;
	case IFX_MODE_IN_PLACE:
		return app->left || fixed;
	default:
		return app->left || app->would_change;
	}
}

/* Tell of entries that are of no use any more, or write the new baseline. */
static void end_baseline(struct app *app, bool talks)
{
	const struct ifx_config *c = app->config;

	if (app->baseline.failed)
		complain_usage(app, "out of memory; the baseline is not complete");
	if (c->baseline.ptr && talks)
		ifx_baseline_stale(&app->baseline, &app->err);
	if (!c->write_baseline.ptr)
		return;
	if (app->failed || app->configs.failed)
		complain_usage(app, "the baseline is not written: not every file could be read");
	else if (!ifx_baseline_write(&app->baseline, &app->err))
		app->failed = true;
}

static int finish(struct app *app)
{
	if (app->index.failed || app->index.environments.failed)
		complain_usage(app, "out of memory; what other files show was not seen");
	flush(app);
	if (app->failed || app->configs.failed)
		return IFX_EXIT_FAILED;
	return found_something(app) && !app->config->exit_zero ? IFX_EXIT_FOUND : IFX_EXIT_OK;
}

static bool check_function(struct app *app, char *const *paths, size_t n)
{
	const struct ifx_config *c = app->config;

	if (c->mode != IFX_MODE_REPORT && c->mode != IFX_MODE_CHECK)
		complain_usage(app, "a function fixes, or checks with --check");
	else if (c->format_given)
		complain_usage(app, "a function has its own format; leave out --format");
	else if (c->files_from.ptr || c->since.ptr)
		complain_usage(app, "a function reads standard input; leave out --files-from "
				    "and --since");
	else if (!n)
		return true;
	else
		ifx_say_error(&app->err, "a function reads standard input; leave out '%s'",
			      paths[0]);
	app->failed = true;
	return false;
}

/* False: these paths make no sense in this mode, and that was said. */
static bool check_paths(struct app *app, char *const *paths, size_t n)
{
	const struct ifx_config *c = app->config;

	if (c->host != IFX_HOST_ANY)
		return check_function(app, paths, n);
	if (!ifx_gather_is_stdin(c, paths, n))
		return true;
	if (n > 1 || c->files_from.ptr || c->since.ptr)
		complain_usage(app, "'-' stands alone; give no other paths with it, and neither "
				    "--files-from nor --since");
	else if (c->mode == IFX_MODE_IN_PLACE)
		complain_usage(app, "standard input cannot be fixed in place; "
				    "give a path, or leave out --in-place");
	return !app->failed;
}

/* At once: a second pass would not know it any more. */
static void say_note(void *data, ifx_str text)
{
	const struct ifx_sink *sink = ((struct app *)data)->sink;
	struct ifx_buf line;

	ifx_buf_init(&line, IFX_BUF_MAX);
	ifx_buf_add(&line, IFX_LIT("istio-fix: note: "));
	ifx_say_text(&line, text);
	ifx_buf_addc(&line, '\n');
	if (!line.bad)
		sink->err(sink->data, line.data, line.len);
	ifx_buf_release(&line);
}

static void gather(struct app *app, char *const *paths, size_t n)
{
	ifx_inputs_release(&app->inputs);
	if (ifx_gather(&app->inputs, &app->configs, paths, n, &app->names, complain_walk, app) ==
	    IFX_ENOMEM)
		complain_usage(app, "out of memory; give fewer files at once");
}

/* Runs that were interrupted. False: one stays, and nothing must be written; that was said. */
static bool settle(struct app *app, ifx_str home, bool *changed)
{
	const struct ifx_listener to = { complain_walk, say_note, app };

	*changed = false;
	if (app->config->mode == IFX_MODE_IN_PLACE || app->config->mode == IFX_MODE_RECOVER)
		return ifx_unfinished_settle(&app->inputs, home, &to, changed) == IFX_OK;
	if (!app->config->quiet)
		ifx_unfinished_mention(&app->inputs, home, &to);
	return true;
}

/* False: nothing can be done, or nothing must be written; that was said. */
static bool prepare(struct app *app, char *const *paths, size_t n, ifx_str *home)
{
	bool changed = false, ready;

	gather(app, paths, n);
	*home = ifx_home_of(&app->inputs, &app->names);
	if (!home->ptr)
		complain_usage(app, "out of memory");
	ready = home->ptr && settle(app, *home, &changed);
	if (ready && changed)
		gather(app, paths, n);
	if (!ready)
		app->failed = app->none_written = true;
	return ready;
}

static bool is_hopeless(const struct app *app)
{
	return app->failed || app->configs.failed || ifx_writer_is_interrupted(&app->writer);
}

/* All were looked at: now they are written, or none is. What fails was told. */
static void write_all_or_none(struct app *app)
{
	bool may = !is_hopeless(app);
	ifx_status st = may ? ifx_writer_commit(&app->writer, complain_write, app)
			    : ifx_writer_undo(&app->writer, complain_write, app);

	app->none_written = !may || st != IFX_OK;
	app->failed |= app->none_written;
}

static void run_files(struct app *app, struct ifx_buf *bytes)
{
	bool atomic = app->config->atomic && !app->none_written;

	for (size_t i = 0; i < app->inputs.n && !app->configs.stop; i++) {
		/* The second pass tells the rest. */
		if (atomic && is_hopeless(app))
			break;
		if (!app->inputs.items[i].only_seen)
			run_file(app, &app->inputs.items[i], bytes);
	}
	if (atomic)
		write_all_or_none(app);
}

/* detect: standard input may be a function's. */
static void run_inputs(struct app *app, bool is_stdin, bool detect)
{
	struct ifx_buf bytes; /* used again for each: as large as the largest */

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	flush(app);
	if (is_stdin)
		run_stdin(app, &bytes, detect);
	else
		run_files(app, &bytes);
	ifx_buf_release(&bytes);
}

static void run_rules(struct app *app, char *const *ids, size_t n)
{
	const struct ifx_profile *profile = profile_for(app, IFX_NONE);

	if (profile && !n)
		ifx_ruleset_list(&profile->rules, &app->out);
	for (size_t i = 0; profile && i < n; i++)
		if (!ifx_ruleset_explain(&profile->rules, ifx_str_of(ids[i]), &app->out, &app->err))
			app->failed = true;
}

static void complain_again(struct app *app)
{
	for (struct reason *r = app->reasons; r; r = r->next)
		if (!r->again)
			complain(app, r->path, r->message, r->rule);
}

/* What formats for machines do not tell themselves. */
static void add_summary(struct app *app, bool talks)
{
	const struct ifx_config *c = app->config;
	const struct ifx_tally *tally = &app->reporter.tally;
	bool wrote = c->mode == IFX_MODE_IN_PLACE || app->filter;
	bool for_people = c->format == IFX_FORMAT_TEXT || c->format == IFX_FORMAT_GITHUB;

	if (talks && for_people && c->mode != IFX_MODE_LIST)
		ifx_tally_summary(tally, wrote, &app->err);
	if (c->statistics && c->format != IFX_FORMAT_JSON)
		ifx_tally_statistics(tally, wrote, &app->err);
}

static void run_pass(struct app *app, char *const *paths, size_t n, bool second)
{
	const struct ifx_config *c = app->config;
	bool is_stdin = ifx_gather_is_stdin(c, paths, n), talks, ready = true;
	ifx_str home = IFX_LIT("/");

	/* Nothing on standard error when all is well: people pipe both into kubectl. */
	talks = !c->quiet && !app->filter;
	app->configs.talks = talks;
	ifx_report_begin(&app->reporter, &app->out);
	if (!is_stdin)
		ready = prepare(app, paths, n, &home);
	/* A wrong option is told before anything is done, also when there is nothing to do. A
	 * filter sees first whether its settings come along. */
	if (!app->filter)
		profile_for(app, app->inputs.n ? app->inputs.items[0].path : IFX_NONE);
	if (app->configs.stop) {
		ifx_buf_clear(&app->out);
		return;
	}
	ifx_writer_open(&app->writer, c, home);
	if (ready)
		run_inputs(app, is_stdin, n == 0);
	ifx_writer_close(&app->writer);
	if (second)
		complain_again(app);
	app->reporter.failed = app->failed || app->configs.failed;
	ifx_report_end(&app->reporter, &app->out);
	add_summary(app, talks);
}

static void run_all(struct app *app, char *const *paths, size_t n)
{
	const struct ifx_config *c = app->config;

	app->filter = c->host != IFX_HOST_ANY || (c->mode == IFX_MODE_REPORT && !c->format_given &&
						  ifx_gather_is_stdin(c, paths, n));
	app->held = c->atomic;
	run_pass(app, paths, n, false);
	if (c->atomic && app->none_written) {
		/* What was said is about files that are as they were after all. */
		close_pass(app);
		ifx_buf_clear(&app->out);
		ifx_buf_clear(&app->err);
		open_pass(app);
		run_pass(app, paths, n, true);
		complain_usage(app, "nothing is written: --atomic fixes all files or none");
	}
	app->held = false;
	if (!app->configs.stop)
		end_baseline(app, !c->quiet && !app->filter);
}

static void run_recover(struct app *app, char *const *paths, size_t n)
{
	bool changed = false;
	ifx_str home;

	gather(app, paths, n);
	home = ifx_home_of(&app->inputs, &app->names);
	if (!home.ptr)
		complain_usage(app, "out of memory");
	else if (settle(app, home, &changed) && !changed && !app->config->quiet)
		say_note(app, IFX_LIT("no run was interrupted there"));
}

int ifx_run(const struct ifx_config *config, char *const *paths, size_t n,
	    const struct ifx_sink *sink)
{
	struct app app;
	int code;

	open_app(&app, config, IFX_CONFIGS_NEAREST, sink);
	if (!app.failed && config->mode == IFX_MODE_RULES)
		run_rules(&app, paths, n);
	else if (!app.failed && config->mode == IFX_MODE_RECOVER)
		run_recover(&app, paths, n);
	else if (!app.failed && check_paths(&app, paths, n))
		run_all(&app, paths, n);
	code = finish(&app);
	close_app(&app);
	return code;
}

int ifx_fix_text(const struct ifx_config *config, const char *name, const char *bytes, size_t len,
		 char **after, size_t *after_len, const struct ifx_sink *sink)
{
	struct source source = { ifx_str_of(name), { bytes, len }, NULL, true };
	struct ifx_buf text;
	struct app app;
	int code;

	*after = NULL;
	*after_len = 0;
	open_app(&app, config, IFX_CONFIGS_NAMED, sink);
	app.filter = true;
	if (!app.failed)
		run_source(&app, &source);
	/* The text is the answer, and is not said. */
	text = app.out;
	ifx_buf_init(&app.out, IFX_BUF_MAX);
	if (text.bad)
		complain(&app, source.path, IFX_LIT("out of memory"), "memory");
	code = finish(&app);
	if (app.would_change && !app.failed) {
		*after = text.data;
		*after_len = text.len;
	} else {
		ifx_buf_release(&text);
	}
	close_app(&app);
	return code;
}

void ifx_free_text(char *text)
{
	ifx_free(text);
}
