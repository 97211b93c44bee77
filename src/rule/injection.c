#include "rule/injection.h"

#include "rule/value.h"
#include "yaml/path.h"

/* Istio's injector passes these over, whatever their labels say. */
static bool is_passed_over(ifx_str namespace)
{
	static const char *const names[] = { "kube-system", "kube-public", "kube-node-lease",
					     "local-path-storage" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ifx_str_eq(namespace, ifx_str_of(names[i])))
			return true;
	return false;
}

static ifx_str pair_text(struct ifx_cx *cx, const char *key, ifx_str value)
{
	ifx_str text = ifx_arena_printf(ifx_cx_arena(cx), value.len ? "%s: %.*s" : "%s: \"\"", key,
					IFX_ARG(value));

	if (!text.ptr)
		ifx_cx_failed(cx);
	return text;
}

/*
 * The mutating webhooks: istio-injection switches those of all revisions off by being there, and
 * only `enabled` switches its own one on.
 */
static struct ifx_injection of_labels(struct ifx_cx *cx, struct ifx_pairs labels)
{
	ifx_str injection = ifx_pair_value(labels, IFX_LIT(IFX_KEY_INJECTION));
	ifx_str revision = ifx_pair_value(labels, IFX_LIT(IFX_KEY_REV));
	struct ifx_injection in = { .state = IFX_INJECTION_UNLABELLED };

	in.ambient = ifx_str_eq(ifx_pair_value(labels, IFX_LIT(IFX_KEY_MODE)), IFX_LIT("ambient"));
	if (injection.ptr) {
		in.state = ifx_str_eq(injection, IFX_LIT("enabled")) ? IFX_INJECTION_ENABLED
								     : IFX_INJECTION_OFF;
		in.why = pair_text(cx, IFX_KEY_INJECTION, injection);
	} else if (revision.ptr) {
		in.state = revision.len ? IFX_INJECTION_REVISION : IFX_INJECTION_OFF;
		in.why = pair_text(cx, IFX_KEY_REV, revision);
	}
	return in;
}

/* Two objects of that name (overlays without a kustomization) must say the same. */
static struct ifx_injection in_environment(struct ifx_cx *cx, const struct ifx_resource *r,
					   size_t environment)
{
	struct ifx_injection in = { .namespace = ifx_namespace_in(cx, r, environment) };
	const struct ifx_record *rec = NULL;
	bool found = false;

	if (!in.namespace.len)
		return (struct ifx_injection){ 0 };
	while ((rec = ifx_records_named(cx, environment, IFX_LIT(""), IFX_LIT("Namespace"),
					in.namespace, rec)) != NULL) {
		struct ifx_injection one;

		one = of_labels(cx, rec->labels);
		one.namespace = in.namespace;
		if (found && (one.state != in.state || one.ambient != in.ambient ||
			      !ifx_str_eq(one.why, in.why)))
			return (struct ifx_injection){ .namespace = in.namespace };
		in = one;
		found = true;
	}
	if (is_passed_over(in.namespace)) {
		in.state = IFX_INJECTION_OFF;
		in.why = IFX_NONE;
	}
	return in;
}

static bool is_labelled(ifx_injection_state state)
{
	return state != IFX_INJECTION_UNKNOWN && state != IFX_INJECTION_UNLABELLED;
}

struct ifx_injection ifx_injection_of(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const size_t *environments;
	size_t n = ifx_environments(cx, &environments);
	struct ifx_injection in = in_environment(cx, r, environments[0]);

	for (size_t i = 1; i < n; i++) {
		struct ifx_injection one = in_environment(cx, r, environments[i]);

		if (one.state != in.state)
			in.state = is_labelled(one.state) && is_labelled(in.state)
					   ? IFX_INJECTION_DIFFERS
					   : IFX_INJECTION_UNKNOWN;
		in.ambient = in.ambient && one.ambient;
		if (!ifx_str_eq(one.namespace, in.namespace))
			in.namespace = IFX_NONE;
		if (!ifx_str_eq(one.why, in.why))
			in.why = IFX_NONE;
	}
	return in;
}

struct ifx_said ifx_said(const struct ifx_node *metadata, const char *map, const char *key)
{
	bool map_direct = false, key_direct = false;
	const struct ifx_entry *entry = ifx_map_find(metadata, ifx_str_of(map), &map_direct);
	const struct ifx_node *node = entry ? ifx_deref(entry->value) : NULL;
	struct ifx_said said = { 0 };

	if (!ifx_is(node, IFX_MAP))
		return said;
	said.entry = ifx_map_find(node, ifx_str_of(key), &key_direct);
	if (!said.entry)
		return said;
	said.value = ifx_deref(said.entry->value);
	said.direct =
		map_direct && key_direct && node == entry->value && said.value == said.entry->value;
	if (ifx_is_null(said.value))
		said.text = IFX_LIT("");
	else if (ifx_is(said.value, IFX_SCALAR) && ifx_is_string(said.value))
		said.text = ifx_text(said.value);
	return said;
}

bool ifx_says(const struct ifx_said *said, const char *text)
{
	return said->entry && said->text.ptr && ifx_str_eq(said->text, ifx_str_of(text));
}

bool ifx_said_editable(struct ifx_fix *fix, const struct ifx_said *said)
{
	ifx_str key = ifx_text(said->entry->key), path;

	if (ifx_map_entry_after(said->entry, key)) {
		ifx_refuse(fix, "the key '%.*s' is there twice; remove one of them first",
			   IFX_ARG(key));
		return false;
	}
	if (said->direct)
		return true;
	path = said->value ? ifx_path_of(said->value, ifx_cx_arena(fix->cx)) : IFX_NONE;
	if (!path.ptr)
		ifx_cx_failed(fix->cx);
	else
		ifx_refuse(fix,
			   "'%.*s' comes through an alias or a merge key from %.*s; edit it there",
			   IFX_ARG(key), IFX_ARG(path));
	return false;
}

/* Is the selector made of the pods' labels when there is none? */
static bool selector_is_optional(const struct ifx_resource *r)
{
	if (ifx_str_eq(r->kind, IFX_LIT("ReplicationController")) ||
	    ifx_str_eq(r->kind, IFX_LIT("DeploymentConfig")))
		return true;
	return (ifx_str_eq(r->group, IFX_LIT("extensions")) ||
		ifx_str_eq(r->group, IFX_LIT("apps"))) &&
	       ifx_str_eq(r->version, IFX_LIT("v1beta1"));
}

bool ifx_selector_names(const struct ifx_node *selector, ifx_str key)
{
	const struct ifx_node *list = ifx_get(selector, IFX_LIT("matchExpressions"));

	/* ReplicationController and DeploymentConfig have the labels in it directly. */
	if (ifx_map_find(selector, key, NULL) ||
	    ifx_map_find(ifx_get(selector, IFX_LIT("matchLabels")), key, NULL))
		return true;
	for (const struct ifx_entry *e = ifx_is(list, IFX_SEQ) ? list->first : NULL; e; e = e->next)
		if (ifx_str_eq(ifx_get_text(ifx_deref(e->value), IFX_LIT("key")), key))
			return true;
	return false;
}

bool ifx_pod_label_editable(struct ifx_fix *fix, const struct ifx_resource *r, const char *key)
{
	const struct ifx_node *selector =
		ifx_get(ifx_get(r->node, IFX_LIT("spec")), IFX_LIT("selector"));

	if (!selector && selector_is_optional(r)) {
		ifx_refuse(
			fix,
			"without a selector of its own the %.*s selects by all labels of its pods; write the selector first",
			IFX_ARG(r->kind));
		return false;
	}
	if (ifx_selector_names(selector, ifx_str_of(key))) {
		ifx_refuse(fix, "the selector asks for the label '%s'; edit both by hand", key);
		return false;
	}
	return true;
}

bool ifx_is_label_value(ifx_str text)
{
	static const struct ifx_key_fact any = { .name = "", .type = IFX_VALUE_LABEL };

	return ifx_value_ok(&any, text, NULL);
}

bool ifx_is_placeholder(ifx_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (memchr("${}<>%@()[]", text.ptr[i], 11))
			return true;
	return false;
}

bool ifx_pod_on_host_network(const struct ifx_hit *pod)
{
	/* Argo keeps podMetadata in the spec, all others have it beside the spec. */
	const struct ifx_node *spec = ifx_str_eq(pod->key, IFX_LIT("podMetadata"))
					      ? pod->parent
					      : ifx_get(pod->parent, IFX_LIT("spec"));
	const struct ifx_node *value = ifx_get(spec, IFX_LIT("hostNetwork"));

	return ifx_is(value, IFX_SCALAR) && value->style == IFX_PLAIN &&
	       ifx_str_ieq(ifx_text(value), IFX_LIT("true"));
}
