// SPDX-License-Identifier: Apache-2.0
// Formats of images: each is known by its content, and one that names other
// files is refused before anything could open them.
#include "src/virtio/disk_format.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEN 8192

struct image {
    uint8_t bytes[LEN];
};

static void put(struct image *image, size_t at, const void *bytes, size_t len)
{
    memcpy(image->bytes + at, bytes, len);
}

static int judge(const struct image *image, enum disk_format *format,
                 struct error *err)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    cr_assert_eq(write(fd, image->bytes, LEN), LEN);
    err->text[0] = '\0';
    int code = disk_format_of(fd, "an.image", format, err);
    close(fd);
    return code;
}

static void expect(const struct image *image, enum disk_format expected)
{
    enum disk_format format;
    struct error err;
    cr_expect_eq(judge(image, &format, &err), 0, "%s", err.text);
    cr_expect_eq(format, expected, "%s", disk_format_name(format));
}

static void refused(const struct image *image, const char *part)
{
    enum disk_format format;
    struct error err;
    cr_expect_eq(judge(image, &format, &err), -EINVAL);
    cr_expect(strstr(err.text, "an.image ") == err.text, "%s", err.text);
    cr_expect(strstr(err.text, part), "%s", err.text);
}

static struct image qcow2(uint8_t version)
{
    struct image image = {{0}};
    put(&image, 0, "QFI\xfb\0\0\0", 7);
    image.bytes[7] = version;
    return image;
}

static struct image vmdk(void)
{
    struct image image = {{0}};
    put(&image, 0, "KDMV", 4);
    image.bytes[12] = 128; // sectors
    image.bytes[28] = 1;   // where its description is
    put(&image, 512, "# Disk DescriptorFile\nparentCID=ffffffff\n", 41);
    return image;
}

Test(virtio_disk_format, are_told_apart)
{
    struct image raw = {{0}}, vhdx = {{0}};
    put(&vhdx, 0, "vhdxfile", 8);
    expect(&raw, DISK_RAW);
    expect(&vhdx, DISK_VHDX);
    const struct image two = qcow2(2), three = qcow2(3), disk = vmdk();
    expect(&two, DISK_QCOW2);
    expect(&three, DISK_QCOW2);
    expect(&disk, DISK_VMDK);
    // Only at its very beginning.
    put(&raw, 1, "QFI\xfb", 4);
    expect(&raw, DISK_RAW);
}

Test(virtio_disk_format, qcow2_that_names_files)
{
    for (size_t i = 8; i < 16; i++) {
        struct image backing = qcow2(i % 2 ? 3 : 2);
        backing.bytes[i] = 1;
        refused(&backing, "its backing file");
    }
    struct image data = qcow2(3);
    data.bytes[79] = 4;
    refused(&data, "keeps its data in another file");
    // A version 2 has no such field.
    struct image old = qcow2(2);
    old.bytes[79] = 4;
    expect(&old, DISK_QCOW2);
    struct image dirty = qcow2(3);
    dirty.bytes[79] = 1;
    expect(&dirty, DISK_QCOW2);
    struct image locked = qcow2(3);
    locked.bytes[35] = 2;
    refused(&locked, "is encrypted");
    const struct image first = qcow2(1), next = qcow2(4);
    refused(&first, "version 1");
    refused(&next, "version 4");
}

Test(virtio_disk_format, vmdk_that_names_files)
{
    struct image child = vmdk();
    static const char hint[] = "parentFileNameHint=\"/etc/shadow\"\n";
    put(&child, 512 + 20 * 512 - sizeof hint > LEN ? LEN - sizeof hint : 600,
        hint, sizeof hint - 1);
    refused(&child, "its parent");
    struct image list = vmdk();
    list.bytes[12] = 0;
    refused(&list, "names the files");
    struct image far = vmdk();
    memset(far.bytes + 28, 0xff, 8);
    refused(&far, "damaged");
    // Its description lies behind its end: QEMU reads none either.
    struct image none = vmdk();
    none.bytes[30] = 1;
    expect(&none, DISK_VMDK);
    struct image text = {{0}}, old = {{0}};
    put(&text, 0, "# Disk DescriptorFile\n", 22);
    refused(&text, "several files");
    put(&old, 0, "COWD", 4);
    refused(&old, "several files");
}

Test(virtio_disk_format, short_and_unreadable_files)
{
    enum disk_format format;
    struct error err = {""};
    int fd = memfd_create("image", MFD_CLOEXEC);
    cr_assert_eq(write(fd, "QFI\xfb", 4), 4);
    cr_expect_eq(disk_format_of(fd, "short", &format, &err), -EINVAL);
    cr_expect(strstr(err.text, "version 0"), "%s", err.text);
    cr_assert_eq(ftruncate(fd, 0), 0);
    cr_expect_eq(disk_format_of(fd, "empty", &format, &err), 0);
    cr_expect_eq(format, DISK_RAW);
    close(fd);
    cr_expect_eq(disk_format_of(-1, "closed", &format, &err), -EBADF);
}
