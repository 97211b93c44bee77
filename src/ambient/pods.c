#include "ambient/pods.h"

#include "base/alloc.h"
#include "rule/injection.h"
#include "yaml/path.h"

static const struct ifx_node *spec_of(const struct ifx_hit *metadata)
{
	/* Argo keeps podMetadata in the spec, all others have it beside the spec. */
	if (ifx_str_eq(metadata->key, IFX_LIT("podMetadata")))
		return metadata->parent;
	return ifx_get(metadata->parent, IFX_LIT("spec"));
}

static bool is_true(ifx_str text)
{
	return ifx_str_eq(text, IFX_LIT("true"));
}

/* Until 1.26 every word that is not yes meant no; only these two are said by today's injector. */
static bool is_false(ifx_str text)
{
	return ifx_str_eq(text, IFX_LIT("false"));
}

static void add_containers(struct ifx_container *list, size_t *n, const struct ifx_node *spec,
			   const char *key, bool init)
{
	const struct ifx_node *items = ifx_get(spec, ifx_str_of(key));

	if (ifx_is(items, IFX_MAP))
		list[(*n)++] = (struct ifx_container){ items, init };
	for (const struct ifx_entry *e = ifx_is(items, IFX_SEQ) ? items->first : NULL; e;
	     e = e->next)
		if (ifx_is(ifx_deref(e->value), IFX_MAP))
			list[(*n)++] = (struct ifx_container){ ifx_deref(e->value), init };
}

static bool read_containers(struct ifx_estate *estate, struct ifx_pods *pods,
			    const struct ifx_node *holder)
{
	/* Argo's templates have one `container` or `script` beside their metadata. */
	static const char *const keys[] = { "initContainers", "containers", "container", "script" };
	struct ifx_container *list;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct ifx_node *items =
			ifx_get(i < 2 ? pods->spec : holder, ifx_str_of(keys[i]));

		n += ifx_is(items, IFX_SEQ) ? items->n : ifx_is(items, IFX_MAP);
	}
	list = ifx_arena_alloc(&estate->arena, n * sizeof(*list));
	if (!list)
		return false;
	pods->containers = list;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		add_containers(list, &pods->n_containers, i < 2 ? pods->spec : holder, keys[i],
			       i == 0);
	return true;
}

static bool is_gateway(const struct ifx_pods *pods)
{
	ifx_str templates = ifx_pair_value(pods->annotations, IFX_LIT("inject.istio.io/templates"));

	if (ifx_str_find(templates, IFX_LIT("gateway")) != SIZE_MAX ||
	    ifx_pair_value(pods->labels, IFX_LIT("gateway.networking.k8s.io/gateway-name")).ptr)
		return true;
	for (size_t i = 0; i < pods->n_containers; i++)
		if (ifx_str_eq(ifx_get_text(pods->containers[i].node, IFX_LIT("image")),
			       IFX_LIT("auto")))
			return true;
	return false;
}

/* What follows from labels and annotations. */
static void read_labels(struct ifx_pods *pods)
{
	ifx_str label = ifx_pair_value(pods->labels, IFX_LIT(IFX_KEY_INJECT));
	ifx_str annotation = ifx_pair_value(pods->annotations, IFX_LIT(IFX_KEY_INJECT));

	pods->opted_in = is_true(label);
	pods->opted_out = is_false(label) || (!label.ptr && is_false(annotation));
	pods->revision = ifx_pair_value(pods->labels, IFX_LIT(IFX_KEY_REV));
	pods->mode = ifx_pair_value(pods->labels, IFX_LIT(IFX_KEY_MODE));
	pods->gateway = is_gateway(pods);
}

static void read_replicas(struct ifx_pods *pods)
{
	ifx_str text = ifx_get_text(ifx_object_spec(pods->object), IFX_LIT("replicas"));

	pods->replicas = 1;
	if (!text.len)
		return;
	pods->replicas = 0;
	for (size_t i = 0; i < text.len && ifx_is_digit(text.ptr[i]) && pods->replicas < 100000;
	     i++)
		pods->replicas = pods->replicas * 10 + (size_t)(text.ptr[i] - '0');
	pods->replicas_said = true;
}

static struct ifx_pods *read_template(struct ifx_estate *estate, const struct ifx_object *o,
				      const struct ifx_hit *metadata)
{
	struct ifx_pods *pods = ifx_arena_alloc(&estate->arena, sizeof(*pods));

	if (!pods)
		return NULL;
	pods->object = o;
	pods->metadata = metadata;
	pods->spec = spec_of(metadata);
	pods->labels = ifx_estate_pairs(estate, ifx_get(metadata->node, IFX_LIT("labels")));
	pods->annotations =
		ifx_estate_pairs(estate, ifx_get(metadata->node, IFX_LIT("annotations")));
	if (!read_containers(estate, pods, metadata->parent))
		return NULL;
	pods->service_account = ifx_get_text(pods->spec, IFX_LIT("serviceAccountName"));
	if (!pods->service_account.len)
		pods->service_account = ifx_get_text(pods->spec, IFX_LIT("serviceAccount"));
	if (!pods->service_account.len)
		pods->service_account = IFX_LIT("default");
	pods->host_network = ifx_pod_on_host_network(metadata);
	read_replicas(pods);
	read_labels(pods);
	return pods;
}

bool ifx_pods_read(struct ifx_estate *estate, struct ifx_object *o)
{
	const struct ifx_workload_fact *fact = ifx_fact_workload(o->r->group, o->r->kind);
	struct ifx_pods **link = &o->pods;
	size_t n = sizeof(fact->paths) / sizeof(*fact->paths);

	for (size_t i = 0; fact && i < n && fact->paths[i]; i++) {
		struct ifx_hit *hit;

		if (!ifx_path_find(&hit, o->r->node, fact->paths[i], &estate->arena))
			return false;
		for (; hit; hit = hit->next) {
			*link = read_template(estate, o, hit);
			if (!*link)
				return false;
			link = &(*link)->next;
		}
	}
	return true;
}

/* `over` wins; a null takes the key away, as in a strategic merge. */
static bool merge(struct ifx_estate *estate, struct ifx_pairs *base, struct ifx_pairs over)
{
	struct ifx_pair *items =
		ifx_arena_alloc(&estate->arena, (base->n + over.n) * sizeof(*items));
	size_t n = 0;

	if (!items)
		return false;
	for (size_t i = 0; i < base->n; i++)
		if (!ifx_pair_value(over, base->items[i].key).ptr)
			items[n++] = base->items[i];
	for (size_t i = 0; i < over.n; i++)
		items[n++] = over.items[i];
	*base = (struct ifx_pairs){ items, n };
	return true;
}

bool ifx_pods_patch(struct ifx_estate *estate, struct ifx_object *o, const struct ifx_object *patch)
{
	struct ifx_pods *with = patch->pods;

	for (struct ifx_pods *pods = o->pods; pods && with; pods = pods->next, with = with->next) {
		if (!merge(estate, &pods->labels, with->labels) ||
		    !merge(estate, &pods->annotations, with->annotations))
			return false;
		if (!ifx_str_eq(with->service_account, IFX_LIT("default")))
			pods->service_account = with->service_account;
		if (with->replicas_said)
			pods->replicas = with->replicas;
		read_labels(pods);
	}
	return true;
}

void ifx_pods_decide(struct ifx_pods *pods, const struct ifx_namespace *ns)
{
	bool asks = pods->opted_in || pods->revision.len;
	ifx_str injection = ns->injection.value;

	if (pods->host_network || pods->opted_out)
		pods->injected = false;
	else if (injection.ptr)
		pods->injected = ifx_str_eq(injection, IFX_LIT("enabled"));
	else if (ns->revision.value.ptr)
		pods->injected = ns->revision.value.len > 0;
	else
		pods->injected = asks || ns->state == IFX_STATE_DEFAULT;
}

bool ifx_pods_selected_by(const struct ifx_pods *pods, const char *key)
{
	return ifx_selector_names(ifx_get(ifx_object_spec(pods->object), IFX_LIT("selector")),
				  ifx_str_of(key));
}

bool ifx_needs_restart(const struct ifx_object *o)
{
	if (ifx_str_eq(o->r->kind, IFX_LIT("Job")) || ifx_str_eq(o->r->kind, IFX_LIT("CronJob")))
		return false;
	for (const struct ifx_pods *p = o->pods; p; p = p->next)
		if (p->injected && !p->gateway)
			return true;
	return false;
}
