#include "rule/value.h"

#include <arpa/inet.h>

#include "rule/duration.h"

/*
 * One checker per type. Each says what is wrong into `why`, which may be NULL, and follows the code
 * that reads the key: Go's strconv and netip, Kubernetes' quantities and names.
 */

static bool wrong(struct ifx_buf *why, const char *fmt, ...) IFX_PRINTF(2, 3);

/** Say why; false, so that a checker can end with it. */
static bool wrong(struct ifx_buf *why, const char *fmt, ...)
{
	va_list ap;

	if (why) {
		va_start(ap, fmt);
		ifx_buf_vaddf(why, fmt, ap);
		va_end(ap);
	}
	return false;
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
	return ifx_is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

/** The text without its first `n` bytes. */
static ifx_str after(ifx_str s, size_t n)
{
	return ifx_str_sub(s, n, s.len - n);
}

/** Bytes of the front that are digits. */
static size_t digits(ifx_str s)
{
	size_t n = 0;

	while (n < s.len && ifx_is_digit(s.ptr[n]))
		n++;
	return n;
}

/** Is `item` one of the comma separated `list`? */
static bool is_one_of(ifx_str item, const char *list, bool fold)
{
	ifx_str rest = ifx_str_of(list), word;

	while (ifx_str_split(&rest, ',', &word))
		if (fold ? ifx_str_ieq(item, word) : ifx_str_eq(item, word))
			return true;
	return false;
}

/** strconv.ParseUint, base 10, no larger than `max`: digits and nothing else. */
static bool read_uint(ifx_str s, unsigned long max, unsigned long *out)
{
	unsigned long n = 0;

	if (!s.len || digits(s) != s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned long d = (unsigned long)(s.ptr[i] - '0');

		if (n > (max - d) / 10)
			return false;
		n = n * 10 + d;
	}
	*out = n;
	return true;
}

static bool check_uint(ifx_str value, struct ifx_buf *why)
{
	unsigned long n;

	if (read_uint(value, UINT32_MAX, &n))
		return true;
	if (value.len && digits(value) == value.len)
		return wrong(why, "%.*s is above 4294967295", IFX_ARG(value));
	return wrong(why, "not a whole number");
}

/** `item` is what the message quotes; blanks around it do not matter. */
static bool check_port(ifx_str value, struct ifx_buf *why)
{
	ifx_str item = ifx_str_trim(value);
	unsigned long n;

	if (read_uint(item, UINT16_MAX, &n))
		return true;
	if (item.len && digits(item) == item.len)
		return wrong(why, "port %.*s is above 65535", IFX_ARG(item));
	return item.len ? wrong(why, "'%.*s' is not a port", IFX_ARG(item))
			: wrong(why, "a port is missing");
}

/** strconv.Atoi, then 0 to 100. */
static bool check_percent(ifx_str value, struct ifx_buf *why)
{
	unsigned long n;
	bool minus = value.len && value.ptr[0] == '-';
	ifx_str number = minus || (value.len && value.ptr[0] == '+') ? after(value, 1) : value;

	if (!number.len || digits(number) != number.len)
		return wrong(why, "not a whole number");
	if (!read_uint(number, 100, &n) || (minus && n))
		return wrong(why, "not from 0 to 100");
	return true;
}

static bool check_enum(const struct ifx_key_fact *fact, ifx_str value, struct ifx_buf *why)
{
	if ((fact->flags & IFX_KEY_OPEN) ||
	    (fact->values && is_one_of(value, fact->values, fact->flags & IFX_KEY_FOLD)))
		return true;
	return wrong(why, "not one of %s", fact->values ? fact->values : "its values");
}

/** Does `s` begin like `shape`, where 0 stands for a digit? */
static bool has_shape(ifx_str s, const char *shape)
{
	for (size_t i = 0; shape[i]; i++)
		if (i >= s.len ||
		    (shape[i] == '0' ? !ifx_is_digit(s.ptr[i]) : s.ptr[i] != shape[i]))
			return false;
	return true;
}

/** RFC 3339. */
static bool check_timestamp(ifx_str value, struct ifx_buf *why)
{
	static const char shape[] = "0000-00-00T00:00:00";
	ifx_str rest = value;
	size_t fraction;

	if (!has_shape(value, shape))
		return wrong(why, "not an RFC 3339 time");
	rest = after(value, sizeof(shape) - 1);
	if (rest.len && rest.ptr[0] == '.') {
		fraction = digits(after(rest, 1));
		rest = fraction ? after(rest, 1 + fraction) : rest;
	}
	if (ifx_str_eq(rest, IFX_LIT("Z")) ||
	    (rest.len == 6 && (has_shape(rest, "+00:00") || has_shape(rest, "-00:00"))))
		return true;
	return wrong(why, "not an RFC 3339 time");
}

static bool has_blank(ifx_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
			return true;
	return false;
}

/** net.SplitHostPort and a port that one can connect to. */
static bool check_host_port(ifx_str value, struct ifx_buf *why)
{
	size_t colon = value.len;
	unsigned long port;
	ifx_str host, number;

	while (colon && value.ptr[colon - 1] != ':')
		colon--;
	if (!colon)
		return wrong(why, "not host:port");
	host = ifx_str_sub(value, 0, colon - 1);
	number = after(value, colon);
	if (!host.len || has_blank(host) || ifx_str_chr(host, '/') != SIZE_MAX)
		return wrong(why, "not host:port");
	if (ifx_str_chr(host, ':') != SIZE_MAX &&
	    (host.ptr[0] != '[' || host.ptr[host.len - 1] != ']'))
		return wrong(why, "an IPv6 address stands in brackets before its port");
	if (!read_uint(number, UINT16_MAX, &port) || !port)
		return wrong(why, "'%.*s' is not a port from 1 to 65535", IFX_ARG(number));
	return true;
}

static bool check_image(ifx_str value, struct ifx_buf *why)
{
	if (!value.len || has_blank(value))
		return wrong(why, "not an image reference");
	if (ifx_str_chr(value, '/') == SIZE_MAX)
		return wrong(why, "an image without a slash is ignored");
	return true;
}

/** Kubernetes label values: at most 63 of [A-Za-z0-9_.-], ends alphanumeric; may be empty. */
static bool check_label(ifx_str value, struct ifx_buf *why)
{
	if (!value.len)
		return true;
	if (value.len > 63)
		return wrong(why, "longer than 63 characters");
	if (!is_alnum(value.ptr[0]) || !is_alnum(value.ptr[value.len - 1]))
		return wrong(why, "a label value begins and ends with a letter or digit");
	for (size_t i = 0; i < value.len; i++)
		if (!is_alnum(value.ptr[i]) && !strchr("-_.", value.ptr[i]))
			return wrong(why,
				     "a label value has letters, digits, '-', '_' and '.' only");
	return true;
}

/** RFC 1123 label. */
static bool is_dns_label(ifx_str s)
{
	if (!s.len || s.len > 63 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_lower(s.ptr[i]) && !ifx_is_digit(s.ptr[i]) && s.ptr[i] != '-')
			return false;
	return true;
}

static bool check_dns_label(ifx_str value, struct ifx_buf *why)
{
	return is_dns_label(value) ||
	       wrong(why, "a name of 1 to 63 lower-case letters, digits and '-' is meant");
}

/** RFC 1123 subdomain, the name of most objects. Kubernetes limits the whole, not the parts. */
static bool check_dns_name(ifx_str value, struct ifx_buf *why)
{
	bool start = true;

	if (!value.len || value.len > 253)
		return wrong(why, "a name has 1 to 253 characters");
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		bool edge = start || i + 1 == value.len || value.ptr[i + 1] == '.';

		if (!is_lower(c) && !ifx_is_digit(c) && (edge || (c != '-' && c != '.')))
			return wrong(why,
				     "a name has lower-case letters, digits, '-' and '.' only");
		start = c == '.';
	}
	return true;
}

/** NONE or PROXY, and perhaps a port. */
static bool check_binding(ifx_str value, struct ifx_buf *why)
{
	ifx_str rest = value, protocol;

	if (!ifx_str_split(&rest, '/', &protocol) ||
	    (!ifx_str_eq(protocol, IFX_LIT("NONE")) && !ifx_str_eq(protocol, IFX_LIT("PROXY"))))
		return wrong(why, "not NONE or PROXY, or one of them with '/port'");
	if (!rest.ptr)
		return true;
	/* Here nothing trims. */
	return has_blank(rest) ? wrong(why, "'%.*s' is not a port", IFX_ARG(rest))
			       : check_port(rest, why);
}

/**
 * resource.ParseQuantity. Go also takes a number without digits (`m`, `-`) for zero; nobody means
 * that.
 */
static bool check_quantity(ifx_str value, struct ifx_buf *why)
{
	static const char suffixes[] = "n,u,m,k,M,G,T,P,E,Ki,Mi,Gi,Ti,Pi,Ei";
	ifx_str s = value, number;
	size_t whole, fraction = 0, exponent;
	bool minus = false, small;

	if (s.len && (s.ptr[0] == '-' || s.ptr[0] == '+'))
		s = after(s, 1);
	whole = digits(s);
	s = after(s, whole);
	if (s.len && s.ptr[0] == '.') {
		fraction = digits(after(s, 1));
		s = after(s, 1 + fraction);
	}
	if (!whole && !fraction)
		return wrong(why, "not a quantity");
	if (!s.len || is_one_of(s, suffixes, false))
		return true;
	if (s.ptr[0] != 'e' && s.ptr[0] != 'E')
		return wrong(why, "'%.*s' is not a suffix of a quantity", IFX_ARG(s));
	number = after(s, 1);
	if (number.len && (number.ptr[0] == '-' || number.ptr[0] == '+')) {
		minus = number.ptr[0] == '-';
		number = after(number, 1);
	}
	exponent = digits(number);
	if (!exponent || exponent != number.len)
		return wrong(why, "'%.*s' is not a suffix of a quantity", IFX_ARG(s));
	while (number.len > 1 && number.ptr[0] == '0')
		number = after(number, 1);
	/* It must fit 64 bits. */
	small = number.len < 19 ||
		(number.len == 19 &&
		 ifx_str_cmp(number, minus ? IFX_LIT("9223372036854775808")
					   : IFX_LIT("9223372036854775807")) <= 0);
	return small || wrong(why, "the exponent does not fit");
}

static bool check_duration(ifx_str value, struct ifx_buf *why)
{
	struct ifx_duration d = ifx_duration_read(value, IFX_GRAMMAR_GO);

	switch (d.kind) {
	case IFX_DUR_INVALID:
		return wrong(why, "%s", d.why);
	case IFX_DUR_FOREIGN:
		return wrong(why, "not a Go duration such as 45s or 1m30s");
	default:
		return true;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** Text; only where nothing trims the items is a blank beside one an error. */
static bool check_list(const struct ifx_key_fact *fact, ifx_str value, struct ifx_buf *why)
{
	ifx_str rest = value, item;

	if (!(fact->flags & IFX_KEY_UNTRIMMED))
		return true;
	while (ifx_str_split(&rest, ',', &item))
		if (item.len && (is_blank(item.ptr[0]) || is_blank(item.ptr[item.len - 1])))
			return wrong(why, "the blank beside '%.*s' is taken for a part of it",
				     IFX_ARG(ifx_str_trim(item)));
	return true;
}

static bool is_wildcard(ifx_str item)
{
	return ifx_str_eq(item, IFX_LIT("*"));
}

static bool check_ports(const struct ifx_key_fact *fact, ifx_str value, struct ifx_buf *why)
{
	ifx_str rest = ifx_str_trim(value), item;

	if (is_wildcard(value) && (fact->flags & IFX_KEY_WILDCARD))
		return true;
	if (!rest.len)
		return true;
	while (ifx_str_split(&rest, ',', &item)) {
		if (is_wildcard(ifx_str_trim(item)))
			return (fact->flags & IFX_KEY_WILDCARD)
				       ? wrong(why, "'*' stands alone, without ports and blanks")
				       : wrong(why, "'*' is not allowed here");
		if (!check_port(item, why))
			return false;
	}
	return true;
}

/** netip.ParsePrefix. */
static bool is_cidr(ifx_str s)
{
	char address[INET6_ADDRSTRLEN];
	unsigned char bytes[sizeof(struct in6_addr)];
	size_t slash = ifx_str_chr(s, '/');
	unsigned long bits;
	bool v6 = ifx_str_chr(s, ':') != SIZE_MAX;
	ifx_str number;

	if (slash == SIZE_MAX || slash >= sizeof(address) || memchr(s.ptr, '\0', slash))
		return false;
	number = after(s, slash + 1);
	if (!read_uint(number, v6 ? 128 : 32, &bits) || (number.len > 1 && number.ptr[0] == '0'))
		return false;
	memcpy(address, s.ptr, slash);
	address[slash] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, address, bytes) == 1;
}

static bool check_cidrs(const struct ifx_key_fact *fact, ifx_str value, struct ifx_buf *why)
{
	ifx_str rest = value, item;
	bool wildcard = fact->flags & IFX_KEY_WILDCARD;

	if (!value.len || (is_wildcard(value) && wildcard))
		return true;
	while (ifx_str_split(&rest, ',', &item)) {
		ifx_str trimmed = ifx_str_trim(item);

		if (is_cidr(item))
			continue;
		if (is_wildcard(trimmed))
			return wildcard ? wrong(why, "'*' stands alone, without ranges and blanks")
					: wrong(why, "'*' is not allowed here");
		if (trimmed.len != item.len)
			return wrong(why, "blanks are not allowed here");
		return item.len ? wrong(why, "'%.*s' is not an address range", IFX_ARG(item))
				: wrong(why, "an address range is missing");
	}
	return true;
}

/** Names of Linux interfaces, with `+` as the wildcard of iptables. */
static bool check_ifaces(ifx_str value, struct ifx_buf *why)
{
	ifx_str rest = value, item;

	if (!ifx_str_trim(value).len)
		return true;
	while (ifx_str_split(&rest, ',', &item)) {
		item = ifx_str_trim(item);
		if (!item.len)
			return wrong(why, "an interface is missing");
		if (item.len > 15)
			return wrong(why, "'%.*s' has more than 15 characters", IFX_ARG(item));
		for (size_t i = 0; i < item.len; i++)
			if (!is_alnum(item.ptr[i]) &&
			    (!item.ptr[i] || !strchr("-_.:@+*", item.ptr[i])))
				return wrong(why, "'%.*s' is not the name of an interface",
					     IFX_ARG(item));
	}
	return true;
}

bool ifx_value_ok(const struct ifx_key_fact *fact, ifx_str value, struct ifx_buf *why)
{
	if (!value.ptr)
		value = IFX_LIT("");
	if (ifx_text_has_hole(value))
		return true;
	switch (fact->type) {
	case IFX_VALUE_STRING:
	case IFX_VALUE_PRESENCE:
	case IFX_VALUE_PROXYCONFIG:
		return true;
	case IFX_VALUE_BOOL_EXACT:
		return is_one_of(value, "true,false", false) || wrong(why, "not true or false");
	case IFX_VALUE_BOOL_FOLD:
		return is_one_of(value, "true,false", true) || wrong(why, "not true or false");
	case IFX_VALUE_BOOL_GO:
		return is_one_of(value, "1,t,T,true,TRUE,True,0,f,F,false,FALSE,False", false) ||
		       wrong(why, "not true or false");
	case IFX_VALUE_UINT:
		return check_uint(value, why);
	case IFX_VALUE_PORT:
		return check_port(value, why);
	case IFX_VALUE_PERCENT:
		return check_percent(value, why);
	case IFX_VALUE_ENUM:
		return check_enum(fact, value, why);
	case IFX_VALUE_TIMESTAMP:
		return check_timestamp(value, why);
	case IFX_VALUE_HOST_PORT:
		return check_host_port(value, why);
	case IFX_VALUE_IMAGE_REF:
		return check_image(value, why);
	case IFX_VALUE_LABEL:
		return check_label(value, why);
	case IFX_VALUE_DNS_LABEL:
		return check_dns_label(value, why);
	case IFX_VALUE_DNS_NAME:
	case IFX_VALUE_CONFIGMAP_NAME:
		return check_dns_name(value, why);
	case IFX_VALUE_BINDING:
		return check_binding(value, why);
	case IFX_VALUE_QUANTITY:
		return check_quantity(value, why);
	case IFX_VALUE_DURATION_GO:
		return check_duration(value, why);
	case IFX_VALUE_LIST:
		return check_list(fact, value, why);
	case IFX_VALUE_PORT_LIST:
		return check_ports(fact, value, why);
	case IFX_VALUE_CIDR_LIST:
		return check_cidrs(fact, value, why);
	case IFX_VALUE_IFACE_LIST:
		return check_ifaces(value, why);
	case IFX_VALUE_JSON:
		/* Nothing is what the system itself may write; where something is read, it must be
		 * there. */
		return ifx_str_trim(value).len || fact->bad == IFX_BAD_NOTHING ||
		       wrong(why, "empty, JSON is meant");
	}
	return true;
}
