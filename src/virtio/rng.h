// SPDX-License-Identifier: Apache-2.0
// virtio-rng, the entropy device (virtio 1.2, section 5.4): random bytes from
// the host's kernel.
#pragma once

#include "src/virtio/device.h"

// At most so many bytes for each buffer: a guest that wants more asks again.
#define VIRTIO_RNG_MAX 4096

// Owned by who wires it. The device's lock guards it.
struct virtio_rng {
    struct virtio_device device;
    struct virtq_chain chain;
    // Fills buf; false when it can't. The host's kernel unless a test gives
    // another.
    bool (*fill)(void *buf, size_t len);
};

void virtio_rng_init(struct virtio_rng *rng, const struct guest_memory *memory);
void virtio_rng_destroy(struct virtio_rng *rng);
