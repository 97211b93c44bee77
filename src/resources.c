#include "resources.h"

#include "io/files.h"
#include "yaml/load.h"

bool ifx_resources_of_text(ifx_str bytes, const char *const *needles, ifx_see_resource *see,
			   void *data)
{
	struct ifx_problem problem = { 0 };
	struct ifx_arena arena;
	struct ifx_resource *r;
	struct ifx_doc *doc;
	size_t at = 0, number = 0;
	ifx_span chunk;
	ifx_status st;
	bool ok = true;

	ifx_buf_init(&problem.text, 4096);
	while (ifx_stream_next(bytes, &at, &chunk)) {
		ifx_str text = ifx_str_sub(bytes, chunk.at, chunk.len);
		bool found = false;

		number++;
		for (const char *const *n = needles; *n && !found; n++)
			found = ifx_str_find(text, ifx_str_of(*n)) != SIZE_MAX;
		st = found ? ifx_precheck(text, &problem) : IFX_EINVAL;
		if (st == IFX_OK)
			st = ifx_doc_load(&doc, text, &problem);
		ok = ok && st != IFX_ENOMEM;
		if (st != IFX_OK)
			continue;
		ifx_arena_init(&arena, (size_t)1 << 30);
		ok = ifx_roots(&r, doc, &arena) && ok;
		for (; r; r = r->next)
			see(data, r, number);
		ifx_arena_release(&arena);
		ifx_doc_free(doc);
	}
	ifx_buf_release(&problem.text);
	return ok;
}

bool ifx_resources_of_file(const char *path, const char *const *needles, ifx_see_resource *see,
			   void *data)
{
	struct ifx_buf bytes, why;
	struct stat st;
	ifx_status status;
	bool ok;

	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	status = ifx_file_read(&bytes, path, &st, &why);
	ok = status != IFX_ENOMEM;
	if (status == IFX_OK)
		ok = ifx_resources_of_text(ifx_buf_str(&bytes), needles, see, data);
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	return ok;
}
