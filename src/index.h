/*
 * What the rest of the input shows: questions that one file cannot answer. Built when somebody
 * asks; most runs never do.
 */
#ifndef IFX_INDEX_H
#define IFX_INDEX_H

#include "io/files.h"
#include "rule/cx.h"

struct ifx_index {
	const struct ifx_inputs *inputs;
	struct ifx_arena arena;
	bool has_gateways, failed;
	struct ifx_names {
		ifx_str *items;
		size_t n, cap;
	} gateways; /* namespaces with a Gateway API Gateway of no revision of its own */
	struct ifx_names patches;    /* real paths of files that a kustomization lists as patches */
	struct ifx_names kustomized; /* directories whose kustomization was read */
	ifx_str file;                /* the one that is looked at; set by the caller */
};

/** inputs are borrowed. */
void ifx_index_init(struct ifx_index *index, const struct ifx_inputs *inputs);
void ifx_index_release(struct ifx_index *index);
/** The questions, for the pipeline. */
struct ifx_input_index ifx_index_questions(struct ifx_index *index);

#endif
