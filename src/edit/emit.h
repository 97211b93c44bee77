/*
 * What emit.c (leaving, changing) and arrive.c (coming) share: edits under construction.
 */
#ifndef IFX_EDIT_EMIT_H
#define IFX_EDIT_EMIT_H

#include "edit/plan.h"

/** Insertions at one offset stand in this order. */
enum ifx_rank {
	IFX_IN_LINE, /* behind something on its line */
	IFX_BEHIND,  /* lines behind an entry */
	IFX_FRONT,   /* lines before the first entry of a map and its comments */
	IFX_ABOVE,   /* comment lines above an entry */
};

struct ifx_piece {
	ifx_span span;
	ifx_str text;
	enum ifx_rank rank;
	size_t depth;     /* of the map it is for: at one offset the inner one ends first */
	bool needs_break; /* lines: the last break is text */
	size_t order;     /* of being pushed */
};

struct ifx_emit {
	const struct ifx_plan *plan;
	const struct ifx_doc *doc;
	ifx_str src;
	struct ifx_buf *why;
	struct ifx_buf text; /* scratch */
	bool needs_break;    /* of the next insertion */
	struct ifx_piece *pieces;
	size_t n, cap;
	/* The block entry that was cut out last, and the one that stays before it. */
	const struct ifx_entry *cut, *before_cut;
	/* Quotes of the map that was asked for last. */
	const struct ifx_node *quoted;
	ifx_style quote, key_quote;
	bool plain;          /* it has values without quotes */
	ifx_style doc_quote; /* of the document, for maps that have none; 0 before it is needed */
};

IFX_MUST_USE ifx_status ifx_emit_refuse(struct ifx_emit *e, const char *what);
/** Replace [from, to). The text is copied. */
IFX_MUST_USE ifx_status ifx_emit_push(struct ifx_emit *e, size_t from, size_t to, ifx_str text);
/** Insert e->text at `at`, for the map at `node`. */
IFX_MUST_USE ifx_status ifx_emit_insert(struct ifx_emit *e, size_t at, enum ifx_rank rank,
					const struct ifx_node *node);

/** Append a key (a value) as it is written near `node`. */
void ifx_emit_key(struct ifx_emit *e, const struct ifx_node *node, ifx_str key, bool flow);
void ifx_emit_value(struct ifx_emit *e, const struct ifx_node *node, ifx_str value, bool flow);
/** Does this flow map have no blank behind its colons, as compact JSON has none? */
bool ifx_emit_is_compact(const struct ifx_node *map);
/** Append what stands between a key, which was appended just before, and a value in braces. */
void ifx_emit_colon(struct ifx_emit *e, bool compact);
/** Append all comments that are the entry's own as lines that begin with `indent`. */
void ifx_emit_comments(struct ifx_emit *e, const struct ifx_entry *entry, ifx_str indent,
		       ifx_str newline);

/** Offset of the comma behind the last entry of a flow map, or SIZE_MAX. */
size_t ifx_emit_last_comma(const struct ifx_emit *e, const struct ifx_node *map);
bool ifx_emit_one_line(ifx_str raw);
bool ifx_emit_is_text(const struct ifx_node *node); /* a literal or folded scalar */
/** The node with which the last line of a block node ends. */
const struct ifx_node *ifx_emit_deepest_last(const struct ifx_node *node);
/** `|+` and `>+`: the blank lines behind are text. */
bool ifx_emit_keeps_breaks(const struct ifx_node *node);
/** A value of no bytes: some readers want a blank between what is before it and `,` or `}`. */
bool ifx_emit_needs_blank(const struct ifx_entry *entry);
/** A block scalar whose last line break is text. */
bool ifx_emit_needs_break(const struct ifx_node *node);
/** A block scalar at the end of a text without final line break: a break behind it is text. */
bool ifx_emit_open_end(const struct ifx_node *node);
/**
 * Is the next thing behind `at` a comment that stands deeper than `column`? Behind a block scalar
 * of a key at that column it would be read as its text.
 */
bool ifx_emit_deep_comment(const struct ifx_emit *e, size_t at, size_t column);
/** The blanks before `at` on its line. */
ifx_str ifx_emit_indent(ifx_str src, size_t at);
/** First byte of the line behind an entry, its comment and the text lines of a `|+` included. */
size_t ifx_emit_line_behind(ifx_str src, const struct ifx_entry *entry);

IFX_MUST_USE ifx_status ifx_emit_arrivals(struct ifx_emit *e);

#endif
