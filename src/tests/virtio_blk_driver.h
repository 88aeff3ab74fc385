// SPDX-License-Identifier: Apache-2.0
// A block device with a driver at it, for the tests of virtio-blk: a small
// image whose sector number i is full of i + 1, a queue, and requests, one or
// many at a time.
#pragma once

#include "src/tests/guard_fixture.h"
#include "src/tests/virtio_driver.h"
#include "src/virtio/blk.h"

#define BLK_SECTORS UINT64_C(64)
#define BLK_SLOTS   40 // requests at a time: more than the device takes at once
#define BLK_QUEUE   128
// What a slot's request has in guest memory.
#define BLK_HEADER(slot) (DRIVER_BUFFERS + 16 * (uint64_t)(slot))
#define BLK_DATA(slot)   (DRIVER_BUFFERS + 0x1000 + 0x4000 * (uint64_t)(slot))
#define BLK_STATUS(slot) (DRIVER_BUFFERS + 0x100000 + (uint64_t)(slot))
#define BLK_UNTOUCHED    0xee // a status that the device has not written

struct blk_driver {
    struct guard_log guard; // its thread runs inside of its list
    struct driver d;
    struct virtio_blk blk;
    char path[64];
    unsigned interrupts; // under the device's lock
    pthread_cond_t interrupted;
    // On the disk's thread, with the lock held; or NULL.
    void (*on_interrupt)(struct blk_driver *f);
};

// The device takes up to ahead requests before it serves one.
void blk_set_up(struct blk_driver *f, enum disk_mode mode, unsigned ahead);
// The same with a disk that is described, of an image that is f->path or not.
void blk_set_up_disk(struct blk_driver *f, const struct virtio_blk_setup *setup,
                     unsigned ahead);
void blk_tear_down(struct blk_driver *f);

// Makes f->path, an image of whole pages, each full of its number.
void blk_make_image(struct blk_driver *f, unsigned pages);

// Takes the device into use, anew after a reset.
void blk_start(struct blk_driver *f);

// Offers a request with len bytes of data, at most 16 KiB unless it is the only
// one, without telling the device. It takes the descriptors from 3*slot on.
void blk_offer(struct blk_driver *f, unsigned slot, uint32_t type,
               uint64_t sector, uint32_t len, bool in);

// Lets the device see what is offered, and waits for an interrupt, or until it
// has given back so many of all that it was offered since it was started.
void blk_kick_and_wait(struct blk_driver *f);
void blk_kick_and_wait_for(struct blk_driver *f, uint16_t used);

// One request, in slot 0; its status.
uint8_t blk_request(struct blk_driver *f, uint32_t type, uint64_t sector,
                    uint32_t len, bool in);

uint8_t *blk_data(struct blk_driver *f, unsigned slot);
uint8_t blk_status(struct blk_driver *f, unsigned slot);
