/*
 * The built tool at work on a directory of its own: for tests that are files (testdata, pages).
 * Include after cmocka. The tool's path is in the environment variable ISTIO_FIX; ctest sets it.
 */
#ifndef IFX_TESTS_TOOL_H
#define IFX_TESTS_TOOL_H

#include "scratch.h"

#include <stdbool.h>

/** What a run said. */
struct tool_run {
	int code; /* exit code, or -1 when it was killed */
	char *out, *err;
	size_t out_len, err_len;
};

static char tool_path[PATH_MAX];

/* Find the tool. False: ISTIO_FIX does not name one; the program is then to exit with 77. */
static inline bool tool_find(void)
{
	const char *path = getenv("ISTIO_FIX");

	if (path && *path && realpath(path, tool_path))
		return true;
	fprintf(stderr, "ISTIO_FIX does not name the tool; skipped\n");
	return false;
}

static inline char *tool_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* printf into a new string. */
static inline char *tool_format(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	return text;
}

/* The whole file; one byte NUL behind it. NULL when there is none. */
static inline char *tool_slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *bytes = NULL;
	size_t cap = 0, got;

	*len = 0;
	if (!f)
		return NULL;
	do {
		cap += 1 << 16;
		bytes = realloc(bytes, cap + 1);
		assert_non_null(bytes);
		got = fread(bytes + *len, 1, cap - *len, f);
		*len += got;
	} while (got);
	assert_int_equal(ferror(f), 0);
	fclose(f);
	bytes[*len] = '\0';
	return bytes;
}

/* Run it with these arguments (argv[0] is filled in, NULL at the end), in the current directory. */
static inline struct tool_run tool_start(const char **argv)
{
	struct tool_run run = { .code = -1 };
	int status;
	pid_t pid;

	argv[0] = tool_path;
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int null = open("/dev/null", O_RDONLY);
		int out = open(".out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
		int err = open(".err", O_WRONLY | O_CREAT | O_TRUNC, 0644);

		if (null < 0 || out < 0 || err < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
		    dup2(err, 2) < 0)
			_exit(127);
		execv(tool_path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	if (WIFEXITED(status))
		run.code = WEXITSTATUS(status);
	run.out = tool_slurp(".out", &run.out_len);
	run.err = tool_slurp(".err", &run.err_len);
	assert_true(run.out && run.err);
	return run;
}

static inline void tool_end(struct tool_run *run)
{
	free(run->out);
	free(run->err);
}

/* Fail with both texts when they differ. */
static inline void tool_expect(const char *what, const char *wanted, size_t wanted_len,
			       const char *got, size_t got_len, const struct tool_run *run)
{
	if (wanted_len == got_len && !memcmp(wanted, got, got_len))
		return;
	/* cmocka would cut a long message. */
	fprintf(stderr, "%s\n--- wanted\n%.*s\n--- got\n%.*s\n", what, (int)wanted_len, wanted,
		(int)got_len, got);
	if (run)
		fprintf(stderr, "--- the tool said, with exit code %d\n%s%s\n", run->code, run->out,
			run->err);
	fail_msg("%s", what);
}

#endif
