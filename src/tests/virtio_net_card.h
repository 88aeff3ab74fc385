// SPDX-License-Identifier: Apache-2.0
// A network card that a test drives as a guest's driver does, and whose network
// the test is. Shared by the tests of virtio-net.
#pragma once

#include "src/tests/guard_fixture.h"
#include "src/tests/virtio_driver.h"
#include "src/virtio/net.h"

#include <pthread.h>

#define CARD_OUT     (DRIVER_BUFFERS + 0x100000) // where packets are made
#define CARD_F_MERGE (UINT32_C(1) << 15)

struct card_test {
    struct guard_log guard;
    struct driver rx, tx; // of one memory
    struct loop *loop;
    struct virtio_net net;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned sent, settled, interrupts[2]; // and what follows, under lock
    uint8_t frame[NET_FRAME_MAX];
    size_t frame_len;
    bool echoes;
};

// A card on a loop of its own, with a driver that has chosen these features.
void card_set_up(struct card_test *f, uint32_t features);
void card_tear_down(struct card_test *f);

// The driver sets it up, again after a reset; empty rings at the same place.
void card_start(struct card_test *f, uint32_t features);
void card_lay_out(struct card_test *f);

// Notifies of a queue (0 receives); and waits until the loop has done what
// there was.
void card_kick(struct card_test *f, unsigned queue);
void card_kick_and_wait(struct card_test *f, unsigned queue);

// Offers descriptor i of the receiving queue as a buffer of len bytes; its
// bytes.
void card_offer(struct card_test *f, unsigned i, uint32_t len);
const uint8_t *card_received(struct card_test *f, unsigned i);

// Offers a packet of len bytes behind its header, without a kick.
void card_put_packet(struct card_test *f, uint32_t len, uint16_t flags);

// A frame of the network's whose bytes tell which it is.
void card_deliver(struct card_test *f, uint8_t number, size_t len);

struct virtio_net_counts card_counts(struct card_test *f);
