// SPDX-License-Identifier: Apache-2.0
// The files by which programs of the host's meet a guest: the socket PATH, to
// which they connect, and PATH_PORT, where they listen for what the guest
// connects to.
#pragma once

#include "src/base/error.h"

#include <stdint.h>
#include <sys/types.h>

// Bytes of a path, so that there is room for `_` and a port behind it.
#define VSOCK_PATH_MAX 96

// A socket that was bound here, so that no other one is removed.
struct vsock_file {
    char path[VSOCK_PATH_MAX + 1]; // "": none
    dev_t dev;
    ino_t ino;
};

// Whether one can listen there: 0; -ENAMETOOLONG; -ENOENT, -ENOTDIR, -EACCES:
// its folder; -EEXIST: something else is there; -EADDRINUSE: somebody listens
// there; each with a sentence. A socket that nobody listens on is no obstacle.
int vsock_path_check(const char *path, struct error *err);

// Listens there, in place of a socket that nobody listens on. A descriptor that
// does not block, or a negative errno with a sentence, as vsock_path_check.
int vsock_path_listen(const char *path, struct vsock_file *file,
                      struct error *err);

// Removes the socket, if it is still that one: as long as its descriptor is
// open no other one looks the same.
void vsock_path_remove(struct vsock_file *file);

// Connects to who listens at PATH_PORT. Does not block: a descriptor that does
// not either, or a negative errno: -ENOENT, -ECONNREFUSED, -EAGAIN (too many
// wait there already), ...
int vsock_path_dial(const struct vsock_file *file, uint32_t port);
