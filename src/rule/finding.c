#include "rule/finding.h"

const char *ifx_level_name(ifx_level level)
{
	static const char *const names[] = { "safe", "repair", "choice", "report" };

	return names[level];
}

const char *ifx_severity_name(ifx_severity severity)
{
	static const char *const names[] = { "info", "warning", "error" };

	return names[severity];
}

struct move {
	struct ifx_arena *arena;
	bool failed;
};

static ifx_str text(struct move *m, ifx_str old)
{
	ifx_str copy = old.ptr ? ifx_arena_copy(m->arena, old) : old;

	m->failed |= old.ptr && !copy.ptr;
	return copy;
}

static void *alloc(struct move *m, size_t size)
{
	void *p = ifx_arena_alloc(m->arena, size);

	m->failed |= !p;
	return p;
}

static const struct ifx_op_note *notes(struct move *m, const struct ifx_op_note *old)
{
	const struct ifx_op_note *first = NULL, **link = &first;

	for (; old && !m->failed; old = old->next) {
		struct ifx_op_note *note = alloc(m, sizeof(*note));
		ifx_str *comments = alloc(m, old->n_comments * sizeof(*comments));

		if (!note || !comments)
			break;
		for (size_t i = 0; i < old->n_comments; i++)
			comments[i] = text(m, old->comments[i]);
		*note = (struct ifx_op_note){ .verb = old->verb,
					      .path = text(m, old->path),
					      .to = text(m, old->to),
					      .comments = comments,
					      .n_comments = old->n_comments };
		*link = note;
		link = &note->next;
	}
	return first;
}

struct ifx_finding *ifx_finding_move(struct ifx_finding *f, struct ifx_arena *arena)
{
	struct move m = { .arena = arena };
	struct ifx_finding *copy = alloc(&m, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *f;
	copy->message = text(&m, f->message);
	copy->help = text(&m, f->help);
	copy->refused = text(&m, f->refused);
	copy->group = text(&m, f->group);
	copy->kind = text(&m, f->kind);
	copy->namespace = text(&m, f->namespace);
	copy->name = text(&m, f->name);
	copy->origin = text(&m, f->origin);
	copy->field = text(&m, f->field);
	copy->ops = notes(&m, f->ops);
	if (f->choices)
		copy->choices = text(&m, ifx_str_of(f->choices)).ptr;
	for (size_t i = 0; i < f->edits.n && !m.failed; i++)
		f->edits.items[i].text = text(&m, f->edits.items[i].text);
	if (m.failed)
		return NULL;
	ifx_edits_init(&f->edits);
	return copy;
}
