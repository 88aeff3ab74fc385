// SPDX-License-Identifier: Apache-2.0
// How much either side of a connection may send (virtio 1.2, 5.10.6.3). Each
// side says how large its buffer is (buf_alloc) and how many bytes have left it
// since the connection began (fwd_cnt); what was sent and has not left may not
// be more than the buffer. The counters wrap around.
#pragma once

#include "src/vsock/packet.h"

#include <stdbool.h>
#include <stdint.h>

// What is kept of a guest's bytes that the host's program does not take.
#define VSOCK_BUFFER (UINT32_C(64) << 10)
// More than this is never under way to a guest, whatever room it says it has.
#define VSOCK_WINDOW (UINT32_C(1) << 30)

// Plain value. At most VSOCK_WINDOW lies between sent and read, and at most
// VSOCK_BUFFER between received and told.
struct vsock_credit {
    uint32_t sent, read, room;          // to the guest; the latter as it says
    uint32_t received, forwarded, told; // of the guest; told: what it knows of
};

// Takes what a packet of the guest's says. False: that it has read what was
// never sent. One that was overtaken by a later one changes no counter.
bool vsock_credit_hear(struct vsock_credit *c, const struct vsock_header *h);

// How many bytes may be sent to the guest now; and that n of them were.
uint32_t vsock_credit_left(const struct vsock_credit *c);
void vsock_credit_send(struct vsock_credit *c, uint32_t n);

// The guest has sent n bytes. False: more than it was told that there is room
// for, and nothing is changed.
bool vsock_credit_take(struct vsock_credit *c, uint32_t n);

// n bytes have left the buffer. True: the guest should be told.
bool vsock_credit_forward(struct vsock_credit *c, uint32_t n);

// Puts into a packet for the guest what it is told.
void vsock_credit_tell(struct vsock_credit *c, struct vsock_header *h);
