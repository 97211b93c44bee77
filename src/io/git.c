#include "io/git.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

/* The words of one command, besides those that each command begins with. */
#define GIT_WORDS_MAX 16

/* --- the process ----------------------------------------------------------------------------- */

/*
 * A hook that calls us has these point into its own business. We say by `-C` which tree we mean;
 * configuration from the environment (safe.directory) stays.
 */
static bool is_of_another_tree(const char *variable)
{
	static const char *const names[] = { "GIT_DIR=",        "GIT_WORK_TREE=",
					     "GIT_INDEX_FILE=", "GIT_PREFIX=",
					     "GIT_COMMON_DIR=", "GIT_OBJECT_DIRECTORY=",
					     "GIT_NAMESPACE=",  "GIT_LITERAL_PATHSPECS=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(variable, names[i], strlen(names[i])))
			return true;
	return false;
}

/* The environment of git; only the list is to be freed. NULL: no memory. */
static char **git_environment(void)
{
	static char locale[] = "LC_ALL=C", prompt[] = "GIT_TERMINAL_PROMPT=0",
		    fetch[] = "GIT_NO_LAZY_FETCH=1";
	size_t n = 0, kept = 0;
	char **list;

	while (environ[n])
		n++;
	list = ifx_calloc(n + 4, sizeof(*list));
	if (!list)
		return NULL;
	/* The first of two of the same name counts. */
	list[kept++] = locale;
	list[kept++] = prompt;
	list[kept++] = fetch;
	for (size_t i = 0; i < n; i++)
		if (!is_of_another_tree(environ[i]))
			list[kept++] = environ[i];
	return list;
}

/* Start git with its output in `to`; its complaints too, or nowhere. An errno, or 0. */
static int start_git(pid_t *pid, char *const *argv, int to, bool complaints)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	char **env = git_environment();
	int code = ENOMEM;

	if (!env)
		return ENOMEM;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGXFSZ); /* main ignores it */
	if (posix_spawn_file_actions_init(&actions))
		goto no_actions;
	if (posix_spawnattr_init(&attributes))
		goto no_attributes;
	if (!posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) &&
	    !posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO) &&
	    !(complaints ? posix_spawn_file_actions_adddup2(&actions, to, STDERR_FILENO)
			 : posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
							    O_WRONLY, 0)) &&
	    !posix_spawnattr_setsigdefault(&attributes, &defaults) &&
	    !posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF))
		code = posix_spawnp(pid, "git", &actions, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
no_attributes:
	posix_spawn_file_actions_destroy(&actions);
no_actions:
	ifx_free(env);
	return code;
}

/*
 * git -C top WORDS..., NULL at their end. out: what it printed; with `complaints` also what it said
 * on standard error. IFX_EINVAL: it ended with another code than 0.
 */
static ifx_status run_git(struct ifx_buf *out, const char *top, const char *const *words,
			  bool complaints, struct ifx_buf *err)
{
	const char *argv[GIT_WORDS_MAX + 9] = { "git", "-C",
						top,   "--no-optional-locks",
						"-c",  "core.fsmonitor=false",
						"-c",  "core.hooksPath=/dev/null" };
	int ends[2], code, status = 0;
	ifx_status st;
	pid_t pid;

	for (size_t i = 0; words[i]; i++)
		argv[8 + i] = words[i];
	if (pipe2(ends, O_CLOEXEC)) {
		ifx_file_error(err, errno);
		return IFX_EIO;
	}
	code = start_git(&pid, (char *const *)(uintptr_t)argv, ends[1], complaints);
	close(ends[1]);
	if (code) {
		close(ends[0]);
		ifx_buf_add(err, IFX_LIT("cannot run git: "));
		ifx_file_error(err, code);
		return code == ENOMEM ? IFX_ENOMEM : IFX_EIO;
	}
	st = ifx_fd_read(out, ends[0], err);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (st == IFX_OK && status)
		st = IFX_EINVAL;
	return st;
}

/* --- the questions --------------------------------------------------------------------------- */

bool ifx_git_top(struct ifx_buf *out, ifx_str path)
{
	struct stat st;

	for (;;) {
		size_t slash = path.len;

		ifx_buf_clear(out);
		ifx_buf_add(out, path);
		ifx_buf_add(out, IFX_LIT("/.git"));
		if (out->bad)
			return false;
		if (!lstat(out->data, &st)) {
			ifx_buf_clear(out);
			ifx_buf_add(out, path.len ? path : IFX_LIT("/"));
			return !out->bad;
		}
		if (!path.len)
			return false;
		while (slash && path.ptr[slash - 1] != '/')
			slash--;
		path.len = slash ? slash - 1 : 0;
	}
}

/* The object that `rev` means, as git prints it: with its line end. */
static ifx_status resolve(struct ifx_buf *object, const char *top, ifx_str rev, struct ifx_buf *err)
{
	const char *words[] = { "rev-parse", "--verify", NULL, NULL };
	struct ifx_buf tree;
	ifx_str line, rest;
	ifx_status st;

	ifx_buf_init(&tree, 1 << 16);
	ifx_buf_addf(&tree, "%.*s^{tree}", IFX_ARG(rev));
	if (tree.bad) {
		ifx_buf_release(&tree);
		return IFX_ENOMEM;
	}
	words[2] = tree.data;
	st = run_git(object, top, words, false, err);
	if (st == IFX_EINVAL) /* once more, to hear why */
		st = run_git(object, top, words, true, err);
	ifx_buf_release(&tree);
	if (st != IFX_EINVAL)
		return st;
	rest = ifx_buf_str(object);
	if (!ifx_str_split(&rest, '\n', &line) || !line.len)
		line = IFX_LIT("nothing");
	ifx_buf_addf(err, "--since: '%.*s' is no revision here; ", IFX_ARG(rev));
	if (ifx_str_find(rev, IFX_LIT("..")) != SIZE_MAX)
		ifx_buf_add(err, IFX_LIT("it wants one, not a range"));
	else
		ifx_buf_addf(err, "was it fetched? git says: %.*s", IFX_ARG(line));
	return IFX_EINVAL;
}

/* Names that end in NUL each. One that is gone since is no file to look at. */
static ifx_status add_names(struct ifx_file_set *out, const char *top, ifx_str names)
{
	struct ifx_buf path;
	ifx_status st = IFX_OK;
	ifx_str name;

	ifx_buf_init(&path, IFX_BUF_MAX);
	while (st == IFX_OK && ifx_str_split(&names, '\0', &name)) {
		struct stat at;

		ifx_buf_clear(&path);
		ifx_buf_addf(&path, "%s/", top);
		ifx_buf_add(&path, name);
		if (path.bad)
			st = IFX_ENOMEM;
		else if (!lstat(path.data, &at) && S_ISREG(at.st_mode) &&
			 !ifx_file_set_find(out, at.st_dev, at.st_ino))
			st = ifx_file_set_add(out, at.st_dev, at.st_ino, out->n + 1);
	}
	ifx_buf_release(&path);
	return st;
}

ifx_status ifx_git_changed(struct ifx_file_set *out, const char *top, ifx_str rev,
			   struct ifx_buf *err)
{
	const char *words[] = { "diff",
				"--name-only",
				"-z",
				"--diff-filter=d",
				"--no-renames",
				"--no-ext-diff",
				"--no-textconv",
				"--no-color",
				"--ignore-submodules=all",
				NULL, /* the revision */
				"--",
				NULL };
	static const char *const untracked[] = { "ls-files", "-z", "--others", "--exclude-standard",
						 NULL };
	struct ifx_buf object, names;
	ifx_status st;

	ifx_buf_init(&object, 1 << 16);
	ifx_buf_init(&names, IFX_FILE_MAX);
	st = resolve(&object, top, rev, err);
	if (st == IFX_OK && object.len) {
		object.data[object.len - 1] = '\0';
		words[9] = object.data;
		st = run_git(&names, top, words, false, err);
	}
	if (st == IFX_OK)
		st = add_names(out, top, ifx_buf_str(&names));
	ifx_buf_clear(&names);
	if (st == IFX_OK)
		st = run_git(&names, top, untracked, false, err);
	if (st == IFX_OK)
		st = add_names(out, top, ifx_buf_str(&names));
	if (st == IFX_EINVAL && !err->len)
		ifx_buf_add(err, IFX_LIT("git cannot tell what changed; try 'git diff' there"));
	ifx_buf_release(&object);
	ifx_buf_release(&names);
	return st;
}
