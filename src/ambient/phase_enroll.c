/*
 * Enroll changes the data plane: the Namespace's label, and the labels of pods that ask for
 * sidecars. Guards close the way around the waypoint for what only the waypoint enforces from now
 * on.
 */
#include "ambient/exception.h"
#include "ambient/layer.h"
#include "ambient/wish.h"
#include "rule/injection.h"

/* ---- labels of the Namespace ---- */

/* The label gets another name and value in its place; its comments stay. */
static void replace_label(struct ifx_passage *m, const struct ifx_ns_label *label, const char *key,
			  ifx_str value)
{
	struct ifx_op op = { .verb = IFX_OP_REPLACE,
			     .entry = label->entry,
			     .key = ifx_str_of(key),
			     .value = value };

	ifx_passage_want(
		m, (struct ifx_wish){ .verb = IFX_WISH_OP,
				      .o = label->object,
				      .op = op,
				      .at = label->entry->key,
				      .what = IFX_SAY(m, "set %s of Namespace %.*s to %.*s", key,
						      IFX_ARG(m->ns->name), IFX_ARG(value)) });
}

static bool is_editable(struct ifx_passage *m, const struct ifx_ns_label *label)
{
	if (!label->value.ptr)
		return true;
	if (label->entry && label->object &&
	    (label->object->kind == IFX_NAMESPACE || label->object->patch))
		return true;
	ifx_passage_hold(m, "W32", label->object, label->entry ? label->entry->value : NULL,
			 "the label that injects is not written in a Namespace, but given to it by "
			 "a kustomization; write it there");
	return false;
}

/* What was there, for whoever reads the file later; the label that everybody has is not worth a
 * note. */
static void note_origin(struct ifx_passage *m, const struct ifx_object *o)
{
	ifx_str injection = m->ns->injection.value, revision = m->ns->revision.value;

	if (m->phase == IFX_STEP_CUTOVER || !revision.ptr)
		return;
	ifx_wish_annotation(m, o, "istio-fix.dev/migrated-from",
			    injection.ptr ? IFX_SAY(m, "istio-injection=%.*s,istio.io/rev=%.*s",
						    IFX_ARG(injection), IFX_ARG(revision))
					  : IFX_SAY(m, "istio.io/rev=%.*s", IFX_ARG(revision)));
}

void ifx_enroll_labels(struct ifx_passage *m)
{
	const struct ifx_ns_label *injection = &m->ns->injection, *revision = &m->ns->revision;
	const struct ifx_ns_label *first = injection->value.ptr ? injection : revision;
	const struct ifx_object *ns = m->ns->objects[IFX_NAMESPACE].first;

	if (m->ns->state == IFX_STATE_PODS)
		return;
	if (!is_editable(m, injection) || !is_editable(m, revision))
		return;
	if (!ns || ns->patch) {
		ifx_passage_hold(m, "edit", NULL, NULL,
				 "its Namespace is not in the tree, so that it cannot be labelled");
		return;
	}
	if (m->ns->environment->settings.inject_by_default.value.ptr) {
		/* Without any label the namespace would be injected. */
		ifx_wish_label(m, ns, IFX_KEY_MODE, IFX_LIT("ambient"));
		if (first->value.ptr)
			replace_label(m, first, IFX_KEY_INJECTION, IFX_LIT("disabled"));
		else
			ifx_wish_label(m, ns, IFX_KEY_INJECTION, IFX_LIT("disabled"));
	} else if (m->ns->mode.value.ptr) {
		ifx_wish_removal(m, first->object, first->entry,
				 IFX_SAY(m, "remove the label of Namespace %.*s that injects",
					 IFX_ARG(m->ns->name)));
		if (!ifx_str_eq(m->ns->mode.value, IFX_LIT("ambient")) && m->ns->mode.entry)
			ifx_wish_value(
				m, m->ns->mode.object, m->ns->mode.entry->value, IFX_LIT("ambient"),
				IFX_SAY(m, "set " IFX_KEY_MODE " of Namespace %.*s to ambient",
					IFX_ARG(m->ns->name)));
	} else {
		replace_label(m, first, IFX_KEY_MODE, IFX_LIT("ambient"));
	}
	if (first == injection && revision->value.ptr && revision->entry)
		ifx_wish_removal(m, revision->object, revision->entry,
				 IFX_SAY(m, "remove " IFX_KEY_REV " of Namespace %.*s",
					 IFX_ARG(m->ns->name)));
	note_origin(m, ns);
}

/* ---- labels of pods ---- */

static const struct ifx_entry *pod_label(const struct ifx_pods *p, const char *key)
{
	return ifx_map_find(ifx_get(p->metadata->node, IFX_LIT("labels")), ifx_str_of(key), NULL);
}

static void leave_opt_in(struct ifx_passage *m, const struct ifx_pods *p, const char *key,
			 bool replace)
{
	const struct ifx_entry *e = pod_label(p, key);
	struct ifx_op op = { .verb = IFX_OP_REPLACE,
			     .entry = e,
			     .key = IFX_LIT(IFX_KEY_MODE),
			     .value = IFX_LIT("ambient") };
	const struct ifx_object *o = p->object;

	if (!e) {
		ifx_passage_hold(m, "W32", o, NULL,
				 "a patch gives its pods the label %s; change it there", key);
		return;
	}
	if (ifx_pods_selected_by(p, key)) {
		ifx_passage_hold(m, "C39", o, e->key,
				 "the label %s stands in its selector, which cannot change", key);
		return;
	}
	if (!replace) {
		ifx_wish_removal(m, o, e,
				 IFX_SAY(m, "remove %s of the pods of %.*s %.*s", key,
					 IFX_ARG(ifx_object_kind_name(o)), IFX_ARG(o->r->name)));
		return;
	}
	ifx_passage_want(
		m, (struct ifx_wish){
			   .verb = IFX_WISH_OP,
			   .o = o,
			   .op = op,
			   .at = e->key,
			   .what = IFX_SAY(
				   m, "set " IFX_KEY_MODE " of the pods of %.*s %.*s to ambient",
				   IFX_ARG(ifx_object_kind_name(o)), IFX_ARG(o->r->name)) });
}

void ifx_enroll_pods(struct ifx_passage *m)
{
	bool by_pods = m->ns->state == IFX_STATE_PODS;

	for (const struct ifx_object *o = m->ns->objects[IFX_WORKLOAD].first; o; o = o->next)
		for (const struct ifx_pods *p = o->pods; p; p = p->next) {
			bool replace = by_pods && p->injected && !p->mode.ptr;

			if (p->gateway)
				continue;
			if (p->opted_in)
				leave_opt_in(m, p, IFX_KEY_INJECT, replace);
			if (p->revision.ptr)
				leave_opt_in(m, p, IFX_KEY_REV, replace && !p->opted_in);
			if (m->options->restart && p->injected)
				ifx_wish_pod_annotation(m, p, "istio-fix.dev/restarted-for",
							IFX_LIT("ambient"));
		}
}

/* ---- guards ---- */

/* What only the waypoint enforces: a DENY, CUSTOM or RequestAuthentication that moved there. */
static bool is_guard_needed(const struct ifx_passage *m, const struct ifx_front *f)
{
	bool moved = false, allow = false, open = false;

	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->ours || !ifx_is_for(m, s, f))
			continue;
		if (s->l7)
			moved |= s->o->kind == IFX_REQUEST_AUTHENTICATION ||
				 ifx_is_authz(s, IFX_DENY) || ifx_is_authz(s, IFX_CUSTOM);
		allow |= ifx_is_authz(s, IFX_ALLOW);
		/* It keeps admitting others than the waypoint directly. */
		open |= ifx_is_authz(s, IFX_ALLOW) && !s->l7 && s->authz.n_rules;
	}
	return moved && (!allow || open);
}

static bool is_guarded(const struct ifx_passage *m, const struct ifx_front *f)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->ours && s->authz.action == IFX_DENY && ifx_is_for(m, s, f))
			return true;
	}
	for (const struct ifx_front *g = m->fronts; g < f; g++)
		if (g->bound && g->selector.n == f->selector.n &&
		    ifx_labels_match(g->selector, f->selector) && is_guard_needed(m, g))
			return true;
	return false;
}

static const struct ifx_object *home_of_guard(const struct ifx_passage *m,
					      const struct ifx_front *f)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (!s->ours && s->l7 && !s->root && ifx_is_for(m, s, f) &&
		    !ifx_is_authz(s, IFX_ALLOW))
			return s->copy ? s->copy : s->o;
	}
	return f->o;
}

void ifx_enroll_guards(struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_fronts; i++) {
		const struct ifx_front *f = &m->fronts[i];
		const struct ifx_object *home = home_of_guard(m, f);
		ifx_str name;

		if (!f->bound || !is_guard_needed(m, f) || is_guarded(m, f))
			continue;
		name = ifx_guard_name(m, f);
		if (!ifx_name_is_free(m, IFX_AUTHORIZATION_POLICY, name))
			continue;
		ifx_wish_document(m, home, IFX_SAY(m, "%.*s.yaml", IFX_ARG(name)),
				  ifx_manifest_guard(m, f, home->r->node->doc),
				  IFX_SAY(m, "add AuthorizationPolicy %.*s", IFX_ARG(name)));
	}
}

/* An old DENY of which ztunnel would make a refusal of whole ports or callers. */
static void drop_stricter(struct ifx_passage *m)
{
	for (size_t i = 0; i < m->n_stances; i++) {
		const struct ifx_stance *s = &m->stances[i];

		if (s->l7 && !s->ours && !s->root && s->copy && ifx_is_authz(s, IFX_DENY) &&
		    (ifx_ztunnel_fate(&s->authz) & IFX_ZTUNNEL_STRICTER))
			ifx_wish_drop(m, s->o);
	}
}

void ifx_phase_enroll(struct ifx_passage *m)
{
	ifx_enroll_labels(m);
	ifx_enroll_pods(m);
	drop_stricter(m);
	if (!m->options->guard_in_cleanup)
		ifx_enroll_guards(m);
}
