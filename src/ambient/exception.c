#include "ambient/exception.h"

#include "ambient/wish.h"

/* `*`, `a*`, `*a`, or the text itself. */
static bool matches(ifx_str pattern, ifx_str text)
{
	if (ifx_str_eq(pattern, IFX_LIT("*")))
		return true;
	if (ifx_str_ends(pattern, IFX_LIT("*")))
		return ifx_str_starts(text, ifx_str_sub(pattern, 0, pattern.len - 1));
	if (ifx_str_starts(pattern, IFX_LIT("*")))
		return ifx_str_ends(text, ifx_str_sub(pattern, 1, pattern.len - 1));
	return ifx_str_eq(pattern, text);
}

static ifx_str account_name(const struct ifx_passage *m)
{
	ifx_str principal = m->principal, rest = IFX_LIT("/sa/");
	size_t at = ifx_str_find(principal, rest);

	return ifx_str_sub(principal, at + rest.len, principal.len - at - rest.len);
}

/* Does one of the values name the waypoint? */
static bool names_waypoint(const struct ifx_passage *m, ifx_attr attr, struct ifx_strs values)
{
	for (size_t i = 0; i < values.n; i++) {
		ifx_str v = values.list[i], name = v;
		size_t slash = ifx_str_chr(v, '/');

		if (attr == IFX_ATTR_PRINCIPAL && matches(v, m->principal))
			return true;
		if (attr == IFX_ATTR_NAMESPACE && matches(v, m->waypoint_namespace))
			return true;
		if (attr != IFX_ATTR_SERVICE_ACCOUNT)
			continue;
		if (slash != SIZE_MAX) {
			if (!ifx_str_eq(ifx_str_sub(v, 0, slash), m->waypoint_namespace))
				continue;
			name = ifx_str_sub(v, slash + 1, v.len - slash - 1);
		} else if (!ifx_str_eq(m->ns->name, m->waypoint_namespace)) {
			continue;
		}
		if (ifx_str_eq(name, account_name(m)))
			return true;
	}
	return false;
}

static bool is_identity(const struct ifx_match *match)
{
	return match->attr == IFX_ATTR_PRINCIPAL || match->attr == IFX_ATTR_NAMESPACE ||
	       match->attr == IFX_ATTR_SERVICE_ACCOUNT || match->attr == IFX_ATTR_SOURCE_IP;
}

/* May the waypoint meet it? Its address is not known. */
static bool may_match(const struct ifx_passage *m, const struct ifx_match *match)
{
	if (!is_identity(match) || match->attr == IFX_ATTR_SOURCE_IP)
		return true;
	if (match->values.n && !names_waypoint(m, match->attr, match->values))
		return false;
	return !match->not_values.n || !names_waypoint(m, match->attr, match->not_values);
}

/* Does the clause ask who calls, and may the waypoint be the answer? */
static bool means_waypoint(const struct ifx_passage *m, const struct ifx_clause *clause, bool *asks)
{
	for (size_t i = 0; i < clause->n; i++) {
		*asks |= is_identity(&clause->matches[i]);
		if (!may_match(m, &clause->matches[i]))
			return false;
	}
	return true;
}

/* Conditions of a rule: false when they rule the waypoint out. *ask: they ask who calls. */
static bool conditions_allow(const struct ifx_passage *m, const struct ifx_authz_rule *rule,
			     bool *ask)
{
	*ask = false;
	for (size_t i = 0; i < rule->n_when; i++)
		if (!means_waypoint(m, &rule->when[i], ask))
			return false;
	return true;
}

bool ifx_needs_exception(const struct ifx_passage *m, const struct ifx_stance *s)
{
	for (size_t i = 0; i < s->authz.n_rules; i++) {
		const struct ifx_authz_rule *rule = &s->authz.rules[i];
		bool any = !rule->n_from, ask;

		if (!conditions_allow(m, rule, &ask))
			continue;
		for (size_t k = 0; k < rule->n_from; k++) {
			bool asks = false;

			if (!means_waypoint(m, &rule->from[k], &asks))
				continue;
			any = true;
			if (asks)
				return true;
		}
		if (any && ask)
			return true;
	}
	return false;
}

/* ---- edits ---- */

static void insert_list(struct ifx_passage *m, const struct ifx_object *o,
			const struct ifx_node *map, const char *key, ifx_str what)
{
	struct ifx_place place = { .base = map };
	struct ifx_op op = {
		.verb = IFX_OP_INSERT, .key = ifx_str_of(key), .yaml = true, .to = &place
	};

	op.value = IFX_SAY(m, "[%.*s]", IFX_ARG(ifx_item_text(m, map, m->principal)));
	op.n_to = 1;
	ifx_passage_want(m,
			 (struct ifx_wish){
				 .verb = IFX_WISH_OP, .o = o, .op = op, .what = what, .at = map });
}

static ifx_str what_of(struct ifx_passage *m, const struct ifx_stance *s)
{
	return IFX_SAY(m, "except the waypoint from AuthorizationPolicy %.*s",
		       IFX_ARG(s->o->r->name));
}

/* One source: extend notPrincipals or notServiceAccounts, or give it notPrincipals. */
static void except_source(struct ifx_passage *m, const struct ifx_stance *s,
			  const struct ifx_clause *clause)
{
	const struct ifx_node *source = clause->matches[0].at, *accounts, *principals;

	/* The list, its entry, and the map that has it. */
	source = source->entry ? source->entry->in : NULL;
	if (!ifx_is(source, IFX_MAP)) {
		m->failed = true;
		return;
	}
	accounts = ifx_get(source, IFX_LIT("notServiceAccounts"));
	principals = ifx_get(source, IFX_LIT("notPrincipals"));
	if (ifx_is(accounts, IFX_SEQ))
		ifx_wish_item(m, s->o, accounts,
			      ifx_item_text(m, accounts,
					    IFX_SAY(m, "%.*s/%.*s", IFX_ARG(m->waypoint_namespace),
						    IFX_ARG(account_name(m)))),
			      what_of(m, s));
	else if (ifx_is(principals, IFX_SEQ))
		ifx_wish_item(m, s->o, principals, ifx_item_text(m, principals, m->principal),
			      what_of(m, s));
	else if (ifx_get(source, IFX_LIT("serviceAccounts")))
		ifx_passage_hold(m, "S28", s->o, source,
				 "it denies the waypoint's own service account");
	else
		insert_list(m, s->o, source, "notPrincipals", what_of(m, s));
}

/* All conditions together: one more that is not met by the waypoint. */
static void except_conditions(struct ifx_passage *m, const struct ifx_stance *s,
			      const struct ifx_authz_rule *rule)
{
	const struct ifx_node *list = ifx_get(rule->at, IFX_LIT("when"));
	struct ifx_buf text;

	for (const struct ifx_entry *e = ifx_list_items(list); e; e = e->next) {
		const struct ifx_node *when = ifx_deref(e->value);
		const struct ifx_node *values = ifx_get(when, IFX_LIT("notValues"));

		if (!ifx_str_eq(ifx_get_text(when, IFX_LIT("key")), IFX_LIT("source.principal")))
			continue;
		if (ifx_is(values, IFX_SEQ))
			ifx_wish_item(m, s->o, values, ifx_item_text(m, values, m->principal),
				      what_of(m, s));
		else
			insert_list(m, s->o, when, "notValues", what_of(m, s));
		return;
	}
	if (!ifx_is(list, IFX_SEQ)) {
		m->failed = true;
		return;
	}
	ifx_buf_init(&text, 1 << 16);
	ifx_buf_addf(&text,
		     list->style == IFX_FLOW ? "{key: source.principal, notValues: [%.*s]}"
					     : "key: source.principal\nnotValues: [%.*s]",
		     IFX_ARG(ifx_item_text(m, rule->at, m->principal)));
	ifx_wish_item(m, s->o, list, IFX_SAY(m, "%.*s", IFX_ARG(ifx_buf_str(&text))),
		      what_of(m, s));
	ifx_buf_release(&text);
}

void ifx_wish_exceptions(struct ifx_passage *m, const struct ifx_stance *s)
{
	for (size_t i = 0; i < s->authz.n_rules; i++) {
		const struct ifx_authz_rule *rule = &s->authz.rules[i];
		bool ask, any = !rule->n_from, done = false;

		if (!conditions_allow(m, rule, &ask))
			continue;
		for (size_t k = 0; k < rule->n_from; k++) {
			bool asks = false;

			if (!means_waypoint(m, &rule->from[k], &asks))
				continue;
			any = true;
			if (asks && !ask) {
				except_source(m, s, &rule->from[k]);
				done = true;
			}
		}
		if (any && ask && !done)
			except_conditions(m, s, rule);
	}
}
