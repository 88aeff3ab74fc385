// SPDX-License-Identifier: Apache-2.0
// One message of the vhost-user protocol, on a stream socket that is not
// blocking. What the other end sends is checked here to the last byte: it may
// be anything, come in pieces, late or never. For src/vhost only.
#pragma once

#include "src/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define VHOST_FDS_MAX     8
#define VHOST_REGIONS_MAX 8
#define VHOST_CONFIG_MAX  256

enum vhost_request {
    VHOST_GET_FEATURES = 1,
    VHOST_SET_FEATURES = 2,
    VHOST_SET_OWNER = 3,
    VHOST_SET_MEM_TABLE = 5,
    VHOST_SET_VRING_NUM = 8,
    VHOST_SET_VRING_ADDR = 9,
    VHOST_SET_VRING_BASE = 10,
    VHOST_GET_VRING_BASE = 11,
    VHOST_SET_VRING_KICK = 12,
    VHOST_SET_VRING_CALL = 13,
    VHOST_GET_PROTOCOL_FEATURES = 15,
    VHOST_SET_PROTOCOL_FEATURES = 16,
    VHOST_GET_QUEUE_NUM = 17,
    VHOST_SET_VRING_ENABLE = 18,
    VHOST_GET_CONFIG = 24,
};

// "SET_MEM_TABLE": for messages. Never NULL.
const char *vhost_request_name(enum vhost_request request);

// In the byte order of the machine, as the protocol wants it.
struct vhost_state {
    uint32_t index, num;
};

struct vhost_addresses {
    uint32_t index, flags;
    uint64_t descriptors, used, available, log;
};

struct vhost_region {
    uint64_t gpa, size, address, offset;
};

struct vhost_memory {
    uint32_t count, padding;
    struct vhost_region regions[VHOST_REGIONS_MAX];
};

struct vhost_config {
    uint32_t offset, size, flags;
    uint8_t bytes[VHOST_CONFIG_MAX];
};

struct vhost_message {
    enum vhost_request request;
    uint32_t size; // bytes of what follows
    union {
        uint64_t number;
        struct vhost_state state;
        struct vhost_addresses addresses;
        struct vhost_memory memory;
        struct vhost_config config;
    } payload;
    size_t nfds;
    int fds[VHOST_FDS_MAX]; // borrowed
};

// Sends it; with wants_ack the other end is asked to confirm it. 0; -EPIPE,
// -ETIMEDOUT and others with the part of a sentence that follows its name.
int vhost_send(int fd, const struct vhost_message *m, int wants_ack,
               uint64_t deadline_ns, struct error *err);

// Receives the answer to request, which has size bytes of payload: no other
// request's, no other size, no descriptors. -EPROTO: that is not what came.
int vhost_receive(int fd, enum vhost_request request, uint32_t size,
                  struct vhost_message *out, uint64_t deadline_ns,
                  struct error *err);
