/*
 * Writing a phase: the files, all of them or none, and the ledger that leads back.
 */
#include "ambient/apply.h"

#include "ambient/ledger.h"
#include "base/alloc.h"
#include "base/sha256.h"
#include "io/atomic.h"
#include "io/create.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* A ledger while steps are added to it. */
struct book {
	ifx_str root; /* real path of the directory; ptr NULL: not used */
	size_t last;  /* group whose step was added last, from 1 */
	ifx_str path; /* of the ledger; ends in NUL */
	bool exists;
	struct stat st;
	struct ifx_ledger ledger;
};

struct commit {
	struct ifx_apply *a;
	struct ifx_arena *arena;
	ifx_str top;        /* real path */
	struct book *books; /* as many as are used come first */
	size_t *group;      /* by passage: the first of those that share files with it */
	struct ifx_atomic atomic;
	struct ifx_buf err;
	ifx_complain_fn *complain;
	void *data;
	ifx_str *created; /* paths */
	size_t n_created;
};

static ifx_status told(struct commit *c, ifx_status st, ifx_str path)
{
	if (st != IFX_OK) {
		c->complain(c->data, path,
			    st == IFX_ENOMEM ? IFX_LIT("out of memory") : ifx_buf_str(&c->err));
		ifx_buf_clear(&c->err);
	}
	return st;
}

/* ---- groups ---- */

static size_t first_of(struct commit *c, size_t i)
{
	while (c->group[i] != i) {
		c->group[i] = c->group[c->group[i]];
		i = c->group[i];
	}
	return i;
}

static size_t index_of(const struct commit *c, const struct ifx_passage *p)
{
	return (size_t)(p - c->a->passages);
}

static void join(struct commit *c, const struct ifx_rewrite *r)
{
	size_t first = first_of(c, index_of(c, r->wishes[0]->by));

	for (size_t i = 1; i < r->n_wishes; i++) {
		size_t other = first_of(c, index_of(c, r->wishes[i]->by));

		if (other < first) {
			c->group[first] = other;
			first = other;
		} else {
			c->group[other] = first;
		}
	}
}

/* Namespaces whose wish was the same as another's have no part in a rewrite of their own. */
static void join_repeated(struct commit *c)
{
	for (size_t i = 0; i < c->a->changes.n; i++) {
		const struct ifx_wish *w = c->a->changes.wishes[i];
		size_t x, y;

		if (!w->repeats || w->by->held)
			continue;
		x = first_of(c, index_of(c, w->repeats->by));
		y = first_of(c, index_of(c, w->by));
		c->group[x > y ? x : y] = x < y ? x : y;
	}
}

/* ---- paths ---- */

/* A file as seen from a directory; both absolute. */
static ifx_str relative(struct commit *c, ifx_str dir, ifx_str path)
{
	size_t common = 0, at = 0;
	struct ifx_buf out;
	ifx_str copy;

	while (at < dir.len && at < path.len && dir.ptr[at] == path.ptr[at]) {
		at++;
		if (at == dir.len ? at < path.len && path.ptr[at] == '/' : dir.ptr[at] == '/')
			common = at < path.len && path.ptr[at] == '/' ? at : common;
	}
	ifx_buf_init(&out, PATH_MAX * 4);
	for (at = common; at < dir.len; at++)
		if (dir.ptr[at] == '/')
			ifx_buf_add(&out, IFX_LIT("../"));
	ifx_buf_add(&out, ifx_str_sub(path, common + 1, path.len - common - 1));
	copy = out.bad ? IFX_NONE : ifx_arena_copy(c->arena, ifx_buf_str(&out));
	ifx_buf_release(&out);
	return copy;
}

static ifx_str directory_of(ifx_str path)
{
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	return path;
}

/* The real path of a file that is rewritten or made. */
static ifx_str real_path(struct commit *c, const struct ifx_rewrite *r)
{
	ifx_str dir, name;

	if (r->source)
		return r->source->real;
	dir = directory_of(r->beside->source->real);
	name = ifx_str_sub(r->path, directory_of(r->path).len,
			   r->path.len - directory_of(r->path).len);
	return ifx_arena_printf(c->arena, "%.*s%.*s", IFX_ARG(dir), IFX_ARG(name));
}

/* ---- steps ---- */

static ifx_str hash_of(struct commit *c, ifx_str bytes)
{
	char text[IFX_SHA256_TEXT];

	ifx_sha256(text, bytes);
	return ifx_arena_copy(c->arena, ifx_str_of(text));
}

static bool make_file(struct commit *c, const struct ifx_rewrite *r, ifx_str root,
		      struct ifx_ledger_file *out)
{
	struct ifx_ledger_edit *edits =
		ifx_arena_alloc(c->arena, (r->edits.n + 1) * sizeof(*edits));
	ifx_str path = real_path(c, r);

	if (!edits || !path.ptr)
		return false;
	*out = (struct ifx_ledger_file){ .path = relative(c, root, path) };
	out->before = r->source ? hash_of(c, r->source->bytes) : IFX_NONE;
	out->after = r->removed ? IFX_NONE : hash_of(c, r->after);
	if (r->source && r->removed)
		out->text = r->source->bytes;
	for (size_t i = 0; r->source && !r->removed && i < r->edits.n; i++) {
		const struct ifx_edit *e = &r->edits.items[i];

		edits[i] = (struct ifx_ledger_edit){
			(size_t)((long long)e->span.at + e->shift), e->text.len,
			ifx_str_sub(r->source->bytes, e->span.at, e->span.len)
		};
		out->n_edits++;
	}
	out->edits = edits;
	return out->path.ptr && (out->before.ptr || out->after.ptr);
}

static int by_path(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_ledger_file *)a)->path,
			   ((const struct ifx_ledger_file *)b)->path);
}

static int by_name(const void *a, const void *b)
{
	return ifx_str_cmp(*(const ifx_str *)a, *(const ifx_str *)b);
}

/* Members of a group, one list behind the other. */
struct members {
	size_t *next; /* by passage or rewrite, from 1; 0: the last */
	size_t *first;
};

static bool sort_in(struct commit *c, struct members *m, size_t n, size_t groups)
{
	m->next = ifx_arena_alloc(c->arena, (n + 1) * sizeof(*m->next));
	m->first = ifx_arena_alloc(c->arena, (groups + 1) * sizeof(*m->first));
	return m->next && m->first;
}

/* One step of a group, as seen from one environment. */
static bool add_step(struct commit *c, struct book *book, size_t group, const struct members *files,
		     const struct members *passages)
{
	struct ifx_ledger_step step = { .phase = ifx_str_of(ifx_step_name(c->a->step)) };
	ifx_str *names;
	size_t n = 0, m = 0;

	for (size_t i = files->first[group]; i; i = files->next[i - 1])
		n++;
	for (size_t i = passages->first[group]; i; i = passages->next[i - 1])
		m++;
	step.files = ifx_arena_alloc(c->arena, n * sizeof(*step.files));
	names = ifx_arena_alloc(c->arena, m * sizeof(*names));
	if (!step.files || !names)
		return false;
	for (size_t i = files->first[group]; i; i = files->next[i - 1])
		if (!make_file(c, &c->a->changes.rewrites[i - 1], book->root,
			       &step.files[step.n_files++]))
			return false;
	for (size_t i = passages->first[group]; i; i = passages->next[i - 1])
		names[step.n_namespaces++] = c->a->passages[i - 1].ns->name;
	qsort(step.files, n, sizeof(*step.files), by_path);
	qsort(names, m, sizeof(*names), by_name);
	/* The same namespace of two environments is named once. */
	m = 0;
	for (size_t i = 0; i < step.n_namespaces; i++)
		if (!m || !ifx_str_eq(names[m - 1], names[i]))
			names[m++] = names[i];
	step.n_namespaces = m;
	step.namespaces = names;
	return ifx_ledger_add(&book->ledger, step);
}

/* A ledger lies below the given path, wherever the environment begins. */
static ifx_str root_of(const struct commit *c, const struct ifx_environment *e)
{
	bool below = ifx_str_starts(e->root, c->top) &&
		     (e->root.len == c->top.len || e->root.ptr[c->top.len] == '/');

	return below ? e->root : c->top;
}

/* Environments with the same root share one. */
static struct book *book_of(struct commit *c, const struct ifx_environment *e)
{
	ifx_str root = root_of(c, e);
	size_t i = 0;

	while (c->books[i].root.ptr && !ifx_str_eq(c->books[i].root, root))
		i++;
	c->books[i].root = root;
	return &c->books[i];
}

static ifx_status open_book(struct commit *c, struct book *book)
{
	struct ifx_buf bytes;
	ifx_status st;

	if (book->path.ptr)
		return IFX_OK;
	book->path = ifx_arena_printf(c->arena, "%.*s/" IFX_LEDGER_NAME, IFX_ARG(book->root));
	if (!book->path.ptr)
		return IFX_ENOMEM;
	if (access(book->path.ptr, F_OK) && errno == ENOENT)
		return IFX_OK;
	ifx_buf_init(&bytes, IFX_LEDGER_MAX);
	st = ifx_file_read(&bytes, book->path.ptr, &book->st, &c->err);
	if (st == IFX_OK)
		st = ifx_ledger_read(&book->ledger, ifx_buf_str(&bytes), c->arena, &c->err);
	ifx_buf_release(&bytes);
	book->exists = st == IFX_OK;
	return told(c, st, book->path);
}

/* Steps of all groups, in the ledgers of all environments that they touch. */
static ifx_status write_steps(struct commit *c)
{
	struct book **books = ifx_arena_alloc(c->arena, (c->a->n + 1) * sizeof(*books));
	struct members files, passages;
	ifx_status st = IFX_OK;

	if (!books || !sort_in(c, &files, c->a->changes.n_rewrites, c->a->n) ||
	    !sort_in(c, &passages, c->a->n, c->a->n))
		return IFX_ENOMEM;
	for (size_t i = c->a->changes.n_rewrites; i-- > 0;) {
		size_t g = first_of(c, index_of(c, c->a->changes.rewrites[i].wishes[0]->by));

		files.next[i] = files.first[g];
		files.first[g] = i + 1;
	}
	for (size_t i = c->a->n; i-- > 0;) {
		const struct ifx_environment *e = c->a->passages[i].ns->environment;
		size_t g = first_of(c, i);

		/* Passages are sorted by environment. */
		books[i] = i + 1 < c->a->n && c->a->passages[i + 1].ns->environment == e
				   ? books[i + 1]
				   : book_of(c, e);

		if (c->a->passages[i].held || !c->a->passages[i].n_wishes)
			continue;
		passages.next[i] = passages.first[g];
		passages.first[g] = i + 1;
	}
	for (size_t g = 0; g < c->a->n && st == IFX_OK; g++) {
		if (!files.first[g])
			continue;
		for (size_t i = passages.first[g]; i && st == IFX_OK; i = passages.next[i - 1]) {
			struct book *book = books[i - 1];

			if (book->last == g + 1)
				continue;
			book->last = g + 1;
			st = open_book(c, book);
			if (st == IFX_OK && !add_step(c, book, g, &files, &passages))
				st = IFX_ENOMEM;
		}
	}
	return st;
}

/* ---- the disk ---- */

static ifx_status create(struct commit *c, ifx_str path, ifx_str bytes)
{
	ifx_status st = ifx_file_create(path.ptr, bytes, &c->err);

	if (st == IFX_OK)
		c->created[c->n_created++] = path;
	return told(c, st, path);
}

static ifx_status stage_rewrite(struct commit *c, const struct ifx_rewrite *r)
{
	if (!r->source)
		return create(c, r->path, r->after);
	if (r->removed)
		return IFX_OK;
	return told(c,
		    ifx_atomic_stage(&c->atomic, r->source->real.ptr, &r->source->st, r->after,
				     &c->err),
		    r->path);
}

static ifx_status stage_book(struct commit *c, struct book *book)
{
	ifx_str dir = directory_of(book->path);
	struct ifx_buf text;
	ifx_status st;

	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_ledger_write(&text, &book->ledger);
	dir = ifx_arena_printf(c->arena, "%.*s", (int)dir.len - 1, dir.ptr);
	st = text.bad || !dir.ptr ? IFX_ENOMEM : IFX_OK;
	if (st == IFX_OK && book->exists)
		st = told(c,
			  ifx_atomic_stage(&c->atomic, book->path.ptr, &book->st,
					   ifx_buf_str(&text), &c->err),
			  book->path);
	else if (st == IFX_OK)
		st = told(c, ifx_directory_make(dir.ptr, &c->err), dir);
	if (st == IFX_OK && !book->exists)
		st = create(c, book->path, ifx_buf_str(&text));
	ifx_buf_release(&text);
	return st;
}

static void uncreate(struct commit *c)
{
	while (c->n_created) {
		const char *path = c->created[--c->n_created].ptr;

		unlink(path);
	}
	for (size_t i = 0; i < c->a->estate->n_environments; i++) {
		ifx_str dir = directory_of(c->books[i].path);

		if (dir.len && !c->books[i].exists) {
			dir = ifx_arena_printf(c->arena, "%.*s", (int)dir.len - 1, dir.ptr);
			if (dir.ptr)
				rmdir(dir.ptr);
		}
	}
}

static ifx_status write_all(struct commit *c)
{
	struct ifx_changes *changes = &c->a->changes;
	ifx_status st = IFX_OK;

	for (size_t i = 0; i < changes->n_rewrites && st == IFX_OK; i++)
		st = stage_rewrite(c, &changes->rewrites[i]);
	for (size_t i = 0; i < c->a->estate->n_environments && st == IFX_OK; i++)
		if (c->books[i].ledger.n)
			st = stage_book(c, &c->books[i]);
	if (st == IFX_OK) {
		st = ifx_atomic_commit(&c->atomic, c->complain, c->data);
	} else {
		ifx_status undone = ifx_atomic_undo(&c->atomic, c->complain, c->data);

		st = undone == IFX_OK ? st : undone;
	}
	if (st != IFX_OK) {
		uncreate(c);
		return st;
	}
	for (size_t i = 0; i < changes->n_rewrites; i++) {
		const struct ifx_rewrite *r = &changes->rewrites[i];
		ifx_status removed = IFX_OK;

		if (r->removed)
			removed = told(
				c, ifx_file_remove(r->source->real.ptr, &r->source->st, &c->err),
				r->path);
		st = removed == IFX_OK ? st : removed;
	}
	return st;
}

ifx_status ifx_apply_commit(struct ifx_apply *a, ifx_str home, ifx_str top,
			    ifx_complain_fn *complain, void *data)
{
	struct commit c = {
		.a = a, .arena = &a->changes.arena, .complain = complain, .data = data
	};
	size_t room = a->changes.n_rewrites + a->estate->n_environments + 1;
	ifx_status st = IFX_OK;

	if (!a->changes.n_rewrites)
		return IFX_OK;
	ifx_buf_init(&c.err, 1 << 16);
	c.top = top;
	c.books = ifx_arena_alloc(c.arena, (a->estate->n_environments + 1) * sizeof(*c.books));
	c.group = ifx_arena_alloc(c.arena, (a->n + 1) * sizeof(*c.group));
	c.created = ifx_arena_alloc(c.arena, room * sizeof(*c.created));
	if (!c.books || !c.group || !c.created)
		return told(&c, IFX_ENOMEM, top);
	for (size_t i = 0; i < a->n; i++)
		c.group[i] = i;
	for (size_t i = 0; i < a->changes.n_rewrites; i++)
		join(&c, &a->changes.rewrites[i]);
	join_repeated(&c);
	ifx_atomic_init(&c.atomic, home, IFX_NONE);
	st = write_steps(&c);
	if (st == IFX_OK)
		st = write_all(&c);
	else if (st == IFX_ENOMEM)
		told(&c, st, top);
	ifx_atomic_close(&c.atomic);
	for (size_t i = 0; i < a->estate->n_environments; i++)
		ifx_ledger_release(&c.books[i].ledger);
	ifx_buf_release(&c.err);
	return st;
}
