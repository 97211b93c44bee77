/* What PeerAuthentication comes to: at a sidecar, and at ztunnel, which gets it translated. */
#include "ambient/model.h"

/* The policies that count for a workload: of the mesh, its namespace and itself. */
struct peers {
	const struct ifx_peer_authn *mesh, *namespace, *workload;
};

static void look(struct peers *out, const struct ifx_mesh *mesh,
		 const struct ifx_workload *workload, ifx_str namespace)
{
	bool root = ifx_str_eq(namespace, mesh->root_namespace);
	struct ifx_slice s = ifx_mesh_peer_authn_of(mesh, namespace);

	for (size_t i = s.first; i < s.first + s.n; i++) {
		const struct ifx_peer_authn *p = &mesh->peer_authn[i];
		const struct ifx_peer_authn **place = p->scope.has_selector ? &out->workload
						      : root                ? &out->mesh
									    : &out->namespace;

		/* One with a selector does not count in the root namespace. */
		if (*place || (root && p->scope.has_selector) ||
		    !ifx_labels_match(workload->labels, p->scope.selector))
			continue;
		*place = p;
	}
}

static struct peers peers_of(const struct ifx_mesh *mesh, const struct ifx_workload *workload)
{
	struct peers out = { 0 };

	look(&out, mesh, workload, mesh->root_namespace);
	if (!ifx_str_eq(workload->namespace, mesh->root_namespace))
		look(&out, mesh, workload, workload->namespace);
	return out;
}

static ifx_mtls mode_of(const struct ifx_peer_authn *p)
{
	return p ? p->mode : IFX_MTLS_UNSET;
}

static ifx_mtls port_mode(const struct ifx_peer_authn *p, unsigned port)
{
	for (size_t i = 0; p && i < p->n_ports; i++)
		if (p->ports[i].port == port)
			return p->ports[i].mode;
	return IFX_MTLS_UNSET;
}

ifx_mtls ifx_model_sidecar_mtls(const struct ifx_mesh *mesh, const struct ifx_workload *workload,
				unsigned port)
{
	struct peers p = peers_of(mesh, workload);
	ifx_mtls modes[] = { port_mode(p.workload, port), mode_of(p.workload), mode_of(p.namespace),
			     mode_of(p.mesh) };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (modes[i] != IFX_MTLS_UNSET)
			return modes[i];
	return IFX_MTLS_PERMISSIVE;
}

static bool has_port(const struct ifx_peer_authn *p, ifx_mtls mode)
{
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].mode == mode)
			return true;
	return false;
}

/*
 * With port-level modes istiod writes a DENY policy for ztunnel out of the workload's policy. It
 * starts from the workload's own mode or else the parent's, and its exceptions are the ports that
 * differ (convertPeerAuthentication). `parent`: the effective mode above the workload is STRICT.
 */
static bool port_policy_refuses(const struct peers *p, bool parent, unsigned port)
{
	const struct ifx_peer_authn *w = p->workload;
	ifx_mtls mode = port_mode(w, port);
	bool strict = w->mode == IFX_MTLS_STRICT || (w->mode == IFX_MTLS_UNSET && parent);
	bool open = mode == IFX_MTLS_PERMISSIVE || mode == IFX_MTLS_DISABLE;

	if (strict)
		return !open;
	/*
	 * A STRICT port of a workload that is not strict is left out when the mesh is STRICT and
	 * the namespace says nothing: the code takes it for covered by the parent.
	 */
	return mode == IFX_MTLS_STRICT &&
	       !(mode_of(p->namespace) == IFX_MTLS_UNSET && mode_of(p->mesh) == IFX_MTLS_STRICT);
}

/*
 * Which of the static STRICT policy and the translated one a workload gets
 * (convertedSelectorPeerAuthentications in pilot/pkg/serviceregistry/ambient/authorization.go).
 */
bool ifx_model_ztunnel_strict(const struct ifx_mesh *mesh, const struct ifx_workload *workload,
			      unsigned port)
{
	struct peers p = peers_of(mesh, workload);
	ifx_mtls above = mode_of(p.namespace) ? mode_of(p.namespace) : mode_of(p.mesh);
	bool parent = above == IFX_MTLS_STRICT;
	ifx_mtls own = mode_of(p.workload);

	if (!p.workload || !p.workload->n_ports)
		return own ? own == IFX_MTLS_STRICT : parent;
	if (own != IFX_MTLS_UNSET || !parent)
		return port_policy_refuses(&p, parent, port);
	/* Own mode unset under a STRICT parent: only PERMISSIVE ports are looked for. */
	if (!has_port(p.workload, IFX_MTLS_PERMISSIVE))
		return true;
	/*
	 * A namespace policy that says nothing under a STRICT mesh: the exception is taken for
	 * needless, no policy comes out, and the static one is not sent either.
	 */
	if (p.namespace && p.namespace->mode == IFX_MTLS_UNSET)
		return false;
	return port_policy_refuses(&p, parent, port);
}
