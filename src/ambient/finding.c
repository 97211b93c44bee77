#include "ambient/migration.h"

#include "base/alloc.h"

static const struct ifx_finding_fact facts[] = {
#define FINDING(id, severity, title, source) { #id, title, source, IFX_WEIGHT_##severity },
#include "ambient/finding.def"
#undef FINDING
};

const struct ifx_finding_fact *ifx_finding_fact(ifx_finding_id id)
{
	return &facts[id];
}

ifx_finding_id ifx_finding_named(ifx_str name)
{
	size_t i = 0;

	if (ifx_str_starts(name, IFX_LIT("ambient/")))
		name = ifx_str_sub(name, 8, name.len - 8);
	while (i < IFX_F_COUNT && !ifx_str_ieq(name, ifx_str_of(facts[i].id)))
		i++;
	return (ifx_finding_id)i;
}

bool ifx_hindrance_holds(const struct ifx_hindrance *h)
{
	return h->weight >= IFX_WEIGHT_S && h->settled == IFX_STANDS;
}

static struct ifx_hindrance *add(struct ifx_migration *plan, struct ifx_hindrances *list)
{
	struct ifx_hindrance *items =
		ifx_grow(list->items, &list->cap, list->n + 1, sizeof(*items));

	if (!items) {
		plan->failed = true;
		return &plan->nowhere;
	}
	list->items = items;
	items[list->n] = (struct ifx_hindrance){ 0 };
	return &items[list->n++];
}

static ifx_str keep_text(struct ifx_migration *plan, const char *fmt, va_list ap)
{
	struct ifx_buf text;
	ifx_str kept;

	ifx_buf_init(&text, 1 << 20);
	ifx_buf_vaddf(&text, fmt, ap);
	kept = ifx_arena_copy(&plan->arena, ifx_buf_str(&text));
	ifx_buf_release(&text);
	if (!kept.ptr) {
		plan->failed = true;
		return IFX_LIT("");
	}
	return kept;
}

struct ifx_hindrance *ifx_hinder(struct ifx_migration *plan, ifx_finding_id id,
				 struct ifx_namespace *ns, const struct ifx_object *object,
				 const struct ifx_node *node, const char *fmt, ...)
{
	struct ifx_hindrance *h =
		add(plan, ns ? &ifx_migration_of(plan, ns)->hindrances : &plan->at->hindrances);
	va_list ap;

	h->id = id;
	h->weight = facts[id].weight;
	h->namespace = ns;
	h->object = object;
	h->node = node ? node : object ? object->r->node : NULL;
	h->field = node ? ifx_path_of(node, &plan->arena) : IFX_LIT("");
	h->order = plan->order++;
	va_start(ap, fmt);
	h->reason = keep_text(plan, fmt, ap);
	va_end(ap);
	plan->failed |= !h->field.ptr;
	return h;
}

void ifx_hinder_help(struct ifx_migration *plan, struct ifx_hindrance *h, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	h->help = keep_text(plan, fmt, ap);
	va_end(ap);
}
