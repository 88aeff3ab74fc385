// SPDX-License-Identifier: Apache-2.0
// One qemu-storage-daemon, serving one disk image by vhost-user-blk. Threads:
// any; see process_spawn for whose end is the process's.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Finds the program. -ENOENT with the package that has it.
int storage_find(char *path, size_t size, struct error *err);

struct storage_spec {
    const char *program; // its path
    int image;           // open; for writing, when it is writable
    const char *format;  // "qcow2", as the program calls it
    bool writable;
    int log; // where its messages go
};

// Starts it. It opens the image that it inherits and nothing that is named in
// there. *socket becomes the front end's end of the vhost-user connection,
// non-blocking. The pid (process_end), or a negative errno with a sentence.
pid_t storage_start(const struct storage_spec *spec, int *socket,
                    struct error *err);
