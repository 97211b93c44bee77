/*
 * One run of the tool: which rules, which files, what to do with each result, and the exit code.
 */
#include "config.h"

#include "base/alloc.h"
#include "index.h"
#include "io/diff.h"
#include "io/files.h"
#include "io/inplace.h"
#include "io/report.h"
#include "pipeline.h"
#include "rule/embedded.h"
#include "rule/table.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct app {
	const struct ifx_config *config;
	const struct ifx_sink *sink;
	struct ifx_arena arena;
	struct ifx_rules rules;
	const struct ifx_transform **transforms; /* the selected ones */
	size_t n_transforms;
	struct ifx_inputs inputs;
	struct ifx_reporter reporter;
	struct ifx_buf out, err; /* not yet handed to the sink */
	bool failed;             /* exit 2 */
	bool would_change;
	bool filter; /* standard input to standard output */
	struct ifx_index index;
};

static void flush(struct app *app)
{
	if (app->out.len && app->sink->out(app->sink->data, app->out.data, app->out.len))
		app->failed = true;
	if (app->err.len && app->sink->err(app->sink->data, app->err.data, app->err.len))
		app->failed = true;
	if (app->out.bad || app->err.bad)
		app->failed = true;
	ifx_buf_clear(&app->out);
	ifx_buf_clear(&app->err);
}

static void complain(void *data, ifx_str path, ifx_str message)
{
	struct app *app = data;

	app->failed = true;
	app->reporter.tally.failed++;
	ifx_buf_addf(&app->err, "%.*s: error: %.*s\n", IFX_ARG(path), IFX_ARG(message));
}

static void complain_rule(struct app *app, ifx_str path, ifx_str message, const char *rule)
{
	app->failed = true;
	app->reporter.tally.failed++;
	ifx_buf_addf(&app->err, "%.*s: error: %.*s [%s]\n", IFX_ARG(path), IFX_ARG(message), rule);
}

/* ---- rules ---- */

static bool names(ifx_str pattern, const char *id)
{
	return ifx_str_eq(pattern, IFX_LIT("ALL")) || ifx_str_starts(ifx_str_of(id), pattern);
}

static bool is_selected(const struct ifx_config *c, const struct ifx_transform *t)
{
	bool selected = !c->select.n;

	for (size_t i = 0; i < c->select.n; i++)
		selected |= names(c->select.items[i], t->id) ||
			    (t->ist && ifx_str_eq(c->select.items[i], ifx_str_of(t->ist)));
	for (size_t i = 0; i < c->ignore.n; i++)
		if (names(c->ignore.items[i], t->id) ||
		    (t->ist && ifx_str_eq(c->ignore.items[i], ifx_str_of(t->ist))))
			return false;
	return selected;
}

static const struct ifx_transform *find_rule(const struct app *app, ifx_str id)
{
	for (size_t i = 0; i < app->rules.n; i++)
		if (ifx_str_eq(id, ifx_str_of(app->rules.items[i]->id)))
			return app->rules.items[i];
	return NULL;
}

/* A name that no rule has is a slip of the pen, and a slip that silently does nothing is a bad one.
 */
static bool check_names(struct app *app, const struct ifx_texts *list, const char *option)
{
	for (size_t i = 0; i < list->n; i++) {
		bool known = false;

		for (size_t k = 0; k < app->rules.n; k++)
			known |= names(list->items[i], app->rules.items[k]->id) ||
				 (app->rules.items[k]->ist &&
				  ifx_str_eq(list->items[i], ifx_str_of(app->rules.items[k]->ist)));
		if (!known) {
			ifx_buf_addf(
				&app->err,
				"istio-fix: error: --%s: no rule is called '%.*s'; see 'istio-fix rules'\n",
				option, IFX_ARG(list->items[i]));
			return false;
		}
	}
	return true;
}

static bool check_picks(struct app *app)
{
	const struct ifx_config *c = app->config;

	for (size_t i = 0; i < c->n_picks; i++) {
		const struct ifx_transform *t = find_rule(app, c->picks[i].rule);
		const struct ifx_answer *a = t ? t->answers : NULL;

		while (a && a->name && !ifx_str_eq(c->picks[i].answer, ifx_str_of(a->name)))
			a++;
		if (a && a->name)
			continue;
		ifx_buf_addf(&app->err, "istio-fix: error: --choose: ");
		if (!t)
			ifx_buf_addf(&app->err, "no rule is called '%.*s'",
				     IFX_ARG(c->picks[i].rule));
		else if (!t->answers)
			ifx_buf_addf(&app->err, "rule '%s' asks nothing", t->id);
		else
			ifx_buf_addf(&app->err, "'%.*s' is no answer to rule '%s'",
				     IFX_ARG(c->picks[i].answer), t->id);
		ifx_buf_add(&app->err, IFX_LIT("; see 'istio-fix rules'\n"));
		return false;
	}
	return true;
}

static bool add_rule_file(struct app *app, const char *path)
{
	struct ifx_buf bytes, why;
	struct stat st;
	bool ok = false;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	if (ifx_file_read(&bytes, path, &st, &why) != IFX_OK)
		ifx_buf_addf(&app->err, "%s: error: %.*s\n", path, IFX_ARG(ifx_buf_str(&why)));
	else if (ifx_rules_add(&app->rules, ifx_str_of(path), ifx_buf_str(&bytes), &why) != IFX_OK)
		ifx_buf_addf(&app->err, "%.*s\n", IFX_ARG(ifx_buf_str(&why)));
	else
		ok = true;
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	return ok;
}

static int yaml_only(const struct dirent *d)
{
	ifx_str name = ifx_str_of(d->d_name);

	return name.ptr[0] != '.' &&
	       (ifx_str_ends(name, IFX_LIT(".yaml")) || ifx_str_ends(name, IFX_LIT(".yml")));
}

static bool add_rules(struct app *app, const char *path)
{
	struct dirent **list = NULL;
	struct stat st;
	bool ok = true;
	int n;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return add_rule_file(app, path);
	n = scandir(path, &list, yaml_only, alphasort);
	if (n < 0) {
		ifx_buf_addf(&app->err, "%s: error: %s\n", path, strerror(errno));
		return false;
	}
	for (int i = 0; i < n; i++) {
		ifx_str file = ifx_arena_printf(&app->arena, "%s/%s", path, list[i]->d_name);

		ok = ok && file.ptr && add_rule_file(app, file.ptr);
		free(list[i]);
	}
	free(list);
	return ok;
}

static bool load_rules(struct app *app)
{
	const struct ifx_config *c = app->config;
	struct ifx_buf why;
	ifx_status st;

	ifx_buf_init(&why, 4096);
	st = ifx_rules_load(&app->rules, &why);
	if (st != IFX_OK)
		ifx_buf_addf(&app->err, "istio-fix: error: %.*s\n", IFX_ARG(ifx_buf_str(&why)));
	ifx_buf_release(&why);
	if (st != IFX_OK)
		return false;
	for (size_t i = 0; i < c->rules.n; i++)
		if (!add_rules(app, c->rules.items[i].ptr))
			return false;
	if (!check_names(app, &c->select, "select") || !check_names(app, &c->ignore, "ignore") ||
	    !check_picks(app))
		return false;
	app->transforms =
		ifx_arena_alloc(&app->arena, (app->rules.n + 1) * sizeof(*app->transforms));
	for (size_t i = 0; app->transforms && i < app->rules.n; i++)
		if (is_selected(c, app->rules.items[i]))
			app->transforms[app->n_transforms++] = app->rules.items[i];
	return app->transforms != NULL;
}

static ifx_str page_of(const char *id)
{
	for (size_t i = 0; i < ifx_embedded_count; i++) {
		ifx_str name = ifx_str_of(ifx_embedded_files[i].name);

		if (ifx_str_ends(name, IFX_LIT(".md")) &&
		    ifx_str_eq(ifx_str_sub(name, 0, name.len - 3), ifx_str_of(id)))
			return (ifx_str){ (const char *)ifx_embedded_files[i].data,
					  ifx_embedded_files[i].len };
	}
	return IFX_NONE;
}

static void explain(struct app *app, ifx_str id)
{
	const struct ifx_transform *t = find_rule(app, id);
	ifx_str page;

	if (!t) {
		ifx_buf_addf(&app->err,
			     "istio-fix: error: no rule is called '%.*s'; see 'istio-fix rules'\n",
			     IFX_ARG(id));
		app->failed = true;
		return;
	}
	page = page_of(t->id);
	if (page.ptr)
		ifx_buf_add(&app->out, page);
	else
		ifx_buf_addf(&app->out, "# %s\n\n%s\n\nSource: %s\n", t->id, t->summary, t->source);
	if (!t->answers)
		return;
	ifx_buf_addf(&app->out, "\nAnswers, as in --choose %s=%s:\n\n", t->id, t->answers->name);
	for (const struct ifx_answer *a = t->answers; a->name; a++)
		ifx_buf_addf(&app->out, "  %-18s %s\n", a->name, a->meaning);
}

static void list_rules(struct app *app)
{
	for (size_t i = 0; i < app->rules.n; i++) {
		const struct ifx_transform *t = app->rules.items[i];

		ifx_buf_addf(&app->out, "%-28s %-8s %-7s %s\n", t->id, t->ist ? t->ist : "-",
			     ifx_level_name(t->level), t->summary);
	}
}

/* ---- one input ---- */

/* Does the file lie in templates/ of a Helm chart? */
static bool is_chart_template(struct app *app, ifx_str path)
{
	static const char part[] = "templates/";
	ifx_str rest = path;
	size_t from = 0, at;

	while ((at = ifx_str_find(rest, IFX_LIT(part))) != SIZE_MAX) {
		from += at;
		if (!from || path.ptr[from - 1] == '/') {
			ifx_str chart = ifx_arena_printf(&app->arena, "%.*sChart.yaml", (int)from,
							 path.ptr);

			if (chart.ptr && !access(chart.ptr, F_OK))
				return true;
		}
		from += sizeof(part) - 1;
		rest = ifx_str_sub(path, from, path.len - from);
	}
	return false;
}

/* Findings about the text itself; no rule has these names. */
static bool is_problem(const struct ifx_finding *f)
{
	static const char *const rules[] = { "yaml", "template", "limit", "internal" };

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (!strcmp(f->rule, rules[i]))
			return true;
	return false;
}

static void problems_as_text(struct app *app, ifx_str path, ifx_str bytes,
			     const struct ifx_outcome *outcome, bool named)
{
	for (size_t i = 0; i < outcome->n; i++) {
		const struct ifx_finding *f = outcome->findings[i];
		bool template_found = !strcmp(f->rule, "template") && !named;
		size_t line, column;

		if (!is_problem(f))
			continue;
		ifx_line_column(bytes, f->at, &line, &column);
		ifx_buf_addf(&app->err, "%.*s:%zu:%zu: %s: %.*s [%s]\n", IFX_ARG(path), line,
			     column, template_found ? "warning" : "error", IFX_ARG(f->message),
			     f->rule);
	}
}

/* Findings without the problems, which have gone to standard error. */
static size_t only_findings(struct app *app, const struct ifx_outcome *outcome,
			    const struct ifx_finding ***list)
{
	size_t n = 0;

	*list = ifx_arena_alloc(&app->arena, (outcome->n + 1) * sizeof(**list));
	if (!*list) {
		app->failed = true;
		return 0;
	}
	for (size_t i = 0; i < outcome->n; i++)
		if (app->reporter.format != IFX_FORMAT_TEXT || !is_problem(outcome->findings[i]))
			(*list)[n++] = outcome->findings[i];
	return n;
}

static bool write_back(struct app *app, ifx_str path, const struct stat *st, ifx_str bytes)
{
	struct ifx_buf target, why;
	bool ok = false;

	ifx_buf_init(&target, 1 << 16);
	ifx_buf_init(&why, 4096);
	if (ifx_path_resolve(&target, path.ptr) != IFX_OK)
		complain_rule(app, path, ifx_str_of(strerror(errno)), "write");
	else if (ifx_inplace(ifx_buf_str(&target).ptr, st, bytes, &why) != IFX_OK)
		complain_rule(app, path, ifx_buf_str(&why), "write");
	else
		ok = true;
	ifx_buf_release(&target);
	ifx_buf_release(&why);
	return ok;
}

static size_t count_left(const struct ifx_finding *const *list, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		left += !list[i]->applied;
	return left;
}

/* What the mode wants to say about a file, besides its findings. Returns where those go; NULL:
 * nowhere. */
static struct ifx_buf *show_result(struct app *app, const struct ifx_file_report *report)
{
	bool changes = report->edits->n > 0;
	size_t fixed = report->n_findings - count_left(report->findings, report->n_findings);

	if (app->filter)
		return &app->err;
	if (app->reporter.format != IFX_FORMAT_TEXT)
		return &app->out;
	switch (app->config->mode) {
	case IFX_MODE_DIFF:
		ifx_diff(&app->out, report->path, report->before, report->edits, 3);
		return &app->err;
	case IFX_MODE_CHECK:
		if (changes)
			ifx_buf_addf(&app->out, "would fix %.*s (%zu of %zu finding%s)\n",
				     IFX_ARG(report->path), fixed, report->n_findings,
				     report->n_findings == 1 ? "" : "s");
		return &app->err;
	case IFX_MODE_LIST:
		if (changes)
			ifx_buf_addf(&app->out, "%.*s\n", IFX_ARG(report->path));
		return NULL;
	default:
		return &app->out;
	}
}

static void deliver(struct app *app, ifx_str path, ifx_str bytes, const struct stat *st,
		    struct ifx_outcome *outcome)
{
	bool changes = outcome->edits.n > 0;
	struct ifx_file_report report = {
		.path = path,
		.before = bytes,
		.after = changes ? ifx_buf_str(&outcome->after) : bytes,
		.edits = &outcome->edits,
		.only_left = app->config->mode != IFX_MODE_REPORT || app->filter,
	};
	const struct ifx_finding **list;
	struct ifx_buf *text, nowhere;

	report.n_findings = only_findings(app, outcome, &list);
	report.findings = list;
	app->would_change |= changes;
	if (app->config->mode == IFX_MODE_IN_PLACE && changes) {
		report.written = write_back(app, path, st, report.after);
		for (size_t i = 0; i < outcome->n && !report.written; i++)
			if (outcome->findings[i]->applied) {
				outcome->findings[i]->applied = false;
				outcome->findings[i]->refused =
					IFX_LIT("the file could not be written");
			}
		if (!report.written)
			report.after = bytes;
	}
	ifx_buf_init(&nowhere, IFX_BUF_MAX);
	text = show_result(app, &report);
	ifx_report_file(&app->reporter, &report, text ? text : &nowhere);
	ifx_buf_release(&nowhere);
}

/* Returns false when nothing may be written to standard output for it. */
static bool run_bytes(struct app *app, ifx_str path, ifx_str bytes, const struct stat *st,
		      bool named)
{
	struct ifx_input_index questions = ifx_index_questions(&app->index);
	struct ifx_engine engine = {
		.transforms = app->transforms,
		.n_transforms = app->n_transforms,
		.policy = { app->config->level, app->config->picks, app->config->n_picks },
		.index = &questions,
		.want_edits = app->reporter.format != IFX_FORMAT_TEXT,
		.chart_template = st && is_chart_template(app, path),
	};
	struct ifx_outcome outcome;
	bool ok = true;

	app->index.file = st ? path : IFX_NONE;
	if (ifx_pipeline_run(&outcome, &engine, bytes) != IFX_OK) {
		complain_rule(app, path, IFX_LIT("out of memory"), "memory");
		ifx_outcome_release(&outcome);
		return false;
	}
	if (outcome.failed) {
		if (named || outcome.broken)
			app->failed = true;
		app->reporter.tally.failed++;
		if (app->reporter.format == IFX_FORMAT_TEXT)
			problems_as_text(app, path, bytes, &outcome, named);
		ok = false;
	}
	deliver(app, path, bytes, st, &outcome);
	if (ok && app->filter)
		ifx_buf_add(&app->out, outcome.edits.n ? ifx_buf_str(&outcome.after) : bytes);
	ifx_outcome_release(&outcome);
	return ok;
}

static void run_file(struct app *app, const struct ifx_input *input, struct ifx_buf *bytes)
{
	struct ifx_buf why;
	struct stat st;

	ifx_buf_init(&why, 4096);
	if (ifx_file_read(bytes, input->path.ptr, &st, &why) != IFX_OK)
		complain_rule(app, input->path, ifx_buf_str(&why), "read");
	else
		run_bytes(app, input->path, ifx_buf_str(bytes), &st, input->named);
	ifx_buf_release(&why);
	flush(app);
}

static void run_stdin(struct app *app, struct ifx_buf *bytes)
{
	struct ifx_buf why;

	ifx_buf_init(&why, 4096);
	if (ifx_fd_read(bytes, STDIN_FILENO, &why) != IFX_OK)
		complain_rule(app, app->config->stdin_filename, ifx_buf_str(&why), "read");
	else if (!run_bytes(app, app->config->stdin_filename, ifx_buf_str(bytes), NULL, true))
		ifx_buf_clear(&app->out);
	ifx_buf_release(&why);
	flush(app);
}

/* ---- the run ---- */

static int exit_code(const struct app *app)
{
	const struct ifx_config *c = app->config;
	const struct ifx_tally *t = &app->reporter.tally;
	bool found = false;

	if (app->failed || app->index.failed)
		return IFX_EXIT_FAILED;
	if (c->exit_zero)
		return IFX_EXIT_OK;
	for (int s = c->fail_on; s <= IFX_ERROR; s++)
		found |= t->left[s] > 0;
	/* A filter in a pipeline must not break a deployment unasked. */
	if (app->filter && !c->fail_on_given)
		found = false;
	if (c->mode == IFX_MODE_REPORT && !app->filter)
		for (int s = c->fail_on; s <= IFX_ERROR; s++)
			found |= t->seen[s] > 0;
	if (c->mode == IFX_MODE_CHECK || c->mode == IFX_MODE_DIFF || c->mode == IFX_MODE_LIST)
		found |= app->would_change;
	if (c->exit_non_zero_on_fix && t->fixed && (c->mode == IFX_MODE_IN_PLACE || app->filter))
		found = true;
	return found ? IFX_EXIT_FOUND : IFX_EXIT_OK;
}

static bool wants_stdin(struct app *app, char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(paths[i], "-"))
			return true;
	(void)app;
	return n == 0;
}

static void run_inputs(struct app *app, char *const *paths, size_t n)
{
	const struct ifx_config *c = app->config;
	struct ifx_file_options options = { c->exclude.items, c->exclude.n, c->force_exclude,
					    c->no_gitignore };
	struct ifx_buf bytes;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	if (wants_stdin(app, paths, n)) {
		if (n > 1) {
			ifx_buf_addf(
				&app->err,
				"istio-fix: error: '-' stands alone; give no other paths with it\n");
			app->failed = true;
		} else if (c->mode == IFX_MODE_IN_PLACE) {
			ifx_buf_addf(
				&app->err,
				"istio-fix: error: standard input cannot be fixed in place; leave out --in-place\n");
			app->failed = true;
		} else {
			app->filter = c->mode == IFX_MODE_REPORT && !c->format_given;
			run_stdin(app, &bytes);
		}
	} else {
		if (ifx_inputs_expand(&app->inputs, paths, n, &options, &app->arena, complain,
				      app) != IFX_OK)
			app->failed = true;
		flush(app);
		for (size_t i = 0; i < app->inputs.n; i++)
			run_file(app, &app->inputs.items[i], &bytes);
	}
	ifx_buf_release(&bytes);
}

int ifx_run(const struct ifx_config *config, char *const *paths, size_t n,
	    const struct ifx_sink *sink)
{
	struct app app = { .config = config, .sink = sink };
	int code = IFX_EXIT_FAILED;
	bool rules_ok;

	ifx_arena_init(&app.arena, (size_t)4 << 30);
	ifx_index_init(&app.index, &app.inputs);
	ifx_buf_init(&app.out, IFX_BUF_MAX);
	ifx_buf_init(&app.err, IFX_BUF_MAX);
	app.reporter.format = config->format;
	app.reporter.color = config->color && config->format == IFX_FORMAT_TEXT;
	app.reporter.verbose = config->verbose;
	rules_ok = load_rules(&app);
	if (!rules_ok) {
		app.failed = true;
	} else if (config->mode == IFX_MODE_RULES) {
		for (size_t i = 0; i < n; i++)
			explain(&app, ifx_str_of(paths[i]));
		if (!n)
			list_rules(&app);
	} else {
		bool json;

		ifx_report_begin(&app.reporter, &app.out);
		run_inputs(&app, paths, n);
		json = app.reporter.format == IFX_FORMAT_JSON;
		ifx_report_end(&app.reporter, &app.out);
		if (!config->quiet && !json && !app.filter && config->mode != IFX_MODE_LIST)
			ifx_report_summary(&app.reporter, config->mode == IFX_MODE_IN_PLACE,
					   &app.err);
	}
	flush(&app);
	code = exit_code(&app);
	ifx_inputs_release(&app.inputs);
	if (rules_ok || app.rules.n)
		ifx_rules_release(&app.rules);
	ifx_index_release(&app.index);
	ifx_buf_release(&app.out);
	ifx_buf_release(&app.err);
	ifx_arena_release(&app.arena);
	return code;
}

int ifx_fix_text(const struct ifx_config *config, const char *name, const char *bytes, size_t len,
		 char **after, size_t *after_len, const struct ifx_sink *sink)
{
	struct app app = { .config = config, .sink = sink };
	int code;

	*after = NULL;
	*after_len = 0;
	ifx_arena_init(&app.arena, (size_t)4 << 30);
	ifx_index_init(&app.index, &app.inputs);
	ifx_buf_init(&app.out, IFX_BUF_MAX);
	ifx_buf_init(&app.err, IFX_BUF_MAX);
	app.reporter.verbose = config->verbose;
	app.filter = true;
	if (!load_rules(&app)) {
		app.failed = true;
	} else if (run_bytes(&app, ifx_str_of(name), (ifx_str){ bytes, len }, NULL, true) &&
		   !ifx_str_eq(ifx_buf_str(&app.out), (ifx_str){ bytes, len })) {
		*after = malloc(app.out.len + 1);
		if (*after) {
			memcpy(*after, ifx_buf_str(&app.out).ptr, app.out.len + 1);
			*after_len = app.out.len;
		} else {
			app.failed = true;
		}
	}
	ifx_buf_clear(&app.out);
	flush(&app);
	code = exit_code(&app);
	ifx_rules_release(&app.rules);
	ifx_index_release(&app.index);
	ifx_buf_release(&app.out);
	ifx_buf_release(&app.err);
	ifx_arena_release(&app.arena);
	return code;
}

void ifx_free_text(char *text)
{
	free(text);
}
