#include "rule/suppress.h"

#include "base/alloc.h"

/** Names that a misspelt rule is compared with. */
#define NAMES_MAX 128

struct reading {
	struct ifx_suppressions *s;
	const struct ifx_doc *doc;
	struct ifx_rule_list rules;
	struct ifx_arena *arena;
	const struct ifx_entry **entries; /* all of the document, by start */
	size_t n_entries;
	bool first;
	bool failed; /* no memory */
};

static void add_fault(struct reading *r, size_t at, size_t len, const char *fmt, ...)
	IFX_PRINTF(4, 5);

static void add_fault(struct reading *r, size_t at, size_t len, const char *fmt, ...)
{
	struct ifx_suppressions *s = r->s;
	struct ifx_suppress_fault *list =
		ifx_grow(s->faults, &s->cap_faults, s->n_faults + 1, sizeof(*list));
	struct ifx_buf text;
	va_list ap;

	if (!list) {
		r->failed = true;
		return;
	}
	s->faults = list;
	ifx_buf_init(&text, 4096);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	list[s->n_faults] =
		(struct ifx_suppress_fault){ at, len,
					     ifx_arena_copy(r->arena, ifx_buf_str(&text)) };
	r->failed |= text.bad || !list[s->n_faults++].text.ptr;
	ifx_buf_release(&text);
}

static void add(struct reading *r, const struct ifx_suppression *item)
{
	struct ifx_suppressions *s = r->s;
	struct ifx_suppression *list;

	if (s->n == IFX_SUPPRESSIONS_MAX) {
		if (!s->n_faults || s->faults[s->n_faults - 1].at != item->at)
			add_fault(r, item->at, item->len,
				  "more than %zu rules are ignored in one document; "
				  "turn the rule off for the file instead",
				  IFX_SUPPRESSIONS_MAX);
		return;
	}
	list = ifx_grow(s->items, &s->cap, s->n + 1, sizeof(*list));
	if (!list) {
		r->failed = true;
		return;
	}
	s->items = list;
	list[s->n++] = *item;
}

/* ---- names of rules ---- */

static ifx_str nearest(const struct reading *r, ifx_str slip)
{
	ifx_str names[NAMES_MAX];
	size_t n = 0;

	for (; n < r->rules.n && n < NAMES_MAX; n++)
		names[n] = ifx_str_of(r->rules.items[n]->id);
	return ifx_str_nearest(slip, names, n);
}

/* One name of a list, as often as there are rules of that code. */
static void add_name(struct reading *r, struct ifx_suppression item, ifx_str name)
{
	bool any = false;
	ifx_str near;

	item.name = r->s->n;
	for (size_t i = 0; i < r->rules.n; i++) {
		const struct ifx_transform *t = r->rules.items[i];
		bool by_id = !item.guest && ifx_str_eq(name, ifx_str_of(t->id));

		if (!by_id && !(t->ist && ifx_str_eq(name, ifx_str_of(t->ist))))
			continue;
		any = true;
		item.rule = t;
		add(r, &item);
	}
	if (any || item.guest)
		return;
	near = nearest(r, name);
	if (near.ptr)
		add_fault(r, item.at, item.len, "no rule is called '%.*s'; did you mean '%.*s'?",
			  IFX_ARG(name), IFX_ARG(near));
	else
		add_fault(r, item.at, item.len, "no rule is called '%.*s'; see 'istio-fix rules'",
			  IFX_ARG(name));
}

bool ifx_lists_rule(ifx_str list, const struct ifx_transform *rule)
{
	ifx_str name;

	while (ifx_str_split(&list, ',', &name)) {
		name = ifx_str_trim(name);
		if (ifx_str_eq(name, ifx_str_of(rule->id)) ||
		    (rule->ist && ifx_str_eq(name, ifx_str_of(rule->ist))))
			return true;
	}
	return false;
}

/* "a, b"; the answer is how many. */
static size_t add_names(struct reading *r, const struct ifx_suppression *item, ifx_str list)
{
	ifx_str name;
	size_t n = 0;

	while (ifx_str_split(&list, ',', &name)) {
		name = ifx_str_trim(name);
		if (!name.len)
			continue;
		n++;
		add_name(r, *item, name);
	}
	return n;
}

/* ---- places ---- */

static size_t count_entries(const struct ifx_node *node)
{
	size_t n = 0;

	if (node->kind == IFX_MAP || node->kind == IFX_SEQ)
		for (const struct ifx_entry *e = node->first; e; e = e->next)
			n += 1 + count_entries(e->value);
	return n;
}

static void list_entries(const struct ifx_entry **list, size_t *n, const struct ifx_node *node)
{
	if (node->kind != IFX_MAP && node->kind != IFX_SEQ)
		return;
	for (const struct ifx_entry *e = node->first; e; e = e->next) {
		list[(*n)++] = e;
		list_entries(list, n, e->value);
	}
}

const struct ifx_entry **ifx_entries_of(const struct ifx_doc *doc, struct ifx_arena *arena,
					size_t *n)
{
	size_t all = doc->root ? count_entries(doc->root) : 0;
	const struct ifx_entry **list = ifx_arena_alloc(arena, (all + 1) * sizeof(*list));

	*n = 0;
	if (list && doc->root)
		list_entries(list, n, doc->root);
	return list;
}

/* How many entries begin before `at`. */
static size_t entries_before(const struct reading *r, size_t at)
{
	size_t lo = 0, hi = r->n_entries;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->entries[mid]->start < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static ifx_span span_of(size_t from, size_t to)
{
	return (ifx_span){ from, to - from };
}

/* Behind something: the line, the key that begins on it, the value of more lines that ends on it.
 */
static ifx_span scope_behind(const struct reading *r, const struct ifx_comment *c)
{
	ifx_str src = r->doc->src;
	size_t from = ifx_line_start(src, c->span.at), to = ifx_line_end(src, c->span.at);
	size_t n = entries_before(r, c->span.at);
	const struct ifx_entry *e = n ? r->entries[n - 1] : NULL;

	if (!e)
		return span_of(from, to);
	if (e->start >= from && e->end > to)
		return span_of(from, e->end);
	while (e->in->style == IFX_FLOW && e->in->entry)
		e = e->in->entry;
	if (e->start < from && e->end >= from && e->end <= c->span.at)
		from = e->start;
	return span_of(from, to);
}

/* Above a key or an item; false: above none. */
static bool scope_below(const struct reading *r, size_t comment, ifx_span *scope)
{
	size_t n = entries_before(r, r->doc->comments[comment].span.at), first;
	const struct ifx_entry *e = n < r->n_entries ? r->entries[n] : NULL;
	size_t heads = e ? ifx_entry_head(e, &first) : 0;

	if (!heads || comment < first || comment >= first + heads)
		return false;
	*scope = span_of(r->doc->comments[comment].span.at, e->end);
	return true;
}

/* Where the content begins. */
static size_t content_start(const struct reading *r)
{
	if (r->n_entries)
		return r->entries[0]->start;
	return r->doc->root ? r->doc->root->span.at : r->doc->src.len;
}

/* Each item of a ResourceList was a document; what stood above its first key stands there now. */
static const struct ifx_entry *item_below(const struct reading *r, size_t at)
{
	const struct ifx_node *root = r->doc->root;
	size_t n = entries_before(r, at);
	const struct ifx_entry *e = n ? r->entries[n - 1] : NULL;

	if (!e || e->in->kind != IFX_SEQ || !e->in->entry || e->in->entry->in != root ||
	    !ifx_str_eq(ifx_text(e->in->entry->key), IFX_LIT("items")) ||
	    !ifx_str_eq(ifx_get_text(root, IFX_LIT("kind")), IFX_LIT("ResourceList")))
		return NULL;
	return at < e->value->span.at ? e : NULL;
}

/* Does `ignore-file` stand before the first key? Of what? */
static bool scope_of_file(const struct reading *r, struct ifx_suppression *item)
{
	const struct ifx_entry *e;

	if (item->at < content_start(r)) {
		item->whole_file = r->first;
		item->scope = span_of(0, r->doc->src.len + 1);
		return true;
	}
	e = item_below(r, item->at);
	if (e)
		item->scope = span_of(e->start, e->end);
	return e != NULL;
}

/* ---- comments ---- */

static ifx_str skip(ifx_str text, const char *letters)
{
	while (text.len && strchr(letters, text.ptr[0]) && text.ptr[0])
		text = ifx_str_sub(text, 1, text.len - 1);
	return text;
}

/* What stands behind `istio-fix:`; ptr NULL: it is prose. colon: as it should. */
static ifx_str directive(ifx_str comment, bool *colon)
{
	const ifx_str word = IFX_LIT(IFX_SUPPRESS_WORD);
	ifx_str text = skip(comment, "# \t"), rest;

	if (!ifx_str_starts(text, word))
		return IFX_NONE;
	rest = skip(ifx_str_sub(text, word.len, text.len - word.len), " \t");
	*colon = rest.len && rest.ptr[0] == ':';
	if (*colon)
		return skip(rest, ": \t");
	return ifx_str_starts(rest, IFX_LIT("ignore")) ? rest : IFX_NONE;
}

bool ifx_is_directive(ifx_str comment)
{
	bool colon;

	return directive(comment, &colon).ptr != NULL;
}

size_t ifx_ignore_bracket(ifx_str comment)
{
	const ifx_str word = IFX_LIT("ignore[");
	bool colon;
	ifx_str rest = directive(comment, &colon);
	size_t end =
		rest.ptr && colon && ifx_str_starts(rest, word) ? ifx_str_chr(rest, ']') : SIZE_MAX;

	return end == SIZE_MAX ? 0 : (size_t)(rest.ptr - comment.ptr) + end;
}

/* Its rules, between brackets; ptr NULL: they are not there, and that was said. */
static ifx_str bracket(struct reading *r, const struct ifx_comment *c, ifx_str rest)
{
	size_t end = rest.len && rest.ptr[0] == '[' ? ifx_str_chr(rest, ']') : SIZE_MAX;
	ifx_str list, trimmed;

	if (end == SIZE_MAX) {
		add_fault(r, c->span.at, c->span.len,
			  "name the rules to ignore: # istio-fix: ignore[rule,rule] reason");
		return IFX_NONE;
	}
	list = ifx_str_sub(rest, 1, end - 1);
	trimmed = ifx_str_trim(list);
	if (!trimmed.len || ifx_str_eq(trimmed, IFX_LIT("*")) ||
	    ifx_str_eq(trimmed, IFX_LIT("ALL"))) {
		add_fault(r, c->span.at, c->span.len,
			  "name the rules to ignore: all of them would hide what comes later");
		return IFX_NONE;
	}
	return list;
}

static void read_comment(struct reading *r, size_t i)
{
	const struct ifx_comment *c = &r->doc->comments[i];
	const ifx_str file = IFX_LIT("ignore-file"), line = IFX_LIT("ignore");
	struct ifx_suppression item = { .at = c->span.at, .len = c->span.len };
	bool colon, whole;
	ifx_str rest = directive(ifx_comment_text(r->doc, i), &colon), list;

	if (!rest.ptr)
		return;
	item.by = IFX_BY_COMMENT;
	whole = ifx_str_starts(rest, file);
	if (!colon || (!whole && !ifx_str_starts(rest, line))) {
		add_fault(r, item.at, item.len,
			  "not understood; write # istio-fix: "
			  "ignore[rule,rule] reason, or ignore-file[...]");
		return;
	}
	rest = ifx_str_sub(rest, whole ? file.len : line.len,
			   rest.len - (whole ? file.len : line.len));
	list = bracket(r, c, rest);
	if (!list.ptr)
		return;
	if (whole) {
		if (!scope_of_file(r, &item)) {
			add_fault(r, item.at, item.len, "ignore-file stands before the first key");
			return;
		}
	} else if (!c->own_line) {
		item.scope = scope_behind(r, c);
	} else if (!scope_below(r, i, &item.scope)) {
		add_fault(r, item.at, item.len,
			  "it is above no key: put it directly above one, or behind a line");
		return;
	}
	if (!add_names(r, &item, list))
		add_fault(r, item.at, item.len, "the brackets name no rule");
}

static void read_comments(struct reading *r)
{
	const struct ifx_doc *doc = r->doc;

	r->entries = ifx_entries_of(doc, r->arena, &r->n_entries);
	r->failed |= !r->entries;
	for (size_t i = 0; i < doc->n_comments && !r->failed; i++)
		read_comment(r, i);
}

/* ---- annotations ---- */

static void read_annotation(struct reading *r, const struct ifx_resource *res, const char *key,
			    bool guest)
{
	const struct ifx_node *map = ifx_get(res->metadata, IFX_LIT("annotations"));
	const struct ifx_entry *e =
		ifx_is(map, IFX_MAP) ? ifx_map_entry(map, ifx_str_of(key)) : NULL;
	ifx_str text = e ? ifx_text(ifx_deref(e->value)) : IFX_NONE;
	struct ifx_suppression item = { .by = IFX_BY_ANNOTATION, .guest = guest };

	if (!e)
		return;
	item.at = e->key->span.at;
	item.len = e->key->span.len;
	item.scope = span_of(res->node->span.at, res->node->span.at + res->node->span.len);
	if (text.ptr && ifx_str_eq(ifx_str_trim(text), IFX_LIT("*"))) {
		item.with_code = guest;
		item.name = r->s->n;
		add(r, &item);
	} else if ((!text.ptr || !add_names(r, &item, text)) && !guest) {
		add_fault(r, item.at, item.len,
			  "'%s' names no rule; its value is \"rule,rule\" or \"*\"", key);
	}
}

ifx_status ifx_suppressions_read(struct ifx_suppressions *s, const struct ifx_doc *doc,
				 const struct ifx_resource *resources, struct ifx_rule_list rules,
				 bool first, struct ifx_arena *arena)
{
	struct reading r = { s, doc, rules, arena, .first = first };

	*s = (struct ifx_suppressions){ 0 };
	if (ifx_str_find(doc->src, IFX_LIT(IFX_SUPPRESS_WORD)) != SIZE_MAX)
		read_comments(&r);
	for (; resources && !r.failed; resources = resources->next) {
		read_annotation(&r, resources, IFX_SUPPRESS_KEY, false);
		read_annotation(&r, resources, "galley.istio.io/analyze-suppress", true);
	}
	return r.failed ? IFX_ENOMEM : IFX_OK;
}

void ifx_suppressions_release(struct ifx_suppressions *s)
{
	ifx_free(s->items);
	ifx_free(s->faults);
	*s = (struct ifx_suppressions){ 0 };
}

ifx_suppressed_by ifx_suppressed(struct ifx_suppressions *s, const struct ifx_transform *rule,
				 size_t at)
{
	/* "Everything" is what is wrong with the object, not with what is said about it. */
	bool is_judge = !strcmp(rule->id, IFX_SUPPRESSION_RULE);
	ifx_suppressed_by by = IFX_BY_NOBODY;

	for (size_t i = 0; i < s->n; i++) {
		struct ifx_suppression *item = &s->items[i];

		if (item->rule ? item->rule != rule : is_judge || (item->with_code && !rule->ist))
			continue;
		if (at < item->scope.at || at - item->scope.at >= item->scope.len)
			continue;
		item->used = true;
		by = item->by;
	}
	return by;
}
