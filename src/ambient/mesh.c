#include "ambient/mesh.h"

#include "base/alloc.h"

#include <string.h>

/* How an array of the mesh is looked at: where an element has its namespace and names. */
typedef int compare_fn(const void *a, const void *b);

static int names(ifx_str a_namespace, ifx_str a, ifx_str b_namespace, ifx_str b)
{
	int c = ifx_str_cmp(a_namespace, b_namespace);

	return c ? c : ifx_str_cmp(a, b);
}

static int by_workload(const void *a, const void *b)
{
	const struct ifx_workload *x = a, *y = b;
	int c = names(x->namespace, x->name, y->namespace, y->name);

	return c ? c : ifx_str_cmp(x->kind, y->kind);
}

static int by_service(const void *a, const void *b)
{
	const struct ifx_service *x = a, *y = b;

	return names(x->namespace, x->name, y->namespace, y->name);
}

static int by_waypoint(const void *a, const void *b)
{
	const struct ifx_waypoint *x = a, *y = b;

	return names(x->namespace, x->name, y->namespace, y->name);
}

/* Policies start with their scope. They stay in order within a namespace: the first counts. */
static int by_scope(const void *a, const void *b)
{
	const struct ifx_scope *x = a, *y = b;

	return ifx_str_cmp(x->namespace, y->namespace);
}

_Static_assert(offsetof(struct ifx_authz, scope) == 0, "by_scope");
_Static_assert(offsetof(struct ifx_request_authn, scope) == 0, "by_scope");
_Static_assert(offsetof(struct ifx_peer_authn, scope) == 0, "by_scope");

/* Stable merge sort; `spare` is as large as the array. */
static void sort(char *list, char *spare, size_t n, size_t size, compare_fn *compare)
{
	size_t half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return;
	sort(list, spare, half, size, compare);
	sort(list + half * size, spare, n - half, size, compare);
	while (i < half || j < n) {
		bool left = i < half && (j == n || compare(list + i * size, list + j * size) <= 0);
		size_t from = left ? i++ : j++;

		memcpy(spare + k++ * size, list + from * size, size);
	}
	memcpy(list, spare, n * size);
}

ifx_status ifx_mesh_index(struct ifx_mesh *mesh)
{
	struct {
		void *list;
		size_t n, size;
		compare_fn *compare;
	} arrays[] = {
		{ mesh->workloads, mesh->n_workloads, sizeof(*mesh->workloads), by_workload },
		{ mesh->services, mesh->n_services, sizeof(*mesh->services), by_service },
		{ mesh->waypoints, mesh->n_waypoints, sizeof(*mesh->waypoints), by_waypoint },
		{ mesh->authz, mesh->n_authz, sizeof(*mesh->authz), by_scope },
		{ mesh->request_authn, mesh->n_request_authn, sizeof(*mesh->request_authn),
		  by_scope },
		{ mesh->peer_authn, mesh->n_peer_authn, sizeof(*mesh->peer_authn), by_scope },
	};
	size_t largest = 1;
	char *spare;

	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
		if (arrays[i].n * arrays[i].size > largest)
			largest = arrays[i].n * arrays[i].size;
	spare = ifx_calloc(1, largest);
	if (!spare)
		return IFX_ENOMEM;
	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
		sort(arrays[i].list, spare, arrays[i].n, arrays[i].size, arrays[i].compare);
	ifx_free(spare);
	return IFX_OK;
}

/* First element that is not before `key`. */
static size_t lower(const void *list, size_t n, size_t size, const void *key, compare_fn *compare)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare((const char *)list + mid * size, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct ifx_workload *ifx_mesh_workload(const struct ifx_mesh *mesh, ifx_str namespace, ifx_str kind,
				       ifx_str name)
{
	struct ifx_workload key = { .namespace = namespace, .kind = kind, .name = name };
	size_t i = lower(mesh->workloads, mesh->n_workloads, sizeof(key), &key, by_workload);

	return i < mesh->n_workloads && !by_workload(&mesh->workloads[i], &key)
		       ? &mesh->workloads[i]
		       : NULL;
}

struct ifx_service *ifx_mesh_service(const struct ifx_mesh *mesh, ifx_str namespace, ifx_str name)
{
	struct ifx_service key = { .namespace = namespace, .name = name };
	size_t i = lower(mesh->services, mesh->n_services, sizeof(key), &key, by_service);

	return i < mesh->n_services && !by_service(&mesh->services[i], &key) ? &mesh->services[i]
									     : NULL;
}

struct ifx_waypoint *ifx_mesh_waypoint(const struct ifx_mesh *mesh, ifx_str namespace, ifx_str name)
{
	struct ifx_waypoint key = { .namespace = namespace, .name = name };
	size_t i = lower(mesh->waypoints, mesh->n_waypoints, sizeof(key), &key, by_waypoint);

	return i < mesh->n_waypoints && !by_waypoint(&mesh->waypoints[i], &key)
		       ? &mesh->waypoints[i]
		       : NULL;
}

static int workload_namespace(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_workload *)a)->namespace,
			   ((const struct ifx_workload *)b)->namespace);
}

static int service_namespace(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_service *)a)->namespace,
			   ((const struct ifx_service *)b)->namespace);
}

static int waypoint_namespace(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_waypoint *)a)->namespace,
			   ((const struct ifx_waypoint *)b)->namespace);
}

/* The run of elements that compare equal to `key`. */
static struct ifx_slice slice(const void *list, size_t n, size_t size, const void *key,
			      compare_fn *compare)
{
	struct ifx_slice out = { .first = lower(list, n, size, key, compare) };

	while (out.first + out.n < n &&
	       !compare((const char *)list + (out.first + out.n) * size, key))
		out.n++;
	return out;
}

struct ifx_slice ifx_mesh_workloads_of(const struct ifx_mesh *mesh, ifx_str namespace)
{
	struct ifx_workload key = { .namespace = namespace };

	return slice(mesh->workloads, mesh->n_workloads, sizeof(key), &key, workload_namespace);
}

struct ifx_slice ifx_mesh_services_of(const struct ifx_mesh *mesh, ifx_str namespace)
{
	struct ifx_service key = { .namespace = namespace };

	return slice(mesh->services, mesh->n_services, sizeof(key), &key, service_namespace);
}

struct ifx_slice ifx_mesh_waypoints_of(const struct ifx_mesh *mesh, ifx_str namespace)
{
	struct ifx_waypoint key = { .namespace = namespace };

	return slice(mesh->waypoints, mesh->n_waypoints, sizeof(key), &key, waypoint_namespace);
}

struct ifx_slice ifx_mesh_authz_of(const struct ifx_mesh *mesh, ifx_str namespace)
{
	struct ifx_scope key = { .namespace = namespace };

	return slice(mesh->authz, mesh->n_authz, sizeof(*mesh->authz), &key, by_scope);
}

struct ifx_slice ifx_mesh_request_authn_of(const struct ifx_mesh *mesh, ifx_str namespace)
{
	struct ifx_scope key = { .namespace = namespace };

	return slice(mesh->request_authn, mesh->n_request_authn, sizeof(*mesh->request_authn), &key,
		     by_scope);
}

struct ifx_slice ifx_mesh_peer_authn_of(const struct ifx_mesh *mesh, ifx_str namespace)
{
	struct ifx_scope key = { .namespace = namespace };

	return slice(mesh->peer_authn, mesh->n_peer_authn, sizeof(*mesh->peer_authn), &key,
		     by_scope);
}

static bool admits(const struct ifx_waypoint *waypoint, ifx_str namespace)
{
	if (waypoint->from_all || ifx_str_eq(waypoint->namespace, namespace))
		return true;
	for (size_t i = 0; i < waypoint->from.n; i++)
		if (ifx_str_eq(waypoint->from.list[i], namespace))
			return true;
	return false;
}

const struct ifx_waypoint *ifx_mesh_bind(const struct ifx_mesh *mesh, ifx_str namespace,
					 struct ifx_labels object, struct ifx_labels of_namespace)
{
	const ifx_str use = IFX_LIT("istio.io/use-waypoint");
	const ifx_str use_namespace = IFX_LIT("istio.io/use-waypoint-namespace");
	struct ifx_labels from = ifx_labels_get(object, use).len ? object : of_namespace;
	ifx_str name = ifx_labels_get(from, use), in = ifx_labels_get(from, use_namespace);
	const struct ifx_waypoint *waypoint;

	if (!name.len || ifx_str_eq(name, IFX_LIT("none")))
		return NULL;
	waypoint = ifx_mesh_waypoint(mesh, in.len ? in : namespace, name);
	return waypoint && admits(waypoint, namespace) ? waypoint : NULL;
}

bool ifx_service_selects(const struct ifx_service *service, const struct ifx_workload *workload)
{
	return service->selector.n && ifx_str_eq(service->namespace, workload->namespace) &&
	       ifx_labels_match(workload->labels, service->selector);
}

unsigned ifx_service_target(const struct ifx_service_port *port,
			    const struct ifx_workload *workload)
{
	if (!port->target_name.len)
		return port->target ? port->target : port->port;
	for (size_t i = 0; i < workload->n_ports; i++)
		if (ifx_str_eq(workload->ports[i].name, port->target_name))
			return workload->ports[i].number;
	return 0;
}

ifx_str ifx_workload_account(const struct ifx_workload *workload)
{
	return workload->service_account.len ? workload->service_account : IFX_LIT("default");
}

ifx_str ifx_waypoint_account(const struct ifx_waypoint *waypoint)
{
	return waypoint->service_account.len ? waypoint->service_account : waypoint->name;
}
