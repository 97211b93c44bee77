#include "rule/strings.h"

#include "rule/cx.h"

#include "rule/field.h"
#include "rule/duration.h"
#include "rule/metadata.h"
#include "rule/proxyconfig.h"
#include "rule/value.h"
#include "yaml/path.h"

/* ---- which maps ---- */

struct list {
	struct ifx_cx *cx;
	struct ifx_metadata *first, **link;
};

static bool is_named(const struct list *list, const struct ifx_node *map)
{
	for (const struct ifx_metadata *m = list->first; m; m = m->next)
		if (m->node == map || m->strings[0].map == map || m->strings[1].map == map)
			return true;
	return false;
}

static struct ifx_strings strings_of(const struct list *list, const struct ifx_node *metadata,
				     bool labels, bool direct)
{
	ifx_str key = labels ? IFX_LIT("labels") : IFX_LIT("annotations");
	struct ifx_strings strings = { .labels = labels };
	bool here;
	const struct ifx_entry *entry = ifx_map_find(metadata, key, &here);
	const struct ifx_node *map = entry ? ifx_deref(entry->value) : NULL;

	if (!ifx_is(map, IFX_MAP) || is_named(list, map))
		return strings;
	strings.map = map;
	strings.direct = direct && here && map == entry->value && !ifx_map_entry_after(entry, key);
	return strings;
}

static void add(struct list *list, const struct ifx_node *node, ifx_role role, bool direct)
{
	struct ifx_metadata *m;

	if (!ifx_is(node, IFX_MAP) || is_named(list, node))
		return;
	m = ifx_arena_alloc(ifx_cx_arena(list->cx), sizeof(*m));
	if (!m) {
		ifx_cx_failed(list->cx);
		return;
	}
	m->node = node;
	m->role = role;
	m->strings[0] = strings_of(list, node, true, direct);
	m->strings[1] = strings_of(list, node, false, direct);
	*list->link = m;
	list->link = &m->next;
}

struct ifx_metadata *ifx_metadata(struct ifx_cx *cx, const struct ifx_resource *r)
{
	const struct ifx_workload_fact *w;
	struct list list = { .cx = cx };
	const struct ifx_entry *own;
	struct ifx_hit *hit;
	bool direct;

	if (cx->metadata_of == r)
		return cx->metadata;
	w = ifx_fact_workload(r->group, r->kind);
	list.link = &list.first;
	for (size_t i = 0; w && i < sizeof(w->inert) / sizeof(*w->inert) && w->inert[i]; i++) {
		if (!ifx_path_find(&hit, r->node, w->inert[i], ifx_cx_arena(cx)))
			ifx_cx_failed(cx);
		for (; hit; hit = hit->next)
			add(&list, hit->node, IFX_ROLE_INERT, hit->direct);
	}
	if (w)
		for (hit = ifx_pod_metadata(cx, r); hit; hit = hit->next)
			add(&list, hit->node, IFX_ROLE_POD, hit->direct);
	own = ifx_map_find(r->node, IFX_LIT("metadata"), &direct);
	if (own)
		add(&list, ifx_deref(own->value), IFX_ROLE_OWN,
		    direct && own->value->kind != IFX_ALIAS);
	cx->metadata_of = r;
	cx->metadata = list.first;
	return list.first;
}

const char *ifx_strings_noun(bool labels)
{
	return labels ? "label" : "annotation";
}

ifx_str ifx_istio_key(const struct ifx_entry *entry)
{
	ifx_str key = ifx_is(entry->key, IFX_SCALAR) ? ifx_text(entry->key) : IFX_NONE;

	if (key.ptr && (ifx_key_is_istio(key) || ifx_str_eq(key, IFX_LIT("istio-locality"))))
		return key;
	return IFX_NONE;
}

ifx_str ifx_entry_text(const struct ifx_entry *entry)
{
	const struct ifx_node *value = ifx_deref(entry->value);

	if (!ifx_is(value, IFX_SCALAR))
		return IFX_NONE;
	return ifx_is_null(value) ? IFX_LIT("") : ifx_text(value);
}

ifx_str ifx_entry_shown(struct ifx_cx *cx, const struct ifx_entry *entry)
{
	ifx_str text = ifx_entry_text(entry);

	if (!text.ptr || ifx_line_end(text, 0) < text.len)
		return IFX_LIT("...");
	return ifx_excerpt(cx, text);
}

void ifx_refuse_indirect(struct ifx_fix *fix, const struct ifx_strings *strings)
{
	if (!strings->direct)
		ifx_refuse(fix, "an alias, a merge key or a second '%s' is on the way",
			   strings->labels ? "labels" : "annotations");
}

/* ---- what a key means ---- */

const struct ifx_key_fact *ifx_fact_of(ifx_str key, bool labels)
{
	return labels ? ifx_fact_label(key) : ifx_fact_annotation(key);
}

void ifx_say_kinds(struct ifx_buf *out, const struct ifx_key_fact *fact)
{
	ifx_str rest = ifx_str_of(fact->kinds), one;
	const char *before = "";

	while (ifx_str_split(&rest, ',', &one)) {
		ifx_buf_addf(out, "%s%.*s", before, IFX_ARG(one));
		before = ", ";
	}
}

ifx_str ifx_role_name(const struct ifx_resource *r, ifx_role role)
{
	if (role == IFX_ROLE_POD && !ifx_str_eq(r->kind, IFX_LIT("Pod")))
		return IFX_LIT("pod template");
	return r->kind;
}

/* Objects whose own metadata is handed to pods, or to what stands for them. */
static bool hands_down(const struct ifx_key_fact *fact, const struct ifx_resource *r)
{
	if (ifx_str_eq(r->kind, IFX_LIT("Gateway")))
		return ifx_str_eq(r->group, IFX_LIT("gateway.networking.k8s.io"));
	return ifx_str_eq(r->kind, IFX_LIT("WorkloadGroup")) && fact->type == IFX_VALUE_PROXYCONFIG;
}

ifx_fit ifx_key_fit(const struct ifx_key_fact *fact, const struct ifx_resource *r, ifx_role role)
{
	struct ifx_meta here = { .r = r, .pod = role == IFX_ROLE_POD };
	struct ifx_meta below = { .r = r, .pod = true };

	/* A template is no object of the kind. */
	here.own = role != IFX_ROLE_POD;
	if (ifx_meta_belongs(&here, fact) || (role == IFX_ROLE_POD && !strcmp(fact->kinds, "Any")))
		return IFX_FITS;
	if (!ifx_meta_belongs(&below, fact))
		return IFX_FITS_NOT;
	if (role == IFX_ROLE_INERT)
		return IFX_FITS_PODS;
	return hands_down(fact, r) ? IFX_FITS : IFX_FITS_NOT;
}

struct refused {
	struct ifx_cx *cx;
	struct ifx_buf *why;
	bool any;
};

static void see_misfit(void *data, const struct ifx_misfit *m)
{
	struct refused *r = data;

	if (!r->any)
		ifx_buf_addf(r->why, "in its text '%.*s' %.*s", IFX_ARG(m->name), IFX_ARG(m->what));
	r->any = true;
}

/* A duration that its reader refuses, and that the rule `duration` could not make right. */
static void see_durations(struct refused *r, const struct ifx_node *root)
{
	size_t n;
	const struct ifx_duration_fact *facts = ifx_fact_durations(&n);
	struct ifx_hit *hit;

	for (size_t i = 0; i < n && !r->any; i++) {
		if (facts[i].message != IFX_MSG_PROXYCONFIG ||
		    !strncmp(facts[i].path, "proxyMetadata.", 14))
			continue;
		if (!ifx_path_find(&hit, root, facts[i].path, ifx_cx_arena(r->cx)))
			ifx_cx_failed(r->cx);
		for (; hit && !r->any; hit = hit->next) {
			ifx_str text = hit->node ? ifx_text(hit->node) : IFX_NONE;
			struct ifx_duration d;

			if (!text.ptr || ifx_is_null(hit->node))
				continue;
			d = ifx_duration_read(text, facts[i].grammar);
			r->any = d.kind == IFX_DUR_INVALID || d.kind == IFX_DUR_FOREIGN ||
				 !ifx_is_string(hit->node);
			if (r->any)
				ifx_buf_addf(r->why, "in its text '%.*s' is no duration",
					     IFX_ARG(hit->key));
			else if (d.kind == IFX_DUR_VALID &&
				 !ifx_duration_allowed(&facts[i], d.ns, r->why))
				r->any = true;
		}
	}
}

bool ifx_value_usable(struct ifx_cx *cx, const struct ifx_key_fact *fact, bool label,
		      const struct ifx_node *value, struct ifx_buf *why)
{
	static const struct ifx_key_fact any_label = { .name = "", .type = IFX_VALUE_LABEL };
	const struct ifx_doc *doc;
	ifx_str text, parse;

	value = ifx_deref(value);
	if (!ifx_is(value, IFX_SCALAR)) {
		ifx_buf_add(why, IFX_LIT("it is not a string"));
		return false;
	}
	if (!ifx_is_string(value) && !ifx_is_null(value)) {
		ifx_buf_add(why, IFX_LIT("it is not a string; quote it first"));
		return false;
	}
	text = ifx_is_null(value) ? IFX_LIT("") : ifx_text(value);
	if (label && !ifx_value_ok(&any_label, text, why))
		return false;
	if (fact->type == IFX_VALUE_PROXYCONFIG && text.len && !ifx_text_has_hole(text)) {
		doc = ifx_embedded(cx, value, &parse);
		if (!doc) {
			ifx_buf_addf(why, "its text is %.*s", IFX_ARG(parse));
			return false;
		}
		if (doc->root && !ifx_is(doc->root, IFX_MAP) && !ifx_is_null(doc->root)) {
			ifx_buf_add(why, IFX_LIT("its text is not a map"));
			return false;
		}
		if (ifx_is(doc->root, IFX_MAP)) {
			struct refused r = { cx, why, false };

			ifx_proxyconfig_check(cx, doc->root, see_misfit, &r);
			see_durations(&r, doc->root);
			if (r.any)
				return false;
		}
	}
	return ifx_value_ok(fact, text, why);
}

/* ---- what starts to happen ---- */

static const char *label_effect(ifx_str key, ifx_role role, ifx_str value)
{
	bool pods = role != IFX_ROLE_OWN;

	if (ifx_str_eq(key, IFX_LIT("istio-injection")))
		return ifx_str_eq(value, IFX_LIT("enabled"))
			       ? "new pods of the namespace get a sidecar"
			       : "new pods of the namespace get no sidecar";
	if (ifx_str_eq(key, IFX_LIT("sidecar.istio.io/inject")))
		return ifx_str_eq(value, IFX_LIT("true"))
			       ? "new pods get a sidecar, unless the namespace says 'istio-injection: disabled'"
			       : "new pods get no sidecar";
	if (ifx_str_eq(key, IFX_LIT("istio.io/dataplane-mode"))) {
		if (!ifx_str_eq(value, IFX_LIT("ambient")))
			return pods ? "the pods stay out of ambient"
				    : "it says that nothing is in ambient";
		return pods ? "pods without a sidecar join ambient"
			    : "the namespace's pods without a sidecar join ambient";
	}
	if (ifx_str_eq(key, IFX_LIT("istio.io/rev")))
		return "it selects the control plane of this revision";
	if (ifx_str_eq(key, IFX_LIT("istio.io/use-waypoint")))
		return ifx_str_eq(value, IFX_LIT("none"))
			       ? "in ambient no waypoint is used for it"
			       : "in ambient its traffic goes through this waypoint";
	if (ifx_str_eq(key, IFX_LIT("istio.io/use-waypoint-namespace")))
		return "the waypoint is looked up in this namespace";
	if (ifx_str_starts(key, IFX_LIT("service.istio.io/")))
		return "telemetry names the pods so";
	if (ifx_str_eq(key, IFX_LIT("topology.istio.io/network")))
		return "Istio takes it to be in this network";
	if (ifx_str_eq(key, IFX_LIT("topology.istio.io/locality")) ||
	    ifx_str_eq(key, IFX_LIT("istio-locality")))
		return "Istio takes the pods to be in this locality";
	return NULL;
}

static const char *annotation_effect(ifx_str key, ifx_str value)
{
	if (ifx_str_eq(key, IFX_LIT("sidecar.istio.io/inject")))
		return ifx_str_eq(value, IFX_LIT("false"))
			       ? "new pods get no sidecar"
			       : "new pods ask for a sidecar, where the namespace allows it";
	if (ifx_str_starts(key, IFX_LIT("sidecar.istio.io/proxyCPU")) ||
	    ifx_str_starts(key, IFX_LIT("sidecar.istio.io/proxyMemory")))
		return "new pods get the proxy resources that these annotations say, and no defaults";
	if (ifx_str_eq(key, IFX_LIT("proxy.istio.io/config")))
		return "new pods run the proxy with this configuration";
	if (ifx_str_starts(key, IFX_LIT("traffic.sidecar.istio.io/")))
		return "new pods redirect traffic as it says";
	return NULL;
}

const char *ifx_key_effect(const struct ifx_key_fact *fact, bool label, ifx_role role,
			   ifx_str value)
{
	ifx_str key = ifx_str_of(fact->name);
	const char *effect;

	/* `${MODE}`: nobody knows what it will say. */
	if (ifx_text_has_hole(value))
		return "it takes effect, whatever it will say";
	effect = label ? label_effect(key, role, value) : annotation_effect(key, value);
	return effect ? effect : "it takes effect";
}

const char *ifx_rollout(const struct ifx_resource *r)
{
	if (!ifx_fact_workload(r->group, r->kind) || ifx_str_eq(r->kind, IFX_LIT("Pod")))
		return "";
	if (ifx_str_eq(r->kind, IFX_LIT("Job")))
		return "; the template of a Job that exists already cannot be changed";
	if (ifx_str_eq(r->kind, IFX_LIT("CronJob")))
		return "; from the next run on";
	return "; the next apply rolls out";
}

bool ifx_service_selects_by(struct ifx_cx *cx, ifx_str key)
{
	const struct ifx_record *service;
	const size_t *list;
	size_t n = ifx_environments(cx, &list);

	for (size_t i = 0; i < n; i++)
		for (service = NULL; (service = ifx_records(cx, list[i], IFX_LIT(""),
							    IFX_LIT("Service"), service)) != NULL;)
			if (ifx_pair_value(service->selector, key).ptr)
				return true;
	return false;
}

struct ifx_hit *ifx_pods_below(struct ifx_cx *cx, const struct ifx_resource *r,
			       const struct ifx_node *metadata)
{
	const struct ifx_node *owner = metadata->entry ? metadata->entry->in : r->node;
	struct ifx_hit *pods = ifx_pod_metadata(cx, r), *all = pods, **link = &pods;

	if (pods && ifx_str_eq(pods->key, IFX_LIT("podMetadata"))) {
		pods->next = NULL;
		return pods;
	}
	for (struct ifx_hit *p = all; p; p = p->next) {
		size_t at = p->parent->span.at;

		if (at >= owner->span.at && at < owner->span.at + owner->span.len) {
			*link = p;
			link = &p->next;
		}
	}
	*link = NULL;
	return pods;
}
