// SPDX-License-Identifier: Apache-2.0
// virtio-balloon (virtio 1.2, section 5.5): memory that the guest does not use
// goes back to the host. It is asked for none; what it tells by itself is its
// free pages (free page reporting), as they become free.
#pragma once

#include "src/virtio/device.h"

// Pages that one buffer of the balloon's queues may name.
#define VIRTIO_BALLOON_PAGES 256

struct virtio_balloon_config { // 5.5.4, little-endian
    uint32_t num_pages;        // that the guest is asked for: none
    uint32_t actual;           // that the driver says to have given
    uint32_t free_page_hint_cmd_id, poison_val;
};

// Owned by who wires it. The device's lock guards it.
struct virtio_balloon {
    struct virtio_device device;
    struct virtio_balloon_config config;
    struct virtq_chain chain;
    uint64_t given_back; // bytes, ever
};

void virtio_balloon_init(struct virtio_balloon *balloon,
                         const struct guest_memory *memory);
void virtio_balloon_destroy(struct virtio_balloon *balloon);

// Bytes that the host has got back so far; of a page each time. Any thread.
uint64_t virtio_balloon_given_back(struct virtio_balloon *balloon);
