// SPDX-License-Identifier: Apache-2.0
// The conversation with a back end: one that is honest, and each way to lie,
// to fall silent and to go away, of each kind of answer.
#include "src/base/clock.h"
#include "src/tests/vhost_end.h"
#include "src/vhost/front.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY   (UINT64_C(4) << 20)
#define PATIENCE (60 * NS_PER_S) // with one that answers

struct fixture {
    struct guest_memory memory;
    struct end end;
    struct vhost_front front;
    struct vhost_ring rings[2];
    struct error err;
};

// Begins, gives it two rings, takes them back: the first thing that fails.
static int talk(struct fixture *f, enum lie lie, enum vhost_request at,
                uint64_t wait_ns)
{
    int socket;
    uint8_t config[24];
    *f = (struct fixture){.memory.fd = -1};
    cr_assert_eq(
        guest_memory_map_as(&f->memory, MEMORY, GUEST_BACKING_SHARED, &f->err),
        0);
    for (unsigned i = 0; i < 2; i++)
        f->rings[i] = (struct vhost_ring){
            .used = true,
            .size = 16,
            .descriptors = guest_memory_at(&f->memory, 0x10000, 1),
            .driver = guest_memory_at(&f->memory, 0x20000, 1),
            .device = guest_memory_at(&f->memory, 0x30000, 1),
            .kick = eventfd(0, EFD_NONBLOCK),
            .call = eventfd(0, EFD_NONBLOCK),
        };
    end_start(&f->end, lie, at, &socket);
    int code = vhost_front_open(&f->front, socket, 2, wait_ns, &f->err);
    if (code == 0)
        code = vhost_front_config(&f->front, config, sizeof config, &f->err);
    if (code == 0)
        cr_expect(config[0] == 'c' && config[23] == 'c');
    if (code == 0)
        code = vhost_front_start(&f->front, UINT64_MAX, &f->memory, f->rings, 2,
                                 &f->err);
    return code < 0 ? code : vhost_front_stop(&f->front, &f->err);
}

static void leave(struct fixture *f)
{
    vhost_front_close(&f->front);
    end_join(&f->end);
    for (unsigned i = 0; i < 2; i++) {
        close(f->rings[i].kick);
        close(f->rings[i].call);
    }
    guest_memory_unmap(&f->memory);
}

Test(vhost_front, an_honest_one)
{
    struct fixture f;
    cr_assert_eq(talk(&f, HONEST, 0, PATIENCE), 0, "%s", f.err.text);
    cr_expect_eq(f.front.queues, 2U);
    cr_expect_eq(f.front.started, 0U);
    cr_expect_not(f.front.features & UINT64_C(1) << 30, "that is no virtio's");
    leave(&f);
    cr_expect_eq(atomic_load(&f.end.starts), 2U);
    // What both have, and the protocol's own bit.
    cr_expect_eq(f.end.features,
                 UINT64_C(1) << 32 | UINT64_C(1) << 30 | UINT64_C(1) << 28);
}

// Another machine's memory lies elsewhere here, and its rings where they were
// in the guest.
Test(vhost_front, rings_are_where_they_are_in_the_guest)
{
    struct vhost_addresses at[2];
    void *in_the_way = NULL;
    struct fixture f;
    const uint8_t *memory[2];
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(talk(&f, HONEST, 0, PATIENCE), 0, "%s", f.err.text);
        memory[i] = f.memory.regions[0].hva;
        leave(&f);
        at[i] = f.end.rings[1].at;
        if (!in_the_way)
            in_the_way = mmap((void *)(uintptr_t)memory[0], MEMORY, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    munmap(in_the_way, MEMORY);
    cr_assert_neq(memory[0], memory[1], "the second one is elsewhere");
    cr_expect_eq(memcmp(&at[0], &at[1], sizeof at[0]), 0);
    cr_expect_eq(at[0].available - at[0].descriptors, UINT64_C(0x10000));
    cr_expect_eq(at[0].used - at[0].descriptors, UINT64_C(0x20000));
}

Test(vhost_front, one_that_confirms_nothing)
{
    struct fixture f;
    cr_assert_eq(talk(&f, NO_ACKS, 0, PATIENCE), 0, "%s", f.err.text);
    leave(&f);
}

struct expectation {
    enum lie lie;
    enum vhost_request at;
    int code;
    const char *text;
};

static void expect_failure(const struct expectation *e)
{
    struct fixture f;
    bool slow = e->lie == SILENT || e->lie == TRICKLES;
    int code = talk(&f, e->lie, e->at, slow ? NS_PER_S / 10 : PATIENCE);
    cr_expect_eq(code, e->code, "lie %d at %d: %d, %s", e->lie, e->at, code,
                 f.err.text);
    cr_expect(strstr(f.err.text, e->text), "lie %d at %d: %s", e->lie, e->at,
              f.err.text);
    // Nothing of it is believed any more, and the reason stays.
    struct error again = {""};
    cr_expect_eq(vhost_front_stop(&f.front, &again), e->code);
    cr_expect_str_eq(again.text, f.err.text);
    leave(&f);
}

Test(vhost_front, each_lie)
{
    static const struct expectation list[] = {
        {NO_VERSION_1, 0, -ENOTSUP, "speaks an older virtio"},
        {NO_PROTOCOL, 0, -ENOTSUP, "speaks an older virtio or vhost-user"},
        {ONE_QUEUE, 0, -ENOTSUP, "serves 1 queues, and 2 are needed"},
        {OTHER_RING, VHOST_GET_VRING_BASE, -EPROTO, "of another ring"},
        {OTHER_PLACE, VHOST_GET_CONFIG, -EPROTO, "of another place"},
        {REFUSES, VHOST_SET_MEM_TABLE, -EPROTO, "refused SET_MEM_TABLE"},
        {REFUSES, VHOST_SET_FEATURES, -EPROTO, "refused SET_FEATURES"},
        {REFUSES, VHOST_SET_VRING_ADDR, -EPROTO, "refused SET_VRING_ADDR"},
        {REFUSES, VHOST_SET_VRING_KICK, -EPROTO, "refused SET_VRING_KICK"},
        {REFUSES, VHOST_SET_VRING_ENABLE, -EPROTO, "refused SET_VRING_ENABLE"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        expect_failure(&list[i]);
}

// What goes wrong with any message, at each that has an answer.
Test(vhost_front, each_answer)
{
    static const enum vhost_request requests[] = {
        VHOST_GET_FEATURES,   VHOST_GET_PROTOCOL_FEATURES, VHOST_GET_QUEUE_NUM,
        VHOST_GET_CONFIG,     VHOST_SET_FEATURES,          VHOST_SET_MEM_TABLE,
        VHOST_SET_VRING_NUM,  VHOST_SET_VRING_CALL,        VHOST_SET_VRING_KICK,
        VHOST_GET_VRING_BASE,
    };
    static const struct expectation list[] = {
        {CLOSES, 0, -EPIPE, "closed the connection"},
        {SHORT_HEADER, 0, -EPIPE, "closed the connection"},
        {SILENT, 0, -ETIMEDOUT, "did not answer in time"},
        {TRICKLES, 0, -ETIMEDOUT, "did not answer in time"},
        {TOO_SHORT, 0, -EPROTO, "with 3 bytes instead of "},
        {TOO_LONG, 0, -EPROTO, "with 2147483648 bytes instead of "},
        {OTHER_REQUEST, 0, -EPROTO, "with request 99"},
        {NO_REPLY, 0, -EPROTO, "with what is no answer"},
        {OTHER_VERSION, 0, -EPROTO, "with what is no answer"},
        {SENDS_DESCRIPTOR, 0, -EPROTO, "sent descriptors that nobody"},
    };
    for (size_t r = 0; r < sizeof requests / sizeof *requests; r++)
        for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
            struct expectation e = list[i];
            e.at = requests[r];
            expect_failure(&e);
        }
}

// One that reads nothing at all: what is sent waits until its time is over.
Test(vhost_front, one_that_reads_nothing)
{
    int pair[2], small = 1;
    char bytes[4096] = {0};
    struct vhost_front front;
    struct error err = {""};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    while (write(pair[0], bytes, sizeof bytes) > 0)
        ;
    cr_expect_eq(vhost_front_open(&front, pair[0], 2, NS_PER_S / 10, &err),
                 -ETIMEDOUT);
    cr_expect(strstr(err.text, "did not answer in time"), "%s", err.text);
    vhost_front_close(&front);
    close(pair[1]);
}

Test(vhost_front, memory_that_is_not_shared)
{
    struct guest_memory memory;
    struct vhost_front front;
    struct end end;
    struct error err = {""};
    int socket;
    cr_assert_eq(guest_memory_map(&memory, MEMORY, &err), 0);
    end_start(&end, HONEST, 0, &socket);
    cr_assert_eq(vhost_front_open(&front, socket, 2, PATIENCE, &err), 0);
    cr_expect_eq(vhost_front_start(&front, 0, &memory, NULL, 0, &err), -EINVAL);
    cr_expect(strstr(err.text, "not shared"), "%s", err.text);
    vhost_front_close(&front);
    end_join(&end);
    guest_memory_unmap(&memory);
}
