// SPDX-License-Identifier: Apache-2.0
// The network card, driven as a guest's driver does it, with a network that the
// test is: frames both ways, a guest that takes none, what is wrong with its
// buffers, resets.
#include "src/tests/virtio_driver.h"
#include "src/virtio/net.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#define TRANSMIT_AT UINT64_C(0x4000) // its rings, behind those of receiving
#define OUT         (DRIVER_BUFFERS + 0x100000)
#define F_MERGE     (UINT32_C(1) << 15)

static const uint8_t mac[NET_MAC_LEN] = {2, 1, 2, 3, 4, 5};

struct fixture {
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

// ---- The network and the transport -----------------------------------------

static void on_send(void *owner, const uint8_t *frame, size_t len)
{
    struct fixture *f = owner;
    pthread_mutex_lock(&f->lock);
    f->sent++;
    memcpy(f->frame, frame, len);
    f->frame_len = len;
    bool echoes = f->echoes;
    pthread_mutex_unlock(&f->lock);
    // As an ARP answer does: while the guest's frame is being sent.
    if (echoes)
        net_wire_deliver(&f->net.wire, frame, len);
}

static void on_settle(void *owner)
{
    struct fixture *f = owner;
    pthread_mutex_lock(&f->lock);
    f->settled++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void on_interrupt(void *owner, unsigned queue)
{
    struct fixture *f = owner;
    pthread_mutex_lock(&f->lock);
    f->interrupts[queue]++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void on_config(void *owner)
{
    (void)owner;
}

// ---- The driver ------------------------------------------------------------

static void start(struct fixture *f, uint32_t features)
{
    struct virtio_device *dev = &f->net.device;
    pthread_mutex_lock(&dev->lock);
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 0, features);
    virtio_set_features(dev, 1, VIRTIO_F_VERSION_1 >> 32);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    cr_assert(dev->status & VIRTIO_FEATURES_OK);
    dev->setups[0] = f->rx.setup;
    dev->setups[1] = f->tx.setup;
    virtio_enable_queue(dev, 0);
    virtio_enable_queue(dev, 1);
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
    pthread_mutex_unlock(&dev->lock);
}

// Empty rings at the same place.
static void lay_out(struct fixture *f)
{
    f->rx.next_avail = f->tx.next_avail = 0;
    memset(driver_at(&f->rx, DRIVER_DESC, 0x30000), 0, 0x30000);
}

static void set_up(struct fixture *f, uint32_t features)
{
    struct error err = {""};
    memset(f, 0, sizeof *f);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    driver_init(&f->rx, 128, false);
    f->tx = f->rx;
    f->tx.setup.descriptors += TRANSMIT_AT;
    f->tx.setup.driver += TRANSMIT_AT;
    f->tx.setup.device += TRANSMIT_AT;
    f->loop = loop_new(&err);
    cr_assert_not_null(f->loop, "%s", err.text);
    cr_assert_eq(virtio_net_init(&f->net, mac, f->loop, &f->rx.memory, &err), 0,
                 "%s", err.text);
    f->net.device.interrupt =
        (struct virtio_interrupt){on_interrupt, on_config, f};
    f->net.wire.network =
        (struct net_network){.owner = f, .send = on_send, .settle = on_settle};
    start(f, features);
}

static void tear_down(struct fixture *f)
{
    virtio_net_destroy(&f->net);
    loop_free(f->loop);
    driver_free(&f->rx);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

static void kick(struct fixture *f, unsigned queue)
{
    pthread_mutex_lock(&f->net.device.lock);
    virtio_kick(&f->net.device, queue);
    pthread_mutex_unlock(&f->net.device.lock);
}

// Kicks, and waits until the loop has done what there was.
static void kick_and_wait(struct fixture *f, unsigned queue)
{
    pthread_mutex_lock(&f->lock);
    unsigned before = f->settled;
    pthread_mutex_unlock(&f->lock);
    kick(f, queue);
    pthread_mutex_lock(&f->lock);
    while (f->settled == before)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
    // What the card itself does after that has its lock.
    loop_event_remove(f->loop, &f->net.kicked);
    struct error err = {""};
    void (*happened)(void *) = f->net.kicked.happened;
    cr_assert_eq(
        loop_event_add(f->loop, &f->net.kicked, happened, &f->net, &err), 0);
}

// Offers descriptor i of the receiving queue as a buffer of len bytes.
static void offer(struct fixture *f, unsigned i, uint32_t len)
{
    driver_desc(&f->rx, i, DRIVER_BUFFERS + 0x1000 * (uint64_t)i, len, D_WRITE,
                0);
    driver_offer(&f->rx, (uint16_t)i);
}

static const uint8_t *received(struct fixture *f, unsigned i)
{
    return driver_at(&f->rx, DRIVER_BUFFERS + 0x1000 * (uint64_t)i, 0x1000);
}

// Offers a packet of len bytes behind its header, without a kick.
static void put_packet(struct fixture *f, uint32_t len, uint16_t flags)
{
    uint16_t i = f->tx.next_avail % f->tx.setup.size;
    uint8_t *at = driver_at(&f->tx, OUT, VIRTIO_NET_HEADER + (uint64_t)len);
    memset(at, 0, VIRTIO_NET_HEADER);
    for (uint32_t k = 0; k < len; k++)
        at[VIRTIO_NET_HEADER + k] = (uint8_t)(k + len);
    driver_desc(&f->tx, i, OUT, VIRTIO_NET_HEADER + len, flags, 0);
    driver_offer(&f->tx, i);
}

// A frame of the network's whose bytes tell which it is.
static void deliver(struct fixture *f, uint8_t number, size_t len)
{
    uint8_t frame[NET_FRAME_MAX];
    memset(frame, number, sizeof frame);
    net_wire_deliver(&f->net.wire, frame, len);
    net_wire_delivered(&f->net.wire);
}

static struct virtio_net_counts counts(struct fixture *f)
{
    struct virtio_net_counts out;
    virtio_net_count(&f->net, &out);
    return out;
}

// ---- The tests -------------------------------------------------------------

Test(virtio_net, what_it_is)
{
    struct fixture f;
    set_up(&f, 0);
    struct virtio_device *dev = &f.net.device;
    cr_assert_eq(virtio_read_config(dev, 0, 4), 0x03020102U);
    cr_assert_eq(virtio_read_config(dev, 6, 2), 1U); // the link is up
    cr_assert_eq(virtio_read_config(dev, 8, 4), 0U);
    cr_assert(virtio_net_is_used(&f.net));
    tear_down(&f);
}

Test(virtio_net, sends)
{
    struct fixture f;
    set_up(&f, 0);
    put_packet(&f, 60, 0);
    kick_and_wait(&f, 1);
    cr_assert_eq(f.sent, 1U);
    cr_assert_eq(f.frame_len, 60U);
    cr_assert_eq(f.frame[0], 60);
    cr_assert_eq(f.frame[59], 119);
    uint32_t id, len;
    driver_used(&f.tx, 0, &id, &len);
    cr_assert_eq(len, 0U);
    cr_assert_eq(f.interrupts[1], 1U);
    // Many at once are one interrupt.
    for (unsigned i = 0; i < 100; i++)
        put_packet(&f, NET_FRAME_MAX, 0);
    kick_and_wait(&f, 1);
    cr_assert_eq(f.sent, 101U);
    cr_assert_eq(driver_used_index(&f.tx), 101);
    cr_assert_eq(f.interrupts[1], 2U);
    tear_down(&f);
}

Test(virtio_net, what_is_no_frame_is_counted)
{
    struct fixture f;
    set_up(&f, 0);
    put_packet(&f, NET_FRAME_MIN - 1, 0);
    put_packet(&f, NET_FRAME_MAX + 1, 0);
    put_packet(&f, 0, 0);
    put_packet(&f, NET_FRAME_MIN, 0);
    kick_and_wait(&f, 1);
    cr_assert_eq(f.sent, 1U);
    cr_assert_eq(driver_used_index(&f.tx), 4);
    cr_assert_eq(counts(&f).sent, 1U);
    cr_assert_eq(counts(&f).refused, 3U);
    tear_down(&f);
}

Test(virtio_net, receives)
{
    struct fixture f;
    set_up(&f, 0);
    offer(&f, 0, 2048);
    offer(&f, 1, 2048);
    deliver(&f, 7, 100);
    const uint8_t *at = received(&f, 0);
    cr_assert_eq(at[10] | at[11] << 8, 1);
    cr_assert_eq(at[VIRTIO_NET_HEADER], 7);
    cr_assert_eq(at[VIRTIO_NET_HEADER + 99], 7);
    cr_assert_eq(at[VIRTIO_NET_HEADER + 100], 0);
    uint32_t id, len;
    driver_used(&f.rx, 0, &id, &len);
    cr_assert_eq(id, 0U);
    cr_assert_eq(len, VIRTIO_NET_HEADER + 100U);
    cr_assert_eq(f.interrupts[0], 1U);
    cr_assert_eq(counts(&f).received, 1U);
    tear_down(&f);
}

Test(virtio_net, a_frame_in_several_buffers)
{
    struct fixture f;
    set_up(&f, F_MERGE);
    for (unsigned i = 0; i < 4; i++)
        offer(&f, i, 600);
    deliver(&f, 9, 1500);
    cr_assert_eq(driver_used_index(&f.rx), 3);
    uint32_t id, len, total = 0;
    for (unsigned i = 0; i < 3; i++) {
        driver_used(&f.rx, i, &id, &len);
        cr_assert_eq(id, i);
        total += len;
    }
    cr_assert_eq(total, VIRTIO_NET_HEADER + 1500U);
    cr_assert_eq(received(&f, 0)[10], 3);
    cr_assert_eq(received(&f, 1)[0], 9);
    cr_assert_eq(received(&f, 2)[1500 + VIRTIO_NET_HEADER - 1200 - 1], 9);
    // Too few for the next one: it waits, and what was taken is kept for it.
    deliver(&f, 8, 1500);
    cr_assert_eq(driver_used_index(&f.rx), 3);
    offer(&f, 4, 600);
    offer(&f, 5, 600);
    kick_and_wait(&f, 0);
    cr_assert_eq(driver_used_index(&f.rx), 6);
    cr_assert_eq(received(&f, 3)[VIRTIO_NET_HEADER], 8);
    cr_assert_eq(received(&f, 4)[0], 8);
    tear_down(&f);
}

// They wait in order, so many and no more.
Test(virtio_net, a_guest_without_buffers)
{
    struct fixture f;
    set_up(&f, 0);
    for (unsigned i = 0; i < VIRTIO_NET_WAITING + 10; i++)
        deliver(&f, (uint8_t)i, 60);
    cr_assert_eq(counts(&f).dropped, 10U);
    cr_assert_eq(counts(&f).received, 0U);
    for (unsigned i = 0; i < 100; i++)
        offer(&f, i, 2048);
    kick_and_wait(&f, 0);
    cr_assert_eq(counts(&f).received, VIRTIO_NET_WAITING);
    for (unsigned i = 0; i < VIRTIO_NET_WAITING; i++)
        cr_assert_eq(received(&f, i)[VIRTIO_NET_HEADER], i);
    deliver(&f, 200, 60);
    cr_assert_eq(received(&f, VIRTIO_NET_WAITING)[VIRTIO_NET_HEADER], 200);
    tear_down(&f);
}

// One that comes when there is room again does not overtake those that wait.
Test(virtio_net, no_frame_overtakes)
{
    struct fixture f;
    set_up(&f, 0);
    deliver(&f, 1, 60);
    offer(&f, 0, 2048);
    deliver(&f, 2, 60);
    cr_assert_eq(received(&f, 0)[VIRTIO_NET_HEADER], 1);
    offer(&f, 1, 2048);
    kick_and_wait(&f, 0);
    cr_assert_eq(received(&f, 1)[VIRTIO_NET_HEADER], 2);
    tear_down(&f);
}

Test(virtio_net, an_answer_within_the_question)
{
    struct fixture f;
    set_up(&f, 0);
    f.echoes = true;
    for (unsigned i = 0; i < 8; i++)
        offer(&f, i, 2048);
    for (unsigned i = 0; i < 8; i++)
        put_packet(&f, 64, 0);
    kick_and_wait(&f, 1);
    cr_assert_eq(counts(&f).received, 8U);
    cr_assert_eq(received(&f, 7)[VIRTIO_NET_HEADER], 64);
    cr_assert_eq(f.interrupts[0], 1U);
    tear_down(&f);
}

// ---- What is wrong ---------------------------------------------------------

static void expect_refusal(struct fixture *f, const char *why)
{
    cr_expect_eq(f->net.device.refusals, 1U);
    cr_expect_str_eq(f->net.device.refusal, why);
    cr_expect(f->net.device.status & VIRTIO_NEEDS_RESET);
    cr_expect_not(virtio_net_is_used(&f->net));
    // Nothing more is done until it is reset; then all of it again.
    deliver(f, 1, 60);
    put_packet(f, 60, 0);
    kick(f, 1);
    pthread_mutex_lock(&f->net.device.lock);
    virtio_set_status(&f->net.device, 0);
    pthread_mutex_unlock(&f->net.device.lock);
    lay_out(f);
    start(f, 0);
    offer(f, 0, 2048);
    deliver(f, 5, 60);
    cr_expect_eq(received(f, 0)[VIRTIO_NET_HEADER], 5);
    cr_expect_eq(driver_used_index(&f->rx), 1);
    put_packet(f, 60, 0);
    kick_and_wait(f, 1);
    cr_expect_eq(driver_used_index(&f->tx), 1);
}

Test(virtio_net, a_packet_without_header)
{
    struct fixture f;
    set_up(&f, 0);
    driver_desc(&f.tx, 0, OUT, VIRTIO_NET_HEADER - 1, 0, 0);
    driver_offer(&f.tx, 0);
    kick_and_wait(&f, 1);
    expect_refusal(&f, "a packet without its header, or to be written to");
    tear_down(&f);
}

Test(virtio_net, a_packet_to_be_written)
{
    struct fixture f;
    set_up(&f, 0);
    put_packet(&f, 60, D_WRITE);
    kick_and_wait(&f, 1);
    expect_refusal(&f, "a packet without its header, or to be written to");
    tear_down(&f);
}

Test(virtio_net, a_buffer_to_be_read)
{
    struct fixture f;
    set_up(&f, 0);
    driver_desc(&f.rx, 0, DRIVER_BUFFERS, 2048, 0, 0);
    driver_offer(&f.rx, 0);
    deliver(&f, 1, 60);
    expect_refusal(&f, "a receive buffer without room for the header of a "
                       "packet");
    tear_down(&f);
}

Test(virtio_net, a_buffer_that_is_too_small)
{
    struct fixture f;
    set_up(&f, 0);
    offer(&f, 0, 64);
    offer(&f, 1, 64);
    deliver(&f, 1, 60);
    expect_refusal(&f, "receive buffers that are too small for a packet");
    tear_down(&f);
}

Test(virtio_net, buffers_that_are_too_many)
{
    struct fixture f;
    set_up(&f, F_MERGE);
    for (unsigned i = 0; i < 100; i++)
        offer(&f, i, VIRTIO_NET_HEADER);
    deliver(&f, 1, 1500);
    expect_refusal(&f, "receive buffers that are too small for a packet");
    tear_down(&f);
}

Test(virtio_net, rings_that_are_wrong)
{
    struct fixture f;
    set_up(&f, 0);
    driver_desc(&f.tx, 0, UINT64_C(0xfee00000), 60, 0, 0);
    driver_offer(&f.tx, 0);
    kick_and_wait(&f, 1);
    expect_refusal(&f, "a buffer that isn't in RAM or is empty");
    tear_down(&f);
}

// What waited belongs to the driver that is gone, and so do its buffers.
Test(virtio_net, reset)
{
    struct fixture f;
    set_up(&f, F_MERGE);
    offer(&f, 0, 600);
    deliver(&f, 1, 1500);
    deliver(&f, 2, 60);
    pthread_mutex_lock(&f.net.device.lock);
    virtio_set_status(&f.net.device, 0);
    pthread_mutex_unlock(&f.net.device.lock);
    deliver(&f, 3, 60);
    lay_out(&f);
    start(&f, 0);
    offer(&f, 1, 2048);
    deliver(&f, 4, 60);
    cr_assert_eq(driver_used_index(&f.rx), 1);
    cr_assert_eq(received(&f, 1)[VIRTIO_NET_HEADER], 4);
    cr_assert_eq(received(&f, 0)[0], 0);
    tear_down(&f);
}

// ---- Threads ---------------------------------------------------------------

static void *reset_again(void *arg)
{
    struct fixture *f = arg;
    for (unsigned i = 0; i < 200; i++) {
        pthread_mutex_lock(&f->net.device.lock);
        virtio_set_status(&f->net.device, 0);
        pthread_mutex_unlock(&f->net.device.lock);
        start(f, 0);
        kick(f, 1);
        kick(f, 0);
    }
    return NULL;
}

// A vCPU resets the card while frames go both ways; under ThreadSanitizer this
// shows what is not locked.
Test(virtio_net, resets_under_load)
{
    struct fixture f;
    pthread_t other;
    set_up(&f, 0);
    for (unsigned i = 0; i < 100; i++) {
        offer(&f, i, 2048);
        put_packet(&f, 60, 0);
    }
    cr_assert_eq(pthread_create(&other, NULL, reset_again, &f), 0);
    for (unsigned i = 0; i < 200; i++)
        kick(&f, 1);
    pthread_join(other, NULL);
    cr_assert_eq(f.net.device.refusals, 0U);
    tear_down(&f);
}
