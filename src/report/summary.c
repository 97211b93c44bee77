#include "report/tally.h"

#include "base/alloc.h"

static void add_count(struct ifx_buf *out, size_t n, const char *noun)
{
	ifx_buf_addf(out, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

/* " (2 need --choose, 1 needs --level repair)", or nothing. */
static void add_held(struct ifx_buf *out, const struct ifx_tally *t)
{
	const size_t n[] = { t->held_choice, t->fixable - t->held_choice };
	const char *const by[] = { "--choose", "--level repair" };
	const char *before = " (";

	for (int i = 0; i < 2; i++) {
		if (!n[i])
			continue;
		ifx_buf_addf(out, "%s%zu %s %s", before, n[i], n[i] == 1 ? "needs" : "need", by[i]);
		before = ", ";
	}
	if (t->fixable)
		ifx_buf_addc(out, ')');
}

void ifx_tally_summary(const struct ifx_tally *t, bool wrote, struct ifx_buf *out)
{
	size_t left = t->left[IFX_ERROR] + t->left[IFX_WARNING] + t->left[IFX_INFO];
	size_t all = t->fixed + left;
	const char *before = "; ";

	if (!t->files && t->failed) {
		add_count(out, t->failed, "file");
		ifx_buf_add(out, IFX_LIT(" failed\n"));
		return;
	}
	if (t->fixed) {
		ifx_buf_add(out, wrote ? IFX_LIT("fixed ") : IFX_LIT("would fix "));
		if (left)
			ifx_buf_addf(out, "%zu of ", t->fixed);
		add_count(out, all, "finding");
		ifx_buf_add(out, IFX_LIT(" in "));
		if (t->changed < t->files)
			ifx_buf_addf(out, "%zu of ", t->changed);
	} else if (all) {
		add_count(out, all, "finding");
		ifx_buf_add(out, IFX_LIT(" in "));
	} else {
		ifx_buf_add(out, IFX_LIT("no findings in "));
	}
	add_count(out, t->files, "file");
	add_held(out, t);
	for (int s = IFX_ERROR; s >= IFX_INFO; s--) {
		if (!t->left[s])
			continue;
		ifx_buf_add(out, ifx_str_of(before));
		/* "info" is no noun that takes a plural. */
		if (s == IFX_INFO)
			ifx_buf_addf(out, "%zu info", t->left[s]);
		else
			add_count(out, t->left[s], ifx_severity_name((ifx_severity)s));
		before = ", ";
	}
	if (left)
		ifx_buf_add(out, IFX_LIT(" left"));
	if (t->suppressed)
		ifx_buf_addf(out, "; %zu suppressed", t->suppressed);
	if (t->ignored)
		ifx_buf_addf(out, ", %zu of them from now on", t->ignored);
	if (t->failed) {
		ifx_buf_add(out, IFX_LIT("; "));
		add_count(out, t->failed, "file");
		ifx_buf_add(out, IFX_LIT(" failed"));
	}
	ifx_buf_addc(out, '\n');
}

void ifx_tally_statistics(const struct ifx_tally *t, bool wrote, struct ifx_buf *out)
{
	size_t n;
	const struct ifx_rule_tally **list = ifx_tally_sorted(t, &n);

	if (n)
		ifx_buf_addf(out, "%8s  %9s  %8s  rule\n", "findings",
			     wrote ? "fixed" : "would fix", "left");
	for (size_t i = 0; i < n; i++)
		ifx_buf_addf(
			out, list[i]->ist ? "%8zu  %9zu  %8zu  %s %s\n" : "%8zu  %9zu  %8zu  %s\n",
			list[i]->seen, list[i]->fixed, list[i]->left, list[i]->id, list[i]->ist);
	out->bad |= !list;
	ifx_free(list);
}
