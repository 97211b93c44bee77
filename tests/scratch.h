/*
 * A directory of its own for a test that touches the disk, and a few calls to fill it. Include
 * after cmocka. Every call fails the test when the system says no.
 */
#ifndef IFX_TESTS_SCRATCH_H
#define IFX_TESTS_SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char scratch_dir[PATH_MAX], scratch_home[PATH_MAX];

static inline int scratch_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* cmocka setup: make the directory and go there. */
static inline int scratch_enter(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	if (!getcwd(scratch_home, sizeof(scratch_home)))
		return -1;
	snprintf(scratch_dir, sizeof(scratch_dir), "%s/istio-fix-test.XXXXXX",
		 tmp && strlen(tmp) < PATH_MAX / 2 ? tmp : "/tmp");
	if (!mkdtemp(scratch_dir) || chmod(scratch_dir, 0755))
		return -1;
	return chdir(scratch_dir);
}

/* cmocka teardown. */
static inline int scratch_leave(void **state)
{
	(void)state;
	if (chdir(scratch_home))
		return -1;
	return nftw(scratch_dir, scratch_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* Write a file; directories in its path are made. */
static inline void scratch_write(const char *path, const char *bytes, size_t len)
{
	char dir[PATH_MAX];
	FILE *f;

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *p = dir + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		assert_true(mkdir(dir, 0755) == 0 || errno == EEXIST);
		*p = '/';
	}
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void scratch_puts(const char *path, const char *text)
{
	scratch_write(path, text, strlen(text));
}

/* Does the file hold exactly these bytes? */
static inline int scratch_holds(const char *path, const char *bytes, size_t len)
{
	char *data = test_malloc(len + 2);
	FILE *f = fopen(path, "rb");
	size_t n;
	int same;

	assert_non_null(f);
	n = fread(data, 1, len + 1, f);
	fclose(f);
	same = n == len && memcmp(data, bytes, len) == 0;
	test_free(data);
	return same;
}

/* Run a shell command; its exit code. */
static inline int scratch_run(const char *command)
{
	int status = system(command);

	assert_true(status >= 0 && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static inline int scratch_has(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return scratch_run(command) == 0;
}

#endif
