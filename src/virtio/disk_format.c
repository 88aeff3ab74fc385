// SPDX-License-Identifier: Apache-2.0
// Formats of disk images. See disk_format.h. Of each only the header is read:
// as much as it takes to know which other files it names.
#include "src/virtio/disk_format.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define SECTOR UINT64_C(512)

// QEMU looks for names in as many sectors of a VMDK's description.
#define VMDK_DESCRIPTION (20 * SECTOR)

#define HEAD_LEN 128

const char *disk_format_name(enum disk_format format)
{
    switch (format) {
    case DISK_RAW:
        return "raw";
    case DISK_QCOW2:
        return "qcow2";
    case DISK_VHDX:
        return "vhdx";
    case DISK_VMDK:
        return "vmdk";
    }
    return "unknown";
}

static uint32_t big32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return be32toh(value);
}

static uint64_t big64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return be64toh(value);
}

static uint64_t little64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

// QEMU's docs/interop/qcow2.txt, "Header".
static int check_qcow2(const uint8_t head[HEAD_LEN], const char *path,
                       struct error *err)
{
    enum { VERSION = 4, BACKING = 8, CRYPT = 32, INCOMPATIBLE = 72 };
    const uint64_t data_file = 1 << 2;
    uint32_t version = big32(head + VERSION);
    if (version != 2 && version != 3)
        return error_set(err, -EINVAL,
                         "%s is a qcow image of version %u: `qemu-img convert "
                         "-O qcow2` makes a newer one of it",
                         path, version);
    if (big64(head + BACKING))
        return error_set(err, -EINVAL,
                         "%s is what changed against another image, which it "
                         "names (its backing file), and an image opens no "
                         "other file here: `qemu-img convert -O qcow2` makes "
                         "one of both",
                         path);
    if (big32(head + CRYPT))
        return error_set(err, -EINVAL,
                         "%s is encrypted: `qemu-img convert -O qcow2` makes "
                         "an image of it that is not",
                         path);
    if (version == 3 && big64(head + INCOMPATIBLE) & data_file)
        return error_set(err, -EINVAL,
                         "%s keeps its data in another file, which it names, "
                         "and an image opens no other file here: `qemu-img "
                         "convert -O qcow2` makes one of both",
                         path);
    return 0;
}

// "Virtual Disk Format 5.0", "Hosted Sparse Extent Header".
static int check_vmdk(int fd, const uint8_t head[HEAD_LEN], const char *path,
                      struct error *err)
{
    enum { CAPACITY = 12, DESCRIPTION = 28 };
    char text[VMDK_DESCRIPTION + 1];
    uint64_t sector = little64(head + DESCRIPTION);
    ssize_t n = 0;
    if (sector > INT64_MAX / SECTOR - VMDK_DESCRIPTION)
        return error_set(err, -EINVAL, "%s is a damaged VMDK image", path);
    if (sector)
        n = pread(fd, text, VMDK_DESCRIPTION, (off_t)(sector * SECTOR));
    if (n < 0)
        return error_errno(err, errno, "%s", path);
    static const char parent[] = "parentFileNameHint";
    if (memmem(text, (size_t)n, parent, sizeof parent - 1))
        return error_set(err, -EINVAL,
                         "%s is what changed against another image, which it "
                         "names (its parent), and an image opens no other "
                         "file here: `qemu-img convert -O vmdk` makes one of "
                         "both",
                         path);
    // Without a size it is the list of files that make the disk.
    if (!little64(head + CAPACITY))
        return error_set(err, -EINVAL,
                         "%s names the files that its disk is made of, and an "
                         "image opens no other file here: `qemu-img convert "
                         "-O vmdk` makes one file of them",
                         path);
    return 0;
}

static bool begins(const uint8_t head[HEAD_LEN], const char *magic)
{
    return !memcmp(head, magic, strlen(magic));
}

int disk_format_of(int fd, const char *path, enum disk_format *format,
                   struct error *err)
{
    uint8_t head[HEAD_LEN] = {0};
    *format = DISK_RAW;
    if (pread(fd, head, sizeof head, 0) < 0)
        return error_errno(err, errno, "%s", path);
    if (begins(head, "QFI\xfb")) {
        *format = DISK_QCOW2;
        return check_qcow2(head, path, err);
    }
    if (begins(head, "KDMV")) {
        *format = DISK_VMDK;
        return check_vmdk(fd, head, path, err);
    }
    if (begins(head, "vhdxfile"))
        *format = DISK_VHDX;
    // Of VMware, too: a list of files, and an old kind of one.
    if (begins(head, "# Disk DescriptorFile") || begins(head, "COWD"))
        return error_set(err, -EINVAL,
                         "%s is a VMDK image of several files, and an image "
                         "opens no other file here: `qemu-img convert -O "
                         "qcow2` makes one file of them",
                         path);
    return 0;
}
