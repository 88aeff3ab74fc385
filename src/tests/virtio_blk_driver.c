// SPDX-License-Identifier: Apache-2.0
// See virtio_blk_driver.h.
#include "src/tests/virtio_blk_driver.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void interrupt(void *owner, unsigned queue)
{
    struct blk_driver *f = owner;
    (void)queue;
    f->interrupts++;
    if (f->on_interrupt)
        f->on_interrupt(f);
    pthread_cond_broadcast(&f->interrupted);
}

static void config_interrupt(void *owner)
{
    interrupt(owner, 0);
}

void blk_start(struct blk_driver *f)
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

static int new_file(struct blk_driver *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->path, sizeof f->path, "/tmp/toyvmm-test-blk-XXXXXX");
    int fd = mkstemp(f->path);
    cr_assert_geq(fd, 0);
    return fd;
}

void blk_make_image(struct blk_driver *f, unsigned pages)
{
    int fd = new_file(f);
    uint8_t page[4096];
    for (unsigned i = 0; i < pages; i++) {
        memset(page, (int)i, sizeof page);
        cr_assert_eq(write(fd, page, sizeof page), 4096);
    }
    close(fd);
}

void blk_set_up_disk(struct blk_driver *f, const struct virtio_blk_setup *setup,
                     unsigned ahead)
{
    struct error err = {""};
    driver_init(&f->d, BLK_QUEUE, false);
    pthread_cond_init(&f->interrupted, NULL);
    guard_log_begin(&f->guard, NULL);
    const struct guard_seat seat =
        guard_log_seat(&f->guard, SANDBOX_DISK, "disk vda");
    struct virtio_blk_setup seated = *setup;
    seated.seat = &seat;
    cr_assert_eq(virtio_blk_init(&f->blk, &seated, &f->d.memory, &err), 0, "%s",
                 err.text);
    f->blk.ahead.max = ahead;
    f->blk.device.interrupt =
        (struct virtio_interrupt){interrupt, config_interrupt, f};
    blk_start(f);
}

void blk_set_up(struct blk_driver *f, enum disk_mode mode, unsigned ahead)
{
    int fd = new_file(f);
    uint8_t sector[512];
    for (unsigned i = 0; i < BLK_SECTORS; i++) {
        memset(sector, (int)i + 1, sizeof sector);
        cr_assert_eq(write(fd, sector, sizeof sector), 512);
    }
    close(fd);
    const struct virtio_blk_setup setup = {
        .path = f->path, .mode = mode, .serial = "a serial"};
    blk_set_up_disk(f, &setup, ahead);
}

void blk_tear_down(struct blk_driver *f)
{
    virtio_blk_destroy(&f->blk);
    guard_log_end_well(&f->guard);
    driver_free(&f->d);
    pthread_cond_destroy(&f->interrupted);
    unlink(f->path);
}

void blk_kick_and_wait(struct blk_driver *f)
{
    struct virtio_device *dev = &f->blk.device;
    pthread_mutex_lock(&dev->lock);
    unsigned before = f->interrupts;
    virtio_kick(dev, 0);
    while (f->interrupts == before)
        pthread_cond_wait(&f->interrupted, &dev->lock);
    pthread_mutex_unlock(&dev->lock);
}

void blk_kick_and_wait_for(struct blk_driver *f, uint16_t used)
{
    struct virtio_device *dev = &f->blk.device;
    pthread_mutex_lock(&dev->lock);
    virtio_kick(dev, 0);
    while (driver_used_index(&f->d) != used)
        pthread_cond_wait(&f->interrupted, &dev->lock);
    pthread_mutex_unlock(&dev->lock);
}

void blk_offer(struct blk_driver *f, unsigned slot, uint32_t type,
               uint64_t sector, uint32_t len, bool in)
{
    const struct blk_header header = {type, 0, sector};
    unsigned i = 3 * slot;
    memcpy(driver_at(&f->d, BLK_HEADER(slot), 16), &header, 16);
    *(uint8_t *)driver_at(&f->d, BLK_STATUS(slot), 1) = BLK_UNTOUCHED;
    driver_desc(&f->d, i, BLK_HEADER(slot), 16, D_NEXT,
                (uint16_t)(len ? i + 1 : i + 2));
    if (len)
        driver_desc(&f->d, i + 1, BLK_DATA(slot), len,
                    in ? D_NEXT | D_WRITE : D_NEXT, (uint16_t)(i + 2));
    driver_desc(&f->d, i + 2, BLK_STATUS(slot), 1, D_WRITE, 0);
    driver_offer(&f->d, (uint16_t)i);
}

uint8_t blk_request(struct blk_driver *f, uint32_t type, uint64_t sector,
                    uint32_t len, bool in)
{
    blk_offer(f, 0, type, sector, len, in);
    blk_kick_and_wait(f);
    return blk_status(f, 0);
}

uint8_t *blk_data(struct blk_driver *f, unsigned slot)
{
    return driver_at(&f->d, BLK_DATA(slot), 0x4000);
}

uint8_t blk_status(struct blk_driver *f, unsigned slot)
{
    return *(uint8_t *)driver_at(&f->d, BLK_STATUS(slot), 1);
}
