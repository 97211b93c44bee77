/* `istio-fix ambient apply` and `istio-fix ambient rollback`. */
#include "ambient/apply.h"
#include "ambient/command.h"
#include "ambient/gate.h"
#include "ambient/proof.h"
#include "ambient/rollback.h"
#include "io/unfinished.h"
#include "say.h"

#include <limits.h>
#include <string.h>

/* ---- usage ---- */

static int wrong(const struct ifx_sink *sink, const char *verb, const char *what)
{
	struct ifx_buf text;

	ifx_buf_init(&text, 1 << 16);
	ifx_say_error(&text, "%s; see 'istio-fix ambient %s --help'", what, verb);
	if (!text.bad)
		sink->err(sink->data, text.data, text.len);
	ifx_buf_release(&text);
	return IFX_EXIT_FAILED;
}

static const char *check_options(const struct ifx_ambient_options *o)
{
	int ways = (o->namespaces.n > 0) + o->all + (o->wave > 0);

	if (!o->step_given)
		return "say which phase: --phase prepare, routes, bind, enroll or cleanup";
	if (!ways)
		return "say for which namespaces: --namespace, --wave or --all";
	if (ways > 1)
		return "--namespace, --wave and --all exclude each other";
	return NULL;
}

/* ---- which namespaces ---- */

static bool is_wanted(void *data, const struct ifx_namespace *ns)
{
	const struct ifx_ambient_run *run = data;
	const struct ifx_ambient_options *o = run->config->ambient;

	if (o->wave)
		return ifx_migration_wave(ifx_migration_env(&run->plan, ns->environment), ns) ==
		       o->wave;
	for (size_t i = 0; i < o->namespaces.n; i++)
		if (ifx_str_eq(o->namespaces.items[i].text, ns->name))
			return true;
	return o->all;
}

/* What the plan says stands in the way. */
static void hold_found(void *data, struct ifx_passage *p)
{
	const struct ifx_ambient_run *run = data;

	ifx_gate(p, &run->plan, run->config->ambient->step);
}

/* ---- apply ---- */

static void complain(void *data, ifx_str path, ifx_str message)
{
	struct ifx_ambient_run *run = data;

	run->failed = true;
	ifx_say_file_error(&run->err, path, message, "write");
}

static void say_proof(struct ifx_ambient_run *run, const struct ifx_proof *proof)
{
	if (run->config->quiet || !proof->n_workloads)
		return;
	ifx_buf_addf(&run->err,
		     "evidence: P1, P2 and P3 hold for %zu workload%s, %zu requests, %zu calls",
		     proof->n_workloads, proof->n_workloads == 1 ? "" : "s", proof->n_requests,
		     proof->n_calls);
	if (proof->n_sampled)
		ifx_buf_addf(&run->err, "; a sample for %zu of them", proof->n_sampled);
	if (proof->n_shuts)
		ifx_buf_addf(&run->err,
			     "; callers that keep a sidecar or have no identity are refused in %zu "
			     "case%s",
			     proof->n_shuts, proof->n_shuts == 1 ? "" : "s");
	ifx_buf_addc(&run->err, '\n');
}

static void say_summary(struct ifx_ambient_run *run, const struct ifx_apply *a, bool wrote)
{
	size_t changed = ifx_apply_changed(a), held = ifx_apply_held(a);

	if (run->config->quiet)
		return;
	ifx_buf_addf(&run->err, "%s: %zu namespace%s %s, %zu file%s", ifx_step_name(a->step),
		     changed, changed == 1 ? "" : "s", wrote ? "done" : "would change",
		     a->changes.n_rewrites, a->changes.n_rewrites == 1 ? "" : "s");
	if (held)
		ifx_buf_addf(&run->err, "; %zu held", held);
	ifx_buf_addc(&run->err, '\n');
}

/* The directory of the first path, where the ledger of files without kustomization is. */
static bool find_top(struct ifx_buf *out, char *const *paths, size_t n)
{
	struct stat st;

	ifx_buf_init(out, PATH_MAX);
	if (ifx_path_resolve(out, n ? paths[0] : ".") != IFX_OK)
		return false;
	if (stat(out->data, &st) || S_ISDIR(st.st_mode))
		return true;
	while (out->len > 1 && out->data[out->len - 1] != '/')
		out->len--;
	out->len -= out->len > 1;
	out->data[out->len] = '\0';
	return true;
}

static int write_all(struct ifx_ambient_run *run, struct ifx_apply *a, char *const *paths, size_t n)
{
	ifx_str home = ifx_home_of(&run->inputs, &run->names);
	struct ifx_buf top;
	int code = IFX_EXIT_FAILED;

	if (!home.ptr || !find_top(&top, paths, n))
		ifx_say_error(&run->err, "cannot find the directory of the input");
	else if (ifx_apply_commit(a, home, ifx_buf_str(&top), complain, run) == IFX_OK)
		code = IFX_EXIT_OK;
	ifx_buf_release(&top);
	return code;
}

static int tell(struct ifx_ambient_run *run, struct ifx_apply *a, const struct ifx_proof *proof,
		char *const *paths, size_t n)
{
	const struct ifx_config *c = run->config;
	size_t held = ifx_apply_held(a);
	bool stop = held && c->ambient->strict, write = c->mode == IFX_MODE_IN_PLACE;
	int code = held ? IFX_EXIT_HELD : IFX_EXIT_OK;

	ifx_apply_show_holds(&run->err, a);
	if (!c->quiet)
		ifx_apply_show_notes(&run->err, a);
	if (stop) {
		ifx_say_error(&run->err, "nothing is done: --strict, and a namespace is held");
		return IFX_EXIT_HELD;
	}
	if (c->mode == IFX_MODE_DIFF)
		ifx_apply_diff(&run->out, a);
	else if (c->mode == IFX_MODE_CHECK)
		ifx_apply_list(&run->out, a);
	else
		ifx_apply_show(&run->out, a);
	if ((c->mode == IFX_MODE_DIFF || c->mode == IFX_MODE_CHECK) && a->changes.n_rewrites)
		code = IFX_EXIT_FOUND;
	if (write && write_all(run, a, paths, n) != IFX_EXIT_OK)
		return IFX_EXIT_FAILED;
	say_proof(run, proof);
	say_summary(run, a, write);
	return code;
}

int ifx_ambient_apply(const struct ifx_config *config, char *const *paths, size_t n,
		      const struct ifx_sink *sink)
{
	const struct ifx_ambient_options *o = config->ambient;
	const struct ifx_passage_options options = { .waypoint = o->waypoint,
						     .waypoint_namespace = o->waypoint_namespace,
						     .bind_namespace = o->bind_namespaces,
						     .guard_in_cleanup = o->guard_in_cleanup,
						     .restart = o->restart,
						     .size_hints = o->size_hints,
						     .prune = o->prune };
	const char *usage = check_options(o);
	struct ifx_ambient_run run;
	struct ifx_proof proof;
	struct ifx_apply a;
	ifx_status st;
	int code = IFX_EXIT_FAILED;

	if (usage)
		return wrong(sink, "apply", usage);
	if (ifx_ambient_begin(&run, config, paths, n, NULL, NULL, sink) && !run.failed) {
		st = ifx_apply_make(&a, &run.estate, o->step, &options, is_wanted, hold_found,
				    &run);
		if (st == IFX_OK)
			st = ifx_apply_prove(&proof, &a, &run.inputs, &run.estate_options, complain,
					     &run);
		if (st == IFX_OK)
			code = tell(&run, &a, &proof, paths, n);
		else if (st == IFX_ENOMEM)
			ifx_say_error(&run.err, "out of memory; give fewer files at once");
		ifx_apply_release(&a);
	}
	return ifx_ambient_end(&run, code);
}

/* ---- rollback ---- */

static int tell_rollback(struct ifx_ambient_run *run, struct ifx_rollback *r)
{
	const struct ifx_config *c = run->config;
	int code = r->n_refused ? IFX_EXIT_HELD : IFX_EXIT_OK;

	ifx_buf_add(&run->err, ifx_buf_str(&r->refused));
	if (c->mode == IFX_MODE_DIFF)
		ifx_rollback_diff(&run->out, r);
	else if (c->mode == IFX_MODE_CHECK)
		ifx_rollback_list(&run->out, r);
	else
		ifx_buf_add(&run->out, ifx_buf_str(&r->text));
	if ((c->mode == IFX_MODE_DIFF || c->mode == IFX_MODE_CHECK) && r->n_done)
		code = IFX_EXIT_FOUND;
	if (!r->n_done && !r->n_refused && !c->quiet)
		ifx_buf_addf(&run->err,
			     "there is no record of %s for these namespaces: nothing to take "
			     "back; version control may have the state before\n",
			     ifx_step_name(c->ambient->step));
	if (!r->n_done && !r->n_refused)
		code = IFX_EXIT_HELD;
	if (c->mode == IFX_MODE_IN_PLACE && r->n_done) {
		ifx_str home = ifx_home_of(&run->inputs, &run->names);

		if (!home.ptr || ifx_rollback_commit(r, home, complain, run) != IFX_OK)
			return IFX_EXIT_FAILED;
	}
	return code;
}

int ifx_ambient_rollback(const struct ifx_config *config, char *const *paths, size_t n,
			 const struct ifx_sink *sink)
{
	static char here[] = ".";
	char *const nothing[] = { here };
	const struct ifx_ambient_options *o = config->ambient;
	const char *usage = check_options(o);
	struct ifx_ambient_run run;
	struct ifx_rollback r;
	ifx_status st;
	int code = IFX_EXIT_FAILED;

	if (usage)
		return wrong(sink, "rollback", usage);
	if (ifx_ambient_begin_files(&run, config, paths, n, sink) && !run.failed) {
		const ifx_str *names = ifx_ambient_texts(&run, &o->namespaces);

		st = !names ? IFX_ENOMEM
			    : ifx_rollback_make(&r, &run.inputs, n ? paths : nothing, n ? n : 1,
						o->step, names, o->namespaces.n, complain, &run);
		if (st == IFX_OK || st == IFX_EIO)
			code = tell_rollback(&run, &r);
		else
			ifx_say_error(&run.err, "out of memory; give fewer files at once");
		if (names)
			ifx_rollback_release(&r);
	}
	return ifx_ambient_end(&run, code);
}
