// SPDX-License-Identifier: Apache-2.0
// A guest's driver without a guest: reads from a virtio-blk device of ours, as
// many at a time as is asked. For disk.c.
#pragma once

#include "src/virtio/blk.h"

#define DISK_GUEST_DEPTH 32         // reads at a time at most
#define DISK_GUEST_BYTES (1U << 20) // of one at most

struct disk_guest {
    struct guest_memory memory;
    struct virtio_blk blk;
    pthread_cond_t interrupted;
    uint16_t offered, used;
    uint64_t interrupts;
};

// The disk's thread takes up to ahead requests before it serves one. Ends the
// process when it can't be.
void disk_guest_open(struct disk_guest *g, const char *path, unsigned ahead);
void disk_guest_close(struct disk_guest *g);

// Reads len bytes at each of n offsets, depth at a time. Ends the process when
// one fails.
void disk_guest_read(struct disk_guest *g, const uint64_t *offsets, size_t n,
                     uint32_t len, unsigned depth);
