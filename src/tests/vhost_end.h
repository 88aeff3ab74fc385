// SPDX-License-Identifier: Apache-2.0
// The other end of vhost-user, pretended: a thread that serves rings as a back
// end does, or lies in one of many ways at one of its answers.
#pragma once

#include "src/vhost/message.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum lie {
    HONEST,
    NO_VERSION_1,     // of virtio
    NO_PROTOCOL,      // no features of the protocol
    ONE_QUEUE,        // too few
    NO_ACKS,          // honest, but it confirms nothing
    CLOSES,           // instead of answering
    SILENT,           // it never answers
    TRICKLES,         // a byte of an answer now and then
    SHORT_HEADER,     // half of one, then it closes
    TOO_SHORT,        // an answer of 3 bytes
    TOO_LONG,         // one of 2 GiB, by its word
    OTHER_REQUEST,    // an answer to what nobody asked
    NO_REPLY,         // one that isn't marked as an answer
    OTHER_VERSION,    // of the protocol
    SENDS_DESCRIPTOR, // which nobody wants
    REFUSES,          // says that it failed
    OTHER_RING,       // gives back another one than it was asked for
    OTHER_PLACE,      // of the configuration
    LIES,             // how many there are
};

struct end;
struct end_ring;

// What it is, when it is no folder: what it says of itself, and how it serves
// what waits in a ring. False: it goes no further.
struct end_kind {
    uint64_t features; // of its kind
    void (*config)(const struct end *end, uint8_t *bytes, size_t len);
    bool (*serve)(struct end *end, struct end_ring *ring);
    void *owner;
};

struct end {
    const struct end_kind *kind; // NULL: a folder
    enum lie lie;
    enum vhost_request at; // at this request; 0: at none
    int socket;            // its own, shut down when it ends
    pthread_t thread;

    // What it was given. Its thread's until it has ended, but for serving.
    uint8_t *memory; // its own mapping
    uint64_t size, address;
    struct end_ring {
        int kick, call;
        uint16_t number, next; // its size, and how many it has served
        struct vhost_addresses at;
    } rings[2];
    uint64_t features;
    atomic_uint serving; // rings, a bit each
    atomic_uint starts;  // how often it was given one
};

// Starts it; *socket is the front end's end of the connection, non-blocking.
void end_start(struct end *end, enum lie lie, enum vhost_request at,
               int *socket);
void end_start_as(struct end *end, const struct end_kind *kind, enum lie lie,
                  enum vhost_request at, int *socket);
// What the front end calls so.
void *end_at(const struct end *end, uint64_t address);
// Waits until it has ended, which it does with the connection.
void end_join(struct end *end);
