#include "yaml/resolve.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * go-yaml v2 decides by the first byte: a letter that starts one of its words, a dot, a digit or a
 * sign; everything else is a string. Numbers are then whatever Go's strconv takes, after all
 * underscores were taken out.
 */

#define IS(text, literal) ifx_str_eq((text), IFX_LIT(literal))

/** Go's significant digits of a decimal; the rest can only matter as "there was more". */
#define MAX_DIGITS 800

struct number {
	enum { NOT_A_NUMBER, INTEGER, FLOAT, NO_VALUE /* .inf and .nan */ } kind;
	bool plain;         /* decimal digits with or without a point: one reading only */
	bool negative;      /* INTEGER */
	uint64_t magnitude; /* INTEGER */
	double value;       /* FLOAT */
};

/** Value of a digit in bases up to 16, 16 if it is none. */
static unsigned digit(char c)
{
	if (ifx_is_digit(c))
		return (unsigned)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static bool is_sign(char c)
{
	return c == '+' || c == '-';
}

/** Bytes of a number without its underscores. */
struct cursor {
	const char *at, *end;
};

/** The next byte that is no underscore, or NUL at the end (a NUL in the text is no digit either).
 */
static char peek(struct cursor *in)
{
	while (in->at < in->end && *in->at == '_')
		in->at++;
	return in->at < in->end ? *in->at : '\0';
}

static char next(struct cursor *in)
{
	char c = peek(in);

	if (in->at < in->end)
		in->at++;
	return c;
}

static bool at_end(struct cursor *in)
{
	peek(in);
	return in->at == in->end;
}

/** All digits up to the end, in `base`. False when there are none, others, or too many for 64 bits.
 */
static bool read_digits(struct cursor in, unsigned base, uint64_t *out)
{
	uint64_t n = 0;

	if (at_end(&in))
		return false;
	while (!at_end(&in)) {
		unsigned d = digit(next(&in));

		if (d >= base || n > (UINT64_MAX - d) / base)
			return false;
		n = n * base + d;
	}
	*out = n;
	return true;
}

static bool fits(uint64_t magnitude, bool negative)
{
	return magnitude <= (uint64_t)INT64_MAX + negative;
}

/** strconv.ParseInt and ParseUint with base 0. */
static bool read_integer(struct cursor in, struct number *out)
{
	bool sign = is_sign(peek(&in));
	unsigned base = 10;
	struct cursor rest;

	out->negative = sign && next(&in) == '-';
	rest = in;
	out->plain = next(&rest) != '0' || at_end(&rest);
	if (!out->plain) {
		char letter = (char)(peek(&rest) | 0x20);

		base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
		if (letter == 'x' || letter == 'b' || letter == 'o') {
			next(&rest);
			in = rest;
		}
	}
	/* Only an integer without a sign may use the 64th bit. */
	return read_digits(in, base, &out->magnitude) &&
	       (!sign || fits(out->magnitude, out->negative));
}

/** go-yaml's own binary: `0b` and a second sign, or `-0b`. */
static bool read_binary(struct cursor in, struct number *out)
{
	bool minus = peek(&in) == '-';

	if (minus)
		next(&in);
	if (next(&in) != '0' || next(&in) != 'b')
		return false;
	out->plain = false;
	out->negative = minus;
	if (!minus && is_sign(peek(&in)))
		out->negative = next(&in) == '-';
	return read_digits(in, 2, &out->magnitude) && fits(out->magnitude, out->negative);
}

/**
 * A decimal with point and exponent: [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
 * False when it is none or has no finite value.
 *
 * strtod would ask the locale for its point, so it gets the digits without one and an exponent
 * that makes up for it. Go's exponents stop growing at five digits.
 */
static bool read_float(struct cursor in, struct number *out)
{
	char digits[MAX_DIGITS + 32];
	size_t n = 0, whole = 0, fraction = 0;
	long scale = 0, e = 0;
	bool minus = peek(&in) == '-', more = false, point = false, exponent = false;

	if (is_sign(peek(&in)))
		next(&in);
	for (char c = peek(&in); ifx_is_digit(c) || (c == '.' && !point);
	     next(&in), c = peek(&in)) {
		if (c == '.') {
			point = true;
			continue;
		}
		if (point)
			fraction++;
		else
			whole++;
		if (n < MAX_DIGITS) {
			if (n || c != '0')
				digits[n++] = c;
			scale -= point;
		} else {
			more |= c != '0';
			scale += !point;
		}
	}
	if (!whole && !fraction)
		return false;
	if ((peek(&in) | 0x20) == 'e') {
		bool less;

		exponent = true;
		next(&in);
		less = peek(&in) == '-';
		if (is_sign(peek(&in)))
			next(&in);
		if (at_end(&in))
			return false;
		for (; ifx_is_digit(peek(&in)); next(&in))
			if (e < 10000)
				e = e * 10 + (peek(&in) - '0');
		e = less ? -e : e;
	}
	if (!at_end(&in))
		return false;
	snprintf(digits + n, sizeof(digits) - n, "%de%ld", more, scale - 1 + e);
	out->value = minus ? -strtod(digits, NULL) : strtod(digits, NULL);
	out->plain = whole && (!point || fraction) && !exponent;
	return fabs(out->value) <= DBL_MAX;
}

static bool has_underscore(ifx_str text)
{
	return ifx_str_chr(text, '_') != SIZE_MAX;
}

/** After a dot Go is stricter: underscores stand between digits only. */
static bool underscores_divide_digits(ifx_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '_' &&
		    (!i || i + 1 == text.len || !ifx_is_digit(text.ptr[i - 1]) ||
		     !ifx_is_digit(text.ptr[i + 1])))
			return false;
	return true;
}

static bool is_inf_or_nan(ifx_str text)
{
	if (IS(text, ".nan") || IS(text, ".NaN") || IS(text, ".NAN"))
		return true;
	if (text.len && is_sign(text.ptr[0]))
		text = ifx_str_sub(text, 1, text.len - 1);
	return IS(text, ".inf") || IS(text, ".Inf") || IS(text, ".INF");
}

static struct number read_number(ifx_str text)
{
	struct number n = { .kind = NOT_A_NUMBER };
	struct cursor in;
	char c;

	if (!text.len)
		return n;
	in = (struct cursor){ text.ptr, text.ptr + text.len };
	c = text.ptr[0];
	if (c == '.' || is_sign(c) || ifx_is_digit(c)) {
		if (is_inf_or_nan(text))
			n.kind = NO_VALUE;
		else if (c != '.' && (read_integer(in, &n) || read_binary(in, &n)))
			n.kind = INTEGER;
		else if ((c != '.' || underscores_divide_digits(text)) && read_float(in, &n))
			n.kind = FLOAT;
	}
	if (has_underscore(text))
		n.plain = false;
	return n;
}

static bool is_null(ifx_str text)
{
	return !text.len || IS(text, "~") || IS(text, "null") || IS(text, "Null") ||
	       IS(text, "NULL");
}

static const struct {
	const char *word;
	bool truth, core;
} booleans[] = {
	{ "y", true, false },     { "Y", true, false },     { "yes", true, false },
	{ "Yes", true, false },   { "YES", true, false },   { "true", true, true },
	{ "True", true, true },   { "TRUE", true, true },   { "on", true, false },
	{ "On", true, false },    { "ON", true, false },    { "n", false, false },
	{ "N", false, false },    { "no", false, false },   { "No", false, false },
	{ "NO", false, false },   { "false", false, true }, { "False", false, true },
	{ "FALSE", false, true }, { "off", false, false },  { "Off", false, false },
	{ "OFF", false, false },
};

/* Most plain scalars begin with a letter with which neither a number nor a word of these begins. */
static bool begins_as_text(ifx_str text)
{
	char c = text.len ? text.ptr[0] : '\0';

	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) && !strchr("yYnNtTfFoO", c);
}

struct ifx_plain ifx_resolve_plain(ifx_str text)
{
	struct ifx_plain plain = { .type = IFX_TYPE_STR };
	struct number n;

	if (begins_as_text(text))
		return plain;
	if (is_null(text)) {
		plain.type = IFX_TYPE_NULL;
		return plain;
	}
	if (text.len <= 5)
		for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++)
			if (ifx_str_eq(text, ifx_str_of(booleans[i].word))) {
				plain.type = IFX_TYPE_BOOL;
				plain.truth = booleans[i].truth;
				plain.core_bool = booleans[i].core;
				return plain;
			}
	n = read_number(text);
	if (n.kind == NOT_A_NUMBER)
		return plain;
	plain.type = n.kind == INTEGER ? IFX_TYPE_INT : IFX_TYPE_FLOAT;
	plain.ambiguous = n.kind != NO_VALUE && !n.plain;
	return plain;
}

/** The fewest digits that read back as `value`: Go's shortest format. */
static void shortest(double value, char *out, size_t size)
{
	for (int precision = 0; precision < 17; precision++) {
		snprintf(out, size, "%.*e", precision, value);
		if (strtod(out, NULL) == value)
			return;
	}
}

/**
 * As encoding/json writes a number: digits alone up to 21 places, an exponent beyond.
 * Works on `-d.ddde+dd`, whatever the locale has for a point.
 */
static bool write_float(double value, char *out, size_t size)
{
	char text[40], digits[24], *p = text;
	int n = 0, exponent, len;
	const char *sign = "";

	shortest(value, text, sizeof(text));
	if (*p == '-') {
		sign = "-";
		p++;
	}
	for (; *p != 'e'; p++)
		if (ifx_is_digit(*p))
			digits[n++] = *p;
	exponent = atoi(p + 1);
	while (n > 1 && digits[n - 1] == '0')
		n--;
	if (exponent < -6 || exponent > 20)
		len = snprintf(out, size, "%s%c%s%.*se%+d", sign, digits[0], n > 1 ? "." : "",
			       n - 1, digits + 1, exponent);
	else if (exponent < 0)
		len = snprintf(out, size, "%s0.%.*s%.*s", sign, -exponent - 1, "00000", n, digits);
	else if (n <= exponent + 1)
		len = snprintf(out, size, "%s%.*s%.*s", sign, n, digits, exponent + 1 - n,
			       "00000000000000000000");
	else
		len = snprintf(out, size, "%s%.*s.%.*s", sign, exponent + 1, digits,
			       n - exponent - 1, digits + exponent + 1);
	return len >= 0 && (size_t)len < size;
}

bool ifx_resolve_value(ifx_str text, char *out, size_t size)
{
	struct number n = read_number(text);
	int len;

	switch (n.kind) {
	case INTEGER:
		len = snprintf(out, size, "%s%llu", n.negative && n.magnitude ? "-" : "",
			       (unsigned long long)n.magnitude);
		return len >= 0 && (size_t)len < size;
	case FLOAT:
		return write_float(n.value, out, size);
	default:
		return false;
	}
}

/* --- all the other readers ------------------------------------------------------------------- */

/** Length of the run of bytes of `set` at `at`. */
static size_t run(ifx_str text, size_t at, const char *set)
{
	size_t n = 0;

	while (at + n < text.len && text.ptr[at + n] && strchr(set, text.ptr[at + n]))
		n++;
	return n;
}

static bool has_at(ifx_str text, size_t at, const char *set)
{
	return run(text, at, set) > 0;
}

/** Is everything from `at` on, at least one byte, in `set`? */
static bool rest_is(ifx_str text, size_t at, const char *set)
{
	return at < text.len && run(text, at, set) == text.len - at;
}

/** YAML 1.1 dates and times; readers differ in the details, so the front decides. */
static bool looks_like_date(ifx_str text)
{
	size_t at = 4, n;

	if (run(text, 0, "0123456789") != 4)
		return false;
	for (int part = 0; part < 2; part++) {
		if (!has_at(text, at, "-"))
			return false;
		n = run(text, at + 1, "0123456789");
		if (n < 1 || n > 2)
			return false;
		at += 1 + n;
	}
	if (at == text.len)
		return true;
	return has_at(text, at, "Tt \t") && rest_is(text, at, "0123456789:.-+TtZz \t");
}

/** Numbers of any YAML: bases, `1_000`, Ruby's `1,000`, exponents, sexagesimals `1:30:00.5`. */
static bool looks_like_number(ifx_str text)
{
	size_t at = has_at(text, 0, "+-"), whole, fraction = 0, n;

	if (has_at(text, at, "0") && has_at(text, at + 1, "xX"))
		return rest_is(text, at + 2, "0123456789abcdefABCDEF_,");
	if (has_at(text, at, "0") && has_at(text, at + 1, "oO"))
		return rest_is(text, at + 2, "01234567_,");
	if (has_at(text, at, "0") && has_at(text, at + 1, "bB"))
		return rest_is(text, at + 2, "01_,");
	whole = has_at(text, at, "0123456789") ? run(text, at, "0123456789_,") : 0;
	at += whole;
	while (whole && has_at(text, at, ":")) {
		n = run(text, at + 1, "0123456789");
		if (n < 1 || n > 2)
			return false;
		at += 1 + n;
	}
	if (has_at(text, at, ".")) {
		fraction = run(text, at + 1, "0123456789_");
		at += 1 + fraction;
	}
	if (!whole && !fraction)
		return false;
	if (has_at(text, at, "eE")) {
		at++;
		at += run(text, at, "+-") == 1;
		n = run(text, at, "0123456789");
		if (!n)
			return false;
		at += n;
	}
	return at == text.len;
}

bool ifx_plain_needs_quotes(ifx_str text)
{
	static const char *const words[] = { "~",     "null", "true", "false", "yes",  "no",
					     "on",    "off",  "y",    "n",     ".inf", "+.inf",
					     "-.inf", ".nan", "=",    "<<" };

	/* Ruby reads words in any case, and `:word` as a symbol. */
	if (!text.len || (text.ptr[0] == ':' && text.len > 1))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ifx_str_ieq(text, ifx_str_of(words[i])))
			return true;
	return looks_like_number(text) || looks_like_date(text) ||
	       ifx_resolve_plain(text).type != IFX_TYPE_STR;
}
