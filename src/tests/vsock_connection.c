// SPDX-License-Identifier: Apache-2.0
// A connection alone: what is due, and what the guest may not know yet.
#include "src/vsock/connection.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct vsock_connection c;
static struct vsock_header h;
static uint8_t bytes[16];
static int program;

static void ready(void *owner, uint32_t events)
{
    (void)owner, (void)events;
}

static void set_up(void)
{
    struct error err = {""};
    int fds[2];
    loop = loop_new(NULL, &err);
    cr_assert_not_null(loop, "%s", err.text);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    program = fds[1];
    cr_assert_eq(vsock_connection_init(&c, loop, fds[0], ready, NULL), 0);
}

static void tear_down(void)
{
    vsock_connection_end(&c);
    close(program);
    loop_free(loop);
}

TestSuite(vsock_connection, .init = set_up, .fini = tear_down);

static const char *hear(enum vsock_op op)
{
    const struct vsock_header said = {.op = (uint16_t)op, .buf_alloc = 100};
    return vsock_connection_hear(&c, &said, NULL);
}

static bool next_is(enum vsock_op op)
{
    h = (struct vsock_header){.len = 0};
    return vsock_connection_next(&c, &h, bytes, sizeof bytes) && h.op == op;
}

static bool is_silent(void)
{
    return !vsock_connection_next(&c, &h, bytes, sizeof bytes);
}

Test(vsock_connection, an_answer_before_the_question)
{
    vsock_connection_ask(&c, 1, 7);
    cr_assert_str_eq(hear(VSOCK_RESPONSE),
                     "an answer to a request that there was not");
    // The guest knows of nothing that could be reset.
    cr_assert(vsock_connection_is_over(&c));
    cr_assert(is_silent());
}

Test(vsock_connection, a_question_and_its_answer)
{
    char line[5];
    vsock_connection_ask(&c, 1, 7);
    cr_assert(next_is(VSOCK_REQUEST));
    cr_assert_eq(h.src_port, 1U);
    cr_assert_eq(h.dst_port, 7U);
    cr_assert(is_silent());
    cr_assert_null(hear(VSOCK_RESPONSE));
    cr_assert_eq(c.state, VSOCK_OPEN);
    cr_assert_eq(recv(program, line, sizeof line, 0), 5);
    cr_assert_eq(line[3], '1');
    cr_assert(is_silent());
}

// A program that has gone before it was told gets no answer, nor does the
// guest.
Test(vsock_connection, a_reset_takes_all_that_was_due)
{
    vsock_connection_open(&c, 5000, 7);
    cr_assert_null(hear(VSOCK_CREDIT_REQUEST));
    vsock_connection_reset(&c);
    cr_assert_not(vsock_connection_is_over(&c));
    cr_assert(next_is(VSOCK_RST));
    cr_assert(vsock_connection_is_over(&c));
    cr_assert(is_silent());
}

Test(vsock_connection, each_packet_tells_of_the_credit)
{
    vsock_connection_open(&c, 5000, 7);
    cr_assert(next_is(VSOCK_RESPONSE));
    cr_assert_eq(h.buf_alloc, VSOCK_BUFFER);
    cr_assert_null(hear(VSOCK_CREDIT_REQUEST));
    cr_assert_null(hear(VSOCK_CREDIT_REQUEST));
    cr_assert(next_is(VSOCK_CREDIT_UPDATE));
    cr_assert(is_silent());
}
