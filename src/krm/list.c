#include "krm/list.h"

#include "yaml/load.h"

static bool is_list(const struct ifx_node *root)
{
	return ifx_is(root, IFX_MAP) &&
	       ifx_str_eq(ifx_get_text(root, IFX_LIT("kind")), IFX_LIT("ResourceList")) &&
	       ifx_str_starts(ifx_get_text(root, IFX_LIT("apiVersion")),
			      IFX_LIT("config.kubernetes.io/"));
}

ifx_status ifx_list_open(struct ifx_list *list, ifx_str text)
{
	struct ifx_problem problem = { 0 };
	size_t at = 0;
	ifx_status st = IFX_EINVAL;

	*list = (struct ifx_list){ 0 };
	if (!ifx_stream_next(text, &at, &list->chunk))
		return IFX_EINVAL;
	text = ifx_str_sub(text, list->chunk.at, list->chunk.len);
	if (ifx_str_find(text, IFX_LIT("ResourceList")) == SIZE_MAX)
		return IFX_EINVAL;
	ifx_buf_init(&problem.text, 4096);
	st = ifx_precheck(text, &problem);
	if (st == IFX_OK)
		st = ifx_doc_load(&list->doc, text, &problem);
	ifx_buf_release(&problem.text);
	if (st != IFX_OK)
		return st == IFX_ENOMEM ? st : IFX_EINVAL;
	if (!is_list(list->doc->root))
		return IFX_EINVAL;
	list->config = ifx_get(list->doc->root, IFX_LIT("functionConfig"));
	if (ifx_is_null(list->config))
		list->config = NULL;
	return IFX_OK;
}

void ifx_list_close(struct ifx_list *list)
{
	ifx_doc_free(list->doc);
	*list = (struct ifx_list){ 0 };
}
