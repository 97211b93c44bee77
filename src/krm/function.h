/*
 * Being the function of somebody's pipeline: text on standard input, the whole of it back on
 * standard output, and what to do in a configuration that came along.
 *
 *   a KRM function   a ResourceList; its functionConfig; results go into the list
 *   kustomize's      an exec plugin of its older protocol: a stream of documents; the configuration
 *                    is a file that argv[1] names
 *   a filter         a stream of documents, and nothing else
 */
#ifndef IFX_KRM_FUNCTION_H
#define IFX_KRM_FUNCTION_H

#include "config.h"
#include "krm/list.h"
#include "rule/finding.h"

struct ifx_function {
	bool hosted;               /* not a filter: nobody ever sees the text */
	bool is_list;              /* a KRM function */
	struct ifx_list list;      /* if it is */
	struct ifx_config *config; /* the configuration under the command line; NULL: none came */
};

/**
 * The name of the program as argv[0] has it: is this kustomize's exec plugin, and argv[1] its
 * configuration? kustomize calls a file of the name of the kind, which may be a link to us, or any
 * other with its environment set.
 */
bool ifx_is_exec_plugin(int argc, char *const *argv);

/**
 * What is there to do about a text? Both are borrowed.
 * name    of the text, in messages.
 * detect  may it be a ResourceList? --krm says so in any case.
 * False: the configuration is wrong, and `err` has a line for each mistake, or no memory.
 * Closed by the caller in any case.
 */
IFX_MUST_USE bool ifx_function_open(struct ifx_function *f, const struct ifx_config *line,
				    ifx_str text, ifx_str name, bool detect, struct ifx_buf *err);
void ifx_function_close(struct ifx_function *f);

/** Does it only check: hand back what it got, and say what it would do? */
bool ifx_function_checks(const struct ifx_function *f, const struct ifx_config *c);

/**
 * Whom a host calls nobody reads along: only what may need a person is told, so that a build with
 * both streams in one pipe goes on. Take the others out of list[first..n), but for what was fixed,
 * which is counted. Returns how many there are now.
 */
size_t ifx_function_quiet(const struct ifx_function *f, const struct ifx_config *c,
			  const struct ifx_finding **list, size_t first, size_t n);

/** See ifx_sites_tell; for those findings that will be told. False: no memory. */
IFX_MUST_USE bool ifx_function_place(const struct ifx_function *f, const struct ifx_config *c,
				     ifx_str text, struct ifx_finding *const *findings, size_t n,
				     struct ifx_arena *arena);

/**
 * Append the whole answer, or nothing.
 * after     the text with all fixes, or with `fixed` false as it came.
 * findings  of the text as it came, in its order. The list is closed: it is done with.
 * False: no memory or a failed proof, and `err` says so.
 */
IFX_MUST_USE bool ifx_function_answer(struct ifx_function *f, struct ifx_buf *out, ifx_str after,
				      bool fixed, const struct ifx_finding *const *findings,
				      size_t n, struct ifx_buf *err);

#endif
