// SPDX-License-Identifier: Apache-2.0
// The socket device, driven as a guest's driver does it, with programs of the
// host's: connections of either side, streams, ends of all kinds.
#include "src/tests/virtio_vsock_guest.h"

#include <criterion/criterion.h>
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

TestSuite(virtio_vsock, .init = set_up, .fini = tear_down);

Test(virtio_vsock, what_it_is)
{
    struct virtio_device *dev = &f.vs.device;
    cr_assert_eq(dev->ops->id, 19U);
    cr_assert_eq(virtio_read_config(dev, 0, 8), 3U);
    cr_assert_eq(virtio_read_config(dev, 8, 4), 0U);
    // Streams, and no packets that keep their bounds.
    cr_assert_eq(dev->offered & 3, 1U);
    cr_assert(virtio_vsock_is_used(&f.vs));
}

// ---- Who connects -----------------------------------------------------------

Test(virtio_vsock, the_guest_connects)
{
    char bytes[8];
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    cr_assert_eq(f.h.src_cid, 2U);
    cr_assert_eq(f.h.type, VSOCK_STREAM);
    cr_assert_eq(f.h.buf_alloc, VSOCK_BUFFER);
    cr_assert_eq(f.h.fwd_cnt, 0U);
    guest_write(&f, GUEST_PORT, 5000, "hello", 5);
    host_read(fd, bytes, 5);
    cr_assert_eq(memcmp(bytes, "hello", 5), 0);
    host_write(fd, "world!", 6);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(f.h.len, 6U);
    cr_assert_eq(memcmp(f.bytes, "world!", 6), 0);
    cr_assert_eq(f.h.src_port, 5000U);
    cr_assert_eq(f.h.dst_port, GUEST_PORT);
    cr_assert_eq(f.h.fwd_cnt, 5U);
    close(fd);
}

Test(virtio_vsock, nobody_listens_on_the_host)
{
    guest_say(&f, VSOCK_REQUEST, GUEST_PORT, 5000);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.src_port, 5000U);
    cr_assert_eq(f.h.dst_port, GUEST_PORT);
    cr_assert_eq(f.vs.device.refusals, 0U);
}

Test(virtio_vsock, a_program_connects)
{
    uint32_t port, other;
    char bytes[4];
    int fd = host_connects(&f, &port);
    int second = host_connects(&f, &other);
    cr_assert_neq(port, other);
    host_write(second, "2", 1);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(f.h.src_port, other);
    guest_write(&f, 7, port, "one", 3);
    host_read(fd, bytes, 3);
    cr_assert_eq(memcmp(bytes, "one", 3), 0);
    close(fd);
    close(second);
}

// Not a byte of the stream is taken for the line, nor lost.
Test(virtio_vsock, a_program_is_in_a_hurry)
{
    char answer[16];
    int fd = host_connect(&f, "CONNECT 7\nGET /\n");
    guest_expect(&f, VSOCK_REQUEST);
    uint32_t port = f.h.src_port;
    guest_expect_nothing(&f);
    guest_say(&f, VSOCK_RESPONSE, 7, port);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(f.h.len, 6U);
    cr_assert_eq(memcmp(f.bytes, "GET /\n", 6), 0);
    host_read(fd, answer, 3);
    cr_assert_eq(memcmp(answer, "OK ", 3), 0);
    close(fd);
}

Test(virtio_vsock, a_line_in_pieces)
{
    int fd = host_connect(&f, "CONN");
    guest_expect_nothing(&f);
    host_write(fd, "ECT 77", 6);
    guest_expect_nothing(&f);
    host_write(fd, "\r\n", 2);
    guest_expect(&f, VSOCK_REQUEST);
    cr_assert_eq(f.h.dst_port, 77U);
    close(fd);
}

Test(virtio_vsock, lines_that_are_wrong)
{
    static const char *const lines[] = {
        "\n",
        "CONNECT\n",
        "CONNECT \n",
        "connect 7\n",
        "CONNECT 7 \n",
        "CONNECT -7\n",
        "CONNECT 4294967295\n",
        "CONNECT 18446744073709551623\n",
        "CONNECT 00000000000000000000000000000007",
        "GET / HTTP/1.0\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int fd = host_connect(&f, lines[i]);
        host_expect_end(fd);
        close(fd);
    }
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
}

Test(virtio_vsock, the_guest_refuses)
{
    int fd = host_connect(&f, "CONNECT 7\n");
    guest_expect(&f, VSOCK_REQUEST);
    guest_say(&f, VSOCK_RST, 7, f.h.src_port);
    host_expect_end(fd);
    guest_expect_nothing(&f);
    close(fd);
}

// ---- Ends -------------------------------------------------------------------

Test(virtio_vsock, a_program_sends_no_more)
{
    char bytes[3];
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    host_write(fd, "last", 4);
    shutdown(fd, SHUT_WR);
    guest_expect(&f, VSOCK_RW);
    guest_expect(&f, VSOCK_SHUTDOWN);
    cr_assert_eq(f.h.flags, VSOCK_SENDS);
    // The other half goes on.
    guest_write(&f, GUEST_PORT, 5000, "abc", 3);
    host_read(fd, bytes, 3);
    guest_expect_nothing(&f);
    close(fd);
    guest_expect_end(&f);
    guest_say(&f, VSOCK_RST, GUEST_PORT, 5000);
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
}

Test(virtio_vsock, the_guest_sends_no_more)
{
    char bytes[4];
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_write(&f, GUEST_PORT, 5000, "last", 4);
    guest_shut_down(&f, GUEST_PORT, 5000, VSOCK_SENDS);
    host_read(fd, bytes, 4);
    host_expect_end(fd);
    host_write(fd, "answer", 6);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(f.h.len, 6U);
    guest_shut_down(&f, GUEST_PORT, 5000, VSOCK_RECEIVES);
    guest_expect(&f, VSOCK_RST);
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
    close(fd);
}

Test(virtio_vsock, the_guest_receives_no_more)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_shut_down(&f, GUEST_PORT, 5000, VSOCK_RECEIVES);
    guest_expect_nothing(&f);
    cr_assert_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
    char byte;
    guest_write(&f, GUEST_PORT, 5000, "y", 1);
    host_read(fd, &byte, 1);
    cr_assert_eq(byte, 'y');
    // Its end is told, though nothing is read of it any more.
    close(fd);
    guest_expect_end(&f);
}

Test(virtio_vsock, the_guest_closes)
{
    char bytes[4];
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_write(&f, GUEST_PORT, 5000, "last", 4);
    guest_shut_down(&f, GUEST_PORT, 5000, VSOCK_BOTH);
    guest_expect(&f, VSOCK_RST);
    host_read(fd, bytes, 4);
    host_expect_end(fd);
    close(fd);
    cr_assert_eq(guest_connections(&f), 0U);
}

Test(virtio_vsock, the_guest_resets)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_say(&f, VSOCK_RST, GUEST_PORT, 5000);
    host_expect_end(fd);
    // It is answered by nothing, and there is nothing any more.
    guest_expect_nothing(&f);
    guest_write(&f, GUEST_PORT, 5000, "x", 1);
    guest_expect(&f, VSOCK_RST);
    // A reset is never answered by one.
    guest_say(&f, VSOCK_RST, GUEST_PORT, 5000);
    guest_expect_nothing(&f);
    cr_assert_eq(f.vs.device.refusals, 0U);
    close(fd);
}

// What it had sent before arrives; what is sent to it goes nowhere.
Test(virtio_vsock, a_program_dies)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    host_write(fd, "last words", 10);
    close(fd);
    guest_expect(&f, VSOCK_RW);
    cr_assert_eq(memcmp(f.bytes, "last words", 10), 0);
    guest_expect_end(&f);
    guest_write(&f, GUEST_PORT, 5000, "too late", 8);
    guest_expect_nothing(&f);
    cr_assert_eq(f.vs.device.refusals, 0U);
    // Whoever does not agree to the end is told it for good.
    guest_lock(&f);
    vsock_hub_expire(&f.vs.hub, 0);
    cr_assert_eq(f.vs.hub.count, 1U);
    vsock_hub_expire(&f.vs.hub, UINT64_MAX);
    guest_unlock(&f);
    guest_kick(&f, 1);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.dst_port, GUEST_PORT);
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
}

Test(virtio_vsock, a_program_dies_before_the_answer)
{
    int fd = host_connect(&f, "CONNECT 7\n");
    guest_expect(&f, VSOCK_REQUEST);
    uint32_t port = f.h.src_port;
    close(fd);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.src_port, port);
    cr_assert_eq(f.h.dst_port, 7U);
    // Its answer was under way.
    guest_say(&f, VSOCK_RESPONSE, 7, port);
    guest_expect(&f, VSOCK_RST);
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
}

Test(virtio_vsock, a_program_says_nothing_and_dies)
{
    int fd = host_connect(&f, "");
    close(fd);
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
}
