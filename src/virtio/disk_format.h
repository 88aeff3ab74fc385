// SPDX-License-Identifier: Apache-2.0
// What kind of image a file is, by its content, and whether it names other
// files: an image is foreign data, and what serves it would open them.
#pragma once

#include "src/base/error.h"

enum disk_format {
    DISK_RAW,
    DISK_QCOW2,
    DISK_VHDX,
    DISK_VMDK, // one that is a single, sparse file
};

// "raw", "qcow2", "vhdx", "vmdk": as QEMU calls them, too.
const char *disk_format_name(enum disk_format format);

// Looks at an open file's head; path is for messages. 0 and *format; -EINVAL: a
// qcow2 or VMDK image that needs other files (one that it was made of, its data
// beside it, extents), or a kind that nothing here can serve, with what cures
// it.
int disk_format_of(int fd, const char *path, enum disk_format *format,
                   struct error *err);
