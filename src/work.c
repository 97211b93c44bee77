#include "app.h"

#include "base/parallel.h"
#include "io/files.h"
#include "say.h"

#include <unistd.h>

/** Below so many files a thread costs more than it saves. */
enum { FILES_PER_THREAD = 16 };

/* path: of the input. */
static struct ifx_engine engine_for(struct ifx_app *app, const struct ifx_profile *profile,
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
const struct ifx_profile *ifx_work_profile(struct ifx_app *app, ifx_str path)
{
	return ifx_configs_for(&app->configs, path.ptr ? path : app->config->stdin_filename);
}

bool ifx_work_engine(void *data, ifx_str path, struct ifx_engine *engine, ifx_str *namespace)
{
	struct ifx_app *app = data;
	const struct ifx_profile *profile = ifx_work_profile(app, path);

	if (!profile)
		return false;
	*engine = engine_for(app, profile, path.ptr ? path : app->config->stdin_filename);
	*namespace = profile->config->namespace;
	return true;
}

/* What the file adds to the exit code. */
static void weigh(struct ifx_app *app, const struct ifx_tally *before, ifx_severity fail_on)
{
	const struct ifx_tally *t = &app->reporter.tally;

	for (int s = (int)fail_on; s <= IFX_ERROR; s++) {
		app->seen |= t->seen[s] > before->seen[s];
		app->left |= t->left[s] > before->left[s];
	}
}

/* Which entries of the baseline could have been used by now. */
static void judge_baseline(struct ifx_app *app, const struct ifx_profile *profile, ifx_str path)
{
	if (!app->config->baseline.ptr)
		return;
	path = ifx_baseline_path(&app->baseline, path);
	for (size_t i = 0; i < profile->rules.selected.n; i++)
		ifx_baseline_judge(&app->baseline, path, profile->rules.selected.items[i]->id);
}

/* Several texts are gone through at a time: of the app only what has a lock is changed. */
static ifx_status go_through(struct ifx_app *app, const struct ifx_source *source,
			     const struct ifx_profile *profile, struct ifx_outcome *outcome)
{
	struct ifx_asker asker = {
		.index = &app->index,
		.file = source->st ? source->path : IFX_NONE,
		.namespace = profile->config->namespace,
	};
	struct ifx_input_index questions = ifx_index_questions(&asker);
	bool may_be_helm = source->st && ifx_str_find(source->bytes, IFX_LIT("{{")) != SIZE_MAX;
	struct ifx_engine engine = engine_for(app, profile, source->path);

	engine.index = &questions;
	engine.chart_template = may_be_helm && ifx_in_chart_templates(source->path);
	engine.chart_values = source->st && ifx_is_chart_values(source->path);
	engine.add_ignores = app->config->add_ignores;
	engine.why_ignored = app->config->why_ignored;
	engine.want_edits = ifx_report_wants_edits(app->reporter.format);
	return ifx_pipeline_run(outcome, &engine, source->bytes);
}

static void hand_on(struct ifx_app *app, const struct ifx_source *source,
		    const struct ifx_profile *profile, struct ifx_outcome *outcome, ifx_status st)
{
	struct ifx_tally before = app->reporter.tally;

	if (st != IFX_OK || !ifx_deliver(app, source, outcome))
		ifx_app_complain(app, source->path, IFX_LIT("out of memory"), "memory");
	judge_baseline(app, profile, source->path);
	weigh(app, &before, profile->config->fail_on);
}

void ifx_work_source(struct ifx_app *app, const struct ifx_source *source)
{
	const struct ifx_profile *profile =
		ifx_work_profile(app, source->st ? source->path : IFX_NONE);
	struct ifx_outcome outcome;
	ifx_status st;

	if (!profile)
		return;
	app->index.text = source->st ? IFX_NONE : source->bytes;
	st = go_through(app, source, profile, &outcome);
	hand_on(app, source, profile, &outcome, st);
	ifx_outcome_release(&outcome);
}

/* ---- standard input ---- */

/* What came along with the text says what to do. False: that cannot be done, and it was said. */
static bool take_function(struct ifx_app *app, const struct ifx_source *source, bool detect)
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
static void run_text(struct ifx_app *app, const struct ifx_source *source)
{
	if (app->filter && ifx_configs_leave_out(&app->configs, source->path))
		ifx_buf_add(&app->out, source->bytes);
	else
		ifx_work_source(app, source);
}

void ifx_work_stdin(struct ifx_app *app, bool detect)
{
	const ifx_str name = app->config->stdin_filename;
	struct ifx_buf bytes, why;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	if (ifx_fd_read(&bytes, STDIN_FILENO, &why) != IFX_OK) {
		ifx_app_complain(app, name, ifx_buf_str(&why), "read");
	} else {
		struct ifx_source source = { name, ifx_buf_str(&bytes), NULL, true };

		app->made = app->filter && ifx_str_eq(name, IFX_LIT(IFX_STDIN_NAME));
		if (!app->filter || take_function(app, &source, detect))
			run_text(app, &source);
	}
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	ifx_app_flush(app);
}

/* ---- files ---- */

/* What a thread makes of a file. */
struct result {
	struct ifx_buf bytes, why; /* used again for the next: as large as the largest */
	struct stat st;
	bool made; /* the buffers are there */
	bool read; /* else `why` says why not */
	bool done; /* `outcome` is there */
	ifx_status status;
	struct ifx_outcome outcome;
};

struct files {
	struct ifx_app *app;
	const struct ifx_profile **profiles; /* of each input; NULL: it is left alone */
};

static bool is_left_out(const struct files *f, size_t i)
{
	const struct ifx_input *input = &f->app->inputs.items[i];

	/* A settings file is no manifest; who names it wants to know whether it is right. */
	return input->only_seen || !f->profiles[i] || ifx_is_settings_file(input->path);
}

static struct ifx_source source_of(const struct files *f, size_t i, struct result *r)
{
	const struct ifx_input *input = &f->app->inputs.items[i];

	return (struct ifx_source){
		.path = input->path,
		.bytes = ifx_buf_str(&r->bytes),
		.st = &r->st,
		/* Who names all that changed has not asked for each. */
		.named = input->named && !f->app->config->force_exclude,
	};
}

static void work(void *data, size_t i, void *slot)
{
	const struct files *f = data;
	struct result *r = slot;
	struct ifx_source source;

	if (!r->made) {
		ifx_buf_init(&r->bytes, IFX_FILE_MAX);
		ifx_buf_init(&r->why, 4096);
		r->made = true;
	}
	r->read = r->done = false;
	if (is_left_out(f, i))
		return;
	ifx_buf_clear(&r->why);
	r->read = ifx_file_read(&r->bytes, f->app->inputs.items[i].path.ptr, &r->st, &r->why) ==
		  IFX_OK;
	if (!r->read)
		return;
	source = source_of(f, i, r);
	r->status = go_through(f->app, &source, f->profiles[i], &r->outcome);
	r->done = true;
}

static void forget(struct result *r)
{
	if (r->done)
		ifx_outcome_release(&r->outcome);
	r->done = false;
}

/* With --atomic: nothing will be written, so that looking on is of no use. The second pass tells
 * the rest. */
static bool is_hopeless(const struct ifx_app *app)
{
	return app->config->atomic && !app->none_written &&
	       (app->failed || app->configs.failed || ifx_writer_is_interrupted(&app->writer));
}

static bool take(void *data, size_t i, void *slot)
{
	const struct files *f = data;
	struct ifx_app *app = f->app;
	struct result *r = slot;
	struct ifx_source source;

	if (is_hopeless(app) || app->configs.stop)
		return false;
	if (is_left_out(f, i))
		return true;
	if (!r->read) {
		ifx_app_complain(app, app->inputs.items[i].path, ifx_buf_str(&r->why), "read");
	} else {
		source = source_of(f, i, r);
		hand_on(app, &source, f->profiles[i], &r->outcome, r->status);
	}
	forget(r);
	ifx_app_flush(app);
	return true;
}

static void release(void *data, void *slot)
{
	struct result *r = slot;

	(void)data;
	forget(r);
	ifx_buf_release(&r->bytes);
	ifx_buf_release(&r->why);
}

/* All settings first: what is wrong with them is told before anything else, and the threads need
 * not ask. False: no memory. */
static bool find_profiles(struct files *f)
{
	struct ifx_app *app = f->app;

	f->profiles = ifx_arena_alloc(&app->names, app->inputs.n * sizeof(*f->profiles));
	for (size_t i = 0; f->profiles && i < app->inputs.n && !app->configs.stop; i++)
		f->profiles[i] = ifx_work_profile(app, app->inputs.items[i].path);
	return f->profiles != NULL;
}

static unsigned threads_for(const struct ifx_app *app)
{
	size_t useful = app->inputs.n / FILES_PER_THREAD + 1;
	unsigned jobs = app->config->jobs ? app->config->jobs : ifx_processors();

	/* Who asks for many gets them; who does not, only what they are good for. */
	return app->config->jobs || jobs < useful ? jobs : (unsigned)useful;
}

void ifx_work_files(struct ifx_app *app)
{
	struct files files = { app, NULL };
	struct ifx_parallel parallel = {
		.n = app->inputs.n,
		.threads = threads_for(app),
		.slot_size = sizeof(struct result),
		.work = work,
		.take = take,
		.release = release,
		.data = &files,
	};

	if (!find_profiles(&files) ||
	    (!app->configs.stop && ifx_parallel_run(&parallel) != IFX_OK)) {
		app->failed = true;
		ifx_say_error(&app->err, "out of memory; give fewer files at once");
	}
	ifx_app_flush(app);
}
