// SPDX-License-Identifier: Apache-2.0
// The network card, driven as a guest's driver does it, with a network that the
// test is: frames both ways, a guest that takes none.
#include "src/tests/virtio_net_card.h"

#include <criterion/criterion.h>

Test(virtio_net, what_it_is)
{
    struct card_test f;
    card_set_up(&f, 0);
    struct virtio_device *dev = &f.net.device;
    cr_assert_eq(virtio_read_config(dev, 0, 4), 0x03020102U);
    cr_assert_eq(virtio_read_config(dev, 6, 2), 1U); // the link is up
    cr_assert_eq(virtio_read_config(dev, 8, 4), 0U);
    cr_assert(virtio_net_is_used(&f.net));
    card_tear_down(&f);
}

Test(virtio_net, sends)
{
    struct card_test f;
    card_set_up(&f, 0);
    card_put_packet(&f, 60, 0);
    card_kick_and_wait(&f, 1);
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
        card_put_packet(&f, NET_FRAME_MAX, 0);
    card_kick_and_wait(&f, 1);
    cr_assert_eq(f.sent, 101U);
    cr_assert_eq(driver_used_index(&f.tx), 101);
    cr_assert_eq(f.interrupts[1], 2U);
    card_tear_down(&f);
}

Test(virtio_net, what_is_no_frame_is_counted)
{
    struct card_test f;
    card_set_up(&f, 0);
    card_put_packet(&f, NET_FRAME_MIN - 1, 0);
    card_put_packet(&f, NET_FRAME_MAX + 1, 0);
    card_put_packet(&f, 0, 0);
    card_put_packet(&f, NET_FRAME_MIN, 0);
    card_kick_and_wait(&f, 1);
    cr_assert_eq(f.sent, 1U);
    cr_assert_eq(driver_used_index(&f.tx), 4);
    cr_assert_eq(card_counts(&f).sent, 1U);
    cr_assert_eq(card_counts(&f).refused, 3U);
    card_tear_down(&f);
}

Test(virtio_net, receives)
{
    struct card_test f;
    card_set_up(&f, 0);
    card_offer(&f, 0, 2048);
    card_offer(&f, 1, 2048);
    card_deliver(&f, 7, 100);
    const uint8_t *at = card_received(&f, 0);
    cr_assert_eq(at[10] | at[11] << 8, 1);
    cr_assert_eq(at[VIRTIO_NET_HEADER], 7);
    cr_assert_eq(at[VIRTIO_NET_HEADER + 99], 7);
    cr_assert_eq(at[VIRTIO_NET_HEADER + 100], 0);
    uint32_t id, len;
    driver_used(&f.rx, 0, &id, &len);
    cr_assert_eq(id, 0U);
    cr_assert_eq(len, VIRTIO_NET_HEADER + 100U);
    cr_assert_eq(f.interrupts[0], 1U);
    cr_assert_eq(card_counts(&f).received, 1U);
    card_tear_down(&f);
}

Test(virtio_net, a_frame_in_several_buffers)
{
    struct card_test f;
    card_set_up(&f, CARD_F_MERGE);
    for (unsigned i = 0; i < 4; i++)
        card_offer(&f, i, 600);
    card_deliver(&f, 9, 1500);
    cr_assert_eq(driver_used_index(&f.rx), 3);
    uint32_t id, len, total = 0;
    for (unsigned i = 0; i < 3; i++) {
        driver_used(&f.rx, i, &id, &len);
        cr_assert_eq(id, i);
        total += len;
    }
    cr_assert_eq(total, VIRTIO_NET_HEADER + 1500U);
    cr_assert_eq(card_received(&f, 0)[10], 3);
    cr_assert_eq(card_received(&f, 1)[0], 9);
    cr_assert_eq(card_received(&f, 2)[1500 + VIRTIO_NET_HEADER - 1200 - 1], 9);
    // Too few for the next one: it waits, and what was taken is kept for it.
    card_deliver(&f, 8, 1500);
    cr_assert_eq(driver_used_index(&f.rx), 3);
    card_offer(&f, 4, 600);
    card_offer(&f, 5, 600);
    card_kick_and_wait(&f, 0);
    cr_assert_eq(driver_used_index(&f.rx), 6);
    cr_assert_eq(card_received(&f, 3)[VIRTIO_NET_HEADER], 8);
    cr_assert_eq(card_received(&f, 4)[0], 8);
    card_tear_down(&f);
}

// They wait in order, so many and no more.
Test(virtio_net, a_guest_without_buffers)
{
    struct card_test f;
    card_set_up(&f, 0);
    for (unsigned i = 0; i < VIRTIO_NET_WAITING + 10; i++)
        card_deliver(&f, (uint8_t)i, 60);
    cr_assert_eq(card_counts(&f).dropped, 10U);
    cr_assert_eq(card_counts(&f).received, 0U);
    for (unsigned i = 0; i < 100; i++)
        card_offer(&f, i, 2048);
    card_kick_and_wait(&f, 0);
    cr_assert_eq(card_counts(&f).received, VIRTIO_NET_WAITING);
    for (unsigned i = 0; i < VIRTIO_NET_WAITING; i++)
        cr_assert_eq(card_received(&f, i)[VIRTIO_NET_HEADER], i);
    card_deliver(&f, 200, 60);
    cr_assert_eq(card_received(&f, VIRTIO_NET_WAITING)[VIRTIO_NET_HEADER], 200);
    card_tear_down(&f);
}

// One that comes when there is room again does not overtake those that wait.
Test(virtio_net, no_frame_overtakes)
{
    struct card_test f;
    card_set_up(&f, 0);
    card_deliver(&f, 1, 60);
    card_offer(&f, 0, 2048);
    card_deliver(&f, 2, 60);
    cr_assert_eq(card_received(&f, 0)[VIRTIO_NET_HEADER], 1);
    card_offer(&f, 1, 2048);
    card_kick_and_wait(&f, 0);
    cr_assert_eq(card_received(&f, 1)[VIRTIO_NET_HEADER], 2);
    card_tear_down(&f);
}

Test(virtio_net, an_answer_within_the_question)
{
    struct card_test f;
    card_set_up(&f, 0);
    f.echoes = true;
    for (unsigned i = 0; i < 8; i++)
        card_offer(&f, i, 2048);
    for (unsigned i = 0; i < 8; i++)
        card_put_packet(&f, 64, 0);
    card_kick_and_wait(&f, 1);
    cr_assert_eq(card_counts(&f).received, 8U);
    cr_assert_eq(card_received(&f, 7)[VIRTIO_NET_HEADER], 64);
    cr_assert_eq(f.interrupts[0], 1U);
    card_tear_down(&f);
}
