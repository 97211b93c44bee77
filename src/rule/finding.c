#include "rule/finding.h"

const char *ifx_level_name(ifx_level level)
{
	static const char *const names[] = { "safe", "repair", "choice", "report" };

	return names[level];
}

const char *ifx_severity_name(ifx_severity severity)
{
	static const char *const names[] = { "info", "warning", "error" };

	return names[severity];
}
