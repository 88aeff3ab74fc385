// SPDX-License-Identifier: Apache-2.0
// The split ring (virtio 1.2, section 2.7). Its three parts:
//
//     descriptors   size * {u64 address, u32 length, u16 flags, u16 next}
//     driver        u16 flags, u16 index, size * u16 head, u16 used_event
//     device        u16 flags, u16 index, size * {u32 id, u32 length},
//                   u16 avail_event
#include "src/virtio/ring.h"

#include <string.h>

#define DESCRIPTOR_LEN 16
#define USED_LEN       8
#define RING_HEADER    4

enum { NO_INTERRUPT = 1, NO_NOTIFY = 1 };

struct descriptor {
    uint64_t gpa;
    uint32_t len;
    uint16_t flags, next;
};

bool split_start(struct virtq *q)
{
    const struct virtq_setup *s = &q->setup;
    uint64_t driver_len = RING_HEADER + 2 * (uint64_t)s->size + 2;
    uint64_t device_len = RING_HEADER + USED_LEN * (uint64_t)s->size + 2;
    q->driver = guest_memory_at(q->memory, s->driver, driver_len);
    q->device = guest_memory_at(q->memory, s->device, device_len);
    return q->driver && q->device && s->driver % 2 == 0 && s->device % 4 == 0;
}

static uint8_t *used_event(const struct virtq *q)
{
    return q->driver + RING_HEADER + 2 * (size_t)q->setup.size;
}

static uint8_t *avail_event(const struct virtq *q)
{
    return q->device + RING_HEADER + USED_LEN * (size_t)q->setup.size;
}

// Descriptor number i of a table of count, copied once.
static struct descriptor descriptor_at(const uint8_t *table, uint32_t i)
{
    struct descriptor d;
    memcpy(&d, table + (size_t)i * DESCRIPTOR_LEN, sizeof d);
    return d;
}

// Follows a chain from its first descriptor on, in a table of count. A chain
// longer than the table has a loop.
static int follow(struct virtq *q, struct virtq_chain *chain,
                  const uint8_t *table, uint32_t count, uint32_t first)
{
    bool indirect = table != q->descriptors;
    uint32_t i = first;
    for (uint32_t seen = 0; seen < count; seen++) {
        struct descriptor d = descriptor_at(table, i);
        struct ring_buffer buffer = {d.gpa, d.len, d.flags};
        if (d.flags & DESC_INDIRECT) {
            uint32_t n;
            if (indirect)
                return ring_refuse(q, VIRTQ_BAD_INDIRECT);
            const uint8_t *inner = ring_indirect(q, &buffer, &n);
            return inner ? follow(q, chain, inner, n, 0) : -1;
        }
        if (!ring_chain_add(q, chain, &buffer))
            return -1;
        if (!(d.flags & DESC_NEXT))
            return 1;
        if (d.next >= count)
            return ring_refuse(q, VIRTQ_BAD_NEXT);
        i = d.next;
    }
    return ring_refuse(q, VIRTQ_CHAIN_TOO_LONG);
}

int split_pop(struct virtq *q, struct virtq_chain *chain)
{
    uint16_t size = q->setup.size;
    // The ring's entries are read after the index that offers them.
    uint16_t index = ring_load(q->driver + 2, __ATOMIC_ACQUIRE);
    uint16_t offered = (uint16_t)(index - q->next_avail);
    if (!offered)
        return 0;
    if (offered > size)
        return ring_refuse(q, VIRTQ_INDEX_JUMPED);
    size_t slot = q->next_avail & (size - 1U);
    uint16_t head =
        ring_load(q->driver + RING_HEADER + 2 * slot, __ATOMIC_RELAXED);
    if (head >= size)
        return ring_refuse(q, VIRTQ_BAD_HEAD);
    ring_chain_begin(chain);
    chain->id = head;
    int got = follow(q, chain, q->descriptors, size, head);
    if (got > 0)
        q->next_avail++;
    return got;
}

void split_push(struct virtq *q, const struct virtq_chain *chain,
                uint32_t written)
{
    size_t slot = q->next_used & (q->setup.size - 1U);
    const uint32_t element[2] = {chain->id, written};
    memcpy(q->device + RING_HEADER + USED_LEN * slot, element, USED_LEN);
    q->next_used++;
    // The element is there before the index that shows it.
    ring_store(q->device + 2, q->next_used, __ATOMIC_RELEASE);
}

bool split_must_interrupt(struct virtq *q)
{
    uint16_t old = q->told_used;
    if (q->next_used == old)
        return false;
    q->told_used = q->next_used;
    if (!q->setup.event_index)
        return !(ring_load(q->driver, __ATOMIC_RELAXED) & NO_INTERRUPT);
    return ring_passed(ring_load(used_event(q), __ATOMIC_RELAXED), q->next_used,
                       old);
}

bool split_want_kicks(struct virtq *q, bool wanted)
{
    if (!q->setup.event_index)
        ring_store(q->device, wanted ? 0 : NO_NOTIFY, __ATOMIC_RELAXED);
    else if (wanted)
        ring_store(avail_event(q), q->next_avail, __ATOMIC_RELAXED);
    if (!wanted)
        return false;
    // Either the driver sees the wish, or we see its buffer.
    ring_fence();
    return ring_load(q->driver + 2, __ATOMIC_RELAXED) != q->next_avail;
}
