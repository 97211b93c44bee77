#include "ambient/quantity.h"

struct suffix {
	const char *text;
	long double factor;
};

static const struct suffix suffixes[] = {
	{ "", 1.0L },
	{ "m", 1e-3L },
	{ "u", 1e-6L },
	{ "n", 1e-9L },
	{ "k", 1e3L },
	{ "M", 1e6L },
	{ "G", 1e9L },
	{ "T", 1e12L },
	{ "P", 1e15L },
	{ "E", 1e18L },
	{ "Ki", 1024.0L },
	{ "Mi", 1048576.0L },
	{ "Gi", 1073741824.0L },
	{ "Ti", 1099511627776.0L },
	{ "Pi", 1125899906842624.0L },
	{ "Ei", 1152921504606846976.0L },
};

/* `e3`, `E-2`; an E alone is a suffix. */
static bool exponent(long double *factor, ifx_str text)
{
	bool negative = false;
	int n = 0;

	if (text.len < 2 || (text.ptr[0] != 'e' && text.ptr[0] != 'E'))
		return false;
	text = ifx_str_sub(text, 1, text.len - 1);
	if (text.ptr[0] == '-' || text.ptr[0] == '+') {
		negative = text.ptr[0] == '-';
		text = ifx_str_sub(text, 1, text.len - 1);
	}
	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!ifx_is_digit(text.ptr[i]) || n > 30)
			return false;
		n = n * 10 + (text.ptr[i] - '0');
	}
	for (*factor = 1; n; n--)
		*factor = negative ? *factor / 10 : *factor * 10;
	return true;
}

static bool factor_of(long double *factor, ifx_str text)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (ifx_str_eq(text, ifx_str_of(suffixes[i].text))) {
			*factor = suffixes[i].factor;
			return true;
		}
	return exponent(factor, text);
}

bool ifx_quantity_parse(long long *milli, ifx_str text)
{
	long double value = 0, place = 1, factor;
	bool point = false, digit = false;
	size_t i = text.len && text.ptr[0] == '+';

	for (; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '.' && !point) {
			point = true;
		} else if (ifx_is_digit(c)) {
			digit = true;
			if (point)
				value += (c - '0') * (place /= 10);
			else
				value = value * 10 + (c - '0');
		} else {
			break;
		}
	}
	if (!digit || !factor_of(&factor, ifx_str_sub(text, i, text.len - i)))
		return false;
	value = value * factor * 1000;
	if (value > 9e18L)
		return false;
	*milli = (long long)value;
	/* A tail of 10^-9 is the noise of the base, not something to round up. */
	*milli += value - (long double)*milli > 1e-6L;
	return true;
}

void ifx_quantity_cpu(struct ifx_buf *out, long long millicores)
{
	if (millicores % 1000 == 0)
		ifx_buf_addf(out, "%lld", millicores / 1000);
	else if (millicores >= 1000 && millicores % 100 == 0)
		ifx_buf_addf(out, "%lld.%lld", millicores / 1000, millicores % 1000 / 100);
	else
		ifx_buf_addf(out, "%lldm", millicores);
}

void ifx_quantity_memory(struct ifx_buf *out, long long bytes)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	size_t i = 0;

	for (; bytes && bytes % 1024 == 0 && i + 1 < sizeof(units) / sizeof(*units); i++)
		bytes /= 1024;
	ifx_buf_addf(out, "%lld%s", bytes, units[i]);
}
