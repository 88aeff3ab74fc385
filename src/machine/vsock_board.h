// SPDX-License-Identifier: Apache-2.0
// A machine's socket device, and what lies behind it. Private to src/machine.
#pragma once

#include "src/loop/loop.h"
#include "src/toyvmm.h"
#include "src/virtio/transport_pci.h"
#include "src/virtio/vsock.h"

// Owned by the PCI board, and never moved.
struct vsock_board {
    struct virtio_vsock vsock;
    struct virtio_pci pci; // to be made by who has the bus
};

// Makes the device and the socket that config (which has a path) asks for, on
// loop, which outlives it. NULL with a sentence, and a negative errno in *code,
// as toyvmm_check_vsock.
struct vsock_board *vsock_board_new(const struct toyvmm_vsock *config,
                                    struct loop *loop,
                                    const struct guest_memory *memory,
                                    int *code, struct error *err);

// Ends all of that, pci too; NULL is nothing. The guest does not run any more.
void vsock_board_free(struct vsock_board *vsock);
