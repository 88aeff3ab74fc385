// SPDX-License-Identifier: Apache-2.0
// A list of the files that a process may use, which the kernel keeps (landlock,
// Linux 5.13; its Documentation/userspace-api/landlock.rst). What is not on it
// can't be opened, made, renamed or removed any more; what is open stays so.
// Since Linux 6.7 also of the TCP ports that it may bind and connect to.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stdint.h>

// What may be done with a file, or with all that is in a folder, as bits.
enum files_right {
    FILES_READ = 1,  // folders, too
    FILES_WRITE = 2, // what is there
    FILES_MAKE = 4,  // in a folder: make, rename and remove files
    FILES_MEET = 8,  // in a folder: make sockets, and remove files
};

enum files_port { FILES_BIND, FILES_CONNECT };

// One that is being written. Plain value, of one thread.
struct files_list {
    int fd;
    int version; // of the kernel's landlock
};

// The version of landlock that this kernel has; 0: none. Any thread.
int files_list_version(void);

// An empty one: nothing is on it. Also of ports, where the kernel can, when
// they are to be listed. 0; -EOPNOTSUPP without a sentence: this kernel has no
// such lists; another negative errno with one.
int files_list_open(struct files_list *list, bool ports, struct error *err);

// Rights, as bits, to what lies now at path, or is behind a descriptor; of
// those that there are for its kind. 0, also where nothing lies there; or a
// negative errno.
int files_list_add(const struct files_list *list, const char *path,
                   unsigned rights);
int files_list_add_open(const struct files_list *list, int fd, unsigned rights);

// A port of TCP; nothing where the kernel can't.
int files_list_add_port(const struct files_list *list, enum files_port what,
                        uint16_t port);

// The list holds for the calling thread, and what it starts from now on: there
// is no way back. It must have PR_SET_NO_NEW_PRIVS. 0 or a negative errno.
int files_list_enforce(const struct files_list *list);

void files_list_close(struct files_list *list);
