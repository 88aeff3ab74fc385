// SPDX-License-Identifier: Apache-2.0
// virtio-blk, the block device (virtio 1.2, section 5.2): a disk image with a
// thread of its own, which does what the guest asks, in its order.
#pragma once

#include "src/host/guard.h"
#include "src/virtio/blk_ahead.h"
#include "src/virtio/blk_wire.h"
#include "src/virtio/device.h"
#include "src/virtio/disk_image.h"

#define VIRTIO_BLK_SERIAL_LEN 20

struct virtio_blk;

// What serves the disk's image is of no use any more; why is a sentence part.
// Once, on the disk's thread, without the lock.
typedef void virtio_blk_lost(void *owner, struct virtio_blk *blk,
                             const char *why);

// Owned by who wires it, never moved. The device's lock guards what follows it;
// the worker lets go of it while it uses the disk and what was taken.
struct virtio_blk {
    struct virtio_device device;
    struct disk_image disk;
    char serial[VIRTIO_BLK_SERIAL_LEN];
    struct virtio_blk_config config;
    pthread_t worker;
    bool has_worker;
    pthread_cond_t work, idle;
    bool kicked; // the queue may hold requests
    bool busy;   // the worker serves one, without the lock
    bool quit;
    struct blk_ahead ahead;
    uint64_t errors; // requests that the host could not do
    bool told_lost;  // the worker's
    virtio_blk_lost *on_lost;
    void *lost_owner;
    struct guard_seat seat; // the worker's
};

// What a disk is. serial is up to VIRTIO_BLK_SERIAL_LEN bytes, NULL for none;
// changes_max as for disk_image_open, 0 for DISK_CHANGES_MAX. image, when it is
// not NULL and open, is taken over with all that was written to it, instead of
// opening path; it is closed for its owner then. backend serves the image where
// that is not raw (disk_image_open); then on_lost, if not NULL, hears of its
// end.
struct virtio_blk_setup {
    const char *path, *serial;
    enum disk_mode mode;
    uint64_t changes_max;
    struct disk_image *image;
    struct vhost_backend *backend;
    virtio_blk_lost *on_lost;
    void *lost_owner;
    // Of the disk's thread, copied; NULL: it is not confined.
    const struct guard_seat *seat;
};

// Opens the image and starts the worker, with all signals blocked. 0, or a
// negative errno with a sentence, as disk_image_open; all is undone then.
int virtio_blk_init(struct virtio_blk *blk, const struct virtio_blk_setup *s,
                    const struct guest_memory *memory, struct error *err);
void virtio_blk_destroy(struct virtio_blk *blk);

// The same, but the image stays open, and *image owns it.
void virtio_blk_release(struct virtio_blk *blk, struct disk_image *image);

// Whether requests are under way, so that an interrupt is to come. Any thread.
bool virtio_blk_is_busy(struct virtio_blk *blk);
