/* Files by device and inode, each with a number: a hash table. */
#ifndef IFX_IO_FILE_SET_H
#define IFX_IO_FILE_SET_H

#include "base/str.h"

#include <stddef.h>
#include <sys/types.h>

/** All zero is an empty set. */
struct ifx_file_set {
	struct ifx_file_slot {
		dev_t dev;
		ino_t ino;
		size_t number; /* 0: the slot is free */
	} * slots;
	size_t n, cap;
};

void ifx_file_set_release(struct ifx_file_set *set);
/** The number that the file was added with; 0: it is not there. */
size_t ifx_file_set_find(const struct ifx_file_set *set, dev_t dev, ino_t ino);
/** Add a file that is not there. number: not 0. */
IFX_MUST_USE ifx_status ifx_file_set_add(struct ifx_file_set *set, dev_t dev, ino_t ino,
					 size_t number);

#endif
