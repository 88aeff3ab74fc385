// SPDX-License-Identifier: Apache-2.0
// What the two ring formats share: fields in guest memory, and the making of a
// chain from descriptors. Private to src/virtio.
#pragma once

#include "src/virtio/queue.h"

enum {
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    DESC_INDIRECT = 4,
    DESC_AVAIL = 0x80, // packed ring
    DESC_USED = 0x8000,
};

// A descriptor as both formats have it, without what is theirs alone.
struct ring_buffer {
    uint64_t gpa;
    uint32_t len;
    uint16_t flags;
};

// Guest memory changes under our hands: each field is read once, whole.
static inline uint16_t ring_load(const uint8_t *at, int order)
{
    return __atomic_load_n((const uint16_t *)(const void *)at, order);
}

static inline void ring_store(uint8_t *at, uint16_t value, int order)
{
    __atomic_store_n((uint16_t *)(void *)at, value, order);
}

// All that was written before is seen before anything is read after it, by the
// driver too. ThreadSanitizer knows no fences, but it knows an exchange, which
// is as much on x86.
static inline void ring_fence(void)
{
#ifdef __SANITIZE_THREAD__
    int fence = 0;
    (void)__atomic_exchange_n(&fence, 1, __ATOMIC_SEQ_CST);
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

// Notes what the driver did wrong; returns -1, virtq_pop's result.
int ring_refuse(struct virtq *q, enum virtq_fault fault);

// Makes an empty chain, and adds a buffer at its end. False when it is refused.
void ring_chain_begin(struct virtq_chain *chain);
bool ring_chain_add(struct virtq *q, struct virtq_chain *chain,
                    const struct ring_buffer *buffer);

// An indirect table's memory and number of descriptors; NULL when refused.
const uint8_t *ring_indirect(struct virtq *q, const struct ring_buffer *buffer,
                             uint32_t *count);

// Whether an event at index `event` lies among those from `old` to `new`,
// exclusive (2.7.7.2; vring_need_event).
static inline bool ring_passed(uint16_t event, uint16_t new, uint16_t old)
{
    return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

// The formats.
bool split_start(struct virtq *q);
int split_pop(struct virtq *q, struct virtq_chain *chain);
void split_push(struct virtq *q, const struct virtq_chain *chain,
                uint32_t written);
bool split_must_interrupt(struct virtq *q);
bool split_want_kicks(struct virtq *q, bool wanted);

bool packed_start(struct virtq *q);
int packed_pop(struct virtq *q, struct virtq_chain *chain);
void packed_push(struct virtq *q, const struct virtq_chain *chain,
                 uint32_t written);
bool packed_must_interrupt(struct virtq *q);
bool packed_want_kicks(struct virtq *q, bool wanted);
