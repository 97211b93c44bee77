/*
 * Bytes -> documents (stream.c) -> trees (load.c). The only room that sees libfyaml, and load.c is
 * its only file that does.
 */
#ifndef IFX_YAML_LOAD_H
#define IFX_YAML_LOAD_H

#include "base/buf.h"
#include "yaml/node.h"

/** Runs of blanks or line breaks above this are refused: libfyaml needs quadratic time. Bytes. */
#define IFX_BLANK_RUN_MAX ((size_t)8192)
/** A `%` line above this is refused, for the same reason. Bytes. */
#define IFX_DIRECTIVE_MAX ((size_t)1024)
/** A line of a document that is parsed; a flow line costs libfyaml 60 times its size. Bytes. */
#define IFX_LINE_MAX ((size_t)16 << 20)
/** Nesting of collections. */
#define IFX_DEPTH_MAX ((size_t)200)
/** Memory of one document's tree. Bytes. */
#define IFX_TREE_MAX ((size_t)4 << 30)
/** Steps that lookups through merge keys may take. */
#define IFX_MERGE_MAX 64

/** What is wrong, and where. */
struct ifx_problem {
	size_t at;           /* offset into the text given */
	struct ifx_buf text; /* one line without line end: what, and what to do */
};

/**
 * Is this YAML text that the parser may see? UTF-8, printable, no inner byte order mark, no
 * overlong blank run or directive. IFX_EINVAL or IFX_ELIMIT with `problem` filled.
 */
IFX_MUST_USE ifx_status ifx_precheck(ifx_str bytes, struct ifx_problem *problem);

/**
 * Cut the next document off a stream. A document ends before a `---` line that follows content, and
 * behind a `...` line; directives, comments and blank lines before a `---` go with it. The pieces
 * put together are the stream.
 *
 * at  where to go on: 0 at first; moved on.
 * False at the end.
 */
bool ifx_stream_next(ifx_str stream, size_t *at, ifx_span *document);

/**
 * Parse one document. src is borrowed and must outlive the tree.
 * IFX_EINVAL    not YAML; `problem` says where.
 * IFX_ELIMIT    too deep, or a line too long.
 */
IFX_MUST_USE ifx_status ifx_doc_load(struct ifx_doc **out, ifx_str src,
				     struct ifx_problem *problem);
/**
 * Parse the text of a scalar as a document of its own (its first one, when it is a stream). The
 * host's tree must outlive it. doc->host and doc->host_map are set; problem->at counts in the
 * decoded text.
 */
IFX_MUST_USE ifx_status ifx_doc_embedded(struct ifx_doc **out, const struct ifx_node *host,
					 struct ifx_problem *problem);
void ifx_doc_free(struct ifx_doc *doc);

/* ---- between load.c and stream.c ---- */

/** Say what is wrong; returns st. */
ifx_status ifx_problem_say(struct ifx_problem *problem, ifx_status st, size_t at, const char *fmt,
			   ...) IFX_PRINTF(4, 5);
/** Is there a document marker (`---` or `...`) at the start of the line at `at`? */
bool ifx_is_marker(ifx_str text, size_t at, const char *marker);
/** IFX_ELIMIT: a line is longer than IFX_LINE_MAX. */
IFX_MUST_USE ifx_status ifx_check_lines(ifx_str src, struct ifx_problem *problem);

#endif
