// SPDX-License-Identifier: Apache-2.0
// A packet of the socket device (virtio 1.2, section 5.10.6): its header, and
// the words in it. All of it is little-endian.
#pragma once

#include <stdint.h>

#define VSOCK_HOST_CID UINT64_C(2)
// Those that a guest may have (5.10.4): 0xffffffff is any.
#define VSOCK_CID_MIN UINT32_C(3)
#define VSOCK_CID_MAX UINT32_C(0xfffffffe)
// A port is any number but this one.
#define VSOCK_PORT_ANY UINT32_MAX

enum { VSOCK_STREAM = 1 }; // the only type that is offered

enum vsock_op {
    VSOCK_INVALID = 0,
    VSOCK_REQUEST = 1,
    VSOCK_RESPONSE = 2,
    VSOCK_RST = 3,
    VSOCK_SHUTDOWN = 4,
    VSOCK_RW = 5,
    VSOCK_CREDIT_UPDATE = 6,
    VSOCK_CREDIT_REQUEST = 7,
};

enum vsock_end { // flags of VSOCK_SHUTDOWN: what its sender will do no more
    VSOCK_RECEIVES = 1,
    VSOCK_SENDS = 2,
    VSOCK_BOTH = 3,
};

struct vsock_header {
    uint64_t src_cid, dst_cid;
    uint32_t src_port, dst_port;
    uint32_t len; // of the bytes behind it
    uint16_t type, op;
    uint32_t flags;
    uint32_t buf_alloc, fwd_cnt; // see credit.h
} __attribute__((packed));

_Static_assert(sizeof(struct vsock_header) == 44, "5.10.6");
