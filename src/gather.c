#include "gather.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/git.h"

struct gather {
	const struct ifx_config *config;
	struct ifx_arena *arena;
	ifx_complain_fn *complain;
	void *data;
	char **paths; /* each ends in NUL */
	size_t n, cap;
	ifx_str *tops; /* work trees that git was asked about */
	size_t n_tops, cap_tops;
	bool failed; /* something was complained of */
};

static void complain(struct gather *g, ifx_str path, const struct ifx_buf *why)
{
	g->complain(g->data, path, ifx_buf_str(why));
	g->failed = true;
}

/* The name is borrowed. */
static ifx_status add_path(struct gather *g, char *path)
{
	char **paths = ifx_grow(g->paths, &g->cap, g->n + 1, sizeof(*paths));

	if (!paths)
		return IFX_ENOMEM;
	g->paths = paths;
	paths[g->n++] = path;
	return IFX_OK;
}

/* ---- --files-from ---- */

static ifx_status add_names(struct gather *g, ifx_str list, struct ifx_buf *why)
{
	char end = g->config->null ? '\0' : '\n';
	ifx_status st = IFX_OK;
	ifx_str name;

	if (!g->config->null && ifx_str_chr(list, '\0') != SIZE_MAX) {
		ifx_buf_add(why, IFX_LIT("holds NUL bytes; are its names to be read with -0?"));
		return IFX_EINVAL;
	}
	/* A name may hold a newline, but hardly at its end. */
	if (g->config->null && ifx_str_chr(list, '\0') == SIZE_MAX &&
	    ifx_str_ends(list, IFX_LIT("\n"))) {
		ifx_buf_add(why, IFX_LIT("holds lines, and no NUL bytes; leave out -0"));
		return IFX_EINVAL;
	}
	while (st == IFX_OK && ifx_str_split(&list, end, &name)) {
		if (!name.len)
			continue;
		name = ifx_arena_copy(g->arena, name);
		st = name.ptr ? add_path(g, (char *)(uintptr_t)name.ptr) : IFX_ENOMEM;
	}
	return st;
}

/* Not only regular files: `--files-from <(git ls-files)` is a pipe. */
static ifx_status read_list(struct ifx_buf *list, ifx_str path, struct ifx_buf *why)
{
	bool is_stdin = ifx_str_eq(path, IFX_LIT("-"));
	int fd = is_stdin ? STDIN_FILENO : open(path.ptr, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ifx_status st;

	if (fd < 0) {
		ifx_file_error(why, errno);
		return IFX_EIO;
	}
	st = ifx_fd_read(list, fd, why);
	if (!is_stdin)
		close(fd);
	return st;
}

static ifx_status add_list(struct gather *g)
{
	ifx_str file = g->config->files_from;
	struct ifx_buf list, why;
	ifx_status st;

	ifx_buf_init(&list, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	st = read_list(&list, file, &why);
	if (st == IFX_OK)
		st = add_names(g, ifx_buf_str(&list), &why);
	if (st != IFX_OK && st != IFX_ENOMEM) {
		complain(g, ifx_str_eq(file, IFX_LIT("-")) ? IFX_LIT("<stdin>") : file, &why);
		st = IFX_OK;
	}
	ifx_buf_release(&list);
	ifx_buf_release(&why);
	return st;
}

/* ---- --since ---- */

/* Ask about the work tree that `path` lies in, unless that was done. */
static ifx_status add_changes(struct gather *g, const char *path, struct ifx_file_set *changed,
			      struct ifx_buf *scratch, struct ifx_buf *why)
{
	ifx_str top, *tops;
	ifx_status st = ifx_path_resolve(scratch, path);

	if (st != IFX_OK)
		return st == IFX_EIO ? IFX_OK : st; /* not there: whoever opens it tells */
	top = ifx_arena_copy(g->arena, ifx_buf_str(scratch));
	if (!top.ptr)
		return IFX_ENOMEM;
	ifx_buf_clear(why);
	if (!ifx_git_top(scratch, top)) {
		ifx_buf_add(why, IFX_LIT("is in no git work tree; --since cannot tell whether it "
					 "changed"));
		complain(g, ifx_str_of(path), why);
		return IFX_OK;
	}
	for (size_t i = 0; i < g->n_tops; i++)
		if (ifx_str_eq(g->tops[i], ifx_buf_str(scratch)))
			return IFX_OK;
	top = ifx_arena_copy(g->arena, ifx_buf_str(scratch));
	tops = ifx_grow(g->tops, &g->cap_tops, g->n_tops + 1, sizeof(*tops));
	if (!tops || !top.ptr)
		return IFX_ENOMEM;
	g->tops = tops;
	tops[g->n_tops++] = top;
	st = ifx_git_changed(changed, top.ptr, g->config->since, why);
	if (st == IFX_ENOMEM || st == IFX_OK)
		return st;
	complain(g, top, why);
	return IFX_OK;
}

static ifx_status mark_unchanged(struct gather *g, struct ifx_inputs *inputs)
{
	struct ifx_file_set changed = { 0 };
	struct ifx_buf scratch, why;
	ifx_status st = IFX_OK;

	ifx_buf_init(&scratch, 1 << 16);
	ifx_buf_init(&why, 1 << 16);
	for (size_t i = 0; st == IFX_OK && i < g->n; i++)
		st = add_changes(g, g->paths[i], &changed, &scratch, &why);
	for (size_t i = 0; i < inputs->n; i++) {
		struct ifx_input *input = &inputs->items[i];

		input->only_seen = !ifx_file_set_find(&changed, input->dev, input->ino);
	}
	ifx_file_set_release(&changed);
	ifx_buf_release(&scratch);
	ifx_buf_release(&why);
	return st;
}

/* ---- one part of the files ---- */

/* By the path as typed, so that each machine comes to the same answer (FNV-1a). */
static unsigned shard_of(ifx_str path, unsigned shards)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < path.len; i++)
		hash = (hash ^ (unsigned char)path.ptr[i]) * 1099511628211u;
	/* The low bits of this hash know little of the first letters. */
	return (unsigned)((hash ^ hash >> 32) % shards) + 1;
}

static void keep_shard(struct ifx_inputs *inputs, unsigned shard, unsigned shards)
{
	for (size_t i = 0; i < inputs->n && shards; i++)
		if (shard_of(inputs->items[i].path, shards) != shard)
			inputs->items[i].only_seen = true;
}

/* ---- together ---- */

bool ifx_gather_is_stdin(const struct ifx_config *config, char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(paths[i], "-"))
			return true;
	return !n && !config->files_from.ptr && !config->since.ptr;
}

ifx_status ifx_gather(struct ifx_inputs *out, struct ifx_configs *configs, char *const *paths,
		      size_t n, struct ifx_arena *arena, ifx_complain_fn *complain_fn, void *data)
{
	static char here[] = ".";
	const struct ifx_config *config = configs->line;
	const struct ifx_texts *globs = &config->exclude;
	ifx_str *exclude = ifx_arena_alloc(arena, (globs->n + 1) * sizeof(*exclude));
	struct ifx_file_options options = { exclude,
					    globs->n,
					    config->force_exclude,
					    config->no_gitignore,
					    ifx_configs_dir_options,
					    configs };
	struct gather g = {
		.config = config, .arena = arena, .complain = complain_fn, .data = data
	};
	ifx_status st = exclude ? IFX_OK : IFX_ENOMEM;

	*out = (struct ifx_inputs){ 0 };
	for (size_t i = 0; exclude && i < globs->n; i++)
		exclude[i] = globs->items[i].text;
	for (size_t i = 0; st == IFX_OK && i < n; i++)
		st = add_path(&g, paths[i]);
	if (st == IFX_OK && config->files_from.ptr)
		st = add_list(&g);
	else if (st == IFX_OK && !n)
		st = add_path(&g, here); /* --since alone */
	if (st == IFX_OK)
		st = ifx_inputs_expand(out, g.paths, g.n, &options, arena, complain_fn, data);
	if ((st == IFX_OK || st == IFX_EIO) && config->since.ptr) {
		ifx_status marked = mark_unchanged(&g, out);

		st = marked == IFX_OK ? st : marked;
	}
	keep_shard(out, config->shard, config->shards);
	ifx_free(g.paths);
	ifx_free(g.tops);
	return st == IFX_OK && g.failed ? IFX_EIO : st;
}
