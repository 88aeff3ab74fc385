// SPDX-License-Identifier: Apache-2.0
// Requests that a block device has taken from its queue before it serves the
// first of them, so that the host can be told what those behind it will read,
// and fetches that meanwhile. Private to src/virtio.
#pragma once

#include "src/virtio/blk_wire.h"
#include "src/virtio/device.h"
#include "src/virtio/disk_image.h"

#define BLK_AHEAD_MAX 32

struct blk_request {
    struct blk_header header; // read once; zeros when there is too little
    struct virtq_chain chain;
    bool goes_on; // it reads on where the one before ended
};

// Owned by the device, whose lock guards all changes; the disk's thread looks
// at it without the lock while the device says that it is busy.
struct blk_ahead {
    struct blk_request *taken; // a ring of BLK_AHEAD_MAX places
    unsigned max;              // how many may be taken: 1..BLK_AHEAD_MAX
    unsigned first, count;
    // The disk's thread's: how many of them, from the first on, the host was
    // told of; for how many requests it will be told; where the last read ends,
    // a sector.
    unsigned told, patience;
    uint64_t read_end;
};

// False: out of memory.
bool blk_ahead_init(struct blk_ahead *a);
void blk_ahead_free(struct blk_ahead *a);

// Takes what the driver offers in the device's queue 0, as far as there is room
// for it. With the lock held. What the driver does wrong is refused when all
// before it is done. The one whose turn it is, or NULL: there is none. It stays
// where it is until blk_ahead_done or blk_ahead_drop.
const struct blk_request *blk_ahead_take(struct blk_ahead *a,
                                         struct virtio_device *dev);

// The host hears of what the others will read when the image's reads have had
// to wait lately, or nobody can tell: without the lock.
void blk_ahead_tell(struct blk_ahead *a, struct disk_image *disk);

// The first is done, or all of them are forgotten. With the lock held.
void blk_ahead_done(struct blk_ahead *a);
void blk_ahead_drop(struct blk_ahead *a);
