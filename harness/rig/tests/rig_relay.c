// SPDX-License-Identifier: Apache-2.0
// Two relays in one process, as launcher and init: bytes arrive whole and in
// order, and no stream stops another.
#include "harness/rig/relay.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The rig's relay reads from in[] and the host's writes to out[].
struct pair {
    struct relay *rig, *host;
    int wire[2];
};

static struct pair open_pair(void)
{
    struct pair p;
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p.wire),
                 0);
    p.host = relay_new(p.wire[0], LINK_HOST);
    p.rig = relay_new(p.wire[1], LINK_RIG);
    cr_assert(p.host && p.rig);
    return p;
}

static void close_pair(struct pair *p)
{
    relay_free(p->host);
    relay_free(p->rig);
    close(p->wire[0]);
    close(p->wire[1]);
}

static int no_control(void *arg, const struct frame *frame, struct error *err)
{
    (void)arg;
    return error_set(err, -EPROTO, "frame %d", (int)frame->type);
}

static int step(struct relay *relay)
{
    struct pollfd fds[RELAY_POLL_COUNT];
    relay_prepare(relay, fds);
    cr_assert_geq(poll(fds, RELAY_POLL_COUNT, 0), 0);
    return relay_step(relay, fds, no_control, NULL, NULL);
}

// Until neither end has anything to do.
static void settle(struct pair *p)
{
    for (int i = 0; i < 64; i++) {
        cr_assert_eq(step(p->rig), 0);
        cr_assert_eq(step(p->host), 0);
    }
}

static void make_pipe(int ends[2])
{
    cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
}

// stdout of the rig's command to a file of the host: in[1] -> out[0].
static void connect_stream(struct pair *p, enum stream_id stream, int in[2],
                           int out[2])
{
    make_pipe(in);
    make_pipe(out);
    relay_add_source(p->rig, stream, in[0]);
    cr_assert_eq(relay_add_sink(p->host, stream, out[1], SINK_NONBLOCK), 0);
}

Test(rig_relay, a_megabyte_arrives_whole)
{
    struct pair p = open_pair();
    int in[2], out[2];
    connect_stream(&p, STREAM_STDOUT, in, out);
    size_t total = 1000003, sent = 0, got = 0;
    while (got < total) {
        uint8_t chunk[4099];
        size_t n = sizeof(chunk) < total - sent ? sizeof(chunk) : total - sent;
        for (size_t i = 0; i < n; i++)
            chunk[i] = (uint8_t)((sent + i) * 7 / 3);
        ssize_t w = n ? write(in[1], chunk, n) : 0;
        sent += w > 0 ? (size_t)w : 0;
        cr_assert_eq(step(p.rig), 0);
        cr_assert_eq(step(p.host), 0);
        ssize_t r = read(out[0], chunk, sizeof(chunk));
        for (ssize_t i = 0; i < r; i++, got++)
            cr_assert_eq(chunk[i], (uint8_t)(got * 7 / 3), "byte %zu", got);
    }
    cr_expect_eq(got, total);
    close(in[1]);
    settle(&p);
    uint8_t byte;
    cr_expect_eq(read(out[0], &byte, 1), 0, "the reader sees the end");
    cr_expect(relay_sources_done(p.rig));
    close(out[0]);
    close_pair(&p);
}

// Fills a pipe and the relay behind it; returns how much went in.
static size_t flood(struct pair *p, int fd)
{
    static const uint8_t zeros[4096];
    size_t total = 0;
    for (int idle = 0; idle < 100; idle++) {
        ssize_t n;
        while ((n = write(fd, zeros, sizeof(zeros))) > 0) {
            total += (size_t)n;
            idle = 0;
        }
        cr_assert_eq(step(p->rig), 0);
        cr_assert_eq(step(p->host), 0);
        cr_assert_lt(total, 4u << 20, "it must not buffer without bound");
    }
    return total;
}

Test(rig_relay, a_slow_reader_stops_only_its_stream)
{
    struct pair p = open_pair();
    int in[2], out[2], ein[2], eout[2];
    connect_stream(&p, STREAM_STDOUT, in, out);
    connect_stream(&p, STREAM_STDERR, ein, eout);
    size_t total = flood(&p, in[1]);
    cr_expect_geq(total, STREAM_WINDOW);
    cr_assert_eq(write(ein[1], "alive", 5), 5);
    settle(&p);
    char text[8] = "";
    cr_expect_eq(read(eout[0], text, sizeof(text)), 5);
    cr_expect_str_eq(text, "alive");
    // And nothing of the first one was lost.
    close(in[1]);
    size_t got = 0;
    for (int i = 0; i < 10000; i++) {
        uint8_t chunk[4096];
        ssize_t n = read(out[0], chunk, sizeof(chunk));
        if (n == 0)
            break;
        got += n > 0 ? (size_t)n : 0;
        cr_assert_eq(step(p.rig), 0);
        cr_assert_eq(step(p.host), 0);
    }
    cr_expect_eq(got, total);
    close(ein[1]);
    close(out[0]);
    close(eout[0]);
    close_pair(&p);
}

Test(rig_relay, a_reader_that_left_closes_the_writer)
{
    struct pair p = open_pair();
    int in[2], out[2];
    connect_stream(&p, STREAM_STDOUT, in, out);
    close(out[0]);
    cr_assert_eq(write(in[1], "x", 1), 1);
    settle(&p);
    cr_expect_eq(write(in[1], "y", 1), -1);
    cr_expect_eq(errno, EPIPE);
    cr_expect_eq(p.host->sinks[STREAM_STDOUT].failure, EPIPE);
    close(in[1]);
    close_pair(&p);
}

Test(rig_relay, draining_ends_although_a_writer_goes_on)
{
    struct pair p = open_pair();
    int in[2], out[2];
    connect_stream(&p, STREAM_STDOUT, in, out);
    cr_assert_eq(write(in[1], "last words", 10), 10);
    relay_drain_sources(p.rig);
    settle(&p);
    cr_expect(relay_sources_done(p.rig));
    char text[32] = "";
    cr_expect_eq(read(out[0], text, sizeof(text)), 10);
    cr_expect_str_eq(text, "last words");
    close(in[1]);
    close(out[0]);
    close_pair(&p);
}

static void send_raw(struct pair *p, enum frame_type type, unsigned stream,
                     const void *payload, size_t len)
{
    cr_assert_eq(link_send(&p->rig->link, type, stream, payload, len), 0);
    cr_assert_eq(link_flush(&p->rig->link, NULL), 0);
}

Test(rig_relay, credit_that_was_never_spent_is_refused)
{
    struct pair p = open_pair();
    int in[2];
    make_pipe(in);
    relay_add_source(p.host, STREAM_STDIN, in[0]);
    uint32_t one = 1;
    send_raw(&p, FRAME_CREDIT, STREAM_STDIN, &one, sizeof(one));
    cr_expect_eq(step(p.host), -EPROTO);
    close(in[1]);
    close_pair(&p);
}

Test(rig_relay, more_than_the_window_is_refused)
{
    struct pair p = open_pair();
    int out[2];
    make_pipe(out);
    cr_assert_eq(relay_add_sink(p.host, STREAM_STDOUT, out[1], SINK_NONBLOCK),
                 0);
    uint8_t *bytes = calloc(1, FRAME_PAYLOAD_MAX);
    cr_assert_not_null(bytes);
    int rc = 0;
    for (int i = 0; i < 64 && rc == 0; i++) {
        send_raw(&p, FRAME_DATA, STREAM_STDOUT, bytes, FRAME_PAYLOAD_MAX);
        rc = step(p.host);
    }
    cr_expect_eq(rc, -EPROTO);
    free(bytes);
    close(out[0]);
    close_pair(&p);
}

Test(rig_relay, data_for_a_stream_that_is_not_there_is_dropped)
{
    struct pair p = open_pair();
    send_raw(&p, FRAME_DATA, STREAM_TTY, "x", 1);
    cr_expect_eq(step(p.host), 0);
    send_raw(&p, FRAME_EOF, STREAM_TTY, NULL, 0);
    cr_expect_eq(step(p.host), 0);
    send_raw(&p, FRAME_CLOSED, STREAM_STDIN, NULL, 0);
    cr_expect_eq(step(p.host), 0);
    close_pair(&p);
}

Test(rig_relay, blocking_descriptors_get_small_pieces)
{
    struct pair p = open_pair();
    int in[2], out[2];
    make_pipe(in);
    cr_assert_eq(pipe(out), 0); // blocking
    relay_add_source(p.rig, STREAM_STDOUT, in[0]);
    cr_assert_eq(relay_add_sink(p.host, STREAM_STDOUT, out[1], SINK_PIECES), 0);
    size_t total = flood(&p, in[1]); // hangs if a write blocks
    cr_expect_gt(total, 0);
    close(in[1]);
    close(out[0]);
    close_pair(&p);
}
