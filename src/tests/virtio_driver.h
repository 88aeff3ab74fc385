// SPDX-License-Identifier: Apache-2.0
// A driver for the tests of src/virtio: guest memory with a queue of either
// ring format in it, and what a driver writes there.
#pragma once

#include "src/virtio/queue.h"

#include <stdbool.h>
#include <stdint.h>

#define DRIVER_MEMORY  (UINT64_C(4) << 20)
#define DRIVER_DESC    UINT64_C(0x10000)
#define DRIVER_AVAIL   UINT64_C(0x20000)
#define DRIVER_USED    UINT64_C(0x30000)
#define DRIVER_BUFFERS UINT64_C(0x100000)

enum {
    D_NEXT = 1,
    D_WRITE = 2,
    D_INDIRECT = 4,
    D_AVAIL = 0x80,
    D_USED = 0x8000
};

struct driver {
    struct guest_memory memory;
    struct virtq_setup setup;
    uint16_t next_avail; // split: free-running; packed: a slot
    bool wrap;
    uint16_t used; // how many were seen used (split)
};

// Maps memory and lays out a queue.
void driver_init(struct driver *d, uint16_t size, bool packed);
void driver_free(struct driver *d);

void *driver_at(const struct driver *d, uint64_t gpa, uint64_t len);

// Writes descriptor number i: of the split ring with a next one.
void driver_desc(struct driver *d, unsigned i, uint64_t gpa, uint32_t len,
                 uint16_t flags, uint16_t next);

// Offers the chain that begins with descriptor head (split).
void driver_offer(struct driver *d, uint16_t head);
uint16_t driver_index(const struct driver *d);
void driver_set_index(struct driver *d, uint16_t index);
void driver_set_used_event(struct driver *d, uint16_t index);

// What the device gave back (split): the index, an element.
uint16_t driver_used_index(const struct driver *d);
void driver_used(const struct driver *d, unsigned slot, uint32_t *id,
                 uint32_t *len);

// Puts a descriptor into the next slot of a packed ring; what is D_NEXT goes on
// in the one after it.
void driver_put(struct driver *d, uint64_t gpa, uint32_t len, uint16_t id,
                uint16_t flags);
