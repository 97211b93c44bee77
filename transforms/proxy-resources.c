/*
 * proxy-resources: the four annotations about CPU and memory of the proxy come as a set. As soon as
 * a pod has one of them, the injection template leaves out all of its defaults and writes what the
 * annotations say, so one alone takes away more than it sets.
 *
 * The values are read as Kubernetes quantities. What cannot be meant is told with what may be: a
 * memory of four bytes, a proxy of two thousand cores, a limit below its request.
 */
#include "rule/transform.h"

#include "rule/duration.h"
#include "rule/field.h"
#include "rule/metadata.h"
#include "rule/value.h"

/** A container with less memory than this does not start. Bytes. */
#define MEMORY_MIN ((double)(1 << 20))
/** Nobody gives a proxy so many cores: thousandths are meant. */
#define CPU_MAX 100.0
/** Up to so many, a bare number is a size in Gi; beyond it, one in Mi. */
#define GIB_MAX 64.0

enum { CPU, MEMORY };
enum { REQUEST, LIMIT };

static const char *const keys[2][2] = {
	{ "sidecar.istio.io/proxyCPU", "sidecar.istio.io/proxyCPULimit" },
	{ "sidecar.istio.io/proxyMemory", "sidecar.istio.io/proxyMemoryLimit" },
};

static const char *const words[2][2] = {
	{ "CPU request", "CPU limit" },
	{ "memory request", "memory limit" },
};

/* One of the four on a pod. */
struct amount {
	const struct ifx_entry *entry; /* NULL: the pod does not have it */
	ifx_str text;
	bool known; /* it is a quantity */
	double value;
	ifx_str number, suffix;
};

struct look {
	struct ifx_cx *cx;
	const struct ifx_node *map; /* whose resources were told already */
};

/* A quantity as a number; how exact a double is does not matter here. */
static bool read_quantity(struct amount *a)
{
	static const struct {
		const char *suffix;
		double factor;
	} suffixes[] = {
		{ "", 1 },
		{ "n", 1e-9 },
		{ "u", 1e-6 },
		{ "m", 1e-3 },
		{ "k", 1e3 },
		{ "M", 1e6 },
		{ "G", 1e9 },
		{ "T", 1e12 },
		{ "P", 1e15 },
		{ "E", 1e18 },
		{ "Ki", 1024.0 },
		{ "Mi", 1048576.0 },
		{ "Gi", 1073741824.0 },
		{ "Ti", 1099511627776.0 },
		{ "Pi", 1125899906842624.0 },
		{ "Ei", 1152921504606846976.0 },
	};
	static const struct ifx_key_fact quantity = { .type = IFX_VALUE_QUANTITY };
	double value = 0, scale = 0, sign = 1;
	size_t n = 0;

	if (!ifx_value_ok(&quantity, a->text, NULL) || ifx_text_has_hole(a->text))
		return false;
	if (a->text.ptr[0] == '-' || a->text.ptr[0] == '+')
		sign = a->text.ptr[n++] == '-' ? -1 : 1;
	for (; n < a->text.len; n++) {
		char c = a->text.ptr[n];

		if (c == '.' && scale == 0)
			scale = 1;
		else if (c >= '0' && c <= '9')
			value = value * 10 + (c - '0'), scale *= 10;
		else
			break;
	}
	a->number = ifx_str_sub(a->text, 0, n);
	a->suffix = ifx_str_sub(a->text, n, a->text.len - n);
	value = sign * value / (scale > 0 ? scale : 1);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (ifx_str_eq(a->suffix, ifx_str_of(suffixes[i].suffix))) {
			a->value = value * suffixes[i].factor;
			return true;
		}
	/* An exponent: nobody slips into that. */
	return false;
}

static struct amount amount_of(const struct ifx_meta *m, const char *key)
{
	struct amount a = { .entry = ifx_meta_other(m, key) };
	const struct ifx_node *value = a.entry ? ifx_deref(a.entry->value) : NULL;

	if (!ifx_is(value, IFX_SCALAR))
		return a;
	a.text = ifx_is_null(value) ? IFX_LIT("") : ifx_text(value);
	a.known = read_quantity(&a);
	return a;
}

/* ---- what is missing ---- */

/* Does the pod's own choice of templates leave out the one that has these defaults? */
static bool has_other_templates(const struct ifx_meta *m)
{
	const struct ifx_entry *e = ifx_meta_other(m, "inject.istio.io/templates");
	ifx_str rest = e ? ifx_text(ifx_deref(e->value)) : IFX_NONE, item;

	if (!e)
		return false;
	while (ifx_str_split(&rest, ',', &item))
		if (ifx_str_eq(ifx_str_trim(item), IFX_LIT("sidecar")))
			return false;
	return true;
}

/*
 * What the pod's proxy is left without. A limit alone is the request as well: Kubernetes fills that
 * in.
 */
static void tell_lost(const struct ifx_meta *m, struct amount a[2][2])
{
	const char *lost[4];
	const struct amount *first = NULL;
	bool whole = false;
	size_t n = 0, n_set = 0;
	struct ifx_buf list;
	struct ifx_fix *fix;

	for (int r = CPU; r <= MEMORY; r++) {
		for (int w = REQUEST; w <= LIMIT; w++) {
			if (a[r][w].entry)
				n_set++;
			if (a[r][w].entry && !first)
				first = &a[r][w];
			if (!a[r][w].entry && !a[r][LIMIT].entry)
				lost[n++] = words[r][w];
		}
		whole = whole || (!a[r][REQUEST].entry && !a[r][LIMIT].entry);
	}
	/* The others may stand in the object that a patch is for. */
	if (!n || has_other_templates(m) || ifx_input_is_patch(m->cx))
		return;
	ifx_buf_init(&list, 256);
	for (size_t i = 0; i < n; i++)
		ifx_buf_addf(&list, "%s%s", !i ? "" : i + 1 < n ? ", " : " and ", lost[i]);
	fix = ifx_find(m->cx, first->entry->key, IFX_REPORT, whole ? IFX_WARNING : IFX_INFO,
		       "annotation '%.*s' %sdrops all default resources of the proxy: it runs "
		       "without %.*s",
		       IFX_ARG(ifx_text(first->entry->key)),
		       n_set == 1 ? "alone " : "with those beside it ",
		       IFX_ARG(ifx_buf_str(&list)));
	ifx_help(fix, "write %s too, if that is not what you want",
		 n == 1   ? "it"
		 : n == 2 ? "both"
			  : "them");
	if (list.bad)
		ifx_cx_failed(m->cx);
	ifx_buf_release(&list);
}

/* ---- what cannot be meant ---- */

/* "4" is four bytes, "128m" an eighth of one: the size that is surely meant. */
static void tell_memory(const struct ifx_meta *m, const struct amount *a, int which)
{
	ifx_str suffix = a->suffix;
	struct ifx_fix *fix;

	if (!a->known || a->value <= 0 || a->value >= MEMORY_MIN)
		return;
	fix = ifx_find(m->cx, a->entry->value, IFX_REPORT, which == LIMIT ? IFX_ERROR : IFX_WARNING,
		       "annotation '%s' is '%.*s', which is %s; a proxy does not %s that",
		       keys[MEMORY][which], IFX_ARG(a->text),
		       a->value < 1    ? "less than one byte"
		       : a->value == 1 ? "one byte"
		       : !suffix.len   ? "a number of bytes"
				       : "less than a mebibyte",
		       which == LIMIT ? "start within" : "get far with");
	if (!suffix.len && a->value >= 1024)
		ifx_help(fix, "perhaps a unit is missing: write it, such as '128Mi'");
	else
		ifx_help(fix, "perhaps '%.*s%s' is meant", IFX_ARG(a->number),
			 !suffix.len && a->value <= GIB_MAX ? "Gi" : "Mi");
}

static void tell_cpu(const struct ifx_meta *m, const struct amount *a, int which)
{
	struct ifx_fix *fix;

	if (!a->known || a->value < CPU_MAX)
		return;
	fix = ifx_find(m->cx, a->entry->value, IFX_REPORT, IFX_WARNING,
		       "annotation '%s' is '%.*s': so many whole cores%s", keys[CPU][which],
		       IFX_ARG(a->text),
		       which == REQUEST ? ", and no node has room for the pod"
					: ", which limits nothing");
	ifx_help(fix, "perhaps '%.*sm' is meant, thousandths of a core", IFX_ARG(a->number));
}

static void tell_order(const struct ifx_meta *m, const struct amount *a, int r)
{
	struct ifx_fix *fix;

	if (!a[REQUEST].known || !a[LIMIT].known || a[LIMIT].value >= a[REQUEST].value)
		return;
	/* A slip was told already, and put right it may be in order. */
	for (int w = REQUEST; w <= LIMIT; w++)
		if (a[w].value < 0 || (r == CPU ? a[w].value >= CPU_MAX : a[w].value < MEMORY_MIN))
			return;
	fix = ifx_find(m->cx, a[LIMIT].entry->value, IFX_REPORT, IFX_ERROR,
		       "annotation '%s' is '%.*s', below the request of '%.*s' in '%s': the API "
		       "server refuses the pod",
		       keys[r][LIMIT], IFX_ARG(a[LIMIT].text), IFX_ARG(a[REQUEST].text),
		       keys[r][REQUEST]);
	ifx_help(fix, "raise the limit, or lower the request");
}

static void tell_negative(const struct ifx_meta *m, const struct amount *a, const char *key)
{
	struct ifx_fix *fix;

	if (!a->known || a->value >= 0)
		return;
	fix = ifx_find(
		m->cx, a->entry->value, IFX_REPORT, IFX_ERROR,
		"annotation '%s' is '%.*s', which is negative: the API server refuses the pod", key,
		IFX_ARG(a->text));
	ifx_help(fix, "write the amount without the sign");
}

static void check_resources(const struct ifx_meta *m)
{
	struct amount a[2][2];

	for (int r = CPU; r <= MEMORY; r++)
		for (int w = REQUEST; w <= LIMIT; w++) {
			a[r][w] = amount_of(m, keys[r][w]);
			tell_negative(m, &a[r][w], keys[r][w]);
		}
	tell_lost(m, a);
	for (int w = REQUEST; w <= LIMIT; w++) {
		tell_cpu(m, &a[CPU][w], w);
		tell_memory(m, &a[MEMORY][w], w);
	}
	tell_order(m, a[CPU], CPU);
	tell_order(m, a[MEMORY], MEMORY);
}

/* ---- the image ---- */

static void check_image(const struct ifx_meta *m)
{
	ifx_str image = ifx_text(m->value);
	struct ifx_fix *fix;

	if (!ifx_is(m->value, IFX_SCALAR) || ifx_is_null(m->value) || !image.len ||
	    ifx_str_chr(image, '/') != SIZE_MAX || ifx_text_has_hole(image))
		return;
	fix = ifx_find(m->cx, m->entry->value, IFX_REPORT, IFX_WARNING,
		       "annotation '%.*s' is '%.*s': without a slash the injector does not take it "
		       "for an image, and the proxy runs the default one",
		       IFX_ARG(m->key), IFX_ARG(ifx_excerpt(m->cx, image)));
	ifx_help(fix, "write the whole reference, such as 'docker.io/istio/%.*s'", IFX_ARG(image));
}

static bool is_resource(ifx_str key)
{
	for (int r = CPU; r <= MEMORY; r++)
		for (int w = REQUEST; w <= LIMIT; w++)
			if (ifx_str_eq(key, ifx_str_of(keys[r][w])))
				return true;
	return false;
}

static void check(void *data, const struct ifx_meta *m)
{
	struct look *look = data;

	/* On the workload itself nothing reads them: misplaced-annotation moves them first. */
	if (!m->pod || m->labels)
		return;
	if (ifx_str_eq(m->key, IFX_LIT("sidecar.istio.io/proxyImage"))) {
		check_image(m);
	} else if (m->map != look->map && is_resource(m->key)) {
		look->map = m->map;
		check_resources(m);
	}
}

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	struct look look = { .cx = cx };

	if (ifx_fact_workload(r->group, r->kind))
		ifx_meta_walk(cx, r, check, &look);
}

const struct ifx_transform ifx_proxy_resources = {
	.id = "proxy-resources",
	.summary = "CPU, memory and image of the proxy: what one annotation takes away, and slips",
	.source = "https://istio.io/latest/docs/reference/config/annotations/",
	.level = IFX_REPORT,
	.needles =
		(const char *const[]){ "sidecar.istio.io/proxyCPU", "sidecar.istio.io/proxyMemory",
				       "sidecar.istio.io/proxyImage", NULL },
	.run = run,
};
