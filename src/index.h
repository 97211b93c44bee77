/*
 * What the rest of the input shows: questions that one file cannot answer. Read when somebody asks,
 * and one kind of object at a time; most runs never do.
 */
#ifndef IFX_INDEX_H
#define IFX_INDEX_H

#include "base/map.h"
#include "environment.h"
#include "rule/cx.h"

#include <pthread.h>

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
	ifx_str text;             /* standard input, when that is what is looked at */
	bool failed;
	struct ifx_environments environments;
	struct ifx_arena arena;
	struct ifx_indexed_file *files; /* one for each input; NULL: nobody asked for objects yet */
	struct ifx_indexed_kind *kinds; /* those that somebody asked for */
	struct ifx_map before;          /* path -> ifx_str: what files were that are replaced now */
	pthread_mutex_t lock;           /* of all of this; one who reads may ask again */
};

/** Who asks: one input that is looked at. Filled by the caller; may ask in any thread. */
struct ifx_asker {
	struct ifx_index *index;
	ifx_str file;      /* as typed; ptr NULL: standard input */
	ifx_str namespace; /* of its objects that say none; ptr NULL: unknown */
	bool known;        /* `real` was asked for */
	ifx_str real;      /* path of `file` */
};

/** inputs are borrowed. */
void ifx_index_init(struct ifx_index *index, const struct ifx_inputs *inputs);
void ifx_index_release(struct ifx_index *index);
/**
 * An input is about to be replaced: whoever asks later shall hear what those heard who asked
 * before, in whatever order the files are gone through. bytes: as read; copied. False: no memory.
 */
IFX_MUST_USE bool ifx_index_keep(struct ifx_index *index, ifx_str path, ifx_str bytes);
/** The questions, for the pipeline; asker is borrowed. */
struct ifx_input_index ifx_index_questions(struct ifx_asker *asker);

#endif
