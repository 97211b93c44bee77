#include "io/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/file_set.h"
#include "io/gitignore.h"
#include "io/journal.h"
#include "io/stage.h"

ifx_status ifx_path_resolve(struct ifx_buf *out, const char *path)
{
	char real[PATH_MAX];

	if (!realpath(path, real))
		return IFX_EIO;
	ifx_buf_clear(out);
	ifx_buf_add(out, ifx_str_of(real));
	return ifx_buf_status(out);
}

/* --- the walk -------------------------------------------------------------------------------- */

/*
 * One directory is known by three names, kept in step while the walk goes down and up: for the
 * system and the user, for the .gitignore files above it, and for the exclude patterns.
 */
struct walk {
	struct ifx_inputs *out;
	struct ifx_arena *arena;
	struct ifx_file_set seen; /* numbers: of the inputs, from 1 */
	struct ifx_ignore *exclude;
	const struct ifx_file_options *options;
	ifx_complain_fn *complain;
	void *data;
	bool failed, no_memory;
	bool alone;          /* one path was given: what readdir says of a file is enough */
	struct ifx_buf path; /* as typed */
	struct ifx_buf tree; /* from the top of the work tree */
	struct ifx_buf here; /* from the current directory; "../" and an absolute path outside */
	struct ifx_buf cwd;  /* absolute, without symbolic links */
	struct ifx_buf seen_by_settings; /* a path as the settings of its directory see it */
	struct ifx_buf scratch, err;
};

/* The patterns of one directory, and those above. */
struct scope {
	const struct scope *up;
	struct ifx_ignore *list;
	size_t base; /* where in walk.tree the path relative to that directory begins */
};

struct entry {
	size_t at; /* of its name in `names` */
	ifx_str name;
	bool is_dir;
	dev_t dev;
	ino_t ino;
};

static void complain_errno(struct walk *w, ifx_str path, int code)
{
	ifx_buf_clear(&w->err);
	ifx_file_error(&w->err, code);
	w->complain(w->data, path, ifx_buf_str(&w->err));
	w->failed = true;
}

static ifx_status add_input(struct walk *w, ifx_str path, bool named, dev_t dev, ino_t ino)
{
	size_t number = ifx_file_set_find(&w->seen, dev, ino);
	struct ifx_input *items;

	if (number) {
		w->out->items[number - 1].named |= named;
		return IFX_OK;
	}
	items = ifx_grow(w->out->items, &w->out->cap, w->out->n + 1, sizeof(*items));
	if (!items)
		return IFX_ENOMEM;
	w->out->items = items;
	path = ifx_arena_copy(w->arena, path);
	if (!path.ptr)
		return IFX_ENOMEM;
	items[w->out->n++] =
		(struct ifx_input){ .path = path, .named = named, .dev = dev, .ino = ino };
	return ifx_file_set_add(&w->seen, dev, ino, w->out->n);
}

static ifx_status add_path(struct walk *w, struct ifx_paths *list, ifx_str path)
{
	ifx_str *items;

	if (list->n && ifx_str_eq(list->items[list->n - 1], path))
		return IFX_OK;
	items = ifx_grow(list->items, &list->cap, list->n + 1, sizeof(*items));
	if (!items)
		return IFX_ENOMEM;
	list->items = items;
	path = ifx_arena_copy(w->arena, path);
	if (!path.ptr)
		return IFX_ENOMEM;
	items[list->n++] = path;
	return IFX_OK;
}

/* Append "/name", or "name" where that would begin with a slash or double one. */
static void push_name(struct ifx_buf *path, ifx_str name)
{
	if (path->len && path->data[path->len - 1] != '/')
		ifx_buf_addc(path, '/');
	ifx_buf_add(path, name);
}

static void cut(struct ifx_buf *path, size_t len)
{
	if (path->data) {
		path->len = len;
		path->data[len] = '\0';
	}
}

/* The name for the system and the user. "." is left out, unless the name looks like an option. */
static void push_typed(struct ifx_buf *path, ifx_str name)
{
	if (ifx_str_eq(ifx_buf_str(path), IFX_LIT(".")) && name.len && name.ptr[0] != '-')
		cut(path, 0);
	push_name(path, name);
}

/* Add the patterns of the file `path`; there being none is fine. `flags` for open. */
static ifx_status load_patterns(struct walk *w, struct ifx_ignore **list, const char *path,
				int flags)
{
	struct stat stat;
	ifx_status st;

	ifx_buf_clear(&w->err);
	st = ifx_file_read_as(&w->scratch, path, flags, IFX_IGNORE_FILE_MAX, &stat, &w->err);
	if (st == IFX_ENOMEM)
		return st;
	/* As git: a .gitignore that is a symbolic link, or no file at all, has no say. */
	if (st == IFX_EREFUSED ||
	    (st == IFX_EIO && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR)))
		return IFX_OK;
	if (st != IFX_OK) {
		w->complain(w->data, ifx_str_of(path), ifx_buf_str(&w->err));
		w->failed = true;
		return IFX_OK;
	}
	if (!*list) {
		st = ifx_ignore_new(list);
		if (st != IFX_OK)
			return st;
	}
	return ifx_ignore_lines(*list, ifx_buf_str(&w->scratch));
}

/*
 * Where info/exclude of the work tree at `top` is. In a linked work tree or a submodule `.git` is
 * a file that says where the repository is, and a file there may say where the shared part is.
 */
static ifx_status find_exclude(struct walk *w, struct ifx_buf *out, ifx_str top)
{
	static const ifx_str gitdir = { "gitdir:", 7 };
	struct stat stat;
	ifx_str text;
	ifx_status st;
	size_t len;

	ifx_buf_clear(out);
	ifx_buf_add(out, top);
	push_name(out, IFX_LIT(".git"));
	if (out->bad)
		return IFX_ENOMEM;
	ifx_buf_clear(&w->err);
	st = ifx_file_read_as(&w->scratch, out->data, 0, PATH_MAX, &stat, &w->err);
	if (st == IFX_ENOMEM)
		return st;
	text = ifx_buf_str(&w->scratch);
	if (st == IFX_OK && ifx_str_starts(text, gitdir)) {
		text = ifx_str_trim(ifx_str_sub(text, gitdir.len, text.len - gitdir.len));
		ifx_buf_clear(out);
		if (text.len && text.ptr[0] != '/')
			ifx_buf_add(out, top);
		push_name(out, text);
		len = out->len;
		push_name(out, IFX_LIT("commondir"));
		if (out->bad)
			return IFX_ENOMEM;
		st = ifx_file_read_as(&w->scratch, out->data, 0, PATH_MAX, &stat, &w->err);
		if (st == IFX_ENOMEM)
			return st;
		cut(out, len);
		text = ifx_str_trim(ifx_buf_str(&w->scratch));
		if (st == IFX_OK && text.len) {
			if (text.ptr[0] == '/')
				cut(out, 0);
			push_name(out, text);
		}
	}
	push_name(out, IFX_LIT("info/exclude"));
	return ifx_buf_status(out);
}

/*
 * Patterns of the directory that walk.path names (and, at the top of a work tree, those of its
 * info/exclude first: a .gitignore outranks them).
 */
static ifx_status open_scope(struct walk *w, struct scope *scope, ifx_str dir, bool is_top,
			     bool has_gitignore)
{
	struct ifx_buf path;
	ifx_status st = IFX_OK;

	ifx_buf_init(&path, IFX_BUF_MAX);
	if (is_top) {
		st = find_exclude(w, &path, dir);
		if (st == IFX_OK)
			st = load_patterns(w, &scope->list, path.data, 0);
	}
	if (st == IFX_OK && has_gitignore) {
		ifx_buf_clear(&path);
		if (!ifx_str_eq(dir, IFX_LIT(".")))
			ifx_buf_add(&path, dir);
		push_name(&path, IFX_LIT(".gitignore"));
		st = ifx_buf_status(&path);
		if (st == IFX_OK)
			st = load_patterns(w, &scope->list, path.data, O_NOFOLLOW);
	}
	ifx_buf_release(&path);
	return st;
}

static bool is_ignored(const struct walk *w, const struct scope *scope, bool is_dir)
{
	ifx_str path = ifx_buf_str(&w->tree);

	for (; scope; scope = scope->up) {
		ifx_verdict verdict = IFX_UNDECIDED;

		if (scope->list)
			verdict = ifx_ignore_match(
				scope->list, ifx_str_sub(path, scope->base, path.len - scope->base),
				is_dir);
		if (verdict != IFX_UNDECIDED)
			return verdict == IFX_IGNORED;
	}
	return false;
}

static bool is_excluded(const struct walk *w, bool is_dir)
{
	return w->exclude &&
	       ifx_ignore_match(w->exclude, ifx_buf_str(&w->here), is_dir) == IFX_IGNORED;
}

/* What the settings say about `name` in their directory. anywhere: or about one it lies in. */
static bool is_excluded_by(struct walk *w, const struct ifx_dir_options *dir, ifx_str name,
			   bool is_dir, bool anywhere)
{
	struct ifx_buf *path = &w->seen_by_settings;

	if (!dir->exclude)
		return false;
	ifx_buf_clear(path);
	ifx_buf_add(path, dir->path);
	push_name(path, name);
	if (path->bad) {
		w->no_memory = true;
		return true;
	}
	if (anywhere)
		return ifx_ignore_covers(dir->exclude, ifx_buf_str(path), is_dir);
	return ifx_ignore_match(dir->exclude, ifx_buf_str(path), is_dir) == IFX_IGNORED;
}

static struct ifx_dir_options options_of(const struct walk *w, ifx_str dir)
{
	if (!w->options->dir_options)
		return (struct ifx_dir_options){ 0 };
	return w->options->dir_options(w->options->data, dir);
}

static bool is_manifest(ifx_str name)
{
	if (ifx_is_settings_file(name))
		return false;
	return ifx_str_ends(name, IFX_LIT(".yaml")) || ifx_str_ends(name, IFX_LIT(".yml")) ||
	       ifx_str_ends(name, IFX_LIT(".json"));
}

static int compare_entries(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

struct listing {
	struct ifx_buf names;
	struct entry *entries;
	size_t n, cap;
	bool has_git, has_gitignore;
	bool trusted; /* the inode that readdir tells is compared with its like alone */
	dev_t dev;    /* then: of the directory */
};

static bool is_leftover(const char *name)
{
	return !strcmp(name, IFX_JOURNAL_NAME) || ifx_is_temp_name(name);
}

/* Of the directory walk.path. */
static ifx_status add_leftover(struct walk *w, ifx_str name)
{
	size_t len = w->path.len;
	ifx_status st;

	push_name(&w->path, name);
	st = ifx_buf_status(&w->path);
	if (st == IFX_OK)
		st = add_path(w, &w->out->leftovers, ifx_buf_str(&w->path));
	cut(&w->path, len);
	return st;
}

static ifx_status add_entry(struct listing *l, DIR *dir, const struct dirent *d)
{
	ifx_str name = ifx_str_of(d->d_name);
	bool is_dir = d->d_type == DT_DIR;
	struct stat st = { 0 };
	struct entry *entries;

	if (ifx_str_eq(name, IFX_LIT(".")) || ifx_str_eq(name, IFX_LIT("..")))
		return IFX_OK;
	if (ifx_str_eq(name, IFX_LIT(".git"))) {
		l->has_git = true;
		return IFX_OK;
	}
	/* Our own records are no input. */
	if (ifx_str_eq(name, IFX_LIT(".istio-fix")))
		return IFX_OK;
	if (ifx_str_eq(name, IFX_LIT(".gitignore")))
		l->has_gitignore = true;
	if (!is_dir && d->d_type != DT_UNKNOWN && (d->d_type != DT_REG || !is_manifest(name)))
		return IFX_OK;
	st.st_dev = l->dev;
	st.st_ino = d->d_ino;
	if (!is_dir && !(l->trusted && d->d_type == DT_REG)) {
		/* Gone since: then it is not there. */
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW))
			return errno == ENOENT ? IFX_OK : IFX_EIO;
		is_dir = S_ISDIR(st.st_mode);
		if (!is_dir && (!S_ISREG(st.st_mode) || !is_manifest(name)))
			return IFX_OK;
	}
	entries = ifx_grow(l->entries, &l->cap, l->n + 1, sizeof(*entries));
	if (!entries)
		return IFX_ENOMEM;
	l->entries = entries;
	entries[l->n++] = (struct entry){
		.at = l->names.len,
		.name = { NULL, name.len },
		.is_dir = is_dir,
		.dev = st.st_dev,
		.ino = st.st_ino,
	};
	ifx_buf_add(&l->names, name);
	return ifx_buf_status(&l->names);
}

/* Of the directory walk.path. */
static void complain_entry(struct walk *w, const char *name, int code)
{
	size_t len = w->path.len;

	push_name(&w->path, ifx_str_of(name));
	complain_errno(w, ifx_buf_str(&w->path), code);
	cut(&w->path, len);
}

/* Read a directory whole, so that no descriptor stays open while we go deeper. */
static ifx_status list_directory(struct walk *w, struct listing *l, const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	struct stat own = { 0 };
	ifx_status st = IFX_OK;

	if (!dir) {
		complain_errno(w, ifx_str_of(path), errno);
		if (fd >= 0)
			close(fd);
		return IFX_OK;
	}
	l->trusted = w->alone && !fstat(fd, &own);
	l->dev = own.st_dev;
	for (;;) {
		errno = 0;
		d = readdir(dir);
		if (!d && errno)
			complain_errno(w, ifx_str_of(path), errno);
		if (!d)
			break;
		st = is_leftover(d->d_name) ? add_leftover(w, ifx_str_of(d->d_name))
					    : add_entry(l, dir, d);
		if (st == IFX_EIO) {
			complain_entry(w, d->d_name, errno);
			st = IFX_OK;
		}
		if (st != IFX_OK)
			break;
	}
	closedir(dir);
	if (st != IFX_OK)
		return st; /* the last entry may lack its name */
	for (size_t i = 0; i < l->n; i++)
		l->entries[i].name.ptr = ifx_buf_str(&l->names).ptr + l->entries[i].at;
	if (l->n)
		qsort(l->entries, l->n, sizeof(*l->entries), compare_entries);
	return IFX_OK;
}

static ifx_status walk_directory(struct walk *w, const struct scope *up, size_t depth);

static ifx_status visit(struct walk *w, const struct scope *scope,
			const struct ifx_dir_options *dir, const struct entry *e, size_t depth)
{
	size_t path = w->path.len, tree = w->tree.len, here = w->here.len;
	bool dot = ifx_str_eq(ifx_buf_str(&w->path), IFX_LIT("."));
	ifx_status st = IFX_OK;

	push_typed(&w->path, e->name);
	push_name(&w->tree, e->name);
	push_name(&w->here, e->name);
	if (w->path.bad || w->tree.bad || w->here.bad)
		return IFX_ENOMEM;
	if ((dir->no_gitignore || !is_ignored(w, scope, e->is_dir)) && !is_excluded(w, e->is_dir) &&
	    !is_excluded_by(w, dir, e->name, e->is_dir, false))
		st = e->is_dir ? walk_directory(w, scope, depth + 1)
			       : add_input(w, ifx_buf_str(&w->path), false, e->dev, e->ino);
	cut(&w->path, dot ? 0 : path);
	if (dot)
		ifx_buf_addc(&w->path, '.');
	cut(&w->tree, tree);
	cut(&w->here, here);
	return st;
}

/* The directory walk.path. up: the patterns above it, NULL outside a work tree. */
static ifx_status walk_directory(struct walk *w, const struct scope *up, size_t depth)
{
	struct listing l = { 0 };
	struct scope scope = { .up = up };
	struct ifx_dir_options dir;
	struct ifx_buf outer;
	bool is_top, in_tree;
	ifx_status st;

	if (depth > IFX_WALK_MAX) {
		ifx_buf_clear(&w->err);
		ifx_buf_addf(&w->err, "more than %d directories deep", IFX_WALK_MAX);
		w->complain(w->data, ifx_buf_str(&w->path), ifx_buf_str(&w->err));
		w->failed = true;
		return IFX_OK;
	}
	ifx_buf_init(&l.names, IFX_BUF_MAX);
	st = list_directory(w, &l, w->path.data, depth ? O_NOFOLLOW : 0);
	is_top = l.has_git && !w->options->no_gitignore;
	in_tree = up || is_top;
	outer = w->tree;
	if (is_top) {
		scope.up = NULL;
		ifx_buf_init(&w->tree, IFX_BUF_MAX);
	}
	scope.base = w->tree.len ? w->tree.len + 1 : 0;
	if (st == IFX_OK && in_tree)
		st = open_scope(w, &scope, ifx_buf_str(&w->path), is_top, l.has_gitignore);
	dir = options_of(w, ifx_buf_str(&w->path));
	for (size_t i = 0; st == IFX_OK && i < l.n; i++)
		st = visit(w, in_tree ? &scope : NULL, &dir, &l.entries[i], depth);
	if (is_top) {
		ifx_buf_release(&w->tree);
		w->tree = outer;
	}
	ifx_ignore_free(scope.list);
	ifx_buf_release(&l.names);
	ifx_free(l.entries);
	return st;
}

/* --- what was named -------------------------------------------------------------------------- */

static ifx_str parent_of(ifx_str path)
{
	const char *slash = path.ptr && path.len > 1 ? memrchr(path.ptr, '/', path.len) : NULL;

	if (!slash)
		return IFX_NONE;
	return ifx_str_sub(path, 0, slash == path.ptr ? 1 : (size_t)(slash - path.ptr));
}

/* Out of memory: true, and w->scratch is bad. */
static bool has_git(struct walk *w, ifx_str dir)
{
	struct stat st;

	ifx_buf_clear(&w->scratch);
	ifx_buf_add(&w->scratch, dir);
	push_name(&w->scratch, IFX_LIT(".git"));
	return w->scratch.bad || lstat(w->scratch.data, &st) == 0;
}

/* `path` below `dir`, both absolute; ptr NULL when it is not there. */
static ifx_str below(ifx_str path, ifx_str dir)
{
	if (ifx_str_eq(path, dir))
		return ifx_str_sub(path, path.len, 0);
	if (dir.len && dir.ptr[dir.len - 1] == '/') /* "/" */
		dir.len--;
	if (!ifx_str_starts(path, dir) || path.ptr[dir.len] != '/')
		return IFX_NONE;
	return ifx_str_sub(path, dir.len + 1, path.len - dir.len - 1);
}

/* Walk the named directory walk.path under the patterns of all directories above it. */
static ifx_status walk_named(struct walk *w)
{
	ifx_str real, top = IFX_NONE, rest;
	struct scope *above = NULL;
	size_t n = 0;
	struct ifx_buf buf;
	ifx_status st = IFX_OK;

	ifx_buf_init(&buf, IFX_BUF_MAX);
	ifx_buf_clear(&w->tree);
	if (!w->options->no_gitignore) {
		st = ifx_path_resolve(&buf, w->path.data);
		if (st == IFX_EIO) {
			complain_errno(w, ifx_buf_str(&w->path), errno);
			st = IFX_OK;
			goto out;
		}
		if (st != IFX_OK)
			goto out;
		real = ifx_buf_str(&buf);
		for (top = parent_of(real); top.ptr && !has_git(w, top); top = parent_of(top))
			;
		if (w->scratch.bad) {
			st = IFX_ENOMEM;
			goto out;
		}
	}
	if (top.ptr) {
		rest = below(real, top);
		n = 1;
		for (size_t i = 0; i < rest.len; i++)
			n += rest.ptr[i] == '/';
		above = ifx_calloc(n, sizeof(*above));
		st = above ? IFX_OK : IFX_ENOMEM;
		for (size_t i = 0, base = 0; st == IFX_OK && i < n; i++) {
			size_t offset = (size_t)(rest.ptr - real.ptr) + base;

			above[i].up = i ? &above[i - 1] : NULL;
			above[i].base = base;
			st = open_scope(w, &above[i],
					ifx_str_sub(real, 0, offset > 1 ? offset - 1 : 1), i == 0,
					true);
			base += ifx_str_chr(ifx_str_sub(rest, base, rest.len - base), '/') + 1;
		}
		ifx_buf_add(&w->tree, rest);
		if (w->tree.bad)
			st = IFX_ENOMEM;
	}
	if (st == IFX_OK)
		st = walk_directory(w, n ? &above[n - 1] : NULL, 0);
out:
	for (size_t i = 0; above && i < n; i++)
		ifx_ignore_free(above[i].list);
	ifx_free(above);
	ifx_buf_release(&buf);
	return st;
}

/*
 * walk.here for a named path: as typed where that leads down from the current directory, so that
 * a pattern fits the text a person sees; else by way of the absolute path.
 */
static ifx_status set_here(struct walk *w, ifx_str typed)
{
	ifx_str rest = typed, part;
	bool down = typed.len && typed.ptr[0] != '/';
	ifx_status st;

	ifx_buf_clear(&w->here);
	while (down && ifx_str_split(&rest, '/', &part)) {
		if (ifx_str_eq(part, IFX_LIT("..")))
			down = false;
		else if (part.len && !ifx_str_eq(part, IFX_LIT(".")))
			push_name(&w->here, part);
	}
	if (down)
		return ifx_buf_status(&w->here);
	st = ifx_path_resolve(&w->scratch, typed.ptr);
	if (st != IFX_OK)
		return st == IFX_EIO ? IFX_OK : st; /* told by whoever opens it */
	ifx_buf_clear(&w->here);
	rest = w->cwd.len ? below(ifx_buf_str(&w->scratch), ifx_buf_str(&w->cwd)) : IFX_NONE;
	if (rest.ptr) {
		ifx_buf_add(&w->here, rest);
	} else {
		ifx_buf_add(&w->here, IFX_LIT(".."));
		ifx_buf_add(&w->here, ifx_buf_str(&w->scratch));
	}
	return ifx_buf_status(&w->here);
}

/* Is a named path left out after all? */
static bool is_forced_out(struct walk *w, ifx_str typed, bool is_dir)
{
	ifx_str dir = ifx_dir_of(typed), name = typed;
	struct ifx_dir_options o;

	if (w->exclude && w->options->force_exclude &&
	    ifx_ignore_covers(w->exclude, ifx_buf_str(&w->here), is_dir))
		return true;
	if (ifx_str_chr(typed, '/') != SIZE_MAX)
		name = ifx_str_sub(typed, dir.len, typed.len - dir.len);
	while (name.len && name.ptr[0] == '/')
		name = ifx_str_sub(name, 1, name.len - 1);
	if (!name.len || ifx_str_eq(name, IFX_LIT(".")) || ifx_str_eq(name, IFX_LIT(".."))) {
		o = options_of(w, typed);
		return (o.force_exclude || w->options->force_exclude) && o.exclude &&
		       ifx_ignore_covers(o.exclude, o.path, true);
	}
	o = options_of(w, dir);
	return (o.force_exclude || w->options->force_exclude) &&
	       is_excluded_by(w, &o, name, is_dir, true);
}

/* The directory itself, or the one that the file is in. What is not there is told by others. */
static ifx_status add_root(struct walk *w, const char *path, bool is_dir)
{
	ifx_status st = ifx_path_resolve(&w->scratch, path);
	ifx_str real = ifx_buf_str(&w->scratch);

	if (st != IFX_OK)
		return st == IFX_EIO ? IFX_OK : st;
	return add_path(w, &w->out->roots, is_dir ? real : parent_of(real));
}

static ifx_status expand_one(struct walk *w, const char *path)
{
	ifx_str typed = ifx_str_of(path);
	struct stat stat_of;
	ifx_status st;

	if (stat(path, &stat_of)) {
		complain_errno(w, typed, errno);
		return IFX_OK;
	}
	st = add_root(w, path, S_ISDIR(stat_of.st_mode));
	if (st != IFX_OK)
		return st;
	if (w->exclude) {
		st = set_here(w, typed);
		if (st != IFX_OK)
			return st;
	}
	if (!S_ISDIR(stat_of.st_mode))
		return is_forced_out(w, typed, false)
			       ? IFX_OK
			       : add_input(w, typed, true, stat_of.st_dev, stat_of.st_ino);
	while (typed.len > 1 && typed.ptr[typed.len - 1] == '/')
		typed.len--;
	if (is_forced_out(w, typed, true))
		return IFX_OK;
	ifx_buf_clear(&w->path);
	ifx_buf_add(&w->path, typed);
	return w->path.bad ? IFX_ENOMEM : walk_named(w);
}

static ifx_status read_exclude(struct walk *w)
{
	const struct ifx_file_options *o = w->options;
	ifx_status st;

	if (!o->n_exclude)
		return IFX_OK;
	st = ifx_ignore_new(&w->exclude);
	for (size_t i = 0; st == IFX_OK && i < o->n_exclude; i++)
		st = ifx_ignore_line(w->exclude, o->exclude[i]);
	if (st == IFX_OK && ifx_path_resolve(&w->cwd, ".") == IFX_ENOMEM)
		st = IFX_ENOMEM;
	return st;
}

ifx_status ifx_inputs_expand(struct ifx_inputs *out, char *const *paths, size_t n,
			     const struct ifx_file_options *options, struct ifx_arena *arena,
			     ifx_complain_fn *complain, void *data)
{
	struct walk w = {
		.out = out,
		.arena = arena,
		.options = options,
		.complain = complain,
		.data = data,
		.alone = n == 1,
	};
	struct ifx_buf *bufs[] = { &w.path,    &w.tree, &w.here, &w.cwd, &w.seen_by_settings,
				   &w.scratch, &w.err };
	ifx_status st;

	*out = (struct ifx_inputs){ 0 };
	for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
		ifx_buf_init(bufs[i], IFX_BUF_MAX);
	st = read_exclude(&w);
	for (size_t i = 0; st == IFX_OK && i < n; i++)
		st = expand_one(&w, paths[i]);
	for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
		ifx_buf_release(bufs[i]);
	ifx_ignore_free(w.exclude);
	ifx_file_set_release(&w.seen);
	if (w.no_memory)
		st = IFX_ENOMEM;
	if (st == IFX_OK && w.failed)
		st = IFX_EIO;
	return st;
}

void ifx_inputs_release(struct ifx_inputs *inputs)
{
	ifx_free(inputs->items);
	ifx_free(inputs->roots.items);
	ifx_free(inputs->leftovers.items);
	*inputs = (struct ifx_inputs){ 0 };
}
