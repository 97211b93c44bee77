/*
 * Behind a waypoint the pods see the waypoint where they saw the caller. A DENY or CUSTOM policy
 * that names callers, above all those it does not mean, may then mean the waypoint: it gets an
 * exception, and the waypoint a copy of what was said before (AMBIENT 4.4).
 */
#ifndef IFX_AMBIENT_EXCEPTION_H
#define IFX_AMBIENT_EXCEPTION_H

#include "ambient/passage.h"

/** Could the policy mean the waypoint, as far as its identity goes? */
bool ifx_needs_exception(const struct ifx_passage *m, const struct ifx_stance *s);
/** Wish the exceptions. */
void ifx_wish_exceptions(struct ifx_passage *m, const struct ifx_stance *s);

#endif
