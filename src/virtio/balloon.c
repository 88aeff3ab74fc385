// SPDX-License-Identifier: Apache-2.0
// The balloon. See balloon.h; sections are those of virtio 1.2.
#include "src/virtio/balloon.h"

#include <string.h>

_Static_assert(sizeof(struct virtio_balloon_config) == 16, "5.5.4");

#define F_REPORTING (UINT64_C(1) << 5)

// 5.5.2. Of the queues behind these two only that of free pages is used, which
// has the number 4 in the specification; drivers that leave out those of
// features that nobody offers call it 2.
enum { INFLATE = 0, DEFLATE = 1, REPORTING_FIRST = 2, QUEUES = 5 };

#define PAGE_SHIFT 12 // 5.5: whatever the guest's own are
#define PAGE       (UINT64_C(1) << PAGE_SHIFT)

// Buffers served for one notification.
#define BUFFERS_MAX VIRTQ_SIZE_MAX

// ---- Buffers ---------------------------------------------------------------

// Page numbers that the guest gives away (inflate) or takes back. Reading a
// page that was given back brings a new one, so taking needs nothing.
static const char *take_pages(struct virtio_balloon *b, bool gives)
{
    const struct guest_memory *memory = b->device.memory;
    uint32_t pfns[VIRTIO_BALLOON_PAGES];
    uint32_t len = b->chain.readable;
    if (b->chain.nwritable || len % sizeof *pfns || len > sizeof pfns)
        return "a list of pages for the balloon of a wrong size or kind";
    virtq_read(&b->chain, 0, pfns, len);
    for (size_t i = 0; i < len / sizeof *pfns; i++) {
        uint64_t gpa = (uint64_t)pfns[i] << PAGE_SHIFT;
        if (!guest_memory_at(memory, gpa, PAGE))
            return "a page for the balloon that isn't in RAM";
        if (gives)
            b->given_back += guest_memory_discard(memory, gpa, PAGE);
    }
    return NULL;
}

// Where in the guest a segment lies: the walker has proved that it does.
static uint64_t address_of(const struct guest_memory *memory,
                           const struct virtq_segment *s)
{
    const struct guest_region *r = memory->regions;
    while (s->at < r->hva || s->at >= r->hva + r->size)
        r++;
    return r->gpa + (uint64_t)(s->at - r->hva);
}

// 5.5.6.7: the buffer is the free memory itself. Parts of pages stay.
static const char *take_report(struct virtio_balloon *b)
{
    const struct guest_memory *memory = b->device.memory;
    if (b->chain.nreadable)
        return "a report of free pages that is to be read";
    for (unsigned i = 0; i < b->chain.nwritable; i++) {
        const struct virtq_segment *s = &b->chain.segments[i];
        b->given_back +=
            guest_memory_discard(memory, address_of(memory, s), s->len);
    }
    return NULL;
}

static void kick(void *owner, unsigned queue)
{
    struct virtio_balloon *b = owner;
    struct virtio_device *dev = &b->device;
    struct virtq *q = &dev->queues[queue];
    unsigned served = 0;
    do {
        while (served++ < BUFFERS_MAX &&
               virtio_pop(dev, queue, &b->chain) > 0) {
            const char *wrong = queue >= REPORTING_FIRST
                                    ? take_report(b)
                                    : take_pages(b, queue == INFLATE);
            if (wrong) {
                virtio_refuse(dev, wrong);
                return;
            }
            virtio_push(dev, queue, &b->chain, 0);
        }
    } while (served < BUFFERS_MAX && virtio_runs(dev) &&
             virtq_want_kicks(q, true));
    if (virtio_runs(dev))
        virtio_interrupt_queue(dev, queue);
}

// ---- The device ------------------------------------------------------------

static const void *config(void *owner)
{
    struct virtio_balloon *b = owner;
    return &b->config;
}

static void write_config(void *owner, size_t offset, uint8_t value)
{
    struct virtio_balloon *b = owner;
    size_t at = offsetof(struct virtio_balloon_config, actual);
    if (offset >= at && offset < at + sizeof b->config.actual)
        ((uint8_t *)&b->config)[offset] = value;
}

static const struct virtio_ops ops = {
    .name = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .nqueues = QUEUES,
    .config_len = sizeof(struct virtio_balloon_config),
    .config = config,
    .write_config = write_config,
    .kick = kick,
};

void virtio_balloon_init(struct virtio_balloon *b,
                         const struct guest_memory *memory)
{
    *b = (struct virtio_balloon){.given_back = 0};
    virtio_init(&b->device, &ops, b, memory, F_REPORTING);
}

void virtio_balloon_destroy(struct virtio_balloon *b)
{
    virtio_destroy(&b->device);
}

uint64_t virtio_balloon_given_back(struct virtio_balloon *b)
{
    pthread_mutex_lock(&b->device.lock);
    uint64_t bytes = b->given_back;
    pthread_mutex_unlock(&b->device.lock);
    return bytes;
}
