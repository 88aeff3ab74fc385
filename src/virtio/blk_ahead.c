// SPDX-License-Identifier: Apache-2.0
// What was taken, and what the host hears of it. See blk_ahead.h.
#include "src/virtio/blk_ahead.h"

#include <stdlib.h>

// A longer read is no better for being told of: it keeps the host's disk busy
// alone.
#define TOLD_MAX (UINT32_C(256) << 10)

// After a read that had to wait, the host is told of what so many requests will
// read. To tell it of what it has in memory is a sixth of the cost of reading
// 4 KiB from there.
#define PATIENCE (2 * BLK_AHEAD_MAX)

bool blk_ahead_init(struct blk_ahead *a)
{
    *a = (struct blk_ahead){
        .taken = calloc(BLK_AHEAD_MAX, sizeof *a->taken),
        .max = BLK_AHEAD_MAX,
    };
    return a->taken;
}

void blk_ahead_free(struct blk_ahead *a)
{
    free(a->taken);
    a->taken = NULL;
}

static struct blk_request *number(const struct blk_ahead *a, unsigned i)
{
    return &a->taken[(a->first + i) % BLK_AHEAD_MAX];
}

// What a request wants to read, in bytes: 0 for another kind.
static uint32_t reads(const struct blk_request *r)
{
    return r->header.type == BLK_T_IN && r->chain.writable
               ? r->chain.writable - 1
               : 0;
}

static void look_at(struct blk_ahead *a, struct blk_request *r)
{
    r->header = (struct blk_header){0};
    virtq_read(&r->chain, 0, &r->header, sizeof r->header);
    uint32_t len = reads(r);
    r->goes_on = r->header.sector == a->read_end;
    if (len)
        a->read_end = r->header.sector + len / DISK_SECTOR;
}

const struct blk_request *blk_ahead_take(struct blk_ahead *a,
                                         struct virtio_device *dev)
{
    while (a->count < a->max) {
        struct blk_request *r = number(a, a->count);
        int got = a->count ? virtq_pop(&dev->queues[0], &r->chain)
                           : virtio_pop(dev, 0, &r->chain);
        if (got <= 0)
            break;
        look_at(a, r);
        a->count++;
    }
    return a->count ? number(a, 0) : NULL;
}

void blk_ahead_tell(struct blk_ahead *a, struct disk_image *disk)
{
    if (disk_image_has_waited(disk))
        a->patience = PATIENCE;
    if (!a->patience)
        return;
    a->patience--;
    // The first has its turn now. What is read from one end to the other the
    // host notices itself, and is better at.
    for (unsigned i = a->told ? a->told : 1; i < a->count; i++) {
        const struct blk_request *r = number(a, i);
        uint32_t len = reads(r);
        uint64_t offset;
        if (len && len <= TOLD_MAX && !r->goes_on &&
            disk_image_place(disk, r->header.sector, len, &offset))
            disk_image_expect(disk, offset, len);
    }
    a->told = a->count;
}

void blk_ahead_done(struct blk_ahead *a)
{
    a->count--;
    a->told -= a->told != 0;
    // Where there is but one at a time it is always the same place.
    a->first = a->count ? (a->first + 1) % BLK_AHEAD_MAX : 0;
}

void blk_ahead_drop(struct blk_ahead *a)
{
    a->first = a->count = a->told = 0;
}
