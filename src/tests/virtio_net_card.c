// SPDX-License-Identifier: Apache-2.0
// See virtio_net_card.h.
#include "src/tests/virtio_net_card.h"

#include <criterion/criterion.h>
#include <string.h>

#define TRANSMIT_AT UINT64_C(0x4000) // its rings, behind those of receiving

static const uint8_t mac[NET_MAC_LEN] = {2, 1, 2, 3, 4, 5};

// ---- The network and the transport -----------------------------------------

static void on_send(void *owner, const uint8_t *frame, size_t len)
{
    struct card_test *f = owner;
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
    struct card_test *f = owner;
    pthread_mutex_lock(&f->lock);
    f->settled++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void on_interrupt(void *owner, unsigned queue)
{
    struct card_test *f = owner;
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

void card_start(struct card_test *f, uint32_t features)
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

void card_lay_out(struct card_test *f)
{
    f->rx.next_avail = f->tx.next_avail = 0;
    memset(driver_at(&f->rx, DRIVER_DESC, 0x30000), 0, 0x30000);
}

void card_set_up(struct card_test *f, uint32_t features)
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
    guard_log_begin(&f->guard, NULL);
    const struct guard_seat seat =
        guard_log_seat(&f->guard, SANDBOX_LOOP, "the network");
    f->loop = loop_new(&seat, &err);
    cr_assert_not_null(f->loop, "%s", err.text);
    cr_assert_eq(virtio_net_init(&f->net, mac, f->loop, &f->rx.memory, &err), 0,
                 "%s", err.text);
    f->net.device.interrupt =
        (struct virtio_interrupt){on_interrupt, on_config, f};
    f->net.wire.network =
        (struct net_network){.owner = f, .send = on_send, .settle = on_settle};
    card_start(f, features);
}

void card_tear_down(struct card_test *f)
{
    virtio_net_destroy(&f->net);
    loop_free(f->loop);
    guard_log_end_well(&f->guard);
    driver_free(&f->rx);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

void card_kick(struct card_test *f, unsigned queue)
{
    pthread_mutex_lock(&f->net.device.lock);
    virtio_kick(&f->net.device, queue);
    pthread_mutex_unlock(&f->net.device.lock);
}

void card_kick_and_wait(struct card_test *f, unsigned queue)
{
    pthread_mutex_lock(&f->lock);
    unsigned before = f->settled;
    pthread_mutex_unlock(&f->lock);
    card_kick(f, queue);
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

void card_offer(struct card_test *f, unsigned i, uint32_t len)
{
    driver_desc(&f->rx, i, DRIVER_BUFFERS + 0x1000 * (uint64_t)i, len, D_WRITE,
                0);
    driver_offer(&f->rx, (uint16_t)i);
}

const uint8_t *card_received(struct card_test *f, unsigned i)
{
    return driver_at(&f->rx, DRIVER_BUFFERS + 0x1000 * (uint64_t)i, 0x1000);
}

void card_put_packet(struct card_test *f, uint32_t len, uint16_t flags)
{
    uint16_t i = f->tx.next_avail % f->tx.setup.size;
    uint8_t *at =
        driver_at(&f->tx, CARD_OUT, VIRTIO_NET_HEADER + (uint64_t)len);
    memset(at, 0, VIRTIO_NET_HEADER);
    for (uint32_t k = 0; k < len; k++)
        at[VIRTIO_NET_HEADER + k] = (uint8_t)(k + len);
    driver_desc(&f->tx, i, CARD_OUT, VIRTIO_NET_HEADER + len, flags, 0);
    driver_offer(&f->tx, i);
}

void card_deliver(struct card_test *f, uint8_t number, size_t len)
{
    uint8_t frame[NET_FRAME_MAX];
    memset(frame, number, sizeof frame);
    net_wire_deliver(&f->net.wire, frame, len);
    net_wire_delivered(&f->net.wire);
}

struct virtio_net_counts card_counts(struct card_test *f)
{
    struct virtio_net_counts out;
    virtio_net_count(&f->net, &out);
    return out;
}
