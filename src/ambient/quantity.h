/* Quantities of Kubernetes: `250m`, `0.5`, `192Mi`, `1e3` (apimachinery pkg/api/resource). */
#ifndef IFX_AMBIENT_QUANTITY_H
#define IFX_AMBIENT_QUANTITY_H

#include "base/buf.h"

/** In thousandths, rounded up. False: it is none, negative, or beyond 9 * 10^15. */
bool ifx_quantity_parse(long long *milli, ifx_str text);
/** Append millicores as people write them: `250m`, `1.5`. */
void ifx_quantity_cpu(struct ifx_buf *out, long long millicores);
/** Append bytes with the largest binary unit that leaves no fraction: `192Mi`, `1536`. */
void ifx_quantity_memory(struct ifx_buf *out, long long bytes);

#endif
