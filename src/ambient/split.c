/* What becomes of a DestinationRule whose subsets become Services. */
#include "ambient/recast.h"
#include "ambient/route.h"
#include "edit/plan.h"
#include "yaml/load.h"

/* One subset. */
struct part {
	struct ifx_passage *m;
	const struct ifx_split *s;
	const struct ifx_entry *e;     /* in the list of subsets */
	const struct ifx_node *subset; /* its value */
	const struct ifx_node *policy; /* its own; NULL: none */
	const struct ifx_node *base;   /* that of the rule; NULL: none */
	ifx_str name;                  /* of the new objects */
};

static const struct ifx_doc *doc_of(const struct part *p)
{
	return p->s->rule->r->node->doc;
}

static struct part part_of(struct ifx_passage *m, const struct ifx_split *s,
			   const struct ifx_entry *e)
{
	const struct ifx_node *subset = ifx_deref(e->value);
	struct part p = { .m = m, .s = s, .e = e, .subset = subset };

	p.policy = ifx_get(subset, IFX_LIT("trafficPolicy"));
	p.base = ifx_get(ifx_object_spec(s->rule), IFX_LIT("trafficPolicy"));
	p.name = IFX_SAY(m, "%.*s-%.*s", IFX_ARG(s->service->r->name),
			 IFX_ARG(ifx_get_text(subset, IFX_LIT("name"))));
	m->failed |= !p.name.ptr;
	return p;
}

static ifx_str finish(struct ifx_passage *m, struct ifx_buf *text)
{
	ifx_str copy = text->bad ? IFX_NONE : ifx_arena_copy(&m->changes->arena, ifx_buf_str(text));

	m->failed |= !copy.ptr;
	ifx_buf_release(text);
	return copy;
}

/* ---- the Service ---- */

/* Comments of the subset that do not go with its policy. */
static void add_comments(struct ifx_buf *out, const struct part *p)
{
	const struct ifx_doc *doc = doc_of(p);
	size_t first, n = ifx_entry_head(p->e, &first);
	size_t end = ifx_line_end(doc->src, p->e->end);

	if (!n)
		first = ifx_comment_from(doc, p->e->start);
	for (size_t i = first; i < doc->n_comments && doc->comments[i].span.at < end; i++) {
		size_t at = doc->comments[i].span.at;

		if (p->policy && at >= p->policy->entry->start)
			continue;
		ifx_buf_addf(out, "%.*s\n", IFX_ARG(ifx_str_trim(ifx_comment_text(doc, i))));
	}
}

static void add_ports(struct ifx_hand *hand, const struct ifx_svc *svc)
{
	static const char *const keys[] = { "name", "protocol", "appProtocol", "port",
					    "targetPort" };

	for (size_t i = 0; i < svc->n_ports; i++) {
		bool first = true;

		for (const struct ifx_entry *e = svc->ports[i].node->first; e; e = e->next)
			for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
				if (ifx_str_eq(ifx_text(e->key), ifx_str_of(keys[k]))) {
					ifx_hand_line(hand, 1, 1, "%s%s: %.*s", first ? "- " : "  ",
						      keys[k], IFX_ARG(ifx_raw(e->value)));
					first = false;
				}
	}
}

static ifx_str service_text(const struct part *p)
{
	const struct ifx_object *o = p->s->service;
	const struct ifx_pairs selector = o->service->selector;
	const struct ifx_node *labels = ifx_get(p->subset, IFX_LIT("labels"));
	ifx_str namespace = ifx_get_text(o->r->metadata, IFX_LIT("namespace"));
	struct ifx_hand hand;

	ifx_hand_init(&hand, o->r->node->doc);
	ifx_hand_line(&hand, 0, 0, "# istio-fix: subset %.*s of DestinationRule %.*s as a Service",
		      IFX_ARG(ifx_get_text(p->subset, IFX_LIT("name"))),
		      IFX_ARG(p->s->rule->r->name));
	add_comments(&hand.text, p);
	ifx_hand_line(&hand, 0, 0, "apiVersion: v1");
	ifx_hand_line(&hand, 0, 0, "kind: Service");
	ifx_hand_line(&hand, 0, 0, "metadata:");
	ifx_hand_pair(&hand, 1, 0, "name", p->name);
	if (namespace.ptr)
		ifx_hand_pair(&hand, 1, 0, "namespace", namespace);
	ifx_hand_line(&hand, 0, 0, "spec:");
	ifx_hand_line(&hand, 1, 0, "selector:");
	for (size_t i = 0; i < selector.n; i++)
		ifx_hand_label(&hand, 2, selector.items[i].key, selector.items[i].value);
	for (const struct ifx_entry *e = ifx_is(labels, IFX_MAP) ? labels->first : NULL; e;
	     e = e->next)
		if (!ifx_pair_value(selector, ifx_text(e->key)).ptr)
			ifx_hand_label(&hand, 2, ifx_text(e->key), ifx_text(e->value));
	ifx_hand_line(&hand, 1, 0, "ports:");
	add_ports(&hand, o->service);
	return finish(p->m, &hand.text);
}

static void wish_service(const struct part *p)
{
	const struct ifx_object *o = p->s->service;
	bool alone = o->source->documents == 1;

	ifx_passage_want(
		p->m,
		(struct ifx_wish){ .verb = alone ? IFX_WISH_FILE : IFX_WISH_BEHIND,
				   .o = o,
				   .text = service_text(p),
				   .name = alone ? IFX_SAY(p->m, "%.*s.yaml", IFX_ARG(p->name))
						 : IFX_LIT(""),
				   .what = IFX_SAY(p->m, "add Service %.*s", IFX_ARG(p->name)) });
}

/* ---- the rule ---- */

/* Operations on the old rule. */
struct ops {
	const struct ifx_op **list;
	size_t n;
	struct ifx_passage *m;
	const struct ifx_doc *doc;
};

static struct ifx_op *add_op(struct ops *ops, ifx_verb verb)
{
	struct ifx_op *op = ifx_arena_alloc(&ops->m->changes->arena, sizeof(*op));

	if (!op) {
		ops->m->failed = true;
		return NULL;
	}
	op->verb = verb;
	op->doc = ops->doc;
	ops->list[ops->n++] = op;
	return op;
}

static void add_set(struct ops *ops, const struct ifx_node *node, ifx_str value)
{
	struct ifx_op *op = add_op(ops, IFX_OP_SET);

	if (!op)
		return;
	op->node = node;
	op->value = value;
}

static void add_remove(struct ops *ops, const struct ifx_entry *entry, bool keep)
{
	struct ifx_op *op = add_op(ops, IFX_OP_REMOVE);

	if (!op)
		return;
	op->entry = entry;
	op->keep = keep;
}

static void add_move(struct ops *ops, const struct ifx_entry *entry, const struct ifx_node *map)
{
	struct ifx_place *to = ifx_arena_alloc(&ops->m->changes->arena, sizeof(*to));
	struct ifx_op *op = add_op(ops, IFX_OP_MOVE);

	ops->m->failed |= !to;
	if (!op || !to)
		return;
	*to = (struct ifx_place){ .base = map };
	op->entry = entry;
	op->to = to;
	op->n_to = 1;
}

/* Fields of the subset's policy take the place of those above it, of which the first copy keeps the
 * comments. */
static void merge(struct ops *ops, const struct part *p, bool first)
{
	if (!p->policy)
		return;
	if (!p->base) {
		add_move(ops, p->policy->entry, ifx_object_spec(p->s->rule));
		return;
	}
	for (const struct ifx_entry *e = p->policy->first; e; e = e->next) {
		const struct ifx_entry *old = ifx_map_entry(p->base, ifx_text(e->key));

		if (old)
			add_remove(ops, old, first);
		add_move(ops, e, p->base);
	}
}

/* The document with its operations done. The tree is the caller's; NULL: it cannot be done. */
static struct ifx_doc *compile(const struct part *p, const struct ops *ops, ifx_str *text)
{
	struct ifx_doc *after = NULL;
	struct ifx_edits edits;
	struct ifx_buf why;
	ifx_status st;

	ifx_buf_init(&why, 1 << 16);
	st = ifx_compile_and_prove(text, &after, &edits, ops->doc, ops->list, ops->n,
				   &p->m->changes->arena, &why);
	if (st == IFX_OK) {
		ifx_edits_release(&edits);
	} else {
		after = NULL;
		p->m->failed |= st == IFX_ENOMEM;
		ifx_passage_hold(p->m, "edit", p->s->rule, p->subset, "it cannot be split: %.*s",
				 IFX_ARG(ifx_buf_str(&why)));
	}
	ifx_buf_release(&why);
	return after;
}

/* The names, and the policy as it is merged; the subsets are still there. */
static struct ifx_doc *rename_and_merge(const struct part *p, bool first_copy, ifx_str *text)
{
	const struct ifx_node *host = ifx_get(ifx_object_spec(p->s->rule), IFX_LIT("host"));
	size_t room = 2 + 2 * (p->policy ? p->policy->n + 1 : 0);
	struct ops ops = { .m = p->m, .doc = doc_of(p) };
	ifx_str rest = ifx_text(host), first;

	ops.list = ifx_arena_alloc(&p->m->changes->arena, room * sizeof(*ops.list));
	p->m->failed |= !ops.list;
	if (!ops.list)
		return NULL;
	ifx_str_split(&rest, '.', &first);
	add_set(&ops, ifx_get(p->s->rule->r->metadata, IFX_LIT("name")), p->name);
	add_set(&ops, host,
		rest.ptr ? IFX_SAY(p->m, "%.*s.%.*s", IFX_ARG(p->name), IFX_ARG(rest)) : p->name);
	merge(&ops, p, first_copy);
	return p->m->failed ? NULL : compile(p, &ops, text);
}

/* The new text, from its first comment or without those above it. */
static ifx_str rule_text(const struct part *p, bool head)
{
	const struct ifx_op *list[1];
	struct ifx_doc *merged, *after = NULL;
	ifx_str text, with_subsets;

	merged = rename_and_merge(p, head, &with_subsets);
	if (merged) {
		struct ops ops = { .list = list, .m = p->m, .doc = merged };

		add_remove(
			&ops,
			ifx_map_entry(ifx_get(merged->root, IFX_LIT("spec")), IFX_LIT("subsets")),
			false);
		after = p->m->failed ? NULL : compile(p, &ops, &text);
	}
	text = after ? ifx_own_text(p->m, text, head) : IFX_NONE;
	ifx_doc_free(after);
	ifx_doc_free(merged);
	return text;
}

static void wish_rule(const struct part *p, bool head)
{
	ifx_str text = rule_text(p, head);

	if (!text.ptr)
		return;
	ifx_passage_want(p->m, (struct ifx_wish){ .verb = IFX_WISH_BEHIND,
						  .o = p->s->rule,
						  .text = text,
						  .what = IFX_SAY(p->m, "add DestinationRule %.*s",
								  IFX_ARG(p->name)) });
}

void ifx_split_wish(struct ifx_routes *routes, const struct ifx_split *s)
{
	struct ifx_passage *m = routes->m;
	const struct ifx_node *spec = ifx_object_spec(s->rule);
	const struct ifx_entry *subsets = ifx_map_entry(spec, IFX_LIT("subsets"));
	bool head = !s->keeps;

	if (s->keeps) {
		struct ifx_op op = { .verb = IFX_OP_REMOVE, .entry = subsets };

		ifx_passage_want(m,
				 (struct ifx_wish){ .verb = IFX_WISH_OP,
						    .o = s->rule,
						    .op = op,
						    .at = subsets->key,
						    .what = IFX_SAY(m,
								    "take the subsets out of "
								    "DestinationRule %.*s",
								    IFX_ARG(s->rule->r->name)) });
	} else {
		ifx_wish_drop(m, s->rule);
	}
	for (const struct ifx_entry *e = ifx_list_items(subsets->value); e; e = e->next) {
		struct part p = part_of(m, s, e);

		wish_service(&p);
		if (!p.policy && !p.base)
			continue;
		wish_rule(&p, head);
		head = false;
	}
}
