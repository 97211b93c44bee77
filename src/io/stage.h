/*
 * The new bytes of one file: on the disk, in the same directory, with owner, mode, access control
 * list and, as far as we may, other extended attributes of the old file, and not yet in its place.
 *
 * Until it gets its place the new file has no name where the file system allows that (O_TMPFILE),
 * so that nothing stays of it whenever we are killed. Where it needs one, the name tells its inode:
 * `.istio-fix.` and 16 hexadecimal digits. A file that came from elsewhere, with an archive or
 * a commit, can have such a name, but not that inode; so what a run left behind can be told from
 * what is somebody's.
 */
#ifndef IFX_IO_STAGE_H
#define IFX_IO_STAGE_H

#include "base/buf.h"

#include <sys/stat.h>

/** Room for the name of a temporary file, NUL included. */
#define IFX_TEMP_NAME sizeof(".istio-fix.0123456789abcdef")

struct ifx_stage {
	struct ifx_buf dir;
	const char *name;         /* of the original, in its directory */
	int dirfd, fd;            /* of the directory; of the new file */
	bool can_flush;           /* the directory could be opened for reading */
	bool unnamed;             /* the new file has no name yet; it will be `temp` */
	char temp[IFX_TEMP_NAME]; /* empty: there is no new file */
	struct stat before;       /* of the original, when it was read */
	ino_t ino;                /* of the new file */
	struct ifx_buf *err;      /* one line when something fails, without file name */
};

/** The name of a temporary file with this inode. */
void ifx_temp_name(char name[IFX_TEMP_NAME], ino_t ino);
/** Is this a name that we give to temporary files? */
bool ifx_is_temp_name(const char *name);
/** Remove it if it is the file with this inode. */
void ifx_temp_remove(int dirfd, const char *name, ino_t ino);
/**
 * Remove a temporary file that a run left behind which was killed: only if its name tells its
 * inode (or it is empty and has a name from before that), it is ours, and no run has it open. Where
 * it is a second name of a file, the file keeps the other one.
 */
void ifx_temp_sweep(int dirfd, const char *name);

/** path: NUL-terminated, and outlives the stage. To be closed whatever is returned. */
IFX_MUST_USE ifx_status ifx_stage_open(struct ifx_stage *s, const char *path,
				       const struct stat *before, struct ifx_buf *err);
/**
 * Is the file still the one that was read, and one that may be replaced? backup: a name beside it
 * that may be a second link to it; NULL: none.
 */
IFX_MUST_USE ifx_status ifx_stage_check(struct ifx_stage *s, const char *backup);
/** Write the new file, and flush it. */
IFX_MUST_USE ifx_status ifx_stage_write(struct ifx_stage *s, ifx_str bytes);
/** Give it its name, if it has none. An errno, or 0. Safe behind vfork. */
IFX_MUST_USE int ifx_stage_name(struct ifx_stage *s);
/** Removes the new file, unless `temp` was emptied. errno stays. */
void ifx_stage_close(struct ifx_stage *s);

/** Say that `what` failed with this errno, and set errno. Returns IFX_EIO. */
ifx_status ifx_stage_fail(struct ifx_stage *s, const char *what, int code);
/** Flush a file or directory; where there is nothing to flush that is fine. */
IFX_MUST_USE ifx_status ifx_flush(int fd);

#endif
