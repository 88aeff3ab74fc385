// SPDX-License-Identifier: Apache-2.0
// A machine's network: the card, and what lies behind it. Private to
// src/machine.
#pragma once

#include "src/loop/loop.h"
#include "src/toyvmm.h"
#include "src/virtio/net.h"
#include "src/virtio/transport_pci.h"

// Owned by the PCI board, and never moved.
struct net_board {
    struct loop *loop; // the board's, on which all of it lives
    struct virtio_net card;
    struct virtio_pci pci; // to be made by who has the bus
};

// Opens the network and the capture that config (which is not NONE) asks for.
// NULL with a sentence, and a negative errno in *code, as toyvmm_check_net, or
// a port or file that can't be had. loop outlives it.
struct net_board *net_board_new(const struct toyvmm_net *config,
                                struct loop *loop,
                                const struct guest_memory *memory, int *code,
                                struct error *err);

// Ends all of that, pci too; NULL is nothing. The guest does not run any more.
void net_board_free(struct net_board *net);
