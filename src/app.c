/*
 * One run: which files, what to do with each result, and the exit code.
 */
#include "app.h"

#include "base/alloc.h"
#include "gather.h"
#include "io/files.h"
#include "io/unfinished.h"
#include "say.h"

/** Memory for the names of all input files. Bytes. */
#define NAMES_MEMORY_MAX ((size_t)4 << 30)

static void describe_rule(void *data, const char *id, struct ifx_rule_page *page)
{
	ifx_configs_describe(data, id, page);
}

/* What one pass over the input fills. */
static void open_pass(struct ifx_app *app)
{
	const struct ifx_config *c = app->config;

	ifx_index_init(&app->index, &app->inputs);
	app->index.engine_of = ifx_work_engine;
	app->index.data = app;
	app->seen = app->left = app->would_change = false;
	app->reporter = (struct ifx_reporter){ .format = c->format,
					       .verbose = c->verbose,
					       .statistics = c->statistics,
					       .describe = describe_rule,
					       .describe_data = &app->configs };
	ifx_configs_init(&app->configs, c, app->from, &app->err);
}

static void close_pass(struct ifx_app *app)
{
	ifx_inputs_release(&app->inputs);
	ifx_configs_release(&app->configs);
	ifx_index_release(&app->index);
	ifx_reporter_release(&app->reporter);
}

static void open_app(struct ifx_app *app, const struct ifx_config *config, ifx_configs_from from,
		     const struct ifx_sink *sink)
{
	*app = (struct ifx_app){ .config = config, .from = from, .sink = sink };
	ifx_arena_init(&app->names, NAMES_MEMORY_MAX);
	ifx_buf_init(&app->out, IFX_BUF_MAX);
	ifx_buf_init(&app->err, IFX_BUF_MAX);
	open_pass(app);
	if ((config->baseline.ptr &&
	     !ifx_baseline_read(&app->baseline, config->baseline, &app->err)) ||
	    (config->write_baseline.ptr &&
	     !ifx_baseline_renew(&app->baseline, config->write_baseline, &app->err)))
		app->failed = true;
}

static void close_app(struct ifx_app *app)
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
void ifx_app_flush(struct ifx_app *app)
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
static void remember(struct ifx_app *app, ifx_str path, ifx_str message, const char *rule)
{
	struct ifx_reason **at = &app->reasons, *r;

	for (; *at; at = &(*at)->next)
		if (ifx_str_eq((*at)->path, path) && ifx_str_eq((*at)->message, message)) {
			(*at)->again = app->none_written;
			return;
		}
	r = app->none_written ? NULL : ifx_arena_alloc(&app->names, sizeof(*r));
	if (!r)
		return;
	*r = (struct ifx_reason){ ifx_arena_copy(&app->names, path),
				  ifx_arena_copy(&app->names, message), rule, false, NULL };
	if (r->path.ptr && r->message.ptr)
		*at = r;
}

/* An error that has no place in the text. */
void ifx_app_complain(struct ifx_app *app, ifx_str path, ifx_str message, const char *rule)
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
	/* `istio-fix -i "$UNSET"` */
	ifx_app_complain(data, path.len ? path : IFX_LIT("''"), message, "read");
}

void ifx_app_complain_write(void *data, ifx_str path, ifx_str message)
{
	ifx_app_complain(data, path, message, "write");
}

static void complain_usage(struct ifx_app *app, const char *message)
{
	app->failed = true;
	ifx_say_error(&app->err, "%s", message);
}

/* ---- the run ---- */

static bool found_something(const struct ifx_app *app)
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
static void end_baseline(struct ifx_app *app, bool talks)
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

static int finish(struct ifx_app *app)
{
	if (app->index.failed || app->index.environments.failed)
		complain_usage(app, "out of memory; what other files show was not seen");
	ifx_app_flush(app);
	if (app->failed || app->configs.failed)
		return IFX_EXIT_FAILED;
	return found_something(app) && !app->config->exit_zero ? IFX_EXIT_FOUND : IFX_EXIT_OK;
}

static bool check_function(struct ifx_app *app, char *const *paths, size_t n)
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
static bool check_paths(struct ifx_app *app, char *const *paths, size_t n)
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
	const struct ifx_sink *sink = ((struct ifx_app *)data)->sink;
	struct ifx_buf line;

	ifx_buf_init(&line, IFX_BUF_MAX);
	ifx_buf_add(&line, IFX_LIT("istio-fix: note: "));
	ifx_say_text(&line, text);
	ifx_buf_addc(&line, '\n');
	if (!line.bad)
		sink->err(sink->data, line.data, line.len);
	ifx_buf_release(&line);
}

static void gather(struct ifx_app *app, char *const *paths, size_t n)
{
	ifx_inputs_release(&app->inputs);
	if (ifx_gather(&app->inputs, &app->configs, paths, n, &app->names, complain_walk, app) ==
	    IFX_ENOMEM)
		complain_usage(app, "out of memory; give fewer files at once");
}

/* Runs that were interrupted. False: one stays, and nothing must be written; that was said. */
static bool settle(struct ifx_app *app, ifx_str home, bool *changed)
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
static bool prepare(struct ifx_app *app, char *const *paths, size_t n, ifx_str *home)
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

/* All were looked at: now they are written, or none is. What fails was told. */
static void write_all_or_none(struct ifx_app *app)
{
	bool may = !app->failed && !app->configs.failed && !ifx_writer_is_interrupted(&app->writer);
	ifx_status st = may ? ifx_writer_commit(&app->writer, ifx_app_complain_write, app)
			    : ifx_writer_undo(&app->writer, ifx_app_complain_write, app);

	app->none_written = !may || st != IFX_OK;
	app->failed |= app->none_written;
}

/* detect: standard input may be a function's. */
static void run_inputs(struct ifx_app *app, bool is_stdin, bool detect)
{
	bool atomic = app->config->atomic && !app->none_written;

	ifx_app_flush(app);
	if (is_stdin)
		ifx_work_stdin(app, detect);
	else
		ifx_work_files(app);
	if (!is_stdin && atomic)
		write_all_or_none(app);
}

static void run_rules(struct ifx_app *app, char *const *ids, size_t n)
{
	const struct ifx_profile *profile = ifx_work_profile(app, IFX_NONE);

	if (profile && !n)
		ifx_ruleset_list(&profile->rules, &app->out);
	for (size_t i = 0; profile && i < n; i++)
		if (!ifx_ruleset_explain(&profile->rules, ifx_str_of(ids[i]), &app->out, &app->err))
			app->failed = true;
}

static void complain_again(struct ifx_app *app)
{
	for (struct ifx_reason *r = app->reasons; r; r = r->next)
		if (!r->again)
			ifx_app_complain(app, r->path, r->message, r->rule);
}

/* What formats for machines do not tell themselves. */
static void add_summary(struct ifx_app *app, bool talks)
{
	const struct ifx_config *c = app->config;
	const struct ifx_tally *tally = &app->reporter.tally;
	bool wrote = c->mode == IFX_MODE_IN_PLACE || app->filter;
	bool for_people = c->format == IFX_FORMAT_TEXT || c->format == IFX_FORMAT_GITHUB;

	if (talks && for_people && c->mode != IFX_MODE_LIST)
		ifx_tally_summary(tally, wrote, &app->err);
	/* The host says no more than an exit code. */
	if (ifx_function_checks(&app->function, c) && found_something(app) && !c->exit_zero) {
		ifx_buf_add(&app->err, IFX_LIT("istio-fix: the check failed: "));
		ifx_tally_summary(tally, false, &app->err);
	}
	if (c->statistics && c->format != IFX_FORMAT_JSON)
		ifx_tally_statistics(tally, wrote, &app->err);
}

static void run_pass(struct ifx_app *app, char *const *paths, size_t n, bool second)
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
		ifx_work_profile(app, app->inputs.n ? app->inputs.items[0].path : IFX_NONE);
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

static void run_all(struct ifx_app *app, char *const *paths, size_t n)
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

static void run_recover(struct ifx_app *app, char *const *paths, size_t n)
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
	struct ifx_app app;
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
	struct ifx_source source = { ifx_str_of(name), { bytes, len }, NULL, true };
	struct ifx_buf text;
	struct ifx_app app;
	int code;

	*after = NULL;
	*after_len = 0;
	open_app(&app, config, IFX_CONFIGS_NAMED, sink);
	app.filter = true;
	if (!app.failed)
		ifx_work_source(&app, &source);
	/* The text is the answer, and is not said. */
	text = app.out;
	ifx_buf_init(&app.out, IFX_BUF_MAX);
	if (text.bad)
		ifx_app_complain(&app, source.path, IFX_LIT("out of memory"), "memory");
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
