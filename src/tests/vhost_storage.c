// SPDX-License-Identifier: Apache-2.0
// The distribution's qemu-storage-daemon as a back end of disks: each format is
// read and written, an image that is to stay as it is does, and the program's
// end is noticed.
#include "src/base/clock.h"
#include "src/daemon/process.h"
#include "src/daemon/storage.h"
#include "src/vhost/backend.h"
#include "src/virtio/disk_image.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE (60 * NS_PER_S)
#define SIZE     (UINT64_C(1) << 20)

struct daemon {
    struct vhost_backend backend;
    int image;
};

// Runs qemu-img; skips the test where there is none.
static void qemu_img(const char *const *argv)
{
    char program[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len;
    struct error err = {""};
    if (program_find("qemu-img", program, sizeof program) < 0)
        cr_skip_test("qemu-img is not installed (qemu-utils)");
    cr_assert_eq(process_capture(argv, 65536, &bytes, &len, &err), 0, "%s",
                 err.text);
    free(bytes);
}

// option is one of its own for the new image, or NULL.
static void convert_with(const char *from, const char *format,
                         const char *option, const char *path, const char *to)
{
    const char *argv[] = {"qemu-img", "convert", "-f", from, "-O", format,
                          path,       to,        NULL, NULL, NULL};
    argv[8] = option ? "-o" : NULL;
    argv[9] = option;
    qemu_img(argv);
}

static void convert(const char *from, const char *format, const char *path,
                    const char *to)
{
    convert_with(from, format, NULL, path, to);
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i / 512 * 7 + i % 251 + 1);
}

// A folder with disk.raw in it.
static void set_up(char dir[64])
{
    char path[96];
    uint8_t *bytes = malloc(SIZE);
    snprintf(dir, 64, "/tmp/toyvmm-test-storage-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/disk.raw", dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = pattern(i);
    cr_assert_eq(write(fd, bytes, SIZE), (ssize_t)SIZE);
    close(fd);
    free(bytes);
}

static void tear_down(const char *dir)
{
    const char *argv[] = {"rm", "-r", dir, NULL};
    uint8_t *bytes = NULL;
    size_t len;
    cr_assert_eq(process_capture(argv, 1, &bytes, &len, NULL), 0);
    free(bytes);
}

static void start(struct daemon *d, const char *path, enum disk_mode mode,
                  const char *expected)
{
    static char program[PATH_MAX];
    enum disk_format format;
    struct error err = {""};
    int log[2], socket;
    if (storage_find(program, sizeof program, &err) < 0)
        cr_skip_test("%s", err.text);
    cr_assert_eq(disk_image_claim(path, mode, &d->image, &format, &err), 0,
                 "%s", err.text);
    cr_assert_str_eq(disk_format_name(format), expected);
    cr_assert_eq(pipe2(log, O_CLOEXEC), 0);
    fcntl(log[0], F_SETFL, O_NONBLOCK);
    const struct storage_spec spec = {
        .program = program,
        .image = d->image,
        .format = expected,
        .writable = mode == DISK_WRITABLE,
        .log = log[1],
    };
    d->backend =
        (struct vhost_backend){.name = "qemu-storage-daemon", .log = log[0]};
    d->backend.pid = storage_start(&spec, &socket, &err);
    cr_assert_gt(d->backend.pid, 0, "%s", err.text);
    close(log[1]);
    int code = vhost_front_open(&d->backend.front, socket, 1, PATIENCE, &err);
    vhost_backend_listen(&d->backend);
    cr_assert_eq(code, 0, "%s (%s)", err.text, d->backend.last);
}

static void stop(struct daemon *d)
{
    process_end(&d->backend.pid, PATIENCE);
    vhost_backend_end(&d->backend);
    close(d->image);
}

static void use(const char *path, const char *format, enum disk_mode mode)
{
    struct daemon d;
    struct disk_image disk;
    struct error err = {""};
    uint8_t *bytes = malloc(SIZE);
    struct iovec iov = {bytes, SIZE};
    start(&d, path, mode, format);
    cr_assert_eq(
        disk_image_open(&disk, path, &d.backend, mode, UINT64_MAX, &err), 0,
        "%s", err.text);
    cr_assert_eq(disk.size, SIZE);
    cr_assert_eq(disk_image_read(&disk, 0, SIZE, &iov, 1), 0);
    for (size_t i = 0; i < SIZE; i++)
        cr_assert_eq(bytes[i], pattern(i), "byte %zu of %s", i, path);
    memset(bytes, 0x5a, 70000);
    iov.iov_len = 70144;
    int code = disk_image_write(&disk, 512, 70144, &iov, 1);
    cr_assert_eq(code, mode == DISK_READONLY ? -EROFS : 0);
    if (mode != DISK_READONLY) {
        cr_assert_eq(disk_image_zero(&disk, 512 * 1024, 128 * 1024), 0);
        iov.iov_len = SIZE;
        cr_assert_eq(disk_image_read(&disk, 0, SIZE, &iov, 1), 0);
        cr_assert_eq(bytes[0], pattern(0));
        cr_assert_eq(bytes[512], 0x5a);
        cr_assert_eq(bytes[512 * 1024], 0);
        cr_assert_eq(bytes[SIZE - 1], pattern(SIZE - 1));
    }
    // Without a flush by the guest.
    disk_image_close(&disk);
    stop(&d);
    free(bytes);
}

// The first sector and the second of what is behind the image, read by QEMU.
static void look(const char *dir, const char *path, const char *format,
                 uint8_t *second)
{
    char raw[96];
    uint8_t bytes[1024];
    snprintf(raw, sizeof raw, "%s/back.raw", dir);
    convert(format, "raw", path, raw);
    int fd = open(raw, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    close(fd);
    cr_assert_eq(bytes[0], pattern(0));
    *second = bytes[512];
}

static void try_format(const char *format, const char *option, bool writable)
{
    char dir[64], raw[96], path[96];
    uint8_t second;
    set_up(dir);
    snprintf(raw, sizeof raw, "%s/disk.raw", dir);
    snprintf(path, sizeof path, "%s/disk.image", dir);
    convert_with("raw", format, option, raw, path);
    use(path, format, DISK_READONLY);
    use(path, format, DISK_CHANGES_DROPPED);
    look(dir, path, format, &second);
    cr_assert_eq(second, pattern(512));
    if (writable) {
        use(path, format, DISK_WRITABLE);
        look(dir, path, format, &second);
        cr_assert_eq(second, 0x5a);
    }
    tear_down(dir);
}

Test(vhost_storage, qcow2)
{
    try_format("qcow2", NULL, true);
    try_format("qcow2", "compat=0.10", true);
    try_format("qcow2", "lazy_refcounts=on,cluster_size=4096", true);
}

Test(vhost_storage, vmdk)
{
    try_format("vmdk", NULL, true);
    // What is packed so can't be changed by anybody.
    try_format("vmdk", "subformat=streamOptimized", false);
}

Test(vhost_storage, vhdx)
{
    try_format("vhdx", NULL, true);
    try_format("vhdx", "subformat=fixed", true);
}

static void refused(const char *path, const char *part)
{
    int fd;
    enum disk_format format;
    struct error err = {""};
    cr_expect_eq(disk_image_claim(path, DISK_READONLY, &fd, &format, &err),
                 -EINVAL);
    cr_expect(strstr(err.text, part), "%s", err.text);
    cr_expect_eq(fd, -1);
}

// What needs other files is refused before the program could open them.
Test(vhost_storage, what_names_other_files)
{
    char dir[64], raw[96], path[96], data[128];
    set_up(dir);
    snprintf(raw, sizeof raw, "%s/disk.raw", dir);
    snprintf(path, sizeof path, "%s/disk.image", dir);
    snprintf(data, sizeof data, "data_file=%s/data", dir);
    const char *over_qcow2[] = {"qemu-img", "create", "-f",  "qcow2", "-b",
                                raw,        "-F",     "raw", path,    NULL};
    qemu_img(over_qcow2);
    refused(path, "its backing file");
    convert_with("raw", "qcow2", data, raw, path);
    refused(path, "keeps its data in another file");
    convert_with("raw", "vmdk", "subformat=monolithicFlat", raw, path);
    refused(path, "of several files");
    char base[96];
    snprintf(base, sizeof base, "%s/base.vmdk", dir);
    convert("raw", "vmdk", raw, base);
    const char *over_vmdk[] = {"qemu-img", "create", "-f",   "vmdk", "-b",
                               base,       "-F",     "vmdk", path,   NULL};
    qemu_img(over_vmdk);
    refused(path, "its parent");
    tear_down(dir);
}

Test(vhost_storage, its_end_is_noticed)
{
    char dir[64], raw[96], path[96];
    uint8_t bytes[512];
    const struct iovec iov = {bytes, sizeof bytes};
    struct daemon d;
    struct disk_image disk;
    set_up(dir);
    snprintf(raw, sizeof raw, "%s/disk.raw", dir);
    snprintf(path, sizeof path, "%s/disk.qcow2", dir);
    convert("raw", "qcow2", raw, path);
    start(&d, path, DISK_CHANGES_DROPPED, "qcow2");
    cr_assert_eq(disk_image_open(&disk, path, &d.backend, DISK_CHANGES_DROPPED,
                                 UINT64_MAX, NULL),
                 0);
    kill(d.backend.pid, SIGKILL);
    cr_expect_eq(disk_image_read(&disk, 0, 512, &iov, 1), -EIO);
    const char *lost = disk_image_lost(&disk);
    cr_expect(lost && strstr(lost, "qemu-storage-daemon closed the connection"),
              "%s", lost);
    disk_image_close(&disk);
    stop(&d);
    tear_down(dir);
}
