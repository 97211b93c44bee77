/*
 * What namespaces want to be different, collected over the whole tree and turned into new bytes.
 *
 * A wish is data, as an operation is (edit/op.h): somebody wants an entry changed, a document added
 * or dropped, a file made. Wishes of all namespaces are compiled together, file by file, each
 * document proven (edit/plan.h, edit/documents.h). A wish that cannot be fulfilled holds the
 * namespace that has it, and with it all its other wishes; then the files that it touches are
 * compiled again without it. So a namespace is changed as a whole or not at all.
 *
 * A file that several environments deploy changes only when all of them wish the same (C40).
 */
#ifndef IFX_AMBIENT_CHANGES_H
#define IFX_AMBIENT_CHANGES_H

#include "ambient/estate.h"
#include "edit/edit.h"
#include "edit/op.h"

struct ifx_passage;

typedef enum {
	IFX_WISH_OP,     /* an operation in the object's document */
	IFX_WISH_DROP,   /* the object's document goes */
	IFX_WISH_BEHIND, /* a new document right behind the object's */
	IFX_WISH_END,    /* a new document at the end of the object's file */
	IFX_WISH_FILE,   /* a new file beside the object's */
} ifx_wish_verb;

struct ifx_wish {
	ifx_wish_verb verb;
	struct ifx_passage *by;
	const struct ifx_object *o;     /* whose document, or beside which */
	struct ifx_op op;               /* OP */
	ifx_str text;                   /* BEHIND, END, FILE: the new document, lines end with \n */
	ifx_str name;                   /* FILE: its name without directory */
	ifx_str what;                   /* for people: "add Gateway waypoint" */
	const struct ifx_node *at;      /* for people: where; NULL: the object */
	const struct ifx_wish *repeats; /* another namespace has the same one */
	size_t order;
};

/** What becomes of a file. */
struct ifx_rewrite {
	const struct ifx_source *source; /* NULL: a new file */
	ifx_str path;                    /* as typed; ends in NUL */
	ifx_str after;                   /* the new bytes */
	struct ifx_edits edits;          /* of source->bytes; of a new file one insertion */
	bool removed;                    /* nothing is left of it */
	const struct ifx_object *beside; /* new: the file that it is put beside */
	struct ifx_wish *const *wishes;  /* fulfilled here, in the order of the file */
	size_t n_wishes;
};

struct ifx_changes {
	struct ifx_estate *estate;
	struct ifx_arena arena;
	struct ifx_wish **wishes;
	size_t n, cap;
	struct ifx_rewrite *rewrites; /* sorted by path; in the arena */
	size_t n_rewrites;
	bool failed; /* no memory */
};

void ifx_changes_init(struct ifx_changes *changes, struct ifx_estate *estate);
void ifx_changes_release(struct ifx_changes *changes);

/** Add a wish. op's place (insert) may be local: it is copied. */
void ifx_wish(struct ifx_changes *changes, const struct ifx_wish *wish);

/**
 * Make the rewrites. Namespaces whose wishes cannot be fulfilled are held (ifx_passage_hold);
 * call again after more of them were held for other reasons. IFX_ENOMEM.
 */
IFX_MUST_USE ifx_status ifx_changes_compile(struct ifx_changes *changes);

/** The chunk of a source's bytes that is a document, counted from 1, from its first byte. */
ifx_str ifx_source_document(const struct ifx_source *source, size_t at);

#endif
