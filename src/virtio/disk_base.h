// SPDX-License-Identifier: Apache-2.0
// The image of a disk itself, without what is kept beside it: a raw file, or
// what another program serves. Private to src/virtio.
#pragma once

#include "src/virtio/disk_cursor.h"
#include "src/virtio/disk_image.h"

// Opens and locks it, and finds out its size; see disk_image_open.
int disk_base_open(struct disk_image *disk, const char *path,
                   struct vhost_backend *backend, struct error *err);
void disk_base_close(struct disk_image *disk);

// Reads or writes len bytes at offset of a file, whole. What lies behind a
// file's end reads as zeros. Into waits, unless it is NULL, goes whether a read
// had to wait.
int disk_file_transfer(int fd, bool write, uint64_t offset, uint64_t len,
                       struct disk_cursor *c, struct disk_waits *waits);

// The same with the image; read, it may go beyond the disk's end.
int disk_base_transfer(struct disk_image *disk, bool write, uint64_t offset,
                       uint64_t len, struct disk_cursor *c);

// Of an image that is written to. -EOPNOTSUPP: it can't be made zero so.
int disk_base_flush(struct disk_image *disk);
void disk_base_discard(struct disk_image *disk, uint64_t offset, uint64_t len);
int disk_base_zero(struct disk_image *disk, uint64_t offset, uint64_t len);
