// SPDX-License-Identifier: Apache-2.0
// The folder. See fs.h.
#include "src/virtio/fs.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct virtio_fs_config) == 40, "5.11.4");

static const void *config(void *owner)
{
    struct virtio_fs *fs = owner;
    return &fs->config;
}

static void start(void *owner, uint64_t features)
{
    struct virtio_fs *fs = owner;
    virtio_vhost_start(&fs->vhost, features);
}

static void kick(void *owner, unsigned queue)
{
    struct virtio_fs *fs = owner;
    virtio_vhost_kick(&fs->vhost, queue);
}

static void events(void *owner, unsigned queue, int *to_it, int *from_it)
{
    struct virtio_fs *fs = owner;
    virtio_vhost_events(&fs->vhost, queue, to_it, from_it);
}

static void direct(void *owner, unsigned queue, bool is_direct)
{
    struct virtio_fs *fs = owner;
    virtio_vhost_direct(&fs->vhost, queue, is_direct);
}

static void stop(void *owner)
{
    struct virtio_fs *fs = owner;
    virtio_vhost_stop(&fs->vhost);
}

static const struct virtio_ops ops = {
    .name = "virtio-fs",
    .id = VIRTIO_ID_FS,
    .nqueues = VIRTIO_FS_QUEUES,
    .config_len = sizeof(struct virtio_fs_config),
    .config = config,
    .start = start,
    .kick = kick,
    .events = events,
    .direct = direct,
    .stop = stop,
};

int virtio_fs_init(struct virtio_fs *fs, const char *tag,
                   struct vhost_backend *backend,
                   const struct guest_memory *memory,
                   const struct guard_seat *seat, struct error *err)
{
    size_t len = strlen(tag);
    int code =
        virtio_vhost_init(&fs->vhost, &ops, fs, backend, memory, 0, seat, err);
    fs->config = (struct virtio_fs_config){.queues = VIRTIO_FS_QUEUES - 1};
    if (code == 0 && (len < 1 || len > VIRTIO_FS_TAG_MAX))
        code = error_set(err, -EINVAL, "a tag has 1 to %d bytes",
                         VIRTIO_FS_TAG_MAX);
    if (code == 0)
        memcpy(fs->config.tag, tag, len);
    return code;
}

void virtio_fs_destroy(struct virtio_fs *fs)
{
    virtio_vhost_destroy(&fs->vhost);
}
