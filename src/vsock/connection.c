// SPDX-License-Identifier: Apache-2.0
// A connection's end at the guest. See connection.h.
#include "src/vsock/connection_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

// ---- Ends -------------------------------------------------------------------

void vsock_connection_reset(struct vsock_connection *c)
{
    bool known = c->state == VSOCK_OPEN ||
                 (c->state == VSOCK_ASKED && !(c->due & DUE_REQUEST)) ||
                 (c->state == VSOCK_OVER && (c->due & DUE_RESET));
    c->due = known && !c->gone ? DUE_RESET : 0;
    vsock_connection_end(c);
}

bool vsock_connection_is_over(const struct vsock_connection *c)
{
    return c->state == VSOCK_OVER && !c->due;
}

// ---- From the guest ---------------------------------------------------------

void vsock_connection_ask(struct vsock_connection *c, uint32_t host_port,
                          uint32_t guest_port)
{
    c->host_port = host_port;
    c->guest_port = guest_port;
    c->state = VSOCK_ASKED;
    c->due = DUE_REQUEST;
    vsock_host_watch(c);
}

void vsock_connection_open(struct vsock_connection *c, uint32_t host_port,
                           uint32_t guest_port)
{
    c->host_port = host_port;
    c->guest_port = guest_port;
    c->state = VSOCK_OPEN;
    c->due = DUE_RESPONSE;
    vsock_host_watch(c);
}

static const char *answered(struct vsock_connection *c)
{
    char line[VSOCK_LINE_MAX];
    if (c->state != VSOCK_ASKED || (c->due & DUE_REQUEST))
        return "an answer to a request that there was not";
    int len = snprintf(line, sizeof line, "OK %" PRIu32 "\n", c->host_port);
    c->state = VSOCK_OPEN;
    // An empty socket takes it whole.
    if (vsock_host_send(c, (const uint8_t *)line, (uint32_t)len) !=
        (uint32_t)len)
        vsock_connection_reset(c);
    return NULL;
}

static void end_by_guest(struct vsock_connection *c)
{
    // It has said before that it had sent all.
    if (c->state == VSOCK_OPEN && c->guest_ended == VSOCK_BOTH && c->held) {
        c->gone = true;
        return;
    }
    c->due = 0;
    vsock_connection_end(c);
}

static const char *shut_down(struct vsock_connection *c, uint32_t flags)
{
    if (c->state != VSOCK_OPEN)
        return "the end of a connection that is not open";
    c->guest_ended |= flags & VSOCK_BOTH;
    if ((c->guest_ended & VSOCK_RECEIVES) && c->source.fd >= 0)
        shutdown(c->source.fd, SHUT_RD);
    vsock_host_end(c);
    return NULL;
}

static const char *obey(struct vsock_connection *c,
                        const struct vsock_header *h, const uint8_t *bytes)
{
    switch (h->op) {
    case VSOCK_REQUEST:
        return "a request for a connection that is there already";
    case VSOCK_RESPONSE:
        return answered(c);
    case VSOCK_RST:
        end_by_guest(c);
        return NULL;
    case VSOCK_SHUTDOWN:
        return shut_down(c, h->flags);
    case VSOCK_RW:
        return c->state == VSOCK_OPEN
                   ? vsock_host_take(c, bytes, h->len)
                   : "bytes of a connection that is not open";
    case VSOCK_CREDIT_UPDATE:
        return NULL;
    case VSOCK_CREDIT_REQUEST:
        c->due |= DUE_CREDIT;
        return NULL;
    default:
        return "an operation that a socket has not";
    }
}

const char *vsock_connection_hear(struct vsock_connection *c,
                                  const struct vsock_header *h,
                                  const uint8_t *bytes)
{
    const char *why = NULL;
    if (c->state == VSOCK_OVER) {
        // It is being told so; unless it knows.
        if (h->op == VSOCK_RST)
            c->due = 0;
        return NULL;
    }
    if (!vsock_credit_hear(&c->credit, h))
        why = "more bytes of a connection read than were sent";
    // One that has no more room says so when it has: it is not asked again.
    if (vsock_credit_left(&c->credit))
        c->asked_credit = false;
    if (!why)
        why = obey(c, h, bytes);
    if (why)
        vsock_connection_reset(c);
    vsock_host_watch(c);
    return why;
}

// ---- To the guest -----------------------------------------------------------

// What the program does no more and the guest has not been told of.
static uint32_t untold_ends(const struct vsock_connection *c)
{
    uint32_t ends =
        (c->ended ? VSOCK_SENDS : 0U) | (c->deaf ? VSOCK_RECEIVES : 0U);
    return ends & ~c->told_ended ? ends : 0;
}

// What is to be said of a connection that is open; VSOCK_INVALID: nothing.
static enum vsock_op say(struct vsock_connection *c, struct vsock_header *h,
                         uint8_t *bytes, uint32_t room)
{
    uint32_t left = vsock_credit_left(&c->credit);
    if (c->due & DUE_RESPONSE)
        return VSOCK_RESPONSE;
    if (c->gone)
        return VSOCK_INVALID;
    h->len = vsock_host_receive(c, bytes, room < left ? room : left);
    if (h->len) {
        vsock_credit_send(&c->credit, h->len);
        return VSOCK_RW;
    }
    h->flags = untold_ends(c);
    if (h->flags) {
        c->told_ended |= h->flags;
        return VSOCK_SHUTDOWN;
    }
    if (c->due & DUE_CREDIT)
        return VSOCK_CREDIT_UPDATE;
    if (c->readable && vsock_host_is_heard(c) && !left && !c->asked_credit) {
        c->asked_credit = true;
        return VSOCK_CREDIT_REQUEST;
    }
    return VSOCK_INVALID;
}

bool vsock_connection_next(struct vsock_connection *c, struct vsock_header *h,
                           uint8_t *bytes, uint32_t room)
{
    enum vsock_op op = VSOCK_INVALID;
    if (c->due & DUE_RESET)
        op = VSOCK_RST;
    else if (c->due & DUE_REQUEST)
        op = VSOCK_REQUEST;
    else if (c->state == VSOCK_OPEN)
        op = say(c, h, bytes, room);
    // What was read may have been the end.
    vsock_host_watch(c);
    if (op == VSOCK_INVALID)
        return false;
    h->op = (uint16_t)op;
    h->type = VSOCK_STREAM;
    h->src_port = c->host_port;
    h->dst_port = c->guest_port;
    // Each packet tells of the credit.
    vsock_credit_tell(&c->credit, h);
    c->due &= op == VSOCK_RESPONSE  ? ~(unsigned)(DUE_RESPONSE | DUE_CREDIT)
              : op == VSOCK_RST     ? 0U
              : op == VSOCK_REQUEST ? ~(unsigned)DUE_REQUEST
                                    : ~(unsigned)DUE_CREDIT;
    return true;
}
