// SPDX-License-Identifier: Apache-2.0
// See virtio_console_card.h.
#include "src/tests/virtio_console_card.h"

#include <criterion/criterion.h>
#include <string.h>

#define RINGS   UINT64_C(0x1000) // of each queue, behind those before it
#define BUFFERS UINT64_C(0x20000)

// ---- The peer and the transport --------------------------------------------

static void on_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                  uint64_t ns)
{
    struct hvc_test *f = owner;
    cr_assert(n > 0 && n <= VIRTIO_CONSOLE_PIECE && ns > 0);
    cr_assert(f->nout[port] + n <= sizeof f->out[port]);
    memcpy(f->out[port] + f->nout[port], bytes, n);
    f->nout[port] += n;
    f->calls++;
    f->room -= f->room < n ? f->room : n;
}

static bool is_full(void *owner)
{
    const struct hvc_test *f = owner;
    return f->room == 0;
}

static size_t on_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    struct hvc_test *f = owner;
    cr_assert(max > 0 && max <= 16);
    if (f->breaks) {
        f->breaks = false;
        return SIZE_MAX;
    }
    size_t n = f->in[port] ? strlen(f->in[port]) : 0;
    n = n < max ? n : max;
    if (n)
        memcpy(bytes, f->in[port], n);
    f->in[port] += n;
    return n;
}

static void on_interrupt(void *owner, unsigned queue)
{
    ((struct hvc_test *)owner)->interrupts[queue]++;
}

static void on_config(void *owner)
{
    (void)owner;
}

// ---- The driver ------------------------------------------------------------

void hvc_start(struct hvc_test *f, uint32_t features)
{
    struct virtio_device *dev = &f->con.device;
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 0, features);
    virtio_set_features(dev, 1, VIRTIO_F_VERSION_1 >> 32);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    cr_assert(dev->status & VIRTIO_FEATURES_OK);
    for (unsigned i = 0; i < QUEUES; i++) {
        dev->setups[i] = f->q[i].setup;
        virtio_enable_queue(dev, i);
    }
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
}

void hvc_set_up(struct hvc_test *f, uint32_t features)
{
    static const char *const names[] = {"org.example.log"};
    const struct virtio_console_peer peer = {
        .owner = f,
        .tx = on_tx,
        .is_full = is_full,
        .rx = on_rx,
    };
    memset(f, 0, sizeof *f);
    f->room = SIZE_MAX / 2;
    f->in[0] = f->in[1] = "";
    driver_init(&f->q[0], 64, false);
    for (unsigned i = 1; i < QUEUES; i++) {
        f->q[i] = f->q[0];
        f->q[i].setup.descriptors += i * RINGS;
        f->q[i].setup.driver += i * RINGS;
        f->q[i].setup.device += i * RINGS;
    }
    virtio_console_init(&f->con, names, 1, &peer, &f->q[0].memory);
    f->con.device.interrupt =
        (struct virtio_interrupt){on_interrupt, on_config, f};
    hvc_start(f, features);
}

void hvc_tear_down(struct hvc_test *f)
{
    virtio_console_destroy(&f->con);
    driver_free(&f->q[0]);
}

void hvc_kick(struct hvc_test *f, unsigned queue)
{
    pthread_mutex_lock(&f->con.device.lock);
    virtio_kick(&f->con.device, queue);
    pthread_mutex_unlock(&f->con.device.lock);
}

uint64_t hvc_buffer(unsigned queue)
{
    return DRIVER_BUFFERS + queue * BUFFERS;
}

void hvc_offer(struct hvc_test *f, unsigned queue, uint64_t gpa, uint32_t len,
               uint16_t flags)
{
    uint16_t i = driver_index(&f->q[queue]) % 64;
    driver_desc(&f->q[queue], i, gpa, len, flags, 0);
    driver_offer(&f->q[queue], i);
}

void hvc_print(struct hvc_test *f, unsigned queue, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    memcpy(driver_at(&f->q[0], hvc_buffer(queue), len), text, len);
    hvc_offer(f, queue, hvc_buffer(queue), len, 0);
    hvc_kick(f, queue);
}

void hvc_control(struct hvc_test *f, uint32_t id, uint16_t event,
                 uint16_t value)
{
    uint8_t *at = driver_at(&f->q[0], hvc_buffer(CONTROL_TX), 8);
    memcpy(at, &id, 4);
    memcpy(at + 4, &event, 2);
    memcpy(at + 6, &value, 2);
    hvc_offer(f, CONTROL_TX, hvc_buffer(CONTROL_TX), 8, 0);
    hvc_kick(f, CONTROL_TX);
}

const char *hvc_told(struct hvc_test *f, unsigned n, uint32_t *id,
                     uint16_t *event)
{
    uint32_t used, len;
    driver_used(&f->q[CONTROL_RX], n, &used, &len);
    uint64_t gpa = hvc_buffer(CONTROL_RX) + 128 * (uint64_t)n;
    char *at = driver_at(&f->q[0], gpa, 128);
    memcpy(id, at, 4);
    memcpy(event, at + 4, 2);
    at[len] = '\0';
    return at + 8;
}

void hvc_offer_control(struct hvc_test *f, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        hvc_offer(f, CONTROL_RX,
                  hvc_buffer(CONTROL_RX) +
                      UINT64_C(128) * (driver_index(&f->q[CONTROL_RX]) % 64),
                  127, D_WRITE);
    hvc_kick(f, CONTROL_RX);
}

void hvc_expect_told(struct hvc_test *f, unsigned n, uint32_t id,
                     uint16_t event, const char *text)
{
    uint32_t got_id;
    uint16_t got_event;
    const char *got = hvc_told(f, n, &got_id, &got_event);
    cr_expect_eq(got_id, id, "message %u", n);
    cr_expect_eq(got_event, event, "message %u: %u", n, got_event);
    cr_expect_str_eq(got, text, "message %u", n);
}

const char *hvc_received(struct hvc_test *f, unsigned queue, unsigned n,
                         uint32_t *len)
{
    uint32_t id;
    driver_used(&f->q[queue], n, &id, len);
    return driver_at(&f->q[0], hvc_buffer(queue) + 64 * (uint64_t)n, 64);
}

void hvc_offer_input(struct hvc_test *f, unsigned queue, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        hvc_offer(f, queue,
                  hvc_buffer(queue) +
                      UINT64_C(64) * (driver_index(&f->q[queue]) % 64),
                  64, D_WRITE);
    hvc_kick(f, queue);
}
