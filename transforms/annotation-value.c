/*
 * annotation-value: every annotation and label of Istio is read by some code, and each reader has
 * its own idea of what a value looks like. A value that the reader does not take is written as the
 * one thing that it can mean, or reported with what happens today.
 *
 * Invariants:
 *   1. What is written is what ifx_value_ok takes, so the next run has nothing to say about it.
 *   2. Only where the catalogue knows the key: on pods, on its kinds, and in metadata from which
 *      misplaced-annotation would move it.
 *
 * Other rules know more about some keys: `inject-value` about the switches of injection,
 * `waypoint-label` about istio.io/waypoint-for, `duration` about durations, `proxy-resources` about
 * images that are ignored, `rev-annotation` about the annotation istio.io/rev.
 */
#include "rule/transform.h"

#include "rule/duration.h"
#include "rule/field.h"
#include "rule/json.h"
#include "rule/metadata.h"
#include "rule/value.h"

/** A value that is longer is not looked at for another reading. Bytes. */
#define VALUE_MAX ((size_t)1 << 16)
/** Since this release the injector checks quantities and the names of interfaces. */
#define CHECKS_QUANTITIES 30

/* A value that is wrong. */
struct look {
	const struct ifx_meta *m;
	const struct ifx_key_fact *fact;
	bool inert;         /* nothing reads it where it is */
	ifx_str text;       /* what the API server stores: a null is empty */
	struct ifx_buf why; /* what its reader finds wrong */
	struct ifx_buf mended;
};

static bool is_bool(ifx_value_type type)
{
	return type == IFX_VALUE_BOOL_EXACT || type == IFX_VALUE_BOOL_GO ||
	       type == IFX_VALUE_BOOL_FOLD;
}

static bool is_name(ifx_value_type type)
{
	return type == IFX_VALUE_DNS_LABEL || type == IFX_VALUE_DNS_NAME ||
	       type == IFX_VALUE_CONFIGMAP_NAME;
}

/* Kubernetes' own rule for the values of labels, whoever reads them. */
static bool is_label_value(ifx_str text, struct ifx_buf *why)
{
	static const struct ifx_key_fact any = { .type = IFX_VALUE_LABEL };

	return ifx_value_ok(&any, text, why);
}

/* ---- values that are JSON ---- */

/* What the reader of the key makes of the JSON, and an example. */
static const struct json_key {
	const char *key;
	ifx_json_shape shape;
	const char *meant, *example;
} json_keys[] = {
	{ "sidecar.istio.io/statsHistogramBuckets", IFX_JSON_MAP_OF_NUMBERS,
	  "an object of lists of numbers", "{\"istiocustom\":[1,5,10,50]}" },
	{ "sidecar.istio.io/userVolume", IFX_JSON_OBJECT_OR_ARRAY, "an object or an array",
	  "[{\"name\":\"certs\",\"secret\":{\"secretName\":\"certs\"}}]" },
	{ "sidecar.istio.io/userVolumeMount", IFX_JSON_OBJECT_OR_ARRAY, "an object or an array",
	  "[{\"name\":\"certs\",\"mountPath\":\"/certs\",\"readOnly\":true}]" },
	{ "traffic.istio.io/nodeSelector", IFX_JSON_MAP_OF_STRINGS, "an object of strings",
	  "{\"kubernetes.io/os\":\"linux\"}" },
};

static const struct json_key *json_key_of(const struct ifx_key_fact *fact)
{
	for (size_t i = 0; i < sizeof(json_keys) / sizeof(*json_keys); i++)
		if (!strcmp(json_keys[i].key, fact->name))
			return &json_keys[i];
	return NULL;
}

static bool json_ok(const struct ifx_key_fact *fact, ifx_str text, struct ifx_buf *why)
{
	const struct json_key *key = json_key_of(fact);
	ifx_json_fit fit = ifx_json_check(text, key ? key->shape : IFX_JSON_ANY);

	if (fit != IFX_JSON_FITS && why)
		ifx_buf_addf(why, "not %s", fit == IFX_JSON_MISSHAPEN ? key->meant : "JSON");
	return fit == IFX_JSON_FITS;
}

/* `a=b,c=d`, the way the annotation's own page shows it. */
static bool json_of_pairs(struct ifx_buf *out, ifx_str text)
{
	ifx_str rest = text, item;

	ifx_buf_addc(out, '{');
	while (ifx_str_split(&rest, ',', &item)) {
		size_t eq;

		item = ifx_str_trim(item);
		eq = ifx_str_chr(item, '=');
		if (eq == SIZE_MAX || !eq)
			return false;
		for (size_t i = 0; i < item.len; i++)
			if (i != eq && ((unsigned char)item.ptr[i] <= ' ' ||
					strchr("=\"'\\{}[]:", item.ptr[i])))
				return false;
		if (out->len > 1)
			ifx_buf_addc(out, ',');
		ifx_buf_add_json(out, ifx_str_sub(item, 0, eq));
		ifx_buf_addc(out, ':');
		ifx_buf_add_json(out, ifx_str_sub(item, eq + 1, item.len - eq - 1));
	}
	ifx_buf_addc(out, '}');
	return true;
}

/* ---- what a value can only mean ---- */

/* Without blanks of any script around it, and without quotes that were quoted. */
static ifx_str bare(ifx_str s)
{
	static const char *const blanks[] = { "\u00a0", "\u200b", "\u3000", "\ufeff" };
	static const char *const quotes[][2] = {
		{ "\"", "\"" }, { "'", "'" }, { "`", "`" },
		{ "“", "”" },   { "‘", "’" }, { "”", "”" },
	};
	size_t before;

	do {
		before = s.len;
		s = ifx_str_trim(s);
		for (size_t i = 0; i < sizeof(blanks) / sizeof(*blanks); i++) {
			ifx_str blank = ifx_str_of(blanks[i]);

			if (ifx_str_starts(s, blank))
				s = ifx_str_sub(s, blank.len, s.len - blank.len);
			if (ifx_str_ends(s, blank))
				s.len -= blank.len;
		}
		for (size_t i = 0; i < sizeof(quotes) / sizeof(*quotes); i++) {
			ifx_str open = ifx_str_of(quotes[i][0]), close = ifx_str_of(quotes[i][1]);

			if (s.len >= open.len + close.len && ifx_str_starts(s, open) &&
			    ifx_str_ends(s, close))
				s = ifx_str_sub(s, open.len, s.len - open.len - close.len);
		}
	} while (s.len < before);
	return s;
}

static bool is_one_of(ifx_str item, const char *list)
{
	ifx_str rest = ifx_str_of(list), word;

	while (ifx_str_split(&rest, ',', &word))
		if (ifx_str_ieq(item, word))
			return true;
	return false;
}

static void mend_bool(struct ifx_buf *out, ifx_str s)
{
	if (is_one_of(s, "true,t,yes,y,on,1,enable,enabled"))
		ifx_buf_add(out, IFX_LIT("true"));
	else if (is_one_of(s, "false,f,no,n,off,0,disable,disabled"))
		ifx_buf_add(out, IFX_LIT("false"));
}

/* Equal but for letter case, hyphens, underscores and blanks. */
static bool is_like(ifx_str a, ifx_str b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.len && strchr("-_ ", a.ptr[i]))
			i++;
		while (k < b.len && strchr("-_ ", b.ptr[k]))
			k++;
		if (i == a.len || k == b.len)
			return i == a.len && k == b.len;
		if (!ifx_str_ieq(ifx_str_sub(a, i++, 1), ifx_str_sub(b, k++, 1)))
			return false;
	}
}

static void mend_enum(struct ifx_buf *out, const struct ifx_key_fact *fact, ifx_str s)
{
	ifx_str rest = ifx_str_of(fact->values), word;

	while (ifx_str_split(&rest, ',', &word))
		if (is_like(s, word)) {
			ifx_buf_add(out, word);
			return;
		}
}

static bool is_cpu(const struct ifx_key_fact *fact)
{
	return ifx_str_find(ifx_str_of(fact->name), IFX_LIT("CPU")) != SIZE_MAX;
}

/* Number and unit of a quantity as people write it: `1,5 gib`. */
static ifx_str unit_of(ifx_str s, ifx_str *number)
{
	size_t n = 0;

	while (n < s.len && (ifx_is_digit((unsigned char)s.ptr[n]) || strchr("+-.,", s.ptr[n])))
		n++;
	*number = ifx_str_sub(s, 0, n);
	return ifx_str_trim(ifx_str_sub(s, n, s.len - n));
}

static void mend_quantity(struct ifx_buf *out, const struct ifx_key_fact *fact, ifx_str s)
{
	static const char binary[] = "kmgtpe";
	ifx_str number, unit = unit_of(s, &number);
	size_t comma = ifx_str_chr(number, ','), decimals = number.len - comma - 1;

	/* `1,5` is a decimal comma; in `1,000` it may be either. */
	if (comma != SIZE_MAX && (decimals < 1 || decimals > 2 || !comma))
		return;
	for (size_t i = 0; i < number.len; i++)
		ifx_buf_addc(out, i == comma ? '.' : number.ptr[i]);
	if (is_cpu(fact) && is_one_of(unit, "cpu,cpus,core,cores,vcpu,vcpus"))
		return;
	/* Of the units only the binary ones say the same in every letter case: `m` is a
	 * thousandth, and who writes `g` or `MB` may mean either power. */
	if ((unit.len == 2 || unit.len == 3) && (unit.ptr[1] | 0x20) == 'i' &&
	    (unit.len == 2 || (unit.ptr[2] | 0x20) == 'b') && strchr(binary, unit.ptr[0] | 0x20)) {
		char c = (char)(unit.ptr[0] & ~0x20);

		ifx_buf_addf(out, "%ci", c);
		return;
	}
	ifx_buf_add(out, unit);
}

/* `30s` where seconds are counted. */
static void mend_uint(struct ifx_buf *out, const struct ifx_key_fact *fact, ifx_str s)
{
	size_t n = 0;
	ifx_str unit;

	if (s.len && s.ptr[0] == '+')
		s = ifx_str_sub(s, 1, s.len - 1);
	while (n < s.len && ifx_is_digit((unsigned char)s.ptr[n]))
		n++;
	unit = ifx_str_trim(ifx_str_sub(s, n, s.len - n));
	if (!unit.len || (is_one_of(unit, "s,sec,secs,second,seconds") &&
			  ifx_str_ends(ifx_str_of(fact->name), IFX_LIT("Seconds"))))
		ifx_buf_add(out, ifx_str_sub(s, 0, n));
}

/* An address that is surely one host's. */
static const char *prefix_of(ifx_str address)
{
	bool v6 = ifx_str_chr(address, ':') != SIZE_MAX;

	if (ifx_str_chr(address, '/') != SIZE_MAX || !address.len)
		return "";
	if (v6)
		return ifx_str_ends(address, IFX_LIT("::")) ? "" : "/128";
	return ifx_str_ends(address, IFX_LIT(".0")) ? "" : "/32";
}

/* Items of ports, ranges and interfaces have no blanks, so blanks, commas and semicolons part them.
 */
static void mend_items(struct ifx_buf *out, const struct ifx_key_fact *fact, ifx_str s)
{
	size_t at = 0;

	/* `[80, 81]` */
	if (s.len >= 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']')
		s = ifx_str_sub(s, 1, s.len - 2);
	while (at < s.len) {
		size_t from = at;
		ifx_str item;

		while (at < s.len && !strchr(",; \t\r\n", s.ptr[at]))
			at++;
		item = bare(ifx_str_sub(s, from, at - from));
		at++;
		if (!item.len)
			continue;
		if (out->len)
			ifx_buf_addc(out, ',');
		ifx_buf_add(out, item);
		if (fact->type == IFX_VALUE_CIDR_LIST && !ifx_str_eq(item, IFX_LIT("*")))
			ifx_buf_add(out, ifx_str_of(prefix_of(item)));
	}
}

static void mend_list(struct ifx_buf *out, ifx_str s)
{
	ifx_str item;

	while (ifx_str_split(&s, ',', &item)) {
		item = ifx_str_trim(item);
		if (item.len && out->len)
			ifx_buf_addc(out, ',');
		ifx_buf_add(out, item);
	}
}

static void mend_binding(struct ifx_buf *out, ifx_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 'a' && s.ptr[i] <= 'z')
			ifx_buf_addc(out, (char)(s.ptr[i] & ~0x20));
		else if (s.ptr[i] != ' ')
			ifx_buf_addc(out, s.ptr[i]);
}

static void mend_name(struct ifx_buf *out, ifx_str s)
{
	for (size_t i = 0; i < s.len; i++)
		ifx_buf_addc(out, s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] | 0x20)
								     : s.ptr[i]);
}

/* In a locality dots stand for the slashes that a label may not have. */
static void mend_label(struct ifx_buf *out, const struct ifx_key_fact *fact, ifx_str s)
{
	bool locality = ifx_str_ends(ifx_str_of(fact->name), IFX_LIT("locality"));

	for (size_t i = 0; i < s.len; i++)
		ifx_buf_addc(out, locality && s.ptr[i] == '/' ? '.' : s.ptr[i]);
}

static void mend_json(struct ifx_buf *out, const struct look *l, ifx_str s)
{
	const struct ifx_doc *doc;

	if (!strcmp(l->fact->name, "traffic.istio.io/nodeSelector") && json_of_pairs(out, s))
		return;
	ifx_buf_clear(out);
	/* JSON in quotes, once more in quotes. */
	if (json_ok(l->fact, s, NULL)) {
		ifx_buf_add(out, s);
		return;
	}
	doc = ifx_embedded(l->m->cx, l->m->value, NULL);
	if (!doc || !doc->root || doc->root->kind == IFX_SCALAR || doc->n_comments ||
	    !ifx_json_of_yaml(out, doc->root))
		ifx_buf_clear(out);
}

static bool is_ok(const struct look *l, ifx_str text, struct ifx_buf *why)
{
	if (!ifx_value_ok(l->fact, text, why))
		return false;
	if (l->m->labels && !is_label_value(text, why))
		return false;
	return l->fact->type != IFX_VALUE_JSON || json_ok(l->fact, text, why);
}

/* The one reading of the text, if there is one that the reader takes. */
static bool mend(struct look *l)
{
	struct ifx_buf *out = &l->mended;
	ifx_str s = bare(l->text);

	if (!s.len || l->text.len > VALUE_MAX)
		return false;
	switch (l->fact->type) {
	case IFX_VALUE_BOOL_EXACT:
	case IFX_VALUE_BOOL_GO:
	case IFX_VALUE_BOOL_FOLD:
		mend_bool(out, s);
		break;
	case IFX_VALUE_UINT:
		mend_uint(out, l->fact, s);
		break;
	case IFX_VALUE_PERCENT:
		ifx_buf_add(out, ifx_str_ends(s, IFX_LIT("%"))
					 ? ifx_str_trim(ifx_str_sub(s, 0, s.len - 1))
					 : s);
		break;
	case IFX_VALUE_ENUM:
		mend_enum(out, l->fact, s);
		break;
	case IFX_VALUE_QUANTITY:
		mend_quantity(out, l->fact, s);
		break;
	case IFX_VALUE_LIST:
		mend_list(out, s);
		break;
	case IFX_VALUE_PORT_LIST:
	case IFX_VALUE_CIDR_LIST:
	case IFX_VALUE_IFACE_LIST:
		mend_items(out, l->fact, s);
		break;
	case IFX_VALUE_BINDING:
		mend_binding(out, s);
		break;
	case IFX_VALUE_DNS_LABEL:
	case IFX_VALUE_DNS_NAME:
	case IFX_VALUE_CONFIGMAP_NAME:
		mend_name(out, s);
		break;
	case IFX_VALUE_LABEL:
		mend_label(out, l->fact, s);
		break;
	case IFX_VALUE_JSON:
		mend_json(out, l, s);
		break;
	default:
		ifx_buf_add(out, s);
		break;
	}
	if (out->bad)
		ifx_cx_failed(l->m->cx);
	return !out->bad && out->len && !ifx_str_eq(ifx_buf_str(out), l->text) &&
	       is_ok(l, ifx_buf_str(out), NULL);
}

/* ---- what is said ---- */

/* Quantities and interfaces were put into the pod as they are once. */
static bool is_unchecked_yet(const struct look *l)
{
	return (l->fact->type == IFX_VALUE_QUANTITY || l->fact->type == IFX_VALUE_IFACE_LIST) &&
	       ifx_istio_minor(l->m->cx) < CHECKS_QUANTITIES;
}

/* What happens today, where something reads the key. */
static const char *effect(const struct look *l)
{
	const struct ifx_key_fact *fact = l->fact;

	if (l->m->labels && !is_label_value(l->text, NULL))
		return "the API server refuses the object";
	if (fact->type == IFX_VALUE_IMAGE_REF)
		return "there is no such image to pull";
	if (is_name(fact->type))
		return fact->bad == IFX_BAD_POD_BROKEN
			       ? "no object can have that name, and the pod does not start without it"
			       : "no object can have that name";
	switch (fact->bad) {
	case IFX_BAD_NOTHING:
		return is_bool(fact->type) ? "Istio takes it as if it were not there"
					   : "nothing checks it, and it cannot work";
	case IFX_BAD_IGNORED:
		return "Istio ignores it";
	case IFX_BAD_DEFAULT:
		return "Istio ignores it, and the default applies";
	case IFX_BAD_POD_REFUSED:
		return is_unchecked_yet(l) ? "Istio before 1.30 puts it into the pod unchecked"
					   : "the injector refuses the pod";
	case IFX_BAD_POD_BROKEN:
		return "the pod does not come up";
	case IFX_BAD_OBJECT_REFUSED:
		return "Istio refuses the object";
	}
	return "Istio ignores it";
}

static ifx_severity severity(const struct look *l)
{
	if (l->m->labels && !is_label_value(l->text, NULL))
		return IFX_ERROR;
	if (l->inert)
		return IFX_WARNING;
	return l->fact->bad == IFX_BAD_POD_REFUSED || l->fact->bad == IFX_BAD_POD_BROKEN ||
			       l->fact->bad == IFX_BAD_OBJECT_REFUSED
		       ? IFX_ERROR
		       : IFX_WARNING;
}

static const char *noun(const struct look *l)
{
	return l->m->labels ? "label" : "annotation";
}

static const char *place(const struct look *l)
{
	/* Labels of any object are looked at by the API server. */
	if (!l->inert || (l->m->labels && !is_label_value(l->text, NULL)))
		return "";
	return "nothing reads it here, and in the pod template ";
}

/* What to write instead, by example. */
static void help_quantity(struct ifx_fix *fix, const struct look *l)
{
	ifx_str number, unit = unit_of(bare(l->text), &number);

	if (number.len && is_one_of(unit, "k,kb,mb,g,gb,t,tb,bytes,b") && !is_cpu(l->fact)) {
		char c = (char)(unit.ptr[0] == 'k' || unit.ptr[0] == 'K' ? 'k'
									 : unit.ptr[0] & ~0x20);

		if (c == 'B')
			ifx_help(fix, "bytes have no unit: write '%.*s'", IFX_ARG(number));
		else
			ifx_help(fix, "write '%.*s%c' (powers of 1000) or '%.*s%ci' (of 1024)",
				 IFX_ARG(number), c, IFX_ARG(number), c & ~0x20);
	} else {
		ifx_help(fix, "write a quantity such as '%s'", is_cpu(l->fact) ? "100m" : "128Mi");
	}
}

static void help_name(struct ifx_fix *fix, const struct look *l)
{
	ifx_str text = bare(l->text);
	struct ifx_buf name;

	ifx_buf_init(&name, VALUE_MAX);
	for (size_t i = 0; i < text.len && text.len < VALUE_MAX; i++)
		ifx_buf_addc(&name, text.ptr[i] == '.' || text.ptr[i] == '_' ? '-' : text.ptr[i]);
	if (name.len && ifx_value_ok(l->fact, ifx_buf_str(&name), NULL))
		ifx_help(fix, "perhaps '%.*s' is meant", IFX_ARG(ifx_buf_str(&name)));
	else
		ifx_help(fix, "write the name of the object that is meant");
	if (name.bad)
		ifx_cx_failed(fix->cx);
	ifx_buf_release(&name);
}

static void help(struct ifx_fix *fix, const struct look *l)
{
	const struct ifx_key_fact *fact = l->fact;
	bool wildcard = fact->flags & IFX_KEY_WILDCARD;
	const struct json_key *json;

	if (l->m->labels && fact->type == IFX_VALUE_LABEL) {
		ifx_help(fix, "write letters, digits, '-', '_' and '.' only, 63 at most");
		return;
	}
	switch (fact->type) {
	case IFX_VALUE_BOOL_EXACT:
	case IFX_VALUE_BOOL_GO:
	case IFX_VALUE_BOOL_FOLD:
		ifx_help(fix, "write \"true\" or \"false\"");
		break;
	case IFX_VALUE_UINT:
		ifx_help(fix, "write a whole number such as \"5\"");
		break;
	case IFX_VALUE_PORT:
		ifx_help(fix, "write a port, 0 to 65535");
		break;
	case IFX_VALUE_PERCENT:
		ifx_help(fix, "write a whole number from 0 to 100");
		break;
	case IFX_VALUE_ENUM:
		ifx_help(fix, "write one of %s", fact->values);
		break;
	case IFX_VALUE_HOST_PORT:
		ifx_help(fix, "write host and port, such as 'istiod.istio-system.svc:15012'");
		break;
	case IFX_VALUE_IMAGE_REF:
		ifx_help(
			fix,
			"write the whole reference, such as 'registry.example/istio/proxyv2:1.30'");
		break;
	case IFX_VALUE_BINDING:
		ifx_help(fix, "write 'NONE', 'PROXY' or 'PROXY/15088'");
		break;
	case IFX_VALUE_QUANTITY:
		help_quantity(fix, l);
		break;
	case IFX_VALUE_PORT_LIST:
		ifx_help(fix, "write ports as '8080,9090'%s",
			 wildcard ? ", or '*' alone for all" : "; ranges and '*' are not taken");
		break;
	case IFX_VALUE_CIDR_LIST:
		ifx_help(fix, "write address ranges as '10.0.0.0/8,172.16.0.0/12'%s",
			 wildcard ? ", or '*' alone for all" : "; '*' is not taken");
		break;
	case IFX_VALUE_IFACE_LIST:
		ifx_help(fix, "write names of interfaces as 'eth1,net1', 15 characters each at "
			      "most");
		break;
	case IFX_VALUE_JSON:
		json = json_key_of(fact);
		if (json)
			ifx_help(fix, "write JSON such as '%s'", json->example);
		break;
	case IFX_VALUE_DNS_LABEL:
	case IFX_VALUE_DNS_NAME:
	case IFX_VALUE_CONFIGMAP_NAME:
		help_name(fix, l);
		break;
	default:
		break;
	}
}

static void refuse_twice(struct ifx_fix *fix, const struct look *l)
{
	if (!l->m->direct)
		ifx_refuse(fix, "an alias or a merge key is on the way");
	else if (ifx_meta_is_twice(l->m))
		ifx_refuse(fix, "the key '%.*s' is there twice; remove one of them first",
			   IFX_ARG(l->m->key));
}

static void tell(struct look *l)
{
	const struct ifx_meta *m = l->m;
	ifx_str why = ifx_buf_str(&l->why);
	struct ifx_fix *fix;

	if (mend(l)) {
		fix = ifx_find(m->cx, m->entry->value, IFX_REPAIR, severity(l),
			       "%s '%.*s' is '%.*s': %.*s; %s%s; %s '%.*s'%s", noun(l),
			       IFX_ARG(m->key), IFX_ARG(ifx_excerpt(m->cx, l->text)), IFX_ARG(why),
			       place(l), effect(l), l->inert ? "it can only mean" : "as",
			       IFX_ARG(ifx_excerpt(m->cx, ifx_buf_str(&l->mended))),
			       l->inert ? "" : " it takes effect");
		ifx_fix_set(fix, m->value, ifx_buf_str(&l->mended));
		refuse_twice(fix, l);
	} else if (l->text.len) {
		fix = ifx_find(m->cx, m->entry->value, IFX_REPORT, severity(l),
			       "%s '%.*s' is '%.*s': %.*s; %s%s", noun(l), IFX_ARG(m->key),
			       IFX_ARG(ifx_excerpt(m->cx, l->text)), IFX_ARG(why), place(l),
			       effect(l));
		help(fix, l);
	} else {
		fix = ifx_find(m->cx, m->entry->key, IFX_REPORT, severity(l),
			       "%s '%.*s' is empty; %s%s", noun(l), IFX_ARG(m->key), place(l),
			       effect(l));
		ifx_help(fix, "remove it, or write a value");
	}
}

/* ---- the embedded ProxyConfig: its fields are looked at by other rules ---- */

static void check_config(struct look *l)
{
	const struct ifx_meta *m = l->m;
	const struct ifx_doc *doc;
	struct ifx_fix *fix;
	ifx_str why;

	if (!l->text.len)
		return;
	doc = ifx_embedded(m->cx, m->value, &why);
	if (doc && (!doc->root || ifx_is(doc->root, IFX_MAP) || ifx_is_null(doc->root)))
		return;
	if (doc)
		why = doc->root->kind == IFX_SEQ ? IFX_LIT("a list, not a map of fields")
						 : IFX_LIT("plain text, not a map of fields");
	fix = ifx_find(m->cx, m->entry->value, IFX_REPORT, severity(l),
		       "the text of annotation '%.*s' is %.*s; %s%s", IFX_ARG(m->key), IFX_ARG(why),
		       place(l), effect(l));
	ifx_help(fix, "write fields of ProxyConfig, such as 'concurrency: 2'");
}

/* ---- the look ---- */

/* Keys that other rules know more about. */
static bool is_elsewhere(const struct ifx_key_fact *fact)
{
	static const char *const keys[] = {
		"istio-injection",
		"istio.io/waypoint-for",
		"sidecar.istio.io/inject",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(fact->name, keys[i]))
			return true;
	return fact->type == IFX_VALUE_DURATION_GO;
}

/*
 * Annotations that tell what Istio did, where somebody wrote them by hand. Not what Istio's
 * controllers and installers make: those objects bear its labels and the controller's version.
 */
static void check_system(const struct ifx_meta *m)
{
	const struct ifx_node *labels = ifx_get(m->r->metadata, IFX_LIT("labels"));
	struct ifx_fix *fix;

	if (m->labels || ifx_str_eq(m->key, IFX_LIT("istio.io/rev")) ||
	    ifx_str_eq(m->key, IFX_LIT("gateway.istio.io/controller-version")) ||
	    ifx_get(labels, IFX_LIT("gateway.istio.io/managed")) || m->r->live)
		return;
	fix = ifx_find(m->cx, m->entry->key, IFX_REPORT, IFX_INFO,
		       "annotation '%.*s' is not a setting: Istio itself writes it to tell what it "
		       "did, and overwrites what stands here",
		       IFX_ARG(m->key));
	ifx_help(fix, "remove it");
}

/* A policy that is tried out: only where the action allows or denies. */
static void check_dry_run(struct look *l)
{
	ifx_str action = ifx_get_text(ifx_get(l->m->r->node, IFX_LIT("spec")), IFX_LIT("action"));
	struct ifx_fix *fix;

	if (!action.len || ifx_text_has_hole(action) || ifx_str_eq(action, IFX_LIT("ALLOW")) ||
	    ifx_str_eq(action, IFX_LIT("DENY")))
		return;
	fix = ifx_find(l->m->cx, l->m->entry->key, IFX_REPORT, IFX_ERROR,
		       "annotation '%.*s' is for the actions ALLOW and DENY; on a policy with "
		       "action %.*s Istio refuses the object",
		       IFX_ARG(l->m->key), IFX_ARG(ifx_excerpt(l->m->cx, action)));
	ifx_help(fix, "remove the annotation");
}

/* Metadata that no pod gets: only what other rules would move to the pods. */
static bool would_move(const struct ifx_meta *m, const struct ifx_key_fact *fact)
{
	return m->inert && (ifx_fact_pod_only(fact) ||
			    (m->labels && !strcmp(fact->name, "istio.io/dataplane-mode")));
}

/* Is the value one that its reader shrugs at, because there is nothing in it? */
static bool is_harmless(const struct look *l)
{
	if (l->text.len)
		return false;
	if (l->fact->bad != IFX_BAD_POD_REFUSED && l->fact->bad != IFX_BAD_POD_BROKEN &&
	    l->fact->bad != IFX_BAD_OBJECT_REFUSED)
		return true;
	/* In a patch a null takes the key away. */
	return ifx_is_null(l->m->value) && ifx_input_is_patch(l->m->cx);
}

static void check(void *data, const struct ifx_meta *m)
{
	const struct ifx_key_fact *fact =
		m->labels ? ifx_fact_label(m->key) : ifx_fact_annotation(m->key);
	struct look l = { .m = m, .fact = fact };

	(void)data;
	if (!fact || is_elsewhere(fact))
		return;
	l.inert = !ifx_meta_belongs(m, fact);
	if (l.inert && !would_move(m, fact))
		return;
	if (fact->flags & IFX_KEY_SYSTEM) {
		check_system(m);
		return;
	}
	/* What is no string is quoted first, and comes back. */
	if (fact->flags & IFX_KEY_UNUSED || !ifx_is(m->value, IFX_SCALAR) ||
	    (!ifx_is_string(m->value) && !ifx_is_null(m->value)))
		return;
	l.text = ifx_is_null(m->value) ? IFX_LIT("") : ifx_text(m->value);
	if (ifx_text_has_hole(l.text))
		return;
	ifx_buf_init(&l.why, 4096);
	ifx_buf_init(&l.mended, 2 * VALUE_MAX);
	if (fact->type == IFX_VALUE_PROXYCONFIG)
		check_config(&l);
	else if (fact->type == IFX_VALUE_IMAGE_REF && ifx_str_chr(l.text, '/') == SIZE_MAX)
		; /* ignored: proxy-resources says so */
	else if (!is_ok(&l, l.text, &l.why)) {
		if (!is_harmless(&l))
			tell(&l);
	} else if (ifx_str_eq(m->key, IFX_LIT("istio.io/dry-run")))
		check_dry_run(&l);
	ifx_buf_release(&l.why);
	ifx_buf_release(&l.mended);
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	if (ifx_is_kubernetes(r))
		ifx_meta_walk(cx, r, check, NULL);
}

/*
 * The prefixes of the keys that are looked at, and whole keys where the prefix is also the group of
 * an API, so that plain routes and policies are passed over.
 */
static const char *const needles[] = {
	"ambient.istio.io/",
	"envoyfilter.istio.io/",
	"experimental.istio.io/",
	"galley.istio.io/",
	"gateway.istio.io/",
	"inject.istio.io/",
	"install.istio.io/ignoreReconcile",
	"istio-locality",
	"istio.io/autoRegistrationGroup",
	"istio.io/config",
	"istio.io/connect", /* connectedAt, connect-strategy */
	"istio.io/dataplane-mode",
	"istio.io/disconnectedAt",
	"istio.io/dry-run",
	"istio.io/global",
	"istio.io/ignore-policy-attachment",
	"istio.io/ingress-use-waypoint",
	"istio.io/reroute-virtual-interfaces",
	"istio.io/rev",
	"istio.io/use-waypoint",
	"istio.io/workloadController",
	"networking.istio.io/address-type",
	"networking.istio.io/enable-autoallocate-ip",
	"networking.istio.io/exportTo",
	"networking.istio.io/gatewayPort",
	"networking.istio.io/service-type",
	"networking.istio.io/traffic-distribution",
	"networking.istio.io/tunnel",
	"prometheus.istio.io/",
	"proxy.istio.io/",
	"service.istio.io/",
	"sidecar.istio.io/",
	"topology.istio.io/",
	"traffic.istio.io/",
	NULL,
};

const struct ifx_transform ifx_annotation_value = {
	.id = "annotation-value",
	.ist = "IST0125",
	.summary =
		"values of Istio's annotations and labels are written as their readers take them",
	.source = "https://istio.io/latest/docs/reference/config/analysis/ist0125/",
	.level = IFX_REPAIR,
	.needles = needles,
	.run = run,
};
