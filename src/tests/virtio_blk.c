// SPDX-License-Identifier: Apache-2.0
// The block device, driven as a guest's driver does it: requests, what is wrong
// with them, and resets while they are under way.
#include "src/base/clock.h"
#include "src/tests/virtio_driver.h"
#include "src/virtio/blk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTORS UINT64_C(64)
#define HEADER  DRIVER_BUFFERS
#define DATA    (DRIVER_BUFFERS + 0x1000)
#define STATUS  (DRIVER_BUFFERS + 0x100000)

enum {
    T_IN = 0,
    T_OUT = 1,
    T_FLUSH = 4,
    T_GET_ID = 8,
    T_DISCARD = 11,
    T_WRITE_ZEROES = 13
};

struct fixture {
    struct driver d;
    struct virtio_blk blk;
    char path[64];
    unsigned interrupts; // under the device's lock
    pthread_cond_t interrupted;
};

static void interrupt(void *owner, unsigned queue)
{
    struct fixture *f = owner;
    (void)queue;
    f->interrupts++;
    pthread_cond_broadcast(&f->interrupted);
}

static void config_interrupt(void *owner)
{
    interrupt(owner, 0);
}

static void start(struct fixture *f)
{
    struct virtio_device *dev = &f->blk.device;
    pthread_mutex_lock(&dev->lock);
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 0,
                        (uint32_t)(dev->offered & ~VIRTIO_F_EVENT_INDEX));
    virtio_set_features(dev, 1, VIRTIO_F_VERSION_1 >> 32);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    cr_assert(dev->status & VIRTIO_FEATURES_OK);
    dev->setups[0] = f->d.setup;
    virtio_enable_queue(dev, 0);
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
    pthread_mutex_unlock(&dev->lock);
}

static void set_up(struct fixture *f, enum disk_mode mode)
{
    struct error err = {""};
    memset(f, 0, sizeof *f);
    snprintf(f->path, sizeof f->path, "/tmp/toyvmm-test-blk-XXXXXX");
    int fd = mkstemp(f->path);
    uint8_t sector[512];
    for (unsigned i = 0; i < SECTORS; i++) {
        memset(sector, (int)i + 1, sizeof sector);
        cr_assert_eq(write(fd, sector, sizeof sector), 512);
    }
    close(fd);
    driver_init(&f->d, 16, false);
    pthread_cond_init(&f->interrupted, NULL);
    const struct virtio_blk_setup setup = {
        .path = f->path, .mode = mode, .serial = "a serial"};
    cr_assert_eq(virtio_blk_init(&f->blk, &setup, &f->d.memory, &err), 0, "%s",
                 err.text);
    f->blk.device.interrupt =
        (struct virtio_interrupt){interrupt, config_interrupt, f};
    start(f);
}

static void tear_down(struct fixture *f)
{
    virtio_blk_destroy(&f->blk);
    driver_free(&f->d);
    pthread_cond_destroy(&f->interrupted);
    unlink(f->path);
}

// Lets the device see what is offered, and waits for an interrupt.
static void kick_and_wait(struct fixture *f)
{
    struct virtio_device *dev = &f->blk.device;
    pthread_mutex_lock(&dev->lock);
    unsigned before = f->interrupts;
    virtio_kick(dev, 0);
    while (f->interrupts == before)
        pthread_cond_wait(&f->interrupted, &dev->lock);
    pthread_mutex_unlock(&dev->lock);
}

static void put_header(struct fixture *f, uint32_t type, uint64_t sector)
{
    const struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header = {type, 0, sector};
    memcpy(driver_at(&f->d, HEADER, 16), &header, 16);
    *(uint8_t *)driver_at(&f->d, STATUS, 1) = 0xee;
}

// One request with len bytes of data; its status.
static uint8_t request(struct fixture *f, uint32_t type, uint64_t sector,
                       uint32_t len, bool in)
{
    put_header(f, type, sector);
    driver_desc(&f->d, 0, HEADER, 16, D_NEXT, len ? 1 : 2);
    if (len)
        driver_desc(&f->d, 1, DATA, len, in ? D_NEXT | D_WRITE : D_NEXT, 2);
    driver_desc(&f->d, 2, STATUS, 1, D_WRITE, 0);
    driver_offer(&f->d, 0);
    kick_and_wait(f);
    return *(uint8_t *)driver_at(&f->d, STATUS, 1);
}

static uint8_t *data(struct fixture *f)
{
    return driver_at(&f->d, DATA, SECTORS * 512);
}

Test(virtio_blk, requests)
{
    struct fixture f;
    set_up(&f, DISK_CHANGES_DROPPED);
    cr_assert_eq(f.blk.config.capacity, SECTORS);
    cr_assert_eq(request(&f, T_IN, 3, 1024, true), 0);
    cr_assert_eq(data(&f)[0], 4);
    cr_assert_eq(data(&f)[512], 5);
    uint32_t id, len;
    driver_used(&f.d, 0, &id, &len);
    cr_assert_eq(len, 1025);
    memset(data(&f), 0x77, 512);
    cr_assert_eq(request(&f, T_OUT, SECTORS - 1, 512, false), 0);
    memset(data(&f), 0, 512);
    cr_assert_eq(request(&f, T_IN, SECTORS - 1, 512, true), 0);
    cr_assert_eq(data(&f)[511], 0x77);
    cr_assert_eq(request(&f, T_FLUSH, 0, 0, false), 0);
    cr_assert_eq(request(&f, T_GET_ID, 0, 20, true), 0);
    cr_assert_eq(memcmp(data(&f), "a serial\0\0\0\0\0\0\0\0\0\0\0\0", 20), 0);
    const uint32_t range[4] = {8, 0, 8, 0};
    memcpy(data(&f), range, 16);
    cr_assert_eq(request(&f, T_WRITE_ZEROES, 0, 16, false), 0);
    cr_assert_eq(request(&f, T_IN, 8, 512, true), 0);
    cr_assert_eq(data(&f)[0], 0);
    memcpy(data(&f), range, 16);
    cr_assert_eq(request(&f, T_DISCARD, 0, 16, false), 0);
    cr_assert_not(virtio_blk_is_busy(&f.blk));
    tear_down(&f);
}

Test(virtio_blk, requests_that_fail)
{
    struct fixture f;
    set_up(&f, DISK_CHANGES_DROPPED);
    cr_assert_eq(request(&f, T_IN, SECTORS, 512, true), 1, "past the end");
    cr_assert_eq(request(&f, T_IN, SECTORS - 1, 1024, true), 1);
    cr_assert_eq(request(&f, T_IN, UINT64_MAX, 512, true), 1);
    cr_assert_eq(request(&f, T_OUT, UINT64_C(1) << 55, 512, false), 1);
    cr_assert_eq(request(&f, T_IN, 0, 100, true), 1, "no whole sector");
    cr_assert_eq(request(&f, T_GET_ID, 0, 10, true), 1);
    cr_assert_eq(request(&f, 99, 0, 512, true), 2, "not supported");
    uint32_t range[4] = {UINT32_MAX, UINT32_MAX, 8, 0};
    memcpy(data(&f), range, 16);
    cr_assert_eq(request(&f, T_DISCARD, 0, 16, false), 1);
    cr_assert_eq(request(&f, T_DISCARD, 0, 17, false), 1);
    cr_assert_eq(request(&f, T_DISCARD, 0, 16 * 17, false), 1);
    range[3] = 2;
    memcpy(data(&f), range, 16);
    cr_assert_eq(request(&f, T_WRITE_ZEROES, 0, 16, false), 2, "a flag");
    cr_assert_eq(f.blk.device.refusals, 0);
    cr_assert_eq(f.blk.errors, 9);
    tear_down(&f);
}

Test(virtio_blk, what_is_read_only_stays)
{
    struct fixture f;
    set_up(&f, DISK_READONLY);
    cr_assert(f.blk.device.offered & 1 << 5);
    cr_assert_eq(request(&f, T_OUT, 0, 512, false), 1);
    cr_assert_eq(request(&f, T_IN, 0, 512, true), 0);
    cr_assert_eq(data(&f)[0], 1);
    tear_down(&f);
}

// A device may go and leave its image to the next one.
Test(virtio_blk, the_next_device_reads_what_this_one_wrote)
{
    struct fixture f;
    struct disk_image image;
    struct error err = {""};
    set_up(&f, DISK_CHANGES_DROPPED);
    memset(data(&f), 0x5a, 512);
    cr_expect_eq(request(&f, T_OUT, 3, 512, false), 0);
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
    tear_down(&f);
}

Test(virtio_blk, a_request_without_room_for_its_status)
{
    struct fixture f;
    set_up(&f, DISK_CHANGES_DROPPED);
    driver_desc(&f.d, 0, HEADER, 16, 0, 0);
    driver_offer(&f.d, 0);
    kick_and_wait(&f);
    cr_assert(f.blk.device.status & VIRTIO_NEEDS_RESET);
    cr_assert_not_null(strstr(f.blk.device.refusal, "without header"));
    // Nothing more is done until the driver resets it.
    pthread_mutex_lock(&f.blk.device.lock);
    virtio_kick(&f.blk.device, 0);
    virtio_set_status(&f.blk.device, 0);
    pthread_mutex_unlock(&f.blk.device.lock);
    driver_set_index(&f.d, 0);
    start(&f);
    cr_assert_eq(request(&f, T_IN, 0, 512, true), 0);
    tear_down(&f);
}

// Sixteen requests, and a reset at once: afterwards no byte of guest memory
// changes any more.
Test(virtio_blk, resets_while_it_works)
{
    struct fixture f;
    set_up(&f, DISK_CHANGES_DROPPED);
    struct virtio_device *dev = &f.blk.device;
    for (unsigned round = 0; round < 200; round++) {
        put_header(&f, T_IN, 0);
        driver_desc(&f.d, 0, HEADER, 16, D_NEXT, 1);
        driver_desc(&f.d, 1, DATA, SECTORS * 512, D_NEXT | D_WRITE, 2);
        driver_desc(&f.d, 2, STATUS, 1, D_WRITE, 0);
        for (unsigned i = 0; i < 16; i++)
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
        memset(data(&f), 0x5a, SECTORS * 512);
        cr_assert_leq(used, 16);
        if (round % 10 == 0)
            usleep(1000);
        cr_assert_eq(driver_used_index(&f.d), used);
        for (unsigned i = 0; i < SECTORS * 512; i++)
            cr_assert_eq(data(&f)[i], 0x5a);
        cr_assert_not(virtio_blk_is_busy(&f.blk));
        driver_set_index(&f.d, 0);
        memset(driver_at(&f.d, DRIVER_USED, 256), 0, 256);
        start(&f);
    }
    tear_down(&f);
}
