#include "krm/results.h"

#include "edit/plan.h"
#include "krm/site.h"
#include "yaml/load.h"
#include "yaml/scalar.h"

/* ---- maps and strings, as block lines or as JSON ---- */

struct writer {
	struct ifx_buf out;
	bool json;
	size_t depth; /* of the map */
	bool first;   /* nothing is in the map yet */
};

static void begin_item(struct writer *w)
{
	if (w->json)
		ifx_buf_add(&w->out, w->out.len > 1 ? IFX_LIT(", {") : IFX_LIT("{"));
	else
		ifx_buf_add(&w->out, IFX_LIT("- "));
	w->first = true;
}

static void end_item(struct writer *w)
{
	if (w->json)
		ifx_buf_addc(&w->out, '}');
}

static void add_key(struct writer *w, const char *key)
{
	if (w->json)
		ifx_buf_addf(&w->out, "%s\"%s\": ", w->first ? "" : ", ", key);
	else
		ifx_buf_addf(&w->out, "%*s%s:", w->first && !w->depth ? 0 : (int)(2 + 2 * w->depth),
			     "", key);
	w->first = false;
}

static void begin_map(struct writer *w, const char *key)
{
	add_key(w, key);
	ifx_buf_addc(&w->out, w->json ? '{' : '\n');
	w->depth++;
	w->first = true;
}

static void end_map(struct writer *w)
{
	if (w->json)
		ifx_buf_addc(&w->out, '}');
	w->depth--;
	w->first = false;
}

/* Text that is YAML and JSON already: a number. */
static void add_raw(struct writer *w, const char *key, ifx_str value)
{
	add_key(w, key);
	if (!w->json)
		ifx_buf_addc(&w->out, ' ');
	ifx_buf_add(&w->out, value);
	if (!w->json)
		ifx_buf_addc(&w->out, '\n');
}

static void add_text(struct writer *w, const char *key, ifx_str value)
{
	struct ifx_buf quoted;

	ifx_buf_init(&quoted, IFX_BUF_MAX);
	if (w->json)
		ifx_buf_add_json(&quoted, value);
	else
		ifx_scalar_quote(&quoted, value, ifx_style_for(value, IFX_PLAIN, false));
	add_raw(w, key, ifx_buf_str(&quoted));
	w->out.bad |= quoted.bad;
	ifx_buf_release(&quoted);
}

static void add_text_if(struct writer *w, const char *key, ifx_str value)
{
	if (value.len)
		add_text(w, key, value);
}

/* ---- one result ---- */

static bool is_number(ifx_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ifx_is_digit(text.ptr[i]))
			return false;
	return text.len && text.len < 16 && (text.len == 1 || text.ptr[0] != '0');
}

static bool is_bool(ifx_str text)
{
	return ifx_str_eq(text, IFX_LIT("true")) || ifx_str_eq(text, IFX_LIT("false"));
}

/* The value as its reader would see it: a number stays one. */
static void add_value(struct writer *w, const char *key, const struct ifx_node *node)
{
	ifx_str text = ifx_text(node);

	if (!node || !text.ptr)
		return;
	if (node->style == IFX_PLAIN && (is_number(text) || is_bool(text)))
		add_raw(w, key, text);
	else
		add_text(w, key, text);
}

static void add_message(struct writer *w, const struct ifx_finding *f, bool fixed)
{
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	if (fixed && f->applied)
		ifx_buf_add(&text, IFX_LIT("fixed: "));
	ifx_buf_add(&text, f->message);
	if (f->help.ptr)
		ifx_buf_addf(&text, "; %.*s", IFX_ARG(f->help));
	if (f->refused.ptr && !f->applied)
		ifx_buf_addf(&text, "; not fixed: %.*s", IFX_ARG(f->refused));
	add_text(w, "message", ifx_buf_str(&text));
	w->out.bad |= text.bad;
	ifx_buf_release(&text);
}

static void add_api_version(struct writer *w, const struct ifx_resource *r)
{
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	if (r->group.len)
		ifx_buf_addf(&text, "%.*s/", IFX_ARG(r->group));
	ifx_buf_add(&text, r->version);
	add_text(w, "apiVersion", ifx_buf_str(&text));
	w->out.bad |= text.bad;
	ifx_buf_release(&text);
}

/* The specification wants all three, and no field without them. False: it has not all three. */
static bool add_resource(struct writer *w, const struct ifx_resource *r)
{
	if (!r || !r->version.len || !r->kind.len || !r->name.len)
		return false;
	begin_map(w, "resourceRef");
	add_api_version(w, r);
	add_text(w, "kind", r->kind);
	add_text(w, "name", r->name);
	add_text_if(w, "namespace", r->namespace);
	end_map(w);
	return true;
}

static const struct ifx_op_note *new_value(const struct ifx_finding *f)
{
	for (const struct ifx_op_note *op = f->ops; op; op = op->next)
		if (!strcmp(op->verb, "set"))
			return op;
	return NULL;
}

static void add_field(struct writer *w, const struct ifx_finding *f, const struct ifx_site *site,
		      struct ifx_arena *arena)
{
	const struct ifx_op_note *op = f->ops && !f->ops->next ? new_value(f) : NULL;
	ifx_str path = ifx_site_field(site, arena);

	if (!path.ptr)
		w->out.bad = true;
	if (!path.len)
		return;
	begin_map(w, "field");
	add_text(w, "path", path);
	add_value(w, "currentValue", site->entry->value);
	if (op && op->to.ptr)
		add_text(w, "proposedValue", op->to);
	end_map(w);
}

static void add_file(struct writer *w, const struct ifx_origin *origin)
{
	if (!origin->path.len)
		return;
	begin_map(w, "file");
	add_text(w, "path", origin->path);
	if (is_number(origin->index))
		add_raw(w, "index", origin->index);
	end_map(w);
}

static void add_tags(struct writer *w, const struct ifx_finding *f, bool fixed)
{
	begin_map(w, "tags");
	add_text(w, "rule", ifx_str_of(f->rule));
	if (f->ist)
		add_text(w, "istio", ifx_str_of(f->ist));
	add_text(w, "level", ifx_str_of(ifx_level_name(f->level)));
	add_text(w, "fixed", fixed && f->applied ? IFX_LIT("yes") : IFX_LIT("no"));
	if (f->source)
		add_text(w, "url", ifx_str_of(f->source));
	end_map(w);
}

/* What was fixed is no longer an error: it is told, and that is all. */
static ifx_severity severity_of(const struct ifx_finding *f, bool fixed)
{
	return fixed && f->applied ? IFX_INFO : f->severity;
}

static void add_result(struct writer *w, const struct ifx_finding *f, const struct ifx_site *site,
		       bool fixed, struct ifx_arena *arena)
{
	begin_item(w);
	add_message(w, f, fixed);
	add_text(w, "severity", ifx_str_of(ifx_severity_name(severity_of(f, fixed))));
	if (add_resource(w, site->resource))
		add_field(w, f, site, arena);
	add_file(w, &site->origin);
	add_tags(w, f, fixed);
	end_item(w);
}

/* ---- into the list ---- */

static ifx_status write_all(struct writer *w, const struct ifx_list *list, bool fixed,
			    const struct ifx_finding *const *findings, size_t n)
{
	struct ifx_sites sites;
	struct ifx_arena arena;

	ifx_arena_init(&arena, (size_t)4 << 30);
	if (!ifx_sites_open(&sites, list->doc, &arena))
		w->out.bad = true;
	if (w->json)
		ifx_buf_addc(&w->out, '[');
	for (size_t i = 0; i < n && !w->out.bad; i++) {
		const struct ifx_resource *resource;
		struct ifx_site site = { 0 };

		if (findings[i]->at >= list->chunk.at)
			ifx_sites_find(&sites, findings[i]->at - list->chunk.at, &site);
		resource = findings[i]->kind.ptr ? ifx_sites_named(&sites, findings[i])
						 : site.resource;
		if (site.resource != resource) /* what an alias stands for is elsewhere */
			site = (struct ifx_site){ .resource = resource };
		add_result(w, findings[i], &site, fixed, &arena);
	}
	if (w->json)
		ifx_buf_addc(&w->out, ']');
	ifx_arena_release(&arena);
	return ifx_buf_status(&w->out);
}

/* `results: value` at the end of the list, in the place of what is there. */
static ifx_status insert(struct ifx_buf *out, const struct ifx_doc *doc, ifx_str value,
			 struct ifx_buf *why)
{
	const struct ifx_entry *old = ifx_map_entry(doc->root, IFX_LIT("results"));
	const struct ifx_place place = { .base = doc->root };
	const struct ifx_op set = { .verb = IFX_OP_INSERT,
				    .doc = doc,
				    .key = IFX_LIT("results"),
				    .value = value,
				    .yaml = true,
				    .to = &place,
				    .n_to = 1 };
	const struct ifx_op remove = {
		.verb = IFX_OP_REMOVE, .doc = doc, .entry = old, .next = &set
	};
	const struct ifx_op *ops = old ? &remove : &set;
	struct ifx_doc *after = NULL;
	struct ifx_edits edits;
	struct ifx_arena arena;
	ifx_str text;
	ifx_status st;

	ifx_arena_init(&arena, (size_t)4 << 30);
	st = ifx_compile_and_prove(&text, &after, &edits, doc, &ops, 1, &arena, why);
	if (st == IFX_OK) {
		ifx_buf_add(out, text);
		ifx_edits_release(&edits);
		ifx_doc_free(after);
	}
	ifx_arena_release(&arena);
	return st;
}

/* The text may have got other offsets by the fixes: it is read again. */
static ifx_status insert_into(struct ifx_buf *out, ifx_str text, ifx_str value, struct ifx_buf *why)
{
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc = NULL;
	size_t at = 0;
	ifx_span chunk;
	ifx_status st = IFX_EINVAL;

	ifx_buf_init(&problem.text, 4096);
	if (ifx_stream_next(text, &at, &chunk))
		st = ifx_doc_load(&doc, ifx_str_sub(text, chunk.at, chunk.len), &problem);
	if (st == IFX_OK)
		st = insert(out, doc, value, why);
	if (st == IFX_OK)
		ifx_buf_add(out, ifx_str_sub(text, at, text.len - at));
	if (st == IFX_EREFUSED)
		ifx_buf_add(out, text);
	ifx_doc_free(doc);
	ifx_buf_release(&problem.text);
	return st;
}

ifx_status ifx_results_add(struct ifx_buf *out, struct ifx_list *list, ifx_str after, bool fixed,
			   const struct ifx_finding *const *findings, size_t n, struct ifx_buf *why)
{
	struct writer w = { .json = list->doc->root->style == IFX_FLOW };
	ifx_status st;

	if (!n) {
		ifx_buf_add(out, after);
		return ifx_buf_status(out);
	}
	ifx_buf_init(&w.out, IFX_BUF_MAX);
	st = write_all(&w, list, fixed, findings, n);
	ifx_list_close(list); /* its tree is large */
	if (st == IFX_OK)
		st = insert_into(out, after, ifx_buf_str(&w.out), why);
	if (st == IFX_OK)
		st = ifx_buf_status(out);
	ifx_buf_release(&w.out);
	return st;
}
