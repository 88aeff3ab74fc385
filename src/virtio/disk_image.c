// SPDX-License-Identifier: Apache-2.0
// Disk images, and what is kept beside them. See disk_image.h.
#include "src/virtio/disk_image.h"

#include "src/virtio/disk_base.h"
#include "src/virtio/served_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORD_BITS 64

// ---- Opening ---------------------------------------------------------------

static uint64_t *new_bits(uint64_t n)
{
    // Mapped, so that a page exists only where the guest has written.
    size_t len = (size_t)((n + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t));
    void *bits = mmap(NULL, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return bits == MAP_FAILED ? NULL : bits;
}

static void free_bits(uint64_t *bits, uint64_t n)
{
    if (bits)
        munmap(bits,
               (size_t)((n + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t)));
}

static int new_changes(struct disk_image *disk, uint64_t max, struct error *err)
{
    const char *dir = getenv("TMPDIR");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/toyvmm-disk-XXXXXX",
             dir && *dir ? dir : "/tmp");
    disk->changes = mkostemp(path, O_CLOEXEC);
    if (disk->changes < 0)
        return error_errno(
            err, errno, "no temporary file for what a guest writes: %s", path);
    unlink(path);
    disk->room = max / DISK_CLUSTER;
    disk->changed = new_bits(disk->nclusters);
    disk->taken = new_bits(disk->nclusters);
    if (!disk->changed || !disk->taken)
        return error_set(err, -ENOMEM, "out of memory");
    return 0;
}

int disk_image_open(struct disk_image *disk, const char *path,
                    struct vhost_backend *backend, enum disk_mode mode,
                    uint64_t max, struct error *err)
{
    *disk = (struct disk_image){.image = -1, .changes = -1, .mode = mode};
    int code = disk_base_open(disk, path, backend, err);
    disk->nclusters = (disk->size + DISK_CLUSTER - 1) / DISK_CLUSTER;
    if (code == 0 && mode == DISK_CHANGES_DROPPED)
        code = new_changes(disk, max, err);
    if (code < 0)
        disk_image_close(disk);
    return code;
}

void disk_image_close(struct disk_image *disk)
{
    free_bits(disk->changed, disk->nclusters);
    free_bits(disk->taken, disk->nclusters);
    disk->changed = disk->taken = NULL;
    if (disk->changes >= 0)
        close(disk->changes);
    disk->changes = -1;
    disk_base_close(disk);
}

void disk_image_move(struct disk_image *to, struct disk_image *from)
{
    *to = *from;
    *from = (struct disk_image){.image = -1, .changes = -1, .mode = to->mode};
}

bool disk_image_is_open(const struct disk_image *disk)
{
    return disk->image >= 0 || disk->served;
}

const char *disk_image_lost(const struct disk_image *disk)
{
    return disk->served ? served_disk_lost(disk->served) : NULL;
}

// ---- The changes -----------------------------------------------------------

static bool bit(const uint64_t *bits, uint64_t i)
{
    return bits[i / WORD_BITS] >> (i % WORD_BITS) & 1;
}

static void set_bit(uint64_t *bits, uint64_t i, bool on)
{
    uint64_t mask = UINT64_C(1) << (i % WORD_BITS);
    if (on)
        bits[i / WORD_BITS] |= mask;
    else
        bits[i / WORD_BITS] &= ~mask;
}

// Room for clusters first..last in the changes, all of them or none.
static int take_room(struct disk_image *disk, uint64_t first, uint64_t last)
{
    uint64_t need = 0;
    for (uint64_t i = first; i <= last; i++)
        need += !bit(disk->taken, i);
    if (need > disk->room) {
        __atomic_store_n(&disk->full, true, __ATOMIC_RELAXED);
        return -ENOSPC;
    }
    disk->room -= need;
    for (uint64_t i = first; i <= last; i++)
        set_bit(disk->taken, i, true);
    return 0;
}

// Copies a cluster from the image to the changes unless they have it.
static int copy_cluster(struct disk_image *disk, uint64_t i)
{
    uint8_t bytes[DISK_CLUSTER];
    const struct iovec iov = {bytes, sizeof bytes};
    if (bit(disk->changed, i))
        return 0;
    struct disk_cursor c = disk_cursor_of(&iov, 1);
    int code =
        disk_base_transfer(disk, false, i * DISK_CLUSTER, sizeof bytes, &c);
    c = disk_cursor_of(&iov, 1);
    if (code == 0)
        code = disk_file_transfer(disk->changes, true, i * DISK_CLUSTER,
                                  sizeof bytes, &c, NULL);
    if (code == 0)
        set_bit(disk->changed, i, true);
    return code;
}

static int write_changes(struct disk_image *disk, uint64_t offset, uint64_t len,
                         struct disk_cursor *c)
{
    uint64_t end = offset + len;
    uint64_t first = offset / DISK_CLUSTER, last = (end - 1) / DISK_CLUSTER;
    int code = take_room(disk, first, last);
    // A cluster of which a part stays as it is.
    if (code == 0 && offset % DISK_CLUSTER)
        code = copy_cluster(disk, first);
    if (code == 0 && end % DISK_CLUSTER && end != disk->size)
        code = copy_cluster(disk, last);
    if (code == 0)
        code = disk_file_transfer(disk->changes, true, offset, len, c, NULL);
    for (uint64_t i = first; code == 0 && i <= last; i++)
        set_bit(disk->changed, i, true);
    return code;
}

// ---- What the device asks --------------------------------------------------

// Where the clusters from offset on end that lie in the same file, at most at
// end; *changed: that is the changes.
static uint64_t run_end(const struct disk_image *disk, uint64_t offset,
                        uint64_t end, bool *changed)
{
    *changed = disk->changed && bit(disk->changed, offset / DISK_CLUSTER);
    if (!disk->changed)
        return end;
    uint64_t next = offset;
    while (next < end && bit(disk->changed, next / DISK_CLUSTER) == *changed)
        next = (next / DISK_CLUSTER + 1) * DISK_CLUSTER;
    return next < end ? next : end;
}

bool disk_image_place(const struct disk_image *disk, uint64_t sector,
                      uint64_t bytes, uint64_t *offset)
{
    uint64_t sectors = disk->size / DISK_SECTOR;
    *offset = sector * DISK_SECTOR;
    return bytes % DISK_SECTOR == 0 && sector <= sectors &&
           bytes / DISK_SECTOR <= sectors - sector;
}

int disk_image_read(struct disk_image *disk, uint64_t offset, uint64_t len,
                    const struct iovec *iov, size_t niov)
{
    struct disk_cursor c = disk_cursor_of(iov, niov);
    for (uint64_t end = offset + len; offset < end;) {
        bool changed;
        uint64_t next = run_end(disk, offset, end, &changed);
        int code = changed ? disk_file_transfer(disk->changes, false, offset,
                                                next - offset, &c, NULL)
                           : disk_base_transfer(disk, false, offset,
                                                next - offset, &c);
        if (code < 0)
            return code;
        offset = next;
    }
    return 0;
}

void disk_image_expect(const struct disk_image *disk, uint64_t offset,
                       uint64_t len)
{
    for (uint64_t end = offset + len; offset < end;) {
        bool changed;
        uint64_t next = run_end(disk, offset, end, &changed);
        int fd = changed ? disk->changes : disk->image;
        if (fd >= 0)
            (void)posix_fadvise(fd, (off_t)offset, (off_t)(next - offset),
                                POSIX_FADV_WILLNEED);
        offset = next;
    }
}

bool disk_image_has_waited(struct disk_image *disk)
{
    bool waited = disk->waits.waited;
    disk->waits.waited = false;
    return waited;
}

int disk_image_write(struct disk_image *disk, uint64_t offset, uint64_t len,
                     const struct iovec *iov, size_t niov)
{
    struct disk_cursor c = disk_cursor_of(iov, niov);
    if (!len)
        return 0;
    switch (disk->mode) {
    case DISK_READONLY:
        return -EROFS;
    case DISK_WRITABLE:
        return disk_base_transfer(disk, true, offset, len, &c);
    case DISK_CHANGES_DROPPED:
        return write_changes(disk, offset, len, &c);
    }
    return -EINVAL;
}

int disk_image_flush(struct disk_image *disk)
{
    // Changes that nobody keeps need not be on a disk.
    if (disk->mode != DISK_WRITABLE)
        return 0;
    return disk_base_flush(disk);
}

// Whole clusters of the changes become holes.
static int punch_changes(struct disk_image *disk, uint64_t first, uint64_t end)
{
    if (first >= end)
        return 0;
    if (fallocate(disk->changes, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  (off_t)(first * DISK_CLUSTER),
                  (off_t)((end - first) * DISK_CLUSTER)) < 0)
        return -errno;
    for (uint64_t i = first; i < end; i++) {
        disk->room += bit(disk->taken, i);
        set_bit(disk->taken, i, false);
        set_bit(disk->changed, i, true);
    }
    return 0;
}

// The whole clusters of [offset, offset+len); the disk's last may be short.
static void whole_clusters(const struct disk_image *disk, uint64_t offset,
                           uint64_t len, uint64_t *first, uint64_t *end)
{
    *first = (offset + DISK_CLUSTER - 1) / DISK_CLUSTER;
    *end = offset + len == disk->size ? disk->nclusters
                                      : (offset + len) / DISK_CLUSTER;
}

int disk_image_discard(struct disk_image *disk, uint64_t offset, uint64_t len)
{
    uint64_t first, end;
    switch (disk->mode) {
    case DISK_READONLY:
        return -EROFS;
    case DISK_WRITABLE:
        disk_base_discard(disk, offset, len);
        return 0;
    case DISK_CHANGES_DROPPED:
        whole_clusters(disk, offset, len, &first, &end);
        (void)punch_changes(disk, first, end);
        return 0;
    }
    return -EINVAL;
}

static int write_zeros(struct disk_image *disk, uint64_t offset, uint64_t len)
{
    uint8_t zeros[DISK_CLUSTER] = {0};
    for (uint64_t done = 0; done < len;) {
        uint64_t part = len - done < sizeof zeros ? len - done : sizeof zeros;
        const struct iovec iov = {zeros, (size_t)part};
        int code = disk_image_write(disk, offset + done, part, &iov, 1);
        if (code < 0)
            return code;
        done += part;
    }
    return 0;
}

int disk_image_zero(struct disk_image *disk, uint64_t offset, uint64_t len)
{
    if (disk->mode == DISK_READONLY)
        return -EROFS;
    if (disk->mode == DISK_WRITABLE)
        return disk_base_zero(disk, offset, len) == 0
                   ? 0
                   : write_zeros(disk, offset, len);
    uint64_t first, end;
    whole_clusters(disk, offset, len, &first, &end);
    if (first >= end)
        return write_zeros(disk, offset, len);
    uint64_t head = first * DISK_CLUSTER - offset;
    uint64_t tail_at = end * DISK_CLUSTER;
    int code = punch_changes(disk, first, end);
    if (code < 0)
        return write_zeros(disk, offset, len);
    code = write_zeros(disk, offset, head);
    if (code == 0 && tail_at < offset + len)
        code = write_zeros(disk, tail_at, offset + len - tail_at);
    return code;
}
