// SPDX-License-Identifier: Apache-2.0
// A virtqueue as the device sees it, and the one walker of its rings (virtio
// 1.2, sections 2.7 and 2.8: split and packed, indirect descriptors, event
// index). All that lies in guest memory is hostile: it may be anything, and
// change while it is read. Whatever is taken from there is read once, checked,
// and becomes host pointers to guest RAM; what is wrong is refused as a fault,
// after which the queue gives nothing until it is set up again.
#pragma once

#include "src/base/guest_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTQ_SIZE_MAX 256
// Segments of one buffer: a driver may not chain more descriptors than the
// queue has (2.7.5.3.1).
#define VIRTQ_SEGMENTS_MAX VIRTQ_SIZE_MAX

// What a driver did wrong.
enum virtq_fault {
    VIRTQ_FINE,
    VIRTQ_BAD_SIZE,       // not a power of two (split), or out of range
    VIRTQ_BAD_RING,       // a ring isn't aligned, or not in RAM
    VIRTQ_INDEX_JUMPED,   // more buffers are offered than the queue holds
    VIRTQ_BAD_HEAD,       // a descriptor's number lies outside the queue
    VIRTQ_BAD_NEXT,       // the same, of a chain's next one
    VIRTQ_CHAIN_TOO_LONG, // a loop, or more segments than there may be
    VIRTQ_BAD_BUFFER,     // a buffer isn't in RAM, or has no bytes
    VIRTQ_BAD_ORDER,      // a buffer to read follows one to write
    VIRTQ_TOO_MANY_BYTES, // 4 GiB or more in one chain
    VIRTQ_BAD_INDIRECT,   // an indirect table of a wrong kind, size or place
};

// "a chain of descriptors that has no end", ...: for messages. Never NULL.
const char *virtq_fault_text(enum virtq_fault fault);

// Where a driver put a queue; the addresses are guest-physical.
struct virtq_setup {
    uint64_t descriptors, driver, device;
    uint16_t size;
    bool packed, indirect, event_index;
};

// A piece of a buffer, in guest RAM: the guest may change it at any time.
struct virtq_segment {
    uint8_t *at;
    uint32_t len; // 1 or more
};

// A buffer that the driver offers: first what the device reads, then what it
// writes, each in order.
struct virtq_chain {
    uint16_t id;    // what virtq_push gives back
    uint16_t slots; // descriptors of the ring that it took (packed)
    uint16_t nreadable, nwritable;
    uint32_t readable, writable; // bytes
    struct virtq_segment segments[VIRTQ_SEGMENTS_MAX];
};

// Owned by its device; one thread at a time. Plain value but for the pointers
// into guest RAM.
struct virtq {
    const struct guest_memory *memory;
    struct virtq_setup setup;
    bool ready;
    enum virtq_fault fault;
    uint8_t *descriptors, *driver, *device;
    // Split: free-running. Packed: a slot of the ring, and the wrap counter.
    uint16_t next_avail, next_used;
    bool avail_wrap, used_wrap;
    uint16_t told_used;   // next_used when the driver was interrupted last
    bool told_wrap, told; // told: it was interrupted at all
    uint64_t pops, refusals;
};

// The queue as the driver set it up. False, with fault set, when it can't be.
bool virtq_start(struct virtq *q, const struct guest_memory *memory,
                 const struct virtq_setup *setup);
void virtq_stop(struct virtq *q);

// The next buffer that the driver offers. 1: *chain is it; 0: there is none, or
// the queue is not started; -1: the driver did wrong, just now or before, and
// fault says what.
int virtq_pop(struct virtq *q, struct virtq_chain *chain);

// Gives a buffer back, written bytes of which the device wrote (at most
// chain->writable). In any order of those popped; once for each.
void virtq_push(struct virtq *q, const struct virtq_chain *chain,
                uint32_t written);

// Whether the driver wants an interrupt for what was pushed since the last time
// that this was asked.
bool virtq_must_interrupt(struct virtq *q);

// The device has taken all: may the driver omit notifications? With wanted the
// driver is asked to notify of the next buffer; true when there is one already,
// which the device must pop then, as no notification will come.
bool virtq_want_kicks(struct virtq *q, bool wanted);

// ---- Bytes of a buffer -----------------------------------------------------

// Copies from what the device reads, from byte offset on; returns how many
// bytes there were, at most len. Likewise into what it writes.
uint32_t virtq_read(const struct virtq_chain *chain, uint32_t offset, void *to,
                    uint32_t len);
uint32_t virtq_write(const struct virtq_chain *chain, uint32_t offset,
                     const void *from, uint32_t len);
