/*
 * Layer 4 or Layer 7: which parts of an AuthorizationPolicy ztunnel enforces, and what it makes of
 * a policy that has others.
 */
#ifndef IFX_AMBIENT_LAYER_H
#define IFX_AMBIENT_LAYER_H

#include "ambient/policy.h"

/** Why istiod keeps a match from ztunnel, in a clause; NULL when ztunnel gets it. */
const char *ifx_match_l7(const struct ifx_match *match);
/** Does ztunnel get all matches of the rule? */
bool ifx_rule_reaches_ztunnel(const struct ifx_authz_rule *rule);
/**
 * Why a match is not Layer 4: ztunnel does not get it, or reads it in another way than a sidecar.
 * NULL when it is.
 */
const char *ifx_match_not_l4(const struct ifx_match *match);

/** The first reason why a policy is not Layer 4. */
struct ifx_l7_reason {
	const char *why;               /* NULL: the policy is Layer 4 */
	const struct ifx_match *match; /* NULL when it is the action */
	const struct ifx_node *at;
};
/**
 * Is it Layer 4: ALLOW or DENY, and only parts that ztunnel
 * enforces as a sidecar does? targetRefs are not looked at.
 * why: may be NULL.
 */
bool ifx_authz_is_l4(const struct ifx_authz *policy, struct ifx_l7_reason *why);
/** The same of one rule, whatever the action. */
bool ifx_rule_is_l4(const struct ifx_authz_rule *rule, struct ifx_l7_reason *why);

/** What ztunnel makes of a policy, its scope included. STRICTER and OPEN may come together. */
enum {
	IFX_ZTUNNEL_SAME = 0,     /* enforced as written */
	IFX_ZTUNNEL_STRICTER = 1, /* refuses more than written */
	IFX_ZTUNNEL_OPEN = 2,     /* a refusal or check is lost: fails open */
	IFX_ZTUNNEL_IDLE = 4,     /* never matches: an ALLOW refuses all, a DENY does nothing */
	IFX_ZTUNNEL_ABSENT = 8,   /* not sent to ztunnel at all */
};
unsigned ifx_ztunnel_fate(const struct ifx_authz *policy);

#endif
