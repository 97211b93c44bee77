#include "baseline.h"

#include "base/alloc.h"
#include "io/files.h"
#include "io/inplace.h"
#include "say.h"
#include "yaml/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/** Memory for all entries. Bytes. */
#define BASELINE_MEMORY_MAX ((size_t)1 << 30)

void ifx_baseline_release(struct ifx_baseline *b)
{
	ifx_free(b->entries);
	ifx_map_release(&b->exact);
	ifx_map_release(&b->paths);
	ifx_map_release(&b->alike);
	ifx_arena_release(&b->arena);
	*b = (struct ifx_baseline){ 0 };
}

/* Always false. line: 0 for the whole file. */
static bool wrong(const struct ifx_baseline *b, size_t line, struct ifx_buf *err,
		  const char *message)
{
	struct ifx_buf where;

	ifx_buf_init(&where, 1 << 16);
	ifx_buf_add(&where, b->file);
	if (line)
		ifx_buf_addf(&where, ":%zu:1", line);
	ifx_say_file_error(err, ifx_buf_str(&where), ifx_str_of(message), "baseline");
	ifx_buf_release(&where);
	return false;
}

static bool begin(struct ifx_baseline *b, ifx_str file, struct ifx_buf *err)
{
	struct ifx_buf real;
	ifx_str dir;
	ifx_status st;

	*b = (struct ifx_baseline){ 0 };
	ifx_arena_init(&b->arena, BASELINE_MEMORY_MAX);
	ifx_buf_init(&real, 1 << 16);
	b->file = ifx_arena_copy(&b->arena, file);
	dir = ifx_arena_copy(&b->arena, ifx_dir_of(file));
	st = b->file.ptr && dir.ptr ? ifx_path_resolve(&real, dir.ptr) : IFX_ENOMEM;
	b->dir = ifx_arena_copy(&b->arena, ifx_buf_str(&real));
	ifx_buf_release(&real);
	if (st == IFX_EIO)
		return wrong(b, 0, err, "there is no such directory");
	return (st == IFX_OK && b->dir.ptr) || wrong(b, 0, err, "out of memory");
}

/* ---- entries ---- */

/* The fields as one text. path: ptr NULL leaves it out. */
static void add_key(struct ifx_buf *key, const struct ifx_baseline_entry *e, ifx_str path)
{
	const ifx_str fields[] = { e->rule, path, e->resource, e->text };

	ifx_buf_clear(key);
	for (size_t i = 0; i < 4; i++) {
		ifx_buf_add(key, fields[i]);
		ifx_buf_addc(key, '\0');
	}
}

static bool is_there(const struct ifx_baseline *b, ifx_str path)
{
	ifx_str whole = path;
	struct ifx_buf text;
	bool there;

	ifx_buf_init(&text, 1 << 16);
	if (path.len && path.ptr[0] != '/')
		ifx_buf_addf(&text, "%.*s/", IFX_ARG(b->dir));
	ifx_buf_add(&text, whole);
	there = text.bad || !text.len || !access(text.data, F_OK);
	ifx_buf_release(&text);
	return there;
}

/* Put `e` into a map, before those that are there. */
static bool chain(struct ifx_baseline *b, struct ifx_map *map, ifx_str key,
		  struct ifx_baseline_entry *e, struct ifx_baseline_entry **next)
{
	struct ifx_map_item *item = ifx_map_at(map, key);

	if (!item)
		item = ifx_map_put(map, &b->arena, key, NULL);
	if (!item)
		return false;
	*next = item->value;
	item->value = e;
	return true;
}

/* A copy of `given`, unless there is one alike. */
static void add_entry(struct ifx_baseline *b, const struct ifx_baseline_entry *given)
{
	struct ifx_baseline_entry *e = ifx_arena_alloc(&b->arena, sizeof(*e)), **list;
	struct ifx_buf key;

	ifx_buf_init(&key, 1 << 20);
	add_key(&key, given, given->path);
	if (ifx_map_at(&b->exact, ifx_buf_str(&key)))
		goto out;
	list = ifx_grow(b->entries, &b->cap, b->n + 1, sizeof(*list));
	b->failed |= !list || !e || key.bad;
	if (list)
		b->entries = list;
	if (b->failed)
		goto out;
	*e = *given;
	e->rule = ifx_arena_copy(&b->arena, e->rule);
	e->path = ifx_arena_copy(&b->arena, e->path);
	e->resource = ifx_arena_copy(&b->arena, e->resource);
	e->text = ifx_arena_copy(&b->arena, e->text);
	if (!e->rule.ptr || !e->path.ptr || !e->resource.ptr || !e->text.ptr ||
	    !ifx_map_put(&b->exact, &b->arena, ifx_buf_str(&key), e) ||
	    !chain(b, &b->paths, e->path, e, &e->next_in_path)) {
		b->failed = true;
		goto out;
	}
	list[b->n++] = e;
out:
	ifx_buf_release(&key);
}

/* Entries of a file that is gone are looked for without it. */
static void note_moved(struct ifx_baseline *b)
{
	struct ifx_buf key;

	ifx_buf_init(&key, 1 << 20);
	for (const struct ifx_map_item *item = b->paths.first; item; item = item->next) {
		if (is_there(b, item->key))
			continue;
		for (struct ifx_baseline_entry *e = item->value; e; e = e->next_in_path) {
			e->moved = true;
			add_key(&key, e, IFX_NONE);
			b->failed |= key.bad ||
				     !chain(b, &b->alike, ifx_buf_str(&key), e, &e->next_alike);
		}
	}
	ifx_buf_release(&key);
}

/* ---- reading ---- */

static size_t line_of(const struct ifx_doc *doc, size_t at, size_t *last_at, size_t *last_line)
{
	for (; *last_at < at; ++*last_at)
		*last_line += doc->src.ptr[*last_at] == '\n';
	return *last_line;
}

/* Its entries; NULL: it is no baseline. */
static const struct ifx_node *entries_in(const struct ifx_doc *doc)
{
	const struct ifx_node *root = doc->root, *list = NULL;

	if (ifx_is(root, IFX_MAP) &&
	    ifx_str_eq(ifx_get_text(root, IFX_LIT("version")), IFX_LIT("1")))
		list = ifx_get(root, IFX_LIT("findings"));
	return ifx_is(list, IFX_SEQ) ? list : NULL;
}

static bool read_entries(struct ifx_baseline *b, const struct ifx_doc *doc, struct ifx_buf *err)
{
	const struct ifx_node *list = entries_in(doc);
	size_t at = 0, line = 1;

	if (!list)
		return wrong(b, 1, err, "no baseline of version 1; write it with --write-baseline");
	for (const struct ifx_entry *item = list->first; item; item = item->next) {
		struct ifx_baseline_entry e = {
			.rule = ifx_get_text(item->value, IFX_LIT("rule")),
			.path = ifx_get_text(item->value, IFX_LIT("path")),
			.resource = ifx_get_text(item->value, IFX_LIT("resource")),
			.text = ifx_get_text(item->value, IFX_LIT("text")),
			.line = line_of(doc, item->start, &at, &line),
		};

		if (!e.rule.ptr || !e.path.ptr || !e.resource.ptr || !e.text.ptr)
			return wrong(b, e.line, err,
				     "an entry has rule, path, resource and text; remove it, or "
				     "write the file anew");
		add_entry(b, &e);
	}
	note_moved(b);
	return !b->failed || wrong(b, 0, err, "out of memory");
}

bool ifx_baseline_read(struct ifx_baseline *b, ifx_str file, struct ifx_buf *err)
{
	struct ifx_problem problem = { 0 };
	struct ifx_buf bytes, why;
	struct ifx_doc *doc = NULL;
	struct stat st;
	bool ok;

	if (!begin(b, file, err))
		return false;
	ifx_buf_init(&bytes, IFX_BASELINE_MAX);
	ifx_buf_init(&why, 4096);
	ifx_buf_init(&problem.text, 4096);
	if (ifx_file_read(&bytes, b->file.ptr, &st, &why) != IFX_OK) {
		ok = wrong(b, 0, err, why.len ? why.data : "out of memory");
	} else if (ifx_precheck(ifx_buf_str(&bytes), &problem) != IFX_OK ||
		   ifx_doc_load(&doc, ifx_buf_str(&bytes), &problem) != IFX_OK) {
		size_t line, column;

		ifx_str_position(ifx_buf_str(&bytes), problem.at, &line, &column);
		ok = wrong(b, line, err, problem.text.len ? problem.text.data : "out of memory");
	} else {
		ok = read_entries(b, doc, err);
	}
	ifx_doc_free(doc);
	ifx_buf_release(&problem.text);
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	return ok;
}

/* Whoever mistypes a name shall not lose a manifest. */
static bool may_replace(const struct ifx_baseline *b, struct ifx_buf *err)
{
	struct ifx_problem problem = { 0 };
	struct ifx_buf bytes, why;
	struct ifx_doc *doc = NULL;
	struct stat st;
	bool ok = true;

	if (access(b->file.ptr, F_OK))
		return true;
	ifx_buf_init(&bytes, IFX_BASELINE_MAX);
	ifx_buf_init(&why, 4096);
	ifx_buf_init(&problem.text, 4096);
	if (ifx_file_read(&bytes, b->file.ptr, &st, &why) != IFX_OK)
		ok = wrong(b, 0, err, why.len ? why.data : "out of memory");
	else if (bytes.len &&
		 (ifx_precheck(ifx_buf_str(&bytes), &problem) != IFX_OK ||
		  ifx_doc_load(&doc, ifx_buf_str(&bytes), &problem) != IFX_OK || !entries_in(doc)))
		ok = wrong(b, 0, err,
			   "is no baseline, and is not replaced; remove it, or name another file");
	ifx_doc_free(doc);
	ifx_buf_release(&problem.text);
	ifx_buf_release(&bytes);
	ifx_buf_release(&why);
	return ok;
}

bool ifx_baseline_renew(struct ifx_baseline *b, ifx_str file, struct ifx_buf *err)
{
	return begin(b, file, err) && may_replace(b, err);
}

/* ---- findings ---- */

ifx_str ifx_baseline_path(struct ifx_baseline *b, ifx_str typed)
{
	struct ifx_buf real;
	ifx_str path, dir = b->dir;

	ifx_buf_init(&real, 1 << 16);
	if (ifx_path_resolve(&real, typed.ptr) != IFX_OK) {
		ifx_buf_clear(&real);
		ifx_buf_add(&real, typed);
	}
	path = ifx_buf_str(&real);
	if (dir.len == 1)
		dir.len = 0;
	if (ifx_str_starts(path, dir) && path.len > dir.len && path.ptr[dir.len] == '/')
		path = ifx_str_sub(path, dir.len + 1, path.len - dir.len - 1);
	pthread_mutex_lock(&b->lock);
	path = ifx_arena_copy(&b->arena, path);
	b->failed |= !path.ptr || real.bad;
	pthread_mutex_unlock(&b->lock);
	ifx_buf_release(&real);
	return path;
}

/* The four fields of a finding; `resource` is a buffer for one of them. */
static struct ifx_baseline_entry entry_of(const struct ifx_finding *f, ifx_str bytes, ifx_str path,
					  struct ifx_buf *resource)
{
	size_t at = f->at < bytes.len ? f->at : bytes.len;
	size_t start = ifx_line_start(bytes, at);
	ifx_str text = ifx_str_trim(ifx_str_sub(bytes, start, ifx_line_end(bytes, at) - start));

	if (text.len > IFX_BASELINE_TEXT_MAX)
		for (text.len = IFX_BASELINE_TEXT_MAX;
		     text.len && ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80;)
			text.len--;
	ifx_buf_clear(resource);
	ifx_buf_addf(resource, "%.*s/%.*s/%.*s/%.*s", IFX_ARG(f->group), IFX_ARG(f->kind),
		     IFX_ARG(f->namespace), IFX_ARG(f->name));
	return (struct ifx_baseline_entry){ .rule = ifx_str_of(f->rule),
					    .path = path,
					    .resource = ifx_buf_str(resource),
					    .text = text };
}

bool ifx_baseline_knows(struct ifx_baseline *b, const struct ifx_finding *f, ifx_str bytes,
			ifx_str path)
{
	struct ifx_buf resource, key;
	struct ifx_baseline_entry e;
	const struct ifx_map_item *item;
	bool knows = false;

	if (!b->n)
		return false;
	ifx_buf_init(&resource, 1 << 20);
	ifx_buf_init(&key, 1 << 20);
	e = entry_of(f, bytes, path, &resource);
	add_key(&key, &e, path);
	item = ifx_map_at(&b->exact, ifx_buf_str(&key));
	if (!item) {
		add_key(&key, &e, IFX_NONE);
		item = ifx_map_at(&b->alike, ifx_buf_str(&key));
	}
	knows = item != NULL;
	pthread_mutex_lock(&b->lock);
	if (item)
		((struct ifx_baseline_entry *)item->value)->used = true;
	b->failed |= resource.bad || key.bad;
	pthread_mutex_unlock(&b->lock);
	ifx_buf_release(&resource);
	ifx_buf_release(&key);
	return knows;
}

void ifx_baseline_judge(struct ifx_baseline *b, ifx_str path, const char *rule)
{
	const struct ifx_map_item *item = ifx_map_at(&b->paths, path);

	pthread_mutex_lock(&b->lock);
	for (struct ifx_baseline_entry *e = item ? item->value : NULL; e; e = e->next_in_path)
		e->judged |= ifx_str_eq(e->rule, ifx_str_of(rule));
	pthread_mutex_unlock(&b->lock);
}

size_t ifx_baseline_stale(const struct ifx_baseline *b, struct ifx_buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct ifx_baseline_entry *e = b->entries[i];

		if (e->used || !(e->judged || e->moved))
			continue;
		n++;
		ifx_say_text(out, b->file);
		ifx_buf_addf(out, ":%zu:1: info: ", e->line);
		ifx_say_text(out, e->rule);
		ifx_buf_add(out, IFX_LIT(" no longer finds this in '"));
		ifx_say_text(out, e->path);
		ifx_buf_add(out, e->moved ? IFX_LIT("', which is not there; remove the entry")
					  : IFX_LIT("'; remove the entry"));
		ifx_buf_add(out, IFX_LIT(" [baseline]\n"));
	}
	return n;
}

/* ---- writing ---- */

void ifx_baseline_add(struct ifx_baseline *b, const struct ifx_finding *f, ifx_str bytes,
		      ifx_str path)
{
	struct ifx_buf resource;
	struct ifx_baseline_entry e;

	ifx_buf_init(&resource, 1 << 20);
	e = entry_of(f, bytes, path, &resource);
	add_entry(b, &e);
	b->failed |= resource.bad;
	ifx_buf_release(&resource);
}

static int by_fields(const void *a, const void *b)
{
	const struct ifx_baseline_entry *x = *(struct ifx_baseline_entry *const *)a;
	const struct ifx_baseline_entry *y = *(struct ifx_baseline_entry *const *)b;
	int c = ifx_str_cmp(x->path, y->path);

	if (!c)
		c = ifx_str_cmp(x->resource, y->resource);
	if (!c)
		c = ifx_str_cmp(x->rule, y->rule);
	return c ? c : ifx_str_cmp(x->text, y->text);
}

static void add_text(struct ifx_buf *out, const struct ifx_baseline *b)
{
	ifx_buf_add(out, IFX_LIT("# Findings that were there before; written by istio-fix "
				 "--write-baseline.\nversion: 1\nfindings:"));
	ifx_buf_add(out, b->n ? IFX_LIT("\n") : IFX_LIT(" []\n"));
	for (size_t i = 0; i < b->n; i++) {
		const struct ifx_baseline_entry *e = b->entries[i];

		ifx_buf_addf(out, "- rule: %.*s\n  path: ", IFX_ARG(e->rule));
		ifx_buf_add_json(out, e->path);
		ifx_buf_add(out, IFX_LIT("\n  resource: "));
		ifx_buf_add_json(out, e->resource);
		ifx_buf_add(out, IFX_LIT("\n  text: "));
		ifx_buf_add_json(out, e->text);
		ifx_buf_addc(out, '\n');
	}
}

/* A file that was not there. */
static ifx_status create(const char *path, ifx_str text, struct ifx_buf *why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	size_t done = 0;
	ssize_t n = 0;

	while (fd >= 0 && done < text.len && n >= 0) {
		n = write(fd, text.ptr + done, text.len - done);
		if (n < 0 && errno == EINTR)
			n = 0;
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && done == text.len && !fsync(fd) && !close(fd))
		return IFX_OK;
	ifx_file_error(why, errno);
	if (fd >= 0)
		unlink(path); /* half of it would be taken for all */
	return IFX_EIO;
}

bool ifx_baseline_write(struct ifx_baseline *b, struct ifx_buf *err)
{
	struct ifx_buf text, why;
	struct stat old;
	ifx_status st;

	ifx_buf_init(&text, IFX_BUF_MAX);
	ifx_buf_init(&why, 4096);
	if (b->n)
		qsort(b->entries, b->n, sizeof(*b->entries), by_fields);
	add_text(&text, b);
	if (text.bad || b->failed)
		st = IFX_ENOMEM;
	else if (!stat(b->file.ptr, &old))
		st = ifx_inplace(b->file.ptr, &old, ifx_buf_str(&text), IFX_NONE, &why);
	else
		st = create(b->file.ptr, ifx_buf_str(&text), &why);
	if (st != IFX_OK)
		wrong(b, 0, err, why.len ? why.data : "out of memory");
	ifx_buf_release(&text);
	ifx_buf_release(&why);
	return st == IFX_OK;
}
