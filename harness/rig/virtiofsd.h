// SPDX-License-Identifier: Apache-2.0
// One virtiofsd process, sharing one directory. Called by machine.c.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Finds the program in the places where distributions put it. -ENOENT.
int virtiofsd_find(char *path, size_t size, struct error *err);

// Starts path for dir; its messages go to log. *socket becomes QEMU's end of
// the vhost-user connection. A read-only share is cached for as long as the
// rig lives, a writable one follows the host within a second. Returns the pid
// or a negative errno.
pid_t virtiofsd_start(const char *path, const char *dir, bool writable, int log,
                      int *socket, struct error *err);

// Makes the calling process able to chroot: as root nothing is needed, other
// users enter a user namespace. 0, or what forbids it and the cure.
int virtiofsd_privileges(struct error *err);
