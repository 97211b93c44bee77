#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "io/files.h"
#include "io/gitignore.h"
#include "tests/scratch.h"

#include <sys/socket.h>
#include <sys/un.h>

/* --- which files ----------------------------------------------------------------------------- */

static void complain(void *data, ifx_str path, ifx_str message)
{
	ifx_buf_addf(data, "%.*s: %.*s|", IFX_ARG(path), IFX_ARG(message));
}

/* Files as "a.yaml|b.yaml|", named ones with a `!` before; complaints behind " -- ". */
static ifx_status expand(struct ifx_buf *out, char *const *paths, size_t n,
			 const struct ifx_file_options *options)
{
	static const struct ifx_file_options none = { 0 };
	struct ifx_inputs inputs;
	struct ifx_arena arena;
	struct ifx_buf said;
	ifx_status st;

	ifx_arena_init(&arena, 1 << 30);
	ifx_buf_init(&said, 1 << 20);
	ifx_buf_clear(out);
	st = ifx_inputs_expand(&inputs, paths, n, options ? options : &none, &arena, complain,
			       &said);
	for (size_t i = 0; i < inputs.n; i++) {
		assert_int_equal(inputs.items[i].path.ptr[inputs.items[i].path.len], '\0');
		ifx_buf_addf(out, "%s%s|", inputs.items[i].named ? "!" : "",
			     inputs.items[i].path.ptr);
	}
	if (said.len)
		ifx_buf_addf(out, " -- %s", said.data);
	ifx_inputs_release(&inputs);
	ifx_arena_release(&arena);
	ifx_buf_release(&said);
	return st;
}

/* paths: separated by blanks. */
static void assert_expands(const char *paths, const struct ifx_file_options *options,
			   const char *want)
{
	char copy[1000], *list[20];
	struct ifx_buf out;
	size_t n = 0;
	ifx_status st;

	snprintf(copy, sizeof(copy), "%s", paths);
	for (char *p = strtok(copy, " "); p; p = strtok(NULL, " "))
		list[n++] = p;
	ifx_buf_init(&out, 1 << 20);
	st = expand(&out, list, n, options);
	assert_string_equal(ifx_buf_str(&out).ptr, want);
	assert_int_equal(st, strstr(want, " -- ") ? IFX_EIO : IFX_OK);
	ifx_buf_release(&out);
}

static void directories_are_walked(void **state)
{
	(void)state;
	scratch_puts("b.yaml", "");
	scratch_puts("a.yml", "");
	scratch_puts("c.json", "");
	scratch_puts("no.txt", "");
	scratch_puts("x.YAML", "");
	scratch_puts("a/z.yaml", "");
	scratch_puts("a/a/z.yaml", "");
	scratch_puts("a-b/z.yaml", "");
	scratch_puts(".github/w.yaml", "");
	scratch_puts(".git/x.yaml", "");
	scratch_puts("dir.yaml/k.yaml", "");
	scratch_puts("-x.yaml", "");
	assert_int_equal(symlink("b.yaml", "link.yaml"), 0);
	assert_int_equal(symlink("a", "linkdir"), 0);
	assert_int_equal(mkfifo("fifo.yaml", 0600), 0);

	assert_expands("a", NULL, "a/a/z.yaml|a/z.yaml|");
	assert_expands("a/", NULL, "a/a/z.yaml|a/z.yaml|");
	assert_expands("./a//", NULL, "./a/a/z.yaml|./a/z.yaml|");
	assert_expands(
		".", NULL,
		"./-x.yaml|.github/w.yaml|a/a/z.yaml|a/z.yaml|a-b/z.yaml|a.yml|b.yaml|c.json|"
		"dir.yaml/k.yaml|");
	assert_expands(
		"./", NULL,
		"./-x.yaml|.github/w.yaml|a/a/z.yaml|a/z.yaml|a-b/z.yaml|a.yml|b.yaml|c.json|"
		"dir.yaml/k.yaml|");
	assert_expands("linkdir", NULL, "linkdir/a/z.yaml|linkdir/z.yaml|");
	assert_expands(".git", NULL, ".git/x.yaml|");
	assert_expands("", NULL, "");
	/* named files: in the order given, whatever they are called, once */
	assert_expands("no.txt b.yaml link.yaml ./b.yaml", NULL, "!no.txt|!b.yaml|");
	assert_expands("link.yaml", NULL, "!link.yaml|");
	assert_expands("a a/z.yaml a", NULL, "a/a/z.yaml|!a/z.yaml|");
	assert_expands("fifo.yaml", NULL, "!fifo.yaml|");
	/* complaints do not stop the others */
	assert_expands("nope b.yaml b.yaml/x", NULL,
		       "!b.yaml| -- nope: no such file or directory|b.yaml/x: not a directory|");
}

static void hard_links_are_one_file(void **state)
{
	(void)state;
	scratch_puts("d/a.yaml", "");
	assert_int_equal(link("d/a.yaml", "d/b.yaml"), 0);
	assert_expands("d", NULL, "d/a.yaml|");
}

static void unreadable_directories_are_told(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	scratch_puts("d/a.yaml", "");
	scratch_puts("d/locked/b.yaml", "");
	scratch_puts("d/z.yaml", "");
	assert_int_equal(chmod("d/locked", 0), 0);
	pid = fork();
	if (!pid) {
		char *paths[] = { (char[]){ "d" } };
		struct ifx_buf out;

		ifx_buf_init(&out, 1000);
		if (geteuid() == 0 && seteuid(65534))
			_exit(2);
		_exit(expand(&out, paths, 1, NULL) == IFX_EIO &&
				      !strcmp(out.data, "d/a.yaml|d/z.yaml| -- "
							"d/locked: permission denied|")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod("d/locked", 0755), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void depth_has_a_limit(void **state)
{
	int dir, next;
	char *paths[] = { (char[]){ "deep" } };
	struct ifx_buf out;

	(void)state;
	scratch_puts("deep/a.yaml", "");
	dir = open("deep", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < IFX_WALK_MAX + 1; i++) {
		int file;

		assert_int_equal(mkdirat(dir, "d", 0755), 0);
		next = openat(dir, "d", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		close(dir);
		dir = next;
		file = openat(dir, "a.yaml", O_WRONLY | O_CREAT, 0644);
		assert_true(file >= 0);
		close(file);
	}
	close(dir);
	ifx_buf_init(&out, 1 << 20);
	assert_int_equal(expand(&out, paths, 1, NULL), IFX_EIO);
	assert_non_null(strstr(out.data, ": more than 256 directories deep|"));
	{
		size_t n = 0;

		for (const char *p = out.data; (p = strstr(p, "a.yaml|")); p++)
			n++;
		assert_int_equal(n, IFX_WALK_MAX + 1);
	}
	ifx_buf_release(&out);
}

static void globs_exclude(void **state)
{
	const ifx_str globs[] = { IFX_LIT("vendor/"), IFX_LIT("/a/*.json"), IFX_LIT("*-test.yaml"),
				  IFX_LIT("!keep-test.yaml") };
	struct ifx_file_options options = { .exclude = globs, .n_exclude = 4 };
	char paths[PATH_MAX + 100], want[2 * sizeof(paths) + 100];

	(void)state;
	scratch_puts("vendor/v.yaml", "");
	scratch_puts("a/vendor/v.yaml", "");
	scratch_puts("a/a.json", "");
	scratch_puts("a/b/a/a.json", "");
	scratch_puts("a/x-test.yaml", "");
	scratch_puts("a/keep-test.yaml", "");
	assert_expands(".", &options, "a/b/a/a.json|a/keep-test.yaml|");
	assert_expands("./a", &options, "./a/b/a/a.json|./a/keep-test.yaml|");
	snprintf(paths, sizeof(paths), "%s/a", scratch_dir);
	snprintf(want, sizeof(want), "%s/b/a/a.json|%s/keep-test.yaml|", paths, paths);
	assert_expands(paths, &options, want);
	/* what was named is taken, unless forced */
	assert_expands("vendor/v.yaml a/a.json vendor", &options, "!vendor/v.yaml|!a/a.json|");
	options.force_exclude = true;
	assert_expands("vendor/v.yaml ./a/a.json vendor a/../vendor/v.yaml a/b/a/a.json", &options,
		       "!a/b/a/a.json|");
	/* from elsewhere only what has no place in it matches */
	assert_int_equal(chdir("a/b"), 0);
	assert_expands("../vendor/v.yaml ../a.json ../x-test.yaml", &options, "!../a.json|");
	assert_int_equal(chdir("../.."), 0);
}

/* --- .gitignore, with git as the judge -------------------------------------------------------- */

#define GIT                                                                                        \
	"GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 HOME=/nonexistent XDG_CONFIG_HOME= git "

static const char *const tree[] = {
	"a.yaml",          "b.yaml",           "ab.yaml",       "a/a.yaml",        "a/b.yaml",
	"a/b/a.yaml",      "a/b/c.yaml",       "a/b/b/c.yaml",  "b/a.yaml",        "b/a/b/c.yaml",
	"build/x.yaml",    "src/build/x.yaml", "src/a/x.yaml",  "foo/bar/x.yaml",  "foobar/x.yaml",
	"foox/y/bar.yaml", "#a.yaml",          "!b.yaml",       "sp .yaml",        "x.yaml ",
	"[a].yaml",        "a\\b.yaml",        "\xc3\xa4.yaml", "-.yaml",          "].yaml",
	"^.yaml",          "A.yaml",           "0.yaml",        ".yaml",           ".a/b.yaml",
	"a*b.yaml",        "c/deep/er/x.yaml", "c/deep/x.yaml", "dir.yaml/a.yaml", "tab\t.yaml",
	"vt\v.yaml",
};

static void make_tree(const char *root)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(tree) / sizeof(*tree); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, tree[i]);
		scratch_puts(path, "");
	}
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sort the pieces of "b|a|" in place, into `out`. */
static void sort_pieces(struct ifx_buf *out, char *text, char end)
{
	const char *pieces[200];
	size_t n = 0;

	for (char *p = text, *stop; (stop = strchr(p, end)); p = stop + 1) {
		*stop = '\0';
		if (strlen(p) > 5 && !strcmp(p + strlen(p) - 5, ".yaml"))
			pieces[n++] = p;
	}
	qsort(pieces, n, sizeof(*pieces), compare_strings);
	ifx_buf_clear(out);
	for (size_t i = 0; i < n; i++)
		ifx_buf_addf(out, "%s|", pieces[i]);
}

/* What git would show of directory `dir` as untracked, and what we list: the same? */
static void assert_as_git(const char *dir, const char *what)
{
	char command[PATH_MAX], listed[20000];
	struct ifx_buf theirs, ours, out;
	char *paths[] = { (char[]){ "." } };
	FILE *git;
	size_t n;

	assert_int_equal(chdir(dir), 0);
	ifx_buf_init(&theirs, 1 << 20);
	ifx_buf_init(&ours, 1 << 20);
	ifx_buf_init(&out, 1 << 20);
	snprintf(command, sizeof(command),
		 GIT "ls-files -z --others --exclude-standard . | tr '\\0' '|'");
	git = popen(command, "r");
	assert_non_null(git);
	n = fread(listed, 1, sizeof(listed) - 1, git);
	listed[n] = '\0';
	assert_int_equal(pclose(git), 0);
	sort_pieces(&theirs, listed, '|');
	assert_int_equal(expand(&out, paths, 1, NULL), IFX_OK);
	if (out.len)
		for (char *p; (p = strstr(out.data, "./-"));)
			memmove(p, p + 2, strlen(p + 2) + 1);
	sort_pieces(&ours, ifx_buf_str(&out).len ? out.data : (char[]){ "" }, '|');
	if (strcmp(ifx_buf_str(&theirs).ptr, ifx_buf_str(&ours).ptr))
		fail_msg("in %s, %s\ngit: %s\nwe:  %s", dir, what, ifx_buf_str(&theirs).ptr,
			 ifx_buf_str(&ours).ptr);
	ifx_buf_release(&theirs);
	ifx_buf_release(&ours);
	ifx_buf_release(&out);
	assert_int_equal(chdir(scratch_dir), 0);
}

static void patterns_mean_what_git_says(void **state)
{
	static const char *const files[] = {
		"",
		"a.yaml\n",
		"/a.yaml\n",
		"a/a.yaml\n",
		"/a/a.yaml",
		"a/",
		"/a/\n",
		"a\n",
		"a/b\n",
		"a/b/\n",
		"*/a.yaml\n",
		"a/*\n",
		"a/*/\n",
		"a/**\n",
		"**/a\n",
		"**/a.yaml\n",
		"**/build/\n",
		"a/**/c.yaml\n",
		"**/b/c.yaml\n",
		"/**\n",
		"**\n",
		"***\n",
		"a/***/c.yaml\n",
		"*.yaml\n",
		"*\n",
		"/*\n",
		"/*/\n",
		"*/\n",
		"foo**/bar\n",
		"foo**bar.yaml\n",
		"foo*/x.yaml\n",
		"foo/**\n",
		"**/\n",
		"**/**\n",
		"/\n",
		"//\n",
		"!\n",
		"!/\n",
		"#a.yaml\n",
		"\\#a.yaml\n",
		"\\!b.yaml\n",
		"*.yaml\n!a.yaml\n",
		"a/\n!a/a.yaml\n",
		"a/*\n!a/b/\n",
		"a/**\n!a/b\n",
		"a/**\n!a/b/\n!a/b/c.yaml\n",
		"/*\n!/a\n/a/*\n!/a/b\n",
		"*\n!*/\n!c.yaml\n",
		"a.yaml \n",
		"a.yaml\\ \n",
		"x.yaml\\ \n",
		"x.yaml\\  \n",
		"sp\\ .yaml\n",
		"sp .yaml   \n",
		"a.yaml\t\n",
		"tab\t.yaml\n",
		"a.yaml\r\n",
		"a.yaml\r\nb.yaml\r\n",
		" a.yaml\n",
		"a.yaml\\\n",
		"\\a.yaml\n",
		"a\\\\b.yaml\n",
		"a\\*b.yaml\n",
		"a*b.yaml\n",
		"?.yaml\n",
		"??.yaml\n",
		"a?.yaml\n",
		"a?b.yaml\n",
		"[ab].yaml\n",
		"[!ab].yaml\n",
		"[^ab].yaml\n",
		"[a-c].yaml\n",
		"[]].yaml\n",
		"[!]].yaml\n",
		"[]-a].yaml\n",
		"[a-]*.yaml\n",
		"[-a]*.yaml\n",
		"[a.yaml\n",
		"[a\n",
		"\\[a].yaml\n",
		"[[]a].yaml\n",
		"[[:alpha:]].yaml\n",
		"[[:digit:]].yaml\n",
		"[[:upper:]].yaml\n",
		"[[:space:]].yaml\n",
		"tab[[:space:]].yaml\n",
		"vt[[:space:]].yaml\n",
		"[[:nope:]].yaml\n",
		"[[:alpha:]0].yaml\n",
		"[[:alpha].yaml\n",
		"[[:].yaml\n",
		"[[:punct:]].yaml\n",
		"[[:xdigit:]].yaml\n",
		"[\\]].yaml\n",
		"[\\a].yaml\n",
		"[a\\-c].yaml\n",
		"[+--].yaml\n",
		"[c-a].yaml\n",
		"[a-c-e].yaml\n",
		"[^].yaml\n",
		"[!].yaml\n",
		"[z-a].yaml\n",
		"a[/]b.yaml\n",
		"a[!x]b\n",
		"foo[/]bar\n",
		"foo?bar\n",
		"\xc3\xa4.yaml\n",
		"??.yaml\n",
		"[\xc3\xa4]*.yaml\n",
		"\357\273\277a.yaml\n",
		"\n\n\na.yaml\n\n",
		"**a.yaml\n",
		"a**\n",
		"a/b**/c.yaml\n",
		"a/**b/c.yaml\n",
		"**/*.yaml\n",
		"*/*/*.yaml\n",
		"**/b/**\n",
		"c/**/x.yaml\n",
		"c/**/er\n",
		"c/*/x.yaml\n",
		"/c/**/\n",
		"**\\/x.yaml\n",
		"c/**\\/x.yaml\n",
		"c\\/deep\n",
		".*\n",
		".\n",
		"./a.yaml\n",
		"a/../b.yaml\n",
		"dir.yaml\n",
		"dir.yaml/\n",
		"!a.yaml\na.yaml\n",
		"a//b\n",
		"a/b//\n",
		"*a*a*\n",
		"*.y*l\n",
		"*/**/x.yaml\n",
		"src/**/\n!src/a/\n",
		"build\n!build\n",
		"build/\n!src/build/\n",
		"*b\n!foo/*b\n",
		"a.yaml/\n",
		"b/*/b\n",
		"\\*\n",
		"\\\n",
	};

	(void)state;
	if (!scratch_has("git"))
		skip();
	make_tree("r");
	assert_int_equal(scratch_run(GIT "init -q r"), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		scratch_puts("r/.gitignore", files[i]);
		assert_as_git("r", files[i]);
	}
}

static uint32_t seed = 123456789u;

static size_t below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* Files of random patterns in three places, and info/exclude. */
static void random_patterns_mean_what_git_says(void **state)
{
	static const char *const pieces[] = {
		"a",   "b",    "c",    "*",  "*", "**",   "**/",   "/",   "/", "?", ".yaml", "foo",
		"bar", "[ab]", "[!a]", "\\", "x", "deep", "build", "src", "[", "]", "!",     "-",
	};
	static const char *const places[] = { "r/.gitignore", "r/a/.gitignore",
					      "r/c/deep/.gitignore", "r/.git/info/exclude",
					      "r/b/.gitignore" };

	(void)state;
	if (!scratch_has("git"))
		skip();
	make_tree("r");
	assert_int_equal(scratch_run(GIT "init -q r"), 0);
	for (int round = 0; round < 400; round++) {
		char all[10000] = "";

		for (size_t p = 0; p < sizeof(places) / sizeof(*places); p++) {
			char text[1000] = "";

			for (size_t lines = below(p ? 3 : 4); lines; lines--) {
				if (below(3) == 0)
					strcat(text, "!");
				for (size_t n = 1 + below(5); n; n--)
					strcat(text,
					       pieces[below(sizeof(pieces) / sizeof(*pieces))]);
				strcat(text, below(4) ? "\n" : "/\n");
			}
			scratch_puts(places[p], text);
			strcat(all, places[p]);
			strcat(all, ":\n");
			strcat(all, text);
		}
		assert_as_git("r", all);
	}
}

static void ignore_files_are_found_where_git_finds_them(void **state)
{
	struct ifx_file_options options = { .no_gitignore = true };

	(void)state;
	/* outside a work tree a .gitignore is a file like any other */
	scratch_puts("out/.gitignore", "*.yaml\n");
	scratch_puts("out/a.yaml", "");
	assert_expands("out", NULL, "out/a.yaml|");

	/* above the walked directory, and info/exclude, which a .gitignore outranks */
	scratch_puts("r/.git/info/exclude", "secret.yaml\nboth.yaml\n");
	scratch_puts("r/.gitignore", "/s/d/x.yaml\nlocal.yaml\n!both.yaml\nignored/\n");
	scratch_puts("r/s/.gitignore", "/d/y.yaml\n!local.yaml\n");
	for (size_t i = 0; i < 2; i++) {
		static const char *const names[] = { "secret", "both", "x", "y", "local", "z" };

		for (size_t k = 0; k < 6; k++) {
			char path[100];

			snprintf(path, sizeof(path), "r/%s/%s.yaml", i ? "ignored" : "s/d",
				 names[k]);
			scratch_puts(path, "");
		}
	}
	assert_expands("r", NULL, "r/s/d/both.yaml|r/s/d/local.yaml|r/s/d/z.yaml|");
	assert_expands("r/s", NULL, "r/s/d/both.yaml|r/s/d/local.yaml|r/s/d/z.yaml|");
	assert_expands("r/s/d", NULL, "r/s/d/both.yaml|r/s/d/local.yaml|r/s/d/z.yaml|");
	assert_int_equal(chdir("r/s/d"), 0);
	assert_expands(".", NULL, "both.yaml|local.yaml|z.yaml|");
	assert_expands("../../s", NULL,
		       "../../s/d/both.yaml|../../s/d/local.yaml|../../s/d/z.yaml|");
	assert_int_equal(chdir(scratch_dir), 0);
	/* named: taken though ignored */
	assert_expands("r/s/d/x.yaml r/ignored/local.yaml", NULL,
		       "!r/s/d/x.yaml|!r/ignored/local.yaml|");
	/* a named directory is walked though ignored, and its patterns hold */
	assert_expands("r/ignored", NULL,
		       "r/ignored/both.yaml|r/ignored/x.yaml|r/ignored/y.yaml|r/ignored/z.yaml|");
	assert_expands(
		"r/s", &options,
		"r/s/d/both.yaml|r/s/d/local.yaml|r/s/d/secret.yaml|r/s/d/x.yaml|r/s/d/y.yaml|"
		"r/s/d/z.yaml|");

	/* a repository inside is a tree of its own; a linked one has its exclude elsewhere */
	scratch_puts("r/sub/.git", "gitdir: ../.git/modules/sub\n");
	scratch_puts("r/.git/modules/sub/commondir", "..\n");
	scratch_puts("r/.git/modules/info/exclude", "mine.yaml\n");
	scratch_puts("r/sub/local.yaml", "");
	scratch_puts("r/sub/mine.yaml", "");
	assert_expands("r/sub", NULL, "r/sub/local.yaml|");
	assert_expands("r", NULL,
		       "r/s/d/both.yaml|r/s/d/local.yaml|r/s/d/z.yaml|r/sub/local.yaml|");

	/* a .gitignore that is a symbolic link has no say, one that is too large is told */
	scratch_puts("l/.git/HEAD", "");
	scratch_puts("l/a.yaml", "");
	assert_int_equal(symlink("../out/.gitignore", "l/.gitignore"), 0);
	assert_expands("l", NULL, "l/a.yaml|");
	assert_int_equal(unlink("l/.gitignore"), 0);
	scratch_puts("l/.gitignore", "");
	assert_int_equal(truncate("l/.gitignore", (off_t)IFX_IGNORE_FILE_MAX + 1), 0);
	assert_expands("l", NULL, "l/a.yaml| -- l/.gitignore: larger than 4194304 bytes|");
}

static void long_patterns_match_nothing(void **state)
{
	struct ifx_ignore *list;
	struct ifx_buf line;

	(void)state;
	assert_int_equal(ifx_ignore_new(&list), IFX_OK);
	ifx_buf_init(&line, 1 << 20);
	ifx_buf_fill(&line, '*', IFX_IGNORE_PATTERN_MAX);
	assert_int_equal(ifx_ignore_line(list, ifx_buf_str(&line)), IFX_OK);
	assert_int_equal(ifx_ignore_match(list, IFX_LIT("a"), false), IFX_IGNORED);
	ifx_ignore_free(list);
	assert_int_equal(ifx_ignore_new(&list), IFX_OK);
	ifx_buf_addc(&line, '*');
	assert_int_equal(ifx_ignore_line(list, ifx_buf_str(&line)), IFX_OK);
	/* brackets blow up most when translated */
	ifx_buf_clear(&line);
	for (int i = 0; i < 1000; i++)
		ifx_buf_add(&line, IFX_LIT("[!a]"));
	assert_int_equal(ifx_ignore_line(list, ifx_buf_str(&line)), IFX_OK);
	assert_int_equal(ifx_ignore_match(list, IFX_LIT("a"), false), IFX_UNDECIDED);
	/* a hostile one ends */
	ifx_buf_clear(&line);
	for (int i = 0; i < 100; i++)
		ifx_buf_add(&line, IFX_LIT("*a"));
	ifx_buf_add(&line, IFX_LIT("b"));
	assert_int_equal(ifx_ignore_line(list, ifx_buf_str(&line)), IFX_OK);
	ifx_buf_clear(&line);
	ifx_buf_fill(&line, 'a', 255);
	assert_int_equal(ifx_ignore_match(list, ifx_buf_str(&line), false), IFX_UNDECIDED);
	ifx_ignore_free(list);
	ifx_ignore_free(NULL);
	ifx_buf_release(&line);
}

/* Fails by the test's time limit when finding doubles is not constant. */
static void many_files_are_linear(void **state)
{
	enum { N = 5000, NAMED = 200000 };
	char **paths = test_malloc(NAMED * sizeof(*paths));
	static char names[N][32];
	struct ifx_inputs inputs;
	struct ifx_arena arena;
	struct ifx_buf said;
	struct ifx_file_options options = { 0 };

	(void)state;
	assert_int_equal(mkdir("many", 0755), 0);
	for (int i = 0; i < N; i++) {
		int fd;

		snprintf(names[i], sizeof(names[i]), "many/%04d.yml", i);
		fd = open(names[i], O_WRONLY | O_CREAT, 0644);
		assert_true(fd >= 0);
		close(fd);
	}
	for (int i = 0; i < NAMED; i++)
		paths[i] = names[i % N];
	paths[0] = (char[]){ "many" };
	ifx_arena_init(&arena, 1 << 30);
	ifx_buf_init(&said, 1000);
	assert_int_equal(
		ifx_inputs_expand(&inputs, paths, NAMED, &options, &arena, complain, &said),
		IFX_OK);
	assert_int_equal(inputs.n, N);
	for (int i = 0; i < N; i++) {
		assert_string_equal(inputs.items[i].path.ptr, names[i]);
		assert_true(inputs.items[i].named);
	}
	ifx_inputs_release(&inputs);
	ifx_arena_release(&arena);
	test_free(paths);
}

static void out_of_memory_is_survived(void **state)
{
	const ifx_str globs[] = { IFX_LIT("*z.yaml"), IFX_LIT("a?c") };
	struct ifx_file_options options = { .exclude = globs,
					    .n_exclude = 2,
					    .force_exclude = true };
	char *paths[] = { (char[]){ "r/s" }, (char[]){ "r/s/a.yaml" }, (char[]){ "r/../r" } };
	unsigned long n = 0;
	int failed;

	(void)state;
	scratch_puts("r/.git", "gitdir: ../g\n");
	scratch_puts("g/info/exclude", "e.yaml\n");
	scratch_puts("r/.gitignore", "a*b\n/s/t\n");
	scratch_puts("r/s/.gitignore", "?x.yaml\n");
	scratch_puts("r/s/a.yaml", "");
	scratch_puts("r/s/d/b.yaml", "");
	scratch_puts("r/s/d/z.yaml", "");
	scratch_puts("r/s/e.yaml", "");
	scratch_puts("r/s/xx.yaml", "");
	scratch_puts("r/s/t/a.yaml", "");
	scratch_puts("r/axb/a.yaml", "");
	do {
		struct ifx_inputs inputs;
		struct ifx_arena arena;
		struct ifx_buf said;
		ifx_status st;

		ifx_arena_init(&arena, 1 << 20);
		ifx_buf_init(&said, 1000);
		ifx_alloc_fail_at(++n);
		st = ifx_inputs_expand(&inputs, paths, 3, &options, &arena, complain, &said);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		/* a message that nobody asked for may be lost, a pattern may not */
		assert_true(st == IFX_OK || (failed && st == IFX_ENOMEM));
		if (st == IFX_OK)
			assert_int_equal(inputs.n, 2);
		ifx_inputs_release(&inputs);
		ifx_arena_release(&arena);
		ifx_buf_release(&said);
	} while (failed);
	assert_true(n > 20);
}

/* --- their bytes ----------------------------------------------------------------------------- */

static void files_are_read_whole(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 65535, 65536, 300000, 7 };
	struct ifx_buf out, err, want;
	struct stat st;

	(void)state;
	ifx_buf_init(&out, IFX_BUF_MAX);
	ifx_buf_init(&err, 1000);
	ifx_buf_init(&want, IFX_BUF_MAX);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ifx_buf_clear(&want);
		for (size_t k = 0; k < sizes[i]; k++)
			ifx_buf_addc(&want, (char)(k * k % 251));
		scratch_write("f", ifx_buf_str(&want).ptr, want.len);
		assert_int_equal(ifx_file_read(&out, "f", &st, &err), IFX_OK);
		assert_int_equal(out.len, sizes[i]);
		assert_int_equal(st.st_size, sizes[i]);
		assert_memory_equal(out.data, ifx_buf_str(&want).ptr, out.len);
		assert_int_equal(out.data[out.len], '\0');
		assert_int_equal(err.len, 0);
	}
	ifx_buf_release(&out);
	ifx_buf_release(&err);
	ifx_buf_release(&want);
}

static void a_size_is_not_believed(void **state)
{
	struct ifx_buf out, err;
	struct stat st;

	(void)state;
	ifx_buf_init(&out, IFX_BUF_MAX);
	ifx_buf_init(&err, 1000);
	if (access("/proc/self/status", R_OK))
		skip();
	/* regular, and 0 bytes long */
	assert_int_equal(ifx_file_read(&out, "/proc/self/status", &st, &err), IFX_OK);
	assert_int_equal(st.st_size, 0);
	assert_true(ifx_str_starts(ifx_buf_str(&out), IFX_LIT("Name:")));
	ifx_buf_release(&out);
	ifx_buf_release(&err);
}

static void assert_unreadable(const char *path, ifx_status want, const char *message)
{
	struct ifx_buf out, err;
	struct stat st;

	ifx_buf_init(&out, IFX_BUF_MAX);
	ifx_buf_init(&err, 1000);
	assert_int_equal(ifx_file_read(&out, path, &st, &err), want);
	assert_string_equal(err.data, message);
	assert_int_equal(out.len, 0);
	ifx_buf_release(&out);
	ifx_buf_release(&err);
}

static void what_is_no_file_is_refused(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_unreadable("nope", IFX_EIO, "no such file or directory");
	assert_unreadable(".", IFX_EREFUSED, "is a directory");
	assert_unreadable("/dev/null", IFX_EREFUSED, "not a regular file");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_unreadable("fifo", IFX_EREFUSED, "not a regular file");
	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_unreadable("socket", IFX_EREFUSED, "not a regular file");
	close(fd);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_unreadable("loop", IFX_EIO, "too many levels of symbolic links");
	scratch_puts("large", "");
	assert_int_equal(truncate("large", (off_t)IFX_FILE_MAX + 1), 0);
	assert_unreadable("large", IFX_ELIMIT, "larger than 1073741824 bytes");
}

static void a_buffer_keeps_its_ceiling(void **state)
{
	struct ifx_buf out, err;
	struct stat st;

	(void)state;
	scratch_puts("f", "0123456789");
	ifx_buf_init(&out, 10);
	ifx_buf_init(&err, 1000);
	assert_int_equal(ifx_file_read(&out, "f", &st, &err), IFX_OK);
	assert_string_equal(out.data, "0123456789");
	scratch_puts("f", "0123456789a");
	assert_int_equal(ifx_file_read(&out, "f", &st, &err), IFX_ELIMIT);
	assert_string_equal(err.data, "larger than 10 bytes");
	ifx_buf_release(&out);
	ifx_buf_release(&err);
}

static void pipes_are_read_to_the_end(void **state)
{
	struct ifx_buf out, err;

	(void)state;
	ifx_buf_init(&out, IFX_BUF_MAX);
	ifx_buf_init(&err, 1000);
	for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
		int fds[2], status;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (!pid) {
			for (int i = 0; i < 3000; i++) {
				char piece[100];

				memset(piece, 'a' + i % 26, sizeof(piece));
				if (i % 1000 == 0)
					usleep(10000);
				if (write(fds[1], piece, sizeof(piece)) != sizeof(piece))
					_exit(1);
			}
			_exit(0);
		}
		close(fds[1]);
		if (nonblocking)
			assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
		assert_int_equal(ifx_fd_read(&out, fds[0], &err), IFX_OK);
		assert_int_equal(out.len, 300000);
		for (size_t i = 0; i < out.len; i++)
			assert_int_equal(out.data[i], 'a' + i / 100 % 26);
		close(fds[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_int_equal(ifx_fd_read(&out, -1, &err), IFX_EIO);
	assert_string_equal(err.data, "bad file descriptor");
	ifx_buf_release(&out);
	ifx_buf_release(&err);
}

static void links_resolve(void **state)
{
	struct ifx_buf out, want;

	(void)state;
	ifx_buf_init(&out, PATH_MAX);
	ifx_buf_init(&want, PATH_MAX);
	scratch_puts("d/f.yaml", "");
	assert_int_equal(symlink("d", "l"), 0);
	assert_int_equal(symlink("l/f.yaml", "m"), 0);
	assert_int_equal(ifx_path_resolve(&want, "."), IFX_OK);
	ifx_buf_add(&want, IFX_LIT("/d/f.yaml"));
	assert_int_equal(ifx_path_resolve(&out, "m"), IFX_OK);
	assert_string_equal(out.data, want.data);
	assert_int_equal(ifx_path_resolve(&out, "nope"), IFX_EIO);
	assert_int_equal(errno, ENOENT);
	ifx_buf_release(&out);
	ifx_buf_release(&want);
}

#define DISK(name) cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK(directories_are_walked),
		DISK(hard_links_are_one_file),
		DISK(unreadable_directories_are_told),
		DISK(depth_has_a_limit),
		DISK(globs_exclude),
		DISK(patterns_mean_what_git_says),
		DISK(random_patterns_mean_what_git_says),
		DISK(ignore_files_are_found_where_git_finds_them),
		cmocka_unit_test(long_patterns_match_nothing),
		DISK(many_files_are_linear),
		DISK(out_of_memory_is_survived),
		DISK(files_are_read_whole),
		cmocka_unit_test(a_size_is_not_believed),
		DISK(what_is_no_file_is_refused),
		DISK(a_buffer_keeps_its_ceiling),
		cmocka_unit_test(pipes_are_read_to_the_end),
		DISK(links_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
