#include "io/unfinished.h"

#include <fcntl.h>
#include <unistd.h>

#include "io/atomic.h"
#include "io/stage.h"

/* ---- names of directories ---- */

/* A copy of `path` that may be cut, and a buffer for what is asked about it. */
struct ladder {
	struct ifx_buf dir, file;
};

static void open_ladder(struct ladder *l, ifx_str path)
{
	ifx_buf_init(&l->dir, IFX_BUF_MAX);
	ifx_buf_init(&l->file, IFX_BUF_MAX);
	ifx_buf_add(&l->dir, path);
}

static void close_ladder(struct ladder *l)
{
	ifx_buf_release(&l->dir);
	ifx_buf_release(&l->file);
}

/* One directory up. False at the top. */
static bool climb(struct ladder *l)
{
	size_t len = l->dir.len;

	if (len <= 1)
		return false;
	while (l->dir.data[len - 1] != '/')
		len--;
	l->dir.len = len > 1 ? len - 1 : 1;
	l->dir.data[l->dir.len] = '\0';
	return true;
}

static bool has_journal(struct ladder *l)
{
	struct stat st;

	ifx_buf_clear(&l->file);
	ifx_buf_addf(&l->file, "%s/" IFX_JOURNAL_NAME, l->dir.data);
	return !l->dir.bad && !l->file.bad && !lstat(l->file.data, &st);
}

static bool is_at_or_below(ifx_str path, ifx_str dir)
{
	if (ifx_str_eq(dir, IFX_LIT("/")))
		return true;
	return ifx_str_starts(path, dir) && (path.len == dir.len || path.ptr[dir.len] == '/');
}

static ifx_str file_name(ifx_str path)
{
	const char *slash = memrchr(path.ptr, '/', path.len);

	return slash ? ifx_str_of(slash + 1) : path;
}

ifx_str ifx_home_of(const struct ifx_inputs *inputs, struct ifx_arena *arena)
{
	struct ladder l;
	ifx_str home;

	open_ladder(&l, inputs->roots.n ? inputs->roots.items[0] : IFX_LIT("/"));
	for (size_t i = 1; !l.dir.bad && i < inputs->roots.n; i++)
		while (!is_at_or_below(inputs->roots.items[i], ifx_buf_str(&l.dir)) && climb(&l))
			;
	home = l.dir.bad ? IFX_NONE : ifx_arena_copy(arena, ifx_buf_str(&l.dir));
	close_ladder(&l);
	return home;
}

/* ---- journals ---- */

struct settle {
	const struct ifx_listener *to;
	bool look_only;
	bool changed;
	ifx_status st;
};

static void note(struct settle *s, const char *fmt, const char *dir, size_t n)
{
	struct ifx_buf text;

	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_buf_addf(&text, "a run over '%s' ", dir);
	ifx_buf_addf(&text, fmt, n);
	s->to->note(s->to->data, ifx_buf_str(&text));
	ifx_buf_release(&text);
}

static void recover(struct settle *s, const char *dir)
{
	enum ifx_recovery outcome;
	size_t n;
	ifx_status st;

	if (s->look_only) {
		note(s,
		     "is unfinished; if it was interrupted, 'istio-fix recover' with that path "
		     "undoes or finishes it",
		     dir, 0);
		return;
	}
	st = ifx_atomic_recover(dir, &outcome, &n, s->to->complain, s->to->data);
	if (st != IFX_OK)
		s->st = st;
	else if (outcome == IFX_UNDONE)
		note(s, "was interrupted, and is undone (files: %zu)", dir, n);
	else if (outcome == IFX_FINISHED)
		note(s, "was interrupted, and is finished (files: %zu)", dir, n);
	s->changed |= st == IFX_OK && outcome != IFX_NOTHING_TO_DO;
}

static void refuse(struct settle *s, struct ladder *l)
{
	static const char text[] =
		"a run over this directory is unfinished; if it was interrupted, 'istio-fix "
		"recover' with that path undoes or finishes it";

	if (s->look_only) {
		recover(s, l->dir.data);
		return;
	}
	s->to->complain(s->to->data, ifx_buf_str(&l->file), ifx_str_of(text));
	s->st = IFX_EREFUSED;
}

/* From a root of the input up to the home; from the home up to the top. */
static void look_up(struct settle *s, ifx_str from, ifx_str home, bool above)
{
	struct ladder l;

	open_ladder(&l, from);
	while (!l.dir.bad && (!above || climb(&l))) {
		if (has_journal(&l)) {
			if (above)
				refuse(s, &l);
			else
				recover(s, l.dir.data);
		}
		if (!above && (ifx_str_eq(ifx_buf_str(&l.dir), home) || !climb(&l)))
			break;
	}
	close_ladder(&l);
}

static void recover_found(struct settle *s, ifx_str journal)
{
	struct ladder l;

	open_ladder(&l, journal);
	if (climb(&l))
		recover(s, l.dir.data);
	close_ladder(&l);
}

static void settle_journals(struct settle *s, const struct ifx_inputs *inputs, ifx_str home)
{
	for (size_t i = 0; i < inputs->leftovers.n; i++) {
		ifx_str path = inputs->leftovers.items[i];

		if (ifx_str_eq(file_name(path), IFX_LIT(IFX_JOURNAL_NAME)))
			recover_found(s, path);
	}
	/* In look_only mode these would be said twice. */
	for (size_t i = 0; i < inputs->roots.n && !(s->look_only && inputs->leftovers.n); i++)
		look_up(s, inputs->roots.items[i], home, false);
	look_up(s, home, home, true);
}

/* ---- temporary files ---- */

/* A journal here or further up knows what the file is for; perhaps its run is at work. */
static void sweep(const char *path)
{
	struct ladder l;
	struct ifx_buf real;
	int fd;

	ifx_buf_init(&real, IFX_BUF_MAX);
	open_ladder(&l, ifx_str_of(path));
	if (climb(&l) && ifx_path_resolve(&real, l.dir.data) == IFX_OK) {
		ifx_buf_clear(&l.dir);
		ifx_buf_add(&l.dir, ifx_buf_str(&real));
		fd = open(real.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		while (!has_journal(&l) && climb(&l))
			;
		if (fd >= 0 && !has_journal(&l))
			ifx_temp_sweep(fd, file_name(ifx_str_of(path)).ptr);
		if (fd >= 0)
			close(fd);
	}
	close_ladder(&l);
	ifx_buf_release(&real);
}

/* ---- together ---- */

ifx_status ifx_unfinished_settle(const struct ifx_inputs *inputs, ifx_str home,
				 const struct ifx_listener *to, bool *changed)
{
	struct settle s = { .to = to };

	settle_journals(&s, inputs, home);
	for (size_t i = 0; i < inputs->leftovers.n; i++) {
		ifx_str path = inputs->leftovers.items[i];

		if (ifx_is_temp_name(file_name(path).ptr))
			sweep(path.ptr);
	}
	*changed = s.changed;
	return s.st;
}

void ifx_unfinished_mention(const struct ifx_inputs *inputs, ifx_str home,
			    const struct ifx_listener *to)
{
	struct settle s = { .to = to, .look_only = true };

	settle_journals(&s, inputs, home);
}
