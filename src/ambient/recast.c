#include "ambient/recast.h"

#include "ambient/hand.h"
#include "ambient/pods.h"
#include "ambient/service.h"
#include "ambient/wish.h"
#include "edit/documents.h"
#include "edit/plan.h"
#include "yaml/load.h"
#include "yaml/scalar.h"
#include "yaml/style.h"

#include <stdlib.h>

/* A policy while it is recast. */
struct cast {
	struct ifx_passage *m;
	const struct ifx_stance *s;
	const struct ifx_node **ports; /* scalars that are container ports */
	size_t n_ports;
	ifx_str *words; /* by front: what its ports become, to compare */
};

static struct ifx_arena *arena_of(const struct cast *c)
{
	return &c->m->changes->arena;
}

static void *take(struct cast *c, size_t size)
{
	void *p = ifx_arena_alloc(arena_of(c), size);

	if (!p)
		c->m->failed = true;
	return p;
}

static const struct ifx_entry *items(const struct ifx_node *list)
{
	list = ifx_deref(list);
	return ifx_is(list, IFX_SEQ) ? list->first : NULL;
}

/* ---- ports ---- */

static void find_in_list(struct cast *c, const struct ifx_node *list, bool count)
{
	for (const struct ifx_entry *e = items(list); e; e = e->next) {
		if (!count)
			c->ports[c->n_ports] = e->value;
		c->n_ports++;
	}
}

/* `ports`, `notPorts` and the values of `destination.port`, wherever they are. */
static void find_all_ports(struct cast *c, bool count)
{
	const struct ifx_node *rules = ifx_get(ifx_object_spec(c->s->o), IFX_LIT("rules"));

	c->n_ports = 0;
	for (const struct ifx_entry *r = items(rules); r; r = r->next) {
		const struct ifx_node *rule = ifx_deref(r->value);

		for (const struct ifx_entry *e = items(ifx_get(rule, IFX_LIT("to"))); e;
		     e = e->next) {
			const struct ifx_node *operation =
				ifx_get(ifx_deref(e->value), IFX_LIT("operation"));

			find_in_list(c, ifx_get(operation, IFX_LIT("ports")), count);
			find_in_list(c, ifx_get(operation, IFX_LIT("notPorts")), count);
		}
		for (const struct ifx_entry *e = items(ifx_get(rule, IFX_LIT("when"))); e;
		     e = e->next) {
			const struct ifx_node *when = ifx_deref(e->value);
			ifx_str key = ifx_get_text(when, IFX_LIT("key"));

			if (ifx_str_eq(key, IFX_LIT("destination.ip")) && count)
				ifx_passage_hold(c->m, "S28", c->s->o, when,
						 "a waypoint sees another destination.ip than "
						 "the pod does; say it with something else");
			if (!ifx_str_eq(key, IFX_LIT("destination.port")))
				continue;
			find_in_list(c, ifx_get(when, IFX_LIT("values")), count);
			find_in_list(c, ifx_get(when, IFX_LIT("notValues")), count);
		}
	}
}

static bool find_ports(struct cast *c)
{
	if (c->s->o->kind != IFX_AUTHORIZATION_POLICY)
		return true;
	find_all_ports(c, true);
	c->ports = take(c, (c->n_ports + 1) * sizeof(*c->ports));
	if (!c->ports)
		return false;
	find_all_ports(c, false);
	return !c->m->held;
}

static long number(ifx_str text)
{
	long n = 0;

	if (!text.len || text.len > 5)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]))
			return -1;
		n = n * 10 + (text.ptr[i] - '0');
	}
	return n;
}

/* The container port of that name, on the pods of a Service; 0: none of them has it. */
static long named_port(const struct cast *c, const struct ifx_svc *svc, ifx_str name)
{
	for (const struct ifx_object *o = c->m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next)
			for (size_t i = 0; ifx_svc_selects(svc, p) && i < p->n_containers; i++)
				for (const struct ifx_entry *e = items(
					     ifx_get(p->containers[i].node, IFX_LIT("ports")));
				     e; e = e->next)
					if (ifx_str_eq(ifx_get_text(ifx_deref(e->value),
								    IFX_LIT("name")),
						       name))
						return number(
							ifx_get_text(ifx_deref(e->value),
								     IFX_LIT("containerPort")));
	return 0;
}

static long target_of(const struct cast *c, const struct ifx_svc *svc,
		      const struct ifx_svc_port *port)
{
	return port->target ? port->target : named_port(c, svc, port->target_name);
}

/*
 * What a container port is called at a Service: its port numbers in `out`, blanks between. A port
 * that no Service port leads to never matches there; where a Service port has the same number it
 * would, and that cannot be said.
 */
static bool translate(struct cast *c, const struct ifx_front *f, const struct ifx_node *port,
		      struct ifx_buf *out)
{
	long want = number(ifx_text(port));
	bool clash = false, found = false;

	for (size_t i = 0; i < f->svc->n_ports; i++) {
		const struct ifx_svc_port *p = &f->svc->ports[i];

		clash |= p->port == want;
		if (target_of(c, f->svc, p) != want)
			continue;
		ifx_buf_addf(out, "%s%ld", found ? " " : "", p->port);
		found = true;
	}
	if (want < 0 || (clash && !found)) {
		ifx_passage_hold(c->m, "S28", c->s->o, port,
				 "no port of Service '%.*s' leads to the container port %.*s, "
				 "which the waypoint would take for its own",
				 IFX_ARG(f->o->r->name), IFX_ARG(ifx_text(port)));
		return false;
	}
	if (!found)
		ifx_buf_add(out, ifx_text(port));
	return true;
}

/* What all ports become at a Service, as one text with `;` behind each. */
static bool read_words(struct cast *c, size_t front)
{
	struct ifx_buf text;
	bool ok = true;

	ifx_buf_init(&text, 1 << 20);
	for (size_t i = 0; i < c->n_ports && ok; i++) {
		ok = translate(c, &c->m->fronts[front], c->ports[i], &text);
		ifx_buf_addc(&text, ';');
	}
	c->words[front] = ifx_arena_copy(arena_of(c), ifx_buf_str(&text));
	ifx_buf_release(&text);
	c->m->failed |= !c->words[front].ptr;
	return ok && c->words[front].ptr;
}

/* ---- operations ---- */

static struct ifx_op *add_op(struct cast *c, struct ifx_recast *r, ifx_verb verb)
{
	struct ifx_op *op = take(c, sizeof(*op));

	if (!op)
		return NULL;
	op->verb = verb;
	op->doc = c->s->o->r->node->doc;
	r->ops[r->n_ops++] = op;
	return op;
}

static bool has_word(ifx_str words, ifx_str word)
{
	ifx_str one;

	while (ifx_str_split(&words, ' ', &one))
		if (ifx_str_eq(one, word))
			return true;
	return false;
}

/* Has an earlier port of the same list become that one already? */
static bool is_said(const struct cast *c, size_t port, ifx_str words, ifx_str word)
{
	ifx_str one;

	for (size_t i = 0; i < port && ifx_str_split(&words, ';', &one); i++)
		if (c->ports[i]->entry->in == c->ports[port]->entry->in && has_word(one, word))
			return true;
	return false;
}

static void add_port_ops(struct cast *c, struct ifx_recast *r, ifx_str all)
{
	ifx_str rest = all, words, word;

	for (size_t i = 0; i < c->n_ports && ifx_str_split(&rest, ';', &words); i++) {
		bool first = true;

		while (ifx_str_split(&words, ' ', &word)) {
			const struct ifx_node *node = c->ports[i];
			struct ifx_op *op;

			if (is_said(c, i, all, word))
				continue;
			if (first && ifx_str_eq(word, ifx_text(node))) {
				first = false;
				continue;
			}
			op = add_op(c, r, first ? IFX_OP_SET : IFX_OP_APPEND);
			if (!op)
				return;
			op->node = first ? node : node->entry->in;
			op->value = first ? word : ifx_item_text(c->m, node->entry->in, word);
			op->yaml = !first;
			first = false;
		}
		if (first) {
			struct ifx_op *op = add_op(c, r, IFX_OP_REMOVE);

			if (op)
				op->entry = c->ports[i]->entry;
		}
	}
}

/* `{group: "", kind: Service, name: x}` */
static void add_flow_target(struct ifx_buf *out, ifx_str name, char quote, bool json)
{
	if (json)
		ifx_buf_addf(out, "{\"group\": \"\", \"kind\": \"Service\", \"name\": \"%.*s\"}",
			     IFX_ARG(name));
	else
		ifx_buf_addf(out, "{group: %c%c, kind: Service, name: %.*s}", quote, quote,
			     IFX_ARG(name));
}

/* How targetRefs are written: `flow` all of it, `flow_items` its items. */
static ifx_str targets_text(struct cast *c, const size_t *fronts, size_t n, bool flow,
			    bool flow_items, bool relative)
{
	const struct ifx_doc *doc = c->s->o->r->node->doc;
	struct ifx_hand hand;
	ifx_str text;

	ifx_hand_init(&hand, doc);
	if (!relative)
		hand.dash = 0;
	if (flow)
		ifx_buf_addc(&hand.text, '[');
	for (size_t i = 0; i < n; i++) {
		ifx_str name = c->m->fronts[fronts[i]].o->r->name;

		if (flow) {
			ifx_buf_add(&hand.text, i ? IFX_LIT(", ") : IFX_LIT(""));
			add_flow_target(&hand.text, name, hand.quote, doc->json);
		} else if (flow_items) {
			ifx_buf_fill(&hand.text, ' ', hand.dash);
			ifx_buf_add(&hand.text, IFX_LIT("- "));
			add_flow_target(&hand.text, name, hand.quote, false);
			ifx_buf_addc(&hand.text, '\n');
		} else {
			ifx_hand_line(&hand, 0, 1, "- group: %c%c", hand.quote, hand.quote);
			ifx_hand_line(&hand, 0, 1, "  kind: Service");
			ifx_hand_line(&hand, 0, 1, "  name: %.*s", IFX_ARG(name));
		}
	}
	if (flow)
		ifx_buf_addc(&hand.text, ']');
	text = hand.text.bad ? IFX_NONE : ifx_arena_copy(arena_of(c), ifx_buf_str(&hand.text));
	ifx_hand_release(&hand);
	c->m->failed |= !text.ptr;
	return text;
}

/* targetRefs in the place of the selector, or as the first thing in spec. */
static void add_target_op(struct cast *c, struct ifx_recast *r, const size_t *fronts, size_t n)
{
	const struct ifx_node *root = c->s->o->r->node, *spec = ifx_object_spec(c->s->o);
	const struct ifx_entry *selector =
		ifx_is(spec, IFX_MAP) ? ifx_map_entry(spec, IFX_LIT("selector")) : NULL;
	struct ifx_place *place;
	struct ifx_op *op = add_op(c, r, selector ? IFX_OP_REPLACE : IFX_OP_INSERT);
	bool flow;

	if (!op)
		return;
	op->key = IFX_LIT("targetRefs");
	op->yaml = true;
	if (selector) {
		const struct ifx_node *labels = ifx_get(selector->value, IFX_LIT("matchLabels"));

		flow = selector->in->style == IFX_FLOW || selector->value->style == IFX_FLOW;
		op->entry = selector;
		op->value =
			targets_text(c, fronts, n, flow, labels && labels->style == IFX_FLOW, true);
		return;
	}
	place = take(c, sizeof(*place));
	if (!place)
		return;
	*place = ifx_place_of(root, (ifx_str[]){ IFX_LIT("spec") }, 1);
	op->to = place;
	op->n_to = 1;
	op->front = true;
	op->value = targets_text(c, fronts, n, ifx_place_is_flow(place), false, false);
}

static void add_namespace_op(struct cast *c, struct ifx_recast *r)
{
	const struct ifx_node *metadata = c->s->o->r->metadata;
	const struct ifx_node *node = ifx_get(metadata, IFX_LIT("namespace"));
	struct ifx_place *place = node ? NULL : take(c, sizeof(*place));
	struct ifx_op *op;

	if (!node && !place)
		return;
	op = add_op(c, r, node ? IFX_OP_SET : IFX_OP_INSERT);
	if (!op)
		return;
	op->value = c->m->ns->name;
	op->node = node;
	if (node)
		return;
	*place = (struct ifx_place){ .base = metadata };
	op->key = IFX_LIT("namespace");
	op->to = place;
	op->n_to = 1;
}

/* One policy for Services of which all say the same. */
static struct ifx_recast *make(struct cast *c, const size_t *fronts, size_t n, size_t number_of)
{
	struct ifx_recast *r = take(c, sizeof(*r));
	ifx_str words = c->words[fronts[0]];
	size_t room = 4 + 2 * words.len;

	if (r)
		r->ops = take(c, room * sizeof(*r->ops));
	if (!r || !r->ops)
		return NULL;
	r->suffix = number_of ? ifx_arena_printf(arena_of(c), "-waypoint-%zu", number_of + 1)
			      : IFX_LIT("-waypoint");
	add_target_op(c, r, fronts, n);
	add_port_ops(c, r, words);
	if (c->s->root)
		add_namespace_op(c, r);
	return c->m->failed ? NULL : r;
}

static bool is_castable(struct cast *c)
{
	const struct ifx_node *node = c->s->o->r->node;

	if (node->doc->root == node)
		return true;
	ifx_passage_hold(c->m, "edit", c->s->o, NULL,
			 "it is an item of a List; write it as a document of its own");
	return false;
}

struct ifx_recast *ifx_recast(struct ifx_passage *m, const struct ifx_stance *s,
			      const size_t *fronts, size_t n)
{
	struct cast c = { .m = m, .s = s };
	struct ifx_recast *first = NULL, **link = &first;
	size_t *group, left = n, made = 0;
	bool *done;

	if (!n || !is_castable(&c) || !find_ports(&c))
		return NULL;
	c.words = take(&c, m->n_fronts * sizeof(*c.words));
	group = take(&c, n * sizeof(*group));
	done = take(&c, n * sizeof(*done));
	if (!c.words || !group || !done)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!read_words(&c, fronts[i]))
			return NULL;
	while (left) {
		size_t k = 0;

		for (size_t i = 0; i < n && k < IFX_TARGETS_MAX; i++) {
			if (done[i] || (k && !ifx_str_eq(c.words[fronts[i]], c.words[group[0]])))
				continue;
			group[k++] = fronts[i];
			done[i] = true;
		}
		*link = make(&c, group, k, made++);
		if (!*link)
			return NULL;
		link = &(*link)->next;
		left -= k;
	}
	return first;
}

/* ---- the new document ---- */

static ifx_str without_head(ifx_str text)
{
	while (text.len) {
		ifx_str line = ifx_str_sub(text, 0, ifx_line_end(text, 0));
		size_t next = ifx_line_next(text, 0);

		line = ifx_str_trim(line);
		if (line.len && line.ptr[0] != '#')
			break;
		text = ifx_str_sub(text, next, text.len - next);
	}
	return text;
}

/* The document's own text in `text`, which is all of it. */
static ifx_str own_text(struct ifx_passage *m, ifx_str text, ifx_str comment)
{
	struct ifx_documents documents;
	ifx_str own;

	if (ifx_documents_split(&documents, text, &m->changes->arena) != IFX_OK || !documents.n) {
		m->failed = true;
		return IFX_NONE;
	}
	own = ifx_str_sub(text, documents.list[0].body, text.len - documents.list[0].body);
	if (comment.ptr)
		own = without_head(own);
	own = ifx_arena_printf(&m->changes->arena, "%s%.*s%s%.*s%s", comment.ptr ? "# " : "",
			       IFX_ARG(comment), comment.ptr ? "\n" : "", IFX_ARG(own),
			       ifx_str_ends(own, IFX_LIT("\n")) ? "" : "\n");
	m->failed |= !own.ptr;
	return own;
}

ifx_str ifx_own_text(struct ifx_passage *m, ifx_str text, bool head)
{
	text = own_text(m, text, IFX_NONE);
	return head || !text.ptr ? text : without_head(text);
}

ifx_str ifx_recast_text(struct ifx_passage *m, const struct ifx_stance *s,
			const struct ifx_recast *r, ifx_str comment)
{
	struct ifx_arena *arena = &m->changes->arena;
	const struct ifx_doc *doc = s->o->r->node->doc;
	const struct ifx_op **ops = ifx_arena_alloc(arena, (r->n_ops + 1) * sizeof(*ops));
	struct ifx_op name = { .verb = IFX_OP_SET, .doc = doc };
	struct ifx_doc *after = NULL;
	struct ifx_edits edits;
	struct ifx_buf why;
	ifx_str text = IFX_NONE;
	ifx_status st;

	name.node = ifx_get(s->o->r->metadata, IFX_LIT("name"));
	name.value =
		ifx_arena_printf(arena, "%.*s%.*s", IFX_ARG(s->o->r->name), IFX_ARG(r->suffix));
	if (!ops || !name.value.ptr) {
		m->failed = true;
		return IFX_NONE;
	}
	memcpy(ops, r->ops, r->n_ops * sizeof(*ops));
	ops[r->n_ops] = &name;
	ifx_buf_init(&why, 1 << 16);
	st = ifx_compile_and_prove(&text, &after, &edits, doc, ops, r->n_ops + 1, arena, &why);
	if (st == IFX_OK) {
		ifx_edits_release(&edits);
		ifx_doc_free(after);
		text = own_text(m, text, comment);
	} else {
		text = IFX_NONE;
		m->failed |= st == IFX_ENOMEM;
		ifx_passage_hold(m, "edit", s->o, NULL, "it cannot be copied: %.*s",
				 IFX_ARG(ifx_buf_str(&why)));
	}
	ifx_buf_release(&why);
	return text;
}
