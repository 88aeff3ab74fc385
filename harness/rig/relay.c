// SPDX-License-Identifier: Apache-2.0
// See relay.h.
#include "harness/rig/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// What a pipe or a pty can hold when its writer has ended; more than that was
// written later, by somebody who outlives the command.
#define DRAIN_MAX 131072u

// poll() promises this much room in a pipe, and no terminal takes less.
#define PIECE 256u

struct relay *relay_new(int fd, enum link_side side)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (!relay)
        return NULL;
    link_init(&relay->link, fd, side);
    for (int i = 0; i < STREAM_COUNT; i++) {
        relay->sinks[i].fd = -1;
        relay->sources[i].fd = -1;
    }
    return relay;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    for (int i = 0; i < STREAM_COUNT; i++) {
        close_fd(&relay->sinks[i].fd);
        close_fd(&relay->sources[i].fd);
        free(relay->sinks[i].ring);
    }
    free(relay);
}

void relay_add_source(struct relay *relay, enum stream_id stream, int fd)
{
    relay->sources[stream] = (struct source){.fd = fd, .credit = STREAM_WINDOW};
}

int relay_add_sink(struct relay *relay, enum stream_id stream, int fd,
                   enum sink_mode mode)
{
    uint8_t *ring = malloc(STREAM_WINDOW);
    if (!ring)
        return -ENOMEM;
    relay->sinks[stream] = (struct sink){.fd = fd, .mode = mode, .ring = ring};
    return 0;
}

void relay_prepare(const struct relay *relay, struct pollfd *fds)
{
    const struct link *link = &relay->link;
    short out = link->out_len > 0 ? POLLOUT : 0;
    *fds++ = (struct pollfd){
        .fd = link->eof ? -1 : link->fd,
        .events = (short)(POLLIN | out),
    };
    for (int i = 0; i < STREAM_COUNT; i++) {
        const struct source *s = &relay->sources[i];
        bool can = s->credit > 0 && link_room(link) > 0;
        *fds++ = (struct pollfd){.fd = can ? s->fd : -1, .events = POLLIN};
    }
    for (int i = 0; i < STREAM_COUNT; i++) {
        const struct sink *s = &relay->sinks[i];
        *fds++ = (struct pollfd){
            .fd = s->len > 0 ? s->fd : -1,
            .events = POLLOUT,
        };
    }
}

static int source_end(struct relay *relay, enum stream_id stream)
{
    close_fd(&relay->sources[stream].fd);
    return link_send(&relay->link, FRAME_EOF, stream, NULL, 0);
}

// One read, of what credit and the link's buffer allow.
static int source_pump(struct relay *relay, enum stream_id stream)
{
    struct source *s = &relay->sources[stream];
    size_t room = link_room(&relay->link);
    size_t want = room < s->credit ? room : s->credit;
    if (s->draining && s->left < want)
        want = s->left;
    if (want == 0)
        return s->draining && s->left == 0 ? source_end(relay, stream) : 0;
    uint8_t buf[FRAME_PAYLOAD_MAX];
    ssize_t n = read(s->fd, buf, want);
    if (n > 0) {
        s->credit -= (uint32_t)n;
        s->left -= s->draining ? (size_t)n : 0;
        return link_send(&relay->link, FRAME_DATA, stream, buf, (size_t)n);
    }
    bool nothing = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (nothing && !s->draining)
        return 0;
    // A pty without its other side reads as EIO: an end like any other.
    return source_end(relay, stream);
}

static ssize_t sink_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    switch (s->mode) {
    case SINK_SOCKET:
        return send(s->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    case SINK_PIECES:
        return write(s->fd, bytes, len < PIECE ? len : PIECE);
    case SINK_NONBLOCK:
    case SINK_FILE:
        return write(s->fd, bytes, len);
    }
    return -1;
}

// One write. A reader that has gone closes the stream for the sender, too, so
// that the command meets the same EPIPE.
static int sink_pump(struct relay *relay, enum stream_id stream)
{
    struct sink *s = &relay->sinks[stream];
    size_t run = STREAM_WINDOW - s->head;
    ssize_t n = sink_write(s, s->ring + s->head, s->len < run ? s->len : run);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0) {
        s->failure = errno;
        s->len = 0;
        close_fd(&s->fd);
        return link_send(&relay->link, FRAME_CLOSED, stream, NULL, 0);
    }
    s->head = (s->head + (size_t)n) % STREAM_WINDOW;
    s->len -= (size_t)n;
    s->owed += (uint32_t)n;
    if (s->len == 0 && s->eof)
        close_fd(&s->fd);
    // Small returns are saved up while more is on its way.
    if (s->eof || (s->len > 0 && s->owed < FRAME_PAYLOAD_MAX))
        return 0;
    uint32_t owed = s->owed;
    s->owed = 0;
    return link_send(&relay->link, FRAME_CREDIT, stream, &owed, sizeof(owed));
}

static int sink_accept(struct sink *s, const struct frame *frame,
                       struct error *err)
{
    if (s->fd < 0)
        return 0; // sent before the other end knew
    if (s->eof || !s->ring || frame->len > STREAM_WINDOW - s->len)
        return error_set(err, -EPROTO,
                         "the rig's port carried more bytes of "
                         "a stream than there is room for");
    size_t tail = (s->head + s->len) % STREAM_WINDOW;
    size_t run = STREAM_WINDOW - tail;
    size_t first = frame->len < run ? frame->len : run;
    memcpy(s->ring + tail, frame->payload, first);
    memcpy(s->ring, frame->payload + first, frame->len - first);
    s->len += frame->len;
    return 0;
}

static int credit_accept(struct source *s, const struct frame *frame,
                         struct error *err)
{
    uint32_t amount;
    memcpy(&amount, frame->payload, sizeof(amount));
    if (amount > STREAM_WINDOW - s->credit)
        return error_set(err, -EPROTO,
                         "the rig's port carried credit for bytes that were "
                         "never sent");
    s->credit += amount;
    return 0;
}

// 1 when the frame was a stream's, 0 when it is the caller's.
static int handle_stream(struct relay *relay, const struct frame *frame,
                         struct error *err)
{
    struct sink *sink = &relay->sinks[frame->stream];
    struct source *source = &relay->sources[frame->stream];
    int rc = 1;
    if (frame->type == FRAME_DATA) {
        rc = sink_accept(sink, frame, err);
    } else if (frame->type == FRAME_CREDIT) {
        rc = credit_accept(source, frame, err);
    } else if (frame->type == FRAME_CLOSED) {
        close_fd(&source->fd);
    } else if (frame->type == FRAME_EOF) {
        sink->eof = true;
        if (sink->len == 0)
            close_fd(&sink->fd);
    } else {
        return 0;
    }
    return rc < 0 ? rc : 1;
}

static int receive(struct relay *relay, relay_control *control, void *arg,
                   struct error *err)
{
    int rc = link_fill(&relay->link, err);
    struct frame frame;
    while (rc >= 0 && (rc = link_next(&relay->link, &frame, err)) > 0) {
        rc = handle_stream(relay, &frame, err);
        if (rc == 0)
            rc = control(arg, &frame, err);
    }
    return rc;
}

// A draining source has no event to wait for: it goes on as long as it may.
static int drain(struct relay *relay, enum stream_id stream)
{
    struct source *s = &relay->sources[stream];
    int rc = 0;
    while (rc >= 0 && s->draining && s->fd >= 0) {
        rc = source_pump(relay, stream);
        if (rc >= 0)
            rc = link_flush(&relay->link, NULL);
        if (s->credit == 0 || link_room(&relay->link) == 0)
            break;
    }
    return rc;
}

int relay_step(struct relay *relay, const struct pollfd *fds,
               relay_control *control, void *arg, struct error *err)
{
    const struct pollfd *sources = fds + 1;
    const struct pollfd *sinks = sources + STREAM_COUNT;
    int rc = link_flush(&relay->link, err);
    if (rc >= 0 && fds[0].revents & (POLLIN | POLLHUP | POLLERR))
        rc = receive(relay, control, arg, err);
    if (rc < 0)
        return rc;
    for (int i = 0; i < STREAM_COUNT && rc >= 0; i++) {
        const struct source *s = &relay->sources[i];
        if (s->draining)
            rc = drain(relay, (enum stream_id)i);
        else if (sources[i].revents && s->fd >= 0)
            rc = source_pump(relay, (enum stream_id)i);
        if (rc >= 0 && sinks[i].revents && relay->sinks[i].len > 0)
            rc = sink_pump(relay, (enum stream_id)i);
    }
    if (rc < 0)
        return error_set(err, rc, "the rig has stopped reading its port");
    return link_flush(&relay->link, err);
}

void relay_drain_sources(struct relay *relay)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        relay->sources[i].draining = true;
        relay->sources[i].left = DRAIN_MAX;
    }
}

bool relay_sources_done(const struct relay *relay)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (relay->sources[i].fd >= 0)
            return false;
    return true;
}

bool relay_sinks_idle(const struct relay *relay)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (relay->sinks[i].len > 0)
            return false;
    return true;
}
