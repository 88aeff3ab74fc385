// SPDX-License-Identifier: Apache-2.0
// See protocol.h.
#include "harness/rig/protocol.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum direction { TO_HOST = 1, TO_RIG = 2, BOTH_WAYS = 3 };

#define BIT(stream) (1u << (stream))
#define NO_STREAM   BIT(0)
#define ANY_STREAM  (BIT(STREAM_COUNT) - 1)

// What a frame of each type must look like.
static const struct {
    enum direction direction;
    uint32_t min, max; // payload bytes
    unsigned streams;
} shapes[FRAME_TYPE_END] = {
    [FRAME_HELLO] = {TO_HOST, 4, 4, NO_STREAM},
    [FRAME_TIME] = {TO_RIG, sizeof(struct frame_time),
                    sizeof(struct frame_time), NO_STREAM},
    [FRAME_WINSIZE] = {TO_RIG, sizeof(struct frame_winsize),
                       sizeof(struct frame_winsize), NO_STREAM},
    [FRAME_STARTED] = {TO_HOST, sizeof(struct frame_started),
                       sizeof(struct frame_started), NO_STREAM},
    [FRAME_DATA] = {BOTH_WAYS, 1, FRAME_PAYLOAD_MAX, ANY_STREAM},
    [FRAME_EOF] = {BOTH_WAYS, 0, 0, ANY_STREAM},
    [FRAME_CREDIT] = {BOTH_WAYS, 4, 4, ANY_STREAM},
    [FRAME_CLOSED] = {BOTH_WAYS, 0, 0, ANY_STREAM},
    [FRAME_SIGNAL] = {TO_RIG, 4, 4, NO_STREAM},
    [FRAME_ACK] = {TO_HOST, 0, 0, NO_STREAM},
    [FRAME_NOTE] = {TO_HOST, 1, 1024, NO_STREAM},
    [FRAME_FAILED] = {TO_HOST, 1, 1024, NO_STREAM},
    [FRAME_EXIT] = {TO_HOST, 4, 4, NO_STREAM},
    [FRAME_TICK] = {TO_RIG, 0, 0, NO_STREAM},
};

// The streams whose bytes flow towards each side; credit flows against them.
static const unsigned inbound[] = {
    [LINK_HOST] = BIT(STREAM_STDOUT) | BIT(STREAM_STDERR) | BIT(STREAM_TTY),
    [LINK_RIG] = BIT(STREAM_STDIN) | BIT(STREAM_TTY),
};

void link_init(struct link *link, int fd, enum link_side side)
{
    memset(link, 0, sizeof(*link));
    link->fd = fd;
    link->side = side;
}

void link_close(struct link *link)
{
    link->fd = -1;
    link->eof = true;
    link->out_len = 0;
}

int link_fill(struct link *link, struct error *err)
{
    if (link->in_from > 0) {
        memmove(link->in, link->in + link->in_from, link->in_len);
        link->in_from = 0;
    }
    if (link->in_len == sizeof(link->in))
        return 0;
    ssize_t n = read(link->fd, link->in + link->in_len,
                     sizeof(link->in) - link->in_len);
    if (n > 0) {
        link->in_len += (size_t)n;
        return 0;
    }
    if (n == 0 || errno == ECONNRESET || errno == ENODEV) {
        link->eof = true;
        return 0;
    }
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    return error_errno(err, errno, "reading the rig's port");
}

// NULL, or what is wrong with a header that this side received.
static const char *header_fault(enum link_side side,
                                const struct frame_header *h)
{
    if (h->magic != FRAME_MAGIC)
        return "bytes that start no frame";
    if (h->type == 0 || h->type >= FRAME_TYPE_END)
        return "a frame of unknown type";
    enum direction to_us = side == LINK_HOST ? TO_HOST : TO_RIG;
    if (!(shapes[h->type].direction & to_us))
        return "a frame for the other direction";
    if (h->len < shapes[h->type].min || h->len > shapes[h->type].max)
        return "a frame of wrong length";
    if (h->stream >= STREAM_COUNT ||
        !(shapes[h->type].streams & BIT(h->stream)))
        return "a frame for an unknown stream";
    enum link_side receiver = side;
    if (h->type == FRAME_CREDIT || h->type == FRAME_CLOSED)
        receiver = side == LINK_HOST ? LINK_RIG : LINK_HOST;
    bool of_stream = shapes[h->type].streams == ANY_STREAM;
    if (of_stream && !(inbound[receiver] & BIT(h->stream)))
        return "a frame for a stream that flows the other way";
    return NULL;
}

int link_next(struct link *link, struct frame *frame, struct error *err)
{
    struct frame_header h;
    if (link->in_len < sizeof(h))
        return 0;
    memcpy(&h, link->in + link->in_from, sizeof(h));
    const char *fault = header_fault(link->side, &h);
    if (fault)
        return error_set(err, -EPROTO, "the rig's port carried %s", fault);
    if (link->in_len - sizeof(h) < h.len)
        return 0;
    frame->type = (enum frame_type)h.type;
    frame->stream = (enum stream_id)h.stream;
    frame->payload = link->in + link->in_from + sizeof(h);
    frame->len = h.len;
    link->in_from += sizeof(h) + h.len;
    link->in_len -= sizeof(h) + h.len;
    return 1;
}

size_t link_room(const struct link *link)
{
    size_t used = link->out_len + sizeof(struct frame_header);
    size_t limit = sizeof(link->out) - LINK_CONTROL_ROOM;
    if (used >= limit)
        return 0;
    size_t room = limit - used;
    return room < FRAME_PAYLOAD_MAX ? room : FRAME_PAYLOAD_MAX;
}

int link_send(struct link *link, enum frame_type type, enum stream_id stream,
              const void *payload, size_t len)
{
    struct frame_header h = {
        .magic = FRAME_MAGIC,
        .type = (uint8_t)type,
        .stream = (uint8_t)stream,
        .len = (uint32_t)len,
    };
    if (link->fd < 0)
        return 0;
    if (len > FRAME_PAYLOAD_MAX ||
        sizeof(link->out) - link->out_len < sizeof(h) + len)
        return -ENOBUFS;
    memcpy(link->out + link->out_len, &h, sizeof(h));
    link->out_len += sizeof(h);
    if (len > 0)
        memcpy(link->out + link->out_len, payload, len);
    link->out_len += len;
    return 0;
}

int link_flush(struct link *link, struct error *err)
{
    size_t sent = 0;
    int rc = 0;
    while (sent < link->out_len) {
        ssize_t n = write(link->fd, link->out + sent, link->out_len - sent);
        if (n > 0) {
            sent += (size_t)n;
        } else if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            // The reading side still holds what explains it: drain that.
            sent = link->out_len;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            rc = error_errno(err, errno, "writing the rig's port");
            break;
        } else {
            break;
        }
    }
    memmove(link->out, link->out + sent, link->out_len - sent);
    link->out_len -= sent;
    return rc;
}
