#include "ambient/layer.h"

/*
 * As istiod's conversion for ztunnel does it (handleRule, httpSources, httpOperations and
 * l4WhenAttributes in pilot/pkg/serviceregistry/ambient/authorization.go).
 */
const char *ifx_match_l7(const struct ifx_match *match)
{
	switch (match->attr) {
	case IFX_ATTR_PRINCIPAL:
	case IFX_ATTR_NAMESPACE:
	case IFX_ATTR_SOURCE_IP:
	case IFX_ATTR_PORT:
	case IFX_ATTR_DESTINATION_IP:
		return NULL;
	case IFX_ATTR_SERVICE_ACCOUNT:
		return match->when ? "ztunnel knows serviceAccounts as a field of a source, not as "
				     "the condition source.serviceAccount"
				   : NULL;
	case IFX_ATTR_TRUST_DOMAIN:
		return "ztunnel cannot compare trust domains alone";
	case IFX_ATTR_REMOTE_IP:
		return "the original client address is in an HTTP header";
	case IFX_ATTR_REQUEST_PRINCIPAL:
	case IFX_ATTR_AUDIENCE:
	case IFX_ATTR_PRESENTER:
	case IFX_ATTR_CLAIM:
		return "tokens are in HTTP headers";
	case IFX_ATTR_HOST:
	case IFX_ATTR_METHOD:
	case IFX_ATTR_PATH:
	case IFX_ATTR_HEADER:
		return "it is a property of HTTP requests";
	case IFX_ATTR_SNI:
		return "ztunnel does not look at the server name of TLS";
	case IFX_ATTR_ENVOY:
		return "it is metadata of an Envoy filter";
	case IFX_ATTR_UNKNOWN:
		break;
	}
	return "ztunnel does not know the key";
}

static bool clauses_are_l4(const struct ifx_clause *clauses, size_t n, struct ifx_l7_reason *why)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < clauses[i].n; j++) {
			const struct ifx_match *m = &clauses[i].matches[j];
			const char *reason = ifx_match_l7(m);

			if (!reason)
				continue;
			if (why)
				*why = (struct ifx_l7_reason){ reason, m, m->at };
			return false;
		}
	}
	return true;
}

bool ifx_rule_is_l4(const struct ifx_authz_rule *rule, struct ifx_l7_reason *why)
{
	return clauses_are_l4(rule->from, rule->n_from, why) &&
	       clauses_are_l4(rule->to, rule->n_to, why) &&
	       clauses_are_l4(rule->when, rule->n_when, why);
}

bool ifx_authz_is_l4(const struct ifx_authz *policy, struct ifx_l7_reason *why)
{
	if (why)
		*why = (struct ifx_l7_reason){ 0 };
	if (policy->action == IFX_CUSTOM || policy->action == IFX_AUDIT) {
		if (why)
			*why = (struct ifx_l7_reason){ "ztunnel knows ALLOW and DENY only", NULL,
						       policy->scope.at };
		return false;
	}
	for (size_t i = 0; i < policy->n_rules; i++)
		if (!ifx_rule_is_l4(&policy->rules[i], why))
			return false;
	return true;
}

/*
 * A DENY rule loses its HTTP parts. An alternative with nothing left never matches; with something
 * left it matches more than written. A rule matches nothing once one of its lists does.
 */
static unsigned deny_alternatives(const struct ifx_clause *clauses, size_t n)
{
	unsigned fate = IFX_ZTUNNEL_SAME;
	size_t empty = 0;

	for (size_t i = 0; i < n; i++) {
		size_t kept = 0;

		for (size_t j = 0; j < clauses[i].n; j++)
			kept += !ifx_match_l7(&clauses[i].matches[j]);
		if (kept == clauses[i].n && kept)
			continue;
		empty += !kept;
		fate |= kept ? IFX_ZTUNNEL_STRICTER : IFX_ZTUNNEL_OPEN;
	}
	return n && empty == n ? IFX_ZTUNNEL_OPEN | IFX_ZTUNNEL_IDLE : fate;
}

static unsigned deny_rule(const struct ifx_authz_rule *rule)
{
	unsigned fate = deny_alternatives(rule->from, rule->n_from) |
			deny_alternatives(rule->to, rule->n_to);

	for (size_t i = 0; i < rule->n_when; i++)
		fate |= deny_alternatives(&rule->when[i], 1);
	return fate & IFX_ZTUNNEL_IDLE ? IFX_ZTUNNEL_OPEN | IFX_ZTUNNEL_IDLE : fate;
}

unsigned ifx_ztunnel_fate(const struct ifx_authz *policy)
{
	unsigned fate = IFX_ZTUNNEL_SAME;
	size_t idle = 0;

	if (policy->action == IFX_CUSTOM || policy->action == IFX_AUDIT)
		return IFX_ZTUNNEL_ABSENT | IFX_ZTUNNEL_OPEN;
	if (policy->scope.n_targets || policy->dry_run)
		return IFX_ZTUNNEL_ABSENT;
	for (size_t i = 0; i < policy->n_rules; i++) {
		unsigned f = policy->action == IFX_DENY ? deny_rule(&policy->rules[i])
			     : ifx_rule_is_l4(&policy->rules[i], NULL)
				     ? IFX_ZTUNNEL_SAME
				     : IFX_ZTUNNEL_STRICTER | IFX_ZTUNNEL_IDLE;

		idle += (f & IFX_ZTUNNEL_IDLE) != 0;
		fate |= f & (IFX_ZTUNNEL_STRICTER | IFX_ZTUNNEL_OPEN);
	}
	return idle == policy->n_rules && idle ? fate | IFX_ZTUNNEL_IDLE : fate;
}
