/*
 * ambient-conflict: pods that are put into ambient and given a sidecar. The webhooks do not look at
 * istio.io/dataplane-mode, and the CNI agent leaves pods with a sidecar alone: the sidecar wins
 * wherever it is injected.
 *
 *   in ambient       the pod's label says so, or the namespace's and not `none` on the pod
 *   with a sidecar   the pod asks (sidecar.istio.io/inject, istio.io/rev), or the namespace injects
 *
 * A namespace that says both is injection-conflict's.
 */
#include "rule/injection.h"

#include "rule/field.h"
#include "yaml/path.h"

struct pod {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	const struct ifx_hit *hit;
	struct ifx_injection in;                       /* the namespace */
	struct ifx_said mode, label, rev;              /* the pod's labels */
	struct ifx_said annotation;                    /* sidecar.istio.io/inject */
	bool ambient, by_label, by_annotation, by_rev; /* what the pod asks for */
};

/* ---- what the pod says ---- */

/* A gateway is a proxy; that it is injected does not make it anybody's sidecar. */
static bool is_gateway(const struct ifx_node *metadata)
{
	struct ifx_said templates = ifx_said(metadata, "annotations", "inject.istio.io/templates");
	ifx_str rest = templates.text, item;

	while (ifx_str_split(&rest, ',', &item))
		if (ifx_str_eq(ifx_str_trim(item), IFX_LIT("gateway")))
			return true;
	return false;
}

static void read_pod(struct pod *p)
{
	const struct ifx_node *metadata = p->hit->node;

	p->mode = ifx_said(metadata, "labels", IFX_KEY_MODE);
	p->label = ifx_said(metadata, "labels", IFX_KEY_INJECT);
	p->rev = ifx_said(metadata, "labels", IFX_KEY_REV);
	p->annotation = ifx_said(metadata, "annotations", IFX_KEY_INJECT);
	p->ambient = ifx_says(&p->mode, "ambient");
	p->by_label = ifx_says(&p->label, "true");
	p->by_annotation = !p->label.entry && ifx_says(&p->annotation, "true");
	p->by_rev = p->rev.entry && p->rev.text.len;
}

static bool is_opted_out(const struct pod *p)
{
	return ifx_says(p->label.entry ? &p->label : &p->annotation, "false");
}

static bool asks(const struct pod *p)
{
	return p->by_label || p->by_annotation || p->by_rev;
}

static bool namespace_injects(const struct pod *p)
{
	return p->in.state == IFX_INJECTION_ENABLED || p->in.state == IFX_INJECTION_REVISION;
}

/* ---- words ---- */

/* "'sidecar.istio.io/inject: true' and 'istio.io/rev: canary'" */
static void say_asked(struct ifx_buf *out, const struct pod *p, const char *between)
{
	if (p->by_label || p->by_annotation)
		ifx_buf_addf(out, "%s'" IFX_KEY_INJECT ": true'",
			     p->by_label ? "" : "the annotation ");
	if (p->by_rev)
		ifx_buf_addf(out, "%s'" IFX_KEY_REV ": %.*s'",
			     p->by_label || p->by_annotation ? between : "",
			     IFX_ARG(ifx_excerpt(p->cx, p->rev.text)));
}

/* "'istio.io/dataplane-mode: ambient' of namespace 'shop'" */
static void say_ambient(struct ifx_buf *out, const struct pod *p)
{
	ifx_buf_add(out, IFX_LIT("'" IFX_KEY_MODE ": ambient'"));
	if (!p->ambient && p->in.namespace.ptr)
		ifx_buf_addf(out, " of namespace '%.*s'", IFX_ARG(p->in.namespace));
	else if (!p->ambient)
		ifx_buf_add(out, IFX_LIT(" of the namespace"));
}

static void say_namespace(struct ifx_buf *out, const struct pod *p)
{
	if (p->in.namespace.ptr)
		ifx_buf_addf(out, "namespace '%.*s'", IFX_ARG(p->in.namespace));
	else
		ifx_buf_add(out, IFX_LIT("the namespace"));
	if (p->in.why.ptr)
		ifx_buf_addf(out, " (%.*s)", IFX_ARG(p->in.why));
}

/* ---- findings ---- */

static struct ifx_fix *find(const struct pod *p, ifx_level level, struct ifx_buf *text)
{
	const struct ifx_said *at = p->ambient ? &p->mode : p->by_label ? &p->label : &p->rev;
	struct ifx_fix *fix = ifx_find(p->cx, at->entry->key, level, IFX_WARNING, "%.*s",
				       IFX_ARG(ifx_buf_str(text)));

	if (text->bad)
		ifx_cx_failed(p->cx);
	ifx_buf_release(text);
	if (!p->hit->direct)
		ifx_refuse(fix, "an alias or a merge key is on the way");
	return fix;
}

static void remove_annotation(struct ifx_fix *fix, const struct pod *p)
{
	if (ifx_said_editable(fix, &p->annotation))
		ifx_fix_remove(fix, p->annotation.entry);
}

static void remove_label(struct ifx_fix *fix, const struct pod *p, const struct ifx_said *label,
			 const char *key)
{
	if (ifx_said_editable(fix, label) && ifx_pod_label_editable(fix, p->r, key))
		ifx_fix_remove(fix, label->entry);
}

/* The label says `text`, also where there was none. */
static void put_label(struct ifx_fix *fix, const struct pod *p, const struct ifx_said *label,
		      const char *key, const char *text)
{
	ifx_str path[2] = { p->hit->key, IFX_LIT("labels") };

	if (!ifx_pod_label_editable(fix, p->r, key))
		return;
	if (!label->entry)
		ifx_fix_insert(fix, ifx_place_of(p->hit->parent, path, 2), ifx_str_of(key),
			       ifx_str_of(text));
	else if (ifx_said_editable(fix, label))
		ifx_fix_set(fix, label->entry->value, ifx_str_of(text));
}

static void take_requests(struct ifx_fix *fix, const struct pod *p)
{
	if (p->by_label)
		remove_label(fix, p, &p->label, IFX_KEY_INJECT);
	if (p->by_annotation)
		remove_annotation(fix, p);
	if (p->by_rev)
		remove_label(fix, p, &p->rev, IFX_KEY_REV);
}

/* The namespace keeps all sidecars out: what the pod asks for is dead. */
static void asks_in_vain(const struct pod *p)
{
	struct ifx_buf text;

	ifx_buf_init(&text, 1 << 14);
	say_asked(&text, p, " and ");
	ifx_buf_addf(&text, " %s in vain for a sidecar beside ",
		     p->by_rev && (p->by_label || p->by_annotation) ? "ask" : "asks");
	say_ambient(&text, p);
	ifx_buf_add(&text, IFX_LIT(": "));
	say_namespace(&text, p);
	ifx_buf_add(&text, IFX_LIT(" keeps all sidecars out, and the pods are in ambient"));
	take_requests(find(p, IFX_SAFE, &text), p);
}

static void put_into_ambient(struct ifx_fix *fix, const struct pod *p)
{
	/* Nobody else injects: it is enough not to ask. */
	if (p->in.state == IFX_INJECTION_UNLABELLED) {
		take_requests(fix, p);
		return;
	}
	put_label(fix, p, &p->label, IFX_KEY_INJECT, "false");
	if (p->annotation.entry)
		remove_annotation(fix, p);
}

static void keep_sidecar(struct ifx_fix *fix, const struct pod *p)
{
	if (p->in.ambient)
		put_label(fix, p, &p->mode, IFX_KEY_MODE, "none");
	else
		remove_label(fix, p, &p->mode, IFX_KEY_MODE);
}

static void both_ways(const struct pod *p)
{
	bool answered;
	const char *answer = ifx_chosen(p->cx, &answered);
	struct ifx_buf text;
	struct ifx_fix *fix;

	ifx_buf_init(&text, 1 << 14);
	if (asks(p)) {
		say_asked(&text, p, ", ");
		ifx_buf_add(&text, IFX_LIT(" and "));
		say_ambient(&text, p);
		ifx_buf_add(&text, IFX_LIT(" want the pods both ways: "));
	} else {
		say_ambient(&text, p);
		ifx_buf_add(&text, IFX_LIT(" does nothing for these pods: "));
	}
	if (namespace_injects(p)) {
		say_namespace(&text, p);
		ifx_buf_add(&text, IFX_LIT(" injects a sidecar, and a sidecar wins over ambient"));
	} else {
		ifx_buf_add(
			&text,
			IFX_LIT("where the sidecar is injected it wins, and they leave ambient"));
	}
	fix = find(p, IFX_CHOICE, &text);
	ifx_answered(fix, answered);
	if (!strcmp(answer, "ambient"))
		put_into_ambient(fix, p);
	else
		keep_sidecar(fix, p);
}

static void check_pod(struct pod *p)
{
	if (is_opted_out(p) || ifx_says(&p->mode, "none") || (!p->ambient && !asks(p)) ||
	    ifx_pod_on_host_network(p->hit) || is_gateway(p->hit->node))
		return;
	/* The annotation alone starts nothing, and where the namespace injects, that is the
	 * conflict. */
	if (!p->ambient && !p->by_label && !p->by_rev)
		return;
	p->in = ifx_injection_of(p->cx, p->r);
	if (!p->ambient && (!p->in.ambient || namespace_injects(p)))
		return;
	if (asks(p) && p->in.state == IFX_INJECTION_OFF)
		asks_in_vain(p);
	else if (asks(p) || (namespace_injects(p) && !p->in.ambient))
		both_ways(p);
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	for (const struct ifx_hit *hit = ifx_pod_metadata(cx, r); hit; hit = hit->next) {
		struct pod p = { .cx = cx, .r = r, .hit = hit };

		read_pod(&p);
		check_pod(&p);
	}
}

static const struct ifx_answer answers[] = {
	{ "sidecar", "keep the sidecar, which wins where it is injected, and leave ambient" },
	{ "ambient", "keep ambient and ask for no sidecar" },
	{ NULL, NULL },
};

const struct ifx_transform ifx_ambient_conflict = {
	.id = "ambient-conflict",
	.summary = "pods are in ambient or have a sidecar, not both",
	.source = "https://istio.io/latest/docs/ambient/usage/add-workloads/",
	.level = IFX_CHOICE,
	.needles = (const char *const[]){ IFX_KEY_MODE, IFX_KEY_INJECT, IFX_KEY_REV, NULL },
	.answers = answers,
	.run = run,
};
