// SPDX-License-Identifier: Apache-2.0
// The block device, driven as a guest's driver does it: requests, what is wrong
// with them, and resets while they are under way.
#include "src/tests/virtio_blk_driver.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#define SECTORS BLK_SECTORS

static void make_requests(unsigned ahead)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_CHANGES_DROPPED, ahead);
    cr_assert_eq(f.blk.config.capacity, SECTORS);
    cr_assert_eq(blk_request(&f, BLK_T_IN, 3, 1024, true), 0);
    cr_assert_eq(blk_data(&f, 0)[0], 4);
    cr_assert_eq(blk_data(&f, 0)[512], 5);
    uint32_t id, len;
    driver_used(&f.d, 0, &id, &len);
    cr_assert_eq(len, 1025);
    memset(blk_data(&f, 0), 0x77, 512);
    cr_assert_eq(blk_request(&f, BLK_T_OUT, SECTORS - 1, 512, false), 0);
    memset(blk_data(&f, 0), 0, 512);
    cr_assert_eq(blk_request(&f, BLK_T_IN, SECTORS - 1, 512, true), 0);
    cr_assert_eq(blk_data(&f, 0)[511], 0x77);
    cr_assert_eq(blk_request(&f, BLK_T_FLUSH, 0, 0, false), 0);
    cr_assert_eq(blk_request(&f, BLK_T_GET_ID, 0, 20, true), 0);
    cr_assert_eq(
        memcmp(blk_data(&f, 0), "a serial\0\0\0\0\0\0\0\0\0\0\0\0", 20), 0);
    const uint32_t range[4] = {8, 0, 8, 0};
    memcpy(blk_data(&f, 0), range, 16);
    cr_assert_eq(blk_request(&f, BLK_T_WRITE_ZEROES, 0, 16, false), 0);
    cr_assert_eq(blk_request(&f, BLK_T_IN, 8, 512, true), 0);
    cr_assert_eq(blk_data(&f, 0)[0], 0);
    memcpy(blk_data(&f, 0), range, 16);
    cr_assert_eq(blk_request(&f, BLK_T_DISCARD, 0, 16, false), 0);
    cr_assert_not(virtio_blk_is_busy(&f.blk));
    blk_tear_down(&f);
}

Test(virtio_blk, requests)
{
    make_requests(1);
    make_requests(BLK_AHEAD_MAX);
}

Test(virtio_blk, requests_that_fail)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
    cr_assert_eq(blk_request(&f, BLK_T_IN, SECTORS, 512, true), 1,
                 "past the end");
    cr_assert_eq(blk_request(&f, BLK_T_IN, SECTORS - 1, 1024, true), 1);
    cr_assert_eq(blk_request(&f, BLK_T_IN, UINT64_MAX, 512, true), 1);
    cr_assert_eq(blk_request(&f, BLK_T_OUT, UINT64_C(1) << 55, 512, false), 1);
    cr_assert_eq(blk_request(&f, BLK_T_IN, 0, 100, true), 1, "no whole sector");
    cr_assert_eq(blk_request(&f, BLK_T_GET_ID, 0, 10, true), 1);
    cr_assert_eq(blk_request(&f, 99, 0, 512, true), 2, "not supported");
    uint32_t range[4] = {UINT32_MAX, UINT32_MAX, 8, 0};
    memcpy(blk_data(&f, 0), range, 16);
    cr_assert_eq(blk_request(&f, BLK_T_DISCARD, 0, 16, false), 1);
    cr_assert_eq(blk_request(&f, BLK_T_DISCARD, 0, 17, false), 1);
    cr_assert_eq(blk_request(&f, BLK_T_DISCARD, 0, 16 * 17, false), 1);
    range[3] = 2;
    memcpy(blk_data(&f, 0), range, 16);
    cr_assert_eq(blk_request(&f, BLK_T_WRITE_ZEROES, 0, 16, false), 2,
                 "a flag");
    cr_assert_eq(f.blk.device.refusals, 0);
    cr_assert_eq(f.blk.errors, 9);
    blk_tear_down(&f);
}

Test(virtio_blk, what_is_read_only_stays)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_READONLY, BLK_AHEAD_MAX);
    cr_assert(f.blk.device.offered & 1 << 5);
    cr_assert_eq(blk_request(&f, BLK_T_OUT, 0, 512, false), 1);
    cr_assert_eq(blk_request(&f, BLK_T_IN, 0, 512, true), 0);
    cr_assert_eq(blk_data(&f, 0)[0], 1);
    blk_tear_down(&f);
}

// A device may go and leave its image to the next one.
Test(virtio_blk, the_next_device_reads_what_this_one_wrote)
{
    struct blk_driver f;
    struct disk_image image;
    struct error err = {""};
    blk_set_up(&f, DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
    memset(blk_data(&f, 0), 0x5a, 512);
    cr_expect_eq(blk_request(&f, BLK_T_OUT, 3, 512, false), 0);
    virtio_blk_release(&f.blk, &image);
    const struct virtio_blk_setup setup = {
        .path = "/nonexistent", .mode = DISK_CHANGES_DROPPED, .image = &image};
    cr_assert_eq(virtio_blk_init(&f.blk, &setup, &f.d.memory, &err), 0, "%s",
                 err.text);
    cr_expect_not(disk_image_is_open(&image));
    uint8_t sector[512];
    const struct iovec iov = {sector, sizeof sector};
    cr_assert_eq(disk_image_read(&f.blk.disk, 3 * 512, 512, &iov, 1), 0);
    for (size_t i = 0; i < sizeof sector; i++)
        cr_assert_eq(sector[i], 0x5a);
    blk_tear_down(&f);
}

Test(virtio_blk, a_request_without_room_for_its_status)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_CHANGES_DROPPED, BLK_AHEAD_MAX);
    driver_desc(&f.d, 0, BLK_HEADER(0), 16, 0, 0);
    driver_offer(&f.d, 0);
    blk_kick_and_wait(&f);
    cr_assert(f.blk.device.status & VIRTIO_NEEDS_RESET);
    cr_assert_not_null(strstr(f.blk.device.refusal, "without header"));
    // Nothing more is done until the driver resets it.
    pthread_mutex_lock(&f.blk.device.lock);
    virtio_kick(&f.blk.device, 0);
    virtio_set_status(&f.blk.device, 0);
    pthread_mutex_unlock(&f.blk.device.lock);
    driver_set_index(&f.d, 0);
    blk_start(&f);
    cr_assert_eq(blk_request(&f, BLK_T_IN, 0, 512, true), 0);
    blk_tear_down(&f);
}

// Sixteen requests, and a reset at once: afterwards no byte of guest memory
// changes any more.
static void reset_while_it_works(unsigned ahead)
{
    struct blk_driver f;
    blk_set_up(&f, DISK_CHANGES_DROPPED, ahead);
    struct virtio_device *dev = &f.blk.device;
    for (unsigned round = 0; round < 100; round++) {
        blk_offer(&f, 0, BLK_T_IN, 0, SECTORS * 512, true);
        for (unsigned i = 1; i < 16; i++)
            driver_offer(&f.d, 0);
        pthread_mutex_lock(&dev->lock);
        virtio_kick(dev, 0);
        pthread_mutex_unlock(&dev->lock);
        if (round % 3 == 0)
            usleep(round); // somewhere within them
        pthread_mutex_lock(&dev->lock);
        virtio_set_status(dev, 0);
        pthread_mutex_unlock(&dev->lock);
        uint16_t used = driver_used_index(&f.d);
        memset(blk_data(&f, 0), 0x5a, SECTORS * 512);
        cr_assert_leq(used, 16);
        if (round % 10 == 0)
            usleep(1000);
        cr_assert_eq(driver_used_index(&f.d), used);
        for (unsigned i = 0; i < SECTORS * 512; i++)
            cr_assert_eq(blk_data(&f, 0)[i], 0x5a);
        cr_assert_not(virtio_blk_is_busy(&f.blk));
        driver_set_index(&f.d, 0);
        memset(driver_at(&f.d, DRIVER_USED, 256), 0, 256);
        blk_start(&f);
    }
    blk_tear_down(&f);
}

Test(virtio_blk, resets_while_it_works)
{
    reset_while_it_works(1);
    reset_while_it_works(BLK_AHEAD_MAX);
}
