// SPDX-License-Identifier: Apache-2.0
// Credit of the socket device: a guest that reads slowly or never, a program
// that does, and counters that wrap around on the way.
#include "src/tests/virtio_vsock_guest.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct guest_test f;

static void set_up(void)
{
    guest_set_up(&f);
}

static void tear_down(void)
{
    guest_tear_down(&f);
}

TestSuite(virtio_vsock_credit, .init = set_up, .fini = tear_down);

// Counters of the one connection, as if so much had gone either way before.
static void go_on_from(uint32_t to_guest, uint32_t to_host)
{
    guest_lock(&f);
    struct vsock_credit *c = &f.vs.hub.places[0].connection->credit;
    c->sent += to_guest;
    c->read += to_guest;
    c->received += to_host;
    c->forwarded += to_host;
    c->told += to_host;
    guest_unlock(&f);
    f.read += to_guest;
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

// ---- To the guest -----------------------------------------------------------

// A guest with room for 10 bytes gets 10, one question, and then what it frees.
static void give_ten_at_a_time(uint32_t from)
{
    f.room = 10;
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    go_on_from(from, 0);
    host_write(fd, "0123456789abcdefghijKLM", 23);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(f.h.len, 10U);
    guest_expect(&f, VSOCK_CREDIT_REQUEST);
    // It has none, and is not asked again.
    guest_say(&f, VSOCK_CREDIT_UPDATE, GUEST_PORT, 5000);
    guest_expect_nothing(&f);
    f.read += 4;
    guest_say(&f, VSOCK_CREDIT_UPDATE, GUEST_PORT, 5000);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(f.h.len, 4U);
    cr_assert_eq(memcmp(f.bytes, "abcd", 4), 0);
    guest_expect(&f, VSOCK_CREDIT_REQUEST);
    f.read += 10;
    f.room = 100;
    guest_say(&f, VSOCK_CREDIT_UPDATE, GUEST_PORT, 5000);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(f.h.len, 9U);
    cr_assert_eq(memcmp(f.bytes, "efghijKLM", 9), 0);
    guest_expect_nothing(&f);
    close(fd);
}

Test(virtio_vsock_credit, the_guest_gets_what_it_has_room_for)
{
    give_ten_at_a_time(0);
}

Test(virtio_vsock_credit, counters_wrap_around)
{
    give_ten_at_a_time(UINT32_MAX - 12);
}

// What is to come is known for what it is only when there is room for it.
Test(virtio_vsock_credit, an_end_behind_bytes_without_room)
{
    f.room = 4;
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    host_write(fd, "abcdef", 6);
    guest_expect(&f, VSOCK_RW);
    guest_expect(&f, VSOCK_CREDIT_REQUEST);
    close(fd);
    // It takes nothing any more, which can be said.
    guest_expect(&f, VSOCK_SHUTDOWN);
    cr_assert_eq(f.h.flags, VSOCK_RECEIVES);
    guest_expect_nothing(&f);
    f.read += 4;
    guest_say(&f, VSOCK_CREDIT_UPDATE, GUEST_PORT, 5000);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(memcmp(f.bytes, "ef", 2), 0);
    guest_expect(&f, VSOCK_SHUTDOWN);
    cr_assert_eq(f.h.flags, VSOCK_BOTH);
}

// An older packet that comes later takes nothing back.
Test(virtio_vsock_credit, a_packet_that_was_overtaken)
{
    f.room = 8;
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    host_write(fd, "12345678", 8);
    guest_expect(&f, VSOCK_RW);
    f.read = 8;
    guest_say(&f, VSOCK_CREDIT_UPDATE, GUEST_PORT, 5000);
    f.read = 2;
    guest_say(&f, VSOCK_CREDIT_UPDATE, GUEST_PORT, 5000);
    guest_expect_nothing(&f);
    host_write(fd, "abcdefgh", 8);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(f.h.len, 8U);
    cr_assert_eq(f.vs.device.refusals, 0U);
    close(fd);
}

Test(virtio_vsock_credit, a_guest_that_has_read_too_much)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    host_write(fd, "1234", 4);
    guest_expect(&f, VSOCK_RW);
    f.read = 5;
    guest_say(&f, VSOCK_CREDIT_UPDATE, GUEST_PORT, 5000);
    guest_expect(&f, VSOCK_RST);
    guest_expect_refusal(&f, 1,
                         "more bytes of a connection read than were sent");
    host_expect_end(fd);
    close(fd);
}

// Nothing is read from a program before there is a buffer for it.
Test(virtio_vsock_credit, a_guest_without_buffers)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_reset(&f);
    guest_start(&f);
    host_expect_end(fd);
    close(fd);
    fd = host_connect(&f, "CONNECT 7\n");
    guest_offer(&f, 1);
    guest_kick(&f, 0);
    guest_expect(&f, VSOCK_REQUEST);
    close(fd);
}

// ---- From the guest ---------------------------------------------------------

// Asks how many bytes have left the device.
static uint32_t ask_forwarded(void)
{
    guest_say(&f, VSOCK_CREDIT_REQUEST, GUEST_PORT, 5000);
    guest_expect(&f, VSOCK_CREDIT_UPDATE);
    uint32_t forwarded = f.h.fwd_cnt;
    // It may have been told before it asked.
    guest_say(&f, VSOCK_CREDIT_REQUEST, GUEST_PORT + 1, 5000);
    guest_expect_one_of(&f, VSOCK_CREDIT_UPDATE, VSOCK_RST);
    while (f.h.op == VSOCK_CREDIT_UPDATE) {
        forwarded = f.h.fwd_cnt;
        guest_expect_one_of(&f, VSOCK_CREDIT_UPDATE, VSOCK_RST);
    }
    return forwarded;
}

// Sends until there is no credit left to a program that does not read: fills
// what the device keeps for it, and the socket. How much that was.
static uint32_t fill(void)
{
    static uint8_t bytes[2048];
    uint32_t sent = 0, forwarded = 0, room = VSOCK_BUFFER;
    while (room) {
        uint32_t n = room < sizeof bytes ? room : (uint32_t)sizeof bytes;
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = pattern(sent + i);
        guest_write(&f, GUEST_PORT, 5000, bytes, n);
        sent += n;
        forwarded = ask_forwarded();
        room = VSOCK_BUFFER - (sent - forwarded);
    }
    return sent;
}

Test(virtio_vsock_credit, a_program_that_reads_late)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    uint32_t sent = fill();
    cr_assert_gt(sent, VSOCK_BUFFER);
    uint8_t *got = malloc(sent);
    host_read(fd, got, sent);
    for (uint32_t i = 0; i < sent; i++)
        cr_assert_eq(got[i], pattern(i), "byte %u", i);
    free(got);
    // The guest, which waits for room, is told without a question.
    do
        guest_expect(&f, VSOCK_CREDIT_UPDATE);
    while (VSOCK_BUFFER - (sent - f.h.fwd_cnt) < VSOCK_BUFFER / 2);
    cr_assert_eq(f.vs.device.refusals, 0U);
    close(fd);
}

// Through a socket that takes a little at a time, so that what is held goes
// round in its buffer many times.
Test(virtio_vsock_credit, a_program_that_reads_slowly)
{
    enum { ALL = 500000 };
    static uint8_t bytes[2048];
    const int small = 4096;
    uint32_t sent = 0, forwarded = 0, got = 0;
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    cr_assert_eq(setsockopt(f.vs.hub.places[0].connection->source.fd,
                            SOL_SOCKET, SO_SNDBUF, &small, sizeof small),
                 0);
    while (got < ALL) {
        uint32_t room = VSOCK_BUFFER - (sent - forwarded);
        uint32_t n = room < sizeof bytes ? room : (uint32_t)sizeof bytes;
        n = n < ALL - sent ? n : ALL - sent;
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = pattern(sent + i);
        if (n)
            guest_write(&f, GUEST_PORT, 5000, bytes, n);
        sent += n;
        forwarded = ask_forwarded();
        // A little less than what is sent.
        ssize_t part = recv(fd, bytes, 1900, MSG_DONTWAIT);
        for (ssize_t i = 0; i < part; i++)
            cr_assert_eq(bytes[i], pattern(got + (size_t)i), "byte %u",
                         got + (unsigned)i);
        got += part > 0 ? (uint32_t)part : 0;
    }
    cr_assert_eq(sent, ALL);
    cr_assert_eq(f.vs.device.refusals, 0U);
    close(fd);
}

Test(virtio_vsock_credit, a_guest_that_sends_too_much)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    (void)fill();
    guest_write(&f, GUEST_PORT, 5000, "x", 1);
    guest_expect(&f, VSOCK_RST);
    guest_expect_refusal(&f, 1,
                         "more bytes of a connection than it has credit for");
    cr_assert_eq(guest_connections(&f), 0U);
    close(fd);
}

// By what it was told, not by what there may be room for.
Test(virtio_vsock_credit, a_guest_that_guesses)
{
    static uint8_t bytes[VSOCK_BUFFER + 1];
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    go_on_from(0, UINT32_MAX - 100);
    guest_write(&f, GUEST_PORT, 5000, bytes, VSOCK_BUFFER / 2 - 1);
    guest_expect_nothing(&f);
    host_read(fd, bytes, VSOCK_BUFFER / 2 - 1);
    guest_write(&f, GUEST_PORT, 5000, bytes, VSOCK_BUFFER / 2 + 2);
    guest_expect(&f, VSOCK_RST);
    guest_expect_refusal(&f, 1,
                         "more bytes of a connection than it has credit for");
    close(fd);
}

Test(virtio_vsock_credit, a_packet_that_is_larger_than_all_credit)
{
    static uint8_t bytes[VSOCK_BUFFER + 1];
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_write(&f, GUEST_PORT, 5000, bytes, sizeof bytes);
    guest_expect(&f, VSOCK_RST);
    guest_expect_refusal(&f, 1,
                         "more bytes of a connection than it has credit for");
    close(fd);
}

// Closed by the guest, the connection is there until the program has all.
Test(virtio_vsock_credit, an_end_behind_bytes_that_wait)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    uint32_t sent = fill();
    uint8_t *got = malloc(sent);
    guest_shut_down(&f, GUEST_PORT, 5000, VSOCK_BOTH);
    guest_expect_nothing(&f);
    // Nor does the guest's impatience cost a byte.
    guest_say(&f, VSOCK_RST, GUEST_PORT, 5000);
    guest_expect_nothing(&f);
    // Its ports are free for another one.
    close(guest_connects(&f, GUEST_PORT, 5000));
    guest_expect_end(&f);
    guest_say(&f, VSOCK_RST, GUEST_PORT, 5000);
    host_read(fd, got, sent);
    host_expect_end(fd);
    for (uint32_t i = 0; i < sent; i++)
        cr_assert_eq(got[i], pattern(i), "byte %u", i);
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
    free(got);
    close(fd);
}

Test(virtio_vsock_credit, a_program_dies_with_bytes_that_wait)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    uint32_t sent = fill();
    close(fd);
    // What was kept for it went nowhere: there is credit again, and an end.
    guest_expect_end(&f);
    cr_assert_eq(f.h.fwd_cnt, sent);
    cr_assert_null(f.vs.hub.places[0].connection->buffer);
    guest_say(&f, VSOCK_RST, GUEST_PORT, 5000);
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
}
