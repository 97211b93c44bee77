#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "io/files.h"
#include "io/inplace.h"
#include "io/stage.h"
#include "tests/scratch.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/xattr.h>

/* Read `path`, replace it by `text`; what it says is in `said`. */
static ifx_status replace(const char *path, ifx_str text, char said[200])
{
	struct ifx_buf out, err;
	struct stat before;
	ifx_status st;

	ifx_buf_init(&out, IFX_BUF_MAX);
	ifx_buf_init(&err, 199);
	assert_int_equal(ifx_file_read(&out, path, &before, &err), IFX_OK);
	st = ifx_inplace(path, &before, text, IFX_NONE, &err);
	snprintf(said, 200, "%s", ifx_buf_str(&err).ptr);
	ifx_buf_release(&out);
	ifx_buf_release(&err);
	return st;
}

static int count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void assert_replaced(const char *path, const char *text)
{
	char said[200];

	if (replace(path, ifx_str_of(text), said) != IFX_OK)
		fail_msg("%s: %s", path, said);
	assert_string_equal(said, "");
	assert_true(scratch_holds(path, text, strlen(text)));
}

static void the_new_bytes_are_there(void **state)
{
	char *large = test_malloc(1 << 20), said[200], absolute[PATH_MAX + 10];

	(void)state;
	scratch_puts("f.yaml", "old");
	assert_replaced("f.yaml", "new and longer");
	assert_replaced("f.yaml", "");
	memset(large, 'x', 1 << 20);
	assert_int_equal(replace("f.yaml", (ifx_str){ large, 1 << 20 }, said), IFX_OK);
	assert_true(scratch_holds("f.yaml", large, 1 << 20));
	test_free(large);
	snprintf(absolute, sizeof(absolute), "%s/f.yaml", scratch_dir);
	assert_replaced(absolute, "a");
	assert_replaced("./f.yaml", "b");
	assert_int_equal(count_entries("."), 1);
}

static void mode_is_kept(void **state)
{
	static const mode_t modes[] = { 0640, 0600,        0755,  0444 | 0200,
					0666, 0220 | 0444, 02750, 04711 };
	mode_t mask = umask(077);
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		scratch_puts("f.yaml", "old");
		assert_int_equal(chmod("f.yaml", modes[i]), 0);
		assert_replaced("f.yaml", "new");
		assert_int_equal(stat("f.yaml", &st), 0);
		assert_int_equal(st.st_mode & 07777, modes[i]);
		assert_int_equal(unlink("f.yaml"), 0);
	}
	umask(mask);
}

static void owner_is_kept(void **state)
{
	struct stat st;

	(void)state;
	if (geteuid())
		skip();
	scratch_puts("f.yaml", "old");
	assert_int_equal(chown("f.yaml", 1234, 4321), 0);
	assert_int_equal(chmod("f.yaml", 06754), 0);
	assert_replaced("f.yaml", "new");
	assert_int_equal(stat("f.yaml", &st), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 4321);
	assert_int_equal(st.st_mode & 07777, 06754);
}

static void assert_refused(const char *path, ifx_status want, const char *message)
{
	char said[200];
	int n = count_entries(".");

	assert_int_equal(replace(path, IFX_LIT("new"), said), want);
	assert_string_equal(said, message);
	assert_true(scratch_holds(path, "old", 3));
	assert_int_equal(count_entries("."), n);
}

static void what_must_stay_is_refused(void **state)
{
	(void)state;
	scratch_puts("f.yaml", "old");
	assert_int_equal(symlink("f.yaml", "l.yaml"), 0);
	assert_refused("l.yaml", IFX_EREFUSED, "is a symbolic link");
	assert_int_equal(chmod("f.yaml", 0444), 0);
	assert_refused("f.yaml", IFX_EREFUSED, "is read-only"); /* for root as well */
	assert_int_equal(chmod("f.yaml", 0644), 0);
	assert_int_equal(link("f.yaml", "g.yaml"), 0);
	assert_refused(
		"f.yaml", IFX_EREFUSED,
		"has several hard links, and replacing it would leave the others behind; break "
		"the link first");
}

static void a_file_that_changed_is_left_alone(void **state)
{
	struct ifx_buf out, err;
	struct stat before;

	(void)state;
	ifx_buf_init(&out, IFX_BUF_MAX);
	ifx_buf_init(&err, 1000);
	for (int how = 0; how < 4; how++) {
		struct timespec times[2];

		scratch_puts("f.yaml", "old");
		assert_int_equal(ifx_file_read(&out, "f.yaml", &before, &err), IFX_OK);
		switch (how) {
		case 0: /* longer, with the old time */
			scratch_puts("f.yaml", "older");
			times[0] = before.st_atim;
			times[1] = before.st_mtim;
			assert_int_equal(utimensat(AT_FDCWD, "f.yaml", times, 0), 0);
			break;
		case 1: /* the same size, a nanosecond later */
			times[0] = before.st_atim;
			times[1] = before.st_mtim;
			times[1].tv_nsec ^= 1;
			assert_int_equal(utimensat(AT_FDCWD, "f.yaml", times, 0), 0);
			break;
		case 2: /* another file in its place */
			scratch_puts("g.yaml", "old");
			times[0] = before.st_atim;
			times[1] = before.st_mtim;
			assert_int_equal(utimensat(AT_FDCWD, "g.yaml", times, 0), 0);
			assert_int_equal(rename("g.yaml", "f.yaml"), 0);
			break;
		default: /* gone */
			assert_int_equal(unlink("f.yaml"), 0);
		}
		ifx_buf_clear(&err);
		if (how < 3) {
			assert_int_equal(
				ifx_inplace("f.yaml", &before, IFX_LIT("new"), IFX_NONE, &err),
				IFX_EREFUSED);
			assert_string_equal(err.data,
					    "changed while it was being fixed; run again");
			assert_true(scratch_holds("f.yaml", how ? "old" : "older", how ? 3 : 5));
			assert_int_equal(count_entries("."), 1);
		} else {
			assert_int_equal(
				ifx_inplace("f.yaml", &before, IFX_LIT("new"), IFX_NONE, &err),
				IFX_EIO);
			assert_string_equal(err.data,
					    "cannot look at it again: no such file or directory");
			assert_int_equal(count_entries("."), 0);
		}
		ifx_buf_clear(&err);
	}
	assert_int_equal(ifx_inplace("no/f.yaml", &before, IFX_LIT("new"), IFX_NONE, &err),
			 IFX_EIO);
	assert_string_equal(err.data, "cannot open its directory: no such file or directory");
	ifx_buf_release(&out);
	ifx_buf_release(&err);
}

/* Run `replace` as a user without rights; 0 when it fares as wanted. */
static int as_nobody(const char *path, ifx_status want, const char *message)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct ifx_buf err;
		struct stat before;

		ifx_buf_init(&err, 1000);
		if (stat(path, &before) || setegid(65534) || seteuid(65534))
			_exit(3);
		if (ifx_inplace(path, &before, IFX_LIT("new"), IFX_NONE, &err) != want)
			_exit(1);
		_exit(strcmp(ifx_buf_str(&err).ptr, message) ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void rights_are_respected(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	/* a directory where nothing may be made */
	scratch_puts("d/f.yaml", "old");
	assert_int_equal(chown("d/f.yaml", 65534, 65534), 0);
	assert_int_equal(as_nobody("d/f.yaml", IFX_EIO,
				   "cannot create a temporary file beside it: permission denied"),
			 0);
	assert_int_equal(count_entries("d"), 1);
	/* somebody else's file that may be written, but whose owner cannot be kept */
	assert_int_equal(chmod("d", 0777), 0);
	assert_int_equal(chown("d/f.yaml", 0, 0), 0);
	assert_int_equal(chmod("d/f.yaml", 0666), 0);
	assert_int_equal(as_nobody("d/f.yaml", IFX_EIO,
				   "cannot keep its owner and group: operation not permitted"),
			 0);
	/* not ours to write */
	assert_int_equal(chmod("d/f.yaml", 0644), 0);
	assert_int_equal(as_nobody("d/f.yaml", IFX_EREFUSED, "is read-only"), 0);
	assert_true(scratch_holds("d/f.yaml", "old", 3));
	assert_int_equal(count_entries("d"), 1);
	/* a directory that may be written but not listed */
	assert_int_equal(chown("d/f.yaml", 65534, 65534), 0);
	assert_int_equal(chmod("d", 0333), 0);
	assert_int_equal(as_nobody("d/f.yaml", IFX_OK, ""), 0);
	assert_int_equal(chmod("d", 0755), 0);
	assert_true(scratch_holds("d/f.yaml", "new", 3));
}

static void a_full_disk_loses_nothing(void **state)
{
	char said[200], *large = test_malloc(1 << 20);

	(void)state;
	memset(large, 'x', 1 << 20);
	assert_int_equal(mkdir("small", 0755), 0);
	if (mount("tmpfs", "small", "tmpfs", 0, "size=64k") == 0) {
		scratch_puts("small/f.yaml", "old");
		assert_int_equal(replace("small/f.yaml", (ifx_str){ large, 1 << 20 }, said),
				 IFX_EIO);
		assert_string_equal(said,
				    "cannot write a temporary file beside it: no space left on "
				    "device");
	} else {
		struct rlimit old, limit;

		assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
		limit = old;
		limit.rlim_cur = 65536;
		signal(SIGXFSZ, SIG_IGN);
		scratch_puts("small/f.yaml", "old");
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(replace("small/f.yaml", (ifx_str){ large, 1 << 20 }, said),
				 IFX_EIO);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		signal(SIGXFSZ, SIG_DFL);
		assert_string_equal(said,
				    "cannot write a temporary file beside it: file too large");
	}
	assert_true(scratch_holds("small/f.yaml", "old", 3));
	assert_int_equal(count_entries("small"), 1);
	umount("small");
	test_free(large);
}

static void attributes_are_kept(void **state)
{
	char value[10] = "";

	(void)state;
	scratch_puts("f.yaml", "old");
	if (setxattr("f.yaml", "user.note", "hello", 5, 0))
		skip();
	assert_int_equal(setxattr("f.yaml", "user.empty", "", 0, 0), 0);
	assert_replaced("f.yaml", "new");
	assert_int_equal(getxattr("f.yaml", "user.note", value, sizeof(value)), 5);
	assert_string_equal(value, "hello");
	assert_int_equal(getxattr("f.yaml", "user.empty", value, sizeof(value)), 0);
}

static ifx_status replace_keeping(const char *path, const char *text, const char *suffix,
				  char said[200])
{
	struct ifx_buf err;
	struct stat before;
	ifx_status st;

	ifx_buf_init(&err, 199);
	assert_int_equal(stat(path, &before), 0);
	st = ifx_inplace(path, &before, ifx_str_of(text), ifx_str_of(suffix), &err);
	snprintf(said, 200, "%s", ifx_buf_str(&err).ptr);
	ifx_buf_release(&err);
	return st;
}

static void a_backup_is_the_old_file(void **state)
{
	struct stat old, kept;
	char said[200];

	(void)state;
	scratch_puts("f.yaml", "old");
	assert_int_equal(chmod("f.yaml", 0640), 0);
	assert_int_equal(stat("f.yaml", &old), 0);
	assert_int_equal(replace_keeping("f.yaml", "new", ".orig", said), IFX_OK);
	assert_true(scratch_holds("f.yaml", "new", 3));
	assert_true(scratch_holds("f.yaml.orig", "old", 3));
	assert_int_equal(stat("f.yaml.orig", &kept), 0);
	assert_int_equal(kept.st_ino, old.st_ino);
	assert_int_equal(kept.st_mode, old.st_mode);
	assert_int_equal(kept.st_mtim.tv_nsec, old.st_mtim.tv_nsec);
	/* as cp --backup=simple: the older one goes */
	assert_int_equal(replace_keeping("f.yaml", "newer", ".orig", said), IFX_OK);
	assert_true(scratch_holds("f.yaml", "newer", 5));
	assert_true(scratch_holds("f.yaml.orig", "new", 3));
	assert_int_equal(count_entries("."), 2);
}

static void a_backup_follows_no_link(void **state)
{
	char said[200];

	(void)state;
	scratch_puts("f.yaml", "old");
	scratch_puts("other", "other");
	assert_int_equal(symlink("other", "f.yaml~"), 0);
	assert_int_equal(replace_keeping("f.yaml", "new", "~", said), IFX_OK);
	assert_true(scratch_holds("other", "other", 5));
	assert_true(scratch_holds("f.yaml~", "old", 3));
	assert_int_equal(count_entries("."), 3);
}

static void without_its_backup_nothing_is_written(void **state)
{
	char said[200], suffix[NAME_MAX + 1];

	(void)state;
	scratch_puts("f.yaml", "old");
	assert_int_equal(mkdir("f.yaml~", 0755), 0);
	assert_int_equal(replace_keeping("f.yaml", "new", "~", said), IFX_EIO);
	assert_string_equal(said, "cannot keep a backup: is a directory");
	memset(suffix, 'x', NAME_MAX);
	suffix[NAME_MAX] = '\0';
	assert_int_equal(replace_keeping("f.yaml", "new", suffix, said), IFX_EIO);
	assert_string_equal(said, "cannot keep a backup: file name too long");
	assert_true(scratch_holds("f.yaml", "old", 3));
	assert_int_equal(count_entries("."), 2);
}

/* A run that was killed had made the backup, as a second link, and no more. */
static void a_backup_of_an_interrupted_run_is_taken(void **state)
{
	char said[200];

	(void)state;
	scratch_puts("f.yaml", "old");
	assert_int_equal(link("f.yaml", "f.yaml~"), 0);
	assert_int_equal(replace_keeping("f.yaml", "new", ".orig", said), IFX_EREFUSED);
	assert_int_equal(replace_keeping("f.yaml", "new", "~", said), IFX_OK);
	assert_true(scratch_holds("f.yaml", "new", 3));
	assert_true(scratch_holds("f.yaml~", "old", 3));
	assert_int_equal(count_entries("."), 2);
}

static void only_our_own_temporary_files_are_swept(void **state)
{
	char name[IFX_TEMP_NAME], other[IFX_TEMP_NAME];
	struct stat st;

	(void)state;
	scratch_puts("a", "text");
	assert_int_equal(stat("a", &st), 0);
	ifx_temp_name(name, st.st_ino);
	ifx_temp_name(other, st.st_ino + 1);
	assert_true(ifx_is_temp_name(name));
	assert_true(ifx_is_temp_name(".istio-fix.new-abcdef"));
	assert_false(ifx_is_temp_name(".istio-fix.yaml"));
	assert_false(ifx_is_temp_name(".istio-fix.new-abcdefg"));
	assert_false(ifx_is_temp_name(".istio-fix.0123456789abcdeF"));
	/* somebody's: the name does not tell the inode */
	assert_int_equal(rename("a", other), 0);
	ifx_temp_sweep(AT_FDCWD, other);
	assert_int_equal(link(other, name), 0);
	assert_int_equal(count_entries("."), 2);
	ifx_temp_sweep(AT_FDCWD, name);
	assert_true(scratch_holds(other, "text", 4));
	assert_int_equal(count_entries("."), 1);
	assert_int_equal(rename(other, name), 0);
	ifx_temp_sweep(AT_FDCWD, name);
	assert_int_equal(count_entries("."), 0);
	/* not yet written to, or written by somebody */
	scratch_puts(".istio-fix.new-abcdef", "");
	scratch_puts(".istio-fix.new-ghijkl", "x");
	assert_int_equal(symlink("nowhere", ".istio-fix.new-mnopqr"), 0);
	ifx_temp_sweep(AT_FDCWD, ".istio-fix.new-abcdef");
	ifx_temp_sweep(AT_FDCWD, ".istio-fix.new-ghijkl");
	ifx_temp_sweep(AT_FDCWD, ".istio-fix.new-mnopqr");
	assert_int_equal(count_entries("."), 2);
}

static void an_open_temporary_file_is_not_swept(void **state)
{
	struct ifx_stage s;
	struct ifx_buf err;
	struct stat before;

	(void)state;
	scratch_puts("f.yaml", "old");
	assert_int_equal(stat("f.yaml", &before), 0);
	ifx_buf_init(&err, 1000);
	assert_int_equal(ifx_stage_open(&s, "f.yaml", &before, &err), IFX_OK);
	assert_int_equal(ifx_stage_write(&s, IFX_LIT("new")), IFX_OK);
	assert_int_equal(ifx_stage_name(&s), 0);
	assert_int_equal(count_entries("."), 2);
	ifx_temp_sweep(AT_FDCWD, s.temp);
	assert_int_equal(count_entries("."), 2);
	ifx_stage_close(&s);
	assert_int_equal(count_entries("."), 1);
	ifx_buf_release(&err);
}

/* Version 2; then tag, rights and id of each entry, little endian. */
#define ACL_ENTRY(tag, rights, id)                                                                 \
	tag, 0, rights, 0, (id)&0xff, (id) >> 8 & 0xff, (id) >> 16 & 0xff, (id) >> 24 & 0xff
#define ACL(user)                                                                                  \
	{                                                                                          \
		2, 0, 0, 0, ACL_ENTRY(1, 6, 0xffffffffu), ACL_ENTRY(2, user, 1234u),               \
			ACL_ENTRY(4, 0, 0xffffffffu), ACL_ENTRY(0x10, 4, 0xffffffffu),             \
			ACL_ENTRY(0x20, 0, 0xffffffffu)                                            \
	}

static void access_lists_are_kept(void **state)
{
	static const unsigned char acl[] = ACL(4), other[] = ACL(6);
	unsigned char now[sizeof(acl) + 1];
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	scratch_puts("d/f.yaml", "old");
	scratch_puts("d/g.yaml", "old");
	assert_int_equal(chmod("d/g.yaml", 0640), 0);
	if (setxattr("d/f.yaml", "system.posix_acl_access", acl, sizeof(acl), 0))
		skip();
	/* what the directory would give new files is not given to these */
	assert_int_equal(setxattr("d", "system.posix_acl_default", other, sizeof(other), 0), 0);
	assert_replaced("d/f.yaml", "new");
	assert_replaced("d/g.yaml", "new");
	assert_int_equal(getxattr("d/f.yaml", "system.posix_acl_access", now, sizeof(now)),
			 sizeof(acl));
	assert_memory_equal(now, acl, sizeof(acl));
	assert_int_equal(getxattr("d/g.yaml", "system.posix_acl_access", now, sizeof(now)), -1);
	assert_int_equal(errno, ENODATA);
	assert_int_equal(stat("d/g.yaml", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void out_of_memory_is_survived(void **state)
{
	unsigned long n = 0;
	int failed;

	(void)state;
	do {
		struct ifx_buf err;
		struct stat before;
		ifx_status st;

		scratch_puts("f.yaml", "old");
		(void)!setxattr("f.yaml", "user.note", "hello", 5, 0);
		ifx_buf_init(&err, 1000);
		assert_int_equal(stat("f.yaml", &before), 0);
		ifx_alloc_fail_at(++n);
		st = ifx_inplace("f.yaml", &before, IFX_LIT("new"), IFX_NONE, &err);
		failed = ifx_alloc_failed();
		ifx_alloc_fail_at(0);
		assert_int_equal(st, failed ? IFX_ENOMEM : IFX_OK);
		assert_true(scratch_holds("f.yaml", failed ? "old" : "new", 3));
		assert_int_equal(count_entries("."), 1);
		ifx_buf_release(&err);
	} while (failed);
	assert_true(n > 1);
}

#define DISK(name) cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK(the_new_bytes_are_there),
		DISK(mode_is_kept),
		DISK(owner_is_kept),
		DISK(what_must_stay_is_refused),
		DISK(a_file_that_changed_is_left_alone),
		DISK(rights_are_respected),
		DISK(a_full_disk_loses_nothing),
		DISK(attributes_are_kept),
		DISK(access_lists_are_kept),
		DISK(a_backup_is_the_old_file),
		DISK(a_backup_follows_no_link),
		DISK(without_its_backup_nothing_is_written),
		DISK(a_backup_of_an_interrupted_run_is_taken),
		DISK(only_our_own_temporary_files_are_swept),
		DISK(an_open_temporary_file_is_not_swept),
		DISK(out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
