/*
 * image-auto: a container `istio-proxy` with the image `auto` waits for the injector to replace it.
 * No registry has such an image, so a pod that is not injected never starts.
 */
#include "rule/transform.h"

#include "rule/injection.h"
#include "yaml/path.h"

static const struct ifx_answer answers[] = {
	{ "label", "label the pod template with sidecar.istio.io/inject: \"true\"" },
	{ "leave", "the namespace has a label that injects, where the input does not show it" },
	{ NULL, NULL },
};

/* The image of the proxy in a pod, when it is `auto`. */
static const struct ifx_node *auto_image(const struct ifx_hit *pod)
{
	const struct ifx_node *spec = ifx_get(pod->parent, IFX_LIT("spec"));
	const struct ifx_node *list = ifx_get(spec, IFX_LIT("containers"));

	if (!ifx_is(list, IFX_SEQ))
		return NULL;
	for (const struct ifx_entry *e = list->first; e; e = e->next) {
		const struct ifx_node *container = ifx_deref(e->value);
		const struct ifx_node *image = ifx_get(container, IFX_LIT("image"));

		if (ifx_is(image, IFX_SCALAR) && ifx_str_eq(ifx_text(image), IFX_LIT("auto")) &&
		    ifx_str_eq(ifx_get_text(container, IFX_LIT("name")), IFX_LIT("istio-proxy")))
			return image;
	}
	return NULL;
}

#define NEVER "nothing replaces the image 'auto', and the pod cannot start: "

/* No label helps. */
static void hopeless(struct ifx_cx *cx, const struct ifx_node *image, bool is_pod, const char *why,
		     ifx_str what, const char *help)
{
	struct ifx_fix *fix = ifx_find(cx, image, IFX_REPORT, IFX_ERROR, NEVER "%s%s%.*s%s", why,
				       what.len ? " '" : "", IFX_ARG(what), what.len ? "'" : "");

	if (is_pod)
		fix->finding.ist = "IST0147";
	ifx_help(fix, "%s", help);
}

#define UNLESS                                                                                     \
	"the pod cannot start unless the injector replaces the image 'auto', and nothing here asks for it"

/* Nobody replaces the labels of a pod that runs, and few write one by hand. */
static void plain_pod(struct ifx_cx *cx, const struct ifx_node *image, bool known)
{
	struct ifx_fix *fix;

	if (known)
		fix = ifx_find(cx, image, IFX_REPORT, IFX_ERROR,
			       NEVER "neither the namespace nor the pod has a label that injects");
	else
		fix = ifx_find(cx, image, IFX_REPORT, IFX_INFO, UNLESS);
	fix->finding.ist = "IST0147";
	ifx_help(fix, "label it " IFX_KEY_INJECT ": \"true\", or its namespace");
}

static void ask(struct ifx_cx *cx, const struct ifx_hit *pod, const struct ifx_node *image,
		const struct ifx_said *inject, bool known)
{
	ifx_str path[2] = { pod->key, IFX_LIT("labels") };
	bool answered;
	const char *answer = ifx_chosen(cx, &answered);
	struct ifx_fix *fix;

	if (answered && !strcmp(answer, "leave"))
		return;
	fix = ifx_find(
		cx, image, IFX_CHOICE, known ? IFX_ERROR : IFX_INFO,
		known ? NEVER
			"neither the namespace nor the pod has a label that injects; with " IFX_KEY_INJECT
			": \"true\" the default revision does"
		      : UNLESS "; with " IFX_KEY_INJECT ": \"true\" the default revision does");
	ifx_answered(fix, answered);
	if (!known)
		ifx_help(fix, "if the namespace has a label that injects, all is well");
	if (inject->entry)
		ifx_refuse(fix, "the label is there with the value '%.*s'", IFX_ARG(inject->text));
	else if (!pod->direct)
		ifx_refuse(fix, "an alias or a merge key is on the way");
	else
		ifx_fix_insert(fix, ifx_place_of(pod->parent, path, 2), IFX_LIT(IFX_KEY_INJECT),
			       IFX_LIT("true"));
}

static void one_pod(struct ifx_cx *cx, const struct ifx_resource *r, const struct ifx_hit *pod,
		    const struct ifx_node *image)
{
	struct ifx_said inject = ifx_said(pod->node, "labels", IFX_KEY_INJECT);
	struct ifx_said rev = ifx_said(pod->node, "labels", IFX_KEY_REV);
	bool is_pod = !r->group.len && ifx_str_eq(r->kind, IFX_LIT("Pod"));
	struct ifx_injection in;

	if (ifx_pod_on_host_network(pod)) {
		hopeless(cx, image, is_pod, "a pod with hostNetwork is never injected", IFX_LIT(""),
			 "write the image of the proxy, or give up hostNetwork");
		return;
	}
	if (ifx_says(&inject, "false")) {
		hopeless(cx, image, is_pod, "the pod is not injected, because of its label",
			 IFX_LIT(IFX_KEY_INJECT ": false"),
			 "set the label to \"true\", or remove the container");
		return;
	}
	in = ifx_injection_of(cx, r);
	if (in.state == IFX_INJECTION_OFF) {
		hopeless(cx, image, is_pod, "the namespace is not injected, because of", in.why,
			 "take the workload to another namespace, or change that label");
		return;
	}
	if (ifx_says(&inject, "true") || rev.text.len || in.state == IFX_INJECTION_ENABLED ||
	    in.state == IFX_INJECTION_REVISION)
		return;
	if (is_pod)
		plain_pod(cx, image, in.state == IFX_INJECTION_UNLABELLED);
	else
		ask(cx, pod, image, &inject, in.state == IFX_INJECTION_UNLABELLED);
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	for (struct ifx_hit *pod = ifx_pod_metadata(cx, r); pod; pod = pod->next) {
		const struct ifx_node *image = auto_image(pod);

		if (image)
			one_pod(cx, r, pod, image);
	}
}

const struct ifx_transform ifx_image_auto = {
	.id = "image-auto",
	.ist = "IST0146",
	.summary = "pods whose proxy has the image auto ask for injection",
	.source = "https://istio.io/latest/docs/reference/config/analysis/ist0146/",
	.level = IFX_CHOICE,
	.needles = (const char *const[]){ "istio-proxy", NULL },
	.answers = answers,
	.run = run,
};
