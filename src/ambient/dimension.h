/*
 * One dimension of the space of requests (requests.h) and the values worth trying in it.
 */
#ifndef IFX_AMBIENT_DIMENSION_H
#define IFX_AMBIENT_DIMENSION_H

#include "ambient/classes.h"
#include "ambient/model.h"

/** In the order of the search: what decides most comes first. */
typedef enum {
	IFX_DIM_PORT,
	IFX_DIM_HTTP, /* "http" or "tcp" */
	IFX_DIM_PRINCIPAL,
	IFX_DIM_SOURCE_IP,
	IFX_DIM_REMOTE_IP,
	IFX_DIM_DESTINATION_IP,
	IFX_DIM_SERVICE_IP,
	IFX_DIM_SNI,
	IFX_DIM_METHOD,
	IFX_DIM_PATH,
	IFX_DIM_HOST,
	IFX_DIM_TOKEN, /* "none", "good" or "bad" */
	IFX_DIM_CLAIM,
	IFX_DIM_HEADER,
	IFX_DIM_ATTRIBUTE,
} ifx_dim_kind;

struct ifx_dimension {
	ifx_dim_kind kind;
	ifx_str name;               /* of the claim, header or attribute */
	struct ifx_classes classes; /* texts */
	struct ifx_strs values;     /* ptr NULL: absent */
	bool each;                  /* every value counts, whatever the rules say */
	ifx_str *literals;          /* addresses and ports as policies have them */
	size_t n_literals, cap_literals;
};

void ifx_dimension_init(struct ifx_dimension *dim, ifx_dim_kind kind, ifx_str name,
			struct ifx_arena *arena);
/** A value of a policy to tell apart. `match` has it; `namespace` is the policy's. */
void ifx_dimension_add(struct ifx_dimension *dim, const struct ifx_mesh *mesh,
		       const struct ifx_match *match, ifx_str value, ifx_str namespace);
/** Another value to try or tell apart: a port, an issuer. */
void ifx_dimension_literal(struct ifx_dimension *dim, ifx_str value);
/**
 * Fill `values`. complete: cleared when a limit left some out.
 * IFX_ENOMEM.
 */
IFX_MUST_USE ifx_status ifx_dimension_close(struct ifx_dimension *dim, const struct ifx_mesh *mesh,
					    bool *complete);

#endif
