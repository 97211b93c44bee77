/*
 * injection-conflict: a namespace that is labelled for more than one data plane. What counts is
 * what `istioctl analyze` counts as IST0123:
 *
 *   istio-injection   istio.io/rev   istio.io/dataplane-mode
 *   enabled           any            any                       two or three of them: a conflict
 *   absent            any            any                       both: a conflict
 *   another value     any            any                       never: it switches injection off,
 * and is meant so
 *
 * Today istio-injection wins over istio.io/rev, and a sidecar wins over ambient. The answer
 * `effect` takes away what loses; it is safe where the file alone shows what that is.
 */
#include "rule/transform.h"

enum { INJECTION, REVISION, MODE, N_LABELS };

static const char *const names[N_LABELS] = { "istio-injection", "istio.io/rev",
					     "istio.io/dataplane-mode" };

/* What becomes of a label. */
enum fate { STAYS, GOES, BECOMES };

struct label {
	const struct ifx_entry *entry; /* NULL: not there */
	bool direct, twice;
	ifx_str value;
	enum fate fate;
	const char *text; /* BECOMES: added where it is missing */
};

struct conflict {
	const struct ifx_resource *r;
	const struct ifx_node *labels; /* the map */
	struct label label[N_LABELS];
};

static bool has(const struct conflict *c, int which)
{
	return c->label[which].entry != NULL;
}

static bool says(const struct conflict *c, int which, const char *value)
{
	return has(c, which) && ifx_str_eq(c->label[which].value, ifx_str_of(value));
}

static bool find_labels(struct conflict *c)
{
	const struct ifx_entry *labels;
	bool direct;
	int n = 0;

	labels = ifx_map_find(c->r->metadata, IFX_LIT("labels"), &direct);
	if (!labels)
		return false;
	c->labels = ifx_deref(labels->value);
	direct = direct && c->labels == labels->value;
	for (int i = 0; i < N_LABELS; i++) {
		struct label *l = &c->label[i];
		const struct ifx_node *value;

		l->entry = ifx_map_find(c->labels, ifx_str_of(names[i]), &l->direct);
		if (!l->entry)
			continue;
		value = ifx_deref(l->entry->value);
		l->direct = l->direct && direct && value == l->entry->value;
		l->twice = ifx_map_entry_after(l->entry, ifx_str_of(names[i])) != NULL;
		l->value = value ? ifx_text(value) : IFX_NONE;
		n++;
	}
	/* Any value but exactly `enabled` means no, and then the others are not about injection. */
	return n > 1 && (!has(c, INJECTION) || says(c, INJECTION, "enabled"));
}

/* ---- answers ---- */

static void become(struct conflict *c, int which, const char *text)
{
	c->label[which].fate = BECOMES;
	c->label[which].text = text;
}

/* What wins today stays. The reason is in FACTS 3.6, the words for it in say_winner. */
static void keep_effect(struct conflict *c)
{
	/* On a default control plane both mean the same; istio.io/rev says in addition who runs the
	 * gateways. */
	if (says(c, REVISION, "default"))
		c->label[INJECTION].fate = GOES;
	else if (has(c, INJECTION))
		c->label[REVISION].fate = GOES;
	c->label[MODE].fate = GOES;
}

/* False: the answer wants a label that is not there. */
static bool take_answer(struct conflict *c, const char *answer)
{
	for (int i = 0; i < N_LABELS; i++)
		c->label[i].fate = GOES;
	if (!strcmp(answer, "revision")) {
		c->label[REVISION].fate = STAYS;
		return has(c, REVISION);
	}
	if (!strcmp(answer, "injection")) {
		c->label[INJECTION].fate = STAYS;
		return has(c, INJECTION);
	}
	if (!strcmp(answer, "ambient")) {
		become(c, MODE, "ambient");
		return true;
	}
	if (!strcmp(answer, "ambient-revision")) {
		c->label[REVISION].fate = STAYS;
		become(c, MODE, "ambient");
		become(c, INJECTION, "disabled");
		return has(c, REVISION);
	}
	for (int i = 0; i < N_LABELS; i++)
		c->label[i].fate = STAYS;
	keep_effect(c);
	return true;
}

/* Does the answer change this label? */
static bool is_changed(const struct label *l)
{
	if (l->fate == BECOMES)
		return !l->entry || !ifx_str_eq(l->value, ifx_str_of(l->text));
	return l->fate == GOES && l->entry;
}

/* ---- words ---- */

static void add_label(struct ifx_buf *out, const struct conflict *c, int which)
{
	ifx_buf_addf(out, "'%s: %.*s'", names[which], IFX_ARG(c->label[which].value));
}

/* "'istio-injection: enabled' wins over 'istio.io/rev: canary'" */
static void say_winner(struct ifx_buf *out, const struct conflict *c)
{
	int winner = has(c, INJECTION) ? INJECTION : REVISION;
	bool ambient = says(c, MODE, "ambient");

	if (has(c, INJECTION) && has(c, REVISION)) {
		bool same = says(c, REVISION, "default");

		add_label(out, c, INJECTION);
		ifx_buf_add(out, same ? IFX_LIT(" and ") : IFX_LIT(" wins over "));
		add_label(out, c, REVISION);
		if (same)
			ifx_buf_add(out, IFX_LIT(" say the same"));
		if (!has(c, MODE))
			return;
		ifx_buf_add(out,
			    ambient ? IFX_LIT(", and a sidecar wins over ") : IFX_LIT(", and "));
	} else if (ambient) {
		ifx_buf_add(out, IFX_LIT("a sidecar from "));
		add_label(out, c, winner);
		ifx_buf_add(out, IFX_LIT(" wins over "));
	} else {
		add_label(out, c, winner);
		ifx_buf_add(out, IFX_LIT(" decides, and "));
	}
	add_label(out, c, MODE);
	if (!ambient)
		ifx_buf_add(out, IFX_LIT(" does nothing on a namespace"));
}

/* "drop istio.io/rev, set istio-injection: disabled" */
static void say_fix(struct ifx_buf *out, const struct conflict *c)
{
	const char *before = "drop ";

	for (int i = 0; i < N_LABELS; i++)
		if (c->label[i].fate == GOES && has(c, i)) {
			ifx_buf_addf(out, "%s%s", before, names[i]);
			before = " and ";
		}
	before = before[0] == 'd' ? "" : ", ";
	for (int i = 0; i < N_LABELS; i++)
		if (c->label[i].fate == BECOMES && is_changed(&c->label[i])) {
			ifx_buf_addf(out, "%s%s %s: %s", before, has(c, i) ? "set" : "add",
				     names[i], c->label[i].text);
			before = ", ";
		}
}

/* ---- the finding ---- */

/* Would the gateways of the namespace change hands? They belong to the revision that istio.io/rev
 * names. */
static bool moves_gateways(struct ifx_cx *cx, const struct conflict *c)
{
	return has(c, INJECTION) && has(c, REVISION) && !says(c, REVISION, "default") &&
	       c->r->name.ptr && ifx_input_has_gateway(cx, c->r->name);
}

static const char *choices(const struct conflict *c)
{
	if (!has(c, REVISION))
		return "effect|injection|ambient";
	return has(c, INJECTION) ? "effect|revision|injection|ambient|ambient-revision"
				 : "effect|revision|ambient|ambient-revision";
}

/* Why the labels cannot be edited where they are, if so. */
static bool refuse(struct ifx_cx *cx, struct ifx_fix *fix, const struct conflict *c)
{
	for (int i = 0; i < N_LABELS; i++) {
		const struct label *l = &c->label[i];
		ifx_str path;

		if (!l->entry || (l->direct && !l->twice))
			continue;
		if (l->twice) {
			ifx_refuse(fix, "the key '%s' is there twice; remove one of them first",
				   names[i]);
			return true;
		}
		path = ifx_path_of_entry(l->entry, ifx_cx_arena(cx));
		if (!path.ptr)
			ifx_cx_failed(cx);
		else
			ifx_refuse(
				fix,
				"'%s' comes through an alias or a merge key from %.*s; edit it there",
				names[i], IFX_ARG(path));
		return true;
	}
	return false;
}

#define MOVES                                                                                      \
	"without istio.io/rev the namespace's Gateway API gateways move to the default revision"
/* Said where the input has no gateway: the cluster may have one. */
#define WOULD_MOVE                                                                                 \
	"a Gateway API gateway of the namespace without an istio.io/rev of its own would move to the default revision; only what the input shows was looked at"

static void add_help(struct ifx_fix *fix, const struct conflict *c, bool gateways)
{
	bool unseen = !gateways && has(c, INJECTION) && has(c, REVISION) &&
		      !says(c, REVISION, "default") && c->label[REVISION].fate == GOES;

	if (says(c, MODE, "ambient"))
		ifx_help(
			fix,
			"there are sidecars only where the %s is installed, and in the middle of a migration both labels are right%s",
			has(c, INJECTION) ? "default control plane" : "revision",
			gateways ? "; " MOVES
			: unseen ? "; " WOULD_MOVE
				 : "");
	else if (gateways)
		ifx_help(fix, MOVES);
	else if (unseen)
		ifx_help(fix, WOULD_MOVE);
}

/*
 * Between braces there is no room for an entry that comes while the last one goes: the one that
 * goes becomes the one that comes, unless a comment would speak about the wrong label then.
 */
static const struct ifx_entry *heir_of(const struct conflict *c)
{
	const struct ifx_entry *heir = NULL;
	size_t first;

	for (int i = 0; i < N_LABELS; i++)
		if (c->label[i].fate == GOES && has(c, i))
			heir = c->label[i].entry;
	if (!heir || c->labels->style != IFX_FLOW || ifx_entry_head(heir, &first) ||
	    ifx_entry_trail(heir) != IFX_NO_COMMENT)
		return NULL;
	return heir;
}

static void apply(struct ifx_fix *fix, const struct conflict *c)
{
	const struct ifx_entry *heir = NULL;

	for (int i = 0; i < N_LABELS; i++)
		if (c->label[i].fate == BECOMES && !has(c, i))
			heir = heir_of(c);
	for (int i = 0; i < N_LABELS; i++) {
		const struct label *l = &c->label[i];
		ifx_str key = ifx_str_of(names[i]), text = ifx_str_of(l->text);

		if (!is_changed(l) || (l->entry && l->entry == heir))
			continue;
		if (l->fate == GOES) {
			ifx_fix_remove(fix, l->entry);
		} else if (l->entry) {
			ifx_fix_set(fix, l->entry->value, text);
		} else if (heir) {
			ifx_fix_rename(fix, heir, key);
			ifx_fix_set(fix, heir->value, text);
		} else {
			ifx_fix_insert(fix, (struct ifx_place){ .base = c->labels }, key, text);
		}
	}
}

static void report(struct ifx_cx *cx, struct conflict *c)
{
	bool gateways = moves_gateways(cx, c), answered, fits;
	bool safe = !gateways && !says(c, MODE, "ambient");
	const char *answer = ifx_chosen(cx, &answered);
	const struct ifx_node *at = NULL;
	struct ifx_buf text;
	struct ifx_fix *fix;

	/* The finding is about what loses today, whatever the answer. */
	take_answer(c, "effect");
	for (int i = N_LABELS - 1; i >= 0; i--)
		if (is_changed(&c->label[i]))
			at = c->label[i].entry->key;
	fits = take_answer(c, answer);
	if (!fits) {
		take_answer(c, "effect");
		answered = false;
	} else if (strcmp(answer, "effect") != 0) {
		/* Somebody chose it: that goes before what is safe. */
		safe = false;
	}
	ifx_buf_init(&text, 4096);
	say_winner(&text, c);
	ifx_buf_add(&text, IFX_LIT(": "));
	say_fix(&text, c);
	fix = ifx_find(cx, at, safe ? IFX_SAFE : IFX_CHOICE, IFX_WARNING, "%.*s",
		       IFX_ARG(ifx_buf_str(&text)));
	if (text.bad)
		ifx_cx_failed(cx);
	ifx_buf_release(&text);
	if (!safe) {
		fix->finding.choices = choices(c);
		ifx_answered(fix, answered);
	}
	add_help(fix, c, gateways);
	if (refuse(cx, fix, c))
		return;
	if (!fits && !safe) {
		ifx_refuse(fix, "the answer '%s' needs a label that is not there", answer);
		return;
	}
	apply(fix, c);
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct conflict c = { .r = r };

	if (r->group.len || !ifx_str_eq(r->kind, IFX_LIT("Namespace")) ||
	    ifx_str_eq(r->name, IFX_LIT("istio-system")))
		return;
	if (find_labels(&c))
		report(cx, &c);
}

static const struct ifx_answer answers[] = {
	{ "effect", "keep what wins today and drop the labels that lose" },
	{ "revision", "keep istio.io/rev and drop the others: the revision injects" },
	{ "injection", "keep istio-injection and drop the others: the default revision injects" },
	{ "ambient", "set istio.io/dataplane-mode: ambient and drop the labels that inject" },
	{ "ambient-revision",
	  "ambient, with istio.io/rev for the gateways and istio-injection: disabled" },
	{ NULL, NULL },
};

const struct ifx_transform ifx_injection_conflict = {
	.id = "injection-conflict",
	.ist = "IST0123",
	.summary = "leave a namespace the one label that decides over injection",
	.source = "https://istio.io/latest/docs/reference/config/analysis/ist0123/",
	.level = IFX_SAFE,
	.needles = (const char *const[]){ "istio-injection", "istio.io/rev",
					  "istio.io/dataplane-mode", NULL },
	.answers = answers,
	.run = run,
};
