/*
 * inject-annotation: the annotation sidecar.istio.io/inject becomes the label of that name. The
 * label is what the webhooks look at, and it wins over the annotation.
 *
 *   "false"   the same as a label in every namespace
 *   "true"    the annotation is only read where the namespace's labels call the webhook, and there
 *             it is the default. As a label it calls the webhook itself where the namespace has no
 *             injection label: that is a question, unless the input shows the namespace.
 */
#include "rule/injection.h"

#include "rule/field.h"
#include "yaml/path.h"

struct pod {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	const struct ifx_hit *hit;
	struct ifx_said annotation, label;
	bool keep_both, drop, answered; /* what is chosen */
};

#define DEPRECATED "annotation '" IFX_KEY_INJECT "' is deprecated"

static struct ifx_place labels_of(const struct pod *p)
{
	ifx_str path[2] = { p->hit->key, IFX_LIT("labels") };

	return ifx_place_of(p->hit->parent, path, 2);
}

/* Job templates cannot be changed, and people find out when they apply it. */
static void add_rollout(struct ifx_fix *fix, const struct pod *p)
{
	if (ifx_str_eq(p->r->kind, IFX_LIT("Job")) && ifx_str_eq(p->r->group, IFX_LIT("batch")))
		ifx_help(fix,
			 "the template of a Job that exists already cannot be changed; replace it");
}

static bool is_editable(struct ifx_fix *fix, const struct pod *p)
{
	if (!ifx_said_editable(fix, &p->annotation))
		return false;
	if (!p->hit->direct)
		ifx_refuse(fix, "an alias or a merge key is on the way");
	return p->hit->direct;
}

/* ---- beside the label ---- */

static void beside_label(const struct pod *p)
{
	bool same = p->annotation.text.ptr && p->label.text.ptr &&
		    ifx_str_eq(p->annotation.text, p->label.text);
	struct ifx_fix *fix;

	if (p->keep_both && same)
		return;
	/* In a patch a null takes the entry away from the object. */
	if ((ifx_is_null(p->label.value) || ifx_is_null(p->annotation.value)) &&
	    ifx_input_is_patch(p->cx))
		return;
	if (same)
		fix = ifx_find(p->cx, p->annotation.entry->key, IFX_SAFE, IFX_WARNING,
			       DEPRECATED ", and the label of that name says the same");
	else
		fix = ifx_find(
			p->cx, p->annotation.entry->key, IFX_SAFE, IFX_WARNING,
			DEPRECATED
			", and the label of that name wins: the label says '%.*s', the annotation '%.*s'",
			IFX_ARG(ifx_excerpt(p->cx, ifx_text(p->label.value))),
			IFX_ARG(ifx_excerpt(p->cx, ifx_text(p->annotation.value))));
	add_rollout(fix, p);
	if (p->keep_both) {
		ifx_refuse(fix, "both cannot be kept while they say different things");
		return;
	}
	if (!is_editable(fix, p))
		return;
	if (same && p->label.direct)
		ifx_fix_remove_duplicate(fix, p->annotation.entry, p->label.entry);
	else
		ifx_fix_remove(fix, p->annotation.entry);
}

/* ---- alone ---- */

static void become_label(struct ifx_fix *fix, const struct pod *p)
{
	struct ifx_place labels = labels_of(p);

	if (!is_editable(fix, p) || !ifx_pod_label_editable(fix, p->r, IFX_KEY_INJECT))
		return;
	if (p->keep_both)
		ifx_fix_insert(fix, labels, IFX_LIT(IFX_KEY_INJECT), p->annotation.text);
	else
		ifx_fix_move(fix, p->annotation.entry, &labels, 1);
}

/* The next record of the same object. */
static const struct ifx_record *same_object(struct ifx_cx *cx, const struct ifx_resource *r,
					    size_t environment, const struct ifx_record *after)
{
	while ((after = ifx_records(cx, environment, r->group, r->kind, after)) != NULL)
		if (ifx_str_eq(after->name, r->name))
			return after;
	return NULL;
}

/*
 * A kustomize patch that sets the annotation to something else: it would lose against the label.
 * Files that no kustomization lists as a resource are in environment 0: patches, and copies of the
 * object that are nothing to it.
 */
static const struct ifx_record *patched_elsewhere(const struct pod *p)
{
	const size_t *environments;
	const struct ifx_record *rec = NULL;

	ifx_environments(p->cx, &environments);
	if (!environments[0])
		return NULL;
	while ((rec = same_object(p->cx, p->r, 0, rec)) != NULL)
		for (const struct ifx_pod *pod = rec->is_patch ? rec->pods : NULL; pod;
		     pod = pod->next) {
			ifx_str value = ifx_pair_value(pod->annotations, IFX_LIT(IFX_KEY_INJECT));

			if (value.ptr && !ifx_str_eq(value, p->annotation.text) &&
			    !ifx_pair_value(pod->labels, IFX_LIT(IFX_KEY_INJECT)).ptr)
				return rec;
		}
	return NULL;
}

static void ask_about_patch(const struct pod *p, const struct ifx_record *patch)
{
	struct ifx_fix *fix = ifx_find(
		p->cx, p->annotation.entry->key, IFX_CHOICE, IFX_WARNING,
		DEPRECATED
		"; as a label, '%.*s' would win over the annotation that %.*s patches into this object",
		IFX_ARG(p->annotation.text), IFX_ARG(patch->path));

	fix->finding.choices = "label|keep-both";
	ifx_answered(fix, p->answered && !p->drop);
	add_rollout(fix, p);
	become_label(fix, p);
}

/* What the patched object says is not seen in the patch; perhaps it has the label, which wins. */
static ifx_level level_of(const struct pod *p)
{
	return ifx_input_is_patch(p->cx) ? IFX_REPAIR : IFX_SAFE;
}

static void says_false(const struct pod *p)
{
	struct ifx_fix *fix = ifx_find(
		p->cx, p->annotation.entry->key, level_of(p), IFX_WARNING,
		DEPRECATED
		"; as a label \"false\" does the same, and the injection webhook is not even called");

	add_rollout(fix, p);
	become_label(fix, p);
}

/* Why the label is nothing new: "namespace 'shop' has istio-injection: enabled". */
static ifx_str why_same(const struct pod *p, const struct ifx_injection *in)
{
	struct ifx_arena *arena = ifx_cx_arena(p->cx);
	ifx_str why;

	if (ifx_pod_on_host_network(p->hit))
		return IFX_LIT("pods on the host network get no sidecar");
	if (!in->namespace.ptr)
		return IFX_LIT("the labels of its namespaces decide");
	if (in->state == IFX_INJECTION_OFF && !in->why.ptr)
		why = ifx_arena_printf(arena, "Istio never injects into namespace '%.*s'",
				       IFX_ARG(in->namespace));
	else if (in->why.ptr)
		why = ifx_arena_printf(
			arena, "namespace '%.*s' has %.*s%s", IFX_ARG(in->namespace),
			IFX_ARG(in->why),
			in->state == IFX_INJECTION_OFF ? ", which keeps all sidecars out" : "");
	else
		why = ifx_arena_printf(arena, "the labels of namespace '%.*s' decide",
				       IFX_ARG(in->namespace));
	if (!why.ptr)
		ifx_cx_failed(p->cx);
	return why;
}

static void ask_about_true(const struct pod *p, const struct ifx_injection *in)
{
	struct ifx_fix *fix;

	if (in->state == IFX_INJECTION_UNLABELLED) {
		fix = ifx_find(p->cx, p->annotation.entry->key, IFX_CHOICE, IFX_WARNING,
			       DEPRECATED
			       " and does nothing here: %s%.*s%s neither " IFX_KEY_INJECTION
			       " nor " IFX_KEY_REV "; as a label \"true\" starts injection%s",
			       in->namespace.ptr ? "namespace '" : "its namespaces have",
			       IFX_ARG(in->namespace), in->namespace.ptr ? "' has" : "",
			       in->ambient ? " and takes the pods out of ambient" : "");
	} else {
		fix = ifx_find(
			p->cx, p->annotation.entry->key, IFX_CHOICE, IFX_WARNING,
			DEPRECATED
			"; the label does the same where the namespace has " IFX_KEY_INJECTION
			" or " IFX_KEY_REV
			", but where it has neither the annotation does nothing and the label starts injection");
		if (in->namespace.len)
			ifx_help(fix, "the Namespace '%.*s' in the input would show which it is",
				 IFX_ARG(in->namespace));
	}
	fix->finding.choices = "label|keep-both|drop";
	ifx_answered(fix, p->answered);
	add_rollout(fix, p);
	if (!p->drop)
		become_label(fix, p);
	else if (is_editable(fix, p))
		ifx_fix_remove(fix, p->annotation.entry);
}

static void says_true(const struct pod *p)
{
	struct ifx_injection in = ifx_injection_of(p->cx, p->r);
	bool known = (in.state != IFX_INJECTION_UNKNOWN && in.state != IFX_INJECTION_UNLABELLED) ||
		     ifx_pod_on_host_network(p->hit);
	struct ifx_fix *fix;

	if (!known) {
		ask_about_true(p, &in);
		return;
	}
	fix = ifx_find(p->cx, p->annotation.entry->key, level_of(p), IFX_WARNING,
		       DEPRECATED "; as a label \"true\" does the same: %.*s",
		       IFX_ARG(why_same(p, &in)));
	add_rollout(fix, p);
	become_label(fix, p);
}

static void alone(const struct pod *p)
{
	const struct ifx_record *patch;
	struct ifx_fix *fix;

	if (ifx_says(&p->annotation, "true") || ifx_says(&p->annotation, "false")) {
		patch = patched_elsewhere(p);
		if (patch)
			ask_about_patch(p, patch);
		else if (ifx_says(&p->annotation, "true"))
			says_true(p);
		else
			says_false(p);
		return;
	}
	/* Nothing is said by it, as inject-value tells. */
	if (p->annotation.text.ptr && !p->annotation.text.len)
		return;
	fix = ifx_find(p->cx, p->annotation.entry->key, IFX_REPORT, IFX_WARNING,
		       DEPRECATED " for the label of that name");
	if (p->annotation.text.ptr && ifx_is_placeholder(p->annotation.text))
		ifx_refuse(fix, "what takes the place of '%.*s' is not known",
			   IFX_ARG(ifx_excerpt(p->cx, p->annotation.text)));
	else if (p->annotation.text.ptr)
		ifx_refuse(fix, "'%.*s' is neither true nor false; correct the value first",
			   IFX_ARG(ifx_excerpt(p->cx, p->annotation.text)));
	else
		ifx_refuse(fix, "its value is not a string; quote it first");
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct pod p = { .cx = cx, .r = r };
	const char *answer = ifx_chosen(cx, &p.answered);

	p.keep_both = !strcmp(answer, "keep-both");
	p.drop = !strcmp(answer, "drop");
	for (const struct ifx_hit *hit = ifx_pod_metadata(cx, r); hit; hit = hit->next) {
		p.hit = hit;
		p.annotation = ifx_said(hit->node, "annotations", IFX_KEY_INJECT);
		p.label = ifx_said(hit->node, "labels", IFX_KEY_INJECT);
		if (!p.annotation.entry)
			continue;
		if (p.label.entry)
			beside_label(&p);
		else
			alone(&p);
	}
}

static const struct ifx_answer answers[] = {
	{ "label", "the label takes the annotation's place" },
	{ "keep-both", "add the label and keep the annotation, for tools that read only that" },
	{ "drop", "where \"true\" may do nothing: remove it, the namespace decides as before" },
	{ NULL, NULL },
};

const struct ifx_transform ifx_inject_annotation = {
	.id = "inject-annotation",
	.ist = "IST0135",
	.summary = "the annotation sidecar.istio.io/inject becomes the label of that name",
	.source = "https://istio.io/latest/docs/reference/config/labels/#SidecarInject",
	.level = IFX_SAFE,
	.needles = (const char *const[]){ IFX_KEY_INJECT, NULL },
	.answers = answers,
	.run = run,
};
