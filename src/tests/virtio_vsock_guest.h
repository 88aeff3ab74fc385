// SPDX-License-Identifier: Apache-2.0
// A socket device and both of its sides, for the tests of it: a driver that
// sends packets and takes them, and programs of the host's.
#pragma once

#include "src/tests/guard_fixture.h"
#include "src/tests/virtio_driver.h"
#include "src/virtio/vsock.h"

#include <pthread.h>
#include <stdbool.h>

#define GUEST_CID     3U
#define GUEST_PORT    40000U // the guest's end of what it begins
#define GUEST_RX      64U    // buffers that the driver offers
#define GUEST_RX_LEN  4096U  // bytes of each
#define GUEST_OUT     (DRIVER_BUFFERS + 0x100000) // where packets are made
#define GUEST_OUT_LEN (UINT32_C(1) << 17)

struct guest_test {
    struct guard_log guard;      // the loop runs inside of its list
    struct driver rx, tx, event; // of one memory
    struct loop *loop;
    struct virtio_vsock vs;
    char folder[64], path[80];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned interrupts[3], configs; // under lock
    uint16_t taken;                  // packets that the driver has taken
    uint32_t room, read;             // what the guest says of its own credit
    // The last packet that came, and the bytes behind its header.
    struct vsock_header h;
    uint8_t bytes[GUEST_RX_LEN];
};

// A device on a loop of its own, with a driver that has set it up, and buffers.
void guest_set_up(struct guest_test *f);
void guest_tear_down(struct guest_test *f);

// The device's lock: whoever looks at rings or into the device holds it, as the
// loop may be at work.
void guest_lock(struct guest_test *f);
void guest_unlock(struct guest_test *f);
// How many connections it has.
unsigned guest_connections(struct guest_test *f);

// The driver sets it up, again after a reset; rings that are laid out anew.
void guest_reset(struct guest_test *f);
void guest_start(struct guest_test *f);
// Both, and nobody sees it in between.
void guest_restart(struct guest_test *f);

// Offers n buffers of GUEST_RX_LEN bytes.
void guest_offer(struct guest_test *f, unsigned n);
void guest_kick(struct guest_test *f, unsigned queue);

// The header of a packet from the guest's port to the host's.
struct vsock_header guest_header(const struct guest_test *f, enum vsock_op op,
                                 uint32_t guest_port, uint32_t host_port);
// Puts a packet into the queue; and notifies of it.
void guest_put(struct guest_test *f, const struct vsock_header *h,
               const void *bytes, uint32_t len);
void guest_send(struct guest_test *f, const struct vsock_header *h,
                const void *bytes, uint32_t len);
// The same with an empty one, and with bytes.
void guest_say(struct guest_test *f, enum vsock_op op, uint32_t guest_port,
               uint32_t host_port);
void guest_write(struct guest_test *f, uint32_t guest_port, uint32_t host_port,
                 const void *bytes, uint32_t len);
void guest_shut_down(struct guest_test *f, uint32_t guest_port,
                     uint32_t host_port, uint32_t flags);

// Waits for the next packet, which must be this one. Its bytes are read at
// once, and a buffer takes the place of the one it was in.
void guest_expect(struct guest_test *f, enum vsock_op op);
void guest_expect_one_of(struct guest_test *f, enum vsock_op op,
                         enum vsock_op other);
// The loop has done all that was there to do, and there is no packet.
void guest_expect_nothing(struct guest_test *f);
// Waits for the end of a program, which is told in one piece or two.
void guest_expect_end(struct guest_test *f);
// What the device has counted, and said last.
void guest_expect_refusal(struct guest_test *f, uint64_t count,
                          const char *why);

// ---- The host's programs ----------------------------------------------------

// Listens at the device's path and port; accepts one.
int host_listen(const struct guest_test *f, uint32_t port);
int host_accept(int listener);
// Connects to the device's path; and says this line.
int host_connect(const struct guest_test *f, const char *line);
void host_write(int fd, const void *bytes, size_t len);
// Reads just as many; and finds the end.
void host_read(int fd, void *bytes, size_t len);
void host_expect_end(int fd);

// ---- Connections ------------------------------------------------------------

// The guest connects to a port that a program listens on; the program's socket.
int guest_connects(struct guest_test *f, uint32_t guest_port,
                   uint32_t host_port);
// A program connects to the guest's port 7; its socket, and the host's port.
int host_connects(struct guest_test *f, uint32_t *host_port);
