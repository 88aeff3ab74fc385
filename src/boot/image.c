// SPDX-License-Identifier: Apache-2.0
// Opening and reading image files; see image.h.
#include "src/boot/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Linux cuts one read at this many bytes; asking for more only hides it.
#define READ_MAX UINT64_C(0x40000000)

static const char *file_type(mode_t mode)
{
    static const struct {
        mode_t type;
        const char *name;
    } types[] = {
        {S_IFIFO, "a FIFO"},
        {S_IFSOCK, "a socket"},
        {S_IFCHR, "a character device"},
        {S_IFBLK, "a block device"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if ((mode & S_IFMT) == types[i].type)
            return types[i].name;
    return "not a file";
}

static int check_and_read_head(struct image *image, const char *role,
                               struct error *err)
{
    struct stat st;
    if (fstat(image->fd, &st) < 0)
        return error_errno(err, errno, "can't look at %s %s", role,
                           image->path);
    if (S_ISDIR(st.st_mode))
        return error_set(err, -EISDIR,
                         "%s %s is a directory: name the file in it", role,
                         image->path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s %s is %s: a regular file is needed",
                         role, image->path, file_type(st.st_mode));
    if (st.st_size <= 0)
        return error_set(err, -EINVAL,
                         "%s %s is empty: build or download it again", role,
                         image->path);
    image->size = (uint64_t)st.st_size;
    image->head_len =
        image->size < IMAGE_HEAD ? (size_t)image->size : IMAGE_HEAD;
    return image_read(image, 0, image->head, image->head_len, err);
}

int image_open(struct image *image, const char *path, const char *role,
               struct error *err)
{
    image->path = path;
    image->size = 0;
    image->head_len = 0;
    // Non-blocking: opening a FIFO that nobody writes to must not hang.
    image->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (image->fd < 0)
        return error_errno(err, errno, "can't open %s %s", role, path);
    int rc = check_and_read_head(image, role, err);
    if (rc < 0)
        image_close(image);
    return rc;
}

void image_close(struct image *image)
{
    if (image->fd >= 0)
        close(image->fd);
    image->fd = -1;
}

int image_read(const struct image *image, uint64_t offset, void *to,
               uint64_t len, struct error *err)
{
    uint8_t *at = to;
    if (offset > INT64_MAX || len > INT64_MAX - offset)
        return error_set(err, -EINVAL, "%s has no byte at offset 0x%llx",
                         image->path, (unsigned long long)offset);
    while (len) {
        size_t want = (size_t)(len < READ_MAX ? len : READ_MAX);
        ssize_t got = pread(image->fd, at, want, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, errno, "can't read %s", image->path);
        if (got == 0)
            return error_set(err, -EINVAL,
                             "%s ends at byte %llu, but was longer when it "
                             "was opened: is it still being written?",
                             image->path, (unsigned long long)offset);
        at += got;
        offset += (uint64_t)got;
        len -= (uint64_t)got;
    }
    return 0;
}

int image_load(const struct image *image, uint64_t offset, uint64_t len,
               const struct guest_memory *mem, uint64_t gpa, struct error *err)
{
    if (!len)
        return 0;
    void *to = guest_memory_at(mem, gpa, len);
    if (!to)
        return error_set(err, -EINVAL,
                         "%s doesn't fit: guest memory has no %llu bytes at "
                         "0x%llx",
                         image->path, (unsigned long long)len,
                         (unsigned long long)gpa);
    return image_read(image, offset, to, len, err);
}

#define SEARCH_CHUNK ((size_t)128 << 10)

int image_search(const struct image *image, uint64_t offset, uint64_t len,
                 const struct image_needle *needles, size_t n, uint32_t enough,
                 uint32_t *found, struct error *err)
{
    // The end of a chunk comes again at the beginning of the next: a needle
    // may lie across.
    const size_t overlap = IMAGE_NEEDLE_MAX - 1;
    uint8_t *bytes = malloc(overlap + SEARCH_CHUNK);
    if (!bytes)
        return error_set(err, -ENOMEM, "out of memory");
    size_t kept = 0;
    int rc = 0;
    *found = 0;
    while (len && rc == 0 && !(*found & enough)) {
        size_t part = len < SEARCH_CHUNK ? (size_t)len : SEARCH_CHUNK;
        rc = image_read(image, offset, bytes + kept, part, err);
        size_t have = kept + part;
        for (size_t i = 0; rc == 0 && i < n; i++)
            if (memmem(bytes, have, needles[i].bytes, needles[i].len))
                *found |= 1U << i;
        offset += part;
        len -= part;
        kept = have < overlap ? have : overlap;
        memmove(bytes, bytes + have - kept, kept);
    }
    free(bytes);
    return rc;
}
