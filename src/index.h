/*
 * What the rest of the input shows: questions that one file cannot answer. Read when somebody asks;
 * most runs never do.
 *
 * An environment is what is deployed together: the files that one kustomization reaches, when no
 * other kustomization of the input reaches it in turn. dev and prod that share a base are two
 * environments, and the objects of the base are different ones in each. Files that no kustomization
 * reaches are one more environment, number 0, together.
 */
#ifndef IFX_INDEX_H
#define IFX_INDEX_H

#include "io/files.h"
#include "rule/cx.h"

struct ifx_engine;
struct ifx_kustomization;

/** One file's place in an environment. */
struct ifx_membership {
	ifx_str file; /* real path */
	size_t environment;
	ifx_str namespace; /* that the kustomizations on the way give it; ptr NULL: none */
};

struct ifx_index {
	const struct ifx_inputs *inputs;
	const struct ifx_engine
		*engine;           /* what the run does; NULL: namespaces are taken as they are */
	ifx_str default_namespace; /* --namespace; ptr NULL: none */
	struct ifx_arena arena;
	bool built, failed;
	bool kustomizations_read; /* those of the input */
	struct ifx_kustomization *kustomizations;
	struct ifx_membership *members; /* sorted by file */
	size_t n_members, cap_members;
	struct ifx_record **records; /* sorted by kind */
	size_t n_records, cap_records;
	ifx_str *patches; /* real paths of files that a kustomization lists as patches */
	size_t n_patches, cap_patches, n_sorted;
	ifx_str text; /* standard input, when that is what is looked at */
	ifx_str real; /* real path of `file`, once it was asked for */
	ifx_str real_of;
	ifx_str file; /* the one that is looked at, as typed; set by the caller; ptr NULL: standard
			 input */
};

/** inputs are borrowed. */
void ifx_index_init(struct ifx_index *index, const struct ifx_inputs *inputs);
void ifx_index_release(struct ifx_index *index);
/** The questions, for the pipeline. */
struct ifx_input_index ifx_index_questions(struct ifx_index *index);

#endif
