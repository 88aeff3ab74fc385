// SPDX-License-Identifier: Apache-2.0
// A virtio console that a test drives as a guest's driver does, with one port
// of a name; the test is its peer, too. Shared by the tests of virtio-console.
#pragma once

#include "src/tests/virtio_driver.h"
#include "src/virtio/console.h"

#define MULTIPORT UINT32_C(2)
#define QUEUES    6 // the console, control, one port

enum { RX, TX, CONTROL_RX, CONTROL_TX, RX1, TX1 };
enum { READY, ADD, PORT_IS_READY = 3, CONSOLE, OPEN = 6, NAME };

struct hvc_test {
    struct driver q[QUEUES]; // of one memory
    struct virtio_console con;
    unsigned interrupts[QUEUES];
    uint8_t out[2][1 << 20];
    size_t nout[2], calls;
    size_t room; // of the peer, in bytes
    const char *in[2];
    bool breaks; // a break comes before what is in
};

// A console whose driver has chosen these features; and the driver's part of
// it, again after a reset.
void hvc_set_up(struct hvc_test *f, uint32_t features);
void hvc_start(struct hvc_test *f, uint32_t features);
void hvc_tear_down(struct hvc_test *f);

void hvc_kick(struct hvc_test *f, unsigned queue);

// Where a queue's buffers lie in the guest's memory.
uint64_t hvc_buffer(unsigned queue);

// Offers the next descriptor of a queue as a buffer there, without a kick.
void hvc_offer(struct hvc_test *f, unsigned queue, uint64_t gpa, uint32_t len,
               uint16_t flags);

// The guest writes; the bytes are the same all the time a buffer is used.
void hvc_print(struct hvc_test *f, unsigned queue, const char *text);
void hvc_control(struct hvc_test *f, uint32_t id, uint16_t event,
                 uint16_t value);

// The device's n-th control message: its port and event, and what follows it.
const char *hvc_told(struct hvc_test *f, unsigned n, uint32_t *id,
                     uint16_t *event);
void hvc_expect_told(struct hvc_test *f, unsigned n, uint32_t id,
                     uint16_t event, const char *text);

// Offers n buffers for messages, or for input of 64 bytes; the n-th that was
// filled.
void hvc_offer_control(struct hvc_test *f, unsigned n);
void hvc_offer_input(struct hvc_test *f, unsigned queue, unsigned n);
const char *hvc_received(struct hvc_test *f, unsigned queue, unsigned n,
                         uint32_t *len);
