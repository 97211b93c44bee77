/*
 * Suppressions that do nothing, or not what their author thinks. Only who ran all the other rules
 * can tell: the pipeline adds the findings, by way of rule/suppress.h. What stands here makes it a
 * rule as any other, to be selected, ignored and explained.
 */
#include "rule/suppress.h"

static void run(struct ifx_cx *cx, const struct ifx_resource *r)
{
	(void)cx;
	(void)r;
}

static const char *const needles[] = { IFX_SUPPRESS_WORD, NULL };

const struct ifx_transform ifx_suppression = {
	.id = IFX_SUPPRESSION_RULE,
	.summary = "say which suppressions are misspelt or of no use",
	.source = "https://istio.io/latest/docs/ops/diagnostic-tools/istioctl-analyze/",
	.level = IFX_REPORT,
	.needles = needles,
	.run = run,
};
