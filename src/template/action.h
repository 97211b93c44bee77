/*
 * The actions of a template: pieces of text that an engine replaces before anybody reads YAML.
 *
 *     {{ ... }}    {{- ... -}}             Go (text/template), Helm; values of Jinja
 *     {% ... %}    {# ... #}               Jinja
 *     %{ if ... }  ${ ... }  $${ ... }     Terraform
 *     #@ ...                               ytt
 *
 * A name in braces, `${NAME}`, is left alone, as `$(NAME)` is: it is a legal text of YAML, and may
 * be one that nobody replaces.
 *
 * An action ends where its engine ends it: quotes, raw strings, nested braces and line breaks in it
 * are followed. What only looks like the beginning of one is text.
 */
#ifndef IFX_TEMPLATE_ACTION_H
#define IFX_TEMPLATE_ACTION_H

#include "base/str.h"

typedef enum {
	IFX_ENGINE_GO,
	IFX_ENGINE_JINJA,
	IFX_ENGINE_TERRAFORM,
	IFX_ENGINE_YTT,
} ifx_template_engine;

typedef enum {
	IFX_ACTION_PRINTS, /* leaves text in its place */
	IFX_ACTION_SILENT, /* a comment, an assignment */
	IFX_ACTION_OPENS,  /* if, range, for, ... */
	IFX_ACTION_TURNS,  /* else */
	IFX_ACTION_CLOSES, /* end */
} ifx_action_kind;

struct ifx_action {
	ifx_span span;
	ifx_template_engine engine;
	ifx_action_kind kind;
	bool trims_after; /* the blanks and line breaks behind it go */
	bool alone;       /* what it prints is on lines of its own (mask.h) */
	bool breaks;      /* it prints a line break first, as `{{- ... | nindent 8 }}` */
	/* Prints: column of the lines that it leaves, as with `nindent 8`; SIZE_MAX: unknown. */
	size_t column;
	size_t text;   /* alone, in a block scalar: column of its text; else SIZE_MAX (mask.h) */
	size_t line;   /* in the file, from 1 (mask.h) */
	size_t region; /* of what stands behind it (mask.h) */
};

/** Which engines a text may be for. */
struct ifx_action_reader {
	ifx_str text;
	bool go_only; /* a Helm chart's */
	bool jinja;   /* `{%` is in the text: `{#` is a comment of Jinja */
	size_t at;    /* where to go on: 0 at first */
	size_t open;  /* the first `{{` that never ends; SIZE_MAX: none */
};

/** Can there be an action in the text at all? */
bool ifx_action_signs(ifx_str text, bool go_only);
/** Is there an action of ytt? Such a text is YAML without being masked, and still a template. */
bool ifx_action_ytt(ifx_str text);

void ifx_action_reader_init(struct ifx_action_reader *reader, ifx_str text, bool go_only);
/** The next action; members that mask.h fills are not set. False at the end. Linear in all. */
bool ifx_action_next(struct ifx_action_reader *reader, struct ifx_action *action);

#endif
