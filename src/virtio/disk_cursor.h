// SPDX-License-Identifier: Apache-2.0
// A place in a list of segments. Private to src/virtio.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

struct disk_cursor {
    const struct iovec *iov, *end;
    size_t used; // bytes of iov[0]
};

static inline struct disk_cursor disk_cursor_of(const struct iovec *iov,
                                                size_t niov)
{
    return (struct disk_cursor){.iov = iov, .end = iov + niov};
}

// Up to len bytes as at most max segments of out; returns how many bytes.
static inline size_t disk_cursor_take(struct disk_cursor *c, uint64_t len,
                                      struct iovec *out, size_t max,
                                      size_t *nout)
{
    size_t done = 0;
    *nout = 0;
    while (done < len && *nout < max && c->iov < c->end) {
        size_t part = c->iov->iov_len - c->used;
        if (part > len - done)
            part = (size_t)(len - done);
        if (part)
            out[(*nout)++] =
                (struct iovec){(uint8_t *)c->iov->iov_base + c->used, part};
        done += part;
        c->used += part;
        if (c->used == c->iov->iov_len) {
            c->iov++;
            c->used = 0;
        }
    }
    return done;
}

// Copies len bytes between what is at bytes and the segments; returns how many
// there were.
static inline size_t disk_cursor_copy(struct disk_cursor *c, uint8_t *bytes,
                                      size_t len, bool to_segments)
{
    size_t done = 0;
    while (done < len) {
        struct iovec part = {NULL, 0};
        size_t n;
        if (!disk_cursor_take(c, len - done, &part, 1, &n))
            break;
        if (to_segments)
            memcpy(part.iov_base, bytes + done, part.iov_len);
        else
            memcpy(bytes + done, part.iov_base, part.iov_len);
        done += part.iov_len;
    }
    return done;
}
