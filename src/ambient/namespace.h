/* Namespaces: the labels they have as deployed, and what follows for their pods. */
#ifndef IFX_AMBIENT_NAMESPACE_H
#define IFX_AMBIENT_NAMESPACE_H

#include "ambient/estate.h"

/** Find or add; NULL: no memory. name is kept. */
struct ifx_namespace *ifx_namespace_add(struct ifx_estate *estate, struct ifx_environment *e,
					ifx_str name);
/** Labels, state and pods of all namespaces, once everything else is read. False: no memory. */
bool ifx_namespaces_decide(struct ifx_estate *estate, struct ifx_environment *e);

#endif
