// SPDX-License-Identifier: Apache-2.0
// A disk image behind a block device: the image itself, or the image with what
// the guest writes kept beside it, so that a test never changes an image. A raw
// image is read and written here; of another format a program serves it, and of
// what is kept beside it that knows nothing.
#pragma once

#include "src/base/error.h"
#include "src/virtio/disk_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define DISK_SECTOR  512U
#define DISK_CLUSTER 4096U // what is copied when a part of it is written

// What a machine's guest may write to a disk that is put back afterwards,
// unless it is told otherwise.
#define DISK_CHANGES_MAX (UINT64_C(4) << 30)

enum disk_mode {
    DISK_CHANGES_DROPPED, // writes go to a temporary file, which nobody keeps
    DISK_READONLY,
    DISK_WRITABLE, // writes go to the image
};

struct served_disk;
struct vhost_backend;

// Whether reads of a file wait for the host's disk.
struct disk_waits {
    bool cannot_tell; // its file system answers no such question
    bool waited;      // or may have, there
};

// Owned by its device; one thread at a time but for full. A raw image is locked
// (flock): many may read it, one may write it.
struct disk_image {
    int image;                  // -1: it is served
    struct served_disk *served; // NULL: it is raw
    int changes; // the temporary file, sparse, as the image; -1: none yet
    struct disk_waits waits; // of the image, where it is raw
    enum disk_mode mode;
    uint64_t size; // bytes, a multiple of DISK_SECTOR
    uint64_t nclusters;
    // A bit for each cluster: changes has it; and it takes room there (what was
    // discarded doesn't). NULL unless changes are dropped.
    uint64_t *changed, *taken;
    uint64_t room; // clusters that may still be taken
    bool full;     // a write found no room: atomic, for the report
};

// Opens a raw image: a file or a block device, of sectors. -EINVAL: no raw
// image (its format is named), or not of whole sectors; -EBUSY: another writes
// it, or reads what shall be written; -ENOENT, -EACCES, ... of open(2). With a
// backend it is what that serves, whatever its format: path is for messages
// then, and backend is lent until the image is closed. max is for
// DISK_CHANGES_DROPPED: bytes that may be kept.
int disk_image_open(struct disk_image *disk, const char *path,
                    struct vhost_backend *backend, enum disk_mode mode,
                    uint64_t max, struct error *err);
void disk_image_close(struct disk_image *disk);

// What is behind *from, open or closed, is behind *to from now on, and *from is
// closed. Nobody uses either meanwhile.
void disk_image_move(struct disk_image *to, struct disk_image *from);
bool disk_image_is_open(const struct disk_image *disk);

// What disk_image_open says of the file, without keeping it; of an image that
// is not raw, what disk_format_of says. *format becomes its format.
int disk_image_check(const char *path, enum disk_mode mode,
                     enum disk_format *format, struct error *err);

// An image's format, whoever uses it meanwhile.
int disk_image_format(const char *path, enum disk_format *format,
                      struct error *err);

// Opens an image that is to be served, and locks it as a raw one would be. Its
// descriptor, for close; -EINVAL as disk_format_of, and others as
// disk_image_open. A raw image is not opened: 0, and *fd is -1.
int disk_image_claim(const char *path, enum disk_mode mode, int *fd,
                     enum disk_format *format, struct error *err);

// What became of the program that serves the image, when it is of no use any
// more: a sentence part, which lives as long as the image is open. Else NULL.
const char *disk_image_lost(const struct disk_image *disk);

// The bytes [sector, sector + bytes/DISK_SECTOR) begin at *offset; false when
// they aren't whole sectors of the disk.
bool disk_image_place(const struct disk_image *disk, uint64_t sector,
                      uint64_t bytes, uint64_t *offset);

// Each of these covers [offset, offset+len), which lies inside the disk, whole
// sectors; iov's lengths sum up to len. 0, or a negative errno: -EROFS, -ENOSPC
// when the changes are full, what the host's file says, -EIO of a program.
int disk_image_read(struct disk_image *disk, uint64_t offset, uint64_t len,
                    const struct iovec *iov, size_t niov);

// It will be read soon: a hint, by which the host begins to fetch it from its
// disk. Nothing waits for that. What a program serves is not fetched.
void disk_image_expect(const struct disk_image *disk, uint64_t offset,
                       uint64_t len);

// Whether reads of the raw image had to wait since this was asked last: what
// they read was not in the host's memory, or there is no way to tell.
bool disk_image_has_waited(struct disk_image *disk);

int disk_image_write(struct disk_image *disk, uint64_t offset, uint64_t len,
                     const struct iovec *iov, size_t niov);
int disk_image_flush(struct disk_image *disk);

// The guest doesn't need this any more: a hint, of which whole clusters become
// zeros and give their room back.
int disk_image_discard(struct disk_image *disk, uint64_t offset, uint64_t len);

// It reads as zeros from now on.
int disk_image_zero(struct disk_image *disk, uint64_t offset, uint64_t len);
