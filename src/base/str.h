/* Borrowed text: a pointer and a length, never assumed to end in NUL. */
#ifndef IFX_BASE_STR_H
#define IFX_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IFX_MUST_USE     __attribute__((warn_unused_result))
#define IFX_PRINTF(f, a) __attribute__((format(printf, f, a)))

/**
 * Outcome of a call. IFX_OK is zero, everything else is a failure.
 *
 * IFX_ENOMEM    memory, or a buffer's ceiling, is exhausted
 * IFX_EINVAL    the input is not what it must be; a diagnostic says where
 * IFX_EREFUSED  legal input, but the operation will not be done there
 * IFX_EIO       the operating system said no; errno tells why
 * IFX_ELIMIT    a limit with a name was reached
 */
typedef enum {
	IFX_OK = 0,
	IFX_ENOMEM,
	IFX_EINVAL,
	IFX_EREFUSED,
	IFX_EIO,
	IFX_ELIMIT,
} ifx_status;

typedef struct {
	const char *ptr;
	size_t len;
} ifx_str;

/** Half-open range of byte offsets into a document's source. */
typedef struct {
	size_t at, len;
} ifx_span;

#define IFX_LIT(s) ((ifx_str){ (s), sizeof(s) - 1 })
#define IFX_NONE   ((ifx_str){ NULL, 0 })
#define IFX_ARG(s) (int)(s).len, (s).ptr

static inline ifx_str ifx_str_of(const char *cstr)
{
	return (ifx_str){ cstr, cstr ? strlen(cstr) : 0 };
}

static inline bool ifx_str_eq(ifx_str a, ifx_str b)
{
	return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

static inline ifx_str ifx_str_sub(ifx_str s, size_t at, size_t len)
{
	return (ifx_str){ at ? s.ptr + at : s.ptr, len };
}

/** An ASCII digit. */
static inline bool ifx_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/** Three-way byte order, as memcmp; a prefix sorts first. */
int ifx_str_cmp(ifx_str a, ifx_str b);
/** Equal but for ASCII letter case. */
bool ifx_str_ieq(ifx_str a, ifx_str b);
bool ifx_str_starts(ifx_str s, ifx_str prefix);
bool ifx_str_ends(ifx_str s, ifx_str suffix);
/** Offset of the first `c`, or SIZE_MAX. */
size_t ifx_str_chr(ifx_str s, char c);
/** Offset of the first `needle`, or SIZE_MAX. An empty needle is at 0. */
size_t ifx_str_find(ifx_str s, ifx_str needle);
/** Without leading and trailing blanks, tabs and line breaks. */
ifx_str ifx_str_trim(ifx_str s);
/**
 * Cut the text before the first `sep` off the front of `*rest`.
 * False when `*rest` was exhausted before (ptr NULL); the last piece sets ptr to NULL.
 */
bool ifx_str_split(ifx_str *rest, char sep, ifx_str *piece);

/** Longer texts are near to nothing. Bytes. */
#define IFX_DISTANCE_MAX 64
/**
 * Letters to add, drop, replace or swap with their neighbour to make one text of the other
 * (Damerau-Levenshtein, optimal string alignment); SIZE_MAX when one is longer than
 * IFX_DISTANCE_MAX.
 */
size_t ifx_str_distance(ifx_str a, ifx_str b);
/** Which of `n` names `slip` is a slip of the pen for; ptr NULL: none, or two as well as each
 * other.
 */
ifx_str ifx_str_nearest(ifx_str slip, const ifx_str *names, size_t n);

/** Line and column of the byte at `at`, as editors count them: from 1, in characters. */
void ifx_str_position(ifx_str text, size_t at, size_t *line, size_t *column);

/**
 * Length in bytes of the UTF-8 sequence (RFC 3629) at the start of `s`, which is not empty, and its
 * code point; 0 when it is none.
 */
size_t ifx_utf8_decode(ifx_str s, uint32_t *point);

#endif
