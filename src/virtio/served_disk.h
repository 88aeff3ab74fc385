// SPDX-License-Identifier: Apache-2.0
// A disk image that another program reads and writes: the driver's end of
// vhost-user-blk. It has a ring of its own, in memory of its own, through which
// one request at a time goes; the guest's memory is never seen by the program.
// What comes back may be anything: it is checked, and a program that breaks the
// rules, falls silent or dies is ended, and of no use from then on. One thread
// at a time.
#pragma once

#include "src/vhost/backend.h"

#include <stdbool.h>
#include <stdint.h>

// Bytes of one request at most.
#define SERVED_DISK_MOST (1U << 20)

struct served_disk;

// Begins to use what backend serves, whose conversation is open; it is lent
// until served_disk_close. writes: the image shall be changed. NULL with a
// sentence part that begins with the backend's name, and *code negative.
struct served_disk *served_disk_open(struct vhost_backend *backend, bool writes,
                                     int *code, struct error *err);
// With a flush, when it was written to. NULL is nothing.
void served_disk_close(struct served_disk *d);

// Bytes, a multiple of 512, never 0.
uint64_t served_disk_size(const struct served_disk *d);

// How long the program may take for a request, in place of 30 s.
void served_disk_set_wait(struct served_disk *d, uint64_t ns);

// SERVED_DISK_MOST bytes, which a request reads from or writes to.
uint8_t *served_disk_buffer(struct served_disk *d);

// Whole sectors of the disk, len at most SERVED_DISK_MOST: from the image into
// the buffer, or from the buffer into the image. 0; -EIO.
int served_disk_read(struct served_disk *d, uint64_t offset, uint32_t len);
int served_disk_write(struct served_disk *d, uint64_t offset, uint32_t len);

int served_disk_flush(struct served_disk *d);

// Any number of whole sectors of the disk: they are not needed any more (a
// hint), or read as zeros from now on. 0; -EIO; -EOPNOTSUPP: the program can't.
int served_disk_discard(struct served_disk *d, uint64_t offset, uint64_t len);
int served_disk_zero(struct served_disk *d, uint64_t offset, uint64_t len);

// What became of the program, a sentence part; NULL: it is there still.
const char *served_disk_lost(const struct served_disk *d);
