/* Decisions, callers and requests in words. */
#include "ambient/evidence.h"

static const char *mode_name(ifx_mode mode)
{
	static const char *const names[] = { "plaintext", "sidecar", "ambient", "gateway" };

	return names[mode];
}

static void say_policy(struct ifx_buf *out, const struct ifx_authz *policy)
{
	ifx_buf_addf(out, "%.*s/%.*s", IFX_ARG(policy->scope.namespace),
		     IFX_ARG(policy->scope.name));
}

static void say_basis(struct ifx_buf *out, const struct ifx_decision *d)
{
	switch (d->basis) {
	case IFX_BY_NOTHING:
		ifx_buf_add(out, IFX_LIT("nobody enforces policies there"));
		break;
	case IFX_BY_NO_ALLOW:
		ifx_buf_add(out, IFX_LIT("no DENY policy matches and there is no ALLOW policy"));
		break;
	case IFX_BY_NO_MATCH:
		ifx_buf_add(out, IFX_LIT("no ALLOW policy matches"));
		break;
	case IFX_BY_TOKEN:
		ifx_buf_add(out, IFX_LIT("RequestAuthentication does not accept the token"));
		break;
	case IFX_BY_PLAINTEXT:
		ifx_buf_add(out, IFX_LIT("PeerAuthentication asks for mutual TLS"));
		break;
	case IFX_BY_MTLS:
		ifx_buf_add(out, IFX_LIT("the port takes plaintext only (PeerAuthentication)"));
		break;
	case IFX_BY_PORT:
		ifx_buf_add(out, IFX_LIT("the Service does not lead to a port there"));
		break;
	case IFX_BY_ALLOW:
	case IFX_BY_DENY:
	case IFX_BY_PROVIDERS:
		ifx_buf_addf(out, "%s policy ", ifx_action_name(d->policy->action));
		say_policy(out, d->policy);
		ifx_buf_addf(out, ", rule %zu", d->rule + 1);
		break;
	}
}

static const char *point_name(ifx_point point)
{
	static const char *const names[] = { "", "the sidecar", "ztunnel", "the waypoint" };

	return names[point];
}

void ifx_decision_say_short(struct ifx_buf *out, const struct ifx_decision *d)
{
	ifx_buf_add(out, d->allowed ? IFX_LIT("allowed: ") : IFX_LIT("refused: "));
	say_basis(out, d);
	for (size_t i = 0; d->allowed && i < d->n_providers; i++)
		ifx_buf_addf(out, ", if provider %.*s agrees", IFX_ARG(d->providers[i]));
	if (d->audited)
		ifx_buf_add(out, IFX_LIT(", audited"));
}

void ifx_decision_say(struct ifx_buf *out, const struct ifx_decision *d)
{
	ifx_buf_add(out, d->allowed ? IFX_LIT("allowed") : IFX_LIT("refused"));
	if (d->point)
		ifx_buf_addf(out, " at %s", point_name(d->point));
	if (d->via_waypoint && d->point != IFX_AT_WAYPOINT)
		ifx_buf_add(out, IFX_LIT(", behind the waypoint"));
	ifx_buf_add(out, IFX_LIT(": "));
	say_basis(out, d);
	for (size_t i = 0; d->allowed && i < d->n_providers; i++)
		ifx_buf_addf(out, ", if provider %.*s agrees", IFX_ARG(d->providers[i]));
	if (d->audited)
		ifx_buf_add(out, IFX_LIT(", audited"));
}

void ifx_caller_say(struct ifx_buf *out, const struct ifx_evidence_row *row)
{
	if (!row->request.principal.ptr) {
		ifx_buf_add(out, IFX_LIT("a caller without identity"));
		return;
	}
	ifx_buf_addf(out, "%.*s (%s", IFX_ARG(row->request.principal),
		     mode_name(row->caller_before));
	if (row->caller_after != row->caller_before)
		ifx_buf_addf(out, ", then %s", mode_name(row->caller_after));
	ifx_buf_addc(out, ')');
}

static void say_labels(struct ifx_buf *out, const char *what, struct ifx_labels labels)
{
	for (size_t i = 0; i < labels.n; i++)
		ifx_buf_addf(out, ", %s %.*s: %.*s", what, IFX_ARG(labels.list[i].key),
			     IFX_ARG(labels.list[i].value));
}

static void say_text(struct ifx_buf *out, const char *what, ifx_str text)
{
	if (text.ptr)
		ifx_buf_addf(out, ", %s %.*s", what, IFX_ARG(text));
}

void ifx_request_say(struct ifx_buf *out, const struct ifx_request *r)
{
	if (!r->http)
		ifx_buf_addf(out, "connection to port %u", r->port);
	else if (r->method.ptr || r->path.ptr)
		ifx_buf_addf(out, "%.*s %.*s to port %u",
			     IFX_ARG(r->method.ptr ? r->method : IFX_LIT("GET")),
			     IFX_ARG(r->path.ptr ? r->path : IFX_LIT("/")), r->port);
	else
		ifx_buf_addf(out, "any request to port %u", r->port);
	say_text(out, "host", r->host);
	say_text(out, "from", r->source_ip);
	say_text(out, "client address", r->remote_ip);
	say_text(out, "pod address", r->destination_ip);
	say_text(out, "Service address", r->service_ip);
	say_text(out, "SNI", r->sni);
	say_labels(out, "header", r->headers);
	if (r->token == IFX_TOKEN_BAD)
		ifx_buf_add(out, IFX_LIT(", a token that is not valid"));
	if (r->token == IFX_TOKEN_GOOD)
		ifx_buf_add(out, IFX_LIT(", a valid token"));
	say_labels(out, "claim", r->claims);
	say_labels(out, "attribute", r->attributes);
}

static void say_broken(struct ifx_buf *out, unsigned breaks)
{
	static const char *const names[] = { "P1: the decision changes", "P2: it gets looser" };
	bool any = false;

	for (size_t i = 0; i < 2; i++) {
		if (!(breaks >> i & 1))
			continue;
		ifx_buf_addf(out, "%s%s", any ? ", " : "", names[i]);
		any = true;
	}
	if (!any)
		ifx_buf_add(out, breaks & IFX_SHUTS ? IFX_LIT("refused from now on")
						    : IFX_LIT("the same"));
}

void ifx_evidence_say(struct ifx_buf *out, const struct ifx_evidence_row *row)
{
	const struct ifx_workload *w = row->workload;

	if (row->new_allow) {
		ifx_buf_addf(out, "P3: %.*s %.*s/%.*s had no ALLOW policy and gets ",
			     IFX_ARG(w->kind), IFX_ARG(w->namespace), IFX_ARG(w->name));
		say_policy(out, row->new_allow);
		ifx_buf_add(out, IFX_LIT(", which refuses whatever it does not mention"));
		return;
	}
	say_broken(out, row->breaks);
	ifx_buf_add(out, IFX_LIT(": "));
	ifx_caller_say(out, row);
	ifx_buf_add(out, IFX_LIT(" sends "));
	ifx_request_say(out, &row->request);
	if (row->service)
		ifx_buf_addf(out, " of Service %.*s/%.*s", IFX_ARG(row->service->namespace),
			     IFX_ARG(row->service->name));
	else
		ifx_buf_addf(out, " of a pod of %.*s %.*s/%.*s", IFX_ARG(w->kind),
			     IFX_ARG(w->namespace), IFX_ARG(w->name));
	ifx_buf_add(out, IFX_LIT("; before, "));
	ifx_decision_say(out, &row->before);
	ifx_buf_add(out, IFX_LIT("; after, "));
	ifx_decision_say(out, &row->after);
}
