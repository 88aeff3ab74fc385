// SPDX-License-Identifier: Apache-2.0
// The walker of packed rings.
#include "src/tests/virtio_driver.h"

#include <criterion/criterion.h>
#include <string.h>

static void start(struct driver *d, struct virtq *q)
{
    memset(q, 0, sizeof *q);
    cr_assert(virtq_start(q, &d->memory, &d->setup), "%s",
              virtq_fault_text(q->fault));
}

static uint16_t flags_at(const struct driver *d, unsigned slot)
{
    return *(uint16_t *)driver_at(d, DRIVER_DESC + UINT64_C(16) * slot + 14, 2);
}

// Chains of two in a ring of three wrap at every place.
Test(virtio_packed, chains_wrap_round)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    driver_init(&d, 3, true);
    start(&d, &q);
    for (uint16_t i = 0; i < 1000; i++) {
        unsigned first = d.next_avail;
        bool wrap = d.wrap;
        cr_assert_eq(virtq_pop(&q, &chain), 0);
        driver_put(&d, DRIVER_BUFFERS, 8, 0, D_NEXT);
        driver_put(&d, DRIVER_BUFFERS + 64, 4, i, D_WRITE);
        cr_assert_eq(virtq_pop(&q, &chain), 1, "number %u", i);
        cr_assert_eq(chain.id, i);
        cr_assert_eq(chain.slots, 2);
        cr_assert_eq(chain.readable, 8);
        cr_assert_eq(chain.writable, 4);
        virtq_push(&q, &chain, 4);
        uint16_t flags = flags_at(&d, first);
        cr_assert_eq(!!(flags & D_USED), wrap);
        cr_assert_eq(!!(flags & D_AVAIL), wrap);
        cr_assert_eq(*(uint32_t *)driver_at(
                         &d, DRIVER_DESC + UINT64_C(16) * first + 8, 4),
                     4);
    }
    driver_free(&d);
}

Test(virtio_packed, what_a_bad_driver_does_is_refused)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    driver_init(&d, 4, true);
    d.setup.indirect = true;

    start(&d, &q); // a chain without an end
    for (unsigned i = 0; i < 4; i++)
        driver_put(&d, DRIVER_BUFFERS, 8, 0, D_NEXT);
    cr_assert_eq(virtq_pop(&q, &chain), -1);
    cr_assert_eq(q.fault, VIRTQ_CHAIN_TOO_LONG);

    d.next_avail = 0, d.wrap = true; // a chain whose rest isn't offered
    memset(driver_at(&d, DRIVER_DESC, 64), 0, 64);
    start(&d, &q);
    driver_put(&d, DRIVER_BUFFERS, 8, 0, D_NEXT);
    cr_assert_eq(virtq_pop(&q, &chain), -1);
    cr_assert_eq(q.fault, VIRTQ_BAD_NEXT);

    d.next_avail = 0, d.wrap = true;
    start(&d, &q);
    driver_put(&d, DRIVER_MEMORY, 1, 0, 0);
    cr_assert_eq(virtq_pop(&q, &chain), -1);
    cr_assert_eq(q.fault, VIRTQ_BAD_BUFFER);

    d.next_avail = 0, d.wrap = true;
    start(&d, &q);
    driver_put(&d, DRIVER_BUFFERS, 24, 0, D_INDIRECT);
    cr_assert_eq(virtq_pop(&q, &chain), -1);
    cr_assert_eq(q.fault, VIRTQ_BAD_INDIRECT);

    d.setup.size = 0;
    cr_assert_not(virtq_start(&q, &d.memory, &d.setup));
    d.setup.size = 3; // any size will do
    d.setup.driver += 2;
    cr_assert_not(virtq_start(&q, &d.memory, &d.setup));
    cr_assert_eq(q.fault, VIRTQ_BAD_RING);
    driver_free(&d);
}

Test(virtio_packed, indirect)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    driver_init(&d, 4, true);
    d.setup.indirect = true;
    start(&d, &q);
    struct driver inner = d; // writes the table, available or not
    inner.setup.descriptors = DRIVER_BUFFERS;
    driver_put(&inner, DRIVER_BUFFERS + 0x1000, 16, 0, 0);
    driver_put(&inner, DRIVER_BUFFERS + 0x2000, 32, 0, D_WRITE);
    driver_put(&d, DRIVER_BUFFERS, 32, 7, D_INDIRECT);
    cr_assert_eq(virtq_pop(&q, &chain), 1);
    cr_assert_eq(chain.id, 7);
    cr_assert_eq(chain.slots, 1);
    cr_assert_eq(chain.readable, 16);
    cr_assert_eq(chain.writable, 32);
    driver_free(&d);
}

Test(virtio_packed, event_index)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    driver_init(&d, 4, true);
    d.setup.event_index = true;
    start(&d, &q);
    uint16_t *wish = driver_at(&d, DRIVER_AVAIL, 4);
    cr_assert_not(virtq_must_interrupt(&q));
    // In slot 1 of the second round, whose wrap counter is 0.
    wish[0] = 1;
    wish[1] = 2;
    for (unsigned i = 0; i < 8; i++) {
        driver_put(&d, DRIVER_BUFFERS, 8, 0, 0);
        cr_assert_eq(virtq_pop(&q, &chain), 1);
        virtq_push(&q, &chain, 0);
        cr_assert_eq(virtq_must_interrupt(&q), i == 5, "number %u", i);
    }
    cr_assert_not(virtq_want_kicks(&q, true));
    const uint16_t *told = driver_at(&d, DRIVER_USED, 4);
    cr_assert_eq(told[0], 0x8000, "slot 0, wrap counter 1");
    cr_assert_eq(told[1], 2);
    wish[1] = 1; // never
    driver_put(&d, DRIVER_BUFFERS, 8, 0, 0);
    cr_assert(virtq_want_kicks(&q, true), "one has come meanwhile");
    cr_assert_eq(virtq_pop(&q, &chain), 1);
    virtq_push(&q, &chain, 0);
    cr_assert_not(virtq_must_interrupt(&q));
    driver_free(&d);
}
