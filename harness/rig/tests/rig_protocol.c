// SPDX-License-Identifier: Apache-2.0
// The link: frames survive any split, and nothing that a rig or a launcher
// must not send is believed.
#include "harness/rig/protocol.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A link whose other end the test holds.
struct bench {
    struct link *link;
    int peer;
};

static struct bench open_bench(enum link_side side)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    struct bench b = {.link = malloc(sizeof(struct link)), .peer = fds[1]};
    cr_assert_not_null(b.link);
    link_init(b.link, fds[0], side);
    return b;
}

static void close_bench(struct bench *b)
{
    close(b->link->fd);
    close(b->peer);
    free(b->link);
}

static size_t put_frame(uint8_t *to, enum frame_type type, unsigned stream,
                        const void *payload, size_t len)
{
    struct frame_header h = {
        .magic = FRAME_MAGIC,
        .type = (uint8_t)type,
        .stream = (uint8_t)stream,
        .len = (uint32_t)len,
    };
    memcpy(to, &h, sizeof(h));
    if (len > 0)
        memcpy(to + sizeof(h), payload, len);
    return sizeof(h) + len;
}

Test(rig_protocol, every_split_gives_the_same_frames)
{
    uint8_t wire[256];
    uint32_t credit = 7;
    size_t n = put_frame(wire, FRAME_DATA, STREAM_STDOUT, "hello", 5);
    n += put_frame(wire + n, FRAME_EOF, STREAM_STDERR, NULL, 0);
    n += put_frame(wire + n, FRAME_CREDIT, STREAM_STDIN, &credit, 4);
    for (size_t cut = 0; cut <= n; cut++) {
        struct bench b = open_bench(LINK_HOST);
        struct frame f[3];
        char data[6] = "";
        int got = 0;
        const size_t from[] = {0, cut, n};
        for (int part = 0; part < 2; part++) {
            size_t len = from[part + 1] - from[part];
            ssize_t sent = write(b.peer, wire + from[part], len);
            cr_assert_eq(sent, (ssize_t)len);
            cr_assert_eq(link_fill(b.link, NULL), 0);
            while (link_next(b.link, &f[got], NULL) == 1) {
                if (f[got].type == FRAME_DATA)
                    memcpy(data, f[got].payload, f[got].len);
                cr_assert_lt(got++, 3);
            }
        }
        cr_assert_eq(got, 3, "cut at %zu", cut);
        cr_assert_str_eq(data, "hello");
        cr_assert_eq(f[0].stream, STREAM_STDOUT);
        cr_assert_eq(f[1].type, FRAME_EOF);
        cr_assert_eq(f[2].stream, STREAM_STDIN);
        close_bench(&b);
    }
}

Test(rig_protocol, hostile_frames_are_refused)
{
    static const struct {
        const char *what;
        enum link_side side;
        struct frame_header h;
    } cases[] = {
        {"magic", LINK_HOST, {0x1234, FRAME_EOF, STREAM_STDOUT, 0}},
        {"type 0", LINK_HOST, {FRAME_MAGIC, 0, 0, 0}},
        {"type", LINK_HOST, {FRAME_MAGIC, FRAME_TYPE_END, 0, 0}},
        {"type 255", LINK_RIG, {FRAME_MAGIC, 255, 0, 0}},
        {"direction", LINK_HOST, {FRAME_MAGIC, FRAME_SIGNAL, 0, 4}},
        {"direction", LINK_RIG, {FRAME_MAGIC, FRAME_EXIT, 0, 4}},
        {"long",
         LINK_HOST,
         {FRAME_MAGIC, FRAME_DATA, STREAM_STDOUT, FRAME_PAYLOAD_MAX + 1}},
        {"huge",
         LINK_HOST,
         {FRAME_MAGIC, FRAME_DATA, STREAM_STDOUT, UINT32_MAX}},
        {"empty data", LINK_HOST, {FRAME_MAGIC, FRAME_DATA, STREAM_STDOUT, 0}},
        {"short exit", LINK_HOST, {FRAME_MAGIC, FRAME_EXIT, 0, 3}},
        {"long note", LINK_HOST, {FRAME_MAGIC, FRAME_NOTE, 0, 1025}},
        {"stream", LINK_HOST, {FRAME_MAGIC, FRAME_EOF, STREAM_COUNT, 0}},
        {"stream", LINK_HOST, {FRAME_MAGIC, FRAME_HELLO, STREAM_TTY, 4}},
        {"stdin to host", LINK_HOST, {FRAME_MAGIC, FRAME_EOF, STREAM_STDIN, 0}},
        {"stdout to rig", LINK_RIG, {FRAME_MAGIC, FRAME_EOF, STREAM_STDOUT, 0}},
        {"stdout closed by rig",
         LINK_HOST,
         {FRAME_MAGIC, FRAME_CLOSED, STREAM_STDOUT, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b = open_bench(cases[i].side);
        struct frame f;
        struct error err = {{0}};
        ssize_t n = write(b.peer, &cases[i].h, sizeof(cases[i].h));
        cr_assert_eq(n, (ssize_t)sizeof(cases[i].h));
        cr_assert_eq(link_fill(b.link, &err), 0);
        cr_expect_eq(link_next(b.link, &f, &err), -EPROTO, "%s", cases[i].what);
        cr_expect(err.text[0] != '\0');
        close_bench(&b);
    }
}

Test(rig_protocol, a_cut_frame_is_no_frame)
{
    struct bench b = open_bench(LINK_HOST);
    uint8_t wire[64];
    struct frame f;
    size_t n = put_frame(wire, FRAME_DATA, STREAM_STDOUT, "abcdef", 6);
    cr_assert_eq(write(b.peer, wire, n - 1), (ssize_t)n - 1);
    shutdown(b.peer, SHUT_WR);
    cr_assert_eq(link_fill(b.link, NULL), 0);
    cr_expect_eq(link_next(b.link, &f, NULL), 0);
    cr_assert_eq(link_fill(b.link, NULL), 0);
    cr_expect(b.link->eof);
    cr_expect_eq(link_next(b.link, &f, NULL), 0);
    close_bench(&b);
}

Test(rig_protocol, data_leaves_room_for_control)
{
    struct bench b = open_bench(LINK_HOST);
    uint8_t *bytes = calloc(1, FRAME_PAYLOAD_MAX);
    cr_assert_not_null(bytes);
    size_t room;
    while ((room = link_room(b.link)) > 0)
        cr_assert_eq(link_send(b.link, FRAME_DATA, STREAM_STDIN, bytes, room),
                     0);
    uint32_t sig = 15;
    cr_expect_eq(link_send(b.link, FRAME_SIGNAL, 0, &sig, sizeof(sig)), 0);
    cr_expect_eq(
        link_send(b.link, FRAME_DATA, STREAM_STDIN, bytes, FRAME_PAYLOAD_MAX),
        -ENOBUFS);
    free(bytes);
    close_bench(&b);
}

Test(rig_protocol, a_peer_that_went_away_is_no_error)
{
    struct bench b = open_bench(LINK_RIG);
    uint32_t version = PROTOCOL_VERSION;
    close(b.peer);
    b.peer = -1;
    cr_assert_eq(link_send(b.link, FRAME_HELLO, 0, &version, 4), 0);
    signal(SIGPIPE, SIG_IGN);
    cr_expect_eq(link_flush(b.link, NULL), 0);
    cr_expect_eq(link_fill(b.link, NULL), 0);
    cr_expect(b.link->eof);
    close(b.link->fd);
    free(b.link);
}
