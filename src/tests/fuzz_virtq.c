// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: guest memory of any bytes with a queue in it. Whatever the
// walker gives lies in guest RAM, and what is refused stays refused.
#include "src/virtio/queue.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY (UINT64_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chain(const struct guest_memory *mem, struct virtq_chain *c)
{
    uint64_t readable = 0, writable = 0;
    for (unsigned i = 0; i < (unsigned)c->nreadable + c->nwritable; i++) {
        const struct virtq_segment *s = &c->segments[i];
        const uint8_t *ram = mem->regions[0].hva;
        if (s->at < ram || !s->len || s->len > MEMORY ||
            (uint64_t)(s->at - ram) + s->len > MEMORY)
            abort();
        *(i < c->nreadable ? &readable : &writable) += s->len;
    }
    if (readable != c->readable || writable != c->writable)
        abort();
}

// The first bytes say how the queue is set up; the rest is what the guest has
// written at its rings, which lie at the bottom of memory, close together.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct virtq_chain chain;
    struct guest_memory mem;
    struct error err = {""};
    struct virtq q = {0};
    if (size < 8 || guest_memory_map(&mem, MEMORY, &err))
        return 0;
    const struct virtq_setup setup = {
        .size = (uint16_t)(data[0] % 17),
        .descriptors = 16U * (data[1] % 4),
        .driver = 2U * data[2],
        .device = 4U * data[3],
        .packed = data[4] & 1,
        .indirect = data[4] & 2,
        .event_index = data[4] & 4,
    };
    unsigned steps = data[5];
    data += 8, size -= 8;
    memcpy(guest_memory_at(&mem, 0, MEMORY), data,
           size < MEMORY ? size : MEMORY);
    if (virtq_start(&q, &mem, &setup)) {
        for (unsigned i = 0; i < steps; i++) {
            int got = virtq_pop(&q, &chain);
            if (got < 0 && q.fault == VIRTQ_FINE)
                abort();
            if (got > 0) {
                check_chain(&mem, &chain);
                uint8_t bytes[64] = {0};
                virtq_read(&chain, steps, bytes, sizeof bytes);
                virtq_push(&q, &chain,
                           virtq_write(&chain, 0, bytes, sizeof bytes));
                (void)virtq_must_interrupt(&q);
            }
            (void)virtq_want_kicks(&q, i & 1);
        }
    } else if (q.fault == VIRTQ_FINE) {
        abort();
    }
    guest_memory_unmap(&mem);
    return 0;
}
