/*
 * duplicate-key: a key that is twice in labels or annotations, or `labels` and `annotations`
 * themselves twice in metadata. Which of them counts is up to the reader: go-yaml, and with it
 * kubectl and Istio, takes the last one, others refuse the file.
 *
 *     labels:
 *       app: shop       <- the finding: lost today
 *       app: shop-v2    <- wins
 *
 * Nobody but the author knows which one is right, so nothing is edited; other rules do not edit
 * such a map either.
 */
#include "rule/transform.h"

#include "rule/glance.h"
#include "rule/strings.h"
#include "template/tree.h"

#include <stdlib.h>

/* "3 lines below" */
static void say_where(struct ifx_buf *out, const struct ifx_entry *from, const struct ifx_entry *to)
{
	ifx_str src = from->in->doc->src;
	size_t lines = 0;

	for (size_t at = from->start; (at = ifx_line_next(src, at)) <= to->start && at < src.len;)
		lines++;
	if (!lines)
		ifx_buf_add(out, IFX_LIT("on the same line"));
	else
		ifx_buf_addf(out, "%zu line%s below", lines, lines == 1 ? "" : "s");
}

static bool same_value(const struct ifx_entry *a, const struct ifx_entry *b)
{
	ifx_str x = ifx_entry_text(a), y = ifx_entry_text(b);

	return x.ptr && y.ptr && ifx_str_eq(x, y);
}

static void one_string(struct ifx_cx *cx, const struct ifx_entry *loses,
		       const struct ifx_entry *wins, const char *noun)
{
	ifx_str key = ifx_text(loses->key);
	struct ifx_buf where;
	struct ifx_fix *fix;

	ifx_buf_init(&where, 256);
	say_where(&where, loses, wins);
	if (same_value(loses, wins)) {
		fix = ifx_find(
			cx, loses->key, IFX_REPORT, IFX_WARNING,
			"%s '%.*s' is there twice, the other one %.*s says the same; some tools refuse such a file",
			noun, IFX_ARG(key), IFX_ARG(ifx_buf_str(&where)));
		ifx_help(fix, "remove one of them");
	} else {
		fix = ifx_find(
			cx, loses->key, IFX_REPORT, IFX_ERROR,
			"%s '%.*s' is there twice: this one is lost, '%.*s' %.*s wins; some tools refuse such a file",
			noun, IFX_ARG(key), IFX_ARG(ifx_entry_shown(cx, wins)),
			IFX_ARG(ifx_buf_str(&where)));
		ifx_help(fix, "keep the one that is meant");
	}
	if (where.bad)
		ifx_cx_failed(cx);
	ifx_buf_release(&where);
}

static int by_key(const void *a, const void *b)
{
	const struct ifx_entry *x = *(const struct ifx_entry *const *)a;
	const struct ifx_entry *y = *(const struct ifx_entry *const *)b;
	int c = ifx_str_cmp(ifx_text(x->key), ifx_text(y->key));

	return c ? c : (x->start > y->start) - (x->start < y->start);
}

/* `<<` twice is two merges. */
static bool is_merge(const struct ifx_entry *entry)
{
	return entry->key->style == IFX_PLAIN && ifx_str_eq(ifx_text(entry->key), IFX_LIT("<<"));
}

static void check_strings(struct ifx_cx *cx, const struct ifx_strings *strings)
{
	const struct ifx_entry **list;
	size_t n = 0;

	if (!ifx_map_twice(strings->map))
		return;
	list = ifx_arena_alloc(ifx_cx_arena(cx), strings->map->n * sizeof(*list));
	if (!list) {
		ifx_cx_failed(cx);
		return;
	}
	for (const struct ifx_entry *e = strings->map->first; e; e = e->next)
		if (ifx_is(e->key, IFX_SCALAR) && !is_merge(e))
			list[n++] = e;
	qsort(list, n, sizeof(*list), by_key);
	/* Behind each other now, the last of equals wins. */
	for (size_t i = 0, last; i < n; i = last + 1) {
		for (last = i; last + 1 < n &&
			       ifx_str_eq(ifx_text(list[last + 1]->key), ifx_text(list[i]->key));)
			last++;
		for (size_t k = i; k < last; k++) {
			const struct ifx_entry *wins = list[last];

			/* Of two branches of a template only one is there. */
			for (size_t w = last; w > k && !ifx_template_together(list[k], wins); w--)
				wins = list[w - 1];
			if (wins != list[k])
				one_string(cx, list[k], wins, ifx_strings_noun(strings->labels));
		}
	}
}

/* `annotations:` twice: all that is in the first one is lost. */
static void check_map(struct ifx_cx *cx, const struct ifx_node *metadata, ifx_str key)
{
	const struct ifx_entry *first = ifx_map_entry(metadata, key), *last = first, *e;
	struct ifx_buf where;
	struct ifx_fix *fix;

	for (e = first; e && (e = ifx_map_entry_after(e, key)) != NULL;)
		last = e;
	for (e = first; e != last; e = ifx_map_entry_after(e, key)) {
		if (!ifx_template_together(e, last))
			continue;
		ifx_buf_init(&where, 256);
		say_where(&where, e, last);
		fix = ifx_find(
			cx, e->key, IFX_REPORT, IFX_ERROR,
			"'%.*s' is there twice: all that is in this one is lost, the one %.*s wins; some tools refuse such a file",
			IFX_ARG(key), IFX_ARG(ifx_buf_str(&where)));
		ifx_help(fix, "put all of them under one '%.*s'", IFX_ARG(key));
		if (where.bad)
			ifx_cx_failed(cx);
		ifx_buf_release(&where);
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	if (!ifx_is_kubernetes(r))
		return;
	for (const struct ifx_metadata *m = ifx_metadata(cx, r); m; m = m->next) {
		check_map(cx, m->node, IFX_LIT("labels"));
		check_map(cx, m->node, IFX_LIT("annotations"));
		check_strings(cx, &m->strings[0]);
		check_strings(cx, &m->strings[1]);
	}
}

const struct ifx_transform ifx_duplicate_key = {
	.id = "duplicate-key",
	.summary = "a key is twice in labels or annotations; the last one wins today",
	.source = "https://yaml.org/spec/1.2.2/#3213-node-comparison",
	.level = IFX_REPORT,
	.needles = (const char *const[]){ "labels", "annotations", NULL },
	.concerns = ifx_glance,
	.run = run,
};
