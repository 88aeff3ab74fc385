// SPDX-License-Identifier: Apache-2.0
// A connection's end at the host's program. See connection_parts.h.
//
// The loop is level-triggered: what is known to be ready is not asked for until
// it was used up. A socket whose both directions are over is always ready, so
// nothing is asked of it any more; reading it does not block anyway.
#include "src/vsock/connection_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// ---- The socket -------------------------------------------------------------

int vsock_connection_init(struct vsock_connection *c, struct loop *loop, int fd,
                          void (*ready)(void *owner, uint32_t events),
                          void *owner)
{
    *c = (struct vsock_connection){
        .loop = loop,
        .source = {.fd = fd, .ready = ready, .owner = owner},
        .watched = EPOLLIN,
    };
    int code = loop_add(loop, &c->source, EPOLLIN, NULL);
    if (code < 0)
        vsock_connection_end(c);
    return code;
}

static void drop_buffer(struct vsock_connection *c)
{
    free(c->buffer);
    c->buffer = NULL;
    c->begin = c->held = 0;
}

void vsock_connection_end(struct vsock_connection *c)
{
    if (c->source.fd >= 0) {
        loop_remove(c->loop, &c->source);
        close(c->source.fd);
        c->source.fd = -1;
    }
    drop_buffer(c);
    c->state = VSOCK_OVER;
}

bool vsock_host_is_heard(const struct vsock_connection *c)
{
    if (c->state == VSOCK_OPEN)
        return !c->ended && !c->gone && !(c->guest_ended & VSOCK_RECEIVES);
    return c->state == VSOCK_SAYING;
}

void vsock_host_watch(struct vsock_connection *c)
{
    uint32_t events = 0;
    if (c->source.fd < 0 || c->hung_up)
        return;
    if (vsock_host_is_heard(c) && !c->readable)
        events |= EPOLLIN;
    if (c->held)
        events |= EPOLLOUT;
    if (events != c->watched)
        loop_change(c->loop, &c->source, events);
    c->watched = events;
}

static void forward(struct vsock_connection *c, uint32_t n)
{
    if (vsock_credit_forward(&c->credit, n))
        c->due |= DUE_CREDIT;
}

// The program takes no more: what is held for it has nowhere to go.
static void become_deaf(struct vsock_connection *c)
{
    c->deaf = true;
    forward(c, c->held);
    drop_buffer(c);
}

void vsock_host_end(struct vsock_connection *c)
{
    if (c->state != VSOCK_OPEN || c->held)
        return;
    if (c->guest_ended == VSOCK_BOTH) {
        vsock_connection_reset(c);
        return;
    }
    if ((c->guest_ended & VSOCK_SENDS) && c->source.fd >= 0)
        shutdown(c->source.fd, SHUT_WR);
}

// ---- To the program ---------------------------------------------------------

uint32_t vsock_host_send(struct vsock_connection *c, const uint8_t *bytes,
                         uint32_t len)
{
    uint32_t done = 0;
    while (done < len && !c->deaf) {
        ssize_t n = send(c->source.fd, bytes + done, len - done,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
            break;
        if (n < 0)
            become_deaf(c);
        else
            done += (uint32_t)n;
    }
    return done;
}

static void send_held(struct vsock_connection *c)
{
    while (c->held) {
        uint32_t piece = VSOCK_BUFFER - c->begin;
        piece = piece < c->held ? piece : c->held;
        uint32_t n = vsock_host_send(c, c->buffer + c->begin, piece);
        if (c->deaf || !n)
            break;
        c->begin = (c->begin + n) % VSOCK_BUFFER;
        c->held -= n;
        forward(c, n);
    }
    if (!c->held)
        drop_buffer(c);
    vsock_host_end(c);
}

// Keeps bytes, of which there are no more than there is room for.
static const char *hold(struct vsock_connection *c, const uint8_t *bytes,
                        uint32_t len)
{
    if (!c->buffer)
        c->buffer = malloc(VSOCK_BUFFER);
    if (!c->buffer)
        return "bytes of a connection that the host has no memory for";
    uint32_t end = (c->begin + c->held) % VSOCK_BUFFER;
    uint32_t piece = VSOCK_BUFFER - end;
    piece = piece < len ? piece : len;
    memcpy(c->buffer + end, bytes, piece);
    memcpy(c->buffer, bytes + piece, len - piece);
    c->held += len;
    return NULL;
}

const char *vsock_host_take(struct vsock_connection *c, const uint8_t *bytes,
                            uint32_t len)
{
    if (c->guest_ended & VSOCK_SENDS)
        return "bytes of a connection behind their end";
    if (!vsock_credit_take(&c->credit, len))
        return "more bytes of a connection than it has credit for";
    uint32_t done = c->held ? 0 : vsock_host_send(c, bytes, len);
    // Nobody reads them: they are gone where they should go.
    if (c->deaf)
        done = len;
    if (done)
        forward(c, done);
    return done < len ? hold(c, bytes + done, len - done) : NULL;
}

// ---- From the program -------------------------------------------------------

// "CONNECT 1024\n": the port, or VSOCK_PORT_ANY for what is something else.
static uint32_t read_port(const char *line, unsigned len)
{
    static const char word[] = "CONNECT ";
    const unsigned begin = sizeof word - 1;
    uint64_t port = 0;
    if (len && line[len - 1] == '\r')
        len--;
    if (len <= begin || memcmp(line, word, begin) != 0)
        return VSOCK_PORT_ANY;
    for (unsigned i = begin; i < len; i++) {
        if (line[i] < '0' || line[i] > '9' || port > VSOCK_PORT_ANY)
            return VSOCK_PORT_ANY;
        port = port * 10 + (unsigned)(line[i] - '0');
    }
    return port < VSOCK_PORT_ANY ? (uint32_t)port : VSOCK_PORT_ANY;
}

// Takes the program's line, and not a byte of what stands behind it. True when
// it was whole, and good.
static bool read_line(struct vsock_connection *c, uint32_t *guest_port)
{
    char *at = c->line + c->nline;
    size_t room = sizeof c->line - c->nline;
    ssize_t n = recv(c->source.fd, at, room, MSG_PEEK | MSG_DONTWAIT);
    c->readable = false;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        vsock_connection_reset(c);
        return false;
    }
    const char *end = memchr(at, '\n', (size_t)n);
    size_t len = end ? (size_t)(end - at) + 1 : (size_t)n;
    if (recv(c->source.fd, at, len, MSG_DONTWAIT) != (ssize_t)len) {
        vsock_connection_reset(c);
        return false;
    }
    c->nline += (unsigned)len;
    if (end)
        *guest_port = read_port(c->line, c->nline - 1);
    if (end ? *guest_port == VSOCK_PORT_ANY : c->nline == sizeof c->line)
        vsock_connection_reset(c);
    return end && c->state == VSOCK_SAYING;
}

uint32_t vsock_host_receive(struct vsock_connection *c, uint8_t *to,
                            uint32_t room)
{
    if (!c->readable || !vsock_host_is_heard(c))
        return 0;
    ssize_t n = recv(c->source.fd, to, room ? room : 1,
                     MSG_DONTWAIT | (room ? 0 : MSG_PEEK));
    if (n > 0)
        return room ? (uint32_t)n : 0;
    // Interrupted or not: the loop tells when there is more.
    c->readable = false;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    c->ended = true;
    // It closed the socket with bytes in it that it had not read.
    if (n < 0)
        become_deaf(c);
    return 0;
}

bool vsock_connection_ready(struct vsock_connection *c, uint32_t events,
                            uint32_t *guest_port)
{
    bool said = false;
    if (events & (EPOLLHUP | EPOLLERR)) {
        c->hung_up = true;
        loop_remove(c->loop, &c->source);
        c->readable = true;
        become_deaf(c);
        // What nobody reads has no end that could be found.
        c->ended |= !vsock_host_is_heard(c);
    }
    if (events & EPOLLIN)
        c->readable = true;
    switch (c->state) {
    case VSOCK_SAYING:
        said = !c->hung_up && read_line(c, guest_port);
        if (c->hung_up)
            vsock_connection_reset(c);
        break;
    case VSOCK_ASKED:
        if (c->hung_up)
            vsock_connection_reset(c);
        break;
    case VSOCK_OPEN:
        send_held(c);
        break;
    case VSOCK_OVER:
        break;
    }
    vsock_host_watch(c);
    return said;
}
