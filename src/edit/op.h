/*
 * The verbs. A rule looks at the tree and says what shall be different; how the bytes come to say
 * so is decided here, once for all rules.
 *
 * An operation is data: it names entries of one loaded document, which may be the text of a scalar
 * in another one (ifx_doc_embedded); it turns up there as a changed scalar. Operations of several
 * findings are compiled together (plan.h), because what a map looks like afterwards depends on all
 * of them.
 */
#ifndef IFX_EDIT_OP_H
#define IFX_EDIT_OP_H

#include "yaml/node.h"

typedef enum {
	IFX_OP_SET,     /* a scalar says something else */
	IFX_OP_RENAME,  /* a key says something else */
	IFX_OP_INSERT,  /* a new entry of two strings */
	IFX_OP_REMOVE,  /* an entry goes, with its own comments */
	IFX_OP_MOVE,    /* an entry goes to other maps, with its comments */
	IFX_OP_WRAP,    /* `k: v` becomes `k: {key: v}`, and `- v` becomes `- key: v` */
	IFX_OP_ENLIST,  /* `k: {...}` becomes `k: [{...}]` */
	IFX_OP_APPEND,  /* a new item at the end of a list */
	IFX_OP_REPLACE, /* an entry becomes another one in its place; comments in it go above it */
} ifx_verb;

/** Keys that a place may lack below its base. */
#define IFX_PLACE_DEPTH 8

/**
 * A map that is there, or is made on the way: `base` is a map or a null, and `path` names maps
 * below it that do not exist yet, outermost first. A path key called "metadata" is put first in its
 * map, others last.
 */
struct ifx_place {
	const struct ifx_node *base;
	ifx_str path[IFX_PLACE_DEPTH];
	size_t n;
};

struct ifx_op {
	ifx_verb verb;
	const struct ifx_doc *doc;
	const struct ifx_entry *entry; /* rename, remove, move, wrap, enlist, replace */
	const struct ifx_node *node;   /* set; append: the list */
	ifx_str key;                   /* rename, insert, wrap, replace */
	ifx_str value;                 /* set, insert, append, replace */
	/*
	 * insert, append, replace: the value is YAML: a flow line, or block lines with a break
	 * each. Lines of a replaced value are indented from the column of the key, others from
	 * their own.
	 */
	bool yaml;
	/* insert: before the first entry of a block map, not behind the last one; a list has its
	 * dashes where the document's other lists have theirs */
	bool front;
	bool keep;  /* remove: its comments stay, on lines of their own */
	bool plain; /* set: the new text, insert: the key is a number, a boolean or null and stands
		       unquoted */
	const struct ifx_entry *heir; /* remove: the entry that inherits the comments, or NULL */
	const struct ifx_place *to;   /* insert, move: n_to of them; the copies are equal */
	size_t n_to;
	const struct ifx_op *next;
};

/** The map at `path` below `from` (dotted keys, no lists), or the place where it would be. */
struct ifx_place ifx_place_of(const struct ifx_node *from, const ifx_str *keys, size_t n);
/** Is the place inside braces, where only one line of flow style fits? */
bool ifx_place_is_flow(const struct ifx_place *place);

#endif
