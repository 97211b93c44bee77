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

/* A star that is neither alone nor at one end. */
static bool star_inside(struct ifx_strs values)
{
	for (size_t i = 0; i < values.n; i++) {
		ifx_str v = values.list[i];
		bool first = v.len && v.ptr[0] == '*';
		size_t stars = 0;

		for (size_t k = 0; k < v.len; k++)
			stars += v.ptr[k] == '*';
		if (stars > 1 || (stars && !first && v.ptr[v.len - 1] != '*'))
			return true;
	}
	return false;
}

/* Istiod writes a regular expression for Envoy; ztunnel looks at the ends only. */
static bool other_namespaces(const struct ifx_match *match, struct ifx_strs values)
{
	return match->attr == IFX_ATTR_NAMESPACE && star_inside(values);
}

const char *ifx_match_not_l4(const struct ifx_match *match)
{
	const char *why = ifx_match_l7(match);

	if (!why &&
	    (other_namespaces(match, match->values) || other_namespaces(match, match->not_values)))
		why = "a star inside a namespace is any text to a sidecar and a star to ztunnel";
	return why;
}

typedef const char *reason_fn(const struct ifx_match *match);

static bool clauses_pass(const struct ifx_clause *clauses, size_t n, reason_fn *reason,
			 struct ifx_l7_reason *why)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < clauses[i].n; j++) {
			const struct ifx_match *m = &clauses[i].matches[j];
			const char *text = reason(m);

			if (!text)
				continue;
			if (why)
				*why = (struct ifx_l7_reason){ text, m, m->at };
			return false;
		}
	}
	return true;
}

static bool rule_passes(const struct ifx_authz_rule *rule, reason_fn *reason,
			struct ifx_l7_reason *why)
{
	return clauses_pass(rule->from, rule->n_from, reason, why) &&
	       clauses_pass(rule->to, rule->n_to, reason, why) &&
	       clauses_pass(rule->when, rule->n_when, reason, why);
}

bool ifx_rule_reaches_ztunnel(const struct ifx_authz_rule *rule)
{
	return rule_passes(rule, ifx_match_l7, NULL);
}

bool ifx_rule_is_l4(const struct ifx_authz_rule *rule, struct ifx_l7_reason *why)
{
	return rule_passes(rule, ifx_match_not_l4, why);
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

/* Stars inside namespaces: ztunnel finds fewer of them. */
static unsigned fewer(const struct ifx_clause *clause, ifx_action action)
{
	bool deny = action == IFX_DENY;
	unsigned fate = IFX_ZTUNNEL_SAME;

	for (size_t i = 0; i < clause->n; i++) {
		const struct ifx_match *m = &clause->matches[i];

		if (other_namespaces(m, m->values))
			fate |= deny ? IFX_ZTUNNEL_OPEN : IFX_ZTUNNEL_STRICTER;
		if (other_namespaces(m, m->not_values))
			fate |= deny ? IFX_ZTUNNEL_STRICTER : IFX_ZTUNNEL_OPEN;
	}
	return fate;
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
		fate |= fewer(&clauses[i], IFX_DENY);
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

static unsigned allow_rule(const struct ifx_authz_rule *rule)
{
	unsigned fate = IFX_ZTUNNEL_SAME;

	if (!ifx_rule_reaches_ztunnel(rule))
		return IFX_ZTUNNEL_STRICTER | IFX_ZTUNNEL_IDLE;
	for (size_t i = 0; i < rule->n_from; i++)
		fate |= fewer(&rule->from[i], IFX_ALLOW);
	for (size_t i = 0; i < rule->n_when; i++)
		fate |= fewer(&rule->when[i], IFX_ALLOW);
	return fate;
}

unsigned ifx_ztunnel_fate(const struct ifx_authz *policy)
{
	unsigned fate = IFX_ZTUNNEL_SAME;
	size_t idle = 0;

	if (policy->action == IFX_CUSTOM || policy->action == IFX_AUDIT)
		return IFX_ZTUNNEL_ABSENT | IFX_ZTUNNEL_OPEN;
	if (policy->scope.n_targets || policy->dry_run)
		return IFX_ZTUNNEL_ABSENT;
	if (policy->scope.empty_selector)
		return IFX_ZTUNNEL_ABSENT | IFX_ZTUNNEL_OPEN;
	for (size_t i = 0; i < policy->n_rules; i++) {
		unsigned f = policy->action == IFX_DENY ? deny_rule(&policy->rules[i])
							: allow_rule(&policy->rules[i]);

		idle += (f & IFX_ZTUNNEL_IDLE) != 0;
		fate |= f & (IFX_ZTUNNEL_STRICTER | IFX_ZTUNNEL_OPEN);
	}
	return idle == policy->n_rules && idle ? fate | IFX_ZTUNNEL_IDLE : fate;
}
