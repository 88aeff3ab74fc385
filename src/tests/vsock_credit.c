// SPDX-License-Identifier: Apache-2.0
// The arithmetic of credit, at the bounds and around them.
#include "src/vsock/credit.h"

#include <criterion/criterion.h>

static struct vsock_header saying(uint32_t room, uint32_t read)
{
    return (struct vsock_header){.buf_alloc = room, .fwd_cnt = read};
}

static const uint32_t beginnings[] = {0,          1,          0x7fffff00,
                                      0x80000000, 0xffffff00, UINT32_MAX};

Test(vsock_credit, of_the_guest)
{
    for (unsigned i = 0; i < 6; i++) {
        uint32_t from = beginnings[i];
        struct vsock_credit c = {.sent = from, .read = from};
        struct vsock_header h = saying(1000, from);
        cr_assert_eq(vsock_credit_left(&c), 0U);
        cr_assert(vsock_credit_hear(&c, &h));
        cr_assert_eq(vsock_credit_left(&c), 1000U);
        vsock_credit_send(&c, 1000);
        cr_assert_eq(vsock_credit_left(&c), 0U);
        h = saying(1000, from + 400);
        cr_assert(vsock_credit_hear(&c, &h));
        cr_assert_eq(vsock_credit_left(&c), 400U);
        // An older packet; it has a word on the buffer, if no newer counter.
        h = saying(1000, from + 399);
        cr_assert(vsock_credit_hear(&c, &h));
        cr_assert_eq(vsock_credit_left(&c), 400U);
        // A buffer that shrinks below what is under way.
        h = saying(599, from + 400);
        cr_assert(vsock_credit_hear(&c, &h));
        cr_assert_eq(vsock_credit_left(&c), 0U);
        h = saying(601, from + 400);
        cr_assert(vsock_credit_hear(&c, &h));
        cr_assert_eq(vsock_credit_left(&c), 1U);
        // All of it, and not a byte more.
        h = saying(1000, from + 1001);
        cr_assert_not(vsock_credit_hear(&c, &h));
        cr_assert_eq(vsock_credit_left(&c), 1U);
        h = saying(1000, from + 1000);
        cr_assert(vsock_credit_hear(&c, &h));
        cr_assert_eq(vsock_credit_left(&c), 1000U);
    }
}

Test(vsock_credit, a_room_without_bounds)
{
    struct vsock_credit c = {0};
    struct vsock_header h = saying(UINT32_MAX, 0);
    cr_assert(vsock_credit_hear(&c, &h));
    cr_assert_eq(vsock_credit_left(&c), VSOCK_WINDOW);
    vsock_credit_send(&c, VSOCK_WINDOW);
    cr_assert_eq(vsock_credit_left(&c), 0U);
    h = saying(UINT32_MAX, VSOCK_WINDOW);
    cr_assert(vsock_credit_hear(&c, &h));
    cr_assert_eq(vsock_credit_left(&c), VSOCK_WINDOW);
}

Test(vsock_credit, of_ours)
{
    for (unsigned i = 0; i < 6; i++) {
        uint32_t from = beginnings[i];
        struct vsock_credit c = {
            .received = from, .forwarded = from, .told = from};
        struct vsock_header h;
        cr_assert_not(vsock_credit_take(&c, VSOCK_BUFFER + 1));
        cr_assert_not(vsock_credit_take(&c, UINT32_MAX));
        cr_assert(vsock_credit_take(&c, VSOCK_BUFFER - 1));
        cr_assert_not(vsock_credit_take(&c, 2));
        cr_assert(vsock_credit_take(&c, 1));
        cr_assert(vsock_credit_take(&c, 0));
        cr_assert_not(vsock_credit_take(&c, 1));
        // What it was not told of it must not use.
        cr_assert_not(vsock_credit_forward(&c, VSOCK_BUFFER / 2 - 1));
        cr_assert_not(vsock_credit_take(&c, 1));
        cr_assert(vsock_credit_forward(&c, 1));
        vsock_credit_tell(&c, &h);
        cr_assert_eq(h.buf_alloc, VSOCK_BUFFER);
        cr_assert_eq(h.fwd_cnt, from + VSOCK_BUFFER / 2);
        cr_assert_not(vsock_credit_forward(&c, 1));
        cr_assert(vsock_credit_take(&c, VSOCK_BUFFER / 2));
        cr_assert_not(vsock_credit_take(&c, 1));
    }
}
