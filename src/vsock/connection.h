// SPDX-License-Identifier: Apache-2.0
// One connection between a port of the guest's and a program of the host's at
// the other end of a Unix socket (virtio 1.2, section 5.10.6.5): its states,
// its credit, and who has ended what. It keeps bytes in one direction only, at
// most VSOCK_BUFFER of them, and only while the program does not take them;
// those for the guest stay in the socket until it has room.
//
// The hub's lock guards it. What is called on the loop's thread alone says so.
#pragma once

#include "src/loop/loop.h"
#include "src/vsock/credit.h"

// "CONNECT 4294967294\r\n" and some.
#define VSOCK_LINE_MAX 32

enum vsock_state {
    VSOCK_SAYING, // a program has connected, and has yet to say to which port
    VSOCK_ASKED,  // the guest is to say whether it will have it
    VSOCK_OPEN,
    VSOCK_OVER, // the socket is closed; the guest may have to be told
};

// Owned by the hub, never moved.
struct vsock_connection {
    struct loop *loop;
    struct loop_source source; // fd -1: closed
    uint32_t watched;          // what is asked of the loop
    bool hung_up;              // nothing is asked any more
    enum vsock_state state;
    uint32_t host_port, guest_port;
    unsigned due;     // packets to be sent (connection.c)
    uint64_t over_ns; // when it ends, if the guest does not end it; 0: never
    struct vsock_credit credit;
    bool asked_credit; // and it has given none since

    // The host's program: there may be bytes of it or its end; it sends no
    // more, and all of it was read; it takes no more.
    bool readable, ended, deaf;
    // The guest (enum vsock_end): what it does no more; what it was told that
    // the program does no more. gone: it has ended the connection, and bytes
    // are left for the program.
    uint32_t guest_ended, told_ended;
    bool gone;

    uint8_t *buffer; // a ring; NULL while nothing is held
    uint32_t begin, held;
    char line[VSOCK_LINE_MAX];
    unsigned nline;
};

// A connection of this socket, which it owns and whose readiness is told to
// ready with owner. It begins SAYING. 0, or a negative errno; then the socket
// is closed.
int vsock_connection_init(struct vsock_connection *c, struct loop *loop, int fd,
                          void (*ready)(void *owner, uint32_t events),
                          void *owner);

// The socket is closed, the buffer freed. On the loop's thread, or where ready
// does not run and the lock is not held.
void vsock_connection_end(struct vsock_connection *c);

// The program has said where to: the guest is asked. Or the guest has, and it
// is open.
void vsock_connection_ask(struct vsock_connection *c, uint32_t host_port,
                          uint32_t guest_port);
void vsock_connection_open(struct vsock_connection *c, uint32_t host_port,
                           uint32_t guest_port);

// ---- On the loop's thread ---------------------------------------------------

// What the loop says of the socket. True: the program has said where to (SAYING
// only), and *guest_port is that.
bool vsock_connection_ready(struct vsock_connection *c, uint32_t events,
                            uint32_t *guest_port);

// The guest has sent this, with h->len bytes. NULL, or what is wrong with it.
const char *vsock_connection_hear(struct vsock_connection *c,
                                  const struct vsock_header *h,
                                  const uint8_t *bytes);

// The next packet for the guest, with at most room bytes; false: none, for now.
// Fills what concerns the connection.
bool vsock_connection_next(struct vsock_connection *c, struct vsock_header *h,
                           uint8_t *bytes, uint32_t room);

// Ends it, and the guest is told where it knows of it.
void vsock_connection_reset(struct vsock_connection *c);

// Whether there is nothing more to be done with it.
bool vsock_connection_is_over(const struct vsock_connection *c);
