#include "yaml/shadow.h"

#include "base/alloc.h"
#include "yaml/node.h"

/* Is there nothing on this line but a dash, and perhaps a comment? */
static bool is_lone_dash(ifx_str src, size_t line, size_t *dash)
{
	size_t at = line, end = ifx_line_end(src, line);

	while (at < end && src.ptr[at] == ' ')
		at++;
	if (at == end || src.ptr[at] != '-')
		return false;
	*dash = at++;
	while (at < end && strchr(" \t", src.ptr[at]))
		at++;
	return at == end || (src.ptr[at] == '#' && at > *dash + 1);
}

/* Does the next line that is not blank or a comment stand deeper than the dash? Then it is the
 * item. */
static bool has_item_below(ifx_str src, size_t line, size_t column)
{
	for (line = ifx_line_next(src, line); line < src.len; line = ifx_line_next(src, line)) {
		size_t at = line;

		while (at < src.len && strchr(" \t", src.ptr[at]))
			at++;
		if (at < src.len && !strchr("#\r\n", src.ptr[at]))
			return at - line > column;
	}
	return false;
}

bool ifx_shadow_make(struct ifx_shadow *shadow, ifx_str src)
{
	size_t at = 0, dash;

	*shadow = (struct ifx_shadow){ 0 };
	ifx_buf_init(&shadow->text, IFX_BUF_MAX);
	for (size_t line = 0; line < src.len; line = ifx_line_next(src, line)) {
		size_t *gaps;

		if (!is_lone_dash(src, line, &dash) || has_item_below(src, line, dash - line))
			continue;
		gaps = ifx_grow(shadow->gaps, &shadow->cap, shadow->n + 1, sizeof(*gaps));
		if (!gaps)
			return false;
		shadow->gaps = gaps;
		gaps[shadow->n++] = dash + 1;
		ifx_buf_add(&shadow->text, ifx_str_sub(src, at, dash + 1 - at));
		ifx_buf_add(&shadow->text, IFX_LIT(" ~"));
		at = dash + 1;
	}
	ifx_buf_add(&shadow->text, ifx_str_sub(src, at, src.len - at));
	return !shadow->text.bad;
}

void ifx_shadow_release(struct ifx_shadow *shadow)
{
	ifx_buf_release(&shadow->text);
	ifx_free(shadow->gaps);
}

size_t ifx_shadow_to_source(const struct ifx_shadow *shadow, size_t at)
{
	size_t lo = 0, hi = shadow->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (shadow->gaps[mid] + 2 * mid < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && at < shadow->gaps[lo - 1] + 2 * lo)
		return shadow->gaps[lo - 1]; /* between the two bytes */
	return at - 2 * lo;
}
