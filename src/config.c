#include "config.h"

#include "base/alloc.h"
#include "options.h"

#include <stdio.h>

struct ifx_config *ifx_config_new(void)
{
	struct ifx_config *c = ifx_calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	ifx_arena_init(&c->arena, (size_t)64 << 20);
	c->level = IFX_REPAIR;
	c->fail_on = IFX_WARNING;
	c->stdin_filename = IFX_LIT(IFX_STDIN_NAME);
	return c;
}

void ifx_config_free(struct ifx_config *c)
{
	if (!c)
		return;
	ifx_free(c->given);
	ifx_free(c->picks);
	ifx_free(c->select.items);
	ifx_free(c->ignore.items);
	ifx_free(c->exclude.items);
	ifx_free(c->rules.items);
	ifx_arena_release(&c->arena);
	ifx_free(c);
}

/* ---- layers ---- */

void ifx_config_layer(struct ifx_config *c, bool adds)
{
	struct ifx_texts *lists[] = { &c->select, &c->ignore, &c->exclude, &c->rules };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		lists[i]->inherited = lists[i]->n;
	c->layer_adds = adds;
	c->where = IFX_NONE;
}

bool ifx_config_repeat(struct ifx_config *c, const struct ifx_config *line, struct ifx_buf *err)
{
	ifx_config_layer(c, false);
	c->color_out = line->color_out; /* auto unless given */
	c->color_err = line->color_err;
	for (size_t i = 0; i < line->n_given; i++)
		if (!line->given[i].option->set(c, line->given[i].arg, err))
			return false;
	return true;
}

/* ---- the library ---- */

int ifx_config_set(struct ifx_config *c, const char *name, const char *value, char *err,
		   size_t err_size)
{
	const struct ifx_option *option = ifx_option_named(ifx_str_of(name));
	struct ifx_buf text;
	bool ok = false;

	ifx_buf_init(&text, 4096);
	if (!option || !option->set)
		ifx_buf_addf(&text, "there is no option '%s'", name);
	else if (option->arg && option->arg[0] != '[' && !value)
		ifx_buf_addf(&text, "option '%s' wants a value", name);
	else
		ok = ifx_option_give(c, option, ifx_str_of(value ? value : ""), &text);
	if (err && err_size)
		snprintf(err, err_size, "%.*s", IFX_ARG(ifx_buf_str(&text)));
	ifx_buf_release(&text);
	return ok ? 0 : -1;
}
