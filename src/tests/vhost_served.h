// SPDX-License-Identifier: Apache-2.0
// The other end of vhost-user-blk, pretended: a disk in memory, served well or
// with one of many lies.
#pragma once

#include "src/tests/vhost_end.h"
#include "src/vhost/backend.h"
#include "src/virtio/blk_wire.h"

#include <stdint.h>

enum disk_lie {
    TRUTH,
    WRONG_INDEX, // gives back more than it was given
    WRONG_ID,    // another one
    NO_RESULT,   // leaves the status as it is
    ODD_RESULT,  // one that there is not
    SWALLOWS,    // gives nothing back
    DIES,        // closes the connection instead
    FAILS,       // an honest error
    DISK_LIES,
};

// Its disk, its thread's while it runs.
struct served {
    struct end_kind kind;
    struct end end;
    struct vhost_backend backend;
    enum disk_lie lie;
    bool refuses_zeros; // that it says it can write
    struct virtio_blk_config says;
    uint8_t *bytes;
    size_t size;
    unsigned flushes, writes; // that it was asked for
};

// What its bytes are at first.
uint8_t served_pattern(size_t i);

// Starts one with a disk of size bytes, and the conversation with it.
void served_start(struct served *s, size_t size, enum disk_lie lie);
// Ends it, and waits until it has; its bytes are there until served_free.
void served_stop(struct served *s);
void served_free(struct served *s);
