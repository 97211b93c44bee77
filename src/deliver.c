#include "app.h"

#include "io/diff.h"
#include "io/files.h"
#include "say.h"

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
static bool forgive_templates(const struct ifx_source *source, struct ifx_outcome *outcome)
{
	if (source->named || outcome->broken)
		return false;
	for (size_t i = 0; i < outcome->n; i++)
		if (is_problem(outcome->findings[i]))
			outcome->findings[i]->severity = IFX_WARNING;
	return true;
}

static bool write_back(struct ifx_app *app, const struct ifx_source *source, ifx_str after)
{
	struct ifx_buf why;
	ifx_status st;

	if (app->none_written)
		return false;
	ifx_buf_init(&why, 4096);
	/* With --atomic none is replaced before all were looked at. */
	st = app->config->atomic || ifx_index_keep(&app->index, source->path, source->bytes)
		     ? ifx_writer_write(&app->writer, source->path.ptr, source->st, after, &why)
		     : IFX_ENOMEM;
	if (st == IFX_ENOMEM)
		ifx_app_complain_write(app, source->path, IFX_LIT("out of memory"));
	else if (st != IFX_OK)
		ifx_app_complain_write(app, source->path, ifx_buf_str(&why));
	ifx_buf_release(&why);
	return st == IFX_OK;
}

/* All or nothing: where the file could not be written, nothing was fixed. */
static void write_result(struct ifx_app *app, const struct ifx_source *source,
			 struct ifx_outcome *outcome, struct ifx_file_report *report)
{
	report->written = write_back(app, source, report->after);
	if (report->written)
		return;
	report->after = report->before;
	for (size_t i = 0; i < outcome->n; i++)
		outcome->findings[i]->applied = false;
}

static void show_check(struct ifx_app *app, const struct ifx_file_report *report)
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
static void show_diff(struct ifx_app *app, const struct ifx_file_report *report)
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
static struct ifx_buf *show_result(struct ifx_app *app, const struct ifx_file_report *report)
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

static void report_findings(struct ifx_app *app, const struct ifx_file_report *report)
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
static void answer(struct ifx_app *app, const struct ifx_file_report *report)
{
	bool fixed = !ifx_function_checks(&app->function, app->config);

	if (!ifx_function_answer(&app->function, &app->out, fixed ? report->after : report->before,
				 fixed, report->findings, report->n_findings, &app->err))
		app->failed = true;
}

/* What the run leaves goes into the new baseline, and is left alone from here on. */
static void record(struct ifx_app *app, const struct ifx_file_report *report,
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
			f->at = f->has_now ? f->now : ifx_edits_to_new(report->edits, f->at);
		ifx_baseline_add(&app->baseline, f,
				 report->written ? report->after : report->before, path);
		ifx_edits_release(&f->edits);
		outcome->n_suppressed++;
		outcome->n_ignored++;
	}
	outcome->n = n;
}

bool ifx_deliver(struct ifx_app *app, const struct ifx_source *source, struct ifx_outcome *outcome)
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
