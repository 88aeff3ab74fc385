// SPDX-License-Identifier: Apache-2.0
// One virtiofsd process, sharing one directory: with the rig, or with a guest.
// Threads: any; see process_spawn for whose end is the process's.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Finds the program in the places where distributions put it. -ENOENT with the
// package that has it.
int virtiofsd_find(char *path, size_t size, struct error *err);

struct virtiofsd_spec {
    const char *program; // its path
    const char *dir;     // what it shares
    // False: it can change nothing, as all that it sees is mounted read-only in
    // a mount namespace of its own.
    bool writable;
    // That must be so (else it is a second lock, which old kernels lack), and
    // it has no network either where that can be had.
    bool strict;
    // What others change there is seen within a second; else it is cached for
    // as long as the process lives.
    bool follows;
    int log; // where its messages go
};

// Starts it. *socket becomes the front end's end of the vhost-user connection,
// non-blocking. Nothing of it has a name in the file system, and it ends with
// the connection. The pid (process_kill), or a negative errno with a sentence.
pid_t virtiofsd_start(const struct virtiofsd_spec *spec, int *socket,
                      struct error *err);

// Makes the calling process able to chroot: as root nothing is needed, other
// users enter a user namespace. 0, or what forbids it and the cure.
int virtiofsd_privileges(struct error *err);
