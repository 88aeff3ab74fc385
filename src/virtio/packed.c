// SPDX-License-Identifier: Apache-2.0
// The packed ring (virtio 1.2, section 2.8). Its three parts:
//
//     descriptors   size * {u64 address, u32 length, u16 id, u16 flags}
//     driver        {u16 offset and wrap counter, u16 flags}: when to interrupt
//     device        the same: when to notify
#include "src/virtio/ring.h"

#include <string.h>

#define DESCRIPTOR_LEN 16
#define EVENT_LEN      4
#define FLAGS          14 // a descriptor's, by offset

// 2.8.10: the flags of an event suppression structure.
enum { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_AT = 2 };

struct descriptor {
    uint64_t gpa;
    uint32_t len;
    uint16_t id, flags;
};

bool packed_start(struct virtq *q)
{
    const struct virtq_setup *s = &q->setup;
    q->driver = guest_memory_at(q->memory, s->driver, EVENT_LEN);
    q->device = guest_memory_at(q->memory, s->device, EVENT_LEN);
    return q->driver && q->device && s->driver % 4 == 0 && s->device % 4 == 0;
}

// 2.8.1: a descriptor is available when AVAIL is the driver's wrap counter and
// USED is not.
static bool is_available(uint16_t flags, bool wrap)
{
    return !(flags & DESC_AVAIL) != wrap && !(flags & DESC_USED) == wrap;
}

static uint8_t *slot_at(const struct virtq *q, uint16_t slot)
{
    return q->descriptors + (size_t)slot * DESCRIPTOR_LEN;
}

static void advance(const struct virtq *q, uint16_t *slot, bool *wrap,
                    uint16_t by)
{
    *slot = (uint16_t)(*slot + by);
    if (*slot >= q->setup.size) {
        *slot = (uint16_t)(*slot - q->setup.size);
        *wrap = !*wrap;
    }
}

static int add_indirect(struct virtq *q, struct virtq_chain *chain,
                        const struct ring_buffer *outer)
{
    uint32_t count;
    const uint8_t *table = ring_indirect(q, outer, &count);
    if (!table)
        return -1;
    // 2.8.8: one behind the other; NEXT means nothing here.
    for (uint32_t i = 0; i < count; i++) {
        struct descriptor d;
        memcpy(&d, table + (size_t)i * DESCRIPTOR_LEN, sizeof d);
        struct ring_buffer buffer = {d.gpa, d.len, d.flags};
        if (d.flags & DESC_INDIRECT)
            return ring_refuse(q, VIRTQ_BAD_INDIRECT);
        if (!ring_chain_add(q, chain, &buffer))
            return -1;
    }
    return 1;
}

int packed_pop(struct virtq *q, struct virtq_chain *chain)
{
    uint16_t slot = q->next_avail, taken = 0;
    bool wrap = q->avail_wrap;
    uint16_t flags = ring_load(slot_at(q, slot) + FLAGS, __ATOMIC_ACQUIRE);
    if (!is_available(flags, wrap))
        return 0;
    ring_chain_begin(chain);
    for (;;) {
        struct descriptor d;
        memcpy(&d, slot_at(q, slot), sizeof d);
        // The flags that were looked at are the ones that count.
        struct ring_buffer buffer = {d.gpa, d.len, flags};
        if (taken && (flags & DESC_INDIRECT))
            return ring_refuse(q, VIRTQ_BAD_INDIRECT);
        if (flags & DESC_INDIRECT ? add_indirect(q, chain, &buffer) < 0
                                  : !ring_chain_add(q, chain, &buffer))
            return -1;
        advance(q, &slot, &wrap, 1);
        taken++;
        if (!(flags & DESC_NEXT)) {
            // 2.8.6: the id is that of the last descriptor.
            chain->id = d.id;
            break;
        }
        if (taken == q->setup.size)
            return ring_refuse(q, VIRTQ_CHAIN_TOO_LONG);
        // The first one is made available last: these are there already.
        flags = ring_load(slot_at(q, slot) + FLAGS, __ATOMIC_RELAXED);
        if (!is_available(flags, wrap))
            return ring_refuse(q, VIRTQ_BAD_NEXT);
    }
    chain->slots = taken;
    q->next_avail = slot;
    q->avail_wrap = wrap;
    return 1;
}

void packed_push(struct virtq *q, const struct virtq_chain *chain,
                 uint32_t written)
{
    uint8_t *at = slot_at(q, q->next_used);
    uint16_t flags = q->used_wrap ? DESC_AVAIL | DESC_USED : 0;
    if (written)
        flags |= DESC_WRITE;
    memcpy(at + 8, &written, sizeof written);
    memcpy(at + 12, &chain->id, sizeof chain->id);
    ring_store(at + FLAGS, flags, __ATOMIC_RELEASE);
    advance(q, &q->next_used, &q->used_wrap, chain->slots);
}

bool packed_must_interrupt(struct virtq *q)
{
    uint16_t size = q->setup.size;
    if (q->told && q->told_used == q->next_used && q->told_wrap == q->used_wrap)
        return false;
    if (!q->told && !q->next_used && q->used_wrap)
        return false; // nothing was pushed yet
    uint16_t old = q->told ? q->told_used : 0;
    bool old_wrap = q->told ? q->told_wrap : true;
    q->told = true;
    q->told_used = q->next_used;
    q->told_wrap = q->used_wrap;

    uint16_t flags = ring_load(q->driver + 2, __ATOMIC_ACQUIRE) & 3;
    if (flags == EVENT_DISABLE)
        return false;
    if (flags != EVENT_AT || !q->setup.event_index)
        return true;
    // In slots from the old place on, which lie before the new one.
    uint16_t event = ring_load(q->driver, __ATOMIC_RELAXED);
    unsigned new = q->next_used + (q->used_wrap != old_wrap ? size : 0U);
    unsigned at =
        (event & 0x7fffU) + ((bool)(event & 0x8000) != old_wrap ? size : 0U);
    return at >= old && at < new;
}

bool packed_want_kicks(struct virtq *q, bool wanted)
{
    if (!q->setup.event_index || !wanted) {
        ring_store(q->device + 2, wanted ? EVENT_ENABLE : EVENT_DISABLE,
                   __ATOMIC_RELAXED);
    } else {
        uint16_t at = (uint16_t)(q->next_avail | (q->avail_wrap ? 0x8000U : 0));
        ring_store(q->device, at, __ATOMIC_RELAXED);
        ring_store(q->device + 2, EVENT_AT, __ATOMIC_RELEASE);
    }
    if (!wanted)
        return false;
    ring_fence();
    return is_available(
        ring_load(slot_at(q, q->next_avail) + FLAGS, __ATOMIC_RELAXED),
        q->avail_wrap);
}
