#include "document/document.h"

#include "base/alloc.h"

ifx_status ifx_outcome_add(struct ifx_outcome *out, struct ifx_finding *finding)
{
	struct ifx_finding **list;

	list = ifx_grow(out->findings, &out->cap, out->n + 1, sizeof(*list));
	if (!list)
		return IFX_ENOMEM;
	out->findings = list;
	finding->order = out->n;
	list[out->n++] = finding;
	return IFX_OK;
}

ifx_status ifx_outcome_problem(struct ifx_outcome *out, const char *rule, size_t at,
			       size_t document, const char *fmt, ...)
{
	struct ifx_finding *f;
	struct ifx_buf text;
	va_list ap;

	/* One line for a file says it: in a template every document is one. */
	if (!strcmp(rule, "template")) {
		if (out->is_template)
			return IFX_OK;
		out->is_template = true;
	}
	f = ifx_arena_alloc(&out->arena, sizeof(*f));
	if (!f)
		return IFX_ENOMEM;
	ifx_buf_init(&text, 1 << 16);
	va_start(ap, fmt);
	ifx_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	f->rule = rule;
	f->level = IFX_REPORT;
	f->severity = IFX_ERROR;
	f->message = ifx_arena_copy(&out->arena, ifx_buf_str(&text));
	f->at = at;
	f->document = document;
	ifx_buf_release(&text);
	out->failed = true;
	out->broken |= strcmp(rule, "template") != 0;
	return f->message.ptr ? ifx_outcome_add(out, f) : IFX_ENOMEM;
}

void ifx_outcome_release(struct ifx_outcome *out)
{
	for (size_t i = 0; i < out->n; i++)
		ifx_edits_release(&out->findings[i]->edits);
	ifx_free(out->findings);
	ifx_edits_release(&out->edits);
	ifx_buf_release(&out->after);
	ifx_arena_release(&out->arena);
}
