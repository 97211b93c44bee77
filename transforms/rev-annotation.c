/*
 * rev-annotation: the annotation istio.io/rev on pods is a status. The injector writes there which
 * revision served the pod; nobody reads it to select one. The label of that name selects, in a
 * namespace that has no injection label of its own.
 *
 * On the workload's own metadata it is only reported: there it may be somebody's record, and the
 * label, too, would select nothing.
 */
#include "rule/injection.h"

#include "rule/field.h"
#include "rule/value.h"
#include "yaml/path.h"

#define SELECTS_NOTHING "annotation '" IFX_KEY_REV "' selects no control plane"

struct pod {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	const struct ifx_hit *hit;
	struct ifx_said annotation, label;
	bool remove, answered; /* what is chosen */
};

static bool is_editable(struct ifx_fix *fix, const struct pod *p)
{
	if (!ifx_said_editable(fix, &p->annotation))
		return false;
	if (!p->hit->direct)
		ifx_refuse(fix, "an alias or a merge key is on the way");
	return p->hit->direct;
}

/* The label selects. An annotation that says the same is the status that charts for gateways write.
 */
static void beside_label(const struct pod *p)
{
	struct ifx_fix *fix;

	if (p->label.text.ptr && ifx_str_eq(p->annotation.text, p->label.text))
		return;
	fix = ifx_find(p->cx, p->annotation.entry->key, IFX_SAFE, IFX_WARNING,
		       SELECTS_NOTHING
		       "; the label of that name does: it says '%.*s', the annotation '%.*s'",
		       IFX_ARG(ifx_excerpt(p->cx, ifx_text(p->label.value))),
		       IFX_ARG(ifx_excerpt(p->cx, p->annotation.text)));
	if (is_editable(fix, p))
		ifx_fix_remove(fix, p->annotation.entry);
}

/* What the label would do in this namespace, in a clause. */
static ifx_str effect_of(const struct pod *p, ifx_str revision)
{
	struct ifx_injection in = ifx_injection_of(p->cx, p->r);
	struct ifx_arena *arena = ifx_cx_arena(p->cx);
	ifx_str text;

	if (ifx_pod_on_host_network(p->hit))
		return IFX_LIT(
			"the label of that name would not either: pods on the host network get no sidecar");
	if (in.state == IFX_INJECTION_UNLABELLED)
		text = ifx_arena_printf(
			arena,
			"as a label it makes revision '%.*s' inject the pods, as %s%.*s%s no injection label%s",
			IFX_ARG(revision), in.namespace.ptr ? "namespace '" : "its namespaces have",
			IFX_ARG(in.namespace), in.namespace.ptr ? "' has" : "",
			in.ambient ? ", and takes them out of ambient" : "");
	else if (in.state == IFX_INJECTION_UNKNOWN)
		text = ifx_arena_printf(
			arena,
			"the label of that name does, where the namespace has neither " IFX_KEY_INJECTION
			" nor " IFX_KEY_REV ": there revision '%.*s' starts to inject the pods",
			IFX_ARG(revision));
	else if (in.namespace.ptr && in.why.ptr)
		text = ifx_arena_printf(
			arena,
			"the label of that name would not either: namespace '%.*s' has %.*s, which decides",
			IFX_ARG(in.namespace), IFX_ARG(in.why));
	else
		text = IFX_LIT("the label of that name would not either: the namespace decides");
	if (!text.ptr)
		ifx_cx_failed(p->cx);
	return text;
}

static bool is_revision(ifx_str text, struct ifx_buf *why)
{
	static const struct ifx_key_fact name = { .name = "", .type = IFX_VALUE_DNS_LABEL };

	return text.len && ifx_value_ok(&name, text, why);
}

static void alone(const struct pod *p)
{
	ifx_str text = p->annotation.text, path[2] = { p->hit->key, IFX_LIT("labels") };
	struct ifx_place labels = ifx_place_of(p->hit->parent, path, 2);
	struct ifx_buf why;
	struct ifx_fix *fix;

	if (text.ptr && !text.len) {
		/* In a patch a null takes the entry away. */
		if (ifx_is_null(p->annotation.value) && ifx_input_is_patch(p->cx))
			return;
		fix = ifx_find(p->cx, p->annotation.entry->key, IFX_SAFE, IFX_WARNING,
			       SELECTS_NOTHING ", and this one is empty");
		if (is_editable(fix, p))
			ifx_fix_remove(fix, p->annotation.entry);
		return;
	}
	fix = ifx_find(p->cx, p->annotation.entry->key, IFX_CHOICE, IFX_WARNING,
		       SELECTS_NOTHING "; %.*s", IFX_ARG(effect_of(p, ifx_excerpt(p->cx, text))));
	ifx_answered(fix, p->answered);
	if (!is_editable(fix, p))
		return;
	ifx_buf_init(&why, 4096);
	if (p->remove)
		ifx_fix_remove(fix, p->annotation.entry);
	else if (!is_revision(text, &why))
		ifx_refuse(fix, "no revision can have that name: %.*s", IFX_ARG(ifx_buf_str(&why)));
	else if (ifx_pod_label_editable(fix, p->r, IFX_KEY_REV))
		ifx_fix_move(fix, p->annotation.entry, &labels, 1);
	ifx_buf_release(&why);
}

/* ---- whose annotation it is ---- */

/* A proxy that is there already; `auto` is the injector's to replace. */
static bool has_proxy(const struct ifx_node *containers)
{
	containers = ifx_deref(containers);
	for (const struct ifx_entry *e = ifx_is(containers, IFX_SEQ) ? containers->first : NULL; e;
	     e = e->next)
		if (ifx_str_eq(ifx_get_text(e->value, IFX_LIT("name")), IFX_LIT("istio-proxy")) &&
		    !ifx_str_eq(ifx_get_text(e->value, IFX_LIT("image")), IFX_LIT("auto")))
			return true;
	return false;
}

/*
 * Then the annotation is the status that it is meant to be: the injector wrote it, or `istioctl
 * kube-inject`, a chart for a gateway, or istiod for a Gateway of the Gateway API.
 */
static bool is_status(const struct ifx_resource *r, const struct ifx_hit *hit)
{
	const struct ifx_node *spec = ifx_get(hit->parent, IFX_LIT("spec"));

	return ifx_said(hit->node, "annotations", "sidecar.istio.io/status").entry ||
	       ifx_said(hit->node, "labels", "gateway.istio.io/managed").entry ||
	       ifx_said(r->metadata, "labels", "gateway.istio.io/managed").entry ||
	       has_proxy(ifx_get(spec, IFX_LIT("containers"))) ||
	       has_proxy(ifx_get(spec, IFX_LIT("initContainers")));
}

/* Metadata that no pod gets. */
static void report_inert(struct ifx_cx *cx, const struct ifx_resource *r, const char *path)
{
	struct ifx_hit *hit;

	if (!ifx_path_find(&hit, r->node, path, ifx_cx_arena(cx)))
		ifx_cx_failed(cx);
	for (; hit; hit = hit->next) {
		struct ifx_said said = ifx_said(hit->node, "annotations", IFX_KEY_REV);
		struct ifx_fix *fix;

		if (!said.entry)
			continue;
		fix = ifx_find(cx, said.entry->key, IFX_REPORT, IFX_WARNING,
			       SELECTS_NOTHING ", and no pod gets it from a %.*s",
			       IFX_ARG(r->kind));
		ifx_help(
			fix,
			"if its pods are meant, the label of that name belongs in the pod template");
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w = ifx_fact_workload(r->group, r->kind);
	struct pod p = { .cx = cx, .r = r };
	const char *answer;

	if (!w || r->live)
		return;
	answer = ifx_chosen(cx, &p.answered);
	p.remove = !strcmp(answer, "remove");
	for (const struct ifx_hit *hit = ifx_pod_metadata(cx, r); hit; hit = hit->next) {
		p.hit = hit;
		p.annotation = ifx_said(hit->node, "annotations", IFX_KEY_REV);
		p.label = ifx_said(hit->node, "labels", IFX_KEY_REV);
		/* What is not a string is metadata-value-type's. */
		if (!p.annotation.entry || !p.annotation.text.ptr || is_status(r, hit))
			continue;
		if (p.label.entry)
			beside_label(&p);
		else
			alone(&p);
	}
	for (size_t i = 0; i < sizeof(w->inert) / sizeof(*w->inert) && w->inert[i]; i++)
		report_inert(cx, r, w->inert[i]);
}

static const struct ifx_answer answers[] = {
	{ "label",
	  "the label is meant: the revision injects, where the namespace leaves it to the pod" },
	{ "remove", "what happens today is right: remove the annotation, which selects nothing" },
	{ NULL, NULL },
};

const struct ifx_transform ifx_rev_annotation = {
	.id = "rev-annotation",
	.summary = "pods ask for a revision with the label istio.io/rev, not with the annotation",
	.source = "https://istio.io/latest/docs/reference/config/labels/#IoIstioRev",
	.level = IFX_CHOICE,
	.needles = (const char *const[]){ IFX_KEY_REV, NULL },
	.answers = answers,
	.run = run,
};
