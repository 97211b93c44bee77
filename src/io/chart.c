#include "io/files.h"

#include <unistd.h>

bool ifx_in_chart_templates(ifx_str path)
{
	const ifx_str part = IFX_LIT("/templates/");
	struct ifx_buf chart, real;
	size_t from = 0, at;
	bool found;

	ifx_buf_init(&chart, IFX_BUF_MAX);
	ifx_buf_init(&real, IFX_BUF_MAX);
	found = ifx_path_resolve(&real, path.ptr) == IFX_ENOMEM;
	path = ifx_buf_str(&real);
	while (!found &&
	       (at = ifx_str_find(ifx_str_sub(path, from, path.len - from), part)) != SIZE_MAX) {
		from += at + 1;
		ifx_buf_clear(&chart);
		ifx_buf_add(&chart, ifx_str_sub(path, 0, from));
		ifx_buf_add(&chart, IFX_LIT("Chart.yaml"));
		found = chart.bad || !access(chart.data, F_OK);
	}
	ifx_buf_release(&chart);
	ifx_buf_release(&real);
	return found;
}

bool ifx_is_chart_values(ifx_str path)
{
	size_t name = path.len;
	struct ifx_buf chart;
	bool found;

	while (name && path.ptr[name - 1] != '/')
		name--;
	if (!ifx_str_starts(ifx_str_sub(path, name, path.len - name), IFX_LIT("values")))
		return false;
	ifx_buf_init(&chart, IFX_BUF_MAX);
	ifx_buf_add(&chart, ifx_str_sub(path, 0, name));
	ifx_buf_add(&chart, IFX_LIT("Chart.yaml"));
	found = !chart.bad && !access(chart.data, F_OK);
	ifx_buf_release(&chart);
	return found;
}
