// SPDX-License-Identifier: Apache-2.0
// See credit.h. Differences of counters are taken modulo 2^32, and judged as
// signed ones where either may be ahead.
#include "src/vsock/credit.h"

static bool is_ahead(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

bool vsock_credit_hear(struct vsock_credit *c, const struct vsock_header *h)
{
    if (is_ahead(h->fwd_cnt, c->sent))
        return false;
    // A guest's processors may put packets into the queue in another order than
    // they counted.
    if (is_ahead(h->fwd_cnt, c->read))
        c->read = h->fwd_cnt;
    c->room = h->buf_alloc < VSOCK_WINDOW ? h->buf_alloc : VSOCK_WINDOW;
    return true;
}

uint32_t vsock_credit_left(const struct vsock_credit *c)
{
    uint32_t under_way = c->sent - c->read;
    // A buffer may shrink.
    return under_way < c->room ? c->room - under_way : 0;
}

void vsock_credit_send(struct vsock_credit *c, uint32_t n)
{
    c->sent += n;
}

bool vsock_credit_take(struct vsock_credit *c, uint32_t n)
{
    if (n > VSOCK_BUFFER - (c->received - c->told))
        return false;
    c->received += n;
    return true;
}

bool vsock_credit_forward(struct vsock_credit *c, uint32_t n)
{
    c->forwarded += n;
    // A guest that has used up what it knows of is told when the buffer is
    // empty at the latest; that is more than half of it.
    return c->forwarded - c->told >= VSOCK_BUFFER / 2;
}

void vsock_credit_tell(struct vsock_credit *c, struct vsock_header *h)
{
    h->buf_alloc = VSOCK_BUFFER;
    h->fwd_cnt = c->told = c->forwarded;
}
