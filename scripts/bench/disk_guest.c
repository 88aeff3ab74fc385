// SPDX-License-Identifier: Apache-2.0
// See disk_guest.h.
#include "scripts/bench/disk_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Guest memory: a queue, and a header, a status and data for each slot, whose
// requests have three descriptors from 3*slot on.
#define MEMORY      (UINT64_C(40) << 20)
#define QUEUE_SIZE  128
#define DESCRIPTORS UINT64_C(0x10000)
#define DRIVER      UINT64_C(0x20000)
#define DEVICE      UINT64_C(0x30000)
#define HEADERS     UINT64_C(0x40000)
#define STATUSES    UINT64_C(0x50000)
#define DATA        UINT64_C(0x100000)

enum { NEXT = 1, WRITE = 2 };

struct descriptor {
    uint64_t gpa;
    uint32_t len;
    uint16_t flags, next;
};

static void die(const char *what)
{
    fprintf(stderr, "bench-disk: %s\n", what);
    exit(3);
}

static void *at(struct disk_guest *g, uint64_t gpa, uint64_t len)
{
    return guest_memory_at(&g->memory, gpa, len);
}

static void interrupt(void *owner, unsigned queue)
{
    struct disk_guest *g = owner;
    (void)queue;
    g->interrupts++;
    pthread_cond_signal(&g->interrupted);
}

static void config_interrupt(void *owner)
{
    (void)owner;
    die("the device needs a reset");
}

static void start(struct disk_guest *g)
{
    struct virtio_device *dev = &g->blk.device;
    pthread_mutex_lock(&dev->lock);
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 1, VIRTIO_F_VERSION_1 >> 32);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    dev->setups[0] = (struct virtq_setup){.size = QUEUE_SIZE,
                                          .descriptors = DESCRIPTORS,
                                          .driver = DRIVER,
                                          .device = DEVICE};
    virtio_enable_queue(dev, 0);
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
    pthread_mutex_unlock(&dev->lock);
}

void disk_guest_open(struct disk_guest *g, const char *path, unsigned ahead)
{
    struct error err = {""};
    const struct virtio_blk_setup setup = {.path = path,
                                           .mode = DISK_CHANGES_DROPPED};
    *g = (struct disk_guest){.used = 0};
    pthread_cond_init(&g->interrupted, NULL);
    if (guest_memory_map(&g->memory, MEMORY, &err) ||
        virtio_blk_init(&g->blk, &setup, &g->memory, &err))
        die(err.text);
    g->blk.ahead.max = ahead;
    g->blk.device.interrupt =
        (struct virtio_interrupt){interrupt, config_interrupt, g};
    start(g);
}

void disk_guest_close(struct disk_guest *g)
{
    virtio_blk_destroy(&g->blk);
    guest_memory_unmap(&g->memory);
    pthread_cond_destroy(&g->interrupted);
}

static void offer(struct disk_guest *g, unsigned slot, uint64_t offset,
                  uint32_t len)
{
    const struct blk_header header = {BLK_T_IN, 0, offset / DISK_SECTOR};
    uint64_t header_at = HEADERS + slot * sizeof header;
    uint16_t first = (uint16_t)(3 * slot);
    const struct descriptor chain[] = {
        {header_at, sizeof header, NEXT, (uint16_t)(first + 1)},
        {DATA + slot * (uint64_t)DISK_GUEST_BYTES, len, NEXT | WRITE,
         (uint16_t)(first + 2)},
        {STATUSES + slot, 1, WRITE, 0},
    };
    memcpy(at(g, header_at, sizeof header), &header, sizeof header);
    memcpy(at(g, DESCRIPTORS + first * sizeof *chain, sizeof chain), chain,
           sizeof chain);
    *(uint8_t *)at(g, STATUSES + slot, 1) = UINT8_MAX;
    memcpy(at(g, DRIVER + 4 + g->offered % QUEUE_SIZE * UINT64_C(2), 2), &first,
           2);
    g->offered++;
    __atomic_store_n((uint16_t *)at(g, DRIVER + 2, 2), g->offered,
                     __ATOMIC_RELEASE);
}

// The slot of the next request that the device has done; false: none is.
static bool reap(struct disk_guest *g, unsigned *slot)
{
    uint32_t first;
    if (__atomic_load_n((uint16_t *)at(g, DEVICE + 2, 2), __ATOMIC_ACQUIRE) ==
        g->used)
        return false;
    memcpy(&first, at(g, DEVICE + 4 + g->used % QUEUE_SIZE * UINT64_C(8), 4),
           4);
    g->used++;
    *slot = first / 3;
    if (*(uint8_t *)at(g, STATUSES + *slot, 1) != BLK_S_OK)
        die("a read failed");
    return true;
}

void disk_guest_read(struct disk_guest *g, const uint64_t *offsets, size_t n,
                     uint32_t len, unsigned depth)
{
    struct virtio_device *dev = &g->blk.device;
    size_t next = 0, done = 0;
    for (; next < n && next < depth; next++)
        offer(g, (unsigned)next, offsets[next], len);
    pthread_mutex_lock(&dev->lock);
    virtio_kick(dev, 0);
    while (done < n) {
        unsigned slot;
        bool more = false;
        uint64_t seen = g->interrupts;
        pthread_mutex_unlock(&dev->lock);
        for (; reap(g, &slot); done++)
            if (next < n) {
                offer(g, slot, offsets[next++], len);
                more = true;
            }
        // What the device asks for: it says so while it works.
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        more &= !*(volatile uint16_t *)at(g, DEVICE, 2);
        pthread_mutex_lock(&dev->lock);
        if (more)
            virtio_kick(dev, 0);
        while (done < n && g->interrupts == seen)
            pthread_cond_wait(&g->interrupted, &dev->lock);
    }
    pthread_mutex_unlock(&dev->lock);
}
