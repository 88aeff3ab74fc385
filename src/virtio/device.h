// SPDX-License-Identifier: Apache-2.0
// A virtio device without its transport (virtio 1.2, chapters 2 and 3): status,
// features, queues, what the guest did wrong. The same device lies behind PCI
// and behind memory-mapped registers.
#pragma once

#include "src/base/guest_memory.h"
#include "src/virtio/queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_QUEUES_MAX 16

enum virtio_status { // 2.1
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

enum virtio_id { // chapter 5
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLK = 2,
    VIRTIO_ID_CONSOLE = 3,
    VIRTIO_ID_RNG = 4,
    VIRTIO_ID_BALLOON = 5,
    VIRTIO_ID_VSOCK = 19,
    VIRTIO_ID_FS = 26,
};

// Chapter 6.
#define VIRTIO_F_INDIRECT    (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_INDEX (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1   (UINT64_C(1) << 32)
#define VIRTIO_F_PACKED      (UINT64_C(1) << 34)

struct virtio_device;

// What a kind of device does. All are called with the device's lock held, on
// the thread that made the access; none may block but stop and drop.
struct virtio_ops {
    const char *name; // "virtio-blk", for messages
    uint32_t id;      // enum virtio_id
    unsigned nqueues; // 1..VIRTIO_QUEUES_MAX
    // Its configuration, little-endian; bytes beyond it are zero.
    size_t config_len;
    const void *(*config)(void *owner);
    // The driver wrote a byte of it (offset below config_len); or NULL.
    void (*write_config)(void *owner, size_t offset, uint8_t value);
    // DRIVER_OK was set: queues may be used, features are what was agreed on.
    void (*start)(void *owner, uint64_t features);
    // The driver has put buffers into a queue. Only while it runs.
    void (*kick)(void *owner, unsigned queue);
    // A device whose rings another program serves: the eventfds of a queue, by
    // which the driver notifies it, and it the driver. NULL: it has none.
    void (*events)(void *owner, unsigned queue, int *kick, int *call);
    // Whether somebody else answers the call's signals, and the device shall
    // not. With events only.
    void (*direct)(void *owner, unsigned queue, bool direct);
    // The driver takes a queue back, which gives nothing any more: as stop, for
    // that queue; or NULL.
    void (*drop)(void *owner, unsigned queue);
    // Reset: when it returns the device touches the guest's memory no more. It
    // may let go of the lock while it waits for what is under way.
    void (*stop)(void *owner);
};

// How a device interrupts: the transport's affair. With the lock held.
struct virtio_interrupt {
    void (*queue)(void *owner, unsigned queue); // buffers were given back
    void (*config)(void *owner);                // configuration or status
    void *owner;
};

// Owned by the device's kind, which embeds it. lock guards everything in it,
// its transport's registers and its kind's own state, unless said otherwise.
struct virtio_device {
    pthread_mutex_t lock;
    const struct virtio_ops *ops;
    void *owner;
    const struct guest_memory *memory;
    struct virtio_interrupt interrupt; // the transport's
    uint8_t status;
    uint64_t offered;  // the features that there are
    uint64_t features; // what the driver has chosen
    uint8_t generation;
    struct virtq queues[VIRTIO_QUEUES_MAX];
    struct virtq_setup setups[VIRTIO_QUEUES_MAX]; // as written so far
    bool enabled[VIRTIO_QUEUES_MAX];
    uint64_t refusals; // what the driver did wrong, ever
    char refusal[96];  // the last of them, for the report
};

// memory outlives the device. ops is static; features are those of its kind,
// those of the rings come by themselves.
void virtio_init(struct virtio_device *dev, const struct virtio_ops *ops,
                 void *owner, const struct guest_memory *memory,
                 uint64_t features);
void virtio_destroy(struct virtio_device *dev);

// ---- For transports, with the lock held ------------------------------------

// Writes of status: 0 resets. FEATURES_OK stays clear when the features that
// the driver chose can't be had (3.1.1).
void virtio_set_status(struct virtio_device *dev, uint8_t status);

// Writes of the features, before FEATURES_OK; ignored after it.
void virtio_set_features(struct virtio_device *dev, unsigned word,
                         uint32_t bits);

// The driver enables a queue (number below ops->nqueues) that setups[] has.
void virtio_enable_queue(struct virtio_device *dev, unsigned queue);

// The driver takes a queue back: what it offered there is not given back any
// more.
void virtio_disable_queue(struct virtio_device *dev, unsigned queue);

void virtio_kick(struct virtio_device *dev, unsigned queue);

// Its configuration: width 1, 2, 4 or 8.
uint64_t virtio_read_config(struct virtio_device *dev, uint64_t offset,
                            unsigned width);
void virtio_write_config(struct virtio_device *dev, uint64_t offset,
                         unsigned width, uint64_t value);

// ---- For the devices, with the lock held -----------------------------------

// The driver has set the device up, and neither has given up since.
bool virtio_runs(const struct virtio_device *dev);

// virtq_pop; what the driver did wrong is noted, and the device asks for its
// reset (2.1.2).
int virtio_pop(struct virtio_device *dev, unsigned queue,
               struct virtq_chain *chain);

// Gives a buffer back. virtio_interrupt_queue, when all are, tells the driver.
void virtio_push(struct virtio_device *dev, unsigned queue,
                 const struct virtq_chain *chain, uint32_t written);
void virtio_interrupt_queue(struct virtio_device *dev, unsigned queue);

// The device's own rules were broken (a request without room for its answer):
// counted and told like a fault of a ring; why is a sentence part.
void virtio_refuse(struct virtio_device *dev, const char *why);

// The same where the device goes on: one of its connections is at fault.
void virtio_note(struct virtio_device *dev, const char *why);

// The configuration has changed.
void virtio_config_changed(struct virtio_device *dev);
