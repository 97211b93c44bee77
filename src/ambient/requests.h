/*
 * The callers and requests that policies tell apart.
 *
 * A request is a point in a space with a dimension for everything that the policies ask about:
 * identity, port, token, method, path, each header... In each dimension the values fall into
 * classes that no policy distinguishes. The search goes through the dimensions one by one and tries
 * one value of each class that still matters: a rule that the values so far have decided does not
 * split the classes of later dimensions any more. What is visited is therefore one request for each
 * way in which the policies can treat one, unless a limit cuts it short.
 */
#ifndef IFX_AMBIENT_REQUESTS_H
#define IFX_AMBIENT_REQUESTS_H

#include "ambient/model.h"

/** Dimensions; headers and claims that policies ask about, mostly. */
enum { IFX_DIMENSIONS_MAX = 64 };

/**
 * What is to be told apart: calls to one workload, in two meshes (or twice the same one), through a
 * Service, or straight to the pod when both Services are NULL.
 */
struct ifx_probe {
	const struct ifx_mesh *mesh[2];
	const struct ifx_workload *workload[2]; /* NULL: it is not in that mesh */
	const struct ifx_service *service[2];
	size_t limit; /* requests */
};

/** principal ptr NULL: a caller without identity. Ports are those of the Service, if there is one.
 */
typedef ifx_status ifx_request_visit(void *data, const struct ifx_request *request);

/**
 * Visit the requests, always the same ones in the same order. Texts live in the arena.
 * sampled: set when a limit left classes out; never cleared.
 */
IFX_MUST_USE ifx_status ifx_requests_each(const struct ifx_probe *probe, struct ifx_arena *arena,
					  ifx_request_visit *visit, void *data, bool *sampled);

#endif
