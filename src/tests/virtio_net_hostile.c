// SPDX-License-Identifier: Apache-2.0
// The network card and a driver that is wrong: its buffers, its rings; and one
// that resets the card, also under load.
#include "src/tests/virtio_net_card.h"

#include <criterion/criterion.h>
#include <pthread.h>

// ---- What is wrong ---------------------------------------------------------

static void expect_refusal(struct card_test *f, const char *why)
{
    cr_expect_eq(f->net.device.refusals, 1U);
    cr_expect_str_eq(f->net.device.refusal, why);
    cr_expect(f->net.device.status & VIRTIO_NEEDS_RESET);
    cr_expect_not(virtio_net_is_used(&f->net));
    // Nothing more is done until it is reset; then all of it again.
    card_deliver(f, 1, 60);
    card_put_packet(f, 60, 0);
    card_kick(f, 1);
    pthread_mutex_lock(&f->net.device.lock);
    virtio_set_status(&f->net.device, 0);
    pthread_mutex_unlock(&f->net.device.lock);
    card_lay_out(f);
    card_start(f, 0);
    card_offer(f, 0, 2048);
    card_deliver(f, 5, 60);
    cr_expect_eq(card_received(f, 0)[VIRTIO_NET_HEADER], 5);
    cr_expect_eq(driver_used_index(&f->rx), 1);
    card_put_packet(f, 60, 0);
    card_kick_and_wait(f, 1);
    cr_expect_eq(driver_used_index(&f->tx), 1);
}

Test(virtio_net, a_packet_without_header)
{
    struct card_test f;
    card_set_up(&f, 0);
    driver_desc(&f.tx, 0, CARD_OUT, VIRTIO_NET_HEADER - 1, 0, 0);
    driver_offer(&f.tx, 0);
    card_kick_and_wait(&f, 1);
    expect_refusal(&f, "a packet without its header, or to be written to");
    card_tear_down(&f);
}

Test(virtio_net, a_packet_to_be_written)
{
    struct card_test f;
    card_set_up(&f, 0);
    card_put_packet(&f, 60, D_WRITE);
    card_kick_and_wait(&f, 1);
    expect_refusal(&f, "a packet without its header, or to be written to");
    card_tear_down(&f);
}

Test(virtio_net, a_buffer_to_be_read)
{
    struct card_test f;
    card_set_up(&f, 0);
    driver_desc(&f.rx, 0, DRIVER_BUFFERS, 2048, 0, 0);
    driver_offer(&f.rx, 0);
    card_deliver(&f, 1, 60);
    expect_refusal(&f, "a receive buffer without room for the header of a "
                       "packet");
    card_tear_down(&f);
}

Test(virtio_net, a_buffer_that_is_too_small)
{
    struct card_test f;
    card_set_up(&f, 0);
    card_offer(&f, 0, 64);
    card_offer(&f, 1, 64);
    card_deliver(&f, 1, 60);
    expect_refusal(&f, "receive buffers that are too small for a packet");
    card_tear_down(&f);
}

Test(virtio_net, buffers_that_are_too_many)
{
    struct card_test f;
    card_set_up(&f, CARD_F_MERGE);
    for (unsigned i = 0; i < 100; i++)
        card_offer(&f, i, VIRTIO_NET_HEADER);
    card_deliver(&f, 1, 1500);
    expect_refusal(&f, "receive buffers that are too small for a packet");
    card_tear_down(&f);
}

Test(virtio_net, rings_that_are_wrong)
{
    struct card_test f;
    card_set_up(&f, 0);
    driver_desc(&f.tx, 0, UINT64_C(0xfee00000), 60, 0, 0);
    driver_offer(&f.tx, 0);
    card_kick_and_wait(&f, 1);
    expect_refusal(&f, "a buffer that isn't in RAM or is empty");
    card_tear_down(&f);
}

// What waited belongs to the driver that is gone, and so do its buffers.
Test(virtio_net, reset)
{
    struct card_test f;
    card_set_up(&f, CARD_F_MERGE);
    card_offer(&f, 0, 600);
    card_deliver(&f, 1, 1500);
    card_deliver(&f, 2, 60);
    pthread_mutex_lock(&f.net.device.lock);
    virtio_set_status(&f.net.device, 0);
    pthread_mutex_unlock(&f.net.device.lock);
    card_deliver(&f, 3, 60);
    card_lay_out(&f);
    card_start(&f, 0);
    card_offer(&f, 1, 2048);
    card_deliver(&f, 4, 60);
    cr_assert_eq(driver_used_index(&f.rx), 1);
    cr_assert_eq(card_received(&f, 1)[VIRTIO_NET_HEADER], 4);
    cr_assert_eq(card_received(&f, 0)[0], 0);
    card_tear_down(&f);
}

// ---- Threads ---------------------------------------------------------------

static void *reset_again(void *arg)
{
    struct card_test *f = arg;
    for (unsigned i = 0; i < 200; i++) {
        pthread_mutex_lock(&f->net.device.lock);
        virtio_set_status(&f->net.device, 0);
        pthread_mutex_unlock(&f->net.device.lock);
        card_start(f, 0);
        card_kick(f, 1);
        card_kick(f, 0);
    }
    return NULL;
}

// A vCPU resets the card while frames go both ways; under ThreadSanitizer this
// shows what is not locked.
Test(virtio_net, resets_under_load)
{
    struct card_test f;
    pthread_t other;
    card_set_up(&f, 0);
    for (unsigned i = 0; i < 100; i++) {
        card_offer(&f, i, 2048);
        card_put_packet(&f, 60, 0);
    }
    cr_assert_eq(pthread_create(&other, NULL, reset_again, &f), 0);
    for (unsigned i = 0; i < 200; i++)
        card_kick(&f, 1);
    pthread_join(other, NULL);
    cr_assert_eq(f.net.device.refusals, 0U);
    card_tear_down(&f);
}
