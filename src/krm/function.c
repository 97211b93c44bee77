#include "krm/function.h"

#include "io/files.h"
#include "krm/results.h"
#include "krm/site.h"
#include "options.h"
#include "say.h"
#include "settings.h"
#include "yaml/load.h"

#include <stdlib.h>

#define API_VERSION "istio-fix.dev/v1"
#define KIND        "IstioFix"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool ifx_is_exec_plugin(int argc, char *const *argv)
{
	static const char prefix[] = "kust-plugin-config-";

	if (argc < 1)
		return false;
	if (!strcmp(base_name(argv[0]), KIND))
		return true;
	return argc > 1 && getenv("KUSTOMIZE_PLUGIN_CONFIG_ROOT") &&
	       !strncmp(base_name(argv[1]), prefix, sizeof(prefix) - 1);
}

/* ---- the configuration ---- */

/* A document with a configuration in it. */
struct source {
	ifx_str file; /* its name in messages */
	const struct ifx_node *config;
	struct ifx_buf *err;
};

/* Always false. */
static bool wrong(const struct source *s, const struct ifx_node *node, const char *fmt, ...)
	IFX_PRINTF(3, 4);

static bool wrong(const struct source *s, const struct ifx_node *node, const char *fmt, ...)
{
	struct ifx_buf text, where;
	size_t line, column;
	va_list ap;

	ifx_buf_init(&text, 1 << 16);
	ifx_buf_init(&where, 1 << 16);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	ifx_str_position(node->doc->src, node->span.at, &line, &column);
	ifx_buf_addf(&where, "%.*s:%zu:%zu", IFX_ARG(s->file), line, column);
	ifx_say_file_error(s->err, ifx_buf_str(&where), ifx_buf_str(&text), "config");
	ifx_buf_release(&text);
	ifx_buf_release(&where);
	return false;
}

/* A setting beside `spec` would silently do nothing. */
static bool check_keys(const struct source *s)
{
	static const char *const known[] = { "apiVersion",   "kind",         "metadata", "spec",
					     "argsOneLiner", "argsFromFile", NULL };
	bool ok = true;

	for (const struct ifx_entry *e = s->config->first; e; e = e->next) {
		const char *const *k = known;

		while (*k && !ifx_str_eq(ifx_text(e->key), ifx_str_of(*k)))
			k++;
		if (!*k)
			ok = wrong(s, e->key,
				   "'%.*s' is no field of " KIND "; settings go into spec",
				   IFX_ARG(ifx_text(e->key)));
	}
	return ok;
}

static bool read_config(struct ifx_config *c, const struct source *s)
{
	const struct ifx_node *config = s->config;
	ifx_str api = ifx_get_text(config, IFX_LIT("apiVersion"));
	ifx_str kind = ifx_get_text(config, IFX_LIT("kind"));

	if (!ifx_is(config, IFX_MAP))
		return wrong(s, config, "functionConfig is an object, " KIND " or ConfigMap");
	if (!config->n)
		return true;
	if (ifx_str_eq(api, IFX_LIT("v1")) && ifx_str_eq(kind, IFX_LIT("ConfigMap")))
		return ifx_settings_read(c, ifx_get(config, IFX_LIT("data")), IFX_SETTINGS_DATA,
					 s->file, s->err);
	if (!ifx_str_eq(api, IFX_LIT(API_VERSION)) || !ifx_str_eq(kind, IFX_LIT(KIND)))
		return wrong(s, config,
			     "functionConfig is '%.*s' of '%.*s'; write 'kind: " KIND
			     "' of 'apiVersion: " API_VERSION "', or a ConfigMap of 'v1'",
			     IFX_ARG(kind), IFX_ARG(api));
	return check_keys(s) && ifx_settings_read(c, ifx_get(config, IFX_LIT("spec")),
						  IFX_SETTINGS_FUNCTION, s->file, s->err);
}

/*
 * What people call the configuration, before its place: the host made the text, and they never see
 * it.
 */
static ifx_str place_of(struct ifx_config *c, const struct source *s)
{
	ifx_str kind = ifx_get_text(s->config, IFX_LIT("kind"));
	ifx_str name = ifx_get_text(ifx_get(s->config, IFX_LIT("metadata")), IFX_LIT("name"));

	if (!kind.len || !name.len)
		return s->file;
	return ifx_arena_printf(&c->arena, "%.*s %.*s: %.*s", IFX_ARG(kind), IFX_ARG(name),
				IFX_ARG(s->file));
}

/* The command line wins over what came along. */
static bool layer(struct ifx_function *f, const struct ifx_config *line, const struct source *s)
{
	struct source named = *s;

	f->config = ifx_config_new();
	if (f->config)
		named.file = place_of(f->config, s);
	if (!f->config || !named.file.ptr) {
		ifx_say_error(s->err, "out of memory");
		return false;
	}
	return read_config(f->config, &named) && ifx_config_repeat(f->config, line, s->err);
}

/* The file of an exec plugin. kustomize wrote it, and removes it again. */
static bool read_plugin_config(struct ifx_function *f, const struct ifx_config *line,
			       struct ifx_buf *err)
{
	struct ifx_problem problem = { 0 };
	struct source s = { .file = line->plugin_config, .err = err };
	struct ifx_doc *doc = NULL;
	struct ifx_buf bytes, why;
	struct stat st;
	bool ok = false;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	ifx_buf_init(&problem.text, 4096);
	if (ifx_file_read(&bytes, line->plugin_config.ptr, &st, &why) != IFX_OK)
		ifx_say_file_error(err, s.file, ifx_buf_str(&why), "config");
	else if (ifx_precheck(ifx_buf_str(&bytes), &problem) != IFX_OK ||
		 ifx_doc_load(&doc, ifx_buf_str(&bytes), &problem) != IFX_OK)
		ifx_say_file_error(err, s.file, ifx_buf_str(&problem.text), "config");
	else if (!doc->root)
		ok = true;
	else {
		s.config = doc->root;
		ok = layer(f, line, &s);
	}
	ifx_doc_free(doc);
	ifx_buf_release(&problem.text);
	ifx_buf_release(&why);
	ifx_buf_release(&bytes);
	return ok;
}

/* ---- the function ---- */

bool ifx_function_open(struct ifx_function *f, const struct ifx_config *line, ifx_str text,
		       ifx_str name, bool detect, struct ifx_buf *err)
{
	struct source s = { .file = name, .err = err };
	ifx_status st;

	*f = (struct ifx_function){ .hosted = line->host != IFX_HOST_ANY };
	if (line->host == IFX_HOST_PLUGIN)
		return read_plugin_config(f, line, err);
	if (!detect && !f->hosted)
		return true;
	st = ifx_list_open(&f->list, text);
	if (st == IFX_ENOMEM) {
		ifx_say_file_error(err, name, IFX_LIT("out of memory"), "memory");
		return false;
	}
	f->is_list = st == IFX_OK;
	f->hosted |= f->is_list;
	s.config = f->list.config;
	return !s.config || layer(f, line, &s);
}

void ifx_function_close(struct ifx_function *f)
{
	ifx_list_close(&f->list);
	ifx_config_free(f->config);
	*f = (struct ifx_function){ 0 };
}

bool ifx_function_checks(const struct ifx_function *f, const struct ifx_config *c)
{
	return f->hosted && c->mode == IFX_MODE_CHECK;
}

static bool is_told(const struct ifx_function *f, const struct ifx_config *c,
		    const struct ifx_finding *finding)
{
	if (c->verbose)
		return true;
	if (finding->applied)
		return ifx_function_checks(f, c);
	return !f->hosted || finding->severity >= c->fail_on;
}

size_t ifx_function_quiet(const struct ifx_function *f, const struct ifx_config *c,
			  const struct ifx_finding **list, size_t first, size_t n)
{
	size_t kept = first;

	for (size_t i = first; i < n; i++)
		if (list[i]->applied || is_told(f, c, list[i]))
			list[kept++] = list[i];
	return kept;
}

bool ifx_function_place(const struct ifx_function *f, const struct ifx_config *c, ifx_str text,
			struct ifx_finding *const *findings, size_t n, struct ifx_arena *arena)
{
	struct ifx_finding **told = ifx_arena_alloc(arena, (n + 1) * sizeof(struct ifx_finding *));
	size_t n_told = 0;

	for (size_t i = 0; told && i < n; i++)
		if (is_told(f, c, findings[i]))
			told[n_told++] = findings[i];
	return told && ifx_sites_tell(text, told, n_told, f->hosted, arena) == IFX_OK;
}

bool ifx_function_answer(struct ifx_function *f, struct ifx_buf *out, ifx_str after, bool fixed,
			 const struct ifx_finding *const *findings, size_t n, struct ifx_buf *err)
{
	struct ifx_buf why;
	ifx_status st;

	if (!f->is_list) {
		ifx_buf_add(out, after);
		return true;
	}
	ifx_buf_init(&why, 4096);
	st = ifx_results_add(out, &f->list, after, fixed, findings, n, &why);
	if (st == IFX_EREFUSED)
		ifx_buf_addf(err, "istio-fix: note: no results in the list: %.*s\n",
			     IFX_ARG(ifx_buf_str(&why)));
	else if (st == IFX_ENOMEM)
		ifx_say_error(err, "out of memory");
	else if (st != IFX_OK)
		ifx_say_error(err, "the proof of the results failed (%.*s); please report this",
			      IFX_ARG(ifx_buf_str(&why)));
	ifx_buf_release(&why);
	return st == IFX_OK || st == IFX_EREFUSED;
}
