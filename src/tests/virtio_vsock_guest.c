// SPDX-License-Identifier: Apache-2.0
// See virtio_vsock_guest.h.
#include "src/tests/virtio_vsock_guest.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RING_AT    UINT64_C(0x4000)   // of each queue, behind the one before
#define NOBODY     UINT32_C(0xabcdef) // a port that nobody has
#define PATIENCE_S 60                 // then a packet is taken for lost

// ---- The transport ----------------------------------------------------------

static void on_interrupt(void *owner, unsigned queue)
{
    struct guest_test *f = owner;
    pthread_mutex_lock(&f->lock);
    f->interrupts[queue]++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void on_config(void *owner)
{
    struct guest_test *f = owner;
    pthread_mutex_lock(&f->lock);
    f->configs++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

// ---- The driver -------------------------------------------------------------

static struct driver *queue_of(struct guest_test *f, unsigned queue)
{
    return queue == 0 ? &f->rx : queue == 1 ? &f->tx : &f->event;
}

// The device's lock is held.
static void start(struct guest_test *f)
{
    struct virtio_device *dev = &f->vs.device;
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 1, VIRTIO_F_VERSION_1 >> 32);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    cr_assert(dev->status & VIRTIO_FEATURES_OK);
    for (unsigned i = 0; i < 3; i++) {
        dev->setups[i] = queue_of(f, i)->setup;
        virtio_enable_queue(dev, i);
    }
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
}

static void reset(struct guest_test *f)
{
    virtio_set_status(&f->vs.device, 0);
    for (unsigned i = 0; i < 3; i++)
        queue_of(f, i)->next_avail = 0;
    f->taken = 0;
    memset(driver_at(&f->rx, DRIVER_DESC, 0x30000), 0, 0x30000);
}

void guest_lock(struct guest_test *f)
{
    pthread_mutex_lock(&f->vs.device.lock);
}

void guest_unlock(struct guest_test *f)
{
    pthread_mutex_unlock(&f->vs.device.lock);
}

unsigned guest_connections(struct guest_test *f)
{
    guest_lock(f);
    unsigned count = f->vs.hub.count;
    guest_unlock(f);
    return count;
}

void guest_start(struct guest_test *f)
{
    guest_lock(f);
    start(f);
    guest_unlock(f);
}

void guest_reset(struct guest_test *f)
{
    guest_lock(f);
    reset(f);
    guest_unlock(f);
}

void guest_restart(struct guest_test *f)
{
    guest_lock(f);
    reset(f);
    start(f);
    guest_unlock(f);
}

void guest_set_up(struct guest_test *f)
{
    struct error err = {""};
    memset(f, 0, sizeof *f);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->room = UINT32_C(1) << 18;
    driver_init(&f->rx, 128, false);
    f->tx = f->event = f->rx;
    for (unsigned i = 1; i < 3; i++) {
        struct virtq_setup *s = &queue_of(f, i)->setup;
        s->descriptors += i * RING_AT;
        s->driver += i * RING_AT;
        s->device += i * RING_AT;
    }
    snprintf(f->folder, sizeof f->folder, "/tmp/vsock-test-XXXXXX");
    cr_assert(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/v", f->folder);
    guard_log_begin(&f->guard, NULL);
    const struct guard_seat seat =
        guard_log_seat(&f->guard, SANDBOX_LOOP_UNIX, "the sockets");
    f->loop = loop_new(&seat, &err);
    cr_assert_not_null(f->loop, "%s", err.text);
    cr_assert_eq(virtio_vsock_init(&f->vs, f->path, GUEST_CID, f->loop,
                                   &f->rx.memory, &err),
                 0, "%s", err.text);
    f->vs.device.interrupt =
        (struct virtio_interrupt){on_interrupt, on_config, f};
    guest_offer(f, GUEST_RX);
    guest_start(f);
}

void guest_tear_down(struct guest_test *f)
{
    virtio_vsock_destroy(&f->vs);
    loop_free(f->loop);
    guard_log_end_well(&f->guard);
    driver_free(&f->rx);
    cr_assert_neq(access(f->path, F_OK), 0, "the socket was left");
    cr_assert_eq(rmdir(f->folder), 0, "something else was left");
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

void guest_kick(struct guest_test *f, unsigned queue)
{
    guest_lock(f);
    virtio_kick(&f->vs.device, queue);
    guest_unlock(f);
}

// Buffer i of the receiving queue.
static uint64_t buffer_at(unsigned i)
{
    return DRIVER_BUFFERS + (uint64_t)i * GUEST_RX_LEN;
}

void guest_offer(struct guest_test *f, unsigned n)
{
    guest_lock(f);
    for (unsigned k = 0; k < n; k++) {
        uint16_t i = f->rx.next_avail % GUEST_RX;
        driver_desc(&f->rx, i, buffer_at(i), GUEST_RX_LEN, D_WRITE, 0);
        driver_offer(&f->rx, i);
    }
    guest_unlock(f);
}

struct vsock_header guest_header(const struct guest_test *f, enum vsock_op op,
                                 uint32_t guest_port, uint32_t host_port)
{
    return (struct vsock_header){
        .src_cid = GUEST_CID,
        .dst_cid = VSOCK_HOST_CID,
        .src_port = guest_port,
        .dst_port = host_port,
        .type = VSOCK_STREAM,
        .op = (uint16_t)op,
        .buf_alloc = f->room,
        .fwd_cnt = f->read,
    };
}

void guest_put(struct guest_test *f, const struct vsock_header *h,
               const void *bytes, uint32_t len)
{
    uint16_t i = f->tx.next_avail % f->tx.setup.size;
    // Packets that wait have places of their own, large ones the last one.
    uint64_t at = GUEST_OUT + 0x1000 * (uint64_t)(len < 0x800 ? i : 128);
    cr_assert_leq(sizeof *h + len, GUEST_OUT_LEN);
    guest_lock(f);
    memcpy(driver_at(&f->tx, at, sizeof *h), h, sizeof *h);
    if (len)
        memcpy(driver_at(&f->tx, at + sizeof *h, len), bytes, len);
    driver_desc(&f->tx, i, at, (uint32_t)sizeof *h + len, 0, 0);
    driver_offer(&f->tx, i);
    guest_unlock(f);
}

void guest_send(struct guest_test *f, const struct vsock_header *h,
                const void *bytes, uint32_t len)
{
    guest_put(f, h, bytes, len);
    guest_kick(f, 1);
}

void guest_say(struct guest_test *f, enum vsock_op op, uint32_t guest_port,
               uint32_t host_port)
{
    const struct vsock_header h = guest_header(f, op, guest_port, host_port);
    guest_send(f, &h, NULL, 0);
}

void guest_write(struct guest_test *f, uint32_t guest_port, uint32_t host_port,
                 const void *bytes, uint32_t len)
{
    struct vsock_header h = guest_header(f, VSOCK_RW, guest_port, host_port);
    h.len = len;
    guest_send(f, &h, bytes, len);
}

void guest_shut_down(struct guest_test *f, uint32_t guest_port,
                     uint32_t host_port, uint32_t flags)
{
    struct vsock_header h =
        guest_header(f, VSOCK_SHUTDOWN, guest_port, host_port);
    h.flags = flags;
    guest_send(f, &h, NULL, 0);
}

// ---- What comes -------------------------------------------------------------

static bool has_packet(struct guest_test *f)
{
    guest_lock(f);
    bool has = driver_used_index(&f->rx) != f->taken;
    guest_unlock(f);
    return has;
}

// Who interrupts holds the device's lock, and takes this one.
static void wait_for_packet(struct guest_test *f)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    int code = 0;
    for (;;) {
        pthread_mutex_lock(&f->lock);
        unsigned seen = f->interrupts[0];
        pthread_mutex_unlock(&f->lock);
        if (has_packet(f))
            return;
        pthread_mutex_lock(&f->lock);
        while (code == 0 && f->interrupts[0] == seen)
            code = pthread_cond_timedwait(&f->changed, &f->lock, &until);
        pthread_mutex_unlock(&f->lock);
        cr_assert_eq(code, 0, "no packet came");
    }
}

void guest_expect(struct guest_test *f, enum vsock_op op)
{
    guest_expect_one_of(f, op, op);
}

void guest_expect_one_of(struct guest_test *f, enum vsock_op op,
                         enum vsock_op other)
{
    uint32_t id, len;
    wait_for_packet(f);
    guest_lock(f);
    driver_used(&f->rx, f->taken++ % f->rx.setup.size, &id, &len);
    guest_unlock(f);
    const uint8_t *at = driver_at(&f->rx, buffer_at(id), GUEST_RX_LEN);
    memcpy(&f->h, at, sizeof f->h);
    cr_assert(f->h.op == op || f->h.op == other,
              "op %u came, not %u (port %u; %s)", f->h.op, op, f->h.dst_port,
              f->vs.device.refusal);
    cr_assert_eq(f->h.dst_cid, GUEST_CID);
    cr_assert_eq(len, sizeof f->h + f->h.len);
    cr_assert_eq(f->h.len > 0, f->h.op == VSOCK_RW);
    memcpy(f->bytes, at + sizeof f->h, f->h.len);
    guest_offer(f, 1);
    guest_kick(f, 0);
}

// The answer to a packet that goes nowhere comes after all that was due before.
// The loop takes what is ready together in any order: what was ready before the
// first of them is done by the second, and what that made ready by the third.
void guest_expect_nothing(struct guest_test *f)
{
    for (unsigned i = 0; i < 3; i++) {
        guest_say(f, VSOCK_CREDIT_REQUEST, NOBODY, NOBODY);
        guest_expect(f, VSOCK_RST);
        cr_assert_eq(f->h.dst_port, NOBODY);
    }
}

void guest_expect_end(struct guest_test *f)
{
    do
        guest_expect(f, VSOCK_SHUTDOWN);
    while (f->h.flags != VSOCK_BOTH);
}

void guest_expect_refusal(struct guest_test *f, uint64_t count, const char *why)
{
    guest_lock(f);
    uint64_t refusals = f->vs.device.refusals;
    char text[sizeof f->vs.device.refusal];
    memcpy(text, f->vs.device.refusal, sizeof text);
    guest_unlock(f);
    cr_assert_eq(refusals, count);
    cr_assert_str_eq(text, why);
}
