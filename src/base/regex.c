#include "base/regex.h"

#include "base/alloc.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct ifx_regex {
	pcre2_code *code;
};

static void *pcre_alloc(size_t size, void *data)
{
	(void)data;
	return ifx_calloc(1, size);
}

static void pcre_free(void *ptr, void *data)
{
	(void)data;
	ifx_free(ptr);
}

static ifx_status compile(struct ifx_regex **out, ifx_str pattern, unsigned options, bool jit,
			  struct ifx_buf *err)
{
	pcre2_general_context *general = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
	pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
	struct ifx_regex *re = ifx_calloc(1, sizeof(*re));
	ifx_status st = IFX_ENOMEM;
	PCRE2_UCHAR text[120];
	PCRE2_SIZE at;
	int code;

	if (!context || !re)
		goto out;
	re->code =
		pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len, options, &code, &at, context);
	if (!re->code) {
		if (code != PCRE2_ERROR_NOMEMORY && code != 121 /* ERR21: no memory */) {
			pcre2_get_error_message(code, text, sizeof(text));
			ifx_buf_addf(err, "%s at offset %zu", (const char *)text, (size_t)at);
			st = IFX_EINVAL;
		}
		goto out;
	}
	/* Fails where pages cannot be made executable; then the interpreter serves. */
	if (jit)
		(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	*out = re;
	re = NULL;
	st = IFX_OK;
out:
	ifx_regex_free(re);
	pcre2_compile_context_free(context);
	pcre2_general_context_free(general);
	return st;
}

ifx_status ifx_regex_new(struct ifx_regex **out, ifx_str pattern, unsigned flags,
			 struct ifx_buf *err)
{
	unsigned options = PCRE2_ANCHORED | PCRE2_ENDANCHORED;

	if (flags & IFX_REGEX_UTF)
		options |= PCRE2_UTF | PCRE2_NO_UTF_CHECK;
	if (flags & IFX_REGEX_ICASE)
		options |= PCRE2_CASELESS;
	return compile(out, pattern, options, flags & IFX_REGEX_JIT, err);
}

ifx_status ifx_regex_glob(struct ifx_regex **out, ifx_str glob, struct ifx_buf *err)
{
	PCRE2_UCHAR *pattern = NULL, text[120];
	PCRE2_SIZE len = 0;
	ifx_status st;
	int code;

	code = pcre2_pattern_convert((PCRE2_SPTR)glob.ptr, glob.len, PCRE2_CONVERT_GLOB, &pattern,
				     &len, NULL);
	if (code) {
		pcre2_get_error_message(code, text, sizeof(text));
		ifx_buf_addf(err, "%s", (const char *)text);
		return code == PCRE2_ERROR_NOMEMORY ? IFX_ENOMEM : IFX_EINVAL;
	}
	/* The converted pattern has the anchors it needs; with others `**` would match nothing. */
	st = compile(out, (ifx_str){ (const char *)pattern, len }, 0, false, err);
	pcre2_converted_pattern_free(pattern);
	return st;
}

bool ifx_regex_match(const struct ifx_regex *regex, ifx_str subject, ifx_str *groups)
{
	pcre2_match_data *match = pcre2_match_data_create(IFX_REGEX_GROUPS, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	const PCRE2_SIZE *at;
	int n = PCRE2_ERROR_NOMEMORY;

	if (match && context) {
		pcre2_set_match_limit(context, IFX_REGEX_MATCH_LIMIT);
		n = pcre2_match(regex->code, (PCRE2_SPTR)(subject.ptr ? subject.ptr : ""),
				subject.len, 0, PCRE2_NO_UTF_CHECK, match, context);
		/* The JIT stack is small; the interpreter has no such bound. */
		if (n == PCRE2_ERROR_JIT_STACKLIMIT)
			n = pcre2_match(regex->code, (PCRE2_SPTR)subject.ptr, subject.len, 0,
					PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match, context);
	}
	if (n >= 0 && groups) {
		at = pcre2_get_ovector_pointer(match);
		for (int i = 0; i < IFX_REGEX_GROUPS; i++) {
			bool set = (n == 0 || i < n) && at[2 * i] != PCRE2_UNSET;

			groups[i] = set ? ifx_str_sub(subject, at[2 * i], at[2 * i + 1] - at[2 * i])
					: IFX_NONE;
		}
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(match);
	return n >= 0;
}

void ifx_regex_free(struct ifx_regex *regex)
{
	if (!regex)
		return;
	pcre2_code_free(regex->code);
	ifx_free(regex);
}
