#include "report/fingerprint.h"

#include "base/alloc.h"
#include "report/format.h"

#include <stdlib.h>

struct print {
	uint64_t hash;
	size_t index;
};

/* FNV-1a */
static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t len)
{
	for (const unsigned char *p = bytes; len; len--)
		hash = (hash ^ *p++) * UINT64_C(0x100000001b3);
	return hash;
}

/* The length keeps "ab" + "c" and "a" + "bc" apart. */
static uint64_t add_text(uint64_t hash, ifx_str text)
{
	uint64_t len = text.len;

	for (int i = 0; i < 8; i++, len >>= 8)
		hash = add_bytes(hash, &(unsigned char){ len & 0xff }, 1);
	return add_bytes(hash, text.ptr, text.len);
}

/* As the fixes leave it, so that it stays the same when they are written. */
static ifx_str text_of(const struct ifx_file_report *file, const struct ifx_finding *f)
{
	bool now = f->has_now && !f->applied && file->after.ptr != file->before.ptr;
	ifx_str text = now ? file->after : file->before;
	size_t at = now ? f->now : f->at, len = now ? f->now_len : f->len;

	at = at < text.len ? at : text.len;
	return ifx_str_sub(text, at, len < text.len - at ? len : text.len - at);
}

static uint64_t hash_of(const struct ifx_file_report *file, const struct ifx_finding *f)
{
	const ifx_str parts[] = {
		file->path, ifx_str_of(f->rule), f->group, f->kind, f->namespace,
		f->name,    text_of(file, f),
	};
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		hash = add_text(hash, parts[i]);
	return hash;
}

static int by_hash(const void *a, const void *b)
{
	const struct print *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

uint64_t *ifx_fingerprints(const struct ifx_file_report *file)
{
	uint64_t *list = ifx_calloc(file->n_findings + 1, sizeof(*list));
	struct print *prints = ifx_calloc(file->n_findings + 1, sizeof(*prints));
	size_t n = 0, nth = 0;

	for (size_t i = 0; prints && i < file->n_findings; i++)
		if (!ifx_is_gone(file, file->findings[i]))
			prints[n++] = (struct print){ hash_of(file, file->findings[i]), i };
	if (n)
		qsort(prints, n, sizeof(*prints), by_hash);
	for (size_t i = 0; list && i < n; i++) {
		nth = i && prints[i].hash == prints[i - 1].hash ? nth + 1 : 0;
		list[prints[i].index] =
			nth ? add_bytes(prints[i].hash, &nth, sizeof(nth)) : prints[i].hash;
	}
	if (!prints) {
		ifx_free(list);
		list = NULL;
	}
	ifx_free(prints);
	return list;
}
