/*
 * What the rest of the input shows: questions that one file cannot answer. Read when somebody asks,
 * and one kind of object at a time; most runs never do.
 */
#ifndef IFX_INDEX_H
#define IFX_INDEX_H

#include "environment.h"
#include "rule/cx.h"

struct ifx_engine;
struct ifx_indexed_file;
struct ifx_indexed_kind;

/**
 * What the run does to the input `path` (ptr NULL: standard input), and the namespace of its
 * objects that do not say theirs (ptr NULL: unknown). False: nothing; it is left alone.
 */
typedef bool ifx_engine_fn(void *data, ifx_str path, struct ifx_engine *engine, ifx_str *namespace);

struct ifx_index {
	const struct ifx_inputs *inputs;
	ifx_engine_fn *engine_of; /* NULL: namespaces are taken as they are */
	void *data;               /* of engine_of */
	struct ifx_arena arena;
	bool failed;
	struct ifx_environments environments;
	struct ifx_indexed_file *files; /* one for each input; NULL: nobody asked for objects yet */
	struct ifx_indexed_kind *kinds; /* those that somebody asked for */
	ifx_str text;                   /* standard input, when that is what is looked at */
	ifx_str real;                   /* real path of `file`, once it was asked for */
	ifx_str real_of;
	ifx_str namespace; /* of objects of `file` that say none; set by the caller; ptr NULL:
			      unknown */
	ifx_str file; /* the one that is looked at, as typed; set by the caller; ptr NULL: standard
			 input */
};

/** inputs are borrowed. */
void ifx_index_init(struct ifx_index *index, const struct ifx_inputs *inputs);
void ifx_index_release(struct ifx_index *index);
/** The questions, for the pipeline. */
struct ifx_input_index ifx_index_questions(struct ifx_index *index);

#endif
