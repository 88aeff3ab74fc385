// SPDX-License-Identifier: Apache-2.0
// The user-mode network with the real library: what a guest reaches and what it
// doesn't, with servers of the test on the loopback. And captures.
#include "src/base/files_list.h"
#include "src/net/capture.h"
#include "src/net/user.h"
#include "src/tests/guard_fixture.h"
#include "src/tests/net_frames.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAMES 64

struct fixture {
    struct guard_log guard;
    struct loop *loop;
    struct net_wire wire;
    struct loop_event go; // sends `out` on the loop
    struct frame out;
    int server; // listens on the loopback
    uint16_t port;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned nframes; // and what follows, under lock
    struct frame frames[FRAMES];
    unsigned rounds; // how often out was sent
};

static void on_deliver(void *owner, const uint8_t *frame, size_t len)
{
    struct fixture *f = owner;
    pthread_mutex_lock(&f->lock);
    struct frame *to = &f->frames[f->nframes++ % FRAMES];
    memcpy(to->bytes, frame, len);
    to->len = len;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void on_go(void *owner)
{
    struct fixture *f = owner;
    net_wire_send(&f->wire, f->out.bytes, f->out.len);
    net_wire_sent(&f->wire);
    pthread_mutex_lock(&f->lock);
    f->rounds++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(fd, 4), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

// As in a worker: where the kernel can list ports (Linux 6.7) this process
// connects to that one alone.
static void list_port(uint16_t port)
{
    struct files_list list;
    if (!sandbox_is_offered() || files_list_open(&list, true, NULL))
        return;
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(
        files_list_add(&list, "/", FILES_READ | FILES_WRITE | FILES_MAKE), 0);
    cr_assert_eq(files_list_add_port(&list, FILES_CONNECT, port), 0);
    cr_assert_eq(files_list_enforce(&list), 0);
    files_list_close(&list);
}

static void set_up(struct fixture *f, enum sandbox_thread kind)
{
    struct error err = {""};
    memset(f, 0, sizeof *f);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->server = listen_somewhere(&f->port);
    if (kind == SANDBOX_LOOP_CONNECTS)
        list_port(f->port);
    guard_log_begin(&f->guard, NULL);
    const struct guard_seat seat =
        guard_log_seat(&f->guard, kind, "the network");
    f->loop = loop_new(&seat, &err);
    cr_assert_not_null(f->loop);
    f->wire.card = (struct net_card){.owner = f, .deliver = on_deliver};
    cr_assert_eq(loop_event_add(f->loop, &f->go, on_go, f, &err), 0);
}

static void open_network(struct fixture *f, const struct net_user_setup *setup)
{
    struct error err = {""};
    cr_assert_eq(net_user_open(&f->wire, f->loop, setup, &err), 0, "%s",
                 err.text);
}

static void tear_down(struct fixture *f)
{
    loop_event_remove(f->loop, &f->go);
    net_wire_close(&f->wire);
    loop_free(f->loop);
    guard_log_end_well(&f->guard);
    close(f->server);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

// Sends a frame and returns when the network has taken it.
static void put(struct fixture *f, struct frame frame)
{
    pthread_mutex_lock(&f->lock);
    unsigned before = f->rounds;
    f->out = frame;
    pthread_mutex_unlock(&f->lock);
    loop_event_signal(&f->go);
    pthread_mutex_lock(&f->lock);
    while (f->rounds == before)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

// The next frame of TCP, or of another protocol of IP, or 0 for ARP.
static struct frame next(struct fixture *f, unsigned *seen, uint8_t protocol)
{
    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (*seen == f->nframes)
            pthread_cond_wait(&f->changed, &f->lock);
        struct frame *got = &f->frames[(*seen)++ % FRAMES];
        bool arp = frame_16(got->bytes + 12) == 0x0806;
        if (arp ? protocol == 0 : got->bytes[23] == protocol) {
            struct frame out = *got;
            pthread_mutex_unlock(&f->lock);
            return out;
        }
    }
}

static bool somebody_came(struct fixture *f)
{
    struct pollfd p = {.fd = f->server, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

Test(net_user, gateway)
{
    struct fixture f;
    const struct net_user_setup setup = {.nforwards = 0};
    unsigned seen = 0;
    set_up(&f, SANDBOX_LOOP);
    open_network(&f, &setup);
    put(&f, frame_arp(GATEWAY));
    struct frame reply = next(&f, &seen, 0);
    cr_assert_eq(frame_16(reply.bytes + 20), 2);
    cr_assert_eq(frame_32(reply.bytes + 28), GATEWAY);
    put(&f, frame_ping(GATEWAY));
    reply = next(&f, &seen, P_ICMP);
    cr_assert_eq(reply.bytes[34], 0); // an echo reply
    cr_assert_eq(memcmp(reply.bytes + 42, "ping", 4), 0);
    // A name, by the gateway itself.
    const uint8_t gateway[] = "\0\1\1\0\0\1\0\0\0\0\0\0\7gateway\0\0\1\0\1";
    put(&f, frame_udp(NAMESERVER, 9, 53, gateway, sizeof gateway - 1));
    reply = next(&f, &seen, P_UDP);
    cr_assert_eq(frame_32(reply.bytes + reply.len - 4), GATEWAY);
    tear_down(&f);
}

// Any way to begin a connection but the one that was asked for: nobody comes.
Test(net_user, nothing_else_is_reached)
{
    struct fixture f;
    struct net_user_setup setup = {.nforwards = 0};
    set_up(&f, SANDBOX_LOOP_CONNECTS);
    // The library's own fence is down with this, the filter stands.
    setup.filter = (struct net_filter){.nreach = 1, .reach = {1}};
    open_network(&f, &setup);
    for (unsigned flags = 0; flags < 256; flags++) {
        put(&f, frame_tcp(GATEWAY, 9, f.port, (uint8_t)flags, 1, 1));
        put(&f, frame_tcp(0x7f000001, 9, f.port, (uint8_t)flags, 1, 1));
    }
    struct frame odd = frame_tcp(GATEWAY, 9, f.port, F_SYN, 1, 0);
    odd.bytes[20] = 0x80;
    frame_seal(&odd);
    put(&f, odd);
    const struct timespec a_while = {0, 20 * 1000 * 1000};
    nanosleep(&a_while, NULL);
    cr_assert_not(somebody_came(&f));
    tear_down(&f);
}

// The guest's half of a connection that it begins.
static int connect_out(struct fixture *f, unsigned *seen, uint32_t *sequence)
{
    put(f, frame_tcp(GATEWAY, 4000, f->port, F_SYN, 1000, 0));
    int fd = accept(f->server, NULL, NULL);
    cr_assert(fd >= 0);
    // It learns our address first.
    put(f, frame_arp(GATEWAY));
    struct frame reply = next(f, seen, P_TCP);
    cr_assert_eq(reply.bytes[47], F_SYN | F_ACK);
    *sequence = frame_32(reply.bytes + 38) + 1;
    put(f, frame_tcp(GATEWAY, 4000, f->port, F_ACK, 1001, *sequence));
    return fd;
}

Test(net_user, reach)
{
    struct fixture f;
    struct net_user_setup setup = {.nforwards = 0};
    unsigned seen = 0;
    uint32_t sequence;
    set_up(&f, SANDBOX_LOOP_CONNECTS);
    setup.filter = (struct net_filter){.nreach = 1, .reach = {f.port}};
    open_network(&f, &setup);
    int fd = connect_out(&f, &seen, &sequence);
    cr_assert_eq(write(fd, "hello", 5), 5);
    struct frame reply = next(&f, &seen, P_TCP);
    while (reply.len < 54 + 5)
        reply = next(&f, &seen, P_TCP);
    cr_assert_eq(memcmp(reply.bytes + 54, "hello", 5), 0);
    cr_assert_eq(frame_32(reply.bytes + 26), GATEWAY);
    close(fd);
    tear_down(&f);
}

Test(net_user, forward)
{
    struct fixture f;
    struct net_user_setup setup = {.nforwards = 1};
    unsigned seen = 0;
    uint16_t port;
    set_up(&f, SANDBOX_LOOP_ACCEPTS);
    // A port that is free: that of a server that is gone.
    close(listen_somewhere(&port));
    setup.forwards[0] = (struct net_forward){port, 22};
    open_network(&f, &setup);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    // It asks where the guest is, which says so by asking itself.
    struct frame who = next(&f, &seen, 0);
    cr_assert_eq(frame_32(who.bytes + 38), GUEST);
    put(&f, frame_arp(GATEWAY));
    struct frame syn = next(&f, &seen, P_TCP);
    cr_assert_eq(syn.bytes[47], F_SYN);
    cr_assert_eq(frame_16(syn.bytes + 36), 22);
    cr_assert_eq(frame_32(syn.bytes + 26), GATEWAY);
    uint16_t theirs = frame_16(syn.bytes + 34);
    uint32_t sequence = frame_32(syn.bytes + 38) + 1;
    put(&f, frame_tcp(GATEWAY, 22, theirs, F_SYN | F_ACK, 5000, sequence));
    cr_assert_eq(write(fd, "knock", 5), 5);
    struct frame data = next(&f, &seen, P_TCP);
    while (data.len < 54 + 5)
        data = next(&f, &seen, P_TCP);
    cr_assert_eq(memcmp(data.bytes + 54, "knock", 5), 0);
    close(fd);
    tear_down(&f);
}

Test(net_user, a_port_that_is_taken)
{
    struct fixture f;
    struct net_user_setup setup = {.nforwards = 1};
    struct error err = {""};
    set_up(&f, SANDBOX_LOOP_ACCEPTS);
    setup.forwards[0] = (struct net_forward){f.port, 22};
    cr_assert_eq(net_user_open(&f.wire, f.loop, &setup, &err), -EADDRINUSE);
    cr_assert(strstr(err.text, "can't forward port "));
    cr_assert(strstr(err.text, ": Address already in use"), "%s", err.text);
    tear_down(&f);
}

// No guest takes more of the host's descriptors than it may.
Test(net_user, connections_have_a_bound)
{
    struct fixture f;
    struct net_user_setup setup = {.nforwards = 0};
    set_up(&f, SANDBOX_LOOP_CONNECTS);
    setup.filter = (struct net_filter){.nreach = 1, .reach = {f.port}};
    open_network(&f, &setup);
    int before = dup(0);
    for (unsigned i = 0; i < 2 * NET_CONNECTIONS_MAX; i++)
        put(&f, frame_tcp(GATEWAY, (uint16_t)(1000 + i), f.port, F_SYN, 1, 0));
    int after = dup(0);
    cr_assert_leq(after - before, NET_CONNECTIONS_MAX + 8);
    close(before);
    close(after);
    tear_down(&f);
}

// ---- Captures --------------------------------------------------------------

Test(net_capture, a_file)
{
    char path[] = "/tmp/toyvmm-test-pcap-XXXXXX";
    struct error err = {""};
    int code = 0;
    uint32_t head[10];
    close(mkstemp(path));
    struct net_capture *c = net_capture_open(path, 200, &code, &err);
    cr_assert_not_null(c, "%s", err.text);
    struct net_wire wire = {.capture = c};
    uint8_t frame[100] = {1, 2, 3};
    net_wire_send(&wire, frame, 60);
    net_wire_deliver(&wire, frame, 14);
    cr_assert_not(net_capture_is_cut(c));
    net_wire_send(&wire, frame, 100);
    cr_assert(net_capture_is_cut(c));
    net_wire_send(&wire, frame, 14); // would fit, but nothing is left out
    net_capture_close(c);
    FILE *file = fopen(path, "r");
    cr_assert_eq(fread(head, 4, 10, file), 10U);
    cr_assert_eq(head[0], 0xa1b23c4dU);
    cr_assert_eq(head[5], 1U);
    cr_assert_eq(head[8], 60U);
    cr_assert_eq(head[9], 60U);
    cr_assert_eq(fseek(file, 0, SEEK_END), 0);
    cr_assert_eq(ftell(file), 24 + 16 + 60 + 16 + 14);
    fclose(file);
    unlink(path);
}

Test(net_capture, what_cant_be_written)
{
    struct error err = {""};
    int code = 0;
    cr_assert_null(
        net_capture_open("/no/such/folder/x.pcap", 100, &code, &err));
    cr_assert_eq(code, -ENOENT);
    cr_assert_str_eq(err.text, "can't write the capture /no/such/folder/x.pcap:"
                               " No such file or directory");
    cr_assert_null(net_capture_open("/dev/full", 100, &code, &err));
    cr_assert_eq(code, -ENOSPC);
}
