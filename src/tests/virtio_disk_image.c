// SPDX-License-Identifier: Apache-2.0
// Disk images: what is written is read back, and an image that shall not change
// does not.
#include "src/virtio/disk_image.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE (UINT64_C(64) * 1024)

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i / 512 * 7 + i % 251 + 1);
}

// An image of so many bytes in a file that is left behind in /tmp by nobody.
static void make(char path[64], size_t size)
{
    snprintf(path, 64, "/tmp/toyvmm-test-disk-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    uint8_t *bytes = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(i);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    free(bytes);
    close(fd);
}

static void assert_unchanged(const char *path, size_t size)
{
    uint8_t *bytes = malloc(size);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, bytes, size), (ssize_t)size);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(bytes[i], pattern(i), "byte %zu", i);
    close(fd);
    free(bytes);
}

static int write_at(struct disk_image *disk, uint64_t offset, size_t len,
                    uint8_t value)
{
    uint8_t *bytes = malloc(len);
    memset(bytes, value, len);
    // In two uneven pieces.
    const struct iovec iov[] = {{bytes, len / 3},
                                {bytes + len / 3, len - len / 3}};
    int code = disk_image_write(disk, offset, len, iov, 2);
    free(bytes);
    return code;
}

static void check(struct disk_image *disk, const uint8_t *expected, size_t size)
{
    uint8_t *bytes = malloc(size);
    const struct iovec iov[] = {{bytes, 700}, {bytes + 700, size - 700}};
    disk_image_expect(disk, 0, size); // changes nothing
    cr_assert_eq(disk_image_read(disk, 0, size, iov, 2), 0);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(bytes[i], expected[i], "byte %zu", i);
    free(bytes);
}

// Random writes, zeros and discards against an array; in both modes.
static void torture(enum disk_mode mode, size_t size)
{
    char path[64];
    struct disk_image disk;
    struct error err = {""};
    uint8_t *model = malloc(size);
    make(path, size);
    for (size_t i = 0; i < size; i++)
        model[i] = pattern(i);
    cr_assert_eq(disk_image_open(&disk, path, NULL, mode, UINT64_MAX, &err), 0,
                 "%s", err.text);
    srand(7);
    for (unsigned i = 0; i < 400; i++) {
        size_t sectors = size / 512;
        size_t first = (size_t)rand() % sectors;
        size_t n = 1 + (size_t)rand() % (sectors - first);
        if (rand() % 3)
            n = n > 12 ? 12 : n;
        if (rand() % 4) {
            uint8_t value = (uint8_t)rand();
            cr_assert_eq(write_at(&disk, first * 512, n * 512, value), 0);
            memset(model + first * 512, value, n * 512);
        } else {
            cr_assert_eq(disk_image_zero(&disk, first * 512, n * 512), 0);
            memset(model + first * 512, 0, n * 512);
        }
        check(&disk, model, size);
    }
    cr_assert_eq(disk_image_flush(&disk), 0);
    disk_image_close(&disk);
    if (mode == DISK_CHANGES_DROPPED) {
        assert_unchanged(path, size);
    } else {
        cr_assert_eq(disk_image_open(&disk, path, NULL, DISK_READONLY, 0, &err),
                     0);
        check(&disk, model, size);
        disk_image_close(&disk);
    }
    unlink(path);
    free(model);
}

Test(virtio_disk_image, changes_are_dropped)
{
    torture(DISK_CHANGES_DROPPED, SIZE);
    torture(DISK_CHANGES_DROPPED, SIZE - 512); // its last cluster is short
}

Test(virtio_disk_image, changes_are_kept)
{
    torture(DISK_WRITABLE, SIZE);
}

Test(virtio_disk_image, readonly)
{
    char path[64];
    struct disk_image disk;
    make(path, SIZE);
    chmod(path, 0444);
    cr_assert_eq(disk_image_open(&disk, path, NULL, DISK_READONLY, 0, NULL), 0);
    cr_assert_eq(write_at(&disk, 0, 512, 1), -EROFS);
    cr_assert_eq(disk_image_zero(&disk, 0, 512), -EROFS);
    cr_assert_eq(disk_image_discard(&disk, 0, 512), -EROFS);
    disk_image_close(&disk);
    assert_unchanged(path, SIZE);
    unlink(path);
}

Test(virtio_disk_image, changes_are_bounded)
{
    char path[64];
    struct disk_image disk;
    make(path, SIZE);
    cr_assert_eq(
        disk_image_open(&disk, path, NULL, DISK_CHANGES_DROPPED, 8192, NULL),
        0);
    cr_assert_eq(write_at(&disk, 0, 512, 1), 0);
    cr_assert_eq(write_at(&disk, 0, 4096, 1), 0, "the same cluster");
    cr_assert_eq(write_at(&disk, 8192, 8192, 1), -ENOSPC);
    cr_assert(disk.full);
    cr_assert_eq(write_at(&disk, 8192, 4096, 1), 0);
    cr_assert_eq(write_at(&disk, 16384, 512, 1), -ENOSPC);
    // What is discarded gives its room back, and needs none.
    cr_assert_eq(disk_image_discard(&disk, 0, SIZE), 0);
    cr_assert_eq(write_at(&disk, 16384, 8192, 1), 0);
    uint8_t bytes[512] = {1};
    const struct iovec iov = {bytes, 512};
    cr_assert_eq(disk_image_read(&disk, 0, 512, &iov, 1), 0);
    cr_assert_eq(bytes[0], 0);
    disk_image_close(&disk);
    assert_unchanged(path, SIZE);
    unlink(path);
}

Test(virtio_disk_image, what_is_no_image)
{
    char path[64];
    struct disk_image disk;
    enum disk_format format;
    struct error err = {""};
    cr_assert_eq(disk_image_check("/tmp", DISK_READONLY, &format, &err),
                 -EINVAL);
    cr_assert_eq(disk_image_check("/dev/null", DISK_READONLY, &format, &err),
                 -EINVAL);
    cr_assert_not_null(strstr(err.text, "/dev/null is no disk image"));
    cr_assert_eq(
        disk_image_check("/nowhere/a.img", DISK_READONLY, &format, &err),
        -ENOENT);
    cr_assert_not_null(strstr(err.text, "/nowhere/a.img"));
    make(path, 0);
    cr_assert_eq(disk_image_check(path, DISK_READONLY, &format, &err), -EINVAL);
    cr_assert_eq(truncate(path, 1000), 0);
    cr_assert_eq(disk_image_check(path, DISK_READONLY, &format, &err), -EINVAL);
    cr_assert_not_null(strstr(err.text, "1000 bytes"));
    // It has a format, which nothing serves.
    FILE *f = fopen(path, "w");
    fwrite("QFI\xfb\0\0\0\3", 8, 1, f);
    fclose(f);
    cr_assert_eq(truncate(path, 4096), 0);
    cr_assert_eq(
        disk_image_open(&disk, path, NULL, DISK_CHANGES_DROPPED, 1, &err),
        -EINVAL);
    cr_assert_not_null(strstr(err.text, "qcow2"));
    cr_assert_eq(disk_image_check(path, DISK_READONLY, &format, &err), 0);
    cr_assert_eq(format, DISK_QCOW2);
    unlink(path);
}

Test(virtio_disk_image, one_writes_or_many_read)
{
    char path[64];
    struct disk_image a, b;
    struct error err = {""};
    make(path, SIZE);
    cr_assert_eq(disk_image_open(&a, path, NULL, DISK_CHANGES_DROPPED, 1, NULL),
                 0);
    cr_assert_eq(disk_image_open(&b, path, NULL, DISK_READONLY, 1, NULL), 0);
    disk_image_close(&b);
    cr_assert_eq(disk_image_open(&b, path, NULL, DISK_WRITABLE, 1, &err),
                 -EBUSY);
    cr_assert_not_null(strstr(err.text, "another machine uses it"));
    disk_image_close(&a);
    cr_assert_eq(disk_image_open(&b, path, NULL, DISK_WRITABLE, 1, NULL), 0);
    cr_assert_eq(disk_image_open(&a, path, NULL, DISK_READONLY, 1, &err),
                 -EBUSY);
    disk_image_close(&b);
    unlink(path);
}

// As when a machine is reset: another device goes on where the first one ended.
Test(virtio_disk_image, goes_from_hand_to_hand_with_what_was_written)
{
    char path[64];
    struct disk_image first, kept, second;
    struct error err = {""};
    uint8_t model[SIZE];
    make(path, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        model[i] = pattern(i);
    cr_assert_eq(disk_image_open(&first, path, NULL, DISK_CHANGES_DROPPED,
                                 8 * DISK_CLUSTER, &err),
                 0, "%s", err.text);
    cr_assert_eq(write_at(&first, 512, 1024, 0xa5), 0);
    memset(model + 512, 0xa5, 1024);
    disk_image_move(&kept, &first);
    cr_expect_not(disk_image_is_open(&first));
    disk_image_close(&first);
    cr_expect(disk_image_is_open(&kept));
    disk_image_move(&second, &kept);
    check(&second, model, SIZE);
    // There is room for as much as before, less what was taken.
    cr_expect_eq(write_at(&second, 0, 9 * DISK_CLUSTER, 1), -ENOSPC);
    cr_expect_eq(write_at(&second, 0, 8 * DISK_CLUSTER, 1), 0);
    disk_image_close(&second);
    assert_unchanged(path, SIZE);
    unlink(path);
}
