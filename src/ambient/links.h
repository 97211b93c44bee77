/*
 * Who calls whom, as far as the tree shows it, and the order that follows: callers before callees
 * (AMBIENT 1.3).
 */
#ifndef IFX_AMBIENT_LINKS_H
#define IFX_AMBIENT_LINKS_H

#include "ambient/migration.h"

/** Fill env->links: sorted, each evidence once. */
void ifx_links_find(struct ifx_migration *plan, struct ifx_env_plan *env);
/** Give each namespace that migrates its wave, and those that call each other their cycle. */
void ifx_waves_find(struct ifx_migration *plan, struct ifx_env_plan *env);
/** "policy", "sidecar", "url", "route" */
const char *ifx_link_name(ifx_link_kind kind);

#endif
