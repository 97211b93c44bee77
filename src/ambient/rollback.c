#include "ambient/rollback.h"

#include "base/alloc.h"
#include "base/sha256.h"
#include "io/atomic.h"
#include "io/create.h"
#include "io/diff.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define ROLLBACK_MEMORY_MAX ((size_t)8 << 30)

/* ---- paths ---- */

static ifx_str directory_of(ifx_str path)
{
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	return path;
}

static bool is_manifest(ifx_str path)
{
	return ifx_str_ends(path, IFX_LIT(".yaml")) || ifx_str_ends(path, IFX_LIT(".yml")) ||
	       ifx_str_ends(path, IFX_LIT(".json"));
}

/* root + "/" + path without `.` and `..`; ptr NULL: it leads out of the file system's top. */
static ifx_str normal(struct ifx_rollback *r, ifx_str root, ifx_str path)
{
	struct ifx_buf out;
	ifx_str step, copy = IFX_NONE;
	bool ok = path.len && path.ptr[0] != '/';

	ifx_buf_init(&out, PATH_MAX);
	ifx_buf_add(&out, root);
	while (ok && ifx_str_split(&path, '/', &step)) {
		if (!step.len || ifx_str_eq(step, IFX_LIT(".")))
			continue;
		if (!ifx_str_eq(step, IFX_LIT(".."))) {
			ifx_buf_addc(&out, '/');
			ifx_buf_add(&out, step);
			continue;
		}
		while (out.len && out.data[out.len - 1] != '/')
			out.len--;
		ok = out.len > 0;
		out.len -= ok;
	}
	if (ok && !out.bad)
		copy = ifx_arena_copy(&r->arena, ifx_buf_str(&out));
	ifx_buf_release(&out);
	return copy;
}

static int by_real(const void *a, const void *b)
{
	return ifx_str_cmp(((const struct ifx_return *)a)->real,
			   ((const struct ifx_return *)b)->real);
}

/* A file of the input, or one that was added; NULL: neither. */
static struct ifx_return *find_file(struct ifx_rollback *r, ifx_str real)
{
	struct ifx_return key = { .real = real }, *found = NULL;

	if (r->n_inputs)
		found = bsearch(&key, r->files, r->n_inputs, sizeof(key), by_real);
	for (size_t i = r->n_inputs; !found && i < r->n_files; i++)
		if (ifx_str_eq(r->files[i].real, real))
			found = &r->files[i];
	return found;
}

static bool is_below(ifx_str dir, ifx_str top)
{
	return ifx_str_starts(dir, top) &&
	       (dir.len == top.len || dir.ptr[top.len] == '/' || top.len == 1);
}

/* A directory without links on the way; or one that is gone, in such a directory. */
static bool is_real_directory(struct ifx_rollback *r, ifx_str dir)
{
	struct stat st;

	while (dir.len > 1) {
		ifx_str copy = ifx_arena_copy(&r->arena, dir);
		struct ifx_buf real;
		bool same;

		if (!copy.ptr)
			return false;
		if (lstat(copy.ptr, &st) && errno == ENOENT) {
			dir = directory_of(dir);
			dir.len--;
			continue;
		}
		ifx_buf_init(&real, PATH_MAX);
		same = ifx_path_resolve(&real, copy.ptr) == IFX_OK &&
		       ifx_str_eq(ifx_buf_str(&real), dir);
		ifx_buf_release(&real);
		return same;
	}
	return false;
}

/* Would the walk go there? Not into hidden directories, where git and CI keep theirs. */
static bool is_walked(const struct ifx_rollback *r, ifx_str dir)
{
	bool inside = false;

	for (size_t i = 0; i < r->n_tops && !inside; i++) {
		ifx_str top = r->tops[i], rest, step;

		inside = is_below(dir, top);
		rest = ifx_str_sub(dir, top.len, inside ? dir.len - top.len : 0);
		while (inside && ifx_str_split(&rest, '/', &step))
			inside = !ifx_str_starts(step, IFX_LIT("."));
	}
	return inside;
}

/*
 * A file that a phase removed may come back where a file of the input could be, and nowhere else;
 * git keeps no empty directory, so its own may be gone as well.
 */
static struct ifx_return *add_missing(struct ifx_rollback *r, ifx_str real)
{
	ifx_str dir = directory_of(real);
	struct ifx_return *list;
	struct stat st;

	dir.len -= dir.len > 1;
	if (!is_walked(r, dir) || !is_manifest(real) || !is_real_directory(r, dir) ||
	    !lstat(real.ptr, &st) || errno != ENOENT)
		return NULL;
	list = ifx_grow(r->files, &r->cap_files, r->n_files + 1, sizeof(*list));
	if (!list)
		return NULL;
	r->files = list;
	list[r->n_files] = (struct ifx_return){ .real = real, .path = real };
	return &list[r->n_files++];
}

/* ---- one step ---- */

static bool has_hash(ifx_str bytes, ifx_str hash)
{
	char text[IFX_SHA256_TEXT];

	ifx_sha256(text, bytes);
	return ifx_str_eq(ifx_str_of(text), hash);
}

static bool load(struct ifx_rollback *r, struct ifx_return *f)
{
	struct ifx_buf bytes, why;
	ifx_status st;

	if (f->disk.ptr || f->now.ptr || !f->path.ptr)
		return true;
	ifx_buf_init(&bytes, IFX_FILE_MAX);
	ifx_buf_init(&why, 4096);
	st = ifx_file_read(&bytes, f->real.ptr, &f->st, &why);
	if (st == IFX_OK)
		f->disk = f->now = ifx_arena_copy(&r->arena, ifx_buf_str(&bytes));
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	return f->now.ptr;
}

/* The bytes before; false: they cannot be had. *none: there was no file. */
static bool restore(struct ifx_rollback *r, const struct ifx_ledger_file *file,
		    struct ifx_return *f, ifx_str *before, bool *none)
{
	struct ifx_buf text;
	ifx_status st;

	*none = !file->before.ptr;
	*before = IFX_NONE;
	if (!file->after.ptr) {
		*before = file->text;
		return !f->now.ptr && file->text.ptr && has_hash(file->text, file->before);
	}
	if (!f->now.ptr && !load(r, f))
		return false;
	if (*none)
		return has_hash(f->now, file->after);
	ifx_buf_init(&text, IFX_FILE_MAX);
	st = ifx_ledger_restore(file, f->now, &text);
	if (st == IFX_OK)
		*before = ifx_arena_copy(&r->arena, ifx_buf_str(&text));
	ifx_buf_release(&text);
	return before->ptr;
}

/* The inverse of what the phase did, as edits of what is on the disk. */
static bool add_edits(struct ifx_rollback *r, const struct ifx_ledger_file *file,
		      struct ifx_return *f)
{
	struct ifx_edits back, all;
	ifx_status st = IFX_OK;

	ifx_edits_init(&back);
	for (size_t i = 0; i < file->n_edits && st == IFX_OK; i++)
		st = ifx_edits_push(&back, &r->arena,
				    (ifx_span){ file->edits[i].at, file->edits[i].length },
				    file->edits[i].text);
	if (st == IFX_OK)
		st = ifx_edits_compose(&all, &f->edits, &back, f->disk, &r->arena);
	ifx_edits_release(&back);
	if (st != IFX_OK)
		return false;
	ifx_edits_release(&f->edits);
	f->edits = all;
	return true;
}

static void refuse(struct ifx_rollback *r, const struct ifx_ledger_step *step, ifx_str path,
		   ifx_str why)
{
	ifx_buf_addf(&r->refused, "%.*s: error: %.*s; %.*s of namespace", IFX_ARG(path),
		     IFX_ARG(why), IFX_ARG(step->phase));
	for (size_t i = 0; i < step->n_namespaces; i++)
		ifx_buf_addf(&r->refused, "%s '%.*s'", i ? "," : "", IFX_ARG(step->namespaces[i]));
	ifx_buf_add(&r->refused, IFX_LIT(" is not taken back\n"));
}

/* A later step that changed one of the files: it has to go back first. */
static const struct ifx_ledger_step *later_step(const struct ifx_ledger *ledger, size_t index,
						ifx_str path)
{
	for (size_t i = ledger->n; i-- > index + 1;)
		for (size_t k = 0; k < ledger->steps[i].n_files; k++)
			if (ifx_str_eq(ledger->steps[i].files[k].path, path))
				return &ledger->steps[i];
	return NULL;
}

static void refuse_changed(struct ifx_rollback *r, const struct ifx_rollback_book *book,
			   size_t index, const struct ifx_ledger_file *file, ifx_str path)
{
	const struct ifx_ledger_step *step = &book->ledger.steps[index], *later;
	struct ifx_buf why;

	ifx_buf_init(&why, 4096);
	later = later_step(&book->ledger, index, file->path);
	if (later)
		ifx_buf_addf(&why, "%.*s was done after it; take that back first",
			     IFX_ARG(later->phase));
	else
		ifx_buf_add(&why, IFX_LIT("it has changed since; version control has the state "
					  "before"));
	refuse(r, step, path, ifx_buf_str(&why));
	ifx_buf_release(&why);
}

/* What a step does to one file. */
struct undo {
	size_t file; /* index in r->files */
	ifx_str before;
	bool none;
};

static bool look_at_file(struct ifx_rollback *r, struct ifx_rollback_book *book, size_t index,
			 const struct ifx_ledger_file *file, struct undo *out)
{
	const struct ifx_ledger_step *step = &book->ledger.steps[index];
	ifx_str real = normal(r, book->root, file->path);
	struct ifx_return *f = real.ptr ? find_file(r, real) : NULL;

	if (!f && real.ptr && !file->after.ptr)
		f = add_missing(r, real);
	if (!f) {
		refuse(r, step, file->path,
		       file->after.ptr
			       ? IFX_LIT("it is none of the files that were given, or it is gone")
			       : IFX_LIT("it cannot be put back there"));
		return false;
	}
	if (!restore(r, file, f, &out->before, &out->none)) {
		refuse_changed(r, book, index, file, f->path);
		return false;
	}
	out->file = (size_t)(f - r->files);
	return true;
}

static ifx_status take_back(struct ifx_rollback *r, struct ifx_rollback_book *book, size_t index)
{
	const struct ifx_ledger_step *step = &book->ledger.steps[index];
	struct undo *list = ifx_arena_alloc(&r->arena, (step->n_files + 1) * sizeof(*list));
	bool ok = true;

	if (!list)
		return IFX_ENOMEM;
	/* All files that do not fit are told; nothing changes before all of them fit. */
	for (size_t i = 0; i < step->n_files; i++)
		ok &= look_at_file(r, book, index, &step->files[i], &list[i]);
	if (!ok) {
		r->n_refused++;
		return IFX_OK;
	}
	for (size_t i = 0; i < step->n_files; i++) {
		struct ifx_return *f = &r->files[list[i].file];

		if (!list[i].none && step->files[i].after.ptr && !add_edits(r, &step->files[i], f))
			return IFX_ENOMEM;
		f->now = list[i].none ? IFX_NONE : list[i].before;
	}
	for (size_t i = 0; i < step->n_namespaces; i++)
		ifx_buf_addf(&r->text, "%.*s: %.*s taken back [%.*s]\n", IFX_ARG(book->path),
			     IFX_ARG(step->phase), IFX_ARG(step->namespaces[i]));
	r->n_done++;
	return IFX_OK;
}

/* ---- all steps ---- */

static bool is_named(ifx_str name, const ifx_str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ifx_str_eq(names[i], name))
			return true;
	return !n;
}

/* All namespaces of a step go back, or none. */
static bool is_wanted(struct ifx_rollback *r, const struct ifx_rollback_book *book,
		      const struct ifx_ledger_step *step, const ifx_str *names, size_t n)
{
	ifx_str other = IFX_NONE;
	bool any = false;

	for (size_t i = 0; i < step->n_namespaces; i++) {
		if (is_named(step->namespaces[i], names, n))
			any = true;
		else
			other = step->namespaces[i];
	}
	if (!any || !other.ptr)
		return any;
	ifx_buf_addf(&r->refused,
		     "%.*s: error: namespace '%.*s' shares files with it; take both back\n",
		     IFX_ARG(book->path), IFX_ARG(other));
	r->n_refused++;
	return false;
}

/* The same step, told from another root: the same files, not only files of the same name and bytes.
 */
static bool is_told_there(struct ifx_rollback *r, const struct ifx_rollback_book *here,
			  const struct ifx_ledger_step *step, const struct ifx_rollback_book *there,
			  const struct ifx_ledger_step *other)
{
	bool same = ifx_ledger_same(step, other);

	for (size_t i = 0; same && i < step->n_files; i++) {
		ifx_str path = normal(r, here->root, step->files[i].path);

		same = false;
		for (size_t k = 0; path.ptr && !same && k < other->n_files; k++)
			same = ifx_str_eq(path, normal(r, there->root, other->files[k].path));
	}
	return same;
}

/* The step is told in the ledgers of all environments that it touched. */
static void forget(struct ifx_rollback *r, struct ifx_rollback_book *book, size_t index)
{
	struct ifx_ledger_step step = book->ledger.steps[index];

	for (size_t b = 0; b < r->n_books; b++) {
		struct ifx_ledger *ledger = &r->books[b].ledger;

		for (size_t i = ledger->n; i-- > 0;)
			if (&r->books[b] == book ? i == index
						 : is_told_there(r, book, &step, &r->books[b],
								 &ledger->steps[i])) {
				ifx_ledger_remove(ledger, i);
				r->books[b].changed = true;
				break;
			}
	}
}

static ifx_status take_all_back(struct ifx_rollback *r, struct ifx_rollback_book *book,
				ifx_step step, const ifx_str *names, size_t n)
{
	ifx_str phase = ifx_str_of(ifx_step_name(step));
	ifx_status st = IFX_OK;

	for (size_t i = book->ledger.n; i-- > 0 && st == IFX_OK;) {
		size_t done = r->n_done;

		if (!ifx_str_eq(book->ledger.steps[i].phase, phase) ||
		    !is_wanted(r, book, &book->ledger.steps[i], names, n))
			continue;
		st = take_back(r, book, i);
		if (st == IFX_OK && r->n_done > done)
			forget(r, book, i);
	}
	return st;
}

static bool add_book(struct ifx_rollback *r, struct ifx_rollback_book book)
{
	struct ifx_rollback_book *list =
		ifx_grow(r->books, &r->cap_books, r->n_books + 1, sizeof(*list));

	if (!list)
		return false;
	r->books = list;
	list[r->n_books++] = book;
	return true;
}

static ifx_status open_book(struct ifx_rollback *r, ifx_str root, ifx_complain_fn *complain,
			    void *data)
{
	struct ifx_rollback_book book = { .root = root };
	struct ifx_buf bytes, why;
	ifx_status st;
	ifx_str dir;
	struct stat now;

	for (size_t i = 0; i < r->n_books; i++)
		if (ifx_str_eq(r->books[i].root, root))
			return IFX_OK;
	dir = ifx_arena_printf(&r->arena, "%.*s/" IFX_LEDGER_DIR, IFX_ARG(root));
	book.path = ifx_arena_printf(&r->arena, "%.*s/" IFX_LEDGER_NAME, IFX_ARG(root));
	if (!dir.ptr || !book.path.ptr)
		return IFX_ENOMEM;
	if (lstat(book.path.ptr, &now) && (errno == ENOENT || errno == ENOTDIR))
		return IFX_OK;
	ifx_buf_init(&bytes, IFX_LEDGER_MAX);
	ifx_buf_init(&why, 1 << 16);
	if (!S_ISREG(now.st_mode) || lstat(dir.ptr, &now) || !S_ISDIR(now.st_mode)) {
		ifx_buf_add(&why, IFX_LIT("is, or lies behind, a link"));
		st = IFX_EREFUSED;
	} else {
		st = ifx_file_read(&bytes, book.path.ptr, &book.st, &why);
	}
	if (st == IFX_OK)
		st = ifx_ledger_read(&book.ledger, ifx_buf_str(&bytes), &r->arena, &why);
	if (st == IFX_OK && !add_book(r, book))
		st = IFX_ENOMEM;
	else if (st != IFX_OK && st != IFX_ENOMEM)
		complain(data, book.path, ifx_buf_str(&why));
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	return st == IFX_OK || st == IFX_ENOMEM ? st : IFX_EIO;
}

static ifx_str real_of(struct ifx_rollback *r, const char *path)
{
	struct ifx_buf out;
	ifx_str copy = IFX_NONE;

	ifx_buf_init(&out, PATH_MAX);
	if (ifx_path_resolve(&out, path) == IFX_OK)
		copy = ifx_arena_copy(&r->arena, ifx_buf_str(&out));
	ifx_buf_release(&out);
	return copy;
}

static bool read_inputs(struct ifx_rollback *r)
{
	r->files = ifx_grow(NULL, &r->cap_files, r->inputs->n + 1, sizeof(*r->files));
	if (!r->files)
		return false;
	for (size_t i = 0; i < r->inputs->n; i++) {
		ifx_str real = real_of(r, r->inputs->items[i].path.ptr);

		if (real.ptr)
			r->files[r->n_inputs++] =
				(struct ifx_return){ .real = real,
						     .path = r->inputs->items[i].path };
	}
	qsort(r->files, r->n_inputs, sizeof(*r->files), by_real);
	r->n_files = r->n_inputs;
	return true;
}

/* The directory of a path of the command line. */
static ifx_str top_of(struct ifx_rollback *r, const char *path)
{
	ifx_str real = real_of(r, path);
	struct stat st;

	if (!real.ptr || stat(real.ptr, &st) || S_ISDIR(st.st_mode))
		return real;
	real = directory_of(real);
	return ifx_arena_printf(&r->arena, "%.*s", (int)(real.len > 1 ? real.len - 1 : 1),
				real.ptr);
}

/* Ledgers of all directories from a file's one up to the top that it lies below. */
static ifx_status open_up(struct ifx_rollback *r, size_t file, ifx_complain_fn *complain,
			  void *data)
{
	ifx_str dir = directory_of(r->files[file].real);
	ifx_str last = file ? directory_of(r->files[file - 1].real) : IFX_NONE;
	ifx_status st = IFX_OK;
	bool inside = false;

	for (;; dir = directory_of(ifx_str_sub(dir, 0, dir.len - 1))) {
		ifx_str root = { dir.ptr, dir.len > 1 ? dir.len - 1 : dir.len };
		ifx_status opened;

		/* What the file before lies below was looked at. */
		if (dir.len < 2 || (last.ptr && ifx_str_starts(last, dir)))
			return st;
		inside = false;
		for (size_t i = 0; i < r->n_tops && !inside; i++)
			inside = is_below(root, r->tops[i]);
		if (!inside)
			return st;
		opened = open_book(r, root, complain, data);
		if (opened == IFX_ENOMEM)
			return opened;
		st = opened != IFX_OK ? opened : st;
	}
}

static ifx_status open_books(struct ifx_rollback *r, char *const *tops, size_t n_tops,
			     ifx_complain_fn *complain, void *data)
{
	ifx_status st = IFX_OK, opened;

	r->tops = ifx_arena_alloc(&r->arena, (n_tops + 1) * sizeof(*r->tops));
	if (!r->tops)
		return IFX_ENOMEM;
	for (size_t i = 0; i < n_tops && st != IFX_ENOMEM; i++) {
		ifx_str top = top_of(r, tops[i]);

		if (!top.ptr)
			continue;
		r->tops[r->n_tops++] = top;
		opened = open_book(r, top, complain, data);
		st = opened != IFX_OK ? opened : st;
	}
	for (size_t i = 0; i < r->n_inputs && st != IFX_ENOMEM; i++) {
		opened = open_up(r, i, complain, data);
		st = opened != IFX_OK ? opened : st;
	}
	return st;
}

ifx_status ifx_rollback_make(struct ifx_rollback *r, const struct ifx_inputs *inputs,
			     char *const *tops, size_t n_tops, ifx_step step, const ifx_str *names,
			     size_t n, ifx_complain_fn *complain, void *data)
{
	ifx_status st, opened;

	*r = (struct ifx_rollback){ .inputs = inputs };
	ifx_arena_init(&r->arena, ROLLBACK_MEMORY_MAX);
	ifx_buf_init(&r->text, IFX_BUF_MAX);
	ifx_buf_init(&r->refused, IFX_BUF_MAX);
	if (!read_inputs(r))
		return IFX_ENOMEM;
	opened = open_books(r, tops, n_tops, complain, data);
	st = opened == IFX_ENOMEM ? opened : IFX_OK;
	for (size_t i = 0; i < r->n_books && st == IFX_OK; i++)
		st = take_all_back(r, &r->books[i], step, names, n);
	return st == IFX_OK ? opened : st;
}

void ifx_rollback_release(struct ifx_rollback *r)
{
	for (size_t i = 0; i < r->n_files; i++)
		ifx_edits_release(&r->files[i].edits);
	for (size_t i = 0; i < r->n_books; i++)
		ifx_ledger_release(&r->books[i].ledger);
	ifx_free(r->files);
	ifx_free(r->books);
	ifx_buf_release(&r->text);
	ifx_buf_release(&r->refused);
	ifx_arena_release(&r->arena);
}

/* ---- showing and writing ---- */

static bool is_changed(const struct ifx_return *f)
{
	return !f->disk.ptr != !f->now.ptr || (f->now.ptr && !ifx_str_eq(f->disk, f->now));
}

void ifx_rollback_diff(struct ifx_buf *out, const struct ifx_rollback *r)
{
	for (size_t i = 0; i < r->n_files; i++) {
		const struct ifx_return *f = &r->files[i];

		if (!is_changed(f))
			continue;
		if (!f->disk.ptr)
			ifx_diff_created(out, f->path, f->now);
		else if (!f->now.ptr)
			ifx_diff_removed(out, f->path, f->disk);
		else
			ifx_diff(out, f->path, f->disk, &f->edits, 3);
	}
}

void ifx_rollback_list(struct ifx_buf *out, const struct ifx_rollback *r)
{
	for (size_t i = 0; i < r->n_files; i++)
		if (is_changed(&r->files[i]))
			ifx_buf_addf(out, "%.*s\n", IFX_ARG(r->files[i].path));
}

struct writing {
	struct ifx_rollback *r;
	struct ifx_atomic atomic;
	struct ifx_buf err;
	ifx_complain_fn *complain;
	void *data;
};

static ifx_status told(struct writing *w, ifx_status st, ifx_str path)
{
	if (st != IFX_OK) {
		w->complain(w->data, path,
			    st == IFX_ENOMEM ? IFX_LIT("out of memory") : ifx_buf_str(&w->err));
		ifx_buf_clear(&w->err);
	}
	return st;
}

/* The directories of a file that are not there. */
static ifx_status make_directories(ifx_str path, struct ifx_buf *err)
{
	ifx_status st = IFX_OK;
	struct stat found;

	for (size_t i = 1; i < path.len && st == IFX_OK; i++) {
		struct ifx_buf dir;

		if (path.ptr[i] != '/')
			continue;
		ifx_buf_init(&dir, PATH_MAX);
		ifx_buf_add(&dir, ifx_str_sub(path, 0, i));
		ifx_buf_addc(&dir, '\0');
		if (dir.bad)
			st = IFX_ENOMEM;
		else if (lstat(dir.data, &found))
			st = ifx_directory_make(dir.data, err);
		ifx_buf_release(&dir);
	}
	return st;
}

static ifx_status stage(struct writing *w, struct ifx_return *f)
{
	if (!is_changed(f) || !f->now.ptr)
		return IFX_OK;
	if (!f->disk.ptr && make_directories(f->real, &w->err) != IFX_OK)
		return told(w, IFX_EIO, f->path);
	if (!f->disk.ptr)
		return told(w, ifx_file_create(f->real.ptr, f->now, &w->err), f->path);
	return told(w, ifx_atomic_stage(&w->atomic, f->real.ptr, &f->st, f->now, &w->err), f->path);
}

static ifx_status stage_book(struct writing *w, struct ifx_rollback_book *book)
{
	struct ifx_buf text;
	ifx_status st;

	if (!book->changed || !book->ledger.n)
		return IFX_OK;
	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_ledger_write(&text, &book->ledger);
	st = text.bad ? IFX_ENOMEM
		      : ifx_atomic_stage(&w->atomic, book->path.ptr, &book->st, ifx_buf_str(&text),
					 &w->err);
	ifx_buf_release(&text);
	return told(w, st, book->path);
}

/* Behind the point where all files are written: what is not needed any more goes. */
static ifx_status sweep(struct writing *w)
{
	ifx_status st = IFX_OK, one;

	for (size_t i = 0; i < w->r->n_files; i++) {
		struct ifx_return *f = &w->r->files[i];

		if (!f->disk.ptr || f->now.ptr)
			continue;
		one = told(w, ifx_file_remove(f->real.ptr, &f->st, &w->err), f->path);
		st = one == IFX_OK ? st : one;
	}
	for (size_t i = 0; i < w->r->n_books; i++) {
		struct ifx_rollback_book *book = &w->r->books[i];
		ifx_str dir = directory_of(book->path);

		if (!book->changed || book->ledger.n)
			continue;
		one = told(w, ifx_file_remove(book->path.ptr, &book->st, &w->err), book->path);
		st = one == IFX_OK ? st : one;
		dir = ifx_arena_printf(&w->r->arena, "%.*s", (int)dir.len - 1, dir.ptr);
		/* It stays where something else is in it. */
		if (dir.ptr)
			rmdir(dir.ptr);
	}
	return st;
}

ifx_status ifx_rollback_commit(struct ifx_rollback *r, ifx_str home, ifx_complain_fn *complain,
			       void *data)
{
	struct writing w = { .r = r, .complain = complain, .data = data };
	ifx_status st = IFX_OK;

	ifx_buf_init(&w.err, 1 << 16);
	ifx_atomic_init(&w.atomic, home, IFX_NONE);
	for (size_t i = 0; i < r->n_files && st == IFX_OK; i++)
		st = stage(&w, &r->files[i]);
	for (size_t i = 0; i < r->n_books && st == IFX_OK; i++)
		st = stage_book(&w, &r->books[i]);
	if (st == IFX_OK) {
		st = ifx_atomic_commit(&w.atomic, complain, data);
	} else {
		ifx_status undone = ifx_atomic_undo(&w.atomic, complain, data);

		st = undone == IFX_OK ? st : undone;
	}
	if (st == IFX_OK)
		st = sweep(&w);
	ifx_atomic_close(&w.atomic);
	ifx_buf_release(&w.err);
	return st;
}
