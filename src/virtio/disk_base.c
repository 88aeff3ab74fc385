// SPDX-License-Identifier: Apache-2.0
// Images themselves. See disk_base.h.
#include "src/virtio/disk_base.h"

#include "src/virtio/served_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// Segments handed to the kernel at once.
#define IOV_MAX_HERE 64

// ---- Opening ---------------------------------------------------------------

static int open_file(const char *path, enum disk_mode mode, int *fd,
                     struct error *err)
{
    struct stat st;
    // A FIFO or a device without medium must not hold us.
    *fd = open(path, (mode == DISK_WRITABLE ? O_RDWR : O_RDONLY) | O_CLOEXEC |
                         O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, &st) < 0)
        return error_errno(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return error_set(err, -EINVAL,
                         "%s is no disk image: neither a file nor a block "
                         "device",
                         path);
    return 0;
}

static int lock_file(int fd, const char *path, enum disk_mode mode,
                     struct error *err)
{
    bool writes = mode == DISK_WRITABLE;
    if (flock(fd, (writes ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return 0;
    // A file system without locks has none to respect.
    if (errno != EWOULDBLOCK)
        return 0;
    return error_set(err, -EBUSY,
                     writes ? "%s can't be written: another machine uses it"
                            : "%s can't be read: another machine writes it",
                     path);
}

static int measure_raw(struct disk_image *disk, const char *path,
                       struct error *err)
{
    off_t size = lseek(disk->image, 0, SEEK_END);
    if (size < 0)
        return error_errno(err, errno, "%s", path);
    if (!size || size % DISK_SECTOR)
        return error_set(err, -EINVAL,
                         "%s is no disk image: %lld bytes, not whole sectors "
                         "of %u",
                         path, (long long)size, DISK_SECTOR);
    disk->size = (uint64_t)size;
    return 0;
}

// A raw image, all that is left when its format is known.
static int open_raw(struct disk_image *disk, const char *path,
                    struct error *err)
{
    int code = measure_raw(disk, path, err);
    return code < 0 ? code : lock_file(disk->image, path, disk->mode, err);
}

static int open_served(struct disk_image *disk, const char *path,
                       struct vhost_backend *backend, struct error *err)
{
    int code;
    disk->served =
        served_disk_open(backend, disk->mode == DISK_WRITABLE, &code, err);
    if (!disk->served)
        return error_prefix(err, code, "%s", path);
    disk->size = served_disk_size(disk->served);
    return 0;
}

int disk_base_open(struct disk_image *disk, const char *path,
                   struct vhost_backend *backend, struct error *err)
{
    enum disk_format format;
    if (backend)
        return open_served(disk, path, backend, err);
    int code = open_file(path, disk->mode, &disk->image, err);
    if (code == 0)
        code = disk_format_of(disk->image, path, &format, err);
    if (code == 0 && format != DISK_RAW)
        code = error_set(err, -EINVAL,
                         "%s is a %s image, not a raw one, and nothing serves "
                         "it",
                         path, disk_format_name(format));
    return code < 0 ? code : open_raw(disk, path, err);
}

void disk_base_close(struct disk_image *disk)
{
    if (disk->image >= 0)
        close(disk->image);
    disk->image = -1;
    served_disk_close(disk->served);
    disk->served = NULL;
}

int disk_image_check(const char *path, enum disk_mode mode,
                     enum disk_format *format, struct error *err)
{
    struct disk_image disk = {.image = -1, .changes = -1, .mode = mode};
    int code = open_file(path, mode, &disk.image, err);
    *format = DISK_RAW;
    if (code == 0)
        code = disk_format_of(disk.image, path, format, err);
    if (code == 0 && *format == DISK_RAW)
        code = open_raw(&disk, path, err);
    disk_base_close(&disk);
    return code;
}

int disk_image_format(const char *path, enum disk_format *format,
                      struct error *err)
{
    int fd;
    int code = open_file(path, DISK_READONLY, &fd, err);
    if (code == 0)
        code = disk_format_of(fd, path, format, err);
    if (fd >= 0)
        close(fd);
    return code;
}

int disk_image_claim(const char *path, enum disk_mode mode, int *fd,
                     enum disk_format *format, struct error *err)
{
    int code = open_file(path, mode, fd, err);
    *format = DISK_RAW;
    if (code == 0)
        code = disk_format_of(*fd, path, format, err);
    if (code == 0 && *format != DISK_RAW)
        code = lock_file(*fd, path, mode, err);
    if (*fd >= 0 && (code < 0 || *format == DISK_RAW)) {
        close(*fd);
        *fd = -1;
    }
    return code;
}

// ---- Bytes -----------------------------------------------------------------

// What the host has in memory is given at once; where that is nothing, the
// second call waits for it, or says that there is no more.
static ssize_t read_file(int fd, const struct iovec *iov, size_t n,
                         uint64_t offset, struct disk_waits *waits)
{
    ssize_t got = -1;
    if (waits && !waits->cannot_tell) {
        got = preadv2(fd, iov, (int)n, (off_t)offset, RWF_NOWAIT);
        waits->cannot_tell = got < 0 && errno != EAGAIN;
    }
    if (got > 0)
        return got;
    if (waits)
        waits->waited = true;
    return preadv(fd, iov, (int)n, (off_t)offset);
}

int disk_file_transfer(int fd, bool write, uint64_t offset, uint64_t len,
                       struct disk_cursor *c, struct disk_waits *waits)
{
    while (len) {
        struct iovec iov[IOV_MAX_HERE];
        size_t n;
        struct disk_cursor before = *c;
        size_t want = disk_cursor_take(c, len, iov, IOV_MAX_HERE, &n);
        if (!want)
            return -EINVAL;
        ssize_t got = write ? pwritev(fd, iov, (int)n, (off_t)offset)
                            : read_file(fd, iov, n, offset, waits);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0 && write)
            return -EIO;
        if (got == 0) {
            for (size_t i = 0; i < n; i++)
                memset(iov[i].iov_base, 0, iov[i].iov_len);
            got = (ssize_t)want;
        }
        if (got < 0)
            got = 0;
        if ((size_t)got < want) {
            *c = before;
            disk_cursor_take(c, (uint64_t)got, iov, IOV_MAX_HERE, &n);
        }
        offset += (uint64_t)got;
        len -= (uint64_t)got;
    }
    return 0;
}

// A part of at most SERVED_DISK_MOST bytes; those beyond the disk's end are
// zeros.
static int transfer_part(struct disk_image *disk, bool write, uint64_t offset,
                         uint32_t len, struct disk_cursor *c)
{
    uint8_t *buffer = served_disk_buffer(disk->served);
    uint64_t there = offset < disk->size ? disk->size - offset : 0;
    uint32_t inside = there < len ? (uint32_t)there : len;
    int code = 0;
    if (write && disk_cursor_copy(c, buffer, len, false) != len)
        return -EINVAL;
    if (inside)
        code = write ? served_disk_write(disk->served, offset, inside)
                     : served_disk_read(disk->served, offset, inside);
    if (code < 0 || write)
        return code;
    memset(buffer + inside, 0, len - inside);
    return disk_cursor_copy(c, buffer, len, true) == len ? 0 : -EINVAL;
}

int disk_base_transfer(struct disk_image *disk, bool write, uint64_t offset,
                       uint64_t len, struct disk_cursor *c)
{
    if (!disk->served)
        return disk_file_transfer(disk->image, write, offset, len, c,
                                  &disk->waits);
    while (len) {
        uint32_t part =
            len < SERVED_DISK_MOST ? (uint32_t)len : SERVED_DISK_MOST;
        int code = transfer_part(disk, write, offset, part, c);
        if (code < 0)
            return code;
        offset += part;
        len -= part;
    }
    return 0;
}

int disk_base_flush(struct disk_image *disk)
{
    if (disk->served)
        return served_disk_flush(disk->served);
    return fdatasync(disk->image) < 0 ? -errno : 0;
}

void disk_base_discard(struct disk_image *disk, uint64_t offset, uint64_t len)
{
    // A hint: who can't is none the worse.
    if (disk->served)
        (void)served_disk_discard(disk->served, offset, len);
    else
        (void)fallocate(disk->image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        (off_t)offset, (off_t)len);
}

int disk_base_zero(struct disk_image *disk, uint64_t offset, uint64_t len)
{
    if (disk->served)
        return served_disk_zero(disk->served, offset, len);
    return fallocate(disk->image, FALLOC_FL_ZERO_RANGE, (off_t)offset,
                     (off_t)len) < 0
               ? -EOPNOTSUPP
               : 0;
}
