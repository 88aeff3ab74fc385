// SPDX-License-Identifier: Apache-2.0
// Writes a newc cpio archive, the format of an initramfs (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst).
#pragma once

#include "src/base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct cpio {
    FILE *out;
    uint32_t next_inode;
};

// Adds an entry. mode carries its type (S_IFDIR, S_IFREG, S_IFCHR); device
// is that of a character device, else 0. Write errors show in cpio_end.
void cpio_add(struct cpio *cpio, const char *path, mode_t mode, dev_t device,
              const void *bytes, size_t len);

// Writes the trailer and flushes. 0 or a negative errno.
int cpio_end(struct cpio *cpio, struct error *err);
