// SPDX-License-Identifier: Apache-2.0
// Many requests at a time: they are done in their order, each fails alone, and
// what was taken is dropped by a reset.
#include "src/tests/virtio_blk_driver.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BYTES (BLK_SECTORS * 512)

// ---- Order -----------------------------------------------------------------

// What a slot must read.
struct expected {
    bool reads;
    uint32_t len;
    uint8_t bytes[8 * 512];
};

static void offer_any(struct blk_driver *f, unsigned slot, uint8_t *model,
                      struct expected *e)
{
    size_t sector = (size_t)rand() % BLK_SECTORS;
    size_t most = BLK_SECTORS - sector;
    uint32_t sectors = 1 + (uint32_t)((size_t)rand() % (most < 8 ? most : 8));
    const struct blk_range range = {sector, sectors, 0};
    *e = (struct expected){.len = sectors * 512};
    switch (rand() % 8) {
    case 0:
        blk_offer(f, slot, BLK_T_FLUSH, 0, 0, false);
        return;
    case 1:
        memcpy(blk_data(f, slot), &range, sizeof range);
        memset(model + sector * 512, 0, e->len);
        blk_offer(f, slot, BLK_T_WRITE_ZEROES, 0, sizeof range, false);
        return;
    case 2:
    case 3:
    case 4:
        memset(blk_data(f, slot), rand(), e->len);
        memcpy(model + sector * 512, blk_data(f, slot), e->len);
        blk_offer(f, slot, BLK_T_OUT, sector, e->len, false);
        return;
    default:
        e->reads = true;
        memcpy(e->bytes, model + sector * 512, e->len);
        blk_offer(f, slot, BLK_T_IN, sector, e->len, true);
    }
}

// Each read has what the writes before it left, and nothing of those after it.
static void do_any(enum disk_mode mode, unsigned ahead)
{
    static struct expected expected[BLK_SLOTS];
    struct blk_driver f;
    uint8_t model[BYTES];
    uint16_t offered = 0;
    for (unsigned i = 0; i < BYTES; i++)
        model[i] = (uint8_t)(i / 512 + 1);
    blk_set_up(&f, mode, ahead);
    srand(11);
    for (unsigned round = 0; round < 100; round++) {
        unsigned n = 1 + (unsigned)rand() % BLK_SLOTS;
        for (unsigned i = 0; i < n; i++)
            offer_any(&f, i, model, &expected[i]);
        blk_kick_and_wait_for(&f, offered = (uint16_t)(offered + n));
        for (unsigned i = 0; i < n; i++) {
            uint32_t id, len;
            driver_used(&f.d, (offered - n + i) % BLK_QUEUE, &id, &len);
            cr_assert_eq(id, 3 * i, "in their order");
            cr_assert_eq(blk_status(&f, i), BLK_S_OK);
            cr_assert_eq(len, 1 + (expected[i].reads ? expected[i].len : 0));
            if (expected[i].reads)
                cr_assert_eq(
                    memcmp(blk_data(&f, i), expected[i].bytes, expected[i].len),
                    0, "round %u, request %u", round, i);
        }
    }
    blk_tear_down(&f);
}

Test(virtio_blk_many, in_their_order)
{
    do_any(DISK_CHANGES_DROPPED, 1);
    do_any(DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
    do_any(DISK_WRITABLE, 1);
    do_any(DISK_WRITABLE, BLK_AHEAD_MAX);
}

// ---- Failures --------------------------------------------------------------

Test(virtio_blk_many, what_is_cut_off_an_image_reads_as_zeros)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_READONLY, BLK_AHEAD_MAX);
    // Within the third sector: the host gives a part of it.
    cr_assert_eq(truncate(f.path, 2 * 512 + 100), 0);
    for (unsigned i = 0; i < 32; i++) {
        memset(blk_data(&f, i), 0xff, 1024);
        blk_offer(&f, i, BLK_T_IN, UINT64_C(2) * ((i * 5) % 32), 1024, true);
    }
    blk_kick_and_wait_for(&f, 32);
    for (unsigned i = 0; i < 32; i++) {
        const uint8_t *bytes = blk_data(&f, i);
        unsigned sector = 2 * ((i * 5) % 32);
        cr_assert_eq(blk_status(&f, i), BLK_S_OK);
        for (unsigned k = 0; k < 1024; k++) {
            unsigned at = sector * 512 + k;
            cr_assert_eq(bytes[k], at < 2 * 512 + 100 ? at / 512 + 1 : 0);
        }
    }
    blk_tear_down(&f);
}

Test(virtio_blk_many, writes_without_room_fail_alone)
{
    struct blk_driver f;
    blk_make_image(&f, 16);
    const struct virtio_blk_setup setup = {
        .path = f.path,
        .mode = DISK_CHANGES_DROPPED,
        .changes_max = UINT64_C(2) * DISK_CLUSTER,
    };
    blk_set_up_disk(&f, &setup, BLK_AHEAD_MAX);
    for (unsigned i = 0; i < 10; i++) {
        memset(blk_data(&f, i), 0x40 + (int)i, 512);
        blk_offer(&f, i, i % 2 ? BLK_T_IN : BLK_T_OUT, UINT64_C(8) * (i / 2),
                  512, i % 2);
    }
    blk_kick_and_wait_for(&f, 10);
    for (unsigned i = 0; i < 10; i += 2) {
        bool fits = i / 2 < 2;
        cr_expect_eq(blk_status(&f, i), fits ? BLK_S_OK : BLK_S_IOERR);
        cr_expect_eq(blk_status(&f, i + 1), BLK_S_OK);
        cr_expect_eq(blk_data(&f, i + 1)[511], fits ? 0x40 + i : i / 2);
    }
    cr_expect_eq(f.blk.errors, 3);
    cr_expect(f.blk.disk.full);
    blk_tear_down(&f);
}

Test(virtio_blk_many, writes_that_the_host_refuses_fail_alone)
{
    struct blk_driver f;
    struct rlimit before, limit;
    blk_set_up(&f, DISK_WRITABLE, BLK_AHEAD_MAX);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){BYTES / 2, before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    // The one in the middle is a short write first.
    const uint64_t sectors[] = {0, BLK_SECTORS / 2 - 1, BLK_SECTORS / 2, 8};
    for (unsigned i = 0; i < 4; i++) {
        memset(blk_data(&f, i), 0x77, 1024);
        blk_offer(&f, i, BLK_T_OUT, sectors[i], 1024, false);
    }
    blk_offer(&f, 4, BLK_T_FLUSH, 0, 0, false);
    blk_kick_and_wait_for(&f, 5);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    cr_expect_eq(blk_status(&f, 0), BLK_S_OK);
    cr_expect_eq(blk_status(&f, 1), BLK_S_IOERR);
    cr_expect_eq(blk_status(&f, 2), BLK_S_IOERR);
    cr_expect_eq(blk_status(&f, 3), BLK_S_OK);
    cr_expect_eq(blk_status(&f, 4), BLK_S_OK);
    cr_expect_eq(f.blk.errors, 2);
    blk_tear_down(&f);
}

// What is wrong is told when those before it are done: not at once, though the
// device has seen it.
static void assert_only_the_first_are_done(struct blk_driver *f, unsigned n)
{
    struct virtio_device *dev = &f->blk.device;
    pthread_mutex_lock(&dev->lock);
    while (!(dev->status & VIRTIO_NEEDS_RESET))
        pthread_cond_wait(&f->interrupted, &dev->lock);
    pthread_mutex_unlock(&dev->lock);
    cr_expect_eq(driver_used_index(&f->d), n);
    for (unsigned i = 0; i < n; i++)
        cr_expect_eq(blk_status(f, i), BLK_S_OK);
    cr_expect_eq(blk_status(f, n + 1), BLK_UNTOUCHED);
    cr_expect_eq(dev->refusals, 1);
    cr_expect_not(virtio_blk_is_busy(&f->blk));
}

static void offer_around(struct blk_driver *f, unsigned wrong)
{
    for (unsigned i = 0; i < wrong + 2; i++)
        blk_offer(f, i, BLK_T_IN, i, 512, true);
    // 3*wrong is the wrong one's first descriptor.
    cr_assert_lt(3 * wrong + 2, BLK_QUEUE);
}

static void kick(struct blk_driver *f)
{
    pthread_mutex_lock(&f->blk.device.lock);
    virtio_kick(&f->blk.device, 0);
    pthread_mutex_unlock(&f->blk.device.lock);
}

Test(virtio_blk_many, a_broken_chain_among_them)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
    offer_around(&f, 5);
    driver_desc(&f.d, 16, DRIVER_MEMORY, 512, D_NEXT | D_WRITE, 17);
    kick(&f);
    assert_only_the_first_are_done(&f, 5);
    blk_tear_down(&f);
}

Test(virtio_blk_many, a_request_without_its_status_among_them)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
    offer_around(&f, 5);
    driver_desc(&f.d, 15, BLK_HEADER(5), 16, 0, 0);
    kick(&f);
    assert_only_the_first_are_done(&f, 5);
    blk_tear_down(&f);
}

// ---- Resets ----------------------------------------------------------------

// On the disk's thread when one is done and the others were taken.
static void reset_now(struct blk_driver *f)
{
    f->on_interrupt = NULL;
    virtio_set_status(&f->blk.device, 0);
}

static void take_back_now(struct blk_driver *f)
{
    f->on_interrupt = NULL;
    virtio_disable_queue(&f->blk.device, 0);
}

// Offers reads of all slots, of which one is done before `then` happens. All
// that the device wrote is wiped out.
static void offer_and_stop(struct blk_driver *f,
                           void (*then)(struct blk_driver *))
{
    for (unsigned i = 0; i < BLK_SLOTS; i++)
        blk_offer(f, i, BLK_T_IN, i, 512, true);
    f->on_interrupt = then;
    blk_kick_and_wait(f);
    cr_assert_eq(driver_used_index(&f->d), 1);
    for (unsigned i = 0; i < BLK_SLOTS; i++)
        memset(blk_data(f, i), 0x5a, 512);
    driver_set_index(&f->d, 0);
    memset(driver_at(&f->d, DRIVER_USED, 4), 0, 4);
}

static void assert_nothing_is_left(struct blk_driver *f)
{
    cr_expect_not(virtio_blk_is_busy(&f->blk));
    cr_assert_eq(blk_request(f, BLK_T_IN, 7, 512, true), BLK_S_OK);
    cr_expect_eq(driver_used_index(&f->d), 1);
    cr_expect_eq(blk_data(f, 0)[0], 8);
    for (unsigned i = 1; i < BLK_SLOTS; i++) {
        cr_expect_eq(blk_data(f, i)[0], 0x5a, "slot %u", i);
        cr_expect_eq(blk_status(f, i), BLK_UNTOUCHED, "slot %u", i);
    }
}

Test(virtio_blk_many, a_reset_drops_what_was_taken)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
    offer_and_stop(&f, reset_now);
    blk_start(&f);
    assert_nothing_is_left(&f);
    blk_tear_down(&f);
}

// Through registers in memory a driver may take back the queue alone.
Test(virtio_blk_many, so_does_the_end_of_the_queue)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
    offer_and_stop(&f, take_back_now);
    pthread_mutex_lock(&f.blk.device.lock);
    virtio_enable_queue(&f.blk.device, 0);
    pthread_mutex_unlock(&f.blk.device.lock);
    assert_nothing_is_left(&f);
    blk_tear_down(&f);
}

Test(virtio_blk_many, and_so_does_the_end_of_the_device)
{
    struct blk_driver f;
    for (unsigned round = 0; round < 50; round++) {
        blk_set_up(&f, DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
        for (unsigned i = 0; i < BLK_SLOTS; i++)
            blk_offer(&f, i, BLK_T_IN, i, 512, true);
        kick(&f);
        blk_tear_down(&f); // the memory is gone, too
    }
}
