#include "report/tally.h"

#include "base/alloc.h"

#include <stdlib.h>

size_t ifx_tally_rule(const struct ifx_tally *t, const char *id)
{
	size_t i = 0;

	while (i < t->n_rules && strcmp(t->rules[i].id, id) != 0)
		i++;
	return i;
}

static struct ifx_rule_tally *meet(struct ifx_tally *t, const struct ifx_finding *f)
{
	size_t i = ifx_tally_rule(t, f->rule);
	struct ifx_rule_tally *rules = t->rules;

	if (i == t->n_rules) {
		rules = ifx_grow(rules, &t->cap_rules, t->n_rules + 1, sizeof(*rules));
		if (!rules)
			return NULL;
		t->rules = rules;
		rules[t->n_rules++] = (struct ifx_rule_tally){ .id = f->rule,
							       .ist = f->ist,
							       .worst = f->severity };
	}
	if (f->severity > rules[i].worst)
		rules[i].worst = f->severity;
	return &rules[i];
}

bool ifx_tally_problem(struct ifx_tally *t, const struct ifx_finding *f)
{
	return meet(t, f) != NULL;
}

bool ifx_tally_finding(struct ifx_tally *t, const struct ifx_finding *f)
{
	struct ifx_rule_tally *rule = meet(t, f);

	t->seen[f->severity]++;
	if (rule) {
		rule->seen++;
		rule->fixed += f->applied;
		rule->left += !f->applied;
	}
	if (f->applied) {
		t->fixed++;
		return rule != NULL;
	}
	t->left[f->severity]++;
	if (f->fixable && !f->refused.ptr) {
		t->fixable++;
		t->held_choice += f->level == IFX_CHOICE;
	}
	return rule != NULL;
}

void ifx_tally_release(struct ifx_tally *t)
{
	ifx_free(t->rules);
	*t = (struct ifx_tally){ 0 };
}

static int by_frequency(const void *a, const void *b)
{
	const struct ifx_rule_tally *const *x = a, *const *y = b;

	if ((*x)->seen != (*y)->seen)
		return (*x)->seen > (*y)->seen ? -1 : 1;
	return strcmp((*x)->id, (*y)->id);
}

const struct ifx_rule_tally **ifx_tally_sorted(const struct ifx_tally *t, size_t *n)
{
	const struct ifx_rule_tally **list = ifx_calloc(t->n_rules + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; list && i < t->n_rules; i++)
		if (t->rules[i].seen)
			list[(*n)++] = &t->rules[i];
	if (*n)
		qsort(list, *n, sizeof(*list), by_frequency);
	return list;
}
