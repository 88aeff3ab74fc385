// SPDX-License-Identifier: Apache-2.0
// See capture.h. A file is a header and frames, each behind a header of its
// own; numbers are in the host's order, which the magic number tells.
#include "src/net/capture.h"

#include "src/net/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MAGIC_NS = 0xa1b23c4d,
    LINKTYPE_ETHERNET = 1,
    SNAPLEN = NET_FRAME_MAX,
};

struct file_header {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t reserved[2], snaplen, linktype;
};

struct frame_header {
    uint32_t seconds, ns, kept, len;
};

struct net_capture {
    int fd;
    uint64_t left;   // bytes
    atomic_bool cut; // set by the thread of the frames
};

struct net_capture *net_capture_open(const char *path, uint64_t max, int *code,
                                     struct error *err)
{
    const struct file_header header = {
        .magic = MAGIC_NS,
        .major = 2,
        .minor = 4,
        .snaplen = SNAPLEN,
        .linktype = LINKTYPE_ETHERNET,
    };
    struct net_capture *c = calloc(1, sizeof *c);
    if (!c) {
        *code = error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    // A FIFO without a reader is refused here, and one that is full below.
    c->fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
    c->left = max < sizeof header ? 0 : max - sizeof header;
    if (c->fd < 0 || write(c->fd, &header, sizeof header) != sizeof header) {
        *code = error_errno(err, errno, "can't write the capture %s", path);
        net_capture_close(c);
        return NULL;
    }
    return c;
}

void net_capture_close(struct net_capture *capture)
{
    if (!capture)
        return;
    if (capture->fd >= 0)
        close(capture->fd);
    free(capture);
}

void net_capture_frame(struct net_capture *capture, const uint8_t *frame,
                       size_t len)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct frame_header header = {
        .seconds = (uint32_t)now.tv_sec,
        .ns = (uint32_t)now.tv_nsec,
        .kept = (uint32_t)len,
        .len = (uint32_t)len,
    };
    size_t total = sizeof header + len;
    uint8_t record[sizeof header + SNAPLEN];
    if (len > SNAPLEN || total > capture->left)
        capture->cut = true;
    if (capture->cut)
        return;
    memcpy(record, &header, sizeof header);
    memcpy(record + sizeof header, frame, len);
    ssize_t n = write(capture->fd, record, total);
    if (n != (ssize_t)total) {
        capture->cut = true;
        // A part of a frame would make the whole file look broken.
        off_t end = lseek(capture->fd, 0, SEEK_CUR);
        if (n > 0 && end >= n)
            (void)!ftruncate(capture->fd, end - n);
        return;
    }
    capture->left -= total;
}

bool net_capture_is_cut(const struct net_capture *capture)
{
    return capture->cut;
}
