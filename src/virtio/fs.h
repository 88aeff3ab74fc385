// SPDX-License-Identifier: Apache-2.0
// virtio-fs, a folder of the host's in the guest (virtio 1.2, section 5.11),
// whose requests a virtiofsd answers. `mount -t virtiofs TAG DIR` in the guest.
#pragma once

#include "src/virtio/vhost.h"

#define VIRTIO_FS_TAG_MAX 36
// One for what must not wait behind others, one for requests.
#define VIRTIO_FS_QUEUES 2

struct virtio_fs_config { // 5.11.4, little-endian
    char tag[VIRTIO_FS_TAG_MAX];
    uint32_t queues; // for requests
};

// Owned by who wires it, never moved.
struct virtio_fs {
    struct virtio_vhost vhost;
    struct virtio_fs_config config;
};

// A folder by this name, 1 to VIRTIO_FS_TAG_MAX bytes. backend and memory
// outlive it. Errors as virtio_vhost_init, -EINVAL for a name; destroy it
// either way.
int virtio_fs_init(struct virtio_fs *fs, const char *tag,
                   struct vhost_backend *backend,
                   const struct guest_memory *memory,
                   const struct guard_seat *seat, struct error *err);
void virtio_fs_destroy(struct virtio_fs *fs);
