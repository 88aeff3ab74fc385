// SPDX-License-Identifier: Apache-2.0
// The walker of virtqueues: what both ring formats share. See queue.h.
#include "src/virtio/queue.h"

#include "src/virtio/ring.h"

#include <string.h>

#define DESCRIPTOR_LEN 16

const char *virtq_fault_text(enum virtq_fault fault)
{
    switch (fault) {
    case VIRTQ_FINE:
        return "nothing";
    case VIRTQ_BAD_SIZE:
        return "a queue of a size that is not allowed";
    case VIRTQ_BAD_RING:
        return "a ring that isn't aligned or not in RAM";
    case VIRTQ_INDEX_JUMPED:
        return "more buffers offered than the queue holds";
    case VIRTQ_BAD_HEAD:
        return "a buffer whose descriptor lies outside the queue";
    case VIRTQ_BAD_NEXT:
        return "a chain that leaves its table of descriptors";
    case VIRTQ_CHAIN_TOO_LONG:
        return "a chain that is a loop or longer than the queue";
    case VIRTQ_BAD_BUFFER:
        return "a buffer that isn't in RAM or is empty";
    case VIRTQ_BAD_ORDER:
        return "a buffer to be read behind one to be written";
    case VIRTQ_TOO_MANY_BYTES:
        return "a chain of 4 GiB or more";
    case VIRTQ_BAD_INDIRECT:
        return "an indirect table that is not allowed";
    }
    return "something unknown";
}

int ring_refuse(struct virtq *q, enum virtq_fault fault)
{
    q->fault = fault;
    q->refusals++;
    return -1;
}

void ring_chain_begin(struct virtq_chain *chain)
{
    chain->nreadable = chain->nwritable = 0;
    chain->readable = chain->writable = 0;
    chain->slots = 1;
}

bool ring_chain_add(struct virtq *q, struct virtq_chain *chain,
                    const struct ring_buffer *buffer)
{
    unsigned n = chain->nreadable + chain->nwritable;
    bool writes = buffer->flags & DESC_WRITE;
    uint64_t bytes = (uint64_t)chain->readable + chain->writable + buffer->len;
    uint8_t *at = guest_memory_at(q->memory, buffer->gpa, buffer->len);
    enum virtq_fault fault = VIRTQ_FINE;

    if (n == VIRTQ_SEGMENTS_MAX || n >= q->setup.size)
        fault = VIRTQ_CHAIN_TOO_LONG;
    else if (!at)
        fault = VIRTQ_BAD_BUFFER;
    else if (!writes && chain->nwritable)
        fault = VIRTQ_BAD_ORDER;
    else if (bytes > UINT32_MAX)
        fault = VIRTQ_TOO_MANY_BYTES;
    if (fault != VIRTQ_FINE) {
        ring_refuse(q, fault);
        return false;
    }
    chain->segments[n] = (struct virtq_segment){at, buffer->len};
    if (writes) {
        chain->nwritable++;
        chain->writable += buffer->len;
    } else {
        chain->nreadable++;
        chain->readable += buffer->len;
    }
    return true;
}

const uint8_t *ring_indirect(struct virtq *q, const struct ring_buffer *buffer,
                             uint32_t *count)
{
    // 2.7.5.3.1: negotiated, alone, not nested; the flag to write is ignored.
    *count = buffer->len / DESCRIPTOR_LEN;
    const uint8_t *table = guest_memory_at(q->memory, buffer->gpa, buffer->len);
    if (!q->setup.indirect || (buffer->flags & DESC_NEXT) ||
        buffer->len % DESCRIPTOR_LEN || !table) {
        ring_refuse(q, VIRTQ_BAD_INDIRECT);
        return NULL;
    }
    return table;
}

bool virtq_start(struct virtq *q, const struct guest_memory *memory,
                 const struct virtq_setup *setup)
{
    uint64_t pops = q->pops, refusals = q->refusals;
    *q = (struct virtq){
        .memory = memory,
        .setup = *setup,
        .pops = pops,
        .refusals = refusals,
        .avail_wrap = true,
        .used_wrap = true,
    };
    uint16_t size = setup->size;
    if (!size || size > VIRTQ_SIZE_MAX ||
        (!setup->packed && (size & (size - 1)))) {
        ring_refuse(q, VIRTQ_BAD_SIZE);
        return false;
    }
    q->descriptors = guest_memory_at(memory, setup->descriptors,
                                     (uint64_t)size * DESCRIPTOR_LEN);
    if (!q->descriptors || setup->descriptors % DESCRIPTOR_LEN ||
        !(setup->packed ? packed_start(q) : split_start(q))) {
        ring_refuse(q, VIRTQ_BAD_RING);
        return false;
    }
    q->ready = true;
    return true;
}

void virtq_stop(struct virtq *q)
{
    q->ready = false;
}

int virtq_pop(struct virtq *q, struct virtq_chain *chain)
{
    if (q->fault != VIRTQ_FINE)
        return -1;
    if (!q->ready)
        return 0;
    int got = q->setup.packed ? packed_pop(q, chain) : split_pop(q, chain);
    q->pops += got > 0;
    return got;
}

void virtq_push(struct virtq *q, const struct virtq_chain *chain,
                uint32_t written)
{
    if (!q->ready)
        return;
    if (q->setup.packed)
        packed_push(q, chain, written);
    else
        split_push(q, chain, written);
}

bool virtq_must_interrupt(struct virtq *q)
{
    if (!q->ready)
        return false;
    // What was pushed is visible before the driver's wish is read.
    ring_fence();
    return q->setup.packed ? packed_must_interrupt(q) : split_must_interrupt(q);
}

bool virtq_want_kicks(struct virtq *q, bool wanted)
{
    if (!q->ready || q->fault != VIRTQ_FINE)
        return false;
    return q->setup.packed ? packed_want_kicks(q, wanted)
                           : split_want_kicks(q, wanted);
}

// ---- Bytes -----------------------------------------------------------------

// Copies between *bytes and n segments, from byte offset on.
static uint32_t copy(const struct virtq_segment *s, unsigned n, uint32_t offset,
                     uint8_t *to, const uint8_t *from, uint32_t len)
{
    uint32_t done = 0;
    for (unsigned i = 0; i < n && done < len; i++) {
        if (offset >= s[i].len) {
            offset -= s[i].len;
            continue;
        }
        uint32_t part = s[i].len - offset;
        if (part > len - done)
            part = len - done;
        if (to)
            memcpy(to + done, s[i].at + offset, part);
        else
            memcpy(s[i].at + offset, from + done, part);
        done += part;
        offset = 0;
    }
    return done;
}

uint32_t virtq_read(const struct virtq_chain *chain, uint32_t offset, void *to,
                    uint32_t len)
{
    return copy(chain->segments, chain->nreadable, offset, to, NULL, len);
}

uint32_t virtq_write(const struct virtq_chain *chain, uint32_t offset,
                     const void *from, uint32_t len)
{
    return copy(chain->segments + chain->nreadable, chain->nwritable, offset,
                NULL, from, len);
}
