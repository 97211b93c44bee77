/* What a finding says to a person, in every format that has a place for it. */
#ifndef IFX_REPORT_SENTENCE_H
#define IFX_REPORT_SENTENCE_H

#include "report/report.h"

/**
 * `message; help; not fixed: why (hint)` in one line of valid UTF-8 (see plain.h). The hint is
 * `fixed`, `fix: LEVEL` or `choose: rule=a|b`.
 */
void ifx_add_sentence(struct ifx_buf *out, const struct ifx_file_report *file,
		      const struct ifx_finding *f);

#endif
