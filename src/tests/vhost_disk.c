// SPDX-License-Identifier: Apache-2.0
// A disk image that another program serves, with a pretended one: what is
// written is read back or dropped, and one that dies, falls silent or lies is
// ended with words.
#include "src/base/clock.h"
#include "src/tests/guard_fixture.h"
#include "src/tests/vhost_served.h"
#include "src/virtio/blk.h"
#include "src/virtio/disk_image.h"
#include "src/virtio/served_disk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE (60 * NS_PER_S)

// In uneven pieces, many of them.
static int transfer(struct disk_image *disk, bool write, uint64_t offset,
                    uint8_t *bytes, size_t len)
{
    struct iovec iov[600];
    size_t n = 0;
    for (size_t done = 0, part = 700; done < len; done += part) {
        part = len - done < part || n == 599 ? len - done : part;
        iov[n++] = (struct iovec){bytes + done, part};
    }
    return write ? disk_image_write(disk, offset, len, iov, n)
                 : disk_image_read(disk, offset, len, iov, n);
}

// Random writes, zeros and discards, against an array.
static void torture(enum disk_mode mode, size_t size, bool refuses_zeros)
{
    struct served s;
    struct disk_image disk;
    struct error err = {""};
    uint8_t *model = malloc(size), *bytes = malloc(size);
    served_start(&s, size, TRUTH);
    s.refuses_zeros = refuses_zeros;
    memcpy(model, s.bytes, size);
    cr_assert_eq(
        disk_image_open(&disk, "a.qcow2", &s.backend, mode, UINT64_MAX, &err),
        0, "%s", err.text);
    cr_assert_eq(disk.size, size);
    srand(11);
    for (unsigned i = 0; i < 60; i++) {
        size_t first = (size_t)rand() % (size / 512);
        size_t n = 1 + (size_t)rand() % (size / 512 - first);
        if (rand() % 3)
            n = n > 20 ? 20 : n;
        size_t offset = first * 512, len = n * 512;
        memset(bytes, rand(), len);
        if (i % 4 == 0) {
            memset(bytes, 0, len);
            cr_assert_eq(disk_image_zero(&disk, offset, len), 0);
        } else {
            cr_assert_eq(transfer(&disk, true, offset, bytes, len), 0);
        }
        memcpy(model + offset, bytes, len);
        cr_assert_eq(transfer(&disk, false, 0, bytes, size), 0);
        cr_assert_arr_eq(bytes, model, size);
    }
    // The hint is taken, or not.
    cr_assert_eq(disk_image_discard(&disk, 0, size), 0);
    cr_assert_eq(transfer(&disk, true, 0, model, size), 0);
    cr_assert_eq(disk_image_flush(&disk), 0);
    cr_assert_null(disk_image_lost(&disk));
    disk_image_close(&disk);
    served_stop(&s);
    for (size_t i = 0; mode == DISK_CHANGES_DROPPED && i < size; i++)
        cr_assert_eq(s.bytes[i], served_pattern(i), "byte %zu", i);
    if (mode == DISK_WRITABLE)
        cr_assert_arr_eq(s.bytes, model, size);
    // It never sees a write that is to be dropped.
    cr_assert_eq(s.writes > 0, mode == DISK_WRITABLE);
    cr_assert_eq(s.flushes > 0, mode == DISK_WRITABLE);
    served_free(&s);
    free(model);
    free(bytes);
}

Test(vhost_disk, changes_are_dropped)
{
    torture(DISK_CHANGES_DROPPED, 128 * 1024, false);
    torture(DISK_CHANGES_DROPPED, 64 * 1024 - 512, true); // a short cluster
}

Test(vhost_disk, changes_are_kept)
{
    torture(DISK_WRITABLE, 128 * 1024, false);
    torture(DISK_WRITABLE, 128 * 1024, true);
}

Test(vhost_disk, more_than_a_request_may_have)
{
    torture(DISK_WRITABLE, SERVED_DISK_MOST * 2 + 512, false);
}

// A disk goes from one machine to the next with all that was written.
Test(vhost_disk, is_handed_on)
{
    struct served s;
    struct disk_image a, b;
    uint8_t bytes[512], back[512];
    served_start(&s, 8192, TRUTH);
    cr_assert_eq(disk_image_open(&a, "a.qcow2", &s.backend,
                                 DISK_CHANGES_DROPPED, UINT64_MAX, NULL),
                 0);
    memset(bytes, 5, sizeof bytes);
    cr_assert_eq(transfer(&a, true, 512, bytes, 512), 0);
    disk_image_move(&b, &a);
    cr_assert(disk_image_is_open(&b));
    cr_assert_not(disk_image_is_open(&a));
    cr_assert_eq(transfer(&b, false, 512, back, 512), 0);
    cr_assert_arr_eq(bytes, back, 512);
    disk_image_close(&b);
    cr_assert_not(disk_image_is_open(&b));
    // And the same program may serve it anew.
    cr_assert_eq(
        disk_image_open(&a, "a.qcow2", &s.backend, DISK_READONLY, 0, NULL), 0);
    cr_assert_eq(transfer(&a, false, 512, back, 512), 0);
    cr_assert_eq(back[0], served_pattern(512));
    disk_image_close(&a);
    served_stop(&s);
    served_free(&s);
}

static const char *const words[DISK_LIES] = {
    [WRONG_INDEX] = "broke the rules of virtio: it gave back what it was not",
    [WRONG_ID] = "broke the rules of virtio: it gave back another request",
    [NO_RESULT] = "broke the rules of virtio: a request has no result",
    [ODD_RESULT] = "broke the rules of virtio: a request has no result",
    [SWALLOWS] = "did not answer in time",
    [DIES] = "closed the connection",
};

Test(vhost_disk, one_that_lies_is_ended)
{
    for (enum disk_lie lie = WRONG_INDEX; lie < DISK_LIES; lie++) {
        struct served s;
        struct disk_image disk;
        uint8_t bytes[512];
        served_start(&s, 8192, lie);
        cr_assert_eq(disk_image_open(&disk, "a.qcow2", &s.backend,
                                     DISK_WRITABLE, 0, NULL),
                     0);
        served_disk_set_wait(disk.served,
                             lie == SWALLOWS ? 100 * NS_PER_MS : PATIENCE);
        cr_expect_eq(transfer(&disk, false, 0, bytes, 512), -EIO);
        const char *lost = disk_image_lost(&disk);
        if (lie == FAILS) {
            cr_expect_null(lost);
        } else {
            cr_expect(lost && strstr(lost, words[lie]), "lie %d: %s", (int)lie,
                      lost);
            cr_expect(lost && strstr(lost, "the server") == lost);
            // At once, from now on.
            served_disk_set_wait(disk.served, PATIENCE);
            cr_expect_eq(transfer(&disk, true, 0, bytes, 512), -EIO);
            cr_expect_eq(disk_image_flush(&disk), -EIO);
            cr_expect_eq(disk_image_zero(&disk, 0, 512), -EIO);
        }
        disk_image_close(&disk);
        served_stop(&s);
        served_free(&s);
    }
}

static void expect_no_disk(struct served *s, enum disk_mode mode,
                           const char *part)
{
    struct disk_image disk;
    struct error err = {""};
    cr_expect_lt(disk_image_open(&disk, "a.qcow2", &s->backend, mode, 0, &err),
                 0);
    cr_expect(strstr(err.text, "a.qcow2: the server") == err.text, "%s",
              err.text);
    cr_expect(strstr(err.text, part), "%s", err.text);
    cr_expect_not(disk_image_is_open(&disk));
    served_stop(s);
    served_free(s);
}

Test(vhost_disk, nonsense_about_itself)
{
    struct served s;
    served_start(&s, 8192, TRUTH);
    s.says.capacity = 0;
    expect_no_disk(&s, DISK_READONLY, "has 0 sectors");
    served_start(&s, 8192, TRUTH);
    s.says.capacity = UINT64_MAX / 512 + 1;
    expect_no_disk(&s, DISK_READONLY, "sectors");
    served_start(&s, 8192, TRUTH);
    s.says.blk_size = 4096;
    expect_no_disk(&s, DISK_READONLY, "has sectors of 4096 bytes");
    served_start(&s, 8192, TRUTH);
    s.kind.features |= BLK_F_RO;
    vhost_front_close(&s.backend.front);
    end_join(&s.end);
    int socket;
    end_start_as(&s.end, &s.kind, HONEST, 0, &socket);
    cr_assert_eq(vhost_front_open(&s.backend.front, socket, 1, PATIENCE, NULL),
                 0);
    expect_no_disk(&s, DISK_WRITABLE, "can't write the image");
}

// ---- The device ------------------------------------------------------------

#define MEMORY (UINT64_C(4) << 20)
#define DESC   UINT64_C(0x10000)
#define AVAIL  UINT64_C(0x20000)
#define USED   UINT64_C(0x30000)
#define HEADER UINT64_C(0x100000)
#define DATA   UINT64_C(0x110000)
#define STATUS UINT64_C(0x120000)

struct told_lost {
    pthread_mutex_t lock;
    pthread_cond_t told;
    unsigned count;
    char why[256];
};

static void on_lost(void *owner, struct virtio_blk *blk, const char *why)
{
    struct told_lost *t = owner;
    (void)blk;
    pthread_mutex_lock(&t->lock);
    t->count++;
    strncpy(t->why, why, sizeof t->why - 1);
    pthread_cond_signal(&t->told);
    pthread_mutex_unlock(&t->lock);
}

static void on_queue(void *owner, unsigned queue)
{
    (void)queue;
    pthread_cond_signal(owner);
}

// The driver sets the device up, and reads sectors one after the other until it
// was told n statuses.
static void read_sectors(struct virtio_blk *blk, struct guest_memory *memory,
                         unsigned n, uint8_t *status)
{
    struct virtio_device *dev = &blk->device;
    pthread_cond_t interrupted = PTHREAD_COND_INITIALIZER;
    const struct {
        uint64_t gpa;
        uint32_t len;
        uint16_t flags, next;
    } chain[] = {{HEADER, 16, 1, 1}, {DATA, 512, 3, 2}, {STATUS, 1, 2, 0}};
    guest_memory_write(memory, DESC, chain, sizeof chain);
    pthread_mutex_lock(&dev->lock);
    dev->interrupt =
        (struct virtio_interrupt){.queue = on_queue, .owner = &interrupted};
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 1, 1);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    dev->setups[0] = (struct virtq_setup){
        .size = 4, .descriptors = DESC, .driver = AVAIL, .device = USED};
    virtio_enable_queue(dev, 0);
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
    for (uint16_t i = 1; i <= n; i++) {
        uint16_t *used = guest_memory_at(memory, USED + 2, 2);
        __atomic_store_n((uint16_t *)guest_memory_at(memory, AVAIL + 2, 2), i,
                         __ATOMIC_RELEASE);
        virtio_kick(dev, 0);
        while (__atomic_load_n(used, __ATOMIC_ACQUIRE) != i)
            pthread_cond_wait(&interrupted, &dev->lock);
    }
    *status = *(uint8_t *)guest_memory_at(memory, STATUS, 1);
    pthread_mutex_unlock(&dev->lock);
}

// The guest gets errors, and the machine is told of it, once.
Test(vhost_disk, a_device_without_its_image)
{
    for (enum disk_lie lie = TRUTH; lie < DISK_LIES; lie++) {
        struct served s;
        struct virtio_blk blk;
        struct guest_memory memory;
        uint8_t status;
        struct error err = {""};
        struct guard_log guard;
        struct told_lost heard = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                  .told = PTHREAD_COND_INITIALIZER};
        if (lie == SWALLOWS) // it takes its time
            continue;
        served_start(&s, 8192, lie);
        guard_log_begin(&guard, NULL);
        const struct guard_seat seat =
            guard_log_seat(&guard, SANDBOX_DISK, "disk vda");
        cr_assert_eq(guest_memory_map(&memory, MEMORY, &err), 0);
        const struct virtio_blk_setup setup = {
            .path = "a.qcow2",
            .serial = "x",
            .backend = &s.backend,
            .on_lost = on_lost,
            .lost_owner = &heard,
            .seat = &seat,
        };
        cr_assert_eq(virtio_blk_init(&blk, &setup, &memory, &err), 0, "%s",
                     err.text);
        read_sectors(&blk, &memory, 3, &status);
        virtio_blk_destroy(&blk);
        guard_log_end_well(&guard);
        cr_expect_eq(status, lie == TRUTH ? 0 : 1);
        cr_expect_eq(heard.count, lie != TRUTH && lie != FAILS ? 1U : 0U);
        cr_expect(!heard.count || strstr(heard.why, "the server"));
        guest_memory_unmap(&memory);
        served_stop(&s);
        served_free(&s);
    }
}
