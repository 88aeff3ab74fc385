// SPDX-License-Identifier: Apache-2.0
// The user-mode network. See user.h.
//
// Everything but opening and closing happens on the event loop. A frame of the
// guest's is a question that the gateway answers by itself, or passes the
// filter and becomes libslirp's, or is dropped. libslirp's sockets are one
// descriptor for the loop (poll_set.h); when it has something to do it is asked
// once for all of them.
#include "src/net/user.h"

#include "src/base/clock.h"
#include "src/net/packet.h"
#include "src/net/poll_set.h"
#include "src/net/services.h"
#include "src/net/slirp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct net_user {
    struct slirp_library lib;
    Slirp *slirp;
    SlirpCb callbacks; // libslirp keeps a pointer to it
    struct net_wire *wire;
    struct loop *loop;
    struct net_filter filter;
    struct poll_set set;
    struct loop_source sockets; // the set's descriptor
    struct loop_timer timer;
    size_t begun; // connections since the set was made
};

// ---- What libslirp calls ---------------------------------------------------

static ssize_t on_packet(const void *buf, size_t len, void *opaque)
{
    struct net_user *u = opaque;
    net_wire_deliver(u->wire, buf, len);
    return (ssize_t)len;
}

static int64_t on_clock(void *opaque)
{
    (void)opaque;
    return (int64_t)clock_now_ns();
}

// What a guest does wrong is its own affair.
static void on_guest_error(const char *msg, void *opaque)
{
    (void)msg, (void)opaque;
}

// Only the router of IPv6 has timers, and there is none.
static void *on_timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
    (void)cb, (void)cb_opaque, (void)opaque;
    return NULL;
}

static void on_timer_free(void *timer, void *opaque)
{
    (void)timer, (void)opaque;
}

static void on_timer_mod(void *timer, int64_t expire_time, void *opaque)
{
    (void)timer, (void)expire_time, (void)opaque;
}

// What it waits for is asked after everything that it does.
static void on_fd(int fd, void *opaque)
{
    (void)fd, (void)opaque;
}

static void on_notify(void *opaque)
{
    (void)opaque;
}

// ---- Waiting ---------------------------------------------------------------

static const struct {
    int slirp;
    uint32_t epoll;
} kinds[] = {
    {SLIRP_POLL_IN, EPOLLIN},   {SLIRP_POLL_OUT, EPOLLOUT},
    {SLIRP_POLL_PRI, EPOLLPRI}, {SLIRP_POLL_ERR, EPOLLERR},
    {SLIRP_POLL_HUP, EPOLLHUP},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static int add_poll(int fd, int events, void *opaque)
{
    struct net_user *u = opaque;
    uint32_t wanted = 0;
    for (size_t i = 0; i < KINDS; i++)
        wanted |= events & kinds[i].slirp ? kinds[i].epoll : 0;
    poll_set_want(&u->set, fd, wanted);
    return fd;
}

static int get_revents(int fd, void *opaque)
{
    struct net_user *u = opaque;
    uint32_t ready = poll_set_ready(&u->set, fd);
    int events = 0;
    for (size_t i = 0; i < KINDS; i++)
        events |= ready & kinds[i].epoll ? kinds[i].slirp : 0;
    return events;
}

static void plan(struct net_user *u)
{
    uint32_t timeout_ms = UINT32_MAX;
    poll_set_begin(&u->set);
    u->lib.fill(u->slirp, &timeout_ms, add_poll, u);
    poll_set_end(&u->set);
    u->begun = 0;
    loop_timer_set(&u->timer,
                   timeout_ms == UINT32_MAX
                       ? CLOCK_NEVER
                       : clock_after(clock_now_ns(), timeout_ms * NS_PER_MS));
}

static void work(void *owner)
{
    struct net_user *u = owner;
    poll_set_look(&u->set);
    u->lib.poll(u->slirp, 0, get_revents, u);
    plan(u);
    net_wire_delivered(u->wire);
}

static void sockets_ready(void *owner, uint32_t events)
{
    (void)events;
    work(owner);
}

// ---- The wire's end --------------------------------------------------------

static void send_frame(void *owner, const uint8_t *frame, size_t len)
{
    struct net_user *u = owner;
    uint8_t reply[NET_FRAME_MAX];
    size_t n = net_services_answer(frame, len, reply);
    if (n) {
        net_wire_deliver(u->wire, reply, n);
        return;
    }
    u->filter.full = u->set.count + u->begun >= NET_CONNECTIONS_MAX;
    switch (net_filter_judge(&u->filter, frame, len)) {
    case NET_BEGINS:
        u->begun++;
        u->lib.input(u->slirp, frame, (int)len);
        break;
    case NET_PASSES:
        u->lib.input(u->slirp, frame, (int)len);
        break;
    case NET_REFUSED:
        net_wire_deliver(u->wire, reply, net_filter_refuse(frame, reply));
        break;
    case NET_DROPPED:
        break;
    }
}

static void settle(void *owner)
{
    struct net_user *u = owner;
    plan(u);
    net_wire_delivered(u->wire);
}

static void close_network(void *owner)
{
    struct net_user *u = owner;
    loop_remove(u->loop, &u->sockets);
    loop_timer_remove(u->loop, &u->timer);
    if (u->slirp)
        u->lib.cleanup(u->slirp);
    poll_set_close(&u->set);
    slirp_library_unload(&u->lib);
    free(u);
}

// ---- Opening ---------------------------------------------------------------

static struct in_addr address(uint32_t value)
{
    return (struct in_addr){.s_addr = htonl(value)};
}

static int start_slirp(struct net_user *u, struct error *err)
{
    const SlirpConfig config = {
        .version = 1,
        // Nothing of the host's is wanted: then libslirp says so, too.
        .restricted = u->filter.nreach == 0,
        .in_enabled = true,
        .vnetwork = address(NET_USER_NETWORK),
        .vnetmask = address(NET_USER_MASK),
        .vhost = address(NET_USER_GATEWAY),
        .vdhcp_start = address(NET_USER_GUEST),
        .vnameserver = address(NET_USER_NAMESERVER),
    };
    u->callbacks = (SlirpCb){
        .send_packet = on_packet,
        .guest_error = on_guest_error,
        .clock_get_ns = on_clock,
        .timer_new = on_timer_new,
        .timer_free = on_timer_free,
        .timer_mod = on_timer_mod,
        .register_poll_fd = on_fd,
        .unregister_poll_fd = on_fd,
        .notify = on_notify,
    };
    u->slirp = u->lib.new(&config, &u->callbacks, u);
    if (!u->slirp)
        return error_set(err, -ENODEV, "libslirp makes no network");
    return 0;
}

static int add_forward(struct net_user *u, const struct net_forward *f,
                       struct error *err)
{
    errno = 0;
    if (u->lib.add_forward(u->slirp, 0, address(INADDR_LOOPBACK), f->host,
                           address(NET_USER_GUEST), f->guest) == 0)
        return 0;
    return error_errno(err, errno ? errno : EADDRINUSE,
                       "can't forward port %u of this machine's loopback to "
                       "port %u of the guest",
                       f->host, f->guest);
}

int net_user_open(struct net_wire *wire, struct loop *loop,
                  const struct net_user_setup *setup, struct error *err)
{
    struct net_user *u = calloc(1, sizeof *u);
    if (!u)
        return error_set(err, -ENOMEM, "out of memory");
    u->wire = wire;
    u->loop = loop;
    u->filter = setup->filter;
    int code = poll_set_open(&u->set, err);
    if (code == 0)
        code = loop_timer_add(loop, &u->timer, work, u, err);
    if (code == 0)
        code = slirp_library_load(&u->lib, err);
    if (code == 0)
        code = start_slirp(u, err);
    for (size_t i = 0; code == 0 && i < setup->nforwards; i++)
        code = add_forward(u, &setup->forwards[i], err);
    if (code < 0) {
        close_network(u);
        return code;
    }
    wire->network = (struct net_network){
        .owner = u,
        .send = send_frame,
        .settle = settle,
        .close = close_network,
    };
    u->sockets = (struct loop_source){
        .fd = u->set.fd, .ready = sockets_ready, .owner = u};
    code = loop_add(loop, &u->sockets, EPOLLIN, err);
    // From here on all of it is the loop's, what it begins with, too.
    loop_timer_set(&u->timer, 0);
    return code;
}

int net_user_check(struct error *err)
{
    struct slirp_library lib;
    int code = slirp_library_load(&lib, err);
    slirp_library_unload(&lib);
    return code;
}
