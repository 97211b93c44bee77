#include "ambient/tuning.h"

#include "ambient/find.h"
#include "ambient/quantity.h"
#include "yaml/load.h"

#define OWN "sidecar.istio.io/"

/* Settings of the sidecar that have no sum (AMBIENT 7). */
static const char *const others[] = {
	OWN "agentLogLevel",
	OWN "bootstrapOverride",
	OWN "componentLogLevel",
	OWN "discoveryAddress",
	OWN "extraStatTags",
	OWN "interceptionMode",
	OWN "logLevel",
	OWN "nativeSidecar",
	OWN "proxyImage",
	OWN "proxyImageType",
	OWN "statsHistogramBuckets",
	OWN "statsInclusionPrefixes",
	OWN "statsInclusionRegexps",
	OWN "statsInclusionSuffixes",
	OWN "statsCompression",
	OWN "userVolume",
	OWN "userVolumeMount",
};

static void count(struct ifx_migration *plan, struct ifx_tuning *t, ifx_str name)
{
	struct ifx_setting_count **link = &t->others, *c;

	while (*link && ifx_str_cmp((*link)->name, name) < 0)
		link = &(*link)->next;
	if (*link && ifx_str_eq((*link)->name, name)) {
		(*link)->n++;
		return;
	}
	c = ifx_arena_alloc(&plan->arena, sizeof(*c));
	if (!c) {
		plan->failed = true;
		return;
	}
	*c = (struct ifx_setting_count){ name, 1, *link };
	*link = c;
}

/* The names of the fields, not their values: those stand in the file. */
static void count_config(struct ifx_migration *plan, struct ifx_tuning *t, const struct ifx_pods *p)
{
	const struct ifx_node *text = ifx_pods_said(p, "annotations", "proxy.istio.io/config");
	struct ifx_problem problem = { 0 };
	struct ifx_doc *doc = NULL;
	ifx_status st = IFX_EINVAL;

	if (!ifx_is(text, IFX_SCALAR) || !ifx_text(text).len)
		return;
	ifx_buf_init(&problem.text, 4096);
	st = ifx_doc_embedded(&doc, text, &problem);
	ifx_buf_release(&problem.text);
	plan->failed |= st == IFX_ENOMEM;
	if (st != IFX_OK)
		return;
	for (const struct ifx_entry *e = ifx_is(doc->root, IFX_MAP) ? doc->root->first : NULL; e;
	     e = e->next) {
		ifx_str name = ifx_arena_printf(&plan->arena, "proxy.istio.io/config %.*s",
						IFX_ARG(ifx_text(e->key)));

		if (name.ptr)
			count(plan, t, name);
		else
			plan->failed = true;
	}
	ifx_doc_free(doc);
}

/* Replicas times the value of an annotation, in thousandths. */
static bool add(long long *sum, const struct ifx_pods *p, const char *key)
{
	long long milli;

	if (!ifx_quantity_parse(&milli,
				ifx_str_trim(ifx_pair_value(p->annotations, ifx_str_of(key)))))
		return false;
	if (__builtin_mul_overflow(milli, (long long)p->replicas, &milli) ||
	    __builtin_add_overflow(*sum, milli, sum))
		*sum = INT64_MAX;
	return true;
}

static bool is_per_node(const struct ifx_pods *p)
{
	return ifx_str_eq(p->object->r->kind, IFX_LIT("DaemonSet"));
}

void ifx_tuning_sum(struct ifx_migration *plan, struct ifx_ns_plan *ns)
{
	struct ifx_tuning *t = &ns->tuning;
	long long memory = 0, limit = 0;

	IFX_EACH_PODS(o, p, ns->namespace)
	{
		bool any;

		if (!p->injected || p->gateway)
			continue;
		any = add(&t->cpu, p, OWN "proxyCPU");
		any |= add(&memory, p, OWN "proxyMemory");
		any |= add(&t->cpu_limit, p, OWN "proxyCPULimit");
		any |= add(&limit, p, OWN "proxyMemoryLimit");
		if (any) {
			t->pods += p->replicas;
			t->unknown |= is_per_node(p);
		}
		for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
			if (ifx_pair_value(p->annotations, ifx_str_of(others[i])).ptr)
				count(plan, t, ifx_str_of(others[i]));
		count_config(plan, t, p);
	}
	t->memory = memory / 1000;
	t->memory_limit = limit / 1000;
}
