#include "rule/duration.h"

#include "template/mask.h"

/*
 * One reader of components (number, unit) serves every grammar: Go's, where it follows
 * time.ParseDuration to the nanosecond; the looser spellings, where blanks may stand between and
 * units have long names; and ISO 8601.
 */

#define NS 1ULL
#define US 1000ULL
#define MS 1000000ULL
#define S  1000000000ULL
#define M  60000000000ULL
#define H  3600000000000ULL
#define D  86400000000000ULL

/** One more than the largest positive value: only a negative one may be as large. */
#define LIMIT (1ULL << 63)

static const char no_duration[] = "not a duration";
static const char no_unit[] = "has no unit";
static const char unknown_unit[] = "has an unknown unit";
static const char too_large[] = "does not fit: at most 292 years";

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char first(ifx_str s)
{
	return s.len ? s.ptr[0] : '\0';
}

static void skip(ifx_str *s, size_t n)
{
	*s = ifx_str_sub(*s, n, s->len - n);
}

static void skip_blanks(ifx_str *s)
{
	while (is_blank(first(*s)))
		skip(s, 1);
}

static bool skip_sign(ifx_str *s)
{
	bool minus = first(*s) == '-';

	if (minus || first(*s) == '+')
		skip(s, 1);
	return minus;
}

/** A decimal: whole + fraction / scale. */
struct decimal {
	uint64_t whole, fraction;
	double scale;
};

/** Digits, a point, digits; one of the two must be there. NULL, or what is wrong. */
static const char *read_decimal(ifx_str *s, struct decimal *out)
{
	bool digits = false, full = false;

	*out = (struct decimal){ 0, 0, 1 };
	for (; ifx_is_digit(first(*s)); skip(s, 1)) {
		unsigned d = (unsigned)(first(*s) - '0');

		digits = true;
		if (out->whole > (LIMIT - d) / 10)
			return too_large;
		out->whole = out->whole * 10 + d;
	}
	if (first(*s) == '.') {
		skip(s, 1);
		/* Digits that no longer fit are below a nanosecond: Go ignores them. */
		for (; ifx_is_digit(first(*s)); skip(s, 1)) {
			unsigned d = (unsigned)(first(*s) - '0');

			digits = true;
			full |= out->fraction > (LIMIT - 1) / 10 || out->fraction * 10 + d > LIMIT;
			if (full)
				continue;
			out->fraction = out->fraction * 10 + d;
			out->scale *= 10;
		}
	}
	return digits ? NULL : no_duration;
}

/** Add `n` units to `*total`. The fraction is rounded with doubles, as Go does it. */
static const char *add(uint64_t *total, struct decimal n, uint64_t unit)
{
	uint64_t v;

	if (n.whole > LIMIT / unit)
		return too_large;
	v = n.whole * unit;
	if (n.fraction)
		v += (uint64_t)((double)n.fraction * ((double)unit / n.scale));
	if (v > LIMIT || *total + v > LIMIT)
		return too_large;
	*total += v;
	return NULL;
}

static const char *finish(uint64_t total, bool minus, long long *ns)
{
	if (!minus && total == LIMIT)
		return too_large;
	if (minus)
		*ns = total == LIMIT ? INT64_MIN : -(long long)total;
	else
		*ns = (long long)total;
	return NULL;
}

struct unit {
	const char *name;
	uint64_t ns;
};

static const struct unit go_units[] = {
	{ "s", S },   { "m", M },          { "h", H },          { "ms", MS },
	{ "us", US }, { "\xc2\xb5s", US }, { "\xce\xbcs", US }, { "ns", NS },
};

static const struct unit long_units[] = {
	{ "sec", S },    { "secs", S },    { "second", S },       { "seconds", S },
	{ "min", M },    { "mins", M },    { "minute", M },       { "minutes", M },
	{ "hr", H },     { "hrs", H },     { "hour", H },         { "hours", H },
	{ "d", D },      { "day", D },     { "days", D },         { "msec", MS },
	{ "msecs", MS }, { "millis", MS }, { "millisecond", MS }, { "milliseconds", MS },
	{ "usec", US },  { "usecs", US },  { "microsecond", US }, { "microseconds", US },
	{ "nsec", NS },  { "nsecs", NS },  { "nanosecond", NS },  { "nanoseconds", NS },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** time.ParseDuration. NULL, or what is wrong. */
static const char *read_go(ifx_str s, long long *ns)
{
	bool minus = skip_sign(&s);
	uint64_t total = 0;

	if (ifx_str_eq(s, IFX_LIT("0"))) {
		*ns = 0;
		return NULL;
	}
	if (!s.len)
		return no_duration;
	while (s.len) {
		struct decimal n;
		const struct unit *unit = NULL;
		const char *why = read_decimal(&s, &n);
		size_t len = 0;

		if (why)
			return why;
		while (len < s.len && s.ptr[len] != '.' && !ifx_is_digit(s.ptr[len]))
			len++;
		if (!len)
			return no_unit;
		for (size_t i = 0; i < COUNT(go_units) && !unit; i++)
			if (ifx_str_eq(ifx_str_sub(s, 0, len), ifx_str_of(go_units[i].name)))
				unit = &go_units[i];
		if (!unit)
			return unknown_unit;
		skip(&s, len);
		why = add(&total, n, unit->ns);
		if (why)
			return why;
	}
	return finish(total, minus, ns);
}

/** GEP-2257: ^([0-9]{1,5}(h|m|s|ms)){1,4}$ */
static bool is_gep2257(ifx_str s)
{
	for (int group = 0; group < 4 && s.len; group++) {
		size_t digits = 0;

		while (digits < s.len && ifx_is_digit(s.ptr[digits]))
			digits++;
		if (digits < 1 || digits > 5)
			return false;
		skip(&s, digits);
		if (ifx_str_starts(s, IFX_LIT("ms")))
			skip(&s, 2);
		else if (first(s) == 'h' || first(s) == 'm' || first(s) == 's')
			skip(&s, 1);
		else
			return false;
		if (!s.len)
			return true;
	}
	return false;
}

/** A number alone: seconds. NULL when it is one; otherwise what is wrong. */
static const char *read_bare(ifx_str s, long long *ns)
{
	bool minus = skip_sign(&s);
	uint64_t total = 0;
	struct decimal n;
	const char *why;

	/* Readers of YAML take 045 for 37. */
	if (s.len > 1 && s.ptr[0] == '0' && ifx_is_digit(s.ptr[1]))
		return "has no unit and a leading zero";
	why = read_decimal(&s, &n);
	if (!why && s.len)
		why = no_duration;
	if (!why)
		why = add(&total, n, S);
	return why ? why : finish(total, minus, ns);
}

/** Blanks anywhere between numbers and units, units in any case and at any length. */
static const char *read_loose(ifx_str s, long long *ns, const char **assumption)
{
	bool minus = skip_sign(&s), names = false, days = false, big_m = false;
	uint64_t total = 0;
	unsigned parts = 0;

	do {
		struct decimal n;
		const struct unit *unit = NULL;
		const char *why = read_decimal(&s, &n);
		size_t len = 0;
		ifx_str name;

		if (why)
			return why;
		skip_blanks(&s);
		while (len < s.len && s.ptr[len] != '.' && !ifx_is_digit(s.ptr[len]) &&
		       !is_blank(s.ptr[len]))
			len++;
		if (!len)
			return no_unit;
		name = ifx_str_sub(s, 0, len);
		for (size_t i = 0; i < COUNT(go_units) && !unit; i++)
			if (ifx_str_ieq(name, ifx_str_of(go_units[i].name)))
				unit = &go_units[i];
		names |= unit && !ifx_str_eq(name, ifx_str_of(unit->name));
		for (size_t i = 0; i < COUNT(long_units) && !unit; i++)
			if (ifx_str_ieq(name, ifx_str_of(long_units[i].name))) {
				unit = &long_units[i];
				names = true;
			}
		if (!unit)
			return is_letter(name.ptr[0]) ? unknown_unit : no_duration;
		days |= unit->ns == D;
		big_m |= ifx_str_eq(name, IFX_LIT("M"));
		skip(&s, len);
		why = add(&total, n, unit->ns);
		if (why)
			return why;
		parts++;
		skip_blanks(&s);
	} while (s.len);
	if (big_m && parts == 1)
		return "may be minutes or months";
	*assumption = days    ? "1d read as 24h"
		      : names ? "unit read as ns, us, ms, s, m or h"
			      : "blanks dropped";
	return finish(total, minus, ns);
}

/** ISO 8601 without years and months: P1W, P1DT2H, PT1M30S. */
static const char *read_iso(ifx_str s, long long *ns)
{
	static const struct unit parts[] = {
		{ "W", 7 * D }, { "D", D }, { "H", H }, { "M", M }, { "S", S }
	};
	bool minus = skip_sign(&s), time = false, any = false;
	size_t part = 0;
	uint64_t total = 0;

	if ((first(s) | 0x20) != 'p')
		return no_duration;
	skip(&s, 1);
	while (s.len) {
		struct decimal n;
		const char *why;

		if (!time && (first(s) | 0x20) == 't') {
			time = true;
			any = false;
			part = part < 2 ? 2 : part;
			skip(&s, 1);
			continue;
		}
		why = read_decimal(&s, &n);
		if (why)
			return why;
		while (part < COUNT(parts) && (first(s) | 0x20) != (parts[part].name[0] | 0x20))
			part++;
		if (part == COUNT(parts) || time != (part >= 2))
			return unknown_unit;
		skip(&s, 1);
		why = add(&total, n, parts[part++].ns);
		if (why)
			return why;
		any = true;
	}
	return any ? finish(total, minus, ns) : no_duration;
}

bool ifx_text_has_hole(ifx_str text)
{
	return ifx_str_find(text, IFX_LIT("{{")) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT("${")) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT("$(")) != SIZE_MAX ||
	       ifx_str_find(text, IFX_LIT("<%")) != SIZE_MAX || ifx_is_masked(text);
}

struct ifx_duration ifx_duration_read(ifx_str text, ifx_grammar grammar)
{
	struct ifx_duration out = { .kind = IFX_DUR_VALID };
	ifx_str inner = ifx_str_trim(text);
	const char *why, *bare;

	if (ifx_text_has_hole(text)) {
		out.kind = IFX_DUR_OPAQUE;
		return out;
	}
	why = read_go(text, &out.ns);
	if (!why && (grammar == IFX_GRAMMAR_GO || is_gep2257(text)))
		return out;
	out.kind = IFX_DUR_FOREIGN;
	if (!why) {
		out.assumption = "read as Go reads it";
		return out;
	}
	bare = inner.len ? read_bare(inner, &out.ns) : "empty";
	if (!bare) {
		out.assumption = "read as seconds";
		return out;
	}
	if (!read_iso(inner, &out.ns)) {
		out.assumption = "ISO 8601";
		return out;
	}
	why = inner.len ? read_loose(inner, &out.ns, &out.assumption) : bare;
	if (!why)
		return out;
	out = (struct ifx_duration){ .kind = IFX_DUR_INVALID };
	/* A number alone that is none of ours: say why. */
	out.why = why == no_unit && bare != no_duration ? bare : why;
	return out;
}

bool ifx_duration_is_tidy(ifx_str text)
{
	ifx_str rest = text;
	struct decimal n;
	bool sub_second;

	if (ifx_str_eq(text, IFX_LIT("0s")))
		return true;
	/* A leading zero, a sign or a bare point is not how one would write it. */
	if (first(text) < '1' || first(text) > '9')
		return false;
	if (read_decimal(&rest, &n) || ifx_str_chr(text, '.') != SIZE_MAX)
		return false;
	for (size_t i = 0; i < COUNT(go_units); i++)
		if (ifx_str_eq(rest, ifx_str_of(go_units[i].name))) {
			sub_second = go_units[i].ns < S;
			return !sub_second || n.whole % (S / go_units[i].ns) != 0;
		}
	return false;
}

bool ifx_duration_write(long long ns, ifx_grammar grammar, struct ifx_buf *out)
{
	static const struct unit sizes[] = { { "h", H }, { "m", M }, { "s", S }, { "ms", MS } };
	uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	if (grammar == IFX_GRAMMAR_GO) {
		const char *sign = ns < 0 ? "-" : "";
		uint64_t unit = left % S == 0 ? S : left % MS == 0 ? MS : left % US == 0 ? US : NS;

		ifx_buf_addf(out, "%s%llu%s", sign, (unsigned long long)(left / unit),
			     unit == S    ? "s"
			     : unit == MS ? "ms"
			     : unit == US ? "us"
					  : "ns");
		return true;
	}
	if (ns < 0 || left % MS || left / H > 99999)
		return false;
	if (!left)
		ifx_buf_add(out, IFX_LIT("0s"));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		if (left / sizes[i].ns)
			ifx_buf_addf(out, "%llu%s", (unsigned long long)(left / sizes[i].ns),
				     sizes[i].name);
		left %= sizes[i].ns;
	}
	return true;
}

/** A bound of the tables, in the largest unit that is whole. */
static void add_bound(struct ifx_buf *out, long long ns)
{
	if (ns && ns % (long long)H == 0)
		ifx_buf_addf(out, "%lldh", ns / (long long)H);
	else
		ifx_duration_write(ns, IFX_GRAMMAR_GO, out);
}

bool ifx_duration_allowed(const struct ifx_duration_fact *fact, long long ns, struct ifx_buf *why)
{
	bool zero_ok = fact->zero_ok || fact->zero_unchecked;

	if (ns == 0 && zero_ok)
		return true;
	if (ns > 0 && ns >= fact->min_ns && (!fact->max_ns || ns <= fact->max_ns) &&
	    (!fact->precision_ns || ns % fact->precision_ns == 0))
		return true;
	if (!why)
		return false;
	if (ns == 0)
		ifx_buf_add(why, IFX_LIT("0s is refused: "));
	if (zero_ok && fact->min_ns)
		ifx_buf_add(why, IFX_LIT("0s or "));
	if (fact->min_ns || zero_ok) {
		ifx_buf_add(why, IFX_LIT("at least "));
		add_bound(why, fact->min_ns);
	} else {
		ifx_buf_add(why, IFX_LIT("more than 0s"));
	}
	if (fact->max_ns) {
		ifx_buf_add(why, IFX_LIT(", at most "));
		add_bound(why, fact->max_ns);
	}
	if (fact->precision_ns == (long long)S)
		ifx_buf_add(why, IFX_LIT(", whole seconds"));
	else if (fact->precision_ns == (long long)MS)
		ifx_buf_add(why, IFX_LIT(", whole milliseconds"));
	else if (fact->precision_ns) {
		ifx_buf_add(why, IFX_LIT(", a multiple of "));
		add_bound(why, fact->precision_ns);
	}
	return false;
}
