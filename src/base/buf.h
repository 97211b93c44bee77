/*
 * Growing bytes with a ceiling.
 *
 * Invariants: data[0..len) is valid, data[len] is NUL once anything was added, and
 * len never exceeds max. A failed call sets `bad` and every later call fails too,
 * so a writer may add many pieces and check once at the end.
 */
#ifndef IFX_BASE_BUF_H
#define IFX_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct ifx_buf {
	char *data;
	size_t len, cap, max;
	bool bad;
};

/** The ceiling of a buffer that has no better one: 4 GiB. */
#define IFX_BUF_MAX ((size_t)1 << 32)

/** An empty buffer; nothing is allocated yet. max in bytes. */
void ifx_buf_init(struct ifx_buf *buf, size_t max);
void ifx_buf_release(struct ifx_buf *buf);
/** Forget the content, keep the memory and clear `bad`. */
void ifx_buf_clear(struct ifx_buf *buf);

void ifx_buf_add(struct ifx_buf *buf, ifx_str text);
void ifx_buf_addc(struct ifx_buf *buf, char c);
/** In decimal; much faster than ifx_buf_addf. */
void ifx_buf_add_number(struct ifx_buf *buf, size_t n);
void ifx_buf_fill(struct ifx_buf *buf, char c, size_t n);
void ifx_buf_addf(struct ifx_buf *buf, const char *fmt, ...) IFX_PRINTF(2, 3);
void ifx_buf_vaddf(struct ifx_buf *buf, const char *fmt, va_list ap) IFX_PRINTF(2, 0);
/** A JSON string literal, quotes included; each byte that is not valid UTF-8 becomes U+FFFD. */
void ifx_buf_add_json(struct ifx_buf *buf, ifx_str text);

static inline ifx_str ifx_buf_str(const struct ifx_buf *buf)
{
	return (ifx_str){ buf->data ? buf->data : "", buf->len };
}

/** IFX_OK, or IFX_ENOMEM once any call failed. */
static inline ifx_status ifx_buf_status(const struct ifx_buf *buf)
{
	return buf->bad ? IFX_ENOMEM : IFX_OK;
}

#endif
