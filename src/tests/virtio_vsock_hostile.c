// SPDX-License-Identifier: Apache-2.0
// The socket device and a driver that is wrong: its packets, its buffers, its
// rings.
#include "src/tests/virtio_vsock_guest.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
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

TestSuite(virtio_vsock_hostile, .init = set_up, .fini = tear_down);

// The device goes on: of its connections one is over, or none.
static void expect_reset_of(int fd, const char *why)
{
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.src_port, 5000U);
    cr_assert_eq(f.h.dst_port, GUEST_PORT);
    guest_expect_refusal(&f, 1, why);
    cr_assert_not(f.vs.device.status & VIRTIO_NEEDS_RESET);
    host_expect_end(fd);
    close(fd);
    guest_expect_nothing(&f);
    cr_assert_eq(guest_connections(&f), 0U);
}

// ---- Packets ----------------------------------------------------------------

Test(virtio_vsock_hostile, operations_that_are_not_there)
{
    static const unsigned ops[] = {VSOCK_INVALID, VSOCK_CREDIT_REQUEST + 1,
                                   UINT16_MAX};
    for (unsigned i = 0; i < 3; i++) {
        int fd = guest_connects(&f, GUEST_PORT, 5000);
        struct vsock_header h = guest_header(&f, VSOCK_RW, GUEST_PORT, 5000);
        h.op = (uint16_t)ops[i];
        guest_send(&f, &h, NULL, 0);
        guest_expect(&f, VSOCK_RST);
        guest_expect_refusal(&f, i + 1, "an operation that a socket has not");
        host_expect_end(fd);
        close(fd);
    }
}

Test(virtio_vsock_hostile, a_type_that_is_not_there)
{
    struct vsock_header h = guest_header(&f, VSOCK_REQUEST, GUEST_PORT, 5000);
    int listener = host_listen(&f, 5000);
    h.type = 2; // SEQPACKET
    guest_send(&f, &h, NULL, 0);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.type, 2);
    cr_assert_eq(f.h.dst_port, GUEST_PORT);
    guest_expect_refusal(&f, 1,
                         "a packet for a type of socket that isn't there");
    // Nor is it a way to a connection that is there.
    snprintf((char *)f.bytes, sizeof f.bytes, "%s_5000", f.path);
    unlink((char *)f.bytes);
    close(listener);
}

// Of another CID nothing is known, which is no fault.
Test(virtio_vsock_hostile, a_host_that_is_not_there)
{
    struct vsock_header h = guest_header(&f, VSOCK_REQUEST, GUEST_PORT, 5000);
    h.dst_cid = 5;
    guest_send(&f, &h, NULL, 0);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.src_cid, 5U);
    cr_assert_eq(f.vs.device.refusals, 0U);
    // Half of the number is not enough.
    h.dst_cid = VSOCK_HOST_CID | UINT64_C(1) << 32;
    guest_send(&f, &h, NULL, 0);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.src_cid, h.dst_cid);
}

Test(virtio_vsock_hostile, another_guest_s_name)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    struct vsock_header h = guest_header(&f, VSOCK_RST, GUEST_PORT, 5000);
    h.src_cid = 4;
    guest_send(&f, &h, NULL, 0);
    h.src_cid = GUEST_CID | UINT64_C(1) << 32;
    guest_send(&f, &h, NULL, 0);
    guest_expect_nothing(&f);
    guest_expect_refusal(&f, 2, "a packet of a socket in another guest's name");
    cr_assert_eq(guest_connections(&f), 1U);
    close(fd);
}

Test(virtio_vsock_hostile, a_length_that_is_too_large)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    struct vsock_header h = guest_header(&f, VSOCK_RW, GUEST_PORT, 5000);
    h.len = 100;
    guest_send(&f, &h, "12345", 5);
    expect_reset_of(
        fd, "a packet of a socket whose length is not that of its bytes");
}

Test(virtio_vsock_hostile, a_length_that_is_too_small)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    struct vsock_header h = guest_header(&f, VSOCK_RW, GUEST_PORT, 5000);
    h.len = 4;
    guest_send(&f, &h, "12345", 5);
    expect_reset_of(
        fd, "a packet of a socket whose length is not that of its bytes");
}

Test(virtio_vsock_hostile, bytes_where_there_are_none)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    struct vsock_header h =
        guest_header(&f, VSOCK_CREDIT_UPDATE, GUEST_PORT, 5000);
    h.len = 5;
    guest_send(&f, &h, "12345", 5);
    expect_reset_of(
        fd, "a packet of a socket whose length is not that of its bytes");
}

Test(virtio_vsock_hostile, bytes_of_no_connection)
{
    guest_write(&f, GUEST_PORT, 5000, "x", 1);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.dst_port, GUEST_PORT);
    cr_assert_eq(f.h.src_port, 5000U);
    // It may have been closed meanwhile.
    cr_assert_eq(f.vs.device.refusals, 0U);
}

Test(virtio_vsock_hostile, a_request_again)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_say(&f, VSOCK_REQUEST, GUEST_PORT, 5000);
    expect_reset_of(fd, "a request for a connection that is there already");
}

Test(virtio_vsock_hostile, an_answer_to_nothing)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_say(&f, VSOCK_RESPONSE, GUEST_PORT, 5000);
    expect_reset_of(fd, "an answer to a request that there was not");
}

Test(virtio_vsock_hostile, bytes_behind_the_end)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_shut_down(&f, GUEST_PORT, 5000, VSOCK_SENDS);
    guest_write(&f, GUEST_PORT, 5000, "x", 1);
    expect_reset_of(fd, "bytes of a connection behind their end");
}

Test(virtio_vsock_hostile, bytes_before_the_answer)
{
    int fd = host_connect(&f, "CONNECT 7\n");
    guest_expect(&f, VSOCK_REQUEST);
    guest_write(&f, 7, f.h.src_port, "x", 1);
    guest_expect(&f, VSOCK_RST);
    guest_expect_refusal(&f, 1, "bytes of a connection that is not open");
    host_expect_end(fd);
    close(fd);
}

Test(virtio_vsock_hostile, a_request_with_a_history)
{
    int listener = host_listen(&f, 5000);
    f.read = 1;
    guest_say(&f, VSOCK_REQUEST, GUEST_PORT, 5000);
    guest_expect(&f, VSOCK_RST);
    guest_expect_refusal(
        &f, 1, "a request for a connection on which bytes were read already");
    host_expect_end(host_accept(listener));
    close(listener);
    snprintf((char *)f.bytes, sizeof f.bytes, "%s_5000", f.path);
    unlink((char *)f.bytes);
}

// ---- Descriptors ------------------------------------------------------------

// Each byte of the header in one of its own, and those behind it in two.
Test(virtio_vsock_hostile, a_header_in_pieces)
{
    char bytes[5];
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    struct vsock_header h = guest_header(&f, VSOCK_RW, GUEST_PORT, 5000);
    h.len = 5;
    guest_lock(&f);
    memcpy(driver_at(&f.tx, GUEST_OUT, sizeof h), &h, sizeof h);
    memcpy(driver_at(&f.tx, GUEST_OUT + sizeof h, 5), "12345", 5);
    for (unsigned i = 0; i < sizeof h; i++)
        driver_desc(&f.tx, 50 + i, GUEST_OUT + i, 1, D_NEXT,
                    (uint16_t)(51 + i));
    unsigned last = 50 + (unsigned)sizeof h;
    driver_desc(&f.tx, last, GUEST_OUT + sizeof h, 2, D_NEXT,
                (uint16_t)(last + 1));
    driver_desc(&f.tx, last + 1, GUEST_OUT + sizeof h + 2, 3, 0, 0);
    driver_offer(&f.tx, 50);
    guest_unlock(&f);
    guest_kick(&f, 1);
    host_read(fd, bytes, 5);
    cr_assert_eq(memcmp(bytes, "12345", 5), 0);
    close(fd);
}

static void expect_needs_reset(const char *why)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    int code = 0;
    pthread_mutex_lock(&f.lock);
    while (code == 0 && !f.configs)
        code = pthread_cond_timedwait(&f.changed, &f.lock, &until);
    pthread_mutex_unlock(&f.lock);
    cr_assert_eq(code, 0, "nothing was said of it");
    guest_expect_refusal(&f, 1, why);
    cr_assert(f.vs.device.status & VIRTIO_NEEDS_RESET);
    cr_assert_not(virtio_vsock_is_used(&f.vs));
}

// All of it works again when the driver has reset it.
static void expect_recovery(void)
{
    guest_reset(&f);
    guest_offer(&f, GUEST_RX);
    guest_start(&f);
    close(guest_connects(&f, GUEST_PORT, 5001));
}

Test(virtio_vsock_hostile, a_packet_without_its_header)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_lock(&f);
    driver_desc(&f.tx, 1, GUEST_OUT, 43, 0, 0);
    driver_offer(&f.tx, 1);
    guest_unlock(&f);
    guest_kick(&f, 1);
    expect_needs_reset("a packet of a socket without its header, or to be "
                       "written to");
    // Nobody would serve it any more.
    host_expect_end(fd);
    close(fd);
    expect_recovery();
}

Test(virtio_vsock_hostile, a_packet_to_be_written)
{
    guest_lock(&f);
    driver_desc(&f.tx, 0, GUEST_OUT, 44, D_NEXT, 1);
    driver_desc(&f.tx, 1, GUEST_OUT + 44, 10, D_WRITE, 0);
    driver_offer(&f.tx, 0);
    guest_unlock(&f);
    guest_kick(&f, 1);
    expect_needs_reset("a packet of a socket without its header, or to be "
                       "written to");
    expect_recovery();
}

Test(virtio_vsock_hostile, buffers_that_are_too_small)
{
    guest_reset(&f);
    driver_desc(&f.rx, 0, DRIVER_BUFFERS, 44, D_WRITE, 0);
    driver_offer(&f.rx, 0);
    guest_start(&f);
    expect_needs_reset("a buffer for a socket's packets without room for one");
    expect_recovery();
}

Test(virtio_vsock_hostile, rings_that_are_wrong)
{
    guest_lock(&f);
    driver_desc(&f.tx, 0, UINT64_C(0xfee00000), 44, 0, 0);
    driver_offer(&f.tx, 0);
    guest_unlock(&f);
    guest_kick(&f, 1);
    expect_needs_reset("a buffer that isn't in RAM or is empty");
    expect_recovery();
}
