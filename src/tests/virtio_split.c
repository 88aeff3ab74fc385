// SPDX-License-Identifier: Apache-2.0
// The walker of split rings: what a good driver offers comes out, what a bad
// one offers is refused, and never followed.
#include "src/tests/virtio_driver.h"

#include <criterion/criterion.h>
#include <string.h>

static void start(struct driver *d, struct virtq *q)
{
    memset(q, 0, sizeof *q);
    cr_assert(virtq_start(q, &d->memory, &d->setup), "%s",
              virtq_fault_text(q->fault));
}

// A queue of eight, its first chain as `fill` makes it, offered; the result of
// taking it.
static enum virtq_fault fault_of(void (*fill)(struct driver *d), bool indirect)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    driver_init(&d, 8, false);
    d.setup.indirect = indirect;
    fill(&d);
    start(&d, &q);
    int got = virtq_pop(&q, &chain);
    cr_assert_eq(got, q.fault == VIRTQ_FINE ? 1 : -1);
    if (got < 0)
        cr_assert_eq(virtq_pop(&q, &chain), -1, "what is refused stays so");
    cr_assert_eq(q.refusals, got < 0);
    enum virtq_fault fault = q.fault;
    driver_free(&d);
    return fault;
}

Test(virtio_split, a_chain_comes_out_and_goes_back)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    uint32_t id, len;
    driver_init(&d, 8, false);
    start(&d, &q);
    cr_assert_eq(virtq_pop(&q, &chain), 0);
    driver_desc(&d, 3, DRIVER_BUFFERS, 16, D_NEXT, 5);
    driver_desc(&d, 5, DRIVER_BUFFERS + 100, 4, D_NEXT | D_WRITE, 1);
    driver_desc(&d, 1, DRIVER_BUFFERS + 200, 1, D_WRITE, 0);
    memcpy(driver_at(&d, DRIVER_BUFFERS, 16), "0123456789abcdef", 16);
    driver_offer(&d, 3);
    cr_assert_eq(virtq_pop(&q, &chain), 1);
    cr_assert_eq(chain.id, 3);
    cr_assert_eq(chain.nreadable, 1);
    cr_assert_eq(chain.nwritable, 2);
    cr_assert_eq(chain.readable, 16);
    cr_assert_eq(chain.writable, 5);
    char text[8] = "";
    cr_assert_eq(virtq_read(&chain, 10, text, 8), 6);
    cr_assert_str_eq(text, "abcdef");
    cr_assert_eq(virtq_write(&chain, 2, "xyz!", 4), 3, "as many as fit");
    cr_assert_eq(memcmp(driver_at(&d, DRIVER_BUFFERS + 102, 2), "xy", 2), 0);
    cr_assert_eq(memcmp(driver_at(&d, DRIVER_BUFFERS + 200, 2), "z\0", 2), 0);
    virtq_push(&q, &chain, 5);
    cr_assert_eq(driver_used_index(&d), 1);
    driver_used(&d, 0, &id, &len);
    cr_assert_eq(id, 3);
    cr_assert_eq(len, 5);
    cr_assert_eq(virtq_pop(&q, &chain), 0);
    driver_free(&d);
}

Test(virtio_split, indices_run_round)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    driver_init(&d, 4, false);
    start(&d, &q);
    driver_desc(&d, 0, DRIVER_BUFFERS, 8, 0, 0);
    for (unsigned i = 0; i < 70000; i++) {
        driver_offer(&d, 0);
        cr_assert_eq(virtq_pop(&q, &chain), 1, "number %u", i);
        virtq_push(&q, &chain, 0);
    }
    cr_assert_eq(driver_used_index(&d), 70000 % 65536);
    driver_free(&d);
}

// ---- What is refused -------------------------------------------------------

static void loop(struct driver *d)
{
    driver_desc(d, 0, DRIVER_BUFFERS, 8, D_NEXT, 1);
    driver_desc(d, 1, DRIVER_BUFFERS, 8, D_NEXT, 0);
    driver_offer(d, 0);
}

static void next_outside(struct driver *d)
{
    driver_desc(d, 0, DRIVER_BUFFERS, 8, D_NEXT, 8);
    driver_offer(d, 0);
}

static void head_outside(struct driver *d)
{
    driver_offer(d, 8);
}

static void jump(struct driver *d)
{
    driver_desc(d, 0, DRIVER_BUFFERS, 8, 0, 0);
    driver_set_index(d, 9);
}

static void index_back(struct driver *d)
{
    driver_set_index(d, 65535);
}

static void past_memory(struct driver *d)
{
    driver_desc(d, 0, DRIVER_MEMORY - 4, 8, 0, 0);
    driver_offer(d, 0);
}

static void in_device_memory(struct driver *d)
{
    driver_desc(d, 0, 0xfee00000, 8, D_WRITE, 0);
    driver_offer(d, 0);
}

static void wraps_round(struct driver *d)
{
    driver_desc(d, 0, UINT64_MAX - 3, 8, 0, 0);
    driver_offer(d, 0);
}

static void empty(struct driver *d)
{
    driver_desc(d, 0, DRIVER_BUFFERS, 0, 0, 0);
    driver_offer(d, 0);
}

static void read_behind_write(struct driver *d)
{
    driver_desc(d, 0, DRIVER_BUFFERS, 8, D_WRITE | D_NEXT, 1);
    driver_desc(d, 1, DRIVER_BUFFERS, 8, 0, 0);
    driver_offer(d, 0);
}

// An indirect table of n descriptors at the buffers; flags for the outer one.
static void table(struct driver *d, uint32_t bytes, uint16_t flags)
{
    driver_desc(d, 0, DRIVER_BUFFERS, bytes, D_INDIRECT | flags, 1);
    driver_offer(d, 0);
}

static void inner(struct driver *d, unsigned i, uint16_t flags, uint16_t next)
{
    struct driver at = *d;
    at.setup.descriptors = DRIVER_BUFFERS;
    driver_desc(&at, i, DRIVER_BUFFERS + 0x1000, 8, flags, next);
}

static void indirect(struct driver *d)
{
    table(d, 32, 0);
    inner(d, 0, D_NEXT, 1);
    inner(d, 1, D_WRITE, 0);
}

static void nested(struct driver *d)
{
    table(d, 32, 0);
    inner(d, 0, D_INDIRECT, 0);
}

static void indirect_and_next(struct driver *d)
{
    table(d, 32, D_NEXT);
}

static void uneven_table(struct driver *d)
{
    table(d, 33, 0);
}

static void empty_table(struct driver *d)
{
    table(d, 0, 0);
}

static void inner_loop(struct driver *d)
{
    table(d, 32, 0);
    inner(d, 0, D_NEXT, 1);
    inner(d, 1, D_NEXT, 0);
}

static void inner_next_outside(struct driver *d)
{
    table(d, 32, 0);
    inner(d, 0, D_NEXT, 2);
}

// As many as the table, but more than the queue has.
static void longer_than_the_queue(struct driver *d)
{
    table(d, 16 * 9, 0);
    for (uint16_t i = 0; i < 9; i++)
        inner(d, i, i < 8 ? D_NEXT : 0, (uint16_t)(i + 1));
}

Test(virtio_split, what_a_bad_driver_does_is_refused)
{
    static const struct {
        const char *what;
        void (*fill)(struct driver *d);
        enum virtq_fault fault;
    } rows[] = {
        {"a loop", loop, VIRTQ_CHAIN_TOO_LONG},
        {"next outside", next_outside, VIRTQ_BAD_NEXT},
        {"head outside", head_outside, VIRTQ_BAD_HEAD},
        {"a jump", jump, VIRTQ_INDEX_JUMPED},
        {"a step back", index_back, VIRTQ_INDEX_JUMPED},
        {"past memory", past_memory, VIRTQ_BAD_BUFFER},
        {"in a device", in_device_memory, VIRTQ_BAD_BUFFER},
        {"address wraps", wraps_round, VIRTQ_BAD_BUFFER},
        {"empty buffer", empty, VIRTQ_BAD_BUFFER},
        {"order", read_behind_write, VIRTQ_BAD_ORDER},
        {"indirect", indirect, VIRTQ_FINE},
        {"nested", nested, VIRTQ_BAD_INDIRECT},
        {"indirect, next", indirect_and_next, VIRTQ_BAD_INDIRECT},
        {"uneven table", uneven_table, VIRTQ_BAD_INDIRECT},
        {"empty table", empty_table, VIRTQ_BAD_INDIRECT},
        {"inner loop", inner_loop, VIRTQ_CHAIN_TOO_LONG},
        {"inner next", inner_next_outside, VIRTQ_BAD_NEXT},
        {"too long", longer_than_the_queue, VIRTQ_CHAIN_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum virtq_fault fault = fault_of(rows[i].fill, true);
        cr_assert_eq(fault, rows[i].fault, "%s: %s", rows[i].what,
                     virtq_fault_text(fault));
    }
    cr_assert_eq(fault_of(indirect, false), VIRTQ_BAD_INDIRECT,
                 "not negotiated");
}

Test(virtio_split, a_queue_that_can_not_be)
{
    struct driver d;
    struct virtq q = {0};
    driver_init(&d, 8, false);
    const struct virtq_setup good = d.setup;
    struct virtq_setup bad[8] = {good, good, good, good,
                                 good, good, good, good};
    bad[0].size = 0;
    bad[1].size = 3;
    bad[2].size = 512;
    bad[3].descriptors += 8;
    bad[4].driver = DRIVER_MEMORY - 8;
    bad[5].device += 2;
    bad[6].device = UINT64_MAX - 1;
    bad[7].descriptors = 0xe0000000;
    for (size_t i = 0; i < 8; i++) {
        cr_assert_not(virtq_start(&q, &d.memory, &bad[i]), "number %zu", i);
        cr_assert_eq(q.fault, i < 3 ? VIRTQ_BAD_SIZE : VIRTQ_BAD_RING);
    }
    cr_assert_eq(q.refusals, 8);
    cr_assert(virtq_start(&q, &d.memory, &good));
    driver_free(&d);
}

// ---- Interrupts and notifications ------------------------------------------

Test(virtio_split, interrupts_without_event_index)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    driver_init(&d, 4, false);
    start(&d, &q);
    driver_desc(&d, 0, DRIVER_BUFFERS, 8, 0, 0);
    cr_assert_not(virtq_must_interrupt(&q), "nothing was given back");
    for (unsigned no = 0; no < 2; no++) {
        *(uint16_t *)driver_at(&d, DRIVER_AVAIL, 2) = (uint16_t)no;
        driver_offer(&d, 0);
        cr_assert_eq(virtq_pop(&q, &chain), 1);
        virtq_push(&q, &chain, 0);
        cr_assert_eq(virtq_must_interrupt(&q), !no);
        cr_assert_not(virtq_must_interrupt(&q), "asked once for each");
    }
    cr_assert_not(virtq_want_kicks(&q, false));
    cr_assert_eq(*(uint16_t *)driver_at(&d, DRIVER_USED, 2), 1);
    driver_offer(&d, 0);
    cr_assert(virtq_want_kicks(&q, true), "one has come meanwhile");
    cr_assert_eq(*(uint16_t *)driver_at(&d, DRIVER_USED, 2), 0);
    driver_free(&d);
}

Test(virtio_split, interrupts_with_event_index)
{
    struct driver d;
    struct virtq q;
    struct virtq_chain chain;
    driver_init(&d, 4, false);
    d.setup.event_index = true;
    start(&d, &q);
    driver_desc(&d, 0, DRIVER_BUFFERS, 8, 0, 0);
    driver_set_used_event(&d, 1); // after the second
    for (unsigned i = 0; i < 4; i++) {
        driver_offer(&d, 0);
        cr_assert_eq(virtq_pop(&q, &chain), 1);
        virtq_push(&q, &chain, 0);
        cr_assert_eq(virtq_must_interrupt(&q), i == 1, "number %u", i);
    }
    cr_assert_not(virtq_want_kicks(&q, true));
    uint16_t *avail_event = driver_at(&d, DRIVER_USED + 36, 2);
    cr_assert_eq(*avail_event, 4);
    driver_free(&d);
}
