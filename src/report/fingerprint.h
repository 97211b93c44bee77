/* What stays the same of a finding while the text around it changes. */
#ifndef IFX_REPORT_FINGERPRINT_H
#define IFX_REPORT_FINGERPRINT_H

#include "report/report.h"

/**
 * One number for each finding of the file: of its path, rule, resource and text, and the
 * how-manieth of its like it is; not of its line. No two in a file are the same but by accident (64
 * bits), so that a service that counts by fingerprint counts right. What is gone from the file has
 * 0. NULL: no memory. To be freed with ifx_free.
 */
uint64_t *ifx_fingerprints(const struct ifx_file_report *file);

#endif
