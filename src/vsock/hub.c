// SPDX-License-Identifier: Apache-2.0
// See hub.h.
//
// Connections are made and freed on the loop's thread alone, and a callback of
// one does not touch it any more once it is freed. The lock is held throughout
// but when all is closed, where the loop may just be about to call back: that
// finds `closed`, and returns.
#include "src/vsock/hub.h"

#include "src/base/clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// The host's ends of connections that its programs begin have ports from here
// on.
#define FIRST_PORT (UINT32_C(1) << 30)

// ---- Places -----------------------------------------------------------------

static void free_place(struct vsock_hub *hub, struct vsock_place *place)
{
    vsock_connection_end(place->connection);
    free(place->connection);
    place->connection = NULL;
    hub->count--;
    if (hub->paused && hub->listens)
        loop_change(hub->loop, &hub->listener, EPOLLIN);
    hub->paused = false;
}

static void free_if_over(struct vsock_hub *hub, struct vsock_place *place)
{
    if (place->connection && vsock_connection_is_over(place->connection))
        free_place(hub, place);
}

// Of the guest's port and the host's. NULL: none that it knows of.
static struct vsock_place *find(struct vsock_hub *hub, uint32_t host_port,
                                uint32_t guest_port)
{
    for (unsigned i = 0; i < VSOCK_CONNECTIONS; i++) {
        const struct vsock_connection *c = hub->places[i].connection;
        if (c && c->state != VSOCK_SAYING && !c->gone &&
            c->host_port == host_port && c->guest_port == guest_port)
            return &hub->places[i];
    }
    return NULL;
}

static void ready(void *owner, uint32_t events);

// A connection of this socket, which it owns. NULL: there is no room for it.
static struct vsock_place *add(struct vsock_hub *hub, int fd)
{
    struct vsock_place *place = hub->places;
    struct vsock_connection *c = NULL;
    while (hub->count < VSOCK_CONNECTIONS && place->connection)
        place++;
    if (hub->count < VSOCK_CONNECTIONS)
        c = malloc(sizeof *c);
    if (!c) {
        close(fd);
        hub->turned_away++;
        return NULL;
    }
    if (vsock_connection_init(c, hub->loop, fd, ready, place) < 0) {
        free(c);
        hub->turned_away++;
        return NULL;
    }
    place->connection = c;
    hub->count++;
    return place;
}

// ---- Of the host's programs -------------------------------------------------

static bool port_is_free(struct vsock_hub *hub, uint32_t port)
{
    for (unsigned i = 0; i < VSOCK_CONNECTIONS; i++) {
        const struct vsock_connection *c = hub->places[i].connection;
        if (c && c->state != VSOCK_SAYING && c->host_port == port)
            return false;
    }
    return true;
}

// There are more of them than connections.
static uint32_t new_port(struct vsock_hub *hub)
{
    do
        hub->last_port = FIRST_PORT | ((hub->last_port + 1) % FIRST_PORT);
    while (!port_is_free(hub, hub->last_port));
    return hub->last_port;
}

static void ready(void *owner, uint32_t events)
{
    struct vsock_place *place = owner;
    struct vsock_hub *hub = place->hub;
    uint32_t port;
    pthread_mutex_lock(hub->device.lock);
    if (!hub->closed && place->connection) {
        if (vsock_connection_ready(place->connection, events, &port))
            vsock_connection_ask(place->connection, new_port(hub), port);
        free_if_over(hub, place);
        hub->device.wake(hub->device.owner);
    }
    pthread_mutex_unlock(hub->device.lock);
}

static void accept_one(void *owner, uint32_t events)
{
    struct vsock_hub *hub = owner;
    (void)events;
    pthread_mutex_lock(hub->device.lock);
    if (!hub->closed && hub->listens) {
        int fd =
            accept4(hub->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            add(hub, fd);
        } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            // It would be told for ever.
            hub->paused = true;
            loop_change(hub->loop, &hub->listener, 0);
        }
    }
    pthread_mutex_unlock(hub->device.lock);
}

void vsock_hub_listen(struct vsock_hub *hub, bool on)
{
    if (hub->listens == on)
        return;
    hub->listens = on;
    hub->paused = false;
    loop_change(hub->loop, &hub->listener, on ? EPOLLIN : 0);
}

// ---- Of the guest -----------------------------------------------------------

bool vsock_hub_has_room(const struct vsock_hub *hub)
{
    return hub->nanswers < VSOCK_ANSWERS;
}

// Nothing is there where this packet goes (5.10.6.4).
static void answer(struct vsock_hub *hub, const struct vsock_header *h)
{
    if (h->op == VSOCK_RST || !vsock_hub_has_room(hub))
        return;
    unsigned at = (hub->first_answer + hub->nanswers++) % VSOCK_ANSWERS;
    hub->answers[at] = (struct vsock_header){
        .src_cid = h->dst_cid,
        .dst_cid = hub->cid,
        .src_port = h->dst_port,
        .dst_port = h->src_port,
        .type = h->type,
        .op = VSOCK_RST,
    };
}

// The program at that port is to have the connection that the guest asks for.
static struct vsock_place *dial(struct vsock_hub *hub,
                                const struct vsock_header *h)
{
    if (hub->count == VSOCK_CONNECTIONS) {
        hub->turned_away++;
        return NULL;
    }
    int fd = vsock_path_dial(&hub->file, h->dst_port);
    return fd < 0 ? NULL : add(hub, fd);
}

static const char *accept_guest(struct vsock_hub *hub,
                                const struct vsock_header *h)
{
    struct vsock_place *place = dial(hub, h);
    if (!place) {
        answer(hub, h);
        return NULL;
    }
    vsock_connection_open(place->connection, h->dst_port, h->src_port);
    if (vsock_credit_hear(&place->connection->credit, h))
        return NULL;
    vsock_connection_reset(place->connection);
    return "a request for a connection on which bytes were read already";
}

const char *vsock_hub_take(struct vsock_hub *hub, const struct vsock_header *h,
                           const uint8_t *bytes, uint32_t len)
{
    // To whom should this be said?
    if (h->src_cid != hub->cid)
        return "a packet of a socket in another guest's name";
    if (h->type != VSOCK_STREAM) {
        answer(hub, h);
        return "a packet for a type of socket that isn't there";
    }
    // A program of the guest's may try what it likes.
    if (h->dst_cid != VSOCK_HOST_CID) {
        answer(hub, h);
        return NULL;
    }
    struct vsock_place *place = find(hub, h->dst_port, h->src_port);
    const char *why = NULL;
    if (h->len != len || (len && h->op != VSOCK_RW))
        why = "a packet of a socket whose length is not that of its bytes";
    if (!place && !why && h->op == VSOCK_REQUEST)
        why = accept_guest(hub, h);
    else if (!place)
        answer(hub, h);
    else if (why)
        vsock_connection_reset(place->connection);
    else
        why = vsock_connection_hear(place->connection, h, bytes);
    if (place)
        free_if_over(hub, place);
    return why;
}

// ---- To the guest -----------------------------------------------------------

static void arm(struct vsock_hub *hub, uint64_t ns)
{
    hub->timer_ns = ns;
    loop_timer_set(&hub->timer, ns);
}

void vsock_hub_expire(struct vsock_hub *hub, uint64_t now_ns)
{
    uint64_t next = CLOCK_NEVER;
    for (unsigned i = 0; i < VSOCK_CONNECTIONS; i++) {
        struct vsock_connection *c = hub->places[i].connection;
        if (!c || !c->over_ns || c->state == VSOCK_OVER)
            continue;
        if (c->over_ns <= now_ns)
            vsock_connection_reset(c);
        else if (c->over_ns < next)
            next = c->over_ns;
    }
    arm(hub, next);
}

static void fired(void *owner)
{
    struct vsock_hub *hub = owner;
    pthread_mutex_lock(hub->device.lock);
    if (!hub->closed) {
        vsock_hub_expire(hub, clock_now_ns());
        hub->device.wake(hub->device.owner);
    }
    pthread_mutex_unlock(hub->device.lock);
}

static bool next_of(struct vsock_hub *hub, struct vsock_place *place,
                    struct vsock_header *h, uint8_t *bytes, uint32_t room)
{
    struct vsock_connection *c = place->connection;
    *h = (struct vsock_header){.src_cid = VSOCK_HOST_CID, .dst_cid = hub->cid};
    if (!c || !vsock_connection_next(c, h, bytes, room))
        return false;
    if (c->told_ended == VSOCK_BOTH && !c->over_ns) {
        c->over_ns = clock_now_ns() + VSOCK_CLOSE_NS;
        if (c->over_ns < hub->timer_ns)
            arm(hub, c->over_ns);
    }
    return true;
}

bool vsock_hub_next(struct vsock_hub *hub, struct vsock_header *h,
                    uint8_t *bytes, uint32_t room)
{
    if (hub->nanswers) {
        *h = hub->answers[hub->first_answer];
        hub->first_answer = (hub->first_answer + 1) % VSOCK_ANSWERS;
        hub->nanswers--;
        return true;
    }
    bool got = false;
    for (unsigned i = 0; i < VSOCK_CONNECTIONS && !got; i++) {
        struct vsock_place *place = &hub->places[hub->turn];
        hub->turn = (hub->turn + 1) % VSOCK_CONNECTIONS;
        got = next_of(hub, place, h, bytes, room);
        free_if_over(hub, place);
    }
    return got;
}

// ---- All of it --------------------------------------------------------------

int vsock_hub_open(struct vsock_hub *hub, struct loop *loop, const char *path,
                   uint32_t cid, const struct vsock_owner *device,
                   struct error *err)
{
    *hub = (struct vsock_hub){
        .loop = loop,
        .device = *device,
        .cid = cid,
        .timer_ns = CLOCK_NEVER,
        .listener = {.fd = -1, .ready = accept_one, .owner = hub},
    };
    for (unsigned i = 0; i < VSOCK_CONNECTIONS; i++)
        hub->places[i].hub = hub;
    int code = loop_timer_add(loop, &hub->timer, fired, hub, err);
    if (code < 0)
        return code;
    int fd = vsock_path_listen(path, &hub->file, err);
    if (fd < 0)
        return fd;
    hub->listener.fd = fd;
    return loop_add(loop, &hub->listener, 0, err);
}

void vsock_hub_drop(struct vsock_hub *hub)
{
    for (unsigned i = 0; i < VSOCK_CONNECTIONS; i++)
        if (hub->places[i].connection)
            free_place(hub, &hub->places[i]);
    hub->nanswers = 0;
}

void vsock_hub_close(struct vsock_hub *hub)
{
    pthread_mutex_lock(hub->device.lock);
    hub->closed = true;
    pthread_mutex_unlock(hub->device.lock);
    // From now on no callback makes or frees anything.
    loop_timer_remove(hub->loop, &hub->timer);
    vsock_path_remove(&hub->file);
    if (hub->listener.fd >= 0) {
        loop_remove(hub->loop, &hub->listener);
        close(hub->listener.fd);
        hub->listener.fd = -1;
    }
    hub->listens = false;
    vsock_hub_drop(hub);
}
