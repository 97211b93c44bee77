/*
 * A document as a tree with exact byte spans. Read-only once it is loaded.
 *
 * Invariants:
 *   1. Offsets count bytes in doc->src; children lie inside their parent, in order.
 *   2. A node's span covers its content alone: quotes, braces and a block scalar's header are
 *      in, anchor and tag are not, and neither is the line break at its end. A null that is not
 *      written has an empty span behind its indicator.
 *   3. Collections hold entries; an entry has a key (maps only) and always a value.
 *   4. Comments are sorted by offset. Whose they are is asked with ifx_entry_head and
 *      ifx_entry_trail; what neither names belongs to the map or the document.
 */
#ifndef IFX_YAML_NODE_H
#define IFX_YAML_NODE_H

#include "base/arena.h"

typedef enum { IFX_SCALAR, IFX_MAP, IFX_SEQ, IFX_ALIAS } ifx_kind;

typedef enum {
	IFX_PLAIN,
	IFX_SINGLE,
	IFX_DOUBLE,
	IFX_LITERAL,
	IFX_FOLDED,
	IFX_BLOCK,
	IFX_FLOW,
} ifx_style;

struct ifx_doc;
struct ifx_entry;
struct ifx_mask;
struct ifx_action;

struct ifx_node {
	ifx_kind kind;
	ifx_style style;
	bool bare;  /* flow map without braces, as in `[a: b]` */
	bool again; /* anchored: another node of the document has an anchor of the same name */
	ifx_span span;
	ifx_span anchor, tag; /* `&a`, `!!str`; len 0 when there is none */
	size_t raw_end;       /* block scalar: end of its lines, trailing blank ones included */
	ifx_str text;         /* scalar: what it says. alias: the anchor's name */
	struct ifx_doc *doc;
	struct ifx_entry *entry;        /* whose key or value this is; NULL at the root */
	struct ifx_entry *first, *last; /* collections */
	size_t n;
	const struct ifx_entry **by_key; /* large maps: entries with scalar keys, sorted */
	size_t n_by_key;
	const struct ifx_entry *twice; /* with by_key: see ifx_map_twice */
	struct ifx_node *target;       /* alias: the node it stands for; NULL when there is none */
	size_t aliases;                /* anchored: how many aliases stand for it */
	/* In a template: what may put entries into this map, or this null (template/tree.h). */
	const struct ifx_action *adds;
};

struct ifx_entry {
	struct ifx_node *in;  /* the map or sequence */
	struct ifx_node *key; /* NULL in sequences */
	struct ifx_node *value;
	size_t start; /* `?`, the key or its properties; the dash of a block sequence */
	size_t colon; /* SIZE_MAX when there is none */
	size_t end;   /* of the value, or of the last indicator */
	size_t index; /* in the collection, from 0 */
	struct ifx_entry *next, *prev;
};

struct ifx_comment {
	ifx_span span; /* from `#`, without the line break */
	bool own_line; /* nothing but blanks before it */
};

struct ifx_doc {
	ifx_str src;
	struct ifx_arena arena;
	struct ifx_node *root; /* NULL: nothing but comments and markers */
	struct ifx_comment *comments;
	size_t n_comments, cap_comments;
	size_t body; /* offset behind BOM, directives and `---` */
	bool json;   /* all flow, all keys double-quoted: JSON stays JSON */
	bool has_alias;
	ifx_style quote; /* of the first value that is quoted; IFX_PLAIN: none is */
	/*
	 * A document that is the text of a scalar in another one (proxy.istio.io/config): that
	 * scalar, and for each byte of src the offset in the host's source, with one more for the
	 * end.
	 */
	const struct ifx_node *host;
	const size_t *host_map;
	/* A document of a template: src is masked. NULL: it is no template, or it has a host. */
	const struct ifx_mask *mask;
};

#define IFX_NO_COMMENT SIZE_MAX

/** Text of a scalar as YAML reads it; a null that is not written is empty. Else (or NULL) ptr is
 * NULL. */
ifx_str ifx_text(const struct ifx_node *node);
/** Source bytes of a node's span. */
ifx_str ifx_raw(const struct ifx_node *node);

static inline bool ifx_is(const struct ifx_node *node, ifx_kind kind)
{
	return node && node->kind == kind;
}
/** Plain and empty, `~`, `null`, `Null` or `NULL`, and no tag other than !!null. */
bool ifx_is_null(const struct ifx_node *node);
/** A scalar that every reader takes for a string, or quoted, or tagged !!str. */
bool ifx_is_string(const struct ifx_node *node);

/** Follow an alias; NULL stays NULL, and an alias without target is NULL. */
const struct ifx_node *ifx_deref(const struct ifx_node *node);

/** First entry of a map whose key says `key`, written in the map itself; or NULL. */
const struct ifx_entry *ifx_map_entry(const struct ifx_node *map, ifx_str key);
/** An entry whose key the map had before: a duplicate. NULL when there is none. */
const struct ifx_entry *ifx_map_twice(const struct ifx_node *map);
/** The next one with the same key: a duplicate. */
const struct ifx_entry *ifx_map_entry_after(const struct ifx_entry *entry, ifx_str key);
/**
 * As ifx_map_entry, but the map may be an alias, and merge keys (`<<`) are looked through when the
 * map itself has no such key. `*direct` (may be NULL) is false when an alias or a merge was on the
 * way.
 */
const struct ifx_entry *ifx_map_find(const struct ifx_node *map, ifx_str key, bool *direct);
/** Value of ifx_map_find, dereferenced; NULL when there is none. */
const struct ifx_node *ifx_get(const struct ifx_node *map, ifx_str key);
/** Text of the string scalar at `key`, ptr NULL when absent or not a scalar. */
ifx_str ifx_get_text(const struct ifx_node *map, ifx_str key);

/** Give aliases their targets. named: aliases and anchored nodes, in any order. Only for load.c. */
void ifx_resolve_aliases(struct ifx_node **named, size_t n);
/** Make by_key of a map that is complete, if it is large. False: no memory. Only for load.c. */
bool ifx_map_index(struct ifx_node *map);

/** Where the next entry begins, be it one of a map further out; the end of the source behind the
 * last. */
size_t ifx_entry_next_start(const struct ifx_entry *entry);

/** How many comments are directly above an entry, at its column; *first is the index of the first.
 */
size_t ifx_entry_head(const struct ifx_entry *entry, size_t *first);
/** The comment behind the entry on its last line, or IFX_NO_COMMENT. */
size_t ifx_entry_trail(const struct ifx_entry *entry);
/** Index of the first comment at or behind `at`. */
size_t ifx_comment_from(const struct ifx_doc *doc, size_t at);
/** The text of a comment, from `#`. */
ifx_str ifx_comment_text(const struct ifx_doc *doc, size_t i);

/** First byte of the line that holds `at` (behind a BOM on the first). */
size_t ifx_line_start(ifx_str src, size_t at);
/** The line break at or behind `at`, or src.len. */
size_t ifx_line_end(ifx_str src, size_t at);
/** First byte of the line behind the one that holds `at`, or src.len. */
size_t ifx_line_next(ifx_str src, size_t at);
/** Bytes between the line's start and `at`. */
size_t ifx_column(ifx_str src, size_t at);
/** Is there nothing but spaces before `at` on its line? */
bool ifx_starts_line(ifx_str src, size_t at);
/** The same, with tabs too: between braces they are common. */
bool ifx_starts_flow_line(ifx_str src, size_t at);

/**
 * Where a node is, as people write it: `spec.template.metadata.annotations["a.b/c"]`,
 * `items[2].kind`. For an entry the path of its key.
 */
ifx_str ifx_path_of(const struct ifx_node *node, struct ifx_arena *arena);
ifx_str ifx_path_of_entry(const struct ifx_entry *entry, struct ifx_arena *arena);

#endif
