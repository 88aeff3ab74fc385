// SPDX-License-Identifier: Apache-2.0
// What lies behind a guest's socket device: its connections with programs of
// the host's (virtio 1.2, section 5.10.6), and the Unix sockets by which these
// meet it (path.h). A program connects to PATH, writes "CONNECT PORT\n", and
// reads "OK HOSTPORT\n" when the guest has accepted it; what follows is the
// stream. A connection of the guest's to CID 2 and a port goes to who listens
// at PATH_PORT.
//
// It lives on the machine's event loop, and its owner's lock guards all of it.
#pragma once

#include "src/loop/loop.h"
#include "src/vsock/connection.h"
#include "src/vsock/path.h"

#include <pthread.h>

// Connections at a time, of either side.
#define VSOCK_CONNECTIONS 256
// Packets that wait for the guest's room and answer one that belongs to no
// connection. While there are so many, none of the guest's is taken.
#define VSOCK_ANSWERS 64
// A guest that was told that all of a connection is over has so long to agree.
#define VSOCK_CLOSE_NS (UINT64_C(8) * 1000 * 1000 * 1000)

struct vsock_owner {
    void *owner;
    pthread_mutex_t *lock;
    // There may be packets for the guest. On the loop's thread, with the lock.
    void (*wake)(void *owner);
};

// Owned by its device, never moved.
struct vsock_hub {
    struct loop *loop;
    struct vsock_owner device;
    uint64_t cid; // the guest's
    struct vsock_file file;
    struct loop_source listener; // fd -1: none
    struct loop_timer timer;     // for the next over_ns
    uint64_t timer_ns;
    bool listens, closed;
    bool paused; // nothing can be accepted until something is closed
    struct vsock_place {
        struct vsock_hub *hub;
        struct vsock_connection *connection; // NULL: free
    } places[VSOCK_CONNECTIONS];
    unsigned count, turn; // turn: who is asked next
    uint32_t last_port;
    struct vsock_header answers[VSOCK_ANSWERS]; // a ring
    unsigned first_answer, nanswers;
    uint64_t turned_away; // connections, for want of room
};

// Makes the socket path, and a place for connections of the guest of that cid;
// nothing is accepted yet. 0, or a negative errno with a sentence; close it
// either way.
int vsock_hub_open(struct vsock_hub *hub, struct loop *loop, const char *path,
                   uint32_t cid, const struct vsock_owner *device,
                   struct error *err);

// Ends all connections and removes the socket. Not on the loop's thread, and
// without the lock.
void vsock_hub_close(struct vsock_hub *hub);

// ---- On the loop's thread, with the lock ------------------------------------

// Whether programs are accepted: only while there is a guest.
void vsock_hub_listen(struct vsock_hub *hub, bool on);

// Ends all connections without a word to the guest.
void vsock_hub_drop(struct vsock_hub *hub);

// Whether a packet of the guest's may be given to it.
bool vsock_hub_has_room(const struct vsock_hub *hub);

// A packet of the guest's, with len bytes behind its header. NULL, or what was
// wrong with it, a sentence part.
const char *vsock_hub_take(struct vsock_hub *hub, const struct vsock_header *h,
                           const uint8_t *bytes, uint32_t len);

// The next packet for the guest, with at most room (1 or more) bytes behind its
// header. False: there is none, for now.
bool vsock_hub_next(struct vsock_hub *hub, struct vsock_header *h,
                    uint8_t *bytes, uint32_t room);

// Ends those that the guest should have ended by now_ns (CLOCK_MONOTONIC).
void vsock_hub_expire(struct vsock_hub *hub, uint64_t now_ns);
