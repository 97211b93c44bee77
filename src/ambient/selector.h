/* Label selectors of Kubernetes: matchLabels and matchExpressions (apimachinery pkg/labels). */
#ifndef IFX_AMBIENT_SELECTOR_H
#define IFX_AMBIENT_SELECTOR_H

#include "ambient/estate.h"

/** Do the labels fit? An empty selector fits everything; an unknown operator fits nothing. */
bool ifx_selector_fits(const struct ifx_node *selector, struct ifx_pairs labels);

#endif
