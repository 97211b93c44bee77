/*
 * misspelt-key: a key of Istio's domain that nothing reads. What it is a slip for is looked up in
 * the catalogue, by the slips that people make:
 *
 *   istio.io/use-namespace                 a name that was once in a text that everybody copied
 *   sidecar.istio.io: "false"              half of the key
 *   sidecar.istio.io/Inject, proxy-cpu     letter case, and the dashes that go with it
 *   sidecar.istio.io/proxyCPu, injct       one letter too few, too many, wrong or swapped
 *   sidecar.istio.io/excludeInboundPorts   the name is right, the domain is not
 *   traffic.istio.io/excludeInboundPorts   a key that was catalogued once, and its successor
 *
 * A slip is certain when one key alone is meant, it is read in this place, and the value is one
 * that it takes; then the key is renamed. Everything else is told and left alone: unknown is not
 * wrong.
 */
#include "rule/transform.h"

#include "rule/injection.h"
#include "rule/strings.h"

/* Shorter names are one letter away from too many words. */
#define NAME_MIN 5
/* A name that is right under a wrong domain must be long enough to be nobody else's. */
#define TAIL_MIN 8

static const struct ifx_answer answers[] = {
	{ "known", "keep the value under the key that Istio reads, which is what counts today" },
	{ "misspelt", "take the value under the misspelt key, which is perhaps the newer intent" },
	{ NULL, NULL },
};

enum slip { NO_SLIP, NEAR, CERTAIN };

/* What a key is a slip for. */
struct guess {
	const struct ifx_key_fact *fact; /* NULL: nothing */
	bool label;                      /* the sort of the fact */
	enum slip slip;
};

/* Where a key stands. */
struct spot {
	struct ifx_cx *cx;
	const struct ifx_resource *r;
	ifx_role role;
	const struct ifx_strings *strings;
	const struct ifx_entry *entry;
	ifx_str key;
};

/* ---- how near two keys are ---- */

static size_t tail_at(ifx_str key)
{
	size_t slash = ifx_str_chr(key, '/');

	return slash == SIZE_MAX ? 0 : slash + 1;
}

/* What stands behind the slash. */
static ifx_str tail_of(ifx_str key)
{
	return ifx_str_sub(key, tail_at(key), key.len - tail_at(key));
}

static bool is_joint(char c)
{
	return c == '-' || c == '_' || c == '.';
}

/* Equal but for letter case and, behind the slash, for what joins the words. */
static bool same_words(ifx_str a, ifx_str b)
{
	size_t at = tail_at(a), i, k;

	if (at != tail_at(b) || !ifx_str_ieq(ifx_str_sub(a, 0, at), ifx_str_sub(b, 0, at)))
		return false;
	for (i = k = at; i < a.len || k < b.len; i++, k++) {
		while (i < a.len && is_joint(a.ptr[i]))
			i++;
		while (k < b.len && is_joint(b.ptr[k]))
			k++;
		if ((i < a.len) != (k < b.len))
			return false;
		if (i < a.len && !ifx_str_ieq(ifx_str_sub(a, i, 1), ifx_str_sub(b, k, 1)))
			return false;
	}
	return true;
}

/* One letter missing, too many, wrong, or two swapped: Damerau-Levenshtein distance 1. */
static bool one_slip(ifx_str a, ifx_str b)
{
	size_t front = 0, back = 0, x, y;

	while (front < a.len && front < b.len && a.ptr[front] == b.ptr[front])
		front++;
	while (back < a.len - front && back < b.len - front &&
	       a.ptr[a.len - 1 - back] == b.ptr[b.len - 1 - back])
		back++;
	x = a.len - front - back;
	y = b.len - front - back;
	if (x == 2 && y == 2)
		return a.ptr[front] == b.ptr[front + 1] && a.ptr[front + 1] == b.ptr[front];
	return x <= 1 && y <= 1;
}

/* ---- what is meant ---- */

static bool says_bool(const struct ifx_entry *entry)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "y", "n" };
	ifx_str text = ifx_entry_text(entry);

	for (size_t i = 0; text.ptr && i < sizeof(words) / sizeof(*words); i++)
		if (ifx_str_ieq(text, ifx_str_of(words[i])))
			return true;
	return false;
}

/* Slips with a name of their own. */
static const char *known_slip(const struct spot *s)
{
	if (s->strings->labels && ifx_str_eq(s->key, IFX_LIT("istio.io/use-namespace")))
		return "istio.io/use-waypoint-namespace";
	if (says_bool(s->entry) && (ifx_str_eq(s->key, IFX_LIT("sidecar.istio.io")) ||
				    ifx_str_eq(s->key, IFX_LIT("sidecar.istio.io/"))))
		return "sidecar.istio.io/inject";
	return NULL;
}

/* How `key` could be a slip for `name`; the smaller the better, 0: it is not. */
static int distance(ifx_str key, ifx_str name)
{
	if (same_words(key, name))
		return 1;
	if (one_slip(key, name))
		return 2;
	if (ifx_str_ieq(tail_of(key), tail_of(name)))
		return 3;
	return 0;
}

/* The one key of a table that is nearest; none when there are two. */
static struct guess nearest(ifx_str key, bool label)
{
	struct guess best = { .label = label };
	int least = 4;
	bool alone = false;
	size_t n;
	const struct ifx_key_fact *facts = label ? ifx_fact_labels(&n) : ifx_fact_annotations(&n);

	for (size_t i = 0; i < n; i++) {
		ifx_str name = ifx_str_of(facts[i].name);
		int d = ifx_key_is_istio(name) ? distance(key, name) : 0;

		if (!d || d > least)
			continue;
		alone = d < least;
		least = d;
		best.fact = &facts[i];
	}
	if (!best.fact || !alone)
		return (struct guess){ 0 };
	if (least == 1)
		best.slip = CERTAIN;
	else if (least == 2)
		best.slip = tail_of(ifx_str_of(best.fact->name)).len >= NAME_MIN ? CERTAIN : NEAR;
	else
		best.slip = tail_of(key).len >= TAIL_MIN && !(best.fact->flags & IFX_KEY_SYSTEM)
				    ? CERTAIN
				    : NEAR;
	return best;
}

static struct guess guess(const struct spot *s)
{
	bool label = s->strings->labels;
	const char *known = known_slip(s);
	struct guess g;

	if (known)
		return (struct guess){ ifx_fact_of(ifx_str_of(known), label), label, CERTAIN };
	g = nearest(s->key, label);
	if (!g.fact) {
		g = nearest(s->key, !label);
		if (g.fact)
			g.slip = NEAR;
	}
	return g;
}

/* ---- both are there ---- */

/* Why the map cannot be edited, if so; direct: the known key, if there, stands in it itself. */
static void refuse_indirect(struct ifx_fix *fix, const struct spot *s, const char *known,
			    bool direct)
{
	ifx_str key;

	ifx_refuse_indirect(fix, s->strings);
	if (!direct)
		ifx_refuse(fix, "the other one comes through a merge key");
	if (!s->strings->labels || s->role != IFX_ROLE_POD)
		return;
	key = ifx_arena_copy(ifx_cx_arena(s->cx), s->key);
	if (!key.ptr)
		ifx_cx_failed(s->cx);
	else if (ifx_pod_label_editable(fix, s->r, key.ptr))
		ifx_pod_label_editable(fix, s->r, known);
}

static void both(const struct spot *s, const struct ifx_key_fact *fact,
		 const struct ifx_entry *known, bool direct)
{
	const char *noun = ifx_strings_noun(s->strings->labels), *answer;
	ifx_str mine = ifx_entry_text(s->entry), theirs = ifx_entry_text(known);
	struct ifx_buf why;
	struct ifx_fix *fix;
	bool answered;

	if (mine.ptr && theirs.ptr && ifx_str_eq(mine, theirs)) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_SAFE, IFX_WARNING,
			"Istio reads no %s '%.*s'; '%s', which is meant, is there too and says the same",
			noun, IFX_ARG(s->key), fact->name);
		ifx_fix_remove_duplicate(fix, s->entry, known);
		refuse_indirect(fix, s, fact->name, direct);
		return;
	}
	answer = ifx_chosen(s->cx, &answered);
	fix = ifx_find(
		s->cx, s->entry->key, IFX_CHOICE, IFX_WARNING,
		"Istio reads no %s '%.*s'; '%s', which is meant, is there too and says '%.*s', here it is '%.*s'",
		noun, IFX_ARG(s->key), fact->name, IFX_ARG(ifx_entry_shown(s->cx, known)),
		IFX_ARG(ifx_entry_shown(s->cx, s->entry)));
	ifx_answered(fix, answered);
	ifx_buf_init(&why, 4096);
	if (!strcmp(answer, "known")) {
		ifx_fix_remove_duplicate(fix, s->entry, known);
	} else if (!ifx_value_usable(s->cx, fact, s->strings->labels, s->entry->value, &why)) {
		ifx_refuse(fix, "the value cannot be used: %.*s", IFX_ARG(ifx_buf_str(&why)));
	} else {
		ifx_fix_set(fix, known->value, mine);
		ifx_fix_remove_duplicate(fix, s->entry, known);
	}
	refuse_indirect(fix, s, fact->name, direct);
	if (why.bad)
		ifx_cx_failed(s->cx);
	ifx_buf_release(&why);
}

/* ---- one of them ---- */

/* Begins "Istio reads no label 'x'; 'y' is meant". */
static void slipped(const struct spot *s, const struct ifx_key_fact *fact, const char *meant)
{
	bool label = s->strings->labels, direct;
	const char *noun = ifx_strings_noun(label);
	ifx_str name = ifx_str_of(fact->name), value = ifx_entry_text(s->entry);
	ifx_fit fit = ifx_key_fit(fact, s->r, s->role);
	const struct ifx_entry *known = ifx_map_find(s->strings->map, name, &direct);
	struct ifx_buf why;
	struct ifx_fix *fix;

	if (known) {
		both(s, fact, known, direct);
		return;
	}
	ifx_buf_init(&why, 4096);
	if (fact->flags & (IFX_KEY_SYSTEM | IFX_KEY_UNUSED)) {
		fix = ifx_find(s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			       "Istio reads no %s '%.*s'; '%s' %s, and %s", noun, IFX_ARG(s->key),
			       fact->name, meant,
			       fact->flags & IFX_KEY_SYSTEM ? "Istio writes it itself"
							    : "Istio does not read that either");
		ifx_help(fix, "remove it");
	} else if (fit == IFX_FITS_NOT) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			"Istio reads no %s '%.*s'; '%s' %s, but on a %.*s that has no effect either",
			noun, IFX_ARG(s->key), fact->name, meant,
			IFX_ARG(ifx_role_name(s->r, s->role)));
		ifx_say_kinds(&why, fact);
		ifx_help(fix, "it is read on: %.*s", IFX_ARG(ifx_buf_str(&why)));
	} else if (!ifx_value_usable(s->cx, fact, label, s->entry->value, &why)) {
		fix = ifx_find(s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			       "Istio reads no %s '%.*s'; '%s' %s, but not with this value: %.*s",
			       noun, IFX_ARG(s->key), fact->name, meant,
			       IFX_ARG(ifx_buf_str(&why)));
		ifx_help(fix, "correct the value, then the key can be renamed");
	} else if (label && s->role == IFX_ROLE_POD && ifx_service_selects_by(s->cx, s->key)) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
			"Istio reads no %s '%.*s'; '%s' %s, but a Service selects by it as it is",
			noun, IFX_ARG(s->key), fact->name, meant);
		ifx_help(fix, "add '%s', and keep this one for the Service", fact->name);
	} else if (fit == IFX_FITS_PODS) {
		fix = ifx_find(
			s->cx, s->entry->key, IFX_REPAIR, IFX_WARNING,
			"Istio reads no %s '%.*s'; '%s' %s, and its place is the pod template",
			noun, IFX_ARG(s->key), fact->name, meant);
		ifx_fix_rename(fix, s->entry, name);
		refuse_indirect(fix, s, fact->name, true);
	} else {
		fix = ifx_find(s->cx, s->entry->key, IFX_REPAIR, IFX_WARNING,
			       "Istio reads no %s '%.*s'; '%s' %s: %s%s", noun, IFX_ARG(s->key),
			       fact->name, meant, ifx_key_effect(fact, label, s->role, value),
			       s->role == IFX_ROLE_POD ? ifx_rollout(s->r) : "");
		ifx_fix_rename(fix, s->entry, name);
		refuse_indirect(fix, s, fact->name, true);
	}
	if (why.bad)
		ifx_cx_failed(s->cx);
	ifx_buf_release(&why);
}

/* A key that is only perhaps meant. */
static void offer(const struct spot *s, const struct guess *g)
{
	struct ifx_fix *fix;

	fix = ifx_find(s->cx, s->entry->key, IFX_REPORT, IFX_WARNING,
		       "Istio reads no %s '%.*s'; the nearest name is the %s '%s'",
		       ifx_strings_noun(s->strings->labels), IFX_ARG(s->key),
		       ifx_strings_noun(g->label), g->fact->name);
	ifx_help(fix, "if that is meant, %s",
		 g->label == s->strings->labels ? "rename it" : "move it there under that name");
}

/* Written by whoever installs Istio, or for its own use. */
static bool is_bookkeeping(ifx_str key)
{
	static const char *const domains[] = { "install.operator.istio.io/", "operator.istio.io/",
					       "internal.istio.io/" };

	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++)
		if (ifx_str_starts(key, ifx_str_of(domains[i])))
			return true;
	return false;
}

/* Does this version of Istio still read it? For what left the catalogue by a date nobody can say.
 */
static bool is_read_still(struct ifx_cx *cx, const struct ifx_removed_fact *removed)
{
	int minor = ifx_istio_minor(cx);

	if (!strcmp(removed->last_seen, "1.24") ||
	    !strcmp(removed->name, "sidecar.istio.io/enableCoreDump"))
		return minor < 24;
	return false;
}

static void removed_key(const struct spot *s, const struct ifx_removed_fact *removed)
{
	ifx_str successor = ifx_str_of(removed->successor);
	const char *noun = ifx_strings_noun(s->strings->labels), *seen = removed->last_seen;
	const struct ifx_key_fact *fact = NULL;
	bool release = !strncmp(seen, "1.", 2), ours;
	struct ifx_fix *fix;

	if (is_read_still(s->cx, removed))
		return;
	if (removed->successor && !strcmp(removed->successor_kind, noun))
		fact = ifx_fact_of(successor, s->strings->labels);
	if (fact && !(fact->flags & IFX_KEY_SYSTEM)) {
		slipped(s, fact, "is its successor");
		return;
	}
	/* Written by Istio itself then, and its successor is now. */
	ours = removed->successor && !strcmp(removed->successor_kind, "label");
	fix = ifx_find(s->cx, s->entry->key, IFX_REPORT, ours ? IFX_INFO : IFX_WARNING,
		       "Istio reads no %s '%.*s': %s %s", noun, IFX_ARG(s->key),
		       release ? "Istio dropped it in" : "Istio's catalogue has not had it since",
		       seen);
	if (ours)
		ifx_help(fix, "Istio writes its successor, the label '%s', itself",
			 removed->successor);
	else if (removed->successor)
		ifx_help(fix, "its successor is '%s' in proxy.istio.io/config", removed->successor);
	else
		ifx_help(fix, "remove it");
}

static void one_key(const struct spot *s)
{
	bool label = s->strings->labels;
	const struct ifx_removed_fact *removed;
	const struct ifx_key_fact *other;
	struct guess g;

	if (ifx_fact_of(s->key, label))
		return;
	/* In the wrong map: wrong-metadata-map sees to it, but not to what only Istio writes. */
	other = ifx_fact_of(s->key, !label);
	if (other && !(other->flags & IFX_KEY_SYSTEM))
		return;
	removed = ifx_fact_removed(s->key, label ? IFX_LIT("label") : IFX_LIT("annotation"));
	if (removed) {
		removed_key(s, removed);
		return;
	}
	if (other || is_bookkeeping(s->key))
		return;
	g = guess(s);
	if (g.slip == CERTAIN)
		slipped(s, g.fact, "is meant");
	else if (g.slip == NEAR)
		offer(s, &g);
	else
		ifx_find(s->cx, s->entry->key, IFX_REPORT, IFX_INFO,
			 "%s '%.*s': Istio knows nothing of that name; left alone",
			 ifx_strings_noun(label), IFX_ARG(s->key));
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct spot spot = { .cx = cx, .r = r };

	if (!ifx_is_kubernetes(r))
		return;
	for (const struct ifx_metadata *m = ifx_metadata(cx, r); m; m = m->next)
		for (size_t i = 0; i < 2; i++) {
			if (!m->strings[i].map)
				continue;
			spot.role = m->role;
			spot.strings = &m->strings[i];
			for (spot.entry = spot.strings->map->first; spot.entry;
			     spot.entry = spot.entry->next) {
				spot.key = ifx_istio_key(spot.entry);
				if (spot.key.ptr)
					one_key(&spot);
			}
		}
}

const struct ifx_transform ifx_misspelt_key = {
	.id = "misspelt-key",
	.ist = "IST0108",
	.summary = "keys one slip away from one that Istio reads get its name",
	.source = "https://istio.io/latest/docs/reference/config/analysis/ist0108/",
	.level = IFX_REPAIR,
	.needles = (const char *const[]){ "istio.io", NULL },
	.answers = answers,
	.run = run,
};
